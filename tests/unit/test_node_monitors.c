/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/dflags.h"
#include "node_bench.h"
#include "term/ident.h"
#include <time.h>

static struct bench b;

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};
static const uint8_t boom_bytes[] = {104, 2, 119, 4, 'b', 'o', 'o', 'm', 106};
static const struct nx_span boom = {boom_bytes, sizeof boom_bytes};

static void expect_failed(noex_monitor_id id, int code)
{
    const struct seen *e = bench_of(&b, M_FAILED, id);
    assert_non_null(e);
    if (e->code != code)
        fail_msg("%s: %s", noex_error_name(e->code), e->text);
    assert_true(e->text[0] != '\0');
    assert_null(bench_of(&b, M_UP, id));
    assert_null(bench_of(&b, M_DOWN, id));
}

static void expect_noconnection(const struct seen *e)
{
    static const uint8_t term[] = {119, 12,  'n', 'o', 'c', 'o', 'n',
                                   'n', 'e', 'c', 't', 'i', 'o', 'n'};
    assert_int_equal(e->reason, NOEX_REASON_NOCONNECTION);
    assert_int_equal(e->origin, NOEX_ORIGIN_LOCAL);
    assert_int_equal(e->term_len, sizeof term);
    assert_memory_equal(e->term, term, sizeof term);
}

static noex_monitor_id monitor_within(unsigned beam, const char *name, uint64_t timeout_ms)
{
    char address[300];
    noex_monitor_id id;
    fake_beam_address(&b.beam[beam], address, sizeof address);
    const struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = address, .name = name};
    assert_int_equal(noex_monitor(b.node, &t, timeout_ms, NULL, &id), 0);
    return id;
}

/* ---- setup ---- */

static void M01_M03_D01_a_monitor_is_established_and_goes_down_with_its_reason(void **state)
{
    (void)state;
    int tag;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", &tag);
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, UP, M_UP);
    const struct seen *e = bench_event(&b, M_UP, 0);
    assert_true(e->monitor == id && e->user == &tag && e->kind == NOEX_TARGET_NAME);
    assert_string_equal(e->name, "srv");
    assert_string_equal(e->node, "beam@127.0.0.1");
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.initiated == 1 && s.established == 1 && s.active == 1 && s.pending == 0);
    assert_int_equal(fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD), 1);
    bench_until(&b, M_DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN);
    e = bench_event(&b, M_DOWN, 0);
    assert_true(e->monitor == id && e->user == &tag);
    assert_int_equal(e->reason, NOEX_REASON_NORMAL);
    assert_int_equal(e->origin, NOEX_ORIGIN_PEER);
    assert_int_equal(e->term_full_len, normal.len);
    assert_memory_equal(e->term, normal.ptr, normal.len);
    s = bench_monitor_stats(&b);
    assert_true(s.active == 0 && s.downs_received == 1 && s.noconnection == 0);
    bench_close(&b);
}

static void M02_one_request_carries_watcher_target_and_reference(void **state)
{
    (void)state;
    struct nx_pid watcher;
    struct nx_ref ref;
    struct nx_span name;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], 2); /* and the barrier */
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_MONITOR_P, 0);
    assert_true(nx_pid_parse(fake_signal_arg(s, NX_ARG_FROM), &watcher));
    assert_true(nx_span_is(watcher.node, "mon@127.0.0.1"));
    assert_true(nx_atom_parse(fake_signal_arg(s, NX_ARG_TARGET), &name) && nx_span_is(name, "srv"));
    assert_true(nx_ref_parse(fake_signal_arg(s, NX_ARG_REF), &ref));
    assert_int_equal(ref.creation, watcher.creation);
    assert_true(watcher.creation >= 4);
    assert_true((id & UINT32_MAX) == ref.word[0] && id >> 32 == ref.word[1]);
    bench_close(&b);
}

static void M04_right_after_the_call_it_is_pending(void **state)
{
    (void)state;
    bench_default(&b);
    bench_monitor_name(&b, 0, "srv", NULL);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.pending == 1 && s.initiated == 1 && s.established == 0 && s.active == 0);
    bench_close(&b);
}

static void M13_M19_a_setup_that_is_not_confirmed_times_out_and_is_released_there(void **state)
{
    (void)state;
    bench_default(&b);
    struct fake_beam *beam = &b.beam[0];
    fake_beam_spawn(beam, "srv");
    beam->no_barrier = true;
    bench_connect(&b, 0);
    noex_monitor_id id = monitor_within(0, "srv", 50);
    bench_until(&b, M_FAILED, 1);
    EXPECT_EVENTS(&b, UP, M_FAILED);
    expect_failed(id, NOEX_ESETUPTIMEOUT);
    struct noex_monitor_stats stats = bench_monitor_stats(&b);
    assert_true(stats.timed_out == 1 && stats.pending == 0 && stats.failed == 0);
    bench_settle(&b);
    assert_int_equal(beam->ops[NX_OP_DEMONITOR_P], 1);
    assert_int_equal(fake_beam_held(beam, "srv"), 0);
    fake_beam_release_barrier(beam); /* the late answer confirms nothing */
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_FAILED);
    bench_close(&b);
}

static void M13_a_setup_may_time_out_while_the_attempt_to_connect_goes_on(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].say_max = 1; /* nothing */
    noex_monitor_id id = monitor_within(0, "srv", 40);
    bench_until(&b, M_FAILED, 1);
    EXPECT_EVENTS(&b, M_FAILED);
    expect_failed(id, NOEX_ESETUPTIMEOUT);
    b.beam[0].say_max = 0;
    bench_until(&b, UP, 1);
    EXPECT_EVENTS(&b, M_FAILED, UP);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], 0);
    bench_close(&b);
}

static void M14_the_default_limit_is_ten_seconds_and_the_options_change_it(void **state)
{
    (void)state;
    bench_init(&b);
    assert_int_equal(b.options.setup_timeout_ms, 10000);
    b.options.setup_timeout_ms = 60;
    bench_open(&b);
    bench_beam(&b, NULL)->deaf = true;
    uint64_t start = bench_clock();
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_FAILED, 1);
    assert_in_range(bench_clock() - start, 59, 2000);
    expect_failed(id, NOEX_ESETUPTIMEOUT);
    bench_close(&b);
}

