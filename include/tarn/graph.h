/** @file graph.h
 *  Stores (variables), graphs (operations on symbolic values) and programs (compiled graphs).
 *
 *  A graph is functional; its one mutation is tarn_assign. Builders return a node, or NULL after
 *  an error; NULL in gives NULL out and the graph keeps the first error, so formulas stay readable
 *  and are checked once (tarn_graph_status, or tarn_compile). Nodes live as long as their graph.
 *  A graph and its builders belong to one thread at a time. */
#ifndef TARN_GRAPH_H
#define TARN_GRAPH_H

#include <stdio.h>
#include <tarn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_store tarn_store;
typedef struct tarn_graph tarn_graph;
typedef struct tarn_node tarn_node;
typedef struct tarn_program tarn_program;

/* ---- initial values ------------------------------------------------------------------------- */

typedef enum tarn_init_kind {
    TARN_INIT_ZEROS,
    TARN_INIT_ONES,
    TARN_INIT_CONSTANT,         /* a */
    TARN_INIT_UNIFORM,          /* [a, b) */
    TARN_INIT_NORMAL,           /* mean a, standard deviation b */
    TARN_INIT_TRUNCATED_NORMAL, /* the same, redrawn outside two standard deviations */
    TARN_INIT_VARIANCE_SCALING, /* a scale; mode and distribution below */
} tarn_init_kind;

/** How a variable gets its first value: a value, not an object. Random kinds draw from the
 *  store's seed and the variable's name, so order of creation does not matter. */
typedef struct tarn_init {
    tarn_init_kind kind;
    double a, b;
    char mode;   /* variance scaling: 'i' fan in, 'o' fan out, 'a' average of both */
    bool normal; /* variance scaling: truncated normal instead of uniform */
} tarn_init;

TARN_API tarn_init tarn_init_zeros(void);
TARN_API tarn_init tarn_init_ones(void);
TARN_API tarn_init tarn_init_constant(double value);
TARN_API tarn_init tarn_init_uniform(double low, double high);
TARN_API tarn_init tarn_init_normal(double mean, double stddev);
/** Glorot and Bengio 2010, eq. 16: uniform +-sqrt(6 / (fan_in + fan_out)). */
TARN_API tarn_init tarn_init_glorot_uniform(void);
TARN_API tarn_init tarn_init_glorot_normal(void);
/** He et al. 2015, eq. 10: variance 2 / fan_in. */
TARN_API tarn_init tarn_init_he_uniform(void);
TARN_API tarn_init tarn_init_he_normal(void);
TARN_API tarn_init tarn_init_lecun_uniform(void);
TARN_API tarn_init tarn_init_lecun_normal(void);

/* ---- store ---------------------------------------------------------------------------------- */

/** Variables by name: weights, optimizer slots, counters. Programs share it: one that writes must
 *  run alone, programs that only read may run in many threads. `seed` keys every random draw. */
TARN_API TARN_CHECK tarn_status tarn_store_create(uint64_t seed, tarn_store **out);
TARN_API void tarn_store_free(tarn_store *s);
TARN_API uint64_t tarn_store_seed(const tarn_store *s);

/** Names beginning with this are state (slots, counters, metric sums), all others are weights. */
#define TARN_STATE_PREFIX "tarn.state/"

/** Variables in order of name. */
TARN_API int tarn_store_count(const tarn_store *s);
/** Name of variable i (0 <= i < count), NULL past the end; valid while the store lives. */
TARN_API const char *tarn_store_name(const tarn_store *s, int i);
/** Canonical (row-major) copy of a variable; caller releases. TARN_ENOENT. */
TARN_API TARN_CHECK tarn_status tarn_store_get(const tarn_store *s, const char *name,
                                               tarn_tensor **out);
/** Replace a variable's value. TARN_ENOENT, TARN_ESHAPE, TARN_EDTYPE; unchanged on error. */
TARN_API TARN_CHECK tarn_status tarn_store_set(tarn_store *s, const char *name,
                                               const tarn_tensor *value);
