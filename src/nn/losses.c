// Losses and metrics per sample. Cross-entropy is always taken from logits: where y_pred is a
// softmax, from its operand. Clipping probabilities, as Keras does there, would bound the loss at
// 16 and lose the gradient of confident mistakes.
#include "nn/model.h"
#include "ops/ops.h"

// What a softmax was given; anything else is taken for logits itself.
static tarn_node *logits_of(tarn_node *y_pred) {
    return y_pred && y_pred->op == &ti_op_softmax ? y_pred->in[0] : y_pred;
}

static tarn_node *cross_entropy(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred) {
    return tarn_softmax_cross_entropy(g, logits_of(y_pred), y_true);
}

// All axes but the first.
static tarn_axes inner_axes(const tarn_node *x) {
    tarn_axes all = (TARN_AXIS(tarn_node_shape(x)->rank)) - 1;
    return all & ~TARN_AXIS(0);
}

static tarn_node *sample_mean(tarn_graph *g, tarn_node *x) {
    tarn_axes axes = x ? inner_axes(x) : 0;
    return axes ? tarn_mean(g, x, axes, 0) : x;
}

static tarn_node *difference(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred) {
    const tarn_shape *t = tarn_node_shape(y_true), *p = tarn_node_shape(y_pred);
    if (y_true && y_pred && !tarn_shape_equal(t, p))  // broadcasting [n] to [n,n] hides mistakes
        return ti_graph_fail(g, ti_error(TARN_ESHAPE,
                                         "targets and predictions differ in shape "
                                         "(%d and %d axes)",
                                         t->rank, p->rank));
    return tarn_sub(g, y_pred, y_true);
}

static tarn_node *squared_error(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred) {
    return sample_mean(g, tarn_square(g, difference(g, y_true, y_pred)));
}

static tarn_node *absolute_error(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred) {
    return sample_mean(g, tarn_abs(g, difference(g, y_true, y_pred)));
}

// Logits have the same largest element as their softmax and are there already in a training step.
static tarn_node *accuracy(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred) {
    if (y_true && tarn_node_dtype(y_true) != TARN_I32)
        return ti_graph_fail(g, ti_error(TARN_EDTYPE,
                                         "metric 'accuracy' expects class labels "
                                         "(i32), the targets are %s",
                                         tarn_dtype_name(tarn_node_dtype(y_true))));
    tarn_node *best = tarn_argmax(g, logits_of(y_pred));
    return tarn_cast(g, tarn_equal(g, best, y_true), TARN_F32);
}

typedef struct loss_row {
    const char *name;
    tarn_node *(*build)(tarn_graph *g, tarn_node *y_true, tarn_node *y_pred);
    bool labels;  // y_true is [batch] i32
} loss_row;

// The first n_losses rows are losses; all are metrics.
static const loss_row rows[] = {
    {"sparse_categorical_crossentropy", cross_entropy, true},
    {"mean_squared_error", squared_error, false},
    {"mse", squared_error, false},
    {"mean_absolute_error", absolute_error, false},
    {"mae", absolute_error, false},
    {"accuracy", accuracy, true},
};
static const ti_table metrics = TI_TABLE("metric", rows);
static const ti_table losses = {"loss", rows, sizeof rows / sizeof *rows - 1, sizeof *rows};

tarn_status ti_loss_wants_labels(const char *name, bool *labels) {
    const loss_row *row = ti_table_find(&losses, name, "");
    if (!row) return TARN_ENOENT;
    *labels = row->labels;
    return TARN_OK;
}

tarn_status ti_metric_check(const char *name) {
    return ti_table_find(&metrics, name, "") ? TARN_OK : TARN_ENOENT;
}

static tarn_node *build(tarn_graph *g, const ti_table *table, const char *name, tarn_node *y_true,
                        tarn_node *y_pred) {
    const loss_row *row = ti_table_find(table, name, "");
    return row ? row->build(g, y_true, y_pred) : ti_graph_fail(g, TARN_ENOENT);
}

tarn_node *tarn_loss(tarn_graph *g, const char *name, tarn_node *y_true, tarn_node *y_pred) {
    return build(g, &losses, name, y_true, y_pred);
}

tarn_node *tarn_metric(tarn_graph *g, const char *name, tarn_node *y_true, tarn_node *y_pred) {
    return build(g, &metrics, name, y_true, y_pred);
}
