/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/monitors.h"
#include <stdio.h>
#include <stdlib.h>

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};
static const struct nx_span noproc = {noproc_bytes, sizeof noproc_bytes};

/* A table, the lists of two peers, and the owner's own items in the queue. */
struct fixture {
    struct alloc_test alloc;
    struct nx_monitors *t;
    struct nx_monitor_list b, c;
    uint32_t links[64];
};

enum { B = 0, C = 1 };

static uint32_t *link_of(void *ctx, uint32_t item)
{
    return &((struct fixture *)ctx)->links[NX_EVENT_NUMBER(item)];
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct nx_foreign_links links = {f, link_of};
    alloc_test_init(&f->alloc);
    f->t = nx_monitors_new(&f->alloc.a, 1 << 20, 1 << 20);
    nx_events_set_foreign(f->t, &links);
    nx_monitor_list_init(&f->b);
    nx_monitor_list_init(&f->c);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nx_monitors_free(f->t);
    size_t live = f->alloc.live;
    free(f);
    return live != 0;
}

static uint32_t add_at(struct fixture *f, struct nx_monitor_list *l, uint32_t peer,
                       uint64_t deadline)
{
    const struct noex_target target = {.kind = NOEX_TARGET_NAME, .name = "w"};
    uint32_t slot = 0;
    assert_int_equal(nx_monitor_add(f->t, l, peer, &target, deadline, NULL, &slot), 0);
    assert_int_not_equal(slot, 0);
    return slot;
}

static uint32_t add(struct fixture *f)
{
    return add_at(f, &f->b, B, 10000);
}

static void send_all(struct fixture *f, struct nx_monitor_list *l)
{
    uint32_t slot;
    while ((slot = nx_monitor_next_unsent(l)))
        nx_monitor_sent(f->t, l, slot);
}

static void barrier(struct fixture *f, struct nx_monitor_list *l)
{
    assert_true(nx_monitors_want_barrier(f->t, l));
    nx_monitors_barrier_sent(f->t, l);
    nx_monitors_confirmed(f->t, l, 7);
}

static uint32_t established(struct fixture *f)
{
    uint32_t slot = add(f);
    send_all(f, &f->b);
    barrier(f, &f->b);
    while (nx_events_peek(f->t)) {
        uint32_t item = nx_events_peek(f->t);
        assert_int_equal(nx_events_take(f->t, item), NX_MONITOR_EV_UP);
        nx_events_done(f->t, item);
    }
    return slot;
}

static void down(struct fixture *f, uint32_t slot, struct nx_span reason)
{
    uint32_t generation = nx_monitor_at(f->t, slot)->generation;
    nx_monitor_down(f->t, &f->b, B, slot, generation, reason, reason.len, 9);
}

/* The next event must be this one of this slot. */
static void expect(struct fixture *f, uint32_t slot, unsigned event)
{
    uint32_t item = nx_events_peek(f->t);
    assert_int_equal(NX_EVENT_NUMBER(item), slot);
    assert_int_equal(nx_events_take(f->t, item), event);
    nx_events_done(f->t, item);
}

static void demonitor(struct fixture *f, uint32_t slot)
{
    nx_monitor_demonitor(f->t, &f->b, slot);
    if (nx_monitor_next_leaving(&f->b))
        nx_monitor_left(f->t, &f->b);
}

#define STATS(f) nx_monitors_stats((f)->t)

/* Slots that are to be released at the peer. */
struct left {
    uint32_t slot[8];
    unsigned count;
};

static struct left expire(struct fixture *f, uint64_t now_ms)
{
    struct left e = {.count = 0};
    nx_monitors_expire(f->t, &f->b, NOEX_ENOMEM, now_ms, 0);
    for (uint32_t slot; (slot = nx_monitor_next_leaving(&f->b)); nx_monitor_left(f->t, &f->b)) {
        assert_true(e.count < 8);
        e.slot[e.count++] = slot;
    }
    return e;
}

