// Fusion: which nodes become one kernel. One walk in node order. An element-wise node joins the
// kernel of its latest operand when its shape fits, else it begins a new one; so every operand
// comes from an earlier kernel or the same, and the list of kernels needs no further sorting.
// Element-wise nodes that need only leaves float until a kernel uses them, and join that; scalar
// ones go to the first kernel. An assign is stored by the kernel that computes its value,
// unless a later kernel still reads the variable or a finite check still has to come.
#include <string.h>

#include "plan/plan.h"

int ti_group_key(const ti_groups *gs, int group) {
    return gs->group[group].prologue ? group - gs->cap : group;
}

static bool is_map_node(const tarn_node *n) {
    return n->op->kind == TI_ELEMENTWISE || n->op == &ti_op_random_bits;
}

static tarn_status group_new(ti_groups *gs, ti_kernel_kind kind, tarn_shape space,
                             const tarn_node *root, bool prologue, int *out) {
    ti_assert(gs->n < gs->cap);
    gs->group[gs->n] = (ti_group){.kind = kind, .space = space, .root = root, .prologue = prologue};
    *out = gs->n++;
    return TARN_OK;
}

// ---- may node n be part of group g? -------------------------------------------------------------

// Dimensions of g's space that n's axes are: all, or for one value a row all but the last; -1.
static int mapped(const ti_group *g, const tarn_node *n) {
    tarn_shape s = ti_squeeze(&n->shape), outer = g->space;
    if (tarn_shape_equal(&s, &g->space)) return s.rank;
    if (g->kind != TI_K_ROWS) return -1;
    outer.rank--;
    outer.dim[outer.rank] = 0;
    return tarn_shape_equal(&s, &outer) ? s.rank : -1;
}

// Operands of the same group must be read at the same index, or be one a row of this row.
static bool operands_align(const ti_groups *gs, int group, const tarn_node *n, int n_map) {
    for (int i = 0; i < n->n_in; i++) {
        ti_access a;
        const tarn_node *base = ti_resolve(gs, n, n->in[i], n_map, &a);
        if (gs->of[ti_storage(gs, base)->id] != group) continue;
        if (base != ti_storage(gs, base)) return false;
        int have = mapped(&gs->group[group], base);
        if (have > n_map || !ti_access_identity(&a, have)) return false;
    }
    return true;
}

// Its kernel computes what it was made for and nothing else.
static bool is_closed(const ti_group *g) { return g->kind >= TI_K_CHECK || g->put; }

static bool joins(const ti_groups *gs, int group, const tarn_node *n) {
    const ti_group *g = &gs->group[group];
    if (!gs->fuse || is_closed(g)) return false;
    for (int i = 0; i < n->n_in; i++)  // computed again only when it is needed
        if (n->in[i]->op == &ti_op_barrier) return false;
    int n_map = mapped(g, n);
    return n_map >= 0 && operands_align(gs, group, n, n_map);
}

// ---- floating nodes -----------------------------------------------------------------------------

static tarn_status place_floating(ti_groups *gs, const tarn_node *n);

// The floating node behind operand i of n, or NULL; *along: it can be computed in n's kernel.
static const tarn_node *floating(const ti_groups *gs, const tarn_node *n, int i, bool *along) {
    ti_access a;
    tarn_shape s = ti_squeeze(&n->shape), t;
    const tarn_node *o = ti_resolve(gs, n, n->in[i], s.rank, &a);
    const tarn_node *base = ti_storage(gs, o);
    if (gs->of[base->id] != TI_FLOATING) return NULL;
    t = ti_squeeze(&base->shape);
    *along = gs->fuse && is_map_node(n) && s.rank > 0 && o == base && tarn_shape_equal(&s, &t) &&
             ti_access_identity(&a, s.rank);
    return base;
}

// Give n to a group; operands that float come along where they can.
static tarn_status place(ti_groups *gs, const tarn_node *n, int group) {
    gs->of[n->id] = group;
    for (int i = 0; i < n->n_in; i++) {
        bool along = false;
        const tarn_node *o = floating(gs, n, i, &along);
        if (o) TI_TRY(along ? place(gs, o, group) : place_floating(gs, o));
    }
    return TARN_OK;
}

static bool first_visit(ti_groups *gs, const tarn_node *n) {
    bool first = gs->seen[n->id] != gs->walk;
    gs->seen[n->id] = gs->walk;
    return first;
}

