// Layers of images: shapes, parameters and work of Keras' mnist_cnn, both kinds of padding, what is
// refused, and descriptions that come back as they were.
#include <string.h>

#include "nn/model.h"
#include "ops/support.h"

static tarn_model *mnist_cnn(void) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(28, 28, 1), 1, &m));
    tarn_model_add(m, tarn_conv2d_layer(32, .kernel_size = {3, 3}, .activation = "relu"));
    tarn_model_add(m, tarn_conv2d_layer(64, .kernel_size = {3}, .activation = "relu"));
    tarn_model_add(m, tarn_max_pooling2d(.pool_size = {2, 2}));
    tarn_model_add(m, tarn_batch_normalization(.name = NULL));
    tarn_model_add(m, tarn_dropout_layer(0.25));
    tarn_model_add(m, tarn_flatten_layer());
    tarn_model_add(m, tarn_dense(128, .activation = "relu"));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(ti_model_build(m));
    return m;
}

TEST(mnist_cnn_has_keras_names_sizes_and_work) {
    static const struct {
        const char *name;
        int64_t output[4], parameters, not_trained;
        double flops;
    } want[] = {
        {"conv2d", {26, 26, 32}, 320, 0, 2.0 * 26 * 26 * 9 * 32},
        {"conv2d_1", {24, 24, 64}, 18496, 0, 2.0 * 24 * 24 * 9 * 32 * 64},
        {"max_pooling2d", {12, 12, 64}, 0, 0, 0},
        {"batch_normalization", {12, 12, 64}, 256, 128, 0},
        {"dropout", {12, 12, 64}, 0, 0, 0},
        {"flatten", {9216}, 0, 0, 0},
        {"dense", {128}, 1179776, 0, 2.0 * 9216 * 128},
        {"dense_1", {10}, 1290, 0, 2.0 * 128 * 10},
    };
    tarn_model *m = mnist_cnn();
    tarn_layer_info info;
    for (int i = 0; i < 8; i++) {
        CHECK_OK(tarn_model_layer_info(m, i, &info));
        CHECK_STR(info.name, want[i].name);
        for (int d = 1; d < info.output.rank; d++)
            CHECK_EQ_I(info.output.dim[d], want[i].output[d - 1]);
        CHECK_EQ_I(info.parameters, want[i].parameters);
        CHECK_EQ_I(info.not_trained, want[i].not_trained);
        CHECK(info.flops == want[i].flops);
    }
    CHECK(tarn_store_has(tarn_model_store(m), "conv2d_1/kernel"));
    CHECK(tarn_store_has(tarn_model_store(m), "batch_normalization/moving_variance"));
    tarn_model_free(m);
}

// Ones under a window of ones: how many pixels it covers. Keras puts the odd row at the end.
TEST(same_padding_is_at_the_end) {
    static const struct {
        int64_t side, places;
        int size, stride;
        double rows[5];  // of ones that each place covers; columns alike
    } cases[] = {
        {4, 4, 3, 1, {2, 3, 3, 2}}, {4, 2, 3, 2, {3, 2}}, {5, 3, 3, 2, {2, 3, 2}},
        {4, 4, 2, 1, {2, 2, 2, 1}}, {7, 2, 4, 4, {4, 3}}, {5, 2, 1, 4, {1, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t side = cases[i].side, n = cases[i].places;
        int k = cases[i].size, s = cases[i].stride;
        tarn_init ones = tarn_init_ones();
        tarn_model *m = NULL;
        float x[49];
        double want[25];
        for (int j = 0; j < 49; j++) x[j] = 1;
        for (int64_t j = 0; j < n * n; j++) want[j] = cases[i].rows[j / n] * cases[i].rows[j % n];
        CHECK_OK(tarn_sequential(TARN_SHAPE(side, side, 1), 1, &m));
        tarn_model_add(m, tarn_conv2d_layer(1, .kernel_size = {k}, .strides = {s},
                                            .padding = "same", .kernel_initializer = &ones));
        rig r = {.store = tarn_model_store(m), .g = tarn_graph_create(tarn_model_store(m))};
        tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(1, side, side, 1));
        tarn_node *y = tarn_model_apply(m, r.g, in, false);
        rig_compile(&r, TARN_FETCH(y), "cpu", NULL);
        CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(1, side, side, 1)));
        CHECK_OK(tarn_run(r.p));
        CHECK_EQ_I(tarn_node_dim(y, 1), n);
        CHECK_CLOSE((const float *)tarn_result(r.p, 0, NULL), want, n * n, 0, 0);
        tarn_program_free(r.p);
        tarn_graph_free(r.g);
        tarn_model_free(m);
    }
}

