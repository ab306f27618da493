// Slices: kernels read through them, alone and in chains of views, wherever an operand may come
// from; what they give is that of the reference device, which walks node by node. And what may not
// be sliced or padded.
#include "exec/program.h"
#include "ops/support.h"

enum { ROWS = 24, COLS = 40 };

static tarn_node *cut(tarn_node *x, int64_t r0, int64_t rs, int64_t rows, int64_t c0, int64_t cs,
                      int64_t cols) {
    tarn_graph *g = x->graph;
    return tarn_slice(g, x, (int64_t[]){r0, c0}, (int64_t[]){rs, cs}, TARN_SHAPE(rows, cols));
}

static tarn_node *turned(tarn_node *x) {
    static const int axes[] = {1, 0};
    return tarn_transpose(x->graph, x, axes);
}

static tarn_node *negative(tarn_node *x) { return tarn_neg(x->graph, x); }

// Everything that can stand before and behind a slice. x [24,40] is stored, w [24,40] packed.
static int views(tarn_graph *g, tarn_node *x, tarn_node *w, tarn_node **y) {
    int n = 0;
    tarn_node *a = cut(x, 3, 2, 10, 1, 3, 12), *b = cut(turned(x), 2, 1, 12, 4, 2, 10);
    y[n++] = tarn_add(g, a, turned(b));                   // two ways into one operand
    y[n++] = negative(cut(turned(a), 1, 2, 5, 0, 3, 3));  // of a transpose of a slice
    y[n++] = tarn_mul(g, w, tarn_add(g, w, x));           // the packed one as it is
    y[n++] = tarn_sub(g, cut(w, 5, 1, 7, 8, 1, 16), cut(w, 0, 3, 7, 3, 2, 16));
    y[n++] = tarn_sum(g, a, TARN_AXIS(0), 0);                                       // columns
    y[n++] = tarn_sum(g, cut(tarn_exp(g, x), 1, 2, 9, 0, 1, 40), TARN_AXIS(1), 0);  // rows
    y[n++] = tarn_matmul(g, a, b);
    y[n++] = tarn_add(g, tarn_matmul(g, a, b), cut(x, 2, 1, 10, 3, 2, 10));  // in its tiles
    y[n++] = tarn_softmax(g, tarn_mul(g, a, cut(x, 0, 1, 10, 5, 2, 12)));
    y[n++] = tarn_matmul(g, cut(x, 0, 1, 4, 0, 1, ROWS), w);
    y[n++] = tarn_reshape(g, a, TARN_SHAPE(4, 30));  // regrouped
    y[n++] = negative(tarn_reshape(g, cut(x, 7, 1, 1, 5, 5, 7), TARN_SHAPE(7, 1, 1)));
    tarn_node *row = cut(x, 6, 1, 1, 0, 1, COLS);  // one row under all
    y[n++] = tarn_add(g, x, row);
    y[n++] = negative(cut(tarn_broadcast_to(g, row, TARN_SHAPE(ROWS, COLS)), 2, 2, 3, 9, 4, 8));
    tarn_node *i = tarn_cast(g, cut(tarn_iota(g, TARN_SHAPE(ROWS, COLS), 1), 2, 2, 6, 5, 3, 11),
                             TARN_F32);
    y[n++] = tarn_mul(g, i, i);
    tarn_node *last = tarn_cast(g, cut(tarn_iota(g, TARN_SHAPE(ROWS, COLS), 0), 23, 1, 1, 0, 1, 40),
                                TARN_F32);
    y[n++] = tarn_add(g, last, cut(x, 0, 1, 1, 0, 1, 40));  // 23 everywhere
    y[n++] = tarn_pad(g, a, 2, (int64_t[]){1, 0}, (int64_t[]){0, 4}, (int64_t[]){2, 1});
    y[n++] = tarn_pad(g, turned(cut(w, 0, 2, 5, 3, 1, 6)), 0, NULL, (int64_t[]){3, 3}, NULL);
    y[n++] = negative(
        cut(tarn_pad(g, tarn_exp(g, row), 1, (int64_t[]){2, 2}, NULL, NULL), 1, 1, 2, 1, 1, 9));
    y[n++] = tarn_argmax(g, cut(x, 0, 5, 4, 39, 1, 1));
    CHECK_OK(tarn_graph_status(g));
    return n;
}

