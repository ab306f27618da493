// Bodies over tiles. A tile is rows x cols; an instruction's result is a dense block of it in a
// slot of the thread's scratch. Loads whose elements lie densely are not copied. In a row kernel
// a tile holds whole rows and a value is one a row or one an element; rows longer than a chunk of
// the sum, with nothing to do after the sum per element, stream through chunk by chunk.
#include "backend/cpu/interp.h"

#include <string.h>

typedef struct iop {
    ti_inst in;
    ti_vec_fn fn;
    ti_reduce_fn reduce, chunk;
    int slot;        // where its result goes
    bool copy;       // a load that is stored as it is: must not alias what another store overwrites
    bool spread[3];  // row kernels: operand is one a row, the result one an element
    size_t size;
} iop;

struct ti_icode {
    iop *op;
    int n, n_slots, n_fixed;
    bool rows;      // row kernel
    bool stream;    // row kernel whose long rows stream
    int64_t block;  // elements a slot holds
    const ti_interp *isa;
};

// ---- preparing ----------------------------------------------------------------------------------

static int last_use(const ti_kernel *k, int i) {
    int last = i;
    for (int j = i + 1; j < k->n_inst; j++)
        for (int q = 0; q < 3; q++)
            if (k->inst[j].a[q] == i) last = j;
    return last;
}

// Slots by liveness. Fixed results are made before all others and keep theirs, as do all of a
// streamed row, which are made once a chunk and once more at the end.
static int assign_slots(ti_icode *c, const ti_kernel *k, int *busy_until, int cap) {
    int n = 0;
    for (int i = 0; i < k->n_inst && !c->rows; i++) {
        if (!k->inst[i].fixed) continue;
        if (n == cap) return -1;
        busy_until[n] = k->n_inst;
        c->op[i].slot = n++;
    }
    for (int i = 0; i < k->n_inst; i++) {
        if (k->inst[i].kind == TI_I_STORE || (k->inst[i].fixed && !c->rows)) continue;
        int s = 0;
        while (s < n && busy_until[s] >= i) s++;
        if (s == cap) return -1;
        if (s == n) n++;
        busy_until[s] = c->stream ? k->n_inst : last_use(k, i);
        c->op[i].slot = s;
    }
    return n;
}

static tarn_status pick_function(iop *o, const ti_interp *isa) {
    const ti_inst *in = &o->in;
    o->size = tarn_dtype_size(in->dtype);
    if (in->kind == TI_I_CODE) {
        o->fn = in->code == TI_CAST    ? isa->cast[in->src][in->dtype]
                : in->code == TI_WHERE ? isa->code[TI_WHERE][in->dtype]
                                       : isa->code[in->code][in->src];
        if (!o->fn)
            return ti_error(TARN_EUNSUPPORTED, "no element operation %d on %s", in->code,
                            tarn_dtype_name(in->src));
    }
    if (in->kind == TI_I_REDUCE) {
        o->reduce = isa->reduce[in->code][in->src];
        o->chunk = in->code == TI_ARGMAX ? NULL : isa->chunk[in->code][in->src];
        if (!o->reduce)
            return ti_error(TARN_EUNSUPPORTED, "no reduction %d of %s", in->code,
                            tarn_dtype_name(in->src));
    }
    return TARN_OK;
}

// Rows may stream when no element waits for the row's sum.
static bool may_stream(const ti_kernel *k) {
    for (int i = 0; i < k->n_inst; i++) {
        const ti_inst *in = &k->inst[i];
        if (in->kind == TI_I_REDUCE && in->code == TI_ARGMAX) return false;
        for (int q = 0; in->row && q < 3; q++) {
            if (in->a[q] < 0) continue;
            const ti_inst *a = &k->inst[in->a[q]];
            if (!a->row && (a->kind == TI_I_REDUCE || a->kind == TI_I_CODE)) return false;
        }
    }
    return true;
}

