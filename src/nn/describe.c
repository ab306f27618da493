// A model's description: one JSON object that model files carry. The reader takes nothing on
// trust: every type, range and shape is checked by the same rules that a program's own layers pass.
#include <stdio.h>
#include <string.h>

#include "nn/model.h"

enum { DESCRIPTION_VERSION = 1 };

// ---- writing ------------------------------------------------------------------------------------

static tarn_status describe_layer(const ti_layer *l, json_t *list) {
    json_t *o = json_object();
    if (json_array_append_new(list, o)) return ti_error(TARN_ENOMEM, "out of memory");
    TI_TRY(ti_json_set(o, "kind", json_string(l->ops->kind)));
    TI_TRY(ti_json_set(o, "name", json_string(l->name)));
    return l->ops->to_json ? l->ops->to_json(l, o) : TARN_OK;
}

static tarn_status describe_layers(const tarn_model *m, json_t *o) {
    json_t *list = json_array();
    TI_TRY(ti_json_set(o, "layers", list));
    for (int i = 0; i < m->n_layers; i++) TI_TRY(describe_layer(&m->layers[i], list));
    return TARN_OK;
}

static tarn_status describe_input(const tarn_model *m, json_t *o) {
    json_t *list = json_array();
    TI_TRY(ti_json_set(o, "input", list));
    for (int i = 0; i < m->input.rank; i++)
        if (json_array_append_new(list, json_integer(m->input.dim[i])))
            return ti_error(TARN_ENOMEM, "out of memory");
    return TARN_OK;
}

static tarn_status describe_data(const tarn_model *m, json_t *o) {
    json_t *p = json_object(), *labels = json_array();
    tarn_status st = ti_json_set(o, "preprocessing", p);
    TI_TRY(ti_json_set(o, "labels", labels));
    TI_TRY(st);
    TI_TRY(ti_json_set(p, "scale", json_real(m->preprocessing.scale)));
    TI_TRY(ti_json_set(p, "offset", json_real(m->preprocessing.offset)));
    TI_TRY(ti_json_set(p, "flatten", json_boolean(m->preprocessing.flatten)));
    for (int64_t i = 0; i < m->n_labels; i++)
        if (json_array_append_new(labels, json_string(m->labels[i])))
            return ti_error(TARN_EFORMAT, "label %lld is not UTF-8 text", (long long)i);
    return TARN_OK;
}

// A 64-bit seed does not fit JSON's integers: a text of decimal digits.
static tarn_status describe_seed(const tarn_model *m, json_t *o) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)tarn_store_seed(m->store));
    return ti_json_set(o, "seed", json_string(digits));
}

static tarn_status fill(const tarn_model *m, json_t *o) {
    TI_TRY(ti_json_set(o, "format", json_string("tarn.model")));
    TI_TRY(ti_json_set(o, "version", json_integer(DESCRIPTION_VERSION)));
    TI_TRY(describe_seed(m, o));
    TI_TRY(describe_input(m, o));
    TI_TRY(describe_layers(m, o));
    TI_TRY(describe_data(m, o));
    return m->training ? ti_json_set(o, "training", json_incref(m->training)) : TARN_OK;
}

tarn_status ti_model_describe(const tarn_model *m, json_t **out) {
    TI_TRY(ti_model_status(m));
    json_t *o = json_object();
    if (!o) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_status st = fill(m, o);
    if (st) {
        json_decref(o);
        return st;
    }
    *out = o;
    return TARN_OK;
}

tarn_status tarn_model_to_json(tarn_model *m, const char **text) {
    json_t *o = NULL;
    char *copy = NULL;
    TI_TRY(ti_model_describe(m, &o));
    size_t n = json_dumpb(o, NULL, 0, JSON_COMPACT);
    tarn_status st = n ? ti_alloc(n + 1, &copy) : ti_error(TARN_ENOMEM, "out of memory");
    if (!st) {
        copy[json_dumpb(o, copy, n, JSON_COMPACT)] = 0;
        ti_free(m->json);
        *text = m->json = copy;
    }
    json_decref(o);
    return st;
}

// ---- reading ------------------------------------------------------------------------------------

