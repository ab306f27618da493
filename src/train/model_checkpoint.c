// Keras' ModelCheckpoint: the model at the end of an epoch, under a name made from epoch and logs.
#include <math.h>
#include <string.h>

#include "train/monitor.h"

enum { MAX_PATH = 4096, MAX_WIDTH = 32 };

typedef struct model_checkpoint {
    ti_monitor monitor;
    bool best_only;
    double best;
    char *path;
} model_checkpoint;

// ---- names with fields: {epoch}, {epoch:02d}, {val_loss:.2f} ------------------------------------

typedef struct field {
    char name[TI_LOG_NAME];
    bool zeros;     // pad with 0, not blanks
    int width;      // least letters
    int precision;  // digits behind the point, -1: shortest form
} field;

// A small number, or -1 when there is none or it is too large.
static int take_number(const char **at) {
    int n = -1;
    for (; **at >= '0' && **at <= '9' && n <= MAX_WIDTH; (*at)++)
        n = (n < 0 ? 0 : n) * 10 + (**at - '0');
    return n > MAX_WIDTH ? -1 : n;
}

// What may follow the name: ":[0][width][.precision][d|f]".
static void parse_format(const char **at, field *f) {
    if (**at != ':') return;
    (*at)++;
    f->zeros = **at == '0';
    int width = take_number(at);
    f->width = width < 0 ? 0 : width;
    if (**at == '.') {
        (*at)++;
        f->precision = take_number(at);
    }
    if (**at == 'd' || **at == 'f') (*at)++;
}

// *at is behind '{' and ends behind '}'.
static tarn_status parse_field(const char **at, field *f) {
    const char *begin = *at;
    size_t len = strcspn(begin, ":}");
    *f = (field){.precision = -1};
    if (len < sizeof f->name) {
        memcpy(f->name, begin, len);
        *at += len;
        parse_format(at, f);
    }
    if (!len || **at != '}')
        return ti_error(TARN_EARG, "'{%.40s': a field like {epoch:02d} or {val_loss:.2f} expected",
                        begin);
    (*at)++;
    return TARN_OK;
}

static tarn_status put_field(const field *f, const tarn_fit_state *s, ti_buf *out) {
    if (!strcmp(f->name, "epoch")) {
        ti_buf_printf(out, f->zeros ? "%0*lld" : "%*lld", f->width, (long long)s->epoch);
        return ti_buf_status(out);
    }
    ti_monitor m;
    double value;
    TI_TRY(ti_monitor_init(&m, f->name, TARN_MODE_AUTO, 0));
    TI_TRY(ti_monitor_read(&m, &s->logs, &value));
    if (f->precision < 0) {
        ti_buf_printf(out, "%g", value);
    } else {
        ti_buf_printf(out, f->zeros ? "%0*.*f" : "%*.*f", f->width, f->precision, value);
    }
    return ti_buf_status(out);
}

// s NULL: only check the fields.
static tarn_status expand(const char *path, const tarn_fit_state *s, ti_buf *out) {
    while (*path) {
        field f;
        size_t plain = strcspn(path, "{");
        ti_buf_add(out, path, plain);
        path += plain;
        if (!*path) break;
        path++;
        TI_TRY(parse_field(&path, &f));
        if (s) TI_TRY(put_field(&f, s, out));
    }
    return ti_buf_status(out);
}

static tarn_status check_path(const char *path) {
    ti_buf b;
    ti_buf_init(&b, MAX_PATH);
    tarn_status st = path && *path ? expand(path, NULL, &b)
                                   : ti_error(TARN_EARG, "a path is needed");
    ti_buf_free(&b);
    return st;
}

// ---- hooks --------------------------------------------------------------------------------------

static tarn_status save(const model_checkpoint *c, const tarn_fit_state *s) {
    ti_buf path;
    ti_buf_init(&path, MAX_PATH);
    tarn_status st = expand(c->path, s, &path);
    if (!st) st = tarn_model_save(s->model, path.data, false);
    ti_buf_free(&path);
    return st;
}

static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    model_checkpoint *c = self;
    if (c->best_only) {
        double value;
        tarn_status st = ti_monitor_read(&c->monitor, &s->logs, &value);
        if (st) return ti_error_at(st, "model checkpoint");
        if (!ti_monitor_better(&c->monitor, value, c->best)) return TARN_OK;
        c->best = value;
    }
    tarn_status st = save(c, s);
    return st ? ti_error_at(st, "model checkpoint") : TARN_OK;
}

static void destroy(void *self) {
    model_checkpoint *c = self;
    if (!c) return;
    ti_free(c->path);
    ti_free(c);
}

static tarn_status init(model_checkpoint *c, const tarn_model_checkpoint_opts *o) {
    TI_TRY(check_path(o->path));
    TI_TRY(ti_monitor_init(&c->monitor, o->monitor, o->mode, 0));
    size_t len = strlen(o->path) + 1;
    TI_TRY(ti_alloc(len, &c->path));
    memcpy(c->path, o->path, len);
    c->best_only = o->save_best_only;
    c->best = (double)NAN;
    return TARN_OK;
}

tarn_status tarn_model_checkpoint_(const tarn_model_checkpoint_opts *opts, tarn_callback *cb) {
    model_checkpoint *c = NULL;
    TI_TRY(ti_alloc_zero(sizeof *c, &c));
    tarn_status st = init(c, opts);
    if (st) {
        destroy(c);
        return ti_error_at(st, "model checkpoint");
    }
    *cb = (tarn_callback){.self = c,
                          .on_epoch_end = on_epoch_end,
                          .destroy = destroy,
                          .name = "model_checkpoint",
                          .memory = &c->best,
                          .n_memory = 1};
    return TARN_OK;
}
