// Column sums. The sum of each column has the order of every other sum: element r goes to lane
// r % 16, chunks of 4096 rows end in the lane tree, chunk results are summed the same way. Lanes
// are rows of a small buffer, so that columns are the vector.
#include <string.h>

#include "backend/cpu/contract.h"
#include "base/pool.h"

enum { COLS = 64 };

size_t ti_colsum_scratch(void) { return (size_t)(2 * TI_LANES + 2) * COLS * sizeof(double); }

typedef struct work {
    const ti_colsum *c;
    size_t size;
    char *lanes, *upper, *row, *out;
    int64_t cols;
} work;

static void clear(const work *w, char *lanes) {
    const double low = -__builtin_inf();
    if (w->c->code == TI_SUM) memset(lanes, 0, TI_LANES * COLS * w->size);
    for (int64_t i = 0; i < TI_LANES * COLS && w->c->code != TI_SUM; i++) {
        char *p = lanes + (size_t)i * w->size;
        if (w->c->dtype == TARN_F32) {
            *(float *)(void *)p = (float)low;
        } else if (w->c->dtype == TARN_F64) {
            *(double *)(void *)p = low;
        } else if (w->c->dtype == TARN_I32) {
            *(int32_t *)(void *)p = INT32_MIN;
        } else {
            *(int64_t *)(void *)p = INT64_MIN;
        }
    }
}

static void add(const work *w, char *lanes, int64_t lane, const char *x) {
    char *y = lanes + (size_t)(lane * COLS) * w->size;
    ti_code code = w->c->code == TI_SUM ? TI_ADD : TI_MAX;
    w->c->isa->interp->code[code][w->c->dtype](y, y, x, NULL, w->cols);
}

// The lane tree, all columns at once, into y.
static void tree(const work *w, char *lanes, char *y) {
    for (int s = TI_LANES / 2; s; s >>= 1)
        for (int l = 0; l < s; l++) add(w, lanes, l, lanes + (size_t)((l + s) * COLS) * w->size);
    memcpy(y, lanes, (size_t)w->cols * w->size);
}

// n <= 4096 rows from r0 on into the lanes.
static void add_rows(const work *w, int64_t r0, int64_t n, int64_t c0) {
    const ti_colsum *c = w->c;
    int64_t size = (int64_t)w->size;
    const char *x = c->x + (c->first + r0 * c->rs + c0 * c->cs) * size;
    if (c->cs == 1) {
        c->isa->interp->lanes[c->code][c->dtype](w->lanes, x, n, c->rs, w->cols, COLS);
        return;
    }
    for (int64_t r = 0; r < n; r++, x += c->rs * size) {
        for (int64_t j = 0; j < w->cols; j++)
            memcpy(w->row + j * size, x + j * c->cs * size, w->size);
        add(w, w->lanes, r % TI_LANES, w->row);
    }
}

static void columns(const work *w, int64_t c0) {
    int64_t chunks = 0;
    for (int64_t r0 = 0; r0 < w->c->rows || !r0; r0 += TI_CHUNK) {
        int64_t n = ti_min_i64(TI_CHUNK, w->c->rows - r0);
        clear(w, w->lanes);
        add_rows(w, r0, n, c0);
        tree(w, w->lanes, w->out);
        if (w->c->rows <= TI_CHUNK) return;
        if (!chunks) clear(w, w->upper);
        add(w, w->upper, chunks++ % TI_LANES, w->out);
    }
    tree(w, w->upper, w->out);
}

void ti_colsum_run(const ti_colsum *c, char *scratch, int thread, int n_threads) {
    int64_t lo, hi;
    work w = {.c = c, .size = tarn_dtype_size(c->dtype), .lanes = scratch};
    w.upper = w.lanes + TI_LANES * COLS * sizeof(double);
    w.row = w.upper + TI_LANES * COLS * sizeof(double);
    w.out = w.row + COLS * sizeof(double);
    ti_share(c->cols, c->cols < COLS * n_threads ? TI_PANEL : COLS, thread, n_threads, &lo, &hi);
    for (int64_t j = lo; j < hi; j += COLS) {
        w.cols = ti_min_i64(COLS, hi - j);
        columns(&w, j);
        ti_loop_finish(c->loop, scratch + ti_colsum_scratch(), 0, 0, 1, j, w.cols, w.out, COLS);
    }
}
