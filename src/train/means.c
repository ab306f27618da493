// Running means of loss and metrics: f64 sums in state variables, updated inside the step.
#include <stdio.h>
#include <string.h>

#include "train/trainer.h"

enum { NAME_CAP = 128 };

static const char *full_name(const ti_means *s, const char *name, char out[NAME_CAP]) {
    snprintf(out, NAME_CAP, TARN_STATE_PREFIX "metrics/%s/%s", s->group, name);
    return out;
}

static tarn_node *sum_variable(const ti_means *s, tarn_graph *g, const char *name) {
    char full[NAME_CAP];
    return tarn_variable(g, full_name(s, name, full), TARN_F64, TARN_SCALAR, tarn_init_zeros());
}

// variable + x, kept: row i of the sums.
static void accumulate(ti_means *s, int i, tarn_graph *g, const char *name, tarn_node *x) {
    tarn_node *variable = sum_variable(s, g, name);
    if (s->ranks) x = tarn_all_reduce(g, x, s->ranks);
    s->sum[i] = tarn_add(g, variable, x);
    s->effect[i] = tarn_assign(g, variable, s->sum[i]);
}

void ti_means_add(ti_means *s, tarn_graph *g, const char *name, tarn_node *values) {
    int i = s->n++;
    snprintf(s->name[i], sizeof s->name[i], "%s", name);
    s->sum[i + 1] = s->sum[i];  // the number of samples stays last
    s->effect[i + 1] = s->effect[i];
    if (!i) accumulate(s, 1, g, "samples", tarn_numel(g, values, TARN_F64));
    accumulate(s, i, g, name, tarn_cast(g, tarn_sum(g, values, TARN_ALL_AXES, 0), TARN_F64));
}

static tarn_status set(const ti_means *s, tarn_store *store, const char *name,
                       const tarn_tensor *value) {
    char full[NAME_CAP];
    return tarn_store_set(store, full_name(s, name, full), value);
}

tarn_status ti_means_reset(const ti_means *s, tarn_store *store) {
    tarn_tensor *value = NULL;
    TI_TRY(tarn_tensor_create(TARN_F64, TARN_SCALAR, &value));
    tarn_status st = set(s, store, "samples", value);
    for (int i = 0; i < s->n && !st; i++) st = set(s, store, s->name[i], value);
    tarn_tensor_release(value);
    return st;
}

static tarn_status get(const ti_means *s, const tarn_store *store, const char *name, double *out) {
    char full[NAME_CAP];
    tarn_tensor *value = NULL;
    TI_TRY(tarn_store_get(store, full_name(s, name, full), &value));
    memcpy(out, tarn_tensor_cdata(value), sizeof *out);
    tarn_tensor_release(value);
    return TARN_OK;
}

tarn_status ti_means_recall(const ti_means *s, const tarn_store *store, tarn_logs *logs) {
    double samples, sum;
    TI_TRY(get(s, store, "samples", &samples));
    for (int i = 0; i < s->n; i++) {
        TI_TRY(get(s, store, s->name[i], &sum));
        ti_logs_add(logs, "", s->name[i], sum / samples);
    }
    return TARN_OK;
}

void ti_means_read(const ti_means *s, const tarn_program *p, const char *prefix, tarn_logs *logs) {
    double samples = tarn_result_scalar(p, s->n);
    for (int i = 0; i < s->n; i++)
        ti_logs_add(logs, prefix, s->name[i], tarn_result_scalar(p, i) / samples);
}
