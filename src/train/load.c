// Model files and checkpoints, the reader. Everything is read and checked before anything is made
// or changed: description, checksum, every tensor against the layer that wants it. So a hostile
// file makes no weight larger than itself, and a bad checkpoint leaves the model as it was.
#include <stdlib.h>
#include <string.h>

#include "train/trainer.h"

typedef struct file {
    const char *path;
    tarn_safetensors *f;
    tarn_named_tensor *t;  // in order of name
    int n;
    json_t *model, *fit;  // fit NULL: none
} file;

static void file_close(file *f) {
    for (int i = 0; i < f->n; i++) tarn_tensor_release((tarn_tensor *)(uintptr_t)f->t[i].tensor);
    ti_free(f->t);
    json_decref(f->model);
    json_decref(f->fit);
    tarn_safetensors_close(f->f);
}

// ---- reading ------------------------------------------------------------------------------------

static tarn_status read_json(const file *f, const char *key, json_t **out) {
    json_error_t e;
    const char *text = tarn_safetensors_metadata(f->f, key);
    if (!text) return TARN_OK;
    *out = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (*out) return TARN_OK;
    return ti_error(TARN_EFORMAT, "%s: '%s' at byte %d: %s", f->path, key, e.position, e.text);
}

static tarn_status read_tensors(file *f) {
    int count = tarn_safetensors_count(f->f);
    TI_TRY(ti_alloc_zero((size_t)count * sizeof *f->t, &f->t));
    for (int i = 0; i < count; i++) {
        const char *name = tarn_safetensors_name(f->f, i);
        tarn_tensor *t = NULL;
        TI_TRY(tarn_safetensors_get(f->f, name, &t));
        f->t[f->n++] = (tarn_named_tensor){name, t};
    }
    return TARN_OK;
}

// A file that another tool has rewritten may have no checksum.
static tarn_status verify(const file *f) {
    char hex[17];
    const char *want = tarn_safetensors_metadata(f->f, TI_META_CHECKSUM);
    if (!want) return TARN_OK;
    ti_file_checksum(f->t, f->n, tarn_safetensors_metadata(f->f, TI_META_MODEL),
                     tarn_safetensors_metadata(f->f, TI_META_FIT), hex);
    if (strcmp(hex, want))
        return ti_error(TARN_EFORMAT, "%s: damaged: its checksum is %s, not %.16s", f->path, hex,
                        want);
    return TARN_OK;
}

// Weights that another tool has made f16 or bf16.
static tarn_status widen(file *f) {
    for (int i = 0; i < f->n; i++) {
        tarn_tensor *wide = NULL, *t = (tarn_tensor *)(uintptr_t)f->t[i].tensor;
        if (!ti_dtype_half(tarn_tensor_dtype(t))) continue;
        TI_TRY(tarn_tensor_cast(t, TARN_F32, &wide));
        tarn_tensor_release(t);
        f->t[i].tensor = wide;
    }
    return TARN_OK;
}

static tarn_status read_all(file *f) {
    TI_TRY(tarn_safetensors_open(f->path, &f->f));
    TI_TRY(read_json(f, TI_META_MODEL, &f->model));
    TI_TRY(read_json(f, TI_META_FIT, &f->fit));
    if (!f->model)
        return ti_error(TARN_EFORMAT, "%s: no Tarn model: its metadata has no '%s'", f->path,
                        TI_META_MODEL);
    TI_TRY(read_tensors(f));
    TI_TRY(verify(f));
    return widen(f);
}

// A damaged file is answered with the one before it, where there is one.
static tarn_status offer_previous(tarn_status st, const char *path) {
    char text[512];
    ti_buf prev;
    if (st != TARN_EFORMAT && st != TARN_EIO) return st;
    ti_buf_init(&prev, 1 << 16);
    ti_buf_printf(&prev, "%s.prev", path);
    ti_error_save(text, sizeof text);
    if (!ti_buf_status(&prev) && ti_file_exists(prev.data))
        st = ti_error(st, "%s; the checkpoint before it is '%s'", text, prev.data);
    ti_buf_free(&prev);
    return st;
}

// ---- checking -----------------------------------------------------------------------------------

static int compare_names(const void *key, const void *row) {
    return strcmp(key, ((const tarn_named_tensor *)row)->name);
}

static const tarn_tensor *find(const file *f, const char *name) {
    const tarn_named_tensor *row = bsearch(name, f->t, (size_t)f->n, sizeof *f->t, compare_names);
    return row ? row->tensor : NULL;
}

static tarn_status check_param(const file *f, const ti_param *p) {
    const tarn_tensor *t = find(f, p->name);
    if (!t) return ti_error(TARN_EFORMAT, "%s: no weight '%s'", f->path, p->name);
    if (tarn_tensor_dtype(t) != TARN_F32)
        return ti_error(TARN_EFORMAT, "%s: weight '%s' is %s, not f32", f->path, p->name,
                        tarn_dtype_name(tarn_tensor_dtype(t)));
    if (!tarn_shape_equal(tarn_tensor_shape(t), &p->shape))
        return ti_error(TARN_EFORMAT, "%s: weight '%s' does not have the shape its layer wants",
                        f->path, p->name);
    return TARN_OK;
}

static bool is_state(const char *name) {
    return !strncmp(name, TARN_STATE_PREFIX, strlen(TARN_STATE_PREFIX));
}

