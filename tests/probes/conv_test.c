// Convolutions: values and both gradients against plain loops in f64, for strides, padding, one
// channel and many, every instruction set; and a small network of two convolutions trained in every
// way, between whose convolutions nothing is copied or reordered.
#include "probes/support.h"

typedef struct geometry {
    int64_t n, h, w, c, kh, kw, o;
    int stride[2], padding[4];
} geometry;

// Lanes within one pixel and across pixels, rows of places that wrap, sums past one block of 512
// and past the depth at which they are cut, images smaller than their padding.
static const geometry cases[] = {
    {2, 9, 11, 3, 3, 2, 5, {1, 1}, {0, 0, 0, 0}},
    {1, 28, 28, 1, 3, 3, 32, {1, 1}, {0}},
    {2, 26, 26, 32, 3, 3, 64, {1, 1}, {0, 0, 0, 0}},
    {3, 12, 10, 16, 5, 5, 20, {1, 1}, {2, 2, 2, 2}},
    {2, 13, 9, 8, 3, 3, 33, {2, 1}, {1, 0, 0, 1}},
    {2, 7, 7, 24, 1, 1, 17, {1, 1}, {0}},
    {1, 17, 17, 5, 4, 3, 7, {3, 2}, {1, 2, 0, 2}},
    {1, 1, 1, 2, 3, 3, 3, {1, 1}, {1, 1, 1, 1}},
    {1, 8, 8, 130, 3, 3, 6, {1, 1}, {1, 1, 1, 1}},
};
enum { CASES = sizeof cases / sizeof *cases };

static int64_t out_h(const geometry *g) {
    return (g->h + g->padding[0] + g->padding[1] - g->kh) / g->stride[0] + 1;
}
static int64_t out_w(const geometry *g) {
    return (g->w + g->padding[2] + g->padding[3] - g->kw) / g->stride[1] + 1;
}

static double at(int64_t i, int salt) {
    return (double)((i * 7919 + salt * 104729) % 1009) / 1009 - 0.5;
}

typedef struct arrays {
    int64_t nx, nw, ny;
    double *x, *w, *dy, *y, *dx, *dw;
} arrays;

static double *numbers(int64_t n, int salt) {
    double *p = calloc((size_t)n, sizeof *p);
    CHECK(p);
    for (int64_t i = 0; i < n && salt; i++) p[i] = at(i, salt);
    return p;
}

// y, dx, dw by plain loops.
static arrays by_hand(const geometry *g) {
    int64_t oh = out_h(g), ow = out_w(g);
    arrays a = {.nx = g->n * g->h * g->w * g->c,
                .nw = g->kh * g->kw * g->c * g->o,
                .ny = g->n * oh * ow * g->o};
    a.x = numbers(a.nx, 1);
    a.w = numbers(a.nw, 2);
    a.dy = numbers(a.ny, 3);
    a.y = numbers(a.ny, 0);
    a.dx = numbers(a.nx, 0);
    a.dw = numbers(a.nw, 0);
    for (int64_t r = 0; r < g->n * oh * ow; r++)
        for (int64_t t = 0; t < g->kh * g->kw * g->c; t++) {
            int64_t c = t % g->c, q = t / g->c % g->kw, p = t / g->c / g->kw;
            int64_t i = r / ow % oh * g->stride[0] + p - g->padding[0];
            int64_t j = r % ow * g->stride[1] + q - g->padding[2];
            if (i < 0 || j < 0 || i >= g->h || j >= g->w) continue;
            int64_t from = ((r / ow / oh * g->h + i) * g->w + j) * g->c + c;
            for (int64_t o = 0; o < g->o; o++) {
                a.y[r * g->o + o] += a.x[from] * a.w[t * g->o + o];
                a.dx[from] += a.dy[r * g->o + o] * a.w[t * g->o + o];
                a.dw[t * g->o + o] += a.dy[r * g->o + o] * a.x[from];
            }
        }
    return a;
}