static void fill(float *x) {
    for (int i = 0; i < ROWS * COLS; i++) x[i] = (float)((i * 7919) % 1009) / 504 - 1;
}

static int run(const char *device, const char *skip, tarn_jit jit, rig *r) {
    static float x[ROWS * COLS];
    tarn_node *y[24];
    *r = rig_make();
    fill(x);
    tarn_node *in = tarn_input(r->g, "x", TARN_F32, TARN_SHAPE(ROWS, COLS));
    tarn_node *w = tarn_variable(r->g, "w", TARN_F32, TARN_SHAPE(ROWS, COLS),
                                 tarn_init_normal(0, 1));
    int n = views(r->g, in, w, y);
    rig_compile(r, (tarn_fetch){y, n}, device, &(tarn_compile_opts){.jit = jit, .skip_pass = skip});
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(ROWS, COLS)));
    CHECK_OK(tarn_run(r->p));
    return n;
}

static void check_against_reference(const char *skip, tarn_jit jit) {
    rig ref, r;
    int n = run("ref", NULL, TARN_JIT_OFF, &ref);
    CHECK_EQ_I(run("cpu", skip, jit, &r), n);
    for (int i = 0; i < n; i++) {
        tarn_shape s, t;
        const float *want = tarn_result(ref.p, i, &s), *got = tarn_result(r.p, i, &t);
        CHECK(tarn_shape_equal(&s, &t));
        double wide[ROWS * COLS + 1024];
        CHECK(tarn_shape_numel(&s) <= ROWS * COLS + 1024);
        if (i == n - 1) {
            CHECK(!memcmp(want, got, 4 * sizeof(int32_t)));
            continue;
        }
        for (int64_t k = 0; k < tarn_shape_numel(&s); k++) wide[k] = (double)want[k];
        CHECK_CLOSE(got, wide, tarn_shape_numel(&s), 2e-6, 1e-5);
    }
    rig_free(&ref);
    rig_free(&r);
}

TEST(views_of_slices_agree_with_the_reference) { check_against_reference(NULL, TARN_JIT_OFF); }
TEST(views_of_slices_agree_unfused) { check_against_reference("fuse", TARN_JIT_OFF); }
TEST(views_of_slices_agree_unsimplified) { check_against_reference("simplify", TARN_JIT_OFF); }
TEST(views_of_slices_agree_compiled) {
    need_compiler();
    check_against_reference(NULL, TARN_JIT_WAIT);
}

// Four slices of one value and their maximum are one kernel, which reads through them.
TEST(kernels_read_through_slices) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, 3);
    tarn_shape s = TARN_SHAPE(TARN_BATCH, 3, 4, 5);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 6, 9, 5)), *y = NULL;
    for (int i = 0; i < 4; i++) {
        tarn_node *part = tarn_slice(r.g, x, (int64_t[]){0, i / 2, i % 2, 0},
                                     (int64_t[]){1, 2, 2, 1}, s);
        y = y ? tarn_maximum(r.g, y, part) : part;
    }
    rig_compile(&r, TARN_FETCH(y), "cpu", NULL);
    CHECK_EQ_I(r.p->plan->n_kernels, 1);
    CHECK_EQ_I(ti_plan_reorders(r.p->plan), 0);
    rig_free(&r);
}

// Copies count as reorders: one of a transpose, one of a packed variable, one of a pad.
TEST(plans_count_what_only_moves_elements) {
    rig r = rig_make();
    ti_buf text;
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(6, 9));
    tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(6, 9), tarn_init_ones());
    tarn_node *pad = tarn_pad(r.g, x, 0, (int64_t[]){1, 1}, NULL, NULL);
    rig_compile(&r, TARN_FETCH(turned(x), w, pad, negative(x)), "cpu", NULL);
    CHECK_EQ_I(ti_plan_reorders(r.p->plan), 3);
    ti_buf_init(&text, 1 << 16);
    ti_plan_print(r.p->plan, &text);
    CHECK(strstr(text.data, "\nreorders 3\n"));
    ti_buf_free(&text);
    rig_free(&r);
}

