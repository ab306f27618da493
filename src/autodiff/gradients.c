// Reverse mode: from the result back, ask each op for its rule, add up. Graph to graph, so
// gradients of gradients, fusion and every backend come free. Rules live with the ops.
#include "autodiff/autodiff.h"

typedef struct walk {
    tarn_graph *g;
    tarn_node **grad;  // by node id: gradient so far, or NULL
    bool *need;        // by node id: depends on one of the x
    int n;             // ids covered
} walk;

static tarn_status cover(walk *w) {
    int n = w->g->n_nodes;
    if (n <= w->n) return TARN_OK;
    TI_TRY(ti_realloc((size_t)w->n * sizeof *w->grad, (size_t)n * sizeof *w->grad, &w->grad));
    TI_TRY(ti_realloc((size_t)w->n, (size_t)n, &w->need));
    for (int i = w->n; i < n; i++) {
        const tarn_node *v = w->g->nodes[i];
        w->grad[i] = NULL;
        w->need[i] = false;
        for (int j = 0; j < v->n_in && !v->op->no_grad; j++) w->need[i] |= w->need[v->in[j]->id];
    }
    w->n = n;
    return TARN_OK;
}

static void add_to(walk *w, const tarn_node *x, tarn_node *d) {
    if (!d || x->id >= w->n || !w->need[x->id]) return;
    tarn_node **at = &w->grad[x->id];
    *at = *at ? tarn_add(w->g, *at, d) : d;
}

static tarn_status walk_range(walk *w, int lo, int hi);

// An op without a rule of its own is differentiated through its lowering, or what it has instead.
static tarn_status through_lowering(walk *w, tarn_node *y, tarn_node *dy) {
    int lo = w->g->n_nodes;
    tarn_node *z = y->op->again ? y->op->again(w->g, y) : y->op->lower(w->g, y, y->in);
    TI_TRY(tarn_graph_status(w->g));
    int hi = w->g->n_nodes;
    TI_TRY(cover(w));
    add_to(w, z, dy);
    return walk_range(w, lo, hi);
}

// Once all its results have been visited: their gradients stayed where they were.
static tarn_status visit_region(walk *w, tarn_node *y) {
    int n = y->at.region->n_roots + y->at.region->n_carry;
    tarn_node **dy = NULL, **dx = NULL;
    bool *need = NULL, any = false;
    TI_TRY(ti_arena_alloc(&w->g->arena, (size_t)(n + 1) * sizeof *dy, &dy));
    TI_TRY(ti_arena_alloc(&w->g->arena, (size_t)(y->n_in + 1) * sizeof *dx, &dx));
    TI_TRY(ti_arena_alloc(&w->g->arena, (size_t)(y->n_in + 1) * sizeof *need, &need));
    for (int i = y->id + 1; i < w->n; i++) {
        const tarn_node *r = w->g->nodes[i];
        if (r->op->kind != TI_RESULT || r->in[0] != y || !w->grad[i]) continue;
        tarn_node **at = &dy[r->at.axis];
        *at = *at ? tarn_add(w->g, *at, w->grad[i]) : w->grad[i];
        any = true;
    }
    if (!any) return TARN_OK;
    for (int i = 0; i < y->n_in; i++) need[i] = w->need[y->in[i]->id];
    TI_TRY(ti_scan_gradient(y, dy, need, dx));
    for (int i = 0; i < y->n_in; i++) add_to(w, y->in[i], dx[i]);
    return tarn_graph_status(w->g);
}

static tarn_status visit(walk *w, tarn_node *y) {
    tarn_node *dy = w->grad[y->id], *dx[8] = {NULL};
    if (y->op->kind == TI_REGION) return visit_region(w, y);
    if (y->op->kind == TI_RESULT) return TARN_OK;
    if (!dy || y->op->no_grad || !y->n_in) return TARN_OK;
    if (!y->op->grad && y->op->lower) return through_lowering(w, y, dy);
    if (!y->op->grad || y->n_in > 8)
        return ti_error(TARN_EUNSUPPORTED, "%s has no gradient", y->op->name);
    const char *scope = w->g->scope;  // a gradient belongs to the layer of what it is of
    w->g->scope = y->label;
    y->op->grad(&(ti_grad){.g = w->g, .y = y, .dy = dy, .in = y->in, .dx = dx});
    w->g->scope = scope;
    for (int i = 0; i < y->n_in; i++) add_to(w, y->in[i], dx[i]);
    return tarn_graph_status(w->g);
}

static tarn_status walk_range(walk *w, int lo, int hi) {
    for (int i = hi - 1; i >= lo; i--)
        if (w->need[i]) TI_TRY(visit(w, w->g->nodes[i]));
    return TARN_OK;
}

// need: reached from an x, as operands precede their users.
static void mark(walk *w, tarn_node *const *x, int n) {
    for (int i = 0; i < n; i++) w->need[x[i]->id] = true;
    for (int i = 0; i < w->n; i++) {
        const tarn_node *v = w->g->nodes[i];
        for (int j = 0; j < v->n_in && !v->op->no_grad; j++) w->need[i] |= w->need[v->in[j]->id];
    }
}

static tarn_node *zeros_like(tarn_node *x) {
    return tarn_broadcast_to(x->graph, ti_like(x, 0), x->shape);
}

tarn_status ti_vjp(tarn_graph *g, tarn_node *const *y, tarn_node *const *dy, int n_y,
                   tarn_node *const *x, int n, tarn_node **dx) {
    walk w = {.g = g};
    int top = 0;
    tarn_status st = cover(&w);
    if (!st) mark(&w, x, n);
    for (int i = 0; i < n_y && !st; i++) {
        add_to(&w, y[i], dy[i]);
        if (y[i]->id >= top) top = y[i]->id + 1;
    }
    if (!st) st = walk_range(&w, 0, top);
    for (int i = 0; i < n && !st; i++) {
        dx[i] = w.grad[x[i]->id] ? w.grad[x[i]->id] : zeros_like(x[i]);
        st = tarn_graph_status(g);
    }
    ti_free(w.grad);
    ti_free(w.need);
    return st;
}

tarn_status tarn_gradients(tarn_graph *g, tarn_node *y, tarn_node *const *x, int n,
                           tarn_node **dx) {
    TI_TRY(tarn_graph_status(g));
    if (!y || !ti_dtype_float(y->dtype) || y->shape.rank)
        return ti_error(TARN_EARG, "gradients are taken of a rank-0 float");
    for (int i = 0; i < n; i++)
        if (!x[i]) return ti_error(TARN_EARG, "gradients: variable %d is NULL", i);
    tarn_node *one = tarn_constant(g, y->dtype, 1);
    TI_TRY(tarn_graph_status(g));
    return ti_vjp(g, &y, &one, 1, x, n, dx);
}