static void free_arrays(arrays *a) {
    double *all[] = {a->x, a->w, a->dy, a->y, a->dx, a->dw};
    for (int i = 0; i < 6; i++) free(all[i]);
}

static void bind(rig *r, const char *name, tarn_dtype f, tarn_shape s, const double *x,
                 tarn_tensor **kept) {
    tarn_tensor *wide = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F64, s, x, &wide));
    CHECK_OK(tarn_tensor_cast(wide, f, kept));
    CHECK_OK(tarn_bind(r->p, name, tarn_tensor_cdata(*kept), s));
    tarn_tensor_release(wide);
}

static void check_close(const rig *r, int i, tarn_dtype f, const double *want, int64_t n) {
    if (f == TARN_F32) {
        const float *got = tarn_result(r->p, i, NULL);
        CHECK_CLOSE(got, want, n, 2e-5, 2e-4);
    } else {
        const double *got = tarn_result(r->p, i, NULL);
        CHECK_CLOSE(got, want, n, 1e-12, 1e-11);
    }
}

static void check_case(const geometry *g, tarn_dtype f, const char *device, const arrays *a) {
    rig r = rig_make();
    tarn_shape xs = TARN_SHAPE(g->n, g->h, g->w, g->c), ws = TARN_SHAPE(g->kh, g->kw, g->c, g->o);
    tarn_shape ys = TARN_SHAPE(g->n, out_h(g), out_w(g), g->o);
    tarn_node *in[2], *d[2], *dy;
    tarn_tensor *kept[3];
    in[0] = tarn_input(r.g, "x", f, xs);
    in[1] = tarn_input(r.g, "w", f, ws);
    dy = tarn_input(r.g, "dy", f, ys);
    tarn_conv2d_opts o = {{g->stride[0], g->stride[1]}, {0}};
    memcpy(o.padding, g->padding, sizeof o.padding);
    tarn_node *y = tarn_conv2d_(r.g, in[0], in[1], &o);
    CHECK_OK(tarn_graph_status(r.g));
    CHECK(tarn_shape_equal(tarn_node_shape(y), &ys));
    CHECK_OK(tarn_gradients(r.g, tarn_sum(r.g, tarn_mul(r.g, y, dy), TARN_ALL_AXES, 0), in, 2, d));
    rig_compile(&r, TARN_FETCH(y, d[0], d[1]), device, NULL);
    bind(&r, "x", f, xs, a->x, &kept[0]);
    bind(&r, "w", f, ws, a->w, &kept[1]);
    bind(&r, "dy", f, ys, a->dy, &kept[2]);
    CHECK_OK(tarn_run(r.p));
    check_close(&r, 0, f, a->y, a->ny);
    check_close(&r, 1, f, a->dx, a->nx);
    check_close(&r, 2, f, a->dw, a->nw);
    for (int i = 0; i < 3; i++) tarn_tensor_release(kept[i]);
    rig_free(&r);
}

static void check_isa(const char *isa, int threads) {
    if (!use_isa(isa)) SKIP("this processor has no %s", isa);
    CHECK_OK(tarn_set_threads(threads));
    for (int i = 0; i < CASES; i++) {
        arrays a = by_hand(&cases[i]);
        check_case(&cases[i], TARN_F32, "cpu", &a);
        check_case(&cases[i], TARN_F64, "cpu", &a);
        free_arrays(&a);
    }
}

TEST(avx512_convolves_as_plain_loops) { check_isa("avx512", 2); }
TEST(avx2_convolves_as_plain_loops) { check_isa("avx2", 3); }
TEST(scalar_code_convolves_as_plain_loops) { check_isa("scalar", 1); }
TEST(neon_convolves_as_plain_loops) { check_isa("neon", 2); }
TEST(the_reference_device_convolves_as_plain_loops) {
    for (int i = 0; i < CASES; i++) {
        if (cases[i].c == 32) continue;  // a minute
        arrays a = by_hand(&cases[i]);
        check_case(&cases[i], TARN_F64, "ref", &a);
        free_arrays(&a);
    }
}

