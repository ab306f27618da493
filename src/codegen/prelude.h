/* Arithmetic of one element, and of the sums whose order is defined. The interpreter is compiled
 * from this text and the printer puts it before every generated source: one truth, so interpreted
 * and compiled kernels give the same bits. Compile with -ffp-contract=off and without any flag
 * that reassociates; a fused multiply-add is always written. C11 with GNU vector types. */
#ifndef TI_PRELUDE_H
#define TI_PRELUDE_H

/* TI_DEVICE: one thread makes one element. What is put before this text then states TI_FN and the
 * integers, and what comes after it has the kernels' arguments and random words. */
#ifndef TI_DEVICE
#include <stdint.h>

#define TI_FN static inline __attribute__((unused))

/* ---- what a generated kernel is called with (see src/backend/cpu/loop.h) ---- */
enum { TI_MAX_ACCESS = 96 };
typedef struct ti_tile {
    int64_t rows, cols;
    char *ptr[TI_MAX_ACCESS];                     /* first element of each access */
    int64_t index[TI_MAX_ACCESS];                 /* index accesses: the value there */
    int64_t rs[TI_MAX_ACCESS], cs[TI_MAX_ACCESS]; /* strides in elements */
    const char *acc;                              /* result of the contraction or column sum */
    int64_t acc_rs;
    const double *dims; /* values of the TI_I_DIM instructions, in order */
    uint64_t seed;
    char *scratch;
} ti_tile;
#endif

TI_FN float ti_from_bits_f32(uint32_t u) {
    float f;
    __builtin_memcpy(&f, &u, sizeof f);
    return f;
}
TI_FN uint32_t ti_to_bits_f32(float f) {
    uint32_t u;
    __builtin_memcpy(&u, &f, sizeof u);
    return u;
}
TI_FN double ti_from_bits_f64(uint64_t u) {
    double f;
    __builtin_memcpy(&f, &u, sizeof f);
    return f;
}
TI_FN uint64_t ti_to_bits_f64(double f) {
    uint64_t u;
    __builtin_memcpy(&u, &f, sizeof u);
    return u;
}

/* ---- exp, log, tanh ---- */

/* exp(x), f32: 2^n * p(r), r = x - n ln 2 in two parts; at most 1.02 ulp. Overflow gives infinity,
 * underflow goes through the denormals to 0, NaN stays NaN. */
TI_FN float ti_exp_f32(float x) {
    float c = x < -104.0f ? -104.0f : x;
    c = c > 89.0f ? 89.0f : c;
    float t = __builtin_fmaf(c, 1.44269504f, 12582912.0f), n = t - 12582912.0f;
    float r = __builtin_fmaf(n, -0.693145752f, c);
    r = __builtin_fmaf(n, -1.42860677e-6f, r);
    float p = __builtin_fmaf(1.98756915e-4f, r, 1.39819995e-3f);
    p = __builtin_fmaf(p, r, 8.33345191e-3f);
    p = __builtin_fmaf(p, r, 4.16657959e-2f);
    p = __builtin_fmaf(p, r, 1.66666655e-1f);
    p = __builtin_fmaf(p, r, 5.00000012e-1f);
    p = __builtin_fmaf(p, r * r, r) + 1.0f;
    uint32_t i = ti_to_bits_f32(t) - 0x4b400000u; /* n as an integer */
    uint32_t h = (uint32_t)((int32_t)i >> 1);     /* in two halves, so that neither overflows */
    return p * ti_from_bits_f32((h + 127u) << 23) * ti_from_bits_f32((i - h + 127u) << 23);
}

/* log(x), f32: e ln 2 + log(m), m in [sqrt 1/2, sqrt 2); at most 0.83 ulp. log(0) = -inf, negative
 * gives NaN. */
