// Groups become kernels: nodes become instructions, values outside become loads and stores.
#include <string.h>

#include "plan/build.h"

// ---- values -------------------------------------------------------------------------------------

tarn_status ti_value_new(ti_build *b, ti_value v, int *out) {
    if (b->p->n_values == b->p->cap_values) {
        int cap = b->p->cap_values ? 2 * b->p->cap_values : 32;
        TI_TRY(
            ti_realloc((size_t)b->p->n_values * sizeof v, (size_t)cap * sizeof v, &b->p->values));
        b->p->cap_values = cap;
    }
    v.alias = -1;
    *out = b->p->n_values;
    b->p->values[b->p->n_values++] = v;
    return TARN_OK;
}

tarn_status ti_value_of(ti_build *b, const tarn_node *n, int *out) {
    int *at = &b->value[n->id];
    if (*at < 0) {
        ti_value v = {.place = TI_ARENA, .dtype = n->dtype, .shape = n->shape};
        if (n->op == &ti_op_variable) {
            v.place = TI_VARIABLE;
            v.var = n->at.var;
        }
        TI_TRY(ti_value_new(b, v, at));
    }
    *out = *at;
    return TARN_OK;
}

bool ti_value_packed(const ti_build *b, int value) {
    const ti_value *v = &b->p->values[value];
    return v->place == TI_VARIABLE && v->var->form == TI_PANELS;
}

// ---- instructions -------------------------------------------------------------------------------

static tarn_status add_inst(ti_build *b, ti_inst in, int16_t *out) {
    ti_kernel *k = b->k;
    if (k->n_inst == b->cap_inst) {
        ti_inst *more = NULL;
        int cap = b->cap_inst ? 2 * b->cap_inst : 32;
        if (cap > 8192) return ti_error(TARN_ELIMIT, "a fused kernel has over 8192 instructions");
        TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)cap * sizeof in, &more));
        if (k->n_inst) memcpy(more, k->inst, (size_t)k->n_inst * sizeof in);
        k->inst = more;
        b->cap_inst = cap;
    }
    if (out) *out = (int16_t)k->n_inst;
    k->inst[k->n_inst++] = in;
    return TARN_OK;
}

static bool access_equal(const ti_access *a, const ti_access *b) {
    return a->value == b->value && tarn_shape_equal(&a->shape, &b->shape) &&
           !memcmp(a->axis, b->axis, sizeof a->axis) &&
           !memcmp(a->start, b->start, sizeof a->start) &&
           !memcmp(a->step, b->step, sizeof a->step);
}

static tarn_status add_access(ti_build *b, const ti_access *a, int16_t *out) {
    ti_kernel *k = b->k;
    for (int i = 0; i < k->n_access; i++) {
        if (!access_equal(&k->access[i], a)) continue;
        *out = (int16_t)i;
        return TARN_OK;
    }
    if (k->n_access == b->cap_access) {
        ti_access *more = NULL;
        int cap = b->cap_access ? 2 * b->cap_access : 16;
        TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)cap * sizeof *a, &more));
        if (k->n_access) memcpy(more, k->access, (size_t)k->n_access * sizeof *a);
        k->access = more;
        b->cap_access = cap;
    }
    *out = (int16_t)k->n_access;
    k->access[k->n_access++] = *a;
    return TARN_OK;
}

// Of instructions without operands.
static bool inst_equal(const ti_inst *a, const ti_inst *b) {
    return a->kind == b->kind && a->dtype == b->dtype && a->access == b->access &&
           a->dim == b->dim && !memcmp(&a->imm, &b->imm, sizeof a->imm);
}

// The same instruction built before in this kernel, or a new one. Stores are never shared.
static tarn_status reuse_inst(ti_build *b, ti_inst in, int16_t *out) {
    for (int i = 0; i < b->k->n_inst; i++) {
        if (!inst_equal(&b->k->inst[i], &in)) continue;
        *out = (int16_t)i;
        return TARN_OK;
    }
    return add_inst(b, in, out);
}

static ti_inst blank(ti_inst_kind kind, tarn_dtype dtype) {
    return (ti_inst){.kind = (uint8_t)kind,
                     .dtype = (uint8_t)dtype,
                     .src = (uint8_t)dtype,
                     .a = {-1, -1, -1},
                     .access = -1};
}

