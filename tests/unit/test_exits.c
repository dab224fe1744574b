/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

#include "node/peer.h"
#include "term/ident.h"
#include <stdlib.h>

/* How processes of the node end and what others are told: monitors from elsewhere, links, exit
 * signals. Protocol.md 6.4 to 6.6. */

static struct bench b;
static struct noex_pid srv, other;

static const uint64_t payload_or_inside[] = {NX_DFLAGS_OURS,
                                             NX_DFLAGS_OURS & ~NX_DFLAG_EXIT_PAYLOAD};

static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    srv = bench_process(&b, "srv", false);
    other = bench_process(&b, "other", false);
}

static void open_plain(void)
{
    open_with(NX_DFLAGS_OURS);
}

static void trap(const struct noex_pid *pid)
{
    assert_int_equal(noex_process_trap_exit(b.node, pid, true), 0);
}

static void end(const struct noex_pid *pid, struct nx_span reason)
{
    assert_int_equal(noex_process_exit(b.node, pid, term_of(reason)), 0);
    bench_settle(&b);
}

static struct nx_span their_pid(void)
{
    return raw_their_pid(&b, 0, 9);
}

static bool lives(const struct noex_pid *pid)
{
    return noex_process_is_alive(b.node, pid);
}

/* The reason in a signal, wherever it stands. */
static struct nx_span reason_in(const struct fake_signal *s)
{
    struct nx_span payload = fake_signal_payload(s);
    return payload.len ? payload : fake_signal_arg(s, NX_ARG_REASON);
}

/* ---- monitors from elsewhere ---- */

static void monitored(unsigned beam, struct nx_span target, uint32_t ref)
{
    SAY(&b, beam, NX_OP_MONITOR_P, no_payload, [NX_ARG_FROM] = raw_their_pid(&b, beam, 9),
        [NX_ARG_TARGET] = target, [NX_ARG_REF] = raw_their_ref(&b, beam, ref));
    bench_settle(&b);
}

static void demonitored(unsigned beam, struct nx_span target, uint32_t ref)
{
    SAY(&b, beam, NX_OP_DEMONITOR_P, no_payload, [NX_ARG_FROM] = raw_their_pid(&b, beam, 9),
        [NX_ARG_TARGET] = target, [NX_ARG_REF] = raw_their_ref(&b, beam, ref));
    bench_settle(&b);
}

static void expect_down(unsigned beam, unsigned n, struct nx_span target, uint32_t ref,
                        struct nx_span reason)
{
    assert_true(n < b.beam[beam].signals);
    const struct fake_signal *s = &b.beam[beam].signal[n];
    bool inside = !(b.beam[beam].opts.flags & NX_DFLAG_EXIT_PAYLOAD);
    assert_int_equal(s->op, inside ? NX_OP_MONITOR_P_EXIT : NX_OP_PAYLOAD_MONITOR_P_EXIT);
    assert_span(fake_signal_arg(s, NX_ARG_TARGET), target);
    assert_span(fake_signal_arg(s, NX_ARG_TO), raw_their_pid(&b, beam, 9));
    assert_span(fake_signal_arg(s, NX_ARG_REF), raw_their_ref(&b, beam, ref));
    assert_span(reason_in(s), reason);
}

static void X01_the_end_of_a_process_is_told_to_who_monitors_it_with_an_exact_echo(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        for (int by_name = 0; by_name < 2; by_name++) {
            open_with(payload_or_inside[f]);
            struct nx_span target = by_name ? raw_atom("srv") : raw_pid(&b, &srv);
            struct nx_span reason = RAW_TUPLE(raw_atom("shutdown"), raw_int(7));
            monitored(0, target, 1);
            EXPECT_NO_SIGNALS(&b, 0);
            end(&srv, reason);
            assert_int_equal(b.beam[0].signals, 1);
            expect_down(0, 0, target, 1, reason);
            end(&other, reason); /* nobody's */
            assert_int_equal(b.beam[0].signals, 1);
            bench_close(&b);
        }
    }
}

static void
X02_a_name_that_goes_to_another_process_stays_in_the_monitors_that_were_made(void **state)
{
    (void)state;
    open_plain();
    monitored(0, raw_atom("srv"), 1);
    assert_int_equal(noex_unregister(b.node, "srv"), 0);
    assert_int_equal(noex_unregister(b.node, "other"), 0);
    assert_int_equal(noex_register(b.node, "srv", &other), 0);
    monitored(0, raw_atom("srv"), 2);
    end(&srv, raw_atom("first"));
    assert_int_equal(b.beam[0].signals, 1);
    expect_down(0, 0, raw_atom("srv"), 1, raw_atom("first"));
    end(&other, raw_atom("second"));
    expect_down(0, 1, raw_atom("srv"), 2, raw_atom("second"));
    bench_close(&b);
}

static void ERGO_a_demonitor_of_one_of_several_watchers_leaves_the_others(void **state)
{
    (void)state;
    enum { WATCHERS = 4 };
    for (uint32_t gone = 0; gone < WATCHERS; gone++) {
        open_plain();
        for (uint32_t i = 0; i < WATCHERS; i++)
            monitored(0, i % 2 ? raw_pid(&b, &srv) : raw_atom("srv"), i);
        demonitored(0, gone % 2 ? raw_pid(&b, &srv) : raw_atom("srv"), gone);
        demonitored(0, raw_atom("srv"), gone); /* twice is no harm */
        EXPECT_NO_SIGNALS(&b, 0);
        end(&srv, raw_atom("normal"));
        assert_int_equal(b.beam[0].signals, WATCHERS - 1);
        for (uint32_t i = 0, n = 0; i < WATCHERS; i++)
            if (i != gone)
                expect_down(0, n++, i % 2 ? raw_pid(&b, &srv) : raw_atom("srv"), i,
                            raw_atom("normal"));
        bench_close(&b);
    }
}

