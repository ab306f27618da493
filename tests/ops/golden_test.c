// Every op against NumPy (tests/golden/ops/*.txt, made by make.py, which states the format): f32
// and f64, interpreted, compiled, and on the reference device. All cases of a file are one program,
// so that their kernels meet as they do in a training step.
#include <math.h>
#include <string.h>

#include "ops/support.h"

enum { MAX_CASES = 256, MAX_FETCHES = 512, MAX_SHOWN = 16 };

// |got - want| <= absolute + relative * |want|, for f32 and f64. Ops that are not here are exact to
// the bit, the sign of zero included; NaN is NaN. A long double result is rounded first.
static const struct tolerance {
    const char *op;
    double relative32, absolute32, relative64, absolute64;
} tolerances[] = {
    // one unit in the last place is at most 2^-23 (f32) or 2^-52 (f64) of the value; the absolute
    // part is one unit among the denormals
    {"exp", 0x1p-23, 0x1p-149, 0x1p-52, 0x1p-1074},
    {"log", 0x1p-23, 0, 0x1p-52, 0},
    {"tanh", 2 * 0x1p-23, 0, 8 * 0x1p-52, 0},
    // 1 / (1 + exp(-x)) gives 0 where exp(-x) overflows: below the smallest normal number
    {"sigmoid", 3 * 0x1p-23, 0x1p-126, 3 * 0x1p-52, 0x1p-1022},
    // a sum of n numbers of size 2 in 16 lanes and chunks of 4096: error grows with n / 16
    // roundings
    {"sum", 1e-6, 1e-5, 1e-15, 1e-13},
    {"mean", 1e-6, 1e-6, 1e-15, 1e-15},
    {"dot", 1e-6, 5e-5, 1e-15, 1e-13},
    {"softmax", 1e-6, 0x1p-149, 2e-15, 0x1p-1074},
    {"softmax_cross_entropy", 1e-6, 1e-6, 2e-15, 2e-15},
    {"dropout", 2 * 0x1p-24, 0, 2 * 0x1p-53, 0},  // x times 1 / (1 - rate), which is rounded
};

// ---- reading ------------------------------------------------------------------------------------

typedef struct operand {
    bool both;  // dtype f: f32 and f64
    tarn_dtype dtype;
    tarn_tensor *value;  // f64 for floats, i64 for all others
} operand;

typedef struct golden {
    const ti_op *op;
    char name[100];
    bool cpu_only;
    ti_attrs at;
    char stream[16];  // of a dropout
    operand in[3], out;
    int n_in;
} golden;

static golden cases[MAX_CASES];
static int n_cases;

static tarn_dtype dtype_named(const char *name) {
    int t = 0;
    while (t < TARN_DTYPE_COUNT && strcmp(tarn_dtype_name((tarn_dtype)t), name)) t++;
    CHECK(t < TARN_DTYPE_COUNT);
    return (tarn_dtype)t;
}

static const char *word(char **text) {
    while (**text == ' ') ++*text;
    char *w = *text;
    *text += strcspn(w, " \n");
    if (**text) *(*text)++ = 0;
    return w;
}

static tarn_shape read_shape(const char *text) {
    tarn_shape s = {0};
    if (!strcmp(text, "scalar")) return s;
    char *end = NULL;
    do {
        s.dim[s.rank++] = strtoll(text, &end, 10);
        text = end + 1;
    } while (*end == 'x');
    return s;
}

static void read_numbers(operand *o, char *text) {
    int64_t n = tarn_tensor_numel(o->value);
    void *data = tarn_tensor_data(o->value);
    bool floats = tarn_tensor_dtype(o->value) == TARN_F64;
    for (int64_t i = 0; i < n; i++) {
        if (floats) ((double *)data)[i] = strtod(text, &text);
        if (!floats) ((int64_t *)data)[i] = strtoll(text, &text, 10);
    }
    CHECK(*text == '\n');
}

