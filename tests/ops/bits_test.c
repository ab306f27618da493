// The bit model: whatever way a program is compiled and run, its results are the same bits. Every
// op x sample x variant of the registry, and a graph large enough to be shared among threads; the
// reference device agrees within a stated tolerance.
#include <math.h>

#include "ops/support.h"

enum { MAX_RESULTS = 512, MAX_INPUTS = 1024, MAX_EFFECTS = 16 };

// How a program is compiled and run.
typedef struct way {
    const char *name;
    tarn_compile_opts opts;
    int threads;         // 0: two
    const char *device;  // NULL: "cpu"
    const char *isa;     // NULL: the machine's best
} way;
#define WAY(text, ...)                        \
    {                                         \
        .name = text, .opts = { __VA_ARGS__ } \
    }

static const way interpreted = WAY("interpreted", .jit = TARN_JIT_OFF);

typedef struct batch {
    rig r;
    tarn_node *y[MAX_RESULTS];
    char what[MAX_RESULTS][96];
    int n;
    tarn_node *effect[MAX_EFFECTS];
    int n_effects;
    tarn_tensor *in[MAX_INPUTS];
    int n_in;
    const void *got[MAX_RESULTS];
    size_t bytes[MAX_RESULTS];
} batch;

typedef void (*fill_fn)(batch *b, tarn_dtype f);

static void fetch(batch *b, tarn_node *y, const char *what) {
    CHECK_OK(tarn_graph_status(b->r.g));
    CHECK(b->n < MAX_RESULTS);
    snprintf(b->what[b->n], sizeof b->what[0], "%s", what);
    b->y[b->n++] = y;
}

static void assign(batch *b, tarn_node *variable, tarn_node *value) {
    CHECK(b->n_effects < MAX_EFFECTS);
    b->effect[b->n_effects++] = tarn_assign(b->r.g, variable, value);
    CHECK_OK(tarn_graph_status(b->r.g));
}

// Keeps the tensor for binding.
static tarn_node *feed(batch *b, tarn_tensor *t) {
    char name[16];
    CHECK(b->n_in < MAX_INPUTS);
    snprintf(name, sizeof name, "%d", b->n_in);
    b->in[b->n_in++] = t;
    return tarn_input(b->r.g, name, tarn_tensor_dtype(t), *tarn_tensor_shape(t));
}

static void bind_all(const batch *b) {
    char name[16];
    for (int i = 0; i < b->n_in; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (has_input(b->r.p, name))
            CHECK_OK(
                tarn_bind(b->r.p, name, tarn_tensor_cdata(b->in[i]), *tarn_tensor_shape(b->in[i])));
    }
}

// Fills, compiles, runs. Two runs: the second finds the memory as the first left it, and draws of
// random bits go on.
static batch *run(fill_fn fill, tarn_dtype f, const way *w) {
    batch *b = calloc(1, sizeof *b);
    CHECK(b);
    CHECK(!w->isa || use_isa(w->isa));
    b->r = rig_make();
    fill(b, f);
    tarn_node *all[MAX_RESULTS + MAX_EFFECTS];
    memcpy(all, b->y, sizeof b->y);
    memcpy(all + b->n, b->effect, sizeof b->effect);
    CHECK_OK(tarn_set_threads(w->threads ? w->threads : 2));
    rig_compile(&b->r, (tarn_fetch){all, b->n + b->n_effects}, w->device ? w->device : "cpu",
                &w->opts);
    CHECK_EQ_I(tarn_program_stats(b->r.p).compiled, w->opts.jit == TARN_JIT_WAIT);
    bind_all(b);
    CHECK_OK(tarn_run(b->r.p));
    CHECK_OK(tarn_run(b->r.p));
    for (int i = 0; i < b->n; i++) b->got[i] = result_bytes(b->r.p, i, &b->bytes[i]);
    return b;
}

static void batch_free(batch *b) {
    for (int i = 0; i < b->n_in; i++) tarn_tensor_release(b->in[i]);
    rig_free(&b->r);
    free(b);
}

