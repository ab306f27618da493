// Rows of element-wise operations. Narrow floats are computed as f32 and rounded once.
#include "format/onnx/onnx.h"
#include "graph/graph.h"

// ---- one operand -------------------------------------------------------------------------------

typedef tarn_status (*type_check)(const tarn_node *x);

static tarn_status one(ti_onnx_node *n, type_check check) {
    tarn_node *x;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(check(x));
    ti_onnx_ignore(n, "consumed_inputs");  // opset 1: an optimisation of the writer
    tarn_node *y = n->op->unary(n->g, ti_onnx_widen(n, x));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(x)));
}

static tarn_status unary(ti_onnx_node *n) { return one(n, ti_onnx_reals); }
static tarn_status unary_numbers(ti_onnx_node *n) { return one(n, ti_onnx_numbers); }

static tarn_node *reciprocal(tarn_graph *g, tarn_node *x) { return tarn_div(g, ti_like(x, 1), x); }

// relu is for floats; max(x, 0) for all
static tarn_node *rectified(tarn_graph *g, tarn_node *x) {
    return x && ti_dtype_float(tarn_node_dtype(x)) ? tarn_relu(g, x)
                                                   : tarn_maximum(g, x, ti_like(x, 0));
}

static tarn_node *magnitude(tarn_graph *g, tarn_node *x) {
    return x && ti_dtype_kind(tarn_node_dtype(x)) == 'u' ? x : tarn_abs(g, x);
}

// Of truth values.
static tarn_status logical_not(ti_onnx_node *n) {
    tarn_node *x;
    TI_TRY(ti_onnx_in(n, 0, &x));
    return ti_onnx_out(n, 0, tarn_equal(n->g, x, ti_like(x, 0)));
}

// alpha x where x < 0
static tarn_status leaky_relu(ti_onnx_node *n) {
    tarn_node *x;
    double alpha = 0.01;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_reals(x));
    TI_TRY(ti_onnx_float(n, "alpha", &alpha));
    tarn_node *wide = ti_onnx_widen(n, x), *low = tarn_mul(n->g, wide, ti_like(wide, alpha));
    tarn_node *y = tarn_where(n->g, tarn_less(n->g, wide, ti_like(wide, 0)), low, wide);
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(x)));
}

// ---- several operands --------------------------------------------------------------------------

// Before opset 7 the second operand is repeated only when `broadcast` says so, and its first axis
// is then axis `axis` of the first (default: the last ones): b [3] at axis 1 of a [2,3,4] -> [3,1].
static tarn_status place(ti_onnx_node *n, const tarn_node *a, tarn_node **b) {
    bool broadcast = false;
    const tarn_shape *x = tarn_node_shape(a);
    tarn_shape s = *tarn_node_shape(*b);
    int64_t axis = x->rank - s.rank;
    TI_TRY(ti_onnx_flag(n, "broadcast", &broadcast));
    ti_onnx_ignore(n, "consumed_inputs");
    if (!broadcast) {
        ti_onnx_ignore(n, "axis");
        if (tarn_shape_equal(x, &s)) return TARN_OK;
        return ti_error(TARN_ESHAPE, "operands have different shapes, without broadcast");
    }
    if (axis < 0) return ti_error(TARN_ESHAPE, "the second operand has the larger rank");
    TI_TRY(ti_onnx_axis(n, "axis", x->rank, true, &axis));
    if (axis > x->rank - s.rank) return ti_error(TARN_ESHAPE, "axis %lld", (long long)axis);
    while (s.rank < x->rank - axis) s.dim[s.rank++] = 1;
    *b = tarn_reshape(n->g, *b, s);
    return TARN_OK;
}

static tarn_status two(ti_onnx_node *n, tarn_node **a, tarn_node **b) {
    TI_TRY(ti_onnx_in(n, 0, a));
    TI_TRY(ti_onnx_in(n, 1, b));
    return n->opset < 7 ? place(n, *a, b) : TARN_OK;
}

