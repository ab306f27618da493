// An experiment as read from its file, and the readers of its parts.
#ifndef TI_EXPERIMENT_H
#define TI_EXPERIMENT_H

#include "experiment/keys.h"
#include "nn/model.h"
#include <tarn/experiment.h>

// data: {...}. A number that is not given is NaN.
typedef struct ti_data_spec {
    const char *name;  // "mnist", "digits"
    const char *csv, *target, *header, *delimiter;
    const char *images, *labels, *test_images, *test_labels;  // idx
    const char *pictures;                                     // images: a folder
    double scale, offset, validation;
    int64_t train, test;  // digits: number of samples
    int64_t max_rows;
    bool flatten, standardize, classify;
} ti_data_spec;

typedef struct ti_layer_spec {
    ti_layer_draft draft;
    const ti_yaml *at;
} ti_layer_spec;

struct tarn_experiment {
    ti_arena arena;  // the tree, and all that the members point to
    const char *file;
    const ti_yaml *root, *data_at;
    ti_data_spec data;
    ti_layer_spec *layers;
    int n_layers;
    tarn_experiment_info info;
    tarn_early_stopping_opts early_stopping;
};

// Readers of values at the top of the file; out is the experiment.
tarn_status ti_read_data(const ti_yaml *n, const ti_key *key, void *out);
tarn_status ti_read_model(const ti_yaml *n, const ti_key *key, void *out);
tarn_status ti_read_optimizer(const ti_yaml *n, const ti_key *key, void *out);
tarn_status ti_read_callbacks(const ti_yaml *n, const ti_key *key, void *out);
const char *ti_data_name(const ti_data_spec *d);

#endif