static bool along_row(const ti_build *b, const ti_access *a) {
    return b->k->kind == TI_K_ROWS && a->axis[b->k->space.rank - 1] >= 0;
}

static bool repeats(const ti_build *b, const ti_access *a) {
    for (int d = 0; d < b->k->space.rank; d++)
        if (a->axis[d] >= 0) return false;
    return true;
}

// ---- variables in row-major order ---------------------------------------------------------------

static void identity(ti_access *a, int value, const tarn_shape *shape) {
    int d = 0;
    *a = ti_access_of(value, shape);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] != 1) a->axis[d++] = (int8_t)i;
}

// Row-major copy of a packed variable, made by a kernel at the start of the run.
tarn_status ti_unpacked(ti_build *b, int packed, int *out) {
    for (int i = 0; i < b->n_unpack; i++) {
        if (b->unpack[i].access[0].value != packed) continue;
        *out = b->unpack[i].access[1].value;
        return TARN_OK;
    }
    const ti_value src = b->p->values[packed];
    TI_TRY(ti_value_new(b, (ti_value){.dtype = src.dtype, .shape = src.shape}, out));
    ti_kernel *k = &b->unpack[b->n_unpack++];
    *k = (ti_kernel){.kind = TI_K_MAP, .label = "unpack", .space = ti_squeeze(&src.shape)};
    TI_TRY(ti_arena_alloc(&b->p->arena, 2 * sizeof *k->inst, &k->inst));
    TI_TRY(ti_arena_alloc(&b->p->arena, 2 * sizeof *k->access, &k->access));
    identity(&k->access[0], packed, &src.shape);
    identity(&k->access[1], *out, &src.shape);
    k->inst[0] = blank(TI_I_LOAD, src.dtype);
    k->inst[0].access = 0;
    k->inst[1] = blank(TI_I_STORE, src.dtype);
    k->inst[1].access = 1;
    k->inst[1].a[0] = 0;
    k->n_inst = k->n_access = 2;
    return TARN_OK;
}

// The value behind an access: packed variables only element by element in their own order.
static tarn_status access_value(ti_build *b, const tarn_node *base, ti_access *a) {
    int value;
    TI_TRY(ti_value_of(b, ti_storage(b->gs, base), &value));
    bool direct = b->k->kind != TI_K_ROWS && ti_access_identity(a, b->k->space.rank) &&
                  tarn_shape_equal(&a->shape, &b->p->values[value].shape);
    if (ti_value_packed(b, value) && !direct) TI_TRY(ti_unpacked(b, value, &value));
    a->value = value;
    return TARN_OK;
}

// ---- operands -----------------------------------------------------------------------------------

static tarn_status index_inst(ti_build *b, const tarn_node *n, const ti_access *a, int16_t *out) {
    ti_access at = *a;
    at.value = TI_ALONG;
    for (int d = 0; d < TARN_MAX_RANK; d++) {
        if (at.axis[d] != n->at.axis) at.axis[d] = -1;
        if (d != n->at.axis) at.start[d] = 0;
    }
    ti_inst in = blank(TI_I_INDEX, TARN_I32);
    TI_TRY(add_access(b, &at, &in.access));
    in.row = along_row(b, &at);
    return reuse_inst(b, in, out);
}

static tarn_status load_inst(ti_build *b, const tarn_node *base, ti_access *a, int16_t *out) {
    ti_inst in = blank(TI_I_LOAD, base->dtype);
    TI_TRY(access_value(b, base, a));
    TI_TRY(add_access(b, a, &in.access));
    in.row = along_row(b, a);
    in.fixed = repeats(b, a);
    return reuse_inst(b, in, out);
}

static tarn_status leaf_inst(ti_build *b, const tarn_node *base, ti_access *a, int16_t *out) {
    ti_inst in = blank(TI_I_CONST, base->dtype);
    in.fixed = true;
    if (base->op == &ti_op_constant) {
        in.imm = base->at.value;
        return reuse_inst(b, in, out);
    }
    if (base->op == &ti_op_numel) {
        in.kind = TI_I_DIM;
        in.dim = base->at.dim;
        return reuse_inst(b, in, out);
    }
    if (base->op == &ti_op_iota) return index_inst(b, base, a, out);
    return load_inst(b, base, a, out);
}

