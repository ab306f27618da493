// The one place where memory comes from: aligned blocks and counters.
//
// Blocks are aligned to 64 bytes, a cache line and the widest vector, so kernels never need a
// slow head loop. ti_realloc is allocate, copy, free: the C library's realloc keeps no alignment
// above 16. The counters prove that a training step allocates nothing and that a test leaks
// nothing; in a TARN_TEST_LIMITS build a test can let any one allocation fail.
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static _Atomic uint64_t calls;
static _Atomic uint64_t live;

#ifdef TARN_TEST_LIMITS
static _Atomic uint64_t fail_in;  // allocations until the one that fails; 0: none

static bool fails_now(void) {
    uint64_t left = atomic_load(&fail_in);
    while (left > 0 && !atomic_compare_exchange_weak(&fail_in, &left, left - 1)) {
    }
    return left == 1;
}

void ti_alloc_fail_at(uint64_t n) { atomic_store(&fail_in, n); }
#else
static bool fails_now(void) { return false; }

void ti_alloc_fail_at(uint64_t n) { (void)n; }
#endif

static void *block_new(size_t bytes) {
    void *p = NULL;
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (fails_now() || bytes > PTRDIFF_MAX) return NULL;
    if (posix_memalign(&p, ALIGNMENT, bytes ? bytes : 1) != 0) return NULL;
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

static tarn_status no_memory(size_t bytes) {
    return ti_error(TARN_ENOMEM, "out of memory: %zu bytes", bytes);
}

// `out` is the address of a pointer of any type; copying the bytes keeps to the aliasing rules.
tarn_status ti_alloc(size_t bytes, void *out) {
    void *p = block_new(bytes);
    if (!p) return no_memory(bytes);
    memcpy(out, &p, sizeof p);
    return TARN_OK;
}

tarn_status ti_alloc_zero(size_t bytes, void *out) {
    void *p = block_new(bytes);
    if (!p) return no_memory(bytes);
    memset(p, 0, bytes);
    memcpy(out, &p, sizeof p);
    return TARN_OK;
}

tarn_status ti_realloc(size_t old, size_t bytes, void *inout) {
    void *p, *from;
    memcpy(&from, inout, sizeof from);
    p = block_new(bytes);
    if (!p) return no_memory(bytes);
    if (from) memcpy(p, from, old < bytes ? old : bytes);
    ti_free(from);
    memcpy(inout, &p, sizeof p);
    return TARN_OK;
}

void ti_free(void *p) {
    if (!p) return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

ti_alloc_stats ti_alloc_stats_now(void) {
    return (ti_alloc_stats){.calls = atomic_load(&calls), .live = atomic_load(&live)};
}
