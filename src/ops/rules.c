// What shape and gradient rules share: checks, broadcasting and its reverse.
#include "ops/ops.h"

bool ti_dtype_float(tarn_dtype t) { return ti_dtype_kind(t) == 'f'; }
bool ti_dtype_half(tarn_dtype t) { return t == TARN_F16 || t == TARN_BF16; }

bool ti_is_const(const tarn_node *n, double value) {
    return n->op == &ti_op_constant && n->at.value == value;
}

tarn_status ti_need_float(const tarn_node *n, int i) {
    tarn_dtype t = n->in[i]->dtype;
    if (t == TARN_F32 || t == TARN_F64) return TARN_OK;
    return ti_error(TARN_EDTYPE, "operand %d is %s, f32 or f64 expected", i, tarn_dtype_name(t));
}

static tarn_status broadcast_error(const tarn_graph *g, const tarn_shape *a, const tarn_shape *b) {
    char x[160], y[160];
    ti_named_shape_text(g, a, x, sizeof x);
    ti_named_shape_text(g, b, y, sizeof y);
    return ti_error(TARN_ESHAPE, "shapes %s and %s do not broadcast", x, y);
}

tarn_status ti_broadcast(const tarn_graph *g, const tarn_shape *a, const tarn_shape *b,
                         tarn_shape *out) {
    tarn_shape y = {a->rank > b->rank ? a->rank : b->rank, {0}};
    for (int i = 1; i <= y.rank; i++) {
        int64_t p = i <= a->rank ? a->dim[a->rank - i] : 1;
        int64_t q = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (p != q && p != 1 && q != 1) return broadcast_error(g, a, b);
        y.dim[y.rank - i] = p == 1 ? q : p;
    }
    *out = y;
    return TARN_OK;
}

tarn_node *ti_sum_to(tarn_graph *g, tarn_node *x, const tarn_shape *shape) {
    if (!x || tarn_shape_equal(&x->shape, shape)) return x;
    tarn_axes axes = 0;
    int lead = x->shape.rank - shape->rank;
    for (int i = 0; i < x->shape.rank; i++)
        if (i < lead || (shape->dim[i - lead] == 1 && x->shape.dim[i] != 1)) axes |= TARN_AXIS(i);
    tarn_node *y = axes ? tarn_sum(g, x, axes, TARN_KEEP) : x;
    return tarn_reshape(g, y, *shape);
}

tarn_node *ti_like(tarn_node *x, double value) {
    return x ? tarn_constant(x->graph, x->dtype, value) : NULL;
}
