// Trading time for memory (Chen et al. 2016, "Training deep nets with sublinear memory cost"): what
// lies between x and y is not kept for the way back but computed again from x. The gradient walks a
// copy of that part, made behind barriers so that it is not the same nodes again.
#include <string.h>

#include "ops/ops.h"

static tarn_status same(tarn_node *n) {
    n->dtype = n->in[0]->dtype;
    n->shape = n->in[0]->shape;
    return TARN_OK;
}

static tarn_node *first(tarn_graph *g, const tarn_node *n, tarn_node *const *in) {
    (void)g;
    (void)n;
    return in[0];
}

static void barrier_grad(ti_grad *r) { r->dx[0] = r->dy; }

// tanh(a exp(a)), of which a is kept.
static tarn_node *recompute_variant(tarn_graph *g, tarn_node *const *in, int v) {
    tarn_node *y = tarn_tanh(g, tarn_mul(g, in[0], tarn_exp(g, in[0])));
    return v ? NULL : tarn_recompute(g, y, in, 1);
}

const ti_op ti_op_barrier = {.name = "barrier",
                             .kind = TI_VIEW,
                             .n_in = 1,
                             .infer = same,
                             .grad = barrier_grad,
                             .samples = "3x4"};

// between[i]: node i depends on an x and y depends on it.
static void find_part(const tarn_node *r, bool *between) {
    const tarn_graph *g = r->graph;
    tarn_node *const *x = r->in + 1;
    int n = r->n_in - 1, last = r->in[0]->id;
    for (int i = 0; i < n; i++) between[x[i]->id] = true;
    for (int i = 0; i <= last; i++)
        for (int k = 0; k < g->nodes[i]->n_in; k++) between[i] |= between[g->nodes[i]->in[k]->id];
    bool *needed = between + last + 1;
    needed[last] = true;
    for (int i = last; i >= 0; i--)
        for (int k = 0; needed[i] && k < g->nodes[i]->n_in; k++)
            needed[g->nodes[i]->in[k]->id] = true;
    for (int i = 0; i <= last; i++) between[i] &= needed[i];
    for (int i = 0; i < n; i++) between[x[i]->id] = false;
}

static tarn_node *copy(tarn_graph *g, const tarn_node *old, tarn_node *const *map) {
    tarn_node **in = NULL;
    if (ti_arena_alloc(&g->arena, (size_t)(old->n_in + 1) * sizeof *in, &in))
        return ti_graph_fail(g, TARN_ENOMEM);
    for (int k = 0; k < old->n_in; k++) {
        tarn_node *to = map[old->in[k]->id];
        in[k] = to ? to : old->in[k];
    }
    return ti_node(g, old->op, in, old->n_in, &old->at);
}

// The part again; y itself where nothing of it depends on an x.
static tarn_node *part_again(tarn_graph *g, const tarn_node *r) {
    size_t ids = (size_t)r->in[0]->id + 1;
    bool *between = NULL;
    tarn_node **map = NULL;
    tarn_status st = ti_alloc_zero(2 * ids, &between);
    if (!st) st = ti_alloc_zero(ids * sizeof *map, &map);
    if (st) {
        ti_free(between);
        return ti_graph_fail(g, st);
    }
    find_part(r, between);
    for (int i = 1; i < r->n_in; i++)
        map[r->in[i]->id] = ti_node1(g, &ti_op_barrier, r->in[i], NULL);
    for (size_t i = 0; i < ids && !g->status; i++)
        if (between[i]) map[i] = copy(g, g->nodes[i], map);
    tarn_node *y = map[ids - 1] ? map[ids - 1] : r->in[0];
    ti_free(between);
    ti_free(map);
    return g->status ? NULL : y;
}

const ti_op ti_op_recompute = {.name = "recompute",
                               .kind = TI_COMPOSITE,
                               .n_in = -1,
                               .infer = same,
                               .lower = first,
                               .again = part_again,
                               .samples = "3x4",
                               .variant = recompute_variant};
tarn_node *tarn_recompute(tarn_graph *g, tarn_node *y, tarn_node *const *x, int n) {
    tarn_node **in = NULL;
    if (g->status) return NULL;
    for (int i = 0; i < n; i++)
        if (y && (!x[i] || x[i]->id >= y->id))
            return ti_graph_fail(g,
                                 ti_error(TARN_EARG, "recompute: operand %d is not before y", i));
    if (ti_arena_alloc(&g->arena, (size_t)(n + 1) * sizeof *in, &in))
        return ti_graph_fail(g, TARN_ENOMEM);
    in[0] = y;
    if (n) memcpy(in + 1, x, (size_t)n * sizeof *in);
    return ti_node(g, &ti_op_recompute, in, n + 1, NULL);
}
