// Packers read their source through a view: rows, columns, or a packed variable as it is or
// transposed. 4- and 8-byte elements are moved as words, so one source serves both.
#include <string.h>

#include "backend/cpu/gemm.h"

// A block of an operand, as the packers see it: `lanes` of them side by side in a panel of `width`,
// over `k` steps.
typedef struct block {
    const ti_matrix *x;
    int64_t first, lanes;  // the operand's rows (left) or columns (right)
    int64_t k0, k;
    int width;
    bool down;  // left operand: lanes are rows
} block;

#define PACKERS(W, S)                                                                          \
    static W at_##S(const block *b, int64_t lane, int64_t step) {                              \
        const ti_matrix *x = b->x;                                                             \
        int64_t i = b->down ? lane : step, j = b->down ? step : lane;                          \
        const W *p = (const W *)x->base;                                                       \
        int64_t r = x->trans ? j : i, c = x->trans ? i : j;                                    \
        return p[((c / TI_PANEL) * x->rows + r) * TI_PANEL + c % TI_PANEL];                    \
    }                                                                                          \
    /* any source; steps from `from` on */                                                     \
    static void any_##S(W *y, const block *b, int64_t from) {                                  \
        const ti_matrix *x = b->x;                                                             \
        int64_t lane = b->down ? x->rs : x->cs, step = b->down ? x->cs : x->rs;                \
        for (int64_t p = 0; p < b->lanes; p += b->width, y += b->k * b->width) {               \
            int64_t n = ti_min_i64(b->width, b->lanes - p);                                    \
            const W *plain = (const W *)x->base + (b->first + p) * lane + b->k0 * step;        \
            for (int64_t q = from; q < b->k; q++) {                                            \
                W *z = y + q * b->width;                                                       \
                for (int64_t l = 0; l < n; l++)                                                \
                    z[l] = x->panels ? at_##S(b, b->first + p + l, b->k0 + q)                  \
                                     : plain[l * lane + q * step];                             \
                for (int64_t l = n; l < b->width; l++) z[l] = 0;                               \
            }                                                                                  \
        }                                                                                      \
    }                                                                                          \
    /* whole panels whose lanes lie next to each other, four panels a pass over the steps */   \
    static inline __attribute__((always_inline)) void runs_##S(                                \
        W *restrict y, const W *x, int64_t panels, int64_t k, int64_t step, const int width) { \
        for (; panels >= 4; panels -= 4, y += 4 * k * width, x += 4 * width)                   \
            for (int64_t q = 0; q < k; q++)                                                    \
                for (int p = 0; p < 4; p++)                                                    \
                    memcpy(y + (p * k + q) * width, x + q * step + p * width,                  \
                           sizeof(W) * (size_t)width);                                         \
        for (; panels; panels--, y += k * width, x += width)                                   \
            for (int64_t q = 0; q < k; q++)                                                    \
                memcpy(y + q * width, x + q * step, sizeof(W) * (size_t)width);                \
    }                                                                                          \
    /* lanes far apart, steps next to each other: eight steps of all lanes at a time */        \
    static void gathered_##S(W *restrict y, const W *restrict x, int64_t panels, int64_t k,    \
                             int64_t lane, int width) {                                        \
        for (; panels; panels--, y += k * width, x += width * lane) {                          \
            int64_t q = 0;                                                                     \
            for (; q + 8 <= k; q += 8)                                                         \
                for (int l = 0; l < width; l++)                                                \
                    for (int s = 0; s < 8; s++) y[(q + s) * width + l] = x[l * lane + q + s];  \
            for (; q < k; q++)                                                                 \
                for (int l = 0; l < width; l++) y[q * width + l] = x[l * lane + q];            \
        }                                                                                      \
    }                                                                                          \
    static void pack_##S(W *y, const block *b) {                                               \
        const ti_matrix *x = b->x;                                                             \
        int64_t lane = b->down ? x->rs : x->cs, step = b->down ? x->cs : x->rs;                \
        int64_t whole = x->panels ? 0 : b->lanes / b->width;                                   \
        const W *p = (const W *)x->base + b->first * lane + b->k0 * step;                      \
        if (b->down) {                                                                         \
            whole = 0;                                                                         \
        } else if (lane == 1) {                                                                \
            runs_##S(y, p, whole, b->k, step, TI_PANEL);                                       \
        } else if (step == 1) {                                                                \
            gathered_##S(y, p, whole, b->k, lane, b->width);                                   \
        } else {                                                                               \
            whole = 0;                                                                         \
        }                                                                                      \
        block rest = *b;                                                                       \
        rest.first += whole * b->width;                                                        \
        rest.lanes -= whole * b->width;                                                        \
        any_##S(y + whole * b->width * b->k, &rest, 0);                                        \
    }
PACKERS(uint32_t, w4)
PACKERS(uint64_t, w8)

static void pack(char *y, const block *b) {
    if (b->x->size == 4) {
        pack_w4((uint32_t *)y, b);
    } else {
        pack_w8((uint64_t *)y, b);
    }
}

// A transposed variable, f32, on the right: its panels hold 16 steps side by side, so whole squares
// are turned over. Steps begin at a multiple of 16.
static void turn_squares(const ti_isa *isa, float *y, const block *b) {
    for (int64_t p = 0; p < b->lanes; p += TI_PANEL, y += TI_PANEL * b->k)
        for (int64_t q = 0; q < b->k; q += TI_PANEL) {
            const float *x = (const float *)b->x->base +
                             ((b->k0 + q) / TI_PANEL * b->x->rows + b->first + p) * TI_PANEL;
            float *z = y + q * TI_PANEL;
            int64_t n = ti_min_i64(TI_PANEL, b->lanes - p), steps = ti_min_i64(TI_PANEL, b->k - q);
            for (int i = 0; i < TI_PANEL && n == TI_PANEL && steps == TI_PANEL; i += 8)
                for (int j = 0; j < TI_PANEL; j += 8)
                    isa->turn8(z + j * TI_PANEL + i, TI_PANEL, x + i * TI_PANEL + j, TI_PANEL);
            if (n == TI_PANEL && steps == TI_PANEL) continue;
            for (int64_t t = 0; t < steps; t++)
                for (int64_t l = 0; l < TI_PANEL; l++)
                    z[t * TI_PANEL + l] = l < n ? x[l * TI_PANEL + t] : 0;
        }
}

void ti_pack_a(const ti_isa *isa, char *out, const ti_matrix *x, int64_t r0, int64_t rows,
               int64_t k0, int64_t k) {
    block b = {x, r0, rows, k0, k, isa->mr, true};
    if (x->window) {
        ti_pack_windows(isa, out, x, r0, rows, k0, k);
    } else {
        pack(out, &b);
    }
}

void ti_pack_b(const ti_isa *isa, char *out, const ti_matrix *x, int64_t c0, int64_t cols,
               int64_t k0, int64_t k) {
    block b = {x, c0, cols, k0, k, TI_PANEL, false};
    if (isa->turn8 && x->size == 4 && x->panels && x->trans) {
        turn_squares(isa, (float *)out, &b);
    } else {
        pack(out, &b);
    }
}
