// Training: epochs of steps over a pipeline, with validation, callbacks and checkpoints.
//
// What a fit knows is the store and the trainer's progress, nothing else: both are in every
// checkpoint, the order of samples and all random numbers are functions of (seed, epoch, step), so
// going on from a checkpoint gives the bits of a fit that was never stopped.
//
// Ranks hold the same store and come to the same decisions, as all they decide by is summed over
// ranks inside the step. Each validates by itself; rank 0 alone writes, and heeds the interrupt.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/trainer.h"

typedef struct fit {
    tarn_model *m;
    ti_trainer *t;
    ti_progress *at;  // t->progress
    const tarn_dataset *data;
    const tarn_fit_opts *o;
    const tarn_transport *ranks;  // NULL: alone
    int64_t batch_size, epochs;   // batch_size: of this rank
    ti_planned *step;
    tarn_pipeline *pipe;
    tarn_fit_state s;
    double began;
    float rate;  // learning rate in the store
} fit;

// ---- callbacks ----------------------------------------------------------------------------------

typedef tarn_status (*hook)(void *self, tarn_fit_state *s);

// A hook of every callback, in order, by the offset of its member.
static tarn_status call(fit *f, size_t member) {
    f->s.seconds = ti_now() - f->began;
    for (int i = 0; i < f->o->n_callbacks; i++) {
        const tarn_callback *cb = &f->o->callbacks[i];
        hook h;
        memcpy(&h, (const char *)cb + member, sizeof h);
        if (h) TI_TRY(h(cb->self, &f->s));
    }
    return TARN_OK;
}
#define CALL(f, member) call((f), offsetof(tarn_callback, member))

// ---- ranks --------------------------------------------------------------------------------------

static bool leads(const fit *f) { return !f->ranks || f->ranks->rank == 0; }

typedef struct standing {
    int64_t step;
    char weights[72];  // their hash; no byte is left out
} standing;

// Ranks that begin apart would never meet: their sums would be of different things.
static tarn_status begin_together(fit *f) {
    standing mine = {.step = f->at->step}, *all = NULL;
    if (!f->ranks) return TARN_OK;
    TI_TRY(tarn_store_sha256(f->m->store, mine.weights));
    TI_TRY(ti_alloc((size_t)f->ranks->size * sizeof *all, &all));
    tarn_status st = f->ranks->all_gather(f->ranks->self, &mine, all, sizeof mine);
    for (int i = 1; i < f->ranks->size && !st; i++)
        if (all[i].step != all[0].step || strcmp(all[i].weights, all[0].weights))
            st = ti_error(TARN_ESTATE,
                          "rank %d begins at step %lld and rank 0 at step %lld, or with other "
                          "weights; do both read the same files?",
                          i, (long long)all[i].step, (long long)all[0].step);
    ti_free(all);
    return st;
}

// All wait for rank 0 to come here.
static tarn_status wait_for_leader(const fit *f) {
    char mine = 0, *all = NULL;
    if (!f->ranks) return TARN_OK;
    TI_TRY(ti_alloc((size_t)f->ranks->size, &all));
    tarn_status st = f->ranks->all_gather(f->ranks->self, &mine, all, 1);
    ti_free(all);
    return st;
}

// ---- learning rate ------------------------------------------------------------------------------

// The shortest decimal that is this f32, so that people read 0.001 and not 0.0010000000474974513.
static double shortest(float rate) {
    for (int digits = 1; digits < 9; digits++) {
        char text[32];
        snprintf(text, sizeof text, "%.*g", digits, (double)rate);
        double value = strtod(text, NULL);
        if ((float)value == rate) return value;
    }
    return (double)rate;
}

static tarn_status read_rate(fit *f) {
    tarn_tensor *v = NULL;
    TI_TRY(tarn_store_get(f->m->store, TARN_LEARNING_RATE, &v));
    memcpy(&f->rate, tarn_tensor_cdata(v), sizeof f->rate);
    tarn_tensor_release(v);
    f->s.learning_rate = shortest(f->rate);
    return TARN_OK;
}

// What a callback has set goes to the variable that the step reads.
static tarn_status write_rate(fit *f) {
    float rate = (float)f->s.learning_rate;
    tarn_tensor *v = NULL;
    if (rate == f->rate) return TARN_OK;
    TI_TRY(tarn_tensor_from(TARN_F32, TARN_SCALAR, &rate, &v));
    tarn_status st = tarn_store_set(f->m->store, TARN_LEARNING_RATE, v);
    tarn_tensor_release(v);
    if (!st) f->rate = rate;
    return st;
}

// ---- stopping and saving ------------------------------------------------------------------------

static bool interrupted(const fit *f) { return leads(f) && f->o->interrupt && *f->o->interrupt; }

