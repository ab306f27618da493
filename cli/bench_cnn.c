// Workloads of tarn bench that are convolutional networks.
#include "bench.h"

#include <string.h>

enum { SIDE = 28, BATCH = 128 };

// Keras' mnist_cnn.py, with two optimizers.
typedef struct cnn {
    const char *name;
    tarn_optimizer optimizer;
} cnn;

static const cnn cnns[] = {
    {"mnist_cnn", {TARN_ADADELTA, {.learning_rate = 1, .rho = 0.95, .epsilon = 1e-7}}},
    {"mnist_cnn_adam", {TARN_ADAM, {.learning_rate = 1e-3, .epsilon = 1e-7}}},
};

static const char *name_of(const void *unused, int i) {
    (void)unused;
    return i < (int)(sizeof cnns / sizeof *cnns) ? cnns[i].name : NULL;
}

static const cnn *find(const char *name) {
    for (size_t i = 0; i < sizeof cnns / sizeof *cnns; i++)
        if (!strcmp(cnns[i].name, name)) return &cnns[i];
    return NULL;
}

static bool knows(const char *name) { return find(name) != NULL; }

// ---- the network -------------------------------------------------------------------------------

// A network while it is built: the value so far, and 2 x multiply-adds of its products, a sample.
typedef struct net {
    tarn_graph *g;
    tarn_node *x;
    int layers;
    double flop, first;
} net;

static tarn_node *weights(net *n, const char *what, tarn_shape shape, tarn_init init) {
    cli_text name;
    snprintf(name.s, sizeof name.s, "layer_%d/%s", n->layers, what);
    return tarn_variable(n->g, name.s, TARN_F32, shape, init);
}

static void add_bias(net *n, int64_t out, double flop) {
    n->x = tarn_add(n->g, n->x, weights(n, "bias", TARN_SHAPE(out), tarn_init_zeros()));
    n->flop += flop;
    if (!n->layers++) n->first = flop;
}

// 3 x 3, no padding, relu; x [batch, side, side, in]
static void conv(net *n, int64_t side, int64_t in, int64_t out) {
    double places = (double)((side - 2) * (side - 2));
    tarn_node *w = weights(n, "kernel", TARN_SHAPE(3, 3, in, out), tarn_init_glorot_uniform());
    n->x = tarn_conv2d(n->g, n->x, w, .stride = {1, 1});
    add_bias(n, out, 2 * places * 9 * (double)(in * out));
    n->x = tarn_relu(n->g, n->x);
}

static void dense(net *n, int64_t in, int64_t out) {
    tarn_node *w = weights(n, "kernel", TARN_SHAPE(in, out), tarn_init_glorot_uniform());
    n->x = tarn_matmul(n->g, n->x, w);
    add_bias(n, out, 2 * (double)(in * out));
}

static void mnist_cnn(net *n) {
    enum { POOLED = 12 * 12 * 64 };
    conv(n, SIDE, 1, 32);
    conv(n, SIDE - 2, 32, 64);
    n->x = tarn_max_pool2d(n->g, n->x, .window = {2, 2});
    n->x = tarn_dropout(n->g, n->x, 0.25, "dropout");
    n->x = tarn_reshape(n->g, n->x, TARN_SHAPE(TARN_BATCH, POOLED));
    dense(n, POOLED, 128);
    n->x = tarn_dropout(n->g, tarn_relu(n->g, n->x), 0.5, "dropout_1");
    dense(n, 128, CLI_BENCH_CLASSES);
}

// ---- the workload ------------------------------------------------------------------------------

static tarn_status build(const char *name, const cli_bench_settings *s, cli_bench *b) {
    const cnn *c = find(name);
    net n = {.g = b->graph};
    tarn_tensor *xs = NULL, *ys = NULL;
    b->batch = s->batch ? s->batch : BATCH;
    b->samples = 1;
    TARN_TRY(cli_bench_pictures(s, TARN_SHAPE(b->batch, SIDE, SIDE, 1), &xs, &ys));
    tarn_set_max_batch(b->graph, b->batch);
    n.x = cli_bench_input_node(b, "x", xs, TARN_SHAPE(TARN_BATCH, SIDE, SIDE, 1));
    tarn_node *y = cli_bench_input_node(b, "y", ys, TARN_SHAPE(TARN_BATCH));
    mnist_cnn(&n);
    tarn_node *each = tarn_softmax_cross_entropy(n.g, n.x, y);
    b->fetch[b->n_fetch++] = tarn_mean(n.g, each, TARN_ALL_AXES, 0);
    b->fetch[b->n_fetch++] = tarn_minimize(n.g, b->fetch[0], c->optimizer, NULL);
    // training is three times the forward pass less the first layer's input gradient, which nobody
    // needs
    b->gflop = 1e-9 * (double)b->batch * (3 * n.flop - n.first);
    return TARN_OK;
}

const cli_bench_family cli_bench_cnn = {name_of, knows, build};
