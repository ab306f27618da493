// The tarn program: finds the command, parses its words, runs it, checks that output was written.
#include "frame.h"

#include <string.h>

extern const cli_cmd cmd_train, cmd_eval, cmd_predict, cmd_run, cmd_summary, cmd_bench,
    cmd_gradcheck, cmd_devices, cmd_version, cmd_completion, cmd_help, cmd_man;

const cli_cmd *const cli_commands[] = {
    &cmd_train, &cmd_eval,      &cmd_predict, &cmd_run,     &cmd_summary,
    &cmd_bench, &cmd_gradcheck, &cmd_devices, &cmd_version, &cmd_completion,
    &cmd_help,  &cmd_man,       NULL,
};

const cli_opt cli_common[] = {
    {"threads", CLI_INT, "N", .min = 1, .max = 1024,
     .help = "processor threads (default: $TARN_THREADS, else all cores); results do not depend "
             "on it"},
    {"device", CLI_NAME, "D", .preset = "cpu", .choices = "cpu ref xla", .numbered = true,
     .help = "where programs run; ref is slow and simple, to compare with; xla is a TPU or GPU "
             "behind the plugin $TARN_PJRT_PLUGIN, xla:1 its second device"},
    {"seed", CLI_INT, "N", .min = 0, .max = 9.3e18,
     .help = "key of all random numbers (default: what the file says, else 0)"},
    {"quiet", CLI_FLAG, .help = "no progress and no notes on stderr"},
    {"json", CLI_FLAG, .help = "print JSON lines on stdout, and nothing else there"},
    {"dump", CLI_NAME, "STAGE", .several = true,
     .choices = "graph specialise lower canonical simplify plan all stablehlo cuda",
     .help = "print stages of the compiler to stderr; see 'tarn help dump'"},
    {"profile", CLI_FLAG, .help = "say at the end where time and memory went, on stderr"},
    {"help", CLI_FLAG, .help = "show this help"},
    {0},
};

const cli_cmd *cli_find(const char *name) {
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (!strcmp((*c)->name, name)) return *c;
    return NULL;
}

static int run_command(const cli_args *a) {
    if (cli_given(a, "help")) return cli_help(a);
    if (cli_given(a, "threads")) {
        tarn_status st = tarn_set_threads((int)cli_int(a, "threads"));
        if (st) return cli_fail(a, st);
    }
    int code = a->cmd->run(a);
    cli_profile(a);
    return code;
}

static int run(const cli_cmd *cmd, int argc, char **argv) {
    cli_args a;
    int code = cli_parse(cmd, argc, argv, &a);
    if (!code) code = run_command(&a);
    cli_args_free(&a);
    return cli_close_output(cmd, code);
}

// "tarn --help" and "tarn --version" are the commands of that name.
static const char *command_word(const char *word) {
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return "help";
    return strcmp(word, "--version") ? word : "version";
}

int main(int argc, char **argv) {
    cli_signals();
    if (argc < 2) return cli_usage(NULL, "which command? 'tarn help' lists all");
    const char *word = command_word(argv[1]);
    const cli_cmd *cmd = cli_find(word);
    if (!cmd) return cli_unknown_command(NULL, word);
    return run(cmd, argc - 2, argv + 2);
}
