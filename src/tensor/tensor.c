// Data types, shapes and dense tensors on the host.
//
// A tensor is a small header and a block of elements. Reshape makes a second header that keeps the
// owner of the block alive (`owner`), so shapes never change under a reader and no view chains
// grow: `owner` always names the tensor that allocated. Counts are atomic; elements are not
// guarded, as the public header says.
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct tarn_tensor {
    _Atomic int64_t refs;
    tarn_dtype dtype;
    tarn_shape shape;
    size_t bytes;
    void *data;
    tarn_tensor *owner;  // retained; NULL: this tensor owns `data`
};

// ---- dtypes ------------------------------------------------------------------------------------

static const struct {
    const char *name;
    size_t bytes;
    char kind;
} dtypes[TARN_DTYPE_COUNT] = {
#define DTYPE_ROW(name, text, bytes, kind) {text, bytes, kind},
    TARN_DTYPE_MAP(DTYPE_ROW)
#undef DTYPE_ROW
};

static bool is_dtype(tarn_dtype t) { return (unsigned)t < TARN_DTYPE_COUNT; }

const char *tarn_dtype_name(tarn_dtype t) { return is_dtype(t) ? dtypes[t].name : "?"; }

size_t tarn_dtype_size(tarn_dtype t) { return is_dtype(t) ? dtypes[t].bytes : 0; }

char ti_dtype_kind(tarn_dtype t) { return is_dtype(t) ? dtypes[t].kind : '\0'; }

// ---- shapes ------------------------------------------------------------------------------------

static bool is_rank(int rank) { return rank >= 0 && rank <= TARN_MAX_RANK; }

// A zero dimension makes the product 0 however large the others are.
int64_t tarn_shape_numel(const tarn_shape *s) {
    int64_t n = 1;
    bool overflow = false, empty = false;
    if (!is_rank(s->rank)) return -1;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0) return -1;
        if (s->dim[i] == 0) empty = true;
        if (__builtin_mul_overflow(n, s->dim[i], &n)) overflow = true;
    }
    return empty ? 0 : overflow ? -1 : n;
}

bool tarn_shape_equal(const tarn_shape *a, const tarn_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) return false;
    }
    return true;
}

const char *ti_shape_text(const tarn_shape *s, char text[TI_SHAPE_TEXT_CAP]) {
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < s->rank && i < TARN_MAX_RANK; i++) {
        int n = snprintf(text + used, TI_SHAPE_TEXT_CAP - used, "%s%" PRId64, i ? "," : "",
                         s->dim[i]);
        used += (size_t)n;
    }
    text[used++] = ']';
    text[used] = '\0';
    return text;
}

tarn_status ti_shape_bytes(const tarn_shape *s, tarn_dtype dtype, size_t *bytes) {
    char text[TI_SHAPE_TEXT_CAP];
    int64_t n = tarn_shape_numel(s);
    if (!is_dtype(dtype)) return ti_error(TARN_EDTYPE, "%d is not a dtype", (int)dtype);
    if (!is_rank(s->rank))
        return ti_error(TARN_ESHAPE, "rank %d, 0 to %d expected", s->rank, TARN_MAX_RANK);
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0)
            return ti_error(TARN_ESHAPE, "shape %s: dimension %d is negative",
                            ti_shape_text(s, text), i);
    }
    if (n < 0) return ti_error(TARN_ELIMIT, "shape %s is too large", ti_shape_text(s, text));
    return ti_mul((size_t)n, dtypes[dtype].bytes, bytes);
}

// ---- tensors -----------------------------------------------------------------------------------

static tarn_status header_new(tarn_dtype dtype, const tarn_shape *shape, tarn_tensor **out) {
    tarn_tensor *t;
    size_t bytes;
    tarn_status st = ti_shape_bytes(shape, dtype, &bytes);
    // The public contract has one status for every shape that cannot be.
    if (st) return st == TARN_ELIMIT ? TARN_ESHAPE : st;
    TI_TRY(ti_alloc_zero(sizeof *t, &t));
    t->dtype = dtype;
    t->shape = *shape;
    t->bytes = bytes;
    atomic_init(&t->refs, 1);
    *out = t;
    return TARN_OK;
}

