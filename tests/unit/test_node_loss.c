/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peer.h"
#include "node_bench.h"

/* A loss: what a program does inside (or, pulling, between) the events of it, at each of them. */

enum { ACTIVE = 3, PENDING = 2, ALL = ACTIVE + PENDING, EVENTS = ALL + 1 /* and NODE_DOWN */ };

static struct bench b;
static noex_monitor_id id[ALL];
static bool keep;

static struct {
    void (*act)(size_t arg);
    size_t arg;
    size_t at;    /* the event of the loss at which it acts */
    size_t count; /* events of the loss so far */
    bool started;
    bool acted;
} act;

static const char *address(unsigned beam)
{
    static char text[300];
    fake_beam_address(&b.beam[beam], text, sizeof text);
    return text;
}

static void in_event(struct bench *bench, const struct noex_event *e)
{
    (void)bench, (void)e;
    if (!act.started || act.count++ != act.at)
        return;
    act.acted = true;
    act.act(act.arg);
}

/* A node with monitors that are established and some that are not, and the end of the connection.
 */
static void prepare(bool pull)
{
    bench_init(&b);
    b.pull = pull;
    bench_open(&b);
    bench_beam(&b, NULL)->all_alive = true;
    assert_int_equal(noex_connect(b.node, address(0), keep ? NOEX_CONNECT_KEEP : NOEX_CONNECT_ONCE),
                     0);
    for (int i = 0; i < ACTIVE; i++)
        id[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, ACTIVE);
    b.beam[0].no_barrier = true;
    for (int i = ACTIVE; i < ALL; i++)
        id[i] = bench_monitor_name(&b, 0, "srv", NULL);
    bench_settle(&b);
    b.beam[0].no_barrier = false;
    bench_forget(&b);
    b.in_event = in_event;
}

static void lose(size_t at, void (*f)(size_t arg), size_t arg)
{
    act.act = f;
    act.arg = arg;
    act.at = at;
    act.count = 0;
    act.started = true;
    act.acted = false;
    fake_beam_hang_up(&b.beam[0], at % 2);
    uint64_t end = bench_clock() + 10000;
    while (!act.acted && bench_clock() < end)
        bench_step(&b);
    assert_true(act.acted);
}

static void done(void)
{
    act.started = false;
    bench_close(&b);
}

/* The first events are those of the loss, without those that were taken back; then `rest`. */
static void expect_loss_but(size_t from, size_t until, const enum noex_event_type *rest)
{
    size_t n = 0;
    for (size_t i = 0; i < ALL; i++) {
        if (i >= from && i < until)
            continue;
        assert_true(n < b.seen_count && b.seen[n].monitor == id[i]);
        assert_int_equal(b.seen[n].type, i < ACTIVE ? M_DOWN : M_FAILED);
        assert_int_equal(b.seen[n].origin, i < ACTIVE ? NOEX_ORIGIN_LOCAL : 0);
        n++;
    }
    assert_true(n < b.seen_count && b.seen[n++].type == DOWN);
    for (; *rest; rest++, n++) {
        assert_true(n < b.seen_count);
        assert_int_equal(b.seen[n].type, *rest);
    }
    assert_int_equal(n, b.seen_count);
}

static void expect_loss(const enum noex_event_type *rest)
{
    expect_loss_but(0, 0, rest);
}

#define REST(...) ((const enum noex_event_type[]){__VA_ARGS__, (enum noex_event_type)0})
#define NOTHING_MORE ((const enum noex_event_type[]){(enum noex_event_type)0})

/* Calls `row(pull, at)` for each event of the loss, in both ways of taking events. */
static void at_each_event(void (*row)(bool pull, size_t at), size_t events)
{
    for (int pull = 0; pull < 2; pull++)
        for (size_t at = 0; at < events; at++)
            row(pull, at);
}

/* ---- demonitor ---- */

static void demonitor_twice(size_t which)
{
    assert_int_equal(noex_demonitor(b.node, id[which]), 0);
    assert_int_equal(noex_demonitor(b.node, id[which]), 0);
}

