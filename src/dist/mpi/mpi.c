// Ranks over MPI.
//
// All traffic is on a copy of MPI_COMM_WORLD, so it meets no message of a program that uses MPI
// itself, and that copy returns its errors instead of ending the process. Who started MPI ends it.
#ifdef TARN_HAVE_MPI
#include "dist/dist.h"

#include <mpi.h>
#include <string.h>

// Messages are this long at most. MPI counts in int, and some of its algorithms count the bytes of
// several ranks so.
static const size_t most_bytes = (size_t)1 << 26;

typedef struct world {
    MPI_Comm comm;
    int rank, size;
    bool ours;  // MPI was started here
} world;

static tarn_status fail(const char *what, int code) {
    char text[MPI_MAX_ERROR_STRING];
    int length;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        return ti_error(TARN_EIO, "%s: MPI error %d", what, code);
    return ti_error(TARN_EIO, "%s: %s", what, text);
}

// ---- exchange -----------------------------------------------------------------------------------

// More than a message holds: each rank in turn gives its part to all, piece by piece.
static int gather_pieces(const world *w, const void *mine, char *all, size_t bytes, size_t most) {
    memcpy(all + (size_t)w->rank * bytes, mine, bytes);
    for (int r = 0; r < w->size; r++) {
        char *part = all + (size_t)r * bytes;
        for (size_t at = 0, n; at < bytes; at += n) {
            n = bytes - at < most ? bytes - at : most;
            int code = MPI_Bcast(part + at, (int)n, MPI_BYTE, r, w->comm);
            if (code != MPI_SUCCESS) return code;
        }
    }
    return MPI_SUCCESS;
}

tarn_status ti_ranks_gather(void *self, const void *mine, void *all, size_t bytes, size_t most) {
    const world *w = self;
    int n = (int)bytes;
    int code = bytes > most ? gather_pieces(w, mine, all, bytes, most)
                            : MPI_Allgather(mine, n, MPI_BYTE, all, n, MPI_BYTE, w->comm);
    return code == MPI_SUCCESS ? TARN_OK : fail("MPI_Allgather", code);
}

static tarn_status all_gather(void *self, const void *mine, void *all, size_t bytes) {
    return ti_ranks_gather(self, mine, all, bytes, most_bytes);
}

// ---- begin and end ------------------------------------------------------------------------------

static bool running(void) {
    int up;
    MPI_Initialized(&up);
    return up;
}

// A level below SERIALIZED would tie all calls to the thread that started MPI.
static tarn_status start(bool ours) {
    int over, level = MPI_THREAD_SINGLE;
    MPI_Finalized(&over);
    if (over) return ti_error(TARN_ESTATE, "MPI was ended in this process and starts only once");
    int code = ours ? MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level)
                    : MPI_Query_thread(&level);
    // Its sentences are there only once it runs.
    if (code != MPI_SUCCESS) return ti_error(TARN_EIO, "MPI does not start: error %d", code);
    if (level >= MPI_THREAD_SERIALIZED) return TARN_OK;
    return ti_error(TARN_EUNSUPPORTED, "MPI has thread level %d, MPI_THREAD_SERIALIZED is needed",
                    level);
}

// Both of WORLD's and of its copy: making the copy can fail as well.
static tarn_status meet(world *w) {
    int code = MPI_SUCCESS;
    if (w->ours) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS) code = MPI_Comm_dup(MPI_COMM_WORLD, &w->comm);
    if (code != MPI_SUCCESS) return fail("MPI_Comm_dup", code);
    code = MPI_Comm_set_errhandler(w->comm, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(w->comm, &w->rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(w->comm, &w->size);
    return code == MPI_SUCCESS ? TARN_OK : fail("MPI_Comm_rank", code);
}

tarn_status ti_ranks_join(const char *launcher, tarn_transport *t) {
    world *w = NULL;
    bool up = running();
    if (!up && !launcher) return TARN_OK;
    TI_TRY(ti_alloc_zero(sizeof *w, &w));
    w->ours = !up;
    tarn_status st = start(w->ours);
    if (!st) st = meet(w);
    if (st) {
        ti_free(w);
        return st;
    }
    *t = (tarn_transport){w->rank, w->size, all_gather, w};
    return TARN_OK;
}

// Freeing the communicator and ending MPI wait for all ranks.
void ti_ranks_leave(void *self, bool well) {
    world *w = self;
    if (well) MPI_Comm_free(&w->comm);
    if (well && w->ours) MPI_Finalize();
    ti_free(w);
}
#endif  // TARN_HAVE_MPI
