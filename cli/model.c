// What commands need to know of a model beyond its layers, most of it from its description.
#include "model.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

const char *cli_optimizer_name(int kind) {
    static const char *const names[] = {
        [TARN_SGD] = "sgd",
        [TARN_RMSPROP] = "rmsprop",
        [TARN_ADAM] = "adam",
        [TARN_ADADELTA] = "adadelta",
    };
    return kind < (int)(sizeof names / sizeof *names) ? names[kind] : NULL;
}

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static void read_metrics(const json_t *list, cli_model_facts *out) {
    int at = 0;
    for (size_t i = 0; i < json_array_size(list) && at < (int)sizeof out->metrics; i++)
        at += snprintf(out->metrics + at, sizeof out->metrics - (size_t)at, "%s%s", i ? "," : "",
                       json_string_value(json_array_get(list, i)));
}

static void read_training(const json_t *training, cli_model_facts *out) {
    const json_t *optimizer = json_object_get(training, "optimizer");
    snprintf(out->loss, sizeof out->loss, "%s", text_of(training, "loss"));
    read_metrics(json_object_get(training, "metrics"), out);
    if (optimizer)
        snprintf(out->optimizer, sizeof out->optimizer, "%s %.6g", text_of(optimizer, "name"),
                 json_number_value(json_object_get(optimizer, "learning_rate")));
}

tarn_status cli_model_facts_of(tarn_model *m, cli_model_facts *out) {
    const char *text;
    *out = (cli_model_facts){0};
    TARN_TRY(tarn_model_to_json(m, &text));
    json_t *o = json_loads(text, 0, NULL);
    const json_t *layers = json_object_get(o, "layers");
    size_t n = json_array_size(layers);
    const json_t *last = n ? json_array_get(layers, n - 1) : NULL;
    read_training(json_object_get(o, "training"), out);
    out->softmax = !strcmp(text_of(last, "activation"), "softmax");
    out->classifies = out->softmax || strstr(out->loss, "crossentropy");
    json_decref(o);
    return TARN_OK;
}

// A model that says how it was trained can be compiled for any device; one that does not runs where
// the library puts it.
static tarn_status ready(const cli_args *a, tarn_model *m, const cli_model_facts *facts) {
    if (!*facts->loss) return TARN_OK;
    return tarn_model_compile(m, .device = cli_str(a, "device"),
                              .program = {.dump = cli_str(a, "dump"), .dump_to = stderr});
}

int cli_model_open(const cli_args *a, const char *path, tarn_model **out, cli_model_facts *facts) {
    tarn_model *m;
    cli_phase("read model");
    tarn_status st = tarn_model_load(path, &m);
    if (st) return cli_fail(a, st);
    st = cli_model_facts_of(m, facts);
    if (!st) st = ready(a, m, facts);
    if (st) {
        tarn_model_free(m);
        return cli_fail(a, st);
    }
    *out = m;
    return CLI_OK;
}

// The library prepares u8 samples itself and takes f32 ones as they are: data sets of numbers are
// scaled here.
tarn_status cli_model_answers(tarn_model *m, const tarn_tensor *x, int64_t batch,
                              tarn_tensor **out) {
    tarn_preprocessing p = tarn_model_preprocessing(m);
    float scale = p.scale == 0 ? 1 : (float)p.scale, offset = (float)p.offset;
    tarn_tensor *scaled;
    if (tarn_tensor_dtype(x) != TARN_F32 || (scale == 1 && offset == 0))
        return tarn_model_predict(m, x, batch, out);
    TARN_TRY(tarn_tensor_from(TARN_F32, *tarn_tensor_shape(x), tarn_tensor_cdata(x), &scaled));
    float *v = tarn_tensor_data(scaled);
    for (int64_t i = 0; i < tarn_tensor_numel(scaled); i++) v[i] = v[i] * scale + offset;
    tarn_status st = tarn_model_predict(m, scaled, batch, out);
    tarn_tensor_release(scaled);
    return st;
}

int64_t cli_model_outputs(tarn_model *m) {
    tarn_shape out = tarn_model_output_shape(m);
    return tarn_shape_numel(&out);
}

int64_t cli_model_parameters(tarn_model *m) {
    int64_t sum = 0;
    tarn_layer_info info;
    for (int i = 0; i < tarn_model_layer_count(m); i++)
        if (!tarn_model_layer_info(m, i, &info)) sum += info.parameters;
    return sum;
}

const char *cli_model_sizes(cli_text *t, tarn_model *m) {
    cli_text part;
    tarn_layer_info info;
    tarn_shape input = tarn_model_input_shape(m);
    int at = snprintf(t->s, sizeof t->s, "%s", cli_shape(&part, &input));
    for (int i = 0; i < tarn_model_layer_count(m); i++) {
        if (tarn_model_layer_info(m, i, &info) || !info.parameters) continue;
        int more = snprintf(t->s + at, sizeof t->s - (size_t)at, " - %" PRId64,
                            info.output.dim[info.output.rank - 1]);
        if (at + more >= (int)sizeof t->s - 4) {
            snprintf(t->s + at, sizeof t->s - (size_t)at, "...");
            break;
        }
        at += more;
    }
    return t->s;
}

const char *cli_model_class(cli_text *t, const tarn_model *m, int64_t i) {
    const char *label = tarn_model_label(m, i);
    if (label) return label;
    snprintf(t->s, sizeof t->s, "%" PRId64, i);
    return t->s;
}

bool cli_model_picture(const tarn_model *m, cli_picture_size *out) {
    tarn_shape s = tarn_model_input_shape(m);
    int64_t side = s.rank == 1 ? (int64_t)llround(sqrt((double)s.dim[0])) : 0;
    if (s.rank == 1 && side >= 4 && side * side == s.dim[0])
        *out = (cli_picture_size){side, side, 1};
    else if (s.rank == 2)
        *out = (cli_picture_size){s.dim[0], s.dim[1], 1};
    else if (s.rank == 3 && (s.dim[2] == 1 || s.dim[2] == 3))
        *out = (cli_picture_size){s.dim[0], s.dim[1], s.dim[2]};
    else
        return false;
    return true;
}

void cli_softmax(const cli_model_facts *facts, float *scores, int64_t n) {
    double sum = 0;
    float most = -INFINITY;
    if (facts->softmax) return;
    for (int64_t i = 0; i < n; i++) most = fmaxf(most, scores[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)scores[i] - (double)most);
    for (int64_t i = 0; i < n; i++)
        scores[i] = (float)(exp((double)scores[i] - (double)most) / sum);
}
