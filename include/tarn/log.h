/** @file log.h
 *  Callbacks of fit that write: JSON lines, CSV, a progress line, curves. Each returns a callback
 *  that owns its memory; fit's caller calls destroy when done. */
#ifndef TARN_LOG_H
#define TARN_LOG_H

#include <stdio.h>
#include <tarn/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One line on `out` (stderr by custom) redrawn at most ten times a second when it is a terminal:
 *  epoch, bar, step, ETA, loss, metrics; one line an epoch otherwise. out is borrowed. */
TARN_API TARN_CHECK tarn_status tarn_progress_line(FILE *out, tarn_callback *cb);
/** {"event":"epoch",...} a line and epoch on `out`; keys as design of the command line says. */
TARN_API TARN_CHECK tarn_status tarn_json_lines(FILE *out, tarn_callback *cb);
/** epoch,step,seconds,learning_rate,METRICS; appends when resuming. */
TARN_API TARN_CHECK tarn_status tarn_csv_logger(const char *path, bool append, tarn_callback *cb);
/** Loss and metric curves as PNG, DIR/loss.png and DIR/METRIC.png: rewritten at the ends of epochs,
 *  at most once a second, and at the end. Does nothing in a build without Cairo. */
TARN_API TARN_CHECK tarn_status tarn_curves(const char *dir, tarn_callback *cb);

#ifdef __cplusplus
}
#endif
#endif
