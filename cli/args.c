// Command lines against tables: GNU long options, "--" ends options, positional arguments in the
// order of their rows. Abbreviated options are refused on purpose: a script that uses them breaks
// when an option is added.
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_opt *find_in(const cli_opt *rows, const char *name, size_t len) {
    for (; rows->name; rows++)
        if (!rows->positional && strlen(rows->name) == len && !memcmp(rows->name, name, len))
            return rows;
    return NULL;
}

static const cli_opt *find_option(const cli_cmd *cmd, const char *name, size_t len) {
    const cli_opt *row = find_in(cmd->opts, name, len);
    return row ? row : find_in(cli_common, name, len);
}

static const cli_opt *find_row(const cli_cmd *cmd, const char *name) {
    for (const cli_opt *row = cmd->opts; row->name; row++)
        if (!strcmp(row->name, name)) return row;
    return find_in(cli_common, name, strlen(name));
}

// ---- values ------------------------------------------------------------------------------------

static bool in_bounds(const cli_opt *o, double v) {
    return (o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max);
}

static bool valid_int(const cli_opt *o, const char *text) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    return end != text && !*end && !errno && in_bounds(o, (double)v);
}

static bool valid_real(const cli_opt *o, const char *text) {
    char *end;
    double v = strtod(text, &end);
    return end != text && !*end && isfinite(v) && in_bounds(o, v);
}

// How messages call a row: "--epochs" or "FILE".
static const char *row_name(const cli_opt *o, cli_text *t) {
    snprintf(t->s, sizeof t->s, "%s%s", o->positional ? "" : "--", o->name);
    return t->s;
}

static int bad_number(const cli_cmd *cmd, const cli_opt *o, const char *text) {
    cli_text name;
    const char *what = o->kind == CLI_INT ? "a whole number" : "a number";
    if (o->min == 0 && o->max == 0)
        return cli_usage(cmd, "%s: '%s' is not %s", row_name(o, &name), text, what);
    if (o->max >= 1e15)
        return cli_usage(cmd, "%s: '%s' is not %s of at least %.0f", row_name(o, &name), text, what,
                         o->min);
    return cli_usage(cmd, "%s: '%s' is not %s from %.10g to %.10g", row_name(o, &name), text, what,
                     o->min, o->max);
}

// Bytes of the word that must be a choice: "xla" of "xla:1".
static size_t choice_size(const cli_opt *o, const char *text) {
    size_t n = o->several ? strcspn(text, ",") : strlen(text);
    size_t name = strcspn(text, ":"), digits = 0;
    if (o->numbered && text[name]) digits = strspn(text + name + 1, "0123456789");
    return digits && name + 1 + digits == n ? name : n;
}

static int check_choice(const cli_cmd *cmd, const cli_opt *o, const char *text) {
    cli_text name, word;
    for (const char *p = text;; p++) {
        size_t n = o->several ? strcspn(p, ",") : strlen(p);
        snprintf(word.s, sizeof word.s, "%.*s", (int)choice_size(o, p), p);
        if (!cli_has_word(o->choices, word.s))
            return cli_usage(cmd, "%s: '%s' is none of: %s", row_name(o, &name), word.s,
                             o->choices);
        p += n;
        if (!*p) return CLI_OK;
    }
}

static int check_value(const cli_cmd *cmd, const cli_opt *o, const char *text) {
    cli_text name;
    if (o->kind == CLI_INT && !valid_int(o, text)) return bad_number(cmd, o, text);
    if (o->kind == CLI_REAL && !valid_real(o, text)) return bad_number(cmd, o, text);
    if (o->kind == CLI_NAME && check_choice(cmd, o, text)) return CLI_USAGE;
    if (o->kind != CLI_FLAG && !*text)
        return cli_usage(cmd, "%s: the value is empty", row_name(o, &name));
    return CLI_OK;
}

// ---- words -------------------------------------------------------------------------------------

static int add(cli_args *a, const cli_opt *o, const char *text) {
    a->item[a->count++] = (cli_item){o, text};
    return check_value(a->cmd, o, text);
}

static const char *option_name(const void *user, int i) {
    const cli_cmd *cmd = user;
    for (const cli_opt *row = cmd->opts; row->name; row++)
        if (!row->positional && i-- == 0) return row->name;
    for (const cli_opt *row = cli_common; row->name; row++)
        if (i-- == 0) return row->name;
    return NULL;
}

