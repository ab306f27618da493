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

static bool has_holes(const ti_matrix *x) { return x->window->zh > 1 || x->window->zw > 1; }

#define WINDOWS(W, S)                                                                            \
    /* `run` channels of every lane's pixel; from: in elements, -1 none */                       \
    static void lanes_##S(W *restrict y, const W *restrict x, const int64_t *from, int mr,       \
                          int64_t run) {                                                         \
        for (int l = 0; l < mr; l++)                                                             \
            for (int64_t t = 0; t < run; t++) y[t * mr + l] = from[l] < 0 ? 0 : x[from[l] + t];  \
    }                                                                                            \
    /* `run` steps of n lanes side by side, `apart` elements from step to step; NULL: zeros */   \
    static void steps_##S(W *restrict y, const W *restrict x, int64_t run, int64_t apart, int n, \
                          int width, int mr) {                                                   \
        if (x && n == 8 && width == 8) {                                                         \
            for (int64_t q = 0; q < run; q++) memcpy(y + q * mr, x + q * apart, 8 * sizeof(W));  \
            return;                                                                              \
        }                                                                                        \
        for (int64_t q = 0; q < run; q++)                                                        \
            for (int l = 0; l < width; l++) y[q * mr + l] = x && l < n ? x[q * apart + l] : 0;   \
    }
WINDOWS(uint32_t, w4)
WINDOWS(uint64_t, w8)

// ---- windows as rows ----------------------------------------------------------------------------

// Eight lanes are turned over in registers, eight channels at a time: as they lie when the pixels
// are equally far apart, else from a copy. Returns the number of channels done.
static int64_t turn(const ti_isa *isa, float *y, const float *x, const int64_t *from, int64_t run) {
    int64_t apart = from[1] - from[0], t = 0;
    bool even = from[0] >= 0;
    float square[8][8];
    if (!isa->turn8 || isa->mr != 8) return 0;
    for (int l = 0; l < 8; l++) even &= from[l] == from[0] + l * apart;
    for (; t + 8 <= run; t += 8) {
        for (int l = 0; l < 8 && !even; l++) {
            if (from[l] < 0) memset(square[l], 0, sizeof square[l]);
            if (from[l] >= 0) memcpy(square[l], x + from[l] + t, sizeof square[l]);
        }
        isa->turn8(y + t * 8, 8, even ? x + from[0] + t : square[0], even ? apart : 8);
    }
    return t;
}

// One channel of eight pixels side by side.
static bool neighbours(const ti_isa *isa, const int64_t *from, int64_t run) {
    if (run != 1 || isa->mr != 8 || from[0] < 0) return false;
    for (int l = 1; l < 8; l++)
        if (from[l] != from[0] + l) return false;
    return true;
}

static void panel_of_rows(const ti_isa *isa, char *y, const ti_matrix *x, int64_t r, int64_t rows,
                          int64_t k0, int64_t k) {
    place s[MAX_LANES];
    int mr = isa->mr;
    const float *base = (const float *)(const void *)x->base;
    s[0] = place_of(x, r);
    for (int l = 1; l < rows; l++) {
        s[l] = s[l - 1];
        next_place(x, &s[l]);
    }
    for (int64_t q = 0; q < k;) {
        int64_t tap = (k0 + q) / x->c, c0 = (k0 + q) % x->c, from[MAX_LANES], done = 0;
        int64_t run = ti_min_i64(x->c - c0, k - q);
        for (int l = 0; l < mr; l++) {
            from[l] = l < rows ? pixel(x, &s[l], tap) : -1;
            if (from[l] >= 0) from[l] += c0;
        }
        char *z = y + (size_t)(q * mr) * x->size;
        if (x->size == 4 && neighbours(isa, from, run)) {
            memcpy(z, base + from[0], 8 * sizeof *base);
        } else if (x->size == 4) {
            done = turn(isa, (float *)(void *)z, base, from, run);
            for (int l = 0; l < mr; l++) from[l] += from[l] < 0 ? 0 : done;
            lanes_w4((uint32_t *)(void *)z + done * mr, (const uint32_t *)(const void *)x->base,
                     from, mr, run - done);
        } else {
            lanes_w8((uint64_t *)(void *)z, (const uint64_t *)(const void *)x->base, from, mr, run);
        }
        q += run;
    }
}

