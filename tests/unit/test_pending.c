/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/pending.h"
#include <noex/error.h>

enum { MAX = 1000, BUDGET = 4096, PEER = 7, ENDED = NOEX_EWAIT, QUEUE = 4096 };

/* A table, a peer, a process that asks, and the owner's queue. */
struct bench {
    struct alloc_test a;
    struct nx_pendings *t;
    struct nx_pending_asked peer;
    struct nx_pending_list calls;
    struct {
        uint32_t slot;
        unsigned event;
    } queue[QUEUE];
    uint32_t from, to;
};

static void queue(void *ctx, uint32_t slot, unsigned event)
{
    struct bench *b = ctx;
    assert_true(b->to < QUEUE);
    b->queue[b->to].slot = slot;
    b->queue[b->to++].event = event;
}

static void start_with(struct bench *b, uint32_t max, size_t budget)
{
    *b = (struct bench){.to = 0};
    alloc_test_init(&b->a);
    b->t = nx_pendings_new(&b->a.a, max, budget, queue, b);
    assert_non_null(b->t);
}

static void start(struct bench *b)
{
    start_with(b, MAX, BUDGET);
}

static void finish(struct bench *b)
{
    nx_pendings_free(b->t);
    assert_int_equal(b->a.live, 0);
}

static const struct noex_target name = {.kind = NOEX_TARGET_NAME, .node = "a@b", .name = "server"};
static const struct noex_target pid = {.kind = NOEX_TARGET_PID, .pid = {11, 12, 13}, .node = "a@b"};
static const struct noex_pid caller = {21, 22, 23};
static const struct noex_pid spawned = {31, 32, 33};
static int user;

static struct nx_pending_request request(struct bench *b, enum nx_pending_kind kind)
{
    return (struct nx_pending_request){.kind = kind,
                                       .asked = &b->peer,
                                       .peer = PEER,
                                       .target = kind == NX_PENDING_CALL ? &name : NULL,
                                       .calls = &b->calls,
                                       .caller = caller,
                                       .deadline_ms = UINT64_MAX,
                                       .user = &user};
}

static uint32_t add(struct bench *b, const struct nx_pending_request *r)
{
    uint32_t slot = 0;
    assert_int_equal(nx_pending_add(b->t, r, &slot), 0);
    assert_int_not_equal(slot, 0);
    return slot;
}

static uint32_t add_kind(struct bench *b, enum nx_pending_kind kind)
{
    struct nx_pending_request r = request(b, kind);
    r.keeps = kind == NX_PENDING_SPAWN;
    uint32_t slot = add(b, &r);
    nx_pending_monitored(b->t, slot, kind == NX_PENDING_CALL);
    return slot;
}

/* The next event is this one; it is told. */
static const struct nx_pending *told(struct bench *b, uint32_t slot, unsigned event)
{
    assert_true(b->from < b->to);
    assert_int_equal(b->queue[b->from].slot, slot);
    assert_int_equal(b->queue[b->from].event, event);
    assert_true(nx_pending_take(b->t, slot, event));
    assert_false(nx_pending_take(b->t, slot, event));
    return nx_pending_at(b->t, slot);
}

static void done(struct bench *b)
{
    nx_pending_done(b->t, b->queue[b->from].slot, b->queue[b->from].event);
    b->from++;
}

static void nothing_more(struct bench *b)
{
    assert_int_equal(b->from, b->to);
    assert_int_equal(b->peer.waiting.first, 0);
    assert_int_equal(b->peer.waiting.last, 0);
    assert_int_equal(b->peer.leaving.first, 0);
    assert_int_equal(b->peer.leaving.last, 0);
    assert_int_equal(b->calls.first, 0);
    assert_int_equal(b->calls.last, 0);
    assert_int_equal(nx_pendings_stats(b->t)->waiting, 0);
    assert_int_equal(nx_pendings_stats(b->t)->leaving, 0);
    assert_int_equal(nx_pendings_stats(b->t)->kept, 0);
    assert_true(nx_pendings_deadline(b->t) == UINT64_MAX);
}

