// What a model carries once it is compiled for training: how to train, the programs over its
// store, and where the last fit stands. Shared by fit, evaluate, predict and files.
#ifndef TI_TRAINER_H
#define TI_TRAINER_H

#include "nn/model.h"
#include "train/optimizer.h"
#include <tarn/io.h>

enum { TI_MAX_METRICS = 7, TI_LOG_NAME = 48, TI_MAX_CALLBACKS = 64, TI_MAX_MEMORY = 16 };

// ---- running means (means.c) --------------------------------------------------------------------
// Sums over samples kept in f64 state variables "tarn.state/metrics/GROUP/NAME", updated inside
// the step, so that an epoch's means are exact, survive a checkpoint, and cost a step no copy.
typedef struct ti_means {
    const char *group;            // "train" or "eval"
    const tarn_transport *ranks;  // the sums are over all of them; NULL: alone
    int n;                        // without the number of samples, which is the last sum
    char name[TI_MAX_METRICS + 1][TI_LOG_NAME];
    tarn_node *sum[TI_MAX_METRICS + 2];     // after this step: what a program fetches
    tarn_node *effect[TI_MAX_METRICS + 2];  // the assignments
} ti_means;
// Add values [batch] as `name`; the first call also begins the count of samples.
void ti_means_add(ti_means *s, tarn_graph *g, const char *name, tarn_node *values);
// All sums to zero.
tarn_status ti_means_reset(const ti_means *s, tarn_store *store);
// Means from a program whose first fetches are s->sum: appended to logs as prefix + name.
void ti_means_read(const ti_means *s, const tarn_program *p, const char *prefix, tarn_logs *logs);
// The same from the store, for a process that has not run the program yet.
tarn_status ti_means_recall(const ti_means *s, const tarn_store *store, tarn_logs *logs);

// ---- programs (trainer.c) -----------------------------------------------------------------------
typedef enum ti_program_kind { TI_TRAIN, TI_EVAL, TI_PREDICT, TI_PROGRAM_KINDS } ti_program_kind;

// A compiled program, good for batches up to `batch`.
typedef struct ti_planned {
    tarn_program *program;
    int64_t batch;
    ti_means means;
} ti_planned;

// Where a fit stands: enough, with the store, to go on bit for bit.
typedef struct ti_progress {
    int64_t epoch, batch;  // finished epochs, and finished batches of the epoch under way
    int64_t step;
    int64_t batch_size, samples;  // of the data that epoch and batch count in
    bool shuffle;
    tarn_logs logs;     // of the last finished epoch
    json_t *callbacks;  // their memories, see progress.c; owned, may be NULL
} ti_progress;

typedef struct ti_trainer {
    bool compiled;  // loss and optimizer are set; predict does without
    tarn_optimizer optimizer;
    char loss[64];
    int n_metrics;
    char metric[TI_MAX_METRICS][TI_LOG_NAME];
    char device[32];
    tarn_compile_opts program;  // its strings are in the arena
    ti_arena arena;
    ti_planned planned[TI_PROGRAM_KINDS];
    ti_progress progress;
} ti_trainer;

// The model's trainer; one is made for a model that has none. need_loss: TARN_ESTATE when neither
// tarn_model_compile nor the model's file said how to train.
tarn_status ti_trainer_of(tarn_model *m, bool need_loss, ti_trainer **out);
// The program of a kind for batches of up to `batch` samples, compiled when it is not there.
tarn_status ti_trainer_program(tarn_model *m, ti_trainer *t, ti_program_kind kind, int64_t batch,
                               ti_planned **out);
// The "training" part of a description and back.
tarn_status ti_training_describe(const ti_trainer *t, json_t **out);
tarn_status ti_training_restore(json_t *o, ti_trainer *t);
// Data against model and loss: shapes, dtypes, classes, in words.
tarn_status ti_check_data(tarn_model *m, const ti_trainer *t, const tarn_dataset *d);
// Loss and metrics over a data set, appended to logs as prefix + name.
tarn_status ti_evaluate(tarn_model *m, ti_trainer *t, const tarn_dataset *d, int64_t batch_size,
                        const char *prefix, tarn_logs *logs);
void ti_logs_add(tarn_logs *l, const char *prefix, const char *name, double value);

// ---- progress and files (progress.c, save.c, load.c) --------------------------------------------
tarn_status ti_progress_describe(const ti_progress *p, json_t **out);
tarn_status ti_progress_restore(json_t *o, ti_progress *p);
void ti_progress_clear(ti_progress *p);
// Memories of callbacks into a progress, and from it into callbacks of the same name and place.
tarn_status ti_memories_take(const tarn_callback *cb, int n, ti_progress *p);
void ti_memories_give(const ti_progress *p, const tarn_callback *cb, int n);

// Can a checkpoint be written there? Asked before training, not after its first epoch. Removes what
// killed processes wrote of theirs.
tarn_status ti_checkpoint_try(const char *path);
// Save with state; the file that was there stays as "PATH.prev".
tarn_status ti_checkpoint_save(tarn_model *m, const char *path);
// Is there a checkpoint? Ends what a kill between two renames left half way.
tarn_status ti_checkpoint_find(const char *path, bool *there);
// Weights, state and progress of a file into a model of the same description and, as `at` says,
// over the same data.
tarn_status ti_checkpoint_load(tarn_model *m, ti_progress *at, const char *path);

#define TI_META_MODEL "tarn.model"
#define TI_META_FIT "tarn.fit"
#define TI_META_VERSION "tarn.version"
#define TI_META_CHECKSUM "tarn.checksum"
// Over names, dtypes, shapes and bytes of all tensors, order included, and the two texts (NULL is
// fine): tells a damaged file from a good one. 16 hex digits.
void ti_file_checksum(const tarn_named_tensor *t, int n, const char *model, const char *fit,
                      char hex[17]);

#endif
