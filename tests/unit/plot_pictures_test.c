// Pictures read back: size, background, and how many pixels have a colour that is drawn flat.
#include "plot/canvas.h"

#include <math.h>
#include <string.h>
#include <tarn/plot.h>

#include "test.h"

static const tarn_curve flat[] = {{.label = "flat", .y = (const double[]){1, 1, 1}, .n = 3}};

#ifndef TARN_HAVE_CAIRO
TEST(without_cairo_the_error_says_what_to_install) {
    CHECK_ERR(tarn_plot_curves("a.png", NULL, NULL, NULL, flat, 1), TARN_EUNSUPPORTED,
              "needs Cairo (libcairo2-dev)");
    CHECK_ERR(tarn_plot_confusion("a.png", NULL, NULL, 0, NULL), TARN_EUNSUPPORTED, "'a.png'");
    CHECK_ERR(tarn_plot_sheet("a.png", NULL, NULL, 0, 0), TARN_EUNSUPPORTED, "Cairo");
}
#else

// Fontconfig keeps the fonts it found until the process ends, behind pointers that the leak checker
// does not follow; their number does not grow with the number of pictures.
TARN_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libfontconfig\n"; }

// ---- looking at a picture ----------------------------------------------------------------------

enum { PATH_CAP = 512 };

static const char *path_of(const char *name, char path[PATH_CAP]) {
    static const char *dir;  // one for each test: each has a process of its own
    if (!dir) dir = test_dir();
    CHECK(snprintf(path, PATH_CAP, "%s/%s", dir, name) < PATH_CAP);
    return path;
}

typedef struct picture {
    cairo_surface_t *surface;
    int width, height;
} picture;

static picture open_picture(const char *path) {
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    CHECK(cairo_surface_status(s) == CAIRO_STATUS_SUCCESS);
    return (picture){s, cairo_image_surface_get_width(s), cairo_image_surface_get_height(s)};
}

static void close_picture(picture *p) { cairo_surface_destroy(p->surface); }

static uint32_t pixel(const picture *p, int x, int y) {
    const uint8_t *data = cairo_image_surface_get_data(p->surface);
    uint32_t value;
    CHECK(x >= 0 && x < p->width && y >= 0 && y < p->height);
    memcpy(&value, data + y * cairo_image_surface_get_stride(p->surface) + 4 * x, 4);
    return value & 0xFFFFFF;
}

static uint32_t rgb_of(ti_color c) {
    return (uint32_t)lround(c.r * 255) << 16 | (uint32_t)lround(c.g * 255) << 8 |
           (uint32_t)lround(c.b * 255);
}

// Pixels of exactly that colour in columns x0 to x1 - 1.
static int64_t count_between(const picture *p, int x0, int x1, uint32_t rgb) {
    int64_t n = 0;
    for (int y = 0; y < p->height; y++)
        for (int x = x0; x < x1; x++) n += pixel(p, x, y) == rgb;
    return n;
}

static int64_t count(const picture *p, uint32_t rgb) { return count_between(p, 0, p->width, rgb); }

static picture curves_picture(const char *name, const tarn_curve *curves, int n) {
    char path[PATH_CAP];
    CHECK_OK(tarn_plot_curves(path_of(name, path), "title", "epoch", "loss", curves, n));
    return open_picture(path);
}

// ---- curves ------------------------------------------------------------------------------------

TEST(curves_are_drawn_on_white_in_their_colours) {
    const tarn_curve curves[] = {{.label = "a", .y = (const double[]){3, 2, 1}, .n = 3},
                                 {.label = "b", .y = (const double[]){2.5, 2.5, 2.5}, .n = 3}};
    picture p = curves_picture("two.png", curves, 2);
    CHECK_EQ_I(p.width, 1520);
    CHECK_EQ_I(p.height, 880);
    CHECK_EQ_I(pixel(&p, 0, 0), 0xFFFFFF);
    CHECK_EQ_I(pixel(&p, 1519, 879), 0xFFFFFF);
    CHECK(count(&p, rgb_of(ti_palette(0))) > 2000);
    CHECK(count(&p, rgb_of(ti_palette(1))) > 2000);
    CHECK_EQ_I(count(&p, rgb_of(ti_palette(2))), 0);
    close_picture(&p);
}

