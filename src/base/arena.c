// Bump allocator: a chain of zero-filled blocks that are freed together.
//
// The newest block of ordinary size stays in front and serves small requests. A large request
// gets a block of its own behind it, so that it does not waste what the front block has left.
#include "base/base.h"

#include <stdalign.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024, LARGE_BYTES = BLOCK_BYTES / 4, ARENA_ALIGN = 16 };

struct ti_arena_block {
    struct ti_arena_block *next;
    size_t used, cap;
    alignas(ARENA_ALIGN) uint8_t data[];
};

static tarn_status block_new(size_t cap, struct ti_arena_block **out) {
    size_t bytes;
    TI_TRY(ti_add(sizeof(struct ti_arena_block), cap, &bytes));
    TI_TRY(ti_alloc_zero(bytes, out));
    (*out)->cap = cap;
    return TARN_OK;
}

// The block that has room for `bytes`, a multiple of ARENA_ALIGN; makes one when there is none.
static tarn_status block_for(ti_arena *a, size_t bytes, struct ti_arena_block **out) {
    struct ti_arena_block *b = a->head;
    if (b && bytes <= b->cap - b->used) {
        *out = b;
        return TARN_OK;
    }
    bool large = bytes > LARGE_BYTES;
    TI_TRY(block_new(large ? bytes : BLOCK_BYTES, &b));
    if (large && a->head) {
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    *out = b;
    return TARN_OK;
}

tarn_status ti_arena_alloc(ti_arena *a, size_t bytes, void *out) {
    struct ti_arena_block *b;
    size_t padded;
    TI_TRY(ti_add(bytes ? bytes : 1, ARENA_ALIGN - 1, &padded));
    padded -= padded % ARENA_ALIGN;
    TI_TRY(block_for(a, padded, &b));
    void *p = b->data + b->used;
    b->used += padded;
    memcpy(out, &p, sizeof p);
    return TARN_OK;
}

tarn_status ti_arena_strdup(ti_arena *a, const char *s, const char **out) {
    size_t bytes = strlen(s) + 1;
    char *copy;
    TI_TRY(ti_arena_alloc(a, bytes, &copy));
    memcpy(copy, s, bytes);
    *out = copy;
    return TARN_OK;
}

void ti_arena_free(ti_arena *a) {
    struct ti_arena_block *b = a->head;
    while (b) {
        struct ti_arena_block *next = b->next;
        ti_free(b);
        b = next;
    }
    a->head = NULL;
}
