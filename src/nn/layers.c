// The kinds of layers: the one list.
#include <string.h>

#include "nn/layer.h"

typedef struct kind_row {
    const char *name;
    tarn_layer_kind kind;
    const ti_layer_ops *ops;
} kind_row;

static const kind_row rows[] = {
    {"dense", TARN_LAYER_DENSE, &ti_layer_dense},
    {"activation", TARN_LAYER_ACTIVATION, &ti_layer_activation},
    {"dropout", TARN_LAYER_DROPOUT, &ti_layer_dropout},
    {"flatten", TARN_LAYER_FLATTEN, &ti_layer_flatten},
    {"reshape", TARN_LAYER_RESHAPE, &ti_layer_reshape},
    {"conv2d", TARN_LAYER_CONV2D, &ti_layer_conv2d},
    {"max_pooling2d", TARN_LAYER_MAX_POOLING2D, &ti_layer_max_pooling2d},
    {"batch_normalization", TARN_LAYER_BATCH_NORMALIZATION, &ti_layer_batch_normalization},
};
static const ti_table table = TI_TABLE("layer", rows);

const ti_layer_ops *ti_layer_ops_of(tarn_layer_kind kind) {
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].kind == kind) return rows[i].ops;
    return NULL;
}

tarn_status ti_layer_kind_named(const char *name, tarn_layer_kind *out) {
    const kind_row *row = ti_table_find(&table, name, "");
    if (!row) return TARN_ENOENT;
    *out = row->kind;
    return TARN_OK;
}
