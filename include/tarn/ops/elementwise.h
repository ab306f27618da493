/** @file ops/elementwise.h
 *  Functions of each element. NumPy broadcasting; operands have one dtype (tarn_cast converts). */
#ifndef TARN_OPS_ELEMENTWISE_H
#define TARN_OPS_ELEMENTWISE_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

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

TARN_API tarn_node *tarn_square(tarn_graph *g, tarn_node *x);
TARN_API tarn_node *tarn_relu(tarn_graph *g, tarn_node *x);    /* max(x, 0); NaN stays NaN */
TARN_API tarn_node *tarn_sigmoid(tarn_graph *g, tarn_node *x); /* 1 / (1 + exp(-x)) */

#ifdef __cplusplus
}
#endif
#endif