// What n's kernel cannot compute along with n, collected in `list`.
static int not_along(ti_groups *gs, const tarn_node *n, const tarn_node **list, int count) {
    for (int i = 0; i < n->n_in; i++) {
        bool along = false;
        const tarn_node *o = floating(gs, n, i, &along);
        if (!o || !first_visit(gs, o)) continue;
        if (along) count = not_along(gs, o, list, count);
        if (!along) list[count++] = o;
    }
    return count;
}

// It comes before that kernel.
static tarn_status place_before(ti_groups *gs, const tarn_node *n) {
    const tarn_node **list = NULL;
    TI_TRY(ti_alloc((size_t)gs->g->n_nodes * sizeof *list, &list));
    gs->walk++;
    int count = not_along(gs, n, list, 0);
    tarn_status st = TARN_OK;
    for (int i = 0; i < count && !st; i++)
        if (gs->of[list[i]->id] == TI_FLOATING) st = place_floating(gs, list[i]);
    ti_free(list);
    return st;
}

// Does a scalar need an element of an array that a kernel at the start makes?
static bool scalar_needs_array(ti_groups *gs, const tarn_node *n) {
    for (int i = 0; i < n->n_in; i++) {
        ti_access a;
        const tarn_node *o = ti_storage(gs, ti_resolve(gs, n, n->in[i], 0, &a));
        int group = gs->of[o->id];
        if (group > 0) return true;
        if (group != TI_FLOATING) continue;
        if (ti_squeeze(&o->shape).rank > 0) return true;
        if (first_visit(gs, o) && scalar_needs_array(gs, o)) return true;
    }
    return false;
}
static bool needs_array(ti_groups *gs, const tarn_node *n) {
    gs->walk++;
    return scalar_needs_array(gs, n);
}

// A kernel of its own at the start; scalars share the very first, if they need nothing else.
static tarn_status place_floating(ti_groups *gs, const tarn_node *n) {
    tarn_shape s = ti_squeeze(&n->shape);
    int group = 0;
    if (s.rank > 0 || !gs->fuse || needs_array(gs, n)) {
        TI_TRY(place_before(gs, n));
        TI_TRY(group_new(gs, TI_K_MAP, s, NULL, true, &group));
    }
    return place(gs, n, group);
}

static bool reaches_kernel(ti_groups *gs, const tarn_node *n) {
    for (int i = 0; i < n->n_in; i++) {
        ti_access a;
        const tarn_node *o = ti_resolve(gs, n, n->in[i], ti_squeeze(&n->shape).rank, &a);
        o = ti_storage(gs, o);
        int group = gs->of[o->id];
        if (group >= 0 && !gs->group[group].prologue) return true;
        if (group == TI_FLOATING && first_visit(gs, o) && reaches_kernel(gs, o)) return true;
    }
    return false;
}

// Has a floating node, since it began to float, got an operand whose kernel is not at the start?
static bool bound(ti_groups *gs, const tarn_node *n) {
    gs->walk++;
    return reaches_kernel(gs, n);
}

// Must some operand get a kernel of its own before that of n?
static bool one_needs_before(ti_groups *gs, const tarn_node *n) {
    for (int i = 0; i < n->n_in; i++) {
        bool along = false;
        const tarn_node *o = floating(gs, n, i, &along);
        if (!o) continue;
        bool array = ti_squeeze(&o->shape).rank > 0;
        if (!along && array) return true;
        if (!first_visit(gs, o)) continue;
        if (along ? one_needs_before(gs, o) : scalar_needs_array(gs, o)) return true;
    }
    return false;
}
static bool needs_before(ti_groups *gs, const tarn_node *n) {
    gs->walk++;
    return one_needs_before(gs, n);
}

static tarn_status take_map(ti_groups *gs, const tarn_node *n);

// Bound operands get their kernel now, before the kernel of their user is chosen.
static tarn_status settle(ti_groups *gs, const tarn_node *n) {
    for (int i = 0; i < n->n_in; i++) {
        ti_access a;
        const tarn_node *o = ti_resolve(gs, n, n->in[i], ti_squeeze(&n->shape).rank, &a);
        o = ti_storage(gs, o);
        if (gs->of[o->id] == TI_FLOATING && bound(gs, o)) TI_TRY(take_map(gs, o));
    }
    return TARN_OK;
}

// A node whose elements must lie in memory for its user.
static tarn_status need_stored(ti_groups *gs, const tarn_node *n) {
    n = ti_storage(gs, n);
    if (gs->of[n->id] == TI_FLOATING)
        TI_TRY(bound(gs, n) ? take_map(gs, n) : place_floating(gs, n));
    bool view = n->op->kind == TI_VIEW || n->op == &ti_op_iota || n->op == &ti_op_numel ||
                n->op == &ti_op_constant;
    if (view && gs->of[n->id] < 0) {  // a copy in the order of the view
        int group;
        TI_TRY(group_new(gs, TI_K_MAP, ti_squeeze(&n->shape), NULL, false, &group));
        TI_TRY(place(gs, n, group));
    }
    gs->stored[n->id] = true;
    return TARN_OK;
}

