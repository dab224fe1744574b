/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "conn/ticks.h"

enum { T = 4000, Q = 1000 };

static struct nx_ticks fresh(void)
{
    struct nx_ticks t;
    nx_ticks_init(&t, T, 0);
    return t;
}

static void a_quarter_without_writing_sends_a_tick(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    nx_ticks_read(&t, 999);
    assert_int_equal(nx_ticks_due(&t, 999), NX_TICK_NONE);
    assert_int_equal(nx_ticks_deadline(&t), 1000);
    assert_int_equal(nx_ticks_due(&t, 1000), NX_TICK_SEND);
    assert_int_equal(nx_ticks_due(&t, 1000), NX_TICK_NONE);
    nx_ticks_written(&t, 1500);
    nx_ticks_read(&t, 1900);
    assert_int_equal(nx_ticks_due(&t, 2499), NX_TICK_NONE);
    assert_int_equal(nx_ticks_due(&t, 2500), NX_TICK_SEND);
}

static void silence_is_probed_then_told_of_quarter_by_quarter_then_down(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    assert_int_equal(nx_ticks_due(&t, 999) & ~(unsigned)NX_TICK_SEND, NX_TICK_NONE);
    assert_int_equal(nx_ticks_due(&t, 1000) & ~(unsigned)NX_TICK_SEND, NX_TICK_PROBE);
    assert_int_equal(nx_ticks_due(&t, 1999) & ~(unsigned)NX_TICK_SEND, NX_TICK_NONE);
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(nx_ticks_due(&t, (n + 1) * Q) & ~(unsigned)NX_TICK_SEND, NX_TICK_MISSED);
        assert_int_equal(t.missed, n);
    }
    assert_int_equal(nx_ticks_due(&t, 5 * Q - 1) & ~(unsigned)NX_TICK_SEND, NX_TICK_NONE);
    assert_int_equal(nx_ticks_due(&t, 5 * Q), NX_TICK_DOWN);
}

static void silences_of_nearly_two_quarters_are_normal(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    for (uint64_t now = 0; now < 60 * Q; now += 1990) {
        nx_ticks_read(&t, now);
        for (uint64_t at = now; at < now + 1990; at += 10)
            assert_false(nx_ticks_due(&t, at) & (NX_TICK_MISSED | NX_TICK_DOWN));
    }
}

static void one_byte_is_enough_to_live(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    assert_true(nx_ticks_due(&t, 3 * Q) & NX_TICK_MISSED);
    nx_ticks_read(&t, 3 * Q);
    assert_int_equal(t.missed, 0);
    assert_true(nx_ticks_due(&t, 4 * Q) & NX_TICK_PROBE);
    assert_false(nx_ticks_due(&t, 5 * Q - 1) & NX_TICK_DOWN);
}

static void a_tick_is_answered_when_nothing_was_sent_since_the_one_before(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    assert_false(nx_ticks_answer(&t)); /* the handshake was written */
    assert_true(nx_ticks_answer(&t));
    nx_ticks_written(&t, 10);
    assert_false(nx_ticks_answer(&t));
}

/* Walking from deadline to deadline finds everything that is due, and never spins. */
static void the_deadline_is_when_something_is_due(void **state)
{
    (void)state;
    struct nx_ticks t = fresh();
    unsigned missed = 0, probes = 0, ticks = 0, steps = 0;
    for (uint64_t now = nx_ticks_deadline(&t);; now = nx_ticks_deadline(&t)) {
        unsigned due = nx_ticks_due(&t, now);
        assert_int_not_equal(due, NX_TICK_NONE);
        assert_true(++steps < 20);
        missed += !!(due & NX_TICK_MISSED);
        probes += !!(due & NX_TICK_PROBE);
        ticks += !!(due & NX_TICK_SEND);
        if (due & NX_TICK_DOWN) {
            assert_int_equal(now, 5 * Q);
            break;
        }
    }
    assert_int_equal(missed, 3);
    assert_int_equal(probes, 1);
    assert_int_equal(ticks, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_without_writing_sends_a_tick),
        cmocka_unit_test(silence_is_probed_then_told_of_quarter_by_quarter_then_down),
        cmocka_unit_test(silences_of_nearly_two_quarters_are_normal),
        cmocka_unit_test(one_byte_is_enough_to_live),
        cmocka_unit_test(a_tick_is_answered_when_nothing_was_sent_since_the_one_before),
        cmocka_unit_test(the_deadline_is_when_something_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