static void check_same_bits(const batch *a, const batch *b, const char *way_name) {
    CHECK_EQ_I(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        CHECK_EQ_I(a->bytes[i], b->bytes[i]);
        const char *x = a->got[i], *y = b->got[i];
        for (size_t k = 0; k < a->bytes[i]; k++)
            if (x[k] != y[k])
                test_fail(__FILE__, __LINE__, "%s, %s: byte %zu of %zu differs", way_name,
                          a->what[i], k, a->bytes[i]);
    }
    char hash[2][65];
    CHECK_OK(tarn_store_sha256(a->r.store, hash[0]));
    CHECK_OK(tarn_store_sha256(b->r.store, hash[1]));
    CHECK_STR(hash[0], hash[1]);
}

static void check_ways(fill_fn fill, const way *ways, int n) {
    static const tarn_dtype floats[] = {TARN_F32, TARN_F64};
    for (int f = 0; f < 2; f++) {
        batch *base = run(fill, floats[f], &interpreted);
        for (int i = 0; i < n; i++) {
            batch *b = run(fill, floats[f], &ways[i]);
            check_same_bits(base, b, ways[i].name);
            batch_free(b);
        }
        batch_free(base);
    }
}

// ---- every op of the registry -------------------------------------------------------------------

static void add_sample(batch *b, const ti_op *op, const ti_sample *s, int variant) {
    tarn_node *in[TI_SAMPLE_MAX_IN] = {NULL};
    char what[96];
    for (int i = 0; i < s->n_in; i++) in[i] = feed(b, tarn_tensor_retain(s->data[i]));
    snprintf(what, sizeof what, "%s %s", op->name, s->text);
    fetch(b,
          op->variant ? op->variant(b->r.g, in, variant) : ti_node(b->r.g, op, in, s->n_in, NULL),
          what);
}

static void add_op(batch *b, const ti_op *op, tarn_dtype f, int most_variants) {
    for (int i = 0, variant = 0;;) {
        ti_sample s;
        CHECK_OK(ti_sample_make(op, i, variant, f, &s));
        bool past = !s.g, next = !s.y || variant == most_variants;
        if (!next) add_sample(b, op, &s, variant);
        ti_sample_free(&s);
        if (past) return;
        variant = next ? 0 : variant + 1;
        i += next;
    }
}

static void every_op(batch *b, tarn_dtype f) {
    for (const ti_op *const *op = ti_op_table; *op; op++) add_op(b, *op, f, 100);
    CHECK(b->n > 200);
}

// Of many variants only the first, as compiling all takes ten seconds; fewer in f64, whose printed
// text differs by a type's name.
static void every_op_in_short(batch *b, tarn_dtype f) {
    for (const ti_op *const *op = ti_op_table; *op; op++) add_op(b, *op, f, f == TARN_F32 ? 2 : 1);
    CHECK(b->n > 80);
}

TEST(compiled_kernels_of_every_op_give_the_interpreter_s_bits) {
    const way ways[] = {WAY("compiled", .jit = TARN_JIT_WAIT)};
    need_compiler();
    check_ways(every_op_in_short, ways, 1);
}

TEST(passes_and_memory_choices_change_no_bit_of_any_op) {
    const way ways[] = {
        WAY("without simplify", .jit = TARN_JIT_OFF, .skip_pass = "simplify"),
        WAY("without fuse", .jit = TARN_JIT_OFF, .skip_pass = "fuse"),
        WAY("without any pass", .jit = TARN_JIT_OFF, .skip_pass = "all"),
        WAY("not in place", .jit = TARN_JIT_OFF, .no_in_place = true),
        WAY("poisoned", .jit = TARN_JIT_OFF, .poison = true),
        WAY("poisoned without fuse", .jit = TARN_JIT_OFF, .poison = true, .skip_pass = "fuse"),
    };
    check_ways(every_op, ways, sizeof ways / sizeof *ways);
}

