// Lowering. Before: any ops. After: no composites. A lowering may use composites itself, so the
// pass repeats until none is left.
#include "passes/passes.h"

static tarn_node *lower_one(tarn_graph *g, const tarn_node *old, tarn_node *const *in) {
    return old->op->lower ? old->op->lower(g, old, in) : NULL;
}

static bool has_composite(const tarn_graph *g) {
    for (int i = 0; i < g->n_nodes; i++) {
        const tarn_node *n = g->nodes[i];
        if (n->op->lower || (n->at.region && has_composite(n->at.region->g))) return true;
    }
    return false;
}

tarn_status ti_pass_lower(const ti_work *in, ti_work *out) {
    TI_TRY(ti_rewrite(in, lower_one, false, out));
    while (has_composite(out->g)) {
        ti_work next;
        tarn_status st = ti_rewrite(out, lower_one, false, &next);
        ti_work_free(out);
        TI_TRY(st);
        *out = next;
    }
    return TARN_OK;
}
