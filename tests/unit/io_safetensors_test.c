// safetensors, read and written. tiny.safetensors is the work of the safetensors package for Python
// (tests/golden/io/make.py).
#include "io_support.h"

static tarn_status read_bytes(const uint8_t *data, size_t size) {
    tarn_safetensors *f;
    tarn_status st = ti_safetensors_parse("t.safetensors", data, size, &f);
    if (!st) tarn_safetensors_close(f);
    return st;
}

// A file of this header and `n` data bytes 0, 1, 2, ...
static size_t make_file(const char *header, size_t n, uint8_t *out, size_t cap) {
    size_t h = strlen(header);
    CHECK(8 + h + n <= cap);
    memset(out, 0, 8);
    out[0] = (uint8_t)h;
    out[1] = (uint8_t)(h >> 8);
    memcpy(out + 8, header, h);
    for (size_t i = 0; i < n; i++) out[8 + h + i] = (uint8_t)i;
    return 8 + h + n;
}

static tarn_status read_made(const char *header, size_t n) {
    uint8_t file[1024];
    return read_bytes(file, make_file(header, n, file, sizeof file));
}

// ---- reading -----------------------------------------------------------------------------------

TEST(safetensors_reads_every_dtype_of_numpy) {
    static const struct {
        const char *name;
        tarn_dtype dtype;
    } rows[] = {{"f4", TARN_F32}, {"f8", TARN_F64}, {"i1", TARN_I8},    {"i2", TARN_I16},
                {"i4", TARN_I32}, {"i8", TARN_I64}, {"u1", TARN_U8},    {"u2", TARN_U16},
                {"u4", TARN_U32}, {"u8", TARN_U64}, {"bool", TARN_BOOL}};
    static const double values[] = {0, 1, 2, 3, 100, 127};
    char path[PATH_CAP];
    tarn_safetensors *f;
    tarn_shape want = TARN_SHAPE(2, 3);
    CHECK_OK(tarn_safetensors_open(golden_path("tiny.safetensors", path), &f));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tarn_tensor *t, *wide;
        CHECK_OK(tarn_safetensors_get(f, rows[i].name, &t));
        CHECK_EQ_I(tarn_tensor_dtype(t), rows[i].dtype);
        CHECK(tarn_shape_equal(tarn_tensor_shape(t), &want));
        CHECK_OK(tarn_tensor_cast(t, TARN_F64, &wide));
        const double *x = tarn_tensor_cdata(wide);
        for (int j = 0; j < 6; j++)
            CHECK(x[j] == (rows[i].dtype == TARN_BOOL ? (double)(values[j] > 2) : values[j]));
        tarn_tensor_release(t);
        tarn_tensor_release(wide);
    }
    tarn_safetensors_close(f);
}

TEST(safetensors_lists_names_in_order_and_metadata) {
    static const char *const names[] = {"bool", "empty", "f2",     "f4", "f8", "i1", "i2",
                                        "i4",   "i8",    "scalar", "u1", "u2", "u4", "u8"};
    char path[PATH_CAP];
    tarn_safetensors *f;
    tarn_tensor *t;
    CHECK_OK(tarn_safetensors_open(golden_path("tiny.safetensors", path), &f));
    CHECK_EQ_I(tarn_safetensors_count(f), 14);
    for (int i = 0; i < 14; i++) CHECK_STR(tarn_safetensors_name(f, i), names[i]);
    CHECK(!tarn_safetensors_name(f, 14) && !tarn_safetensors_name(f, -1));
    CHECK_STR(tarn_safetensors_metadata(f, "made by"), "safetensors for Python");
    CHECK_STR(tarn_safetensors_metadata(f, "ä"), "\"\\\n");
    CHECK(!tarn_safetensors_metadata(f, "absent"));
    CHECK_OK(tarn_safetensors_get(f, "scalar", &t));
    CHECK_EQ_I(tarn_tensor_shape(t)->rank, 0);
    CHECK(*(const float *)tarn_tensor_cdata(t) == -1.5f);
    tarn_tensor_release(t);
    CHECK_OK(tarn_safetensors_get(f, "empty", &t));
    CHECK_EQ_I(tarn_tensor_numel(t), 0);
    tarn_tensor_release(t);
    CHECK_ERR(tarn_safetensors_get(f, "f5", &t), TARN_ENOENT, "no tensor 'f5' among its 14");
    tarn_safetensors_close(f);
    tarn_safetensors_close(NULL);
}

TEST(safetensors_refuses_every_truncation) { check_truncations("tiny.safetensors", read_bytes); }

TEST(safetensors_survives_every_failed_allocation) {
    check_allocations("tiny.safetensors", read_bytes);
}

