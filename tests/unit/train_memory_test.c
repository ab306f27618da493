// Every allocation of a small experiment fails once: read, build, train, save, load. Each time the
// answer is "out of memory", nothing leaks (the sanitizer looks), and nothing crashes.
#include <stdio.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

static const char text[] =
    "data: {name: digits, train: 40, test: 20, flatten: true}\n"
    "model: [{dense: {units: 5, activation: relu}}, {dropout: 0.5}, {dense: {units: 10, "
    "activation: softmax, bias_initializer: {normal: {stddev: 1}}}}]\n"
    "loss: sparse_categorical_crossentropy\n"
    "optimizer: {adam: {learning_rate: 0.01}}\n"
    "metrics: [accuracy]\n";

static tarn_status fit(tarn_model *m, const tarn_dataset *train, const tarn_dataset *test,
                       const char *path) {
    tarn_callback cb;
    TARN_TRY(tarn_early_stopping(&cb, .restore_best = true));
    tarn_status st = tarn_model_fit(m, train, .batch_size = 16, .validation = test,
                                    .checkpoint = path, .resume = true, .callbacks = &cb,
                                    .n_callbacks = 1);
    cb.destroy(cb.self);
    return st;
}

static tarn_status use(tarn_model *m, const tarn_dataset *train, const tarn_dataset *test,
                       const char *path) {
    tarn_model *loaded = NULL;
    tarn_tensor *y = NULL;
    TARN_TRY(tarn_model_compile(m, .loss = "sparse_categorical_crossentropy", .metrics = "accuracy",
                                .optimizer = tarn_adam(), .program = {.jit = TARN_JIT_OFF}));
    tarn_status st = fit(m, train, test, path);
    if (!st) st = tarn_model_load(path, &loaded);
    if (!st) st = tarn_model_predict(loaded, test->x, 7, &y);
    tarn_tensor_release(y);
    tarn_model_free(loaded);
    return st;
}

static tarn_status smoke(const char *path) {
    tarn_experiment *e = NULL;
    tarn_dataset train = {0}, test = {0};
    tarn_model *m = NULL;
    const char *set = "batch=8";
    tarn_status st = tarn_experiment_parse("x.yaml", text, strlen(text), &set, 1, &e);
    if (!st) st = tarn_experiment_data(e, NULL, &train, &test);
    if (!st) st = tarn_experiment_model(e, &train, 1, &m);
    if (!st) st = use(m, &train, &test, path);
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    tarn_experiment_free(e);
    remove(path);
    return st;
}

TEST(every_allocation_may_fail) {
    char path[256];
    snprintf(path, sizeof path, "%s/run.st", test_dir());
    CHECK_OK(tarn_set_threads(1));
    CHECK_OK(smoke(path));
    uint64_t before = ti_alloc_stats_now().calls;
    CHECK_OK(smoke(path));
    uint64_t calls = ti_alloc_stats_now().calls - before;
    for (uint64_t n = 1; n <= calls; n++) {
        ti_alloc_fail_at(n);
        tarn_status st = smoke(path);
        ti_alloc_fail_at(0);
        if (st == TARN_OK && n == 1) SKIP("allocations fail only in test builds");
        CHECK_EQ_I(st, TARN_ENOMEM);
    }
}
