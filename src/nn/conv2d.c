// y = activation(conv(x, kernel) + bias), channels last; x [batch, h, w, c], kernel [rows, columns,
// c, filters], bias [filters].
#include "nn/layer.h"

enum { MAX_FILTERS = 1 << 24 };

tarn_layer tarn_conv2d_layer_(int64_t filters, const tarn_conv2d_layer_opts *opts) {
    tarn_layer l = {.kind = TARN_LAYER_CONV2D, .units = filters};
    if (opts) l.conv2d = *opts;
    l.name = l.conv2d.name;
    return l;
}

static tarn_init kernel_init(const ti_layer *l) {
    return ti_init_or(l->spec.conv2d.kernel_initializer, tarn_init_glorot_uniform());
}
static tarn_init bias_init(const ti_layer *l) {
    return ti_init_or(l->spec.conv2d.bias_initializer, tarn_init_zeros());
}
static ti_windows windows(const ti_layer *l) {
    const tarn_conv2d_layer_opts *o = &l->spec.conv2d;
    return ti_windows_of(l, o->kernel_size, 0, o->strides, 1, o->padding);
}

static tarn_status infer(ti_layer *l) {
    int64_t filters = l->spec.units;
    ti_windows at = windows(l);
    if (filters < 1 || filters > MAX_FILTERS)
        return ti_error(TARN_EARG, "layer '%s' expects 1 to %d filters, not %lld", l->name,
                        MAX_FILTERS, (long long)filters);
    TI_TRY(ti_activation_check(l->spec.conv2d.activation));
    TI_TRY(ti_windows_check(l, &at));
    l->param[0] = (ti_param){
        .name = "kernel",
        .shape = TARN_SHAPE(at.size[0], at.size[1], l->in.dim[2], filters),
        .init = kernel_init(l),
    };
    l->n_params = 1;
    if (!l->spec.conv2d.no_bias)
        l->param[l->n_params++] = (ti_param){
            .name = "bias",
            .shape = TARN_SHAPE(filters),
            .init = bias_init(l),
        };
    l->out = TARN_SHAPE(at.out[0], at.out[1], filters);
    return TARN_OK;
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    ti_windows at = windows(l);
    const int *p = at.around;
    (void)training;
    tarn_node *y = tarn_conv2d(g, x, w[0], .stride = {at.strides[0], at.strides[1]},
                               .padding = {p[0], p[1], p[2], p[3]});
    if (l->n_params > 1) y = tarn_add(g, y, w[1]);
    return tarn_activation(g, y, l->spec.conv2d.activation);
}

static double flops(const ti_layer *l) {
    ti_windows at = windows(l);
    double places = (double)at.out[0] * (double)at.out[1];
    return 2 * places * at.size[0] * at.size[1] * (double)l->in.dim[2] * (double)l->spec.units;
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    const char *activation = l->spec.conv2d.activation;
    ti_windows at = windows(l);
    tarn_init kernel = kernel_init(l), bias = bias_init(l);
    TI_TRY(ti_json_set(o, "filters", json_integer(l->spec.units)));
    TI_TRY(ti_windows_to_json(&at, o, "kernel_size"));
    TI_TRY(ti_json_set(o, "activation", json_string(activation ? activation : "linear")));
    TI_TRY(ti_json_set(o, "use_bias", json_boolean(!l->spec.conv2d.no_bias)));
    TI_TRY(ti_init_to_json(&kernel, o, "kernel_initializer"));
    return ti_init_to_json(&bias, o, "bias_initializer");
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    tarn_conv2d_layer_opts *c = &d->layer.conv2d;
    bool use_bias = true;
    TI_TRY(ti_json_int(o, "filters", 1, MAX_FILTERS, &d->layer.units));
    TI_TRY(ti_windows_from_json(o, "kernel_size", c->kernel_size, c->strides, &c->padding));
    TI_TRY(ti_json_text(o, "activation", &c->activation));
    TI_TRY(ti_json_bool(o, "use_bias", &use_bias));
    c->no_bias = !use_bias;
    TI_TRY(ti_init_option(o, "kernel_initializer", &d->kernel, &c->kernel_initializer));
    return ti_init_option(o, "bias_initializer", &d->bias, &c->bias_initializer);
}

const ti_layer_ops ti_layer_conv2d = {
    .kind = "conv2d",
    .infer = infer,
    .apply = apply,
    .flops = flops,
    .to_json = to_json,
    .from_json = from_json,
};
