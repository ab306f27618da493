// tarn devices: the processor, its caches, and the devices that --device knows.
#include "output.h"

#include <string.h>
#include <unistd.h>

enum { MAX_CACHES = 8, TEXT_CAP = 4096, ABOUT_CAP = 1200 };

typedef struct cache {
    int level;
    char type[16];  // Data, Instruction, Unified
    int64_t bytes;
} cache;

typedef struct machine {
    char cpu[128];
    char features[256];  // those that kernels care for, separated by blanks
    int64_t cores;
    cache caches[MAX_CACHES];
    int n_caches;
} machine;

// ---- the processor -----------------------------------------------------------------------------

// "model name : AMD EPYC" gives "AMD EPYC" for the key "model name".
static const char *field(char *line, const char *key) {
    size_t n = strlen(key);
    if (strncmp(line, key, n) || !strchr(" \t:", line[n])) return NULL;
    char *value = strchr(line, ':');
    if (!value) return NULL;
    value += 1 + strspn(value + 1, " \t");
    value[strcspn(value, "\n")] = '\0';
    return value;
}

static void keep_features(machine *m, const char *flags) {
    static const char *const known[] = {"sse4_2",      "avx",         "avx2",     "fma",
                                        "f16c",        "avx512f",     "avx512bw", "avx512vl",
                                        "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16",
                                        "asimd",       "asimdhp",     "sve",      "bf16"};
    int at = 0;
    *m->features = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cli_has_word(flags, known[i]))
            at += snprintf(m->features + at, sizeof m->features - (size_t)at, "%s%s", at ? " " : "",
                           known[i]);
}

static void read_processor(machine *m) {
    char line[TEXT_CAP];
    const char *value;
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(m->cpu, sizeof m->cpu, "unknown processor");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        if ((value = field(line, "model name")))
            snprintf(m->cpu, sizeof m->cpu, "%s", value);
        else if ((value = field(line, "flags")) || (value = field(line, "Features")))
            keep_features(m, value);
        else if (*line == '\n')
            break;  // the first processor speaks for all
    }
    fclose(f);
}

static bool cache_field(int index, const char *name, const char *format, void *out) {
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    bool found = fscanf(f, format, out) == 1;
    fclose(f);
    return found;
}

static void read_caches(machine *m) {
    for (int i = 0; i < MAX_CACHES; i++) {
        cache *c = &m->caches[m->n_caches];
        long kib;
        if (!cache_field(i, "level", "%d", &c->level) || !cache_field(i, "size", "%ldK", &kib) ||
            !cache_field(i, "type", "%15s", c->type))
            return;
        c->bytes = 1024 * (int64_t)kib;
        m->n_caches += strcmp(c->type, "Instruction") != 0;
    }
}

static machine read_machine(void) {
    machine m = {.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    read_processor(&m);
    read_caches(&m);
    return m;
}

// ---- the devices -------------------------------------------------------------------------------

// A device is there when it compiles the smallest program. About: what it is, may be empty.
static tarn_status probe(const char *device, char about[ABOUT_CAP]) {
    tarn_store *store = NULL;
    tarn_program *program = NULL;
    TARN_TRY(tarn_store_create(0, &store));
    tarn_graph *g = tarn_graph_create(store);
    tarn_status st = TARN_ENOMEM;
    if (g) st = tarn_compile(g, TARN_FETCH(tarn_constant(g, TARN_F32, 1)), device, &program);
    if (!st) st = tarn_device_describe(device, about, ABOUT_CAP);
    tarn_program_free(program);
    tarn_graph_free(g);
    tarn_store_free(store);
    return st;
}

static const char *device_names(void) {
    const cli_opt *row = cli_common;
    while (strcmp(row->name, "device")) row++;
    return row->choices;
}

// Name of the next device of the list; false at the end.
static bool next_device(const char **list, cli_text *name) {
    int len;
    const char *word = cli_word(list, &len);
    if (word) snprintf(name->s, sizeof name->s, "%.*s", len, word);
    return word != NULL;
}

// ---- the command -------------------------------------------------------------------------------

static int print_json(const cli_args *a, const machine *m) {
    json_t *caches = json_array(), *devices = json_array(), *features = json_array();
    const char *list = m->features, *names = device_names(), *word;
    char about[ABOUT_CAP];
    cli_text name;
    int len;
    while ((word = cli_word(&list, &len)))
        json_array_append_new(features, json_stringn(word, (size_t)len));
    for (int i = 0; i < m->n_caches; i++)
        json_array_append_new(caches, json_pack("{s:i, s:s, s:I}", "level", m->caches[i].level,
                                                "type", m->caches[i].type, "bytes",
                                                (json_int_t)m->caches[i].bytes));
    while (next_device(&names, &name)) {
        bool present = probe(name.s, about) == TARN_OK;
        json_array_append_new(devices,
                              json_pack("{s:s, s:b, s:s}", "name", name.s, "present", present,
                                        "about", present ? about : tarn_last_error()));
    }
    return cli_json(a->cmd, json_pack("{s:s, s:o, s:I, s:i, s:o, s:o}", "cpu", m->cpu, "features",
                                      features, "cores", (json_int_t)m->cores, "threads",
                                      tarn_threads(), "caches", caches, "devices", devices));
}

static void print_text(const machine *m) {
    const char *names = device_names();
    char about[ABOUT_CAP];
    cli_text name;
    cli_table *t = cli_table_create("ll");
    cli_cell(t, "processor");
    cli_cell(t, "%s", m->cpu);
    cli_cell(t, "features");
    cli_cell(t, "%s", m->features);
    cli_cell(t, "cores");
    cli_cell(t, "%d; programs use %d thread%s", (int)m->cores, tarn_threads(),
             tarn_threads() == 1 ? "" : "s");
    for (int i = 0; i < m->n_caches; i++) {
        bool mib = m->caches[i].bytes >= 1048576;
        cli_cell(t, "cache L%d", m->caches[i].level);
        cli_cell(t, mib ? "%.3g MiB" : "%.0f KiB",
                 (double)m->caches[i].bytes / (mib ? 1048576 : 1024));
    }
    while (next_device(&names, &name)) {
        cli_cell(t, "device %s", name.s);
        if (probe(name.s, about))
            cli_cell(t, "%s", tarn_last_error());
        else
            cli_cell(t, *about ? "ready: %s" : "ready%s", about);
    }
    cli_table_print(t, stdout);
    cli_table_free(t);
}

static int devices_run(const cli_args *a) {
    machine m = read_machine();
    if (cli_given(a, "json")) return print_json(a, &m);
    print_text(&m);
    return CLI_OK;
}

static const cli_opt devices_opts[] = {{0}};

const cli_cmd cmd_devices = {
    .name = "devices",
    .brief = "show the processor and the devices that programs run on",
    .about = "Show the processor with its features, cores and caches, how many threads programs "
             "use, and which devices --device can name here.",
    .opts = devices_opts,
    .run = devices_run,
};
