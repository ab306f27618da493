// What the examples share: ending with the library's sentence, and MNIST or its stand-in.
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <tarn/tarn.h>

// Every fallible call of an example stands in this: on an error, say why and end.
#define DO(call)                                               \
    do {                                                       \
        if ((call) != TARN_OK) {                               \
            fprintf(stderr, "error: %s\n", tarn_last_error()); \
            exit(EXIT_FAILURE);                                \
        }                                                      \
    } while (0)

// Arguments of the examples: [DATA_DIR] [SEED].
static inline const char *example_dir(int argc, char **argv) { return argc > 1 ? argv[1] : NULL; }

static inline uint64_t example_seed(int argc, char **argv) {
    return argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
}

// MNIST from DATA_DIR or the usual places; generated digits, and a word about it, without one.
// Samples come as [batch, 784], 0 to 1.
static inline void example_mnist(int argc, char **argv, tarn_dataset *train, tarn_dataset *test) {
    const char *dir = example_dir(argc, argv);
    tarn_status st = tarn_data_mnist(dir, train, test);
    if (st == TARN_ENOENT && !dir) {
        printf("No MNIST found: training on generated digits. Results are not MNIST's.\n");
        st = tarn_data_digits(example_seed(argc, argv), 60000, 10000, train, test);
    }
    DO(st);
    train->flatten = test->flatten = true;
}

#endif