TARN_API bool tarn_store_has(const tarn_store *s, const char *name);
/** SHA-256 over name, dtype, shape and little-endian bytes of all weights in name order. */
TARN_API TARN_CHECK tarn_status tarn_store_sha256(const tarn_store *s, char hex[65]);

/* ---- graph ---------------------------------------------------------------------------------- */

/** The store is borrowed and must outlive the graph. NULL only when memory is out. */
TARN_API tarn_graph *tarn_graph_create(tarn_store *store);
TARN_API void tarn_graph_free(tarn_graph *g);
/** First error of a builder on this graph, TARN_OK when none; also sets tarn_last_error(). */
TARN_API tarn_status tarn_graph_status(const tarn_graph *g);

/** The named dimension "batch", as a dim of a shape. Others: tarn_dim. */
#define TARN_BATCH ((int64_t)-1)
/** A named dimension with its largest value; the same name gives the same dimension. The
 *  returned negative number stands for it in shapes. 0 on error. */
TARN_API int64_t tarn_dim(tarn_graph *g, const char *name, int64_t maximum);
/** a * b, where both may be named: [batch,time,64] is reshaped to [batch*time,64] before a product.
 *  Of named dimensions at most two in all. 0 on error. */
TARN_API int64_t tarn_dim_mul(tarn_graph *g, int64_t a, int64_t b);
/** Largest batch; default 1. Set it before tarn_compile. */
TARN_API void tarn_set_max_batch(tarn_graph *g, int64_t maximum);

TARN_API tarn_node *tarn_input(tarn_graph *g, const char *name, tarn_dtype dtype, tarn_shape shape);
/** A variable of the store: created with `init` when the store has none of that name, else it must
 *  have the same dtype and shape. Reads the value at the start of the step. */
TARN_API tarn_node *tarn_variable(tarn_graph *g, const char *name, tarn_dtype dtype,
                                  tarn_shape shape, tarn_init init);
/** Constant of rank 0. TARN_EARG when an integer dtype cannot hold the value; fractions are cut. */
TARN_API tarn_node *tarn_constant(tarn_graph *g, tarn_dtype dtype, double value);
/** Store `value` (same dtype and shape) into `variable` at the end of the step; at most one a
 *  variable and graph. Returns the assign node, to be fetched or grouped. */
TARN_API tarn_node *tarn_assign(tarn_graph *g, tarn_node *variable, tarn_node *value);
/** One node that stands for several (rank-0 u8 0 when fetched): makes all of them happen. */
TARN_API tarn_node *tarn_group(tarn_graph *g, tarn_node *const *nodes, int n);
/** Values that variables will have after the step, for what is updated by parts that know nothing
 * of each other, as the moving averages of a layer that is used twice: tarn_next_value is what was
 *  set last, else the variable itself; tarn_assign_next_values, called once, when the graph is
 *  built, is one node that assigns all of them (and nothing where none was set). */
TARN_API tarn_node *tarn_next_value(tarn_graph *g, tarn_node *variable);
TARN_API void tarn_set_next_value(tarn_graph *g, tarn_node *variable, tarn_node *value);
TARN_API tarn_node *tarn_assign_next_values(tarn_graph *g);
/** Fails the run before the first assign when the f32/f64 scalar is NaN or infinite; value passes
 *  through. */
TARN_API tarn_node *tarn_check_finite(tarn_graph *g, tarn_node *x, const char *what);

TARN_API tarn_dtype tarn_node_dtype(const tarn_node *n);
TARN_API const tarn_shape *tarn_node_shape(const tarn_node *n);
/** dim[axis], negative axis counts from the end; negative value: a named dimension. */
TARN_API int64_t tarn_node_dim(const tarn_node *n, int axis);
/** Label for dumps and error messages ("dense_1"), copied; nodes built until the next call carry
 *  it. NULL ends it. */
TARN_API void tarn_graph_scope(tarn_graph *g, const char *label);

/* ---- operations of your own, ranks (EXPERIMENTAL: may change between minor versions) ----------
 */

