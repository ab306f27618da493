// The conformance cases of the ONNX project, and a trained network of another library: a case
// passes within the project's own tolerance, or Tarn says what it lacks. How many pass is counted,
// so that none is lost without notice. Needs $TARN_SHARED.
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

#include "unit/io_support.h"

enum { MAX_TENSORS = 64 };
static const double relative = 1e-3, absolute = 1e-7;
static const tarn_compile_opts interpreted = {.jit = TARN_JIT_OFF};

static const char *shared_path(const char *file, char path[PATH_CAP]) {
    need_part("protobuf-c");
    if (!test_shared()) SKIP("no shared data");
    return path_of(test_shared(), file, path);
}

typedef struct tensors {
    tarn_tensor *t[MAX_TENSORS];
    int n;
} tensors;

static void release(tensors *s) {
    for (int i = 0; i < s->n; i++) tarn_tensor_release(s->t[i]);
    s->n = 0;
}

// FOLDER/test_data_set_0/KIND_0.pb, KIND_1.pb, ...
static tarn_status read_all(const char *folder, const char *kind, tensors *out) {
    char set[PATH_CAP], file[32], path[PATH_CAP];
    path_of(folder, "test_data_set_0", set);
    for (out->n = 0; out->n < MAX_TENSORS; out->n++) {
        snprintf(file, sizeof file, "%s_%d.pb", kind, out->n);
        path_of(set, file, path);
        if (!ti_file_exists(path)) return TARN_OK;
        TI_TRY(tarn_onnx_tensor_read(path, &out->t[out->n]));
    }
    return TARN_OK;
}

static double element(const tarn_tensor *t, const tarn_tensor *wide, int64_t i) {
    bool brain = tarn_tensor_dtype(t) == TARN_BF16;
    if (wide) return ((const double *)tarn_tensor_cdata(wide))[i];
    return ti_half_value(((const uint16_t *)tarn_tensor_cdata(t))[i], brain);
}

static bool close(const tarn_tensor *got, const tarn_tensor *want) {
    tarn_dtype dtype = tarn_tensor_dtype(want);
    tarn_tensor *a = NULL, *b = NULL;
    if (tarn_tensor_dtype(got) != dtype ||
        !tarn_shape_equal(tarn_tensor_shape(got), tarn_tensor_shape(want)))
        return false;
    bool floats = dtype == TARN_F32 || dtype == TARN_F64, half = dtype == TARN_F16;
    if (!floats && !half && dtype != TARN_BF16)
        return !memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want));
    if (floats) {
        CHECK_OK(tarn_tensor_cast(got, TARN_F64, &a));
        CHECK_OK(tarn_tensor_cast(want, TARN_F64, &b));
    }
    bool ok = true;
    for (int64_t i = 0; i < tarn_tensor_numel(want); i++) {
        double x = element(got, a, i), y = element(want, b, i);
        ok &= isnan(y) ? isnan(x) : x == y || fabs(x - y) <= absolute + relative * fabs(y);
    }
    tarn_tensor_release(a);
    tarn_tensor_release(b);
    return ok;
}

static tarn_status run_case(const char *folder, const tensors *in, tensors *out) {
    char path[PATH_CAP];
    tarn_onnx *m;
    TI_TRY(tarn_onnx_open(path_of(folder, "model.onnx", path), &m));
    CHECK(in->n == 0 || tarn_onnx_input(m, in->n - 1));
    CHECK(!tarn_onnx_input(m, in->n));
    tarn_status st = tarn_onnx_run(m, (const tarn_tensor *const *)in->t, "cpu", &interpreted,
                                   out->t);
    while (!st && tarn_onnx_output(m, out->n)) out->n++;
    tarn_onnx_close(m);
    return st;
}

// Does the case pass? Fails the test when Tarn neither passes nor says that it lacks something.
static bool case_passes(const char *folder) {
    tensors in = {.n = 0}, out = {.n = 0}, want = {.n = 0};
    tarn_status st = read_all(folder, "input", &in);
    if (!st) st = read_all(folder, "output", &want);
    if (!st) st = run_case(folder, &in, &out);
    if (st && st != TARN_EUNSUPPORTED)
        test_fail(__FILE__, __LINE__, "%s: %s", folder, tarn_last_error());
    if (!st) CHECK_EQ_I(out.n, want.n);
    for (int i = 0; i < out.n; i++)
        if (!close(out.t[i], want.t[i]))
            test_fail(__FILE__, __LINE__, "%s: output %d differs", folder, i);
    release(&in);
    release(&out);
    release(&want);
    return !st;
}

static void check_folder(const char *name, int at_least) {
    char folder[PATH_CAP], one[PATH_CAP];
    int passed = 0;
    DIR *d = opendir(shared_path(name, folder));
    if (!d) SKIP("no %s", folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (*e->d_name == '.') continue;
        passed += case_passes(path_of(folder, e->d_name, one));
    }
    closedir(d);
    printf("%s: %d cases pass\n", name, passed);
    if (passed < at_least) test_fail(__FILE__, __LINE__, "%d cases pass, %d did", passed, at_least);
}

TEST(node_cases_pass_or_say_what_they_lack) { check_folder("onnx/node", 248); }
TEST(simple_cases_pass_or_say_what_they_lack) { check_folder("onnx/simple", 2); }
TEST(pytorch_operators_pass_or_say_what_they_lack) { check_folder("onnx/pytorch-operator", 12); }
TEST(pytorch_layers_pass_or_say_what_they_lack) { check_folder("onnx/pytorch-converted", 16); }

// A convolutional network that CNTK trained on MNIST, one picture at a time.
TEST(a_trained_network_of_cntk_knows_the_digits_of_mnist) {
    enum { PICTURES = 1000, SIZE = 28 * 28 };
    char path[PATH_CAP];
    tarn_onnx *m;
    tarn_store *s;
    tarn_program *p;
    tarn_node *y;
    tarn_tensor *x, *labels;
    float picture[SIZE];
    if (!ti_file_exists(shared_path("data/models/onnx/mnist_cntk.onnx", path))) SKIP("no model");
    CHECK_OK(tarn_onnx_open(path, &m));
    CHECK_OK(tarn_idx_read(shared_path("data/mnist/t10k-images-idx3-ubyte.gz", path), &x));
    CHECK_OK(tarn_idx_read(shared_path("data/mnist/t10k-labels-idx1-ubyte.gz", path), &labels));
    CHECK_OK(tarn_store_create(0, &s));
    tarn_graph *g = tarn_graph_create(s);
    CHECK_OK(tarn_onnx_build(m, g, NULL, &y));
    CHECK_OK(tarn_compile_opts_(g, TARN_FETCH(tarn_argmax(g, y)), "cpu", &interpreted, &p));
    int right = 0;
    for (int i = 0; i < PICTURES; i++) {
        const uint8_t *pixels = (const uint8_t *)tarn_tensor_cdata(x) + i * SIZE;
        for (int j = 0; j < SIZE; j++) picture[j] = pixels[j];
        CHECK_OK(tarn_bind(p, "Input3", picture, TARN_SHAPE(1, 1, 28, 28)));
        CHECK_OK(tarn_run(p));
        right += *(const int32_t *)tarn_result(p, 0, NULL) ==
                 ((const uint8_t *)tarn_tensor_cdata(labels))[i];
    }
    printf("%d of %d digits\n", right, PICTURES);
    CHECK(right > PICTURES * 98 / 100);
    tarn_program_free(p);
    tarn_graph_free(g);
    tarn_store_free(s);
    tarn_tensor_release(x);
    tarn_tensor_release(labels);
    tarn_onnx_close(m);
}
