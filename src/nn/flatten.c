// [batch, a, b, ...] -> [batch, a * b * ...]
#include "nn/layer.h"

tarn_layer tarn_flatten_layer(void) { return (tarn_layer){.kind = TARN_LAYER_FLATTEN}; }

static tarn_status infer(ti_layer *l) {
    l->out = TARN_SHAPE(tarn_shape_numel(&l->in));
    return TARN_OK;
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    (void)w, (void)training;
    return tarn_reshape(g, x, TARN_SHAPE(tarn_node_dim(x, 0), l->out.dim[0]));
}

const ti_layer_ops ti_layer_flatten = {
    .kind = "flatten",
    .infer = infer,
    .apply = apply,
};
