// Workloads of tarn bench: element-wise work on 4096 x 4096 floats, and Adam on 50 million
// parameters. What they measure is memory bandwidth; each operand counts once.
#include "bench.h"

#include <math.h>
#include <string.h>

enum { SIDE = 4096, PARAMETERS = 50000000 };

typedef tarn_status (*builder)(const cli_bench_settings *s, cli_bench *b);

static tarn_shape square(void) { return TARN_SHAPE(SIDE, SIDE); }

static tarn_status input(const cli_bench_settings *s, cli_bench *b, const char *name,
                         tarn_shape shape, tarn_node **out) {
    tarn_tensor *data = NULL;
    tarn_status st = cli_bench_random(s->seed + (uint64_t)b->n_inputs, -1, 1, shape, &data);
    *out = cli_bench_input_node(b, name, data, shape);
    return st;
}

// A program's input is not copied until something is assigned: the copy goes to a variable.
static tarn_status build_copy(const cli_bench_settings *s, cli_bench *b) {
    tarn_node *x;
    TARN_TRY(input(s, b, "x", square(), &x));
    tarn_node *y = tarn_variable(b->graph, "y", TARN_F32, square(), tarn_init_zeros());
    b->fetch[b->n_fetch++] = tarn_assign(b->graph, y, x);
    return TARN_OK;
}

static tarn_status build_add(const cli_bench_settings *s, cli_bench *b) {
    tarn_node *x, *z;
    TARN_TRY(input(s, b, "x", square(), &x));
    TARN_TRY(input(s, b, "z", square(), &z));
    b->fetch[b->n_fetch++] = tarn_add(b->graph, x, z);
    return TARN_OK;
}

static tarn_status build_sum(const cli_bench_settings *s, cli_bench *b) {
    tarn_node *x;
    TARN_TRY(input(s, b, "x", square(), &x));
    b->fetch[b->n_fetch++] = tarn_sum(b->graph, x, TARN_ALL_AXES, 0);
    return TARN_OK;
}

static tarn_status build_softmax(const cli_bench_settings *s, cli_bench *b) {
    tarn_node *x;
    TARN_TRY(input(s, b, "x", square(), &x));
    b->fetch[b->n_fetch++] = tarn_softmax(b->graph, x);
    return TARN_OK;
}

// ---- Adam (Kingma and Ba 2015, algorithm 1), written out: one update, its gradient an input
// ------

static tarn_node *number(cli_bench *b, double value) {
    return tarn_constant(b->graph, TARN_F32, value);
}

// old * rate + new * (1 - rate)
static tarn_node *average(cli_bench *b, tarn_node *old, tarn_node *new, double rate) {
    tarn_graph *g = b->graph;
    return tarn_add(g, tarn_mul(g, old, number(b, rate)), tarn_mul(g, new, number(b, 1 - rate)));
}

// 1 - rate^t
static tarn_node *bias(cli_bench *b, tarn_node *t, double rate) {
    tarn_graph *g = b->graph;
    return tarn_sub(g, number(b, 1), tarn_exp(g, tarn_mul(g, t, number(b, log(rate)))));
}

static tarn_node *parameters(cli_bench *b, const char *name) {
    return tarn_variable(b->graph, name, TARN_F32, TARN_SHAPE(PARAMETERS), tarn_init_zeros());
}

static tarn_status build_adam(const cli_bench_settings *s, cli_bench *b) {
    const double rate = 1e-3, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
    tarn_graph *g = b->graph;
    tarn_node *grad;
    TARN_TRY(input(s, b, "grad", TARN_SHAPE(PARAMETERS), &grad));
    tarn_node *p = parameters(b, "p"), *m = parameters(b, "m"), *v = parameters(b, "v");
    tarn_node *steps = tarn_variable(g, "steps", TARN_F32, TARN_SCALAR, tarn_init_zeros());
    tarn_node *t = tarn_add(g, steps, number(b, 1));
    tarn_node *m1 = average(b, m, grad, beta_1);
    tarn_node *v1 = average(b, v, tarn_square(g, grad), beta_2);
    tarn_node *root = tarn_sqrt(g, tarn_div(g, v1, bias(b, t, beta_2)));
    tarn_node *size = tarn_div(g, number(b, rate), bias(b, t, beta_1));
    tarn_node *step = tarn_div(g, tarn_mul(g, m1, size), tarn_add(g, root, number(b, epsilon)));
    b->fetch[b->n_fetch++] = tarn_assign(g, p, tarn_sub(g, p, step));
    b->fetch[b->n_fetch++] = tarn_assign(g, m, m1);
    b->fetch[b->n_fetch++] = tarn_assign(g, v, v1);
    b->fetch[b->n_fetch++] = tarn_assign(g, steps, t);
    return TARN_OK;
}

// ---- the workloads -----------------------------------------------------------------------------

static const struct {
    const char *name;
    builder build;
    double bytes;  // a step
} elems[] = {
    {"elem_copy", build_copy, 8.0 * SIDE *SIDE},  {"elem_add", build_add, 12.0 * SIDE *SIDE},
    {"elem_sum", build_sum, 4.0 * SIDE *SIDE},    {"elem_softmax", build_softmax, 8.0 * SIDE *SIDE},
    {"elem_adam", build_adam, 28.0 * PARAMETERS},  // reads p g m v, writes p m v
};

enum { ELEMS = sizeof elems / sizeof *elems };

static const char *name_of(const void *unused, int i) {
    (void)unused;
    return i < ELEMS ? elems[i].name : NULL;
}

static int find(const char *name) {
    int i = 0;
    while (i < ELEMS && strcmp(elems[i].name, name)) i++;
    return i;
}

static bool knows(const char *name) { return find(name) < ELEMS; }

static tarn_status build(const char *name, const cli_bench_settings *s, cli_bench *b) {
    int i = find(name);
    b->batch = b->samples = 1;
    b->gbyte = 1e-9 * elems[i].bytes;
    return elems[i].build(s, b);
}

const cli_bench_family cli_bench_elem = {name_of, knows, build};
