// .npy files, read and written. tests/golden/io/npy is the work of NumPy (make.py there).
#include "io_support.h"

static tarn_status read_bytes(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    tarn_status st = ti_npy_parse("t.npy", data, size, &t);
    if (!st) tarn_tensor_release(t);
    return st;
}

// Version 1.0 with this dictionary and n bytes 0.
static tarn_status read_made(const char *text, size_t n) {
    uint8_t file[512] = "\x93NUMPY\1";
    size_t h = strlen(text);
    CHECK(10 + h + n <= sizeof file);
    file[8] = (uint8_t)h;
    memcpy(file + 10, text, h);
    return read_bytes(file, 10 + h + n);
}

static tarn_tensor *golden(const char *file) {
    char path[PATH_CAP];
    tarn_tensor *t;
    CHECK_OK(tarn_npy_read(golden_path(file, path), &t));
    return t;
}

// 0, 1, 2, ... of any dtype; half floats by their bits.
static void check_counts(const tarn_tensor *t, bool wraps) {
    static const uint16_t halves[] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500};
    tarn_tensor *wide;
    if (tarn_tensor_dtype(t) == TARN_F16) {
        CHECK(!memcmp(tarn_tensor_cdata(t), halves, sizeof halves));
        return;
    }
    CHECK_OK(tarn_tensor_cast(t, TARN_F64, &wide));
    const double *x = tarn_tensor_cdata(wide);
    for (int i = 0; i < tarn_tensor_numel(t); i++) CHECK(x[i] == (wraps ? i % 2 : i));
    tarn_tensor_release(wide);
}

static const struct {
    const char *file;
    tarn_dtype dtype;
} every[] = {{"npy/f2.npy", TARN_F16}, {"npy/f4.npy", TARN_F32}, {"npy/f8.npy", TARN_F64},
             {"npy/i1.npy", TARN_I8},  {"npy/i2.npy", TARN_I16}, {"npy/i4.npy", TARN_I32},
             {"npy/i8.npy", TARN_I64}, {"npy/u1.npy", TARN_U8},  {"npy/u2.npy", TARN_U16},
             {"npy/u4.npy", TARN_U32}, {"npy/u8.npy", TARN_U64}, {"npy/bool.npy", TARN_BOOL}};

TEST(npy_reads_every_dtype_of_numpy) {
    const tarn_shape want = TARN_SHAPE(2, 3);
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        tarn_tensor *t = golden(every[i].file);
        CHECK_EQ_I(tarn_tensor_dtype(t), every[i].dtype);
        CHECK(tarn_shape_equal(tarn_tensor_shape(t), &want));
        check_counts(t, every[i].dtype == TARN_BOOL);
        tarn_tensor_release(t);
    }
}

TEST(npy_reads_scalars_empty_arrays_fortran_order_and_version_2) {
    const tarn_shape cube = TARN_SHAPE(2, 3, 4), none = TARN_SHAPE(3, 0);
    tarn_tensor *scalar = golden("npy/scalar.npy"), *empty = golden("npy/empty.npy");
    tarn_tensor *fortran = golden("npy/fortran.npy"), *two = golden("npy/version2.npy");
    CHECK(tarn_tensor_shape(scalar)->rank == 0 &&
          *(const float *)tarn_tensor_cdata(scalar) == -1.5f);
    CHECK(tarn_shape_equal(tarn_tensor_shape(empty), &none));
    CHECK(tarn_shape_equal(tarn_tensor_shape(fortran), &cube));
    check_counts(fortran, false);
    CHECK_EQ_I(tarn_tensor_numel(two), 5);
    check_counts(two, false);
    tarn_tensor_release(scalar);
    tarn_tensor_release(empty);
    tarn_tensor_release(fortran);
    tarn_tensor_release(two);
}

TEST(npy_writes_the_bytes_that_numpy_writes) {
    char path[PATH_CAP];
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        tarn_tensor *t = golden(every[i].file);
        bytes want = golden_bytes(every[i].file), got;
        CHECK_OK(tarn_npy_write(path_of(test_dir(), "t.npy", path), t));
        CHECK_OK(ti_file_read(path, 1 << 20, &got.data, &got.size));
        CHECK_EQ_I(got.size, want.size);
        CHECK(!memcmp(got.data, want.data, want.size));
        tarn_tensor_release(t);
        ti_free(want.data);
        ti_free(got.data);
    }
}

