// Data sets: checks, MNIST, pictures and labels in IDX files.
#include "io_support.h"

#include <math.h>
#include <stdlib.h>

#include "data/data.h"

// Three samples of two values with labels 0 2 1.
static tarn_dataset small_set(void) {
    tarn_dataset d = {.classes = 3, .name = "small"};
    CHECK_OK(tarn_tensor_from(TARN_F32, TARN_SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6}, &d.x));
    CHECK_OK(tarn_tensor_from(TARN_I32, TARN_SHAPE(3), (int32_t[]){0, 2, 1}, &d.y));
    return d;
}

TEST(dataset_check_names_sample_and_label) {
    tarn_dataset d = small_set();
    CHECK_OK(tarn_dataset_check(&d));
    ((int32_t *)tarn_tensor_data(d.y))[1] = 3;
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "'small': sample 1: label 3, 0 to 2 expected");
    ((int32_t *)tarn_tensor_data(d.y))[1] = -1;
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "label -1");
    tarn_dataset_clear(&d);
    tarn_dataset_clear(&d);
    tarn_dataset_clear(NULL);
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "no samples");
}

static void replace(tarn_tensor **t, tarn_dtype dtype, tarn_shape shape) {
    tarn_tensor_release(*t);
    CHECK_OK(tarn_tensor_create(dtype, shape, t));
}

TEST(dataset_check_refuses_what_does_not_fit) {
    tarn_dataset d = small_set();
    replace(&d.y, TARN_I32, TARN_SHAPE(4));
    CHECK_ERR(tarn_dataset_check(&d), TARN_ESHAPE, "labels are [4], [3] expected");
    replace(&d.y, TARN_F32, TARN_SHAPE(3, 1));
    CHECK_ERR(tarn_dataset_check(&d), TARN_EDTYPE, "labels are f32");
    d.classes = 0;  // now they are targets
    CHECK_OK(tarn_dataset_check(&d));
    replace(&d.y, TARN_F32, TARN_SHAPE(3));
    CHECK_ERR(tarn_dataset_check(&d), TARN_ESHAPE, "targets are [3], [3, outputs]");
    replace(&d.y, TARN_I32, TARN_SHAPE(3, 1));
    CHECK_ERR(tarn_dataset_check(&d), TARN_EDTYPE, "targets are i32");
    d.classes = -1;
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "-1 classes");
    d.scale = (double)NAN;
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "scale nan");
    replace(&d.x, TARN_F64, TARN_SHAPE(3, 2));
    CHECK_ERR(tarn_dataset_check(&d), TARN_EDTYPE, "samples are f64");
    replace(&d.x, TARN_U8, TARN_SHAPE(0, 2));
    CHECK_ERR(tarn_dataset_check(&d), TARN_ESHAPE, "samples are [0,2]");
    tarn_tensor_release(d.y);
    d.y = NULL;
    CHECK_ERR(tarn_dataset_check(&d), TARN_EARG, "no targets");
    tarn_dataset_clear(&d);
}

TEST(class_names_are_shared_and_freed_with_their_last_set) {
    uint64_t live = ti_alloc_stats_now().live;
    tarn_dataset a = {0}, b = {0};
    CHECK_OK(ti_dataset_set_labels(&a, (const char *[]){"cat", "", "dog"}, 3));
    ti_dataset_share_labels(&b, &a);
    tarn_dataset_clear(&a);
    CHECK_STR(b.labels[0], "cat");
    CHECK_STR(b.labels[1], "");
    CHECK_STR(b.labels[2], "dog");
    CHECK_EQ_I(b.classes, 3);
    tarn_dataset_clear(&b);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}

// ---- IDX pairs ---------------------------------------------------------------------------------

// `n` pictures of side x side and n labels 0 1 2 ... in the folder, under the given names.
static void write_pair(const char *dir, const char *images, const char *labels, int n, int side) {
    uint8_t x[4096] = {
        0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, (uint8_t)side, 0, 0, 0, (uint8_t)side};
    uint8_t y[64] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)n};
    char path[PATH_CAP];
    for (int i = 0; i < n; i++) y[8 + i] = (uint8_t)i;
    CHECK_OK(ti_file_write(path_of(dir, images, path), x, (size_t)(16 + n * side * side)));
    CHECK_OK(ti_file_write(path_of(dir, labels, path), y, (size_t)(8 + n)));
}

TEST(idx_pairs_become_a_data_set) {
    char images[PATH_CAP], labels[PATH_CAP];
    const char *dir = test_dir();
    tarn_dataset d;
    write_pair(dir, "x", "y", 4, 3);
    CHECK_OK(tarn_data_idx(path_of(dir, "x", images), path_of(dir, "y", labels), &d));
    CHECK_OK(tarn_dataset_check(&d));
    CHECK_EQ_I(d.classes, 4);
    CHECK(d.scale == 1.0 / 255 && !d.generated);
    CHECK_EQ_I(((const int32_t *)tarn_tensor_cdata(d.y))[3], 3);
    tarn_dataset_clear(&d);
    write_pair(dir, "x", "other", 3, 3);
    CHECK_ERR(tarn_data_idx(images, labels, &d), TARN_ESHAPE, "labels are [4], [3] expected");
    CHECK_ERR(tarn_data_idx(labels, labels, &d), TARN_ESHAPE, "pictures are [4]");
}

