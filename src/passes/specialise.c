// Specialisation. Before: named dimensions of any maximum. After: none whose maximum is 1; those
// are the number 1, so that a batch of one sample needs no packing and no sums over it.
#include "passes/passes.h"

static int64_t fixed_dim(tarn_graph *g, int64_t dim) {
    if (dim >= 0) return dim;
    const ti_sym s = g->sym[-dim - 1];
    if (s.a < 0) return s.maximum == 1 && !s.found ? 1 : dim;
    int64_t d = tarn_dim_mul(g, s.coef, fixed_dim(g, -(int64_t)s.a - 1));
    return s.b < 0 ? d : tarn_dim_mul(g, d, fixed_dim(g, -(int64_t)s.b - 1));
}

static tarn_node *specialise(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    ti_attrs at = old->at;
    for (int i = 0; i < at.shape.rank; i++) at.shape.dim[i] = fixed_dim(g, at.shape.dim[i]);
    at.dim = fixed_dim(g, at.dim);
    at.window.oh = (int32_t)fixed_dim(g, at.window.oh);
    at.window.ow = (int32_t)fixed_dim(g, at.window.ow);
    if (old->op == &ti_op_numel && at.dim >= 0) return tarn_constant(g, old->dtype, (double)at.dim);
    if (at.name && ti_arena_strdup(&g->arena, at.name, &at.name))
        return ti_graph_fail(g, TARN_ENOMEM);
    return ti_node(g, old->op, in, old->n_in, &at);
}

tarn_status ti_pass_specialise(const ti_work *in, ti_work *out) {
    return ti_rewrite(in, specialise, false, out);
}
