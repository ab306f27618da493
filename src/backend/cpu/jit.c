// Generated kernels: all bodies of a program printed into one source, compiled by the machine's C
// compiler into a shared object in a private cache, loaded, and taken over between two runs.
// Interpreted and compiled bits are equal, so a program starts interpreted and nobody can tell.
//
// Safety: the source holds only text that the printer made; the compiler is started without a
// shell, by absolute path, with an empty environment; the cache folder must be ours alone (0700);
// files are written under a temporary name and renamed; their name is a hash of source, compiler,
// flags, processor and library version. Nothing is compiled in a set-user-id process.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/cpu/program.h"
#include "codegen/print.h"

typedef struct ti_jit {
    char *object;  // path of the shared object in the cache
    char *source;
    pthread_t thread;
    bool threaded;    // a background compile was started and not joined
    atomic_int done;  // 1: the object is there, 2: it could not be made
    void *handle;
} ti_jit;

static const char *const compilers[] = {"/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang",
                                        "/usr/local/bin/cc"};

static const char *find_compiler(void) {
    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++)
        if (!access(compilers[i], X_OK)) return compilers[i];
    return NULL;
}

// Flags of the instruction set that the interpreter uses too.
static const char *const *isa_flags(const ti_isa *isa) {
    static const char *const avx2[] = {"-mavx2", "-mfma", NULL};
    static const char *const avx512[] = {"-mavx512f",
                                         "-mavx512dq",
                                         "-mavx512bw",
                                         "-mavx512vl",
                                         "-mavx2",
                                         "-mfma",
                                         "-mprefer-vector-width=512",
                                         NULL};
    static const char *const none[] = {NULL};
    return !strcmp(isa->name, "avx2") ? avx2 : !strcmp(isa->name, "avx512") ? avx512 : none;
}

// ---- source -------------------------------------------------------------------------------------

// A row kernel's values between its loops must fit the scratch planned for the interpreter; rows
// longer than a chunk that stream there are left to it.
static bool printable(const ti_cpu_program *p, const ti_step *s) {
    if (s->k->kind >= TI_K_CHECK) return false;
    if (s->k->kind != TI_K_ROWS) return true;
    int64_t row = ti_plan_dim_max(p->plan, s->k->space.dim[s->k->space.rank - 1]);
    int buffers = ti_print_row_buffers(s->k);
    return buffers >= 0 && (size_t)buffers * (size_t)row * 8 <= ti_icode_scratch(s->loop.icode);
}

static tarn_status print_source(const ti_cpu_program *p, ti_buf *b) {
    char name[32];
    ti_buf_init(b, 64u << 20);
    ti_buf_puts(b, ti_prelude_text);
    for (int i = 0; i < p->n_steps; i++) {
        if (!printable(p, &p->steps[i])) continue;
        snprintf(name, sizeof name, "k%d", i);
        ti_print_body(p->steps[i].k, name, p->steps[i].contract.by_panel, b);
    }
    return ti_buf_status(b);
}

static void hash_source(const ti_cpu_program *p, const char *cc, const char *source, char hex[65]) {
    ti_sha256 h;
    ti_sha256_init(&h);
    ti_sha256_add(&h, source, strlen(source));
    ti_sha256_add(&h, cc, strlen(cc) + 1);
    ti_sha256_add(&h, p->isa->name, strlen(p->isa->name) + 1);
    ti_sha256_add(&h, TARN_VERSION, sizeof TARN_VERSION);
    struct stat st;  // a new compiler makes new objects
    if (!stat(cc, &st)) {
        ti_sha256_add(&h, &st.st_size, sizeof st.st_size);
        ti_sha256_add(&h, &st.st_mtime, sizeof st.st_mtime);
    }
    ti_sha256_hex(&h, hex);
}

// ---- cache folder -------------------------------------------------------------------------------

static bool private_folder(const char *path) {
    struct stat st;
    if (mkdir(path, 0700) && errno != EEXIST) return false;
    return !lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           !(st.st_mode & 077);
}

// ${XDG_CACHE_HOME:-~/.cache}/tarn, ours alone; false: no caching, so no compiling.
static bool cache_path(const char *hex, char *out, size_t cap) {
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = base && *base == '/';
    char folder[3072];
    if (!own && !(home && *home == '/')) return false;
    const char *at = own ? base : home, *rest = own ? "" : "/.cache";
    int n = snprintf(folder, sizeof folder, "%s%s", at, rest);
    if (n < 0 || (size_t)n >= sizeof folder) return false;
    (void)mkdir(folder, 0700);
    n = snprintf(folder, sizeof folder, "%s%s/tarn", at, rest);
    if (n < 0 || (size_t)n >= sizeof folder || !private_folder(folder)) return false;
    n = snprintf(out, cap, "%s/%.40s.so", folder, hex);
    return n > 0 && (size_t)n < cap;
}

// ---- compiling ----------------------------------------------------------------------------------

