// y[n,i,j,o] = sum_pqc x[n, i sh + p - top, j sw + q - left, c] w[p,q,c,o], channels last, zeros
// outside. A contraction whose left operand is `window`: a matrix with a row for each place of the
// window and its pixels as columns. The matrix is never made; the engine packs from the image.
//
// The gradient of w is the same matrix, transposed, times dy. That of x slides the window, turned
// round, over dy with stride - 1 zeros between its pixels.
#include "ops/ops.h"

// ---- window: [n,h,w,c] -> [n oh ow, kh kw c] ----------------------------------------------------

static tarn_status window_infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape;
    const ti_window *w = &n->at.window;
    int64_t rows = tarn_dim_mul(n->graph, x->dim[0], tarn_dim_mul(n->graph, w->oh, w->ow));
    n->dtype = n->in[0]->dtype;
    n->shape = (tarn_shape){2, {rows, (int64_t)w->kh * w->kw * x->dim[3]}};
    return n->graph->status;
}

static void window_grad(ti_grad *r) {
    (void)ti_graph_fail(r->g, ti_error(TARN_EUNSUPPORTED, "window has no gradient of its own"));
}

const ti_op ti_op_window = {
    .name = "window", .kind = TI_VIEW, .n_in = 1, .infer = window_infer, .grad = window_grad};

static tarn_node *windows(tarn_graph *g, tarn_node *x, const ti_window *w) {
    return ti_node1(g, &ti_op_window, x, &(ti_attrs){.window = *w});
}

// ---- conv2d -------------------------------------------------------------------------------------

static tarn_status infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    ti_window *w = &n->at.window;
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->dtype != n->in[1]->dtype)
        return ti_error(TARN_EDTYPE, "operands are %s and %s", tarn_dtype_name(n->in[0]->dtype),
                        tarn_dtype_name(n->in[1]->dtype));
    if (x->rank != 4 || k->rank != 4 || x->dim[3] != k->dim[2])
        return ti_error(TARN_ESHAPE, "[n,h,w,c] and [kh,kw,c,o] expected, with the same c");
    for (int i = 1; i < 4; i++)
        if ((i < 3 ? x->dim[i] == 0 : x->dim[i] < 1) || k->dim[i] < 1 || x->dim[i] > INT32_MAX / 4)
            return ti_error(TARN_ESHAPE, "axis %d of the image or kernel has size %lld", i,
                            (long long)(x->dim[i] < 1 ? x->dim[i] : k->dim[i]));
    if (k->dim[0] < 1 || k->dim[0] > 1 << 15 || k->dim[1] > 1 << 15)
        return ti_error(TARN_ESHAPE, "a kernel of %lld x %lld", (long long)k->dim[0],
                        (long long)k->dim[1]);
    w->kh = (int32_t)k->dim[0];
    w->kw = (int32_t)k->dim[1];
    if (w->oh == 0 || w->ow == 0)
        return ti_error(TARN_ESHAPE, "an image of %lld x %lld is smaller than the kernel",
                        (long long)x->dim[1], (long long)x->dim[2]);
    n->dtype = n->in[0]->dtype;
    n->shape = (tarn_shape){4, {x->dim[0], w->oh, w->ow, k->dim[3]}};
    return TARN_OK;
}

// As a matrix of its last axis.
static tarn_node *matrix(tarn_graph *g, tarn_node *x) {
    int64_t rows = 1;
    for (int i = 0; i + 1 < x->shape.rank; i++) rows = tarn_dim_mul(g, rows, x->shape.dim[i]);
    return tarn_reshape(g, x, TARN_SHAPE(rows, x->shape.dim[x->shape.rank - 1]));
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_node *y = tarn_matmul(g, windows(g, in[0], &n->at.window), matrix(g, in[1]));
    return tarn_reshape(g, y, n->shape);
}

