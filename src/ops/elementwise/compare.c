// Comparisons and logic: bool results, no gradient.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    if (n->in[0]->dtype != n->in[1]->dtype)
        return ti_error(TARN_EDTYPE, "operands are %s and %s; tarn_cast converts",
                        tarn_dtype_name(n->in[0]->dtype), tarn_dtype_name(n->in[1]->dtype));
    n->dtype = TARN_BOOL;
    return ti_broadcast(n->graph, &n->in[0]->shape, &n->in[1]->shape, &n->shape);
}

static tarn_status infer_bool(tarn_node *n) {
    if (n->in[0]->dtype != TARN_BOOL || n->in[1]->dtype != TARN_BOOL)
        return ti_error(TARN_EDTYPE, "both operands must be bool");
    return infer(n);
}

#define COMPARE(id, op, infer_rule, mark)                                                  \
    const ti_op ti_op_##id = {.name = #id,                                                 \
                              .kind = TI_ELEMENTWISE,                                      \
                              .code = op,                                                  \
                              .n_in = 2,                                                   \
                              .infer = infer_rule,                                         \
                              .no_grad = true,                                             \
                              .samples = "3x4" mark " 3x4" mark "; 2x3x4" mark " 4" mark}; \
    tarn_node *tarn_##id(tarn_graph *g, tarn_node *a, tarn_node *b) {                      \
        return ti_node2(g, &ti_op_##id, a, b, NULL);                                       \
    }
COMPARE(equal, TI_EQ, infer, ":i3")
COMPARE(less, TI_LT, infer, "")
COMPARE(logical_and, TI_AND, infer_bool, ":b")

tarn_node *tarn_greater(tarn_graph *g, tarn_node *a, tarn_node *b) { return tarn_less(g, b, a); }
