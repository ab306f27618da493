// Data parallel training: two ranks, each with its own store and half of the batch, exchange
// gradients inside the step over a transport in this process. Both hold the same weights to the
// bit after every step, and those of one rank with the double batch but for rounding.
#include "probes/ranks.h"

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train_threads); }

TEST(ranks_hold_the_same_weights_after_every_step) {
    rank ranks[RANKS];
    run_threads(NULL, ranks, false);
    for (int i = 0; i < STEPS; i++) {
        CHECK(ranks[0].hash[i][0]);
        CHECK_STR(ranks[0].hash[i], ranks[1].hash[i]);
        CHECK(!i || strcmp(ranks[0].hash[i], ranks[0].hash[i - 1]));
    }
}

// Weights after training, of one rank with the double batch, or of two in turn: rank 1's half of
// the gradient is found first, by a transport that remembers it.
typedef struct memory {
    float other[IN * HIDDEN + HIDDEN * CLASSES];
    size_t at;
    bool replay;
} memory;

static tarn_status remember(void *self, const void *mine, void *all, size_t bytes) {
    memory *m = self;
    char *other = (char *)m->other + m->at;
    m->at += bytes;
    if (!m->replay) memcpy(other, mine, bytes);
    memcpy(all, mine, bytes);
    memcpy((char *)all + bytes, other, bytes);
    return TARN_OK;
}

TEST(two_ranks_train_as_one_with_the_double_batch) {
    enum { N = IN * HIDDEN };
    double two[N], one[N], start[N];
    memory m = {.replay = false};
    const tarn_transport t = {0, RANKS, remember, &m};
    rig ranks = rig_make(), whole = rig_make();
    tarn_tensor *w = NULL, *v = NULL;
    tarn_set_max_batch(ranks.g, BATCH);
    tarn_set_max_batch(whole.g, RANKS * BATCH);
    rig_compile(&ranks, TARN_FETCH(build_step(&ranks, &t)), "cpu", NULL);
    rig_compile(&whole, TARN_FETCH(build_step(&whole, NULL)), "cpu", NULL);
    probe_read(whole.store, "w", start, N);
    for (int i = 0; i < STEPS; i++) {
        CHECK_OK(tarn_store_get(ranks.store, "w", &w));
        CHECK_OK(tarn_store_get(ranks.store, "v", &v));
        m.at = 0;
        m.replay = false;
        CHECK_OK(run_step(&ranks, i, BATCH, BATCH));
        CHECK_OK(tarn_store_set(ranks.store, "w", w));
        CHECK_OK(tarn_store_set(ranks.store, "v", v));
        m.at = 0;
        m.replay = true;
        CHECK_OK(run_step(&ranks, i, 0, BATCH));
        CHECK_OK(run_step(&whole, i, 0, RANKS * BATCH));
        probe_read(ranks.store, "w", two, N);
        probe_read(whole.store, "w", one, N);
        CHECK_CLOSE(two, one, N, 1e-5, 1e-6);
        tarn_tensor_release(w);
        tarn_tensor_release(v);
    }
    double moved = 0;
    for (int k = 0; k < N; k++) moved = fmax(moved, fabs(one[k] - start[k]));
    CHECK(moved > 0.01);
    rig_free(&ranks);
    rig_free(&whole);
}

TEST(a_rank_that_is_lost_ends_the_step_before_anything_is_written) {
    rank ranks[RANKS];
    char fresh[65];
    run_threads(NULL, ranks, true);
    CHECK(ranks[0].st == TARN_EIO && ranks[1].st == TARN_EIO);
    rig r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    (void)build_step(&r, NULL);
    CHECK_OK(tarn_store_sha256(r.store, fresh));
    CHECK_STR(ranks[0].hash[0], fresh);
    rig_free(&r);
}
