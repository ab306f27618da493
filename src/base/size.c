// Sizes that cannot wrap silently. *out stays as it was on overflow.
#include "base/base.h"

tarn_status ti_mul(size_t a, size_t b, size_t *out) {
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return ti_error(TARN_ELIMIT, "size %zu x %zu is too large", a, b);
    *out = r;
    return TARN_OK;
}

tarn_status ti_add(size_t a, size_t b, size_t *out) {
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return ti_error(TARN_ELIMIT, "size %zu + %zu is too large", a, b);
    *out = r;
    return TARN_OK;
}