TI_FN float ti_log_f32(float x) {
    float big = x < 1.17549435e-38f ? x * 8388608.0f : x;
    uint32_t u = ti_to_bits_f32(big) - 0x3f3504f3u;
    float e = (float)((int32_t)u >> 23) - (x < 1.17549435e-38f ? 23.0f : 0.0f);
    float m = ti_from_bits_f32((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float p = __builtin_fmaf(7.03768363e-2f, m, -1.15146103e-1f);
    p = __builtin_fmaf(p, m, 1.16769987e-1f);
    p = __builtin_fmaf(p, m, -1.24201408e-1f);
    p = __builtin_fmaf(p, m, 1.42493228e-1f);
    p = __builtin_fmaf(p, m, -1.66680577e-1f);
    p = __builtin_fmaf(p, m, 2.00007148e-1f);
    p = __builtin_fmaf(p, m, -2.49999940e-1f);
    p = __builtin_fmaf(p, m, 3.33333312e-1f);
    float q = m * m, y = p * m * q;
    y = __builtin_fmaf(e, -2.12194440e-4f, y);
    y = __builtin_fmaf(q, -0.5f, y);
    y = __builtin_fmaf(e, 0.693359375f, m + y);
    y = x > 3.40282347e+38f ? x : y;
    y = x == 0.0f ? -__builtin_inff() : y;
    y = x < 0.0f ? __builtin_nanf("") : y;
    return x != x ? x : y;
}

/* tanh(x), f32: odd polynomial below 0.625, else 1 - 2 / (exp(2|x|) + 1); at most 1.34 ulp. */
TI_FN float ti_tanh_f32(float x) {
    float a = __builtin_fabsf(x), z = x * x;
    float p = __builtin_fmaf(-5.70498873e-3f, z, 2.06390888e-2f);
    p = __builtin_fmaf(p, z, -5.37397156e-2f);
    p = __builtin_fmaf(p, z, 1.33314422e-1f);
    p = __builtin_fmaf(p, z, -3.33332819e-1f);
    float small = __builtin_fmaf(p * z, x, x);
    float big = 1.0f - 2.0f / (ti_exp_f32(a + a) + 1.0f);
    return __builtin_copysignf(a < 0.625f ? small : big, x);
}

/* exp(x), f64: Taylor to degree 13 on |r| <= ln 2 / 2; about 1 ulp. */
TI_FN double ti_exp_f64(double x) {
    double c = x < -746.0 ? -746.0 : x;
    c = c > 710.0 ? 710.0 : c;
    double t = __builtin_fma(c, 1.4426950408889634, 6755399441055744.0);
    double n = t - 6755399441055744.0;
    double r = __builtin_fma(n, -6.93147180369123816490e-01, c);
    r = __builtin_fma(n, -1.90821492927058770002e-10, r);
    double p = 1.0 / 6227020800.0;
    p = __builtin_fma(p, r, 1.0 / 479001600.0);
    p = __builtin_fma(p, r, 1.0 / 39916800.0);
    p = __builtin_fma(p, r, 1.0 / 3628800.0);
    p = __builtin_fma(p, r, 1.0 / 362880.0);
    p = __builtin_fma(p, r, 1.0 / 40320.0);
    p = __builtin_fma(p, r, 1.0 / 5040.0);
    p = __builtin_fma(p, r, 1.0 / 720.0);
    p = __builtin_fma(p, r, 1.0 / 120.0);
    p = __builtin_fma(p, r, 1.0 / 24.0);
    p = __builtin_fma(p, r, 1.0 / 6.0);
    p = __builtin_fma(p, r, 0.5);
    p = __builtin_fma(p, r * r, r) + 1.0;
    uint64_t i = ti_to_bits_f64(t) - 0x4338000000000000u;
    uint64_t h = (uint64_t)((int64_t)i >> 1);
    return p * ti_from_bits_f64((h + 1023u) << 52) * ti_from_bits_f64((i - h + 1023u) << 52);
}

/* log(x), f64: the minimax form of s = f / (2 + f) used by most C libraries; below 1 ulp. */
TI_FN double ti_log_f64(double x) {
    double big = x < 2.2250738585072014e-308 ? x * 18014398509481984.0 : x;
    uint64_t u = ti_to_bits_f64(big) - 0x3fe6a09e667f3bcdu;
    double k = (double)(int32_t)((int64_t)u >> 52);
    k = k - (x < 2.2250738585072014e-308 ? 54.0 : 0.0);
    double f = ti_from_bits_f64((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    double s = f / (2.0 + f), z = s * s, hfsq = 0.5 * f * f;
    double r = __builtin_fma(1.479819860511658591e-01, z, 1.531383769920937332e-01);
    r = __builtin_fma(r, z, 1.818357216161805012e-01);
    r = __builtin_fma(r, z, 2.222219843214978396e-01);
    r = __builtin_fma(r, z, 2.857142874366239149e-01);
    r = __builtin_fma(r, z, 3.999999999940941908e-01);
    r = __builtin_fma(r, z, 6.666666666666735130e-01) * z;
    double y = k * 6.93147180369123816490e-01 -
               ((hfsq - (s * (hfsq + r) + k * 1.90821492927058770002e-10)) - f);
    y = x > 1.7976931348623157e308 ? x : y;
    y = x == 0.0 ? -__builtin_inf() : y;
    y = x < 0.0 ? __builtin_nan("") : y;
    return x != x ? x : y;
}

/* tanh(x), f64: expm1 by Taylor below 0.5, else 1 - 2 / (exp(2|x|) + 1); a few ulp. */
TI_FN double ti_tanh_f64(double x) {
    double a = __builtin_fabs(x), y = a + a, p = 1.0 / 20.0;
    p = __builtin_fma(p * y, 1.0 / 19.0, 1.0 / 19.0);
    for (int k = 18; k >= 2; k--) p = __builtin_fma(p, y, 1.0) / (double)k;
    double em1 = __builtin_fma(p, y, 1.0) * y;
    double small = em1 / (em1 + 2.0), big = 1.0 - 2.0 / (ti_exp_f64(y) + 1.0);
    double m = a < 0.5 ? small : big;
    return x != x ? x : __builtin_copysign(m, x);
}

TI_FN float ti_sqrt_f32(float x) { return __builtin_sqrtf(x); }
TI_FN double ti_sqrt_f64(double x) { return __builtin_sqrt(x); }

/* ---- arithmetic of each dtype: ti_CODE_DTYPE ---- */

#define TI_COMPARE(T, S)                                 \
    TI_FN uint8_t ti_eq_##S(T a, T b) { return a == b; } \
    TI_FN uint8_t ti_lt_##S(T a, T b) { return a < b; }  \
    TI_FN T ti_where_##S(uint8_t c, T a, T b) { return c ? a : b; }
/* maximum and minimum in two steps: gcc 12 makes branches of a chain of them otherwise */
#define TI_FLOAT(T, S, FABS)                       \
    TI_COMPARE(T, S)                               \
    TI_FN T ti_add_##S(T a, T b) { return a + b; } \
    TI_FN T ti_sub_##S(T a, T b) { return a - b; } \
    TI_FN T ti_mul_##S(T a, T b) { return a * b; } \
    TI_FN T ti_div_##S(T a, T b) { return a / b; } \
    TI_FN T ti_maximum_##S(T a, T b) {             \
        T m = a > b ? a : b;                       \
        return a != a ? a : m;                     \
    }                                              \
    TI_FN T ti_minimum_##S(T a, T b) {             \
        T m = a < b ? a : b;                       \
        return a != a ? a : m;                     \
    }                                              \
    TI_FN T ti_neg_##S(T a) { return -a; }         \
    TI_FN T ti_abs_##S(T a) { return FABS(a); }
/* Integers wrap (two's complement, computed unsigned); x / 0 is 0. QUOT: a / b for b != 0. */
#define TI_INTEGER(T, S, U, QUOT)                                 \
    TI_COMPARE(T, S)                                              \
    TI_FN T ti_add_##S(T a, T b) { return (T)((U)a + (U)b); }     \
    TI_FN T ti_sub_##S(T a, T b) { return (T)((U)a - (U)b); }     \
    TI_FN T ti_mul_##S(T a, T b) { return (T)((U)a * (U)b); }     \
    TI_FN T ti_neg_##S(T a) { return (T)((U)0 - (U)a); }          \
    TI_FN T ti_div_##S(T a, T b) { return b == 0 ? (T)0 : QUOT; } \
    TI_FN T ti_maximum_##S(T a, T b) { return a > b ? a : b; }    \
    TI_FN T ti_minimum_##S(T a, T b) { return a < b ? a : b; }
#define TI_SIGNED(T, S, U)                                       \
    TI_INTEGER(T, S, U, b == -1 ? (T)((U)0 - (U)a) : (T)(a / b)) \
    TI_FN T ti_abs_##S(T a) { return a < 0 ? (T)((U)0 - (U)a) : a; }
#define TI_UNSIGNED(T, S)                  \
    TI_INTEGER(T, S, uint64_t, (T)(a / b)) \
    TI_FN T ti_abs_##S(T a) { return a; }
TI_FLOAT(float, f32, __builtin_fabsf)
TI_FLOAT(double, f64, __builtin_fabs)
TI_SIGNED(int32_t, i32, uint32_t)
TI_SIGNED(int64_t, i64, uint64_t)
TI_UNSIGNED(uint32_t, u32)
TI_UNSIGNED(uint8_t, u8)
TI_COMPARE(uint8_t, b8)
TI_FN uint8_t ti_and_b8(uint8_t a, uint8_t b) { return a & b; }

/* ---- casts: ti_cast_FROM_TO; floats truncate and saturate, NaN is 0, bool is x != 0 ---- */

#define TI_CAST(F, SF, T, ST) \
    TI_FN T ti_cast_##SF##_##ST(F x) { return (T)x; }
#define TI_SATURATE(F, SF, T, ST, LO, HI)                                              \
    TI_FN T ti_cast_##SF##_##ST(F x) {                                                 \
        return x != x ? (T)0 : x <= (F)(LO) ? (T)(LO) : x >= (F)(HI) ? (T)(HI) : (T)x; \
    }
#define TI_TO_BOOL(F, SF) \
    TI_FN uint8_t ti_cast_##SF##_b8(F x) { return x != 0; }
#define TI_FROM_FLOAT(F, SF)                               \
    TI_CAST(F, SF, float, f32)                             \
    TI_CAST(F, SF, double, f64)                            \
    TI_SATURATE(F, SF, int32_t, i32, INT32_MIN, INT32_MAX) \
    TI_SATURATE(F, SF, int64_t, i64, INT64_MIN, INT64_MAX) \
    TI_SATURATE(F, SF, uint32_t, u32, 0, UINT32_MAX)       \
    TI_SATURATE(F, SF, uint8_t, u8, 0, UINT8_MAX)          \
    TI_TO_BOOL(F, SF)
#define TI_FROM_INT(F, SF)        \
    TI_CAST(F, SF, float, f32)    \
    TI_CAST(F, SF, double, f64)   \
    TI_CAST(F, SF, int32_t, i32)  \
    TI_CAST(F, SF, int64_t, i64)  \
    TI_CAST(F, SF, uint32_t, u32) \
    TI_CAST(F, SF, uint8_t, u8)   \
    TI_TO_BOOL(F, SF)
TI_FROM_FLOAT(float, f32)
TI_FROM_FLOAT(double, f64)
TI_FROM_INT(int32_t, i32)
TI_FROM_INT(int64_t, i64)
TI_FROM_INT(uint32_t, u32)
TI_FROM_INT(uint8_t, u8)
TI_FROM_INT(uint8_t, b8)

/* f16 and bf16 are 16 bits; to and from f32 only. Nearest, ties to even; NaN is quiet. */

TI_FN float ti_cast_bf16_f32(uint16_t x) { return ti_from_bits_f32((uint32_t)x << 16); }
TI_FN uint16_t ti_cast_f32_bf16(float x) {
    uint32_t u = ti_to_bits_f32(x), rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    return (uint16_t)(x != x ? (u >> 16 & 0x8000) | 0x7fc0 : rounded);
}
/* The exponent is moved as it is; what was denormal or infinite is put right by a product or sum.
 */
TI_FN float ti_cast_f16_f32(uint16_t x) {
    uint32_t rest = (uint32_t)(x & 0x7fff) << 13, sign = (uint32_t)(x & 0x8000) << 16;
    float y = ti_from_bits_f32(rest) * 0x1p112f;
    uint32_t u = ti_to_bits_f32(y);
    u = rest >= 0x0f800000u ? rest | 0x7f800000u : u; /* infinity and NaN */
    return ti_from_bits_f32(u | sign);
}
TI_FN uint16_t ti_cast_f32_f16(float x) {
    uint32_t u = ti_to_bits_f32(x), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    uint32_t normal = (a - 0x38000000u + 0xfff + ((a >> 13) & 1)) >> 13;
    uint32_t small = ti_to_bits_f32(ti_from_bits_f32(a) + 0.5f) - 0x3f000000u; /* the sum rounds */
    uint32_t y = a < 0x38800000u ? small : a >= 0x47800000u ? 0x7c00 : normal;
    return (uint16_t)(sign | (a > 0x7f800000u ? 0x7e00 : y));
}

/* ---- reductions: 16 lanes, a fixed tree, chunks of 4096, then the same over the chunks ---- */

enum { TI_LANES = 16, TI_CHUNK = 4096, TI_LEVELS = 6 };

#define TI_REDUCTION(T, S, NAME, FIRST, OP)                                               \
    TI_FN T ti_##NAME##_tree_##S(T *lane) {                                               \
        for (int s = TI_LANES / 2; s; s >>= 1)                                            \
            for (int l = 0; l < s; l++) lane[l] = OP(lane[l], lane[l + s]);               \
        return lane[0];                                                                   \
    }                                                                                     \
    /* one chunk: element i goes to lane i % 16, in order */                              \
    TI_FN T ti_##NAME##_chunk_##S(const T *x, int64_t n) {                                \
        T lane[TI_LANES];                                                                 \
        int64_t i = 0;                                                                    \
        for (int l = 0; l < TI_LANES; l++) lane[l] = FIRST;                               \
        for (; i + TI_LANES <= n; i += TI_LANES)                                          \
            for (int l = 0; l < TI_LANES; l++) lane[l] = OP(lane[l], x[i + l]);           \
        for (int l = 0; i < n; i++, l++) lane[l] = OP(lane[l], x[i]);                     \
        return ti_##NAME##_tree_##S(lane);                                                \
    }                                                                                     \
    /* chunk results, taken in order: level v holds 16 lanes of results of level v - 1 */ \
    typedef struct ti_##NAME##_state_##S {                                                \
        T lane[TI_LEVELS][TI_LANES];                                                      \
        int64_t count[TI_LEVELS];                                                         \
    } ti_##NAME##_state_##S;                                                              \
    TI_FN void ti_##NAME##_begin_##S(ti_##NAME##_state_##S *q) {                          \
        for (int v = 0; v < TI_LEVELS; v++) {                                             \
            q->count[v] = 0;                                                              \
            for (int l = 0; l < TI_LANES; l++) q->lane[v][l] = FIRST;                     \
        }                                                                                 \
    }                                                                                     \
    TI_FN void ti_##NAME##_push_##S(ti_##NAME##_state_##S *q, T s) {                      \
        for (int v = 0; v < TI_LEVELS; v++) {                                             \
            int64_t l = q->count[v]++ % TI_LANES;                                         \
            q->lane[v][l] = OP(q->lane[v][l], s);                                         \
            if (q->count[v] < TI_CHUNK) return;                                           \
            s = ti_##NAME##_tree_##S(q->lane[v]);                                         \
            q->count[v] = 0;                                                              \
            for (int i = 0; i < TI_LANES; i++) q->lane[v][i] = FIRST;                     \
        }                                                                                 \
    }                                                                                     \
    TI_FN T ti_##NAME##_end_##S(ti_##NAME##_state_##S *q) {                               \
        int top = 0;                                                                      \
        T s = FIRST;                                                                      \
        for (int v = 0; v < TI_LEVELS; v++)                                               \
            if (q->count[v]) top = v;                                                     \
        for (int v = 0; v <= top; v++) {                                                  \
            if (v && q->count[v - 1]) {                                                   \
                int64_t l = q->count[v]++ % TI_LANES;                                     \
                q->lane[v][l] = OP(q->lane[v][l], s);                                     \
            }                                                                             \
            if (q->count[v]) s = ti_##NAME##_tree_##S(q->lane[v]);                        \
        }                                                                                 \
        return s;                                                                         \
    }                                                                                     \
    TI_FN T ti_##NAME##_##S(const T *x, int64_t n) {                                      \
        if (n <= TI_CHUNK) return ti_##NAME##_chunk_##S(x, n);                            \
        ti_##NAME##_state_##S q;                                                          \
        ti_##NAME##_begin_##S(&q);                                                        \
        for (int64_t i = 0; i < n; i += TI_CHUNK)                                         \
            ti_##NAME##_push_##S(                                                         \
                &q, ti_##NAME##_chunk_##S(x + i, n - i < TI_CHUNK ? n - i : TI_CHUNK));   \
        return ti_##NAME##_end_##S(&q);                                                   \
    }
