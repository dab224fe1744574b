/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "cmocka_all.h"
#include "wire/fragment.h"

#include <stdlib.h>

static const struct nx_fragment_limits wide = {.sequences_max = 100, .bytes_max = 1 << 20};

struct fixture {
    struct alloc_test t;
    struct nx_fragments *f;
    struct nx_message out;
    struct noex_error err;
    size_t keep_min;
};

static void begin(struct fixture *x, const struct nx_fragment_limits *limits)
{
    memset(x, 0, sizeof *x);
    x->keep_min = SIZE_MAX;
    alloc_test_init(&x->t);
    x->f = nx_fragments_new(&x->t.a, limits);
    assert_non_null(x->f);
}

static void end(struct fixture *x)
{
    nx_fragments_free(x->f);
    assert_int_equal(x->t.live, 0);
}

/* Fragments stand in heap copies of exactly their size that are gone when the call returns. */
static int feed(struct fixture *x, bool first, uint64_t sequence, uint64_t fragment,
                struct nx_span data, size_t keep_max)
{
    uint8_t *copy = malloc(data.len ? data.len : 1);
    assert_non_null(copy);
    if (data.len)
        memcpy(copy, data.ptr, data.len);
    struct nx_span s = nx_span(copy, data.len);
    memset(&x->err, 0, sizeof x->err);
    const struct nx_beginning begin = {
        .payload = s, .payload_full = s.len, .keep_min = x->keep_min, .keep_max = keep_max};
    int rc = first ? nx_fragments_first(x->f, sequence, fragment, &begin, &x->out, &x->err)
                   : nx_fragments_next(x->f, sequence, fragment, s, &x->out, &x->err);
    assert_int_equal(x->err.code, rc < 0 ? rc : 0);
    assert_true(rc >= 0 || x->err.text[0]);
    free(copy);
    return rc;
}

static int first(struct fixture *x, uint64_t sequence, uint64_t fragment, const char *data)
{
    return feed(x, true, sequence, fragment, nx_span_str(data), SIZE_MAX);
}

static int next(struct fixture *x, uint64_t sequence, uint64_t fragment, const char *data)
{
    return feed(x, false, sequence, fragment, nx_span_str(data), 0);
}

static void assert_message(const struct fixture *x, const char *data, uint64_t full_len)
{
    assert_true(nx_span_is(x->out.payload, data));
    assert_true(x->out.payload_full == full_len);
}

static void fragments_are_put_together_in_the_order_they_count_down(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(first(&x, 9, 3, "abc"), 0);
    assert_int_equal(next(&x, 9, 2, "def"), 0);
    assert_int_equal(nx_fragments_count(x.f), 1);
    assert_int_equal(nx_fragments_bytes(x.f), 6);
    assert_int_equal(next(&x, 9, 1, "g"), 1);
    assert_message(&x, "abcdefg", 7);
    assert_int_equal(nx_fragments_count(x.f), 0);
    assert_int_equal(nx_fragments_bytes(x.f), 0);
    end(&x);
}

static void a_first_fragment_that_is_the_last_is_a_message_at_once(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(first(&x, 0, 1, "whole"), 1);
    assert_message(&x, "whole", 5);
    assert_int_equal(nx_fragments_count(x.f), 0);
    assert_int_equal(feed(&x, true, 0, 1, nx_span(NULL, 0), SIZE_MAX), 1);
    assert_message(&x, "", 0);
    end(&x);
}

static void empty_fragments_count_but_add_nothing(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(first(&x, 9, 3, ""), 0);
    assert_int_equal(next(&x, 9, 2, "ab"), 0);
    assert_int_equal(next(&x, 9, 1, ""), 1);
    assert_message(&x, "ab", 2);
    end(&x);
}

