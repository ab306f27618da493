// Batch normalisation (Ioffe and Szegedy 2015): over all axes but the last, of which each index is
// a channel c,
//     y = (x - m) / sqrt(v + epsilon) * gamma + beta,   m = mean(x), v = mean((x - m)^2).
// x [..,c], gamma and beta [c]. The variance is taken from the differences, after the mean, so that
// nothing cancels.
#include "ops/ops.h"

static tarn_status infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape;
    TI_TRY(ti_need_float(n, 0));
    if (!(n->at.value >= 0)) return ti_error(TARN_EARG, "epsilon %g", n->at.value);
    if (x->rank < 2) return ti_error(TARN_ESHAPE, "[..,c] with at least two axes expected");
    for (int i = 1; i < 3; i++) {
        const tarn_shape *s = &n->in[i]->shape;
        if (n->in[i]->dtype != n->in[0]->dtype)
            return ti_error(TARN_EDTYPE, "operands are %s and %s", tarn_dtype_name(n->in[0]->dtype),
                            tarn_dtype_name(n->in[i]->dtype));
        if (s->rank != 1 || s->dim[0] != x->dim[x->rank - 1])
            return ti_error(TARN_ESHAPE, "operand %d has not one number a channel", i);
    }
    n->dtype = n->in[0]->dtype;
    n->shape = *x;
    return TARN_OK;
}

static tarn_axes all_but_last(const tarn_node *x) {
    return x ? TARN_ALL_AXES & (TARN_AXIS(x->shape.rank - 1) - 1) : 0;
}

// What several places need of x; equal nodes become one.
typedef struct parts {
    tarn_node *mean, *difference, *variance, *scale;  // scale: 1 / sqrt(variance + epsilon)
} parts;

static parts parts_of(tarn_graph *g, tarn_node *x, double epsilon) {
    parts p = {.mean = tarn_mean(g, x, all_but_last(x), 0)};
    p.difference = tarn_sub(g, x, p.mean);
    p.variance = tarn_mean(g, tarn_square(g, p.difference), all_but_last(x), 0);
    p.scale = tarn_sqrt(g, tarn_add(g, p.variance, ti_like(x, epsilon)));
    p.scale = tarn_div(g, ti_like(x, 1), p.scale);
    return p;
}

static tarn_node *lower(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    parts p = parts_of(g, in[0], n->at.value);
    tarn_node *y = tarn_mul(g, p.difference, tarn_mul(g, p.scale, in[1]));
    return tarn_add(g, y, in[2]);
}

// With z = (x - m) scale: dbeta = sum(dy), dgamma = sum(dy z),
// dx = gamma scale (dy - mean(dy) - z mean(dy z)).
static void grad(ti_grad *r) {
    tarn_graph *g = r->g;
    tarn_axes axes = all_but_last(r->y);
    parts p = parts_of(g, r->in[0], r->y->at.value);
    tarn_node *z = tarn_mul(g, p.difference, p.scale), *dyz = tarn_mul(g, r->dy, z);
    tarn_node *dx = tarn_sub(g, r->dy, tarn_mean(g, r->dy, axes, 0));
    dx = tarn_sub(g, dx, tarn_mul(g, z, tarn_mean(g, dyz, axes, 0)));
    r->dx[0] = tarn_mul(g, dx, tarn_mul(g, p.scale, r->in[1]));
    r->dx[1] = tarn_sum(g, dyz, axes, 0);
    r->dx[2] = tarn_sum(g, r->dy, axes, 0);
}

static tarn_node *variant(tarn_graph *g, tarn_node *const *in, int v) {
    static const double epsilon[] = {1e-3, 0.5};
    return v < 2 ? tarn_batch_norm(g, in[0], in[1], in[2], epsilon[v], NULL, NULL) : NULL;
}

const ti_op ti_op_batch_norm = {.name = "batch_norm",
                                .kind = TI_COMPOSITE,
                                .n_in = 3,
                                .infer = infer,
                                .grad = grad,
                                .lower = lower,
                                .samples = "5x3 3 3; 2x3x4x5 5 5; 3x1x2 2 2",
                                .variant = variant};

tarn_node *tarn_batch_norm(tarn_graph *g, tarn_node *x, tarn_node *gamma, tarn_node *beta,
                           double epsilon, tarn_node **mean, tarn_node **variance) {
    tarn_node *in[] = {x, gamma, beta};
    tarn_node *y = ti_node(g, &ti_op_batch_norm, in, 3, &(ti_attrs){.value = epsilon});
    parts p = {0};
    if (y && (mean || variance)) p = parts_of(g, x, epsilon);
    if (mean) *mean = p.mean;
    if (variance) *variance = p.variance;
    return y;
}
