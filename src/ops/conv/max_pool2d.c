// y[n,i,j,c] = max_pq x[n, i sh + p, j sw + q, c], channels last. A window with a NaN gives NaN.
// The gradient goes to the first of the largest elements of a window, rows before columns.
//
// The maximum of kh kw slices of x, so that it vectorises over channels and joins other
// element-wise work. max_pool2d_index is where the maximum was found, p kw + q, a byte that the
// same kernel makes for the way back. Windows that do not overlap send dy back in one kernel over
// [n, oh, kh, ow, kw, c].
#include <math.h>

#include "ops/ops.h"

enum {
    MAX_PLACES = 49,  // of a window: each is an operand of the kernel
    MAX_SIZE = INT32_MAX / 4
};

static tarn_status infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape;
    const ti_window *w = &n->at.window;
    TI_TRY(ti_need_float(n, 0));
    if (x->rank != 4) return ti_error(TARN_ESHAPE, "[n,h,w,c] expected");
    for (int i = 1; i < 4; i++)
        if (x->dim[i] < 1 || x->dim[i] > MAX_SIZE)
            return ti_error(TARN_ESHAPE, "axis %d has size %lld", i, (long long)x->dim[i]);
    if (w->kh * w->kw > MAX_PLACES)
        return ti_error(TARN_EUNSUPPORTED, "a window of %d x %d has more than %d places", w->kh,
                        w->kw, MAX_PLACES);
    if (w->oh < 1 || w->ow < 1)
        return ti_error(TARN_ESHAPE, "an image of %lld x %lld is smaller than the window",
                        (long long)x->dim[1], (long long)x->dim[2]);
    n->dtype = n->in[0]->dtype;
    n->shape = (tarn_shape){4, {x->dim[0], w->oh, w->ow, x->dim[3]}};
    return TARN_OK;
}

static tarn_status index_infer(tarn_node *n) {
    TI_TRY(infer(n));
    n->dtype = TARN_U8;
    return TARN_OK;
}

// ---- the maximum --------------------------------------------------------------------------------

// Of all windows, the element at place k.
static tarn_node *at_place(tarn_graph *g, const tarn_node *n, tarn_node *x, int k) {
    const ti_window *w = &n->at.window;
    int64_t start[] = {0, k / w->kw, k % w->kw, 0}, step[] = {1, w->sh, w->sw, 1};
    return tarn_slice(g, x, start, step, n->shape);
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_node *y = at_place(g, n, in[0], 0);
    for (int k = 1; k < n->at.window.kh * n->at.window.kw; k++)
        y = tarn_maximum(g, y, at_place(g, n, in[0], k));
    return y;
}

static tarn_node *index_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_node *y = at_place(g, n, in[0], 0), *index = tarn_constant(g, TARN_U8, 0);
    for (int k = 1; k < n->at.window.kh * n->at.window.kw; k++) {
        // compared with what it becomes, which is in the kernel that this is to join
        tarn_node *more = tarn_maximum(g, y, at_place(g, n, in[0], k));
        index = tarn_where(g, tarn_less(g, y, more), tarn_constant(g, TARN_U8, k), index);
        y = more;
    }
    return tarn_broadcast_to(g, index, n->shape);
}

// ---- the way back -------------------------------------------------------------------------------

// dy at the elements of each window's place k, zero elsewhere, summed over the places.
static tarn_node *back_over_each_other(ti_grad *r, tarn_node *index) {
    const ti_window *w = &r->y->at.window;
    tarn_node *dx = NULL;
    for (int k = 0; k < w->kh * w->kw; k++) {
        tarn_node *hit = tarn_equal(r->g, index, tarn_constant(r->g, TARN_U8, k));
        ti_attrs at = {.shape = r->in[0]->shape,
                       .start = {0, k / w->kw, k % w->kw, 0},
                       .step = {1, w->sh, w->sw, 1}};
        tarn_node *part = tarn_where(r->g, hit, r->dy, ti_like(r->dy, 0));
        part = ti_node1(r->g, &ti_op_pad, part, &at);
        dx = dx ? tarn_add(r->g, dx, part) : part;
    }
    return dx;
}

// p kw + q as [kh, 1, kw, 1]
static tarn_node *places(tarn_graph *g, const ti_window *w) {
    tarn_shape s = TARN_SHAPE(w->kh, 1, w->kw, 1);
    tarn_node *rows = tarn_mul(g, tarn_iota(g, s, 0), tarn_constant(g, TARN_I32, w->kw));
    return tarn_cast(g, tarn_add(g, rows, tarn_iota(g, s, 2)), TARN_U8);
}

// x [n, oh, ow, c] with windows for the rest of an image as well, seen as [n, oh, 1, ow, 1, c].
static tarn_node *spaced(tarn_graph *g, tarn_node *x, const int64_t *rest) {
    x = tarn_pad(g, x, 0, NULL, rest, NULL);
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    return tarn_reshape(g, x, TARN_SHAPE(d[0], d[1], 1, d[2], 1, d[3]));
}

