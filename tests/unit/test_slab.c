/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/slab.h"
#include "cmocka_all.h"

struct record {
    struct nx_slot slot;
    uint64_t value;
};

enum { MANY = 1000 };

static void records_are_zero_keep_their_place_and_are_found_by_slot_and_generation(void **state)
{
    (void)state;
    struct alloc_test a = {0};
    struct nx_slab s;
    struct record *at[MANY];
    uint32_t slot[MANY];
    alloc_test_init(&a);
    nx_slab_init(&s, &a.a, sizeof(struct record));
    for (uint32_t i = 0; i < MANY; i++) {
        slot[i] = nx_slab_take(&s);
        assert_int_not_equal(slot[i], 0);
        at[i] = nx_slab_at(&s, slot[i]);
        assert_int_equal(at[i]->value, 0);
        at[i]->value = i;
    }
    assert_int_equal(s.used, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_ptr_equal(nx_slab_find(&s, slot[i], at[i]->slot.generation), at[i]);
        assert_int_equal(at[i]->value, i);
        assert_null(nx_slab_find(&s, slot[i], at[i]->slot.generation + 1));
    }
    nx_slab_free(&s);
    assert_int_equal(a.live, 0);
}

static void a_slot_that_is_given_back_has_another_generation_and_is_handed_out_again(void **state)
{
    (void)state;
    struct alloc_test a = {0};
    struct nx_slab s;
    alloc_test_init(&a);
    nx_slab_init(&s, &a.a, sizeof(struct record));
    uint32_t slot = nx_slab_take(&s), last = 0;
    for (int i = 0; i < 5; i++) {
        struct record *r = nx_slab_at(&s, slot);
        uint32_t generation = r->slot.generation;
        assert_true(generation != 0 && generation != last);
        r->value = 7;
        nx_slab_give(&s, slot);
        assert_null(nx_slab_find(&s, slot, generation));
        assert_null(nx_slab_find(&s, slot, generation + 1)); /* not in use */
        assert_int_equal(nx_slab_take(&s), slot);
        assert_int_equal(((struct record *)nx_slab_at(&s, slot))->value, 0);
        last = generation;
    }
    struct record *r = nx_slab_at(&s, slot);
    r->slot.generation = UINT32_MAX;
    nx_slab_give(&s, slot);
    assert_int_equal(nx_slab_take(&s), slot);
    assert_int_equal(((struct record *)nx_slab_at(&s, slot))->slot.generation, 1);
    nx_slab_free(&s);
    assert_int_equal(a.live, 0);
}

static void any_numbers_may_be_asked_for(void **state)
{
    (void)state;
    struct alloc_test a = {0};
    struct nx_slab s;
    alloc_test_init(&a);
    nx_slab_init(&s, &a.a, sizeof(struct record));
    assert_null(nx_slab_find(&s, 1, 1));
    assert_int_equal(nx_slab_next(&s, 0), 0);
    uint32_t slot = nx_slab_take(&s);
    const uint32_t odd[] = {0, slot + 1, 128, 129, 4711, UINT32_MAX};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_null(nx_slab_find(&s, odd[i], 1));
    nx_slab_free(&s);
    assert_int_equal(a.live, 0);
}

static void a_walk_meets_each_slot_in_use(void **state)
{
    (void)state;
    struct alloc_test a = {0};
    struct nx_slab s;
    alloc_test_init(&a);
    nx_slab_init(&s, &a.a, sizeof(struct record));
    for (uint32_t i = 1; i <= MANY; i++)
        assert_int_equal(nx_slab_take(&s), i);
    for (uint32_t i = 1; i <= MANY; i++)
        if (i % 3)
            nx_slab_give(&s, i);
    uint32_t met = 0;
    for (uint32_t slot = 0; (slot = nx_slab_next(&s, slot));)
        assert_int_equal(slot, 3 * ++met);
    assert_int_equal(met, s.used);
    nx_slab_free(&s);
    assert_int_equal(a.live, 0);
}

static void without_memory_nothing_is_taken_and_nothing_lost(void **state)
{
    (void)state;
    struct alloc_test a = {0};
    struct nx_slab s;
    alloc_test_init(&a);
    for (size_t k = 1; k <= 2; k++) {
        nx_slab_init(&s, &a.a, sizeof(struct record));
        a.fail_at = a.calls + k;
        assert_int_equal(nx_slab_take(&s), 0);
        assert_int_equal(nx_slab_take(&s), 1);
        nx_slab_free(&s);
    }
    assert_int_equal(a.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_zero_keep_their_place_and_are_found_by_slot_and_generation),
        cmocka_unit_test(a_slot_that_is_given_back_has_another_generation_and_is_handed_out_again),
        cmocka_unit_test(any_numbers_may_be_asked_for),
        cmocka_unit_test(a_walk_meets_each_slot_in_use),
        cmocka_unit_test(without_memory_nothing_is_taken_and_nothing_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
