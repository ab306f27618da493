// The pipeline: order, cursor, conversion, threads.
#include <stdlib.h>
#include <string.h>

#include <tarn/data.h>

#include "test.h"

enum { N = 23, WIDTH = 3 };

// Sample i is {i, i + 1, i + 2} as u8 [23,3,1], its label i.
static tarn_dataset numbered(void) {
    tarn_dataset d = {.classes = N, .name = "numbered"};
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(N, WIDTH, 1), &d.x));
    CHECK_OK(tarn_tensor_create(TARN_I32, TARN_SHAPE(N), &d.y));
    for (int i = 0; i < N; i++) {
        uint8_t *x = (uint8_t *)tarn_tensor_data(d.x) + i * WIDTH;
        for (int j = 0; j < WIDTH; j++) x[j] = (uint8_t)(i + j);
        ((int32_t *)tarn_tensor_data(d.y))[i] = i;
    }
    return d;
}

static tarn_pipeline *pipeline_of(const tarn_dataset *d, tarn_pipeline_opts o) {
    tarn_pipeline *p;
    CHECK_OK(tarn_pipeline_create(d, &o, &p));
    return p;
}

// The labels of one epoch into `seen`; returns how many.
static int read_epoch(tarn_pipeline *p, int32_t seen[N]) {
    tarn_batch b;
    int n = 0;
    for (;;) {
        CHECK_OK(tarn_pipeline_next(p, &b));
        if (b.n == 0) return n;
        CHECK(n + b.n <= N);
        memcpy(seen + n, b.y, (size_t)b.n * sizeof *seen);
        for (int64_t i = 0; i < b.n; i++) CHECK(b.x[i * WIDTH + 1] == (float)(seen[n + i] + 1));
        n += (int)b.n;
    }
}

// ---- order -------------------------------------------------------------------------------------

TEST(pipeline_keeps_the_order_without_shuffle) {
    tarn_dataset d = numbered();
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 5});
    int32_t seen[N];
    CHECK_EQ_I(tarn_pipeline_batches(p), 5);
    for (int epoch = 0; epoch < 3; epoch++) {
        CHECK_EQ_I(read_epoch(p, seen), N);
        for (int i = 0; i < N; i++) CHECK_EQ_I(seen[i], i);
    }
    tarn_pipeline_free(p);
    tarn_pipeline_free(NULL);
    tarn_dataset_clear(&d);
}

// The two orders were computed by a separate implementation in Python: Philox 4x32-10 with key
// seed ^ FNV-1a("pipeline.order") and counter (swap / 2, epoch), Fisher-Yates from the end.
TEST(pipeline_shuffles_as_documented) {
    static const int32_t want[2][10] = {{8, 2, 0, 3, 1, 5, 7, 4, 9, 6},
                                        {8, 1, 6, 4, 3, 0, 5, 7, 9, 2}};
    tarn_dataset d = {.classes = 10};
    tarn_batch b;
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(10, 1), &d.x));
    CHECK_OK(tarn_tensor_from(TARN_I32, TARN_SHAPE(10), (int32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                              &d.y));
    tarn_pipeline *p = pipeline_of(
        &d, (tarn_pipeline_opts){.batch_size = 10, .seed = 7, .shuffle = true});
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK(memcmp(b.y, want[0], sizeof want[0]) == 0);
    CHECK_OK(tarn_pipeline_seek(p, 3, 0));
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK(memcmp(b.y, want[1], sizeof want[1]) == 0);
    tarn_pipeline_free(p);
    tarn_dataset_clear(&d);
}

TEST(pipeline_gives_every_sample_once_an_epoch_in_a_new_order) {
    tarn_dataset d = numbered();
    tarn_pipeline *p = pipeline_of(
        &d, (tarn_pipeline_opts){.batch_size = 4, .seed = 1, .shuffle = true});
    int32_t seen[2][N];
    for (int epoch = 0; epoch < 2; epoch++) {
        int count[N] = {0};
        CHECK_EQ_I(read_epoch(p, seen[epoch]), N);
        for (int i = 0; i < N; i++) count[seen[epoch][i]]++;
        for (int i = 0; i < N; i++) CHECK_EQ_I(count[i], 1);
    }
    CHECK(memcmp(seen[0], seen[1], sizeof seen[0]) != 0);
    tarn_pipeline_free(p);
    tarn_dataset_clear(&d);
}

// ---- batches and their shapes ------------------------------------------------------------------

