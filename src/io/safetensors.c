// safetensors, the reader: u64 N (little-endian), N bytes of JSON that name the tensors, then the
// data (https://github.com/huggingface/safetensors, "Format").
//
// The file is mapped and only the header is looked at; a tensor is copied when it is asked for.
// Everything the header claims is checked at open: one key once, every tensor inside the data, its
// length that of its shape, and no byte of the data unclaimed or claimed twice. jansson builds a
// tree many times larger than its text, so a scan that needs no memory first counts the values and
// the nesting.
#include "io/safetensors.h"
#include "io/io.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_BYTES = 8,
    MAX_VALUES = 1000000,  // about 100,000 tensors; 0.3 GB of tree at most
    MAX_NESTING = 3,       // {"name": {"shape": []}}
};

#define NOT_OURS TARN_DTYPE_COUNT
const ti_safetensors_type ti_safetensors_types[] = {
    {"F32", TARN_F32, 32},        {"F64", TARN_F64, 64},    {"F16", TARN_F16, 16},
    {"BF16", TARN_BF16, 16},      {"I8", TARN_I8, 8},       {"I16", TARN_I16, 16},
    {"I32", TARN_I32, 32},        {"I64", TARN_I64, 64},    {"U8", TARN_U8, 8},
    {"U16", TARN_U16, 16},        {"U32", TARN_U32, 32},    {"U64", TARN_U64, 64},
    {"BOOL", TARN_BOOL, 8},       {"C64", NOT_OURS, 64},    {"F8_E4M3", NOT_OURS, 8},
    {"F8_E5M2", NOT_OURS, 8},     {"F8_E8M0", NOT_OURS, 8}, {"F8_E4M3FNUZ", NOT_OURS, 8},
    {"F8_E5M2FNUZ", NOT_OURS, 8}, {"F6_E2M3", NOT_OURS, 6}, {"F6_E3M2", NOT_OURS, 6},
    {"F4", NOT_OURS, 4},          {NULL, NOT_OURS, 0},
};

// One tensor of the header; names belong to the JSON tree.
typedef struct entry {
    const char *name, *type_name;
    tarn_dtype dtype;  // NOT_OURS: refused when asked for
    tarn_shape shape;
    uint64_t begin, end;  // in the data
} entry;

struct tarn_safetensors {
    char *what;  // the file's name, for messages
    ti_map map;  // empty when the bytes are the caller's
    const uint8_t *data;
    uint64_t data_size, data_off;  // data_off: where in the file it begins, for messages
    json_t *header;
    const json_t *metadata;  // part of header, or NULL
    entry *entries;          // by name
    size_t count;
};

// ---- the header's text -------------------------------------------------------------------------

static tarn_status header_error(const ti_cursor *c, const char *text) {
    return ti_error(TARN_EFORMAT, "%s: header: %s at byte %zu", c->what, text, c->off);
}

// Count values and nesting outside of strings, from c->off to the end. Only bounds: what else is
// wrong, the JSON parser reports.
static tarn_status check_extent(ti_cursor *c) {
    int depth = 0, values = 0;
    bool quoted = false;
    for (; c->off < c->size; c->off++) {
        uint8_t b = c->data[c->off];
        if (quoted && b == '\\')
            c->off++;
        else if (b == '"')
            quoted = !quoted;
        else if (!quoted && (b == '{' || b == '['))
            depth++, values++;
        else if (!quoted && (b == '}' || b == ']'))
            depth--;
        else if (!quoted && b == ',')
            values++;
        if (depth > MAX_NESTING) return header_error(c, "nested deeper than 3");
        if (values > MAX_VALUES)
            return ti_error(TARN_ELIMIT, "%s: header: more than %d values at byte %zu", c->what,
                            MAX_VALUES, c->off);
    }
    return TARN_OK;
}

static tarn_status parse_header(tarn_safetensors *f, const uint8_t *text, size_t size) {
    ti_cursor c = {.what = f->what, .data = text - LENGTH_BYTES, .size = size + LENGTH_BYTES};
    json_error_t error;
    c.off = LENGTH_BYTES;
    if (size == 0 || text[0] != '{') return header_error(&c, "'{' expected");
    TI_TRY(check_extent(&c));
    f->header = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &error);
    if (f->header) return TARN_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return ti_error(TARN_ENOMEM, "%s: out of memory for the header", f->what);
    c.off = LENGTH_BYTES + (size_t)ti_max_i64(error.position, 0);
    return header_error(&c, error.text);
}

// ---- one entry ---------------------------------------------------------------------------------

static tarn_status entry_error(const tarn_safetensors *f, const entry *e, const char *text) {
    char name[TI_SHOWN_CAP];
    return ti_error(TARN_EFORMAT, "%s: tensor '%s': %s", f->what,
                    ti_shown(e->name, strlen(e->name), name), text);
}

