// Internal contract of src/base: errors, memory, sizes, growing buffers, cursors, files, hashes,
// random bits, clock. One header because every file above needs most of it.
#ifndef TI_BASE_H
#define TI_BASE_H

#include <stdarg.h>
#include <tarn/base.h>

// ---- errors (status.c) -------------------------------------------------------------------------
// Record a new error sentence for this thread and return st.
tarn_status ti_error(tarn_status st, const char *fmt, ...) TARN_PRINTF(2, 3);
// Prepend context to the pending sentence ("context: sentence") and return st.
tarn_status ti_error_at(tarn_status st, const char *fmt, ...) TARN_PRINTF(2, 3);
// Move a sentence between threads: copy out (at most cap-1 bytes, terminated), and set as is.
void ti_error_save(char *text, size_t cap);
tarn_status ti_error_restore(tarn_status st, const char *text);
#define TI_TRY(expr) TARN_TRY(expr)
#ifdef NDEBUG
#define ti_assert(cond) ((void)0)
#else
// For our own bugs only, in debug and test builds: reports and traps.
void ti_assert_failed(const char *cond, const char *file, int line);
#define ti_assert(cond) ((cond) ? (void)0 : ti_assert_failed(#cond, __FILE__, __LINE__))
#endif

// ---- memory (alloc.c) --------------------------------------------------------------------------
// *out is a void** of any pointer type. 64-byte aligned. bytes 0 gives a valid pointer.
TARN_CHECK tarn_status ti_alloc(size_t bytes, void *out);
TARN_CHECK tarn_status ti_alloc_zero(size_t bytes, void *out);
// Grow or shrink *inout (may hold NULL) from `old` to `bytes`; on error *inout stays as it was.
TARN_CHECK tarn_status ti_realloc(size_t old, size_t bytes, void *inout);
void ti_free(void *p);
// Counters over the whole process (atomic), for the tests of "no allocation per step".
typedef struct ti_alloc_stats {
    uint64_t calls;  // ti_alloc, ti_alloc_zero and ti_realloc calls since start
    uint64_t live;   // blocks not yet freed
} ti_alloc_stats;
ti_alloc_stats ti_alloc_stats_now(void);
// The n-th allocation from now fails (1 = next); 0 switches it off. Test builds only in effect.
void ti_alloc_fail_at(uint64_t n);

// Bump allocator: blocks live until ti_arena_free. Zero-filled memory, 16-byte aligned.
typedef struct ti_arena {
    struct ti_arena_block *head;
} ti_arena;
TARN_CHECK tarn_status ti_arena_alloc(ti_arena *a, size_t bytes, void *out);
TARN_CHECK tarn_status ti_arena_strdup(ti_arena *a, const char *s, const char **out);
void ti_arena_free(ti_arena *a);

// ---- checked sizes (size.h part) ---------------------------------------------------------------
TARN_CHECK tarn_status ti_mul(size_t a, size_t b, size_t *out);  // TARN_ELIMIT on overflow
TARN_CHECK tarn_status ti_add(size_t a, size_t b, size_t *out);
static inline int64_t ti_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t ti_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ti_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// ---- growing buffer (buf.c) --------------------------------------------------------------------
// Text or bytes; always terminated by a 0 that `size` does not count. Sticky status: after a
// failure every call is a no-op and ti_buf_status reports it.
typedef struct ti_buf {
    char *data;
    size_t size, cap, limit;  // limit: most bytes ever held
    tarn_status status;
} ti_buf;
void ti_buf_init(ti_buf *b, size_t limit);
void ti_buf_add(ti_buf *b, const void *bytes, size_t n);
void ti_buf_puts(ti_buf *b, const char *s);
void ti_buf_printf(ti_buf *b, const char *fmt, ...) TARN_PRINTF(2, 3);
tarn_status ti_buf_status(const ti_buf *b);
void ti_buf_free(ti_buf *b);

