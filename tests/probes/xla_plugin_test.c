// A real plugin, where $TARN_TEST_PJRT_PLUGIN names one: every op on all samples of its file, and a
// few steps of training, against this library's other devices.
#include <math.h>

#include "ops/mlp.h"

static void need_plugin(void) {
    const char *path = getenv("TARN_TEST_PJRT_PLUGIN");
    if (!path) SKIP("no PJRT plugin ($TARN_TEST_PJRT_PLUGIN)");
    CHECK(!setenv("TARN_PJRT_PLUGIN", path, 1));
}

static void run(const ti_sample *s, const char *device, tarn_tensor **out) {
    tarn_program *p = NULL;
    tarn_shape shape;
    sample_reset_draws(s);
    CHECK_OK(tarn_compile(s->g, TARN_FETCH(s->y), device, &p));
    CHECK_OK(ti_sample_bind(s, p));
    CHECK_OK(tarn_run(p));
    const void *y = tarn_result(p, 0, &shape);
    CHECK(y);
    CHECK_OK(tarn_tensor_from(s->y->dtype, shape, y, out));
    tarn_program_free(p);
}

static void check_sample(const ti_sample *s) {
    tarn_tensor *got = NULL, *want = NULL;
    run(s, "ref", &want);
    run(s, "xla", &got);
    check_agrees(got, want);
    tarn_tensor_release(got);
    tarn_tensor_release(want);
}

static int check_op(const ti_op *op, tarn_dtype dtype) {
    int count = 0;
    for (int sample = 0, variant = 0;;) {
        ti_sample s;
        CHECK_OK(ti_sample_make(op, sample, variant, dtype, &s));
        bool past = !s.g, next = s.g && !s.y;
        if (s.y) check_sample(&s);
        count += s.y != NULL;
        ti_sample_free(&s);
        if (past) return count;
        variant = next ? 0 : variant + 1;
        sample += next;
    }
}

// Loops are not printed as StableHLO, and say so.
static bool is_loop(const ti_op *op) {
    return op == &ti_op_scan || op == &ti_op_scan_result || op == &ti_op_lstm;
}

static void refuses(const ti_op *op, tarn_dtype dtype) {
    tarn_program *p = NULL;
    ti_sample s;
    CHECK_OK(ti_sample_make(op, 0, 0, dtype, &s));
    CHECK_ERR(tarn_compile(s.g, TARN_FETCH(s.y), "xla", &p), TARN_EUNSUPPORTED,
              "scan has no StableHLO");
    ti_sample_free(&s);
}

static void check_all(tarn_dtype dtype) {
    int count = 0;
    need_plugin();
    for (const ti_op *const *op = ti_op_table; *op; op++) {
        if (is_loop(*op)) refuses(*op, dtype);
        if (!is_loop(*op)) count += check_op(*op, dtype);
    }
    CHECK(count > 150);
}

TEST(every_op_agrees_with_the_reference_in_f32) { check_all(TARN_F32); }
TEST(every_op_agrees_with_the_reference_in_f64) { check_all(TARN_F64); }

static void same_store(const tarn_store *a, const tarn_store *b) {
    for (int i = 0; i < tarn_store_count(a); i++) {
        tarn_tensor *x = NULL, *y = NULL, *wide_x = NULL, *wide_y = NULL;
        CHECK_OK(tarn_store_get(a, tarn_store_name(a, i), &x));
        CHECK_OK(tarn_store_get(b, tarn_store_name(a, i), &y));
        CHECK_OK(tarn_tensor_cast(x, TARN_F64, &wide_x));
        CHECK_OK(tarn_tensor_cast(y, TARN_F64, &wide_y));
        CHECK_CLOSE((const double *)tarn_tensor_cdata(wide_x), tarn_tensor_cdata(wide_y),
                    tarn_tensor_numel(x), 1e-5, 1e-6);
        tarn_tensor_release(x);
        tarn_tensor_release(y);
        tarn_tensor_release(wide_x);
        tarn_tensor_release(wide_y);
    }
}

TEST(training_agrees_with_the_cpu) {
    static mlp cpu, xla;
    need_plugin();
    mlp_make(&cpu, "cpu", NULL);
    mlp_make(&xla, "xla", NULL);
    for (int batch = MLP_BATCH; batch > 0; batch -= 9) {
        CHECK_OK(mlp_run(&cpu, cpu.r.p, batch));
        CHECK_OK(mlp_run(&xla, xla.r.p, batch));
        same_store(xla.r.store, cpu.r.store);
    }
    xla.x[3] = (float)INFINITY;
    CHECK_ERR(mlp_run(&xla, xla.r.p, MLP_BATCH), TARN_ENUMERIC, "input 'x' holds it");
    same_store(xla.r.store, cpu.r.store);
    rig_free(&cpu.r);
    rig_free(&xla.r);
}
