// ONNX graphs, imported and run. tests/golden/onnx holds the models, written by the onnx package,
// and what NumPy says that they give (make.py there).
#include <math.h>
#include <stdlib.h>
#include <tarn/tarn.h>

#include "unit/io_support.h"

enum { MAX_ARRAYS = 8 };

static const char *onnx_path(const char *file, char path[PATH_CAP]) {
    CHECK(snprintf(path, PATH_CAP, "%s/tests/golden/onnx/%s", test_source_dir(), file) < PATH_CAP);
    return path;
}

static tarn_onnx *open_golden(const char *name) {
    char path[PATH_CAP], file[64];
    tarn_onnx *m;
    need_part("protobuf-c");
    snprintf(file, sizeof file, "%s.onnx", name);
    CHECK_OK(tarn_onnx_open(onnx_path(file, path), &m));
    return m;
}

static tarn_tensor *golden_array(const char *name, const char *kind, int i) {
    char path[PATH_CAP], file[64];
    tarn_tensor *t;
    snprintf(file, sizeof file, "%s.%s%d.npy", name, kind, i);
    CHECK_OK(tarn_npy_read(onnx_path(file, path), &t));
    return t;
}

// Floats within 1e-6 of the float64 result, rounded; all else to the bit.
static void check_same(const tarn_tensor *got, const tarn_tensor *want) {
    CHECK_EQ_I(tarn_tensor_dtype(got), tarn_tensor_dtype(want));
    CHECK(tarn_shape_equal(tarn_tensor_shape(got), tarn_tensor_shape(want)));
    if (tarn_tensor_dtype(got) != TARN_F32) {
        CHECK(!memcmp(tarn_tensor_cdata(got), tarn_tensor_cdata(want), tarn_tensor_bytes(want)));
        return;
    }
    tarn_tensor *wide;
    CHECK_OK(tarn_tensor_cast(want, TARN_F64, &wide));
    CHECK_CLOSE((const float *)tarn_tensor_cdata(got), tarn_tensor_cdata(wide),
                tarn_tensor_numel(got), 1e-6, 1e-7);
    tarn_tensor_release(wide);
}

static int count(const char *(*name)(const tarn_onnx *m, int i), const tarn_onnx *m) {
    int n = 0;
    while (name(m, n)) n++;
    CHECK(n <= MAX_ARRAYS);
    return n;
}

static void check_run(const char *name, const char *device) {
    static const tarn_compile_opts interpreted = {.jit = TARN_JIT_OFF};
    tarn_onnx *m = open_golden(name);
    tarn_tensor *in[MAX_ARRAYS], *out[MAX_ARRAYS];
    int n_in = count(tarn_onnx_input, m), n_out = count(tarn_onnx_output, m);
    for (int i = 0; i < n_in; i++) in[i] = golden_array(name, "in", i);
    CHECK_OK(tarn_onnx_run(m, (const tarn_tensor *const *)in, device, &interpreted, out));
    for (int i = 0; i < n_out; i++) {
        tarn_tensor *want = golden_array(name, "out", i);
        check_same(out[i], want);
        tarn_tensor_release(want);
        tarn_tensor_release(out[i]);
    }
    for (int i = 0; i < n_in; i++) tarn_tensor_release(in[i]);
    tarn_onnx_close(m);
}

static void check_both(const char *name) {
    check_run(name, "cpu");
    check_run(name, "ref");
}

TEST(a_convolutional_network_gives_what_numpy_gives) { check_both("cnn"); }
TEST(a_shape_may_be_an_input_of_the_graph) { check_both("reshape"); }
TEST(a_shape_may_be_computed) { check_both("computed"); }
TEST(sizes_that_depend_on_values_are_found) { check_both("nonzero"); }
TEST(files_of_2017_list_weights_as_inputs_and_broadcast_by_axis) { check_both("old"); }
TEST(narrow_floats_integers_and_truth_values_are_computed) { check_both("types"); }
TEST(weights_may_lie_in_a_file_beside_the_model) { check_both("external"); }

TEST(inputs_and_outputs_have_names) {
    tarn_onnx *m = open_golden("old");
    CHECK_STR(tarn_onnx_input(m, 0), "x");
    CHECK(!tarn_onnx_input(m, 1) && !tarn_onnx_input(m, -1));  // weights are no inputs
    CHECK_STR(tarn_onnx_output(m, 0), "p");
    CHECK(!tarn_onnx_output(m, 1) && !tarn_onnx_output(m, -1));
    tarn_onnx_close(m);
    tarn_onnx_close(NULL);
}

