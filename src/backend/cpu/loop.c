// Binding and walking loop nests. Dimensions that are contiguous for every access are merged, so
// most maps become one long row; a packed variable [k,n] adds a dimension: panels, k, lanes.
#include "backend/cpu/loop.h"

#include <string.h>

#include "base/pool.h"

enum { SMALL = 1 << 13 };  // instructions x elements below which one thread does the work

tarn_status ti_loop_make(ti_arena *arena, const ti_plan *p, const ti_kernel *k,
                         const ti_interp *isa, ti_loop *l) {
    size_t n = (size_t)k->n_access + 1;
    int64_t row = k->kind == TI_K_ROWS ? ti_plan_dim_max(p, k->space.dim[k->space.rank - 1]) : 0;
    if (k->n_access > TI_MAX_ACCESS)
        return ti_error(TARN_ELIMIT, "a kernel has %d operands, at most %d", k->n_access,
                        TI_MAX_ACCESS);
    l->k = k;
    l->seed = p->seed;
    TI_TRY(ti_arena_alloc(arena, n * sizeof *l->ptr, &l->ptr));
    TI_TRY(ti_arena_alloc(arena, n * sizeof *l->size, &l->size));
    TI_TRY(ti_arena_alloc(arena, n * sizeof *l->panels, &l->panels));
    TI_TRY(ti_arena_alloc(arena, ((size_t)k->n_inst + 1) * sizeof *l->dims, &l->dims));
    for (int i = 0; i < 2; i++) {
        TI_TRY(ti_arena_alloc(arena, n * sizeof *l->nest[i].stride, &l->nest[i].stride));
        TI_TRY(ti_arena_alloc(arena, n * sizeof *l->nest[i].rs, &l->nest[i].rs));
        TI_TRY(ti_arena_alloc(arena, n * sizeof *l->nest[i].cs, &l->nest[i].cs));
        TI_TRY(ti_arena_alloc(arena, n * sizeof *l->nest[i].base, &l->nest[i].base));
    }
    for (int i = 0; i < k->n_access; i++) {
        if (k->access[i].value < 0) continue;
        const ti_value *v = &p->values[k->access[i].value];
        l->size[i] = tarn_dtype_size(v->dtype);
        l->panels[i] = v->place == TI_VARIABLE && v->var->form == TI_PANELS;
    }
    return ti_icode_make(arena, k, row, isa, &l->icode);
}

// ---- strides ------------------------------------------------------------------------------------

// Of a row-major array of the access's shape, along one of its axes.
static int64_t axis_stride(const ti_access *a, int axis, const int64_t *dims) {
    int64_t s = 1;
    if (a->value == TI_ALONG) return 1;
    for (int i = axis + 1; i < a->shape.rank; i++) s *= ti_dim_value(a->shape.dim[i], dims);
    return s;
}

int64_t ti_access_stride(const ti_access *a, int d, const int64_t *dims) {
    int axis = a->axis[d];
    return axis < 0 ? 0 : a->step[axis] * axis_stride(a, axis, dims);
}

int64_t ti_access_offset(const ti_access *a, const int64_t *dims) {
    int64_t s = 0;
    for (int i = 0; i < a->shape.rank; i++)
        if (a->start[i]) s += a->start[i] * axis_stride(a, i, dims);
    return s;
}

// A nest while it is made: all dimensions alike.
typedef struct raw {
    int rank, n;
    int64_t extent[TARN_MAX_RANK + 1];
    int64_t stride[TI_MAX_ACCESS][TARN_MAX_RANK + 1];
    int64_t base[TI_MAX_ACCESS];
} raw;

static void drop_units(raw *w) {
    int to = 0;
    for (int d = 0; d < w->rank; d++) {
        if (w->extent[d] == 1) continue;
        w->extent[to] = w->extent[d];
        for (int i = 0; i < w->n; i++) w->stride[i][to] = w->stride[i][d];
        to++;
    }
    w->rank = to;
}

static bool mergeable(const raw *w, int d) {
    for (int i = 0; i < w->n; i++)
        if (w->stride[i][d] != w->stride[i][d + 1] * w->extent[d + 1]) return false;
    return true;
}

