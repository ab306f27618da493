/** @file ops/norm.h
 *  Normalisation. */
#ifndef TARN_OPS_NORM_H
#define TARN_OPS_NORM_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** y_i = exp(x_i - m) / sum_j exp(x_j - m), m = max_j x_j, along the last axis. */
TARN_API tarn_node *tarn_softmax(tarn_graph *g, tarn_node *x);

/** Batch normalisation (Ioffe and Szegedy 2015), x [..,c], gamma and beta [c]:
 *  y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and (biased) variance [c] over
 * all axes but the last. *mean and *variance are set where they are not NULL. f32, f64. */
TARN_API tarn_node *tarn_batch_norm(tarn_graph *g, tarn_node *x, tarn_node *gamma, tarn_node *beta,
                                    double epsilon, tarn_node **mean, tarn_node **variance);

#ifdef __cplusplus
}
#endif
#endif
