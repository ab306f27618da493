// Any processor: plain C, the multiply-add through the C library where the machine has none.
#include "backend/cpu/gemm.h"

#define MR 4

#define T float
#define V float
#define VN 1
#define V_LOAD(p) (*(p))
#define V_STORE(p, v) (*(p) = (v))
#define V_SPLAT(x) (x)
#define V_FMA(a, b, c) __builtin_fmaf(a, b, c)
#define V_ADD(a, b) ((a) + (b))
#define NAME micro_f32
#define ROW_NAME row_f32
#define BODY body_f32
#define PANELS(R) 1
#include "backend/cpu/micro.inc"

#define T double
#define V double
#define VN 1
#define V_LOAD(p) (*(p))
#define V_STORE(p, v) (*(p) = (v))
#define V_SPLAT(x) (x)
#define V_FMA(a, b, c) __builtin_fma(a, b, c)
#define V_ADD(a, b) ((a) + (b))
#define NAME micro_f64
#define ROW_NAME row_f64
#define BODY body_f64
#define PANELS(R) 1
#include "backend/cpu/micro.inc"

#define TI_INTERP_NAME ti_interp_scalar
#include "backend/cpu/interp_ops.inc"

const ti_isa ti_isa_scalar = {"scalar", MR, micro_f32, micro_f64, NULL, &ti_interp_scalar};
