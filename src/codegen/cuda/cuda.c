// The CUDA printer: one thread makes one element of a map, a contraction or a column sum, or one
// row. Constants, element-wise codes and stages are print.c's. A row kernel keeps no row in memory:
// each stage makes again what it needs of the row, and stores come last.
#include "codegen/cuda/cuda.h"

#include "codegen/print.h"

const char *const ti_cuda_flags[] = {"--fmad=false", "--ftz=false", "--prec-div=true",
                                     "--prec-sqrt=true", NULL};

typedef struct printer {
    const ti_plan *p;
    const ti_kernel *k;
    int number;
    ti_buf *out;
} printer;

static bool rows(const printer *p) { return p->k->kind == TI_K_ROWS; }

static bool in_panels(const printer *p, int value) {
    const ti_value *v = &p->p->values[value];
    return v->place == TI_VARIABLE && v->var->form == TI_PANELS;
}

// ---- addresses ----------------------------------------------------------------------------------

// Where an access is at the thread's place; in a row kernel, at the row's beginning.
static void print_offset(const printer *p, int access) {
    const ti_access *a = &p->k->access[access];
    int rank = p->k->space.rank - rows(p), terms = 0;
    ti_buf_printf(p->out, "const int64_t o%d = ", access);
    if (a->value >= 0 && in_panels(p, a->value)) {
        ti_buf_puts(p->out, "ti_panel_at(x0, x1, a.extent[0])");
        terms++;
    }
    for (int d = 0; d < rank && (a->value < 0 || !in_panels(p, a->value)); d++)
        if (a->axis[d] >= 0)
            ti_buf_printf(p->out, "%sx%d * a.stride[%d][%d]", terms++ ? " + " : "", d, access, d);
    ti_buf_puts(p->out, terms ? ";\n" : "0;\n");
    if (a->value < 0) return;
    const char *type = ti_print_type(ti_access_dtype(p->k, access));
    ti_buf_printf(p->out, "%s *const p%d = (%s *)a.ptr[%d];\n", type, access, type, access);
}

// The same for an element: along the row too, if the instruction varies there.
static void print_index(const printer *p, const ti_inst *in) {
    int last = p->k->space.rank - 1;
    ti_buf_printf(p->out, "o%d", in->access);
    if (rows(p) && in->row && p->k->access[in->access].axis[last] >= 0)
        ti_buf_printf(p->out, " + c * a.stride[%d][%d]", in->access, last);
}

// The thread's number, and its place in the loop.
static void print_place(const printer *p) {
    int rank = p->k->space.rank - rows(p);
    ti_buf_puts(p->out,
                "const int64_t i = ti_thread();\nif (i >= a.threads || *a.failed) return;\n");
    if (rank > 0) ti_buf_puts(p->out, "int64_t rest = i;\n");
    for (int d = rank - 1; d >= 0; d--) {
        if (d) {
            ti_buf_printf(p->out, "const int64_t x%d = rest %% a.extent[%d];\n", d, d);
            ti_buf_printf(p->out, "rest /= a.extent[%d];\n", d);
        } else {
            ti_buf_puts(p->out, "const int64_t x0 = rest;\n");
        }
    }
    for (int q = 0; q < p->k->n_access; q++) print_offset(p, q);
}

// ---- values -------------------------------------------------------------------------------------

// Which of the sizes that the body reads instruction i is.
static int dim_number(const ti_kernel *k, int i) {
    int n = 0;
    for (int j = 0; j < i; j++) n += k->inst[j].kind == TI_I_DIM;
    return n;
}

static void print_value(const printer *p, int i) {
    const ti_inst *in = &p->k->inst[i];
    const char *type = ti_print_type(in->dtype);
    ti_buf_printf(p->out, "const %s v%d = ", type, i);
    switch (in->kind) {
    case TI_I_ACC: ti_buf_puts(p->out, "acc"); break;
    case TI_I_LOAD:
        ti_buf_printf(p->out, "p%d[", in->access);
        print_index(p, in);
        ti_buf_puts(p->out, "]");
        break;
    case TI_I_INDEX:
        ti_buf_puts(p->out, "(int32_t)(");
        print_index(p, in);
        ti_buf_puts(p->out, ")");
        break;
    case TI_I_RANDOM:
        ti_buf_printf(p->out, "ti_random_word(a.seed ^ 0x%llxULL, (uint64_t)v%d, ",
                      (unsigned long long)in->stream, in->a[0]);
        print_index(p, in);
        ti_buf_puts(p->out, ")");
        break;
    case TI_I_CONST: ti_print_number(in->imm, in->dtype, p->out); break;
    case TI_I_DIM: ti_buf_printf(p->out, "(%s)a.dims[%d]", type, dim_number(p->k, i)); break;
    default: ti_print_code(in, p->out);
    }
    ti_buf_puts(p->out, ";\n");
}