static bool run_compiler(const char *cc, const ti_isa *isa, const char *in, const char *out) {
    const char *argv[40] = {cc,
                            "-std=gnu11",
                            "-O3",
                            "-fPIC",
                            "-shared",
                            "-ffp-contract=off",
                            "-fno-math-errno",
                            "-fno-trapping-math",
                            "-fwrapv",
                            "-w"};
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", (char *)(uintptr_t) "LC_ALL=C",
                         NULL};
    int n = 10, status = 1;
    for (const char *const *f = isa_flags(isa); *f; f++) argv[n++] = *f;
    argv[n++] = "-o";
    argv[n++] = out;
    argv[n++] = in;
    argv[n++] = "-lm";
    posix_spawn_file_actions_t fa;
    pid_t pid;
    if (posix_spawn_file_actions_init(&fa)) return false;
    (void)posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
    bool ok = !posix_spawn(&pid, cc, &fa, NULL, (char *const *)(uintptr_t)argv, env);
    (void)posix_spawn_file_actions_destroy(&fa);
    while (ok && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) ok = false;
    return ok && status == 0;
}

static bool compile_object(const ti_isa *isa, const char *source, const char *object) {
    char in[4096], out[4096];
    const char *cc = find_compiler();
    int n = snprintf(in, sizeof in, "%s.%ld.c", object, (long)getpid());
    int m = snprintf(out, sizeof out, "%s.%ld.tmp", object, (long)getpid());
    if (!cc || n < 0 || m < 0 || (size_t)n >= sizeof in || (size_t)m >= sizeof out) return false;
    bool ok = !ti_file_write(in, source, strlen(source)) && run_compiler(cc, isa, in, out) &&
              !rename(out, object);
    (void)unlink(in);
    if (!ok) (void)unlink(out);
    ti_trace("jit", "%s %s", ok ? "compiled" : "could not compile", object);
    return ok;
}

typedef struct job {
    ti_jit *jit;
    const ti_isa *isa;
} job;

static void *compile_in_background(void *arg) {
    job j = *(job *)arg;
    ti_free(arg);
    bool ok = compile_object(j.isa, j.jit->source, j.jit->object);
    atomic_store(&j.jit->done, ok ? 1 : 2);
    return NULL;
}

// ---- taking over --------------------------------------------------------------------------------

// Programs of several threads may share an object: its memory comes and goes under one lock, which
// the loader has too but does not show to tools that look for races.
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void *load(const char *path) {
    pthread_mutex_lock(&loading);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    pthread_mutex_unlock(&loading);
    return handle;
}
static void unload(void *handle) {
    pthread_mutex_lock(&loading);
    dlclose(handle);
    pthread_mutex_unlock(&loading);
}

static void take_over(ti_cpu_program *p) {
    char name[32];
    p->jit->handle = load(p->jit->object);
    if (!p->jit->handle) return;
    for (int i = 0; i < p->n_steps; i++) {
        if (!printable(p, &p->steps[i])) continue;
        snprintf(name, sizeof name, "k%d", i);
        void *f = dlsym(p->jit->handle, name);
        memcpy(&p->steps[i].loop.compiled, &f, sizeof f);
    }
}

void ti_jit_poll(ti_cpu_program *p) {
    ti_jit *j = p->jit;
    if (!j || !j->threaded || !atomic_load(&j->done)) return;
    pthread_join(j->thread, NULL);
    j->threaded = false;
    if (atomic_load(&j->done) == 1) take_over(p);
}

bool ti_jit_ready(const ti_cpu_program *p) { return p->jit && p->jit->handle; }

static tarn_status prepare(ti_cpu_program *p, const char *cc, ti_jit **out) {
    char hex[65], path[4096];
    ti_buf b;
    ti_jit *j = NULL;
    tarn_status st = print_source(p, &b);
    if (!st) {
        hash_source(p, cc, b.data, hex);
        if (cache_path(hex, path, sizeof path)) st = ti_alloc_zero(sizeof *j, &j);
    }
    if (!st && j) st = ti_alloc(strlen(path) + 1, &j->object);
    if (!st && j) {
        memcpy(j->object, path, strlen(path) + 1);
        j->source = b.data;
        *out = j;
        return TARN_OK;
    }
    ti_buf_free(&b);
    ti_free(j);
    return st;
}

static void start_thread(ti_cpu_program *p) {
    job *j = NULL;
    if (ti_alloc(sizeof *j, &j)) return;
    *j = (job){p->jit, p->isa};
    p->jit->threaded = !pthread_create(&p->jit->thread, NULL, compile_in_background, j);
    if (!p->jit->threaded) ti_free(j);
}

tarn_status ti_jit_start(ti_cpu_program *p, tarn_jit mode) {
    const char *cc = find_compiler();
    if (mode == TARN_JIT_OFF || !cc || geteuid() != getuid()) return TARN_OK;
    TI_TRY(prepare(p, cc, &p->jit));
    if (!p->jit) return TARN_OK;
    if (access(p->jit->object, R_OK)) {
        if (mode == TARN_JIT_AUTO) {
            start_thread(p);
            return TARN_OK;
        }
        if (!compile_object(p->isa, p->jit->source, p->jit->object)) return TARN_OK;
    }
    take_over(p);
    return TARN_OK;
}

void ti_jit_free(ti_cpu_program *p) {
    ti_jit *j = p->jit;
    if (!j) return;
    if (j->threaded) pthread_join(j->thread, NULL);
    if (j->handle) unload(j->handle);
    ti_free(j->object);
    ti_free(j->source);
    ti_free(j);
    p->jit = NULL;
}
