// Batch normalisation of the last axis (Ioffe and Szegedy 2015), as Keras has it. In training with
// the batch's statistics, whose moving averages are kept beside the weights; else with these.
#include "nn/layer.h"

enum { MOVING_MEAN, MOVING_VARIANCE, FIRST_TRAINED };  // of the parameters

tarn_layer tarn_batch_normalization_(const tarn_batch_normalization_opts *opts) {
    tarn_layer l = {.kind = TARN_LAYER_BATCH_NORMALIZATION};
    if (opts) l.batch_normalization = *opts;
    l.name = l.batch_normalization.name;
    return l;
}

static const tarn_batch_normalization_opts *options(const ti_layer *l) {
    return &l->spec.batch_normalization;
}
static double momentum(const ti_layer *l) { return ti_or(options(l)->momentum, 0.99); }
static double epsilon(const ti_layer *l) { return ti_or(options(l)->epsilon, 1e-3); }
static tarn_init gamma_init(const ti_layer *l) {
    return ti_init_or(options(l)->gamma_initializer, tarn_init_ones());
}
static tarn_init beta_init(const ti_layer *l) {
    return ti_init_or(options(l)->beta_initializer, tarn_init_zeros());
}

static void add_param(ti_layer *l, const char *name, tarn_init init, bool fixed) {
    tarn_shape channels = TARN_SHAPE(l->in.dim[l->in.rank - 1]);
    l->param[l->n_params++] = (ti_param){name, channels, init, fixed};
}

static tarn_status infer(ti_layer *l) {
    if (!(momentum(l) >= 0 && momentum(l) <= 1))
        return ti_error(TARN_EARG, "layer '%s' expects a momentum of 0 to 1, not %g", l->name,
                        momentum(l));
    if (!(epsilon(l) >= 0 && epsilon(l) <= 1))
        return ti_error(TARN_EARG, "layer '%s' expects an epsilon of 0 to 1, not %g", l->name,
                        epsilon(l));
    add_param(l, "moving_mean", tarn_init_zeros(), true);
    add_param(l, "moving_variance", tarn_init_ones(), true);
    if (!options(l)->no_scale) add_param(l, "gamma", gamma_init(l), false);
    if (!options(l)->no_center) add_param(l, "beta", beta_init(l), false);
    l->out = l->in;
    return TARN_OK;
}

// After this step: the average with what it was before, or, where the layer was used in the step
// already, with what that use made of it.
static void move(const ti_layer *l, tarn_graph *g, tarn_node *average, tarn_node *now) {
    tarn_node *keep = tarn_constant(g, TARN_F32, momentum(l));
    tarn_node *take = tarn_constant(g, TARN_F32, 1 - momentum(l));
    tarn_node *old = tarn_mul(g, tarn_next_value(g, average), keep);
    tarn_set_next_value(g, average, tarn_add(g, old, tarn_mul(g, now, take)));
}

static tarn_node *filled(tarn_graph *g, const ti_layer *l, double value) {
    return tarn_broadcast_to(g, tarn_constant(g, TARN_F32, value), l->param[0].shape);
}

// By the averages, which no gradient reaches.
static tarn_node *by_averages(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                              tarn_node *gamma, tarn_node *beta) {
    tarn_node *mean = tarn_stop_gradient(g, w[MOVING_MEAN]);
    tarn_node *variance = tarn_stop_gradient(g, w[MOVING_VARIANCE]);
    tarn_node *spread = tarn_add(g, variance, tarn_constant(g, TARN_F32, epsilon(l)));
    tarn_node *scale = tarn_div(g, gamma, tarn_sqrt(g, spread));
    return tarn_add(g, tarn_mul(g, tarn_sub(g, x, mean), scale), beta);
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    int at = FIRST_TRAINED;
    tarn_node *mean = NULL, *variance = NULL;
    tarn_node *gamma = options(l)->no_scale ? filled(g, l, 1) : w[at++];
    tarn_node *beta = options(l)->no_center ? filled(g, l, 0) : w[at];
    if (!training) return by_averages(l, g, x, w, gamma, beta);
    tarn_node *y = tarn_batch_norm(g, x, gamma, beta, epsilon(l), &mean, &variance);
    move(l, g, w[MOVING_MEAN], mean);
    move(l, g, w[MOVING_VARIANCE], variance);
    return y;
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    tarn_init gamma = gamma_init(l), beta = beta_init(l);
    TI_TRY(ti_json_set(o, "momentum", json_real(momentum(l))));
    TI_TRY(ti_json_set(o, "epsilon", json_real(epsilon(l))));
    TI_TRY(ti_json_set(o, "center", json_boolean(!options(l)->no_center)));
    TI_TRY(ti_json_set(o, "scale", json_boolean(!options(l)->no_scale)));
    TI_TRY(ti_init_to_json(&beta, o, "beta_initializer"));
    return ti_init_to_json(&gamma, o, "gamma_initializer");
}

// 0 in a description is 0.
static tarn_status read_number(json_t *o, const char *key, double *out) {
    if (!json_object_get(o, key)) return TARN_OK;
    TI_TRY(ti_json_number(o, key, out));
    if (*out == 0) *out = TARN_ZERO;
    return TARN_OK;
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    tarn_batch_normalization_opts *b = &d->layer.batch_normalization;
    bool center = true, scale = true;
    TI_TRY(read_number(o, "momentum", &b->momentum));
    TI_TRY(read_number(o, "epsilon", &b->epsilon));
    TI_TRY(ti_json_bool(o, "center", &center));
    TI_TRY(ti_json_bool(o, "scale", &scale));
    b->no_center = !center;
    b->no_scale = !scale;
    TI_TRY(ti_init_option(o, "gamma_initializer", &d->kernel, &b->gamma_initializer));
    return ti_init_option(o, "beta_initializer", &d->bias, &b->beta_initializer);
}

const ti_layer_ops ti_layer_batch_normalization = {
    .kind = "batch_normalization",
    .infer = infer,
    .apply = apply,
    .to_json = to_json,
    .from_json = from_json,
};
