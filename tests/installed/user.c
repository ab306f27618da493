// A user's program against the installed library: an operation of its own, y = x / (1 + |x|), and
// its gradient 1 / (1 + |x|)^2. Exit status 0 when both are right.
#include <math.h>
#include <stdio.h>
#include <tarn/tarn.h>

static tarn_status infer(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    *y = x[0];
    return x[0].dtype == TARN_F32 ? TARN_OK : TARN_EDTYPE;
}

static tarn_status run(void *user, const tarn_array *x, const tarn_array *y) {
    const float *a = x[0].data;
    float *out = y->data;
    (void)user;
    for (int64_t i = 0; i < tarn_shape_numel(&y->shape); i++) out[i] = a[i] / (1 + fabsf(a[i]));
    return TARN_OK;
}

static tarn_node *gradient(void *user, tarn_graph *g, tarn_node *y, tarn_node *dy,
                           tarn_node *const *x, int i) {
    tarn_node *sum = tarn_add(g, tarn_constant(g, TARN_F32, 1), tarn_abs(g, x[0]));
    (void)user;
    (void)y;
    (void)i;
    return tarn_div(g, dy, tarn_square(g, sum));
}

static const tarn_custom_op softsign = {"softsign", 1, infer, run, gradient, NULL};

int main(void) {
    const float x[3] = {-3, 0, 1}, want[3] = {-0.75f, 0, 0.5f}, slope[3] = {0.0625f, 1, 0.25f};
    tarn_store *store = NULL;
    tarn_program *p = NULL;
    if (tarn_store_create(1, &store)) return 1;
    tarn_graph *g = tarn_graph_create(store);
    tarn_node *in = tarn_input(g, "x", TARN_F32, TARN_SHAPE(3)), *dx = NULL;
    tarn_node *y = tarn_custom(g, &softsign, &in);
    tarn_status st = tarn_gradients(g, tarn_sum(g, y, TARN_ALL_AXES, 0), &in, 1, &dx);
    if (!st) st = tarn_compile(g, TARN_FETCH(y, dx), "cpu", &p);
    if (!st) st = tarn_bind(p, "x", x, TARN_SHAPE(3));
    if (!st) st = tarn_run(p);
    if (st) fprintf(stderr, "%s\n", tarn_last_error());
    for (int i = 0; i < 3 && !st; i++) {
        const float *got = tarn_result(p, 0, NULL), *d = tarn_result(p, 1, NULL);
        st = got[i] != want[i] || d[i] != slope[i] ? TARN_ESTATE : TARN_OK;
    }
    tarn_program_free(p);
    tarn_graph_free(g);
    tarn_store_free(store);
    return st != TARN_OK;
}
