// Stores: variables by name, their canonical values whatever their form in memory, their hash.
#include "ops/support.h"

static tarn_tensor *numbers(tarn_shape s) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_tensor_create(TARN_F32, s, &t));
    for (int64_t i = 0; i < tarn_tensor_numel(t); i++)
        ((float *)tarn_tensor_data(t))[i] = (float)(i + 1);
    return t;
}

static void add(rig *r, const char *name, tarn_shape s) {
    CHECK(tarn_variable(r->g, name, TARN_F32, s, tarn_init_zeros()));
    tarn_tensor *t = numbers(s);
    CHECK_OK(tarn_store_set(r->store, name, t));
    tarn_tensor_release(t);
}

TEST(variables_are_listed_by_name) {
    rig r = rig_make();
    CHECK_EQ_I(tarn_store_seed(r.store), RIG_SEED);
    CHECK_EQ_I(tarn_store_count(r.store), 0);
    add(&r, "dense/kernel", TARN_SHAPE(2));
    add(&r, "conv/kernel", TARN_SHAPE(2));
    add(&r, "dense/bias", TARN_SHAPE(2));
    CHECK_EQ_I(tarn_store_count(r.store), 3);
    CHECK_STR(tarn_store_name(r.store, 0), "conv/kernel");
    CHECK_STR(tarn_store_name(r.store, 1), "dense/bias");
    CHECK_STR(tarn_store_name(r.store, 2), "dense/kernel");
    CHECK(!tarn_store_name(r.store, 3) && !tarn_store_name(r.store, -1));
    CHECK(tarn_store_has(r.store, "dense/bias") && !tarn_store_has(r.store, "dense"));
    rig_free(&r);
}

TEST(many_variables_stay_sorted) {
    rig r = rig_make();
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "v%02d", i * 37 % 100);
        add(&r, name, TARN_SHAPE(1));
    }
    CHECK_EQ_I(tarn_store_count(r.store), 100);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "v%02d", i);
        CHECK_STR(tarn_store_name(r.store, i), name);
    }
    rig_free(&r);
}

TEST(a_refused_value_changes_nothing) {
    rig r = rig_make();
    tarn_tensor *wide = NULL, *t = numbers(TARN_SHAPE(3, 2)), *got = NULL;
    add(&r, "w", TARN_SHAPE(2, 3));
    CHECK_OK(tarn_tensor_create(TARN_F64, TARN_SHAPE(2, 3), &wide));
    CHECK_ERR(tarn_store_set(r.store, "v", t), TARN_ENOENT, "no variable 'v'");
    CHECK_ERR(tarn_store_get(r.store, "v", &got), TARN_ENOENT, "no variable 'v'");
    CHECK_ERR(tarn_store_set(r.store, "w", t), TARN_ESHAPE, "variable 'w' is [2,3], not [3,2]");
    CHECK_ERR(tarn_store_set(r.store, "w", wide), TARN_EDTYPE, "variable 'w' is f32, not f64");
    CHECK(!got);
    CHECK_OK(tarn_store_get(r.store, "w", &got));
    for (int i = 0; i < 6; i++) CHECK(((const float *)tarn_tensor_cdata(got))[i] == (float)(i + 1));
    tarn_tensor_release(t);
    tarn_tensor_release(wide);
    tarn_tensor_release(got);
    rig_free(&r);
}

// ---- the hash -----------------------------------------------------------------------------------

// Independent: Python's hashlib over name 0 dtype 0 rank dims (i64) and data, little-endian:
// sha256(b"a\0f32\0" + pack("<qq2f", 1, 2, 1, 2) + b"b\0f32\0" + pack("<qqq6f", 2, 2, 3, 1..6))
TEST(the_hash_is_sha256_of_names_dtypes_shapes_and_bytes) {
    rig r = rig_make();
    char hex[65];
    add(&r, "a", TARN_SHAPE(2));
    add(&r, "b", TARN_SHAPE(2, 3));  // in panels: the hash sees rows
    CHECK_OK(tarn_store_sha256(r.store, hex));
    CHECK_STR(hex, "9ae1f0c350aff2025a0eec333d4b9477eac2edb04085c8744fa4c94c89be6cf0");
    rig_free(&r);
}

