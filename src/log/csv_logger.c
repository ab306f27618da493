// A CSV table with a row an epoch, that grows over resumed runs.
//
// A run that was killed may have left rows of epochs that will be run again, and half a row. When
// appending, the file is cut before the first of these, at the end of the first epoch: only then
// is it known which epoch that is and which columns there are.
#include "log/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/log.h>

enum { FILE_LIMIT = 256 * 1024 * 1024, LINE_LIMIT = 64 * 1024 };

typedef struct logger {
    FILE *file;       // open while a fit runs
    bool append;      // what the caller wants
    bool has_header;  // known after the first epoch of this fit
    char path[];
} logger;

// ---- file --------------------------------------------------------------------------------------

static tarn_status open_file(logger *l, const char *mode) {
    return ti_stream_open(l->path, mode, &l->file);
}

static void close_file(logger *l) {
    if (l->file) fclose(l->file);  // every row was flushed, so nothing can be lost here
    l->file = NULL;
}

static tarn_status put(logger *l, const ti_buf *text) {
    return ti_stream_put(l->file, l->path, text);
}

// ---- text --------------------------------------------------------------------------------------

// Metrics have plain names; one with a comma or quote is quoted all the same.
static void add_name(ti_buf *row, const char *name) {
    if (!strpbrk(name, ",\"\r\n")) {
        ti_buf_puts(row, name);
        return;
    }
    ti_buf_puts(row, "\"");
    for (; *name; name++) ti_buf_printf(row, *name == '"' ? "\"%c" : "%c", *name);
    ti_buf_puts(row, "\"");
}

static void add_header(ti_buf *row, const tarn_fit_state *s) {
    ti_buf_puts(row, "epoch,step,seconds,learning_rate");
    for (int i = 0; i < s->logs.count; i++) {
        ti_buf_puts(row, ",");
        add_name(row, s->logs.item[i].name);
    }
    ti_buf_puts(row, "\n");
}

static void add_row(ti_buf *row, const tarn_fit_state *s) {
    char text[TI_NUMBER_CAP];
    ti_buf_printf(row, "%" PRId64 ",%" PRId64, s->epoch, s->step);
    ti_buf_printf(row, ",%s", ti_number_text(ti_microseconds(s->seconds), text));
    ti_buf_printf(row, ",%s", ti_number_text(s->learning_rate, text));
    for (int i = 0; i < s->logs.count; i++)
        ti_buf_printf(row, ",%s", ti_number_text(s->logs.item[i].value, text));
    ti_buf_puts(row, "\n");
}

// ---- going on with an old file -----------------------------------------------------------------

// Bytes of the leading part that stays: whole rows of epochs before `epoch`. `text` is terminated.
static size_t kept_size(const char *text, size_t header_size, int64_t epoch) {
    const char *row = text + header_size, *end;
    while ((end = strchr(row, '\n'))) {
        char *rest;
        long long value = strtoll(row, &rest, 10);
        if (rest == row || *rest != ',' || value >= epoch) break;
        row = end + 1;
    }
    return (size_t)(row - text);
}

// *kept: bytes of the old text that stay. A file that ends within its header counts as empty.
static tarn_status check_old(const logger *l, const char *old, const ti_buf *header, int64_t epoch,
                             size_t *kept) {
    const char *end = strchr(old, '\n');
    *kept = 0;
    if (!end) return TARN_OK;
    size_t size = (size_t)(end + 1 - old);
    if (size != header->size || memcmp(old, header->data, size) != 0)
        return ti_error(TARN_EFORMAT, "append to '%s': its columns are '%.*s', not '%.*s'", l->path,
                        (int)ti_min_i64((int64_t)size - 1, 200), old, (int)header->size - 1,
                        header->data);
    *kept = kept_size(old, size, epoch);
    return TARN_OK;
}

// Cut the old text to what stays, the file being replaced as a whole.
static tarn_status cut_old(logger *l, const char *old, size_t size, size_t kept) {
    if (kept == size) return TARN_OK;
    close_file(l);
    TI_TRY(ti_file_write(l->path, old, kept));
    return open_file(l, "ae");
}

static tarn_status go_on(logger *l, const ti_buf *header, int64_t epoch) {
    uint8_t *bytes = NULL;
    size_t size, kept;
    ti_buf old;
    TI_TRY(ti_file_read(l->path, FILE_LIMIT, &bytes, &size));
    ti_buf_init(&old, FILE_LIMIT);
    ti_buf_add(&old, bytes, size);  // as a terminated text
    ti_free(bytes);
    tarn_status st = ti_buf_status(&old);
    if (!st) st = check_old(l, old.data, header, epoch, &kept);
    if (!st) st = cut_old(l, old.data, old.size, kept);
    if (!st) l->has_header = kept > 0;
    ti_buf_free(&old);
    return st;
}

static tarn_status begin_table(logger *l, const tarn_fit_state *s) {
    ti_buf header;
    ti_buf_init(&header, LINE_LIMIT);
    add_header(&header, s);
    tarn_status st = ti_buf_status(&header);
    if (!st && l->append) st = go_on(l, &header, s->epoch);
    if (!st && !l->has_header) st = put(l, &header);
    if (!st) l->has_header = true;
    ti_buf_free(&header);
    return st;
}

// ---- callback ----------------------------------------------------------------------------------

// Opened at once, so that a path that cannot be written ends fit before an epoch was spent.
static tarn_status on_train_begin(void *self, tarn_fit_state *s) {
    logger *l = self;
    (void)s;
    close_file(l);
    l->has_header = false;
    return open_file(l, l->append ? "ae" : "we");
}

static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    logger *l = self;
    ti_buf row;
    if (!l->has_header) TI_TRY(begin_table(l, s));
    ti_buf_init(&row, LINE_LIMIT);
    add_row(&row, s);
    tarn_status st = put(l, &row);
    ti_buf_free(&row);
    return st;
}

static tarn_status on_train_end(void *self, tarn_fit_state *s) {
    (void)s;
    close_file(self);
    return TARN_OK;
}

static void destroy(void *self) {
    logger *l = self;
    close_file(l);
    ti_free(l);
}

tarn_status tarn_csv_logger(const char *path, bool append, tarn_callback *cb) {
    logger *l;
    size_t bytes = strlen(path) + 1;
    TI_TRY(ti_alloc_zero(sizeof *l + bytes, &l));
    memcpy(l->path, path, bytes);
    l->append = append;
    *cb = (tarn_callback){.self = l,
                          .on_train_begin = on_train_begin,
                          .on_epoch_end = on_epoch_end,
                          .on_train_end = on_train_end,
                          .destroy = destroy};
    return TARN_OK;
}