TEST(safetensors_accepts_what_the_format_allows) {
    CHECK_OK(read_made("{}", 0));
    CHECK_OK(read_made("{}   \n", 0));
    CHECK_OK(read_made("{\"__metadata__\":{}}", 0));
    CHECK_OK(read_made("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
                       "\"b\":{\"shape\":[],\"data_offsets\":[0,1],\"dtype\":\"U8\"}}",
                       3));
    CHECK_OK(read_made("{\"e\":{\"dtype\":\"F32\",\"shape\":[0,1152921504606846976],"
                       "\"data_offsets\":[0,0]}}",
                       0));
}

TEST(safetensors_refuses_what_is_no_header) {
    CHECK_ERR(read_made("", 0), TARN_EFORMAT, "'{' expected at byte 8");
    CHECK_ERR(read_made("[]", 0), TARN_EFORMAT, "'{' expected");
    CHECK_ERR(read_made(" {}", 0), TARN_EFORMAT, "'{' expected");
    CHECK_ERR(read_made("{} x", 0), TARN_EFORMAT, "header:");
    CHECK_ERR(read_made("{\"a\":1}", 0), TARN_EFORMAT, "tensor 'a': an object expected");
    CHECK_ERR(read_made("{\"a\":[[[1]]]}", 0), TARN_EFORMAT, "nested deeper than 3 at byte 15");
    CHECK_ERR(read_made("{\"__metadata__\":{\"a\":1}}", 0), TARN_EFORMAT, "'a': a string expected");
    CHECK_ERR(read_made("{\"__metadata__\":3}", 0), TARN_EFORMAT, "an object expected");
    CHECK_ERR(read_made("{\"a\\u0000\":{}}", 0), TARN_EFORMAT, "header:");
    CHECK_ERR(read_made("{\"\xff\":{}}", 0), TARN_EFORMAT, "header:");
}

TEST(safetensors_refuses_a_key_that_comes_twice) {
    const char *entry = "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]";
    char header[256];
    snprintf(header, sizeof header, "{\"a\":{%s},\"a\":{%s}}", entry, entry);
    CHECK_ERR(read_made(header, 0), TARN_EFORMAT, "duplicate");
    CHECK_ERR(read_made("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0), TARN_EFORMAT,
              "duplicate");
    CHECK_ERR(read_made("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0), TARN_EFORMAT,
              "duplicate");
}

static tarn_status read_entry(const char *entry, size_t n) {
    char header[256];
    snprintf(header, sizeof header, "{\"a\":{%s}}", entry);
    return read_made(header, n);
}

TEST(safetensors_refuses_entries_that_lie) {
    CHECK_ERR(read_entry("\"shape\":[],\"data_offsets\":[0,1]", 1), TARN_EFORMAT,
              "dtype: a string");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"data_offsets\":[0,1]", 1), TARN_EFORMAT,
              "shape: an array");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"shape\":[1]", 1), TARN_EFORMAT, "[begin, end]");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]", 1), TARN_EFORMAT,
              "dimensions from 0");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]", 1),
              TARN_EFORMAT, "dimensions from 0");
    CHECK_ERR(
        read_entry("\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]", 1),
        TARN_EFORMAT, "rank above 8");
    CHECK_ERR(
        read_entry("\"dtype\":\"U8\",\"shape\":[9223372036854775808],\"data_offsets\":[0,1]", 1),
        TARN_EFORMAT, "header:");
    CHECK_ERR(read_entry("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,5]", 5), TARN_EFORMAT,
              "F32 [1] does not have the 5 bytes");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]", 4), TARN_EFORMAT,
              "at most 4 expected");
    CHECK_ERR(read_entry("\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,2]", 4), TARN_EFORMAT,
              "[3, 2], order");
}

TEST(safetensors_refuses_huge_shapes) {
    CHECK_ERR(
        read_entry("\"dtype\":\"F64\",\"shape\":[1152921504606846976],\"data_offsets\":[0,0]", 0),
        TARN_EFORMAT, "[1152921504606846976]");
    CHECK_ERR(
        read_entry("\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]", 0),
        TARN_EFORMAT, "[4294967296,4294967296]");
    CHECK_ERR(
        read_entry("\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]", 0),
        TARN_EFORMAT, "0 bytes");
}

// Two tensors of one byte each at the given places, in `n` bytes of data.
static tarn_status read_two(int a, int b, size_t n) {
    char header[256];
    snprintf(header, sizeof header,
             "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]},"
             "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}}",
             a, a + 1, b, b + 1);
    return read_made(header, n);
}

TEST(safetensors_refuses_holes_and_overlaps) {
    CHECK_OK(read_two(1, 0, 2));
    CHECK_ERR(read_two(0, 0, 1), TARN_EFORMAT, "overlaps");
    CHECK_ERR(read_two(0, 2, 3), TARN_EFORMAT, "'b': data before it belongs to no tensor");
    CHECK_ERR(read_two(1, 2, 3), TARN_EFORMAT, "'a': data before it");
    CHECK_ERR(read_two(0, 1, 5), TARN_EFORMAT, "3 bytes after the last tensor");
}

