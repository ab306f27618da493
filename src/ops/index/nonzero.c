// Indices of the elements that are not 0: x [..] -> i32 [rank, n], columns in row-major order. n
// depends on the values, so it is a dimension that the run finds, at most numel(x).
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    n->dtype = TARN_I32;
    n->shape = (tarn_shape){2, {n->in[0]->shape.rank, n->at.dim}};
    return TARN_OK;
}

// Both zeros of a float are 0, NaN is not.
static bool not_zero(const tarn_array *x, int64_t i) {
    int float_shift = ti_dtype_float(x->dtype);
    switch (tarn_dtype_size(x->dtype)) {
    case 1: return ((const uint8_t *)x->data)[i];
    case 2: return (uint16_t)(((const uint16_t *)x->data)[i] << float_shift);
    case 4: return ((const uint32_t *)x->data)[i] << float_shift;
    default: return ((const uint64_t *)x->data)[i] << float_shift;
    }
}

static int64_t extent(const tarn_array *x) {
    int64_t n = 0, all = tarn_shape_numel(&x->shape);
    for (int64_t i = 0; i < all; i++) n += not_zero(x, i);
    return n;
}

static tarn_status call(const ti_attrs *at, const tarn_array *x, const tarn_array *y) {
    int32_t *out = y->data;
    int64_t n = y->shape.dim[1], all = tarn_shape_numel(&x->shape), column = 0;
    (void)at;
    for (int64_t i = 0; i < all; i++) {
        if (!not_zero(x, i)) continue;
        int64_t rest = i;
        for (int d = x->shape.rank - 1; d >= 0; d--) {
            out[d * n + column] = (int32_t)(rest % x->shape.dim[d]);
            rest /= x->shape.dim[d];
        }
        column++;
    }
    return TARN_OK;
}

const ti_op ti_op_nonzero = {.name = "nonzero",
                             .kind = TI_CALL,
                             .n_in = 1,
                             .infer = infer,
                             .no_grad = true,
                             .call = call,
                             .extent = extent};

tarn_node *tarn_nonzero(tarn_graph *g, tarn_node *x) {
    int64_t most = 1;
    if (!x || g->status) return NULL;
    for (int i = 0; i < x->shape.rank; i++)
        if (__builtin_mul_overflow(most, ti_dim_max(g, x->shape.dim[i]), &most))
            return ti_graph_fail(g, ti_error(TARN_ELIMIT, "nonzero: the operand is too large"));
    int64_t n = most ? ti_dim_found(g, "nonzero", most) : 0;
    return ti_node1(g, &ti_op_nonzero, x, &(ti_attrs){.dim = n});
}
