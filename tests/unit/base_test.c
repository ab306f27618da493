// src/base: what everything else relies on.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

// ---- errors ------------------------------------------------------------------------------------

TEST(status_names_have_no_prefix) {
    CHECK_STR(tarn_status_name(TARN_OK), "OK");
    CHECK_STR(tarn_status_name(TARN_ESHAPE), "ESHAPE");
    CHECK_STR(tarn_status_name(TARN_ECANCELLED), "ECANCELLED");
    CHECK_STR(tarn_status_name((tarn_status)999), "?");
}

TEST(last_error_is_empty_at_first) { CHECK_STR(tarn_last_error(), ""); }

TEST(error_context_is_prepended) {
    CHECK_EQ_I(ti_error(TARN_ESHAPE, "rank %d", 9), TARN_ESHAPE);
    CHECK_EQ_I(ti_error_at(TARN_ESHAPE, "node '%s'", "conv1"), TARN_ESHAPE);
    ti_error_at(TARN_ESHAPE, "load 'net.onnx'");
    CHECK_STR(tarn_last_error(), "load 'net.onnx': node 'conv1': rank 9");
    ti_error(TARN_EARG, "new");
    CHECK_STR(tarn_last_error(), "new");
}

TEST(error_may_quote_the_error_it_replaces) {
    ti_error(TARN_EIO, "disk");
    ti_error(TARN_EFORMAT, "%s, again %s", tarn_last_error(), tarn_last_error());
    CHECK_STR(tarn_last_error(), "disk, again disk");
}

TEST(long_error_is_cut_and_keeps_its_context) {
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ti_error(TARN_EIO, "%s", text);
    ti_error_at(TARN_EIO, "read 'a'");
    CHECK(strncmp(tarn_last_error(), "read 'a': xxx", 13) == 0);
    CHECK(strlen(tarn_last_error()) < sizeof text);
}

static void *fail_and_save(void *text) {
    ti_error(TARN_EIO, "of a worker");
    ti_error_save(text, 32);
    return NULL;
}

TEST(error_belongs_to_its_thread_and_can_be_carried_over) {
    char text[32], small[4];
    pthread_t worker;
    ti_error(TARN_EARG, "mine");
    CHECK(pthread_create(&worker, NULL, fail_and_save, text) == 0);
    pthread_join(worker, NULL);
    CHECK_STR(tarn_last_error(), "mine");
    CHECK_EQ_I(ti_error_restore(TARN_EIO, text), TARN_EIO);
    CHECK_STR(tarn_last_error(), "of a worker");
    ti_error_save(small, sizeof small);
    CHECK_STR(small, "of ");
    ti_error_restore(TARN_EIO, tarn_last_error());
    CHECK_STR(tarn_last_error(), "of a worker");
}

// ---- memory ------------------------------------------------------------------------------------

TEST(blocks_are_aligned_and_counted) {
    ti_alloc_stats before = ti_alloc_stats_now();
    void *p[3];
    CHECK_OK(ti_alloc(0, &p[0]));
    CHECK_OK(ti_alloc(1, &p[1]));
    CHECK_OK(ti_alloc_zero(1000, &p[2]));
    for (int i = 0; i < 3; i++) CHECK(p[i] && (uintptr_t)p[i] % 64 == 0);
    for (int i = 0; i < 1000; i++) CHECK(((char *)p[2])[i] == 0);
    CHECK_EQ_I(ti_alloc_stats_now().live - before.live, 3);
    CHECK_EQ_I(ti_alloc_stats_now().calls - before.calls, 3);
    for (int i = 0; i < 3; i++) ti_free(p[i]);
    ti_free(NULL);
    CHECK_EQ_I(ti_alloc_stats_now().live, before.live);
}

TEST(realloc_keeps_content) {
    char *p = NULL;
    CHECK_OK(ti_realloc(0, 4, &p));
    memcpy(p, "abc", 4);
    CHECK_OK(ti_realloc(4, 4000, &p));
    CHECK_STR(p, "abc");
    CHECK((uintptr_t)p % 64 == 0);
    CHECK_OK(ti_realloc(4000, 2, &p));
    CHECK(p[0] == 'a' && p[1] == 'b');
    ti_free(p);
}

TEST(impossible_allocation_is_an_error_and_changes_nothing) {
    char *p;
    CHECK_OK(ti_alloc(8, &p));
    char *kept = p;
    CHECK_ERR(ti_realloc(8, SIZE_MAX, &p), TARN_ENOMEM, "out of memory: 18446744073709551615");
    CHECK(p == kept);
    ti_free(p);
    p = NULL;
    CHECK_ERR(ti_alloc(SIZE_MAX, &p), TARN_ENOMEM, "out of memory");
    CHECK_ERR(ti_alloc_zero(SIZE_MAX, &p), TARN_ENOMEM, "out of memory");
    CHECK(p == NULL);
}

