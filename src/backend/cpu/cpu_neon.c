// NEON: 6 rows by 16 columns of f32 in twenty-four accumulators.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "backend/cpu/gemm.h"

#define MR 6

#define T float
#define V float32x4_t
#define VN 4
#define V_LOAD(p) vld1q_f32(p)
#define V_STORE(p, v) vst1q_f32(p, v)
#define V_SPLAT(x) vdupq_n_f32(x)
#define V_FMA(a, b, c) vfmaq_f32(c, a, b)
#define V_ADD(a, b) vaddq_f32(a, b)
#define NAME micro_f32
#define ROW_NAME row_f32
#define BODY body_f32
#define PANELS(R) ((R) == 1 ? 4 : (R) == 2 ? 2 : 1)
#include "backend/cpu/micro.inc"

#define T double
#define V float64x2_t
#define VN 2
#define V_LOAD(p) vld1q_f64(p)
#define V_STORE(p, v) vst1q_f64(p, v)
#define V_SPLAT(x) vdupq_n_f64(x)
#define V_FMA(a, b, c) vfmaq_f64(c, a, b)
#define V_ADD(a, b) vaddq_f64(a, b)
#define NAME micro_f64
#define ROW_NAME row_f64
#define BODY body_f64
#define PANELS(R) 1
#include "backend/cpu/micro.inc"

#define TI_INTERP_NAME ti_interp_neon
#include "backend/cpu/interp_ops.inc"

const ti_isa ti_isa_neon = {"neon", MR, micro_f32, micro_f64, NULL, &ti_interp_neon};
#endif