static void a_program_that_was_busy_elsewhere_has_its_whole_setup_time(void **state)
{
    (void)state;
    const struct timespec busy = {0, 150 * 1000000};
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    bench_connect(&b, 0);
    nanosleep(&busy, NULL);
    noex_monitor_id id = monitor_within(0, "srv", 100);
    bench_until(&b, M_UP, 1);
    assert_non_null(bench_of(&b, M_UP, id));
    assert_int_equal(b.count[M_FAILED], 0);
    bench_close(&b);
}

static void M20_monitors_of_two_nodes_are_established_each(void **state)
{
    (void)state;
    bench_default(&b);
    bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"});
    for (unsigned i = 0; i < 4; i++) {
        b.beam[i / 2].all_alive = true;
        bench_monitor_name(&b, i / 2, i % 2 ? "a" : "b", NULL);
    }
    bench_until(&b, M_UP, 4);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.active == 4 && s.established == 4);
    assert_int_equal(bench_stats(&b).connections, 2);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 2);
    assert_int_equal(fake_beam_held(&b.beam[1], NULL), 2);
    bench_close(&b);
}

static void M21_D10_one_target_may_be_monitored_many_times(void **state)
{
    (void)state;
    noex_monitor_id id[5];
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    for (int i = 0; i < 5; i++)
        id[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 5);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_true(id[i] != id[k]);
    assert_int_equal(fake_beam_die(&b.beam[0], "srv", boom, FAKE_PAYLOAD), 5);
    bench_until(&b, M_DOWN, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(bench_event(&b, M_DOWN, (size_t)i)->monitor == id[i]);
        assert_int_equal(bench_of(&b, M_DOWN, id[i])->reason, NOEX_REASON_EXCEPTION);
    }
    bench_close(&b);
}

static void M22_an_id_is_never_used_twice(void **state)
{
    (void)state;
    noex_monitor_id last = 0;
    bench_default(&b);
    bench_connect(&b, 0);
    for (size_t i = 1; i <= 50; i++) {
        noex_monitor_id id = bench_monitor_name(&b, 0, "absent", NULL);
        assert_true(id != last);
        last = id;
        bench_until(&b, M_DOWN, i);
        assert_non_null(bench_of(&b, M_DOWN, id));
    }
    bench_close(&b);
}

static void M26_a_name_and_a_pid_are_echoed_as_they_were_asked_for(void **state)
{
    (void)state;
    struct nx_pid pid;
    bench_default(&b);
    fake_beam_spawn_pid(&b.beam[0], 77, 3);
    noex_monitor_id id = bench_monitor_pid(&b, 0, 77, 3, NULL);
    bench_until(&b, M_UP, 1);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_MONITOR_P, 0);
    assert_true(nx_pid_parse(fake_signal_arg(s, NX_ARG_TARGET), &pid));
    assert_true(pid.id == 77 && pid.serial == 3 && pid.creation == 2002);
    assert_true(nx_span_is(pid.node, "beam@127.0.0.1"));
    const struct seen *e = bench_of(&b, M_UP, id);
    assert_int_equal(e->kind, NOEX_TARGET_PID);
    assert_true(e->pid.id == 77 && e->pid.serial == 3);
    assert_int_equal(e->pid.creation, 2002); /* filled in once it is known */
    assert_int_equal(b.beam[0].ops[NX_OP_REG_SEND], 0);
    bench_close(&b);
}

static void
L1_a_peer_without_both_monitor_flags_fails_them_at_once_and_is_watched_as_a_node(void **state)
{
    (void)state;
    const uint64_t lacking[] = {NX_DFLAG_DIST_MONITOR, NX_DFLAG_DIST_MONITOR_NAME,
                                NX_DFLAGS_MONITOR};
    for (int i = 0; i < 3; i++) {
        bench_init(&b);
        bench_open(&b);
        bench_beam(&b, &(struct fake_beam_opts){.flags = NX_DFLAGS_OURS & ~lacking[i]});
        uint64_t start = bench_clock();
        noex_monitor_id name = bench_monitor_name(&b, 0, "srv", NULL);
        noex_monitor_id node = bench_monitor_node(&b, 0, NULL);
        noex_monitor_id pid = bench_monitor_pid(&b, 0, 1u << 27, 0, NULL);
        bench_until(&b, M_FAILED, 2);
        bench_until(&b, M_UP, 1);
        assert_true(bench_clock() - start < 5000);
        expect_failed(name, NOEX_ENOMONITOR);
        expect_failed(pid, NOEX_ENOMONITOR);
        assert_non_null(strstr(bench_of(&b, M_FAILED, name)->text, "DIST_MONITOR_NAME"));
        assert_non_null(bench_of(&b, M_UP, node));
        bench_settle(&b);
        assert_int_equal(b.beam[0].signals, 0); /* not even a barrier */
        fake_beam_hang_up(&b.beam[0], false);
        bench_until(&b, DOWN, 1);
        expect_noconnection(bench_of(&b, M_DOWN, node));
        bench_close(&b);
    }
}

static void a_node_is_a_target_established_by_its_answer_and_lost_with_it(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].no_barrier = true;
    noex_monitor_id id = bench_monitor_node(&b, 0, NULL);
    noex_monitor_id gone = bench_monitor_node(&b, 0, NULL);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_int_equal(b.count[M_UP], 0);
    fake_beam_release_barrier(&b.beam[0]);
    bench_until(&b, M_UP, 2);
    assert_int_equal(bench_of(&b, M_UP, id)->kind, NOEX_TARGET_NODE);
    assert_int_equal(noex_demonitor(b.node, gone), 0);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_DEMONITOR_P], 0);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_DOWN, DOWN);
    expect_noconnection(bench_of(&b, M_DOWN, id));
    bench_close(&b);
}

/* ---- noproc ---- */

static size_t turn, turn_of_up, turn_of_down;

static void note_turn(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    if (e->type == M_UP)
        turn_of_up = turn;
    else if (e->type == M_DOWN)
        turn_of_down = turn;
}

static void N01_N02_N05_noproc_gives_up_and_down_in_one_turn(void **state)
{
    (void)state;
    bench_default(&b);
    bench_connect(&b, 0);
    b.in_event = note_turn;
    noex_monitor_id id = bench_monitor_name(&b, 0, "absent", NULL);
    for (turn = 0; b.count[M_DOWN] < 1 && turn < 10000; turn++)
        bench_step(&b);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN);
    assert_int_equal(turn_of_up, turn_of_down);
    assert_int_equal(bench_of(&b, M_DOWN, id)->reason, NOEX_REASON_NOPROC);
    assert_int_equal(bench_of(&b, M_DOWN, id)->origin, NOEX_ORIGIN_PEER);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.established == 1 && s.downs_received == 1 && s.active == 0 && s.pending == 0);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 0);
    bench_close(&b);
}

