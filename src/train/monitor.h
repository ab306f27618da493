// Watching one of the logs for improvement: shared by early stopping and model checkpoints.
#ifndef TI_MONITOR_H
#define TI_MONITOR_H

#include "train/trainer.h"

typedef struct ti_monitor {
    char name[TI_LOG_NAME];
    bool larger;  // is better
    double min_delta;
} ti_monitor;

// name NULL: "val_loss". TARN_EARG: it is longer than any log's.
tarn_status ti_monitor_init(ti_monitor *m, const char *name, tarn_monitor_mode mode,
                            double min_delta);
// The log's value; TARN_ENOENT with the names that are there.
tarn_status ti_monitor_read(const ti_monitor *m, const tarn_logs *logs, double *value);
// Is value better than best by more than min_delta? best NAN: there is none yet. A NaN value never
// is.
bool ti_monitor_better(const ti_monitor *m, double value, double best);

#endif
