// ONNX tensors to host tensors. Elements lie in raw_data (little-endian), in a list of numbers
// whose type depends on the element type, or in a file of their own beside the model. Whatever the
// shape promises is compared with what is there before memory is taken.
#include <string.h>

#include "format/onnx/onnx.h"
#include "io/io.h"
#include "tensor/tensor.h"

// Element types by their codes; TARN_DTYPE_COUNT: not one of this library.
static const struct {
    const char *name;
    tarn_dtype dtype;
} types[] = {
    {"undefined", TARN_DTYPE_COUNT},
    {"float", TARN_F32},
    {"uint8", TARN_U8},
    {"int8", TARN_I8},
    {"uint16", TARN_U16},
    {"int16", TARN_I16},
    {"int32", TARN_I32},
    {"int64", TARN_I64},
    {"string", TARN_DTYPE_COUNT},
    {"bool", TARN_BOOL},
    {"float16", TARN_F16},
    {"double", TARN_F64},
    {"uint32", TARN_U32},
    {"uint64", TARN_U64},
    {"complex64", TARN_DTYPE_COUNT},
    {"complex128", TARN_DTYPE_COUNT},
    {"bfloat16", TARN_BF16},
    {"float8e4m3fn", TARN_DTYPE_COUNT},
    {"float8e4m3fnuz", TARN_DTYPE_COUNT},
    {"float8e5m2", TARN_DTYPE_COUNT},
    {"float8e5m2fnuz", TARN_DTYPE_COUNT},
    {"uint4", TARN_DTYPE_COUNT},
    {"int4", TARN_DTYPE_COUNT},
    {"float4e2m1", TARN_DTYPE_COUNT},
    {"float8e8m0", TARN_DTYPE_COUNT},
    {"uint2", TARN_DTYPE_COUNT},
    {"int2", TARN_DTYPE_COUNT},
};
enum { TYPES = sizeof types / sizeof *types, EXTERNAL = 1 };

tarn_status ti_onnx_dtype(int32_t code, tarn_dtype *out) {
    if (code < 1 || code >= TYPES)
        return ti_error(TARN_EFORMAT, "element type %d, 1 to %d expected", code, TYPES - 1);
    if (types[code].dtype == TARN_DTYPE_COUNT)
        return ti_error(TARN_EUNSUPPORTED, "element type %s is not supported", types[code].name);
    *out = types[code].dtype;
    return TARN_OK;
}

static tarn_status read_shape(const TiOnnx__TensorProto *p, tarn_shape *s) {
    if (p->n_dims > TARN_MAX_RANK)
        return ti_error(TARN_EUNSUPPORTED, "rank %zu, at most %d", p->n_dims, TARN_MAX_RANK);
    s->rank = (int)p->n_dims;
    for (int i = 0; i < s->rank; i++) {
        s->dim[i] = p->dims[i];
        if (s->dim[i] < 0)
            return ti_error(TARN_EFORMAT, "dimension %d is %lld", i, (long long)s->dim[i]);
    }
    return TARN_OK;
}

static tarn_status wrong_count(tarn_dtype dtype, const tarn_shape *s, size_t n, const char *unit) {
    char shape[TI_SHAPE_TEXT_CAP];
    return ti_error(TARN_EFORMAT, "%s %s does not have the %zu %s that are there",
                    tarn_dtype_name(dtype), ti_shape_text(s, shape), n, unit);
}

// ---- bytes -------------------------------------------------------------------------------------

static tarn_status from_bytes(tarn_dtype dtype, const tarn_shape *s, const uint8_t *data, size_t n,
                              tarn_tensor **out) {
    size_t bytes;
    if (ti_shape_bytes(s, dtype, &bytes) || bytes != n) return wrong_count(dtype, s, n, "bytes");
    for (size_t i = 0; dtype == TARN_BOOL && i < n; i++)
        if (data[i] > 1) return ti_error(TARN_EFORMAT, "a bool of %d, 0 or 1 expected", data[i]);
    return n ? tarn_tensor_from(dtype, *s, data, out) : tarn_tensor_create(dtype, *s, out);
}

// Value of a key of the external data, NULL when absent.
static const char *entry(const TiOnnx__TensorProto *p, const char *key) {
    for (size_t i = 0; i < p->n_external_data; i++)
        if (!strcmp(ti_onnx_text(p->external_data[i]->key), key))
            return ti_onnx_text(p->external_data[i]->value);
    return NULL;
}

static tarn_status entry_size(const TiOnnx__TensorProto *p, const char *key, size_t *out) {
    const char *text = entry(p, key);
    char shown[TI_SHOWN_CAP];
    int64_t v = 0;
    if (text && (!ti_parse_i64(text, &v) || v < 0))
        return ti_error(TARN_EFORMAT, "external data: %s '%s' is no size", key,
                        ti_shown(text, strlen(text), shown));
    if (text) *out = (size_t)v;
    return TARN_OK;
}

// A part of another file, which must lie in the model's folder.
static tarn_status from_file(const TiOnnx__TensorProto *p, const char *folder, tarn_dtype dtype,
                             const tarn_shape *s, tarn_tensor **out) {
    const char *location = entry(p, "location");
    char *path = NULL;
    size_t offset = 0, length;
    ti_map map = {0};
    if (!location) return ti_error(TARN_EFORMAT, "external data has no location");
    if (!folder) return ti_error(TARN_EFORMAT, "external data, but the model is no file");
    if (ti_shape_bytes(s, dtype, &length)) return wrong_count(dtype, s, 0, "bytes");
    TI_TRY(entry_size(p, "offset", &offset));
    TI_TRY(entry_size(p, "length", &length));
    TI_TRY(ti_path_inside(folder, location, &path));
    tarn_status st = ti_map_open(path, &map);
    if (!st && (offset > map.size || length > map.size - offset))
        st = ti_error(TARN_EFORMAT, "external data ends after the %zu bytes of '%s'", map.size,
                      path);
    if (!st) st = from_bytes(dtype, s, map.data ? map.data + offset : NULL, length, out);
    ti_map_close(&map);
    ti_free(path);
    return st;
}

