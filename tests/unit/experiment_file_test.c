// Experiment files: what is read, and the sentence for every kind of mistake.
#include <string.h>
#include <tarn/tarn.h>

#include "experiment/experiment.h"
#include "test.h"

#define GOOD                                             \
    "data: {name: mnist, scale: 1/255, flatten: true}\n" \
    "model:\n"                                           \
    "  - dense: {units: 512, activation: relu}\n"        \
    "  - dropout: 0.2\n"                                 \
    "  - dense: {units: 10, activation: softmax}\n"      \
    "loss: sparse_categorical_crossentropy\n"

static tarn_status parse_sets(const char *text, const char *const *sets, int n,
                              tarn_experiment **out) {
    return tarn_experiment_parse("x.yaml", text, strlen(text), sets, n, out);
}

static tarn_status parse(const char *text) {
    tarn_experiment *e = NULL;
    tarn_status st = parse_sets(text, NULL, 0, &e);
    tarn_experiment_free(e);
    return st;
}

static tarn_experiment *good(const char *text) {
    tarn_experiment *e = NULL;
    CHECK_OK(parse_sets(text, NULL, 0, &e));
    return e;
}

#ifdef TARN_HAVE_YAML

TEST(an_experiment_has_keras_defaults) {
    tarn_experiment *e = good(GOOD);
    tarn_experiment_info i = tarn_experiment_get(e);
    CHECK_STR(i.data_name, "mnist");
    CHECK_STR(i.loss, "sparse_categorical_crossentropy");
    CHECK(!i.metrics && !i.no_shuffle && !i.steps && !i.early_stopping && !i.seed);
    CHECK(i.batch == 32 && i.epochs == 1);
    CHECK(i.optimizer.kind == TARN_RMSPROP && i.optimizer.o.learning_rate == 0);
    CHECK(e->data.scale == 1.0 / 255 && e->data.flatten);
    CHECK_EQ_I(e->n_layers, 3);
    tarn_experiment_free(e);
}

TEST(every_key_is_read) {
    tarn_experiment *e = good(GOOD
                              "optimizer: {adam: {learning_rate: 1e-2, epsilon: 0}}\n"
                              "metrics: [accuracy, sparse_categorical_crossentropy]\n"
                              "batch: 128\nepochs: 20\nsteps: 500\nseed: 9007199254740993\n"
                              "shuffle: false\n"
                              "callbacks:\n"
                              "  - early_stopping: {monitor: loss, patience: 3, min_delta: 0.5, "
                              "restore_best_weights: true}\n");
    tarn_experiment_info i = tarn_experiment_get(e);
    CHECK_STR(i.metrics, "accuracy,sparse_categorical_crossentropy");
    CHECK(i.batch == 128 && i.epochs == 20 && i.steps == 500 && i.no_shuffle);
    CHECK(i.seed == 9007199254740993u);
    CHECK(i.optimizer.kind == TARN_ADAM && i.optimizer.o.learning_rate == 0.01);
    CHECK(i.optimizer.o.epsilon == TARN_ZERO);
    CHECK(i.early_stopping && i.early_stopping->patience == 3);
    CHECK(i.early_stopping->min_delta == 0.5 && i.early_stopping->restore_best);
    CHECK_STR(i.early_stopping->monitor, "loss");
    tarn_experiment_free(e);
}

TEST(short_forms_mean_the_same) {
    tarn_experiment *e = good("data: digits\n"
                              "model: [flatten, {dense: 7}, {activation: relu}, {dropout: {rate: "
                              "0.5}}, {dense: {units: 3, use_bias: false, kernel_initializer: "
                              "{normal: {mean: 0, stddev: 1}}, bias_initializer: {constant: 2}}}]\n"
                              "loss: mse\noptimizer: sgd\nmetrics: mae\n"
                              "callbacks: [early_stopping]\n");
    const tarn_layer *l = &e->layers[4].draft.layer;
    CHECK(e->layers[0].draft.layer.kind == TARN_LAYER_FLATTEN);
    CHECK(e->layers[1].draft.layer.units == 7);
    CHECK_STR(e->layers[2].draft.layer.activation, "relu");
    CHECK(e->layers[3].draft.layer.rate == 0.5);
    CHECK(l->units == 3 && l->dense.no_bias);
    CHECK(l->dense.kernel_initializer->kind == TARN_INIT_NORMAL);
    CHECK(l->dense.kernel_initializer->b == 1 && l->dense.kernel_initializer->a == 0);
    CHECK(l->dense.bias_initializer->a == 2);
    CHECK(e->info.optimizer.kind == TARN_SGD && e->info.early_stopping);
    CHECK_STR(e->info.metrics, "mae");
    tarn_experiment_free(e);
}

