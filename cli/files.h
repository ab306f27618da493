// Paths and folders.
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "cli.h"

typedef struct cli_path {
    char s[4096];
} cli_path;

// "dir/name"; returns its buffer, cut when it is longer than any path may be.
const char *cli_join(cli_path *p, const char *dir, const char *name);
// Folder of a file: "a/b.yaml" gives "a", "b.yaml" gives ".".
const char *cli_folder(cli_path *p, const char *file);
// Name of a file without folder and last extension: "a/b.yaml" gives "b".
const char *cli_stem(cli_path *p, const char *file);
bool cli_has_extension(const char *file, const char *extension);
bool cli_exists(const char *path);
// Make the folder and those above it, and see whether files can be written there. A sentence on
// stderr and CLI_FAILURE when not.
int cli_need_folder(const cli_cmd *cmd, const char *dir);

#endif