static bool steps_done(const fit *f) {
    return f->o->max_steps > 0 && f->at->step >= f->o->max_steps;
}

static tarn_status save(fit *f) {
    if (!f->o->checkpoint || !leads(f)) return TARN_OK;
    TI_TRY(ti_memories_take(f->o->callbacks, f->o->n_callbacks, f->at));
    return ti_checkpoint_save(f->m, f->o->checkpoint);
}

static tarn_status cancelled(const fit *f) {
    return ti_error(TARN_ECANCELLED, "stopped on request after step %lld%s%s",
                    (long long)f->at->step, f->o->checkpoint ? ", saved in " : "",
                    f->o->checkpoint ? f->o->checkpoint : "");
}

// A step failed: nothing was written by it.
static tarn_status failed_step(const fit *f, tarn_status st) {
    char why[512];
    const char *kept = f->o->checkpoint && ti_file_exists(f->o->checkpoint) ? f->o->checkpoint : "";
    long long epoch = f->at->epoch + 1, step = f->at->step + 1;
    if (st != TARN_ENUMERIC) return ti_error_at(st, "epoch %lld, step %lld", epoch, step);
    ti_error_save(why, sizeof why);
    return ti_error(st, "epoch %lld, step %lld: %s; the weights are those before this step%s%s",
                    epoch, step, why, *kept ? ", and the last checkpoint is " : "", kept);
}

// ---- an epoch -----------------------------------------------------------------------------------

static tarn_status run_step(fit *f, const tarn_batch *b) {
    tarn_program *p = f->step->program;
    TI_TRY(tarn_bind(p, "x", b->x, b->x_shape));
    TI_TRY(tarn_bind(p, "y", b->y, b->y_shape));
    tarn_status st = tarn_run(p);
    if (st) return failed_step(f, st);
    f->at->batch++;
    f->s.batch = f->at->batch;
    f->s.step = ++f->at->step;
    f->s.logs.count = 0;
    ti_means_read(&f->step->means, p, "", &f->s.logs);
    return TARN_OK;
}

static bool checkpoint_due(const fit *f) {
    return f->o->checkpoint_steps > 0 && f->at->step % f->o->checkpoint_steps == 0;
}

// Steps to the end of the epoch (*whole), or to a stop within it.
static tarn_status run_steps(fit *f, bool *whole) {
    tarn_batch b;
    double since = ti_now();
    for (;;) {
        TI_TRY(tarn_pipeline_next(f->pipe, &b));
        *whole = !b.n;
        if (*whole) return TARN_OK;
        TI_TRY(run_step(f, &b));
        f->s.step_seconds += ti_now() - since;
        since = ti_now();
        TI_TRY(CALL(f, on_batch_end));
        TI_TRY(write_rate(f));
        if (interrupted(f)) {
            TI_TRY(save(f));
            return cancelled(f);
        }
        if (f->at->batch == f->s.batches) continue;
        if (f->s.stop || steps_done(f)) return TARN_OK;
        if (!checkpoint_due(f)) continue;
        TI_TRY(save(f));
        since = ti_now();
    }
}

static tarn_status begin_epoch(fit *f) {
    f->s.epoch = f->at->epoch + 1;
    f->s.batch = f->at->batch;
    f->s.logs.count = 0;
    if (f->at->batch) return TARN_OK;  // resumed within: sums and callbacks are under way
    TI_TRY(ti_means_reset(&f->step->means, f->m->store));
    TI_TRY(CALL(f, on_epoch_begin));
    return write_rate(f);
}

static tarn_status validate(fit *f) {
    if (!f->o->validation) return TARN_OK;
    return ti_evaluate(f->m, f->t, f->o->validation, f->batch_size, "val_", &f->s.logs);
}

// Means of an epoch whose last step a former process has run are read from the state.
static tarn_status epoch_logs(fit *f) {
    if (f->s.logs.count) return TARN_OK;
    return ti_means_recall(&f->step->means, f->m->store, &f->s.logs);
}

// An epoch cut short is saved before its end is reported: a run without the cut knows no such end.
static tarn_status run_epoch(fit *f) {
    bool whole;
    TI_TRY(begin_epoch(f));
    TI_TRY(run_steps(f, &whole));
    TI_TRY(epoch_logs(f));
    TI_TRY(validate(f));
    f->at->logs = f->s.logs;
    if (!whole) TI_TRY(save(f));
    TI_TRY(CALL(f, on_epoch_end));
    TI_TRY(write_rate(f));
    if (!whole) return TARN_OK;
    f->at->epoch++;
    f->at->batch = 0;
    TI_TRY(save(f));
    return interrupted(f) ? cancelled(f) : TARN_OK;
}

// ---- begin and end ------------------------------------------------------------------------------