static void sequences_are_interleaved_freely(void **state)
{
    (void)state;
    enum { MANY = 61, LAST = 5 };
    struct fixture x;
    begin(&x, &wide);
    /* Ids in no order at all, so that they are inserted at the front, in between and at the back.
     */
    for (uint64_t k = LAST; k; k--) {
        for (uint64_t i = 0; i < MANY; i++) {
            uint64_t id = i * 37 % MANY * UINT64_C(0x123456789abcdef);
            char piece[3] = {(char)('0' + i % 10), (char)('a' + k), 0};
            assert_int_equal(k == LAST ? first(&x, id, k, piece) : next(&x, id, k, piece), k == 1);
            if (k > 1)
                continue;
            assert_int_equal(x.out.payload.len, 2 * LAST);
            for (unsigned c = 0; c < LAST; c++) {
                assert_int_equal(x.out.payload.ptr[2 * c], piece[0]);
                assert_int_equal(x.out.payload.ptr[2 * c + 1], 'a' + LAST - c);
            }
        }
        assert_int_equal(nx_fragments_count(x.f), k > 1 ? MANY : 0);
    }
    assert_int_equal(nx_fragments_bytes(x.f), 0);
    end(&x);
}

static void a_sequence_number_may_be_used_again_once_its_message_is_complete(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(first(&x, UINT64_MAX, 2, "a"), 0);
        assert_int_equal(next(&x, UINT64_MAX, 1, "b"), 1);
        assert_message(&x, "ab", 2);
    }
    end(&x);
}

static void a_sequence_that_begins_twice_is_refused(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(first(&x, 5, 2, "a"), 0);
    assert_int_equal(first(&x, 5, 2, "a"), NOEX_EPROTOCOL);
    assert_int_equal(first(&x, 5, 1, "a"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "5 began twice"));
    assert_int_equal(next(&x, 5, 1, "b"), 1);
    assert_message(&x, "ab", 2);
    end(&x);
}

static void a_fragment_of_an_unknown_sequence_is_refused(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(next(&x, 5, 1, "a"), NOEX_EPROTOCOL);
    assert_int_equal(first(&x, 5, 2, "a"), 0);
    assert_int_equal(next(&x, 4, 1, "a"), NOEX_EPROTOCOL);
    assert_int_equal(next(&x, 6, 1, "a"), NOEX_EPROTOCOL);
    assert_int_equal(next(&x, 5, 1, "b"), 1);
    assert_int_equal(next(&x, 5, 1, "b"), NOEX_EPROTOCOL);
    end(&x);
}

