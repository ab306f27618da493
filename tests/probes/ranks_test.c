// Data parallel training: two ranks, each with its own store and half of the batch, exchange
// gradients inside the step over a transport in this process. Both hold the same weights to the
// bit after every step, and those of one rank with the double batch but for rounding.
#include <pthread.h>

#include "probes/support.h"

enum { RANKS = 2, BATCH = 6, IN = 13, HIDDEN = 20, CLASSES = 4, STEPS = 5 };

// ---- a transport between threads ----------------------------------------------------------------

typedef struct wire {
    pthread_barrier_t meet;
    const void *mine[RANKS];
    bool broken;
} wire;

typedef struct rank {
    wire *w;
    tarn_transport t;
    rig r;
    char hash[STEPS][65];
    tarn_status st;
    pthread_t thread;
} rank;

static tarn_status all_gather(void *self, const void *mine, void *all, size_t bytes) {
    const rank *r = self;
    r->w->mine[r->t.rank] = mine;
    pthread_barrier_wait(&r->w->meet);
    for (int i = 0; i < RANKS; i++) memcpy((char *)all + (size_t)i * bytes, r->w->mine[i], bytes);
    pthread_barrier_wait(&r->w->meet);
    return r->w->broken ? TARN_EIO : TARN_OK;
}

// ---- the step -----------------------------------------------------------------------------------

static tarn_node *build(rig *r, const tarn_transport *t) {
    tarn_graph *g = r->g;
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, IN));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH)), *w[2], *d[2], *all[2];
    w[0] = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(IN, HIDDEN), tarn_init_he_normal());
    w[1] = tarn_variable(g, "v", TARN_F32, TARN_SHAPE(HIDDEN, CLASSES), tarn_init_he_normal());
    tarn_node *h = tarn_relu(g, tarn_matmul(g, x, w[0]));
    tarn_node *each = tarn_softmax_cross_entropy(g, tarn_matmul(g, h, w[1]), y);
    tarn_node *loss = tarn_mean(g, each, TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(g, tarn_check_finite(g, loss, "loss"), w, 2, d));
    for (int i = 0; i < 2; i++) {
        tarn_node *rate = tarn_constant(g, TARN_F32, t ? 0.5 / t->size : 0.5);
        if (t) d[i] = tarn_all_reduce(g, d[i], t);
        all[i] = tarn_assign(g, w[i], tarn_sub(g, w[i], tarn_mul(g, d[i], rate)));
    }
    return tarn_group(g, all, 2);
}

// Samples first..first+n-1 of a step.
static tarn_status step(rig *r, int i, int first, int n) {
    float x[RANKS * BATCH * IN];
    int32_t y[RANKS * BATCH];
    for (int k = 0; k < n * IN; k++) x[k] = (float)(((first * IN + k) * 31 + i * 17) % 97) / 97;
    for (int k = 0; k < n; k++) y[k] = ((first + k) * 3 + i) % CLASSES;
    tarn_status st = tarn_bind(r->p, "x", x, TARN_SHAPE(n, IN));
    if (!st) st = tarn_bind(r->p, "y", y, TARN_SHAPE(n));
    return st ? st : tarn_run(r->p);
}

static void *train_rank(void *arg) {
    rank *me = arg;
    for (int i = 0; i < STEPS && !me->st; i++) {
        me->st = step(&me->r, i, me->t.rank * BATCH, BATCH);
        if (tarn_store_sha256(me->r.store, me->hash[i])) me->hash[i][0] = 0;
    }
    return NULL;
}

static void run_ranks(const tarn_compile_opts *o, rank *ranks, bool broken) {
    static wire w;
    w = (wire){.broken = broken};
    CHECK(!pthread_barrier_init(&w.meet, NULL, RANKS));
    for (int i = 0; i < RANKS; i++) {
        ranks[i] = (rank){.w = &w, .r = rig_make()};
        ranks[i].t = (tarn_transport){i, RANKS, all_gather, &ranks[i]};
        tarn_set_max_batch(ranks[i].r.g, BATCH);
        rig_compile(&ranks[i].r, TARN_FETCH(build(&ranks[i].r, &ranks[i].t)), "cpu", o);
    }
    for (int i = 0; i < RANKS; i++)
        CHECK(!pthread_create(&ranks[i].thread, NULL, train_rank, &ranks[i]));
    for (int i = 0; i < RANKS; i++) {
        CHECK(!pthread_join(ranks[i].thread, NULL));
        rig_free(&ranks[i].r);
    }
    pthread_barrier_destroy(&w.meet);
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rank ranks[RANKS];
    run_ranks(o, ranks, false);
    CHECK_OK(ranks[0].st);
    memcpy(hash, ranks[0].hash[STEPS - 1], 65);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

TEST(ranks_hold_the_same_weights_after_every_step) {
    rank ranks[RANKS];
    run_ranks(NULL, ranks, false);
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
    rig_compile(&ranks, TARN_FETCH(build(&ranks, &t)), "cpu", NULL);
    rig_compile(&whole, TARN_FETCH(build(&whole, NULL)), "cpu", NULL);
    probe_read(whole.store, "w", start, N);
    for (int i = 0; i < STEPS; i++) {
        CHECK_OK(tarn_store_get(ranks.store, "w", &w));
        CHECK_OK(tarn_store_get(ranks.store, "v", &v));
        m.at = 0;
        m.replay = false;
        CHECK_OK(step(&ranks, i, BATCH, BATCH));
        CHECK_OK(tarn_store_set(ranks.store, "w", w));
        CHECK_OK(tarn_store_set(ranks.store, "v", v));
        m.at = 0;
        m.replay = true;
        CHECK_OK(step(&ranks, i, 0, BATCH));
        CHECK_OK(step(&whole, i, 0, RANKS * BATCH));
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
    run_ranks(NULL, ranks, true);
    CHECK(ranks[0].st == TARN_EIO && ranks[1].st == TARN_EIO);
    rig r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    (void)build(&r, NULL);
    CHECK_OK(tarn_store_sha256(r.store, fresh));
    CHECK_STR(ranks[0].hash[0], fresh);
    rig_free(&r);
}