TEST(pipeline_ends_an_epoch_with_a_partial_batch_or_drops_it) {
    tarn_dataset d = numbered();
    tarn_batch b;
    int32_t seen[N];
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 20});
    CHECK_EQ_I(tarn_pipeline_batches(p), 2);
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK_EQ_I(b.n, 20);
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK_EQ_I(b.n, 3);
    CHECK_EQ_I(b.x_shape.dim[0], 3);
    CHECK_EQ_I(b.y_shape.dim[0], 3);
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK_EQ_I(b.n, 0);
    tarn_pipeline_free(p);
    p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 20, .drop_last = true});
    CHECK_EQ_I(tarn_pipeline_batches(p), 1);
    CHECK_EQ_I(read_epoch(p, seen), 20);
    tarn_pipeline_free(p);
    p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 1000});
    CHECK_EQ_I(read_epoch(p, seen), N);
    tarn_pipeline_free(p);
    tarn_dataset_clear(&d);
}

// 23 samples: two batches of 9, and one of 5 that is 2, 2 and 1.
TEST(parts_of_ranks_are_the_batches_of_one_alone) {
    tarn_dataset d = numbered();
    tarn_pipeline_opts o = {.batch_size = 9, .seed = 3, .shuffle = true};
    tarn_pipeline *whole = pipeline_of(&d, o), *part[3];
    o.batch_size = 3;
    o.ranks = 3;
    for (o.rank = 0; o.rank < 3; o.rank++) part[o.rank] = pipeline_of(&d, o);
    CHECK_EQ_I(tarn_pipeline_batches(part[0]), 3);
    for (int i = 0; i < 2 * 4; i++) {  // two epochs, with their ends
        tarn_batch all, b;
        int64_t n = 0;
        CHECK_OK(tarn_pipeline_next(whole, &all));
        for (int r = 0; r < 3; r++) {
            CHECK_OK(tarn_pipeline_next(part[r], &b));
            CHECK(b.n <= 3 && b.n <= all.n - n);
            for (int64_t k = 0; k < b.n; k++)
                CHECK_EQ_I(((const int32_t *)b.y)[k], ((const int32_t *)all.y)[n + k]);
            n += b.n;
        }
        CHECK_EQ_I(n, all.n);
    }
    for (int r = 0; r < 3; r++) tarn_pipeline_free(part[r]);
    tarn_pipeline_free(whole);
    tarn_dataset_clear(&d);
}

TEST(a_last_batch_without_a_sample_for_each_rank_is_left_out) {
    tarn_dataset d = numbered();
    tarn_pipeline_opts o = {.batch_size = 3, .rank = 6, .ranks = 7};
    tarn_pipeline *p = pipeline_of(&d, o);  // 21 and 2
    int32_t seen[N];
    CHECK_EQ_I(tarn_pipeline_batches(p), 1);
    CHECK_EQ_I(read_epoch(p, seen), 3);
    CHECK_EQ_I(seen[2], 20);
    tarn_pipeline_free(p);
    o.rank = 7;
    CHECK_ERR(tarn_pipeline_create(&d, &o, &p), TARN_EARG, "rank 7 of 7");
    o = (tarn_pipeline_opts){.batch_size = 1, .ranks = N + 1};
    CHECK_ERR(tarn_pipeline_create(&d, &o, &p), TARN_EARG, "23 samples are not one for each of 24");
    tarn_dataset_clear(&d);
}

TEST(pipeline_flattens_and_aligns) {
    tarn_dataset d = numbered();
    tarn_batch b;
    tarn_shape kept = TARN_SHAPE(7, WIDTH, 1), flat = TARN_SHAPE(7, WIDTH);
    for (int i = 0; i < 2; i++) {
        d.flatten = i == 1;
        tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 7});
        for (int j = 0; j < 3; j++) {
            CHECK_OK(tarn_pipeline_next(p, &b));
            CHECK_EQ_I((uintptr_t)b.x % 64, 0);
            CHECK(tarn_shape_equal(&b.x_shape, i ? &flat : &kept));
            CHECK_EQ_I(b.y_dtype, TARN_I32);
            CHECK_EQ_I(b.y_shape.rank, 1);
        }
        tarn_pipeline_free(p);
    }
    tarn_dataset_clear(&d);
}

