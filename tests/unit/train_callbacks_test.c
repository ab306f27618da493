// Callbacks driven by hand: early stopping, model checkpoints, learning rates.
#include <math.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

static tarn_model *tiny(void) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(1), 5, &m));
    tarn_model_add(m, tarn_dense(1));
    CHECK_OK(tarn_model_compile(m, .loss = "mse"));
    return m;
}

static void set_log(tarn_fit_state *s, const char *name, double value) {
    s->logs.count = 1;
    snprintf(s->logs.item[0].name, sizeof s->logs.item[0].name, "%s", name);
    s->logs.item[0].value = value;
}

// Epoch in which it stops, 0: never.
static int64_t stops_at(tarn_callback *cb, const char *log, const double *values, int n) {
    tarn_fit_state s = {.model = tiny()};
    CHECK_OK(cb->on_train_begin(cb->self, &s));
    for (int i = 0; i < n && !s.stop; i++) {
        s.epoch = i + 1;
        set_log(&s, log, values[i]);
        CHECK_OK(cb->on_epoch_end(cb->self, &s));
    }
    tarn_model_free(s.model);
    cb->destroy(cb->self);
    return s.stop ? s.epoch : 0;
}

static const double series[] = {1, 0.8, 0.85, 0.79, 0.9, 0.95, 0.7};

TEST(early_stopping_counts_patience_as_keras_does) {
    tarn_callback cb;
    CHECK_OK(tarn_early_stopping(&cb, .patience = TARN_OK));
    CHECK_EQ_I(stops_at(&cb, "val_loss", series, 7), 3);
    CHECK_OK(tarn_early_stopping(&cb, .patience = 1));
    CHECK_EQ_I(stops_at(&cb, "val_loss", series, 7), 3);
    CHECK_OK(tarn_early_stopping(&cb, .patience = 2));
    CHECK_EQ_I(stops_at(&cb, "val_loss", series, 7), 6);
    CHECK_OK(tarn_early_stopping(&cb, .patience = 3));
    CHECK_EQ_I(stops_at(&cb, "val_loss", series, 7), 0);
    CHECK_OK(tarn_early_stopping(&cb, .patience = 2, .min_delta = 0.05));
    CHECK_EQ_I(stops_at(&cb, "val_loss", series, 7), 4);
}

TEST(early_stopping_knows_which_way_is_better) {
    tarn_callback cb;
    CHECK_OK(tarn_early_stopping(&cb, .monitor = "val_accuracy"));
    CHECK_EQ_I(stops_at(&cb, "val_accuracy", series, 7), 2);
    CHECK_OK(tarn_early_stopping(&cb, .monitor = "val_accuracy", .mode = TARN_MODE_MIN));
    CHECK_EQ_I(stops_at(&cb, "val_accuracy", series, 7), 3);
    CHECK_OK(tarn_early_stopping(&cb, .monitor = "score", .mode = TARN_MODE_MAX));
    CHECK_EQ_I(stops_at(&cb, "score", series, 7), 2);
}

TEST(early_stopping_takes_nan_for_no_improvement) {
    const double values[] = {NAN, 1, NAN};
    tarn_callback cb;
    CHECK_OK(tarn_early_stopping(&cb, .patience = 1));
    CHECK_EQ_I(stops_at(&cb, "val_loss", values, 3), 3);
}

TEST(early_stopping_names_a_log_that_is_not_there) {
    tarn_callback cb;
    tarn_fit_state s = {.epoch = 1};
    CHECK_OK(tarn_early_stopping(&cb, .patience = 1));
    set_log(&s, "loss", 1);
    CHECK_ERR(cb.on_epoch_end(cb.self, &s), TARN_ENOENT,
              "early stopping: no 'val_loss' in the logs, which have loss: is there validation");
    cb.destroy(cb.self);
    CHECK_ERR(tarn_early_stopping(&cb, .patience = -1), TARN_EARG, "patience -1");
}

static void set_kernel(tarn_model *m, float v) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(1, 1), &v, &t));
    CHECK_OK(tarn_store_set(tarn_model_store(m), "dense/kernel", t));
    tarn_tensor_release(t);
}

static float get_kernel(tarn_model *m) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_store_get(tarn_model_store(m), "dense/kernel", &t));
    float v = *(const float *)tarn_tensor_cdata(t);
    tarn_tensor_release(t);
    return v;
}

