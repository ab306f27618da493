// tarn predict: answers of a model for files.
#include "predict.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 };

typedef struct predict {
    const cli_args *a;
    tarn_model *model;
    cli_model_facts facts;
    int64_t outputs;
    int64_t *order;  // classes, best first; [outputs]
} predict;

// ---- one answer --------------------------------------------------------------------------------

// "digit.png", or "test.idx:17" where a file holds many samples.
static const char *sample_name(const cli_input *in, int64_t i, cli_path *p) {
    if (in->kind == CLI_INPUT_PICTURE) return in->path;
    snprintf(p->s, sizeof p->s, "%s:%" PRId64, in->path, in->first + i);
    return p->s;
}

// The k best of n scores to the front of `order`, the lower index first among equals.
static void best_first(const float *p, int64_t n, int64_t k, int64_t *order) {
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = 0; i < k; i++) {
        int64_t best = i;
        for (int64_t j = i + 1; j < n; j++)
            if (p[order[j]] > p[order[best]] ||
                (p[order[j]] == p[order[best]] && order[j] < order[best]))
                best = j;
        int64_t keep = order[i];
        order[i] = order[best];
        order[best] = keep;
    }
}

static int top_json(const predict *t, const char *name, const float *p, int64_t k) {
    json_t *top = json_array();
    for (int64_t i = 0; i < k; i++) {
        cli_text label;
        int64_t c = t->order[i];
        json_array_append_new(top, json_pack("{s:I, s:s, s:o}", "index", (json_int_t)c, "label",
                                             cli_model_class(&label, t->model, c), "p",
                                             cli_json_number((double)p[c])));
    }
    return cli_json(t->a->cmd, json_pack("{s:s, s:o}", "input", name, "top", top));
}

static void top_text(const predict *t, const char *name, const float *p, int64_t k) {
    printf("%s ", name);
    for (int64_t i = 0; i < k; i++) {
        cli_text label;
        int64_t c = t->order[i];
        printf("  %s %.1f %%", cli_model_class(&label, t->model, c), 100 * (double)p[c]);
    }
    putchar('\n');
}

static int print_classes(const predict *t, const char *name, float *p) {
    int64_t k = cli_int(t->a, "top");
    if (k > t->outputs) k = t->outputs;
    cli_softmax(&t->facts, p, t->outputs);
    best_first(p, t->outputs, k, t->order);
    if (cli_given(t->a, "json")) return top_json(t, name, p, k);
    top_text(t, name, p, k);
    return CLI_OK;
}

// target NULL: not known.
static int print_numbers(const predict *t, const char *name, const float *p, const float *target) {
    if (cli_given(t->a, "json")) {
        json_t *output = json_array();
        for (int64_t i = 0; i < t->outputs; i++)
            json_array_append_new(output, cli_json_number((double)p[i]));
        json_t *line = json_pack("{s:s, s:o}", "input", name, "output", output);
        if (line && target) json_object_set_new(line, "target", cli_json_number((double)*target));
        return cli_json(t->a->cmd, line);
    }
    printf("%s ", name);
    for (int64_t i = 0; i < t->outputs; i++) printf("  %.6g", (double)p[i]);
    if (target) printf("  (the file says %.6g)", (double)*target);
    putchar('\n');
    return CLI_OK;
}

// ---- files -------------------------------------------------------------------------------------

static int print_answers(const predict *t, const cli_input *in, float *p, int64_t n) {
    const float *target = in->y ? tarn_tensor_cdata(in->y) : NULL;
    cli_path name;
    int code = CLI_OK;
    for (int64_t i = 0; i < n && !code; i++, p += t->outputs) {
        const char *text = sample_name(in, i, &name);
        code = t->facts.classifies ? print_classes(t, text, p)
                                   : print_numbers(t, text, p, target ? target + i : NULL);
    }
    return code;
}

static int predict_file(const predict *t, const char *path) {
    cli_input in;
    tarn_tensor *p = NULL;
    cli_phase("read input");
    int code = cli_input_read(t->a, t->model, t->facts.classifies, path, &in);
    if (!code) {
        cli_phase("predict");
        tarn_status st = cli_model_answers(t->model, in.x, CHUNK, &p);
        code = st ? cli_fail(t->a, st)
                  : print_answers(t, &in, tarn_tensor_data(p), tarn_tensor_shape(in.x)->dim[0]);
    }
    tarn_tensor_release(p);
    cli_input_clear(&in);
    return code;
}

// A file that cannot be read does not keep the others from their answers.
static int predict_all(const predict *t) {
    const char *path;
    int at = 0, worst = CLI_OK;
    while ((path = cli_next(t->a, "INPUT", &at))) {
        int code = predict_file(t, path);
        if (code > worst) worst = code;
    }
    return worst;
}

static int predict_run(const cli_args *a) {
    predict t = {.a = a};
    int code = cli_model_open(a, cli_str(a, "MODEL"), &t.model, &t.facts);
    if (code) return code;
    t.outputs = cli_model_outputs(t.model);
    t.order = calloc((size_t)t.outputs, sizeof *t.order);
    code = t.order ? predict_all(&t) : cli_error(a->cmd, "out of memory");
    free(t.order);
    tarn_model_free(t.model);
    return code;
}

static const cli_opt predict_opts[] = {
    {"MODEL", CLI_FILE, .positional = true, .required = true,
     .help = "model file that 'tarn train' wrote"},
    {"INPUT", CLI_FILE, .positional = true, .required = true, .many = true,
     .help = "picture (PNG, JPEG), IDX file (also .gz) or .csv file"},
    {"top", CLI_INT, "K", .preset = "3", .min = 1, .max = 100000,
     .help = "how many classes to list for each sample, the likeliest first"},
    {"index", CLI_TEXT, "I-J",
     .help = "samples of IDX and .csv files, from 0: 7 or 0-9 "
             "(default: all)"},
    {"invert", CLI_NAME, "WHEN", .preset = "auto", .choices = "auto yes no",
     .help = "make white what is black; auto: where a grey picture has a light border"},
    {"target", CLI_TEXT, "COLUMN",
     .help = "column of a .csv file that is not an input, by name or number (default: the last, "
             "where there is one more than inputs)"},
    {0},
};

static const cli_example predict_examples[] = {
    {"tarn predict mnist_mlp/model.safetensors digit.png", "which digit is in a picture"},
    {"tarn predict mnist_mlp/model.safetensors t10k-images-idx3-ubyte.gz --index 0-9 --top 1",
     "the first ten test pictures of MNIST"},
    {"tarn predict mpg/model.safetensors cars.csv --json", "a number for each row of a table"},
    {0},
};

const cli_cmd cmd_predict = {
    .name = "predict",
    .brief = "run a model on pictures, IDX files or tables",
    .about =
        "Run a model on files and print its answers, one line a sample: the likeliest classes "
        "with their probabilities, or the numbers of a regression.\n\n"
        "Pictures are averaged down to the size that the model takes. Grey ones with a light "
        "border are inverted, because models of digits learn white on black; --invert decides "
        "otherwise. Tables have the columns of the training data in their order, with the target "
        "or without it.",
    .opts = predict_opts,
    .examples = predict_examples,
    .run = predict_run,
};
