// fit, evaluate and predict: learning, means, errors in words, stopping.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

static void make_digits(int64_t n_train, int64_t n_test, tarn_dataset *train, tarn_dataset *test) {
    CHECK_OK(tarn_data_digits(1, n_train, n_test, train, test));
    train->flatten = test->flatten = true;
}

static tarn_model *small_model(tarn_optimizer opt) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), 5, &m));
    tarn_model_add(m, tarn_dense(64, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.1));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .optimizer = opt, .loss = "sparse_categorical_crossentropy",
                                .metrics = "accuracy"));
    return m;
}

TEST(generated_digits_are_learned) {
    tarn_dataset train, test;
    tarn_logs logs, again;
    make_digits(10000, 1000, &train, &test);
    tarn_model *m = small_model(tarn_rmsprop());
    CHECK_OK(tarn_model_fit(m, &train, .batch_size = 64, .epochs = 8, .validation = &test,
                            .result = &logs));
    CHECK_EQ_I(logs.count, 4);
    CHECK(tarn_logs_get(&logs, "accuracy") > 0.93);
    CHECK(tarn_logs_get(&logs, "val_accuracy") > 0.9);
    CHECK(isnan(tarn_logs_get(&logs, "nothing")));
    CHECK_OK(tarn_model_evaluate(m, &test, 64, &again));
    CHECK(tarn_logs_get(&again, "accuracy") == tarn_logs_get(&logs, "val_accuracy"));
    CHECK(tarn_logs_get(&again, "loss") == tarn_logs_get(&logs, "val_loss"));
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
}

typedef struct gap {
    double seconds;  // of the fit that are no steps
    double least;    // growth of them from one batch of an epoch to the next
} gap;

static tarn_status watch_gap(void *self, tarn_fit_state *s) {
    gap *g = self;
    double now = s->seconds - s->step_seconds;
    if (s->batch > 1) g->least = fmin(g->least, now - g->seconds);
    g->seconds = now;
    return TARN_OK;
}

// A checkpoint is written and synced after every step: that takes 20 us in any case.
TEST(seconds_of_steps_are_without_those_of_checkpoints) {
    tarn_dataset train, test;
    tarn_model *m = small_model(tarn_adam());
    gap g = {.least = 1e9};
    tarn_callback cb = {.self = &g, .on_batch_end = watch_gap};
    char path[256];
    snprintf(path, sizeof path, "%s/c.st", test_dir());
    make_digits(200, 1, &train, &test);
    CHECK_OK(tarn_model_fit(m, &train, .batch_size = 50, .callbacks = &cb, .n_callbacks = 1,
                            .checkpoint = path, .checkpoint_steps = 1));
    CHECK(g.least > 20e-6 && g.least < 1e9);
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
}

TEST(a_plan_is_the_step_that_fit_runs) {
    tarn_dataset train, test;
    tarn_model *m = small_model(tarn_adam()), *bare = NULL;
    CHECK(!tarn_model_step(m));
    CHECK_OK(tarn_model_plan(m, 50));
    const tarn_program *step = tarn_model_step(m);
    CHECK(tarn_program_stats(step).arena_bytes > 0);
    make_digits(200, 1, &train, &test);
    CHECK_OK(tarn_model_fit(m, &train, .batch_size = 50));
    CHECK(tarn_model_step(m) == step);
    CHECK_ERR(tarn_model_plan(m, 0), TARN_EARG, "plan: batch size 0 must be at least 1");
    CHECK_OK(tarn_sequential(TARN_SHAPE(3), 0, &bare));
    CHECK_ERR(tarn_model_plan(bare, 1), TARN_ESTATE, "plan: the model has no loss yet");
    tarn_model_free(bare);
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
}

// The share of right answers by hand is what evaluate says; probabilities sum to one.
TEST(predict_agrees_with_evaluate) {
    tarn_dataset train, test;
    tarn_tensor *p = NULL;
    tarn_logs logs;
    make_digits(2000, 333, &train, &test);
    tarn_model *m = small_model(tarn_adam());
    CHECK_OK(tarn_model_fit(m, &train, .batch_size = 100, .epochs = 2));
    CHECK_OK(tarn_model_evaluate(m, &test, 0, &logs));
    CHECK_OK(tarn_model_predict(m, test.x, 50, &p));  // u8 pictures, scaled by the model
    const float *row = tarn_tensor_cdata(p);
    const int32_t *label = tarn_tensor_cdata(test.y);
    int right = 0;
    for (int i = 0; i < 333; i++, row += 10) {
        int best = 0;
        double sum = 0;
        for (int k = 0; k < 10; k++) {
            sum += (double)row[k];
            if (row[k] > row[best]) best = k;
        }
        right += best == label[i];
        CHECK(fabs(sum - 1) < 1e-5);
    }
    CHECK(fabs(right / 333.0 - tarn_logs_get(&logs, "accuracy")) < 1e-12);
    tarn_tensor_release(p);
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
}

