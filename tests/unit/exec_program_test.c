// Programs: what a fetch can be, results, stores that programs share, what can be looked at.
#include <math.h>
#include <pthread.h>

#include "ops/mlp.h"

// ---- fetches ------------------------------------------------------------------------------------

TEST(anything_of_the_graph_can_be_fetched) {
    static const int turn[2] = {1, 0};
    const float x[6] = {1, 2, 3, 4, 5, 6};
    for (int device = 0; device < 2; device++) {
        rig r = rig_make();
        tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2, 3));
        tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(2, 3), tarn_init_ones());
        tarn_node *c = tarn_constant(r.g, TARN_F32, 2.5), *sum = tarn_add(r.g, in, w);
        tarn_node *t = tarn_transpose(r.g, in, turn), *flat = tarn_reshape(r.g, sum, TARN_SHAPE(6));
        tarn_node *wide = tarn_broadcast_to(r.g, c, TARN_SHAPE(2));
        tarn_node *assign = tarn_assign(r.g, w, w), *group = tarn_group(r.g, &assign, 1);
        rig_compile(&r, TARN_FETCH(in, w, c, sum, t, flat, wide, sum, assign, group),
                    device ? "ref" : "cpu", NULL);
        CHECK(!tarn_result(r.p, 0, NULL));  // not run yet
        CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(2, 3)));
        CHECK_OK(tarn_run(r.p));
        const double want[8][3] = {{1, 2, 3}, {1, 1, 1}, {2.5, 0, 0},   {2, 3, 4},
                                   {1, 4, 2}, {2, 3, 4}, {2.5, 2.5, 0}, {2, 3, 4}};
        static const int ranks[8] = {2, 2, 0, 2, 2, 1, 1, 2}, sizes[8] = {3, 3, 1, 3, 3, 3, 2, 3};
        for (int i = 0; i < 8; i++) {
            tarn_shape s;
            const float *got = tarn_result(r.p, i, &s);
            CHECK_EQ_I(s.rank, ranks[i]);
            CHECK_CLOSE(got, want[i], sizes[i], 0, 0);
        }
        CHECK(!tarn_result(r.p, 8, NULL) && !tarn_result(r.p, 10, NULL) &&
              !tarn_result(r.p, -1, NULL));
        CHECK(isnan(tarn_result_scalar(r.p, 8)));
        rig_free(&r);
    }
}

TEST(a_scalar_of_every_dtype_reads_as_a_double) {
    static const tarn_dtype types[] = {TARN_F32, TARN_F64, TARN_I32, TARN_I64, TARN_U32, TARN_U8};
    for (int device = 0; device < 2; device++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            rig r = rig_make();
            rig_compile(&r, TARN_FETCH(tarn_constant(r.g, types[i], 200)), device ? "ref" : "cpu",
                        NULL);
            CHECK_OK(tarn_run(r.p));
            CHECK(tarn_result_scalar(r.p, 0) == 200);
            rig_free(&r);
        }
}

// i8, i16, u16, u64 have no arithmetic and yet can be fed, moved and fetched. (The reference device
// holds doubles: integers up to 2^53.)
TEST(data_of_any_dtype_can_be_moved) {
    static const tarn_dtype types[] = {TARN_I8, TARN_I16, TARN_U16, TARN_U64, TARN_F16, TARN_BF16};
    static const int turn[2] = {1, 0};
    unsigned char x[2 * 8];
    for (int i = 0; i < 16; i++) x[i] = (unsigned char)(i % 8 < 6 ? 17 * i + 1 : 0);
    for (int device = 0; device < 2; device++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            rig r = rig_make();
            size_t size = tarn_dtype_size(types[i]);
            tarn_node *in = tarn_input(r.g, "x", types[i], TARN_SHAPE(2, 1));
            tarn_node *wide = tarn_broadcast_to(r.g, in, TARN_SHAPE(2, 3));
            rig_compile(&r, TARN_FETCH(wide, tarn_transpose(r.g, in, turn)), device ? "ref" : "cpu",
                        NULL);
            CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(2, 1)));
            CHECK_OK(tarn_run(r.p));
            const unsigned char *y = tarn_result(r.p, 0, NULL);
            for (size_t k = 0; k < 6; k++)
                if (memcmp(y + k * size, x + k / 3 * size, size))
                    test_fail(__FILE__, __LINE__, "%s on %s", tarn_dtype_name(types[i]),
                              device ? "ref" : "cpu");
            CHECK(!memcmp(tarn_result(r.p, 1, NULL), x, 2 * size));
            rig_free(&r);
        }
}