static void a_reference_that_is_in_use_watches_what_it_watched_first(void **state)
{
    (void)state;
    open_plain();
    monitored(0, raw_pid(&b, &srv), 1);
    monitored(0, raw_pid(&b, &other), 1);
    end(&other, raw_atom("normal"));
    EXPECT_NO_SIGNALS(&b, 0);
    end(&srv, raw_atom("normal"));
    expect_down(0, 0, raw_pid(&b, &srv), 1, raw_atom("normal"));
    assert_int_equal(b.beam[0].signals, 1);
    bench_close(&b);
}

static void a_reference_of_a_third_node_is_dropped(void **state)
{
    (void)state;
    uint8_t ref[FAKE_TERM];
    open_plain();
    SAY(&b, 0, NX_OP_MONITOR_P, no_payload, [NX_ARG_FROM] = their_pid(),
        [NX_ARG_TARGET] = raw_atom("srv"), [NX_ARG_REF] = fake_ref("third@127.0.0.1", 5, 3, ref));
    bench_settle(&b);
    assert_int_equal(bench_stats(&b).signals_dropped, 1);
    end(&srv, raw_atom("normal"));
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static void who_is_dead_is_answered_at_once_and_who_is_born_later_is_another(void **state)
{
    (void)state;
    open_plain();
    end(&srv, raw_atom("normal"));
    monitored(0, raw_pid(&b, &srv), 1);
    monitored(0, raw_atom("srv"), 2);
    expect_down(0, 0, raw_pid(&b, &srv), 1, raw_atom("noproc"));
    expect_down(0, 1, raw_atom("srv"), 2, raw_atom("noproc"));
    struct noex_pid again = bench_process(&b, "srv", false);
    end(&again, raw_atom("normal"));
    assert_int_equal(b.beam[0].signals, 2);
    bench_close(&b);
}

static void watchers_are_forgotten_when_their_node_goes(void **state)
{
    (void)state;
    open_plain();
    monitored(0, raw_atom("srv"), 1);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_connect(&b, 0);
    bench_forget_signals(&b, 0);
    monitored(0, raw_atom("srv"), 2);
    end(&srv, raw_atom("normal"));
    assert_int_equal(b.beam[0].signals, 1);
    expect_down(0, 0, raw_atom("srv"), 2, raw_atom("normal"));
    bench_close(&b);
}

static void each_node_has_its_own_watchers_though_their_numbers_are_the_same(void **state)
{
    (void)state;
    open_plain();
    bench_beam(&b, &(struct fake_beam_opts){.name = "beam2@127.0.0.1"});
    bench_connect(&b, 1);
    bench_forget_signals(&b, 1);
    for (unsigned i = 0; i < 2; i++) {
        monitored(i, raw_atom("srv"), 1);
        monitored(i, raw_atom("other"), 2);
    }
    demonitored(0, raw_atom("srv"), 1);
    end(&srv, raw_atom("one"));
    EXPECT_NO_SIGNALS(&b, 0);
    expect_down(1, 0, raw_atom("srv"), 1, raw_atom("one"));
    fake_beam_hang_up(&b.beam[1], false);
    bench_until(&b, DOWN, 1);
    end(&other, raw_atom("two"));
    expect_down(0, 0, raw_atom("other"), 2, raw_atom("two"));
    assert_int_equal(b.beam[1].signals, 1);
    bench_close(&b);
}

static void a_peer_that_wants_more_monitors_or_links_than_monitors_max_is_disconnected(void **state)
{
    (void)state;
    for (int links = 0; links < 2; links++) {
        bench_init(&b);
        b.options.monitors_max = 3;
        bench_open_citizen(&b, NX_DFLAGS_OURS);
        srv = bench_process(&b, "srv", false);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(b.count[DOWN], 0);
            if (!links)
                monitored(0, raw_atom("srv"), i);
            else
                SAY(&b, 0, NX_OP_LINK, no_payload, [NX_ARG_FROM] = raw_their_pid(&b, 0, i),
                    [NX_ARG_TO] = raw_pid(&b, &srv));
        }
        bench_until(&b, DOWN, 1);
        assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ETOOBIG);
        assert_int_equal(lives(&srv), !links);
        bench_close(&b);
    }
}

/* ---- links that others make ---- */

static void linked(uint32_t id, const struct noex_pid *to)
{
    SAY(&b, 0, NX_OP_LINK,
        no_payload, [NX_ARG_FROM] = raw_their_pid(&b, 0, id), [NX_ARG_TO] = raw_pid(&b, to));
    bench_settle(&b);
}

static void unlinked(uint32_t id, const struct noex_pid *to, int64_t unlink_id)
{
    SAY(&b, 0, NX_OP_UNLINK_ID, no_payload, [NX_ARG_ID] = raw_int(unlink_id),
        [NX_ARG_FROM] = raw_their_pid(&b, 0, id), [NX_ARG_TO] = raw_pid(&b, to));
    bench_settle(&b);
}

static void acked(uint32_t id, const struct noex_pid *to, struct nx_span unlink_id)
{
    SAY(&b, 0, NX_OP_UNLINK_ID_ACK, no_payload, [NX_ARG_ID] = unlink_id,
        [NX_ARG_FROM] = raw_their_pid(&b, 0, id), [NX_ARG_TO] = raw_pid(&b, to));
    bench_settle(&b);
}

static void exits(uint32_t id, const struct noex_pid *to, struct nx_span reason)
{
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT,
        reason, [NX_ARG_FROM] = raw_their_pid(&b, 0, id), [NX_ARG_TO] = raw_pid(&b, to));
    bench_settle(&b);
}

static void expect_exit_sent(unsigned n, const struct noex_pid *from, uint32_t to,
                             struct nx_span reason)
{
    assert_true(n < b.beam[0].signals);
    const struct fake_signal *s = &b.beam[0].signal[n];
    bool inside = !(b.beam[0].opts.flags & NX_DFLAG_EXIT_PAYLOAD);
    assert_int_equal(s->op, inside ? NX_OP_EXIT : NX_OP_PAYLOAD_EXIT);
    assert_span(fake_signal_arg(s, NX_ARG_FROM), raw_pid(&b, from));
    assert_span(fake_signal_arg(s, NX_ARG_TO), raw_their_pid(&b, 0, to));
    assert_span(reason_in(s), reason);
}