/* The peer is told about the one record that it still holds. */
static void leaves(struct bench *b, uint32_t slot)
{
    assert_int_equal(nx_pending_next_leaving(&b->peer), slot);
    nx_pending_left(b->t, slot);
    assert_int_equal(nx_pending_next_leaving(&b->peer), 0);
}

static void gone(struct bench *b, uint32_t slot, uint32_t generation)
{
    assert_null(nx_pending_find(b->t, slot, generation));
}

static struct nx_span term(const char *text)
{
    return nx_span_str(text);
}

static void holds(const struct nx_pending *r, const char *text)
{
    assert_non_null(r->bytes);
    assert_true(nx_span_is(nx_span(r->bytes->bytes, r->bytes->len), text));
}

static void a_call_keeps_what_is_needed_to_end_it(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    uint32_t one = add(&b, &q);
    q.target = &pid;
    q.calls = NULL;
    q.caller = (struct noex_pid){0, 0, 0};
    uint32_t two = add(&b, &q);
    const struct nx_pending *r = nx_pending_at(b.t, one);
    assert_true(r->waits && r->target_kind == NOEX_TARGET_NAME && r->target.name != name.name);
    assert_string_equal(r->target.name, "server");
    assert_memory_equal(&r->caller, &caller, sizeof caller);
    assert_true(r->peer == PEER && r->user == &user && r->asked == &b.peer);
    assert_ptr_equal(nx_pending_find(b.t, one, r->slot.generation), r);
    assert_true(nx_pending_id(r, one) == ((uint64_t)r->slot.generation << 32 | one));
    r = nx_pending_at(b.t, two);
    assert_int_equal(r->target_kind, NOEX_TARGET_PID);
    assert_memory_equal(&r->target.pid, &pid.pid, sizeof pid.pid);
    assert_int_equal(b.calls.first, one);
    assert_int_equal(b.calls.last, one);
    assert_int_equal(b.peer.waiting.first, one);
    assert_int_equal(nx_pending_next(b.t, one), two);
    assert_int_equal(nx_pending_next(b.t, two), 0);
    assert_int_equal(nx_pendings_stats(b.t)->waiting, 2);
    finish(&b);
}

static void a_reply_is_told_once_and_the_peer_is_told_that_it_need_not_watch(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    uint32_t generation = nx_pending_at(b.t, slot)->slot.generation;
    nx_pending_reply(b.t, slot, term("reply"), 99);
    assert_int_equal(nx_pendings_stats(b.t)->kept, 5);
    const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_END);
    assert_true(!r->waits && r->outcome == NX_PENDING_REPLY && r->when_us == 99);
    holds(r, "reply");
    assert_int_equal(r->full_len, 5);
    done(&b);
    /* Over, and still readable for the DEMONITOR_P. */
    r = nx_pending_find(b.t, slot, generation);
    assert_non_null(r);
    assert_null(r->bytes);
    assert_string_equal(r->target.name, "server");
    assert_int_equal(nx_pendings_stats(b.t)->leaving, 1);
    leaves(&b, slot);
    gone(&b, slot, generation);
    nothing_more(&b);
    assert_int_equal(nx_pendings_stats(b.t)->answered, 1);
    finish(&b);
}

static void the_peer_may_be_told_before_the_program(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    uint32_t generation = nx_pending_at(b.t, slot)->slot.generation;
    nx_pending_reply(b.t, slot, term("reply"), 1);
    leaves(&b, slot);
    holds(told(&b, slot, NX_PENDING_EV_END), "reply");
    done(&b);
    gone(&b, slot, generation);
    nothing_more(&b);
    finish(&b);
}

static void
a_call_whose_server_ends_has_failed_with_the_reason_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    nx_pending_monitored(b.t, slot, false); /* its own DOWN */
    nx_pending_down(b.t, slot, ENDED, term("\x77\x06killed"), 100, 5);
    const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_END);
    assert_true(r->outcome == NX_PENDING_FAILED && r->code == ENDED && !r->lost);
    assert_int_equal(r->reason, NOEX_REASON_KILLED);
    holds(r, "\x77\x06killed");
    assert_int_equal(r->full_len, 100);
    done(&b);
    nothing_more(&b);
    assert_int_equal(nx_pendings_stats(b.t)->failed, 1);
    assert_int_equal(nx_pendings_stats(b.t)->cut, 1);
    finish(&b);
}

