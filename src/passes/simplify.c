// Simplification. Before and after: any primitives. Equal nodes become one (hash-consing in the
// new graph), dead ones vanish, and the rules below apply. Every rule is exact for all inputs,
// NaN, infinities and signed zeros included, so that the pass changes no bit.
#include <math.h>

#include "passes/passes.h"

static bool keeps_shape(const tarn_node *old, const tarn_node *x) {
    return tarn_shape_equal(&old->shape, &x->shape);
}

// Not -0: x - (-0) turns -0 into 0, as x + 0 does.
static bool is_plus_zero(const tarn_node *x) { return ti_is_const(x, 0) && !signbit(x->at.value); }

// x * 1 -> x, 1 * x -> x, x / 1 -> x, x - 0 -> x
static tarn_node *neutral(const tarn_node *old, tarn_node *const *in) {
    if (old->op == &ti_op_mul && ti_is_const(in[0], 1) && keeps_shape(old, in[1])) return in[1];
    bool right = ((old->op == &ti_op_mul || old->op == &ti_op_div) && ti_is_const(in[1], 1)) ||
                 (old->op == &ti_op_sub && is_plus_zero(in[1]));
    return right && keeps_shape(old, in[0]) ? in[0] : NULL;
}

// where(c, x, x) -> x
static tarn_node *same_branches(const tarn_node *old, tarn_node *const *in) {
    bool same = old->op == &ti_op_where && in[1] == in[2];
    return same && keeps_shape(old, in[1]) ? in[1] : NULL;
}

// reshape(reshape(x)) -> reshape(x); reshape to its own shape -> x
static tarn_node *reshape_chain(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    if (old->op != &ti_op_reshape) return NULL;
    tarn_node *x = in[0];
    while (ti_is(x, &ti_op_reshape)) x = x->in[0];
    return tarn_reshape(g, x, old->shape);
}

// An element-wise op broadcasts by itself: its operand need not be broadcast before, as long as
// the result's shape stays.
static tarn_node *implicit_broadcast(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    if (old->op->kind != TI_ELEMENTWISE) return NULL;
    tarn_node *args[3] = {NULL};
    bool changed = false;
    for (int i = 0; i < old->n_in; i++) {
        args[i] = in[i];
        if (!ti_is(in[i], &ti_op_broadcast_to)) continue;
        tarn_shape y = in[i]->in[0]->shape;
        for (int j = 0; j < old->n_in; j++) {
            const tarn_node *other = j < i ? args[j] : in[j];
            if (j != i && ti_broadcast(g, &y, &other->shape, &y)) return NULL;
        }
        if (!tarn_shape_equal(&y, &old->shape)) continue;
        args[i] = in[i]->in[0];
        changed = true;
    }
    return changed ? ti_node(g, old->op, args, old->n_in, &old->at) : NULL;
}

// A contraction over one element is an outer product: its chain begins with the product itself.
static tarn_node *outer_product(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    if (old->op != &ti_op_dot || tarn_node_dim(in[0], old->at.trans_a ? -2 : -1) != 1) return NULL;
    if (ti_is(in[0], &ti_op_window)) return NULL;
    tarn_shape a = old->shape, b = old->shape;
    a.dim[a.rank - 1] = b.dim[b.rank - 2] = 1;
    return tarn_mul(g, tarn_reshape(g, in[0], a), tarn_reshape(g, in[1], b));
}

static tarn_node *simplify(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    tarn_node *y = neutral(old, in);
    if (!y) y = same_branches(old, in);
    if (!y) y = reshape_chain(g, old, in);
    if (!y) y = outer_product(g, old, in);
    if (!y) y = implicit_broadcast(g, old, in);
    return y;
}

tarn_status ti_pass_simplify(const ti_work *in, ti_work *out) {
    return ti_rewrite(in, simplify, true, out);
}
