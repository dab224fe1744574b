/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "golden.h"
#include "term/check.h"
#include "term/read.h"
#include "term/write.h"
#include <math.h>

struct fixture {
    struct alloc_test t;
    struct nx_buf out;
};

static void start(struct fixture *f, size_t max)
{
    alloc_test_init(&f->t);
    nx_buf_init(&f->out, &f->t.a, max);
}

static void finish(struct fixture *f)
{
    nx_buf_free(&f->out);
    assert_int_equal(f->t.live, 0);
}

/* What was written is this, and one well formed term. */
static void expect(struct fixture *f, int rc, const char *hex)
{
    struct nx_span want = exact_hex(hex), got = nx_buf_span(&f->out);
    size_t used = 0;
    assert_int_equal(rc, 0);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr, want.ptr, want.len);
    assert_int_equal(nx_term_check(got, &used, NULL), 0);
    assert_int_equal(used, got.len);
    nx_buf_consume(&f->out, got.len);
    exact_free(want);
}

static void scalars_stand_as_the_format_says(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1000);
    expect(&f, nx_write_atom(&f.out, "ok"), "77 02 6f6b");
    expect(&f, nx_write_atom(&f.out, ""), "77 00");
    expect(&f, nx_write_atom(&f.out, "é"), "77 02 c3a9");
    expect(&f, nx_write_int(&f.out, 0), "61 00");
    expect(&f, nx_write_int(&f.out, 255), "61 ff");
    expect(&f, nx_write_int(&f.out, 256), "62 00000100");
    expect(&f, nx_write_int(&f.out, -1), "62 ffffffff");
    expect(&f, nx_write_int(&f.out, INT64_MAX), "6e 08 00 ffffffffffffff7f");
    expect(&f, nx_write_int(&f.out, INT64_MIN), "6e 08 01 0000000000000080");
    expect(&f, nx_write_uint(&f.out, UINT64_MAX), "6e 08 00 ffffffffffffffff");
    expect(&f, nx_write_uint(&f.out, 7), "61 07");
    expect(&f, nx_write_double(&f.out, 1.5), "46 3ff8000000000000");
    expect(&f, nx_write_double(&f.out, -0.0), "46 8000000000000000");
    expect(&f, nx_write_binary(&f.out, nx_span_str("abc")), "6d 00000003 616263");
    expect(&f, nx_write_binary(&f.out, nx_span(NULL, 0)), "6d 00000000");
    expect(&f, nx_write_string(&f.out, nx_span_str("abc")), "6b 0003 616263");
    expect(&f, nx_write_string(&f.out, nx_span(NULL, 0)), "6a");
    expect(&f, nx_write_nil(&f.out), "6a");
    expect(&f, nx_write_raw(&f.out, nx_span("\x61\x05", 2)), "61 05");
    finish(&f);
}

static void containers_are_a_head_and_what_follows(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 2000);
    expect(&f, nx_write_tuple_head(&f.out, 0), "68 00");
    expect(&f, nx_write_map_head(&f.out, 0), "74 00000000");
    assert_int_equal(nx_write_tuple_head(&f.out, 2), 0);
    assert_int_equal(nx_write_map_head(&f.out, 1), 0);
    assert_int_equal(nx_write_atom(&f.out, "k"), 0);
    assert_int_equal(nx_write_list_head(&f.out, 1), 0);
    assert_int_equal(nx_write_int(&f.out, 1), 0);
    assert_int_equal(nx_write_nil(&f.out), 0);
    expect(&f, nx_write_nil(&f.out), "68 02 74 00000001 77 01 6b 6c 00000001 61 01 6a 6a");
    assert_int_equal(nx_write_tuple_head(&f.out, 256), 0);
    assert_int_equal(nx_buf_span(&f.out).ptr[0], 105);
    for (int i = 0; i < 256; i++)
        assert_int_equal(nx_write_nil(&f.out), 0);
    size_t used;
    assert_int_equal(nx_term_check(nx_buf_span(&f.out), &used, NULL), 0);
    finish(&f);
}

static void a_list_of_no_elements_is_just_its_tail(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 100);
    assert_int_equal(nx_write_list_head(&f.out, 0), 0);
    expect(&f, nx_write_nil(&f.out), "6a");
    finish(&f);
}

static void integers_and_doubles_read_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 100);
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t bits = (UINT64_C(1) << bit) + (uint64_t)d;
            int64_t value = (int64_t)bits, back = ~value;
            assert_int_equal(nx_write_int(&f.out, value), 0);
            struct nx_rd in = nx_rd(nx_buf_span(&f.out));
            assert_true(nx_read_int(&in, &back) && back == value && nx_rd_left(&in) == 0);
            nx_buf_consume(&f.out, nx_buf_len(&f.out));
            uint64_t unsigned_back = ~bits;
            assert_int_equal(nx_write_uint(&f.out, bits), 0);
            assert_true(nx_u64_parse(nx_buf_span(&f.out), &unsigned_back) && unsigned_back == bits);
            nx_buf_consume(&f.out, nx_buf_len(&f.out));
            double number, written = ldexp((double)value, (int)bit - 900);
            assert_int_equal(nx_write_double(&f.out, written), 0);
            in = nx_rd(nx_buf_span(&f.out));
            assert_true(nx_read_double(&in, &number) && number == written);
            nx_buf_consume(&f.out, nx_buf_len(&f.out));
        }
    }
    finish(&f);
}