// Zeros that differ in sign: a product that underflows below zero, and x - (-0) for x = -0.
static void signed_zeros(batch *b, tarn_dtype f) {
    tarn_graph *g = b->r.g;
    double tiny = f == TARN_F32 ? 1e-30 : 1e-200, x[3] = {-tiny, -0.0, 1}, y[3] = {tiny, 1, -1};
    tarn_tensor *t = NULL, *in[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(tarn_tensor_from(TARN_F64, TARN_SHAPE(3), i ? y : x, &t));
        CHECK_OK(tarn_tensor_cast(t, f, &in[i]));
        tarn_tensor_release(t);
    }
    tarn_node *column = tarn_reshape(g, feed(b, in[0]), TARN_SHAPE(3, 1));
    tarn_node *row = tarn_reshape(g, feed(b, in[1]), TARN_SHAPE(1, 3));
    fetch(b, tarn_matmul(g, column, row), "product over one element");
    fetch(b, tarn_sub(g, column, tarn_constant(g, f, -0.0)), "minus -0");
    fetch(b, tarn_sub(g, column, tarn_constant(g, f, 0)), "minus 0");
    fetch(b, tarn_sum(g, column, TARN_AXIS(1), 0), "sum of one element");
}

TEST(simplification_keeps_the_sign_of_zeros) {
    const way ways[] = {WAY("without simplify", .jit = TARN_JIT_OFF, .skip_pass = "simplify")};
    check_ways(signed_zeros, ways, 1);
}

static void check_isa(fill_fn fill, const char *name, tarn_jit jit) {
    way ways[] = {{.name = name, .opts = {.jit = jit}, .isa = name}};
    if (!use_isa(name)) SKIP("this processor has no %s", name);
    unsetenv("TARN_ISA");
    check_ways(fill, ways, 1);
}

TEST(scalar_code_gives_the_bits_of_vectors_for_every_op) {
    check_isa(every_op, "scalar", TARN_JIT_OFF);
}
TEST(avx2_gives_the_same_bits_for_every_op) { check_isa(every_op, "avx2", TARN_JIT_OFF); }
TEST(avx512_gives_the_same_bits_for_every_op) { check_isa(every_op, "avx512", TARN_JIT_OFF); }

// ---- against the reference device ---------------------------------------------------------------

// The reference sums in f64 and rounds once: what differs is the rounding of a sum in f32, of up to
// 700 products of size 4 in one chain.
static bool near_ref(tarn_dtype t, const void *got, const void *want, int64_t i, double *g,
                     double *w) {
    double rel = t == TARN_F32 ? 1e-6 : 1e-12, abs = t == TARN_F32 ? 5e-5 : 1e-13;
    if (!ti_dtype_float(t)) return true;
    *g = t == TARN_F32 ? (double)((const float *)got)[i] : ((const double *)got)[i];
    *w = t == TARN_F32 ? (double)((const float *)want)[i] : ((const double *)want)[i];
    return *g == *w || fabs(*g - *w) <= abs + rel * fabs(*w);
}

static void check_near_ref(fill_fn fill, tarn_dtype f) {
    const way on_ref = {.name = "ref", .device = "ref", .opts = {.jit = TARN_JIT_OFF}};
    batch *cpu = run(fill, f, &interpreted), *ref = run(fill, f, &on_ref);
    for (int k = 0; k < cpu->n; k++) {
        tarn_dtype t = cpu->r.p->plan->values[cpu->r.p->plan->fetch[k]].dtype;
        double g = 0, w = 0;
        if (!ti_dtype_float(t) && memcmp(cpu->got[k], ref->got[k], cpu->bytes[k]))
            test_fail(__FILE__, __LINE__, "%s: integers differ", cpu->what[k]);
        for (size_t i = 0; i < cpu->bytes[k] / tarn_dtype_size(t); i++)
            if (!near_ref(t, cpu->got[k], ref->got[k], (int64_t)i, &g, &w))
                test_fail(__FILE__, __LINE__, "%s, element %zu: cpu %.17g, ref %.17g", cpu->what[k],
                          i, g, w);
    }
    batch_free(cpu);
    batch_free(ref);
}

TEST(every_op_agrees_with_the_reference_device) {
    check_near_ref(every_op, TARN_F32);
    check_near_ref(every_op, TARN_F64);
}

// ---- large enough for threads -------------------------------------------------------------------

static tarn_node *feed_random(batch *b, tarn_dtype f, tarn_shape s) {
    tarn_tensor *x = NULL, *y = NULL;
    CHECK_OK(tarn_tensor_create(TARN_F32, s, &x));
    for (int64_t i = 0; i < tarn_tensor_numel(x); i++) {  // in [-2, 2), the same for every way
        uint32_t bits[4];
        ti_philox(test_seed(), (uint64_t)i, (uint64_t)b->n_in, bits);
        ((float *)tarn_tensor_data(x))[i] = (float)(bits[0] >> 8) * 0x1p-22f - 2;
    }
    CHECK_OK(tarn_tensor_cast(x, f, &y));
    tarn_tensor_release(x);
    return feed(b, y);
}