tarn_status ti_icode_make(ti_arena *arena, const ti_kernel *k, int64_t row_max,
                          const ti_interp *isa, ti_icode **out) {
    ti_icode *c = NULL;
    int busy[512];
    TI_TRY(ti_arena_alloc(arena, sizeof *c, &c));
    TI_TRY(ti_arena_alloc(arena, ((size_t)k->n_inst + 1) * sizeof *c->op, &c->op));
    c->n = k->n_inst;
    c->isa = isa;
    c->rows = k->kind == TI_K_ROWS;
    c->stream = c->rows && row_max > TI_CHUNK && may_stream(k);
    c->block = TI_TILE;
    if (c->rows) c->block = ti_max_i64(TI_TILE, c->stream ? TI_CHUNK : row_max);
    for (int i = 0; i < k->n_inst; i++) {
        iop *o = &c->op[i];
        o->in = k->inst[i];
        TI_TRY(pick_function(o, isa));
        for (int q = 0; q < 3; q++)
            if (o->in.a[q] >= 0) o->spread[q] = c->rows && o->in.row && !k->inst[o->in.a[q]].row;
        if (o->in.kind == TI_I_STORE && k->inst[o->in.a[0]].kind == TI_I_LOAD)
            c->op[o->in.a[0]].copy = true;
    }
    c->n_slots = assign_slots(c, k, busy, 512);
    if (c->n_slots < 0) return ti_error(TARN_ELIMIT, "a kernel needs more than 512 live values");
    *out = c;
    return TARN_OK;
}

// Slots, three for spread operands, and the states of streamed sums.
size_t ti_icode_scratch(const ti_icode *c) {
    size_t slots = (size_t)(c->n_slots + 3) * (size_t)c->block * 8;
    size_t pointers = (size_t)c->n * (sizeof(void *) + sizeof(ti_sum_state_f64));
    return slots + (pointers + 63) / 64 * 64;
}

int ti_kernel_dims(const ti_kernel *k, const int64_t *values, double *out) {
    int n = 0;
    for (int i = 0; i < k->n_inst; i++)
        if (k->inst[i].kind == TI_I_DIM) out[n++] = (double)ti_dim_value(k->inst[i].dim, values);
    return n;
}

// ---- one tile -----------------------------------------------------------------------------------

typedef struct frame {
    const ti_icode *c;
    const ti_tile *t;
    const char **at;  // by instruction: its elements
    ti_sum_state_f64 *state;
    char *slots;
    int64_t r0, rows, c0, cols;
} frame;

static char *slot(const frame *f, int s) { return f->slots + (size_t)s * (size_t)f->c->block * 8; }

static void fill(char *y, size_t size, const char *value, int64_t n) {
    switch (size) {
    case 1: memset(y, *value, (size_t)n); break;
    case 2: {
        uint16_t v, *p = (uint16_t *)y;
        memcpy(&v, value, 2);
        for (int64_t i = 0; i < n; i++) p[i] = v;
        break;
    }
    case 4: {
        uint32_t v, *p = (uint32_t *)y;
        memcpy(&v, value, 4);
        for (int64_t i = 0; i < n; i++) p[i] = v;
        break;
    }
    default: {
        uint64_t v, *p = (uint64_t *)y;
        memcpy(&v, value, 8);
        for (int64_t i = 0; i < n; i++) p[i] = v;
    }
    }
}

// n elements `stride` apart, to or from a dense block
static void gather(char *y, const char *x, size_t size, int64_t stride, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        memcpy(y + (size_t)i * size, x + i * stride * (int64_t)size, size);
}
static void scatter(char *y, const char *x, size_t size, int64_t stride, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        memcpy(y + i * stride * (int64_t)size, x + (size_t)i * size, size);
}

static void load_row(char *y, const char *x, size_t size, int64_t cs, int64_t n) {
    if (cs == 1) {
        memcpy(y, x, (size_t)n * size);
    } else if (cs == 0) {
        fill(y, size, x, n);
    } else {
        gather(y, x, size, cs, n);
    }
}

