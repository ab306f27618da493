// Between the files of tarn bench: a workload that is built and ready to step.
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli.h"

enum { CLI_BENCH_INPUTS = 2, CLI_BENCH_FETCHES = 4 };

// An input of the program. Step i is given sample i % samples, so that no step can be answered
// from what the one before left.
typedef struct cli_bench_input {
    const char *name;
    tarn_tensor *data;  // [samples, ...]
    tarn_shape shape;   // of one sample
} cli_bench_input;

typedef struct cli_bench {
    tarn_store *store;
    tarn_graph *graph;
    tarn_node *fetch[CLI_BENCH_FETCHES];
    int n_fetch;
    tarn_program *program;
    cli_bench_input input[CLI_BENCH_INPUTS];
    int n_inputs;
    int64_t samples;
    int64_t steps;  // done so far
    int64_t batch;
    double gflop, gbyte;  // a step; 0: does not apply
} cli_bench;

typedef struct cli_bench_settings {
    int64_t batch;  // 0: the workload's own
    uint64_t seed;
    const char *data;  // folder with MNIST, NULL: random pixels
} cli_bench_settings;

// A family of workloads. `build` fills graph, fetch, inputs and counts; store and graph are there
// already. name(i): the i-th name for --list, NULL past the end.
typedef struct cli_bench_family {
    const char *(*name)(const void *unused, int i);
    bool (*knows)(const char *name);
    tarn_status (*build)(const char *name, const cli_bench_settings *s, cli_bench *b);
} cli_bench_family;

extern const cli_bench_family cli_bench_mlp, cli_bench_cnn, cli_bench_gemm, cli_bench_elem;

// A tensor of uniform random numbers from low to high.
tarn_status cli_bench_random(uint64_t seed, double low, double high, tarn_shape shape,
                             tarn_tensor **out);
// Random labels from 0 to classes - 1.
tarn_status cli_bench_labels(uint64_t seed, int64_t classes, tarn_shape shape, tarn_tensor **out);
// Pictures of MNIST in a shape [n, ...] of 784 numbers each, and their n labels: the first ones of
// the folder in the settings, from the beginning again where there are fewer, or random ones.
enum { CLI_BENCH_PIXELS = 784, CLI_BENCH_CLASSES = 10 };
tarn_status cli_bench_pictures(const cli_bench_settings *s, tarn_shape shape, tarn_tensor **x,
                               tarn_tensor **y);
// The input of this name in the graph, and its data, which `b` takes. NULL data gives NULL.
tarn_node *cli_bench_input_node(cli_bench *b, const char *name, tarn_tensor *data,
                                tarn_shape node_shape);

#endif
