// The reference device: node by node over the graph of primitives, every element a double that is
// rounded to the node's dtype. Functions are the C library's, sums are in f64, random bits are the
// scalar generator's: it shares no arithmetic with the CPU backend that it judges. Integers beyond
// 2^53 lose their low bits here. Not fast.
#include "backend/ref/ref.h"

#include <math.h>
#include <string.h>

#include "backend/ref/program.h"

static double rounded(double x, tarn_dtype t) {
    switch (t) {
    case TARN_F32: return (double)(float)x;
    case TARN_F64: return x;
    case TARN_F16:
    case TARN_BF16: return ti_half_value(ti_half_bits(x, t == TARN_BF16), t == TARN_BF16);
    case TARN_BOOL: return x != 0;
    default: break;
    }
    double bits = 8 * (double)tarn_dtype_size(t), span = exp2(bits);
    if (isnan(x)) return 0;
    x = trunc(x);
    if (ti_dtype_kind(t) == 'u') return x - span * floor(x / span);
    return x - span * floor((x + span / 2) / span);
}

static int64_t dim(const ref_program *p, const tarn_node *n, int i) {
    return ti_dim_value(n->shape.dim[i], p->dims);
}

int64_t ti_ref_numel(const ref_program *p, const tarn_node *n) {
    int64_t c = 1;
    for (int i = 0; i < n->shape.rank; i++) c *= dim(p, n, i);
    return c;
}
static int64_t numel(const ref_program *p, const tarn_node *n) { return ti_ref_numel(p, n); }

// Index of n's element `flat` along each axis.
static void unravel(const ref_program *p, const tarn_node *n, int64_t flat, int64_t *at) {
    for (int i = n->shape.rank - 1; i >= 0; i--) {
        at[i] = flat % dim(p, n, i);
        flat /= dim(p, n, i);
    }
}

// Element of x at an index that x broadcasts to.
static double element(const ref_program *p, const tarn_node *x, const int64_t *at, int rank) {
    int64_t flat = 0;
    for (int i = 0; i < x->shape.rank; i++) {
        int64_t d = dim(p, x, i), j = at[rank - x->shape.rank + i];
        flat = flat * d + (d == 1 ? 0 : j);
    }
    return p->value[x->id][flat];
}

// ---- elements -----------------------------------------------------------------------------------

static double pick(double a, double b, bool first) { return first || isnan(a) ? a : b; }

// Floats saturate on the way to integers; the largest 64-bit ones are no doubles, and stand one
// above themselves until they are written.
static double converted(double x, tarn_dtype from, tarn_dtype to) {
    if (!ti_dtype_float(from) || ti_dtype_float(to) || to == TARN_BOOL) return rounded(x, to);
    double span = exp2(8 * (double)tarn_dtype_size(to));
    bool u = ti_dtype_kind(to) == 'u';
    double low = u ? 0 : -span / 2, high = (u ? span : span / 2) - 1;
    return isnan(x) ? 0 : x < low ? low : x > high ? high : trunc(x);
}

// Wraps; a double would lose the low bits.
static double product(double a, double b, tarn_dtype t) {
    uint64_t y = (uint64_t)(int64_t)a * (uint64_t)(int64_t)b;
    if (t == TARN_I32) return (int32_t)(uint32_t)y;
    return t == TARN_U32 ? (double)(uint32_t)y : (double)(int64_t)y;
}

static double apply(const tarn_node *n, double a, double b, double c) {
    bool integer = !ti_dtype_float(n->in[0]->dtype);
    switch (n->op->code) {
    case TI_ADD: return a + b;
    case TI_SUB: return a - b;
    case TI_MUL: return integer ? product(a, b, n->dtype) : a * b;
    case TI_DIV: return integer ? (b == 0 ? 0 : trunc(a / b)) : a / b;
    case TI_MAX: return pick(a, b, a > b);
    case TI_MIN: return pick(a, b, a < b);
    case TI_EQ: return a == b;
    case TI_LT: return a < b;
    case TI_AND: return a != 0 && b != 0;
    case TI_NEG: return -a;
    case TI_ABS: return fabs(a);
    case TI_EXP: return exp(a);
    case TI_LOG: return log(a);
    case TI_SQRT: return sqrt(a);
    case TI_TANH: return tanh(a);
    case TI_CAST: return converted(a, n->in[0]->dtype, n->dtype);
    default: return a != 0 ? b : c;
    }
}

