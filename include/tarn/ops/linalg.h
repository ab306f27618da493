/** @file ops/linalg.h
 *  Products of matrices. */
#ifndef TARN_OPS_LINALG_H
#define TARN_OPS_LINALG_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** a [..,m,k] * b [..,k,n] -> [..,m,n], a product for each index along the leading axes, which are
 *  equal; with trans_a, a is [..,k,m]; with trans_b, b is [..,n,k]. f32, f64. */
TARN_API tarn_node *tarn_dot(tarn_graph *g, tarn_node *a, tarn_node *b, bool trans_a, bool trans_b);
/** The same, leading axes broadcast as in NumPy: [n,t,k] * [k,m] is one product of n t rows. */
TARN_API tarn_node *tarn_matmul(tarn_graph *g, tarn_node *a, tarn_node *b);

#ifdef __cplusplus
}
#endif
#endif
