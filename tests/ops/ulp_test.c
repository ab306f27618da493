// How far exp, log, tanh and sqrt are from the truth, in units in the last place (ulp: the distance
// of neighbouring numbers at the true value; among the denormals the smallest one). Truth is the C
// library in long double. f32: every 2039th of all bit patterns, both signs. f64: evenly over the
// part of the line where the function is neither constant nor overflowing, and bit patterns.
//
// The limits are what was measured, rounded up; all 2^32 numbers of f32 were tried once and gave
//     exp 1.013, log 0.827, tanh 1.331, sqrt 0.5 ulp.
#include <float.h>
#include <math.h>

#include "ops/support.h"

enum { N = 1 << 16, STRIDE = 2039 };

typedef struct function {
    const char *name;
    tarn_node *(*build)(tarn_graph *g, tarn_node *x);
    long double (*truth)(long double x);
    double low, high;       // f64
    double most32, most64;  // ulp
} function;

static const function functions[] = {
    {"exp", tarn_exp, expl, -745, 709.7, 1.02, 1.0},
    {"log", tarn_log, logl, 1e-3, 8, 0.83, 1.0},
    {"tanh", tarn_tanh, tanhl, -20, 20, 1.34, 2.5},
    {"sqrt", tarn_sqrt, sqrtl, 0, 1000, 0.5, 0.5002},
};

static double ulp_at(long double y, tarn_dtype t) {
    int digits = t == TARN_F32 ? FLT_MANT_DIG : DBL_MANT_DIG, exponent;
    int least = t == TARN_F32 ? FLT_MIN_EXP : DBL_MIN_EXP;
    (void)frexpl(y, &exponent);
    return ldexp(1, (y == 0 || exponent < least ? least : exponent) - digits);
}

typedef struct sweep {
    const function *f;
    tarn_dtype dtype;
    rig r;
    void *x;  // N elements
    double worst, at;
} sweep;

static void sweep_make(sweep *s, const char *name, tarn_dtype dtype) {
    *s = (sweep){.f = functions, .dtype = dtype, .r = rig_make()};
    while (strcmp(s->f->name, name)) s->f++;
    tarn_node *y = s->f->build(s->r.g, tarn_input(s->r.g, "x", dtype, TARN_SHAPE(N)));
    rig_compile(&s->r, TARN_FETCH(y), "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF});
    s->x = calloc(N, sizeof(double));
    CHECK(s->x);
    CHECK_OK(tarn_bind(s->r.p, "x", s->x, TARN_SHAPE(N)));
}

static double value_at(const sweep *s, const void *v, int i) {
    return s->dtype == TARN_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i];
}

// Infinities and NaN are the golden files' business.
static void measure(sweep *s) {
    CHECK_OK(tarn_run(s->r.p));
    const void *y = tarn_result(s->r.p, 0, NULL);
    for (int i = 0; i < N; i++) {
        double x = value_at(s, s->x, i), got = value_at(s, y, i);
        if (!isfinite(x)) continue;
        long double want = s->f->truth((long double)x);
        if (!isfinite(want) || !isfinite(got)) continue;
        double error = (double)(fabsl((long double)got - want) /
                                (long double)ulp_at(want, s->dtype));
        if (error > s->worst) {
            s->worst = error;
            s->at = x;
        }
    }
}

static void sweep_end(sweep *s) {
    double most = s->dtype == TARN_F32 ? s->f->most32 : s->f->most64;
    printf("%s %s: %.4f ulp at %a\n", s->f->name, tarn_dtype_name(s->dtype), s->worst, s->at);
    if (s->worst > most)
        test_fail(__FILE__, __LINE__, "%.4f ulp at %a, at most %.4f", s->worst, s->at, most);
    CHECK(s->worst > 0);  // something was measured
    rig_free(&s->r);
    free(s->x);
}

static void check_f32(const char *name) {
    sweep s;
    sweep_make(&s, name, TARN_F32);
    for (uint64_t u = 0; u < UINT64_C(1) << 32;) {
        for (int i = 0; i < N; i++, u += STRIDE) {
            uint32_t bits = (uint32_t)u;  // past the end: from the start again
            memcpy((float *)s.x + i, &bits, sizeof bits);
        }
        measure(&s);
    }
    sweep_end(&s);
}

static void check_f64(const char *name) {
    enum { ROUNDS = 8 };
    sweep s;
    sweep_make(&s, name, TARN_F64);
    for (int round = 0; round < 2 * ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            double at = ((double)i + (double)(round % ROUNDS) / ROUNDS) / N;
            uint64_t bits = (uint64_t)(at * 0x1p63) * 2 + (uint64_t)i % 2;
            double *x = (double *)s.x + i;
            if (round < ROUNDS) *x = s.f->low + (s.f->high - s.f->low) * at;
            if (round >= ROUNDS) memcpy(x, &bits, sizeof bits);
        }
        measure(&s);
    }
    sweep_end(&s);
}

TEST(exp_f32_is_within_its_ulp) { check_f32("exp"); }
TEST(log_f32_is_within_its_ulp) { check_f32("log"); }
TEST(tanh_f32_is_within_its_ulp) { check_f32("tanh"); }
TEST(sqrt_f32_is_correctly_rounded) { check_f32("sqrt"); }
TEST(exp_f64_is_within_its_ulp) { check_f64("exp"); }
TEST(log_f64_is_within_its_ulp) { check_f64("log"); }
TEST(tanh_f64_is_within_its_ulp) { check_f64("tanh"); }
TEST(sqrt_f64_is_correctly_rounded) { check_f64("sqrt"); }
