// Graph to graph passes. Each copies what the roots need into a new graph through a rule, states
// in its file what holds before and after, and can be switched off with the same result bits.
#ifndef TI_PASSES_H
#define TI_PASSES_H

#include "ops/ops.h"

// A graph with the nodes a program must compute.
typedef struct ti_work {
    tarn_graph *g;
    tarn_node **roots;
    int n_roots;
} ti_work;

// The node that replaces `old` in graph g, given its operands there; NULL keeps it as it is.
typedef tarn_node *(*ti_rule)(tarn_graph *g, const tarn_node *old, tarn_node *const *in);
// Copy through a rule; hash_cons: equal nodes become one. The old work is left as it is.
tarn_status ti_rewrite(const ti_work *old, ti_rule rule, bool hash_cons, ti_work *out);
void ti_work_free(ti_work *w);

tarn_status ti_pass_specialise(const ti_work *in, ti_work *out);  // named dims of maximum 1
tarn_status ti_pass_lower(const ti_work *in, ti_work *out);       // composites -> primitives
tarn_status ti_pass_simplify(const ti_work *in, ti_work *out);    // CSE, dead code, algebra
tarn_status ti_pass_canonical(const ti_work *in, ti_work *out);   // reductions -> two axes

#endif
