// Initialisers by Keras' names, with the names and defaults of their numbers.
#include <math.h>
#include <string.h>

#include "nn/layer.h"

#define SCALING(scale, by, is_normal) \
    { .kind = TARN_INIT_VARIANCE_SCALING, .a = (scale), .mode = (by), .normal = (is_normal) }

static const ti_init_name rows[] = {
    {"zeros", {.kind = TARN_INIT_ZEROS}, NULL, NULL},
    {"ones", {.kind = TARN_INIT_ONES}, NULL, NULL},
    {"constant", {.kind = TARN_INIT_CONSTANT}, "value", NULL},
    {"uniform", {.kind = TARN_INIT_UNIFORM, .a = -0.05, .b = 0.05}, "minval", "maxval"},
    {"normal", {.kind = TARN_INIT_NORMAL, .b = 0.05}, "mean", "stddev"},
    {"truncated_normal", {.kind = TARN_INIT_TRUNCATED_NORMAL, .b = 0.05}, "mean", "stddev"},
    {"glorot_uniform", SCALING(1, 'a', false), NULL, NULL},
    {"glorot_normal", SCALING(1, 'a', true), NULL, NULL},
    {"he_uniform", SCALING(2, 'i', false), NULL, NULL},
    {"he_normal", SCALING(2, 'i', true), NULL, NULL},
    {"lecun_uniform", SCALING(1, 'i', false), NULL, NULL},
    {"lecun_normal", SCALING(1, 'i', true), NULL, NULL},
};
static const ti_table table = TI_TABLE("initializer", rows);

const ti_init_name *ti_init_named(const char *name) { return ti_table_find(&table, name, ""); }

// The row an initialiser comes from: same kind, and for variance scaling the same numbers.
static const ti_init_name *row_of(const tarn_init *init) {
    for (size_t i = 0; i < table.count; i++) {
        const tarn_init *p = &rows[i].preset;
        if (p->kind != init->kind) continue;
        if (p->kind != TARN_INIT_VARIANCE_SCALING ||
            (p->a == init->a && p->mode == init->mode && p->normal == init->normal))
            return &rows[i];
    }
    return NULL;
}

// "kernel_initializer": {"name": "normal", "mean": 0.0, "stddev": 1.0}
tarn_status ti_init_to_json(const tarn_init *init, json_t *o, const char *key) {
    const ti_init_name *row = row_of(init);
    if (!row) return ti_error(TARN_EUNSUPPORTED, "'%s' is an initializer without a name", key);
    json_t *v = json_object();
    tarn_status st = ti_json_set(o, key, v);  // o owns v now, also where it fails
    if (!st) st = ti_json_set(v, "name", json_string(row->name));
    if (!st && row->a) st = ti_json_set(v, row->a, json_real(init->a));
    if (!st && row->b) st = ti_json_set(v, row->b, json_real(init->b));
    return st;
}

tarn_status ti_init_option(json_t *o, const char *key, tarn_init *out, const tarn_init **used) {
    if (!json_object_get(o, key)) return TARN_OK;
    *used = out;
    return ti_init_from_json(o, key, out);
}

tarn_status ti_init_from_json(json_t *o, const char *key, tarn_init *out) {
    json_t *v = json_object_get(o, key);
    const char *name = NULL;
    TI_TRY(ti_json_text(v, "name", &name));
    if (!name) return ti_error(TARN_EFORMAT, "'%s' has no name", key);
    const ti_init_name *row = ti_init_named(name);
    if (!row) return ti_error_at(TARN_EFORMAT, "'%s'", key);
    tarn_init init = row->preset;
    if (row->a) TI_TRY(ti_json_number(v, row->a, &init.a));
    if (row->b) TI_TRY(ti_json_number(v, row->b, &init.b));
    *out = init;
    return TARN_OK;
}