static void a_string_of_any_length_is_a_list_of_its_bytes(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1 << 20);
    static uint8_t bytes[70000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(nx_write_string(&f.out, nx_span(bytes, 65535)), 0);
    assert_int_equal(nx_buf_len(&f.out), 3 + 65535);
    nx_buf_consume(&f.out, nx_buf_len(&f.out));
    assert_int_equal(nx_write_string(&f.out, nx_span(bytes, sizeof bytes)), 0);
    struct nx_rd in = nx_rd(nx_buf_span(&f.out));
    uint32_t elements = 0;
    assert_true(nx_read_list_head(&in, &elements));
    assert_int_equal(elements, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        int64_t value = -1;
        assert_true(nx_read_int(&in, &value));
        assert_int_equal(value, bytes[i]);
    }
    assert_true(nx_read_nil(&in) && nx_rd_left(&in) == 0);
    finish(&f);
}

static void what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 4000);
    char text[300];
    memset(text, 'a', sizeof text);
    text[256] = '\0';
    assert_int_equal(nx_write_atom(&f.out, text), NOEX_EINVALID);
    assert_int_equal(nx_write_atom(&f.out, "\xff"), NOEX_EINVALID);
    assert_int_equal(nx_write_double(&f.out, (double)INFINITY), NOEX_EINVALID);
    assert_int_equal(nx_write_double(&f.out, -(double)INFINITY), NOEX_EINVALID);
    assert_int_equal(nx_write_double(&f.out, (double)NAN), NOEX_EINVALID);
    assert_int_equal(nx_write_tuple_head(&f.out, (size_t)INT32_MAX + 1), NOEX_ELIMIT);
    assert_int_equal(nx_write_list_head(&f.out, SIZE_MAX), NOEX_ELIMIT);
    assert_int_equal(nx_write_map_head(&f.out, SIZE_MAX), NOEX_ELIMIT);
    /* refused by their length alone, before a byte is read */
    assert_int_equal(nx_write_binary(&f.out, nx_span("", (size_t)INT32_MAX)), NOEX_ELIMIT);
    assert_int_equal(nx_write_string(&f.out, nx_span("", (size_t)INT32_MAX / 2)), NOEX_ELIMIT);
    assert_int_equal(nx_buf_len(&f.out), 0);
    text[255] = '\0';
    assert_int_equal(nx_write_atom(&f.out, text), 0);
    finish(&f);
}

static int write_all(struct nx_buf *out)
{
    static const uint8_t bytes[300];
    int rc = 0;
    for (int i = 0; i < 44 && !rc; i++) {
        size_t before = nx_buf_len(out);
        switch (i % 11) {
        case 0:
            rc = nx_write_tuple_head(out, 10);
            break;
        case 1:
            rc = nx_write_atom(out, "some_atom");
            break;
        case 2:
            rc = nx_write_int(out, INT64_MIN);
            break;
        case 3:
            rc = nx_write_uint(out, UINT64_MAX);
            break;
        case 4:
            rc = nx_write_double(out, 1.5);
            break;
        case 5:
            rc = nx_write_binary(out, nx_span(bytes, sizeof bytes));
            break;
        case 6:
            rc = nx_write_string(out, nx_span(bytes, sizeof bytes));
            break;
        case 7:
            rc = nx_write_list_head(out, 1);
            break;
        case 8:
            rc = nx_write_map_head(out, 0);
            break;
        case 9:
            rc = nx_write_nil(out);
            break;
        case 10:
            rc = nx_write_raw(out, nx_span("\x6a", 1));
            break;
        }
        assert_true(rc ? nx_buf_len(out) == before : nx_buf_len(out) > before);
    }
    return rc;
}

static void each_allocation_may_fail_and_each_ceiling_be_reached(void **state)
{
    (void)state;
    struct fixture f;
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        for (int on = 0; on <= 1; on++) {
            start(&f, SIZE_MAX);
            f.t.fail_at = k;
            f.t.fail_on = on;
            int rc = write_all(&f.out);
            failed = f.t.failed > 0;
            assert_int_equal(rc, failed ? NOEX_ENOMEM : 0);
            finish(&f);
        }
    }
    for (size_t max = 0; max < 800; max++) {
        start(&f, max);
        assert_int_equal(write_all(&f.out), NOEX_ELIMIT);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_stand_as_the_format_says),
        cmocka_unit_test(containers_are_a_head_and_what_follows),
        cmocka_unit_test(a_list_of_no_elements_is_just_its_tail),
        cmocka_unit_test(integers_and_doubles_read_back),
        cmocka_unit_test(a_string_of_any_length_is_a_list_of_its_bytes),
        cmocka_unit_test(what_cannot_be_said_is_refused),
        cmocka_unit_test(each_allocation_may_fail_and_each_ceiling_be_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
