// Views: following transposes, broadcasts and reshapes from a user to the node that holds the
// elements, as a map from loop dimensions to axes. Views cost nothing unless they must be stored.
#include "plan/plan.h"

tarn_shape ti_squeeze(const tarn_shape *s) {
    tarn_shape y = {0};
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] != 1) y.dim[y.rank++] = s->dim[i];
    return y;
}

bool ti_access_identity(const ti_access *a, int n_map) {
    int axis = 0;
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

// One view further down; false when n is no view or its elements must be taken as stored.
static bool step(const tarn_node **n, int n_map, int8_t *axis) {
    const tarn_node *o = *n, *i = o->n_in ? o->in[0] : NULL;
    if (ti_is(o, &ti_op_broadcast_to)) {
        for (int d = 0; d < n_map; d++)
            axis[d] = through_broadcast(o->shape.rank, axis[d], &i->shape);
    } else if (ti_is(o, &ti_op_transpose)) {
        for (int d = 0; d < n_map; d++)
            if (axis[d] >= 0) axis[d] = (int8_t)o->at.perm[axis[d]];
    } else if (is_reshape(o)) {
        tarn_shape a = ti_squeeze(&o->shape), b = ti_squeeze(&i->shape);
        if (!tarn_shape_equal(&a, &b)) return false;
        for (int d = 0; d < n_map; d++) axis[d] = through_units(&o->shape, axis[d], &i->shape);
    } else {
        return false;
    }
    *n = i;
    return true;
}

const tarn_node *ti_resolve(const ti_groups *gs, const tarn_node *user, const tarn_node *operand,
                            int n_map, ti_access *access) {
    const tarn_node *n = operand;
    int d = 0;
    *access = (ti_access){.value = -1};
    for (int i = 0; i < TARN_MAX_RANK; i++) access->axis[i] = -1;
    for (int i = 0; i < user->shape.rank && d < n_map; i++)
        if (user->shape.dim[i] != 1)
            access->axis[d++] = through_broadcast(user->shape.rank, i, &n->shape);
    // a view that is stored itself is seen through by its own kernel only
    bool own = operand == user;
    while ((own || !ti_is_placed(gs, n)) && step(&n, n_map, access->axis)) own = false;
    access->shape = n->shape;
    return n;
}
