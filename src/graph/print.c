// Graphs as stable text, and the verifier that recomputes what the builders claimed.
#include <string.h>

#include "graph/graph.h"

static void print_attrs(const tarn_node *n, ti_buf *out) {
    const ti_attrs *a = &n->at;
    if (a->name) ti_buf_printf(out, " '%s'", a->name);
    if (a->var && !a->name) ti_buf_printf(out, " '%s'", a->var->name);
    if (!strcmp(n->op->name, "constant") || a->value != 0) ti_buf_printf(out, " %.9g", a->value);
    if (a->axes) ti_buf_printf(out, " axes=%#x%s", a->axes, a->keep ? " keep" : "");
    if (a->trans_a) ti_buf_puts(out, " trans_a");
    if (a->trans_b) ti_buf_puts(out, " trans_b");
    const ti_window *w = &a->window;
    if (w->kh)
        ti_buf_printf(out, " %dx%d step %d,%d from -%d,-%d%s", w->kh, w->kw, w->sh, w->sw, w->top,
                      w->left, w->flip ? " turned" : "");
    const ti_region *r = a->region;
    if (r)
        ti_buf_printf(out, " carries %d sequences %d%s", r->n_carry, r->n_x,
                      r->reverse ? " reverse" : "");
    for (int i = 0; i < n->shape.rank && a->step[0]; i++)
        ti_buf_printf(out, "%s%lld+%lld", i ? "," : " from ", (long long)a->start[i],
                      (long long)a->step[i]);
    if (a->stream) ti_buf_printf(out, " stream=%016llx", (unsigned long long)a->stream);
}

void ti_graph_print(const tarn_graph *g, ti_buf *out) {
    char shape[160];
    for (int i = 0; i < g->n_nodes; i++) {
        const tarn_node *n = g->nodes[i];
        ti_named_shape_text(g, &n->shape, shape, sizeof shape);
        ti_buf_printf(out, "%%%d = %s %s%s", n->id, n->op->name, tarn_dtype_name(n->dtype), shape);
        for (int j = 0; j < n->n_in; j++) ti_buf_printf(out, " %%%d", n->in[j]->id);
        print_attrs(n, out);
        ti_buf_printf(out, *n->label ? "  # %s\n" : "\n", n->label);
    }
}

tarn_status ti_graph_verify(const tarn_graph *g) {
    for (int i = 0; i < g->n_nodes; i++) {
        const tarn_node *n = g->nodes[i];
        if (n->id != i) return ti_error(TARN_ESTATE, "node %d sits at %d", n->id, i);
        for (int j = 0; j < n->n_in; j++)
            if (n->in[j]->graph != g || n->in[j]->id >= i)
                return ti_error(TARN_ESTATE, "node %d: operand %d does not precede it", i, j);
        tarn_node copy = *n;
        if (n->at.region) TI_TRY(ti_graph_verify(n->at.region->g));
        TI_TRY(n->op->infer(&copy));
        if (copy.dtype != n->dtype || !tarn_shape_equal(&copy.shape, &n->shape))
            return ti_error(TARN_ESTATE, "node %d (%s): shape or dtype was changed", i,
                            n->op->name);
    }
    return TARN_OK;
}
