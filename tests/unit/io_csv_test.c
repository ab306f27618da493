// CSV cells as the reader hands them out.
#include "io_support.h"

// Rows of `text` as one line: cells in <>, rows ended by '/'.
static tarn_status show(const char *text, size_t size, char delimiter, ti_buf *out) {
    ti_csv c;
    bool more;
    tarn_status st;
    ti_buf_init(out, 1 << 20);
    ti_csv_open(&c, "t.csv", (const uint8_t *)text, size, delimiter);
    while (!(st = ti_csv_next(&c, &more)) && more) {
        for (int i = 0; i < c.columns; i++) ti_buf_printf(out, "<%s>", ti_csv_cell(&c, i));
        ti_buf_puts(out, "/");
    }
    ti_csv_close(&c);
    return st;
}

static void check_rows(const char *text, char delimiter, const char *want) {
    ti_buf got;
    CHECK_OK(show(text, strlen(text), delimiter, &got));
    CHECK_STR(got.data, want);
    ti_buf_free(&got);
}

static void check_refused(const char *text, size_t size, const char *message) {
    ti_buf got;
    CHECK_ERR(show(text, size, ',', &got), TARN_EFORMAT, message);
    ti_buf_free(&got);
}

TEST(csv_splits_cells_and_rows) {
    check_rows("a,b\n1,2\n", ',', "<a><b>/<1><2>/");
    check_rows("a,b\r\n1,2", ',', "<a><b>/<1><2>/");
    check_rows(",\n,,\n", ',', "<><>/<><><>/");
    check_rows("", ',', "");
    check_rows("\n\r\n\n1\n\n", ',', "<1>/");
}

TEST(csv_drops_blanks_around_cells_and_a_byte_order_mark) {
    check_rows("\xef\xbb\xbf a , b c \t,\n", ',', "<a><b c><>/");
    check_rows("a\t b\t\n", '\t', "<a><b><>/");
}

TEST(csv_reads_quoted_cells) {
    check_rows("\"a,b\",\"c\"\"d\"\"\",\"\"\n", ',', "<a,b><c\"d\"><>/");
    check_rows("\"two\nlines\" , x\n", ',', "<two\nlines><x>/");
    check_rows("5\" disk,\"  kept  \"", ',', "<5\" disk><  kept  >/");
}

TEST(csv_reads_what_python_writes) {
    bytes b = golden_bytes("tricky.csv");
    ti_buf got;
    CHECK_OK(show((const char *)b.data, b.size, 0, &got));
    CHECK_STR(got.data, "<name><note><x>/<a,b><say \"hi\"><1>/<two\nlines><><-2.5>/"
                        "<cr\rlf><ümlaut><1e-30>/");
    ti_buf_free(&got);
    ti_free(b.data);
}

TEST(csv_finds_the_delimiter) {
    check_rows("a;b\n1,5;2\n", 0, "<a><b>/<1,5><2>/");
    check_rows("a\tb;c\n1\t2\n", 0, "<a><b;c>/<1><2>/");
    check_rows("\"a;b\",c\n\"d;e\",f\n", 0, "<a;b><c>/<d;e><f>/");
    check_rows("alone\n1\n", 0, "<alone>/<1>/");
}

TEST(csv_names_line_and_column_of_what_it_refuses) {
    check_refused("a,b\n1,\"open\n2,3\n", 16, "t.csv:2: column 2: a quote is not closed");
    check_refused("\"a\"b\n", 5, "t.csv:1: column 1: text after a closing quote");
    check_refused("\"x\ny\",2\n1,2\n3,\0\n", 16, "t.csv:4: column 2: a 0 byte");
}

TEST(csv_limits_rows_and_columns) {
    const size_t n = (size_t)TI_CSV_MAX_ROW_BYTES + 2;
    char *text;
    ti_buf got;
    CHECK_OK(ti_alloc(n, &text));
    memset(text, 'x', n);
    CHECK_ERR(show(text, n, ',', &got), TARN_ELIMIT, "16 MiB");
    ti_buf_free(&got);
    memset(text, ',', TI_CSV_MAX_COLUMNS);
    CHECK_ERR(show(text, TI_CSV_MAX_COLUMNS, ',', &got), TARN_ELIMIT, "65536 columns");
    ti_buf_free(&got);
    CHECK_OK(show(text, TI_CSV_MAX_COLUMNS - 1, ',', &got));
    ti_buf_free(&got);
    ti_free(text);
}

static bool guess_header(const char *text) {
    ti_csv c;
    bool header, more;
    ti_csv_open(&c, "t.csv", (const uint8_t *)text, strlen(text), ',');
    CHECK_OK(ti_csv_guess_header(&c, &header));
    CHECK_OK(ti_csv_next(&c, &more));  // from the start again
    CHECK(!more || c.line == 1);
    ti_csv_close(&c);
    return header;
}

TEST(csv_guesses_a_header_by_names_above_numbers) {
    CHECK(guess_header("x,y\n1,2\n"));
    CHECK(guess_header("1990,kind\n1,2\n"));
    CHECK(!guess_header("1,2\n3,4\n"));
    CHECK(!guess_header("1,red\n2,blue\n"));
    CHECK(!guess_header("?,2\n3,4\n"));  // a missing value is no name
    CHECK(!guess_header("x,y\n"));
    CHECK(!guess_header(""));
}

TEST(numbers_are_read_the_same_in_every_locale) {
    double x = 0;
    CHECK(ti_parse_f64("-12.5e-1", &x) && x == -1.25);
    CHECK(ti_parse_f64("+.5", &x) && x == 0.5);
    CHECK(ti_parse_f64("5.", &x) && x == 5);
    const char *bad[] = {"",    "-",   ".",  "1e", "1e+", "0x10",
                         "nan", "inf", " 1", "1 ", "1,5", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!ti_parse_f64(bad[i], &x));
    int64_t n = 0;
    CHECK(ti_parse_i64("-9223372036854775808", &n) && n == INT64_MIN);
    CHECK(!ti_parse_i64("9223372036854775808", &n));
    CHECK(!ti_parse_i64("1.0", &n) && !ti_parse_i64("", &n) && !ti_parse_i64("+", &n));
}

TEST(text_of_files_is_shown_without_control_bytes) {
    char out[TI_SHOWN_CAP];
    CHECK_STR(ti_shown("a\x1b[31m\n", 7, out), "a?[31m?");
    CHECK_STR(ti_shown("0123456789012345678901234567890123456789", 40, out),
              "0123456789012345678901234567890123456789");
    CHECK_STR(ti_shown("01234567890123456789012345678901234567890", 41, out),
              "0123456789012345678901234567890123456789...");
}

static tarn_status read_rows(const uint8_t *data, size_t size) {
    ti_csv c;
    bool more;
    tarn_status st;
    ti_csv_open(&c, "t.csv", data, size, 0);
    while (!(st = ti_csv_next(&c, &more)) && more) {
    }
    ti_csv_close(&c);
    return st;
}

TEST(csv_survives_every_failed_allocation) { check_allocations("tricky.csv", read_rows); }