// Dimensions of the kernel's space that the node's axes are.
static int dims_of(const ti_build *b, const tarn_node *n) {
    int rank = ti_squeeze(&n->shape).rank;
    return rank < b->k->space.rank ? rank : b->k->space.rank;
}

static tarn_status operand(ti_build *b, const tarn_node *user, const tarn_node *o, int16_t *out) {
    ti_access a;
    const tarn_node *base = ti_resolve(b->gs, user, o, dims_of(b, user), &a);
    if (b->gs->of[base->id] == b->group && base != user) {
        *out = b->inst[base->id];
        ti_assert(*out >= 0);
        return TARN_OK;
    }
    return leaf_inst(b, base, &a, out);
}

// ---- nodes --------------------------------------------------------------------------------------

static tarn_status random_inst(ti_build *b, const tarn_node *n, int16_t *out) {
    ti_inst in = blank(TI_I_RANDOM, TARN_U32);
    ti_access a;
    identity(&a, TI_LINEAR, &n->shape);
    in.stream = n->at.stream;
    TI_TRY(operand(b, n, n->in[0], &in.a[0]));
    TI_TRY(add_access(b, &a, &in.access));
    in.row = along_row(b, &a);
    return add_inst(b, in, out);
}

static tarn_status code_inst(ti_build *b, const tarn_node *n, int16_t *out) {
    ti_inst in = blank(TI_I_CODE, n->dtype);
    in.code = (uint8_t)n->op->code;
    in.fixed = true;
    for (int i = 0; i < n->n_in; i++) {
        TI_TRY(operand(b, n, n->in[i], &in.a[i]));
        in.row |= b->k->inst[in.a[i]].row;
        in.fixed &= b->k->inst[in.a[i]].fixed;
    }
    in.src = b->k->inst[in.a[0]].dtype;
    return add_inst(b, in, out);
}

static tarn_status reduce_inst(ti_build *b, const tarn_node *n, int16_t *out) {
    ti_inst in = blank(TI_I_REDUCE, n->dtype);
    in.code = (uint8_t)n->op->code;
    in.src = (uint8_t)n->in[0]->dtype;
    ti_access a;
    const tarn_node *x = ti_resolve(b->gs, n->in[0], n->in[0], ti_squeeze(&n->in[0]->shape).rank,
                                    &a);
    if (b->gs->of[x->id] == b->group) {
        in.a[0] = b->inst[x->id];
    } else {
        TI_TRY(leaf_inst(b, x, &a, &in.a[0]));
    }
    return add_inst(b, in, out);
}

static tarn_status node_inst(ti_build *b, const tarn_node *n) {
    int16_t *out = &b->inst[n->id];
    if (n == b->gs->group[b->group].root) {
        ti_inst in = blank(TI_I_ACC, n->dtype);
        in.code = (uint8_t)n->op->code;
        return add_inst(b, in, out);
    }
    if (n->op == &ti_op_random_bits) return random_inst(b, n, out);
    if (n->op->kind == TI_ELEMENTWISE) return code_inst(b, n, out);
    if (n->op->kind == TI_REDUCE) return reduce_inst(b, n, out);
    ti_access a;
    return leaf_inst(b, ti_resolve(b->gs, n, n, dims_of(b, n), &a), &a, out);
}

static tarn_status store_inst(ti_build *b, int16_t from, const tarn_node *n, int value) {
    ti_inst in = blank(TI_I_STORE, n->dtype);
    ti_access a;
    identity(&a, value, &n->shape);
    in.a[0] = from;
    TI_TRY(add_access(b, &a, &in.access));
    in.row = along_row(b, &a);
    return add_inst(b, in, NULL);
}

static tarn_status assign_inst(ti_build *b, const tarn_node *n) {
    int16_t from;
    int value;
    TI_TRY(operand(b, n, n->in[1], &from));
    TI_TRY(ti_value_of(b, n->in[0], &value));
    return store_inst(b, from, n, value);
}

