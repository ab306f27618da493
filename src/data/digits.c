// Generated digits: a stand-in for MNIST that needs no file.
//
// A digit is one of several ways to write it (digits_strokes.c), its points moved a little, drawn
// as a smooth path, bent by a smooth random field, then rotated, slanted and stretched, and scaled
// into a box of 20 x 20 as MNIST's are. Everything is drawn from Philox with the number of the
// picture as the counter, and computed with + - * / and sqrt only (no sin, no exp: their last bits
// differ between C libraries): a picture depends on seed and number alone, on every machine.
#include "data/digits.h"
#include "data/data.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { CLASSES = 10, FIELD = 6, PIECES = 6 };

// How much handwriting differs; box units unless stated.
static const double point_spread = 0.045;       // of each written point
static const double field_spread = 0.16;        // of each knot of the bending field
static const double half_angle_max = 0.14;      // tangent of half the rotation: 16 degrees
static const double slant_max = 0.40;           // to the side, per height
static const double stretch_max = 0.30;         // of width over height
static const double thin = 0.65, thick = 1.75;  // radius of the pen in pixels
static const double pressure_max = 0.35;        // change of the radius along a stroke
static const double box = 20;                   // pixels

// ---- random numbers of one picture -------------------------------------------------------------

typedef struct dice {
    uint64_t key, picture, block;
    uint32_t word[4];
    int used;
} dice;

static uint32_t roll(dice *d) {
    if (d->used == 4) {
        ti_philox(d->key, d->block++, d->picture, d->word);
        d->used = 0;
    }
    return d->word[d->used++];
}

static double uniform(dice *d, double lo, double hi) {
    return lo + (hi - lo) * ((double)roll(d) * 0x1p-32);
}

// Bell-shaped with deviation `spread`, never beyond 3.5 of them: the sum of four uniforms.
static double bell(dice *d, double spread) {
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += uniform(d, -1, 1);
    return sum * spread * 0.8660254037844386;  // sqrt(3) / 2
}

static int below(dice *d, int n) { return (int)((uint64_t)roll(d) * (uint64_t)n >> 32); }

static const ti_glyph *choose_glyph(dice *d, int digit) {
    int shares = 0;
    for (int i = 0; i < ti_glyph_count; i++) {
        if (ti_glyphs[i].digit == digit) shares += ti_glyphs[i].share;
    }
    int left = below(d, shares);
    const ti_glyph *g = ti_glyphs;
    for (;; g++) {
        if (g->digit == digit && (left -= g->share) < 0) return g;
    }
}

// ---- from strokes to a smooth path -------------------------------------------------------------

typedef struct knot {
    double x, y;
} knot;

// Catmull-Rom between p[1] and p[2] (Catmull, Rom 1974), or a straight line.
static knot between(const knot p[4], double t, bool curved) {
    if (!curved) return (knot){p[1].x + t * (p[2].x - p[1].x), p[1].y + t * (p[2].y - p[1].y)};
    double t2 = t * t, t3 = t2 * t;
    double a = -t3 + 2 * t2 - t, b = 3 * t3 - 5 * t2 + 2, c = -3 * t3 + 4 * t2 + t, d = t3 - t2;
    return (knot){(a * p[0].x + b * p[1].x + c * p[2].x + d * p[3].x) / 2,
                  (a * p[0].y + b * p[1].y + c * p[2].y + d * p[3].y) / 2};
}

static void put_point(ti_path *path, knot k, double radius, bool down) {
    ti_assert(path->n < TI_PATH_POINTS);
    path->point[path->n++] = (ti_pen){k.x, k.y, radius, down};
}