static void print_store(const printer *p, const ti_inst *in) {
    ti_buf_printf(p->out, "p%d[", in->access);
    print_index(p, in);
    ti_buf_printf(p->out, "] = v%d;\n", in->a[0]);
}

// All values, then all stores, at the thread's element.
static void print_element(const printer *p) {
    for (int i = 0; i < p->k->n_inst; i++)
        if (p->k->inst[i].kind != TI_I_STORE) print_value(p, i);
    for (int i = 0; i < p->k->n_inst; i++)
        if (p->k->inst[i].kind == TI_I_STORE) print_store(p, &p->k->inst[i]);
}

// ---- contractions and column sums ---------------------------------------------------------------

static void print_windows(const printer *p) {
    const ti_window *w = &p->k->window;
    const int64_t *image = p->k->image.dim;
    ti_buf_printf(p->out, "const ti_view view = {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, ",
                  w->kh, w->kw, w->sh, w->sw, w->zh, w->zw, w->top, w->left, w->oh, w->ow, w->flip);
    ti_buf_printf(p->out, "%lld, %lld, %lld};\n", (long long)image[1], (long long)image[2],
                  (long long)image[3]);
}

// Element (row, col) of an operand: one of them is the thread's place, the other step q.
static void print_operand(const printer *p, int operand, const char *row, const char *col) {
    const ti_access *a = operand ? &p->k->b : &p->k->a;
    bool turned = a->axis[0] == 1;  // of windows and panels, which have two axes
    if (operand == 0 && p->k->window.kh) {
        ti_buf_printf(p->out, "const int64_t at = ti_view_at(view, %s, %s);\n", turned ? col : row,
                      turned ? row : col);
        ti_buf_printf(p->out, "const %s l = at < 0 ? 0 : m0[at];\n", ti_print_type(p->k->dtype));
        return;
    }
    ti_buf_printf(p->out, "const %s %c = m%d[", ti_print_type(p->k->dtype), "lr"[operand], operand);
    if (in_panels(p, a->value)) {
        ti_buf_printf(p->out, "ti_panel_at(%s, %s, %lldLL)];\n", turned ? col : row,
                      turned ? row : col, (long long)p->p->values[a->value].var->shape.dim[0]);
    } else {
        int lead = p->k->space.rank - 2;
        for (int d = 0; d < lead; d++)
            ti_buf_printf(p->out, "x%d * a.along[%d][%d] + ", d, operand, d);
        ti_buf_printf(p->out, "%s * a.along[%d][%d] + %s * a.along[%d][%d]];\n", row, operand, lead,
                      col, operand, lead + 1);
    }
}

static void print_operand_pointer(const printer *p, int operand) {
    const char *type = ti_print_type(p->k->dtype);
    ti_buf_printf(p->out, "const %s *const m%d = (const %s *)a.operand[%d];\n", type, operand, type,
                  operand);
}

// A chain of multiply-adds in the order of k, begun anew every 512 steps; the parts in order.
static void print_dot(const printer *p) {
    bool wide = p->k->dtype == TARN_F64;
    const char *type = ti_print_type(p->k->dtype);
    print_operand_pointer(p, 0);
    print_operand_pointer(p, 1);
    if (p->k->window.kh) print_windows(p);
    ti_buf_printf(p->out, "%s acc = 0;\n", type);
    ti_buf_puts(p->out, "for (int64_t q0 = 0; q0 < a.depth; q0 += 512) {\n"
                        "const int64_t q1 = a.depth - q0 < 512 ? a.depth : q0 + 512;\n");
    ti_buf_printf(p->out, "%s s = -0.0%s;\n", type, wide ? "" : "f");
    ti_buf_puts(p->out, "for (int64_t q = q0; q < q1; q++) {\n");
    char row[16], col[16];
    snprintf(row, sizeof row, "x%d", p->k->space.rank - 2);
    snprintf(col, sizeof col, "x%d", p->k->space.rank - 1);
    print_operand(p, 0, row, "q");
    print_operand(p, 1, "q", col);
    ti_buf_printf(p->out, "s = __builtin_fma%s(l, r, s);\n}\nacc = q0 ? acc + s : s;\n}\n",
                  wide ? "" : "f");
    print_element(p);
}

