// ONNX in a build without protobuf-c: an error that says what to install.
#include "base/base.h"

#include <tarn/format.h>

#ifndef TARN_HAVE_PROTOBUF_C
static tarn_status unsupported(const char *path) {
    return ti_error(TARN_EUNSUPPORTED,
                    "read '%s': ONNX needs protobuf-c (libprotobuf-c-dev, protobuf-c-compiler)",
                    path);
}

tarn_status tarn_onnx_open(const char *path, tarn_onnx **out) {
    (void)out;
    return unsupported(path);
}

tarn_status tarn_onnx_tensor_read(const char *path, tarn_tensor **out) {
    (void)out;
    return unsupported(path);
}

// There is no model that these could be called with.
void tarn_onnx_close(tarn_onnx *m) { (void)m; }

const char *tarn_onnx_input(const tarn_onnx *m, int i) {
    (void)m, (void)i;
    return NULL;
}

const char *tarn_onnx_output(const tarn_onnx *m, int i) {
    (void)m, (void)i;
    return NULL;
}

tarn_status tarn_onnx_build(const tarn_onnx *m, tarn_graph *g, const tarn_onnx_opts *opts,
                            tarn_node **outputs) {
    (void)m, (void)g, (void)opts, (void)outputs;
    return unsupported("a model");
}

tarn_status tarn_onnx_run(const tarn_onnx *m, const tarn_tensor *const *inputs, const char *device,
                          const tarn_compile_opts *opts, tarn_tensor **outputs) {
    (void)m, (void)inputs, (void)device, (void)opts, (void)outputs;
    return unsupported("a model");
}
#endif  // TARN_HAVE_PROTOBUF_C
