// Keras' EarlyStopping. The best weights are kept as state variables next to the real ones, copied
// by two small programs over the same store: so they are part of every checkpoint, and a resumed
// fit restores the same ones.
#include <math.h>
#include <stdio.h>

#include "train/monitor.h"

enum { BEST, WAIT, STOPPED, N_MEMORY };

typedef struct early_stopping {
    ti_monitor monitor;
    int64_t patience;
    bool restore_best;
    double memory[N_MEMORY];  // best value, epochs without improvement, has it stopped
    tarn_program *keep, *restore;
} early_stopping;

// ---- copies of the weights ----------------------------------------------------------------------

// One assignment: the kept copy from the weight, or back.
static tarn_node *copy_weight(tarn_graph *g, const ti_param *p, bool back) {
    char name[64 + 2 * TI_MAX_NAME];
    snprintf(name, sizeof name, TARN_STATE_PREFIX "early_stopping/%s", p->name);
    tarn_node *w = tarn_variable(g, p->name, TARN_F32, p->shape, p->init);
    tarn_node *best = tarn_variable(g, name, TARN_F32, p->shape, tarn_init_zeros());
    return back ? tarn_assign(g, w, best) : tarn_assign(g, best, w);
}

static tarn_status build_copy(tarn_model *m, tarn_graph *g, bool back, tarn_program **out) {
    tarn_node **copies = NULL;
    size_t most = (size_t)m->n_layers * TI_MAX_PARAMS;
    int n = 0;
    TI_TRY(ti_alloc(most * sizeof *copies, &copies));
    for (int i = 0; i < m->n_layers; i++)
        for (int p = 0; p < m->layers[i].n_params; p++)
            copies[n++] = copy_weight(g, &m->layers[i].param[p], back);
    tarn_node *all = tarn_group(g, copies, n);
    ti_free(copies);
    ti_trainer *t = NULL;
    TI_TRY(ti_trainer_of(m, true, &t));
    return tarn_compile(g, TARN_FETCH(all), t->device, out);
}

static tarn_status copy_program(tarn_model *m, bool back, tarn_program **out) {
    tarn_graph *g = tarn_graph_create(m->store);
    if (!g) return ti_error(TARN_ENOMEM, "out of memory");
    tarn_status st = build_copy(m, g, back, out);
    tarn_graph_free(g);
    return st;
}

// ---- hooks --------------------------------------------------------------------------------------

static tarn_status on_train_begin(void *self, tarn_fit_state *s) {
    early_stopping *e = self;
    if (e->memory[STOPPED] != 0.0) s->stop = true;  // a resumed fit that had come to its end
    if (!e->restore_best) return TARN_OK;
    if (!e->keep) TI_TRY(copy_program(s->model, false, &e->keep));
    return e->restore ? TARN_OK : copy_program(s->model, true, &e->restore);
}

static tarn_status on_epoch_end(void *self, tarn_fit_state *s) {
    early_stopping *e = self;
    double value;
    tarn_status st = ti_monitor_read(&e->monitor, &s->logs, &value);
    if (st) return ti_error_at(st, "early stopping");
    e->memory[WAIT] += 1;
    if (ti_monitor_better(&e->monitor, value, e->memory[BEST])) {
        e->memory[BEST] = value;
        e->memory[WAIT] = 0;
        return e->keep ? tarn_run(e->keep) : TARN_OK;
    }
    if (e->memory[WAIT] < (double)e->patience || s->epoch < 2) return TARN_OK;
    e->memory[STOPPED] = 1;
    s->stop = true;
    return TARN_OK;
}

static tarn_status on_train_end(void *self, tarn_fit_state *s) {
    early_stopping *e = self;
    (void)s;
    return e->restore && !isnan(e->memory[BEST]) ? tarn_run(e->restore) : TARN_OK;
}

static void destroy(void *self) {
    early_stopping *e = self;
    if (!e) return;
    tarn_program_free(e->keep);
    tarn_program_free(e->restore);
    ti_free(e);
}

tarn_status tarn_early_stopping_(const tarn_early_stopping_opts *opts, tarn_callback *cb) {
    early_stopping *e = NULL;
    if (opts->patience < 0)
        return ti_error(TARN_EARG, "early stopping: patience %lld is below 0",
                        (long long)opts->patience);
    TI_TRY(ti_alloc_zero(sizeof *e, &e));
    tarn_status st = ti_monitor_init(&e->monitor, opts->monitor, opts->mode, opts->min_delta);
    if (st) {
        ti_free(e);
        return ti_error_at(st, "early stopping");
    }
    e->patience = opts->patience;
    e->restore_best = opts->restore_best;
    e->memory[BEST] = (double)NAN;
    *cb = (tarn_callback){.self = e,
                          .on_train_begin = on_train_begin,
                          .on_epoch_end = on_epoch_end,
                          .on_train_end = on_train_end,
                          .destroy = destroy,
                          .name = "early_stopping",
                          .memory = e->memory,
                          .n_memory = N_MEMORY};
    return TARN_OK;
}
