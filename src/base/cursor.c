// Reader over bytes that may be hostile: it never leaves them, and off <= size always holds.
// Bounds are tested by subtraction, because a sum with a size from a file could wrap.
#include "base/base.h"

#include <stdio.h>

tarn_status ti_cursor_bytes(ti_cursor *c, size_t n, const uint8_t **out) {
    size_t left = c->size - c->off;
    if (n > left) return ti_cursor_error(c, "%zu bytes needed, %zu left", n, left);
    *out = c->data + c->off;
    c->off += n;
    return TARN_OK;
}

// n bytes, at most 8, as one little-endian number.
static tarn_status read_le(ti_cursor *c, size_t n, uint64_t *out) {
    const uint8_t *p;
    uint64_t v = 0;
    TI_TRY(ti_cursor_bytes(c, n, &p));
    while (n-- > 0) v = v << 8 | p[n];
    *out = v;
    return TARN_OK;
}

tarn_status ti_cursor_u8(ti_cursor *c, uint8_t *out) {
    uint64_t v;
    TI_TRY(read_le(c, 1, &v));
    *out = (uint8_t)v;
    return TARN_OK;
}

tarn_status ti_cursor_u32be(ti_cursor *c, uint32_t *out) {
    const uint8_t *p;
    TI_TRY(ti_cursor_bytes(c, 4, &p));
    *out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return TARN_OK;
}

tarn_status ti_cursor_u32le(ti_cursor *c, uint32_t *out) {
    uint64_t v;
    TI_TRY(read_le(c, 4, &v));
    *out = (uint32_t)v;
    return TARN_OK;
}

tarn_status ti_cursor_u64le(ti_cursor *c, uint64_t *out) { return read_le(c, 8, out); }

tarn_status ti_cursor_error(const ti_cursor *c, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ti_error(TARN_EFORMAT, "%s: %s at byte %zu", c->what, n >= 0 ? text : fmt, c->off);
}
