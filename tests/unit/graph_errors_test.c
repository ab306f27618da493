// What builders refuse, and the sentences they leave: first error wins, values and expectations are
// named.
#include <math.h>

#include "ops/support.h"

// A fresh graph and some nodes for every refusal.
typedef struct nodes {
    rig r;
    tarn_graph *g;
    tarn_node *x;  // f32 [3,4]
    tarn_node *v;  // f32 [4]
    tarn_node *s;  // f32 scalar
    tarn_node *i;  // i32 [3,4]
    tarn_node *b;  // bool [3,4]
    tarn_node *u;  // u8 [3,4]
    tarn_node *w;  // variable f32 [3,4]
    tarn_node *n;  // f32 [batch,4]
} nodes;

static nodes begin(void) {
    nodes t = {.r = rig_make()};
    t.g = t.r.g;
    t.x = tarn_input(t.g, "x", TARN_F32, TARN_SHAPE(3, 4));
    t.v = tarn_input(t.g, "v", TARN_F32, TARN_SHAPE(4));
    t.s = tarn_input(t.g, "s", TARN_F32, TARN_SCALAR);
    t.i = tarn_input(t.g, "i", TARN_I32, TARN_SHAPE(3, 4));
    t.b = tarn_input(t.g, "b", TARN_BOOL, TARN_SHAPE(3, 4));
    t.u = tarn_input(t.g, "u", TARN_U8, TARN_SHAPE(3, 4));
    t.w = tarn_variable(t.g, "w", TARN_F32, TARN_SHAPE(3, 4), tarn_init_zeros());
    t.n = tarn_input(t.g, "n", TARN_F32, TARN_SHAPE(TARN_BATCH, 4));
    CHECK_OK(tarn_graph_status(t.g));
    return t;
}

// The builder gives NULL and the graph keeps this status and sentence.
#define REFUSED(expr, status, text)                      \
    do {                                                 \
        nodes t = begin();                               \
        CHECK((expr) == NULL);                           \
        CHECK_ERR(tarn_graph_status(t.g), status, text); \
        rig_free(&t.r);                                  \
    } while (0)

TEST(a_null_operand_is_named) {
    REFUSED(tarn_add(t.g, NULL, t.x), TARN_EARG, "add: operand 0 is NULL");
    REFUSED(tarn_where(t.g, t.b, t.x, NULL), TARN_EARG, "where: operand 2 is NULL");
    REFUSED(tarn_group(t.g, (tarn_node *[]){t.x, NULL}, 2), TARN_EARG, "group: operand 1 is NULL");
}

TEST(builders_after_an_error_give_null_and_keep_the_first) {
    nodes t = begin();
    tarn_node *bad = tarn_add(t.g, t.x, t.i);
    CHECK(!bad && !tarn_exp(t.g, bad) && !tarn_matmul(t.g, t.x, t.x) &&
          !tarn_cast(t.g, bad, TARN_F64));
    CHECK(!tarn_sum(t.g, bad, 1, 0) && !tarn_reshape(t.g, bad, TARN_SHAPE(12)));
    CHECK(!tarn_exp(t.g, t.x));  // a broken graph stays broken
    CHECK_ERR(tarn_graph_status(t.g), TARN_EDTYPE, "add: operands are f32 and i32");
    CHECK_ERR(tarn_compile(t.g, TARN_FETCH(t.x), "cpu", &t.r.p), TARN_EDTYPE, "add: operands are");
    CHECK(!t.r.p);
    rig_free(&t.r);
}

TEST(nodes_of_another_graph_are_refused) {
    nodes other = begin();
    REFUSED(tarn_mul(t.g, t.x, other.x), TARN_EARG, "mul: operand 1 is of another graph");
    rig_free(&other.r);
}

TEST(the_layer_at_work_is_named) {
    REFUSED((tarn_graph_scope(t.g, "dense_1"), tarn_matmul(t.g, t.x, t.x)), TARN_ESHAPE,
            "'dense_1': dot: [3,4] times [3,4]");
}

