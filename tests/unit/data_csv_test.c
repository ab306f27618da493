// CSV files as data sets.
#include "io_support.h"

#include <math.h>

#include <tarn/data.h>

static char path[PATH_CAP];

static const char *file_of(const char *text) {
    if (!*path) path_of(test_dir(), "d.csv", path);
    CHECK_OK(ti_file_write(path, text, strlen(text)));
    return path;
}

static tarn_status read_csv(const char *text, tarn_csv_opts o) {
    tarn_dataset a, b;
    tarn_status st = tarn_data_csv(file_of(text), &o, &a, &b);
    if (st) return st;
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);
    return st;
}

static void check_f32(const tarn_tensor *t, tarn_shape shape, const double *want) {
    CHECK_EQ_I(tarn_tensor_dtype(t), TARN_F32);
    CHECK(tarn_shape_equal(tarn_tensor_shape(t), &shape));
    CHECK_CLOSE((const float *)tarn_tensor_cdata(t), want, tarn_tensor_numel(t), 1e-6, 1e-7);
}

TEST(csv_data_splits_features_and_target) {
    const char *text = "a,b,c\n1,2,3\n4,5,6\n";
    tarn_dataset a, b;
    CHECK_OK(tarn_data_csv(file_of(text), NULL, &a, &b));
    CHECK_OK(tarn_dataset_check(&a));
    check_f32(a.x, TARN_SHAPE(2, 2), (double[]){1, 2, 4, 5});
    check_f32(a.y, TARN_SHAPE(2, 1), (double[]){3, 6});
    CHECK(!b.x && !b.y && a.classes == 0 && !a.labels);
    tarn_dataset_clear(&a);
    CHECK_OK(tarn_data_csv(path, &(tarn_csv_opts){.target = "b"}, &a, NULL));
    check_f32(a.x, TARN_SHAPE(2, 2), (double[]){1, 3, 4, 6});
    tarn_dataset_clear(&a);
    CHECK_OK(tarn_data_csv(path, &(tarn_csv_opts){.target = "-3", .max_rows = 1}, &a, NULL));
    check_f32(a.x, TARN_SHAPE(1, 2), (double[]){2, 3});
    tarn_dataset_clear(&a);
}

TEST(csv_data_numbers_integer_classes_in_order) {
    const char *text = "10,1\n30,2\n9,3\n10,4\n";
    tarn_dataset a;
    CHECK_OK(
        tarn_data_csv(file_of(text), &(tarn_csv_opts){.target = "0", .classify = true}, &a, NULL));
    CHECK_OK(tarn_dataset_check(&a));
    CHECK_EQ_I(a.classes, 3);
    CHECK_STR(a.labels[0], "9");
    CHECK_STR(a.labels[2], "30");
    CHECK(memcmp(tarn_tensor_cdata(a.y), (int32_t[]){1, 2, 0, 1}, 16) == 0);
    tarn_dataset_clear(&a);
}

TEST(csv_data_numbers_named_classes_and_shares_the_names) {
    const char *text = "1,red\n2,blue\n3,red\n4,10\n5,blue\n";
    tarn_dataset a, b;
    CHECK_OK(tarn_data_csv(file_of(text), &(tarn_csv_opts){.classify = true, .validation = 0.4}, &a,
                           &b));
    CHECK_EQ_I(b.classes, 3);
    CHECK(memcmp(tarn_tensor_cdata(a.y), (int32_t[]){2, 1, 2}, 12) == 0);
    CHECK(memcmp(tarn_tensor_cdata(b.y), (int32_t[]){0, 1}, 8) == 0);
    check_f32(b.x, TARN_SHAPE(2, 1), (double[]){4, 5});
    tarn_dataset_clear(&a);
    CHECK_STR(b.labels[0], "10");
    CHECK_STR(b.labels[1], "blue");
    tarn_dataset_clear(&b);
}

TEST(csv_data_standardizes_by_the_training_part) {
    const char *text = "1,7,0\n3,7,0\n5,8,0\n";
    tarn_dataset a, b;
    CHECK_OK(tarn_data_csv(file_of(text), &(tarn_csv_opts){.standardize = true, .validation = 0.3},
                           &a, &b));
    check_f32(a.x, TARN_SHAPE(2, 2), (double[]){-1, 0, 1, 0});  // a constant column becomes 0
    check_f32(b.x, TARN_SHAPE(1, 2), (double[]){3, 1});
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);
}

