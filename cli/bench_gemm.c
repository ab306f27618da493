// Workloads of tarn bench: one matrix product, gemm_MxNxK or gemm_N.
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIM = 32768 };

// The squares, and the products that occur in the networks.
static const char *const names[] = {
    "gemm_128",           "gemm_256",          "gemm_512",          "gemm_768",
    "gemm_1024",          "gemm_2048",         "gemm_4096",         "gemm_128x512x784",
    "gemm_128x512x512",   "gemm_128x10x512",   "gemm_100x10x784",   "gemm_128x256x784",
    "gemm_128x256x256",   "gemm_784x512x128",  "gemm_512x512x128",  "gemm_128x784x512",
    "gemm_1x512x784",     "gemm_128x128x9216", "gemm_9216x128x128", "gemm_2048x1152x384",
    "gemm_2048x384x1536", "gemm_64x1024x256",
};

static const char *name_of(const void *unused, int i) {
    (void)unused;
    return i < (int)(sizeof names / sizeof *names) ? names[i] : NULL;
}

// "gemm_MxNxK" or "gemm_N"
static bool parse(const char *name, int64_t dim[3]) {
    int n = 0;
    char *end;
    if (strncmp(name, "gemm_", 5)) return false;
    for (name += 5; n < 3; name = end + 1) {
        dim[n] = (int64_t)strtoll(name, &end, 10);
        if (*name < '1' || *name > '9' || dim[n] > MAX_DIM) return false;
        n++;
        if (*end != 'x') break;
    }
    if (n == 1) dim[1] = dim[2] = dim[0];
    return !*end && n != 2;
}

static bool knows(const char *name) {
    int64_t dim[3];
    return parse(name, dim);
}

static tarn_status build(const char *name, const cli_bench_settings *s, cli_bench *b) {
    int64_t dim[3];
    tarn_tensor *left = NULL, *right = NULL;
    (void)parse(name, dim);
    tarn_shape a_shape = TARN_SHAPE(dim[0], dim[2]), b_shape = TARN_SHAPE(dim[2], dim[1]);
    b->batch = b->samples = 1;
    b->gflop = 2e-9 * (double)dim[0] * (double)dim[1] * (double)dim[2];
    tarn_status st = cli_bench_random(s->seed, -1, 1, a_shape, &left);
    if (!st) st = cli_bench_random(s->seed + 1, -1, 1, b_shape, &right);
    tarn_node *x = cli_bench_input_node(b, "a", left, a_shape);
    tarn_node *y = cli_bench_input_node(b, "b", right, b_shape);
    b->fetch[b->n_fetch++] = tarn_matmul(b->graph, x, y);
    return st;
}

const cli_bench_family cli_bench_gemm = {name_of, knows, build};
