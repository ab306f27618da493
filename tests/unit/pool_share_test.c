// The thread pool: shares cover everything once, barriers hold, whoever finds it busy runs alone.
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "test.h"

// ---- shares -------------------------------------------------------------------------------------

TEST(shares_cover_every_item_once_in_whole_grains) {
    static const int64_t grains[] = {1, 3, 16, 64};
    for (int64_t n = 0; n < 200; n++)
        for (int g = 0; g < 4; g++)
            for (int threads = 1; threads < 18; threads++) {
                int64_t next = 0, lo, hi;
                for (int t = 0; t < threads; t++) {
                    ti_share(n, grains[g], t, threads, &lo, &hi);
                    CHECK(lo == next && hi >= lo && hi <= n);
                    CHECK(hi == n || hi % grains[g] == 0);
                    next = hi;
                }
                CHECK_EQ_I(next, n);
            }
}

TEST(shares_differ_by_one_grain_at_most) {
    int64_t lo, hi, least = INT64_MAX, most = 0;
    for (int t = 0; t < 7; t++) {
        ti_share(1000, 10, t, 7, &lo, &hi);
        least = ti_min_i64(least, hi - lo);
        most = ti_max_i64(most, hi - lo);
    }
    CHECK(most - least <= 10);
}

// ---- regions ------------------------------------------------------------------------------------

enum { MAX = 64, ROUNDS = 200 };

typedef struct region {
    atomic_int calls[MAX];
    atomic_int threads;  // as the function was told
    atomic_int here, wrong;
} region;

static void count(void *ctx, int thread, int n_threads) {
    region *r = ctx;
    atomic_fetch_add(&r->calls[thread], 1);
    atomic_store(&r->threads, n_threads);
}

static void check_threads(int asked, int at_most, int expected) {
    region r = {0};
    CHECK_OK(tarn_set_threads(asked));
    CHECK_EQ_I(tarn_threads(), asked);
    ti_pool_run(count, &r, at_most);
    CHECK_EQ_I(r.threads, expected);
    for (int t = 0; t < MAX; t++) CHECK_EQ_I(r.calls[t], t < expected);
}

TEST(every_thread_is_called_once_as_the_pool_grows_and_shrinks) {
    static const int sizes[] = {1, 2, 4, 3, 8, 1, 8, 2};
    for (int i = 0; i < 8; i++) check_threads(sizes[i], 0, sizes[i]);
}

TEST(a_region_may_ask_for_fewer_threads) {
    check_threads(6, 2, 2);
    check_threads(6, 1, 1);
    check_threads(2, 6, 2);
}

TEST(the_number_of_threads_has_limits) {
    int before = tarn_threads();
    CHECK_ERR(tarn_set_threads(0), TARN_EARG, "0 threads, 1 to 1024 allowed");
    CHECK_ERR(tarn_set_threads(1025), TARN_EARG, "1025 threads");
    CHECK_EQ_I(tarn_threads(), before);
}

TEST(the_environment_sets_the_number) {
    setenv("TARN_THREADS", "5", 1);
    CHECK_EQ_I(tarn_threads(), 5);
}

TEST(numbers_that_cannot_be_are_brought_into_the_limits) {
    setenv("TARN_THREADS", "-3", 1);
    CHECK_EQ_I(tarn_threads(), 1);
}

// ---- barriers -----------------------------------------------------------------------------------

// After each barrier everyone has done the round, and nobody is two rounds ahead.
static void rounds(void *ctx, int thread, int n_threads) {
    region *r = ctx;
    (void)thread;
    for (int i = 1; i <= ROUNDS; i++) {
        atomic_fetch_add(&r->here, 1);
        ti_pool_barrier(n_threads);
        int here = atomic_load(&r->here);
        if (here < i * n_threads || here > (i + 1) * n_threads) atomic_fetch_add(&r->wrong, 1);
        ti_pool_barrier(n_threads);
        if (atomic_load(&r->here) < i * n_threads) atomic_fetch_add(&r->wrong, 1);
    }
}

TEST(nobody_passes_a_barrier_before_all_are_there) {
    for (int n = 1; n < 6; n++) {
        region r = {0};
        CHECK_OK(tarn_set_threads(n));
        for (int i = 0; i < 5; i++) ti_pool_run(rounds, &r, 0), atomic_store(&r.here, 0);
        CHECK_EQ_I(r.wrong, 0);
    }
}

TEST(many_short_regions_follow_each_other) {
    region r = {0};
    CHECK_OK(tarn_set_threads(3));
    for (int i = 0; i < 2000; i++) ti_pool_run(count, &r, 0);
    for (int t = 0; t < 3; t++) CHECK_EQ_I(r.calls[t], 2000);
}

// ---- busy ---------------------------------------------------------------------------------------

static void nest(void *ctx, int thread, int n_threads) {
    region *r = ctx;
    region inner = {0};
    (void)thread;
    (void)n_threads;
    ti_pool_run(count, &inner, 0);
    if (inner.threads != 1 || inner.calls[0] != 1) atomic_fetch_add(&r->wrong, 1);
}

TEST(a_region_within_a_region_runs_alone) {
    region r = {0};
    CHECK_OK(tarn_set_threads(3));
    ti_pool_run(nest, &r, 0);
    CHECK_EQ_I(r.wrong, 0);
}

static void *run_while_busy(void *arg) {
    ti_pool_run(count, arg, 0);
    return NULL;
}

static void hold(void *ctx, int thread, int n_threads) {
    pthread_t other;
    (void)n_threads;
    if (thread) return;
    if (!pthread_create(&other, NULL, run_while_busy, ctx)) pthread_join(other, NULL);
}

TEST(another_thread_that_finds_the_pool_busy_runs_alone) {
    region r = {0};
    CHECK_OK(tarn_set_threads(2));
    ti_pool_run(hold, &r, 0);
    CHECK_EQ_I(r.threads, 1);
    CHECK_EQ_I(r.calls[0], 1);
    ti_pool_run(count, &r, 0);  // and it is free again
    CHECK_EQ_I(r.threads, 2);
}

static void *run_often(void *arg) {
    for (int i = 0; i < 300; i++) {
        region r = {0};
        ti_pool_run(count, &r, 0);
        for (int t = 0; t < r.threads; t++)
            if (r.calls[t] != 1) atomic_fetch_add(&((region *)arg)->wrong, 1);
    }
    return NULL;
}

TEST(callers_at_the_same_time_disturb_nobody) {
    region r = {0};
    pthread_t caller[4];
    CHECK_OK(tarn_set_threads(3));
    for (int i = 0; i < 4; i++) CHECK(!pthread_create(&caller[i], NULL, run_often, &r));
    for (int i = 0; i < 4; i++) pthread_join(caller[i], NULL);
    CHECK_EQ_I(r.wrong, 0);
}
