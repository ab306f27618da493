// Narrow floats: casts of f16 and bf16 against plain arithmetic on their bits, all of them; a bf16
// layer with f32 master weights and loss scaling; weights of an f16 file.
#include "probes/support.h"
#include "train/trainer.h"

enum { ALL = 1 << 16, MANY = 1 << 18 };

// ---- casts --------------------------------------------------------------------------------------

static void check_widening(tarn_dtype half, tarn_jit jit) {
    static uint16_t x[ALL];
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", half, TARN_SHAPE(ALL));
    rig_compile(&r, TARN_FETCH(tarn_cast(r.g, in, TARN_F32)), "cpu",
                &(tarn_compile_opts){.jit = jit});
    for (int i = 0; i < ALL; i++) x[i] = (uint16_t)i;
    probe_run(&r, "x", x, TARN_SHAPE(ALL));
    const float *y = tarn_result(r.p, 0, NULL);
    for (int i = 0; i < ALL; i++) {
        double want = ti_half_value(x[i], half == TARN_BF16);
        if (isnan(want) ? !isnan(y[i]) : (double)y[i] != want || !signbit(y[i]) != !signbit(want))
            test_fail(__FILE__, __LINE__, "%s %#x: %g, not %g", tarn_dtype_name(half), x[i],
                      (double)y[i], want);
    }
    rig_free(&r);
}

// Every narrow value, the points halfway to the next, their neighbours, and any bits.
static void fill(float *x, bool brain) {
    uint32_t any = 1;
    for (int i = 0; i < MANY; i++) {
        uint16_t half = (uint16_t)(i % ALL);
        uint16_t next = (uint16_t)(half + 1);
        double a = ti_half_value(half, brain), b = ti_half_value(next, brain);
        float middle = (float)((a + b) / 2);
        any = any * 1664525 + 1013904223;
        if (i < ALL) x[i] = (float)a;
        if (i / ALL == 1) x[i] = middle;
        if (i / ALL == 2) x[i] = nextafterf(middle, i % 2 ? INFINITY : -INFINITY);
        if (i / ALL == 3) memcpy(&x[i], &any, sizeof any);
    }
}

static void check_narrowing(tarn_dtype half, tarn_jit jit) {
    static float x[MANY];
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(MANY));
    rig_compile(&r, TARN_FETCH(tarn_cast(r.g, in, half)), "cpu", &(tarn_compile_opts){.jit = jit});
    fill(x, half == TARN_BF16);
    probe_run(&r, "x", x, TARN_SHAPE(MANY));
    const uint16_t *y = tarn_result(r.p, 0, NULL);
    for (int i = 0; i < MANY; i++) {
        uint16_t want = ti_half_bits((double)x[i], half == TARN_BF16);
        if (y[i] != want)
            test_fail(__FILE__, __LINE__, "%a to %s: %#x, not %#x", (double)x[i],
                      tarn_dtype_name(half), y[i], want);
    }
    rig_free(&r);
}

static void check_casts(tarn_jit jit) {
    static const tarn_dtype halves[] = {TARN_F16, TARN_BF16};
    for (int i = 0; i < 2; i++) {
        check_widening(halves[i], jit);
        check_narrowing(halves[i], jit);
    }
}

TEST(casts_are_those_of_plain_arithmetic_interpreted) { check_casts(TARN_JIT_OFF); }
TEST(casts_are_those_of_plain_arithmetic_compiled) {
    need_compiler();
    check_casts(TARN_JIT_WAIT);
}

// Known values of both formats, so that the plain arithmetic is not its own judge.
TEST(plain_arithmetic_knows_the_formats) {
    CHECK(ti_half_value(0x3c00, false) == 1 && ti_half_value(0x3f80, true) == 1);
    CHECK(ti_half_value(0x7bff, false) == 65504 && ti_half_value(0x0001, false) == 0x1p-24);
    CHECK(ti_half_value(0xc248, false) == -3.140625 && ti_half_value(0x4049, true) == 3.140625);
    CHECK(ti_half_bits(65519.99, false) == 0x7bff && ti_half_bits(65520, false) == 0x7c00);
    CHECK(ti_half_bits(0x1p-25, false) == 0 && ti_half_bits(0x1.8p-25, false) == 1);
    CHECK(ti_half_bits(1.00390625, true) == 0x3f80 && ti_half_bits(1.01171875, true) == 0x3f82);
    CHECK(ti_half_bits(-0.0, true) == 0x8000 && ti_half_bits((double)NAN, false) == 0x7e00);
}