TEST(npy_keeps_scalars_vectors_and_bf16_through_a_file) {
    const uint16_t x[] = {0x3f80, 0xc000, 0x7fc0};
    const tarn_shape shapes[] = {TARN_SHAPE(3), TARN_SHAPE(1, 1, 1, 1, 1, 1, 1, 3)};
    char path[PATH_CAP];
    for (int i = 0; i < 2; i++) {
        tarn_tensor *t, *back;
        CHECK_OK(tarn_tensor_from(TARN_BF16, shapes[i], x, &t));
        CHECK_OK(tarn_npy_write(path_of(test_dir(), "t.npy", path), t));
        CHECK_OK(tarn_npy_read(path, &back));
        CHECK_EQ_I(tarn_tensor_dtype(back), TARN_BF16);
        CHECK(tarn_shape_equal(tarn_tensor_shape(back), &shapes[i]));
        CHECK(!memcmp(tarn_tensor_cdata(back), x, sizeof x));
        tarn_tensor_release(t);
        tarn_tensor_release(back);
    }
}

TEST(npy_refuses_every_truncation) { check_truncations("npy/f4.npy", read_bytes); }
TEST(npy_survives_every_failed_allocation) { check_allocations("npy/fortran.npy", read_bytes); }

TEST(npy_refuses_what_it_cannot_hold) {
    char path[PATH_CAP];
    tarn_tensor *t;
    CHECK_ERR(tarn_npy_read(golden_path("npy/big.npy", path), &t), TARN_EUNSUPPORTED, "'>i4'");
    CHECK_ERR(tarn_npy_read(golden_path("npy/objects.npy", path), &t), TARN_EUNSUPPORTED, "'|O'");
    CHECK_ERR(tarn_npy_read("/nowhere/a.npy", &t), TARN_ENOENT, "/nowhere");
    CHECK_ERR(read_bytes((const uint8_t *)"\x93NUMPX\1\0\0\0", 10), TARN_EFORMAT, "not a .npy");
    CHECK_ERR(read_bytes((const uint8_t *)"\x93NUMPY\7\0\0\0", 10), TARN_EUNSUPPORTED, "7.0");
    CHECK_ERR(read_bytes((const uint8_t *)"\x93NUMPY\2\0\0\0\0\1", 12), TARN_ELIMIT, "16777216");
}

TEST(npy_reads_its_dictionary_in_any_order_and_refuses_others) {
    CHECK_OK(read_made("{'shape':(2,),'descr':'|u1','fortran_order':False}", 2));
    CHECK_OK(read_made("{'fortran_order': True , 'shape': ( 2, 1 ,), 'descr': '=u1',}\n", 2));
    CHECK_ERR(read_made("{'descr': '|u1', 'shape': ()}", 1), TARN_EFORMAT, "fortran_order and");
    CHECK_ERR(read_made("{'shape': (), 'shape': ()}", 1), TARN_EFORMAT, "key 'shape' again");
    CHECK_ERR(read_made("{'descr': '|u1', 'size': 3}", 1), TARN_EFORMAT, "one of the keys");
    CHECK_ERR(read_made("{'descr': '|u1", 1), TARN_EFORMAT, "' expected");
    CHECK_ERR(read_made("{'descr': [('a', '|u1')]}", 1), TARN_EFORMAT, "' expected");
    CHECK_ERR(read_made("{'shape': (-1,)}", 1), TARN_EFORMAT, "a dimension expected");
    CHECK_ERR(read_made("{'shape': (1 2)}", 1), TARN_EFORMAT, ") expected");
    CHECK_ERR(read_made("{'shape': (1,1,1,1,1,1,1,1,1)}", 1), TARN_EFORMAT, "rank above 8");
    CHECK_ERR(read_made("{'shape': (9223372036854775808,)}", 1), TARN_EFORMAT, "beyond 2^63-1");
    CHECK_ERR(read_made("{'descr': '|u1', 'fortran_order': False, 'shape': ()} x", 1), TARN_EFORMAT,
              "goes on");
}

TEST(npy_refuses_sizes_that_lie) {
    CHECK_ERR(read_made("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7), TARN_EFORMAT,
              "f32 [2] does not have the 7 bytes");
    CHECK_ERR(read_made("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9), TARN_EFORMAT,
              "9 bytes");
    CHECK_ERR(read_made("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, "
                        "4294967296)}",
                        0),
              TARN_EFORMAT, "0 bytes");
}

TEST(npy_refuses_bools_that_are_neither_0_nor_1) {
    static const char file[] = "\x93NUMPY\1\0\x37\0{'descr': '|b1', 'fortran_order': False, "
                               "'shape': (1,)}\2";
    CHECK_ERR(read_bytes((const uint8_t *)file, sizeof file - 1), TARN_EFORMAT, "neither 0 nor 1");
}