/** Row-major elements, without padding. */
typedef struct tarn_array {
    tarn_dtype dtype;
    tarn_shape shape;
    void *data;
} tarn_array;

/** A function of 1 to 8 operands that depends on nothing but them. Borrowed: it must outlive the
 *  graphs and programs that use it, so it is usually a static const. */
typedef struct tarn_custom_op {
    const char *name; /* for dumps and messages */
    int n_in;
    /** Dtype and shape of the result; data is NULL. Named dimensions are negative and may be passed
     *  on. Any other status than TARN_OK is the graph's error. */
    tarn_status (*infer)(void *user, const tarn_array *x, tarn_array *y);
    /** y from x, both row-major. Called on one thread of a run, and by several sessions at once;
     *  must not run programs. Another status than TARN_OK ends the run before anything is written
     *  to the store. */
    tarn_status (*run)(void *user, const tarn_array *x, const tarn_array *y);
    /** Gradient of operand i, made of nodes of g from y, its gradient dy and the operands; NULL:
     *  none flows. No function: not differentiable. */
    tarn_node *(*gradient)(void *user, tarn_graph *g, tarn_node *y, tarn_node *dy,
                           tarn_node *const *x, int i);
    void *user;
} tarn_custom_op;

/** How ranks (processes, or threads that train together) reach each other. Borrowed as above. */
typedef struct tarn_transport {
    int rank, size; /* 0 <= rank < size */
    /** Every rank gives `bytes` and gets those of all, in order of rank. All ranks make the same
     *  calls in the same order. */
    tarn_status (*all_gather)(void *self, const void *mine, void *all, size_t bytes);
    void *self;
} tarn_transport;

/* ---- gradients ------------------------------------------------------------------------------ */

/** Gradient nodes of a rank-0 float `y` with respect to n nodes, into dx (dx[i] is a zero node
 *  where y does not depend on x[i]). Graph-to-graph: gradients can be differentiated again. */
TARN_API TARN_CHECK tarn_status tarn_gradients(tarn_graph *g, tarn_node *y, tarn_node *const *x,
                                               int n, tarn_node **dx);

/** Name of op i of this build in a fixed order, NULL past the end. */
TARN_API const char *tarn_op_name(int i);

/** What comparing an op's gradient rule with central differences in f64 found. */
typedef struct tarn_gradcheck_info {
    int samples;         /* operand shapes and attributes tried; 0: the op takes no float operand */
    bool differentiable; /* false: the op says it has no gradient */
    double worst;        /* largest |rule - difference| / (1 + |difference|) */
    char where[128];     /* sample and element of the worst */
} tarn_gradcheck_info;
/** Check one op's gradient on all its samples. TARN_ENOENT; the caller judges `worst` (1e-6 is
 *  good). Seed fixed: same numbers each time. */
TARN_API TARN_CHECK tarn_status tarn_gradcheck(const char *op, tarn_gradcheck_info *out);

/* ---- programs ------------------------------------------------------------------------------- */

typedef struct tarn_fetch {
    tarn_node *const *nodes;
    int count;
} tarn_fetch;
/** TARN_FETCH(loss, step): what a program computes. C only. */
#define TARN_FETCH(...)                              \
    ((tarn_fetch){(tarn_node *const[]){__VA_ARGS__}, \
                  (int)(sizeof((tarn_node *const[]){__VA_ARGS__}) / sizeof(tarn_node *))})

typedef enum tarn_jit { TARN_JIT_AUTO, TARN_JIT_OFF, TARN_JIT_WAIT } tarn_jit;

typedef struct tarn_compile_opts {
    tarn_jit jit;          /* default: $TARN_JIT (auto, off, wait), else auto */
    const char *skip_pass; /* comma list of passes left out (results are the same bits) */
    bool no_in_place;      /* no output takes over an input's memory */
    bool poison;           /* fill dead buffers with NaN patterns */
    bool profile;          /* time each kernel: see tarn_program_kernel */
    const char *dump;      /* comma list of stages to print: graph, specialise, lower, canonical,
                              simplify, plan, all; stablehlo: the graph of primitives as a
                              module that XLA compiles */
    FILE *dump_to;         /* where to; NULL: nowhere */
} tarn_compile_opts;

