/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "cmocka_all.h"
#include "conn/outqueue.h"
#include "random_term.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRAGMENT = 64 * 1024, PLENTY = 256 << 20 };

/* A frame here is four bytes of length, its sender, its number, how many of its message are left,
 * and filling. */
struct fixture {
    struct alloc_test t;
    struct nx_outqueue o;
    uint32_t said[64];       /* frames of each sender so far */
    uint32_t heard[64];      /* and how many of them arrived, in their order */
    uint32_t in_message[64]; /* frames of a message that are still to come */
    char order[4096];        /* senders, as they arrived: a for 0 */
    struct nx_buf in;
};

static void begin(struct fixture *x, size_t max)
{
    memset(x, 0, sizeof *x);
    alloc_test_init(&x->t);
    nx_outqueue_init(&x->o, &x->t.a, max);
    nx_buf_init(&x->in, &nx_alloc_libc, SIZE_MAX);
}

static void end(struct fixture *x)
{
    nx_outqueue_free(&x->o);
    nx_buf_free(&x->in);
    assert_int_equal(x->t.live, 0);
}

static void put_frame(struct fixture *x, struct nx_buf *b, uint32_t sender, uint32_t left,
                      size_t size)
{
    assert_int_equal(nx_buf_put_u32(b, (uint32_t)(size - 4)), 0);
    assert_int_equal(nx_buf_put_u32(b, sender), 0);
    assert_int_equal(nx_buf_put_u32(b, x->said[sender]++), 0);
    assert_int_equal(nx_buf_put_u32(b, left), 0);
    for (size_t i = 16; i < size; i++)
        b->data[b->end++] = (uint8_t)sender;
}

/* One message of `frames` frames; more than one make it a big one. */
static int say(struct fixture *x, uint32_t sender, uint32_t frames, size_t size)
{
    struct nx_append a;
    const size_t before = nx_outqueue_queued(&x->o), bytes = frames * size;
    int rc = nx_outqueue_begin(&x->o, sender, frames > 1 ? bytes : 0, &a);
    if (rc) {
        assert_int_equal(nx_outqueue_queued(&x->o), before);
        return rc;
    }
    const uint32_t said = x->said[sender];
    rc = nx_buf_reserve(a.frames, bytes);
    for (uint32_t left = frames; left-- && !rc;)
        put_frame(x, a.frames, sender, left, size);
    rc = nx_outqueue_end(&x->o, &a, rc);
    if (rc)
        x->said[sender] = said;
    assert_int_equal(nx_outqueue_queued(&x->o), before + (rc ? 0 : bytes));
    return rc;
}

static int say_small(struct fixture *x, uint32_t sender)
{
    return say(x, sender, 1, 20);
}

/* Sent is what comes next; all of it, or so many bytes. False where nothing waits. */
static bool carry(struct fixture *x, size_t max)
{
    const struct nx_span next = nx_outqueue_next(&x->o);
    const size_t n = next.len < max ? next.len : max, queued = nx_outqueue_queued(&x->o);
    assert_int_equal(next.len == 0, queued == 0);
    if (!n)
        return false;
    assert_int_equal(nx_buf_put(&x->in, next.ptr, n), 0);
    nx_outqueue_sent(&x->o, n);
    assert_int_equal(nx_outqueue_queued(&x->o), queued - n);
    return true;
}

/* Whole frames: of each sender in their order, those of a message with none of the same sender
 * between them. */
static void hear(struct fixture *x)
{
    for (;;) {
        const struct nx_span in = nx_buf_span(&x->in);
        if (in.len < 4 || in.len - 4 < nx_get_u32(in.ptr))
            return;
        const uint32_t sender = nx_get_u32(in.ptr + 4), left = nx_get_u32(in.ptr + 12);
        assert_true(sender < 64);
        assert_int_equal(nx_get_u32(in.ptr + 8), x->heard[sender]++);
        assert_true(!x->in_message[sender] || x->in_message[sender] == left + 1);
        x->in_message[sender] = left;
        for (size_t i = 16; i < 4 + (size_t)nx_get_u32(in.ptr); i += 997)
            assert_int_equal(in.ptr[i], sender);
        const size_t at = strlen(x->order);
        if (at < sizeof x->order - 1)
            x->order[at] = (char)('a' + sender);
        nx_buf_consume(&x->in, 4 + (size_t)nx_get_u32(in.ptr));
    }
}