// Pixels of the first colour in a picture of that curve alone.
static int64_t ink_of(const char *name, const tarn_curve *curve) {
    picture p = curves_picture(name, curve, 1);
    int64_t n = count(&p, rgb_of(ti_palette(0)));
    close_picture(&p);
    return n;
}

TEST(a_dashed_curve_has_holes) {
    double y[100];
    for (int i = 0; i < 100; i++) y[i] = 1;
    const tarn_curve solid = {.y = y, .n = 100}, dashed = {.y = y, .n = 100, .dashed = true};
    double share = (double)ink_of("dashed.png", &dashed) / (double)ink_of("solid.png", &solid);
    CHECK(share > 0.5 && share < 0.7);  // dashes of 6 with gaps of 4
}

TEST(nan_leaves_a_gap) {
    double y[101];
    for (int i = 0; i < 101; i++) y[i] = i > 45 && i < 55 ? NAN : 1;
    const tarn_curve gap = {.y = y, .n = 101};
    picture p = curves_picture("gap.png", &gap, 1);
    int last = -1, widest = 0;  // column with ink, columns without between two with
    for (int x = 0; x < p.width; x++) {
        if (count_between(&p, x, x + 1, rgb_of(ti_palette(0))) == 0) continue;
        if (last >= 0 && x - last - 1 > widest) widest = x - last - 1;
        last = x;
    }
    // 10 of 100 steps of a panel that is about 1300 pixels wide, less the round ends
    CHECK(widest > 110 && widest < 140);
    close_picture(&p);
}

TEST(a_curve_of_one_point_is_a_dot) {
    const tarn_curve dot = {.y = (const double[]){0.5}, .n = 1};
    double want = 3.14159265 * 8 * 8;  // radius 4 units
    CHECK(fabs((double)ink_of("dot.png", &dot) - want) < 0.2 * want);
}

TEST(values_that_cannot_be_drawn_leave_an_empty_panel) {
    const tarn_curve odd = {.label = "odd", .y = (const double[]){INFINITY, NAN, -1e301}, .n = 3};
    const tarn_curve none = {0};
    CHECK(ink_of("odd.png", &odd) < 400);  // the sample in the legend
    CHECK_EQ_I(ink_of("none.png", &none), 0);
}

TEST(sixteen_curves_have_sixteen_colours) {
    tarn_curve curves[17];
    double y[17][2];
    for (int k = 0; k < 17; k++) {
        y[k][0] = y[k][1] = k;
        curves[k] = (tarn_curve){.label = "a rather long label", .y = y[k], .n = 2};
    }
    picture p = curves_picture("sixteen.png", curves, 16);
    for (int k = 0; k < 16; k++) CHECK(count(&p, rgb_of(ti_palette(k))) > 2000);
    CHECK_ERR(tarn_plot_curves("x.png", "", "", "", curves, 17), TARN_EARG, "17 curves, 1 to 16");
    close_picture(&p);
}

TEST(a_picture_replaces_the_old_one_or_leaves_it) {
    char path[PATH_CAP];
    CHECK_OK(tarn_plot_curves(path_of("same.png", path), "a", NULL, NULL, flat, 1));
    CHECK_OK(tarn_plot_curves(path, "b", NULL, NULL, flat, 1));
    CHECK_ERR(tarn_plot_curves("/nowhere/a.png", "a", NULL, NULL, flat, 1), TARN_ENOENT,
              "/nowhere/a.png");
    const tarn_curve bad = {.n = 2};
    CHECK_ERR(tarn_plot_curves(path, NULL, NULL, NULL, &bad, 1), TARN_EARG, "curve 0 has 2 values");
    picture p = open_picture(path);
    close_picture(&p);
}

// ---- confusion matrices ------------------------------------------------------------------------

TEST(cells_are_shaded_by_the_share_of_their_row) {
    // 100 classes: cells of 5 units without text. Rows of 1 and of 1000 samples look the same.
    enum { N = 100, CELL = 10 };
    static int64_t counts[N * N];
    char path[PATH_CAP];
    for (int i = 0; i < N; i++) counts[i * N + i] = i < 50 ? 1 : 1000;
    counts[99 * N + 99] = 0;  // a class without samples
    CHECK_OK(tarn_plot_confusion(path_of("diagonal.png", path), NULL, counts, N, NULL));
    picture p = open_picture(path);
    CHECK_EQ_I(count(&p, 0x10549E), 99 * CELL * CELL);
    CHECK_EQ_I(pixel(&p, 0, 0), 0xFFFFFF);
    close_picture(&p);
}

