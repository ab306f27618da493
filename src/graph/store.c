// Variables by name, sorted, so that files and hashes have one order.
#include <string.h>

#include "graph/graph.h"

tarn_status tarn_store_create(uint64_t seed, tarn_store **out) {
    tarn_store *s = NULL;
    TI_TRY(ti_alloc_zero(sizeof *s, &s));
    s->seed = seed;
    *out = s;
    return TARN_OK;
}

static void variable_free(ti_variable *v) {
    if (!v) return;
    ti_free(v->data);
    ti_free((void *)(uintptr_t)v->name);
    ti_free(v);
}

void tarn_store_free(tarn_store *s) {
    if (!s) return;
    for (int i = 0; i < s->n; i++) variable_free(s->vars[i]);
    ti_free(s->vars);
    ti_free(s);
}

uint64_t tarn_store_seed(const tarn_store *s) { return s->seed; }
int tarn_store_count(const tarn_store *s) { return s->n; }
const char *tarn_store_name(const tarn_store *s, int i) {
    return i >= 0 && i < s->n ? s->vars[i]->name : NULL;
}

// First position whose name is not less than `name`.
static int lower_bound(const tarn_store *s, const char *name) {
    int lo = 0, hi = s->n;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (strcmp(s->vars[mid]->name, name) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

ti_variable *ti_store_find(const tarn_store *s, const char *name) {
    int i = lower_bound(s, name);
    return i < s->n && !strcmp(s->vars[i]->name, name) ? s->vars[i] : NULL;
}

bool tarn_store_has(const tarn_store *s, const char *name) { return ti_store_find(s, name); }

// Keys differ by name, so order of creation does not matter.
static tarn_status initialise(const tarn_store *s, ti_variable *v, tarn_init init) {
    void *rows = NULL;
    TI_TRY(ti_alloc(ti_form_bytes(TI_ROWS, v->dtype, &v->shape), &rows));
    tarn_status st = ti_init_fill(init, s->seed ^ ti_hash64(v->name), v->dtype, &v->shape, rows);
    if (!st) ti_form_from_rows(v->form, v->dtype, &v->shape, rows, v->data);
    ti_free(rows);
    return st;
}

static tarn_status variable_make(const tarn_store *s, const char *name, tarn_dtype dtype,
                                 const tarn_shape *shape, tarn_init init, ti_variable **out) {
    ti_variable *v = NULL;
    char *copy = NULL;
    size_t len = strlen(name) + 1;
    if (tarn_shape_numel(shape) < 0)
        return ti_error(TARN_ESHAPE, "variable '%s' needs a fixed shape", name);
    TI_TRY(ti_alloc_zero(sizeof *v, &v));
    v->dtype = dtype;
    v->shape = *shape;
    v->form = ti_variable_form(dtype, shape);
    v->bytes = ti_form_bytes(v->form, dtype, shape);
    tarn_status st = ti_alloc(len, &copy);
    if (!st) {
        v->name = memcpy(copy, name, len);
        st = ti_alloc_zero(v->bytes, &v->data);
    }
    if (!st && init.kind != TARN_INIT_ZEROS) st = initialise(s, v, init);
    if (st) {
        variable_free(v);
        return ti_error_at(st, "variable '%s'", name);
    }
    *out = v;
    return TARN_OK;
}

tarn_status ti_store_add(tarn_store *s, const char *name, tarn_dtype dtype, const tarn_shape *shape,
                         tarn_init init, ti_variable **out) {
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 16;
        TI_TRY(ti_realloc((size_t)s->n * sizeof *s->vars, (size_t)cap * sizeof *s->vars, &s->vars));
        s->cap = cap;
    }
    ti_variable *v = NULL;
    TI_TRY(variable_make(s, name, dtype, shape, init, &v));
    int at = lower_bound(s, name);
    memmove(s->vars + at + 1, s->vars + at, (size_t)(s->n - at) * sizeof *s->vars);
    s->vars[at] = v;
    s->n++;
    *out = v;
    return TARN_OK;
}

tarn_status tarn_store_get(const tarn_store *s, const char *name, tarn_tensor **out) {
    const ti_variable *v = ti_store_find(s, name);
    if (!v) return ti_error(TARN_ENOENT, "no variable '%s'", name);
    tarn_tensor *t = NULL;
    TI_TRY(tarn_tensor_create(v->dtype, v->shape, &t));
    ti_form_to_rows(v->form, v->dtype, &v->shape, v->data, tarn_tensor_data(t));
    *out = t;
    return TARN_OK;
}

tarn_status tarn_store_set(tarn_store *s, const char *name, const tarn_tensor *value) {
    ti_variable *v = ti_store_find(s, name);
    if (!v) return ti_error(TARN_ENOENT, "no variable '%s'", name);
    if (tarn_tensor_dtype(value) != v->dtype)
        return ti_error(TARN_EDTYPE, "variable '%s' is %s, not %s", name, tarn_dtype_name(v->dtype),
                        tarn_dtype_name(tarn_tensor_dtype(value)));
    if (!tarn_shape_equal(tarn_tensor_shape(value), &v->shape)) {
        char want[128], got[128];
        ti_named_shape_text(NULL, &v->shape, want, sizeof want);
        ti_named_shape_text(NULL, tarn_tensor_shape(value), got, sizeof got);
        return ti_error(TARN_ESHAPE, "variable '%s' is %s, not %s", name, want, got);
    }
    ti_form_from_rows(v->form, v->dtype, &v->shape, tarn_tensor_cdata(value), v->data);
    return TARN_OK;
}

static void hash_variable(ti_sha256 *h, const ti_variable *v, const tarn_tensor *t) {
    const char *dtype = tarn_dtype_name(v->dtype);
    ti_sha256_add(h, v->name, strlen(v->name) + 1);
    ti_sha256_add(h, dtype, strlen(dtype) + 1);
    int64_t rank = v->shape.rank;
    ti_sha256_add(h, &rank, sizeof rank);
    ti_sha256_add(h, v->shape.dim, (size_t)rank * sizeof(int64_t));
    ti_sha256_add(h, tarn_tensor_cdata(t), tarn_tensor_bytes(t));
}

tarn_status tarn_store_sha256(const tarn_store *s, char hex[65]) {
    ti_sha256 h;
    ti_sha256_init(&h);
    for (int i = 0; i < s->n; i++) {
        const ti_variable *v = s->vars[i];
        if (!strncmp(v->name, TARN_STATE_PREFIX, strlen(TARN_STATE_PREFIX))) continue;
        tarn_tensor *t = NULL;
        TI_TRY(tarn_store_get(s, v->name, &t));
        hash_variable(&h, v, t);
        tarn_tensor_release(t);
    }
    ti_sha256_hex(&h, hex);
    return TARN_OK;
}