TEST(what_is_no_convolution_is_refused) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(1, 4, 4, 2));
    tarn_node *w = tarn_input(r.g, "w", TARN_F32, TARN_SHAPE(5, 3, 2, 1));
    CHECK(!tarn_conv2d(r.g, x, w, .stride = {1}));
    CHECK_ERR(tarn_graph_status(r.g), TARN_ESHAPE, "an image of 4 x 4 is smaller than the kernel");
    rig_free(&r);
    r = rig_make();
    x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(1, 4, 4, 2));
    w = tarn_input(r.g, "w", TARN_F32, TARN_SHAPE(3, 3, 1, 1));
    CHECK(!tarn_conv2d(r.g, x, w, .stride = {1}));
    CHECK_ERR(tarn_graph_status(r.g), TARN_ESHAPE, "with the same c");
    rig_free(&r);
}

// ---- a network ----------------------------------------------------------------------------------

enum { BATCH = 5, SIZE = 12, STEPS = 3 };

static tarn_node *kernel(tarn_graph *g, const char *name, int in, int out) {
    return tarn_variable(g, name, TARN_F32, TARN_SHAPE(3, 3, in, out), tarn_init_he_normal());
}

// Two convolutions with bias and relu, mean over places, a linear layer.
static tarn_node *build(rig *r, int64_t most) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, most);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, SIZE, SIZE, 1));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *b = tarn_variable(g, "b", TARN_F32, TARN_SHAPE(16), tarn_init_constant(0.1));
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(24, 3), tarn_init_he_normal());
    tarn_node *h = tarn_relu(
        g, tarn_add(g, tarn_conv2d(g, x, kernel(g, "k0", 1, 16), .stride = {1}), b));
    h = tarn_relu(g, tarn_conv2d(g, h, kernel(g, "k1", 16, 24), .padding = {1, 1, 1, 1}));
    h = tarn_mean(g, h, TARN_AXIS(1) | TARN_AXIS(2), 0);
    tarn_node *each = tarn_softmax_cross_entropy(g, tarn_matmul(g, h, w), y);
    return tarn_minimize(g, tarn_mean(g, each, TARN_ALL_AXES, 0), tarn_adam(.learning_rate = 0.01),
                         NULL);
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    static float x[BATCH * SIZE * SIZE];
    int32_t y[BATCH];
    rig r = rig_make();
    rig_compile(&r, TARN_FETCH(build(&r, BATCH)), "cpu", o);
    for (int i = 0; i < STEPS; i++) {
        int64_t batch = BATCH - i;  // the last ones are smaller
        for (int k = 0; k < BATCH * SIZE * SIZE; k++) x[k] = (float)at(k, i + 1);
        for (int k = 0; k < BATCH; k++) y[k] = (k + i) % 3;
        CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(batch, SIZE, SIZE, 1)));
        probe_run(&r, "y", y, TARN_SHAPE(batch));
    }
    CHECK_OK(tarn_store_sha256(r.store, hash));
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

// Planned for one picture, where the batch is no longer a dimension, or for several.
TEST(one_picture_trains_as_planned_alone_or_with_others) {
    float x[SIZE * SIZE];
    int32_t y = 2;
    char hash[2][65];
    for (int k = 0; k < SIZE * SIZE; k++) x[k] = (float)at(k, 5);
    for (int i = 0; i < 2; i++) {
        rig r = rig_make();
        rig_compile(&r, TARN_FETCH(build(&r, i ? BATCH : 1)), "cpu", NULL);
        CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(1, SIZE, SIZE, 1)));
        probe_run(&r, "y", &y, TARN_SHAPE(1));
        CHECK_OK(tarn_store_sha256(r.store, hash[i]));
        rig_free(&r);
    }
    CHECK_STR(hash[0], hash[1]);
}

