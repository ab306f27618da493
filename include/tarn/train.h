/** @file train.h
 *  Optimizers, fit / evaluate / predict, callbacks, checkpoints. */
#ifndef TARN_TRAIN_H
#define TARN_TRAIN_H

#include <tarn/data.h>
#include <tarn/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimizers (Keras 3 formulas; epsilon 1e-7) --------------------------------------------- */

typedef enum tarn_optimizer_kind {
    TARN_SGD,
    TARN_RMSPROP,
    TARN_ADAM,
    TARN_ADADELTA,
} tarn_optimizer_kind;

/** 0 in a field means Keras' default; TARN_ZERO means zero. */
typedef struct tarn_optimizer_opts {
    double learning_rate;  /* sgd 0.01, others 0.001 */
    double momentum;       /* sgd, rmsprop: 0 */
    bool nesterov;         /* sgd */
    double rho;            /* rmsprop 0.9, adadelta 0.95 */
    double beta_1, beta_2; /* adam 0.9, 0.999 */
    double epsilon;        /* 1e-7 */
    bool centered;         /* rmsprop */
    double weight_decay;   /* decoupled: w -= learning_rate * weight_decay * w before the update */
    /* EXPERIMENTAL: these train together, and what is minimized is the sum of their losses. A loss
       is not finite for all of them when it is not for one. NULL: alone. Must outlive the graph;
       a model's, the model. */
    const tarn_transport *ranks;
    const char *name; /* of its state; several optimizers over one store need names of their own.
                         NULL: "optimizer", which a model's always is */
} tarn_optimizer_opts;

typedef struct tarn_optimizer {
    tarn_optimizer_kind kind;
    tarn_optimizer_opts o;
} tarn_optimizer;

TARN_API tarn_optimizer tarn_optimizer_make(tarn_optimizer_kind kind,
                                            const tarn_optimizer_opts *opts);
#define tarn_sgd(...) tarn_optimizer_make(TARN_SGD, &(tarn_optimizer_opts){__VA_ARGS__})
#define tarn_rmsprop(...) tarn_optimizer_make(TARN_RMSPROP, &(tarn_optimizer_opts){__VA_ARGS__})
#define tarn_adam(...) tarn_optimizer_make(TARN_ADAM, &(tarn_optimizer_opts){__VA_ARGS__})
#define tarn_adadelta(...) tarn_optimizer_make(TARN_ADADELTA, &(tarn_optimizer_opts){__VA_ARGS__})

/** Learning rate of the optimizer named "optimizer": a rank-0 f32 variable, so that schedules need
 *  no compile. That of another is TARN_STATE_PREFIX NAME "/learning_rate". */
#define TARN_LEARNING_RATE "tarn.state/optimizer/learning_rate"
/** Steps taken: a rank-0 i64 variable. */
#define TARN_ITERATIONS "tarn.state/optimizer/iterations"
/** Gradient of the loss (rank 0) to all weights it depends on, the optimizer's update of each,
 *  slots "tarn.state/NAME/SLOT/WEIGHT", and the step counter. One node that does it all; it
 *  fails with TARN_ENUMERIC before anything is written when the loss is not finite.
 *  variables: NULL for all weights the loss depends on. A learning rate that is already in the
 *  store stays. Once a graph. */
TARN_API tarn_node *tarn_minimize(tarn_graph *g, tarn_node *loss, tarn_optimizer opt,
                                  const tarn_fetch *variables);

/* ---- training -------------------------------------------------------------------------------- */

typedef struct tarn_model_compile_opts {
    tarn_optimizer optimizer;
    const char *loss;    /* NULL: loss, metrics and optimizer that the model's file names */
    const char *metrics; /* comma list, NULL: none */
    tarn_compile_opts program;
    const char *device; /* NULL: "cpu" */
} tarn_model_compile_opts;
/** Say how to train: checks layers, loss and metrics against each other and reports the model's
 *  first error. Training begins anew: optimizer slots and counters are zeroed. */
TARN_API TARN_CHECK tarn_status tarn_model_compile_(tarn_model *m,
                                                    const tarn_model_compile_opts *opts);
