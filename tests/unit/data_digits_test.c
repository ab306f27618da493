// Generated digits: the same bytes everywhere, and of MNIST's form.
#include "data/digits.h"

#include <math.h>
#include <string.h>

#include "data/data.h"
#include "test.h"

static void sha_of(const tarn_dataset *d, char hex[65]) {
    ti_sha256 s;
    ti_sha256_init(&s);
    ti_sha256_add(&s, tarn_tensor_cdata(d->x), tarn_tensor_bytes(d->x));
    ti_sha256_add(&s, tarn_tensor_cdata(d->y), tarn_tensor_bytes(d->y));
    ti_sha256_hex(&s, hex);
}

// Recorded from this library; gcc, clang, every -O and vector width must give it. A change of the
// drawing changes it, and every result on this data: say so in CHANGELOG.md.
TEST(digits_are_the_same_bytes_everywhere) {
    char hex[65];
    tarn_dataset a, b;
    CHECK_OK(tarn_data_digits(1, 2000, 500, &a, &b));
    sha_of(&a, hex);
    CHECK_STR(hex, "3f6d65959861eee7968ac560a4a9e0b315f381044e81a58d922628b6d5b71ae1");
    sha_of(&b, hex);
    CHECK_STR(hex, "eb861984c0d32c07d4daca7b0e3e78c9f46a6c614fef8db1b7944c03e3f38660");
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);
}

TEST(digits_depend_on_seed_and_number_alone) {
    tarn_dataset a, b, few, other;
    CHECK_OK(tarn_data_digits(5, 50, 20, &a, &b));
    CHECK_OK(tarn_data_digits(5, 10, 20, &few, &other));
    CHECK(memcmp(tarn_tensor_cdata(a.x), tarn_tensor_cdata(few.x), tarn_tensor_bytes(few.x)) == 0);
    CHECK(memcmp(tarn_tensor_cdata(b.x), tarn_tensor_cdata(other.x), tarn_tensor_bytes(b.x)) == 0);
    CHECK(memcmp(tarn_tensor_cdata(a.x), tarn_tensor_cdata(b.x), 784) != 0);
    tarn_dataset_clear(&few);
    tarn_dataset_clear(&other);
    CHECK_OK(tarn_data_digits(6, 10, 0, &few, &other));
    CHECK(memcmp(tarn_tensor_cdata(a.x), tarn_tensor_cdata(few.x), 784) != 0);
    CHECK_EQ_I(tarn_tensor_numel(other.x), 0);
    tarn_dataset_clear(&a);
    tarn_dataset_clear(&b);
    tarn_dataset_clear(&few);
    tarn_dataset_clear(&other);
}

TEST(digits_have_the_form_of_mnist) {
    tarn_dataset d;
    tarn_shape want = TARN_SHAPE(3000, 28, 28);
    int count[10] = {0};
    CHECK_OK(tarn_data_digits(2, 3000, 0, &d, NULL));
    CHECK_OK(tarn_dataset_check(&d));
    CHECK(tarn_shape_equal(tarn_tensor_shape(d.x), &want));
    CHECK(d.generated && d.scale == 1.0 / 255 && d.classes == 10);
    for (int i = 0; i < 3000; i++) count[((const int32_t *)tarn_tensor_cdata(d.y))[i]]++;
    for (int c = 0; c < 10; c++)
        CHECK(count[c] > 230 && count[c] < 370);  // 300, 4 deviations of 16.4
    tarn_dataset_clear(&d);
}

// The centre of mass is within a pixel of the middle and there is ink, but not everywhere.
TEST(digits_are_centred_by_mass) {
    tarn_dataset d;
    CHECK_OK(tarn_data_digits(3, 500, 0, &d, NULL));
    const uint8_t *x = tarn_tensor_cdata(d.x);
    for (int i = 0; i < 500; i++) {
        double mass = 0, row = 0, column = 0;
        int inked = 0;
        for (int j = 0; j < 784; j++, x++) {
            mass += *x;
            row += *x * (j / 28);
            column += *x * (j % 28);
            inked += *x > 0;
        }
        CHECK(inked > 20 && inked < 450);
        CHECK(fabs(row / mass - 13.5) < 1 && fabs(column / mass - 13.5) < 1);
    }
    tarn_dataset_clear(&d);
}

TEST(every_digit_has_ways_to_write_it_that_fit_the_path) {
    int ways[10] = {0};
    for (int i = 0; i < ti_glyph_count; i++) {
        const ti_glyph *g = &ti_glyphs[i];
        CHECK(g->digit >= 0 && g->digit < 10 && g->share > 0);
        CHECK(g->n >= 1 && g->n <= TI_GLYPH_STROKES && !g->stroke[0].joined);
        for (int j = 0; j < g->n; j++)
            CHECK(g->stroke[j].n >= 2 && g->stroke[j].n <= TI_STROKE_POINTS);
        ways[g->digit]++;
    }
    for (int d = 0; d < 10; d++) CHECK(ways[d] >= 3);
}

TEST(digits_refuse_negative_numbers) {
    tarn_dataset a, b;
    CHECK_ERR(tarn_data_digits(1, -1, 0, &a, &b), TARN_EARG, "-1 train");
}

TEST(digits_survive_every_failed_allocation) {
    uint64_t live = ti_alloc_stats_now().live;
    for (uint64_t n = 1;; n++) {
        tarn_dataset a, b;
        uint64_t before = ti_alloc_stats_now().calls;
        ti_alloc_fail_at(n);
        tarn_status st = tarn_data_digits(1, 2, 2, &a, &b);
        uint64_t calls = ti_alloc_stats_now().calls - before;
        ti_alloc_fail_at(0);
        if (st == TARN_OK) {
            tarn_dataset_clear(&a);
            tarn_dataset_clear(&b);
            if (calls >= n) SKIP("this build has no failing allocations");
            break;
        }
        CHECK_EQ_I(st, TARN_ENOMEM);
        CHECK_EQ_I(ti_alloc_stats_now().live, live);
    }
}
