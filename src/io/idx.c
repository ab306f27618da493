// IDX, the format of MNIST: 00 00 TYPE RANK, RANK big-endian u32 sizes, then the elements, plain
// or gzip (http://yann.lecun.com/exdb/mnist, "file formats"). Only TYPE 08 (u8) is in use.
//
// The file is mapped, not read: a plain one is copied once, straight into the tensor. The header
// is compared with what the stored bytes can hold before memory is taken.
#include "io/io.h"
#include "tensor/tensor.h"

#include <inttypes.h>

enum { TYPE_U8 = 0x08 };
static const uint64_t most_bytes = 1u << 30;

static tarn_status read_dim(ti_source *s, int64_t *dim) {
    uint8_t b[4];
    TI_TRY(ti_source_read(s, b, sizeof b));
    *dim = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    return TARN_OK;
}

static tarn_status read_header(ti_source *s, tarn_shape *shape) {
    uint8_t magic[4];
    TI_TRY(ti_source_read(s, magic, sizeof magic));
    if (magic[0] != 0 || magic[1] != 0)
        return ti_source_error(s, "no IDX file: begins with %02x %02x, 00 00 expected", magic[0],
                               magic[1]);
    if (magic[2] != TYPE_U8)
        return ti_source_error(s, "element type %02x, 08 (u8) expected", magic[2]);
    if (magic[3] < 1 || magic[3] > TARN_MAX_RANK)
        return ti_source_error(s, "rank %d, 1 to %d expected", magic[3], TARN_MAX_RANK);
    shape->rank = magic[3];
    for (int i = 0; i < shape->rank; i++) TI_TRY(read_dim(s, &shape->dim[i]));
    return TARN_OK;
}

// The promise of the header against the limit and against what can be there at all.
static tarn_status check_size(const ti_source *s, const tarn_shape *shape) {
    char text[TI_SHAPE_TEXT_CAP];
    int64_t n = tarn_shape_numel(shape);
    if (n < 0 || (uint64_t)n > most_bytes)
        return ti_error(TARN_ELIMIT, "%s: %s elements, at most %" PRIu64 " bytes allowed", s->what,
                        ti_shape_text(shape, text), most_bytes);
    uint64_t most = ti_source_most(s), left = most - (most < s->off ? most : s->off);
    if ((uint64_t)n > left)
        return ti_source_error(s, "%s needs %" PRId64 " bytes, the file holds at most %" PRIu64,
                               ti_shape_text(shape, text), n, left);
    return TARN_OK;
}

static tarn_status check_end(ti_source *s) {
    uint8_t extra;
    size_t got;
    TI_TRY(ti_source_read_some(s, &extra, 1, &got));
    return got == 0 ? TARN_OK : ti_source_error(s, "more data than the header promises");
}

static tarn_status parse(ti_source *s, tarn_tensor **out) {
    tarn_shape shape = TARN_SCALAR;
    tarn_tensor *t = NULL;
    TI_TRY(read_header(s, &shape));
    TI_TRY(check_size(s, &shape));
    TI_TRY(ti_tensor_create_unset(TARN_U8, shape, &t));
    tarn_status st = ti_source_read(s, tarn_tensor_data(t), tarn_tensor_bytes(t));
    if (!st) st = check_end(s);
    if (st) {
        tarn_tensor_release(t);
        return st;
    }
    *out = t;
    return TARN_OK;
}

tarn_status ti_idx_parse(const char *what, const uint8_t *data, size_t size, tarn_tensor **out) {
    ti_source s;
    TI_TRY(ti_source_open(&s, what, data, size));
    tarn_status st = parse(&s, out);
    ti_source_close(&s);
    return st;
}

tarn_status tarn_idx_read(const char *path, tarn_tensor **out) {
    ti_map map;
    TI_TRY(ti_map_open(path, &map));
    tarn_status st = ti_idx_parse(path, map.data, map.size, out);
    ti_map_close(&map);
    return st;
}