// ---- one node -----------------------------------------------------------------------------------

// Latest group among the operands, -1: only leaves and floating nodes.
static int latest(const ti_groups *gs, const tarn_node *n) {
    int best = -1;
    for (int i = 0; i < n->n_in; i++) {
        ti_access a;
        const tarn_node *o = ti_resolve(gs, n, n->in[i], ti_squeeze(&n->shape).rank, &a);
        int group = gs->of[ti_storage(gs, o)->id];
        if (group < 0) continue;
        if (best < 0 || ti_group_key(gs, group) > ti_group_key(gs, best)) best = group;
    }
    return best;
}

static tarn_status take_map(ti_groups *gs, const tarn_node *n) {
    TI_TRY(settle(gs, n));
    int group = latest(gs, n);
    if (group < 0 || (gs->group[group].prologue && (!joins(gs, group, n) || needs_before(gs, n)))) {
        gs->of[n->id] = TI_FLOATING;  // a user places it
        return TARN_OK;
    }
    if (!joins(gs, group, n))
        TI_TRY(group_new(gs, TI_K_MAP, ti_squeeze(&n->shape), NULL, false, &group));
    return place(gs, n, group);
}

// Along the last axis: joins the kernel that makes the operand, which becomes a row kernel.
static tarn_status take_row_reduce(ti_groups *gs, const tarn_node *n) {
    TI_TRY(settle(gs, n));
    tarn_shape space = ti_squeeze(&n->in[0]->shape);
    ti_access a;
    const tarn_node *x = ti_resolve(gs, n->in[0], n->in[0], space.rank, &a);
    int group = gs->of[x->id];
    bool fits = gs->fuse && group >= 0 && ti_access_identity(&a, space.rank) &&
                !gs->group[group].prologue && !is_closed(&gs->group[group]) &&
                (gs->group[group].kind == TI_K_MAP || gs->group[group].kind == TI_K_ROWS) &&
                tarn_shape_equal(&gs->group[group].space, &space);
    if (!fits) TI_TRY(group_new(gs, TI_K_ROWS, space, NULL, false, &group));
    gs->group[group].kind = TI_K_ROWS;
    gs->of[n->id] = group;
    x = ti_storage(gs, x);
    if (gs->of[x->id] != TI_FLOATING) return TARN_OK;
    return ti_access_identity(&a, space.rank) && gs->fuse ? place(gs, x, group)
                                                          : place_floating(gs, x);
}

static tarn_status take_reduce(ti_groups *gs, const tarn_node *n) {
    if (n->at.axes != TARN_AXIS(0)) return take_row_reduce(gs, n);
    int group;
    TI_TRY(need_stored(gs, n->in[0]));
    TI_TRY(group_new(gs, TI_K_COLS, ti_squeeze(&n->shape), n, false, &group));
    gs->of[n->id] = group;
    return TARN_OK;
}

static tarn_status take_dot(ti_groups *gs, const tarn_node *n) {
    int group;
    for (int i = 0; i < 2; i++) {
        const tarn_node *o = n->in[i];
        while (ti_is(o, &ti_op_transpose) && gs->of[o->id] < 0) o = o->in[0];
        TI_TRY(need_stored(gs, o));
    }
    TI_TRY(group_new(gs, TI_K_DOT, ti_squeeze(&n->shape), n, false, &group));
    gs->of[n->id] = group;
    return TARN_OK;
}

static tarn_status take_whole(ti_groups *gs, ti_kernel_kind kind, const tarn_node *n) {
    int group;
    for (int i = 0; i < n->n_in; i++) TI_TRY(need_stored(gs, n->in[i]));
    TI_TRY(group_new(gs, kind, ti_squeeze(&n->shape), n, false, &group));
    gs->of[n->id] = group;
    gs->stored[n->id] = kind == TI_K_CALL;
    return TARN_OK;
}

// Its scan's kernel has stored it.
static tarn_status take_result(ti_groups *gs, const tarn_node *n) {
    gs->of[n->id] = gs->of[n->in[0]->id];
    gs->stored[n->id] = true;
    return TARN_OK;
}

