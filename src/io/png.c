// PNG through libpng, read and written.
//
// libpng reports errors by longjmp. Each jump stays inside one function of this file that holds
// setjmp and no variable of its own that changes after it; what it fills lies in the caller's
// frame. What a picture needs is known from its header, so a header that promises more than the
// stored bytes can unpack to is refused before memory is taken.
#include "io/image.h"
#include "io/io.h"
#include "tensor/tensor.h"

#include <inttypes.h>

#ifdef TARN_HAVE_PNG
#include <png.h>
#include <string.h>

enum {
    MAX_SIDE = 1 << 20,         // pixels
    MAX_CHUNK_BYTES = 8 << 20,  // of a chunk that is unpacked beside the picture
};

// ---- reading -----------------------------------------------------------------------------------

typedef struct reader {
    ti_cursor in;
    png_structp png;
    png_infop info;
    ti_pixels *pixels;
    uint8_t **rows;
    tarn_status status;  // set, with its sentence, before every jump
} reader;

static _Noreturn void read_failed(png_structp png, png_const_charp text) {
    reader *r = png_get_error_ptr(png);
    if (!r->status) r->status = ti_cursor_error(&r->in, "PNG: %s", text);
    png_longjmp(png, 1);
}

static _Noreturn void stop_reading(reader *r, tarn_status st) {
    r->status = st;
    png_longjmp(r->png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void read_bytes(png_structp png, png_bytep dst, size_t n) {
    reader *r = png_get_io_ptr(png);
    const uint8_t *src;
    tarn_status st = ti_cursor_bytes(&r->in, n, &src);
    if (st) stop_reading(r, st);
    memcpy(dst, src, n);
}

// Whatever the file holds becomes 8 bits in 1 to 4 channels.
static void set_transforms(reader *r) {
    png_set_expand(r->png);  // palette to RGB, small grey to 8 bits, tRNS to alpha
    png_set_scale_16(r->png);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
}

static void check_promise(reader *r) {
    png_uint_32 width = png_get_image_width(r->png, r->info);
    png_uint_32 height = png_get_image_height(r->png, r->info);
    uint64_t bits = (uint64_t)png_get_channels(r->png, r->info) *
                    png_get_bit_depth(r->png, r->info) * width;
    if (height > (uint64_t)r->in.size * TI_DEFLATE_MOST / (bits / 8 + 1))
        stop_reading(r, ti_error(TARN_EFORMAT,
                                 "%s: PNG of %" PRIu32 " x %" PRIu32 " cannot come from %zu bytes",
                                 r->in.what, width, height, r->in.size));
}

static void take_memory(reader *r) {
    png_uint_32 width = png_get_image_width(r->png, r->info);
    png_uint_32 height = png_get_image_height(r->png, r->info);
    int channels = png_get_channels(r->png, r->info);
    tarn_status st = ti_pixels_alloc(r->pixels, r->in.what, height, width, channels);
    if (!st) st = ti_alloc(height * sizeof *r->rows, &r->rows);
    if (st) stop_reading(r, st);
    for (png_uint_32 y = 0; y < height; y++)
        r->rows[y] = r->pixels->data + (size_t)y * width * (size_t)channels;
}

static void read_all(reader *r) {
    if (setjmp(png_jmpbuf(r->png))) return;  // r->status says why
    png_set_user_limits(r->png, MAX_SIDE, MAX_SIDE);
    png_set_chunk_malloc_max(r->png, MAX_CHUNK_BYTES);
    png_set_read_fn(r->png, r, read_bytes);
    png_read_info(r->png, r->info);
    check_promise(r);
    set_transforms(r);
    take_memory(r);
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL);
}

tarn_status ti_png_decode(const char *what, const uint8_t *data, size_t size, ti_pixels *p) {
    reader r = {.in = {.what = what, .data = data, .size = size}, .pixels = p};
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, read_failed, ignore_warning);
    if (r.png) r.info = png_create_info_struct(r.png);
    if (r.info)
        read_all(&r);
    else
        r.status = ti_error(TARN_ENOMEM, "%s: out of memory for a PNG reader", what);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    ti_free(r.rows);
    if (r.status) {
        ti_free(p->data);
        p->data = NULL;
    }
    return r.status;
}

