// Between the files of tarn eval.
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "job.h"
#include "model.h"

enum { CLI_MAX_REPORT_CLASSES = 1000 };

typedef struct cli_class_row {
    int64_t samples;               // of this class in the data
    double precision, recall, f1;  // 0 where there is nothing to divide by
} cli_class_row;

// What a report counts; made by cli_report_create.
typedef struct cli_report {
    int64_t classes;
    int64_t *counts;     // [classes, classes], row: true class, column: answer
    cli_class_row *row;  // [classes]
    cli_class_row mean;  // over classes, each counts the same
    tarn_tensor *p;      // [n, classes] f32 probabilities
    int64_t *answer;     // [n]
} cli_report;

typedef struct cli_eval {
    const cli_args *a;
    const char *path;
    tarn_model *model;
    cli_model_facts facts;
    tarn_dataset data;
    int64_t samples;
    tarn_logs logs;
} cli_eval;

// Answers of the model to all samples, counted. cli_report_free in any case.
tarn_status cli_report_create(const cli_eval *e, cli_report *out);
void cli_report_free(cli_report *r);
void cli_report_print(const cli_eval *e, const cli_report *r);
// DIR/confusion.png and DIR/mistakes.png; a build that cannot draw says so in a note.
tarn_status cli_report_draw(const cli_eval *e, const cli_report *r, const char *dir);
// mse, mae and r2 of a regression, appended to e->logs where they are missing.
tarn_status cli_regression_metrics(cli_eval *e);

#endif
