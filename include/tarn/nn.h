/** @file nn.h
 *  Layers, losses, metrics and models: graph builders with Keras' names and defaults. Layers,
 *  optimizers and initialisers are values; no field set means Keras' default. */
#ifndef TARN_NN_H
#define TARN_NN_H

#include <tarn/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Put where a zero is meant and 0 would mean the default: tarn_dropout_layer(TARN_ZERO). */
#define TARN_ZERO (-0x1.5p-1000)

typedef enum tarn_layer_kind {
    TARN_LAYER_DENSE,
    TARN_LAYER_ACTIVATION,
    TARN_LAYER_DROPOUT,
    TARN_LAYER_FLATTEN,
    TARN_LAYER_RESHAPE,
    TARN_LAYER_CONV2D,
    TARN_LAYER_MAX_POOLING2D,
    TARN_LAYER_BATCH_NORMALIZATION,
} tarn_layer_kind;

typedef struct tarn_dense_opts {
    const char *activation; /* NULL: linear; relu, sigmoid, tanh, softmax, linear */
    bool no_bias;
    const tarn_init *kernel_initializer; /* NULL: glorot_uniform */
    const tarn_init *bias_initializer;   /* NULL: zeros */
    const char *name;                    /* NULL: dense, dense_1, ... */
} tarn_dense_opts;

/** Sizes are rows, then columns; the second 0: the same as the first. */
typedef struct tarn_conv2d_layer_opts {
    int kernel_size[2];     /* needed */
    int strides[2];         /* 0: 1 */
    const char *padding;    /* NULL: valid; same: outputs ceil(inputs / stride), as in Keras */
    const char *activation; /* as dense */
    bool no_bias;
    const tarn_init *kernel_initializer; /* NULL: glorot_uniform */
    const tarn_init *bias_initializer;   /* NULL: zeros */
    const char *name;                    /* NULL: conv2d, conv2d_1, ... */
} tarn_conv2d_layer_opts;

typedef struct tarn_max_pooling2d_opts {
    int pool_size[2];    /* 0: 2 */
    int strides[2];      /* 0: pool_size */
    const char *padding; /* as conv2d */
    const char *name;    /* NULL: max_pooling2d, ... */
} tarn_max_pooling2d_opts;

typedef struct tarn_batch_normalization_opts {
    double momentum;                    /* 0: 0.99; TARN_ZERO: 0 */
    double epsilon;                     /* 0: 1e-3; TARN_ZERO: 0 */
    bool no_center;                     /* without beta */
    bool no_scale;                      /* without gamma */
    const tarn_init *beta_initializer;  /* NULL: zeros */
    const tarn_init *gamma_initializer; /* NULL: ones */
    const char *name;                   /* NULL: batch_normalization, ... */
} tarn_batch_normalization_opts;

/** A layer's kind and options. A value: copy it freely; strings are borrowed until it is added. */
typedef struct tarn_layer {
    tarn_layer_kind kind;
    int64_t units; /* dense; conv2d: filters */
    double rate;   /* dropout */
    tarn_dense_opts dense;
    tarn_conv2d_layer_opts conv2d;
    tarn_max_pooling2d_opts max_pooling2d;
    tarn_batch_normalization_opts batch_normalization;
    tarn_shape target;      /* reshape */
    const char *activation; /* activation layer */
    const char *name;
} tarn_layer;

/** y = activation(x * kernel + bias); x [batch, in], kernel "NAME/kernel" [in, units], bias
 *  "NAME/bias" [units]. */
TARN_API tarn_layer tarn_dense_(int64_t units, const tarn_dense_opts *opts);
#define tarn_dense(units, ...) tarn_dense_(units, &(tarn_dense_opts){__VA_ARGS__})
TARN_API tarn_layer tarn_activation_layer(const char *activation);
TARN_API tarn_layer tarn_dropout_layer(double rate); /* 0 <= rate < 1, active in training only */
TARN_API tarn_layer tarn_flatten_layer(void);        /* [batch, ...] -> [batch, product] */
/** [batch, ...] -> [batch, target]; one size may be -1: what is left. */
TARN_API tarn_layer tarn_reshape_layer(tarn_shape target);

/** Convolution, channels last: x [batch, h, w, c] -> [batch, oh, ow, filters]; kernel "NAME/kernel"
 *  [rows, columns, c, filters], bias "NAME/bias" [filters]. */
TARN_API tarn_layer tarn_conv2d_layer_(int64_t filters, const tarn_conv2d_layer_opts *opts);
#define tarn_conv2d_layer(filters, ...) \
    tarn_conv2d_layer_(filters, &(tarn_conv2d_layer_opts){__VA_ARGS__})
/** Largest of each window: x [batch, h, w, c] -> [batch, oh, ow, c]. */
TARN_API tarn_layer tarn_max_pooling2d_(const tarn_max_pooling2d_opts *opts);
#define tarn_max_pooling2d(...) tarn_max_pooling2d_(&(tarn_max_pooling2d_opts){__VA_ARGS__})
/** Batch normalisation of the last axis, c: in training with mean and (biased) variance of the
 *  batch, which are averaged over the steps, a = a * momentum + now * (1 - momentum), else with
 *  these averages. "NAME/gamma", "NAME/beta", and what no optimizer trains: "NAME/moving_mean",
 *  "NAME/moving_variance", all [c]. */
