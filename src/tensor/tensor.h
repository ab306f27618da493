// Internal contract of src/tensor: what other layers need beside the public header.
#ifndef TI_TENSOR_H
#define TI_TENSOR_H

#include "base/base.h"
#include <tarn/tensor.h>

// 'f' float, 'i' signed, 'u' unsigned, 'b' bool; 0 for a value that is no dtype.
char ti_dtype_kind(tarn_dtype t);

// Bytes of a dense array. TARN_ESHAPE: rank or a dimension out of range; TARN_EDTYPE: no dtype;
// TARN_ELIMIT: the product overflows.
TARN_CHECK tarn_status ti_shape_bytes(const tarn_shape *s, tarn_dtype dtype, size_t *bytes);

// "[128,784]" for messages; returns `text`.
enum { TI_SHAPE_TEXT_CAP = TARN_MAX_RANK * 21 + 3 };
const char *ti_shape_text(const tarn_shape *s, char text[TI_SHAPE_TEXT_CAP]);

// Like tarn_tensor_create with the elements not set: for a caller that fills all of them.
TARN_CHECK tarn_status ti_tensor_create_unset(tarn_dtype dtype, tarn_shape shape,
                                              tarn_tensor **out);

#endif
