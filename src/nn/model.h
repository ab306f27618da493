// Inside of a model, for nn and train. The model owns its store, copies of its layers and what it
// knows of its data; `trainer` is the train layer's, hung here so that it ends with the model.
#ifndef TI_MODEL_H
#define TI_MODEL_H

#include "nn/layer.h"

enum { TI_MAX_LAYERS = 4096, TI_MAX_LABELS = 1 << 20 };
#define TI_MAX_PARAMETERS ((int64_t)1 << 31)  // numbers, 8 GiB: what a file can ask for

struct tarn_model {
    tarn_store *store;
    tarn_shape input;  // of one sample
    ti_arena arena;    // names, strings and initialisers of layers
    ti_layer *layers;
    int n_layers, cap_layers;
    int64_t parameters;
    bool built;          // all parameters are in the store
    tarn_status status;  // first error of tarn_model_add
    char error[512];
    tarn_preprocessing preprocessing;
    char **labels;
    int64_t n_labels;
    json_t *training;  // loss, metrics, optimizer: written by train, NULL before
    char *json;        // last text of tarn_model_to_json
    void *trainer;
    void (*trainer_free)(void *trainer);
};

// The model's first error, if there is one.
tarn_status ti_model_status(const tarn_model *m);
// Make all parameters exist in the store. Reports the model's first error.
tarn_status ti_model_build(tarn_model *m);
// Shape of a sample behind layer i (-1: the input).
const tarn_shape *ti_model_shape_after(const tarn_model *m, int i);
// Description as a new object, and a model from one (whose parameters are not built yet).
tarn_status ti_model_describe(const tarn_model *m, json_t **out);
tarn_status ti_model_restore(json_t *o, tarn_model **out);

// ---- losses and metrics -------------------------------------------------------------------------
// What y_true has to be for a loss: labels are [batch] i32, else it is as y_pred.
tarn_status ti_loss_wants_labels(const char *name, bool *labels);
tarn_status ti_metric_check(const char *name);

#endif