TEST(data_types_that_do_not_fit_are_named) {
    REFUSED(tarn_sub(t.g, t.x, t.i), TARN_EDTYPE, "operands are f32 and i32; tarn_cast converts");
    REFUSED(tarn_add(t.g, t.b, t.b), TARN_EDTYPE, "add: arithmetic on bool");
    REFUSED(tarn_less(t.g, t.i, t.u), TARN_EDTYPE, "less: operands are i32 and u8");
    REFUSED(tarn_logical_and(t.g, t.x, t.x), TARN_EDTYPE, "both operands must be bool");
    REFUSED(tarn_where(t.g, t.x, t.x, t.x), TARN_EDTYPE, "condition is f32, bool expected");
    REFUSED(tarn_where(t.g, t.b, t.x, t.i), TARN_EDTYPE, "branches are f32 and i32");
    REFUSED(tarn_exp(t.g, t.i), TARN_EDTYPE, "exp: operand 0 is i32, f32 or f64 expected");
    REFUSED(tarn_relu(t.g, t.u), TARN_EDTYPE, "relu: operand 0 is u8");
    REFUSED(tarn_neg(t.g, t.u), TARN_EDTYPE, "operand is u8, a signed type expected");
    REFUSED(tarn_sum(t.g, t.u, 1, 0), TARN_EDTYPE, "sum: operand is u8; f32, f64, i32 or i64");
    REFUSED(tarn_mean(t.g, t.i, 1, 0), TARN_EDTYPE, "mean: operand 0 is i32");
    REFUSED(tarn_argmax(t.g, t.i), TARN_EDTYPE, "argmax: operand 0 is i32");
    REFUSED(tarn_matmul(t.g, t.i, t.i), TARN_EDTYPE, "dot: operand 0 is i32");
    REFUSED(tarn_softmax_cross_entropy(t.g, t.x, t.x), TARN_EDTYPE, "labels are f32, i32 expected");
    REFUSED(tarn_check_finite(t.g, tarn_cast(t.g, t.s, TARN_I32), "loss"), TARN_EDTYPE, "is i32");
    REFUSED(tarn_cast(t.g, t.i, TARN_F16), TARN_EUNSUPPORTED, "cast: i32 to f16: through f32");
    REFUSED(tarn_neg(t.g, tarn_cast(t.g, t.x, TARN_BF16)), TARN_EUNSUPPORTED,
            "neg: operand 0 is bf16: cast it to f32");
    REFUSED(tarn_constant(t.g, TARN_F16, 1), TARN_EUNSUPPORTED, "constant of f16");
    REFUSED(tarn_input(t.g, "y", TARN_DTYPE_COUNT, TARN_SCALAR), TARN_EDTYPE, "no such dtype");
}

TEST(shapes_that_do_not_broadcast_are_named) {
    REFUSED(tarn_add(t.g, t.n, tarn_input(t.g, "m", TARN_F32, TARN_SHAPE(TARN_BATCH, 5))),
            TARN_ESHAPE, "add: shapes [batch,4] and [batch,5] do not broadcast");
    REFUSED(tarn_add(t.g, t.x, tarn_sum(t.g, t.x, TARN_AXIS(1), 0)), TARN_ESHAPE, "[3,4] and [3]");
    REFUSED(tarn_mul(t.g, t.x, t.n), TARN_ESHAPE, "[3,4] and [batch,4]");
    REFUSED(tarn_broadcast_to(t.g, t.x, TARN_SHAPE(3, 5)), TARN_ESHAPE, "[3,4] and [3,5]");
    REFUSED(tarn_broadcast_to(t.g, t.x, TARN_SHAPE(4)), TARN_ESHAPE, "[3,4] to [4]");
    REFUSED(tarn_reshape(t.g, t.x, TARN_SHAPE(5, 2)), TARN_ESHAPE,
            "reshape: [3,4] to [5,2]: numbers of elements differ");
    REFUSED(tarn_reshape(t.g, t.n, TARN_SHAPE(12)), TARN_ESHAPE, "[batch,4] to [12]");
}

TEST(products_that_do_not_fit_are_named) {
    REFUSED(tarn_matmul(t.g, t.x, t.x), TARN_ESHAPE, "[3,4] times [3,4]: inner dimensions differ");
    REFUSED(tarn_dot(t.g, t.x, t.n, true, true), TARN_ESHAPE, "[3,4]^T times [batch,4]^T");
    REFUSED(tarn_matmul(t.g, t.x, t.v), TARN_ESHAPE, "[3,4] times [4]");
    REFUSED(tarn_matmul(t.g, t.s, t.x), TARN_ESHAPE, "[] times [3,4]");
    REFUSED(tarn_matmul(t.g, t.x, tarn_cast(t.g, t.x, TARN_F64)), TARN_EDTYPE, "f32 and f64");
}

