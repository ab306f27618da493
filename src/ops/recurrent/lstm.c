// A layer of long short-term memory over a whole sequence (Hochreiter and Schmidhuber 1997, with
// the forget gate of Gers et al. 2000):
//     i, f, g, o = x_t W + h U + b in four parts of H columns, in this order
//     c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')
// x [n,t,f], W [f,4H], U [H,4H], b [4H], first h and c [n,H] -> all h [n,t,H]. What the input gives
// is one product for all times, before the loop.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    enum { OPERANDS = 6 };
    static const int ranks[OPERANDS] = {3, 2, 2, 1, 2, 2};
    const tarn_shape *s[OPERANDS];
    TI_TRY(ti_need_float(n, 0));
    for (int i = 0; i < OPERANDS; i++) {
        s[i] = &n->in[i]->shape;
        if (n->in[i]->dtype != n->in[0]->dtype)
            return ti_error(TARN_EDTYPE, "operand %d is %s, operand 0 %s", i,
                            tarn_dtype_name(n->in[i]->dtype), tarn_dtype_name(n->in[0]->dtype));
        if (s[i]->rank != ranks[i])
            return ti_error(TARN_ESHAPE, "operand %d has %d axes, not %d", i, s[i]->rank, ranks[i]);
    }
    int64_t units = s[2]->dim[0], gates = 4 * units;
    bool fit = units >= 1 && s[1]->dim[0] == s[0]->dim[2] && s[1]->dim[1] == gates &&
               s[2]->dim[1] == gates && s[3]->dim[0] == gates;
    for (int i = 4; i < OPERANDS; i++) fit &= s[i]->dim[0] == s[0]->dim[0] && s[i]->dim[1] == units;
    if (!fit)
        return ti_error(TARN_ESHAPE, "x [n,t,f], W [f,4h], U [h,4h], b [4h], h [n,h], c [n,h]"
                                     " expected");
    n->dtype = n->in[0]->dtype;
    n->shape = TARN_SHAPE(s[0]->dim[0], s[0]->dim[1], units);
    return TARN_OK;
}

// Columns k H to (k + 1) H of the gates.
static tarn_node *part(tarn_graph *g, tarn_node *gates, int k) {
    int64_t units = tarn_node_dim(gates, 1) / 4;
    return tarn_slice(g, gates, (int64_t[]){0, k * units}, NULL,
                      TARN_SHAPE(tarn_node_dim(gates, 0), units));
}

static void advance(tarn_graph *g, tarn_node *gates, tarn_node *const *carry, tarn_node **next) {
    tarn_node *in = tarn_sigmoid(g, part(g, gates, 0)),
              *forget = tarn_sigmoid(g, part(g, gates, 1));
    tarn_node *new = tarn_tanh(g, part(g, gates, 2)), *out = tarn_sigmoid(g, part(g, gates, 3));
    next[1] = tarn_add(g, tarn_mul(g, forget, carry[1]), tarn_mul(g, in, new));
    next[0] = tarn_mul(g, out, tarn_tanh(g, next[1]));
}

static void step(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                 tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    advance(g, tarn_add(g, x[0], tarn_matmul(g, carry[0], use[0])), carry, next);
    y[0] = next[0];
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    static const int swap[3] = {1, 0, 2};
    const tarn_shape *x = &in[0]->shape;
    int64_t rows = tarn_dim_mul(g, x->dim[0], x->dim[1]), gates = in[1]->shape.dim[1];
    tarn_node *all = tarn_matmul(g, tarn_reshape(g, in[0], TARN_SHAPE(rows, x->dim[2])), in[1]);
    all = tarn_reshape(g, tarn_add(g, all, in[3]), TARN_SHAPE(x->dim[0], x->dim[1], gates));
    all = tarn_transpose(g, all, swap);
    tarn_node *last[2], *y = NULL;
    const tarn_scan_opts o = {.body = step,
                              .carry = in + 4,
                              .n_carry = 2,
                              .x = &all,
                              .n_x = 1,
                              .use = in + 2,
                              .n_use = 1,
                              .n_y = 1};
    (void)n;
    return tarn_scan(g, &o, last, &y) ? NULL : tarn_transpose(g, y, swap);
}

const ti_op ti_op_lstm = {.name = "lstm",
                          .kind = TI_COMPOSITE,
                          .n_in = 6,
                          .infer = infer,
                          .lower = lower,
                          .samples = "2x3x2 2x8 2x8 8 2x2 2x2; 1x1x3 3x4 1x4 4 1x1 1x1"};

tarn_node *tarn_lstm(tarn_graph *g, tarn_node *x, tarn_node *w, tarn_node *u, tarn_node *b,
                     tarn_node *h, tarn_node *c) {
    return ti_node(g, &ti_op_lstm, (tarn_node *[]){x, w, u, b, h, c}, 6, NULL);
}
