// Programs whose kernels are of every kind and access: what a device must run to the bit. Each is
// run with its largest batch, a partial one, and one of 1.
#ifndef GPU_CASES_H
#define GPU_CASES_H

#include "gpu/rival.h"

typedef struct gpu_case {
    const char *name;
    void (*build)(rig *r, const tarn_compile_opts *opts);
    const char *skip;  // passes left out
    bool none;         // may have a batch of 0
} gpu_case;

static inline tarn_node *gpu_dense(tarn_graph *g, tarn_node *x, const char *name, int units) {
    char w[32], b[32];
    int64_t in = tarn_node_dim(x, 1);
    snprintf(w, sizeof w, "%s/kernel", name);
    snprintf(b, sizeof b, "%s/bias", name);
    tarn_node *kernel = tarn_variable(g, w, TARN_F32, TARN_SHAPE(in, units),
                                      tarn_init_glorot_uniform());
    tarn_node *bias = tarn_variable(g, b, TARN_F32, TARN_SHAPE(units), tarn_init_uniform(-1, 1));
    return tarn_add(g, tarn_matmul(g, x, kernel), bias);
}

static inline tarn_node *gpu_loss(tarn_graph *g, tarn_node *logits, tarn_node *labels) {
    return tarn_mean(g, tarn_softmax_cross_entropy(g, logits, labels), TARN_ALL_AXES, 0);
}

// The 784-512-512-10 network with dropout, RMSprop and two metrics.
static inline void gpu_mnist_mlp(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 32);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 784)), *h = x;
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    h = tarn_dropout(g, tarn_relu(g, gpu_dense(g, h, "dense", 512)), 0.2, "dropout");
    h = tarn_dropout(g, tarn_relu(g, gpu_dense(g, h, "dense_1", 512)), 0.2, "dropout_1");
    tarn_node *logits = gpu_dense(g, h, "dense_2", 10);
    tarn_node *loss = gpu_loss(g, logits, y);
    tarn_node *right = tarn_cast(g, tarn_equal(g, tarn_argmax(g, logits), y), TARN_F32);
    tarn_node *accuracy = tarn_mean(g, right, TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, tarn_rmsprop(.learning_rate = 0.001), NULL);
    rig_compile(r, TARN_FETCH(loss, accuracy, step), "cpu", opts);
}

// tanh, sigmoid, Adam, columns that fill no panel.
static inline void gpu_adam(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 21);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 50));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *h = tarn_tanh(g, gpu_dense(g, x, "a", 40));
    h = tarn_dropout(g, tarn_sigmoid(g, gpu_dense(g, h, "b", 33)), 0.3, "drop");
    tarn_node *loss = gpu_loss(g, gpu_dense(g, h, "c", 7), y);
    rig_compile(r, TARN_FETCH(loss, tarn_minimize(g, loss, tarn_adam(), NULL)), "cpu", opts);
}

// Rows and columns longer than a chunk of a sum; sums, maxima, argmax; f32, f64, i32.
static inline void gpu_sums(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 5);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 9001));
    tarn_node *t = tarn_input(g, "t", TARN_F32, TARN_SHAPE(9001, 19));
    tarn_node *wide = tarn_cast(g, x, TARN_F64),
              *whole = tarn_input(g, "n", TARN_I32, TARN_SHAPE(TARN_BATCH, 37));
    const int turned[] = {1, 0};
    rig_compile(r,
                TARN_FETCH(tarn_softmax(g, x), tarn_argmax(g, x), tarn_sum(g, t, TARN_AXIS(0), 0),
                           tarn_max(g, tarn_exp(g, t), TARN_AXIS(0), 0),
                           tarn_sum(g, tarn_log(g, tarn_abs(g, wide)), TARN_AXIS(1), 0),
                           tarn_sum(g, tarn_tanh(g, wide), TARN_AXIS(0), 0),
                           tarn_sum(g, whole, TARN_AXIS(1), 0), tarn_max(g, whole, TARN_AXIS(0), 0),
                           tarn_sum(g, tarn_transpose(g, t, turned), TARN_AXIS(1), 0),
                           tarn_sum(g, x, TARN_ALL_AXES, 0)),
                "cpu", opts);
}

