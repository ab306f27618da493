// model: a list of layers, each a name, a name with its one value, or a name with its options.
#include <float.h>
#include <string.h>

#include "experiment/experiment.h"

// ---- initialisers -------------------------------------------------------------------------------

static tarn_status read_init_number(const ti_yaml *n, const ti_init_name *row, tarn_init *init) {
    const ti_key keys[] = {
        {row->a ? row->a : "", ti_read_number, offsetof(tarn_init, a), -DBL_MAX, DBL_MAX},
        {row->b ? row->b : "", ti_read_number, offsetof(tarn_init, b), -DBL_MAX, DBL_MAX},
    };
    return ti_read_map(n, keys, row->b ? 2 : row->a ? 1 : 0, row->name, init);
}

// glorot_uniform, or {normal: {mean: 0, stddev: 1}}, or {constant: 0.1}
static tarn_status read_init(const ti_yaml *n, tarn_init *out) {
    const char *name;
    const ti_yaml *options;
    TI_TRY(ti_read_choice(n, n->key, &name, &options));
    const ti_init_name *row = ti_init_named(name);
    if (!row) return ti_yaml_error_at(n, TARN_EFORMAT);
    *out = row->preset;
    if (!options) return TARN_OK;
    if (row->a && !row->b && options->kind == TI_YAML_SCALAR) {
        const ti_key key = {row->a, ti_read_number, offsetof(tarn_init, a), -DBL_MAX, DBL_MAX};
        return ti_read_number(options, &key, out);
    }
    return read_init_number(options, row, out);
}

// An option that points to what was read: the draft keeps two.
static tarn_status read_pointed(const ti_yaml *n, const ti_key *key, void *out, tarn_init *init) {
    const tarn_init **option = (const tarn_init **)(void *)((char *)out + key->at);
    *option = init;
    return read_init(n, init);
}
static tarn_status read_kernel_init(const ti_yaml *n, const ti_key *key, void *out) {
    return read_pointed(n, key, out, &((ti_layer_draft *)out)->kernel);
}
static tarn_status read_bias_init(const ti_yaml *n, const ti_key *key, void *out) {
    return read_pointed(n, key, out, &((ti_layer_draft *)out)->bias);
}

// ---- options ------------------------------------------------------------------------------------

static tarn_status read_activation(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(ti_read_text(n, key, out));
    return ti_activation_check(n->text) ? ti_yaml_error_at(n, TARN_EFORMAT) : TARN_OK;
}

// use_bias sets no_bias, and so on.
static tarn_status read_negated(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(ti_read_bool(n, key, out));
    bool *member = (bool *)((char *)out + key->at);
    *member = !*member;
    return TARN_OK;
}

// 0 is meant where it stands.
static tarn_status read_zero_too(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(ti_read_number(n, key, out));
    double *member = (double *)(void *)((char *)out + key->at);
    if (*member == 0) *member = TARN_ZERO;
    return TARN_OK;
}

// 3, or [3, 5]
static tarn_status read_pair(const ti_yaml *n, const ti_key *key, void *out) {
    const ti_key side = {key->name, ti_read_int, 0, 1, TI_MAX_SIDE};
    int *pair = (int *)(void *)((char *)out + key->at);
    bool list = n->kind == TI_YAML_LIST;
    if (n->kind == TI_YAML_MAP || (list && n->count != 2))
        return ti_yaml_error(n, "%s expects a number, or two like [3, 3]", key->name);
    const ti_yaml *at = list ? n->first : n;
    for (int i = 0; i < (list ? 2 : 1); i++, at = at->next) {
        int64_t v;
        TI_TRY(ti_read_int(at, &side, &v));
        pair[i] = (int)v;
    }
    return TARN_OK;
}

