// Effects: the assign (the one mutation), the group that holds several, the finite check that
// precedes every write; and the list of values that variables will have after the step.
#include <string.h>

#include "ops/ops.h"

static tarn_status assign_infer(tarn_node *n) {
    const tarn_node *v = n->in[0], *x = n->in[1];
    if (v->op != &ti_op_variable) return ti_error(TARN_EARG, "first operand is no variable");
    if (v->dtype != x->dtype || !tarn_shape_equal(&v->shape, &x->shape)) {
        char want[160], got[160];
        ti_named_shape_text(n->graph, &v->shape, want, sizeof want);
        ti_named_shape_text(n->graph, &x->shape, got, sizeof got);
        return ti_error(TARN_ESHAPE, "'%s' is %s %s, the value %s %s", v->at.var->name,
                        tarn_dtype_name(v->dtype), want, tarn_dtype_name(x->dtype), got);
    }
    n->dtype = x->dtype;
    n->shape = x->shape;
    return TARN_OK;
}

static tarn_status group_infer(tarn_node *n) {
    n->dtype = TARN_U8;
    n->shape = (tarn_shape){0};
    return TARN_OK;
}

static tarn_status check_infer(tarn_node *n) {
    TI_TRY(ti_need_float(n, 0));
    if (n->in[0]->shape.rank) return ti_error(TARN_ESHAPE, "a rank-0 value expected");
    n->dtype = n->in[0]->dtype;
    n->shape = (tarn_shape){0};
    return TARN_OK;
}

static void check_grad(ti_grad *r) { r->dx[0] = r->dy; }

const ti_op ti_op_assign = {
    .name = "assign", .kind = TI_EFFECT, .n_in = 2, .infer = assign_infer, .no_grad = true};
const ti_op ti_op_group = {
    .name = "group", .kind = TI_EFFECT, .n_in = -1, .infer = group_infer, .no_grad = true};
const ti_op ti_op_check_finite = {
    .name = "check_finite", .kind = TI_EFFECT, .n_in = 1, .infer = check_infer, .grad = check_grad};

tarn_node *tarn_assign(tarn_graph *g, tarn_node *variable, tarn_node *value) {
    for (int i = 0; variable && i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_assign && g->nodes[i]->in[0] == variable)
            return ti_graph_fail(
                g, ti_error(TARN_EARG, "variable '%s' is assigned twice", variable->at.var->name));
    return ti_node2(g, &ti_op_assign, variable, value, NULL);
}

tarn_node *tarn_group(tarn_graph *g, tarn_node *const *nodes, int n) {
    return ti_node(g, &ti_op_group, nodes, n, NULL);
}

// ---- values after the step ----------------------------------------------------------------------

// Where variable's next value stands, or the end of the list.
static ti_next **next_of(tarn_graph *g, const tarn_node *variable) {
    ti_next **at = &g->next;
    while (*at && (*at)->variable != variable) at = &(*at)->after;
    return at;
}

tarn_node *tarn_next_value(tarn_graph *g, tarn_node *variable) {
    const ti_next *next = *next_of(g, variable);
    return next ? next->value : variable;
}

void tarn_set_next_value(tarn_graph *g, tarn_node *variable, tarn_node *value) {
    ti_next **at = next_of(g, variable);
    if (!variable || !value) return;
    if (!*at && ti_arena_alloc(&g->arena, sizeof **at, at)) {
        (void)ti_graph_fail(g, TARN_ENOMEM);
        return;
    }
    (*at)->variable = variable;
    (*at)->value = value;
}

tarn_node *tarn_assign_next_values(tarn_graph *g) {
    tarn_node **all = NULL;
    int n = 0;
    for (const ti_next *at = g->next; at; at = at->after) n++;
    if (ti_arena_alloc(&g->arena, (size_t)(n + 1) * sizeof *all, &all))
        return ti_graph_fail(g, TARN_ENOMEM);
    n = 0;
    for (const ti_next *at = g->next; at; at = at->after)
        all[n++] = tarn_assign(g, at->variable, at->value);
    return tarn_group(g, all, n);
}

tarn_node *tarn_check_finite(tarn_graph *g, tarn_node *x, const char *what) {
    ti_attrs at = {0};
    if (ti_arena_strdup(&g->arena, what, &at.name)) return ti_graph_fail(g, TARN_ENOMEM);
    return ti_node1(g, &ti_op_check_finite, x, &at);
}

tarn_node *ti_random_step(tarn_graph *g) {
    if (g->random_step) return g->random_step;
    tarn_node *step = tarn_variable(g, TARN_STATE_PREFIX "random/step", TARN_I64, TARN_SCALAR,
                                    tarn_init_zeros());
    tarn_node *next = tarn_add(g, step, tarn_constant(g, TARN_I64, 1));
    g->random_next = tarn_assign(g, step, next);
    return g->random_step = step;
}