// ---- cursor over bytes that may be hostile (cursor.c) ------------------------------------------
typedef struct ti_cursor {
    const char *what;  // for messages: the file's name
    const uint8_t *data;
    size_t size, off;
} ti_cursor;
// Each read fails with "WHAT: ... at byte OFF" (TARN_EFORMAT) when it would pass the end.
TARN_CHECK tarn_status ti_cursor_bytes(ti_cursor *c, size_t n, const uint8_t **out);
TARN_CHECK tarn_status ti_cursor_u8(ti_cursor *c, uint8_t *out);
TARN_CHECK tarn_status ti_cursor_u32be(ti_cursor *c, uint32_t *out);
TARN_CHECK tarn_status ti_cursor_u32le(ti_cursor *c, uint32_t *out);
TARN_CHECK tarn_status ti_cursor_u64le(ti_cursor *c, uint64_t *out);
tarn_status ti_cursor_error(const ti_cursor *c, const char *fmt, ...) TARN_PRINTF(2, 3);

// ---- files (file.c, os_posix.c) ----------------------------------------------------------------
// Whole file into memory (ti_free it). `limit`: refuse larger ones with TARN_ELIMIT.
TARN_CHECK tarn_status ti_file_read(const char *path, size_t limit, uint8_t **data, size_t *size);
// Read-only mapping of a whole file; size 0 gives data NULL.
typedef struct ti_map {
    const uint8_t *data;
    size_t size;
} ti_map;
TARN_CHECK tarn_status ti_map_open(const char *path, ti_map *m);
void ti_map_close(ti_map *m);
// Replace `path` by new content, whole or not at all: temporary name in the same folder, written,
// synced, renamed, folder synced. Commit or abort ends it; abort leaves the old file.
typedef struct ti_writer {
    int fd;
    char *path, *tmp;
    tarn_status status;  // sticky
} ti_writer;
TARN_CHECK tarn_status ti_writer_open(ti_writer *w, const char *path);
void ti_writer_put(ti_writer *w, const void *bytes, size_t n);
TARN_CHECK tarn_status ti_writer_commit(ti_writer *w);
void ti_writer_abort(ti_writer *w);
// Remove the temporary files of `path` whose processes were killed, as far as that can be done.
TARN_CHECK tarn_status ti_writer_sweep(const char *path);
TARN_CHECK tarn_status ti_file_write(const char *path, const void *bytes, size_t n);  // all in one
bool ti_file_exists(const char *path);
TARN_CHECK tarn_status ti_make_dirs(const char *path);  // like mkdir -p, mode 0777 & ~umask
// "FOLDER/NAME" newly allocated, for a name that comes out of a file: TARN_EFORMAT unless the file
// lies, all links followed, in that folder or below. TARN_ENOENT.
TARN_CHECK tarn_status ti_path_inside(const char *folder, const char *name, char **out);
// "DIR/NAME" newly allocated.
TARN_CHECK tarn_status ti_path_join(const char *dir, const char *name, char **out);
double ti_now(void);        // monotonic seconds
double ti_wall_time(void);  // seconds since 1970

// ---- hashes (sha256.c) -------------------------------------------------------------------------
typedef struct ti_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} ti_sha256;
void ti_sha256_init(ti_sha256 *s);
void ti_sha256_add(ti_sha256 *s, const void *data, size_t n);
void ti_sha256_hex(ti_sha256 *s, char hex[65]);  // finishes
uint64_t ti_hash64(const char *text);            // FNV-1a, for names and streams

// ---- random bits (philox.h): Philox 4x32-10, Salmon et al. 2011 (SC11), section 3.3 -------------
// Pure: four words from a 64-bit key and a 128-bit counter.
void ti_philox(uint64_t key, uint64_t counter_lo, uint64_t counter_hi, uint32_t out[4]);

// ---- narrow floats (half.c) --------------------------------------------------------------------
// f16, or bf16 when `brain`, as their 16 bits.
double ti_half_value(uint16_t half, bool brain);
// Nearest, ties to even; beyond the largest: infinity; NaN is quiet, with its sign.
uint16_t ti_half_bits(double x, bool brain);

// ---- log (log.c) -------------------------------------------------------------------------------
// TARN_TRACE=plan,-cuda names components; a line goes to stderr only when its component is named.
bool ti_trace_on(const char *component);
void ti_trace(const char *component, const char *fmt, ...) TARN_PRINTF(2, 3);

// ---- strings -----------------------------------------------------------------------------------
// Nearest of `names` (NULL-terminated) to `word` by edit distance, or NULL when none is near.
const char *ti_nearest(const char *word, const char *const *names);

#endif
