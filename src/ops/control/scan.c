// scan: a loop over the first axis of sequences. One step is a region; its carries go from step to
// step. Results are nodes of their own, `scan_result`: first the carries after the last step, then
// the stacked results of the steps, then each carry as every step found it, stacked, which is what
// the gradient needs (src/autodiff/scan.c). What nobody asks for is not kept.
#include <string.h>

#include "ops/ops.h"

static tarn_status carry_fits(const tarn_graph *g, const ti_region *r, int i,
                              const tarn_node *first) {
    const tarn_node *next = r->roots[i];
    char a[160], b[160];
    if (next->dtype == first->dtype && tarn_shape_equal(&next->shape, &first->shape))
        return TARN_OK;
    ti_named_shape_text(g, &first->shape, a, sizeof a);
    ti_named_shape_text(g, &next->shape, b, sizeof b);
    return ti_error(TARN_ESHAPE, "carry %d is %s %s, the step makes %s %s", i,
                    tarn_dtype_name(first->dtype), a, tarn_dtype_name(next->dtype), b);
}

static tarn_status scan_infer(tarn_node *n) {
    const ti_region *r = n->at.region;
    for (int i = 0; i < r->n_carry; i++) TI_TRY(carry_fits(n->graph, r, i, n->in[i]));
    n->dtype = TARN_U8;
    n->shape = TARN_SCALAR;
    return TARN_OK;
}

static tarn_status result_infer(tarn_node *n) {
    const ti_region *r = n->in[0]->at.region;
    int i = n->at.axis;
    bool stacked = i >= r->n_carry;
    const tarn_node *x = i < r->n_roots ? r->roots[i] : n->in[0]->in[i - r->n_roots];
    n->dtype = x->dtype;
    n->shape = x->shape;
    if (!stacked) return TARN_OK;
    if (x->shape.rank == TARN_MAX_RANK)
        return ti_error(TARN_ESHAPE, "a step's result of rank %d, at most %d", TARN_MAX_RANK,
                        TARN_MAX_RANK - 1);
    n->shape.rank++;
    n->shape.dim[0] = n->in[0]->at.dim;
    memcpy(n->shape.dim + 1, x->shape.dim, (size_t)x->shape.rank * sizeof *x->shape.dim);
    return TARN_OK;
}

// h = tanh(w h + x), y = h^2: x [t,n], first h [n], w [n].
static void sample_step(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                        tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    next[0] = tarn_tanh(g, tarn_add(g, tarn_mul(g, use[0], carry[0]), x[0]));
    y[0] = tarn_square(g, next[0]);
}
static tarn_node *sample(tarn_graph *g, tarn_node *const *in, bool last, int v) {
    tarn_node *end = NULL, *y = NULL;
    const tarn_scan_opts o = {.body = sample_step,
                              .carry = in + 1,
                              .n_carry = 1,
                              .x = in,
                              .n_x = 1,
                              .use = in + 2,
                              .n_use = 1,
                              .n_y = 1,
                              .reverse = v == 1,
                              .keep_every = v == 2 ? 2 : 0};
    tarn_status st = v < 3 ? tarn_scan(g, &o, &end, &y) : TARN_OK;
    return st ? NULL : last ? end : y;
}
static tarn_node *scan_variant(tarn_graph *g, tarn_node *const *in, int v) {
    return sample(g, in, false, v);
}
static tarn_node *result_variant(tarn_graph *g, tarn_node *const *in, int v) {
    return sample(g, in, true, v);
}

const ti_op ti_op_scan = {.name = "scan",
                          .kind = TI_REGION,
                          .n_in = -1,
                          .infer = scan_infer,
                          .samples = "4x3 3 3; 2x1 1 1",
                          .variant = scan_variant};
const ti_op ti_op_scan_result = {.name = "scan_result",
                                 .kind = TI_RESULT,
                                 .n_in = 1,
                                 .infer = result_infer,
                                 .samples = "4x3 3 3; 2x1 1 1",
                                 .variant = result_variant};

tarn_node *ti_scan_result(tarn_node *scan, int i) {
    for (int j = scan->id + 1; j < scan->graph->n_nodes; j++) {
        tarn_node *n = scan->graph->nodes[j];
        if (ti_is(n, &ti_op_scan_result) && n->in[0] == scan && n->at.axis == i) return n;
    }
    return ti_node1(scan->graph, &ti_op_scan_result, scan, &(ti_attrs){.axis = i});
}