// Every u8 value, bit for bit: product and sum are each rounded to f32.
TEST(pipeline_converts_u8_exactly) {
    static const double cases[][2] = {
        {1.0 / 255, 0}, {1.0 / 127.5, -1}, {0, 0}, {0.1, 0.3}, {0, 2}};
    tarn_dataset d = {0};
    tarn_batch b;
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(1, 256), &d.x));
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(1, 1), &d.y));
    for (int i = 0; i < 256; i++) ((uint8_t *)tarn_tensor_data(d.x))[i] = (uint8_t)i;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        d.scale = cases[c][0];
        d.offset = cases[c][1];
        tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 1});
        CHECK_OK(tarn_pipeline_next(p, &b));
        for (int i = 0; i < 256; i++) {
            volatile float want = (float)i;  // volatile: each step is rounded
            want *= d.scale == 0 ? 1 : (float)d.scale;
            want += (float)d.offset;
            CHECK(memcmp(&(float){want}, &b.x[i], sizeof(float)) == 0);
        }
        tarn_pipeline_free(p);
    }
    tarn_dataset_clear(&d);
}

TEST(pipeline_passes_f32_through_and_scales_it_when_told) {
    const float x[] = {-0.0f, 1.5f, -2, 1e-40f, 5, 6}, y[] = {7, 8, 9, 10};
    tarn_dataset d = {0};
    tarn_batch b;
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(2, 3), x, &d.x));
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(2, 2), y, &d.y));
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 2});
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK(memcmp(b.x, x, sizeof x) == 0);
    CHECK(memcmp(b.y, y, sizeof y) == 0);
    CHECK_EQ_I(b.y_dtype, TARN_F32);
    CHECK_EQ_I(b.y_shape.dim[1], 2);
    tarn_pipeline_free(p);
    d.scale = 2;
    d.offset = 1;
    p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 2});
    CHECK_OK(tarn_pipeline_next(p, &b));
    CHECK(b.x[1] == 4 && b.x[2] == -3);
    tarn_pipeline_free(p);
    tarn_dataset_clear(&d);
}

// ---- cursor and threads ------------------------------------------------------------------------

enum { EPOCHS = 4, BATCHES = 6, STEPS = EPOCHS * (BATCHES + 1) };  // 23 samples in batches of 4

// What each call of next gives from (0, 0) on: n and the labels.
typedef struct step {
    int64_t n;
    int32_t y[4];
} step;

static step take_step(tarn_pipeline *p) {
    tarn_batch b;
    step s = {0};
    CHECK_OK(tarn_pipeline_next(p, &b));
    s.n = b.n;
    memcpy(s.y, b.y ? b.y : s.y, (size_t)b.n * sizeof *s.y);
    for (int64_t i = 0; i < b.n * WIDTH; i++) CHECK(b.x[i] == (float)(s.y[i / WIDTH] + i % WIDTH));
    return s;
}

static bool same_step(step a, step b) { return a.n == b.n && memcmp(a.y, b.y, sizeof a.y) == 0; }

static void record(const tarn_dataset *d, int prefetch, step steps[STEPS]) {
    tarn_pipeline *p = pipeline_of(
        d, (tarn_pipeline_opts){.batch_size = 4, .seed = 9, .shuffle = true, .prefetch = prefetch});
    CHECK_EQ_I(tarn_pipeline_batches(p), BATCHES);
    for (int i = 0; i < STEPS; i++) steps[i] = take_step(p);
    tarn_pipeline_free(p);
}

TEST(pipeline_gives_the_same_with_any_prefetch) {
    static const int prefetch[] = {0, 1, 5, 100};
    tarn_dataset d = numbered();
    step want[STEPS], got[STEPS];
    record(&d, -1, want);
    for (int i = 0; i < 4; i++) {
        record(&d, prefetch[i], got);
        for (int j = 0; j < STEPS; j++) CHECK(same_step(got[j], want[j]));
    }
    tarn_dataset_clear(&d);
}

TEST(pipeline_seek_goes_on_as_if_it_had_never_stopped) {
    tarn_dataset d = numbered();
    step want[STEPS];
    record(&d, -1, want);
    for (int prefetch = -1; prefetch < 4; prefetch++) {
        tarn_pipeline *p = pipeline_of(
            &d, (tarn_pipeline_opts){
                    .batch_size = 4, .seed = 9, .shuffle = true, .prefetch = prefetch});
        for (uint64_t jump = 0; jump < 300; jump++) {
            uint32_t r[4];
            ti_philox(test_seed(), jump, 0, r);
            int at = (int)(r[0] % (STEPS - 5)), run = (int)(r[1] % 5);
            CHECK_OK(tarn_pipeline_seek(p, at / (BATCHES + 1), at % (BATCHES + 1)));
            for (int i = 0; i < run; i++) CHECK(same_step(take_step(p), want[at + i]));
        }
        tarn_pipeline_free(p);
    }
    tarn_dataset_clear(&d);
}

