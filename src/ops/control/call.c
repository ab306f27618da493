// Calls: C functions over whole operands. A custom op is the user's function; all_gather is the
// transport's.
#include <string.h>

#include "ops/ops.h"

// ---- custom -------------------------------------------------------------------------------------

static tarn_status custom_infer(tarn_node *n) {
    const tarn_custom_op *op = n->at.custom;
    tarn_array x[TI_MAX_CALL] = {{0}}, y = {0};
    for (int i = 0; i < n->n_in; i++) x[i] = (tarn_array){n->in[i]->dtype, n->in[i]->shape, NULL};
    tarn_status st = op->infer(op->user, x, &y);
    if (st) return ti_error(st, "operands of '%s' do not fit", op->name);
    if ((unsigned)y.dtype >= TARN_DTYPE_COUNT)
        return ti_error(TARN_EDTYPE, "'%s' gives dtype %d, which is none", op->name, (int)y.dtype);
    n->dtype = y.dtype;
    n->shape = y.shape;
    return TARN_OK;
}

static tarn_status custom_call(const ti_attrs *at, const tarn_array *x, const tarn_array *y) {
    const tarn_custom_op *op = at->custom;
    tarn_status st = op->run(op->user, x, y);
    return st ? ti_error(st, "'%s' failed", op->name) : TARN_OK;
}

static void custom_grad(ti_grad *r) {
    const tarn_custom_op *op = r->y->at.custom;
    if (!op->gradient) {
        (void)ti_graph_fail(r->g, ti_error(TARN_EUNSUPPORTED, "'%s' has no gradient", op->name));
        return;
    }
    for (int i = 0; i < op->n_in; i++)
        r->dx[i] = op->gradient(op->user, r->g, r->y, r->dy, r->in, i);
}

const ti_op ti_op_custom = {.name = "custom",
                            .kind = TI_CALL,
                            .n_in = -1,
                            .infer = custom_infer,
                            .grad = custom_grad,
                            .call = custom_call};

tarn_node *tarn_custom(tarn_graph *g, const tarn_custom_op *op, tarn_node *const *x) {
    ti_attrs at = {.custom = op};
    if (g->status) return NULL;
    if (!op->name || !op->infer || !op->run || op->n_in < 1 || op->n_in > TI_MAX_CALL)
        return ti_graph_fail(g, ti_error(TARN_EARG,
                                         "a custom op needs a name, infer, run and 1 to "
                                         "%d operands",
                                         TI_MAX_CALL));
    if (ti_arena_strdup(&g->arena, op->name, &at.name)) return ti_graph_fail(g, TARN_ENOMEM);
    return ti_node(g, &ti_op_custom, x, op->n_in, &at);
}

// ---- ranks --------------------------------------------------------------------------------------

static tarn_status gather_infer(tarn_node *n) {
    const tarn_shape *s = &n->in[0]->shape;
    if (s->rank == TARN_MAX_RANK)
        return ti_error(TARN_ESHAPE, "rank %d, at most %d", s->rank, TARN_MAX_RANK - 1);
    n->dtype = n->in[0]->dtype;
    n->shape.rank = s->rank + 1;
    n->shape.dim[0] = n->at.transport->size;
    memcpy(n->shape.dim + 1, s->dim, (size_t)s->rank * sizeof *s->dim);
    return TARN_OK;
}

static tarn_status gather_call(const ti_attrs *at, const tarn_array *x, const tarn_array *y) {
    const tarn_transport *t = at->transport;
    size_t bytes = (size_t)tarn_shape_numel(&x->shape) * tarn_dtype_size(x->dtype);
    tarn_status st = t->all_gather(t->self, x->data, y->data, bytes);
    return st ? ti_error(st, "rank %d of %d: all_gather failed", t->rank, t->size) : TARN_OK;
}

const ti_op ti_op_all_gather = {.name = "all_gather",
                                .kind = TI_CALL,
                                .n_in = 1,
                                .infer = gather_infer,
                                .no_grad = true,
                                .call = gather_call};

tarn_node *tarn_all_gather(tarn_graph *g, tarn_node *x, const tarn_transport *t) {
    if (g->status) return NULL;
    if (!t->all_gather || t->size < 1 || t->rank < 0 || t->rank >= t->size)
        return ti_graph_fail(g, ti_error(TARN_EARG, "all_gather: rank %d of %d", t->rank, t->size));
    return ti_node1(g, &ti_op_all_gather, x, &(ti_attrs){.transport = t});
}

tarn_node *tarn_all_reduce(tarn_graph *g, tarn_node *x, const tarn_transport *t) {
    return tarn_sum(g, tarn_all_gather(g, x, t), TARN_AXIS(0), 0);
}
