// Sessions: memory to run a program in. Binding inputs, running, reading results. A program has one
// of its own; a program that only reads may have more, one for each thread that runs it.
#include <math.h>
#include <string.h>

#include "exec/program.h"

// ---- making -------------------------------------------------------------------------------------

static tarn_status bindings(tarn_session *s) {
    const ti_plan *p = s->program->plan;
    size_t n = (size_t)p->n_inputs + 1;
    TI_TRY(ti_alloc_zero(n * sizeof *s->inputs, &s->inputs));
    TI_TRY(ti_alloc_zero(n * sizeof *s->bound, &s->bound));
    for (int i = 0; i < p->n_sym; i++) s->dims[i] = p->sym[i].maximum;
    ti_syms_resolve(p->sym, p->n_sym, s->dims);
    s->reshaped = true;
    return TARN_OK;
}

tarn_status ti_session_init(const tarn_program *p, tarn_session *s) {
    s->program = p;
    TI_TRY(bindings(s));
    return p->backend->compile(p->plan, &p->work, &p->opts, &s->compiled);
}

void ti_session_clear(tarn_session *s) {
    if (s->compiled) s->program->backend->free(s->compiled);
    ti_free(s->inputs);
    ti_free(s->bound);
}

static const char *written(const ti_plan *p) {
    for (int i = 0; i < p->n_kernels; i++) {
        const ti_kernel *k = &p->kernels[i];
        for (int j = 0; j < k->n_inst; j++) {
            if (k->inst[j].kind != TI_I_STORE) continue;
            const ti_value *v = &p->values[k->access[k->inst[j].access].value];
            if (v->place == TI_VARIABLE) return v->var->name;
        }
    }
    return NULL;
}

tarn_status tarn_session_create(const tarn_program *p, tarn_session **out) {
    tarn_session *s = NULL;
    const char *name = written(p->plan);
    if (name)
        return ti_error(TARN_ESTATE, "the program writes '%s': it runs alone, without sessions",
                        name);
    TI_TRY(ti_alloc_zero(sizeof *s, &s));
    tarn_status st = ti_session_init(p, s);
    if (st) {
        tarn_session_free(s);
    } else {
        *out = s;
    }
    return st;
}

void tarn_session_free(tarn_session *s) {
    if (!s) return;
    ti_session_clear(s);
    ti_free(s);
}

// ---- binding ------------------------------------------------------------------------------------

static int find_input(const ti_plan *p, const char *name) {
    for (int i = 0; i < p->n_inputs; i++)
        if (!strcmp(p->inputs[i], name)) return i;
    return -1;
}

static tarn_status unknown_input(const ti_plan *p, const char *name) {
    ti_buf b;
    ti_buf_init(&b, 400);
    for (int i = 0; i < p->n_inputs; i++) ti_buf_printf(&b, "%s'%s'", i ? ", " : "", p->inputs[i]);
    tarn_status st = ti_error(TARN_ENOENT, "no input '%s'; the program has %s", name,
                              b.size ? b.data : "none");
    ti_buf_free(&b);
    return st;
}

static tarn_status misfit(const ti_plan *p, int input, const tarn_shape *got) {
    const tarn_shape *want = &p->values[p->input_value[input]].shape;
    tarn_graph names = {.n_sym = p->n_sym};
    char a[160], b[160];
    memcpy(names.sym, p->sym, sizeof names.sym);
    ti_named_shape_text(&names, want, a, sizeof a);
    ti_named_shape_text(NULL, got, b, sizeof b);
    return ti_error(TARN_ESHAPE, "input '%s' is %s, not %s", p->inputs[input], a, b);
}

static tarn_status check_shape(const ti_plan *p, int input, const tarn_shape *s) {
    const tarn_shape *want = &p->values[p->input_value[input]].shape;
    if (s->rank != want->rank) return misfit(p, input, s);
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0 || (want->dim[i] >= 0 && want->dim[i] != s->dim[i]))
            return misfit(p, input, s);
        int64_t most = ti_plan_dim_max(p, want->dim[i]);
        if (s->dim[i] > most)
            return ti_error(TARN_ELIMIT, "input '%s': %s is %lld, planned for at most %lld",
                            p->inputs[input], p->sym[-want->dim[i] - 1].name, (long long)s->dim[i],
                            (long long)most);
    }
    return TARN_OK;
}

