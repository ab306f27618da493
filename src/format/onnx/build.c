// From an ONNX graph to nodes. Values are kept by name; the nodes of the file are walked once, in
// their order, and each is built by the row of its operation. A value has a node of the graph, or
// elements known already, and gets the other when it is asked for: a weight that only a Reshape
// reads never becomes a variable, and a shape that is computed is evaluated where it is needed, by
// the reference device, from the inputs' values.
#include <math.h>
#include <string.h>

#include "exec/program.h"
#include "format/onnx/onnx.h"
#include "io/io.h"
#include "ops/ops.h"

enum { MAX_EVALUATED = 1 << 24 };  // elements, in all, to learn a value while building

// ---- values by name ----------------------------------------------------------------------------

// The slot of a name: its value, or free.
static ti_onnx_value *slot(const ti_onnx_build *b, const char *name) {
    size_t at = (size_t)ti_hash64(name) & (b->cap - 1);
    while (b->values[at].name && strcmp(b->values[at].name, name) != 0)
        at = (at + 1) & (b->cap - 1);
    return &b->values[at];
}

ti_onnx_value *ti_onnx_find(const ti_onnx_build *b, const char *name) {
    ti_onnx_value *v = slot(b, name);
    return v->name ? v : NULL;
}

tarn_status ti_onnx_define(ti_onnx_build *b, const char *name, ti_onnx_value **out) {
    char shown[TI_SHOWN_CAP];
    ti_onnx_value *v = slot(b, name);
    if (!*name) return ti_error(TARN_EFORMAT, "a value has no name");
    if (v->name)
        return ti_error(TARN_EFORMAT, "value '%s' is made twice",
                        ti_shown(name, strlen(name), shown));
    v->name = name;
    *out = v;
    return TARN_OK;
}

// Room for all names at once, at most half full, so that values never move.
static tarn_status make_table(ti_onnx_build *b) {
    const TiOnnx__GraphProto *g = b->m->graph;
    size_t n = g->n_input + g->n_initializer, bytes;
    for (size_t i = 0; i < g->n_node; i++) n += g->node[i]->n_output;
    for (b->cap = 16; b->cap < 2 * n;) b->cap *= 2;
    TI_TRY(ti_mul(b->cap, sizeof *b->values, &bytes));
    return ti_alloc_zero(bytes, &b->values);
}

static void free_table(ti_onnx_build *b) {
    for (size_t i = 0; b->values && i < b->cap; i++) tarn_tensor_release(b->values[i].known);
    ti_free(b->values);
}

// ---- elements to nodes -------------------------------------------------------------------------

static tarn_status first_element(const tarn_tensor *t, double *value) {
    tarn_tensor *first = NULL, *wide = NULL;
    TI_TRY(tarn_tensor_from(tarn_tensor_dtype(t), TARN_SCALAR, tarn_tensor_cdata(t), &first));
    tarn_status st = tarn_tensor_cast(first, TARN_F64, &wide);
    if (!st) *value = *(const double *)tarn_tensor_cdata(wide);
    tarn_tensor_release(first);
    tarn_tensor_release(wide);
    return st;
}

// Are all elements the same, and a double that a constant of this dtype can be?
static tarn_status uniform(const tarn_tensor *t, bool *is, double *value) {
    size_t size = tarn_dtype_size(tarn_tensor_dtype(t));
    const char *x = tarn_tensor_cdata(t);
    *is = !ti_dtype_half(tarn_tensor_dtype(t)) && tarn_tensor_bytes(t);
    for (size_t i = size; i < tarn_tensor_bytes(t) && *is; i += size) *is = !memcmp(x, x + i, size);
    if (*is) TI_TRY(first_element(t, value));
    *is = *is && (ti_dtype_float(tarn_tensor_dtype(t)) || fabs(*value) <= 0x1p53);
    return TARN_OK;
}

