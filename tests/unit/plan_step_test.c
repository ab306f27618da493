// A training step as one program: how many kernels it is, smaller batches without a compile, no
// allocation, and nothing written when the loss is not finite.
#include <math.h>

#include "ops/mlp.h"
#include "train/trainer.h"

// ---- fusion -------------------------------------------------------------------------------------

// The step that `tarn train` runs: 784-512-512-10, relu, dropout, RMSprop. 16 kernels were counted
// when fusion came (docs/design.md); more means that something fell apart. Accuracy adds two.
static void check_kernels(const char *metrics, int most) {
    ti_trainer *t = NULL;
    ti_planned *step = NULL;
    tarn_kernel_info k;
    int dots = 0;
    tarn_model *m = NULL;
    CHECK_OK(tarn_sequential(TARN_SHAPE(784), RIG_SEED, &m));
    for (int i = 0; i < 2; i++) {
        tarn_model_add(m, tarn_dense(512, .activation = "relu"));
        tarn_model_add(m, tarn_dropout_layer(0.2));
    }
    tarn_model_add(m, tarn_dense(10, .activation = "softmax"));
    CHECK_OK(tarn_model_compile(m, .optimizer = tarn_rmsprop(), .metrics = metrics,
                                .loss = "sparse_categorical_crossentropy",
                                .program = {.jit = TARN_JIT_OFF}));
    CHECK_OK(ti_trainer_of(m, true, &t));
    CHECK_OK(ti_trainer_program(m, t, TI_TRAIN, 128, &step));
    tarn_program_info info = tarn_program_stats(step->program);
    if (info.kernels > most) test_fail(__FILE__, __LINE__, "%d kernels", info.kernels);
    for (int i = 0; tarn_program_kernel(step->program, i, &k); i++) dots += !strcmp(k.kind, "dot");
    CHECK_EQ_I(dots, 8);  // three products forward, three for weights, two for activations
    // 2 * 128 * (784 * 512 * 2 + 512 * 512 * 3 + 512 * 10 * 3), nothing multiplied twice
    CHECK(info.flops == 2.0 * 128 * (784 * 512 * 2 + 512 * 512 * 3 + 512 * 10 * 3));
    tarn_model_free(m);
}

TEST(the_mnist_mlp_step_is_at_most_16_kernels) { check_kernels(NULL, 16); }
TEST(accuracy_adds_two_kernels_to_the_step) { check_kernels("accuracy", 18); }

TEST(fusion_takes_a_step_from_many_kernels_to_few) {
    mlp fused, apart;
    mlp_make(&fused, "cpu", NULL);
    mlp_make(&apart, "cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .skip_pass = "fuse"});
    int few = tarn_program_stats(fused.r.p).kernels, many = tarn_program_stats(apart.r.p).kernels;
    if (few > 12 || many < 3 * few) test_fail(__FILE__, __LINE__, "%d and %d kernels", few, many);
    rig_free(&fused.r);
    rig_free(&apart.r);
}

// ---- batches ------------------------------------------------------------------------------------

TEST(a_smaller_batch_runs_in_the_same_program_with_the_bits_of_its_own) {
    static const int64_t batches[] = {MLP_BATCH, 7, 1, 19, MLP_BATCH, 2};
    for (int i = 0; i < 6; i++) {
        mlp one, own;
        char hash[2][65];
        mlp_make(&one, "cpu", NULL);
        own = (mlp){.r = rig_make()};
        mlp_build(&own, own.r.g);
        mlp_data(&own);
        tarn_set_max_batch(own.r.g, batches[i]);
        rig_compile(&own.r, TARN_FETCH(own.loss, own.step), "cpu", NULL);
        CHECK_OK(mlp_run(&one, one.r.p, batches[i]));
        CHECK_OK(mlp_run(&own, own.r.p, batches[i]));
        float loss = *(const float *)tarn_result(one.r.p, 0, NULL);
        CHECK(isfinite(loss) && loss == *(const float *)tarn_result(own.r.p, 0, NULL));
        store_hash(one.r.store, hash[0]);
        store_hash(own.r.store, hash[1]);
        CHECK_STR(hash[0], hash[1]);
        rig_free(&one.r);
        rig_free(&own.r);
    }
}

TEST(batches_of_changing_size_follow_each_other) {
    static const int64_t batches[] = {MLP_BATCH, 5, MLP_BATCH, 1, 17, MLP_BATCH};
    mlp cpu, ref;
    mlp_make(&cpu, "cpu", NULL);
    mlp_make(&ref, "ref", NULL);
    for (int i = 0; i < 6; i++) {
        CHECK_OK(mlp_run(&cpu, cpu.r.p, batches[i]));
        CHECK_OK(mlp_run(&ref, ref.r.p, batches[i]));
        double got[] = {tarn_result_scalar(cpu.r.p, 0)}, want[] = {tarn_result_scalar(ref.r.p, 0)};
        CHECK_CLOSE(got, want, 1, 1e-4, 1e-6);  // six steps of f32 against sums in f64
    }
    rig_free(&cpu.r);
    rig_free(&ref.r);
}

// Sums of nothing are 0 and means NaN, as everywhere; nothing of the run before shows through.
TEST(a_batch_of_none_gives_sums_of_none) {
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int device = 0; device < 2; device++) {
        rig r = rig_make();
        tarn_set_max_batch(r.g, 2);
        tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 4));
        tarn_node *all = tarn_sum(r.g, in, TARN_ALL_AXES, 0);
        tarn_node *columns = tarn_sum(r.g, in, TARN_AXIS(0), 0);
        tarn_node *mean = tarn_mean(r.g, in, TARN_ALL_AXES, 0);
        rig_compile(&r, TARN_FETCH(columns, all, mean), device ? "ref" : "cpu", NULL);
        for (int64_t batch = 2; batch >= 0; batch -= 2) {
            CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(batch, 4)));
            CHECK_OK(tarn_run(r.p));
            CHECK(((const float *)tarn_result(r.p, 0, NULL))[0] == (batch ? 6 : 0));
            CHECK(tarn_result_scalar(r.p, 1) == (batch ? 36 : 0));
            CHECK(batch ? tarn_result_scalar(r.p, 2) == 4.5 : isnan(tarn_result_scalar(r.p, 2)));
        }
        rig_free(&r);
    }
}

