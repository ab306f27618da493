// How a model is trained, and its programs: train step, evaluation, prediction, all over one store.
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- life ---------------------------------------------------------------------------------------

static void drop_programs(ti_trainer *t) {
    for (int k = 0; k < TI_PROGRAM_KINDS; k++) {
        tarn_program_free(t->planned[k].program);
        t->planned[k] = (ti_planned){0};
    }
}

static void trainer_free(void *self) {
    ti_trainer *t = self;
    drop_programs(t);
    ti_progress_clear(&t->progress);
    ti_arena_free(&t->arena);
    ti_free(t);
}

static tarn_status trainer_make(tarn_model *m) {
    ti_trainer *t = NULL;
    TI_TRY(ti_alloc_zero(sizeof *t, &t));
    snprintf(t->device, sizeof t->device, "cpu");
    m->trainer = t;
    m->trainer_free = trainer_free;
    return TARN_OK;
}

tarn_status ti_trainer_of(tarn_model *m, bool need_loss, ti_trainer **out) {
    TI_TRY(ti_model_status(m));
    if (!m->trainer) TI_TRY(trainer_make(m));
    ti_trainer *t = m->trainer;
    if (!t->compiled && m->training) TI_TRY(ti_training_restore(m->training, t));
    if (need_loss && !t->compiled)
        return ti_error(TARN_ESTATE, "the model has no loss yet: call tarn_model_compile first");
    *out = t;
    return TARN_OK;
}

// ---- graphs -------------------------------------------------------------------------------------

static tarn_node *sample_input(tarn_graph *g, const char *name, tarn_dtype dtype,
                               const tarn_shape *sample) {
    tarn_shape s = {.rank = sample->rank + 1, .dim = {TARN_BATCH}};
    memcpy(s.dim + 1, sample->dim, (size_t)sample->rank * sizeof *s.dim);
    return tarn_input(g, name, dtype, s);
}

// Targets as the loss wants them: labels, or numbers in the shape of the model's output.
static tarn_node *target_input(tarn_model *m, const ti_trainer *t, tarn_graph *g) {
    bool labels = false;
    tarn_shape out = tarn_model_output_shape(m);
    if (ti_loss_wants_labels(t->loss, &labels)) return ti_graph_fail(g, TARN_ENOENT);
    return labels ? sample_input(g, "y", TARN_I32, &TARN_SCALAR)
                  : sample_input(g, "y", TARN_F32, &out);
}

// Loss, metrics and, for training, the step. The sums are what is fetched, then the effects.
static tarn_node *build_scored(tarn_model *m, const ti_trainer *t, tarn_graph *g, tarn_node *x,
                               ti_means *means, bool train) {
    tarn_node *y = target_input(m, t, g);
    tarn_node *y_pred = tarn_model_apply(m, g, x, train);
    tarn_node *loss = tarn_loss(g, t->loss, y, y_pred);
    means->group = train ? "train" : "eval";
    ti_means_add(means, g, "loss", loss);
    for (int i = 0; i < t->n_metrics; i++)
        ti_means_add(means, g, t->metric[i], tarn_metric(g, t->metric[i], y, y_pred));
    tarn_node *all[TI_MAX_METRICS + 4];
    int n = means->n + 1;
    memcpy(all, means->effect, (size_t)n * sizeof *all);
    if (train) {
        all[n++] = tarn_minimize(g, tarn_mean(g, loss, TARN_ALL_AXES, 0), t->optimizer, NULL);
        all[n++] = tarn_assign_next_values(g);
    }
    return tarn_group(g, all, n);
}

// Nodes to fetch, in order; returns their number.
static int build(tarn_model *m, const ti_trainer *t, tarn_graph *g, ti_program_kind kind,
                 ti_means *means, tarn_node *fetch[TI_MAX_METRICS + 4]) {
    tarn_node *x = sample_input(g, "x", TARN_F32, &m->input);
    if (kind == TI_PREDICT) {
        fetch[0] = tarn_model_apply(m, g, x, false);
        return 1;
    }
    tarn_node *step = build_scored(m, t, g, x, means, kind == TI_TRAIN);
    memcpy(fetch, means->sum, (size_t)(means->n + 1) * sizeof *fetch);
    fetch[means->n + 1] = step;
    return means->n + 2;
}

tarn_status ti_trainer_program(tarn_model *m, ti_trainer *t, ti_program_kind kind, int64_t batch,
                               ti_planned **out) {
    ti_planned *p = &t->planned[kind], made = {.batch = batch};
    *out = p;
    if (p->program && p->batch >= batch) return TARN_OK;
    tarn_graph *g = tarn_graph_create(m->store);
    if (!g) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_node *fetch[TI_MAX_METRICS + 4];
    tarn_set_max_batch(g, batch);
    int n = build(m, t, g, kind, &made.means, fetch);
    tarn_status st = tarn_compile_opts_(g, (tarn_fetch){fetch, n}, t->device, &t->program,
                                        &made.program);
    tarn_graph_free(g);
    if (st) return st;
    tarn_program_free(p->program);
    *p = made;
    return TARN_OK;
}

// ---- compile ------------------------------------------------------------------------------------

// "accuracy, mse" -> names.
static tarn_status split_metrics(ti_trainer *t, const char *list) {
    t->n_metrics = 0;
    for (const char *at = list ? list : ""; *at;) {
        size_t skip = strspn(at, " ,"), len = strcspn(at + skip, " ,");
        at += skip;
        if (!len) break;
        if (t->n_metrics == TI_MAX_METRICS)
            return ti_error(TARN_ELIMIT, "at most %d metrics", TI_MAX_METRICS);
        if (len >= TI_LOG_NAME) return ti_error(TARN_EARG, "unknown metric '%.60s'", at);
        memcpy(t->metric[t->n_metrics], at, len);
        t->metric[t->n_metrics++][len] = 0;
        at += len;
    }
    for (int i = 0; i < t->n_metrics; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(t->metric[i], t->metric[k]))
                return ti_error(TARN_EARG, "metric '%s' is there twice", t->metric[i]);
    return TARN_OK;
}