TI_REDUCTION(float, f32, sum, 0, ti_add_f32)
TI_REDUCTION(double, f64, sum, 0, ti_add_f64)
TI_REDUCTION(int32_t, i32, sum, 0, ti_add_i32)
TI_REDUCTION(int64_t, i64, sum, 0, ti_add_i64)
TI_REDUCTION(float, f32, rmax, -__builtin_inff(), ti_maximum_f32)
TI_REDUCTION(double, f64, rmax, -__builtin_inf(), ti_maximum_f64)
TI_REDUCTION(int32_t, i32, rmax, INT32_MIN, ti_maximum_i32)
TI_REDUCTION(int64_t, i64, rmax, INT64_MIN, ti_maximum_i64)

/* Index of the largest, the first of equals; NaN counts as largest. */
#define TI_ARGMAX_OF(T, S)                                                        \
    TI_FN int32_t ti_argmax_##S(const T *x, int64_t n) {                          \
        int64_t best = 0;                                                         \
        for (int64_t i = 1; i < n; i++)                                           \
            if (x[best] == x[best] && (x[i] > x[best] || x[i] != x[i])) best = i; \
        return (int32_t)best;                                                     \
    }
TI_ARGMAX_OF(float, f32)
TI_ARGMAX_OF(double, f64)

