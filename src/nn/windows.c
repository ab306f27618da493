// What convolution and pooling share: sizes given once or twice, and where the windows of Keras'
// two kinds of padding stand.
#include <string.h>

#include "nn/layer.h"

static void pair(const int given[2], int preset, int out[2]) {
    out[0] = given[0] ? given[0] : preset;
    out[1] = given[1] ? given[1] : out[0];
}

static bool in_range(const int x[2]) {
    return x[0] >= 1 && x[1] >= 1 && x[0] <= TI_MAX_SIDE && x[1] <= TI_MAX_SIDE;
}

// valid: no window leaves the image. same: ceil(size / stride) of them, an odd row or column of
// padding stands at the end.
static void fit(ti_windows *w, const tarn_shape *image) {
    bool same = w->padding && !strcmp(w->padding, "same");
    for (int i = 0; i < 2; i++) {
        int64_t n = image->dim[i], k = w->size[i], s = w->strides[i];
        w->out[i] = n < k ? 0 : (n - k) / s + 1;
        if (!same) continue;
        w->out[i] = (n - 1) / s + 1;
        int64_t covered = (w->out[i] - 1) * s + k, over = covered > n ? covered - n : 0;
        w->around[2 * i] = (int)(over / 2);
        w->around[2 * i + 1] = (int)(over - over / 2);
    }
}

ti_windows ti_windows_of(const ti_layer *l, const int size[2], int preset_size,
                         const int strides[2], int preset_stride, const char *padding) {
    ti_windows w = {.padding = padding};
    pair(size, preset_size, w.size);
    pair(strides, preset_stride, w.strides);
    for (int i = 0; i < 2; i++)
        if (!w.strides[i]) w.strides[i] = w.size[i];
    if (l->in.rank == 3 && in_range(w.size) && in_range(w.strides)) fit(&w, &l->in);
    return w;
}

tarn_status ti_windows_check(const ti_layer *l, const ti_windows *w) {
    static const char *const rows[] = {"valid", "same"};
    static const ti_table table = TI_TABLE("padding", rows);
    if (w->padding && !ti_table_find(&table, w->padding, "")) return TARN_ENOENT;
    if (!in_range(w->size) || !in_range(w->strides))
        return ti_error(TARN_EARG,
                        "layer '%s' expects windows and strides of 1 to %d, not %d x %d and %d x "
                        "%d",
                        l->name, TI_MAX_SIDE, w->size[0], w->size[1], w->strides[0], w->strides[1]);
    if (l->in.rank != 3)
        return ti_error(TARN_ESHAPE,
                        "layer '%s' expects samples of [height, width, channels], a sample here "
                        "has %d axes: put a reshape layer before it",
                        l->name, l->in.rank);
    if (w->out[0] >= 1 && w->out[1] >= 1) return TARN_OK;
    return ti_error(TARN_ESHAPE, "layer '%s': %lld x %lld is smaller than the window of %d x %d",
                    l->name, (long long)l->in.dim[0], (long long)l->in.dim[1], w->size[0],
                    w->size[1]);
}

// ---- descriptions -------------------------------------------------------------------------------

tarn_status ti_windows_to_json(const ti_windows *w, json_t *o, const char *size_key) {
    TI_TRY(ti_json_set(o, size_key, json_pack("[i, i]", w->size[0], w->size[1])));
    TI_TRY(ti_json_set(o, "strides", json_pack("[i, i]", w->strides[0], w->strides[1])));
    return ti_json_set(o, "padding", json_string(w->padding ? w->padding : "valid"));
}

static tarn_status read_pair(json_t *o, const char *key, int out[2]) {
    const json_t *v = json_object_get(o, key);
    for (size_t i = 0; v && i < 2; i++) {
        const json_t *side = json_array_get(v, i);
        json_int_t n = json_integer_value(side);
        if (json_array_size(v) != 2 || !json_is_integer(side) || n < 1 || n > TI_MAX_SIDE)
            return ti_error(TARN_EFORMAT, "'%s' is not a list of two numbers of 1 to %d", key,
                            TI_MAX_SIDE);
        out[i] = (int)n;
    }
    return TARN_OK;
}

tarn_status ti_windows_from_json(json_t *o, const char *size_key, int size[2], int strides[2],
                                 const char **padding) {
    TI_TRY(read_pair(o, size_key, size));
    TI_TRY(read_pair(o, "strides", strides));
    return ti_json_text(o, "padding", padding);
}