static void M03_M04_pending_until_confirmed_then_active(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add(f);
    assert_int_equal(STATS(f)->pending, 1);
    assert_int_equal(STATS(f)->initiated, 1);
    assert_int_equal(STATS(f)->established, 0);
    assert_false(nx_monitors_want_barrier(f->t, &f->b)); /* nothing was sent */
    send_all(f, &f->b);
    barrier(f, &f->b);
    assert_int_equal(STATS(f)->pending, 0);
    assert_int_equal(STATS(f)->active, 1);
    assert_int_equal(STATS(f)->established, 1);
    expect(f, slot, NX_MONITOR_EV_UP);
    assert_int_equal(nx_events_peek(f->t), 0);
}

static void one_barrier_confirms_what_was_sent_before_it_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    uint32_t a = add(f), b = add(f);
    send_all(f, &f->b);
    nx_monitors_barrier_sent(f->t, &f->b);
    uint32_t c = add(f);
    send_all(f, &f->b);
    assert_false(nx_monitors_want_barrier(f->t, &f->b)); /* one is under way */
    nx_monitors_confirmed(f->t, &f->b, 1);
    expect(f, a, NX_MONITOR_EV_UP);
    expect(f, b, NX_MONITOR_EV_UP);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitor_at(f->t, c)->state, NX_MONITOR_SENT);
    barrier(f, &f->b);
    expect(f, c, NX_MONITOR_EV_UP);
}

static void a_barrier_whose_monitors_are_gone_confirms_nothing_newer(void **state)
{
    struct fixture *f = *state;
    uint32_t a = add(f), b = add(f);
    send_all(f, &f->b);
    nx_monitors_barrier_sent(f->t, &f->b);
    demonitor(f, b);
    demonitor(f, a);
    uint32_t c = add(f);
    send_all(f, &f->b);
    nx_monitors_confirmed(f->t, &f->b, 1);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitor_at(f->t, c)->state, NX_MONITOR_SENT);
}

static void D09_a_down_ends_it_once_and_for_all(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    uint32_t generation = nx_monitor_at(f->t, slot)->generation;
    down(f, slot, normal);
    assert_int_equal(STATS(f)->active, 0);
    nx_monitor_down(f->t, &f->b, B, slot, generation, normal, normal.len, 9);
    uint32_t item = nx_events_peek(f->t);
    assert_int_equal(item, slot | NX_EVENT_END);
    assert_int_equal(nx_events_take(f->t, item), NX_MONITOR_EV_DOWN);
    const struct nx_monitor *m = nx_monitor_at(f->t, slot);
    assert_int_equal(m->type, NOEX_REASON_NORMAL);
    assert_memory_equal(m->end.reason->bytes, normal_bytes, sizeof normal_bytes);
    nx_events_done(f->t, item);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_null(nx_monitor_find(f->t, slot, generation));
    nx_monitor_down(f->t, &f->b, B, slot, generation, normal, normal.len, 9);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitors_stale(f->t), 2);
    assert_int_equal(STATS(f)->downs_received, 3);
}

static void N01_N05_a_noproc_before_the_barrier_is_up_then_down(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add(f);
    send_all(f, &f->b);
    nx_monitors_barrier_sent(f->t, &f->b);
    down(f, slot, noproc);
    nx_monitors_confirmed(f->t, &f->b, 1);
    expect(f, slot, NX_MONITOR_EV_UP);
    assert_int_equal(nx_monitor_at(f->t, slot)->type, NOEX_REASON_NOPROC);
    expect(f, slot, NX_MONITOR_EV_DOWN);
    assert_int_equal(STATS(f)->established, 1);
    assert_int_equal(STATS(f)->downs_received, 1);
    assert_int_equal(STATS(f)->active, 0);
    assert_int_equal(STATS(f)->pending, 0);
}

