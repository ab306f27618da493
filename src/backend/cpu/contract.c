// A contraction: both operands in panels, tiles of 16 rows x 64 columns through the micro-kernel
// into a buffer in the first cache, where the fused body takes each over. Threads share the result
// as a grid; each packs its rows and columns for itself, block by block, so that what it packs is
// in its own cache when it is read and nobody waits. A sum is never split.
#include "backend/cpu/contract.h"

#include <string.h>

#include "base/pool.h"

// Elements of packed blocks: the left one fits half a second cache, the right one streams. A sum
// over more than DEEP is cut in depth too.
enum { LEFT = 1 << 17, RIGHT = 1 << 18, DEEP = 1024, DEEP_ROWS = 128, DEEP_COLS = 256 };
enum { TILE = TI_TILE_ROWS * TI_TILE_COLS };

// The engine reads as they lie variables on the right, and on the left whatever has strides: its
// elements are read one by one for a whole row of the tile, so order costs nothing there.
static bool packs_a(const ti_contract *c) { return c->a.window || c->a.panels; }
static bool packs_b(const ti_contract *c, int64_t m) {
    bool rows = m == 1 && !c->b.panels && c->b.cs == 1 && c->n % TI_PANEL == 0;
    return !rows && (!c->b.panels || c->b.trans);
}

static int64_t round_up(int64_t n, int64_t unit) { return ti_ceil_div(n, unit) * unit; }

// ---- scratch ------------------------------------------------------------------------------------

// The tiles of a block, the packed blocks; what is behind them is the body's.
static size_t tile_elements(int64_t k) { return k > DEEP ? DEEP_ROWS * DEEP_COLS : TILE; }
static size_t left_elements(const ti_contract *c, int64_t m, int64_t k) {
    if (!packs_a(c)) return 0;
    k = ti_min_i64(k, DEEP);
    return m > LEFT ? LEFT : (size_t)ti_min_i64(LEFT, round_up(m, c->isa->mr) * k);
}
static size_t right_elements(const ti_contract *c, int64_t m, int64_t n, int64_t k) {
    if (!packs_b(c, m)) return 0;
    k = ti_min_i64(k, DEEP);
    return n > RIGHT ? RIGHT : (size_t)ti_min_i64(RIGHT, round_up(n, TI_PANEL) * k);
}

size_t ti_contract_scratch(const ti_contract *c, int64_t m, int64_t n, int64_t k) {
    size_t elements = tile_elements(k) + left_elements(c, m, k) + right_elements(c, m, n, k) +
                      TI_PANEL;
    return (elements * c->size + 63) / 64 * 64;
}

// ---- blocks -------------------------------------------------------------------------------------

typedef struct work {
    const ti_contract *c;
    int64_t product;  // which of them, and its operands
    ti_matrix a, b;
    bool pack_a, pack_b, deep;
    int64_t most_rows, most_cols, most_k;  // of a block
    int64_t step;                          // rows of a tile: whole panels
    int64_t i0, rows, j0, cols, k0, k;     // the block at hand
    char *tiles, *left, *right, *rest;     // scratch
} work;

static void set_blocks(work *w) {
    const ti_contract *c = w->c;
    int64_t mr = c->isa->mr;
    w->deep = c->k > DEEP;
    w->step = TI_TILE_ROWS / mr * mr;
    w->most_k = w->deep ? TI_KBLOCK : c->k > 0 ? c->k : 1;
    w->most_rows = w->deep ? DEEP_ROWS / TI_TILE_ROWS * w->step : LEFT / w->most_k / mr * mr;
    w->most_cols = w->deep     ? DEEP_COLS
                   : w->pack_b ? RIGHT / w->most_k / TI_TILE_COLS * TI_TILE_COLS
                               : c->n;
}

// Where the tile at row r and column j of the block is made.
static char *tile_at(const work *w, int64_t r, int64_t j) {
    int64_t i = w->deep ? r / w->step * (DEEP_COLS / TI_TILE_COLS) + j / TI_TILE_COLS : 0;
    return w->tiles + (size_t)(i * TILE) * w->c->size;
}

