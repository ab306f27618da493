// Batch normalisation against PyTorch (tests/golden/train/batch_norm.json, made by
// make_batch_norm.py): values, gradients and what several steps make of the moving averages.
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "ops/support.h"

enum { MAX = 256 };

static json_t *golden(void) {
    json_t *o = json_load_file(TARN_SOURCE_DIR "/tests/golden/train/batch_norm.json", 0, NULL);
    CHECK(o);
    return o;
}

static int numbers(const json_t *o, const char *key, double *out) {
    const json_t *list = json_object_get(o, key);
    int n = (int)json_array_size(list);
    CHECK(n > 0 && n <= MAX);
    for (int i = 0; i < n; i++) out[i] = json_number_value(json_array_get(list, (size_t)i));
    return n;
}

static tarn_shape shape_of(const json_t *c) {
    tarn_shape s = {0};
    double d[MAX];
    s.rank = numbers(c, "shape", d);
    for (int i = 0; i < s.rank; i++) s.dim[i] = (int64_t)d[i];
    return s;
}

static void set(tarn_store *store, const char *name, const json_t *o, const char *key) {
    double x[MAX];
    tarn_tensor *wide = NULL, *t = NULL;
    int n = numbers(o, key, x);
    CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SHAPE(n), x, &wide));
    CHECK_OK(tarn_tensor_cast(wide, TARN_F32, &t));
    CHECK_OK(tarn_store_set(store, name, t));
    tarn_tensor_release(wide);
    tarn_tensor_release(t);
}

// ---- the op, in f64 -----------------------------------------------------------------------------

static void check(const rig *r, int i, const json_t *step, const char *key) {
    double want[MAX];
    int n = numbers(step, key, want);
    CHECK_CLOSE((const double *)tarn_result(r->p, i, NULL), want, n, 1e-11, 1e-13);
}

static void check_op(const json_t *c, double epsilon, const char *device) {
    rig r = rig_make();
    tarn_shape s = shape_of(c), channels = TARN_SHAPE(s.dim[s.rank - 1]);
    tarn_shape named = s;
    named.dim[0] = TARN_BATCH;
    tarn_set_max_batch(r.g, s.dim[0] + 1);
    double x[MAX], dy[MAX], gamma[MAX], beta[MAX];
    tarn_node *in[3], *d[3], *mean, *variance;
    in[0] = tarn_input(r.g, "x", TARN_F64, named);
    in[1] = tarn_input(r.g, "gamma", TARN_F64, channels);
    in[2] = tarn_input(r.g, "beta", TARN_F64, channels);
    tarn_node *seed = tarn_input(r.g, "dy", TARN_F64, named);
    tarn_node *y = tarn_batch_norm(r.g, in[0], in[1], in[2], epsilon, &mean, &variance);
    CHECK_OK(
        tarn_gradients(r.g, tarn_sum(r.g, tarn_mul(r.g, y, seed), TARN_ALL_AXES, 0), in, 3, d));
    rig_compile(&r, TARN_FETCH(y, mean, variance, d[0], d[1], d[2]), device, NULL);
    numbers(c, "gamma", gamma);
    numbers(c, "beta", beta);
    CHECK_OK(tarn_bind(r.p, "gamma", gamma, channels));
    CHECK_OK(tarn_bind(r.p, "beta", beta, channels));
    const json_t *steps = json_object_get(c, "steps"), *step;
    size_t i;
    json_array_foreach(steps, i, step) {
        static const char *const keys[] = {"y", "mean", "variance", "dx", "dgamma", "dbeta"};
        numbers(step, "x", x);
        numbers(step, "dy", dy);
        CHECK_OK(tarn_bind(r.p, "x", x, s));
        CHECK_OK(tarn_bind(r.p, "dy", dy, s));
        CHECK_OK(tarn_run(r.p));
        for (int k = 0; k < 6; k++) check(&r, k, step, keys[k]);
    }
    rig_free(&r);
}

