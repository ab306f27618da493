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
    for (int64_t i = 0; i < TI_LANES * COLS; i++) {
        char *p = lanes + (size_t)i * w->size;
        if (w->c->code == TI_SUM) {
            memset(p, 0, w->size);
        } else if (w->c->dtype == TARN_F32) {
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

static const char *row(const work *w, int64_t r, int64_t c0) {
    const ti_colsum *c = w->c;
    const char *x = c->x + (r * c->rs + c0 * c->cs) * (int64_t)w->size;
    if (c->cs == 1) return x;
    for (int64_t j = 0; j < w->cols; j++)
        memcpy(w->row + (size_t)j * w->size, x + j * c->cs * (int64_t)w->size, w->size);
    return w->row;
}

static void columns(const work *w, int64_t c0) {
    int64_t chunks = 0;
    for (int64_t r0 = 0; r0 < w->c->rows || !r0; r0 += TI_CHUNK) {
        int64_t n = ti_min_i64(TI_CHUNK, w->c->rows - r0);
        clear(w, w->lanes);
        for (int64_t r = 0; r < n; r++) add(w, w->lanes, r % TI_LANES, row(w, r0 + r, c0));
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
        ti_loop_finish(c->loop, scratch + ti_colsum_scratch(), 0, 1, j, w.cols, w.out, COLS);
    }
}