#define tarn_model_compile(m, ...) tarn_model_compile_(m, &(tarn_model_compile_opts){__VA_ARGS__})
/** Make the program of a training step for up to that many samples, as a fit does before its first
 *  step: from then on it is known what memory the fit will need. */
TARN_API TARN_CHECK tarn_status tarn_model_plan(tarn_model *m, int64_t batch_size);
/** The program of a training step, for its figures (tarn_program_stats, tarn_program_kernel): there
 *  after tarn_model_plan or a fit, NULL before. Lives as long as the model is neither compiled
 * again nor freed. */
TARN_API const tarn_program *tarn_model_step(tarn_model *m);

/** Named numbers: "loss", "accuracy", "val_loss", ... in a fixed order. */
enum { TARN_MAX_LOGS = 16 };
typedef struct tarn_logs {
    int count;
    struct {
        char name[48];
        double value;
    } item[TARN_MAX_LOGS];
} tarn_logs;
/** Value of a name, NaN when absent. */
TARN_API double tarn_logs_get(const tarn_logs *l, const char *name);

/** What callbacks see. */
typedef struct tarn_fit_state {
    tarn_model *model;
    int64_t epoch, epochs;  /* epoch counts from 1 */
    int64_t batch, batches; /* within the epoch; batch counts from 1 */
    int64_t step;           /* since the beginning of training, over resumes */
    double seconds;         /* since fit began */
    double learning_rate;
    tarn_logs logs;      /* batch: running means; epoch: final, with val_ */
    bool stop;           /* a callback sets it to end after this batch or epoch */
    double step_seconds; /* of `seconds`, those of steps: no checkpoint, validation, end of epoch */
} tarn_fit_state;

/** Called at the ends; any may be NULL. `self` is the callback's own memory. A status other than
 *  TARN_OK ends fit with it. What a callback writes into `learning_rate` is what the next step
 *  uses. A fit that resumes calls on_epoch_begin only for epochs that begin in it. */
typedef struct tarn_callback {
    void *self;
    tarn_status (*on_train_begin)(void *self, tarn_fit_state *s);
    tarn_status (*on_batch_end)(void *self, tarn_fit_state *s);
    tarn_status (*on_epoch_end)(void *self, tarn_fit_state *s);
    tarn_status (*on_train_end)(void *self, tarn_fit_state *s);
    void (*destroy)(void *self);
    tarn_status (*on_epoch_begin)(void *self, tarn_fit_state *s);
    const char *name; /* names `memory` in checkpoints; NULL: nothing is kept */
    double *memory;   /* n_memory numbers (at most 16) that checkpoints keep, bit for bit */
    int n_memory;
} tarn_callback;

typedef struct tarn_fit_opts {
    int64_t batch_size; /* 32 */
    int64_t epochs;     /* 1 */
    int64_t max_steps;  /* in all, over resumes; 0: no limit */
    const tarn_dataset *validation;
    bool no_shuffle;
    const tarn_callback *callbacks; /* borrowed */
    int n_callbacks;
    const char *checkpoint;   /* path: written at the end of each epoch (and on stop), atomically;
                                 the one before stays as "PATH.prev" */
    int64_t checkpoint_steps; /* also every so many steps; 0: only epochs */
    bool resume;              /* go on from `checkpoint` when it is there */
    const volatile int *interrupt; /* non-zero: finish the step, save, return TARN_ECANCELLED */
    tarn_logs *result;             /* out: last epoch's logs */
} tarn_fit_opts;
/** Train. Each epoch visits all samples once in an order of its own; the last batch may be small
 *  and counts in the means by its samples. A fit that was stopped or killed goes on from its
 *  checkpoint with the bits of one that was not. When the loss is not finite: TARN_ENUMERIC, the
 *  sentence names epoch and step, the weights are those before the step.
 *  A fit that ends at max_steps within an epoch reports that epoch as far as it came.
 *  With the optimizer's `ranks`, all of them call it with the same model, data and options: each
 *  trains on its part of every batch, batch_size is a rank's, logs are those of all together. Rank
 *  0 writes the checkpoint and heeds `interrupt`. Callbacks run on each rank and must decide alike:
 *  a rank that ends alone leaves the others waiting. */
