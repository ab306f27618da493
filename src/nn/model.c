// A sequential model: copies of its layers, their shapes and names, and the building of nodes.
// Shapes are inferred when a layer is added, so that an error names the layer that cannot follow;
// weights come into being in the store the first time they are needed.
#include "nn/model.h"

#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

// ---- handle -------------------------------------------------------------------------------------

tarn_status tarn_sequential(tarn_shape input, uint64_t seed, tarn_model **out) {
    tarn_model *m = NULL;
    int64_t numel = tarn_shape_numel(&input);
    if (input.rank < 1 || input.rank >= TARN_MAX_RANK || numel < 1)
        return ti_error(TARN_ESHAPE, "a model's input needs 1 to %d axes of at least 1",
                        TARN_MAX_RANK - 1);
    TI_TRY(ti_alloc_zero(sizeof *m, &m));
    tarn_status st = tarn_store_create(seed, &m->store);
    if (st) {
        ti_free(m);
        return st;
    }
    m->input = input;
    *out = m;
    return TARN_OK;
}

static void labels_free(char **labels, int64_t n) {
    for (int64_t i = 0; i < n; i++) ti_free(labels[i]);
    ti_free(labels);
}

void tarn_model_free(tarn_model *m) {
    if (!m) return;
    if (m->trainer_free) m->trainer_free(m->trainer);
    json_decref(m->training);
    ti_free(m->json);
    labels_free(m->labels, m->n_labels);
    ti_free(m->layers);
    ti_arena_free(&m->arena);
    tarn_store_free(m->store);
    ti_free(m);
}

tarn_status ti_model_status(const tarn_model *m) {
    return m->status ? ti_error_restore(m->status, m->error) : TARN_OK;
}

int tarn_model_layer_count(const tarn_model *m) { return m->n_layers; }
tarn_store *tarn_model_store(tarn_model *m) { return m->store; }
tarn_shape tarn_model_input_shape(const tarn_model *m) { return m->input; }
tarn_shape tarn_model_output_shape(tarn_model *m) {
    return *ti_model_shape_after(m, m->n_layers - 1);
}

const tarn_shape *ti_model_shape_after(const tarn_model *m, int i) {
    return i < 0 ? &m->input : &m->layers[i].out;
}

// ---- adding layers ------------------------------------------------------------------------------

static bool name_taken(const tarn_model *m, const char *name) {
    for (int i = 0; i < m->n_layers; i++)
        if (!strcmp(m->layers[i].name, name)) return true;
    return false;
}

// A name is part of "NAME/kernel", of files and of messages.
static tarn_status check_name(const tarn_model *m, const char *name) {
    size_t len = strlen(name);
    if (len < 1 || len > TI_MAX_NAME)
        return ti_error(TARN_EARG, "a layer's name has 1 to %d letters, '%.80s' has %zu",
                        TI_MAX_NAME, name, len);
    for (const char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c < 0x20)
            return ti_error(TARN_EARG, "layer name '%s' holds '/' or a control character", name);
    if (name_taken(m, name)) return ti_error(TARN_EARG, "two layers have the name '%s'", name);
    return TARN_OK;
}

// The given name, or Keras': dense, dense_1, dense_2 ...
static tarn_status pick_name(tarn_model *m, const ti_layer_ops *ops, const char *given,
                             const char **out) {
    char name[TI_MAX_NAME + 1];
    if (given) {
        TI_TRY(check_name(m, given));
        return ti_arena_strdup(&m->arena, given, out);
    }
    snprintf(name, sizeof name, "%s", ops->kind);
    for (int n = 1; name_taken(m, name); n++) snprintf(name, sizeof name, "%s_%d", ops->kind, n);
    return ti_arena_strdup(&m->arena, name, out);
}

static tarn_status keep_text(tarn_model *m, const char **text) {
    return *text ? ti_arena_strdup(&m->arena, *text, text) : TARN_OK;
}

static tarn_status keep_init(tarn_model *m, const tarn_init **init) {
    tarn_init *copy = NULL;
    if (!*init) return TARN_OK;
    TI_TRY(ti_arena_alloc(&m->arena, sizeof *copy, &copy));
    *copy = **init;
    *init = copy;
    return TARN_OK;
}

