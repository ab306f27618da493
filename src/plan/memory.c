// Lifetimes, in-place results and offsets: the exact peak is known before the first run.
// Largest first, each at the lowest offset free during its life (greedy by size).
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

enum { ALIGN = 64 };

int64_t ti_plan_dim_max(const ti_plan *p, int64_t dim) {
    if (dim >= 0) return dim;
    const ti_sym *s = &p->sym[-dim - 1];
    if (s->a < 0) return s->maximum;
    int64_t m, a = ti_plan_dim_max(p, -(int64_t)s->a - 1);
    int64_t b = s->b < 0 ? 1 : ti_plan_dim_max(p, -(int64_t)s->b - 1);
    bool over = __builtin_mul_overflow(s->coef, a, &m) || __builtin_mul_overflow(m, b, &m);
    return over ? INT64_MAX : m;
}

void ti_kernel_values(const ti_kernel *k, void (*f)(void *ctx, int value, bool write), void *ctx) {
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        if (in->kind == TI_I_LOAD) f(ctx, k->access[in->access].value, false);
        if (in->kind == TI_I_STORE) f(ctx, k->access[in->access].value, true);
    }
    if (k->kind == TI_K_CHECK) f(ctx, k->value, false);
    if (k->kind == TI_K_CALL) f(ctx, k->value, true);
    for (int i = 0; i < k->n_in; i++) f(ctx, k->in[i], false);
    if (k->kind == TI_K_DOT || k->kind == TI_K_COLS) f(ctx, k->a.value, false);
    if (k->kind == TI_K_DOT) f(ctx, k->b.value, false);
}

typedef struct touch {
    ti_plan *p;
    int kernel;
} touch;

static void touch_value(void *ctx, int value, bool write) {
    touch *t = ctx;
    ti_value *v = &t->p->values[value];
    (void)write;
    if (v->first < 0) v->first = t->kernel;
    v->last = t->kernel;
}

static tarn_status sizes(ti_plan *p) {
    for (int i = 0; i < p->n_values; i++) {
        ti_value *v = &p->values[i];
        v->first = v->last = -1;
        if (v->place != TI_ARENA || v->bytes) continue;
        size_t n = tarn_dtype_size(v->dtype);
        for (int d = 0; d < v->shape.rank; d++)
            TI_TRY(ti_mul(n, (size_t)ti_plan_dim_max(p, v->shape.dim[d]), &n));
        v->bytes = n;
    }
    return TARN_OK;
}

static void lifetimes(ti_plan *p) {
    for (int i = 0; i < p->n_kernels; i++) {
        touch t = {p, i};
        ti_kernel_values(&p->kernels[i], touch_value, &t);
    }
    for (int i = 0; i < p->n_fetch; i++)
        if (p->fetch[i] >= 0) p->values[p->fetch[i]].last = p->n_kernels;
}

// ---- in place -----------------------------------------------------------------------------------

static bool same_access(const ti_access *a, const ti_access *b) {
    return tarn_shape_equal(&a->shape, &b->shape) && !memcmp(a->axis, b->axis, sizeof a->axis) &&
           !memcmp(a->start, b->start, sizeof a->start) &&
           !memcmp(a->step, b->step, sizeof a->step);
}

// A stored result may take over an operand that ends here and is read at the same index only.
static bool may_take(const ti_plan *p, int kernel, const ti_access *out, int operand) {
    const ti_kernel *k = &p->kernels[kernel];
    const ti_value *o = &p->values[operand], *v = &p->values[out->value];
    if (o->place != TI_ARENA || o->last != kernel || o->first == kernel || o->bytes != v->bytes ||
        o->dtype != v->dtype)
        return false;
    if (k->kind == TI_K_DOT && (k->a.value == operand || k->b.value == operand)) return false;
    if (k->kind == TI_K_COLS && k->a.value == operand) return false;
    for (int i = 0; i < k->n_access; i++)
        if (k->access[i].value == operand && !same_access(&k->access[i], out)) return false;
    for (int i = 0; i < p->n_values; i++)
        if (p->values[i].alias == operand) return false;
    return true;
}

