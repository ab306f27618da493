// Models: names, shapes, errors in words, weights of the first moment, description and back.
#include <math.h>
#include <string.h>
#include <tarn/tarn.h>

#include "nn/model.h"
#include "test.h"

static tarn_model *mlp(uint64_t seed) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(28, 28), seed, &m));
    tarn_model_add(m, tarn_flatten_layer());
    tarn_model_add(m, tarn_dense(512, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.2));
    tarn_model_add(m, tarn_dense(512, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.2));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(ti_model_build(m));
    return m;
}

TEST(mnist_mlp_has_keras_names_and_669706_parameters) {
    static const char *const names[] = {"flatten", "dense",     "dropout",
                                        "dense_1", "dropout_1", "dense_2"};
    tarn_model *m = mlp(1);
    tarn_layer_info info;
    int64_t parameters = 0;
    CHECK_EQ_I(tarn_model_layer_count(m), 6);
    for (int i = 0; i < 6; i++) {
        CHECK_OK(tarn_model_layer_info(m, i, &info));
        CHECK_STR(info.name, names[i]);
        parameters += info.parameters;
    }
    CHECK_EQ_I(parameters, 669706);
    CHECK_EQ_I(info.output.dim[0], TARN_BATCH);
    CHECK_EQ_I(info.output.dim[1], 10);
    CHECK(info.flops == 2.0 * 512 * 10);
    CHECK(tarn_store_has(tarn_model_store(m), "dense/kernel"));
    CHECK(tarn_store_has(tarn_model_store(m), "dense_2/bias"));
    CHECK_EQ_I(tarn_store_count(tarn_model_store(m)), 6);
    CHECK_ERR(tarn_model_layer_info(m, 6, &info), TARN_EARG, "layer 6");
    tarn_model_free(m);
}

// ---- errors in words ----------------------------------------------------------------------------

static tarn_status status_of(tarn_shape input, tarn_layer first, tarn_layer second) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(input, 1, &m));
    tarn_model_add(m, first);
    tarn_model_add(m, second);
    tarn_status st = ti_model_status(m);
    tarn_model_free(m);
    return st;
}

TEST(layers_say_what_they_expect) {
    tarn_layer dense = tarn_dense(10), drop = tarn_dropout_layer(0.5);
    CHECK_ERR(status_of(TARN_SHAPE(28, 28), drop, dense), TARN_ESHAPE, "layer 'dense' expects");
    CHECK_ERR(status_of(TARN_SHAPE(4), dense, tarn_dense(0)), TARN_EARG,
              "layer 'dense_1' expects 1 to");
    CHECK_ERR(status_of(TARN_SHAPE(4), dense, tarn_dropout_layer(1)), TARN_EARG,
              "layer 'dropout' expects a rate of at least 0 and below 1, not 1");
    CHECK_ERR(status_of(TARN_SHAPE(4), dense, tarn_dense(3, .activation = "rellu")), TARN_ENOENT,
              "layer 'dense_1': unknown activation 'rellu', did you mean 'relu'?");
}

TEST(a_model_has_a_largest_size) {
    tarn_layer big = tarn_dense(1 << 30), small = tarn_dense(1);
    CHECK_ERR(status_of(TARN_SHAPE(4), big, small), TARN_ELIMIT, "layer 'dense' brings the model");
    CHECK_ERR(status_of(TARN_SHAPE(1), tarn_dense(1 << 30, .no_bias = true), big), TARN_ELIMIT,
              "layer 'dense_1' brings");
    CHECK_ERR(status_of(TARN_SHAPE((int64_t)1 << 62), big, small), TARN_ELIMIT, "layer 'dense'");
}

TEST(names_are_unique_and_plain) {
    tarn_layer a = tarn_dense(3, .name = "a"), slash = tarn_dense(3, .name = "a/b");
    CHECK_ERR(status_of(TARN_SHAPE(4), a, a), TARN_EARG, "two layers have the name 'a'");
    CHECK_ERR(status_of(TARN_SHAPE(4), a, slash), TARN_EARG, "'a/b' holds '/'");
    CHECK_ERR(status_of(TARN_SHAPE(4), tarn_dense(3, .name = ""), a), TARN_EARG, "1 to 63 letters");
}