static void demonitor_row(bool pull, size_t at)
{
    for (size_t which = 0; which < ALL; which++) {
        prepare(pull);
        lose(at, demonitor_twice, which);
        bench_until(&b, DOWN, 1);
        bench_settle(&b);
        if (which > at)
            expect_loss_but(which, which + 1, NOTHING_MORE);
        else
            expect_loss(NOTHING_MORE); /* it had been told, or is told at this moment */
        struct noex_monitor_stats s = bench_monitor_stats(&b);
        assert_true(s.pending == 0 && s.active == 0 && s.noconnection == ACTIVE &&
                    s.failed == PENDING && s.demonitored == 0);
        done();
    }
}

static void X14_demonitor_at_any_event_of_a_loss_takes_back_any_that_is_to_come(void **state)
{
    (void)state;
    keep = false;
    at_each_event(demonitor_row, EVENTS);
}

static void demonitor_from(size_t first)
{
    for (size_t i = ALL; i > first; i--)
        assert_int_equal(noex_demonitor(b.node, id[i - 1]), 0);
}

static void demonitor_rest_row(bool pull, size_t at)
{
    prepare(pull);
    lose(at, demonitor_from, at);
    bench_until(&b, DOWN, 1);
    bench_settle(&b);
    expect_loss_but(at + 1, ALL, NOTHING_MORE);
    done();
}

static void X14_demonitor_of_all_that_is_left_leaves_the_end_of_the_node(void **state)
{
    (void)state;
    keep = false;
    at_each_event(demonitor_rest_row, ALL);
}

/* The record of one that ended lives until its event was stepped over: it is not used again. */
static void demonitor_and_monitor(size_t which)
{
    assert_int_equal(noex_demonitor(b.node, id[which]), 0);
    noex_monitor_id made = bench_monitor_name(&b, 0, "srv", NULL);
    for (size_t i = 0; i < ALL; i++)
        assert_true(made != id[i]);
    assert_int_equal(noex_demonitor(b.node, id[which]), 0);
    assert_int_equal(bench_monitor_stats(&b).pending, 1);
    assert_int_equal(bench_monitor_stats(&b).demonitored, 0);
}

static void reuse_row(bool pull, size_t at)
{
    prepare(pull);
    lose(at, demonitor_and_monitor, ALL - 1);
    bench_until(&b, M_UP, 1);
    if (at < ALL - 1)
        expect_loss_but(ALL - 1, ALL, REST(UP, M_UP));
    else
        expect_loss(REST(UP, M_UP));
    done();
}

static void X14_M22_one_made_in_place_of_one_taken_back_is_another(void **state)
{
    (void)state;
    keep = false;
    at_each_event(reuse_row, EVENTS);
}

/* ---- the sweep takes what was there ---- */

static void monitor_one(size_t arg)
{
    (void)arg;
    bench_monitor_name(&b, 0, "srv", NULL);
}

static void monitor_row(bool pull, size_t at)
{
    for (int kept = 0; kept < 2; kept++) {
        keep = kept;
        prepare(pull);
        lose(at, monitor_one, 0);
        bench_until(&b, M_UP, 1);
        bench_settle(&b);
        /* No RECONNECT: who asks for the node does not wait for the policy. */
        expect_loss(REST(UP, M_UP));
        assert_int_equal(b.beam[0].conns, 2);
        assert_int_equal(bench_monitor_stats(&b).active, 1);
        done();
    }
}

static void K16_one_made_at_any_event_of_a_loss_belongs_to_the_next_connection(void **state)
{
    (void)state;
    at_each_event(monitor_row, EVENTS);
}

static void monitor_thousand(size_t beams)
{
    for (size_t i = 0; i < 1000; i++)
        bench_monitor_name(&b, i < 1000 / beams ? 0 : 1, "srv", (void *)(uintptr_t)i);
}

static void a_thousand_made_at_an_event_are_established_in_order_here_and_elsewhere(void **state)
{
    (void)state;
    keep = true;
    for (size_t beams = 1; beams <= 2; beams++) {
        for (int pull = 0; pull < 2; pull++) {
            prepare(pull);
            bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"})->all_alive = true;
            lose(1, monitor_thousand, beams);
            bench_until(&b, M_UP, 1000);
            bench_settle(&b);
            size_t next[2] = {0, 1000 / beams};
            for (size_t i = 0; i < b.seen_count; i++)
                if (b.seen[i].type == M_UP) {
                    unsigned beam = strcmp(b.seen[i].node, b.beam[0].name) != 0;
                    assert_int_equal((size_t)b.seen[i].user, next[beam]++);
                }
            assert_true(next[0] == 1000 / beams && next[1] == 1000);
            b.seen_count = ALL + 1;
            if (beams == 1)
                expect_loss(NOTHING_MORE);
            done();
        }
    }
}