static void Y01_a_linked_process_is_told_the_end_whole(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        open_with(payload_or_inside[f]);
        struct nx_span reason = RAW_TUPLE(raw_atom("boom"), raw_int(1));
        linked(9, &srv);
        linked(9, &srv); /* twice is once */
        linked(10, &srv);
        end(&srv, reason);
        assert_int_equal(b.beam[0].signals, 2);
        expect_exit_sent(0, &srv, 9, reason);
        expect_exit_sent(1, &srv, 10, reason);
        bench_close(&b);
    }
}

static void Y02_an_unlink_is_acknowledged_first_and_then_no_exit_comes(void **state)
{
    (void)state;
    open_plain();
    linked(9, &srv);
    linked(10, &srv);
    unlinked(9, &srv, 77);
    const struct fake_signal *ack = bench_only_signal(&b, 0, NX_OP_UNLINK_ID_ACK);
    assert_span(fake_signal_arg(ack, NX_ARG_ID), raw_int(77));
    assert_span(fake_signal_arg(ack, NX_ARG_FROM), raw_pid(&b, &srv));
    assert_span(fake_signal_arg(ack, NX_ARG_TO), their_pid());
    end(&srv, raw_atom("boom"));
    EXPECT_SIGNALS(&b, 0, NX_OP_UNLINK_ID_ACK, NX_OP_PAYLOAD_EXIT);
    expect_exit_sent(1, &srv, 10, raw_atom("boom"));
    bench_close(&b);
}

static void an_unlink_of_old_ends_the_link_and_has_no_answer(void **state)
{
    (void)state;
    open_plain();
    linked(9, &srv);
    SAY(&b, 0, NX_OP_UNLINK,
        no_payload, [NX_ARG_FROM] = their_pid(), [NX_ARG_TO] = raw_pid(&b, &srv));
    bench_settle(&b);
    end(&srv, raw_atom("boom"));
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static void Y03_an_exit_that_comes_through_no_link_is_ignored(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    exits(9, &srv, raw_atom("boom"));
    linked(9, &srv);
    unlinked(9, &srv, 1);
    exits(9, &srv, raw_atom("boom"));
    linked(10, &srv);
    exits(9, &srv, raw_atom("boom"));
    assert_int_equal(b.seen_count, 0);
    assert_int_equal(bench_stats(&b).signals_dropped, 3);
    exits(10, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_EXIT);
    exits(10, &srv, raw_atom("boom")); /* the link is no more */
    EXPECT_EVENTS(&b, P_EXIT);
    bench_close(&b);
}

/* ---- links that the node makes ---- */

static int link_to(const struct noex_pid *from, uint32_t id)
{
    struct noex_target t = there(&b, 0, id);
    int rc = noex_link(b.node, from, &t);
    bench_settle(&b);
    return rc;
}

static int unlink_from(const struct noex_pid *from, uint32_t id)
{
    struct noex_target t = there(&b, 0, id);
    int rc = noex_unlink(b.node, from, &t);
    bench_settle(&b);
    return rc;
}

static void Y04_a_link_is_asked_for_once_and_ends_by_either_side(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(link_to(&srv, 9), 0);
    const struct fake_signal *link = bench_only_signal(&b, 0, NX_OP_LINK);
    assert_span(fake_signal_arg(link, NX_ARG_FROM), raw_pid(&b, &srv));
    assert_span(fake_signal_arg(link, NX_ARG_TO), their_pid());
    assert_int_equal(link_to(&other, 9), 0);
    bench_forget_signals(&b, 0);
    exits(9, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_END);
    assert_term(&b.seen[0], raw_atom("boom"));
    EXPECT_NO_SIGNALS(&b, 0); /* not back through the same link */
    end(&other, raw_atom("stop"));
    expect_exit_sent(0, &other, 9, raw_atom("stop"));
    bench_close(&b);
}

static void Y05_an_exit_behind_an_unlink_of_ours_is_ignored(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0); /* once only */
    EXPECT_SIGNALS(&b, 0, NX_OP_LINK, NX_OP_UNLINK_ID);
    exits(9, &srv, raw_atom("boom"));
    assert_true(lives(&srv));
    end(&srv, raw_atom("boom")); /* and it is told nothing either */
    EXPECT_SIGNALS(&b, 0, NX_OP_LINK, NX_OP_UNLINK_ID);
    bench_close(&b);
}

