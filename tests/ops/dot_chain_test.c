// The order of a contraction's sum, against the chain of fused multiply-adds that is promised: in
// the order of k within blocks of 512, the blocks added in order. Every size that the engine cuts
// differently, both operands as they may lie, every instruction set, several threads: to the bit.
#include <math.h>

#include "ops/support.h"

enum { BLOCK = 512 };

typedef struct sizes {
    int64_t m, n, k;
} sizes;

// Rows and columns within, at and past tiles of 16 x 64; one row; few columns; sums past one block,
// past the depth at which they are cut, and of nothing.
static const sizes all[] = {
    {1, 64, 700},   {1, 50, 30},     {2, 33, 1030},   {13, 7, 5},      {16, 64, 512},
    {17, 65, 513},  {130, 10, 70},   {129, 48, 1025}, {97, 300, 1540}, {261, 130, 1100},
    {600, 70, 250}, {40, 1100, 300}, {5, 5, 0},
};
enum { N_SIZES = sizeof all / sizeof *all };

static float value(int64_t i, int salt) {  // a few bits, so that sums round
    return (float)((double)((i * 2654435761 + salt * 40503) % 65521) / 65521 - 0.5);
}

// Operand as [rows, cols] row-major, or transposed in memory.
static void fill(void *out, tarn_dtype dtype, int64_t rows, int64_t cols, bool trans, int salt) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) {
            int64_t at = trans ? j * rows + i : i * cols + j;
            float x = value(i * cols + j, salt);
            if (dtype == TARN_F32) {
                ((float *)out)[at] = x;
            } else {
                ((double *)out)[at] = (double)x * 1.000000119;
            }
        }
}

static float chain_f32(const float *a, const float *b, const sizes *s, int64_t i, int64_t j) {
    float sum = 0;
    for (int64_t k0 = 0; k0 < s->k; k0 += BLOCK) {
        float part = a[i * s->k + k0] * b[k0 * s->n + j];
        for (int64_t k = k0 + 1; k < s->k && k < k0 + BLOCK; k++)
            part = fmaf(a[i * s->k + k], b[k * s->n + j], part);
        sum = k0 ? sum + part : part;
    }
    return sum;
}

static double chain_f64(const double *a, const double *b, const sizes *s, int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t k0 = 0; k0 < s->k; k0 += BLOCK) {
        double part = a[i * s->k + k0] * b[k0 * s->n + j];
        for (int64_t k = k0 + 1; k < s->k && k < k0 + BLOCK; k++)
            part = fma(a[i * s->k + k], b[k * s->n + j], part);
        sum = k0 ? sum + part : part;
    }
    return sum;
}

// How the operands are given: as they are or transposed, and the right one as a variable.
typedef struct form {
    bool trans_a, trans_b, variable;
} form;

static tarn_node *operand(rig *r, const char *name, tarn_dtype dtype, int64_t rows, int64_t cols,
                          bool trans, bool variable) {
    tarn_shape s = trans ? TARN_SHAPE(cols, rows) : TARN_SHAPE(rows, cols);
    tarn_node *x = variable ? tarn_variable(r->g, name, dtype, s, tarn_init_zeros())
                            : tarn_input(r->g, name, dtype, s);
    return trans ? tarn_transpose(r->g, x, (const int[]){1, 0}) : x;
}

static void give(rig *r, const char *name, tarn_dtype dtype, int64_t rows, int64_t cols, bool trans,
                 bool variable, tarn_tensor **kept) {
    tarn_shape s = trans ? TARN_SHAPE(cols, rows) : TARN_SHAPE(rows, cols);
    CHECK_OK(tarn_tensor_create(dtype, s, kept));
    fill(tarn_tensor_data(*kept), dtype, rows, cols, trans, name[0]);
    if (variable) {
        CHECK_OK(tarn_store_set(r->store, name, *kept));
    } else if (has_input(r->p, name)) {
        CHECK_OK(tarn_bind(r->p, name, tarn_tensor_cdata(*kept), s));
    }
}

