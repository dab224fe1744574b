/* SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

static struct bench b;

static const uint8_t reason_bytes[] = {104, 2, 119, 4, 'b', 'o', 'o', 'm', 106};
static const struct nx_span reason = {reason_bytes, sizeof reason_bytes};

static const char *address(void)
{
    static char text[300];
    fake_beam_address(&b.beam[0], text, sizeof text);
    return text;
}

static bool fails(int rc)
{
    assert_true(rc == 0 || rc == NOEX_ENOMEM);
    return rc != 0;
}

/* Every kind of ending may come of a lack of memory, but each monitor has exactly one. */
static void expect_one_end(noex_monitor_id id)
{
    const struct seen *up = bench_of(&b, M_UP, id);
    const struct seen *down = bench_of(&b, M_DOWN, id);
    const struct seen *failed = bench_of(&b, M_FAILED, id);
    assert_true((down != NULL) + (failed != NULL) == 1);
    assert_true((up != NULL) == (down != NULL));
    if (failed)
        assert_true(failed->code == NOEX_ENOMEM || failed->code == NOEX_ESETUPTIMEOUT ||
                    failed->code == NOEX_ENOTREACHABLE || failed->code == NOEX_EDISCONNECTED);
}

static bool monitor(const char *name, noex_monitor_id *id)
{
    const struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = address(), .name = name};
    return !fails(noex_monitor(b.node, &t, 0, NULL, id));
}

static bool is_over(const noex_monitor_id *id, int made)
{
    for (int i = 0; i < made; i++)
        if (!bench_of(&b, M_DOWN, id[i]) && !bench_of(&b, M_FAILED, id[i]))
            return false;
    return true;
}

static void until_over(const noex_monitor_id *id, int made)
{
    uint64_t end = bench_clock() + 20000;
    while (!is_over(id, made)) {
        bench_step(&b);
        assert_true(bench_clock() < end);
    }
}

/* New, connect, monitor, down, loss. True where the node could be made. */
static bool flow(void)
{
    static const char *const names[] = {"dies", "stays", "absent", "dies", "stays"};
    noex_monitor_id id[5];
    struct noex_error err;
    int made = 0;
    if (fails(bench_try_open(&b, &err))) {
        assert_int_equal(err.code, NOEX_ENOMEM);
        assert_null(b.node);
        return false;
    }
    for (int i = 0; i < 5; i++)
        made += monitor(names[i], &id[made]);
    for (int i = 0; i < 10 && !is_over(id, made); i++) {
        bench_for(&b, 4);
        if (fake_beam_is_up(&b.beam[0]))
            fake_beam_die(&b.beam[0], "dies", reason, FAKE_FRAGMENTS);
    }
    int rc = noex_disconnect(b.node, address());
    assert_true(rc == 0 || rc == NOEX_ENOTREACHABLE);
    until_over(id, made);
    for (int i = 0; i < made; i++)
        expect_one_end(id[i]);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.pending == 0 && s.active == 0);
    assert_int_equal(bench_stats(&b).connections, 0);
    assert_int_equal(s.initiated, (uint64_t)made + s.demonitored);
    return true;
}

/* As before any trouble: what failed once works now. */
static void works_again(void)
{
    noex_monitor_id id;
    bench_forget(&b);
    fake_beam_spawn(&b.beam[0], "again");
    assert_true(monitor("again", &id));
    bench_until(&b, M_UP, 1);
    assert_int_equal(fake_beam_die(&b.beam[0], "again", reason, FAKE_PAYLOAD), 1);
    bench_until(&b, M_DOWN, 1);
    assert_int_equal(bench_of(&b, M_DOWN, id)->term_len, reason.len);
}

/* How many allocations failed. */
static size_t run(size_t k, bool on, bool dynamic)
{
    bench_init(&b);
    b.options.setup_timeout_ms = 60;
    if (dynamic)
        b.options.name = NULL;
    bench_beam(&b, NULL);
    fake_beam_spawn(&b.beam[0], "dies");
    fake_beam_spawn(&b.beam[0], "stays");
    b.alloc.fail_at = k;
    b.alloc.fail_on = on;
    bool made = flow();
    size_t failed = b.alloc.failed;
    b.alloc.fail_at = 0;
    if (made)
        works_again();
    bench_close(&b);
    return failed;
}

