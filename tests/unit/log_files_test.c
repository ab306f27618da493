// JSON lines, CSV tables and pictures of curves, read back as other programs would.
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>

#include "log_support.h"

// Fontconfig keeps what it found until the process ends, where the leak checker does not look.
TARN_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libfontconfig\n"; }

// ---- numbers -----------------------------------------------------------------------------------

static void check_number(double value, const char *want) {
    char text[TI_NUMBER_CAP];
    CHECK_STR(ti_number_text(value, text), want);
}

TEST(numbers_are_short_and_read_back_as_they_were) {
    check_number(0, "0");
    check_number(-0.0, "-0");
    check_number(0.1, "0.1");
    check_number(1.0 / 3, "0.3333333333333333");
    check_number(0.1 + 0.2, "0.30000000000000004");
    check_number(1e300, "1e+300");
    check_number(5e-324, "4.94065645841247e-324");
    check_number((double)NAN, "nan");
    check_number(-(double)INFINITY, "-inf");
    float x[200];
    test_uniform(x, 200, -1, 1);
    for (int i = 0; i < 200; i += 2) {
        char text[TI_NUMBER_CAP];
        double value = (double)x[i] * exp(60 * (double)x[i + 1]) / 3;
        CHECK(strtod(ti_number_text(value, text), NULL) == value);
    }
}

TEST(numbers_have_a_point_in_every_locale) {
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        SKIP("no locale with a decimal comma on this machine");
    check_number(-2.5e-30, "-2.5e-30");
    check_number(0.25, "0.25");
    check_number(7, "7");
}

// ---- JSON lines --------------------------------------------------------------------------------

TEST(json_lines_are_as_the_command_line_promises) {
    char text[TEXT_CAP];
    tarn_callback cb;
    tarn_fit_state s = with_metrics(2);
    FILE *f = tmpfile();
    CHECK(f);
    CHECK_OK(tarn_json_lines(f, &cb));
    CHECK_OK(cb.on_epoch_end(cb.self, &s));
    read_stream(f, text);
    CHECK_STR(text, "{\"event\":\"epoch\",\"epoch\":2,\"epochs\":20,\"step\":938,\"seconds\":17,"
                    "\"learning_rate\":0.001,\"loss\":0.25,\"accuracy\":0.875}\n");
    end_callback(&cb);
    fclose(f);
}

TEST(json_lines_are_valid_for_any_metric) {
    char text[TEXT_CAP];
    tarn_callback cb;
    tarn_fit_state s = after_epoch(INT64_MAX / 1000);
    add_log(&s, "loss", (double)NAN);
    add_log(&s, "val_loss", (double)INFINITY);
    add_log(&s, "a \"b\" \\ \n\x01", -1e-300);
    s.seconds = 1.23456789;
    FILE *f = tmpfile();
    CHECK(f);
    CHECK_OK(tarn_json_lines(f, &cb));
    CHECK_OK(cb.on_epoch_end(cb.self, &s));
    read_stream(f, text);
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    CHECK(o);
    CHECK_EQ_I(json_integer_value(json_object_get(o, "epoch")), INT64_MAX / 1000);
    CHECK(json_real_value(json_object_get(o, "seconds")) == 1.234568);
    CHECK(json_is_null(json_object_get(o, "loss")));
    CHECK(json_is_null(json_object_get(o, "val_loss")));
    CHECK(json_real_value(json_object_get(o, "a \"b\" \\ \n\x01")) == -1e-300);
    json_decref(o);
    end_callback(&cb);
    fclose(f);
}

TEST(json_lines_report_a_full_disk) {
    tarn_callback cb;
    tarn_fit_state s = with_metrics(1);
    FILE *full = fopen("/dev/full", "w");
    if (!full) SKIP("no /dev/full on this machine");
    CHECK_OK(tarn_json_lines(full, &cb));
    CHECK_ERR(cb.on_epoch_end(cb.self, &s), TARN_EIO, "write JSON lines: No space left");
    fclose(full);
}