// All elements of the product, by the promise.
static void *expect(const sizes *s, tarn_dtype dtype) {
    size_t size = tarn_dtype_size(dtype);
    char *a = malloc((size_t)(s->m * s->k) * size + size);
    char *b = malloc((size_t)(s->k * s->n) * size + size);
    char *y = malloc((size_t)(s->m * s->n) * size);
    CHECK(a && b && y);
    fill(a, dtype, s->m, s->k, false, 'a');
    fill(b, dtype, s->k, s->n, false, 'b');
    for (int64_t i = 0; i < s->m * s->n; i++) {
        int64_t r = i / s->n, c = i % s->n;
        if (dtype == TARN_F32) {
            ((float *)(void *)y)[i] = chain_f32((float *)(void *)a, (float *)(void *)b, s, r, c);
        } else {
            ((double *)(void *)y)[i] = chain_f64((double *)(void *)a, (double *)(void *)b, s, r, c);
        }
    }
    free(a);
    free(b);
    return y;
}

static void check_result(const rig *r, const sizes *s, tarn_dtype dtype, const form *f,
                         const char *want) {
    size_t bytes, size = tarn_dtype_size(dtype);
    const char *got = result_bytes(r->p, 0, &bytes);
    for (int64_t i = 0; i < s->m * s->n; i++)
        if (memcmp(got + (size_t)i * size, want + (size_t)i * size, size))
            test_fail(__FILE__, __LINE__, "%lldx%lldx%lld %s%s%s%s: element %lld,%lld differs",
                      (long long)s->m, (long long)s->n, (long long)s->k, tarn_dtype_name(dtype),
                      f->trans_a ? " a transposed" : "", f->trans_b ? " b transposed" : "",
                      f->variable ? " b packed" : "", (long long)(i / s->n), (long long)(i % s->n));
}

static void check_product(const sizes *s, tarn_dtype dtype, const form *f, const char *want) {
    rig r = rig_make();
    tarn_tensor *a = NULL, *b = NULL;
    tarn_node *x = operand(&r, "a", dtype, s->m, s->k, f->trans_a, false);
    tarn_node *y = operand(&r, "b", dtype, s->k, s->n, f->trans_b, f->variable);
    tarn_node *z = tarn_matmul(r.g, x, y);
    rig_compile(&r, TARN_FETCH(z), "cpu", NULL);
    give(&r, "a", dtype, s->m, s->k, f->trans_a, false, &a);
    give(&r, "b", dtype, s->k, s->n, f->trans_b, f->variable, &b);
    CHECK_OK(tarn_run(r.p));
    check_result(&r, s, dtype, f, want);
    tarn_tensor_release(a);
    tarn_tensor_release(b);
    rig_free(&r);
}

static void check_forms(const sizes *s, tarn_dtype dtype) {
    static const form forms[] = {{false, false, false}, {true, false, false}, {false, true, false},
                                 {false, false, true},  {false, true, true},  {true, true, true}};
    void *want = expect(s, dtype);
    for (size_t j = 0; j < sizeof forms / sizeof *forms; j++)
        if (s->k > 0 || !(forms[j].variable || forms[j].trans_a))
            check_product(s, dtype, &forms[j], want);
    free(want);
}

static void check_isa(const char *isa, int threads) {
    if (!use_isa(isa)) SKIP("this processor has no %s", isa);
    CHECK_OK(tarn_set_threads(threads));
    for (int i = 0; i < N_SIZES; i++) {
        check_forms(&all[i], TARN_F32);
        if (i % 3 == 0) check_forms(&all[i], TARN_F64);
    }
}

TEST(avx512_sums_in_the_promised_order) { check_isa("avx512", 2); }
TEST(avx2_sums_in_the_promised_order) { check_isa("avx2", 3); }
TEST(neon_sums_in_the_promised_order) { check_isa("neon", 2); }
TEST(scalar_code_sums_in_the_promised_order) { check_isa("scalar", 4); }
TEST(one_thread_sums_in_the_promised_order) { check_isa(ti_isa_pick()->name, 1); }
TEST(eight_threads_sum_in_the_promised_order) { check_isa(ti_isa_pick()->name, 8); }