/* ---- connect, disconnect, free ---- */

static void connect_again(size_t flags)
{
    assert_int_equal(noex_connect(b.node, address(0), (enum noex_connect_flags)flags), 0);
    assert_int_equal(noex_connection(b.node, address(0), NULL, 0), NOEX_CONNECTION_CONNECTING);
}

static void connect_row(bool pull, size_t at)
{
    for (int kept = 0; kept < 2; kept++) {
        keep = kept;
        prepare(pull);
        lose(at, connect_again, kept ? NOEX_CONNECT_ONCE : NOEX_CONNECT_KEEP);
        bench_until(&b, UP, 1);
        bench_settle(&b);
        expect_loss(REST(UP));
        bench_forget(&b);
        fake_beam_hang_up(&b.beam[0], false); /* the policy is the one given last */
        bench_until(&b, DOWN, 1);
        bench_for(&b, 40);
        assert_int_equal(b.count[AGAIN] > 0, !kept);
        done();
    }
}

static void connecting_at_any_event_of_a_loss_begins_behind_it(void **state)
{
    (void)state;
    at_each_event(connect_row, EVENTS);
}

static void disconnect_now(size_t expected)
{
    assert_int_equal(noex_disconnect(b.node, address(0)), expected ? NOEX_ENOTREACHABLE : 0);
    assert_int_equal(noex_disconnect(b.node, address(0)), NOEX_ENOTREACHABLE);
}

static void disconnect_row(bool pull, size_t at)
{
    for (int kept = 0; kept < 2; kept++) {
        keep = kept;
        prepare(pull);
        lose(at, disconnect_now, !kept);
        bench_until(&b, DOWN, 1);
        bench_for(&b, 60);
        expect_loss(NOTHING_MORE);
        assert_int_equal(b.beam[0].conns, 1);
        done();
    }
}

static void disconnecting_at_any_event_of_a_loss_ends_the_policy_and_no_event(void **state)
{
    (void)state;
    at_each_event(disconnect_row, EVENTS);
}

static void disconnect_in_reconnect(size_t arg)
{
    (void)arg;
    assert_int_equal(b.seen[b.seen_count - 1].type, AGAIN);
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
}

static void disconnecting_at_the_reconnect_is_the_end_of_it(void **state)
{
    (void)state;
    keep = true;
    for (int pull = 0; pull < 2; pull++) {
        prepare(pull);
        lose(EVENTS, disconnect_in_reconnect, 0);
        bench_for(&b, 60);
        expect_loss(REST(AGAIN));
        done();
    }
}

static void monitor_and_disconnect(size_t arg)
{
    (void)arg;
    noex_monitor_id made = bench_monitor_name(&b, 0, "srv", NULL);
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
    assert_int_equal(bench_monitor_stats(&b).pending, 0);
    noex_monitor_id last = bench_monitor_name(&b, 0, "srv", NULL);
    assert_true(made != last);
    assert_int_equal(noex_demonitor(b.node, last), 0);
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
}

static void given_up_row(bool pull, size_t at)
{
    keep = at % 2;
    prepare(pull);
    lose(at, monitor_and_disconnect, 0);
    bench_until(&b, FAILED, 1);
    bench_for(&b, 20);
    /* Pulled, the two attempts that were given up are told once, as the newest. */
    if (pull)
        expect_loss(REST(M_FAILED, FAILED));
    else
        expect_loss(REST(M_FAILED, FAILED, FAILED));
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_EDISCONNECTED);
    assert_int_equal(bench_event(&b, M_FAILED, PENDING)->code, NOEX_EDISCONNECTED);
    done();
}

static void an_attempt_asked_for_and_given_up_within_a_loss_is_told_behind_it(void **state)
{
    (void)state;
    at_each_event(given_up_row, EVENTS);
}

static void free_now(size_t arg)
{
    (void)arg;
    noex_node_free(b.node);
    b.node = NULL;
}

