// Loss and metrics over a data set, and the check of data against model that fit shares.
#include <stdio.h>
#include <string.h>

#include "train/trainer.h"

// ---- data against model -------------------------------------------------------------------------

// "28x28" for messages about one sample.
static const char *sample_text(const tarn_shape *s, int first, char *out, size_t cap) {
    size_t used = 0;
    out[0] = 0;
    for (int i = first; i < s->rank && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%lld", i > first ? "x" : "",
                                 (long long)s->dim[i]);
    return *out ? out : "one number";
}

// Do samples of `have` (from axis 1) have the shape `want`?
static bool sample_fits(const tarn_shape *have, bool flatten, const tarn_shape *want) {
    tarn_shape sample = {.rank = have->rank - 1};
    if (have->rank < 1) return false;
    memcpy(sample.dim, have->dim + 1, (size_t)sample.rank * sizeof *sample.dim);
    if (flatten) sample = TARN_SHAPE(tarn_shape_numel(&sample));
    return tarn_shape_equal(&sample, want);
}

static tarn_status check_x(const tarn_model *m, const tarn_dataset *d) {
    char have[96], want[96];
    const tarn_shape *x = tarn_tensor_shape(d->x);
    if (sample_fits(x, d->flatten, &m->input)) return TARN_OK;
    return ti_error(TARN_ESHAPE, "the model expects samples of %s, data set '%s' has %s%s",
                    sample_text(&m->input, 0, want, sizeof want), d->name,
                    sample_text(x, 1, have, sizeof have), d->flatten ? " (flattened)" : "");
}

static tarn_status check_labels(const ti_trainer *t, const tarn_shape *out, const tarn_dataset *d) {
    if (tarn_tensor_dtype(d->y) != TARN_I32 || tarn_tensor_shape(d->y)->rank != 1)
        return ti_error(TARN_EDTYPE,
                        "loss '%s' needs class labels (i32 [n]), the targets of data "
                        "set '%s' are numbers",
                        t->loss, d->name);
    if (d->classes > out->dim[out->rank - 1])
        return ti_error(TARN_ESHAPE,
                        "data set '%s' has %lld classes, the model's last layer %lld "
                        "outputs",
                        d->name, (long long)d->classes, (long long)out->dim[out->rank - 1]);
    return TARN_OK;
}

static tarn_status check_numbers(const ti_trainer *t, const tarn_shape *out,
                                 const tarn_dataset *d) {
    char have[96], want[96];
    const tarn_shape *y = tarn_tensor_shape(d->y);
    if (tarn_tensor_dtype(d->y) != TARN_F32)
        return ti_error(TARN_EDTYPE,
                        "loss '%s' needs numbers (f32), the targets of data set '%s' "
                        "are class labels",
                        t->loss, d->name);
    if (!sample_fits(y, false, out))
        return ti_error(TARN_ESHAPE,
                        "the model gives %s a sample, the targets of data set '%s' "
                        "are %s",
                        sample_text(out, 0, want, sizeof want), d->name,
                        sample_text(y, 1, have, sizeof have));
    return TARN_OK;
}

tarn_status ti_check_data(tarn_model *m, const ti_trainer *t, const tarn_dataset *d) {
    bool labels = false;
    tarn_shape out = tarn_model_output_shape(m);
    if (!d || !d->x || !d->y) return ti_error(TARN_EARG, "the data set has no samples or targets");
    TI_TRY(tarn_dataset_check(d));
    TI_TRY(check_x(m, d));
    TI_TRY(ti_loss_wants_labels(t->loss, &labels));
    return labels ? check_labels(t, &out, d) : check_numbers(t, &out, d);
}

// ---- evaluation ---------------------------------------------------------------------------------

static tarn_status run_batches(const ti_planned *p, tarn_pipeline *pipe) {
    tarn_batch b;
    for (;;) {
        TI_TRY(tarn_pipeline_next(pipe, &b));
        if (!b.n) return TARN_OK;
        TI_TRY(tarn_bind(p->program, "x", b.x, b.x_shape));
        TI_TRY(tarn_bind(p->program, "y", b.y, b.y_shape));
        TI_TRY(tarn_run(p->program));
    }
}

tarn_status ti_evaluate(tarn_model *m, ti_trainer *t, const tarn_dataset *d, int64_t batch_size,
                        const char *prefix, tarn_logs *logs) {
    ti_planned *p = NULL;
    tarn_pipeline *pipe = NULL;
    tarn_pipeline_opts o = {.batch_size = batch_size};
    TI_TRY(ti_trainer_program(m, t, TI_EVAL, batch_size, &p));
    TI_TRY(ti_means_reset(&p->means, m->store));
    TI_TRY(tarn_pipeline_create(d, &o, &pipe));
    tarn_status st = run_batches(p, pipe);
    tarn_pipeline_free(pipe);
    if (!st) ti_means_read(&p->means, p->program, prefix, logs);
    return st;
}

tarn_status tarn_model_evaluate(tarn_model *m, const tarn_dataset *data, int64_t batch_size,
                                tarn_logs *out) {
    ti_trainer *t = NULL;
    tarn_logs logs = {0};
    tarn_status st = ti_trainer_of(m, true, &t);
    if (!st && batch_size < 0) st = ti_error(TARN_EARG, "batch size %lld", (long long)batch_size);
    if (!st) st = ti_check_data(m, t, data);
    if (!st) st = ti_evaluate(m, t, data, batch_size ? batch_size : 32, "", &logs);
    if (st) return ti_error_at(st, "evaluate");
    *out = logs;
    return TARN_OK;
}
