// An op's samples as small graphs with data: for gradcheck, op tests and benchmarks.
#ifndef TI_SAMPLE_H
#define TI_SAMPLE_H

#include "exec/program.h"

enum { TI_SAMPLE_MAX_IN = 6 };
typedef struct ti_sample {
    tarn_store *store;
    tarn_graph *g;
    tarn_node *in[TI_SAMPLE_MAX_IN], *y;
    tarn_tensor *data[TI_SAMPLE_MAX_IN];
    int n_in;
    char text[64];  // "3x4 4 variant 1"
} ti_sample;
// The sample-th shapes in the variant-th way, floats as `dtype`. y is NULL past the last variant,
// g is NULL past the last sample. Free it whatever came.
tarn_status ti_sample_make(const ti_op *op, int sample, int variant, tarn_dtype dtype,
                           ti_sample *out);
void ti_sample_free(ti_sample *s);
tarn_status ti_sample_bind(const ti_sample *s, tarn_program *p);
#endif