// ---- builder ------------------------------------------------------------------------------------

static tarn_status operands_fit(const tarn_scan_opts *o, int64_t *length) {
    *length = o->length;
    if (o->n_carry < 0 || o->n_x < 0 || o->n_use < 0 || o->n_y < 0 || !o->body)
        return ti_error(TARN_EARG, "scan: a body and counts of 0 or more expected");
    for (int i = 0; i < o->n_x; i++) {
        if (!o->x[i]) return ti_error(TARN_EARG, "scan: sequence %d is NULL", i);
        if (o->x[i]->shape.rank < 1)
            return ti_error(TARN_ESHAPE, "scan: sequence %d has no axis to go along", i);
        if (i && o->x[i]->shape.dim[0] != *length)
            return ti_error(TARN_ESHAPE, "scan: sequences 0 and %d differ in length", i);
        *length = o->x[i]->shape.dim[0];
    }
    if (!o->n_x && *length < 0) return ti_error(TARN_EARG, "scan: length %lld", (long long)*length);
    for (int i = 0; i < o->n_carry; i++)
        if (!o->carry[i]) return ti_error(TARN_EARG, "scan: carry %d is NULL", i);
    for (int i = 0; i < o->n_use; i++)
        if (!o->use[i]) return ti_error(TARN_EARG, "scan: operand %d it uses is NULL", i);
    return TARN_OK;
}

// A step computes; it does not write, draw, check or find sizes.
static bool computes(const tarn_node *n) {
    return n->op->kind != TI_EFFECT && !n->op->extent && !ti_is(n, &ti_op_random_bits) &&
           !ti_is(n, &ti_op_dropout);
}

static bool is_used(const tarn_node *variable, tarn_node *const *used, int n) {
    for (int i = 0; i < n; i++)
        if (used[i]->at.var == variable->at.var) return true;
    return false;
}

// leaves: nodes that were there before the step was made.
static tarn_status step_allowed(const ti_region *r, int leaves, tarn_node *const *used,
                                int n_used) {
    if (r->g->next)
        return ti_error(TARN_EUNSUPPORTED, "the step of a scan sets the next value of '%s'",
                        r->g->next->variable->at.var->name);
    for (int i = leaves; i < r->g->n_nodes; i++)
        if (ti_is(r->g->nodes[i], &ti_op_input))
            return ti_error(TARN_EARG, "the step of a scan has an input '%s' of its own",
                            r->g->nodes[i]->at.name);
    for (int i = 0; i < r->g->n_nodes; i++)
        if (!computes(r->g->nodes[i]))
            return ti_error(TARN_EUNSUPPORTED, "%s in the step of a scan",
                            r->g->nodes[i]->op->name);
    for (int i = 0; i < r->g->n_nodes; i++) {
        const tarn_node *n = r->g->nodes[i];
        if (ti_is(n, &ti_op_variable) && !is_used(n, used, n_used))
            return ti_error(TARN_EARG, "the step reads variable '%s': give it to the scan as used",
                            n->at.var->name);
    }
    return TARN_OK;
}

static tarn_status make_step(tarn_graph *g, const tarn_scan_opts *o, ti_region *r,
                             tarn_node *const *in) {
    tarn_node **leaf = NULL;
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)(r->n_in + 1) * sizeof *leaf, &leaf));
    for (int i = 0; i < r->n_in; i++) leaf[i] = ti_region_input(r, i, in[i]);
    TI_TRY(tarn_graph_status(r->g));
    int leaves = r->g->n_nodes;
    tarn_node **x = leaf + o->n_carry, **use = x + o->n_x;
    o->body(o->user, r->g, leaf, x, use, r->roots, r->roots + o->n_carry);
    TI_TRY(ti_region_close(g, r));
    for (int i = 0; i < r->n_roots; i++) {
        const char *what = i < o->n_carry ? "next carry" : "result";
        int at = i < o->n_carry ? i : i - o->n_carry;
        if (!r->roots[i]) return ti_error(TARN_EARG, "the step of a scan makes no %s %d", what, at);
        if (r->roots[i]->graph != r->g)
            return ti_error(TARN_EARG, "%s %d of a scan's step is of another graph", what, at);
    }
    return step_allowed(r, leaves, o->use, o->n_use);
}

