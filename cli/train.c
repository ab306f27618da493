// tarn train: from a YAML file to weights, with checkpoints on the way.
//
// The order is chosen so that what can fail early fails early: the file and the output folder are
// checked before data are read, the data before the model is compiled, all before the first step.
#include "train.h"

#include <stdlib.h>
#include <string.h>

// ---- before ------------------------------------------------------------------------------------

static int check_options(const cli_args *a) {
    if (cli_given(a, "resume") && cli_given(a, "from"))
        return cli_usage(a->cmd, "--resume and --from exclude each other: a checkpoint holds the "
                                 "weights already");
    return CLI_OK;
}

static int open_job(cli_train *t) {
    t->file = cli_str(t->a, "FILE");
    t->from = cli_str(t->a, "from");
    if (!cli_has_extension(t->file, ".safetensors")) return cli_job_read(t->a, t->file, &t->job);
    if (!cli_job_is_beside(t->file))
        return cli_error(t->a->cmd,
                         "'%s' has no run.json beside it that says how to train: name the YAML "
                         "file and give the model with --from",
                         t->file);
    if (!t->from) t->from = t->file;
    return cli_job_beside(t->a, t->file, NULL, &t->job);
}

// A kill between two renames leaves the checkpoint as ".next" only; fit puts that right.
static bool has_checkpoint(const cli_train *t) {
    cli_path next;
    snprintf(next.s, sizeof next.s, "%.4000s.next", t->checkpoint.s);
    return cli_exists(t->checkpoint.s) || cli_exists(next.s);
}

static int open_output(cli_train *t) {
    const char *out = cli_str(t->a, "out");
    if (out)
        snprintf(t->out.s, sizeof t->out.s, "%s", out);
    else
        cli_stem(&t->out, t->file);
    cli_join(&t->checkpoint, t->out.s, "checkpoint.safetensors");
    cli_join(&t->model_path, t->out.s, "model.safetensors");
    t->resumed = cli_given(t->a, "resume") && has_checkpoint(t);
    if (!t->leads) return CLI_OK;
    int code = cli_need_folder(t->a->cmd, t->out.s);
    return code || t->resumed ? code : cli_job_save(t->a, &t->job, t->out.s);
}

static int load_data(cli_train *t) {
    cli_phase("read data");
    tarn_status st = tarn_experiment_data(t->job.experiment, t->job.data, &t->data, &t->test);
    if (st) return cli_fail(t->a, st);
    if (t->leads) cli_job_note(t->a, &t->job, &t->data);
    return CLI_OK;
}

// Every weight of `to` from the store of another model; names and shapes must agree.
static tarn_status copy_weights(tarn_store *to, const tarn_store *from) {
    for (int i = 0; i < tarn_store_count(to); i++) {
        const char *name = tarn_store_name(to, i);
        tarn_tensor *value;
        if (!strncmp(name, TARN_STATE_PREFIX, strlen(TARN_STATE_PREFIX))) continue;
        TARN_TRY(tarn_store_get(from, name, &value));
        tarn_status st = tarn_store_set(to, name, value);
        tarn_tensor_release(value);
        TARN_TRY(st);
    }
    return TARN_OK;
}

static int start_from(cli_train *t) {
    tarn_model *other;
    if (!t->from) return CLI_OK;
    tarn_status st = tarn_model_load(t->from, &other);
    if (st) return cli_fail(t->a, st);
    st = copy_weights(tarn_model_store(t->model), tarn_model_store(other));
    tarn_model_free(other);
    if (!st) return CLI_OK;
    return cli_error(t->a->cmd, "cannot begin with the weights of '%s': %s", t->from,
                     tarn_last_error());
}

