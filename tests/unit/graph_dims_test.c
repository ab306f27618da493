// Named dimensions: the same name is the same dimension, products are known, maxima are planned
// for; and graphs as text, and what their verifier sees.
#include "ops/support.h"

TEST(batch_is_there_from_the_start) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 4));
    CHECK_EQ_I(tarn_node_dim(x, 0), TARN_BATCH);
    CHECK_EQ_I(tarn_node_dim(x, -1), 4);
    CHECK_EQ_I(tarn_node_dim(x, -2), TARN_BATCH);
    CHECK_EQ_I(tarn_node_dim(x, 2), 0);
    CHECK_EQ_I(tarn_dim(r.g, "batch", 1), TARN_BATCH);
    CHECK_EQ_I(ti_dim_max(r.g, TARN_BATCH), 1);
    tarn_set_max_batch(r.g, 32);
    CHECK_EQ_I(ti_dim_max(r.g, TARN_BATCH), 32);
    rig_free(&r);
}

TEST(a_name_is_one_dimension_with_its_largest_maximum) {
    rig r = rig_make();
    int64_t time = tarn_dim(r.g, "time", 10);
    CHECK(time < 0 && time != TARN_BATCH);
    CHECK_EQ_I(tarn_dim(r.g, "time", 50), time);
    CHECK_EQ_I(tarn_dim(r.g, "time", 20), time);
    CHECK_EQ_I(ti_dim_max(r.g, time), 50);
    CHECK(tarn_dim(r.g, "height", 10) != time);
    rig_free(&r);
}

TEST(a_dimension_needs_a_name_and_a_maximum) {
    static const char longest[] = "a234567890123456789012345678901";  // 31 characters
    const struct {
        const char *name;
        int64_t maximum;
    } bad[] = {{NULL, 5}, {"", 5}, {"x", 0}, {"x", -3}, {"a2345678901234567890123456789012", 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig r = rig_make();
        CHECK_EQ_I(tarn_dim(r.g, bad[i].name, bad[i].maximum), 0);
        CHECK_ERR(tarn_graph_status(r.g), TARN_EARG, "dimension '");
        rig_free(&r);
    }
    rig r = rig_make();
    CHECK(tarn_dim(r.g, longest, 5) < 0);
    CHECK_OK(tarn_graph_status(r.g));
    rig_free(&r);
}

TEST(names_end_at_a_limit) {
    rig r = rig_make();
    char name[16];
    for (int i = 1; i < TI_MAX_SYMS; i++) {  // "batch" is the first
        snprintf(name, sizeof name, "d%d", i);
        CHECK(tarn_dim(r.g, name, i) < 0);
    }
    CHECK_OK(tarn_graph_status(r.g));
    CHECK_EQ_I(tarn_dim(r.g, "more", 2), 0);
    CHECK_ERR(tarn_graph_status(r.g), TARN_ELIMIT, "more than 32 named dimensions");
    rig_free(&r);
}

// ---- products -----------------------------------------------------------------------------------

TEST(products_of_numbers_are_numbers) {
    rig r = rig_make();
    CHECK_EQ_I(tarn_dim_mul(r.g, 3, 4), 12);
    CHECK_EQ_I(tarn_dim_mul(r.g, 0, 4), 0);
    CHECK_EQ_I(tarn_dim_mul(r.g, TARN_BATCH, 1), TARN_BATCH);
    CHECK_EQ_I(tarn_dim_mul(r.g, 1, TARN_BATCH), TARN_BATCH);
    rig_free(&r);
}

TEST(equal_products_are_the_same_dimension) {
    rig r = rig_make();
    char text[64];
    tarn_set_max_batch(r.g, 8);
    int64_t time = tarn_dim(r.g, "time", 5);
    int64_t a = tarn_dim_mul(r.g, 2, tarn_dim_mul(r.g, time, TARN_BATCH));
    int64_t b = tarn_dim_mul(r.g, TARN_BATCH, tarn_dim_mul(r.g, 2, time));
    CHECK(a < 0);
    CHECK_EQ_I(a, b);
    CHECK_EQ_I(ti_dim_max(r.g, a), 80);
    ti_named_shape_text(r.g, &TARN_SHAPE(a, time, 3), text, sizeof text);
    CHECK_STR(text, "[2*batch*time,time,3]");
    CHECK_OK(tarn_graph_status(r.g));
    rig_free(&r);
}

TEST(values_of_products_follow_those_of_their_factors) {
    rig r = rig_make();
    int64_t values[TI_MAX_SYMS] = {3, 7};
    int64_t time = tarn_dim(r.g, "time", 50), square = tarn_dim_mul(r.g, time, time);
    int64_t five = tarn_dim_mul(r.g, 5, TARN_BATCH);
    ti_syms_resolve(r.g->sym, r.g->n_sym, values);
    CHECK_EQ_I(ti_dim_value(time, values), 7);
    CHECK_EQ_I(ti_dim_value(square, values), 49);
    CHECK_EQ_I(ti_dim_value(five, values), 15);
    CHECK_EQ_I(ti_dim_value(11, values), 11);
    rig_free(&r);
}

TEST(products_past_the_limits_are_errors) {
    rig r = rig_make();
    int64_t a = tarn_dim(r.g, "a", 2), b = tarn_dim(r.g, "b", 2);
    CHECK_EQ_I(tarn_dim_mul(r.g, tarn_dim_mul(r.g, a, b), TARN_BATCH), 0);
    CHECK_ERR(tarn_graph_status(r.g), TARN_ELIMIT, "more than two named dimensions");
    rig_free(&r);
    r = rig_make();
    CHECK_EQ_I(tarn_dim_mul(r.g, (int64_t)1 << 40, (int64_t)1 << 40), 0);
    CHECK_ERR(tarn_graph_status(r.g), TARN_ELIMIT, "overflows");
    rig_free(&r);
}

// Each fits into 63 bits, their product does not: memory could not be planned.
TEST(maxima_whose_product_overflows_are_refused) {
    rig r = rig_make();
    int64_t a = tarn_dim(r.g, "a", (int64_t)1 << 40), b = tarn_dim(r.g, "b", (int64_t)1 << 40);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(a, b, 4));
    tarn_node *y = tarn_sum(r.g, x, TARN_AXIS(2), 0);  // over a * b rows
    CHECK_ERR(tarn_compile(r.g, TARN_FETCH(y), "cpu", &r.p), TARN_ELIMIT, "");
    rig_free(&r);
}