TEST(pipeline_batch_stays_until_the_next_call) {
    tarn_dataset d = numbered();
    tarn_batch b;
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 1, .prefetch = 1});
    for (int i = 0; i < N; i++) {
        CHECK_OK(tarn_pipeline_next(p, &b));
        for (double until = ti_now() + 1e-4; ti_now() < until;) CHECK(b.x[0] == (float)i);
    }
    tarn_pipeline_free(p);
    tarn_dataset_clear(&d);
}

TEST(pipeline_allocates_nothing_after_create) {
    tarn_dataset d = numbered();
    for (int prefetch = -1; prefetch < 2; prefetch++) {
        tarn_pipeline *p = pipeline_of(
            &d, (tarn_pipeline_opts){.batch_size = 4, .shuffle = true, .prefetch = prefetch});
        uint64_t calls = ti_alloc_stats_now().calls;
        for (int i = 0; i < 50; i++) take_step(p);
        CHECK_OK(tarn_pipeline_seek(p, 100, 3));
        for (int i = 0; i < 50; i++) take_step(p);
        CHECK_EQ_I(ti_alloc_stats_now().calls, calls);
        tarn_pipeline_free(p);
    }
    tarn_dataset_clear(&d);
}

TEST(pipeline_stops_cleanly_at_any_time) {
    tarn_dataset d = numbered();
    uint64_t live = ti_alloc_stats_now().live;
    for (int i = 0; i < 200; i++) {
        tarn_pipeline *p = pipeline_of(
            &d, (tarn_pipeline_opts){.batch_size = 2, .shuffle = true, .prefetch = 3});
        for (int j = 0; j < i % 7; j++) take_step(p);
        tarn_pipeline_free(p);
    }
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
    tarn_dataset_clear(&d);
}

TEST(pipeline_keeps_the_tensors_it_reads) {
    tarn_dataset d = numbered();
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 4});
    int32_t seen[N];
    tarn_dataset_clear(&d);
    CHECK_EQ_I(read_epoch(p, seen), N);
    tarn_pipeline_free(p);
}

// ---- arguments ---------------------------------------------------------------------------------

static tarn_status try_create(const tarn_dataset *d, tarn_pipeline_opts o) {
    tarn_pipeline *p = NULL;
    tarn_status st = tarn_pipeline_create(d, &o, &p);
    CHECK(st || p);
    tarn_pipeline_free(p);
    return st;
}

TEST(pipeline_refuses_options_without_sense) {
    tarn_dataset d = numbered();
    tarn_pipeline *p = pipeline_of(&d, (tarn_pipeline_opts){.batch_size = 4});
    CHECK_ERR(try_create(&d, (tarn_pipeline_opts){0}), TARN_EARG, "batch size 0");
    CHECK_ERR(try_create(&d, (tarn_pipeline_opts){.batch_size = 24, .drop_last = true}), TARN_EARG,
              "23 samples do not fill one batch of 24");
    CHECK_ERR(try_create(&d, (tarn_pipeline_opts){.batch_size = 4, .prefetch = -2}), TARN_EARG,
              "prefetch -2, -1 to 1024");
    CHECK_ERR(tarn_pipeline_seek(p, -1, 0), TARN_EARG, "epoch -1");
    CHECK_ERR(tarn_pipeline_seek(p, 0, 7), TARN_EARG, "batch 7; 0 or more, and 0 to 6");
    tarn_pipeline_free(p);
    ((int32_t *)tarn_tensor_data(d.y))[3] = N;
    CHECK_ERR(try_create(&d, (tarn_pipeline_opts){.batch_size = 4}), TARN_EARG,
              "sample 3: label 23");
    tarn_dataset_clear(&d);
}

TEST(pipeline_create_survives_every_failed_allocation) {
    tarn_dataset d = numbered();
    uint64_t live = ti_alloc_stats_now().live;
    for (uint64_t n = 1;; n++) {
        uint64_t before = ti_alloc_stats_now().calls;
        ti_alloc_fail_at(n);
        tarn_status st = try_create(&d, (tarn_pipeline_opts){.batch_size = 4});
        uint64_t calls = ti_alloc_stats_now().calls - before;
        ti_alloc_fail_at(0);
        CHECK_EQ_I(ti_alloc_stats_now().live, live);
        if (st == TARN_OK && calls >= n) SKIP("this build has no failing allocations");
        if (st == TARN_OK) break;
        CHECK_EQ_I(st, TARN_ENOMEM);
    }
    tarn_dataset_clear(&d);
}