TEST(chosen_allocation_fails) {
#ifndef TARN_TEST_LIMITS
    SKIP("built without TARN_TEST_LIMITS");
#endif
    void *p[2];
    ti_alloc_fail_at(2);
    CHECK_OK(ti_alloc(8, &p[0]));
    CHECK_ERR(ti_alloc(8, &p[1]), TARN_ENOMEM, "8 bytes");
    CHECK_OK(ti_alloc(8, &p[1]));
    ti_alloc_fail_at(1);
    ti_alloc_fail_at(0);
    CHECK_OK(ti_realloc(8, 16, &p[1]));
    ti_free(p[0]);
    ti_free(p[1]);
}

TEST(arena_gives_zeroed_aligned_memory_of_any_size) {
    static const size_t sizes[] = {0, 1, 15, 16, 17, 5000, 100000, 3, 4096, 8000, 8000};
    uint64_t live = ti_alloc_stats_now().live;
    ti_arena a = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p;
        CHECK_OK(ti_arena_alloc(&a, sizes[i], &p));
        CHECK((uintptr_t)p % 16 == 0);
        for (size_t j = 0; j < sizes[i]; j++) CHECK(p[j] == 0);
        memset(p, 0xff, sizes[i]);  // the next block must not see it
    }
    CHECK_ERR(ti_arena_alloc(&a, SIZE_MAX, &(void *){NULL}), TARN_ELIMIT, "too large");
    ti_arena_free(&a);
    CHECK(a.head == NULL);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}

TEST(arena_shares_blocks_among_small_requests) {
    ti_arena a = {0};
    uint64_t calls = ti_alloc_stats_now().calls;
    const char *s;
    for (int i = 0; i < 100; i++) CHECK_OK(ti_arena_strdup(&a, "softmax", &s));
    CHECK_STR(s, "softmax");
    CHECK_EQ_I(ti_alloc_stats_now().calls - calls, 1);
    ti_arena_free(&a);
}

// ---- sizes -------------------------------------------------------------------------------------

TEST(size_overflow_is_reported) {
    size_t r = 7;
    CHECK_OK(ti_mul(3, 5, &r));
    CHECK_EQ_I(r, 15);
    CHECK_OK(ti_mul(0, SIZE_MAX, &r));
    CHECK_EQ_I(r, 0);
    CHECK_OK(ti_add(SIZE_MAX - 1, 1, &r));
    CHECK(r == SIZE_MAX);
    CHECK_ERR(ti_mul(SIZE_MAX / 2 + 1, 2, &r), TARN_ELIMIT, "x 2 is too large");
    CHECK_ERR(ti_add(SIZE_MAX, 1, &r), TARN_ELIMIT, "+ 1 is too large");
    CHECK(r == SIZE_MAX);  // untouched
    CHECK_EQ_I(ti_ceil_div(7, 3), 3);
    CHECK_EQ_I(ti_ceil_div(6, 3), 2);
    CHECK_EQ_I(ti_min_i64(-1, 2), -1);
    CHECK_EQ_I(ti_max_i64(-1, 2), 2);
}

// ---- buffer ------------------------------------------------------------------------------------

TEST(buffer_is_a_string_from_the_start) {
    ti_buf b;
    ti_buf_init(&b, 100);
    CHECK_STR(b.data, "");
    ti_buf_add(&b, NULL, 0);
    ti_buf_puts(&b, "loss ");
    ti_buf_printf(&b, "%.2f after %d", 0.5, 3);
    CHECK_STR(b.data, "loss 0.50 after 3");
    CHECK_EQ_I(b.size, 17);
    CHECK_OK(ti_buf_status(&b));
    ti_buf_free(&b);
    CHECK(b.data == NULL);
}

TEST(buffer_grows_up_to_its_limit_and_no_further) {
    ti_buf b;
    ti_buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++) ti_buf_puts(&b, "x");
    CHECK_OK(ti_buf_status(&b));
    ti_buf_printf(&b, "%s", "y");
    CHECK_ERR(ti_buf_status(&b), TARN_ELIMIT, "1000 bytes and 1 more, at most 1000 allowed");
    CHECK_EQ_I(strlen(b.data), 1000);
    ti_buf_free(&b);
}

