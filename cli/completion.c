// tarn completion SHELL: completion scripts for bash, zsh and fish, from the option tables.
#include "frame.h"

#include <string.h>

static void put_commands(FILE *out, const char *separator) {
    bool first = true;
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        fprintf(out, "%s%s", first ? "" : separator, (*c)->name);
        first = false;
    }
}

// Text within single quotes, with `special` characters behind a backslash.
static void put_quoted(FILE *out, const char *text, const char *special) {
    for (; *text; text++) {
        if (strchr(special, *text)) fputc('\\', out);
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
}

// ---- bash --------------------------------------------------------------------------------------

// The words or actions that complete the value of a row.
static void bash_value(FILE *out, const cli_opt *o) {
    if (o->kind == CLI_FILE)
        fputs("compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$cur\"))", out);
    else if (o->kind == CLI_DIR)
        fputs("compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\"))", out);
    else if (o->kind == CLI_COMMAND) {
        fputs("COMPREPLY=($(compgen -W \"", out);
        put_commands(out, " ");
        fputs("\" -- \"$cur\"))", out);
    } else if (o->choices)
        fprintf(out, "COMPREPLY=($(compgen -W \"%s\" -- \"$cur\"))", o->choices);
    else
        fputs("COMPREPLY=()", out);
}

static void bash_values(FILE *out, const char *cmd, const cli_opt *rows) {
    for (; rows->name; rows++) {
        if (rows->positional || rows->kind == CLI_FLAG) continue;
        fprintf(out, "    %s:--%s) ", cmd, rows->name);
        bash_value(out, rows);
        fputs("; return ;;\n", out);
    }
}

static void bash_names(FILE *out, const cli_opt *rows) {
    for (; rows->name; rows++)
        if (!rows->positional) fprintf(out, " --%s", rows->name);
}

static void bash_command(FILE *out, const cli_cmd *cmd) {
    fprintf(out,
            "    %s)\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W \"",
            cmd->name);
    bash_names(out, cmd->opts);
    bash_names(out, cli_common);
    fputs("\" -- \"$cur\"))\n", out);
    for (const cli_opt *row = cmd->opts; row->name; row++) {
        if (!row->positional) continue;
        fputs("        else\n            ", out);
        bash_value(out, row);
        fputc('\n', out);
        break;
    }
    fputs("        fi ;;\n", out);
}

static void write_bash(FILE *out, const void *what) {
    (void)what;
    fputs("# bash completion for tarn; load it with: source <(tarn completion bash)\n"
          "_tarn() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local cmd=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    # --name=value arrives as three words\n"
          "    if [[ $cur == = ]]; then cur=\n"
          "    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        COMPREPLY=($(compgen -W \"",
          out);
    put_commands(out, " ");
    fputs("\" -- \"$cur\"))\n        return\n    fi\n    case $cmd:$prev in\n", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (!(*c)->hidden) bash_values(out, (*c)->name, (*c)->opts);
    bash_values(out, "*", cli_common);
    fputs("    esac\n    case $cmd in\n", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (!(*c)->hidden) bash_command(out, *c);
    fputs("    esac\n}\ncomplete -F _tarn tarn\n", out);
}

// ---- zsh ---------------------------------------------------------------------------------------

static void zsh_value(FILE *out, const cli_opt *o) {
    fprintf(out, ":%s:", o->positional ? o->name : o->value);
    if (o->kind == CLI_FILE)
        fputs("_files", out);
    else if (o->kind == CLI_DIR)
        fputs("_files -/", out);
    else if (o->kind == CLI_COMMAND) {
        fputc('(', out);
        put_commands(out, " ");
        fputc(')', out);
    } else if (o->choices)
        fprintf(out, "(%s)", o->choices);
    else
        fputc(' ', out);
}

static void zsh_rows(FILE *out, const cli_opt *rows) {
    for (; rows->name; rows++) {
        fputs(" \\\n            '", out);
        if (rows->positional) {
            fputc(rows->many ? '*' : '1', out);
        } else {
            fprintf(out, "%s--%s%s[", rows->many ? "*" : "", rows->name,
                    rows->kind == CLI_FLAG ? "" : "=");
            put_quoted(out, rows->help, "[]:\\");
            fputc(']', out);
        }
        if (rows->kind != CLI_FLAG) zsh_value(out, rows);
        fputc('\'', out);
    }
}

static void write_zsh(FILE *out, const void *what) {
    (void)what;
    fputs("#compdef tarn\n"
          "# zsh completion for tarn; save it as _tarn in a folder of $fpath, or: source <(tarn "
          "completion zsh)\n"
          "_tarn() {\n"
          "    local -a commands=(\n",
          out);
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        fprintf(out, "        '%s:", (*c)->name);
        put_quoted(out, (*c)->brief, ":\\");
        fputs("'\n", out);
    }
    fputs("    )\n"
          "    if ((CURRENT == 2)); then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local cmd=$words[2]\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $cmd in\n",
          out);
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        fprintf(out, "    %s)\n        _arguments", (*c)->name);
        zsh_rows(out, (*c)->opts);
        zsh_rows(out, cli_common);
        fputs(" ;;\n", out);
    }
    fputs("    esac\n}\n"
          "# Loaded by its name it is called at once, sourced it only makes itself known.\n"
          "if [[ $funcstack[1] == _tarn ]]; then _tarn \"$@\"; else compdef _tarn tarn; fi\n",
          out);
}

// ---- fish --------------------------------------------------------------------------------------

static void fish_value(FILE *out, const cli_opt *o) {
    if (o->kind == CLI_FILE)
        fputs(" -r -F", out);
    else if (o->kind == CLI_DIR)
        fputs(" -x -a '(__fish_complete_directories)'", out);
    else if (o->kind == CLI_COMMAND) {
        fputs(" -x -a '", out);
        put_commands(out, " ");
        fputc('\'', out);
    } else if (o->choices)
        fprintf(out, " -x -a '%s'", o->choices);
    else if (o->kind != CLI_FLAG)
        fputs(" -x", out);
}

// cmd NULL: for every command.
static void fish_rows(FILE *out, const char *cmd, const cli_opt *rows) {
    for (; rows->name; rows++) {
        if (rows->positional && rows->kind == CLI_FILE) continue;  // files are the default
        fputs("complete -c tarn -n ", out);
        if (cmd)
            fprintf(out, "'__fish_seen_subcommand_from %s'", cmd);
        else
            fputs("'not __fish_use_subcommand'", out);
        if (!rows->positional) fprintf(out, " -l %s", rows->name);
        fish_value(out, rows);
        fputs(" -d '", out);
        put_quoted(out, rows->help, "\\");
        fputs("'\n", out);
    }
}

static void write_fish(FILE *out, const void *what) {
    (void)what;
    fputs("# fish completion for tarn; load it with: tarn completion fish | source\n", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++) {
        if ((*c)->hidden) continue;
        fprintf(out, "complete -c tarn -n __fish_use_subcommand -x -a %s -d '", (*c)->name);
        put_quoted(out, (*c)->brief, "\\");
        fputs("'\n", out);
    }
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        if (!(*c)->hidden) fish_rows(out, (*c)->name, (*c)->opts);
    fish_rows(out, NULL, cli_common);
}

// ---- the command -------------------------------------------------------------------------------

static int completion_run(const cli_args *a) {
    const char *shell = cli_str(a, "SHELL");
    if (!strcmp(shell, "bash")) return cli_print(a, write_bash, NULL);
    if (!strcmp(shell, "zsh")) return cli_print(a, write_zsh, NULL);
    return cli_print(a, write_fish, NULL);
}

static const cli_opt completion_opts[] = {
    {"SHELL", CLI_NAME, .choices = "bash zsh fish", .positional = true, .required = true,
     .help = "name of the shell"},
    {0},
};

static const cli_example completion_examples[] = {
    {"source <(tarn completion bash)", "completion in this bash"},
    {"tarn completion zsh >~/.zfunc/_tarn", "for zsh, in a folder of $fpath"},
    {"tarn completion fish | source", "completion in this fish"},
    {0},
};

const cli_cmd cmd_completion = {
    .name = "completion",
    .brief = "print a completion script for a shell",
    .about = "Print a script that lets the shell complete commands, options, files and names.",
    .opts = completion_opts,
    .examples = completion_examples,
    .run = completion_run,
};
