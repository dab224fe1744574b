/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "hex.h"
#include "random_term.h"
#include "term/check.h"
#include "wire/expand.h"

#include <stdlib.h>

/* What the references 0 to 3 stand for: foo, '', one of 300 bytes, and one that was lost. */
static uint8_t long_atom[3 + 300] = {118, 300 >> 8, 300 & 255};
static struct nx_span atoms[] = {
    {(const uint8_t *)"w\3foo", 5}, {(const uint8_t *)"w", 2}, {long_atom, 303}, {NULL, 7}};
static const struct nx_atom_refs refs = {4, atoms, 1};

static int setup(void **state)
{
    (void)state;
    for (unsigned i = 3; i < sizeof long_atom; i += 3)
        memcpy(long_atom + i, "\xe2\x82\xac", 3);
    return 0;
}

/* Bytes in a heap copy of exactly their size, so that a read behind them is seen. */
static struct nx_span exact(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    return nx_span(copy, len);
}

static struct nx_span exact_hex(const char *hex)
{
    uint8_t bytes[1024];
    size_t len = hex_decode(hex, bytes, sizeof bytes);
    assert_int_not_equal(len, (size_t)-1);
    return exact(bytes, len);
}

static void drop(struct nx_span s)
{
    free((void *)(uintptr_t)s.ptr);
}

static void expand(struct nx_span in, struct nx_buf *out, size_t max, struct nx_plain *plain)
{
    struct noex_error err = {0};
    nx_buf_init(out, &nx_alloc_libc, SIZE_MAX);
    assert_int_equal(nx_expand(in, &refs, out, max, plain, &err), 0);
    assert_int_equal(err.code, 0);
}

#define FUN(size, free_terms) "70 " size " 01 52525252525252525252525252525252 00000001 " free_terms
#define PARTS_SHORT " 5200 6101 6102 58 5200 525252525252525252525252"
#define PARTS_PLAIN " 7703666f6f 6101 6102 58 7703666f6f 525252525252525252525252"

static const char *const rows[][2] = {
    {"5200", "7703666f6f"},
    {"5201", "7700"},
    {"68 02 5200 6102", "68 02 7703666f6f 6102"},
    {"6c 00000001 5200 5201", "6c 00000001 7703666f6f 7700"},
    {"74 00000001 7703626172 5200", "74 00000001 7703626172 7703666f6f"},
    {"43 00000001 00 5200 5201 5200 6a", "43 00000001 00 7703666f6f 7700 7703666f6f 6a"},
    {"58 5200 525252525252525252525252", "58 7703666f6f 525252525252525252525252"},
    {"5a 0001 5200 5252525252525252", "5a 0001 7703666f6f 5252525252525252"},
    {"78 5200 525252525252525252525252", "78 7703666f6f 525252525252525252525252"},
    {"71 5200 5201 6102", "71 7703666f6f 7700 6102"},
    {"6b 0002 5200", "6b 0002 5200"},
    {"6d 00000002 5200", "6d 00000002 5200"},
    {FUN("00000032", "00000000") PARTS_SHORT, FUN("00000038", "00000000") PARTS_PLAIN},
    {FUN("00000034", "00000001") PARTS_SHORT "5201",
     FUN("0000003a", "00000001") PARTS_PLAIN "7700"},
    /* A fun in a fun, and an atom behind both that belongs to neither. */
    {"6802" FUN("00000067", "00000001") PARTS_SHORT FUN("00000034", "00000001") PARTS_SHORT
     "5200 5200",
     "6802" FUN("00000076", "00000001") PARTS_PLAIN FUN("0000003d", "00000001") PARTS_PLAIN
     "7703666f6f 7703666f6f"},
    /* Two funs, one behind the other, and one without references. */
    {"6803" FUN("00000032", "00000000") PARTS_SHORT FUN("00000032", "00000000")
         PARTS_SHORT FUN("00000038", "00000000") PARTS_PLAIN,
     "6803" FUN("00000038", "00000000") PARTS_PLAIN FUN("00000038", "00000000")
         PARTS_PLAIN FUN("00000038", "00000000") PARTS_PLAIN},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void every_kind_of_term_becomes_plain_and_the_sizes_of_funs_with_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct nx_buf out;
        struct nx_plain plain;
        struct nx_span in = exact_hex(rows[i][0]), want = exact_hex(rows[i][1]);
        size_t used;
        expand(in, &out, SIZE_MAX, &plain);
        assert_true(nx_span_eq(plain.term, want));
        assert_int_equal(plain.used, in.len);
        assert_true(plain.full == want.len);
        assert_int_equal(plain.why, 0);
        assert_int_equal(nx_term_check(plain.term, &used, NULL), 0);
        nx_buf_free(&out);
        drop(in);
        drop(want);
    }
}