// [28, 28, 1]
static tarn_status read_shape(const ti_yaml *n, const ti_key *key, void *out) {
    const ti_key size = {key->name, ti_read_int, 0, -1, (double)((int64_t)1 << 40)};
    tarn_shape *s = (tarn_shape *)(void *)((char *)out + key->at);
    if (n->kind != TI_YAML_LIST || n->count < 1 || n->count >= TARN_MAX_RANK)
        return ti_yaml_error(n, "%s expects a list of 1 to %d sizes, like [28, 28, 1]", key->name,
                             TARN_MAX_RANK - 1);
    s->rank = 0;
    for (const ti_yaml *child = n->first; child; child = child->next)
        TI_TRY(ti_read_int(child, &size, &s->dim[s->rank++]));
    return TARN_OK;
}

#define AT(member) offsetof(ti_layer_draft, layer.member)

static const ti_key dense_keys[] = {
    {"units", ti_read_int, AT(units), 1, 1 << 30},
    {"activation", read_activation, AT(dense.activation), 0, 0},
    {"use_bias", read_negated, AT(dense.no_bias), 0, 0},
    {"kernel_initializer", read_kernel_init, AT(dense.kernel_initializer), 0, 0},
    {"bias_initializer", read_bias_init, AT(dense.bias_initializer), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key activation_keys[] = {
    {"activation", read_activation, AT(activation), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key dropout_keys[] = {
    {"rate", ti_read_number, AT(rate), 0, 1},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key flatten_keys[] = {
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key reshape_keys[] = {
    {"target_shape", read_shape, AT(target), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key conv2d_keys[] = {
    {"filters", ti_read_int, AT(units), 1, 1 << 24},
    {"kernel_size", read_pair, AT(conv2d.kernel_size), 0, 0},
    {"strides", read_pair, AT(conv2d.strides), 0, 0},
    {"padding", ti_read_text, AT(conv2d.padding), 0, 0},
    {"activation", read_activation, AT(conv2d.activation), 0, 0},
    {"use_bias", read_negated, AT(conv2d.no_bias), 0, 0},
    {"kernel_initializer", read_kernel_init, AT(conv2d.kernel_initializer), 0, 0},
    {"bias_initializer", read_bias_init, AT(conv2d.bias_initializer), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key max_pooling2d_keys[] = {
    {"pool_size", read_pair, AT(max_pooling2d.pool_size), 0, 0},
    {"strides", read_pair, AT(max_pooling2d.strides), 0, 0},
    {"padding", ti_read_text, AT(max_pooling2d.padding), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};
static const ti_key batch_normalization_keys[] = {
    {"momentum", read_zero_too, AT(batch_normalization.momentum), 0, 1},
    {"epsilon", read_zero_too, AT(batch_normalization.epsilon), 0, 1},
    {"center", read_negated, AT(batch_normalization.no_center), 0, 0},
    {"scale", read_negated, AT(batch_normalization.no_scale), 0, 0},
    {"beta_initializer", read_bias_init, AT(batch_normalization.beta_initializer), 0, 0},
    {"gamma_initializer", read_kernel_init, AT(batch_normalization.gamma_initializer), 0, 0},
    {"name", ti_read_text, AT(name), 0, 0},
};

// The first key of each is what a short form (dropout: 0.2) means, of those that have one.
typedef struct layer_row {
    tarn_layer_kind kind;
    const ti_key *keys;
    size_t count;
    bool needs_first;
    enum { NO_SHORT, ONE_VALUE, VALUE_OR_LIST } shortens;
    const char *needs_too;  // another key that must be there
} layer_row;
#define ROW(kind, keys, ...) \
    { kind, keys, sizeof(keys) / sizeof *(keys), __VA_ARGS__ }
static const layer_row rows[] = {
    ROW(TARN_LAYER_DENSE, dense_keys, true, ONE_VALUE, NULL),
    ROW(TARN_LAYER_ACTIVATION, activation_keys, true, ONE_VALUE, NULL),
    ROW(TARN_LAYER_DROPOUT, dropout_keys, true, ONE_VALUE, NULL),
    ROW(TARN_LAYER_FLATTEN, flatten_keys, false, NO_SHORT, NULL),
    ROW(TARN_LAYER_RESHAPE, reshape_keys, true, VALUE_OR_LIST, NULL),
    ROW(TARN_LAYER_CONV2D, conv2d_keys, true, NO_SHORT, "kernel_size"),
    ROW(TARN_LAYER_MAX_POOLING2D, max_pooling2d_keys, false, VALUE_OR_LIST, NULL),
    ROW(TARN_LAYER_BATCH_NORMALIZATION, batch_normalization_keys, false, NO_SHORT, NULL),
};

static const layer_row *row_of(tarn_layer_kind kind) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == kind) return &rows[i];
    return NULL;
}

// ---- layers -------------------------------------------------------------------------------------

// One value instead of a map of options.
static bool is_short(const ti_yaml *n, const layer_row *row) {
    if (!n || ti_yaml_is_null(n) || !row->shortens) return false;
    return n->kind == TI_YAML_SCALAR || (n->kind == TI_YAML_LIST && row->shortens == VALUE_OR_LIST);
}

static tarn_status read_options(const ti_yaml *n, const layer_row *row, const char *name,
                                ti_layer_draft *d) {
    if (is_short(n, row)) return ti_read_short(n, row->keys, row->count, row->keys->name, d);
    return n ? ti_read_map(n, row->keys, row->count, name, d) : TARN_OK;
}

static tarn_status read_layer(const ti_yaml *n, ti_layer_spec *l) {
    const char *name;
    const ti_yaml *options;
    TI_TRY(ti_read_choice(n, "a layer", &name, &options));
    if (ti_layer_kind_named(name, &l->draft.layer.kind))
        return ti_yaml_error_at(options ? options : n, TARN_EFORMAT);
    const layer_row *row = row_of(l->draft.layer.kind);
    if (!row) return ti_yaml_error(options ? options : n, "%s has no options in YAML", name);
    TI_TRY(read_options(options, row, name, &l->draft));
    l->at = options ? options : n;
    const char *needed[] = {row->needs_first ? row->keys->name : NULL, row->needs_too};
    for (int i = 0; i < 2; i++)
        if (needed[i] && !is_short(options, row) && !(options && ti_yaml_get(options, needed[i])))
            return ti_yaml_error(l->at, "%s needs '%s'", name, needed[i]);
    return TARN_OK;
}

tarn_status ti_read_model(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    (void)key;
    if (n->kind != TI_YAML_LIST || !n->count)
        return ti_yaml_error(n, "model expects a list of layers, like - dense: {units: 10}");
    TI_TRY(ti_arena_alloc(&e->arena, (size_t)n->count * sizeof *e->layers, &e->layers));
    for (const ti_yaml *child = n->first; child; child = child->next)
        TI_TRY(read_layer(child, &e->layers[e->n_layers++]));
    return TARN_OK;
}

tarn_status tarn_experiment_model(const tarn_experiment *e, const tarn_dataset *train,
                                  uint64_t seed, tarn_model **out) {
    tarn_model *m = NULL;
    const tarn_shape *x = tarn_tensor_shape(train->x);
    tarn_shape sample = {.rank = x->rank - 1};
    memcpy(sample.dim, x->dim + 1, (size_t)sample.rank * sizeof *sample.dim);
    if (train->flatten) sample = TARN_SHAPE(tarn_shape_numel(&sample));
    tarn_status st = tarn_sequential(sample, seed, &m);
    for (int i = 0; i < e->n_layers && !st; i++) {
        tarn_model_add(m, e->layers[i].draft.layer);
        st = ti_model_status(m);
        if (st) ti_yaml_error_at(e->layers[i].at, st);
    }
    if (st) {
        tarn_model_free(m);
        return st;
    }
    *out = m;
    return TARN_OK;
}