#ifndef TI_DEVICE
/* ---- random bits: Philox 4x32-10 in sixteen lanes; see src/ops/generate/index.c for the mapping
 * ---- */

typedef uint64_t ti_u64x4 __attribute__((vector_size(32)));
typedef uint32_t ti_u32x4 __attribute__((vector_size(16)));
#if defined(__AVX2__) && !defined(__clang__)
/* gcc does not see that a product of two 32-bit halves is one instruction */
typedef int ti_i32x8 __attribute__((vector_size(32)));
#define TI_MUL_LOW(a, b) ((ti_u64x4)__builtin_ia32_pmuludq256((ti_i32x8)(a), (ti_i32x8)(b)))
#else
#define TI_MUL_LOW(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))
#endif

TI_FN void ti_store_low(uint32_t *y, ti_u64x4 x) {
    ti_u32x4 low = __builtin_convertvector(x, ti_u32x4);
    __builtin_memcpy(y, &low, sizeof low);
}

/* Blocks block .. block+15 in four vectors, round by round, so that the chains of four are under
 * way at a time; each word sits in the low half of a 64-bit lane and what is above it is never
 * looked at. */
TI_FN void ti_philox16(uint64_t key, uint64_t block, uint64_t step, uint32_t out[64]) {
    const ti_u64x4 zero = {0, 0, 0, 0}, lanes = {0, 1, 2, 3};
    const ti_u64x4 m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
    ti_u64x4 a[4], b[4], c[4], d[4], k0 = zero + (key & 0xffffffffu), k1 = zero + (key >> 32);
    for (int v = 0; v < 4; v++) {
        a[v] = lanes + (block + 4u * (unsigned)v);
        b[v] = a[v] >> 32;
        c[v] = zero + step;
        d[v] = c[v] >> 32;
    }
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            ti_u64x4 p = TI_MUL_LOW(a[v], m0), q = TI_MUL_LOW(c[v], m1);
            a[v] = (q >> 32) ^ (b[v] ^ k0);
            c[v] = (p >> 32) ^ (d[v] ^ k1);
            b[v] = q;
            d[v] = p;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int v = 0; v < 4; v++) {
        ti_store_low(out + 4 * v, a[v]);
        ti_store_low(out + 16 + 4 * v, b[v]);
        ti_store_low(out + 32 + 4 * v, c[v]);
        ti_store_low(out + 48 + 4 * v, d[v]);
    }
}

/* Bits of the elements index .. index+n-1. */
TI_FN void ti_random_fill(uint32_t *y, uint64_t key, uint64_t step, int64_t index, int64_t n) {
    uint32_t w[64];
    while (n > 0) {
        int64_t at = index & 63, m = 64 - at < n ? 64 - at : n;
        ti_philox16(key, (uint64_t)(index >> 6) * 16, step, m == 64 ? y : w);
        if (m < 64) __builtin_memcpy(y, w + at, (unsigned long)m * sizeof *y);
        y += m;
        index += m;
        n -= m;
    }
}

#endif
#endif
