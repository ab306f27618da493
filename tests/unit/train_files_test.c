// Model files and checkpoints: round trip, resume bit for bit, damage answered in words.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"
#include "train/trainer.h"

enum { SAMPLES = 330, BATCH = 32, EPOCHS = 3 };  // 11 batches an epoch, the last one small

static tarn_model *make_model(void) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), 9, &m));
    tarn_model_add(m, tarn_dense(17, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.3));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_adam(.learning_rate = 0.01),
                                .loss = "sparse_categorical_crossentropy", .metrics = "accuracy"));
    return m;
}

static void make_data(tarn_dataset *train, tarn_dataset *test) {
    CHECK_OK(tarn_data_digits(2, SAMPLES, 100, train, test));
    train->flatten = test->flatten = true;
}

static void path_in(char out[256], const char *name) {
    static const char *dir;
    if (!dir) dir = test_dir();
    snprintf(out, 256, "%s/%s", dir, name);
}

static double rate_of(void *user, int64_t epoch, double rate) {
    (void)user;
    return epoch ? rate * 0.9 : rate;
}

// A fit with every part that has a memory: schedule, early stopping with kept weights.
static tarn_status train(tarn_model *m, const tarn_fit_opts *given, tarn_logs *logs) {
    tarn_dataset data, test;
    tarn_callback cb[2];
    tarn_fit_opts o = *given;
    make_data(&data, &test);
    CHECK_OK(tarn_learning_rate_scheduler(rate_of, NULL, &cb[0]));
    CHECK_OK(tarn_early_stopping(&cb[1], .patience = 2, .restore_best = true));
    o.batch_size = o.batch_size ? o.batch_size : BATCH;
    o.epochs = EPOCHS;
    o.validation = &test;
    o.callbacks = cb;
    o.n_callbacks = 2;
    o.result = logs;
    tarn_status st = tarn_model_fit_(m, &data, &o);
    for (int i = 0; i < 2; i++) cb[i].destroy(cb[i].self);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
    return st;
}

static void straight(char sha[65], tarn_logs *logs) {
    tarn_model *m = make_model();
    CHECK_OK(train(m, &(tarn_fit_opts){0}, logs));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    tarn_model_free(m);
}

static void check_same_logs(const tarn_logs *a, const tarn_logs *b) {
    CHECK_EQ_I(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        CHECK_STR(a->item[i].name, b->item[i].name);
        CHECK(a->item[i].value == b->item[i].value);
    }
}

// Stopped after any number of steps, in a new model each time, the end is the same to the bit.
TEST(a_fit_resumed_at_any_step_gives_the_same_bits) {
    char sha[65], again[65], path[256];
    tarn_logs logs = {0}, resumed = {0};
    path_in(path, "run.st");
    straight(sha, &logs);
    for (int64_t stop = 4; stop < EPOCHS * 11; stop += 7) {
        remove(path);
        tarn_model *m = make_model();
        CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path, .max_steps = stop}, &resumed));
        tarn_model_free(m);
        m = make_model();
        CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true}, &resumed));
        CHECK_OK(tarn_store_sha256(tarn_model_store(m), again));
        CHECK_STR(again, sha);
        check_same_logs(&resumed, &logs);
        tarn_model_free(m);
    }
}

TEST(resuming_a_finished_fit_changes_nothing) {
    char sha[65], again[65], path[256];
    tarn_logs logs = {0}, resumed = {0};
    path_in(path, "run.st");
    tarn_model *m = make_model();
    CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path}, &logs));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    tarn_model_free(m);
    m = make_model();
    CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true}, &resumed));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), again));
    CHECK_STR(again, sha);
    check_same_logs(&resumed, &logs);
    tarn_model_free(m);
}

static tarn_status interrupt_at(void *self, tarn_fit_state *s) {
    if (s->step == 15) *(volatile int *)self = 1;
    return TARN_OK;
}

