// Helpers of the tests of src/log: states of a fit, and what was written.
#ifndef LOG_SUPPORT_H
#define LOG_SUPPORT_H

#include <math.h>
#include <string.h>
#include <tarn/log.h>

#include "log/log.h"
#include "test.h"

enum { TEXT_CAP = 1 << 16, PATH_CAP = 512 };

// After `epoch` of 20 epochs of 469 steps; 8.5 s each, no metrics yet.
static inline tarn_fit_state after_epoch(int64_t epoch) {
    return (tarn_fit_state){.epoch = epoch,
                            .epochs = 20,
                            .batch = 469,
                            .batches = 469,
                            .step = 469 * epoch,
                            .seconds = 8.5 * (double)epoch,
                            .learning_rate = 0.001};
}

static inline void add_log(tarn_fit_state *s, const char *name, double value) {
    CHECK(s->logs.count < TARN_MAX_LOGS);
    snprintf(s->logs.item[s->logs.count].name, sizeof s->logs.item[0].name, "%s", name);
    s->logs.item[s->logs.count++].value = value;
}

// With loss and accuracy, that depend on the epoch.
static inline tarn_fit_state with_metrics(int64_t epoch) {
    tarn_fit_state s = after_epoch(epoch);
    add_log(&s, "loss", 0.5 / (double)epoch);
    add_log(&s, "accuracy", 1 - 0.25 / (double)epoch);
    return s;
}

// Everything in a stream from its beginning.
static inline void read_stream(FILE *f, char text[TEXT_CAP]) {
    rewind(f);
    size_t n = fread(text, 1, TEXT_CAP - 1, f);
    text[n] = '\0';
}

static inline void end_callback(tarn_callback *cb) {
    if (cb->destroy) cb->destroy(cb->self);
}

#endif