static void do_elements(ref_program *p, const tarn_node *n, double *y) {
    int64_t at[TARN_MAX_RANK], count = numel(p, n);
    for (int64_t i = 0; i < count; i++) {
        double x[3] = {0};
        unravel(p, n, i, at);
        for (int j = 0; j < n->n_in; j++) x[j] = element(p, n->in[j], at, n->shape.rank);
        y[i] = apply(n, x[0], x[1], x[2]);
        if (n->op->code != TI_CAST) y[i] = rounded(y[i], n->dtype);
    }
}

// Word (i / 16) % 4 of the block with counter ((i / 64) * 16 + i % 16, step).
static double random_word(const ref_program *p, const tarn_node *n, int64_t i) {
    uint32_t w[4];
    ti_philox(p->plan->seed ^ n->at.stream, (uint64_t)(i / 64 * 16 + i % 16),
              (uint64_t)p->value[n->in[0]->id][0], w);
    return w[i / 16 % 4];
}

static void do_index(ref_program *p, const tarn_node *n, double *y) {
    int64_t at[TARN_MAX_RANK], count = numel(p, n);
    for (int64_t i = 0; i < count; i++) {
        unravel(p, n, i, at);
        y[i] = n->op->code == TI_DIM      ? (double)ti_dim_value(n->at.dim, p->dims)
               : n->op->code == TI_RANDOM ? random_word(p, n, i)
                                          : (double)at[n->at.axis];
    }
}

// ---- reductions, contraction, views ------------------------------------------------------------

// The first of the largest; NaN counts as largest.
static double argmax(const double *x, int64_t n) {
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (!isnan(x[best]) && (x[j] > x[best] || isnan(x[j]))) best = j;
    return (double)best;
}

static void do_reduce(ref_program *p, const tarn_node *n, double *y) {
    const tarn_node *x = n->in[0];
    int64_t rows = dim(p, x, 0), cols = x->shape.rank > 1 ? dim(p, x, 1) : 1;
    bool first = n->at.axes == TARN_AXIS(0);
    int64_t kept = first ? cols : rows, gone = first ? rows : cols;
    for (int64_t i = 0; i < kept; i++) {
        double acc = n->op->code == TI_REDUCE_MAX ? -INFINITY : 0;
        for (int64_t j = 0; j < gone; j++) {
            double v = p->value[x->id][first ? j * cols + i : i * cols + j];
            acc = n->op->code == TI_SUM ? acc + v : pick(v, acc, v > acc);
        }
        if (n->op->code == TI_ARGMAX) acc = argmax(p->value[x->id] + i * cols, cols);
        y[i] = rounded(acc, n->dtype);
    }
}

static void do_dot(ref_program *p, const tarn_node *n, double *y) {
    const double *a = p->value[n->in[0]->id], *b = p->value[n->in[1]->id];
    int last = n->shape.rank - 1;
    int64_t rows = dim(p, n, last - 1), cols = dim(p, n, last), products = 1;
    int64_t k = dim(p, n->in[0], n->at.trans_a ? last - 1 : last);
    for (int d = 0; d + 1 < last; d++) products *= dim(p, n, d);
    for (; products > 0; products--, a += rows * k, b += k * cols)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) {
                double s = 0;
                for (int64_t q = 0; q < k; q++)
                    s += a[n->at.trans_a ? q * rows + i : i * k + q] *
                         b[n->at.trans_b ? j * k + q : q * cols + j];
                *y++ = rounded(s, n->dtype);
            }
}

