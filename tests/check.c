// What the CHECK macros call.
#include <math.h>
#include <string.h>

#include "test.h"

void test_ok(const char *file, int line, const char *expr, tarn_status st) {
    if (st) test_fail(file, line, "%s: %s, \"%s\"", expr, tarn_status_name(st), tarn_last_error());
}

void test_err(const char *file, int line, const char *expr, tarn_status st, tarn_status want,
              const char *text) {
    if (st != want)
        test_fail(file, line, "%s: %s, expected %s (\"%s\")", expr, tarn_status_name(st),
                  tarn_status_name(want), tarn_last_error());
    if (!strstr(tarn_last_error(), text))
        test_fail(file, line, "%s: \"%s\" does not contain \"%s\"", expr, tarn_last_error(), text);
}

static void close_one(const test_place *p, int64_t i, double got, double want, test_tol tol) {
    if (got == want || (isnan(got) && isnan(want))) return;  // equal infinities too
    double allowed = tol.absolute + tol.relative * fabs(want);
    if (isfinite(want) && fabs(got - want) <= allowed) return;
    test_fail(p->file, p->line, "%s[%lld] is %.9g, expected %.9g, allowed difference %.3g", p->expr,
              (long long)i, got, want, allowed);
}

void test_close_f32(const test_place *p, const float *got, const double *want, int64_t n,
                    test_tol tol) {
    for (int64_t i = 0; i < n; i++) close_one(p, i, (double)got[i], want[i], tol);
}

void test_close_f64(const test_place *p, const double *got, const double *want, int64_t n,
                    test_tol tol) {
    for (int64_t i = 0; i < n; i++) close_one(p, i, got[i], want[i], tol);
}

void test_eq_i(const char *file, int line, const char *expr, long long a, long long b) {
    if (a != b) test_fail(file, line, "%s: %lld and %lld", expr, a, b);
}

void test_str(const char *file, int line, const char *expr, const char *a, const char *b) {
    if (!a || strcmp(a, b) != 0)
        test_fail(file, line, "%s is \"%s\", expected \"%s\"", expr, a ? a : "(NULL)", b);
}
