// Small composites of one operand: stop_gradient, square, relu, sigmoid.
#include "ops/ops.h"

static tarn_status same(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

static tarn_status same_float(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    return same(n);
}

static tarn_node *identity_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    (void)g;
    (void)n;
    return in[0];
}

static tarn_node *square_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    (void)n;
    return tarn_mul(g, in[0], in[0]);
}

// 2 x dy
static void square_grad(ti_grad *r) {
    r->dx[0] = tarn_mul(r->g, tarn_add(r->g, r->in[0], r->in[0]), r->dy);
}

// maximum keeps the second operand unless the first is larger or NaN
static tarn_node *relu_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    (void)n;
    return tarn_maximum(g, in[0], ti_like(in[0], 0));
}

// dy where y > 0: needs y only, so x need not stay alive
static void relu_grad(ti_grad *r) {
    tarn_node *zero = ti_like(r->y, 0);
    r->dx[0] = tarn_where(r->g, tarn_less(r->g, zero, r->y), r->dy, zero);
}

static tarn_node *sigmoid_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    (void)n;
    tarn_node *one = ti_like(in[0], 1);
    return tarn_div(g, one, tarn_add(g, one, tarn_exp(g, tarn_neg(g, in[0]))));
}

// dy * y * (1 - y)
static void sigmoid_grad(ti_grad *r) {
    tarn_node *slope = tarn_mul(r->g, r->y, tarn_sub(r->g, ti_like(r->y, 1), r->y));
    r->dx[0] = tarn_mul(r->g, r->dy, slope);
}

#define COMPOSITE(id, infer_rule, lower_rule, ...)            \
    const ti_op ti_op_##id = {.name = #id,                    \
                              .kind = TI_COMPOSITE,           \
                              .n_in = 1,                      \
                              .infer = infer_rule,            \
                              .lower = lower_rule,            \
                              .samples = "3x4; 1; 17; 2x3x5", \
                              __VA_ARGS__};                   \
    tarn_node *tarn_##id(tarn_graph *g, tarn_node *x) { return ti_node1(g, &ti_op_##id, x, NULL); }
COMPOSITE(stop_gradient, same, identity_lower, .no_grad = true)
COMPOSITE(square, same_float, square_lower, .grad = square_grad)
COMPOSITE(relu, same_float, relu_lower, .grad = relu_grad)
COMPOSITE(sigmoid, same_float, sigmoid_lower, .grad = sigmoid_grad)