TEST(buffer_failure_sticks) {
    ti_buf b;
    ti_buf_init(&b, 4);
    ti_buf_puts(&b, "12345");
    ti_buf_puts(&b, "1");
    CHECK_EQ_I(ti_buf_status(&b), TARN_ELIMIT);
    CHECK_EQ_I(b.size, 0);
    ti_buf_free(&b);
    ti_buf_init(&b, SIZE_MAX);
    ti_buf_puts(&b, "1");
    ti_buf_add(&b, "", SIZE_MAX - 1);
    CHECK_EQ_I(ti_buf_status(&b), TARN_ELIMIT);
    ti_buf_free(&b);
}

// ---- cursor ------------------------------------------------------------------------------------

TEST(cursor_reads_both_byte_orders) {
    static const uint8_t data[] = {7, 0, 0, 8, 3, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 'z'};
    ti_cursor c = {.what = "a.bin", .data = data, .size = sizeof data};
    uint8_t byte;
    uint32_t word;
    uint64_t wide;
    const uint8_t *p;
    CHECK_OK(ti_cursor_u8(&c, &byte));
    CHECK_EQ_I(byte, 7);
    CHECK_OK(ti_cursor_u32be(&c, &word));
    CHECK_EQ_I(word, 2051);
    CHECK_OK(ti_cursor_u32le(&c, &word));
    CHECK_EQ_I(word, 0x04030201);
    CHECK_OK(ti_cursor_u64le(&c, &wide));
    CHECK(wide == 0x0807060504030201u);
    CHECK_OK(ti_cursor_bytes(&c, 1, &p));
    CHECK(*p == 'z' && c.off == c.size);
    CHECK_OK(ti_cursor_bytes(&c, 0, &p));
}

TEST(cursor_stops_at_the_end) {
    static const uint8_t data[7] = {0};
    uint32_t word = 5;
    uint64_t wide = 6;
    const uint8_t *p = NULL;
    ti_cursor c = {.what = "a.bin", .data = data, .size = sizeof data, .off = 4};
    CHECK_ERR(ti_cursor_u32le(&c, &word), TARN_EFORMAT, "a.bin: 4 bytes needed, 3 left at byte 4");
    CHECK_ERR(ti_cursor_u32be(&c, &word), TARN_EFORMAT, "a.bin");
    CHECK_ERR(ti_cursor_u64le(&c, &wide), TARN_EFORMAT, "8 bytes needed");
    CHECK_ERR(ti_cursor_bytes(&c, SIZE_MAX, &p), TARN_EFORMAT, "3 left");
    CHECK(word == 5 && wide == 6 && p == NULL && c.off == 4);
    CHECK_ERR(ti_cursor_error(&c, "rank %d", 9), TARN_EFORMAT, "a.bin: rank 9 at byte 4");
}

// ---- files -------------------------------------------------------------------------------------

static char *in_dir(const char *name) {
    char *path;
    CHECK_OK(ti_path_join(test_dir(), name, &path));
    return path;
}

// The file holds exactly this text.
static void check_file(const char *path, const char *text) {
    uint8_t *data;
    size_t size;
    CHECK_OK(ti_file_read(path, 100, &data, &size));
    CHECK_EQ_I(size, strlen(text));
    CHECK(memcmp(data, text, size) == 0);
    ti_free(data);
}

static int entries_in(const char *path) {
    int n = 0;
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

TEST(path_join_puts_one_slash) {
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path;
        CHECK_OK(ti_path_join(cases[i][0], cases[i][1], &path));
        CHECK_STR(path, cases[i][2]);
        ti_free(path);
    }
}

TEST(missing_file_is_named_with_its_reason) {
    uint8_t *data = NULL;
    size_t size;
    ti_map m;
    CHECK_ERR(ti_file_read("no/such/a.bin", 10, &data, &size), TARN_ENOENT,
              "open 'no/such/a.bin': No such file or directory");
    CHECK_ERR(ti_map_open("no/such/a.bin", &m), TARN_ENOENT, "open 'no/such/a.bin'");
    CHECK_ERR(ti_file_read(test_dir(), 10, &data, &size), TARN_EIO, "Is a directory");
    CHECK(data == NULL);
    CHECK(!ti_file_exists("no/such/a.bin"));
    CHECK(ti_file_exists(test_dir()));
}

TEST(file_read_respects_its_limit) {
    char *path = in_dir("a.bin");
    uint8_t *data = NULL;
    size_t size;
    CHECK_OK(ti_file_write(path, "12345", 5));
    CHECK_OK(ti_file_read(path, 5, &data, &size));
    CHECK(size == 5 && memcmp(data, "12345", 5) == 0);
    ti_free(data);
    CHECK_ERR(ti_file_read(path, 4, &data, &size), TARN_ELIMIT, "larger than the 4 bytes allowed");
    CHECK_ERR(ti_file_read("/dev/zero", 100000, &data, &size), TARN_ELIMIT, "/dev/zero");
    ti_free(path);
}

