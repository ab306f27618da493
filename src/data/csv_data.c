// Numbers of a CSV file as a data set.
//
// Two passes over the text: the first counts rows and collects class names, the second writes
// numbers straight into the tensors, so memory holds the text and the result, nothing between.
#include "data/csv_classes.h"
#include "io/io.h"
#include "tensor/tensor.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const size_t most_file_bytes = 1u << 30;

typedef struct table {
    const tarn_csv_opts *opts;
    ti_csv csv;
    ti_arena arena;      // column names
    const char **names;  // of the columns, NULL-terminated; NULL: no header
    int columns, target;
    int64_t rows, train_rows;
    ti_classes classes;
    int32_t *label;  // of each row, when the target is a class
    tarn_dataset train, test;
} table;

// ---- columns -----------------------------------------------------------------------------------

static tarn_status cell_error(const table *t, int column, const char *why) {
    char cell[TI_SHOWN_CAP], name[TI_SHOWN_CAP];
    const char *text = ti_csv_cell(&t->csv, column), *title = t->names ? t->names[column] : "";
    return ti_error(TARN_EFORMAT, "%s:%" PRId64 ": column %d%s%s%s: '%s' %s", t->csv.what,
                    t->csv.line, column + 1, *title ? " (" : "",
                    ti_shown(title, strlen(title), name), *title ? ")" : "",
                    ti_shown(text, strlen(text), cell), why);
}

static tarn_status keep_names(table *t) {
    TI_TRY(ti_arena_alloc(&t->arena, ((size_t)t->columns + 1) * sizeof *t->names, &t->names));
    for (int i = 0; i < t->columns; i++)
        TI_TRY(ti_arena_strdup(&t->arena, ti_csv_cell(&t->csv, i), &t->names[i]));
    return TARN_OK;
}

static tarn_status wants_header(table *t, bool *header) {
    const char *mode = t->opts->header ? t->opts->header : "auto";
    *header = strcmp(mode, "first") == 0;
    if (*header || strcmp(mode, "none") == 0) return TARN_OK;
    if (strcmp(mode, "auto") == 0) return ti_csv_guess_header(&t->csv, header);
    return ti_error(TARN_EARG, "%s: header '%s', one of auto, none, first expected", t->csv.what,
                    mode);
}

