// What a kind of layer is: one record of rules, one file each (dense.c, dropout.c, ...). The model
// asks the record and knows no kind by name. Also the tables of names that layers, losses and
// files share.
#ifndef TI_LAYER_H
#define TI_LAYER_H

#include <jansson.h>

#include "base/base.h"
#include <tarn/nn.h>

// ---- tables of names (names.c) ------------------------------------------------------------------
// Rows of any type that begins with `const char *name`.
typedef struct ti_table {
    const char *what;  // "activation": for messages
    const void *rows;
    size_t count, stride;
} ti_table;
#define TI_TABLE(what, rows) \
    { (what), (rows), sizeof(rows) / sizeof *(rows), sizeof *(rows) }
// The row called `name`, or NULL with "unknown WHAT 'NAME'WHERE, did you mean 'NEAREST'?"
// (TARN_ENOENT) recorded. where: "" or like " in dense".
const void *ti_table_find(const ti_table *t, const char *name, const char *where);

// A number of an option struct: 0 stands for the preset, TARN_ZERO for zero.
static inline double ti_or(double value, double preset) {
    return value == TARN_ZERO ? 0.0 : value == 0.0 ? preset : value;
}

// ---- layers -------------------------------------------------------------------------------------
enum { TI_MAX_PARAMS = 4, TI_MAX_NAME = 63 };

// A weight, its shape and first values.
typedef struct ti_param {
    const char *name;  // "kernel" as the layer's rules say it, "dense/kernel" in the model
    tarn_shape shape;
    tarn_init init;
    bool fixed;  // no optimizer trains it
} ti_param;

typedef struct ti_layer_ops ti_layer_ops;

// A layer in a model. Shapes are of one sample, without the batch axis. Strings and initialisers
// that `spec` points to belong to the model.
typedef struct ti_layer {
    const ti_layer_ops *ops;
    tarn_layer spec;
    const char *name;
    tarn_shape in, out;
    ti_param param[TI_MAX_PARAMS];
    int n_params;
} ti_layer;

// A layer being read from a file: the value and the memory it may point to.
typedef struct ti_layer_draft {
    tarn_layer layer;
    tarn_init kernel, bias;  // batch normalisation: gamma, beta
} ti_layer_draft;

struct ti_layer_ops {
    const char *kind;  // "dense": in files, and how default names begin
    // Checks options and l->in; sets l->out and the parameters.
    tarn_status (*infer)(ti_layer *l);
    // x [batch, in] -> [batch, out]; w: a node for each parameter. What a layer moves itself, and
    // no optimizer does, it says with tarn_set_next_value.
    tarn_node *(*apply)(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training);
    double (*flops)(const ti_layer *l);  // a sample, forward; NULL: none
    // Options to and from a description; NULL: it has none. What from_json sets may point into o.
    tarn_status (*to_json)(const ti_layer *l, json_t *o);
    tarn_status (*from_json)(json_t *o, ti_layer_draft *d);
};

extern const ti_layer_ops ti_layer_dense, ti_layer_activation, ti_layer_dropout, ti_layer_flatten,
    ti_layer_reshape, ti_layer_conv2d, ti_layer_max_pooling2d, ti_layer_batch_normalization;
// Record of a kind; NULL for a value that is none.
const ti_layer_ops *ti_layer_ops_of(tarn_layer_kind kind);
// The kind called `name` (TARN_ENOENT with the nearest).
tarn_status ti_layer_kind_named(const char *name, tarn_layer_kind *out);

// TARN_OK when the activation is known (NULL: linear).
tarn_status ti_activation_check(const char *name);

// ---- windows over images (windows.c) ------------------------------------------------------------
enum { TI_MAX_SIDE = 1 << 15 };
typedef struct ti_windows {
    int size[2], strides[2];  // rows, columns
    const char *padding;      // NULL: valid
    int around[4];            // padding at top, bottom, left, right
    int64_t out[2];           // places
} ti_windows;
// Of samples like l->in. Sizes and strides as given: 0 is the preset (strides: 0 for the size), the
// second 0 is the first.
ti_windows ti_windows_of(const ti_layer *l, const int size[2], int preset_size,
                         const int strides[2], int preset_stride, const char *padding);
tarn_status ti_windows_check(const ti_layer *l, const ti_windows *w);
tarn_status ti_windows_to_json(const ti_windows *w, json_t *o, const char *size_key);
tarn_status ti_windows_from_json(json_t *o, const char *size_key, int size[2], int strides[2],
                                 const char **padding);

// ---- initialisers by name (initializers.c) ------------------------------------------------------
// Names of their numbers: normal {mean, stddev}, uniform {minval, maxval}, constant {value}.
typedef struct ti_init_name {
    const char *name;
    tarn_init preset;   // Keras' defaults
    const char *a, *b;  // names of the numbers, NULL: it has none
} ti_init_name;
const ti_init_name *ti_init_named(const char *name);  // NULL with the error recorded
tarn_status ti_init_to_json(const tarn_init *init, json_t *o, const char *key);
tarn_status ti_init_from_json(json_t *o, const char *key, tarn_init *out);
// The same where the key is there; *used then points to *out.
tarn_status ti_init_option(json_t *o, const char *key, tarn_init *out, const tarn_init **used);
// The one that is given, or the preset.
static inline tarn_init ti_init_or(const tarn_init *given, tarn_init preset) {
    return given ? *given : preset;
}

// ---- descriptions -------------------------------------------------------------------------------
// Typed reads of an object's key; an absent key leaves *out as it was. TARN_EFORMAT with the key.
tarn_status ti_json_int(json_t *o, const char *key, int64_t min, int64_t max, int64_t *out);
tarn_status ti_json_number(json_t *o, const char *key, double *out);
tarn_status ti_json_bool(json_t *o, const char *key, bool *out);
tarn_status ti_json_text(json_t *o, const char *key, const char **out);
// o[key] = value, whose reference is taken; NULL value: no memory.
tarn_status ti_json_set(json_t *o, const char *key, json_t *value);

#endif
