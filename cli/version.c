// tarn version: the library, the compiler, and which optional parts are in.
#include "output.h"

#include <string.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static int print_json(const cli_args *a) {
    tarn_part part;
    json_t *parts = json_object();
    for (int i = 0; tarn_version_part(i, &part); i++)
        json_object_set_new(parts, part.name,
                            part.present ? json_string(part.version) : json_null());
    return cli_json(a->cmd, json_pack("{s:s, s:s, s:o}", "version", tarn_version(), "compiler",
                                      COMPILER, "parts", parts));
}

static int version_run(const cli_args *a) {
    tarn_part part;
    if (cli_given(a, "json")) return print_json(a);
    printf("tarn %s\n", tarn_version());
    cli_table *t = cli_table_create("ll");
    cli_cell(t, "compiler");
    cli_cell(t, "%s", COMPILER);
    for (int i = 0; tarn_version_part(i, &part); i++) {
        cli_cell(t, "%s", part.name);
        cli_cell(t, "%s", part.present ? part.version : "not in this build");
    }
    cli_table_print(t, stdout);
    cli_table_free(t);
    return CLI_OK;
}

static const cli_opt version_opts[] = {{0}};

const cli_cmd cmd_version = {
    .name = "version",
    .brief = "show the version and the optional parts of this build",
    .about = "Show the version, the compiler, and the optional parts that this build has or lacks. "
             "A missing part is named by the error of whatever needs it.",
    .opts = version_opts,
    .run = version_run,
};