TEST(early_stopping_restores_the_best_weights) {
    tarn_callback cb;
    tarn_fit_state s = {.model = tiny()};
    CHECK_OK(tarn_early_stopping(&cb, .patience = 2, .restore_best = true));
    CHECK_OK(cb.on_train_begin(cb.self, &s));
    for (int i = 0; i < 6; i++) {
        s.epoch = i + 1;
        set_kernel(s.model, (float)s.epoch);
        set_log(&s, "val_loss", series[i]);
        CHECK_OK(cb.on_epoch_end(cb.self, &s));
    }
    CHECK(s.stop);
    CHECK_OK(cb.on_train_end(cb.self, &s));
    CHECK(get_kernel(s.model) == 4);
    cb.destroy(cb.self);
    tarn_model_free(s.model);
}

// ---- model checkpoints --------------------------------------------------------------------------

static tarn_status save_epoch(tarn_callback *cb, tarn_model *m, int64_t epoch, double loss) {
    tarn_fit_state s = {.model = m, .epoch = epoch};
    set_log(&s, "val_loss", loss);
    return cb->on_epoch_end(cb->self, &s);
}

static bool there(const char *dir, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return ti_file_exists(path);
}

TEST(model_checkpoint_fills_its_fields) {
    char path[256];
    const char *dir = test_dir();
    tarn_callback cb;
    tarn_model *m = tiny(), *n = NULL;
    snprintf(path, sizeof path, "%s/m-{epoch:02d}-{val_loss:.2f}-{epoch}.st", dir);
    CHECK_OK(tarn_model_checkpoint(&cb, .path = path));
    CHECK_OK(save_epoch(&cb, m, 3, 0.126));
    CHECK(there(dir, "m-03-0.13-3.st"));
    snprintf(path, sizeof path, "%s/m-03-0.13-3.st", dir);
    CHECK_OK(tarn_model_load(path, &n));
    cb.destroy(cb.self);
    tarn_model_free(m);
    tarn_model_free(n);
}

TEST(model_checkpoint_saves_only_better_ones) {
    char path[256];
    const char *dir = test_dir();
    tarn_callback cb;
    tarn_model *m = tiny();
    snprintf(path, sizeof path, "%s/{epoch}.st", dir);
    CHECK_OK(tarn_model_checkpoint(&cb, .path = path, .save_best_only = true));
    for (int i = 0; i < 7; i++) CHECK_OK(save_epoch(&cb, m, i + 1, series[i]));
    CHECK(there(dir, "1.st") && there(dir, "2.st") && there(dir, "4.st") && there(dir, "7.st"));
    CHECK(!there(dir, "3.st") && !there(dir, "5.st") && !there(dir, "6.st"));
    cb.destroy(cb.self);
    tarn_model_free(m);
}

TEST(model_checkpoint_refuses_bad_names) {
    tarn_callback cb;
    tarn_model *m = tiny();
    static const char *const bad[] = {"a{",         "a{}", "a{epoch", "a{epoch:", "a{epoch:99999d}",
                                      "{epoch:02x}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_ERR(tarn_model_checkpoint(&cb, .path = bad[i]), TARN_EARG, "model checkpoint: ");
    CHECK_ERR(tarn_model_checkpoint(&cb, .save_best_only = true), TARN_EARG, "a path is needed");
    CHECK_OK(tarn_model_checkpoint(&cb, .path = "{accuracy}"));
    CHECK_ERR(save_epoch(&cb, m, 1, 1), TARN_ENOENT, "no 'accuracy' in the logs");
    cb.destroy(cb.self);
    tarn_model_free(m);
}

// ---- learning rate ------------------------------------------------------------------------------

static double halve(void *user, int64_t epoch, double rate) {
    CHECK_EQ_I(epoch, (*(int64_t *)user)++);
    return epoch ? rate / 2 : rate;
}

static tarn_status note_rate(void *self, tarn_fit_state *s) {
    *(double *)self = s->learning_rate;
    return TARN_OK;
}

TEST(schedules_set_the_rate_of_each_epoch) {
    const float x[] = {1};
    tarn_dataset d = {.name = "one"};
    int64_t epoch = 0;
    double seen = 0;
    tarn_callback cb[2] = {{0}, {.self = &seen, .on_epoch_end = note_rate}};
    tarn_tensor *t = NULL;
    tarn_model *m = tiny();
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(1, 1), x, &d.x));
    d.y = tarn_tensor_retain(d.x);
    CHECK_OK(tarn_learning_rate_scheduler(halve, &epoch, &cb[0]));
    CHECK_OK(tarn_model_fit(m, &d, .epochs = 3, .callbacks = cb, .n_callbacks = 2));
    CHECK_EQ_I(epoch, 3);
    CHECK(seen == 0.01 / 4);
    CHECK_OK(tarn_store_get(tarn_model_store(m), TARN_LEARNING_RATE, &t));
    CHECK(*(const float *)tarn_tensor_cdata(t) == (float)(0.01 / 4));
    tarn_tensor_release(t);
    cb[0].destroy(cb[0].self);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}