static void point_left(const work *w, ti_micro_args *x, int64_t r, int64_t k0) {
    const ti_contract *c = w->c;
    int64_t mr = c->isa->mr;
    if (w->pack_a) {
        x->a = w->left + (size_t)(r / mr * mr * w->k + k0 * mr + r % mr) * c->size;
        x->ars = 1;
        x->aks = mr;
    } else {
        int64_t at = (w->i0 + r) * w->a.rs + (w->k0 + k0) * w->a.cs;
        x->a = w->a.base + at * (int64_t)c->size;
        x->ars = w->a.rs;
        x->aks = w->a.cs;
    }
}

static void point_right(const work *w, ti_micro_args *x, int64_t j, int64_t k0) {
    const ti_contract *c = w->c;
    int64_t at;
    x->bks = TI_PANEL;
    if (w->pack_b) {
        x->bps = w->k * TI_PANEL;
        at = j / TI_PANEL * x->bps + k0 * TI_PANEL;
    } else if (w->b.panels) {
        x->bps = c->k * TI_PANEL;
        at = (w->j0 + j) / TI_PANEL * x->bps + (w->k0 + k0) * TI_PANEL;
    } else {
        x->bps = TI_PANEL;
        x->bks = w->b.rs;
        at = (w->k0 + k0) * w->b.rs + w->j0 + j;
    }
    x->b = (w->pack_b ? w->right : w->b.base) + (size_t)at * c->size;
}

// Rows r..r+rows-1 of the block, within a panel of mr, by its columns from j on, over its depth.
static void sum(const work *w, char *acc, int64_t r, int rows, int64_t j, int panels) {
    const ti_contract *c = w->c;
    ti_micro_args x = {.c = acc, .rows = rows, .panels = panels};
    for (int64_t k0 = 0; k0 < w->k; k0 += TI_KBLOCK) {
        x.k = ti_min_i64(TI_KBLOCK, w->k - k0);
        x.add = w->k0 + k0 > 0;
        point_left(w, &x, r, k0);
        point_right(w, &x, j, k0);
        (c->size == 4 ? c->isa->micro_f32 : c->isa->micro_f64)(&x);
    }
}

static void finish(const work *w, const char *acc, int64_t r, int64_t rows, int64_t j,
                   int64_t cols) {
    const ti_contract *c = w->c;
    int64_t step = c->by_panel ? TI_PANEL : TI_TILE_COLS;
    for (int64_t l = 0; l < cols; l += step)
        ti_loop_finish(c->loop, w->rest, w->product, w->i0 + r, rows, w->j0 + j + l,
                       ti_min_i64(step, cols - l), acc + (size_t)l * c->size, TI_TILE_COLS);
}

// One tile: its sum over the depth of the block if `add`, then the body if `last`.
static void tile(const work *w, int64_t r, int64_t j, bool add, bool last) {
    int64_t mr = w->c->isa->mr;
    int64_t rows = ti_min_i64(w->step, w->rows - r), cols = ti_min_i64(TI_TILE_COLS, w->cols - j);
    char *acc = tile_at(w, r, j);
    if (w->c->k == 0) memset(acc, 0, TILE * w->c->size);
    for (int64_t i = 0; i < rows && add; i += mr) {
        int64_t n = ti_min_i64(mr, rows - i);
        if (last && w->c->by_panel) ti_loop_prefetch(w->c->loop, w->i0 + r + i, n, w->j0 + j, cols);
        sum(w, acc + (size_t)(i * TI_TILE_COLS) * w->c->size, r + i, (int)n, j,
            (int)ti_ceil_div(cols, TI_PANEL));
    }
    if (last) finish(w, acc, r, rows, j, cols);
}

static void tiles(const work *w, bool add, bool last) {
    for (int64_t j = 0; j < w->cols; j += TI_TILE_COLS)
        for (int64_t r = 0; r < w->rows; r += w->step) tile(w, r, j, add, last);
}

