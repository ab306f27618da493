/** @file ops/index.h
 *  Elements found by index or by value. */
#ifndef TARN_OPS_INDEX_H
#define TARN_OPS_INDEX_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Indices of the elements that are not 0 (NaN is not), in row-major order, one column each:
 *  x [..] -> i32 [rank, n], n found by the run and at most the elements of x. A program with such a
 *  dimension runs on the reference device, which needs no sizes before, whatever device is named;
 *  tarn_result tells n. */
TARN_API tarn_node *tarn_nonzero(tarn_graph *g, tarn_node *x);

#ifdef __cplusplus
}
#endif
#endif