// ---- at run time --------------------------------------------------------------------------------

TEST(the_number_of_elements_is_that_of_the_run) {
    const float data[24] = {0};
    rig r = rig_make();
    tarn_set_max_batch(r.g, 6);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 4));
    tarn_node *n[] = {tarn_numel(r.g, x, TARN_F64), tarn_numel(r.g, x, TARN_I32),
                      tarn_numel(r.g, tarn_sum(r.g, x, TARN_AXIS(0), 0), TARN_I64),
                      tarn_sum(r.g, x, TARN_ALL_AXES, 0)};
    for (int device = 0; device < 2; device++) {
        rig_compile(&r, (tarn_fetch){n, 4}, device ? "ref" : "cpu", NULL);
        for (int64_t batch = 6; batch > 0; batch -= 2) {
            CHECK_OK(tarn_bind(r.p, "x", data, TARN_SHAPE(batch, 4)));
            CHECK_OK(tarn_run(r.p));
            CHECK(tarn_result_scalar(r.p, 0) == (double)(4 * batch));
            CHECK(tarn_result_scalar(r.p, 1) == (double)(4 * batch));
            CHECK(tarn_result_scalar(r.p, 2) == 4);
        }
    }
    rig_free(&r);
}

// Three named dimensions, folded, turned, reduced; every size but the largest.
TEST(named_dimensions_go_through_every_kind_of_op) {
    enum { A = 3, B = 5, C = 2 };
    float x[A * B * 4];
    rig r = rig_make();
    tarn_set_max_batch(r.g, 9);
    int64_t time = tarn_dim(r.g, "time", 11), folded = tarn_dim_mul(r.g, TARN_BATCH, time);
    tarn_node *in = tarn_input(r.g, "x", TARN_F64, TARN_SHAPE(TARN_BATCH, time, 4));
    tarn_node *flat = tarn_reshape(r.g, in, TARN_SHAPE(folded, 4));
    tarn_node *product = tarn_dot(r.g, flat, flat, true, false);           // [4,4]
    tarn_node *mean = tarn_mean(r.g, in, TARN_AXIS(0) | TARN_AXIS(2), 0);  // [time]
    tarn_node *soft = tarn_softmax(r.g, tarn_transpose(r.g, in, (int[]){2, 0, 1}));
    tarn_node *sum = tarn_sum(r.g, soft, TARN_ALL_AXES, 0);  // one a row: 4 * batch
    rig_compile(&r, TARN_FETCH(product, mean, sum), "cpu", NULL);
    double wide[A * B * 4], want_mean[B] = {0}, want_dot[16] = {0};
    test_uniform(x, A * B * 4, -1, 1);
    for (int i = 0; i < A * B * 4; i++) wide[i] = (double)x[i];
    for (int i = 0; i < A * B; i++)
        for (int k = 0; k < 16; k++) want_dot[k] += wide[4 * i + k / 4] * wide[4 * i + k % 4];
    for (int i = 0; i < A * B * 4; i++) want_mean[i / 4 % B] += wide[i] / (A * 4);
    CHECK_OK(tarn_bind(r.p, "x", wide, TARN_SHAPE(A, B, 4)));
    CHECK_OK(tarn_run(r.p));
    tarn_shape s;
    const double *got = tarn_result(r.p, 0, NULL);
    CHECK_CLOSE(got, want_dot, 16, 1e-13, 1e-14);
    got = tarn_result(r.p, 1, &s);
    CHECK(s.rank == 1 && s.dim[0] == B);
    CHECK_CLOSE(got, want_mean, B, 1e-13, 1e-15);
    CHECK_CLOSE(((double[]){tarn_result_scalar(r.p, 2)}), ((double[]){4 * A}), 1, 1e-14, 0);
    rig_free(&r);
}

