// Attributes of a node by name and type. What a getter reads is marked, so that an attribute that
// changes the meaning of a node can never be passed over in silence.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "io/io.h"

typedef TiOnnx__AttributeProto attribute;

// Codes of the types that are read here, with names for all.
enum { FLOAT = 1, INT = 2, STRING = 3, TENSOR = 4, FLOATS = 6, INTS = 7 };
static const char *const type_names[] = {"nothing",        "a float", "an int", "a string",
                                         "a tensor",       "a graph", "floats", "ints",
                                         "strings",        "tensors", "graphs", "a sparse tensor",
                                         "sparse tensors", "a type",  "types"};
enum { TYPES = sizeof type_names / sizeof *type_names, MAX_READ = 64 };

static const char *type_name(int type) {
    return type >= 0 && type < TYPES ? type_names[type] : "something else";
}

// Files of the first versions leave the type out: then it is what is there.
static int type_of(const attribute *a) {
    if (a->type) return a->type;
    return a->has_f      ? FLOAT
           : a->has_i    ? INT
           : a->has_s    ? STRING
           : a->t        ? TENSOR
           : a->n_floats ? FLOATS
           : a->n_ints   ? INTS
                         : 0;
}

// NULL when absent.
static const attribute *find(ti_onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->proto->n_attribute && i < MAX_READ; i++) {
        if (strcmp(ti_onnx_text(n->proto->attribute[i]->name), name) != 0) continue;
        n->read |= (uint64_t)1 << i;
        return n->proto->attribute[i];
    }
    return NULL;
}

// The attribute when it is there, NULL when it is not; an error when it has another type.
static tarn_status get(ti_onnx_node *n, const char *name, int type, const attribute **out) {
    const attribute *a = find(n, name);
    *out = a;
    if (!a || type_of(a) == type) return TARN_OK;
    return ti_error(TARN_EFORMAT, "attribute %s is %s, %s expected", name, type_name(type_of(a)),
                    type_name(type));
}

bool ti_onnx_has_attr(const ti_onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (!strcmp(ti_onnx_text(n->proto->attribute[i]->name), name)) return true;
    return false;
}

void ti_onnx_ignore(ti_onnx_node *n, const char *name) { (void)find(n, name); }

tarn_status ti_onnx_int(ti_onnx_node *n, const char *name, int64_t *out) {
    const attribute *a;
    TI_TRY(get(n, name, INT, &a));
    if (a) *out = a->i;
    return TARN_OK;
}

tarn_status ti_onnx_float(ti_onnx_node *n, const char *name, double *out) {
    const attribute *a;
    TI_TRY(get(n, name, FLOAT, &a));
    if (a) *out = (double)a->f;
    return TARN_OK;
}

tarn_status ti_onnx_flag(ti_onnx_node *n, const char *name, bool *out) {
    int64_t v = *out;
    TI_TRY(ti_onnx_int(n, name, &v));
    if (v != 0 && v != 1)
        return ti_error(TARN_EFORMAT, "attribute %s is %lld, 0 or 1 expected", name, (long long)v);
    *out = v;
    return TARN_OK;
}

tarn_status ti_onnx_axis(ti_onnx_node *n, const char *name, int rank, bool end, int64_t *out) {
    int64_t most = end ? rank : rank - 1;
    TI_TRY(ti_onnx_int(n, name, out));
    if (*out < -rank || *out > most)
        return ti_error(TARN_EFORMAT, "attribute %s is %lld, %d to %lld expected", name,
                        (long long)*out, -rank, (long long)most);
    if (*out < 0) *out += rank;
    return TARN_OK;
}

tarn_status ti_onnx_axes(ti_onnx_node *n, int input_since, int rank, tarn_axes *out) {
    ti_onnx_ints list = {0};
    *out = 0;
    if (n->opset < input_since) {
        TI_TRY(ti_onnx_get_ints(n, "axes", &list));
    } else if (ti_onnx_has(n, 1)) {
        TI_TRY(ti_onnx_known_ints(n, 1, &list));
    }
    for (int i = 0; i < list.n; i++) {
        int64_t axis = list.v[i] < 0 ? list.v[i] + rank : list.v[i];
        if (axis < 0 || axis >= rank || *out & TARN_AXIS(axis))
            return ti_error(TARN_EFORMAT, "axis %lld of rank %d, or twice", (long long)list.v[i],
                            rank);
        *out |= TARN_AXIS(axis);
    }
    return TARN_OK;
}

tarn_status ti_onnx_get_ints(ti_onnx_node *n, const char *name, ti_onnx_ints *out) {
    const attribute *a;
    TI_TRY(get(n, name, INTS, &a));
    if (!a) return TARN_OK;
    if (a->n_ints > TI_ONNX_MAX_INTS)
        return ti_error(TARN_EFORMAT, "attribute %s has %zu numbers, at most %d", name, a->n_ints,
                        TI_ONNX_MAX_INTS);
    out->n = (int)a->n_ints;
    for (int i = 0; i < out->n; i++) out->v[i] = a->ints[i];
    return TARN_OK;
}

tarn_status ti_onnx_word(ti_onnx_node *n, const char *name, const char *const *words, int *out) {
    const attribute *a;
    char shown[TI_SHOWN_CAP];
    TI_TRY(get(n, name, STRING, &a));
    if (!a) return TARN_OK;
    for (int i = 0; words[i]; i++) {
        if (strlen(words[i]) != a->s.len || memcmp(words[i], a->s.data, a->s.len) != 0) continue;
        *out = i;
        return TARN_OK;
    }
    return ti_error(TARN_EFORMAT, "attribute %s is '%s', which is not known", name,
                    ti_shown((const char *)a->s.data, a->s.len, shown));
}

tarn_status ti_onnx_get_tensor(ti_onnx_node *n, const char *name, tarn_tensor **out) {
    const attribute *a;
    TI_TRY(get(n, name, TENSOR, &a));
    if (!a || !a->t) return ti_error(TARN_EFORMAT, "attribute %s: a tensor expected", name);
    return ti_onnx_tensor(a->t, n->b->m->folder, out);
}

tarn_status ti_onnx_get_list(ti_onnx_node *n, const char *name, tarn_tensor **out) {
    const attribute *a = find(n, name);
    switch (a ? type_of(a) : 0) {
    case FLOAT: return tarn_tensor_from(TARN_F32, TARN_SCALAR, &a->f, out);
    case INT: return tarn_tensor_from(TARN_I64, TARN_SCALAR, &a->i, out);
    case FLOATS:
        return tarn_tensor_from(TARN_F32, TARN_SHAPE((int64_t)a->n_floats), a->floats, out);
    case INTS: return tarn_tensor_from(TARN_I64, TARN_SHAPE((int64_t)a->n_ints), a->ints, out);
    default: return ti_error(TARN_EFORMAT, "attribute %s: numbers expected", name);
    }
}

tarn_status ti_onnx_all_read(const ti_onnx_node *n) {
    char shown[TI_SHOWN_CAP];
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const attribute *a = n->proto->attribute[i];
        const char *name = ti_onnx_text(a->name);
        if (i < MAX_READ && n->read >> i & 1 && !*ti_onnx_text(a->ref_attr_name)) continue;
        return ti_onnx_lacks("its attribute %s (%s) is not supported",
                             ti_shown(name, strlen(name), shown), type_name(type_of(a)));
    }
    return TARN_OK;
}

tarn_status ti_onnx_lacks(const char *fmt, ...) {
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ti_error(TARN_EUNSUPPORTED, "%s", text);
}
