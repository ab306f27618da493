// From a graph of primitives to a flat list of kernels over planned memory. Plain data and pure
// functions: no device is called here.
//
// A kernel is one of: a map (loop nest over element-wise work), a row kernel (the same with
// reductions along the last axis), a column kernel (sum over the first axis, then a map over the
// result), a contraction (then a map over the result), a finite check, a call of a C function, a
// scan (a loop over the kernels of a step). The work per element is a straight list of
// instructions, the body, which the interpreter runs and the printer prints.
#ifndef TI_PLAN_H
#define TI_PLAN_H

#include "ops/ops.h"

// What the planner may do.
typedef struct ti_plan_opts {
    bool fuse;      // element-wise work joins its producers
    bool in_place;  // results may take over memory of operands that end there
} ti_plan_opts;

// ---- values: what lies in memory ----------------------------------------------------------------
typedef enum ti_place { TI_ARENA, TI_INPUT, TI_VARIABLE } ti_place;
typedef struct ti_value {
    ti_place place;
    tarn_dtype dtype;
    tarn_shape shape;  // named dimensions allowed
    ti_variable *var;  // TI_VARIABLE
    int input;         // TI_INPUT: position
    size_t bytes;      // at the maxima
    size_t offset;     // TI_ARENA
    int first, last;   // kernels between which it is alive
    int alias;         // takes over this value's memory, -1: own
} ti_value;

// How a loop nest addresses a value: space dimension d follows axis[d] of `shape`, -1 repeats. The
// index along an axis is start + step times that of the dimension (of none: start).
enum { TI_LINEAR = -1, TI_ALONG = -2 };  // no value: the linear index, the index along one axis
typedef struct ti_access {
    int value;
    tarn_shape shape;
    int8_t axis[TARN_MAX_RANK];
    int64_t start[TARN_MAX_RANK], step[TARN_MAX_RANK];
} ti_access;

// ---- bodies -------------------------------------------------------------------------------------
typedef enum ti_inst_kind {
    TI_I_ACC,     // the contraction's or column sum's result
    TI_I_LOAD,    // through `access`
    TI_I_CONST,   // imm
    TI_I_DIM,     // value of a dimension
    TI_I_INDEX,   // i32 from an index access
    TI_I_RANDOM,  // u32 from (stream, a[0] = step, linear index)
    TI_I_CODE,    // element-wise: `code` on a[..]
    TI_I_REDUCE,  // along the row: `code` on a[0]
    TI_I_STORE,   // a[0] through `access`
} ti_inst_kind;
typedef struct ti_inst {
    uint8_t kind, code;
    uint8_t dtype;  // of the result (store: of what is stored)
    uint8_t src;    // dtype of a[0] (comparisons: of both operands)
    bool row;       // row kernels: varies along the row (else one a row)
    bool fixed;     // the same for every element of a run
    int16_t a[3];
    int16_t access;
    double imm;
    uint64_t stream;
    int64_t dim;
} ti_inst;

typedef enum ti_kernel_kind {
    TI_K_MAP,
    TI_K_ROWS,
    TI_K_COLS,
    TI_K_DOT,
    TI_K_CHECK,
    TI_K_CALL,
    TI_K_SCAN
} ti_kernel_kind;
typedef struct ti_scan ti_scan;
typedef struct ti_kernel {
    ti_kernel_kind kind;
    const char *label;
    tarn_shape space;  // of the body; row kernels: last dimension is the row
    ti_inst *inst;
    int n_inst;
    ti_access *access;
    int n_access;
    tarn_dtype dtype;  // contraction, column sum: of the accumulators
    ti_access a, b;    // contraction: a over (m,k), b over (k,n); column sum: a over (r,c)
    ti_window window;  // contraction: a is the windows (kh > 0) of an image of that shape
    tarn_shape image;
    int64_t depth;     // contraction: k; column sum: r
    int value;         // check; call: its result
    const char *what;  // check: name for the message
    const ti_op *op;   // call
    ti_attrs at;
    int *in, n_in;  // call, scan
    ti_scan *scan;
} ti_kernel;