static void N07_two_hundred_noprocs_in_parallel_come_once_each(void **state)
{
    (void)state;
    noex_monitor_id id[200];
    bench_default(&b);
    for (int i = 0; i < 200; i++)
        id[i] = bench_monitor_name(&b, 0, "absent", NULL);
    bench_until(&b, M_DOWN, 200);
    bench_settle(&b);
    for (int i = 0; i < 200; i++) {
        assert_non_null(bench_of(&b, M_UP, id[i]));
        assert_true(bench_event(&b, M_DOWN, (size_t)i)->monitor == id[i]);
    }
    assert_int_equal(b.seen_count, 401);
    bench_close(&b);
}

static void N08_the_id_is_known_before_its_event_even_where_the_attempt_fails_at_once(void **state)
{
    (void)state;
    noex_monitor_id id;
    const struct noex_target t = {.kind = NOEX_TARGET_NAME, .name = "srv", .node = "x@[::zz]:9"};
    bench_default(&b);
    assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), 0);
    assert_int_equal(b.seen_count, 0);
    bench_until(&b, NOEX_EVENT_CONNECT_FAILED, 1);
    EXPECT_EVENTS(&b, M_FAILED, NOEX_EVENT_CONNECT_FAILED);
    expect_failed(id, NOEX_EHOST);
    bench_close(&b);
}

static void N09_a_pid_of_an_earlier_incarnation_is_absent(void **state)
{
    (void)state;
    char address[300];
    noex_monitor_id id;
    bench_default(&b);
    fake_beam_spawn_pid(&b.beam[0], 10, 0);
    bench_monitor_pid(&b, 0, 10, 0, NULL);
    bench_until(&b, M_UP, 1);
    struct noex_pid old = bench_event(&b, M_UP, 0)->pid;
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    b.beam[0].opts.creation = 3003;
    bench_forget(&b);
    fake_beam_address(&b.beam[0], address, sizeof address);
    const struct noex_target t = {.kind = NOEX_TARGET_PID, .node = address, .pid = old};
    assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), 0);
    bench_until(&b, M_DOWN, 1);
    assert_int_equal(bench_of(&b, M_DOWN, id)->reason, NOEX_REASON_NOPROC);
    assert_int_equal(bench_of(&b, M_DOWN, id)->origin, NOEX_ORIGIN_PEER);
    noex_monitor_id now = bench_monitor_pid(&b, 0, 10, 0, NULL);
    bench_until(&b, M_UP, 2);
    assert_int_equal(bench_of(&b, M_UP, now)->pid.creation, 3003);
    bench_close(&b);
}

/* ---- down ---- */

static void D02_D05_the_type_follows_the_reason_in_each_form_of_down(void **state)
{
    (void)state;
    static const struct {
        const char *atom;
        enum noex_reason_type type;
    } cases[] = {{"normal", NOEX_REASON_NORMAL},
                 {"shutdown", NOEX_REASON_SHUTDOWN},
                 {"killed", NOEX_REASON_KILLED},
                 {"boom", NOEX_REASON_EXCEPTION},
                 {"noproc", NOEX_REASON_NOPROC},
                 {"timeout", NOEX_REASON_TIMEOUT},
                 {"noconnection", NOEX_REASON_NOCONNECTION}};
    const enum fake_form forms[] = {FAKE_PAYLOAD, FAKE_INSIDE, FAKE_FRAGMENTS};
    uint8_t bytes[FAKE_TERM];
    bench_default(&b);
    bench_connect(&b, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int f = 0; f < 3; f++) {
            bench_forget(&b);
            fake_beam_spawn(&b.beam[0], "srv");
            bench_monitor_name(&b, 0, "srv", NULL);
            bench_until(&b, M_UP, 1);
            struct nx_span reason = fake_atom(cases[i].atom, bytes);
            assert_int_equal(fake_beam_die(&b.beam[0], "srv", reason, forms[f]), 1);
            bench_until(&b, M_DOWN, 1);
            const struct seen *e = bench_event(&b, M_DOWN, 0);
            assert_int_equal(e->reason, cases[i].type);
            assert_int_equal(e->origin, NOEX_ORIGIN_PEER); /* whatever the reason says */
            assert_int_equal(e->term_len, reason.len);
            assert_memory_equal(e->term, reason.ptr, reason.len);
        }
    }
    bench_close(&b);
}

static void D11_demonitoring_the_third_leaves_four_in_creation_order(void **state)
{
    (void)state;
    noex_monitor_id id[5];
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    for (int i = 0; i < 5; i++)
        id[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 5);
    assert_int_equal(noex_demonitor(b.node, id[2]), 0);
    bench_settle(&b);
    assert_int_equal(fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD), 4);
    bench_until(&b, M_DOWN, 4);
    for (int i = 0, n = 0; i < 5; i++)
        if (i != 2)
            assert_true(bench_event(&b, M_DOWN, (size_t)n++)->monitor == id[i]);
    bench_close(&b);
}

static void D09_D12_K15_a_second_down_and_unknown_references_are_counted_and_ignored(void **state)
{
    (void)state;
    uint8_t bytes[FAKE_TERM], name[FAKE_TERM];
    bench_default(&b);
    struct fake_beam *beam = &b.beam[0];
    fake_beam_spawn(beam, "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    fake_beam_die(beam, "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    fake_beam_down(beam, &beam->monitors[0], boom, FAKE_PAYLOAD);
    fake_beam_down(beam, &beam->monitors[0], boom, FAKE_INSIDE);
    struct nx_ctrl down = {.op = NX_OP_PAYLOAD_MONITOR_P_EXIT};
    down.arg[NX_ARG_TARGET] = fake_atom("srv", name);
    down.arg[NX_ARG_TO] = fake_signal_arg(&beam->signal[0], NX_ARG_FROM);
    for (uint32_t words = 1; words <= 5; words++) {
        down.arg[NX_ARG_REF] = fake_ref(beam->name, 2002, words, bytes);
        fake_beam_send(beam, &down, boom);
        down.arg[NX_ARG_REF] = fake_ref("mon@127.0.0.1", 4, words, bytes);
        fake_beam_send(beam, &down, boom);
    }
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN);
    assert_int_equal(bench_monitor_stats(&b).downs_received, 13);
    assert_int_equal(bench_stats(&b).downs_stale, 12);
    bench_close(&b);
}

static struct noex_monitor_stats stats_inside;

