// Growing buffer with a stated maximum.
//
// The first failure sticks and turns later calls into no-ops, so a writer of many small pieces
// checks once at the end. The first block is taken at once: `data` is a string from the start.
#include "base/base.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void ti_buf_init(ti_buf *b, size_t limit) {
    *b = (ti_buf){.limit = limit};
    b->status = ti_alloc(FIRST_CAP, &b->data);
    if (b->status) return;
    b->cap = FIRST_CAP;
    b->data[0] = '\0';
}

// Make room for n more bytes and the terminator; doubling keeps the total copying linear.
static bool reserve(ti_buf *b, size_t n) {
    size_t need;
    if (b->status) return false;
    if (n > b->limit - b->size) {
        b->status = ti_error(TARN_ELIMIT, "buffer: %zu bytes and %zu more, at most %zu allowed",
                             b->size, n, b->limit);
        return false;
    }
    if ((b->status = ti_add(b->size + n, 1, &need))) return false;
    if (need <= b->cap) return true;
    size_t cap = b->cap <= SIZE_MAX / 2 && need < 2 * b->cap ? 2 * b->cap : need;
    if ((b->status = ti_realloc(b->size + 1, cap, &b->data))) return false;
    b->cap = cap;
    return true;
}

void ti_buf_add(ti_buf *b, const void *bytes, size_t n) {
    if (!reserve(b, n)) return;
    if (n > 0) memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
}

void ti_buf_puts(ti_buf *b, const char *s) { ti_buf_add(b, s, strlen(s)); }

void ti_buf_printf(ti_buf *b, const char *fmt, ...) {
    va_list args;
    if (b->status) return;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        b->status = ti_error(TARN_EARG, "buffer: '%s' cannot be formatted", fmt);
        return;
    }
    if (!reserve(b, (size_t)n)) return;
    va_start(args, fmt);
    vsnprintf(b->data + b->size, (size_t)n + 1, fmt, args);
    va_end(args);
    b->size += (size_t)n;
}

tarn_status ti_buf_status(const ti_buf *b) { return b->status; }

void ti_buf_free(ti_buf *b) {
    ti_free(b->data);
    *b = (ti_buf){0};
}
