// CSV, one row at a time (RFC 4180 with the usual liberties; io.h lists them).
//
// Cells are copied into one buffer per row and end with a 0 byte, so quoted cells need no second
// form. A cell never spans more than a row and a row has a limit, so memory does not depend on
// the file. A 0 byte means that the file is no text and is refused.
#include "io/io.h"

#include <inttypes.h>
#include <string.h>

void ti_csv_rewind(ti_csv *c) {
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};  // UTF-8 byte-order mark
    bool marked = c->size >= sizeof mark && memcmp(c->data, mark, sizeof mark) == 0;
    c->off = marked ? sizeof mark : 0;
    c->next_line = 1;
    c->columns = 0;
}

void ti_csv_close(ti_csv *c) {
    ti_free(c->start);
    ti_free(c->text);
    *c = (ti_csv){0};
}

bool ti_csv_is_missing(const char *cell) {
    return !*cell || strcmp(cell, "NA") == 0 || strcmp(cell, "?") == 0;
}

// ---- the delimiter -----------------------------------------------------------------------------

// Delimiters of the line at *off outside quotes; moves past it. A guess needs no more care.
static int64_t count_in_line(const ti_csv *c, char delimiter, size_t *off) {
    int64_t n = 0;
    bool quoted = false;
    for (; *off < c->size && (quoted || c->data[*off] != '\n'); ++*off) {
        if (c->data[*off] == '"') quoted = !quoted;
        if (!quoted && c->data[*off] == (uint8_t)delimiter) n++;
    }
    if (*off < c->size) ++*off;
    return n;
}

// Whether the first lines hold the delimiter, equally often.
static bool delimiter_fits(const ti_csv *c, char delimiter) {
    const int lines = 10;
    size_t off = c->off;
    int64_t first = 0;
    for (int i = 0; i < lines && off < c->size; i++) {
        bool empty = c->data[off] == '\n' || c->data[off] == '\r';
        int64_t n = count_in_line(c, delimiter, &off);
        if (empty) continue;
        if (first == 0) first = n;
        if (n == 0 || n != first) return false;
    }
    return first > 0;
}

void ti_csv_open(ti_csv *c, const char *what, const uint8_t *data, size_t size, char delimiter) {
    *c = (ti_csv){.what = what, .data = data, .size = size, .delimiter = delimiter};
    ti_csv_rewind(c);
    if (c->delimiter) return;
    // The comma last: where it is a decimal point, the other two separate.
    c->delimiter = delimiter_fits(c, '\t') ? '\t' : delimiter_fits(c, ';') ? ';' : ',';
}

// ---- one row -----------------------------------------------------------------------------------

static tarn_status row_error(const ti_csv *c, tarn_status st, const char *text) {
    return ti_error(st, "%s:%" PRId64 ": column %d: %s", c->what, c->next_line, c->columns + 1,
                    text);
}

// Room for n bytes of text.
static tarn_status need_text(ti_csv *c, size_t n) {
    if (n > TI_CSV_MAX_ROW_BYTES) return row_error(c, TARN_ELIMIT, "row of more than 16 MiB");
    if (n <= c->text_cap) return TARN_OK;
    size_t cap = n < 256 ? 512 : 2 * n;
    TI_TRY(ti_realloc(c->text_cap, cap, &c->text));
    c->text_cap = cap;
    return TARN_OK;
}

static tarn_status need_cell(ti_csv *c) {
    size_t n = (size_t)c->columns;
    if (n >= TI_CSV_MAX_COLUMNS) return row_error(c, TARN_ELIMIT, "more than 65536 columns");
    if (n < c->start_cap) return TARN_OK;
    size_t cap = n ? 2 * n : 16;
    TI_TRY(ti_realloc(c->start_cap * sizeof *c->start, cap * sizeof *c->start, &c->start));
    c->start_cap = cap;
    return TARN_OK;
}

// The byte at off + ahead, or '\n' past the end: a last line without its end reads as one with.
static char peek(const ti_csv *c, size_t ahead) {
    return ahead < c->size - c->off ? (char)c->data[c->off + ahead] : '\n';
}

