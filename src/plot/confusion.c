// Confusion matrix: counts in cells shaded by the share of their row, recall of each class beside.
//
// Right answers are blue and mistakes orange; the shade grows with the square root of the share,
// because the mistakes of a good classifier are a few per cent and would vanish on a linear scale.
// Cells shrink as classes grow: first the counts go, then labels are left out.
#include "plot/canvas.h"

#ifdef TARN_HAVE_CAIRO
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <tarn/plot.h>

enum { MAX_CLASSES = 1000, NUMBER_CAP = 32 };
enum { MARGIN = 24, TITLE_HEIGHT = 46, AXIS_LABEL_HEIGHT = 24, LABEL_GAP = 9, MAX_LABEL = 120 };
enum { RECALL_GAP = 22, RECALL_BAR = 64, RECALL_TEXT = 56 };
// Sides of cells: the matrix is about MATRIX wide; smaller cells than WITH_COUNTS show no counts.
enum { MATRIX = 540, MIN_CELL = 2, MAX_CELL = 48, WITH_COUNTS = 20, LABEL_ROW = 14 };

static const ti_color right_color = {16 / 255.0, 84 / 255.0, 158 / 255.0};
static const ti_color wrong_color = {208 / 255.0, 74 / 255.0, 2 / 255.0};

typedef struct matrix {
    ti_canvas canvas;
    const int64_t *counts;
    const char *const *labels;
    int classes;
    int stride;                        // every so many classes have a label
    bool upright;                      // column labels are turned: one does not fit its column
    double cell;                       // side of a cell
    double left, top;                  // corner of the cells
    double side;                       // of all cells
    double label_width, label_height;  // room for row and column labels
} matrix;

static const ti_font label_font = {.size = 11, .max_width = MAX_LABEL};
static const ti_font axis_font = {.size = 12, .align = TI_CENTER};
static const ti_font recall_font = {.size = 11};

static ti_font with(ti_font font, ti_color color, ti_align align) {
    font.color = color;
    font.align = align;
    return font;
}

// ---- numbers -----------------------------------------------------------------------------------

static int64_t count_at(const matrix *m, int row, int column) {
    return m->counts[(size_t)row * (size_t)m->classes + (size_t)column];
}

// In floating point: the sum of counts may pass an int64.
static double row_total(const matrix *m, int row) {
    double total = 0;
    for (int j = 0; j < m->classes; j++) total += (double)count_at(m, row, j);
    return total;
}

// Share of a count in its row; 0 in a row without samples.
static double share_of(int64_t count, double total) {
    return total > 0 ? (double)count / total : 0;
}

// In per cent, to the decimals shown; short of all is never rounded up to 100.
static double percent_of(double part, double total, double decimals) {
    double unit = pow(10, -decimals), percent = 100 * part / total;
    return part < total ? fmin(percent, 100 - unit) : percent;
}

static const char *label_of(const matrix *m, int i, char number[NUMBER_CAP]) {
    if (m->labels && m->labels[i]) return m->labels[i];
    snprintf(number, NUMBER_CAP, "%d", i);
    return number;
}

// ---- layout ------------------------------------------------------------------------------------

static void lay_out(matrix *m) {
    char number[NUMBER_CAP];
    double widest = 0;
    m->cell = fmin(fmax(floor((double)MATRIX / m->classes), MIN_CELL), MAX_CELL);
    m->side = m->cell * m->classes;
    m->stride = (int)ceil(LABEL_ROW / m->cell);
    for (int i = 0; i < m->classes; i += m->stride)
        widest = fmax(widest, ti_text_width(&label_font, label_of(m, i, number)));
    m->upright = widest > m->cell * m->stride - 6;
    m->label_width = widest + LABEL_GAP;
    m->label_height = (m->upright ? widest : LABEL_ROW) + LABEL_GAP;
    m->left = ceil(MARGIN + AXIS_LABEL_HEIGHT + m->label_width);  // sharp edges of cells
    m->top = MARGIN + TITLE_HEIGHT + AXIS_LABEL_HEIGHT;
}

static double picture_width(const matrix *m) {
    double matrix_end = m->left + fmax(m->side, 200);  // room for title and summary
    return ceil(matrix_end + RECALL_GAP + RECALL_BAR + RECALL_TEXT + MARGIN);
}

static double picture_height(const matrix *m) {
    return ceil(m->top + m->side + m->label_height + AXIS_LABEL_HEIGHT + MARGIN - 8);
}

// ---- parts -------------------------------------------------------------------------------------

// "accuracy 97.83 %, 10000 samples"
static void draw_title(matrix *m, const char *title) {
    char text[128];
    double total = 0, right = 0, room = picture_width(m) - m->left - MARGIN;
    ti_font font = {.size = 16, .bold = true, .color = ti_ink, .max_width = room};
    for (int i = 0; i < m->classes; i++) {
        total += row_total(m, i);
        right += (double)count_at(m, i, i);
    }
    ti_canvas_text(&m->canvas, m->left, MARGIN + 6, &font, title);
    if (total > 0)
        snprintf(text, sizeof text, "accuracy %.2f %%, %.0f samples", percent_of(right, total, 2),
                 total);
    else
        snprintf(text, sizeof text, "no samples");
    font = (ti_font){.size = 12, .color = ti_muted, .max_width = room};
    ti_canvas_text(&m->canvas, m->left, MARGIN + 28, &font, text);
}

