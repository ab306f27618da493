// Ticks: try the steps 1, 2, 5, 10, ... from one that is surely too fine until few enough remain.
#include "plot/ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Slack, in steps, for ends that miss a tick by a rounding error.
static const double slack = 1e-9;

// From this power of ten on, and below the second, numbers are written with an exponent.
enum { LARGE_POWER = 6, SMALL_POWER = -4 };

// n * 10^power; a division for negative powers, whose powers of ten are not exact.
static double scaled(double n, int power) {
    if (power >= 0) return n * pow(10.0, power);
    if (power >= -300) return n / pow(10.0, -power);
    return n / 1e300 / pow(10.0, -power - 300);
}

static void coarser(ti_ticks *t) {
    if (t->digit == 5) t->power++;
    t->digit = t->digit == 1 ? 2 : t->digit == 2 ? 5 : 1;
}

// The finest power of ten that may do: it gives at most ten times the ticks asked for.
static ti_ticks finest(double range, int max_count) {
    return (ti_ticks){.digit = 1, .power = (int)floor(log10(range / max_count))};
}

ti_ticks ti_ticks_around(double lo, double hi, int max_count) {
    double size = fmax(fabs(lo), fabs(hi));
    double least = fmax(size * 1e-9, 1e-290);  // narrower ones have no distinct tick texts
    if (hi - lo < least) {
        double middle = lo / 2 + hi / 2, half = size > 1e-290 ? size / 10 : 0.5;
        lo = middle - half;
        hi = middle + half;
    }
    ti_ticks t = finest(hi - lo, max_count);
    for (;; coarser(&t)) {
        double step = scaled(t.digit, t.power);
        t.first = (int64_t)floor(lo / step + slack);
        int64_t last = (int64_t)ceil(hi / step - slack);
        t.count = (int)(last - t.first + 1);
        if (t.count <= max_count) return t;
    }
}

ti_ticks ti_ticks_whole(double lo, double hi, int max_count) {
    ti_ticks t = finest(fmax(hi - lo, 1), max_count);
    if (t.power < 0) t = (ti_ticks){.digit = 1};
    for (;; coarser(&t)) {
        double step = scaled(t.digit, t.power);
        t.first = (int64_t)ceil(lo / step - slack);
        int64_t last = (int64_t)floor(hi / step + slack);
        t.count = (int)(last - t.first + 1);
        if (t.count <= max_count) return t;
    }
}

double ti_tick_value(const ti_ticks *t, int i) {
    return scaled((double)((t->first + i) * t->digit), t->power);
}

// Power of ten of the leading digit of n, n > 0.
static int leading_power(int64_t n) {
    int power = 0;
    for (; n >= 10; n /= 10) power++;
    return power;
}

// "1.5e6": the integer n times 10^power with an exponent, without needless zeros.
static void exponent_text(int64_t n, int power, char *text, size_t cap) {
    if (n == 0) {
        snprintf(text, cap, "0");
        return;
    }
    for (; n % 10 == 0; n /= 10) power++;
    int lead = leading_power(n);
    double mantissa = scaled((double)n, -lead);
    snprintf(text, cap, "%.*fe%d", lead, mantissa, power + lead);
}

const char *ti_tick_text(const ti_ticks *t, int i, char text[TI_TICK_TEXT_CAP]) {
    int64_t n = (t->first + i) * t->digit, size = n < 0 ? -n : n;
    int64_t end = ti_max_i64(-t->first, t->first + t->count - 1) * t->digit;
    int largest = t->power + leading_power(ti_max_i64(end, 1));
    size_t used = 0;
    if (n < 0) {
        memcpy(text, "\u2212", 3);
        used = 3;
    }
    if (largest >= LARGE_POWER || largest < SMALL_POWER)
        exponent_text(size, t->power, text + used, TI_TICK_TEXT_CAP - used);
    else
        snprintf(text + used, TI_TICK_TEXT_CAP - used, "%.*f", t->power < 0 ? -t->power : 0,
                 scaled((double)size, t->power));
    return text;
}