static void a_fragment_out_of_order_is_refused(void **state)
{
    (void)state;
    static const uint64_t wrong[] = {0, 1, 2, 4, 5, UINT64_MAX};
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(first(&x, 7, 0, "a"), NOEX_EPROTOCOL);
    assert_int_equal(nx_fragments_count(x.f), 0);
    assert_int_equal(first(&x, 7, 4, "a"), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(next(&x, 7, wrong[i], "x"), NOEX_EPROTOCOL);
    assert_non_null(strstr(x.err.text, "of message 7 where 3 was due"));
    assert_int_equal(next(&x, 7, 3, "b"), 0);
    assert_int_equal(nx_fragments_bytes(x.f), 2);
    end(&x);
}

static void what_passes_keep_max_is_counted_and_thrown_away(void **state)
{
    (void)state;
    for (size_t keep = 0; keep <= 11; keep++) {
        struct fixture x;
        begin(&x, &wide);
        assert_int_equal(feed(&x, true, 1, 4, nx_span_str("abc"), keep), 0);
        assert_int_equal(next(&x, 1, 3, "defg"), 0);
        assert_int_equal(next(&x, 1, 2, "hi"), 0);
        assert_int_equal(nx_fragments_bytes(x.f), keep < 9 ? keep : 9);
        assert_int_equal(next(&x, 1, 1, "j"), 1);
        assert_true(nx_span_eq(x.out.payload, nx_span("abcdefghij", keep < 10 ? keep : 10)));
        assert_true(x.out.payload_full == 10);
        end(&x);
    }
}

static void a_message_of_gigabytes_that_nobody_wants_costs_what_is_kept_of_it(void **state)
{
    (void)state;
    enum { PIECES = 5000, PIECE = 1 << 20 };
    struct nx_fragments *f = nx_fragments_new(&nx_alloc_libc, &wide);
    struct nx_message out;
    uint8_t *piece = calloc(1, PIECE);
    assert_true(f && piece);
    const struct nx_beginning begin = {
        .payload = nx_span(piece, PIECE), .payload_full = PIECE, .keep_max = 1000};
    assert_int_equal(nx_fragments_first(f, 1, PIECES, &begin, &out, NULL), 0);
    for (uint64_t k = PIECES - 1; k; k--) {
        assert_int_equal(nx_fragments_next(f, 1, k, nx_span(piece, PIECE), &out, NULL), k == 1);
        assert_int_equal(nx_fragments_bytes(f), k == 1 ? 0 : 1000);
    }
    assert_int_equal(out.payload.len, 1000);
    assert_true(out.payload_full == (uint64_t)PIECES * PIECE);
    nx_fragments_free(f);
    free(piece);
}

static void the_control_term_stands_alone_and_is_kept_in_any_case(void **state)
{
    (void)state;
    const struct nx_fragment_limits none = {.sequences_max = 10, .bytes_max = 0};
    for (unsigned limited = 0; limited < 2; limited++) {
        struct fixture x;
        begin(&x, limited ? &none : &wide);
        const struct nx_beginning b = {.control = nx_span_str("control"),
                                       .payload = nx_span_str("abc"),
                                       .payload_full = 3,
                                       .keep_min = 2,
                                       .keep_max = 5};
        assert_int_equal(nx_fragments_first(x.f, 1, 2, &b, &x.out, NULL), 0);
        assert_int_equal(nx_fragments_bytes(x.f), limited ? 9 : 10);
        assert_int_equal(nx_fragments_room(x.f), limited ? 0 : wide.bytes_max - 10);
        assert_int_equal(next(&x, 1, 1, "defg"), 1);
        assert_true(nx_span_is(x.out.control, "control"));
        assert_message(&x, limited ? "ab" : "abcde", 7);
        assert_null(x.out.refs);
        assert_int_equal(nx_fragments_bytes(x.f), 0);
        end(&x);
    }
}

static void the_atoms_of_a_payload_are_held_until_it_is_complete_and_count_as_bytes(void **state)
{
    (void)state;
    struct nx_span atom = nx_span_str("w\3foo");
    const struct nx_atom_refs refs = {1, &atom, 1};
    for (unsigned finished = 0; finished < 2; finished++) {
        struct fixture x;
        begin(&x, &wide);
        struct nx_beginning b = {.payload = nx_span_str("abc"), .payload_full = 30, .keep_max = 9};
        b.refs = nx_atom_refs_copy(&x.t.a, &refs, SIZE_MAX, &b.refs_size);
        assert_non_null(b.refs);
        assert_int_equal(nx_fragments_first(x.f, 1, 2, &b, &x.out, NULL), 0);
        assert_int_equal(nx_fragments_bytes(x.f), 3 + b.refs_size);
        if (finished) {
            assert_int_equal(next(&x, 1, 1, "d"), 1);
            assert_message(&x, "abcd", 31);
            assert_ptr_equal(x.out.refs, b.refs);
            assert_int_equal(nx_fragments_bytes(x.f), 0);
        }
        end(&x);
    }
}

static size_t largest;

static void *measured_resize(void *user, void *ptr, size_t size)
{
    (void)user;
    largest = size > largest ? size : largest;
    return realloc(ptr, size);
}

static void nothing_is_allocated_for_what_is_only_announced(void **state)
{
    (void)state;
    const struct nx_fragment_limits huge = {.sequences_max = SIZE_MAX, .bytes_max = SIZE_MAX};
    struct noex_allocator a = nx_alloc_libc;
    struct nx_message out;
    a.resize = measured_resize;
    struct nx_fragments *f = nx_fragments_new(&a, &huge);
    assert_non_null(f);
    const struct nx_beginning begin = {
        .payload = nx_span_str("ab"), .payload_full = 2, .keep_max = SIZE_MAX};
    assert_int_equal(nx_fragments_first(f, 1, UINT64_MAX, &begin, &out, NULL), 0);
    assert_true(largest <= 256);
    uint8_t piece[65536] = {0};
    size_t sent = 2;
    for (uint64_t k = UINT64_MAX - 1; k > UINT64_MAX - 20; k--) {
        assert_int_equal(nx_fragments_next(f, 1, k, nx_span(piece, sizeof piece), &out, NULL), 0);
        sent += sizeof piece;
        assert_true(largest <= 2 * sent);
    }
    nx_fragments_free(f);
}

static void the_number_of_sequences_is_limited(void **state)
{
    (void)state;
    const struct nx_fragment_limits three = {.sequences_max = 3, .bytes_max = 1000};
    struct fixture x;
    begin(&x, &three);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(first(&x, i, 2, "a"), 0);
    assert_int_equal(first(&x, 3, 2, "a"), NOEX_ETOOBIG);
    assert_non_null(strstr(x.err.text, "limit of 3 "));
    assert_int_equal(first(&x, 3, 1, "a"), NOEX_ETOOBIG);
    assert_int_equal(nx_fragments_count(x.f), 3);
    assert_int_equal(next(&x, 1, 1, "b"), 1);
    assert_int_equal(first(&x, 3, 2, "a"), 0);
    end(&x);
}

static void beyond_the_bytes_of_all_together_messages_are_cut(void **state)
{
    (void)state;
    const struct nx_fragment_limits ten = {.sequences_max = 10, .bytes_max = 10};
    struct fixture x;
    begin(&x, &ten);
    x.keep_min = 2;
    assert_int_equal(first(&x, 1, 3, "abcdef"), 0);
    assert_int_equal(first(&x, 2, 2, "ABCDEF"), 0); /* four of it fit */
    assert_int_equal(nx_fragments_bytes(x.f), 10);
    assert_int_equal(first(&x, 3, 2, "uvwxyz"), 0); /* what must be kept is */
    assert_int_equal(nx_fragments_bytes(x.f), 12);
    assert_int_equal(next(&x, 1, 2, "gh"), 0);
    assert_int_equal(next(&x, 2, 1, "GH"), 1);
    assert_message(&x, "ABCD", 8);
    /* A message that was cut once stays so, though there is room again. */
    assert_int_equal(next(&x, 1, 1, "i"), 1);
    assert_message(&x, "abcdef", 9);
    assert_int_equal(next(&x, 3, 1, "!"), 1);
    assert_message(&x, "uv", 7);
    assert_int_equal(first(&x, 4, 1, "0123456789"), 1);
    assert_message(&x, "0123456789", 10);
    end(&x);
}

static void out_of_memory_a_message_is_cut_but_not_what_must_be_kept(void **state)
{
    (void)state;
    static char big[5000];
    struct fixture x;
    memset(big, 'x', sizeof big - 1);
    begin(&x, &wide);
    x.keep_min = 3;
    assert_int_equal(first(&x, 1, 3, "abc"), 0);
    x.t.fail_at = x.t.calls + 1;
    x.t.fail_on = true;
    assert_int_equal(next(&x, 1, 2, big), 0);
    assert_int_equal(first(&x, 2, 2, "abc"), NOEX_ENOMEM);
    x.t.fail_at = 0;
    assert_int_equal(next(&x, 1, 1, "d"), 1);
    assert_message(&x, "abc", 3 + sizeof big - 1 + 1);
    end(&x);
}

static void a_message_stays_readable_until_it_is_released_or_the_next_fragment_comes(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    size_t idle = x.t.live;
    assert_int_equal(first(&x, 1, 1, "abc"), 1);
    assert_message(&x, "abc", 3);
    assert_int_equal(nx_fragments_count(x.f), 0);
    assert_message(&x, "abc", 3);
    nx_fragments_release(x.f);
    /* Only the table of sequences is kept. */
    assert_int_equal(x.t.live, idle + 1);
    nx_fragments_release(x.f);
    assert_int_equal(first(&x, 1, 1, "abc"), 1);
    assert_int_equal(next(&x, 1, 1, "x"), NOEX_EPROTOCOL);
    assert_int_equal(x.t.live, idle + 1);
    end(&x);
}

static void all_that_is_under_way_is_freed_at_the_end(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(first(&x, i, 2, "unfinished"), 0);
    assert_int_equal(first(&x, 99, 1, "lent"), 1);
    end(&x);
    nx_fragments_free(NULL);
}

static int play(struct fixture *x)
{
    static const struct {
        bool first;
        uint64_t sequence, fragment;
    } steps[] = {{true, 1, 3},  {true, 2, 2},  {false, 1, 2}, {true, 3, 1},
                 {false, 2, 1}, {false, 1, 1}, {true, 4, 1}};
    uint8_t piece[300] = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int rc;
        size_t count = nx_fragments_count(x->f), bytes = nx_fragments_bytes(x->f);
        do {
            rc = feed(x, steps[i].first, steps[i].sequence, steps[i].fragment,
                      nx_span(piece, sizeof piece), SIZE_MAX);
            if (rc < 0) {
                assert_int_equal(rc, NOEX_ENOMEM);
                assert_int_equal(nx_fragments_count(x->f), count);
                assert_int_equal(nx_fragments_bytes(x->f), bytes);
            }
        } while (rc < 0 && !x->t.fail_on);
        if (rc < 0)
            return rc;
        assert_int_equal(rc, steps[i].fragment == 1);
    }
    return 0;
}

