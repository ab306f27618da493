// The printed kernels on a GPU, through its driver: the bits of the CPU device. Skips where there
// is no GPU or no NVRTC. Run by tests/gpu/run.sh.
#include "gpu/cases.h"
#include "gpu/nvrtc.h"

// The part of the driver's interface that is used; handles are pointers, devices are numbers.
static struct {
    int (*init)(unsigned flags);
    int (*error_string)(int status, const char **text);
    int (*device_count)(int *n);
    int (*device_get)(int *device, int i);
    int (*device_name)(char *name, int size, int device);
    int (*device_attribute)(int *value, int attribute, int device);
    int (*context_retain)(void **context, int device);
    int (*context_current)(void *context);
    int (*synchronize)(void);
    int (*module_load)(void **module, const void *image);
    int (*module_function)(void **function, void *module, const char *name);
    int (*module_unload)(void *module);
    int (*alloc)(uint64_t *at, size_t bytes);
    int (*free)(uint64_t at);
    int (*fill)(uint64_t at, unsigned char byte, size_t bytes);
    int (*put)(uint64_t to, const void *from, size_t bytes);
    int (*get)(void *to, uint64_t from, size_t bytes);
    int (*launch)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                  unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                  void *stream, void **arguments, void **extra);
} cu;

enum { MAX_BLOCKS = 1024, CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76 };
static struct {
    nvrtc compiler;
    char architecture[64];
    void *module;
    uint64_t block[MAX_BLOCKS];
    int n_blocks;
} gpu;

static void ok(int status, const char *what) {
    const char *text = NULL;
    if (!status) return;
    (void)cu.error_string(status, &text);
    test_fail(__FILE__, __LINE__, "%s: status %d, %s", what, status, text ? text : "no text");
}

static bool open_driver(void) {
    const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
    void *h = gpu_library(names);
    if (!h) return false;
    gpu_symbol(h, "cuInit", &cu.init);
    gpu_symbol(h, "cuGetErrorString", &cu.error_string);
    gpu_symbol(h, "cuDeviceGetCount", &cu.device_count);
    gpu_symbol(h, "cuDeviceGet", &cu.device_get);
    gpu_symbol(h, "cuDeviceGetName", &cu.device_name);
    gpu_symbol(h, "cuDeviceGetAttribute", &cu.device_attribute);
    gpu_symbol(h, "cuDevicePrimaryCtxRetain", &cu.context_retain);
    gpu_symbol(h, "cuCtxSetCurrent", &cu.context_current);
    gpu_symbol(h, "cuCtxSynchronize", &cu.synchronize);
    gpu_symbol(h, "cuModuleLoadData", &cu.module_load);
    gpu_symbol(h, "cuModuleGetFunction", &cu.module_function);
    gpu_symbol(h, "cuModuleUnload", &cu.module_unload);
    gpu_symbol(h, "cuMemAlloc_v2", &cu.alloc);
    gpu_symbol(h, "cuMemFree_v2", &cu.free);
    gpu_symbol(h, "cuMemsetD8_v2", &cu.fill);
    gpu_symbol(h, "cuMemcpyHtoD_v2", &cu.put);
    gpu_symbol(h, "cuMemcpyDtoH_v2", &cu.get);
    gpu_symbol(h, "cuLaunchKernel", &cu.launch);
    return true;
}

// The first device; all are named.
static void open_device(void) {
    int n = 0, device = 0, major = 0, minor = 0;
    char name[128] = "";
    void *context = NULL;
    if (!open_driver()) SKIP("no GPU driver (libcuda) on this machine");
    if (cu.init(0) || cu.device_count(&n) || n == 0) SKIP("no GPU on this machine");
    if (!nvrtc_open(&gpu.compiler))
        SKIP("a GPU, but no NVRTC on this machine ($TARN_NVRTC names the library)");
    for (int i = n - 1; i >= 0; i--) {
        ok(cu.device_get(&device, i), "cuDeviceGet");
        ok(cu.device_name(name, sizeof name, device), "cuDeviceGetName");
        ok(cu.device_attribute(&major, CAPABILITY_MAJOR, device), "cuDeviceGetAttribute");
        ok(cu.device_attribute(&minor, CAPABILITY_MINOR, device), "cuDeviceGetAttribute");
        printf("device %d: %s, compute capability %d.%d\n", i, name, major, minor);
    }
    snprintf(gpu.architecture, sizeof gpu.architecture, "--gpu-architecture=sm_%d%d", major, minor);
    ok(cu.context_retain(&context, device), "cuDevicePrimaryCtxRetain");
    ok(cu.context_current(context), "cuCtxSetCurrent");
}

static void gpu_load(const char *text, int n_kernels) {
    (void)n_kernels;
    char *image = nvrtc_build(&gpu.compiler, text, gpu.architecture, gpu.compiler.cubin_size,
                              gpu.compiler.cubin);
    ok(cu.module_load(&gpu.module, image), "cuModuleLoadData");
    ti_free(image);
}

static uint64_t gpu_alloc(size_t bytes) {
    uint64_t *at = &gpu.block[gpu.n_blocks++];
    CHECK(gpu.n_blocks <= MAX_BLOCKS);
    if (bytes == 0) bytes = 1;  // the driver has no empty blocks
    ok(cu.alloc(at, bytes), "cuMemAlloc");
    ok(cu.fill(*at, 0xff, bytes), "cuMemsetD8");
    return *at;
}

static void gpu_put(uint64_t to, const void *from, size_t bytes) {
    if (bytes) ok(cu.put(to, from, bytes), "cuMemcpyHtoD");
}

static void gpu_get(void *to, uint64_t from, size_t bytes) {
    if (bytes) ok(cu.get(to, from, bytes), "cuMemcpyDtoH");
}

static void gpu_launch(int kernel, const ti_cuda_launch *l) {
    ti_cuda_launch copy = *l;
    void *function = NULL, *arguments[] = {copy.word};
    char name[32];
    snprintf(name, sizeof name, "k%d", kernel);
    ok(cu.module_function(&function, gpu.module, name), name);
    ok(cu.launch(function, (unsigned)l->blocks, 1, 1, TI_CUDA_THREADS, 1, 1, 0, NULL, arguments,
                 NULL),
       name);
    ok(cu.synchronize(), name);
}

static void gpu_free(void) {
    while (gpu.n_blocks > 0) ok(cu.free(gpu.block[--gpu.n_blocks]), "cuMemFree");
    ok(cu.module_unload(gpu.module), "cuModuleUnload");
}

static const machine graphics = {.load = gpu_load,
                                 .alloc = gpu_alloc,
                                 .put = gpu_put,
                                 .get = gpu_get,
                                 .launch = gpu_launch,
                                 .free = gpu_free};

TEST(the_printed_kernels_make_the_bits_of_the_cpu_device_on_a_gpu) {
    open_device();
    for (int i = 0; i < GPU_CASES; i++) gpu_run_case(&graphics, &gpu_cases[i]);
}
