// Programs on the CPU: made from a plan once, then run as a walk over the steps. One parallel
// region a run: every thread walks the same list and meets the others where steps conflict.
#include "backend/cpu/program.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/cpu/cpu.h"
#include "base/pool.h"

// ---- making -------------------------------------------------------------------------------------

static tarn_status add_fixup(ti_cpu_program *p, char **at, int input) {
    p->fixups[p->n_fixups++] = (ti_fixup){at, input};
    return TARN_OK;
}

// *at = where the value lies; inputs move from run to run.
tarn_status ti_locate(ti_cpu_program *p, int value, char **at) {
    const ti_value *v = &p->plan->values[value];
    *at = NULL;
    if (v->place == TI_INPUT) return add_fixup(p, at, v->input);
    *at = v->place == TI_VARIABLE ? v->var->data : p->arena + v->offset;
    return TARN_OK;
}

static tarn_status locate_const(ti_cpu_program *p, int value, const char **at) {
    return ti_locate(p, value, (char **)(uintptr_t)at);
}

static void describe(const ti_plan *p, const ti_access *a, ti_matrix *m) {
    const ti_value *v = &p->values[a->value];
    m->size = tarn_dtype_size(v->dtype);
    m->panels = v->place == TI_VARIABLE && v->var->form == TI_PANELS;
    m->trans = a->axis[0] == 1;
    m->rows = m->panels ? v->var->shape.dim[0] : 0;
}

static void need_scratch(ti_cpu_program *p, const ti_step *s, size_t before_body) {
    size_t n = before_body + ti_icode_scratch(s->loop.icode);
    if (n > p->scratch_each) p->scratch_each = (n + 63) / 64 * 64;
}

static bool body_has_panels(const ti_step *s) {
    for (int i = 0; i < s->k->n_access; i++)
        if (s->loop.panels[i]) return true;
    return false;
}

static tarn_status make_contract(ti_cpu_program *p, ti_step *s) {
    ti_contract *c = &s->contract;
    const ti_kernel *k = s->k;
    c->isa = p->isa;
    c->loop = &s->loop;
    c->size = tarn_dtype_size(k->dtype);
    c->by_panel = body_has_panels(s);
    describe(p->plan, &k->a, &c->a);
    describe(p->plan, &k->b, &c->b);
    if (k->window.kh) {
        c->a.window = &s->window;
        c->a.c = k->image.dim[3];
    }
    TI_TRY(locate_const(p, k->a.value, &c->a.base));
    TI_TRY(locate_const(p, k->b.value, &c->b.base));
    int64_t m = ti_plan_dim_max(p->plan, k->space.dim[k->space.rank - 2]);
    int64_t n = ti_plan_dim_max(p->plan, k->space.dim[k->space.rank - 1]);
    need_scratch(p, s, ti_contract_scratch(c, m, n, ti_plan_dim_max(p->plan, k->depth)));
    return TARN_OK;
}

static tarn_status make_colsum(ti_cpu_program *p, ti_step *s) {
    s->colsum = (ti_colsum){.isa = p->isa, .loop = &s->loop, .dtype = s->k->dtype};
    for (int i = 0; i < s->k->n_inst; i++)
        if (s->k->inst[i].kind == TI_I_ACC) s->colsum.code = (ti_reduce)s->k->inst[i].code;
    return locate_const(p, s->k->a.value, &s->colsum.x);
}

static tarn_status make_call(ti_cpu_program *p, ti_step *s) {
    const ti_kernel *k = s->k;
    TI_TRY(ti_arena_alloc(&p->memory, (size_t)(k->n_in + 1) * sizeof *s->call, &s->call));
    for (int i = 0; i <= k->n_in; i++) {
        int value = i < k->n_in ? k->in[i] : k->value;
        s->call[i].dtype = p->plan->values[value].dtype;
        TI_TRY(ti_locate(p, value, (char **)(void *)&s->call[i].data));
    }
    return TARN_OK;
}

static tarn_status make_step(ti_cpu_program *p, const ti_kernel *k, const ti_backend_opts *opts,
                             ti_step *s) {
    s->k = k;
    if (k->kind == TI_K_SCAN) return ti_scan_make(p, s, opts);
    if (k->kind == TI_K_CHECK) return locate_const(p, k->value, &s->checked);
    if (k->kind == TI_K_CALL) return make_call(p, s);
    TI_TRY(ti_loop_make(&p->memory, p->plan, k, p->isa->interp, &s->loop));
    for (int i = 0; i < k->n_access; i++)
        if (k->access[i].value >= 0) TI_TRY(ti_locate(p, k->access[i].value, &s->loop.ptr[i]));
    if (k->kind == TI_K_DOT) return make_contract(p, s);
    need_scratch(p, s, k->kind == TI_K_COLS ? ti_colsum_scratch() : 0);
    return k->kind == TI_K_COLS ? make_colsum(p, s) : TARN_OK;
}

