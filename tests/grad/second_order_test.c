// Gradient rules against central differences in f64, first and second order, and against closed
// forms; the registry's promises about them; and that a wrong rule would be seen.
#include <math.h>

#include "ops/support.h"

// Thousands of runs of tiny graphs: a second thread would only be waited for.
__attribute__((constructor)) static void one_thread(void) { setenv("TARN_THREADS", "1", 1); }

// ---- first order --------------------------------------------------------------------------------

// Ops that have a gradient and yet no samples: a call's function is the user's, windows are part of
// conv2d.
static bool effect(const ti_op *op) {
    return op->kind == TI_EFFECT || op->kind == TI_CALL || op == &ti_op_window;
}

TEST(every_gradient_rule_agrees_with_differences) {
    const char *name;
    for (int i = 0; (name = tarn_op_name(i)); i++) {
        tarn_gradcheck_info info;
        CHECK_OK(tarn_gradcheck(name, &info));
        const ti_op *op = ti_op_find(name);
        CHECK_EQ_I(info.differentiable, !op->no_grad);
        if (op->no_grad || effect(op)) continue;
        if (!info.samples) test_fail(__FILE__, __LINE__, "%s: nothing was tried", name);
        // h = 1e-5: error of the difference about h^2 = 1e-10, of its rounding 1e-16 / h = 1e-11
        if (!(info.worst <= 1e-6))
            test_fail(__FILE__, __LINE__, "%s: %.3g at %s", name, info.worst, info.where);
    }
}

TEST(gradcheck_of_no_op_is_an_error) {
    tarn_gradcheck_info info;
    CHECK_ERR(tarn_gradcheck("tangent", &info), TARN_ENOENT, "no op 'tangent'");
}

TEST(check_finite_passes_the_gradient_through) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F64, TARN_SCALAR), *dx = NULL;
    tarn_node *y = tarn_check_finite(r.g, tarn_square(r.g, x), "y");
    CHECK_OK(tarn_gradients(r.g, y, &x, 1, &dx));
    rig_compile(&r, TARN_FETCH(dx), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", &(double){3}, TARN_SCALAR));
    CHECK_OK(tarn_run(r.p));
    CHECK(tarn_result_scalar(r.p, 0) == 6);  // 2 x
    rig_free(&r);
}

// ---- the registry -------------------------------------------------------------------------------

TEST(every_op_has_the_rules_that_others_rely_on) {
    for (const ti_op *const *p = ti_op_table; *p; p++) {
        const ti_op *op = *p;
        bool composite = op->kind == TI_COMPOSITE;
        if (!op->infer) test_fail(__FILE__, __LINE__, "%s has no shape rule", op->name);
        if (composite != (op->lower != NULL))
            test_fail(__FILE__, __LINE__, "%s: composites, and no others, are lowered", op->name);
        bool loop = op->kind == TI_REGION || op->kind == TI_RESULT;  // autodiff/scan.c
        if (!op->grad && !op->no_grad && !op->lower && !loop)
            test_fail(__FILE__, __LINE__, "%s has no gradient and does not say so", op->name);
        if (op->grad && op->no_grad)
            test_fail(__FILE__, __LINE__, "%s has a gradient and denies it", op->name);
        if (ti_op_find(op->name) != op)
            test_fail(__FILE__, __LINE__, "%s is not the first of its name", op->name);
    }
}

// Leaves are in every sample; what is made from the index and effects take no sample of operands:
// tests/golden/ops/index.txt and tests/unit/graph_*, plan_* run them. Calls: tests/probes.
TEST(every_op_has_samples_or_is_known_to_have_none) {
    static const char *const none[] = {
        "input", "variable",     "constant", "iota",       "random_bits", "numel", "assign",
        "group", "check_finite", "custom",   "all_gather", "nonzero",     "window"};
    for (const ti_op *const *p = ti_op_table; *p; p++) {
        bool known = false;
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
            known |= !strcmp(none[i], (*p)->name);
        if (known == ((*p)->samples != NULL))
            test_fail(__FILE__, __LINE__, "%s: samples", (*p)->name);
    }
}

