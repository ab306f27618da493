// Samples as stored to f32: the loops under every batch, kept plain so that compilers make vectors
// of them.
#include "data/data.h"

void ti_scale_u8(const uint8_t *restrict src, size_t n, float scale, float offset,
                 float *restrict dst) {
    for (size_t i = 0; i < n; i++) dst[i] = (float)src[i] * scale + offset;
}

void ti_scale_f32(const float *restrict src, size_t n, float scale, float offset,
                  float *restrict dst) {
    for (size_t i = 0; i < n; i++) dst[i] = src[i] * scale + offset;
}