static tarn_status set_text(char *out, size_t cap, const char *what, const char *text) {
    if (strlen(text) >= cap) return ti_error(TARN_EARG, "unknown %s '%.60s'", what, text);
    memcpy(out, text, strlen(text) + 1);
    return TARN_OK;
}

static tarn_status keep_opts(ti_trainer *t, const tarn_model_compile_opts *o) {
    tarn_compile_opts p = o->program;
    if (p.skip_pass) TI_TRY(ti_arena_strdup(&t->arena, p.skip_pass, &p.skip_pass));
    if (p.dump) TI_TRY(ti_arena_strdup(&t->arena, p.dump, &p.dump));
    t->program = p;
    if (o->device) TI_TRY(set_text(t->device, sizeof t->device, "device", o->device));
    if (!o->loss) return TARN_OK;
    t->compiled = true;
    t->optimizer = o->optimizer;
    t->optimizer.o.name = NULL;
    TI_TRY(set_text(t->loss, sizeof t->loss, "loss", o->loss));
    return split_metrics(t, o->metrics);
}

static tarn_status set_scalar(tarn_store *s, const char *name, tarn_dtype dtype, const void *v) {
    tarn_tensor *value = NULL;
    TI_TRY(tarn_tensor_from(dtype, TARN_SCALAR, v, &value));
    tarn_status st = tarn_store_set(s, name, value);
    tarn_tensor_release(value);
    return st;
}

static tarn_status zero_variable(tarn_store *s, const char *name) {
    tarn_tensor *old = NULL, *zero = NULL;
    TI_TRY(tarn_store_get(s, name, &old));
    tarn_status st = tarn_tensor_create(tarn_tensor_dtype(old), *tarn_tensor_shape(old), &zero);
    if (!st) st = tarn_store_set(s, name, zero);
    tarn_tensor_release(old);
    tarn_tensor_release(zero);
    return st;
}

// Training begins anew: no slot or counter of an earlier one is left.
static tarn_status reset_state(tarn_model *m, ti_trainer *t) {
    static const char prefix[] = TARN_STATE_PREFIX "optimizer/";
    tarn_optimizer_opts o;
    TI_TRY(ti_optimizer_resolve(t->optimizer, &o));
    for (int i = 0; i < tarn_store_count(m->store); i++) {
        const char *name = tarn_store_name(m->store, i);
        if (!strncmp(name, prefix, sizeof prefix - 1)) TI_TRY(zero_variable(m->store, name));
    }
    float rate = (float)o.learning_rate;
    ti_progress_clear(&t->progress);
    return set_scalar(m->store, TARN_LEARNING_RATE, TARN_F32, &rate);
}

// Layers, loss, metrics and optimizer fit each other when the training graph can be built.
static tarn_status try_graph(tarn_model *m, const ti_trainer *t) {
    tarn_graph *g = tarn_graph_create(m->store);
    tarn_node *fetch[TI_MAX_METRICS + 4];
    ti_means means = {0};
    if (!g) return ti_error(TARN_ENOMEM, "out of memory");
    (void)build(m, t, g, TI_TRAIN, &means, fetch);
    tarn_status st = tarn_graph_status(g);
    tarn_graph_free(g);
    return st;
}

static tarn_status record_training(tarn_model *m, const ti_trainer *t) {
    json_t *training = NULL;
    TI_TRY(ti_training_describe(t, &training));
    json_decref(m->training);
    m->training = training;
    return TARN_OK;
}

tarn_status tarn_model_compile_(tarn_model *m, const tarn_model_compile_opts *opts) {
    ti_trainer *t = NULL;
    TI_TRY(ti_trainer_of(m, !opts->loss, &t));
    drop_programs(t);
    tarn_status st = keep_opts(t, opts);
    if (!st) st = ti_model_build(m);
    if (!st) st = try_graph(m, t);
    if (!st) st = reset_state(m, t);
    if (!st) st = record_training(m, t);
    t->compiled = !st;
    return st ? ti_error_at(st, "compile") : TARN_OK;
}

tarn_status tarn_model_plan(tarn_model *m, int64_t batch_size) {
    ti_trainer *t = NULL;
    ti_planned *step;
    tarn_status st = ti_trainer_of(m, true, &t);
    if (!st && batch_size < 1)
        st = ti_error(TARN_EARG, "batch size %lld must be at least 1", (long long)batch_size);
    if (!st) st = ti_trainer_program(m, t, TI_TRAIN, batch_size, &step);
    return st ? ti_error_at(st, "plan") : TARN_OK;
}

const tarn_program *tarn_model_step(tarn_model *m) {
    ti_trainer *t = NULL;
    return ti_trainer_of(m, false, &t) ? NULL : t->planned[TI_TRAIN].program;
}

// ---- logs ---------------------------------------------------------------------------------------

double tarn_logs_get(const tarn_logs *l, const char *name) {
    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->item[i].name, name)) return l->item[i].value;
    return (double)NAN;
}

void ti_logs_add(tarn_logs *l, const char *prefix, const char *name, double value) {
    if (l->count == TARN_MAX_LOGS) return;  // 2 * (TI_MAX_METRICS + 1) names at most
    snprintf(l->item[l->count].name, sizeof l->item[0].name, "%s%s", prefix, name);
    l->item[l->count++].value = value;
}