// Big arenas are put on huge pages where the system grants them.
static tarn_status make_arena(ti_cpu_program *p) {
    TI_TRY(ti_alloc(p->plan->arena_bytes, &p->arena));
#ifdef MADV_HUGEPAGE
    enum { HUGE = 2 << 20 };
    uintptr_t lo = ((uintptr_t)p->arena + HUGE - 1) / HUGE * HUGE;
    uintptr_t hi = ((uintptr_t)p->arena + p->plan->arena_bytes) / HUGE * HUGE;
    if (hi > lo) (void)madvise((void *)lo, hi - lo, MADV_HUGEPAGE);
#endif
    return TARN_OK;
}

static tarn_status make_scratch(ti_cpu_program *p, int threads) {
    char *more = NULL;
    TI_TRY(ti_alloc((size_t)threads * p->scratch_each, &more));
    ti_free(p->scratch);
    p->scratch = more;
    p->scratch_threads = threads;
    return TARN_OK;
}

// Where an owner's memory is dead: after the last use of all values that share it.
static tarn_status make_dead(ti_cpu_program *p) {
    const ti_plan *q = p->plan;
    TI_TRY(ti_arena_alloc(&p->memory, ((size_t)q->n_values + 1) * sizeof *p->dead, &p->dead));
    for (int i = 0; i < q->n_values; i++) {
        const ti_value *v = &q->values[i];
        if (v->place != TI_ARENA || v->alias >= 0 || v->first < 0) continue;
        int last = v->last;
        for (int j = 0; j < q->n_values; j++) {
            int o = j;
            while (q->values[o].alias >= 0) o = q->values[o].alias;
            if (o == i && q->values[j].last > last) last = q->values[j].last;
        }
        if (last < q->n_kernels) p->dead[p->n_dead++] = (ti_dead){last, v->offset, v->bytes};
    }
    return TARN_OK;
}

static tarn_status make_steps(ti_cpu_program *p, const ti_backend_opts *opts) {
    size_t n = (size_t)p->plan->n_kernels, fixups = 8;
    for (size_t i = 0; i < n; i++) {
        const ti_kernel *k = &p->plan->kernels[i];
        fixups += (size_t)(k->n_access + k->n_in) + 4;
    }
    TI_TRY(ti_arena_alloc(&p->memory, (n + 1) * sizeof *p->steps, &p->steps));
    TI_TRY(ti_arena_alloc(&p->memory, fixups * sizeof *p->fixups, &p->fixups));
    for (; p->n_steps < p->plan->n_kernels; p->n_steps++) {
        const ti_kernel *k = &p->plan->kernels[p->n_steps];
        tarn_status st = make_step(p, k, opts, &p->steps[p->n_steps]);
        if (st) return ti_error_at(st, "kernel %d (%s)", p->n_steps, k->label);
    }
    return TARN_OK;
}

// A thread goes on to the next step while others are still in this one, up to a step that touches
// what was touched since all met.
static void set_waits(ti_cpu_program *p, bool always) {
    int met = 0;
    for (int i = 1; i < p->n_steps; i++) {
        ti_step *s = &p->steps[i];
        for (int j = met; j < i && !s->waits; j++)
            s->waits = always || ti_kernels_conflict(p->plan, s->k, p->steps[j].k);
        if (s->waits) met = i;
    }
}

void ti_cpu_program_free(ti_cpu_program *p) {
    if (!p) return;
    ti_jit_free(p);
    for (int i = 0; p->steps && i <= p->n_steps; i++)  // the last may be half made
        if (p->steps[i].scan) ti_cpu_program_free(p->steps[i].scan->body);
    ti_arena_free(&p->memory);
    if (!p->inner) ti_free(p->arena);
    ti_free(p->scratch);
    ti_free(p);
}
static void program_free(void *program) { ti_cpu_program_free(program); }