static tarn_status status_of(tarn_shape input, tarn_layer layer) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(input, 1, &m));
    tarn_model_add(m, layer);
    tarn_status st = ti_model_status(m);
    tarn_model_free(m);
    return st;
}

TEST(layers_of_images_say_what_they_expect) {
    tarn_shape image = TARN_SHAPE(5, 6, 2), row = TARN_SHAPE(60);
    CHECK_ERR(status_of(row, tarn_conv2d_layer(3, .kernel_size = {3})), TARN_ESHAPE,
              "layer 'conv2d' expects samples of [height, width, channels], a sample here has 1 "
              "axes: put a reshape layer before it");
    CHECK_ERR(status_of(row, tarn_max_pooling2d(.pool_size = {2})), TARN_ESHAPE,
              "put a reshape layer");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(0, .kernel_size = {3})), TARN_EARG,
              "layer 'conv2d' expects 1 to 16777216 filters, not 0");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(3, .strides = {1})), TARN_EARG,
              "expects windows and strides of 1 to 32768, not 0 x 0 and 1 x 1");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(3, .kernel_size = {3}, .strides = {-1})),
              TARN_EARG, "not 3 x 3 and -1 x -1");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(3, .kernel_size = {6})), TARN_ESHAPE,
              "layer 'conv2d': 5 x 6 is smaller than the window of 6 x 6");
    CHECK_ERR(status_of(image, tarn_max_pooling2d(.pool_size = {1, 1 << 20})), TARN_EARG,
              "not 1 x 1048576");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(3, .kernel_size = {3}, .padding = "some")),
              TARN_ENOENT, "layer 'conv2d': unknown padding 'some', did you mean 'same'?");
    CHECK_ERR(status_of(image, tarn_conv2d_layer(3, .kernel_size = {3}, .activation = "rellu")),
              TARN_ENOENT, "did you mean 'relu'?");
    CHECK_ERR(status_of(image, tarn_batch_normalization(.momentum = 2)), TARN_EARG,
              "layer 'batch_normalization' expects a momentum of 0 to 1, not 2");
    CHECK_ERR(status_of(image, tarn_batch_normalization(.epsilon = -1)), TARN_EARG,
              "an epsilon of 0 to 1, not -1");
    CHECK_ERR(status_of(image, tarn_reshape_layer(TARN_SHAPE(7, -1))), TARN_ESHAPE,
              "layer 'reshape': 60 numbers a sample do not fill the target shape");
    CHECK_ERR(status_of(image, tarn_reshape_layer(TARN_SHAPE(-1, -1))), TARN_ESHAPE, "fill");
    CHECK_ERR(status_of(image, tarn_reshape_layer(TARN_SHAPE(0, -1))), TARN_ESHAPE, "fill");
    CHECK_ERR(status_of(image, tarn_reshape_layer(TARN_SCALAR)), TARN_ESHAPE, "1 to 7 sizes");
    int64_t much = (int64_t)1 << 40;
    CHECK_ERR(status_of(image, tarn_reshape_layer(TARN_SHAPE(much, much, 1))), TARN_ESHAPE, "fill");
    CHECK_OK(status_of(image, tarn_reshape_layer(TARN_SHAPE(-1, 3))));
}

