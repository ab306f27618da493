// Reading maps by tables of keys.
#include "experiment/keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/io.h"

// Errors below name the key they are about; in a list there is none.
static const char *name_of(const ti_yaml *n) { return n->key ? n->key : "value"; }

static const ti_key *find_key(const ti_yaml *n, const ti_key *keys, size_t count,
                              const char *where) {
    char in[64] = "";
    ti_table table = {"key", keys, count, sizeof *keys};
    if (*where) snprintf(in, sizeof in, " in %s", where);
    return ti_table_find(&table, n->key, in);
}

tarn_status ti_read_map(const ti_yaml *n, const ti_key *keys, size_t count, const char *where,
                        void *out) {
    if (ti_yaml_is_null(n)) return TARN_OK;
    if (n->kind != TI_YAML_MAP)
        return ti_yaml_error(n, "%s expects keys and values, like {%s: ...}",
                             *where ? where : "the file", keys->name);
    for (const ti_yaml *child = n->first; child; child = child->next) {
        const ti_key *key = find_key(child, keys, count, where);
        if (!key) return ti_yaml_error_at(child, TARN_EFORMAT);
        TI_TRY(key->read(child, key, out));
    }
    return TARN_OK;
}

tarn_status ti_read_short(const ti_yaml *n, const ti_key *keys, size_t count, const char *key,
                          void *out) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(keys[i].name, key)) return keys[i].read(n, &keys[i], out);
    return ti_yaml_error(n, "no short form");
}

// ---- plain members ------------------------------------------------------------------------------

static void *member(void *out, const ti_key *key) { return (char *)out + key->at; }

static tarn_status scalar(const ti_yaml *n, const char *want) {
    if (n->kind == TI_YAML_SCALAR && !ti_yaml_is_null(n)) return TARN_OK;
    return ti_yaml_error(n, "%s expects %s", name_of(n), want);
}

// A number, or one over another.
static bool parse_number(const char *text, double *out) {
    char above[64];
    double below;
    const char *slash = strchr(text, '/');
    if (!slash) return ti_parse_f64(text, out);
    size_t len = (size_t)(slash - text);
    if (len >= sizeof above) return false;
    memcpy(above, text, len);
    above[len] = 0;
    if (!ti_parse_f64(above, out) || !ti_parse_f64(slash + 1, &below)) return false;
    *out /= below;
    return isfinite(*out);
}

static tarn_status out_of_range(const ti_yaml *n, const ti_key *key) {
    return ti_yaml_error(n, "%s is %.40s, must be %g to %g", name_of(n), n->text, key->min,
                         key->max);
}

tarn_status ti_read_number(const ti_yaml *n, const ti_key *key, void *out) {
    double v;
    TI_TRY(scalar(n, "a number"));
    if (n->quoted || !parse_number(n->text, &v))
        return ti_yaml_error(n, "%s expects a number, not '%.60s'", name_of(n), n->text);
    if (v < key->min || v > key->max) return out_of_range(n, key);
    memcpy(member(out, key), &v, sizeof v);
    return TARN_OK;
}

tarn_status ti_read_int(const ti_yaml *n, const ti_key *key, void *out) {
    int64_t v;
    TI_TRY(scalar(n, "a whole number"));
    if (n->quoted || !ti_parse_i64(n->text, &v))
        return ti_yaml_error(n, "%s expects a whole number, not '%.60s'", name_of(n), n->text);
    if ((double)v < key->min || (double)v > key->max) return out_of_range(n, key);
    memcpy(member(out, key), &v, sizeof v);
    return TARN_OK;
}

tarn_status ti_read_seed(const ti_yaml *n, const ti_key *key, void *out) {
    int64_t v;
    TI_TRY(scalar(n, "a whole number"));
    if (n->quoted || !ti_parse_i64(n->text, &v) || v < 0)
        return ti_yaml_error(n, "%s expects a whole number from 0 to 2^63 - 1, not '%.60s'",
                             name_of(n), n->text);
    uint64_t seed = (uint64_t)v;
    memcpy(member(out, key), &seed, sizeof seed);
    return TARN_OK;
}

tarn_status ti_read_bool(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(scalar(n, "true or false"));
    bool yes = !n->quoted && !strcmp(n->text, "true");
    if (!yes && (n->quoted || strcmp(n->text, "false")))
        return ti_yaml_error(n, "%s expects true or false, not '%.60s'", name_of(n), n->text);
    memcpy(member(out, key), &yes, sizeof yes);
    return TARN_OK;
}

tarn_status ti_read_text(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(scalar(n, "a text"));
    memcpy(member(out, key), &n->text, sizeof n->text);
    return TARN_OK;
}

tarn_status ti_read_choice(const ti_yaml *n, const char *what, const char **name,
                           const ti_yaml **options) {
    *options = NULL;
    if (n->kind == TI_YAML_SCALAR && !ti_yaml_is_null(n)) {
        *name = n->text;
        return TARN_OK;
    }
    if (n->kind != TI_YAML_MAP || n->count != 1)
        return ti_yaml_error(n, "%s expects a name, or one name with its options", what);
    *name = n->first->key;
    *options = n->first;
    return TARN_OK;
}
