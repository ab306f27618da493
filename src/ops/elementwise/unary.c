// Functions of one operand.
#include "ops/ops.h"

static tarn_status infer_float(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

static tarn_status infer_signed(tarn_node *n) {
    char kind = ti_dtype_kind(n->in[0]->dtype);
    if (kind != 'f' && kind != 'i')
        return ti_error(TARN_EDTYPE, "operand is %s, a signed type expected",
                        tarn_dtype_name(n->in[0]->dtype));
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

static void neg_grad(ti_grad *r) { r->dx[0] = tarn_neg(r->g, r->dy); }

// sign(x) * dy, 0 at 0
static void abs_grad(ti_grad *r) {
    tarn_node *zero = ti_like(r->in[0], 0);
    tarn_node *neg = tarn_where(r->g, tarn_less(r->g, r->in[0], zero), tarn_neg(r->g, r->dy), zero);
    r->dx[0] = tarn_where(r->g, tarn_less(r->g, zero, r->in[0]), r->dy, neg);
}

static void exp_grad(ti_grad *r) { r->dx[0] = tarn_mul(r->g, r->dy, r->y); }
static void log_grad(ti_grad *r) { r->dx[0] = tarn_div(r->g, r->dy, r->in[0]); }

// dy / (2 y)
static void sqrt_grad(ti_grad *r) { r->dx[0] = tarn_div(r->g, r->dy, tarn_add(r->g, r->y, r->y)); }

// dy * (1 - y^2)
static void tanh_grad(ti_grad *r) {
    tarn_node *one = ti_like(r->y, 1);
    r->dx[0] = tarn_mul(r->g, r->dy, tarn_sub(r->g, one, tarn_mul(r->g, r->y, r->y)));
}

#define UNARY(id, op, infer_rule, rule, domain)                                  \
    const ti_op ti_op_##id = {.name = #id,                                       \
                              .kind = TI_ELEMENTWISE,                            \
                              .code = op,                                        \
                              .n_in = 1,                                         \
                              .infer = infer_rule,                               \
                              .grad = rule,                                      \
                              .samples = "3x4" domain "; 1" domain "; 17" domain \
                                         "; 2x3x5" domain};                      \
    tarn_node *tarn_##id(tarn_graph *g, tarn_node *x) { return ti_node1(g, &ti_op_##id, x, NULL); }
UNARY(neg, TI_NEG, infer_signed, neg_grad, "")
UNARY(abs, TI_ABS, infer_signed, abs_grad, "")
UNARY(exp, TI_EXP, infer_float, exp_grad, "")
UNARY(log, TI_LOG, infer_float, log_grad, ":p")
UNARY(sqrt, TI_SQRT, infer_float, sqrt_grad, ":p")
UNARY(tanh, TI_TANH, infer_float, tanh_grad, "")