static void hash_in_order(const char *const *names, char hex[65]) {
    rig r = rig_make();
    for (int i = 0; names[i]; i++) add(&r, names[i], TARN_SHAPE(i % 2 + 1, 3));
    CHECK_OK(tarn_store_sha256(r.store, hex));
    rig_free(&r);
}

TEST(the_hash_does_not_depend_on_the_order_of_creation) {
    char first[65], second[65];
    hash_in_order((const char *[]){"a", "b", "c", "d", NULL}, first);
    hash_in_order((const char *[]){"c", "d", "a", "b", NULL}, second);
    CHECK_STR(first, second);
    hash_in_order((const char *[]){"a", "b", "c", "e", NULL}, second);
    CHECK(strcmp(first, second) != 0);
}

TEST(the_hash_sees_every_value_and_no_state) {
    rig r = rig_make();
    char before[65], after[65];
    add(&r, "w", TARN_SHAPE(5, 17));
    CHECK_OK(tarn_store_sha256(r.store, before));
    add(&r, TARN_STATE_PREFIX "step", TARN_SHAPE(4));
    CHECK_OK(tarn_store_sha256(r.store, after));
    CHECK_STR(after, before);
    for (int i = 0; i < 85; i += 21) {
        tarn_tensor *t = numbers(TARN_SHAPE(5, 17));
        ((float *)tarn_tensor_data(t))[i] += 0.5f;
        CHECK_OK(tarn_store_set(r.store, "w", t));
        CHECK_OK(tarn_store_sha256(r.store, after));
        CHECK(strcmp(after, before) != 0);
        tarn_tensor_release(t);
    }
    rig_free(&r);
}

TEST(random_first_values_depend_on_seed_and_name_only) {
    char first[65], second[65];
    for (int turn = 0; turn < 2; turn++) {
        rig r = rig_make();
        for (int i = 0; i < 2; i++) {
            const char *name = i == turn ? "p" : "q";
            CHECK(tarn_variable(r.g, name, TARN_F32, TARN_SHAPE(3, 5), tarn_init_glorot_uniform()));
        }
        CHECK_OK(tarn_store_sha256(r.store, turn ? second : first));
        rig_free(&r);
    }
    CHECK_STR(first, second);
}

// ---- forms --------------------------------------------------------------------------------------

TEST(float_matrices_lie_in_panels_all_else_in_rows) {
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(2, 2)), TI_PANELS);
    CHECK_EQ_I(ti_variable_form(TARN_F64, &TARN_SHAPE(784, 512)), TI_PANELS);
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(1, 2)), TI_ROWS);
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(2, 1)), TI_ROWS);
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(0, 5)), TI_ROWS);
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(16)), TI_ROWS);
    CHECK_EQ_I(ti_variable_form(TARN_F32, &TARN_SHAPE(2, 3, 4)), TI_ROWS);
    CHECK_EQ_I(ti_variable_form(TARN_I32, &TARN_SHAPE(4, 4)), TI_ROWS);
}

static void check_round_trip(tarn_dtype dtype, int64_t k, int64_t n) {
    tarn_shape s = TARN_SHAPE(k, n);
    size_t size = tarn_dtype_size(dtype), rows = (size_t)(k * n) * size;
    size_t bytes = ti_form_bytes(TI_PANELS, dtype, &s);
    CHECK_EQ_I(bytes, (size_t)((n + 15) / 16 * 16 * k) * size);
    unsigned char *in = malloc(rows), *panels = malloc(bytes), *out = malloc(rows);
    CHECK(in && panels && out);
    for (size_t i = 0; i < rows; i++) in[i] = (unsigned char)(i * 7 + 1);
    memset(panels, 0xee, bytes);
    ti_form_from_rows(TI_PANELS, dtype, &s, in, panels);
    for (int64_t i = 0; i < k; i++)  // element (i, j): panel j / 16, row i, lane j % 16
        for (int64_t j = 0; j < (n + 15) / 16 * 16; j++) {
            static const unsigned char zero[8];
            const unsigned char *p = panels + (size_t)((j / 16 * k + i) * 16 + j % 16) * size;
            CHECK(!memcmp(p, j < n ? in + (size_t)(i * n + j) * size : zero, size));
        }
    ti_form_to_rows(TI_PANELS, dtype, &s, panels, out);
    CHECK(!memcmp(in, out, rows));
    free(in);
    free(panels);
    free(out);
}