// ---- MNIST -------------------------------------------------------------------------------------

TEST(mnist_is_found_by_name_and_named_when_missing) {
    const char *dir = test_dir();
    char path[PATH_CAP];
    tarn_dataset a, b;
    CHECK_ERR(tarn_data_mnist(dir, &a, &b), TARN_ENOENT, "train-images-idx3-ubyte.gz' in '");
    write_pair(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3, 28);
    CHECK_ERR(tarn_data_mnist(dir, &a, &b), TARN_ENOENT, "t10k-images");
    CHECK_OK(tarn_data_mnist(dir, &a, NULL));  // one part alone
    tarn_dataset_clear(&a);
    write_pair(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 2, 28);
    CHECK_OK(tarn_data_mnist(dir, &a, &b));
    CHECK_EQ_I(a.classes, 10);  // although only 0 1 2 occur
    CHECK_STR(b.name, "mnist");
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);

    uint8_t label[] = {0, 0, 8, 1, 0, 0, 0, 2, 9, 10};
    path_of(dir, "t10k-labels-idx1-ubyte", path);
    CHECK_OK(ti_file_write(path, label, sizeof label));
    CHECK_ERR(tarn_data_mnist(dir, &a, &b), TARN_EARG, "sample 1: label 10, 0 to 9 expected");
    CHECK(strstr(tarn_last_error(), path));
    write_pair(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 2, 27);
    CHECK_ERR(tarn_data_mnist(dir, &a, &b), TARN_ESHAPE, "[2,27,27], [n,28,28] expected");
}

TEST(mnist_looks_in_the_data_folder_and_then_in_the_cache) {
    const char *dir = test_dir();
    char path[PATH_CAP];
    tarn_dataset a;
    CHECK(!setenv("HOME", dir, 1) && !unsetenv("TARN_DATA"));
    CHECK_ERR(tarn_data_mnist(NULL, &a, NULL), TARN_ENOENT, "$TARN_DATA/mnist");
    path_of(dir, ".cache/tarn/mnist", path);
    CHECK_OK(ti_make_dirs(path));
    write_pair(path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3, 28);
    CHECK(!setenv("TARN_DATA", "/nowhere", 1));
    CHECK_OK(tarn_data_mnist(NULL, &a, NULL));
    CHECK_EQ_I(tarn_tensor_shape(a.x)->dim[0], 3);
    tarn_dataset_clear(&a);
    path_of(dir, "mnist", path);
    CHECK_OK(ti_make_dirs(path));
    write_pair(path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 5, 28);
    CHECK(!setenv("TARN_DATA", dir, 1));
    CHECK_OK(tarn_data_mnist(NULL, &a, NULL));
    CHECK_EQ_I(tarn_tensor_shape(a.x)->dim[0], 5);
    tarn_dataset_clear(&a);
}

static int64_t byte_sum(const tarn_tensor *t) {
    const uint8_t *x = tarn_tensor_cdata(t);
    int64_t sum = 0;
    for (int64_t i = 0; i < tarn_tensor_numel(t); i++) sum += x[i];
    return sum;
}

static void check_first_labels(const tarn_dataset *d, const int32_t *want, int n) {
    for (int i = 0; i < n; i++) CHECK_EQ_I(((const int32_t *)tarn_tensor_cdata(d->y))[i], want[i]);
}

// The sums are numpy's, of the files unpacked by Python's gzip.
TEST(mnist_itself_has_the_known_labels_and_sums) {
    char dir[PATH_CAP];
    tarn_dataset a, b;
    need_part("zlib");
    if (!test_shared()) SKIP("no folder of real data");
    path_of(test_shared(), "data/mnist", dir);
    if (!ti_file_exists(dir)) SKIP("no folder %s", dir);
    CHECK_OK(tarn_data_mnist(dir, &a, &b));
    CHECK_OK(tarn_dataset_check(&a));
    CHECK_OK(tarn_dataset_check(&b));
    CHECK_EQ_I(tarn_tensor_shape(a.x)->dim[0], 60000);
    CHECK_EQ_I(tarn_tensor_shape(b.x)->dim[0], 10000);
    CHECK_EQ_I(byte_sum(a.x), 1567298545);
    CHECK_EQ_I(byte_sum(b.x), 264923200);
    check_first_labels(&a, (int32_t[]){5, 0, 4, 1, 9, 2, 1, 3}, 8);
    check_first_labels(&b, (int32_t[]){7, 2, 1, 0, 4, 1, 4, 9}, 8);
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);
}
