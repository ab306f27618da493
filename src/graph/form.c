// Physical forms of variables and their conversion to and from canonical row-major.
#include <string.h>

#include "graph/graph.h"

ti_form ti_variable_form(tarn_dtype dtype, const tarn_shape *s) {
    bool matrix = s->rank == 2 && s->dim[0] > 1 && s->dim[1] > 1;
    return matrix && ti_dtype_float(dtype) ? TI_PANELS : TI_ROWS;
}

size_t ti_form_bytes(ti_form form, tarn_dtype dtype, const tarn_shape *s) {
    int64_t n = tarn_shape_numel(s);
    if (form == TI_PANELS) n = ti_ceil_div(s->dim[1], TI_PANEL) * TI_PANEL * s->dim[0];
    return (size_t)n * tarn_dtype_size(dtype);
}

// Walk the runs of at most 16 elements that are contiguous in both forms.
static void panels(const tarn_shape *s, size_t size, const char *rows, char *packed, char *out) {
    int64_t k = s->dim[0], n = s->dim[1];
    for (int64_t p = 0; p * TI_PANEL < n; p++) {
        size_t bytes = (size_t)ti_min_i64(TI_PANEL, n - p * TI_PANEL) * size;
        for (int64_t i = 0; i < k; i++) {
            size_t r = (size_t)(i * n + p * TI_PANEL) * size;
            size_t q = (size_t)((p * k + i) * TI_PANEL) * size;
            if (out == packed) {
                memcpy(packed + q, rows + r, bytes);
                memset(packed + q + bytes, 0, TI_PANEL * size - bytes);
            } else {
                memcpy(out + r, packed + q, bytes);
            }
        }
    }
}

void ti_form_from_rows(ti_form form, tarn_dtype dtype, const tarn_shape *s, const void *rows,
                       void *out) {
    if (form == TI_PANELS) {
        panels(s, tarn_dtype_size(dtype), rows, out, out);
    } else {
        memcpy(out, rows, ti_form_bytes(TI_ROWS, dtype, s));
    }
}

void ti_form_to_rows(ti_form form, tarn_dtype dtype, const tarn_shape *s, const void *in,
                     void *rows) {
    if (form == TI_PANELS) {
        panels(s, tarn_dtype_size(dtype), NULL, (char *)(uintptr_t)in, rows);
    } else {
        memcpy(rows, in, ti_form_bytes(TI_ROWS, dtype, s));
    }
}
