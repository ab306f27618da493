// Loops over time: running sums against their closed form, and gradients against differences.
#include <jansson.h>

#include "probes/support.h"

enum { TIME = 6, WIDE = 3 };

// The sum so far, and its square.
static void running(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                    tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    (void)use;
    next[0] = tarn_add(g, carry[0], x[0]);
    y[0] = tarn_mul(g, next[0], next[0]);
}

static void sums(bool reverse, int64_t keep_every, const char *device) {
    double x[TIME * WIDE], first[WIDE], want[TIME * WIDE], sum[WIDE], dx[TIME * WIDE] = {0};
    double df[WIDE] = {0};
    rig r = rig_make();
    tarn_graph *g = r.g;
    tarn_node *v = tarn_variable(g, "x", TARN_F64, TARN_SHAPE(TIME, WIDE), tarn_init_zeros());
    tarn_node *c = tarn_variable(g, "c", TARN_F64, TARN_SHAPE(WIDE), tarn_init_zeros());
    tarn_node *last, *y, *d[2];
    CHECK_OK(tarn_scan(g,
                       &(tarn_scan_opts){.body = running,
                                         .carry = &c,
                                         .n_carry = 1,
                                         .x = &v,
                                         .n_x = 1,
                                         .n_y = 1,
                                         .reverse = reverse,
                                         .keep_every = keep_every},
                       &last, &y));
    tarn_node *loss = tarn_sum(g, y, TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(g, loss, (tarn_node *[]){v, c}, 2, d));
    rig_compile(&r, TARN_FETCH(y, last, d[0], d[1]), device, NULL);
    for (int i = 0; i < TIME * WIDE; i++) x[i] = 0.1 * i - 0.7;
    for (int i = 0; i < WIDE; i++) sum[i] = first[i] = 0.3 * i;
    probe_write(r.store, "x", TARN_F64, TARN_SHAPE(TIME, WIDE), x);
    probe_write(r.store, "c", TARN_F64, TARN_SHAPE(WIDE), first);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < WIDE; j++) {
            int t = reverse ? TIME - 1 - i : i, at = t * WIDE + j;
            sum[j] += x[at];
            want[at] = sum[j] * sum[j];
            df[j] += 2 * sum[j];
            for (int k = 0; k <= i; k++) dx[(reverse ? TIME - 1 - k : k) * WIDE + j] += 2 * sum[j];
        }
    CHECK_OK(tarn_run(r.p));
    CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, TIME * WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 1, NULL), sum, WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 2, NULL), dx, TIME * WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 3, NULL), df, WIDE, 1e-14, 1e-14);
    rig_free(&r);
}

TEST(running_sums_and_their_gradients_are_the_closed_form) {
    for (int reverse = 0; reverse < 2; reverse++)
        for (int keep = 0; keep <= 3; keep++) {
            if (keep == 1) continue;
            sums(reverse, keep, "cpu");
            sums(reverse, keep, "ref");
        }
}

// ---- a recurrent layer --------------------------------------------------------------------------

enum { N = 3, T = 12, IN = 5, H = 6, MOST = 256 };

// The layer in three ways: the whole sequence as one op; a loop whose step does all of it; the
// same that keeps its carries every few steps.
typedef struct layer {
    tarn_node *x, *w, *u, *b, *h, *c;
} layer;

static void step(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                 tarn_node *const *use, tarn_node **next, tarn_node **y) {
    tarn_node *part[4], *all = tarn_add(g, tarn_matmul(g, x[0], use[0]), use[2]);
    (void)user;
    all = tarn_add(g, all, tarn_matmul(g, carry[0], use[1]));
    for (int k = 0; k < 4; k++) {
        part[k] = tarn_slice(g, all, (int64_t[]){0, k * H}, NULL,
                             TARN_SHAPE(tarn_node_dim(all, 0), H));
        part[k] = k == 2 ? tarn_tanh(g, part[k]) : tarn_sigmoid(g, part[k]);
    }
    next[1] = tarn_add(g, tarn_mul(g, part[1], carry[1]), tarn_mul(g, part[0], part[2]));
    next[0] = y[0] = tarn_mul(g, part[3], tarn_tanh(g, next[1]));
}

