// ONNX bytes: refused with a sentence, or a graph with a node for each output. As a model, and as a
// tensor.
#include <stdlib.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef TARN_HAVE_PROTOBUF_C
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)data, (void)size;
    return 0;
}
#else

#include "format/onnx/onnx.h"

static tarn_status build(const tarn_onnx *m, tarn_node **outputs) {
    tarn_store *s;
    TI_TRY(tarn_store_create(0, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_status st = g ? tarn_onnx_build(m, g, NULL, outputs) : TARN_ENOMEM;
    for (int i = 0; i < m->n_outputs && !st; i++)
        if (!outputs[i]) abort();
    tarn_graph_free(g);
    tarn_store_free(s);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_onnx *m;
    tarn_tensor *t;
    if (!ti_onnx_tensor_parse("fuzz", data, size, &t)) {
        if (tarn_tensor_bytes(t) > 8 * size) abort();
        tarn_tensor_release(t);
    } else if (!*tarn_last_error()) {
        abort();
    }
    if (ti_onnx_parse("fuzz", NULL, data, size, &m)) return 0;
    tarn_node **outputs = calloc((size_t)m->n_outputs + 1, sizeof(tarn_node *));
    if (outputs && build(m, outputs) && !*tarn_last_error()) abort();
    free(outputs);
    tarn_onnx_close(m);
    return 0;
}
#endif