// Row r, column k of the windows of an image.
static double under_window(const ref_program *p, const tarn_node *n, int64_t r, int64_t k) {
    const ti_window *w = &n->at.window;
    const tarn_node *x = n->in[0];
    int64_t height = dim(p, x, 1), width = dim(p, x, 2), c = x->shape.dim[3];
    int64_t oh = ti_dim_value(w->oh, p->dims), ow = ti_dim_value(w->ow, p->dims);
    int64_t p_ = k / c / w->kw, q = k / c % w->kw;
    int64_t i = r / ow % oh * w->sh - w->top + (w->flip ? w->kh - 1 - p_ : p_);
    int64_t j = r % ow * w->sw - w->left + (w->flip ? w->kw - 1 - q : q);
    if (i < 0 || j < 0 || i % w->zh || j % w->zw) return 0;
    i /= w->zh;
    j /= w->zw;
    if (i >= height || j >= width) return 0;
    return p->value[x->id][((r / ow / oh * height + i) * width + j) * c + k % c];
}

static void do_view(ref_program *p, const tarn_node *n, double *y) {
    const tarn_node *x = n->in[0];
    int64_t at[TARN_MAX_RANK], from[TARN_MAX_RANK], count = numel(p, n);
    for (int64_t i = 0; i < count; i++) {
        if (n->op == &ti_op_reshape || n->op == &ti_op_check_finite) {
            y[i] = p->value[x->id][i];
            continue;
        }
        unravel(p, n, i, at);
        if (n->op == &ti_op_window) {
            y[i] = under_window(p, n, at[0], at[1]);
            continue;
        }
        for (int j = 0; j < n->shape.rank; j++) {
            if (n->op == &ti_op_transpose) from[n->at.perm[j]] = at[j];
            if (n->op == &ti_op_slice) from[j] = n->at.start[j] + n->at.step[j] * at[j];
        }
        bool moved = n->op == &ti_op_transpose || n->op == &ti_op_slice;
        y[i] = element(p, x, moved ? from : at, n->shape.rank);
    }
}

static void do_pad(ref_program *p, const tarn_node *n, double *y) {
    const tarn_node *x = n->in[0];
    int64_t at[TARN_MAX_RANK], count = numel(p, n), taken = numel(p, x);
    for (int64_t i = 0; i < count; i++) y[i] = rounded(n->at.value, n->dtype);
    for (int64_t i = 0; i < taken; i++) {
        int64_t flat = 0;
        unravel(p, x, i, at);
        for (int j = 0; j < n->shape.rank; j++)
            flat = flat * dim(p, n, j) + n->at.start[j] + n->at.step[j] * at[j];
        y[flat] = p->value[x->id][i];
    }
}

// ---- memory to doubles and back ----------------------------------------------------------------

#define EACH_SMALL(X) \
    X(F32, float)     \
    X(F64, double)    \
    X(I8, int8_t)     \
    X(I16, int16_t)   \
    X(I32, int32_t)   \
    X(U8, uint8_t)    \
    X(U16, uint16_t)  \
    X(U32, uint32_t)  \
    X(BOOL, uint8_t)

static void read_elements(tarn_dtype t, const void *x, double *y, int64_t n) {
    switch (t) {
#define READ(D, T)                                                        \
    case TARN_##D:                                                        \
        for (int64_t i = 0; i < n; i++) y[i] = (double)((const T *)x)[i]; \
        break;
        EACH_SMALL(READ)
        READ(I64, int64_t)
        READ(U64, uint64_t)
    case TARN_F16:
    case TARN_BF16:
        for (int64_t i = 0; i < n; i++)
            y[i] = ti_half_value(((const uint16_t *)x)[i], t == TARN_BF16);
        break;
#undef READ
    default: memset(y, 0, (size_t)n * sizeof *y);
    }
}

static void write_elements(tarn_dtype t, const double *x, void *y, int64_t n) {
    switch (t) {
    case TARN_I64:
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)y)[i] = x[i] < 0x1p63 ? (int64_t)x[i] : INT64_MAX;
        break;
    case TARN_U64:
        for (int64_t i = 0; i < n; i++)
            ((uint64_t *)y)[i] = x[i] < 0x1p64 ? (uint64_t)x[i] : UINT64_MAX;
        break;
