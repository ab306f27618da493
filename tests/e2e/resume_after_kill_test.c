// A training that is killed (SIGKILL) at any instant and resumed ends with the bits of one that was
// not. The parent only forks, kills and compares; each child is a training of its own.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tarn/tarn.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

enum { SAMPLES = 500, BATCH = 32, EPOCHS = 4 };

static char checkpoint[256], result[256];

static void prepare(void) {
    const char *dir = test_dir();
    snprintf(checkpoint, sizeof checkpoint, "%s/run.st", dir);
    snprintf(result, sizeof result, "%s/sha", dir);
}

// Dies at step *self, as often as not in the middle of an epoch.
static tarn_status die(void *self, tarn_fit_state *s) {
    if (s->step == *(int64_t *)self) kill(getpid(), SIGKILL);
    return TARN_OK;
}

static tarn_status train(tarn_model *m, const tarn_dataset *data, const tarn_dataset *test,
                         int64_t die_at) {
    tarn_callback cb[2] = {{.self = &die_at, .on_batch_end = die}};
    TARN_TRY(tarn_early_stopping(&cb[1], .patience = 2, .restore_best = true));
    tarn_status st = tarn_model_fit(m, data, .batch_size = BATCH, .epochs = EPOCHS,
                                    .validation = test, .checkpoint = checkpoint,
                                    .checkpoint_steps = 3, .resume = true, .callbacks = cb,
                                    .n_callbacks = 2);
    cb[1].destroy(cb[1].self);
    return st;
}

static tarn_status run(int64_t die_at) {
    tarn_dataset data, test;
    tarn_model *m = NULL;
    char sha[65];
    TARN_TRY(tarn_data_digits(4, SAMPLES, 100, &data, &test));
    data.flatten = test.flatten = true;
    TARN_TRY(tarn_sequential(TARN_SHAPE(784), 6, &m));
    tarn_model_add(m, tarn_dense(32, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.25));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    TARN_TRY(tarn_model_compile(m, .loss = "sparse_categorical_crossentropy",
                                .optimizer = tarn_rmsprop(.momentum = 0.9)));
    TARN_TRY(train(m, &data, &test, die_at));
    TARN_TRY(tarn_store_sha256(tarn_model_store(m), sha));
    tarn_model_free(m);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
    return ti_file_write(result, sha, strlen(sha));
}

static pid_t start(int64_t die_at) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        tarn_status st = run(die_at);
        if (st) printf("child: %s\n", tarn_last_error());
        fflush(stdout);
        _exit(st != TARN_OK);
    }
    return child;
}

// True when it ran to its end, false when it was killed; anything else fails the test.
static bool ended(pid_t child) {
    int how;
    CHECK(waitpid(child, &how, 0) == child);
    if (WIFSIGNALED(how)) {
        CHECK_EQ_I(WTERMSIG(how), SIGKILL);
        return false;
    }
    CHECK_EQ_I(WEXITSTATUS(how), 0);
    return true;
}

static void read_result(char sha[65]) {
    uint8_t *data = NULL;
    size_t size;
    CHECK_OK(ti_file_read(result, 64, &data, &size));
    memcpy(sha, data, size);
    sha[size] = 0;
    ti_free(data);
    remove(checkpoint);
    remove(result);
}

static double undisturbed(char sha[65]) {
    double began = ti_now();
    prepare();
    CHECK(ended(start(0)));
    read_result(sha);
    return ti_now() - began;
}

TEST(killed_at_chosen_steps_it_ends_with_the_same_bits) {
    static const int64_t steps[] = {1, 2, 17, 18, 33, 50, 64};  // 16 an epoch
    char sha[65], again[65];
    undisturbed(sha);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) CHECK(!ended(start(steps[i])));
    CHECK(ended(start(0)));
    read_result(again);
    CHECK_STR(again, sha);
}

static void wait_seconds(double s) {
    struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

TEST(killed_at_any_time_it_ends_with_the_same_bits) {
    char sha[65], again[65];
    double whole = undisturbed(sha);
    for (int round = 0; round < 3; round++) {
        float share[6];
        test_uniform(share, 6, 0, 1);
        for (int i = 0; i < 6; i++) {
            pid_t child = start(0);
            wait_seconds((double)share[i] * whole);
            kill(child, SIGKILL);
            (void)ended(child);
        }
        CHECK(ended(start(0)));
        read_result(again);
        CHECK_STR(again, sha);
    }
}
