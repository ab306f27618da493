// IDX files, plain and gzip. tests/golden/io/make.py wrote the golden ones with Python's struct and
// gzip modules.
#include "io_support.h"

static tarn_status read_idx(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    tarn_status st = ti_idx_parse("tiny.idx", data, size, &t);
    if (!st) tarn_tensor_release(t);
    return st;
}

static void check_tiny(const char *file) {
    char path[PATH_CAP];
    tarn_shape want = TARN_SHAPE(2, 3, 4);
    tarn_tensor *t;
    CHECK_OK(tarn_idx_read(golden_path(file, path), &t));
    CHECK(tarn_shape_equal(tarn_tensor_shape(t), &want));
    CHECK_EQ_I(tarn_tensor_dtype(t), TARN_U8);
    const uint8_t *x = tarn_tensor_cdata(t);
    for (int i = 0; i < 24; i++) CHECK_EQ_I(x[i], i * 10);
    tarn_tensor_release(t);
}

TEST(idx_reads_plain_files) { check_tiny("tiny.idx"); }

TEST(idx_reads_gzip_whatever_the_name) {
    need_part("zlib");
    check_tiny("tiny.idx.gz");
}

TEST(idx_reads_several_gzip_members_as_one_stream) {
    need_part("zlib");
    check_tiny("members.idx.gz");
}

TEST(idx_refuses_every_truncation) { check_truncations("tiny.idx", read_idx); }

TEST(idx_refuses_every_truncation_of_gzip) {
    need_part("zlib");
    check_truncations("tiny.idx.gz", read_idx);
}

TEST(idx_survives_every_failed_allocation) { check_allocations("tiny.idx", read_idx); }

TEST(idx_survives_every_failed_allocation_of_gzip) {
    need_part("zlib");
    check_allocations("tiny.idx.gz", read_idx);
}

TEST(idx_names_file_and_byte_of_damage_in_gzip) {
    need_part("zlib");
    bytes b = golden_bytes("tiny.idx.gz");
    b.data[b.size - 6] ^= 1;  // the checksum
    CHECK_ERR(read_idx(b.data, b.size), TARN_EFORMAT, "tiny.idx: gzip data is damaged");
    ti_free(b.data);
}

TEST(idx_refuses_bytes_after_the_gzip_data) {
    need_part("zlib");
    bytes b = golden_bytes("tiny.idx.gz");
    uint8_t more[128] = {0};
    memcpy(more, b.data, b.size);
    CHECK_ERR(read_idx(more, b.size + 3), TARN_EFORMAT, "3 stored bytes");
    ti_free(b.data);
}

// ---- headers that lie --------------------------------------------------------------------------

// Magic 00 00 type rank, then big-endian sizes and `data` zero bytes.
static tarn_status read_made(int type, int rank, const uint32_t *dims, size_t data) {
    uint8_t b[256] = {0, 0, (uint8_t)type, (uint8_t)rank};
    size_t n = 4;
    for (int i = 0; i < rank; i++) {
        for (int shift = 24; shift >= 0; shift -= 8) b[n++] = (uint8_t)(dims[i] >> shift);
    }
    return read_idx(b, n + data);
}

TEST(idx_refuses_other_types_and_ranks) {
    const uint32_t dims[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    CHECK_ERR(read_made(0x0d, 1, dims, 4), TARN_EFORMAT, "element type 0d, 08 (u8) expected");
    CHECK_ERR(read_made(0x08, 9, dims, 1), TARN_EFORMAT, "rank 9, 1 to 8 expected at byte 4");
    CHECK_ERR(read_made(0x08, 0, dims, 1), TARN_EFORMAT, "rank 0");
    CHECK_OK(read_made(0x08, 8, dims, 1));
    CHECK_ERR(read_idx((const uint8_t *)"PNG?", 4), TARN_EFORMAT, "begins with 50 4e");
}

TEST(idx_refuses_sizes_that_the_file_cannot_hold) {
    CHECK_ERR(read_made(0x08, 1, (uint32_t[]){100}, 99), TARN_EFORMAT,
              "[100] needs 100 bytes, the file holds at most 99 at byte 8");
    CHECK_ERR(read_made(0x08, 1, (uint32_t[]){100}, 101), TARN_EFORMAT, "more data");
}

TEST(idx_refuses_huge_sizes_before_taking_memory) {
    const uint32_t most[8] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                              UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    uint64_t calls = ti_alloc_stats_now().calls;
    CHECK_ERR(read_made(0x08, 8, most, 1), TARN_ELIMIT, "1073741824 bytes allowed");
    CHECK_ERR(read_made(0x08, 2, (uint32_t[]){1 << 15, (1 << 15) + 1}, 1), TARN_ELIMIT, "32769");
    CHECK_ERR(read_made(0x08, 1, (uint32_t[]){1 << 30}, 1), TARN_EFORMAT, "at most 1 ");
    CHECK_EQ_I(ti_alloc_stats_now().calls, calls);
}

TEST(idx_accepts_empty_arrays) { CHECK_OK(read_made(0x08, 2, (uint32_t[]){0, 5}, 0)); }

TEST(idx_refuses_a_gzip_file_too_small_for_its_promise) {
    need_part("zlib");
    bytes b = golden_bytes("members.idx.gz");
    // The stored size bounds what can come out: 1032 to 1 is the best that deflate can do.
    ti_source s;
    CHECK_OK(ti_source_open(&s, "x", b.data, b.size));
    CHECK_EQ_I(ti_source_most(&s), b.size * TI_DEFLATE_MOST);
    ti_source_close(&s);
    ti_free(b.data);
}

TEST(gzip_files_are_unpacked_up_to_a_limit) {
    char path[PATH_CAP];
    uint8_t *data;
    size_t size;
    need_part("zlib");
    golden_path("zeros.idx.gz", path);  // 200,012 bytes when unpacked
    CHECK_ERR(ti_source_read_file(path, 100, &data, &size), TARN_ELIMIT, "100 bytes allowed");
    CHECK_ERR(ti_source_read_file(path, 200011, &data, &size), TARN_ELIMIT, "unpacks to more than");
    CHECK_OK(ti_source_read_file(path, 200012, &data, &size));
    CHECK_EQ_I(size, 200012);
    CHECK_OK(read_idx(data, size));
    ti_free(data);
}

TEST(idx_names_a_missing_file) {
    tarn_tensor *t;
    CHECK_ERR(tarn_idx_read("/nowhere/x.idx", &t), TARN_ENOENT, "/nowhere/x.idx");
}