// ---- lists of numbers --------------------------------------------------------------------------

// Types of up to 32 bits share int32_data; f16 and bf16 stand there as their bits.
static tarn_status from_int32(const TiOnnx__TensorProto *p, tarn_dtype dtype, void *out) {
    char kind = ti_dtype_kind(dtype);
    int bits = dtype == TARN_BOOL ? 1 : 8 * (int)tarn_dtype_size(dtype);
    int64_t low = kind == 'i' ? -((int64_t)1 << (bits - 1)) : 0;
    int64_t high = ((int64_t)1 << (kind == 'i' ? bits - 1 : bits)) - 1;
    for (size_t i = 0; i < p->n_int32_data; i++) {
        int32_t v = p->int32_data[i];
        if (v < low || v > high)
            return ti_error(TARN_EFORMAT, "element %zu is %d, which is no %s", i, v,
                            tarn_dtype_name(dtype));
        switch (tarn_dtype_size(dtype)) {
        case 1: ((uint8_t *)out)[i] = (uint8_t)v; break;
        case 2: ((uint16_t *)out)[i] = (uint16_t)v; break;
        default: ((int32_t *)out)[i] = v;
        }
    }
    return TARN_OK;
}

static tarn_status from_uint32(const TiOnnx__TensorProto *p, void *out) {
    for (size_t i = 0; i < p->n_uint64_data; i++) {
        if (p->uint64_data[i] > UINT32_MAX)
            return ti_error(TARN_EFORMAT, "element %zu is beyond 2^32-1", i);
        ((uint32_t *)out)[i] = (uint32_t)p->uint64_data[i];
    }
    return TARN_OK;
}

// The list of elements that this dtype has, as it lies: NULL where it is narrowed on the way.
static const void *list_of(const TiOnnx__TensorProto *p, tarn_dtype dtype, size_t *n) {
    switch (dtype) {
    case TARN_F32: *n = p->n_float_data; return p->float_data;
    case TARN_F64: *n = p->n_double_data; return p->double_data;
    case TARN_I64: *n = p->n_int64_data; return p->int64_data;
    case TARN_U64: *n = p->n_uint64_data; return p->uint64_data;
    case TARN_U32: *n = p->n_uint64_data; return NULL;
    default: *n = p->n_int32_data; return NULL;
    }
}

static tarn_status from_list(const TiOnnx__TensorProto *p, tarn_dtype dtype, const tarn_shape *s,
                             tarn_tensor **out) {
    size_t n;
    tarn_tensor *t = NULL;
    const void *list = list_of(p, dtype, &n);
    int64_t want = tarn_shape_numel(s);
    if (want < 0 || (uint64_t)want != n) return wrong_count(dtype, s, n, "elements");
    if (list) return tarn_tensor_from(dtype, *s, list, out);
    if (n == 0) return tarn_tensor_create(dtype, *s, out);  // an empty list is NULL
    TI_TRY(tarn_tensor_create(dtype, *s, &t));
    tarn_status st = dtype == TARN_U32 ? from_uint32(p, tarn_tensor_data(t))
                                       : from_int32(p, dtype, tarn_tensor_data(t));
    if (st) {
        tarn_tensor_release(t);
    } else {
        *out = t;
    }
    return st;
}

// ---- both --------------------------------------------------------------------------------------

static tarn_status read_tensor(const TiOnnx__TensorProto *p, const char *folder,
                               tarn_tensor **out) {
    tarn_dtype dtype;
    tarn_shape s = {0};
    TI_TRY(ti_onnx_dtype(p->data_type, &dtype));
    TI_TRY(read_shape(p, &s));
    if (p->data_location == EXTERNAL) return from_file(p, folder, dtype, &s, out);
    if (!p->has_raw_data) return from_list(p, dtype, &s, out);
    return from_bytes(dtype, &s, p->raw_data.data, p->raw_data.len, out);
}

tarn_status ti_onnx_tensor(const TiOnnx__TensorProto *p, const char *folder, tarn_tensor **out) {
    char shown[TI_SHOWN_CAP];
    const char *name = ti_onnx_text(p->name);
    tarn_status st = read_tensor(p, folder, out);
    return st ? ti_error_at(st, "tensor '%s'", ti_shown(name, strlen(name), shown)) : TARN_OK;
}

tarn_status ti_onnx_tensor_parse(const char *what, const uint8_t *data, size_t size,
                                 tarn_tensor **out) {
    ti_onnx_memory memory;
    ProtobufCAllocator a = ti_onnx_allocator(&memory, size);
    const TiOnnx__TensorProto *p = ti_onnx__tensor_proto__unpack(&a, size, data);
    tarn_status st = memory.status;
    if (!st && !p) st = ti_error(TARN_EFORMAT, "it is no ONNX tensor, or damaged");
    if (!st) st = read_tensor(p, NULL, out);
    ti_arena_free(&memory.arena);
    return st ? ti_error_at(st, "%s", what) : TARN_OK;
}

tarn_status tarn_onnx_tensor_read(const char *path, tarn_tensor **out) {
    ti_map map;
    TI_TRY(ti_map_open(path, &map));
    tarn_status st = ti_onnx_tensor_parse(path, map.data, map.size, out);
    ti_map_close(&map);
    return st;
}