static void read_stats(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_DOWN)
        stats_inside = bench_monitor_stats(bench);
}

static void D13_inside_the_callback_the_counters_have_moved(void **state)
{
    (void)state;
    bench_default(&b);
    b.in_event = read_stats;
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    assert_true(stats_inside.downs_received == 1 && stats_inside.active == 0);
    bench_close(&b);
}

static void D18_a_thousand_downs_together_lose_and_double_none(void **state)
{
    (void)state;
    static noex_monitor_id id[1000];
    char name[16];
    bench_default(&b);
    b.beam[0].all_alive = b.beam[0].no_record = true;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "p%d", i);
        id[i] = bench_monitor_name(&b, 0, name, NULL);
    }
    bench_until(&b, M_UP, 1000);
    for (size_t i = 0; i < b.beam[0].monitor_count; i++)
        fake_beam_down(&b.beam[0], &b.beam[0].monitors[i], boom, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1000);
    bench_settle(&b);
    for (int i = 0; i < 1000; i++)
        assert_true(bench_event(&b, M_DOWN, (size_t)i)->monitor == id[i]);
    assert_int_equal(b.seen_count, 2001);
    bench_close(&b);
}

static void D19_a_target_that_dies_before_the_barrier_gives_up_then_down(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].no_barrier = true;
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_int_equal(fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD), 1);
    bench_until(&b, M_DOWN, 1);
    fake_beam_release_barrier(&b.beam[0]);
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN);
    bench_close(&b);
}

static void a_peer_cannot_end_the_monitor_of_another_peer(void **state)
{
    (void)state;
    bench_default(&b);
    bench_beam(&b, &(struct fake_beam_opts){.name = "evil@127.0.0.1"});
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_connect(&b, 1);
    bench_until(&b, M_UP, 1);
    fake_beam_down(&b.beam[1], &b.beam[0].monitors[0], boom, FAKE_PAYLOAD);
    fake_beam_down(&b.beam[1], &b.beam[0].monitors[0], boom, FAKE_INSIDE);
    bench_settle(&b);
    assert_int_equal(b.count[M_DOWN], 0);
    assert_int_equal(bench_stats(&b).downs_stale, 2);
    assert_int_equal(bench_monitor_stats(&b).active, 1);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    bench_close(&b);
}

static void K15_a_down_of_an_earlier_connection_ends_nothing_of_the_next(void **state)
{
    (void)state;
    bench_default(&b);
    struct fake_beam *beam = &b.beam[0];
    fake_beam_spawn(beam, "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    fake_beam_hang_up(beam, false);
    bench_until(&b, DOWN, 1);
    noex_monitor_id again = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 2);
    fake_beam_down(beam, &beam->monitors[0], boom, FAKE_PAYLOAD);
    bench_settle(&b);
    assert_int_equal(b.count[M_DOWN], 1); /* the loss */
    assert_null(bench_of(&b, M_DOWN, again));
    assert_int_equal(bench_stats(&b).downs_stale, 1);
    bench_close(&b);
}

/* ---- demonitor ---- */

static void
X01_X02_X03_X13_demonitor_sends_one_request_that_echoes_and_no_event_follows(void **state)
{
    (void)state;
    bench_default(&b);
    struct fake_beam *beam = &b.beam[0];
    fake_beam_spawn(beam, "srv");
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.active == 0 && s.demonitored == 1);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    bench_settle(&b);
    assert_int_equal(beam->ops[NX_OP_DEMONITOR_P], 1);
    const struct fake_signal *set = fake_beam_signal(beam, NX_OP_MONITOR_P, 0);
    const struct fake_signal *end = fake_beam_signal(beam, NX_OP_DEMONITOR_P, 0);
    const enum nx_arg args[] = {NX_ARG_FROM, NX_ARG_TARGET, NX_ARG_REF};
    for (int i = 0; i < 3; i++)
        assert_true(nx_span_eq(fake_signal_arg(set, args[i]), fake_signal_arg(end, args[i])));
    assert_int_equal(fake_beam_die(beam, "srv", normal, FAKE_PAYLOAD), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_UP);
    assert_int_equal(bench_monitor_stats(&b).demonitored, 1);
    bench_close(&b);
}

static void X04_X05_unknown_and_ended_ids_are_no_error_and_send_nothing(void **state)
{
    (void)state;
    bench_default(&b);
    noex_monitor_id ended = bench_monitor_name(&b, 0, "absent", NULL);
    bench_until(&b, M_DOWN, 1);
    const noex_monitor_id ids[] = {
        ended,   0, 1, UINT64_MAX, (uint64_t)1 << 32, ended + 1, ended + ((uint64_t)1 << 32),
        1u << 31};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_int_equal(noex_demonitor(b.node, ids[i]), 0);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_DEMONITOR_P], 0);
    assert_int_equal(bench_monitor_stats(&b).demonitored, 0);
    bench_close(&b);
}

static void X06_a_down_on_the_wire_when_demonitored_gives_no_event(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    fake_beam_step(&b.beam[0]);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_UP);
    assert_int_equal(bench_monitor_stats(&b).downs_received, 1);
    assert_int_equal(bench_stats(&b).downs_stale, 1);
    bench_close(&b);
}

static void X07_demonitor_of_one_that_was_not_sent_sends_nothing(void **state)
{
    (void)state;
    bench_default(&b);
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_int_equal(b.beam[0].signals, 0);
    EXPECT_EVENTS(&b, UP);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.pending == 0 && s.demonitored == 1 && s.initiated == 1);
    bench_close(&b);
}

static void X08_the_others_on_the_same_target_still_fire(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    noex_monitor_id first = bench_monitor_name(&b, 0, "srv", NULL);
    noex_monitor_id second = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 2);
    noex_demonitor(b.node, second);
    bench_settle(&b);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    assert_non_null(bench_of(&b, M_DOWN, first));
    bench_close(&b);
}

static void X09_five_cycles_leave_nothing_on_either_side(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    for (size_t i = 1; i <= 5; i++) {
        noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, M_UP, i);
        noex_demonitor(b.node, id);
        bench_settle(&b);
    }
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.established == 5 && s.demonitored == 5 && s.active == 0 && s.pending == 0);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 0);
    bench_close(&b);
}

static void demonitor_itself(struct bench *bench, const struct noex_event *e)
{
    if (e->monitor)
        assert_int_equal(noex_demonitor(bench->node, e->monitor), 0);
}

