// Inverted dropout (Srivastava et al. 2014), active in training only. The stream of its random
// numbers is the layer's name, so other layers do not change what it draws.
#include "nn/layer.h"

tarn_layer tarn_dropout_layer(double rate) {
    return (tarn_layer){.kind = TARN_LAYER_DROPOUT, .rate = ti_or(rate, 0)};
}

static tarn_status infer(ti_layer *l) {
    double rate = l->spec.rate;
    if (!(rate >= 0 && rate < 1))
        return ti_error(TARN_EARG, "layer '%s' expects a rate of at least 0 and below 1, not %g",
                        l->name, rate);
    l->out = l->in;
    return TARN_OK;
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    (void)w;
    return training && l->spec.rate > 0 ? tarn_dropout(g, x, l->spec.rate, l->name) : x;
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    return ti_json_set(o, "rate", json_real(l->spec.rate));
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    return ti_json_number(o, "rate", &d->layer.rate);
}

const ti_layer_ops ti_layer_dropout = {
    .kind = "dropout",
    .infer = infer,
    .apply = apply,
    .to_json = to_json,
    .from_json = from_json,
};