static const char *load(const frame *f, const iop *o) {
    const ti_tile *t = f->t;
    int a = o->in.access;
    int64_t rs = t->rs[a], cs = t->cs[a], size = (int64_t)o->size;
    const char *x = t->ptr[a] + (f->r0 * rs + f->c0 * cs) * size;
    char *y = slot(f, o->slot);
    if (f->c->rows && !o->in.row) {
        gather(y, x, o->size, rs, f->rows);
        return y;
    }
    bool dense = cs == 1 && (rs == f->cols || f->rows == 1);
    if (dense && !o->copy) return x;
    if (dense) {
        memcpy(y, x, (size_t)(f->rows * f->cols * size));
        return y;
    }
    for (int64_t r = 0; r < f->rows; r++)
        load_row(y + r * f->cols * size, x + r * rs * size, o->size, cs, f->cols);
    return y;
}

static void store(const frame *f, const iop *o, const char *x) {
    const ti_tile *t = f->t;
    int a = o->in.access;
    int64_t rs = t->rs[a], cs = t->cs[a], size = (int64_t)o->size;
    char *y = t->ptr[a] + (f->r0 * rs + f->c0 * cs) * size;
    if (f->c->rows && !o->in.row) {
        scatter(y, x, o->size, rs, f->rows);
        return;
    }
    if (cs == 1 && (rs == f->cols || f->rows == 1)) {
        memcpy(y, x, (size_t)(f->rows * f->cols * size));
        return;
    }
    for (int64_t r = 0; r < f->rows; r++) {
        if (cs == 1) {
            memcpy(y + r * rs * size, x + r * f->cols * size, (size_t)(f->cols * size));
        } else {
            scatter(y + r * rs * size, x + r * f->cols * size, o->size, cs, f->cols);
        }
    }
}

static const char *acc(const frame *f, const iop *o) {
    int64_t size = (int64_t)o->size, rs = f->t->acc_rs;
    const char *x = f->t->acc + (f->r0 * rs + f->c0) * size;
    if (rs == f->cols || f->rows == 1) return x;
    char *y = slot(f, o->slot);
    for (int64_t r = 0; r < f->rows; r++)
        memcpy(y + r * f->cols * size, x + r * rs * size, (size_t)(f->cols * size));
    return y;
}

static const char *index_values(const frame *f, const iop *o) {
    const ti_tile *t = f->t;
    int a = o->in.access;
    int32_t *y = (int32_t *)slot(f, o->slot);
    bool one = f->c->rows && !o->in.row;
    int64_t n = one ? 1 : f->cols;
    for (int64_t r = 0; r < f->rows; r++) {
        int64_t base = t->index[a] + (f->r0 + r) * t->rs[a] + f->c0 * t->cs[a];
        for (int64_t i = 0; i < n; i++) y[r * n + i] = (int32_t)(base + i * t->cs[a]);
    }
    return (const char *)y;
}

static const char *random_values(const frame *f, const iop *o) {
    const ti_tile *t = f->t;
    int a = o->in.access;
    uint32_t *y = (uint32_t *)slot(f, o->slot);
    uint64_t step, key = t->seed ^ o->in.stream;
    memcpy(&step, f->at[o->in.a[0]], sizeof step);
    bool one = f->c->rows && !o->in.row;
    int64_t n = one ? 1 : f->cols, rs = t->rs[a], cs = t->cs[a];
    for (int64_t r = 0; r < f->rows; r++) {
        int64_t index = t->index[a] + (f->r0 + r) * rs + f->c0 * cs;
        if (cs == 1 || n == 1) {
            f->c->isa->random(y + r * n, key, step, index, n);
        } else {
            for (int64_t i = 0; i < n; i++)
                f->c->isa->random(y + r * n + i, key, step, index + i * cs, 1);
        }
    }
    return (const char *)y;
}

