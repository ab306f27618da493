// NVRTC, NVIDIA's compiler as a library, found at run time: $TARN_NVRTC, else where the loader
// looks. It needs no GPU.
#ifndef GPU_NVRTC_H
#define GPU_NVRTC_H

#include <dlfcn.h>

#include "codegen/cuda/cuda.h"
#include "test.h"

enum { NVRTC_NO_BUILTINS = 7 };  // status
typedef int (*nvrtc_size_fn)(void *program, size_t *size);
typedef int (*nvrtc_get_fn)(void *program, char *bytes);
typedef struct nvrtc {
    void *handle;
    int (*create)(void **program, const char *text, const char *name, int n_headers,
                  const char *const *headers, const char *const *names);
    int (*compile)(void *program, int n, const char *const *options);
    nvrtc_size_fn log_size;
    nvrtc_get_fn log;
    nvrtc_size_fn ptx_size, cubin_size;
    nvrtc_get_fn ptx, cubin;
    int (*destroy)(void **program);
} nvrtc;

// One function of a library; functions and objects have pointers of one size here (POSIX).
static inline void gpu_symbol(void *handle, const char *name, void *function) {
    void *f = dlsym(handle, name);
    if (!f) test_fail(__FILE__, __LINE__, "no %s in the library", name);
    memcpy(function, &f, sizeof f);
}

static inline void *gpu_library(const char *const *names) {
    void *handle = NULL;
    for (int i = 0; names[i] && !handle; i++) handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

// false: there is none.
static inline bool nvrtc_open(nvrtc *n) {
    const char *const usual[] = {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
                                 "libnvrtc.so.11.2", NULL};
    const char *named[] = {getenv("TARN_NVRTC"), NULL};
    n->handle = gpu_library(named[0] && *named[0] ? named : usual);
    if (!n->handle) return false;
    gpu_symbol(n->handle, "nvrtcCreateProgram", &n->create);
    gpu_symbol(n->handle, "nvrtcCompileProgram", &n->compile);
    gpu_symbol(n->handle, "nvrtcGetProgramLogSize", &n->log_size);
    gpu_symbol(n->handle, "nvrtcGetProgramLog", &n->log);
    gpu_symbol(n->handle, "nvrtcGetPTXSize", &n->ptx_size);
    gpu_symbol(n->handle, "nvrtcGetPTX", &n->ptx);
    gpu_symbol(n->handle, "nvrtcGetCUBINSize", &n->cubin_size);
    gpu_symbol(n->handle, "nvrtcGetCUBIN", &n->cubin);
    gpu_symbol(n->handle, "nvrtcDestroyProgram", &n->destroy);
    return true;
}

// What a unit is compiled into (ti_free it), for "--gpu-architecture=..": without a word, and
// fetched as PTX or as the code of one architecture.
static inline char *nvrtc_build(const nvrtc *n, const char *text, const char *architecture,
                                nvrtc_size_fn binary_size, nvrtc_get_fn binary) {
    const char *options[8] = {architecture};
    void *program = NULL;
    char *log = NULL, *out = NULL;
    size_t size = 0;
    int n_options = 1, status;
    for (int i = 0; ti_cuda_flags[i]; i++) options[n_options++] = ti_cuda_flags[i];
    CHECK_EQ_I(n->create(&program, text, "unit.cu", 0, NULL, NULL), 0);
    status = n->compile(program, n_options, options);
    CHECK_EQ_I(n->log_size(program, &size), 0);
    CHECK_OK(ti_alloc_zero(size + 1, &log));
    CHECK_EQ_I(n->log(program, log), 0);
    // a sanitizer's dlopen does not look in the folder of the library that asks
    if (status == NVRTC_NO_BUILTINS) SKIP("NVRTC does not find its own second library");
    if (status || size > 1) test_fail(__FILE__, __LINE__, "NVRTC: status %d, %s", status, log);
    ti_free(log);
    CHECK_EQ_I(binary_size(program, &size), 0);
    CHECK_OK(ti_alloc_zero(size + 1, &out));
    CHECK_EQ_I(binary(program, out), 0);
    CHECK_EQ_I(n->destroy(&program), 0);
    return out;
}

// Every sum and product is rounded where it is written, none is approximate: no flag was forgotten.
static inline void nvrtc_check_rounding(const char *ptx) {
    static const char *const never[] = {".approx", ".ftz",    "add.f32", "sub.f32",
                                        "mul.f32", "add.f64", "sub.f64", "mul.f64"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(ptx, never[i])) test_fail(__FILE__, __LINE__, "'%s' in the PTX", never[i]);
}
#endif