TEST(csv_data_names_file_line_and_column) {
    CHECK_ERR(read_csv("a,b\n1,2\n3,x\n", (tarn_csv_opts){0}), TARN_EFORMAT,
              "d.csv:3: column 2 (b): 'x' is not a number");
    CHECK_ERR(read_csv("1,2\n3,?\n", (tarn_csv_opts){.target = "0"}), TARN_EFORMAT,
              "d.csv:2: column 2: '?' is a missing value");
    CHECK_ERR(read_csv("1,2\n3,\n", (tarn_csv_opts){0}), TARN_EFORMAT,
              ":2: column 2: '' is a missing");
    CHECK_ERR(read_csv("1,2\nNA,3\n", (tarn_csv_opts){0}), TARN_EFORMAT, "'NA' is a missing value");
    CHECK_ERR(read_csv("1,2\n1e39,3\n", (tarn_csv_opts){0}), TARN_EFORMAT, "too large for f32");
    CHECK_ERR(read_csv("1,2\n1,2,3\n", (tarn_csv_opts){0}), TARN_EFORMAT,
              ":2: 3 columns, 2 expected");
    CHECK_ERR(read_csv("1;2\n\"1;2\n", (tarn_csv_opts){0}), TARN_EFORMAT, ":2: column 1: a quote");
    CHECK(strstr(tarn_last_error(), path));
}

TEST(csv_data_refuses_files_and_options_without_sense) {
    tarn_dataset a;
    CHECK_ERR(read_csv("", (tarn_csv_opts){0}), TARN_EFORMAT, "no rows");
    CHECK_ERR(read_csv("1\n2\n", (tarn_csv_opts){0}), TARN_EFORMAT, "1 column, at least 2");
    CHECK_ERR(read_csv("a,b\n", (tarn_csv_opts){.header = "first"}), TARN_EFORMAT,
              "0 rows, too few");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.validation = 0.5}), TARN_EFORMAT,
              "1 rows, too few");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.validation = 1}), TARN_EARG, "validation 1");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.validation = (double)NAN}), TARN_EARG,
              "validation nan");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.header = "last"}), TARN_EARG, "header 'last'");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.target = "2"}), TARN_EARG, "column 2, -2 to 1");
    CHECK_ERR(read_csv("1,2\n", (tarn_csv_opts){.target = "-3"}), TARN_EARG, "column -3");
    CHECK_ERR(read_csv("age,price\n1,2\n", (tarn_csv_opts){.target = "prise"}), TARN_EARG,
              "no column 'prise'; did you mean 'price'?");
    CHECK_ERR(tarn_data_csv(path, &(tarn_csv_opts){.validation = 0.5}, &a, NULL), TARN_EARG,
              "without a place");
    CHECK_ERR(tarn_data_csv("/nowhere.csv", NULL, &a, NULL), TARN_ENOENT, "/nowhere.csv");
}

TEST(csv_data_limits_the_number_of_classes) {
    ti_buf b;
    ti_buf_init(&b, 1 << 24);
    for (int i = 0; i <= 1 << 16; i++) ti_buf_printf(&b, "0,%d\n", i);
    CHECK_OK(ti_buf_status(&b));
    CHECK_ERR(read_csv(b.data, (tarn_csv_opts){.classify = true}), TARN_ELIMIT,
              "d.csv: target column has more than 65536 classes");
    ti_buf_free(&b);
}

TEST(csv_data_reads_real_tables) {
    static const struct {
        const char *file;
        tarn_csv_opts opts;
        int64_t rows, columns, classes;
    } rows[] = {
        {"banknote_authentication.csv", {.classify = true}, 1372, 4, 2},
        {"sonar.csv", {.classify = true}, 208, 60, 2},
        {"winequality-white.csv", {.standardize = true}, 4898, 11, 0},
        {"iris.csv", {.header = "first", .classify = true}, 150, 4, 3},
        {"digits.csv.gz", {.classify = true}, 1797, 64, 10},
    };
    need_part("zlib");
    if (!test_shared()) SKIP("no folder of real data");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[PATH_CAP], file[PATH_CAP];
        tarn_dataset d;
        path_of(path_of(test_shared(), "data/tabular", folder), rows[i].file, file);
        if (!ti_file_exists(file)) SKIP("no file %s", file);
        CHECK_OK(tarn_data_csv(file, &rows[i].opts, &d, NULL));
        CHECK_OK(tarn_dataset_check(&d));
        CHECK_EQ_I(tarn_tensor_shape(d.x)->dim[0], rows[i].rows);
        CHECK_EQ_I(tarn_tensor_shape(d.x)->dim[1], rows[i].columns);
        CHECK_EQ_I(d.classes, rows[i].classes);
        tarn_dataset_clear(&d);
    }
}