// Both are bilinear in their operands, as conv2d is: each one's gradients are the other two.
static tarn_node *input_gradient(tarn_graph *g, tarn_node *dy, tarn_node *k, const ti_window *w,
                                 const tarn_shape *image) {
    return ti_node2(g, &ti_op_conv2d_input_gradient, dy, k,
                    &(ti_attrs){.window = *w, .shape = *image});
}
static tarn_node *kernel_gradient(tarn_graph *g, tarn_node *x, tarn_node *dy, const ti_window *w,
                                  const tarn_shape *kernel) {
    return ti_node2(g, &ti_op_conv2d_kernel_gradient, x, dy,
                    &(ti_attrs){.window = *w, .shape = *kernel});
}
static tarn_node *forward(tarn_graph *g, tarn_node *x, tarn_node *k, const ti_window *w) {
    return ti_node2(g, &ti_op_conv2d, x, k, &(ti_attrs){.window = *w});
}

static void grad(ti_grad *r) {
    const ti_window *w = &r->y->at.window;
    r->dx[0] = input_gradient(r->g, r->dy, r->in[1], w, &r->in[0]->shape);
    r->dx[1] = kernel_gradient(r->g, r->in[0], r->dy, w, &r->in[1]->shape);
}

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const tarn_conv2d_opts ways[] = {
        {{0}, {0}}, {{1, 1}, {1, 1, 1, 1}}, {{2, 1}, {0, 1, 2, 0}}, {{2, 3}, {1, 1, 1, 1}}};
    return v < 4 ? tarn_conv2d_(g, in[0], in[1], &ways[v]) : NULL;
}

const ti_op ti_op_conv2d = {.name = "conv2d",
                            .kind = TI_COMPOSITE,
                            .n_in = 2,
                            .infer = infer,
                            .grad = grad,
                            .lower = lower,
                            .samples = "2x5x6x3 3x2x3x4; 1x4x4x1 3x3x1x2; 3x3x3x2 1x1x2x5",
                            .variant = variant};

// ---- its gradients ------------------------------------------------------------------------------

static tarn_status as_asked(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->at.shape;
    return TARN_OK;
}

static tarn_node *input_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    static const int turn[4] = {0, 1, 3, 2};
    const ti_window *w = &n->at.window;
    const ti_window back = {.kh = w->kh,
                            .kw = w->kw,
                            .sh = 1,
                            .sw = 1,
                            .zh = w->sh,
                            .zw = w->sw,
                            .top = w->kh - 1 - w->top,
                            .left = w->kw - 1 - w->left,
                            .oh = (int32_t)n->shape.dim[1],
                            .ow = (int32_t)n->shape.dim[2],
                            .flip = 1};
    tarn_node *k = matrix(g, tarn_transpose(g, in[1], turn));
    return tarn_reshape(g, tarn_matmul(g, windows(g, in[0], &back), k), n->shape);
}
static void input_grad(ti_grad *r) {
    const ti_window *w = &r->y->at.window;
    r->dx[0] = forward(r->g, r->dy, r->in[1], w);
    r->dx[1] = kernel_gradient(r->g, r->dy, r->in[0], w, &r->in[1]->shape);
}

static tarn_node *kernel_lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    tarn_node *x = windows(g, in[0], &n->at.window);
    return tarn_reshape(g, tarn_dot(g, x, matrix(g, in[1]), true, false), n->shape);
}
static void kernel_grad(ti_grad *r) {
    const ti_window *w = &r->y->at.window;
    r->dx[0] = input_gradient(r->g, r->in[1], r->dy, w, &r->in[0]->shape);
    r->dx[1] = forward(r->g, r->in[0], r->dy, w);
}