static void Y06_a_link_that_crosses_an_unlink_does_not_count_until_the_ack(void **state)
{
    (void)state;
    uint8_t id_bytes[16];
    open_plain();
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0);
    struct nx_span id = fake_signal_arg(&b.beam[0].signal[1], NX_ARG_ID);
    memcpy(id_bytes, id.ptr, id.len);
    id.ptr = id_bytes;
    linked(9, &srv); /* sent before our UNLINK_ID was read there */
    exits(9, &srv, raw_atom("boom"));
    assert_true(lives(&srv));
    acked(9, &srv, raw_int(4711)); /* another's */
    linked(9, &srv);
    exits(9, &srv, raw_atom("boom"));
    assert_true(lives(&srv));
    acked(9, &srv, id);
    linked(9, &srv);
    exits(9, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

static void a_link_may_be_asked_for_again_before_the_ack(void **state)
{
    (void)state;
    uint8_t id_bytes[16];
    open_plain();
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0);
    struct nx_span id = fake_signal_arg(&b.beam[0].signal[1], NX_ARG_ID);
    memcpy(id_bytes, id.ptr, id.len);
    id.ptr = id_bytes;
    assert_int_equal(link_to(&srv, 9), 0);
    EXPECT_SIGNALS(&b, 0, NX_OP_LINK, NX_OP_UNLINK_ID, NX_OP_LINK);
    acked(9, &srv, id); /* late: it does not end the new one */
    exits(9, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

static void a_link_that_could_not_be_asked_for_leaves_the_unlink_as_it_was(void **state)
{
    (void)state;
    uint8_t id_bytes[16];
    struct noex_target t;
    open_plain();
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0);
    struct nx_span id = fake_signal_arg(&b.beam[0].signal[1], NX_ARG_ID);
    memcpy(id_bytes, id.ptr, id.len);
    id.ptr = id_bytes;
    b.beam[0].paused = true; /* until a signal must wait, for which there is no memory */
    t = there(&b, 0, 9);
    static uint8_t filler[32 * 1024] = {109, 0, 0, 127, 251}; /* in no fragments */
    while (nx_peer_queued(b.node->peers.list[0]) < b.options.out_high)
        assert_int_equal(noex_send(b.node, &other, &t, term_of(nx_span(filler, sizeof filler))), 0);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_link(b.node, &srv, &t), NOEX_ENOMEM);
    struct noex_target fresh = there(&b, 0, 10);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_link(b.node, &other, &fresh), NOEX_ENOMEM);
    b.alloc.fail_at = 0;
    b.beam[0].paused = false;
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_LINK], 1);
    linked(9, &srv); /* crosses, as before */
    exits(9, &srv, raw_atom("boom"));
    exits(10, &other, raw_atom("boom")); /* through no link */
    assert_true(lives(&srv) && lives(&other));
    acked(9, &srv, id);
    linked(9, &srv);
    exits(9, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

static void a_peer_that_knows_no_unlink_id_is_sent_unlink_and_no_ack_is_waited_for(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS & ~NX_DFLAG_UNLINK_ID);
    assert_int_equal(link_to(&srv, 9), 0);
    assert_int_equal(unlink_from(&srv, 9), 0);
    EXPECT_SIGNALS(&b, 0, NX_OP_LINK, NX_OP_UNLINK);
    assert_span(fake_signal_arg(&b.beam[0].signal[1], NX_ARG_TO), their_pid());
    exits(9, &srv, raw_atom("boom"));
    assert_true(lives(&srv));
    linked(9, &srv); /* a new one counts at once */
    exits(9, &srv, raw_atom("boom"));
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

/* ---- links and connections ---- */

static void a_loss_is_noconnection_for_each_link_and_says_that_it_was_made_here(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    for (uint32_t id = 20; id < 23; id++)
        linked(id, &srv);
    assert_int_equal(link_to(&other, 20), 0);
    assert_int_equal(link_to(&srv, 23), 0);
    assert_int_equal(unlink_from(&srv, 23), 0); /* this one is over */
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, P_EXIT, P_EXIT, P_EXIT, P_END, DOWN);
    for (uint32_t i = 0; i < 3; i++) {
        const struct noex_pid from = {20 + i, 0, b.beam[0].opts.creation};
        assert_term(&b.seen[i], raw_atom("noconnection"));
        assert_int_equal(b.seen[i].reason, NOEX_REASON_NOCONNECTION);
        assert_int_equal(b.seen[i].origin, NOEX_ORIGIN_LOCAL);
        assert_true(same_pid(&b.seen[i].from, &from));
        assert_string_equal(b.seen[i].node, b.beam[0].name);
        assert_true(same_pid(&b.seen[i].process, &srv));
    }
    assert_true(same_pid(&b.seen[3].process, &other));
    assert_term(&b.seen[3], raw_atom("noconnection"));
    bench_close(&b);
}

static void a_loss_that_the_peer_says_as_a_reason_is_the_peers(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    linked(9, &srv);
    exits(9, &srv, raw_atom("noconnection"));
    assert_int_equal(b.seen[0].reason, NOEX_REASON_NOCONNECTION);
    assert_int_equal(b.seen[0].origin, NOEX_ORIGIN_PEER);
    bench_close(&b);
}

static void a_link_to_a_node_that_cannot_be_reached_is_noconnection(void **state)
{
    (void)state;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    srv = bench_process(&b, NULL, true);
    other = bench_process(&b, NULL, false);
    fake_beam_refuse(&b.beam[0]);
    struct noex_target t = there(&b, 0, 9);
    assert_int_equal(noex_link(b.node, &srv, &t), 0);
    assert_int_equal(noex_link(b.node, &other, &t), 0);
    bench_until(&b, FAILED, 1);
    EXPECT_EVENTS(&b, P_EXIT, P_END, FAILED);
    assert_int_equal(b.seen[0].origin, NOEX_ORIGIN_LOCAL);
    assert_term(&b.seen[0], raw_atom("noconnection"));
    bench_close(&b);
}

static void what_happens_before_the_node_is_up_is_told_there_in_its_order(void **state)
{
    (void)state;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    srv = bench_process(&b, NULL, false);
    other = bench_process(&b, NULL, false);
    struct noex_target t = there(&b, 0, 9);
    assert_int_equal(noex_link(b.node, &srv, &t), 0);
    assert_int_equal(noex_link(b.node, &other, &t), 0);
    assert_int_equal(noex_send(b.node, &srv, &t, term_of(raw_atom("hello"))), 0);
    assert_int_equal(noex_unlink(b.node, &other, &t), 0);
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("boom"))), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_LINK, NX_OP_LINK, NX_OP_SEND_SENDER, NX_OP_UNLINK_ID,
                   NX_OP_PAYLOAD_EXIT);
    expect_exit_sent(4, &srv, 9, raw_atom("boom")); /* else it would be linked to the dead */
    bench_close(&b);
}

static void an_exit_never_goes_to_an_incarnation_before(void **state)
{
    (void)state;
    for (int up = 0; up < 2; up++) { /* 6.3: it would close the connection */
        bench_init(&b);
        if (up) {
            bench_open_citizen(&b, NX_DFLAGS_OURS);
        } else {
            bench_open(&b);
            bench_beam(&b, NULL);
        }
        srv = bench_process(&b, NULL, false);
        struct noex_target t = there(&b, 0, 9);
        t.pid.creation = 1999;
        assert_int_equal(noex_link(b.node, &srv, &t), 0);
        assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("boom"))), 0);
        if (!up)
            bench_until(&b, UP, 1);
        bench_settle(&b);
        EXPECT_SIGNALS(&b, 0, NX_OP_LINK);
        bench_close(&b);
    }
}

