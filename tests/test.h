// Test programs: TEST(claim) { CHECK(...); }. Linked with tests/runner.c, which has main.
//
// Each test runs in a process of its own, so a crash, a hang or a changed global state fails one
// test only. The first failed CHECK ends its test; use CHECK and SKIP on the test's main thread.
#ifndef TEST_H
#define TEST_H

#include <stdio.h>

#include "base/base.h"

typedef struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
} test_case;

void test_register(test_case *t);

// A test's name is a claim: softmax_does_not_overflow_on_large_inputs.
#define TEST(name)                                                        \
    static void case_##name(void);                                        \
    __attribute__((constructor)) static void test_register_##name(void) { \
        static test_case self = {#name, case_##name, NULL};               \
        test_register(&self);                                             \
    }                                                                     \
    static void case_##name(void)

// ---- ends of a test ----------------------------------------------------------------------------
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...) TARN_PRINTF(3, 4);
_Noreturn void test_skip(const char *fmt, ...) TARN_PRINTF(1, 2);
#define SKIP(...) test_skip(__VA_ARGS__)

// ---- checks ------------------------------------------------------------------------------------
#define CHECK(cond) ((cond) ? (void)0 : test_fail(__FILE__, __LINE__, "%s", #cond))
#define CHECK_OK(expr) test_ok(__FILE__, __LINE__, #expr, (expr))
// The call must fail with this status, and the sentence must contain `text`.
#define CHECK_ERR(expr, status, text) test_err(__FILE__, __LINE__, #expr, (expr), status, text)
// |got - want| <= atol + rtol * |want| for each of n values; NaN equals NaN. got: float or double.
#define CHECK_CLOSE(got, want, n, rtol, atol) \
    TEST_CLOSE(got)                           \
    (&(test_place){__FILE__, __LINE__, #got}, got, want, (int64_t)(n), (test_tol){rtol, atol})
// clang-format off
#define TEST_CLOSE(got) _Generic((got)[0], float: test_close_f32, double: test_close_f64)
// clang-format on
#define CHECK_EQ_I(a, b) test_eq_i(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
#define CHECK_STR(a, b) test_str(__FILE__, __LINE__, #a, a, b)

typedef struct test_place {
    const char *file;
    int line;
    const char *expr;
} test_place;

typedef struct test_tol {
    double relative, absolute;
} test_tol;

void test_ok(const char *file, int line, const char *expr, tarn_status st);
void test_err(const char *file, int line, const char *expr, tarn_status st, tarn_status want,
              const char *text);
void test_close_f32(const test_place *p, const float *got, const double *want, int64_t n,
                    test_tol tol);
void test_close_f64(const test_place *p, const double *got, const double *want, int64_t n,
                    test_tol tol);
void test_eq_i(const char *file, int line, const char *expr, long long a, long long b);
void test_str(const char *file, int line, const char *expr, const char *a, const char *b);

// ---- surroundings ------------------------------------------------------------------------------
// Folder of real data and golden files: $TARN_SHARED, else ../shared beside the repository; NULL
// when absent, and then a test that needs it skips.
const char *test_shared(void);
// Root of the repository; and the tarn program of this build ($TARN when set).
const char *test_source_dir(void);
const char *test_program(void);
// A folder of this test, empty at first, removed after it.
const char *test_dir(void);
// Seed of this run (printed; --seed changes it), and numbers from it: uniform in [lo, hi).
uint64_t test_seed(void);
void test_uniform(float *x, size_t n, double lo, double hi);

#endif
