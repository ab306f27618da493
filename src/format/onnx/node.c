// What the builders of rows share: inputs and outputs of a node by position, element types, and the
// search for the row of an operation.
#include <string.h>

#include "format/onnx/onnx.h"
#include "io/io.h"

#define ROWS(name) ti_onnx_##name,
static const ti_onnx_op *const families[] = {TI_ONNX_FAMILY_MAP(ROWS)};
#undef ROWS
enum { FAMILIES = sizeof families / sizeof *families };

// ---- rows --------------------------------------------------------------------------------------

static const char *domain_of(const TiOnnx__NodeProto *p) {
    const char *d = ti_onnx_text(p->domain);
    return strcmp(d, "ai.onnx") ? d : "";
}

static bool reads(const ti_onnx_op *op, int64_t opset) {
    return opset >= op->since && (!op->until || opset <= op->until);
}

tarn_status ti_onnx_find_op(const TiOnnx__NodeProto *p, int64_t opset, const ti_onnx_op **out) {
    const char *name = ti_onnx_text(p->op_type), *domain = domain_of(p);
    char shown[TI_SHOWN_CAP];
    bool any = false;
    for (int f = 0; f < FAMILIES; f++)
        for (const ti_onnx_op *op = families[f]; op->name; op++) {
            if (strcmp(op->name, name) != 0 || strcmp(op->domain, domain) != 0) continue;
            any = true;
            *out = op;
            if (reads(op, opset)) return TARN_OK;
        }
    ti_shown(name, strlen(name), shown);
    if (any)
        return ti_onnx_lacks("operation %s of opset %lld is not supported", shown,
                             (long long)opset);
    if (!*domain) return ti_onnx_lacks("operation %s is not supported", shown);
    char where[TI_SHOWN_CAP];
    return ti_onnx_lacks("operation %s of %s is not supported", shown,
                         ti_shown(domain, strlen(domain), where));
}

// ---- inputs ------------------------------------------------------------------------------------

bool ti_onnx_has(const ti_onnx_node *n, int i) { return i < n->n_in && *n->proto->input[i]; }

static tarn_status value_of(const ti_onnx_node *n, int i, ti_onnx_value **out) {
    if (!ti_onnx_has(n, i)) return ti_error(TARN_EFORMAT, "input %d is missing", i);
    *out = ti_onnx_find(n->b, n->proto->input[i]);
    return TARN_OK;
}

tarn_status ti_onnx_in(ti_onnx_node *n, int i, tarn_node **out) {
    ti_onnx_value *v;
    TI_TRY(value_of(n, i, &v));
    return ti_onnx_node_of(n->b, v, out);
}

tarn_status ti_onnx_known(ti_onnx_node *n, int i, const tarn_tensor **out) {
    ti_onnx_value *v;
    TI_TRY(value_of(n, i, &v));
    return ti_onnx_known_of(n->b, v, out);
}

tarn_status ti_onnx_known_ints(ti_onnx_node *n, int i, ti_onnx_ints *out) {
    const tarn_tensor *t;
    tarn_tensor *wide;
    TI_TRY(ti_onnx_known(n, i, &t));
    tarn_dtype dtype = tarn_tensor_dtype(t);
    if (tarn_tensor_shape(t)->rank > 1 || tarn_tensor_numel(t) > TI_ONNX_MAX_INTS ||
        (dtype != TARN_I64 && dtype != TARN_I32))
        return ti_error(TARN_EFORMAT, "input %d: a list of at most %d whole numbers expected", i,
                        TI_ONNX_MAX_INTS);
    TI_TRY(tarn_tensor_cast(t, TARN_I64, &wide));
    out->n = (int)tarn_tensor_numel(wide);
    memcpy(out->v, tarn_tensor_cdata(wide), tarn_tensor_bytes(wide));
    tarn_tensor_release(wide);
    return TARN_OK;
}

// ---- outputs -----------------------------------------------------------------------------------

// NULL when the node does not name this output.
static tarn_status new_value(ti_onnx_node *n, int i, ti_onnx_value **out) {
    *out = NULL;
    if (i >= n->n_out || !*n->proto->output[i]) return TARN_OK;
    return ti_onnx_define(n->b, n->proto->output[i], out);
}

tarn_status ti_onnx_out(ti_onnx_node *n, int i, tarn_node *y) {
    ti_onnx_value *v;
    if (!y) return tarn_graph_status(n->g);
    TI_TRY(new_value(n, i, &v));
    if (v) v->node = y;
    return TARN_OK;
}

tarn_status ti_onnx_out_take(ti_onnx_node *n, int i, tarn_tensor *t) {
    ti_onnx_value *v = NULL;
    tarn_status st = new_value(n, i, &v);
    if (v) {
        v->known = t;
    } else {
        tarn_tensor_release(t);
    }
    return st;
}

tarn_status ti_onnx_out_same(ti_onnx_node *n, int i, int j) {
    ti_onnx_value *v, *from;
    TI_TRY(value_of(n, j, &from));
    TI_TRY(new_value(n, i, &v));
    if (!v) return TARN_OK;
    const char *name = v->name;
    *v = *from;
    v->name = name;
    tarn_tensor_retain(v->known);
    return TARN_OK;
}

// ---- element types -----------------------------------------------------------------------------

tarn_node *ti_onnx_widen(ti_onnx_node *n, tarn_node *x) {
    return ti_dtype_half(tarn_node_dtype(x)) ? tarn_cast(n->g, x, TARN_F32) : x;
}

tarn_node *ti_onnx_narrow(ti_onnx_node *n, tarn_node *y, tarn_dtype dtype) {
    return ti_dtype_half(dtype) ? tarn_cast(n->g, y, dtype) : y;
}

static tarn_status one_of(const tarn_node *x, const tarn_dtype *list, int n) {
    tarn_dtype dtype = tarn_node_dtype(x);
    for (int i = 0; i < n; i++)
        if (list[i] == dtype) return TARN_OK;
    return ti_onnx_lacks("it is not supported for %s", tarn_dtype_name(dtype));
}

tarn_status ti_onnx_numbers(const tarn_node *x) {
    static const tarn_dtype list[] = {TARN_F32, TARN_F64, TARN_F16, TARN_BF16,
                                      TARN_I32, TARN_I64, TARN_U32, TARN_U8};
    return one_of(x, list, sizeof list / sizeof *list);
}

tarn_status ti_onnx_reals(const tarn_node *x) {
    static const tarn_dtype list[] = {TARN_F32, TARN_F64, TARN_F16, TARN_BF16};
    return one_of(x, list, sizeof list / sizeof *list);
}

tarn_status ti_onnx_factors(ti_onnx_node *n, tarn_node **a, tarn_node **b) {
    TI_TRY(ti_onnx_in(n, 0, a));
    TI_TRY(ti_onnx_in(n, 1, b));
    TI_TRY(ti_onnx_reals(*a));
    *a = ti_onnx_widen(n, *a);
    *b = ti_onnx_widen(n, *b);
    return TARN_OK;
}

tarn_dtype ti_onnx_dtype_in(ti_onnx_node *n, int i) {
    tarn_node *x = NULL;
    return ti_onnx_in(n, i, &x) ? TARN_F32 : tarn_node_dtype(x);
}
