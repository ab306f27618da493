// Replace a file whole or not at all, so that a process killed at any instant leaves the old file
// or the new one: write a temporary file in the same folder (rename works only within one file
// system), sync it, rename it over the old one, sync the folder (the rename itself must last).
//
// The temporary name is ours, not mkstemp's: mkstemp makes files that only their owner may read,
// and undoing that needs the process's umask, which cannot be read without changing it.
#include "base/os_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_TRIES = 100, SUFFIX_CAP = 48 };

static _Atomic uint64_t serial;

static void put_suffix(char *at, long pid, uint64_t n) {
    snprintf(at, SUFFIX_CAP, ".tmp.%ld.%" PRIu64, pid, n);
}

// Create "PATH.tmp.PID.N" for an N that is free; a killed process with our id may have left some.
static tarn_status create_tmp(ti_writer *w) {
    size_t n = strlen(w->path);
    for (int i = 0; i < NAME_TRIES; i++) {
        put_suffix(w->tmp + n, (long)getpid(), atomic_fetch_add(&serial, 1));
        w->fd = open(w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0 || (errno != EEXIST && errno != EINTR)) break;
    }
    return w->fd >= 0 ? TARN_OK : ti_os_error("create", w->path);
}

static void release(ti_writer *w) {
    if (w->fd >= 0) close(w->fd);
    ti_free(w->path);
    ti_free(w->tmp);
    w->path = w->tmp = NULL;
    w->fd = -1;
}

tarn_status ti_writer_open(ti_writer *w, const char *path) {
    size_t n = strlen(path), bytes;
    *w = (ti_writer){.fd = -1};
    if ((w->status = ti_add(n, SUFFIX_CAP, &bytes))) return w->status;
    if ((w->status = ti_alloc(n + 1, &w->path))) goto fail;
    memcpy(w->path, path, n + 1);
    if ((w->status = ti_alloc(bytes, &w->tmp))) goto fail;
    memcpy(w->tmp, path, n + 1);
    if ((w->status = create_tmp(w))) goto fail;
    return TARN_OK;
fail:
    release(w);
    return w->status;
}

void ti_writer_put(ti_writer *w, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    while (!w->status && n > 0) {
        ssize_t done = write(w->fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            w->status = ti_os_error("write", w->path);
            return;
        }
        p += done;
        n -= (size_t)done;
    }
}

// Cut a path to its folder; "/name" leaves "/".
static const char *folder_of(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = '\0';
    return slash ? path : ".";
}

// Make the rename last. Some file systems cannot sync a folder and say EINVAL: nothing is lost.
static tarn_status sync_folder(ti_writer *w) {
    const char *dir = folder_of(w->tmp);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ti_os_error("open folder", dir);
    tarn_status st = fsync(fd) && errno != EINVAL ? ti_os_error("sync folder", dir) : TARN_OK;
    close(fd);
    return st;
}

static tarn_status finish_tmp(ti_writer *w) {
    if (fsync(w->fd)) return ti_os_error("sync", w->path);
    int failed = close(w->fd);
    w->fd = -1;  // gone even when close reports a late write error
    if (failed) return ti_os_error("close", w->path);
    if (rename(w->tmp, w->path)) return ti_os_error("replace", w->path);
    return TARN_OK;
}

tarn_status ti_writer_commit(ti_writer *w) {
    if (!w->tmp) return w->status ? w->status : ti_error(TARN_ESTATE, "writer is not open");
    if (!w->status) w->status = finish_tmp(w);
    if (w->status) {
        unlink(w->tmp);
    } else {
        w->status = sync_folder(w);
    }
    release(w);
    return w->status;
}

void ti_writer_abort(ti_writer *w) {
    if (!w->tmp) return;  // never opened, or ended already
    unlink(w->tmp);
    release(w);
}

// ---- what killed processes left ----------------------------------------------------------------

// Is `file` just what a writer of `name` was given by a process that is no more?
static bool is_stale(const char *file, const char *name) {
    char suffix[SUFFIX_CAP], *dot;
    size_t n = strlen(name);
    if (strncmp(file, name, n) || strncmp(file + n, ".tmp.", 5)) return false;
    long pid = strtol(file + n + 5, &dot, 10);
    put_suffix(suffix, pid, *dot == '.' ? strtoull(dot + 1, NULL, 10) : 0);
    if (strcmp(file + n, suffix) || pid < 1 || pid > INT32_MAX) return false;
    return kill((pid_t)pid, 0) && errno == ESRCH;
}

static void sweep(DIR *folder, const char *name) {
    struct dirent *e;
    struct stat info;
    int at = dirfd(folder);
    while ((e = readdir(folder))) {
        if (!is_stale(e->d_name, name)) continue;
        if (fstatat(at, e->d_name, &info, AT_SYMLINK_NOFOLLOW) || !S_ISREG(info.st_mode)) continue;
        unlinkat(at, e->d_name, 0);
    }
}

tarn_status ti_writer_sweep(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t bytes = strlen(path) + 1;
    char *copy;
    TI_TRY(ti_alloc(bytes, &copy));
    memcpy(copy, path, bytes);
    DIR *folder = opendir(folder_of(copy));
    ti_free(copy);
    if (!folder) return TARN_OK;  // a folder that is closed to us is named by what writes in it
    sweep(folder, slash ? slash + 1 : path);
    closedir(folder);
    return TARN_OK;
}