TEST(axes_that_are_none_are_refused) {
    REFUSED(tarn_iota(t.g, TARN_SHAPE(2, 3), 2), TARN_EARG, "iota: axis 2, rank 2");
    REFUSED(tarn_iota(t.g, TARN_SHAPE(2, 3), -1), TARN_EARG, "axis -1");
    REFUSED(tarn_iota(t.g, TARN_SCALAR, 0), TARN_EARG, "axis 0, rank 0");
    REFUSED(tarn_transpose(t.g, t.x, (int[]){0, 0}), TARN_EARG, "not a permutation of 0 to 1");
    REFUSED(tarn_transpose(t.g, t.x, (int[]){0, 2}), TARN_EARG, "not a permutation of 0 to 1");
    REFUSED(tarn_transpose(t.g, t.x, (int[]){-1, 0}), TARN_EARG, "not a permutation of 0 to 1");
    REFUSED(tarn_softmax(t.g, t.s), TARN_ESHAPE, "softmax: operand has no axis");
    REFUSED(tarn_argmax(t.g, t.s), TARN_ESHAPE, "argmax: operand has no axis");
    REFUSED(tarn_softmax_cross_entropy(t.g, t.x, t.i), TARN_ESHAPE,
            "logits [3,4] and labels [3,4]; [n,classes] and [n] expected");
    REFUSED(tarn_check_finite(t.g, t.v, "loss"), TARN_ESHAPE, "a rank-0 value expected");
}

// A reduction takes the axes that exist; one along none is the operand itself.
TEST(axes_past_the_rank_are_left_out) {
    nodes t = begin();
    CHECK(tarn_sum(t.g, t.x, TARN_AXIS(5), 0) == t.x);
    CHECK(tarn_mean(t.g, t.s, TARN_ALL_AXES, 0) == t.s);
    CHECK_EQ_I(tarn_node_shape(tarn_max(t.g, t.x, TARN_ALL_AXES, TARN_KEEP))->rank, 2);
    CHECK_EQ_I(tarn_node_shape(tarn_sum(t.g, t.x, TARN_ALL_AXES, 0))->rank, 0);
    CHECK_OK(tarn_graph_status(t.g));
    rig_free(&t.r);
}

TEST(shapes_are_checked_wherever_they_are_given) {
    const tarn_shape deep = {9, {1, 1, 1, 1, 1, 1, 1, 1}}, negative = {2, {-9, 4}};
    tarn_node *step;
    REFUSED(tarn_input(t.g, "y", TARN_F32, deep), TARN_ESHAPE, "y: rank 9, 0 to 8 allowed");
    REFUSED(tarn_input(t.g, "y", TARN_F32, negative), TARN_ESHAPE, "y: dimension 0 is -9");
    REFUSED(tarn_variable(t.g, "y", TARN_F32, deep, tarn_init_zeros()), TARN_ESHAPE, "rank 9");
    REFUSED(tarn_variable(t.g, "y", TARN_F32, TARN_SHAPE(TARN_BATCH), tarn_init_zeros()),
            TARN_ESHAPE, "y: dimension 0 is -1");
    REFUSED(tarn_reshape(t.g, t.x, negative), TARN_ESHAPE, "");
    REFUSED(tarn_reshape(t.g, t.s, deep), TARN_ESHAPE, "");
    REFUSED(tarn_broadcast_to(t.g, t.v, negative), TARN_ESHAPE, "");
    REFUSED(tarn_broadcast_to(t.g, t.s, deep), TARN_ESHAPE, "");
    REFUSED(tarn_iota(t.g, negative, 1), TARN_ESHAPE, "");
    REFUSED(tarn_iota(t.g, deep, 1), TARN_ESHAPE, "");
    REFUSED((step = tarn_constant(t.g, TARN_I64, 0), tarn_random_bits(t.g, negative, "a", step)),
            TARN_ESHAPE, "");
}

