// loss_r = log(sum_j exp(x_rj - m_r)) + m_r - x_r,label:  -log softmax(x_r)[label_r]
// x [n, classes] float logits, labels [n] i32 -> [n]. A label outside 0 to classes-1 makes its row
// NaN, so that the finite check stops the step.
#include <math.h>

#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape, *y = &n->in[1]->shape;
    TI_TRY(ti_need_float(n, 0));
    if (n->in[1]->dtype != TARN_I32)
        return ti_error(TARN_EDTYPE, "labels are %s, i32 expected",
                        tarn_dtype_name(n->in[1]->dtype));
    if (x->rank != 2 || y->rank != 1 || x->dim[0] != y->dim[0]) {
        char a[160], b[160];
        ti_named_shape_text(n->graph, x, a, sizeof a);
        ti_named_shape_text(n->graph, y, b, sizeof b);
        return ti_error(TARN_ESHAPE, "logits %s and labels %s; [n,classes] and [n] expected", a, b);
    }
    n->dtype = n->in[0]->dtype;
    n->shape = *y;
    return TARN_OK;
}

static tarn_node *column(tarn_graph *g, tarn_node *v) {
    return tarn_reshape(g, v, TARN_SHAPE(v->shape.dim[0], 1));
}

// [n, classes] bool: true at the label
static tarn_node *at_label(tarn_graph *g, tarn_node *x, tarn_node *labels) {
    return tarn_equal(g, tarn_iota(g, x->shape, 1), column(g, labels));
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_node *x = in[0], *labels = in[1], *zero = ti_like(x, 0);
    tarn_node *shifted = tarn_sub(g, x, tarn_max(g, x, TARN_AXIS(1), TARN_KEEP));
    tarn_node *sum = tarn_sum(g, tarn_exp(g, shifted), TARN_AXIS(1), TARN_KEEP);
    tarn_node *hit = tarn_where(g, at_label(g, x, labels), shifted, zero);
    tarn_node *loss = tarn_sub(g, tarn_log(g, sum), tarn_sum(g, hit, TARN_AXIS(1), TARN_KEEP));
    tarn_node *low = ti_like(labels, 0), *high = ti_like(labels, (double)x->shape.dim[1]);
    tarn_node *nan = ti_like(x, (double)NAN);
    loss = tarn_reshape(g, loss, n->shape);
    loss = tarn_where(g, tarn_less(g, labels, low), nan, loss);
    return tarn_where(g, tarn_less(g, labels, high), loss, nan);
}

// dx = (softmax(x) - onehot(label)) * dy
static void grad(ti_grad *r) {
    tarn_graph *g = r->g;
    tarn_node *x = r->in[0];
    tarn_node *hot = tarn_where(g, at_label(g, x, r->in[1]), ti_like(x, 1), ti_like(x, 0));
    r->dx[0] = tarn_mul(g, tarn_sub(g, tarn_softmax(g, x), hot), column(g, r->dy));
}

const ti_op ti_op_softmax_cross_entropy = {.name = "softmax_cross_entropy",
                                           .kind = TI_COMPOSITE,
                                           .n_in = 2,
                                           .infer = infer,
                                           .lower = lower,
                                           .grad = grad,
                                           .samples = "3x4 3:i4; 40x10 40:i10; 1x2 1:i2"};

tarn_node *tarn_softmax_cross_entropy(tarn_graph *g, tarn_node *logits, tarn_node *labels) {
    return ti_node2(g, &ti_op_softmax_cross_entropy, logits, labels, NULL);
}
