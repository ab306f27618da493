// Convolutional networks: the way back of max-pooling against plain loops, ties, remainders,
// overlap and padding included; convolution, batch normalisation, relu and pooling, twice, with one
// batch normalisation in two places, trained in every way; a layer's moving averages through a fit,
// its files and a resumed fit.
#include "nn/model.h"
#include "probes/support.h"

static double at(int64_t i, int salt) {
    return (double)((i * 7919 + salt * 104729) % 1009) / 1009 - 0.5;
}

// ---- pooling by hand ----------------------------------------------------------------------------

typedef struct pooling {
    int64_t n, h, w, c;
    tarn_pool2d_opts o;
} pooling;

static const pooling poolings[] = {
    {2, 6, 8, 17, {{2, 2}, {0}, {0}}},             // as it mostly is
    {3, 7, 9, 5, {{2, 2}, {0}, {0}}},              // a row and a column are left
    {1, 11, 6, 4, {{3, 4}, {0}, {0}}},             // both
    {1, 8, 7, 3, {{3, 3}, {2, 2}, {0}}},           // over each other
    {2, 9, 9, 2, {{2, 2}, {3, 4}, {0}}},           // with gaps
    {2, 6, 5, 3, {{3, 3}, {2, 2}, {1, 1, 0, 2}}},  // padded
    {2, 5, 5, 3, {{2, 2}, {0}, {0, 1, 0, 1}}},     // padded instead of left
    {1, 5, 4, 40, {{5, 4}, {0}, {0}}},             // one window
};
enum { POOLINGS = sizeof poolings / sizeof *poolings };

typedef struct pooled {
    int64_t nx, ny, oh, ow;
    double *x, *dy, *y, *dx;
} pooled;

// Every third number or so is a tie of its neighbours.
static pooled pool_by_hand(const pooling *p) {
    const tarn_pool2d_opts *o = &p->o;
    int64_t kh = o->window[0], kw = o->window[1];
    int64_t sh = o->stride[0] ? o->stride[0] : kh, sw = o->stride[1] ? o->stride[1] : kw;
    pooled a = {.oh = (p->h + o->padding[0] + o->padding[1] - kh) / sh + 1,
                .ow = (p->w + o->padding[2] + o->padding[3] - kw) / sw + 1};
    a.nx = p->n * p->h * p->w * p->c;
    a.ny = p->n * a.oh * a.ow * p->c;
    a.x = calloc((size_t)(2 * (a.nx + a.ny)), sizeof *a.x);
    CHECK(a.x);
    a.dx = a.x + a.nx;
    a.y = a.dx + a.nx;
    a.dy = a.y + a.ny;
    for (int64_t i = 0; i < a.nx; i++) a.x[i] = floor(3 * at(i, 1));
    for (int64_t i = 0; i < a.ny; i++) a.dy[i] = at(i, 2);
    for (int64_t i = 0; i < a.ny; i++) {
        int64_t c = i % p->c, q = i / p->c % a.ow, r = i / p->c / a.ow % a.oh;
        int64_t n = i / p->c / a.ow / a.oh, best = -1;
        for (int64_t k = 0; k < kh * kw; k++) {
            int64_t row = r * sh + k / kw - o->padding[0], col = q * sw + k % kw - o->padding[2];
            if (row < 0 || col < 0 || row >= p->h || col >= p->w) continue;
            int64_t from = ((n * p->h + row) * p->w + col) * p->c + c;
            if (best < 0 || a.x[from] > a.x[best]) best = from;
        }
        a.y[i] = a.x[best];
        a.dx[best] += a.dy[i];
    }
    return a;
}

static tarn_tensor *as(tarn_dtype f, tarn_shape s, const double *x) {
    tarn_tensor *wide = NULL, *t = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F64, s, x, &wide));
    CHECK_OK(tarn_tensor_cast(wide, f, &t));
    tarn_tensor_release(wide);
    return t;
}

static void check_result(const rig *r, int i, tarn_dtype f, const double *want, int64_t n) {
    const void *got = tarn_result(r->p, i, NULL);
    if (f == TARN_F32) CHECK_CLOSE((const float *)got, want, n, 1e-6, 1e-7);
    if (f == TARN_F64) CHECK_CLOSE((const double *)got, want, n, 1e-15, 1e-16);
}