// ---- a data set that can be worked out by hand --------------------------------------------------

// y = 2 x, five samples of one number.
static void make_line(tarn_dataset *d) {
    const float x[] = {1, 2, 3, 4, 5}, y[] = {2, 4, 6, 8, 10};
    *d = (tarn_dataset){.name = "line"};
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(5, 1), x, &d->x));
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(5, 1), y, &d->y));
}

static tarn_model *line_model(double rate) {
    tarn_model *m = NULL;
    tarn_init one = tarn_init_ones();
    CHECK_OK(tarn_sequential(TARN_SHAPE(1), 5, &m));
    tarn_model_add(m, tarn_dense(1, .kernel_initializer = &one));
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_sgd(.learning_rate = rate), .loss = "mse",
                                .metrics = "mae, mse"));
    return m;
}

TEST(means_weigh_the_last_batch_by_its_samples) {
    tarn_dataset d;
    tarn_logs logs;
    make_line(&d);
    tarn_model *m = line_model(TARN_ZERO);
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 2, .result = &logs));
    CHECK(tarn_logs_get(&logs, "loss") == (1 + 4 + 9 + 16 + 25) / 5.0);
    CHECK(tarn_logs_get(&logs, "mae") == 3);
    CHECK(tarn_logs_get(&logs, "mse") == 11);
    CHECK_OK(tarn_model_evaluate(m, &d, 4, &logs));
    CHECK(tarn_logs_get(&logs, "mae") == 3);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}

TEST(the_last_small_batch_is_trained) {
    tarn_dataset d;
    tarn_tensor *w = NULL;
    make_line(&d);
    tarn_model *m = line_model(0.01);
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 4, .no_shuffle = true));
    CHECK_OK(tarn_store_get(tarn_model_store(m), "dense/kernel", &w));
    double k = 1, b = 0;  // the two steps by hand: gradients are means over 4 samples and over 1
    double dk = 0, db = 0;
    for (int x = 1; x <= 4; x++) {
        dk += 2 * (k * x + b - 2 * x) * x / 4;
        db += 2 * (k * x + b - 2 * x) / 4;
    }
    k -= 0.01 * dk;
    b -= 0.01 * db;
    k -= 0.01 * 2 * (k * 5 + b - 10) * 5;
    CHECK_CLOSE((const float *)tarn_tensor_cdata(w), &k, 1, 1e-6, 0);
    tarn_tensor_release(w);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}

TEST(a_loss_that_is_not_finite_names_the_step) {
    tarn_dataset d;
    char before[65], after[65];
    make_line(&d);
    ((float *)tarn_tensor_data(d.x))[4] = INFINITY;
    tarn_model *m = line_model(TARN_ZERO);
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), before));
    CHECK_ERR(tarn_model_fit(m, &d, .batch_size = 1, .no_shuffle = true), TARN_ENUMERIC,
              "fit: epoch 1, step 5: ");
    CHECK(strstr(tarn_last_error(), "the weights are those before this step"));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), after));
    CHECK_STR(after, before);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}

// ---- stopping -----------------------------------------------------------------------------------

typedef struct counter {
    int64_t epochs_begun, batches, epochs, ends;
    int64_t stop_at;  // step
    double loss;
} counter;

static tarn_status count_begin(void *self, tarn_fit_state *s) {
    (void)s;
    ((counter *)self)->epochs_begun++;
    return TARN_OK;
}

static tarn_status count_batch(void *self, tarn_fit_state *s) {
    counter *c = self;
    CHECK_EQ_I(s->batch, c->batches++ % s->batches + 1);
    CHECK_EQ_I(s->step, c->batches);
    s->stop = s->step == c->stop_at;
    c->loss = tarn_logs_get(&s->logs, "loss");
    return TARN_OK;
}

static tarn_status count_epoch(void *self, tarn_fit_state *s) {
    counter *c = self;
    CHECK_EQ_I(s->epoch, ++c->epochs);
    CHECK(tarn_logs_get(&s->logs, "loss") == c->loss);
    return TARN_OK;
}

static tarn_status count_end(void *self, tarn_fit_state *s) {
    (void)s;
    ((counter *)self)->ends++;
    return TARN_OK;
}

static counter fit_counted(int64_t epochs, int64_t max_steps, int64_t stop_at) {
    tarn_dataset d;
    counter c = {.stop_at = stop_at};
    tarn_callback cb = {.self = &c,
                        .on_epoch_begin = count_begin,
                        .on_batch_end = count_batch,
                        .on_epoch_end = count_epoch,
                        .on_train_end = count_end};
    make_line(&d);
    tarn_model *m = line_model(0.001);
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 2, .epochs = epochs, .max_steps = max_steps,
                            .callbacks = &cb, .n_callbacks = 1));
    tarn_model_free(m);
    tarn_dataset_clear(&d);
    return c;
}