// ---- lives --------------------------------------------------------------------------------------

TEST(a_program_outlives_its_graph) {
    mlp m, kept;
    mlp_make(&m, "cpu", NULL);
    mlp_make(&kept, "cpu", NULL);
    tarn_graph_free(m.r.g);
    m.r.g = NULL;
    CHECK_OK(mlp_run(&m, m.r.p, 5));
    CHECK_OK(mlp_run(&kept, kept.r.p, 5));
    CHECK(tarn_result_scalar(m.r.p, 0) == tarn_result_scalar(kept.r.p, 0));
    rig_free(&m.r);
    rig_free(&kept.r);
}

TEST(programs_share_a_store) {
    mlp m;
    tarn_program *look = NULL;
    mlp_make(&m, "cpu", NULL);
    tarn_graph *g = tarn_graph_create(m.r.store);
    tarn_node *w = tarn_variable(g, "out/bias", TARN_F32, TARN_SHAPE(MLP_CLASSES),
                                 tarn_init_ones());
    CHECK_OK(tarn_compile(g, TARN_FETCH(tarn_sum(g, tarn_mul(g, w, w), 1, 0)), "cpu", &look));
    tarn_graph_free(g);
    CHECK_OK(tarn_run(look));
    CHECK(tarn_result_scalar(look, 0) == 0);  // biases begin at zero: the first init counts
    CHECK_OK(mlp_run(&m, m.r.p, 8));
    CHECK_OK(tarn_run(look));
    CHECK(tarn_result_scalar(look, 0) > 0);
    tarn_program_free(look);
    rig_free(&m.r);
}

// ---- threads ------------------------------------------------------------------------------------

typedef struct reader {
    mlp *m;
    tarn_program *p;
    bool same;
} reader;

static void *read_often(void *arg) {
    reader *r = arg;
    float first[MLP_BATCH * MLP_CLASSES];
    r->same = true;
    for (int i = 0; i < 50; i++) {
        if (mlp_run(r->m, r->p, MLP_BATCH)) r->same = false;
        const float *y = tarn_result(r->p, 0, NULL);
        if (i == 0) memcpy(first, y, sizeof first);
        if (memcmp(first, y, sizeof first)) r->same = false;
    }
    return NULL;
}

TEST(programs_that_only_read_run_in_many_threads) {
    enum { READERS = 4 };
    mlp m;
    reader r[READERS];
    pthread_t thread[READERS];
    CHECK_OK(tarn_set_threads(2));
    mlp_make(&m, "cpu", NULL);
    CHECK_OK(mlp_run(&m, m.r.p, MLP_BATCH));
    tarn_graph *g = tarn_graph_create(m.r.store);
    tarn_set_max_batch(g, MLP_BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, MLP_IN));
    tarn_node *y = mlp_dense(g, tarn_relu(g, mlp_dense(g, x, "hidden", MLP_HIDDEN)), "out",
                             MLP_CLASSES);
    for (int i = 0; i < READERS; i++) {
        r[i] = (reader){.m = &m};
        CHECK_OK(tarn_compile_opts_(g, TARN_FETCH(y), "cpu",
                                    &(tarn_compile_opts){.jit = TARN_JIT_OFF}, &r[i].p));
    }
    for (int i = 0; i < READERS; i++) CHECK(!pthread_create(&thread[i], NULL, read_often, &r[i]));
    for (int i = 0; i < READERS; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < READERS; i++) {
        CHECK(r[i].same);
        CHECK(!memcmp(tarn_result(r[0].p, 0, NULL), tarn_result(r[i].p, 0, NULL),
                      sizeof(float) * MLP_BATCH * MLP_CLASSES));
    }
    for (int i = 0; i < READERS; i++) tarn_program_free(r[i].p);
    tarn_graph_free(g);
    rig_free(&m.r);
}