// Sums of products longer than two blocks of 512, sums that are -0; variables on both sides, plain
// and transposed.
static inline tarn_node *gpu_product(tarn_graph *g, tarn_node *x, const char *name,
                                     tarn_dtype dtype) {
    tarn_node *w = tarn_variable(g, name, dtype, TARN_SHAPE(1300, 37), tarn_init_uniform(-1, 1));
    tarn_node *back = tarn_dot(g, tarn_matmul(g, x, w), w, false, true);
    tarn_node *left = tarn_dot(g, w, back, true, true);
    return tarn_minimize(g, tarn_mean(g, tarn_square(g, left), TARN_ALL_AXES, 0),
                         tarn_sgd(.learning_rate = 1e-12), NULL);
}

static inline void gpu_products(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 6);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 1300));
    tarn_node *zero = tarn_mul(g, tarn_abs(g, x), tarn_constant(g, TARN_F32, -0.0));
    tarn_node *above = tarn_variable(g, "above", TARN_F32, TARN_SHAPE(1300, 20),
                                     tarn_init_uniform(0, 1));
    rig_compile(r, TARN_FETCH(gpu_product(g, x, "w", TARN_F32), tarn_matmul(g, zero, above)), "cpu",
                opts);
}

static inline void gpu_wide_products(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 6);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 1300));
    tarn_node *step = gpu_product(g, tarn_cast(g, x, TARN_F64), "w", TARN_F64);
    rig_compile(r, TARN_FETCH(step), "cpu", opts);
}

// Two convolutions with strides and padding, and their gradients.
static inline void gpu_conv(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 4);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 13, 11, 3));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *k0 = tarn_variable(g, "k0", TARN_F32, TARN_SHAPE(3, 3, 3, 8),
                                  tarn_init_uniform(-1, 1));
    tarn_node *k1 = tarn_variable(g, "k1", TARN_F32, TARN_SHAPE(3, 2, 8, 5),
                                  tarn_init_uniform(-1, 1));
    tarn_node *h = tarn_relu(g, tarn_conv2d(g, x, k0, .stride = {2, 1}, .padding = {1, 0, 0, 1}));
    h = tarn_conv2d(g, h, k1, .stride = {1, 2}, .padding = {1, 1, 1, 1});
    int64_t n = tarn_node_dim(h, 1) * tarn_node_dim(h, 2) * 5;
    tarn_node *loss = gpu_loss(
        g, gpu_dense(g, tarn_reshape(g, h, TARN_SHAPE(TARN_BATCH, n)), "out", 6), y);
    rig_compile(r, TARN_FETCH(loss, tarn_minimize(g, loss, tarn_sgd(), NULL)), "cpu", opts);
}

