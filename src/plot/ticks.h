// Ticks of an axis: round values (1, 2 or 5 times a power of ten) and their text.
//
// A tick is an integer multiple of the step and the step an integer times a power of ten, so a
// tick's value is computed with one rounding: the third tick of step 0.1 is 0.3, not 0.1+0.1+0.1.
#ifndef TI_PLOT_TICKS_H
#define TI_PLOT_TICKS_H

#include "base/base.h"

typedef struct ti_ticks {
    int64_t first;  // of the first tick, in steps
    int count;      // at least 1
    int digit;      // step = digit * 10^power; digit is 1, 2 or 5
    int power;
} ti_ticks;

// Magnitudes beyond this are not drawn: the width of an axis must not overflow.
#define TI_TICKS_MAX 1e300

// At most `max_count` (3 or more) ticks; the first is not above lo, the last not below hi.
// lo <= hi, both within TI_TICKS_MAX. A range too narrow for its magnitude is widened.
ti_ticks ti_ticks_around(double lo, double hi, int max_count);

// At most `max_count` (2 or more) whole numbers from lo to hi. lo <= hi, with a whole number
// between them.
ti_ticks ti_ticks_whole(double lo, double hi, int max_count);

// Value of tick i.
double ti_tick_value(const ti_ticks *t, int i);

// Text of tick i, all with the same number of decimals; very large and small ones like "2e-6". The
// minus is the long one (U+2212). Returns `text`.
enum { TI_TICK_TEXT_CAP = 48 };
const char *ti_tick_text(const ti_ticks *t, int i, char text[TI_TICK_TEXT_CAP]);

#endif