TEST(every_sample_can_be_made) {
    for (const ti_op *const *p = ti_op_table; *p; p++) {
        int made = 0;
        for (int sample = 0; (*p)->samples; sample++) {
            ti_sample s;
            CHECK_OK(ti_sample_make(*p, sample, 0, TARN_F32, &s));
            bool past = !s.g;
            made += s.y != NULL;
            CHECK(past || s.y);  // the first variant always exists
            ti_sample_free(&s);
            if (past) break;
        }
        CHECK(!(*p)->samples || made);
    }
}

// ---- differences of any scalar ------------------------------------------------------------------

enum { MAX_X = TI_SAMPLE_MAX_IN };

// A rank-0 f64 of the inputs x0, x1 .. and their data; its gradient node by node.
typedef struct problem {
    rig r;
    tarn_node *loss, *x[MAX_X];
    tarn_tensor *data[MAX_X];
    int n;
    tarn_program *gradient;
} problem;

// Random draws count their steps: every run must see the first.
static void run_first_step(const problem *p, tarn_program *program) {
    const char *step = TARN_STATE_PREFIX "random/step";
    if (tarn_store_has(p->r.store, step)) {
        tarn_tensor *zero = NULL;
        CHECK_OK(tarn_tensor_create(TARN_I64, TARN_SCALAR, &zero));
        CHECK_OK(tarn_store_set(p->r.store, step, zero));
        tarn_tensor_release(zero);
    }
    CHECK_OK(tarn_run(program));
}

static void bind_data(const problem *p, tarn_program *program) {
    char name[16];
    for (int i = 0; i < p->n; i++) {
        snprintf(name, sizeof name, "x%d", i);
        if (has_input(program, name))
            CHECK_OK(tarn_bind(program, name, tarn_tensor_cdata(p->data[i]),
                               *tarn_tensor_shape(p->data[i])));
    }
}

static double loss_at(const problem *p, double *x, double v) {
    double keep = *x;
    *x = v;
    run_first_step(p, p->r.p);
    *x = keep;
    return tarn_result_scalar(p->r.p, 0);
}

// Largest |gradient - difference| / (1 + |difference|) over the elements of float operands.
static double worst_difference(problem *p) {
    const double h = 1e-5;
    tarn_node *x[MAX_X], *dx[MAX_X];
    int of[MAX_X], n = 0;
    double worst = 0;
    for (int i = 0; i < p->n; i++)
        if (p->x[i]->dtype == TARN_F64) {
            of[n] = i;
            x[n++] = p->x[i];
        }
    CHECK_OK(tarn_gradients(p->r.g, p->loss, x, n, dx));
    rig_compile(&p->r, (tarn_fetch){dx, n}, "cpu", NULL);
    p->gradient = p->r.p;
    p->r.p = NULL;
    rig_compile(&p->r, TARN_FETCH(p->loss), "cpu", NULL);
    bind_data(p, p->r.p);
    bind_data(p, p->gradient);
    run_first_step(p, p->gradient);
    for (int k = 0; k < n; k++) {
        double *data = tarn_tensor_data(p->data[of[k]]);
        const double *got = tarn_result(p->gradient, k, NULL);
        int64_t count = tarn_tensor_numel(p->data[of[k]]), step = 1 + count / 40;
        for (int64_t i = 0; i < count; i += step) {
            double up = loss_at(p, &data[i], data[i] + h), down = loss_at(p, &data[i], data[i] - h);
            double want = (up - down) / (2 * h);
            double error = fabs(got[i] - want) / (1 + fabs(want));
            if (!(error <= worst)) worst = error;
        }
    }
    return worst;
}

static void problem_free(problem *p) {
    for (int i = 0; i < p->n; i++) tarn_tensor_release(p->data[i]);
    tarn_program_free(p->gradient);
    rig_free(&p->r);
}

// sum(y * w), w_i = tanh(a i - 1) + 1/4: no two neighbours equal, both signs.
static tarn_node *weighted(tarn_graph *g, tarn_node *y, double a) {
    tarn_node *flat = tarn_reshape(g, y, TARN_SHAPE(tarn_shape_numel(&y->shape)));
    tarn_node *i = tarn_cast(g, tarn_iota(g, flat->shape, 0), TARN_F64);
    tarn_node *t = tarn_sub(g, tarn_mul(g, i, tarn_constant(g, TARN_F64, a)),
                            tarn_constant(g, TARN_F64, 1));
    tarn_node *w = tarn_add(g, tarn_tanh(g, t), tarn_constant(g, TARN_F64, 0.25));
    return tarn_sum(g, tarn_mul(g, flat, w), TARN_ALL_AXES, 0);
}