TEST(a_given_name_does_not_collide_with_a_default_one) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(4), 1, &m));
    tarn_model_add(m, tarn_dense(3, .name = "dense_1"));
    tarn_model_add(m, tarn_dense(3));
    tarn_model_add(m, tarn_dense(3));
    CHECK_OK(ti_model_status(m));
    CHECK_STR(m->layers[1].name, "dense");
    CHECK_STR(m->layers[2].name, "dense_2");
    tarn_model_free(m);
}

TEST(options_are_copied) {
    char name[] = "first", activation[] = "relu";
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(4), 1, &m));
    {
        tarn_init init = tarn_init_constant(2);
        tarn_model_add(
            m, tarn_dense(3, .name = name, .activation = activation, .kernel_initializer = &init));
        init.a = 7;
    }
    memset(name, 'x', 5);
    memset(activation, 'x', 4);
    CHECK_OK(ti_model_build(m));
    tarn_tensor *w = NULL;
    CHECK_OK(tarn_store_get(tarn_model_store(m), "first/kernel", &w));
    CHECK(((const float *)tarn_tensor_cdata(w))[0] == 2);
    CHECK_STR(m->layers[0].spec.dense.activation, "relu");
    tarn_tensor_release(w);
    tarn_model_free(m);
}

// ---- first values -------------------------------------------------------------------------------

typedef struct moments {
    double mean, stddev, min, max;
} moments;

static moments moments_of(tarn_init init, tarn_shape shape) {
    tarn_store *s = NULL;
    tarn_tensor *t = NULL;
    moments r = {0, 0, INFINITY, -INFINITY};
    CHECK_OK(tarn_store_create(3, &s));
    tarn_graph *g = tarn_graph_create(s);
    CHECK(tarn_variable(g, "w", TARN_F32, shape, init));
    CHECK_OK(tarn_store_get(s, "w", &t));
    const float *x = tarn_tensor_cdata(t);
    int64_t n = tarn_tensor_numel(t);
    for (int64_t i = 0; i < n; i++) {
        r.mean += (double)x[i] / (double)n;
        r.min = fmin(r.min, (double)x[i]);
        r.max = fmax(r.max, (double)x[i]);
    }
    for (int64_t i = 0; i < n; i++) r.stddev += pow((double)x[i] - r.mean, 2) / (double)n;
    r.stddev = sqrt(r.stddev);
    tarn_tensor_release(t);
    tarn_graph_free(g);
    tarn_store_free(s);
    return r;
}

static void check_moments(moments m, double stddev, double limit) {
    CHECK(fabs(m.mean) < 0.02 * stddev);  // 200,000 values: 9 standard errors
    CHECK(fabs(m.stddev / stddev - 1) < 0.01);
    CHECK(m.max <= limit && m.min >= -limit);
    CHECK(m.max > 0.95 * limit && m.min < -0.95 * limit);
}

TEST(initialisers_have_their_statistics) {
    tarn_shape s = TARN_SHAPE(400, 500);
    double glorot = sqrt(2.0 / 900), he = sqrt(2.0 / 400), lecun = sqrt(1.0 / 400);
    const double cut = 2 / .87962566103423978;  // of a truncated normal, in standard deviations
    check_moments(moments_of(tarn_init_glorot_uniform(), s), glorot, sqrt(3) * glorot);
    check_moments(moments_of(tarn_init_he_uniform(), s), he, sqrt(3) * he);
    check_moments(moments_of(tarn_init_lecun_uniform(), s), lecun, sqrt(3) * lecun);
    check_moments(moments_of(tarn_init_glorot_normal(), s), glorot, cut * glorot);
    check_moments(moments_of(tarn_init_he_normal(), s), he, cut * he);
    check_moments(moments_of(tarn_init_lecun_normal(), s), lecun, cut * lecun);
    check_moments(moments_of(tarn_init_uniform(-0.05, 0.05), s), 0.05 / sqrt(3), 0.05);
    moments normal = moments_of(tarn_init_normal(0, 1), s);
    CHECK(fabs(normal.mean) < 0.02 && fabs(normal.stddev - 1) < 0.01);
    CHECK(normal.max > 4 && normal.max < 6);
}

