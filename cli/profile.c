// Where the time went: a command names its phases as it goes, --profile prints them at the end.
#include "cli.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_PHASES = 16 };

static struct {
    const char *name;
    double seconds;
} phase[MAX_PHASES];
static int phases;
static const char *running;
static double since;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void add(const char *name, double seconds) {
    int i = 0;
    while (i < phases && strcmp(phase[i].name, name)) i++;
    if (i == MAX_PHASES) return;
    if (i == phases) phase[phases++].name = name;
    phase[i].seconds += seconds;
}

void cli_phase(const char *name) {
    double t = now();
    if (running) add(running, t - since);
    running = name;
    since = t;
}

void cli_profile_kernels(const cli_args *a, const tarn_program *p) {
    tarn_kernel_info k;
    double total = 0;
    if (!cli_given(a, "profile") || !p) return;
    cli_table *t = cli_table_create("rllrrrr");
    for (int i = 0; tarn_program_kernel(p, i, &k); i++) total += k.seconds;
    for (int i = 0; tarn_program_kernel(p, i, &k); i++) {
        double mean = k.seconds / (double)(k.runs ? k.runs : 1);
        cli_cell(t, "%d", i);
        cli_cell(t, "%s", k.kind);
        cli_cell(t, "%s", k.label);
        cli_cell(t, "%.1f us", 1e6 * mean);
        cli_cell(t, "best %.1f us", 1e6 * k.best);
        cli_cell(t, "%.1f %%", 100 * k.seconds / (total > 0 ? total : 1));
        if (k.flops > 0 && mean > 0) {
            cli_cell(t, "%.1f GFLOP/s", 1e-9 * k.flops / mean);
        } else {
            cli_cell(t, "%s", "");
        }
    }
    cli_table_print(t, stderr);
    cli_table_free(t);
}

void cli_profile(const cli_args *a) {
    struct rusage use;
    double total = 0;
    cli_text text;
    cli_phase(NULL);
    if (!cli_given(a, "profile")) return;
    cli_table *t = cli_table_create("lrr");
    for (int i = 0; i < phases; i++) total += phase[i].seconds;
    for (int i = 0; i < phases; i++) {
        cli_cell(t, "%s", phase[i].name);
        cli_cell(t, "%.3f s", phase[i].seconds);
        cli_cell(t, "%.0f %%", 100 * phase[i].seconds / (total > 0 ? total : 1));
    }
    cli_table_print(t, stderr);
    cli_table_free(t);
    getrusage(RUSAGE_SELF, &use);
    fprintf(stderr, "processor time %.3f s, peak memory %s\n",
            (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec),
            cli_bytes(&text, 1024.0 * (double)use.ru_maxrss));  // ru_maxrss is in KiB on Linux
}