TEST(layers_of_images_are_read) {
    tarn_experiment *e = good("data: mnist\n"
                              "model:\n"
                              "  - reshape: [28, -1, 1]\n"
                              "  - conv2d: {filters: 8, kernel_size: [3, 5], strides: 2, padding: "
                              "same, activation: relu, use_bias: false, kernel_initializer: ones, "
                              "bias_initializer: {constant: 3}, name: first}\n"
                              "  - max_pooling2d\n"
                              "  - max_pooling2d: 3\n"
                              "  - max_pooling2d: [2, 1]\n"
                              "  - max_pooling2d: {pool_size: 4, strides: [1, 2], padding: valid}\n"
                              "  - batch_normalization\n"
                              "  - batch_normalization: {momentum: 0, epsilon: 0.5, center: false, "
                              "scale: true, gamma_initializer: {constant: 2}}\n"
                              "loss: mse\n");
    const tarn_layer *l[8];
    for (int i = 0; i < 8; i++) l[i] = &e->layers[i].draft.layer;
    CHECK(l[0]->target.rank == 3 && l[0]->target.dim[1] == -1);
    const tarn_conv2d_layer_opts *c = &l[1]->conv2d;
    CHECK(l[1]->units == 8 && c->kernel_size[0] == 3 && c->kernel_size[1] == 5);
    CHECK(c->strides[0] == 2 && c->strides[1] == 0 && c->no_bias);
    CHECK(c->kernel_initializer->kind == TARN_INIT_ONES && c->bias_initializer->a == 3);
    CHECK_STR(c->padding, "same");
    CHECK_STR(c->activation, "relu");
    CHECK_STR(l[1]->name, "first");
    CHECK(l[2]->kind == TARN_LAYER_MAX_POOLING2D && l[2]->max_pooling2d.pool_size[0] == 0);
    CHECK(l[3]->max_pooling2d.pool_size[0] == 3 && l[4]->max_pooling2d.pool_size[1] == 1);
    CHECK(l[5]->max_pooling2d.strides[0] == 1 && l[5]->max_pooling2d.strides[1] == 2);
    CHECK(l[6]->batch_normalization.momentum == 0 && !l[6]->batch_normalization.no_center);
    const tarn_batch_normalization_opts *b = &l[7]->batch_normalization;
    CHECK(b->momentum == TARN_ZERO && b->epsilon == 0.5 && b->no_center && !b->no_scale);
    CHECK(b->gamma_initializer->a == 2 && !b->beta_initializer);
    tarn_experiment_free(e);
}

// ---- mistakes -----------------------------------------------------------------------------------

#define BAD(text, sentence) CHECK_ERR(parse(text), TARN_EFORMAT, sentence)
#define WITH_LAYER(layer) "data: mnist\nmodel:\n  - " layer "\nloss: mse\n"

TEST(unknown_keys_name_the_line_and_the_nearest) {
    BAD(WITH_LAYER("dense: {unit: 10}"),
        "x.yaml:3: unknown key 'unit' in dense, did you mean 'units'?");
    BAD(GOOD "epoch: 3\n", "x.yaml:7: unknown key 'epoch', did you mean 'epochs'?");
    BAD(WITH_LAYER("danse: 10"), "x.yaml:3: unknown layer 'danse', did you mean 'dense'?");
    BAD(WITH_LAYER("flaten"), "x.yaml:3: unknown layer 'flaten', did you mean 'flatten'?");
    BAD(GOOD "optimizer: rmsprob\n", "x.yaml:7: unknown optimizer 'rmsprob', did you mean");
    BAD(GOOD "optimizer: {sgd: {rho: 1}}\n",
        "x.yaml:7: unknown key 'rho' in sgd, known: learning_rate, momentum, nesterov, weight");
    BAD(GOOD "metrics: [acuracy]\n", "x.yaml:7: unknown metric 'acuracy', did you mean");
    BAD(GOOD "callbacks: [{early_stoping: {}}]\n", "did you mean 'early_stopping'?");
    BAD(GOOD "callbacks: [early_stoping]\n", "x.yaml:7: unknown key 'early_stoping' in callbacks");
    BAD("data: {nam: mnist}\n", "x.yaml:1: unknown key 'nam' in data, did you mean 'name'?");
    BAD("data: mnits\n", "x.yaml:1: unknown data set 'mnits', did you mean 'mnist'?");
    BAD("loss: mes\n", "x.yaml:1: unknown loss 'mes', did you mean 'mse'?");
    BAD(WITH_LAYER("dense: {units: 3, activation: rellu}"),
        "x.yaml:3: unknown activation 'rellu', did you mean 'relu'?");
    BAD(WITH_LAYER("dense: {units: 3, kernel_initializer: glorot}"),
        "x.yaml:3: unknown initializer 'glorot'");
    BAD(WITH_LAYER("dense: {units: 3, kernel_initializer: {normal: {std: 1}}}"),
        "x.yaml:3: unknown key 'std' in normal");
}

