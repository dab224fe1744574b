/* SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include <stdlib.h>
#include <time.h>

static struct bench b;

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};

static const char *address(unsigned beam)
{
    static char text[300];
    fake_beam_address(&b.beam[beam], text, sizeof text);
    return text;
}

/* ---- callbacks ---- */

static void no_event_comes_outside_process(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].all_alive = true;
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    size_t before = b.seen_count;
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
    bench_monitor_name(&b, 0, "srv", NULL);
    assert_int_equal(noex_connect(b.node, address(0), NOEX_CONNECT_KEEP), 0);
    assert_int_equal(b.seen_count, before);
    assert_int_equal(noex_node_timeout_ms(b.node), 0); /* but they wait */
    bench_until(&b, M_UP, 2);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN, UP, M_UP);
    bench_close(&b);
}

/* All that a callback may call; none of it may disturb the event at hand or those behind it. */
static void call_everything(struct bench *bench, const struct noex_event *e)
{
    struct noex_stats stats;
    struct noex_monitor_stats monitor_stats;
    char text[256];
    assert_null(noex_node_next_event(bench->node));
    assert_true(noex_node_timeout_ms(bench->node) >= 0);
    assert_true(noex_node_fd(bench->node) >= 0);
    assert_true(noex_node_now_ms(bench->node) > 0);
    noex_node_wakeup(bench->node);
    noex_node_stats(bench->node, &stats, sizeof stats);
    noex_monitor_get_stats(bench->node, &monitor_stats, sizeof monitor_stats);
    if (e->type == M_UP) {
        assert_int_equal(noex_connect(bench->node, "nobody@127.0.0.1:1", NOEX_CONNECT_KEEP), 0);
        assert_int_equal(noex_disconnect(bench->node, "nobody@127.0.0.1:1"), 0);
    }
    noex_connection(bench->node, address(0), text, sizeof text);
    assert_int_equal(noex_demonitor(bench->node, 12345), 0);
    if (e->type == M_DOWN) {
        assert_true(noex_event_print_term(e, text, sizeof text, NULL) > 0);
        assert_string_equal(text, "noproc");
        assert_int_equal(e->reason, NOEX_REASON_NOPROC);
        assert_string_equal(e->target->name, "absent");
    }
}

static void a_callback_may_call_everything_that_does_not_wait(void **state)
{
    (void)state;
    noex_monitor_id id[20];
    bench_default(&b);
    bench_connect(&b, 0);
    b.in_event = call_everything;
    for (int i = 0; i < 20; i++)
        id[i] = bench_monitor_name(&b, 0, "absent", NULL);
    bench_until(&b, M_DOWN, 20);
    for (int i = 0; i < 20; i++) {
        assert_non_null(bench_of(&b, M_UP, id[i]));
        assert_true(bench_event(&b, M_DOWN, (size_t)i)->monitor == id[i]);
    }
    b.in_event = NULL;
    bench_close(&b);
}

static size_t links;

static void chain(struct bench *bench, const struct noex_event *e)
{
    if (e->type == FAILED && ++links < 100)
        assert_int_equal(noex_connect(bench->node, "x@[::zz]:1", NOEX_CONNECT_ONCE), 0);
}

/* Each attempt fails at once, inside the call. */
static void events_that_lead_to_events_do_not_keep_process_for_ever(void **state)
{
    (void)state;
    bench_default(&b);
    links = 0;
    b.in_event = chain;
    assert_int_equal(noex_connect(b.node, "x@[::zz]:1", NOEX_CONNECT_ONCE), 0);
    bench_until(&b, FAILED, 100);
    bench_for(&b, 10);
    assert_int_equal(b.count[FAILED], 100);
    bench_close(&b);
}

/* ---- pulling ---- */

static void open_pull(void)
{
    bench_init(&b);
    b.pull = true;
    bench_open(&b);
    bench_beam(&b, NULL);
}

static void events_may_be_pulled_in_the_same_order(void **state)
{
    (void)state;
    open_pull();
    fake_beam_spawn(&b.beam[0], "srv");
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", &b);
    bench_until(&b, M_UP, 1);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN);
    const struct seen *e = bench_of(&b, M_DOWN, id);
    assert_true(e->user == &b && e->reason == NOEX_REASON_NORMAL);
    assert_string_equal(e->name, "srv");
    bench_close(&b);
}

/* Drives both sides until so many DOWNs came in, but leaves the events where they are. */
static void drive_without_pulling(uint64_t downs)
{
    const struct timespec pause = {0, 500000};
    uint64_t end = bench_clock() + 10000;
    while (bench_monitor_stats(&b).downs_received < downs) {
        fake_beam_step(&b.beam[0]);
        assert_int_equal(noex_node_process(b.node, 0), 0);
        nanosleep(&pause, NULL);
        assert_true(bench_clock() < end);
    }
}