// The generator of make.py.
static void draw(operand *o, char *text) {
    uint32_t start = (uint32_t)(strtoul(text, &text, 10) * 0x9e3779b9u);
    double low = strtod(text, &text), high = strtod(text, &text);
    bool floats = tarn_tensor_dtype(o->value) == TARN_F64;
    for (int64_t i = 0; i < tarn_tensor_numel(o->value); i++) {
        uint32_t h = start + (uint32_t)i;
        h = (h ^ h >> 16) * 0x85ebca6bu;
        h = (h ^ h >> 13) * 0xc2b2ae35u;
        h ^= h >> 16;
        float v = (float)(low + (high - low) * ((double)(h >> 8) * 0x1p-24));
        if (floats) ((double *)tarn_tensor_data(o->value))[i] = (double)v;
        if (!floats) ((int64_t *)tarn_tensor_data(o->value))[i] = (int64_t)floorf(v);
    }
}

static void read_operand(operand *o, char *text) {
    const char *dtype = word(&text);
    o->both = !strcmp(dtype, "f");
    o->dtype = o->both ? TARN_F32 : dtype_named(dtype);
    bool floats = ti_dtype_float(o->dtype);
    tarn_shape shape = read_shape(word(&text));
    CHECK_OK(tarn_tensor_create(floats ? TARN_F64 : TARN_I64, shape, &o->value));
    if (!strcmp(word(&text), "=")) {
        read_numbers(o, text);
    } else {
        draw(o, text);
    }
}

static void read_attribute(golden *c, char *text) {
    const char *key = word(&text);
    double first = strtod(text, NULL);
    if (!strcmp(key, "axes")) c->at.axes = (uint32_t)first;
    if (!strcmp(key, "keep")) c->at.keep = first != 0;
    if (!strcmp(key, "axis")) c->at.axis = (int32_t)first;
    if (!strcmp(key, "trans_a")) c->at.trans_a = first != 0;
    if (!strcmp(key, "trans_b")) c->at.trans_b = first != 0;
    if (!strcmp(key, "rate") || !strcmp(key, "value")) c->at.value = first;
    if (!strcmp(key, "dtype")) c->at.dtype = dtype_named(word(&text));
    if (!strcmp(key, "stream")) {
        snprintf(c->stream, sizeof c->stream, "%s", word(&text));
        c->at.stream = ti_hash64(c->stream);
    }
    bool shape = !strcmp(key, "shape"), perm = !strcmp(key, "perm");
    bool start = !strcmp(key, "start"), step = !strcmp(key, "step");
    bool window = !strcmp(key, "window");
    ti_window *w = &c->at.window;
    int32_t *place[] = {&w->kh, &w->kw, &w->sh, &w->sw, &w->oh, &w->ow};
    for (int i = 0; (shape || perm || start || step || window) && *text && *text != '\n'; i++) {
        int64_t v = strtoll(text, &text, 10);
        if (shape) c->at.shape.dim[c->at.shape.rank++] = v;
        if (perm) c->at.perm[i] = (int32_t)v;
        if (start) c->at.start[i] = v;
        if (step) c->at.step[i] = v;
        if (window) *place[i] = (int32_t)v;
    }
}

static void read_case(golden *c, char *text) {
    snprintf(c->name, sizeof c->name, "%.*s", (int)strcspn(text, "\n"), text);
    c->op = ti_op_find(word(&text));
    CHECK(c->op);
    c->cpu_only = !strncmp(text, "cpu ", 4);
}

static void read_family(const char *family) {
    char path[256], *line = NULL;
    size_t cap = 0;
    snprintf(path, sizeof path, "%s/tests/golden/ops/%s.txt", test_source_dir(), family);
    FILE *f = fopen(path, "r");
    CHECK(f);
    while (getline(&line, &cap, f) > 0) {
        golden *c = &cases[n_cases ? n_cases - 1 : 0];
        char *text = line;
        const char *kind = word(&text);
        if (!strcmp(kind, "case")) {
            CHECK(n_cases < MAX_CASES);
            read_case(&cases[n_cases++], text);
        }
        if (!strcmp(kind, "at")) read_attribute(c, text);
        if (!strcmp(kind, "in")) read_operand(&c->in[c->n_in++], text);
        if (!strcmp(kind, "out")) read_operand(&c->out, text);
    }
    free(line);
    fclose(f);
    CHECK(n_cases > 0);
}

