// Tables of names, and typed reads of descriptions: what lets every unknown name and wrong type be
// answered with one kind of sentence.
#include <math.h>
#include <string.h>

#include "nn/layer.h"

enum { MAX_ROWS = 64 };

static const char *row_name(const ti_table *t, size_t i) {
    return *(const char *const *)(const void *)((const char *)t->rows + i * t->stride);
}

const void *ti_table_find(const ti_table *t, const char *name, const char *where) {
    const char *names[MAX_ROWS + 1] = {0};
    for (size_t i = 0; i < t->count; i++) {
        if (!strcmp(row_name(t, i), name)) return (const char *)t->rows + i * t->stride;
        if (i < MAX_ROWS) names[i] = row_name(t, i);
    }
    const char *near = ti_nearest(name, names);
    tarn_status st = TARN_ENOENT;
    if (near) {
        st = ti_error(st, "unknown %s '%.60s'%s, did you mean '%s'?", t->what, name, where, near);
    } else {
        ti_buf known;
        ti_buf_init(&known, 1024);
        for (size_t i = 0; i < t->count; i++)
            ti_buf_printf(&known, "%s%s", i ? ", " : "", row_name(t, i));
        st = ti_error(st, "unknown %s '%.60s'%s, known: %s", t->what, name, where,
                      known.data ? known.data : "");
        ti_buf_free(&known);
    }
    (void)st;
    return NULL;
}

static tarn_status wrong_type(const char *key, const char *want) {
    return ti_error(TARN_EFORMAT, "'%s' is not %s", key, want);
}

tarn_status ti_json_int(json_t *o, const char *key, int64_t min, int64_t max, int64_t *out) {
    const json_t *v = json_object_get(o, key);
    if (!v) return TARN_OK;
    if (!json_is_integer(v)) return wrong_type(key, "an integer");
    int64_t i = json_integer_value(v);
    if (i < min || i > max)
        return ti_error(TARN_EFORMAT, "'%s' is %lld, must be %lld to %lld", key, (long long)i,
                        (long long)min, (long long)max);
    *out = i;
    return TARN_OK;
}

tarn_status ti_json_number(json_t *o, const char *key, double *out) {
    const json_t *v = json_object_get(o, key);
    if (!v) return TARN_OK;
    if (!json_is_number(v)) return wrong_type(key, "a number");
    *out = json_number_value(v);
    return TARN_OK;
}

tarn_status ti_json_bool(json_t *o, const char *key, bool *out) {
    const json_t *v = json_object_get(o, key);
    if (!v) return TARN_OK;
    if (!json_is_boolean(v)) return wrong_type(key, "true or false");
    *out = json_is_true(v);
    return TARN_OK;
}

tarn_status ti_json_text(json_t *o, const char *key, const char **out) {
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v)) return TARN_OK;
    if (!json_is_string(v)) return wrong_type(key, "a text");
    *out = json_string_value(v);
    return TARN_OK;
}

tarn_status ti_json_set(json_t *o, const char *key, json_t *value) {
    if (json_object_set_new(o, key, value))
        return ti_error(TARN_ENOMEM, "out of memory in description at '%s'", key);
    return TARN_OK;
}
