// y = cond ? a : b, broadcasting all three.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    if (n->in[0]->dtype != TARN_BOOL)
        return ti_error(TARN_EDTYPE, "condition is %s, bool expected",
                        tarn_dtype_name(n->in[0]->dtype));
    if (n->in[1]->dtype != n->in[2]->dtype)
        return ti_error(TARN_EDTYPE, "branches are %s and %s", tarn_dtype_name(n->in[1]->dtype),
                        tarn_dtype_name(n->in[2]->dtype));
    n->dtype = n->in[1]->dtype;
    TI_TRY(ti_broadcast(n->graph, &n->in[1]->shape, &n->in[2]->shape, &n->shape));
    return ti_broadcast(n->graph, &n->in[0]->shape, &n->shape, &n->shape);
}

static void grad(ti_grad *r) {
    tarn_node *zero = ti_like(r->dy, 0);
    r->dx[1] = ti_sum_to(r->g, tarn_where(r->g, r->in[0], r->dy, zero), &r->in[1]->shape);
    r->dx[2] = ti_sum_to(r->g, tarn_where(r->g, r->in[0], zero, r->dy), &r->in[2]->shape);
}

const ti_op ti_op_where = {.name = "where",
                           .kind = TI_ELEMENTWISE,
                           .code = TI_WHERE,
                           .n_in = 3,
                           .infer = infer,
                           .grad = grad,
                           .samples = "3x4:b 3x4 3x4; 4:b 3x4 1"};

tarn_node *tarn_where(tarn_graph *g, tarn_node *cond, tarn_node *a, tarn_node *b) {
    tarn_node *in[3] = {cond, a, b};
    return ti_node(g, &ti_op_where, in, 3, NULL);
}
