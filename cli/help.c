// tarn help [COMMAND], and what --help prints.
#include "frame.h"

#include <string.h>

// ---- one command -------------------------------------------------------------------------------

const char *cli_row_text(cli_text *t, const cli_opt *o) {
    if (o->positional)
        snprintf(t->s, sizeof t->s, "%s", o->name);
    else if (o->kind == CLI_FLAG)
        snprintf(t->s, sizeof t->s, "--%s", o->name);
    else
        snprintf(t->s, sizeof t->s, "--%s %s", o->name, o->value);
    return t->s;
}

void cli_usage_line(FILE *out, const cli_cmd *cmd) {
    for (const cli_opt *row = cmd->opts; row->name; row++)
        if (row->positional)
            fprintf(out, row->required ? " %s%s" : " [%s]%s", row->name, row->many ? "..." : "");
}

static int row_width(const cli_opt *rows) {
    cli_text t;
    int width = 0;
    for (; rows->name; rows++) {
        int len = (int)strlen(cli_row_text(&t, rows));
        if (len > width) width = len;
    }
    return width;
}

// "auto yes no" as "auto, yes, no"
static int put_choices(char *out, size_t cap, const char *list) {
    const char *word;
    int len, at = 0;
    while ((word = cli_word(&list, &len)))
        at += snprintf(out + at, cap - (size_t)at, "%s%.*s", at ? ", " : "", len, word);
    return at;
}

const char *cli_row_help(cli_help_text *t, const cli_opt *o) {
    size_t cap = sizeof t->s;
    int n = snprintf(t->s, cap, "%s", o->help);
    if (o->kind == CLI_NAME) {
        n += snprintf(t->s + n, cap - (size_t)n, " (");
        n += put_choices(t->s + n, cap - (size_t)n, o->choices);
        n += snprintf(t->s + n, cap - (size_t)n, o->preset ? "; default: %s)" : ")", o->preset);
    } else if (o->preset) {
        snprintf(t->s + n, cap - (size_t)n, " (default: %s)", o->preset);
    }
    return t->s;
}

static void write_row(FILE *out, const cli_opt *o, int width) {
    cli_help_text help;
    cli_text t;
    fprintf(out, "  %-*s  ", width, cli_row_text(&t, o));
    cli_wrap(out, cli_row_help(&help, o), width + 4);
}

static void write_heading(FILE *out, const char *text) {
    fprintf(out, "\n%s%s%s\n", cli_bold(out), text, cli_plain(out));
}

static bool has(const cli_opt *rows, bool positional) {
    for (; rows->name; rows++)
        if (rows->positional == positional) return true;
    return false;
}

static void write_rows(FILE *out, const cli_opt *rows, bool positional, const char *heading,
                       int width) {
    if (!has(rows, positional)) return;
    write_heading(out, heading);
    for (; rows->name; rows++)
        if (rows->positional == positional) write_row(out, rows, width);
}

static void write_examples(FILE *out, const cli_example *e) {
    if (!e) return;
    write_heading(out, "Examples");
    for (; e->command; e++) fprintf(out, "  %s\n      %s\n", e->command, e->what);
}

static void write_command(FILE *out, const void *what) {
    const cli_cmd *cmd = what;
    int width = row_width(cmd->opts), common = row_width(cli_common);
    if (common > width) width = common;
    fprintf(out, "%sUsage:%s tarn %s", cli_bold(out), cli_plain(out), cmd->name);
    cli_usage_line(out, cmd);
    fputs(" [OPTION]...\n\n", out);
    cli_wrap(out, cmd->about, 0);
    write_rows(out, cmd->opts, true, "Arguments", width);
    write_rows(out, cmd->opts, false, "Options", width);
    write_rows(out, cli_common, false, "Options of every command", width);
    write_examples(out, cmd->examples);
}

int cli_help(const cli_args *a) { return cli_print(a, write_command, a->cmd); }

// ---- overview ----------------------------------------------------------------------------------

static void write_overview(FILE *out, const void *what) {
    (void)what;
    fprintf(out, "%sUsage:%s tarn COMMAND [ARGUMENT]... [OPTION]...\n\n", cli_bold(out),
            cli_plain(out));
    fputs("Tarn trains and runs neural networks.\n", out);
    write_heading(out, "Commands");
    cli_table *t = cli_table_create("lll");
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        cli_cell(t, "%s", "");
        cli_cell(t, "%s", (*c)->name);
        cli_cell(t, "%s", (*c)->brief);
    }
    cli_table_print(t, out);
    cli_table_free(t);
    write_heading(out, "Begin with");
    fputs("  tarn train examples/mnist_mlp.yaml\n"
          "  tarn eval mnist_mlp/model.safetensors --report\n"
          "  tarn help train\n",
          out);
    write_heading(out, "Exit status");
    fputs("  0 done, 1 failed, 2 wrong use, 77 not supported by this build, 130 Ctrl-C\n", out);
}

int cli_overview(const cli_args *a) { return cli_print(a, write_overview, NULL); }

// ---- the command -------------------------------------------------------------------------------

static const char *command_name(const void *user, int i) {
    (void)user;
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (!(*c)->hidden && i-- == 0) return (*c)->name;
    return NULL;
}

int cli_unknown_command(const cli_cmd *cmd, const char *name) {
    const char *near = cli_nearest(name, command_name, NULL);
    if (near) return cli_usage(cmd, "unknown command '%s'; did you mean '%s'?", name, near);
    return cli_usage(cmd, "unknown command '%s'; 'tarn help' lists all", name);
}

static void write_dump(FILE *out, const void *what) {
    (void)what;
    cli_wrap(out,
             "With --dump=STAGE, or --dump=STAGE,STAGE, a command prints, on stderr, what the "
             "compiler has after a stage, each time a program is compiled. The text is the same "
             "from run to run.\n\n"
             "Stages in their order:",
             0);
    fputs("  graph       as the model, the loss and the optimizer built it\n"
          "  specialise  named dimensions that can only be 1 made numbers\n"
          "  lower       composite operations written out in primitive ones\n"
          "  canonical   one way to write what can be written in several\n"
          "  simplify    without what is constant, repeated or not needed\n"
          "  plan        kernels in order, and where each value lives in memory\n"
          "  all         each of these\n"
          "  stablehlo   what simplify left, as a module that XLA compiles\n"
          "  cuda        the plan's kernels as CUDA C\n",
          out);
}

static int help_run(const cli_args *a) {
    const char *name = cli_str(a, "COMMAND");
    if (!name) return cli_overview(a);
    if (!strcmp(name, "dump")) return cli_print(a, write_dump, NULL);
    const cli_cmd *cmd = cli_find(name);
    return cmd ? cli_print(a, write_command, cmd) : cli_unknown_command(a->cmd, name);
}

static const cli_opt help_opts[] = {
    {"COMMAND", CLI_COMMAND, .positional = true,
     .help = "what to explain; also 'dump', the stages of the compiler (default: list all)"},
    {0},
};

const cli_cmd cmd_help = {
    .name = "help",
    .brief = "explain a command",
    .about = "Explain a command with its arguments, options and examples, as 'tarn COMMAND --help' "
             "does, or list all commands.",
    .opts = help_opts,
    .run = help_run,
};