static void D12_an_unknown_reference_is_counted_and_ignored(void **state)
{
    struct fixture *f = *state;
    for (uint32_t slot = 0; slot < 3000; slot += 977)
        nx_monitor_down(f->t, &f->b, B, slot, 1, normal, normal.len, 9);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(STATS(f)->downs_received, 4);
    assert_int_equal(nx_monitors_stale(f->t), 4);
}

static void a_peer_cannot_end_another_peers_monitor(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    nx_monitor_down(f->t, &f->c, C, slot, nx_monitor_at(f->t, slot)->generation, normal, normal.len,
                    9);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitor_at(f->t, slot)->state, NX_MONITOR_ACTIVE);
    assert_int_equal(nx_monitors_stale(f->t), 1);
}

static void a_monitor_that_was_not_sent_cannot_be_ended_by_the_peer(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add(f);
    down(f, slot, normal);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitor_at(f->t, slot)->state, NX_MONITOR_UNSENT);
}

static void D11_the_others_end_in_creation_order(void **state)
{
    struct fixture *f = *state;
    uint32_t slot[5];
    for (int i = 0; i < 5; i++)
        slot[i] = established(f);
    demonitor(f, slot[2]);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    for (int i = 0; i < 5; i++)
        if (i != 2)
            expect(f, slot[i], NX_MONITOR_EV_DOWN);
    assert_int_equal(nx_events_peek(f->t), 0);
}

static void X01_X03_demonitor_counts_once_and_asks_for_one_message(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    uint32_t generation = nx_monitor_at(f->t, slot)->generation;
    nx_monitor_demonitor(f->t, &f->b, slot);
    nx_monitor_demonitor(f->t, &f->b, slot);
    assert_int_equal(STATS(f)->active, 0);
    assert_int_equal(STATS(f)->demonitored, 1);
    assert_int_equal(nx_monitor_next_leaving(&f->b), slot);
    down(f, slot, normal); /* it ended there at the same moment */
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitors_stale(f->t), 1);
    nx_monitor_left(f->t, &f->b);
    assert_int_equal(nx_monitor_next_leaving(&f->b), 0);
    assert_null(nx_monitor_find(f->t, slot, generation));
}

static void what_is_to_be_released_there_stands_in_order_and_goes_with_the_connection(void **state)
{
    struct fixture *f = *state;
    uint32_t slot[4];
    for (int i = 0; i < 4; i++)
        slot[i] = established(f);
    uint32_t late = add_at(f, &f->b, B, 50);
    send_all(f, &f->b);
    for (int i = 3; i > 0; i--)
        nx_monitor_demonitor(f->t, &f->b, slot[i]);
    nx_monitors_expire(f->t, &f->b, NOEX_ENOMEM, 64, 0); /* its event waits meanwhile */
    assert_int_equal(nx_monitor_next_leaving(&f->b), slot[3]);
    nx_monitor_left(f->t, &f->b);
    assert_int_equal(nx_monitor_next_leaving(&f->b), slot[2]);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    assert_int_equal(nx_monitor_next_leaving(&f->b), 0);
    expect(f, late, NX_MONITOR_EV_FAILED);
    expect(f, slot[0], NX_MONITOR_EV_DOWN);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(STATS(f)->noconnection, 1);
}

static void one_that_failed_and_is_to_be_released_there_is_kept_for_both(void **state)
{
    struct fixture *f = *state;
    for (int told_first = 0; told_first < 2; told_first++) {
        uint32_t slot = add_at(f, &f->b, B, 50);
        uint32_t generation = nx_monitor_at(f->t, slot)->generation;
        send_all(f, &f->b);
        nx_monitors_expire(f->t, &f->b, NOEX_ENOMEM, 64, 0);
        if (told_first)
            expect(f, slot, NX_MONITOR_EV_FAILED);
        else
            nx_monitor_left(f->t, &f->b);
        assert_non_null(nx_monitor_find(f->t, slot, generation));
        if (told_first)
            nx_monitor_left(f->t, &f->b);
        else
            expect(f, slot, NX_MONITOR_EV_FAILED);
        assert_null(nx_monitor_find(f->t, slot, generation));
    }
}

