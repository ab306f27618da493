// What a program asks of one device behind a plugin: compile, send, execute, fetch. Each waits
// until it is done.
#ifndef TI_XLA_DEVICE_H
#define TI_XLA_DEVICE_H

#include "backend/xla/plugin.h"
#include "tensor/tensor.h"

typedef struct ti_xla_device {
    ti_xla_plugin *plugin;
    pjrt_device *device;
    int id;         // among all devices of the client, what the compiler is told
    char kind[64];  // "TPU v4"
} ti_xla_device;
tarn_status ti_xla_device_open(int ordinal, ti_xla_device *d);
void ti_xla_device_close(ti_xla_device *d);

// An array as it crosses over: row-major, all dimensions numbers.
typedef struct ti_xla_array {
    tarn_dtype dtype;
    tarn_shape shape;
    size_t bytes;
} ti_xla_array;

// An executable of a StableHLO module whose @main has so many results.
tarn_status ti_xla_compile(const ti_xla_device *d, ti_buf *module, int n_results,
                           pjrt_loaded **out);
tarn_status ti_xla_send(const ti_xla_device *d, const ti_xla_array *a, const void *data,
                        pjrt_buffer **out);
// `results` holds NULLs; buffers that are there afterwards, even after a failure, are the caller's.
tarn_status ti_xla_execute(const ti_xla_device *d, pjrt_loaded *e, pjrt_buffer *const *arguments,
                           int n_arguments, pjrt_buffer **results);
tarn_status ti_xla_fetch(const ti_xla_device *d, pjrt_buffer *b, const ti_xla_array *a, void *data);
void ti_xla_free_buffer(const ti_xla_device *d, pjrt_buffer *b);
void ti_xla_free_executable(const ti_xla_device *d, pjrt_loaded *e);

#endif