// The batch of the file has the name n: the program is for any batch up to 3. Weights are variables
// of the store, and a second graph over it takes them as they are.
TEST(a_network_is_built_for_named_sizes_over_a_store) {
    tarn_onnx *m = open_golden("cnn");
    tarn_store *s;
    tarn_tensor *x = golden_array("cnn", "in", 0), *want = golden_array("cnn", "out", 0), *w, *wide;
    CHECK_OK(tarn_store_create(1, &s));
    for (int again = 0; again < 2; again++) {
        tarn_graph *g = tarn_graph_create(s);
        tarn_node *y;
        tarn_program *p;
        CHECK_OK(tarn_onnx_build(m, g, &(tarn_onnx_opts){.max_dim = 3}, &y));
        CHECK_OK(tarn_compile_opts_(g, TARN_FETCH(y), "cpu",
                                    &(tarn_compile_opts){.jit = TARN_JIT_OFF}, &p));
        CHECK_OK(tarn_tensor_cast(want, TARN_F64, &wide));
        for (int64_t n = 3; n > 0; n--) {
            tarn_shape shape;
            CHECK_OK(tarn_bind(p, "x", tarn_tensor_cdata(x), TARN_SHAPE(n, 1, 6, 5)));
            CHECK_OK(tarn_run(p));
            const float *got = tarn_result(p, 0, &shape);
            CHECK(tarn_shape_equal(&shape, &TARN_SHAPE(n, 4)));
            if (!again) CHECK_CLOSE(got, tarn_tensor_cdata(wide), 4 * n, 1e-6, 1e-7);
            for (int64_t i = 0; i < 4 * n && again; i++) CHECK(got[i] == 0.25f);
        }
        CHECK_EQ_I(tarn_store_count(s), 6);
        CHECK_OK(tarn_store_get(s, "fc", &w));  // with weights of 0 all classes are as likely
        memset(tarn_tensor_data(w), 0, tarn_tensor_bytes(w));
        CHECK_OK(tarn_store_set(s, "fc", w));
        tarn_tensor_release(w);
        CHECK_OK(tarn_store_get(s, "fb", &w));
        memset(tarn_tensor_data(w), 0, tarn_tensor_bytes(w));
        CHECK_OK(tarn_store_set(s, "fb", w));
        tarn_tensor_release(w);
        tarn_tensor_release(wide);
        tarn_program_free(p);
        tarn_graph_free(g);
    }
    tarn_store_free(s);
    tarn_tensor_release(x);
    tarn_tensor_release(want);
    tarn_onnx_close(m);
}

static tarn_status build_without_values(const char *name) {
    tarn_onnx *m = open_golden(name);
    tarn_node *y[MAX_ARRAYS];
    tarn_store *s;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_status st = tarn_onnx_build(m, g, NULL, y);
    tarn_graph_free(g);
    tarn_store_free(s);
    tarn_onnx_close(m);
    return st;
}

TEST(a_shape_that_is_not_known_is_refused_by_the_inputs_name) {
    CHECK_ERR(build_without_values("reshape"), TARN_EARG, "the value of input 'shape' must be");
    CHECK_OK(build_without_values("nonzero"));
}

TEST(values_that_do_not_fit_their_inputs_are_refused) {
    tarn_onnx *m = open_golden("cnn");
    tarn_tensor *x, *y;
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(1, 2, 6, 5), &x));
    CHECK_ERR(
        tarn_onnx_run(m, (const tarn_tensor *[]){x}, "cpu", NULL, &y), TARN_ESHAPE,
        "input 'x': it is f32 [-1,1,6,5] in the file (-1: any size), f32 [1,2,6,5] was given");
    tarn_tensor_release(x);
    CHECK_OK(tarn_tensor_create(TARN_F64, TARN_SHAPE(1, 1, 6, 5), &x));
    CHECK_ERR(tarn_onnx_run(m, (const tarn_tensor *[]){x}, "cpu", NULL, &y), TARN_ESHAPE, "f64");
    tarn_tensor_release(x);
    tarn_onnx_close(m);
}

TEST(tensors_are_read_from_every_list_and_from_bytes) {
    static const double values[] = {0, 1, 2}, truths[] = {0, 1, 1};
    static const uint16_t halves[] = {0, 0x3c00, 0x4000}, brains[] = {0, 0x3f80, 0x4000};
    char path[PATH_CAP], file[32];
    need_part("protobuf-c");
    for (int t = 0; t < TARN_DTYPE_COUNT; t++)
        for (int raw = 0; raw < 2; raw++) {
            tarn_tensor *x, *wide;
            snprintf(file, sizeof file, "%s.%s.pb", tarn_dtype_name((tarn_dtype)t),
                     raw ? "raw" : "list");
            CHECK_OK(tarn_onnx_tensor_read(onnx_path(file, path), &x));
            CHECK_EQ_I(tarn_tensor_dtype(x), t);
            CHECK(tarn_shape_equal(tarn_tensor_shape(x), &TARN_SHAPE(3)));
            if (t == TARN_F16 || t == TARN_BF16) {
                CHECK(!memcmp(tarn_tensor_cdata(x), t == TARN_F16 ? halves : brains, 6));
            } else {
                CHECK_OK(tarn_tensor_cast(x, TARN_F64, &wide));
                CHECK(!memcmp(tarn_tensor_cdata(wide), t == TARN_BOOL ? truths : values,
                              sizeof values));
                tarn_tensor_release(wide);
            }
            tarn_tensor_release(x);
        }
}

TEST(missing_files_and_parts_are_named) {
    tarn_onnx *m;
    tarn_tensor *t;
    tarn_part part = {0};
    for (int i = 0; tarn_version_part(i, &part) && strcmp(part.name, "protobuf-c");) i++;
    CHECK_STR(part.name, "protobuf-c");
    CHECK_ERR(tarn_onnx_open("/nowhere/a.onnx", &m), part.present ? TARN_ENOENT : TARN_EUNSUPPORTED,
              part.present ? "/nowhere/a.onnx" : "ONNX needs protobuf-c");
    CHECK_ERR(tarn_onnx_tensor_read("/nowhere/a.pb", &t),
              part.present ? TARN_ENOENT : TARN_EUNSUPPORTED, "/nowhere/a.pb");
}
