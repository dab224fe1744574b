/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/buf.h"
#include "cmocka_all.h"

static void grows_to_its_ceiling_and_no_further(void **state)
{
    (void)state;
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf b;
    nx_buf_init(&b, &t.a, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(nx_buf_put_u8(&b, (uint8_t)i), 0);
    assert_int_equal(nx_buf_put_u8(&b, 1), NOEX_ELIMIT);
    assert_int_equal(nx_buf_len(&b), 1000);
    nx_buf_consume(&b, 10);
    assert_int_equal(nx_buf_put(&b, "0123456789", 10), 0);
    assert_int_equal(nx_buf_put_u8(&b, 1), NOEX_ELIMIT);
    assert_int_equal(nx_buf_span(&b).ptr[0], 10);
    assert_memory_equal(nx_buf_span(&b).ptr + 990, "0123456789", 10);
    nx_buf_free(&b);
    assert_int_equal(t.live, 0);
}

static void keeps_its_contents_when_memory_is_out(void **state)
{
    (void)state;
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf b;
    nx_buf_init(&b, &t.a, SIZE_MAX);
    assert_int_equal(nx_buf_put(&b, "abc", 3), 0);
    t.fail_at = t.calls + 1;
    t.fail_on = true;
    assert_int_equal(nx_buf_reserve(&b, 100000), NOEX_ENOMEM);
    assert_true(nx_span_is(nx_buf_span(&b), "abc"));
    nx_buf_free(&b);
    assert_int_equal(t.live, 0);
}

static void what_fits_needs_no_memory(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_buf b;
    alloc_test_init(&t);
    nx_buf_init(&b, &t.a, SIZE_MAX);
    assert_int_equal(nx_buf_reserve(&b, 100000), 0);
    assert_int_equal(nx_buf_put(&b, "0123456789", 10), 0);
    nx_buf_consume(&b, 10);
    nx_buf_shrink(&b, 64);
    assert_int_equal(b.cap, 64);
    t.fail_at = t.calls + 1;
    t.fail_on = true;
    for (int i = 0; i < 6; i++)
        assert_int_equal(nx_buf_put(&b, "0123456789", 10), 0);
    nx_buf_consume(&b, 7);
    nx_buf_shrink(&b, 8); /* it is not empty */
    assert_int_equal(nx_buf_put(&b, "abcdefghijk", 11), 0);
    assert_int_equal(nx_buf_put_u8(&b, 0), NOEX_ENOMEM);
    assert_int_equal(nx_buf_len(&b), 64);
    assert_memory_equal(nx_buf_span(&b).ptr, "789012", 6);
    nx_buf_consume(&b, 64);
    nx_buf_shrink(&b, 8); /* without memory it stays as it is */
    assert_int_equal(nx_buf_put(&b, "0123456789", 10), 0);
    nx_buf_free(&b);
    assert_int_equal(t.live, 0);
}

static void writes_big_endian(void **state)
{
    (void)state;
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf b;
    nx_buf_init(&b, &t.a, 100);
    assert_int_equal(nx_buf_put_u16(&b, 0x0102), 0);
    assert_int_equal(nx_buf_put_u32(&b, 0x03040506), 0);
    assert_int_equal(nx_buf_put_u64(&b, UINT64_C(0x0708090a0b0c0d0e)), 0);
    for (uint8_t i = 0; i < 14; i++)
        assert_int_equal(nx_buf_span(&b).ptr[i], i + 1);
    struct nx_rd r = nx_rd(nx_buf_span(&b));
    uint16_t a = 0;
    uint32_t c = 0;
    uint64_t d = 0;
    assert_true(nx_rd_u16(&r, &a) && nx_rd_u32(&r, &c) && nx_rd_u64(&r, &d));
    assert_true(a == 0x0102 && c == 0x03040506 && d == UINT64_C(0x0708090a0b0c0d0e));
    assert_false(nx_rd_u16(&r, &a));
    nx_buf_free(&b);
}

static void a_queue_of_any_pattern_keeps_its_bytes(void **state)
{
    (void)state;
    struct alloc_test t;
    alloc_test_init(&t);
    struct nx_buf b;
    nx_buf_init(&b, &t.a, 1 << 16);
    uint8_t in = 0, out = 0;
    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = round * 7919 % 97; i; i--)
            assert_int_equal(nx_buf_put_u8(&b, in++), 0);
        size_t n = round * 104729 % 89;
        n = n < nx_buf_len(&b) ? n : nx_buf_len(&b);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(nx_buf_span(&b).ptr[i], out++);
        nx_buf_consume(&b, n);
    }
    nx_buf_free(&b);
    assert_int_equal(t.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_ceiling_and_no_further),
        cmocka_unit_test(keeps_its_contents_when_memory_is_out),
        cmocka_unit_test(what_fits_needs_no_memory),
        cmocka_unit_test(writes_big_endian),
        cmocka_unit_test(a_queue_of_any_pattern_keeps_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
