// NumPy's .npy files: magic, version, length of a header, the header (a Python dictionary of three
// keys), the elements. Format: NumPy Enhancement Proposal 1.
// The header is read by a scanner for just this dictionary, in any order of keys and with any
// blanks; nothing of Python is evaluated. bfloat16 has no name in NumPy: it is |V2 here, as the
// ml_dtypes package writes it. Arrays in Fortran order are turned into row-major ones.
#include <string.h>

#include "io/io.h"
#include "tensor/tensor.h"

static const char magic[6] = "\x93NUMPY";
enum { ALIGN = 64, MAX_HEADER = 1 << 16 };

// Descriptions without the mark of byte order.
static const struct {
    const char *text;
    tarn_dtype dtype;
} types[] = {{"f4", TARN_F32}, {"f8", TARN_F64}, {"f2", TARN_F16}, {"V2", TARN_BF16},
             {"i1", TARN_I8},  {"i2", TARN_I16}, {"i4", TARN_I32}, {"i8", TARN_I64},
             {"u1", TARN_U8},  {"u2", TARN_U16}, {"u4", TARN_U32}, {"u8", TARN_U64},
             {"b1", TARN_BOOL}};
enum { TYPES = sizeof types / sizeof *types };

typedef struct header {
    tarn_dtype dtype;
    bool fortran;
    tarn_shape shape;
} header;

// ---- the dictionary ----------------------------------------------------------------------------

static void skip_blanks(ti_cursor *c) {
    while (c->off < c->size && (c->data[c->off] == ' ' || c->data[c->off] == '\n')) c->off++;
}

// The next word, when it is this one.
static bool take(ti_cursor *c, const char *word) {
    size_t n = strlen(word);
    skip_blanks(c);
    if (n > c->size - c->off || memcmp(c->data + c->off, word, n) != 0) return false;
    c->off += n;
    return true;
}

static tarn_status need(ti_cursor *c, const char *word) {
    return take(c, word) ? TARN_OK : ti_cursor_error(c, "%s expected", word);
}

static tarn_status read_descr(ti_cursor *c, header *h) {
    TI_TRY(need(c, "'"));
    const uint8_t *text = c->data + c->off, *end = memchr(text, '\'', c->size - c->off);
    char shown[TI_SHOWN_CAP];
    if (!end) return ti_cursor_error(c, "' expected after descr");
    size_t n = (size_t)(end - text);
    c->off += n + 1;
    for (int i = 0; i < TYPES && n == 3; i++) {
        bool order = text[0] == '<' || text[0] == '|' || text[0] == '=';
        if (!order || memcmp(text + 1, types[i].text, 2) != 0) continue;
        h->dtype = types[i].dtype;
        return TARN_OK;
    }
    return ti_error(TARN_EUNSUPPORTED, "%s: dtype '%s' is not supported", c->what,
                    ti_shown((const char *)text, n, shown));
}

static tarn_status read_order(ti_cursor *c, header *h) {
    h->fortran = take(c, "True");
    return h->fortran ? TARN_OK : need(c, "False");
}

static tarn_status read_dim(ti_cursor *c, int64_t *out) {
    int64_t v = 0;
    size_t start = c->off;
    for (; c->off < c->size && c->data[c->off] >= '0' && c->data[c->off] <= '9'; c->off++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, c->data[c->off] - '0', &v))
            return ti_cursor_error(c, "a dimension beyond 2^63-1");
    *out = v;
    return c->off > start ? TARN_OK : ti_cursor_error(c, "a dimension expected");
}

// (), (3,), (3, 4) and (3, 4,)
static tarn_status read_shape(ti_cursor *c, header *h) {
    TI_TRY(need(c, "("));
    for (h->shape.rank = 0; !take(c, ")"); h->shape.rank++) {
        if (h->shape.rank == TARN_MAX_RANK) return ti_cursor_error(c, "rank above 8");
        TI_TRY(read_dim(c, &h->shape.dim[h->shape.rank]));
        if (take(c, ",")) continue;
        h->shape.rank++;
        return need(c, ")");
    }
    return TARN_OK;
}

static const struct {
    const char *name;
    tarn_status (*read)(ti_cursor *c, header *h);
} keys[] = {{"'descr'", read_descr}, {"'fortran_order'", read_order}, {"'shape'", read_shape}};
enum { KEYS = sizeof keys / sizeof *keys, ALL_KEYS = (1 << KEYS) - 1 };

static tarn_status read_key(ti_cursor *c, header *h, int *seen) {
    for (int i = 0; i < KEYS; i++) {
        if (!take(c, keys[i].name)) continue;
        if (*seen & 1 << i) return ti_cursor_error(c, "key %s again", keys[i].name);
        *seen |= 1 << i;
        TI_TRY(need(c, ":"));
        return keys[i].read(c, h);
    }
    return ti_cursor_error(c, "one of the keys descr, fortran_order, shape expected");
}

static tarn_status read_dictionary(ti_cursor *c, header *h) {
    int seen = 0;
    TI_TRY(need(c, "{"));
    while (!take(c, "}")) {
        TI_TRY(read_key(c, h, &seen));
        if (take(c, ",")) continue;
        TI_TRY(need(c, "}"));
        break;
    }
    if (seen != ALL_KEYS) return ti_cursor_error(c, "descr, fortran_order and shape expected");
    skip_blanks(c);
    return c->off == c->size ? TARN_OK : ti_cursor_error(c, "the header goes on after }");
}