// `keep`: innermost dimensions that stay as they are.
static void coalesce(raw *w, int keep) {
    for (int d = w->rank - 2 - keep; d >= 0; d--) {
        if (!mergeable(w, d)) continue;
        w->extent[d] *= w->extent[d + 1];
        for (int i = 0; i < w->n; i++) w->stride[i][d] = w->stride[i][d + 1];
        for (int e = d + 1; e + 1 < w->rank; e++) {
            w->extent[e] = w->extent[e + 1];
            for (int i = 0; i < w->n; i++) w->stride[i][e] = w->stride[i][e + 1];
        }
        w->rank--;
    }
}

static void freeze(const raw *w, ti_nest *n) {
    n->rank = w->rank > 2 ? w->rank - 2 : 0;
    n->cols = w->rank > 0 ? w->extent[w->rank - 1] : 1;
    n->rows = w->rank > 1 ? w->extent[w->rank - 2] : 1;
    memcpy(n->extent, w->extent, sizeof n->extent);
    for (int i = 0; i < w->n; i++) {
        for (int d = 0; d < n->rank; d++) n->stride[i][d] = w->stride[i][d];
        n->cs[i] = w->rank > 0 ? w->stride[i][w->rank - 1] : 0;
        n->rs[i] = w->rank > 1 ? w->stride[i][w->rank - 2] : 0;
        n->base[i] = w->base[i];
    }
}

// Panels [p0, p0 + panels) of `lanes` columns of a space [k, n].
static void bind_panels(ti_loop *l, const int64_t *dims, raw *w, int64_t p0, int64_t panels,
                        int64_t lanes) {
    int64_t k = ti_dim_value(l->k->space.dim[0], dims);
    w->rank = 3;
    w->extent[0] = panels;
    w->extent[1] = k;
    w->extent[2] = lanes;
    for (int i = 0; i < w->n; i++) {
        const ti_access *a = &l->k->access[i];
        int64_t s0 = ti_access_stride(a, 0, dims), s1 = ti_access_stride(a, 1, dims);
        w->stride[i][0] = l->panels[i] ? k * TI_PANEL : TI_PANEL * s1;
        w->stride[i][1] = l->panels[i] ? TI_PANEL : s0;
        w->stride[i][2] = l->panels[i] ? 1 : s1;
        w->base[i] = p0 * w->stride[i][0] + ti_access_offset(a, dims);
    }
    drop_units(w);
    coalesce(w, 0);
    freeze(w, &l->nest[l->n_nests++]);
}

void ti_loop_bind(ti_loop *l, const int64_t *dims) {
    const ti_kernel *k = l->k;
    raw w = {.n = k->n_access};
    bool packed = false;
    ti_kernel_dims(k, dims, l->dims);
    l->n_nests = 0;
    for (int i = 0; i < k->n_access; i++) packed |= l->panels[i];
    if (packed && k->kind == TI_K_MAP) {
        int64_t n = ti_dim_value(k->space.dim[1], dims), whole = n / TI_PANEL;
        if (whole) bind_panels(l, dims, &w, 0, whole, TI_PANEL);
        if (n % TI_PANEL) bind_panels(l, dims, &w, whole, 1, n % TI_PANEL);
        return;
    }
    w.rank = k->space.rank;
    for (int d = 0; d < w.rank; d++) {
        w.extent[d] = ti_dim_value(k->space.dim[d], dims);
        for (int i = 0; i < w.n; i++) w.stride[i][d] = ti_access_stride(&k->access[i], d, dims);
    }
    for (int i = 0; i < w.n; i++) w.base[i] = ti_access_offset(&k->access[i], dims);
    if (k->kind == TI_K_MAP) drop_units(&w);
    if (k->kind == TI_K_MAP || k->kind == TI_K_ROWS) coalesce(&w, k->kind == TI_K_ROWS);
    freeze(&w, &l->nest[l->n_nests++]);
}

// ---- walking ------------------------------------------------------------------------------------