// Every weight of the model is in the file, and no others are.
static tarn_status check_weights(const file *f, const tarn_model *m) {
    int weights = 0, params = 0;
    for (int i = 0; i < f->n; i++) weights += !is_state(f->t[i].name);
    for (int i = 0; i < m->n_layers; i++)
        for (int p = 0; p < m->layers[i].n_params; p++, params++)
            TI_TRY(check_param(f, &m->layers[i].param[p]));
    if (weights != params)
        return ti_error(TARN_EFORMAT, "%s: %d weights, the layers have %d", f->path, weights,
                        params);
    return TARN_OK;
}

// ---- setting ------------------------------------------------------------------------------------

// State variables of the file come into being with zeros; those that are there must fit.
static tarn_status make_state(const file *f, tarn_store *store) {
    tarn_graph *g = tarn_graph_create(store);
    if (!g) return ti_error(TARN_ENOMEM, "out of memory");
    for (int i = 0; i < f->n; i++)
        if (is_state(f->t[i].name))
            (void)tarn_variable(g, f->t[i].name, tarn_tensor_dtype(f->t[i].tensor),
                                *tarn_tensor_shape(f->t[i].tensor), tarn_init_zeros());
    tarn_status st = tarn_graph_status(g);
    tarn_graph_free(g);
    return st ? ti_error_at(st, "%s", f->path) : TARN_OK;
}

static tarn_status set_all(const file *f, tarn_model *m) {
    TI_TRY(ti_model_build(m));
    TI_TRY(make_state(f, m->store));
    for (int i = 0; i < f->n; i++) TI_TRY(tarn_store_set(m->store, f->t[i].name, f->t[i].tensor));
    return TARN_OK;
}

static tarn_status read_progress(const file *f, ti_progress *out) {
    tarn_status st = f->fit ? ti_progress_restore(f->fit, out) : TARN_OK;
    return st ? ti_error_at(st, "%s: '%s'", f->path, TI_META_FIT) : TARN_OK;
}

// ---- a new model --------------------------------------------------------------------------------

static tarn_status make_model(const file *f, tarn_model **out) {
    tarn_model *m = NULL;
    tarn_status st = ti_model_restore(f->model, &m);
    if (st) return ti_error_at(st == TARN_ENOMEM ? st : TARN_EFORMAT, "%s: description", f->path);
    ti_trainer *t = NULL;
    st = check_weights(f, m);
    if (!st) st = set_all(f, m);
    if (!st) st = ti_trainer_of(m, false, &t);
    if (!st) st = read_progress(f, &t->progress);
    if (st) {
        tarn_model_free(m);
        return st;
    }
    *out = m;
    return TARN_OK;
}

tarn_status tarn_model_load(const char *path, tarn_model **out) {
    file f = {.path = path};
    tarn_status st = read_all(&f);
    if (!st) st = make_model(&f, out);
    file_close(&f);
    return offer_previous(st, path);
}

// ---- into a model that is there -----------------------------------------------------------------

// To go on bit for bit, what the checkpoint was made of must be what this run is made of.
static tarn_status same_run(const file *f, const tarn_model *m) {
    static const struct {
        const char *key, *words;
    } part[] = {{"input", "input shape"},
                {"layers", "layers"},
                {"seed", "seed"},
                {"training", "loss, metrics or optimizer"}};
    json_t *mine = NULL;
    const char *differs = NULL;
    TI_TRY(ti_model_describe(m, &mine));
    for (size_t i = 0; i < sizeof part / sizeof *part && !differs; i++)
        if (!json_equal(json_object_get(mine, part[i].key), json_object_get(f->model, part[i].key)))
            differs = part[i].words;
    json_decref(mine);
    if (differs)
        return ti_error(TARN_ESTATE, "checkpoint '%s' is of another run: not the same %s", f->path,
                        differs);
    return TARN_OK;
}

// Epochs and batches count in the same data.
static tarn_status same_data(const file *f, const ti_progress *p, const ti_progress *want) {
    if (p->batch_size != want->batch_size)
        return ti_error(TARN_ESTATE, "checkpoint '%s' was made with batches of %lld, not %lld",
                        f->path, (long long)p->batch_size, (long long)want->batch_size);
    if (p->samples != want->samples || p->shuffle != want->shuffle)
        return ti_error(TARN_ESTATE, "checkpoint '%s' was made with %lld %s samples, not %lld %s",
                        f->path, (long long)p->samples, p->shuffle ? "shuffled" : "ordered",
                        (long long)want->samples, want->shuffle ? "shuffled" : "ordered");
    return TARN_OK;
}

static tarn_status load_into(const file *f, tarn_model *m, ti_progress *at) {
    ti_progress read = {0};
    if (!f->fit) return ti_error(TARN_EFORMAT, "%s: a model, but no checkpoint", f->path);
    TI_TRY(same_run(f, m));
    TI_TRY(check_weights(f, m));
    tarn_status st = read_progress(f, &read);
    if (!st) st = same_data(f, &read, at);
    if (!st) st = set_all(f, m);
    if (st) {
        ti_progress_clear(&read);
        return st;
    }
    ti_progress_clear(at);
    *at = read;
    return TARN_OK;
}

tarn_status ti_checkpoint_load(tarn_model *m, ti_progress *at, const char *path) {
    file f = {.path = path};
    tarn_status st = read_all(&f);
    if (!st) st = load_into(&f, m, at);
    file_close(&f);
    return offer_previous(st, path);
}