// ---- the program --------------------------------------------------------------------------------

typedef struct fetched {
    const golden *c;
    tarn_node *y;
    tarn_dtype dtype;
    tarn_tensor *in[3];  // as fed
} fetched;

static fetched fetches[MAX_FETCHES];
static int n_fetches;

static tarn_node *build(tarn_graph *g, const golden *c, tarn_node *const *in) {
    if (c->op == &ti_op_dropout) return tarn_dropout(g, in[0], c->at.value, c->stream);
    return ti_node(g, c->op, in, c->n_in, &c->at);
}

// One case with what it calls f as `f`.
static void add_case(tarn_graph *g, const golden *c, tarn_dtype f) {
    CHECK(n_fetches < MAX_FETCHES);
    fetched *x = &fetches[n_fetches];
    tarn_node *in[3] = {NULL};
    char name[32];
    x->c = c;
    x->dtype = c->out.both ? f : c->out.dtype;
    for (int i = 0; i < c->n_in; i++) {
        tarn_dtype t = c->in[i].both ? f : c->in[i].dtype;
        CHECK_OK(tarn_tensor_cast(c->in[i].value, t, &x->in[i]));
        snprintf(name, sizeof name, "%d_%d", n_fetches, i);
        in[i] = tarn_input(g, name, t, *tarn_tensor_shape(x->in[i]));
    }
    x->y = build(g, c, in);
    if (!x->y) test_fail(__FILE__, __LINE__, "%s: \"%s\"", c->name, tarn_last_error());
    CHECK_EQ_I(x->y->dtype, x->dtype);
    if (!tarn_shape_equal(&x->y->shape, tarn_tensor_shape(c->out.value)))
        test_fail(__FILE__, __LINE__, "%s: shape", c->name);
    n_fetches++;
}

static bool has_float(const golden *c) {
    bool any = c->out.both;
    for (int i = 0; i < c->n_in; i++) any |= c->in[i].both;
    return any;
}

static void bind_all(tarn_program *p) {
    char name[32];
    for (int k = 0; k < n_fetches; k++)
        for (int i = 0; i < fetches[k].c->n_in; i++) {
            tarn_tensor *t = fetches[k].in[i];
            snprintf(name, sizeof name, "%d_%d", k, i);
            if (has_input(p, name))
                CHECK_OK(tarn_bind(p, name, tarn_tensor_cdata(t), *tarn_tensor_shape(t)));
        }
}

// ---- comparing ----------------------------------------------------------------------------------

static const struct tolerance *tolerance_of(const ti_op *op) {
    for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++)
        if (!strcmp(tolerances[i].op, op->name)) return &tolerances[i];
    return NULL;
}

static bool close_enough(const fetched *x, double got, double want) {
    const struct tolerance *t = tolerance_of(x->c->op);
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    // in NumPy the sign of a sum of zeros depends on the library behind it
    if (want == got) return !signbit(want) == !signbit(got) || x->c->op == &ti_op_dot;
    if (!t || !isfinite(want) || !isfinite(got)) return false;
    bool f32 = x->dtype == TARN_F32;
    double relative = f32 ? t->relative32 : t->relative64;
    return fabs(got - want) <= (f32 ? t->absolute32 : t->absolute64) + relative * fabs(want);
}

// Number of elements of result k that are wrong; shows the first.
static int64_t wrong_floats(const fetched *x, const void *got, bool show) {
    const double *want = tarn_tensor_cdata(x->c->out.value);
    int64_t wrong = 0, n = tarn_tensor_numel(x->c->out.value);
    for (int64_t i = 0; i < n; i++) {
        bool f32 = x->dtype == TARN_F32;
        double g = f32 ? (double)((const float *)got)[i] : ((const double *)got)[i];
        double w = f32 ? (double)(float)want[i] : want[i];
        if (close_enough(x, g, w)) continue;
        if (!wrong++ && show)
            printf("  %s, %s, element %lld: %.17g, expected %.17g\n", x->c->name,
                   tarn_dtype_name(x->dtype), (long long)i, g, w);
    }
    return wrong;
}

