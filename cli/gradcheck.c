// tarn gradcheck: gradient rules of operations against finite differences.
#include "output.h"

#include <string.h>

// Differences in f64 lose about half of its 16 digits.
static const double tolerance = 1e-6;

static const char *op_name(const void *unused, int i) {
    (void)unused;
    return tarn_op_name(i);
}

static bool is_op(const char *name) {
    const char *known;
    for (int i = 0; (known = tarn_op_name(i)); i++)
        if (!strcmp(known, name)) return true;
    return false;
}

static int check_names(const cli_args *a) {
    const char *name;
    int at = 0;
    while ((name = cli_next(a, "OP", &at))) {
        if (is_op(name)) continue;
        const char *near = cli_nearest(name, op_name, NULL);
        return cli_usage(a->cmd, "unknown operation '%s'; 'tarn gradcheck' alone lists all%s%s%s",
                         name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return CLI_OK;
}

static bool is_good(const tarn_gradcheck_info *info) {
    return !info->differentiable || !info->samples || info->worst <= tolerance;
}

static void row(cli_table *t, const char *name, const tarn_gradcheck_info *info) {
    cli_cell(t, "%s", name);
    cli_cell(t, "%d", info->samples);
    if (!info->differentiable || !info->samples) {
        cli_cell(t, "%s", "");
        cli_cell(t, "%s", info->differentiable ? "takes no real numbers" : "has no gradient");
        return;
    }
    cli_cell(t, "%.1e", info->worst);
    cli_cell(t, "%s", is_good(info) ? "ok" : info->where);
}

static int line(const cli_args *a, const char *name, const tarn_gradcheck_info *info) {
    return cli_json(a->cmd, json_pack("{s:s, s:i, s:b, s:o, s:b}", "op", name, "samples",
                                      info->samples, "differentiable", info->differentiable,
                                      "worst", cli_json_number(info->worst), "ok", is_good(info)));
}

// One operation into the table, or as a JSON line.
static int check(const cli_args *a, const char *name, cli_table *t, int *wrong) {
    tarn_gradcheck_info info;
    tarn_status st = tarn_gradcheck(name, &info);
    if (st) return cli_fail(a, st);
    *wrong += !is_good(&info);
    if (cli_given(a, "json")) return line(a, name, &info);
    row(t, name, &info);
    return CLI_OK;
}

static int check_all(const cli_args *a, cli_table *t, int *wrong) {
    const char *name;
    int at = 0, code = CLI_OK;
    if (cli_given(a, "OP")) {
        while (!code && (name = cli_next(a, "OP", &at))) code = check(a, name, t, wrong);
        return code;
    }
    for (int i = 0; !code && (name = tarn_op_name(i)); i++) code = check(a, name, t, wrong);
    return code;
}

static int gradcheck_run(const cli_args *a) {
    static const char *const heading[] = {"operation", "samples", "error", "result"};
    int wrong = 0, code = check_names(a);
    if (code) return code;
    cli_table *t = cli_table_create("lrrl");
    for (int i = 0; i < 4; i++) cli_cell(t, "%s", heading[i]);
    code = check_all(a, t, &wrong);
    if (!cli_given(a, "json")) cli_table_print(t, stdout);
    cli_table_free(t);
    if (code || !wrong) return code;
    return cli_error(a->cmd, "%d gradient%s off by more than %g", wrong,
                     wrong == 1 ? " is" : "s are", tolerance);
}

static const cli_opt gradcheck_opts[] = {
    {"OP", CLI_TEXT, .positional = true, .many = true,
     .help = "operations to check (default: all)"},
    {0},
};

static const cli_example gradcheck_examples[] = {
    {"tarn gradcheck", "all operations"},
    {"tarn gradcheck softmax dot", "two of them"},
    {0},
};

const cli_cmd cmd_gradcheck = {
    .name = "gradcheck",
    .brief = "check gradients of operations against finite differences",
    .about = "Check the gradient rule of operations against central differences in double "
             "precision, on the shapes that each operation names. The error is the largest "
             "difference, relative to 1 + the gradient; more than 1e-6 is a mistake and ends with "
             "exit status 1.",
    .opts = gradcheck_opts,
    .examples = gradcheck_examples,
    .run = gradcheck_run,
};