TEST(arguments_out_of_range_are_named) {
    REFUSED(tarn_dropout(t.g, t.x, 1, "a"), TARN_EARG, "rate 1, 0 <= rate < 1 expected");
    REFUSED(tarn_dropout(t.g, t.x, -0.5, "a"), TARN_EARG, "rate -0.5");
    REFUSED(tarn_dropout(t.g, t.x, (double)NAN, "a"), TARN_EARG, "rate nan");
    REFUSED(tarn_random_bits(t.g, TARN_SHAPE(3), "a", t.s), TARN_EARG, "step must be a rank-0 i64");
}

// Or every device makes the same of it.
TEST(a_constant_that_its_dtype_cannot_hold_is_refused) {
    const double values[] = {3e9, -3e9, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 4; i++) {
        nodes t = begin();
        tarn_node *c = tarn_constant(t.g, TARN_I32, values[i]);
        if (!c) CHECK_ERR(tarn_graph_status(t.g), TARN_EARG, "constant");
        for (int device = 0, first = 0; c && device < 2; device++) {
            rig_compile(&t.r, TARN_FETCH(c), device ? "ref" : "cpu", NULL);
            CHECK_OK(tarn_run(t.r.p));
            int got = *(const int32_t *)tarn_result(t.r.p, 0, NULL);
            if (device) CHECK_EQ_I(got, first);
            first = got;
        }
        rig_free(&t.r);
    }
}

// ---- inputs and variables -----------------------------------------------------------------------

TEST(an_input_is_declared_once) {
    REFUSED(tarn_input(t.g, "x", TARN_F32, TARN_SHAPE(3, 4)), TARN_EARG,
            "input 'x' is declared twice");
}

TEST(a_variable_keeps_its_dtype_and_shape) {
    REFUSED(tarn_variable(t.g, "w", TARN_F32, TARN_SHAPE(4, 3), tarn_init_zeros()), TARN_ESHAPE,
            "variable 'w' is f32 [3,4] in the store, f32 [4,3] was asked");
    REFUSED(tarn_variable(t.g, "w", TARN_F64, TARN_SHAPE(3, 4), tarn_init_zeros()), TARN_ESHAPE,
            "f64 [3,4] was asked");
}

TEST(the_same_variable_is_the_same_node) {
    nodes t = begin();
    CHECK(tarn_variable(t.g, "w", TARN_F32, TARN_SHAPE(3, 4), tarn_init_ones()) == t.w);
    CHECK_EQ_I(tarn_store_count(t.r.store), 1);
    rig_free(&t.r);
}

TEST(a_variable_is_assigned_once_and_by_its_like) {
    REFUSED((tarn_assign(t.g, t.w, t.x), tarn_assign(t.g, t.w, t.x)), TARN_EARG,
            "variable 'w' is assigned twice");
    REFUSED(tarn_assign(t.g, t.x, t.x), TARN_EARG, "assign: first operand is no variable");
    REFUSED(tarn_assign(t.g, t.w, t.v), TARN_ESHAPE, "'w' is f32 [3,4], the value f32 [4]");
    REFUSED(tarn_assign(t.g, t.w, t.i), TARN_ESHAPE, "'w' is f32 [3,4], the value i32 [3,4]");
}

TEST(gradients_are_of_a_scalar_float) {
    nodes t = begin();
    tarn_node *dx, *none = NULL, *loss = tarn_sum(t.g, t.x, TARN_ALL_AXES, 0);
    CHECK_ERR(tarn_gradients(t.g, t.x, &t.x, 1, &dx), TARN_EARG, "of a rank-0 float");
    CHECK_ERR(tarn_gradients(t.g, NULL, &t.x, 1, &dx), TARN_EARG, "of a rank-0 float");
    CHECK_ERR(tarn_gradients(t.g, loss, &none, 1, &dx), TARN_EARG, "variable 0 is NULL");
    CHECK_OK(tarn_graph_status(t.g));  // a wrong question leaves the graph as it was
    rig_free(&t.r);
}

TEST(the_gradient_of_what_does_not_matter_is_zero) {
    nodes t = begin();
    tarn_node *loss = tarn_sum(t.g, t.v, TARN_ALL_AXES, 0), *dx[2];
    CHECK_OK(tarn_gradients(t.g, loss, (tarn_node *[]){t.s, t.v}, 2, dx));
    rig_compile(&t.r, (tarn_fetch){dx, 2}, "cpu", NULL);
    CHECK_OK(tarn_run(t.r.p));  // neither result depends on an input
    CHECK(tarn_result_scalar(t.r.p, 0) == 0);
    CHECK(((const float *)tarn_result(t.r.p, 1, NULL))[3] == 1);
    rig_free(&t.r);
}

