// The C printer. A map becomes one loop over the columns of each row, written for the strides it
// is expected to meet, and once more for any strides. A row kernel becomes one loop per stage:
// a stage ends where a reduction along the row is needed; values that cross it stay in scratch.
#include "codegen/print.h"

#include <math.h>
#include <string.h>

static const char *const c_types[TARN_DTYPE_COUNT] = {
    [TARN_F32] = "float",    [TARN_F64] = "double",   [TARN_I8] = "int8_t",
    [TARN_I16] = "int16_t",  [TARN_I32] = "int32_t",  [TARN_I64] = "int64_t",
    [TARN_U8] = "uint8_t",   [TARN_U16] = "uint16_t", [TARN_U32] = "uint32_t",
    [TARN_U64] = "uint64_t", [TARN_BOOL] = "uint8_t", [TARN_F16] = "uint16_t",
    [TARN_BF16] = "uint16_t"};
static const char *const c_codes[TI_CODE_COUNT] = {
    [TI_ADD] = "add",     [TI_SUB] = "sub",     [TI_MUL] = "mul",   [TI_DIV] = "div",
    [TI_MAX] = "maximum", [TI_MIN] = "minimum", [TI_EQ] = "eq",     [TI_LT] = "lt",
    [TI_AND] = "and",     [TI_NEG] = "neg",     [TI_ABS] = "abs",   [TI_EXP] = "exp",
    [TI_LOG] = "log",     [TI_SQRT] = "sqrt",   [TI_TANH] = "tanh", [TI_CAST] = "cast",
    [TI_WHERE] = "where"};

static const char *suffix(int dtype) {
    return dtype == TARN_BOOL ? "b8" : tarn_dtype_name((tarn_dtype)dtype);
}

typedef struct printer {
    const ti_kernel *k;
    ti_buf *out;
    bool any;       // for any strides; else as the accesses promise
    bool by_panel;  // most tiles have 16 columns
} printer;

// What the stride along the columns will be unless dimensions of size 1 turned up: 0 or 1, and
// -1 when it depends on the run.
static int expected(const ti_kernel *k, const ti_access *a) {
    int last = k->space.rank - 1;
    if (last < 0 || a->axis[last] < 0) return 0;
    if (a->step[a->axis[last]] != 1) return -1;
    if (a->value == TI_ALONG) return 1;
    for (int i = a->axis[last] + 1; i < a->shape.rank; i++)
        if (a->shape.dim[i] != 1) return -1;
    return 1;
}

// ---- constants and expressions ------------------------------------------------------------------

static void print_number(ti_buf *out, double v, int dtype) {
    bool f32 = dtype == TARN_F32, f64 = dtype == TARN_F64;
    if (!f32 && !f64) {
        ti_buf_printf(out, "(%s)%lldLL", c_types[dtype], (long long)v);
    } else if (isnan(v)) {
        ti_buf_puts(out, f32 ? "__builtin_nanf(\"\")" : "__builtin_nan(\"\")");
    } else if (isinf(v)) {
        ti_buf_printf(out, "%s__builtin_inf%s()", v < 0 ? "-" : "", f32 ? "f" : "");
    } else {
        ti_buf_printf(out, f32 ? "%af" : "%a", f32 ? (double)(float)v : v);
    }
}

static void print_call(const printer *p, const ti_inst *in) {
    int by = in->code == TI_WHERE ? in->dtype : in->src;
    ti_buf_printf(p->out, "ti_%s_%s", c_codes[in->code], suffix(by));
    if (in->code == TI_CAST) ti_buf_printf(p->out, "_%s", suffix(in->dtype));
    for (int q = 0; q < 3 && in->a[q] >= 0; q++)
        ti_buf_printf(p->out, "%sv%d", q ? ", " : "(", in->a[q]);
    ti_buf_puts(p->out, ")");
}

static void print_element(const printer *p, int access, const char *c) {
    const ti_access *a = &p->k->access[access];
    int cs = p->any ? -1 : expected(p->k, a);
    if (cs == 0) ti_buf_printf(p->out, "p%d[0]", access);
    if (cs == 1) ti_buf_printf(p->out, "p%d[%s]", access, c);
    if (cs < 0) ti_buf_printf(p->out, "p%d[%s * t->cs[%d]]", access, c, access);
}

