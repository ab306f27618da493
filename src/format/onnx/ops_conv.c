// Rows of convolutions and pooling. ONNX has channels first ([n,c,h,w], kernels [o,c,kh,kw]) and
// Tarn channels last: each builder turns its operands there and its result back by transposes,
// which are views; turns that meet cancel later.
#include <string.h>

#include "format/onnx/onnx.h"
#include "graph/graph.h"

enum { SPATIAL = 2 };

// How a window moves over an image, along each of two axes.
typedef struct window {
    int64_t kernel[SPATIAL], stride[SPATIAL], before[SPATIAL], after[SPATIAL];
} window;

// One number for each spatial axis, into the last places: a 1-D window has height 1.
static tarn_status per_axis(ti_onnx_node *n, const char *name, int spatial, int64_t preset,
                            int64_t *out) {
    ti_onnx_ints list = {0};
    for (int i = 0; i < SPATIAL; i++) out[i] = preset;
    TI_TRY(ti_onnx_get_ints(n, name, &list));
    if (list.n && list.n != spatial)
        return ti_error(TARN_EFORMAT, "%s has %d numbers, not %d", name, list.n, spatial);
    for (int i = 0; i < list.n; i++) out[SPATIAL - spatial + i] = list.v[i];
    for (int i = 0; i < SPATIAL; i++)
        if (out[i] < 0 || out[i] > 1 << 15)
            return ti_error(TARN_EFORMAT, "%s of %lld", name, (long long)out[i]);
    return TARN_OK;
}

static tarn_status stated_pads(ti_onnx_node *n, int spatial, window *w) {
    ti_onnx_ints pads = {0};
    TI_TRY(ti_onnx_get_ints(n, "pads", &pads));
    if (pads.n && pads.n != 2 * spatial)
        return ti_error(TARN_EFORMAT, "pads has %d numbers, not %d", pads.n, 2 * spatial);
    for (int i = 0; i < pads.n; i++) {
        int64_t *side = i < spatial ? w->before : w->after;
        if (pads.v[i] < 0 || pads.v[i] > 1 << 15)
            return ti_onnx_lacks("padding of %lld is not supported", (long long)pads.v[i]);
        side[SPATIAL - spatial + i % spatial] = pads.v[i];
    }
    return TARN_OK;
}

// As many places as strides fit into the image; an odd zero goes behind, or in front when `lower`.
static void same_pads(const tarn_shape *image, bool lower, window *w) {
    for (int i = 0; i < SPATIAL; i++) {
        int64_t size = image->dim[1 + i];
        int64_t places = ti_ceil_div(size, w->stride[i]);
        int64_t all = ti_max_i64((places - 1) * w->stride[i] + w->kernel[i] - size, 0);
        w->before[i] = lower ? all - all / 2 : all / 2;
        w->after[i] = all - w->before[i];
    }
}

