// Host tensors: dtypes, shapes, sharing, casts.
#include "tensor/tensor.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "test.h"

TEST(dtypes_have_names_sizes_and_kinds) {
    CHECK_STR(tarn_dtype_name(TARN_F32), "f32");
    CHECK_STR(tarn_dtype_name(TARN_BOOL), "bool");
    CHECK_STR(tarn_dtype_name(TARN_DTYPE_COUNT), "?");
    CHECK_EQ_I(tarn_dtype_size(TARN_BF16), 2);
    CHECK_EQ_I(tarn_dtype_size(TARN_U64), 8);
    CHECK_EQ_I(tarn_dtype_size((tarn_dtype)-1), 0);
    CHECK_EQ_I(ti_dtype_kind(TARN_F16), 'f');
    CHECK_EQ_I(ti_dtype_kind(TARN_U8), 'u');
}

TEST(numel_multiplies_and_reports_what_cannot_be) {
    const int64_t huge = (int64_t)1 << 40;
    tarn_shape scalar = TARN_SCALAR, s = TARN_SHAPE(2, 3, 4), empty = TARN_SHAPE(huge, huge, 0);
    tarn_shape large = TARN_SHAPE(huge, huge), negative = TARN_SHAPE(2, -1), deep = TARN_SCALAR;
    deep.rank = TARN_MAX_RANK + 1;
    CHECK_EQ_I(tarn_shape_numel(&scalar), 1);
    CHECK_EQ_I(tarn_shape_numel(&s), 24);
    CHECK_EQ_I(tarn_shape_numel(&empty), 0);
    CHECK_EQ_I(tarn_shape_numel(&large), -1);
    CHECK_EQ_I(tarn_shape_numel(&negative), -1);
    CHECK_EQ_I(tarn_shape_numel(&deep), -1);
}

TEST(shapes_are_equal_by_rank_and_dimensions) {
    tarn_shape a = TARN_SHAPE(2, 3), b = TARN_SHAPE(2, 3), c = TARN_SHAPE(3, 2), d = TARN_SHAPE(2);
    b.dim[5] = 7;  // beyond the rank: no part of the shape
    CHECK(tarn_shape_equal(&a, &b));
    CHECK(!tarn_shape_equal(&a, &c));
    CHECK(!tarn_shape_equal(&a, &d));
}

TEST(shape_text_fits_the_longest_shape) {
    char text[TI_SHAPE_TEXT_CAP];
    tarn_shape s = {TARN_MAX_RANK, {0}};
    for (int i = 0; i < TARN_MAX_RANK; i++) s.dim[i] = INT64_MIN;
    ti_shape_text(&s, text);
    CHECK_EQ_I(strlen(text), TARN_MAX_RANK * 20 + TARN_MAX_RANK - 1 + 2);
    s = TARN_SHAPE(128, 784);
    CHECK_STR(ti_shape_text(&s, text), "[128,784]");
}

TEST(new_tensors_are_zero_and_aligned) {
    tarn_tensor *t;
    CHECK_OK(tarn_tensor_create(TARN_F64, TARN_SHAPE(3, 5), &t));
    const double *x = tarn_tensor_cdata(t);
    CHECK_EQ_I((uintptr_t)x % 64, 0);
    CHECK_EQ_I(tarn_tensor_bytes(t), 120);
    for (int i = 0; i < 15; i++) CHECK(x[i] == 0);
    tarn_tensor_release(t);
    tarn_tensor_release(NULL);
}

TEST(impossible_shapes_are_refused_and_leave_the_output_alone) {
    const int64_t huge = (int64_t)1 << 60;
    tarn_tensor *t = NULL;
    tarn_shape deep = {TARN_MAX_RANK + 1, {0}};
    CHECK_ERR(tarn_tensor_create(TARN_F32, TARN_SHAPE(2, -3), &t), TARN_ESHAPE, "[2,-3]");
    CHECK_ERR(tarn_tensor_create(TARN_F32, TARN_SHAPE(huge, huge), &t), TARN_ESHAPE, "too large");
    CHECK_ERR(tarn_tensor_create(TARN_F64, TARN_SHAPE(huge, 7), &t), TARN_ESHAPE, "too large");
    CHECK_ERR(tarn_tensor_create(TARN_F64, TARN_SHAPE(huge), &t), TARN_ENOMEM,
              "9223372036854775808");
    CHECK_ERR(tarn_tensor_create(TARN_F32, deep, &t), TARN_ESHAPE, "rank 9");
    CHECK_ERR(tarn_tensor_create(TARN_DTYPE_COUNT, TARN_SCALAR, &t), TARN_EDTYPE, "13");
    CHECK(t == NULL);
}

TEST(reshape_shares_data_and_keeps_it_alive) {
    tarn_tensor *t, *a, *b;
    uint64_t live = ti_alloc_stats_now().live;
    CHECK_OK(tarn_tensor_from(TARN_I32, TARN_SHAPE(4), (int32_t[]){1, 2, 3, 4}, &t));
    CHECK_OK(tarn_tensor_reshape(t, TARN_SHAPE(2, 2), &a));
    CHECK_OK(tarn_tensor_reshape(a, TARN_SHAPE(1, 4, 1), &b));
    CHECK_ERR(tarn_tensor_reshape(a, TARN_SHAPE(3), &t), TARN_ESHAPE, "[2,2] to [3]");
    tarn_tensor_release(t);
    tarn_tensor_release(a);
    CHECK_EQ_I(((int32_t *)tarn_tensor_data(b))[3], 4);
    CHECK_EQ_I(tarn_tensor_shape(b)->rank, 3);
    tarn_tensor_release(b);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}