/** Compile for a device ("cpu", "ref") and plan memory for the largest dimensions. Reports the
 *  graph's first error. The graph may be freed afterwards, the store must stay. */
TARN_API TARN_CHECK tarn_status tarn_compile(tarn_graph *g, tarn_fetch fetch, const char *device,
                                             tarn_program **out);
TARN_API TARN_CHECK tarn_status tarn_compile_opts_(tarn_graph *g, tarn_fetch fetch,
                                                   const char *device,
                                                   const tarn_compile_opts *opts,
                                                   tarn_program **out);
TARN_API void tarn_program_free(tarn_program *p);

/** Give an input its data (row-major, borrowed until the next bind or the end of the program's
 *  last run) and with its shape the values of the named dimensions. TARN_ENOENT, TARN_ESHAPE
 *  ("input 'x' is [batch,784], not [32,28,28]"), TARN_ELIMIT above the maximum. */
TARN_API TARN_CHECK tarn_status tarn_bind(tarn_program *p, const char *input, const void *data,
                                          tarn_shape shape);
/** Run once. No allocation after the first run. TARN_ENUMERIC: a checked value was not finite,
 *  and no variable changed. One thread at a time a program. */
TARN_API TARN_CHECK tarn_status tarn_run(tarn_program *p);
/** Result of fetch i of the last run: row-major, valid until the next run; NULL for assigns. */
TARN_API const void *tarn_result(const tarn_program *p, int i, tarn_shape *shape);
/** Result of a rank-0 fetch as a double. */
TARN_API double tarn_result_scalar(const tarn_program *p, int i);

/** Memory of its own to run a program in, so that several threads may run one program at once, each
 *  in its session: the same results to the bit. For programs that only read; TARN_ESTATE for one
 *  that assigns. The program must outlive its sessions. Bind, run and result are as for a program;
 *  each session is for one thread at a time. */
typedef struct tarn_session tarn_session;
TARN_API TARN_CHECK tarn_status tarn_session_create(const tarn_program *p, tarn_session **out);
TARN_API void tarn_session_free(tarn_session *s);
TARN_API TARN_CHECK tarn_status tarn_session_bind(tarn_session *s, const char *input,
                                                  const void *data, tarn_shape shape);
TARN_API TARN_CHECK tarn_status tarn_session_run(tarn_session *s);
TARN_API const void *tarn_session_result(const tarn_session *s, int i, tarn_shape *shape);
TARN_API double tarn_session_scalar(const tarn_session *s, int i);

typedef struct tarn_program_info {
    size_t arena_bytes;    /* planned peak of temporaries */
    size_t scratch_bytes;  /* kernel scratch, all threads */
    size_t variable_bytes; /* variables the program touches, device form */
    int kernels;           /* calls a run makes */
    double flops;          /* multiply-adds of contractions x 2 a run, at the bound dimensions */
    double compile_seconds;
    bool compiled; /* generated kernels are in use (else interpreted) */
} tarn_program_info;
TARN_API tarn_program_info tarn_program_stats(const tarn_program *p);

/** One kernel of a program and, when it was compiled with `profile`, its time so far. */
typedef struct tarn_kernel_info {
    const char *kind;  /* "map", "rows", "cols", "dot", "check", "call" */
    const char *label; /* scope it came from ("dense_1"), "" when none; lives as the program */
    double flops;      /* a run, contractions only, at the bound dimensions */
    double seconds;    /* wall time on the calling thread, all runs */
    double best;       /* of one run */
    int64_t runs;
} tarn_kernel_info;
/** Kernel i in the order of a run; false past the end. */
TARN_API bool tarn_program_kernel(const tarn_program *p, int i, tarn_kernel_info *out);

#ifdef __cplusplus
}
#endif
#endif
