// The training step that ranks share in the tests, whatever carries their bytes, and ranks that are
// threads of this process.
#ifndef PROBES_RANKS_H
#define PROBES_RANKS_H

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

static inline tarn_status gather_threads(void *self, const void *mine, void *all, size_t bytes) {
    const rank *r = self;
    r->w->mine[r->t.rank] = mine;
    pthread_barrier_wait(&r->w->meet);
    for (int i = 0; i < RANKS; i++) memcpy((char *)all + (size_t)i * bytes, r->w->mine[i], bytes);
    pthread_barrier_wait(&r->w->meet);
    return r->w->broken ? TARN_EIO : TARN_OK;
}

// ---- the step -----------------------------------------------------------------------------------

static inline tarn_node *build_step(rig *r, const tarn_transport *t) {
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
static inline tarn_status run_step(rig *r, int i, int first, int n) {
    float x[RANKS * BATCH * IN];
    int32_t y[RANKS * BATCH];
    for (int k = 0; k < n * IN; k++) x[k] = (float)(((first * IN + k) * 31 + i * 17) % 97) / 97;
    for (int k = 0; k < n; k++) y[k] = ((first + k) * 3 + i) % CLASSES;
    tarn_status st = tarn_bind(r->p, "x", x, TARN_SHAPE(n, IN));
    if (!st) st = tarn_bind(r->p, "y", y, TARN_SHAPE(n));
    return st ? st : tarn_run(r->p);
}

static inline void *train_rank(void *arg) {
    rank *me = arg;
    for (int i = 0; i < STEPS && !me->st; i++) {
        me->st = run_step(&me->r, i, me->t.rank * BATCH, BATCH);
        if (tarn_store_sha256(me->r.store, me->hash[i])) me->hash[i][0] = 0;
    }
    return NULL;
}

static inline void run_threads(const tarn_compile_opts *o, rank *ranks, bool broken) {
    static wire w;
    w = (wire){.broken = broken};
    CHECK(!pthread_barrier_init(&w.meet, NULL, RANKS));
    for (int i = 0; i < RANKS; i++) {
        ranks[i] = (rank){.w = &w, .r = rig_make()};
        ranks[i].t = (tarn_transport){i, RANKS, gather_threads, &ranks[i]};
        tarn_set_max_batch(ranks[i].r.g, BATCH);
        rig_compile(&ranks[i].r, TARN_FETCH(build_step(&ranks[i].r, &ranks[i].t)), "cpu", o);
    }
    for (int i = 0; i < RANKS; i++)
        CHECK(!pthread_create(&ranks[i].thread, NULL, train_rank, &ranks[i]));
    for (int i = 0; i < RANKS; i++) {
        CHECK(!pthread_join(ranks[i].thread, NULL));
        rig_free(&ranks[i].r);
    }
    pthread_barrier_destroy(&w.meet);
}

// Hash of the weights that ranks of threads end with.
static inline void train_threads(const tarn_compile_opts *o, char hash[65]) {
    rank ranks[RANKS];
    run_threads(o, ranks, false);
    CHECK_OK(ranks[0].st);
    memcpy(hash, ranks[0].hash[STEPS - 1], 65);
}

#endif
