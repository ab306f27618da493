/** @file ops.h
 *  Operations on graph nodes. NumPy broadcasting for element-wise ops; operands have one dtype
 *  (tarn_cast converts). Shapes in the comments; y is the result. All builders follow the error
 *  rule of graph.h: NULL in, NULL out. */
#ifndef TARN_OPS_H
#define TARN_OPS_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- element-wise, any shape, broadcasting --------------------------------------------------- */

TARN_API tarn_node *tarn_add(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_sub(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_mul(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_div(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_maximum(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_minimum(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_neg(tarn_graph *g, tarn_node *x);
TARN_API tarn_node *tarn_abs(tarn_graph *g, tarn_node *x);
TARN_API tarn_node *tarn_exp(tarn_graph *g, tarn_node *x);  /* floats */
TARN_API tarn_node *tarn_log(tarn_graph *g, tarn_node *x);  /* floats */
TARN_API tarn_node *tarn_sqrt(tarn_graph *g, tarn_node *x); /* floats */
TARN_API tarn_node *tarn_tanh(tarn_graph *g, tarn_node *x); /* floats */
/** Comparisons give bool. NaN compares false (not_equal: true). */
TARN_API tarn_node *tarn_equal(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_less(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_greater(tarn_graph *g, tarn_node *a, tarn_node *b);
TARN_API tarn_node *tarn_logical_and(tarn_graph *g, tarn_node *a, tarn_node *b);
/** y = cond ? a : b; cond bool. */
TARN_API tarn_node *tarn_where(tarn_graph *g, tarn_node *cond, tarn_node *a, tarn_node *b);
/** Another dtype; float to integer truncates towards zero. */
TARN_API tarn_node *tarn_cast(tarn_graph *g, tarn_node *x, tarn_dtype dtype);
/** x with a gradient of zero. */
TARN_API tarn_node *tarn_stop_gradient(tarn_graph *g, tarn_node *x);

/** y, of which only x[0..n-1] (nodes it depends on) are kept for the gradient: what lies between is
 *  computed again on the way back. The same bits with less memory and more time (Chen et al. 2016).
 */
TARN_API tarn_node *tarn_recompute(tarn_graph *g, tarn_node *y, tarn_node *const *x, int n);

/* ---- composites ------------------------------------------------------------------------------ */

TARN_API tarn_node *tarn_square(tarn_graph *g, tarn_node *x);
TARN_API tarn_node *tarn_relu(tarn_graph *g, tarn_node *x);    /* max(x, 0); NaN stays NaN */
TARN_API tarn_node *tarn_sigmoid(tarn_graph *g, tarn_node *x); /* 1 / (1 + exp(-x)) */
/** y_i = exp(x_i - m) / sum_j exp(x_j - m), m = max_j x_j, along the last axis. */
TARN_API tarn_node *tarn_softmax(tarn_graph *g, tarn_node *x);
/** logits [n, classes] float, labels [n] i32 -> [n]: -log softmax(logits)[label]. A label out of
 *  range gives NaN in its row. */
TARN_API tarn_node *tarn_softmax_cross_entropy(tarn_graph *g, tarn_node *logits, tarn_node *labels);
/** Batch normalisation (Ioffe and Szegedy 2015), x [..,c], gamma and beta [c]:
 *  y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and (biased) variance [c] over
 * all axes but the last. *mean and *variance are set where they are not NULL. f32, f64. */
TARN_API tarn_node *tarn_batch_norm(tarn_graph *g, tarn_node *x, tarn_node *gamma, tarn_node *beta,
                                    double epsilon, tarn_node **mean, tarn_node **variance);
/** Inverted dropout (Srivastava et al. 2014): y = keep ? x / (1 - rate) : 0, keep drawn anew each
 *  step from (store seed, stream, step counter). 0 <= rate < 1. */
TARN_API tarn_node *tarn_dropout(tarn_graph *g, tarn_node *x, double rate, const char *stream);

/* ---- contraction ----------------------------------------------------------------------------- */

/** a [m,k] * b [k,n] -> [m,n]; with trans_a, a is [k,m]; with trans_b, b is [n,k]. f32, f64. */
TARN_API tarn_node *tarn_dot(tarn_graph *g, tarn_node *a, tarn_node *b, bool trans_a, bool trans_b);
TARN_API tarn_node *tarn_matmul(tarn_graph *g, tarn_node *a, tarn_node *b);

/** Two-dimensional convolution (correlation, as everywhere in deep learning), channels last:
 *  x [n,h,w,c], w [kh,kw,c,o] -> [n,oh,ow,o], oh = (h + top + bottom - kh) / stride + 1. n may be
 *  a named dimension; h and w too, with stride 1 and padding that keeps the size. f32, f64. */
typedef struct tarn_conv2d_opts {
    int stride[2];  /* down, right; 0: 1 */
    int padding[4]; /* zeros at top, bottom, left, right */
} tarn_conv2d_opts;
TARN_API tarn_node *tarn_conv2d_(tarn_graph *g, tarn_node *x, tarn_node *w,
                                 const tarn_conv2d_opts *opts);
#define tarn_conv2d(g, x, w, ...) tarn_conv2d_(g, x, w, &(tarn_conv2d_opts){__VA_ARGS__})

/** Largest element of each window, channels last: x [n,h,w,c] -> [n,oh,ow,c], oh = (h + top +
 * bottom
 *  - window) / stride + 1, what is left over at the bottom and the right is not looked at. NaN in a
 *  window gives NaN. The gradient goes to the first of equals, in rows before columns. Only n may
 *  be a named dimension. f32, f64. */
typedef struct tarn_pool2d_opts {
    int window[2];  /* rows, columns; at most 49 places */
    int stride[2];  /* 0: the window's size */
    int padding[4]; /* at top, bottom, left, right, smaller than the window; never the largest */
} tarn_pool2d_opts;
TARN_API tarn_node *tarn_max_pool2d_(tarn_graph *g, tarn_node *x, const tarn_pool2d_opts *opts);
#define tarn_max_pool2d(g, x, ...) tarn_max_pool2d_(g, x, &(tarn_pool2d_opts){__VA_ARGS__})

/* ---- reductions ------------------------------------------------------------------------------ */

/** Bit i set: reduce axis i. */
typedef uint32_t tarn_axes;
#define TARN_ALL_AXES ((tarn_axes)0xffffffffu)
#define TARN_AXIS(i) ((tarn_axes)1u << (i))
enum { TARN_KEEP = 1 }; /* flag: keep reduced axes with size 1 */
TARN_API tarn_node *tarn_sum(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags);
TARN_API tarn_node *tarn_mean(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags);
TARN_API tarn_node *tarn_max(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags);
/** Index of the largest element along the last axis as i32; the first of equals; NaN counts as
 *  largest. x [.., n] -> [..]. */
TARN_API tarn_node *tarn_argmax(tarn_graph *g, tarn_node *x);

/* ---- shape ----------------------------------------------------------------------------------- */

TARN_API tarn_node *tarn_reshape(tarn_graph *g, tarn_node *x, tarn_shape shape);
/** axes: a permutation, axes[i] = source axis of result axis i. */
TARN_API tarn_node *tarn_transpose(tarn_graph *g, tarn_node *x, const int *axes);
TARN_API tarn_node *tarn_broadcast_to(tarn_graph *g, tarn_node *x, tarn_shape shape);
/** Every step[i]-th element (NULL: each) along axis i from start[i] (NULL: 0) on, size.dim[i] of
 *  them. Axes of named dimensions stay whole: start 0, step 1, and x's own dimension as size. */
TARN_API tarn_node *tarn_slice(tarn_graph *g, tarn_node *x, const int64_t *start,
                               const int64_t *step, tarn_shape size);
/** x with low[i] elements of `value` before axis i, high[i] after it and interior[i] between
 *  neighbours; NULL is all zeros, and so is what stands at named dimensions. value: 0 for
 *  integers. */
TARN_API tarn_node *tarn_pad(tarn_graph *g, tarn_node *x, double value, const int64_t *low,
                             const int64_t *high, const int64_t *interior);
/** Index along `axis` in each element, i32: tarn_iota(g, TARN_SHAPE(2,3), 1) is 0 1 2 / 0 1 2. */
TARN_API tarn_node *tarn_iota(tarn_graph *g, tarn_shape shape, int axis);
/** Number of elements of x at run time (named dimensions resolved), rank 0 of the given dtype. */
TARN_API tarn_node *tarn_numel(tarn_graph *g, tarn_node *x, tarn_dtype dtype);
/** Uniform random u32, pure in (store seed, stream name, step, logical index). step: rank-0 i64. */
TARN_API tarn_node *tarn_random_bits(tarn_graph *g, tarn_shape shape, const char *stream,
                                     tarn_node *step);

/** Indices of the elements that are not 0 (NaN is not), in row-major order, one column each:
 *  x [..] -> i32 [rank, n], n found by the run and at most the elements of x. A program with such a
 *  dimension runs on the reference device, which needs no sizes before, whatever device is named;
 *  tarn_result tells n. */
TARN_API tarn_node *tarn_nonzero(tarn_graph *g, tarn_node *x);

/* ---- loops ----------------------------------------------------------------------------------- */

/** One step: nodes of g from the carries, one element of each sequence, and what all steps use;
 *  next[i]: carry i for the next step, of its dtype and shape; y[i]: results of this step. A step
 *  cannot assign, draw random bits or check, and reads only variables that are among `use`. */
typedef void (*tarn_scan_body)(void *user, tarn_graph *g, tarn_node *const *carry,
                               tarn_node *const *x, tarn_node *const *use, tarn_node **next,
                               tarn_node **y);
typedef struct tarn_scan_opts {
    tarn_scan_body body; /* called while tarn_scan runs */
    void *user;
    tarn_node *const *carry; /* first values */
    int n_carry;
    tarn_node *const *x; /* sequences [length, ...] */
    int n_x;
    tarn_node *const *use;
    int n_use;
    int n_y;
    int64_t length;     /* without sequences: number of steps */
    bool reverse;       /* from the end of the sequences to their beginning */
    int64_t keep_every; /* the gradient keeps the carries every so many steps (which must divide a
                           fixed length) and computes those between again; 0: all */
} tarn_scan_opts;
/** The loop: last[i] is carry i after the last step, y[i] [length, ...] the results of the steps in
 *  the order of the sequences. The step is compiled once. Differentiable in carries, sequences and
 *  what it uses, as often as wanted. Errors are the graph's too. */
TARN_API TARN_CHECK tarn_status tarn_scan(tarn_graph *g, const tarn_scan_opts *opts,
                                          tarn_node **last, tarn_node **y);

/** Long short-term memory over a sequence (Hochreiter and Schmidhuber 1997), gates in the order
 *  input, forget, cell, output (Keras, PyTorch): x [n,t,f], w [f,4h], u [h,4h], b [4h], first
 *  hidden and cell state h, c [n,h] -> hidden states at all times [n,t,h]. n and t may be named
 *  dimensions. f32, f64. */
TARN_API tarn_node *tarn_lstm(tarn_graph *g, tarn_node *x, tarn_node *w, tarn_node *u, tarn_node *b,
                              tarn_node *h, tarn_node *c);

/* ---- calls: C functions over whole operands (EXPERIMENTAL) ------------------------------------
 */

/** y = op(x[0], .. x[n_in - 1]). Runs on every device, on the CPU. */
TARN_API tarn_node *tarn_custom(tarn_graph *g, const tarn_custom_op *op, tarn_node *const *x);

/** x of every rank: shape [size, ...x]. No gradient. */
TARN_API tarn_node *tarn_all_gather(tarn_graph *g, tarn_node *x, const tarn_transport *t);
/** Sum of x over the ranks, in order of rank: the same bits on each. No gradient. */
TARN_API tarn_node *tarn_all_reduce(tarn_graph *g, tarn_node *x, const tarn_transport *t);

#ifdef __cplusplus
}
#endif
#endif