static void what_is_behind_the_term_is_not_looked_at(void **state)
{
    (void)state;
    struct nx_buf out;
    struct nx_plain plain;
    struct nx_span in = exact_hex("6801 5200 52ff");
    expand(in, &out, SIZE_MAX, &plain);
    assert_int_equal(plain.used, 4);
    assert_int_equal(plain.term.len, 7);
    nx_buf_free(&out);
    drop(in);
}

static void a_term_without_references_is_lent_and_nothing_is_copied(void **state)
{
    (void)state;
    struct nx_buf out;
    struct nx_plain plain;
    struct nx_span in = exact_hex("6802 7703666f6f 6d00000002 5200");
    expand(in, &out, 1, &plain);
    assert_ptr_equal(plain.term.ptr, in.ptr);
    assert_int_equal(plain.term.len, in.len);
    assert_true(plain.full == in.len && plain.why == 0);
    assert_null(out.data);
    drop(in);
    in = exact_hex("5200");
    expand(in, &out, SIZE_MAX, &plain);
    assert_ptr_equal(plain.term.ptr, atoms[0].ptr);
    assert_null(out.data);
    drop(in);
}

static void it_is_appended_to_what_the_buffer_holds(void **state)
{
    (void)state;
    struct nx_buf out;
    struct nx_plain plain;
    struct nx_span in = exact_hex(rows[12][0]);
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    assert_int_equal(nx_buf_put(&out, "xxab", 4), 0);
    nx_buf_consume(&out, 2);
    assert_int_equal(nx_expand(in, &refs, &out, SIZE_MAX, &plain, NULL), 0);
    struct nx_span want = exact_hex("6162" FUN("00000038", "00000000") PARTS_PLAIN);
    assert_true(nx_span_eq(nx_buf_span(&out), want));
    assert_ptr_equal(plain.term.ptr, nx_buf_span(&out).ptr + 2);
    nx_buf_free(&out);
    drop(in);
    drop(want);
}

static void a_reference_that_the_header_has_not_is_an_error_with_its_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"5204", "52ff", "6802 5200 5204",
                                      "58 5204 00000000 00000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_buf out;
        struct nx_plain plain;
        struct noex_error err = {0};
        struct nx_span in = exact_hex(bad[i]);
        nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
        assert_int_equal(nx_expand(in, &refs, &out, SIZE_MAX, &plain, &err), NOEX_EPROTOCOL);
        assert_non_null(strstr(err.text, i == 1 ? "atom 255 of" : "atom 4 of"));
        assert_non_null(strstr(err.text, "has 4"));
        nx_buf_free(&out);
        drop(in);
    }
}

/* However much of a term is there, what was made of it is the beginning of what all of it gives. */
static void a_term_that_is_cut_short_is_expanded_as_far_as_it_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct nx_span all = exact_hex(rows[i][0]), want = exact_hex(rows[i][1]);
        for (size_t len = 0; len < all.len; len++) {
            struct nx_buf out;
            struct nx_plain plain;
            struct nx_span in = exact(all.ptr, len);
            size_t used;
            expand(in, &out, SIZE_MAX, &plain);
            assert_int_equal(plain.used, len);
            assert_true(plain.full == plain.term.len && plain.why == 0);
            assert_true(plain.term.len >= len && plain.term.len < want.len);
            /* Whole it never seems, also where a fun's size was corrected. */
            assert_int_equal(nx_term_check(plain.term, &used, NULL), NOEX_ETERM);
            nx_buf_free(&out);
            drop(in);
        }
        drop(all);
        drop(want);
    }
}

static void what_is_malformed_stays_as_it_is_for_the_check(void **state)
{
    (void)state;
    static const char *const bad[] = {"6802 5200 00 5200", "6803 5200 58 6a 5201", "83 5200",
                                      "6802 5200 5000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct nx_buf out;
        struct nx_plain plain;
        struct nx_span in = exact_hex(bad[i]);
        size_t used;
        expand(in, &out, SIZE_MAX, &plain);
        assert_int_equal(plain.used, in.len);
        assert_int_equal(plain.term.len, i == 2 ? in.len : in.len + 3);
        assert_int_equal(nx_term_check(plain.term, &used, NULL), NOEX_ETERM);
        nx_buf_free(&out);
        drop(in);
    }
}