TEST(empty_file_is_read_and_mapped) {
    char *path = in_dir("empty");
    ti_map m;
    CHECK_OK(ti_file_write(path, "", 0));
    check_file(path, "");
    CHECK_OK(ti_map_open(path, &m));
    CHECK(m.data == NULL && m.size == 0);
    ti_map_close(&m);
    ti_free(path);
}

TEST(map_shows_the_file) {
    char *path = in_dir("a.bin");
    ti_map m;
    CHECK_OK(ti_file_write(path, "12345", 5));
    CHECK_OK(ti_map_open(path, &m));
    CHECK(m.size == 5 && memcmp(m.data, "12345", 5) == 0);
    ti_map_close(&m);
    CHECK(m.data == NULL);
    ti_free(path);
}

TEST(writer_replaces_only_on_commit) {
    char *path = in_dir("a.bin");
    ti_writer w;
    CHECK_OK(ti_file_write(path, "old", 3));
    CHECK_OK(ti_writer_open(&w, path));
    ti_writer_put(&w, "ne", 2);
    ti_writer_put(&w, "w", 1);
    check_file(path, "old");
    CHECK_OK(ti_writer_commit(&w));
    check_file(path, "new");
    CHECK_EQ_I(entries_in(test_dir()), 1);
    ti_writer_abort(&w);  // after the end: nothing to do
    CHECK_ERR(ti_writer_commit(&w), TARN_ESTATE, "not open");
    ti_free(path);
}

TEST(aborted_writer_leaves_the_old_file_and_nothing_else) {
    char *path = in_dir("a.bin");
    ti_writer w, never = {0};
    CHECK_OK(ti_file_write(path, "old", 3));
    CHECK_OK(ti_writer_open(&w, path));
    ti_writer_put(&w, "new", 3);
    ti_writer_abort(&w);
    ti_writer_abort(&w);
    ti_writer_abort(&never);
    check_file(path, "old");
    CHECK_EQ_I(entries_in(test_dir()), 1);
    ti_free(path);
}

TEST(writer_of_a_missing_folder_fails_cleanly) {
    uint64_t live = ti_alloc_stats_now().live;
    ti_writer w;
    CHECK_ERR(ti_writer_open(&w, "no/such/a.bin"), TARN_ENOENT,
              "create 'no/such/a.bin': No such file or directory");
    ti_writer_put(&w, "x", 1);
    CHECK_EQ_I(ti_writer_commit(&w), TARN_ENOENT);
    ti_writer_abort(&w);
    CHECK_EQ_I(ti_alloc_stats_now().live, live);
}

TEST(writer_in_an_unwritable_folder_fails_cleanly) {
    char *path = in_dir("a.bin");
    ti_writer w;
    CHECK(chmod(test_dir(), 0500) == 0);
    if (geteuid() == 0 && setuid(65534)) SKIP("root may write anywhere, and setuid failed");
    CHECK_ERR(ti_writer_open(&w, path), TARN_EIO, "a.bin': Permission denied");
    ti_free(path);
}

// A file-size limit stands for a full disk: the same short write, without filling one.
TEST(writer_on_a_full_disk_keeps_the_old_file) {
    char *path = in_dir("a.bin");
    char block[4096] = {0};
    CHECK_OK(ti_file_write(path, "old", 3));
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){6000, RLIM_INFINITY}) == 0);
    ti_writer w;
    CHECK_OK(ti_writer_open(&w, path));
    for (int i = 0; i < 4; i++) ti_writer_put(&w, block, sizeof block);
    CHECK_ERR(ti_writer_commit(&w), TARN_EIO, "write '");
    check_file(path, "old");
    CHECK_EQ_I(entries_in(test_dir()), 1);
    ti_free(path);
}

TEST(written_file_is_as_readable_as_the_umask_allows) {
    char *path = in_dir("a.bin");
    struct stat info;
    umask(022);
    CHECK_OK(ti_file_write(path, "x", 1));
    CHECK(stat(path, &info) == 0);
    CHECK_EQ_I(info.st_mode & 0777, 0644);
    ti_free(path);
}

