// tarn summary: layers, sizes, work and planned memory of a model, before or after training.
#include "job.h"
#include "model.h"
#include "output.h"

#include <inttypes.h>
#include <string.h>

typedef struct summary {
    const cli_args *a;
    tarn_model *model;
    bool trains;  // it is known how; else only inference is planned
    int64_t batch;
    tarn_program_info training, inference;
} summary;

// ---- where the model comes from ----------------------------------------------------------------

static int open_yaml(summary *s, const char *file) {
    cli_job job;
    tarn_dataset train = {0}, test = {0};
    int code = cli_job_read(s->a, file, &job);
    if (!code) {
        const tarn_experiment_info *info = &job.info;
        tarn_status st = tarn_experiment_data(job.experiment, job.data, &train, &test);
        if (!st) st = tarn_experiment_model(job.experiment, &train, info->seed, &s->model);
        if (!st)
            st = tarn_model_compile(s->model, .optimizer = info->optimizer, .loss = info->loss,
                                    .metrics = info->metrics,
                                    .program = {.dump = cli_str(s->a, "dump"), .dump_to = stderr},
                                    .device = cli_str(s->a, "device"));
        if (st) code = cli_fail(s->a, st);
        s->batch = info->batch;
        s->trains = true;
    }
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    cli_job_clear(&job);
    return code;
}

static int open_model(summary *s, const char *file) {
    cli_model_facts facts;
    int code = cli_model_open(s->a, file, &s->model, &facts);
    s->trains = !code && *facts.loss;
    return code;
}

// ---- planned memory ----------------------------------------------------------------------------

// shape without its first axis [..] -> [batch, ..]
static tarn_shape batched(tarn_shape sample) {
    tarn_shape s = {.rank = sample.rank + 1};
    s.dim[0] = TARN_BATCH;
    memcpy(s.dim + 1, sample.dim, sizeof *s.dim * (size_t)sample.rank);
    return s;
}

static tarn_status plan_training(summary *s) {
    TARN_TRY(tarn_model_plan(s->model, s->batch));
    s->training = tarn_program_stats(tarn_model_step(s->model));
    return TARN_OK;
}

static tarn_status plan_inference(summary *s) {
    tarn_compile_opts opts = {.dump = cli_str(s->a, "dump"), .dump_to = stderr};
    tarn_program *p = NULL;
    tarn_graph *g = tarn_graph_create(tarn_model_store(s->model));
    if (!g) return TARN_ENOMEM;
    tarn_set_max_batch(g, s->batch);
    tarn_node *x = tarn_input(g, "x", TARN_F32, batched(tarn_model_input_shape(s->model)));
    tarn_node *y = tarn_model_apply(s->model, g, x, false);
    tarn_status st = tarn_compile_opts_(g, TARN_FETCH(y), cli_str(s->a, "device"), &opts, &p);
    if (!st) s->inference = tarn_program_stats(p);
    tarn_program_free(p);
    tarn_graph_free(g);
    return st;
}

static double planned_bytes(const tarn_program_info *p) {
    return (double)p->arena_bytes + (double)p->scratch_bytes + (double)p->variable_bytes;
}

// ---- JSON --------------------------------------------------------------------------------------

static json_t *layer_json(const tarn_layer_info *l) {
    json_t *output = json_array();
    for (int i = 0; i < l->output.rank; i++)
        json_array_append_new(output,
                              l->output.dim[i] < 0 ? json_null() : json_integer(l->output.dim[i]));
    return json_pack("{s:s, s:s, s:o, s:I, s:f}", "name", l->name, "kind", l->kind, "output",
                     output, "parameters", (json_int_t)l->parameters, "flops", l->flops);
}

static json_t *memory_json(const tarn_program_info *p) {
    return json_pack("{s:I, s:I, s:I, s:I}", "variable_bytes", (json_int_t)p->variable_bytes,
                     "arena_bytes", (json_int_t)p->arena_bytes, "scratch_bytes",
                     (json_int_t)p->scratch_bytes, "kernels", (json_int_t)p->kernels);
}

static int print_json(const summary *s) {
    json_t *layers = json_array();
    tarn_layer_info info;
    double flops = 0;
    for (int i = 0; i < tarn_model_layer_count(s->model); i++) {
        if (tarn_model_layer_info(s->model, i, &info)) continue;
        json_array_append_new(layers, layer_json(&info));
        flops += info.flops;
    }
    json_t *line = json_pack("{s:s, s:o, s:I, s:f, s:I, s:o}", "event", "summary", "layers", layers,
                             "parameters", (json_int_t)cli_model_parameters(s->model), "flops",
                             flops, "batch", (json_int_t)s->batch, "inference",
                             memory_json(&s->inference));
    if (s->trains) json_object_set_new(line, "training", memory_json(&s->training));
    return cli_json(s->a->cmd, line);
}