// ---- text and verifier --------------------------------------------------------------------------

TEST(a_graph_prints_one_line_a_node) {
    rig r = rig_make();
    ti_buf b;
    ti_buf_init(&b, 10000);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 784));
    tarn_graph_scope(r.g, "dense");
    tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(784, 10), tarn_init_zeros());
    tarn_node *y = tarn_matmul(r.g, x, w);
    tarn_graph_scope(r.g, NULL);
    CHECK(tarn_sum(r.g, tarn_mul(r.g, y, tarn_constant(r.g, TARN_F32, 0.5)), TARN_AXIS(1),
                   TARN_KEEP));
    ti_graph_print(r.g, &b);
    CHECK_OK(ti_buf_status(&b));
    CHECK_STR(b.data, "%0 = input f32[batch,784] 'x'\n"
                      "%1 = variable f32[784,10] 'w'  # dense\n"
                      "%2 = dot f32[batch,10] %0 %1  # dense\n"
                      "%3 = constant f32[] 0.5\n"
                      "%4 = mul f32[batch,10] %2 %3\n"
                      "%5 = sum f32[batch,1] %4 axes=0x2 keep\n");
    ti_buf_free(&b);
    rig_free(&r);
}

TEST(the_verifier_sees_what_was_changed) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(3));
    tarn_node *y = tarn_add(r.g, tarn_exp(r.g, x), x), *late = tarn_neg(r.g, y);
    CHECK_OK(ti_graph_verify(r.g));
    y->shape.dim[0] = 4;
    CHECK_ERR(ti_graph_verify(r.g), TARN_ESTATE, "node 2 (add): shape or dtype was changed");
    y->shape.dim[0] = 3;
    y->dtype = TARN_F64;
    CHECK_ERR(ti_graph_verify(r.g), TARN_ESTATE, "node 2 (add)");
    y->dtype = TARN_F32;
    y->in[1] = late;
    CHECK_ERR(ti_graph_verify(r.g), TARN_ESTATE, "node 2: operand 1 does not precede it");
    y->in[1] = x;
    CHECK_OK(ti_graph_verify(r.g));
    rig_free(&r);
}

// ---- groups -------------------------------------------------------------------------------------

TEST(a_group_makes_all_its_members_happen) {
    enum { N = 70 };  // more than a pass keeps on its stack
    rig r = rig_make();
    tarn_node *assign[N], *inner;
    char name[16];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "v%d", i);
        tarn_node *v = tarn_variable(r.g, name, TARN_F32, TARN_SHAPE(2), tarn_init_ones());
        assign[i] = tarn_assign(r.g, v, tarn_add(r.g, v, v));
    }
    inner = tarn_group(r.g, assign, N - 1);
    tarn_node *outer = tarn_group(r.g, (tarn_node *[]){inner, assign[N - 1]}, 2);
    tarn_node *empty = tarn_group(r.g, NULL, 0);
    for (int device = 0; device < 2; device++) {
        rig_compile(&r, TARN_FETCH(outer, empty), device ? "ref" : "cpu", NULL);
        CHECK_OK(tarn_run(r.p));
        for (int i = 0; i < N; i++) {
            tarn_tensor *t = NULL;
            snprintf(name, sizeof name, "v%d", i);
            CHECK_OK(tarn_store_get(r.store, name, &t));
            CHECK(((const float *)tarn_tensor_cdata(t))[1] == (device ? 4 : 2));
            tarn_tensor_release(t);
        }
    }
    rig_free(&r);
}