TEST(callbacks_see_every_batch_and_epoch) {
    counter c = fit_counted(4, 0, 0);
    CHECK(c.batches == 12 && c.epochs_begun == 4 && c.epochs == 4 && c.ends == 1);
}

TEST(max_steps_ends_within_an_epoch) {
    counter c = fit_counted(4, 5, 0);
    CHECK(c.batches == 5 && c.epochs == 2 && c.ends == 1);
    c = fit_counted(4, 6, 0);
    CHECK(c.batches == 6 && c.epochs == 2 && c.ends == 1);
}

TEST(a_callback_stops_after_its_batch) {
    counter c = fit_counted(4, 0, 7);
    CHECK(c.batches == 7 && c.epochs == 3 && c.ends == 1);
}

// ---- errors in words ----------------------------------------------------------------------------

static tarn_status compile_as(const char *loss, const char *metrics) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(4), 1, &m));
    tarn_model_add(m, tarn_dense(3));
    tarn_status st = tarn_model_compile(m, .loss = loss, .metrics = metrics);
    tarn_model_free(m);
    return st;
}

TEST(compile_reports_what_does_not_fit) {
    CHECK_ERR(compile_as("mean_square_error", NULL), TARN_ENOENT,
              "compile: unknown loss 'mean_square_error', did you mean 'mean_squared_error'?");
    CHECK_ERR(compile_as("mse", "accuracy"), TARN_EDTYPE, "metric 'accuracy' expects class labels");
    CHECK_ERR(compile_as("mse", "mae,mae"), TARN_EARG, "metric 'mae' is there twice");
    CHECK_ERR(compile_as(NULL, NULL), TARN_ESTATE, "call tarn_model_compile first");
}

TEST(a_models_error_is_reported_by_compile) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(2, 2), 1, &m));
    tarn_model_add(m, tarn_dense(3));
    CHECK_ERR(tarn_model_compile(m, .loss = "mse"), TARN_ESHAPE, "layer 'dense' expects");
    tarn_model_free(m);
}

static tarn_status fit_on(tarn_shape x, tarn_shape y, bool labels) {
    tarn_dataset d = {.name = "odd", .classes = labels ? 20 : 0};
    tarn_model *m = NULL;
    CHECK_OK(tarn_tensor_create(TARN_F32, x, &d.x));
    CHECK_OK(tarn_tensor_create(labels ? TARN_I32 : TARN_F32, y, &d.y));
    CHECK_OK(tarn_sequential(TARN_SHAPE(4), 1, &m));
    tarn_model_add(m, tarn_dense(3));
    CHECK_OK(tarn_model_compile(m, .loss = labels ? "sparse_categorical_crossentropy" : "mse"));
    tarn_status st = tarn_model_fit(m, &d, .epochs = 1);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
    return st;
}

TEST(data_that_does_not_fit_is_answered_in_words) {
    CHECK_ERR(fit_on(TARN_SHAPE(6, 2, 3), TARN_SHAPE(6, 3), false), TARN_ESHAPE,
              "the model expects samples of 4, data set 'odd' has 2x3");
    CHECK_ERR(fit_on(TARN_SHAPE(6, 4), TARN_SHAPE(6, 2), false), TARN_ESHAPE,
              "the model gives 3 a sample, the targets of data set 'odd' are 2");
    CHECK_ERR(fit_on(TARN_SHAPE(6, 4), TARN_SHAPE(6), true), TARN_ESHAPE,
              "data set 'odd' has 20 classes, the model's last layer 3 outputs");
}

static void digits_sha(int threads, char sha[65]) {
    tarn_dataset train, test;
    make_digits(600, 10, &train, &test);
    CHECK_OK(tarn_set_threads(threads));
    tarn_model *m = small_model(tarn_adam());
    CHECK_OK(tarn_model_fit(m, &train, .batch_size = 100, .epochs = 2));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    tarn_model_free(m);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
}

TEST(threads_do_not_change_a_bit) {
    char one[65], more[65];
    digits_sha(1, one);
    digits_sha(2, more);
    CHECK_STR(more, one);
    digits_sha(7, more);
    CHECK_STR(more, one);
}

TEST(a_step_makes_no_allocation) {
    tarn_dataset d;
    make_line(&d);
    tarn_model *m = line_model(0.001);
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 5, .epochs = 1));
    uint64_t before = ti_alloc_stats_now().calls;
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 1, .epochs = 1, .max_steps = 1));
    uint64_t one = ti_alloc_stats_now().calls - before;
    before = ti_alloc_stats_now().calls;
    CHECK_OK(tarn_model_fit(m, &d, .batch_size = 1, .epochs = 1, .max_steps = 4));
    CHECK_EQ_I(ti_alloc_stats_now().calls - before, one);
    tarn_model_free(m);
    tarn_dataset_clear(&d);
}