static void in_place(ti_plan *p) {
    for (int i = 0; i < p->n_kernels; i++) {
        const ti_kernel *k = &p->kernels[i];
        for (int j = 0; j < k->n_inst && k->kind != TI_K_ROWS; j++) {
            if (k->inst[j].kind != TI_I_STORE) continue;
            const ti_access *out = &k->access[k->inst[j].access];
            ti_value *v = &p->values[out->value];
            if (v->place != TI_ARENA || v->alias >= 0) continue;
            for (int l = 0; l < j && v->alias < 0; l++)
                if (k->inst[l].kind == TI_I_LOAD &&
                    may_take(p, i, out, k->access[k->inst[l].access].value))
                    v->alias = k->access[k->inst[l].access].value;
        }
    }
}

// The value whose memory v uses in the end.
static int owner(const ti_plan *p, int v) {
    while (p->values[v].alias >= 0) v = p->values[v].alias;
    return v;
}

// ---- offsets ------------------------------------------------------------------------------------

typedef struct span {
    int value, first, last;
    size_t bytes, offset;
} span;

static bool placed_over(const span *s, const span *t, size_t offset) {
    bool time = s->first <= t->last && t->first <= s->last;
    return time && offset < t->offset + t->bytes && t->offset < offset + s->bytes;
}

// Lowest offset where s fits among the n spans already placed.
static size_t lowest(const span *s, const span *placed, int n) {
    size_t offset = 0;
    for (bool again = true; again;) {
        again = false;
        for (int i = 0; i < n; i++) {
            if (!placed_over(s, &placed[i], offset)) continue;
            offset = placed[i].offset + placed[i].bytes;
            again = true;
        }
    }
    return offset;
}

static int by_size(const void *a, const void *b) {
    const span *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->value < y->value ? -1 : 1;
}

static int gather_spans(const ti_plan *p, span *s) {
    int n = 0;
    for (int i = 0; i < p->n_values; i++) {
        const ti_value *v = &p->values[i];
        if (v->place != TI_ARENA || v->alias >= 0 || v->first < 0) continue;
        span t = {i, v->first, v->last, (v->bytes + ALIGN - 1) / ALIGN * ALIGN, 0};
        for (int j = 0; j < p->n_values; j++)
            if (owner(p, j) == i && p->values[j].last > t.last) t.last = p->values[j].last;
        s[n++] = t;
    }
    return n;
}

static tarn_status offsets(ti_plan *p) {
    span *s = NULL;
    TI_TRY(ti_alloc(((size_t)p->n_values + 1) * sizeof *s, &s));
    int n = gather_spans(p, s);
    qsort(s, (size_t)n, sizeof *s, by_size);
    for (int i = 0; i < n; i++) {
        s[i].offset = lowest(&s[i], s, i);
        p->values[s[i].value].offset = s[i].offset;
        if (s[i].offset + s[i].bytes > p->arena_bytes) p->arena_bytes = s[i].offset + s[i].bytes;
    }
    for (int i = 0; i < p->n_values; i++) p->values[i].offset = p->values[owner(p, i)].offset;
    ti_free(s);
    return TARN_OK;
}

tarn_status ti_plan_memory(ti_plan *p, const ti_plan_opts *opts) {
    TI_TRY(sizes(p));
    lifetimes(p);
    if (opts->in_place) in_place(p);
    return offsets(p);
}

// ---- checking -----------------------------------------------------------------------------------

// First and last kernel of every value, found anew: what the plan says is not trusted.
typedef struct lives {
    int *first, *last, kernel;
} lives;

static void touch_life(void *ctx, int value, bool write) {
    lives *l = ctx;
    (void)write;
    if (l->first[value] < 0) l->first[value] = l->kernel;
    l->last[value] = l->kernel;
}

static void find_lives(const ti_plan *p, lives *l) {
    for (int i = 0; i < p->n_values; i++) l->first[i] = l->last[i] = -1;
    for (l->kernel = 0; l->kernel < p->n_kernels; l->kernel++)
        ti_kernel_values(&p->kernels[l->kernel], touch_life, l);
    for (int i = 0; i < p->n_fetch; i++)
        if (p->fetch[i] >= 0) l->last[p->fetch[i]] = p->n_kernels;
}