TEST(wrong_types_and_ranges_are_named) {
    BAD(WITH_LAYER("dense: {units: ten}"), "x.yaml:3: units expects a whole number, not 'ten'");
    BAD(WITH_LAYER("dense: {units: '10'}"), "x.yaml:3: units expects a whole number, not '10'");
    BAD(WITH_LAYER("dense: {units: 1.5}"), "x.yaml:3: units expects a whole number, not '1.5'");
    BAD(WITH_LAYER("dense: {units: 0}"), "x.yaml:3: units is 0, must be 1 to ");
    BAD(WITH_LAYER("dense: {units: [1]}"), "x.yaml:3: units expects a whole number");
    BAD(WITH_LAYER("dense: {activation: relu}"), "x.yaml:3: dense needs 'units'");
    BAD(WITH_LAYER("dense"), "x.yaml:3: dense needs 'units'");
    BAD(WITH_LAYER("dropout:"), "x.yaml:3: dropout needs 'rate'");
    BAD(WITH_LAYER("dropout: 1.5"), "x.yaml:3: dropout is 1.5, must be 0 to 1");
    BAD(WITH_LAYER("dense: [10]"), "x.yaml:3: dense expects keys and values, like {units: ...}");
    BAD(WITH_LAYER("{dense: 10, dropout: 1}"), "x.yaml:3: a layer expects a name");
    BAD(GOOD "shuffle: yes\n", "x.yaml:7: shuffle expects true or false, not 'yes'");
    BAD(GOOD "batch: 0\n", "x.yaml:7: batch is 0, must be 1 to");
    BAD(GOOD "seed: -1\n", "x.yaml:7: seed expects a whole number from 0");
    BAD(GOOD "optimizer: {sgd: {momentum: 2}}\n", "x.yaml:7: momentum is 2, must be 0 to 1");
    BAD(GOOD "optimizer: {sgd: {}, adam: {}}\n", "x.yaml:7: optimizer expects a name");
    BAD("data: {name: mnist, scale: 1/0}\n", "x.yaml:1: scale expects a number, not '1/0'");
    BAD("data: {name: mnist, scale: nan}\n", "x.yaml:1: scale expects a number, not 'nan'");
    BAD("data: {name: mnist, csv: a.csv}\n", "x.yaml:1: data needs one of name, csv and idx");
    BAD("data: {flatten: true}\n", "x.yaml:1: data needs one of name, csv and idx");
    BAD("data: {images: dir}\n", "x.yaml:1: folders of pictures");
    BAD("data: {idx: {images: a}}\n", "x.yaml:1: idx needs 'images' and 'labels'");
    BAD("data: {csv: a, delimiter: ab}\n", "x.yaml:1: delimiter expects one character");
    BAD("model: dense\n", "x.yaml:1: model expects a list of layers");
    BAD("model: []\n", "x.yaml:1: model expects a list of layers");
    BAD("loss: [mse]\n", "x.yaml:1: loss expects a text");
    BAD("- a\n- b\n", "x.yaml:1: the file expects keys and values");
}

TEST(mistakes_in_layers_of_images_are_named) {
    BAD(WITH_LAYER("conv2d: 32"), "x.yaml:3: conv2d expects keys and values, like {filters: ...}");
    BAD(WITH_LAYER("conv2d: {filters: 32}"), "x.yaml:3: conv2d needs 'kernel_size'");
    BAD(WITH_LAYER("conv2d: {kernel_size: 3}"), "x.yaml:3: conv2d needs 'filters'");
    BAD(WITH_LAYER("conv2d"), "x.yaml:3: conv2d needs 'filters'");
    BAD(WITH_LAYER("conv2d: {filters: 3, kernal_size: 3}"), "did you mean 'kernel_size'?");
    BAD(WITH_LAYER("conv2d: {filters: 3, kernel_size: [3, 3, 3]}"),
        "x.yaml:3: kernel_size expects a number, or two like [3, 3]");
    BAD(WITH_LAYER("conv2d: {filters: 3, kernel_size: {a: 3}}"), "or two like [3, 3]");
    BAD(WITH_LAYER("conv2d: {filters: 3, kernel_size: [3, x]}"), "expects a whole number, not 'x'");
    BAD(WITH_LAYER("conv2d: {filters: 3, kernel_size: 0}"), "kernel_size is 0, must be 1 to 32768");
    BAD(WITH_LAYER("max_pooling2d: two"), "expects a whole number, not 'two'");
    BAD(WITH_LAYER("max_pool2d: 2"), "x.yaml:3: unknown layer 'max_pool2d', did you mean");
    BAD(WITH_LAYER("batch_normalization: 0.9"), "batch_normalization expects keys and values");
    BAD(WITH_LAYER("batch_normalization: {momentum: 2}"), "momentum is 2, must be 0 to 1");
    BAD(WITH_LAYER("reshape"), "x.yaml:3: reshape needs 'target_shape'");
    BAD(WITH_LAYER("reshape: 784"), "target_shape expects a list of 1 to 7 sizes");
    BAD(WITH_LAYER("reshape: []"), "target_shape expects a list of 1 to 7 sizes");
    BAD(WITH_LAYER("reshape: [1, 1, 1, 1, 1, 1, 1, 1]"), "expects a list of 1 to 7 sizes");
}