static void X05_demonitor_after_the_event_changes_no_counter(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    down(f, slot, normal);
    uint32_t item = nx_events_peek(f->t);
    nx_events_take(f->t, item); /* inside its own callback */
    nx_monitor_demonitor(f->t, &f->b, slot);
    assert_int_equal(nx_monitor_next_leaving(&f->b), 0);
    nx_events_done(f->t, item);
    assert_int_equal(STATS(f)->demonitored, 0);
}

static void X06_demonitor_takes_a_waiting_event_back(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f), other = established(f);
    down(f, slot, normal);
    down(f, other, normal);
    demonitor(f, slot);
    expect(f, other, NX_MONITOR_EV_DOWN);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(STATS(f)->downs_received, 2);
}

static void X14_demonitor_in_a_noconnection_handler_stops_the_others_event(void **state)
{
    struct fixture *f = *state;
    uint32_t a = established(f), b = established(f), c = established(f);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    uint32_t item = nx_events_peek(f->t);
    assert_int_equal(item, a | NX_EVENT_END);
    nx_events_take(f->t, item);
    demonitor(f, b); /* inside the callback of a */
    nx_events_done(f->t, item);
    expect(f, c, NX_MONITOR_EV_DOWN);
    assert_int_equal(nx_events_peek(f->t), 0);
}

static void X07_demonitor_of_a_pending_one_that_was_not_sent_needs_no_message(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add(f);
    nx_monitor_demonitor(f->t, &f->b, slot);
    assert_int_equal(nx_monitor_next_leaving(&f->b), 0);
    assert_int_equal(STATS(f)->pending, 0);
    assert_int_equal(nx_monitor_next_unsent(&f->b), 0);
}

static void X09_five_cycles_leave_nothing(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        demonitor(f, established(f));
    assert_int_equal(STATS(f)->established, 5);
    assert_int_equal(STATS(f)->demonitored, 5);
    assert_int_equal(STATS(f)->active, 0);
}

static void K05_K06_loss_ends_the_active_first_then_fails_the_pending(void **state)
{
    struct fixture *f = *state;
    uint32_t a = established(f), b = established(f);
    uint32_t sent = add(f);
    send_all(f, &f->b);
    uint32_t unsent = add(f);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    nx_events_push_foreign(f->t, NX_EVENT_FOREIGN | 5); /* the node_down */
    for (int i = 0; i < 2; i++) {
        uint32_t slot = i ? b : a;
        const struct nx_monitor *m = nx_monitor_at(f->t, slot);
        assert_true(m->lost);
        assert_int_equal(m->type, NOEX_REASON_NOCONNECTION);
        expect(f, slot, NX_MONITOR_EV_DOWN);
    }
    assert_int_equal(nx_monitor_at(f->t, sent)->end.failure.code, NOEX_ENOTREACHABLE);
    expect(f, sent, NX_MONITOR_EV_FAILED);
    expect(f, unsent, NX_MONITOR_EV_FAILED);
    assert_int_equal(nx_events_peek(f->t), NX_EVENT_FOREIGN | 5);
    nx_events_done(f->t, NX_EVENT_FOREIGN | 5);
    assert_int_equal(STATS(f)->noconnection, 2);
    assert_int_equal(STATS(f)->failed, 2);
    assert_int_equal(STATS(f)->pending + STATS(f)->active, 0);
}

static void K07_loss_of_one_peer_leaves_the_others_monitors(void **state)
{
    struct fixture *f = *state;
    uint32_t other = add_at(f, &f->c, C, 10000);
    established(f);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    assert_int_equal(nx_monitor_at(f->t, other)->state, NX_MONITOR_UNSENT);
    assert_int_equal(nx_monitor_next_unsent(&f->c), other);
}

