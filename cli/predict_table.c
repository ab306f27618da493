// Tables (.csv) as input of tarn predict.
//
// A model file does not carry the means and deviations by which its training standardized columns.
// They are found again where they came from: in the training data that the record beside the model
// names, read once as training saw them and once as they are.
#include "job.h"
#include "predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Training samples of the record, with one more --set.
static int read_training(const cli_args *a, const char *set, tarn_tensor **x) {
    cli_job job = {0};
    tarn_dataset train = {0}, test = {0};
    int code = cli_job_beside(a, cli_str(a, "MODEL"), set, &job);
    if (!code && strcmp(job.info.data_name, "csv")) {
        cli_job_clear(&job);
        return CLI_OK;
    }
    if (!code) {
        tarn_status st = tarn_experiment_data(job.experiment, job.data, &train, &test);
        if (st) code = cli_fail(a, st);
    }
    if (!code) *x = tarn_tensor_retain(train.x);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    cli_job_clear(&job);
    return code;
}

// Column c of x [n, m]: its mean and deviation; a constant column has deviation 1.
static void column(const tarn_tensor *x, int64_t c, double *mean, double *deviation) {
    const tarn_shape *s = tarn_tensor_shape(x);
    const float *v = (const float *)tarn_tensor_cdata(x) + c;
    double sum = 0;
    *mean = 0;
    for (int64_t i = 0; i < s->dim[0]; i++) *mean += (double)v[i * s->dim[1]] / (double)s->dim[0];
    for (int64_t i = 0; i < s->dim[0]; i++) {
        double d = (double)v[i * s->dim[1]] - *mean;
        sum += d * d / (double)s->dim[0];
    }
    *deviation = sum > 0 ? sqrt(sum) : 1;
}

// x [k, m] by the columns of raw [n, m].
static void standardize(tarn_tensor *x, const tarn_tensor *raw) {
    const tarn_shape *s = tarn_tensor_shape(x);
    float *v = tarn_tensor_data(x);
    for (int64_t c = 0; c < s->dim[1]; c++) {
        double mean, deviation;
        column(raw, c, &mean, &deviation);
        for (int64_t i = c; i < s->dim[0] * s->dim[1]; i += s->dim[1])
            v[i] = (float)(((double)v[i] - mean) / deviation);
    }
}

static bool same(const tarn_tensor *a, const tarn_tensor *b) {
    return !memcmp(tarn_tensor_cdata(a), tarn_tensor_cdata(b), tarn_tensor_bytes(a));
}

static int prepare(const cli_args *a, tarn_tensor *x) {
    tarn_tensor *seen = NULL, *raw = NULL;
    if (!cli_job_is_beside(cli_str(a, "MODEL"))) return CLI_OK;
    int code = read_training(a, NULL, &seen);
    if (!code && seen) code = read_training(a, "data.standardize=false", &raw);
    bool fits = raw && tarn_tensor_shape(raw)->dim[1] == tarn_tensor_shape(x)->dim[1];
    if (!code && fits && !same(seen, raw)) standardize(x, raw);
    tarn_tensor_release(seen);
    tarn_tensor_release(raw);
    return code;
}

// x [n, m] and the column y [n, 1] behind it, as one [n, m + 1].
static tarn_status join(const tarn_dataset *d, tarn_tensor **out) {
    int64_t n = tarn_tensor_shape(d->x)->dim[0], m = tarn_tensor_shape(d->x)->dim[1];
    const float *x = tarn_tensor_cdata(d->x), *y = tarn_tensor_cdata(d->y);
    TARN_TRY(tarn_tensor_create(TARN_F32, TARN_SHAPE(n, m + 1), out));
    float *to = tarn_tensor_data(*out);
    for (int64_t i = 0; i < n; i++, x += m, to += m + 1) {
        memcpy(to, x, (size_t)m * sizeof *x);
        to[m] = y[i];
    }
    return TARN_OK;
}

static bool lacks_one(const tarn_dataset *d, int64_t inputs) {
    return tarn_tensor_shape(d->x)->dim[1] == inputs - 1;
}

// The reader of data sets always splits off a target. Where the rest is one column short of what
// the model takes, the table has none and the column is an input. A target of class names is not
// needed for an answer.
static tarn_status read_columns(const char *path, tarn_csv_opts *opts, int64_t inputs,
                                cli_input *out) {
    tarn_dataset d;
    TARN_TRY(tarn_data_csv(path, opts, &d, NULL));
    tarn_status st = TARN_OK;
    bool whole = !opts->target && lacks_one(&d, inputs);
    if (whole && opts->classify) {
        tarn_dataset_clear(&d);
        opts->classify = false;
        return read_columns(path, opts, inputs, out);
    }
    if (whole)
        st = join(&d, &out->x);
    else
        out->x = tarn_tensor_retain(d.x);
    if (!whole && !opts->classify) out->y = tarn_tensor_retain(d.y);
    tarn_dataset_clear(&d);
    return st;
}

int cli_table_read(const cli_args *a, const tarn_model *m, bool classifies, const char *path,
                   cli_input *out) {
    tarn_shape want = tarn_model_input_shape(m);
    tarn_csv_opts opts = {.target = cli_str(a, "target"), .classify = classifies};
    tarn_status st = read_columns(path, &opts, tarn_shape_numel(&want), out);
    return st ? cli_fail(a, st) : prepare(a, out->x);
}
