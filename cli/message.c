// What goes to stderr: one sentence an error, notes, colour.
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_colour(FILE *out) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if ((no && *no) || !term || !strcmp(term, "dumb")) return false;
    return isatty(fileno(out)) == 1;
}

const char *cli_bold(FILE *out) { return wants_colour(out) ? "\033[1m" : ""; }

const char *cli_plain(FILE *out) { return wants_colour(out) ? "\033[0m" : ""; }

// A progress line may stand unfinished on the terminal: begin at the left edge and clear it.
static void say(const cli_cmd *cmd, const char *fmt, va_list args) {
    if (isatty(STDERR_FILENO) == 1) fputs("\r\033[K", stderr);
    fprintf(stderr, "%starn%s%s:%s ", cli_bold(stderr), cmd ? " " : "", cmd ? cmd->name : "",
            cli_plain(stderr));
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

int cli_error(const cli_cmd *cmd, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(cmd, fmt, args);
    va_end(args);
    return CLI_FAILURE;
}

int cli_usage(const cli_cmd *cmd, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say(cmd, fmt, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_fail(const cli_args *a, tarn_status st) {
    cli_error(a->cmd, "%s", *tarn_last_error() ? tarn_last_error() : "out of memory");
    switch (st) {
    case TARN_EUNSUPPORTED: return CLI_UNSUPPORTED;
    case TARN_ECANCELLED: return CLI_INTERRUPTED;
    default: return CLI_FAILURE;
    }
}

void cli_note(const cli_args *a, const char *fmt, ...) {
    va_list args;
    if (cli_given(a, "quiet")) return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}
