// f16 (IEEE binary16) and bf16 (the upper half of an f32), bit by bit: slow and plain. What runs
// per element is in codegen/prelude.h.
#include <math.h>

#include "base/base.h"

typedef struct format {
    int bits;  // of the fraction
    int bias, top;
} format;
static const format formats[] = {{10, 15, 31}, {7, 127, 255}};

double ti_half_value(uint16_t half, bool brain) {
    const format *f = &formats[brain];
    int exponent = (half >> f->bits) & f->top, fraction = half & ((1 << f->bits) - 1);
    double x;
    if (exponent == f->top) {
        x = fraction ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        x = ldexp(fraction, 1 - f->bias - f->bits);
    } else {
        x = ldexp(fraction + (1 << f->bits), exponent - f->bias - f->bits);
    }
    return half & 0x8000 ? -x : x;
}

uint16_t ti_half_bits(double x, bool brain) {
    const format *f = &formats[brain];
    int sign = signbit(x) ? 0x8000 : 0, infinity = f->top << f->bits;
    if (isnan(x)) return (uint16_t)(sign | infinity | 1 << (f->bits - 1));
    if (isinf(x)) return (uint16_t)(sign | infinity);
    if (x == 0) return (uint16_t)sign;
    int exponent = ilogb(x) < 1 - f->bias ? 1 - f->bias : ilogb(x);
    if (exponent > f->bias) return (uint16_t)(sign | infinity);
    double fraction = nearbyint(ldexp(fabs(x), f->bits - exponent));  // ties to even
    // a carry out of the fraction, also of a denormal, is the next exponent
    int half = (int)fraction + ((exponent + f->bias - 1) << f->bits);
    return (uint16_t)(sign | (half > infinity ? infinity : half));
}
