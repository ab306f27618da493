// What a training is, from a YAML file or from the record of an earlier one.
#include "job.h"
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_NAME "run.json"

enum { MAX_YAML = 1 << 20, MAX_SETS = 256 };

// ---- overrides ---------------------------------------------------------------------------------

static bool has_option(const cli_cmd *cmd, const char *name) {
    for (const cli_opt *row = cmd->opts; row->name; row++)
        if (!strcmp(row->name, name)) return true;
    return !strcmp(name, "seed");
}

static bool given(const cli_args *a, const char *name) {
    return has_option(a->cmd, name) && cli_given(a, name);
}

// Options that are short for a --set come after it, so they win.
static void add_sets(const cli_args *a, json_t *sets) {
    static const struct {
        const char *option, *key;
    } shorts[] = {
        {"epochs", "epochs"}, {"batch", "batch"}, {"seed", "seed"}, {"max-steps", "steps"}};
    const char *text;
    int at = 0;
    while (has_option(a->cmd, "set") && (text = cli_next(a, "set", &at)))
        json_array_append_new(sets, json_string(text));
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (given(a, shorts[i].option))
            json_array_append_new(
                sets, json_sprintf("%s=%s", shorts[i].key, cli_str(a, shorts[i].option)));
}

// ---- the experiment ----------------------------------------------------------------------------

static int record_error(const cli_args *a, const char *path) {
    return cli_error(a->cmd, "'%s' is not the record of a training", path);
}

// Read the experiment that the record holds; `name` is what messages call it.
static int parse(const cli_args *a, const char *name, cli_job *job) {
    const char *text = NULL, *sets[MAX_SETS];
    json_t *list = json_object_get(job->record, "set");
    size_t n = json_array_size(list);
    if (!name || json_unpack(job->record, "{s:s}", "experiment", &text))
        return record_error(a, RECORD_NAME);
    if (n > MAX_SETS) return cli_usage(a->cmd, "more than %d --set", MAX_SETS);
    for (size_t i = 0; i < n; i++)
        if (!(sets[i] = json_string_value(json_array_get(list, i))))
            return record_error(a, RECORD_NAME);
    tarn_experiment_free(job->experiment);
    job->experiment = NULL;
    tarn_status st = tarn_experiment_parse(name, text, strlen(text), sets, (int)n,
                                           &job->experiment);
    if (st) return cli_fail(a, st);
    job->info = tarn_experiment_get(job->experiment);
    job->data = json_string_value(json_object_get(job->record, "data"));
    return CLI_OK;
}

// --lr is short for a --set too, whose key is known once the optimizer is.
static int parse_all(const cli_args *a, const char *name, cli_job *job) {
    int code = parse(a, name, job);
    if (code || !given(a, "lr")) return code;
    json_array_append_new(json_object_get(job->record, "set"),
                          json_sprintf("optimizer.%s.learning_rate=%s",
                                       cli_optimizer_name((int)job->info.optimizer.kind),
                                       cli_str(a, "lr")));
    return parse(a, name, job);
}

// Paths are recorded in full: the record will be read from other folders.
static void set_path(json_t *record, const char *key, const char *path) {
    char *full = realpath(path, NULL);
    json_object_set_new(record, key, json_string(full ? full : path));
    free(full);
}

static void set_data(const cli_args *a, json_t *record) {
    if (given(a, "data")) set_path(record, "data", cli_str(a, "data"));
}

static int read_text(const cli_args *a, const char *path, char **text) {
    FILE *f = fopen(path, "r");
    if (!f) return cli_error(a->cmd, "cannot open '%s': %s", path, strerror(errno));
    char *all = calloc(MAX_YAML + 1, 1);
    size_t n = all ? fread(all, 1, MAX_YAML + 1, f) : 0;
    int code = CLI_OK;
    if (!all)
        code = cli_error(a->cmd, "out of memory");
    else if (ferror(f))
        code = cli_error(a->cmd, "cannot read '%s': %s", path, strerror(errno));
    else if (n > MAX_YAML)
        code = cli_error(a->cmd, "'%s' is larger than an experiment may be, 1 MiB", path);
    else if (memchr(all, '\0', n))
        code = cli_error(a->cmd, "'%s' is not a text file", path);
    fclose(f);
    if (code) {
        free(all);
        return code;
    }
    all[n] = '\0';
    *text = all;
    return CLI_OK;
}

int cli_job_read(const cli_args *a, const char *yaml, cli_job *job) {
    char *text = NULL;
    *job = (cli_job){0};
    int code = read_text(a, yaml, &text);
    if (code) return code;
    json_t *sets = json_array();
    add_sets(a, sets);
    job->record = json_pack("{s:s, s:s, s:o}", "tarn", tarn_version(), "experiment", text, "set",
                            sets);
    free(text);
    if (!job->record) return cli_error(a->cmd, "'%s' is not UTF-8 text", yaml);
    set_path(job->record, "file", yaml);
    set_data(a, job->record);
    return parse_all(a, yaml, job);
}

// ---- the record --------------------------------------------------------------------------------

static const char *record_path(cli_path *p, const char *model) {
    cli_path folder;
    return cli_join(p, cli_folder(&folder, model), RECORD_NAME);
}

bool cli_job_is_beside(const char *model) {
    cli_path p;
    return cli_exists(record_path(&p, model));
}

int cli_job_beside(const cli_args *a, const char *model, const char *set, cli_job *job) {
    cli_path p;
    *job = (cli_job){
        .record = json_load_file(record_path(&p, model), JSON_REJECT_DUPLICATES, NULL)};
    if (!json_is_object(job->record)) return record_error(a, p.s);
    json_t *sets = json_object_get(job->record, "set");
    if (!json_is_array(sets)) return record_error(a, p.s);
    add_sets(a, sets);
    if (set) json_array_append_new(sets, json_string(set));
    set_data(a, job->record);
    return parse_all(a, json_string_value(json_object_get(job->record, "file")), job);
}

// Whole or not at all: a name of its own, then the right one.
int cli_job_save(const cli_args *a, const cli_job *job, const char *dir) {
    cli_path p, fresh;
    cli_join(&p, dir, RECORD_NAME);
    cli_join(&fresh, dir, RECORD_NAME ".new");
    errno = 0;
    if (!json_dump_file(job->record, fresh.s, JSON_INDENT(2)) && !rename(fresh.s, p.s))
        return CLI_OK;
    return cli_error(a->cmd, "cannot write '%s': %s", p.s, strerror(errno));
}

bool cli_job_fell_back(const cli_job *job, const tarn_dataset *data) {
    return data->generated && strcmp(job->info.data_name, data->name) != 0;
}

void cli_job_note(const cli_args *a, const cli_job *job, const tarn_dataset *data) {
    const char *name = job->info.data_name;
    if (cli_job_fell_back(job, data))
        cli_note(a,
                 "note: no files of %s in $TARN_DATA/%s or ~/.cache/tarn/%s, and no --data DIR: "
                 "these are generated digits, results are not those of %s",
                 name, name, name, name);
}

void cli_job_clear(cli_job *job) {
    tarn_experiment_free(job->experiment);
    json_decref(job->record);
    *job = (cli_job){0};
}