TEST(first_values_depend_on_the_seed_and_nothing_else) {
    char a[65], b[65], c[65];
    tarn_model *m = mlp(1), *n = mlp(1), *other = mlp(2);
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), a));
    CHECK_OK(tarn_store_sha256(tarn_model_store(n), b));
    CHECK_OK(tarn_store_sha256(tarn_model_store(other), c));
    CHECK_STR(a, b);
    CHECK(strcmp(a, c));
    tarn_model_free(m);
    tarn_model_free(n);
    tarn_model_free(other);
}

// ---- description --------------------------------------------------------------------------------

TEST(a_description_makes_the_same_model) {
    static const char *const labels[] = {"Eins", "zwei", "dr\xc3\xa9i"};
    const char *text = NULL, *again = NULL;
    char a[65], b[65];
    tarn_init normal = tarn_init_normal(0.25, 1);
    tarn_model *m = mlp(18446744073709551615u), *n = NULL;
    tarn_model_add(m, tarn_dense(3, .no_bias = true, .kernel_initializer = &normal, .name = "out"));
    tarn_model_add(m, tarn_activation_layer("sigmoid"));
    tarn_model_set_preprocessing(m, (tarn_preprocessing){1.0 / 255, -0.5, true});
    CHECK_OK(tarn_model_set_labels(m, labels, 3));
    CHECK_OK(ti_model_build(m));
    CHECK_OK(tarn_model_to_json(m, &text));
    CHECK_OK(tarn_model_from_json(text, strlen(text), &n));
    CHECK_OK(tarn_model_to_json(n, &again));
    CHECK_STR(again, text);
    CHECK_OK(ti_model_build(n));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), a));
    CHECK_OK(tarn_store_sha256(tarn_model_store(n), b));
    CHECK_STR(a, b);
    CHECK(tarn_model_preprocessing(n).scale == 1.0 / 255);
    CHECK(tarn_model_preprocessing(n).flatten);
    CHECK_STR(tarn_model_label(n, 2), labels[2]);
    CHECK(!tarn_model_label(n, 3));
    tarn_model_free(m);
    tarn_model_free(n);
}

static tarn_status read_text(const char *text) {
    tarn_model *m = NULL;
    tarn_status st = tarn_model_from_json(text, strlen(text), &m);
    tarn_model_free(m);
    return st;
}

#define HEAD "{\"format\":\"tarn.model\",\"version\":1,"

TEST(bad_descriptions_are_answered) {
    CHECK_ERR(read_text("{"), TARN_EFORMAT, "line 1");
    CHECK_ERR(read_text("[]"), TARN_EFORMAT, "not a description of a Tarn model");
    CHECK_ERR(read_text("{\"format\":\"tarn.model\",\"version\":2}"), TARN_EFORMAT, "version 2");
    CHECK_ERR(read_text(HEAD "\"seed\":\"18446744073709551616\"}"), TARN_EFORMAT, "64 bits");
    CHECK_ERR(read_text(HEAD "\"input\":[]}"), TARN_EFORMAT, "'input'");
    CHECK_ERR(read_text(HEAD "\"input\":[0]}"), TARN_EFORMAT, "'input'");
    CHECK_ERR(read_text(HEAD "\"input\":[4611686018427387904,8],\"layers\":[]}"), TARN_ESHAPE,
              "input");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":{}}"), TARN_EFORMAT, "'layers'");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":[{\"kind\":\"danse\"}]}"), TARN_EFORMAT,
              "layer 1: unknown layer 'danse', did you mean 'dense'?");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":[{\"kind\":\"dense\",\"units\":\"3\"}]}"),
              TARN_EFORMAT, "layer 1: 'units' is not an integer");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":[{\"kind\":\"dense\"}]}"), TARN_EFORMAT,
              "layer 1: layer 'dense' expects 1 to");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":[],\"labels\":[3]}"), TARN_EFORMAT,
              "label 0");
    CHECK_ERR(read_text(HEAD "\"input\":[4],\"layers\":[],\"training\":3}"), TARN_EFORMAT,
              "'training'");
}

// Every prefix of a good description is refused without harm.
TEST(a_description_cut_anywhere_is_refused) {
    const char *text = NULL;
    tarn_model *m = mlp(1), *n = NULL;
    CHECK_OK(tarn_model_to_json(m, &text));
    for (size_t size = 0; size < strlen(text); size++)
        CHECK(tarn_model_from_json(text, size, &n) != TARN_OK);
    tarn_model_free(m);
}
