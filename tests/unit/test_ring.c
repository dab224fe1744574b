/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/ring.h"
#include "cmocka_all.h"

struct record {
    struct nx_slot slot;
    struct nx_ring_link a;
    struct nx_ring_link b;
};

enum { N = 5, IN_A = offsetof(struct record, a), IN_B = offsetof(struct record, b) };

static void take(struct nx_slab *s, struct alloc_test *alloc, uint32_t slots[N])
{
    alloc_test_init(alloc);
    nx_slab_init(s, &alloc->a, sizeof(struct record));
    for (int i = 0; i < N; i++)
        slots[i] = nx_slab_take(s);
}

/* The ring holds exactly those of `slots` whose bit is set, in their order. */
static void expect(const struct nx_slab *s, size_t offset, const struct nx_ring *r,
                   const uint32_t slots[N], unsigned bits)
{
    uint32_t slot = r->first, count = 0;
    for (int i = 0; i < N; i++)
        if (bits & 1u << i) {
            assert_int_equal(slot, slots[i]);
            slot = nx_ring_next(s, offset, r, slot);
            count++;
        }
    assert_int_equal(slot, 0);
    assert_int_equal(r->count, count);
}

static void every_subset_can_be_taken_out_in_both_directions(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < 1u << N; gone++)
        for (int down = 0; down < 2; down++) {
            struct alloc_test alloc = {0};
            struct nx_slab s;
            struct nx_ring r = {0};
            uint32_t slots[N];
            unsigned bits = (1u << N) - 1;
            take(&s, &alloc, slots);
            for (int i = 0; i < N; i++)
                nx_ring_append(&s, IN_A, &r, slots[i]);
            for (int k = 0; k < N; k++) {
                int i = down ? N - 1 - k : k;
                if (!(gone & 1u << i))
                    continue;
                nx_ring_remove(&s, IN_A, &r, slots[i]);
                bits &= ~(1u << i);
                expect(&s, IN_A, &r, slots, bits);
            }
            expect(&s, IN_A, &r, slots, ((1u << N) - 1) & ~gone);
            nx_slab_free(&s);
            assert_int_equal(alloc.live, 0);
        }
}

static void a_record_is_in_two_lists_and_comes_last_when_it_comes_again(void **state)
{
    (void)state;
    struct alloc_test alloc = {0};
    struct nx_slab s;
    struct nx_ring a = {0}, b = {0};
    uint32_t slots[N];
    take(&s, &alloc, slots);
    for (int i = 0; i < N; i++) {
        nx_ring_append(&s, IN_A, &a, slots[i]);
        nx_ring_append(&s, IN_B, &b, slots[N - 1 - i]);
    }
    nx_ring_remove(&s, IN_A, &a, slots[0]);
    nx_ring_append(&s, IN_A, &a, slots[0]);
    const uint32_t in_a[N] = {slots[1], slots[2], slots[3], slots[4], slots[0]};
    const uint32_t in_b[N] = {slots[4], slots[3], slots[2], slots[1], slots[0]};
    expect(&s, IN_A, &a, in_a, (1u << N) - 1);
    expect(&s, IN_B, &b, in_b, (1u << N) - 1);
    nx_slab_free(&s);
    assert_int_equal(alloc.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_subset_can_be_taken_out_in_both_directions),
        cmocka_unit_test(a_record_is_in_two_lists_and_comes_last_when_it_comes_again),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
