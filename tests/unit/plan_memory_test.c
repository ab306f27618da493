// The memory plan: the peak is what lives at a time, results take over memory that ends, and the
// verifier sees a plan in which something is wrong.
#include "ops/mlp.h"

enum { N = 1024, VALUE = N * sizeof(float) };  // every temporary of a chain

// Element by element in kernels of their own.
static const tarn_compile_opts apart = {.jit = TARN_JIT_OFF, .skip_pass = "fuse,simplify"};
static const tarn_compile_opts apart_not_in_place = {
    .jit = TARN_JIT_OFF, .skip_pass = "fuse,simplify", .no_in_place = true};

static tarn_node *chain_input(rig *r) { return tarn_input(r->g, "x", TARN_F32, TARN_SHAPE(N)); }

static size_t peak(rig *r, tarn_node *y, const tarn_compile_opts *opts) {
    rig_compile(r, TARN_FETCH(y), "cpu", opts);
    return tarn_program_stats(r->p).arena_bytes;
}

static tarn_node *exp_tanh(rig *r, tarn_node *y, int n) {
    for (int i = 0; i < n; i++) y = i % 2 ? tarn_tanh(r->g, y) : tarn_exp(r->g, y);
    return y;
}

// While a kernel runs, its operand and its result live.
TEST(a_chain_needs_two_values_and_in_place_one) {
    rig r = rig_make();
    tarn_node *y = exp_tanh(&r, chain_input(&r), 6);
    CHECK_EQ_I(peak(&r, y, &apart_not_in_place), 2 * VALUE);
    CHECK_EQ_I(tarn_program_stats(r.p).kernels, 6);
    CHECK_EQ_I(peak(&r, y, &apart), 1 * VALUE);
    rig_free(&r);
}

TEST(what_is_read_again_later_stays) {
    rig r = rig_make();
    tarn_node *first = tarn_exp(r.g, chain_input(&r));
    tarn_node *y = tarn_add(r.g, exp_tanh(&r, first, 4), first);
    CHECK_EQ_I(peak(&r, y, &apart_not_in_place), 3 * VALUE);
    CHECK_EQ_I(peak(&r, y, &apart), 2 * VALUE);
    rig_free(&r);
}

TEST(fused_work_needs_only_its_result) {
    rig r = rig_make();
    CHECK_EQ_I(peak(&r, exp_tanh(&r, chain_input(&r), 6), NULL), VALUE);
    CHECK_EQ_I(tarn_program_stats(r.p).kernels, 1);
    rig_free(&r);
}

TEST(the_peak_is_planned_for_the_largest_batch) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, 50);
    tarn_node *x = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(TARN_BATCH, 16));
    CHECK_EQ_I(peak(&r, tarn_exp(r.g, x), NULL), 50 * 16 * sizeof(double));
    rig_free(&r);
}

// Liveness once more, from the kernel list: largest sum of bytes that live during one kernel.
typedef struct lives {
    struct {
        int first, last;
    } of[256];
    int kernel;
} lives;

static void touch(void *ctx, int value, bool write) {
    lives *l = ctx;
    (void)write;
    CHECK(value < 256);
    if (l->of[value].first < 0) l->of[value].first = l->kernel;
    l->of[value].last = l->kernel;
}

static size_t bytes_needed(const ti_plan *p) {
    lives l;
    size_t most = 0;
    for (int i = 0; i < 256; i++) l.of[i].first = l.of[i].last = -1;
    for (l.kernel = 0; l.kernel < p->n_kernels; l.kernel++)
        ti_kernel_values(&p->kernels[l.kernel], touch, &l);
    for (int i = 0; i < p->n_fetch; i++)
        if (p->fetch[i] >= 0) l.of[p->fetch[i]].last = p->n_kernels;
    for (int i = 0; i < p->n_values; i++)  // one that took over memory lives where it was
        if (p->values[i].alias >= 0) l.of[i].first++;
    for (int k = 0; k < p->n_kernels; k++) {
        size_t now = 0;
        for (int i = 0; i < p->n_values; i++)
            if (p->values[i].place == TI_ARENA && l.of[i].first >= 0 && l.of[i].first <= k &&
                k <= l.of[i].last)
                now += (p->values[i].bytes + 63) / 64 * 64;
        if (now > most) most = now;
    }
    return most;
}

TEST(the_peak_of_a_training_step_is_near_what_lives_at_a_time) {
    const tarn_compile_opts *opts[] = {NULL, &apart, &apart_not_in_place};
    for (int i = 0; i < 3; i++) {
        mlp m;
        mlp_make(&m, "cpu", opts[i]);
        size_t need = bytes_needed(m.r.p->plan), have = m.r.p->plan->arena_bytes;
        if (have < need || have > need + need / 10)
            test_fail(__FILE__, __LINE__, "%zu bytes planned, %zu live", have, need);
        rig_free(&m.r);
    }
}

// ---- in place -----------------------------------------------------------------------------------

static int taken_over(const ti_plan *p) {
    int n = 0;
    for (int i = 0; i < p->n_values; i++) n += p->values[i].alias >= 0;
    return n;
}

