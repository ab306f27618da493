// Every gradient rule against central differences in f64, and the rules of the registry.
#include <math.h>
#include <string.h>

#include "exec/sample.h"
#include "test.h"

TEST(every_gradient_rule_agrees_with_central_differences) {
    for (int i = 0; tarn_op_name(i); i++) {
        tarn_gradcheck_info info;
        CHECK_OK(tarn_gradcheck(tarn_op_name(i), &info));
        if (!info.differentiable) continue;
        if (info.worst > 1e-7)
            test_fail(__FILE__, __LINE__, "%s: error %.3g at %s", tarn_op_name(i), info.worst,
                      info.where);
        const ti_op *op = ti_op_find(tarn_op_name(i));
        CHECK(info.samples > 0 || op->kind == TI_EFFECT || op->kind == TI_CALL ||
              op == &ti_op_window);  // part of conv2d
    }
}

TEST(every_op_has_its_rules) {
    for (const ti_op *const *op = ti_op_table; *op; op++) {
        CHECK((*op)->infer);
        bool loop = (*op)->kind == TI_REGION || (*op)->kind == TI_RESULT;  // autodiff/scan.c
        CHECK((*op)->grad || (*op)->no_grad || (*op)->lower || loop);
        CHECK(((*op)->kind == TI_COMPOSITE) == ((*op)->lower != NULL));
        bool sampled = (*op)->kind != TI_LEAF && (*op)->kind != TI_INDEX &&
                       (*op)->kind != TI_EFFECT && (*op)->kind != TI_CALL && *op != &ti_op_window;
        CHECK(!sampled || (*op)->samples);
    }
}

static double value_of(tarn_graph *g, tarn_node *y, double at) {
    tarn_program *p = NULL;
    CHECK_OK(
        tarn_compile_opts_(g, TARN_FETCH(y), "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF}, &p));
    CHECK_OK(tarn_bind(p, "x", &at, TARN_SCALAR));
    CHECK_OK(tarn_run(p));
    double v = tarn_result_scalar(p, 0);
    tarn_program_free(p);
    return v;
}

static tarn_node *derive(tarn_graph *g, tarn_node *y, tarn_node *x) {
    tarn_node *dx = NULL;
    CHECK_OK(tarn_gradients(g, y, &x, 1, &dx));
    return dx;
}

TEST(a_gradient_can_be_differentiated_again) {
    tarn_store *s = NULL;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_node *x = tarn_input(g, "x", TARN_F64, TARN_SCALAR);
    double t = tanh(0.7), e = exp(0.7);
    // tanh'' = -2 t (1 - t^2), (x e^x)'' = (2 + x) e^x, log'' = -1 / x^2
    double tanh2 = value_of(g, derive(g, derive(g, tarn_tanh(g, x), x), x), 0.7);
    double xex2 = value_of(g, derive(g, derive(g, tarn_mul(g, x, tarn_exp(g, x)), x), x), 0.7);
    double log2 = value_of(g, derive(g, derive(g, tarn_log(g, x), x), x), 0.7);
    const double got[] = {tanh2, xex2, log2}, want[] = {-2 * t * (1 - t * t), 2.7 * e, -1 / 0.49};
    CHECK_CLOSE(got, want, 3, 1e-12, 0);
    tarn_graph_free(g);
    tarn_store_free(s);
}

// A gradient that misses a path is far from the difference: such an error cannot hide.
TEST(differences_tell_a_wrong_gradient) {
    tarn_store *s = NULL;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_node *x = tarn_input(g, "x", TARN_F64, TARN_SCALAR);
    tarn_node *half = tarn_mul(g, tarn_stop_gradient(g, x), x);  // x^2 with half its gradient
    double got = value_of(g, derive(g, half, x), 3), h = 1e-5;
    double want = (value_of(g, half, 3 + h) - value_of(g, half, 3 - h)) / (2 * h);
    CHECK(fabs(got - want) > 2.9);
    tarn_graph_free(g);
    tarn_store_free(s);
}