static void K15_a_down_of_an_earlier_connection_finds_nobody(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    uint32_t generation = nx_monitor_at(f->t, slot)->generation;
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    expect(f, slot, NX_MONITOR_EV_DOWN);
    uint32_t reused = established(f);
    assert_int_equal(reused, slot); /* the slot, in another generation */
    nx_monitor_down(f->t, &f->b, B, slot, generation, normal, normal.len, 9);
    assert_int_equal(nx_monitor_at(f->t, reused)->state, NX_MONITOR_ACTIVE);
    assert_int_equal(nx_monitors_stale(f->t), 1);
}

static void the_sweep_takes_what_was_there_and_nothing_made_in_its_callbacks(void **state)
{
    struct fixture *f = *state;
    uint32_t a = established(f);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    uint32_t item = nx_events_peek(f->t);
    nx_events_take(f->t, item);
    uint32_t fresh = add(f); /* inside the callback of a */
    nx_events_done(f->t, item);
    assert_int_not_equal(fresh, a);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitor_next_unsent(&f->b), fresh);
}

static void an_undelivered_up_keeps_its_place_before_later_downs(void **state)
{
    struct fixture *f = *state;
    uint32_t a = established(f), b = established(f);
    uint32_t c = add(f);
    send_all(f, &f->b);
    barrier(f, &f->b); /* its UP waits */
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    expect(f, c, NX_MONITOR_EV_UP);
    expect(f, a, NX_MONITOR_EV_DOWN);
    expect(f, b, NX_MONITOR_EV_DOWN);
    expect(f, c, NX_MONITOR_EV_DOWN);
}

static void M13_M19_a_pending_one_times_out_once_and_is_released_there(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add_at(f, &f->b, B, 50);
    uint32_t later = add_at(f, &f->b, B, 5000);
    send_all(f, &f->b);
    assert_int_equal(expire(f, 49).count, 0);
    assert_true(f->b.deadline >= 50 && f->b.deadline <= 64);
    struct left e = expire(f, f->b.deadline);
    assert_int_equal(e.count, 1);
    assert_int_equal(e.slot[0], slot);
    assert_int_equal(expire(f, 100).count, 0);
    assert_true(f->b.deadline >= 5000 && f->b.deadline <= 5016);
    assert_int_equal(STATS(f)->timed_out, 1);
    assert_int_equal(STATS(f)->pending, 1);
    assert_int_equal(nx_monitor_at(f->t, slot)->end.failure.code, NOEX_ESETUPTIMEOUT);
    expect(f, slot, NX_MONITOR_EV_FAILED);
    assert_int_equal(nx_monitor_at(f->t, later)->state, NX_MONITOR_SENT);
}

static void one_that_did_not_go_out_in_time_fails_with_what_kept_it(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = add_at(f, &f->b, B, 50);
    assert_int_equal(expire(f, 64).count, 0); /* the peer holds nothing */
    assert_int_equal(nx_monitor_at(f->t, slot)->end.failure.code, NOEX_ENOMEM);
    expect(f, slot, NX_MONITOR_EV_FAILED);
    assert_true(STATS(f)->failed == 1 && STATS(f)->timed_out == 0);
}

