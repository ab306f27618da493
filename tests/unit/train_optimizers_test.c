// Optimizers against Keras 3 (tests/golden/train/optimizers.json, made by make_optimizers.py): six
// steps with given gradients. The loss is sum(w * g), so the gradient is what is fed.
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"
#include "train/optimizer.h"

enum { MAX_N = 8 };

static json_t *golden(void) {
    json_t *o = json_load_file(TARN_SOURCE_DIR "/tests/golden/train/optimizers.json", 0, NULL);
    CHECK(o);
    return o;
}

static int read_floats(const json_t *list, float *out) {
    int n = (int)json_array_size(list);
    CHECK(n <= MAX_N);
    for (int i = 0; i < n; i++) out[i] = (float)json_number_value(json_array_get(list, (size_t)i));
    return n;
}

static tarn_optimizer optimizer_of(const json_t *c) {
    tarn_optimizer opt;
    const char *key;
    json_t *v;
    CHECK_OK(ti_optimizer_named(json_string_value(json_object_get(c, "optimizer")), &opt));
    json_object_foreach(json_object_get(c, "options"), key, v) {
        const ti_optimizer_field *f = ti_optimizer_ops_of(opt.kind)->field;
        while (f->name && strcmp(f->name, key)) f++;
        CHECK(f->name);
        ti_optimizer_set(&opt.o, f, f->flag ? json_is_true(v) : json_number_value(v));
    }
    return opt;
}

// One vector w of `dtype`, its gradient fed as "g".
typedef struct bench {
    tarn_store *store;
    tarn_program *program;
    tarn_dtype dtype;
    int n;
} bench;

static void set_variable(bench *b, const char *name, const float *values) {
    tarn_tensor *f = NULL, *t = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(b->n), values, &f));
    CHECK_OK(tarn_tensor_cast(f, b->dtype, &t));
    CHECK_OK(tarn_store_set(b->store, name, t));
    tarn_tensor_release(f);
    tarn_tensor_release(t);
}

static void bench_make(bench *b, tarn_optimizer opt, const float *start) {
    CHECK_OK(tarn_store_create(1, &b->store));
    tarn_graph *g = tarn_graph_create(b->store);
    tarn_node *w = tarn_variable(g, "w", b->dtype, TARN_SHAPE(b->n), tarn_init_zeros());
    tarn_node *d = tarn_input(g, "g", b->dtype, TARN_SHAPE(b->n));
    tarn_node *loss = tarn_sum(g, tarn_mul(g, w, d), TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, opt, NULL);
    CHECK_OK(tarn_compile(g, TARN_FETCH(step), "cpu", &b->program));
    tarn_graph_free(g);
    set_variable(b, "w", start);
}

static void bench_step(bench *b, const float *grad) {
    tarn_tensor *f = NULL, *t = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(b->n), grad, &f));
    CHECK_OK(tarn_tensor_cast(f, b->dtype, &t));
    CHECK_OK(tarn_bind(b->program, "g", tarn_tensor_cdata(t), TARN_SHAPE(b->n)));
    CHECK_OK(tarn_run(b->program));
    tarn_tensor_release(f);
    tarn_tensor_release(t);
}

static void bench_read(bench *b, float *out) {
    tarn_tensor *t = NULL, *f = NULL;
    CHECK_OK(tarn_store_get(b->store, "w", &t));
    CHECK_OK(tarn_tensor_cast(t, TARN_F32, &f));
    memcpy(out, tarn_tensor_cdata(f), tarn_tensor_bytes(f));
    tarn_tensor_release(t);
    tarn_tensor_release(f);
}

static void bench_free(bench *b) {
    tarn_program_free(b->program);
    tarn_store_free(b->store);
}

// Keras works in f32, so even f64 agrees with it to f32's rounding only. `tol` relative to 1.
static void check_case(const json_t *all, const json_t *c, tarn_dtype dtype, double tol) {
    float start[MAX_N], grad[MAX_N], got[MAX_N], wanted[MAX_N];
    double want[MAX_N];
    bench b = {.dtype = dtype, .n = read_floats(json_object_get(all, "start"), start)};
    bench_make(&b, optimizer_of(c), start);
    const json_t *grads = json_object_get(all, "gradients"), *after = json_object_get(c, "w");
    for (size_t i = 0; i < json_array_size(grads); i++) {
        read_floats(json_array_get(grads, i), grad);
        bench_step(&b, grad);
        bench_read(&b, got);
        read_floats(json_array_get(after, i), wanted);
        for (int k = 0; k < b.n; k++) want[k] = (double)wanted[k];
        CHECK_CLOSE(got, want, b.n, tol, tol);
    }
    bench_free(&b);
}

static void check_all(const char *name, tarn_dtype dtype) {
    json_t *all = golden(), *c;
    size_t i, seen = 0;
    // Keras takes 1 - 0.999^t in f32, where a hundred thousandth of it is lost at t = 1.
    double tol = strcmp(name, "adam") ? 1e-6 : 5e-6;
    json_array_foreach(json_object_get(all, "cases"), i, c) {
        if (strcmp(json_string_value(json_object_get(c, "optimizer")), name)) continue;
        check_case(all, c, dtype, tol);
        seen++;
    }
    CHECK(seen > 1);
    json_decref(all);
}

