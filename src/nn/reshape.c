// [batch, ...] -> [batch, target]
#include "nn/layer.h"

tarn_layer tarn_reshape_layer(tarn_shape target) {
    return (tarn_layer){.kind = TARN_LAYER_RESHAPE, .target = target};
}

// The target with its -1, if it has one, replaced; false when the numbers of elements differ.
static bool fill_in(tarn_shape *s, int64_t numel) {
    int64_t known = 1, *open = NULL;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] == -1 && !open) {
            open = &s->dim[i];
        } else if (s->dim[i] < 1 || __builtin_mul_overflow(known, s->dim[i], &known)) {
            return false;
        }
    }
    if (open) *open = numel / known;
    return known * (open ? *open : 1) == numel;
}

static tarn_status infer(ti_layer *l) {
    int64_t numel = tarn_shape_numel(&l->in);
    l->out = l->spec.target;
    if (l->out.rank < 1 || l->out.rank >= TARN_MAX_RANK)
        return ti_error(TARN_ESHAPE, "layer '%s' expects a target shape of 1 to %d sizes", l->name,
                        TARN_MAX_RANK - 1);
    if (fill_in(&l->out, numel)) return TARN_OK;
    return ti_error(TARN_ESHAPE, "layer '%s': %lld numbers a sample do not fill the target shape",
                    l->name, (long long)numel);
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    tarn_shape s = {.rank = l->out.rank + 1, .dim = {tarn_node_dim(x, 0)}};
    (void)w, (void)training;
    for (int i = 0; i < l->out.rank; i++) s.dim[i + 1] = l->out.dim[i];
    return tarn_reshape(g, x, s);
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    json_t *list = json_array();
    TI_TRY(ti_json_set(o, "target_shape", list));
    for (int i = 0; i < l->out.rank; i++)
        if (json_array_append_new(list, json_integer(l->out.dim[i])))
            return ti_error(TARN_ENOMEM, "out of memory");
    return TARN_OK;
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    json_t *list = json_object_get(o, "target_shape");
    size_t n = json_array_size(list);
    if (n < 1 || n >= TARN_MAX_RANK)
        return ti_error(TARN_EFORMAT, "'target_shape' is not a list of 1 to %d sizes",
                        TARN_MAX_RANK - 1);
    d->layer.target.rank = (int)n;
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        if (!json_is_integer(v))
            return ti_error(TARN_EFORMAT, "'target_shape' holds something else than sizes");
        d->layer.target.dim[i] = json_integer_value(v);
    }
    return TARN_OK;
}

const ti_layer_ops ti_layer_reshape = {
    .kind = "reshape",
    .infer = infer,
    .apply = apply,
    .to_json = to_json,
    .from_json = from_json,
};