static tarn_node *variable_of(ti_onnx_build *b, const char *name, const tarn_tensor *t) {
    bool there = tarn_store_has(b->g->store, name);
    tarn_node *y = tarn_variable(b->g, name, tarn_tensor_dtype(t), *tarn_tensor_shape(t),
                                 tarn_init_zeros());
    tarn_status st = y && !there ? tarn_store_set(b->g->store, name, t) : TARN_OK;
    return st ? ti_graph_fail(b->g, st) : y;
}

// Weights are variables; of other elements, those that are all equal are a constant.
static tarn_status node_of_elements(ti_onnx_build *b, ti_onnx_value *v) {
    double value;
    bool equal = false, weight = v->weight && ti_dtype_float(tarn_tensor_dtype(v->known));
    if (!weight) TI_TRY(uniform(v->known, &equal, &value));
    if (equal) {
        tarn_node *c = tarn_constant(b->g, tarn_tensor_dtype(v->known), value);
        v->node = tarn_broadcast_to(b->g, c, *tarn_tensor_shape(v->known));
    } else {
        v->node = variable_of(b, v->name, v->known);
    }
    return tarn_graph_status(b->g);
}

static tarn_status read_initializer(ti_onnx_build *b, ti_onnx_value *v) {
    return ti_onnx_tensor(v->initializer, b->m->folder, &v->known);
}

tarn_status ti_onnx_node_of(ti_onnx_build *b, ti_onnx_value *v, tarn_node **out) {
    if (!v->node && !v->known) TI_TRY(read_initializer(b, v));
    if (!v->node) TI_TRY(node_of_elements(b, v));
    *out = v->node;
    return TARN_OK;
}

// ---- nodes to elements -------------------------------------------------------------------------

static const tarn_tensor *given(const ti_onnx_build *b, const char *input) {
    for (int i = 0; b->opts->values && i < b->m->n_inputs; i++)
        if (!strcmp(tarn_onnx_input(b->m, i), input)) return b->opts->values[i];
    return NULL;
}

// Only what the program reads is bound.
static tarn_status bind_all(const ti_onnx_build *b, tarn_program *p) {
    char shown[TI_SHOWN_CAP];
    for (int i = 0; i < p->plan->n_inputs; i++) {
        const char *name = p->plan->inputs[i];
        const tarn_tensor *t = given(b, name);
        if (!t)
            return ti_error(TARN_EARG, "the value of input '%s' must be known for it",
                            ti_shown(name, strlen(name), shown));
        TI_TRY(tarn_bind(p, name, tarn_tensor_cdata(t), *tarn_tensor_shape(t)));
    }
    return TARN_OK;
}

static tarn_status result_of(const tarn_program *p, int i, tarn_dtype dtype, tarn_tensor **out) {
    tarn_shape s = TARN_SCALAR;
    const void *data = tarn_result(p, i, &s);
    return tarn_tensor_from(dtype, s, data, out);
}

// Shapes are computed from few numbers: a file that makes many for it is refused.
static tarn_status check_cost(const tarn_program *p) {
    int64_t left = MAX_EVALUATED;
    for (int i = 0; i < p->work.g->n_nodes; i++) {
        int64_t n = 1;
        const tarn_node *x = p->work.g->nodes[i];
        for (int d = 0; d < x->shape.rank; d++)
            if (__builtin_mul_overflow(n, ti_dim_max(p->work.g, x->shape.dim[d]), &n)) n = left + 1;
        if (n > left)
            return ti_error(TARN_ELIMIT, "more than %d elements to compute a shape", MAX_EVALUATED);
        left -= n;
    }
    return TARN_OK;
}

static tarn_status evaluate(ti_onnx_build *b, ti_onnx_value *v) {
    tarn_program *p = NULL;
    TI_TRY(tarn_compile(b->g, TARN_FETCH(v->node), "ref", &p));
    tarn_status st = check_cost(p);
    if (!st) st = bind_all(b, p);
    if (!st) st = tarn_run(p);
    if (!st) st = result_of(p, 0, tarn_node_dtype(v->node), &v->known);
    tarn_program_free(p);
    return st;
}

