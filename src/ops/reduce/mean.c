// Mean along axes: the sum divided by the number of elements, which may be a named dimension.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    return ti_op_sum.infer(n);
}

static int64_t count(tarn_graph *g, const tarn_node *n, const tarn_shape *x) {
    int64_t c = 1;
    for (int i = 0; i < x->rank; i++)
        if (n->at.axes & TARN_AXIS(i)) c = tarn_dim_mul(g, c, x->dim[i]);
    return c;
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    int64_t c = count(g, n, &in[0]->shape);
    tarn_node *by = c >= 0 ? tarn_constant(g, n->dtype, (double)c)
                           : ti_node(g, &ti_op_numel, NULL, 0,
                                     &(ti_attrs){.dtype = n->dtype, .dim = c});
    return tarn_div(g, tarn_sum(g, in[0], n->at.axes, n->at.keep ? TARN_KEEP : 0), by);
}

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    int choices = (1 << in[0]->shape.rank) - 1;
    tarn_axes axes = (tarn_axes)(v % choices + 1);
    return v >= 2 * choices ? NULL : tarn_mean(g, in[0], axes, v >= choices ? TARN_KEEP : 0);
}

// differentiated through its lowering
const ti_op ti_op_mean = {.name = "mean",
                          .kind = TI_COMPOSITE,
                          .n_in = 1,
                          .infer = infer,
                          .lower = lower,
                          .samples = "3x4; 17; 2x3x4",
                          .variant = variant};

tarn_node *tarn_mean(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags) {
    if (!x) return NULL;
    axes &= (tarn_axes)((1u << x->shape.rank) - 1);
    if (!axes) return x;
    return ti_node1(g, &ti_op_mean, x, &(ti_attrs){.axes = axes, .keep = flags & TARN_KEEP});
}