// ---- windows as columns -------------------------------------------------------------------------

// Lanes `at`.. of a panel: n channels of one tap, and zeros up to `width`; steps are places.
typedef struct strip {
    const ti_matrix *x;
    char *y;
    int64_t tap, c0;
    int at, n, width, mr;
} strip;

static void steps(const strip *t, int64_t q, int64_t from, int64_t run, int64_t apart) {
    const ti_matrix *x = t->x;
    int64_t to = q * t->mr + t->at;
    if (x->size == 4) {
        const uint32_t *w = (const uint32_t *)(const void *)x->base;
        steps_w4((uint32_t *)(void *)t->y + to, from < 0 ? NULL : w + from, run, apart, t->n,
                 t->width, t->mr);
    } else {
        const uint64_t *w = (const uint64_t *)(const void *)x->base;
        steps_w8((uint64_t *)(void *)t->y + to, from < 0 ? NULL : w + from, run, apart, t->n,
                 t->width, t->mr);
    }
}

// Places that lie in one row of the image, `run` of them from s on: some are outside to the left,
// some inside, some outside to the right.
static void row_of_places(const strip *t, int64_t q, const place *s, int64_t run) {
    const ti_window *w = t->x->window;
    int64_t inside = 0, before = 0;
    place first = *s;
    while (before < run && pixel(t->x, &first, t->tap) < 0) {
        first.left += w->sw;
        before++;
    }
    int64_t from = before < run ? pixel(t->x, &first, t->tap) + t->c0 : -1;
    if (from >= 0) {
        place last = first;
        last.left += (run - before - 1) * w->sw;
        inside = run - before;
        for (; pixel(t->x, &last, t->tap) < 0; last.left -= w->sw) inside--;
    }
    steps(t, q, -1, before, 0);
    steps(t, q + before, from, inside, w->sw * t->x->c);
    steps(t, q + before + inside, -1, run - before - inside, 0);
}

static void strip_of_taps(const strip *t, int64_t k0, int64_t k) {
    const ti_window *w = t->x->window;
    place s = place_of(t->x, k0);
    for (int64_t q = 0; q < k;) {
        int64_t left = w->ow - (s.left + w->left) / w->sw, run = ti_min_i64(left, k - q);
        if (has_holes(t->x)) {
            int64_t from = pixel(t->x, &s, t->tap);
            steps(t, q, from < 0 ? -1 : from + t->c0, run = 1, 0);
        } else {
            row_of_places(t, q, &s, run);
            s.left += (run - 1) * w->sw;
        }
        next_place(t->x, &s);
        q += run;
    }
}

// Lanes are pixels' channels, which may cross from one tap to the next.
static void panel_of_taps(const ti_isa *isa, char *y, const ti_matrix *x, int64_t first,
                          int64_t lanes, int64_t k0, int64_t k) {
    for (int64_t done = 0; done < lanes || done == 0;) {
        strip t = {.x = x, .y = y, .at = (int)done, .mr = isa->mr};
        t.tap = (first + done) / x->c;
        t.c0 = (first + done) % x->c;
        t.n = (int)ti_min_i64(x->c - t.c0, lanes - done);
        t.width = done + t.n < lanes ? t.n : isa->mr - (int)done;  // the last fills up with zeros
        strip_of_taps(&t, k0, k);
        done += t.n;
    }
}

void ti_pack_windows(const ti_isa *isa, char *out, const ti_matrix *x, int64_t r0, int64_t rows,
                     int64_t k0, int64_t k) {
    int mr = isa->mr;
    if (k == 0) return;  // of no pictures
    for (int64_t p = 0; p < rows; p += mr, out += (size_t)(mr * k) * x->size) {
        int64_t n = ti_min_i64(mr, rows - p);
        (x->trans ? panel_of_taps : panel_of_rows)(isa, out, x, r0 + p, n, k0, k);
    }
}
