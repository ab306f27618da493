// Whole training steps as StableHLO, run by XLA (run_stablehlo.py): loss and every new variable are
// those of this library's CPU device. One is of the 784-512-512-10 network with dropout and
// RMSprop, one pools pictures and normalises them by batch: slices and pads. $TARN_JAX_PYTHON
// (python3) is a Python that has jax; without it only the text is looked at.
#include <spawn.h>
#include <sys/wait.h>

#include "probes/support.h"

enum { BATCH = 32, PIXELS = 784, CLASSES = 10, MAX_VARIABLES = 64 };

static tarn_node *dense(tarn_graph *g, tarn_node *x, const char *name, int units) {
    char w[32], b[32];
    int64_t in = tarn_node_dim(x, 1);
    snprintf(w, sizeof w, "%s/kernel", name);
    snprintf(b, sizeof b, "%s/bias", name);
    tarn_node *kernel = tarn_variable(g, w, TARN_F32, TARN_SHAPE(in, units),
                                      tarn_init_glorot_uniform());
    tarn_node *bias = tarn_variable(g, b, TARN_F32, TARN_SHAPE(units), tarn_init_zeros());
    return tarn_add(g, tarn_matmul(g, x, kernel), bias);
}

typedef tarn_node *(*network)(tarn_graph *g, tarn_node *x);

static tarn_node *mlp(tarn_graph *g, tarn_node *h) {
    h = tarn_dropout(g, tarn_relu(g, dense(g, h, "dense", 512)), 0.2, "dropout");
    h = tarn_dropout(g, tarn_relu(g, dense(g, h, "dense_1", 512)), 0.2, "dropout_1");
    return dense(g, h, "dense_2", CLASSES);
}

// Windows over each other; side by side, with a row and a column left.
static tarn_node *pictures(tarn_graph *g, tarn_node *h) {
    tarn_shape channels = TARN_SHAPE(4);
    tarn_node *w = tarn_variable(g, "w", TARN_F32, channels, tarn_init_uniform(0.5, 1.5));
    tarn_node *gamma = tarn_variable(g, "gamma", TARN_F32, channels, tarn_init_ones());
    tarn_node *beta = tarn_variable(g, "beta", TARN_F32, channels, tarn_init_zeros()), *mean;
    tarn_node *kept = tarn_variable(g, "mean", TARN_F32, channels, tarn_init_zeros());
    h = tarn_reshape(g, h, TARN_SHAPE(TARN_BATCH, 28, 28, 1));
    h = tarn_max_pool2d(g, tarn_mul(g, h, w), .window = {3, 3}, .stride = {2, 2});
    h = tarn_batch_norm(g, h, gamma, beta, 1e-3, &mean, NULL);
    tarn_set_next_value(g, kept, tarn_add(g, kept, mean));
    h = tarn_max_pool2d(g, tarn_tanh(g, h), .window = {2, 2});
    return dense(g, tarn_reshape(g, h, TARN_SHAPE(TARN_BATCH, 6 * 6 * 4)), "dense", CLASSES);
}

static void build(rig *r, network net, FILE *module) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, PIXELS));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *logits = net(g, x);
    tarn_node *loss = tarn_mean(g, tarn_softmax_cross_entropy(g, logits, y), TARN_ALL_AXES, 0);
    tarn_node *right = tarn_equal(g, tarn_argmax(g, logits), y);
    tarn_node *accuracy = tarn_mean(g, tarn_cast(g, right, TARN_F32), TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, tarn_rmsprop(.learning_rate = 0.001), NULL);
    step = tarn_group(g, (tarn_node *[]){step, tarn_assign_next_values(g)}, 2);
    rig_compile(r, TARN_FETCH(loss, accuracy, step), "cpu",
                &(tarn_compile_opts){.jit = TARN_JIT_OFF, .dump = "stablehlo", .dump_to = module});
}

static void save(const char *folder, const char *kind, const char *name, const void *x, size_t n) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s_%s", folder, kind, name);
    for (char *c = path + strlen(folder) + 1; *c; c++)
        if (*c == '/') *c = '.';
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(x, 1, n, f) == n && !fclose(f));
}

static void save_variables(tarn_store *s, const char *folder, const char *kind) {
    for (int i = 0; i < tarn_store_count(s); i++) {
        tarn_tensor *t = NULL;
        CHECK_OK(tarn_store_get(s, tarn_store_name(s, i), &t));
        save(folder, kind, tarn_store_name(s, i), tarn_tensor_cdata(t),
             (size_t)tarn_tensor_numel(t) * tarn_dtype_size(tarn_tensor_dtype(t)));
        tarn_tensor_release(t);
    }
}

