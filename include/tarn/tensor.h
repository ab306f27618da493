/** @file tensor.h
 *  Data types, shapes and concrete tensors on the host. */
#ifndef TARN_TENSOR_H
#define TARN_TENSOR_H

#include <tarn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_MAX_RANK 8

/** X(NAME, text, bytes, kind): kind 'f' float, 'i' signed, 'u' unsigned, 'b' bool. */
#define TARN_DTYPE_MAP(X)   \
    X(F32, "f32", 4, 'f')   \
    X(F64, "f64", 8, 'f')   \
    X(F16, "f16", 2, 'f')   \
    X(BF16, "bf16", 2, 'f') \
    X(I8, "i8", 1, 'i')     \
    X(I16, "i16", 2, 'i')   \
    X(I32, "i32", 4, 'i')   \
    X(I64, "i64", 8, 'i')   \
    X(U8, "u8", 1, 'u')     \
    X(U16, "u16", 2, 'u')   \
    X(U32, "u32", 4, 'u')   \
    X(U64, "u64", 8, 'u')   \
    X(BOOL, "bool", 1, 'b')

typedef enum tarn_dtype {
#define TARN_DTYPE_ENUM(name, text, bytes, kind) TARN_##name,
    TARN_DTYPE_MAP(TARN_DTYPE_ENUM)
#undef TARN_DTYPE_ENUM
        TARN_DTYPE_COUNT
} tarn_dtype;

/** "f32" ...; "?" for a value that is no dtype. */
TARN_API const char *tarn_dtype_name(tarn_dtype t);
/** Bytes of one element; 0 for a value that is no dtype. */
TARN_API size_t tarn_dtype_size(tarn_dtype t);

/** Rank 0 to 8; dim[i] >= 0, or a named dimension (negative, see graph.h) in graphs. */
typedef struct tarn_shape {
    int rank;
    int64_t dim[TARN_MAX_RANK];
} tarn_shape;

/** TARN_SHAPE(128, 784); TARN_SCALAR is rank 0. C only. */
#define TARN_SHAPE(...) \
    ((tarn_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define TARN_SCALAR ((tarn_shape){0, {0}})

/** Number of elements; -1 when a dimension is negative or the product overflows. */
TARN_API int64_t tarn_shape_numel(const tarn_shape *s);
TARN_API bool tarn_shape_equal(const tarn_shape *a, const tarn_shape *b);

/** A dense row-major tensor on the host, 64-byte aligned, reference counted (atomic). */
typedef struct tarn_tensor tarn_tensor;

/** New tensor, zero filled. *out is released by the caller. TARN_ESHAPE: a dimension is negative
 *  or the size overflows; TARN_ENOMEM. */
TARN_API TARN_CHECK tarn_status tarn_tensor_create(tarn_dtype dtype, tarn_shape shape,
                                                   tarn_tensor **out);
/** New tensor with a copy of numel elements at `data` (row-major). */
TARN_API TARN_CHECK tarn_status tarn_tensor_from(tarn_dtype dtype, tarn_shape shape,
                                                 const void *data, tarn_tensor **out);
TARN_API tarn_tensor *tarn_tensor_retain(tarn_tensor *t);
/** NULL is fine; the last release frees. */
TARN_API void tarn_tensor_release(tarn_tensor *t);

TARN_API tarn_dtype tarn_tensor_dtype(const tarn_tensor *t);
TARN_API const tarn_shape *tarn_tensor_shape(const tarn_tensor *t);
TARN_API int64_t tarn_tensor_numel(const tarn_tensor *t);
/** Bytes of all elements. */
TARN_API size_t tarn_tensor_bytes(const tarn_tensor *t);
/** First element; valid while the caller holds a reference. Writers must be alone. */
TARN_API void *tarn_tensor_data(tarn_tensor *t);
TARN_API const void *tarn_tensor_cdata(const tarn_tensor *t);
/** Same elements under another shape with the same numel; shares the data. */
TARN_API TARN_CHECK tarn_status tarn_tensor_reshape(tarn_tensor *t, tarn_shape shape,
                                                    tarn_tensor **out);
/** New tensor of another dtype; float to integer truncates towards zero and saturates. f32, f64,
 *  bool and all integers; TARN_EUNSUPPORTED for f16 and bf16. */
TARN_API TARN_CHECK tarn_status tarn_tensor_cast(const tarn_tensor *t, tarn_dtype dtype,
                                                 tarn_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