// Stores come last: no instruction reads what one of them overwrites.
static tarn_status body(ti_build *b) {
    const tarn_graph *g = b->gs->g;
    for (int i = 0; i < g->n_nodes; i++) {
        if (b->gs->of[i] != b->group) continue;
        if (*g->nodes[i]->label) b->k->label = g->nodes[i]->label;
        TI_TRY(node_inst(b, g->nodes[i]));
    }
    for (int i = 0; i < g->n_nodes; i++) {
        int value;
        if (b->gs->of[i] != b->group || !b->gs->stored[i]) continue;
        TI_TRY(ti_value_of(b, g->nodes[i], &value));
        TI_TRY(store_inst(b, b->inst[i], g->nodes[i], value));
    }
    for (int i = 0; i < g->n_nodes; i++)
        if (b->gs->assign_of[i] == b->group) TI_TRY(assign_inst(b, g->nodes[i]));
    return TARN_OK;
}

// ---- contraction, column sum, check -------------------------------------------------------------

// All axes of an operand, rows and columns last, through transposes; reshapes are read as stored.
static tarn_status matrix(ti_build *b, const tarn_node *o, bool trans, ti_access *a) {
    int value, last = o->shape.rank - 1;
    int8_t axis[TARN_MAX_RANK];
    for (int d = 0; d <= last; d++) axis[d] = (int8_t)d;
    axis[last - 1] = (int8_t)(trans ? last : last - 1);
    axis[last] = (int8_t)(trans ? last - 1 : last);
    for (; ti_is(o, &ti_op_transpose) && !ti_is_placed(b->gs, o); o = o->in[0])
        for (int d = 0; d <= last; d++) axis[d] = (int8_t)o->at.perm[axis[d]];
    *a = ti_access_of(-1, &o->shape);
    memcpy(a->axis, axis, (size_t)(last + 1) * sizeof *axis);
    TI_TRY(ti_value_of(b, ti_storage(b->gs, o), &value));
    bool own_order = !ti_is(o, &ti_op_window) &&
                     tarn_shape_equal(&o->shape, &b->p->values[value].shape);
    if (ti_value_packed(b, value) && !own_order) TI_TRY(ti_unpacked(b, value, &value));
    a->value = value;
    return TARN_OK;
}

// Bodies of contractions have all axes of the result: give those of size 1 their place back.
static void widen(ti_kernel *k, const tarn_shape *shape) {
    for (int i = 0; i < k->n_access; i++) {
        int8_t *axis = k->access[i].axis, from[TARN_MAX_RANK];
        int d = 0;
        memcpy(from, axis, sizeof from);
        for (int j = 0; j < shape->rank; j++) axis[j] = shape->dim[j] == 1 ? -1 : from[d++];
    }
    k->space = *shape;
}

static tarn_status dot_kernel(ti_build *b, const tarn_node *n) {
    ti_kernel *k = b->k;
    TI_TRY(body(b));
    widen(k, &n->shape);
    k->dtype = n->dtype;
    k->depth = tarn_node_dim(n->in[0], n->at.trans_a ? -2 : -1);
    const tarn_node *left = n->in[0];
    while (ti_is(left, &ti_op_transpose)) left = left->in[0];
    if (ti_is(left, &ti_op_window)) {
        k->window = left->at.window;
        k->image = left->in[0]->shape;
    }
    TI_TRY(matrix(b, n->in[0], n->at.trans_a, &k->a));
    return matrix(b, n->in[1], n->at.trans_b, &k->b);
}

static tarn_status cols_kernel(ti_build *b, const tarn_node *n) {
    ti_kernel *k = b->k;
    TI_TRY(body(b));
    k->dtype = n->dtype;
    k->depth = n->in[0]->shape.dim[0];
    const tarn_node *x = ti_resolve(b->gs, n->in[0], n->in[0], 2, &k->a);
    int value;
    TI_TRY(ti_value_of(b, ti_storage(b->gs, x), &value));
    if (ti_value_packed(b, value)) TI_TRY(ti_unpacked(b, value, &value));
    k->a.value = value;
    return TARN_OK;
}

static tarn_status check_kernel(ti_build *b, const tarn_node *n) {
    TI_TRY(ti_value_of(b, ti_storage(b->gs, n->in[0]), &b->k->value));
    b->k->dtype = n->dtype;
    return ti_arena_strdup(&b->p->arena, n->at.name, &b->k->what);
}

