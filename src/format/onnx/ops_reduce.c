// Rows of reductions. Axes are an attribute, and an input since opset 13 (ReduceSum) or 18; without
// axes all are reduced, or none when noop_with_empty_axes says so.
#include "format/onnx/onnx.h"
#include "graph/graph.h"

// What a reduction is made of: a function before it and one after it, NULL: none.
typedef struct recipe {
    tarn_node *(*before)(tarn_graph *g, tarn_node *x);
    tarn_node *(*reduce)(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags);
    tarn_node *(*after)(tarn_graph *g, tarn_node *x);
} recipe;

static tarn_status reduced(ti_onnx_node *n, int input_since, const recipe *r) {
    tarn_node *x;
    tarn_axes axes;
    bool keep = true, none = false;
    TI_TRY(ti_onnx_in(n, 0, &x));
    tarn_dtype dtype = tarn_node_dtype(x);
    bool whole = dtype == TARN_I32 || dtype == TARN_I64;
    if (!whole || r->after == tarn_sqrt || r->after == tarn_log) TI_TRY(ti_onnx_reals(x));
    TI_TRY(ti_onnx_axes(n, input_since, tarn_node_shape(x)->rank, &axes));
    TI_TRY(ti_onnx_flag(n, "keepdims", &keep));
    TI_TRY(ti_onnx_flag(n, "noop_with_empty_axes", &none));
    if (!axes && !none) axes = TARN_ALL_AXES;
    tarn_node *y = ti_onnx_widen(n, x);
    if (r->before) y = r->before(n->g, y);
    y = r->reduce(n->g, y, axes, keep ? TARN_KEEP : 0);
    if (r->after) y = r->after(n->g, y);
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, dtype));
}

static tarn_node *squared(tarn_graph *g, tarn_node *x) { return tarn_mul(g, x, x); }

static tarn_status sum(ti_onnx_node *n) { return reduced(n, 13, &(recipe){.reduce = tarn_sum}); }

static tarn_status mean(ti_onnx_node *n) {
    tarn_node *x;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_reals(x));
    return reduced(n, 18, &(recipe){.reduce = tarn_mean});
}

static tarn_status max(ti_onnx_node *n) { return reduced(n, 18, &(recipe){.reduce = tarn_max}); }

// -max(-x)
static tarn_status min(ti_onnx_node *n) {
    return reduced(n, 18, &(recipe){tarn_neg, tarn_max, tarn_neg});
}

static tarn_status l1(ti_onnx_node *n) {
    return reduced(n, 18, &(recipe){.before = tarn_abs, .reduce = tarn_sum});
}

static tarn_status l2(ti_onnx_node *n) {
    return reduced(n, 18, &(recipe){squared, tarn_sum, tarn_sqrt});
}

static tarn_status sum_square(ti_onnx_node *n) {
    return reduced(n, 18, &(recipe){.before = squared, .reduce = tarn_sum});
}

static tarn_status log_sum(ti_onnx_node *n) {
    return reduced(n, 18, &(recipe){.reduce = tarn_sum, .after = tarn_log});
}

const ti_onnx_op ti_onnx_reduce[] = {
    {"", "ReduceL1", 1, 0, 1, 2, l1, {0}},
    {"", "ReduceL2", 1, 0, 1, 2, l2, {0}},
    {"", "ReduceLogSum", 1, 0, 1, 2, log_sum, {0}},
    {"", "ReduceMax", 1, 0, 1, 2, max, {0}},
    {"", "ReduceMean", 1, 0, 1, 2, mean, {0}},
    {"", "ReduceMin", 1, 0, 1, 2, min, {0}},
    {"", "ReduceSum", 1, 0, 1, 2, sum, {0}},
    {"", "ReduceSumSquare", 1, 0, 1, 2, sum_square, {0}},
    {0},
};