// ---- second order -------------------------------------------------------------------------------

// loss = sum_i sum(w_i * d sum(w y) / d x_i): its gradient differentiates the rule of the op.
static bool make_second_order(const ti_op *op, int sample, int variant, problem *p) {
    ti_sample s;
    tarn_node *x[MAX_X], *dx[MAX_X];
    int n = 0;
    CHECK_OK(ti_sample_make(op, sample, variant, TARN_F64, &s));
    bool made = s.y && s.y->dtype == TARN_F64;
    if (!made) {
        ti_sample_free(&s);
        return false;
    }
    *p = (problem){.r = {.store = s.store, .g = s.g}, .n = s.n_in};
    for (int i = 0; i < s.n_in; i++) {
        p->x[i] = s.in[i];
        p->data[i] = s.data[i];
        if (s.in[i]->dtype == TARN_F64) x[n++] = s.in[i];
    }
    CHECK_OK(tarn_gradients(s.g, weighted(s.g, s.y, 0.37), x, n, dx));
    for (int i = 0; i < n; i++) {
        tarn_node *part = weighted(s.g, dx[i], 0.23);
        p->loss = p->loss ? tarn_add(s.g, p->loss, part) : part;
    }
    return true;
}

TEST(gradients_of_gradients_of_every_op_agree_with_differences) {
    int tried = 0;
    for (const ti_op *const *op = ti_op_table; *op; op++) {
        if ((*op)->no_grad || !(*op)->samples) continue;
        for (int sample = 0; sample < 2; sample++)
            for (int variant = 0; variant < 3; variant++) {
                problem p;
                if (!make_second_order(*op, sample, variant, &p)) continue;
                double worst = worst_difference(&p);
                if (!(worst <= 1e-6))
                    test_fail(__FILE__, __LINE__, "%s, sample %d, variant %d: %.3g", (*op)->name,
                              sample, variant, worst);
                problem_free(&p);
                tried++;
            }
    }
    CHECK(tried > 40);
}

// The k-th derivative of sum(f(x)) at each of three points.
static void derivative(tarn_node *(*f)(tarn_graph *, tarn_node *), int k, double x[3],
                       double out[3]) {
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(3)), *d = f(r.g, in);
    for (; k > 0; k--)
        CHECK_OK(tarn_gradients(r.g, tarn_sum(r.g, d, TARN_ALL_AXES, 0), &in, 1, &d));
    rig_compile(&r, TARN_FETCH(d), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(3)));
    CHECK_OK(tarn_run(r.p));
    memcpy(out, tarn_result(r.p, 0, NULL), 3 * sizeof *out);
    rig_free(&r);
}

TEST(derivatives_of_tanh_have_their_closed_form) {
    double x[] = {-0.7, 0.1, 1.3}, second[3], third[3], want2[3], want3[3];
    derivative(tarn_tanh, 2, x, second);
    derivative(tarn_tanh, 3, x, third);
    for (int i = 0; i < 3; i++) {
        double t = tanh(x[i]), s = 1 - t * t;
        want2[i] = -2 * t * s;
        want3[i] = s * (6 * t * t - 2);
    }
    CHECK_CLOSE(second, want2, 3, 1e-14, 1e-15);
    CHECK_CLOSE(third, want3, 3, 1e-13, 1e-15);
}

TEST(every_derivative_of_exp_is_exp) {
    double x[] = {-3, 0, 2}, got[3];
    const double want[] = {exp(-3), 1, exp(2)};
    for (int k = 1; k < 5; k++) {
        derivative(tarn_exp, k, x, got);
        CHECK_CLOSE(got, want, 3, 1e-15, 0);
    }
}

