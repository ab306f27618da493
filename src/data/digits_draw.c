// From a path of the pen to 28 x 28 grey pixels.
//
// Each short line is a capsule; a pixel is covered by how far its centre lies inside, which is
// antialiasing by distance. Only pixels near a line are visited. Plain arithmetic and sqrt, which
// IEEE 754 rounds in one way, so every machine draws the same bytes.
#include "data/digits.h"

#include <math.h>
#include <string.h>

enum { MARGIN = 14, BOX = 20, CANVAS = BOX + 2 * MARGIN };

typedef struct canvas {
    double cover[CANVAS][CANVAS];  // 0 to 1, rows first
} canvas;

static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

// Pixels from lo to hi that can be nearer than `reach` to [a, b].
static void pixel_range(double a, double b, double reach, int *lo, int *hi) {
    double least = (a < b ? a : b) - reach, most = (a < b ? b : a) + reach;
    *lo = (int)clamp(floor(least), 0, CANVAS - 1);
    *hi = (int)clamp(ceil(most), 0, CANVAS - 1);
}

static void draw_line(canvas *c, const ti_pen *a, const ti_pen *b) {
    double dx = b->x - a->x, dy = b->y - a->y, length2 = dx * dx + dy * dy;
    double reach = (a->radius + b->radius) / 2 + 0.5;
    int x0, x1, y0, y1;
    pixel_range(a->x, b->x, reach, &x0, &x1);
    pixel_range(a->y, b->y, reach, &y0, &y1);
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x++) {
            double px = x - a->x, py = y - a->y;
            double t = length2 > 0 ? clamp((px * dx + py * dy) / length2, 0, 1) : 0;
            double ex = px - t * dx, ey = py - t * dy, distance2 = ex * ex + ey * ey;
            if (distance2 >= reach * reach) continue;
            double cover = clamp(reach - sqrt(distance2), 0, 1);
            if (cover > c->cover[y][x]) c->cover[y][x] = cover;
        }
    }
}

// First row and column of the 28 x 28 window whose middle is nearest to the centre of mass.
static void window_of(const canvas *c, int *row, int *column) {
    double mass = 0, x_sum = 0, y_sum = 0;
    for (int y = 0; y < CANVAS; y++) {
        for (int x = 0; x < CANVAS; x++) {
            mass += c->cover[y][x];
            x_sum += x * c->cover[y][x];
            y_sum += y * c->cover[y][x];
        }
    }
    const double middle = (TI_DIGIT_SIDE - 1) / 2.0;
    double x = mass > 0 ? x_sum / mass : CANVAS / 2.0, y = mass > 0 ? y_sum / mass : CANVAS / 2.0;
    *column = (int)clamp(floor(x - middle + 0.5), 0, CANVAS - TI_DIGIT_SIDE);
    *row = (int)clamp(floor(y - middle + 0.5), 0, CANVAS - TI_DIGIT_SIDE);
}

void ti_path_draw(const ti_path *path, double ink, uint8_t *pixels) {
    canvas c;
    int row, column;
    memset(&c, 0, sizeof c);
    for (int i = 1; i < path->n; i++) {
        ti_pen a = path->point[i - 1], b = path->point[i];
        a.x += MARGIN, a.y += MARGIN, b.x += MARGIN, b.y += MARGIN;
        if (b.down) draw_line(&c, &a, &b);
    }
    window_of(&c, &row, &column);
    for (int y = 0; y < TI_DIGIT_SIDE; y++) {
        for (int x = 0; x < TI_DIGIT_SIDE; x++)
            *pixels++ = (uint8_t)(ink * c.cover[row + y][column + x] + 0.5);
    }
}
