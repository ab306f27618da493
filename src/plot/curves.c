// Curves over epochs or steps in one panel: title, legend, y axis with grid, x axis, lines.
//
// The legend stands between title and panel, in as many rows as it needs, so it never covers data.
// The y axis begins and ends at a tick; every tick has a thin grid line, and there is no box.
#include "plot/canvas.h"

#ifdef TARN_HAVE_CAIRO
#include "plot/ticks.h"

#include <math.h>
#include <tarn/plot.h>

enum { WIDTH = 760, HEIGHT = 440 };
enum { MARGIN = 24, LEGEND_ROW = 21, X_AXIS_HEIGHT = 34, AXIS_LABEL_HEIGHT = 20 };
enum { INSET = 10 };  // between the panel's edges and the first and last point
enum { SAMPLE_WIDTH = 26, SAMPLE_GAP = 7, ITEM_GAP = 20 };
enum { MAX_X_TICKS = 11, MAX_Y_TICKS = 8, MAX_MARKED_POINTS = 30 };
enum { MANY_POINTS = 1000 };  // from here on lines are thin: noise must not fill the panel
static const double line_width = 2, thin_line_width = 1.2;
static const double marker_radius = 2.6, dot_radius = 4, tick_gap = 9;

static const ti_font title_font = {.size = 16, .bold = true, .max_width = WIDTH - 2 * MARGIN};
static const ti_font legend_font = {.size = 12, .max_width = 180};
static const ti_font axis_font = {.size = 12, .align = TI_CENTER, .max_width = 280};
static const ti_font tick_font = {.size = 11};

static ti_font colored(ti_font font, ti_color color, ti_align align) {
    font.color = color;
    font.align = align;
    return font;
}

typedef struct panel {
    ti_canvas canvas;
    const tarn_curve *curves;
    int n_curves, n_points;  // n_points: of the longest curve
    ti_ticks x_ticks, y_ticks;
    double left, top, right, bottom;  // units
    double x_lo, x_hi, y_lo, y_hi;    // values at the ends of the axes
} panel;

static double x_at(const panel *p, double x) {
    double width = p->right - p->left - 2 * INSET;
    return p->left + INSET + (x - p->x_lo) / (p->x_hi - p->x_lo) * width;
}

static double y_at(const panel *p, double y) {
    return p->bottom - (y - p->y_lo) / (p->y_hi - p->y_lo) * (p->bottom - p->top);
}

// Whether value i of a curve is there and drawn; the rest are gaps.
static bool has_point(const tarn_curve *c, int i) {
    return i >= 0 && i < c->n && fabs(c->y[i]) <= TI_TICKS_MAX;  // false for NaN
}

// ---- layout ------------------------------------------------------------------------------------

static void find_ranges(panel *p) {
    double lo = INFINITY, hi = -INFINITY;
    for (int k = 0; k < p->n_curves; k++) {
        const tarn_curve *c = &p->curves[k];
        if (c->n > p->n_points) p->n_points = c->n;
        for (int i = 0; i < c->n; i++) {
            if (!has_point(c, i)) continue;
            lo = fmin(lo, c->y[i]);
            hi = fmax(hi, c->y[i]);
        }
    }
    if (lo > hi) lo = 0, hi = 1;  // nothing to draw: an empty panel
    p->y_ticks = ti_ticks_around(lo, hi, MAX_Y_TICKS);
    p->y_lo = ti_tick_value(&p->y_ticks, 0);
    p->y_hi = ti_tick_value(&p->y_ticks, p->y_ticks.count - 1);
    bool narrow = p->n_points < 2;
    p->x_lo = narrow ? 0.5 : 1;
    p->x_hi = narrow ? 1.5 : p->n_points;
    p->x_ticks = ti_ticks_whole(p->x_lo, p->x_hi, MAX_X_TICKS);
}

static double widest_y_tick(const panel *p) {
    char text[TI_TICK_TEXT_CAP];
    double widest = 0;
    for (int i = 0; i < p->y_ticks.count; i++)
        widest = fmax(widest, ti_text_width(&tick_font, ti_tick_text(&p->y_ticks, i, text)));
    return widest;
}

static bool is_given(const char *text) { return text && text[0]; }

// ---- parts -------------------------------------------------------------------------------------

static void set_stroke(const panel *p, bool dashed) {
    static const double dashes[] = {6, 4};
    cairo_t *cr = p->canvas.cr;
    cairo_set_line_width(cr, p->n_points < MANY_POINTS ? line_width : thin_line_width);
    cairo_set_line_cap(cr, dashed ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cr, dashes, dashed ? 2 : 0, 0);
}

static void draw_dot(cairo_t *cr, double x, double y, double radius) {
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, radius, 0, 6.28318530717958647692);
    cairo_fill(cr);
}

static void draw_sample(panel *p, double x, double y, int k) {
    cairo_t *cr = p->canvas.cr;
    ti_canvas_color(&p->canvas, ti_palette(k));
    cairo_save(cr);
    set_stroke(p, p->curves[k].dashed);
    cairo_move_to(cr, x, y);
    cairo_line_to(cr, x + SAMPLE_WIDTH, y);
    cairo_stroke(cr);
    cairo_restore(cr);
}

// From the left edge at height `y`; returns where it ends.
static double draw_legend(panel *p, double y) {
    ti_font font = colored(legend_font, ti_ink, TI_LEFT);
    double x = p->left, end = y;
    for (int k = 0; k < p->n_curves; k++) {
        const tarn_curve *c = &p->curves[k];
        if (!is_given(c->label)) continue;
        double width = SAMPLE_WIDTH + SAMPLE_GAP + ti_text_width(&font, c->label);
        if (x > p->left && x + width > p->right) {
            x = p->left;
            y += LEGEND_ROW;
        }
        double middle = y + LEGEND_ROW / 2.0;
        draw_sample(p, x, middle, k);
        ti_canvas_text(&p->canvas, x + SAMPLE_WIDTH + SAMPLE_GAP, middle, &font, c->label);
        x += width + ITEM_GAP;
        end = y + LEGEND_ROW;
    }
    return end;
}

