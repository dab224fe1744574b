/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/schedule.h"
#include "cmocka_all.h"

enum { ITEMS = 500 };

static void the_earliest_comes_first_and_only_when_it_is_due(void **state)
{
    (void)state;
    struct schedule s;
    static struct scheduled items[ITEMS];
    memset(items, 0, sizeof items);
    assert_true(schedule_init(&s, ITEMS));
    assert_true(schedule_next(&s) == UINT64_MAX);
    for (size_t i = 0; i < ITEMS; i++)
        schedule_at(&s, &items[i], i * 7919 % 1009);
    uint64_t last = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t next = schedule_next(&s);
        assert_true(next >= last);
        assert_null(next ? schedule_due(&s, next - 1) : NULL);
        struct scheduled *item = schedule_due(&s, next);
        assert_non_null(item);
        assert_int_equal(item->at_us, next);
        assert_int_equal(item->place, 0);
        last = next;
    }
    assert_null(schedule_due(&s, UINT64_MAX));
    schedule_free(&s);
}

static void moving_and_cancelling_keep_the_order(void **state)
{
    (void)state;
    struct schedule s;
    static struct scheduled items[ITEMS];
    memset(items, 0, sizeof items);
    assert_true(schedule_init(&s, ITEMS));
    uint32_t random = 1;
    for (size_t round = 0; round < 20000; round++) {
        random = random * 1664525 + 1013904223;
        struct scheduled *item = &items[random / 65536 % ITEMS];
        if (random / 16 % 3)
            schedule_at(&s, item, random / 4096 % 100000);
        else
            schedule_cancel(&s, item);
    }
    size_t scheduled = 0, taken = 0;
    for (size_t i = 0; i < ITEMS; i++)
        scheduled += items[i].place != 0;
    uint64_t last = 0;
    for (struct scheduled *item; (item = schedule_due(&s, UINT64_MAX)); taken++) {
        assert_true(item->at_us >= last);
        last = item->at_us;
    }
    assert_true(scheduled > 0 && taken == scheduled);
    schedule_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_comes_first_and_only_when_it_is_due),
        cmocka_unit_test(moving_and_cancelling_keep_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
