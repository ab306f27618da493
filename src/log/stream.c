// Lines to streams that can fail.
#include "log/log.h"

#include <errno.h>
#include <string.h>

// "VERB NAME: reason of err".
static tarn_status failed(const char *verb, const char *name, int err) {
    char reason[128];
    if (err == 0 || strerror_r(err, reason, sizeof reason))
        snprintf(reason, sizeof reason, "unknown reason");
    return ti_error(err == ENOENT ? TARN_ENOENT : TARN_EIO, "%s %s: %s", verb, name, reason);
}

tarn_status ti_stream_open(const char *path, const char *mode, FILE **out) {
    FILE *file = fopen(path, mode);
    if (!file) return failed("open", path, errno);
    *out = file;
    return TARN_OK;
}

tarn_status ti_stream_put(FILE *out, const char *name, const ti_buf *bytes) {
    TI_TRY(ti_buf_status(bytes));
    errno = 0;
    if (fwrite(bytes->data, 1, bytes->size, out) == bytes->size && fflush(out) == 0) return TARN_OK;
    return failed("write", name, errno);
}