// Windows side by side: each element belongs to one, or to none at the right and the bottom.
static tarn_node *back_side_by_side(ti_grad *r, tarn_node *index) {
    const ti_window *w = &r->y->at.window;
    const tarn_shape *x = &r->in[0]->shape;
    tarn_graph *g = r->g;
    int64_t rest[] = {0, (int64_t)w->oh * w->kh < x->dim[1], (int64_t)w->ow * w->kw < x->dim[2], 0};
    tarn_node *dy = spaced(g, r->dy, rest);
    tarn_node *hit = tarn_equal(g, places(g, w), spaced(g, index, rest));
    tarn_node *dx = tarn_where(g, hit, dy, ti_like(r->dy, 0));
    tarn_shape all = TARN_SHAPE(x->dim[0], (w->oh + rest[1]) * w->kh, (w->ow + rest[2]) * w->kw,
                                x->dim[3]);
    return tarn_slice(g, dx ? tarn_reshape(g, dx, all) : NULL, NULL, NULL, *x);
}

static void grad(ti_grad *r) {
    const ti_window *w = &r->y->at.window;
    tarn_node *index = ti_node1(r->g, &ti_op_max_pool2d_index, r->in[0], &r->y->at);
    bool apart = w->sh == w->kh && w->sw == w->kw;
    r->dx[0] = index ? (apart ? back_side_by_side : back_over_each_other)(r, index) : NULL;
}

// ---- records and builder ------------------------------------------------------------------------

static const tarn_pool2d_opts ways[] = {{{2, 2}, {0}, {0}},    {{3, 2}, {0}, {0}},
                                        {{3, 2}, {2, 1}, {0}}, {{1, 2}, {2, 3}, {0}},
                                        {{1, 1}, {0}, {0}},    {{2, 3}, {1, 1}, {1, 0, 2, 1}}};
enum { WAYS = sizeof ways / sizeof *ways };

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    return v < WAYS ? tarn_max_pool2d_(g, in[0], &ways[v]) : NULL;
}
static tarn_node *index_variant(tarn_graph *g, tarn_node *const *in, int v) {
    tarn_node *y = variant(g, in, v);
    return y ? ti_node1(g, &ti_op_max_pool2d_index, y->in[0], &y->at) : NULL;
}

const ti_op ti_op_max_pool2d = {.name = "max_pool2d",
                                .kind = TI_COMPOSITE,
                                .n_in = 1,
                                .infer = infer,
                                .grad = grad,
                                .lower = lower,
                                .samples = "2x6x6x3; 1x7x5x2; 3x4x3x1",
                                .variant = variant};
const ti_op ti_op_max_pool2d_index = {.name = "max_pool2d_index",
                                      .kind = TI_COMPOSITE,
                                      .n_in = 1,
                                      .infer = index_infer,
                                      .no_grad = true,
                                      .lower = index_lower,
                                      .samples = "2x6x6x3; 1x7x5x2",
                                      .variant = index_variant};

// Windows along an axis of that size.
static int32_t count(int64_t size, int window, int stride) {
    return size < window || size > MAX_SIZE ? 0 : (int32_t)((size - window) / stride + 1);
}

static tarn_status check(const tarn_pool2d_opts *o) {
    for (int i = 0; i < 2; i++)
        if (o->window[i] < 1 || o->window[i] > 1 << 15 || o->stride[i] < 0 ||
            o->stride[i] > 1 << 15)
            return ti_error(TARN_EARG, "max_pool2d: window %d, stride %d", o->window[i],
                            o->stride[i]);
    for (int i = 0; i < 4; i++)
        if (o->padding[i] < 0 || o->padding[i] >= o->window[i / 2])
            return ti_error(TARN_EARG, "max_pool2d: padding %d of a window of %d", o->padding[i],
                            o->window[i / 2]);
    return TARN_OK;
}

tarn_node *tarn_max_pool2d_(tarn_graph *g, tarn_node *x, const tarn_pool2d_opts *o) {
    if (!x) return NULL;
    tarn_status st = check(o);
    if (st) return ti_graph_fail(g, st);
    ti_window w = {.kh = o->window[0], .kw = o->window[1], .zh = 1, .zw = 1};
    w.sh = o->stride[0] ? o->stride[0] : w.kh;
    w.sw = o->stride[1] ? o->stride[1] : w.kw;
    if (x->shape.rank == 4) {
        const int *p = o->padding;
        const int64_t low[] = {0, p[0], p[2], 0}, high[] = {0, p[1], p[3], 0};
        x = tarn_pad(g, x, -(double)INFINITY, low, high, NULL);
        if (!x) return NULL;
        w.oh = count(x->shape.dim[1], w.kh, w.sh);
        w.ow = count(x->shape.dim[2], w.kw, w.sw);
    }
    return ti_node1(g, &ti_op_max_pool2d, x, &(ti_attrs){.window = w});
}
