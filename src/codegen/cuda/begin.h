/* First part of a printed unit: what the prelude, which comes next, needs of the language around
 * it. The same text is compiled by NVRTC, by nvcc, and as C by any compiler that is told what
 * __global__, __device__ and the indices are. */
#define TI_DEVICE

#ifdef __cplusplus
#define TI_KERNEL extern "C" __global__ void
#else
#define TI_KERNEL __global__ void
#endif
#define TI_FN static inline __device__ __attribute__((unused))

#ifdef __CUDACC_RTC__ /* has no headers */
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
#define INT64_MIN (-9223372036854775807L - 1)
#define INT64_MAX 9223372036854775807L
#define UINT8_MAX 255
#define UINT32_MAX 4294967295u
#else
#include <stdint.h>
#endif

/* Each is one instruction, or a constant, whatever the flags. */
#ifdef __CUDACC__
#define __builtin_fmaf(a, b, c) __fmaf_rn(a, b, c)
#define __builtin_fma(a, b, c) __fma_rn(a, b, c)
#define __builtin_sqrtf(x) __fsqrt_rn(x)
#define __builtin_sqrt(x) __dsqrt_rn(x)
#define __builtin_fabsf(x) fabsf(x)
#define __builtin_fabs(x) fabs(x)
#define __builtin_copysignf(x, y) copysignf(x, y)
#define __builtin_copysign(x, y) copysign(x, y)
#define __builtin_inff() __int_as_float(0x7f800000)
#define __builtin_inf() __longlong_as_double(0x7ff0000000000000LL)
#define __builtin_nanf(text) __int_as_float(0x7fc00000)
#define __builtin_nan(text) __longlong_as_double(0x7ff8000000000000LL)
#define __builtin_memcpy(to, from, n) memcpy(to, from, n)
#endif
