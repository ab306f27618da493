// From a picture file to one sample of a model.
//
// Digits are white on black where models learn them (MNIST), black on white where people write
// them. The border tells which: it is background in either case.
#include "predict.h"

#include <math.h>
#include <string.h>

// ---- size --------------------------------------------------------------------------------------

typedef struct span {
    double from, to;
} span;

// The part of the source axis that target i of n covers.
static span covered(int64_t i, int64_t n, int64_t source) {
    double step = (double)source / (double)n;
    return (span){(double)i * step, (double)(i + 1) * step};
}

static double overlap(span s, int64_t i) {
    return fmin(s.to, (double)i + 1) - fmax(s.from, (double)i);
}

// Mean of the source over a rectangle with fractional edges.
static double area_mean(const uint8_t *src, const int64_t *dim, int64_t channel, span y, span x) {
    double sum = 0, area = 0;
    for (int64_t r = (int64_t)y.from; r < dim[0] && (double)r < y.to; r++)
        for (int64_t c = (int64_t)x.from; c < dim[1] && (double)c < x.to; c++) {
            double w = overlap(y, r) * overlap(x, c);
            sum += w * (double)src[(r * dim[1] + c) * dim[2] + channel];
            area += w;
        }
    return area > 0 ? sum / area : 0;
}

// src [h, w, channels] -> dst [height, width, channels]
static void resize(const tarn_tensor *image, cli_picture_size size, uint8_t *dst) {
    const uint8_t *src = tarn_tensor_cdata(image);
    const int64_t *dim = tarn_tensor_shape(image)->dim;
    for (int64_t r = 0; r < size.height; r++)
        for (int64_t c = 0; c < size.width; c++)
            for (int64_t k = 0; k < size.channels; k++)
                *dst++ = (uint8_t)lround(area_mean(src, dim, k, covered(r, size.height, dim[0]),
                                                   covered(c, size.width, dim[1])));
}

// ---- white on black ----------------------------------------------------------------------------

static bool border_is_light(const uint8_t *p, int64_t height, int64_t width) {
    int64_t sum = 0, n = 0;
    for (int64_t r = 0; r < height; r++)
        for (int64_t c = 0; c < width; c++)
            if (r == 0 || c == 0 || r == height - 1 || c == width - 1) {
                sum += p[r * width + c];
                n++;
            }
    return sum > 127 * n;
}

static void invert_when(const char *invert, cli_picture_size size, uint8_t *p) {
    bool yes = !strcmp(invert, "yes");
    if (!strcmp(invert, "auto"))
        yes = size.channels == 1 && border_is_light(p, size.height, size.width);
    if (!yes) return;
    for (int64_t i = 0; i < size.height * size.width * size.channels; i++)
        p[i] = (uint8_t)(255 - p[i]);
}

tarn_status cli_picture_read(const char *path, const char *invert, cli_picture_size size,
                             tarn_tensor **out) {
    tarn_tensor *image, *sample;
    TARN_TRY(tarn_image_read(path, (int)size.channels, &image));
    tarn_status st = tarn_tensor_create(
        TARN_U8, TARN_SHAPE(1, size.height, size.width, size.channels), &sample);
    if (!st) {
        resize(image, size, tarn_tensor_data(sample));
        invert_when(invert, size, tarn_tensor_data(sample));
        *out = sample;
    }
    tarn_tensor_release(image);
    return st;
}
