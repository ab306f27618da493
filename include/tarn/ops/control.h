/** @file ops/control.h
 *  Loops, calls of C functions, and what gradients see. */
#ifndef TARN_OPS_CONTROL_H
#define TARN_OPS_CONTROL_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** x with a gradient of zero. */
TARN_API tarn_node *tarn_stop_gradient(tarn_graph *g, tarn_node *x);

/** y, of which only x[0..n-1] (nodes it depends on) are kept for the gradient: what lies between is
 *  computed again on the way back. The same bits with less memory and more time (Chen et al. 2016).
 */
TARN_API tarn_node *tarn_recompute(tarn_graph *g, tarn_node *y, tarn_node *const *x, int n);

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
