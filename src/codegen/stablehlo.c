// The StableHLO printer: one row a primitive. Element-wise ops broadcast by themselves here and not
// there, so operands are broadcast first; random bits are Philox in whole-number arithmetic.
#include "codegen/stablehlo.h"

#include <inttypes.h>
#include <math.h>

#include "ops/ops.h"

typedef struct printer {
    const tarn_graph *g;
    const int64_t *dims;  // of the named dimensions, NULL: their maxima
    ti_buf *out;
    int temps;  // values so far that are no node's
} printer;

static const char *const types[TARN_DTYPE_COUNT] = {
    [TARN_F32] = "f32", [TARN_F64] = "f64",  [TARN_F16] = "f16",  [TARN_BF16] = "bf16",
    [TARN_I8] = "i8",   [TARN_I16] = "i16",  [TARN_I32] = "i32",  [TARN_I64] = "i64",
    [TARN_U8] = "ui8",  [TARN_U16] = "ui16", [TARN_U32] = "ui32", [TARN_U64] = "ui64",
    [TARN_BOOL] = "i1"};

// ---- words --------------------------------------------------------------------------------------

static int64_t extent(const printer *p, int64_t dim) {
    return p->dims ? ti_dim_value(dim, p->dims) : ti_dim_max(p->g, dim);
}

static void print_type(const printer *p, const tarn_shape *s, tarn_dtype t) {
    ti_buf_puts(p->out, "tensor<");
    for (int i = 0; i < s->rank; i++) ti_buf_printf(p->out, "%" PRId64 "x", extent(p, s->dim[i]));
    ti_buf_printf(p->out, "%s>", types[t]);
}

static void node_type(const printer *p, const tarn_node *n) { print_type(p, &n->shape, n->dtype); }

static void print_list(const printer *p, const char *name, const int *x, int n) {
    ti_buf_printf(p->out, ", %s = [", name);
    for (int i = 0; i < n; i++) ti_buf_printf(p->out, "%s%d", i ? ", " : "", x[i]);
    ti_buf_puts(p->out, "]");
}

static void print_number(const printer *p, double v, tarn_dtype t) {
    if (t == TARN_BOOL) {
        ti_buf_puts(p->out, v != 0 ? "true" : "false");
    } else if (!ti_dtype_float(t)) {
        ti_buf_printf(p->out, "%.0f", trunc(v));
    } else if (isfinite(v)) {
        ti_buf_printf(p->out, t == TARN_F32 ? "%.9e" : "%.17e", v);
    } else if (t == TARN_F32) {  // the bits themselves
        ti_buf_puts(p->out, isnan(v) ? "0x7FC00000" : v < 0 ? "0xFF800000" : "0x7F800000");
    } else {
        ti_buf_puts(p->out, isnan(v) ? "0x7FF8000000000000"
                            : v < 0  ? "0xFFF0000000000000"
                                     : "0x7FF0000000000000");
    }
}

// A value of its own: a constant of that type. Gives its number, to be written %tN.
static int constant(printer *p, double v, const tarn_shape *s, tarn_dtype t) {
    ti_buf_printf(p->out, "    %%t%d = stablehlo.constant dense<", p->temps);
    print_number(p, v, t);
    ti_buf_puts(p->out, "> : ");
    print_type(p, s, t);
    ti_buf_puts(p->out, "\n");
    return p->temps++;
}

// Operand o spread to a shape: %tN, or the node itself when it has it.
static void spread(printer *p, const tarn_node *o, const tarn_shape *to, char name[24]) {
    int dims[TARN_MAX_RANK], r = o->shape.rank;
    snprintf(name, 24, "%%%d", o->id);
    if (tarn_shape_equal(&o->shape, to)) return;
    for (int i = 0; i < r; i++) dims[i] = to->rank - r + i;
    ti_buf_printf(p->out, "    %%t%d = stablehlo.broadcast_in_dim %s", p->temps, name);
    print_list(p, "dims", dims, r);
    ti_buf_puts(p->out, " : (");
    node_type(p, o);
    ti_buf_puts(p->out, ") -> ");
    print_type(p, to, o->dtype);
    ti_buf_puts(p->out, "\n");
    snprintf(name, 24, "%%t%d", p->temps++);
}

static void begin(const printer *p, const tarn_node *n, const char *op) {
    ti_buf_printf(p->out, "    %%%d = stablehlo.%s ", n->id, op);
}

