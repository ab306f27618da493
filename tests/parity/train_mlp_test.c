// Fifty steps of a small MLP against PyTorch (tests/golden/train/mlp.*, made by make_mlp.py): the
// same first weights, the same batches, losses within 1e-4.
#include <jansson.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

enum { BATCH = 16, SAMPLES = 64, STEPS = 50, INPUTS = 12 };
#define GOLDEN TARN_SOURCE_DIR "/tests/golden/train/"

static tarn_model *make_model(const tarn_safetensors *f) {
    static const char *const names[] = {"dense/kernel", "dense/bias",     "dense_1/kernel",
                                        "dense_1/bias", "dense_2/kernel", "dense_2/bias"};
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(INPUTS), 1, &m));
    tarn_model_add(m, tarn_dense(16, .activation = "relu"));
    tarn_model_add(m, tarn_dense(16, .activation = "tanh"));
    tarn_model_add(m, tarn_dense(4, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .loss = "sparse_categorical_crossentropy"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tarn_tensor *w = NULL;
        CHECK_OK(tarn_safetensors_get(f, names[i], &w));
        CHECK_OK(tarn_store_set(tarn_model_store(m), names[i], w));
        tarn_tensor_release(w);
    }
    return m;
}

// A store of its own would need the weights too: the model's is used, its optimizer left alone.
static tarn_program *make_step(tarn_model *m, tarn_optimizer opt) {
    tarn_program *p = NULL;
    tarn_graph *g = tarn_graph_create(tarn_model_store(m));
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, INPUTS));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *each = tarn_loss(g, "sparse_categorical_crossentropy", y,
                                tarn_model_apply(m, g, x, true));
    tarn_node *loss = tarn_mean(g, each, TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, opt, NULL);
    CHECK_OK(tarn_compile(g, TARN_FETCH(loss, step), "cpu", &p));
    tarn_graph_free(g);
    return p;
}

static void set_rate(tarn_model *m, float rate) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SCALAR, &rate, &t));
    CHECK_OK(tarn_store_set(tarn_model_store(m), TARN_LEARNING_RATE, t));
    tarn_tensor_release(t);
}

static void check_curve(const char *name, tarn_optimizer opt) {
    json_t *golden = json_load_file(GOLDEN "mlp.json", 0, NULL);
    tarn_safetensors *f = NULL;
    tarn_tensor *x = NULL, *y = NULL;
    CHECK(golden);
    CHECK_OK(tarn_safetensors_open(GOLDEN "mlp.safetensors", &f));
    CHECK_OK(tarn_safetensors_get(f, "x", &x));
    CHECK_OK(tarn_safetensors_get(f, "y", &y));
    tarn_model *m = make_model(f);
    tarn_program *p = make_step(m, opt);
    set_rate(m, (float)opt.o.learning_rate);
    for (int i = 0; i < STEPS; i++) {
        int first = i * BATCH % SAMPLES;
        const float *samples = (const float *)tarn_tensor_cdata(x) + first * INPUTS;
        const int32_t *labels = (const int32_t *)tarn_tensor_cdata(y) + first;
        CHECK_OK(tarn_bind(p, "x", samples, TARN_SHAPE(BATCH, INPUTS)));
        CHECK_OK(tarn_bind(p, "y", labels, TARN_SHAPE(BATCH)));
        CHECK_OK(tarn_run(p));
        double got = tarn_result_scalar(p, 0);
        double want = json_number_value(json_array_get(json_object_get(golden, name), (size_t)i));
        CHECK_CLOSE(&got, &want, 1, 1e-4, 1e-5);
    }
    tarn_program_free(p);
    tarn_model_free(m);
    tarn_tensor_release(x);
    tarn_tensor_release(y);
    tarn_safetensors_close(f);
    json_decref(golden);
}

TEST(sgd_follows_pytorch) { check_curve("sgd", tarn_sgd(.learning_rate = 0.1)); }
TEST(rmsprop_follows_pytorch) { check_curve("rmsprop", tarn_rmsprop(.learning_rate = 0.01)); }
