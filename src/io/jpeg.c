// JPEG through libjpeg-turbo, read only.
//
// The library reports errors by longjmp; the jump stays inside decode_all, whose own variables do
// not change after setjmp. It also mends damage and merely warns: a file cut in half would give a
// half grey picture. Here every warning is an error, but for bytes between two markers, which
// cameras leave. The number of scans is limited to what cjpeg writes at most: a small progressive
// file can ask for thousands of passes over a large picture.
#include "io/image.h"

#ifdef TARN_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>

// After stdio.h: jpeglib.h needs its FILE and does not include it.
#include <jerror.h>
#include <jpeglib.h>

enum { MAX_SCANS = 100 };

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf stop;
    const char *what;
    size_t size;
    bool grey;
    ti_pixels *pixels;
    tarn_status status;  // set, with its sentence, before every jump
} reader;

static _Noreturn void stop_reading(reader *r, tarn_status st) {
    r->status = st;
    longjmp(r->stop, 1);
}

static size_t offset_of(const reader *r) {
    return r->jpeg.src ? r->size - r->jpeg.src->bytes_in_buffer : 0;
}

static _Noreturn void read_failed(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    tarn_status st = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? TARN_ENOMEM : TARN_EFORMAT;
    stop_reading(r, ti_error(st, "%s: JPEG: %s at byte %zu", r->what, text, offset_of(r)));
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) read_failed(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > MAX_SCANS)
        stop_reading(r, ti_error(TARN_ELIMIT, "%s: JPEG: more than %d scans", r->what, MAX_SCANS));
}

static void choose_output(reader *r) {
    J_COLOR_SPACE space = r->jpeg.jpeg_color_space;
    if (space == JCS_CMYK || space == JCS_YCCK)
        stop_reading(r, ti_error(TARN_EUNSUPPORTED, "%s: JPEG with CMYK colours", r->what));
    bool has_grey = space == JCS_GRAYSCALE || space == JCS_YCbCr;  // Y is stored as it is
    r->jpeg.out_color_space = r->grey && has_grey ? JCS_GRAYSCALE : JCS_RGB;
    r->jpeg.dct_method = JDCT_ISLOW;
}

static void decode_all(reader *r, const uint8_t *data) {
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    if (setjmp(r->stop)) return;  // r->status says why
    jpeg_create_decompress(jpeg);
    jpeg->progress = &r->progress;
    jpeg_mem_src(jpeg, data, (unsigned long)r->size);
    jpeg_read_header(jpeg, TRUE);
    choose_output(r);
    int channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    tarn_status st = ti_pixels_alloc(r->pixels, r->what, jpeg->image_height, jpeg->image_width,
                                     channels);
    if (st) stop_reading(r, st);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        size_t row = (size_t)jpeg->output_scanline * jpeg->output_width * (size_t)channels;
        JSAMPROW line = r->pixels->data + row;
        jpeg_read_scanlines(jpeg, &line, 1);
    }
    jpeg_finish_decompress(jpeg);
}

tarn_status ti_jpeg_decode(const char *what, const uint8_t *data, size_t size, bool grey,
                           ti_pixels *p) {
    reader r = {.what = what, .size = size, .grey = grey, .pixels = p};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = read_failed;
    r.errors.emit_message = on_message;
    r.progress.progress_monitor = on_progress;
    decode_all(&r, data);
    jpeg_destroy_decompress(&r.jpeg);
    if (r.status) {
        ti_free(p->data);
        p->data = NULL;
    }
    return r.status;
}
#else
tarn_status ti_jpeg_decode(const char *what, const uint8_t *data, size_t size, bool grey,
                           ti_pixels *p) {
    (void)data, (void)size, (void)grey, (void)p;
    return ti_error(TARN_EUNSUPPORTED, "%s: a JPEG, and this build has no libjpeg", what);
}
#endif