static const char *number(const frame *f, const iop *o, double v, int64_t n) {
    char *y = slot(f, o->slot), one[8];
    switch (o->in.dtype) {
    case TARN_F32: memcpy(one, &(float){(float)v}, 4); break;
    case TARN_F64: memcpy(one, &v, 8); break;
    case TARN_I64: memcpy(one, &(int64_t){(int64_t)v}, 8); break;
    case TARN_I32: memcpy(one, &(int32_t){(int32_t)v}, 4); break;
    case TARN_U32: memcpy(one, &(uint32_t){(uint32_t)v}, 4); break;
    default: one[0] = (char)(uint8_t)v; break;
    }
    fill(y, o->size, one, n);
    return y;
}

// An operand, spread from one a row to one an element where the operation needs it.
static const char *operand(const frame *f, const iop *o, int q) {
    int a = o->in.a[q];
    if (a < 0) return NULL;
    if (!o->spread[q]) return f->at[a];
    size_t size = f->c->op[a].size;
    char *y = slot(f, f->c->n_slots + q);
    for (int64_t r = 0; r < f->rows; r++)
        fill(y + (size_t)(r * f->cols) * size, size, f->at[a] + (size_t)r * size, f->cols);
    return y;
}

static void reduce(const frame *f, const iop *o, int i) {
    const iop *x = &f->c->op[o->in.a[0]];
    char *y = slot(f, o->slot);
    const char *in = f->at[o->in.a[0]];
    for (int64_t r = 0; r < f->rows; r++) {
        if (x->in.row) {
            o->reduce(y + (size_t)r * o->size, in + (size_t)(r * f->cols) * x->size, f->cols);
        } else {  // the same value along the row
            char *row = slot(f, f->c->n_slots);
            fill(row, x->size, in + (size_t)r * x->size, f->cols);
            o->reduce(y + (size_t)r * o->size, row, f->cols);
        }
    }
    f->at[i] = y;
}

// Instructions lo..hi-1 that `want` selects: 0 all, 1 per element, 2 per row.
static void run_ops(const frame *f, int want, int *dim) {
    int64_t all = f->rows * f->cols;
    for (int i = 0; i < f->c->n; i++) {
        const iop *o = &f->c->op[i];
        bool row = o->in.row;
        if (want && (want == 1) != row && !(want == 1 && o->in.kind == TI_I_REDUCE)) {
            if (o->in.kind == TI_I_DIM && want == 1) (*dim)++;
            continue;
        }
        int64_t n = f->c->rows && !row ? f->rows : all;
        switch (o->in.kind) {
        case TI_I_ACC: f->at[i] = acc(f, o); break;
        case TI_I_LOAD: f->at[i] = load(f, o); break;
        case TI_I_CONST: f->at[i] = number(f, o, o->in.imm, n); break;
        case TI_I_DIM: f->at[i] = number(f, o, f->t->dims[(*dim)++], n); break;
        case TI_I_INDEX: f->at[i] = index_values(f, o); break;
        case TI_I_RANDOM: f->at[i] = random_values(f, o); break;
        case TI_I_REDUCE: reduce(f, o, i); break;
        case TI_I_STORE: store(f, o, operand(f, o, 0)); break;
        default: {
            char *y = slot(f, o->slot);
            o->fn(y, operand(f, o, 0), operand(f, o, 1), operand(f, o, 2), n);
            f->at[i] = y;
        }
        }
    }
}

// ---- maps ---------------------------------------------------------------------------------------

// What is the same for all elements is made once, wide enough for any block.
static void run_fixed(frame *f, int64_t n) {
    int dim = 0;
    f->rows = 1;
    f->cols = n;
    for (int i = 0; i < f->c->n; i++) {
        const iop *o = &f->c->op[i];
        char *y = slot(f, o->slot);
        if (o->in.kind == TI_I_DIM) {
            f->at[i] = number(f, o, f->t->dims[dim++], n);
        } else if (o->in.kind == TI_I_CONST) {
            f->at[i] = number(f, o, o->in.imm, n);
        } else if (o->in.fixed && o->in.kind == TI_I_LOAD) {
            fill(y, o->size, f->t->ptr[o->in.access], n);
            f->at[i] = y;
        } else if (o->in.fixed && o->in.kind == TI_I_CODE) {
            o->fn(y, operand(f, o, 0), operand(f, o, 1), operand(f, o, 2), n);
            f->at[i] = y;
        }
    }
}

