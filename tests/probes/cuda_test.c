// The kernels of whole programs printed as CUDA C: the very text, compiled as C through a shim
// (tests/gpu/shim.h), makes the CPU device's bits; and NVRTC compiles it.
#include <dlfcn.h>
#include <sys/wait.h>

#include "gpu/cases.h"

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