static void while_events_wait_the_timeout_is_0_and_process_does_not_wait(void **state)
{
    (void)state;
    const struct noex_event *e;
    open_pull();
    bench_monitor_name(&b, 0, "absent", NULL);
    drive_without_pulling(1);
    uint64_t start = bench_clock();
    for (int i = 0; i < 3; i++) { /* UP, M_UP, M_DOWN */
        assert_int_equal(noex_node_timeout_ms(b.node), 0);
        assert_int_equal(noex_node_process(b.node, 60000), 0);
        assert_non_null(e = noex_node_next_event(b.node));
    }
    assert_true(bench_clock() - start < 5000);
    assert_int_equal(e->type, M_DOWN);
    assert_null(noex_node_next_event(b.node));
    assert_true(noex_node_timeout_ms(b.node) > 0);
    bench_close(&b);
}

/* What a program may call between two pulls must leave what waits behind as it is. */
static void calls_between_two_pulls_lose_no_event(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    noex_monitor_id id[COUNT];
    const struct noex_event *e;
    for (int what = 0; what < 4; what++) {
        open_pull();
        for (int i = 0; i < COUNT; i++)
            id[i] = bench_monitor_name(&b, 0, "absent", NULL);
        drive_without_pulling(COUNT);
        assert_non_null(e = noex_node_next_event(b.node));
        assert_int_equal(e->type, UP);
        for (int i = 0; i < 2 * COUNT; i++) {
            assert_non_null(e = noex_node_next_event(b.node));
            assert_int_equal(e->type, i % 2 ? M_DOWN : M_UP);
            assert_true(e->monitor == id[i / 2]);
            if (what == 0)
                assert_true((noex_node_timeout_ms(b.node) == 0) == (i + 1 < 2 * COUNT));
            else if (what == 1)
                assert_int_equal(noex_node_process(b.node, 0), 0);
            else if (what == 2 && i % 2)
                assert_int_equal(noex_demonitor(b.node, e->monitor), 0);
            else if (what == 3)
                bench_monitor_name(&b, 0, "absent", NULL); /* never sent: not processed */
        }
        assert_null(noex_node_next_event(b.node));
        bench_close(&b);
    }
}

static void demonitor_takes_back_pulled_events_that_wait(void **state)
{
    (void)state;
    noex_monitor_id id[3];
    const struct noex_event *e;
    open_pull();
    for (int i = 0; i < 3; i++)
        id[i] = bench_monitor_name(&b, 0, "absent", NULL);
    drive_without_pulling(3);
    assert_int_equal(noex_demonitor(b.node, id[1]), 0);
    const noex_monitor_id expected[] = {0, id[0], id[0], id[2], id[2]};
    for (int i = 0; i < 5; i++) {
        assert_non_null(e = noex_node_next_event(b.node));
        assert_true(e->monitor == expected[i]);
    }
    assert_null(noex_node_next_event(b.node));
    assert_int_equal(noex_demonitor(b.node, id[0]), 0);
    bench_close(&b);
}

static void an_event_that_is_looked_at_may_be_demonitored_and_freed(void **state)
{
    (void)state;
    const struct noex_event *e;
    open_pull();
    noex_monitor_id id = bench_monitor_name(&b, 0, "absent", NULL);
    drive_without_pulling(1);
    assert_non_null(e = noex_node_next_event(b.node)); /* UP */
    assert_non_null(e = noex_node_next_event(b.node));
    assert_true(e->type == M_UP && e->monitor == id);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    assert_null(noex_node_next_event(b.node));
    noex_monitor_id again = bench_monitor_name(&b, 0, "absent", NULL);
    assert_true(again != id);
    drive_without_pulling(2);
    assert_non_null(e = noex_node_next_event(b.node));
    assert_true(e->monitor == again);
    bench_close(&b); /* while one is looked at and one waits */
}

static void in_callback_mode_there_is_nothing_to_pull(void **state)
{
    (void)state;
    bench_default(&b);
    bench_connect(&b, 0);
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
    assert_null(noex_node_next_event(b.node));
    bench_until(&b, DOWN, 1);
    bench_close(&b);
}

/* ---- clocks ---- */

static void the_clock_of_the_node_goes_forward(void **state)
{
    (void)state;
    const struct timespec pause = {0, 20000000};
    bench_default(&b);
    uint64_t first = noex_node_now_ms(b.node);
    nanosleep(&pause, NULL);
    assert_in_range(noex_node_now_ms(b.node) - first, 19, 5000);
    bench_close(&b);
}

static int64_t event_time;

static void note_time(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    event_time = e->time_us;
}

static void events_carry_the_wall_clock(void **state)
{
    (void)state;
    bench_default(&b);
    b.in_event = note_time;
    int64_t before = (int64_t)time(NULL) * 1000000;
    bench_connect(&b, 0);
    assert_in_range(event_time, before, before + 20000000);
    bench_monitor_name(&b, 0, "absent", NULL);
    event_time = 0;
    bench_until(&b, M_DOWN, 1);
    assert_in_range(event_time, before, before + 20000000);
    bench_close(&b);
}

/* ---- life ---- */

