// The one thread pool of the process. Work is split statically by (thread, n_threads); no result
// may depend on n_threads. Whoever finds the pool busy runs alone on its own thread.
#ifndef TI_POOL_H
#define TI_POOL_H

#include "base/base.h"

// Called once on each thread; all meet in ti_pool_barrier as often as they like.
typedef void (*ti_pool_fn)(void *ctx, int thread, int n_threads);
// Runs fn on tarn_threads() threads (the caller is thread 0) and returns when all are done.
// at_most caps the number, 0: no cap.
void ti_pool_run(ti_pool_fn fn, void *ctx, int at_most);
// Waits until all n_threads of the running fn are here. A no-op when n_threads is 1.
void ti_pool_barrier(int n_threads);
// This thread's share [*lo, *hi) of `n` items in multiples of `grain`.
void ti_share(int64_t n, int64_t grain, int thread, int n_threads, int64_t *lo, int64_t *hi);
#endif
