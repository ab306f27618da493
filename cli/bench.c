// tarn bench: times fixed workloads through the low-level interface: build a graph, compile, bind,
// run. The line it prints has the keys of the scripts that time other frameworks the same way.
#include "bench.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST_STEPS = 20000, FEWEST_STEPS = 5 };

static const cli_bench_family *const families[] = {&cli_bench_mlp, &cli_bench_cnn, &cli_bench_gemm,
                                                   &cli_bench_elem};
enum { FAMILIES = sizeof families / sizeof *families };

typedef struct timing {
    double build, first;  // milliseconds, as all of these
    double median, least, p90;
    int64_t steps;
} timing;

static double clock_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double now(void) { return clock_ms(CLOCK_MONOTONIC); }

// ---- one workload ------------------------------------------------------------------------------

static const cli_bench_family *family_of(const char *name) {
    for (int i = 0; i < FAMILIES; i++)
        if (families[i]->knows(name)) return families[i];
    return NULL;
}

static tarn_status build(const cli_args *a, const char *name, cli_bench *b) {
    cli_bench_settings s = {.batch = cli_int(a, "batch"),
                            .seed = (uint64_t)cli_int(a, "seed"),
                            .data = cli_str(a, "data")};
    TARN_TRY(tarn_store_create(s.seed, &b->store));
    b->graph = tarn_graph_create(b->store);
    if (!b->graph) return TARN_ENOMEM;
    return family_of(name)->build(name, &s, b);
}

static void clear(cli_bench *b) {
    tarn_program_free(b->program);
    tarn_graph_free(b->graph);
    tarn_store_free(b->store);
    for (int i = 0; i < b->n_inputs; i++) tarn_tensor_release(b->input[i].data);
}

// Steady speed is what counts: wait for compiled kernels, unless the environment says otherwise.
static tarn_status compile(const cli_args *a, cli_bench *b) {
    tarn_compile_opts opts = {
        .dump = cli_str(a, "dump"), .dump_to = stderr, .profile = cli_given(a, "profile")};
    if (!getenv("TARN_JIT")) opts.jit = TARN_JIT_WAIT;
    return tarn_compile_opts_(b->graph, (tarn_fetch){b->fetch, b->n_fetch}, cli_str(a, "device"),
                              &opts, &b->program);
}

static tarn_status bind(cli_bench *b) {
    int64_t sample = b->steps % b->samples;
    for (int i = 0; i < b->n_inputs; i++) {
        const cli_bench_input *in = &b->input[i];
        size_t bytes = tarn_tensor_bytes(in->data) / (size_t)b->samples;
        const char *data = tarn_tensor_cdata(in->data);
        TARN_TRY(tarn_bind(b->program, in->name, data + (size_t)sample * bytes, in->shape));
    }
    return TARN_OK;
}

static tarn_status step(cli_bench *b) {
    if (b->steps == 0 || b->samples > 1) TARN_TRY(bind(b));
    b->steps++;
    return tarn_run(b->program);
}

// ---- timing ------------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void digest(double *ms, int64_t n, timing *t) {
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    t->steps = n;
    t->median = n % 2 ? ms[n / 2] : 0.5 * (ms[n / 2 - 1] + ms[n / 2]);
    t->least = ms[0];
    t->p90 = ms[(int64_t)(0.9 * (double)n)];
}

// Timed steps: as many as are asked for, else those that fit in the seconds.
static tarn_status time_steps(const cli_args *a, cli_bench *b, double *ms, int64_t *n) {
    int64_t want = cli_int(a, "steps");
    double end = now() + 1e3 * cli_real(a, "seconds");
    for (*n = 0;;) {
        double begin = now();
        TARN_TRY(step(b));
        double t = now();
        ms[(*n)++] = t - begin;
        if (want ? *n >= want : (t >= end && *n >= FEWEST_STEPS) || *n >= MOST_STEPS)
            return TARN_OK;
    }
}

static tarn_status measure(const cli_args *a, const char *name, cli_bench *b, timing *t) {
    int64_t n, room = cli_int(a, "steps") > MOST_STEPS ? cli_int(a, "steps") : MOST_STEPS;
    double begin = now();
    TARN_TRY(build(a, name, b));
    double built = now();
    TARN_TRY(compile(a, b));
    TARN_TRY(step(b));
    t->build = built - begin;
    t->first = now() - built;
    for (int64_t i = cli_int(a, "warmup"); i > 0; i--) TARN_TRY(step(b));
    double *ms = calloc((size_t)room, sizeof *ms);
    if (!ms) return TARN_ENOMEM;
    tarn_status st = time_steps(a, b, ms, &n);
    if (!st) digest(ms, n, t);
    free(ms);
    return st;
}

// ---- the line ----------------------------------------------------------------------------------

static json_t *rounded(double value, int decimals) {
    double scale = pow(10, decimals);
    return json_real(round(value * scale) / scale);
}

static double peak_rss_mb(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024;  // KiB on Linux
}

