// JSON lines on stdout.
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli.h"

#include <jansson.h>

// One line; `take` is released, NULL (memory was out when it was made) is an error.
int cli_json(const cli_cmd *cmd, json_t *take);
// JSON has no NaN and no infinity: they become null.
json_t *cli_json_number(double value);

#endif