static void X16_demonitor_inside_its_own_up_takes_back_the_down_that_waits(void **state)
{
    (void)state;
    bench_default(&b);
    b.in_event = demonitor_itself;
    bench_connect(&b, 0);
    bench_monitor_name(&b, 0, "absent", NULL); /* up and down wait together */
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    EXPECT_EVENTS(&b, UP, M_UP);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.active == 0 && s.pending == 0);
    bench_close(&b);
}

/* ---- loss ---- */

static noex_monitor_id others[3];

static void demonitor_the_last(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_DOWN)
        assert_int_equal(noex_demonitor(bench->node, others[2]), 0);
}

static void X14_demonitor_inside_a_noconnection_takes_back_the_others_event(void **state)
{
    (void)state;
    bench_default(&b);
    b.in_event = demonitor_the_last;
    b.beam[0].all_alive = true;
    for (int i = 0; i < 3; i++)
        others[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 3);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_UP, M_DOWN, M_DOWN, DOWN);
    assert_null(bench_of(&b, M_DOWN, others[2]));
    bench_close(&b);
}

static void
K01_K03_K04_K05_K06_loss_tells_of_the_active_the_pending_the_node_in_this_order(void **state)
{
    (void)state;
    char address[300];
    noex_monitor_id active[3], pending[2];
    for (int reset = 0; reset < 2; reset++) {
        bench_default(&b);
        struct fake_beam *beam = &b.beam[0];
        beam->all_alive = true;
        fake_beam_address(beam, address, sizeof address);
        assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
        for (int i = 0; i < 3; i++)
            active[i] = bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, M_UP, 3);
        beam->no_barrier = true;
        for (int i = 0; i < 2; i++)
            pending[i] = bench_monitor_name(&b, 0, "srv", NULL);
        bench_settle(&b);
        assert_int_equal(bench_monitor_stats(&b).pending, 2);
        fake_beam_hang_up(beam, reset);
        bench_until(&b, UP, 2);
        EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_UP, M_DOWN, M_DOWN, M_DOWN, M_FAILED, M_FAILED, DOWN,
                      AGAIN, UP);
        for (size_t i = 0; i < 3; i++) {
            assert_true(bench_event(&b, M_DOWN, i)->monitor == active[i]);
            expect_noconnection(bench_event(&b, M_DOWN, i));
        }
        for (size_t i = 0; i < 2; i++) {
            assert_true(bench_event(&b, M_FAILED, i)->monitor == pending[i]);
            expect_failed(pending[i], NOEX_ENOTREACHABLE);
        }
        assert_int_equal(bench_event(&b, DOWN, 0)->code, reset ? NOEX_ELOST : NOEX_ECLOSED);
        struct noex_monitor_stats s = bench_monitor_stats(&b);
        assert_true(s.active == 0 && s.pending == 0 && s.noconnection == 3 && s.failed == 2 &&
                    s.downs_received == 0);
        bench_close(&b);
    }
}

static void K02_loss_is_told_within_milliseconds_of_the_close(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].all_alive = true;
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    uint64_t start = bench_clock();
    fake_beam_hang_up(&b.beam[0], true);
    bench_until(&b, M_DOWN, 1);
    assert_true(bench_clock() - start < 1000);
    bench_close(&b);
}

static void K07_loss_of_one_peer_leaves_the_monitors_of_the_other(void **state)
{
    (void)state;
    bench_default(&b);
    bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"});
    b.beam[0].all_alive = true;
    fake_beam_spawn(&b.beam[1], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    noex_monitor_id stays = bench_monitor_name(&b, 1, "srv", NULL);
    bench_until(&b, M_UP, 2);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_settle(&b);
    assert_null(bench_of(&b, M_DOWN, stays));
    fake_beam_die(&b.beam[1], "srv", normal, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 2);
    assert_int_equal(bench_of(&b, M_DOWN, stays)->reason, NOEX_REASON_NORMAL);
    bench_close(&b);
}

static noex_monitor_id made_inside;

static void monitor_again(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_DOWN && !made_inside)
        made_inside = bench_monitor_name(bench, 0, "srv", NULL);
}

static void
K14_K16_a_monitor_made_in_a_callback_of_the_loss_belongs_to_the_next_connection(void **state)
{
    (void)state;
    bench_default(&b);
    made_inside = 0;
    b.in_event = monitor_again;
    b.beam[0].all_alive = true;
    for (int i = 0; i < 3; i++)
        bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 3);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, M_UP, 4);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_UP, M_DOWN, M_DOWN, M_DOWN, DOWN, UP, M_UP);
    assert_non_null(bench_of(&b, M_UP, made_inside));
    bench_settle(&b);
    assert_int_equal(bench_monitor_stats(&b).active, 1); /* the old ones stay gone */
    assert_int_equal(b.beam[0].conns, 2);
    bench_close(&b);
}

static void K26_loss_of_100000_gives_as_many_noconnections_in_creation_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    bench_init(&b);
    b.options.setup_timeout_ms = 600000;
    bench_open(&b);
    bench_beam(&b, NULL);
    b.beam[0].all_alive = b.beam[0].no_record = true;
    for (uintptr_t i = 0; i < COUNT; i++)
        bench_monitor_name(&b, 0, "srv", (void *)i);
    bench_until(&b, M_UP, COUNT);
    bench_settle(&b);
    assert_int_equal(bench_monitor_stats(&b).active, COUNT);
    bench_forget(&b);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    assert_int_equal(b.seen_count, COUNT + 1);
    for (uintptr_t i = 0; i < COUNT; i++)
        if (b.seen[i].type != M_DOWN || b.seen[i].user != (void *)i ||
            b.seen[i].origin != NOEX_ORIGIN_LOCAL || b.seen[i].reason != NOEX_REASON_NOCONNECTION)
            fail_msg("event %u is not the DOWN of monitor %u", (unsigned)i, (unsigned)i);
    assert_int_equal(bench_monitor_stats(&b).noconnection, COUNT);
    bench_close(&b);
}

/* Enough to fill what the kernel takes of a connection that is not read: some four megabytes. */
enum { MANY = 20000, HIGH = 4096, FRAMES = 2 * 512 };

static bool queue_is_full(struct bench *bench)
{
    return bench->max_out >= HIGH;
}

static void open_many(size_t out_high, size_t out_max)
{
    bench_init(&b);
    b.options.setup_timeout_ms = 600000;
    b.options.out_high = out_high;
    b.options.out_max = out_max;
    bench_open(&b);
    struct fake_beam *beam = bench_beam(&b, &bench_slow_reader);
    beam->all_alive = beam->no_record = true;
    b.no_keep = true;
}

