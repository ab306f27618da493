// Inverted dropout (Srivastava, Hinton et al. 2014): y = keep ? x / (1 - rate) : 0.
// keep is drawn from random bits that the gradient draws again: no mask need be kept for it.
#include <math.h>

#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    if (!(n->at.value >= 0 && n->at.value < 1))
        return ti_error(TARN_EARG, "rate %g, 0 <= rate < 1 expected", n->at.value);
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

// where(bits < rate * 2^32, 0, x / (1 - rate))
static tarn_node *drop(tarn_graph *g, const tarn_node *n, tarn_node *x, tarn_node *step) {
    ti_attrs at = {.shape = n->shape, .stream = n->at.stream};
    tarn_node *bits = ti_node1(g, &ti_op_random_bits, step, &at);
    tarn_node *cut = tarn_constant(g, TARN_U32, floor(n->at.value * 0x1p32));
    tarn_node *scaled = tarn_mul(g, x, ti_like(x, 1 / (1 - n->at.value)));
    return tarn_where(g, tarn_less(g, bits, cut), ti_like(x, 0), scaled);
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    return drop(g, n, in[0], in[1]);
}

static void grad(ti_grad *r) { r->dx[0] = drop(r->g, r->y, r->dy, r->in[1]); }

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const double rates[] = {0, 0.2, 0.9};
    return v > 2 ? NULL : tarn_dropout(g, in[0], rates[v], "sample");
}

const ti_op ti_op_dropout = {.name = "dropout",
                             .kind = TI_COMPOSITE,
                             .n_in = 2,
                             .infer = infer,
                             .lower = lower,
                             .grad = grad,
                             .samples = "3x4; 40x33",
                             .variant = variant};

tarn_node *tarn_dropout(tarn_graph *g, tarn_node *x, double rate, const char *stream) {
    if (!x) return NULL;
    ti_attrs at = {.value = rate, .stream = ti_hash64(stream) ^ g->stream_key};
    return ti_node2(g, &ti_op_dropout, x, ti_random_step(g), &at);
}