TARN_API tarn_layer tarn_batch_normalization_(const tarn_batch_normalization_opts *opts);
#define tarn_batch_normalization(...) \
    tarn_batch_normalization_(&(tarn_batch_normalization_opts){__VA_ARGS__})

/** A chain of layers over inputs of one shape (without the batch axis). Keeps its own copy of all
 *  it is given. Handle; not for several threads at once. */
typedef struct tarn_model tarn_model;
TARN_API TARN_CHECK tarn_status tarn_sequential(tarn_shape input, uint64_t seed, tarn_model **out);
TARN_API void tarn_model_free(tarn_model *m);
/** Append a layer. The first error stays in the model and is reported by tarn_model_compile. */
TARN_API void tarn_model_add(tarn_model *m, tarn_layer layer);
TARN_API int tarn_model_layer_count(const tarn_model *m);

/** One row of a summary. */
typedef struct tarn_layer_info {
    const char *name, *kind;
    tarn_shape output;  /* dim 0 is TARN_BATCH */
    int64_t parameters; /* those that are not trained included */
    int64_t not_trained;
    double flops; /* a sample, forward: 2 x multiply-adds of contractions */
} tarn_layer_info;
TARN_API TARN_CHECK tarn_status tarn_model_layer_info(tarn_model *m, int i, tarn_layer_info *out);
TARN_API tarn_store *tarn_model_store(tarn_model *m);
TARN_API tarn_shape tarn_model_input_shape(const tarn_model *m);
TARN_API tarn_shape tarn_model_output_shape(tarn_model *m);

/** Put the model's layers on nodes of any graph over its store. x [batch, ...]; training switches
 *  dropout on, and batch normalisation to the statistics of the batch: then the step needs
 *  tarn_assign_next_values too, which moves the averages. */
TARN_API tarn_node *tarn_model_apply(tarn_model *m, tarn_graph *g, tarn_node *x, bool training);

/* ---- what a model knows of its data ---------------------------------------------------------- */

/** From raw samples (u8 pictures as stored) to what the first layer sees: x * scale + offset in
 *  f32, and each sample flattened to one axis. All zero: as is. tarn_model_fit takes it from the
 *  data set; model files carry it, so that predict needs raw samples only. */
typedef struct tarn_preprocessing {
    double scale; /* 0: 1 */
    double offset;
    bool flatten;
} tarn_preprocessing;
TARN_API void tarn_model_set_preprocessing(tarn_model *m, tarn_preprocessing p);
TARN_API tarn_preprocessing tarn_model_preprocessing(const tarn_model *m);
/** Names of the classes, copied; n 0 forgets them. TARN_ENOMEM leaves the old ones. */
TARN_API TARN_CHECK tarn_status tarn_model_set_labels(tarn_model *m, const char *const *labels,
                                                      int64_t n);
/** Name of class i, or NULL when it has none. Valid until the labels are set anew. */
TARN_API const char *tarn_model_label(const tarn_model *m, int64_t i);

/** The model's description as JSON: layers, input, seed, preprocessing, labels and, once compiled,
 *  loss, metrics and optimizer. *text lives until the next call or the end of the model. */
TARN_API TARN_CHECK tarn_status tarn_model_to_json(tarn_model *m, const char **text);
/** A new model from such a text (hostile input is fine); weights are drawn from its seed
 *  when they are first needed. */
TARN_API TARN_CHECK tarn_status tarn_model_from_json(const char *text, size_t size,
                                                     tarn_model **out);

/* ---- activations, losses and metrics --------------------------------------------------------- */

/** "relu", "sigmoid", "tanh", "softmax" (last axis), "linear"; NULL is linear. */
TARN_API tarn_node *tarn_activation(tarn_graph *g, tarn_node *x, const char *name);
/** Loss per sample, [batch] of y_pred's dtype:
 *    "sparse_categorical_crossentropy"  y_true [batch] i32, y_pred [batch, classes]
 *    "mean_squared_error" or "mse", "mean_absolute_error" or "mae"  y_true as y_pred; mean over
 *    all axes but the first
 *  Cross-entropy is taken from logits: where y_pred is the result of a softmax, from what the
 *  softmax was given (exact and stable, nothing is clipped), else from y_pred itself. */
TARN_API tarn_node *tarn_loss(tarn_graph *g, const char *name, tarn_node *y_true,
                              tarn_node *y_pred);
/** Metric per sample, [batch] f32: "accuracy" (y_true [batch] i32: 1 where the largest of y_pred's
 *  row stands at the label), or the name of a loss. */
TARN_API tarn_node *tarn_metric(tarn_graph *g, const char *name, tarn_node *y_true,
                                tarn_node *y_pred);

#ifdef __cplusplus
}
#endif
#endif
