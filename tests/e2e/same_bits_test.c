// A whole training comes to the same weights, bit for bit, whichever passes are left out, whether
// results take over memory and kernels are compiled, and on whatever instruction set and number of
// threads.
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

enum { SAMPLES = 200, BATCH = 64, EPOCHS = 2 };  // the last batch of an epoch is smaller

typedef struct way {
    const char *name, *isa;
    int threads;  // 0: 2
    tarn_compile_opts program;
} way;

static tarn_model *make_model(const way *w) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), 3, &m));
    tarn_model_add(m, tarn_dense(48, .activation = "relu"));
    tarn_model_add(m, tarn_dropout_layer(0.25));
    tarn_model_add(m, tarn_dense(33, .activation = "tanh"));
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .loss = "sparse_categorical_crossentropy", .metrics = "accuracy",
                                .program = w->program, .optimizer = tarn_rmsprop(.momentum = 0.9)));
    return m;
}

static void train(const way *w, char sha[65]) {
    tarn_dataset data, test;
    CHECK_OK(tarn_set_threads(w->threads ? w->threads : 2));
    if (w->isa) {
        setenv("TARN_ISA", w->isa, 1);
    } else {
        unsetenv("TARN_ISA");
    }
    CHECK_OK(tarn_data_digits(5, SAMPLES, 1, &data, &test));
    data.flatten = true;
    tarn_model *m = make_model(w);
    CHECK_OK(tarn_model_fit(m, &data, .batch_size = BATCH, .epochs = EPOCHS));
    if (w->program.jit == TARN_JIT_WAIT && !tarn_program_stats(tarn_model_step(m)).compiled)
        SKIP("kernels cannot be compiled here");
    CHECK_OK(tarn_store_sha256(tarn_model_store(m), sha));
    tarn_model_free(m);
    tarn_dataset_clear(&data);
    tarn_dataset_clear(&test);
}

static void check_ways(const way *ways, size_t n) {
    char want[65], got[65];
    setenv("XDG_CACHE_HOME", test_dir(), 1);
    unsetenv("TARN_JIT");
    train(&(way){.program.jit = TARN_JIT_OFF}, want);
    for (size_t i = 0; i < n; i++) {
        train(&ways[i], got);
        if (strcmp(got, want))
            test_fail(__FILE__, __LINE__, "%s: other bits: %.16s, not %.16s", ways[i].name, got,
                      want);
    }
}
#define CHECK_WAYS(ways) check_ways(ways, sizeof(ways) / sizeof *(ways))

TEST(passes_do_not_change_a_bit) {
    static const way ways[] = {
        {.name = "not specialised", .program = {.skip_pass = "specialise", .jit = TARN_JIT_OFF}},
        {.name = "not simplified", .program = {.skip_pass = "simplify", .jit = TARN_JIT_OFF}},
        {.name = "not fused", .program = {.skip_pass = "fuse", .jit = TARN_JIT_OFF}},
        {.name = "none of these",
         .program = {.skip_pass = "specialise,simplify,fuse,in_place", .jit = TARN_JIT_OFF}},
    };
    CHECK_WAYS(ways);
}

TEST(memory_that_is_reused_does_not_change_a_bit) {
    static const way ways[] = {
        {.name = "no results in place", .program = {.no_in_place = true, .jit = TARN_JIT_OFF}},
        {.name = "dead buffers poisoned", .program = {.poison = true, .jit = TARN_JIT_OFF}},
        {.name = "both", .program = {.no_in_place = true, .poison = true, .jit = TARN_JIT_OFF}},
    };
    CHECK_WAYS(ways);
}

TEST(threads_do_not_change_a_bit) {
    static const way ways[] = {
        {.name = "1 thread", .threads = 1, .program.jit = TARN_JIT_OFF},
        {.name = "3 threads", .threads = 3, .program.jit = TARN_JIT_OFF},
        {.name = "8 threads", .threads = 8, .program.jit = TARN_JIT_OFF},
    };
    CHECK_WAYS(ways);
}

// An instruction set that this processor does not run stands for scalar.
TEST(instruction_sets_do_not_change_a_bit) {
    static const way ways[] = {
        {.name = "AVX-512", .isa = "avx512", .program.jit = TARN_JIT_OFF},
        {.name = "AVX2", .isa = "avx2", .program.jit = TARN_JIT_OFF},
        {.name = "NEON", .isa = "neon", .program.jit = TARN_JIT_OFF},
        {.name = "scalar", .isa = "scalar", .threads = 3, .program.jit = TARN_JIT_OFF},
    };
    CHECK_WAYS(ways);
}

TEST(compiled_kernels_do_not_change_a_bit) {
    static const way ways[] = {
        {.name = "compiled on the way", .program.jit = TARN_JIT_AUTO},
        {.name = "compiled", .program.jit = TARN_JIT_WAIT},
        {.name = "compiled, AVX2, nothing simplified or in place",
         .isa = "avx2",
         .program = {.skip_pass = "simplify,specialise",
                     .no_in_place = true,
                     .jit = TARN_JIT_WAIT}},
        {.name = "compiled, scalar, not fused, in poisoned memory",
         .isa = "scalar",
         .program = {.skip_pass = "fuse", .poison = true, .jit = TARN_JIT_WAIT}},
    };
    CHECK_WAYS(ways);
}
