// What the picture readers share: raw pixels before they become the tensor that was asked for.
#ifndef TI_IMAGE_H
#define TI_IMAGE_H

#include "base/base.h"

enum {
    TI_IMAGE_MAX_PIXELS = 1 << 26,      // 64 Mpixel
    TI_IMAGE_MAX_FILE_BYTES = 1 << 28,  // 256 MiB
};

// Rows top to bottom, no padding. channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
typedef struct ti_pixels {
    int64_t height, width;
    int channels;
    uint8_t *data;  // ti_free it
} ti_pixels;

// Set the size and take memory. TARN_ELIMIT: more than TI_IMAGE_MAX_PIXELS.
TARN_CHECK tarn_status ti_pixels_alloc(ti_pixels *p, const char *what, uint64_t height,
                                       uint64_t width, int channels);

// png.c, jpeg.c. On success the caller frees p->data. grey: nothing else will be asked for, so a
// reader that has it cheaper may give 1 channel.
TARN_CHECK tarn_status ti_png_decode(const char *what, const uint8_t *data, size_t size,
                                     ti_pixels *p);
TARN_CHECK tarn_status ti_jpeg_decode(const char *what, const uint8_t *data, size_t size, bool grey,
                                      ti_pixels *p);

#endif
