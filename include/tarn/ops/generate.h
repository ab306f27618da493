/** @file ops/generate.h
 *  Elements made from their index, from the sizes of a run, or drawn. */
#ifndef TARN_OPS_GENERATE_H
#define TARN_OPS_GENERATE_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index along `axis` in each element, i32: tarn_iota(g, TARN_SHAPE(2,3), 1) is 0 1 2 / 0 1 2. */
TARN_API tarn_node *tarn_iota(tarn_graph *g, tarn_shape shape, int axis);
/** Number of elements of x at run time (named dimensions resolved), rank 0 of the given dtype. */
TARN_API tarn_node *tarn_numel(tarn_graph *g, tarn_node *x, tarn_dtype dtype);
/** Uniform random u32, pure in (store seed, stream name, step, logical index). step: rank-0 i64. */
TARN_API tarn_node *tarn_random_bits(tarn_graph *g, tarn_shape shape, const char *stream,
                                     tarn_node *step);

/** Inverted dropout (Srivastava et al. 2014): y = keep ? x / (1 - rate) : 0, keep drawn anew each
 *  step from (store seed, stream, step counter). 0 <= rate < 1. */
TARN_API tarn_node *tarn_dropout(tarn_graph *g, tarn_node *x, double rate, const char *stream);

#ifdef __cplusplus
}
#endif
#endif
