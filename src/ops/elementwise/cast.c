// Another dtype. Float to integer truncates towards zero and saturates, NaN gives 0; anything to
// bool is x != 0. f16 and bf16 are cast from and to f32 only, to the nearest, ties to even. The
// gradient passes between floats and stops elsewhere.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    n->dtype = n->at.dtype;
    n->shape = n->in[0]->shape;
    if ((unsigned)n->dtype >= TARN_DTYPE_COUNT)
        return ti_error(TARN_EDTYPE, "to dtype %d, which is none", (int)n->dtype);
    tarn_dtype from = n->in[0]->dtype;
    if ((ti_dtype_half(n->dtype) && from != TARN_F32) ||
        (ti_dtype_half(from) && n->dtype != TARN_F32))
        return ti_error(TARN_EUNSUPPORTED, "%s to %s: through f32", tarn_dtype_name(from),
                        tarn_dtype_name(n->dtype));
    return TARN_OK;
}

static void grad(ti_grad *r) {
    if (ti_dtype_float(r->in[0]->dtype) && ti_dtype_float(r->y->dtype))
        r->dx[0] = tarn_cast(r->g, r->dy, r->in[0]->dtype);
}

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const tarn_dtype to[] = {TARN_F64, TARN_F32, TARN_I32, TARN_I64, TARN_U8, TARN_BOOL};
    if (v >= (int)(sizeof to / sizeof *to)) return NULL;
    return ti_node1(g, &ti_op_cast, in[0], &(ti_attrs){.dtype = to[v]});
}

const ti_op ti_op_cast = {.name = "cast",
                          .kind = TI_ELEMENTWISE,
                          .code = TI_CAST,
                          .n_in = 1,
                          .infer = infer,
                          .grad = grad,
                          .samples = "3x4; 1",
                          .variant = variant};

tarn_node *tarn_cast(tarn_graph *g, tarn_node *x, tarn_dtype dtype) {
    if (!x || x->dtype == dtype) return x;
    return ti_node1(g, &ti_op_cast, x, &(ti_attrs){.dtype = dtype});
}