// ---- a bf16 layer -------------------------------------------------------------------------------

enum { BATCH = 6, IN = 21, OUT = 18, STEPS = 6 };

static tarn_node *narrow(tarn_graph *g, tarn_node *x) {
    return tarn_cast(g, tarn_cast(g, x, TARN_BF16), TARN_F32);
}

// loss = sum(bf16(x) bf16(w) t): gradients are sums of few products and exact. The scaled loss is
// differentiated; a step whose gradient is not finite is left out and halves the scale.
static tarn_node *build(rig *r, double scale) {
    tarn_graph *g = r->g;
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(BATCH, IN));
    tarn_node *t = tarn_input(g, "t", TARN_F32, TARN_SHAPE(BATCH, OUT)), *d;
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(IN, OUT), tarn_init_zeros());
    tarn_node *s = tarn_variable(g, TARN_STATE_PREFIX "scale", TARN_F32, TARN_SCALAR,
                                 tarn_init_constant(scale));
    tarn_node *y = tarn_matmul(g, narrow(g, x), narrow(g, w));
    tarn_node *loss = tarn_mul(g, tarn_sum(g, tarn_mul(g, y, t), TARN_ALL_AXES, 0), s);
    CHECK_OK(tarn_gradients(g, loss, &w, 1, &d));
    tarn_node *size = tarn_sum(g, tarn_abs(g, d), TARN_ALL_AXES, 0);
    tarn_node *good = tarn_equal(g, tarn_sub(g, size, size), tarn_constant(g, TARN_F32, 0));
    tarn_node *rate = tarn_div(g, tarn_constant(g, TARN_F32, 0x1p-10), s);
    tarn_node *half = tarn_mul(g, s, tarn_constant(g, TARN_F32, 0.5));
    tarn_node *both[2] = {
        tarn_assign(g, w, tarn_where(g, good, tarn_sub(g, w, tarn_mul(g, d, rate)), w)),
        tarn_assign(g, s, tarn_where(g, good, s, half)),
    };
    return tarn_group(g, both, 2);
}

static void data(int step, float *x, float *t) {
    for (int i = 0; i < BATCH * IN; i++) x[i] = (float)((i * 37 + step * 11) % 601 - 300);
    for (int i = 0; i < BATCH * OUT; i++) t[i] = (float)((i + step) % 3 - 1);
}

static void step(rig *r, int i) {
    float x[BATCH * IN], t[BATCH * OUT];
    data(i, x, t);
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(BATCH, IN)));
    probe_run(r, "t", t, TARN_SHAPE(BATCH, OUT));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r, 1024)), "cpu", o);
    for (int i = 0; i < STEPS; i++) step(&r, i);
    CHECK_OK(tarn_store_sha256(r.store, hash));
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

static double brain(double x) { return ti_half_value(ti_half_bits(x, true), true); }

TEST(master_weights_take_steps_that_bf16_would_lose) {
    static double w[IN * OUT], got[IN * OUT];
    for (int device = 0; device < 2; device++) {
        rig r = rig_make();
        rig_compile(&r, TARN_FETCH(build(&r, 1024)), device ? "ref" : "cpu", NULL);
        memset(w, 0, sizeof w);
        for (int i = 0; i < STEPS; i++) {
            float x[BATCH * IN], t[BATCH * OUT];
            data(i, x, t);
            step(&r, i);
            for (int k = 0; k < IN * OUT; k++) {
                double d = 0;
                for (int b = 0; b < BATCH; b++)
                    d += brain((double)x[b * IN + k / OUT]) * (double)t[b * OUT + k % OUT];
                w[k] -= brain(d * 1024) / 1024 * 0x1p-10;
            }
            probe_read(r.store, "w", got, IN * OUT);
            CHECK_CLOSE(got, w, IN * OUT, 0, 0);
        }
        int lost = 0;
        for (int k = 0; k < IN * OUT; k++) lost += brain(w[k]) != w[k];
        CHECK(lost > IN * OUT / 4);
        rig_free(&r);
    }
}

TEST(a_scale_that_overflows_skips_the_step_and_is_halved) {
    double w[IN * OUT], scale;
    int skipped = 0;
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r, 0x1p127)), "cpu", NULL);
    for (double want = 0x1p127;; want /= 2) {
        step(&r, 0);
        probe_read(r.store, "w", w, IN * OUT);
        probe_read(r.store, TARN_STATE_PREFIX "scale", &scale, 1);
        double moved = 0;
        for (int k = 0; k < IN * OUT; k++) moved = fmax(moved, fabs(w[k]));
        if (moved > 0) {
            CHECK(scale == want);
            break;
        }
        CHECK(scale == want / 2);
        CHECK(++skipped < 64);
    }
    CHECK(skipped > 5);
    rig_free(&r);
}

