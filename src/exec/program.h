// A program: the compiled graph and its plan; and sessions: memory to run it in, and what is bound.
#ifndef TI_PROGRAM_H
#define TI_PROGRAM_H

#include "backend/backend.h"

struct tarn_session {
    const tarn_program *program;
    void *compiled;       // the backend's
    const void **inputs;  // by position; NULL: not bound
    tarn_shape *bound;    // shapes given with them
    bool reshaped;        // a bound shape changed since the last run
    int64_t dims[TI_MAX_SYMS];
    bool ran;
    int64_t runs;
};

struct tarn_program {
    const ti_backend *backend;
    ti_backend_opts opts;
    ti_plan *plan;
    ti_work work;  // canonical primitives, for the reference device and dumps
    tarn_store *store;
    tarn_session own;  // what tarn_bind and tarn_run use
    double compile_seconds;
};

// A session for a program whose plan is made, in place.
tarn_status ti_session_init(const tarn_program *p, tarn_session *s);
void ti_session_clear(tarn_session *s);
#endif