static void check_pooling(const pooling *p, tarn_dtype f, const char *device, tarn_jit jit) {
    rig r = rig_make();
    pooled a = pool_by_hand(p);
    tarn_set_max_batch(r.g, p->n + 1);
    tarn_node *x = tarn_input(r.g, "x", f, TARN_SHAPE(TARN_BATCH, p->h, p->w, p->c)), *dx = NULL;
    tarn_node *dy = tarn_input(r.g, "dy", f, TARN_SHAPE(TARN_BATCH, a.oh, a.ow, p->c));
    tarn_node *y = tarn_max_pool2d_(r.g, x, &p->o);
    CHECK_OK(
        tarn_gradients(r.g, tarn_sum(r.g, tarn_mul(r.g, y, dy), TARN_ALL_AXES, 0), &x, 1, &dx));
    rig_compile(&r, TARN_FETCH(y, dx), device, &(tarn_compile_opts){.jit = jit});
    tarn_shape xs = TARN_SHAPE(p->n, p->h, p->w, p->c), ys = TARN_SHAPE(p->n, a.oh, a.ow, p->c);
    tarn_tensor *tx = as(f, xs, a.x), *ty = as(f, ys, a.dy);
    CHECK_OK(tarn_bind(r.p, "x", tarn_tensor_cdata(tx), xs));
    probe_run(&r, "dy", tarn_tensor_cdata(ty), ys);
    check_result(&r, 0, f, a.y, a.ny);
    check_result(&r, 1, f, a.dx, a.nx);
    tarn_tensor_release(tx);
    tarn_tensor_release(ty);
    free(a.x);
    rig_free(&r);
}

TEST(pooling_sends_the_gradient_to_the_first_of_equals) {
    for (int i = 0; i < POOLINGS; i++) {
        check_pooling(&poolings[i], TARN_F32, "cpu", TARN_JIT_OFF);
        check_pooling(&poolings[i], TARN_F64, "cpu", TARN_JIT_OFF);
        check_pooling(&poolings[i], TARN_F64, "ref", TARN_JIT_OFF);
    }
}
TEST(compiled_pooling_sends_the_gradient_to_the_first_of_equals) {
    need_compiler();
    for (int i = 0; i < 4; i++) check_pooling(&poolings[i], TARN_F32, "cpu", TARN_JIT_WAIT);
}

TEST(what_is_no_pooling_is_refused) {
    static const struct {
        tarn_pool2d_opts o;
        tarn_status st;
        const char *why;
    } bad[] = {
        {{{8, 8}, {0}, {0}}, TARN_EUNSUPPORTED, "a window of 8 x 8 has more than 49 places"},
        {{{7, 2}, {0}, {0}}, TARN_ESHAPE, "an image of 6 x 5 is smaller than the window"},
        {{{0, 2}, {0}, {0}}, TARN_EARG, "window 0"},
        {{{2, 2}, {-1, 0}, {0}}, TARN_EARG, "stride -1"},
        {{{2, 2}, {0}, {0, 0, 2, 0}}, TARN_EARG, "padding 2 of a window of 2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig r = rig_make();
        tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2, 6, 5, 3));
        CHECK(!tarn_max_pool2d_(r.g, x, &bad[i].o));
        CHECK_ERR(tarn_graph_status(r.g), bad[i].st, bad[i].why);
        rig_free(&r);
    }
}

// ---- one batch normalisation in two places ------------------------------------------------------

enum { BATCH = 5, SIDE = 14, WIDE = 16, STEPS = 3 };

static tarn_node *variable(tarn_graph *g, const char *name, double first) {
    return tarn_variable(g, name, TARN_F32, TARN_SHAPE(WIDE), tarn_init_constant(first));
}

// a = 0.9 a + 0.1 now, from what the use before made of it.
static void average(tarn_graph *g, const char *name, double first, tarn_node *now) {
    tarn_node *a = variable(g, name, first);
    tarn_node *old = tarn_mul(g, tarn_next_value(g, a), tarn_constant(g, TARN_F32, 0.9));
    now = tarn_mul(g, now, tarn_constant(g, TARN_F32, 0.1));
    tarn_set_next_value(g, a, tarn_add(g, old, now));
}

