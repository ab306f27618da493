// A plan as CUDA C: one translation unit with a kernel for each kernel of the plan, and what a host
// passes to them. No device is called here. Compile with contraction off and IEEE division
// (ti_cuda_flags); the kernels then make the bits of the bit model, as the CPU does.
#ifndef TI_CUDA_H
#define TI_CUDA_H

#include "plan/plan.h"

// Texts that stand around the prelude's.
extern const char ti_cuda_begin_text[], ti_cuda_device_text[];
// NULL-terminated.
extern const char *const ti_cuda_flags[];

// Kernel i of the plan becomes `extern "C" __global__ void kI(const kI_args a)`. The text depends
// on ranks, dtypes and fusion; sizes, strides and addresses are arguments. TARN_EUNSUPPORTED for
// calls; TARN_ELIMIT when a kernel's arguments do not fit.
tarn_status ti_cuda_print(const ti_plan *p, ti_buf *out);

// How kernel i is launched: `blocks` blocks of TI_CUDA_THREADS threads (none when blocks is 0), its
// one argument the first n_words * 8 bytes of `word`.
enum { TI_CUDA_THREADS = 256, TI_CUDA_WORDS = 512 };
typedef struct ti_cuda_launch {
    int64_t blocks;
    int n_words;
    uint64_t word[TI_CUDA_WORDS];
} ti_cuda_launch;
// dims: value of every named dimension; where: device address of each value of the plan, variables
// in their form; failed: of an int32_t that is 0 at the start of a run. Kernels after a failed
// check do nothing.
void ti_cuda_bind(const ti_plan *p, int kernel, const int64_t *dims, const uint64_t *where,
                  uint64_t failed, ti_cuda_launch *out);
#endif