// Make what the spec points to the model's own.
static tarn_status keep_spec(tarn_model *m, tarn_layer *spec, const char *name) {
    spec->name = spec->dense.name = spec->conv2d.name = name;
    spec->max_pooling2d.name = spec->batch_normalization.name = name;
    TI_TRY(keep_text(m, &spec->activation));
    TI_TRY(keep_text(m, &spec->dense.activation));
    TI_TRY(keep_init(m, &spec->dense.kernel_initializer));
    TI_TRY(keep_init(m, &spec->dense.bias_initializer));
    TI_TRY(keep_text(m, &spec->conv2d.activation));
    TI_TRY(keep_text(m, &spec->conv2d.padding));
    TI_TRY(keep_init(m, &spec->conv2d.kernel_initializer));
    TI_TRY(keep_init(m, &spec->conv2d.bias_initializer));
    TI_TRY(keep_text(m, &spec->max_pooling2d.padding));
    TI_TRY(keep_init(m, &spec->batch_normalization.beta_initializer));
    return keep_init(m, &spec->batch_normalization.gamma_initializer);
}

// -1 when a size overflows.
static int64_t count_params(const ti_layer *l) {
    int64_t n = 0;
    for (int p = 0; p < l->n_params; p++) {
        int64_t numel = tarn_shape_numel(&l->param[p].shape);
        if (numel < 0 || numel > INT64_MAX - n) return -1;
        n += numel;
    }
    return n;
}

static tarn_status check_size(const tarn_model *m, const ti_layer *l) {
    int64_t n = count_params(l);
    if (n >= 0 && n <= TI_MAX_PARAMETERS - m->parameters) return TARN_OK;
    return ti_error(TARN_ELIMIT, "layer '%s' brings the model over %lld parameters", l->name,
                    (long long)TI_MAX_PARAMETERS);
}

// "kernel" -> "dense/kernel"
static tarn_status name_params(tarn_model *m, ti_layer *l) {
    for (int i = 0; i < l->n_params; i++) {
        char name[2 * TI_MAX_NAME];
        snprintf(name, sizeof name, "%s/%s", l->name, l->param[i].name);
        TI_TRY(ti_arena_strdup(&m->arena, name, &l->param[i].name));
    }
    return TARN_OK;
}

static tarn_status grow(tarn_model *m) {
    if (m->n_layers < m->cap_layers) return TARN_OK;
    if (m->n_layers == TI_MAX_LAYERS)
        return ti_error(TARN_ELIMIT, "a model has at most %d layers", TI_MAX_LAYERS);
    int cap = m->cap_layers ? 2 * m->cap_layers : 8;
    TI_TRY(ti_realloc((size_t)m->n_layers * sizeof *m->layers, (size_t)cap * sizeof *m->layers,
                      &m->layers));
    m->cap_layers = cap;
    return TARN_OK;
}

static tarn_status add(tarn_model *m, tarn_layer spec) {
    ti_layer l = {.ops = ti_layer_ops_of(spec.kind), .spec = spec};
    if (!l.ops) return ti_error(TARN_EARG, "layer kind %d is none", (int)spec.kind);
    TI_TRY(grow(m));
    TI_TRY(pick_name(m, l.ops, spec.name, &l.name));
    TI_TRY(keep_spec(m, &l.spec, l.name));
    l.in = *ti_model_shape_after(m, m->n_layers - 1);
    tarn_status st = l.ops->infer(&l);
    if (st == TARN_ENOENT) return ti_error_at(st, "layer '%s'", l.name);  // an unknown name
    TI_TRY(st);
    TI_TRY(check_size(m, &l));
    TI_TRY(name_params(m, &l));
    m->parameters += count_params(&l);
    m->layers[m->n_layers++] = l;
    m->built = false;
    return TARN_OK;
}

void tarn_model_add(tarn_model *m, tarn_layer layer) {
    if (!m || m->status) return;
    m->status = add(m, layer);
    if (m->status) ti_error_save(m->error, sizeof m->error);
}

// ---- building -----------------------------------------------------------------------------------

static tarn_node *apply_layer(const ti_layer *l, tarn_graph *g, tarn_node *x, bool training) {
    tarn_node *w[TI_MAX_PARAMS] = {0};
    tarn_graph_scope(g, l->name);
    for (int i = 0; i < l->n_params; i++)
        w[i] = tarn_variable(g, l->param[i].name, TARN_F32, l->param[i].shape, l->param[i].init);
    tarn_node *y = l->ops->apply(l, g, x, w, training);
    tarn_graph_scope(g, NULL);
    tarn_graph_scope(g, NULL);
    return y;
}

