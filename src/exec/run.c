// Binding inputs, running, reading results.
#include <math.h>
#include <string.h>

#include "exec/program.h"

static int find_input(const tarn_program *p, const char *name) {
    for (int i = 0; i < p->plan->n_inputs; i++)
        if (!strcmp(p->plan->inputs[i], name)) return i;
    return -1;
}

static tarn_status unknown_input(const tarn_program *p, const char *name) {
    ti_buf b;
    ti_buf_init(&b, 400);
    for (int i = 0; i < p->plan->n_inputs; i++)
        ti_buf_printf(&b, "%s'%s'", i ? ", " : "", p->plan->inputs[i]);
    tarn_status st = ti_error(TARN_ENOENT, "no input '%s'; the program has %s", name,
                              b.size ? b.data : "none");
    ti_buf_free(&b);
    return st;
}

static tarn_status misfit(const tarn_program *p, int input, const tarn_shape *got) {
    const tarn_shape *want = &p->plan->values[p->plan->input_value[input]].shape;
    tarn_graph names = {.n_sym = p->plan->n_sym};
    char a[160], b[160];
    memcpy(names.sym, p->plan->sym, sizeof names.sym);
    ti_named_shape_text(&names, want, a, sizeof a);
    ti_named_shape_text(NULL, got, b, sizeof b);
    return ti_error(TARN_ESHAPE, "input '%s' is %s, not %s", p->plan->inputs[input], a, b);
}

static tarn_status check_shape(const tarn_program *p, int input, const tarn_shape *s) {
    const tarn_shape *want = &p->plan->values[p->plan->input_value[input]].shape;
    if (s->rank != want->rank) return misfit(p, input, s);
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0 || (want->dim[i] >= 0 && want->dim[i] != s->dim[i]))
            return misfit(p, input, s);
        int64_t most = ti_plan_dim_max(p->plan, want->dim[i]);
        if (s->dim[i] > most)
            return ti_error(TARN_ELIMIT, "input '%s': %s is %lld, planned for at most %lld",
                            p->plan->inputs[input], p->plan->sym[-want->dim[i] - 1].name,
                            (long long)s->dim[i], (long long)most);
    }
    return TARN_OK;
}

tarn_status tarn_bind(tarn_program *p, const char *input, const void *data, tarn_shape shape) {
    int i = find_input(p, input);
    if (i < 0) return unknown_input(p, input);
    if (!data) return ti_error(TARN_EARG, "input '%s': data is NULL", input);
    if (!tarn_shape_equal(&p->bound[i], &shape) || !p->inputs[i]) {
        TI_TRY(check_shape(p, i, &shape));
        p->bound[i] = shape;
        p->reshaped = true;
    }
    p->inputs[i] = data;
    return TARN_OK;
}

// Values of the named dimensions from the bound shapes, which must agree.
static tarn_status resolve_dims(tarn_program *p) {
    int64_t dims[TI_MAX_SYMS];
    for (int i = 0; i < TI_MAX_SYMS; i++) dims[i] = -1;
    for (int i = 0; i < p->plan->n_inputs; i++) {
        const tarn_shape *want = &p->plan->values[p->plan->input_value[i]].shape;
        for (int d = 0; d < want->rank; d++) {
            if (want->dim[d] >= 0) continue;
            int64_t *v = &dims[-want->dim[d] - 1];
            if (*v >= 0 && *v != p->bound[i].dim[d])
                return ti_error(TARN_ESHAPE, "input '%s': %s is %lld, another input says %lld",
                                p->plan->inputs[i], p->plan->sym[-want->dim[d] - 1].name,
                                (long long)p->bound[i].dim[d], (long long)*v);
            *v = p->bound[i].dim[d];
        }
    }
    for (int i = 0; i < p->plan->n_sym; i++)
        p->dims[i] = dims[i] >= 0 ? dims[i] : p->plan->sym[i].maximum;
    ti_syms_resolve(p->plan->sym, p->plan->n_sym, p->dims);
    return TARN_OK;
}

tarn_status tarn_run(tarn_program *p) {
    for (int i = 0; i < p->plan->n_inputs; i++)
        if (!p->inputs[i])
            return ti_error(TARN_ESTATE, "input '%s' is not bound", p->plan->inputs[i]);
    bool rebind = p->reshaped || !p->ran;
    if (rebind) TI_TRY(resolve_dims(p));
    p->ran = true;
    p->runs++;
    ti_run r = {.inputs = p->inputs, .dims = p->dims, .rebind = rebind};
    tarn_status st = p->backend->run(p->compiled, &r);
    p->reshaped = st && rebind;  // what failed may not have bound everything
    return st == TARN_ENUMERIC ? ti_backend_find("ref")->explain(st, p->plan, &p->work, &r) : st;
}

const void *tarn_result(const tarn_program *p, int i, tarn_shape *shape) {
    if (i < 0 || i >= p->plan->n_fetch || p->plan->fetch[i] < 0 || !p->ran) return NULL;
    if (shape) {
        *shape = p->plan->fetch_shape[i];
        for (int d = 0; d < shape->rank; d++) shape->dim[d] = ti_dim_value(shape->dim[d], p->dims);
    }
    return p->backend->result(p->compiled, i);
}

double tarn_result_scalar(const tarn_program *p, int i) {
    const void *x = tarn_result(p, i, NULL);
    if (!x) return (double)NAN;
    switch (p->plan->values[p->plan->fetch[i]].dtype) {
    case TARN_F32: return (double)*(const float *)x;
    case TARN_F64: return *(const double *)x;
    case TARN_I32: return *(const int32_t *)x;
    case TARN_I64: return (double)*(const int64_t *)x;
    case TARN_U32: return *(const uint32_t *)x;
    default: return *(const uint8_t *)x;
    }
}

static double kernel_flops(const tarn_program *p, const ti_kernel *k) {
    if (k->kind != TI_K_DOT) return 0;
    return 2.0 * (double)ti_dim_value(k->space.dim[0], p->dims) *
           (double)ti_dim_value(k->space.dim[1], p->dims) * (double)ti_dim_value(k->depth, p->dims);
}

bool tarn_program_kernel(const tarn_program *p, int i, tarn_kernel_info *out) {
    static const char *const kinds[] = {"map", "rows", "cols", "dot", "check"};
    if (i < 0 || i >= p->plan->n_kernels) return false;
    const ti_kernel *k = &p->plan->kernels[i];
    *out = (tarn_kernel_info){
        .kind = kinds[k->kind], .label = k->label, .flops = kernel_flops(p, k), .runs = p->runs};
    p->backend->times(p->compiled, i, &out->seconds, &out->best);
    return true;
}

tarn_program_info tarn_program_stats(const tarn_program *p) {
    tarn_program_info s = {.arena_bytes = p->plan->arena_bytes,
                           .kernels = p->plan->n_kernels,
                           .compile_seconds = p->compile_seconds};
    for (int i = 0; i < p->plan->n_values; i++)
        if (p->plan->values[i].place == TI_VARIABLE)
            s.variable_bytes += p->plan->values[i].var->bytes;
    for (int i = 0; i < p->plan->n_kernels; i++) s.flops += kernel_flops(p, &p->plan->kernels[i]);
    p->backend->info(p->compiled, &s);
    return s;
}