static void run_block(frame *f, int64_t r0, int64_t rows, int64_t c0, int64_t cols) {
    int64_t n = rows * cols;
    f->r0 = r0;
    f->rows = rows;
    f->c0 = c0;
    f->cols = cols;
    for (int i = 0; i < f->c->n; i++) {
        const iop *o = &f->c->op[i];
        if (o->in.fixed) continue;
        switch (o->in.kind) {
        case TI_I_ACC: f->at[i] = acc(f, o); break;
        case TI_I_LOAD: f->at[i] = load(f, o); break;
        case TI_I_INDEX: f->at[i] = index_values(f, o); break;
        case TI_I_RANDOM: f->at[i] = random_values(f, o); break;
        case TI_I_STORE: store(f, o, f->at[o->in.a[0]]); break;
        default: {
            char *y = slot(f, o->slot);
            const int16_t *a = o->in.a;
            o->fn(y, f->at[a[0]], a[1] < 0 ? NULL : f->at[a[1]], a[2] < 0 ? NULL : f->at[a[2]], n);
            f->at[i] = y;
        }
        }
    }
}

static void run_map(frame *f) {
    const ti_tile *t = f->t;
    run_fixed(f, ti_min_i64(TI_TILE, t->rows * t->cols));
    if (t->cols >= TI_TILE) {
        for (int64_t r = 0; r < t->rows; r++)
            for (int64_t c = 0; c < t->cols; c += TI_TILE)
                run_block(f, r, 1, c, ti_min_i64(TI_TILE, t->cols - c));
        return;
    }
    int64_t step = TI_TILE / t->cols;
    for (int64_t r = 0; r < t->rows; r += step)
        run_block(f, r, ti_min_i64(step, t->rows - r), 0, t->cols);
}

// ---- rows ---------------------------------------------------------------------------------------

static void state_begin(ti_sum_state_f64 *s, const ti_inst *in) {
    bool sum = in->code == TI_SUM;
    void *p = s;
    switch (in->src) {
    case TARN_F32: sum ? ti_sum_begin_f32(p) : ti_rmax_begin_f32(p); break;
    case TARN_F64: sum ? ti_sum_begin_f64(p) : ti_rmax_begin_f64(p); break;
    case TARN_I32: sum ? ti_sum_begin_i32(p) : ti_rmax_begin_i32(p); break;
    default: sum ? ti_sum_begin_i64(p) : ti_rmax_begin_i64(p); break;
    }
}

static void state_push(ti_sum_state_f64 *s, const ti_inst *in, const void *x) {
    bool sum = in->code == TI_SUM;
    void *p = s;
    switch (in->src) {
    case TARN_F32:
        sum ? ti_sum_push_f32(p, *(const float *)x) : ti_rmax_push_f32(p, *(const float *)x);
        break;
    case TARN_F64:
        sum ? ti_sum_push_f64(p, *(const double *)x) : ti_rmax_push_f64(p, *(const double *)x);
        break;
    case TARN_I32:
        sum ? ti_sum_push_i32(p, *(const int32_t *)x) : ti_rmax_push_i32(p, *(const int32_t *)x);
        break;
    default:
        sum ? ti_sum_push_i64(p, *(const int64_t *)x) : ti_rmax_push_i64(p, *(const int64_t *)x);
        break;
    }
}

static void state_end(ti_sum_state_f64 *s, const ti_inst *in, void *y) {
    bool sum = in->code == TI_SUM;
    void *p = s;
    switch (in->src) {
    case TARN_F32: *(float *)y = sum ? ti_sum_end_f32(p) : ti_rmax_end_f32(p); break;
    case TARN_F64: *(double *)y = sum ? ti_sum_end_f64(p) : ti_rmax_end_f64(p); break;
    case TARN_I32: *(int32_t *)y = sum ? ti_sum_end_i32(p) : ti_rmax_end_i32(p); break;
    default: *(int64_t *)y = sum ? ti_sum_end_i64(p) : ti_rmax_end_i64(p); break;
    }
}