static void run_all(bool on, bool dynamic)
{
    size_t k = 1;
    while (run(k, on, dynamic))
        k++;
    assert_true(k > 15); /* else the flow is not what it was */
}

static void each_allocation_that_fails_once_is_told_and_the_node_works_afterwards(void **state)
{
    (void)state;
    run_all(false, false);
    run_all(false, true);
}

static void memory_that_ends_for_good_ends_every_monitor_once_and_leaks_nothing(void **state)
{
    (void)state;
    run_all(true, false);
    run_all(true, true);
}

/* All is established when the memory ends: no DOWN may be lost for that. */
static void downs_that_come_without_memory_are_delivered_with_their_type(void **state)
{
    (void)state;
    noex_monitor_id id[3];
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "dies");
    fake_beam_spawn(&b.beam[0], "stays");
    assert_true(monitor("dies", &id[0]));
    assert_true(monitor("dies", &id[1]));
    assert_true(monitor("stays", &id[2]));
    bench_until(&b, M_UP, 3);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    assert_int_equal(fake_beam_die(&b.beam[0], "dies", reason, FAKE_PAYLOAD), 2);
    bench_until(&b, M_DOWN, 2);
    for (int i = 0; i < 2; i++) {
        const struct seen *e = bench_of(&b, M_DOWN, id[i]);
        assert_int_equal(e->reason, NOEX_REASON_EXCEPTION);
        assert_int_equal(e->origin, NOEX_ORIGIN_PEER);
        assert_int_equal(e->term_len, 0); /* cut, and marked: */
        assert_int_equal(e->term_full_len, reason.len);
    }
    assert_int_equal(bench_stats(&b).reasons_cut, 2);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_UP, M_DOWN, M_DOWN, M_DOWN, DOWN);
    assert_int_equal(bench_of(&b, M_DOWN, id[2])->origin, NOEX_ORIGIN_LOCAL);
    assert_true(b.alloc.failed > 0);
    b.alloc.fail_at = 0;
    bench_close(&b);
}

static void what_could_not_be_sent_for_want_of_memory_is_tried_again_soon(void **state)
{
    (void)state;
    noex_monitor_id id;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    bench_connect(&b, 0);
    assert_true(monitor("srv", &id));
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    bench_for(&b, 20);
    assert_true(b.alloc.failed > 0);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], 0);
    assert_in_range(noex_node_timeout_ms(b.node), 0, 50); /* without anything else to wake it */
    b.alloc.fail_at = 0;
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, UP, M_UP);
    bench_close(&b);
}

static void reconnecting_goes_on_when_there_is_memory_again(void **state)
{
    (void)state;
    bench_default(&b);
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, UP, 1);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_for(&b, 150);
    assert_int_equal(b.count[UP], 1);
    assert_true(b.alloc.failed > 0);
    b.alloc.fail_at = 0;
    bench_until(&b, UP, 2);
    bench_close(&b);
}

static void each_allocation_of_a_lookup_at_epmd_is_told(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        size_t failed = 1;
        for (size_t k = 1; failed; k++) {
            bench_init(&b);
            bench_open(&b);
            bench_beam(&b, &(struct fake_beam_opts){.script = "w\1", .script_len = 2});
            b.options.epmd_port = b.beam[0].port;
            noex_node_free(b.node);
            bench_open(&b);
            b.alloc.fail_at = b.alloc.calls + k;
            b.alloc.fail_on = on;
            bool told = !fails(noex_connect(b.node, "beam@127.0.0.1", NOEX_CONNECT_ONCE));
            if (told) {
                bench_until(&b, FAILED, 1);
                int code = bench_event(&b, FAILED, 0)->code;
                assert_int_equal(code, b.alloc.failed ? NOEX_ENOMEM : NOEX_ENONODE);
                assert_true(bench_event(&b, FAILED, 0)->text[0] != '\0');
            }
            failed = b.alloc.failed;
            b.alloc.fail_at = 0;
            bench_close(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_that_fails_once_is_told_and_the_node_works_afterwards),
        cmocka_unit_test(memory_that_ends_for_good_ends_every_monitor_once_and_leaks_nothing),
        cmocka_unit_test(downs_that_come_without_memory_are_delivered_with_their_type),
        cmocka_unit_test(what_could_not_be_sent_for_want_of_memory_is_tried_again_soon),
        cmocka_unit_test(reconnecting_goes_on_when_there_is_memory_again),
        cmocka_unit_test(each_allocation_of_a_lookup_at_epmd_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
