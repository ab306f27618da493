// Helpers of the tests of src/io and src/data.
#ifndef IO_SUPPORT_H
#define IO_SUPPORT_H

#include <string.h>

#include "io/io.h"
#include "test.h"

enum { PATH_CAP = 512 };

// Skip the test in a build without this optional library.
static inline void need_part(const char *name) {
    tarn_part part;
    for (int i = 0; tarn_version_part(i, &part); i++) {
        if (strcmp(part.name, name) == 0 && !part.present) SKIP("this build has no %s", name);
    }
}

// The path of FILE in FOLDER, in a buffer of the caller.
static inline const char *path_of(const char *folder, const char *file, char path[PATH_CAP]) {
    CHECK(snprintf(path, PATH_CAP, "%s/%s", folder, file) < PATH_CAP);
    return path;
}

static inline const char *golden_path(const char *file, char path[PATH_CAP]) {
    CHECK(snprintf(path, PATH_CAP, "%s/tests/golden/io/%s", test_source_dir(), file) < PATH_CAP);
    return path;
}

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static inline bytes golden_bytes(const char *file) {
    char path[PATH_CAP];
    bytes b;
    CHECK_OK(ti_file_read(golden_path(file, path), 1 << 20, &b.data, &b.size));
    return b;
}

// A reader of bytes that throws its result away.
typedef tarn_status (*bytes_reader)(const uint8_t *data, size_t size);

// The whole file can be read and no shorter one, each in a block of its own size, so that a
// sanitizer sees a read past the end. The status may differ by how much is there.
static inline void check_truncations(const char *file, bytes_reader read) {
    bytes b = golden_bytes(file);
    CHECK_OK(read(b.data, b.size));
    for (size_t n = 0; n < b.size; n++) {
        uint8_t *part;
        CHECK_OK(ti_alloc(n, &part));
        memcpy(part, b.data, n);
        if (read(part, n) == TARN_OK)
            test_fail(__FILE__, __LINE__, "%s cut to %zu of %zu bytes was accepted", file, n,
                      b.size);
        CHECK(*tarn_last_error());
        ti_free(part);
    }
    ti_free(b.data);
}

// Every reader call fails with TARN_ENOMEM at every single allocation, and leaves nothing behind.
static inline void check_allocations(const char *file, bytes_reader read) {
    bytes b = golden_bytes(file);
    uint64_t live = ti_alloc_stats_now().live;
    for (uint64_t n = 1;; n++) {
        uint64_t before = ti_alloc_stats_now().calls;
        ti_alloc_fail_at(n);
        tarn_status st = read(b.data, b.size);
        uint64_t calls = ti_alloc_stats_now().calls - before;
        ti_alloc_fail_at(0);
        CHECK_EQ_I(ti_alloc_stats_now().live, live);
        if (st == TARN_OK) {
            if (calls >= n) SKIP("this build has no failing allocations");
            break;
        }
        CHECK_EQ_I(st, TARN_ENOMEM);
    }
    ti_free(b.data);
}

#endif
