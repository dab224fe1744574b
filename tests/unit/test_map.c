/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/map.h"
#include "cmocka_all.h"
#include <stdlib.h>

struct record {
    struct nx_map_entry entry;
    uint64_t value;
};

struct fixture {
    struct alloc_test alloc;
    struct nx_slab slab;
    struct nx_map map;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct nx_map_seed seed = {{1, 2}};
    alloc_test_init(&f->alloc);
    nx_slab_init(&f->slab, &f->alloc.a, sizeof(struct record));
    nx_map_init(&f->map, &f->slab, &seed);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nx_map_free(&f->map);
    nx_slab_free(&f->slab);
    size_t live = f->alloc.live;
    free(f);
    return live != 0;
}

static uint32_t put_at(struct fixture *f, uint64_t value, uint32_t hash)
{
    uint32_t slot = nx_slab_take(&f->slab);
    assert_int_not_equal(slot, 0);
    ((struct record *)nx_slab_at(&f->slab, slot))->value = value;
    nx_map_put(&f->map, slot, hash);
    return slot;
}

static uint32_t hash_of(const struct fixture *f, uint64_t value)
{
    const uint32_t words[] = {(uint32_t)value, (uint32_t)(value >> 32)};
    return nx_map_hash(&f->map, words, 2);
}

static uint32_t put(struct fixture *f, uint64_t value)
{
    return put_at(f, value, hash_of(f, value));
}

/* How many records are looked at before it is found; 0: it is not there. */
static uint32_t probes(const struct fixture *f, uint64_t value, uint32_t hash)
{
    uint32_t n = 0;
    for (uint32_t s = nx_map_first(&f->map, hash); s; s = nx_map_next(&f->map, s)) {
        n++;
        if (((struct record *)nx_slab_at(&f->slab, s))->value == value)
            return n;
    }
    return 0;
}

static bool has(const struct fixture *f, uint64_t value)
{
    return probes(f, value, hash_of(f, value)) != 0;
}