static void many_time_out_in_one_walk_among_others_that_do_not(void **state)
{
    struct fixture *f = *state;
    uint32_t slot[8];
    for (int i = 0; i < 8; i++)
        slot[i] = add_at(f, &f->b, B, i % 2 ? 50 : 5000);
    send_all(f, &f->b);
    struct left e = expire(f, 64);
    assert_int_equal(e.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(e.slot[i], slot[2 * i + 1]);
    assert_int_equal(STATS(f)->pending, 4);
    assert_true(f->b.deadline >= 5000 && f->b.deadline <= 5016);
}

static void a_confirmed_one_never_times_out(void **state)
{
    struct fixture *f = *state;
    established(f);
    assert_int_equal(expire(f, 1000000).count, 0);
    assert_int_equal(f->b.deadline, UINT64_MAX);
    assert_int_equal(STATS(f)->timed_out, 0);
}

static void a_down_for_a_node_target_is_nobodys(void **state)
{
    struct fixture *f = *state;
    const struct noex_target target = {.kind = NOEX_TARGET_NODE};
    uint32_t slot;
    assert_int_equal(nx_monitor_add(f->t, &f->b, B, &target, 9999, NULL, &slot), 0);
    send_all(f, &f->b);
    barrier(f, &f->b);
    expect(f, slot, NX_MONITOR_EV_UP);
    down(f, slot, normal);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(nx_monitors_stale(f->t), 1);
}

static void a_resolved_pid_goes_to_the_end_of_what_is_to_be_sent(void **state)
{
    struct fixture *f = *state;
    const struct noex_pid pid = {70000, 1, 99};
    const struct noex_target target = {.kind = NOEX_TARGET_PID, .pid = {70000, 1, 0}};
    uint32_t a;
    assert_int_equal(nx_monitor_add(f->t, &f->b, B, &target, 10000, NULL, &a), 0);
    uint32_t b = add(f);
    nx_monitor_resolving(f->t, &f->b, a);
    assert_int_equal(nx_monitor_next_unsent(&f->b), b);
    send_all(f, &f->b);
    nx_monitors_barrier_sent(f->t, &f->b);
    nx_monitor_resolved(f->t, &f->b, a, &pid);
    assert_int_equal(nx_monitor_next_unsent(&f->b), a);
    nx_monitors_confirmed(f->t, &f->b, 1);
    expect(f, b, NX_MONITOR_EV_UP);
    assert_int_equal(nx_events_peek(f->t), 0);
    send_all(f, &f->b);
    barrier(f, &f->b);
    expect(f, a, NX_MONITOR_EV_UP);
}

static void a_pid_being_resolved_times_out_fails_and_can_be_absent(void **state)
{
    struct fixture *f = *state;
    const struct noex_target target = {.kind = NOEX_TARGET_PID, .pid = {70000, 0, 0}};
    uint32_t slot[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nx_monitor_add(f->t, &f->b, B, &target, i ? 9999 : 50, NULL, &slot[i]), 0);
        nx_monitor_resolving(f->t, &f->b, slot[i]);
    }
    assert_int_equal(expire(f, 64).count, 0); /* the peer holds nothing */
    nx_monitor_absent(f->t, &f->b, slot[1], noproc, 1);
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 2);
    expect(f, slot[0], NX_MONITOR_EV_FAILED);
    expect(f, slot[1], NX_MONITOR_EV_UP);
    assert_int_equal(nx_monitor_at(f->t, slot[1])->type, NOEX_REASON_NOPROC);
    expect(f, slot[1], NX_MONITOR_EV_DOWN);
    expect(f, slot[2], NX_MONITOR_EV_FAILED);
    assert_int_equal(STATS(f)->pending, 0);
}

static void without_memory_a_down_still_comes_with_its_type_and_its_length(void **state)
{
    struct fixture *f = *state;
    uint32_t slot = established(f);
    f->alloc.fail_at = f->alloc.calls + 1;
    f->alloc.fail_on = true;
    down(f, slot, normal);
    uint32_t item = nx_events_peek(f->t);
    assert_int_equal(nx_events_take(f->t, item), NX_MONITOR_EV_DOWN);
    const struct nx_monitor *m = nx_monitor_at(f->t, slot);
    assert_false(m->has_reason);
    assert_int_equal(m->type, NOEX_REASON_NORMAL);
    assert_int_equal(m->end.full_len, normal.len);
    nx_events_done(f->t, item);
    assert_int_equal(nx_monitors_reasons_cut(f->t), 1);
}

