// tarn man [COMMAND]: the manual page in roff, from the same tables as --help.
#include "frame.h"

#include <ctype.h>
#include <string.h>

// Text with what roff would take for its own made harmless.
static void put_part(FILE *out, const char *text, size_t len) {
    if (len && (*text == '.' || *text == '\'')) fputs("\\&", out);
    for (; len; text++, len--) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
}

static void put(FILE *out, const char *text) { put_part(out, text, strlen(text)); }

static void put_paragraphs(FILE *out, const char *text) {
    const char *end;
    while ((end = strstr(text, "\n\n"))) {
        put_part(out, text, (size_t)(end - text));
        fputs("\n.PP\n", out);
        text = end + 2;
    }
    put(out, text);
    fputc('\n', out);
}

static void put_upper(FILE *out, const char *text) {
    for (; *text; text++) fputc(toupper((unsigned char)*text), out);
}

static void title(FILE *out, const char *name) {
    fputs(".TH TARN", out);
    if (*name) fputc('-', out);
    put_upper(out, name);
    fprintf(out, " 1 \"\" \"tarn %s\" \"Tarn manual\"\n", TARN_VERSION);
}

static void put_range(FILE *out, const cli_opt *o) {
    bool number = o->kind == CLI_INT || o->kind == CLI_REAL;
    if (!number || (o->min == 0 && o->max == 0)) return;
    if (o->max >= 1e15)
        fprintf(out, "At least %.0f.\n", o->min);
    else
        fprintf(out, "From %.10g to %.10g.\n", o->min, o->max);
}

static void put_row(FILE *out, const cli_opt *o) {
    cli_help_text help;
    fputs(".TP\n", out);
    fputs(o->positional ? ".I " : ".B ", out);
    if (!o->positional) fputs("\\-\\-", out);
    put(out, o->name);
    if (!o->positional && o->kind != CLI_FLAG) fprintf(out, " \\fI%s\\fR", o->value);
    fputc('\n', out);
    const char *text = cli_row_help(&help, o);
    fputc(toupper((unsigned char)*text), out);
    put(out, text + 1);
    fputs(".\n", out);
    put_range(out, o);
    if (o->many) fputs("May be given several times.\n", out);
}

static void put_rows(FILE *out, const cli_opt *rows, bool positional) {
    for (; rows->name; rows++)
        if (rows->positional == positional) put_row(out, rows);
}

static const char exit_status[] =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nFailed; one sentence on standard error says why.\n"
    ".TP\n.B 2\nThe command line is wrong.\n"
    ".TP\n.B 77\nAn operation or format is not supported by this build or device.\n"
    ".TP\n.B 130\nStopped by Ctrl\\-C.\n";

static const char environment[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.B TARN_DATA\nFolder that holds the folders of data sets (\\fImnist\\fR and others).\n"
    ".TP\n.B TARN_THREADS\nProcessor threads where \\fB\\-\\-threads\\fR is not given.\n"
    ".TP\n.B TARN_PJRT_PLUGIN\nShared library behind \\fB\\-\\-device xla\\fR; where it is not "
    "set, the "
    "first of \\fBPJRT_NAMES_AND_LIBRARY_PATHS\\fR, else \\fBTPU_LIBRARY_PATH\\fR.\n"
    ".TP\n.B TARN_JIT\nUse of the C compiler for generated kernels: auto, off or wait.\n"
    ".TP\n.B NO_COLOR\nNo colour on the terminal when set and not empty.\n";

static void put_examples(FILE *out, const cli_example *e) {
    if (!e) return;
    fputs(".SH EXAMPLES\n", out);
    for (; e->command; e++) {
        fputs(".TP\n.B ", out);
        put(out, e->command);
        fputc('\n', out);
        put(out, e->what);
        fputc('\n', out);
    }
}

static void write_command(FILE *out, const void *what) {
    const cli_cmd *cmd = what;
    title(out, cmd->name);
    fprintf(out, ".SH NAME\ntarn\\-%s \\- ", cmd->name);
    put(out, cmd->brief);
    fprintf(out, "\n.SH SYNOPSIS\n.B tarn %s\n.I", cmd->name);
    cli_usage_line(out, cmd);
    fputs(" [OPTION]...\n.SH DESCRIPTION\n", out);
    put_paragraphs(out, cmd->about);
    fputs(".SH OPTIONS\n", out);
    put_rows(out, cmd->opts, true);
    put_rows(out, cmd->opts, false);
    fputs(".SS Options of every command\n", out);
    put_rows(out, cli_common, false);
    fputs(exit_status, out);
    fputs(environment, out);
    put_examples(out, cmd->examples);
    fputs(".SH SEE ALSO\n.BR tarn (1)\n", out);
}

static void write_overview(FILE *out, const void *what) {
    (void)what;
    title(out, "");
    fputs(".SH NAME\ntarn \\- train and run neural networks\n"
          ".SH SYNOPSIS\n.B tarn\n.I COMMAND [ARGUMENT]... [OPTION]...\n"
          ".SH DESCRIPTION\n"
          "Tarn trains neural networks that a short YAML file describes, and runs them.\n"
          "Results go to standard output, progress and errors to standard error.\n"
          ".SH COMMANDS\n",
          out);
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        fprintf(out, ".TP\n.BR tarn\\-%s (1)\n", (*c)->name);
        put(out, (*c)->brief);
        fputc('\n', out);
    }
    fputs(".SH OPTIONS\nThese are understood by every command.\n", out);
    put_rows(out, cli_common, false);
    fputs(exit_status, out);
    fputs(environment, out);
}

static int man_run(const cli_args *a) {
    const char *name = cli_str(a, "COMMAND");
    if (!name) return cli_print(a, write_overview, NULL);
    const cli_cmd *cmd = cli_find(name);
    return cmd ? cli_print(a, write_command, cmd) : cli_unknown_command(a->cmd, name);
}

static const cli_opt man_opts[] = {
    {"COMMAND", CLI_COMMAND, .positional = true, .help = "whose page (default: that of tarn)"},
    {0},
};

const cli_cmd cmd_man = {
    .name = "man",
    .brief = "print a manual page in roff",
    .about = "Print the manual page of a command, or of the program, in roff.",
    .opts = man_opts,
    .run = man_run,
    .hidden = true,
};
