// Another dtype. Float to integer truncates towards zero and saturates, NaN gives 0; anything to
// bool is x != 0. The gradient passes between floats and stops elsewhere.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    n->dtype = n->at.dtype;
    n->shape = n->in[0]->shape;
    if ((unsigned)n->dtype >= TARN_DTYPE_COUNT || n->dtype == TARN_F16 || n->dtype == TARN_BF16)
        return ti_error(TARN_EUNSUPPORTED, "to %s", tarn_dtype_name(n->dtype));
    return TARN_OK;
}

static void grad(ti_grad *r) {
    if (ti_dtype_float(r->in[0]->dtype) && ti_dtype_float(r->y->dtype))
        r->dx[0] = tarn_cast(r->g, r->dy, r->in[0]->dtype);
}

const ti_op ti_op_cast = {.name = "cast", .kind = TI_ELEMENTWISE, .code = TI_CAST, .n_in = 1,
                          .infer = infer, .grad = grad, .samples = "3x4; 1"};

tarn_node *tarn_cast(tarn_graph *g, tarn_node *x, tarn_dtype dtype) {
    if (!x || x->dtype == dtype) return x;
    return ti_node1(g, &ti_op_cast, x, &(ti_attrs){.dtype = dtype});
}