TEST(make_dirs_makes_all_and_accepts_what_exists) {
    char *deep = in_dir("a/b//c/"), *file = in_dir("file"), *below = in_dir("file/x");
    CHECK_OK(ti_make_dirs(deep));
    CHECK_OK(ti_make_dirs(deep));
    CHECK(ti_file_exists(deep));
    CHECK_OK(ti_file_write(file, "x", 1));
    CHECK_ERR(ti_make_dirs(file), TARN_EIO, "create folder");
    CHECK_ERR(ti_make_dirs(below), TARN_EIO, "create folder");
    CHECK_ERR(ti_make_dirs(""), TARN_ENOENT, "create folder ''");
    ti_free(deep);
    ti_free(file);
    ti_free(below);
}

TEST(clocks_advance) {
    double start = ti_now(), wall = ti_wall_time();
    CHECK(ti_now() >= start);
    CHECK(wall > 1.6e9 && wall < 1e11);
}

// ---- hashes ------------------------------------------------------------------------------------

static void check_sha256(const char *text, const char *want) {
    size_t n = strlen(text);
    for (size_t cut = 0; cut <= n; cut++) {  // in two pieces, cut everywhere
        ti_sha256 s;
        char hex[65];
        ti_sha256_init(&s);
        ti_sha256_add(&s, text, cut);
        ti_sha256_add(&s, text + cut, n - cut);
        ti_sha256_hex(&s, hex);
        CHECK_STR(hex, want);
    }
}

// FIPS 180-4 examples (NIST, "SHA256.pdf"), and the digest of the empty message.
TEST(sha256_gives_the_published_answers) {
    check_sha256("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

TEST(sha256_of_a_million_letters) {
    ti_sha256 s;
    char hex[65], piece[1000];
    memset(piece, 'a', sizeof piece);
    ti_sha256_init(&s);
    for (int i = 0; i < 1000; i++) ti_sha256_add(&s, piece, sizeof piece);
    ti_sha256_hex(&s, hex);
    CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Noll's published FNV-1a 64 vectors.
TEST(hash64_is_fnv1a) {
    CHECK(ti_hash64("") == 0xcbf29ce484222325u);
    CHECK(ti_hash64("a") == 0xaf63dc4c8601ec8cu);
    CHECK(ti_hash64("foobar") == 0x85944171f73967e8u);
}

// ---- random bits -------------------------------------------------------------------------------

static void check_philox(uint64_t key, uint64_t lo, uint64_t hi, const uint32_t want[4]) {
    uint32_t got[4];
    ti_philox(key, lo, hi, got);
    for (int i = 0; i < 4; i++) CHECK_EQ_I(got[i], want[i]);
}

// Random123 1.09, tests/kat_vectors, philox4x32 with 10 rounds.
TEST(philox_gives_the_published_answers) {
    static const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    static const uint32_t pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    check_philox(0, 0, 0, zeros);
    check_philox(UINT64_MAX, UINT64_MAX, UINT64_MAX, ones);
    check_philox(0x299f31d0a4093822u, 0x85a308d3243f6a88u, 0x0370734413198a2eu, pi);
}

// ---- names, trace, version ---------------------------------------------------------------------

TEST(nearest_name_is_near) {
    static const char *const names[] = {"adam", "momentum", "rmsprop", "sgd", NULL};
    CHECK_STR(ti_nearest("momentun", names), "momentum");
    CHECK_STR(ti_nearest("adm", names), "adam");
    CHECK_STR(ti_nearest("rms_prop", names), "rmsprop");
    CHECK(ti_nearest("q", names) == NULL);
    CHECK(ti_nearest("", names) == NULL);
    CHECK(ti_nearest("convolution", names) == NULL);
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK(ti_nearest(longer, names) == NULL);
}

TEST(trace_is_off_without_the_variable) {
    unsetenv("TARN_TRACE");
    CHECK(!ti_trace_on("plan"));
}

TEST(trace_names_components) {
    setenv("TARN_TRACE", "plan,-exec", 1);
    CHECK(ti_trace_on("plan"));
    CHECK(!ti_trace_on("exec"));
    CHECK(!ti_trace_on("pla"));
}

TEST(trace_all_can_exclude) {
    setenv("TARN_TRACE", "all,-exec", 1);
    CHECK(ti_trace_on("plan"));
    CHECK(!ti_trace_on("exec"));
}

TEST(version_lists_its_parts) {
    tarn_part part;
    int n = 0;
    CHECK_STR(tarn_version(), TARN_VERSION);
    for (; tarn_version_part(n, &part); n++) CHECK(part.present == (*part.version != '\0'));
    CHECK_EQ_I(n, 8);
    CHECK(tarn_version_part(0, &part));
    CHECK_STR(part.name, "jansson");
    CHECK(part.present);
    CHECK(!tarn_version_part(-1, &part));
}