static void deadlines_are_due_in_their_order_and_leave_with_what_ends_before(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    static const uint64_t deadlines[] = {500, 100, 300, UINT64_MAX, 200, 400};
    uint32_t slot[6];
    for (size_t i = 0; i < 6; i++) {
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        q.deadline_ms = deadlines[i];
        slot[i] = add(&b, &q);
    }
    assert_true(nx_pendings_deadline(b.t) == 100);
    assert_int_equal(nx_pendings_due(b.t, 99), 0);
    assert_int_equal(nx_pendings_due(b.t, 100), slot[1]);
    nx_pending_reply(b.t, slot[4], term("r"), 1); /* at 200 */
    nx_pending_cancel(b.t, slot[2]);              /* at 300 */
    static const size_t order[] = {1, 5, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(nx_pendings_due(b.t, 1000), slot[order[i]]);
        nx_pending_fail(b.t, slot[order[i]], NOEX_EWAIT, 2);
    }
    assert_int_equal(nx_pendings_due(b.t, UINT64_MAX), 0); /* the one without a deadline */
    assert_true(nx_pendings_deadline(b.t) == UINT64_MAX);
    told(&b, slot[4], NX_PENDING_EV_END);
    done(&b);
    for (size_t i = 0; i < 3; i++) {
        const struct nx_pending *r = told(&b, slot[order[i]], NX_PENDING_EV_END);
        assert_true(r->outcome == NX_PENDING_FAILED && r->code == NOEX_EWAIT && !r->bytes);
        done(&b);
    }
    nx_pending_cancel(b.t, slot[3]);
    nothing_more(&b);
    finish(&b);
}

static void a_spawn_without_a_monitor_is_over_when_the_process_is_there(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct nx_pending_request q = request(&b, NX_PENDING_SPAWN);
    q.deadline_ms = 100;
    uint32_t slot = add(&b, &q);
    uint32_t generation = nx_pending_at(b.t, slot)->slot.generation;
    nx_pending_spawned(b.t, slot, &spawned, 3);
    const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_SPAWNED);
    assert_true(!r->waits && r->target_kind == NOEX_TARGET_PID);
    assert_memory_equal(&r->target.pid, &spawned, sizeof spawned);
    done(&b);
    gone(&b, slot, generation);
    nothing_more(&b);
    finish(&b);
}

static void a_spawn_with_a_monitor_is_told_of_twice_and_has_no_deadline_between(void **state)
{
    (void)state;
    for (int pulled_late = 0; pulled_late <= 1; pulled_late++) {
        struct bench b;
        start(&b);
        struct nx_pending_request q = request(&b, NX_PENDING_SPAWN);
        q.keeps = true;
        q.deadline_ms = 100;
        uint32_t slot = add(&b, &q);
        nx_pending_spawned(b.t, slot, &spawned, 3);
        nx_pending_monitored(b.t, slot, true);
        assert_int_equal(nx_pendings_due(b.t, 1000), 0);
        if (!pulled_late) {
            told(&b, slot, NX_PENDING_EV_SPAWNED);
            done(&b);
            assert_int_equal(b.from, b.to);
        }
        nx_pending_monitored(b.t, slot, false);
        nx_pending_down(b.t, slot, ENDED, term("\x77\x06normal"), 8, 4);
        if (pulled_late) {
            told(&b, slot, NX_PENDING_EV_SPAWNED);
            done(&b);
        }
        const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_END);
        assert_true(r->outcome == NX_PENDING_DOWN && r->code == 0 && !r->lost);
        assert_int_equal(r->reason, NOEX_REASON_NORMAL);
        assert_memory_equal(&r->target.pid, &spawned, sizeof spawned);
        holds(r, "\x77\x06normal");
        done(&b);
        nothing_more(&b);
        finish(&b);
    }
}

