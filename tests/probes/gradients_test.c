// Gradients of gradients in training: the gradient penalty of WGAN-GP (Gulrajani et al. 2017, eq.
// 3), against central differences of the penalty itself in f64; a frozen layer; a learning rate
// that changes without a compile.
#include "probes/support.h"

enum { BATCH = 5, IN = 7, HIDDEN = 18, STEPS = 4 };

typedef struct critic {
    tarn_node *w, *b, *v, *penalty;
} critic;

// penalty = mean((|dD/dx| - 1)^2), D(x) = tanh(x W + b) v
static critic build(rig *r) {
    tarn_graph *g = r->g;
    critic c;
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F64, TARN_SHAPE(TARN_BATCH, IN)), *dx;
    c.w = tarn_variable(g, "w", TARN_F64, TARN_SHAPE(IN, HIDDEN), tarn_init_glorot_uniform());
    c.b = tarn_variable(g, "b", TARN_F64, TARN_SHAPE(HIDDEN), tarn_init_constant(0.1));
    c.v = tarn_variable(g, "v", TARN_F64, TARN_SHAPE(HIDDEN, 1), tarn_init_glorot_uniform());
    tarn_node *h = tarn_tanh(g, tarn_add(g, tarn_matmul(g, x, c.w), c.b));
    tarn_node *score = tarn_sum(g, tarn_matmul(g, h, c.v), TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(g, score, &x, 1, &dx));
    tarn_node *norm = tarn_sqrt(g, tarn_sum(g, tarn_square(g, dx), TARN_AXIS(1), 0));
    tarn_node *off = tarn_sub(g, norm, tarn_constant(g, TARN_F64, 1));
    c.penalty = tarn_mean(g, tarn_square(g, off), TARN_ALL_AXES, 0);
    return c;
}

static void fill(double *x) {
    for (int i = 0; i < BATCH * IN; i++) x[i] = (double)((i * 23) % 41) / 41 - 0.4;
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    double x[BATCH * IN];
    rig r = rig_make();
    critic c = build(&r);
    tarn_node *step = tarn_minimize(r.g, c.penalty, tarn_adam(.learning_rate = 0.01), NULL);
    rig_compile(&r, TARN_FETCH(step), "cpu", o);
    fill(x);
    for (int i = 0; i < STEPS; i++) probe_run(&r, "x", x, TARN_SHAPE(BATCH, IN));
    CHECK_OK(tarn_store_sha256(r.store, hash));
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

TEST(the_penalty_s_gradient_is_that_of_differences) {
    static const char *const names[] = {"w", "b", "v"};
    double x[BATCH * IN], *rule[3];
    rig r = rig_make();
    critic c = build(&r);
    tarn_node *variables[3] = {c.w, c.b, c.v}, *d[3];
    CHECK_OK(tarn_gradients(r.g, c.penalty, variables, 3, d));
    rig_compile(&r, TARN_FETCH(c.penalty, d[0], d[1], d[2]), "cpu", NULL);
    fill(x);
    probe_run(&r, "x", x, TARN_SHAPE(BATCH, IN));
    for (int i = 0; i < 3; i++) {
        size_t bytes;
        const void *got = result_bytes(r.p, 1 + i, &bytes);
        CHECK((rule[i] = malloc(bytes)));
        memcpy(rule[i], got, bytes);
    }
    for (int i = 0; i < 3; i++) {
        double value[IN * HIDDEN];
        tarn_shape s = *tarn_node_shape(variables[i]);
        int n = (int)tarn_shape_numel(&s);
        probe_read(r.store, names[i], value, n);
        for (int k = 0; k < n; k++) {
            double want = probe_difference(&r, names[i], s, value, k);
            CHECK_CLOSE(&rule[i][k], &want, 1, 1e-6, 1e-8);
        }
        free(rule[i]);
    }
    rig_free(&r);
}

// ---- a frozen layer, a schedule -----------------------------------------------------------------

TEST(a_frozen_layer_stays_and_costs_no_gradient) {
    double x[BATCH * IN], before[IN * HIDDEN], after[IN * HIDDEN], v[HIDDEN], was[HIDDEN];
    rig all = rig_make(), part = rig_make();
    fill(x);
    critic c = build(&all), f = build(&part);
    tarn_node *whole = tarn_minimize(all.g, c.penalty, tarn_sgd(.learning_rate = 0.1), NULL);
    tarn_node *step = tarn_minimize(part.g, f.penalty, tarn_sgd(.learning_rate = 0.1),
                                    &(tarn_fetch){(tarn_node *[]){f.v}, 1});
    rig_compile(&all, TARN_FETCH(whole), "cpu", NULL);
    rig_compile(&part, TARN_FETCH(step), "cpu", NULL);
    probe_read(part.store, "w", before, IN * HIDDEN);
    probe_read(part.store, "v", was, HIDDEN);
    probe_run(&part, "x", x, TARN_SHAPE(BATCH, IN));
    probe_read(part.store, "w", after, IN * HIDDEN);
    probe_read(part.store, "v", v, HIDDEN);
    CHECK(!memcmp(before, after, sizeof before));
    CHECK(memcmp(was, v, sizeof v));
    CHECK(tarn_program_stats(part.p).flops < tarn_program_stats(all.p).flops);
    rig_free(&all);
    rig_free(&part);
}

// w -= rate * 1 for a loss of sum(w), with another rate in every step.
TEST(a_schedule_changes_the_rate_without_a_compile) {
    double w, want = 1;
    probe_own_cache();
    rig r = rig_make();
    tarn_node *x = tarn_variable(r.g, "w", TARN_F64, TARN_SCALAR, tarn_init_ones());
    tarn_node *step = tarn_minimize(r.g, x, tarn_sgd(.learning_rate = 0.5), NULL);
    rig_compile(&r, TARN_FETCH(step), "cpu", &(tarn_compile_opts){.jit = TARN_JIT_WAIT});
    CHECK_EQ_I(probe_modules(), 1);
    for (int i = 0; i < 6; i++) {
        double rate = ldexp(1, -1 - i);  // exact in f32
        probe_write(r.store, TARN_LEARNING_RATE, TARN_F32, TARN_SCALAR, &rate);
        CHECK_OK(tarn_run(r.p));
        want -= rate;
        probe_read(r.store, "w", &w, 1);
        CHECK(w == want);
    }
    CHECK_EQ_I(probe_modules(), 1);
    rig_free(&r);
}
