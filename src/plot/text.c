// Text of the plots' canvas: Cairo's toy fonts, measured without a surface so that a layout can be
// made before its canvas.
#include "plot/canvas.h"

#ifdef TARN_HAVE_CAIRO

#include <math.h>
#include <string.h>

static const double quarter_turn = 1.57079632679489661923;
// Half the height of capitals in units of the font size, about the same in all sans fonts.
static const double half_capital = 0.36;

static const char replacement[] = "\xEF\xBF\xBD";
static const char ellipsis[] = "\xE2\x80\xA6";

// ---- cleaning ----------------------------------------------------------------------------------

// What Cairo accepts: no surrogates and none of the 66 code points that are never characters.
static bool is_character(uint32_t c) {
    return c < 0x110000 && (c & 0xFFFFF800) != 0xD800 && (c & 0xFFFE) != 0xFFFE &&
           !(c >= 0xFDD0 && c <= 0xFDEF);
}

// Bytes of the UTF-8 character at s (terminated), 0 when it is not one.
static size_t utf8_length(const unsigned char *s) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC0 || s[0] >= 0xF8) return 0;
    uint32_t c = s[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3FU);
    }
    return c >= least[n] && is_character(c) ? n : 0;
}

// Copy `text` as UTF-8 that Cairo accepts, as much as fits; control characters become blanks.
static void clean(const char *text, char out[TI_TEXT_CAP]) {
    size_t used = 0;
    while (*text) {
        size_t n = utf8_length((const unsigned char *)text);
        bool control = n == 1 && (unsigned char)*text < ' ';
        const char *from = n == 0 ? replacement : control ? " " : text;
        size_t bytes = n == 0 ? strlen(replacement) : n;
        if (bytes >= TI_TEXT_CAP - used) break;
        memcpy(out + used, from, bytes);
        used += bytes;
        text += n == 0 ? 1 : n;
    }
    out[used] = '\0';
}

// ---- measuring ---------------------------------------------------------------------------------

static cairo_scaled_font_t *scaled_font(const ti_font *font) {
    cairo_matrix_t size, identity;
    cairo_matrix_init_scale(&size, font->size, font->size);
    cairo_matrix_init_identity(&identity);
    cairo_font_options_t *options = cairo_font_options_create();
    // Unhinted, so that widths in units and in pixels agree.
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_face_t *face = cairo_toy_font_face_create("sans-serif", CAIRO_FONT_SLANT_NORMAL,
                                                         font->bold ? CAIRO_FONT_WEIGHT_BOLD
                                                                    : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_scaled_font_t *scaled = cairo_scaled_font_create(face, &size, &identity, options);
    cairo_font_face_destroy(face);
    cairo_font_options_destroy(options);
    return scaled;
}

static double width_of(cairo_scaled_font_t *scaled, const char *text) {
    cairo_text_extents_t extents = {0};
    cairo_scaled_font_text_extents(scaled, text, &extents);
    return extents.x_advance;
}

// Drop characters from the end until the text and an ellipsis fit.
static void shorten(cairo_scaled_font_t *scaled, double max_width, char text[TI_TEXT_CAP]) {
    size_t n = strlen(text);
    if (n > TI_TEXT_CAP - sizeof ellipsis) n = TI_TEXT_CAP - sizeof ellipsis;
    while (n > 0 && width_of(scaled, text) > max_width) {
        do n--;
        while (n > 0 && (text[n] & 0xC0) == 0x80);  // to the first byte of a character
        memcpy(text + n, ellipsis, sizeof ellipsis);
    }
}

// The text that will be drawn; returns its width.
static double prepare(cairo_scaled_font_t *scaled, const ti_font *font, const char *text,
                      char out[TI_TEXT_CAP]) {
    clean(text, out);
    if (font->max_width > 0) shorten(scaled, font->max_width, out);
    return width_of(scaled, out);
}

double ti_text_width(const ti_font *font, const char *text) {
    char shown[TI_TEXT_CAP];
    if (!text) return 0;
    cairo_scaled_font_t *scaled = scaled_font(font);
    double width = prepare(scaled, font, text, shown);
    cairo_scaled_font_destroy(scaled);
    return width;
}

// ---- drawing -----------------------------------------------------------------------------------

static void draw(ti_canvas *c, double x, double y, double turn, const ti_font *font,
                 const char *text) {
    char shown[TI_TEXT_CAP];
    if (!text) return;
    cairo_scaled_font_t *scaled = scaled_font(font);
    double width = prepare(scaled, font, text, shown);
    double shift = font->align == TI_LEFT ? 0 : font->align == TI_CENTER ? width / 2 : width;
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, turn);
    cairo_set_font_face(c->cr, cairo_scaled_font_get_font_face(scaled));
    cairo_set_font_size(c->cr, font->size);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_scaled_font_get_font_options(scaled, options);
    cairo_set_font_options(c->cr, options);
    cairo_font_options_destroy(options);
    ti_canvas_color(c, font->color);
    cairo_move_to(c->cr, -shift, font->size * half_capital);
    cairo_show_text(c->cr, shown);
    cairo_restore(c->cr);
    cairo_scaled_font_destroy(scaled);
}

void ti_canvas_text(ti_canvas *c, double x, double y, const ti_font *font, const char *text) {
    draw(c, x, y, 0, font, text);
}

void ti_canvas_text_up(ti_canvas *c, double x, double y, const ti_font *font, const char *text) {
    draw(c, x, y, -quarter_turn, font, text);
}
#endif  // TARN_HAVE_CAIRO
