// safetensors, the writer: the widest types first, so that every tensor is aligned, then by name:
// the same tensors give the same bytes whatever their order. The header is padded with blanks to 8
// bytes; tensors go to the file from where they are, without a copy. ti_writer makes it whole or
// not at all.
//
// Numbers and strings are little-endian as on every machine this library supports.
#include "io/io.h"
#include "io/safetensors.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are written as they lie in memory, which must be little-endian"
#endif

enum { HEADER_ALIGNMENT = 8 };

static int by_width_and_name(const void *a, const void *b) {
    const tarn_named_tensor *x = a, *y = b;
    size_t wx = tarn_dtype_size(tarn_tensor_dtype(x->tensor));
    size_t wy = tarn_dtype_size(tarn_tensor_dtype(y->tensor));
    if (wx != wy) return wx > wy ? -1 : 1;
    return strcmp(x->name, y->name);
}

static const char *type_name(tarn_dtype dtype) {
    const ti_safetensors_type *t = ti_safetensors_types;
    while (t->dtype != dtype) t++;
    return t->name;
}

// ---- the header --------------------------------------------------------------------------------

static int add_to_buf(const char *text, size_t n, void *buf) {
    ti_buf_add(buf, text, n);
    return ti_buf_status(buf) ? -1 : 0;
}

// A JSON string; jansson knows what to escape and refuses what is not UTF-8.
static tarn_status put_string(ti_buf *b, const char *text) {
    char shown[TI_SHOWN_CAP];
    json_t *string = json_string(text);
    if (!string)
        return ti_error(TARN_EARG, "write safetensors: '%s' is not UTF-8",
                        ti_shown(text, strlen(text), shown));
    int failed = json_dump_callback(string, add_to_buf, b, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(string);
    if (failed && !ti_buf_status(b))
        return ti_error(TARN_ENOMEM, "write safetensors: out of memory for the header");
    return ti_buf_status(b);
}

static tarn_status put_metadata(ti_buf *b, const tarn_pair *metadata, int n) {
    ti_buf_printf(b, "\"%s\":{", TI_SAFETENSORS_METADATA);
    for (int i = 0; i < n; i++) {
        if (i > 0) ti_buf_puts(b, ",");
        TI_TRY(put_string(b, metadata[i].key));
        ti_buf_puts(b, ":");
        TI_TRY(put_string(b, metadata[i].value));
    }
    ti_buf_puts(b, "}");
    return ti_buf_status(b);
}

static tarn_status put_tensor(ti_buf *b, const tarn_named_tensor *t, size_t *offset) {
    const tarn_shape *shape = tarn_tensor_shape(t->tensor);
    size_t end;
    TI_TRY(ti_add(*offset, tarn_tensor_bytes(t->tensor), &end));
    TI_TRY(put_string(b, t->name));
    ti_buf_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", type_name(tarn_tensor_dtype(t->tensor)));
    for (int i = 0; i < shape->rank; i++)
        ti_buf_printf(b, "%s%" PRId64, i ? "," : "", shape->dim[i]);
    ti_buf_printf(b, "],\"data_offsets\":[%zu,%zu]}", *offset, end);
    *offset = end;
    return ti_buf_status(b);
}

static tarn_status put_header(ti_buf *b, const tarn_named_tensor *sorted, int n_tensors,
                              const tarn_pair *metadata, int n_metadata) {
    size_t offset = 0;
    ti_buf_puts(b, "{");
    if (n_metadata > 0) TI_TRY(put_metadata(b, metadata, n_metadata));
    for (int i = 0; i < n_tensors; i++) {
        if (i > 0 || n_metadata > 0) ti_buf_puts(b, ",");
        TI_TRY(put_tensor(b, &sorted[i], &offset));
    }
    ti_buf_puts(b, "}");
    while (!ti_buf_status(b) && b->size % HEADER_ALIGNMENT) ti_buf_puts(b, " ");
    return ti_buf_status(b);
}

// ---- the arguments -----------------------------------------------------------------------------

static int by_name(const void *a, const void *b) {
    return strcmp(((const tarn_named_tensor *)a)->name, ((const tarn_named_tensor *)b)->name);
}

static tarn_status named_twice(const char *what, const char *name) {
    char shown[TI_SHOWN_CAP];
    return ti_error(TARN_EARG, "write safetensors: two %s named '%s'", what,
                    ti_shown(name, strlen(name), shown));
}

static tarn_status check_metadata(const tarn_pair *metadata, int n) {
    for (int i = 0; i < n; i++) {
        if (!metadata[i].key || !metadata[i].value)
            return ti_error(TARN_EARG, "write safetensors: metadata %d has no key or value", i);
        for (int j = 0; j < i; j++) {
            if (strcmp(metadata[i].key, metadata[j].key) == 0)
                return named_twice("metadata keys", metadata[i].key);
        }
    }
    return TARN_OK;
}

// Leaves the tensors in the order of the file.
static tarn_status check_and_sort(tarn_named_tensor *t, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!t[i].name || !t[i].tensor)
            return ti_error(TARN_EARG, "write safetensors: entry %zu has no name or tensor", i);
        if (strcmp(t[i].name, TI_SAFETENSORS_METADATA) == 0)
            return ti_error(TARN_EARG, "write safetensors: '%s' cannot name a tensor", t[i].name);
    }
    qsort(t, n, sizeof *t, by_name);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(t[i - 1].name, t[i].name) == 0) return named_twice("tensors", t[i].name);
    }
    qsort(t, n, sizeof *t, by_width_and_name);
    return TARN_OK;
}

// ---- public ------------------------------------------------------------------------------------

static tarn_status write_file(const char *path, const ti_buf *header,
                              const tarn_named_tensor *sorted, int n_tensors) {
    uint64_t header_size = header->size;
    ti_writer w;
    TI_TRY(ti_writer_open(&w, path));
    ti_writer_put(&w, &header_size, sizeof header_size);
    ti_writer_put(&w, header->data, header->size);
    for (int i = 0; i < n_tensors; i++)
        ti_writer_put(&w, tarn_tensor_cdata(sorted[i].tensor), tarn_tensor_bytes(sorted[i].tensor));
    return ti_writer_commit(&w);
}

tarn_status tarn_safetensors_write(const char *path, const tarn_named_tensor *tensors,
                                   int n_tensors, const tarn_pair *metadata, int n_metadata) {
    tarn_named_tensor *sorted = NULL;
    ti_buf header = {0};
    size_t n = (size_t)ti_max_i64(n_tensors, 0), bytes;
    tarn_status st;
    if (n_tensors < 0 || n_metadata < 0)
        return ti_error(TARN_EARG, "write safetensors '%s': %d tensors and %d metadata pairs", path,
                        n_tensors, n_metadata);
    TI_TRY(ti_mul(n, sizeof *sorted, &bytes));
    TI_TRY(ti_alloc(bytes, &sorted));
    if (n > 0) memcpy(sorted, tensors, bytes);
    ti_buf_init(&header, TI_SAFETENSORS_MAX_HEADER);
    if ((st = check_and_sort(sorted, n))) goto done;
    if ((st = check_metadata(metadata, n_metadata))) goto done;
    if ((st = put_header(&header, sorted, n_tensors, metadata, n_metadata))) goto done;
    st = write_file(path, &header, sorted, n_tensors);
done:
    ti_buf_free(&header);
    ti_free(sorted);
    return st;
}