TEST(sgd_takes_keras_steps) { check_all("sgd", TARN_F32); }
TEST(rmsprop_takes_keras_steps) { check_all("rmsprop", TARN_F32); }
TEST(adam_takes_keras_steps) { check_all("adam", TARN_F32); }
TEST(adadelta_takes_keras_steps) { check_all("adadelta", TARN_F32); }
TEST(optimizers_work_on_f64_weights) {
    check_all("sgd", TARN_F64);
    check_all("rmsprop", TARN_F64);
    check_all("adam", TARN_F64);
    check_all("adadelta", TARN_F64);
}

// ---- state --------------------------------------------------------------------------------------

static double scalar(const tarn_store *s, const char *name) {
    tarn_tensor *t = NULL, *f = NULL;
    CHECK_OK(tarn_store_get(s, name, &t));
    CHECK_OK(tarn_tensor_cast(t, TARN_F64, &f));
    double v = *(const double *)tarn_tensor_cdata(f);
    tarn_tensor_release(t);
    tarn_tensor_release(f);
    return v;
}

TEST(state_lies_under_its_names) {
    const float start[] = {1, 2}, grad[] = {1, 1};
    bench b = {.dtype = TARN_F32, .n = 2};
    bench_make(&b, tarn_adam(.learning_rate = 0.25), start);
    bench_step(&b, grad);
    bench_step(&b, grad);
    CHECK(tarn_store_has(b.store, "tarn.state/optimizer/momentum/w"));
    CHECK(tarn_store_has(b.store, "tarn.state/optimizer/velocity/w"));
    CHECK(scalar(b.store, TARN_ITERATIONS) == 2);
    CHECK(scalar(b.store, TARN_LEARNING_RATE) == 0.25);
    bench_free(&b);
}

TEST(learning_rate_changes_without_a_compile) {
    const float start[] = {1, 2}, grad[] = {1, 1}, rate = 0.5f;
    const double want[] = {0.5, 1.5};
    float got[2];
    tarn_tensor *t = NULL;
    bench b = {.dtype = TARN_F32, .n = 2};
    bench_make(&b, tarn_sgd(.learning_rate = 0.25), start);
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SCALAR, &rate, &t));
    CHECK_OK(tarn_store_set(b.store, TARN_LEARNING_RATE, t));
    tarn_tensor_release(t);
    bench_step(&b, grad);
    bench_read(&b, got);
    CHECK_CLOSE(got, want, 2, 0, 0);
    bench_free(&b);
}

TEST(a_loss_that_is_nan_leaves_weights_and_counter) {
    const float start[] = {1, 2}, grad[] = {1, NAN};
    const double want[] = {1, 2};
    float got[2];
    bench b = {.dtype = TARN_F32, .n = 2};
    bench_make(&b, tarn_adam(.learning_rate = 0.25), start);
    CHECK_OK(tarn_bind(b.program, "g", grad, TARN_SHAPE(2)));
    CHECK_ERR(tarn_run(b.program), TARN_ENUMERIC, "loss");
    bench_read(&b, got);
    CHECK_CLOSE(got, want, 2, 0, 0);
    CHECK(scalar(b.store, TARN_ITERATIONS) == 0);
    bench_free(&b);
}

// ---- errors -------------------------------------------------------------------------------------

static tarn_status build(tarn_optimizer opt, bool depends) {
    tarn_store *s = NULL;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SCALAR, tarn_init_ones());
    tarn_node *c = tarn_constant(g, TARN_F32, 1);
    (void)tarn_minimize(g, depends ? w : c, opt, NULL);
    tarn_status st = tarn_graph_status(g);
    tarn_graph_free(g);
    tarn_store_free(s);
    return st;
}

TEST(options_out_of_range_are_named) {
    CHECK_ERR(build(tarn_adam(.beta_1 = 1), true), TARN_EARG, "adam: beta_1 is 1");
    CHECK_ERR(build(tarn_sgd(.momentum = -0.5), true), TARN_EARG, "sgd: momentum is -0.5");
    CHECK_ERR(build(tarn_rmsprop(.learning_rate = NAN), true), TARN_EARG, "learning_rate is nan");
}

TEST(a_loss_without_weights_is_refused) {
    CHECK_ERR(build(tarn_sgd(), false), TARN_EARG, "depends on no weight");
}

TEST(zero_is_said_with_tarn_zero) {
    tarn_optimizer_opts o;
    CHECK_OK(ti_optimizer_resolve(tarn_adam(.epsilon = TARN_ZERO), &o));
    CHECK(o.epsilon == 0 && o.learning_rate == 0.001 && o.beta_2 == 0.999);
    CHECK_OK(ti_optimizer_resolve(tarn_sgd(), &o));
    CHECK(o.learning_rate == 0.01 && o.momentum == 0);
}