// Forward, what lies between the two convolutions is one kernel: bias and relu.
TEST(nothing_is_reordered_between_convolutions) {
    rig r = rig_make();
    tarn_set_max_batch(r.g, BATCH);
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, SIZE, SIZE, 1));
    tarn_node *b = tarn_variable(r.g, "b", TARN_F32, TARN_SHAPE(16), tarn_init_zeros());
    tarn_node *h = tarn_conv2d(r.g, x, kernel(r.g, "k0", 1, 16), .stride = {1});
    h = tarn_relu(r.g, tarn_add(r.g, h, b));
    h = tarn_conv2d(r.g, h, kernel(r.g, "k1", 16, 24), .stride = {1});
    rig_compile(&r, TARN_FETCH(h), "cpu", NULL);
    tarn_kernel_info info;
    int kinds[2] = {0};
    for (int i = 0; tarn_program_kernel(r.p, i, &info); i++) kinds[!strcmp(info.kind, "dot")]++;
    CHECK(kinds[1] == 2 && kinds[0] <= 1);
    rig_free(&r);
}

// ---- pictures of any size -----------------------------------------------------------------------

// Two convolutions that keep the size, the mean of what they see, a linear layer.
enum { PICTURES = 2, TALL = 13, BROAD = 17, SEES = 5 };
static const int shapes_seen[][2] = {{13, 17}, {5, 9}, {1, 1}, {12, 3}, {13, 17}};
enum { SHAPES = sizeof shapes_seen / sizeof *shapes_seen };

static tarn_node *any_size(rig *r, int64_t h, int64_t w) {
    tarn_graph *g = r->g;
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(PICTURES, h, w, 3));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(PICTURES));
    tarn_node *k0 = tarn_variable(g, "k0", TARN_F32, TARN_SHAPE(3, 5, 3, 6),
                                  tarn_init_glorot_uniform());
    tarn_node *k1 = tarn_variable(g, "k1", TARN_F32, TARN_SHAPE(3, 3, 6, SEES),
                                  tarn_init_glorot_uniform());
    tarn_node *v = tarn_variable(g, "v", TARN_F32, TARN_SHAPE(SEES, 4), tarn_init_he_normal());
    x = tarn_relu(g, tarn_conv2d(g, x, k0, .padding = {1, 1, 2, 2}));
    x = tarn_tanh(g, tarn_conv2d(g, x, k1, .padding = {1, 1, 1, 1}));
    x = tarn_mean(g, x, TARN_AXIS(1) | TARN_AXIS(2), 0);
    tarn_node *loss = tarn_softmax_cross_entropy(g, tarn_matmul(g, x, v), y);
    return tarn_minimize(g, tarn_mean(g, loss, TARN_ALL_AXES, 0), tarn_adam(), NULL);
}

static void feed_size(rig *r, int step) {
    static float x[PICTURES * TALL * BROAD * 3];
    static const int32_t y[PICTURES] = {1, 3};
    int h = shapes_seen[step][0], w = shapes_seen[step][1];
    for (int i = 0; i < PICTURES * h * w * 3; i++)
        x[i] = (float)((i * 31 + step * 5) % 89) / 89 - 0.5f;
    CHECK_OK(tarn_bind(r->p, "x", x, TARN_SHAPE(PICTURES, h, w, 3)));
    CHECK_OK(tarn_bind(r->p, "y", y, TARN_SHAPE(PICTURES)));
}

static rig make_any_size(const tarn_compile_opts *o) {
    rig r = rig_make();
    int64_t h = tarn_dim(r.g, "height", TALL), w = tarn_dim(r.g, "width", BROAD);
    rig_compile(&r, TARN_FETCH(any_size(&r, h, w)), "cpu", o);
    return r;
}

static void train_any_size(const tarn_compile_opts *o, char hash[65]) {
    rig r = make_any_size(o);
    probe_steps(&r, SHAPES, feed_size, hash);
    rig_free(&r);
}

TEST(every_way_to_run_pictures_of_any_size_gives_one_hash) { probe_all_ways(train_any_size); }