static tarn_status one_loop(tarn_graph *g, const tarn_scan_opts *o, int64_t length,
                            tarn_node **last, tarn_node **y) {
    ti_region *r = NULL;
    tarn_node **in = NULL;
    int n = o->n_carry + o->n_x + o->n_use, at = 0;
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)(n + 1) * sizeof *in, &in));
    for (int i = 0; i < o->n_carry; i++) in[at++] = o->carry[i];
    for (int i = 0; i < o->n_x; i++) in[at++] = o->x[i];
    for (int i = 0; i < o->n_use; i++) in[at++] = o->use[i];
    TI_TRY(ti_region_create(g, o->n_carry, o->n_x, o->n_use, o->n_carry + o->n_y, &r));
    r->reverse = o->reverse;
    TI_TRY(make_step(g, o, r, in));
    tarn_node *s = ti_node(g, &ti_op_scan, in, n, &(ti_attrs){.region = r, .dim = length});
    for (int i = 0; s && i < o->n_carry; i++) last[i] = ti_scan_result(s, i);
    for (int i = 0; s && i < o->n_y; i++) y[i] = ti_scan_result(s, o->n_carry + i);
    return tarn_graph_status(g);
}

// ---- carries kept every few steps ---------------------------------------------------------------

static void segment(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                    tarn_node *const *use, tarn_node **next, tarn_node **y) {
    tarn_scan_opts o = *(const tarn_scan_opts *)user;
    o.carry = carry;
    o.x = x;
    o.use = use;
    o.length = o.keep_every;
    o.keep_every = 0;
    tarn_status st = tarn_scan(g, &o, next, y);
    if (st) (void)ti_graph_fail(g, st);
}

// [a, b, ..] <-> [a b, ..]
static tarn_node *split_axis(tarn_graph *g, tarn_node *x, int64_t inner) {
    tarn_shape s = {x->shape.rank + 1, {x->shape.dim[0] / inner, inner}};
    memcpy(s.dim + 2, x->shape.dim + 1, (size_t)(x->shape.rank - 1) * sizeof *s.dim);
    return tarn_reshape(g, x, s);
}
static tarn_node *join_axes(tarn_graph *g, tarn_node *x) {
    tarn_shape s = {x->shape.rank - 1, {x->shape.dim[0] * x->shape.dim[1]}};
    memcpy(s.dim + 1, x->shape.dim + 2, (size_t)(x->shape.rank - 2) * sizeof *s.dim);
    return tarn_reshape(g, x, s);
}

// A loop over segments of keep_every steps, each a loop: the outer one's gradient keeps its own
// carries, and runs a segment again to find those within it.
static tarn_status two_loops(tarn_graph *g, const tarn_scan_opts *o, int64_t length,
                             tarn_node **last, tarn_node **y) {
    tarn_scan_opts outer = *o;
    tarn_node **x = NULL;
    if (length < 0 || length % o->keep_every)
        return ti_error(TARN_EUNSUPPORTED,
                        "scan: keep_every %lld needs a fixed length that it divides",
                        (long long)o->keep_every);
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)(o->n_x + 1) * sizeof *x, &x));
    for (int i = 0; i < o->n_x; i++) {
        if (o->x[i]->shape.rank == TARN_MAX_RANK)
            return ti_error(TARN_ESHAPE, "scan: keep_every with a sequence of rank %d",
                            TARN_MAX_RANK);
        x[i] = split_axis(g, o->x[i], o->keep_every);
    }
    outer.x = x;
    outer.body = segment;
    outer.user = (void *)(uintptr_t)o;
    TI_TRY(one_loop(g, &outer, length / o->keep_every, last, y));
    for (int i = 0; i < o->n_y; i++) y[i] = join_axes(g, y[i]);
    return tarn_graph_status(g);
}

tarn_status tarn_scan(tarn_graph *g, const tarn_scan_opts *o, tarn_node **last, tarn_node **y) {
    int64_t length;
    tarn_status st = tarn_graph_status(g);
    if (!st) st = operands_fit(o, &length);
    if (!st)
        st = o->keep_every > 1 ? two_loops(g, o, length, last, y) : one_loop(g, o, length, last, y);
    if (st) (void)ti_graph_fail(g, st);
    return st;
}
