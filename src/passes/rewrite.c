// The one copying loop that all passes share: reachable nodes, in order, through a rule.
#include <string.h>

#include "passes/passes.h"

void ti_work_free(ti_work *w) {
    tarn_graph_free(w->g);
    ti_free(w->roots);
    *w = (ti_work){0};
}

// live[i]: node i is needed by a root; operands precede users, so one backward sweep does.
static void mark_live(const ti_work *w, bool *live) {
    for (int i = 0; i < w->n_roots; i++) live[w->roots[i]->id] = true;
    for (int i = w->g->n_nodes - 1; i >= 0; i--)
        for (int j = 0; live[i] && j < w->g->nodes[i]->n_in; j++)
            live[w->g->nodes[i]->in[j]->id] = true;
}

static tarn_node *copy_node(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    ti_attrs at = old->at;
    if (at.name && ti_arena_strdup(&g->arena, at.name, &at.name))
        return ti_graph_fail(g, TARN_ENOMEM);
    return ti_node(g, old->op, in, old->n_in, &at);
}

static tarn_status rewrite(const ti_work *old, ti_rule rule, bool hash_cons, const tarn_graph *dims,
                           ti_work *out);

// A scan's step goes through the same rule. Its named dimensions are those of the new graph.
static tarn_node *copy_region(tarn_graph *g, const tarn_node *n, tarn_node *const *in,
                              ti_rule rule) {
    const ti_region *from = n->at.region;
    ti_attrs at = n->at;
    ti_work step = {from->g, from->roots, from->n_roots}, made = {0};
    ti_region *r = NULL;
    tarn_status st = ti_region_create(g, from->n_carry, from->n_x,
                                      from->n_in - from->n_carry - from->n_x, from->n_roots, &r);
    if (!st) st = rewrite(&step, rule, g->hash_cons, g, &made);
    if (st) return ti_graph_fail(g, st);
    tarn_graph_free(r->g);
    r->g = made.g;
    r->reverse = from->reverse;
    memcpy(r->variable, from->variable, (size_t)from->n_in * sizeof *r->variable);
    memcpy(r->roots, made.roots, (size_t)from->n_roots * sizeof *r->roots);
    ti_free(made.roots);
    if ((st = ti_region_close(g, r))) return ti_graph_fail(g, st);
    at.region = r;
    if (r->n_x) at.dim = in[r->n_carry]->shape.dim[0];
    return ti_node(g, n->op, in, n->n_in, &at);
}

static tarn_status copy_all(const ti_work *old, ti_rule rule, const bool *live, tarn_node **map,
                            tarn_graph *g) {
    tarn_node *in[64];
    for (int i = 0; i < old->g->n_nodes; i++) {
        const tarn_node *n = old->g->nodes[i];
        if (!live[i]) continue;
        tarn_node **args = in;
        if (n->n_in > 64) TI_TRY(ti_arena_alloc(&g->arena, (size_t)n->n_in * sizeof *args, &args));
        for (int j = 0; j < n->n_in; j++) args[j] = map[n->in[j]->id];
        if (*n->label) tarn_graph_scope(g, n->label);
        bool region = n->op->kind == TI_REGION;
        map[i] = region ? copy_region(g, n, args, rule) : rule ? rule(g, n, args) : NULL;
        if (!map[i] && !region) map[i] = copy_node(g, n, args);
        if (*n->label) tarn_graph_scope(g, NULL);
        TI_TRY(tarn_graph_status(g));
    }
    return TARN_OK;
}

// dims: the graph whose named dimensions the new one begins with.
static tarn_status rewrite(const ti_work *old, ti_rule rule, bool hash_cons, const tarn_graph *dims,
                           ti_work *out) {
    ti_work w = {.n_roots = old->n_roots};
    bool *live = NULL;
    tarn_node **map = NULL;
    size_t n = (size_t)old->g->n_nodes;
    tarn_status st;
    if ((st = ti_alloc_zero(n, &live))) goto done;
    if ((st = ti_alloc_zero(n * sizeof *map, &map))) goto done;
    if ((st = ti_alloc_zero((size_t)old->n_roots * sizeof *w.roots, &w.roots))) goto done;
    if (!(w.g = tarn_graph_create(old->g->store))) {
        st = TARN_ENOMEM;
        goto done;
    }
    memcpy(w.g->sym, dims->sym, sizeof w.g->sym);
    w.g->n_sym = dims->n_sym;
    w.g->hash_cons = hash_cons;
    mark_live(old, live);
    if ((st = copy_all(old, rule, live, map, w.g))) goto done;
    for (int i = 0; i < old->n_roots; i++) w.roots[i] = map[old->roots[i]->id];
done:
    ti_free(live);
    ti_free(map);
    if (st) {
        ti_work_free(&w);
    } else {
        *out = w;
    }
    return st;
}

tarn_status ti_rewrite(const ti_work *old, ti_rule rule, bool hash_cons, ti_work *out) {
    return rewrite(old, rule, hash_cons, old->g, out);
}