tarn_status tarn_session_bind(tarn_session *s, const char *input, const void *data,
                              tarn_shape shape) {
    const ti_plan *p = s->program->plan;
    int i = find_input(p, input);
    if (i < 0) return unknown_input(p, input);
    if (!data) return ti_error(TARN_EARG, "input '%s': data is NULL", input);
    if (!tarn_shape_equal(&s->bound[i], &shape) || !s->inputs[i]) {
        TI_TRY(check_shape(p, i, &shape));
        s->bound[i] = shape;
        s->reshaped = true;
    }
    s->inputs[i] = data;
    return TARN_OK;
}

// ---- running ------------------------------------------------------------------------------------

// Values of the named dimensions from the bound shapes, which must agree.
static tarn_status resolve_dims(tarn_session *s) {
    const ti_plan *p = s->program->plan;
    int64_t dims[TI_MAX_SYMS];
    for (int i = 0; i < TI_MAX_SYMS; i++) dims[i] = -1;
    for (int i = 0; i < p->n_inputs; i++) {
        const tarn_shape *want = &p->values[p->input_value[i]].shape;
        for (int d = 0; d < want->rank; d++) {
            if (want->dim[d] >= 0) continue;
            int64_t *v = &dims[-want->dim[d] - 1];
            if (*v >= 0 && *v != s->bound[i].dim[d])
                return ti_error(TARN_ESHAPE, "input '%s': %s is %lld, another input says %lld",
                                p->inputs[i], p->sym[-want->dim[d] - 1].name,
                                (long long)s->bound[i].dim[d], (long long)*v);
            *v = s->bound[i].dim[d];
        }
    }
    for (int i = 0; i < p->n_sym; i++) s->dims[i] = dims[i] >= 0 ? dims[i] : p->sym[i].maximum;
    ti_syms_resolve(p->sym, p->n_sym, s->dims);
    return TARN_OK;
}

tarn_status tarn_session_run(tarn_session *s) {
    const tarn_program *p = s->program;
    for (int i = 0; i < p->plan->n_inputs; i++)
        if (!s->inputs[i])
            return ti_error(TARN_ESTATE, "input '%s' is not bound", p->plan->inputs[i]);
    bool rebind = s->reshaped || !s->ran;
    if (rebind) TI_TRY(resolve_dims(s));
    s->ran = true;
    s->runs++;
    ti_run r = {.inputs = s->inputs, .dims = s->dims, .rebind = rebind};
    tarn_status st = p->backend->run(s->compiled, &r);
    s->reshaped = st && rebind;  // what failed may not have bound everything
    if (st != TARN_ENUMERIC) return st;
    return ti_backend_find("ref", NULL)->explain(st, p->plan, &p->work, &r);
}

// ---- results ------------------------------------------------------------------------------------

const void *tarn_session_result(const tarn_session *s, int i, tarn_shape *shape) {
    const ti_plan *p = s->program->plan;
    if (i < 0 || i >= p->n_fetch || p->fetch[i] < 0 || !s->ran) return NULL;
    if (shape) {
        *shape = p->fetch_shape[i];
        for (int d = 0; d < shape->rank; d++) shape->dim[d] = ti_dim_value(shape->dim[d], s->dims);
    }
    return s->program->backend->result(s->compiled, i);
}

double tarn_session_scalar(const tarn_session *s, int i) {
    const void *x = tarn_session_result(s, i, NULL);
    if (!x) return (double)NAN;
    switch (s->program->plan->values[s->program->plan->fetch[i]].dtype) {
    case TARN_F32: return (double)*(const float *)x;
    case TARN_F64: return *(const double *)x;
    case TARN_I32: return *(const int32_t *)x;
    case TARN_I64: return (double)*(const int64_t *)x;
    case TARN_U32: return *(const uint32_t *)x;
    default: return *(const uint8_t *)x;
    }
}