// Every other element operation and dtype: casts, whole numbers, indices, random words, moved axes.
static inline void gpu_elements(rig *r, const tarn_compile_opts *opts) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, 9);
    const tarn_shape s = TARN_SHAPE(TARN_BATCH, 6, 7);
    tarn_node *x = tarn_input(g, "x", TARN_F32, s), *n = tarn_input(g, "n", TARN_I32, s);
    tarn_node *at = tarn_iota(g, s, 1), *step = tarn_input(g, "s", TARN_I64, TARN_SHAPE());
    tarn_node *bits = tarn_random_bits(g, s, "bits", step);
    tarn_node *y = tarn_mul(g, x, tarn_constant(g, TARN_F32, 1e5));
    tarn_node *f16 = tarn_cast(g, y, TARN_F16), *bf16 = tarn_cast(g, y, TARN_BF16);
    tarn_node *u8 = tarn_cast(g, y, TARN_U8), *i64 = tarn_cast(g, y, TARN_I64);
    const int axes[] = {2, 0, 1};
    rig_compile(
        r,
        TARN_FETCH(f16, bf16, tarn_cast(g, f16, TARN_F32), tarn_cast(g, bf16, TARN_F32),
                   tarn_add(g, u8, u8), tarn_mul(g, i64, i64), bits,
                   tarn_div(g, n, tarn_sub(g, at, tarn_constant(g, TARN_I32, 2))),
                   tarn_transpose(g, tarn_sqrt(g, tarn_abs(g, x)), axes),
                   tarn_where(g, tarn_less(g, n, at), x, tarn_neg(g, x)),
                   tarn_minimum(g, tarn_div(g, x, tarn_cast(g, n, TARN_F32)), x),
                   tarn_argmax(g, tarn_div(g, tarn_sub(g, x, x), tarn_cast(g, n, TARN_F32))),
                   tarn_numel(g, x, TARN_F32)),
        "cpu", opts);
}

static const gpu_case gpu_cases[] = {
    {.name = "mnist_mlp", .build = gpu_mnist_mlp},
    {.name = "adam", .build = gpu_adam},
    {.name = "adam without fusion", .build = gpu_adam, .skip = "fuse"},
    {.name = "adam without passes", .build = gpu_adam, .skip = "all"},
    {.name = "sums", .build = gpu_sums, .none = true},
    {.name = "products", .build = gpu_products},
    {.name = "f64 products", .build = gpu_wide_products},
    {.name = "convolutions", .build = gpu_conv},
    {.name = "elements", .build = gpu_elements, .none = true},
};
enum { GPU_CASES = sizeof gpu_cases / sizeof *gpu_cases };

// The case's program, compiled for the CPU device.
static inline rig gpu_rig(const gpu_case *c) {
    const tarn_compile_opts opts = {.jit = TARN_JIT_OFF, .skip_pass = c->skip};
    rig r = rig_make();
    c->build(&r, &opts);
    return r;
}

// Input i of the program for a step: numbers of [-1, 1), or whole ones below 5; batches of the
// maximum, half of it, 1, 0.
static inline void gpu_feed(rig *r, int input, int step, void **memory) {
    const ti_plan *p = r->p->plan;
    const ti_value *v = &p->values[p->input_value[input]];
    tarn_shape s = v->shape;
    for (int d = 0; d < s.rank; d++) {
        int64_t most = ti_plan_dim_max(p, s.dim[d]);
        if (s.dim[d] < 0) s.dim[d] = step == 0 ? most : step == 1 ? most / 2 : 3 - step;
    }
    int64_t n = tarn_shape_numel(&s);
    CHECK_OK(ti_alloc((size_t)n * 8, memory));
    for (int64_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)(i + step * 7 + input) * 2654435761u;
        if (v->dtype == TARN_F32) ((float *)*memory)[i] = (float)(u >> 8) * 0x1p-23f - 1;
        if (v->dtype == TARN_I32) ((int32_t *)*memory)[i] = (int32_t)(u >> 8) % 5;
        if (v->dtype == TARN_I64) ((int64_t *)*memory)[i] = (int64_t)step << 33;
    }
    CHECK_OK(tarn_bind(r->p, p->inputs[input], *memory, s));
}

// Steps of a case beside the CPU device.
static inline void gpu_run_case(const machine *m, const gpu_case *c) {
    rig r = gpu_rig(c);
    rival other;
    rival_make(m, r.p, &other);
    for (int step = 0; step < 3 + c->none; step++) {
        void *memory[8] = {NULL};
        int n = r.p->plan->n_inputs;
        CHECK(n <= 8);
        for (int i = 0; i < n; i++) gpu_feed(&r, i, step, &memory[i]);
        rival_step(&other, r.p, c->name);
        for (int i = 0; i < n; i++) ti_free(memory[i]);
    }
    rival_free(&other);
    rig_free(&r);
}
#endif
