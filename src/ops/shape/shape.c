// The same elements under another shape, order or repeated: reshape, transpose, broadcast_to.
#include "ops/ops.h"

static int64_t product(tarn_graph *g, const tarn_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n = tarn_dim_mul(g, n, s->dim[i]);
    return n;
}

static tarn_status misfit(const tarn_node *n, const char *why) {
    char x[160], y[160];
    ti_named_shape_text(n->graph, &n->in[0]->shape, x, sizeof x);
    ti_named_shape_text(n->graph, &n->at.shape, y, sizeof y);
    return ti_error(TARN_ESHAPE, "%s to %s: %s", x, y, why);
}

static tarn_status reshape_infer(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->at.shape;
    if (product(n->graph, &n->in[0]->shape) != product(n->graph, &n->shape))
        return misfit(n, "numbers of elements differ");
    return TARN_OK;
}

static void reshape_grad(ti_grad *r) { r->dx[0] = tarn_reshape(r->g, r->dy, r->in[0]->shape); }

static tarn_status transpose_infer(tarn_node *n) {
    const tarn_shape *x = &n->in[0]->shape;
    unsigned seen = 0;
    n->dtype = n->in[0]->dtype;
    n->shape.rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        int p = n->at.perm[i];
        if (p < 0 || p >= x->rank || (seen & (1u << p)))
            return ti_error(TARN_EARG, "axes are not a permutation of 0 to %d", x->rank - 1);
        seen |= 1u << p;
        n->shape.dim[i] = x->dim[p];
    }
    return TARN_OK;
}

static void transpose_grad(ti_grad *r) {
    int inverse[TARN_MAX_RANK];
    for (int i = 0; i < r->y->shape.rank; i++) inverse[r->y->at.perm[i]] = i;
    r->dx[0] = tarn_transpose(r->g, r->dy, inverse);
}

static tarn_status broadcast_infer(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    TI_TRY(ti_broadcast(n->graph, &n->in[0]->shape, &n->at.shape, &n->shape));
    if (!tarn_shape_equal(&n->shape, &n->at.shape)) return misfit(n, "does not broadcast");
    return TARN_OK;
}

static void broadcast_grad(ti_grad *r) { r->dx[0] = ti_sum_to(r->g, r->dy, &r->in[0]->shape); }

// Flattened, and with an axis of size 1 in front.
static tarn_node *reshape_variant(tarn_graph *g, tarn_node *const *in, int v) {
    tarn_shape s = {1, {tarn_shape_numel(&in[0]->shape)}};
    if (v == 1) s = (tarn_shape){2, {1, s.dim[0]}};
    return v > 1 ? NULL : ti_node1(g, &ti_op_reshape, in[0], &(ti_attrs){.shape = s});
}

// Axes turned round by each distance.
static tarn_node *transpose_variant(tarn_graph *g, tarn_node *const *in, int v) {
    int perm[TARN_MAX_RANK], rank = in[0]->shape.rank;
    for (int i = 0; i < rank; i++) perm[i] = (i + v) % rank;
    return v >= rank ? NULL : tarn_transpose(g, in[0], perm);
}

// A new axis of 3 in front, axes of size 1 repeated 5 times.
static tarn_node *broadcast_variant(tarn_graph *g, tarn_node *const *in, int v) {
    tarn_shape s = {in[0]->shape.rank + 1, {3}};
    for (int i = 1; i < s.rank; i++) {
        int64_t d = in[0]->shape.dim[i - 1];
        s.dim[i] = d == 1 ? 5 : d;
    }
    return v ? NULL : tarn_broadcast_to(g, in[0], s);
}

const ti_op ti_op_reshape = {.name = "reshape",
                             .kind = TI_VIEW,
                             .n_in = 1,
                             .infer = reshape_infer,
                             .grad = reshape_grad,
                             .samples = "3x4; 2x3x4",
                             .variant = reshape_variant};
const ti_op ti_op_transpose = {.name = "transpose",
                               .kind = TI_VIEW,
                               .n_in = 1,
                               .infer = transpose_infer,
                               .grad = transpose_grad,
                               .samples = "3x4; 17; 2x3x4",
                               .variant = transpose_variant};
const ti_op ti_op_broadcast_to = {.name = "broadcast_to",
                                  .kind = TI_VIEW,
                                  .n_in = 1,
                                  .infer = broadcast_infer,
                                  .grad = broadcast_grad,
                                  .samples = "1x4; 3x1; 1",
                                  .variant = broadcast_variant};

tarn_node *tarn_reshape(tarn_graph *g, tarn_node *x, tarn_shape shape) {
    if (!x || tarn_shape_equal(&x->shape, &shape)) return x;
    return ti_node1(g, &ti_op_reshape, x, &(ti_attrs){.shape = shape});
}

tarn_node *tarn_transpose(tarn_graph *g, tarn_node *x, const int *axes) {
    if (!x) return NULL;
    ti_attrs at = {0};
    for (int i = 0; i < x->shape.rank; i++) at.perm[i] = axes[i];
    return ti_node1(g, &ti_op_transpose, x, &at);
}

tarn_node *tarn_broadcast_to(tarn_graph *g, tarn_node *x, tarn_shape shape) {
    if (!x || tarn_shape_equal(&x->shape, &shape)) return x;
    return ti_node1(g, &ti_op_broadcast_to, x, &(ti_attrs){.shape = shape});
}
