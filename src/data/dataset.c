// Data sets: what they hold, checked once, and class names that several of them share.
#include "data/data.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

// ---- class names -------------------------------------------------------------------------------

typedef struct label_block {
    _Atomic int64_t refs;
    const char *names[];  // then the bytes they point to
} label_block;

static void labels_release(label_block *b) {
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) ti_free(b);
}

static tarn_status block_bytes(const char *const *names, size_t n, size_t *table, size_t *all) {
    TI_TRY(ti_mul(n, sizeof *names, table));
    TI_TRY(ti_add(*table, sizeof(label_block), table));
    *all = *table;
    for (size_t i = 0; i < n; i++) TI_TRY(ti_add(*all, strlen(names[i]) + 1, all));
    return TARN_OK;
}

tarn_status ti_dataset_set_labels(tarn_dataset *d, const char *const *names, int64_t n) {
    size_t table, all;
    label_block *b;
    TI_TRY(block_bytes(names, (size_t)n, &table, &all));
    TI_TRY(ti_alloc(all, &b));
    atomic_init(&b->refs, 1);
    char *text = (char *)b + table;
    for (int64_t i = 0; i < n; i++) {
        size_t bytes = strlen(names[i]) + 1;
        memcpy(text, names[i], bytes);
        b->names[i] = text;
        text += bytes;
    }
    labels_release(d->owner);
    d->owner = b;
    d->labels = b->names;
    d->classes = n;
    return TARN_OK;
}

void ti_dataset_share_labels(tarn_dataset *dst, const tarn_dataset *src) {
    label_block *b = src->owner;
    if (b) atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    labels_release(dst->owner);
    dst->owner = b;
    dst->labels = src->labels;
    dst->classes = src->classes;
}

// ---- the set -----------------------------------------------------------------------------------

void ti_dataset_set_name(tarn_dataset *d, const char *name) {
    snprintf(d->name, sizeof d->name, "%s", name);
}

void tarn_dataset_clear(tarn_dataset *d) {
    if (!d) return;
    tarn_tensor_release(d->x);
    tarn_tensor_release(d->y);
    labels_release(d->owner);
    *d = (tarn_dataset){0};
}

static tarn_status check_inputs(const tarn_dataset *d) {
    char text[TI_SHAPE_TEXT_CAP];
    if (!d->x || !d->y) return ti_error(TARN_EARG, "no %s", d->x ? "targets" : "samples");
    const tarn_shape *s = tarn_tensor_shape(d->x);
    tarn_dtype t = tarn_tensor_dtype(d->x);
    if (t != TARN_U8 && t != TARN_F32)
        return ti_error(TARN_EDTYPE, "samples are %s, u8 or f32 expected", tarn_dtype_name(t));
    if (s->rank < 1 || tarn_tensor_numel(d->x) == 0)
        return ti_error(TARN_ESHAPE, "samples are %s, [n, ...] with n > 0 expected",
                        ti_shape_text(s, text));
    if (!isfinite(d->scale) || !isfinite(d->offset))
        return ti_error(TARN_EARG, "scale %g and offset %g, finite numbers expected", d->scale,
                        d->offset);
    return TARN_OK;
}

static tarn_status check_labels(const tarn_dataset *d, int64_t n) {
    char text[TI_SHAPE_TEXT_CAP];
    const tarn_shape *s = tarn_tensor_shape(d->y);
    if (tarn_tensor_dtype(d->y) != TARN_I32)
        return ti_error(TARN_EDTYPE, "labels are %s, i32 expected",
                        tarn_dtype_name(tarn_tensor_dtype(d->y)));
    if (s->rank != 1 || s->dim[0] != n)
        return ti_error(TARN_ESHAPE, "labels are %s, [%" PRId64 "] expected",
                        ti_shape_text(s, text), n);
    const int32_t *y = tarn_tensor_cdata(d->y);
    for (int64_t i = 0; i < n; i++) {
        if (y[i] < 0 || y[i] >= d->classes)
            return ti_error(TARN_EARG,
                            "sample %" PRId64 ": label %" PRId32 ", 0 to %" PRId64 " expected", i,
                            y[i], d->classes - 1);
    }
    return TARN_OK;
}

static tarn_status check_targets(const tarn_dataset *d, int64_t n) {
    char text[TI_SHAPE_TEXT_CAP];
    const tarn_shape *s = tarn_tensor_shape(d->y);
    if (tarn_tensor_dtype(d->y) != TARN_F32)
        return ti_error(TARN_EDTYPE, "targets are %s, f32 expected",
                        tarn_dtype_name(tarn_tensor_dtype(d->y)));
    if (s->rank != 2 || s->dim[0] != n || s->dim[1] < 1)
        return ti_error(TARN_ESHAPE, "targets are %s, [%" PRId64 ", outputs] expected",
                        ti_shape_text(s, text), n);
    return TARN_OK;
}

tarn_status tarn_dataset_check(const tarn_dataset *d) {
    tarn_status st = check_inputs(d);
    if (!st && d->classes < 0)
        st = ti_error(TARN_EARG, "%" PRId64 " classes, 0 or more expected", d->classes);
    if (!st) {
        int64_t n = tarn_tensor_shape(d->x)->dim[0];
        st = d->classes > 0 ? check_labels(d, n) : check_targets(d, n);
    }
    if (!st) return TARN_OK;
    return ti_error_at(st, "data set '%.*s'", (int)sizeof d->name, d->name);
}