// " : (operand types) -> result type"
static void signature(const printer *p, const tarn_node *n) {
    ti_buf_puts(p->out, " : (");
    for (int i = 0; i < n->n_in; i++) {
        if (i) ti_buf_puts(p->out, ", ");
        node_type(p, n->in[i]);
    }
    ti_buf_puts(p->out, ") -> ");
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

// ---- element-wise -------------------------------------------------------------------------------

static const char *const codes[TI_CODE_COUNT] = {
    [TI_ADD] = "add",     [TI_SUB] = "subtract", [TI_MUL] = "multiply",    [TI_DIV] = "divide",
    [TI_MAX] = "maximum", [TI_MIN] = "minimum",  [TI_AND] = "and",         [TI_NEG] = "negate",
    [TI_ABS] = "abs",     [TI_LOG] = "log",      [TI_EXP] = "exponential", [TI_SQRT] = "sqrt",
    [TI_TANH] = "tanh",   [TI_WHERE] = "select", [TI_EQ] = "compare EQ,",  [TI_LT] = "compare LT,",
    [TI_CAST] = "convert"};

static void elements(printer *p, const tarn_node *n) {
    char in[3][24];
    for (int i = 0; i < n->n_in; i++) spread(p, n->in[i], &n->shape, in[i]);
    begin(p, n, codes[n->op->code]);
    for (int i = 0; i < n->n_in; i++) ti_buf_printf(p->out, "%s%s", i ? ", " : "", in[i]);
    bool same = n->op->code != TI_EQ && n->op->code != TI_LT && n->op->code != TI_CAST &&
                n->op->code != TI_WHERE;
    ti_buf_puts(p->out, same ? " : " : " : (");
    for (int i = 0; i < n->n_in && !same; i++) {
        if (i) ti_buf_puts(p->out, ", ");
        print_type(p, &n->shape, n->in[i]->dtype);
    }
    if (!same) ti_buf_puts(p->out, ") -> ");
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

// ---- reductions, contraction, views -------------------------------------------------------------

// Reduces value `from` of x's shape and dtype t along the node's axes, into the node's value.
static void reduce(printer *p, const tarn_node *n, const char *from, tarn_dtype t, const char *op,
                   double first) {
    const tarn_node *x = n->in[0];
    int axes[TARN_MAX_RANK], count = 0, zero = constant(p, first, &(tarn_shape){0}, t);
    tarn_shape left = {0};
    for (int i = 0; i < x->shape.rank; i++) {
        bool gone = n->op == &ti_op_argmax ? i == x->shape.rank - 1 : n->at.axes & TARN_AXIS(i);
        if (gone) {
            axes[count++] = i;
        } else {
            left.dim[left.rank++] = x->shape.dim[i];
        }
    }
    bool again = !tarn_shape_equal(&left, &n->shape);  // axes kept with size 1
    int made = p->temps;
    ti_buf_printf(p->out, again ? "    %%t%d" : "    %%%d", again ? p->temps++ : n->id);
    ti_buf_printf(p->out,
                  " = stablehlo.reduce(%s init: %%t%d) applies stablehlo.%s across dimensions",
                  from, zero, op);
    ti_buf_puts(p->out, " = [");
    for (int i = 0; i < count; i++) ti_buf_printf(p->out, "%s%d", i ? ", " : "", axes[i]);
    ti_buf_puts(p->out, "] : (");
    print_type(p, &x->shape, t);
    ti_buf_printf(p->out, ", tensor<%s>) -> ", types[t]);
    print_type(p, &left, t);
    ti_buf_puts(p->out, "\n");
    if (!again) return;
    begin(p, n, "reshape");
    ti_buf_printf(p->out, "%%t%d : (", made);
    print_type(p, &left, t);
    ti_buf_puts(p->out, ") -> ");
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

static double least(tarn_dtype t) {
    if (ti_dtype_float(t)) return -INFINITY;
    return ti_dtype_kind(t) == 'u' ? 0 : -exp2(8 * (double)tarn_dtype_size(t) - 1);
}

static int temp(printer *p, const char *text) {
    ti_buf_printf(p->out, "    %%t%d = stablehlo.%s", p->temps, text);
    return p->temps++;
}

// The first index whose element is the largest or NaN.
static void argmax(printer *p, const tarn_node *n) {
    const tarn_node *x = n->in[0];
    tarn_shape s = x->shape, left = s;
    int dims[TARN_MAX_RANK], zero = constant(p, least(x->dtype), &(tarn_shape){0}, x->dtype);
    char from[24];
    left.rank--;
    for (int i = 0; i < left.rank; i++) dims[i] = i;
    int most = p->temps++;
    ti_buf_printf(p->out,
                  "    %%t%d = stablehlo.reduce(%%%d init: %%t%d) applies stablehlo.maximum "
                  "across dimensions = [%d] : (",
                  most, x->id, zero, left.rank);
    node_type(p, x);
    ti_buf_printf(p->out, ", tensor<%s>) -> ", types[x->dtype]);
    print_type(p, &left, x->dtype);
    ti_buf_puts(p->out, "\n");
    int wide = temp(p, "broadcast_in_dim ");
    ti_buf_printf(p->out, "%%t%d", most);
    print_list(p, "dims", dims, left.rank);
    ti_buf_puts(p->out, " : (");
    print_type(p, &left, x->dtype);
    ti_buf_puts(p->out, ") -> ");
    node_type(p, x);
    ti_buf_puts(p->out, "\n");
    int found[2];
    for (int i = 0; i < 2; i++) {  // equal to the largest; unequal to itself
        found[i] = temp(p, i ? "compare NE, " : "compare EQ, ");
        ti_buf_printf(p->out, i ? "%%%d, %%%d : (" : "%%%d, %%t%d : (", x->id, i ? x->id : wide);
        node_type(p, x);
        ti_buf_puts(p->out, ", ");
        node_type(p, x);
        ti_buf_puts(p->out, ") -> ");
        print_type(p, &s, TARN_BOOL);
        ti_buf_puts(p->out, "\n");
    }
    int either = temp(p, "or ");
    ti_buf_printf(p->out, "%%t%d, %%t%d : ", found[0], found[1]);
    print_type(p, &s, TARN_BOOL);
    ti_buf_puts(p->out, "\n");
    int index = temp(p, "iota ");
    ti_buf_printf(p->out, "dim = %d : ", left.rank);
    print_type(p, &s, TARN_I32);
    ti_buf_puts(p->out, "\n");
    int none = constant(p, INT32_MAX, &s, TARN_I32), first = temp(p, "select ");
    ti_buf_printf(p->out, "%%t%d, %%t%d, %%t%d : (", either, index, none);
    print_type(p, &s, TARN_BOOL);
    for (int i = 0; i < 2; i++) {
        ti_buf_puts(p->out, ", ");
        print_type(p, &s, TARN_I32);
    }
    ti_buf_puts(p->out, ") -> ");
    print_type(p, &s, TARN_I32);
    ti_buf_puts(p->out, "\n");
    snprintf(from, sizeof from, "%%t%d", first);
    reduce(p, n, from, TARN_I32, "minimum", INT32_MAX);
}

static void reduction(printer *p, const tarn_node *n) {
    char from[24];
    tarn_dtype t = n->in[0]->dtype;
    snprintf(from, sizeof from, "%%%d", n->in[0]->id);
    if (n->op->code == TI_ARGMAX) {
        argmax(p, n);
    } else if (n->op->code == TI_SUM) {
        reduce(p, n, from, t, "add", 0);
    } else {
        reduce(p, n, from, t, "maximum", least(t));
    }
}

static void contraction(printer *p, const tarn_node *n) {
    int lead = n->shape.rank - 2;
    char axes[TARN_MAX_RANK * 4] = "";
    for (int i = 0, at = 0; i < lead; i++)
        at += snprintf(axes + at, sizeof axes - (size_t)at, i ? ", %d" : "%d", i);
    begin(p, n, "dot_general");
    ti_buf_printf(p->out, "%%%d, %%%d, ", n->in[0]->id, n->in[1]->id);
    if (lead) ti_buf_printf(p->out, "batching_dims = [%s] x [%s], ", axes, axes);
    ti_buf_printf(p->out, "contracting_dims = [%d] x [%d], precision = [HIGHEST, HIGHEST]",
                  lead + !n->at.trans_a, lead + n->at.trans_b);
    signature(p, n);
}

static void view(const printer *p, const tarn_node *n) {
    int dims[TARN_MAX_RANK], r = n->in[0]->shape.rank;
    const char *op = n->op == &ti_op_transpose      ? "transpose"
                     : n->op == &ti_op_broadcast_to ? "broadcast_in_dim"
                     : n->op == &ti_op_barrier      ? "optimization_barrier"
                                                    : "reshape";
    begin(p, n, op);
    ti_buf_printf(p->out, "%%%d", n->in[0]->id);
    for (int i = 0; i < r; i++)
        dims[i] = n->op == &ti_op_transpose ? (int)n->at.perm[i] : n->shape.rank - r + i;
    if (n->op == &ti_op_transpose || n->op == &ti_op_broadcast_to) print_list(p, "dims", dims, r);
    if (n->op == &ti_op_barrier) {
        ti_buf_puts(p->out, " : ");
        node_type(p, n);
        ti_buf_puts(p->out, "\n");
    } else {
        signature(p, n);
    }
}

// The image as the window sees it: zeros between its pixels and around them, none that the last
// window does not reach.
static int padded(printer *p, const tarn_node *x, const ti_window *w, const tarn_shape *to) {
    int zero = constant(p, 0, &(tarn_shape){0}, x->dtype), made = p->temps++;
    int64_t bottom = to->dim[1] - w->top - (extent(p, x->shape.dim[1]) - 1) * w->zh - 1;
    int64_t right = to->dim[2] - w->left - (extent(p, x->shape.dim[2]) - 1) * w->zw - 1;
    ti_buf_printf(p->out,
                  "    %%t%d = stablehlo.pad %%%d, %%t%d, low = [0, %d, %d, 0], high = [0, %" PRId64
                  ", %" PRId64 ", 0], interior = [0, %d, %d, 0] : (",
                  made, x->id, zero, w->top, w->left, bottom, right, w->zh - 1, w->zw - 1);
    node_type(p, x);
    ti_buf_printf(p->out, ", tensor<%s>) -> ", types[x->dtype]);
    print_type(p, to, x->dtype);
    ti_buf_puts(p->out, "\n");
    return made;
}

// Each pixel of the window is a strided slice of the image; side by side they are its columns.
static void window(printer *p, const tarn_node *n) {
    const tarn_node *x = n->in[0];
    const ti_window *w = &n->at.window;
    int64_t c = x->shape.dim[3], down = (extent(p, w->oh) - 1) * w->sh + 1;
    int64_t along = (extent(p, w->ow) - 1) * w->sw + 1;
    tarn_shape image = {4, {x->shape.dim[0], down + w->kh - 1, along + w->kw - 1, c}};
    tarn_shape part = {4, {x->shape.dim[0], w->oh, w->ow, c}}, all = part;
    int from = padded(p, x, w, &image), first = p->temps, count = w->kh * w->kw;
    all.dim[3] = count * c;
    for (int i = 0; i < count && !ti_buf_status(p->out); i++) {
        int q = w->flip ? count - 1 - i : i, top = q / w->kw, left = q % w->kw;
        ti_buf_printf(p->out,
                      "    %%t%d = stablehlo.slice %%t%d [0:%" PRId64 ", %d:%" PRId64
                      ":%d, %d:%" PRId64 ":%d, 0:%" PRId64 "] : (",
                      p->temps++, from, extent(p, image.dim[0]), top, top + down, w->sh, left,
                      left + along, w->sw, c);
        print_type(p, &image, n->dtype);
        ti_buf_puts(p->out, ") -> ");
        print_type(p, &part, n->dtype);
        ti_buf_puts(p->out, "\n");
    }
    int whole = p->temps++;
    ti_buf_printf(p->out, "    %%t%d = stablehlo.concatenate ", whole);
    for (int i = 0; i < count && !ti_buf_status(p->out); i++)
        ti_buf_printf(p->out, "%s%%t%d", i ? ", " : "", first + i);
    ti_buf_puts(p->out, ", dim = 3 : (");
    for (int i = 0; i < count && !ti_buf_status(p->out); i++) {
        if (i) ti_buf_puts(p->out, ", ");
        print_type(p, &part, n->dtype);
    }
    ti_buf_puts(p->out, ") -> ");
    print_type(p, &all, n->dtype);
    ti_buf_puts(p->out, "\n");
    begin(p, n, "reshape");
    ti_buf_printf(p->out, "%%t%d : (", whole);
    print_type(p, &all, n->dtype);
    ti_buf_puts(p->out, ") -> ");
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

// [from:to:step, ..], to the element after the last.
static void slice(const printer *p, const tarn_node *n) {
    begin(p, n, "slice");
    ti_buf_printf(p->out, "%%%d [", n->in[0]->id);
    for (int i = 0; i < n->shape.rank; i++) {
        int64_t from = n->at.start[i], step = n->at.step[i];
        int64_t to = from + (extent(p, n->shape.dim[i]) - 1) * step + 1;
        ti_buf_printf(p->out, "%s%" PRId64 ":%" PRId64 ":%" PRId64, i ? ", " : "", from, to, step);
    }
    ti_buf_puts(p->out, "]");
    signature(p, n);
}

static void pad(printer *p, const tarn_node *n) {
    static const char *const names[] = {"low", "high", "interior"};
    int fill = constant(p, n->at.value, &(tarn_shape){0}, n->dtype);
    begin(p, n, "pad");
    ti_buf_printf(p->out, "%%%d, %%t%d", n->in[0]->id, fill);
    for (int q = 0; q < 3; q++) {
        ti_buf_printf(p->out, ", %s = [", names[q]);
        for (int i = 0; i < n->shape.rank; i++) {
            int64_t low = n->at.start[i], step = n->at.step[i];
            int64_t last = low + (extent(p, n->in[0]->shape.dim[i]) - 1) * step;
            int64_t high = extent(p, n->shape.dim[i]) - 1 - last;
            ti_buf_printf(p->out, "%s%" PRId64, i ? ", " : "",
                          q == 0   ? low
                          : q == 1 ? high
                                   : step - 1);
        }
        ti_buf_puts(p->out, "]");
    }
    ti_buf_puts(p->out, " : (");
    node_type(p, n->in[0]);
    ti_buf_printf(p->out, ", tensor<%s>) -> ", types[n->dtype]);
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

// ---- from the index -----------------------------------------------------------------------------

// %tN = op %a, %b over n u64; the second may be a constant.
static int words(printer *p, const char *op, int a, int b, int64_t n) {
    ti_buf_printf(p->out, "    %%t%d = stablehlo.%s %%t%d, %%t%d : tensor<%" PRId64 "xui64>\n",
                  p->temps, op, a, b, n);
    return p->temps++;
}
static int word(printer *p, uint64_t v, int64_t n) {
    ti_buf_printf(p->out,
                  "    %%t%d = stablehlo.constant dense<%" PRIu64 "> : tensor<%" PRId64 "xui64>\n",
                  p->temps, v, n);
    return p->temps++;
}

// One round of Philox 4x32 (Salmon et al. 2011, section 3.3): every word in the low half of a u64.
static void round_of_philox(printer *p, int c[4], uint64_t k0, uint64_t k1, int64_t n) {
    int low = word(p, 0xffffffffu, n), half = word(p, 32, n);
    int a = words(p, "multiply", c[0], word(p, 0xD2511F53u, n), n);
    int b = words(p, "multiply", c[2], word(p, 0xCD9E8D57u, n), n);
    int high_a = words(p, "shift_right_logical", a, half, n);
    int high_b = words(p, "shift_right_logical", b, half, n);
    int first = words(p, "xor", words(p, "xor", high_b, c[1], n), word(p, k0, n), n);
    int third = words(p, "xor", words(p, "xor", high_a, c[3], n), word(p, k1, n), n);
    c[1] = words(p, "and", b, low, n);
    c[3] = words(p, "and", a, low, n);
    c[0] = first;
    c[2] = third;
}

// Word (i / 16) % 4 of the block with counter ((i / 64) * 16 + i % 16, step), as
// src/ops/generate/index.c.
static void random_bits(printer *p, const tarn_node *n) {
    int64_t count = 1;
    for (int i = 0; i < n->shape.rank; i++) count *= extent(p, n->shape.dim[i]);
    uint64_t key = p->g->store->seed ^ n->at.stream, k0 = key & 0xffffffffu, k1 = key >> 32;
    int i = p->temps++, step = p->temps++, wide = p->temps++;
    ti_buf_printf(p->out, "    %%t%d = stablehlo.iota dim = 0 : tensor<%" PRId64 "xui64>\n", i,
                  count);
    ti_buf_printf(p->out, "    %%t%d = stablehlo.convert %%%d : (tensor<i64>) -> tensor<ui64>\n",
                  step, n->in[0]->id);
    ti_buf_printf(p->out,
                  "    %%t%d = stablehlo.broadcast_in_dim %%t%d, dims = [] : (tensor<ui64>) -> "
                  "tensor<%" PRId64 "xui64>\n",
                  wide, step, count);
    int sixteen = word(p, 16, count), low = word(p, 0xffffffffu, count), half = word(p, 32, count);
    int lane = words(p, "remainder", i, sixteen, count);
    int block = words(p, "divide", i, word(p, 64, count), count);
    block = words(p, "add", words(p, "multiply", block, sixteen, count), lane, count);
    int which = words(p, "remainder", words(p, "divide", i, sixteen, count), word(p, 4, count),
                      count);
    int c[4] = {
        words(p, "and", block, low, count), words(p, "shift_right_logical", block, half, count),
        words(p, "and", wide, low, count), words(p, "shift_right_logical", wide, half, count)};
    for (int r = 0; r < 10; r++) {
        round_of_philox(p, c, k0, k1, count);
        k0 = (k0 + 0x9E3779B9u) & 0xffffffffu;
        k1 = (k1 + 0xBB67AE85u) & 0xffffffffu;
    }
    int y = c[3];
    for (int w = 2; w >= 0; w--) {
        int at = word(p, (uint64_t)w, count), is = p->temps++;
        ti_buf_printf(p->out,
                      "    %%t%d = stablehlo.compare EQ, %%t%d, %%t%d : (tensor<%" PRId64
                      "xui64>, tensor<%" PRId64 "xui64>) -> tensor<%" PRId64 "xi1>\n",
                      is, which, at, count, count, count);
        ti_buf_printf(p->out,
                      "    %%t%d = stablehlo.select %%t%d, %%t%d, %%t%d : tensor<%" PRId64
                      "xi1>, tensor<%" PRId64 "xui64>\n",
                      p->temps, is, c[w], y, count, count);
        y = p->temps++;
    }
    int bits = p->temps++;
    ti_buf_printf(p->out,
                  "    %%t%d = stablehlo.convert %%t%d : (tensor<%" PRId64
                  "xui64>) -> tensor<%" PRId64 "xui32>\n",
                  bits, y, count, count);
    begin(p, n, "reshape");
    ti_buf_printf(p->out, "%%t%d : (tensor<%" PRId64 "xui32>) -> ", bits, count);
    node_type(p, n);
    ti_buf_puts(p->out, "\n");
}

static void index_op(printer *p, const tarn_node *n) {
    if (n->op == &ti_op_random_bits) {
        random_bits(p, n);
    } else if (n->op == &ti_op_iota) {
        begin(p, n, "iota");
        ti_buf_printf(p->out, "dim = %d : ", (int)n->at.axis);
        node_type(p, n);
        ti_buf_puts(p->out, "\n");
    } else {
        begin(p, n, "constant");
        ti_buf_puts(p->out, "dense<");
        print_number(p, (double)extent(p, n->at.dim), n->dtype);
        ti_buf_puts(p->out, "> : ");
        node_type(p, n);
        ti_buf_puts(p->out, "\n");
    }
}

// ---- the module ---------------------------------------------------------------------------------

static tarn_status body(printer *p, const tarn_node *n) {
    switch (n->op->kind) {
    case TI_LEAF:
        if (n->op != &ti_op_constant) return TARN_OK;
        begin(p, n, "constant");
        ti_buf_puts(p->out, "dense<");
        print_number(p, n->at.value, n->dtype);
        ti_buf_puts(p->out, "> : ");
        node_type(p, n);
        ti_buf_puts(p->out, "\n");
        return TARN_OK;
    case TI_ELEMENTWISE: elements(p, n); return TARN_OK;
    case TI_INDEX: index_op(p, n); return TARN_OK;
    case TI_REDUCE: reduction(p, n); return TARN_OK;
    case TI_DOT: contraction(p, n); return TARN_OK;
    case TI_VIEW:
        if (n->op == &ti_op_window) {
            window(p, n);
        } else {
            (n->op == &ti_op_slice ? slice : view)(p, n);
        }
        return TARN_OK;
    case TI_PUT: pad(p, n); return TARN_OK;
    case TI_EFFECT:
        if (n->op != &ti_op_check_finite) return TARN_OK;
        begin(p, n, "reshape");  // the check is the host's, of a value it fetches
        ti_buf_printf(p->out, "%%%d", n->in[0]->id);
        signature(p, n);
        return TARN_OK;
    default: break;
    }
    return ti_error(TARN_EUNSUPPORTED, "%s has no StableHLO",
                    n->op == &ti_op_custom ? n->at.name : n->op->name);
}

static bool is_root(const ti_work *w, const tarn_node *n) {
    for (int i = 0; i < w->n_roots; i++)
        if (w->roots[i] == n) return true;
    return false;
}

static const char *name_of(const tarn_node *n) {
    return n->op == &ti_op_variable ? n->at.var->name : n->at.name;
}

const tarn_node *ti_stablehlo_argument(const ti_work *w, int i) {
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < w->g->n_nodes; j++) {
            const tarn_node *n = w->g->nodes[j];
            if (n->op == (pass ? &ti_op_input : &ti_op_variable) && i-- == 0) return n;
        }
    return NULL;
}

static bool fetched(const tarn_node *n) { return n->op != &ti_op_assign && n->op != &ti_op_group; }

bool ti_stablehlo_result(const ti_work *w, int i, ti_stablehlo_use *use) {
    for (int r = 0; r < w->n_roots; r++) {
        *use = (ti_stablehlo_use){.value = w->roots[r], .root = r};
        if (fetched(use->value) && i-- == 0) return true;
    }
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < w->g->n_nodes; j++) {
            const tarn_node *n = w->g->nodes[j];
            if (n->op != (pass ? &ti_op_assign : &ti_op_check_finite)) continue;
            if ((!pass && is_root(w, n)) || i--) continue;
            *use = (ti_stablehlo_use){.value = pass ? n->in[1] : n, .root = -1};
            use->variable = pass ? n->in[0] : NULL;
            return true;
        }
    return false;
}

// In quotes, on one line whatever the name holds.
static void print_name(const printer *p, const char *name) {
    ti_buf_puts(p->out, "\"");
    for (; *name; name++) ti_buf_printf(p->out, "%c", *name < ' ' || *name == '"' ? '?' : *name);
    ti_buf_puts(p->out, "\"\n");
}

static void names(const printer *p, const ti_work *w) {
    const tarn_node *n;
    ti_stablehlo_use use;
    for (int i = 0; (n = ti_stablehlo_argument(w, i)); i++) {
        ti_buf_printf(p->out, "  // argument %d %s ", i,
                      n->op == &ti_op_input ? "input" : "variable");
        print_name(p, name_of(n));
    }
    for (int i = 0; ti_stablehlo_result(w, i, &use); i++) {
        ti_buf_printf(p->out, "  // result %d ", i);
        if (use.root >= 0) {
            ti_buf_printf(p->out, "fetch %d\n", i);
        } else {
            ti_buf_puts(p->out, use.variable ? "variable " : "check ");
            print_name(p, name_of(use.variable ? use.variable : use.value));
        }
    }
}

static void result_types(const printer *p, const ti_work *w) {
    ti_stablehlo_use use;
    for (int i = 0; ti_stablehlo_result(w, i, &use); i++) {
        if (i) ti_buf_puts(p->out, ", ");
        node_type(p, use.value);
    }
}

static void head(const printer *p, const ti_work *w) {
    const tarn_node *n;
    names(p, w);
    ti_buf_puts(p->out, "  func.func public @main(");
    for (int i = 0; (n = ti_stablehlo_argument(w, i)); i++) {
        ti_buf_printf(p->out, "%s%%%d: ", i ? ", " : "", n->id);
        node_type(p, n);
    }
    ti_buf_puts(p->out, ") -> (");
    result_types(p, w);
    ti_buf_puts(p->out, ") {\n");
}

static void tail(const printer *p, const ti_work *w) {
    ti_stablehlo_use use;
    ti_buf_puts(p->out, "    return ");
    for (int i = 0; ti_stablehlo_result(w, i, &use); i++)
        ti_buf_printf(p->out, "%s%%%d", i ? ", " : "", use.value->id);
    ti_buf_puts(p->out, " : ");
    result_types(p, w);
    ti_buf_puts(p->out, "\n  }\n}\n");
}

tarn_status ti_print_stablehlo(const ti_work *w, const int64_t *dims, ti_buf *out) {
    printer p = {.g = w->g, .dims = dims, .out = out};
    ti_buf_puts(out, "module @tarn {\n");
    head(&p, w);
    for (int i = 0; i < w->g->n_nodes; i++) TI_TRY(body(&p, w->g->nodes[i]));
    tail(&p, w);
    return ti_buf_status(out);
}
