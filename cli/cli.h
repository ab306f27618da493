// The frame that all commands share: option tables, parsing, help, messages, exit codes.
//
// A command is one table (cli_cmd) in one file. The table alone decides how the command line is
// parsed and checked, and what --help, the manual page and shell completion say, so that these
// four cannot disagree. Values are kept as text and converted when asked for: parsing has checked
// them, so the getters cannot fail.
#ifndef CLI_H
#define CLI_H

#include <stdio.h>
#include <tarn/tarn.h>

// ---- exit codes --------------------------------------------------------------------------------

enum {
    CLI_OK = 0,
    CLI_FAILURE = 1,
    CLI_USAGE = 2,
    CLI_UNSUPPORTED = 77,
    CLI_INTERRUPTED = 130,
};

// Room for a short text.
typedef struct cli_text {
    char s[96];
} cli_text;

// ---- tables ------------------------------------------------------------------------------------

typedef enum cli_kind {
    CLI_FLAG,
    CLI_INT,   // int64_t within min..max
    CLI_REAL,  // double within min..max, finite
    CLI_TEXT,
    CLI_FILE,     // a path, completed as a file
    CLI_DIR,      // a path, completed as a folder
    CLI_NAME,     // one of `choices`
    CLI_COMMAND,  // a command's name, or a topic of help
} cli_kind;

// One option, or one positional argument (its name is then what usage shows, "FILE").
typedef struct cli_opt {
    const char *name;
    cli_kind kind;
    const char *value;    // word for the value in help: "N", "DIR"
    const char *preset;   // value when it is not given; NULL: none
    double min, max;      // CLI_INT, CLI_REAL; both 0: any
    const char *choices;  // CLI_NAME: separated by blanks; CLI_TEXT: some of them, to complete
    bool positional;
    bool required;
    bool many;      // may be given several times: cli_list
    bool several;   // CLI_NAME: a comma-separated list of choices
    bool numbered;  // CLI_NAME: a choice may be followed by a number, "xla:1"
    const char *help;
} cli_opt;

typedef struct cli_example {
    const char *command, *what;
} cli_example;

typedef struct cli_args cli_args;

typedef struct cli_cmd {
    const char *name;
    const char *brief;            // one line, begins in lower case, no full stop
    const char *about;            // paragraphs separated by an empty line
    const cli_opt *opts;          // ends with a row without a name
    const cli_example *examples;  // ends with a row without a command; NULL: none
    int (*run)(const cli_args *a);
    bool hidden;  // left out of lists
} cli_cmd;

extern const cli_cmd *const cli_commands[];  // ends with NULL
extern const cli_opt cli_common[];           // options of every command, as `opts`

const cli_cmd *cli_find(const char *name);

// "FILE", "[INPUT]...": how usage lines write the positional rows, each after a blank.
void cli_usage_line(FILE *out, const cli_cmd *cmd);
// "--epochs N" or "FILE".
const char *cli_row_text(cli_text *t, const cli_opt *o);

// ---- arguments ---------------------------------------------------------------------------------

typedef struct cli_item {
    const cli_opt *opt;
    const char *text;
} cli_item;

struct cli_args {
    const cli_cmd *cmd;
    int count;
    cli_item *item;  // in the order of the command line
};

// Fill `a` from the words after the command's name and check every value against the table.
// Returns CLI_OK, or another exit code after one sentence on stderr; cli_args_free in any case.
// With --help the rest is not checked.
int cli_parse(const cli_cmd *cmd, int argc, char **argv, cli_args *a);
void cli_args_free(cli_args *a);

bool cli_given(const cli_args *a, const char *name);
// Value or preset; 0 or NULL when there is neither.
int64_t cli_int(const cli_args *a, const char *name);
double cli_real(const cli_args *a, const char *name);
const char *cli_str(const cli_args *a, const char *name);
// The values of a `many` row one after the other: *at begins at 0; NULL at the end.
const char *cli_next(const cli_args *a, const char *name, int *at);

// ---- messages (stderr) -------------------------------------------------------------------------

// "tarn train: <last error>"; returns the exit code that belongs to the status.
int cli_fail(const cli_args *a, tarn_status st);
// "tarn train: <sentence>"; cmd NULL: "tarn: <sentence>". Returns CLI_FAILURE or CLI_USAGE.
int cli_error(const cli_cmd *cmd, const char *fmt, ...) TARN_PRINTF(2, 3);
int cli_usage(const cli_cmd *cmd, const char *fmt, ...) TARN_PRINTF(2, 3);
// A line of its own on stderr, left out by --quiet.
void cli_note(const cli_args *a, const char *fmt, ...) TARN_PRINTF(2, 3);
// Escape sequences where `out` is a terminal that wants them (NO_COLOR, TERM=dumb), else "".
const char *cli_bold(FILE *out);
const char *cli_plain(FILE *out);

// ---- output (stdout) ---------------------------------------------------------------------------

// Text of a writer, or with --json the line {"text": ...}.
typedef void (*cli_writer)(FILE *out, const void *what);
int cli_print(const cli_args *a, cli_writer writer, const void *what);
// Write out what is buffered; a failed write is reported and turns CLI_OK into CLI_FAILURE.
int cli_close_output(const cli_cmd *cmd, int code);

// ---- text --------------------------------------------------------------------------------------

// Paragraphs broken into lines of at most 79 columns; the first line is at `indent` already.
void cli_wrap(FILE *out, const char *text, int indent);
// The nearest of several names, NULL when none is near. next(user, i) gives name i or NULL.
typedef const char *(*cli_names)(const void *user, int i);
const char *cli_nearest(const char *word, cli_names next, const void *user);
// The next word of a list separated by blanks: its start, *len its length; NULL at the end.
const char *cli_word(const char **list, int *len);
bool cli_has_word(const char *list, const char *want);

// Short texts for people; each returns its buffer.
const char *cli_count(cli_text *t, int64_t n);         // 669,706
const char *cli_bytes(cli_text *t, double bytes);      // 2.7 MB (powers of 1000)
const char *cli_seconds(cli_text *t, double seconds);  // 12.3 s, 4 min 05 s
const char *cli_flops(cli_text *t, double flops);      // 1.3 MFLOP
// [batch, 28, 28] with `from` 0, 28 x 28 with `from` 1 (the first axis left out).
const char *cli_shape(cli_text *t, const tarn_shape *shape);

// A table with aligned columns: cells in row order, then print.
typedef struct cli_table cli_table;
cli_table *cli_table_create(const char *align);  // 'l' or 'r' a column; NULL when memory is out
void cli_table_free(cli_table *t);
void cli_cell(cli_table *t, const char *fmt, ...) TARN_PRINTF(2, 3);
void cli_table_print(const cli_table *t, FILE *out);

// ---- interrupts, profile -----------------------------------------------------------------------

// Ctrl-C ends the process with CLI_INTERRUPTED; SIGPIPE becomes a write error.
void cli_signals(void);
// From now on the first Ctrl-C sets the flag and the second kills.
const volatile int *cli_catch_interrupt(void);

// The previous phase ends and `name` (a constant) begins; NULL only ends it.
void cli_phase(const char *name);
// With --profile: the phases and the peak memory, on stderr.
void cli_profile(const cli_args *a);
// With --profile: a line for each kernel of a program that was compiled with `profile`.
void cli_profile_kernels(const cli_args *a, const tarn_program *p);

#endif