static int build_model(cli_train *t) {
    tarn_experiment_info *info = &t->job.info;
    info->optimizer.o.ranks = &t->ranks;
    cli_phase("build");
    tarn_status st = tarn_experiment_model(t->job.experiment, &t->data, info->seed, &t->model);
    if (!st && t->data.labels)
        st = tarn_model_set_labels(t->model, t->data.labels, t->data.classes);
    if (!st)
        st = tarn_model_compile(t->model, .optimizer = info->optimizer, .loss = info->loss,
                                .metrics = info->metrics,
                                .program = {.dump = t->leads ? cli_str(t->a, "dump") : NULL,
                                            .dump_to = stderr,
                                            .profile = cli_given(t->a, "profile")},
                                .device = cli_str(t->a, "device"));
    return st ? cli_fail(t->a, st) : start_from(t);
}

// ---- callbacks ---------------------------------------------------------------------------------

static tarn_status watch(void *self, tarn_fit_state *s) {
    cli_train *t = self;
    t->epoch = s->epoch;
    t->step = s->step;
    t->seconds = s->seconds;
    return TARN_OK;
}

static tarn_status begin(void *self, tarn_fit_state *s) {
    ((cli_train *)self)->begin = s->step;
    return watch(self, s);
}

// What tells and writes.
static tarn_status add_reports(cli_train *t) {
    cli_path history;
    tarn_callback *next = t->callback + t->n_callbacks;
    if (!cli_given(t->a, "quiet")) {
        TARN_TRY(tarn_progress_line(stderr, next++));
        t->n_callbacks++;
    }
    if (cli_given(t->a, "json")) {
        TARN_TRY(tarn_json_lines(stdout, next++));
        t->n_callbacks++;
    }
    TARN_TRY(tarn_csv_logger(cli_join(&history, t->out.s, "history.csv"), t->resumed, next++));
    t->n_callbacks++;
    TARN_TRY(tarn_curves(t->out.s, next));
    t->n_callbacks++;
    return TARN_OK;
}

static tarn_status add_callbacks(cli_train *t) {
    t->callback[t->n_callbacks++] = (tarn_callback){.self = t,
                                                    .on_batch_end = watch,
                                                    .on_epoch_end = watch,
                                                    .on_train_begin = begin,
                                                    .on_train_end = watch};
    if (t->leads) TARN_TRY(add_reports(t));
    if (!t->job.info.early_stopping) return TARN_OK;
    TARN_TRY(tarn_early_stopping_(t->job.info.early_stopping, &t->callback[t->n_callbacks]));
    t->n_callbacks++;
    return TARN_OK;
}

// ---- training ----------------------------------------------------------------------------------

static int stopped(const cli_train *t, tarn_status st) {
    if (st != TARN_ECANCELLED) return cli_fail(t->a, st);
    cli_error(t->a->cmd, "stopped after step %lld; --resume goes on from '%s'", (long long)t->step,
              t->checkpoint.s);
    return CLI_INTERRUPTED;
}

static int fit(cli_train *t) {
    const tarn_experiment_info *info = &t->job.info;
    tarn_status st = add_callbacks(t);
    if (st) return cli_fail(t->a, st);
    cli_phase("train");
    st = tarn_model_fit(t->model, &t->data, .batch_size = info->batch, .epochs = info->epochs,
                        .max_steps = info->steps, .validation = t->test.x ? &t->test : NULL,
                        .no_shuffle = info->no_shuffle, .callbacks = t->callback,
                        .n_callbacks = t->n_callbacks, .checkpoint = t->checkpoint.s,
                        .checkpoint_steps = cli_int(t->a, "checkpoint-steps"),
                        .resume = cli_given(t->a, "resume"), .interrupt = cli_catch_interrupt(),
                        .result = &t->logs);
    return st ? stopped(t, st) : CLI_OK;
}

static int save(cli_train *t) {
    cli_phase("save");
    tarn_status st = tarn_model_save(t->model, t->model_path.s, false);
    if (st) return cli_fail(t->a, st);
    int code = cli_job_save(t->a, &t->job, t->out.s);
    return code ? code : cli_train_done(t);
}

static int train(cli_train *t) {
    int code = open_job(t);
    if (!code) code = open_output(t);
    if (!code) code = load_data(t);
    if (!code) code = build_model(t);
    if (code) return code;
    if (t->leads) cli_train_head(t);
    code = fit(t);
    if (!t->leads) return code;
    cli_profile_kernels(t->a, tarn_model_step(t->model));
    return code ? code : save(t);
}

