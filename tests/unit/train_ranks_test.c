// Training by ranks: two threads that exchange gradients come to what one comes to with batches of
// double size.
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

enum { RANKS = 2, BATCH = 16, SAMPLES = 101, FEATURES = 5 };

// ---- two ranks in one process -------------------------------------------------------------------

typedef struct wire {
    pthread_barrier_t meet;
    const void *mine[RANKS];
    size_t bytes[RANKS];
} wire;

typedef struct rank {
    wire *w;
    tarn_transport t;
    pthread_t thread;
    double dropout, poison;
    char checkpoint[256];
    int64_t max_steps;
    bool resume;
    // how it ended
    tarn_status st;
    char error[512], hash[65];
    int64_t steps;
    tarn_logs logs;
    float weights[FEATURES];
} rank;

static tarn_status all_gather(void *self, const void *mine, void *all, size_t bytes) {
    const rank *r = self;
    r->w->mine[r->t.rank] = mine;
    r->w->bytes[r->t.rank] = bytes;
    pthread_barrier_wait(&r->w->meet);
    bool agree = r->w->bytes[0] == r->w->bytes[1];
    for (int i = 0; i < RANKS && agree; i++)
        memcpy((char *)all + (size_t)i * bytes, r->w->mine[i], bytes);
    pthread_barrier_wait(&r->w->meet);
    return agree ? TARN_OK : TARN_EIO;
}

// ---- what they train ----------------------------------------------------------------------------

static void make_data(double poison, tarn_dataset *d) {
    float x[SAMPLES * FEATURES], y[SAMPLES];
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (float)(i * 37 % 101) / 101;
    for (int i = 0; i < SAMPLES; i++) y[i] = x[i * FEATURES] - 2 * x[i * FEATURES + 3];
    y[3] += (float)poison;
    *d = (tarn_dataset){.name = "plane"};
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(SAMPLES, FEATURES), x, &d->x));
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(SAMPLES, 1), y, &d->y));
}

static tarn_status count_steps(void *self, tarn_fit_state *s) {
    ((rank *)self)->steps = s->step;
    return TARN_OK;
}

static void read_weights(tarn_model *m, rank *r) {
    tarn_tensor *w = NULL;
    CHECK_OK(tarn_store_get(tarn_model_store(m), "dense/kernel", &w));
    memcpy(r->weights, tarn_tensor_cdata(w), sizeof r->weights);
    tarn_tensor_release(w);
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), r->hash));
}

static void train(rank *r, const tarn_transport *t, int64_t batch) {
    tarn_model *m = NULL;
    tarn_dataset d;
    tarn_callback cb = {.self = r, .on_batch_end = count_steps};
    make_data(r->poison, &d);
    CHECK_OK(tarn_sequential(TARN_SHAPE(FEATURES), 3, &m));
    if (r->dropout > 0) tarn_model_add(m, tarn_dropout_layer(r->dropout));
    tarn_model_add(m, tarn_dense(1));
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_adam(.learning_rate = 0.05, .ranks = t),
                                .loss = "mse", .metrics = "mae"));
    r->st = tarn_model_fit(m, &d, .batch_size = batch, .epochs = 3, .validation = &d,
                           .callbacks = &cb, .n_callbacks = 1, .result = &r->logs,
                           .max_steps = r->max_steps, .resume = r->resume,
                           .checkpoint = *r->checkpoint ? r->checkpoint : NULL);
    snprintf(r->error, sizeof r->error, "%s", r->st ? tarn_last_error() : "");
    read_weights(m, r);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}

static void *train_rank(void *arg) {
    rank *r = arg;
    train(r, &r->t, BATCH);
    return NULL;
}

static void train_ranks(rank *r) {
    static wire w;
    CHECK(!pthread_barrier_init(&w.meet, NULL, RANKS));
    for (int i = 0; i < RANKS; i++) {
        r[i].w = &w;
        r[i].t = (tarn_transport){i, RANKS, all_gather, &r[i]};
        CHECK(!pthread_create(&r[i].thread, NULL, train_rank, &r[i]));
    }
    for (int i = 0; i < RANKS; i++) CHECK(!pthread_join(r[i].thread, NULL));
    pthread_barrier_destroy(&w.meet);
}

// ---- claims -------------------------------------------------------------------------------------

// 101 samples: three batches of 32 and one of 5, of which rank 0 gets 3 and rank 1 gets 2.
TEST(ranks_train_as_one_with_the_double_batch) {
    rank r[RANKS] = {{0}}, one = {0};
    double want[FEATURES];
    train_ranks(r);
    train(&one, NULL, RANKS * BATCH);
    CHECK(!r[0].st && !r[1].st && !one.st);
    CHECK_STR(r[0].hash, r[1].hash);
    CHECK_EQ_I(r[0].steps, 3 * 4);
    CHECK_EQ_I(one.steps, 3 * 4);
    for (int i = 0; i < FEATURES; i++) want[i] = (double)one.weights[i];
    CHECK_CLOSE(r[0].weights, want, FEATURES, 1e-5, 1e-6);
    CHECK_EQ_I(one.logs.count, 4);
    for (int i = 0; i < one.logs.count; i++) {
        double value = one.logs.item[i].value;
        CHECK_STR(r[0].logs.item[i].name, one.logs.item[i].name);
        CHECK(r[0].logs.item[i].value == r[1].logs.item[i].value);
        CHECK_CLOSE(&r[0].logs.item[i].value, &value, 1, 1e-5, 0);
    }
}

