// The kernels of whole programs printed as CUDA C: the very text, compiled as C through a shim
// (tests/gpu/shim.h), makes the CPU device's bits; and NVRTC compiles it.
#include <math.h>
#include <sys/wait.h>

#include "gpu/cases.h"
#include "gpu/nvrtc.h"
#include "ops/mlp.h"

// ---- the processor as a machine -----------------------------------------------------------------

typedef int (*launch_fn)(unsigned blocks, unsigned threads, const void *args, size_t bytes,
                         int backward);
enum { MAX_BLOCKS = 1024 };
static struct {
    void *handle;
    int loads, launches, n_blocks;
    void *block[MAX_BLOCKS];
} shim;

// Exit status of cc; 127 when there is none.
static int run_compiler(const char *source, const char *object) {
    int how;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execlp("cc", "cc", "-std=c11", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-Wall",
               "-Wextra", "-Werror", "-I" TARN_SOURCE_DIR "/tests/gpu", source, "-o", object, "-lm",
               (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &how, 0) == child && WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void shim_load(const char *text, int n_kernels) {
    char source[4096], object[4096];
    snprintf(source, sizeof source, "%s/unit%d.c", test_dir(), shim.loads);
    snprintf(object, sizeof object, "%s/unit%d.so", test_dir(), shim.loads++);
    FILE *f = fopen(source, "w");
    CHECK(f && fprintf(f, "#include \"shim.h\"\n%s", text) > 0);
    for (int i = 0; i < n_kernels; i++) CHECK(fprintf(f, "TI_LAUNCH(k%d)\n", i) > 0);
    CHECK(!fclose(f));
    int status = run_compiler(source, object);
    if (status == 127) SKIP("no cc on this machine");
    CHECK_EQ_I(status, 0);
    shim.handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    CHECK(shim.handle);
}

static uint64_t shim_alloc(size_t bytes) {
    CHECK(shim.n_blocks < MAX_BLOCKS);
    void **at = &shim.block[shim.n_blocks++];
    CHECK_OK(ti_alloc(bytes, at));
    memset(*at, 0xff, bytes);
    return (uint64_t)(uintptr_t)*at;
}

static void shim_put(uint64_t to, const void *from, size_t bytes) {
    memcpy((void *)(uintptr_t)to, from, bytes);
}

static void shim_get(void *to, uint64_t from, size_t bytes) {
    memcpy(to, (const void *)(uintptr_t)from, bytes);
}

static void shim_launch(int kernel, const ti_cuda_launch *l) {
    char name[32];
    launch_fn run;
    snprintf(name, sizeof name, "launch_k%d", kernel);
    void *f = dlsym(shim.handle, name);
    CHECK(f);
    memcpy(&run, &f, sizeof run);
    CHECK_EQ_I(run((unsigned)l->blocks, TI_CUDA_THREADS, l->word, (size_t)l->n_words * 8,
                   shim.launches++ % 2),
               0);
}

static void shim_free(void) {
    for (int i = 0; i < shim.n_blocks; i++) ti_free(shim.block[i]);
    shim.n_blocks = 0;
    CHECK(!dlclose(shim.handle));
}

static const machine processor = {.load = shim_load,
                                  .alloc = shim_alloc,
                                  .put = shim_put,
                                  .get = shim_get,
                                  .launch = shim_launch,
                                  .free = shim_free};

TEST(the_printed_kernels_make_the_bits_of_the_cpu_device) {
    for (int i = 0; i < GPU_CASES; i++) gpu_run_case(&processor, &gpu_cases[i]);
}

// ---- NVIDIA's compiler --------------------------------------------------------------------------

TEST(nvrtc_compiles_every_program_without_a_word) {
    nvrtc n;
    if (!nvrtc_open(&n)) SKIP("no NVRTC on this machine ($TARN_NVRTC names the library)");
    for (int i = 0; i < GPU_CASES; i++) {
        rig r = gpu_rig(&gpu_cases[i]);
        ti_buf text;
        ti_buf_init(&text, 64u << 20);
        CHECK_OK(ti_cuda_print(r.p->plan, &text));
        double start = ti_now();
        char *ptx = nvrtc_build(&n, text.data, "--gpu-architecture=compute_80", n.ptx_size, n.ptx);
        printf("%s: %.1f s\n", gpu_cases[i].name, ti_now() - start);
        nvrtc_check_rounding(ptx);
        CHECK(i > 0 || strstr(ptx, "fma.rn.f32"));
        ti_free(ptx);
        ti_buf_free(&text);
        rig_free(&r);
    }
}

// ---- what ends a run, and what is refused -------------------------------------------------------

TEST(nothing_is_written_after_a_check_that_failed) {
    const gpu_case *c = &gpu_cases[1];
    float x[21 * 50] = {0};
    int32_t y[21] = {0};
    rig r = gpu_rig(c);
    rival other;
    rival_make(&processor, r.p, &other);
    x[77] = NAN;
    CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(21, 50)));
    CHECK_OK(tarn_bind(r.p, "y", y, TARN_SHAPE(21)));
    CHECK_ERR(tarn_run(r.p), TARN_ENUMERIC, "loss is not finite");
    int failed = rival_run(&other);
    CHECK(failed >= 0 && r.p->plan->kernels[failed].kind == TI_K_CHECK);
    const ti_plan *q = r.p->plan;
    for (int i = 0; i < q->n_values; i++)
        if (q->values[i].place == TI_VARIABLE)
            rival_same(&other, i, q->values[i].var->data, c->name, q->values[i].var->name);
    rival_free(&other);
    rig_free(&r);
}