tarn_status ti_onnx_known_of(ti_onnx_build *b, ti_onnx_value *v, const tarn_tensor **out) {
    if (!v->known) TI_TRY(v->initializer ? read_initializer(b, v) : evaluate(b, v));
    *out = v->known;
    return TARN_OK;
}

// ---- inputs and initializers -------------------------------------------------------------------

static tarn_status add_initializers(ti_onnx_build *b) {
    const TiOnnx__GraphProto *g = b->m->graph;
    for (size_t i = 0; i < g->n_initializer; i++) {
        ti_onnx_value *v;
        TI_TRY(ti_onnx_define(b, ti_onnx_text(g->initializer[i]->name), &v));
        v->initializer = g->initializer[i];
        v->weight = true;
    }
    return TARN_OK;
}

static tarn_status misfit(tarn_dtype dtype, const tarn_shape *want, const tarn_tensor *t) {
    char a[TI_SHAPE_TEXT_CAP], b[TI_SHAPE_TEXT_CAP];
    return ti_error(TARN_ESHAPE, "it is %s %s in the file (-1: any size), %s %s was given",
                    tarn_dtype_name(dtype), ti_shape_text(want, a),
                    tarn_dtype_name(tarn_tensor_dtype(t)), ti_shape_text(tarn_tensor_shape(t), b));
}

// Sizes that the file states must be those of the value.
static tarn_status check_value(const TiOnnx__TypeProto__Tensor *type, tarn_dtype dtype,
                               const tarn_tensor *t) {
    tarn_shape want = {0}, have = *tarn_tensor_shape(t);
    bool fits = tarn_tensor_dtype(t) == dtype;
    if (!type->shape) return fits ? TARN_OK : misfit(dtype, &have, t);
    want.rank = (int)type->shape->n_dim;
    fits &= want.rank == have.rank;
    for (int i = 0; i < want.rank; i++) {
        const TiOnnx__TensorShapeProto__Dimension *d = type->shape->dim[i];
        want.dim[i] = d->has_dim_value ? d->dim_value : -1;
        fits &= !d->has_dim_value || i >= have.rank || have.dim[i] == d->dim_value;
    }
    return fits ? TARN_OK : misfit(dtype, &want, t);
}

static int64_t named_dim(const ti_onnx_build *b, const char *input, int axis, const char *name) {
    char own[32];
    snprintf(own, sizeof own, "%.20s.%d", input, axis);
    return tarn_dim(b->g, *name ? name : own, b->opts->max_dim ? b->opts->max_dim : 1);
}

static tarn_status named_shape(const ti_onnx_build *b, const char *input,
                               const TiOnnx__TypeProto__Tensor *type, tarn_shape *s) {
    if (!type->shape) return ti_error(TARN_EUNSUPPORTED, "it has no shape, and no value was given");
    s->rank = (int)type->shape->n_dim;
    for (int i = 0; i < s->rank; i++) {
        const TiOnnx__TensorShapeProto__Dimension *d = type->shape->dim[i];
        s->dim[i] = d->has_dim_value ? d->dim_value
                                     : named_dim(b, input, i, ti_onnx_text(d->dim_param));
        if (d->has_dim_value && d->dim_value < 0)
            return ti_error(TARN_EFORMAT, "dimension %d is %lld", i, (long long)d->dim_value);
    }
    return tarn_graph_status(b->g);
}

static tarn_status make_input(ti_onnx_build *b, const TiOnnx__ValueInfoProto *info,
                              const tarn_tensor *value) {
    const char *name = ti_onnx_text(info->name);
    tarn_shape s = {0};
    tarn_dtype dtype;
    ti_onnx_value *v;
    if (!info->type || !info->type->tensor_type)
        return ti_error(TARN_EUNSUPPORTED, "it is no tensor");
    const TiOnnx__TypeProto__Tensor *type = info->type->tensor_type;
    if (type->shape && type->shape->n_dim > TARN_MAX_RANK)
        return ti_error(TARN_EUNSUPPORTED, "rank %zu, at most %d", type->shape->n_dim,
                        TARN_MAX_RANK);
    TI_TRY(ti_onnx_dtype(type->elem_type, &dtype));
    TI_TRY(value ? check_value(type, dtype, value) : named_shape(b, name, type, &s));
    if (value) s = *tarn_tensor_shape(value);
    TI_TRY(ti_onnx_define(b, name, &v));
    v->node = tarn_input(b->g, name, dtype, s);
    return tarn_graph_status(b->g);
}

