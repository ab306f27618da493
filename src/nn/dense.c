// y = activation(x * kernel + bias); x [batch, in], kernel [in, units], bias [units].
#include "nn/layer.h"

enum { MAX_UNITS = 1 << 30 };

tarn_layer tarn_dense_(int64_t units, const tarn_dense_opts *opts) {
    tarn_layer l = {.kind = TARN_LAYER_DENSE, .units = units};
    if (opts) l.dense = *opts;
    l.name = l.dense.name;
    return l;
}

static tarn_init kernel_init(const ti_layer *l) {
    const tarn_init *i = l->spec.dense.kernel_initializer;
    return i ? *i : tarn_init_glorot_uniform();
}

static tarn_init bias_init(const ti_layer *l) {
    const tarn_init *i = l->spec.dense.bias_initializer;
    return i ? *i : tarn_init_zeros();
}

static tarn_status infer(ti_layer *l) {
    int64_t units = l->spec.units;
    if (units < 1 || units > MAX_UNITS)
        return ti_error(TARN_EARG, "layer '%s' expects 1 to %d units, not %lld", l->name, MAX_UNITS,
                        (long long)units);
    TI_TRY(ti_activation_check(l->spec.dense.activation));
    if (l->in.rank != 1)
        return ti_error(TARN_ESHAPE,
                        "layer '%s' expects one axis of features, a sample here has %d axes: put "
                        "a flatten layer before it",
                        l->name, l->in.rank);
    l->param[0] = (ti_param){
        .name = "kernel", .shape = TARN_SHAPE(l->in.dim[0], units), .init = kernel_init(l)};
    l->n_params = 1;
    if (!l->spec.dense.no_bias)
        l->param[l->n_params++] = (ti_param){
            .name = "bias", .shape = TARN_SHAPE(units), .init = bias_init(l)};
    l->out = TARN_SHAPE(units);
    return TARN_OK;
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    (void)training;
    tarn_node *y = tarn_matmul(g, x, w[0]);  // x [batch, in] * kernel [in, units]
    if (l->n_params > 1) y = tarn_add(g, y, w[1]);
    return tarn_activation(g, y, l->spec.dense.activation);
}

static double flops(const ti_layer *l) {
    return 2.0 * (double)l->in.dim[0] * (double)l->spec.units;
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    const char *activation = l->spec.dense.activation;
    tarn_init kernel = kernel_init(l), bias = bias_init(l);
    TI_TRY(ti_json_set(o, "units", json_integer(l->spec.units)));
    TI_TRY(ti_json_set(o, "activation", json_string(activation ? activation : "linear")));
    TI_TRY(ti_json_set(o, "use_bias", json_boolean(!l->spec.dense.no_bias)));
    TI_TRY(ti_init_to_json(&kernel, o, "kernel_initializer"));
    return ti_init_to_json(&bias, o, "bias_initializer");
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    tarn_dense_opts *opts = &d->layer.dense;
    bool use_bias = true;
    TI_TRY(ti_json_int(o, "units", 1, MAX_UNITS, &d->layer.units));
    TI_TRY(ti_json_text(o, "activation", &opts->activation));
    TI_TRY(ti_json_bool(o, "use_bias", &use_bias));
    opts->no_bias = !use_bias;
    if (json_object_get(o, "kernel_initializer")) {
        TI_TRY(ti_init_from_json(o, "kernel_initializer", &d->kernel));
        opts->kernel_initializer = &d->kernel;
    }
    if (json_object_get(o, "bias_initializer")) {
        TI_TRY(ti_init_from_json(o, "bias_initializer", &d->bias));
        opts->bias_initializer = &d->bias;
    }
    return TARN_OK;
}

const ti_layer_ops ti_layer_dense = {
    .kind = "dense",
    .infer = infer,
    .apply = apply,
    .flops = flops,
    .to_json = to_json,
    .from_json = from_json,
};