static tarn_node *by_scan(tarn_graph *g, const layer *l, int64_t keep_every) {
    static const int swap[3] = {1, 0, 2};
    tarn_node *x = tarn_transpose(g, l->x, swap), *last[2], *y;
    const tarn_scan_opts o = {.body = step,
                              .carry = (tarn_node *[]){l->h, l->c},
                              .n_carry = 2,
                              .x = &x,
                              .n_x = 1,
                              .use = (tarn_node *[]){l->w, l->u, l->b},
                              .n_use = 3,
                              .n_y = 1,
                              .keep_every = keep_every};
    if (tarn_scan(g, &o, last, &y)) return NULL;
    return tarn_transpose(g, y, swap);
}

static tarn_node *outputs(tarn_graph *g, const layer *l, int64_t way) {
    return way < 0 ? tarn_lstm(g, l->x, l->w, l->u, l->b, l->h, l->c) : by_scan(g, l, way);
}

static void numbers(const json_t *o, const char *key, double *out, int n) {
    const json_t *list = json_object_get(o, key);
    CHECK_EQ_I((int)json_array_size(list), n);
    for (int i = 0; i < n; i++) out[i] = json_number_value(json_array_get(list, (size_t)i));
}

// Against PyTorch's layer (tests/golden/train/make_lstm.py).
static void check_layer(int64_t way, const char *device) {
    static const char *const names[] = {"x", "w", "u", "b", "h", "c"};
    static const char *const grads[] = {"dx", "dw", "du", "db", "dh", "dc"};
    const tarn_shape shapes[] = {TARN_SHAPE(N, T, IN), TARN_SHAPE(IN, 4 * H), TARN_SHAPE(H, 4 * H),
                                 TARN_SHAPE(4 * H),    TARN_SHAPE(N, H),      TARN_SHAPE(N, H)};
    double want[MOST], data[7][MOST];
    json_t *o = json_load_file(TARN_SOURCE_DIR "/tests/golden/train/lstm.json", 0, NULL);
    rig r = rig_make();
    tarn_node *in[6], *d[6];
    CHECK(o);
    for (int i = 0; i < 6; i++) in[i] = tarn_input(r.g, names[i], TARN_F64, shapes[i]);
    tarn_node *weight = tarn_input(r.g, "r", TARN_F64, TARN_SHAPE(N, T, H));
    tarn_node *y = outputs(r.g, &(layer){in[0], in[1], in[2], in[3], in[4], in[5]}, way);
    tarn_node *loss = tarn_sum(r.g, tarn_mul(r.g, y, weight), TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(r.g, loss, in, 6, d));
    rig_compile(&r, TARN_FETCH(y, d[0], d[1], d[2], d[3], d[4], d[5]), device, NULL);
    for (int i = 0; i < 6; i++) {
        numbers(o, names[i], data[i], (int)tarn_shape_numel(&shapes[i]));
        CHECK_OK(tarn_bind(r.p, names[i], data[i], shapes[i]));
    }
    numbers(o, "r", data[6], N * T * H);
    CHECK_OK(tarn_bind(r.p, "r", data[6], TARN_SHAPE(N, T, H)));
    CHECK_OK(tarn_run(r.p));
    numbers(o, "y", want, N * T * H);
    CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, N * T * H, 1e-12, 1e-13);
    for (int i = 0; i < 6; i++) {
        int n = (int)tarn_shape_numel(&shapes[i]);
        numbers(o, grads[i], want, n);
        CHECK_CLOSE((const double *)tarn_result(r.p, i + 1, NULL), want, n, 1e-11, 1e-12);
    }
    json_decref(o);
    rig_free(&r);
}