TEST(labels_counts_and_empty_rows_are_drawn) {
    const int64_t counts[] = {INT64_MAX, 3, 0, 0};
    const char *const labels[] = {"yes, with a label that goes on and on and on", "\xff\xfe"};
    char path[PATH_CAP];
    CHECK_OK(tarn_plot_confusion(path_of("two.png", path), "title", counts, 2, labels));
    picture p = open_picture(path);
    // the cell of row 0, column 0: 47 units a side less its text, which is white on blue
    int64_t blue = count(&p, 0x10549E);
    CHECK(blue > 47 * 47 * 4 * 3 / 4 && blue < 47 * 47 * 4);
    close_picture(&p);
}

TEST(confusion_refuses_what_it_cannot_draw) {
    const int64_t counts[] = {1, 2, 3, -4};
    CHECK_ERR(tarn_plot_confusion("x.png", NULL, counts, 2, NULL), TARN_EARG,
              "count -4 in row 1, column 1");
    CHECK_ERR(tarn_plot_confusion("x.png", NULL, counts, 0, NULL), TARN_EARG, "0 classes");
    CHECK_ERR(tarn_plot_confusion("x.png", NULL, counts, 1001, NULL), TARN_EARG, "1 to 1000");
}

// ---- sheets ------------------------------------------------------------------------------------

static picture sheet_picture(const char *name, const tarn_tile *tiles, int n, int columns) {
    char path[PATH_CAP];
    CHECK_OK(tarn_plot_sheet(path_of(name, path), NULL, tiles, n, columns));
    return open_picture(path);
}

TEST(tiles_are_enlarged_without_smoothing) {
    // 2 x 2 RGB: each pixel becomes 84 x 84 of the file, at a margin of 48.
    static const uint8_t pixels[] = {250, 10, 20, 10, 250, 30, 40, 10, 250, 1, 2, 3};
    const tarn_tile tile = {.pixels = pixels, .height = 2, .width = 2, .channels = 3};
    picture p = sheet_picture("four.png", &tile, 1, 8);
    CHECK_EQ_I(p.height, 168 + 96);
    CHECK_EQ_I(pixel(&p, 48, 48), 0xFA0A14);
    CHECK_EQ_I(pixel(&p, 48 + 83, 48 + 83), 0xFA0A14);
    CHECK_EQ_I(pixel(&p, 48 + 84, 48), 0x0AFA1E);
    CHECK_EQ_I(pixel(&p, 48, 48 + 84), 0x280AFA);
    CHECK_EQ_I(pixel(&p, 48 + 167, 48 + 167), 0x010203);
    CHECK_EQ_I(count(&p, 0xFA0A14), 84 * 84);
    CHECK_EQ_I(count(&p, 0x010203), 84 * 84);
    close_picture(&p);
}

TEST(grey_tiles_fill_rows_of_the_sheet) {
    static const uint8_t dark[28 * 28], light[] = {200};
    tarn_tile tiles[7];
    for (int i = 0; i < 7; i++)
        tiles[i] = (tarn_tile){.pixels = dark, .height = 28, .width = 28, .channels = 1};
    tiles[6] = (tarn_tile){.pixels = light, .height = 1, .width = 1, .channels = 1};
    picture p = sheet_picture("rows.png", tiles, 7, 3);
    CHECK_EQ_I(p.width, 656);
    CHECK_EQ_I(p.height, 96 + 3 * 168 + 2 * 28);  // margins, rows, gaps
    CHECK_EQ_I(count(&p, 0x000000), 6 * 168 * 168);
    CHECK_EQ_I(count(&p, 0xC8C8C8), 168 * 168);
    close_picture(&p);
}