static tarn_status find_target(table *t) {
    const char *target = t->opts->target;
    int64_t number = -1;
    for (int i = 0; target && t->names && i < t->columns; i++) {
        if (strcmp(t->names[i], target) != 0) continue;
        t->target = i;
        return TARN_OK;
    }
    if (target && !ti_parse_i64(target, &number)) {
        const char *near = t->names ? ti_nearest(target, t->names) : NULL;
        return ti_error(TARN_EARG, "%s: no column '%s'%s%s%s", t->csv.what, target,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (number < -t->columns || number >= t->columns)
        return ti_error(TARN_EARG, "%s: column %" PRId64 ", %d to %d expected", t->csv.what, number,
                        -t->columns, t->columns - 1);
    t->target = (int)(number < 0 ? number + t->columns : number);
    return TARN_OK;
}

static tarn_status read_columns(table *t) {
    bool header, more;
    TI_TRY(wants_header(t, &header));
    TI_TRY(ti_csv_next(&t->csv, &more));
    if (!more) return ti_error(TARN_EFORMAT, "%s: no rows", t->csv.what);
    t->columns = t->csv.columns;
    if (t->columns < 2)
        return ti_error(TARN_EFORMAT, "%s:%" PRId64 ": 1 column, at least 2 expected", t->csv.what,
                        t->csv.line);
    if (header) TI_TRY(keep_names(t));
    return find_target(t);
}

// ---- the two passes ----------------------------------------------------------------------------

// Next row of data, or *more false at the end or after max_rows.
static tarn_status next_row(table *t, int64_t row, bool *more) {
    *more = false;
    if (t->opts->max_rows > 0 && row >= t->opts->max_rows) return TARN_OK;
    TI_TRY(ti_csv_next(&t->csv, more));
    if (*more && t->csv.columns != t->columns)
        return ti_error(TARN_EFORMAT, "%s:%" PRId64 ": %d columns, %d expected", t->csv.what,
                        t->csv.line, t->csv.columns, t->columns);
    return TARN_OK;
}

static tarn_status first_row(table *t, bool *more) {
    ti_csv_rewind(&t->csv);
    if (t->names) TI_TRY(ti_csv_next(&t->csv, more));
    return next_row(t, 0, more);
}

static tarn_status count_rows(table *t) {
    bool more;
    TI_TRY(first_row(t, &more));
    while (more) {
        const char *cell = ti_csv_cell(&t->csv, t->target);
        if (ti_csv_is_missing(cell)) return cell_error(t, t->target, "is a missing value");
        if (t->opts->classify) TI_TRY(ti_classes_add(&t->classes, cell));
        TI_TRY(next_row(t, ++t->rows, &more));
    }
    t->train_rows = (int64_t)floor((double)t->rows * (1 - t->opts->validation));
    if (t->train_rows > 0) return TARN_OK;
    return ti_error(TARN_EFORMAT, "%s: %" PRId64 " rows, too few to train on", t->csv.what,
                    t->rows);
}

static tarn_status read_number(const table *t, int column, float *out) {
    const char *cell = ti_csv_cell(&t->csv, column);
    double x;
    if (ti_csv_is_missing(cell)) return cell_error(t, column, "is a missing value");
    if (!ti_parse_f64(cell, &x)) return cell_error(t, column, "is not a number");
    if (fabs(x) > (double)FLT_MAX) return cell_error(t, column, "is too large for f32");
    *out = (float)x;
    return TARN_OK;
}

static tarn_status fill_row(const table *t, tarn_dataset *d, int64_t row) {
    float *x = (float *)tarn_tensor_data(d->x) + row * (t->columns - 1);
    for (int i = 0; i < t->columns; i++) {
        if (i != t->target) TI_TRY(read_number(t, i, x++));
    }
    if (t->opts->classify) return TARN_OK;
    return read_number(t, t->target, (float *)tarn_tensor_data(d->y) + row);
}

static tarn_status fill_rows(table *t) {
    bool more;
    TI_TRY(first_row(t, &more));
    for (int64_t row = 0; more;) {
        bool train = row < t->train_rows;
        TI_TRY(fill_row(t, train ? &t->train : &t->test, train ? row : row - t->train_rows));
        TI_TRY(next_row(t, ++row, &more));
    }
    return TARN_OK;
}

// ---- the data sets -----------------------------------------------------------------------------

// Tensors for rows [first, first + n); labels are known, numbers follow.
static tarn_status make_part(const table *t, int64_t first, int64_t n, tarn_dataset *d) {
    ti_dataset_set_name(d, "csv");
    TI_TRY(ti_tensor_create_unset(TARN_F32, TARN_SHAPE(n, t->columns - 1), &d->x));
    if (t->opts->classify)
        return tarn_tensor_from(TARN_I32, TARN_SHAPE(n), t->label + first, &d->y);
    return ti_tensor_create_unset(TARN_F32, TARN_SHAPE(n, 1), &d->y);
}

static tarn_status make_parts(table *t) {
    if (t->opts->classify) {
        TI_TRY(ti_alloc((size_t)t->rows * sizeof *t->label, &t->label));
        tarn_status st = ti_classes_number(&t->classes, t->label, &t->train);
        if (st) return ti_error_at(st, "%s", t->csv.what);
    }
    TI_TRY(make_part(t, 0, t->train_rows, &t->train));
    if (t->train_rows == t->rows) return TARN_OK;
    ti_dataset_share_labels(&t->test, &t->train);
    return make_part(t, t->train_rows, t->rows - t->train_rows, &t->test);
}

// x [n, m] -> (x - mean) / deviation, by column.
static void shift_and_scale(tarn_tensor *x, int64_t m, const double *mean,
                            const double *deviation) {
    float *row = tarn_tensor_data(x);
    int64_t n = tarn_tensor_shape(x)->dim[0];
    for (int64_t r = 0; r < n; r++, row += m) {
        for (int64_t c = 0; c < m; c++) row[c] = (float)(((double)row[c] - mean[c]) / deviation[c]);
    }
}

// Mean and deviation of the training part for both parts; a constant column becomes 0.
static tarn_status standardize(table *t) {
    int64_t n = t->train_rows, m = t->columns - 1;
    const float *x = tarn_tensor_cdata(t->train.x);
    double *mean;
    TI_TRY(ti_alloc_zero(2 * (size_t)m * sizeof *mean, &mean));
    double *deviation = mean + m;
    for (int64_t i = 0; i < n * m; i++) mean[i % m] += (double)x[i] / (double)n;
    for (int64_t i = 0; i < n * m; i++) {
        double d = (double)x[i] - mean[i % m];
        deviation[i % m] += d * d / (double)n;
    }
    for (int64_t c = 0; c < m; c++) deviation[c] = deviation[c] > 0 ? sqrt(deviation[c]) : 1;
    shift_and_scale(t->train.x, m, mean, deviation);
    if (t->test.x) shift_and_scale(t->test.x, m, mean, deviation);
    ti_free(mean);
    return TARN_OK;
}

static tarn_status read_table(table *t) {
    TI_TRY(read_columns(t));
    TI_TRY(count_rows(t));
    TI_TRY(make_parts(t));
    TI_TRY(fill_rows(t));
    return t->opts->standardize ? standardize(t) : TARN_OK;
}

static tarn_status check_opts(const char *path, const tarn_csv_opts *o, const tarn_dataset *test) {
    if (!(o->validation >= 0 && o->validation < 1))
        return ti_error(TARN_EARG, "%s: validation %g, 0 <= validation < 1 expected", path,
                        o->validation);
    if (o->validation > 0 && !test)
        return ti_error(TARN_EARG, "%s: validation %g without a place for it", path, o->validation);
    return TARN_OK;
}

tarn_status ti_data_csv_parse(const char *what, const uint8_t *text, size_t size,
                              const tarn_csv_opts *opts, tarn_dataset *train, tarn_dataset *test) {
    static const tarn_csv_opts defaults = {0};
    table t = {.opts = opts ? opts : &defaults};
    tarn_status st;
    TI_TRY(check_opts(what, t.opts, test));
    ti_csv_open(&t.csv, what, text, size, t.opts->delimiter);
    ti_classes_init(&t.classes);
    if ((st = read_table(&t))) goto done;
    *train = t.train;
    if (test) *test = t.test;
    t.train = t.test = (tarn_dataset){0};
done:
    tarn_dataset_clear(&t.train);
    tarn_dataset_clear(&t.test);
    ti_free(t.label);
    ti_classes_free(&t.classes);
    ti_arena_free(&t.arena);
    ti_csv_close(&t.csv);
    return st;
}

tarn_status tarn_data_csv(const char *path, const tarn_csv_opts *opts, tarn_dataset *train,
                          tarn_dataset *test) {
    uint8_t *text;
    size_t size;
    TI_TRY(ti_source_read_file(path, most_file_bytes, &text, &size));
    tarn_status st = ti_data_csv_parse(path, text, size, opts, train, test);
    ti_free(text);
    return st;
}
