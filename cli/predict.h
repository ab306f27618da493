// Between the files of tarn predict.
#ifndef CLI_PREDICT_H
#define CLI_PREDICT_H

#include "files.h"
#include "model.h"

typedef enum cli_input_kind { CLI_INPUT_PICTURE, CLI_INPUT_IDX, CLI_INPUT_CSV } cli_input_kind;

// Samples of one input file, ready for the model.
typedef struct cli_input {
    const char *path;
    cli_input_kind kind;
    tarn_tensor *x;  // [n, ...]
    int64_t first;   // index in the file of x's first sample
    tarn_tensor *y;  // [n, 1] f32 targets that a CSV file holds, else NULL
} cli_input;

// Read a file, whatever its kind. A sentence on stderr and an exit code when that fails.
int cli_input_read(const cli_args *a, const tarn_model *m, bool classifies, const char *path,
                   cli_input *out);
// The same for a table, whose columns are standardized as the data of the training were.
int cli_table_read(const cli_args *a, const tarn_model *m, bool classifies, const char *path,
                   cli_input *out);
void cli_input_clear(cli_input *in);

// A picture file as one sample u8 [1, height, width(, channels)]: averaged over areas to the
// model's size; grey pictures with a light border are inverted when `invert` is "auto".
tarn_status cli_picture_read(const char *path, const char *invert, cli_picture_size size,
                             tarn_tensor **out);

#endif
