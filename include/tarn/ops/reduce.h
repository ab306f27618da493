/** @file ops/reduce.h
 *  Along axes. */
#ifndef TARN_OPS_REDUCE_H
#define TARN_OPS_REDUCE_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
