// The "training" part of a description: loss, metrics, optimizer with every option.
#include <stdio.h>
#include <string.h>

#include "train/trainer.h"

static tarn_status describe_optimizer(tarn_optimizer opt, json_t *o) {
    const ti_optimizer_ops *ops = ti_optimizer_ops_of(opt.kind);
    tarn_optimizer_opts v;
    TI_TRY(ti_optimizer_resolve(opt, &v));
    TI_TRY(ti_json_set(o, "name", json_string(ops->name)));
    for (const ti_optimizer_field *f = ops->field; f->name; f++) {
        double x = ti_optimizer_get(&v, f);
        TI_TRY(ti_json_set(o, f->name, f->flag ? json_boolean(x != 0.0) : json_real(x)));
    }
    return TARN_OK;
}

static tarn_status fill(const ti_trainer *t, json_t *o) {
    json_t *metrics = json_array(), *optimizer = json_object();
    tarn_status st = ti_json_set(o, "metrics", metrics);
    TI_TRY(ti_json_set(o, "optimizer", optimizer));
    TI_TRY(st);
    TI_TRY(ti_json_set(o, "loss", json_string(t->loss)));
    for (int i = 0; i < t->n_metrics; i++)
        if (json_array_append_new(metrics, json_string(t->metric[i])))
            return ti_error(TARN_ENOMEM, "out of memory");
    return describe_optimizer(t->optimizer, optimizer);
}

tarn_status ti_training_describe(const ti_trainer *t, json_t **out) {
    json_t *o = json_object();
    if (!o) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_status st = fill(t, o);
    if (st) {
        json_decref(o);
        return st;
    }
    *out = o;
    return TARN_OK;
}

static tarn_status restore_optimizer(json_t *o, tarn_optimizer *out) {
    const char *name = "";
    tarn_optimizer_opts checked;
    TI_TRY(ti_json_text(o, "name", &name));
    TI_TRY(ti_optimizer_named(name, out));
    const ti_optimizer_ops *ops = ti_optimizer_ops_of(out->kind);
    for (const ti_optimizer_field *f = ops->field; f->name; f++) {
        double x = f->preset;
        bool flag = false;
        TI_TRY(f->flag ? ti_json_bool(o, f->name, &flag) : ti_json_number(o, f->name, &x));
        ti_optimizer_set(&out->o, f, f->flag ? flag : x);
    }
    return ti_optimizer_resolve(*out, &checked);
}

static tarn_status restore_name(const json_t *v, const char *what, char *out, size_t cap) {
    const char *text = json_string_value(v);
    if (!text || strlen(text) >= cap) return ti_error(TARN_EFORMAT, "%s has no good name", what);
    memcpy(out, text, strlen(text) + 1);
    return TARN_OK;
}

tarn_status ti_training_restore(json_t *o, ti_trainer *t) {
    json_t *metrics = json_object_get(o, "metrics");
    size_t n = json_array_size(metrics);
    if (n > TI_MAX_METRICS) return ti_error(TARN_EFORMAT, "at most %d metrics", TI_MAX_METRICS);
    TI_TRY(restore_name(json_object_get(o, "loss"), "loss", t->loss, sizeof t->loss));
    for (size_t i = 0; i < n; i++)
        TI_TRY(restore_name(json_array_get(metrics, i), "metric", t->metric[i], TI_LOG_NAME));
    t->n_metrics = (int)n;
    TI_TRY(restore_optimizer(json_object_get(o, "optimizer"), &t->optimizer));
    t->compiled = true;
    return TARN_OK;
}