tarn_status ti_tensor_create_unset(tarn_dtype dtype, tarn_shape shape, tarn_tensor **out) {
    tarn_tensor *t;
    TI_TRY(header_new(dtype, &shape, &t));
    tarn_status st = ti_alloc(t->bytes, &t->data);
    if (st) {
        ti_free(t);
        return st;
    }
    *out = t;
    return TARN_OK;
}

tarn_status tarn_tensor_create(tarn_dtype dtype, tarn_shape shape, tarn_tensor **out) {
    TI_TRY(ti_tensor_create_unset(dtype, shape, out));
    memset((*out)->data, 0, (*out)->bytes);
    return TARN_OK;
}

tarn_status tarn_tensor_from(tarn_dtype dtype, tarn_shape shape, const void *data,
                             tarn_tensor **out) {
    TI_TRY(ti_tensor_create_unset(dtype, shape, out));
    if ((*out)->bytes > 0) memcpy((*out)->data, data, (*out)->bytes);
    return TARN_OK;
}

tarn_tensor *tarn_tensor_retain(tarn_tensor *t) {
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tarn_tensor_release(tarn_tensor *t) {
    if (!t) return;
    // Release orders our writes before the count; acquire orders the others' before the free.
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    if (t->owner)
        tarn_tensor_release(t->owner);  // an owner has none itself: at most one level
    else
        ti_free(t->data);
    ti_free(t);
}

tarn_dtype tarn_tensor_dtype(const tarn_tensor *t) { return t->dtype; }

const tarn_shape *tarn_tensor_shape(const tarn_tensor *t) { return &t->shape; }

int64_t tarn_tensor_numel(const tarn_tensor *t) { return tarn_shape_numel(&t->shape); }

size_t tarn_tensor_bytes(const tarn_tensor *t) { return t->bytes; }

void *tarn_tensor_data(tarn_tensor *t) { return t->data; }

const void *tarn_tensor_cdata(const tarn_tensor *t) { return t->data; }

tarn_status tarn_tensor_reshape(tarn_tensor *t, tarn_shape shape, tarn_tensor **out) {
    char from[TI_SHAPE_TEXT_CAP], to[TI_SHAPE_TEXT_CAP];
    tarn_tensor *r;
    if (tarn_shape_numel(&shape) != tarn_tensor_numel(t))
        return ti_error(TARN_ESHAPE, "reshape %s to %s: the numbers of elements differ",
                        ti_shape_text(&t->shape, from), ti_shape_text(&shape, to));
    TI_TRY(header_new(t->dtype, &shape, &r));
    r->data = t->data;
    r->owner = tarn_tensor_retain(t->owner ? t->owner : t);
    *out = r;
    return TARN_OK;
}

// ---- cast --------------------------------------------------------------------------------------
//
// Blocks of elements go through one of two wide forms that hold every source exactly: double for
// floats, 64 bits for integers and bool (two's complement, so the same bits serve signed and
// unsigned). Reading and writing are then 11 loops each instead of 121 pairs. The caller has
// checked the dtypes; READ and WRITE end their case.

enum { CAST_BLOCK = 256 };

typedef union wide {
    double f[CAST_BLOCK];
    uint64_t u[CAST_BLOCK];
} wide;

static int64_t saturate_i64(double x) {
    if (x != x) return 0;
    if (x >= 0x1p63) return INT64_MAX;
    return x <= -0x1p63 ? INT64_MIN : (int64_t)x;
}

static uint64_t saturate_u64(double x) {
    if (!(x > 0)) return 0;
    return x >= 0x1p64 ? UINT64_MAX : (uint64_t)x;
}

static int64_t clamp_i64(double x, int64_t lo, int64_t hi) {
    return ti_max_i64(lo, ti_min_i64(hi, saturate_i64(x)));
}

#define READ(type, to, wide_type)                                                \
    for (size_t i = 0; i < n; i++) w->to[i] = (wide_type)((const type *)src)[i]; \
    break

static void read_block(tarn_dtype t, const void *src, size_t n, wide *w) {
    switch (t) {
    case TARN_F32: READ(float, f, double);
    case TARN_F64: READ(double, f, double);
    case TARN_F16:
    case TARN_BF16:
        for (size_t i = 0; i < n; i++)
            w->f[i] = ti_half_value(((const uint16_t *)src)[i], t == TARN_BF16);
        break;
    case TARN_I8: READ(int8_t, u, uint64_t);
    case TARN_I16: READ(int16_t, u, uint64_t);
    case TARN_I32: READ(int32_t, u, uint64_t);
    case TARN_I64: READ(int64_t, u, uint64_t);
    case TARN_U8: READ(uint8_t, u, uint64_t);
    case TARN_U16: READ(uint16_t, u, uint64_t);
    case TARN_U32: READ(uint32_t, u, uint64_t);
    case TARN_U64: READ(uint64_t, u, uint64_t);
    case TARN_BOOL: READ(uint8_t, u, uint64_t);
    default: ti_assert(false);
    }
}

#define WRITE(type, value)                                           \
    for (size_t i = 0; i < n; i++) ((type *)dst)[i] = (type)(value); \
    break

static void write_from_float(tarn_dtype t, const double *x, size_t n, void *dst) {
    switch (t) {
    case TARN_F32: WRITE(float, x[i]);
    case TARN_F64: WRITE(double, x[i]);
    case TARN_F16:
    case TARN_BF16: WRITE(uint16_t, ti_half_bits(x[i], t == TARN_BF16));
    case TARN_I8: WRITE(int8_t, clamp_i64(x[i], INT8_MIN, INT8_MAX));
    case TARN_I16: WRITE(int16_t, clamp_i64(x[i], INT16_MIN, INT16_MAX));
    case TARN_I32: WRITE(int32_t, clamp_i64(x[i], INT32_MIN, INT32_MAX));
    case TARN_I64: WRITE(int64_t, saturate_i64(x[i]));
    case TARN_U8: WRITE(uint8_t, clamp_i64(x[i], 0, UINT8_MAX));
    case TARN_U16: WRITE(uint16_t, clamp_i64(x[i], 0, UINT16_MAX));
    case TARN_U32: WRITE(uint32_t, clamp_i64(x[i], 0, UINT32_MAX));
    case TARN_U64: WRITE(uint64_t, saturate_u64(x[i]));
    case TARN_BOOL: WRITE(uint8_t, x[i] != 0);
    default: ti_assert(false);
    }
}

// Integer to narrower integer keeps the low bits, as C and NumPy do. Only floats care whether the
// 64 bits are meant signed.
static void write_from_int(tarn_dtype t, const uint64_t *x, bool is_signed, size_t n, void *dst) {
    switch (t) {
    case TARN_F32: WRITE(float, is_signed ? (float)(int64_t)x[i] : (float)x[i]);
    case TARN_F64: WRITE(double, is_signed ? (double)(int64_t)x[i] : (double)x[i]);
    case TARN_F16:
    case TARN_BF16:
        WRITE(uint16_t,
              ti_half_bits(is_signed ? (double)(int64_t)x[i] : (double)x[i], t == TARN_BF16));
    case TARN_I8:
    case TARN_U8: WRITE(uint8_t, x[i]);
    case TARN_I16:
    case TARN_U16: WRITE(uint16_t, x[i]);
    case TARN_I32:
    case TARN_U32: WRITE(uint32_t, x[i]);
    case TARN_I64:
    case TARN_U64: WRITE(uint64_t, x[i]);
    case TARN_BOOL: WRITE(uint8_t, x[i] != 0);
    default: ti_assert(false);
    }
}

#undef READ
#undef WRITE

tarn_status tarn_tensor_cast(const tarn_tensor *t, tarn_dtype dtype, tarn_tensor **out) {
    char kind = ti_dtype_kind(t->dtype);
    size_t n = (size_t)tarn_tensor_numel(t);
    const char *src = t->data;
    tarn_tensor *r;
    TI_TRY(ti_tensor_create_unset(dtype, t->shape, &r));
    char *dst = r->data;
    for (size_t done = 0; done < n; done += CAST_BLOCK) {
        size_t part = n - done < CAST_BLOCK ? n - done : CAST_BLOCK;
        wide w;
        read_block(t->dtype, src + done * dtypes[t->dtype].bytes, part, &w);
        if (kind == 'f')
            write_from_float(dtype, w.f, part, dst + done * dtypes[dtype].bytes);
        else
            write_from_int(dtype, w.u, kind == 'i', part, dst + done * dtypes[dtype].bytes);
    }
    *out = r;
    return TARN_OK;
}