TEST(layer_and_gradients_are_those_of_pytorch_in_every_form) {
    static const int64_t ways[] = {-1, 0, 2, 3, 4, 6, 12};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) check_layer(ways[i], "cpu");
    for (size_t i = 0; i < 3; i++) check_layer(ways[i], "ref");
}

// ---- training -----------------------------------------------------------------------------------

enum { BATCH = 5, LONG = 9, STEPS = 6 };
static int64_t way_of_training;

// The last hidden state says which class; batches and lengths change.
static tarn_node *build(rig *r) {
    tarn_graph *g = r->g;
    int64_t time = way_of_training > 1 ? LONG : tarn_dim(g, "time", LONG);
    tarn_set_max_batch(g, BATCH);
    layer l = {.x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, time, IN))};
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    l.w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(IN, 4 * H), tarn_init_glorot_uniform());
    l.u = tarn_variable(g, "u", TARN_F32, TARN_SHAPE(H, 4 * H), tarn_init_glorot_uniform());
    l.b = tarn_variable(g, "b", TARN_F32, TARN_SHAPE(4 * H), tarn_init_zeros());
    l.h = l.c = tarn_broadcast_to(g, tarn_constant(g, TARN_F32, 0), TARN_SHAPE(TARN_BATCH, H));
    tarn_node *v = tarn_variable(g, "v", TARN_F32, TARN_SHAPE(H, 4), tarn_init_glorot_uniform());
    tarn_node *mean = tarn_mean(g, outputs(g, &l, way_of_training), TARN_AXIS(1), 0);
    tarn_node *each = tarn_softmax_cross_entropy(g, tarn_matmul(g, mean, v), y);
    tarn_node *loss = tarn_mean(g, each, TARN_ALL_AXES, 0);
    return tarn_minimize(g, loss, tarn_adam(.learning_rate = 0.02), NULL);
}

static void feed(rig *r, int i) {
    static float x[BATCH * LONG * IN];
    static int32_t y[BATCH];
    static const int sizes[][2] = {{5, 9}, {5, 4}, {2, 9}, {1, 1}, {4, 7}, {5, 9}};
    int n = sizes[i][0], t = way_of_training > 1 ? LONG : sizes[i][1];
    for (int k = 0; k < n * t * IN; k++) x[k] = (float)((k * 29 + i * 7) % 83) / 83 - 0.5f;
    for (int k = 0; k < n; k++) y[k] = (k + i) % 4;
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(n, t, IN)));
    CHECK_OK(tarn_bind(r->p, "y", y, TARN_SHAPE(n)));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r)), "cpu", o);
    probe_steps(&r, STEPS, feed, hash);
    rig_free(&r);
}

TEST(every_way_to_run_a_loop_gives_one_hash) {
    way_of_training = 0;
    probe_all_ways(train);
}
TEST(every_way_to_run_a_loop_of_loops_gives_one_hash) {
    way_of_training = 3;
    probe_all_ways(train);
}
TEST(every_way_to_run_a_whole_sequence_gives_one_hash) {
    way_of_training = -1;
    probe_all_ways(train);
}

TEST(another_length_costs_no_compile) {
    way_of_training = 0;
    probe_own_cache();
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r)), "cpu", &(tarn_compile_opts){.jit = TARN_JIT_WAIT});
    int modules = probe_modules();
    CHECK(modules > 1);  // the step's kernels are one of their own
    for (int i = 0; i < STEPS; i++) {
        feed(&r, i);
        CHECK_OK(tarn_run(r.p));
    }
    CHECK_EQ_I(probe_modules(), modules);
    rig_free(&r);
}

// ---- what is refused ----------------------------------------------------------------------------

