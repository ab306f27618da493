/** @file experiment.h
 *  The YAML file: data, model, loss, optimizer, run. Unknown keys are errors that name the line
 *  and the nearest known key. Needs libyaml (TARN_EUNSUPPORTED names libyaml-dev without it). */
#ifndef TARN_EXPERIMENT_H
#define TARN_EXPERIMENT_H

#include <tarn/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_experiment tarn_experiment;

/** Read and check a file. `sets`: "a.b=v" overrides as of --set, applied before checking. */
TARN_API TARN_CHECK tarn_status tarn_experiment_read(const char *path, const char *const *sets,
                                                     int n_sets, tarn_experiment **out);
/** The same from text (`name` is used in messages). */
TARN_API TARN_CHECK tarn_status tarn_experiment_parse(const char *name, const char *text,
                                                      size_t size, const char *const *sets,
                                                      int n_sets, tarn_experiment **out);
TARN_API void tarn_experiment_free(tarn_experiment *e);

typedef struct tarn_experiment_info {
    const char *data_name;      /* "mnist", "csv", "idx", "digits" */
    const char *loss, *metrics; /* metrics: comma list */
    tarn_optimizer optimizer;
    int64_t batch, epochs;
    uint64_t seed;
    int64_t steps; /* most steps in all; 0: no limit */
    bool no_shuffle;
    const tarn_early_stopping_opts *early_stopping; /* NULL: none */
} tarn_experiment_info;
/** Strings live as long as the experiment. */
TARN_API tarn_experiment_info tarn_experiment_get(const tarn_experiment *e);
/** Load its data. dir: --data (NULL: the usual places). mnist without files anywhere falls back to
 *  generated digits and marks the sets. */
TARN_API TARN_CHECK tarn_status tarn_experiment_data(const tarn_experiment *e, const char *dir,
                                                     tarn_dataset *train, tarn_dataset *test);
/** Build its model for samples of `train`. Errors name the line and layer. */
TARN_API TARN_CHECK tarn_status tarn_experiment_model(const tarn_experiment *e,
                                                      const tarn_dataset *train, uint64_t seed,
                                                      tarn_model **out);

#ifdef __cplusplus
}
#endif
#endif