static int64_t wrong_integers(const fetched *x, const void *got, bool show) {
    tarn_tensor *want = NULL, *back = NULL, *mine = NULL;
    int64_t wrong = 0, n = tarn_tensor_numel(x->c->out.value);
    CHECK_OK(tarn_tensor_cast(x->c->out.value, x->dtype, &want));
    CHECK_OK(tarn_tensor_cast(want, TARN_I64, &back));
    tarn_tensor_release(want);
    CHECK_OK(tarn_tensor_from(x->dtype, *tarn_tensor_shape(back), got, &want));
    CHECK_OK(tarn_tensor_cast(want, TARN_I64, &mine));
    for (int64_t i = 0; i < n; i++) {
        long long g = ((const int64_t *)tarn_tensor_cdata(mine))[i];
        long long w = ((const int64_t *)tarn_tensor_cdata(back))[i];
        if (g != w && !wrong++ && show)
            printf("  %s, element %lld: %lld, expected %lld\n", x->c->name, (long long)i, g, w);
    }
    tarn_tensor_release(want);
    tarn_tensor_release(back);
    tarn_tensor_release(mine);
    return wrong;
}

static void free_all(rig *r) {
    rig_free(r);
    for (int k = 0; k < n_fetches; k++)
        for (int i = 0; i < 3; i++) tarn_tensor_release(fetches[k].in[i]);
    for (int k = 0; k < n_cases; k++) {
        tarn_tensor_release(cases[k].out.value);
        for (int i = 0; i < cases[k].n_in; i++) tarn_tensor_release(cases[k].in[i].value);
    }
}

static void check_family(const char *family, const char *device, tarn_jit jit) {
    bool ref = !strcmp(device, "ref");
    rig r = rig_make();
    tarn_node *nodes[MAX_FETCHES];
    if (jit == TARN_JIT_WAIT) need_compiler();
    read_family(family);
    for (int i = 0; i < n_cases; i++) {
        if (ref && cases[i].cpu_only) continue;
        add_case(r.g, &cases[i], TARN_F32);
        if (has_float(&cases[i])) add_case(r.g, &cases[i], TARN_F64);
    }
    for (int k = 0; k < n_fetches; k++) nodes[k] = fetches[k].y;
    rig_compile(&r, (tarn_fetch){nodes, n_fetches}, device, &(tarn_compile_opts){.jit = jit});
    CHECK_EQ_I(tarn_program_stats(r.p).compiled, jit == TARN_JIT_WAIT);
    bind_all(r.p);
    CHECK_OK(tarn_run(r.p));
    int wrong = 0;
    for (int k = 0; k < n_fetches; k++) {
        const void *got = tarn_result(r.p, k, NULL);
        bool floats = ti_dtype_float(fetches[k].dtype), show = wrong < MAX_SHOWN;
        CHECK(got);
        wrong += (floats ? wrong_floats : wrong_integers)(&fetches[k], got, show) > 0;
    }
    if (wrong) test_fail(__FILE__, __LINE__, "%d of %d results are wrong", wrong, n_fetches);
    free_all(&r);
}

#define FAMILY(name)                                                                         \
    TEST(name##_agrees_with_numpy_interpreted) { check_family(#name, "cpu", TARN_JIT_OFF); } \
    TEST(name##_agrees_with_numpy_compiled) { check_family(#name, "cpu", TARN_JIT_WAIT); }   \
    TEST(name##_agrees_with_numpy_on_ref) { check_family(#name, "ref", TARN_JIT_OFF); }
FAMILY(binary)
FAMILY(compare)
FAMILY(unary)
FAMILY(cast)
FAMILY(index)
FAMILY(reduce)
FAMILY(dot)
FAMILY(shape)
FAMILY(composite)