static void K23_a_node_may_be_freed_at_any_moment_without_events_or_leaks(void **state)
{
    (void)state;
    for (int steps = 0; steps < 40; steps++) {
        bench_default(&b);
        fake_beam_spawn(&b.beam[0], "srv");
        bench_monitor_name(&b, 0, "srv", NULL);
        bench_monitor_name(&b, 0, "absent", NULL);
        bench_monitor_pid(&b, 0, 1 << 20, 0, NULL);
        assert_int_equal(noex_connect(b.node, "other@localhost", NOEX_CONNECT_KEEP), 0);
        for (int i = 0; i < steps; i++) {
            fake_beam_step(&b.beam[0]);
            assert_int_equal(noex_node_process(b.node, 0), 0);
        }
        size_t told = b.seen_count;
        noex_node_free(b.node);
        b.node = NULL;
        assert_int_equal(b.alloc.live, 0);
        assert_int_equal(b.seen_count, told);
        bench_close(&b);
    }
    noex_node_free(NULL);
}

static struct bench other;

static void two_nodes_in_one_process_share_nothing(void **state)
{
    (void)state;
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = "srv"};
    noex_monitor_id mine, theirs;
    bench_default(&b);
    bench_init(&other);
    other.options.name = "mon2@127.0.0.1";
    bench_open(&other);
    fake_beam_spawn(&b.beam[0], "srv");
    t.node = address(0);
    assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &mine), 0);
    assert_int_equal(noex_monitor(other.node, &t, 0, NULL, &theirs), 0);
    uint64_t end = bench_clock() + 10000;
    while ((!b.count[M_UP] || !other.count[M_UP]) && bench_clock() < end) {
        bench_step(&b);
        bench_step(&other);
    }
    assert_int_equal(b.beam[0].conns, 2);
    assert_true(mine == theirs); /* the same slot, each in its own node */
    assert_int_equal(noex_demonitor(b.node, mine), 0);
    bench_for(&b, 20);
    assert_int_equal(fake_beam_held(&b.beam[0], "srv"), 1);
    assert_int_equal(bench_monitor_stats(&other).active, 1);
    assert_int_equal(noex_disconnect(other.node, address(0)), 0);
    bench_until(&other, DOWN, 1);
    bench_for(&b, 20);
    EXPECT_EVENTS(&other, UP, M_UP, M_DOWN, DOWN);
    EXPECT_EVENTS(&b, UP, M_UP);
    bench_close(&other);
    bench_close(&b);
}

/* ---- the log ---- */

static struct {
    size_t lines[NOEX_LOG_TRACE + 1];
    bool secret;
    bool bad;
} logged;

static void on_log(void *user, enum noex_log_level level, const char *line)
{
    assert_true(user == &logged);
    logged.lines[level]++;
    logged.secret = logged.secret || strstr(line, "S3CRET") != NULL;
    logged.bad = logged.bad || strchr(line, '\n') || !*line;
}

static void the_log_obeys_its_level_and_never_holds_the_cookie(void **state)
{
    (void)state;
    for (int level = NOEX_LOG_ERROR; level <= NOEX_LOG_TRACE; level++) {
        memset(&logged, 0, sizeof logged);
        bench_init(&b);
        b.options.cookie = "S3CRET";
        b.options.on_log = on_log;
        b.options.log_user = &logged;
        b.options.log_level = (enum noex_log_level)level;
        bench_open(&b);
        bench_beam(&b, &(struct fake_beam_opts){.cookie = "S3CRET"});
        bench_monitor_name(&b, 0, "absent", NULL);
        bench_until(&b, M_DOWN, 1);
        fake_beam_hang_up(&b.beam[0], false);
        b.beam[0].opts.cookie = "another";
        bench_until(&b, DOWN, 1);
        assert_int_equal(noex_connect(b.node, address(0), NOEX_CONNECT_ONCE), 0);
        bench_until(&b, FAILED, 1);
        assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_ECOOKIE);
        for (int l = NOEX_LOG_ERROR; l <= NOEX_LOG_TRACE; l++)
            assert_true(l == NOEX_LOG_ERROR || (logged.lines[l] > 0) == (l <= level));
        assert_false(logged.secret || logged.bad);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_event_comes_outside_process),
        cmocka_unit_test(a_callback_may_call_everything_that_does_not_wait),
        cmocka_unit_test(events_that_lead_to_events_do_not_keep_process_for_ever),
        cmocka_unit_test(events_may_be_pulled_in_the_same_order),
        cmocka_unit_test(while_events_wait_the_timeout_is_0_and_process_does_not_wait),
        cmocka_unit_test(calls_between_two_pulls_lose_no_event),
        cmocka_unit_test(demonitor_takes_back_pulled_events_that_wait),
        cmocka_unit_test(an_event_that_is_looked_at_may_be_demonitored_and_freed),
        cmocka_unit_test(in_callback_mode_there_is_nothing_to_pull),
        cmocka_unit_test(the_clock_of_the_node_goes_forward),
        cmocka_unit_test(events_carry_the_wall_clock),
        cmocka_unit_test(K23_a_node_may_be_freed_at_any_moment_without_events_or_leaks),
        cmocka_unit_test(two_nodes_in_one_process_share_nothing),
        cmocka_unit_test(the_log_obeys_its_level_and_never_holds_the_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