// One long row, chunk by chunk: all per-element work of a chunk, then its sums.
static void stream_row(frame *f, int64_t r) {
    const ti_icode *c = f->c;
    f->r0 = r;
    f->rows = 1;
    for (int i = 0; i < c->n; i++)
        if (c->op[i].in.kind == TI_I_REDUCE) state_begin(&f->state[i], &c->op[i].in);
    for (int64_t c0 = 0; c0 < f->t->cols; c0 += TI_CHUNK) {
        int dim = 0;
        f->c0 = c0;
        f->cols = ti_min_i64(TI_CHUNK, f->t->cols - c0);
        for (int i = 0; i < c->n; i++) {  // leaves that are one a row come before their users
            const iop *o = &c->op[i];
            if (o->in.row || o->in.kind == TI_I_REDUCE || o->in.kind == TI_I_STORE) continue;
            if (o->in.kind == TI_I_LOAD) f->at[i] = load(f, o);
            if (o->in.kind == TI_I_CONST) f->at[i] = number(f, o, o->in.imm, 1);
            if (o->in.kind == TI_I_DIM) f->at[i] = number(f, o, f->t->dims[dim++], 1);
        }
        dim = 0;
        run_ops(f, 1, &dim);
        for (int i = 0; i < c->n; i++)
            if (c->op[i].in.kind == TI_I_REDUCE) state_push(&f->state[i], &c->op[i].in, f->at[i]);
    }
    for (int i = 0; i < c->n; i++) {
        if (c->op[i].in.kind != TI_I_REDUCE) continue;
        char *y = slot(f, c->op[i].slot);
        state_end(&f->state[i], &c->op[i].in, y);
        f->at[i] = y;
    }
    f->c0 = 0;
    for (int i = 0, dim = 0; i < c->n; i++) {  // the rest is one a row
        const iop *o = &c->op[i];
        if (o->in.row || o->in.kind == TI_I_REDUCE) continue;
        if (o->in.kind == TI_I_LOAD) f->at[i] = load(f, o);
        if (o->in.kind == TI_I_CONST) f->at[i] = number(f, o, o->in.imm, 1);
        if (o->in.kind == TI_I_DIM) f->at[i] = number(f, o, f->t->dims[dim++], 1);
        if (o->in.kind == TI_I_INDEX) f->at[i] = index_values(f, o);
        if (o->in.kind == TI_I_STORE) store(f, o, f->at[o->in.a[0]]);
        if (o->in.kind != TI_I_CODE) continue;
        char *y = slot(f, o->slot);
        o->fn(y, operand(f, o, 0), operand(f, o, 1), operand(f, o, 2), 1);
        f->at[i] = y;
    }
}

static void run_rows(frame *f) {
    const ti_tile *t = f->t;
    if (f->c->stream && t->cols > TI_CHUNK) {
        for (int64_t r = 0; r < t->rows; r++) stream_row(f, r);
        return;
    }
    int64_t step = ti_max_i64(1, TI_TILE / ti_max_i64(1, t->cols));
    f->c0 = 0;
    f->cols = t->cols;
    for (int64_t r = 0; r < t->rows; r += step) {
        int dim = 0;
        f->r0 = r;
        f->rows = ti_min_i64(step, t->rows - r);
        run_ops(f, 0, &dim);
    }
}

void ti_icode_run(const ti_icode *c, const ti_tile *t) {
    if (t->rows <= 0 || (t->cols <= 0 && !c->rows)) return;
    frame f = {.c = c, .t = t, .slots = t->scratch};
    char *after = t->scratch + (size_t)(c->n_slots + 3) * (size_t)c->block * 8;
    f.state = (ti_sum_state_f64 *)(void *)after;
    f.at = (const char **)(void *)(f.state + c->n);
    if (c->rows) {
        run_rows(&f);
    } else {
        run_map(&f);
    }
}
