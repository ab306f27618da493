// tarn_minimize: from a loss to the one node that does a training step. Finds the weights, takes
// gradients, asks the optimizer's record for each weight's new value, groups the assignments.
#include "train/optimizer.h"

#include <string.h>

#include "ops/ops.h"

// ---- kinds and options --------------------------------------------------------------------------

typedef struct kind_row {
    const char *name;
    tarn_optimizer_kind kind;
    const ti_optimizer_ops *ops;
} kind_row;

static const kind_row rows[] = {
    {"sgd", TARN_SGD, &ti_sgd},
    {"rmsprop", TARN_RMSPROP, &ti_rmsprop},
    {"adam", TARN_ADAM, &ti_adam},
    {"adadelta", TARN_ADADELTA, &ti_adadelta},
};
static const ti_table table = TI_TABLE("optimizer", rows);

const ti_optimizer_ops *ti_optimizer_ops_of(tarn_optimizer_kind kind) {
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].kind == kind) return rows[i].ops;
    return NULL;
}

tarn_status ti_optimizer_named(const char *name, tarn_optimizer *out) {
    const kind_row *row = ti_table_find(&table, name, "");
    if (!row) return TARN_ENOENT;
    *out = (tarn_optimizer){.kind = row->kind};
    return TARN_OK;
}

tarn_optimizer tarn_optimizer_make(tarn_optimizer_kind kind, const tarn_optimizer_opts *opts) {
    tarn_optimizer opt = {.kind = kind};
    if (opts) opt.o = *opts;
    return opt;
}

static double *number_at(tarn_optimizer_opts *o, const ti_optimizer_field *f) {
    return (double *)(void *)((char *)o + f->at);
}

double ti_optimizer_get(const tarn_optimizer_opts *o, const ti_optimizer_field *f) {
    const char *at = (const char *)o + f->at;
    return f->flag ? *(const bool *)at : *(const double *)(const void *)at;
}

void ti_optimizer_set(tarn_optimizer_opts *o, const ti_optimizer_field *f, double value) {
    if (f->flag) {
        *(bool *)((char *)o + f->at) = value != 0.0;
    } else {
        *number_at(o, f) = value == 0.0 ? TARN_ZERO : value;
    }
}

tarn_status ti_optimizer_resolve(tarn_optimizer opt, tarn_optimizer_opts *out) {
    const ti_optimizer_ops *ops = ti_optimizer_ops_of(opt.kind);
    if (!ops) return ti_error(TARN_EARG, "optimizer kind %d is none", (int)opt.kind);
    for (const ti_optimizer_field *f = ops->field; f->name; f++) {
        if (f->flag) continue;
        double v = ti_or(*number_at(&opt.o, f), f->preset);
        if (!(v >= f->min && v <= f->max))
            return ti_error(TARN_EARG, "%s: %s is %g, must be %g to %g", ops->name, f->name, v,
                            f->min, f->max);
        *number_at(&opt.o, f) = v;
    }
    *out = opt.o;
    return TARN_OK;
}

// ---- words of the formulas ----------------------------------------------------------------------

tarn_node *ti_number(ti_update *s, double value) {
    return tarn_constant(s->g, tarn_node_dtype(s->variable), value);
}

tarn_node *ti_scalar(ti_update *s, tarn_node *x) {
    tarn_dtype dtype = tarn_node_dtype(s->variable);
    return tarn_node_dtype(x) == dtype ? x : tarn_cast(s->g, x, dtype);
}

tarn_node *ti_times(ti_update *s, tarn_node *x, double c) {
    return tarn_mul(s->g, x, ti_number(s, c));
}

tarn_node *ti_average(ti_update *s, double keep, tarn_node *old, tarn_node *now) {
    return tarn_add(s->g, ti_times(s, old, keep), ti_times(s, now, 1 - keep));
}

// Variable "tarn.state/NAME/WHAT", of a weight "tarn.state/NAME/WHAT/WEIGHT".
static tarn_node *state(ti_update *s, const char *what, const char *weight, tarn_dtype dtype,
                        const tarn_shape *shape, tarn_init init) {
    ti_buf name;
    ti_buf_init(&name, 1024);
    ti_buf_printf(&name, TARN_STATE_PREFIX "%s/%s", s->o.name ? s->o.name : "optimizer", what);
    if (weight) ti_buf_printf(&name, "/%s", weight);
    tarn_status st = ti_buf_status(&name);
    tarn_node *v = st ? ti_graph_fail(s->g, st)
                      : tarn_variable(s->g, name.data, dtype, *shape, init);
    ti_buf_free(&name);
    return v;
}

tarn_node *ti_slot(ti_update *s, const char *slot) {
    return state(s, slot, s->variable->at.var->name, tarn_node_dtype(s->variable),
                 tarn_node_shape(s->variable), tarn_init_zeros());
}

static tarn_status push(ti_update *s, tarn_node *effect) {
    if (s->n_effects == s->cap_effects) {
        int cap = s->cap_effects ? 2 * s->cap_effects : 32;
        TI_TRY(ti_realloc((size_t)s->n_effects * sizeof effect, (size_t)cap * sizeof effect,
                          &s->effects));
        s->cap_effects = cap;
    }
    s->effects[s->n_effects++] = effect;
    return TARN_OK;
}