static tarn_status add_inputs(ti_onnx_build *b) {
    char shown[TI_SHOWN_CAP];
    for (int i = 0; i < b->m->n_inputs; i++) {
        const char *name = tarn_onnx_input(b->m, i);
        const tarn_tensor *value = b->opts->values ? b->opts->values[i] : NULL;
        tarn_status st = make_input(b, b->m->inputs[i], value);
        if (st) return ti_error_at(st, "input '%s'", ti_shown(name, strlen(name), shown));
    }
    return TARN_OK;
}

// ---- nodes -------------------------------------------------------------------------------------

static bool made_later(const ti_onnx_build *b, const char *name) {
    for (size_t i = 0; i < b->m->graph->n_node; i++)
        for (size_t j = 0; j < b->m->graph->node[i]->n_output; j++)
            if (!strcmp(b->m->graph->node[i]->output[j], name)) return true;
    return false;
}

// The format wants nodes in order, so what a node uses must be there.
static tarn_status check_used(const ti_onnx_build *b, const char *name) {
    char shown[TI_SHOWN_CAP];
    if (!*name || ti_onnx_find(b, name)) return TARN_OK;
    ti_shown(name, strlen(name), shown);
    return made_later(b, name)
               ? ti_error(TARN_EFORMAT,
                          "'%s' is used before it is made: nodes out of order, or "
                          "a circle",
                          shown)
               : ti_error(TARN_EFORMAT, "'%s' is used, but nothing makes it", shown);
}

static tarn_status check_counts(const ti_onnx_node *n) {
    const ti_onnx_op *op = n->op;
    if (n->n_in < op->min_in)
        return ti_error(TARN_EFORMAT, "%d inputs, at least %d expected", n->n_in, op->min_in);
    if (op->max_in >= 0 && n->n_in > op->max_in)
        return ti_error(TARN_EFORMAT, "%d inputs, at most %d expected", n->n_in, op->max_in);
    return TARN_OK;
}

static tarn_status check_outputs(const ti_onnx_node *n) {
    for (int i = 0; i < n->n_out; i++)
        if (*n->proto->output[i] && !ti_onnx_find(n->b, n->proto->output[i]))
            return ti_onnx_lacks("its output %d is not supported", i);
    return TARN_OK;
}

static tarn_status build_node(ti_onnx_build *b, const TiOnnx__NodeProto *p) {
    ti_onnx_node n = {.b = b, .g = b->g, .proto = p};
    if (p->n_input > INT32_MAX || p->n_output > INT32_MAX)
        return ti_error(TARN_ELIMIT, "more than 2^31 inputs or outputs");
    n.n_in = (int)p->n_input;
    n.n_out = (int)p->n_output;
    n.opset = ti_onnx_opset(b->m, ti_onnx_text(p->domain));
    TI_TRY(ti_onnx_find_op(p, n.opset, &n.op));
    for (size_t i = 0; i < p->n_input; i++) TI_TRY(check_used(b, p->input[i]));
    TI_TRY(check_counts(&n));
    TI_TRY(n.op->build(&n));
    TI_TRY(tarn_graph_status(b->g));
    TI_TRY(ti_onnx_all_read(&n));
    return check_outputs(&n);
}

static const char *name_of(const TiOnnx__NodeProto *p, char shown[TI_SHOWN_CAP]) {
    const char *name = ti_onnx_text(p->name);
    if (!*name && p->n_output) name = p->output[0];
    return ti_shown(name, strlen(name), shown);
}

