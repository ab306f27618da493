// Views: following transposes, broadcasts, slices and reshapes from a user to the node that holds
// the elements, as a map from loop dimensions to axes. Views cost nothing unless they must be
// stored.
#include "plan/plan.h"

tarn_shape ti_squeeze(const tarn_shape *s) {
    tarn_shape y = {0};
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] != 1) y.dim[y.rank++] = s->dim[i];
    return y;
}

ti_access ti_access_of(int value, const tarn_shape *shape) {
    ti_access a = {.value = value, .shape = *shape};
    for (int i = 0; i < TARN_MAX_RANK; i++) {
        a.axis[i] = -1;
        a.step[i] = 1;
    }
    return a;
}

bool ti_access_identity(const ti_access *a, int n_map) {
    int axis = 0;
    for (int i = 0; i < a->shape.rank; i++)
        if (a->start[i] || a->step[i] != 1) return false;
    for (int d = 0; d < n_map; d++) {
        while (axis < a->shape.rank && a->shape.dim[axis] == 1) axis++;
        if (a->axis[d] != axis++) return false;
    }
    while (axis < a->shape.rank && a->shape.dim[axis] == 1) axis++;
    return axis == a->shape.rank;
}

static bool is_reshape(const tarn_node *n) {
    return ti_is(n, &ti_op_reshape) || ti_is(n, &ti_op_check_finite) || ti_is(n, &ti_op_barrier);
}

bool ti_is_placed(const ti_groups *gs, const tarn_node *n) {
    int group = gs->of[n->id];
    if (group < 0) return false;
    return n->op->kind != TI_VIEW || gs->at < 0 ||
           ti_group_key(gs, group) <= ti_group_key(gs, gs->at);
}

const tarn_node *ti_storage(const ti_groups *gs, const tarn_node *n) {
    while ((is_reshape(n) || ti_is(n, &ti_op_window)) && !ti_is_placed(gs, n)) n = n->in[0];
    return n;
}

// Axis `axis` of n, as an axis of the smaller shape `to` that broadcast to it; -1: repeated.
static int8_t through_broadcast(int rank, int axis, const tarn_shape *to) {
    int a = axis < 0 ? -1 : axis - (rank - to->rank);
    return (int8_t)(a >= 0 && to->dim[a] != 1 ? a : -1);
}

// Reshape that only drops or adds axes of size 1: the q-th larger axis stays the q-th.
static int8_t through_units(const tarn_shape *from, int axis, const tarn_shape *to) {
    if (axis < 0) return -1;
    int q = 0;
    for (int i = 0; i < axis; i++) q += from->dim[i] != 1;
    for (int i = 0; i < to->rank; i++)
        if (to->dim[i] != 1 && q-- == 0) return (int8_t)i;
    return -1;
}

// Axis i of n, as an axis of what n is a view of; -1: gone.
static int8_t axis_below(const tarn_node *n, int i) {
    const tarn_shape *from = &n->shape, *to = &n->in[0]->shape;
    if (ti_is(n, &ti_op_broadcast_to)) return through_broadcast(from->rank, i, to);
    if (ti_is(n, &ti_op_transpose)) return (int8_t)n->at.perm[i];
    if (ti_is(n, &ti_op_slice)) return (int8_t)i;
    return from->dim[i] == 1 ? -1 : through_units(from, i, to);
}

static bool see_through(const tarn_node *n) {
    if (!is_reshape(n))
        return ti_is(n, &ti_op_broadcast_to) || ti_is(n, &ti_op_transpose) ||
               ti_is(n, &ti_op_slice);
    tarn_shape a = ti_squeeze(&n->shape), b = ti_squeeze(&n->in[0]->shape);
    return tarn_shape_equal(&a, &b);
}

// One view further down; false when n is no view or its elements must be taken as stored.
static bool step(const tarn_node **n, int n_map, ti_access *a) {
    const tarn_node *o = *n;
    if (!see_through(o)) return false;
    ti_access below = ti_access_of(a->value, &o->in[0]->shape);
    for (int d = 0; d < n_map; d++)
        if (a->axis[d] >= 0) below.axis[d] = axis_below(o, a->axis[d]);
    for (int i = 0; i < o->shape.rank; i++) {
        int to = axis_below(o, i);
        if (to < 0) continue;
        below.start[to] = a->start[i];
        below.step[to] = a->step[i];
        if (!ti_is(o, &ti_op_slice)) continue;
        below.start[to] = o->at.start[i] + o->at.step[i] * a->start[i];
        below.step[to] = o->at.step[i] * a->step[i];
    }
    *a = below;
    *n = o->in[0];
    return true;
}

const tarn_node *ti_resolve(const ti_groups *gs, const tarn_node *user, const tarn_node *operand,
                            int n_map, ti_access *access) {
    const tarn_node *n = operand;
    int d = 0;
    *access = ti_access_of(-1, &n->shape);
    for (int i = 0; i < user->shape.rank && d < n_map; i++)
        if (user->shape.dim[i] != 1)
            access->axis[d++] = through_broadcast(user->shape.rank, i, &n->shape);
    // a view that is stored itself is seen through by its own kernel only
    bool own = operand == user;
    while ((own || !ti_is_placed(gs, n)) && step(&n, n_map, access)) own = false;
    return n;
}
