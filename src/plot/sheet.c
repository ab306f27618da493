// Sheet of small pictures with captions.
//
// A picture is enlarged by a whole number of pixels of the file, so that its own pixels stay
// squares of one size; one larger than its place is reduced, with smoothing.
#include "plot/canvas.h"

#ifdef TARN_HAVE_CAIRO
#include <math.h>
#include <tarn/plot.h>

enum { PLACE = 84, PLACE_PIXELS = PLACE * TI_CANVAS_SCALE };
enum { MARGIN = 24, TITLE_HEIGHT = 34, GAP = 14, CAPTION_HEIGHT = 18, MIN_WIDTH = 320 };
enum { CAPTION_WIDTH = PLACE + GAP - 8 };
enum { MAX_SIDE = 32767 };  // of a tile, Cairo's limit
static const double mark_line = 2.5, caption_size = 11, least_caption_size = 6.5;

typedef struct sheet {
    ti_canvas canvas;
    const tarn_tile *tiles;
    int n, columns;
    double top;             // of the first row
    double caption_height;  // 0 when no tile has a caption
    double caption_size;    // of all captions
} sheet;

// ---- one tile ----------------------------------------------------------------------------------

// The tile as a Cairo image: 32 bits a pixel, 0xRRGGBB in the machine's byte order. A failure is
// kept in the surface; cairo_set_source_surface hands it on to the canvas.
static cairo_surface_t *image_of(const tarn_tile *t) {
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, t->width, t->height);
    if (cairo_surface_status(image)) return image;
    uint8_t *data = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image), channels = (size_t)t->channels;
    for (size_t y = 0; y < (size_t)t->height; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + y * stride);
        const uint8_t *src = t->pixels + y * (size_t)t->width * channels;
        for (size_t x = 0; x < (size_t)t->width; x++, src += channels) {
            uint32_t r = src[0], g = src[channels > 1 ? 1 : 0], b = src[channels > 1 ? 2 : 0];
            row[x] = r << 16 | g << 8 | b;
        }
    }
    cairo_surface_mark_dirty(image);
    return image;
}

// Pixels of the file for one of the tile's, in each direction.
static double zoom_of(const tarn_tile *t) {
    int side = t->width > t->height ? t->width : t->height;
    return side <= PLACE_PIXELS ? PLACE_PIXELS / side : (double)PLACE_PIXELS / side;
}

// In the middle of the place at (x, y), moved to whole pixels of the file.
static void draw_picture(ti_canvas *c, double x, double y, const tarn_tile *t) {
    double zoom = zoom_of(t) / TI_CANVAS_SCALE;
    double w = t->width * zoom, h = t->height * zoom;
    x = ti_canvas_snap(x + (PLACE - w) / 2);
    y = ti_canvas_snap(y + (PLACE - h) / 2);
    cairo_surface_t *image = image_of(t);
    cairo_save(c->cr);
    cairo_rectangle(c->cr, x, y, w, h);
    cairo_clip(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_scale(c->cr, zoom, zoom);
    cairo_set_source_surface(c->cr, image, 0, 0);
    cairo_pattern_set_extend(cairo_get_source(c->cr), CAIRO_EXTEND_PAD);
    cairo_pattern_set_filter(cairo_get_source(c->cr),
                             zoom * TI_CANVAS_SCALE < 1 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_paint(c->cr);
    cairo_restore(c->cr);
    cairo_surface_destroy(image);
    ti_canvas_frame(c, x, y, w, h, t->marked ? mark_line : 0.5, t->marked ? ti_red : ti_faint);
}

static ti_font caption_font(const tarn_tile *t, double size) {
    return (ti_font){
        .size = size, .color = t->marked ? ti_red : ti_ink, .bold = t->marked, .align = TI_CENTER};
}

// So small that the widest caption fits, as long as one can read it: beyond that it is cut.
static double fitting_size(const sheet *s) {
    double widest = CAPTION_WIDTH;
    for (int i = 0; i < s->n; i++) {
        ti_font font = caption_font(&s->tiles[i], caption_size);
        widest = fmax(widest, ti_text_width(&font, s->tiles[i].caption));
    }
    return fmax(caption_size * CAPTION_WIDTH / widest, least_caption_size);
}

static void draw_tile(sheet *s, int i) {
    const tarn_tile *t = &s->tiles[i];
    double x = MARGIN + (i % s->columns) * (PLACE + GAP);
    double y = s->top + (i / s->columns) * (PLACE + s->caption_height + GAP);
    ti_font font = caption_font(t, s->caption_size);
    font.max_width = CAPTION_WIDTH + 0.5;  // for rounding
    draw_picture(&s->canvas, x, y, t);
    ti_canvas_text(&s->canvas, x + PLACE / 2.0, y + PLACE + CAPTION_HEIGHT / 2.0 + 3, &font,
                   t->caption);
}

// ---- the sheet ---------------------------------------------------------------------------------

static tarn_status check(const tarn_tile *tiles, int n, int columns) {
    if (n < 1 || !tiles) return ti_error(TARN_EARG, "a sheet of %d tiles, at least 1 needed", n);
    if (columns < 1) return ti_error(TARN_EARG, "%d columns, at least 1 needed", columns);
    for (int i = 0; i < n; i++) {
        const tarn_tile *t = &tiles[i];
        if (!t->pixels || t->height < 1 || t->width < 1 || t->height > MAX_SIDE ||
            t->width > MAX_SIDE || (t->channels != 1 && t->channels != 3))
            return ti_error(TARN_EARG,
                            "tile %d is %d x %d with %d channels%s; 1 to %d pixels a side with 1 "
                            "or 3 channels expected",
                            i, t->height, t->width, t->channels, t->pixels ? "" : " and no pixels",
                            MAX_SIDE);
    }
    return TARN_OK;
}

static tarn_status open_canvas(sheet *s, const char *title) {
    bool captions = false, titled = title && title[0];
    for (int i = 0; i < s->n; i++) captions |= s->tiles[i].caption != NULL;
    s->caption_height = captions ? CAPTION_HEIGHT : 0;
    s->top = MARGIN + (titled ? TITLE_HEIGHT : 0);
    int rows = (s->n - 1) / s->columns + 1;
    double width = 2 * MARGIN - GAP + (double)s->columns * (PLACE + GAP);
    double height = s->top + rows * (PLACE + s->caption_height + GAP) - GAP + MARGIN;
    return ti_canvas_create(fmax(width, MIN_WIDTH), height, &s->canvas);
}

tarn_status tarn_plot_sheet(const char *path, const char *title, const tarn_tile *tiles, int n,
                            int columns) {
    TI_TRY(check(tiles, n, columns));
    sheet s = {.tiles = tiles, .n = n, .columns = columns < n ? columns : n};
    s.caption_size = fitting_size(&s);
    TI_TRY(open_canvas(&s, title));
    ti_font font = {
        .size = 16, .bold = true, .color = ti_ink, .max_width = s.canvas.width - 2 * MARGIN};
    ti_canvas_text(&s.canvas, MARGIN, MARGIN + 6, &font, title);
    for (int i = 0; i < n; i++) draw_tile(&s, i);
    tarn_status st = ti_canvas_write(&s.canvas, path);
    ti_canvas_free(&s.canvas);
    return st;
}
#endif  // TARN_HAVE_CAIRO