// An assign of a slice of another variable, and of a slice of a pad of the variable itself.
TEST(slices_are_assigned) {
    rig r = rig_make();
    double got[6];
    tarn_node *v = tarn_variable(r.g, "v", TARN_F64, TARN_SHAPE(2, 3), tarn_init_zeros());
    tarn_node *u = tarn_variable(r.g, "u", TARN_F64, TARN_SHAPE(6), tarn_init_ones());
    tarn_node *x = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(4, 5));
    tarn_node *wide = tarn_pad(r.g, u, 7, (int64_t[]){2}, NULL, NULL);
    tarn_node *next = tarn_slice(r.g, wide, (int64_t[]){1}, NULL, TARN_SHAPE(6));
    tarn_node *set[] = {tarn_assign(r.g, v, cut(x, 1, 2, 2, 0, 2, 3)), tarn_assign(r.g, u, next)};
    double numbers[20];
    for (int i = 0; i < 20; i++) numbers[i] = i;
    rig_compile(&r, TARN_FETCH(tarn_group(r.g, set, 2)), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", numbers, TARN_SHAPE(4, 5)));
    CHECK_OK(tarn_run(r.p));
    static const double want[] = {5, 7, 9, 15, 17, 19}, want_u[] = {7, 1, 1, 1, 1, 1};
    const char *name[] = {"v", "u"};
    for (int i = 0; i < 2; i++) {
        tarn_tensor *t = NULL;
        CHECK_OK(tarn_store_get(r.store, name[i], &t));
        memcpy(got, tarn_tensor_cdata(t), sizeof got);
        CHECK(!memcmp(got, i ? want_u : want, sizeof got));
        tarn_tensor_release(t);
    }
    rig_free(&r);
}

static void refused(tarn_status st, const char *why, const int64_t *start, const int64_t *step,
                    tarn_shape size) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, 4);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 5));
    CHECK(!tarn_slice(r.g, x, start, step, size));
    CHECK_ERR(tarn_graph_status(r.g), st, why);
    rig_free(&r);
}

TEST(what_is_no_slice_is_refused) {
    tarn_shape whole = TARN_SHAPE(TARN_BATCH, 5), two = TARN_SHAPE(TARN_BATCH, 2);
    const int64_t zero[2] = {0}, one[2] = {1, 1}, four[2] = {0, 4}, by[2] = {1, 0},
                  far[2] = {0, INT64_MAX}, wide[2] = {1, INT64_MAX};
    refused(TARN_EUNSUPPORTED, "axis 0 is a named dimension", one, NULL, whole);
    refused(TARN_EUNSUPPORTED, "can only stay whole", zero, NULL, TARN_SHAPE(2, 5));
    refused(TARN_ESHAPE, "axis 1: 2 elements from 4 in steps of 1, of 5", four, NULL, two);
    refused(TARN_ESHAPE, "axis 1", far, NULL, two);
    refused(TARN_ESHAPE, "axis 1", zero, wide, two);
    refused(TARN_ESHAPE, "in steps of 0", zero, by, two);
    refused(TARN_ESHAPE, "0 elements", zero, NULL, TARN_SHAPE(TARN_BATCH, 0));
    refused(TARN_ESHAPE, "rank 1 into rank 2", zero, NULL, TARN_SHAPE(5));
}

TEST(what_is_no_pad_is_refused) {
    const int64_t one[2] = {1, 1}, minus[2] = {0, -1}, most[2] = {0, INT64_MAX};
    const struct {
        const int64_t *low;
        tarn_dtype dtype;
        const char *why;
        tarn_status st;
    } bad[] = {{one, TARN_F32, "axis 0 is a named dimension", TARN_EUNSUPPORTED},
               {minus, TARN_F32, "axis 1 by -1, 0 and 0", TARN_EARG},
               {most, TARN_F32, "axis 1 by", TARN_EARG},
               {(const int64_t[]){0, 1}, TARN_I32, "padding of i32 with 3", TARN_EUNSUPPORTED},
               {(const int64_t[]){0, 1}, TARN_F16, "padding of f16 with 3", TARN_EUNSUPPORTED}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig r = rig_make();
        tarn_set_max_batch(r.g, 4);
        tarn_node *x = tarn_input(r.g, "x", bad[i].dtype, TARN_SHAPE(TARN_BATCH, 5));
        CHECK(!tarn_pad(r.g, x, 3, bad[i].low, NULL, NULL));
        CHECK_ERR(tarn_graph_status(r.g), bad[i].st, bad[i].why);
        rig_free(&r);
    }
}
