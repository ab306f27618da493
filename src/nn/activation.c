// Activations by name, and the layer that is nothing but one.
#include "graph/graph.h"
#include "nn/layer.h"

static tarn_node *linear(tarn_graph *g, tarn_node *x) {
    (void)g;
    return x;
}

typedef struct activation {
    const char *name;
    tarn_node *(*build)(tarn_graph *g, tarn_node *x);
} activation;

static const activation rows[] = {
    {"linear", linear},  {"relu", tarn_relu},       {"sigmoid", tarn_sigmoid},
    {"tanh", tarn_tanh}, {"softmax", tarn_softmax},
};
static const ti_table table = TI_TABLE("activation", rows);

static const activation *named(const char *name) {
    return ti_table_find(&table, name ? name : "linear", "");
}

tarn_status ti_activation_check(const char *name) { return named(name) ? TARN_OK : TARN_ENOENT; }

tarn_node *tarn_activation(tarn_graph *g, tarn_node *x, const char *name) {
    const activation *a = named(name);
    return a ? a->build(g, x) : ti_graph_fail(g, TARN_ENOENT);
}

tarn_layer tarn_activation_layer(const char *name) {
    return (tarn_layer){.kind = TARN_LAYER_ACTIVATION, .activation = name};
}

static tarn_status infer(ti_layer *l) {
    l->out = l->in;
    return ti_activation_check(l->spec.activation);
}

static tarn_node *apply(const ti_layer *l, tarn_graph *g, tarn_node *x, tarn_node *const *w,
                        bool training) {
    (void)w, (void)training;
    return tarn_activation(g, x, l->spec.activation);
}

static tarn_status to_json(const ti_layer *l, json_t *o) {
    const char *name = l->spec.activation;
    return ti_json_set(o, "activation", json_string(name ? name : "linear"));
}

static tarn_status from_json(json_t *o, ti_layer_draft *d) {
    return ti_json_text(o, "activation", &d->layer.activation);
}

const ti_layer_ops ti_layer_activation = {
    .kind = "activation",
    .infer = infer,
    .apply = apply,
    .to_json = to_json,
    .from_json = from_json,
};