static tarn_status binary(ti_onnx_node *n) {
    tarn_node *a, *b;
    TI_TRY(two(n, &a, &b));
    TI_TRY(ti_onnx_numbers(a));
    tarn_node *y = n->op->binary(n->g, ti_onnx_widen(n, a), ti_onnx_widen(n, b));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(a)));
}

// The result is bool.
static tarn_status comparison(ti_onnx_node *n) {
    tarn_node *a, *b;
    TI_TRY(two(n, &a, &b));
    if (tarn_node_dtype(a) != TARN_BOOL) TI_TRY(ti_onnx_numbers(a));
    return ti_onnx_out(n, 0, n->op->binary(n->g, ti_onnx_widen(n, a), ti_onnx_widen(n, b)));
}

static tarn_node *negated(tarn_graph *g, tarn_node *x) { return tarn_equal(g, x, ti_like(x, 0)); }

// a or b = not (not a and not b)
static tarn_node *either(tarn_graph *g, tarn_node *a, tarn_node *b) {
    return negated(g, tarn_logical_and(g, negated(g, a), negated(g, b)));
}

static tarn_node *differ(tarn_graph *g, tarn_node *a, tarn_node *b) {
    return negated(g, tarn_equal(g, a, b));
}

static tarn_node *at_most(tarn_graph *g, tarn_node *a, tarn_node *b) {
    return either(g, tarn_less(g, a, b), tarn_equal(g, a, b));
}

static tarn_node *at_least(tarn_graph *g, tarn_node *a, tarn_node *b) { return at_most(g, b, a); }

// Any number of operands, from the first on.
static tarn_status fold(ti_onnx_node *n, tarn_node **out, tarn_dtype *dtype) {
    tarn_node *y = NULL, *x;
    for (int i = 0; i < n->n_in; i++) {
        TI_TRY(ti_onnx_in(n, i, &x));
        TI_TRY(ti_onnx_numbers(x));
        *dtype = tarn_node_dtype(x);
        x = ti_onnx_widen(n, x);
        y = y ? n->op->binary(n->g, y, x) : x;
    }
    ti_onnx_ignore(n, "consumed_inputs");
    *out = y;
    return TARN_OK;
}

static tarn_status variadic(ti_onnx_node *n) {
    tarn_node *y;
    tarn_dtype dtype;
    TI_TRY(fold(n, &y, &dtype));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, dtype));
}

static tarn_status mean(ti_onnx_node *n) {
    tarn_node *y;
    tarn_dtype dtype;
    TI_TRY(fold(n, &y, &dtype));
    TI_TRY(ti_onnx_reals(y));
    y = tarn_div(n->g, y, ti_like(y, n->n_in));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, dtype));
}

static tarn_status where(ti_onnx_node *n) {
    tarn_node *c, *a, *b;
    TI_TRY(ti_onnx_in(n, 0, &c));
    TI_TRY(ti_onnx_in(n, 1, &a));
    TI_TRY(ti_onnx_in(n, 2, &b));
    if (tarn_node_dtype(a) != TARN_BOOL) TI_TRY(ti_onnx_numbers(a));
    tarn_node *y = tarn_where(n->g, c, ti_onnx_widen(n, a), ti_onnx_widen(n, b));
    return ti_onnx_out(n, 0, ti_onnx_narrow(n, y, tarn_node_dtype(a)));
}

// ---- casts -------------------------------------------------------------------------------------

// f16 and bf16 reach other types through f32; numbers of 8 and 16 bits that nothing computes with
// are not cast either.
static tarn_status converted(ti_onnx_node *n, tarn_node *x, tarn_dtype to) {
    const tarn_dtype dtypes[] = {tarn_node_dtype(x), to};
    for (int i = 0; i < 2; i++)
        if (dtypes[i] == TARN_I8 || dtypes[i] == TARN_I16 || dtypes[i] == TARN_U16 ||
            dtypes[i] == TARN_U64)
            return ti_onnx_lacks("it is not supported for %s", tarn_dtype_name(dtypes[i]));
    if (dtypes[0] == to) return ti_onnx_out_same(n, 0, 0);
    tarn_node *y = ti_onnx_widen(n, x);
    if (ti_dtype_half(to)) y = tarn_cast(n->g, y, TARN_F32);
    return ti_onnx_out(n, 0, tarn_cast(n->g, y, to));
}