static tarn_node *block(tarn_graph *g, tarn_node *x, const char *kernel, int64_t in) {
    tarn_node *mean, *spread;
    tarn_node *w = tarn_variable(g, kernel, TARN_F32, TARN_SHAPE(3, 3, in, WIDE),
                                 tarn_init_he_normal());
    tarn_node *y = tarn_conv2d(g, x, w, .padding = {1, 1, 1, 1});
    y = tarn_batch_norm(g, y, variable(g, "gamma", 1), variable(g, "beta", 0), 1e-3, &mean,
                        &spread);
    average(g, "mean", 0, mean);
    average(g, "variance", 1, spread);
    return tarn_max_pool2d(g, tarn_relu(g, y), .window = {2, 2});
}

static tarn_node *network(tarn_graph *g, tarn_node *x) {
    tarn_node *y = block(g, block(g, x, "k0", 1), "k1", WIDE);  // the second leaves a row: 7 to 3
    return tarn_reshape(g, y, TARN_SHAPE(TARN_BATCH, 3 * 3 * WIDE));
}

static tarn_node *step(rig *r) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, SIDE, SIDE, 1));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(9 * WIDE, 3), tarn_init_he_normal());
    tarn_node *each = tarn_softmax_cross_entropy(g, tarn_matmul(g, network(g, x), w), y);
    tarn_node *both[] = {tarn_minimize(g, tarn_mean(g, each, TARN_ALL_AXES, 0),
                                       tarn_adam(.learning_rate = 0.01), NULL),
                         tarn_assign_next_values(g)};
    return tarn_group(g, both, 2);
}

static tarn_status bind(rig *r, int i) {
    static float x[BATCH * SIDE * SIDE];
    static int32_t y[BATCH];
    int64_t batch = BATCH - i % BATCH;  // the last ones are smaller
    for (int k = 0; k < BATCH * SIDE * SIDE; k++) x[k] = (float)at(k, i + 1);
    for (int k = 0; k < BATCH; k++) y[k] = (k + i) % 3;
    TI_TRY(tarn_bind(r->p, "x", x, TARN_SHAPE(batch, SIDE, SIDE, 1)));
    return tarn_bind(r->p, "y", y, TARN_SHAPE(batch));
}
static void feed(rig *r, int i) { CHECK_OK(bind(r, i)); }

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(step(&r)), "cpu", o);
    probe_steps(&r, STEPS, feed, hash);
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

// The same step on the device that walks node by node.
TEST(a_step_is_that_of_the_reference) {
    static const char *const names[] = {"k0", "k1", "w", "gamma", "beta", "mean", "variance"};
    static const int sizes[] = {9 * WIDE, 9 * WIDE * WIDE, 27 * WIDE, WIDE, WIDE, WIDE, WIDE};
    static double want[9 * WIDE * WIDE], got[9 * WIDE * WIDE];
    rig r[2];
    for (int i = 0; i < 2; i++) {
        r[i] = rig_make();
        rig_compile(&r[i], TARN_FETCH(step(&r[i])), i ? "ref" : "cpu", NULL);
        feed(&r[i], 0);
        CHECK_OK(tarn_run(r[i].p));
    }
    for (int k = 0; k < 7; k++) {
        probe_read(r[0].store, names[k], got, sizes[k]);
        probe_read(r[1].store, names[k], want, sizes[k]);
        // Adam's first step is the sign of a gradient: no further apart than twice its rate
        CHECK_CLOSE(got, want, sizes[k], 1e-4, k < 5 ? 2.1e-2 : 1e-6);
        int apart = 0;
        for (int i = 0; i < sizes[k]; i++) apart += fabs(got[i] - want[i]) > 1e-4;
        CHECK(apart * 100 <= sizes[k]);
    }
    rig_free(&r[0]);
    rig_free(&r[1]);
}

// Two uses, one average: (0.9 (0.9 a + 0.1 first) + 0.1 second), both of what the step began with.
TEST(averages_of_two_uses_are_chained) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2, WIDE));
    for (int i = 0; i < 2; i++) {
        tarn_node *now = tarn_slice(r.g, x, (int64_t[]){i, 0}, NULL, TARN_SHAPE(1, WIDE));
        average(r.g, "mean", 3, tarn_reshape(r.g, now, TARN_SHAPE(WIDE)));
    }
    tarn_node *before = tarn_add(r.g, variable(r.g, "mean", 3), variable(r.g, "mean", 3));
    rig_compile(&r, TARN_FETCH(before, tarn_assign_next_values(r.g)), "cpu", NULL);
    float numbers[2 * WIDE];
    double mean[WIDE], want[WIDE], six[WIDE];
    for (int i = 0; i < 2 * WIDE; i++) numbers[i] = (float)i;
    for (int i = 0; i < WIDE; i++) want[i] = 0.9 * (0.9 * 3 + 0.1 * i) + 0.1 * (i + WIDE);
    for (int i = 0; i < WIDE; i++) six[i] = 6;
    probe_run(&r, "x", numbers, TARN_SHAPE(2, WIDE));
    CHECK_CLOSE((const float *)tarn_result(r.p, 0, NULL), six, WIDE, 0, 0);
    probe_read(r.store, "mean", mean, WIDE);
    CHECK_CLOSE(mean, want, WIDE, 1e-6, 0);
    rig_free(&r);
}