static void *retain_and_release(void *t) {
    for (int i = 0; i < 10000; i++) tarn_tensor_release(tarn_tensor_retain(t));
    return NULL;
}

TEST(counts_hold_when_threads_share_a_tensor) {
    tarn_tensor *t;
    pthread_t thread[4];
    uint64_t live = ti_alloc_stats_now().live;
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(1), &t));
    for (int i = 0; i < 4; i++)
        CHECK_EQ_I(pthread_create(&thread[i], NULL, retain_and_release, t), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    tarn_tensor_release(t);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}

// ---- casts -------------------------------------------------------------------------------------

// One value from one dtype to another and then to f64 for looking at.
static double cast_one(tarn_dtype from, const void *value, tarn_dtype to) {
    tarn_tensor *a, *b, *c;
    CHECK_OK(tarn_tensor_from(from, TARN_SHAPE(1), value, &a));
    CHECK_OK(tarn_tensor_cast(a, to, &b));
    CHECK_OK(tarn_tensor_cast(b, TARN_F64, &c));
    double x = *(const double *)tarn_tensor_cdata(c);
    tarn_tensor_release(a);
    tarn_tensor_release(b);
    tarn_tensor_release(c);
    return x;
}

static double from_f32(float x, tarn_dtype to) { return cast_one(TARN_F32, &x, to); }

TEST(float_to_integer_truncates_towards_zero) {
    CHECK(from_f32(2.9f, TARN_I32) == 2);
    CHECK(from_f32(-2.9f, TARN_I8) == -2);
    CHECK(from_f32(-0.9f, TARN_U8) == 0);
    CHECK(from_f32(0.1f, TARN_BOOL) == 1);
    CHECK(from_f32(NAN, TARN_BOOL) == 1);
}

TEST(float_to_integer_saturates) {
    CHECK(from_f32(300, TARN_U8) == 255);
    CHECK(from_f32(-300, TARN_I8) == -128);
    CHECK(from_f32(1e10f, TARN_I32) == 2147483647);
    CHECK(from_f32(INFINITY, TARN_U32) == 4294967295.0);
    CHECK(from_f32(-INFINITY, TARN_I64) == -0x1p63);
    CHECK(from_f32(INFINITY, TARN_I64) == 0x1p63);  // INT64_MAX, rounded on its way to f64
    CHECK(from_f32(INFINITY, TARN_U64) == 0x1p64);
    CHECK(from_f32(-1, TARN_U64) == 0);
    CHECK(from_f32(NAN, TARN_I16) == 0);
}

TEST(integer_to_integer_keeps_the_low_bits) {
    CHECK(cast_one(TARN_I32, &(int32_t){-1}, TARN_U8) == 255);
    CHECK(cast_one(TARN_I32, &(int32_t){200}, TARN_I8) == -56);
    CHECK(cast_one(TARN_I64, &(int64_t){-2}, TARN_U64) == 0x1p64);
    CHECK(cast_one(TARN_U8, &(uint8_t){7}, TARN_BOOL) == 1);
    CHECK(cast_one(TARN_U64, &(uint64_t){UINT64_MAX}, TARN_F32) == 0x1p64);
    CHECK(cast_one(TARN_I64, &(int64_t){-5}, TARN_F32) == -5);
}

TEST(casts_cross_block_ends) {
    enum { N = 1001 };
    tarn_tensor *a, *b;
    CHECK_OK(tarn_tensor_create(TARN_U16, TARN_SHAPE(7, 143), &a));
    uint16_t *x = tarn_tensor_data(a);
    for (int i = 0; i < N; i++) x[i] = (uint16_t)(65535 - i);
    CHECK_OK(tarn_tensor_cast(a, TARN_F32, &b));
    const float *y = tarn_tensor_cdata(b);
    for (int i = 0; i < N; i++) CHECK(y[i] == (float)(65535 - i));
    CHECK(tarn_shape_equal(tarn_tensor_shape(a), tarn_tensor_shape(b)));
    tarn_tensor_release(a);
    tarn_tensor_release(b);
}

TEST(half_types_are_cast_to_the_nearest) {
    const double x[4] = {1.00390625, -65504, 1e6, 1e-8};
    tarn_tensor *a, *b = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SHAPE(4), x, &a));
    CHECK_OK(tarn_tensor_cast(a, TARN_F16, &b));
    const uint16_t *h = tarn_tensor_cdata(b);
    CHECK(h[0] == 0x3c04 && h[1] == 0xfbff && h[2] == 0x7c00 && h[3] == 0);
    tarn_tensor_release(b);
    CHECK_OK(tarn_tensor_cast(a, TARN_BF16, &b));
    h = tarn_tensor_cdata(b);
    CHECK(h[0] == 0x3f80 && h[1] == 0xc780 && h[2] == 0x4974 && h[3] == 0x322c);
    tarn_tensor_release(b);
    CHECK_ERR(tarn_tensor_cast(a, TARN_DTYPE_COUNT, &b), TARN_EDTYPE, "13");
    tarn_tensor_release(a);
}
