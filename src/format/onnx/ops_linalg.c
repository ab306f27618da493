// Rows of products of matrices.
#include <string.h>

#include "format/onnx/onnx.h"
#include "graph/graph.h"

// [.., k] as a matrix [rows, k]; a vector is one row.
static tarn_node *as_rows(ti_onnx_node *n, tarn_node *x) {
    const tarn_shape *s = tarn_node_shape(x);
    int64_t rows = 1;
    for (int i = 0; i + 1 < s->rank; i++) rows = tarn_dim_mul(n->g, rows, s->dim[i]);
    return tarn_reshape(n->g, x, TARN_SHAPE(rows, tarn_node_dim(x, -1)));
}

// Of a [..,m,k] and b [..,k,n]; a vector gives no m or no n, and of b only ones stand in front.
static tarn_shape product_shape(const tarn_shape *a, const tarn_shape *b) {
    tarn_shape y = {0};
    int in_front = (a->rank > b->rank ? a->rank : b->rank) - 2;
    for (int i = in_front; i > 0; i--)
        y.dim[y.rank++] = a->rank - 2 >= i ? a->dim[a->rank - 2 - i] : 1;
    if (a->rank > 1) y.dim[y.rank++] = a->dim[a->rank - 2];
    if (b->rank > 1) y.dim[y.rank++] = b->dim[b->rank - 1];
    return y;
}

// As NumPy's matmul, for a second operand that is one matrix.
static tarn_status matmul(ti_onnx_node *n) {
    tarn_node *a, *b;
    TI_TRY(ti_onnx_factors(n, &a, &b));
    const tarn_shape *x = tarn_node_shape(a), *w = tarn_node_shape(b);
    if (x->rank < 1 || w->rank < 1) return ti_error(TARN_ESHAPE, "an operand of rank 0");
    for (int i = 0; i + 2 < w->rank; i++)
        if (w->dim[i] != 1)
            return ti_onnx_lacks("a product of stacks of matrices is not supported");
    tarn_shape matrix = TARN_SHAPE(w->dim[0], 1);
    if (w->rank > 1) matrix = TARN_SHAPE(w->dim[w->rank - 2], w->dim[w->rank - 1]);
    tarn_node *y = tarn_matmul(n->g, as_rows(n, a), tarn_reshape(n->g, b, matrix));
    y = tarn_reshape(n->g, y, product_shape(x, w));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, ti_onnx_dtype_in(n, 0)));
}

static tarn_node *scaled(ti_onnx_node *n, tarn_node *x, double by) {
    return by == 1 ? x : tarn_mul(n->g, x, ti_like(x, by));
}

// y = alpha a b + beta c, a and b perhaps transposed; c [n], [1,n], [m,1], [m,n] or one number
static tarn_status gemm(ti_onnx_node *n) {
    tarn_node *a, *b, *c;
    bool turn_a = false, turn_b = false;
    double alpha = 1, beta = 1;
    TI_TRY(ti_onnx_factors(n, &a, &b));
    TI_TRY(ti_onnx_flag(n, "transA", &turn_a));
    TI_TRY(ti_onnx_flag(n, "transB", &turn_b));
    TI_TRY(ti_onnx_float(n, "alpha", &alpha));
    TI_TRY(ti_onnx_float(n, "beta", &beta));
    ti_onnx_ignore(n, "broadcast");  // before opset 7; c is repeated in any case
    tarn_node *y = scaled(n, tarn_dot(n->g, a, b, turn_a, turn_b), alpha);
    if (ti_onnx_has(n, 2)) {
        TI_TRY(ti_onnx_in(n, 2, &c));
        tarn_shape product = *tarn_node_shape(y);
        y = tarn_add(n->g, y, scaled(n, ti_onnx_widen(n, c), beta));
        if (y && !tarn_shape_equal(tarn_node_shape(y), &product))
            return ti_error(TARN_ESHAPE, "the third operand is larger than the product");
    }
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, ti_onnx_dtype_in(n, 0)));
}

// clang-format off
const ti_onnx_op ti_onnx_linalg[] = {
    {"", "Gemm", 1, 0, 2, 3, gemm, {0}},
    {"", "MatMul", 1, 0, 2, 2, matmul, {0}},
    {0},
};
// clang-format on
