// Reductions along axes. The order of a sum is part of its meaning (docs/design.md, bit model):
// 16 lanes, a fixed tree, chunks of 4096. x [..], y without the reduced axes (size 1 with keep).
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape;
    n->dtype = n->in[0]->dtype;
    if (n->dtype != TARN_F32 && n->dtype != TARN_F64 && n->dtype != TARN_I32 &&
        n->dtype != TARN_I64)
        return ti_error(TARN_EDTYPE, "operand is %s; f32, f64, i32 or i64 expected",
                        tarn_dtype_name(n->dtype));
    n->shape = (tarn_shape){0};
    for (int i = 0; i < x->rank; i++) {
        bool gone = n->at.axes & TARN_AXIS(i);
        if (!gone || n->at.keep) n->shape.dim[n->shape.rank++] = gone ? 1 : x->dim[i];
    }
    return TARN_OK;
}

static tarn_status infer_argmax(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->shape.rank < 1) return ti_error(TARN_ESHAPE, "operand has no axis");
    TI_TRY(infer(n));
    n->dtype = TARN_I32;
    return TARN_OK;
}

// A result of the reduction, put back to the operand's rank with size-1 axes.
static tarn_node *keep_rank(ti_grad *r, tarn_node *y) {
    tarn_shape s = r->in[0]->shape;
    for (int i = 0; i < s.rank; i++)
        if (r->y->at.axes & TARN_AXIS(i)) s.dim[i] = 1;
    return tarn_reshape(r->g, y, s);
}

static void sum_grad(ti_grad *r) {
    r->dx[0] = tarn_broadcast_to(r->g, keep_rank(r, r->dy), r->in[0]->shape);
}

// Shared equally among the elements that reach the maximum.
static void max_grad(ti_grad *r) {
    tarn_graph *g = r->g;
    tarn_node *x = r->in[0], *one = ti_like(x, 1), *zero = ti_like(x, 0);
    tarn_node *hit = tarn_where(g, tarn_equal(g, x, keep_rank(r, r->y)), one, zero);
    tarn_node *share = tarn_div(g, hit, tarn_sum(g, hit, r->y->at.axes, TARN_KEEP));
    r->dx[0] = tarn_mul(g, share, keep_rank(r, r->dy));
}

// Every choice of axes, then each again with keep.
static tarn_node *axes_variant(const ti_op *op, tarn_graph *g, tarn_node *x, int v) {
    int choices = (1 << x->shape.rank) - 1;
    if (v >= 2 * choices) return NULL;
    ti_attrs at = {.axes = (tarn_axes)(v % choices + 1), .keep = v >= choices};
    return ti_node1(g, op, x, &at);
}
static tarn_node *sum_variant(tarn_graph *g, tarn_node *const *in, int v) {
    return axes_variant(&ti_op_sum, g, in[0], v);
}
static tarn_node *max_variant(tarn_graph *g, tarn_node *const *in, int v) {
    return axes_variant(&ti_op_max, g, in[0], v);
}
static tarn_node *argmax_variant(tarn_graph *g, tarn_node *const *in, int v) {
    return v ? NULL : tarn_argmax(g, in[0]);
}

const ti_op ti_op_sum = {.name = "sum",
                         .kind = TI_REDUCE,
                         .code = TI_SUM,
                         .n_in = 1,
                         .infer = infer,
                         .grad = sum_grad,
                         .samples = "3x4; 17; 1x5; 40x3; 2x3x4; 1x5000",
                         .variant = sum_variant};
const ti_op ti_op_max = {.name = "max",
                         .kind = TI_REDUCE,
                         .code = TI_REDUCE_MAX,
                         .n_in = 1,
                         .infer = infer,
                         .grad = max_grad,
                         .samples = "3x4; 17; 1x5; 2x3x4",
                         .variant = max_variant};
const ti_op ti_op_argmax = {.name = "argmax",
                            .kind = TI_REDUCE,
                            .code = TI_ARGMAX,
                            .n_in = 1,
                            .infer = infer_argmax,
                            .no_grad = true,
                            .samples = "3x4; 17; 40x33; 5x1",
                            .variant = argmax_variant};

static tarn_node *reduce(tarn_graph *g, const ti_op *op, tarn_node *x, tarn_axes axes, int flags) {
    if (!x) return NULL;
    axes &= (tarn_axes)((1u << x->shape.rank) - 1);
    if (!axes) return x;
    return ti_node1(g, op, x, &(ti_attrs){.axes = axes, .keep = flags & TARN_KEEP});
}

tarn_node *tarn_sum(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags) {
    return reduce(g, &ti_op_sum, x, axes, flags);
}
tarn_node *tarn_max(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags) {
    return reduce(g, &ti_op_max, x, axes, flags);
}
tarn_node *tarn_argmax(tarn_graph *g, tarn_node *x) {
    if (!x) return NULL;
    tarn_axes last = x->shape.rank ? TARN_AXIS(x->shape.rank - 1) : 0;
    return ti_node1(g, &ti_op_argmax, x, &(ti_attrs){.axes = last});
}