TEST(missing_parts_are_named) {
    BAD("model: [{dense: 1}]\nloss: mse\n", "x.yaml: 'data' is missing");
    BAD("data: mnist\nloss: mse\n", "x.yaml: 'model' is missing");
    BAD("data: mnist\nmodel: [{dense: 1}]\n", "x.yaml: 'loss' is missing");
    BAD("", "x.yaml: empty");
    BAD("# only a comment\n", "x.yaml: empty");
}

TEST(yaml_that_is_none_or_more_than_needed_is_refused) {
    BAD("a: [1\nb: 2\n", "x.yaml:2: ");
    BAD("a: \"\\x\"\n", "x.yaml:1: ");
    BAD("\x01\n", "x.yaml:");
    BAD("loss: mse\nloss: mse\n", "x.yaml:2: key 'loss' is there twice");
    BAD("loss: &a mse\n", "x.yaml:1: anchors (&name) are not supported");
    BAD("model: &a [1]\n", "x.yaml:1: anchors (&name) are not supported");
    BAD("loss: *a\n", "x.yaml:1: ");
    BAD("loss: !!python/object:os.system mse\n", "x.yaml:1: tags (!name) are not supported");
    BAD("loss: mse\n---\nloss: mse\n", "x.yaml:2: a second document");
    BAD("[a]: 1\n", "x.yaml:1: a key that is no text");
    BAD("<<: {a: 1}\n", "x.yaml:1: unknown key '<<'");
}

TEST(depth_nodes_and_size_are_bounded) {
    char deep[200];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    BAD(deep, "x.yaml:1: nested too deeply");
    size_t n = 3 * TI_YAML_MAX_NODES;
    char *wide = NULL;
    CHECK_OK(ti_alloc(n + 3, &wide));
    wide[0] = '[';
    for (size_t i = 1; i <= n; i += 3) memcpy(wide + i, "1, ", 3);
    memcpy(wide + n + 1, "]", 2);
    BAD(wide, "x.yaml:1: too many values");
    ti_free(wide);
    size_t size = TI_YAML_MAX_BYTES + 1;
    CHECK_OK(ti_alloc_zero(size, &wide));
    tarn_experiment *e = NULL;
    CHECK_ERR(tarn_experiment_parse("x.yaml", wide, size, NULL, 0, &e), TARN_ELIMIT, "at most");
    ti_free(wide);
}

TEST(a_file_cut_anywhere_does_no_harm) {
    for (size_t n = 0; n < strlen(GOOD); n++) {
        tarn_experiment *e = NULL;
        if (!tarn_experiment_parse("x.yaml", GOOD, n, NULL, 0, &e)) tarn_experiment_free(e);
    }
}

// ---- overrides ----------------------------------------------------------------------------------

static tarn_status set_one(const char *set, tarn_experiment **out) {
    tarn_experiment *e = NULL;
    tarn_status st = parse_sets(GOOD "optimizer: rmsprop\n", &set, 1, &e);
    if (out)
        *out = e;
    else
        tarn_experiment_free(e);
    return st;
}

