// A program: the compiled graph, its plan, and what is bound to it.
#ifndef TI_PROGRAM_H
#define TI_PROGRAM_H

#include "backend/backend.h"

struct tarn_program {
    const ti_backend *backend;
    void *compiled;
    ti_plan *plan;
    ti_work work;  // canonical primitives, for the reference device and dumps
    tarn_store *store;
    const void **inputs;  // by position; NULL: not bound
    tarn_shape *bound;    // shapes given with them
    bool reshaped;        // a bound shape changed since the last run
    int64_t dims[TI_MAX_SYMS];
    bool ran;
    int64_t runs;
    double compile_seconds;
};
#endif