#define WRITE(D, T)                                            \
    case TARN_##D:                                             \
        for (int64_t i = 0; i < n; i++) ((T *)y)[i] = (T)x[i]; \
        break;
        EACH_SMALL(WRITE)
    case TARN_F16:
    case TARN_BF16:
        for (int64_t i = 0; i < n; i++) ((uint16_t *)y)[i] = ti_half_bits(x[i], t == TARN_BF16);
        break;
#undef WRITE
    default: memset(y, 0, (size_t)n * tarn_dtype_size(t));
    }
}

static tarn_status read_variable(const tarn_node *n, double *y) {
    tarn_tensor *t = NULL;
    const ti_variable *v = n->at.var;
    TI_TRY(tarn_tensor_create(v->dtype, v->shape, &t));
    ti_form_to_rows(v->form, v->dtype, &v->shape, v->data, tarn_tensor_data(t));
    read_elements(v->dtype, tarn_tensor_cdata(t), y, tarn_tensor_numel(t));
    tarn_tensor_release(t);
    return TARN_OK;
}

static tarn_status write_variable(const ref_program *p, const tarn_node *assign) {
    tarn_tensor *t = NULL;
    ti_variable *v = assign->in[0]->at.var;
    TI_TRY(tarn_tensor_create(v->dtype, v->shape, &t));
    write_elements(v->dtype, p->value[assign->in[1]->id], tarn_tensor_data(t),
                   tarn_tensor_numel(t));
    ti_form_from_rows(v->form, v->dtype, &v->shape, tarn_tensor_cdata(t), v->data);
    tarn_tensor_release(t);
    return TARN_OK;
}

// ---- running -----------------------------------------------------------------------------------

static int input_index(const ref_program *p, const char *name) {
    int i = 0;
    while (strcmp(p->plan->inputs[i], name)) i++;
    return i;
}

static tarn_status row_major(const ref_program *p, const tarn_node *n, tarn_array *out) {
    size_t bytes = (size_t)numel(p, n) * tarn_dtype_size(n->dtype);
    *out = (tarn_array){.dtype = n->dtype, .shape = n->shape};
    for (int i = 0; i < n->shape.rank; i++) out->shape.dim[i] = dim(p, n, i);
    return ti_alloc(bytes ? bytes : 1, &out->data);
}

static void free_arrays(tarn_array *x, int n) {
    for (int i = 0; i < n; i++) ti_free(x[i].data);
}

// Operands of a call; x is zero before, and to be freed in any case.
static tarn_status operands(const ref_program *p, const tarn_node *n, tarn_array *x) {
    for (int i = 0; i < n->n_in; i++) {
        TI_TRY(row_major(p, n->in[i], &x[i]));
        write_elements(x[i].dtype, p->value[n->in[i]->id], x[i].data, numel(p, n->in[i]));
    }
    return TARN_OK;
}

static tarn_status do_call(const ref_program *p, const tarn_node *n, double *y) {
    tarn_array x[TI_MAX_CALL + 1] = {{0}}, *out = &x[n->n_in];
    tarn_status st = operands(p, n, x);
    if (!st) st = row_major(p, n, out);
    if (!st) st = n->op->call(&n->at, x, out);
    if (!st) read_elements(n->dtype, out->data, y, numel(p, n));
    free_arrays(x, n->n_in + 1);
    return st;
}

// The dimension of n that depends on values, before there is memory for its result.
static tarn_status find_dim(ref_program *p, const tarn_node *n) {
    tarn_array x[TI_MAX_CALL] = {{0}};
    if (!n->op->extent || n->at.dim >= 0) return TARN_OK;
    tarn_status st = operands(p, n, x);
    if (!st) p->dims[-n->at.dim - 1] = n->op->extent(x);
    free_arrays(x, n->n_in);
    ti_syms_resolve(p->plan->sym, p->plan->n_sym, p->dims);
    return st;
}

