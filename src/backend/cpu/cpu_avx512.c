// AVX-512: 8 rows by 32 columns of f32 in sixteen accumulators.
#if defined(__x86_64__)
#include <immintrin.h>

#include "backend/cpu/gemm.h"

#define MR 8

#define T float
#define V __m512
#define VN 16
#define V_LOAD(p) _mm512_loadu_ps(p)
#define V_STORE(p, v) _mm512_storeu_ps(p, v)
#define V_SPLAT(x) _mm512_set1_ps(x)
#define V_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define V_ADD(a, b) _mm512_add_ps(a, b)
#define NAME micro_f32
#define ROW_NAME row_f32
#define BODY body_f32
#define PANELS(R) ((R) <= 2 ? 4 : 2)
#include "backend/cpu/micro.inc"

#define T double
#define V __m512d
#define VN 8
#define V_LOAD(p) _mm512_loadu_pd(p)
#define V_STORE(p, v) _mm512_storeu_pd(p, v)
#define V_SPLAT(x) _mm512_set1_pd(x)
#define V_FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define V_ADD(a, b) _mm512_add_pd(a, b)
#define NAME micro_f64
#define ROW_NAME row_f64
#define BODY body_f64
#define PANELS(R) ((R) <= 2 ? 2 : 1)
#include "backend/cpu/micro.inc"

#include "backend/cpu/turn_avx.inc"

#define TI_INTERP_NAME ti_interp_avx512
#include "backend/cpu/interp_ops.inc"

const ti_isa ti_isa_avx512 = {"avx512", MR, micro_f32, micro_f64, turn8, &ti_interp_avx512};
#endif
