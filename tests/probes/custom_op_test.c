// A custom op, as a program outside of the library writes it: softsign(a, b) = a / (b + |a|), with
// named dimensions, a gradient, and failure. Checked against closed forms, in training, on both
// devices.
#include "probes/support.h"

enum { BATCH = 7, WIDE = 19, STEPS = 4 };

static tarn_status infer(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    if (x[0].dtype != TARN_F64 || !tarn_shape_equal(&x[0].shape, &x[1].shape)) return TARN_ESHAPE;
    *y = x[0];
    return TARN_OK;
}

static int64_t elements(const tarn_array *x) { return tarn_shape_numel(&x->shape); }

static tarn_status run(void *user, const tarn_array *x, const tarn_array *y) {
    const double *a = x[0].data, *b = x[1].data;
    if (user && *(int *)user) return TARN_EIO;
    for (int64_t i = 0; i < elements(y); i++) ((double *)y->data)[i] = a[i] / (b[i] + fabs(a[i]));
    return TARN_OK;
}

// da = dy b / (b + |a|)^2, db = -dy y / (b + |a|)
static tarn_node *gradient(void *user, tarn_graph *g, tarn_node *y, tarn_node *dy,
                           tarn_node *const *x, int i) {
    tarn_node *sum = tarn_add(g, x[1], tarn_abs(g, x[0]));
    (void)user;
    if (i) return tarn_neg(g, tarn_div(g, tarn_mul(g, dy, y), sum));
    return tarn_div(g, tarn_mul(g, dy, x[1]), tarn_square(g, sum));
}

static const tarn_custom_op softsign = {"softsign", 2, infer, run, gradient, NULL};

// loss = mean(softsign(x w, p)^2): the second operand is a variable in packed form.
static tarn_node *build(rig *r, const tarn_custom_op *op, tarn_node **d) {
    tarn_graph *g = r->g;
    tarn_node *x = tarn_input(g, "x", TARN_F64, TARN_SHAPE(BATCH, WIDE)), *w[2];
    w[0] = tarn_variable(g, "w", TARN_F64, TARN_SHAPE(WIDE, WIDE), tarn_init_glorot_uniform());
    w[1] = tarn_variable(g, "p", TARN_F64, TARN_SHAPE(BATCH, WIDE), tarn_init_constant(1.5));
    tarn_node *y = tarn_custom(g, op, (tarn_node *[]){tarn_matmul(g, x, w[0]), w[1]});
    tarn_node *loss = tarn_mean(g, tarn_square(g, y), TARN_ALL_AXES, 0);
    if (d) CHECK_OK(tarn_gradients(g, loss, w, 2, d));
    return d ? loss : tarn_minimize(g, loss, tarn_sgd(.learning_rate = 0.5), NULL);
}

static void fill(double *x) {
    for (int i = 0; i < BATCH * WIDE; i++) x[i] = (double)((i * 43) % 89) / 89 - 0.4;
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    double x[BATCH * WIDE];
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r, &softsign, NULL)), "cpu", o);
    fill(x);
    for (int i = 0; i < STEPS; i++) probe_run(&r, "x", x, TARN_SHAPE(BATCH, WIDE));
    CHECK_OK(tarn_store_sha256(r.store, hash));
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

TEST(values_and_gradients_are_the_closed_forms_on_both_devices) {
    double x[BATCH * WIDE], w[WIDE * WIDE], dp[BATCH * WIDE];
    fill(x);
    for (int device = 0; device < 2; device++) {
        rig r = rig_make();
        tarn_node *d[2], *loss = build(&r, &softsign, d);
        double want = 0, got, n = BATCH * WIDE;
        rig_compile(&r, TARN_FETCH(loss, d[1]), device ? "ref" : "cpu", NULL);
        probe_run(&r, "x", x, TARN_SHAPE(BATCH, WIDE));
        probe_read(r.store, "w", w, WIDE * WIDE);
        for (int i = 0; i < BATCH * WIDE; i++) {
            double a = 0, y;
            for (int k = 0; k < WIDE; k++) a += x[i / WIDE * WIDE + k] * w[k * WIDE + i % WIDE];
            y = a / (1.5 + fabs(a));
            want += y * y / n;
            dp[i] = 2 * y / n * -y / (1.5 + fabs(a));
        }
        got = tarn_result_scalar(r.p, 0);
        CHECK_CLOSE(&got, &want, 1, 1e-12, 0);
        const double *back = tarn_result(r.p, 1, NULL);
        CHECK_CLOSE(back, dp, BATCH * WIDE, 1e-11, 1e-15);
        rig_free(&r);
    }
}

