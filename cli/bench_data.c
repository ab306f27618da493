// Inputs of tarn bench. The numbers come from splitmix64 (Steele, Lea, Flood 2014): their values
// do not matter, only that they differ and are the same in each run.
#include "bench.h"

static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

tarn_status cli_bench_random(uint64_t seed, double low, double high, tarn_shape shape,
                             tarn_tensor **out) {
    TARN_TRY(tarn_tensor_create(TARN_F32, shape, out));
    float *x = tarn_tensor_data(*out);
    for (int64_t i = 0; i < tarn_tensor_numel(*out); i++)
        x[i] = (float)(low + (high - low) * (double)(next(&seed) >> 11) * 0x1p-53);
    return TARN_OK;
}

tarn_status cli_bench_labels(uint64_t seed, int64_t classes, tarn_shape shape, tarn_tensor **out) {
    TARN_TRY(tarn_tensor_create(TARN_I32, shape, out));
    int32_t *y = tarn_tensor_data(*out);
    for (int64_t i = 0; i < tarn_tensor_numel(*out); i++)
        y[i] = (int32_t)(next(&seed) % (uint64_t)classes);
    return TARN_OK;
}

static tarn_status mnist(const char *dir, tarn_shape shape, tarn_tensor **x, tarn_tensor **y) {
    tarn_dataset train, test;
    int64_t n = shape.dim[0];
    TARN_TRY(tarn_data_mnist(dir, &train, &test));
    const uint8_t *pixel = tarn_tensor_cdata(train.x);
    const int32_t *label = tarn_tensor_cdata(train.y);
    int64_t have = tarn_tensor_numel(train.y);
    tarn_status st = tarn_tensor_create(TARN_F32, shape, x);
    if (!st) st = tarn_tensor_create(TARN_I32, TARN_SHAPE(n), y);
    for (int64_t i = 0; !st && i < n * CLI_BENCH_PIXELS; i++)
        ((float *)tarn_tensor_data(*x))[i] = (float)pixel[i % (have * CLI_BENCH_PIXELS)] / 255.0f;
    for (int64_t i = 0; !st && i < n; i++) ((int32_t *)tarn_tensor_data(*y))[i] = label[i % have];
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return st;
}

tarn_status cli_bench_pictures(const cli_bench_settings *s, tarn_shape shape, tarn_tensor **x,
                               tarn_tensor **y) {
    if (s->data) return mnist(s->data, shape, x, y);
    TARN_TRY(cli_bench_random(s->seed, 0, 1, shape, x));
    return cli_bench_labels(s->seed + 1, CLI_BENCH_CLASSES, TARN_SHAPE(shape.dim[0]), y);
}

tarn_node *cli_bench_input_node(cli_bench *b, const char *name, tarn_tensor *data,
                                tarn_shape node_shape) {
    if (!data) return NULL;
    cli_bench_input *in = &b->input[b->n_inputs++];
    *in = (cli_bench_input){name, data, node_shape};
    if (in->shape.dim[0] == TARN_BATCH) in->shape.dim[0] = b->batch;
    return tarn_input(b->graph, name, tarn_tensor_dtype(data), node_shape);
}
