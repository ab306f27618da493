// What a training is: the experiment, the overrides of the command line, where its data are. Train
// records it as "run.json" beside the model, so that eval and a later training of the model file
// find the data and settings again.
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "files.h"

#include <jansson.h>

typedef struct cli_job {
    tarn_experiment *experiment;
    tarn_experiment_info info;
    json_t *record;    // what run.json holds
    const char *data;  // folder of the data, NULL: the usual places; lives in `record`
} cli_job;

// From a YAML file with --set and the options that stand for one (--epochs, --batch, --seed,
// --max-steps, --lr, --data), where the command has them.
int cli_job_read(const cli_args *a, const char *yaml, cli_job *job);
// From the run.json beside a model file, with the same options; set: one more, or NULL.
int cli_job_beside(const cli_args *a, const char *model, const char *set, cli_job *job);
bool cli_job_is_beside(const char *model);
// Did generated digits stand in for data that were not found?
bool cli_job_fell_back(const cli_job *job, const tarn_dataset *data);
// If so, a note that says it.
void cli_job_note(const cli_args *a, const cli_job *job, const tarn_dataset *data);
int cli_job_save(const cli_args *a, const cli_job *job, const char *dir);
void cli_job_clear(cli_job *job);

#endif
