// Workers wait in a bounded spin, then in a futex-backed condition: a step comes every few
// milliseconds, so the spin usually catches it, and an idle process costs nothing. Workers are
// pinned to different cores: unpinned ones were seen to share one.
#define _GNU_SOURCE  // processor affinity
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 1024, SPINS = 20000, YIELD_AFTER = 2000 };

static struct {
    pthread_mutex_t lock;  // start of workers, sleeping
    pthread_cond_t wake;
    pthread_mutex_t busy;  // held by the thread that runs a region
    atomic_int wanted;     // 0: not asked yet
    int started;           // workers that exist
    atomic_ullong region;  // number of regions so far << 16 | threads of this one
    atomic_int sleepers;
    ti_pool_fn fn;
    void *ctx;
    atomic_int left;     // workers that have not finished the region
    atomic_int arrived;  // barrier
    atomic_uint phase;
    int cores;
    int patience;  // spins before yielding: none when threads outnumber cores
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .busy = PTHREAD_MUTEX_INITIALIZER};

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int cores(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN)
                                                   : CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}

static int clamp(long n) { return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n; }

int tarn_threads(void) {
    int n = atomic_load(&pool.wanted);
    if (n) return n;
    const char *env = getenv("TARN_THREADS");
    n = env && *env ? clamp(strtol(env, NULL, 10)) : clamp(cores());
    atomic_store(&pool.wanted, n);
    return n;
}

tarn_status tarn_set_threads(int n) {
    if (n < 1 || n > MAX_THREADS)
        return ti_error(TARN_EARG, "%d threads, 1 to %d allowed", n, MAX_THREADS);
    atomic_store(&pool.wanted, n);
    return TARN_OK;
}

// ---- workers ------------------------------------------------------------------------------------

// The i-th core (from 1) this process may use beside the one the caller is on, or -1.
static int other_core(int i) {
    cpu_set_t set;
    int here = sched_getcpu();
    if (sched_getaffinity(0, sizeof set, &set)) return -1;
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (c != here && CPU_ISSET((size_t)c, &set) && --i == 0) return c;
    return -1;
}

static void pin(int core) {
    cpu_set_t set;
    if (core < 0) return;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void sleep_until_moved(unsigned long long seen) {
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while (atomic_load(&pool.region) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.lock);
}

// The region after `seen`. One word holds its number and size, so a worker that sat out several
// regions never mixes two of them.
static unsigned long long wait_for_work(unsigned long long seen) {
    for (int i = 0; i < SPINS; i++) {
        unsigned long long now = atomic_load_explicit(&pool.region, memory_order_acquire);
        if (now != seen) return now;
        pause_cpu();
    }
    sleep_until_moved(seen);
    return atomic_load(&pool.region);
}

typedef struct start {
    int index, core;
    unsigned long long seen;
} start;

static void *worker(void *arg) {
    start s = *(start *)arg;
    ti_free(arg);
    pin(s.core);
    for (;;) {
        s.seen = wait_for_work(s.seen);
        int n = (int)(s.seen & 0xffff);
        if (s.index >= n) continue;
        pool.fn(pool.ctx, s.index, n);
        atomic_fetch_sub_explicit(&pool.left, 1, memory_order_acq_rel);
    }
    return NULL;
}

// Start workers up to n-1; fewer when the system refuses. Called with `busy` held.
static void start_workers(int n) {
    while (pool.started < n - 1) {
        start *s = NULL;
        pthread_t id;
        if (ti_alloc(sizeof *s, &s)) return;
        *s = (start){pool.started + 1, other_core(pool.started + 1), atomic_load(&pool.region)};
        if (pthread_create(&id, NULL, worker, s)) {
            ti_free(s);
            return;
        }
        pthread_detach(id);
        pool.started++;
    }
}

// ---- regions ------------------------------------------------------------------------------------

static void run_region(ti_pool_fn fn, void *ctx, int n) {
    pool.fn = fn;
    pool.ctx = ctx;
    if (!pool.cores) pool.cores = cores();
    pool.patience = n > pool.cores ? 0 : YIELD_AFTER;
    atomic_store(&pool.arrived, 0);
    atomic_store(&pool.left, n - 1);
    unsigned long long number = (atomic_load(&pool.region) >> 16) + 1;
    atomic_store(&pool.region, number << 16 | (unsigned)n);
    if (atomic_load(&pool.sleepers)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    fn(ctx, 0, n);
    for (int i = 0; atomic_load_explicit(&pool.left, memory_order_acquire); i++) {
        pause_cpu();
        if (i > pool.patience) sched_yield();
    }
}

void ti_pool_run(ti_pool_fn fn, void *ctx, int at_most) {
    int n = tarn_threads();
    if (at_most > 0 && n > at_most) n = at_most;
    if (n == 1 || pthread_mutex_trylock(&pool.busy)) {
        fn(ctx, 0, 1);
        return;
    }
    if (pool.started < n - 1) start_workers(n);
    if (n > pool.started + 1) n = pool.started + 1;
    if (n == 1) {
        fn(ctx, 0, 1);
    } else {
        run_region(fn, ctx, n);
    }
    pthread_mutex_unlock(&pool.busy);
}

void ti_pool_barrier(int n_threads) {
    if (n_threads == 1) return;
    unsigned phase = atomic_load_explicit(&pool.phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool.arrived, 1, memory_order_acq_rel) == n_threads - 1) {
        atomic_store_explicit(&pool.arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&pool.phase, 1, memory_order_acq_rel);
        return;
    }
    for (int i = 0; atomic_load_explicit(&pool.phase, memory_order_acquire) == phase; i++) {
        pause_cpu();
        if (i > pool.patience) sched_yield();
    }
}

void ti_share(int64_t n, int64_t grain, int thread, int n_threads, int64_t *lo, int64_t *hi) {
    int64_t units = ti_ceil_div(n, grain);
    *lo = ti_min_i64(n, units * thread / n_threads * grain);
    *hi = ti_min_i64(n, units * (thread + 1) / n_threads * grain);
}