static void draw_y_axis(panel *p, const char *label) {
    char text[TI_TICK_TEXT_CAP];
    ti_font font = colored(tick_font, ti_muted, TI_RIGHT);
    for (int i = 0; i < p->y_ticks.count; i++) {
        double y = ti_canvas_snap(y_at(p, ti_tick_value(&p->y_ticks, i)));
        ti_canvas_line(&p->canvas, p->left, y, p->right, y, 1, ti_faint);
        ti_canvas_text(&p->canvas, p->left - tick_gap, y, &font,
                       ti_tick_text(&p->y_ticks, i, text));
    }
    font = colored(axis_font, ti_ink, TI_CENTER);
    ti_canvas_text_up(&p->canvas, MARGIN, (p->top + p->bottom) / 2, &font, label);
}

static void draw_x_axis(panel *p, const char *label) {
    char text[TI_TICK_TEXT_CAP];
    ti_font font = colored(tick_font, ti_muted, TI_CENTER);
    ti_canvas_line(&p->canvas, p->left, p->bottom, p->right, p->bottom, 1, ti_muted);
    for (int i = 0; i < p->x_ticks.count; i++) {
        double x = ti_canvas_snap(x_at(p, ti_tick_value(&p->x_ticks, i)));
        ti_canvas_line(&p->canvas, x, p->bottom, x, p->bottom + 4, 1, ti_muted);
        ti_canvas_text(&p->canvas, x, p->bottom + 15, &font, ti_tick_text(&p->x_ticks, i, text));
    }
    font = colored(axis_font, ti_ink, TI_CENTER);
    ti_canvas_text(&p->canvas, (p->left + p->right) / 2, HEIGHT - MARGIN + 4, &font, label);
}

// The line, broken at gaps.
static void draw_line(const panel *p, const tarn_curve *c) {
    cairo_t *cr = p->canvas.cr;
    for (int i = 0; i < c->n; i++) {
        if (!has_point(c, i)) continue;
        if (has_point(c, i - 1))
            cairo_line_to(cr, x_at(p, i + 1), y_at(p, c->y[i]));
        else
            cairo_move_to(cr, x_at(p, i + 1), y_at(p, c->y[i]));
    }
    cairo_save(cr);
    set_stroke(p, c->dashed);
    cairo_stroke(cr);
    cairo_restore(cr);
}

// Points without neighbours have no line and are drawn as dots; while there are few points, all
// have a marker.
static void draw_points(const panel *p, const tarn_curve *c) {
    bool all = p->n_points <= MAX_MARKED_POINTS;
    for (int i = 0; i < c->n; i++) {
        if (!has_point(c, i)) continue;
        bool alone = !has_point(c, i - 1) && !has_point(c, i + 1);
        if (!alone && !all) continue;
        draw_dot(p->canvas.cr, x_at(p, i + 1), y_at(p, c->y[i]),
                 alone ? dot_radius : marker_radius);
    }
}

static void draw_curves(panel *p) {
    for (int k = 0; k < p->n_curves; k++) {
        ti_canvas_color(&p->canvas, ti_palette(k));
        draw_line(p, &p->curves[k]);
        draw_points(p, &p->curves[k]);
    }
}

// ---- the picture -------------------------------------------------------------------------------

static void draw(panel *p, const char *title, const char *x_label, const char *y_label) {
    ti_font font = colored(title_font, ti_ink, TI_LEFT);
    double y = MARGIN - 8;
    double label_room = is_given(y_label) ? AXIS_LABEL_HEIGHT : 0;
    p->left = ceil(MARGIN + label_room + widest_y_tick(p) + tick_gap);
    p->right = WIDTH - MARGIN;
    if (is_given(title)) {
        ti_canvas_text(&p->canvas, p->left, MARGIN + 4, &font, title);
        y = MARGIN + 20;
    }
    p->top = draw_legend(p, y) + 14;
    p->bottom = HEIGHT - MARGIN - X_AXIS_HEIGHT + (is_given(x_label) ? 0 : AXIS_LABEL_HEIGHT);
    draw_y_axis(p, y_label);
    draw_x_axis(p, x_label);
    draw_curves(p);
}

static tarn_status check(const tarn_curve *curves, int n_curves) {
    if (n_curves < 1 || n_curves > TI_PALETTE_SIZE || !curves)
        return ti_error(TARN_EARG, "%d curves, 1 to %d can be drawn", n_curves, TI_PALETTE_SIZE);
    for (int k = 0; k < n_curves; k++) {
        if (curves[k].n < 0 || (curves[k].n > 0 && !curves[k].y))
            return ti_error(TARN_EARG, "curve %d has %d values%s", k, curves[k].n,
                            curves[k].y ? "" : ", its pointer is NULL");
    }
    return TARN_OK;
}

tarn_status tarn_plot_curves(const char *path, const char *title, const char *x_label,
                             const char *y_label, const tarn_curve *curves, int n_curves) {
    panel p = {.curves = curves, .n_curves = n_curves};
    TI_TRY(check(curves, n_curves));
    find_ranges(&p);
    TI_TRY(ti_canvas_create(WIDTH, HEIGHT, &p.canvas));
    draw(&p, title, x_label, y_label);
    tarn_status st = ti_canvas_write(&p.canvas, path);
    ti_canvas_free(&p.canvas);
    return st;
}
#endif  // TARN_HAVE_CAIRO