TEST(an_interrupt_saves_and_says_so) {
    char sha[65], again[65], path[256];
    tarn_logs logs = {0};
    volatile int flag = 0;
    tarn_dataset data, test;
    tarn_callback cb = {.self = (void *)(uintptr_t)&flag, .on_batch_end = interrupt_at};
    path_in(path, "run.st");
    make_data(&data, &test);
    tarn_model *m = make_model();
    CHECK_ERR(tarn_model_fit(m, &data, .batch_size = BATCH, .epochs = EPOCHS, .checkpoint = path,
                             .interrupt = &flag, .callbacks = &cb, .n_callbacks = 1),
              TARN_ECANCELLED, "stopped on request after step 15, saved in ");
    tarn_model_free(m);
    m = make_model();
    CHECK_OK(tarn_model_fit(m, &data, .batch_size = BATCH, .epochs = EPOCHS, .checkpoint = path,
                            .resume = true));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), again));
    tarn_model_free(m);
    m = make_model();
    CHECK_OK(tarn_model_fit(m, &data, .batch_size = BATCH, .epochs = EPOCHS));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    CHECK_STR(again, sha);
    tarn_model_free(m);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
    (void)logs;
}

// ---- model files --------------------------------------------------------------------------------

TEST(a_saved_model_needs_no_compile_to_evaluate_and_predict) {
    char sha[65], again[65], path[256];
    tarn_dataset data, test;
    tarn_logs a, b;
    tarn_tensor *p = NULL, *q = NULL;
    path_in(path, "model.st");
    make_data(&data, &test);
    tarn_model *m = make_model(), *n = NULL;
    CHECK_OK(tarn_model_fit(m, &data, .batch_size = BATCH));
    CHECK_OK(tarn_model_save(m, path, false));
    CHECK_OK(tarn_model_load(path, &n));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    CHECK_OK(tarn_store_sha256(tarn_model_store(n), again));
    CHECK_STR(again, sha);
    CHECK_EQ_I(tarn_store_count(tarn_model_store(n)), 4);
    CHECK_OK(tarn_model_evaluate(m, &test, 0, &a));
    CHECK_OK(tarn_model_evaluate(n, &test, 0, &b));
    check_same_logs(&a, &b);
    CHECK_OK(tarn_model_predict(m, test.x, 0, &p));
    CHECK_OK(tarn_model_predict(n, test.x, 0, &q));
    CHECK(!memcmp(tarn_tensor_cdata(p), tarn_tensor_cdata(q), tarn_tensor_bytes(p)));
    CHECK(tarn_model_preprocessing(n).scale == data.scale);
    CHECK(tarn_model_preprocessing(n).flatten);
    tarn_tensor_release(p);
    tarn_tensor_release(q);
    tarn_model_free(m);
    tarn_model_free(n);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
}

static void checkpoint_of(const char *path, int64_t steps) {
    tarn_logs logs;
    tarn_model *m = make_model();
    CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path, .max_steps = steps}, &logs));
    tarn_model_free(m);
}

static void flip_byte(const char *path, size_t from_end) {
    uint8_t *data = NULL;
    size_t size;
    CHECK_OK(ti_file_read(path, 1 << 26, &data, &size));
    data[size - from_end] ^= 0x40;
    CHECK_OK(ti_file_write(path, data, size));
    ti_free(data);
}

TEST(a_damaged_checkpoint_offers_the_one_before) {
    char path[256], prev[300];
    tarn_logs logs;
    tarn_model *m = make_model(), *n = NULL;
    path_in(path, "run.st");
    snprintf(prev, sizeof prev, "%s.prev", path);
    checkpoint_of(path, 25);  // written at 11, 22 and 25
    CHECK(ti_file_exists(prev));
    flip_byte(path, 1000);
    CHECK_ERR(train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true}, &logs), TARN_EFORMAT,
              "damaged: its checksum is");
    CHECK(strstr(tarn_last_error(), "the checkpoint before it is"));
    CHECK(strstr(tarn_last_error(), prev));
    CHECK_ERR(tarn_model_load(path, &n), TARN_EFORMAT, "damaged");
    CHECK_OK(tarn_model_load(prev, &n));
    tarn_model_free(n);
    tarn_model_free(m);
}

TEST(a_kill_between_the_renames_is_mended) {
    char path[256], next[300], sha[65], again[65];
    tarn_logs logs = {0}, resumed = {0};
    path_in(path, "run.st");
    snprintf(next, sizeof next, "%s.next", path);
    straight(sha, &logs);
    checkpoint_of(path, 25);
    CHECK(!rename(path, next));
    tarn_model *m = make_model();
    CHECK_OK(train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true}, &resumed));
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), again));
    CHECK_STR(again, sha);
    tarn_model_free(m);
}

