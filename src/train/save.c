// Model files and checkpoints, the writer: one safetensors file with all weights, the description
// and, when asked, every state variable and where the fit stands.
//
// A checkpoint replaces the one before in two renames: the new file is written whole beside it
// (PATH.next), then PATH becomes PATH.prev, then PATH.next becomes PATH. So at any instant PATH,
// or PATH.next where a kill came between the renames, is complete.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/trainer.h"

// ---- checksum -----------------------------------------------------------------------------------

// FNV-1a over words of eight bytes: fast, and any one flipped bit changes it.
static uint64_t mix(uint64_t h, const void *data, size_t n) {
    const char *at = data;
    uint64_t word;
    for (; n >= sizeof word; n -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 32;
    }
    word = n;
    memcpy(&word, at, n);
    return (h ^ word ^ (uint64_t)n << 56) * 0x100000001b3u;
}

static uint64_t mix_text(uint64_t h, const char *text) {
    return mix(h, text ? text : "", text ? strlen(text) : 0);
}

void ti_file_checksum(const tarn_named_tensor *t, int n, const char *model, const char *fit,
                      char hex[17]) {
    uint64_t h = mix_text(mix_text(0xcbf29ce484222325u, model), fit);
    for (int i = 0; i < n; i++) {
        const tarn_shape *s = tarn_tensor_shape(t[i].tensor);
        h = mix_text(mix_text(h, t[i].name), tarn_dtype_name(tarn_tensor_dtype(t[i].tensor)));
        h = mix(h, s->dim, (size_t)s->rank * sizeof *s->dim);
        h = mix(h, tarn_tensor_cdata(t[i].tensor), tarn_tensor_bytes(t[i].tensor));
    }
    snprintf(hex, 17, "%016llx", (unsigned long long)h);
}

// ---- the file -----------------------------------------------------------------------------------

typedef struct draft {
    tarn_named_tensor *t;
    int n;
    const char *model;  // owned by the model
    char *fit;          // of jansson; NULL: none
} draft;

static void draft_clear(draft *d) {
    for (int i = 0; i < d->n; i++) tarn_tensor_release((tarn_tensor *)(uintptr_t)d->t[i].tensor);
    ti_free(d->t);
    free(d->fit);
}

static bool wanted(const tarn_store *s, int i, bool state) {
    return state || strncmp(tarn_store_name(s, i), TARN_STATE_PREFIX, strlen(TARN_STATE_PREFIX));
}

// Variables in order of name.
static tarn_status collect(const tarn_store *s, bool state, draft *d) {
    int count = tarn_store_count(s);
    TI_TRY(ti_alloc_zero((size_t)count * sizeof *d->t, &d->t));
    for (int i = 0; i < count; i++) {
        tarn_tensor *value = NULL;
        if (!wanted(s, i, state)) continue;
        TI_TRY(tarn_store_get(s, tarn_store_name(s, i), &value));
        d->t[d->n++] = (tarn_named_tensor){tarn_store_name(s, i), value};
    }
    return TARN_OK;
}

static tarn_status describe_fit(const ti_progress *p, char **out) {
    json_t *o = NULL;
    TI_TRY(ti_progress_describe(p, &o));
    *out = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *out ? TARN_OK : ti_error(TARN_ENOMEM, "out of memory");
}

static tarn_status write_draft(const draft *d, const char *path) {
    char checksum[17];
    ti_file_checksum(d->t, d->n, d->model, d->fit, checksum);
    tarn_pair meta[] = {
        {TI_META_CHECKSUM, checksum},
        {TI_META_MODEL, d->model},
        {TI_META_VERSION, tarn_version()},
        {TI_META_FIT, d->fit},
    };
    int n_meta = (int)(sizeof meta / sizeof *meta) - (d->fit ? 0 : 1);
    return tarn_safetensors_write(path, d->t, d->n, meta, n_meta);
}

tarn_status tarn_model_save(tarn_model *m, const char *path, bool state) {
    draft d = {0};
    ti_trainer *t = NULL;
    tarn_status st = ti_trainer_of(m, false, &t);
    if (!st) st = ti_model_build(m);
    if (!st) st = tarn_model_to_json(m, &d.model);
    if (!st && state && t->progress.step) st = describe_fit(&t->progress, &d.fit);
    if (!st) st = collect(m->store, state, &d);
    if (!st) st = write_draft(&d, path);
    draft_clear(&d);
    return st ? ti_error_at(st, "save '%s'", path) : TARN_OK;
}

// ---- checkpoints --------------------------------------------------------------------------------

typedef struct names {
    ti_buf next, prev;
} names;

static tarn_status names_of(const char *path, names *n) {
    ti_buf_init(&n->next, 1 << 16);
    ti_buf_init(&n->prev, 1 << 16);
    ti_buf_printf(&n->next, "%s.next", path);
    ti_buf_printf(&n->prev, "%s.prev", path);
    tarn_status st = ti_buf_status(&n->next);
    return st ? st : ti_buf_status(&n->prev);
}

static void names_free(names *n) {
    ti_buf_free(&n->next);
    ti_buf_free(&n->prev);
}

static tarn_status move_file(const char *from, const char *to) {
    return rename(from, to) ? ti_error(TARN_EIO, "rename '%s' to '%s' failed", from, to) : TARN_OK;
}

tarn_status ti_checkpoint_try(const char *path) {
    names n;
    ti_writer w;
    tarn_status st = names_of(path, &n);
    if (!st) st = ti_writer_sweep(n.next.data);
    if (!st) st = ti_writer_open(&w, n.next.data);
    if (!st) ti_writer_abort(&w);
    names_free(&n);
    return st ? ti_error_at(st, "checkpoint '%s'", path) : TARN_OK;
}

tarn_status ti_checkpoint_save(tarn_model *m, const char *path) {
    names n;
    tarn_status st = names_of(path, &n);
    if (!st) st = tarn_model_save(m, n.next.data, true);
    if (!st && ti_file_exists(path)) st = move_file(path, n.prev.data);
    if (!st) st = move_file(n.next.data, path);
    names_free(&n);
    return st ? ti_error_at(st, "checkpoint '%s'", path) : TARN_OK;
}

tarn_status ti_checkpoint_find(const char *path, bool *there) {
    names n;
    *there = ti_file_exists(path);
    if (*there) return TARN_OK;
    tarn_status st = names_of(path, &n);
    if (!st && ti_file_exists(n.next.data)) {
        st = move_file(n.next.data, path);
        *there = !st;
    }
    names_free(&n);
    return st;
}
