// Named dimensions: base symbols with a maximum, products of them, and the text of shapes.
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

static int sym_of(int64_t dim) { return (int)(-dim - 1); }

void tarn_set_max_batch(tarn_graph *g, int64_t maximum) { g->sym[0].maximum = maximum; }

static int64_t sym_add(tarn_graph *g, ti_sym s) {
    if (g->n_sym == TI_MAX_SYMS) {
        ti_graph_fail(g, ti_error(TARN_ELIMIT, "more than %d named dimensions", TI_MAX_SYMS));
        return 0;
    }
    g->sym[g->n_sym++] = s;
    return -(int64_t)g->n_sym;
}

int64_t tarn_dim(tarn_graph *g, const char *name, int64_t maximum) {
    if (!name || !*name || strlen(name) >= sizeof g->sym[0].name || maximum < 1) {
        ti_graph_fail(g, ti_error(TARN_EARG, "dimension '%s' with maximum %lld",
                                  name ? name : "(null)", (long long)maximum));
        return 0;
    }
    for (int i = 0; i < g->n_sym; i++) {
        if (g->sym[i].found || strcmp(g->sym[i].name, name)) continue;
        g->sym[i].maximum = ti_max_i64(g->sym[i].maximum, maximum);
        return -(int64_t)i - 1;
    }
    ti_sym s = {"", maximum, 1, -1, -1, false};
    snprintf(s.name, sizeof s.name, "%s", name);
    return sym_add(g, s);
}

int64_t ti_dim_found(tarn_graph *g, const char *op, int64_t maximum) {
    ti_sym s = {"", maximum, 1, -1, -1, true};
    snprintf(s.name, sizeof s.name, "%s#%d", op, g->n_sym);
    return sym_add(g, s);
}

static uint32_t found_bit(const tarn_graph *g, int sym) {
    return sym >= 0 && g->sym[sym].found ? (uint32_t)1 << sym : 0;
}

uint32_t ti_dim_found_by(const tarn_graph *g, int64_t dim) {
    if (dim >= 0) return 0;
    const ti_sym *s = &g->sym[sym_of(dim)];
    return found_bit(g, sym_of(dim)) | found_bit(g, s->a) | found_bit(g, s->b);
}

int64_t ti_dim_value(int64_t dim, const int64_t *values) {
    return dim < 0 ? values[sym_of(dim)] : dim;
}

int64_t ti_dim_max(const tarn_graph *g, int64_t dim) {
    if (dim >= 0) return dim;
    const ti_sym *s = &g->sym[sym_of(dim)];
    if (s->a < 0) return s->maximum;
    int64_t m = s->coef * ti_dim_max(g, -(int64_t)s->a - 1);
    return s->b < 0 ? m : m * ti_dim_max(g, -(int64_t)s->b - 1);
}

void ti_syms_resolve(const ti_sym *sym, int n, int64_t *values) {
    for (int i = 0; i < n; i++) {
        if (sym[i].a < 0) continue;
        values[i] = sym[i].coef * values[sym[i].a] * (sym[i].b < 0 ? 1 : values[sym[i].b]);
    }
}

// Canonical parts of a dim: coef * a * b.
static ti_sym parts(const tarn_graph *g, int64_t dim) {
    ti_sym s = {"", 0, 1, -1, -1, false};
    if (dim >= 0) {
        s.coef = dim;
    } else if (g->sym[sym_of(dim)].a < 0) {
        s.a = sym_of(dim);
    } else {
        s = g->sym[sym_of(dim)];
    }
    return s;
}

int64_t tarn_dim_mul(tarn_graph *g, int64_t a, int64_t b) {
    ti_sym x = parts(g, a), y = parts(g, b), z = {"", 0, 1, -1, -1, false};
    if (__builtin_mul_overflow(x.coef, y.coef, &z.coef)) {
        ti_graph_fail(g, ti_error(TARN_ELIMIT, "a product of dimensions overflows"));
        return 0;
    }
    int f[4], n = 0, all[4] = {x.a, x.b, y.a, y.b};
    for (int i = 0; i < 4; i++)
        if (all[i] >= 0) f[n++] = all[i];
    if (n == 0) return z.coef;
    if (n == 1 && z.coef == 1) return -(int64_t)f[0] - 1;
    if (n > 2) {
        ti_graph_fail(g, ti_error(TARN_ELIMIT, "a product of more than two named dimensions"));
        return 0;
    }
    z.a = n == 2 && f[1] < f[0] ? f[1] : f[0];
    z.b = n == 2 ? (z.a == f[0] ? f[1] : f[0]) : -1;
    for (int i = 0; i < g->n_sym; i++)
        if (g->sym[i].coef == z.coef && g->sym[i].a == z.a && g->sym[i].b == z.b)
            return -(int64_t)i - 1;
    int len = z.coef == 1 ? 0 : snprintf(z.name, sizeof z.name, "%lld*", (long long)z.coef);
    snprintf(z.name + len, sizeof z.name - (size_t)len, "%.12s%s%.12s", g->sym[z.a].name,
             z.b < 0 ? "" : "*", z.b < 0 ? "" : g->sym[z.b].name);
    return sym_add(g, z);
}

void ti_named_shape_text(const tarn_graph *g, const tarn_shape *s, char *out, size_t cap) {
    size_t at = 0;
    for (int i = 0; i < s->rank && i < TARN_MAX_RANK && at < cap; i++) {
        const char *comma = i ? "," : "[";
        bool named = g && s->dim[i] < 0 && -s->dim[i] <= g->n_sym;
        int n = named ? snprintf(out + at, cap - at, "%s%s", comma, g->sym[sym_of(s->dim[i])].name)
                      : snprintf(out + at, cap - at, "%s%lld", comma, (long long)s->dim[i]);
        at += (size_t)n;
    }
    if (at < cap) snprintf(out + at, cap - at, "%s", s->rank ? "]" : "[]");
}
