// What `tarn train FILE --data DIR` does up to its first finished step; then the process ends, so
// that it can be timed from outside. Built and run by 50_start.sh.
#include <stdio.h>
#include <stdlib.h>
#include <tarn/tarn.h>

static tarn_status stop(void *self, tarn_fit_state *s) {
    (void)self;
    printf("loss %g\n", tarn_logs_get(&s->logs, "loss"));
    fflush(stdout);
    _Exit(EXIT_SUCCESS);
}

static tarn_status train(const char *file, const char *dir) {
    tarn_experiment *e;
    tarn_dataset data, test;
    tarn_model *m;
    const tarn_callback at_step = {.on_batch_end = stop};
    TARN_TRY(tarn_experiment_read(file, NULL, 0, &e));
    tarn_experiment_info info = tarn_experiment_get(e);
    TARN_TRY(tarn_experiment_data(e, dir, &data, &test));
    TARN_TRY(tarn_experiment_model(e, &data, info.seed, &m));
    TARN_TRY(tarn_model_compile(m, .optimizer = info.optimizer, .loss = info.loss,
                                .metrics = info.metrics));
    return tarn_model_fit(m, &data, .batch_size = info.batch, .epochs = info.epochs,
                          .validation = &test, .callbacks = &at_step, .n_callbacks = 1);
}

int main(int argc, char **argv) {
    if (argc != 3) return EXIT_FAILURE;
    if (train(argv[1], argv[2])) fprintf(stderr, "error: %s\n", tarn_last_error());
    return EXIT_FAILURE;  // the first step ends the process
}