TEST(overrides_reach_every_value) {
    static const char *const sets[] = {"batch=7",
                                       "model.0.dense.units=64",
                                       "model.1.dropout=0.5",
                                       "optimizer.rmsprop.rho=0.5",
                                       "metrics=[accuracy]",
                                       "data={name: digits, train: 100}"};
    tarn_experiment *e = NULL;
    CHECK_OK(parse_sets(GOOD "optimizer: rmsprop\nbatch: 1\n", sets, 6, &e));
    CHECK(e->info.batch == 7 && e->layers[0].draft.layer.units == 64);
    CHECK(e->layers[1].draft.layer.rate == 0.5 && e->info.optimizer.o.rho == 0.5);
    CHECK_STR(e->info.metrics, "accuracy");
    CHECK_STR(e->info.data_name, "digits");
    CHECK(e->data.train == 100);
    tarn_experiment_free(e);
    CHECK_OK(set_one("model.1.dropout.rate=0.25", &e));
    CHECK(e->layers[1].draft.layer.rate == 0.25);
    tarn_experiment_free(e);
}

TEST(bad_overrides_are_answered) {
    CHECK_ERR(set_one("batch", NULL), TARN_EFORMAT, "--set batch: expected KEY=VALUE");
    CHECK_ERR(set_one("=3", NULL), TARN_EFORMAT, "--set =3: expected KEY=VALUE");
    CHECK_ERR(set_one("batch=", NULL), TARN_EFORMAT, "--set batch=: empty");
    CHECK_ERR(set_one("batch=x", NULL), TARN_EFORMAT, "--set batch=x: batch expects a whole");
    CHECK_ERR(set_one("optimizer={sgd: {rho: 1}}", NULL), TARN_EFORMAT,
              "--set optimizer={sgd: {rho: 1}}: unknown key 'rho' in sgd");
    CHECK_ERR(set_one("bach=3", NULL), TARN_EFORMAT,
              "--set bach=3: unknown key 'bach', did you mean 'batch'?");
    CHECK_ERR(set_one("model.3.dropout=0", NULL), TARN_EFORMAT,
              "--set model.3.dropout=0: '3' is no element of a list of 3 (from 0)");
    CHECK_ERR(set_one("model.x.dropout=0", NULL), TARN_EFORMAT, "'x' is no element");
    CHECK_ERR(set_one("model..dropout=0", NULL), TARN_EFORMAT, "'' is no element");
    CHECK_ERR(set_one("a..b=0", NULL), TARN_EFORMAT, "an empty name in the path");
}

// ---- models and data ----------------------------------------------------------------------------

TEST(the_model_is_built_for_the_data) {
    tarn_experiment *e = good("data: {name: digits, flatten: true, train: 20, test: 10}\n"
                              "model:\n  - dense: {units: 3}\n  - flatten\n  - dense: 4\n"
                              "loss: mse\n");
    tarn_dataset train, test;
    tarn_model *m = NULL;
    CHECK_OK(tarn_experiment_data(e, NULL, &train, &test));
    CHECK(train.generated && train.flatten && test.flatten);
    CHECK_EQ_I(tarn_tensor_shape(train.x)->dim[0], 20);
    CHECK_OK(tarn_experiment_model(e, &train, 3, &m));
    CHECK_EQ_I(tarn_model_input_shape(m).dim[0], 784);
    CHECK_EQ_I(tarn_model_output_shape(m).dim[0], 4);
    tarn_model_free(m);
    train.flatten = false;
    CHECK_ERR(tarn_experiment_model(e, &train, 3, &m), TARN_ESHAPE,
              "x.yaml:3: layer 'dense' expects");
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    tarn_experiment_free(e);
}

TEST(files_that_are_not_there_are_named) {
    tarn_experiment *e = good("data: {csv: nowhere.csv}\nmodel: [{dense: 1}]\nloss: mse\n");
    tarn_dataset train, test;
    CHECK_ERR(tarn_experiment_data(e, NULL, &train, &test), TARN_ENOENT,
              "x.yaml:1: no file 'nowhere.csv' beside the experiment");
    CHECK(tarn_experiment_data(e, "/nonexistent", &train, &test) == TARN_ENOENT);
    CHECK(strstr(tarn_last_error(), "x.yaml:1: "));
    tarn_experiment_free(e);
    CHECK_ERR(tarn_experiment_read("/nonexistent/x.yaml", NULL, 0, &e), TARN_ENOENT, "x.yaml");
}

TEST(the_examples_are_read) {
    static const char *const names[] = {"mnist_mlp",          "mnist_cnn",  "mnist_softmax",
                                        "neural_network_raw", "regression", "neuron"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        tarn_experiment *e = NULL;
        snprintf(path, sizeof path, "%s/examples/%s.yaml", test_source_dir(), names[i]);
        CHECK_OK(tarn_experiment_read(path, NULL, 0, &e));
        tarn_experiment_free(e);
    }
}

#else

TEST(without_libyaml_the_package_is_named) {
    CHECK_ERR(parse(GOOD), TARN_EUNSUPPORTED, "libyaml-dev");
}

#endif
