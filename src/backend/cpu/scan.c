// Loops: the program of a step, run once for each. All threads walk it; the first moves its inputs
// on in between. A carry alternates between two places, the last of which is its result.
#include <string.h>

#include "backend/cpu/program.h"
#include "base/pool.h"

static tarn_status pointers(ti_cpu_program *p, const int *values, int n, char ***out) {
    TI_TRY(ti_arena_alloc(&p->memory, (size_t)(n + 1) * sizeof **out, out));
    for (int i = 0; i < n; i++)
        if (values[i] >= 0) TI_TRY(ti_locate(p, values[i], &(*out)[i]));
    return TARN_OK;
}

tarn_status ti_scan_make(ti_cpu_program *p, ti_step *s, const ti_backend_opts *opts) {
    const ti_scan *q = s->k->scan;
    ti_scan_loop *l = NULL;
    int n_out = q->n_roots + q->n_carry;
    TI_TRY(ti_arena_alloc(&p->memory, sizeof *l, &l));
    s->scan = l;
    TI_TRY(pointers(p, s->k->in, s->k->n_in, &l->in));
    TI_TRY(pointers(p, q->out, n_out, &l->out));
    TI_TRY(pointers(p, q->spare, q->n_carry, &l->spare));
    size_t inputs = (size_t)q->body->n_inputs + 1;
    TI_TRY(ti_arena_alloc(&p->memory, inputs * sizeof *l->inputs, &l->inputs));
    TI_TRY(
        ti_arena_alloc(&p->memory, (size_t)(s->k->n_in + 1) * sizeof *l->in_bytes, &l->in_bytes));
    TI_TRY(ti_arena_alloc(&p->memory, (size_t)(n_out + 1) * sizeof *l->out_bytes, &l->out_bytes));
    char *arena = NULL;
    TI_TRY(ti_locate(p, q->arena, &arena));
    TI_TRY(ti_cpu_program_make(q->body, opts, arena, &l->body));
    if (l->body->scratch_each > p->scratch_each) p->scratch_each = l->body->scratch_each;
    return TARN_OK;
}

// Bytes of a value, or of one element along its first axis.
static size_t bytes_of(const ti_plan *p, int value, bool step, const int64_t *dims) {
    const ti_value *v = &p->values[value];
    size_t n = tarn_dtype_size(v->dtype);
    for (int i = step; i < v->shape.rank; i++) n *= (size_t)ti_dim_value(v->shape.dim[i], dims);
    return n;
}

void ti_scan_bind(const ti_plan *p, ti_step *s, const int64_t *dims) {
    const ti_scan *q = s->k->scan;
    ti_scan_loop *l = s->scan;
    l->length = ti_dim_value(q->length, dims);
    for (int i = 0; i < q->body->n_inputs; i++)
        l->in_bytes[q->operand[i]] = bytes_of(q->body, q->body->input_value[i], false, dims);
    for (int i = 0; i < q->n_roots + q->n_carry; i++)
        if (q->out[i] >= 0) l->out_bytes[i] = bytes_of(p, q->out[i], i >= q->n_carry, dims);
    ti_cpu_program_bind(l->body, dims);
}

// Where carry i is before step `step`.
static char *carry_at(const ti_scan_loop *l, int i, int64_t step) {
    if (step == 0 && l->length > 0) return l->in[i];
    return (l->length - step) % 2 ? l->spare[i] : l->out[i];
}

// The body's inputs for a step, the t-th of the sequences.
static void move_on(const ti_scan_loop *l, const ti_scan *q, int64_t step, int64_t t) {
    ti_cpu_program *b = l->body;
    for (int i = 0; i < q->body->n_inputs; i++) {
        int o = q->operand[i];
        l->inputs[i] = o < q->n_carry            ? carry_at(l, o, step)
                       : o < q->n_carry + q->n_x ? l->in[o] + (size_t)t * l->in_bytes[o]
                                                 : l->in[o];
    }
    b->inputs = l->inputs;
    for (int i = 0; i < b->n_fixups; i++)
        *b->fixups[i].at = (char *)(uintptr_t)l->inputs[b->fixups[i].input];
}

// This thread's part of a copy.
static void copy(char *to, const void *from, size_t bytes, int thread, int n) {
    int64_t lo, hi;
    if (!to || !bytes) return;
    ti_share((int64_t)bytes, 64, thread, n, &lo, &hi);
    memcpy(to + lo, (const char *)from + lo, (size_t)(hi - lo));
}

static void keep(const ti_scan_loop *l, const ti_scan *q, int64_t step, int64_t t, int thread,
                 int n) {
    for (int i = 0; i < q->n_roots + q->n_carry; i++) {
        size_t bytes = l->out_bytes[i], at = (size_t)t * bytes;
        if (i < q->n_carry) {
            copy(carry_at(l, i, step + 1), ti_cpu_program_result(l->body, i), bytes, thread, n);
        } else if (l->out[i]) {
            const void *from = i < q->n_roots ? ti_cpu_program_result(l->body, i)
                                              : carry_at(l, i - q->n_roots, step);
            copy(l->out[i] + at, from, bytes, thread, n);
        }
    }
}

tarn_status ti_scan_run(const ti_step *s, char *scratch, int thread, int n) {
    const ti_scan *q = s->k->scan;
    const ti_scan_loop *l = s->scan;
    for (int i = 0; i < q->n_carry && l->length == 0; i++)
        copy(l->out[i], l->in[i], l->out_bytes[i], thread, n);
    for (int64_t step = 0; step < l->length; step++) {
        int64_t t = q->reverse ? l->length - 1 - step : step;
        if (thread == 0) move_on(l, q, step, t);
        ti_pool_barrier(n);
        TI_TRY(ti_cpu_program_walk(l->body, scratch, thread, n));
        ti_pool_barrier(n);
        keep(l, q, step, t, thread, n);
        ti_pool_barrier(n);
    }
    return TARN_OK;
}