// The value of an instruction that is made per element, at column c.
static void print_value(const printer *p, int i) {
    const ti_inst *in = &p->k->inst[i];
    ti_buf_printf(p->out, "const %s v%d = ", c_types[in->dtype], i);
    switch (in->kind) {
    case TI_I_ACC: ti_buf_puts(p->out, "acc[c]"); break;
    case TI_I_LOAD: print_element(p, in->access, "c"); break;
    case TI_I_INDEX:
        ti_buf_printf(p->out, "(int32_t)(i%d + c * t->cs[%d])", in->access, in->access);
        break;
    case TI_I_RANDOM: ti_buf_printf(p->out, "w%d[c - c0]", i); break;
    case TI_I_CONST: print_number(p->out, in->imm, in->dtype); break;
    default: print_call(p, in);
    }
    ti_buf_puts(p->out, ";\n");
}

static void print_store(const printer *p, const ti_inst *in, const char *c) {
    print_element(p, in->access, c);
    ti_buf_printf(p->out, " = v%d;\n", in->a[0]);
}

// ---- pointers -----------------------------------------------------------------------------------

static int access_dtype(const ti_kernel *k, int access) {
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].access == access) return k->inst[i].dtype;
    return TARN_U8;
}

// Addresses of row r of every access.
static void print_pointers(const printer *p) {
    const ti_kernel *k = p->k;
    for (int a = 0; a < k->n_access; a++) {
        const char *type = c_types[access_dtype(k, a)];
        if (k->access[a].value < 0) {
            ti_buf_printf(p->out, "const int64_t i%d = t->index[%d] + r * t->rs[%d];\n", a, a, a);
        } else {
            ti_buf_printf(p->out, "%s *p%d = (%s *)t->ptr[%d] + r * t->rs[%d];\n", type, a, type, a,
                          a);
        }
    }
}

// ---- maps ---------------------------------------------------------------------------------------

static void print_fixed(const printer *p) {
    int dim = 0;
    for (int i = 0; i < p->k->n_inst; i++) {
        const ti_inst *in = &p->k->inst[i];
        if (!in->fixed && in->kind != TI_I_DIM) continue;
        ti_buf_printf(p->out, "const %s v%d = ", c_types[in->dtype], i);
        if (in->kind == TI_I_CONST) print_number(p->out, in->imm, in->dtype);
        if (in->kind == TI_I_DIM)
            ti_buf_printf(p->out, "(%s)t->dims[%d]", c_types[in->dtype], dim++);
        if (in->kind == TI_I_LOAD)
            ti_buf_printf(p->out, "*(const %s *)t->ptr[%d]", c_types[in->dtype], in->access);
        if (in->kind == TI_I_CODE) print_call(p, in);
        ti_buf_puts(p->out, ";\n");
    }
}

// The first instruction that draws random words, -1: none.
static int first_random(const ti_kernel *k) {
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_RANDOM) return i;
    return -1;
}

// Random words of columns c0 to c1-1 of one instruction, into a small buffer.
static void print_words(const printer *p, int i) {
    const ti_inst *in = &p->k->inst[i];
    ti_buf_printf(p->out, "uint32_t w%d[64];\n", i);
    if (p->any) ti_buf_puts(p->out, "for (int64_t c = c0; c < c1; c++) ");
    ti_buf_printf(p->out, "ti_random_fill(w%d%s, t->seed ^ 0x%llxULL, (uint64_t)v%d, ", i,
                  p->any ? " + c - c0" : "", (unsigned long long)in->stream, in->a[0]);
    if (p->any) {
        ti_buf_printf(p->out, "i%d + c * t->cs[%d], 1);\n", in->access, in->access);
    } else {
        ti_buf_printf(p->out, "i%d + c0, c1 - c0);\n", in->access);
    }
}

// Head of the loop over columns. With random words it runs in pieces that end at multiples of 64
// of the index, so that no block of words is made twice.
static void print_columns_begin(const printer *p) {
    int first = first_random(p->k);
    if (first >= 0) {
        ti_buf_puts(p->out, "for (int64_t c0 = 0, c1; c0 < cols; c0 = c1) {\n");
        ti_buf_printf(p->out, "c1 = c0 + 64 - ((i%d + c0) & 63);\nif (c1 > cols) c1 = cols;\n",
                      p->k->inst[first].access);
        for (int i = first; i < p->k->n_inst; i++)
            if (p->k->inst[i].kind == TI_I_RANDOM) print_words(p, i);
    }
    if (!p->any) ti_buf_puts(p->out, "#pragma GCC ivdep\n");
    ti_buf_puts(p->out, first >= 0 ? "for (int64_t c = c0; c < c1; c++) {\n"
                                   : "for (int64_t c = 0; c < cols; c++) {\n");
}