static void beyond_its_maximum_a_term_is_cut_and_its_length_is_told(void **state)
{
    (void)state;
    for (size_t i = 1; i < ROWS; i++) {
        struct nx_span in = exact_hex(rows[i][0]), want = exact_hex(rows[i][1]);
        for (size_t max = 0; max <= want.len + 1; max++) {
            struct nx_buf out;
            struct nx_plain plain;
            expand(in, &out, max, &plain);
            const bool lent = plain.term.ptr == in.ptr || plain.term.ptr == atoms[1].ptr;
            assert_true(plain.full == want.len);
            assert_int_equal(plain.term.len, lent || max > want.len ? want.len : max);
            assert_int_equal(plain.why, plain.term.len < want.len ? NOEX_ELIMIT : 0);
            assert_true(out.cap <= 256);
            nx_buf_free(&out);
        }
        drop(in);
        drop(want);
    }
}

/* 32768 references of 2 bytes to an atom of 303: 10 megabytes, of which 1000 bytes are wanted. */
static void many_references_to_a_long_atom_take_no_more_memory_than_is_allowed(void **state)
{
    (void)state;
    enum { COUNT = 32768, MAX = 1000 };
    uint8_t *bytes = malloc(5 + 2 * COUNT + 1);
    struct nx_buf out;
    struct nx_plain plain;
    assert_non_null(bytes);
    bytes[0] = 108;
    nx_put_u32(bytes + 1, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + 5 + 2 * i, "\x52\2", 2);
    bytes[5 + 2 * COUNT] = 106;
    expand(nx_span(bytes, 5 + 2 * COUNT + 1), &out, MAX, &plain);
    assert_true(plain.full == 5 + 303 * COUNT + 1);
    assert_int_equal(plain.term.len, MAX);
    assert_true(out.cap <= 2 * MAX);
    nx_buf_free(&out);
    free(bytes);
}

static void out_of_memory_a_term_is_cut_to_what_there_is_room_for(void **state)
{
    (void)state;
    struct nx_span in = exact_hex("6803 5200 5202 5200"),
                   want = exact_hex("6803 7703666f6f 76012c");
    for (size_t room = 0; room < 320; room += room < 12 ? 1 : 50) {
        struct alloc_test t;
        struct nx_buf out;
        struct nx_plain plain;
        alloc_test_init(&t);
        nx_buf_init(&out, &t.a, SIZE_MAX);
        if (room)
            assert_int_equal(nx_buf_reserve(&out, room), 0);
        const size_t cap = out.cap, fits = cap < want.len ? cap : want.len;
        t.fail_at = 1;
        t.fail_on = true;
        assert_int_equal(nx_expand(in, &refs, &out, SIZE_MAX, &plain, NULL), 0);
        assert_int_equal(plain.term.len, cap < 315 ? cap : 315);
        assert_true(fits == 0 || memcmp(plain.term.ptr, want.ptr, fits) == 0);
        assert_true(plain.full == 2 + 5 + 303 + 5);
        assert_int_equal(plain.why, cap < 315 ? NOEX_ENOMEM : 0);
        nx_buf_free(&out);
        assert_int_equal(t.live, 0);
    }
    drop(in);
    drop(want);
}

static void a_term_is_cut_before_an_atom_that_was_lost(void **state)
{
    (void)state;
    struct nx_buf out;
    struct nx_plain plain;
    struct nx_span in = exact_hex("6803 5200 5203 5200");
    expand(in, &out, SIZE_MAX, &plain);
    assert_int_equal(plain.term.len, 7);
    assert_memory_equal(plain.term.ptr, "h\3w\3foo", 7);
    assert_true(plain.full == 2 + 5 + 7 + 5);
    assert_int_equal(plain.why, NOEX_ENOMEM);
    nx_buf_free(&out);
    drop(in);
    in = exact_hex("5203");
    expand(in, &out, SIZE_MAX, &plain);
    assert_int_equal(plain.term.len, 0);
    assert_true(plain.full == 7 && plain.why == NOEX_ENOMEM);
    nx_buf_free(&out);
    drop(in);
}

/* Each of them has the next as its only free term; the innermost has an atom. */
static struct nx_span nested_funs(unsigned depth, bool short_atoms)
{
    struct nx_buf b;
    nx_buf_init(&b, &nx_alloc_libc, SIZE_MAX);
    const char *head = short_atoms ? FUN("00000000", "00000001") PARTS_SHORT
                                   : FUN("00000000", "00000001") PARTS_PLAIN;
    struct nx_span one = exact_hex(head);
    for (unsigned i = 0; i < depth; i++)
        assert_int_equal(nx_buf_put_span(&b, one), 0);
    assert_int_equal(nx_buf_put(&b, short_atoms ? "\x52\0" : "w\3foo", short_atoms ? 2 : 5), 0);
    for (unsigned i = 0; i < depth; i++)
        nx_put_u32(b.data + i * one.len + 1, (uint32_t)(nx_buf_len(&b) - i * one.len - 1));
    struct nx_span all = exact(b.data, nx_buf_len(&b));
    nx_buf_free(&b);
    drop(one);
    return all;
}

