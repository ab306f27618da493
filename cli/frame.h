// Between the files of the frame: help.c, args.c and main.c.
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include "cli.h"

// What help says of a row: its text, choices and default.
typedef struct cli_help_text {
    char s[1024];
} cli_help_text;
const char *cli_row_help(cli_help_text *t, const cli_opt *o);

int cli_help(const cli_args *a);      // of a->cmd
int cli_overview(const cli_args *a);  // of all commands
int cli_unknown_command(const cli_cmd *cmd, const char *name);

#endif
