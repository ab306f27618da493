// What the tests of ops, gradients and plans share: a graph over a store of its own, compiled and
// run, and what this machine can do.
#ifndef OPS_SUPPORT_H
#define OPS_SUPPORT_H

#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>
#include <unistd.h>

#include "backend/cpu/gemm.h"
#include "exec/sample.h"
#include "test.h"

enum { RIG_SEED = 7 };  // of the store; the golden random bits are drawn from it

typedef struct rig {
    tarn_store *store;
    tarn_graph *g;
    tarn_program *p;
} rig;

static inline rig rig_make(void) {
    rig r = {0};
    CHECK_OK(tarn_store_create(RIG_SEED, &r.store));
    r.g = tarn_graph_create(r.store);
    CHECK(r.g);
    return r;
}

// Compiles what is fetched; opts may be NULL: interpreted, as a C compiler takes longer than a
// test.
static inline void rig_compile(rig *r, tarn_fetch fetch, const char *device,
                               const tarn_compile_opts *opts) {
    static const tarn_compile_opts interpreted = {.jit = TARN_JIT_OFF};
    if (!opts) opts = &interpreted;
    tarn_program_free(r->p);
    r->p = NULL;
    CHECK_OK(tarn_graph_status(r->g));
    CHECK_OK(tarn_compile_opts_(r->g, fetch, device, opts, &r->p));
}

static inline void rig_free(rig *r) {
    tarn_program_free(r->p);
    tarn_graph_free(r->g);
    tarn_store_free(r->store);
    *r = (rig){0};
}

// Generated kernels need a compiler where the library looks for one, and a folder to keep them in.
static inline void need_compiler(void) {
    static const char *const paths[] = {"/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang",
                                        "/usr/local/bin/cc"};
    if (!getenv("HOME") && !getenv("XDG_CACHE_HOME")) setenv("XDG_CACHE_HOME", test_dir(), 1);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!access(paths[i], X_OK)) return;
    SKIP("no C compiler on this machine");
}

// From here on programs are compiled for this instruction set; false when the machine lacks it.
static inline bool use_isa(const char *name) {
    CHECK(!setenv("TARN_ISA", name, 1));
    return !strcmp(ti_isa_pick()->name, name);
}

// A program has no input that its results do not depend on (argmax along one element is 0).
static inline bool has_input(const tarn_program *p, const char *name) {
    for (int i = 0; i < p->plan->n_inputs; i++)
        if (!strcmp(p->plan->inputs[i], name)) return true;
    return false;
}

// Bytes of result i of the last run, and where they lie.
static inline const void *result_bytes(const tarn_program *p, int i, size_t *bytes) {
    tarn_shape s;
    const void *x = tarn_result(p, i, &s);
    CHECK(x);
    *bytes = (size_t)tarn_shape_numel(&s) *
             tarn_dtype_size(p->plan->values[p->plan->fetch[i]].dtype);
    return x;
}

// Draws differ from run to run: the counter is put back, so that every way sees the same bits.
static inline void sample_reset_draws(const ti_sample *s) {
    const char *step = TARN_STATE_PREFIX "random/step";
    tarn_tensor *zero = NULL;
    if (!tarn_store_has(s->store, step)) return;
    CHECK_OK(tarn_tensor_create(TARN_I64, TARN_SCALAR, &zero));
    CHECK_OK(tarn_store_set(s->store, step, zero));
    tarn_tensor_release(zero);
}

// A device's result against the reference's. The absolute part is for sums that cancel: 600
// products up to 4 come to partial sums near 50, whose 600 roundings of 2^-19 add up to some 1e-4
// at worst.
static inline void check_agrees(const tarn_tensor *got, const tarn_tensor *want) {
    tarn_tensor *wide = NULL;
    int64_t n = tarn_tensor_numel(want);
    CHECK_OK(tarn_tensor_cast(want, TARN_F64, &wide));
    if (tarn_tensor_dtype(want) == TARN_F32) {
        CHECK_CLOSE((const float *)tarn_tensor_cdata(got), tarn_tensor_cdata(wide), n, 2e-6, 1e-4);
    } else if (tarn_tensor_dtype(want) == TARN_F64) {
        CHECK_CLOSE((const double *)tarn_tensor_cdata(got), tarn_tensor_cdata(wide), n, 1e-13,
                    1e-12);
    } else {
        CHECK(!memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want)));
    }
    tarn_tensor_release(wide);
}

#endif
