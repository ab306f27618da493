// Deep Q-learning (Mnih et al. 2015): a step on the network "q" against targets of a frozen copy
// "target", and the copying, are two programs over one store.
//
// loss = mean((Q(s)[a] - (r + gamma max_b Q_target(s')[b]))^2), Q(s) = s W, in f64 against the same
// by hand.
#include "probes/support.h"

enum { BATCH = 6, STATE = 20, ACTIONS = 3, EVERY = 3, STEPS = 7 };
static const double gamma_ = 0.9, rate = 0.25;

typedef struct agent {
    tarn_store *store;
    rig step, copy;
} agent;

typedef struct transitions {
    double s[BATCH * STATE], next[BATCH * STATE], r[BATCH];
    int32_t a[BATCH];
} transitions;

static tarn_node *weight(tarn_graph *g, const char *name, double value) {
    return tarn_variable(g, name, TARN_F64, TARN_SHAPE(STATE, ACTIONS), tarn_init_constant(value));
}

static void make_step(agent *n, const tarn_compile_opts *o) {
    tarn_graph *g = (n->step = probe_graph(n->store, BATCH)).g;
    tarn_shape states = TARN_SHAPE(TARN_BATCH, STATE), one = TARN_SHAPE(TARN_BATCH);
    tarn_node *s = tarn_input(g, "s", TARN_F64, states), *r = tarn_input(g, "r", TARN_F64, one);
    tarn_node *next = tarn_input(g, "next", TARN_F64, states);
    tarn_node *a = tarn_input(g, "a", TARN_I32, TARN_SHAPE(TARN_BATCH, 1));
    tarn_node *w = weight(g, "q", 0.1), *zero = tarn_constant(g, TARN_F64, 0);
    tarn_node *best = tarn_max(g, tarn_matmul(g, next, weight(g, "target", 0)), TARN_AXIS(1), 0);
    tarn_node *goal = tarn_add(g, r, tarn_mul(g, best, tarn_constant(g, TARN_F64, gamma_)));
    tarn_node *chosen = tarn_equal(g, tarn_iota(g, TARN_SHAPE(TARN_BATCH, ACTIONS), 1), a);
    tarn_node *q = tarn_sum(g, tarn_where(g, chosen, tarn_matmul(g, s, w), zero), TARN_AXIS(1), 0);
    tarn_node *error = tarn_sub(g, q, tarn_stop_gradient(g, goal));
    tarn_node *loss = tarn_mean(g, tarn_square(g, error), TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, tarn_sgd(.learning_rate = rate), NULL);
    rig_compile(&n->step, TARN_FETCH(step), "cpu", o);
}

static void make_copy(agent *n, const tarn_compile_opts *o) {
    tarn_graph *g = (n->copy = probe_graph(n->store, 1)).g;
    tarn_node *copy = tarn_assign(g, weight(g, "target", 0), weight(g, "q", 0.1));
    rig_compile(&n->copy, TARN_FETCH(copy), "cpu", o);
}

static agent make(const tarn_compile_opts *o) {
    agent n = {0};
    CHECK_OK(tarn_store_create(1, &n.store));
    make_step(&n, o);
    make_copy(&n, o);
    return n;
}

static void free_agent(agent *n) {
    probe_graph_free(&n->step);
    probe_graph_free(&n->copy);
    tarn_store_free(n->store);
}

static void draw(int step, transitions *t) {
    for (int i = 0; i < BATCH * STATE; i++) {
        t->s[i] = (double)((i * 31 + step * 11) % 23) / 23 - 0.5;
        t->next[i] = (double)((i * 19 + step * 5) % 29) / 29 - 0.5;
    }
    for (int i = 0; i < BATCH; i++) {
        t->r[i] = (i + step) % 3;
        t->a[i] = (i * 2 + step) % ACTIONS;
    }
}

static void step(agent *n, int i) {
    transitions t;
    draw(i, &t);
    CHECK_OK(tarn_bind(n->step.p, "s", t.s, TARN_SHAPE(BATCH, STATE)));
    CHECK_OK(tarn_bind(n->step.p, "next", t.next, TARN_SHAPE(BATCH, STATE)));
    CHECK_OK(tarn_bind(n->step.p, "r", t.r, TARN_SHAPE(BATCH)));
    probe_run(&n->step, "a", t.a, TARN_SHAPE(BATCH, 1));
    if (i % EVERY == EVERY - 1) CHECK_OK(tarn_run(n->copy.p));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    agent n = make(o);
    for (int i = 0; i < STEPS; i++) step(&n, i);
    CHECK_OK(tarn_store_sha256(n.store, hash));
    free_agent(&n);
}

static double value(const double *s, const double *w, int action) {
    double y = 0;
    for (int k = 0; k < STATE; k++) y += s[k] * w[k * ACTIONS + action];
    return y;
}

static void step_by_hand(double *w, double *target, int step) {
    double d[STATE * ACTIONS] = {0};
    transitions t;
    draw(step, &t);
    for (int i = 0; i < BATCH; i++) {
        double best = -INFINITY;
        for (int b = 0; b < ACTIONS; b++) best = fmax(best, value(t.next + i * STATE, target, b));
        double error = value(t.s + i * STATE, w, t.a[i]) - (t.r[i] + gamma_ * best);
        for (int k = 0; k < STATE; k++)
            d[k * ACTIONS + t.a[i]] += 2 * error * t.s[i * STATE + k] / BATCH;
    }
    for (int k = 0; k < STATE * ACTIONS; k++) w[k] -= rate * d[k];
    if (step % EVERY == EVERY - 1) memcpy(target, w, sizeof d);
}

TEST(steps_and_copies_are_as_by_hand) {
    double w[STATE * ACTIONS], target[STATE * ACTIONS] = {0}, got[STATE * ACTIONS];
    for (int k = 0; k < STATE * ACTIONS; k++) w[k] = 0.1;
    agent n = make(NULL);
    for (int i = 0; i < STEPS; i++) {
        step(&n, i);
        step_by_hand(w, target, i);
        probe_read(n.store, "q", got, STATE * ACTIONS);
        CHECK_CLOSE(got, w, STATE * ACTIONS, 1e-12, 1e-12);
        probe_read(n.store, "target", got, STATE * ACTIONS);
        CHECK_CLOSE(got, target, STATE * ACTIONS, 1e-12, 1e-12);
    }
    free_agent(&n);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }
