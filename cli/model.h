// What commands need to know of a model beyond its layers.
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "cli.h"

typedef struct cli_model_facts {
    char loss[64];        // "" when the model was never compiled
    char metrics[256];    // comma list
    char optimizer[160];  // "rmsprop 0.001", "" when there is none
    bool softmax;         // its outputs are probabilities
    bool classifies;      // its outputs are scores of classes
} cli_model_facts;

// "sgd" for TARN_SGD; NULL past the last kind.
const char *cli_optimizer_name(int kind);
// Load a model file and make it ready for --device and --dump. A sentence on stderr and an exit
// code when that fails.
int cli_model_open(const cli_args *a, const char *path, tarn_model **out, cli_model_facts *facts);
tarn_status cli_model_facts_of(tarn_model *m, cli_model_facts *out);
// Answers [n, ...] for raw samples [n, ...], u8 or f32, prepared as in training.
tarn_status cli_model_answers(tarn_model *m, const tarn_tensor *x, int64_t batch,
                              tarn_tensor **out);
// Numbers that the model answers for one sample.
int64_t cli_model_outputs(tarn_model *m);
int64_t cli_model_parameters(tarn_model *m);
// "784 - 512 - 10": input and the output of each layer that has parameters.
const char *cli_model_sizes(cli_text *t, tarn_model *m);
// Name of class i: its label or its number.
const char *cli_model_class(cli_text *t, const tarn_model *m, int64_t i);
// Pictures that the model takes: height, width and channels of a sample, also where samples are
// flattened squares. False when a sample is no picture.
typedef struct cli_picture_size {
    int64_t height, width, channels;
} cli_picture_size;
bool cli_model_picture(const tarn_model *m, cli_picture_size *out);
// Scores [n] of one sample to probabilities, in place, where the model itself does not.
void cli_softmax(const cli_model_facts *facts, float *scores, int64_t n);

#endif