static int report(const cli_args *a, const char *name, const cli_bench *b, const timing *t,
                  double start_ms) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:I}", "peer", "tarn", "version", tarn_version(),
                          "workload", name, "threads", tarn_threads(), "batch",
                          (json_int_t)b->batch);
    json_object_set_new(o, "step_ms_median", rounded(t->median, 5));
    json_object_set_new(o, "samples_per_s", rounded((double)b->batch * 1e3 / t->median, 3));
    json_object_set_new(o, "first_step_ms", rounded(t->first, 3));
    json_object_set_new(o, "import_ms", rounded(start_ms, 1));
    json_object_set_new(o, "peak_rss_mb", rounded(peak_rss_mb(), 1));
    json_object_set_new(o, "step_ms_min", rounded(t->least, 5));
    json_object_set_new(o, "step_ms_p90", rounded(t->p90, 5));
    json_object_set_new(o, "steps", json_integer(t->steps));
    if (b->gflop > 0) {
        json_object_set_new(o, "gflop_per_step", rounded(b->gflop, 6));
        json_object_set_new(o, "gflops", rounded(b->gflop / (t->median * 1e-3), 2));
    }
    if (b->gbyte > 0) {
        json_object_set_new(o, "gbyte_per_step", rounded(b->gbyte, 6));
        json_object_set_new(o, "gbs", rounded(b->gbyte / (t->median * 1e-3), 2));
    }
    json_object_set_new(o, "build_ms", rounded(t->build, 1));
    return cli_json(a->cmd, o);
}

// ---- the command -------------------------------------------------------------------------------

// Name i of all families, one after the other.
static const char *workload_name(const void *unused, int i) {
    for (int f = 0; f < FAMILIES; f++) {
        const char *name;
        for (int k = 0; (name = families[f]->name(NULL, k)); k++)
            if (i-- == 0) return name;
    }
    return unused;
}

static void write_list(FILE *out, const void *what) {
    const char *name;
    (void)what;
    for (int i = 0; (name = workload_name(NULL, i)); i++) fprintf(out, "%s\n", name);
}

static int check_names(const cli_args *a) {
    const char *name;
    int at = 0;
    while ((name = cli_next(a, "WORKLOAD", &at))) {
        if (family_of(name)) continue;
        const char *near = cli_nearest(name, workload_name, NULL);
        if (near) return cli_usage(a->cmd, "unknown workload '%s'; did you mean '%s'?", name, near);
        return cli_usage(a->cmd, "unknown workload '%s'; 'tarn bench --list' lists them", name);
    }
    if (at) return CLI_OK;
    return cli_usage(a->cmd, "WORKLOAD is missing; 'tarn bench --list' lists them");
}

static int bench_one(const cli_args *a, const char *name, double start_ms) {
    cli_bench b = {0};
    timing t;
    tarn_status st = measure(a, name, &b, &t);
    int code = st ? cli_fail(a, st) : report(a, name, &b, &t, start_ms);
    if (!st) cli_profile_kernels(a, b.program);
    clear(&b);
    return code;
}

static int bench_run(const cli_args *a) {
    double start_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    const char *name;
    int at = 0, code = CLI_OK;
    if (cli_given(a, "list")) return cli_print(a, write_list, NULL);
    if ((code = check_names(a))) return code;
    while (!code && (name = cli_next(a, "WORKLOAD", &at))) code = bench_one(a, name, start_ms);
    return code;
}

static const cli_opt bench_opts[] = {
    {"WORKLOAD", CLI_TEXT, .positional = true, .many = true,
     .choices = "mnist_softmax tf_raw_mlp mnist_mlp tiny_mlp_infer tiny_mlp_train mnist_cnn "
                "mnist_cnn_adam gemm_1024 elem_copy elem_add elem_sum elem_softmax elem_adam",
     .help = "what to time; also gemm_MxNxK for any sizes"},
    {"list", CLI_FLAG, .help = "list the workloads"},
    {"steps", CLI_INT, "N", .min = 1, .max = 1e8,
     .help = "timed steps (default: as many as fit in --seconds, at least 5)"},
    {"seconds", CLI_REAL, "X", .preset = "3", .min = 0, .max = 86400,
     .help = "time for the timed steps"},
    {"warmup", CLI_INT, "N", .preset = "3", .min = 0, .max = 1e6,
     .help = "untimed steps after the first one"},
    {"batch", CLI_INT, "N", .min = 1, .max = 1000000, .help = "samples a step, where that applies"},
    {"data", CLI_DIR, "DIR", .help = "folder of MNIST, for its pictures (default: random pixels)"},
    {0},
};

static const cli_example bench_examples[] = {
    {"tarn bench mnist_mlp --threads 1", "a training step of the 784-512-512-10 network"},
    {"tarn bench gemm_128x512x784 --seconds 1", "one matrix product"},
    {"tarn bench --list", "all workloads"},
    {0},
};

const cli_cmd cmd_bench = {
    .name = "bench",
    .brief = "time fixed workloads",
    .about = "Time fixed workloads and print a JSON line for each. A step of training is forward, "
             "loss, backward and update on one batch that is in memory; a step of inference is one "
             "forward pass. The first step counts by itself (compiling included), then come "
             "--warmup untimed steps and the timed ones.",
    .opts = bench_opts,
    .examples = bench_examples,
    .run = bench_run,
};