TEST(panels_hold_every_element_and_zeros_and_give_rows_back) {
    static const int64_t sizes[] = {2, 3, 15, 16, 17, 31, 33, 48};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            check_round_trip(TARN_F32, sizes[i], sizes[j]);
            check_round_trip(TARN_F64, sizes[i], sizes[j]);
        }
}

// What a program stores through panels is what the store gives out, and the padding stays zero.
TEST(programs_write_panels_that_read_as_rows) {
    enum { K = 5, N = 19 };
    rig r = rig_make();
    add(&r, "w", TARN_SHAPE(K, N));
    tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(K, N), tarn_init_zeros());
    tarn_node *two = tarn_constant(r.g, TARN_F32, 2);
    rig_compile(&r, TARN_FETCH(tarn_assign(r.g, w, tarn_add(r.g, w, two))), "cpu", NULL);
    CHECK_OK(tarn_run(r.p));
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_store_get(r.store, "w", &t));
    for (int i = 0; i < K * N; i++)
        CHECK(((const float *)tarn_tensor_cdata(t))[i] == (float)(i + 3));
    tarn_tensor_release(t);
    const ti_variable *v = ti_store_find(r.store, "w");
    for (int i = 0; i < K; i++)
        for (int lane = N - 16; lane < 16; lane++)
            CHECK(((const float *)v->data)[(K + i) * 16 + lane] == 0);
    rig_free(&r);
}

// Reads of a variable mean its value at the start of the step, the fetched one too.
TEST(a_fetched_variable_is_the_one_before_the_step) {
    for (int device = 0; device < 2; device++)
        for (int rank = 0; rank < 3; rank++) {
            rig r = rig_make();
            tarn_shape s = {rank, {3, 2}};
            add(&r, "w", s);
            tarn_node *w = tarn_variable(r.g, "w", TARN_F32, s, tarn_init_zeros());
            tarn_node *next = tarn_add(r.g, w, tarn_constant(r.g, TARN_F32, 1));
            tarn_fetch fetch = TARN_FETCH(w, tarn_assign(r.g, w, next), next);
            rig_compile(&r, fetch, device ? "ref" : "cpu", NULL);
            CHECK_OK(tarn_run(r.p));
            CHECK(*(const float *)tarn_result(r.p, 2, NULL) == 2);
            if (*(const float *)tarn_result(r.p, 0, NULL) != 1)
                test_fail(__FILE__, __LINE__, "rank %d on %s", rank, device ? "ref" : "cpu");
            rig_free(&r);
        }
}

// Either both change places or the program is refused: nothing in between.
TEST(variables_that_swap_do_so_whole_or_not_at_all) {
    for (int rank = 0; rank < 3; rank++) {
        rig r = rig_make();
        tarn_shape s = {rank, {3, 2}};
        tarn_node *a = tarn_variable(r.g, "a", TARN_F32, s, tarn_init_constant(1));
        tarn_node *b = tarn_variable(r.g, "b", TARN_F32, s, tarn_init_constant(2));
        tarn_fetch swap = TARN_FETCH(tarn_assign(r.g, a, b), tarn_assign(r.g, b, a));
        tarn_status st = tarn_compile(r.g, swap, "cpu", &r.p);
        if (st) {
            CHECK_ERR(st, TARN_EUNSUPPORTED, "'a' is read after the step has overwritten it");
        } else {
            tarn_tensor *x = NULL, *y = NULL;
            CHECK_OK(tarn_run(r.p));
            CHECK_OK(tarn_store_get(r.store, "a", &x));
            CHECK_OK(tarn_store_get(r.store, "b", &y));
            CHECK(*(const float *)tarn_tensor_cdata(x) == 2);
            CHECK(*(const float *)tarn_tensor_cdata(y) == 1);
            tarn_tensor_release(x);
            tarn_tensor_release(y);
        }
        rig_free(&r);
    }
}