TEST(operands_that_do_not_fit_are_the_graph_s_error) {
    rig r = rig_make();
    tarn_node *a = tarn_input(r.g, "a", TARN_F64, TARN_SHAPE(2));
    tarn_node *b = tarn_input(r.g, "b", TARN_F64, TARN_SHAPE(3));
    CHECK(!tarn_custom(r.g, &softsign, (tarn_node *[]){a, b}));
    CHECK_ERR(tarn_graph_status(r.g), TARN_ESHAPE, "operands of 'softsign' do not fit");
    rig_free(&r);
}

TEST(a_call_that_fails_leaves_the_store_as_it_was) {
    double x[BATCH * WIDE];
    char before[65], after[65];
    int fails = 1;
    tarn_custom_op op = softsign;
    op.user = &fails;
    fill(x);
    for (int device = 0; device < 2; device++) {
        rig r = rig_make();
        rig_compile(&r, TARN_FETCH(build(&r, &op, NULL)), device ? "ref" : "cpu", NULL);
        CHECK_OK(tarn_store_sha256(r.store, before));
        CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(BATCH, WIDE)));
        CHECK_ERR(tarn_run(r.p), TARN_EIO, "'softsign' failed");
        CHECK_OK(tarn_store_sha256(r.store, after));
        CHECK_STR(before, after);
        fails = 0;
        CHECK_OK(tarn_run(r.p));  // and the next run is whole
        CHECK_OK(tarn_store_sha256(r.store, after));
        CHECK(strcmp(before, after));
        fails = 1;
        rig_free(&r);
    }
}

TEST(without_a_gradient_the_op_is_named) {
    rig r = rig_make();
    tarn_custom_op op = softsign;
    tarn_node *w = tarn_variable(r.g, "w", TARN_F64, TARN_SHAPE(3), tarn_init_ones()), *d;
    op.gradient = NULL;
    tarn_node *y = tarn_custom(r.g, &op, (tarn_node *[]){w, w});
    CHECK_ERR(tarn_gradients(r.g, tarn_sum(r.g, y, TARN_ALL_AXES, 0), &w, 1, &d), TARN_EUNSUPPORTED,
              "'softsign' has no gradient");
    rig_free(&r);
}

static tarn_status no_dtype(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    *y = x[0];
    y->dtype = TARN_DTYPE_COUNT;
    return TARN_OK;
}

TEST(a_result_of_no_dtype_is_refused) {
    rig r = rig_make();
    tarn_custom_op op = softsign;
    tarn_node *w = tarn_variable(r.g, "w", TARN_F64, TARN_SHAPE(3), tarn_init_ones());
    op.infer = no_dtype;
    CHECK(!tarn_custom(r.g, &op, (tarn_node *[]){w, w}));
    CHECK_ERR(tarn_graph_status(r.g), TARN_EDTYPE, "'softsign' gives dtype");
    rig_free(&r);
}

// ---- many operands ------------------------------------------------------------------------------

enum { WIDEST = 8, CALLS = 12 };

static tarn_status sum_of_all(void *user, const tarn_array *x, const tarn_array *y) {
    double sum = 0;
    (void)user;
    for (int i = 0; i < WIDEST; i++) sum += *(const double *)x[i].data;
    *(double *)y->data = sum;
    return TARN_OK;
}

static tarn_status as_first(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    *y = x[0];
    return TARN_OK;
}

// Every operand of every call is an input, whose memory moves from run to run.
TEST(calls_follow_all_of_their_inputs) {
    static const tarn_custom_op op = {"sum", WIDEST, as_first, sum_of_all, NULL, NULL};
    rig r = rig_make();
    tarn_node *in[WIDEST], *y[CALLS];
    double x[2][WIDEST];
    for (int i = 0; i < WIDEST; i++) {
        in[i] = tarn_input(r.g, (char[]){(char)('a' + i), 0}, TARN_F64, TARN_SCALAR);
        for (int k = 0; k < 2; k++) x[k][i] = (1 + 99 * k) * (i + 1);
    }
    for (int c = 0; c < CALLS; c++) y[c] = tarn_custom(r.g, &op, in);
    rig_compile(&r, (tarn_fetch){y, CALLS}, "cpu", NULL);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < WIDEST; i++)
            CHECK_OK(tarn_bind(r.p, (char[]){(char)('a' + i), 0}, &x[k][i], TARN_SCALAR));
        CHECK_OK(tarn_run(r.p));
        for (int c = 0; c < CALLS; c++) CHECK(tarn_result_scalar(r.p, c) == (1 + 99 * k) * 36);
    }
    rig_free(&r);
}
