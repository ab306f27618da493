// Ranks: was this process started alone, or as one of several?
//
// Asked of the environment, not of MPI: starting MPI in a process that stands alone would start
// helper processes and open sockets for nothing, and a build without MPI must notice as well.
#include "dist/dist.h"

#include <stdlib.h>
#include <string.h>

// The variable by which a launcher tells that it started several; NULL: none did. Slurm sets many
// more, but those are also there in a batch script, which runs once.
static const char *launcher(void) {
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *size = getenv(sizes[i]);
        if (size) return strcmp(size, "1") ? sizes[i] : NULL;
    }
    return getenv("PMIX_RANK") ? "PMIX_RANK" : NULL;
}

static tarn_status gather_alone(void *self, const void *mine, void *all, size_t bytes) {
    (void)self;
    memcpy(all, mine, bytes);
    return TARN_OK;
}

tarn_status tarn_ranks_open(tarn_transport *out) {
    tarn_transport t = {0, 1, gather_alone, NULL};
    tarn_status st = ti_ranks_join(launcher(), &t);
    if (st) return ti_error_at(st, "ranks");
    *out = t;
    return TARN_OK;
}

void tarn_ranks_close(tarn_transport *t, tarn_status how) {
    if (t->self) ti_ranks_leave(t->self, how == TARN_OK);
    *t = (tarn_transport){0};
}
