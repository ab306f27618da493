// Rows of softmax and of normalisations.
#include <string.h>

#include "format/onnx/onnx.h"
#include "graph/graph.h"

// Before opset 13 all axes from `axis` on are one; since then it is along one axis.
static tarn_node *softmax_of_rest(ti_onnx_node *n, tarn_node *x, int64_t axis) {
    tarn_shape s = *tarn_node_shape(x), flat = TARN_SHAPE(1, 1);
    for (int i = 0; i < s.rank; i++)
        flat.dim[i >= axis] = tarn_dim_mul(n->g, flat.dim[i >= axis], s.dim[i]);
    return tarn_reshape(n->g, tarn_softmax(n->g, tarn_reshape(n->g, x, flat)), s);
}

static tarn_node *softmax_along(ti_onnx_node *n, tarn_node *x, int64_t axis) {
    int swap[TARN_MAX_RANK], last = tarn_node_shape(x)->rank - 1;
    for (int i = 0; i <= last; i++) swap[i] = i;
    if (axis == last) return tarn_softmax(n->g, x);
    swap[axis] = last;
    swap[last] = (int)axis;
    return tarn_transpose(n->g, tarn_softmax(n->g, tarn_transpose(n->g, x, swap)), swap);
}

static tarn_status softmax(ti_onnx_node *n) {
    tarn_node *x;
    bool old = n->opset < 13;
    int64_t axis = old ? 1 : -1;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_reals(x));
    TI_TRY(ti_onnx_axis(n, "axis", tarn_node_shape(x)->rank, old, &axis));
    tarn_node *wide = ti_onnx_widen(n, x);
    tarn_node *y = old ? softmax_of_rest(n, wide, axis) : softmax_along(n, wide, axis);
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(x)));
}

// clang-format off
const ti_onnx_op ti_onnx_norm[] = {
    {"", "Softmax", 1, 0, 1, 1, softmax, {0}},
    {0},
};
// clang-format on