tarn_status ti_cpu_program_make(const ti_plan *plan, const ti_backend_opts *opts, char *arena,
                                ti_cpu_program **out) {
    ti_cpu_program *p = NULL;
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    p->plan = plan;
    p->isa = ti_isa_pick();
    p->profile = opts->profile && !arena;
    p->inner = arena != NULL;
    p->arena = arena;
    p->failed = -1;
    tarn_status st = p->inner ? TARN_OK : make_arena(p);
    if (!st) st = make_steps(p, opts);
    if (!st && !p->inner) st = make_scratch(p, tarn_threads());
    if (!st) set_waits(p, opts->poison || opts->profile);
    if (!st && opts->poison) st = make_dead(p);
    if (!st) st = ti_jit_start(p, opts->jit);
    if (st) {
        ti_cpu_program_free(p);
    } else {
        *out = p;
    }
    return st;
}

static tarn_status compile(const ti_plan *plan, const ti_work *work, const ti_backend_opts *opts,
                           void **program) {
    ti_cpu_program *p = NULL;
    (void)work;
    TI_TRY(ti_cpu_program_make(plan, opts, NULL, &p));
    *program = p;
    return TARN_OK;
}

// ---- binding ------------------------------------------------------------------------------------

static void bind_call(const ti_plan *p, ti_step *s, const int64_t *dims) {
    const ti_kernel *k = s->k;
    for (int i = 0; i <= k->n_in; i++) {
        tarn_shape *shape = &s->call[i].shape;
        *shape = p->values[i < k->n_in ? k->in[i] : k->value].shape;
        for (int d = 0; d < shape->rank; d++) shape->dim[d] = ti_dim_value(shape->dim[d], dims);
    }
}

static void bind_window(ti_step *s, const int64_t *dims) {
    const ti_kernel *k = s->k;
    s->window = k->window;
    s->window.oh = (int32_t)ti_dim_value(k->window.oh, dims);
    s->window.ow = (int32_t)ti_dim_value(k->window.ow, dims);
    s->contract.a.h = ti_dim_value(k->image.dim[1], dims);
    s->contract.a.w = ti_dim_value(k->image.dim[2], dims);
}

static void bind_contract(ti_step *s, const int64_t *dims) {
    const ti_kernel *k = s->k;
    ti_contract *c = &s->contract;
    int row = k->space.rank - 2, col = row + 1;
    c->n_lead = row;
    c->products = 1;
    for (int d = 0; d < row; d++) {
        c->extent[d] = ti_dim_value(k->space.dim[d], dims);
        c->a_stride[d] = ti_access_stride(&k->a, d, dims);
        c->b_stride[d] = ti_access_stride(&k->b, d, dims);
        c->products *= c->extent[d];
    }
    c->m = ti_dim_value(k->space.dim[row], dims);
    c->n = ti_dim_value(k->space.dim[col], dims);
    c->k = ti_dim_value(k->depth, dims);
    if (k->window.kh) bind_window(s, dims);
    c->a.rs = ti_access_stride(&k->a, row, dims);
    c->a.cs = ti_access_stride(&k->a, col, dims);
    c->b.rs = ti_access_stride(&k->b, row, dims);
    c->b.cs = ti_access_stride(&k->b, col, dims);
}

static void bind_step(const ti_plan *p, ti_step *s, const int64_t *dims) {
    const ti_kernel *k = s->k;
    if (k->kind == TI_K_CHECK) return;
    if (k->kind == TI_K_CALL) {
        bind_call(p, s, dims);
        return;
    }
    if (k->kind == TI_K_SCAN) {
        ti_scan_bind(p, s, dims);
        return;
    }
    ti_loop_bind(&s->loop, dims);
    if (k->kind == TI_K_DOT) bind_contract(s, dims);
    if (k->kind == TI_K_COLS) {
        s->colsum.rows = ti_dim_value(k->depth, dims);
        s->colsum.cols = ti_dim_value(k->space.dim[0], dims);
        s->colsum.rs = ti_access_stride(&k->a, 0, dims);
        s->colsum.cs = ti_access_stride(&k->a, 1, dims);
        s->colsum.first = ti_access_offset(&k->a, dims);
    }
}

void ti_cpu_program_bind(ti_cpu_program *p, const int64_t *dims) {
    for (int i = 0; i < p->n_steps; i++) bind_step(p->plan, &p->steps[i], dims);
}

// ---- running ------------------------------------------------------------------------------------

static bool is_finite(const ti_step *s) {
    if (s->k->dtype == TARN_F32) return isfinite(*(const float *)(const void *)s->checked);
    return isfinite(*(const double *)(const void *)s->checked);
}

static void run_step(const ti_step *s, char *scratch, int thread, int n) {
    switch (s->k->kind) {
    case TI_K_DOT: ti_contract_run(&s->contract, scratch, thread, n); break;
    case TI_K_COLS: ti_colsum_run(&s->colsum, scratch, thread, n); break;
    default: ti_loop_run(&s->loop, scratch, thread, n); break;
    }
}