static const char *reduction(int code) {
    return code == TI_SUM ? "sum" : code == TI_REDUCE_MAX ? "rmax" : "argmax";
}

static void print_cols(const printer *p) {
    const char *name = "sum", *type = ti_print_suffix(p->k->dtype);
    for (int i = 0; i < p->k->n_inst; i++)
        if (p->k->inst[i].kind == TI_I_ACC) name = reduction(p->k->inst[i].code);
    print_operand_pointer(p, 0);
    ti_buf_printf(p->out, "ti_%s_run_%s run;\nti_%s_open_%s(&run);\n", name, type, name, type);
    ti_buf_puts(p->out, "for (int64_t q = 0; q < a.depth; q++)\n");
    ti_buf_printf(p->out, "ti_%s_put_%s(&run, m0[q * a.along[0][0] + i * a.along[0][1]]);\n", name,
                  type);
    ti_buf_printf(p->out, "const %s acc = ti_%s_close_%s(&run);\n", ti_print_type(p->k->dtype),
                  name, type);
    print_element(p);
}

// ---- rows ---------------------------------------------------------------------------------------

// Is instruction i what the loop of stage v is for? Past the last stage: stores.
static bool wanted_in(const ti_kernel *k, const ti_stages *s, int v, int i) {
    if (v == s->n) return k->inst[i].kind == TI_I_STORE && k->inst[i].row;
    return k->inst[i].kind == TI_I_REDUCE && s->of[i] == v;
}

// The loop over the row of stage v: what is wanted in it, and what that needs of the row.
static void print_row_loop(const printer *p, const ti_stages *s, int v) {
    const ti_kernel *k = p->k;
    bool need[TI_MAX_STAGED] = {false}, any = false;
    for (int i = k->n_inst - 1; i >= 0; i--) {
        const ti_inst *in = &k->inst[i];
        bool wanted = wanted_in(k, s, v, i);
        any |= wanted;
        if (!wanted && !need[i]) continue;
        for (int q = 0; q < 3; q++)
            if (in->a[q] >= 0 && k->inst[in->a[q]].row) need[in->a[q]] = true;
    }
    if (!any) return;
    ti_buf_printf(p->out, "for (int64_t c = 0; c < a.extent[%d]; c++) {\n", k->space.rank - 1);
    for (int i = 0; i < k->n_inst; i++)
        if (need[i]) print_value(p, i);
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        if (!wanted_in(k, s, v, i)) continue;
        if (in->kind == TI_I_STORE) {
            print_store(p, in);
        } else {
            ti_buf_printf(p->out, "ti_%s_put_%s(&run%d, v%d);\n", reduction(in->code),
                          ti_print_suffix(in->src), i, in->a[0]);
        }
    }
    ti_buf_puts(p->out, "}\n");
}

// What stage v makes one a row: its reductions, and what follows from them.
static void print_stage(const printer *p, const ti_stages *s, int v) {
    const ti_kernel *k = p->k;
    for (int i = 0; i < k->n_inst; i++) {
        if (!wanted_in(k, s, v, i)) continue;
        const char *name = reduction(k->inst[i].code), *type = ti_print_suffix(k->inst[i].src);
        ti_buf_printf(p->out, "ti_%s_run_%s run%d;\nti_%s_open_%s(&run%d);\n", name, type, i, name,
                      type, i);
    }
    print_row_loop(p, s, v);
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        if (in->row || in->fixed || ti_row_leaf(in) || s->of[i] != v || in->kind == TI_I_STORE)
            continue;
        if (in->kind == TI_I_REDUCE) {
            ti_buf_printf(p->out, "const %s v%d = ti_%s_close_%s(&run%d);\n",
                          ti_print_type(in->dtype), i, reduction(in->code),
                          ti_print_suffix(in->src), i);
        } else {
            print_value(p, i);
        }
    }
}