// ---- the file ----------------------------------------------------------------------------------

static tarn_status read_header(ti_cursor *c, header *h) {
    const uint8_t *start;
    uint8_t version, minor, low, high;
    uint32_t n;
    TI_TRY(ti_cursor_bytes(c, sizeof magic, &start));
    if (memcmp(start, magic, sizeof magic) != 0)
        return ti_error(TARN_EFORMAT, "%s: not a .npy file", c->what);
    TI_TRY(ti_cursor_u8(c, &version));
    TI_TRY(ti_cursor_u8(c, &minor));
    if (version < 1 || version > 3)
        return ti_error(TARN_EUNSUPPORTED, "%s: version %d.%d, 1 to 3 expected", c->what, version,
                        minor);
    if (version == 1) {
        TI_TRY(ti_cursor_u8(c, &low));
        TI_TRY(ti_cursor_u8(c, &high));
        n = (uint32_t)(low | high << 8);
    } else {
        TI_TRY(ti_cursor_u32le(c, &n));
    }
    if (n > MAX_HEADER)
        return ti_error(TARN_ELIMIT, "%s: header of %u bytes, at most %d allowed", c->what, n,
                        MAX_HEADER);
    TI_TRY(ti_cursor_bytes(c, n, &start));
    ti_cursor text = {.what = c->what, .data = c->data, .size = c->off, .off = c->off - n};
    return read_dictionary(&text, h);
}

// Element i of the row-major result stands at `at` of the file, whose first index runs fastest.
static int64_t fortran_place(const tarn_shape *s, int64_t i) {
    int64_t at = 0, stride = tarn_shape_numel(s);
    for (int d = s->rank - 1; d >= 0; d--) {
        stride /= s->dim[d];
        at += i % s->dim[d] * stride;
        i /= s->dim[d];
    }
    return at;
}

static void turn(const header *h, const uint8_t *from, uint8_t *to) {
    size_t size = tarn_dtype_size(h->dtype);
    int64_t n = tarn_shape_numel(&h->shape);
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * size, from + (size_t)fortran_place(&h->shape, i) * size, size);
}

tarn_status ti_npy_parse(const char *what, const uint8_t *data, size_t size, tarn_tensor **out) {
    ti_cursor c = {.what = what, .data = data, .size = size};
    header h = {.dtype = TARN_F32};
    char shape[TI_SHAPE_TEXT_CAP];
    size_t bytes;
    TI_TRY(read_header(&c, &h));
    if (ti_shape_bytes(&h.shape, h.dtype, &bytes) || bytes != size - c.off)
        return ti_cursor_error(&c, "%s %s does not have the %zu bytes that follow",
                               tarn_dtype_name(h.dtype), ti_shape_text(&h.shape, shape),
                               size - c.off);
    for (size_t i = 0; h.dtype == TARN_BOOL && i < bytes; i++)
        if (data[c.off + i] > 1) return ti_cursor_error(&c, "a bool that is neither 0 nor 1");
    tarn_tensor *t = NULL;
    TI_TRY(tarn_tensor_from(h.dtype, h.shape, data + c.off, &t));
    if (h.fortran) turn(&h, data + c.off, tarn_tensor_data(t));
    *out = t;
    return TARN_OK;
}

tarn_status tarn_npy_read(const char *path, tarn_tensor **out) {
    ti_map map;
    TI_TRY(ti_map_open(path, &map));
    tarn_status st = ti_npy_parse(path, map.data, map.size, out);
    ti_map_close(&map);
    return st;
}

// ---- writing -----------------------------------------------------------------------------------

static const char *type_text(tarn_dtype t) {
    int i = 0;
    while (types[i].dtype != t) i++;
    return types[i].text;
}

// Version 1.0, padded so that the elements begin at a multiple of 64 bytes.
static void put_header(ti_buf *b, const tarn_tensor *t) {
    const tarn_shape *s = tarn_tensor_shape(t);
    tarn_dtype dtype = tarn_tensor_dtype(t);
    bool no_order = tarn_dtype_size(dtype) == 1 || dtype == TARN_BF16;
    ti_buf_add(b, magic, sizeof magic);
    ti_buf_add(b, "\1\0\0", 4);  // version, and room for the length
    ti_buf_printf(b, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", no_order ? '|' : '<',
                  type_text(dtype));
    for (int i = 0; i < s->rank; i++)
        ti_buf_printf(b, s->rank == 1 ? "%lld," : i ? ", %lld" : "%lld", (long long)s->dim[i]);
    ti_buf_puts(b, "), }");
    while (b->size % ALIGN != ALIGN - 1 && !ti_buf_status(b)) ti_buf_puts(b, " ");
    ti_buf_puts(b, "\n");
    if (ti_buf_status(b)) return;
    b->data[8] = (char)((b->size - 10) & 0xff);
    b->data[9] = (char)((b->size - 10) >> 8);
}

tarn_status tarn_npy_write(const char *path, const tarn_tensor *t) {
    ti_buf b;
    ti_writer w;
    ti_buf_init(&b, 1024);
    put_header(&b, t);
    tarn_status st = ti_buf_status(&b);
    if (!st) st = ti_writer_open(&w, path);
    if (!st) {
        ti_writer_put(&w, b.data, b.size);
        ti_writer_put(&w, tarn_tensor_cdata(t), tarn_tensor_bytes(t));
        st = ti_writer_commit(&w);
    }
    ti_buf_free(&b);
    return st;
}