TEST(values_and_gradients_are_pytorchs) {
    json_t *o = golden(), *c;
    double epsilon = json_number_value(json_object_get(o, "epsilon"));
    size_t i;
    json_array_foreach(json_object_get(o, "cases"), i, c) {
        check_op(c, epsilon, "cpu");
        check_op(c, epsilon, "ref");
    }
    CHECK(i == 3);
    json_decref(o);
}

TEST(what_is_no_batch_normalisation_is_refused) {
    static const struct {
        tarn_shape x, gamma;
        double epsilon;
        tarn_status st;
        const char *why;
    } bad[] = {
        {{1, {4}}, {1, {4}}, 1e-3, TARN_ESHAPE, "at least two axes"},
        {{2, {4, 3}}, {1, {4}}, 1e-3, TARN_ESHAPE, "operand 1 has not one number a channel"},
        {{2, {4, 3}}, {1, {3}}, -1, TARN_EARG, "epsilon -1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig r = rig_make();
        tarn_node *x = tarn_input(r.g, "x", TARN_F32, bad[i].x);
        tarn_node *gamma = tarn_input(r.g, "gamma", TARN_F32, bad[i].gamma);
        CHECK(!tarn_batch_norm(r.g, x, gamma, gamma, bad[i].epsilon, NULL, NULL));
        CHECK_ERR(tarn_graph_status(r.g), bad[i].st, bad[i].why);
        rig_free(&r);
    }
}

// ---- the layer, in f32 --------------------------------------------------------------------------

typedef struct layer {
    tarn_model *m;
    rig r;
} layer;

// A model of nothing else, as a program that trains or one that does not.
static layer layer_make(const json_t *c, double momentum, double epsilon, bool training) {
    layer l = {0};
    tarn_shape s = shape_of(c), sample = {.rank = s.rank - 1};
    for (int i = 0; i < sample.rank; i++) sample.dim[i] = s.dim[i + 1];
    CHECK_OK(tarn_sequential(sample, 1, &l.m));
    tarn_model_add(
        l.m, tarn_batch_normalization(.momentum = momentum, .epsilon = epsilon, .name = "bn"));
    l.r = (rig){.store = tarn_model_store(l.m), .g = tarn_graph_create(tarn_model_store(l.m))};
    tarn_set_max_batch(l.r.g, s.dim[0]);
    tarn_shape named = s;
    named.dim[0] = TARN_BATCH;
    tarn_node *x = tarn_input(l.r.g, "x", TARN_F32, named);
    tarn_node *y = tarn_model_apply(l.m, l.r.g, x, training);
    rig_compile(&l.r, TARN_FETCH(y, tarn_assign_next_values(l.r.g)), "cpu", NULL);
    set(l.r.store, "bn/gamma", c, "gamma");
    set(l.r.store, "bn/beta", c, "beta");
    return l;
}

static void layer_free(layer *l) {
    tarn_program_free(l->r.p);
    tarn_graph_free(l->r.g);
    tarn_model_free(l->m);
}

static void run(layer *l, const json_t *c, const json_t *step) {
    double x[MAX];
    float narrow[MAX];
    int n = numbers(step, "x", x);
    for (int i = 0; i < n; i++) narrow[i] = (float)x[i];
    CHECK_OK(tarn_bind(l->r.p, "x", narrow, shape_of(c)));
    CHECK_OK(tarn_run(l->r.p));
}

static void check_variable(const layer *l, const char *name, const json_t *step, const char *key) {
    double want[MAX];
    tarn_tensor *t = NULL;
    int n = numbers(step, key, want);
    CHECK_OK(tarn_store_get(l->r.store, name, &t));
    CHECK_EQ_I(tarn_tensor_numel(t), n);
    CHECK_CLOSE((const float *)tarn_tensor_cdata(t), want, n, 1e-5, 0);
    tarn_tensor_release(t);
}

TEST(moving_averages_are_those_of_keras) {
    json_t *o = golden(), *c, *step;
    double momentum = json_number_value(json_object_get(o, "momentum"));
    double epsilon = json_number_value(json_object_get(o, "epsilon")), want[MAX];
    size_t i, k;
    json_array_foreach(json_object_get(o, "cases"), i, c) {
        layer l = layer_make(c, momentum, epsilon, true);
        json_array_foreach(json_object_get(c, "steps"), k, step) {
            run(&l, c, step);
            int n = numbers(step, "y", want);
            CHECK_CLOSE((const float *)tarn_result(l.r.p, 0, NULL), want, n, 1e-4, 1e-5);
            check_variable(&l, "bn/moving_mean", step, "moving_mean");
            check_variable(&l, "bn/moving_variance", step, "moving_variance");
        }
        layer_free(&l);
    }
    json_decref(o);
}

// y = (x - moving_mean) / sqrt(moving_variance + epsilon) gamma + beta, and nothing moves.
TEST(evaluation_goes_by_the_averages) {
    json_t *o = golden(), *c = json_array_get(json_object_get(o, "cases"), 1);
    const json_t *step = json_array_get(json_object_get(c, "steps"), 2);
    double epsilon = json_number_value(json_object_get(o, "epsilon"));
    double x[MAX], gamma[MAX], beta[MAX], mean[MAX], variance[MAX], want[MAX];
    layer l = layer_make(c, 0.5, epsilon, false);
    set(l.r.store, "bn/moving_mean", step, "moving_mean");
    set(l.r.store, "bn/moving_variance", step, "moving_variance");
    int n = numbers(step, "x", x), channels = numbers(step, "moving_mean", mean);
    numbers(step, "moving_variance", variance);
    numbers(c, "gamma", gamma);
    numbers(c, "beta", beta);
    for (int i = 0; i < n; i++) {
        int k = i % channels;
        want[i] = (x[i] - mean[k]) / sqrt(variance[k] + epsilon) * gamma[k] + beta[k];
    }
    run(&l, c, step);
    CHECK_CLOSE((const float *)tarn_result(l.r.p, 0, NULL), want, n, 1e-5, 1e-6);
    check_variable(&l, "bn/moving_mean", step, "moving_mean");
    layer_free(&l);
    json_decref(o);
}

// One layer on two inputs of a step: its averages take in both, one after the other.
TEST(a_layer_that_is_used_twice_moves_its_averages_twice) {
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(1), 1, &m));
    tarn_model_add(m, tarn_batch_normalization(.momentum = 0.75, .name = "bn"));
    rig r = {.store = tarn_model_store(m), .g = tarn_graph_create(tarn_model_store(m))};
    tarn_node *y[3];
    for (int i = 0; i < 2; i++) {
        tarn_node *x = tarn_input(r.g, i ? "b" : "a", TARN_F32, TARN_SHAPE(2, 1));
        y[i] = tarn_model_apply(m, r.g, x, true);
    }
    y[2] = tarn_assign_next_values(r.g);
    rig_compile(&r, (tarn_fetch){y, 3}, "cpu", NULL);
    const float a[] = {1, 3}, b[] = {-6, 10};  // means 2 and 2, variances 1 and 64
    CHECK_OK(tarn_bind(r.p, "a", a, TARN_SHAPE(2, 1)));
    CHECK_OK(tarn_bind(r.p, "b", b, TARN_SHAPE(2, 1)));
    CHECK_OK(tarn_run(r.p));
    const double mean = 0.75 * (0.25 * 2) + 0.25 * 2, variance = 0.75 * 1 + 0.25 * 64;
    const char *const names[] = {"bn/moving_mean", "bn/moving_variance"};
    for (int i = 0; i < 2; i++) {
        tarn_tensor *t = NULL;
        CHECK_OK(tarn_store_get(r.store, names[i], &t));
        CHECK_CLOSE((const float *)tarn_tensor_cdata(t), i ? &variance : &mean, 1, 1e-6, 0);
        tarn_tensor_release(t);
    }
    tarn_program_free(r.p);
    tarn_graph_free(r.g);
    tarn_model_free(m);
}
