// Results of a model for many samples, a batch at a time.
#include <string.h>

#include "data/data.h"
#include "train/trainer.h"

// Samples [n, ...] that hold as many numbers as the model takes, u8 or f32.
static tarn_status check_samples(const tarn_model *m, const tarn_tensor *x) {
    const tarn_shape *s = tarn_tensor_shape(x);
    tarn_dtype dtype = tarn_tensor_dtype(x);
    int64_t want = tarn_shape_numel(&m->input);
    if (dtype != TARN_U8 && dtype != TARN_F32)
        return ti_error(TARN_EDTYPE, "samples are u8 or f32, not %s", tarn_dtype_name(dtype));
    if (s->rank < 1) return ti_error(TARN_ESHAPE, "samples need an axis that counts them");
    int64_t have = s->dim[0] ? tarn_tensor_numel(x) / s->dim[0] : want;
    if (have != want)
        return ti_error(TARN_ESHAPE, "the model takes %lld numbers a sample, these have %lld",
                        (long long)want, (long long)have);
    return TARN_OK;
}

static tarn_status make_result(tarn_model *m, int64_t n, tarn_tensor **out) {
    tarn_shape sample = tarn_model_output_shape(m), s = {.rank = sample.rank + 1, .dim = {n}};
    memcpy(s.dim + 1, sample.dim, (size_t)sample.rank * sizeof *s.dim);
    return tarn_tensor_create(TARN_F32, s, out);
}

typedef struct job {
    tarn_program *program;
    const tarn_tensor *x;
    tarn_tensor *y;
    tarn_shape sample;
    float scale, offset;
    float *batch;           // memory of one batch of u8 samples, converted
    size_t x_size, y_size;  // numbers of a sample
} job;

// Raw bytes are preprocessed as in training; f32 samples are taken as they are.
static const float *samples_at(const job *j, int64_t first, int64_t n) {
    size_t begin = (size_t)first * j->x_size, count = (size_t)n * j->x_size;
    if (tarn_tensor_dtype(j->x) == TARN_F32) return (const float *)tarn_tensor_cdata(j->x) + begin;
    ti_scale_u8((const uint8_t *)tarn_tensor_cdata(j->x) + begin, count, j->scale, j->offset,
                j->batch);
    return j->batch;
}

static tarn_status run_one(const job *j, int64_t first, int64_t n) {
    tarn_shape s = {.rank = j->sample.rank + 1, .dim = {n}};
    memcpy(s.dim + 1, j->sample.dim, (size_t)j->sample.rank * sizeof *s.dim);
    TI_TRY(tarn_bind(j->program, "x", samples_at(j, first, n), s));
    TI_TRY(tarn_run(j->program));
    float *to = (float *)tarn_tensor_data(j->y) + (size_t)first * j->y_size;
    memcpy(to, tarn_result(j->program, 0, NULL), (size_t)n * j->y_size * sizeof *to);
    return TARN_OK;
}

static tarn_status run_all(job *j, int64_t batch) {
    int64_t n = tarn_tensor_shape(j->x)->dim[0];
    size_t bytes;
    TI_TRY(ti_mul((size_t)batch, j->x_size * sizeof *j->batch, &bytes));
    TI_TRY(ti_alloc(bytes, &j->batch));
    tarn_status st = TARN_OK;
    for (int64_t i = 0; i < n && !st; i += batch) st = run_one(j, i, ti_min_i64(batch, n - i));
    ti_free(j->batch);
    return st;
}

static tarn_status predict(tarn_model *m, ti_trainer *t, const tarn_tensor *x, int64_t batch,
                           tarn_tensor **out) {
    ti_planned *p = NULL;
    tarn_tensor *y = NULL;
    tarn_shape sample = tarn_model_output_shape(m);
    int64_t n = tarn_tensor_shape(x)->dim[0];
    double scale = m->preprocessing.scale;
    batch = ti_max_i64(1, ti_min_i64(batch, n));
    TI_TRY(ti_trainer_program(m, t, TI_PREDICT, batch, &p));
    TI_TRY(make_result(m, n, &y));
    job j = {.program = p->program,
             .x = x,
             .y = y,
             .sample = m->input,
             .scale = (float)(scale == 0.0 ? 1 : scale),
             .offset = (float)m->preprocessing.offset,
             .x_size = (size_t)tarn_shape_numel(&m->input),
             .y_size = (size_t)tarn_shape_numel(&sample)};
    tarn_status st = run_all(&j, batch);
    if (st) {
        tarn_tensor_release(y);
        return st;
    }
    *out = y;
    return TARN_OK;
}

tarn_status tarn_model_predict(tarn_model *m, const tarn_tensor *x, int64_t batch_size,
                               tarn_tensor **out) {
    ti_trainer *t = NULL;
    tarn_status st = ti_trainer_of(m, false, &t);
    if (!st && batch_size < 0) st = ti_error(TARN_EARG, "batch size %lld", (long long)batch_size);
    if (!st) st = check_samples(m, x);
    if (!st) st = predict(m, t, x, batch_size ? batch_size : 32, out);
    return st ? ti_error_at(st, "predict") : TARN_OK;
}