TEST(safetensors_limits_the_header) {
    uint8_t file[16] = {0x01, 0xe1, 0xf5, 0x05, 0, 0, 0, 0, '{', '}'};  // 100,000,001
    CHECK_ERR(read_bytes(file, sizeof file), TARN_ELIMIT, "100000001 bytes, at most 100000000");
    memset(file, 0xff, 8);
    CHECK_ERR(read_bytes(file, sizeof file), TARN_ELIMIT, "18446744073709551615");
    file[0] = 0, file[1] = 0xe1, file[2] = 0xf5, file[3] = 0x05;
    memset(file + 4, 0, 4);
    CHECK_ERR(read_bytes(file, sizeof file), TARN_EFORMAT, "100000000 bytes needed, 8 left");
}

TEST(safetensors_counts_values_before_building_a_tree) {
    const size_t n = 3000000;
    uint8_t *file;
    CHECK_OK(ti_alloc(8 + n, &file));
    memset(file, 0, 8);
    for (int i = 0; i < 3; i++) file[i] = (uint8_t)(n >> (8 * i));
    file[8] = '{';
    for (size_t i = 9; i < 8 + n; i++) file[i] = (uint8_t) ",[]"[i % 3];
    CHECK_ERR(read_bytes(file, 8 + n), TARN_ELIMIT, "more than 1000000 values");
    memset(file + 9, '"', n - 1);  // commas within strings are not values
    for (size_t i = 10; i < 8 + n - 1; i++) file[i] = ',';
    CHECK_ERR(read_bytes(file, 8 + n), TARN_EFORMAT, "header:");
    ti_free(file);
}

TEST(safetensors_gets_unknown_dtypes_only_as_an_error) {
    uint8_t file[512];
    tarn_safetensors *f;
    tarn_tensor *t;
    size_t n = make_file("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]},"
                         "\"b\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[2,4]},"
                         "\"c\":{\"dtype\":\"NEW\",\"shape\":[9],\"data_offsets\":[4,5]}}",
                         5, file, sizeof file);
    CHECK_OK(ti_safetensors_parse("t", file, n, &f));
    CHECK_ERR(tarn_safetensors_get(f, "a", &t), TARN_EUNSUPPORTED, "dtype F8_E4M3");
    CHECK_ERR(tarn_safetensors_get(f, "c", &t), TARN_EUNSUPPORTED, "dtype NEW");
    tarn_safetensors_close(f);
    CHECK_ERR(read_entry("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]", 1), TARN_EFORMAT,
              "F4 [3]");
}

TEST(safetensors_refuses_bools_that_are_neither_0_nor_1) {
    uint8_t file[256];
    tarn_safetensors *f;
    tarn_tensor *t;
    size_t n = make_file("{\"a\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3,
                         file, sizeof file);
    CHECK_OK(ti_safetensors_parse("t", file, n, &f));
    CHECK_ERR(tarn_safetensors_get(f, "a", &t), TARN_EFORMAT, "bool of 2 at byte");
    tarn_safetensors_close(f);
}

TEST(safetensors_open_names_a_missing_file) {
    tarn_safetensors *f;
    CHECK_ERR(tarn_safetensors_open("/nowhere/a.safetensors", &f), TARN_ENOENT, "/nowhere");
}

// ---- writing -----------------------------------------------------------------------------------

TEST(safetensors_writes_the_same_bytes_whatever_the_order) {
    static const char want[] = "{\"__metadata__\":{\"k\":\"a\\\"b\"},"
                               "\"wide\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                               "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
                               "\"b\":{\"dtype\":\"I32\",\"shape\":[0],\"data_offsets\":[16,16]},"
                               "\"m\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}";
    char path[PATH_CAP];
    tarn_tensor *wide, *a, *b, *m;
    const tarn_pair meta = {"k", "a\"b"};
    path_of(test_dir(), "o.safetensors", path);
    CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SCALAR, &(double){2}, &wide));
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(1, 2), (float[]){3, 4}, &a));
    CHECK_OK(tarn_tensor_create(TARN_I32, TARN_SHAPE(0), &b));
    CHECK_OK(tarn_tensor_from(TARN_U8, TARN_SHAPE(3), (uint8_t[]){7, 8, 9}, &m));
    const tarn_named_tensor one[] = {{"m", m}, {"b", b}, {"a", a}, {"wide", wide}};
    const tarn_named_tensor two[] = {{"wide", wide}, {"a", a}, {"m", m}, {"b", b}};
    for (int i = 0; i < 2; i++) {
        uint8_t *data;
        size_t size, header = (sizeof want - 1 + 7) / 8 * 8;
        CHECK_OK(tarn_safetensors_write(path, i ? two : one, 4, &meta, 1));
        CHECK_OK(ti_file_read(path, 4096, &data, &size));
        CHECK_EQ_I(size, 8 + header + 19);
        CHECK_EQ_I(data[0] | data[1] << 8, header);
        CHECK(memcmp(data + 8, want, sizeof want - 1) == 0);
        for (size_t j = sizeof want - 1; j < header; j++) CHECK_EQ_I(data[8 + j], ' ');
        CHECK(memcmp(data + 8 + header + 16, "\7\10\11", 3) == 0);
        ti_free(data);
    }
    tarn_tensor_release(wide);
    tarn_tensor_release(a);
    tarn_tensor_release(b);
    tarn_tensor_release(m);
}