// The window of a convolution or pool over an image [n,h,w,c]; the kernel's size is set already.
static tarn_status read_window(ti_onnx_node *n, const tarn_shape *image, int spatial, window *w) {
    static const char *const words[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", NULL};
    int64_t dilation[SPATIAL];
    int mode = 0;
    TI_TRY(per_axis(n, "strides", spatial, 1, w->stride));
    TI_TRY(per_axis(n, "dilations", spatial, 1, dilation));
    TI_TRY(ti_onnx_word(n, "auto_pad", words, &mode));
    for (int i = 0; i < SPATIAL; i++) {
        if (image->dim[1 + i] < 0)
            return ti_onnx_lacks("an image of a named size is not supported");
        if (w->stride[i] < 1) return ti_error(TARN_EFORMAT, "a stride of 0");
        if (dilation[i] != 1 && w->kernel[i] > 1)
            return ti_onnx_lacks("a dilation of %lld is not supported", (long long)dilation[i]);
    }
    if (mode == 0) return stated_pads(n, spatial, w);
    ti_onnx_ignore(n, "pads");
    if (mode > 1) same_pads(image, mode == 3, w);
    return TARN_OK;
}

// [n,c,w] with height 1; [n,c,h,w] as it is. Then channels last.
static tarn_node *channels_last(ti_onnx_node *n, tarn_node *x, const int turn[4]) {
    const tarn_shape *s = tarn_node_shape(x);
    if (s->rank == 3) x = tarn_reshape(n->g, x, TARN_SHAPE(s->dim[0], s->dim[1], 1, s->dim[2]));
    return tarn_transpose(n->g, x, turn);
}

// [n,h,w,c] back to the rank of the file.
static tarn_node *channels_first(ti_onnx_node *n, tarn_node *y, int rank) {
    y = tarn_transpose(n->g, y, (int[]){0, 3, 1, 2});
    const tarn_shape *s = tarn_node_shape(y);
    if (y && rank == 3) y = tarn_reshape(n->g, y, TARN_SHAPE(s->dim[0], s->dim[1], s->dim[3]));
    return y;
}

static tarn_status check_kernel(ti_onnx_node *n, const tarn_node *x, const tarn_node *k) {
    const tarn_shape *xs = tarn_node_shape(x), *ks = tarn_node_shape(k);
    int64_t group = 1, stated[SPATIAL];
    TI_TRY(ti_onnx_int(n, "group", &group));
    if (xs->rank < 3 || ks->rank != xs->rank)
        return ti_error(TARN_ESHAPE, "an image of rank %d and a kernel of rank %d", xs->rank,
                        ks->rank);
    if (xs->rank > 4) return ti_onnx_lacks("%d spatial axes are not supported", xs->rank - 2);
    if (group != 1) return ti_onnx_lacks("group %lld is not supported", (long long)group);
    int spatial = xs->rank - 2;
    TI_TRY(per_axis(n, "kernel_shape", spatial, 0, stated));
    for (int i = 0; i < spatial && ti_onnx_has_attr(n, "kernel_shape"); i++)
        if (stated[SPATIAL - spatial + i] != ks->dim[2 + i])
            return ti_error(TARN_ESHAPE, "kernel_shape is not that of the kernel");
    return TARN_OK;
}

// x [n,c,h,w], kernel [o,c,kh,kw], bias [o] -> [n,o,oh,ow]
static tarn_status conv(ti_onnx_node *n) {
    tarn_node *x, *k, *bias;
    window w = {{0}, {0}, {0}, {0}};
    TI_TRY(ti_onnx_factors(n, &x, &k));
    TI_TRY(check_kernel(n, x, k));
    int rank = tarn_node_shape(x)->rank;
    x = channels_last(n, x, (int[]){0, 2, 3, 1});
    k = channels_last(n, k, (int[]){2, 3, 1, 0});
    TI_TRY(tarn_graph_status(n->g));
    for (int i = 0; i < SPATIAL; i++) w.kernel[i] = tarn_node_dim(k, i);
    TI_TRY(read_window(n, tarn_node_shape(x), rank - 2, &w));
    const tarn_conv2d_opts o = {
        .stride = {(int)w.stride[0], (int)w.stride[1]},
        .padding = {(int)w.before[0], (int)w.after[0], (int)w.before[1], (int)w.after[1]}};
    tarn_node *y = tarn_conv2d_(n->g, x, k, &o);
    if (ti_onnx_has(n, 2)) {
        TI_TRY(ti_onnx_in(n, 2, &bias));
        y = tarn_add(n->g, y, ti_onnx_widen(n, bias));
    }
    y = channels_first(n, y, rank);
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, ti_onnx_dtype_in(n, 0)));
}

// With ceil_mode the last window may stand over the edge, if it begins before it: the zeros that it
// looks at are added behind.
static void over_the_edge(const tarn_shape *image, window *w) {
    for (int i = 0; i < SPATIAL; i++) {
        int64_t size = image->dim[1 + i] + w->before[i];
        int64_t steps = ti_ceil_div(size + w->after[i] - w->kernel[i], w->stride[i]);
        if (steps * w->stride[i] >= size) steps--;
        w->after[i] = ti_max_i64(w->after[i], steps * w->stride[i] + w->kernel[i] - size);
    }
}

// x [n,c,h,w] -> [n,c,oh,ow]
static tarn_status max_pool(ti_onnx_node *n) {
    tarn_node *x;
    window w = {{0}, {0}, {0}, {0}};
    bool ceil_mode = false;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_reals(x));
    int rank = tarn_node_shape(x)->rank;
    if (rank < 3) return ti_error(TARN_ESHAPE, "an image of rank %d", rank);
    if (rank > 4) return ti_onnx_lacks("%d spatial axes are not supported", rank - 2);
    if (!ti_onnx_has_attr(n, "kernel_shape")) return ti_error(TARN_EFORMAT, "no kernel_shape");
    TI_TRY(per_axis(n, "kernel_shape", rank - 2, 1, w.kernel));
    tarn_node *last = channels_last(n, ti_onnx_widen(n, x), (int[]){0, 2, 3, 1});
    TI_TRY(tarn_graph_status(n->g));
    TI_TRY(read_window(n, tarn_node_shape(last), rank - 2, &w));
    TI_TRY(ti_onnx_flag(n, "ceil_mode", &ceil_mode));
    ti_onnx_ignore(n, "storage_order");  // of the second output
    if (ceil_mode) over_the_edge(tarn_node_shape(last), &w);
    if (w.kernel[0] * w.kernel[1] > 49)
        return ti_onnx_lacks("a window of %lld x %lld is not supported", (long long)w.kernel[0],
                             (long long)w.kernel[1]);
    const tarn_pool2d_opts o = {
        .window = {(int)w.kernel[0], (int)w.kernel[1]},
        .stride = {(int)w.stride[0], (int)w.stride[1]},
        .padding = {(int)w.before[0], (int)w.after[0], (int)w.before[1], (int)w.after[1]}};
    tarn_node *y = channels_first(n, tarn_max_pool2d_(n->g, last, &o), rank);
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(x)));
}

// clang-format off
const ti_onnx_op ti_onnx_conv[] = {
    {"", "Conv", 1, 0, 2, 3, conv, {0}},
    {"", "MaxPool", 1, 0, 1, 1, max_pool, {0}},
    {0},
};
// clang-format on