TEST(a_checkpoint_of_another_run_is_refused) {
    char path[256];
    tarn_dataset data, test;
    tarn_logs logs;
    path_in(path, "run.st");
    checkpoint_of(path, 12);
    make_data(&data, &test);
    tarn_model *m = make_model();
    CHECK_ERR(
        train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true, .batch_size = 16}, &logs),
        TARN_ESTATE, "was made with batches of 32, not 16");
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_sgd(),
                                .loss = "sparse_categorical_crossentropy", .metrics = "accuracy"));
    CHECK_ERR(train(m, &(tarn_fit_opts){.checkpoint = path, .resume = true}, &logs), TARN_ESTATE,
              "is of another run: not the same loss, metrics or optimizer");
    tarn_model_free(m);
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), 9, &m));
    tarn_model_add(m, tarn_dense(10));
    CHECK_OK(tarn_model_compile(m, .loss = "sparse_categorical_crossentropy"));
    CHECK_ERR(tarn_model_fit(m, &data, .checkpoint = path, .resume = true), TARN_ESTATE,
              "not the same layers");
    tarn_model_free(m);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
}

TEST(a_place_that_cannot_be_written_is_found_before_training) {
    tarn_logs logs;
    tarn_model *m = make_model();
    CHECK_ERR(tarn_model_save(m, "/nonexistent/dir/m.st", false), TARN_ENOENT, "save '/nonexi");
    CHECK_ERR(train(m, &(tarn_fit_opts){.checkpoint = "/nonexistent/dir/m.st"}, &logs), TARN_ENOENT,
              "fit: checkpoint '/nonexistent/dir/m.st'");
    tarn_model_free(m);
}

// ---- hostile files ------------------------------------------------------------------------------

static tarn_status load_bytes(const char *path, const uint8_t *data, size_t size) {
    tarn_model *m = NULL;
    CHECK_OK(ti_file_write(path, data, size));
    tarn_status st = tarn_model_load(path, &m);
    tarn_model_free(m);
    return st;
}

static void write_with(const char *path, const char *description, tarn_shape kernel) {
    tarn_tensor *k = NULL;
    CHECK_OK(tarn_tensor_create(TARN_F32, kernel, &k));
    tarn_named_tensor t = {"dense/kernel", k};
    tarn_pair meta = {TI_META_MODEL, description};
    CHECK_OK(tarn_safetensors_write(path, &t, 1, &meta, description ? 1 : 0));
    tarn_tensor_release(k);
}

#define MODEL                                                                                 \
    "{\"format\":\"tarn.model\",\"version\":1,\"input\":[4],\"layers\":[{\"kind\":\"dense\"," \
    "\"units\":%s,\"use_bias\":false}]}"

TEST(weights_that_do_not_fit_are_refused_before_any_is_made) {
    char path[256], text[256];
    tarn_model *m = NULL;
    path_in(path, "m.st");
    write_with(path, NULL, TARN_SHAPE(4, 3));
    CHECK_ERR(tarn_model_load(path, &m), TARN_EFORMAT, "no Tarn model");
    snprintf(text, sizeof text, MODEL, "400000000");  // 6.4 GB, if it were believed
    write_with(path, text, TARN_SHAPE(4, 3));
    CHECK_ERR(tarn_model_load(path, &m), TARN_EFORMAT, "weight 'dense/kernel' does not have the");
    snprintf(text, sizeof text, MODEL, "3,\"name\":\"other\"");
    write_with(path, text, TARN_SHAPE(4, 3));
    CHECK_ERR(tarn_model_load(path, &m), TARN_EFORMAT, "no weight 'other/kernel'");
    snprintf(text, sizeof text, MODEL, "3");
    write_with(path, text, TARN_SHAPE(4, 3));
    CHECK_OK(tarn_model_load(path, &m));
    tarn_model_free(m);
}

TEST(a_model_file_cut_anywhere_is_refused) {
    char path[256], text[256];
    uint8_t *data = NULL;
    size_t size;
    path_in(path, "m.st");
    snprintf(text, sizeof text, MODEL, "2");
    write_with(path, text, TARN_SHAPE(4, 2));
    CHECK_OK(ti_file_read(path, 1 << 20, &data, &size));
    for (size_t n = 0; n < size; n++) CHECK(load_bytes(path, data, n) != TARN_OK);
    CHECK_OK(load_bytes(path, data, size));
    ti_free(data);
}