// ---- memory -------------------------------------------------------------------------------------

static void check_no_allocation(const tarn_compile_opts *opts) {
    mlp m;
    mlp_make(&m, "cpu", opts);
    CHECK_OK(mlp_run(&m, m.r.p, MLP_BATCH));
    ti_alloc_stats before = ti_alloc_stats_now();
    for (int64_t batch = MLP_BATCH; batch > 0; batch -= 9) CHECK_OK(mlp_run(&m, m.r.p, batch));
    ti_alloc_stats after = ti_alloc_stats_now();
    CHECK_EQ_I(after.calls, before.calls);
    CHECK_EQ_I(after.live, before.live);
    rig_free(&m.r);
}

TEST(a_step_allocates_nothing) { check_no_allocation(NULL); }

TEST(a_compiled_step_allocates_nothing) {
    need_compiler();
    check_no_allocation(&(tarn_compile_opts){.jit = TARN_JIT_WAIT});
}

TEST(compiling_and_freeing_leaves_no_block) {
    CHECK_OK(tarn_set_threads(1));  // workers stay, and so does what they hold
    uint64_t before = ti_alloc_stats_now().live;
    for (int i = 0; i < 3; i++) {
        mlp m;
        mlp_make(&m, i == 1 ? "ref" : "cpu", NULL);
        CHECK_OK(mlp_run(&m, m.r.p, 3));
        rig_free(&m.r);
        CHECK_EQ_I(ti_alloc_stats_now().live, before);
    }
}

// ---- a loss that is not finite ------------------------------------------------------------------

static void check_stops(const char *device, const tarn_compile_opts *opts) {
    mlp m;
    char before[65], after[65];
    mlp_make(&m, device, opts);
    CHECK_OK(mlp_run(&m, m.r.p, MLP_BATCH));
    store_hash(m.r.store, before);
    m.labels[3] = MLP_CLASSES;  // no such class
    CHECK_ERR(mlp_run(&m, m.r.p, MLP_BATCH), TARN_ENUMERIC, "loss is not finite");
    store_hash(m.r.store, after);
    CHECK_STR(after, before);
    m.labels[3] = 1;
    m.x[5] = INFINITY;
    CHECK_ERR(mlp_run(&m, m.r.p, MLP_BATCH), TARN_ENUMERIC, "loss is not finite");
    store_hash(m.r.store, after);
    CHECK_STR(after, before);
    m.x[5] = 0;
    CHECK_OK(mlp_run(&m, m.r.p, MLP_BATCH));
    store_hash(m.r.store, after);
    CHECK(strcmp(after, before) != 0);
    rig_free(&m.r);
}

TEST(a_loss_that_is_not_finite_stops_before_any_write) {
    check_stops("cpu", NULL);
    check_stops("cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .skip_pass = "fuse"});
    check_stops("cpu", &(tarn_compile_opts){.jit = TARN_JIT_OFF, .skip_pass = "all"});
    check_stops("ref", NULL);
}

TEST(a_step_after_a_failed_one_is_as_if_that_had_not_been) {
    mlp a, b;
    char hash[2][65];
    mlp_make(&a, "cpu", NULL);
    mlp_make(&b, "cpu", NULL);
    CHECK_OK(mlp_run(&a, a.r.p, 9));
    CHECK_OK(mlp_run(&b, b.r.p, 9));
    b.labels[0] = -1;
    CHECK_ERR(mlp_run(&b, b.r.p, 9), TARN_ENUMERIC, "");
    b.labels[0] = a.labels[0];
    CHECK_OK(mlp_run(&a, a.r.p, 9));  // the same draws of dropout too
    CHECK_OK(mlp_run(&b, b.r.p, 9));
    store_hash(a.r.store, hash[0]);
    store_hash(b.r.store, hash[1]);
    CHECK_STR(hash[0], hash[1]);
    rig_free(&a.r);
    rig_free(&b.r);
}

TEST(the_op_and_layer_that_made_it_are_named) {
    const float x[2] = {1, -2};
    rig r = rig_make();
    tarn_node *in = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(2));
    tarn_graph_scope(r.g, "scale");
    tarn_node *y = tarn_log(r.g, in);
    tarn_graph_scope(r.g, "top");
    y = tarn_check_finite(r.g, tarn_sum(r.g, y, TARN_ALL_AXES, 0), "score");
    rig_compile(&r, TARN_FETCH(y), "cpu", NULL);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(2)));
    CHECK_ERR(tarn_run(r.p), TARN_ENUMERIC,
              "score is not finite: first made by log in 'scale' of values in [-2, 1]");
    rig_free(&r);
}
