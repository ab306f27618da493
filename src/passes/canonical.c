// Canonical reductions. Before: reductions along any axes. After: each reduces one axis of a
// two-axis operand, the last ("rows") or the first ("columns"); axes in the middle are moved last
// by a transpose. The order of a sum is defined on the logical order of the reduced elements, so
// this changes no bit.
#include "passes/passes.h"

static bool reduced(const tarn_node *n, int axis) { return n->at.axes & TARN_AXIS(axis); }

static bool unit(const tarn_node *n, int axis) { return n->in[0]->shape.dim[axis] == 1; }

// +1: reduced axes come last, -1: first, 0: mixed. Axes of size 1 fit anywhere.
static int side(const tarn_node *n) {
    bool last = true, first = true, seen_kept = false, seen_gone = false;
    for (int i = 0; i < n->in[0]->shape.rank; i++) {
        if (unit(n, i)) continue;
        if (reduced(n, i)) {
            first &= !seen_kept;
            seen_gone = true;
        } else {
            last &= !seen_gone;
            seen_kept = true;
        }
    }
    return last ? 1 : first ? -1 : 0;
}

static tarn_node *reduced_last(tarn_graph *g, const tarn_node *n, tarn_node *x) {
    int perm[TARN_MAX_RANK], at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < x->shape.rank; i++)
            if (reduced(n, i) == pass) perm[at++] = i;
    return tarn_transpose(g, x, perm);
}

static tarn_node *canonical(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    if (n->op->kind != TI_REDUCE) return NULL;
    int64_t kept = 1, gone = 1;
    for (int i = 0; i < n->in[0]->shape.rank; i++) {
        int64_t *size = reduced(n, i) ? &gone : &kept;
        *size = tarn_dim_mul(g, *size, in[0]->shape.dim[i]);
    }
    int where = side(n);
    tarn_node *x = where ? in[0] : reduced_last(g, n, in[0]);
    bool rows = where >= 0;
    if (gone == 1 && n->op == &ti_op_argmax)
        return tarn_broadcast_to(g, tarn_constant(g, TARN_I32, 0), n->shape);
    if (gone == 1) {  // sum of one element is 0 + x, so that -0 becomes 0 as in the chain
        x = tarn_reshape(g, x, n->shape);
        return n->op == &ti_op_sum ? tarn_add(g, x, ti_like(x, 0)) : x;
    }
    x = tarn_reshape(g, x, rows ? TARN_SHAPE(kept, gone) : TARN_SHAPE(gone, kept));
    tarn_node *y = ti_node1(g, n->op, x, &(ti_attrs){.axes = TARN_AXIS(rows ? 1 : 0)});
    return tarn_reshape(g, y, n->shape);
}

tarn_status ti_pass_canonical(const ti_work *in, ti_work *out) {
    return ti_rewrite(in, canonical, false, out);
}
