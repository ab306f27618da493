// Rows of operations that move elements or make them from sizes.
#include <string.h>

#include "format/onnx/onnx.h"
#include "graph/graph.h"

// ---- Reshape -----------------------------------------------------------------------------------

// Sizes of x that a reshape does not copy: the product of the numbers, and of the named ones.
typedef struct product {
    int64_t number, named;
} product;

static tarn_status times(ti_onnx_node *n, product *p, int64_t dim) {
    if (dim < 0) {
        p->named = tarn_dim_mul(n->g, p->named, dim);
        return tarn_graph_status(n->g);
    }
    if (__builtin_mul_overflow(p->number, dim, &p->number))
        return ti_error(TARN_ELIMIT, "the number of elements overflows");
    return TARN_OK;
}

// Dimension i that is 0 in the file: that of x, unless allowzero.
static bool copies(const ti_onnx_ints *shape, int i, bool allow_zero) {
    return !allow_zero && i < shape->n && shape->v[i] == 0;
}

// What -1 stands for: what x has and the other dimensions have not.
static tarn_status rest(ti_onnx_node *n, const tarn_shape *x, const ti_onnx_ints *want,
                        bool allow_zero, int64_t *out) {
    product have = {1, 1}, asked = {1, 1};
    for (int i = 0; i < x->rank; i++)
        if (!copies(want, i, allow_zero)) TI_TRY(times(n, &have, x->dim[i]));
    for (int i = 0; i < want->n; i++)
        if (!copies(want, i, allow_zero) && want->v[i] != -1) TI_TRY(times(n, &asked, want->v[i]));
    if (asked.number == 0 || have.number % asked.number != 0)
        return ti_error(TARN_ESHAPE, "no size for -1: %lld elements in rows of %lld",
                        (long long)have.number, (long long)asked.number);
    *out = tarn_dim_mul(n->g, have.named, have.number / asked.number);
    return TARN_OK;
}

static tarn_status new_shape(ti_onnx_node *n, const tarn_shape *x, const ti_onnx_ints *want,
                             bool allow_zero, tarn_shape *y) {
    int unknown = -1;
    if (want->n > TARN_MAX_RANK) return ti_onnx_lacks("rank %d is not supported", want->n);
    y->rank = want->n;
    for (int i = 0; i < want->n; i++) {
        bool copy = copies(want, i, allow_zero);
        if (copy && i >= x->rank) return ti_error(TARN_EFORMAT, "no size to copy for axis %d", i);
        if (want->v[i] < -1 || (want->v[i] == -1 && unknown >= 0))
            return ti_error(TARN_EFORMAT, "a shape of %lld at axis %d", (long long)want->v[i], i);
        if (want->v[i] == -1) unknown = i;
        y->dim[i] = copy ? x->dim[i] : want->v[i];
    }
    return unknown < 0 ? TARN_OK : rest(n, x, want, allow_zero, &y->dim[unknown]);
}

static tarn_status reshape(ti_onnx_node *n) {
    tarn_node *x;
    ti_onnx_ints want = {0};
    tarn_shape y;
    bool allow_zero = false;
    TI_TRY(ti_onnx_in(n, 0, &x));
    if (n->opset < 5) TI_TRY(ti_onnx_get_ints(n, "shape", &want));
    if (n->opset >= 5) TI_TRY(ti_onnx_known_ints(n, 1, &want));
    TI_TRY(ti_onnx_flag(n, "allowzero", &allow_zero));
    ti_onnx_ignore(n, "consumed_inputs");
    TI_TRY(new_shape(n, tarn_node_shape(x), &want, allow_zero, &y));
    return ti_onnx_out(n, 0, tarn_reshape(n->g, x, y));
}

// Axes before `axis` become rows, the others columns.
static tarn_status flatten(ti_onnx_node *n) {
    tarn_node *x;
    int64_t axis = 1;
    TI_TRY(ti_onnx_in(n, 0, &x));
    const tarn_shape *s = tarn_node_shape(x);
    TI_TRY(ti_onnx_axis(n, "axis", s->rank, true, &axis));
    tarn_shape y = TARN_SHAPE(1, 1);
    for (int i = 0; i < s->rank; i++)
        y.dim[i >= axis] = tarn_dim_mul(n->g, y.dim[i >= axis], s->dim[i]);
    return ti_onnx_out(n, 0, tarn_reshape(n->g, x, y));
}