static void draw_count(matrix *m, int row, int column, double shade) {
    char text[NUMBER_CAP];
    int64_t count = count_at(m, row, column);
    ti_color color = count == 0     ? ti_color_mix(ti_white, ti_muted, 0.45)
                     : shade > 0.55 ? ti_white
                                    : ti_ink;
    ti_font font = {.size = fmin(13, m->cell * 0.36), .color = color, .align = TI_CENTER};
    snprintf(text, sizeof text, "%" PRId64, count);
    double width = ti_text_width(&font, text), room = m->cell - 4;
    if (width > room) font.size *= room / width;
    ti_canvas_text(&m->canvas, m->left + (column + 0.5) * m->cell, m->top + (row + 0.5) * m->cell,
                   &font, text);
}

static void draw_cells(matrix *m) {
    double gap = m->cell >= WITH_COUNTS ? 1 : 0;  // thin white lines between cells
    for (int i = 0; i < m->classes; i++) {
        double total = row_total(m, i);
        for (int j = 0; j < m->classes; j++) {
            double shade = sqrt(share_of(count_at(m, i, j), total));
            ti_color empty = ti_color_mix(ti_white, ti_faint, 0.45);
            ti_color color = ti_color_mix(empty, i == j ? right_color : wrong_color, shade);
            ti_canvas_fill(&m->canvas, m->left + j * m->cell, m->top + i * m->cell, m->cell - gap,
                           m->cell - gap, color);
            if (m->cell >= WITH_COUNTS) draw_count(m, i, j, shade);
        }
    }
}

static void draw_labels(matrix *m) {
    char number[NUMBER_CAP];
    ti_font font = with(label_font, ti_ink, TI_RIGHT), column = font;
    if (!m->upright) column.align = TI_CENTER;
    double y = m->top + m->side + (m->upright ? LABEL_GAP - 2 : LABEL_GAP + 4);
    for (int i = 0; i < m->classes; i += m->stride) {
        const char *label = label_of(m, i, number);
        double middle = (i + 0.5) * m->cell;
        ti_canvas_text(&m->canvas, m->left - LABEL_GAP, m->top + middle, &font, label);
        if (m->upright)
            ti_canvas_text_up(&m->canvas, m->left + middle, y, &column, label);
        else
            ti_canvas_text(&m->canvas, m->left + middle, y, &column, label);
    }
    font = with(axis_font, ti_muted, TI_CENTER);
    ti_canvas_text_up(&m->canvas, MARGIN, m->top + m->side / 2, &font, "true class");
    ti_canvas_text(&m->canvas, m->left + m->side / 2,
                   m->top + m->side + m->label_height + AXIS_LABEL_HEIGHT / 2.0, &font,
                   "predicted class");
}

// A bar and a number for each class.
static void draw_recall(matrix *m) {
    char text[NUMBER_CAP];
    double x = m->left + m->side + RECALL_GAP, height = fmin(m->cell * 0.5, 12);
    ti_font font = with(axis_font, ti_muted, TI_LEFT);
    ti_canvas_text(&m->canvas, x, m->top - AXIS_LABEL_HEIGHT / 2.0, &font, "recall");
    font = with(recall_font, ti_ink, TI_RIGHT);
    for (int i = 0; i < m->classes; i++) {
        double total = row_total(m, i), right = (double)count_at(m, i, i);
        double share = share_of(count_at(m, i, i), total);
        double middle = m->top + (i + 0.5) * m->cell;
        ti_canvas_fill(&m->canvas, x, middle - height / 2, RECALL_BAR, height, ti_faint);
        ti_canvas_fill(&m->canvas, x, middle - height / 2, share * RECALL_BAR, height,
                       ti_color_mix(ti_white, right_color, 0.7));
        if (i % m->stride) continue;
        snprintf(text, sizeof text, "%.1f %%", percent_of(right, total, 1));
        ti_canvas_text(&m->canvas, x + RECALL_BAR + RECALL_TEXT, middle, &font,
                       total > 0 ? text : "\u2013");
    }
}

// ---- the picture -------------------------------------------------------------------------------

static tarn_status check(const int64_t *counts, int classes) {
    if (classes < 1 || classes > MAX_CLASSES || !counts)
        return ti_error(TARN_EARG, "%d classes, 1 to %d can be drawn", classes, MAX_CLASSES);
    for (size_t i = 0, n = (size_t)classes * (size_t)classes; i < n; i++)
        if (counts[i] < 0)
            return ti_error(TARN_EARG, "count %" PRId64 " in row %zu, column %zu is negative",
                            counts[i], i / (size_t)classes, i % (size_t)classes);
    return TARN_OK;
}

tarn_status tarn_plot_confusion(const char *path, const char *title, const int64_t *counts,
                                int classes, const char *const *labels) {
    matrix m = {.counts = counts, .classes = classes, .labels = labels};
    TI_TRY(check(counts, classes));
    lay_out(&m);
    TI_TRY(ti_canvas_create(picture_width(&m), picture_height(&m), &m.canvas));
    draw_title(&m, title);
    draw_cells(&m);
    draw_labels(&m);
    draw_recall(&m);
    tarn_status st = ti_canvas_write(&m.canvas, path);
    ti_canvas_free(&m.canvas);
    return st;
}
#endif  // TARN_HAVE_CAIRO
