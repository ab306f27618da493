// Dimensions that depend on values: nonzero, and what is computed from it, through the public API.
// Truth is written out by hand.
#include <math.h>

#include "probes/support.h"

// Result i of the last run is i32 of this shape with these elements.
static void check_i32(const tarn_program *p, int i, tarn_shape want, const int32_t *elements) {
    tarn_shape s;
    const int32_t *got = tarn_result(p, i, &s);
    CHECK(got && tarn_shape_equal(&s, &want));
    for (int64_t j = 0; j < tarn_shape_numel(&s); j++) CHECK_EQ_I(got[j], elements[j]);
}

TEST(nonzero_lists_indices_in_row_major_order) {
    const float x[] = {0, 2, -0.0f, NAN, 0, -1e-45f}, none[6] = {0}, all[] = {1, 1, 1, 1, 1, 1};
    rig r = rig_make();
    tarn_node *n = tarn_nonzero(r.g, tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2, 3)));
    rig_compile(&r, TARN_FETCH(n), "cpu", NULL);
    probe_run(&r, "x", x, TARN_SHAPE(2, 3));
    check_i32(r.p, 0, TARN_SHAPE(2, 3), (int32_t[]){0, 1, 1, 1, 0, 2});
    probe_run(&r, "x", none, TARN_SHAPE(2, 3));
    check_i32(r.p, 0, TARN_SHAPE(2, 0), NULL);
    probe_run(&r, "x", all, TARN_SHAPE(2, 3));
    check_i32(r.p, 0, TARN_SHAPE(2, 6), (int32_t[]){0, 0, 0, 1, 1, 1, 0, 1, 2, 0, 1, 2});
    rig_free(&r);
}

TEST(what_is_computed_from_indices_has_their_number) {
    static const int turn[] = {1, 0};
    const int32_t x[] = {5, 0, 0, 7, 0, 9, 0, 0};
    rig r = rig_make();
    tarn_node *n = tarn_nonzero(r.g, tarn_input(r.g, "x", TARN_I32, TARN_SHAPE(TARN_BATCH, 2)));
    tarn_set_max_batch(r.g, 4);
    tarn_node *rows = tarn_transpose(r.g, n, turn);  // [found, 2]
    tarn_node *wide = tarn_cast(r.g, rows, TARN_I64);
    tarn_node *ten = tarn_add(r.g, tarn_mul(r.g, wide, tarn_constant(r.g, TARN_I64, 10)), wide);
    tarn_node *back = tarn_cast(r.g, ten, TARN_I32);
    tarn_node *flat = tarn_reshape(r.g, back,
                                   TARN_SHAPE(tarn_dim_mul(r.g, 2, tarn_node_dim(n, 1))));
    tarn_node *mean = tarn_mean(r.g, tarn_cast(r.g, n, TARN_F64), TARN_AXIS(1), 0);
    rig_compile(&r, TARN_FETCH(back, flat, mean), "cpu", NULL);
    for (int i = 0; i < 2; i++) {  // the same indices twice: a run leaves no size behind
        probe_run(&r, "x", x, TARN_SHAPE(4, 2));
        const int32_t want[] = {0, 0, 11, 11, 22, 11};
        check_i32(r.p, 0, TARN_SHAPE(3, 2), want);
        check_i32(r.p, 1, TARN_SHAPE(6), want);
        CHECK_CLOSE((const double *)tarn_result(r.p, 2, NULL), ((double[]){1, 2. / 3}), 2, 1e-15,
                    0);
        probe_run(&r, "x", x, TARN_SHAPE(1, 2));
        check_i32(r.p, 0, TARN_SHAPE(1, 2), want);
        check_i32(r.p, 1, TARN_SHAPE(2), want);
    }
    rig_free(&r);
}

TEST(a_found_dimension_of_at_most_one_may_be_zero) {
    rig r = rig_make();
    tarn_node *one = tarn_nonzero(r.g, tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(1)));
    tarn_node *rank0 = tarn_nonzero(r.g, tarn_input(r.g, "s", TARN_BOOL, TARN_SCALAR));
    tarn_node *empty = tarn_nonzero(r.g, tarn_input(r.g, "e", TARN_U8, TARN_SHAPE(3, 0)));
    rig_compile(&r, TARN_FETCH(one, rank0, empty), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "s", &(bool){true}, TARN_SCALAR));
    CHECK_OK(tarn_bind(r.p, "e", &(uint8_t){1}, TARN_SHAPE(3, 0)));
    probe_run(&r, "x", &(double){0}, TARN_SHAPE(1));
    check_i32(r.p, 0, TARN_SHAPE(1, 0), NULL);
    check_i32(r.p, 1, TARN_SHAPE(0, 1), NULL);
    check_i32(r.p, 2, TARN_SHAPE(2, 0), NULL);
    probe_run(&r, "x", &(double){3}, TARN_SHAPE(1));
    check_i32(r.p, 0, TARN_SHAPE(1, 1), (int32_t[]){0});
    rig_free(&r);
}

TEST(a_size_without_the_op_that_finds_it_is_refused) {
    rig r = rig_make();
    tarn_node *n = tarn_nonzero(r.g, tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(4)));
    tarn_node *iota = tarn_iota(r.g, TARN_SHAPE(tarn_node_dim(n, 1)), 0);
    CHECK_ERR(tarn_compile(r.g, TARN_FETCH(iota), "cpu", &r.p), TARN_EARG,
              "iota has a size that an operation finds");
    rig_compile(&r, TARN_FETCH(iota, n), "cpu", NULL);
    probe_run(&r, "x", ((float[]){0, 1, 1, 0}), TARN_SHAPE(4));
    check_i32(r.p, 0, TARN_SHAPE(2), (int32_t[]){0, 1});
    rig_free(&r);
}

TEST(a_name_of_the_user_is_no_found_dimension) {
    rig r = rig_make();
    tarn_node *n = tarn_nonzero(r.g, tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(4)));
    int64_t mine = tarn_dim(r.g, "nonzero#1", 9);
    CHECK(n && mine < 0 && mine != tarn_node_dim(n, 1));
    rig_free(&r);
}
