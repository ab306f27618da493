// A compiled program on the CPU: a flat list of steps over one arena.
#ifndef TI_CPU_PROGRAM_H
#define TI_CPU_PROGRAM_H

#include "backend/backend.h"
#include "backend/cpu/contract.h"

typedef struct ti_cpu_program ti_cpu_program;

// A loop: a program for its step, and where its operands and results lie. (scan.c)
typedef struct ti_scan_loop {
    ti_cpu_program *body;
    char **in, **out, **spare;  // by operand, by result (NULL: not kept), by carry
    size_t *in_bytes;           // by operand that a step reads: of one step
    size_t *out_bytes;          // by result: of one step
    const void **inputs;        // of the body in the step at hand
    int64_t length;
} ti_scan_loop;

typedef struct ti_step {
    const ti_kernel *k;
    bool waits;  // for all threads to have finished the steps before
    ti_loop loop;
    ti_contract contract;
    ti_window window;  // contraction over windows: the kernel's, for the dimensions of the run
    ti_colsum colsum;
    const char *checked;  // finite check: the scalar
    tarn_array *call;     // operands, then the result
    ti_scan_loop *scan;
    tarn_status status;  // of the call in this run: its own, as the next call does not wait
    double sum, best;    // profiling: time so far, and of the fastest run
} ti_step;

// A pointer that follows an input's data.
typedef struct ti_fixup {
    char **at;
    int input;
} ti_fixup;

typedef struct ti_dead {  // debug: memory that is dead after a step
    int step;
    size_t offset, bytes;
} ti_dead;

struct ti_cpu_program {
    const ti_plan *plan;
    const ti_isa *isa;
    ti_arena memory;  // of everything but the two below
    char *arena;
    bool inner;     // a step of a loop: the arena is part of the outer one, scratch is given
    char *scratch;  // one block per thread
    size_t scratch_each;
    int scratch_threads;
    ti_step *steps;
    int n_steps;
    ti_fixup *fixups;
    int n_fixups;
    ti_dead *dead;
    int n_dead;
    const void *const *inputs;
    bool profile;
    int failed;          // step whose check failed, -1
    tarn_status status;  // of the call that failed
    struct ti_jit *jit;
};

// arena: NULL, or where the program of a loop's step may lie. (program.c)
tarn_status ti_cpu_program_make(const ti_plan *plan, const ti_backend_opts *opts, char *arena,
                                ti_cpu_program **out);
void ti_cpu_program_free(ti_cpu_program *p);
void ti_cpu_program_bind(ti_cpu_program *p, const int64_t *dims);
// All steps, called by every thread of a region; all get the same status.
tarn_status ti_cpu_program_walk(ti_cpu_program *p, char *scratch, int thread, int n_threads);
const void *ti_cpu_program_result(const ti_cpu_program *p, int i);
tarn_status ti_locate(ti_cpu_program *p, int value, char **at);

// Loops (scan.c).
tarn_status ti_scan_make(ti_cpu_program *p, ti_step *s, const ti_backend_opts *opts);
void ti_scan_bind(const ti_plan *p, ti_step *s, const int64_t *dims);
tarn_status ti_scan_run(const ti_step *s, char *scratch, int thread, int n_threads);

// Does one write what the other reads or writes? (conflict.c)
bool ti_kernels_conflict(const ti_plan *p, const ti_kernel *a, const ti_kernel *b);

// Generated kernels (jit.c): begin compiling, take over what is ready, free.
tarn_status ti_jit_start(ti_cpu_program *p, tarn_jit mode);
void ti_jit_poll(ti_cpu_program *p);
bool ti_jit_ready(const ti_cpu_program *p);
void ti_jit_free(ti_cpu_program *p);
#endif