static tarn_status eval(ref_program *p, const ti_run *r, const tarn_node *n) {
    double *y = p->value[n->id];
    switch (n->op->kind) {
    case TI_LEAF:
        if (n->op == &ti_op_variable) return read_variable(n, y);
        if (n->op == &ti_op_constant) {
            y[0] = rounded(n->at.value, n->dtype);
        } else if (p->given) {
            memcpy(y, p->given[ti_region_operand(n->at.name)], (size_t)numel(p, n) * sizeof *y);
        } else {
            read_elements(n->dtype, r->inputs[input_index(p, n->at.name)], y, numel(p, n));
        }
        return TARN_OK;
    case TI_ELEMENTWISE: do_elements(p, n, y); return TARN_OK;
    case TI_INDEX: do_index(p, n, y); return TARN_OK;
    case TI_REDUCE: do_reduce(p, n, y); return TARN_OK;
    case TI_DOT: do_dot(p, n, y); return TARN_OK;
    case TI_VIEW: do_view(p, n, y); return TARN_OK;
    case TI_PUT: do_pad(p, n, y); return TARN_OK;
    case TI_CALL: return do_call(p, n, y);
    case TI_REGION: return ti_ref_scan(p, r, n);
    case TI_RESULT: ti_ref_scan_result(p, n, y); return TARN_OK;
    default: break;
    }
    if (n->op != &ti_op_check_finite) return TARN_OK;
    do_view(p, n, y);
    return isfinite(y[0]) ? TARN_OK : ti_error(TARN_ENUMERIC, "%s is not finite", n->at.name);
}

// ---- blame -------------------------------------------------------------------------------------

static void range(const ref_program *p, const tarn_node *n, double *low, double *high) {
    int64_t count = numel(p, n);
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        double v = p->value[n->id][i];
        if (!(v >= *low)) *low = v;
        if (!(v <= *high)) *high = v;
    }
}

static bool all_finite(const ref_program *p, const tarn_node *n) {
    int64_t count = numel(p, n);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(p->value[n->id][i])) return false;
    return true;
}

static bool made_it(const ref_program *p, const tarn_node *n) {
    if (n->op->kind == TI_EFFECT || n->op == &ti_op_constant) return false;  // make nothing
    if (all_finite(p, n)) return false;
    for (int i = 0; i < n->n_in; i++)
        if (!all_finite(p, n->in[i]) && n->in[i]->op != &ti_op_constant) return false;
    return true;
}

static tarn_status blame_node(const ref_program *p, const tarn_node *n, tarn_status st) {
    char text[512];
    ti_buf b;
    ti_buf_init(&b, 480);
    ti_error_save(text, sizeof text);
    if (n->op == &ti_op_input) ti_buf_printf(&b, "input '%s' holds it", n->at.name);
    if (n->op == &ti_op_variable) ti_buf_printf(&b, "variable '%s' holds it", n->at.var->name);
    if (n->n_in) ti_buf_printf(&b, "first made by %s", n->op->name);
    if (n->n_in && *n->label) ti_buf_printf(&b, " in '%s'", n->label);
    for (int i = 0; i < n->n_in; i++) {
        double low, high;
        range(p, n->in[i], &low, &high);
        ti_buf_printf(&b, "%s [%.3g, %.3g]", i ? " and" : " of values in", low, high);
    }
    st = ti_error(st, "%s: %s", text, ti_buf_status(&b) ? "its origin was not found" : b.data);
    ti_buf_free(&b);
    return st;
}

void ti_ref_free_values(ref_program *p) {
    for (int i = 0; i < p->work->g->n_nodes; i++) {
        ti_free(p->value[i]);
        p->value[i] = NULL;
    }
}

// Memory for the value of n.
static tarn_status make_room(ref_program *p, const tarn_node *n) {
    TI_TRY(find_dim(p, n));
    size_t bytes = (size_t)numel(p, n) * sizeof(double);
    return ti_alloc(bytes ? bytes : sizeof(double), &p->value[n->id]);
}

