/** @file ops/linalg.h
 *  Products of matrices. */
#ifndef TARN_OPS_LINALG_H
#define TARN_OPS_LINALG_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** a [m,k] * b [k,n] -> [m,n]; with trans_a, a is [k,m]; with trans_b, b is [n,k]. f32, f64. */
TARN_API tarn_node *tarn_dot(tarn_graph *g, tarn_node *a, tarn_node *b, bool trans_a, bool trans_b);
TARN_API tarn_node *tarn_matmul(tarn_graph *g, tarn_node *a, tarn_node *b);

#ifdef __cplusplus
}
#endif
#endif
