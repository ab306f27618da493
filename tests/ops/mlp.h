// A small classifier's training step: dense, relu, dropout, dense, softmax cross-entropy, RMSprop.
#ifndef OPS_MLP_H
#define OPS_MLP_H

#include "ops/support.h"

enum { MLP_IN = 20, MLP_HIDDEN = 24, MLP_CLASSES = 5, MLP_BATCH = 32 };

typedef struct mlp {
    rig r;
    tarn_node *logits, *loss, *step;
    float x[MLP_BATCH * MLP_IN];
    int32_t labels[MLP_BATCH];
} mlp;

static inline tarn_node *mlp_dense(tarn_graph *g, tarn_node *x, const char *name, int64_t units) {
    char kernel[32], bias[32];
    snprintf(kernel, sizeof kernel, "%s/kernel", name);
    snprintf(bias, sizeof bias, "%s/bias", name);
    tarn_shape s = TARN_SHAPE(tarn_node_dim(x, -1), units);
    tarn_graph_scope(g, name);
    tarn_node *w = tarn_variable(g, kernel, TARN_F32, s, tarn_init_glorot_uniform());
    tarn_node *b = tarn_variable(g, bias, TARN_F32, TARN_SHAPE(units), tarn_init_zeros());
    tarn_node *y = tarn_add(g, tarn_matmul(g, x, w), b);
    tarn_graph_scope(g, NULL);
    return y;
}

// Builds without checking, for tests in which memory runs out: the graph keeps its status.
static inline void mlp_build(mlp *m, tarn_graph *g) {
    tarn_set_max_batch(g, MLP_BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, MLP_IN));
    tarn_node *labels = tarn_input(g, "labels", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *h = tarn_relu(g, mlp_dense(g, x, "hidden", MLP_HIDDEN));
    m->logits = mlp_dense(g, tarn_dropout(g, h, 0.2, "drop"), "out", MLP_CLASSES);
    m->loss = tarn_softmax_cross_entropy(g, m->logits, labels);
    m->loss = tarn_mean(g, m->loss, TARN_ALL_AXES, 0);
    m->step = tarn_minimize(g, m->loss, tarn_rmsprop(), NULL);
}

static inline void mlp_data(mlp *m) {
    for (int i = 0; i < MLP_BATCH * MLP_IN; i++) m->x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (int i = 0; i < MLP_BATCH; i++) m->labels[i] = i * 7 % MLP_CLASSES;
}

// Compiled for the loss and the step; opts may be NULL.
static inline void mlp_make(mlp *m, const char *device, const tarn_compile_opts *opts) {
    *m = (mlp){.r = rig_make()};
    mlp_build(m, m->r.g);
    mlp_data(m);
    rig_compile(&m->r, TARN_FETCH(m->loss, m->step), device, opts);
}

static inline tarn_status mlp_run(mlp *m, tarn_program *p, int64_t batch) {
    TARN_TRY(tarn_bind(p, "x", m->x, TARN_SHAPE(batch, MLP_IN)));
    if (has_input(p, "labels")) TARN_TRY(tarn_bind(p, "labels", m->labels, TARN_SHAPE(batch)));
    return tarn_run(p);
}

// SHA-256 of everything in a store: weights, slots, counters, in canonical form.
static inline void store_hash(const tarn_store *s, char hex[65]) {
    ti_sha256 h;
    ti_sha256_init(&h);
    for (int i = 0; i < tarn_store_count(s); i++) {
        tarn_tensor *t = NULL;
        CHECK_OK(tarn_store_get(s, tarn_store_name(s, i), &t));
        ti_sha256_add(&h, tarn_store_name(s, i), strlen(tarn_store_name(s, i)) + 1);
        ti_sha256_add(&h, tarn_tensor_cdata(t), tarn_tensor_bytes(t));
        tarn_tensor_release(t);
    }
    ti_sha256_hex(&h, hex);
}

#endif
