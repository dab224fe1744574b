/* The short way must say what the long one says, or nothing. SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "random_term.h"
#include "term/check.h"
#include "wire/usual.h"

#include <stdlib.h>

static const struct nx_span atoms[] = {
    {(const uint8_t *)"w\3foo", 5}, {(const uint8_t *)"w", 2}, {NULL, 7}};
static const struct nx_atom_refs refs = {3, atoms, 1};

/* A copy of exactly its size, so that a read behind it is seen. */
static struct nx_span exact(struct nx_span s)
{
    uint8_t *copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return nx_span(copy, s.len);
}

static void drop(struct nx_span s)
{
    free((void *)(uintptr_t)s.ptr);
}

/* True where the short way was gone; then both say the same. */
static bool same(struct nx_span in, size_t room)
{
    struct nx_buf quick, slow;
    struct nx_span plain;
    struct nx_plain expanded;
    struct noex_error err = {0};
    size_t used, checked = 0;
    nx_buf_init(&quick, &nx_alloc_libc, room);
    nx_buf_init(&slow, &nx_alloc_libc, SIZE_MAX);
    assert_int_equal(nx_buf_reserve(&quick, room), 0);
    bool usual = nx_usual_term(in, &refs, &quick, &plain, &used);
    if (usual) {
        assert_int_equal(nx_expand(in, &refs, &slow, SIZE_MAX, &expanded, &err), 0);
        assert_int_equal(nx_term_check(expanded.term, &checked, &err), 0);
        assert_int_equal(used, expanded.used);
        assert_int_equal(plain.len, checked);
        assert_memory_equal(plain.ptr, expanded.term.ptr, plain.len);
    } else {
        assert_int_equal(nx_buf_len(&quick), 0);
    }
    nx_buf_free(&quick);
    nx_buf_free(&slow);
    return usual;
}

static void what_reasons_are_made_of_goes_the_short_way(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "5200",
        "7703666f6f",
        "6a",
        "6800",
        "68 02 5200 6101",
        "68 03 62 ffffffff 6e 04 01 01020304 6b 0003 616263",
        "6c 00000002 5200 5201 6a",
        "6c 00000001 6801 5200 5201",
        "6d 00000002 5200",
        "6101 ffff", /* what stands behind the term does not count */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[128];
        struct nx_span in = exact(nx_span(bytes, hex_decode(rows[i], bytes, sizeof bytes)));
        if (!same(in, 256))
            fail_msg("row %zu", i);
        for (size_t cut = 0; cut + (i == 9 ? 2 : 0) < in.len; cut++) {
            struct nx_span part = exact(nx_span(in.ptr, cut));
            assert_false(same(part, 256));
            drop(part);
        }
        drop(in);
    }
}

static void all_else_is_left_to_the_long_way(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "5202",                /* an atom that was lost */
        "5203",                /* a reference that is none */
        "7702c3a4",            /* UTF-8 is checked there */
        "7401 5200 5201",      /* a map */
        "46 7ff0000000000000", /* a float */
        "58 5200 525252525252525252525252",
        "6e 01 02 01",    /* a sign that is none */
        "6c ffffffff 6a", /* more elements than bytes */
        "6b ffff 61",
        "6d ffffffff 61",
        "50 00000000",
        "00",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[128];
        struct nx_span in = exact(nx_span(bytes, hex_decode(rows[i], bytes, sizeof bytes)));
        if (same(in, 256))
            fail_msg("row %zu", i);
        drop(in);
    }
}

static void without_room_it_is_left_too(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct nx_span in = nx_span(bytes, hex_decode("68 02 5200 5200", bytes, sizeof bytes));
    assert_false(same(in, 11));
    assert_true(same(in, 12));
}

static void nesting_is_left_to_the_long_way_before_it_is_too_deep(void **state)
{
    (void)state;
    static uint8_t bytes[2 * (NX_TERM_DEPTH_MAX + 1) + 1];
    for (size_t deep = NX_TERM_DEPTH_MAX - 1; deep <= NX_TERM_DEPTH_MAX + 1; deep++) {
        for (size_t i = 0; i < deep; i++)
            memcpy(bytes + 2 * i, "h\1", 2);
        bytes[2 * deep] = 106;
        assert_int_equal(same(nx_span(bytes, 2 * deep + 1), 4096), deep <= NX_TERM_DEPTH_MAX);
    }
}

static void random_terms_and_broken_ones_say_the_same(void **state)
{
    (void)state;
    uint32_t seed = 7;
    unsigned usual = 0;
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
    for (int round = 0; round < 20000; round++) {
        nx_buf_consume(&b, SIZE_MAX);
        random_term(&b, &seed, 1 + random_below(&seed, 12), 3);
        struct nx_span in = exact(nx_buf_span(&b));
        usual += same(in, 4096);
        if (in.len)
            ((uint8_t *)(uintptr_t)in.ptr)[random_below(&seed, (uint32_t)in.len)] =
                (uint8_t)random_below(&seed, 256);
        usual += same(in, 4096);
        drop(in);
    }
    assert_true(usual > 1000);
    nx_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reasons_are_made_of_goes_the_short_way),
        cmocka_unit_test(all_else_is_left_to_the_long_way),
        cmocka_unit_test(without_room_it_is_left_too),
        cmocka_unit_test(nesting_is_left_to_the_long_way_before_it_is_too_deep),
        cmocka_unit_test(random_terms_and_broken_ones_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