static void funs_in_funs_are_corrected_as_deep_as_terms_may_be(void **state)
{
    (void)state;
    const unsigned depths[] = {1, 2, 1023, 1024, 1025, 3000};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        struct nx_span in = nested_funs(depths[i], true), want = nested_funs(depths[i], false);
        struct nx_buf out;
        struct nx_plain plain;
        size_t used;
        const bool fits = depths[i] <= NX_TERM_DEPTH_MAX;
        expand(in, &out, SIZE_MAX, &plain);
        assert_int_equal(plain.used, in.len);
        if (fits) {
            assert_true(nx_span_eq(plain.term, want));
            assert_int_equal(nx_term_check(plain.term, &used, NULL), 0);
        } else {
            /* Cut where the check would cut it, and said to be. */
            const size_t one = (want.len - 5) / depths[i];
            assert_int_equal(plain.term.len, one * NX_TERM_DEPTH_MAX);
            assert_true(plain.full > plain.term.len);
            assert_int_equal(nx_term_shallow_len(plain.term), plain.term.len);
        }
        assert_int_equal(plain.why, fits ? 0 : NOEX_ELIMIT);
        nx_buf_free(&out);
        drop(in);
        drop(want);
    }
}

/* Random terms whose every second atom is a reference, against the plain way. */
static void random_terms_become_what_the_plain_way_makes_of_them(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 4000; i++) {
        struct nx_buf term, in, want, out;
        struct nx_plain plain;
        nx_buf_init(&term, &nx_alloc_libc, SIZE_MAX);
        nx_buf_init(&in, &nx_alloc_libc, SIZE_MAX);
        nx_buf_init(&want, &nx_alloc_libc, SIZE_MAX);
        random_term(&term, &seed, (unsigned)i % 80, 12);
        /* Bytes changed at random: most are no terms any more, and no harm comes of it. */
        assert_int_equal(nx_buf_put_span(&in, nx_buf_span(&term)), 0);
        for (unsigned k = random_below(&seed, 4); k; k--)
            in.data[random_below(&seed, (uint32_t)nx_buf_len(&in))] =
                (uint8_t)(random_below(&seed, 2) ? 82 : random_below(&seed, 120));
        struct nx_span s = exact(in.data, nx_buf_len(&in));
        size_t used = naive_expand(&want, s, &refs, 900), term_len;
        nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
        int rc = nx_expand(s, &refs, &out, SIZE_MAX, &plain, NULL);
        if (used && nx_term_check(nx_buf_span(&want), &term_len, NULL) == 0) {
            assert_int_equal(rc, 0);
            assert_int_equal(plain.used, used);
            assert_true(nx_span_eq(plain.term, nx_buf_span(&want)));
        } else if (!rc && !plain.why) {
            assert_int_not_equal(nx_term_check(plain.term, &term_len, NULL), 0);
        }
        nx_buf_free(&term);
        nx_buf_free(&in);
        nx_buf_free(&want);
        nx_buf_free(&out);
        drop(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_term_becomes_plain_and_the_sizes_of_funs_with_it),
        cmocka_unit_test(what_is_behind_the_term_is_not_looked_at),
        cmocka_unit_test(a_term_without_references_is_lent_and_nothing_is_copied),
        cmocka_unit_test(it_is_appended_to_what_the_buffer_holds),
        cmocka_unit_test(a_reference_that_the_header_has_not_is_an_error_with_its_number),
        cmocka_unit_test(a_term_that_is_cut_short_is_expanded_as_far_as_it_goes),
        cmocka_unit_test(what_is_malformed_stays_as_it_is_for_the_check),
        cmocka_unit_test(beyond_its_maximum_a_term_is_cut_and_its_length_is_told),
        cmocka_unit_test(many_references_to_a_long_atom_take_no_more_memory_than_is_allowed),
        cmocka_unit_test(out_of_memory_a_term_is_cut_to_what_there_is_room_for),
        cmocka_unit_test(a_term_is_cut_before_an_atom_that_was_lost),
        cmocka_unit_test(funs_in_funs_are_corrected_as_deep_as_terms_may_be),
        cmocka_unit_test(random_terms_become_what_the_plain_way_makes_of_them),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