static void wrong(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                  tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)x;
    (void)y;
    switch (*(const int *)user) {
    case 0: next[0] = tarn_reshape(g, carry[0], TARN_SHAPE(1, WIDE)); break;
    case 1: break;
    case 2: next[0] = tarn_dropout(g, carry[0], 0.5, "noise"); break;
    case 3: next[0] = tarn_input(g, "mask", TARN_F64, TARN_SHAPE(WIDE)); break;
    case 4:
        tarn_set_next_value(g, use[0], carry[0]);
        next[0] = carry[0];
        break;
    default:
        next[0] = tarn_add(g, carry[0],
                           tarn_variable(g, "w", TARN_F64, TARN_SHAPE(WIDE), tarn_init_zeros()));
    }
}

TEST(steps_that_cannot_be_are_refused) {
    static const char *const says[] = {"carry 0 is f64 [3], the step makes f64 [1,3]",
                                       "makes no next carry 0",
                                       "in the step of a scan",
                                       "an input 'mask' of its own",
                                       "sets the next value of 'u'",
                                       "give it to the scan as used"};
    for (int i = 0; i < 6; i++) {
        rig r = rig_make();
        tarn_node *c = tarn_input(r.g, "c", TARN_F64, TARN_SHAPE(WIDE)), *last;
        tarn_node *u = tarn_variable(r.g, "u", TARN_F64, TARN_SHAPE(WIDE), tarn_init_zeros());
        const tarn_scan_opts o = {.body = wrong,
                                  .user = &i,
                                  .carry = &c,
                                  .n_carry = 1,
                                  .use = &u,
                                  .n_use = 1,
                                  .length = 4};
        tarn_status st = tarn_scan(r.g, &o, &last, NULL);
        CHECK(st != TARN_OK && tarn_graph_status(r.g) == st);
        if (!strstr(tarn_last_error(), says[i]))
            test_fail(__FILE__, __LINE__, "case %d says: %s", i, tarn_last_error());
        rig_free(&r);
    }
}

TEST(any_allocation_of_a_loop_may_fail) {
    way_of_training = 0;
    for (uint64_t n = 1;; n++) {
        rig r = {0};
        ti_alloc_fail_at(n);
        tarn_status st = tarn_store_create(RIG_SEED, &r.store);
        if (!st) r.g = tarn_graph_create(r.store);
        tarn_node *y = r.g ? build(&r) : NULL;
        if (!st) st = r.g ? tarn_graph_status(r.g) : TARN_ENOMEM;
        if (!st)
            st = tarn_compile_opts_(r.g, TARN_FETCH(y), "cpu",
                                    &(tarn_compile_opts){.jit = TARN_JIT_OFF}, &r.p);
        ti_alloc_fail_at(0);
        rig_free(&r);
        if (!st && n == 1) SKIP("allocations fail only in test builds");
        CHECK(!st || st == TARN_ENOMEM);
        if (!st) break;
    }
}

// ---- corners ------------------------------------------------------------------------------------

// Carries change places, one stays, a whole number counts; y is what was found.
static void fibonacci(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                      tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    (void)x;
    (void)use;
    next[0] = carry[1];
    next[1] = tarn_add(g, carry[0], carry[1]);
    next[2] = carry[2];
    next[3] = tarn_add(g, carry[3], tarn_constant(g, TARN_I32, 1));
    y[0] = carry[0];
}

