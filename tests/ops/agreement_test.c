// Every op, on all samples and variants of its file: the CPU device agrees with the reference
// device, which shares no arithmetic with it; and the CPU gives one set of bits, however the graph
// was compiled, on whatever instruction set, with however many threads.
#include <stdlib.h>
#include <string.h>

#include "ops/support.h"

typedef struct way {
    const char *name, *device, *isa, *skip;
    int threads;
    bool poison, no_in_place;
} way;

// Run the sample one way; the result is copied, numel elements.
static void run(const ti_sample *s, const way *w, tarn_tensor **out) {
    tarn_program *p = NULL;
    tarn_shape shape;
    tarn_compile_opts o = {.jit = TARN_JIT_OFF,
                           .skip_pass = w->skip,
                           .poison = w->poison,
                           .no_in_place = w->no_in_place};
    if (w->isa) {
        setenv("TARN_ISA", w->isa, 1);
    } else {
        unsetenv("TARN_ISA");
    }
    CHECK_OK(tarn_set_threads(w->threads ? w->threads : 1));
    CHECK_OK(tarn_compile_opts_(s->g, TARN_FETCH(s->y), w->device, &o, &p));
    CHECK_OK(ti_sample_bind(s, p));
    CHECK_OK(tarn_run(p));
    const void *y = tarn_result(p, 0, &shape);
    CHECK(y);
    CHECK_OK(tarn_tensor_from(s->y->dtype, shape, y, out));
    tarn_program_free(p);
}

static void same_bits(const ti_sample *s, const char *op, const way *w, const tarn_tensor *want) {
    tarn_tensor *got = NULL;
    sample_reset_draws(s);
    run(s, w, &got);
    if (memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want)))
        test_fail(__FILE__, __LINE__, "%s, %s: other bits %s", op, s->text, w->name);
    tarn_tensor_release(got);
}

static void close_to_reference(const ti_sample *s, const tarn_tensor *got) {
    static const way ref = {.device = "ref"};
    tarn_tensor *want = NULL;
    sample_reset_draws(s);
    run(s, &ref, &want);
    check_agrees(got, want);
    tarn_tensor_release(want);
}

static void check_sample(const ti_sample *s, const char *op) {
    static const way plain = {.name = "as it is", .device = "cpu"};
    static const way ways[] = {
        {.name = "with AVX2", .device = "cpu", .isa = "avx2"},
        {.name = "without vectors", .device = "cpu", .isa = "scalar"},
        {.name = "with two threads", .device = "cpu", .threads = 2},
        {.name = "with three threads", .device = "cpu", .threads = 3},
        {.name = "unsimplified", .device = "cpu", .skip = "simplify"},
        {.name = "unspecialised", .device = "cpu", .skip = "specialise"},
        {.name = "unfused", .device = "cpu", .skip = "fuse"},
        {.name = "with dead buffers poisoned", .device = "cpu", .poison = true},
        {.name = "without in-place results", .device = "cpu", .no_in_place = true},
    };
    tarn_tensor *got = NULL;
    sample_reset_draws(s);
    run(s, &plain, &got);
    close_to_reference(s, got);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) same_bits(s, op, &ways[i], got);
    tarn_tensor_release(got);
}

// All samples and variants of an op; returns how many there were.
static int check_op(const ti_op *op, tarn_dtype dtype) {
    int count = 0;
    for (int sample = 0, variant = 0;;) {
        ti_sample s;
        CHECK_OK(ti_sample_make(op, sample, variant, dtype, &s));
        bool past = !s.g, next = s.g && !s.y;
        if (s.y) check_sample(&s, op->name);
        count += s.y != NULL;
        ti_sample_free(&s);
        if (past) return count;
        variant = next ? 0 : variant + 1;
        sample += next;
    }
}

static void check_all(tarn_dtype dtype) {
    int count = 0;
    for (const ti_op *const *op = ti_op_table; *op; op++) count += check_op(*op, dtype);
    CHECK(count > 150);
}

TEST(every_op_agrees_with_the_reference_and_has_one_result_in_f32) { check_all(TARN_F32); }
TEST(every_op_agrees_with_the_reference_and_has_one_result_in_f64) { check_all(TARN_F64); }