TARN_API TARN_CHECK tarn_status tarn_model_fit_(tarn_model *m, const tarn_dataset *train,
                                                const tarn_fit_opts *opts);
#define tarn_model_fit(m, data, ...) tarn_model_fit_(m, data, &(tarn_fit_opts){__VA_ARGS__})
/** Loss and metrics over a data set, dropout off. A loaded model needs no compile: its file names
 *  loss and metrics. batch_size 0: 32 (results do not depend on it but for the last bits). */
TARN_API TARN_CHECK tarn_status tarn_model_evaluate(tarn_model *m, const tarn_dataset *data,
                                                    int64_t batch_size, tarn_logs *out);
/** x [n, ...] of the model's input (u8 is scaled as the model's preprocessing says), *out [n, ...]
 *  f32, caller releases. */
TARN_API TARN_CHECK tarn_status tarn_model_predict(tarn_model *m, const tarn_tensor *x,
                                                   int64_t batch_size, tarn_tensor **out);

/* ---- callbacks ------------------------------------------------------------------------------- */

/** Smaller or larger is better; auto: larger where the name holds "acc" or "auc". */
typedef enum tarn_monitor_mode { TARN_MODE_AUTO, TARN_MODE_MIN, TARN_MODE_MAX } tarn_monitor_mode;

typedef struct tarn_early_stopping_opts {
    const char *monitor; /* "val_loss" */
    double min_delta;    /* 0: any improvement counts */
    int64_t patience;    /* epochs without improvement that are forgiven: 0 */
    tarn_monitor_mode mode;
    bool restore_best; /* at the end of training, the weights of the best epoch */
} tarn_early_stopping_opts;
/** End training when `monitor` no longer improves (Keras' EarlyStopping). A name that is not in
 *  the logs ends fit with TARN_ENOENT. Ended by destroy. */
TARN_API TARN_CHECK tarn_status tarn_early_stopping_(const tarn_early_stopping_opts *opts,
                                                     tarn_callback *cb);
#define tarn_early_stopping(cb, ...) \
    tarn_early_stopping_(&(tarn_early_stopping_opts){__VA_ARGS__}, cb)

typedef struct tarn_model_checkpoint_opts {
    const char *path;    /* may hold {epoch}, {epoch:02d}, {val_loss:.2f} and other logs */
    const char *monitor; /* "val_loss" */
    tarn_monitor_mode mode;
    bool save_best_only; /* only when `monitor` is better than ever before */
} tarn_model_checkpoint_opts;
/** Save the model (without optimizer state) at the end of each epoch. Ended by destroy. */
TARN_API TARN_CHECK tarn_status tarn_model_checkpoint_(const tarn_model_checkpoint_opts *opts,
                                                       tarn_callback *cb);
#define tarn_model_checkpoint(cb, ...) \
    tarn_model_checkpoint_(&(tarn_model_checkpoint_opts){__VA_ARGS__}, cb)

/** Learning rate of an epoch (from 0, as Keras counts here) from the rate before. */
typedef double (*tarn_schedule)(void *user, int64_t epoch, double learning_rate);
/** Set the learning rate at the beginning of each epoch. `user` is borrowed. Ended by destroy. */
TARN_API TARN_CHECK tarn_status tarn_learning_rate_scheduler(tarn_schedule schedule, void *user,
                                                             tarn_callback *cb);

/* ---- files ----------------------------------------------------------------------------------- */

/** One safetensors file: weights, and in __metadata__ the layers, preprocessing, labels, versions;
 *  with `state` also optimizer slots, counters and the cursor of an unfinished fit. */
TARN_API TARN_CHECK tarn_status tarn_model_save(tarn_model *m, const char *path, bool state);
/** The model of a file, compiled for nothing yet, with the state it holds. TARN_EFORMAT names what
 *  is wrong, and the previous file "PATH.prev" where there is one. */
TARN_API TARN_CHECK tarn_status tarn_model_load(const char *path, tarn_model **out);

#ifdef __cplusplus
}
#endif
#endif
