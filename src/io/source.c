// Bytes of a file, unpacked on the way when they begin like gzip.
//
// The reader above decides how many bytes it wants and no more are unpacked, so a small file that
// unpacks to terabytes costs nothing: the header's promise is the bound, and ti_source_most tells
// beforehand when the stored bytes cannot keep it. Several gzip members in a row count as one
// stream, as gzip itself has it; anything else after a member is an error.
#include "io/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#ifdef TARN_HAVE_ZLIB
#include <zlib.h>
#endif

tarn_status ti_source_error(const ti_source *s, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ti_error(TARN_EFORMAT, "%s: %s at byte %" PRIu64 "%s", s->what, n >= 0 ? text : fmt,
                    s->off, s->is_gzip ? " (unpacked)" : "");
}

uint64_t ti_source_most(const ti_source *s) {
    if (!s->is_gzip) return s->size;
    return s->size <= UINT64_MAX / TI_DEFLATE_MOST ? (uint64_t)s->size * TI_DEFLATE_MOST
                                                   : UINT64_MAX;
}

#ifdef TARN_HAVE_ZLIB
static const char not_gzip[] = "no gzip data";

static voidpf zlib_alloc(voidpf unused, uInt items, uInt size) {
    void *p = NULL;
    size_t bytes;
    (void)unused;
    if (ti_mul(items, size, &bytes) || ti_alloc(bytes, &p)) return Z_NULL;
    return p;
}

static void zlib_free(voidpf unused, voidpf p) {
    (void)unused;
    ti_free(p);
}

static tarn_status inflate_open(ti_source *s) {
    const int window_bits = 15, gzip_only = 16;
    z_stream *z;
    TI_TRY(ti_alloc_zero(sizeof *z, &z));
    z->zalloc = zlib_alloc;
    z->zfree = zlib_free;
    z->next_in = (Bytef *)(uintptr_t)s->data;  // zlib does not write there
    if (inflateInit2(z, window_bits + gzip_only) != Z_OK) {
        ti_free(z);
        return ti_error(TARN_ENOMEM, "%s: out of memory for unpacking", s->what);
    }
    s->inflate = z;
    return TARN_OK;
}

// Stored bytes that zlib has not been given yet.
static size_t input_left(const ti_source *s, const z_stream *z) {
    return s->size - (size_t)(z->next_in - s->data);
}

static uInt part_of(size_t n) {
    const size_t most = 1u << 30;
    return (uInt)(n < most ? n : most);
}

// After a member: true when another one follows.
static tarn_status next_member(ti_source *s, z_stream *z, bool *more) {
    *more = input_left(s, z) > 0;
    if (!*more) return TARN_OK;
    if (input_left(s, z) < 2 || z->next_in[0] != 0x1f || z->next_in[1] != 0x8b)
        return ti_source_error(s, "%zu stored bytes that are %s after its end", input_left(s, z),
                               not_gzip);
    if (inflateReset(z) != Z_OK) return ti_source_error(s, "%s", not_gzip);
    return TARN_OK;
}

static tarn_status inflate_some(ti_source *s, uint8_t *dst, size_t n, size_t *got) {
    z_stream *z = s->inflate;
    bool more = true;
    *got = 0;
    while (*got < n && more) {
        z->avail_in = part_of(input_left(s, z));
        z->avail_out = part_of(n - *got);
        z->next_out = dst + *got;
        uInt room = z->avail_out;
        int code = inflate(z, Z_NO_FLUSH);
        *got += room - z->avail_out;
        s->off += room - z->avail_out;
        if (code == Z_STREAM_END)
            TI_TRY(next_member(s, z, &more));
        else if (code == Z_MEM_ERROR)
            return ti_error(TARN_ENOMEM, "%s: out of memory for unpacking", s->what);
        else if (code == Z_BUF_ERROR)
            return ti_source_error(s, "gzip data is cut off");
        else if (code != Z_OK)
            return ti_source_error(s, "gzip data is damaged (%s)", z->msg ? z->msg : "unknown");
    }
    return TARN_OK;
}

static void inflate_close(ti_source *s) {
    if (s->inflate) inflateEnd(s->inflate);
    ti_free(s->inflate);
}
#else
static tarn_status inflate_open(ti_source *s) {
    return ti_error(TARN_EUNSUPPORTED, "%s: gzip data, and this build has no zlib", s->what);
}

static tarn_status inflate_some(ti_source *s, uint8_t *dst, size_t n, size_t *got) {
    (void)dst, (void)n, (void)got;
    return inflate_open(s);
}

static void inflate_close(ti_source *s) { (void)s; }
#endif

tarn_status ti_source_open(ti_source *s, const char *what, const uint8_t *data, size_t size) {
    *s = (ti_source){.what = what, .data = data, .size = size};
    s->is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    return s->is_gzip ? inflate_open(s) : TARN_OK;
}

tarn_status ti_source_read_some(ti_source *s, void *dst, size_t n, size_t *got) {
    if (s->is_gzip) return inflate_some(s, dst, n, got);
    size_t left = s->size - (size_t)s->off;
    *got = n < left ? n : left;
    if (*got > 0) memcpy(dst, s->data + s->off, *got);
    s->off += *got;
    return TARN_OK;
}

tarn_status ti_source_read(ti_source *s, void *dst, size_t n) {
    size_t got;
    TI_TRY(ti_source_read_some(s, dst, n, &got));
    if (got < n) return ti_source_error(s, "data ends, %zu more bytes expected", n - got);
    return TARN_OK;
}

void ti_source_close(ti_source *s) {
    inflate_close(s);
    *s = (ti_source){0};
}

// ---- whole files -------------------------------------------------------------------------------

// Unpack everything into a growing block: gzip's own size field is only the size modulo 2^32, and
// hostile besides.
static tarn_status unpack_all(ti_source *s, size_t limit, uint8_t **data, size_t *size) {
    const size_t first = 1u << 16;
    uint8_t *bytes = NULL;
    size_t used = 0, cap = first, got, more;
    tarn_status st = ti_alloc(cap, &bytes);
    while (!st) {
        if ((st = ti_source_read_some(s, bytes + used, cap - used, &got))) break;
        used += got;
        if (used > limit)
            st = ti_error(TARN_ELIMIT, "%s: unpacks to more than the %zu bytes allowed", s->what,
                          limit);
        if (st || used < cap) break;
        if ((st = ti_mul(cap, 2, &more)) || (st = ti_realloc(cap, more, &bytes))) break;
        cap = more;
    }
    if (st) {
        ti_free(bytes);
        return st;
    }
    *data = bytes;
    *size = used;
    return TARN_OK;
}

tarn_status ti_source_read_file(const char *path, size_t limit, uint8_t **data, size_t *size) {
    uint8_t *stored;
    size_t stored_size;
    ti_source s;
    TI_TRY(ti_file_read(path, limit, &stored, &stored_size));
    tarn_status st = ti_source_open(&s, path, stored, stored_size);
    if (!st && !s.is_gzip) {  // as stored: hand over the block itself
        *data = stored;
        *size = stored_size;
        stored = NULL;
    } else if (!st) {
        st = unpack_all(&s, limit, data, size);
    }
    ti_source_close(&s);
    ti_free(stored);
    return st;
}