tarn_node *ti_keep(ti_update *s, tarn_node *variable, tarn_node *value) {
    tarn_status st = push(s, tarn_assign(s->g, variable, value));
    return st ? ti_graph_fail(s->g, st) : value;
}

// ---- the step -----------------------------------------------------------------------------------

static bool is_weight(const tarn_node *n) {
    return n->op == &ti_op_variable && ti_dtype_float(n->dtype) &&
           strncmp(n->at.var->name, TARN_STATE_PREFIX, strlen(TARN_STATE_PREFIX)) != 0;
}

// Weights that `loss` depends on, and not only behind a stop_gradient, in the order they were
// built. Operands precede their users, so one pass back through the nodes marks all of them.
static tarn_status find_weights(tarn_graph *g, const tarn_node *loss, tarn_node ***out, int *n) {
    bool *used = NULL;
    tarn_node **weights = NULL;
    size_t ids = (size_t)loss->id + 1;
    *n = 0;
    TI_TRY(ti_alloc_zero(ids, &used));
    tarn_status st = ti_alloc(ids * sizeof *weights, &weights);
    used[loss->id] = true;
    for (int i = loss->id; i >= 0; i--) {
        const tarn_node *v = g->nodes[i];
        if (!used[i] || v->op == &ti_op_stop_gradient) continue;
        for (int k = 0; k < v->n_in; k++) used[v->in[k]->id] = true;
    }
    for (int i = 0; !st && i <= loss->id; i++)
        if (used[i] && is_weight(g->nodes[i])) weights[(*n)++] = g->nodes[i];
    ti_free(used);
    if (st) return st;
    *out = weights;
    return TARN_OK;
}

static tarn_status copy_weights(const tarn_fetch *given, tarn_node ***out, int *n) {
    tarn_node **weights = NULL;
    for (int i = 0; i < given->count; i++)
        if (!given->nodes[i] || !is_weight(given->nodes[i]))
            return ti_error(TARN_EARG, "minimize: variable %d is no float variable", i);
    TI_TRY(ti_alloc((size_t)given->count * sizeof *weights, &weights));
    memcpy(weights, given->nodes, (size_t)given->count * sizeof *weights);
    *out = weights;
    *n = given->count;
    return TARN_OK;
}

// The step counter and the rank-0 values that all weights share.
static void begin(ti_update *s, const ti_optimizer_ops *ops) {
    tarn_graph *g = s->g;
    tarn_node *count = state(s, "iterations", NULL, TARN_I64, &TARN_SCALAR, tarn_init_zeros());
    tarn_node *next = tarn_add(g, count, tarn_constant(g, TARN_I64, 1));
    s->rate = state(s, "learning_rate", NULL, TARN_F32, &TARN_SCALAR,
                    tarn_init_constant(s->o.learning_rate));
    s->t = tarn_cast(g, ti_keep(s, count, next), TARN_F64);
    if (ops->prepare) s->shared = ops->prepare(s);
}

static void step_weight(ti_update *s, const ti_optimizer_ops *ops, tarn_node *w, tarn_node *grad) {
    s->variable = s->w = w;
    s->grad = grad;
    if (s->o.weight_decay > 0) {  // decoupled: w - w * decay * lr, before the update
        tarn_node *decay = ti_times(s, ti_scalar(s, s->rate), s->o.weight_decay);
        s->w = tarn_sub(s->g, w, tarn_mul(s->g, w, decay));
    }
    (void)ti_keep(s, w, ops->update(s));
}

static tarn_status step_weights(ti_update *s, const ti_optimizer_ops *ops, tarn_node *loss,
                                tarn_node *const *w, int n) {
    tarn_node **grad = NULL;
    TI_TRY(ti_alloc_zero((size_t)n * sizeof *grad, &grad));
    tarn_status st = tarn_gradients(s->g, loss, w, n, grad);
    if (!st) begin(s, ops);
    for (int i = 0; i < n && !st; i++) {
        step_weight(s, ops, w[i], grad[i]);
        st = tarn_graph_status(s->g);
    }
    ti_free(grad);
    return st;
}

static tarn_status build(ti_update *s, const ti_optimizer_ops *ops, tarn_node *loss,
                         const tarn_fetch *variables) {
    tarn_node **w = NULL;
    int n = 0;
    TI_TRY(push(s, tarn_check_finite(s->g, loss, "loss")));
    TI_TRY(variables ? copy_weights(variables, &w, &n) : find_weights(s->g, loss, &w, &n));
    tarn_status st = n ? step_weights(s, ops, loss, w, n)
                       : ti_error(TARN_EARG, "minimize: the loss depends on no weight");
    ti_free(w);
    return st;
}

tarn_node *tarn_minimize(tarn_graph *g, tarn_node *loss, tarn_optimizer opt,
                         const tarn_fetch *variables) {
    ti_update s = {.g = g};
    if (!loss) return NULL;  // the graph holds the reason
    tarn_status st = ti_optimizer_resolve(opt, &s.o);
    if (!st) st = build(&s, ti_optimizer_ops_of(opt.kind), loss, variables);
    tarn_node *step = st ? ti_graph_fail(g, st) : tarn_group(g, s.effects, s.n_effects);
    ti_free(s.effects);
    return step;
}
