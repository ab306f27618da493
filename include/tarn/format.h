/** @file format.h
 *  Networks that other programs wrote: ONNX (.onnx). A file is read and checked, then built as
 *  ordinary nodes of a graph, whose variables are the file's weights. TARN_EUNSUPPORTED: an
 *  operation or element type that Tarn lacks, named in the sentence, or a build without
 *  protobuf-c. */
#ifndef TARN_FORMAT_H
#define TARN_FORMAT_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_onnx tarn_onnx;
/** Read a model into memory. Weights in files of their own are looked for beside it, and are read
 *  when the network is built. */
TARN_API TARN_CHECK tarn_status tarn_onnx_open(const char *path, tarn_onnx **out);
TARN_API void tarn_onnx_close(tarn_onnx *m);

/** Names in order of position, NULL past the end. Inputs are those of the graph that have no
 *  initializer. */
TARN_API const char *tarn_onnx_input(const tarn_onnx *m, int i);
TARN_API const char *tarn_onnx_output(const tarn_onnx *m, int i);

typedef struct tarn_onnx_opts {
    /** By position of the input, each may be NULL; NULL: none. An input with a value gets its
     *  shape, and where an operation needs numbers while the graph is built (the new shape of a
     *  Reshape) it takes them from here: such a graph is for these values. */
    const tarn_tensor *const *values;
    /** Largest size of the named dimensions of inputs without a value; 0: 1. */
    int64_t max_dim;
} tarn_onnx_opts;
/** Add the network to a graph: inputs become tarn_input of their names, float initializers
 *  variables of theirs, which get the file's numbers unless the store has them already. outputs:
 *  one node an output, in order. After an error the graph is of no use. */
TARN_API TARN_CHECK tarn_status tarn_onnx_build(const tarn_onnx *m, tarn_graph *g,
                                                const tarn_onnx_opts *opts, tarn_node **outputs);

/** Build and run once on these inputs, all of them, by position. outputs: one new tensor an
 *  output, released by the caller; untouched on error. opts may be NULL. */
TARN_API TARN_CHECK tarn_status tarn_onnx_run(const tarn_onnx *m, const tarn_tensor *const *inputs,
                                              const char *device, const tarn_compile_opts *opts,
                                              tarn_tensor **outputs);

/** A tensor in a file of its own (.pb, a serialized TensorProto). */
TARN_API TARN_CHECK tarn_status tarn_onnx_tensor_read(const char *path, tarn_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
