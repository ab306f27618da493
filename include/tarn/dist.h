/** @file dist.h
 *  Ranks: processes that train together, started by mpirun or Slurm. EXPERIMENTAL: may change
 *  between minor versions. */
#ifndef TARN_DIST_H
#define TARN_DIST_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Find this process's place among those that were started with it, and how to reach them: rank,
 *  size and all_gather of *out. A process that was started alone is rank 0 of 1 in any build.
 *
 *  MPI is started here, unless the program has done so (at MPI_THREAD_SERIALIZED or above: calls
 *  come from whatever thread runs a program, one at a time). TARN_EUNSUPPORTED: started as one of
 *  several, and this build has no MPI. TARN_ESTATE: MPI was ended before, and starts only once a
 *  process. TARN_EIO: MPI's own sentence. An MPI that fails within its start may end the process
 *  by itself, before it can be told not to. */
TARN_API TARN_CHECK tarn_status tarn_ranks_open(tarn_transport *out);

/** End it; nothing may use the transport afterwards. `how` is how this rank fared: after TARN_OK it
 *  waits for all ranks to come here. After an error it waits for nobody, as others may be waiting
 *  for this rank elsewhere: end the process soon, and with an exit status that is not 0, so that
 *  the launcher ends the others. Does nothing to a transport that was not opened. */
TARN_API void tarn_ranks_close(tarn_transport *t, tarn_status how);

#ifdef __cplusplus
}
#endif
#endif
