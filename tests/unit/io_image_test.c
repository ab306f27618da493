// Pictures. Golden files and what they must give come from tests/golden/io/make.py (Pillow, numpy
// and Python's zlib).
#include "io/image.h"
#include "io_support.h"

// Picture `file` in 1 and 3 channels against NAME.1.idx and NAME.3.idx, each byte within `most`.
static void check_picture(const char *file, const char *name, int most) {
    for (int channels = 1; channels <= 3; channels += 2) {
        char path[PATH_CAP], want_file[64];
        tarn_tensor *got, *want;
        snprintf(want_file, sizeof want_file, "%s.%d.idx", name, channels);
        CHECK_OK(tarn_idx_read(golden_path(want_file, path), &want));
        CHECK_OK(tarn_image_read(golden_path(file, path), channels, &got));
        CHECK(tarn_shape_equal(tarn_tensor_shape(got), tarn_tensor_shape(want)));
        const uint8_t *g = tarn_tensor_cdata(got), *w = tarn_tensor_cdata(want);
        for (int64_t i = 0; i < tarn_tensor_numel(got); i++) {
            if (g[i] > w[i] + most || g[i] < w[i] - most)
                test_fail(__FILE__, __LINE__, "%s: byte %lld is %d, %d expected", want_file,
                          (long long)i, g[i], w[i]);
        }
        tarn_tensor_release(got);
        tarn_tensor_release(want);
    }
}

TEST(png_of_every_kind_gives_its_pixels) {
    static const char *const names[] = {"rgb",     "grey",    "rgba",   "grey_alpha",
                                        "palette", "one_bit", "grey16", "adam7"};
    need_part("libpng");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s.png", names[i]);
        check_picture(file, names[i], 0);
    }
}

// Decoders may round differently, and grey comes from the file's Y instead of from RGB.
TEST(jpeg_gives_the_pixels_of_another_reader) {
    need_part("libjpeg");
    check_picture("baseline.jpg", "baseline", 2);
    check_picture("progressive.jpg", "progressive", 2);
    check_picture("grey.jpg", "grey_jpg", 1);
}

static tarn_status read_image(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    tarn_status st = ti_image_parse("picture", data, size, 3, &t);
    if (!st) tarn_tensor_release(t);
    return st;
}

TEST(png_refuses_every_truncation) {
    need_part("libpng");
    check_truncations("rgba.png", read_image);
    check_truncations("adam7.png", read_image);
}

TEST(jpeg_refuses_every_truncation) {
    need_part("libjpeg");
    check_truncations("baseline.jpg", read_image);
    check_truncations("progressive.jpg", read_image);
}

TEST(pictures_survive_every_failed_allocation) {
    need_part("libpng");
    need_part("libjpeg");
    check_allocations("rgb.png", read_image);
    check_allocations("grey.jpg", read_image);
}

TEST(png_refuses_a_size_that_its_bytes_cannot_hold) {
    need_part("libpng");
    bytes b = golden_bytes("promise.png");
    uint64_t calls = ti_alloc_stats_now().calls;
    CHECK_ERR(read_image(b.data, b.size), TARN_EFORMAT, "PNG of 30000 x 2000 cannot come from");
    CHECK_EQ_I(ti_alloc_stats_now().calls, calls);  // refused before memory is taken
    ti_free(b.data);
}

TEST(jpeg_refuses_more_than_64_megapixels) {
    need_part("libjpeg");
    bytes b = golden_bytes("baseline.jpg");
    size_t at = 0;
    while (at + 9 < b.size && !(b.data[at] == 0xff && b.data[at + 1] == 0xc0)) at++;
    memcpy(b.data + at + 5, "\xff\xdc\xff\xdc", 4);  // height and width of the frame: 65500
    CHECK_ERR(read_image(b.data, b.size), TARN_ELIMIT, "65500 x 65500, 1 to 67108864 pixels");
    ti_free(b.data);
}

// One byte after another is changed. Some changes cannot be seen (text chunks, unused bits); the
// rest must be refused with a sentence of ours, and none may read outside.
static int count_refused(const char *file, const char *sentence) {
    bytes b = golden_bytes(file);
    int refused = 0;
    for (size_t i = 8; i < b.size; i++) {
        b.data[i] ^= 0x55;
        if (read_image(b.data, b.size)) {
            CHECK(strstr(tarn_last_error(), "picture: "));
            refused += strstr(tarn_last_error(), sentence) != NULL;
        }
        b.data[i] ^= 0x55;
    }
    ti_free(b.data);
    return refused;
}