static void K26_loss_of_100000_without_memory_loses_and_doubles_nothing(void **state)
{
    enum { N = 100000, PENDING = 20000 };
    struct fixture *f = *state;
    static uint32_t slot[N + PENDING];
    for (int i = 0; i < N; i++)
        slot[i] = add(f);
    send_all(f, &f->b);
    barrier(f, &f->b);
    for (int i = 0; i < N; i++)
        expect(f, slot[i], NX_MONITOR_EV_UP);
    for (int i = N; i < N + PENDING; i++)
        slot[i] = add(f);
    f->alloc.fail_at = f->alloc.calls + 1;
    f->alloc.fail_on = true;
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 9);
    for (int i = 0; i < N; i++)
        expect(f, slot[i], NX_MONITOR_EV_DOWN);
    for (int i = N; i < N + PENDING; i++)
        expect(f, slot[i], NX_MONITOR_EV_FAILED);
    assert_int_equal(nx_events_peek(f->t), 0);
    assert_int_equal(f->alloc.failed, 0);
}

static void the_limit_and_the_lack_of_memory_are_errors_that_leave_nothing(void **state)
{
    (void)state;
    struct alloc_test a;
    const struct noex_target target = {.kind = NOEX_TARGET_NAME, .name = "w"};
    struct nx_monitor_list l;
    uint32_t slot;
    for (size_t k = 1; k < 20; k++) {
        alloc_test_init(&a);
        struct nx_monitors *t = nx_monitors_new(&a.a, 2, 100);
        nx_monitor_list_init(&l);
        a.fail_at = a.calls + k;
        int rc = nx_monitor_add(t, &l, B, &target, 1, NULL, &slot);
        assert_int_equal(rc, a.failed ? NOEX_ENOMEM : 0);
        assert_int_equal(nx_monitors_stats(t)->pending, rc ? 0 : 1);
        a.fail_at = 0;
        for (int n = rc ? 0 : 1; n < 2; n++)
            assert_int_equal(nx_monitor_add(t, &l, B, &target, 1, NULL, &slot), 0);
        assert_int_equal(nx_monitor_add(t, &l, B, &target, 1, NULL, &slot), NOEX_ELIMIT);
        nx_monitors_free(t);
        assert_int_equal(a.live, 0);
    }
}

/* Any mix of everything: each monitor ends exactly once, the gauges agree, the order of each is
 * kept. */
