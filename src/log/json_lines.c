// One JSON object a line and epoch, for programs that watch a training.
//
// Written by hand and not with jansson, which prints doubles with 17 digits or a fixed number, and
// where the order of keys is part of the contract.
#include "log/log.h"

#include <inttypes.h>
#include <math.h>
#include <tarn/log.h>

enum { LINE_LIMIT = 64 * 1024 };

// JSON has no word for NaN and infinities.
static void add_number(ti_buf *line, double value) {
    char text[TI_NUMBER_CAP];
    ti_buf_puts(line, isfinite(value) ? ti_number_text(value, text) : "null");
}

static void add_string(ti_buf *line, const char *s) {
    ti_buf_puts(line, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            ti_buf_printf(line, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            ti_buf_printf(line, "\\u%04x", (unsigned)*s);
        else
            ti_buf_add(line, s, 1);
    }
    ti_buf_puts(line, "\"");
}

static void add_epoch(ti_buf *line, const tarn_fit_state *s) {
    ti_buf_printf(line, "{\"event\":\"epoch\",\"epoch\":%" PRId64 ",\"epochs\":%" PRId64, s->epoch,
                  s->epochs);
    ti_buf_printf(line, ",\"step\":%" PRId64 ",\"seconds\":", s->step);
    add_number(line, ti_microseconds(s->seconds));
    ti_buf_puts(line, ",\"learning_rate\":");
    add_number(line, s->learning_rate);
    for (int i = 0; i < s->logs.count; i++) {
        ti_buf_puts(line, ",");
        add_string(line, s->logs.item[i].name);
        ti_buf_puts(line, ":");
        add_number(line, s->logs.item[i].value);
    }
    ti_buf_puts(line, "}\n");
}

// `self` is the stream itself: there is nothing else to remember and so nothing to free.
static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    ti_buf line;
    ti_buf_init(&line, LINE_LIMIT);
    add_epoch(&line, s);
    tarn_status st = ti_stream_put(self, "JSON lines", &line);
    ti_buf_free(&line);
    return st;
}

tarn_status tarn_json_lines(FILE *out, tarn_callback *cb) {
    if (!out) return ti_error(TARN_EARG, "JSON lines: no stream");
    *cb = (tarn_callback){.self = out, .on_epoch_end = on_epoch_end};
    return TARN_OK;
}