// The model remembers how its data was preprocessed and what its classes are called.
static tarn_status adopt(tarn_model *m, const tarn_dataset *d) {
    tarn_model_set_preprocessing(m, (tarn_preprocessing){d->scale, d->offset, d->flatten});
    return d->labels ? tarn_model_set_labels(m, d->labels, d->classes) : TARN_OK;
}

// What a kill left half way is ended by rank 0 before the others look.
static tarn_status resume(fit *f) {
    const char *path = f->o->checkpoint;
    bool there = false;
    if (!f->o->resume || !path) return TARN_OK;
    if (leads(f)) TI_TRY(ti_checkpoint_find(path, &there));
    TI_TRY(wait_for_leader(f));
    if (!leads(f)) TI_TRY(ti_checkpoint_find(path, &there));
    if (!there) return TARN_OK;
    TI_TRY(ti_checkpoint_load(f->m, f->at, path));
    ti_memories_give(f->at, f->o->callbacks, f->o->n_callbacks);
    return TARN_OK;
}

static tarn_status open_pipeline(fit *f) {
    tarn_pipeline_opts o = {.batch_size = f->batch_size,
                            .seed = tarn_store_seed(f->m->store),
                            .shuffle = !f->o->no_shuffle,
                            .rank = f->ranks ? f->ranks->rank : 0,
                            .ranks = f->ranks ? f->ranks->size : 1};
    TI_TRY(tarn_pipeline_create(f->data, &o, &f->pipe));
    f->s.batches = tarn_pipeline_batches(f->pipe);
    return TARN_OK;
}

static tarn_status check_opts(const fit *f) {
    const tarn_fit_opts *o = f->o;
    if (f->batch_size < 1 || f->epochs < 1)
        return ti_error(TARN_EARG, "batch size %lld and epochs %lld must be at least 1",
                        (long long)f->batch_size, (long long)f->epochs);
    if (f->ranks && f->batch_size > INT64_MAX / f->ranks->size)
        return ti_error(TARN_ELIMIT, "batch size %lld on each of %d ranks",
                        (long long)f->batch_size, f->ranks->size);
    if (o->n_callbacks < 0 || o->n_callbacks > TI_MAX_CALLBACKS)
        return ti_error(TARN_EARG, "%d callbacks, at most %d", o->n_callbacks, TI_MAX_CALLBACKS);
    return TARN_OK;
}

static tarn_status begin(fit *f) {
    TI_TRY(check_opts(f));
    TI_TRY(ti_check_data(f->m, f->t, f->data));
    if (f->o->validation) TI_TRY(ti_check_data(f->m, f->t, f->o->validation));
    if (f->o->checkpoint && leads(f)) TI_TRY(ti_checkpoint_try(f->o->checkpoint));
    TI_TRY(adopt(f->m, f->data));
    TI_TRY(ti_trainer_program(f->m, f->t, TI_TRAIN, f->batch_size, &f->step));
    TI_TRY(open_pipeline(f));
    ti_progress_clear(f->at);
    f->at->batch_size = f->batch_size * (f->ranks ? f->ranks->size : 1);
    f->at->samples = tarn_tensor_shape(f->data->x)->dim[0];
    f->at->shuffle = !f->o->no_shuffle;
    TI_TRY(resume(f));
    TI_TRY(begin_together(f));
    f->s.step = f->at->step;
    f->s.epoch = f->at->epoch;
    f->s.logs = f->at->logs;
    TI_TRY(read_rate(f));
    TI_TRY(tarn_pipeline_seek(f->pipe, f->at->epoch, f->at->batch));
    TI_TRY(CALL(f, on_train_begin));
    return write_rate(f);
}

static tarn_status train(fit *f) {
    TI_TRY(begin(f));
    while (f->at->epoch < f->epochs && !f->s.stop && !steps_done(f)) TI_TRY(run_epoch(f));
    return CALL(f, on_train_end);
}

tarn_status tarn_model_fit_(tarn_model *m, const tarn_dataset *data, const tarn_fit_opts *opts) {
    ti_trainer *t = NULL;
    tarn_status st = ti_trainer_of(m, true, &t);
    if (st) return ti_error_at(st, "fit");
    fit f = {.m = m, .t = t, .at = &t->progress, .data = data, .o = opts, .began = ti_now()};
    f.ranks = t->optimizer.o.ranks;
    f.batch_size = opts->batch_size ? opts->batch_size : 32;
    f.epochs = opts->epochs ? opts->epochs : 1;
    f.s.model = m;
    f.s.epochs = f.epochs;
    st = train(&f);
    tarn_pipeline_free(f.pipe);
    if (st) return ti_error_at(st, "fit");
    if (opts->result) *opts->result = f.at->logs;
    return TARN_OK;
}