// ---- text --------------------------------------------------------------------------------------

static void layer_cells(cli_table *t, const char *name, const char *kind, const char *output,
                        int64_t parameters, double flops) {
    cli_text a, b, c;
    cli_cell(t, "%s", name);
    cli_cell(t, "%s", kind);
    cli_cell(t, "%s", output);
    cli_cell(t, "%s", cli_count(&a, parameters));
    cli_cell(t, "%s", cli_bytes(&b, 4.0 * (double)parameters));
    cli_cell(t, "%s", cli_flops(&c, flops));
}

static void print_layers(const summary *s) {
    static const char *const heading[] = {"layer",      "kind",  "output",
                                          "parameters", "bytes", "work a sample"};
    cli_table *t = cli_table_create("lllrrr");
    tarn_layer_info info;
    tarn_shape input = batched(tarn_model_input_shape(s->model));
    cli_text text;
    double flops = 0;
    for (int i = 0; i < 6; i++) cli_cell(t, "%s", heading[i]);
    layer_cells(t, "input", "", cli_shape(&text, &input), 0, 0);
    for (int i = 0; i < tarn_model_layer_count(s->model); i++) {
        if (tarn_model_layer_info(s->model, i, &info)) continue;
        layer_cells(t, info.name, info.kind, cli_shape(&text, &info.output), info.parameters,
                    info.flops);
        flops += info.flops;
    }
    layer_cells(t, "total", "", "", cli_model_parameters(s->model), flops);
    cli_table_print(t, stdout);
    cli_table_free(t);
}

static void memory_cells(cli_table *t, const char *name, const tarn_program_info *p) {
    cli_text a, b, c, d;
    cli_cell(t, "%s", name);
    cli_cell(t, "%s", cli_bytes(&a, planned_bytes(p)));
    cli_cell(t, "%s", cli_bytes(&b, (double)p->variable_bytes));
    cli_cell(t, "%s", cli_bytes(&c, (double)p->arena_bytes));
    cli_cell(t, "%s", cli_bytes(&d, (double)p->scratch_bytes));
    cli_cell(t, "%d", p->kernels);
}

static void print_memory(const summary *s) {
    static const char *const heading[] = {"", "total", "variables", "values", "scratch", "kernels"};
    cli_table *t = cli_table_create("lrrrrr");
    for (int i = 0; i < 6; i++) cli_cell(t, "%s", heading[i]);
    if (s->trains) memory_cells(t, "training", &s->training);
    memory_cells(t, "inference", &s->inference);
    printf("\nplanned memory, batch %" PRId64 "\n", s->batch);
    cli_table_print(t, stdout);
    cli_table_free(t);
}

// ---- the command -------------------------------------------------------------------------------

static int summarize(summary *s) {
    tarn_status st = TARN_OK;
    if (cli_given(s->a, "batch")) s->batch = cli_int(s->a, "batch");
    if (s->batch < 1) s->batch = 32;
    if (s->trains) st = plan_training(s);
    if (!st) st = plan_inference(s);
    if (st) return cli_fail(s->a, st);
    if (cli_given(s->a, "json")) return print_json(s);
    print_layers(s);
    print_memory(s);
    return CLI_OK;
}

static int summary_run(const cli_args *a) {
    summary s = {.a = a};
    const char *file = cli_str(a, "FILE");
    int code = cli_has_extension(file, ".safetensors") ? open_model(&s, file) : open_yaml(&s, file);
    if (!code) code = summarize(&s);
    tarn_model_free(s.model);
    return code;
}

static const cli_opt summary_opts[] = {
    {"FILE", CLI_FILE, .positional = true, .required = true,
     .help = "experiment (.yaml) or model file (.safetensors)"},
    {"batch", CLI_INT, "N", .min = 1, .max = 1000000,
     .help = "samples a step that memory is planned for (default: what FILE says, else 32)"},
    {"data", CLI_DIR, "DIR", .help = "folder of the data set, whose samples set the input's size"},
    {"set", CLI_TEXT, "A.B=V", .many = true, .help = "replace a value of FILE, as in 'tarn train'"},
    {0},
};

static const cli_example summary_examples[] = {
    {"tarn summary mnist_mlp.yaml", "how large the network is and what a step will need"},
    {"tarn summary mnist_mlp/model.safetensors --batch 1", "memory for one sample at a time"},
    {0},
};

const cli_cmd cmd_summary = {
    .name = "summary",
    .brief = "show layers, parameters, work and memory of a model",
    .about =
        "Show the layers of a model with the shape of their output, their parameters, and the "
        "multiply-adds (counted twice) that one sample costs; then the memory that training and "
        "inference will need at a batch size, exactly as the compiler plans it: variables (weights "
        "and optimizer state), values (all that lives within a step) and scratch of kernels.",
    .opts = summary_opts,
    .examples = summary_examples,
    .run = summary_run,
};
