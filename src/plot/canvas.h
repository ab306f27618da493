// Drawing surface of the plots: shapes, text, colours and the PNG file, over Cairo.
//
// Lengths are in units; the file has TI_CANVAS_SCALE pixels for each, so that pictures are sharp
// on dense screens. Drawing functions return nothing: Cairo keeps its first error and
// ti_canvas_write reports it. Files that draw are compiled only when Cairo is there;
// unsupported.c stands in for them.
#ifndef TI_PLOT_CANVAS_H
#define TI_PLOT_CANVAS_H

#include "base/base.h"

#ifdef TARN_HAVE_CAIRO
#include <cairo.h>

enum { TI_CANVAS_SCALE = 2 };

typedef struct ti_color {
    double r, g, b;  // 0 to 1
} ti_color;

extern const ti_color ti_white, ti_ink, ti_muted, ti_faint, ti_red;

// Colour of curve i; 16 that can be told apart, then again from the first.
enum { TI_PALETTE_SIZE = 16 };
ti_color ti_palette(int i);
// From a (t = 0) to b (t = 1).
ti_color ti_color_mix(ti_color a, ti_color b, double t);

typedef struct ti_canvas {
    cairo_surface_t *surface;
    cairo_t *cr;  // in units
    double width, height;
} ti_canvas;

// White canvas of that many units. TARN_ELIMIT when the picture would be too large for Cairo or
// have more than 64 Mpixel.
TARN_CHECK tarn_status ti_canvas_create(double width, double height, ti_canvas *c);
void ti_canvas_free(ti_canvas *c);
// PNG file, whole or not at all.
TARN_CHECK tarn_status ti_canvas_write(ti_canvas *c, const char *path);

// The nearest place at which an edge, or the middle of a line one unit wide, is sharp.
double ti_canvas_snap(double units);

void ti_canvas_color(ti_canvas *c, ti_color color);
void ti_canvas_fill(ti_canvas *c, double x, double y, double w, double h, ti_color color);
// Frame of that line width around, not over, the rectangle.
void ti_canvas_frame(ti_canvas *c, double x, double y, double w, double h, double line,
                     ti_color color);
void ti_canvas_line(ti_canvas *c, double x0, double y0, double x1, double y1, double line,
                    ti_color color);

// ---- text (text.c) -----------------------------------------------------------------------------

typedef enum ti_align { TI_LEFT, TI_CENTER, TI_RIGHT } ti_align;

typedef struct ti_font {
    double size;
    ti_color color;
    bool bold;
    ti_align align;
    double max_width;  // longer text is cut and ends in an ellipsis; 0: no limit
} ti_font;

// Bytes of text ever drawn in one go, the rest is dropped. Bytes that are not UTF-8 are drawn as
// the replacement character: names may come from any file.
enum { TI_TEXT_CAP = 256 };

// Units that ti_canvas_text would take; 0 for NULL.
double ti_text_width(const ti_font *font, const char *text);
// (x, y) is the left end, centre or right end, half way up the capitals. NULL draws nothing.
void ti_canvas_text(ti_canvas *c, double x, double y, const ti_font *font, const char *text);
// The same, reading upwards.
void ti_canvas_text_up(ti_canvas *c, double x, double y, const ti_font *font, const char *text);

#endif  // TARN_HAVE_CAIRO
#endif
