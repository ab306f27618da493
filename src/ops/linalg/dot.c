// y[..,m,n] = sum_k a[..,m,k] * b[..,k,n], a product for each index along the leading axes, each
// operand optionally stored transposed. A fused multiply-add chain in the order of k from the first
// product on, in blocks of 512 that are added in order (docs/design.md, bit model).
#include "ops/ops.h"

static bool same_lead(const tarn_shape *a, const tarn_shape *b) {
    for (int i = 0; i < a->rank - 2; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return a->rank == b->rank;
}

static tarn_status infer(tarn_node *n) {
    const tarn_shape *a = &n->in[0]->shape, *b = &n->in[1]->shape;
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->dtype != n->in[1]->dtype)
        return ti_error(TARN_EDTYPE, "operands are %s and %s", tarn_dtype_name(n->in[0]->dtype),
                        tarn_dtype_name(n->in[1]->dtype));
    int ta = n->at.trans_a, tb = n->at.trans_b, row = a->rank - 2;
    bool fits = row >= 0 && same_lead(a, b) && a->dim[row + !ta] == b->dim[row + tb];
    if (!fits) {
        char x[160], y[160];
        ti_named_shape_text(n->graph, a, x, sizeof x);
        ti_named_shape_text(n->graph, b, y, sizeof y);
        return ti_error(TARN_ESHAPE, "%s%s times %s%s: inner dimensions differ", x, ta ? "^T" : "",
                        y, tb ? "^T" : "");
    }
    n->dtype = n->in[0]->dtype;
    n->shape = *a;
    n->shape.dim[row] = a->dim[row + ta];
    n->shape.dim[row + 1] = b->dim[row + !tb];
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

static tarn_node *turned(tarn_graph *g, tarn_node *x) {
    int axes[TARN_MAX_RANK], last = x->shape.rank - 1;
    for (int i = 0; i <= last; i++) axes[i] = i;
    axes[last] = last - 1;
    axes[last - 1] = last;
    return tarn_transpose(g, x, axes);
}

// All four ways to store the operands: samples give a [..,m,k] and b [..,k,n].
static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    if (v >= 4) return NULL;
    tarn_node *a = v & 1 ? turned(g, in[0]) : in[0], *b = v & 2 ? turned(g, in[1]) : in[1];
    return tarn_dot(g, a, b, v & 1, v & 2);
}

const ti_op ti_op_dot = {.name = "dot",
                         .kind = TI_DOT,
                         .n_in = 2,
                         .infer = infer,
                         .grad = grad,
                         .variant = variant,
                         .samples = "3x4 4x5; 1x7 7x1; 13x1 1x17; 6x600 600x33; 2x3x4 2x4x5;"
                                    " 3x1x5x2 3x1x2x1; 1x2x3x1 1x2x1x4; 9x18x20 9x20x17"};

tarn_node *tarn_dot(tarn_graph *g, tarn_node *a, tarn_node *b, bool trans_a, bool trans_b) {
    return ti_node2(g, &ti_op_dot, a, b, &(ti_attrs){.trans_a = trans_a, .trans_b = trans_b});
}

// ---- matmul -------------------------------------------------------------------------------------

// One matrix for all: the rows of a are one long list.
static tarn_node *rows_times(tarn_graph *g, tarn_node *a, tarn_node *b) {
    tarn_shape s = a->shape, w = b->shape;
    int64_t rows = 1;
    for (int i = 0; i + 1 < s.rank; i++) rows = tarn_dim_mul(g, rows, s.dim[i]);
    int64_t k = w.dim[w.rank - 2], n = w.dim[w.rank - 1];
    tarn_node *x = tarn_reshape(g, a, TARN_SHAPE(rows, s.dim[s.rank - 1]));
    tarn_node *y = tarn_dot(g, x, tarn_reshape(g, b, TARN_SHAPE(k, n)), false, false);
    s.dim[s.rank - 1] = n;
    return tarn_reshape(g, y, s);
}

static bool one_matrix(const tarn_node *a, const tarn_node *b) {
    for (int i = 0; i + 2 < b->shape.rank; i++)
        if (b->shape.dim[i] != 1) return false;
    return a->shape.rank > 2 && a->shape.rank >= b->shape.rank;
}

// x with the leading axes of `lead` and its own last two.
static tarn_node *with_lead(tarn_graph *g, tarn_node *x, tarn_shape lead) {
    for (int i = 1; i <= 2; i++) lead.dim[lead.rank++] = x->shape.dim[x->shape.rank - 3 + i];
    return tarn_broadcast_to(g, x, lead);
}

tarn_node *tarn_matmul(tarn_graph *g, tarn_node *a, tarn_node *b) {
    if (!a || !b || g->status) return NULL;
    tarn_shape x = a->shape, w = b->shape, lead;
    if (x.rank < 2 || w.rank < 2 || same_lead(&x, &w)) return tarn_dot(g, a, b, false, false);
    if (one_matrix(a, b)) return rows_times(g, a, b);
    x.rank -= 2;
    w.rank -= 2;
    tarn_status st = ti_broadcast(g, &x, &w, &lead);
    if (st) return ti_graph_fail(g, st);
    return tarn_dot(g, with_lead(g, a, lead), with_lead(g, b, lead), false, false);
}
