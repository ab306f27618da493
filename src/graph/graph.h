// Nodes, graphs, named dimensions and stores as the layers above see them.
#ifndef TI_GRAPH_H
#define TI_GRAPH_H

#include "base/base.h"
#include "graph/op.h"
#include "tensor/tensor.h"

struct tarn_node {
    const ti_op *op;
    tarn_graph *graph;
    tarn_node **in;
    int n_in;
    int id;  // position in the graph: operands have smaller ids
    tarn_dtype dtype;
    tarn_shape shape;
    ti_attrs at;
    const char *label;  // scope it was built in, or ""
};

// A named dimension: a base symbol with a maximum, or coef * product of up to two others. A base
// symbol is bound with the inputs, or found by the run itself: by the op that has it as at.dim.
enum { TI_MAX_SYMS = 32 };
typedef struct ti_sym {
    char name[32];
    int64_t maximum;
    int64_t coef;
    int a, b;  // symbols it is a product of, -1: none (base symbol when both are)
    bool found;
} ti_sym;

// What one step of a scan computes: a graph of its own, of primitives like any other. Operand i of
// the scan is its input named "i"; an operand it uses that is a variable is that variable. Belongs
// to the graph that holds the scan.
typedef struct ti_region {
    tarn_graph *g;
    tarn_node **roots;  // next carries, then the results of the step
    int n_roots, n_in;
    int n_carry, n_x;  // operands: first values of the carries, sequences, what each step uses
    struct ti_variable **variable;  // by operand: the variable it is inside; NULL: an input
    bool reverse;                   // the last step of the sequences first
    struct ti_region *next;         // of the graph that it belongs to
} ti_region;

// The value a variable will have after the step; in the order in which they were first set.
typedef struct ti_next {
    tarn_node *variable, *value;
    struct ti_next *after;
} ti_next;

struct tarn_graph {
    tarn_store *store;
    ti_arena arena;
    tarn_node **nodes;
    int n_nodes, cap_nodes;
    ti_sym sym[TI_MAX_SYMS];
    int n_sym;
    bool hash_cons;  // equal nodes are built once (set by the simplify pass)
    int *table;      // hash_cons: open addressing, node id + 1
    int table_cap;
    const char *scope;
    ti_region *regions;      // of its scans
    tarn_node *random_step;  // counter of dropout's draws, when the graph has any
    tarn_node *random_next;  // its assign: a root of every program that draws
    uint64_t stream_key;     // in every stream of random bits: that of ranks must differ
    ti_next *next;           // what tarn_set_next_value was told
    tarn_status status;
    char error[512];
};

// Build a node: checks operands, infers, keeps the first error in the graph. at may be NULL.
tarn_node *ti_node(tarn_graph *g, const ti_op *op, tarn_node *const *in, int n_in,
                   const ti_attrs *at);
tarn_node *ti_node1(tarn_graph *g, const ti_op *op, tarn_node *a, const ti_attrs *at);
tarn_node *ti_node2(tarn_graph *g, const ti_op *op, tarn_node *a, tarn_node *b, const ti_attrs *at);
// Record a builder's error (the first wins) and return NULL.
tarn_node *ti_graph_fail(tarn_graph *g, tarn_status st);

// Named dimensions: symbol of a negative dim, value under given symbol values (index order).
int64_t ti_dim_value(int64_t dim, const int64_t *values);
int64_t ti_dim_max(const tarn_graph *g, int64_t dim);
// A new dimension that running finds; `op` for its name. 0 on error.
int64_t ti_dim_found(tarn_graph *g, const char *op, int64_t maximum);
// The symbols found by running that dim is made of: bit i for symbol i.
uint32_t ti_dim_found_by(const tarn_graph *g, int64_t dim);
void ti_named_shape_text(const tarn_graph *g, const tarn_shape *s, char *out, size_t cap);
// Values of derived symbols from those of the base symbols.
void ti_syms_resolve(const ti_sym *sym, int n, int64_t *values);

// ---- helpers of infer and gradient rules --------------------------------------------------------
tarn_status ti_need_float(const tarn_node *n, int i);
tarn_status ti_broadcast(const tarn_graph *g, const tarn_shape *a, const tarn_shape *b,
                         tarn_shape *out);
// Sum x over what broadcasting from `shape` repeated, so that it has `shape` again.
tarn_node *ti_sum_to(tarn_graph *g, tarn_node *x, const tarn_shape *shape);
bool ti_dtype_float(tarn_dtype t);
bool ti_dtype_half(tarn_dtype t);  // f16, bf16: stored and cast, not computed with
// Constant of x's dtype.
tarn_node *ti_like(tarn_node *x, double value);

// ---- printing and checking ----------------------------------------------------------------------
// One line a node: "%12 = add f32[batch,512] %10 %11  # dense".
void ti_graph_print(const tarn_graph *g, ti_buf *out);
// Every node is inferred again and compared; operands precede users. For debug builds and tests.
tarn_status ti_graph_verify(const tarn_graph *g);

// ---- store --------------------------------------------------------------------------------------
// Physical form of a variable: row-major, or column panels: [ceil(n/16)][k][16] for [k,n], unused
// lanes zero, which is what the contraction engine streams. A pure function of dtype and shape.
enum { TI_PANEL = 16 };
typedef enum ti_form { TI_ROWS, TI_PANELS } ti_form;
ti_form ti_variable_form(tarn_dtype dtype, const tarn_shape *shape);
size_t ti_form_bytes(ti_form form, tarn_dtype dtype, const tarn_shape *shape);
void ti_form_from_rows(ti_form form, tarn_dtype dtype, const tarn_shape *shape, const void *rows,
                       void *out);
void ti_form_to_rows(ti_form form, tarn_dtype dtype, const tarn_shape *shape, const void *in,
                     void *rows);

typedef struct ti_variable {
    const char *name;
    tarn_dtype dtype;
    tarn_shape shape;
    ti_form form;
    size_t bytes;  // of the physical form
    void *data;    // never moves
} ti_variable;

struct tarn_store {
    uint64_t seed;
    ti_variable **vars;  // sorted by name
    int n, cap;
    bool poisoned;  // a step failed after its first write
};
ti_variable *ti_store_find(const tarn_store *s, const char *name);
tarn_status ti_store_add(tarn_store *s, const char *name, tarn_dtype dtype, const tarn_shape *shape,
                         tarn_init init, ti_variable **out);
// First values of a variable as `init` says, row-major; key from seed and name.
tarn_status ti_init_fill(tarn_init init, uint64_t key, tarn_dtype dtype, const tarn_shape *shape,
                         void *rows);

#endif
