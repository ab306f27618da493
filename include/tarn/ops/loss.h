/** @file ops/loss.h
 *  Losses. */
#ifndef TARN_OPS_LOSS_H
#define TARN_OPS_LOSS_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** logits [n, classes] float, labels [n] i32 -> [n]: -log softmax(logits)[label]. A label out of
 *  range gives NaN in its row. */
TARN_API tarn_node *tarn_softmax_cross_entropy(tarn_graph *g, tarn_node *logits, tarn_node *labels);

#ifdef __cplusplus
}
#endif
#endif
