// What an operation is: the one record that every stage asks. The rules live with the op
// (src/ops/FAMILY/NAME.c); the registry (src/ops/registry.c) is a const table of them.
#ifndef TI_OP_H
#define TI_OP_H

#include <tarn/graph.h>

typedef enum ti_op_kind {
    TI_LEAF,         // input, variable, constant
    TI_ELEMENTWISE,  // one result element from one element of each operand; `code` says which
    TI_INDEX,        // made from the index or the run's dimensions: iota, random bits, numel
    TI_REDUCE,       // along axes; `code` says which
    TI_DOT,          // contraction
    TI_VIEW,         // other shape or order of the same elements, or some of them
    TI_PUT,          // elements put into a larger result: pad
    TI_EFFECT,       // assign, group, check_finite
    TI_CALL,         // a C function over whole operands: custom ops, exchange between ranks
    TI_REGION,       // a loop over a graph of its own: scan
    TI_RESULT,       // one of the results of a region
    TI_COMPOSITE,    // has a lowering to the kinds above
} ti_op_kind;

// Element-wise codes: X(NAME, operands). Typed by the dtype of the operands (cast: of both).
#define TI_CODE_MAP(X) \
    X(ADD, 2)          \
    X(SUB, 2)          \
    X(MUL, 2)          \
    X(DIV, 2)          \
    X(MAX, 2)          \
    X(MIN, 2)          \
    X(EQ, 2)           \
    X(LT, 2)           \
    X(AND, 2)          \
    X(NEG, 1)          \
    X(ABS, 1)          \
    X(EXP, 1)          \
    X(LOG, 1)          \
    X(SQRT, 1)         \
    X(TANH, 1)         \
    X(CAST, 1)         \
    X(WHERE, 3)
typedef enum ti_code {
#define TI_CODE_ENUM(name, n) TI_##name,
    TI_CODE_MAP(TI_CODE_ENUM)
#undef TI_CODE_ENUM
        TI_CODE_COUNT
} ti_code;

enum { TI_MAX_CALL = 8 };  // operands of a call

typedef enum ti_reduce { TI_SUM, TI_REDUCE_MAX, TI_ARGMAX } ti_reduce;
typedef enum ti_index { TI_IOTA, TI_RANDOM, TI_DIM } ti_index;

// How a window slides over an image [n,h,w,c]: it stands at oh x ow places, sh and sw apart, the
// first `top` and `left` outside; the image has zh - 1 and zw - 1 zeros between rows and columns.
typedef struct ti_window {
    int32_t kh, kw, sh, sw, zh, zw, top, left, oh, ow;
    int32_t flip;  // its last row and column come first
} ti_window;

// Attributes of all ops in one plain record; an op reads the fields named in its file and leaves
// the others zero.
typedef struct ti_attrs {
    double value;                 // constant; dropout's rate; pad: what lies between
    uint64_t stream;              // random bits: hash of the stream's name
    struct ti_variable *var;      // variable, assign
    int64_t dim;                  // numel: stands for it; nonzero: finds it; scan: its length
    const char *name;             // input, variable, check_finite; interned in the graph's arena
    uint32_t axes;                // reductions
    int32_t axis;                 // iota; result: which
    tarn_dtype dtype;             // input, variable, constant, cast, iota, numel: of the result
    tarn_shape shape;             // input, variable, iota, random bits, most views, pad: asked for
    int32_t perm[TARN_MAX_RANK];  // transpose
    int64_t start[TARN_MAX_RANK], step[TARN_MAX_RANK];  // slice, pad: by axis of the larger side
    bool keep;                                          // reductions
    bool trans_a, trans_b;                              // dot
    int32_t mode;                                       // which form: an enum of the op's file
    double number[4];                                   // what the op's file names
    ti_window window;                                   // conv2d, window
    const tarn_custom_op *custom;
    const tarn_transport *transport;  // all_gather
    struct ti_region *region;         // scan
} ti_attrs;

// Gradient rule's view: y = op(in[..]), dy its gradient; the rule sets dx[i] (NULL: none flows).
typedef struct ti_grad {
    tarn_graph *g;
    tarn_node *y, *dy;
    tarn_node *const *in;
    tarn_node **dx;
} ti_grad;

typedef struct ti_op {
    const char *name;
    int version;
    ti_op_kind kind;
    int code;
    int n_in;  // operands; -1: any number
    // Set n->dtype and n->shape from operands and attributes, or fail with ti_error.
    tarn_status (*infer)(tarn_node *n);
    void (*grad)(ti_grad *g);  // NULL with no_grad: not differentiable, gradient zero
    bool no_grad;
    // Calls: y from x, row-major, on one thread.
    tarn_status (*call)(const ti_attrs *at, const tarn_array *x, const tarn_array *y);
    // Calls whose result has a size that depends on values: at.dim for these operands. The call
    // then gets a y of that size. Run by the reference device only.
    int64_t (*extent)(const tarn_array *x);
    // Composites: the same value in simpler ops; operands are nodes of g.
    tarn_node *(*lower)(tarn_graph *g, const tarn_node *n, tarn_node *const *in);
    // What gradients walk instead of the lowering: the same value, of nodes of its own.
    tarn_node *(*again)(tarn_graph *g, const tarn_node *n);
    // What tests, gradcheck and benchmarks run: "a b; c d" = two samples of operand shapes such as
    // "3x4"; ":p" positive, ":b" bool, ":i9" i32 in 0..8, else a float in -2..2.
    const char *samples;
    // Variants of attributes: the op on operands in the variant-th way, NULL past the last.
    // No function: without attributes, one variant.
    tarn_node *(*variant)(tarn_graph *g, tarn_node *const *in, int variant);
} ti_op;

// All ops, ended by NULL.
extern const ti_op *const ti_op_table[];
const ti_op *ti_op_find(const char *name);

#endif