// ---- compiling and running ----------------------------------------------------------------------

TEST(a_fetch_must_be_a_node_of_the_graph) {
    nodes t = begin(), other = begin();
    CHECK_ERR(tarn_compile(t.g, TARN_FETCH(t.x, NULL), "cpu", &t.r.p), TARN_EARG,
              "fetch 1 is NULL");
    CHECK_ERR(tarn_compile(t.g, TARN_FETCH(other.x), "cpu", &t.r.p), TARN_EARG,
              "fetch 0 is of another graph");
    CHECK_ERR(tarn_compile(t.g, TARN_FETCH(t.x), "gpu", &t.r.p), TARN_EUNSUPPORTED,
              "no device 'gpu' in this build; there are cpu, ref and xla");
    rig_free(&t.r);
    rig_free(&other.r);
}

TEST(binding_says_what_the_program_expects) {
    const float data[64] = {0};
    nodes t = begin();
    tarn_set_max_batch(t.g, 8);
    rig_compile(&t.r, TARN_FETCH(tarn_add(t.g, t.n, t.v)), "cpu", NULL);
    CHECK_ERR(tarn_run(t.r.p), TARN_ESTATE, "input 'v' is not bound");
    CHECK_ERR(tarn_bind(t.r.p, "y", data, TARN_SHAPE(4)), TARN_ENOENT,
              "no input 'y'; the program has 'v', 'n'");
    CHECK_ERR(tarn_bind(t.r.p, "v", NULL, TARN_SHAPE(4)), TARN_EARG, "input 'v': data is NULL");
    CHECK_ERR(tarn_bind(t.r.p, "n", data, TARN_SHAPE(2, 2, 2)), TARN_ESHAPE,
              "input 'n' is [batch,4], not [2,2,2]");
    CHECK_ERR(tarn_bind(t.r.p, "n", data, TARN_SHAPE(2, 5)), TARN_ESHAPE, "[batch,4], not [2,5]");
    CHECK_ERR(tarn_bind(t.r.p, "n", data, TARN_SHAPE(9, 4)), TARN_ELIMIT,
              "batch is 9, planned for at most 8");
    CHECK_OK(tarn_bind(t.r.p, "n", data, TARN_SHAPE(8, 4)));
    CHECK_OK(tarn_bind(t.r.p, "v", data, TARN_SHAPE(4)));
    CHECK_OK(tarn_run(t.r.p));
    rig_free(&t.r);
}

TEST(a_negative_size_is_refused_when_bound) {
    const float data[4] = {0};
    nodes t = begin();
    tarn_set_max_batch(t.r.g, 8);
    rig_compile(&t.r, TARN_FETCH(t.n), "cpu", NULL);
    CHECK_ERR(tarn_bind(t.r.p, "n", data, TARN_SHAPE(-1, 4)), TARN_ESHAPE, "[batch,4], not [");
    rig_free(&t.r);
}

TEST(inputs_must_agree_on_the_batch) {
    const float data[64] = {0};
    nodes t = begin();
    tarn_set_max_batch(t.g, 8);
    tarn_node *m = tarn_input(t.g, "m", TARN_F32, TARN_SHAPE(TARN_BATCH, 4));
    rig_compile(&t.r, TARN_FETCH(tarn_add(t.g, t.n, m)), "cpu", NULL);
    CHECK_OK(tarn_bind(t.r.p, "n", data, TARN_SHAPE(3, 4)));
    CHECK_OK(tarn_bind(t.r.p, "m", data, TARN_SHAPE(4, 4)));
    CHECK_ERR(tarn_run(t.r.p), TARN_ESHAPE, "input 'm': batch is 4, another input says 3");
    CHECK_OK(tarn_bind(t.r.p, "m", data, TARN_SHAPE(3, 4)));
    CHECK_OK(tarn_run(t.r.p));
    rig_free(&t.r);
}

TEST(no_node_has_the_properties_of_a_scalar) {
    CHECK_EQ_I(tarn_node_dtype(NULL), TARN_F32);
    CHECK_EQ_I(tarn_node_shape(NULL)->rank, 0);
    CHECK_EQ_I(tarn_node_dim(NULL, 0), 0);
}
