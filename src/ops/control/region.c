// Regions: graphs inside a graph.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/ops.h"

tarn_status ti_region_create(tarn_graph *g, int n_carry, int n_x, int n_use, int n_roots,
                             ti_region **out) {
    ti_region *r = NULL;
    int n_in = n_carry + n_x + n_use;
    TI_TRY(ti_arena_alloc(&g->arena, sizeof *r, &r));
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)(n_roots + 1) * sizeof *r->roots, &r->roots));
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)(n_in + 1) * sizeof *r->variable, &r->variable));
    r->n_roots = n_roots;
    r->n_in = n_in;
    r->n_carry = n_carry;
    r->n_x = n_x;
    r->g = tarn_graph_create(g->store);
    if (!r->g) return TARN_ENOMEM;
    r->next = g->regions;
    g->regions = r;
    memcpy(r->g->sym, g->sym, sizeof g->sym);
    r->g->n_sym = g->n_sym;
    *out = r;
    return TARN_OK;
}

tarn_status ti_region_close(tarn_graph *g, ti_region *r) {
    memcpy(g->sym, r->g->sym, sizeof g->sym);
    g->n_sym = r->g->n_sym;
    return tarn_graph_status(r->g);
}

tarn_node *ti_region_input(ti_region *r, int i, const tarn_node *operand) {
    char name[16];
    tarn_shape s = operand->shape;
    bool variable = i >= r->n_carry + r->n_x && ti_is(operand, &ti_op_variable);
    for (int j = 0; j < i; j++)  // given twice, it is that variable once: each has its own leaf
        variable &= r->variable[j] != operand->at.var;
    if (variable) {
        r->variable[i] = operand->at.var;
        return ti_node(r->g, operand->op, NULL, 0, &operand->at);
    }
    if (i >= r->n_carry && i < r->n_carry + r->n_x) {  // one step of a sequence
        s.rank--;
        memmove(s.dim, s.dim + 1, (size_t)s.rank * sizeof *s.dim);
    }
    snprintf(name, sizeof name, "%d", i);
    return tarn_input(r->g, name, operand->dtype, s);
}

tarn_node *ti_region_leaf(const ti_region *r, int i) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    for (int j = 0; j < r->g->n_nodes; j++) {
        tarn_node *n = r->g->nodes[j];
        if (r->variable[i] ? ti_is(n, &ti_op_variable) && n->at.var == r->variable[i]
                           : ti_is(n, &ti_op_input) && !strcmp(n->at.name, name))
            return n;
    }
    return NULL;
}

bool ti_region_has(const ti_region *r, bool (*is)(const tarn_node *n)) {
    for (int i = 0; i < r->g->n_nodes; i++) {
        const tarn_node *n = r->g->nodes[i];
        if (is(n) || (n->at.region && ti_region_has(n->at.region, is))) return true;
    }
    return false;
}

int ti_region_operand(const char *input) {
    return (int)strtol(input, NULL, 10);  // made by ti_region_input
}

tarn_status ti_graph_copy(tarn_graph *g, const tarn_graph *from, tarn_node **map) {
    for (int i = 0; i < from->n_nodes; i++) {
        const tarn_node *n = from->nodes[i];
        tarn_node **in = NULL;
        ti_attrs at = n->at;
        if (map[i]) continue;
        TI_TRY(ti_arena_alloc(&g->arena, (size_t)(n->n_in + 1) * sizeof *in, &in));
        for (int j = 0; j < n->n_in; j++) in[j] = map[n->in[j]->id];
        if (at.name) TI_TRY(ti_arena_strdup(&g->arena, at.name, &at.name));
        map[i] = ti_node(g, n->op, in, n->n_in, &at);
        TI_TRY(tarn_graph_status(g));
    }
    return TARN_OK;
}