static void sums(batch *b, tarn_dtype f) {
    tarn_graph *g = b->r.g;
    tarn_node *x = feed_random(b, f, TARN_SHAPE(301, 257));
    tarn_node *tall = feed_random(b, f, TARN_SHAPE(9001, 70));
    tarn_node *wide = feed_random(b, f, TARN_SHAPE(3, 40001));
    tarn_node *deep = feed_random(b, f, TARN_SHAPE(30, 41, 33));
    fetch(b, tarn_sum(g, x, TARN_AXIS(0), 0), "sum of columns");
    fetch(b, tarn_sum(g, tarn_mul(g, x, x), TARN_ALL_AXES, 0), "sum of squares");
    fetch(b, tarn_sum(g, tall, TARN_AXIS(0), 0), "sum of 9001 rows");
    fetch(b, tarn_max(g, tall, TARN_AXIS(0), 0), "max of 9001 rows");
    fetch(b, tarn_sum(g, tarn_tanh(g, wide), TARN_AXIS(1), 0), "sum of 40001 columns");
    fetch(b, tarn_sum(g, deep, TARN_AXIS(1), 0), "sum along the middle");
    fetch(b, tarn_softmax(g, x), "softmax");
    fetch(b, tarn_argmax(g, x), "argmax");
}

static void products(batch *b, tarn_dtype f) {
    static const int turn[2] = {1, 0};
    tarn_graph *g = b->r.g;
    tarn_node *x = feed_random(b, f, TARN_SHAPE(131, 700));
    tarn_node *w = tarn_variable(g, "w", f, TARN_SHAPE(700, 150), tarn_init_glorot_uniform());
    tarn_node *v = tarn_variable(g, "v", f, TARN_SHAPE(150, 10), tarn_init_glorot_uniform());
    tarn_node *h = tarn_maximum(g, tarn_matmul(g, x, w), tarn_constant(g, f, 0));
    fetch(b, h, "product and maximum");
    fetch(b, tarn_matmul(g, h, v), "product of few columns");
    fetch(b, tarn_dot(g, h, w, false, true), "transposed variable");
    fetch(b, tarn_dot(g, x, h, true, false), "both from memory");
    fetch(b, tarn_matmul(g, tarn_transpose(g, h, turn), x), "transposed view");
    fetch(b, tarn_matmul(g, tarn_reshape(g, v, TARN_SHAPE(10, 150)), tarn_transpose(g, h, turn)),
          "reshaped variable");
}

static void elements(batch *b, tarn_dtype f) {
    static const int turn[3] = {2, 0, 1};
    tarn_graph *g = b->r.g;
    tarn_node *x = feed_random(b, f, TARN_SHAPE(40, 51, 37));
    tarn_node *row = feed_random(b, f, TARN_SHAPE(51, 1));
    tarn_node *w = tarn_variable(g, "e", f, TARN_SHAPE(333, 211), tarn_init_uniform(-1, 1));
    tarn_node *y = tarn_div(g, tarn_exp(g, x),
                            tarn_add(g, tarn_abs(g, row), tarn_constant(g, f, 1)));
    fetch(b, y, "element-wise");
    fetch(b, tarn_transpose(g, y, turn), "transposed");
    fetch(b, tarn_dropout(g, x, 0.3, "large"), "dropout");
    fetch(b, tarn_cast(g, tarn_mul(g, x, tarn_constant(g, f, 100)), TARN_I32), "cast");
    fetch(b, tarn_add(g, tarn_cast(g, tarn_iota(g, x->shape, 1), f), x), "iota");
    fetch(b, tarn_sum(g, tarn_mul(g, w, w), TARN_AXIS(0), 0), "variable by columns");
    assign(b, w, tarn_mul(g, tarn_tanh(g, w), tarn_constant(g, f, 0.5)));
}

