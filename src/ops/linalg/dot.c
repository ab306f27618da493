// y[m,n] = sum_k a[m,k] * b[k,n], each operand optionally stored transposed. A fused multiply-add
// chain in the order of k from the first product on, in blocks of 512 that are added in order
// (docs/design.md, bit model).
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    const tarn_shape *a = &n->in[0]->shape, *b = &n->in[1]->shape;
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->dtype != n->in[1]->dtype)
        return ti_error(TARN_EDTYPE, "operands are %s and %s", tarn_dtype_name(n->in[0]->dtype),
                        tarn_dtype_name(n->in[1]->dtype));
    int ta = n->at.trans_a, tb = n->at.trans_b;
    if (a->rank != 2 || b->rank != 2 || a->dim[!ta] != b->dim[tb]) {
        char x[160], y[160];
        ti_named_shape_text(n->graph, a, x, sizeof x);
        ti_named_shape_text(n->graph, b, y, sizeof y);
        return ti_error(TARN_ESHAPE, "%s%s times %s%s: inner dimensions differ", x, ta ? "^T" : "",
                        y, tb ? "^T" : "");
    }
    n->dtype = n->in[0]->dtype;
    n->shape = (tarn_shape){2, {a->dim[ta], b->dim[!tb]}};
    return TARN_OK;
}

// With A = op(a), B = op(b): dA = dy B^T, dB = A^T dy; transposed again where stored so. dA comes
// first: then a variable's last reader precedes the product that its update is fused into.
static void grad(ti_grad *r) {
    tarn_node *a = r->in[0], *b = r->in[1], *dy = r->dy;
    bool ta = r->y->at.trans_a, tb = r->y->at.trans_b;
    r->dx[0] = ta ? tarn_dot(r->g, b, dy, tb, true) : tarn_dot(r->g, dy, b, false, !tb);
    r->dx[1] = tb ? tarn_dot(r->g, dy, a, true, ta) : tarn_dot(r->g, a, dy, !ta, false);
}

// All four ways to store the operands: samples give a [m,k] and b [k,n].
static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const int turn[2] = {1, 0};
    if (v >= 4) return NULL;
    tarn_node *a = v & 1 ? tarn_transpose(g, in[0], turn) : in[0];
    tarn_node *b = v & 2 ? tarn_transpose(g, in[1], turn) : in[1];
    return tarn_dot(g, a, b, v & 1, v & 2);
}

const ti_op ti_op_dot = {.name = "dot",
                         .kind = TI_DOT,
                         .n_in = 2,
                         .infer = infer,
                         .grad = grad,
                         .variant = variant,
                         .samples = "3x4 4x5; 1x7 7x1; 13x1 1x17; 6x600 600x33"};

tarn_node *tarn_dot(tarn_graph *g, tarn_node *a, tarn_node *b, bool trans_a, bool trans_b) {
    return ti_node2(g, &ti_op_dot, a, b, &(ti_attrs){.trans_a = trans_a, .trans_b = trans_b});
}
tarn_node *tarn_matmul(tarn_graph *g, tarn_node *a, tarn_node *b) {
    return tarn_dot(g, a, b, false, false);
}
