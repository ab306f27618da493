// The progress line of a training.
//
// On a terminal one line is drawn again and again:
//   epoch 3/20 [=======>    ] 320/469  eta 0:02  1.2 ms/step  loss 0.0712  accuracy 0.9783
// It never wraps: what does not fit is left out, the speed first, then the bar, then metrics from
// the end. The end of an epoch leaves a final line, and there nothing is left out: it is broken
// between items. Elsewhere only final lines are written.
//
// A line that cannot be written is no reason to end a training: write errors are ignored here.
#include "log/log.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <tarn/log.h>

enum { MAX_ITEMS = TARN_MAX_LOGS + 4, ITEM_CAP = 64, LINE_LIMIT = 64 * 1024 };
enum { MIN_BAR = 12, MAX_BAR = 32, GAP = 2, INDENT = 4 };
static const double draw_interval = 0.1;  // seconds

typedef struct progress {
    FILE *out;
    bool colors;
    bool open;             // a line is drawn and not ended
    double drawn_seconds;  // of the fit, at the last drawing
    double begin_seconds;  // of the fit, when the epoch before ended
    // The steps of this epoch that this fit runs: it may begin within an epoch.
    double begin_steps, steps;   // seconds of steps before them, with them
    int64_t begin_batch, batch;  // batches before them, with them
} progress;

// "loss " and "0.0712": names are drawn dim.
typedef struct item {
    char name[ITEM_CAP], value[ITEM_CAP];
} item;

typedef struct line {
    item items[MAX_ITEMS];
    int n;
    int columns;  // that may be used; 0: no limit
    bool colors;
    ti_buf text;
} line;

// ---- items -------------------------------------------------------------------------------------

static item *add_item(line *l, const char *name) {
    item *it = &l->items[l->n++];
    *it = (item){0};
    snprintf(it->name, ITEM_CAP, "%s%s", name, *name ? " " : "");
    return it;
}

// Bytes, which are never fewer than columns.
static int item_width(const item *it) { return (int)(strlen(it->name) + strlen(it->value)); }