static void put_stroke(ti_path *path, const ti_stroke *s, const knot *k, double first_radius,
                       double last_radius) {
    for (int i = 0; i + 1 < s->n; i++) {
        const knot p[4] = {k[i > 0 ? i - 1 : 0], k[i], k[i + 1], k[i + 2 < s->n ? i + 2 : i + 1]};
        for (int j = i > 0; j <= PIECES; j++) {  // later pieces begin where one ended
            double at = (i + (double)j / PIECES) / (s->n - 1);
            put_point(path, between(p, (double)j / PIECES, s->form == TI_CURVED),
                      first_radius + at * (last_radius - first_radius), i > 0 || j > 0);
        }
    }
}

static void write_glyph(dice *d, const ti_glyph *g, ti_path *path) {
    double pen = uniform(d, thin, thick), change = uniform(d, -pressure_max, pressure_max);
    knot last = {0, 0};
    for (int i = 0; i < g->n; i++) {
        const ti_stroke *s = &g->stroke[i];
        knot k[TI_STROKE_POINTS];
        for (int j = 0; j < s->n; j++) {
            k[j].x = s->point[j][0] / 100.0 + bell(d, point_spread);
            k[j].y = s->point[j][1] / 100.0 + bell(d, point_spread);
        }
        if (s->joined) k[0] = last;
        last = k[s->n - 1];
        put_stroke(path, s, k, pen * (1 + change), pen * (1 - change));
    }
}

// ---- distortion --------------------------------------------------------------------------------

// Weights of the four uniform cubic B-spline knots around a point, t in [0,1) of the way between
// the middle two.
static void spline_weights(double t, double w[4]) {
    double s = 1 - t, t2 = t * t, t3 = t2 * t;
    w[0] = s * s * s / 6;
    w[1] = (3 * t3 - 6 * t2 + 4) / 6;
    w[2] = (-3 * t3 + 3 * t2 + 3 * t + 1) / 6;
    w[3] = t3 / 6;
}

// Span and place in it for a coordinate; the field covers [-0.25, 1.25] and is held beyond.
static int spline_span(double x, double w[4]) {
    const double spans = FIELD - 3;
    double u = (x + 0.25) / 1.5 * spans;
    u = u < 0 ? 0 : u >= spans ? spans - 1e-9 : u;
    spline_weights(u - floor(u), w);
    return (int)u;
}

static void bend(dice *d, ti_path *path) {
    knot field[FIELD][FIELD];
    for (int i = 0; i < FIELD * FIELD; i++) {
        double dx = bell(d, field_spread), dy = bell(d, field_spread);
        field[i / FIELD][i % FIELD] = (knot){dx, dy};
    }
    for (int i = 0; i < path->n; i++) {
        ti_pen *p = &path->point[i];
        double wx[4], wy[4], dx = 0, dy = 0;
        int column = spline_span(p->x, wx), row = spline_span(p->y, wy);
        for (int j = 0; j < 16; j++) {
            const knot *k = &field[row + j / 4][column + j % 4];
            double w = wy[j / 4] * wx[j % 4];
            dx += w * k->x;
            dy += w * k->y;
        }
        p->x += dx;
        p->y += dy;
    }
}

// Stretch, slant and rotate about the middle. The rotation is (1-t^2, 2t)/(1+t^2), t the tangent
// of half the angle.
static void tilt(dice *d, ti_path *path) {
    double t = uniform(d, -half_angle_max, half_angle_max), n = 1 + t * t;
    double c = (1 - t * t) / n, s = 2 * t / n;
    double slant = uniform(d, -slant_max, slant_max);
    double stretch = 1 + uniform(d, -stretch_max, stretch_max);
    for (int i = 0; i < path->n; i++) {
        ti_pen *p = &path->point[i];
        double y = p->y - 0.5, x = (p->x - 0.5) * stretch - y * slant;
        p->x = c * x - s * y;
        p->y = s * x + c * y;
    }
}