static void any_allocation_may_fail_and_the_same_fragment_can_be_given_again(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        bool failed = true;
        for (size_t k = 2; failed; k++) {
            struct fixture x;
            begin(&x, &wide);
            x.t.fail_at = k;
            x.t.fail_on = on;
            int rc = play(&x);
            failed = x.t.failed;
            assert_int_equal(rc, failed && on ? NOEX_ENOMEM : 0);
            end(&x);
            assert_true(k < 100);
        }
    }
    struct alloc_test t;
    alloc_test_init(&t);
    t.fail_at = 1;
    assert_null(nx_fragments_new(&t.a, &wide));
    assert_int_equal(t.live, 0);
}

static void an_error_record_is_not_required(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, &wide);
    assert_int_equal(nx_fragments_next(x.f, 1, 1, nx_span_str("a"), &x.out, NULL), NOEX_EPROTOCOL);
    const struct nx_beginning begin = {.keep_max = SIZE_MAX};
    assert_int_equal(nx_fragments_first(x.f, 1, 0, &begin, &x.out, NULL), NOEX_EPROTOCOL);
    end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_are_put_together_in_the_order_they_count_down),
        cmocka_unit_test(a_first_fragment_that_is_the_last_is_a_message_at_once),
        cmocka_unit_test(empty_fragments_count_but_add_nothing),
        cmocka_unit_test(sequences_are_interleaved_freely),
        cmocka_unit_test(a_sequence_number_may_be_used_again_once_its_message_is_complete),
        cmocka_unit_test(a_sequence_that_begins_twice_is_refused),
        cmocka_unit_test(a_fragment_of_an_unknown_sequence_is_refused),
        cmocka_unit_test(a_fragment_out_of_order_is_refused),
        cmocka_unit_test(what_passes_keep_max_is_counted_and_thrown_away),
        cmocka_unit_test(a_message_of_gigabytes_that_nobody_wants_costs_what_is_kept_of_it),
        cmocka_unit_test(the_control_term_stands_alone_and_is_kept_in_any_case),
        cmocka_unit_test(the_atoms_of_a_payload_are_held_until_it_is_complete_and_count_as_bytes),
        cmocka_unit_test(nothing_is_allocated_for_what_is_only_announced),
        cmocka_unit_test(the_number_of_sequences_is_limited),
        cmocka_unit_test(beyond_the_bytes_of_all_together_messages_are_cut),
        cmocka_unit_test(out_of_memory_a_message_is_cut_but_not_what_must_be_kept),
        cmocka_unit_test(a_message_stays_readable_until_it_is_released_or_the_next_fragment_comes),
        cmocka_unit_test(all_that_is_under_way_is_freed_at_the_end),
        cmocka_unit_test(any_allocation_may_fail_and_the_same_fragment_can_be_given_again),
        cmocka_unit_test(an_error_record_is_not_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
