// tarn eval: how good a model is on a data set.
#include "eval.h"
#include "output.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// ---- the data ----------------------------------------------------------------------------------

// The test part where there is one, else the training part.
static void take_test(cli_eval *e, tarn_dataset *train, tarn_dataset *test) {
    bool has_test = test->x != NULL;
    e->data = has_test ? *test : *train;
    tarn_dataset_clear(has_test ? train : test);
}

static int data_of_job(cli_eval *e, cli_job *job) {
    tarn_dataset train = {0}, test = {0};
    tarn_status st = tarn_experiment_data(job->experiment, job->data, &train, &test);
    if (st) return cli_fail(e->a, st);
    take_test(e, &train, &test);
    cli_job_note(e->a, job, &e->data);
    return CLI_OK;
}

// No word of the training: a folder with the files of MNIST speaks for itself.
static int data_of_folder(cli_eval *e) {
    tarn_dataset train = {0}, test = {0};
    const char *dir = cli_str(e->a, "data");
    if (!dir)
        return cli_usage(e->a->cmd,
                         "no run.json beside '%s' says which data it was made for; name "
                         "them with --experiment FILE.yaml or --data DIR",
                         e->path);
    tarn_status st = tarn_data_mnist(dir, &train, &test);
    if (st) return cli_fail(e->a, st);
    take_test(e, &train, &test);
    tarn_preprocessing p = tarn_model_preprocessing(e->model);
    e->data.scale = p.scale;
    e->data.offset = p.offset;
    e->data.flatten = p.flatten;
    return CLI_OK;
}

static int load_data(cli_eval *e) {
    cli_job job = {0};
    const char *yaml = cli_str(e->a, "experiment");
    int code;
    cli_phase("read data");
    if (!yaml && !cli_job_is_beside(e->path)) {
        code = data_of_folder(e);
    } else {
        code = yaml ? cli_job_read(e->a, yaml, &job) : cli_job_beside(e->a, e->path, NULL, &job);
        if (!code) code = data_of_job(e, &job);
        cli_job_clear(&job);
    }
    if (code) return code;
    e->samples = tarn_tensor_shape(e->data.x)->dim[0];
    return CLI_OK;
}

// ---- results -----------------------------------------------------------------------------------

static json_t *metrics_json(const cli_eval *e) {
    json_t *metrics = json_object();
    for (int i = 0; i < e->logs.count; i++)
        json_object_set_new(metrics, e->logs.item[i].name, cli_json_number(e->logs.item[i].value));
    return metrics;
}

static void add_report(const cli_eval *e, const cli_report *r, json_t *line) {
    json_t *counts = json_array(), *classes = json_array();
    for (int64_t i = 0; i < r->classes; i++) {
        cli_text label;
        json_t *row = json_array();
        for (int64_t j = 0; j < r->classes; j++)
            json_array_append_new(row, json_integer(r->counts[i * r->classes + j]));
        json_array_append_new(counts, row);
        json_array_append_new(classes,
                              json_pack("{s:s, s:f, s:f, s:f, s:I}", "label",
                                        cli_model_class(&label, e->model, i), "precision",
                                        r->row[i].precision, "recall", r->row[i].recall, "f1",
                                        r->row[i].f1, "samples", (json_int_t)r->row[i].samples));
    }
    json_object_set_new(line, "confusion", counts);
    json_object_set_new(line, "classes", classes);
}

// r NULL: without a report.
static int print_json(const cli_eval *e, const cli_report *r) {
    json_t *line = json_pack("{s:s, s:o, s:I, s:s, s:b}", "event", "eval", "metrics",
                             metrics_json(e), "samples", (json_int_t)e->samples, "data",
                             e->data.name, "generated", e->data.generated);
    if (r) add_report(e, r, line);
    return cli_json(e->a->cmd, line);
}

static void print_text(const cli_eval *e) {
    cli_text count;
    cli_table *t = cli_table_create("lr");
    printf("%s test samples of %s%s\n", cli_count(&count, e->samples),
           e->data.generated ? "generated " : "", e->data.name);
    for (int i = 0; i < e->logs.count; i++) {
        bool share = strstr(e->logs.item[i].name, "accuracy") != NULL;
        double value = e->logs.item[i].value;
        cli_cell(t, "%s", e->logs.item[i].name);
        cli_cell(t, share ? "%.2f %%" : "%.6g", share ? 100 * value : value);
    }
    cli_table_print(t, stdout);
    cli_table_free(t);
}

// ---- the command -------------------------------------------------------------------------------

static int report(cli_eval *e) {
    cli_report r = {0};
    cli_path folder;
    const char *out = cli_str(e->a, "out");
    if (!out) out = cli_folder(&folder, e->path);
    int code = cli_need_folder(e->a->cmd, out);
    if (code) return code;
    cli_phase("report");
    tarn_status st = cli_report_create(e, &r);
    if (!st) st = cli_report_draw(e, &r, out);
    if (st) {
        code = cli_fail(e->a, st);
    } else if (cli_given(e->a, "json")) {
        code = print_json(e, &r);
    } else {
        print_text(e);
        cli_report_print(e, &r);
    }
    cli_report_free(&r);
    return code;
}

static int evaluate(cli_eval *e) {
    cli_phase("evaluate");
    tarn_status st = tarn_model_evaluate(e->model, &e->data, cli_int(e->a, "batch"), &e->logs);
    if (!st && !e->data.classes) st = cli_regression_metrics(e);
    if (st) return cli_fail(e->a, st);
    if (cli_given(e->a, "report") && e->data.classes) return report(e);
    if (cli_given(e->a, "json")) return print_json(e, NULL);
    print_text(e);
    return CLI_OK;
}

static int eval_run(const cli_args *a) {
    cli_eval e = {.a = a, .path = cli_str(a, "MODEL")};
    int code = cli_model_open(a, e.path, &e.model, &e.facts);
    if (!code) code = load_data(&e);
    if (!code) code = evaluate(&e);
    tarn_dataset_clear(&e.data);
    tarn_model_free(e.model);
    return code;
}

static const cli_opt eval_opts[] = {
    {"MODEL", CLI_FILE, .positional = true, .required = true,
     .help = "model file that 'tarn train' wrote"},
    {"data", CLI_DIR, "DIR", .help = "folder of the data set (default: where training found it)"},
    {"experiment", CLI_FILE, "FILE",
     .help = "YAML file that names the data (default: the record beside the model)"},
    {"report", CLI_FLAG, .help = "also count mistakes class by class, and draw them"},
    {"out", CLI_DIR, "DIR", .help = "folder for the pictures of --report (default: the model's)"},
    {"batch", CLI_INT, "N", .preset = "256", .min = 1, .max = 1000000, .help = "samples at a time"},
    {0},
};

static const cli_example eval_examples[] = {
    {"tarn eval mnist_mlp/model.safetensors", "loss and accuracy on the test pictures"},
    {"tarn eval mnist_mlp/model.safetensors --report",
     "confusion matrix, per-class table, and the worst mistakes as a picture"},
    {0},
};

const cli_cmd cmd_eval = {
    .name = "eval",
    .brief = "measure a model on a data set",
    .about = "Measure a model on the test part of its data set: loss and metrics, for a regression "
             "also mse, mae and r2 (the share of the variance that is explained).\n\n"
             "With --report a classifier also gets its confusion matrix and for each class "
             "precision (how many of its answers are right), recall (how many of its samples are "
             "found) and f1 (their harmonic mean), and writes confusion.png and mistakes.png, the "
             "mistakes it was most sure of.",
    .opts = eval_opts,
    .examples = eval_examples,
    .run = eval_run,
};
