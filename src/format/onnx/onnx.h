// Internal contract of the ONNX importer. A file is unpacked by protobuf-c (file.c), its tensors
// become host tensors (tensor.c), build.c walks the nodes in their order, and each is built by the
// row of a table (ops_*.c) that names its operation. How to add a row: docs/internals/onnx.md.
#ifndef TI_ONNX_H
#define TI_ONNX_H

#include "graph/graph.h"
#include "onnx.pb-c.h"
#include <tarn/format.h>
#include <tarn/ops.h>

enum {
    TI_ONNX_NEWEST_OPSET = 28,
    TI_ONNX_NEWEST_IR = 14,
};

// ---- files (file.c) ----------------------------------------------------------------------------

// Memory for unpacked messages, with a limit: a small file cannot make the parser take gigabytes.
typedef struct ti_onnx_memory {
    ti_arena arena;
    size_t left;
    tarn_status status;  // why an allocation failed
} ti_onnx_memory;
ProtobufCAllocator ti_onnx_allocator(ti_onnx_memory *m, size_t file_bytes);

struct tarn_onnx {
    char *what;    // the file's name, for messages
    char *folder;  // where files of weights lie; NULL: nowhere
    ti_onnx_memory memory;
    TiOnnx__ModelProto *model;
    const TiOnnx__GraphProto *graph;
    const TiOnnx__ValueInfoProto **inputs;  // those without initializer
    int n_inputs, n_outputs;
};
// `data` is not kept.
TARN_CHECK tarn_status ti_onnx_parse(const char *what, const char *folder, const uint8_t *data,
                                     size_t size, tarn_onnx **out);
// Opset of a domain ("" is the default one), 0 when the file does not import it.
int64_t ti_onnx_opset(const tarn_onnx *m, const char *domain);
// A string field that may be absent.
const char *ti_onnx_text(const char *s);

// ---- tensors (tensor.c) ------------------------------------------------------------------------

TARN_CHECK tarn_status ti_onnx_dtype(int32_t code, tarn_dtype *out);
// folder: where external data may lie; NULL refuses it.
TARN_CHECK tarn_status ti_onnx_tensor(const TiOnnx__TensorProto *p, const char *folder,
                                      tarn_tensor **out);
TARN_CHECK tarn_status ti_onnx_tensor_parse(const char *what, const uint8_t *data, size_t size,
                                            tarn_tensor **out);

// ---- building (build.c, node.c) ----------------------------------------------------------------

// A named value of the file's graph. It has a node, or elements that are known while the graph is
// built, or both; the one is made of the other when somebody asks.
typedef struct ti_onnx_value {
    const char *name;
    tarn_node *node;
    const TiOnnx__TensorProto *initializer;  // not read yet; NULL: none
    tarn_tensor *known;
    bool weight;  // of an initializer: a float one is a variable
} ti_onnx_value;

typedef struct ti_onnx_build {
    const tarn_onnx *m;
    tarn_graph *g;
    const tarn_onnx_opts *opts;
    ti_onnx_value *values;  // open addressing by hash of the name; a free slot has none
    size_t n_values, cap;   // cap: a power of two
} ti_onnx_build;

struct ti_onnx_op;

// A node while it is built: what a row's builder sees. Inputs and outputs are counted from 0;
// every getter marks what it read, and an attribute that nothing read is refused at the end.
typedef struct ti_onnx_node {
    ti_onnx_build *b;
    tarn_graph *g;
    const TiOnnx__NodeProto *proto;
    const struct ti_onnx_op *op;
    int64_t opset;
    int n_in, n_out;  // with those that are omitted by an empty name
    uint64_t read;    // attributes that were read, by position
} ti_onnx_node;

// A form of an operation that this build reads: one row.
typedef struct ti_onnx_op {
    const char *domain;  // "" is ai.onnx
    const char *name;
    int since, until;    // opsets of the domain in which it has this form; until 0: the newest
    int min_in, max_in;  // inputs; max_in -1: any number
    tarn_status (*build)(ti_onnx_node *n);
    union {  // what `build` needs where several operations share it
        tarn_node *(*unary)(tarn_graph *g, tarn_node *x);
        tarn_node *(*binary)(tarn_graph *g, tarn_node *a, tarn_node *b);
    };
} ti_onnx_op;
// The families: ti_onnx_NAME in ops_NAME.c are the rows of one, ended by one without a name.
#define TI_ONNX_FAMILY_MAP(X) \
    X(conv)                   \
    X(elementwise)            \
    X(linalg)                 \
    X(norm)                   \
    X(reduce)                 \
    X(shape)
#define TI_ONNX_ROWS(name) extern const ti_onnx_op ti_onnx_##name[];
TI_ONNX_FAMILY_MAP(TI_ONNX_ROWS)
#undef TI_ONNX_ROWS
TARN_CHECK tarn_status ti_onnx_find_op(const TiOnnx__NodeProto *p, int64_t opset,
                                       const ti_onnx_op **out);

