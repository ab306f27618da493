// Tick values and texts of axes, against lists written by hand.
#include <math.h>

#include "plot/ticks.h"
#include "test.h"

// All texts of the ticks, with blanks between.
static void check_texts(ti_ticks t, const char *want) {
    char text[TI_TICK_TEXT_CAP];
    ti_buf all;
    ti_buf_init(&all, 1000);
    for (int i = 0; i < t.count; i++)
        ti_buf_printf(&all, "%s%s", i ? " " : "", ti_tick_text(&t, i, text));
    CHECK_OK(ti_buf_status(&all));
    CHECK_STR(all.data, want);
    ti_buf_free(&all);
}

static void check_around(double lo, double hi, int max_count, const char *want) {
    check_texts(ti_ticks_around(lo, hi, max_count), want);
}

static void check_whole(double lo, double hi, int max_count, const char *want) {
    check_texts(ti_ticks_whole(lo, hi, max_count), want);
}

TEST(ticks_are_round_and_enclose_the_range) {
    check_around(0.013, 0.334, 8, "0.00 0.05 0.10 0.15 0.20 0.25 0.30 0.35");
    check_around(0.908, 0.9979, 8, "0.90 0.92 0.94 0.96 0.98 1.00");
    check_around(0, 1, 8, "0.0 0.2 0.4 0.6 0.8 1.0");
    check_around(-25, 40, 8, "\u221230 \u221220 \u221210 0 10 20 30 40");
    check_around(-7, -3, 5, "\u22127 \u22126 \u22125 \u22124 \u22123");
    check_around(3, 997, 8, "0 200 400 600 800 1000");
}

TEST(ticks_do_not_reach_past_a_tick_for_a_rounding_error) {
    check_around(0.1 + 0.2, 0.7, 8, "0.3 0.4 0.5 0.6 0.7");  // 0.30000000000000004
    check_around(0, 0.1 * 3, 8, "0.00 0.05 0.10 0.15 0.20 0.25 0.30");
}

TEST(a_tick_is_the_nearest_double_to_its_decimal) {
    ti_ticks t = ti_ticks_around(0, 0.7, 8);
    const double want[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7};
    CHECK_EQ_I(t.count, 8);
    for (int i = 0; i < t.count; i++) CHECK(ti_tick_value(&t, i) == want[i]);
}

TEST(very_large_and_small_ticks_have_an_exponent) {
    check_around(0, 3e-5, 8, "0 5e-6 1e-5 1.5e-5 2e-5 2.5e-5 3e-5");
    check_around(-2e6, 2e6, 5, "\u22122e6 \u22121e6 0 1e6 2e6");
    check_around(0, 500000, 6, "0 100000 200000 300000 400000 500000");
    check_around(0, 0.0004, 5, "0.0000 0.0001 0.0002 0.0003 0.0004");
}

TEST(a_range_of_one_value_is_widened) {
    check_around(0, 0, 8, "\u22120.6 \u22120.4 \u22120.2 0.0 0.2 0.4 0.6");
    check_around(5, 5, 8, "4.4 4.6 4.8 5.0 5.2 5.4 5.6");
    check_around(1, 1 + 1e-15, 4, "0.9 1.0 1.1");
}

TEST(ticks_enclose_ranges_of_any_magnitude) {
    const double ends[] = {-TI_TICKS_MAX, -1e9, -1,  -1e-9,       -5e-324, 0,
                           1e-300,        0.3,  7e8, TI_TICKS_MAX};
    enum { N = sizeof ends / sizeof *ends };
    for (int i = 0; i < N; i++)
        for (int j = i; j < N; j++) {
            ti_ticks t = ti_ticks_around(ends[i], ends[j], 8);
            double first = ti_tick_value(&t, 0), last = ti_tick_value(&t, t.count - 1);
            double slack = (last - first) * 1e-8;
            CHECK(t.count >= 2 && t.count <= 8);
            CHECK(isfinite(first) && isfinite(last) && first < last);
            CHECK(first <= ends[i] + slack && last >= ends[j] - slack);
        }
}

TEST(ticks_of_epochs_are_whole_and_inside) {
    check_whole(1, 3, 11, "1 2 3");
    check_whole(0.5, 1.5, 11, "1");
    check_whole(1, 20, 11, "2 4 6 8 10 12 14 16 18 20");
    check_whole(1, 60, 11, "10 20 30 40 50 60");
    check_whole(1, 2147483647, 5, "5e8 1e9 1.5e9 2e9");
}