// Scale the longer side, pen included, to `box` and put the middle of both sides into its middle.
static void fit_into_box(ti_path *path) {
    double x0 = path->point[0].x, x1 = x0, y0 = path->point[0].y, y1 = y0, radius = 0;
    for (int i = 0; i < path->n; i++) {
        const ti_pen *p = &path->point[i];
        x0 = p->x < x0 ? p->x : x0;
        x1 = p->x > x1 ? p->x : x1;
        y0 = p->y < y0 ? p->y : y0;
        y1 = p->y > y1 ? p->y : y1;
        radius = p->radius > radius ? p->radius : radius;
    }
    double side = x1 - x0 > y1 - y0 ? x1 - x0 : y1 - y0, scale = (box - 2 * radius) / side;
    for (int i = 0; i < path->n; i++) {
        ti_pen *p = &path->point[i];
        p->x = (p->x - (x0 + x1) / 2) * scale + box / 2;
        p->y = (p->y - (y0 + y1) / 2) * scale + box / 2;
    }
}

// ---- pictures ----------------------------------------------------------------------------------

// Grain of the paper where there is ink: up to 15 steps lighter.
static void add_grain(dice *d, uint8_t *pixels) {
    uint32_t bits = 0;
    for (int i = 0, left = 0; i < TI_DIGIT_SIDE * TI_DIGIT_SIDE; i++) {
        if (pixels[i] < 16) continue;
        if (left == 0) bits = roll(d), left = 8;
        pixels[i] = (uint8_t)(pixels[i] - (bits & 15));
        bits >>= 4, left--;
    }
}

static int draw_digit(uint64_t key, uint64_t picture, uint8_t *pixels) {
    dice d = {.key = key, .picture = picture, .used = 4};
    ti_path path = {0};
    int digit = below(&d, CLASSES);
    write_glyph(&d, choose_glyph(&d, digit), &path);
    bend(&d, &path);
    tilt(&d, &path);
    fit_into_box(&path);
    ti_path_draw(&path, uniform(&d, 200, 255), pixels);
    add_grain(&d, pixels);
    return digit;
}

// Pictures first, first + 1, ... of the seed.
static tarn_status make_part(uint64_t seed, uint64_t first, int64_t n, tarn_dataset *out) {
    const size_t numel = TI_DIGIT_SIDE * TI_DIGIT_SIDE;
    tarn_dataset d = {.scale = 1.0 / 255, .classes = CLASSES, .generated = true};
    tarn_status st;
    ti_dataset_set_name(&d, "digits");
    st = ti_tensor_create_unset(TARN_U8, TARN_SHAPE(n, TI_DIGIT_SIDE, TI_DIGIT_SIDE), &d.x);
    if (!st) st = ti_tensor_create_unset(TARN_I32, TARN_SHAPE(n), &d.y);
    if (st) {
        tarn_dataset_clear(&d);
        return st;
    }
    uint8_t *x = tarn_tensor_data(d.x);
    int32_t *y = tarn_tensor_data(d.y);
    uint64_t key = seed ^ ti_hash64("data.digits");
    for (int64_t i = 0; i < n; i++)
        y[i] = draw_digit(key, first + (uint64_t)i, x + (size_t)i * numel);
    *out = d;
    return TARN_OK;
}

tarn_status tarn_data_digits(uint64_t seed, int64_t n_train, int64_t n_test, tarn_dataset *train,
                             tarn_dataset *test) {
    const uint64_t first_test = (uint64_t)1 << 63;  // whatever the size of the training part
    tarn_dataset a = {0}, b = {0};
    if (n_train < 0 || n_test < 0)
        return ti_error(TARN_EARG, "digits: %" PRId64 " train and %" PRId64 " test pictures",
                        n_train, n_test);
    if (train) TI_TRY(make_part(seed, 0, n_train, &a));
    tarn_status st = test ? make_part(seed, first_test, n_test, &b) : TARN_OK;
    if (st) {
        tarn_dataset_clear(&a);
        return st;
    }
    if (train) *train = a;
    if (test) *test = b;
    return TARN_OK;
}