// ---- writing -----------------------------------------------------------------------------------

typedef struct writer {
    ti_writer out;
    const char *path;
    png_structp png;
    png_infop info;
    tarn_status status;
} writer;

static _Noreturn void write_failed(png_structp png, png_const_charp text) {
    writer *w = png_get_error_ptr(png);
    if (!w->status) w->status = ti_error(TARN_EIO, "write '%s': PNG: %s", w->path, text);
    png_longjmp(png, 1);
}

// The status of ti_writer sticks and commit reports it, so libpng need not know.
static void write_bytes(png_structp png, png_bytep src, size_t n) {
    writer *w = png_get_io_ptr(png);
    ti_writer_put(&w->out, src, n);
}

static void flush_nothing(png_structp png) { (void)png; }

static void write_all(writer *w, const tarn_tensor *image) {
    const tarn_shape *s = tarn_tensor_shape(image);
    const uint8_t *pixels = tarn_tensor_cdata(image);
    size_t row_bytes = (size_t)(s->dim[1] * s->dim[2]);
    if (setjmp(png_jmpbuf(w->png))) return;
    png_set_write_fn(w->png, w, write_bytes, flush_nothing);
    png_set_IHDR(w->png, w->info, (png_uint_32)s->dim[1], (png_uint_32)s->dim[0], 8,
                 s->dim[2] == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    for (int64_t y = 0; y < s->dim[0]; y++) png_write_row(w->png, pixels + (size_t)y * row_bytes);
    png_write_end(w->png, NULL);
}

static tarn_status write_png(const char *path, const tarn_tensor *image) {
    writer w = {.path = path};
    TI_TRY(ti_writer_open(&w.out, path));
    w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, write_failed, ignore_warning);
    if (w.png) w.info = png_create_info_struct(w.png);
    if (w.info)
        write_all(&w, image);
    else
        w.status = ti_error(TARN_ENOMEM, "write '%s': out of memory for a PNG writer", path);
    png_destroy_write_struct(&w.png, &w.info);
    if (!w.status) return ti_writer_commit(&w.out);
    ti_writer_abort(&w.out);
    return w.status;
}
#else
tarn_status ti_png_decode(const char *what, const uint8_t *data, size_t size, ti_pixels *p) {
    (void)data, (void)size, (void)p;
    return ti_error(TARN_EUNSUPPORTED, "%s: a PNG, and this build has no libpng", what);
}

static tarn_status write_png(const char *path, const tarn_tensor *image) {
    (void)image;
    return ti_error(TARN_EUNSUPPORTED, "write '%s': this build has no libpng", path);
}
#endif

tarn_status tarn_png_write(const char *path, const tarn_tensor *image) {
    char text[TI_SHAPE_TEXT_CAP];
    const tarn_shape *s = tarn_tensor_shape(image);
    if (tarn_tensor_dtype(image) != TARN_U8)
        return ti_error(TARN_EDTYPE, "write '%s': picture of %s, u8 expected", path,
                        tarn_dtype_name(tarn_tensor_dtype(image)));
    bool fits = s->rank == 3 && (s->dim[2] == 1 || s->dim[2] == 3) && s->dim[0] > 0 &&
                s->dim[1] > 0 && s->dim[1] <= TI_IMAGE_MAX_PIXELS / s->dim[0];
    if (!fits)
        return ti_error(TARN_ESHAPE, "write '%s': picture of %s, [height, width, 1 or 3] expected",
                        path, ti_shape_text(s, text));
    return write_png(path, image);
}