// Squeeze without axes leaves out each axis of size 1.
static tarn_status squeeze(ti_onnx_node *n) {
    tarn_node *x;
    tarn_axes axes;
    tarn_shape y = {0};
    TI_TRY(ti_onnx_in(n, 0, &x));
    const tarn_shape *s = tarn_node_shape(x);
    TI_TRY(ti_onnx_axes(n, 13, s->rank, &axes));
    for (int i = 0; i < s->rank; i++) {
        if (axes >> i & 1 && s->dim[i] != 1)
            return ti_error(TARN_ESHAPE, "axis %d has not the size 1", i);
        if (axes ? !(axes >> i & 1) : s->dim[i] != 1) y.dim[y.rank++] = s->dim[i];
    }
    return ti_onnx_out(n, 0, tarn_reshape(n->g, x, y));
}

static tarn_status unsqueeze(ti_onnx_node *n) {
    tarn_node *x;
    tarn_axes axes;
    ti_onnx_ints list = {0};
    tarn_shape y = {0};
    TI_TRY(ti_onnx_in(n, 0, &x));
    const tarn_shape *s = tarn_node_shape(x);
    TI_TRY(n->opset < 13 ? ti_onnx_get_ints(n, "axes", &list) : ti_onnx_known_ints(n, 1, &list));
    y.rank = s->rank + list.n;
    if (y.rank > TARN_MAX_RANK) return ti_onnx_lacks("rank %d is not supported", y.rank);
    TI_TRY(ti_onnx_axes(n, 13, y.rank, &axes));
    for (int i = 0, from = 0; i < y.rank; i++) y.dim[i] = axes >> i & 1 ? 1 : s->dim[from++];
    return ti_onnx_out(n, 0, tarn_reshape(n->g, x, y));
}

// To a shape that both broadcast to.
static tarn_status expand(ti_onnx_node *n) {
    tarn_node *x;
    ti_onnx_ints list = {0};
    tarn_shape want = {0}, y;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_known_ints(n, 1, &list));
    if (list.n > TARN_MAX_RANK) return ti_onnx_lacks("rank %d is not supported", list.n);
    for (int i = 0; i < list.n; i++) {
        want.dim[want.rank++] = list.v[i];
        if (list.v[i] < 0) return ti_error(TARN_EFORMAT, "a size of %lld", (long long)list.v[i]);
    }
    TI_TRY(ti_broadcast(n->g, tarn_node_shape(x), &want, &y));
    return ti_onnx_out(n, 0, tarn_broadcast_to(n->g, x, y));
}

// ---- order -------------------------------------------------------------------------------------

static tarn_status transpose(ti_onnx_node *n) {
    tarn_node *x;
    ti_onnx_ints perm = {0};
    int axes[TARN_MAX_RANK];
    TI_TRY(ti_onnx_in(n, 0, &x));
    int rank = tarn_node_shape(x)->rank;
    for (int i = 0; i < rank; i++) perm.v[perm.n++] = rank - 1 - i;
    TI_TRY(ti_onnx_get_ints(n, "perm", &perm));
    if (perm.n != rank) return ti_error(TARN_EFORMAT, "perm has %d axes, not %d", perm.n, rank);
    for (int i = 0; i < rank; i++) {
        if (perm.v[i] < 0 || perm.v[i] >= rank)
            return ti_error(TARN_EFORMAT, "perm names axis %lld of %d", (long long)perm.v[i], rank);
        axes[i] = (int)perm.v[i];
    }
    return ti_onnx_out(n, 0, tarn_transpose(n->g, x, axes));
}

static tarn_status identity(ti_onnx_node *n) {
    ti_onnx_ignore(n, "consumed_inputs");
    return ti_onnx_out_same(n, 0, 0);
}

// ---- made from nothing, or from sizes ----------------------------------------------------------

static tarn_status constant(ti_onnx_node *n) {
    static const char *const lists[] = {"value_float", "value_floats", "value_int", "value_ints"};
    tarn_tensor *t = NULL;
    if (ti_onnx_has_attr(n, "value")) {
        TI_TRY(ti_onnx_get_tensor(n, "value", &t));
        return ti_onnx_out_take(n, 0, t);
    }
    for (int i = 0; i < 4; i++) {
        if (!ti_onnx_has_attr(n, lists[i])) continue;
        TI_TRY(ti_onnx_get_list(n, lists[i], &t));
        return ti_onnx_out_take(n, 0, t);
    }
    return ti_onnx_lacks("a constant of this kind is not supported");
}