// Options at other than their presets.
static tarn_model *unusual(void) {
    tarn_model *m = NULL;
    tarn_init half = tarn_init_constant(0.5), he = tarn_init_he_normal();
    char padding[] = "same", activation[] = "tanh";
    CHECK_OK(tarn_sequential(TARN_SHAPE(24, 10), 3, &m));
    tarn_model_add(m, tarn_reshape_layer(TARN_SHAPE(-1, 10, 2)));
    tarn_model_add(m, tarn_conv2d_layer(3, .kernel_size = {2, 3}, .strides = {1, 2},
                                        .padding = padding, .activation = activation,
                                        .kernel_initializer = &he, .bias_initializer = &half));
    tarn_model_add(m, tarn_conv2d_layer(3, .kernel_size = {1}, .no_bias = true));
    tarn_model_add(m,
                   tarn_max_pooling2d(.pool_size = {3, 2}, .strides = {2, 1}, .padding = padding));
    tarn_model_add(m, tarn_batch_normalization(.momentum = TARN_ZERO, .epsilon = TARN_ZERO,
                                               .no_center = true, .gamma_initializer = &half));
    tarn_model_add(m, tarn_batch_normalization(.no_scale = true, .beta_initializer = &half));
    memset(padding, 'x', 4);
    memset(activation, 'x', 4);
    half.a = 9;
    CHECK_OK(ti_model_build(m));
    return m;
}

TEST(descriptions_of_layers_of_images_come_back) {
    tarn_model *models[] = {mnist_cnn(), unusual()};
    for (int i = 0; i < 2; i++) {
        const char *text, *again;
        char kept[8192], hash[2][65];
        tarn_model *m = NULL;
        CHECK_OK(tarn_model_to_json(models[i], &text));
        CHECK((size_t)snprintf(kept, sizeof kept, "%s", text) < sizeof kept);
        CHECK_OK(tarn_model_from_json(kept, strlen(kept), &m));
        CHECK_OK(tarn_model_to_json(m, &again));
        CHECK_STR(again, kept);
        CHECK_OK(ti_model_build(m));
        CHECK_OK(tarn_store_sha256(tarn_model_store(models[i]), hash[0]));
        CHECK_OK(tarn_store_sha256(tarn_model_store(m), hash[1]));
        CHECK_STR(hash[0], hash[1]);
        tarn_shape a = tarn_model_output_shape(m), b = tarn_model_output_shape(models[i]);
        CHECK(tarn_shape_equal(&a, &b));
        tarn_model_free(m);
        tarn_model_free(models[i]);
    }
}

#define LAYER(layer)                                                                               \
    "{\"format\":\"tarn.model\",\"version\":1,\"seed\":\"1\",\"input\":[6,6,2],\"layers\":[" layer \
    "],\"preprocessing\":{},\"labels\":[]}"

TEST(bad_descriptions_of_layers_of_images_are_refused) {
    static const struct {
        const char *text, *why;
    } bad[] = {
        {LAYER("{\"kind\":\"conv2d\",\"filters\":2}"), "not 0 x 0"},
        {LAYER("{\"kind\":\"conv2d\",\"filters\":2,\"kernel_size\":3}"), "'kernel_size' is not a"},
        {LAYER("{\"kind\":\"conv2d\",\"filters\":2,\"kernel_size\":[3]}"), "list of two"},
        {LAYER("{\"kind\":\"conv2d\",\"filters\":2,\"kernel_size\":[3,-1]}"), "of 1 to 32768"},
        {LAYER("{\"kind\":\"conv2d\",\"filters\":2,\"kernel_size\":[3,\"3\"]}"), "of 1 to"},
        {LAYER("{\"kind\":\"conv2d\",\"kernel_size\":[3,3]}"), "filters, not 0"},
        {LAYER("{\"kind\":\"max_pooling2d\",\"padding\":\"all\"}"), "unknown padding 'all'"},
        {LAYER("{\"kind\":\"max_pooling2d\",\"strides\":[1,1.5]}"), "'strides' is not a list"},
        {LAYER("{\"kind\":\"batch_normalization\",\"momentum\":\"1\"}"), "'momentum' is not a"},
        {LAYER("{\"kind\":\"batch_normalization\",\"momentum\":-1}"), "a momentum of 0 to 1"},
        {LAYER("{\"kind\":\"batch_normalization\",\"scale\":1}"), "'scale' is not true or false"},
        {LAYER("{\"kind\":\"reshape\"}"), "'target_shape' is not a list of 1 to 7 sizes"},
        {LAYER("{\"kind\":\"reshape\",\"target_shape\":[72.5]}"), "something else than sizes"},
        {LAYER("{\"kind\":\"reshape\",\"target_shape\":[71]}"), "do not fill"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tarn_model *m = NULL;
        CHECK_ERR(tarn_model_from_json(bad[i].text, strlen(bad[i].text), &m), TARN_EFORMAT,
                  bad[i].why);
    }
}
