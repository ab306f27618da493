// Pictures: which reader, limits, and from the channels of the file to those asked for.
//
// Grey is Y of ITU-R BT.601 in the integer form that Pillow uses, so both give the same bytes.
// Alpha is put on black. No colour profile or gamma is applied: networks are trained on the bytes
// as stored.
#include "io/image.h"
#include "io/io.h"

#include <inttypes.h>
#include <string.h>

tarn_status ti_pixels_alloc(ti_pixels *p, const char *what, uint64_t height, uint64_t width,
                            int channels) {
    if (height == 0 || width == 0 || width > TI_IMAGE_MAX_PIXELS / height)
        return ti_error(TARN_ELIMIT,
                        "%s: picture of %" PRIu64 " x %" PRIu64 ", 1 to %d pixels allowed", what,
                        width, height, TI_IMAGE_MAX_PIXELS);
    *p = (ti_pixels){.height = (int64_t)height, .width = (int64_t)width, .channels = channels};
    return ti_alloc((size_t)height * (size_t)width * (size_t)channels, &p->data);
}

static uint8_t on_black(unsigned value, unsigned alpha) {
    return (uint8_t)((value * alpha + 127) / 255);
}

static uint8_t grey_of(unsigned r, unsigned g, unsigned b) {
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16);
}

// One pixel of c channels as RGB; grey has three equal ones.
static void read_pixel(const uint8_t *src, int c, uint8_t rgb[3]) {
    bool has_alpha = c == 2 || c == 4;
    for (int i = 0; i < 3; i++) {
        uint8_t value = src[c >= 3 ? i : 0];
        rgb[i] = has_alpha ? on_black(value, src[c - 1]) : value;
    }
}

static void convert(const ti_pixels *p, int channels, uint8_t *dst) {
    const uint8_t *src = p->data;
    int64_t n = p->height * p->width;
    for (int64_t i = 0; i < n; i++, src += p->channels, dst += channels) {
        uint8_t rgb[3];
        read_pixel(src, p->channels, rgb);
        if (channels == 3)
            memcpy(dst, rgb, 3);
        else
            *dst = p->channels < 3 ? rgb[0] : grey_of(rgb[0], rgb[1], rgb[2]);
    }
}

static tarn_status decode(const char *what, const uint8_t *data, size_t size, int channels,
                          ti_pixels *p) {
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0)
        return ti_png_decode(what, data, size, p);
    if (size >= sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0)
        return ti_jpeg_decode(what, data, size, channels == 1, p);
    return ti_error(TARN_EFORMAT, "%s: no picture: PNG or JPEG expected at byte 0", what);
}

tarn_status ti_image_parse(const char *what, const uint8_t *data, size_t size, int channels,
                           tarn_tensor **out) {
    ti_pixels p = {0};
    tarn_tensor *t = NULL;
    if (channels != 1 && channels != 3)
        return ti_error(TARN_EARG, "%s: %d channels, 1 or 3 expected", what, channels);
    TI_TRY(decode(what, data, size, channels, &p));
    tarn_status st = tarn_tensor_create(TARN_U8, TARN_SHAPE(p.height, p.width, channels), &t);
    if (!st) {
        convert(&p, channels, tarn_tensor_data(t));
        *out = t;
    }
    ti_free(p.data);
    return st;
}

tarn_status tarn_image_read(const char *path, int channels, tarn_tensor **out) {
    uint8_t *data;
    size_t size;
    TI_TRY(ti_file_read(path, TI_IMAGE_MAX_FILE_BYTES, &data, &size));
    tarn_status st = ti_image_parse(path, data, size, channels, out);
    ti_free(data);
    return st;
}