static tarn_status take_pad(ti_groups *gs, const tarn_node *n) {
    int group;
    TI_TRY(settle(gs, n));
    TI_TRY(group_new(gs, TI_K_MAP, ti_squeeze(&n->shape), n, false, &group));
    gs->group[group].put = true;
    TI_TRY(group_new(gs, TI_K_MAP, ti_squeeze(&n->in[0]->shape), n, false, &group));
    gs->group[group].put = true;
    gs->stored[n->id] = true;
    return place(gs, n, group);
}

static tarn_status take_check(ti_groups *gs, const tarn_node *n) {
    int group;
    TI_TRY(need_stored(gs, n->in[0]));
    // the group stands for the place in the order; the value stays its operand's
    return group_new(gs, TI_K_CHECK, (tarn_shape){0}, n, false, &group);
}

// A reshape that regroups elements reads them in memory order.
static tarn_status take_view(ti_groups *gs, const tarn_node *n) {
    if (n->op != &ti_op_reshape) return TARN_OK;
    tarn_shape a = ti_squeeze(&n->shape), b = ti_squeeze(&n->in[0]->shape);
    return tarn_shape_equal(&a, &b) ? TARN_OK : need_stored(gs, n->in[0]);
}

static tarn_status take(ti_groups *gs, const tarn_node *n) {
    if (is_map_node(n)) return take_map(gs, n);
    switch (n->op->kind) {
    case TI_REDUCE: return take_reduce(gs, n);
    case TI_DOT: return take_dot(gs, n);
    case TI_CALL: return take_whole(gs, TI_K_CALL, n);
    case TI_REGION: return take_whole(gs, TI_K_SCAN, n);
    case TI_RESULT: return take_result(gs, n);
    case TI_VIEW: return take_view(gs, n);
    case TI_PUT: return take_pad(gs, n);
    case TI_EFFECT: return n->op == &ti_op_check_finite ? take_check(gs, n) : TARN_OK;
    default: return TARN_OK;
    }
}

// ---- assigns ------------------------------------------------------------------------------------

// Is what n reads at operand j of v read before the group's stores, or by them element by element?
static bool reader_done(const ti_groups *gs, const tarn_node *n, int j, const tarn_node *v,
                        int group) {
    ti_access a;
    bool map = is_map_node(n) || n->op == &ti_op_assign;
    int at = n->op == &ti_op_assign ? gs->assign_of[n->id] : gs->of[n->id];
    int n_map = map ? ti_squeeze(&n->shape).rank : 0;
    const tarn_node *o = ti_resolve(gs, n, n->in[j], n_map, &a);
    if (ti_storage(gs, o) != v) return true;
    if (at != group) return at >= 0 && ti_group_key(gs, at) < ti_group_key(gs, group);
    return map && o == v && ti_access_identity(&a, n_map) && tarn_shape_equal(&n->shape, &v->shape);
}

// May the group store into v? Every reader of v must be done by then.
static bool readers_done(const ti_groups *gs, const tarn_node *v, int group) {
    for (int i = 0; i < gs->g->n_nodes; i++) {
        const tarn_node *n = gs->g->nodes[i];
        bool assign = n->op == &ti_op_assign;
        if (!assign && gs->of[i] < 0) continue;
        for (int j = assign ? 1 : 0; j < n->n_in; j++)
            if (!reader_done(gs, n, j, v, group)) return false;
    }
    return true;
}

static bool is_call(const tarn_node *n) { return n->op->kind == TI_CALL; }

static bool may_fail(const ti_group *g) {
    return g->kind == TI_K_CHECK || g->kind == TI_K_CALL ||
           (g->kind == TI_K_SCAN && ti_region_has(g->root->at.region, is_call));
}

static bool checks_done(const ti_groups *gs, int group) {
    for (int i = 0; i < gs->n; i++)
        if (may_fail(&gs->group[i]) && ti_group_key(gs, i) > ti_group_key(gs, group)) return false;
    return true;
}

// A last kernel that stores into n's variable; scalars share one while nothing later reads it.
static tarn_status last_group(ti_groups *gs, const tarn_node *n, int *scalars) {
    tarn_shape s = ti_squeeze(&n->shape);
    int *group = &gs->assign_of[n->id];
    if (s.rank == 0 && gs->fuse && *scalars >= 0 && readers_done(gs, n->in[0], *scalars)) {
        *group = *scalars;
        return TARN_OK;
    }
    TI_TRY(group_new(gs, TI_K_MAP, s, NULL, false, group));
    if (s.rank == 0) *scalars = *group;
    return TARN_OK;
}