TEST(a_graph_without_next_values_assigns_none) {
    rig r = rig_make();
    tarn_node *v = variable(r.g, "v", 2);
    CHECK(tarn_next_value(r.g, v) == v);
    rig_compile(&r, TARN_FETCH(tarn_assign_next_values(r.g), tarn_sum(r.g, v, TARN_ALL_AXES, 0)),
                "cpu", NULL);
    CHECK_OK(tarn_run(r.p));
    CHECK(tarn_result_scalar(r.p, 1) == 2 * WIDE);
    rig_free(&r);
}

// Training included, all that is reordered is the second kernel, turned round for the gradient of
// what it is applied to.
TEST(nothing_is_reordered_between_convolutions) {
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(step(&r)), "cpu", NULL);
    CHECK_EQ_I(ti_plan_reorders(r.p->plan), 1);
    rig_free(&r);
    r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, SIDE, SIDE, 1));
    rig_compile(&r, TARN_FETCH(network(r.g, x)), "cpu", NULL);
    CHECK_EQ_I(ti_plan_reorders(r.p->plan), 0);
    rig_free(&r);
}

// ---- a model ------------------------------------------------------------------------------------

enum { SAMPLES = 90, EPOCHS = 2 };  // batches of 32, the last one of 26

static tarn_model *model(void) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), 9, &m));
    tarn_model_add(m, tarn_reshape_layer(TARN_SHAPE(28, -1, 1)));
    tarn_model_add(m, tarn_conv2d_layer(4, .kernel_size = {5}, .strides = {3}, .no_bias = true));
    tarn_model_add(m, tarn_batch_normalization(.momentum = 0.9));
    tarn_model_add(m, tarn_activation_layer("relu"));
    tarn_model_add(m, tarn_max_pooling2d(.padding = "same"));
    tarn_model_add(m, tarn_flatten_layer());
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_adam(.learning_rate = 0.01),
                                .loss = "sparse_categorical_crossentropy", .metrics = "accuracy"));
    return m;
}

static void fit(tarn_model *m, const char *checkpoint, int64_t stop, bool resume) {
    tarn_dataset data, test;
    CHECK_OK(tarn_data_digits(2, SAMPLES, 10, &data, &test));
    data.flatten = test.flatten = true;
    CHECK_OK(tarn_model_fit(m, &data, .batch_size = 32, .epochs = EPOCHS, .validation = &test,
                            .checkpoint = checkpoint, .max_steps = stop, .resume = resume));
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
}

static void path_of(char path[256], const char *name) {
    snprintf(path, 256, "%s/%s", test_dir(), name);
}

TEST(a_fit_with_moving_averages_resumes_bit_for_bit) {
    char whole[65], pieces[65], path[256];
    tarn_model *m = model();
    path_of(path, "checkpoint");
    fit(m, NULL, 0, false);
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), whole));
    tarn_model_free(m);
    for (int stop = 1; stop <= 4; stop += 3) {
        m = model();
        fit(m, path, stop, false);
        tarn_model_free(m);
        m = model();
        fit(m, path, 0, true);
        CHECK_OK(tarn_store_sha256(tarn_model_store(m), pieces));
        CHECK_STR(pieces, whole);
        tarn_model_free(m);
        CHECK(!remove(path));
    }
}

static float element(tarn_model *m, const char *name) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_store_get(tarn_model_store(m), name, &t));
    float v = *(const float *)tarn_tensor_cdata(t);
    tarn_tensor_release(t);
    return v;
}

