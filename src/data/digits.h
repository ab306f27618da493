// What the files of the generated digits share: pen strokes, the path they become, the drawing.
#ifndef TI_DIGITS_H
#define TI_DIGITS_H

#include "base/base.h"

// ---- strokes as written down (digits_strokes.c) ------------------------------------------------
enum { TI_STROKE_POINTS = 11, TI_GLYPH_STROKES = 3 };

// Points in a box of 100 x 100, x to the right, y down.
typedef struct ti_stroke {
    enum { TI_STRAIGHT, TI_CURVED } form;  // TI_CURVED: a smooth curve through the points
    bool joined;                           // begins where the stroke before it ends
    int n;
    int8_t point[TI_STROKE_POINTS][2];
} ti_stroke;

// One way to write a digit, taken with a chance of share / (sum of the digit's shares).
typedef struct ti_glyph {
    int digit, share;
    int n;
    ti_stroke stroke[TI_GLYPH_STROKES];
} ti_glyph;
extern const ti_glyph ti_glyphs[];
extern const int ti_glyph_count;

// ---- the path of the pen and its picture (digits_draw.c) ---------------------------------------
enum { TI_DIGIT_SIDE = 28, TI_PATH_POINTS = 256 };

typedef struct ti_pen {
    double x, y, radius;  // pixels
    bool down;            // a line leads here from the point before
} ti_pen;
typedef struct ti_path {
    int n;
    ti_pen point[TI_PATH_POINTS];
} ti_path;

// Draw a path of points from 0 to 20 into 28 x 28 pixels, moved by whole pixels so that the centre
// of mass lies in the middle, as MNIST does. ink: 0 to 255, of a covered pixel.
void ti_path_draw(const ti_path *path, double ink, uint8_t *pixels);

#endif