// ---- an f16 file --------------------------------------------------------------------------------

// A model whose weights another tool has made f16.
TEST(a_model_file_of_f16_is_loaded_as_f32) {
    char path[4096];
    tarn_model *m = NULL, *loaded = NULL;
    tarn_safetensors *file = NULL;
    tarn_tensor *wide = NULL, *half = NULL, *bias = NULL, *got = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(IN), 1, &m));
    tarn_model_add(m, tarn_dense(OUT));
    snprintf(path, sizeof path, "%s/model.safetensors", test_dir());
    CHECK_OK(tarn_model_save(m, path, false));
    CHECK_OK(tarn_safetensors_open(path, &file));
    CHECK_OK(tarn_safetensors_get(file, "dense/kernel", &wide));
    CHECK_OK(tarn_safetensors_get(file, "dense/bias", &bias));
    CHECK_OK(tarn_tensor_cast(wide, TARN_F16, &half));
    const tarn_named_tensor items[] = {{"dense/bias", bias}, {"dense/kernel", half}};
    const tarn_pair model = {TI_META_MODEL, tarn_safetensors_metadata(file, TI_META_MODEL)};
    snprintf(path, sizeof path, "%s/narrow.safetensors", test_dir());
    CHECK_OK(tarn_safetensors_write(path, items, 2, &model, 1));
    CHECK_OK(tarn_model_load(path, &loaded));
    CHECK_OK(tarn_store_get(tarn_model_store(loaded), "dense/kernel", &got));
    CHECK(tarn_tensor_dtype(got) == TARN_F32);
    const float *w = tarn_tensor_cdata(got), *was = tarn_tensor_cdata(wide);
    for (int i = 0; i < IN * OUT; i++)
        CHECK((double)w[i] == ti_half_value(ti_half_bits((double)was[i], false), false));
    tarn_tensor_release(wide);
    tarn_tensor_release(half);
    tarn_tensor_release(bias);
    tarn_tensor_release(got);
    tarn_safetensors_close(file);
    tarn_model_free(m);
    tarn_model_free(loaded);
}

TEST(weights_of_an_f16_file_are_read_and_run) {
    static double w[IN * OUT];
    char path[4096];
    float x[BATCH * IN];
    rig r = rig_make();
    tarn_tensor *wide = NULL, *half = NULL, *read = NULL;
    for (int i = 0; i < IN * OUT; i++) w[i] = (i * 29 % 97 - 48) / 97.0;
    CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SHAPE(IN, OUT), w, &wide));
    CHECK_OK(tarn_tensor_cast(wide, TARN_F16, &half));
    snprintf(path, sizeof path, "%s/half.safetensors", test_dir());
    tarn_named_tensor item = {"w", half};
    CHECK_OK(tarn_safetensors_write(path, &item, 1, NULL, 0));
    tarn_safetensors *file = NULL;
    CHECK_OK(tarn_safetensors_open(path, &file));
    CHECK_OK(tarn_safetensors_get(file, "w", &read));
    CHECK(tarn_tensor_dtype(read) == TARN_F16);
    tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(BATCH, IN));
    tarn_node *v = tarn_variable(r.g, "w", TARN_F16, TARN_SHAPE(IN, OUT), tarn_init_ones());
    rig_compile(&r, TARN_FETCH(tarn_matmul(r.g, in, tarn_cast(r.g, v, TARN_F32))), "cpu", NULL);
    CHECK_OK(tarn_store_set(r.store, "w", read));
    for (int i = 0; i < BATCH * IN; i++) x[i] = (float)(i % 7 - 3);
    probe_run(&r, "x", x, TARN_SHAPE(BATCH, IN));
    const float *y = tarn_result(r.p, 0, NULL);
    for (int i = 0; i < BATCH * OUT; i++) {
        double want = 0;
        for (int k = 0; k < IN; k++)
            want += (double)x[i / OUT * IN + k] *
                    ti_half_value(ti_half_bits(w[k * OUT + i % OUT], false), false);
        CHECK_CLOSE(&y[i], &want, 1, 1e-5, 1e-5);
    }
    tarn_safetensors_close(file);
    tarn_tensor_release(wide);
    tarn_tensor_release(half);
    tarn_tensor_release(read);
    rig_free(&r);
}