TEST(a_marked_tile_has_a_red_frame) {
    static const uint8_t dark[28 * 28];
    tarn_tile tile = {.pixels = dark, .height = 28, .width = 28, .channels = 1};
    picture p = sheet_picture("plain.png", &tile, 1, 1);
    uint32_t red = rgb_of(ti_red);
    CHECK_EQ_I(count(&p, red), 0);
    close_picture(&p);
    tile.marked = true;
    p = sheet_picture("marked.png", &tile, 1, 1);
    CHECK_EQ_I(pixel(&p, 48 + 84, 46), red);       // above
    CHECK_EQ_I(pixel(&p, 46, 48 + 84), red);       // to the left
    CHECK_EQ_I(pixel(&p, 48 + 168 + 1, 48), red);  // to the right
    CHECK_EQ_I(count(&p, 0), 168 * 168);           // covers nothing
    CHECK_EQ_I(count(&p, red), 178 * 178 - 168 * 168);
    close_picture(&p);
}

TEST(a_large_tile_is_reduced_and_keeps_its_shape) {
    enum { W = 500, H = 250 };
    static uint8_t grey[W * H];
    memset(grey, 128, sizeof grey);
    const tarn_tile tile = {.pixels = grey, .height = H, .width = W, .channels = 1};
    picture p = sheet_picture("large.png", &tile, 1, 1);
    CHECK_EQ_I(count(&p, 0x808080), 168 * 84);
    close_picture(&p);
}

// Do two captions give the same pixels, one being cut before they differ?
static bool same_captions(const char *a, const char *b) {
    static const uint8_t dark[1];
    tarn_tile tile = {.pixels = dark, .height = 1, .width = 1, .channels = 1, .caption = a};
    picture p = sheet_picture("a.png", &tile, 1, 1);
    tile.caption = b;
    picture q = sheet_picture("b.png", &tile, 1, 1);
    bool same = true;
    for (int y = 0; y < p.height; y++)
        for (int x = 0; x < p.width; x++) same = same && pixel(&p, x, y) == pixel(&q, x, y);
    close_picture(&p);
    close_picture(&q);
    return same;
}

TEST(captions_of_a_usual_length_are_not_cut) {
    CHECK(!same_captions("true 1 as 7, 100 %", "true 1 as 7, 109 %"));
    CHECK(!same_captions("automobile as truck, 100 %", "automobile as truck, 109 %"));
    char a[] = "too long to be read in a letter of any size that is left", b[sizeof a];
    memcpy(b, a, sizeof a);
    b[sizeof b - 2] = 'T';
    CHECK(same_captions(a, b));
}

TEST(sheet_refuses_what_it_cannot_draw) {
    static const uint8_t pixels[4];
    const tarn_tile good = {.pixels = pixels, .height = 2, .width = 2, .channels = 1};
    const tarn_tile rgba = {.pixels = pixels, .height = 1, .width = 1, .channels = 4};
    CHECK_ERR(tarn_plot_sheet("x.png", NULL, &rgba, 1, 1), TARN_EARG, "tile 0 is 1 x 1 with 4");
    CHECK_ERR(tarn_plot_sheet("x.png", NULL, &good, 0, 1), TARN_EARG, "0 tiles");
    CHECK_ERR(tarn_plot_sheet("x.png", NULL, &good, 1, 0), TARN_EARG, "0 columns");
    static tarn_tile many[2000];
    for (int i = 0; i < 2000; i++) many[i] = good;
    CHECK_ERR(tarn_plot_sheet("x.png", NULL, many, 2000, 1), TARN_ELIMIT, "too large");
}

// ---- text --------------------------------------------------------------------------------------

TEST(text_of_any_bytes_can_be_measured_and_cut) {
    ti_font font = {.size = 12};
    double width = ti_text_width(&font, "a label");
    CHECK(width > 20 && width < 100);
    CHECK(ti_text_width(&font, NULL) == 0);
    CHECK(ti_text_width(&font, "\xff\xc0\xaf\xed\xa0\x80\xef\xbf\xbf\xf4\x90\x80\x80\xe2\x82") > 0);
    char text[1000];
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = (char)(i * 37 % 255 + 1);
    text[sizeof text - 1] = '\0';
    CHECK(ti_text_width(&font, text) > 200);
    font.max_width = 50;
    CHECK(ti_text_width(&font, text) <= 50);
    CHECK(ti_text_width(&font, "short") < 50);
}
#endif  // TARN_HAVE_CAIRO
