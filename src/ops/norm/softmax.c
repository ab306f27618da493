// y_i = exp(x_i - m) / sum_j exp(x_j - m),  m = max_j x_j, along the last axis
// x [.., n] float; y same shape and dtype. A row with NaN gives a NaN row.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->shape.rank < 1) return ti_error(TARN_ESHAPE, "operand has no axis");
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_axes last = TARN_AXIS(n->shape.rank - 1);
    tarn_node *m = tarn_max(g, in[0], last, TARN_KEEP);
    tarn_node *e = tarn_exp(g, tarn_sub(g, in[0], m));
    return tarn_div(g, e, tarn_sum(g, e, last, TARN_KEEP));
}

// dx = y * (dy - sum(y * dy)); needs y, so x need not stay alive
static void grad(ti_grad *r) {
    tarn_node *t = tarn_mul(r->g, r->y, r->dy);
    tarn_node *s = tarn_sum(r->g, t, TARN_AXIS(r->y->shape.rank - 1), TARN_KEEP);
    r->dx[0] = tarn_mul(r->g, r->y, tarn_sub(r->g, r->dy, s));
}

const ti_op ti_op_softmax = {.name = "softmax",
                             .kind = TI_COMPOSITE,
                             .n_in = 1,
                             .infer = infer,
                             .lower = lower,
                             .grad = grad,
                             .samples = "3x4; 17; 40x10; 2x3x5"};

tarn_node *tarn_softmax(tarn_graph *g, tarn_node *x) {
    return ti_node1(g, &ti_op_softmax, x, NULL);
}
