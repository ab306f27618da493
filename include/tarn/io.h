/** @file io.h
 *  Containers: bytes to named tensors and back. IDX, CSV cells, safetensors, pictures. */
#ifndef TARN_IO_H
#define TARN_IO_H

#include <tarn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** IDX file (MNIST's), plain or gzip by content. u8 only: dims as stored, at most 1 GiB. */
TARN_API TARN_CHECK tarn_status tarn_idx_read(const char *path, tarn_tensor **out);

/** Picture file (PNG or JPEG by content) as u8 [height, width, channels]; channels 1 (grey) or 3
 *  (RGB), alpha is put on black; 16-bit PNG is narrowed. At most 64 Mpixel. */
TARN_API TARN_CHECK tarn_status tarn_image_read(const char *path, int channels, tarn_tensor **out);
/** u8 [h,w,1] or [h,w,3] as PNG. */
TARN_API TARN_CHECK tarn_status tarn_png_write(const char *path, const tarn_tensor *image);

/** NumPy file (.npy) of one array: little-endian numbers, bool, and bf16 as |V2; in C or Fortran
 *  order. */
TARN_API TARN_CHECK tarn_status tarn_npy_read(const char *path, tarn_tensor **out);
/** Whole or not at all. */
TARN_API TARN_CHECK tarn_status tarn_npy_write(const char *path, const tarn_tensor *t);

/** safetensors: named tensors and a string-to-string metadata table. */
typedef struct tarn_safetensors tarn_safetensors;
TARN_API TARN_CHECK tarn_status tarn_safetensors_open(const char *path, tarn_safetensors **out);
TARN_API void tarn_safetensors_close(tarn_safetensors *f);
/** Tensors in order of name. */
TARN_API int tarn_safetensors_count(const tarn_safetensors *f);
TARN_API const char *tarn_safetensors_name(const tarn_safetensors *f, int i);
TARN_API TARN_CHECK tarn_status tarn_safetensors_get(const tarn_safetensors *f, const char *name,
                                                     tarn_tensor **out);
/** Value of a metadata key, NULL when absent. */
TARN_API const char *tarn_safetensors_metadata(const tarn_safetensors *f, const char *key);

typedef struct tarn_named_tensor {
    const char *name;
    const tarn_tensor *tensor;
} tarn_named_tensor;
typedef struct tarn_pair {
    const char *key, *value;
} tarn_pair;
/** Whole or not at all (temporary name, sync, rename). Names are unique. */
TARN_API TARN_CHECK tarn_status tarn_safetensors_write(const char *path,
                                                       const tarn_named_tensor *tensors,
                                                       int n_tensors, const tarn_pair *metadata,
                                                       int n_metadata);

#ifdef __cplusplus
}
#endif
#endif
