// Arithmetic on two operands with NumPy broadcasting; both of one dtype.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    if (n->in[0]->dtype != n->in[1]->dtype)
        return ti_error(TARN_EDTYPE, "operands are %s and %s; tarn_cast converts",
                        tarn_dtype_name(n->in[0]->dtype), tarn_dtype_name(n->in[1]->dtype));
    if (n->in[0]->dtype == TARN_BOOL) return ti_error(TARN_EDTYPE, "arithmetic on bool");
    n->dtype = n->in[0]->dtype;
    return ti_broadcast(n->graph, &n->in[0]->shape, &n->in[1]->shape, &n->shape);
}

// Give operand i the gradient d, summed over what broadcasting repeated.
static void flow(ti_grad *r, int i, tarn_node *d) {
    r->dx[i] = ti_sum_to(r->g, d, &r->in[i]->shape);
}

static void add_grad(ti_grad *r) {
    flow(r, 0, r->dy);
    flow(r, 1, r->dy);
}

static void sub_grad(ti_grad *r) {
    flow(r, 0, r->dy);
    flow(r, 1, tarn_neg(r->g, r->dy));
}

static void mul_grad(ti_grad *r) {
    flow(r, 0, tarn_mul(r->g, r->dy, r->in[1]));
    flow(r, 1, tarn_mul(r->g, r->dy, r->in[0]));
}

// d(a/b) = dy / b,  -dy * y / b
static void div_grad(ti_grad *r) {
    tarn_node *d = tarn_div(r->g, r->dy, r->in[1]);
    flow(r, 0, d);
    flow(r, 1, tarn_neg(r->g, tarn_mul(r->g, d, r->y)));
}

// The operand that won gets the gradient; the second on a tie.
static void pick_grad(ti_grad *r, tarn_node *first_won) {
    tarn_node *zero = ti_like(r->dy, 0);
    flow(r, 0, tarn_where(r->g, first_won, r->dy, zero));
    flow(r, 1, tarn_where(r->g, first_won, zero, r->dy));
}
static void max_grad(ti_grad *r) { pick_grad(r, tarn_less(r->g, r->in[1], r->in[0])); }
static void min_grad(ti_grad *r) { pick_grad(r, tarn_less(r->g, r->in[0], r->in[1])); }

#define BINARY(id, text, op, rule, divisor)                                                    \
    const ti_op ti_op_##id = {.name = text,                                                    \
                              .kind = TI_ELEMENTWISE,                                          \
                              .code = op,                                                      \
                              .n_in = 2,                                                       \
                              .infer = infer,                                                  \
                              .grad = rule,                                                    \
                              .samples = "3x4 3x4" divisor "; 5 1" divisor "; 2x3x4 4" divisor \
                                         "; 2x1x3 4x1" divisor "; 7x1 1x9" divisor             \
                                         "; 1 1" divisor};                                     \
    tarn_node *tarn_##id(tarn_graph *g, tarn_node *a, tarn_node *b) {                          \
        return ti_node2(g, &ti_op_##id, a, b, NULL);                                           \
    }
BINARY(add, "add", TI_ADD, add_grad, "")
BINARY(sub, "sub", TI_SUB, sub_grad, "")
BINARY(mul, "mul", TI_MUL, mul_grad, "")
BINARY(div, "div", TI_DIV, div_grad, ":p")
BINARY(maximum, "maximum", TI_MAX, max_grad, "")
BINARY(minimum, "minimum", TI_MIN, min_grad, "")