static tarn_status call_kernel(ti_build *b, const tarn_node *n) {
    ti_kernel *k = b->k;
    k->op = n->op;
    k->at = n->at;
    k->dtype = n->dtype;
    k->n_in = n->n_in;
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(n->n_in + 1) * sizeof *k->in, &k->in));
    for (int i = 0; i < n->n_in; i++) {
        TI_TRY(ti_value_of(b, ti_storage(b->gs, n->in[i]), &k->in[i]));
        if (ti_value_packed(b, k->in[i])) TI_TRY(ti_unpacked(b, k->in[i], &k->in[i]));
    }
    return ti_value_of(b, n, &k->value);
}

// A pad is two kernels: one fills the result, the other puts the operand's elements into it.
static tarn_status fill_kernel(ti_build *b, const tarn_node *n) {
    ti_inst in = blank(TI_I_CONST, n->dtype);
    int16_t from;
    int value;
    in.fixed = true;
    in.imm = n->at.value;
    TI_TRY(add_inst(b, in, &from));
    TI_TRY(ti_value_of(b, n, &value));
    return store_inst(b, from, n, value);
}

static tarn_status put_kernel(ti_build *b, const tarn_node *n) {
    ti_inst in = blank(TI_I_STORE, n->dtype);
    ti_access a;
    int value;
    const tarn_node *x = ti_resolve(b->gs, n->in[0], n->in[0], b->k->space.rank, &a);
    TI_TRY(leaf_inst(b, x, &a, &in.a[0]));
    TI_TRY(ti_value_of(b, n, &value));
    identity(&a, value, &n->in[0]->shape);
    a.shape = n->shape;
    memcpy(a.start, n->at.start, sizeof a.start);
    memcpy(a.step, n->at.step, sizeof a.step);
    TI_TRY(add_access(b, &a, &in.access));
    return add_inst(b, in, NULL);
}

static tarn_status pad_kernel(ti_build *b, const tarn_node *n) {
    return b->gs->of[n->id] == b->group ? put_kernel(b, n) : fill_kernel(b, n);
}

static tarn_status group_kernel(ti_build *b, int group, ti_kernel *k) {
    const ti_group *gr = &b->gs->group[group];
    *k = (ti_kernel){.kind = gr->kind, .space = gr->space, .value = -1, .label = ""};
    b->k = k;
    b->group = b->gs->at = group;
    b->cap_inst = b->cap_access = 0;
    tarn_status st = gr->kind == TI_K_DOT     ? dot_kernel(b, gr->root)
                     : gr->kind == TI_K_COLS  ? cols_kernel(b, gr->root)
                     : gr->kind == TI_K_CHECK ? check_kernel(b, gr->root)
                     : gr->kind == TI_K_CALL  ? call_kernel(b, gr->root)
                     : gr->kind == TI_K_SCAN  ? ti_scan_kernel(b, gr->root)
                     : gr->put                ? pad_kernel(b, gr->root)
                                              : body(b);
    if (gr->root && *gr->root->label) k->label = gr->root->label;
    if (!st) st = ti_arena_strdup(&b->p->arena, k->label, &k->label);
    return st;
}

// ---- the plan -----------------------------------------------------------------------------------

static tarn_status add_inputs(ti_build *b) {
    const tarn_graph *g = b->gs->g;
    size_t n = (size_t)g->n_nodes + 1;
    TI_TRY(ti_arena_alloc(&b->p->arena, n * sizeof *b->p->inputs, &b->p->inputs));
    TI_TRY(ti_arena_alloc(&b->p->arena, n * sizeof *b->p->input_value, &b->p->input_value));
    for (int i = 0; i < g->n_nodes; i++) {
        const tarn_node *v = g->nodes[i];
        if (v->op != &ti_op_input) continue;
        int at = b->p->n_inputs++;
        TI_TRY(ti_arena_strdup(&b->p->arena, v->at.name, &b->p->inputs[at]));
        TI_TRY(ti_value_new(
            b, (ti_value){.place = TI_INPUT, .dtype = v->dtype, .shape = v->shape, .input = at},
            &b->value[i]));
        b->p->input_value[at] = b->value[i];
    }
    return TARN_OK;
}

static bool assigned(const tarn_graph *g, const tarn_node *variable) {
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_assign && g->nodes[i]->in[0] == variable) return true;
    return false;
}