/* ---- exit signals ---- */

static const struct exit_form {
    enum nx_op op;
    bool by_link;
    bool inside;
    bool token;
    uint8_t flags; /* of ALTACT_SIG_SEND */
} exit_forms[] = {
    {.op = NX_OP_EXIT, .by_link = true, .inside = true},
    {.op = NX_OP_EXIT_TT, .by_link = true, .inside = true, .token = true},
    {.op = NX_OP_PAYLOAD_EXIT, .by_link = true},
    {.op = NX_OP_PAYLOAD_EXIT_TT, .by_link = true, .token = true},
    {.op = NX_OP_EXIT2, .inside = true},
    {.op = NX_OP_EXIT2_TT, .inside = true, .token = true},
    {.op = NX_OP_PAYLOAD_EXIT2},
    {.op = NX_OP_PAYLOAD_EXIT2_TT, .token = true},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT | NX_ALTACT_PRIORITY},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT | NX_ALTACT_TOKEN, .token = true},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT | NX_ALTACT_NAME},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT | NX_ALTACT_ALIAS},
    {.op = NX_OP_ALTACT_SIG_SEND, .flags = NX_ALTACT_EXIT | NX_ALTACT_ALIAS | NX_ALTACT_PRIORITY},
};

enum { EXIT_FORMS = sizeof exit_forms / sizeof *exit_forms };

static struct nx_ctrl exit_ctrl(const struct exit_form *f, struct nx_span alias)
{
    struct nx_ctrl c = {.op = f->op};
    c.arg[NX_ARG_FROM] = their_pid();
    c.arg[NX_ARG_TO] = f->flags & NX_ALTACT_NAME    ? raw_atom("srv")
                       : f->flags & NX_ALTACT_ALIAS ? alias
                                                    : raw_pid(&b, &srv);
    if (f->op == NX_OP_ALTACT_SIG_SEND)
        c.arg[NX_ARG_FLAGS] = raw_int(f->flags);
    if (f->token)
        c.arg[NX_ARG_TOKEN] = raw_atom("token");
    return c;
}

/* Sends it to srv, which is linked where the form wants that. */
static void exit_by(const struct exit_form *f, struct nx_span reason)
{
    noex_builder *builder;
    noex_alias_id id;
    struct noex_term alias;
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    assert_int_equal(noex_alias(b.node, &srv, builder, &id), 0);
    assert_int_equal(noex_alias_priority(b.node, id), 0);
    assert_int_equal(noex_builder_term(builder, &alias), 0);
    if (f->by_link)
        linked(9, &srv);
    struct nx_ctrl c = exit_ctrl(f, nx_span(alias.bytes, alias.len));
    if (f->inside)
        c.arg[NX_ARG_REASON] = reason;
    fake_beam_send(&b.beam[0], &c, f->inside ? no_payload : reason);
    bench_settle(&b);
    noex_builder_free(builder);
}

static void an_exit_signal_in_each_form_ends_a_process_or_is_told_to_it(void **state)
{
    (void)state;
    for (int i = 0; i < EXIT_FORMS; i++) {
        for (int trapping = 0; trapping < 2; trapping++) {
            open_plain();
            if (trapping)
                trap(&srv);
            exit_by(&exit_forms[i], RAW_TUPLE(raw_atom("boom"), raw_int(i)));
            const struct seen *s = &b.seen[0];
            assert_int_equal(b.seen_count, 1);
            assert_int_equal(s->type, trapping ? P_EXIT : P_END);
            assert_term(s, RAW_TUPLE(raw_atom("boom"), raw_int(i)));
            assert_int_equal(s->reason, NOEX_REASON_EXCEPTION);
            assert_int_equal(s->origin, NOEX_ORIGIN_PEER);
            assert_int_equal(lives(&srv), trapping);
            if (trapping) {
                const struct noex_pid them = {9, 0, b.beam[0].opts.creation};
                assert_true(s->has_from && same_pid(&s->from, &them));
                assert_string_equal(s->node, b.beam[0].name);
                assert_int_equal(s->priority, (exit_forms[i].flags & NX_ALTACT_PRIORITY) &&
                                                  (exit_forms[i].flags & NX_ALTACT_ALIAS));
            }
            bench_close(&b);
        }
    }
}

/* Protocol.md 6.6: what `kill` and `normal` do by each way, to who traps exits and who does not. */
static void kill_is_special_by_exit2_alone_and_normal_ends_nobody_who_does_not_trap(void **state)
{
    (void)state;
    for (int i = 0; i < EXIT_FORMS; i++) {
        bool by_link = exit_forms[i].by_link;
        for (int trapping = 0; trapping < 2; trapping++) {
            for (int kill = 0; kill < 2; kill++) {
                open_plain();
                if (trapping)
                    trap(&srv);
                exit_by(&exit_forms[i], raw_atom(kill ? "kill" : "normal"));
                if (kill && !by_link)
                    EXPECT_EVENTS(&b, P_END);
                else if (trapping)
                    EXPECT_EVENTS(&b, P_EXIT);
                else if (kill)
                    EXPECT_EVENTS(&b, P_END);
                else
                    assert_int_equal(b.seen_count, 0);
                if (kill)
                    assert_term(&b.seen[0], raw_atom(by_link ? "kill" : "killed"));
                if (!kill && by_link) { /* the link is gone all the same */
                    end(&srv, raw_atom("boom"));
                    EXPECT_NO_SIGNALS(&b, 0);
                }
                bench_close(&b);
            }
        }
    }
}

