// Paths and folders.
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

const char *cli_join(cli_path *p, const char *dir, const char *name) {
    size_t n = strlen(dir);
    snprintf(p->s, sizeof p->s, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
    return p->s;
}

const char *cli_folder(cli_path *p, const char *file) {
    const char *slash = strrchr(file, '/');
    if (!slash)
        snprintf(p->s, sizeof p->s, ".");
    else
        snprintf(p->s, sizeof p->s, "%.*s", slash == file ? 1 : (int)(slash - file), file);
    return p->s;
}

const char *cli_stem(cli_path *p, const char *file) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    int len = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    snprintf(p->s, sizeof p->s, "%.*s", len, name);
    return p->s;
}

bool cli_has_extension(const char *file, const char *extension) {
    size_t n = strlen(file), m = strlen(extension);
    return n > m && !strcasecmp(file + n - m, extension);
}

bool cli_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// mkdir -p; the last mkdir decides.
static bool make_folders(const char *dir) {
    cli_path p;
    snprintf(p.s, sizeof p.s, "%s", dir);
    for (char *c = p.s + 1; *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        (void)mkdir(p.s, 0777);
        *c = '/';
    }
    return mkdir(p.s, 0777) == 0 || is_folder(dir);
}

// Writes more than a block, so that a full disk is found too.
static bool can_write_in(const char *dir) {
    static const char block[8192];
    cli_path p;
    cli_join(&p, dir, ".tarn-XXXXXX");
    int fd = mkstemp(p.s);
    if (fd < 0) return false;
    bool written = write(fd, block, sizeof block) == (ssize_t)sizeof block;
    int problem = errno;
    written = close(fd) == 0 && written;
    (void)unlink(p.s);
    errno = problem;
    return written;
}

int cli_need_folder(const cli_cmd *cmd, const char *dir) {
    errno = 0;
    if (!make_folders(dir))
        return cli_error(cmd, "cannot make the folder '%s': %s", dir,
                         errno == EEXIST ? "a file of that name is there" : strerror(errno));
    if (!can_write_in(dir))
        return cli_error(cmd, "cannot write in the folder '%s': %s", dir, strerror(errno));
    return CLI_OK;
}
