/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pacing.h"

#include "cmocka_all.h"

static void single_DOWNs_are_never_held_back(void **state)
{
    (void)state;
    struct nx_pacing p = {0};
    for (uint64_t ms = 100; ms < 200; ms++)
        for (int i = 0; i < 100; i++)
            assert_false(nx_pacing_note(&p, ms, 1));
}

static void one_piece_is_no_storm_however_big(void **state)
{
    (void)state;
    struct nx_pacing p = {0};
    assert_false(nx_pacing_note(&p, 100, 100000));
    assert_false(nx_pacing_note(&p, 105, 100000));
}

static void a_storm_is_held_and_goes_on_until_it_is_over(void **state)
{
    (void)state;
    struct nx_pacing p = {0};
    int held = 0;
    for (int i = 0; i < 20; i++)
        held += nx_pacing_note(&p, 100, 5);
    assert_int_equal(held, 20 - 6);
    assert_int_equal(p.until_ms, 101);
    assert_true(nx_pacing_note(&p, 101, 300));
    assert_true(nx_pacing_note(&p, 102, 300));
    assert_true(nx_pacing_note(&p, 103, 2));  /* the last of it */
    assert_true(nx_pacing_note(&p, 104, 31)); /* nobody can know yet */
    assert_false(nx_pacing_note(&p, 105, 0));
    assert_false(nx_pacing_note(&p, 110, 1));
    assert_false(p.held);
}

static void other_bytes_are_no_DOWNs(void **state)
{
    (void)state;
    struct nx_pacing p = {0};
    for (int i = 0; i < 1000; i++)
        assert_false(nx_pacing_note(&p, 100 + (uint64_t)i / 100, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_DOWNs_are_never_held_back),
        cmocka_unit_test(one_piece_is_no_storm_however_big),
        cmocka_unit_test(a_storm_is_held_and_goes_on_until_it_is_over),
        cmocka_unit_test(other_bytes_are_no_DOWNs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