// Values of the build, made of the node or of the elements as needed.
ti_onnx_value *ti_onnx_find(const ti_onnx_build *b, const char *name);
TARN_CHECK tarn_status ti_onnx_define(ti_onnx_build *b, const char *name, ti_onnx_value **out);
TARN_CHECK tarn_status ti_onnx_node_of(ti_onnx_build *b, ti_onnx_value *v, tarn_node **out);
TARN_CHECK tarn_status ti_onnx_known_of(ti_onnx_build *b, ti_onnx_value *v,
                                        const tarn_tensor **out);

bool ti_onnx_has(const ti_onnx_node *n, int i);  // input i is there
// Input i as a node. TARN_EFORMAT when it is omitted.
TARN_CHECK tarn_status ti_onnx_in(ti_onnx_node *n, int i, tarn_node **out);
// Elements of input i, which live as long as the build: of an initializer, a Constant, an input
// whose value is given, or computed from such.
TARN_CHECK tarn_status ti_onnx_known(ti_onnx_node *n, int i, const tarn_tensor **out);
// Output i becomes y; NULL: the graph's error. Output i becomes t (taken), or input j as it is.
TARN_CHECK tarn_status ti_onnx_out(ti_onnx_node *n, int i, tarn_node *y);
TARN_CHECK tarn_status ti_onnx_out_take(ti_onnx_node *n, int i, tarn_tensor *t);
TARN_CHECK tarn_status ti_onnx_out_same(ti_onnx_node *n, int i, int j);

// Whole numbers: an attribute's, or the elements of an input of rank 0 or 1.
enum { TI_ONNX_MAX_INTS = 2 * TARN_MAX_RANK };
typedef struct ti_onnx_ints {
    int n;
    int64_t v[TI_ONNX_MAX_INTS];
} ti_onnx_ints;
TARN_CHECK tarn_status ti_onnx_known_ints(ti_onnx_node *n, int i, ti_onnx_ints *out);

// ---- attributes (attribute.c) ------------------------------------------------------------------
// By name; what is absent leaves *out as it was. TARN_EFORMAT when it has another type.
bool ti_onnx_has_attr(const ti_onnx_node *n, const char *name);
TARN_CHECK tarn_status ti_onnx_int(ti_onnx_node *n, const char *name, int64_t *out);
TARN_CHECK tarn_status ti_onnx_float(ti_onnx_node *n, const char *name, double *out);
TARN_CHECK tarn_status ti_onnx_get_ints(ti_onnx_node *n, const char *name, ti_onnx_ints *out);
// 0 or 1.
TARN_CHECK tarn_status ti_onnx_flag(ti_onnx_node *n, const char *name, bool *out);
// An axis of a value of this rank, negative from the end; `end`: the rank itself is one too.
TARN_CHECK tarn_status ti_onnx_axis(ti_onnx_node *n, const char *name, int rank, bool end,
                                    int64_t *out);
// Axes of a value of this rank, as bits: attribute axes, or input 1 since an opset. None: 0.
TARN_CHECK tarn_status ti_onnx_axes(ti_onnx_node *n, int input_since, int rank, tarn_axes *out);
// Which of `words` (ended by NULL) it is.
TARN_CHECK tarn_status ti_onnx_word(ti_onnx_node *n, const char *name, const char *const *words,
                                    int *out);
// A tensor (attribute t), or one made of a list of its numbers; the caller releases it.
TARN_CHECK tarn_status ti_onnx_get_tensor(ti_onnx_node *n, const char *name, tarn_tensor **out);
TARN_CHECK tarn_status ti_onnx_get_list(ti_onnx_node *n, const char *name, tarn_tensor **out);
// Attributes that say nothing here.
void ti_onnx_ignore(ti_onnx_node *n, const char *name);
TARN_CHECK tarn_status ti_onnx_all_read(const ti_onnx_node *n);

// ---- what builders share (node.c) --------------------------------------------------------------
// TARN_EUNSUPPORTED with a sentence, for what a row cannot do yet.
tarn_status ti_onnx_lacks(const char *fmt, ...) TARN_PRINTF(1, 2);
// Narrow floats are computed as f32: x as that, and y back as dtype.
tarn_node *ti_onnx_widen(ti_onnx_node *n, tarn_node *x);
tarn_node *ti_onnx_narrow(ti_onnx_node *n, tarn_node *y, tarn_dtype dtype);
// Inputs 0 and 1, of real numbers, widened; and the dtype that input i has in the file.
TARN_CHECK tarn_status ti_onnx_factors(ti_onnx_node *n, tarn_node **a, tarn_node **b);
tarn_dtype ti_onnx_dtype_in(ti_onnx_node *n, int i);
// Element types that arithmetic, or functions of real numbers, have here.
TARN_CHECK tarn_status ti_onnx_numbers(const tarn_node *x);
TARN_CHECK tarn_status ti_onnx_reals(const tarn_node *x);

#endif
