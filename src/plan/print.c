// A plan as stable text: values with lifetimes and offsets, kernels with their instructions.
#include "plan/plan.h"

static const char *const kernel_names[] = {"map", "rows", "cols", "dot", "check", "call"};
static const char *const code_names[] = {
#define NAME(name, n) #name,
    TI_CODE_MAP(NAME)
#undef NAME
};

static void print_shape(const ti_plan *p, const tarn_shape *s, ti_buf *out) {
    tarn_graph names = {.n_sym = p->n_sym};
    char text[160];
    for (int i = 0; i < p->n_sym; i++) names.sym[i] = p->sym[i];
    ti_named_shape_text(&names, s, text, sizeof text);
    ti_buf_puts(out, text);
}

static void print_access(const ti_plan *p, const ti_kernel *k, const ti_access *a, ti_buf *out) {
    if (a->value >= 0) ti_buf_printf(out, " v%d", a->value);
    if (a->value < 0) ti_buf_puts(out, a->value == TI_LINEAR ? " linear" : " along");
    print_shape(p, &a->shape, out);
    ti_buf_puts(out, "(");
    for (int d = 0; d < k->space.rank; d++)
        ti_buf_printf(out, a->axis[d] < 0 ? "%s-" : "%s%d", d ? "," : "", a->axis[d]);
    ti_buf_puts(out, ")");
    for (int i = 0; i < a->shape.rank; i++)
        if (a->start[i] || a->step[i] != 1)
            ti_buf_printf(out, " axis %d: %lld+%lld", i, (long long)a->start[i],
                          (long long)a->step[i]);
}

static void print_inst(const ti_plan *p, const ti_kernel *k, int i, ti_buf *out) {
    static const char *const kinds[] = {"acc",    "load", "const",  "dim",  "index",
                                        "random", "",     "reduce", "store"};
    static const char *const reduces[] = {"sum", "max", "argmax"};
    const ti_inst *in = &k->inst[i];
    ti_buf_printf(out, "    %%%d = %s%s %s", i, kinds[in->kind],
                  in->kind == TI_I_CODE ? code_names[in->code] : "",
                  tarn_dtype_name((tarn_dtype)in->dtype));
    if (in->kind == TI_I_REDUCE) ti_buf_printf(out, " %s", reduces[in->code]);
    for (int q = 0; q < 3; q++)
        if (in->a[q] >= 0) ti_buf_printf(out, " %%%d", in->a[q]);
    if (in->kind == TI_I_CONST) ti_buf_printf(out, " %.9g", in->imm);
    if (in->access >= 0) print_access(p, k, &k->access[in->access], out);
    ti_buf_printf(out, "%s%s\n", in->fixed ? " fixed" : "",
                  k->kind == TI_K_ROWS && in->row ? " row" : "");
}

static void print_kernel(const ti_plan *p, int i, ti_buf *out) {
    const ti_kernel *k = &p->kernels[i];
    ti_buf_printf(out, "kernel %d %s ", i, kernel_names[k->kind]);
    print_shape(p, &k->space, out);
    if (k->kind == TI_K_DOT) {
        ti_buf_puts(out, " a");
        print_access(p, k, &k->a, out);
        if (k->window.kh)
            ti_buf_printf(out, " windows %dx%d", (int)k->window.kh, (int)k->window.kw);
        ti_buf_puts(out, " b");
        print_access(p, k, &k->b, out);
    }
    if (k->kind == TI_K_COLS) print_access(p, k, &k->a, out);
    if (k->kind == TI_K_CALL) {
        ti_buf_printf(out, " v%d = %s", k->value, k->at.name ? k->at.name : k->op->name);
        for (int j = 0; j < k->n_in; j++) ti_buf_printf(out, " v%d", k->in[j]);
    }
    if (k->kind == TI_K_CHECK) ti_buf_printf(out, " v%d '%s'", k->value, k->what);
    ti_buf_printf(out, *k->label ? "  # %s\n" : "\n", k->label);
    for (int j = 0; j < k->n_inst; j++) print_inst(p, k, j, out);
}

static bool packed(const ti_plan *p, const ti_access *a) {
    return p->values[a->value].place == TI_VARIABLE && p->values[a->value].var->form == TI_PANELS;
}

static bool reorders(const ti_plan *p, const ti_kernel *k) {
    bool other_places = false;
    if (k->kind != TI_K_MAP) return false;
    for (int i = 0; i < k->n_inst; i++) {
        if (k->inst[i].kind != TI_I_LOAD && k->inst[i].kind != TI_I_STORE) return false;
        const ti_access *a = &k->access[k->inst[i].access];
        other_places |= packed(p, a) || !ti_access_identity(a, k->space.rank);
    }
    return other_places;
}

int ti_plan_reorders(const ti_plan *p) {
    int n = 0;
    for (int i = 0; i < p->n_kernels; i++) n += reorders(p, &p->kernels[i]);
    return n;
}

void ti_plan_print(const ti_plan *p, ti_buf *out) {
    static const char *const places[] = {"arena", "input", "variable"};
    for (int i = 0; i < p->n_values; i++) {
        const ti_value *v = &p->values[i];
        ti_buf_printf(out, "v%d %s %s ", i, places[v->place], tarn_dtype_name(v->dtype));
        print_shape(p, &v->shape, out);
        if (v->place == TI_VARIABLE) ti_buf_printf(out, " '%s'", v->var->name);
        if (v->place == TI_ARENA)
            ti_buf_printf(out, " [%d,%d] at %zu size %zu", v->first, v->last, v->offset, v->bytes);
        if (v->alias >= 0) ti_buf_printf(out, " in place of v%d", v->alias);
        ti_buf_puts(out, "\n");
    }
    for (int i = 0; i < p->n_kernels; i++) print_kernel(p, i, out);
    ti_buf_printf(out, "reorders %d\narena %zu bytes\n", ti_plan_reorders(p), p->arena_bytes);
}