static noex_monitor_id many[MANY];

static void monitor_many(void)
{
    char name[250] = "";
    memset(name, 'n', sizeof name - 1);
    for (int i = 0; i < MANY; i++)
        many[i] = bench_monitor_name(&b, 0, name, NULL);
}

static void twenty_thousand_are_established_through_a_short_queue_to_a_slow_reader(void **state)
{
    (void)state;
    open_many(HIGH, 64 << 20);
    struct fake_beam *beam = &b.beam[0];
    monitor_many();
    bench_until(&b, UP, 1);
    beam->paused = true;
    bench_until_true(&b, queue_is_full);
    assert_true(bench_monitor_stats(&b).pending > 0);
    beam->paused = false;
    beam->read_max = 8192;
    bench_until(&b, M_UP, MANY);
    assert_in_range(b.max_out, HIGH, HIGH + FRAMES); /* the mark, a monitor's frame, a barrier's */
    bench_settle(&b);
    assert_int_equal(bench_monitor_stats(&b).active, MANY);
    assert_int_equal(fake_beam_held(beam, NULL), MANY);
    bench_close(&b);
}

static void the_highest_mark_holds_monitors_back_and_closes_nothing(void **state)
{
    (void)state;
    open_many(32 << 10, 64 << 10);
    b.beam[0].read_max = 4096;
    monitor_many();
    bench_until(&b, M_UP, MANY);
    assert_in_range(b.max_out, 0, 64 << 10);
    assert_int_equal(b.count[DOWN], 0);
    bench_close(&b);
}

/* However many at once, inside one call of the program: a peer that reads is none that does not. */
static void any_number_is_demonitored_through_a_short_queue(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        open_many(HIGH, 64 << 10);
        b.beam[0].read_max = slow ? 65536 : 0;
        monitor_many();
        bench_until(&b, M_UP, MANY);
        b.beam[0].paused = slow;
        for (int i = 0; i < MANY; i += i % 3 ? 1 : 2)
            assert_int_equal(noex_demonitor(b.node, many[i]), 0);
        struct noex_monitor_stats s = bench_monitor_stats(&b);
        assert_int_equal(s.active + s.demonitored, MANY);
        bench_for(&b, 10);
        b.beam[0].paused = false;
        bench_settle(&b);
        assert_int_equal(fake_beam_held(&b.beam[0], NULL), s.active);
        assert_in_range(b.max_out, 1, HIGH + FRAMES);
        assert_int_equal(b.count[DOWN] + b.count[M_DOWN], 0);
        bench_close(&b);
    }
}

static bool one_is_active(void)
{
    return bench_monitor_stats(&b).active == 1;
}

static bool both_events_wait(void)
{
    return bench_monitor_stats(&b).pending == 0;
}

/* NODE_UP stays at the head of the queue: nobody pulls it. */
static void what_is_demonitored_counts_no_more_though_nobody_pulls_events(void **state)
{
    (void)state;
    enum { MOST = 10 };
    bench_init(&b);
    b.pull = true;
    b.options.monitors_max = MOST;
    bench_open(&b);
    bench_beam(&b, NULL);
    fake_beam_spawn(&b.beam[0], "srv");
    for (int i = 0; i < 20 * MOST; i++) {
        const char *name = i % 2 ? "srv" : "absent"; /* with a DOWN and its reason, too */
        noex_monitor_id id = bench_monitor_name(&b, 0, name, NULL);
        bool (*done)(void) = i % 2 ? one_is_active : both_events_wait;
        for (int k = 0; !done(); k++) {
            fake_beam_step(&b.beam[0]);
            assert_int_equal(noex_node_process(b.node, 0), 0);
            assert_true(k < 100000);
        }
        assert_int_equal(noex_demonitor(b.node, id), 0);
    }
    const struct noex_event *e = noex_node_next_event(b.node);
    assert_non_null(e);
    assert_int_equal(e->type, UP);
    assert_null(noex_node_next_event(b.node));
    bench_close(&b);
}

/* Events of those that live on keep their order when others' are dropped between them. */
static void a_churn_that_nobody_pulls_keeps_the_others_events_and_little_memory(void **state)
{
    (void)state;
    enum { KEPT = 500, CHURN = 20000 };
    static noex_monitor_id kept[KEPT];
    bench_init(&b);
    b.pull = true;
    bench_open(&b);
    bench_beam(&b, NULL);
    b.beam[0].all_alive = b.beam[0].no_record = true;
    size_t live = 0;
    for (int i = 0, k = 0; i < CHURN; i++) {
        noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
        if (i % (CHURN / KEPT) == 0)
            kept[k++] = id;
        else
            many[i] = id;
        if (i % 1000 < 999)
            continue;
        while (bench_monitor_stats(&b).pending) {
            fake_beam_step(&b.beam[0]);
            assert_int_equal(noex_node_process(b.node, 0), 0);
        }
        for (int n = i - 999; n <= i; n++)
            if (n % (CHURN / KEPT))
                assert_int_equal(noex_demonitor(b.node, many[n]), 0);
        live = i == 3999 ? b.alloc.live : live;
    }
    assert_in_range(b.alloc.live, 0, live + KEPT); /* but for the names of those that are kept */
    assert_int_equal(noex_node_next_event(b.node)->type, UP);
    for (int k = 0; k < KEPT; k++) {
        const struct noex_event *e = noex_node_next_event(b.node);
        assert_non_null(e);
        assert_true(e->type == M_UP && e->monitor == kept[k]);
    }
    assert_null(noex_node_next_event(b.node));
    bench_close(&b);
}

/* Only what is left to send keeps the node awake: nothing else will happen. */
static void what_is_left_to_be_released_is_not_waited_for(void **state)
{
    (void)state;
    enum { COUNT = 5000, WAIT_MS = 2000 };
    bench_init(&b);
    b.options.out_high = HIGH;
    b.no_keep = true;
    bench_open(&b);
    bench_beam(&b, NULL);
    b.beam[0].all_alive = b.beam[0].no_record = true;
    for (int i = 0; i < COUNT; i++)
        many[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, COUNT);
    bench_settle(&b);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(noex_demonitor(b.node, many[i]), 0);
    assert_int_equal(bench_monitor_stats(&b).demonitored, COUNT);
    uint64_t start = bench_clock();
    while (b.beam[0].ops[NX_OP_DEMONITOR_P] < COUNT && bench_clock() - start < 10 * WAIT_MS) {
        assert_int_equal(noex_node_process(b.node, WAIT_MS), 0);
        while (fake_beam_step(&b.beam[0]))
            ;
    }
    assert_in_range(bench_clock() - start, 0, 2 * WAIT_MS);
    bench_close(&b);
}

