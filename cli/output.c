// What goes to stdout: text, JSON lines, and the check that all of it was written.
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Nine digits give every f32 back exactly.
int cli_json(const cli_cmd *cmd, json_t *take) {
    int failed = take ? json_dumpf(take, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;
    json_decref(take);
    if (failed) return cli_error(cmd, "cannot write JSON to standard output");
    fputc('\n', stdout);
    return CLI_OK;
}

json_t *cli_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

int cli_print(const cli_args *a, cli_writer writer, const void *what) {
    char *text = NULL;
    size_t size = 0;
    if (!cli_given(a, "json")) {
        writer(stdout, what);
        return CLI_OK;
    }
    FILE *memory = open_memstream(&text, &size);
    if (!memory) return cli_error(a->cmd, "out of memory");
    writer(memory, what);
    int code = fclose(memory) ? cli_error(a->cmd, "out of memory")
                              : cli_json(a->cmd, json_pack("{s:s}", "text", text));
    free(text);
    return code;
}

int cli_close_output(const cli_cmd *cmd, int code) {
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (!fflush(stdout) && !failed) return code;
    cli_error(cmd, "cannot write to standard output: %s",
              errno ? strerror(errno) : "an earlier write failed");
    return code ? code : CLI_FAILURE;
}