// ---- CSV ---------------------------------------------------------------------------------------

static const char *csv_path(void) {
    static char path[PATH_CAP];
    CHECK(snprintf(path, PATH_CAP, "%s/log.csv", test_dir()) < PATH_CAP);
    return path;
}

// A fit from epoch `first` to `last`.
static tarn_status run_epochs(const char *path, bool append, int first, int last) {
    tarn_callback cb;
    tarn_fit_state s = after_epoch(first - 1);
    TI_TRY(tarn_csv_logger(path, append, &cb));
    tarn_status st = cb.on_train_begin(cb.self, &s);
    for (int e = first; e <= last && !st; e++) {
        s = with_metrics(e);
        st = cb.on_epoch_end(cb.self, &s);
    }
    if (!st) st = cb.on_train_end(cb.self, &s);
    end_callback(&cb);
    return st;
}

static void check_file(const char *path, const char *want) {
    char text[TEXT_CAP];
    FILE *f = fopen(path, "r");
    CHECK(f);
    read_stream(f, text);
    fclose(f);
    CHECK_STR(text, want);
}

static void write_text(const char *path, const char *text) {
    CHECK_OK(ti_file_write(path, text, strlen(text)));
}

#define HEADER "epoch,step,seconds,learning_rate,loss,accuracy\n"
#define ROW_1 "1,469,8.5,0.001,0.5,0.75\n"
#define ROW_2 "2,938,17,0.001,0.25,0.875\n"
#define ROW_3 "3,1407,25.5,0.001,0.16666666666666666,0.9166666666666666\n"

TEST(csv_has_a_header_and_a_row_an_epoch) {
    const char *path = csv_path();
    CHECK_OK(run_epochs(path, false, 1, 3));
    check_file(path, HEADER ROW_1 ROW_2 ROW_3);
    CHECK_OK(run_epochs(path, false, 1, 1));  // a new table
    check_file(path, HEADER ROW_1);
}

TEST(csv_goes_on_after_the_last_epoch) {
    const char *path = csv_path();
    CHECK_OK(run_epochs(path, true, 1, 1));  // nothing there yet
    CHECK_OK(run_epochs(path, true, 2, 3));
    check_file(path, HEADER ROW_1 ROW_2 ROW_3);
}

TEST(csv_drops_rows_of_epochs_that_are_run_again) {
    const char *path = csv_path();
    write_text(path, HEADER ROW_1 "2,old\n3,old\n4,old\n");
    CHECK_OK(run_epochs(path, true, 2, 3));
    check_file(path, HEADER ROW_1 ROW_2 ROW_3);
}

TEST(csv_drops_a_row_cut_short_by_a_kill) {
    const char *path = csv_path();
    const char whole[] = HEADER ROW_1 ROW_2;
    for (size_t n = 0; n < strlen(whole); n++) {
        char cut[sizeof whole];
        memcpy(cut, whole, n);
        cut[n] = '\0';
        write_text(path, cut);
        CHECK_OK(run_epochs(path, true, 3, 3));
        check_file(path, n < strlen(HEADER ROW_1) ? HEADER ROW_3 : HEADER ROW_1 ROW_3);
    }
}

TEST(csv_keeps_a_table_with_other_columns) {
    const char *path = csv_path();
    const char other[] = "epoch,step,seconds,learning_rate,loss\n1,469,8.5,0.001,0.5\n";
    write_text(path, other);
    CHECK_ERR(run_epochs(path, true, 2, 2), TARN_EFORMAT,
              "its columns are 'epoch,step,seconds,learning_rate,loss', not 'epoch,");
    check_file(path, other);
}

TEST(csv_reports_what_cannot_be_written) {
    CHECK_ERR(run_epochs("/nowhere/log.csv", false, 1, 1), TARN_ENOENT, "open /nowhere/log.csv");
    if (!ti_file_exists("/dev/full")) SKIP("no /dev/full on this machine");
    CHECK_ERR(run_epochs("/dev/full", false, 1, 1), TARN_EIO, "write /dev/full: No space left");
}