// First the assigns of values that need only leaves, which are computed where they are stored,
// and of plain variables: they read what other assigns may overwrite.
static tarn_status take_leaf_assign(ti_groups *gs, const tarn_node *n, int *scalars) {
    const tarn_node *x = ti_storage(gs, n->in[1]);
    bool floats = gs->of[x->id] == TI_FLOATING;
    if (floats && bound(gs, x)) return take_map(gs, x);
    if (!floats && x->op != &ti_op_variable) return TARN_OK;
    if (floats) TI_TRY(place_before(gs, x));
    TI_TRY(last_group(gs, n, scalars));
    return floats ? place(gs, x, gs->assign_of[n->id]) : TARN_OK;
}

static tarn_status take_assign(ti_groups *gs, const tarn_node *n, int *scalars) {
    const tarn_node *x = n->in[1];
    int group = gs->of[x->id];
    if (gs->assign_of[n->id] >= 0) return TARN_OK;
    if (group >= 0 && !is_closed(&gs->group[group]) && checks_done(gs, group) &&
        readers_done(gs, n->in[0], group)) {
        gs->assign_of[n->id] = group;
        return TARN_OK;
    }
    TI_TRY(need_stored(gs, x));
    return last_group(gs, n, scalars);
}

static tarn_status take_assigns(ti_groups *gs) {
    typedef tarn_status (*take_fn)(ti_groups *, const tarn_node *, int *);
    static const take_fn turns[] = {take_leaf_assign, take_assign};
    int scalars = -1;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < gs->g->n_nodes; i++)
            if (gs->g->nodes[i]->op == &ti_op_assign)
                TI_TRY(turns[turn](gs, gs->g->nodes[i], &scalars));
    return TARN_OK;
}

// ---- all ----------------------------------------------------------------------------------------

// A value used by another group than its own lies in memory.
static void mark_stored(ti_groups *gs) {
    for (int i = 0; i < gs->g->n_nodes; i++) {
        const tarn_node *n = gs->g->nodes[i];
        if (gs->of[i] < 0) continue;
        gs->at = gs->of[i];
        for (int j = 0; j < n->n_in; j++) {
            ti_access a;
            int n_map = ti_squeeze(&n->shape).rank;
            const tarn_node *o = ti_storage(gs, ti_resolve(gs, n, n->in[j], n_map, &a));
            if (gs->of[o->id] >= 0 && gs->of[o->id] != gs->of[i]) gs->stored[o->id] = true;
        }
    }
}

static tarn_status groups_alloc(const tarn_graph *g, ti_groups *gs) {
    size_t n = (size_t)g->n_nodes;
    gs->cap = 4 * g->n_nodes + 8;
    TI_TRY(ti_alloc_zero((size_t)gs->cap * sizeof *gs->group, &gs->group));
    TI_TRY(ti_alloc(n * sizeof *gs->of, &gs->of));
    TI_TRY(ti_alloc(n * sizeof *gs->assign_of, &gs->assign_of));
    TI_TRY(ti_alloc_zero(n, &gs->stored));
    TI_TRY(ti_alloc_zero(n * sizeof *gs->seen, &gs->seen));
    for (size_t i = 0; i < n; i++) gs->of[i] = gs->assign_of[i] = TI_NO_GROUP;
    return TARN_OK;
}

static tarn_status take_all(ti_groups *gs, tarn_node *const *roots, int n_roots) {
    int scalars;
    if (gs->fuse) TI_TRY(group_new(gs, TI_K_MAP, (tarn_shape){0}, NULL, true, &scalars));
    for (int i = 0; i < gs->g->n_nodes; i++) TI_TRY(take(gs, gs->g->nodes[i]));
    for (int i = 0; i < n_roots; i++)
        if (roots[i]->op->kind != TI_EFFECT || roots[i]->op == &ti_op_check_finite)
            TI_TRY(need_stored(gs, roots[i]));
    TI_TRY(take_assigns(gs));
    mark_stored(gs);
    return TARN_OK;
}

tarn_status ti_groups_make(const tarn_graph *g, tarn_node *const *roots, int n_roots, bool fuse,
                           ti_groups *out) {
    ti_groups gs = {.g = g, .at = -1, .fuse = fuse};
    tarn_status st = groups_alloc(g, &gs);
    if (!st) st = take_all(&gs, roots, n_roots);
    if (st) ti_groups_free(&gs);
    if (!st) *out = gs;
    return st;
}

void ti_groups_free(ti_groups *gs) {
    ti_free(gs->group);
    ti_free(gs->of);
    ti_free(gs->assign_of);
    ti_free(gs->stored);
    ti_free(gs->seen);
    *gs = (ti_groups){0};
}
