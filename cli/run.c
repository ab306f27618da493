// tarn run: an imported graph once, from tensor files to tensor files.
#include "files.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct run {
    const cli_args *a;
    tarn_onnx *model;
    int n_inputs, n_outputs;
    tarn_tensor **inputs, **outputs;
} run;

static int count(const char *(*name)(const tarn_onnx *m, int i), const tarn_onnx *m) {
    int n = 0;
    while (name(m, n)) n++;
    return n;
}

// "'x', 'y'", or "none"; returns its buffer.
static const char *input_names(const run *r, cli_path *p) {
    size_t at = 0;
    snprintf(p->s, sizeof p->s, "none");
    for (int i = 0; i < r->n_inputs && at < sizeof p->s; i++)
        at += (size_t)snprintf(p->s + at, sizeof p->s - at, "%s'%.60s'", i ? ", " : "",
                               tarn_onnx_input(r->model, i));
    return p->s;
}

// ---- inputs ------------------------------------------------------------------------------------

static int read_input(const run *r, const char *path, tarn_tensor **out) {
    tarn_status st;
    if (cli_has_extension(path, ".npy"))
        st = tarn_npy_read(path, out);
    else if (cli_has_extension(path, ".pb"))
        st = tarn_onnx_tensor_read(path, out);
    else
        return cli_usage(r->a->cmd, "input '%s': a .npy or .pb file expected", path);
    return st ? cli_fail(r->a, st) : CLI_OK;
}

static int read_inputs(run *r) {
    cli_path names;
    const char *path;
    int given = 0;
    for (int at = 0; cli_next(r->a, "INPUT", &at);) given++;
    if (given != r->n_inputs)
        return cli_usage(r->a->cmd, "%d inputs given, the model has %d: %s", given, r->n_inputs,
                         input_names(r, &names));
    for (int at = 0, i = 0; (path = cli_next(r->a, "INPUT", &at)); i++) {
        int code = read_input(r, path, &r->inputs[i]);
        if (code) return code;
    }
    return CLI_OK;
}

// ---- outputs -----------------------------------------------------------------------------------

static int say_output(const run *r, int i, const char *file) {
    const tarn_shape *s = tarn_tensor_shape(r->outputs[i]);
    const char *dtype = tarn_dtype_name(tarn_tensor_dtype(r->outputs[i]));
    const char *name = tarn_onnx_output(r->model, i);
    if (!cli_given(r->a, "json")) {
        cli_text text;
        printf("%s  %s %s  %s\n", file, dtype, cli_shape(&text, s), name);
        return CLI_OK;
    }
    json_t *shape = json_array();
    for (int d = 0; d < s->rank; d++) json_array_append_new(shape, json_integer(s->dim[d]));
    return cli_json(r->a->cmd, json_pack("{s:s, s:s, s:s, s:o}", "output", name, "file", file,
                                         "dtype", dtype, "shape", shape));
}

static int write_outputs(const run *r) {
    const char *dir = cli_str(r->a, "OUTDIR");
    int code = cli_need_folder(r->a->cmd, dir);
    for (int i = 0; i < r->n_outputs && !code; i++) {
        cli_text name;
        cli_path path;
        snprintf(name.s, sizeof name.s, "output_%d.npy", i);
        tarn_status st = tarn_npy_write(cli_join(&path, dir, name.s), r->outputs[i]);
        code = st ? cli_fail(r->a, st) : say_output(r, i, path.s);
    }
    return code;
}

// ---- the command -------------------------------------------------------------------------------

static int run_model(run *r) {
    // Compiled kernels are taken over between two runs, and there is one: unless they are asked
    // for.
    const tarn_compile_opts opts = {.jit = getenv("TARN_JIT") ? TARN_JIT_AUTO : TARN_JIT_OFF,
                                    .dump = cli_str(r->a, "dump"),
                                    .dump_to = stderr};
    cli_phase("read inputs");
    int code = read_inputs(r);
    if (code) return code;
    cli_phase("run");
    tarn_status st = tarn_onnx_run(r->model, (const tarn_tensor *const *)r->inputs,
                                   cli_str(r->a, "device"), &opts, r->outputs);
    if (st) return cli_fail(r->a, st);
    cli_phase("write outputs");
    return write_outputs(r);
}

static void release(tarn_tensor **t, int n) {
    for (int i = 0; t && i < n; i++) tarn_tensor_release(t[i]);
    free(t);
}

static int run_run(const cli_args *a) {
    run r = {.a = a};
    cli_phase("read model");
    tarn_status st = tarn_onnx_open(cli_str(a, "MODEL"), &r.model);
    if (st) return cli_fail(a, st);
    r.n_inputs = count(tarn_onnx_input, r.model);
    r.n_outputs = count(tarn_onnx_output, r.model);
    r.inputs = calloc((size_t)r.n_inputs + 1, sizeof(tarn_tensor *));
    r.outputs = calloc((size_t)r.n_outputs + 1, sizeof(tarn_tensor *));
    int code = r.inputs && r.outputs ? run_model(&r) : cli_error(a->cmd, "out of memory");
    release(r.inputs, r.n_inputs);
    release(r.outputs, r.n_outputs);
    tarn_onnx_close(r.model);
    return code;
}

static const cli_opt run_opts[] = {
    {"MODEL", CLI_FILE, .positional = true, .required = true, .help = "ONNX model (.onnx)"},
    {"OUTDIR", CLI_DIR, .positional = true, .required = true,
     .help = "folder for the results, made when it is not there"},
    {"INPUT", CLI_FILE, .positional = true, .many = true,
     .help = "one tensor file for each input of the graph, in its order: .npy (NumPy) or .pb "
             "(a TensorProto of ONNX)"},
    {0},
};

static const cli_example run_examples[] = {
    {"tarn run model.onnx out x.npy", "out/output_0.npy and so on, from one input"},
    {"tarn run model.onnx out a.pb b.pb --device ref", "the same on the reference device"},
    {0},
};

const cli_cmd cmd_run = {
    .name = "run",
    .brief = "run an ONNX graph once",
    .about = "Run an imported graph once and write what it gives: OUTDIR/output_0.npy, "
             "output_1.npy and so on, one for each output, and a line for each on stdout.\n\n"
             "A graph with an operation or element type that Tarn lacks ends with exit status 77 "
             "and its name on stderr. A graph some of whose sizes depend on values (NonZero) runs "
             "on the reference device.\n\n"
             "bfloat16 is written as NumPy's |V2.",
    .opts = run_opts,
    .examples = run_examples,
    .run = run_run,
};
