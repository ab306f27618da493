/* What the printed CUDA C needs to be compiled as C for the processor: marks that mean nothing, and
 * indices that a loop sets. TI_LAUNCH(k0) adds a function that runs k0's blocks and threads, from
 * the last to the first if `backward`: none may depend on another. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__

typedef struct shim_index {
    unsigned x;
} shim_index;
static shim_index blockIdx, blockDim, threadIdx;

#define TI_LAUNCH(KERNEL)                                                                  \
    int launch_##KERNEL(unsigned blocks, unsigned threads, const void *args, size_t bytes, \
                        int backward);                                                     \
    int launch_##KERNEL(unsigned blocks, unsigned threads, const void *args, size_t bytes, \
                        int backward) {                                                    \
        KERNEL##_args a;                                                                   \
        if (bytes != sizeof a) return 1;                                                   \
        memcpy(&a, args, sizeof a);                                                        \
        blockDim.x = threads;                                                              \
        for (unsigned b = 0; b < blocks; b++)                                              \
            for (unsigned t = 0; t < threads; t++) {                                       \
                blockIdx.x = backward ? blocks - 1 - b : b;                                \
                threadIdx.x = backward ? threads - 1 - t : t;                              \
                KERNEL(a);                                                                 \
            }                                                                              \
        return 0;                                                                          \
    }
