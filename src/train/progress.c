// Where a fit stands, as JSON in a checkpoint. Doubles go as the hex of their bits: exact, also
// for infinities, which JSON has no word for.
#include <stdio.h>
#include <string.h>

#include "train/trainer.h"

void ti_progress_clear(ti_progress *p) {
    json_decref(p->callbacks);
    *p = (ti_progress){0};
}

// ---- exact numbers ------------------------------------------------------------------------------

static json_t *bits_of(double value) {
    uint64_t bits;
    char hex[17];
    memcpy(&bits, &value, sizeof bits);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)bits);
    return json_string(hex);
}

static bool digit_of(char c, uint64_t *out) {
    if (c >= '0' && c <= '9')
        *out = (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (uint64_t)(c - 'a') + 10;
    else
        return false;
    return true;
}

static bool from_bits(const json_t *v, double *out) {
    const char *hex = json_string_value(v);
    uint64_t bits = 0, digit;
    if (!hex || strlen(hex) != 16) return false;
    for (; *hex; hex++) {
        if (!digit_of(*hex, &digit)) return false;
        bits = bits << 4 | digit;
    }
    memcpy(out, &bits, sizeof *out);
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

static tarn_status describe_logs(const tarn_logs *l, json_t *o) {
    json_t *logs = json_object();
    TI_TRY(ti_json_set(o, "logs", logs));
    for (int i = 0; i < l->count; i++)
        TI_TRY(ti_json_set(logs, l->item[i].name, bits_of(l->item[i].value)));
    return TARN_OK;
}

static tarn_status fill(const ti_progress *p, json_t *o) {
    TI_TRY(ti_json_set(o, "epoch", json_integer(p->epoch)));
    TI_TRY(ti_json_set(o, "batch", json_integer(p->batch)));
    TI_TRY(ti_json_set(o, "step", json_integer(p->step)));
    TI_TRY(ti_json_set(o, "batch_size", json_integer(p->batch_size)));
    TI_TRY(ti_json_set(o, "samples", json_integer(p->samples)));
    TI_TRY(ti_json_set(o, "shuffle", json_boolean(p->shuffle)));
    TI_TRY(describe_logs(&p->logs, o));
    return p->callbacks ? ti_json_set(o, "callbacks", json_incref(p->callbacks)) : TARN_OK;
}

tarn_status ti_progress_describe(const ti_progress *p, json_t **out) {
    json_t *o = json_object();
    if (!o) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_status st = fill(p, o);
    if (st) {
        json_decref(o);
        return st;
    }
    *out = o;
    return TARN_OK;
}

// ---- reading ------------------------------------------------------------------------------------

static tarn_status restore_logs(json_t *logs, tarn_logs *l) {
    const char *name;
    json_t *v;
    json_object_foreach(logs, name, v) {
        double value;
        if (l->count == TARN_MAX_LOGS || strlen(name) >= sizeof l->item[0].name ||
            !from_bits(v, &value))
            return ti_error(TARN_EFORMAT, "logs are not as this library writes them");
        ti_logs_add(l, "", name, value);
    }
    return TARN_OK;
}

tarn_status ti_progress_restore(json_t *o, ti_progress *p) {
    ti_progress read = {0};
    TI_TRY(ti_json_int(o, "epoch", 0, INT32_MAX, &read.epoch));
    TI_TRY(ti_json_int(o, "batch", 0, INT64_MAX, &read.batch));
    TI_TRY(ti_json_int(o, "step", 0, INT64_MAX, &read.step));
    TI_TRY(ti_json_int(o, "batch_size", 0, INT64_MAX, &read.batch_size));
    TI_TRY(ti_json_int(o, "samples", 0, INT64_MAX, &read.samples));
    TI_TRY(ti_json_bool(o, "shuffle", &read.shuffle));
    TI_TRY(restore_logs(json_object_get(o, "logs"), &read.logs));
    read.callbacks = json_incref(json_object_get(o, "callbacks"));
    ti_progress_clear(p);
    *p = read;
    return TARN_OK;
}

// ---- memories of callbacks: [{"name": .., "memory": [..]}, ..] in their order -------------------

static bool remembers(const tarn_callback *cb) {
    return cb->name && cb->n_memory > 0 && cb->n_memory <= TI_MAX_MEMORY;
}

static tarn_status take_one(const tarn_callback *cb, json_t *list) {
    json_t *o = json_object(), *memory = json_array();
    tarn_status st = json_array_append_new(list, o) ? TARN_ENOMEM : TARN_OK;
    if (st) {
        json_decref(memory);
        return ti_error(st, "out of memory");
    }
    TI_TRY(ti_json_set(o, "memory", memory));
    for (int i = 0; i < cb->n_memory; i++)
        if (json_array_append_new(memory, bits_of(cb->memory[i])))
            return ti_error(TARN_ENOMEM, "out of memory");
    return ti_json_set(o, "name", json_string(cb->name));
}

tarn_status ti_memories_take(const tarn_callback *cb, int n, ti_progress *p) {
    json_t *list = json_array();
    if (!list) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_status st = TARN_OK;
    for (int i = 0; i < n && !st; i++)
        if (remembers(&cb[i])) st = take_one(&cb[i], list);
    if (st) {
        json_decref(list);
        return st;
    }
    json_decref(p->callbacks);
    p->callbacks = list;
    return TARN_OK;
}

static void give_one(const json_t *o, const tarn_callback *cb) {
    const char *name = json_string_value(json_object_get(o, "name"));
    const json_t *memory = json_object_get(o, "memory");
    double value[TI_MAX_MEMORY];
    if (!name || strcmp(name, cb->name) || json_array_size(memory) != (size_t)cb->n_memory) return;
    for (int i = 0; i < cb->n_memory; i++)
        if (!from_bits(json_array_get(memory, (size_t)i), &value[i])) return;
    memcpy(cb->memory, value, (size_t)cb->n_memory * sizeof *value);
}

void ti_memories_give(const ti_progress *p, const tarn_callback *cb, int n) {
    size_t k = 0;
    for (int i = 0; i < n; i++)
        if (remembers(&cb[i])) give_one(json_array_get(p->callbacks, k++), &cb[i]);
}
