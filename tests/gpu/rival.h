// The kernels printed as CUDA C, run beside the CPU device on a machine of functions: the processor
// through a shim, or a GPU through its driver. Its memory holds an arena, inputs and copies of the
// store's variables as the plan says; after every step all fetched values and all variables must
// have the CPU device's bits.
#ifndef GPU_RIVAL_H
#define GPU_RIVAL_H

#include "codegen/cuda/cuda.h"
#include "exec/program.h"
#include "ops/support.h"

typedef struct machine {
    void (*load)(const char *text, int n_kernels);  // compiles and loads
    uint64_t (*alloc)(size_t bytes);                // address of device memory
    void (*put)(uint64_t to, const void *from, size_t bytes);
    void (*get)(void *to, uint64_t from, size_t bytes);
    void (*launch)(int kernel, const ti_cuda_launch *l);
    void (*free)(void);  // what was loaded and allocated
} machine;

typedef struct rival {
    const machine *m;
    const tarn_program *p;
    uint64_t *where;  // by value
    uint64_t arena, failed;
} rival;

static inline size_t rival_most(const ti_plan *p, const ti_value *v) {
    int64_t n = (int64_t)tarn_dtype_size(v->dtype);
    for (int d = 0; d < v->shape.rank; d++) n *= ti_plan_dim_max(p, v->shape.dim[d]);
    return v->place == TI_VARIABLE ? v->var->bytes : (size_t)n;
}

static inline void rival_make(const machine *m, const tarn_program *p, rival *r) {
    ti_buf text;
    ti_buf_init(&text, 64u << 20);
    CHECK_OK(ti_cuda_print(p->plan, &text));
    m->load(text.data, p->plan->n_kernels);
    ti_buf_free(&text);
    *r = (rival){.m = m, .p = p, .arena = m->alloc(p->plan->arena_bytes), .failed = m->alloc(4)};
    CHECK_OK(ti_alloc_zero((size_t)(p->plan->n_values + 1) * sizeof *r->where, &r->where));
    for (int i = 0; i < p->plan->n_values; i++) {
        const ti_value *v = &p->plan->values[i];
        r->where[i] = v->place == TI_ARENA ? r->arena + v->offset
                                           : m->alloc(rival_most(p->plan, v));
        if (v->place == TI_VARIABLE) m->put(r->where[i], v->var->data, v->var->bytes);
    }
}

static inline void rival_free(rival *r) {
    r->m->free();
    ti_free(r->where);
}

static inline size_t rival_bytes(const rival *r, const ti_value *v) {
    tarn_shape s = v->shape;
    for (int d = 0; d < s.rank; d++) s.dim[d] = ti_dim_value(s.dim[d], r->p->own.dims);
    return v->place == TI_VARIABLE ? v->var->bytes
                                   : (size_t)tarn_shape_numel(&s) * tarn_dtype_size(v->dtype);
}

static inline void rival_same(const rival *r, int value, const void *want, const char *program,
                              const char *what) {
    const ti_value *v = &r->p->plan->values[value];
    size_t bytes = rival_bytes(r, v), size = tarn_dtype_size(v->dtype);
    char *got = NULL;
    CHECK_OK(ti_alloc(bytes, &got));
    r->m->get(got, r->where[value], bytes);
    for (size_t i = 0; i < bytes; i++)
        if (got[i] != ((const char *)want)[i])
            test_fail(__FILE__, __LINE__, "%s, %s: other bits in element %zu of %zu", program, what,
                      i / size, bytes / size);
    ti_free(got);
}

// All kernels with the inputs bound to the program; number of the failed check, -1: none.
static inline int rival_run(rival *r) {
    const ti_plan *q = r->p->plan;
    int32_t failed = 0;
    r->m->put(r->failed, &failed, sizeof failed);
    for (int i = 0; i < q->n_inputs; i++) {
        int v = q->input_value[i];
        r->m->put(r->where[v], r->p->own.inputs[i], rival_bytes(r, &q->values[v]));
    }
    for (int i = 0; i < q->n_kernels; i++) {
        ti_cuda_launch l;
        ti_cuda_bind(q, i, r->p->own.dims, r->where, r->failed, &l);
        if (l.blocks) r->m->launch(i, &l);
    }
    r->m->get(&failed, r->failed, sizeof failed);
    return failed - 1;
}

static inline void rival_compare(const rival *r, const char *program) {
    const ti_plan *q = r->p->plan;
    for (int i = 0; i < q->n_fetch; i++)
        if (q->fetch[i] >= 0)
            rival_same(r, q->fetch[i], tarn_result(r->p, i, NULL), program, "a fetched value");
    for (int i = 0; i < q->n_values; i++)
        if (q->values[i].place == TI_VARIABLE)
            rival_same(r, i, q->values[i].var->data, program, q->values[i].var->name);
}

// A step of the program, then of its rival.
static inline void rival_step(rival *r, tarn_program *p, const char *program) {
    CHECK_OK(tarn_run(p));
    CHECK_EQ_I(rival_run(r), -1);
    rival_compare(r, program);
}
#endif