static void free_row(bool pull, size_t at)
{
    keep = true;
    prepare(pull);
    lose(at, free_now, 0);
    assert_int_equal(b.seen_count, at + 1);
    assert_int_equal(b.alloc.live, 0);
    done();
}

static void K23_a_node_freed_at_any_event_of_a_loss_tells_no_more(void **state)
{
    (void)state;
    at_each_event(free_row, EVENTS + 1);
}

/* ---- attempts that are given up inside the events of others ---- */

static unsigned again;

static void give_up_again(struct bench *bench, const struct noex_event *e)
{
    if (e->type != FAILED || again++ == 3)
        return;
    bench_monitor_name(bench, 0, "srv", NULL);
    assert_int_equal(noex_disconnect(bench->node, address(0)), 0);
}

/* Each is an outcome of its own, though the event of the one before is at hand. */
static void an_attempt_given_up_inside_the_failure_of_another_is_told_too(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        again = 0;
        bench_init(&b);
        b.pull = pull;
        bench_open(&b);
        bench_beam(&b, NULL);
        fake_beam_refuse(&b.beam[0]);
        b.in_event = give_up_again;
        bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, FAILED, 4);
        bench_for(&b, 20);
        EXPECT_EVENTS(&b, M_FAILED, FAILED, M_FAILED, FAILED, M_FAILED, FAILED, M_FAILED, FAILED);
        for (size_t i = 1; i < 4; i++) {
            assert_int_equal(bench_event(&b, FAILED, i)->code, NOEX_EDISCONNECTED);
            assert_int_equal(bench_event(&b, M_FAILED, i)->code, NOEX_EDISCONNECTED);
        }
        bench_close(&b);
    }
}

/* ---- lost at every stage of a setup ---- */

static bool queue_is_full(struct bench *bench)
{
    return bench->max_out >= bench->options.out_high;
}

/* Active ones; sent ones, whose barrier never comes back; one that is being looked up; ones that
 * wait for room in the queue. With bytes that cannot be written any more. */
static void K05_K06_every_stage_of_a_setup_fails_behind_what_was_active(void **state)
{
    (void)state;
    enum { MANY = 40000 };
    static noex_monitor_id many[MANY];
    for (int reset = 0; reset < 2; reset++) {
        bench_init(&b);
        b.options.setup_timeout_ms = 600000;
        b.options.out_high = 4096;
        bench_open(&b);
        struct fake_beam *beam = bench_beam(&b, &bench_slow_reader);
        beam->all_alive = beam->no_record = true;
        beam->rex = FAKE_REX_SILENT;
        for (int i = 0; i < ACTIVE; i++)
            id[i] = bench_monitor_name(&b, 0, "srv", NULL);
        bench_until(&b, M_UP, ACTIVE);
        noex_monitor_id looked_up = bench_monitor_pid(&b, 0, 100000, 0, NULL);
        bench_settle(&b);
        beam->paused = true;
        for (int i = 0; i < MANY; i++)
            many[i] = bench_monitor_name(&b, 0, "srv", NULL);
        bench_until_true(&b, queue_is_full);
        bench_for(&b, 20);
        assert_int_equal(bench_monitor_stats(&b).pending, MANY + 1);
        assert_true(nx_monitor_next_unsent(&b.node->peers.list[0]->monitors) != 0);
        bench_forget(&b);
        fake_beam_hang_up(beam, reset);
        bench_until(&b, DOWN, 1);
        assert_int_equal(b.seen_count, ACTIVE + MANY + 2);
        for (size_t i = 0; i < ACTIVE; i++)
            assert_true(b.seen[i].type == M_DOWN && b.seen[i].monitor == id[i]);
        for (size_t i = 0; i < MANY; i++)
            assert_true(b.seen[ACTIVE + i].type == M_FAILED &&
                        b.seen[ACTIVE + i].monitor == many[i] &&
                        b.seen[ACTIVE + i].code == NOEX_ENOTREACHABLE);
        assert_true(b.seen[ACTIVE + MANY].monitor == looked_up);
        assert_int_equal(bench_monitor_stats(&b).failed, MANY + 1);
        bench_close(&b);
    }
}

/* The node writes before it reads: the reset is met by the write, and what the peer said before it
 * is still told. */
