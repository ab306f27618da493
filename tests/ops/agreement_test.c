// Every op, on all samples and variants of its file: the CPU device agrees with the reference
// device, which shares no arithmetic with it; and the CPU gives one set of bits, however the graph
// was compiled, on whatever instruction set, with however many threads.
#include <stdlib.h>
#include <string.h>

#include "exec/sample.h"
#include "test.h"

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

// Draws differ from run to run: the counter is put back, so that every way sees the same bits.
static void reset_draws(const ti_sample *s) {
    const char *step = TARN_STATE_PREFIX "random/step";
    tarn_tensor *zero = NULL;
    if (!tarn_store_has(s->store, step)) return;
    CHECK_OK(tarn_tensor_create(TARN_I64, TARN_SCALAR, &zero));
    CHECK_OK(tarn_store_set(s->store, step, zero));
    tarn_tensor_release(zero);
}

static void same_bits(const ti_sample *s, const char *op, const way *w, const tarn_tensor *want) {
    tarn_tensor *got = NULL;
    reset_draws(s);
    run(s, w, &got);
    if (memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want)))
        test_fail(__FILE__, __LINE__, "%s, %s: other bits %s", op, s->text, w->name);
    tarn_tensor_release(got);
}

// The absolute part is for sums that cancel: 600 products up to 4 come to partial sums near 50,
// whose 600 roundings of 2^-19 add up to some 1e-4 at worst.
static void close_to_reference(const ti_sample *s, const tarn_tensor *got) {
    static const way ref = {.device = "ref"};
    tarn_tensor *want = NULL, *wide = NULL;
    reset_draws(s);
    run(s, &ref, &want);
    CHECK_OK(tarn_tensor_cast(want, TARN_F64, &wide));
    int64_t n = tarn_tensor_numel(want);
    if (s->y->dtype == TARN_F32) {
        CHECK_CLOSE((const float *)tarn_tensor_cdata(got), tarn_tensor_cdata(wide), n, 2e-6, 1e-4);
    } else if (s->y->dtype == TARN_F64) {
        CHECK_CLOSE((const double *)tarn_tensor_cdata(got), tarn_tensor_cdata(wide), n, 1e-13,
                    1e-12);
    } else {
        CHECK(!memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want)));
    }
    tarn_tensor_release(want);
    tarn_tensor_release(wide);
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
    reset_draws(s);
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