typedef struct ti_plan {
    ti_arena arena;  // of everything here
    ti_value *values;
    int n_values, cap_values;
    ti_kernel *kernels;
    int n_kernels;
    int *fetch;               // values of the roots, -1: none (assign, group)
    tarn_shape *fetch_shape;  // as the user sees it
    int n_fetch;
    const char **inputs;  // names by position
    int *input_value;     // values of the inputs
    int n_inputs;
    ti_sym sym[TI_MAX_SYMS];
    int n_sym;
    size_t arena_bytes;
    uint64_t seed;
} ti_plan;

// A loop: the plan of one step, whose memory is part of this one's.
struct ti_scan {
    ti_plan *body;
    int *operand;  // by input of the body: operand of the scan
    int n_carry, n_x, n_roots;
    int64_t length;
    bool reverse;
    int *out;    // by result (carries, results, carries found): value, -1: nobody asked
    int *spare;  // by carry: the value it alternates with
    int arena;   // value: memory of a step
};

// A plan for a graph of canonical primitives. Owns nothing of the graph afterwards.
tarn_status ti_plan_make(const tarn_graph *g, tarn_node *const *roots, int n_roots,
                         const ti_plan_opts *opts, ti_plan **out);
void ti_plan_free(ti_plan *p);
void ti_plan_print(const ti_plan *p, ti_buf *out);
// Kernels that only move elements to other places: copies in another order, of a part, or from the
// packed form of a variable.
int ti_plan_reorders(const ti_plan *p);
// Lifetimes and offsets recomputed from the kernel list: no two live values overlap.
tarn_status ti_plan_verify(const ti_plan *p);
// Memory: fills bytes, first, last, alias, offset and arena_bytes (memory.c).
tarn_status ti_plan_memory(ti_plan *p, const ti_plan_opts *opts);
int64_t ti_plan_dim_max(const ti_plan *p, int64_t dim);
// Calls f with each value that kernel k reads or writes.
void ti_kernel_values(const ti_kernel *k, void (*f)(void *ctx, int value, bool write), void *ctx);

// ---- groups: which nodes become one kernel (group.c), made into bodies by body.c ----------------
enum { TI_NO_GROUP = -1, TI_FLOATING = -2 };
typedef struct ti_group {
    ti_kernel_kind kind;
    tarn_shape space;       // without axes of size 1; column kernels: of the result
    const tarn_node *root;  // contraction, column sum, check, call, pad
    bool prologue;          // needs only leaves: runs before all others
    bool put;               // one of a pad's two kernels: fills the result, or puts elements there
} ti_group;
typedef struct ti_groups {
    const tarn_graph *g;
    ti_group *group;
    int n, cap;
    int *of;         // by node id: its group, or one of the two above
    int *assign_of;  // by node id of an assign: group that stores it
    bool *stored;    // by node id: lies in memory
    int *seen;       // by node id: last walk that came by, so that each visits a node once
    int walk;
    int at;  // group whose operands are looked for, -1: not known yet
    bool fuse;
} ti_groups;
tarn_status ti_groups_make(const tarn_graph *g, tarn_node *const *roots, int n_roots, bool fuse,
                           ti_groups *out);
void ti_groups_free(ti_groups *gs);
// Position in the order of kernels.
int ti_group_key(const ti_groups *gs, int group);

// Does n's own kernel hold it, and run no later than the one at hand? A view that only a later
// kernel stores is still seen through.
bool ti_is_placed(const ti_groups *gs, const tarn_node *n);
// Where an operand of `user` comes from, seen from a space whose first n_map dimensions are the
// axes of `user` larger than 1: the node that holds the elements, and the access (value unset).
const tarn_node *ti_resolve(const ti_groups *gs, const tarn_node *user, const tarn_node *operand,
                            int n_map, ti_access *access);
// The node whose memory a chain of reshapes and checks shares.
const tarn_node *ti_storage(const ti_groups *gs, const tarn_node *n);
bool ti_access_identity(const ti_access *a, int n_map);
// All of a value, no axis of which is followed yet.
ti_access ti_access_of(int value, const tarn_shape *shape);
tarn_shape ti_squeeze(const tarn_shape *s);

#endif