static int train_run(const cli_args *a) {
    int code = check_options(a);
    if (code) return code;
    cli_train *t = calloc(1, sizeof *t);
    if (!t) return cli_error(a->cmd, "out of memory");
    t->a = a;
    tarn_status st = tarn_ranks_open(&t->ranks);
    t->leads = t->ranks.rank == 0;
    code = st ? cli_fail(a, st) : train(t);
    for (int i = 0; i < t->n_callbacks; i++)
        if (t->callback[i].destroy) t->callback[i].destroy(t->callback[i].self);
    tarn_model_free(t->model);
    tarn_dataset_clear(&t->data);
    tarn_dataset_clear(&t->test);
    cli_job_clear(&t->job);
    tarn_ranks_close(&t->ranks, code ? TARN_ECANCELLED : TARN_OK);
    free(t);
    return code;
}

// ---- the command -------------------------------------------------------------------------------

static const cli_opt train_opts[] = {
    {"FILE", CLI_FILE, .positional = true, .required = true,
     .help = "experiment (.yaml), or a model that 'tarn train' wrote, to go on with its weights"},
    {"data", CLI_DIR, "DIR",
     .help = "folder of the data set (default: its folder in $TARN_DATA, then in ~/.cache/tarn)"},
    {"out", CLI_DIR, "DIR",
     .help = "folder for results (default: named after FILE, without its extension)"},
    {"epochs", CLI_INT, "N", .min = 1, .max = 1000000, .help = "passes over the training data"},
    {"batch", CLI_INT, "N", .min = 1, .max = 1000000, .help = "samples a step, of each rank"},
    {"lr", CLI_REAL, "X", .min = 0, .max = 1e6, .help = "learning rate"},
    {"max-steps", CLI_INT, "N", .min = 1, .max = 1e15, .help = "end after so many steps in all"},
    {"set", CLI_TEXT, "A.B=V", .many = true,
     .help = "replace a value of FILE, as in --set model.0.dense.units=256"},
    {"resume", CLI_FLAG, .help = "go on from the checkpoint in the --out folder if there is one"},
    {"from", CLI_FILE, "MODEL", .help = "begin with the weights of a model file"},
    {"checkpoint-steps", CLI_INT, "N", .min = 1, .max = 1e15,
     .help = "write a checkpoint also every N steps (always: at the end of each epoch)"},
    {0},
};

static const cli_example train_examples[] = {
    {"tarn train mnist_mlp.yaml", "train as the file says; results go to mnist_mlp/"},
    {"tarn train mnist_mlp.yaml --epochs 2 --lr 0.01 --out try1", "other numbers, another folder"},
    {"tarn train mnist_mlp.yaml --resume", "go on where Ctrl-C or a power cut ended it"},
    {"tarn train mnist_mlp.yaml --json --quiet", "JSON lines for a program to read"},
    {"mpirun -n 2 tarn train mnist_mlp.yaml --batch 64", "two processes, 128 samples a step"},
    {0},
};

const cli_cmd cmd_train = {
    .name = "train",
    .brief = "train the network that a YAML file describes",
    .about =
        "Train the network that FILE describes, on the data that it names. Options replace what "
        "FILE says.\n\n"
        "The folder of results gets model.safetensors (the weights and the network), "
        "checkpoint.safetensors (all that --resume needs), history.csv, curves as PNG, and "
        "run.json (the settings, for 'tarn eval' and for you).\n\n"
        "Ctrl-C ends the step, writes a checkpoint and stops; a second Ctrl-C stops at once. A run "
        "that was stopped or killed goes on with --resume and ends with the same weights, bit for "
        "bit, as one that never was.\n\n"
        "Started by mpirun or Slurm as several ranks, they train one network together: each takes "
        "its part of every batch, gradients are summed within the step, rank 0 prints and writes. "
        "N ranks with batch B step as one would with batch N times B; the same N gives the same "
        "weights, bit for bit.",
    .opts = train_opts,
    .examples = train_examples,
    .run = train_run,
};