static int unknown_option(const cli_cmd *cmd, const char *word, size_t len) {
    cli_text name;
    snprintf(name.s, sizeof name.s, "%.*s", (int)len, word);
    const char *near = cli_nearest(name.s, option_name, cmd);
    if (near) return cli_usage(cmd, "unknown option '--%s'; did you mean '--%s'?", name.s, near);
    return cli_usage(cmd, "unknown option '--%s'; 'tarn %s --help' lists all", name.s, cmd->name);
}

// One "--name", "--name=value" or "--name value"; *i moves on to the value.
static int parse_option(cli_args *a, int argc, char **argv, int *i) {
    const char *word = argv[*i] + 2;
    size_t len = strcspn(word, "=");
    const cli_opt *o = find_option(a->cmd, word, len);
    if (!o) return unknown_option(a->cmd, word, len);
    if (o->kind == CLI_FLAG) {
        if (word[len]) return cli_usage(a->cmd, "--%s takes no value", o->name);
        return add(a, o, "");
    }
    if (word[len]) return add(a, o, word + len + 1);
    if (*i + 1 >= argc || !strncmp(argv[*i + 1], "--", 2))
        return cli_usage(a->cmd, "--%s needs a value: --%s=%s", o->name, o->name, o->value);
    return add(a, o, argv[++*i]);
}

// The row that takes the next positional word, NULL when all are taken.
static const cli_opt *next_positional(const cli_args *a) {
    for (const cli_opt *row = a->cmd->opts; row->name; row++)
        if (row->positional && (row->many || !cli_given(a, row->name))) return row;
    return NULL;
}

static int parse_positional(cli_args *a, const char *word) {
    const cli_opt *row = next_positional(a);
    if (!row) return cli_usage(a->cmd, "unexpected argument '%s'", word);
    return add(a, row, word);
}

static int parse_word(cli_args *a, int argc, char **argv, int *i) {
    const char *word = argv[*i];
    if (!strncmp(word, "--", 2)) return parse_option(a, argc, argv, i);
    if (!strcmp(word, "-h")) return add(a, find_row(a->cmd, "help"), "");
    if (*word == '-' && word[1])
        return cli_usage(a->cmd, "unknown option '%s'; options begin with '--'", word);
    return parse_positional(a, word);
}

static int check_required(const cli_args *a) {
    for (const cli_opt *row = a->cmd->opts; row->name; row++) {
        cli_text name;
        if (row->required && !cli_given(a, row->name))
            return cli_usage(a->cmd, "%s is missing; 'tarn %s --help' says more",
                             row_name(row, &name), a->cmd->name);
    }
    return CLI_OK;
}

int cli_parse(const cli_cmd *cmd, int argc, char **argv, cli_args *a) {
    bool options = true;
    *a = (cli_args){.cmd = cmd, .item = calloc((size_t)argc + 1, sizeof *a->item)};
    if (!a->item) return cli_error(cmd, "out of memory");
    for (int i = 0; i < argc && !cli_given(a, "help"); i++) {
        if (options && !strcmp(argv[i], "--")) {
            options = false;
            continue;
        }
        int code = options ? parse_word(a, argc, argv, &i) : parse_positional(a, argv[i]);
        if (code) return code;
    }
    return cli_given(a, "help") ? CLI_OK : check_required(a);
}

void cli_args_free(cli_args *a) {
    free(a->item);
    *a = (cli_args){0};
}

// ---- getters -----------------------------------------------------------------------------------

// The last value of a row, NULL when it was not given.
static const char *last_value(const cli_args *a, const char *name) {
    for (int i = a->count; i-- > 0;)
        if (!strcmp(a->item[i].opt->name, name)) return a->item[i].text;
    return NULL;
}

bool cli_given(const cli_args *a, const char *name) { return last_value(a, name) != NULL; }

const char *cli_str(const cli_args *a, const char *name) {
    const char *text = last_value(a, name);
    return text ? text : find_row(a->cmd, name)->preset;
}

int64_t cli_int(const cli_args *a, const char *name) {
    const char *text = cli_str(a, name);
    return text ? (int64_t)strtoll(text, NULL, 10) : 0;
}

double cli_real(const cli_args *a, const char *name) {
    const char *text = cli_str(a, name);
    return text ? strtod(text, NULL) : 0;
}

const char *cli_next(const cli_args *a, const char *name, int *at) {
    while (*at < a->count) {
        const cli_item *item = &a->item[(*at)++];
        if (!strcmp(item->opt->name, name)) return item->text;
    }
    return NULL;
}