tarn_status ti_ref_eval_all(ref_program *p, const ti_run *r) {
    const tarn_graph *g = p->work->g;
    for (int i = 0; i < g->n_nodes; i++) {
        TI_TRY(make_room(p, g->nodes[i]));
        TI_TRY(eval(p, r, g->nodes[i]));
    }
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_assign) TI_TRY(write_variable(p, g->nodes[i]));
    return TARN_OK;
}

static tarn_status keep_fetched(ref_program *p) {
    for (int i = 0; i < p->plan->n_fetch; i++) {
        const tarn_node *n = p->work->roots[i];
        ti_free(p->fetched[i]);
        p->fetched[i] = NULL;
        if (p->plan->fetch[i] < 0) continue;
        int64_t count = numel(p, n);
        TI_TRY(ti_alloc((size_t)count * tarn_dtype_size(n->dtype), &p->fetched[i]));
        write_elements(n->dtype, p->value[n->id], p->fetched[i], count);
    }
    return TARN_OK;
}

static tarn_status run(void *program, const ti_run *r) {
    ref_program *p = program;
    p->dims = r->dims;
    ti_ref_free_values(p);
    tarn_status st = ti_ref_eval_all(p, r);
    if (!st) st = keep_fetched(p);
    ti_ref_free_values(p);
    return st;
}

static const void *result(void *program, int i) { return ((ref_program *)program)->fetched[i]; }

static void info(const void *program, tarn_program_info *out) {
    (void)program;
    (void)out;
}

static void times(const void *program, int i, double *sum, double *best) {
    (void)program;
    (void)i;
    *sum = *best = 0;
}

static void program_free(void *program) {
    ref_program *p = program;
    if (!p) return;
    for (int i = 0; p->fetched && i < p->plan->n_fetch; i++) ti_free(p->fetched[i]);
    if (p->value) ti_ref_free_values(p);
    ti_free(p->fetched);
    ti_free(p->value);
    ti_free(p);
}

static tarn_status compile(const ti_plan *plan, const ti_work *work, const ti_backend_opts *opts,
                           void **program) {
    ref_program *p = NULL;
    (void)opts;
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    p->plan = plan;
    p->work = work;
    size_t n = (size_t)work->g->n_nodes + 1, f = (size_t)plan->n_fetch + 1;
    tarn_status st = ti_alloc_zero(n * sizeof *p->value, &p->value);
    if (!st) st = ti_alloc_zero(f * sizeof *p->fetched, &p->fetched);
    if (st) {
        program_free(p);
    } else {
        *program = p;
    }
    return st;
}

static bool exchanges(const tarn_node *n) { return n->op == &ti_op_all_gather; }

static tarn_status explain(tarn_status st, const ti_plan *plan, const ti_work *work,
                           const ti_run *run) {
    char text[512];
    void *program = NULL;
    ti_error_save(text, sizeof text);
    if (compile(plan, work, &(ti_backend_opts){0}, &program)) return ti_error_restore(st, text);
    ref_program *p = program;
    const tarn_node *guilty = NULL;
    p->dims = run->dims;
    for (int i = 0; i < work->g->n_nodes && !guilty; i++) {
        const tarn_node *n = work->g->nodes[i];
        if (exchanges(n) || (n->at.region && ti_region_has(n->at.region, exchanges)))
            break;  // other ranks may look elsewhere
        if (make_room(p, n)) break;
        if (eval(p, run, n) && n->op != &ti_op_check_finite) break;
        if (made_it(p, n)) guilty = n;
    }
    st = ti_error_restore(st, text);
    if (guilty) st = blame_node(p, guilty, st);
    program_free(p);
    return st;
}

const ti_backend ti_backend_ref = {.name = "ref",
                                   .finds_dims = true,
                                   .compile = compile,
                                   .run = run,
                                   .result = result,
                                   .info = info,
                                   .times = times,
                                   .free = program_free,
                                   .explain = explain};