// x must be f32 [batch, input...].
static tarn_status check_input(const tarn_model *m, const tarn_node *x) {
    const tarn_shape *s = tarn_node_shape(x);
    bool fits = s->rank == m->input.rank + 1;
    for (int i = 0; fits && i < m->input.rank; i++) fits = s->dim[i + 1] == m->input.dim[i];
    if (fits && tarn_node_dtype(x) == TARN_F32) return TARN_OK;
    return ti_error(TARN_ESHAPE, "the model expects f32 [batch, sample] with %lld numbers a sample",
                    (long long)tarn_shape_numel(&m->input));
}

tarn_node *tarn_model_apply(tarn_model *m, tarn_graph *g, tarn_node *x, bool training) {
    tarn_status st = ti_model_status(m);
    if (!x) return NULL;  // the graph holds the reason
    if (!st) st = check_input(m, x);
    if (st) return ti_graph_fail(g, st);
    for (int i = 0; i < m->n_layers; i++) x = apply_layer(&m->layers[i], g, x, training);
    return x;
}

tarn_status ti_model_build(tarn_model *m) {
    TI_TRY(ti_model_status(m));
    if (m->built) return TARN_OK;
    tarn_graph *g = tarn_graph_create(m->store);
    if (!g) return ti_error(TARN_ENOMEM, "out of memory");
    for (int i = 0; i < m->n_layers; i++) {
        const ti_layer *l = &m->layers[i];
        for (int p = 0; p < l->n_params; p++)
            (void)tarn_variable(g, l->param[p].name, TARN_F32, l->param[p].shape, l->param[p].init);
    }
    tarn_status st = tarn_graph_status(g);
    tarn_graph_free(g);
    m->built = !st;
    return st;
}

// ---- summary ------------------------------------------------------------------------------------

tarn_status tarn_model_layer_info(tarn_model *m, int i, tarn_layer_info *out) {
    TI_TRY(ti_model_status(m));
    if (i < 0 || i >= m->n_layers)
        return ti_error(TARN_EARG, "layer %d of a model with %d", i, m->n_layers);
    const ti_layer *l = &m->layers[i];
    tarn_layer_info info = {.name = l->name, .kind = l->ops->kind};
    info.output.rank = l->out.rank + 1;
    info.output.dim[0] = TARN_BATCH;
    for (int d = 0; d < l->out.rank; d++) info.output.dim[d + 1] = l->out.dim[d];
    info.parameters = count_params(l);
    for (int p = 0; p < l->n_params; p++)
        if (l->param[p].fixed) info.not_trained += tarn_shape_numel(&l->param[p].shape);
    if (l->ops->flops) info.flops = l->ops->flops(l);
    *out = info;
    return TARN_OK;
}

// ---- what it knows of its data ------------------------------------------------------------------

void tarn_model_set_preprocessing(tarn_model *m, tarn_preprocessing p) { m->preprocessing = p; }
tarn_preprocessing tarn_model_preprocessing(const tarn_model *m) { return m->preprocessing; }

static tarn_status copy_labels(const char *const *labels, int64_t n, char **copy) {
    for (int64_t i = 0; i < n; i++) {
        size_t len = strlen(labels[i]) + 1;
        TI_TRY(ti_alloc(len, &copy[i]));
        memcpy(copy[i], labels[i], len);
    }
    return TARN_OK;
}

tarn_status tarn_model_set_labels(tarn_model *m, const char *const *labels, int64_t n) {
    char **copy = NULL;
    if (n < 0 || n > TI_MAX_LABELS)
        return ti_error(TARN_ELIMIT, "%lld labels, at most %d", (long long)n, TI_MAX_LABELS);
    TI_TRY(ti_alloc_zero((size_t)n * sizeof *copy, &copy));
    tarn_status st = copy_labels(labels, n, copy);
    if (st) {
        labels_free(copy, n);
        return st;
    }
    labels_free(m->labels, m->n_labels);
    m->labels = copy;
    m->n_labels = n;
    return TARN_OK;
}

const char *tarn_model_label(const tarn_model *m, int64_t i) {
    return i >= 0 && i < m->n_labels ? m->labels[i] : NULL;
}
