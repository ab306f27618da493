// Between the files of tarn train.
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "job.h"

enum { CLI_MAX_CALLBACKS = 8 };

typedef struct cli_train {
    const cli_args *a;
    const char *file;
    const char *from;  // model whose weights come first, NULL: none
    tarn_transport ranks;
    bool leads;  // rank 0, which alone prints and writes; errors are told by whoever has them
    cli_job job;
    cli_path out, checkpoint, model_path;
    tarn_dataset data, test;
    tarn_model *model;
    bool resumed;  // there is a checkpoint and it is to be used
    tarn_callback callback[CLI_MAX_CALLBACKS];
    int n_callbacks;
    int64_t begin;        // steps done before this run
    int64_t epoch, step;  // as the last callback saw them
    double seconds;
    tarn_logs logs;
} cli_train;

// Before training (stderr): data, model, how it is trained, where.
void cli_train_head(const cli_train *t);
// After it (stdout): result, time, file; with --json the "done" line.
int cli_train_done(const cli_train *t);

#endif
