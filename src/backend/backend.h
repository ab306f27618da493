// What a device must do: one table each. A backend knows graphs of primitives and plans, never
// layers or other backends.
#ifndef TI_BACKEND_H
#define TI_BACKEND_H

#include "passes/passes.h"
#include "plan/plan.h"

// What a run gives a compiled program.
typedef struct ti_run {
    const void *const *inputs;  // by position in the plan
    int64_t *dims;              // value of every named dimension; a run sets those that it finds
    bool rebind;                // dims differ from those of the last run
} ti_run;

typedef struct ti_backend_opts {
    tarn_jit jit;
    bool poison;
    bool profile;
    int ordinal;  // which of the devices of its kind
} ti_backend_opts;

typedef struct ti_backend {
    const char *name;
    bool numbered;    // there may be several: NAME:1 is the second
    bool finds_dims;  // runs programs some of whose dimensions depend on values
    // The plan and the work outlive the program.
    tarn_status (*compile)(const ti_plan *plan, const ti_work *work, const ti_backend_opts *opts,
                           void **program);
    tarn_status (*run)(void *program, const ti_run *run);
    // Row-major bytes of fetch i after a run.
    const void *(*result)(void *program, int i);
    void (*info)(const void *program, tarn_program_info *out);
    // Seconds spent in kernel i so far and in its fastest run, when profiling.
    void (*times)(const void *program, int i, double *sum, double *best);
    void (*free)(void *program);
    // Reference device only: extend the pending error of a step whose finite check failed, before
    // anything changed, by the first op that made a NaN or infinity of finite operands, its layer
    // and the ranges of the operands. Returns st.
    tarn_status (*explain)(tarn_status st, const ti_plan *plan, const ti_work *work,
                           const ti_run *run);
    // Where what is there depends on the machine: one line about it. NULL: it is always there.
    tarn_status (*describe)(int ordinal, char *text, size_t cap);
} ti_backend;

// A plan as source for a device that this build does not drive, by the word that dumps it.
typedef struct ti_plan_text {
    const char *name;
    tarn_status (*print)(const ti_plan *p, ti_buf *out);
} ti_plan_text;
extern const ti_plan_text ti_plan_texts[];  // the last one has no name

// By device name ("cpu", "ref", "xla", "xla:1"), and its number (0 when none is given; NULL: not
// wanted); NULL with an error that lists those of this build.
const ti_backend *ti_backend_find(const char *device, int *ordinal);
#endif
