// What tarn eval --report counts, prints and draws; and the metrics of a regression.
#include "eval.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT_CLASSES = 20, TILES = 40, TILE_COLUMNS = 8 };

// ---- counting ----------------------------------------------------------------------------------

static int64_t argmax(const float *p, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

static void count_answers(const cli_eval *e, cli_report *r) {
    float *p = tarn_tensor_data(r->p);
    const int32_t *label = tarn_tensor_cdata(e->data.y);
    for (int64_t i = 0; i < e->samples; i++, p += r->classes) {
        cli_softmax(&e->facts, p, r->classes);
        r->answer[i] = argmax(p, r->classes);
        r->counts[label[i] * r->classes + r->answer[i]]++;
    }
}

static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

static void fill_rows(cli_report *r) {
    double n = (double)r->classes;
    for (int64_t c = 0; c < r->classes; c++) {
        cli_class_row *row = &r->row[c];
        int64_t answers = 0;
        for (int64_t i = 0; i < r->classes; i++) {
            answers += r->counts[i * r->classes + c];
            row->samples += r->counts[c * r->classes + i];
        }
        double right = (double)r->counts[c * r->classes + c];
        row->precision = ratio(right, (double)answers);
        row->recall = ratio(right, (double)row->samples);
        row->f1 = ratio(2 * row->precision * row->recall, row->precision + row->recall);
        r->mean.samples += row->samples;
        r->mean.precision += row->precision / n;
        r->mean.recall += row->recall / n;
        r->mean.f1 += row->f1 / n;
    }
}

tarn_status cli_report_create(const cli_eval *e, cli_report *r) {
    *r = (cli_report){.classes = cli_model_outputs(e->model)};
    size_t n = (size_t)r->classes;
    TARN_TRY(cli_model_answers(e->model, e->data.x, cli_int(e->a, "batch"), &r->p));
    r->counts = calloc(n * n, sizeof *r->counts);
    r->row = calloc(n, sizeof *r->row);
    r->answer = calloc((size_t)e->samples, sizeof *r->answer);
    if (!r->counts || !r->row || !r->answer) return TARN_ENOMEM;
    count_answers(e, r);
    fill_rows(r);
    return TARN_OK;
}

void cli_report_free(cli_report *r) {
    tarn_tensor_release(r->p);
    free(r->counts);
    free(r->row);
    free(r->answer);
}

// ---- text --------------------------------------------------------------------------------------

static void print_confusion(const cli_eval *e, const cli_report *r) {
    char align[MOST_TEXT_CLASSES + 2] = "l";
    cli_text label;
    memset(align + 1, 'r', (size_t)r->classes);
    cli_table *t = cli_table_create(align);
    puts("\nconfusion (row: true class, column: answer)");
    cli_cell(t, "%s", "");
    for (int64_t j = 0; j < r->classes; j++)
        cli_cell(t, "%s", cli_model_class(&label, e->model, j));
    for (int64_t i = 0; i < r->classes; i++) {
        cli_cell(t, "%s", cli_model_class(&label, e->model, i));
        for (int64_t j = 0; j < r->classes; j++)
            cli_cell(t, "%" PRId64, r->counts[i * r->classes + j]);
    }
    cli_table_print(t, stdout);
    cli_table_free(t);
}

static void class_cells(cli_table *t, const char *label, const cli_class_row *row) {
    cli_cell(t, "%s", label);
    cli_cell(t, "%.2f %%", 100 * row->precision);
    cli_cell(t, "%.2f %%", 100 * row->recall);
    cli_cell(t, "%.2f %%", 100 * row->f1);
    cli_cell(t, "%" PRId64, row->samples);
}

void cli_report_print(const cli_eval *e, const cli_report *r) {
    cli_text label;
    if (r->classes <= MOST_TEXT_CLASSES) print_confusion(e, r);
    putchar('\n');
    cli_table *t = cli_table_create("lrrrr");
    cli_cell(t, "class");
    cli_cell(t, "precision");
    cli_cell(t, "recall");
    cli_cell(t, "f1");
    cli_cell(t, "samples");
    for (int64_t c = 0; c < r->classes; c++)
        class_cells(t, cli_model_class(&label, e->model, c), &r->row[c]);
    class_cells(t, "mean", &r->mean);
    cli_table_print(t, stdout);
    cli_table_free(t);
}

// ---- pictures ----------------------------------------------------------------------------------

typedef struct mistake {
    int64_t sample;
    float p;  // of the wrong answer
} mistake;

static int surer_first(const void *a, const void *b) {
    const mistake *x = a, *y = b;
    if (x->p != y->p) return x->p > y->p ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

// All mistakes, the surest first; *n of them. NULL when memory is out.
static mistake *find_mistakes(const cli_eval *e, const cli_report *r, int64_t *n) {
    const int32_t *label = tarn_tensor_cdata(e->data.y);
    const float *p = tarn_tensor_cdata(r->p);
    mistake *list = calloc((size_t)e->samples + 1, sizeof *list);
    *n = 0;
    for (int64_t i = 0; list && i < e->samples; i++)
        if (r->answer[i] != label[i]) list[(*n)++] = (mistake){i, p[i * r->classes + r->answer[i]]};
    if (list) qsort(list, (size_t)*n, sizeof *list, surer_first);
    return list;
}

static tarn_tile tile_of(const cli_eval *e, const cli_report *r, const mistake *m,
                         cli_picture_size size, cli_text *caption) {
    int64_t pixels = size.height * size.width * size.channels;
    cli_text truth, answer;
    snprintf(caption->s, sizeof caption->s, "%.30s as %.30s, %.0f %%",
             cli_model_class(&truth, e->model,
                             ((const int32_t *)tarn_tensor_cdata(e->data.y))[m->sample]),
             cli_model_class(&answer, e->model, r->answer[m->sample]), 100 * (double)m->p);
    return (tarn_tile){.pixels = (const uint8_t *)tarn_tensor_cdata(e->data.x) + m->sample * pixels,
                       .height = (int)size.height,
                       .width = (int)size.width,
                       .channels = (int)size.channels,
                       .caption = caption->s};
}

static tarn_status draw_sheet(const cli_eval *e, const cli_report *r, const char *path,
                              cli_picture_size size) {
    tarn_tile tile[TILES];
    cli_text caption[TILES], title, wrong, all;
    int64_t n;
    mistake *list = find_mistakes(e, r, &n);
    if (!list) return TARN_ENOMEM;
    int shown = n < TILES ? (int)n : TILES;
    for (int i = 0; i < shown; i++) tile[i] = tile_of(e, r, &list[i], size, &caption[i]);
    free(list);
    if (!n) {
        cli_note(e->a, "note: no mistakes, so no mistakes.png");
        return TARN_OK;
    }
    snprintf(title.s, sizeof title.s, "the surest of %s mistake%s in %s sample%s",
             cli_count(&wrong, n), n == 1 ? "" : "s", cli_count(&all, e->samples),
             e->samples == 1 ? "" : "s");
    TARN_TRY(tarn_plot_sheet(path, title.s, tile, shown, TILE_COLUMNS));
    cli_note(e->a, "wrote %s", path);
    return TARN_OK;
}

// Samples are pictures when they are bytes with two or three axes.
static bool picture_size(const tarn_dataset *d, cli_picture_size *out) {
    const tarn_shape *s = tarn_tensor_shape(d->x);
    if (tarn_tensor_dtype(d->x) != TARN_U8 || s->rank < 3 || s->rank > 4) return false;
    *out = (cli_picture_size){s->dim[1], s->dim[2], s->rank == 4 ? s->dim[3] : 1};
    return out->channels == 1 || out->channels == 3;
}

static tarn_status draw_confusion(const cli_eval *e, const cli_report *r, const char *path) {
    const char **labels = calloc((size_t)r->classes, sizeof *labels);
    cli_text title;
    if (!labels) return TARN_ENOMEM;
    for (int64_t i = 0; i < r->classes; i++) labels[i] = tarn_model_label(e->model, i);
    snprintf(title.s, sizeof title.s, "answers on %s", e->data.name);
    tarn_status st = tarn_plot_confusion(path, title.s, r->counts, (int)r->classes,
                                         labels[0] ? labels : NULL);
    free(labels);
    if (!st) cli_note(e->a, "wrote %s", path);
    return st;
}

tarn_status cli_report_draw(const cli_eval *e, const cli_report *r, const char *dir) {
    cli_path path;
    cli_picture_size size;
    tarn_status st = draw_confusion(e, r, cli_join(&path, dir, "confusion.png"));
    if (!st && picture_size(&e->data, &size))
        st = draw_sheet(e, r, cli_join(&path, dir, "mistakes.png"), size);
    if (st != TARN_EUNSUPPORTED) return st;
    cli_note(e->a, "note: no pictures: %s", tarn_last_error());
    return TARN_OK;
}

// ---- regression --------------------------------------------------------------------------------

static void add_metric(tarn_logs *logs, const char *name, double value) {
    if (!isnan(tarn_logs_get(logs, name)) || logs->count == TARN_MAX_LOGS) return;
    snprintf(logs->item[logs->count].name, sizeof logs->item->name, "%s", name);
    logs->item[logs->count++].value = value;
}

// One pass for the mean of the targets, one for the sums around it.
static void sum_up(const float *y, const float *p, int64_t n, double *squares, double *sizes,
                   double *variance) {
    double mean = 0;
    *squares = *sizes = *variance = 0;
    for (int64_t i = 0; i < n; i++) mean += (double)y[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double error = (double)p[i] - (double)y[i], spread = (double)y[i] - mean;
        *squares += error * error;
        *sizes += fabs(error);
        *variance += spread * spread;
    }
}

tarn_status cli_regression_metrics(cli_eval *e) {
    tarn_tensor *p;
    double squares, sizes, variance;
    TARN_TRY(cli_model_answers(e->model, e->data.x, cli_int(e->a, "batch"), &p));
    int64_t n = tarn_tensor_numel(e->data.y);
    sum_up(tarn_tensor_cdata(e->data.y), tarn_tensor_cdata(p), n, &squares, &sizes, &variance);
    add_metric(&e->logs, "mse", squares / (double)n);
    add_metric(&e->logs, "mae", sizes / (double)n);
    if (variance > 0) add_metric(&e->logs, "r2", 1 - squares / variance);
    tarn_tensor_release(p);
    return TARN_OK;
}