static void check_fibonacci(int length, const char *device) {
    static const double want[] = {0, 1, 1, 2, 3, 5, 8, 13, 21};
    double a = 0, b = 1, same = 7;
    int32_t count = 40;
    rig r = rig_make();
    tarn_node *c[4], *last[4], *y;
    for (int i = 0; i < 4; i++)
        c[i] = tarn_input(r.g, (const char *[]){"a", "b", "same", "count"}[i],
                          i < 3 ? TARN_F64 : TARN_I32, TARN_SCALAR);
    CHECK_OK(tarn_scan(
        r.g,
        &(tarn_scan_opts){.body = fibonacci, .carry = c, .n_carry = 4, .n_y = 1, .length = length},
        last, &y));
    rig_compile(&r, TARN_FETCH(y, last[0], last[1], last[2], last[3]), device, NULL);
    CHECK_OK(tarn_bind(r.p, "a", &a, TARN_SCALAR));
    CHECK_OK(tarn_bind(r.p, "b", &b, TARN_SCALAR));
    CHECK_OK(tarn_bind(r.p, "same", &same, TARN_SCALAR));
    CHECK_OK(tarn_bind(r.p, "count", &count, TARN_SCALAR));
    for (int run = 0; run < 2; run++) {
        CHECK_OK(tarn_run(r.p));
        if (length) CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, length, 0, 0);
        CHECK(tarn_result_scalar(r.p, 1) == want[length]);
        CHECK(tarn_result_scalar(r.p, 2) == want[length + 1]);
        CHECK(tarn_result_scalar(r.p, 3) == 7 && tarn_result_scalar(r.p, 4) == 40 + length);
    }
    rig_free(&r);
}

TEST(carries_may_change_places_stay_or_count) {
    for (int length = 0; length < 8; length++) {
        check_fibonacci(length, "cpu");
        check_fibonacci(length, "ref");
    }
}

// y_t = s x_t W with one packed variable as sequence and as used, whose gradient is both.
static void times_itself(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                         tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    (void)next;
    (void)carry;
    y[0] = tarn_matmul(g, tarn_reshape(g, x[0], TARN_SHAPE(1, 18)), use[0]);
}

TEST(a_packed_variable_is_sequence_and_used) {
    enum { SIDE = 18, ALL = SIDE * SIDE };
    double w[ALL], want[ALL] = {0}, dw[ALL] = {0};
    rig r = rig_make();
    tarn_node *v = tarn_variable(r.g, "w", TARN_F64, TARN_SHAPE(SIDE, SIDE), tarn_init_zeros());
    tarn_node *y, *d;
    CHECK_OK(tarn_scan(
        r.g,
        &(tarn_scan_opts){.body = times_itself, .x = &v, .n_x = 1, .use = &v, .n_use = 1, .n_y = 1},
        NULL, &y));
    CHECK_OK(tarn_gradients(r.g, tarn_sum(r.g, y, TARN_ALL_AXES, 0), &v, 1, &d));
    rig_compile(&r, TARN_FETCH(y, d), "cpu", NULL);
    for (int i = 0; i < ALL; i++) w[i] = (i * 7 % 23) / 8.0 - 1;
    probe_write(r.store, "w", TARN_F64, TARN_SHAPE(SIDE, SIDE), w);
    for (int i = 0; i < ALL; i++)  // y = W W; d sum(y) / dW_ij = sum_n W_jn + sum_m W_mi
        for (int k = 0; k < SIDE; k++) {
            want[i] += w[i / SIDE * SIDE + k] * w[k * SIDE + i % SIDE];
            dw[i] += w[i % SIDE * SIDE + k] + w[k * SIDE + i / SIDE];
        }
    CHECK_OK(tarn_run(r.p));
    CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, ALL, 1e-13, 1e-13);
    CHECK_CLOSE((const double *)tarn_result(r.p, 1, NULL), dw, ALL, 1e-13, 1e-13);
    rig_free(&r);
}

// h' = h u + v, three steps: h = h0 u^3 + v (u^2 + u + 1).
static void affine(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                   tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    (void)x;
    (void)y;
    next[0] = tarn_add(g, tarn_mul(g, carry[0], use[0]), use[1]);
}

// The last h with w as both u and v; again: behind a recompute.
static tarn_node *powers(tarn_graph *g, tarn_node *h, tarn_node *w, bool again) {
    tarn_node *last = NULL;
    CHECK_OK(tarn_scan(g,
                       &(tarn_scan_opts){.body = affine,
                                         .carry = &h,
                                         .n_carry = 1,
                                         .use = (tarn_node *[]){w, w},
                                         .n_use = 2,
                                         .length = 3},
                       &last, NULL));
    return again ? tarn_recompute(g, last, (tarn_node *[]){h, w}, 2) : last;
}