// Writes module.mlir, the arguments before_NAME, input_NAME, and what is expected: after_NAME,
// fetch_N.
static void write_case(network net, const char *folder) {
    static float x[BATCH * PIXELS];
    int32_t y[BATCH];
    char path[4096];
    rig r = rig_make();
    snprintf(path, sizeof path, "%s/module.mlir", folder);
    FILE *module = fopen(path, "w");
    CHECK(module);
    build(&r, net, module);
    CHECK(!fclose(module));
    for (int i = 0; i < BATCH * PIXELS; i++) x[i] = (float)((i * 131) % 251) / 251;
    for (int i = 0; i < BATCH; i++) y[i] = i * 7 % CLASSES;
    save(folder, "input", "x", x, sizeof x);
    save(folder, "input", "y", y, sizeof y);
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(BATCH, PIXELS)));
    CHECK_OK(tarn_bind(r.p, "y", y, TARN_SHAPE(BATCH)));
    save_variables(r.store, folder, "before");
    CHECK_OK(tarn_run(r.p));
    save_variables(r.store, folder, "after");
    save(folder, "fetch", "0", tarn_result(r.p, 0, NULL), sizeof(float));
    save(folder, "fetch", "1", tarn_result(r.p, 1, NULL), sizeof(float));
    save(folder, "fetch", "2", tarn_result(r.p, 0, NULL), sizeof(float));  // the loss as checked
    rig_free(&r);
}

static int count(const char *text, const char *word) {
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word)) n++;
    return n;
}

static char text[1 << 20];

static void read_text(network net) {
    char path[4096];
    write_case(net, test_dir());
    snprintf(path, sizeof path, "%s/module.mlir", test_dir());
    FILE *f = fopen(path, "r");
    CHECK(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    CHECK(!fclose(f) && n > 1000 && n < sizeof text - 1);
}

TEST(the_text_has_every_part_of_the_step) {
    read_text(mlp);
    CHECK_EQ_I(count(text, "stablehlo.dot_general"), 8);        // 3 forward, 3 dW, 2 dx
    CHECK_EQ_I(count(text, "// result"), 3 + 6 + 6 + 2);        // fetches, weights, slots, counters
    CHECK_EQ_I(count(text, "// argument"), 2 + 6 + 6 + 2 + 1);  // and the learning rate
    CHECK(count(text, "%") > 100 && strstr(text, "func.func public @main("));
}

TEST(slices_and_pads_are_printed) {
    read_text(pictures);
    CHECK_EQ_I(count(text, "stablehlo.slice"), 9 + 4 + 1);  // both maxima, the second's dx
    CHECK_EQ_I(count(text, "stablehlo.pad"), 9 + 2);  // the first's dx, the second's dy, index
    CHECK(strstr(text, " [0:32:1, 2:27:2, 1:26:2, 0:4:1] : (tensor<32x28x28x4xf32>)"));
    CHECK(strstr(text, ", low = [0, 2, 1, 0], high = [0, 1, 2, 0], interior = [0, 1, 1, 0] : "
                       "(tensor<32x13x13x4xf32>, tensor<f32>) -> tensor<32x28x28x4xf32>"));
}

// Exit status of a program, -1 when there is none.
static int run_program(const char *const *argv) {
    extern char **environ;
    pid_t id;
    int status = -1;
    if (posix_spawnp(&id, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ)) return -1;
    CHECK(waitpid(id, &status, 0) == id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_by_xla(network net) {
    const char *python = getenv("TARN_JAX_PYTHON");
    if (!python) python = "python3";
    const char *looks[] = {python, "-c", "import importlib.util as u; exit(not u.find_spec('jax'))",
                           NULL};
    const char *runs[] = {python, TARN_SOURCE_DIR "/tests/probes/run_stablehlo.py", test_dir(),
                          NULL};
    if (run_program(looks)) SKIP("no Python with jax ($TARN_JAX_PYTHON)");
    write_case(net, test_dir());
    CHECK_EQ_I(run_program(runs), 0);
}

TEST(xla_makes_the_same_step_of_it) { run_by_xla(mlp); }
TEST(xla_pools_and_normalises_alike) { run_by_xla(pictures); }
