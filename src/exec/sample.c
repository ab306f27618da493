// Reading "3x4:p 3:i4; ..." and drawing operands for it from a fixed key.
#include "exec/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The i-th piece of `text` between separators `sep`, without blanks around it; false past the end.
static bool piece(const char *text, char sep, int i, char *out, size_t cap) {
    for (; i > 0; i--) {
        text = strchr(text, sep);
        if (!text) return false;
        text++;
    }
    while (*text == ' ') text++;
    size_t n = 0;
    for (; text[n] && text[n] != sep && n + 1 < cap; n++) out[n] = text[n];
    while (n && out[n - 1] == ' ') n--;
    out[n] = 0;
    return n > 0;
}

typedef struct spec {
    tarn_shape shape;
    char kind;     // 0 float, 'p' positive, 'b' bool, 'i' i32
    long classes;  // 'i'
} spec;

static spec read_spec(const char *text) {
    spec s = {0};
    char *p = NULL;
    do {
        s.shape.dim[s.shape.rank++] = strtol(text, &p, 10);
        text = p + 1;
    } while (*p == 'x');
    if (*p != ':') return s;
    s.kind = p[1];
    if (s.kind == 'i') s.classes = strtol(p + 2, NULL, 10);
    return s;
}

static double uniform(uint64_t key, int64_t i) {
    uint32_t w[4];
    ti_philox(key, (uint64_t)i, 1, w);
    return (double)w[0] * 0x1p-32;
}

static tarn_status draw(const spec *s, uint64_t key, tarn_dtype dtype, tarn_tensor **out) {
    tarn_dtype t = s->kind == 'b' ? TARN_BOOL : s->kind == 'i' ? TARN_I32 : dtype;
    TI_TRY(tarn_tensor_create(t, s->shape, out));
    void *data = tarn_tensor_data(*out);
    for (int64_t i = 0; i < tarn_tensor_numel(*out); i++) {
        double u = uniform(key, i), v = s->kind == 'p' ? 0.5 + 2 * u : 4 * u - 2;
        if (t == TARN_BOOL) ((uint8_t *)data)[i] = u < 0.5;
        if (t == TARN_I32) ((int32_t *)data)[i] = (int32_t)(u * (double)s->classes);
        if (t == TARN_F32) ((float *)data)[i] = (float)v;
        if (t == TARN_F64) ((double *)data)[i] = v;
    }
    return TARN_OK;
}

void ti_sample_free(ti_sample *s) {
    for (int i = 0; i < s->n_in; i++) tarn_tensor_release(s->data[i]);
    tarn_graph_free(s->g);
    tarn_store_free(s->store);
    *s = (ti_sample){0};
}

static tarn_status add_operand(ti_sample *s, const char *text, tarn_dtype dtype) {
    int i = s->n_in;
    char name[16];
    spec sp = read_spec(text);
    TI_TRY(draw(&sp, 77 + (uint64_t)i, dtype, &s->data[i]));
    s->n_in++;
    snprintf(name, sizeof name, "x%d", i);
    s->in[i] = tarn_input(s->g, name, tarn_tensor_dtype(s->data[i]), sp.shape);
    return tarn_graph_status(s->g);
}

tarn_status ti_sample_make(const ti_op *op, int sample, int variant, tarn_dtype dtype,
                           ti_sample *out) {
    char shapes[64], one[24];
    *out = (ti_sample){0};
    if (!op->samples || !piece(op->samples, ';', sample, shapes, sizeof shapes)) return TARN_OK;
    snprintf(out->text, sizeof out->text, "%.44s variant %d", shapes, variant);
    TI_TRY(tarn_store_create(7, &out->store));
    out->g = tarn_graph_create(out->store);
    if (!out->g) return TARN_ENOMEM;
    for (int i = 0; i < TI_SAMPLE_MAX_IN && piece(shapes, ' ', i, one, sizeof one); i++)
        TI_TRY(add_operand(out, one, dtype));
    if (op->variant) {
        out->y = op->variant(out->g, out->in, variant);
    } else if (variant == 0) {
        out->y = ti_node(out->g, op, out->in, out->n_in, NULL);
    }
    return tarn_graph_status(out->g);
}

tarn_status ti_sample_bind(const ti_sample *s, tarn_program *p) {
    char name[16];
    for (int i = 0; i < s->n_in; i++) {
        snprintf(name, sizeof name, "x%d", i);
        bool used = false;
        for (int j = 0; j < p->plan->n_inputs; j++) used |= !strcmp(p->plan->inputs[j], name);
        if (used)
            TI_TRY(
                tarn_bind(p, name, tarn_tensor_cdata(s->data[i]), *tarn_tensor_shape(s->data[i])));
    }
    return TARN_OK;
}