static void put_clock(char *out, double seconds) {
    int64_t s = (int64_t)fmin(seconds + 0.5, 1e15);
    if (s < 3600)
        snprintf(out, ITEM_CAP, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else
        snprintf(out, ITEM_CAP, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60,
                 s % 60);
}

static void put_metric(char *out, double value) {
    double size = fabs(value);
    bool plain = size == 0 || (size >= 1e-3 && size < 1e5) || !isfinite(size);
    if (isnan(value)) value = size;  // without a sign
    snprintf(out, ITEM_CAP, plain ? "%.4f" : "%.3e", value);
}

static void put_speed(char *out, double seconds) {
    bool slow = seconds >= 1;
    double value = slow ? seconds : seconds * 1e3;
    snprintf(out, ITEM_CAP, "%.*f %s/step",
             value < 1     ? 2
             : value < 100 ? 1
                           : 0,
             value, slow ? "s" : "ms");
}

static double seconds_a_step(const progress *p) {
    return (p->steps - p->begin_steps) / (double)ti_max_i64(p->batch - p->begin_batch, 1);
}

static void add_epoch(line *l, const tarn_fit_state *s) {
    snprintf(add_item(l, "epoch")->value, ITEM_CAP, "%" PRId64 "/%" PRId64, s->epoch, s->epochs);
}

// Padded to the width of the last, so that the bar keeps its width.
static void add_steps(line *l, const tarn_fit_state *s) {
    int width = snprintf(NULL, 0, "%" PRId64, s->batches);
    snprintf(add_item(l, "")->value, ITEM_CAP, "%*" PRId64 "/%" PRId64, width, s->batch,
             s->batches);
}

static void add_metrics(line *l, const tarn_fit_state *s) {
    for (int i = 0; i < s->logs.count; i++)
        put_metric(add_item(l, s->logs.item[i].name)->value, s->logs.item[i].value);
}

// ---- lines -------------------------------------------------------------------------------------

static void put_item(line *l, const item *it) {
    bool dim = l->colors && it->name[0];
    ti_buf_printf(&l->text, dim ? "\033[2m%s\033[0m%s" : "%s%s", it->name, it->value);
}

// "[====>   ]" of `width` columns; full without a head.
static void put_bar(line *l, int width, double share) {
    int inner = width - 2, done = (int)(share * inner);
    ti_buf_puts(&l->text, l->colors ? " [\033[32m" : " [");
    for (int i = 0; i < inner; i++) {
        if (i == done && l->colors) ti_buf_puts(&l->text, "\033[0m");
        ti_buf_puts(&l->text, i < done - 1 || done == inner ? "=" : i == done - 1 ? ">" : " ");
    }
    ti_buf_puts(&l->text, l->colors ? "\033[0m] " : "] ");
}

// Columns of the first n items in one line.
static int width_of(const line *l, int n) {
    int width = GAP * (n - 1);
    for (int i = 0; i < n; i++) width += item_width(&l->items[i]);
    return width;
}

static void remove_item(line *l, int i) {
    l->n--;
    memmove(&l->items[i], &l->items[i + 1], (size_t)(l->n - i) * sizeof *l->items);
}

// Everything in one line with a bar after the first item, as far as the columns allow.
static void put_in_one_line(line *l, int speed, double share) {
    if (l->columns - width_of(l, l->n) < MIN_BAR) remove_item(l, speed);
    int room = l->columns - width_of(l, l->n), bar = room < MAX_BAR ? room : MAX_BAR;
    while (l->n > 0 && width_of(l, l->n) > l->columns) l->n--;
    for (int i = 0; i < l->n; i++) {
        if (i == 1 && bar >= MIN_BAR)
            put_bar(l, bar, share);
        else if (i > 0)
            ti_buf_puts(&l->text, "  ");
        put_item(l, &l->items[i]);
    }
}

// All items, broken between two where the next one would not fit.
static void put_in_lines(line *l, const char *end_of_line) {
    int used = 0;
    for (int i = 0; i < l->n; i++) {
        int width = item_width(&l->items[i]);
        bool fits = l->columns == 0 || used + GAP + width <= l->columns;
        if (i > 0 && !fits) ti_buf_puts(&l->text, end_of_line);
        if (i > 0) ti_buf_printf(&l->text, "%*s", fits ? GAP : INDENT, "");
        used = i == 0 ? width : fits ? used + GAP + width : INDENT + width;
        put_item(l, &l->items[i]);
    }
    ti_buf_puts(&l->text, end_of_line);
}

static void begin_line(line *l, const progress *p, int columns) {
    l->n = 0;
    l->columns = columns > 1 ? columns - 1 : columns;  // some terminals wrap after a full line
    l->colors = p->colors && columns > 0;
    ti_buf_init(&l->text, LINE_LIMIT);
}

static void end_line(line *l, progress *p) {
    if (!ti_buf_status(&l->text)) {
        fwrite(l->text.data, 1, l->text.size, p->out);
        fflush(p->out);
    }
    ti_buf_free(&l->text);
}

// ---- drawing -----------------------------------------------------------------------------------

static void draw(progress *p, const tarn_fit_state *s, int columns) {
    line l;
    double left = (double)(s->batches - s->batch) * seconds_a_step(p);
    double share = (double)s->batch / (double)ti_max_i64(s->batches, 1);
    begin_line(&l, p, columns);
    add_epoch(&l, s);
    add_steps(&l, s);
    put_clock(add_item(&l, "eta")->value, fmax(left, 0));
    put_speed(add_item(&l, "")->value, seconds_a_step(p));
    int speed = l.n - 1;
    add_metrics(&l, s);
    ti_buf_puts(&l.text, "\r");
    put_in_one_line(&l, speed, fmin(share, 1));
    ti_buf_puts(&l.text, "\033[K");
    end_line(&l, p);
    p->open = true;
    p->drawn_seconds = s->seconds;
}

static void draw_final(progress *p, const tarn_fit_state *s) {
    line l;
    int columns = ti_terminal_columns(p->out);
    double seconds = s->seconds - p->begin_seconds;
    begin_line(&l, p, columns);
    add_epoch(&l, s);
    add_steps(&l, s);
    if (seconds < 60)
        snprintf(add_item(&l, "")->value, ITEM_CAP, "%.1f s", seconds);
    else
        put_clock(add_item(&l, "")->value, seconds);
    put_speed(add_item(&l, "")->value, seconds_a_step(p));
    add_metrics(&l, s);
    if (p->open) ti_buf_puts(&l.text, "\r");
    put_in_lines(&l, columns > 0 ? "\033[K\n" : "\n");
    end_line(&l, p);
    p->open = false;
}

// ---- callback ----------------------------------------------------------------------------------

static void begin_steps(progress *p, const tarn_fit_state *s) {
    p->begin_seconds = s->seconds;
    p->begin_steps = p->steps = s->step_seconds;
    p->begin_batch = p->batch = -1;  // known when the first batch is done
}

static tarn_status on_train_begin(void *self, tarn_fit_state *s) {
    progress *p = self;
    p->drawn_seconds = -draw_interval;
    begin_steps(p, s);
    return TARN_OK;
}

static tarn_status on_batch_end(void *self, tarn_fit_state *s) {
    progress *p = self;
    if (p->begin_batch < 0) p->begin_batch = s->batch - 1;
    p->batch = s->batch;
    p->steps = s->step_seconds;
    if (s->seconds - p->drawn_seconds < draw_interval) return TARN_OK;
    int columns = ti_terminal_columns(p->out);  // asked each time: windows change their size
    if (columns > 0) draw(p, s, columns);
    return TARN_OK;
}

static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    draw_final(self, s);
    begin_steps(self, s);
    return TARN_OK;
}

// A line left open by a stop within an epoch is ended, so that what follows begins a line.
static void close_line(progress *p) {
    if (!p->open) return;
    fputc('\n', p->out);
    fflush(p->out);
    p->open = false;
}

static tarn_status on_train_end(void *self, tarn_fit_state *s) {
    (void)s;
    close_line(self);
    return TARN_OK;
}

static void destroy(void *self) {
    close_line(self);
    ti_free(self);
}

tarn_status tarn_progress_line(FILE *out, tarn_callback *cb) {
    progress *p;
    if (!out) return ti_error(TARN_EARG, "progress line: no stream");
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    p->out = out;
    p->colors = ti_terminal_colors();
    *cb = (tarn_callback){.self = p,
                          .on_train_begin = on_train_begin,
                          .on_batch_end = on_batch_end,
                          .on_epoch_end = on_epoch_end,
                          .on_train_end = on_train_end,
                          .destroy = destroy};
    return TARN_OK;
}