static bool natural(const json_t *value, int64_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = json_integer_value(value);
    return true;
}

static tarn_status read_shape(const tarn_safetensors *f, const json_t *value, entry *e) {
    size_t rank = json_array_size(value);
    if (!json_is_array(value)) return entry_error(f, e, "shape: an array expected");
    if (rank > TARN_MAX_RANK) return entry_error(f, e, "shape: rank above 8");
    e->shape.rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        if (!natural(json_array_get(value, i), &e->shape.dim[i]))
            return entry_error(f, e, "shape: dimensions from 0 to 2^63-1 expected");
    }
    return TARN_OK;
}

static tarn_status read_offsets(const tarn_safetensors *f, const json_t *value, entry *e) {
    int64_t begin, end;
    if (json_array_size(value) != 2 || !natural(json_array_get(value, 0), &begin) ||
        !natural(json_array_get(value, 1), &end))
        return entry_error(f, e, "data_offsets: [begin, end] expected");
    e->begin = (uint64_t)begin;
    e->end = (uint64_t)end;
    if (e->begin <= e->end && e->end <= f->data_size) return TARN_OK;
    char name[TI_SHOWN_CAP];
    return ti_error(TARN_EFORMAT,
                    "%s: tensor '%s': data_offsets [%" PRIu64 ", %" PRIu64
                    "], order and at most %" PRIu64 " expected",
                    f->what, ti_shown(e->name, strlen(e->name), name), e->begin, e->end,
                    f->data_size);
}

static const ti_safetensors_type *find_type(const char *name) {
    const ti_safetensors_type *t = ti_safetensors_types;
    while (t->name && strcmp(t->name, name) != 0) t++;
    return t;
}

// Bytes of the shape against the offsets, where the type is known; 4 and 6 bit types are packed.
static tarn_status check_length(const tarn_safetensors *f, const entry *e, unsigned bits) {
    char shape[TI_SHAPE_TEXT_CAP], name[TI_SHOWN_CAP];
    int64_t n = tarn_shape_numel(&e->shape);
    uint64_t length = e->end - e->begin, all_bits;
    bool fits = n >= 0 && !__builtin_mul_overflow((uint64_t)n, bits, &all_bits) &&
                all_bits % 8 == 0 && all_bits / 8 == length;
    if (bits == 0 || fits) return TARN_OK;
    return ti_error(TARN_EFORMAT,
                    "%s: tensor '%s': %s %s does not have the %" PRIu64
                    " bytes of its data_offsets",
                    f->what, ti_shown(e->name, strlen(e->name), name), e->type_name,
                    ti_shape_text(&e->shape, shape), length);
}

static tarn_status read_entry(const tarn_safetensors *f, const char *name, const json_t *value,
                              entry *e) {
    *e = (entry){.name = name, .type_name = json_string_value(json_object_get(value, "dtype"))};
    if (!json_is_object(value)) return entry_error(f, e, "an object expected");
    if (!e->type_name) return entry_error(f, e, "dtype: a string expected");
    const ti_safetensors_type *type = find_type(e->type_name);
    e->dtype = type->dtype;
    TI_TRY(read_shape(f, json_object_get(value, "shape"), e));
    TI_TRY(read_offsets(f, json_object_get(value, "data_offsets"), e));
    return check_length(f, e, type->bits);
}

// ---- all entries -------------------------------------------------------------------------------

static int by_name(const void *a, const void *b) {
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int by_place(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);  // empty tensors first
}

// The tensors, in order of place, must tile the data.
static tarn_status check_tiling(const tarn_safetensors *f) {
    uint64_t end = 0;
    for (size_t i = 0; i < f->count; i++) {
        const entry *e = &f->entries[i];
        if (e->begin > end) return entry_error(f, e, "data before it belongs to no tensor");
        if (e->begin < end) return entry_error(f, e, "data overlaps another tensor's");
        end = e->end;
    }
    if (end == f->data_size) return TARN_OK;
    return ti_error(TARN_EFORMAT, "%s: %" PRIu64 " bytes after the last tensor at byte %" PRIu64,
                    f->what, f->data_size - end, f->data_off + end);
}

static tarn_status read_metadata(tarn_safetensors *f, const json_t *table) {
    char shown[TI_SHOWN_CAP];
    const char *key;
    json_t *value;
    if (!json_is_object(table))
        return ti_error(TARN_EFORMAT, "%s: __metadata__: an object expected", f->what);
    json_object_foreach((json_t *)(uintptr_t)table, key, value) {
        if (!json_is_string(value))
            return ti_error(TARN_EFORMAT, "%s: __metadata__: '%s': a string expected", f->what,
                            ti_shown(key, strlen(key), shown));
    }
    f->metadata = table;
    return TARN_OK;
}

