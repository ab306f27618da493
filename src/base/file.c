// Files, the part that is the same on every system.
#include "base/base.h"

#include <string.h>

tarn_status ti_path_join(const char *dir, const char *name, char **out) {
    size_t d = strlen(dir), n = strlen(name), bytes;
    bool slash = d > 0 && dir[d - 1] != '/';
    char *path;
    TI_TRY(ti_add(d, n, &bytes));
    TI_TRY(ti_add(bytes, 2, &bytes));
    TI_TRY(ti_alloc(bytes, &path));
    memcpy(path, dir, d);
    if (slash) path[d++] = '/';
    memcpy(path + d, name, n + 1);
    *out = path;
    return TARN_OK;
}

tarn_status ti_file_write(const char *path, const void *bytes, size_t n) {
    ti_writer w;
    TI_TRY(ti_writer_open(&w, path));
    ti_writer_put(&w, bytes, n);
    return ti_writer_commit(&w);
}
