// Which instruction set this processor runs, found once; $TARN_ISA names a lesser one for tests.
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/gemm.h"

static bool runs(const ti_isa *isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (isa == &ti_isa_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (isa == &ti_isa_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    (void)isa;
    return true;
}

static const ti_isa *const all[] = {
#if defined(__x86_64__)
    &ti_isa_avx512, &ti_isa_avx2,
#elif defined(__aarch64__)
    &ti_isa_neon,
#endif
    &ti_isa_scalar};

const ti_isa *ti_isa_pick(void) {
    const char *want = getenv("TARN_ISA");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (runs(all[i]) && (!want || !*want || !strcmp(want, all[i]->name))) return all[i];
    return &ti_isa_scalar;
}
