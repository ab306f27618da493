// What the safetensors reader and writer share: limits and the names of the types.
#ifndef TI_SAFETENSORS_H
#define TI_SAFETENSORS_H

#include <tarn/tensor.h>

#define TI_SAFETENSORS_METADATA "__metadata__"
enum { TI_SAFETENSORS_MAX_HEADER = 100000000 };  // bytes; the format's own limit

typedef struct ti_safetensors_type {
    const char *name;
    tarn_dtype dtype;  // TARN_DTYPE_COUNT: not a type of this library
    unsigned bits;
} ti_safetensors_type;
// Ends with a row whose name is NULL, dtype TARN_DTYPE_COUNT and bits 0.
extern const ti_safetensors_type ti_safetensors_types[];

#endif
