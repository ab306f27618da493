// Leaves: inputs (fed each run), variables (of the store), constants (rank 0).
#include <math.h>
#include <string.h>

#include "ops/ops.h"

static tarn_status given(tarn_node *n) {
    n->dtype = n->at.dtype;
    n->shape = n->at.shape;
    if ((unsigned)n->dtype >= TARN_DTYPE_COUNT) return ti_error(TARN_EDTYPE, "no such dtype");
    return TARN_OK;
}

const ti_op ti_op_input = {.name = "input", .kind = TI_LEAF, .infer = given, .no_grad = true};
const ti_op ti_op_variable = {.name = "variable", .kind = TI_LEAF, .infer = given, .no_grad = true};
const ti_op ti_op_constant = {.name = "constant", .kind = TI_LEAF, .infer = given, .no_grad = true};

static tarn_node *leaf(tarn_graph *g, const ti_op *op, tarn_dtype dtype, tarn_shape shape,
                       ti_attrs at) {
    at.dtype = dtype;
    at.shape = shape;
    return ti_node(g, op, NULL, 0, &at);
}

static tarn_status shape_ok(const tarn_graph *g, const char *what, const tarn_shape *s,
                            bool named_allowed) {
    if (s->rank < 0 || s->rank > TARN_MAX_RANK)
        return ti_error(TARN_ESHAPE, "%s: rank %d, 0 to %d allowed", what, s->rank, TARN_MAX_RANK);
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < 0 && (!named_allowed || -s->dim[i] > g->n_sym))
            return ti_error(TARN_ESHAPE, "%s: dimension %d is %lld", what, i, (long long)s->dim[i]);
    return TARN_OK;
}

tarn_node *tarn_input(tarn_graph *g, const char *name, tarn_dtype dtype, tarn_shape shape) {
    ti_attrs at = {0};
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_input && !strcmp(g->nodes[i]->at.name, name))
            return ti_graph_fail(g, ti_error(TARN_EARG, "input '%s' is declared twice", name));
    if (shape_ok(g, name, &shape, true)) return ti_graph_fail(g, TARN_ESHAPE);
    if (ti_arena_strdup(&g->arena, name, &at.name)) return ti_graph_fail(g, TARN_ENOMEM);
    return leaf(g, &ti_op_input, dtype, shape, at);
}

static bool holds(tarn_dtype dtype, double value) {
    bool u = ti_dtype_kind(dtype) == 'u';
    double span = exp2(8 * (double)tarn_dtype_size(dtype));
    if (ti_dtype_float(dtype) || dtype == TARN_BOOL) return true;
    return value > (u ? -1 : -span / 2 - 1) && value < (u ? span : span / 2);
}

tarn_node *tarn_constant(tarn_graph *g, tarn_dtype dtype, double value) {
    if (g->status) return NULL;
    if (ti_dtype_half(dtype))
        return ti_graph_fail(g,
                             ti_error(TARN_EUNSUPPORTED, "a constant of %s: make it f32 and cast",
                                      tarn_dtype_name(dtype)));
    if (!holds(dtype, value))
        return ti_graph_fail(g, ti_error(TARN_EARG, "constant %g is out of the range of %s", value,
                                         tarn_dtype_name(dtype)));
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        tarn_node *n = g->nodes[i];
        if (n->op == &ti_op_constant && n->dtype == dtype &&
            !memcmp(&n->at.value, &value, sizeof value))
            return n;
    }
    return leaf(g, &ti_op_constant, dtype, TARN_SCALAR, (ti_attrs){.value = value});
}

static tarn_status same_variable(const ti_variable *v, tarn_dtype dtype, const tarn_shape *s) {
    char want[128], got[128];
    if (v->dtype == dtype && tarn_shape_equal(&v->shape, s)) return TARN_OK;
    ti_named_shape_text(NULL, &v->shape, got, sizeof got);
    ti_named_shape_text(NULL, s, want, sizeof want);
    return ti_error(TARN_ESHAPE, "variable '%s' is %s %s in the store, %s %s was asked", v->name,
                    tarn_dtype_name(v->dtype), got, tarn_dtype_name(dtype), want);
}

tarn_node *tarn_variable(tarn_graph *g, const char *name, tarn_dtype dtype, tarn_shape shape,
                         tarn_init init) {
    if (g->status) return NULL;
    if (shape_ok(g, name, &shape, false)) return ti_graph_fail(g, TARN_ESHAPE);
    ti_variable *v = ti_store_find(g->store, name);
    tarn_status st = v ? same_variable(v, dtype, &shape)
                       : ti_store_add(g->store, name, dtype, &shape, init, &v);
    if (st) return ti_graph_fail(g, st);
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_variable && g->nodes[i]->at.var == v) return g->nodes[i];
    return leaf(g, &ti_op_variable, dtype, shape, (ti_attrs){.var = v});
}
