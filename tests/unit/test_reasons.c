/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/reasons.h"
#include <stdlib.h>

static void what_goes_in_comes_out_in_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct alloc_test t;
    struct nx_reasons q;
    static struct nx_reason *kept[N];
    uint8_t bytes[3000];
    alloc_test_init(&t);
    nx_reasons_init(&q, &t.a, 16 << 20);
    unsigned in = 0, out = 0;
    while (out < N) {
        unsigned burst = (in * 7919 + 13) % 37;
        for (; burst && in < N; burst--, in++) {
            size_t len = in % 101 == 0 ? 3000 : in % 29;
            memset(bytes, (int)(in & 0xff), len);
            kept[in] = nx_reasons_push(&q, nx_span(bytes, len), in);
            assert_non_null(kept[in]);
        }
        for (unsigned take = in % 31 + 1; take && out < in; take--, out++) {
            assert_int_equal(kept[out]->full_len, out);
            for (size_t i = 0; i < kept[out]->len; i++)
                assert_int_equal(kept[out]->bytes[i], out & 0xff);
            nx_reasons_drop(&q, kept[out]);
        }
    }
    assert_int_equal(q.used, 0);
    nx_reasons_free(&q);
    assert_int_equal(t.live, 0);
}

static void a_storm_of_small_ones_costs_no_allocation_each(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_reasons q;
    alloc_test_init(&t);
    nx_reasons_init(&q, &t.a, 16 << 20);
    for (int i = 0; i < 100000; i++) {
        struct nx_reason *r = nx_reasons_push(&q, nx_span_str("killed"), 6);
        assert_non_null(r);
        nx_reasons_drop(&q, r);
    }
    assert_int_equal(t.calls, 1);
    nx_reasons_free(&q);
}

static void the_budget_is_kept(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_reasons q;
    static uint8_t big[1 << 16];
    alloc_test_init(&t);
    nx_reasons_init(&q, &t.a, 100000);
    struct nx_reason *first = nx_reasons_push(&q, nx_span(big, sizeof big), 1);
    assert_non_null(first);
    assert_null(nx_reasons_push(&q, nx_span(big, sizeof big), 1));
    struct nx_reason *small = nx_reasons_push(&q, nx_span_str("x"), 1);
    assert_non_null(small);
    nx_reasons_drop(&q, first);
    nx_reasons_drop(&q, small);
    first = nx_reasons_push(&q, nx_span(big, sizeof big), 1);
    assert_non_null(first);
    nx_reasons_free(&q);
    assert_int_equal(t.live, 0);
}

static void without_memory_nothing_is_kept_and_the_rest_stays(void **state)
{
    (void)state;
    struct alloc_test t;
    struct nx_reasons q;
    static uint8_t big[1 << 16];
    alloc_test_init(&t);
    nx_reasons_init(&q, &t.a, 1 << 20);
    struct nx_reason *kept = nx_reasons_push(&q, nx_span_str("abc"), 3);
    t.fail_at = t.calls + 1;
    t.fail_on = true;
    assert_null(nx_reasons_push(&q, nx_span(big, sizeof big), 1));
    assert_memory_equal(kept->bytes, "abc", 3);
    nx_reasons_drop(&q, kept);
    nx_reasons_free(&q);
    assert_int_equal(t.live, 0);
}

static void what_is_dropped_out_of_order_frees_its_space_when_its_turn_comes(void **state)
{
    (void)state;
    enum { COUNT = 4000, EACH = 96 }; /* several chunks */
    struct alloc_test t;
    struct nx_reasons q;
    static struct nx_reason *r[COUNT];
    static uint8_t bytes[EACH];
    alloc_test_init(&t);
    nx_reasons_init(&q, &t.a, 1 << 20);
    for (int i = 0; i < COUNT; i++)
        assert_non_null(r[i] = nx_reasons_push(&q, nx_span(bytes, EACH), EACH));
    size_t full = q.used;
    for (int i = 1; i < COUNT; i++)
        nx_reasons_drop(&q, r[i * 1999 % COUNT]);
    assert_int_equal(q.used, full);
    assert_int_equal(r[0]->full_len, EACH);
    nx_reasons_drop(&q, r[0]);
    assert_int_equal(q.used, 0);
    assert_in_range(t.live, 0, 1);
    nx_reasons_free(&q);
    assert_int_equal(t.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_storm_of_small_ones_costs_no_allocation_each),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(what_is_dropped_out_of_order_frees_its_space_when_its_turn_comes),
        cmocka_unit_test(without_memory_nothing_is_kept_and_the_rest_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
