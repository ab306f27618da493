// Files, folders and clocks of a POSIX system.
//
// Calls interrupted by a signal are repeated: a program that handles Ctrl-C for an orderly stop
// must not see a read fail because of it.
#include "base/os_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static tarn_status status_of_errno(int err) {
    switch (err) {
    case ENOENT:
    case ENOTDIR: return TARN_ENOENT;
    case ENOMEM: return TARN_ENOMEM;
    default: return TARN_EIO;
    }
}

tarn_status ti_os_error(const char *verb, const char *path) {
    int err = errno;
    char reason[128];
    if (strerror_r(err, reason, sizeof reason)) memcpy(reason, "unknown reason", 15);
    return ti_error(status_of_errno(err), "%s '%s': %s", verb, path, reason);
}

// ---- reading -----------------------------------------------------------------------------------

// Open for reading; *size is what the system states: exact for a file, 0 for a pipe.
static tarn_status open_read(const char *path, int *fd, uint64_t *size) {
    struct stat info;
    int f;
    do f = open(path, O_RDONLY | O_CLOEXEC);
    while (f < 0 && errno == EINTR);
    if (f < 0) return ti_os_error("open", path);
    if (fstat(f, &info)) {
        tarn_status st = ti_os_error("open", path);
        close(f);
        return st;
    }
    *fd = f;
    *size = info.st_size > 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    return TARN_OK;
}

static tarn_status too_large(const char *path, size_t limit) {
    return ti_error(TARN_ELIMIT, "read '%s': larger than the %zu bytes allowed", path, limit);
}

// Read to the end into *data, which holds `cap` bytes and grows: a pipe states no size, and a file
// may still be growing. One byte of room stays, so that the end is seen without growing.
static tarn_status read_all(int fd, const char *path, size_t limit, size_t cap, uint8_t **data,
                            size_t *size) {
    size_t used = 0;
    for (;;) {
        if (used == cap) {
            size_t more;
            TI_TRY(ti_mul(cap, 2, &more));
            TI_TRY(ti_realloc(cap, more, data));
            cap = more;
        }
        ssize_t n = read(fd, *data + used, cap - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ti_os_error("read", path);
        if (n == 0) break;
        used += (size_t)n;
        if (used > limit) return too_large(path, limit);
    }
    *size = used;
    return TARN_OK;
}

tarn_status ti_file_read(const char *path, size_t limit, uint8_t **data, size_t *size) {
    tarn_status st;
    uint64_t stated;
    uint8_t *bytes = NULL;
    size_t cap, used;
    int fd;
    TI_TRY(open_read(path, &fd, &stated));
    if (stated > limit) {
        st = too_large(path, limit);
        goto done;
    }
    cap = stated ? (size_t)stated + 1 : 4096;
    if ((st = ti_alloc(cap, &bytes))) goto done;
    if ((st = read_all(fd, path, limit, cap, &bytes, &used))) goto done;
    *data = bytes;
    *size = used;
    bytes = NULL;
done:
    ti_free(bytes);
    close(fd);
    return st;
}

tarn_status ti_map_open(const char *path, ti_map *m) {
    tarn_status st = TARN_OK;
    uint64_t size;
    void *p;
    int fd;
    TI_TRY(open_read(path, &fd, &size));
    *m = (ti_map){0};
    if (size > 0) {
        p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            st = ti_os_error("map", path);
        else
            *m = (ti_map){.data = p, .size = (size_t)size};
    }
    close(fd);
    return st;
}

void ti_map_close(ti_map *m) {
    // The cast drops const only because munmap takes a plain pointer.
    if (m->data) munmap((void *)(uintptr_t)m->data, m->size);
    *m = (ti_map){0};
}

// ---- folders -----------------------------------------------------------------------------------

bool ti_file_exists(const char *path) { return access(path, F_OK) == 0; }

tarn_status ti_path_inside(const char *folder, const char *name, char **out) {
    char root[PATH_MAX], target[PATH_MAX], *path;
    size_t n;
    TI_TRY(ti_path_join(folder, name, &path));
    tarn_status st = realpath(folder, root) ? TARN_OK : ti_os_error("find", folder);
    if (!st && !realpath(path, target)) st = ti_os_error("find", path);
    if (!st && !strcmp(root, "/")) *root = 0;
    n = st ? 0 : strlen(root);
    if (!st && (strncmp(root, target, n) != 0 || target[n] != '/'))
        st = ti_error(TARN_EFORMAT, "'%s' is not inside of the folder '%s'", name, folder);
    if (st) {
        ti_free(path);
    } else {
        *out = path;
    }
    return st;
}

static tarn_status make_dir(const char *path) {
    struct stat info;
    if (mkdir(path, 0777) == 0) return TARN_OK;
    // Asked second: another process may make the folder between a question and mkdir.
    if (errno == EEXIST && stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return TARN_OK;
        errno = EEXIST;
    }
    return ti_os_error("create folder", path);
}

tarn_status ti_make_dirs(const char *path) {
    tarn_status st = TARN_OK;
    size_t bytes = strlen(path) + 1;
    char *copy;
    TI_TRY(ti_alloc(bytes, &copy));
    memcpy(copy, path, bytes);
    for (char *p = copy + 1; bytes > 1 && *p && !st; p++) {
        if (*p != '/') continue;
        *p = '\0';
        st = make_dir(copy);
        *p = '/';
    }
    if (!st) st = make_dir(copy);
    ti_free(copy);
    return st;
}

// ---- clocks ------------------------------------------------------------------------------------

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ti_now(void) { return seconds_of(CLOCK_MONOTONIC); }

double ti_wall_time(void) { return seconds_of(CLOCK_REALTIME); }