static void what_was_said_before_a_reset_that_a_write_met_is_told(void **state)
{
    (void)state;
    static const uint8_t normal[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        b.pull = pull;
        bench_open(&b);
        fake_beam_spawn(bench_beam(&b, NULL), "dies");
        fake_beam_spawn(&b.beam[0], "stays");
        noex_monitor_id dies = bench_monitor_name(&b, 0, "dies", NULL);
        noex_monitor_id stays = bench_monitor_name(&b, 0, "stays", NULL);
        bench_until(&b, M_UP, 2);
        bench_settle(&b);
        bench_forget(&b);
        fake_beam_die(&b.beam[0], "dies", nx_span(normal, sizeof normal), FAKE_PAYLOAD);
        fake_beam_step(&b.beam[0]); /* the DOWN is on its way, then the end */
        fake_beam_hang_up(&b.beam[0], false);
        noex_monitor_id late = bench_monitor_name(&b, 0, "late", NULL);
        nx_peer_turn(b.node->peers.list[0], nx_loop_now(b.node->loop)); /* writes: a reset comes */
        noex_monitor_id later = bench_monitor_name(&b, 0, "later", NULL);
        nx_peer_turn(b.node->peers.list[0], nx_loop_now(b.node->loop)); /* and is met */
        assert_true(b.node->peers.list[0]->ch.write_failed);
        bench_until(&b, DOWN, 1);
        EXPECT_EVENTS(&b, M_DOWN, M_DOWN, M_FAILED, M_FAILED, DOWN);
        assert_int_equal(bench_of(&b, M_DOWN, dies)->origin, NOEX_ORIGIN_PEER);
        assert_int_equal(bench_of(&b, M_DOWN, stays)->origin, NOEX_ORIGIN_LOCAL);
        assert_int_equal(bench_of(&b, M_FAILED, late)->code, NOEX_ENOTREACHABLE);
        assert_int_equal(bench_of(&b, M_FAILED, later)->code, NOEX_ENOTREACHABLE);
        bench_close(&b);
    }
}

/* ---- hammering ---- */

static void ask_again(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_DOWN || e->type == M_FAILED)
        bench_monitor_name(bench, 0, "srv", NULL);
}

static void hang_up_when_up(struct bench *bench)
{
    bench_step(bench);
    if (bench->count[M_UP] > bench->count[M_DOWN])
        fake_beam_hang_up(&bench->beam[0], false);
}

/* A peer that takes a connection and closes it at once, and a program that asks again at once. */
static void asking_again_on_each_loss_does_not_hammer_the_peer(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 40;
    bench_open(&b);
    bench_beam(&b, NULL)->all_alive = true;
    b.in_event = ask_again;
    bench_monitor_name(&b, 0, "srv", NULL);
    uint64_t end = bench_clock() + 300;
    while (bench_clock() < end)
        hang_up_when_up(&b);
    assert_in_range(b.beam[0].conns, 3, 9);
    b.in_event = NULL;
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(X14_demonitor_at_any_event_of_a_loss_takes_back_any_that_is_to_come),
        cmocka_unit_test(X14_demonitor_of_all_that_is_left_leaves_the_end_of_the_node),
        cmocka_unit_test(X14_M22_one_made_in_place_of_one_taken_back_is_another),
        cmocka_unit_test(K16_one_made_at_any_event_of_a_loss_belongs_to_the_next_connection),
        cmocka_unit_test(a_thousand_made_at_an_event_are_established_in_order_here_and_elsewhere),
        cmocka_unit_test(connecting_at_any_event_of_a_loss_begins_behind_it),
        cmocka_unit_test(disconnecting_at_any_event_of_a_loss_ends_the_policy_and_no_event),
        cmocka_unit_test(disconnecting_at_the_reconnect_is_the_end_of_it),
        cmocka_unit_test(an_attempt_asked_for_and_given_up_within_a_loss_is_told_behind_it),
        cmocka_unit_test(K23_a_node_freed_at_any_event_of_a_loss_tells_no_more),
        cmocka_unit_test(an_attempt_given_up_inside_the_failure_of_another_is_told_too),
        cmocka_unit_test(K05_K06_every_stage_of_a_setup_fails_behind_what_was_active),
        cmocka_unit_test(what_was_said_before_a_reset_that_a_write_met_is_told),
        cmocka_unit_test(asking_again_on_each_loss_does_not_hammer_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