static tarn_status read_header(json_t *o, uint64_t *seed) {
    const char *format = "", *digits = "0";
    int64_t version = 0;
    TI_TRY(ti_json_text(o, "format", &format));
    if (strcmp(format, "tarn.model"))
        return ti_error(TARN_EFORMAT, "not a description of a Tarn model");
    TI_TRY(ti_json_int(o, "version", 1, INT64_MAX, &version));
    if (version != DESCRIPTION_VERSION)
        return ti_error(TARN_EFORMAT, "description version %lld, this library reads %d",
                        (long long)version, DESCRIPTION_VERSION);
    TI_TRY(ti_json_text(o, "seed", &digits));
    *seed = 0;
    for (const char *c = digits; *c; c++) {
        unsigned digit = (unsigned)(*c - '0');
        if (digit > 9 || *seed > (UINT64_MAX - digit) / 10)
            return ti_error(TARN_EFORMAT, "seed '%.40s' is not a number of 64 bits", digits);
        *seed = *seed * 10 + digit;
    }
    return TARN_OK;
}

static tarn_status read_input(json_t *o, tarn_shape *input) {
    json_t *list = json_object_get(o, "input");
    size_t n = json_array_size(list);
    if (n < 1 || n >= TARN_MAX_RANK)
        return ti_error(TARN_EFORMAT, "'input' is not a list of 1 to %d sizes", TARN_MAX_RANK - 1);
    input->rank = (int)n;
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < 1)
            return ti_error(TARN_EFORMAT, "'input' holds something else than sizes");
        input->dim[i] = json_integer_value(v);
    }
    return TARN_OK;
}

static tarn_status read_layer(json_t *o, tarn_model *m) {
    ti_layer_draft d = {0};
    const char *kind = "";
    TI_TRY(ti_json_text(o, "kind", &kind));
    TI_TRY(ti_layer_kind_named(kind, &d.layer.kind));
    TI_TRY(ti_json_text(o, "name", &d.layer.name));
    const ti_layer_ops *ops = ti_layer_ops_of(d.layer.kind);
    if (ops->from_json) TI_TRY(ops->from_json(o, &d));
    tarn_model_add(m, d.layer);
    return ti_model_status(m);
}

static tarn_status read_layers(json_t *o, tarn_model *m) {
    json_t *list = json_object_get(o, "layers");
    if (!json_is_array(list)) return ti_error(TARN_EFORMAT, "'layers' is not a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        tarn_status st = read_layer(json_array_get(list, i), m);
        if (st) return ti_error_at(st == TARN_ENOMEM ? st : TARN_EFORMAT, "layer %zu", i + 1);
    }
    return TARN_OK;
}

static tarn_status read_labels(json_t *list, tarn_model *m) {
    const char **labels = NULL;
    size_t n = json_array_size(list);
    tarn_status st = TARN_OK;
    TI_TRY(ti_alloc_zero(n * sizeof *labels, &labels));
    for (size_t i = 0; i < n && !st; i++) {
        labels[i] = json_string_value(json_array_get(list, i));
        if (!labels[i]) st = ti_error(TARN_EFORMAT, "label %zu is not a text", i);
    }
    if (!st) st = tarn_model_set_labels(m, labels, (int64_t)n);
    ti_free(labels);
    return st;
}

static tarn_status read_data(json_t *o, tarn_model *m) {
    json_t *p = json_object_get(o, "preprocessing");
    TI_TRY(ti_json_number(p, "scale", &m->preprocessing.scale));
    TI_TRY(ti_json_number(p, "offset", &m->preprocessing.offset));
    TI_TRY(ti_json_bool(p, "flatten", &m->preprocessing.flatten));
    TI_TRY(read_labels(json_object_get(o, "labels"), m));
    json_t *training = json_object_get(o, "training");
    if (training && !json_is_object(training))
        return ti_error(TARN_EFORMAT, "'training' is not an object");
    m->training = json_incref(training);
    return TARN_OK;
}

tarn_status ti_model_restore(json_t *o, tarn_model **out) {
    uint64_t seed = 0;
    tarn_shape input = {0};
    tarn_model *m = NULL;
    TI_TRY(read_header(o, &seed));
    TI_TRY(read_input(o, &input));
    TI_TRY(tarn_sequential(input, seed, &m));
    tarn_status st = read_layers(o, m);
    if (!st) st = read_data(o, m);
    if (st) {
        tarn_model_free(m);
        return st;
    }
    *out = m;
    return TARN_OK;
}

tarn_status tarn_model_from_json(const char *text, size_t size, tarn_model **out) {
    json_error_t e;
    json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    if (!o) return ti_error(TARN_EFORMAT, "description, line %d: %s", e.line, e.text);
    tarn_status st = ti_model_restore(o, out);
    json_decref(o);
    return st;
}
