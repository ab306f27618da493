// An experiment: file to tree, overrides, tree to struct by the table of keys below.
#include "experiment/experiment.h"

#include <string.h>

// ---- loss and metrics ---------------------------------------------------------------------------

static tarn_status read_loss(const ti_yaml *n, const ti_key *key, void *out) {
    bool labels;
    TI_TRY(ti_read_text(n, key, out));
    return ti_loss_wants_labels(n->text, &labels) ? ti_yaml_error_at(n, TARN_EFORMAT) : TARN_OK;
}

static tarn_status read_metric(const ti_yaml *n, ti_buf *list) {
    const char *name;
    const ti_key plain = {"metrics", NULL, 0, 0, 0};
    TI_TRY(ti_read_text(n, &plain, &name));
    if (ti_metric_check(name)) return ti_yaml_error_at(n, TARN_EFORMAT);
    ti_buf_printf(list, "%s%s", list->size ? "," : "", name);
    return ti_buf_status(list);
}

// [accuracy, mse] or accuracy
static tarn_status read_metrics(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    ti_buf list;
    tarn_status st = TARN_OK;
    (void)key;
    ti_buf_init(&list, 1024);
    if (n->kind == TI_YAML_SCALAR)
        st = read_metric(n, &list);
    else if (n->kind == TI_YAML_MAP)
        st = ti_yaml_error(n, "metrics expects a list of names");
    for (const ti_yaml *child = n->first; child && !st; child = child->next)
        st = read_metric(child, &list);
    if (!st && list.size) st = ti_arena_strdup(&e->arena, list.data, &e->info.metrics);
    ti_buf_free(&list);
    return st;
}

static tarn_status read_shuffle(const ti_yaml *n, const ti_key *key, void *out) {
    bool shuffle;
    const ti_key plain = {key->name, NULL, 0, 0, 0};
    TI_TRY(ti_read_bool(n, &plain, &shuffle));
    ((tarn_experiment *)out)->info.no_shuffle = !shuffle;
    return TARN_OK;
}

// ---- the file -----------------------------------------------------------------------------------

#define AT(member) offsetof(tarn_experiment, info.member)

static const ti_key top_keys[] = {
    {"data", ti_read_data, 0, 0, 0},
    {"model", ti_read_model, 0, 0, 0},
    {"loss", read_loss, AT(loss), 0, 0},
    {"optimizer", ti_read_optimizer, 0, 0, 0},
    {"metrics", read_metrics, 0, 0, 0},
    {"batch", ti_read_int, AT(batch), 1, 1e9},
    {"epochs", ti_read_int, AT(epochs), 1, 1e9},
    {"steps", ti_read_int, AT(steps), 0, 1e15},
    {"seed", ti_read_seed, AT(seed), 0, 0},
    {"shuffle", read_shuffle, 0, 0, 0},
    {"callbacks", ti_read_callbacks, 0, 0, 0},
};

static tarn_status check_complete(const tarn_experiment *e) {
    static const char *const needed[] = {"data", "model", "loss"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!ti_yaml_get(e->root, needed[i]))
            return ti_error(TARN_EFORMAT, "%s: '%s' is missing", e->file, needed[i]);
    return TARN_OK;
}

static tarn_status read_tree(tarn_experiment *e, ti_yaml *root, const char *const *sets,
                             int n_sets) {
    for (int i = 0; i < n_sets; i++) TI_TRY(ti_yaml_set(&e->arena, root, sets[i]));
    e->root = root;
    e->info = (tarn_experiment_info){
        .batch = 32, .epochs = 1, .optimizer = {.kind = TARN_RMSPROP}};  // Keras' defaults
    TI_TRY(TI_READ_MAP(root, top_keys, "", e));
    TI_TRY(check_complete(e));
    e->info.data_name = ti_data_name(&e->data);
    return TARN_OK;
}

tarn_status tarn_experiment_parse(const char *name, const char *text, size_t size,
                                  const char *const *sets, int n_sets, tarn_experiment **out) {
    tarn_experiment *e = NULL;
    ti_yaml *root = NULL;
    TI_TRY(ti_alloc_zero(sizeof *e, &e));
    tarn_status st = ti_arena_strdup(&e->arena, name, &e->file);
    if (!st) st = ti_yaml_parse(&e->arena, name, text, size, &root);
    if (!st) st = read_tree(e, root, sets, n_sets);
    if (st) {
        tarn_experiment_free(e);
        return st;
    }
    *out = e;
    return TARN_OK;
}

tarn_status tarn_experiment_read(const char *path, const char *const *sets, int n_sets,
                                 tarn_experiment **out) {
    uint8_t *text = NULL;
    size_t size;
    TI_TRY(ti_file_read(path, TI_YAML_MAX_BYTES, &text, &size));
    tarn_status st = tarn_experiment_parse(path, (const char *)text, size, sets, n_sets, out);
    ti_free(text);
    return st;
}

void tarn_experiment_free(tarn_experiment *e) {
    if (!e) return;
    ti_arena_free(&e->arena);
    ti_free(e);
}

tarn_experiment_info tarn_experiment_get(const tarn_experiment *e) { return e->info; }