/* The limit counts monitors, not what their node is still to be told. */
static void what_is_demonitored_makes_room_at_once(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.monitors_max = 10;
    bench_open(&b);
    bench_beam(&b, NULL)->all_alive = true;
    for (size_t round = 1; round <= 3; round++) {
        for (int i = 0; i < 10; i++)
            many[i] = bench_monitor_name(&b, 0, "srv", NULL);
        const struct noex_target t = {
            .kind = NOEX_TARGET_NAME, .node = b.beam[0].name, .name = "srv"};
        noex_monitor_id id;
        assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), NOEX_ELIMIT);
        bench_until(&b, M_UP, 10 * round);
        for (int i = 0; i < 10; i++)
            assert_int_equal(noex_demonitor(b.node, many[i]), 0);
    }
    bench_settle(&b);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 0);
    bench_close(&b);
}

/* Those that are to be released there when the connection goes need not be: nothing is left. */
static void what_was_to_be_released_there_goes_with_the_connection(void **state)
{
    (void)state;
    open_many(HIGH, 64 << 10);
    monitor_many();
    bench_until(&b, M_UP, MANY);
    b.beam[0].paused = true;
    b.no_keep = false;
    for (int i = 1; i < MANY; i++)
        assert_int_equal(noex_demonitor(b.node, many[i]), 0);
    bench_for(&b, 10);
    fake_beam_hang_up(&b.beam[0], true);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, M_DOWN, DOWN);
    b.beam[0].paused = false;
    noex_monitor_id again = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, MANY + 1);
    bench_settle(&b);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 1);
    assert_non_null(bench_of(&b, M_UP, again));
    bench_close(&b);
}

/* It asks and asks, and reads no answer. */
static void a_peer_that_does_not_read_ends_at_out_max_and_loses_no_monitor_silently(void **state)
{
    (void)state;
    uint8_t from[FAKE_TERM], target[FAKE_TERM], ref[FAKE_TERM];
    struct nx_ctrl ask = {.op = NX_OP_MONITOR_P};
    open_many(HIGH, 64 << 10);
    monitor_many();
    bench_until(&b, M_UP, MANY);
    b.beam[0].paused = true;
    b.no_keep = false;
    ask.arg[NX_ARG_FROM] = fake_pid(b.beam[0].name, 9, 0, 2002, from);
    ask.arg[NX_ARG_TARGET] = fake_atom("nobody", target);
    ask.arg[NX_ARG_REF] = fake_ref(b.beam[0].name, 2002, 3, ref);
    uint64_t end = bench_clock() + 20000;
    while (!b.count[DOWN] && bench_clock() < end) {
        for (int i = 0; i < 1000; i++)
            fake_beam_send(&b.beam[0], &ask, nx_span(NULL, 0));
        bench_step(&b);
    }
    assert_int_equal(b.seen_count, MANY + 1);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(b.seen[i].monitor == many[i]);
        expect_noconnection(&b.seen[i]);
    }
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_EUNREAD);
    assert_non_null(strstr(bench_event(&b, DOWN, 0)->text, "does not read"));
    assert_in_range(b.max_out, 1, 64 << 10);
    bench_close(&b);
}

/* ---- reasons ---- */

static struct {
    char text[64];
    int len;
    bool cut;
} printed;

static void print_down(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    if (e->type == M_DOWN)
        printed.len = noex_event_print_term(e, printed.text, sizeof printed.text, &printed.cut);
}

/* {'boom', a list of `n` small numbers}, in `bytes`. */
static struct nx_span long_reason(uint8_t *bytes, size_t n)
{
    static const uint8_t head[] = {104, 2, 119, 4, 'b', 'o', 'o', 'm', 107};
    memcpy(bytes, head, sizeof head);
    bytes[sizeof head] = (uint8_t)(n >> 8);
    bytes[sizeof head + 1] = (uint8_t)n;
    memset(bytes + sizeof head + 2, 1, n);
    return nx_span(bytes, sizeof head + 2 + n);
}

static void D24_a_reason_over_the_limit_is_classified_cut_and_marked(void **state)
{
    (void)state;
    static uint8_t bytes[6000];
    const enum fake_form forms[] = {FAKE_PAYLOAD, FAKE_INSIDE, FAKE_FRAGMENTS};
    for (int f = 0; f < 3; f++) {
        bench_init(&b);
        b.options.reason_max = 64;
        b.in_event = print_down;
        bench_open(&b);
        bench_beam(&b, NULL);
        fake_beam_spawn(&b.beam[0], "srv");
        bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, M_UP, 1);
        struct nx_span reason = long_reason(bytes, 5000);
        fake_beam_die(&b.beam[0], "srv", reason, forms[f]);
        bench_until(&b, M_DOWN, 1);
        const struct seen *e = bench_event(&b, M_DOWN, 0);
        assert_int_equal(e->reason, NOEX_REASON_EXCEPTION);
        assert_int_equal(e->term_len, 64);
        assert_int_equal(e->term_full_len, reason.len);
        assert_memory_equal(e->term, reason.ptr, 64);
        assert_true(printed.cut);
        assert_string_equal(printed.text + printed.len - 3, "...");
        assert_int_equal(strncmp(printed.text, "{boom,[1,1,", 11), 0);
        assert_int_equal(bench_stats(&b).reasons_cut, 1);
        bench_close(&b);
    }
}

static void a_reason_of_exactly_the_limit_is_whole(void **state)
{
    (void)state;
    static uint8_t bytes[6000];
    for (size_t more = 0; more < 2; more++) {
        bench_init(&b);
        b.options.reason_max = 1000;
        bench_open(&b);
        bench_beam(&b, NULL);
        fake_beam_spawn(&b.beam[0], "srv");
        bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, M_UP, 1);
        struct nx_span reason = long_reason(bytes, 1000 - 11 + more);
        assert_int_equal(reason.len, 1000 + more);
        fake_beam_die(&b.beam[0], "srv", reason, FAKE_PAYLOAD);
        bench_until(&b, M_DOWN, 1);
        assert_int_equal(bench_event(&b, M_DOWN, 0)->term_len, 1000);
        assert_int_equal(bench_event(&b, M_DOWN, 0)->term_full_len, 1000 + more);
        assert_int_equal(bench_stats(&b).reasons_cut, more);
        bench_close(&b);
    }
}

