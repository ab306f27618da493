// Ranks of a build without MPI: an error that says what to install.
#include "dist/dist.h"

#ifndef TARN_HAVE_MPI
tarn_status ti_ranks_join(const char *launcher, tarn_transport *t) {
    (void)t;
    if (!launcher) return TARN_OK;
    return ti_error(TARN_EUNSUPPORTED,
                    "this build has no MPI (libopenmpi-dev), and %s says that the program was "
                    "started as one of several ranks",
                    launcher);
}

void ti_ranks_leave(void *self, bool well) { (void)self, (void)well; }
#endif  // TARN_HAVE_MPI