static tarn_status cast(ti_onnx_node *n) {
    tarn_node *x;
    int64_t to = 0;
    tarn_dtype dtype;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_int(n, "to", &to));
    TI_TRY(ti_onnx_dtype(to > 0 && to < INT32_MAX ? (int32_t)to : 0, &dtype));
    ti_onnx_ignore(n, "saturate");  // for 8-bit floats only, as round_mode
    ti_onnx_ignore(n, "round_mode");
    return converted(n, x, dtype);
}

static tarn_status cast_like(ti_onnx_node *n) {
    tarn_node *x, *like;
    TI_TRY(ti_onnx_in(n, 0, &x));
    TI_TRY(ti_onnx_in(n, 1, &like));
    ti_onnx_ignore(n, "saturate");
    ti_onnx_ignore(n, "round_mode");
    return converted(n, x, tarn_node_dtype(like));
}

const ti_onnx_op ti_onnx_elementwise[] = {
    {"", "Abs", 1, 0, 1, 1, unary_numbers, {.unary = magnitude}},
    {"", "Add", 1, 0, 2, 2, binary, {.binary = tarn_add}},
    {"", "And", 1, 0, 2, 2, comparison, {.binary = tarn_logical_and}},
    {"", "Cast", 6, 0, 1, 1, cast, {0}},
    {"", "CastLike", 15, 0, 2, 2, cast_like, {0}},
    {"", "Div", 1, 0, 2, 2, binary, {.binary = tarn_div}},
    {"", "Equal", 1, 0, 2, 2, comparison, {.binary = tarn_equal}},
    {"", "Exp", 1, 0, 1, 1, unary, {.unary = tarn_exp}},
    {"", "Greater", 1, 0, 2, 2, comparison, {.binary = tarn_greater}},
    {"", "GreaterOrEqual", 12, 0, 2, 2, comparison, {.binary = at_least}},
    {"", "LeakyRelu", 6, 0, 1, 1, leaky_relu, {0}},
    {"", "Less", 1, 0, 2, 2, comparison, {.binary = tarn_less}},
    {"", "LessOrEqual", 12, 0, 2, 2, comparison, {.binary = at_most}},
    {"", "Log", 1, 0, 1, 1, unary, {.unary = tarn_log}},
    {"", "Max", 1, 0, 1, -1, variadic, {.binary = tarn_maximum}},
    {"", "Mean", 1, 0, 1, -1, mean, {.binary = tarn_add}},
    {"", "Min", 1, 0, 1, -1, variadic, {.binary = tarn_minimum}},
    {"", "Mul", 1, 0, 2, 2, binary, {.binary = tarn_mul}},
    {"", "Neg", 1, 0, 1, 1, unary_numbers, {.unary = tarn_neg}},
    {"", "Not", 1, 0, 1, 1, logical_not, {0}},
    {"", "Or", 1, 0, 2, 2, comparison, {.binary = either}},
    {"", "Reciprocal", 1, 0, 1, 1, unary, {.unary = reciprocal}},
    {"", "Relu", 1, 0, 1, 1, unary_numbers, {.unary = rectified}},
    {"", "Sigmoid", 1, 0, 1, 1, unary, {.unary = tarn_sigmoid}},
    {"", "Sqrt", 1, 0, 1, 1, unary, {.unary = tarn_sqrt}},
    {"", "Sub", 1, 0, 2, 2, binary, {.binary = tarn_sub}},
    {"", "Sum", 1, 0, 1, -1, variadic, {.binary = tarn_add}},
    {"", "Tanh", 1, 0, 1, 1, unary, {.unary = tarn_tanh}},
    {"", "Where", 9, 0, 3, 3, where, {0}},
    {"", "Xor", 1, 0, 2, 2, comparison, {.binary = differ}},
    {0},
};
