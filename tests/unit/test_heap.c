/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/heap.h"
#include "cmocka_all.h"

enum { MANY = 500 };

/* What the heap should hold: the key of each item, and the place that it was told last. */
struct model {
    struct alloc_test a;
    struct nx_heap h;
    uint64_t key[MANY];
    uint32_t place[MANY];
    uint32_t count;
};

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct model *m = ctx;
    m->place[item] = place;
}

static void start(struct model *m)
{
    *m = (struct model){.count = 0};
    alloc_test_init(&m->a);
    nx_heap_init(&m->h, &m->a.a, moved, m);
    for (uint32_t i = 0; i < MANY; i++)
        m->place[i] = NX_HEAP_NOWHERE;
}

static void finish(struct model *m)
{
    nx_heap_free(&m->h);
    assert_int_equal(m->a.live, 0);
}

static void put(struct model *m, uint64_t key, uint32_t item)
{
    m->key[item] = key;
    m->count++;
    assert_int_equal(nx_heap_put(&m->h, key, item), 0);
}

static void take(struct model *m, uint32_t item)
{
    m->count--;
    nx_heap_take(&m->h, m->place[item]);
    assert_true(m->place[item] == NX_HEAP_NOWHERE);
}

/* Every item is where it was told, and none comes before the first. */
static void check(const struct model *m)
{
    uint64_t least = UINT64_MAX;
    uint32_t in = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        if (m->place[i] == NX_HEAP_NOWHERE)
            continue;
        in++;
        assert_true(m->place[i] < m->h.count && m->h.entries[m->place[i]].item == i);
        if (m->key[i] < least)
            least = m->key[i];
    }
    assert_int_equal(in, m->count);
    assert_int_equal(m->h.count, m->count);
    assert_true(nx_heap_first_key(&m->h) == least);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void items_come_out_by_their_keys(void **state)
{
    (void)state;
    struct model m;
    start(&m);
    assert_true(nx_heap_first_key(&m.h) == UINT64_MAX);
    uint32_t seed = 1;
    for (uint32_t i = 0; i < MANY; i++)
        put(&m, next_random(&seed) % 100, i);
    uint64_t before = 0;
    while (m.count) {
        check(&m);
        uint64_t key = nx_heap_first_key(&m.h);
        assert_true(key >= before);
        before = key;
        take(&m, nx_heap_first(&m.h));
    }
    check(&m);
    finish(&m);
}

static void any_item_can_be_taken_out_at_any_time(void **state)
{
    (void)state;
    struct model m;
    start(&m);
    uint32_t seed = 2;
    for (int turn = 0; turn < 20000; turn++) {
        uint32_t item = next_random(&seed) % MANY;
        if (m.place[item] == NX_HEAP_NOWHERE)
            put(&m, next_random(&seed) % 1000, item);
        else
            take(&m, item);
        if (turn % 16 == 0)
            check(&m);
    }
    finish(&m);
}

/* The last leaf may belong above the place that it fills: another branch holds smaller keys. */
static void what_fills_a_gap_may_have_to_rise(void **state)
{
    (void)state;
    struct model m;
    start(&m);
    static const uint64_t keys[] = {1, 10, 2, 11, 12, 3, 4};
    for (uint32_t i = 0; i < 7; i++)
        put(&m, keys[i], i);
    take(&m, 3);
    check(&m);
    assert_true(m.place[6] < m.place[1]);
    finish(&m);
}

static void without_memory_nothing_is_put_in_and_nothing_lost(void **state)
{
    (void)state;
    struct model m;
    start(&m);
    uint32_t failures = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        m.a.fail_at = m.a.calls + 1;
        if (nx_heap_put(&m.h, MANY - i, i) == NOEX_ENOMEM) {
            failures++;
            assert_true(m.place[i] == NX_HEAP_NOWHERE);
            check(&m);
            m.a.fail_at = 0;
            assert_int_equal(nx_heap_put(&m.h, MANY - i, i), 0);
        }
        m.key[i] = MANY - i;
        m.count++;
        check(&m);
    }
    assert_int_equal(failures, 6); /* 16, 32, .. 512 */
    finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_by_their_keys),
        cmocka_unit_test(any_item_can_be_taken_out_at_any_time),
        cmocka_unit_test(what_fills_a_gap_may_have_to_rise),
        cmocka_unit_test(without_memory_nothing_is_put_in_and_nothing_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
