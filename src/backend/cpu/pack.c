// Packers read their source through a view: rows, columns, or a packed variable as it is or
// transposed. 4- and 8-byte elements are moved as words, so one source serves both.
#include <string.h>

#include "backend/cpu/gemm.h"

#define PACKERS(W, S)                                                                           \
    static W at_##S(const ti_matrix *x, int64_t i, int64_t j) {                                 \
        const W *p = (const W *)x->base;                                                        \
        if (!x->panels) return p[i * x->rs + j * x->cs];                                        \
        int64_t r = x->trans ? j : i, c = x->trans ? i : j;                                     \
        return p[((c / TI_PANEL) * x->rows + r) * TI_PANEL + c % TI_PANEL];                     \
    }                                                                                           \
    /* `n` lanes from (i, j) on, one step apart in i (down) or j */                             \
    static void lanes_##S(W *y, const ti_matrix *x, int64_t i, int64_t j, int n, int width,     \
                          bool down) {                                                          \
        for (int l = 0; l < n; l++) y[l] = down ? at_##S(x, i + l, j) : at_##S(x, i, j + l);    \
        for (int l = n; l < width; l++) y[l] = 0;                                               \
    }                                                                                           \
    /* panel of `width` lanes over `k` steps; unit: lanes lie next to each other */             \
    static void strided_##S(W *y, const W *x, int n, int width, int64_t k, int64_t lane,        \
                            int64_t step) {                                                     \
        for (int64_t q = 0; q < k; q++, y += width, x += step) {                                \
            for (int l = 0; l < n; l++) y[l] = x[l * lane];                                     \
            for (int l = n; l < width; l++) y[l] = 0;                                           \
        }                                                                                       \
    }                                                                                           \
    /* lanes far apart, steps next to each other: eight steps of all lanes at a time */         \
    static void gathered_##S(W *restrict y, const W *restrict x, int n, int width, int64_t k,   \
                             int64_t lane) {                                                    \
        int64_t q = 0;                                                                          \
        for (; q + 8 <= k; q += 8)                                                              \
            for (int l = 0; l < n; l++)                                                         \
                for (int s = 0; s < 8; s++) y[(q + s) * width + l] = x[l * lane + q + s];       \
        for (; q < k; q++)                                                                      \
            for (int l = 0; l < n; l++) y[q * width + l] = x[l * lane + q];                     \
        for (q = 0; q < k && n < width; q++)                                                    \
            for (int l = n; l < width; l++) y[q * width + l] = 0;                               \
    }                                                                                           \
    static void panel_##S(W *y, const ti_matrix *x, int64_t first, int n, int width, int64_t k, \
                          bool down) {                                                          \
        if (x->panels) {                                                                        \
            for (int64_t q = 0; q < k; q++, y += width)                                         \
                down ? lanes_##S(y, x, first, q, n, width, true)                                \
                     : lanes_##S(y, x, q, first, n, width, false);                              \
            return;                                                                             \
        }                                                                                       \
        int64_t lane = down ? x->rs : x->cs, step = down ? x->cs : x->rs;                       \
        const W *p = (const W *)x->base + first * lane;                                         \
        if (step == 1 && lane != 1) {                                                           \
            gathered_##S(y, p, n, width, k, lane);                                              \
        } else {                                                                                \
            strided_##S(y, p, n, width, k, lane, step);                                         \
        }                                                                                       \
    }
PACKERS(uint32_t, w4)
PACKERS(uint64_t, w8)

static void panel(char *y, const ti_matrix *x, int64_t first, int n, int width, int64_t k,
                  bool down) {
    if (x->size == 4) {
        panel_w4((uint32_t *)y, x, first, n, width, k, down);
    } else {
        panel_w8((uint64_t *)y, x, first, n, width, k, down);
    }
}

// A transposed variable, f32: its panels hold 16 of the result's k steps side by side, so whole
// squares are turned over.
static void turn_squares(const ti_isa *isa, float *y, const ti_matrix *x, int64_t first, int n,
                         int64_t k) {
    for (int64_t q = 0; q < k; q += TI_PANEL) {
        const float *s = (const float *)x->base + (q / TI_PANEL * x->rows + first) * TI_PANEL;
        int steps = (int)ti_min_i64(TI_PANEL, k - q);
        float *d = y + q * TI_PANEL;
        if (isa->turn8 && n == TI_PANEL && steps == TI_PANEL) {
            for (int i = 0; i < TI_PANEL; i += 8)
                for (int j = 0; j < TI_PANEL; j += 8)
                    isa->turn8(d + j * TI_PANEL + i, TI_PANEL, s + i * TI_PANEL + j, TI_PANEL);
            continue;
        }
        for (int l = 0; l < n; l++)
            for (int t = 0; t < steps; t++) d[t * TI_PANEL + l] = s[l * TI_PANEL + t];
        for (int t = 0; t < steps && n < TI_PANEL; t++)
            for (int l = n; l < TI_PANEL; l++) d[t * TI_PANEL + l] = 0;
    }
}

// Rows of an f32 matrix into a whole panel of 6 or 8: squares of eight steps are turned over. With
// 6 rows the stores of one step reach into the next, which is written after it; the last steps
// are left to the caller. Returns the steps done.
static int64_t turn_rows(const ti_isa *isa, float *y, const float *x, int64_t rs, int64_t k,
                         bool rows_beyond) {
    int64_t q = 0;
    if (!isa->turn8 || (isa->mr != 8 && !(isa->mr == 6 && rows_beyond))) return 0;
    for (; q + 8 < k; q += 8) isa->turn8(y + q * isa->mr, isa->mr, x + q, rs);
    return q;
}

void ti_pack_a(const ti_isa *isa, char *out, const ti_matrix *x, int64_t m, int64_t k, int64_t lo,
               int64_t hi) {
    int mr = isa->mr;
    for (int64_t p = lo; p < hi; p++) {
        char *y = out + (size_t)(p * mr * k) * x->size;
        int rows = (int)ti_min_i64(mr, m - p * mr);
        ti_matrix rest = *x;
        int64_t done = 0;
        if (x->size == 4 && !x->panels && x->cs == 1 && rows == mr) {
            const float *from = (const float *)x->base + p * mr * x->rs;
            done = turn_rows(isa, (float *)y, from, x->rs, k, p * mr + 8 <= m);
            rest.base += (size_t)done * x->size;
        }
        panel(y + (size_t)(done * mr) * x->size, &rest, p * mr, rows, mr, k - done, true);
    }
}

void ti_pack_b(const ti_isa *isa, char *out, const ti_matrix *x, int64_t k, int64_t n, int64_t lo,
               int64_t hi) {
    for (int64_t p = lo; p < hi; p++) {
        char *y = out + (size_t)(p * TI_PANEL * k) * x->size;
        int cols = (int)ti_min_i64(TI_PANEL, n - p * TI_PANEL);
        if (x->panels && x->trans && x->size == 4) {
            turn_squares(isa, (float *)y, x, p * TI_PANEL, cols, k);
        } else {
            panel(y, x, p * TI_PANEL, cols, TI_PANEL, k, false);
        }
    }
}
