// optimizer and callbacks.
#include <float.h>
#include <string.h>

#include "experiment/experiment.h"
#include "train/optimizer.h"

// ---- optimizer: rmsprop, or {rmsprop: {learning_rate: 0.001}} -----------------------------------

typedef struct optimizer_draft {
    tarn_optimizer *opt;
    const ti_optimizer_ops *ops;
} optimizer_draft;

static tarn_status read_field(const ti_yaml *n, const ti_key *key, void *out) {
    optimizer_draft *d = out;
    const ti_optimizer_field *f = &d->ops->field[key->at];
    double number = 0;
    bool flag = false;
    const ti_key plain = {key->name, NULL, 0, key->min, key->max};
    TI_TRY(f->flag ? ti_read_bool(n, &plain, &flag) : ti_read_number(n, &plain, &number));
    ti_optimizer_set(&d->opt->o, f, f->flag ? flag : number);
    return TARN_OK;
}

tarn_status ti_read_optimizer(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    const char *name;
    const ti_yaml *options;
    ti_key keys[TI_MAX_FIELDS];
    size_t count = 0;
    (void)key;
    TI_TRY(ti_read_choice(n, "optimizer", &name, &options));
    if (ti_optimizer_named(name, &e->info.optimizer))
        return ti_yaml_error_at(options ? options : n, TARN_EFORMAT);
    optimizer_draft d = {&e->info.optimizer, ti_optimizer_ops_of(e->info.optimizer.kind)};
    for (const ti_optimizer_field *f = d.ops->field; f->name; f++, count++)
        keys[count] = (ti_key){f->name, read_field, count, f->min, f->max};
    return options ? ti_read_map(options, keys, count, name, &d) : TARN_OK;
}

// ---- callbacks: a list, or a map, of names with options -----------------------------------------

static const ti_key early_stopping_keys[] = {
    {"monitor", ti_read_text, offsetof(tarn_early_stopping_opts, monitor), 0, 0},
    {"min_delta", ti_read_number, offsetof(tarn_early_stopping_opts, min_delta), 0, DBL_MAX},
    {"patience", ti_read_int, offsetof(tarn_early_stopping_opts, patience), 0, 1e9},
    {"restore_best_weights", ti_read_bool, offsetof(tarn_early_stopping_opts, restore_best), 0, 0},
};

static tarn_status read_early_stopping(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    (void)key;
    e->info.early_stopping = &e->early_stopping;
    return TI_READ_MAP(n, early_stopping_keys, "early_stopping", &e->early_stopping);
}

static const ti_key callback_keys[] = {
    {"early_stopping", read_early_stopping, 0, 0, 0},
};

static tarn_status read_callback(const ti_yaml *n, tarn_experiment *e) {
    const char *name;
    const ti_yaml *options;
    TI_TRY(ti_read_choice(n, "a callback", &name, &options));
    if (options) return TI_READ_MAP(n, callback_keys, "callbacks", e);
    ti_yaml named = {
        .kind = TI_YAML_SCALAR, .file = n->file, .line = n->line, .text = "", .key = name};
    ti_yaml map = {.kind = TI_YAML_MAP,
                   .file = n->file,
                   .line = n->line,
                   .first = &named,
                   .last = &named,
                   .count = 1};
    return TI_READ_MAP(&map, callback_keys, "callbacks", e);
}

tarn_status ti_read_callbacks(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    (void)key;
    if (n->kind != TI_YAML_LIST) return TI_READ_MAP(n, callback_keys, "callbacks", e);
    for (const ti_yaml *child = n->first; child; child = child->next)
        TI_TRY(read_callback(child, e));
    return TARN_OK;
}