static tarn_status read_entries(tarn_safetensors *f) {
    const char *name;
    json_t *value;
    size_t bytes;
    TI_TRY(ti_mul(json_object_size(f->header), sizeof *f->entries, &bytes));
    TI_TRY(ti_alloc(bytes, &f->entries));
    json_object_foreach(f->header, name, value) {
        if (strcmp(name, TI_SAFETENSORS_METADATA) == 0)
            TI_TRY(read_metadata(f, value));
        else
            TI_TRY(read_entry(f, name, value, &f->entries[f->count++]));
    }
    qsort(f->entries, f->count, sizeof *f->entries, by_place);
    TI_TRY(check_tiling(f));
    qsort(f->entries, f->count, sizeof *f->entries, by_name);
    return TARN_OK;
}

static tarn_status parse(tarn_safetensors *f, const uint8_t *bytes, size_t size) {
    ti_cursor c = {.what = f->what, .data = bytes, .size = size};
    const uint8_t *text;
    uint64_t n;
    TI_TRY(ti_cursor_u64le(&c, &n));
    if (n > TI_SAFETENSORS_MAX_HEADER)
        return ti_error(TARN_ELIMIT, "%s: header of %" PRIu64 " bytes, at most %d allowed", f->what,
                        n, TI_SAFETENSORS_MAX_HEADER);
    TI_TRY(ti_cursor_bytes(&c, (size_t)n, &text));
    f->data = bytes + c.off;
    f->data_off = c.off;
    f->data_size = size - c.off;
    TI_TRY(parse_header(f, text, (size_t)n));
    return read_entries(f);
}

// Takes over the mapping, also on error.
static tarn_status open_bytes(const char *what, ti_map map, const uint8_t *bytes, size_t size,
                              tarn_safetensors **out) {
    tarn_safetensors *f = NULL;
    size_t n = strlen(what) + 1;
    tarn_status st = ti_alloc_zero(sizeof *f, &f);
    if (st) {
        ti_map_close(&map);
        return st;
    }
    f->map = map;
    if (!(st = ti_alloc(n, &f->what))) {
        memcpy(f->what, what, n);
        st = parse(f, bytes, size);
    }
    if (st) {
        tarn_safetensors_close(f);
        return st;
    }
    *out = f;
    return TARN_OK;
}

// ---- public ------------------------------------------------------------------------------------

tarn_status ti_safetensors_parse(const char *what, const uint8_t *data, size_t size,
                                 tarn_safetensors **out) {
    return open_bytes(what, (ti_map){0}, data, size, out);
}

tarn_status tarn_safetensors_open(const char *path, tarn_safetensors **out) {
    ti_map map;
    TI_TRY(ti_map_open(path, &map));
    return open_bytes(path, map, map.data, map.size, out);
}

void tarn_safetensors_close(tarn_safetensors *f) {
    if (!f) return;
    json_decref(f->header);
    ti_map_close(&f->map);
    ti_free(f->entries);
    ti_free(f->what);
    ti_free(f);
}

int tarn_safetensors_count(const tarn_safetensors *f) {
    return (int)f->count;  // MAX_VALUES bounds it
}

const char *tarn_safetensors_name(const tarn_safetensors *f, int i) {
    return i >= 0 && (size_t)i < f->count ? f->entries[i].name : NULL;
}

const char *tarn_safetensors_metadata(const tarn_safetensors *f, const char *key) {
    return f->metadata ? json_string_value(json_object_get(f->metadata, key)) : NULL;
}

// A bool of 2 would be undefined behaviour wherever it is read as C's bool.
static tarn_status check_bools(const tarn_safetensors *f, const entry *e) {
    for (uint64_t i = e->begin; i < e->end; i++) {
        if (f->data[i] > 1)
            return ti_error(TARN_EFORMAT,
                            "%s: tensor '%s': bool of %d at byte %" PRIu64 ", 0 or 1 expected",
                            f->what, e->name, f->data[i], f->data_off + i);
    }
    return TARN_OK;
}

tarn_status tarn_safetensors_get(const tarn_safetensors *f, const char *name, tarn_tensor **out) {
    const entry key = {.name = name};
    const entry *e = f->count ? bsearch(&key, f->entries, f->count, sizeof key, by_name) : NULL;
    if (!e)
        return ti_error(TARN_ENOENT, "%s: no tensor '%s' among its %zu", f->what, name, f->count);
    if (e->dtype == NOT_OURS)
        return ti_error(TARN_EUNSUPPORTED, "%s: tensor '%s': dtype %s is not supported", f->what,
                        name, e->type_name);
    if (e->dtype == TARN_BOOL) TI_TRY(check_bools(f, e));
    return tarn_tensor_from(e->dtype, e->shape, f->data + e->begin, out);
}
