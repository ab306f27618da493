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

// ---- regions (region.c) -------------------------------------------------------------------------
// An empty one. Named dimensions are those of g; ti_region_close gives it the new ones, and errors.
tarn_status ti_region_create(tarn_graph *g, int n_carry, int n_x, int n_use, int n_roots,
                             ti_region **out);
tarn_status ti_region_close(tarn_graph *g, ti_region *r);
// What operand i is inside: made from `operand` of the outer graph, and found again.
tarn_node *ti_region_input(ti_region *r, int i, const tarn_node *operand);
tarn_node *ti_region_leaf(const ti_region *r, int i);
// Has it such a node, or a region within it?
bool ti_region_has(const ti_region *r, bool (*is)(const tarn_node *n));
// Which operand the input of that name is.
int ti_region_operand(const char *input);
// Copies of the nodes of `from` for which map[id] is NULL, into g; map[id] becomes the copy.
tarn_status ti_graph_copy(tarn_graph *g, const tarn_graph *from, tarn_node **map);
// Result i of a scan.
tarn_node *ti_scan_result(tarn_node *scan, int i);

#endif
