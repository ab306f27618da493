// Reverse mode inside the library.
#ifndef TI_AUTODIFF_H
#define TI_AUTODIFF_H

#include "ops/ops.h"

// Vector-Jacobian product: dx[i] = sum_j (d y[j] / d x[i])^T dy[j], as nodes of g.
tarn_status ti_vjp(tarn_graph *g, tarn_node *const *y, tarn_node *const *dy, int n_y,
                   tarn_node *const *x, int n, tarn_node **dx);
// Of a scan: from the gradients of its results (NULL: none) those of the operands that need one.
tarn_status ti_scan_gradient(tarn_node *scan, tarn_node *const *dy, const bool *need,
                             tarn_node **dx);
#endif
