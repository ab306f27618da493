/** @file ops/recurrent.h
 *  Layers over time. */
#ifndef TARN_OPS_RECURRENT_H
#define TARN_OPS_RECURRENT_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Long short-term memory over a sequence (Hochreiter and Schmidhuber 1997), gates in the order
 *  input, forget, cell, output (Keras, PyTorch): x [n,t,f], w [f,4h], u [h,4h], b [4h], first
 *  hidden and cell state h, c [n,h] -> hidden states at all times [n,t,h]. n and t may be named
 *  dimensions. f32, f64. */
TARN_API tarn_node *tarn_lstm(tarn_graph *g, tarn_node *x, tarn_node *w, tarn_node *u, tarn_node *b,
                              tarn_node *h, tarn_node *c);

#ifdef __cplusplus
}
#endif
#endif
