/** @file data.h
 *  Data sets (samples and targets as stored) and the pipeline that turns them into batches. */
#ifndef TARN_DATA_H
#define TARN_DATA_H

#include <tarn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Samples x [n, ...] and targets y as stored (u8 pictures stay u8: a batch is scaled on its way
 *  to the program). A plain struct so that users can make their own; tensors are retained by who
 *  keeps them. */
typedef struct tarn_dataset {
    tarn_tensor *x;            /* [n, ...] u8 or f32 */
    tarn_tensor *y;            /* [n] i32 class labels, or [n, outputs] f32 targets */
    double scale;              /* x is multiplied by it in f32; 0: as is */
    double offset;             /* added after scale */
    bool flatten;              /* batches are [batch, product] */
    int64_t classes;           /* number of classes; 0: regression */
    const char *const *labels; /* class names, NULL: their numbers; static or owned by `owner` */
    char name[32];             /* "mnist", "digits", ... */
    bool generated;            /* built-in generated data, not the real set */
    void *owner;               /* internal */
} tarn_dataset;
/** Release what the data set holds and clear it. NULL is fine. */
TARN_API void tarn_dataset_clear(tarn_dataset *d);
/** Check sizes, dtypes and label range: one sentence names the sample and label. */
TARN_API TARN_CHECK tarn_status tarn_dataset_check(const tarn_dataset *d);

/** MNIST from a folder with the four IDX files, plain or .gz; 60,000 train and 10,000 test.
 *  dir NULL: $TARN_DATA/mnist, then ~/.cache/tarn/mnist; TARN_ENOENT when there is none. x is u8
 *  [n,28,28] with scale 1/255, y i32 [n]. */
TARN_API TARN_CHECK tarn_status tarn_data_mnist(const char *dir, tarn_dataset *train,
                                                tarn_dataset *test);
/** Generated digits in MNIST's shape: pen strokes of each digit under random distortion, drawn
 *  deterministically from the seed. Marked `generated`. */
TARN_API TARN_CHECK tarn_status tarn_data_digits(uint64_t seed, int64_t n_train, int64_t n_test,
                                                 tarn_dataset *train, tarn_dataset *test);
typedef struct tarn_csv_opts {
    const char *target; /* column name or number (negative from the end); NULL: last */
    const char *header; /* "auto" (NULL), "none", "first" */
    char delimiter;     /* 0: found out among , ; tab */
    double validation;  /* fraction at the end used for validation; 0: none */
    bool standardize;   /* features to mean 0, variance 1 of the training part */
    bool classify;      /* target column holds class names or integers */
    int64_t max_rows;   /* 0: no limit */
} tarn_csv_opts;
/** Numbers of a CSV file: x [n, columns-1] f32, y [n,1] f32 or [n] i32. Errors name file, line and
 *  column. A row with a missing value ("", "NA", "?") is an error. */
TARN_API TARN_CHECK tarn_status tarn_data_csv(const char *path, const tarn_csv_opts *opts,
                                              tarn_dataset *train, tarn_dataset *test);
/** Pictures and labels in IDX files (plain or .gz). */
TARN_API TARN_CHECK tarn_status tarn_data_idx(const char *images, const char *labels,
                                              tarn_dataset *out);

/* ---- pipeline ------------------------------------------------------------------------------- */

/** Batches of a data set in shuffled order, prepared ahead by a worker thread. The order of epoch
 *  e depends on (seed, e) alone, so (epoch, batch) is the whole cursor. */
typedef struct tarn_pipeline tarn_pipeline;
typedef struct tarn_pipeline_opts {
    int64_t batch_size;
    uint64_t seed;
    bool shuffle;
    bool drop_last;
    int prefetch; /* batches held ready; 0: 2; -1: none, no thread */
    /* EXPERIMENTAL: of `ranks` pipelines like this one, number `rank` (0: one alone). A batch is
       then batch_size samples for each, those of rank 0 first; of a last one that is smaller they
       get equal parts but for one sample, and none where it has no sample for each. */
    int rank, ranks;
} tarn_pipeline_opts;
/** One batch: x f32 [n, ...] (scaled, flattened as the data set says), y as stored; valid until
 *  the next call. */
typedef struct tarn_batch {
    int64_t n;
    const float *x;
    tarn_shape x_shape;
    const void *y;
    tarn_dtype y_dtype;
    tarn_shape y_shape;
} tarn_batch;
TARN_API TARN_CHECK tarn_status tarn_pipeline_create(const tarn_dataset *d,
                                                     const tarn_pipeline_opts *opts,
                                                     tarn_pipeline **out);
TARN_API void tarn_pipeline_free(tarn_pipeline *p);
/** Batches an epoch. */
TARN_API int64_t tarn_pipeline_batches(const tarn_pipeline *p);
/** Go to batch `batch` (from 0) of epoch `epoch` (from 0). */
TARN_API TARN_CHECK tarn_status tarn_pipeline_seek(tarn_pipeline *p, int64_t epoch, int64_t batch);
/** Next batch; n is 0 at the end of the epoch (the next call begins the next epoch). No
 *  allocation after the first call. */
TARN_API TARN_CHECK tarn_status tarn_pipeline_next(tarn_pipeline *p, tarn_batch *out);

#ifdef __cplusplus
}
#endif
#endif