// All sums of rows i0.. and columns j0..
static void block(work *w) {
    const ti_contract *c = w->c;
    w->k0 = 0;
    do {
        w->k = ti_min_i64(w->most_k, c->k - w->k0);
        if (w->pack_b && w->deep) ti_pack_b(c->isa, w->right, &w->b, w->j0, w->cols, w->k0, w->k);
        if (w->pack_a) ti_pack_a(c->isa, w->left, &w->a, w->i0, w->rows, w->k0, w->k);
        tiles(w, true, !w->deep);
        w->k0 += w->k;
    } while (w->k0 < c->k);
    if (w->deep) tiles(w, false, true);
}

// ---- shares -------------------------------------------------------------------------------------

// The grid of threads that costs the slowest of them least, in multiply-adds for each step of k. A
// column costs 16 of them, wherever it lies: columns come from far, and a thread that always has
// the same columns of a weight finds them, and its optimizer state, in its own cache. A row costs
// four when it is packed, else one.
static void share(const work *w, int thread, int n_threads, int64_t *r0, int64_t *r1, int64_t *c0,
                  int64_t *c1) {
    const ti_contract *c = w->c;
    double best = -1;
    *r1 = c->m;
    *c1 = c->n;
    if (n_threads == 1) return;
    int64_t mr = c->isa->mr;
    for (int down = 1; down <= n_threads; down++) {
        if (n_threads % down) continue;
        int across = n_threads / down;
        int64_t unit = c->n >= across * TI_TILE_COLS ? TI_TILE_COLS : TI_PANEL;
        double rows = (double)(ti_ceil_div(ti_ceil_div(c->m, mr), down) * mr);
        double cols = (double)(ti_ceil_div(ti_ceil_div(c->n, unit), across) * unit);
        double cost = rows * cols + (w->pack_a ? 4 : 1) * rows + 16 * cols;
        if (best >= 0 && cost >= best) continue;
        best = cost;
        ti_share(c->m, mr, thread / across, down, r0, r1);
        ti_share(c->n, unit, thread % across, across, c0, c1);
    }
}

// One product: this thread's part of its grid.
static void product(work *w, int thread, int n_threads) {
    const ti_contract *c = w->c;
    int64_t r0 = 0, r1 = 0, c0 = 0, c1 = 0;
    share(w, thread, n_threads, &r0, &r1, &c0, &c1);
    for (w->j0 = c0; w->j0 < c1; w->j0 += w->most_cols) {
        w->cols = ti_min_i64(w->most_cols, c1 - w->j0);
        if (w->pack_b && !w->deep && r0 < r1)
            ti_pack_b(c->isa, w->right, &w->b, w->j0, w->cols, 0, c->k);
        for (w->i0 = r0; w->i0 < r1; w->i0 += w->most_rows) {
            w->rows = ti_min_i64(w->most_rows, r1 - w->i0);
            block(w);
        }
    }
}

static void set_operands(work *w) {
    const ti_contract *c = w->c;
    int64_t rest = w->product, a = 0, b = 0;
    w->a = c->a;
    w->b = c->b;
    for (int d = c->n_lead - 1; d >= 0; d--) {
        a += rest % c->extent[d] * c->a_stride[d];
        b += rest % c->extent[d] * c->b_stride[d];
        rest /= c->extent[d];
    }
    w->a.base += a * (int64_t)c->size;
    w->b.base += b * (int64_t)c->size;
}

// Threads share the products where there are some for each, else every single one.
void ti_contract_run(const ti_contract *c, char *scratch, int thread, int n_threads) {
    work w = {.c = c, .pack_a = packs_a(c), .pack_b = packs_b(c, c->m), .tiles = scratch};
    int64_t lo = 0, hi = c->products;
    bool whole = c->products >= 4 * n_threads || c->products % n_threads == 0;
    set_blocks(&w);
    w.right = w.tiles + tile_elements(c->k) * c->size;
    w.left = w.right + right_elements(c, c->m, c->n, c->k) * c->size;
    w.rest = scratch + ti_contract_scratch(c, c->m, c->n, c->k);
    if (whole) ti_share(c->products, 1, thread, n_threads, &lo, &hi);
    for (w.product = lo; w.product < hi; w.product++) {
        set_operands(&w);
        product(&w, whole ? 0 : thread, whole ? 1 : n_threads);
    }
}