TEST(more_threads_than_at_compile_give_the_same_bits) {
    mlp a, b;
    char hash[2][65];
    CHECK_OK(tarn_set_threads(1));
    mlp_make(&a, "cpu", NULL);
    mlp_make(&b, "cpu", NULL);
    CHECK_OK(mlp_run(&a, a.r.p, MLP_BATCH));
    CHECK_OK(tarn_set_threads(5));
    CHECK_OK(mlp_run(&b, b.r.p, MLP_BATCH));
    store_hash(a.r.store, hash[0]);
    store_hash(b.r.store, hash[1]);
    CHECK_STR(hash[0], hash[1]);
    rig_free(&a.r);
    rig_free(&b.r);
}

// ---- generated kernels --------------------------------------------------------------------------

// In the background, taken over between two runs: nobody can tell when.
TEST(taking_over_compiled_kernels_changes_no_bit) {
    mlp a, b;
    char hash[2][65];
    need_compiler();
    setenv("XDG_CACHE_HOME", test_dir(), 1);  // nothing compiled before
    mlp_make(&a, "cpu", &(tarn_compile_opts){.jit = TARN_JIT_AUTO});
    mlp_make(&b, "cpu", NULL);
    CHECK(!tarn_program_stats(a.r.p).compiled);
    double until = ti_now() + 30;
    for (int after = 0; after < 3 && ti_now() < until;) {
        CHECK_OK(mlp_run(&a, a.r.p, MLP_BATCH));
        CHECK_OK(mlp_run(&b, b.r.p, MLP_BATCH));
        CHECK(tarn_result_scalar(a.r.p, 0) == tarn_result_scalar(b.r.p, 0));
        after += tarn_program_stats(a.r.p).compiled;
    }
    CHECK(tarn_program_stats(a.r.p).compiled);
    store_hash(a.r.store, hash[0]);
    store_hash(b.r.store, hash[1]);
    CHECK_STR(hash[0], hash[1]);
    rig_free(&a.r);
    rig_free(&b.r);
}

// ---- looking inside -----------------------------------------------------------------------------

static char *dump_of(const char *stages) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    mlp m;
    CHECK(f);
    mlp_make(&m, "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .dump = stages, .dump_to = f});
    fclose(f);
    rig_free(&m.r);
    return text;
}

TEST(every_stage_can_be_printed_in_its_order) {
    static const char *const stages[] = {"graph",     "specialise", "lower",
                                         "canonical", "simplify",   "plan"};
    char *all = dump_of("all"), head[40];
    const char *at = all;
    for (int i = 0; i < 6; i++) {
        snprintf(head, sizeof head, "---- %s ----\n", stages[i]);
        at = strstr(at, head);
        if (!at) test_fail(__FILE__, __LINE__, "no %s", stages[i]);
        char *alone = dump_of(stages[i]);
        CHECK(!strncmp(at, alone, strlen(alone)));  // the same text as in the whole
        CHECK(!strncmp(alone, head, strlen(head)));
        free(alone);
    }
    char *two = dump_of("simplify,lower"), *none = dump_of("no such stage");
    CHECK(strstr(two, "---- lower") && strstr(two, "---- simplify") && !strstr(two, "canonical"));
    CHECK_STR(none, "");
    free(all);
    free(two);
    free(none);
}

TEST(a_dump_is_the_same_text_each_time) {
    char *a = dump_of("all"), *b = dump_of("all");
    CHECK_STR(a, b);
    free(a);
    free(b);
}

TEST(kernels_are_named_counted_and_timed) {
    mlp m;
    tarn_kernel_info k;
    double flops = 0;
    int n = 0, labelled = 0;
    mlp_make(&m, "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .profile = true});
    for (int i = 0; i < 4; i++) CHECK_OK(mlp_run(&m, m.r.p, 16));
    for (; tarn_program_kernel(m.r.p, n, &k); n++) {
        CHECK_EQ_I(k.runs, 4);
        CHECK(k.seconds >= 4 * k.best && k.best >= 0);
        flops += k.flops;
        labelled += !strcmp(k.label, "hidden") || !strcmp(k.label, "out");
    }
    tarn_program_info info = tarn_program_stats(m.r.p);
    CHECK_EQ_I(info.kernels, n);
    CHECK(info.flops == flops);
    // forward and weights' gradients of both layers, and what flows back through the second
    CHECK(flops == 2.0 * 16 * (MLP_IN * MLP_HIDDEN * 2 + MLP_HIDDEN * MLP_CLASSES * 3));
    CHECK(labelled >= 5);
    CHECK(!tarn_program_kernel(m.r.p, n, &k) && !tarn_program_kernel(m.r.p, -1, &k));
    rig_free(&m.r);
}