// Are both alive at once? Not if one begins, in the place of the other, where that one ends.
static bool meet(const ti_plan *p, const lives *l, int i, int j) {
    if (l->first[i] > l->last[j] || l->first[j] > l->last[i]) return false;
    if (p->values[i].alias == j && l->first[i] == l->last[j]) return false;
    return p->values[j].alias != i || l->first[j] != l->last[i];
}

static tarn_status check_place(const ti_plan *p, const lives *l, int i) {
    const ti_value *a = &p->values[i];
    if (a->place != TI_ARENA || l->first[i] < 0) return TARN_OK;
    if (a->bytes > p->arena_bytes || a->offset > p->arena_bytes - a->bytes)
        return ti_error(TARN_ESTATE, "plan: value %d ends after the arena", i);
    for (int j = 0; j < i; j++) {
        const ti_value *b = &p->values[j];
        if (b->place != TI_ARENA || l->first[j] < 0 || !meet(p, l, i, j)) continue;
        if (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
            return ti_error(TARN_ESTATE, "plan: values %d and %d overlap", i, j);
    }
    return TARN_OK;
}

static tarn_status no_overlap(const ti_plan *p) {
    lives l = {0};
    size_t n = (size_t)p->n_values + 1;
    tarn_status st = ti_alloc(n * sizeof *l.first, &l.first);
    if (!st) st = ti_alloc(n * sizeof *l.last, &l.last);
    if (!st) find_lives(p, &l);
    for (int i = 0; !st && i < p->n_values; i++) st = check_place(p, &l, i);
    ti_free(l.first);
    ti_free(l.last);
    return st;
}

// Reads and writes of one kernel against what earlier kernels wrote: temporaries are written
// before they are read, variables (whose reads mean the start of the step) after.
typedef struct order {
    const ti_plan *p;
    bool *written;
    int wrong;   // a value read on the wrong side of its write, -1
    bool store;  // which of the two to look at
} order;

static void look(void *ctx, int value, bool write) {
    order *o = ctx;
    ti_place place = o->p->values[value].place;
    if (write && o->store) o->written[value] = true;
    if (write || o->store || place == TI_INPUT) return;
    if (o->written[value] != (place == TI_ARENA)) o->wrong = value;
}

static tarn_status read_in_order(const ti_plan *p) {
    order o = {.p = p, .wrong = -1};
    TI_TRY(ti_alloc_zero((size_t)p->n_values + 1, &o.written));
    int i = 0;
    for (; i < p->n_kernels && o.wrong < 0; i++) {
        o.store = false;
        ti_kernel_values(&p->kernels[i], look, &o);
        o.store = true;
        ti_kernel_values(&p->kernels[i], look, &o);
    }
    ti_free(o.written);
    if (o.wrong < 0) return TARN_OK;
    const ti_value *v = &p->values[o.wrong];
    if (v->place == TI_VARIABLE)
        return ti_error(TARN_EUNSUPPORTED, "'%s' is read after the step has overwritten it",
                        v->var->name);
    return ti_error(TARN_ESTATE, "plan: kernel %d reads value %d before it is written", i - 1,
                    o.wrong);
}

// No access leaves its value: along a named dimension it is whole.
static bool inside(const ti_kernel *k, const ti_access *a) {
    for (int i = 0; i < a->shape.rank; i++) {
        int64_t size = a->shape.dim[i], n = 1;
        for (int d = 0; d < k->space.rank; d++)
            if (a->axis[d] == i) n = k->space.dim[d];
        if (size < 0 && (a->start[i] || a->step[i] != 1)) return false;
        if (size <= 0 || n <= 0) continue;
        if (a->start[i] < 0 || a->step[i] < 1 || a->start[i] >= size ||
            (n - 1) > (size - 1 - a->start[i]) / a->step[i])
            return false;
    }
    return true;
}

static tarn_status all_inside(const ti_plan *p) {
    for (int i = 0; i < p->n_kernels; i++)
        for (int j = 0; j < p->kernels[i].n_access; j++)
            if (!inside(&p->kernels[i], &p->kernels[i].access[j]))
                return ti_error(TARN_ESTATE, "plan: access %d of kernel %d leaves its value", j, i);
    return TARN_OK;
}

tarn_status ti_plan_verify(const ti_plan *p) {
    TI_TRY(no_overlap(p));
    TI_TRY(all_inside(p));
    return read_in_order(p);
}