TEST(safetensors_reads_back_what_it_wrote) {
    char path[PATH_CAP], golden[PATH_CAP];
    tarn_safetensors *f;
    tarn_tensor *t[14];
    tarn_named_tensor named[14];
    path_of(test_dir(), "copy.safetensors", path);
    CHECK_OK(tarn_safetensors_open(golden_path("tiny.safetensors", golden), &f));
    for (int i = 0; i < 14; i++) {
        CHECK_OK(tarn_safetensors_get(f, tarn_safetensors_name(f, i), &t[i]));
        named[i] = (tarn_named_tensor){tarn_safetensors_name(f, i), t[i]};
    }
    CHECK_OK(tarn_safetensors_write(path, named, 14, NULL, 0));
    tarn_safetensors *g;
    CHECK_OK(tarn_safetensors_open(path, &g));
    for (int i = 0; i < 14; i++) {
        tarn_tensor *u;
        CHECK_OK(tarn_safetensors_get(g, named[i].name, &u));
        CHECK_EQ_I(tarn_tensor_dtype(u), tarn_tensor_dtype(t[i]));
        CHECK(tarn_shape_equal(tarn_tensor_shape(u), tarn_tensor_shape(t[i])));
        CHECK(memcmp(tarn_tensor_cdata(u), tarn_tensor_cdata(t[i]), tarn_tensor_bytes(u)) == 0);
        tarn_tensor_release(u);
        tarn_tensor_release(t[i]);
    }
    tarn_safetensors_close(g);
    tarn_safetensors_close(f);
}

TEST(safetensors_refuses_arguments_that_make_no_file) {
    char path[PATH_CAP];
    tarn_tensor *a;
    const tarn_pair pairs[] = {{"k", "1"}, {"k", "2"}}, no_text = {"k", "\xc3"};
    path_of(test_dir(), "no.safetensors", path);
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(1), &a));
    const tarn_named_tensor twice[] = {{"x", a}, {"y", a}, {"x", a}};
    CHECK_ERR(tarn_safetensors_write(path, twice, 3, NULL, 0), TARN_EARG, "two tensors named 'x'");
    CHECK_ERR(tarn_safetensors_write(path, twice, 2, pairs, 2), TARN_EARG,
              "metadata keys named 'k'");
    CHECK_ERR(tarn_safetensors_write(path, twice, 2, &no_text, 1), TARN_EARG, "not UTF-8");
    CHECK_ERR(tarn_safetensors_write(path, &(tarn_named_tensor){"__metadata__", a}, 1, NULL, 0),
              TARN_EARG, "cannot name a tensor");
    CHECK_ERR(tarn_safetensors_write(path, &(tarn_named_tensor){NULL, a}, 1, NULL, 0), TARN_EARG,
              "entry 0");
    CHECK_ERR(tarn_safetensors_write(path, twice, 2, &(tarn_pair){NULL, "1"}, 1), TARN_EARG,
              "metadata 0 has no key");
    CHECK_ERR(tarn_safetensors_write(path, twice, -1, NULL, 0), TARN_EARG, "-1 tensors");
    CHECK(!ti_file_exists(path));
    tarn_tensor_release(a);
}

TEST(safetensors_reads_a_trained_model) {
    char path[PATH_CAP];
    tarn_safetensors *f;
    tarn_tensor *t;
    if (!test_shared()) SKIP("no folder of real data");
    path_of(test_shared(), "data/models/safetensors/mnist_cnn_bn.safetensors", path);
    if (!ti_file_exists(path)) SKIP("no file %s", path);
    CHECK_OK(tarn_safetensors_open(path, &f));
    CHECK(tarn_safetensors_count(f) > 0);
    for (int i = 0; i < tarn_safetensors_count(f); i++) {
        CHECK_OK(tarn_safetensors_get(f, tarn_safetensors_name(f, i), &t));
        tarn_tensor_release(t);
    }
    tarn_safetensors_close(f);
}
