/** @file ops/shape.h
 *  Other shape or order of the same elements, some of them, or more. */
#ifndef TARN_OPS_SHAPE_H
#define TARN_OPS_SHAPE_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
