// Curves of loss and metrics over the epochs, one picture for NAME and val_NAME together.
//
// A picture takes longer to draw than a small network an epoch, so not every epoch is drawn; the
// last one always is, also where a fit ends before its time.
#include "log/log.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <tarn/log.h>
#include <tarn/plot.h>

enum { FIRST_CAP = 64, NAME_CAP = 32 };
static const char val[] = "val_";
static const double draw_interval = 1;  // seconds

typedef struct series {
    char name[NAME_CAP];
    double *y;  // cap values, NaN where an epoch had none
} series;

typedef struct pictures {
    series series[TARN_MAX_LOGS];
    int n;
    int epochs, cap;
    int drawn;             // epochs in the pictures
    double drawn_seconds;  // of the fit, when they were drawn
    char dir[];
} pictures;

// ---- recording ---------------------------------------------------------------------------------

static tarn_status grow(series *s, int old, int cap) {
    size_t bytes;
    TI_TRY(ti_mul((size_t)cap, sizeof *s->y, &bytes));
    TI_TRY(ti_realloc((size_t)old * sizeof *s->y, bytes, &s->y));
    for (int i = old; i < cap; i++) s->y[i] = (double)NAN;
    return TARN_OK;
}

static tarn_status reserve(pictures *p, int64_t epochs) {
    if (epochs <= p->cap) return TARN_OK;
    if (epochs > INT_MAX / 2)
        return ti_error(TARN_ELIMIT, "curves: epoch %lld, at most %d", (long long)epochs,
                        INT_MAX / 2);
    int cap = (int)ti_max_i64(ti_max_i64(FIRST_CAP, epochs), 2 * (int64_t)p->cap);
    for (int i = 0; i < p->n; i++) TI_TRY(grow(&p->series[i], p->cap, cap));
    p->cap = cap;
    return TARN_OK;
}

static series *find(pictures *p, const char *name) {
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->series[i].name, name)) return &p->series[i];
    return NULL;
}

static tarn_status find_or_add(pictures *p, const char *name, series **out) {
    *out = find(p, name);
    if (*out) return TARN_OK;
    if (p->n == TARN_MAX_LOGS)
        return ti_error(TARN_ELIMIT, "curves: '%s' is one metric more than the %d allowed", name,
                        TARN_MAX_LOGS);
    series *s = &p->series[p->n];
    TI_TRY(grow(s, 0, p->cap));
    snprintf(s->name, NAME_CAP, "%s", name);
    p->n++;
    *out = s;
    return TARN_OK;
}

static tarn_status record(pictures *p, const tarn_fit_state *s) {
    series *one;
    TI_TRY(reserve(p, s->epoch));
    for (int i = 0; i < s->logs.count; i++) {
        TI_TRY(find_or_add(p, s->logs.item[i].name, &one));
        one->y[s->epoch - 1] = s->logs.item[i].value;
    }
    p->epochs = (int)s->epoch;
    return TARN_OK;
}

// ---- drawing -----------------------------------------------------------------------------------

// "DIR/NAME.png", with '_' for characters that file names do not have everywhere.
static tarn_status picture_path(const pictures *p, const char *name, char **out) {
    char file[NAME_CAP + 8];
    snprintf(file, sizeof file, "%s.png", name);
    for (char *c = file; *c; c++)
        if (strchr("/\\:*?\"<>| ", *c)) *c = '_';
    return ti_path_join(p->dir, file, out);
}

static tarn_status draw_one(pictures *p, const series *training) {
    char name[NAME_CAP + sizeof val], *path;
    tarn_curve curves[2] = {{"training", training->y, p->epochs, false}};
    snprintf(name, sizeof name, "%s%s", val, training->name);
    const series *validation = find(p, name);
    if (validation) curves[1] = (tarn_curve){"validation", validation->y, p->epochs, true};
    TI_TRY(picture_path(p, training->name, &path));
    tarn_status st = tarn_plot_curves(path, training->name, "epoch", training->name, curves,
                                      validation ? 2 : 1);
    ti_free(path);
    return st;
}

// Drawn already beside its training metric.
static bool is_second(pictures *p, const series *s) {
    return !strncmp(s->name, val, strlen(val)) && find(p, s->name + strlen(val));
}

static tarn_status draw_all(pictures *p) {
    tarn_status st = TARN_OK;
    for (int i = 0; i < p->n && !st; i++)
        if (!is_second(p, &p->series[i])) st = draw_one(p, &p->series[i]);
    p->drawn = p->epochs;
    return st == TARN_EUNSUPPORTED ? TARN_OK : st;  // a build without Cairo trains without pictures
}

// ---- callback ----------------------------------------------------------------------------------

static tarn_status on_train_begin(void *self, tarn_fit_state *s) {
    const pictures *p = self;
    (void)s;
    return ti_make_dirs(p->dir);
}

static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    pictures *p = self;
    TI_TRY(record(p, s));
    if (p->drawn && s->seconds - p->drawn_seconds < draw_interval) return TARN_OK;
    p->drawn_seconds = s->seconds;
    return draw_all(p);
}

static tarn_status draw_rest(pictures *p) { return p->drawn < p->epochs ? draw_all(p) : TARN_OK; }

static tarn_status on_train_end(void *self, tarn_fit_state *s) {
    (void)s;
    return draw_rest(self);
}

static void destroy(void *self) {
    pictures *p = self;
    (void)draw_rest(p);  // of a fit that failed or was stopped
    for (int i = 0; i < p->n; i++) ti_free(p->series[i].y);
    ti_free(p);
}

tarn_status tarn_curves(const char *dir, tarn_callback *cb) {
    pictures *p;
    size_t bytes = strlen(dir) + 1;
    TI_TRY(ti_alloc_zero(sizeof *p + bytes, &p));
    memcpy(p->dir, dir, bytes);
    *cb = (tarn_callback){.self = p,
                          .on_train_begin = on_train_begin,
                          .on_epoch_end = on_epoch_end,
                          .on_train_end = on_train_end,
                          .destroy = destroy};
    return TARN_OK;
}