// ---- pictures ----------------------------------------------------------------------------------

static bool picture_exists(const char *dir, const char *name) {
    char path[PATH_CAP];
    CHECK(snprintf(path, PATH_CAP, "%s/%s", dir, name) < PATH_CAP);
    return ti_file_exists(path);
}

TEST(curves_pair_metrics_with_their_validation) {
    char dir[PATH_CAP];
    tarn_callback cb;
    CHECK(snprintf(dir, PATH_CAP, "%s/a/b", test_dir()) < PATH_CAP);
    CHECK_OK(tarn_curves(dir, &cb));
    tarn_fit_state s = after_epoch(4);
    CHECK_OK(cb.on_train_begin(cb.self, &s));
    for (int e = 5; e <= 200; e += 65) {  // resumed, and more epochs than are kept at first
        s = with_metrics(e);
        add_log(&s, "val_loss", 0.5);
        add_log(&s, "val_only", 0.1);
        add_log(&s, "top/5", (double)NAN);
        CHECK_OK(cb.on_epoch_end(cb.self, &s));
    }
    end_callback(&cb);
#ifdef TARN_HAVE_CAIRO
    const bool drawn = true;
#else
    const bool drawn = false;
#endif
    CHECK_EQ_I(picture_exists(dir, "loss.png"), drawn);
    CHECK_EQ_I(picture_exists(dir, "accuracy.png"), drawn);
    CHECK_EQ_I(picture_exists(dir, "val_only.png"), drawn);
    CHECK_EQ_I(picture_exists(dir, "top_5.png"), drawn);
    CHECK(!picture_exists(dir, "val_loss.png"));
}

// The bytes of DIR/loss.png.
static size_t loss_picture(const char *dir, uint8_t **bytes) {
    char path[PATH_CAP];
    size_t size;
    CHECK(snprintf(path, PATH_CAP, "%s/loss.png", dir) < PATH_CAP);
    CHECK_OK(ti_file_read(path, 1 << 20, bytes, &size));
    return size;
}

// Pictures after a third epoch, `seconds` after the second: is it drawn before the fit ends?
static bool draws_third(double seconds, bool ends) {
    const char *dir = test_dir();
    uint8_t *before, *within, *after;
    tarn_callback cb;
    CHECK_OK(tarn_curves(dir, &cb));
    tarn_fit_state s = with_metrics(2);
    CHECK_OK(cb.on_epoch_end(cb.self, &s));
    size_t n = loss_picture(dir, &before);
    tarn_fit_state next = with_metrics(3);
    next.seconds = s.seconds + seconds;
    CHECK_OK(cb.on_epoch_end(cb.self, &next));
    size_t m = loss_picture(dir, &within);
    if (ends) CHECK_OK(cb.on_train_end(cb.self, &next));
    end_callback(&cb);
    bool drawn = m != n || memcmp(before, within, n) != 0;
    n = loss_picture(dir, &after);
    CHECK((m == n && !memcmp(within, after, n)) == drawn);  // in the end it is
    ti_free(before);
    ti_free(within);
    ti_free(after);
    return drawn;
}

TEST(curves_are_drawn_once_a_second_and_at_the_end) {
#ifndef TARN_HAVE_CAIRO
    SKIP("no pictures without Cairo");
#endif
    CHECK(!draws_third(0.9, false));  // a fit that failed
    CHECK(!draws_third(0.9, true));
    CHECK(draws_third(1.1, true));
}

TEST(log_callbacks_free_what_they_took) {
    uint64_t live = ti_alloc_stats_now().live;
    tarn_callback cb;
    CHECK_OK(tarn_curves("dir", &cb));
    end_callback(&cb);
    CHECK_OK(tarn_csv_logger("log.csv", true, &cb));
    end_callback(&cb);
    CHECK_OK(tarn_progress_line(stderr, &cb));
    end_callback(&cb);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}