static void poison(const ti_cpu_program *p, int step, int thread, int n) {
    ti_pool_barrier(n);
    for (int i = 0; i < p->n_dead && thread == 0; i++)
        if (p->dead[i].step == step) memset(p->arena + p->dead[i].offset, 0xff, p->dead[i].bytes);
    ti_pool_barrier(n);
}

// On one thread; all see how it ended.
static tarn_status run_call(ti_step *s, int thread, int n) {
    if (thread == 0) s->status = s->k->op->call(&s->k->at, s->call, &s->call[s->k->n_in]);
    ti_pool_barrier(n);
    return s->status;
}

static void clock_step(ti_step *s, double *start) {
    double now = ti_now(), took = now - *start;
    s->sum += took;
    if (s->best == 0 || took < s->best) s->best = took;
    *start = now;
}

tarn_status ti_cpu_program_walk(ti_cpu_program *p, char *scratch, int thread, int n) {
    bool timed = p->profile && thread == 0;
    double start = timed ? ti_now() : 0;
    for (int i = 0; i < p->n_steps; i++) {
        tarn_status st = TARN_OK;
        ti_step *s = &p->steps[i];
        if (s->waits) ti_pool_barrier(n);
        if (timed && i) clock_step(&p->steps[i - 1], &start);
        if (s->k->kind == TI_K_CHECK) {  // every thread sees the same value and stops by itself
            if (is_finite(s)) continue;
            if (thread == 0) p->failed = i;
            return TARN_OK;
        }
        if (s->k->kind == TI_K_CALL) {
            st = run_call(s, thread, n);
        } else if (s->k->kind == TI_K_SCAN) {
            st = ti_scan_run(s, scratch, thread, n);
        } else {
            run_step(s, scratch, thread, n);
        }
        if (st) return st;
        if (p->n_dead) poison(p, i, thread, n);
    }
    if (timed && p->n_steps) clock_step(&p->steps[p->n_steps - 1], &start);
    return TARN_OK;
}

static void walk(void *ctx, int thread, int n) {
    ti_cpu_program *p = ctx;
    char *scratch = p->scratch + (size_t)thread * p->scratch_each;
    tarn_status st = ti_cpu_program_walk(p, scratch, thread, n);
    if (thread == 0) p->status = st;
}

static void poll(ti_cpu_program *p) {
    ti_jit_poll(p);
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scan) poll(p->steps[i].scan->body);
}

static tarn_status run(void *program, const ti_run *r) {
    ti_cpu_program *p = program;
    poll(p);
    if (tarn_threads() > p->scratch_threads) TI_TRY(make_scratch(p, tarn_threads()));
    p->inputs = r->inputs;
    for (int i = 0; i < p->n_fixups; i++)
        *p->fixups[i].at = (char *)(uintptr_t)r->inputs[p->fixups[i].input];
    if (r->rebind) ti_cpu_program_bind(p, r->dims);
    p->failed = -1;
    p->status = TARN_OK;
    ti_pool_run(walk, p, p->scratch_threads);
    if (p->status) return p->status;
    if (p->failed < 0) return TARN_OK;
    return ti_error(TARN_ENUMERIC, "%s is not finite", p->steps[p->failed].k->what);
}

const void *ti_cpu_program_result(const ti_cpu_program *p, int i) {
    int value = p->plan->fetch[i];
    if (value < 0) return NULL;
    const ti_value *v = &p->plan->values[value];
    if (v->place == TI_INPUT) return p->inputs[v->input];
    return v->place == TI_VARIABLE ? (const void *)v->var->data : p->arena + v->offset;
}

static const void *result(void *program, int i) { return ti_cpu_program_result(program, i); }

static bool ready(const ti_cpu_program *p) {
    bool all = ti_jit_ready(p);
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scan) all &= ready(p->steps[i].scan->body);
    return all;
}

static void info(const void *program, tarn_program_info *out) {
    const ti_cpu_program *p = program;
    out->scratch_bytes = p->scratch_each * (size_t)p->scratch_threads;
    out->compiled = ready(p);
}

static void times(const void *program, int i, double *sum, double *best) {
    const ti_step *s = &((const ti_cpu_program *)program)->steps[i];
    *sum = s->sum;
    *best = s->best;
}

const ti_backend ti_backend_cpu = {.name = "cpu",
                                   .compile = compile,
                                   .run = run,
                                   .result = result,
                                   .info = info,
                                   .times = times,
                                   .free = program_free};