TEST(gradients_of_one_variable_used_twice_and_of_gradients) {
    for (int again = 0; again < 2; again++) {
        const double h0 = 0.7, w0 = 1.3;
        rig r = rig_make();
        tarn_node *h = tarn_input(r.g, "h", TARN_F64, TARN_SCALAR), *d[2], *both;
        tarn_node *w = tarn_variable(r.g, "w", TARN_F64, TARN_SCALAR, tarn_init_zeros());
        tarn_node *y = powers(r.g, h, w, again);
        CHECK_OK(tarn_gradients(r.g, y, &w, 1, &d[0]));
        CHECK_OK(tarn_gradients(r.g, tarn_square(r.g, y), &w, 1, &d[1]));
        both = tarn_add(r.g, tarn_square(r.g, d[0]), d[1]);
        CHECK_OK(tarn_gradients(r.g, both, &w, 1, &both));
        for (int skip = 0; skip < 2; skip++) {
            rig_compile(
                &r, TARN_FETCH(y, d[0], both), "cpu",
                &(tarn_compile_opts){.jit = TARN_JIT_OFF, .skip_pass = skip ? "simplify" : NULL});
            probe_write(r.store, "w", TARN_F64, TARN_SCALAR, &w0);
            CHECK_OK(tarn_bind(r.p, "h", &h0, TARN_SCALAR));
            CHECK_OK(tarn_run(r.p));
            double f = (h0 + 1) * w0 * w0 * w0 + w0 * w0 + w0;
            double f1 = 3 * (h0 + 1) * w0 * w0 + 2 * w0 + 1, f2 = 6 * (h0 + 1) * w0 + 2;
            // (f1^2 + (f^2)')' = 2 f1 f2 + 2 (f1^2 + f f2)
            CHECK(fabs(tarn_result_scalar(r.p, 0) - f) < 1e-13);
            CHECK(fabs(tarn_result_scalar(r.p, 1) - f1) < 1e-12);
            CHECK(fabs(tarn_result_scalar(r.p, 2) - 2 * (f1 * f2 + f1 * f1 + f * f2)) < 1e-11);
        }
        rig_free(&r);
    }
}

static tarn_status refuse(void *user, const tarn_array *x, const tarn_array *y) {
    (void)user;
    (void)x;
    (void)y;
    return TARN_EIO;
}
static tarn_status same_shape(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    y->dtype = x->dtype;
    y->shape = x->shape;
    return TARN_OK;
}
static void failing(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                    tarn_node *const *use, tarn_node **next, tarn_node **y) {
    static const tarn_custom_op op = {
        .name = "refuse", .n_in = 1, .infer = same_shape, .run = refuse};
    (void)user;
    (void)x;
    (void)use;
    (void)y;
    next[0] = tarn_custom(g, &op, carry);
}

TEST(a_call_that_fails_in_a_step_leaves_the_store_as_it_was) {
    double x[WIDE] = {1, 2, 3}, v[WIDE];
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(WIDE)), *last;
    tarn_node *w = tarn_variable(r.g, "v", TARN_F64, TARN_SHAPE(WIDE), tarn_init_zeros());
    tarn_node *set = tarn_assign(r.g, w, tarn_exp(r.g, in));
    CHECK_OK(tarn_scan(r.g,
                       &(tarn_scan_opts){.body = failing, .carry = &in, .n_carry = 1, .length = 2},
                       &last, NULL));
    rig_compile(&r, TARN_FETCH(set, last), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(WIDE)));
    CHECK_ERR(tarn_run(r.p), TARN_EIO, "'refuse' failed");
    probe_read(r.store, "v", v, WIDE);
    CHECK(v[0] == 0 && v[1] == 0 && v[2] == 0);
    rig_free(&r);
}
