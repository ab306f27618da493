// Declarations of all op records (from ops.def), for builders, passes and tests.
#ifndef TI_OPS_H
#define TI_OPS_H

#include <tarn/ops.h>

#include "graph/graph.h"

#define TI_OP(name) extern const ti_op ti_op_##name;
#include "ops/ops.def"
#undef TI_OP

static inline bool ti_is(const tarn_node *n, const ti_op *op) { return n->op == op; }
// A rank-0 constant with that value.
bool ti_is_const(const tarn_node *n, double value);
// This graph's counter of random draws: reads the variable, and makes its increment a root.
tarn_node *ti_random_step(tarn_graph *g);

#endif