static void print_columns_end(const printer *p) {
    ti_buf_puts(p->out, first_random(p->k) >= 0 ? "}\n}\n" : "}\n");
}

// When the strides are those the fast loop is written for.
static void print_condition(const printer *p, const char *more) {
    ti_buf_puts(p->out, "if (1");
    for (int a = 0; a < p->k->n_access; a++) {
        int cs = expected(p->k, &p->k->access[a]);
        if (cs >= 0) ti_buf_printf(p->out, " && t->cs[%d] == %d", a, cs);
    }
    ti_buf_printf(p->out, "%s) {\n", more);
}

static bool has_acc(const ti_kernel *k) {
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_ACC) return true;
    return false;
}

static void print_map_rows(const printer *p) {
    const ti_kernel *k = p->k;
    ti_buf_puts(p->out, "for (int64_t r = 0; r < rows; r++) {\n");
    print_pointers(p);
    if (has_acc(k)) {
        const char *type = c_types[k->dtype];
        ti_buf_printf(p->out, "const %s *acc = (const %s *)t->acc + r * t->acc_rs;\n", type, type);
    }
    print_columns_begin(p);
    for (int i = 0; i < k->n_inst; i++)
        if (!k->inst[i].fixed && k->inst[i].kind != TI_I_STORE) print_value(p, i);
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_STORE) print_store(p, &k->inst[i], "c");
    print_columns_end(p);
    ti_buf_puts(p->out, "}\n");
}

static void print_map(printer *p) {
    print_fixed(p);
    if (p->by_panel) {
        print_condition(p, " && cols == 16");
        ti_buf_puts(p->out, "const int64_t cols = 16;\n");
        print_map_rows(p);
        ti_buf_puts(p->out, "} else ");
    }
    print_condition(p, "");
    print_map_rows(p);
    ti_buf_puts(p->out, "} else {\n");
    p->any = true;
    print_map_rows(p);
    ti_buf_puts(p->out, "}\n");
}

// ---- rows ---------------------------------------------------------------------------------------

enum { MAX_INSTS = 1024 };
typedef struct stages {
    int of[MAX_INSTS];      // stage in which an instruction is made
    int buffer[MAX_INSTS];  // scratch row that holds it for later stages, -1: none
    int n, n_buffers;
} stages;

// A value one a row is made after the loop of its stage; what uses it per element comes a stage
// later.
static void find_stages(const ti_kernel *k, stages *s) {
    *s = (stages){.n = 1};
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        s->buffer[i] = -1;
        for (int q = 0; q < 3; q++) {
            int a = in->a[q];
            if (a < 0) continue;
            bool later = in->row && !k->inst[a].row && !k->inst[a].fixed &&
                         k->inst[a].kind != TI_I_LOAD && k->inst[a].kind != TI_I_INDEX;
            int at = s->of[a] + later;
            if (at > s->of[i]) s->of[i] = at;
        }
        if (s->of[i] + 1 > s->n) s->n = s->of[i] + 1;
    }
    for (int i = 0; i < k->n_inst; i++)
        for (int q = 0; q < 3; q++) {
            int a = k->inst[i].a[q];
            if (a < 0 || !k->inst[a].row || s->buffer[a] >= 0) continue;
            if (k->inst[i].kind == TI_I_REDUCE || s->of[i] > s->of[a])
                s->buffer[a] = s->n_buffers++;
        }
}

int ti_print_row_buffers(const ti_kernel *k) {
    stages s;
    if (k->n_inst > MAX_INSTS) return -1;
    find_stages(k, &s);
    return s.n_buffers;
}

// Values that are one a row and need no sum: before the first loop.
static bool row_leaf(const ti_inst *in) {
    return !in->row && (in->kind == TI_I_LOAD || in->kind == TI_I_INDEX) && !in->fixed;
}

static void print_buffers(const printer *p, const stages *s) {
    for (int i = 0; i < p->k->n_inst; i++) {
        if (s->buffer[i] < 0) continue;
        const char *type = c_types[p->k->inst[i].dtype];
        ti_buf_printf(p->out, "%s *b%d = (%s *)(t->scratch + %d * 8 * cols);\n", type, i, type,
                      s->buffer[i]);
    }
}