TEST(ranks_go_on_from_a_checkpoint_with_the_same_bits) {
    rank whole[RANKS] = {{0}}, cut[RANKS] = {{0}};
    for (int i = 0; i < RANKS; i++) {
        snprintf(cut[i].checkpoint, sizeof cut[i].checkpoint, "%s/c.st", test_dir());
        cut[i].dropout = whole[i].dropout = 0.3;
        cut[i].max_steps = 6;
        cut[i].resume = true;
    }
    train_ranks(whole);
    train_ranks(cut);
    CHECK_EQ_I(cut[0].steps, 6);
    CHECK(strcmp(cut[0].hash, whole[0].hash));
    for (int i = 0; i < RANKS; i++) cut[i].max_steps = 0;
    train_ranks(cut);
    for (int i = 0; i < RANKS; i++) {
        CHECK_OK(cut[i].st);
        CHECK_EQ_I(cut[i].steps, 12);
        CHECK_STR(cut[i].hash, whole[0].hash);
    }
}

TEST(ranks_that_begin_apart_are_told_so) {
    rank r[RANKS] = {{0}};
    for (int i = 0; i < RANKS; i++)
        snprintf(r[i].checkpoint, sizeof r[i].checkpoint, "%s/c.st", test_dir());
    r[0].max_steps = r[1].max_steps = 2;
    train_ranks(r);
    snprintf(r[1].checkpoint, sizeof r[1].checkpoint, "%s/elsewhere.st", test_dir());
    r[0].resume = r[1].resume = true;
    train_ranks(r);
    for (int i = 0; i < RANKS; i++) {
        CHECK(r[i].st == TARN_ESTATE);
        CHECK(strstr(r[i].error, "rank 1 begins at step 0 and rank 0 at step 2"));
    }
}

// One sample of one rank is not finite: no rank waits for the other, none has changed a weight.
TEST(a_loss_that_is_not_finite_ends_all_ranks_at_the_same_step) {
    rank r[RANKS] = {{.poison = (double)INFINITY}, {.poison = (double)INFINITY}};
    train_ranks(r);
    CHECK(r[0].st == TARN_ENUMERIC && r[1].st == TARN_ENUMERIC);
    const char *step = strstr(r[0].error, "epoch "),
               *end = strstr(r[0].error, ": loss is not finite");
    CHECK(step && end && !strncmp(r[0].error, r[1].error, (size_t)(end - r[0].error) + 20));
    CHECK(strstr(r[0].error, "input 'y' holds it") || strstr(r[1].error, "input 'y' holds it"));
    CHECK_STR(r[0].hash, r[1].hash);
    CHECK_EQ_I(r[0].steps, r[1].steps);
}

// With one sample many times over, ranks differ in nothing but what dropout draws.
static double first_gradient[RANKS][FEATURES];
static tarn_status spy(void *self, const void *mine, void *all, size_t bytes) {
    const rank *r = self;
    if (bytes == FEATURES * sizeof(float))
        for (int i = 0; i < FEATURES; i++)
            first_gradient[r->t.rank][i] = (double)((const float *)mine)[i];
    memcpy(all, mine, bytes);
    memcpy((char *)all + bytes, mine, bytes);
    return TARN_OK;
}

TEST(ranks_draw_random_numbers_of_their_own) {
    for (int i = 0; i < RANKS; i++) {
        tarn_dataset d;
        rank r = {.t = {i, RANKS, spy, NULL}};
        float x[SAMPLES * FEATURES], y[SAMPLES];
        for (int k = 0; k < SAMPLES * FEATURES; k++) x[k] = 1;
        for (int k = 0; k < SAMPLES; k++) y[k] = 3;
        tarn_model *m = NULL;
        r.t.self = &r;
        d = (tarn_dataset){.name = "same"};
        CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(SAMPLES, FEATURES), x, &d.x));
        CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(SAMPLES, 1), y, &d.y));
        CHECK_OK(tarn_sequential(TARN_SHAPE(FEATURES), 3, &m));
        tarn_model_add(m, tarn_dropout_layer(0.5));
        tarn_model_add(m, tarn_dense(1));
        CHECK_OK(tarn_model_compile(m, .optimizer = tarn_sgd(.ranks = &r.t), .loss = "mse"));
        CHECK_OK(tarn_model_fit(m, &d, .batch_size = BATCH, .max_steps = 1));
        tarn_model_free(m);
        tarn_dataset_clear(&d);
    }
    CHECK(first_gradient[0][0] != 0);
    CHECK(memcmp(first_gradient[0], first_gradient[1], sizeof first_gradient[0]));
}