// A fetched variable is the one before the step: copied when the step packs or assigns it.
static tarn_status add_fetches(ti_build *b, tarn_node *const *roots, int n) {
    ti_plan *p = b->p;
    TI_TRY(ti_arena_alloc(&p->arena, (size_t)(n + 1) * sizeof *p->fetch, &p->fetch));
    TI_TRY(ti_arena_alloc(&p->arena, (size_t)(n + 1) * sizeof *p->fetch_shape, &p->fetch_shape));
    p->n_fetch = n;
    for (int i = 0; i < n; i++) {
        const tarn_node *r = roots[i], *x = ti_storage(b->gs, r);
        p->fetch[i] = -1;
        p->fetch_shape[i] = r->shape;
        if (r->op == &ti_op_assign || r->op == &ti_op_group) continue;
        TI_TRY(ti_value_of(b, x, &p->fetch[i]));
        if (ti_value_packed(b, p->fetch[i]) || assigned(b->gs->g, x))
            TI_TRY(ti_unpacked(b, p->fetch[i], &p->fetch[i]));
    }
    return TARN_OK;
}

static tarn_status all_kernels(ti_build *b, tarn_node *const *roots, int n_roots) {
    int n = b->gs->n, done = 0;
    ti_kernel *list = NULL, *k;
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(2 * n + 8 + b->gs->g->n_nodes) * sizeof *list,
                          &b->unpack));
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(n + 1) * sizeof *list, &list));
    TI_TRY(add_inputs(b));
    b->p->kernels = list;
    for (int pass = 1; pass >= 0; pass--)
        for (int i = 0; i < n; i++) {
            if (b->gs->group[i].prologue != pass) continue;
            b->p->n_kernels = done + 1;
            TI_TRY(group_kernel(b, i, &list[done]));
            done += list[done].n_inst > 0 || list[done].kind >= TI_K_CHECK;
        }
    b->gs->at = -1;
    TI_TRY(add_fetches(b, roots, n_roots));
    b->p->n_kernels = done;
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(done + b->n_unpack + 1) * sizeof *k, &k));
    memcpy(k, b->unpack, (size_t)b->n_unpack * sizeof *k);
    memcpy(k + b->n_unpack, list, (size_t)done * sizeof *k);
    b->p->kernels = k;
    b->p->n_kernels = done + b->n_unpack;
    return TARN_OK;
}

static tarn_status build_all(ti_build *b, tarn_node *const *roots, int n_roots) {
    size_t n = (size_t)b->gs->g->n_nodes;
    tarn_status st = ti_alloc(n * sizeof *b->value, &b->value);
    if (!st) st = ti_alloc(n * sizeof *b->inst, &b->inst);
    for (size_t i = 0; !st && i < n; i++) b->value[i] = b->inst[i] = -1;
    if (!st) st = all_kernels(b, roots, n_roots);
    ti_free(b->value);
    ti_free(b->inst);
    return st;
}

// No named dimension, derived ones included, may be so large that sizes of it overflow.
static tarn_status check_maxima(const ti_plan *p) {
    for (int i = 0; i < p->n_sym; i++) {
        int64_t most = ti_plan_dim_max(p, -(int64_t)i - 1);
        if (most > (int64_t)1 << 40)
            return ti_error(TARN_ELIMIT, "dimension '%s' is at most 2^40, not %lld", p->sym[i].name,
                            (long long)most);
    }
    return TARN_OK;
}

tarn_status ti_plan_make(const tarn_graph *g, tarn_node *const *roots, int n_roots,
                         const ti_plan_opts *opts, ti_plan **out) {
    ti_groups gs = {0};
    ti_plan *p = NULL;
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    memcpy(p->sym, g->sym, sizeof p->sym);
    p->n_sym = g->n_sym;
    p->seed = g->store->seed;
    tarn_status st = check_maxima(p);
    if (!st) st = ti_groups_make(g, roots, n_roots, opts->fuse, &gs);
    if (!st) {
        ti_build b = {.gs = &gs, .p = p, .opts = opts};
        st = build_all(&b, roots, n_roots);
    }
    if (!st) st = ti_plan_memory(p, opts);
    ti_groups_free(&gs);
    if (st) {
        ti_plan_free(p);
    } else {
        *out = p;
    }
    return st;
}

void ti_plan_free(ti_plan *p) {
    if (!p) return;
    for (int i = 0; i < p->n_kernels; i++)
        if (p->kernels[i].scan) ti_plan_free(p->kernels[i].scan->body);
    ti_arena_free(&p->arena);
    ti_free(p->values);
    ti_free(p);
}