TEST(second_derivative_of_a_product_is_its_cross_term) {
    rig r = rig_make();
    tarn_node *x[2], *d[2], *dd[2];
    x[0] = tarn_input(r.g, "a", TARN_F64, TARN_SCALAR);
    x[1] = tarn_input(r.g, "b", TARN_F64, TARN_SCALAR);
    tarn_node *y = tarn_mul(r.g, tarn_square(r.g, x[0]), x[1]);  // a^2 b
    CHECK_OK(tarn_gradients(r.g, y, x, 2, d));
    CHECK_OK(tarn_gradients(r.g, d[0], x, 2, dd));
    rig_compile(&r, TARN_FETCH(dd[0], dd[1]), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "a", &(double){3}, TARN_SCALAR));
    CHECK_OK(tarn_bind(r.p, "b", &(double){5}, TARN_SCALAR));
    CHECK_OK(tarn_run(r.p));
    CHECK(tarn_result_scalar(r.p, 0) == 10);  // 2 b
    CHECK(tarn_result_scalar(r.p, 1) == 6);   // 2 a
    rig_free(&r);
}

// H = s_k [(d_ik - s_i)(d_jk - s_j) - s_i (d_ij - s_j)] for the k-th softmax of x.
TEST(second_derivatives_of_softmax_have_their_closed_form) {
    enum { K = 1 };
    double x[3] = {0.2, -1, 0.7}, s[3], z = 0;
    for (int i = 0; i < 3; i++) z += exp(x[i]);
    for (int i = 0; i < 3; i++) s[i] = exp(x[i]) / z;
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(3)), *d, *dd[3];
    tarn_node *index = tarn_iota(r.g, TARN_SHAPE(3), 0), *zero = tarn_constant(r.g, TARN_F64, 0);
    tarn_node *y = tarn_softmax(r.g, in), *hit;
    hit = tarn_equal(r.g, index, tarn_constant(r.g, TARN_I32, K));
    y = tarn_sum(r.g, tarn_where(r.g, hit, y, zero), TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(r.g, y, &in, 1, &d));
    for (int i = 0; i < 3; i++) {
        hit = tarn_equal(r.g, index, tarn_constant(r.g, TARN_I32, i));
        tarn_node *di = tarn_sum(r.g, tarn_where(r.g, hit, d, zero), TARN_ALL_AXES, 0);
        CHECK_OK(tarn_gradients(r.g, di, &in, 1, &dd[i]));
    }
    rig_compile(&r, (tarn_fetch){dd, 3}, "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(3)));
    CHECK_OK(tarn_run(r.p));
    for (int i = 0; i < 3; i++) {
        double want[3];
        for (int j = 0; j < 3; j++)
            want[j] = s[K] * (((i == K) - s[i]) * ((j == K) - s[j]) - s[i] * ((i == j) - s[j]));
        const double *got = tarn_result(r.p, i, NULL);
        CHECK_CLOSE(got, want, 3, 1e-13, 1e-15);
    }
    rig_free(&r);
}

// ---- a wrong rule is seen -----------------------------------------------------------------------

// x^2 whose gradient the graph takes for `slope` * x: the value is slope x stop(x) + (1 - slope)
// stop(x)^2, and a stopped x counts as a constant.
static double error_of_square(double slope) {
    problem p = {.r = rig_make(), .n = 1};
    tarn_graph *g = p.r.g;
    CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SHAPE(3), (double[]){0.5, -1.5, 2}, &p.data[0]));
    p.x[0] = tarn_input(g, "x0", TARN_F64, TARN_SHAPE(3));
    tarn_node *still = tarn_stop_gradient(g, p.x[0]);
    tarn_node *moving = tarn_mul(g, tarn_mul(g, tarn_constant(g, TARN_F64, slope), p.x[0]), still);
    tarn_node *rest = tarn_mul(g, tarn_constant(g, TARN_F64, 1 - slope), tarn_square(g, still));
    p.loss = tarn_sum(g, tarn_add(g, moving, rest), TARN_ALL_AXES, 0);
    double worst = worst_difference(&p);
    problem_free(&p);
    return worst;
}

TEST(a_gradient_of_the_wrong_sign_or_size_is_seen) {
    CHECK(error_of_square(2) < 1e-9);  // the right one: 2 x
    CHECK(error_of_square(-2) > 1);    // sign
    CHECK(error_of_square(1) > 0.3);   // a factor of two forgotten: |x| / (1 + 2 |x|) at 2 is 0.4
    CHECK(error_of_square(0) > 0.6);   // nothing flows
    CHECK(error_of_square(2.001) > 1e-4);
}