static void every_monitor_ends_exactly_once_whatever_happens(void **state)
{
    enum { N = 400, STEPS = 60000 };
    struct fixture *f = *state;
    static struct {
        uint32_t slot, generation;
        bool live, up, over;
    } book[N];
    uint32_t seed = 12345, made = 0, ended = 0, quiet = 0, failed = 0;
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1103515245 + 12345;
        uint32_t r = seed >> 16, i = r / 16 % N;
        struct nx_monitor *m =
            book[i].live ? nx_monitor_find(f->t, book[i].slot, book[i].generation) : NULL;
        switch (r % 12) {
        case 0:
        case 1:
        case 2:
        case 3:
            if (book[i].live)
                break;
            book[i].slot = add(f);
            book[i].generation = nx_monitor_at(f->t, book[i].slot)->generation;
            nx_monitor_at(f->t, book[i].slot)->user = &book[i];
            book[i].live = true;
            book[i].up = book[i].over = false;
            made++;
            break;
        case 4:
            if (nx_monitor_next_unsent(&f->b))
                nx_monitor_sent(f->t, &f->b, nx_monitor_next_unsent(&f->b));
            break;
        case 5:
            if (nx_monitors_want_barrier(f->t, &f->b))
                nx_monitors_barrier_sent(f->t, &f->b);
            break;
        case 6:
            nx_monitors_confirmed(f->t, &f->b, step);
            break;
        case 7:
            nx_monitor_down(f->t, &f->b, B, book[i].slot, book[i].generation, noproc, noproc.len,
                            step);
            break;
        case 8:
            if (!m)
                break;
            demonitor(f, book[i].slot);
            book[i].live = false;
            quiet++;
            break;
        case 9:
            if (r % 1000 < 20)
                nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, step);
            break;
        default: {
            uint32_t item = nx_events_peek(f->t);
            if (!item)
                break;
            m = nx_monitor_at(f->t, NX_EVENT_NUMBER(item));
            unsigned event = nx_events_take(f->t, item);
            size_t k = (size_t)((char *)m->user - (char *)book) / sizeof *book;
            assert_true(book[k].live && !book[k].over);
            assert_true(event != NX_MONITOR_EV_DOWN || book[k].up);
            assert_true(event != NX_MONITOR_EV_UP || !book[k].up);
            assert_true(event != NX_MONITOR_EV_FAILED || !book[k].up);
            book[k].up |= event == NX_MONITOR_EV_UP;
            nx_events_done(f->t, item);
            if (event != NX_MONITOR_EV_UP) {
                book[k].live = false;
                ended++;
                failed += event == NX_MONITOR_EV_FAILED;
            }
        }
        }
    }
    nx_monitors_lost(f->t, &f->b, NOEX_ENOTREACHABLE, 0);
    for (uint32_t item; (item = nx_events_peek(f->t)); nx_events_done(f->t, item))
        ended += nx_events_take(f->t, item) != NX_MONITOR_EV_UP;
    assert_int_equal(made, ended + quiet);
    assert_int_equal(STATS(f)->pending + STATS(f)->active, 0);
    assert_true(failed > 100 && quiet > 100 && made > 5000);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(M03_M04_pending_until_confirmed_then_active),
        ROW(one_barrier_confirms_what_was_sent_before_it_and_nothing_else),
        ROW(a_barrier_whose_monitors_are_gone_confirms_nothing_newer),
        ROW(D09_a_down_ends_it_once_and_for_all),
        ROW(N01_N05_a_noproc_before_the_barrier_is_up_then_down),
        ROW(D12_an_unknown_reference_is_counted_and_ignored),
        ROW(a_peer_cannot_end_another_peers_monitor),
        ROW(a_monitor_that_was_not_sent_cannot_be_ended_by_the_peer),
        ROW(D11_the_others_end_in_creation_order),
        ROW(X01_X03_demonitor_counts_once_and_asks_for_one_message),
        ROW(what_is_to_be_released_there_stands_in_order_and_goes_with_the_connection),
        ROW(one_that_failed_and_is_to_be_released_there_is_kept_for_both),
        ROW(X05_demonitor_after_the_event_changes_no_counter),
        ROW(X06_demonitor_takes_a_waiting_event_back),
        ROW(X14_demonitor_in_a_noconnection_handler_stops_the_others_event),
        ROW(X07_demonitor_of_a_pending_one_that_was_not_sent_needs_no_message),
        ROW(X09_five_cycles_leave_nothing),
        ROW(K05_K06_loss_ends_the_active_first_then_fails_the_pending),
        ROW(K07_loss_of_one_peer_leaves_the_others_monitors),
        ROW(K15_a_down_of_an_earlier_connection_finds_nobody),
        ROW(the_sweep_takes_what_was_there_and_nothing_made_in_its_callbacks),
        ROW(an_undelivered_up_keeps_its_place_before_later_downs),
        ROW(M13_M19_a_pending_one_times_out_once_and_is_released_there),
        ROW(one_that_did_not_go_out_in_time_fails_with_what_kept_it),
        ROW(many_time_out_in_one_walk_among_others_that_do_not),
        ROW(a_confirmed_one_never_times_out),
        ROW(a_down_for_a_node_target_is_nobodys),
        ROW(a_resolved_pid_goes_to_the_end_of_what_is_to_be_sent),
        ROW(a_pid_being_resolved_times_out_fails_and_can_be_absent),
        ROW(without_memory_a_down_still_comes_with_its_type_and_its_length),
        ROW(K26_loss_of_100000_without_memory_loses_and_doubles_nothing),
        ROW(every_monitor_ends_exactly_once_whatever_happens),
        cmocka_unit_test(the_limit_and_the_lack_of_memory_are_errors_that_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
