// slice: y[i,..] = x[start + step i,..], a view. pad: the other way round, x put into a larger y
// whose other elements have one value. Each is the other's gradient.
#include "ops/ops.h"

// Does each axis of `part` fit as start, start + step, ... into that of `whole`?
static tarn_status fits(const tarn_node *n, const tarn_shape *whole, const tarn_shape *part) {
    if (whole->rank != part->rank)
        return ti_error(TARN_ESHAPE, "rank %d into rank %d", part->rank, whole->rank);
    for (int i = 0; i < whole->rank; i++) {
        int64_t d = whole->dim[i], s = part->dim[i], start = n->at.start[i], step = n->at.step[i];
        bool plain = start == 0 && step == 1;
        if ((d < 0 || s < 0) && (d != s || !plain))
            return ti_error(TARN_EUNSUPPORTED,
                            "axis %d is a named dimension, which can only stay whole", i);
        if (d < 0 || (plain && d == s)) continue;
        if (start < 0 || step < 1 || s < 1 || start >= d || s - 1 > (d - 1 - start) / step)
            return ti_error(TARN_ESHAPE,
                            "axis %d: %lld elements from %lld in steps of %lld, of %lld", i,
                            (long long)s, (long long)start, (long long)step, (long long)d);
    }
    return TARN_OK;
}

static tarn_status slice_infer(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->at.shape;
    return fits(n, &n->in[0]->shape, &n->shape);
}

static tarn_status pad_infer(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->at.shape;
    bool floats = n->dtype == TARN_F32 || n->dtype == TARN_F64;
    bool whole = n->dtype == TARN_I64 || n->dtype == TARN_I32 || n->dtype == TARN_U32 ||
                 n->dtype == TARN_U8 || n->dtype == TARN_BOOL;
    if (!floats && (!whole || n->at.value != 0))
        return ti_error(TARN_EUNSUPPORTED, "padding of %s with %g", tarn_dtype_name(n->dtype),
                        n->at.value);
    return fits(n, &n->shape, &n->in[0]->shape);
}

// The same places, seen from the other side: of a slice's result into x, or of x out of a pad's.
static tarn_node *turn(ti_grad *r, const ti_op *op) {
    ti_attrs at = r->y->at;
    at.value = 0;
    at.shape = r->in[0]->shape;
    return ti_node1(r->g, op, r->dy, &at);
}
static void slice_grad(ti_grad *r) { r->dx[0] = turn(r, &ti_op_pad); }
static void pad_grad(ti_grad *r) { r->dx[0] = turn(r, &ti_op_slice); }

// Every second element; all but the first; one index of each axis but the last.
static tarn_node *slice_variant(tarn_graph *g, tarn_node *const *in, int v) {
    int64_t start[TARN_MAX_RANK] = {0}, step[TARN_MAX_RANK];
    tarn_shape s = in[0]->shape;
    for (int i = 0; i < s.rank; i++) {
        bool one = v == 2 && i + 1 < s.rank;
        start[i] = v == 1 || one;
        step[i] = v == 0 ? 2 : 1;
        s.dim[i] = v == 0 ? (s.dim[i] + 1) / 2 : one ? 1 : s.dim[i] - start[i];
    }
    return v > 2 ? NULL : tarn_slice(g, in[0], start, step, s);
}

// Around; between; both, unevenly, of another value.
static tarn_node *pad_variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const int64_t one[TARN_MAX_RANK] = {1, 1, 1}, odd[TARN_MAX_RANK] = {0, 2, 1};
    switch (v) {
    case 0: return tarn_pad(g, in[0], 0, one, one, NULL);
    case 1: return tarn_pad(g, in[0], 0, NULL, NULL, one);
    case 2: return tarn_pad(g, in[0], -1.5, odd, one, odd);
    default: return NULL;
    }
}

const ti_op ti_op_slice = {.name = "slice",
                           .kind = TI_VIEW,
                           .n_in = 1,
                           .infer = slice_infer,
                           .grad = slice_grad,
                           .samples = "3x4; 17; 2x3x4",
                           .variant = slice_variant};
const ti_op ti_op_pad = {.name = "pad",
                         .kind = TI_PUT,
                         .n_in = 1,
                         .infer = pad_infer,
                         .grad = pad_grad,
                         .samples = "3x4; 17; 2x3x4",
                         .variant = pad_variant};

tarn_node *tarn_slice(tarn_graph *g, tarn_node *x, const int64_t *start, const int64_t *step,
                      tarn_shape size) {
    if (!x) return NULL;
    ti_attrs at = {.shape = size};
    bool whole = tarn_shape_equal(&x->shape, &size);
    for (int i = 0; i < x->shape.rank; i++) {
        at.start[i] = start ? start[i] : 0;
        at.step[i] = step ? step[i] : 1;
        whole &= at.start[i] == 0 && at.step[i] == 1;
    }
    return whole ? x : ti_node1(g, &ti_op_slice, x, &at);
}

// d elements of one axis with `low` before, `high` after and `between` in each gap; -1: no size.
static int64_t padded(int64_t d, int64_t low, int64_t high, int64_t between) {
    int64_t n;
    if (low < 0 || high < 0 || between < 0 || d < 1) return -1;
    if (__builtin_mul_overflow(d - 1, between, &n) || __builtin_add_overflow(n, d, &n)) return -1;
    if (__builtin_add_overflow(n, low, &n) || __builtin_add_overflow(n, high, &n)) return -1;
    return n;
}

tarn_node *tarn_pad(tarn_graph *g, tarn_node *x, double value, const int64_t *low,
                    const int64_t *high, const int64_t *interior) {
    if (!x) return NULL;
    ti_attrs at = {.value = value, .shape = x->shape};
    for (int i = 0; i < x->shape.rank; i++) {
        int64_t l = low ? low[i] : 0, h = high ? high[i] : 0, b = interior ? interior[i] : 0;
        at.start[i] = l;
        at.step[i] = 1 + b;
        if (l == 0 && h == 0 && b == 0) continue;
        if (x->shape.dim[i] < 0)
            return ti_graph_fail(g, ti_error(TARN_EUNSUPPORTED,
                                             "pad: axis %d is a named dimension, which can only "
                                             "stay whole",
                                             i));
        at.shape.dim[i] = padded(x->shape.dim[i], l, h, b);
        if (at.shape.dim[i] < 0)
            return ti_graph_fail(g, ti_error(TARN_EARG, "pad: axis %d by %lld, %lld and %lld", i,
                                             (long long)l, (long long)h, (long long)b));
    }
    return tarn_shape_equal(&at.shape, &x->shape) ? x : ti_node1(g, &ti_op_pad, x, &at);
}