static void who_is_killed_tells_others_killed(void **state)
{
    (void)state;
    open_plain();
    linked(10, &srv);
    monitored(0, raw_atom("srv"), 1);
    trap(&srv);
    exit_by(&exit_forms[6], raw_atom("kill"));
    expect_down(0, 0, raw_atom("srv"), 1, raw_atom("killed"));
    expect_exit_sent(1, &srv, 10, raw_atom("killed"));
    bench_close(&b);
}

static void an_exit_of_who_is_not_of_that_node_or_to_who_is_not_here_is_dropped(void **state)
{
    (void)state;
    uint8_t third[FAKE_TERM];
    open_plain();
    trap(&srv);
    for (int i = 0; i < EXIT_FORMS; i++) {
        const struct exit_form *f = &exit_forms[i];
        struct nx_ctrl c = exit_ctrl(f, raw_their_ref(&b, 0, 1));
        c.arg[NX_ARG_FROM] = fake_pid("third@127.0.0.1", 9, 0, 5, third);
        if (f->inside)
            c.arg[NX_ARG_REASON] = raw_atom("boom");
        fake_beam_send(&b.beam[0], &c, f->inside ? no_payload : raw_atom("boom"));
        bench_settle(&b);
        assert_int_equal(bench_stats(&b).signals_dropped, (size_t)i + 1);
    }
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void trapping_may_begin_and_end(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    exit_by(&exit_forms[6], raw_int(1));
    assert_int_equal(noex_process_trap_exit(b.node, &srv, false), 0);
    exit_by(&exit_forms[6], raw_int(2));
    EXPECT_EVENTS(&b, P_EXIT, P_END);
    bench_close(&b);
}

static int exit_here(const struct noex_pid *from, const struct noex_pid *to, const char *reason)
{
    struct noex_target t = here(&b, to);
    int rc = noex_exit(b.node, from, &t, term_of(raw_atom(reason)));
    bench_settle(&b);
    return rc;
}

static void exit_signals_between_processes_of_the_node_are_the_same(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    assert_int_equal(exit_here(&other, &srv, "normal"), 0);
    assert_int_equal(exit_here(&other, &srv, "boom"), 0);
    EXPECT_EVENTS(&b, P_EXIT, P_EXIT);
    assert_true(same_pid(&b.seen[1].from, &other));
    assert_string_equal(b.seen[1].node, noex_node_name(b.node));
    assert_int_equal(exit_here(&srv, &other, "normal"), 0);
    assert_true(lives(&other));
    assert_int_equal(exit_here(&srv, &other, "boom"), 0);
    assert_int_equal(exit_here(&srv, &srv, "kill"), 0);
    EXPECT_EVENTS(&b, P_EXIT, P_EXIT, P_END, P_END);
    assert_term(&b.seen[2], raw_atom("boom"));
    assert_term(&b.seen[3], raw_atom("killed"));
    struct noex_pid fresh = bench_process(&b, NULL, false);
    assert_int_equal(exit_here(&fresh, &srv, "boom"), 0);     /* lost */
    assert_int_equal(exit_here(&fresh, &fresh, "normal"), 0); /* exit(self(), normal) ends it */
    assert_false(lives(&fresh));
    bench_close(&b);
}

/* ---- links between processes of the node ---- */

static int link_here(const struct noex_pid *from, const struct noex_pid *to)
{
    struct noex_target t = here(&b, to);
    return noex_link(b.node, from, &t);
}

static int unlink_here(const struct noex_pid *from, const struct noex_pid *to)
{
    struct noex_target t = here(&b, to);
    return noex_unlink(b.node, from, &t);
}

static void a_link_here_works_in_both_directions_and_can_be_taken_away_by_either(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct noex_pid *maker = i & 1 ? &srv : &other, *ender = i & 2 ? &srv : &other;
        open_plain();
        assert_int_equal(link_here(maker, maker == &srv ? &other : &srv), 0);
        assert_int_equal(link_here(&srv, &other), 0); /* twice is once */
        if (i & 4)
            assert_int_equal(unlink_here(&other, &srv), 0);
        end(ender, raw_atom("boom"));
        assert_int_equal(b.count[P_END], i & 4 ? 1 : 2);
        EXPECT_NO_SIGNALS(&b, 0);
        bench_close(&b);
    }
}

static void a_link_to_itself_is_none_and_one_to_nobody_is_noproc(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(link_here(&srv, &srv), 0);
    assert_int_equal(unlink_here(&srv, &srv), 0);
    trap(&other);
    struct noex_pid dead[] = {
        {4711, 1, srv.creation}, {srv.id, srv.serial, srv.creation + 1}, {1, 1, srv.creation}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(link_here(&other, &dead[i]), 0);
        assert_int_equal(unlink_here(&other, &dead[i]), 0);
    }
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_EXIT, P_EXIT, P_EXIT);
    for (int i = 0; i < 3; i++) {
        assert_term(&b.seen[i], raw_atom("noproc"));
        assert_true(same_pid(&b.seen[i].from, &dead[i]));
    }
    assert_int_equal(link_here(&srv, &dead[0]), 0);
    bench_settle(&b);
    assert_term(&b.seen[3], raw_atom("noproc"));
    assert_int_equal(b.seen[3].type, P_END);
    bench_close(&b);
}

static void an_exit_event_that_waits_is_told_though_the_link_is_taken_away(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    assert_int_equal(link_here(&srv, &other), 0);
    assert_int_equal(noex_process_exit(b.node, &other, term_of(raw_atom("boom"))), 0);
    assert_int_equal(unlink_here(&srv, &other), 0);
    bench_settle(&b);
    assert_int_equal(b.count[P_EXIT], 1);
    bench_close(&b);
}

enum { MANY = 100000 };