static void print_row_leaves(const printer *p) {
    for (int i = 0; i < p->k->n_inst; i++) {
        const ti_inst *in = &p->k->inst[i];
        if (!row_leaf(in)) continue;
        ti_buf_printf(p->out, "const %s v%d = ", c_types[in->dtype], i);
        if (in->kind == TI_I_LOAD) {
            ti_buf_printf(p->out, "p%d[0];\n", in->access);
        } else {
            ti_buf_printf(p->out, "(int32_t)i%d;\n", in->access);
        }
    }
}

static bool in_loop(const ti_inst *in) { return in->row && in->kind != TI_I_STORE; }

// Does stage v's loop need instruction i from an earlier one?
static bool carried(const ti_kernel *k, const stages *s, int v, int i) {
    if (!k->inst[i].row || s->of[i] >= v) return false;
    for (int j = i + 1; j < k->n_inst; j++) {
        bool uses = k->inst[j].a[0] == i || k->inst[j].a[1] == i || k->inst[j].a[2] == i;
        if (uses && k->inst[j].row && s->of[j] == v) return true;
    }
    return false;
}

static bool stage_has_loop(const ti_kernel *k, const stages *s, int v) {
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].row && s->of[i] == v) return true;
    return false;
}

static void print_stage_loop(const printer *p, const stages *s, int v) {
    const ti_kernel *k = p->k;
    if (!stage_has_loop(k, s, v)) return;
    print_columns_begin(p);
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        if (carried(k, s, v, i))
            ti_buf_printf(p->out, "const %s v%d = b%d[c];\n", c_types[in->dtype], i, i);
        if (!in_loop(in) || s->of[i] != v) continue;
        print_value(p, i);
        if (s->buffer[i] >= 0) ti_buf_printf(p->out, "b%d[c] = v%d;\n", i, i);
    }
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_STORE && k->inst[i].row && s->of[i] == v)
            print_store(p, &k->inst[i], "c");
    print_columns_end(p);
}

// Sums of the stage's rows, and what follows from them, one a row.
static void print_stage_sums(const printer *p, const stages *s, int v) {
    static const char *const names[] = {
        [TI_SUM] = "sum", [TI_REDUCE_MAX] = "rmax", [TI_ARGMAX] = "argmax"};
    for (int i = 0; i < p->k->n_inst; i++) {
        const ti_inst *in = &p->k->inst[i];
        if (in->row || in->fixed || row_leaf(in) || s->of[i] != v) continue;
        if (in->kind == TI_I_STORE) {
            ti_buf_printf(p->out, "p%d[0] = v%d;\n", in->access, in->a[0]);
        } else if (in->kind == TI_I_REDUCE) {
            ti_buf_printf(p->out, "const %s v%d = ti_%s_%s(b%d, cols);\n", c_types[in->dtype], i,
                          names[in->code], suffix(in->src), in->a[0]);
        } else {
            ti_buf_printf(p->out, "const %s v%d = ", c_types[in->dtype], i);
            print_call(p, in);
            ti_buf_puts(p->out, ";\n");
        }
    }
}

static void print_rows_body(const printer *p, const stages *s) {
    ti_buf_puts(p->out, "for (int64_t r = 0; r < rows; r++) {\n");
    print_pointers(p);
    print_row_leaves(p);
    for (int v = 0; v < s->n; v++) {
        print_stage_loop(p, s, v);
        print_stage_sums(p, s, v);
    }
    ti_buf_puts(p->out, "}\n");
}

static void print_rows(printer *p) {
    stages s;
    find_stages(p->k, &s);
    print_fixed(p);
    print_buffers(p, &s);
    print_condition(p, "");
    print_rows_body(p, &s);
    ti_buf_puts(p->out, "} else {\n");
    p->any = true;
    print_rows_body(p, &s);
    ti_buf_puts(p->out, "}\n");
}

void ti_print_body(const ti_kernel *k, const char *name, bool by_panel, ti_buf *out) {
    printer p = {.k = k, .out = out, .by_panel = by_panel};
    ti_buf_printf(out, "void %s(const ti_tile *t) {\n", name);
    ti_buf_puts(out, "const int64_t rows = t->rows, cols = t->cols;\n");
    if (k->kind == TI_K_ROWS) {
        print_rows(&p);
    } else {
        print_map(&p);
    }
    ti_buf_puts(out, "}\n\n");
}