static void drain(struct fixture *x)
{
    while (carry(x, SIZE_MAX))
        hear(x);
    assert_int_equal(nx_buf_len(&x->in), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(x->heard[i], x->said[i]);
    assert_int_equal(x->o.count, 0);
    assert_int_equal(x->o.held, 0);
}

static void small_frames_go_in_their_order_all_at_once(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    assert_false(carry(&x, SIZE_MAX));
    for (uint32_t i = 0; i < 30; i++)
        assert_int_equal(say_small(&x, i % 3), 0);
    assert_int_equal(nx_outqueue_next(&x.o).len, 30 * 20);
    drain(&x);
    assert_string_equal(x.order, "abcabcabcabcabcabcabcabcabcabc");
    end(&x);
}

static void a_big_message_goes_fragment_by_fragment_and_what_is_ready_between_them(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    assert_int_equal(say_small(&x, 1), 0);
    assert_int_equal(say(&x, 1, 4, FRAGMENT), 0);
    assert_int_equal(say_small(&x, 0), 0);
    for (unsigned i = 0; carry(&x, SIZE_MAX); i++) {
        hear(&x);
        if (i % 2)
            assert_int_equal(say_small(&x, 0), 0); /* a tick, an answer */
        if (i == 20)
            break;
    }
    drain(&x);
    /* What was ready before it goes before it; then all that is ready between each two. */
    assert_memory_equal(x.order, "bbabababa", 9);
    end(&x);
}

static void what_a_sender_sends_behind_its_big_message_waits_and_others_do_not(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    assert_int_equal(say(&x, 1, 3, FRAGMENT), 0);
    assert_int_equal(say_small(&x, 1), 0);
    assert_int_equal(say_small(&x, 2), 0);
    assert_int_equal(say(&x, 1, 2, FRAGMENT), 0);
    assert_int_equal(say_small(&x, 1), 0);
    assert_int_equal(say_small(&x, 2), 0);
    drain(&x);
    assert_string_equal(x.order, "bccbbbbbb");
    /* Once it is gone its sender is like any other. */
    assert_int_equal(say_small(&x, 1), 0);
    assert_int_equal(say_small(&x, 2), 0);
    drain(&x);
    assert_string_equal(x.order, "bccbbbbbbbc");
    end(&x);
}

static void a_big_message_begins_behind_what_its_sender_sent_before(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    assert_int_equal(say(&x, 1, 3, FRAGMENT), 0);
    assert_true(carry(&x, 100)); /* in the middle of a fragment */
    assert_int_equal(say_small(&x, 2), 0);
    assert_int_equal(say(&x, 3, 2, FRAGMENT), 0);
    assert_int_equal(say_small(&x, 4), 0);
    assert_int_equal(say(&x, 2, 2, FRAGMENT), 0);
    drain(&x);
    assert_memory_equal(x.order, "bce", 3);
    end(&x);
    /* Though the turn of what was ready was measured before it came. */
    begin(&x, PLENTY);
    assert_int_equal(say_small(&x, 1), 0);
    assert_int_equal(say(&x, 2, 3, FRAGMENT), 0);
    assert_int_equal(say_small(&x, 3), 0);
    assert_int_equal(say(&x, 3, 2, FRAGMENT), 0);
    drain(&x);
    assert_string_equal(x.order, "bcddcdc");
    end(&x);
}

static void several_big_messages_take_turns(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(say(&x, i, 3, FRAGMENT), 0);
    drain(&x);
    assert_string_equal(x.order, "bcdebcdebcde");
    /* One that ends and one that comes do not cost the others their turn. */
    memset(x.order, 0, sizeof x.order);
    assert_int_equal(say(&x, 3, 2, FRAGMENT), 0);
    assert_int_equal(say(&x, 5, 5, FRAGMENT), 0);
    assert_int_equal(say(&x, 7, 5, FRAGMENT), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_true(carry(&x, SIZE_MAX));
    assert_int_equal(say(&x, 1, 2, FRAGMENT), 0);
    assert_int_equal(say(&x, 9, 2, FRAGMENT), 0);
    drain(&x);
    for (size_t i = 0; i + 4 < strlen(x.order); i++)
        assert_true(x.order[i] != x.order[i + 1] || i > 12);
    end(&x);
}

static void many_small_frames_behind_a_big_message_go_many_at_once(void **state)
{
    (void)state;
    enum { SMALL = 20000 };
    struct fixture x;
    unsigned pieces = 0;
    begin(&x, PLENTY);
    assert_int_equal(say(&x, 1, 2, FRAGMENT), 0);
    for (unsigned i = 0; i < SMALL; i++)
        assert_int_equal(say_small(&x, 1), 0);
    for (; carry(&x, SIZE_MAX); pieces++)
        hear(&x);
    assert_in_range(pieces, 2 + SMALL * 20 / FRAGMENT, 4 + SMALL * 20 / FRAGMENT);
    drain(&x);
    end(&x);
}

static void bytes_go_as_they_can_however_few(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 3, 1000, 65535, 65536, 65537};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        struct fixture x;
        begin(&x, PLENTY);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(say_small(&x, i), 0);
            assert_int_equal(say(&x, i, 2, pieces[p] < 1000 ? 1000 : FRAGMENT), 0);
            assert_int_equal(say_small(&x, i), 0);
        }
        for (unsigned i = 0; carry(&x, pieces[p]); i++) {
            hear(&x);
            if (i % 700 == 0)
                assert_int_equal(say_small(&x, 5), 0);
        }
        drain(&x);
        end(&x);
    }
}