// A training step: 61 samples, 90-70-10 with relu and dropout, gradient descent.
static void step(batch *b, tarn_dtype f) {
    tarn_graph *g = b->r.g;
    tarn_tensor *labels = NULL;
    CHECK_OK(tarn_tensor_create(TARN_I32, TARN_SHAPE(61), &labels));
    for (int i = 0; i < 61; i++) ((int32_t *)tarn_tensor_data(labels))[i] = i * 7 % 10;
    tarn_node *x = feed_random(b, f, TARN_SHAPE(61, 90)), *y = feed(b, labels);
    tarn_node *w[2], *c[2], *d[4];
    w[0] = tarn_variable(g, "w0", f, TARN_SHAPE(90, 70), tarn_init_he_normal());
    w[1] = tarn_variable(g, "w1", f, TARN_SHAPE(70, 10), tarn_init_glorot_uniform());
    c[0] = tarn_variable(g, "c0", f, TARN_SHAPE(70), tarn_init_zeros());
    c[1] = tarn_variable(g, "c1", f, TARN_SHAPE(10), tarn_init_zeros());
    tarn_node *h = tarn_dropout(g, tarn_relu(g, tarn_add(g, tarn_matmul(g, x, w[0]), c[0])), 0.2,
                                "h");
    tarn_node *z = tarn_add(g, tarn_matmul(g, h, w[1]), c[1]);
    tarn_node *loss = tarn_mean(g, tarn_softmax_cross_entropy(g, z, y), TARN_ALL_AXES, 0);
    tarn_node *all[4] = {w[0], w[1], c[0], c[1]};
    loss = tarn_check_finite(g, loss, "loss");
    CHECK_OK(tarn_gradients(g, loss, all, 4, d));
    for (int i = 0; i < 4; i++) {
        tarn_node *to = tarn_sub(g, all[i], tarn_mul(g, d[i], tarn_constant(g, f, 0.1)));
        fetch(b, to, "updated weights");
        assign(b, all[i], to);
    }
    fetch(b, loss, "loss");
}

static void large(batch *b, tarn_dtype f) {
    sums(b, f);
    products(b, f);
    elements(b, f);
    step(b, f);
}

TEST(any_number_of_threads_gives_the_same_bits) {
    const way ways[] = {
        {.name = "1 thread", .opts = {.jit = TARN_JIT_OFF}, .threads = 1},
        {.name = "3 threads", .opts = {.jit = TARN_JIT_OFF}, .threads = 3},
        {.name = "8 threads", .opts = {.jit = TARN_JIT_OFF}, .threads = 8},
    };
    check_ways(large, ways, 3);
}

TEST(compiled_kernels_give_the_same_bits_on_any_number_of_threads) {
    const way ways[] = {
        {.name = "1 thread compiled", .opts = {.jit = TARN_JIT_WAIT}, .threads = 1},
        {.name = "2 threads compiled", .opts = {.jit = TARN_JIT_WAIT}, .threads = 2},
        {.name = "8 threads compiled", .opts = {.jit = TARN_JIT_WAIT}, .threads = 8},
    };
    need_compiler();
    check_ways(large, ways, 3);
}

TEST(passes_and_memory_choices_change_no_bit_of_a_large_graph) {
    const way ways[] = {
        WAY("without simplify", .jit = TARN_JIT_OFF, .skip_pass = "simplify"),
        WAY("without fuse", .jit = TARN_JIT_OFF, .skip_pass = "fuse"),
        WAY("not in place", .jit = TARN_JIT_OFF, .no_in_place = true),
        WAY("poisoned", .jit = TARN_JIT_OFF, .poison = true),
    };
    check_ways(large, ways, sizeof ways / sizeof *ways);
}

TEST(scalar_code_gives_the_bits_of_vectors) { check_isa(large, "scalar", TARN_JIT_OFF); }
TEST(avx2_gives_the_same_bits) { check_isa(large, "avx2", TARN_JIT_OFF); }
TEST(avx512_gives_the_same_bits) { check_isa(large, "avx512", TARN_JIT_OFF); }
TEST(compiled_scalar_code_gives_the_same_bits) {
    need_compiler();
    check_isa(large, "scalar", TARN_JIT_WAIT);
}
TEST(compiled_avx2_gives_the_same_bits) {
    need_compiler();
    check_isa(large, "avx2", TARN_JIT_WAIT);
}

TEST(a_large_graph_agrees_with_the_reference_device) { check_near_ref(large, TARN_F64); }