static void a_spawn_that_is_refused_has_failed(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_down(b.t, slot, ENDED, term("\x77\x06notsup"), 8, 4);
    const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_END);
    assert_true(r->outcome == NX_PENDING_FAILED && r->code == ENDED);
    holds(r, "\x77\x06notsup");
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void a_remote_call_has_its_process_untold_and_its_deadline_goes_on(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct nx_pending_request q = request(&b, NX_PENDING_RPC);
    q.deadline_ms = 100;
    uint32_t slot = add(&b, &q);
    nx_pending_spawned(b.t, slot, &spawned, 3);
    nx_pending_monitored(b.t, slot, true);
    assert_int_equal(b.to, 0);
    assert_int_equal(nx_pendings_due(b.t, 100), slot);
    nx_pending_fail(b.t, slot, NOEX_EWAIT, 4);
    told(&b, slot, NX_PENDING_EV_END);
    done(&b);
    assert_memory_equal(&nx_pending_at(b.t, slot)->target.pid, &spawned, sizeof spawned);
    leaves(&b, slot); /* demonitored by its pid */
    nothing_more(&b);
    finish(&b);
}

static void on_a_loss_all_end_in_the_order_of_their_making(void **state)
{
    (void)state;
    struct bench b;
    struct nx_pending_asked other = {{0, 0}, {0, 0}};
    start(&b);
    uint32_t call = add_kind(&b, NX_PENDING_CALL);
    uint32_t replied = add_kind(&b, NX_PENDING_CALL);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    uint32_t asked = add_kind(&b, NX_PENDING_SPAWN);
    uint32_t rpc = add_kind(&b, NX_PENDING_RPC);
    uint32_t running_rpc = add_kind(&b, NX_PENDING_RPC);
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    q.asked = &other;
    uint32_t elsewhere = add(&b, &q);
    nx_pending_spawned(b.t, running, &spawned, 1);
    nx_pending_monitored(b.t, running, true);
    nx_pending_spawned(b.t, running_rpc, &spawned, 1);
    nx_pending_monitored(b.t, running_rpc, true);
    nx_pending_reply(b.t, replied, term("r"), 2);
    b.a.fail_at = b.a.calls + 1; /* needs no memory */
    b.a.fail_on = true;
    nx_pendings_lost(b.t, &b.peer, NOEX_ENOTREACHABLE, 42, 9);
    told(&b, running, NX_PENDING_EV_SPAWNED);
    done(&b);
    assert_int_equal(told(&b, replied, NX_PENDING_EV_END)->outcome, NX_PENDING_REPLY);
    done(&b);
    const uint32_t order[] = {call, running, asked, rpc, running_rpc};
    for (size_t i = 0; i < 5; i++) {
        const struct nx_pending *r = told(&b, order[i], NX_PENDING_EV_END);
        assert_true(r->lost && r->cause == 42 && r->when_us == 9 && !r->bytes);
        if (order[i] == running) {
            assert_int_equal(r->outcome, NX_PENDING_DOWN);
            assert_int_equal(r->reason, NOEX_REASON_NOCONNECTION);
        } else {
            assert_int_equal(r->outcome, NX_PENDING_FAILED);
            assert_int_equal(r->code, NOEX_ENOTREACHABLE);
        }
        done(&b);
    }
    assert_true(nx_pending_at(b.t, elsewhere)->waits);
    nx_pending_cancel(b.t, elsewhere);
    nothing_more(&b);
    finish(&b);
}

