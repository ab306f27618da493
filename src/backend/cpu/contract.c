// A contraction: both operands in panels, tiles of 16 rows x 64 columns through the micro-kernel
// into a buffer in the first cache, where the fused body takes each over. Threads share columns,
// or rows when there are few columns; a sum is never split.
#include "backend/cpu/contract.h"

#include "base/pool.h"

void ti_contract_pack(const ti_contract *c, int thread, int n_threads) {
    int64_t lo, hi;
    if (c->packed_a) {
        ti_share(ti_ceil_div(c->m, c->isa->mr), 1, thread, n_threads, &lo, &hi);
        ti_pack_a(c->isa, c->packed_a, &c->a, c->m, c->k, lo, hi);
    }
    if (c->packed_b) {
        ti_share(ti_ceil_div(c->n, TI_PANEL), 1, thread, n_threads, &lo, &hi);
        ti_pack_b(c->isa, c->packed_b, &c->b, c->k, c->n, lo, hi);
    }
}

// Rows r0..r0+rows-1 (within one panel of mr) by `panels` panels from column c0 on.
static void block(const ti_contract *c, char *acc, int64_t r0, int rows, int64_t c0, int panels) {
    const char *b = c->packed_b ? c->packed_b : c->b.base;
    int64_t mr = c->isa->mr;
    ti_micro_args x = {.bps = c->k * TI_PANEL, .c = acc, .rows = rows, .panels = panels};
    for (int64_t k0 = 0; k0 < c->k; k0 += TI_KBLOCK) {
        x.k = ti_min_i64(TI_KBLOCK, c->k - k0);
        x.add = k0 > 0;
        x.b = b + (size_t)(c0 / TI_PANEL * x.bps + k0 * TI_PANEL) * c->size;
        if (c->packed_a) {
            x.a = c->packed_a + (size_t)(r0 / mr * mr * c->k + k0 * mr + r0 % mr) * c->size;
            x.ars = 1;
            x.aks = mr;
        } else {
            x.a = c->a.base + (r0 * c->a.rs + k0 * c->a.cs) * (int64_t)c->size;
            x.ars = c->a.rs;
            x.aks = c->a.cs;
        }
        (c->size == 4 ? c->isa->micro_f32 : c->isa->micro_f64)(&x);
    }
}

static void finish(const ti_contract *c, char *scratch, const char *acc, int64_t r0, int64_t rows,
                   int64_t c0, int64_t cols) {
    int64_t step = c->by_panel ? TI_PANEL : TI_TILE_COLS;
    for (int64_t j = 0; j < cols; j += step)
        ti_loop_finish(c->loop, scratch, r0, rows, c0 + j, ti_min_i64(step, cols - j),
                       acc + (size_t)j * c->size, TI_TILE_COLS);
}

static void tile(const ti_contract *c, char *acc, char *scratch, int64_t r0, int64_t rows,
                 int64_t c0, int64_t cols) {
    int panels = (int)ti_ceil_div(cols, TI_PANEL);
    if (c->k == 0)
        for (size_t i = 0; i < (size_t)rows * TI_TILE_COLS * c->size; i++) acc[i] = 0;
    for (int64_t r = 0; r < rows;) {
        int64_t n = ti_min_i64(c->isa->mr - (r0 + r) % c->isa->mr, rows - r);
        block(c, acc + (size_t)(r * TI_TILE_COLS) * c->size, r0 + r, (int)n, c0, panels);
        r += n;
    }
    finish(c, scratch, acc, r0, rows, c0, cols);
}

size_t ti_contract_scratch(void) { return (size_t)TI_TILE_ROWS * TI_TILE_COLS * sizeof(double); }

void ti_contract_run(const ti_contract *c, char *scratch, int thread, int n_threads) {
    int64_t r0 = 0, r1 = c->m, c0 = 0, c1 = c->n, mr = c->isa->mr;
    int64_t step = TI_TILE_ROWS / mr * mr;
    char *rest = scratch + ti_contract_scratch();
    if (c->n >= n_threads * TI_TILE_COLS || c->m < n_threads * mr) {
        ti_share(c->n, c->n >= n_threads * TI_TILE_COLS ? TI_TILE_COLS : TI_PANEL, thread,
                 n_threads, &c0, &c1);
    } else {
        ti_share(c->m, mr, thread, n_threads, &r0, &r1);
    }
    for (int64_t j = c0; j < c1; j += TI_TILE_COLS)
        for (int64_t r = r0; r < r1; r += step)
            tile(c, scratch, rest, r, ti_min_i64(step, r1 - r), j,
                 ti_min_i64(TI_TILE_COLS, c1 - j));
}
