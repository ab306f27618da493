// A plan while it is made: groups of nodes become kernels (body.c; scan.c for loops).
#ifndef TI_BUILD_H
#define TI_BUILD_H

#include "plan/plan.h"

typedef struct ti_build {
    ti_groups *gs;
    ti_plan *p;
    const ti_plan_opts *opts;
    int *value;     // by node id: value that holds it, -1
    int16_t *inst;  // by node id: instruction in the kernel at hand, -1
    ti_kernel *k;
    int cap_inst, cap_access;
    ti_kernel *unpack;  // kernels that copy variables to row-major order, run first
    int n_unpack;
    int group;
} ti_build;

tarn_status ti_value_new(ti_build *b, ti_value v, int *out);
// The value that holds n, made when it is first asked for.
tarn_status ti_value_of(ti_build *b, const tarn_node *n, int *out);
bool ti_value_packed(const ti_build *b, int value);
// Row-major copy of a packed variable, made by a kernel at the start of the run.
tarn_status ti_unpacked(ti_build *b, int packed, int *out);
tarn_status ti_scan_kernel(ti_build *b, const tarn_node *n);
#endif
