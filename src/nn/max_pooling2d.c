// The largest of each window, channels last: x [batch, h, w, c] -> [batch, oh, ow, c].
#include "nn/layer.h"

tarn_layer tarn_max_pooling2d_(const tarn_max_pooling2d_opts *opts) {
    tarn_layer l = {.kind = TARN_LAYER_MAX_POOLING2D};
    if (opts) l.max_pooling2d = *opts;
    l.name = l.max_pooling2d.name;
    return l;
}

static ti_windows windows(const ti_layer *l) {
    const tarn_max_pooling2d_opts *o = &l->spec.max_pooling2d;
    return ti_windows_of(l, o->pool_size, 2, o->strides, 0, o->padding);
}

static tarn_status infer(ti_layer *l) {
    ti_windows at = windows(l);
    TI_TRY(ti_windows_check(l, &at));
    l->out = TARN_SHAPE(at.out[0], at.out[1], l->in.dim[2]);
    return TARN_OK;
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    ti_windows at = windows(l);
    const int *p = at.around;
    (void)w, (void)training;
    return tarn_max_pool2d(g, x, .window = {at.size[0], at.size[1]},
                           .stride = {at.strides[0], at.strides[1]},
                           .padding = {p[0], p[1], p[2], p[3]});
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    ti_windows at = windows(l);
    return ti_windows_to_json(&at, o, "pool_size");
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    tarn_max_pooling2d_opts *p = &d->layer.max_pooling2d;
    return ti_windows_from_json(o, "pool_size", p->pool_size, p->strides, &p->padding);
}

const ti_layer_ops ti_layer_max_pooling2d = {
    .kind = "max_pooling2d",
    .infer = infer,
    .apply = apply,
    .to_json = to_json,
    .from_json = from_json,
};
