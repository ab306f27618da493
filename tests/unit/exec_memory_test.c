// Memory that runs out: each allocation of a small step fails once, from the store to the run. The
// answer is "out of memory" or success, nothing leaks, and what was there works afterwards.
#include "ops/mlp.h"

// Store, graph, gradients, compile, two steps.
static tarn_status smoke(const char *device) {
    mlp m = {.r = {0}};
    mlp_data(&m);
    tarn_status st = tarn_store_create(RIG_SEED, &m.r.store);
    if (!st && !(m.r.g = tarn_graph_create(m.r.store))) st = TARN_ENOMEM;
    if (!st) {
        mlp_build(&m, m.r.g);
        st = tarn_graph_status(m.r.g);
    }
    const tarn_compile_opts opts = {.jit = TARN_JIT_OFF, .poison = true};
    tarn_fetch fetch = TARN_FETCH(m.loss, m.step);
    if (!st) st = tarn_compile_opts_(m.r.g, fetch, device, &opts, &m.r.p);
    for (int i = 0; i < 2 && !st; i++) st = mlp_run(&m, m.r.p, MLP_BATCH - i);
    rig_free(&m.r);
    return st;
}

static void check_sweep(const char *device) {
    CHECK_OK(tarn_set_threads(1));
    CHECK_OK(smoke(device));
    ti_alloc_stats before = ti_alloc_stats_now();
    CHECK_OK(smoke(device));
    uint64_t calls = ti_alloc_stats_now().calls - before.calls, failed = 0;
    CHECK_EQ_I(ti_alloc_stats_now().live, before.live);
    for (uint64_t n = 1; n <= calls; n++) {
        ti_alloc_fail_at(n);
        tarn_status st = smoke(device);
        ti_alloc_fail_at(0);
        if (st == TARN_OK && n == 1) SKIP("allocations fail only in test builds");
        if (st != TARN_OK && st != TARN_ENOMEM)
            test_fail(__FILE__, __LINE__, "allocation %llu of %llu: %s, \"%s\"",
                      (unsigned long long)n, (unsigned long long)calls, tarn_status_name(st),
                      tarn_last_error());
        failed += st == TARN_ENOMEM;
        if (ti_alloc_stats_now().live != before.live)
            test_fail(__FILE__, __LINE__, "allocation %llu of %llu leaks", (unsigned long long)n,
                      (unsigned long long)calls);
    }
    CHECK(failed > calls / 2);
    CHECK_OK(smoke(device));
}

TEST(every_allocation_of_a_step_may_fail_on_the_cpu) { check_sweep("cpu"); }
TEST(every_allocation_of_a_step_may_fail_on_ref) { check_sweep("ref"); }

// A run that could not get scratch for more threads changed nothing; the next one is whole.
TEST(a_run_after_one_that_had_no_memory_is_whole) {
    const float x[4] = {0};
    rig r = rig_make();
    CHECK_OK(tarn_set_threads(1));
    tarn_node *y = tarn_exp(r.g, tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(4)));
    rig_compile(&r, TARN_FETCH(y), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(4)));
    CHECK_OK(tarn_set_threads(3));
    ti_alloc_fail_at(1);
    tarn_status st = tarn_run(r.p);
    ti_alloc_fail_at(0);
    if (st == TARN_OK) SKIP("allocations fail only in test builds");
    CHECK_EQ_I(st, TARN_ENOMEM);
    CHECK_OK(tarn_run(r.p));
    for (int i = 0; i < 4; i++) CHECK(((const float *)tarn_result(r.p, 0, NULL))[i] == 1);
    rig_free(&r);
}
