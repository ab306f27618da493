// Sizes that change from step to step: the last small batch, other sequence lengths. One program
// serves them all, without a compile and without planning anew, and makes the weights that a
// program for just that size makes.
#include "probes/support.h"

enum { BATCH = 8, TIME = 40, IN = 11, HIDDEN = 33, CLASSES = 5 };
static const int sizes[][2] = {{8, 40}, {8, 17}, {3, 40}, {1, 1}, {7, 23}, {8, 40}, {2, 39}};
enum { STEPS = sizeof sizes / sizeof *sizes };

// Mean over time of relu(x W), then a linear layer; x [batch, time, IN].
static tarn_node *build(rig *r, int64_t batch, int64_t time) {
    tarn_graph *g = r->g;
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(batch, time, IN));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(batch));
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(IN, HIDDEN), tarn_init_he_normal());
    tarn_node *v = tarn_variable(g, "v", TARN_F32, TARN_SHAPE(HIDDEN, CLASSES),
                                 tarn_init_he_normal());
    tarn_node *rows = tarn_reshape(g, x, TARN_SHAPE(tarn_dim_mul(g, batch, time), IN));
    tarn_node *h = tarn_relu(g, tarn_matmul(g, rows, w));
    h = tarn_mean(g, tarn_reshape(g, h, TARN_SHAPE(batch, time, HIDDEN)), TARN_AXIS(1), 0);
    tarn_node *each = tarn_softmax_cross_entropy(g, tarn_matmul(g, h, v), y);
    tarn_node *loss = tarn_mean(g, each, TARN_ALL_AXES, 0);
    return tarn_minimize(g, loss, tarn_adam(.learning_rate = 0.01), NULL);
}

static void feed(rig *r, int step) {
    static float x[BATCH * TIME * IN];
    static int32_t y[BATCH];
    int b = sizes[step][0], t = sizes[step][1];
    for (int i = 0; i < b * t * IN; i++) x[i] = (float)((i * 29 + step * 7) % 83) / 83 - 0.5f;
    for (int i = 0; i < b; i++) y[i] = (i + step) % CLASSES;
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(b, t, IN)));
    CHECK_OK(tarn_bind(r->p, "y", y, TARN_SHAPE(b)));
}

static rig make(const tarn_compile_opts *o) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    rig_compile(&r, TARN_FETCH(build(&r, TARN_BATCH, tarn_dim(r.g, "time", TIME))), "cpu", o);
    return r;
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = make(o);
    probe_steps(&r, STEPS, feed, hash);
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

TEST(one_program_for_all_sizes_makes_the_weights_of_one_for_each) {
    char any[65], fixed[65];
    tarn_store *store;
    train(NULL, any);
    CHECK_OK(tarn_store_create(RIG_SEED, &store));
    for (int i = 0; i < STEPS; i++) {
        rig r = probe_graph(store, 1);
        rig_compile(&r, TARN_FETCH(build(&r, sizes[i][0], sizes[i][1])), "cpu", NULL);
        feed(&r, i);
        CHECK_OK(tarn_run(r.p));
        probe_graph_free(&r);
    }
    CHECK_OK(tarn_store_sha256(store, fixed));
    CHECK_STR(any, fixed);
    tarn_store_free(store);
}

TEST(a_new_size_costs_no_compile_and_less_than_5_ms) {
    probe_own_cache();
    rig r = make(&(tarn_compile_opts){.jit = TARN_JIT_WAIT});
    CHECK_EQ_I(probe_modules(), 1);
    CHECK(probe_new_size_seconds(&r, STEPS, feed) < 5e-3);
    CHECK_EQ_I(probe_modules(), 1);
    rig_free(&r);
}
