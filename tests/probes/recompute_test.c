// Recomputing: the same weights to the bit, less memory at the peak, more work. A chain of layers
// with dropout, whose masks must be drawn the same again, is kept at every third layer only.
#include "probes/support.h"

enum { BATCH = 32, WIDE = 48, LAYERS = 9, EVERY = 3, STEPS = 3 };

static tarn_node *layer(tarn_graph *g, tarn_node *x, int i) {
    char name[16];
    snprintf(name, sizeof name, "w%d", i);
    tarn_node *w = tarn_variable(g, name, TARN_F32, TARN_SHAPE(WIDE, WIDE),
                                 tarn_init_glorot_uniform());
    return tarn_dropout(g, tarn_tanh(g, tarn_matmul(g, x, w)), 0.1, name);
}

static rig make(bool again, const tarn_compile_opts *o) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, WIDE)), *kept = x, *h = x;
    for (int i = 0; i < LAYERS; i++) {
        h = layer(r.g, h, i);
        if (i % EVERY != EVERY - 1) continue;
        if (again) h = tarn_recompute(r.g, h, &kept, 1);
        kept = h;
    }
    tarn_node *loss = tarn_mean(r.g, tarn_square(r.g, h), TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(r.g, loss, tarn_sgd(.learning_rate = 0.5), NULL);
    rig_compile(&r, TARN_FETCH(step), "cpu", o);
    return r;
}

static void run(rig *r, char hash[65]) {
    static float x[BATCH * WIDE];
    for (int i = 0; i < BATCH * WIDE; i++) x[i] = (float)((i * 37) % 101) / 101 - 0.4f;
    for (int i = 0; i < STEPS; i++) probe_run(r, "x", x, TARN_SHAPE(BATCH, WIDE));
    CHECK_OK(tarn_store_sha256(r->store, hash));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = make(true, o);
    run(&r, hash);
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

TEST(the_weights_are_those_without_recomputing_and_the_peak_is_lower) {
    char with[65], without[65];
    rig a = make(true, NULL), b = make(false, NULL);
    run(&a, with);
    run(&b, without);
    CHECK_STR(with, without);
    tarn_program_info less = tarn_program_stats(a.p), more = tarn_program_stats(b.p);
    if (10 * less.arena_bytes > 7 * more.arena_bytes)
        test_fail(__FILE__, __LINE__, "%zu bytes recomputing, %zu without", less.arena_bytes,
                  more.arena_bytes);
    CHECK(less.flops > more.flops);
    rig_free(&a);
    rig_free(&b);
}

// d(w^2) = 2 w, whatever is said to be kept of what w^2 does not depend on.
TEST(a_part_that_does_not_depend_on_what_is_kept_is_differentiated) {
    rig r = rig_make();
    tarn_node *w = tarn_variable(r.g, "w", TARN_F64, TARN_SCALAR, tarn_init_constant(3)), *d;
    tarn_node *x = tarn_input(r.g, "x", TARN_F64, TARN_SCALAR);
    tarn_node *y = tarn_recompute(r.g, tarn_square(r.g, w), &x, 1);
    CHECK_OK(tarn_gradients(r.g, y, &w, 1, &d));
    rig_compile(&r, TARN_FETCH(d), "cpu", NULL);
    CHECK_OK(tarn_run(r.p));
    CHECK(tarn_result_scalar(r.p, 0) == 6);
    rig_free(&r);
}