static bool at_line_end(const ti_csv *c) {
    return peek(c, 0) == '\n' || (peek(c, 0) == '\r' && peek(c, 1) == '\n');
}

static bool is_blank(const ti_csv *c, char byte) {
    return byte == ' ' || (byte == '\t' && c->delimiter != '\t');
}

static tarn_status add_byte(ti_csv *c, size_t *used, char byte) {
    if (byte == '\0') return row_error(c, TARN_EFORMAT, "a 0 byte, text expected");
    TI_TRY(need_text(c, *used + 2));  // the byte and, at some time, the end of the cell
    c->text[(*used)++] = byte;
    return TARN_OK;
}

static tarn_status read_plain(ti_csv *c, size_t *used) {
    size_t kept = *used;
    while (!at_line_end(c) && peek(c, 0) != c->delimiter) {
        char byte = peek(c, 0);
        TI_TRY(add_byte(c, used, byte));
        if (!is_blank(c, byte)) kept = *used;
        c->off++;
    }
    *used = kept;
    return TARN_OK;
}

// At the opening quote; ends after the closing one, which a delimiter or line end must follow.
static tarn_status read_quoted(ti_csv *c, size_t *used) {
    int64_t lines = 0;
    for (c->off++;; c->off++) {
        if (c->off == c->size) return row_error(c, TARN_EFORMAT, "a quote is not closed");
        char byte = peek(c, 0);
        if (byte == '"' && peek(c, 1) != '"') break;
        if (byte == '"') c->off++;
        if (byte == '\n') lines++;
        TI_TRY(add_byte(c, used, byte));
    }
    c->off++;
    while (is_blank(c, peek(c, 0))) c->off++;
    if (!at_line_end(c) && peek(c, 0) != c->delimiter)
        return row_error(c, TARN_EFORMAT, "text after a closing quote");
    c->next_line += lines;
    return TARN_OK;
}

static tarn_status read_cell(ti_csv *c, size_t *used) {
    TI_TRY(need_cell(c));
    c->start[c->columns] = *used;
    while (is_blank(c, peek(c, 0))) c->off++;
    TI_TRY(peek(c, 0) == '"' ? read_quoted(c, used) : read_plain(c, used));
    TI_TRY(need_text(c, *used + 1));
    c->text[(*used)++] = '\0';
    c->columns++;
    return TARN_OK;
}

static void skip_line_end(ti_csv *c) {
    if (c->off == c->size) return;
    c->off += peek(c, 0) == '\r' ? 2 : 1;
    c->next_line++;
}

tarn_status ti_csv_next(ti_csv *c, bool *more) {
    size_t used = 0;
    c->columns = 0;
    while (c->off < c->size && at_line_end(c)) skip_line_end(c);
    *more = c->off < c->size;
    if (!*more) return TARN_OK;
    c->line = c->next_line;
    TI_TRY(read_cell(c, &used));
    while (!at_line_end(c)) {
        c->off++;  // the delimiter
        TI_TRY(read_cell(c, &used));
    }
    skip_line_end(c);
    return TARN_OK;
}

const char *ti_csv_cell(const ti_csv *c, int column) { return c->text + c->start[column]; }

// ---- the header --------------------------------------------------------------------------------

static bool is_number(const char *cell) {
    double x;
    return ti_parse_f64(cell, &x);
}

tarn_status ti_csv_guess_header(ti_csv *c, bool *header) {
    tarn_status st;
    bool more, *is_name = NULL;
    int n;
    *header = false;
    if ((st = ti_csv_next(c, &more)) || !more) goto done;
    n = c->columns;
    if ((st = ti_alloc((size_t)n * sizeof *is_name, &is_name))) goto done;
    for (int i = 0; i < n; i++) {
        const char *cell = ti_csv_cell(c, i);
        is_name[i] = !is_number(cell) && !ti_csv_is_missing(cell);
    }
    if ((st = ti_csv_next(c, &more)) || !more) goto done;
    for (int i = 0; i < n && i < c->columns; i++) {
        if (is_name[i] && is_number(ti_csv_cell(c, i))) *header = true;
    }
done:
    ti_free(is_name);
    ti_csv_rewind(c);
    return st;
}