static void what_is_cancelled_is_never_told(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t waits = add_kind(&b, NX_PENDING_CALL);
    nx_pending_cancel(b.t, waits);
    leaves(&b, waits);
    uint32_t replied = add_kind(&b, NX_PENDING_CALL);
    nx_pending_reply(b.t, replied, term("reply"), 1);
    nx_pending_cancel(b.t, replied);
    assert_int_equal(nx_pendings_stats(b.t)->kept, 0);
    nx_pending_cancel(b.t, replied); /* once more */
    leaves(&b, replied);
    assert_false(nx_pending_take(b.t, replied, NX_PENDING_EV_END));
    done(&b);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_spawned(b.t, running, &spawned, 1);
    nx_pending_monitored(b.t, running, true);
    nx_pending_cancel(b.t, running); /* before SPAWNED is told */
    leaves(&b, running);
    assert_false(nx_pending_take(b.t, running, NX_PENDING_EV_SPAWNED));
    done(&b);
    nothing_more(&b);
    assert_int_equal(nx_pendings_stats(b.t)->cancelled, 3);
    finish(&b);
}

/* Inside the callback that is told: what it looks at stays until it returns. */
static void what_is_being_told_can_be_cancelled(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    nx_pending_reply(b.t, slot, term("reply"), 1);
    leaves(&b, slot);
    const struct nx_pending *r = told(&b, slot, NX_PENDING_EV_END);
    nx_pending_cancel(b.t, slot);
    holds(r, "reply");
    done(&b);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_spawned(b.t, running, &spawned, 1);
    nx_pending_monitored(b.t, running, true);
    r = told(&b, running, NX_PENDING_EV_SPAWNED);
    nx_pending_cancel(b.t, running);
    leaves(&b, running);
    assert_memory_equal(&r->target.pid, &spawned, sizeof spawned);
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void the_end_of_the_caller_cancels_what_it_asked_for(void **state)
{
    (void)state;
    struct bench b;
    struct nx_pending_list other = {0, 0};
    start(&b);
    uint32_t slot[4];
    for (size_t i = 0; i < 4; i++) {
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        if (i == 2)
            q.calls = &other;
        slot[i] = add(&b, &q);
    }
    nx_pending_reply(b.t, slot[1], term("r"), 1);
    nx_pendings_caller_ended(b.t, &b.calls);
    assert_int_equal(b.calls.first, 0);
    assert_int_equal(b.peer.waiting.first, slot[2]);
    assert_int_equal(b.peer.waiting.last, slot[2]);
    told(&b, slot[1], NX_PENDING_EV_END); /* that was answered before */
    done(&b);
    nx_pendings_caller_ended(b.t, &other);
    nothing_more(&b);
    finish(&b);
}

static void the_end_of_a_process_here_fails_the_calls_that_wait_for_it(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    uint32_t one = add(&b, &q), two = add(&b, &q);
    nx_pendings_asked_ended(b.t, &b.peer, ENDED, term("\x77\x08shutdown"), 6);
    for (int i = 0; i < 2; i++) {
        const struct nx_pending *r = told(&b, i ? two : one, NX_PENDING_EV_END);
        assert_true(r->outcome == NX_PENDING_FAILED && r->code == ENDED);
        assert_int_equal(r->reason, NOEX_REASON_SHUTDOWN);
        holds(r, "\x77\x08shutdown");
        done(&b);
    }
    nothing_more(&b);
    finish(&b);
}

static void a_request_that_cannot_go_out_yet_is_kept(void **state)
{
    (void)state;
    struct bench b;
    start_with(&b, MAX, 10);
    uint32_t slot = add_kind(&b, NX_PENDING_SPAWN), other = add_kind(&b, NX_PENDING_RPC);
    assert_int_equal(nx_pending_keep(b.t, slot, term("1234567")), 0);
    holds(nx_pending_at(b.t, slot), "1234567");
    assert_int_equal(nx_pending_keep(b.t, other, term("1234")), NOEX_ELIMIT);
    b.a.fail_at = b.a.calls + 1;
    assert_int_equal(nx_pending_keep(b.t, other, term("123")), NOEX_ENOMEM);
    assert_null(nx_pending_at(b.t, other)->bytes);
    nx_pending_drop_kept(b.t, slot);
    assert_null(nx_pending_at(b.t, slot)->bytes);
    assert_int_equal(nx_pending_keep(b.t, other, term("1234567890")), 0);
    nx_pending_fail(b.t, other, NOEX_EWAIT, 1); /* its time is over before it went */
    assert_int_equal(nx_pendings_stats(b.t)->kept, 0);
    assert_int_equal(nx_pending_keep(b.t, slot, term("1234567890")), 0);
    nx_pending_cancel(b.t, slot);
    told(&b, other, NX_PENDING_EV_END);
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void a_reply_without_memory_or_budget_is_a_failure_and_a_reason_is_missing(void **state)
{
    (void)state;
    struct bench b;
    start_with(&b, MAX, 4);
    uint32_t big = add_kind(&b, NX_PENDING_CALL), none = add_kind(&b, NX_PENDING_CALL);
    uint32_t ended = add_kind(&b, NX_PENDING_CALL), fits = add_kind(&b, NX_PENDING_CALL);
    nx_pending_reply(b.t, big, term("12345"), 1);
    b.a.fail_at = b.a.calls + 1;
    nx_pending_reply(b.t, none, term("1234"), 1);
    nx_pending_down(b.t, ended, ENDED, term("\x77\x06killed"), 8, 1);
    nx_pending_reply(b.t, fits, term("1234"), 1);
    const struct nx_pending *r = told(&b, big, NX_PENDING_EV_END);
    assert_true(r->outcome == NX_PENDING_FAILED && r->code == NOEX_ELIMIT && !r->bytes);
    assert_int_equal(r->full_len, 0);
    done(&b);
    r = told(&b, none, NX_PENDING_EV_END);
    assert_true(r->outcome == NX_PENDING_FAILED && r->code == NOEX_ENOMEM && !r->bytes);
    done(&b);
    r = told(&b, ended, NX_PENDING_EV_END);
    assert_true(r->outcome == NX_PENDING_FAILED && r->code == ENDED && !r->bytes);
    assert_true(r->reason == NOEX_REASON_KILLED && r->full_len == 8);
    done(&b);
    holds(told(&b, fits, NX_PENDING_EV_END), "1234");
    done(&b);
    assert_int_equal(nx_pendings_stats(b.t)->cut, 3);
    while (b.peer.leaving.first)
        nx_pending_left(b.t, b.peer.leaving.first);
    nothing_more(&b);
    finish(&b);
}

static void whoever_takes_an_event_before_its_turn_reads_it_until_it_lets_go(void **state)
{
    (void)state;
    for (int turn_comes_first = 0; turn_comes_first <= 1; turn_comes_first++) {
        struct bench b;
        start(&b);
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        uint32_t slot = add(&b, &q);
        const struct nx_pending *r = nx_pending_at(b.t, slot);
        uint32_t generation = r->slot.generation;
        nx_pending_reply(b.t, slot, term("reply"), 1);
        assert_true(nx_pending_take(b.t, slot, NX_PENDING_EV_END));
        nx_pending_look(b.t, slot);
        nx_pending_cancel(b.t, slot); /* changes nothing: it has been told */
        holds(r, "reply");
        if (turn_comes_first) {
            assert_false(nx_pending_take(b.t, slot, NX_PENDING_EV_END));
            done(&b);
            holds(r, "reply");
        }
        nx_pending_let_go(b.t, slot);
        if (!turn_comes_first) {
            assert_non_null(nx_pending_find(b.t, slot, generation));
            assert_false(nx_pending_take(b.t, slot, NX_PENDING_EV_END));
            done(&b);
        }
        gone(&b, slot, generation);
        nothing_more(&b);
        finish(&b);
    }
}

static void no_more_than_the_limit_are_under_way_and_the_leaving_ones_do_not_count(void **state)
{
    (void)state;
    struct bench b;
    start_with(&b, 2, BUDGET);
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    uint32_t one = add_kind(&b, NX_PENDING_CALL), unused;
    add_kind(&b, NX_PENDING_CALL);
    assert_int_equal(nx_pending_add(b.t, &q, &unused), NOEX_ELIMIT);
    nx_pending_cancel(b.t, one);
    assert_int_equal(nx_pendings_stats(b.t)->leaving, 1);
    uint32_t three = add_kind(&b, NX_PENDING_CALL);
    assert_int_equal(nx_pending_add(b.t, &q, &unused), NOEX_ELIMIT);
    nx_pending_reply(b.t, three, term("r"), 1);
    nx_pending_left(b.t, three);
    assert_int_equal(nx_pending_add(b.t, &q, &unused), NOEX_ELIMIT); /* its event waits */
    told(&b, three, NX_PENDING_EV_END);
    done(&b);
    assert_int_equal(nx_pending_add(b.t, &q, &unused), 0);
    finish(&b);
}

static void any_numbers_may_be_asked_for_and_a_slot_that_is_used_again_has_another_id(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    gone(&b, 0, 0);
    gone(&b, 1, 1);
    uint32_t slot = add_kind(&b, NX_PENDING_RPC);
    uint64_t id = nx_pending_id(nx_pending_at(b.t, slot), slot);
    gone(&b, slot, 2);
    gone(&b, slot + 1, 1);
    gone(&b, UINT32_MAX, 1);
    nx_pending_cancel(b.t, slot);
    gone(&b, slot, 1);
    assert_int_equal(add_kind(&b, NX_PENDING_RPC), slot);
    gone(&b, slot, 1);
    assert_true(nx_pending_id(nx_pending_at(b.t, slot), slot) != id);
    finish(&b);
}

static void without_memory_nothing_is_added_and_nothing_lost(void **state)
{
    (void)state;
    struct bench b;
    struct alloc_test a;
    uint32_t slot;
    alloc_test_init(&a);
    a.fail_at = 1;
    assert_null(nx_pendings_new(&a.a, MAX, BUDGET, queue, NULL));
    assert_int_equal(a.live, 0);
    for (size_t k = 1; k <= 4; k++) { /* the slab's two, the name, the deadlines */
        start(&b);
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        q.deadline_ms = 5;
        b.a.fail_at = b.a.calls + k;
        assert_int_equal(nx_pending_add(b.t, &q, &slot), NOEX_ENOMEM);
        assert_int_equal(b.a.failed, 1);
        nothing_more(&b);
        assert_int_equal(nx_pending_add(b.t, &q, &slot), 0);
        assert_int_equal(nx_pendings_due(b.t, 5), slot);
        finish(&b);
    }
}

/* Random lives: each record is told of as its life says, never twice, and all is given back. */
struct life {
    uint32_t slot;
    uint32_t generation;
    bool waits, spawn, running;
    unsigned owed; /* events that must come */
};

enum { LIVES = 64 };

static struct life *life_of(struct life *lives, uint32_t slot, unsigned event)
{
    for (int i = 0; i < LIVES; i++)
        if (lives[i].slot == slot && lives[i].owed & event)
            return &lives[i];
    return NULL;
}

static void tell_one(struct bench *b, struct life *lives)
{
    uint32_t slot = b->queue[b->from].slot;
    unsigned event = b->queue[b->from].event;
    struct life *l = life_of(lives, slot, event);
    if (nx_pending_take(b->t, slot, event)) {
        assert_non_null(l);
        assert_int_equal(nx_pending_at(b->t, slot)->slot.generation, l->generation);
        l->owed &= ~event;
    }
    done(b);
}

static void happen(struct bench *b, struct life *l, uint32_t what)
{
    if (!l->waits) {
        if (l->owed && what != 7)
            return;
        if (what == 7 && nx_pending_find(b->t, l->slot, l->generation)) {
            nx_pending_cancel(b->t, l->slot);
            l->owed = 0;
            return;
        }
        l->spawn = what & 1;
        l->running = false;
        l->slot = add_kind(b, l->spawn ? NX_PENDING_SPAWN : NX_PENDING_CALL);
        l->generation = nx_pending_at(b->t, l->slot)->slot.generation;
        l->waits = true;
        return;
    }
    if (l->spawn && !l->running && what < 3) {
        nx_pending_spawned(b->t, l->slot, &spawned, 1);
        nx_pending_monitored(b->t, l->slot, true);
        l->running = true;
        l->owed |= NX_PENDING_EV_SPAWNED;
        return;
    }
    l->waits = false;
    if (what == 7) {
        nx_pending_cancel(b->t, l->slot);
        l->owed = 0;
        return;
    }
    l->owed |= NX_PENDING_EV_END;
    if (!l->spawn && what < 5) {
        nx_pending_reply(b->t, l->slot, term("r"), 1);
    } else {
        nx_pending_monitored(b->t, l->slot, false);
        nx_pending_down(b->t, l->slot, ENDED, term("\x6a"), 1, 1);
    }
}

static void each_life_of_many_is_told_of_once_whatever_happens(void **state)
{
    (void)state;
    struct bench b;
    struct life lives[LIVES] = {{0}};
    uint32_t seed = 7;
    start(&b);
    for (int turn = 0; turn < 100000; turn++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t r = seed >> 8;
        if (r % 3 == 0 && b.from < b.to)
            tell_one(&b, lives);
        else if (r % 7 == 0 && b.peer.leaving.first)
            nx_pending_left(b.t, b.peer.leaving.first);
        else
            happen(&b, &lives[r / 64 % LIVES], r / 8 % 8);
        if (b.from == b.to)
            b.from = b.to = 0;
        if (turn % 5000 == 4999) { /* the connection is lost, or the caller ends */
            bool lost = turn / 5000 % 2;
            for (int i = 0; i < LIVES; i++) {
                if (lives[i].waits)
                    lives[i].owed = lost ? lives[i].owed | NX_PENDING_EV_END : 0;
                lives[i].waits = false;
            }
            if (lost)
                nx_pendings_lost(b.t, &b.peer, NOEX_ENOTREACHABLE, 1, 1);
            else
                nx_pendings_caller_ended(b.t, &b.calls);
            while (b.from < b.to)
                tell_one(&b, lives);
            while (b.peer.leaving.first)
                nx_pending_left(b.t, b.peer.leaving.first);
            for (int i = 0; i < LIVES; i++)
                assert_int_equal(lives[i].owed, 0);
            nothing_more(&b);
        }
    }
    finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_keeps_what_is_needed_to_end_it),
        cmocka_unit_test(a_reply_is_told_once_and_the_peer_is_told_that_it_need_not_watch),
        cmocka_unit_test(the_peer_may_be_told_before_the_program),
        cmocka_unit_test(
            a_call_whose_server_ends_has_failed_with_the_reason_and_leaves_nothing_behind),
        cmocka_unit_test(deadlines_are_due_in_their_order_and_leave_with_what_ends_before),
        cmocka_unit_test(a_spawn_without_a_monitor_is_over_when_the_process_is_there),
        cmocka_unit_test(a_spawn_with_a_monitor_is_told_of_twice_and_has_no_deadline_between),
        cmocka_unit_test(a_spawn_that_is_refused_has_failed),
        cmocka_unit_test(a_remote_call_has_its_process_untold_and_its_deadline_goes_on),
        cmocka_unit_test(on_a_loss_all_end_in_the_order_of_their_making),
        cmocka_unit_test(what_is_cancelled_is_never_told),
        cmocka_unit_test(what_is_being_told_can_be_cancelled),
        cmocka_unit_test(the_end_of_the_caller_cancels_what_it_asked_for),
        cmocka_unit_test(the_end_of_a_process_here_fails_the_calls_that_wait_for_it),
        cmocka_unit_test(a_request_that_cannot_go_out_yet_is_kept),
        cmocka_unit_test(a_reply_without_memory_or_budget_is_a_failure_and_a_reason_is_missing),
        cmocka_unit_test(whoever_takes_an_event_before_its_turn_reads_it_until_it_lets_go),
        cmocka_unit_test(no_more_than_the_limit_are_under_way_and_the_leaving_ones_do_not_count),
        cmocka_unit_test(any_numbers_may_be_asked_for_and_a_slot_that_is_used_again_has_another_id),
        cmocka_unit_test(without_memory_nothing_is_added_and_nothing_lost),
        cmocka_unit_test(each_life_of_many_is_told_of_once_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
