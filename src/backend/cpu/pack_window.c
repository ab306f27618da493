// Packing the windows of an image as the left operand, as they are or transposed. Lanes past the
// edge of the panel and pixels outside of the image are zeros.
#include <string.h>

#include "backend/cpu/gemm.h"

enum { MAX_LANES = 16 };

// A place of the window: its image, and where its first pixel lies in the padded one.
typedef struct place {
    int64_t image, top, left;
} place;

static place place_of(const ti_matrix *x, int64_t r) {
    const ti_window *w = x->window;
    int64_t row = r / w->ow;
    return (place){row / w->oh, row % w->oh * w->sh - w->top, r % w->ow * w->sw - w->left};
}

// The place after it.
static void next_place(const ti_matrix *x, place *s) {
    const ti_window *w = x->window;
    s->left += w->sw;
    if (s->left < (int64_t)w->ow * w->sw - w->left) return;
    s->left = -w->left;
    s->top += w->sh;
    if (s->top < (int64_t)w->oh * w->sh - w->top) return;
    s->top = -w->top;
    s->image++;
}

// First channel of the pixel under tap (p, q), in elements from the base; -1 outside.
static int64_t pixel(const ti_matrix *x, const place *s, int64_t tap) {
    const ti_window *w = x->window;
    int64_t p = tap / w->kw, q = tap % w->kw;
    int64_t i = s->top + (w->flip ? w->kh - 1 - p : p), j = s->left + (w->flip ? w->kw - 1 - q : q);
    if (i < 0 || j < 0) return -1;
    if (w->zh > 1 || w->zw > 1) {
        if (i % w->zh || j % w->zw) return -1;
        i /= w->zh;
        j /= w->zw;
    }
    if (i >= x->h || j >= x->w) return -1;
    return ((s->image * x->h + i) * x->w + j) * x->c;
}

#define WINDOWS(W, S)                                                                           \
    /* `run` channels of every lane's pixel; from: in elements, -1 none */                      \
    static void lanes_##S(W *restrict y, const W *restrict x, const int64_t *from, int mr,      \
                          int64_t run) {                                                        \
        for (int l = 0; l < mr; l++)                                                            \
            for (int64_t t = 0; t < run; t++) y[t * mr + l] = from[l] < 0 ? 0 : x[from[l] + t]; \
    }                                                                                           \
    /* one step of `n` lanes side by side within a pixel */                                     \
    static void step_##S(W *restrict y, const W *restrict x, int64_t from, int n, int mr) {     \
        for (int l = 0; l < mr; l++) y[l] = l < n && from >= 0 ? x[from + l] : 0;               \
    }
WINDOWS(uint32_t, w4)
WINDOWS(uint64_t, w8)

// Eight lanes whose pixels lie equally far apart are turned over in registers. Channels done.
static int64_t turn(const ti_isa *isa, float *y, const float *x, const int64_t *from, int64_t run) {
    int64_t apart = from[1] - from[0], t = 0;
    if (!isa->turn8 || isa->mr != 8) return 0;
    for (int l = 0; l < 8; l++)
        if (from[l] < 0 || from[l] != from[0] + l * apart) return 0;
    for (; t + 8 <= run; t += 8) isa->turn8(y + t * 8, 8, x + from[0] + t, apart);
    return t;
}

static void panel_of_rows(const ti_isa *isa, char *y, const ti_matrix *x, int64_t r, int64_t rows,
                          int64_t k0, int64_t k) {
    place s[MAX_LANES];
    int mr = isa->mr;
    for (int l = 0; l < rows; l++) s[l] = place_of(x, r + l);
    for (int64_t q = 0; q < k;) {
        int64_t tap = (k0 + q) / x->c, c0 = (k0 + q) % x->c, from[MAX_LANES], done = 0;
        int64_t run = ti_min_i64(x->c - c0, k - q);
        for (int l = 0; l < mr; l++) {
            from[l] = l < rows ? pixel(x, &s[l], tap) : -1;
            if (from[l] >= 0) from[l] += c0;
        }
        char *z = y + (size_t)(q * mr) * x->size;
        if (x->size == 4) {
            done = turn(isa, (float *)(void *)z, (const float *)(const void *)x->base, from, run);
            for (int l = 0; l < mr; l++) from[l] += from[l] < 0 ? 0 : done;
            lanes_w4((uint32_t *)(void *)z + done * mr, (const uint32_t *)(const void *)x->base,
                     from, mr, run - done);
        } else {
            lanes_w8((uint64_t *)(void *)z, (const uint64_t *)(const void *)x->base, from, mr, run);
        }
        q += run;
    }
}

// Lanes are pixels' channels, which may cross from one tap to the next; steps are places.
static void panel_of_taps(const ti_isa *isa, char *y, const ti_matrix *x, int64_t first,
                          int64_t lanes, int64_t k0, int64_t k) {
    int mr = isa->mr;
    for (int64_t done = 0; done < lanes || done == 0;) {
        int64_t tap = (first + done) / x->c, c0 = (first + done) % x->c;
        int n = (int)ti_min_i64(x->c - c0, lanes - done);
        int width = done + n < lanes ? n : mr - (int)done;  // the last run fills up with zeros
        place s = place_of(x, k0);
        for (int64_t q = 0; q < k; q++, next_place(x, &s)) {
            int64_t from = pixel(x, &s, tap), at = q * mr + done;
            if (from >= 0) from += c0;
            if (x->size == 4) {
                step_w4((uint32_t *)(void *)y + at, (const uint32_t *)(const void *)x->base, from,
                        n, width);
            } else {
                step_w8((uint64_t *)(void *)y + at, (const uint64_t *)(const void *)x->base, from,
                        n, width);
            }
        }
        done += n;
    }
}

void ti_pack_windows(const ti_isa *isa, char *out, const ti_matrix *x, int64_t r0, int64_t rows,
                     int64_t k0, int64_t k) {
    int mr = isa->mr;
    for (int64_t p = 0; p < rows; p += mr, out += (size_t)(mr * k) * x->size) {
        int64_t n = ti_min_i64(mr, rows - p);
        (x->trans ? panel_of_taps : panel_of_rows)(isa, out, x, r0 + p, n, k0, k);
    }
}