static tarn_status add_nodes(ti_onnx_build *b) {
    for (size_t i = 0; i < b->m->graph->n_node; i++) {
        const TiOnnx__NodeProto *p = b->m->graph->node[i];
        const char *type = ti_onnx_text(p->op_type);
        char name[TI_SHOWN_CAP], op[TI_SHOWN_CAP];
        tarn_graph_scope(b->g, name_of(p, name));
        tarn_status st = build_node(b, p);
        tarn_graph_scope(b->g, NULL);
        if (st) return ti_error_at(st, "node '%s' (%s)", name, ti_shown(type, strlen(type), op));
    }
    return TARN_OK;
}

static tarn_status find_outputs(ti_onnx_build *b, tarn_node **outputs) {
    for (int i = 0; i < b->m->n_outputs; i++) {
        const char *name = tarn_onnx_output(b->m, i);
        TI_TRY(check_used(b, name));
        TI_TRY(ti_onnx_node_of(b, ti_onnx_find(b, name), &outputs[i]));
    }
    return TARN_OK;
}

// ---- public ------------------------------------------------------------------------------------

static tarn_status build_graph(ti_onnx_build *b, tarn_node **outputs) {
    TI_TRY(tarn_graph_status(b->g));
    TI_TRY(make_table(b));
    TI_TRY(add_initializers(b));
    TI_TRY(add_inputs(b));
    TI_TRY(add_nodes(b));
    return find_outputs(b, outputs);
}

tarn_status tarn_onnx_build(const tarn_onnx *m, tarn_graph *g, const tarn_onnx_opts *opts,
                            tarn_node **outputs) {
    static const tarn_onnx_opts none;
    ti_onnx_build b = {.m = m, .g = g, .opts = opts ? opts : &none};
    tarn_status st = build_graph(&b, outputs);
    free_table(&b);
    return st ? ti_error_at(st, "%s", m->what) : TARN_OK;
}

static tarn_status run_graph(const tarn_onnx *m, ti_onnx_build *b, const char *device,
                             const tarn_compile_opts *opts, tarn_node **nodes,
                             tarn_tensor **results) {
    tarn_program *p = NULL;
    TI_TRY(tarn_onnx_build(m, b->g, b->opts, nodes));
    tarn_fetch fetch = {nodes, m->n_outputs};
    TI_TRY(tarn_compile_opts_(b->g, fetch, device, opts, &p));
    tarn_status st = bind_all(b, p);
    if (!st) st = tarn_run(p);
    for (int i = 0; i < m->n_outputs && !st; i++)
        st = result_of(p, i, tarn_node_dtype(nodes[i]), &results[i]);
    tarn_program_free(p);
    return st;
}

tarn_status tarn_onnx_run(const tarn_onnx *m, const tarn_tensor *const *inputs, const char *device,
                          const tarn_compile_opts *opts, tarn_tensor **outputs) {
    tarn_onnx_opts values = {.values = inputs};
    ti_onnx_build b = {.m = m, .opts = &values};
    size_t n = (size_t)m->n_outputs + 1;
    tarn_store *store = NULL;
    tarn_node **nodes = NULL;
    tarn_tensor **results = NULL;
    tarn_status st;
    if ((st = ti_alloc_zero(n * sizeof *nodes, &nodes))) goto done;
    if ((st = ti_alloc_zero(n * sizeof *results, &results))) goto done;
    if ((st = tarn_store_create(0, &store))) goto done;
    if (!(b.g = tarn_graph_create(store))) {
        st = TARN_ENOMEM;
        goto done;
    }
    st = run_graph(m, &b, device, opts, nodes, results);
    for (int i = 0; i < m->n_outputs; i++) {
        if (st) tarn_tensor_release(results[i]);
        if (!st) outputs[i] = results[i];
    }
done:
    tarn_graph_free(b.g);
    tarn_store_free(store);
    ti_free(results);
    ti_free(nodes);
    return st;
}