static uint32_t longest_chain(const struct nx_map *m)
{
    uint32_t longest = 0;
    for (uint32_t b = 0; b < m->buckets; b++) {
        uint32_t n = 0, s = b < NX_MAP_INLINE ? m->small[b] : m->segments[b >> 8][b & 255];
        for (; s; s = ((struct nx_map_entry *)nx_slab_at(m->slab, s))->next)
            n++;
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* PYTHONHASHSEED=0 python3.11 -c "import struct; print(hex(hash(struct.pack('<2I', 1, 2))))" */
static void the_hash_is_siphash_1_3_as_python_has_it(void **state)
{
    (void)state;
    const struct nx_slab slab = {0};
    const struct nx_map_seed zero = {{0, 0}};
    const uint32_t words[] = {1, 2, 3, 4, 5};
    const uint32_t expected[] = {0xc37b7090, 0xc9bd25ef, 0xb75cd78e, 0xb1c8610d, 0x8d24dc06};
    struct nx_map m;
    nx_map_init(&m, &slab, &zero);
    for (size_t n = 1; n <= 5; n++)
        assert_int_equal(nx_map_hash(&m, words, n), expected[n - 1]);
}

static void another_seed_is_another_hash(void **state)
{
    (void)state;
    const struct nx_slab slab = {0};
    const struct nx_map_seed seeds[] = {{{0, 0}}, {{1, 0}}, {{0, 1}}, {{1, 1}}};
    const uint32_t word = 4711;
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++) {
            struct nx_map a, b;
            nx_map_init(&a, &slab, &seeds[i]);
            nx_map_init(&b, &slab, &seeds[k]);
            assert_int_not_equal(nx_map_hash(&a, &word, 1), nx_map_hash(&b, &word, 1));
        }
}

static void all_that_is_in_is_found_while_it_grows_and_shrinks(void **state)
{
    struct fixture *f = *state;
    enum { N = 5000 };
    static uint32_t slots[N];
    for (uint32_t n = 0; n < N; n++) {
        slots[n] = put(f, n);
        assert_true(has(f, n));
        assert_true(has(f, n / 2));
        assert_false(has(f, n + 1));
    }
    for (uint32_t n = 0; n < N; n++)
        assert_true(has(f, n));
    for (uint32_t n = 0; n < N; n += 2) {
        nx_map_remove(&f->map, slots[n]);
        nx_slab_give(&f->slab, slots[n]);
    }
    for (uint32_t n = 0; n < N; n++)
        assert_int_equal(has(f, n), n % 2);
    assert_int_equal(f->map.count, N / 2);
}

static void records_of_other_hashes_in_a_chain_are_stepped_over(void **state)
{
    struct fixture *f = *state;
    uint32_t a = put_at(f, 1, 7);
    put_at(f, 2, 7 + NX_MAP_INLINE);
    uint32_t b = put_at(f, 3, 7);
    put_at(f, 4, 7 + NX_MAP_INLINE);
    assert_int_equal(longest_chain(&f->map), 4);
    assert_int_equal(nx_map_first(&f->map, 7), b);
    assert_int_equal(nx_map_next(&f->map, b), a);
    assert_int_equal(nx_map_next(&f->map, a), 0);
}

static void records_of_one_hash_are_told_apart_by_the_caller(void **state)
{
    struct fixture *f = *state;
    enum { N = 100 };
    uint32_t slots[N];
    for (uint32_t n = 0; n < N; n++)
        slots[n] = put_at(f, n, 7);
    put_at(f, 4711, 7 + NX_MAP_INLINE); /* the same bucket at first, another hash */
    for (uint32_t n = 0; n < N; n++)
        assert_int_equal(probes(f, n, 7), N - n);
    assert_int_equal(probes(f, 4711, 7), 0);
    for (uint32_t n = 0; n < N; n += 3) { /* from the end, the middle and the head of the chain */
        nx_map_remove(&f->map, slots[n]);
        assert_int_equal(probes(f, n, 7), 0);
    }
    for (uint32_t n = 0; n < N; n++)
        assert_int_equal(probes(f, n, 7) != 0, n % 3 != 0);
}

/* So the cost of one put does not grow with how many there are. */
static void chains_stay_short_and_no_put_grows_by_more_than_a_bucket(void **state)
{
    struct fixture *f = *state;
    for (uint32_t n = 0; n < 200000; n++) {
        uint32_t buckets = f->map.buckets;
        size_t calls = f->alloc.calls;
        put(f, n);
        assert_true(f->map.buckets - buckets <= 1);
        assert_true(f->alloc.calls - calls <= 4); /* a chunk of the slab and one of the map */
        assert_true(f->map.buckets >= f->map.count);
    }
    assert_true(longest_chain(&f->map) <= 16);
}

static void values_chosen_to_collide_under_one_seed_do_not_under_another(void **state)
{
    struct fixture *f = *state;
    const struct nx_map_seed other = {{3, 4}};
    struct nx_map known = f->map;
    enum { WANTED = 256 };
    uint32_t found = 0;
    for (uint64_t value = 0; found < WANTED; value++)
        if ((hash_of(f, value) & 0xff) == 0) {
            known.seed = other;
            const uint32_t words[] = {(uint32_t)value, (uint32_t)(value >> 32)};
            put_at(f, value, nx_map_hash(&known, words, 2));
            found++;
        }
    assert_true(longest_chain(&f->map) <= 12); /* with the seed known: 256 in one */
}

static void without_memory_to_grow_it_still_finds_and_catches_up_later(void **state)
{
    struct fixture *f = *state;
    enum { N = 2000, LATER = 2000 };
    uint32_t slots[N];
    for (uint32_t n = 0; n < N; n++)
        slots[n] = nx_slab_take(&f->slab);
    f->alloc.fail_at = f->alloc.calls + 1;
    f->alloc.fail_on = true;
    for (uint32_t n = 0; n < N; n++) {
        ((struct record *)nx_slab_at(&f->slab, slots[n]))->value = n;
        nx_map_put(&f->map, slots[n], hash_of(f, n));
    }
    assert_int_equal(f->map.buckets, NX_MAP_INLINE);
    for (uint32_t n = 0; n < N; n++)
        assert_true(has(f, n));
    f->alloc.fail_at = 0;
    f->alloc.fail_on = false;
    for (uint32_t n = 0; n < LATER; n++) {
        uint32_t buckets = f->map.buckets;
        put(f, N + n);
        assert_true(f->map.buckets - buckets <= 2);
    }
    assert_true(f->map.buckets >= f->map.count);
    for (uint32_t n = 0; n < N + LATER; n++)
        assert_true(has(f, n));
}

static void each_allocation_may_fail_alone(void **state)
{
    struct fixture *f = *state;
    enum { N = 4000 };
    static uint32_t slots[N];
    for (uint32_t n = 0; n < N; n++)
        slots[n] = nx_slab_take(&f->slab);
    for (size_t k = 1;; k++) {
        struct nx_map *m = &f->map;
        f->alloc.failed = 0;
        f->alloc.fail_at = f->alloc.calls + k;
        for (uint32_t n = 0; n < N; n++) {
            ((struct record *)nx_slab_at(&f->slab, slots[n]))->value = n;
            nx_map_put(m, slots[n], hash_of(f, n));
        }
        for (uint32_t n = 0; n < N; n++)
            assert_true(has(f, n));
        nx_map_free(m);
        assert_int_equal(m->count, 0);
        if (!f->alloc.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash_1_3_as_python_has_it),
        cmocka_unit_test(another_seed_is_another_hash),
        cmocka_unit_test_setup_teardown(all_that_is_in_is_found_while_it_grows_and_shrinks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(records_of_other_hashes_in_a_chain_are_stepped_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(records_of_one_hash_are_told_apart_by_the_caller, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(chains_stay_short_and_no_put_grows_by_more_than_a_bucket,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            values_chosen_to_collide_under_one_seed_do_not_under_another, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_to_grow_it_still_finds_and_catches_up_later,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(each_allocation_may_fail_alone, setup, teardown),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
