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

static tarn_status read_kernel_init(const ti_yaml *n, const ti_key *key, void *out) {
    ti_layer_draft *d = out;
    (void)key;
    d->layer.dense.kernel_initializer = &d->kernel;
    return read_init(n, &d->kernel);
}

static tarn_status read_bias_init(const ti_yaml *n, const ti_key *key, void *out) {
    ti_layer_draft *d = out;
    (void)key;
    d->layer.dense.bias_initializer = &d->bias;
    return read_init(n, &d->bias);
}

// ---- options ------------------------------------------------------------------------------------

static tarn_status read_activation(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(ti_read_text(n, key, out));
    return ti_activation_check(n->text) ? ti_yaml_error_at(n, TARN_EFORMAT) : TARN_OK;
}

static tarn_status read_use_bias(const ti_yaml *n, const ti_key *key, void *out) {
    bool use;
    const ti_key plain = {key->name, ti_read_bool, 0, 0, 0};
    TI_TRY(ti_read_bool(n, &plain, &use));
    ((ti_layer_draft *)out)->layer.dense.no_bias = !use;
    return TARN_OK;
}

#define AT(member) offsetof(ti_layer_draft, layer.member)

static const ti_key dense_keys[] = {
    {"units", ti_read_int, AT(units), 1, 1 << 30},
    {"activation", read_activation, AT(dense.activation), 0, 0},
    {"use_bias", read_use_bias, 0, 0, 0},
    {"kernel_initializer", read_kernel_init, 0, 0, 0},
    {"bias_initializer", read_bias_init, 0, 0, 0},
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

// The first key of each is what a short form (dropout: 0.2) means; flatten has none.
typedef struct layer_row {
    tarn_layer_kind kind;
    const ti_key *keys;
    size_t count;
    bool needs_first;
} layer_row;
#define ROW(kind, keys, needed) \
    { kind, keys, sizeof(keys) / sizeof *(keys), needed }
static const layer_row rows[] = {
    ROW(TARN_LAYER_DENSE, dense_keys, true),
    ROW(TARN_LAYER_ACTIVATION, activation_keys, true),
    ROW(TARN_LAYER_DROPOUT, dropout_keys, true),
    ROW(TARN_LAYER_FLATTEN, flatten_keys, false),
};

static const layer_row *row_of(tarn_layer_kind kind) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == kind) return &rows[i];
    return NULL;
}

// ---- layers -------------------------------------------------------------------------------------

static tarn_status read_options(const ti_yaml *n, const layer_row *row, const char *name,
                                ti_layer_draft *d) {
    const char *first = row->keys->name;
    if (n && row->needs_first && n->kind == TI_YAML_SCALAR && !ti_yaml_is_null(n))
        return ti_read_short(n, row->keys, row->count, first, d);
    return n ? ti_read_map(n, row->keys, row->count, name, d) : TARN_OK;
}

static tarn_status read_layer(const ti_yaml *n, ti_layer_spec *l) {
    const char *name;
    const ti_yaml *options;
    TI_TRY(ti_read_choice(n, "a layer", &name, &options));
    if (ti_layer_kind_named(name, &l->draft.layer.kind))
        return ti_yaml_error_at(options ? options : n, TARN_EFORMAT);
    const layer_row *row = row_of(l->draft.layer.kind);
    TI_TRY(read_options(options, row, name, &l->draft));
    bool shorter = options && options->kind == TI_YAML_SCALAR && !ti_yaml_is_null(options);
    if (row->needs_first && !shorter && !(options && ti_yaml_get(options, row->keys->name)))
        return ti_yaml_error(options ? options : n, "%s needs '%s'", name, row->keys->name);
    l->at = options ? options : n;
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
