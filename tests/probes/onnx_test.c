// A network that another program wrote (tests/golden/onnx/cnn.onnx) is an ordinary graph: it is
// trained further here, in every way a program can be compiled and run.
#include "probes/support.h"

#include <tarn/format.h>

enum { BATCH = 3, CLASSES = 4, STEPS = 4 };

static tarn_onnx *model;  // NULL: this build reads no ONNX

static bool open_model(void) {
    tarn_status st = tarn_onnx_open(TARN_SOURCE_DIR "/tests/golden/onnx/cnn.onnx", &model);
    if (st == TARN_EUNSUPPORTED) return false;
    CHECK_OK(st);
    return true;
}

static void feed(rig *r, int step) {
    static float x[BATCH * 6 * 5];
    static int32_t y[BATCH];
    int n = step % 2 ? 2 : BATCH;
    for (int i = 0; i < n * 6 * 5; i++) x[i] = (float)((i * 13 + step * 3) % 31) / 31 - 0.5f;
    for (int i = 0; i < n; i++) y[i] = (i + step) % CLASSES;
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(n, 1, 6, 5)));
    CHECK_OK(tarn_bind(r->p, "label", y, TARN_SHAPE(n)));
}

// Its output is a softmax: the loss is the square of what is missing of the label's share.
static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = rig_make();
    tarn_node *p;
    CHECK_OK(tarn_onnx_build(model, r.g, &(tarn_onnx_opts){.max_dim = BATCH}, &p));
    int64_t n = tarn_node_dim(p, 0);
    tarn_node *label = tarn_input(r.g, "label", TARN_I32, TARN_SHAPE(n));
    tarn_node *column = tarn_iota(r.g, TARN_SHAPE(n, CLASSES), 1);
    tarn_node *is = tarn_equal(r.g, column, tarn_reshape(r.g, label, TARN_SHAPE(n, 1)));
    tarn_node *missing = tarn_sub(r.g, tarn_cast(r.g, is, TARN_F32), p);
    tarn_node *loss = tarn_mean(r.g, tarn_square(r.g, missing), TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(r.g, loss, tarn_sgd(.learning_rate = 0.5), NULL);
    rig_compile(&r, TARN_FETCH(step, loss), "cpu", o);
    double first = 0, last = 0;
    for (int i = 0; i < 8 * STEPS; i++) {  // the same batch again, to see it learn
        feed(&r, i < STEPS ? i : 0);
        CHECK_OK(tarn_run(r.p));
        last = tarn_result_scalar(r.p, 1);
        if (i == STEPS) first = last;
    }
    CHECK(last < first);
    CHECK_OK(tarn_store_sha256(r.store, hash));
    rig_free(&r);
}

TEST(every_way_to_train_it_further_gives_one_hash) {
    if (!open_model()) SKIP("this build has no protobuf-c");
    probe_all_ways(train);
    tarn_onnx_close(model);
}
