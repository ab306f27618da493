// Surface, shapes and file of the plots' canvas.
#include "plot/canvas.h"

#ifdef TARN_HAVE_CAIRO

#include <math.h>

// Cairo's images end at 32767 pixels a side.
static const double max_side = 32767, max_pixels = 64 * 1048576.0;

#define RGB(r, g, b) \
    { (r) / 255.0, (g) / 255.0, (b) / 255.0 }

const ti_color ti_white = RGB(255, 255, 255);
const ti_color ti_ink = RGB(33, 37, 41);
const ti_color ti_muted = RGB(108, 117, 125);
const ti_color ti_faint = RGB(228, 231, 235);
const ti_color ti_red = RGB(214, 39, 40);

// Neighbours differ in hue and lightness: most pictures have only the first few.
static const ti_color palette[TI_PALETTE_SIZE] = {
    RGB(31, 111, 180),   // blue
    RGB(235, 110, 15),   // orange
    RGB(44, 150, 75),    // green
    RGB(205, 45, 60),    // red
    RGB(130, 85, 195),   // purple
    RGB(20, 175, 195),   // cyan
    RGB(225, 90, 165),   // pink
    RGB(135, 90, 60),    // brown
    RGB(155, 155, 25),   // olive
    RGB(110, 118, 130),  // grey
    RGB(25, 45, 120),    // navy
    RGB(240, 180, 10),   // gold
    RGB(10, 90, 60),     // pine
    RGB(115, 15, 55),    // wine
    RGB(175, 160, 240),  // lavender
    RGB(140, 205, 100),  // lime
};

ti_color ti_palette(int i) { return palette[i % TI_PALETTE_SIZE]; }

ti_color ti_color_mix(ti_color a, ti_color b, double t) {
    return (ti_color){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

// The status of Cairo's first failure as ours.
static tarn_status cairo_error(cairo_status_t failed) {
    tarn_status st = failed == CAIRO_STATUS_NO_MEMORY ? TARN_ENOMEM : TARN_EIO;
    return ti_error(st, "Cairo: %s", cairo_status_to_string(failed));
}

tarn_status ti_canvas_create(double width, double height, ti_canvas *c) {
    double w = ceil(width * TI_CANVAS_SCALE), h = ceil(height * TI_CANVAS_SCALE);
    if (w > max_side || h > max_side || w * h > max_pixels)
        return ti_error(TARN_ELIMIT, "a picture of %.0f x %.0f pixels is too large", w, h);
    *c = (ti_canvas){.width = width, .height = height};
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)w, (int)h);
    c->cr = cairo_create(c->surface);
    cairo_status_t status = cairo_status(c->cr);
    if (status) {
        ti_canvas_free(c);
        return cairo_error(status);
    }
    cairo_scale(c->cr, TI_CANVAS_SCALE, TI_CANVAS_SCALE);
    ti_canvas_fill(c, 0, 0, width, height, ti_white);
    return TARN_OK;
}

void ti_canvas_free(ti_canvas *c) {
    cairo_destroy(c->cr);
    cairo_surface_destroy(c->surface);
    *c = (ti_canvas){0};
}

static cairo_status_t put(void *writer, const unsigned char *bytes, unsigned int n) {
    ti_writer *w = writer;
    ti_writer_put(w, bytes, n);
    return w->status ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

tarn_status ti_canvas_write(ti_canvas *c, const char *path) {
    ti_writer w;
    cairo_status_t status = cairo_status(c->cr);
    if (status) return cairo_error(status);
    TI_TRY(ti_writer_open(&w, path));
    status = cairo_surface_write_to_png_stream(c->surface, put, &w);
    if (status && !w.status) {
        ti_writer_abort(&w);
        return ti_error_at(cairo_error(status), "write '%s'", path);
    }
    return ti_writer_commit(&w);
}

double ti_canvas_snap(double units) { return round(units * TI_CANVAS_SCALE) / TI_CANVAS_SCALE; }

void ti_canvas_color(ti_canvas *c, ti_color color) {
    cairo_set_source_rgb(c->cr, color.r, color.g, color.b);
}

void ti_canvas_fill(ti_canvas *c, double x, double y, double w, double h, ti_color color) {
    ti_canvas_color(c, color);
    cairo_rectangle(c->cr, x, y, w, h);
    cairo_fill(c->cr);
}

void ti_canvas_frame(ti_canvas *c, double x, double y, double w, double h, double line,
                     ti_color color) {
    ti_canvas_color(c, color);
    cairo_set_line_width(c->cr, line);
    cairo_rectangle(c->cr, x - line / 2, y - line / 2, w + line, h + line);
    cairo_stroke(c->cr);
}

void ti_canvas_line(ti_canvas *c, double x0, double y0, double x1, double y1, double line,
                    ti_color color) {
    ti_canvas_color(c, color);
    cairo_set_line_width(c->cr, line);
    cairo_move_to(c->cr, x0, y0);
    cairo_line_to(c->cr, x1, y1);
    cairo_stroke(c->cr);
}
#endif  // TARN_HAVE_CAIRO