static void beyond_the_budget_the_type_stays_and_the_term_is_cut_to_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[6000];
    uint8_t killed[FAKE_TERM];
    bench_init(&b);
    b.options.reason_budget = 0;
    b.in_event = print_down;
    bench_open(&b);
    bench_beam(&b, NULL);
    fake_beam_spawn(&b.beam[0], "a");
    fake_beam_spawn(&b.beam[0], "b");
    noex_monitor_id first = bench_monitor_name(&b, 0, "a", NULL);
    noex_monitor_id second = bench_monitor_name(&b, 0, "b", NULL);
    bench_until(&b, M_UP, 2);
    struct nx_span reason = long_reason(bytes, 5000);
    fake_beam_die(&b.beam[0], "a", reason, FAKE_PAYLOAD);
    fake_beam_die(&b.beam[0], "b", fake_atom("killed", killed), FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 2);
    const struct seen *e = bench_of(&b, M_DOWN, first);
    assert_int_equal(e->reason, NOEX_REASON_EXCEPTION);
    assert_int_equal(e->term_len, 0);
    assert_int_equal(e->term_full_len, reason.len);
    e = bench_of(&b, M_DOWN, second);
    assert_int_equal(e->reason, NOEX_REASON_KILLED);
    assert_true(e->term_len == 0 && e->term_full_len == 8);
    assert_true(printed.cut);
    assert_string_equal(printed.text, "...");
    assert_int_equal(bench_stats(&b).reasons_cut, 2);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M01_M03_D01_a_monitor_is_established_and_goes_down_with_its_reason),
        cmocka_unit_test(M02_one_request_carries_watcher_target_and_reference),
        cmocka_unit_test(M04_right_after_the_call_it_is_pending),
        cmocka_unit_test(M13_M19_a_setup_that_is_not_confirmed_times_out_and_is_released_there),
        cmocka_unit_test(M13_a_setup_may_time_out_while_the_attempt_to_connect_goes_on),
        cmocka_unit_test(M14_the_default_limit_is_ten_seconds_and_the_options_change_it),
        cmocka_unit_test(a_program_that_was_busy_elsewhere_has_its_whole_setup_time),
        cmocka_unit_test(M20_monitors_of_two_nodes_are_established_each),
        cmocka_unit_test(M21_D10_one_target_may_be_monitored_many_times),
        cmocka_unit_test(M22_an_id_is_never_used_twice),
        cmocka_unit_test(M26_a_name_and_a_pid_are_echoed_as_they_were_asked_for),
        cmocka_unit_test(
            L1_a_peer_without_both_monitor_flags_fails_them_at_once_and_is_watched_as_a_node),
        cmocka_unit_test(a_node_is_a_target_established_by_its_answer_and_lost_with_it),
        cmocka_unit_test(N01_N02_N05_noproc_gives_up_and_down_in_one_turn),
        cmocka_unit_test(N07_two_hundred_noprocs_in_parallel_come_once_each),
        cmocka_unit_test(N08_the_id_is_known_before_its_event_even_where_the_attempt_fails_at_once),
        cmocka_unit_test(N09_a_pid_of_an_earlier_incarnation_is_absent),
        cmocka_unit_test(D02_D05_the_type_follows_the_reason_in_each_form_of_down),
        cmocka_unit_test(D11_demonitoring_the_third_leaves_four_in_creation_order),
        cmocka_unit_test(D09_D12_K15_a_second_down_and_unknown_references_are_counted_and_ignored),
        cmocka_unit_test(D13_inside_the_callback_the_counters_have_moved),
        cmocka_unit_test(D18_a_thousand_downs_together_lose_and_double_none),
        cmocka_unit_test(D19_a_target_that_dies_before_the_barrier_gives_up_then_down),
        cmocka_unit_test(a_peer_cannot_end_the_monitor_of_another_peer),
        cmocka_unit_test(K15_a_down_of_an_earlier_connection_ends_nothing_of_the_next),
        cmocka_unit_test(
            X01_X02_X03_X13_demonitor_sends_one_request_that_echoes_and_no_event_follows),
        cmocka_unit_test(X04_X05_unknown_and_ended_ids_are_no_error_and_send_nothing),
        cmocka_unit_test(X06_a_down_on_the_wire_when_demonitored_gives_no_event),
        cmocka_unit_test(X07_demonitor_of_one_that_was_not_sent_sends_nothing),
        cmocka_unit_test(X08_the_others_on_the_same_target_still_fire),
        cmocka_unit_test(X09_five_cycles_leave_nothing_on_either_side),
        cmocka_unit_test(X16_demonitor_inside_its_own_up_takes_back_the_down_that_waits),
        cmocka_unit_test(X14_demonitor_inside_a_noconnection_takes_back_the_others_event),
        cmocka_unit_test(
            K01_K03_K04_K05_K06_loss_tells_of_the_active_the_pending_the_node_in_this_order),
        cmocka_unit_test(K02_loss_is_told_within_milliseconds_of_the_close),
        cmocka_unit_test(K07_loss_of_one_peer_leaves_the_monitors_of_the_other),
        cmocka_unit_test(
            K14_K16_a_monitor_made_in_a_callback_of_the_loss_belongs_to_the_next_connection),
        cmocka_unit_test(K26_loss_of_100000_gives_as_many_noconnections_in_creation_order),
        cmocka_unit_test(twenty_thousand_are_established_through_a_short_queue_to_a_slow_reader),
        cmocka_unit_test(the_highest_mark_holds_monitors_back_and_closes_nothing),
        cmocka_unit_test(any_number_is_demonitored_through_a_short_queue),
        cmocka_unit_test(what_is_demonitored_counts_no_more_though_nobody_pulls_events),
        cmocka_unit_test(a_churn_that_nobody_pulls_keeps_the_others_events_and_little_memory),
        cmocka_unit_test(what_is_left_to_be_released_is_not_waited_for),
        cmocka_unit_test(what_is_demonitored_makes_room_at_once),
        cmocka_unit_test(what_was_to_be_released_there_goes_with_the_connection),
        cmocka_unit_test(a_peer_that_does_not_read_ends_at_out_max_and_loses_no_monitor_silently),
        cmocka_unit_test(D24_a_reason_over_the_limit_is_classified_cut_and_marked),
        cmocka_unit_test(a_reason_of_exactly_the_limit_is_whole),
        cmocka_unit_test(beyond_the_budget_the_type_stays_and_the_term_is_cut_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