// They move in training, are weights in the hash and in files, and evaluation goes by them.
TEST(moving_averages_are_kept_and_used) {
    char before[65], after[65], path[256];
    tarn_dataset data, test;
    tarn_logs logs[2];
    tarn_model *m = model(), *again = NULL;
    fit(m, NULL, 0, false);
    CHECK(element(m, "batch_normalization/moving_mean") != 0);
    CHECK(element(m, "batch_normalization/moving_variance") != 1);
    path_of(path, "model");
    CHECK_OK(tarn_model_save(m, path, false));
    CHECK_OK(tarn_model_load(path, &again));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), before));
    CHECK_OK(tarn_store_sha256(tarn_model_store(again), after));
    CHECK_STR(before, after);
    CHECK_OK(tarn_data_digits(2, SAMPLES, 10, &data, &test));
    data.flatten = test.flatten = true;
    for (int i = 0; i < 2; i++)  // no matter how samples meet in batches
        CHECK_OK(tarn_model_evaluate(again, &data, i ? 7 : 32, &logs[i]));
    double loss = tarn_logs_get(&logs[0], "loss"), other = tarn_logs_get(&logs[1], "loss");
    CHECK(fabs(loss - other) < 1e-6 * loss);
    CHECK_OK(tarn_store_sha256(tarn_model_store(again), after));
    CHECK_STR(before, after);
    tarn_tensor *zero = NULL;
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(4), &zero));
    CHECK_OK(tarn_store_set(tarn_model_store(again), "batch_normalization/moving_mean", zero));
    CHECK_OK(tarn_store_sha256(tarn_model_store(again), after));
    CHECK(strcmp(before, after) != 0);
    CHECK_OK(tarn_model_evaluate(again, &data, 32, &logs[1]));
    CHECK(tarn_logs_get(&logs[1], "loss") != loss);
    tarn_tensor_release(zero);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
    tarn_model_free(m);
    tarn_model_free(again);
}

// A frozen one, as in evaluation, is no weight either: decay would wear it off.
TEST(no_optimizer_trains_moving_averages) {
    tarn_model *m = model();
    rig r = {.store = tarn_model_store(m), .g = tarn_graph_create(tarn_model_store(m))};
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2, 784));
    tarn_node *y = tarn_model_apply(m, r.g, x, false);
    tarn_node *loss = tarn_sum(r.g, tarn_square(r.g, y), TARN_ALL_AXES, 0);
    rig_compile(&r, TARN_FETCH(tarn_minimize(r.g, loss, tarn_sgd(.weight_decay = 0.5), NULL)),
                "cpu", NULL);
    static float zeros[2 * 784];
    probe_run(&r, "x", zeros, TARN_SHAPE(2, 784));
    CHECK(element(m, "batch_normalization/moving_variance") == 1);
    CHECK(element(m, "batch_normalization/gamma") < 1);
    probe_graph_free(&r);
    tarn_model_free(m);
}

// ---- memory that runs out -----------------------------------------------------------------------

// A step of the network, from the store to the run.
static tarn_status smoke(void) {
    rig r = {0};
    tarn_status st = tarn_store_create(RIG_SEED, &r.store);
    if (!st && !(r.g = tarn_graph_create(r.store))) st = TARN_ENOMEM;
    tarn_node *all = st ? NULL : step(&r);
    if (!st) st = tarn_graph_status(r.g);
    if (!st)
        st = tarn_compile_opts_(r.g, TARN_FETCH(all), "cpu",
                                &(tarn_compile_opts){.jit = TARN_JIT_OFF}, &r.p);
    if (!st) st = bind(&r, BATCH - 1);
    if (!st) st = tarn_run(r.p);
    rig_free(&r);
    return st;
}

TEST(every_allocation_of_a_step_may_fail) {
    CHECK_OK(tarn_set_threads(1));
    CHECK_OK(smoke());
    ti_alloc_stats before = ti_alloc_stats_now();
    CHECK_OK(smoke());
    uint64_t calls = ti_alloc_stats_now().calls - before.calls;
    for (uint64_t n = 1; n <= calls; n++) {
        ti_alloc_fail_at(n);
        tarn_status st = smoke();
        ti_alloc_fail_at(0);
        if (st == TARN_OK && n == 1) SKIP("allocations fail only in test builds");
        if (st != TARN_OK && st != TARN_ENOMEM)
            test_fail(__FILE__, __LINE__, "allocation %llu of %llu: %s, \"%s\"",
                      (unsigned long long)n, (unsigned long long)calls, tarn_status_name(st),
                      tarn_last_error());
        CHECK_EQ_I(ti_alloc_stats_now().live, before.live);
    }
}
