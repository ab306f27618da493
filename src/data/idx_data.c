// Pictures and labels in two IDX files.
//
// Labels are u8 in the file and i32 in a data set; the number of classes is the largest label plus
// one, at least 2.
#include "data/data.h"
#include "tensor/tensor.h"
#include <tarn/io.h>

#include <inttypes.h>

static tarn_status read_labels(const char *path, int64_t n, tarn_tensor **out) {
    char text[TI_SHAPE_TEXT_CAP];
    tarn_tensor *bytes;
    TI_TRY(tarn_idx_read(path, &bytes));
    const tarn_shape *s = tarn_tensor_shape(bytes);
    tarn_status st = TARN_OK;
    if (s->rank != 1 || s->dim[0] != n)
        st = ti_error(TARN_ESHAPE, "%s: labels are %s, [%" PRId64 "] expected, one a picture", path,
                      ti_shape_text(s, text), n);
    if (!st) st = tarn_tensor_cast(bytes, TARN_I32, out);
    tarn_tensor_release(bytes);
    return st;
}

static int64_t count_classes(const tarn_tensor *y) {
    const int32_t *label = tarn_tensor_cdata(y);
    int64_t most = 1;
    for (int64_t i = 0; i < tarn_tensor_numel(y); i++) most = ti_max_i64(most, label[i]);
    return most + 1;
}

tarn_status tarn_data_idx(const char *images, const char *labels, tarn_dataset *out) {
    char text[TI_SHAPE_TEXT_CAP];
    tarn_dataset d = {.scale = 1.0 / 255};
    tarn_status st;
    if ((st = tarn_idx_read(images, &d.x))) goto done;
    const tarn_shape *s = tarn_tensor_shape(d.x);
    if (s->rank < 2 || tarn_tensor_numel(d.x) == 0) {
        st = ti_error(TARN_ESHAPE, "%s: pictures are %s, [n, ...] with n > 0 expected", images,
                      ti_shape_text(s, text));
        goto done;
    }
    if ((st = read_labels(labels, s->dim[0], &d.y))) goto done;
    d.classes = count_classes(d.y);
    ti_dataset_set_name(&d, "idx");
    *out = d;
    d = (tarn_dataset){0};
done:
    tarn_dataset_clear(&d);
    return st;
}