// Stride v + 1, without padding: dy [2,3,5,4], w [3,2,3,4].
static tarn_node *input_variant(tarn_graph *g, tarn_node *const *in, int v) {
    const int64_t *y = in[0]->shape.dim, *k = in[1]->shape.dim;
    const ti_window w = {(int32_t)k[0], (int32_t)k[1], v + 1, v + 1, 1, 1, 0, 0,
                         (int32_t)y[1], (int32_t)y[2], 0};
    tarn_shape x = TARN_SHAPE(y[0], (y[1] - 1) * (v + 1) + k[0], (y[2] - 1) * (v + 1) + k[1], k[2]);
    return v < 2 ? input_gradient(g, in[0], in[1], &w, &x) : NULL;
}
// Stride 1: x [2,5,6,3], dy [2,3,5,4].
static tarn_node *kernel_variant(tarn_graph *g, tarn_node *const *in, int v) {
    const int64_t *x = in[0]->shape.dim, *y = in[1]->shape.dim;
    tarn_shape k = TARN_SHAPE(x[1] - y[1] + 1, x[2] - y[2] + 1, x[3], y[3]);
    const ti_window w = {(int32_t)k.dim[0], (int32_t)k.dim[1], 1, 1, 1, 1, 0, 0,
                         (int32_t)y[1],     (int32_t)y[2],     0};
    return v ? NULL : kernel_gradient(g, in[0], in[1], &w, &k);
}

const ti_op ti_op_conv2d_input_gradient = {.name = "conv2d_input_gradient",
                                           .kind = TI_COMPOSITE,
                                           .n_in = 2,
                                           .infer = as_asked,
                                           .grad = input_grad,
                                           .lower = input_lower,
                                           .samples = "2x3x5x4 3x2x3x4",
                                           .variant = input_variant};
const ti_op ti_op_conv2d_kernel_gradient = {.name = "conv2d_kernel_gradient",
                                            .kind = TI_COMPOSITE,
                                            .n_in = 2,
                                            .infer = as_asked,
                                            .grad = kernel_grad,
                                            .lower = kernel_lower,
                                            .samples = "2x5x6x3 2x3x5x4",
                                            .variant = kernel_variant};

// ---- builder ------------------------------------------------------------------------------------

// Places along one axis. A named size is known to stay only where every pixel is the middle of one.
static tarn_status places(int64_t size, int64_t kernel, const int *padding, int64_t stride,
                          int32_t *out) {
    int64_t room = size + padding[0] + padding[1] - kernel;
    if (size >= 0) {
        *out = room < 0 ? 0 : (int32_t)(room / stride + 1);
        return TARN_OK;
    }
    if (stride != 1 || padding[0] + padding[1] != kernel - 1)
        return ti_error(TARN_EUNSUPPORTED,
                        "conv2d: an image of named size needs stride 1 and padding that keeps the "
                        "size, kernel - 1 in all");
    *out = (int32_t)size;
    return TARN_OK;
}

tarn_node *tarn_conv2d_(tarn_graph *g, tarn_node *x, tarn_node *w, const tarn_conv2d_opts *o) {
    ti_window at = {.sh = o->stride[0] ? o->stride[0] : 1,
                    .sw = o->stride[1] ? o->stride[1] : 1,
                    .zh = 1,
                    .zw = 1,
                    .top = o->padding[0],
                    .left = o->padding[2]};
    if (at.sh < 1 || at.sw < 1 || at.sh > 1 << 15 || at.sw > 1 << 15)
        return ti_graph_fail(g, ti_error(TARN_EARG, "conv2d: stride %d, %d", at.sh, at.sw));
    for (int i = 0; i < 4; i++)
        if (o->padding[i] < 0 || o->padding[i] > 1 << 15)
            return ti_graph_fail(g, ti_error(TARN_EARG, "conv2d: padding %d", o->padding[i]));
    if (x && w && x->shape.rank == 4 && w->shape.rank == 4) {
        const int64_t *image = x->shape.dim, *kernel = w->shape.dim;
        tarn_status st = places(image[1], kernel[0], o->padding, at.sh, &at.oh);
        if (!st) st = places(image[2], kernel[1], o->padding + 2, at.sw, &at.ow);
        if (st) return ti_graph_fail(g, st);
    }
    return ti_node2(g, &ti_op_conv2d, x, w, &(ti_attrs){.window = at});
}