static void print_rows(const printer *p) {
    const ti_kernel *k = p->k;
    ti_stages s;
    ti_find_stages(k, &s);
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].fixed || k->inst[i].kind == TI_I_DIM || ti_row_leaf(&k->inst[i]))
            print_value(p, i);
    for (int v = 0; v < s.n; v++) print_stage(p, &s, v);
    print_row_loop(p, &s, s.n);
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_STORE && !k->inst[i].row) print_store(p, &k->inst[i]);
}

// ---- kernels ------------------------------------------------------------------------------------

static int at_least_one(int n) { return n > 0 ? n : 1; }

static tarn_status print_args(const printer *p) {
    const ti_kernel *k = p->k;
    int n = at_least_one(k->n_access), r = at_least_one(k->space.rank);
    int d = at_least_one(dim_number(k, k->n_inst)), words = 10 + r + n + n * r + d;
    if (words > TI_CUDA_WORDS)
        return ti_error(TARN_ELIMIT, "%d operands take %d bytes of arguments, at most %d fit",
                        k->n_access, words * 8, TI_CUDA_WORDS * 8);
    ti_buf_printf(p->out, "TI_ARGS(k%d_args, %d, %d, %d)\n", p->number, n, r, d);
    return TARN_OK;
}

static void print_check(const printer *p) {
    const char *type = ti_print_type(p->k->dtype);
    ti_buf_puts(p->out, "if (ti_thread() || *a.failed) return;\n");
    ti_buf_printf(p->out, "if (!ti_finite_%s(*(const %s *)a.ptr[0])) *a.failed = %d;\n",
                  ti_print_suffix(p->k->dtype), type, p->number + 1);
}

static tarn_status print_kernel(const printer *p) {
    static const char *const rules[] = {[TI_K_MAP] = "map: one thread an element",
                                        [TI_K_ROWS] = "rows: one thread a row",
                                        [TI_K_COLS] = "cols: one thread a column",
                                        [TI_K_DOT] = "dot: one thread an element of the result",
                                        [TI_K_CHECK] = "check: one thread"};
    const ti_kernel *k = p->k;
    if (k->kind == TI_K_CALL)
        return ti_error(TARN_EUNSUPPORTED, "a call is a function of the host, not CUDA C");
    if (k->window.kh && (k->image.dim[1] < 0 || k->image.dim[2] < 0))
        return ti_error(TARN_EUNSUPPORTED, "images of named size are not printed as CUDA C");
    if (k->kind == TI_K_SCAN)
        return ti_error(TARN_EUNSUPPORTED, "a scan is a loop of the host, not printed as CUDA C");
    if (k->kind == TI_K_ROWS && k->n_inst > TI_MAX_STAGED)
        return ti_error(TARN_ELIMIT, "%d instructions in a row kernel, at most %d", k->n_inst,
                        TI_MAX_STAGED);
    ti_buf_printf(p->out, "/* %s, in blocks of %d */\n", rules[k->kind], TI_CUDA_THREADS);
    TI_TRY(print_args(p));
    ti_buf_printf(p->out, "TI_KERNEL k%d(const k%d_args a) {\n", p->number, p->number);
    if (k->kind != TI_K_CHECK) print_place(p);
    switch (k->kind) {
    case TI_K_CHECK: print_check(p); break;
    case TI_K_DOT: print_dot(p); break;
    case TI_K_COLS: print_cols(p); break;
    case TI_K_ROWS: print_rows(p); break;
    default: print_element(p);
    }
    ti_buf_puts(p->out, "}\n\n");
    return ti_buf_status(p->out);
}

tarn_status ti_cuda_print(const ti_plan *plan, ti_buf *out) {
    ti_buf_puts(out, ti_cuda_begin_text);
    ti_buf_puts(out, ti_prelude_text);
    ti_buf_puts(out, ti_cuda_device_text);
    ti_buf_puts(out, "\n");
    for (int i = 0; i < plan->n_kernels; i++) {
        printer p = {.p = plan, .k = &plan->kernels[i], .number = i, .out = out};
        tarn_status st = print_kernel(&p);
        if (st) return ti_error_at(st, "kernel %d (%s)", i, p.k->label);
    }
    return ti_buf_status(out);
}