static void a_chain_of_100000_links_ends_without_recursion(void **state)
{
    (void)state;
    struct noex_pid first = {0, 0, 0}, last = {0, 0, 0};
    bench_init(&b);
    b.no_keep = true;
    bench_open(&b);
    for (int i = 0; i < MANY; i++) {
        struct noex_pid next = bench_process(&b, NULL, false);
        if (i)
            assert_int_equal(i % 2 ? link_here(&last, &next) : link_here(&next, &last), 0);
        else
            first = next;
        last = next;
    }
    assert_int_equal(noex_process_exit(b.node, &first, term_of(raw_atom("boom"))), 0);
    assert_false(lives(&last)); /* all of it at once */
    bench_until(&b, P_END, MANY);
    bench_settle(&b);
    assert_int_equal(b.count[P_END], MANY);
    bench_close(&b);
}

static void a_long_reason_is_kept_once_though_a_chain_ends_by_it(void **state)
{
    (void)state;
    enum { CHAIN = 2000, BIG = 1 << 20 };
    static uint8_t big[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    struct noex_pid last = {0, 0, 0};
    bench_init(&b);
    b.no_keep = true;
    bench_open(&b);
    for (int i = 0; i < CHAIN; i++) {
        struct noex_pid next = bench_process(&b, NULL, i % 100 == 99);
        if (i)
            assert_int_equal(link_here(&last, &next), 0);
        last = next;
    }
    size_t before = b.alloc.bytes;
    assert_int_equal(noex_process_exit(b.node, &last, term_of(nx_span(big, sizeof big))), 0);
    bench_settle(&b);
    assert_int_equal(b.count[P_END], 100); /* up to the next one that traps */
    assert_int_equal(b.count[P_EXIT], 1);
    assert_true(b.alloc.peak < before + 2 * BIG);
    bench_close(&b);
}

/* ---- reasons that are too long ---- */

static void
a_reason_that_came_cut_is_told_cut_and_others_are_told_that_it_was_too_long(void **state)
{
    (void)state;
    enum { BIG = 200 * 1024 };
    static uint8_t big[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    for (int trapping = 0; trapping < 2; trapping++) {
        bench_init(&b);
        b.options.message_max = 64 * 1024;
        b.options.reason_max = 64 * 1024;
        bench_open_citizen(&b, NX_DFLAGS_OURS);
        srv = bench_process(&b, "srv", trapping);
        monitored(0, raw_atom("srv"), 1);
        struct nx_ctrl c = exit_ctrl(&exit_forms[6], no_payload);
        fake_beam_send_fragments(&b.beam[0], &c, nx_span(big, sizeof big));
        bench_until(&b, trapping ? P_EXIT : P_END, 1);
        bench_settle(&b);
        if (trapping) {
            assert_in_range(b.seen[0].term_len, 1000, 64 * 1024);
            assert_int_equal(b.seen[0].term_full_len, sizeof big);
            EXPECT_NO_SIGNALS(&b, 0);
        } else {
            assert_term(&b.seen[0], raw_atom("too_long"));
            expect_down(0, 0, raw_atom("srv"), 1, raw_atom("too_long"));
        }
        bench_close(&b);
    }
}

static void a_reason_that_no_queue_can_hold_is_too_long_for_others(void **state)
{
    (void)state;
    enum { BIG = 200 * 1024 };
    static uint8_t big[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    bench_init(&b);
    b.options.out_max = 256 * 1024;
    b.options.out_high = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    srv = bench_process(&b, "srv", false);
    other = bench_process(&b, NULL, true);
    monitored(0, raw_atom("srv"), 1);
    linked(9, &srv);
    assert_int_equal(link_here(&srv, &other), 0);
    end(&srv, nx_span(big, sizeof big));
    expect_down(0, 0, raw_atom("srv"), 1, raw_atom("too_long"));
    expect_exit_sent(1, &srv, 9, raw_atom("too_long"));
    assert_int_equal(bench_event(&b, P_END, 0)->term_len, sizeof big);
    assert_int_equal(bench_event(&b, P_EXIT, 0)->term_len, sizeof big);
    assert_int_equal(b.count[DOWN], 0);
    bench_close(&b);
}

/* ---- memory ---- */

static void without_memory_an_exit_signal_ends_who_cannot_be_told(void **state)
{
    (void)state;
    open_plain();
    trap(&srv);
    monitored(0, raw_atom("srv"), 1);
    b.alloc.fail_at = 1;
    b.alloc.fail_on = true;
    struct nx_ctrl c = exit_ctrl(&exit_forms[6], no_payload);
    fake_beam_send(&b.beam[0], &c, raw_atom("boom"));
    bench_until(&b, P_END, 1);
    bench_settle(&b);
    b.alloc.fail_at = 0;
    EXPECT_EVENTS(&b, P_END);
    expect_down(0, 0, raw_atom("srv"), 1, raw_atom("enomem"));
    assert_true(b.seen[0].term_len < b.seen[0].term_full_len); /* marked */
    bench_close(&b);
}

static void a_link_here_without_memory_is_none_on_either_side(void **state)
{
    (void)state;
    int rc = NOEX_ENOMEM;
    for (size_t k = 1; rc; k++) {
        open_plain();
        b.alloc.fail_at = b.alloc.calls + k;
        rc = link_here(&srv, &other);
        b.alloc.fail_at = 0;
        assert_true(rc == 0 || rc == NOEX_ENOMEM);
        end(&other, raw_atom("boom"));
        assert_int_equal(b.count[P_END], rc ? 1 : 2);
        assert_true(rc || k > 1);
        bench_close(&b);
    }
}

/* ---- what cannot be ---- */

static void what_cannot_be_linked_or_ended_is_said(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 1};
    open_plain();
    struct noex_pid dead = {4711, 1, srv.creation};
    struct noex_target t = there(&b, 0, 9), name = name_there(&b, 0, "srv");
    struct noex_term boom = term_of(raw_atom("boom"));
    assert_int_equal(noex_exit(NULL, &srv, &t, boom), NOEX_EINVALID);
    assert_int_equal(noex_exit(b.node, NULL, &t, boom), NOEX_EINVALID);
    assert_int_equal(noex_exit(b.node, &srv, NULL, boom), NOEX_EINVALID);
    assert_int_equal(noex_exit(b.node, &dead, &t, boom), NOEX_ENOPROC);
    assert_int_equal(noex_exit(b.node, &srv, &name, boom), NOEX_ETARGET);
    assert_int_equal(noex_exit(b.node, &srv, &t, term_of(nx_span(cut, sizeof cut))), NOEX_ETERM);
    assert_int_equal(noex_link(NULL, &srv, &t), NOEX_EINVALID);
    assert_int_equal(noex_link(b.node, NULL, &t), NOEX_EINVALID);
    assert_int_equal(noex_link(b.node, &srv, NULL), NOEX_EINVALID);
    assert_int_equal(noex_link(b.node, &dead, &t), NOEX_ENOPROC);
    assert_int_equal(noex_link(b.node, &srv, &name), NOEX_ETARGET);
    assert_int_equal(noex_unlink(NULL, &srv, &t), NOEX_EINVALID);
    assert_int_equal(noex_unlink(b.node, NULL, &t), NOEX_EINVALID);
    assert_int_equal(noex_unlink(b.node, &srv, NULL), NOEX_EINVALID);
    assert_int_equal(noex_unlink(b.node, &dead, &t), NOEX_ENOPROC);
    assert_int_equal(noex_unlink(b.node, &srv, &name), NOEX_ETARGET);
    assert_int_equal(noex_unlink(b.node, &srv, &t), 0); /* no link is no error */
    t.node = "nonode";
    assert_int_equal(noex_exit(b.node, &srv, &t, boom), NOEX_ENODENAME);
    assert_int_equal(noex_link(b.node, &srv, &t), NOEX_ENODENAME);
    assert_int_equal(noex_unlink(b.node, &srv, &t), NOEX_ENODENAME);
    t.node = "new@127.0.0.1";
    b.alloc.fail_on = true;
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_unlink(b.node, &srv, &t), NOEX_ENOMEM);
    assert_int_equal(noex_exit(b.node, &srv, &t, boom), NOEX_ENOMEM);
    b.alloc.fail_at = 0;
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(X01_the_end_of_a_process_is_told_to_who_monitors_it_with_an_exact_echo),
        cmocka_unit_test(
            X02_a_name_that_goes_to_another_process_stays_in_the_monitors_that_were_made),
        cmocka_unit_test(ERGO_a_demonitor_of_one_of_several_watchers_leaves_the_others),
        cmocka_unit_test(a_reference_that_is_in_use_watches_what_it_watched_first),
        cmocka_unit_test(a_reference_of_a_third_node_is_dropped),
        cmocka_unit_test(who_is_dead_is_answered_at_once_and_who_is_born_later_is_another),
        cmocka_unit_test(watchers_are_forgotten_when_their_node_goes),
        cmocka_unit_test(each_node_has_its_own_watchers_though_their_numbers_are_the_same),
        cmocka_unit_test(
            a_peer_that_wants_more_monitors_or_links_than_monitors_max_is_disconnected),
        cmocka_unit_test(Y01_a_linked_process_is_told_the_end_whole),
        cmocka_unit_test(Y02_an_unlink_is_acknowledged_first_and_then_no_exit_comes),
        cmocka_unit_test(an_unlink_of_old_ends_the_link_and_has_no_answer),
        cmocka_unit_test(Y03_an_exit_that_comes_through_no_link_is_ignored),
        cmocka_unit_test(Y04_a_link_is_asked_for_once_and_ends_by_either_side),
        cmocka_unit_test(Y05_an_exit_behind_an_unlink_of_ours_is_ignored),
        cmocka_unit_test(Y06_a_link_that_crosses_an_unlink_does_not_count_until_the_ack),
        cmocka_unit_test(a_link_may_be_asked_for_again_before_the_ack),
        cmocka_unit_test(a_link_that_could_not_be_asked_for_leaves_the_unlink_as_it_was),
        cmocka_unit_test(a_peer_that_knows_no_unlink_id_is_sent_unlink_and_no_ack_is_waited_for),
        cmocka_unit_test(a_loss_is_noconnection_for_each_link_and_says_that_it_was_made_here),
        cmocka_unit_test(a_loss_that_the_peer_says_as_a_reason_is_the_peers),
        cmocka_unit_test(a_link_to_a_node_that_cannot_be_reached_is_noconnection),
        cmocka_unit_test(what_happens_before_the_node_is_up_is_told_there_in_its_order),
        cmocka_unit_test(an_exit_never_goes_to_an_incarnation_before),
        cmocka_unit_test(an_exit_signal_in_each_form_ends_a_process_or_is_told_to_it),
        cmocka_unit_test(kill_is_special_by_exit2_alone_and_normal_ends_nobody_who_does_not_trap),
        cmocka_unit_test(who_is_killed_tells_others_killed),
        cmocka_unit_test(an_exit_of_who_is_not_of_that_node_or_to_who_is_not_here_is_dropped),
        cmocka_unit_test(trapping_may_begin_and_end),
        cmocka_unit_test(exit_signals_between_processes_of_the_node_are_the_same),
        cmocka_unit_test(a_link_here_works_in_both_directions_and_can_be_taken_away_by_either),
        cmocka_unit_test(a_link_to_itself_is_none_and_one_to_nobody_is_noproc),
        cmocka_unit_test(an_exit_event_that_waits_is_told_though_the_link_is_taken_away),
        cmocka_unit_test(a_chain_of_100000_links_ends_without_recursion),
        cmocka_unit_test(a_long_reason_is_kept_once_though_a_chain_ends_by_it),
        cmocka_unit_test(
            a_reason_that_came_cut_is_told_cut_and_others_are_told_that_it_was_too_long),
        cmocka_unit_test(a_reason_that_no_queue_can_hold_is_too_long_for_others),
        cmocka_unit_test(without_memory_an_exit_signal_ends_who_cannot_be_told),
        cmocka_unit_test(a_link_here_without_memory_is_none_on_either_side),
        cmocka_unit_test(what_cannot_be_linked_or_ended_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