TEST(pictures_with_a_changed_byte_are_refused_in_words) {
    need_part("libpng");
    need_part("libjpeg");
    CHECK(count_refused("rgb.png", "PNG: ") > 50);
    CHECK(count_refused("baseline.jpg", "JPEG: ") > 50);
}

TEST(jpeg_limits_the_number_of_scans) {
    need_part("libjpeg");
    bytes b = golden_bytes("scans.jpg");
    CHECK_ERR(read_image(b.data, b.size), TARN_ELIMIT, "more than 100 scans");
    ti_free(b.data);
}

TEST(pixels_are_limited_without_overflow) {
    ti_pixels p;
    CHECK_ERR(ti_pixels_alloc(&p, "p", UINT64_MAX, UINT64_MAX, 4), TARN_ELIMIT, "p: picture of");
    CHECK_ERR(ti_pixels_alloc(&p, "p", 0, 5, 4), TARN_ELIMIT, "5 x 0");
    CHECK_ERR(ti_pixels_alloc(&p, "p", TI_IMAGE_MAX_PIXELS + 1, 1, 1), TARN_ELIMIT, "67108865");
    CHECK_OK(ti_pixels_alloc(&p, "p", 1, TI_IMAGE_MAX_PIXELS, 1));
    ti_free(p.data);
}

TEST(jpeg_with_cmyk_colours_is_unsupported) {
    char path[PATH_CAP];
    tarn_tensor *t;
    need_part("libjpeg");
    CHECK_ERR(tarn_image_read(golden_path("cmyk.jpg", path), 3, &t), TARN_EUNSUPPORTED, "CMYK");
}

TEST(pictures_are_known_by_content) {
    char path[PATH_CAP];
    tarn_tensor *t;
    CHECK_ERR(read_image((const uint8_t *)"GIF89a", 6), TARN_EFORMAT, "PNG or JPEG expected");
    CHECK_ERR(read_image(NULL, 0), TARN_EFORMAT, "PNG or JPEG expected");
    CHECK_ERR(ti_image_parse("p", NULL, 0, 4, &t), TARN_EARG, "4 channels, 1 or 3");
    CHECK_ERR(tarn_image_read("/nowhere/a.png", 3, &t), TARN_ENOENT, "/nowhere/a.png");
    CHECK_ERR(tarn_image_read(golden_path("make.py", path), 3, &t), TARN_EFORMAT, "make.py");
}

// ---- writing -----------------------------------------------------------------------------------

static void check_round_trip(int64_t height, int64_t width, int channels) {
    static char path[PATH_CAP];
    tarn_tensor *image, *back;
    if (!*path) path_of(test_dir(), "p.png", path);
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(height, width, channels), &image));
    uint8_t *x = tarn_tensor_data(image);
    for (int64_t i = 0; i < tarn_tensor_numel(image); i++) x[i] = (uint8_t)(i * 37);
    CHECK_OK(tarn_png_write(path, image));
    CHECK_OK(tarn_image_read(path, channels, &back));
    CHECK(tarn_shape_equal(tarn_tensor_shape(image), tarn_tensor_shape(back)));
    CHECK(memcmp(x, tarn_tensor_cdata(back), tarn_tensor_bytes(back)) == 0);
    tarn_tensor_release(image);
    tarn_tensor_release(back);
}

TEST(png_written_is_read_back_the_same) {
    need_part("libpng");
    check_round_trip(1, 1, 1);
    check_round_trip(13, 7, 3);
    check_round_trip(64, 100, 1);
}

TEST(png_write_refuses_what_is_no_picture) {
    tarn_tensor *t;
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(2, 2, 1), &t));
    CHECK_ERR(tarn_png_write("x.png", t), TARN_EDTYPE, "f32, u8 expected");
    tarn_tensor_release(t);
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(2, 2), &t));
    CHECK_ERR(tarn_png_write("x.png", t), TARN_ESHAPE, "[2,2]");
    tarn_tensor_release(t);
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(2, 0, 3), &t));
    CHECK_ERR(tarn_png_write("x.png", t), TARN_ESHAPE, "[2,0,3]");
    tarn_tensor_release(t);
    need_part("libpng");
    CHECK_OK(tarn_tensor_create(TARN_U8, TARN_SHAPE(2, 2, 3), &t));
    CHECK_ERR(tarn_png_write("/nowhere/x.png", t), TARN_ENOENT, "/nowhere/x.png");
    tarn_tensor_release(t);
}
