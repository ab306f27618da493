// AVX2 and FMA: 6 rows by 16 columns of f32 in twelve accumulators.
#if defined(__x86_64__)
#include <immintrin.h>

#include "backend/cpu/gemm.h"

#define MR 6

#define T float
#define V __m256
#define VN 8
#define V_LOAD(p) _mm256_loadu_ps(p)
#define V_STORE(p, v) _mm256_storeu_ps(p, v)
#define V_SPLAT(x) _mm256_set1_ps(x)
#define V_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define V_ADD(a, b) _mm256_add_ps(a, b)
#define NAME micro_f32
#define ROW_NAME row_f32
#define BODY body_f32
#define PANELS(R) ((R) == 1 ? 4 : (R) == 2 ? 2 : 1)
#include "backend/cpu/micro.inc"

#define T double
#define V __m256d
#define VN 4
#define V_LOAD(p) _mm256_loadu_pd(p)
#define V_STORE(p, v) _mm256_storeu_pd(p, v)
#define V_SPLAT(x) _mm256_set1_pd(x)
#define V_FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define V_ADD(a, b) _mm256_add_pd(a, b)
#define NAME micro_f64
#define ROW_NAME row_f64
#define BODY body_f64
#define PANELS(R) ((R) == 1 ? 2 : 1)
#include "backend/cpu/micro.inc"

#include "backend/cpu/turn_avx.inc"

#define TI_INTERP_NAME ti_interp_avx2
#include "backend/cpu/interp_ops.inc"

const ti_isa ti_isa_avx2 = {"avx2", MR, micro_f32, micro_f64, turn8, &ti_interp_avx2};
#endif
