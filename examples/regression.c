// Regression with an MLP: the quality of white wines from eleven measurements. Without the file,
// a made-up curve with noise, and a word about it.
//   regression [DATA_DIR] [SEED]       (DATA_DIR holds winequality-white.csv)
#include <math.h>

#include "example.h"

// n points of t = sin(3 u) v + 0.1 noise, u and v from -1 to 1.
static void make_curve(int64_t n, uint64_t seed, tarn_dataset *d) {
    *d = (tarn_dataset){.name = "curve", .generated = true};
    DO(tarn_tensor_create(TARN_F32, TARN_SHAPE(n, 2), &d->x));
    DO(tarn_tensor_create(TARN_F32, TARN_SHAPE(n, 1), &d->y));
    float *x = tarn_tensor_data(d->x), *y = tarn_tensor_data(d->y), r[3];
    for (int64_t i = 0; i < n; i++) {
        for (int k = 0; k < 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX
            r[k] = (float)(seed >> 40) * 0x1p-23f - 1;
        }
        x[2 * i] = r[0];
        x[2 * i + 1] = r[1];
        y[i] = sinf(3 * r[0]) * r[1] + 0.1f * r[2];
    }
}

static void load(int argc, char **argv, tarn_dataset *train, tarn_dataset *test) {
    char path[4096];
    uint64_t seed = example_seed(argc, argv);
    tarn_csv_opts o = {.target = "-1", .validation = 0.2, .standardize = true};
    if (example_dir(argc, argv)) {
        snprintf(path, sizeof path, "%s/winequality-white.csv", example_dir(argc, argv));
        DO(tarn_data_csv(path, &o, train, test));
        return;
    }
    printf("No DATA_DIR given: learning a made-up curve.\n");
    make_curve(4000, seed, train);
    make_curve(1000, seed + 1, test);
}

int main(int argc, char **argv) {
    tarn_dataset train, test;
    tarn_model *model = NULL;
    tarn_callback callbacks[2];
    tarn_logs score;
    tarn_tensor *predicted = NULL;

    load(argc, argv, &train, &test);
    int64_t columns = tarn_tensor_shape(train.x)->dim[1];
    DO(tarn_sequential(TARN_SHAPE(columns), example_seed(argc, argv), &model));
    tarn_model_add(model, tarn_dense(64, .activation = "relu"));
    tarn_model_add(model, tarn_dense(64, .activation = "relu"));
    tarn_model_add(model, tarn_dense(1));
    DO(tarn_model_compile(model, .loss = "mse", .optimizer = tarn_adam(), .metrics = "mae"));

    DO(tarn_progress_line(stdout, &callbacks[0]));
    DO(tarn_early_stopping(&callbacks[1], .monitor = "val_loss", .patience = 5,
                           .restore_best = true));
    DO(tarn_model_fit(model, &train, .epochs = 30, .validation = &test, .callbacks = callbacks,
                      .n_callbacks = 2));

    DO(tarn_model_evaluate(model, &test, 0, &score));
    printf("Test error: %.3f (mean absolute)\n", tarn_logs_get(&score, "mae"));
    DO(tarn_model_predict(model, test.x, 0, &predicted));
    const float *wanted = tarn_tensor_cdata(test.y), *got = tarn_tensor_cdata(predicted);
    for (int i = 0; i < 5; i++)
        printf("wanted %6.2f  predicted %6.2f\n", (double)wanted[i], (double)got[i]);

    for (int i = 0; i < 2; i++) callbacks[i].destroy(callbacks[i].self);
    tarn_tensor_release(predicted);
    tarn_model_free(model);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return 0;
}