// One element, given as a tensor, everywhere; f32 0 when there is none.
static tarn_status constant_of_shape(ti_onnx_node *n) {
    tarn_tensor *one = NULL, *wide = NULL;
    ti_onnx_ints dims = {0};
    tarn_shape s = {0};
    TI_TRY(ti_onnx_known_ints(n, 0, &dims));
    if (dims.n > TARN_MAX_RANK) return ti_onnx_lacks("rank %d is not supported", dims.n);
    s.rank = dims.n;
    memcpy(s.dim, dims.v, (size_t)dims.n * sizeof *s.dim);
    if (tarn_shape_numel(&s) < 0) return ti_error(TARN_EFORMAT, "a shape that cannot be");
    if (!ti_onnx_has_attr(n, "value"))
        return ti_onnx_out(n, 0, tarn_broadcast_to(n->g, tarn_constant(n->g, TARN_F32, 0), s));
    TI_TRY(ti_onnx_get_tensor(n, "value", &one));
    tarn_dtype dtype = tarn_tensor_dtype(one);
    tarn_status st = tarn_tensor_numel(one) == 1 && !ti_dtype_half(dtype)
                         ? tarn_tensor_cast(one, TARN_F64, &wide)
                         : ti_onnx_lacks("a value of this type is not supported");
    tarn_node *c = st ? NULL : tarn_constant(n->g, dtype, *(double *)tarn_tensor_data(wide));
    tarn_tensor_release(one);
    tarn_tensor_release(wide);
    return st ? st : ti_onnx_out(n, 0, tarn_broadcast_to(n->g, c, s));
}

static int64_t clamp(int64_t v, int64_t rank) {
    if (v < 0) v += rank;
    return v < 0 ? 0 : v > rank ? rank : v;
}

// Sizes that are numbers are known at once; those with names only when the graph runs.
static tarn_status known_sizes(const tarn_shape *s, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++)
        if (s->dim[i] < 0) return ti_onnx_lacks("the size of a named dimension is not supported");
    return TARN_OK;
}

static tarn_status shape(ti_onnx_node *n) {
    tarn_node *x;
    tarn_tensor *t;
    int64_t start = 0, end = TARN_MAX_RANK;
    TI_TRY(ti_onnx_in(n, 0, &x));
    const tarn_shape *s = tarn_node_shape(x);
    TI_TRY(ti_onnx_int(n, "start", &start));
    TI_TRY(ti_onnx_int(n, "end", &end));
    start = clamp(start, s->rank);
    end = ti_max_i64(clamp(end, s->rank), start);
    TI_TRY(known_sizes(s, start, end));
    TI_TRY(tarn_tensor_from(TARN_I64, TARN_SHAPE(end - start), s->dim + start, &t));
    return ti_onnx_out_take(n, 0, t);
}

static tarn_status size(ti_onnx_node *n) {
    tarn_node *x;
    tarn_tensor *t;
    TI_TRY(ti_onnx_in(n, 0, &x));
    const tarn_shape *s = tarn_node_shape(x);
    TI_TRY(known_sizes(s, 0, s->rank));
    int64_t count = tarn_shape_numel(s);
    TI_TRY(tarn_tensor_from(TARN_I64, TARN_SCALAR, &count, &t));
    return ti_onnx_out_take(n, 0, t);
}

// The number of columns is found by the run.
static tarn_status nonzero(ti_onnx_node *n) {
    tarn_node *x;
    TI_TRY(ti_onnx_in(n, 0, &x));
    return ti_onnx_out(n, 0, tarn_cast(n->g, tarn_nonzero(n->g, x), TARN_I64));
}

const ti_onnx_op ti_onnx_shape[] = {
    {"", "Constant", 1, 0, 0, 0, constant, {0}},
    {"", "ConstantOfShape", 9, 0, 1, 1, constant_of_shape, {0}},
    {"", "Expand", 8, 0, 2, 2, expand, {0}},
    {"", "Flatten", 1, 0, 1, 1, flatten, {0}},
    {"", "Identity", 1, 0, 1, 1, identity, {0}},
    {"", "NonZero", 9, 0, 1, 1, nonzero, {0}},
    {"", "Reshape", 1, 0, 1, 2, reshape, {0}},
    {"", "Shape", 1, 0, 1, 1, shape, {0}},
    {"", "Size", 1, 0, 1, 1, size, {0}},
    {"", "Squeeze", 1, 0, 1, 2, squeeze, {0}},
    {"", "Transpose", 1, 0, 1, 1, transpose, {0}},
    {"", "Unsqueeze", 1, 0, 1, 2, unsqueeze, {0}},
    {0},
};