static tarn_status same_form(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    y->dtype = x->dtype;
    y->shape = x->shape;
    return TARN_OK;
}

static tarn_status copies(void *user, const tarn_array *x, const tarn_array *y) {
    (void)user;
    memcpy(y->data, x->data, sizeof(float));
    return TARN_OK;
}

TEST(calls_are_refused_with_a_sentence) {
    const tarn_custom_op op = {.name = "copy", .n_in = 1, .infer = same_form, .run = copies};
    rig r = rig_make();
    ti_buf text;
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(1));
    rig_compile(&r, TARN_FETCH(tarn_custom(r.g, &op, &x)), "cpu", NULL);
    ti_buf_init(&text, 1u << 20);
    CHECK_ERR(ti_cuda_print(r.p->plan, &text), TARN_EUNSUPPORTED,
              "a call is a function of the host, not CUDA C");
    ti_buf_free(&text);
    rig_free(&r);
}

TEST(kernels_with_more_arguments_than_fit_are_refused) {
    enum { MANY = 60 };
    const tarn_shape s = TARN_SHAPE(2, 2, 2, 2, 2, 2, 2, 2);
    rig r = rig_make();
    ti_buf text;
    char name[16];
    tarn_node *sum = tarn_input(r.g, "x", TARN_F32, s);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "x%d", i);
        sum = tarn_add(r.g, sum, tarn_input(r.g, name, TARN_F32, s));
    }
    rig_compile(&r, TARN_FETCH(sum), "cpu", NULL);
    ti_buf_init(&text, 1u << 20);
    CHECK_ERR(ti_cuda_print(r.p->plan, &text), TARN_ELIMIT,
              "62 operands take 4616 bytes of arguments, at most 4096 fit");
    ti_buf_free(&text);
    rig_free(&r);
}

static void print_mlp(int64_t most, ti_buf *text) {
    mlp m = {.r = rig_make()};
    mlp_build(&m, m.r.g);
    tarn_set_max_batch(m.r.g, most);
    rig_compile(&m.r, TARN_FETCH(m.loss, m.step), "cpu", NULL);
    ti_buf_init(text, 16u << 20);
    CHECK_OK(ti_cuda_print(m.r.p->plan, text));
    rig_free(&m.r);
}

TEST(the_text_does_not_depend_on_the_batch) {
    ti_buf a, b;
    print_mlp(32, &a);
    print_mlp(4096, &b);
    CHECK_STR(a.data, b.data);
    ti_buf_free(&a);
    ti_buf_free(&b);
}
