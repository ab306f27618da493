// What the probes share: small real programs that would force a redesign if a mechanism they need
// came late. Each is trained for a few steps in every way a program can be compiled and run; all
// ways must end in one hash of the weights.
#ifndef PROBES_SUPPORT_H
#define PROBES_SUPPORT_H

#include <dirent.h>
#include <math.h>

#include "ops/support.h"

// Trains over a new store and writes the hash of its weights.
typedef void (*probe_fn)(const tarn_compile_opts *opts, char hash[65]);

typedef struct probe_way {
    const char *name;
    tarn_compile_opts opts;
    int threads;
} probe_way;

static inline void probe_all_ways(probe_fn train) {
    static const probe_way ways[] = {
        {"1 thread", {.jit = TARN_JIT_OFF}, 1},
        {"2 threads", {.jit = TARN_JIT_OFF}, 2},
        {"3 threads", {.jit = TARN_JIT_OFF}, 3},
        {"8 threads", {.jit = TARN_JIT_OFF}, 8},
        {"compiled, 1 thread", {.jit = TARN_JIT_WAIT}, 1},
        {"compiled, 3 threads", {.jit = TARN_JIT_WAIT}, 3},
        {"no specialise", {.jit = TARN_JIT_OFF, .skip_pass = "specialise"}, 2},
        {"no simplify", {.jit = TARN_JIT_OFF, .skip_pass = "simplify"}, 2},
        {"no fusion", {.jit = TARN_JIT_OFF, .skip_pass = "fuse"}, 2},
        {"no fusion, compiled", {.jit = TARN_JIT_WAIT, .skip_pass = "fuse"}, 2},
        {"not in place", {.jit = TARN_JIT_OFF, .no_in_place = true}, 2},
        {"poisoned", {.jit = TARN_JIT_OFF, .poison = true}, 2},
        {"poisoned, compiled", {.jit = TARN_JIT_WAIT, .poison = true}, 2},
    };
    char first[65] = "", hash[65];
    need_compiler();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        CHECK_OK(tarn_set_threads(ways[i].threads));
        train(&ways[i].opts, hash);
        if (!*first) memcpy(first, hash, sizeof first);
        if (strcmp(first, hash)) test_fail(__FILE__, __LINE__, "other bits: %s", ways[i].name);
    }
}

// One more program over a store: its own graph, the same variables.
static inline rig probe_graph(tarn_store *store, int64_t batch) {
    rig r = {.store = store, .g = tarn_graph_create(store)};
    CHECK(r.g);
    tarn_set_max_batch(r.g, batch);
    return r;
}
static inline void probe_graph_free(rig *r) {
    tarn_program_free(r->p);
    tarn_graph_free(r->g);
}

static inline void probe_run(rig *r, const char *input, const void *data, tarn_shape shape) {
    CHECK_OK(tarn_bind(r->p, input, data, shape));
    CHECK_OK(tarn_run(r->p));
}

// Elements of a variable as doubles.
static inline void probe_read(tarn_store *s, const char *name, double *out, int n) {
    tarn_tensor *t = NULL, *d = NULL;
    CHECK_OK(tarn_store_get(s, name, &t));
    CHECK_OK(tarn_tensor_cast(t, TARN_F64, &d));
    CHECK_EQ_I(tarn_tensor_numel(d), n);
    memcpy(out, tarn_tensor_cdata(d), (size_t)n * sizeof *out);
    tarn_tensor_release(t);
    tarn_tensor_release(d);
}

// n steps of a program, then the hash of its store's weights.
static inline void probe_steps(rig *r, int n, void (*feed)(rig *r, int step), char hash[65]) {
    for (int i = 0; i < n; i++) {
        feed(r, i);
        CHECK_OK(tarn_run(r->p));
    }
    CHECK_OK(tarn_store_sha256(r->store, hash));
}

static inline void probe_write(tarn_store *s, const char *name, tarn_dtype dtype, tarn_shape shape,
                               const double *x) {
    tarn_tensor *t = NULL, *d = NULL;
    CHECK_OK(tarn_tensor_from(TARN_F64, shape, x, &d));
    CHECK_OK(tarn_tensor_cast(d, dtype, &t));
    CHECK_OK(tarn_store_set(s, name, t));
    tarn_tensor_release(t);
    tarn_tensor_release(d);
}

// Derivative of result 0 by element k of the f64 variable that holds w, by central differences.
static inline double probe_difference(rig *r, const char *name, tarn_shape s, double *w, int k) {
    const double h = 1e-5;
    double side[2], middle = w[k];
    for (int i = 0; i < 2; i++) {
        w[k] = middle + (i ? h : -h);
        probe_write(r->store, name, TARN_F64, s, w);
        CHECK_OK(tarn_run(r->p));
        side[i] = tarn_result_scalar(r->p, 0);
    }
    w[k] = middle;
    probe_write(r->store, name, TARN_F64, s, w);
    return (side[1] - side[0]) / (2 * h);
}

// From here on generated kernels go to a folder of the test's own; how many modules are there?
static inline void probe_own_cache(void) {
    need_compiler();
    CHECK(!setenv("XDG_CACHE_HOME", test_dir(), 1));
}
static inline int probe_modules(void) {
    char path[4096];
    int n = 0;
    snprintf(path, sizeof path, "%s/tarn", getenv("XDG_CACHE_HOME"));
    DIR *d = opendir(path);
    if (!d) return 0;
    for (const struct dirent *e; (e = readdir(d));) n += *e->d_name != '.';
    closedir(d);
    return n;
}

static inline int probe_by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
// What the first run at a size takes more than the second: the middle of several rounds over n
// sizes.
static inline double probe_new_size_seconds(rig *r, int n, void (*feed)(rig *r, int step)) {
    double more[64], took[2];
    int runs = n * 5 < 64 ? n * 5 : 64;
    for (int i = 0; i < runs; i++) {
        feed(r, i % n);
        for (int k = 0; k < 2; k++) {
            double start = ti_now();
            CHECK_OK(tarn_run(r->p));
            took[k] = ti_now() - start;
        }
        more[i] = took[0] - took[1];
    }
    qsort(more, (size_t)runs, sizeof *more, probe_by_value);
    return more[runs / 2];
}
#endif