TEST(one_program_for_all_sizes_makes_the_weights_of_one_for_each) {
    char any[65], fixed[65];
    tarn_store *store;
    train_any_size(NULL, any);
    CHECK_OK(tarn_store_create(RIG_SEED, &store));
    for (int i = 0; i < SHAPES; i++) {
        rig r = probe_graph(store, 1);
        tarn_node *step = any_size(&r, shapes_seen[i][0], shapes_seen[i][1]);
        rig_compile(&r, TARN_FETCH(step), "cpu", NULL);
        feed_size(&r, i);
        CHECK_OK(tarn_run(r.p));
        probe_graph_free(&r);
    }
    CHECK_OK(tarn_store_sha256(store, fixed));
    CHECK_STR(any, fixed);
    tarn_store_free(store);
}

TEST(another_size_of_picture_costs_no_compile_and_less_than_5_ms) {
    probe_own_cache();
    rig r = make_any_size(&(tarn_compile_opts){.jit = TARN_JIT_WAIT});
    CHECK_EQ_I(probe_modules(), 1);
    CHECK(probe_new_size_seconds(&r, SHAPES, feed_size) < 5e-3);
    CHECK_EQ_I(probe_modules(), 1);
    rig_free(&r);
}

TEST(a_named_size_needs_padding_that_keeps_it) {
    rig r = rig_make();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32,
                              TARN_SHAPE(1, tarn_dim(r.g, "height", TALL), BROAD, 3));
    tarn_node *k = tarn_variable(r.g, "k", TARN_F32, TARN_SHAPE(3, 3, 3, 2), tarn_init_zeros());
    CHECK(!tarn_conv2d(r.g, x, k, .padding = {0, 1, 1, 1}));
    CHECK_ERR(tarn_graph_status(r.g), TARN_EUNSUPPORTED, "padding that keeps the size");
    rig_free(&r);
}

TEST(pictures_without_pixels_give_no_gradient) {
    rig r = rig_make();
    tarn_node *k, *d,
        *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(1, tarn_dim(r.g, "height", TALL), BROAD, 3));
    float none = 0;
    k = tarn_variable(r.g, "k", TARN_F32, TARN_SHAPE(3, 3, 3, 2), tarn_init_ones());
    tarn_node *y = tarn_conv2d(r.g, x, k, .padding = {1, 1, 1, 1});
    CHECK_OK(tarn_gradients(r.g, tarn_sum(r.g, y, TARN_ALL_AXES, 0), &k, 1, &d));
    rig_compile(&r, TARN_FETCH(d), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", &none, TARN_SHAPE(1, 0, BROAD, 3)));
    CHECK_OK(tarn_run(r.p));
    for (int i = 0; i < 3 * 3 * 3 * 2; i++)
        CHECK(((const float *)tarn_result(r.p, 0, NULL))[i] == 0);
    rig_free(&r);
}

TEST(a_variable_seen_as_a_picture_is_read_in_its_order) {
    double x[64 * 3], k[3 * 2] = {1, 2, -3, 4, 5, -6}, want[64 * 2] = {0};
    rig r = rig_make();
    tarn_node *v = tarn_variable(r.g, "v", TARN_F64, TARN_SHAPE(64, 3), tarn_init_zeros());
    tarn_node *w = tarn_input(r.g, "k", TARN_F64, TARN_SHAPE(1, 1, 3, 2));
    rig_compile(&r, TARN_FETCH(tarn_conv2d(r.g, tarn_reshape(r.g, v, TARN_SHAPE(1, 8, 8, 3)), w)),
                "cpu", NULL);
    for (int i = 0; i < 64 * 3; i++) x[i] = i % 29 - 14;
    probe_write(r.store, "v", TARN_F64, TARN_SHAPE(64, 3), x);
    CHECK_OK(tarn_bind(r.p, "k", k, TARN_SHAPE(1, 1, 3, 2)));
    CHECK_OK(tarn_run(r.p));
    for (int i = 0; i < 64 * 2; i++)
        for (int c = 0; c < 3; c++) want[i] += x[i / 2 * 3 + c] * k[c * 2 + i % 2];
    CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, 64 * 2, 0, 0);
    rig_free(&r);
}
