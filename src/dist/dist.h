// What src/dist/ranks.c asks of the folder below it: a transport between processes.
#ifndef TI_DIST_H
#define TI_DIST_H

#include "base/base.h"

#include <tarn/dist.h>

// Join the processes that a launcher started with this one. launcher: the variable of the
// environment by which it is known, NULL when there is none: then *t, a world of one, stays as it
// is unless the program has started the transport's library itself.
tarn_status ti_ranks_join(const char *launcher, tarn_transport *t);
// all_gather in messages of at most `most` bytes, for self of a transport that was joined.
tarn_status ti_ranks_gather(void *self, const void *mine, void *all, size_t bytes, size_t most);
// well: wait until all are here; else leave without a word.
void ti_ranks_leave(void *self, bool well);

#endif