static void place(const ti_loop *l, const ti_nest *n, int64_t outer, int64_t r, int64_t c,
                  ti_tile *t) {
    int64_t at[TARN_MAX_RANK];
    for (int d = n->rank - 1; d >= 0; d--) {
        at[d] = outer % n->extent[d];
        outer /= n->extent[d];
    }
    for (int i = 0; i < l->k->n_access; i++) {
        int64_t off = n->base[i] + r * n->rs[i] + c * n->cs[i];
        for (int d = 0; d < n->rank; d++) off += at[d] * n->stride[i][d];
        t->ptr[i] = l->ptr[i] ? l->ptr[i] + off * (int64_t)l->size[i] : NULL;
        t->index[i] = off;
        t->rs[i] = n->rs[i];
        t->cs[i] = n->cs[i];
    }
}

static void execute(const ti_loop *l, const ti_tile *t) {
    if (l->compiled) {
        l->compiled(t);
    } else {
        ti_icode_run(l->icode, t);
    }
}

// Rows lo..hi-1 of all outer x rows, and columns c0..c1-1 of each.
static void walk(const ti_loop *l, const ti_nest *n, ti_tile *t, int64_t lo, int64_t hi, int64_t c0,
                 int64_t c1) {
    while (lo < hi) {
        int64_t outer = lo / n->rows, r = lo % n->rows;
        t->rows = ti_min_i64(n->rows - r, hi - lo);
        t->cols = c1 - c0;
        place(l, n, outer, r, c0, t);
        execute(l, t);
        lo += t->rows;
    }
}

void ti_loop_run(const ti_loop *l, char *scratch, int thread, int n_threads) {
    ti_tile t;
    t.acc = NULL;
    t.acc_rs = 0;
    t.dims = l->dims;
    t.seed = l->seed;
    t.scratch = scratch;
    for (int i = 0; i < l->n_nests; i++) {
        const ti_nest *n = &l->nest[i];
        int64_t rows = n->rows, lo = 0, hi, c0 = 0, c1 = n->cols;
        for (int d = 0; d < n->rank; d++) rows *= n->extent[d];
        hi = rows;
        if (rows * n->cols * l->k->n_inst < SMALL) {
            if (thread) continue;
        } else if (rows >= 4 * n_threads || l->k->kind == TI_K_ROWS) {
            ti_share(rows, 1, thread, n_threads, &lo, &hi);
        } else {
            ti_share(n->cols, TI_PANEL * 4, thread, n_threads, &c0, &c1);
        }
        // a sum over no columns has a value too
        if (c0 < c1 || (l->k->kind == TI_K_ROWS && n->cols == 0)) walk(l, n, &t, lo, hi, c0, c1);
    }
}

void ti_loop_prefetch(const ti_loop *l, int64_t r0, int64_t rows, int64_t c0, int64_t cols) {
    enum { LINE = 64 };
    int64_t panel = l->nest[0].rows * TI_PANEL, from = c0 / TI_PANEL * panel + r0 * TI_PANEL;
    for (int i = 0; i < l->k->n_access; i++) {
        if (!l->panels[i]) continue;
        int64_t size = (int64_t)l->size[i], n = rows * TI_PANEL * size;
        const char *x = l->ptr[i] + from * size;
        for (int64_t c = 0; c < cols; c += TI_PANEL, x += panel * size)
            for (int64_t b = 0; b < n; b += LINE) __builtin_prefetch(x + b, 1);
    }
}

void ti_loop_finish(const ti_loop *l, char *scratch, int64_t outer, int64_t r0, int64_t rows,
                    int64_t c0, int64_t cols, const char *acc, int64_t acc_rs) {
    const ti_nest *n = &l->nest[0];
    ti_tile t;
    t.rows = rows;
    t.cols = cols;
    t.acc = acc;
    t.acc_rs = acc_rs;
    t.dims = l->dims;
    t.seed = l->seed;
    t.scratch = scratch;
    place(l, n, outer, r0, c0, &t);
    for (int i = 0; i < l->k->n_access; i++) {
        if (!l->panels[i]) continue;  // c0 is the first column of a panel, cols at most its width
        int64_t off = c0 / TI_PANEL * n->rows * TI_PANEL + r0 * TI_PANEL;
        t.ptr[i] = l->ptr[i] + off * (int64_t)l->size[i];
        t.index[i] = off;
        t.rs[i] = TI_PANEL;
        t.cs[i] = 1;
    }
    execute(l, &t);
}