TEST(results_take_over_operands_that_end) {
    rig r = rig_make();
    tarn_node *y = exp_tanh(&r, chain_input(&r), 2);
    rig_compile(&r, TARN_FETCH(y), "cpu", &apart);
    CHECK_EQ_I(taken_over(r.p->plan), 1);
    rig_compile(&r, TARN_FETCH(y), "cpu", &apart_not_in_place);
    CHECK_EQ_I(taken_over(r.p->plan), 0);
    rig_free(&r);
}

TEST(what_is_fetched_or_read_elsewhere_is_not_taken_over) {
    static const int turn[2] = {1, 0};
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(32, 32)), *e = tarn_exp(r.g, x);
    rig_compile(&r, TARN_FETCH(tarn_tanh(r.g, e), e), "cpu", &apart);
    CHECK_EQ_I(taken_over(r.p->plan), 0);  // e is fetched
    rig_compile(&r, TARN_FETCH(tarn_add(r.g, e, tarn_transpose(r.g, e, turn))), "cpu", &apart);
    CHECK_EQ_I(taken_over(r.p->plan), 0);  // e is read at another index too
    rig_compile(&r, TARN_FETCH(tarn_cast(r.g, e, TARN_F64)), "cpu", &apart);
    CHECK_EQ_I(taken_over(r.p->plan), 0);  // wider
    rig_free(&r);
}

// ---- a wrong plan is seen -----------------------------------------------------------------------

// a = exp(x), b = tanh(a), y = a + b, each in memory of its own.
typedef struct planted {
    rig r;
    ti_plan *p;
    ti_value *a, *b, *y;
    int at_a;
} planted;

static int stored_by(const ti_plan *p, int kernel) {
    const ti_kernel *k = &p->kernels[kernel];
    CHECK_EQ_I(k->inst[k->n_inst - 1].kind, TI_I_STORE);
    return k->access[k->inst[k->n_inst - 1].access].value;
}

static planted plant(void) {
    planted t = {.r = rig_make()};
    tarn_node *a = tarn_exp(t.r.g, chain_input(&t.r));
    rig_compile(&t.r, TARN_FETCH(tarn_add(t.r.g, a, tarn_tanh(t.r.g, a))), "cpu",
                &apart_not_in_place);
    t.p = t.r.p->plan;
    CHECK_EQ_I(t.p->n_kernels, 3);
    t.at_a = stored_by(t.p, 0);
    t.a = &t.p->values[t.at_a];
    t.b = &t.p->values[stored_by(t.p, 1)];
    t.y = &t.p->values[stored_by(t.p, 2)];
    CHECK_OK(ti_plan_verify(t.p));
    return t;
}

TEST(the_verifier_sees_values_that_overlap) {
    planted t = plant();
    t.b->offset = t.a->offset + VALUE - 4;  // by one element
    CHECK_ERR(ti_plan_verify(t.p), TARN_ESTATE, "overlap");
    rig_free(&t.r);
}

// Lifetimes are recomputed from the kernels: a wrong one hides nothing.
TEST(the_verifier_does_not_trust_the_lifetimes_of_the_plan) {
    planted t = plant();
    t.a->last = 0;  // and yet the last kernel reads it
    t.b->offset = t.a->offset;
    CHECK_ERR(ti_plan_verify(t.p), TARN_ESTATE, "");
    rig_free(&t.r);
}

TEST(the_verifier_sees_a_result_in_place_of_what_is_still_read) {
    planted t = plant();
    t.b->alias = t.at_a;  // the last kernel reads both
    t.b->offset = t.a->offset;
    CHECK_ERR(ti_plan_verify(t.p), TARN_ESTATE, "");
    rig_free(&t.r);
}

TEST(the_verifier_sees_a_value_outside_of_the_arena) {
    planted t = plant();
    t.y->offset = t.p->arena_bytes;
    CHECK_ERR(ti_plan_verify(t.p), TARN_ESTATE, "");
    rig_free(&t.r);
}

static void change_order(ti_plan *p) {
    ti_kernel first = p->kernels[0];
    p->kernels[0] = p->kernels[1];
    p->kernels[1] = first;
}

TEST(the_verifier_sees_a_read_before_the_write) {
    planted t = plant();
    change_order(t.p);
    CHECK_ERR(ti_plan_verify(t.p), TARN_ESTATE, "before it is written");
    change_order(t.p);
    CHECK_OK(ti_plan_verify(t.p));
    rig_free(&t.r);
}

TEST(the_verifier_sees_a_variable_read_after_its_write) {
    rig r = rig_make();
    tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(N), tarn_init_ones());
    tarn_node *y = tarn_exp(r.g, w), *next = tarn_tanh(r.g, chain_input(&r));
    rig_compile(&r, TARN_FETCH(y, tarn_assign(r.g, w, next)), "cpu", &apart);
    CHECK_EQ_I(r.p->plan->n_kernels, 2);
    change_order(r.p->plan);
    CHECK_ERR(ti_plan_verify(r.p->plan), TARN_EUNSUPPORTED,
              "'w' is read after the step has overwritten it");
    rig_free(&r);
}
