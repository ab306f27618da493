// Workloads of tarn bench that are chains of dense layers.
#include "bench.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_SIZES = 5, SAMPLES = 256, PIXELS = CLI_BENCH_PIXELS, CLASSES = CLI_BENCH_CLASSES };

typedef struct mlp {
    const char *name;
    int64_t batch;
    int64_t size[MAX_SIZES];  // input, hidden ..., output; ends with 0
    bool relu;
    double dropout;
    bool train;
    bool rotate;  // a different batch in each step
    tarn_init_kind init;
    tarn_optimizer optimizer;
} mlp;

static const mlp mlps[] = {
    {.name = "mnist_softmax",
     .batch = 100,
     .size = {PIXELS, CLASSES},
     .train = true,
     .init = TARN_INIT_ZEROS,
     .optimizer = {TARN_SGD, {.learning_rate = 0.5}}},
    // The well-known example that this repeats has no activation between its layers.
    {.name = "tf_raw_mlp",
     .batch = 128,
     .size = {PIXELS, 256, 256, CLASSES},
     .train = true,
     .init = TARN_INIT_NORMAL,
     .optimizer = {TARN_ADAM, {.learning_rate = 0.1, .epsilon = 1e-8}}},
    {.name = "mnist_mlp",
     .batch = 128,
     .size = {PIXELS, 512, 512, CLASSES},
     .relu = true,
     .dropout = 0.2,
     .train = true,
     .init = TARN_INIT_VARIANCE_SCALING,
     .optimizer = {TARN_RMSPROP, {.learning_rate = 1e-3}}},
    {.name = "tiny_mlp_infer",
     .batch = 1,
     .size = {PIXELS, 32, CLASSES},
     .relu = true,
     .rotate = true,
     .init = TARN_INIT_VARIANCE_SCALING},
    {.name = "tiny_mlp_train",
     .batch = 1,
     .size = {PIXELS, 32, CLASSES},
     .relu = true,
     .train = true,
     .rotate = true,
     .init = TARN_INIT_VARIANCE_SCALING,
     .optimizer = {TARN_SGD, {.learning_rate = 0.01}}},
};

static const char *name_of(const void *unused, int i) {
    (void)unused;
    return i < (int)(sizeof mlps / sizeof *mlps) ? mlps[i].name : NULL;
}

static const mlp *find(const char *name) {
    for (size_t i = 0; i < sizeof mlps / sizeof *mlps; i++)
        if (!strcmp(mlps[i].name, name)) return &mlps[i];
    return NULL;
}

static bool knows(const char *name) { return find(name) != NULL; }

// ---- the network -------------------------------------------------------------------------------

static tarn_init weights_init(const mlp *m) {
    switch (m->init) {
    case TARN_INIT_ZEROS: return tarn_init_zeros();
    case TARN_INIT_NORMAL: return tarn_init_normal(0, 1);
    default: return tarn_init_glorot_uniform();
    }
}

// x [batch, in] -> [batch, out]
static tarn_node *dense(tarn_graph *g, tarn_node *x, const mlp *m, int layer) {
    cli_text w, b;
    int64_t in = m->size[layer], out = m->size[layer + 1];
    tarn_init bias = m->init == TARN_INIT_NORMAL ? tarn_init_normal(0, 1) : tarn_init_zeros();
    snprintf(w.s, sizeof w.s, "dense_%d/kernel", layer);
    snprintf(b.s, sizeof b.s, "dense_%d/bias", layer);
    tarn_node *kernel = tarn_variable(g, w.s, TARN_F32, TARN_SHAPE(in, out), weights_init(m));
    return tarn_add(g, tarn_matmul(g, x, kernel),
                    tarn_variable(g, b.s, TARN_F32, TARN_SHAPE(out), bias));
}

static tarn_node *logits(tarn_graph *g, tarn_node *x, const mlp *m) {
    for (int i = 0; m->size[i + 1]; i++) {
        cli_text stream;
        x = dense(g, x, m, i);
        if (!m->size[i + 2]) break;
        if (m->relu) x = tarn_relu(g, x);
        snprintf(stream.s, sizeof stream.s, "dropout_%d", i);
        if (m->dropout > 0) x = tarn_dropout(g, x, m->dropout, stream.s);
    }
    return x;
}

// 2 x multiply-adds; training is three times the forward pass less the first layer's input
// gradient, which nobody needs.
static double count_gflop(const mlp *m, int64_t batch) {
    double forward = 0, first = 2e-9 * (double)(batch * m->size[0] * m->size[1]);
    for (int i = 0; m->size[i + 1]; i++)
        forward += 2e-9 * (double)(batch * m->size[i] * m->size[i + 1]);
    return m->train ? 3 * forward - first : forward;
}

// ---- the workload ------------------------------------------------------------------------------

static tarn_status build(const char *name, const cli_bench_settings *s, cli_bench *b) {
    const mlp *m = find(name);
    tarn_graph *g = b->graph;
    tarn_tensor *xs = NULL, *ys = NULL;
    b->batch = s->batch ? s->batch : m->batch;
    b->samples = m->rotate ? SAMPLES : 1;
    b->gflop = count_gflop(m, b->batch);
    int64_t n = b->batch * b->samples;
    tarn_status st = cli_bench_pictures(s, TARN_SHAPE(n, PIXELS), &xs, &ys);
    tarn_set_max_batch(g, b->batch);
    tarn_node *x = cli_bench_input_node(b, "x", xs, TARN_SHAPE(TARN_BATCH, PIXELS));
    if (st || !m->train) {
        tarn_tensor_release(ys);
        TARN_TRY(st);
    }
    b->fetch[b->n_fetch++] = logits(g, x, m);
    if (!m->train) return TARN_OK;
    tarn_node *y = cli_bench_input_node(b, "y", ys, TARN_SHAPE(TARN_BATCH));
    tarn_node *each = tarn_softmax_cross_entropy(g, b->fetch[0], y);
    b->fetch[0] = tarn_mean(g, each, TARN_ALL_AXES, 0);
    b->fetch[b->n_fetch++] = tarn_minimize(g, b->fetch[0], m->optimizer, NULL);
    return TARN_OK;
}

const cli_bench_family cli_bench_mlp = {name_of, knows, build};