static void the_limit_is_of_all_bytes_and_a_refusal_changes_nothing(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, 4 * FRAGMENT);
    assert_int_equal(say(&x, 1, 5, FRAGMENT), NOEX_ELIMIT);
    assert_false(carry(&x, SIZE_MAX));
    assert_int_equal(say(&x, 1, 3, FRAGMENT), 0);
    assert_int_equal(say(&x, 1, 1, FRAGMENT - 20), 0);
    assert_int_equal(say_small(&x, 2), 0);
    assert_int_equal(nx_outqueue_queued(&x.o), 4 * FRAGMENT);
    assert_int_equal(say_small(&x, 1), NOEX_ELIMIT);
    assert_int_equal(say_small(&x, 2), NOEX_ELIMIT);
    assert_int_equal(say(&x, 1, 2, 20), NOEX_ELIMIT);
    assert_int_equal(say(&x, 3, 2, 20), NOEX_ELIMIT);
    assert_int_equal(x.o.count, 1);
    assert_true(carry(&x, 40));
    hear(&x);
    assert_int_equal(say(&x, 3, 2, 20), 0);
    drain(&x);
    end(&x);
}

/* All memory that there is, at each of the allocations that accepting takes; none to send. */
static void out_of_memory_a_message_is_refused_whole_and_what_was_accepted_goes(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        for (int on = 0; on < 2; on++) {
            struct fixture x;
            begin(&x, PLENTY);
            x.t.fail_at = k;
            x.t.fail_on = on;
            for (uint32_t i = 0; i < 40; i++) {
                int rc = i % 3 ? say_small(&x, i % 7) : say(&x, i % 11, 2, FRAGMENT);
                assert_true(rc == 0 || (rc == NOEX_ENOMEM && x.t.failed));
            }
            failed = x.t.failed;
            x.t.fail_at = x.t.calls + 1;
            x.t.fail_on = true;
            x.t.failed = 0;
            while (carry(&x, 50000))
                hear(&x);
            drain(&x);
            assert_int_equal(x.t.failed, 0);
            end(&x);
        }
        assert_true(k < 200);
    }
}

static void what_waits_at_the_end_is_freed(void **state)
{
    (void)state;
    struct fixture x;
    begin(&x, PLENTY);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(say(&x, i, 2, FRAGMENT), 0);
        assert_int_equal(say_small(&x, i), 0);
    }
    assert_true(carry(&x, 100000));
    end(&x);
}

/* Anything in any order. */
static void at_random_each_sender_keeps_its_order(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (unsigned round = 0; round < 80; round++) {
        struct fixture x;
        begin(&x, 4 << 20);
        for (unsigned i = 0; i < 300; i++) {
            const uint32_t sender = random_below(&seed, 6);
            const unsigned what = random_below(&seed, 20);
            int rc = 0;
            if (what < 10)
                rc = say_small(&x, sender);
            else if (what == 10)
                rc = say(&x, sender, 2 + random_below(&seed, 4), 100 + random_below(&seed, 70000));
            else if (carry(&x, random_below(&seed, 40000)))
                hear(&x);
            assert_true(rc == 0 || rc == NOEX_ELIMIT);
        }
        drain(&x);
        end(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_frames_go_in_their_order_all_at_once),
        cmocka_unit_test(a_big_message_goes_fragment_by_fragment_and_what_is_ready_between_them),
        cmocka_unit_test(what_a_sender_sends_behind_its_big_message_waits_and_others_do_not),
        cmocka_unit_test(a_big_message_begins_behind_what_its_sender_sent_before),
        cmocka_unit_test(several_big_messages_take_turns),
        cmocka_unit_test(many_small_frames_behind_a_big_message_go_many_at_once),
        cmocka_unit_test(bytes_go_as_they_can_however_few),
        cmocka_unit_test(the_limit_is_of_all_bytes_and_a_refusal_changes_nothing),
        cmocka_unit_test(out_of_memory_a_message_is_refused_whole_and_what_was_accepted_goes),
        cmocka_unit_test(what_waits_at_the_end_is_freed),
        cmocka_unit_test(at_random_each_sender_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
