// MNIST (LeCun, Cortes, Burges 1998) and whatever comes in its four files, such as Fashion-MNIST.
#include "data/data.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 28, CLASSES = 10 };

// DIR/NAME or, when only that exists, DIR/NAME.gz; newly allocated.
static tarn_status find_file(const char *dir, const char *name, char **out) {
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2; i++) {
        char file[64], *path;
        snprintf(file, sizeof file, "%s%s", name, endings[i]);
        TI_TRY(ti_path_join(dir, file, &path));
        if (ti_file_exists(path)) {
            *out = path;
            return TARN_OK;
        }
        ti_free(path);
    }
    return ti_error(TARN_ENOENT, "no file '%s' or '%s.gz' in '%s'", name, name, dir);
}

// One part of the set: PREFIX-images-idx3-ubyte and PREFIX-labels-idx1-ubyte.
static tarn_status read_part(const char *dir, const char *prefix, tarn_dataset *out) {
    char name[64], text[TI_SHAPE_TEXT_CAP], *images = NULL, *labels = NULL;
    tarn_dataset d = {0};
    tarn_status st;
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
    if ((st = find_file(dir, name, &images))) goto done;
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    if ((st = find_file(dir, name, &labels))) goto done;
    if ((st = tarn_data_idx(images, labels, &d))) goto done;
    const tarn_shape *s = tarn_tensor_shape(d.x);
    if (s->rank != 3 || s->dim[1] != SIDE || s->dim[2] != SIDE) {
        st = ti_error(TARN_ESHAPE, "%s: pictures are %s, [n,28,28] expected", images,
                      ti_shape_text(s, text));
        goto done;
    }
    d.classes = CLASSES;
    ti_dataset_set_name(&d, "mnist");
    if ((st = tarn_dataset_check(&d))) {
        st = ti_error_at(st, "%s", labels);
        goto done;
    }
    *out = d;
    d = (tarn_dataset){0};
done:
    tarn_dataset_clear(&d);
    ti_free(labels);
    ti_free(images);
    return st;
}

// ROOT/NAME when it holds the first file of the set, else *out is NULL.
static tarn_status try_folder(const char *root, const char *name, char **out) {
    char *dir, *file;
    *out = NULL;
    if (!root || !*root) return TARN_OK;
    TI_TRY(ti_path_join(root, name, &dir));
    tarn_status st = find_file(dir, "train-images-idx3-ubyte", &file);
    if (!st) {
        ti_free(file);
        *out = dir;
        return TARN_OK;
    }
    ti_free(dir);
    return st == TARN_ENOENT ? TARN_OK : st;
}

static tarn_status find_folder(char **out) {
    TI_TRY(try_folder(getenv("TARN_DATA"), "mnist", out));
    if (*out) return TARN_OK;
    TI_TRY(try_folder(getenv("HOME"), ".cache/tarn/mnist", out));
    if (*out) return TARN_OK;
    return ti_error(TARN_ENOENT, "mnist: no folder with its files: neither $TARN_DATA/mnist nor "
                                 "~/.cache/tarn/mnist holds train-images-idx3-ubyte or its .gz");
}

tarn_status tarn_data_mnist(const char *dir, tarn_dataset *train, tarn_dataset *test) {
    char *found = NULL;
    tarn_dataset a = {0}, b = {0};
    tarn_status st = TARN_OK;
    if (!dir) TI_TRY(find_folder(&found));
    if (!dir) dir = found;
    if (train) st = read_part(dir, "train", &a);
    if (!st && test) st = read_part(dir, "t10k", &b);
    ti_free(found);
    if (st) {
        tarn_dataset_clear(&a);
        return ti_error_at(st, "mnist");
    }
    if (train) *train = a;
    if (test) *test = b;
    return TARN_OK;
}
