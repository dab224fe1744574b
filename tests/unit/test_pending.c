/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "process/pending.h"
#include <noex/error.h>

enum { MAIL_MAX = 1 << 16, PEER = 7, ENDED = NOEX_EWAIT, QUEUE = 4096 };

/* A table, a peer, a process that asks, and the queue of letters. */
struct bench {
    struct alloc_test a;
    struct nx_letters letters;
    struct nx_pendings *t;
    struct nx_pending_asked peer;
    struct nx_ring calls;
    struct nx_letter *queue[QUEUE];
    uint32_t from, to;
};

static void queue(void *ctx, struct nx_letter *l)
{
    struct bench *b = ctx;
    assert_true(b->to < QUEUE && !l->queued);
    l->queued = true;
    b->queue[b->to++] = l;
}

static void start_with(struct bench *b, size_t mail_max)
{
    *b = (struct bench){.to = 0};
    alloc_test_init(&b->a);
    nx_letters_init(&b->letters, &b->a.a, mail_max);
    b->t = nx_pendings_new(&b->a.a, &b->letters, queue, b);
    assert_non_null(b->t);
}

static void start(struct bench *b)
{
    start_with(b, MAIL_MAX);
}

static void finish(struct bench *b)
{
    nx_pendings_free(b->t);
    nx_letters_free(&b->letters);
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
                                       .keeps = kind == NX_PENDING_SPAWN,
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
    uint32_t slot = add(b, &r);
    nx_pending_monitored(b->t, slot, kind == NX_PENDING_CALL);
    return slot;
}

/* The next letter is this one of the record; it is being told. */
static const struct nx_letter_text *told(struct bench *b, uint64_t id, enum noex_event_type type)
{
    assert_true(b->from < b->to);
    struct nx_letter *l = b->queue[b->from];
    assert_int_equal(l->text.type, type);
    assert_true(l->text.call == id && l->text.call_user == &user && l->text.peer == PEER);
    assert_int_equal(l->proc, caller.id);
    assert_int_equal(l->serial, caller.serial);
    nx_pending_told(b->t, l);
    return &l->text;
}

/* The letter at the head leaves the queue. */
static void done(struct bench *b)
{
    struct nx_letter *l = b->queue[b->from++];
    l->queued = false;
    nx_letter_drop(&b->letters, l);
}

/* The letter at the head was taken back. */
static void empty(struct bench *b)
{
    assert_true(b->from < b->to);
    assert_int_equal(b->queue[b->from]->text.type, 0);
    assert_null(b->queue[b->from]->text.bytes);
    done(b);
}

static void nothing_more(struct bench *b)
{
    assert_int_equal(b->from, b->to);
    assert_int_equal(b->peer.waiting.count, 0);
    assert_int_equal(b->peer.leaving.count, 0);
    assert_int_equal(b->peer.kept, 0);
    assert_int_equal(b->calls.count, 0);
    assert_int_equal(b->letters.slab.used, 0);
    assert_int_equal(b->letters.bytes, 0);
    assert_true(nx_pendings_deadline(b->t) == UINT64_MAX);
}

/* The peer is told about the one record that it still holds. */
static void leaves(struct bench *b, uint32_t slot)
{
    assert_int_equal(nx_pending_next_leaving(&b->peer), slot);
    nx_pending_left(b->t, slot);
    assert_int_equal(nx_pending_next_leaving(&b->peer), 0);
}

static uint64_t id_of(const struct bench *b, uint32_t slot)
{
    return nx_pending_id(nx_pending_at(b->t, slot), slot);
}

static struct nx_pending *find(const struct bench *b, uint64_t id)
{
    return nx_pending_find(b->t, (uint32_t)id, (uint32_t)(id >> 32));
}

static struct nx_span term(const char *text)
{
    return nx_span_str(text);
}

static void holds(const struct nx_letter_text *t, const char *text)
{
    assert_true(nx_span_is(nx_span(t->bytes, t->len), text));
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
    assert_true(id_of(&b, one) == ((uint64_t)r->slot.generation << 32 | one));
    r = nx_pending_at(b.t, two);
    assert_int_equal(r->target_kind, NOEX_TARGET_PID);
    assert_memory_equal(&r->target.pid, &pid.pid, sizeof pid.pid);
    assert_int_equal(b.calls.count, 1);
    assert_int_equal(b.peer.waiting.count, 2);
    assert_null(nx_pending_letter(b.t, one));
    finish(&b);
}

static void a_reply_is_told_once_and_the_peer_is_told_that_it_need_not_watch(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    uint64_t id = id_of(&b, slot);
    nx_pending_reply(b.t, slot, term("reply"));
    assert_ptr_equal(nx_pending_letter(b.t, slot), b.queue[0]);
    const struct nx_letter_text *t = told(&b, id, NOEX_EVENT_REPLY);
    assert_null(nx_pending_letter(b.t, slot));
    holds(t, "reply");
    assert_true(t->full_len == 5 && !t->has_from);
    done(&b);
    /* Over, and still readable for the DEMONITOR_P. */
    assert_non_null(find(&b, id));
    assert_false(find(&b, id)->waits);
    assert_string_equal(find(&b, id)->target.name, "server");
    leaves(&b, slot);
    assert_null(find(&b, id));
    nothing_more(&b);
    finish(&b);
}

static void the_peer_may_be_told_before_the_program(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    uint64_t id = id_of(&b, slot);
    nx_pending_reply(b.t, slot, term("reply"));
    leaves(&b, slot);
    assert_non_null(find(&b, id));
    holds(told(&b, id, NOEX_EVENT_REPLY), "reply");
    assert_null(find(&b, id));
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void a_call_of_the_node_itself_is_told_to_the_node(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    q.calls = NULL;
    q.caller = (struct noex_pid){0, 0, 0};
    nx_pending_reply(b.t, add(&b, &q), term("reply"));
    assert_int_equal(b.queue[0]->proc, 0);
    assert_int_equal(b.queue[0]->serial, 0);
    nx_pending_told(b.t, b.queue[0]);
    done(&b);
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
    uint64_t id = id_of(&b, slot);
    nx_pending_monitored(b.t, slot, false); /* its own DOWN */
    nx_pending_down(b.t, slot, ENDED, term("\x77\x06killed"), 100);
    const struct nx_letter_text *t = told(&b, id, NOEX_EVENT_CALL_FAILED);
    assert_int_equal(t->error, ENDED);
    assert_int_equal(t->reason, NOEX_REASON_KILLED);
    assert_int_equal(t->origin, NOEX_ORIGIN_PEER);
    holds(t, "\x77\x06killed");
    assert_int_equal(t->full_len, 100);
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void deadlines_are_due_in_their_order_and_leave_with_what_ends_before(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    static const uint64_t deadlines[] = {500, 100, 300, UINT64_MAX, 200, 400};
    uint32_t slot[6];
    uint64_t id[6];
    for (size_t i = 0; i < 6; i++) {
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        q.deadline_ms = deadlines[i];
        slot[i] = add(&b, &q);
        id[i] = id_of(&b, slot[i]);
    }
    assert_true(nx_pendings_deadline(b.t) == 100);
    assert_int_equal(nx_pendings_due(b.t, 99), 0);
    assert_int_equal(nx_pendings_due(b.t, 100), slot[1]);
    nx_pending_reply(b.t, slot[4], term("r")); /* at 200 */
    nx_pending_cancel(b.t, slot[2]);           /* at 300 */
    static const size_t order[] = {1, 5, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(nx_pendings_due(b.t, 1000), slot[order[i]]);
        nx_pending_fail(b.t, slot[order[i]], NOEX_EWAIT);
    }
    assert_int_equal(nx_pendings_due(b.t, UINT64_MAX), 0); /* the one without a deadline */
    assert_true(nx_pendings_deadline(b.t) == UINT64_MAX);
    told(&b, id[4], NOEX_EVENT_REPLY);
    done(&b);
    for (size_t i = 0; i < 3; i++) {
        const struct nx_letter_text *t = told(&b, id[order[i]], NOEX_EVENT_CALL_FAILED);
        assert_true(t->error == NOEX_EWAIT && !t->bytes);
        done(&b);
    }
    nx_pending_cancel(b.t, slot[3]);
    nothing_more(&b);
    finish(&b);
}

static void is_from_spawned(const struct nx_letter_text *t)
{
    assert_true(t->has_from);
    assert_memory_equal(&t->from, &spawned, sizeof spawned);
}

static void a_spawn_without_a_monitor_is_over_when_the_process_is_there(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    for (int keeps = 0; keeps <= 1; keeps++) { /* a monitor that was asked for and not set up */
        struct nx_pending_request q = request(&b, NX_PENDING_SPAWN);
        q.keeps = keeps;
        q.deadline_ms = 100;
        uint32_t slot = add(&b, &q);
        uint64_t id = id_of(&b, slot);
        nx_pending_spawned(b.t, slot, &spawned, false);
        assert_false(find(&b, id)->waits);
        is_from_spawned(told(&b, id, NOEX_EVENT_SPAWNED));
        done(&b);
        assert_null(find(&b, id));
        nothing_more(&b);
    }
    finish(&b);
}

static void a_spawn_with_a_monitor_is_told_of_twice_and_has_no_deadline_between(void **state)
{
    (void)state;
    for (int pulled_late = 0; pulled_late <= 1; pulled_late++) {
        struct bench b;
        start(&b);
        struct nx_pending_request q = request(&b, NX_PENDING_SPAWN);
        q.deadline_ms = 100;
        uint32_t slot = add(&b, &q);
        uint64_t id = id_of(&b, slot);
        nx_pending_spawned(b.t, slot, &spawned, true);
        assert_int_equal(nx_pendings_due(b.t, 1000), 0);
        if (!pulled_late) {
            is_from_spawned(told(&b, id, NOEX_EVENT_SPAWNED));
            done(&b);
            assert_int_equal(b.from, b.to);
        }
        nx_pending_monitored(b.t, slot, false);
        nx_pending_down(b.t, slot, ENDED, term("\x77\x06normal"), 8);
        if (pulled_late) {
            assert_ptr_equal(nx_pending_letter(b.t, slot), b.queue[0]); /* the older first */
            is_from_spawned(told(&b, id, NOEX_EVENT_SPAWNED));
            done(&b);
        }
        assert_ptr_equal(nx_pending_letter(b.t, slot), b.queue[1]);
        const struct nx_letter_text *t = told(&b, id, NOEX_EVENT_SPAWN_DOWN);
        assert_true(t->error == 0 && t->reason == NOEX_REASON_NORMAL);
        is_from_spawned(t);
        holds(t, "\x77\x06normal");
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
    uint64_t id = id_of(&b, slot);
    nx_pending_down(b.t, slot, ENDED, term("\x77\x06notsup"), 8);
    const struct nx_letter_text *t = told(&b, id, NOEX_EVENT_CALL_FAILED);
    assert_true(t->error == ENDED && !t->has_from);
    holds(t, "\x77\x06notsup");
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
    uint64_t id = id_of(&b, slot);
    nx_pending_spawned(b.t, slot, &spawned, true);
    assert_int_equal(b.to, 0);
    assert_int_equal(nx_pendings_due(b.t, 100), slot);
    nx_pending_fail(b.t, slot, NOEX_EWAIT);
    assert_false(told(&b, id, NOEX_EVENT_CALL_FAILED)->has_from);
    done(&b);
    assert_memory_equal(&find(&b, id)->target.pid, &spawned, sizeof spawned);
    leaves(&b, slot); /* demonitored by its pid */
    nothing_more(&b);
    finish(&b);
}

static void a_question_of_the_node_itself_is_told_to_nobody(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    for (int how = 0; how < 4; how++) {
        struct nx_pending_request q = request(&b, NX_PENDING_LEADER);
        q.target = &name;
        q.deadline_ms = 100;
        uint32_t slot = add(&b, &q);
        uint64_t id = id_of(&b, slot);
        nx_pending_monitored(b.t, slot, how == 0);
        if (how == 0)
            nx_pending_reply(b.t, slot, term("pid"));
        else if (how == 1)
            nx_pending_down(b.t, slot, ENDED, term("noproc"), 6);
        else if (how == 2)
            nx_pending_fail(b.t, slot, NOEX_EWAIT);
        else
            nx_pendings_lost(b.t, &b.peer, NOEX_ENOTREACHABLE, 1);
        if (how == 0)
            leaves(&b, slot);
        assert_null(find(&b, id));
        nothing_more(&b);
    }
    assert_int_equal(b.to, 0);
    finish(&b);
}

static void on_a_loss_all_end_in_the_order_of_their_making(void **state)
{
    (void)state;
    struct bench b;
    struct nx_pending_asked other = {{0, 0}, {0, 0}, 0};
    start(&b);
    uint32_t call = add_kind(&b, NX_PENDING_CALL);
    uint32_t replied = add_kind(&b, NX_PENDING_CALL);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    uint32_t asked = add_kind(&b, NX_PENDING_SPAWN);
    uint32_t rpc = add_kind(&b, NX_PENDING_RPC);
    uint32_t running_rpc = add_kind(&b, NX_PENDING_RPC);
    const uint64_t order[] = {id_of(&b, call), id_of(&b, running), id_of(&b, asked), id_of(&b, rpc),
                              id_of(&b, running_rpc)};
    struct nx_pending_request q = request(&b, NX_PENDING_CALL);
    q.asked = &other;
    uint32_t elsewhere = add(&b, &q);
    assert_int_equal(nx_pending_keep(b.t, asked, term("request")), 0);
    nx_pending_spawned(b.t, running, &spawned, true);
    nx_pending_spawned(b.t, running_rpc, &spawned, true);
    nx_pending_reply(b.t, replied, term("r"));
    b.a.fail_at = b.a.calls + 1; /* needs no memory */
    b.a.fail_on = true;
    nx_pendings_lost(b.t, &b.peer, NOEX_ENOTREACHABLE, 42);
    told(&b, order[1], NOEX_EVENT_SPAWNED);
    done(&b);
    told(&b, id_of(&b, replied), NOEX_EVENT_REPLY);
    done(&b);
    for (size_t i = 0; i < 5; i++) {
        enum noex_event_type type = i == 1 ? NOEX_EVENT_SPAWN_DOWN : NOEX_EVENT_CALL_FAILED;
        const struct nx_letter_text *t = told(&b, order[i], type);
        assert_true(t->origin == NOEX_ORIGIN_LOCAL && t->reason == NOEX_REASON_NOCONNECTION);
        assert_true(!t->bytes && t->cause == 42);
        assert_int_equal(t->error, i == 1 ? 0 : NOEX_ENOTREACHABLE);
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
    nx_pending_reply(b.t, replied, term("reply"));
    nx_pending_cancel(b.t, replied);
    assert_int_equal(b.letters.bytes, 0);
    nx_pending_cancel(b.t, replied); /* once more */
    leaves(&b, replied);
    empty(&b);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_spawned(b.t, running, &spawned, true);
    nx_pending_cancel(b.t, running); /* before SPAWNED is told */
    leaves(&b, running);
    empty(&b);
    uint32_t ended = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_spawned(b.t, ended, &spawned, true);
    nx_pending_monitored(b.t, ended, false);
    nx_pending_down(b.t, ended, ENDED, term("\x77\x06normal"), 8);
    nx_pending_cancel(b.t, ended); /* both */
    empty(&b);
    empty(&b);
    nothing_more(&b);
    finish(&b);
}

/* Inside the callback that is told: what it looks at stays until it returns. */
static void what_is_being_told_can_be_cancelled(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_CALL);
    nx_pending_reply(b.t, slot, term("reply"));
    const struct nx_letter_text *t = told(&b, id_of(&b, slot), NOEX_EVENT_REPLY);
    nx_pending_cancel(b.t, slot);
    holds(t, "reply");
    leaves(&b, slot);
    done(&b);
    uint32_t running = add_kind(&b, NX_PENDING_SPAWN);
    nx_pending_spawned(b.t, running, &spawned, true);
    t = told(&b, id_of(&b, running), NOEX_EVENT_SPAWNED);
    nx_pending_cancel(b.t, running);
    leaves(&b, running);
    is_from_spawned(t);
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void a_letter_that_was_told_may_be_told_of_again(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot = add_kind(&b, NX_PENDING_RPC);
    nx_pending_reply(b.t, slot, term("reply"));
    told(&b, id_of(&b, slot), NOEX_EVENT_REPLY);
    assert_int_equal(add_kind(&b, NX_PENDING_RPC), slot); /* another life of the slot */
    nx_pending_told(b.t, b.queue[0]);
    assert_true(nx_pending_at(b.t, slot)->waits);
    assert_int_not_equal(nx_pending_at(b.t, slot)->letter[1], 0);
    done(&b);
    nx_pending_cancel(b.t, slot);
    nothing_more(&b);
    finish(&b);
}

static void the_end_of_the_caller_cancels_what_it_asked_for_and_what_it_was_to_be_told(void **state)
{
    (void)state;
    struct bench b;
    struct nx_ring other = {0, 0};
    start(&b);
    uint32_t slot[4];
    for (size_t i = 0; i < 4; i++) {
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        if (i == 2)
            q.calls = &other;
        slot[i] = add(&b, &q);
    }
    nx_pending_monitored(b.t, slot[3], true);
    nx_pending_reply(b.t, slot[1], term("r"));
    nx_pendings_caller_ended(b.t, &b.calls);
    assert_int_equal(b.calls.count, 0);
    assert_int_equal(b.peer.waiting.first, slot[2]);
    assert_int_equal(b.peer.waiting.count, 1);
    empty(&b);
    leaves(&b, slot[3]);
    nx_pendings_caller_ended(b.t, &other);
    nothing_more(&b);
    finish(&b);
}

static void the_end_of_a_process_here_fails_the_calls_that_wait_for_it(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint64_t id[2];
    for (int i = 0; i < 2; i++) {
        struct nx_pending_request q = request(&b, NX_PENDING_CALL);
        id[i] = id_of(&b, add(&b, &q));
    }
    nx_pendings_asked_ended(b.t, &b.peer, ENDED, term("\x77\x08shutdown"));
    for (int i = 0; i < 2; i++) {
        const struct nx_letter_text *t = told(&b, id[i], NOEX_EVENT_CALL_FAILED);
        assert_true(t->error == ENDED && t->reason == NOEX_REASON_SHUTDOWN);
        holds(t, "\x77\x08shutdown");
        done(&b);
    }
    nothing_more(&b);
    finish(&b);
}

static bool keeps(const struct bench *b, uint32_t slot, const char *text)
{
    const struct nx_pending_kept *k = nx_pending_at(b->t, slot)->kept;
    return k && nx_span_is(nx_span(k->bytes, k->len), text);
}

static void requests_that_cannot_go_out_yet_are_kept_in_their_order(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    uint32_t slot[5];
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, 0), 0);
    for (size_t i = 0; i < 5; i++)
        slot[i] = add_kind(&b, i % 2 ? NX_PENDING_SPAWN : NX_PENDING_RPC);
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, 0), 0);
    b.a.fail_at = b.a.calls + 1;
    assert_int_equal(nx_pending_keep(b.t, slot[1], term("one")), NOEX_ENOMEM);
    assert_int_equal(b.peer.kept, 0);
    for (size_t i = 1; i < 5; i++)
        if (i != 3)
            assert_int_equal(nx_pending_keep(b.t, slot[i], term("1234567")), 0);
    assert_int_equal(b.peer.kept, 3 * 7);
    assert_true(keeps(&b, slot[1], "1234567"));
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, 0), slot[1]);
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, slot[1]), slot[2]);
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, slot[2]), slot[4]);
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, slot[4]), 0);
    nx_pending_sent(b.t, slot[1]);
    nx_pending_sent(b.t, slot[0]); /* kept nothing */
    assert_int_equal(nx_pending_next_kept(b.t, &b.peer, 0), slot[2]);
    nx_pending_fail(b.t, slot[2], NOEX_EWAIT); /* its time is over before it went */
    nx_pending_cancel(b.t, slot[4]);
    assert_int_equal(b.peer.kept, 0);
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && i != 4)
            nx_pending_cancel(b.t, slot[i]);
    assert_int_equal(b.to, 1);
    nx_pending_told(b.t, b.queue[0]);
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void a_reply_without_memory_or_room_is_a_failure_and_a_reason_is_missing(void **state)
{
    (void)state;
    struct bench b;
    start_with(&b, sizeof(struct nx_letter) + 4);
    static const char *const replies[] = {"12345", "1234", "", "1234"};
    uint64_t id[4];
    for (size_t i = 0; i < 4; i++) {
        uint32_t slot = add_kind(&b, NX_PENDING_RPC);
        id[i] = id_of(&b, slot);
        if (i == 1 || i == 2)
            b.a.fail_at = b.a.calls + 1;
        if (i == 2)
            nx_pending_down(b.t, slot, ENDED, term("\x77\x06killed"), 8);
        else
            nx_pending_reply(b.t, slot, term(replies[i]));
    }
    const struct nx_letter_text *t = told(&b, id[0], NOEX_EVENT_CALL_FAILED);
    assert_true(t->error == NOEX_ELIMIT && !t->bytes && t->full_len == 0);
    done(&b);
    t = told(&b, id[1], NOEX_EVENT_CALL_FAILED);
    assert_true(t->error == NOEX_ENOMEM && !t->bytes && t->full_len == 0);
    done(&b);
    t = told(&b, id[2], NOEX_EVENT_CALL_FAILED);
    assert_true(t->error == ENDED && !t->bytes && t->len == 0);
    assert_true(t->reason == NOEX_REASON_KILLED && t->full_len == 8);
    done(&b);
    holds(told(&b, id[3], NOEX_EVENT_REPLY), "1234");
    done(&b);
    nothing_more(&b);
    finish(&b);
}

static void any_numbers_may_be_asked_for_and_a_slot_that_is_used_again_has_another_id(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    assert_null(nx_pending_find(b.t, 0, 0));
    assert_null(nx_pending_find(b.t, 1, 1));
    uint32_t slot = add_kind(&b, NX_PENDING_RPC);
    uint64_t id = id_of(&b, slot);
    assert_null(nx_pending_find(b.t, slot, 2));
    assert_null(nx_pending_find(b.t, slot + 1, 1));
    assert_null(nx_pending_find(b.t, UINT32_MAX, 1));
    nx_pending_cancel(b.t, slot);
    assert_null(find(&b, id));
    assert_int_equal(add_kind(&b, NX_PENDING_RPC), slot);
    assert_null(find(&b, id));
    assert_true(id_of(&b, slot) != id);
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
    assert_null(nx_pendings_new(&a.a, &b.letters, queue, NULL));
    assert_int_equal(a.live, 0);
    /* Two for the records, the name, two for the letters, the deadlines. */
    for (size_t k = 1; k <= 6; k++) {
        for (int kind = NX_PENDING_CALL; kind <= NX_PENDING_SPAWN; kind++) {
            start(&b);
            struct nx_pending_request q = request(&b, (enum nx_pending_kind)kind);
            q.deadline_ms = 5;
            q.target = &name;
            b.a.fail_at = b.a.calls + k;
            assert_int_equal(nx_pending_add(b.t, &q, &slot), NOEX_ENOMEM);
            assert_int_equal(b.a.failed, 1);
            nothing_more(&b);
            assert_int_equal(nx_pending_add(b.t, &q, &slot), 0);
            assert_int_equal(nx_pendings_due(b.t, 5), slot);
            finish(&b);
        }
    }
}

/* Random lives: each record is told of as its life says, never twice, and all is given back. */
struct life {
    uint64_t id;
    bool waits, spawn, running;
    unsigned owed; /* letters that must come: 1 SPAWNED, 2 the end */
};

enum { LIVES = 64 };

static void tell_one(struct bench *b, struct life *lives)
{
    struct nx_letter *l = b->queue[b->from];
    for (int i = 0; i < LIVES && l->text.type; i++) {
        if (lives[i].id != l->text.call)
            continue;
        unsigned which = l->text.type == NOEX_EVENT_SPAWNED ? 1 : 2;
        assert_true(lives[i].owed & which);
        lives[i].owed &= ~which;
        nx_pending_told(b->t, l);
    }
    done(b);
}

static void begin_life(struct bench *b, struct life *l, uint32_t what)
{
    if (what == 7 && find(b, l->id)) {
        nx_pending_cancel(b->t, (uint32_t)l->id);
        l->owed = 0;
    }
    if (l->owed)
        return;
    *l = (struct life){.spawn = what & 1, .waits = true};
    l->id = id_of(b, add_kind(b, l->spawn ? NX_PENDING_SPAWN : NX_PENDING_CALL));
}

static void happen(struct bench *b, struct life *l, uint32_t what)
{
    uint32_t slot = (uint32_t)l->id;
    if (l->spawn && !l->running && what < 3) {
        nx_pending_spawned(b->t, slot, &spawned, true);
        l->running = true;
        l->owed |= 1;
        return;
    }
    l->waits = false;
    if (what == 7) {
        nx_pending_cancel(b->t, slot);
        l->owed = 0;
    } else if (!l->spawn && what < 5) {
        nx_pending_reply(b->t, slot, term("r"));
        l->owed |= 2;
    } else {
        nx_pending_monitored(b->t, slot, false);
        nx_pending_down(b->t, slot, ENDED, term("\x6a"), 1);
        l->owed |= 2;
    }
}

/* The connection is lost, or the caller ends; then all that is owed is told. */
static void end_lives(struct bench *b, struct life *lives, bool lost)
{
    for (int i = 0; i < LIVES; i++) {
        if (!lost)
            lives[i].owed = 0;
        else if (lives[i].waits)
            lives[i].owed |= 2;
        lives[i].waits = false;
    }
    if (lost)
        nx_pendings_lost(b->t, &b->peer, NOEX_ENOTREACHABLE, 1);
    else
        nx_pendings_caller_ended(b->t, &b->calls);
    while (b->from < b->to)
        tell_one(b, lives);
    while (b->peer.leaving.first)
        nx_pending_left(b->t, b->peer.leaving.first);
    for (int i = 0; i < LIVES; i++)
        assert_int_equal(lives[i].owed, 0);
    nothing_more(b);
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
        struct life *l = &lives[r / 64 % LIVES];
        if (r % 3 == 0 && b.from < b.to)
            tell_one(&b, lives);
        else if (r % 7 == 0 && b.peer.leaving.first)
            nx_pending_left(b.t, b.peer.leaving.first);
        else if (l->waits)
            happen(&b, l, r / 8 % 8);
        else
            begin_life(&b, l, r / 8 % 8);
        if (b.from == b.to)
            b.from = b.to = 0;
        if (turn % 5000 == 4999)
            end_lives(&b, lives, turn / 5000 % 2);
    }
    finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_keeps_what_is_needed_to_end_it),
        cmocka_unit_test(a_reply_is_told_once_and_the_peer_is_told_that_it_need_not_watch),
        cmocka_unit_test(the_peer_may_be_told_before_the_program),
        cmocka_unit_test(a_call_of_the_node_itself_is_told_to_the_node),
        cmocka_unit_test(
            a_call_whose_server_ends_has_failed_with_the_reason_and_leaves_nothing_behind),
        cmocka_unit_test(deadlines_are_due_in_their_order_and_leave_with_what_ends_before),
        cmocka_unit_test(a_spawn_without_a_monitor_is_over_when_the_process_is_there),
        cmocka_unit_test(a_spawn_with_a_monitor_is_told_of_twice_and_has_no_deadline_between),
        cmocka_unit_test(a_spawn_that_is_refused_has_failed),
        cmocka_unit_test(a_remote_call_has_its_process_untold_and_its_deadline_goes_on),
        cmocka_unit_test(a_question_of_the_node_itself_is_told_to_nobody),
        cmocka_unit_test(on_a_loss_all_end_in_the_order_of_their_making),
        cmocka_unit_test(what_is_cancelled_is_never_told),
        cmocka_unit_test(what_is_being_told_can_be_cancelled),
        cmocka_unit_test(a_letter_that_was_told_may_be_told_of_again),
        cmocka_unit_test(
            the_end_of_the_caller_cancels_what_it_asked_for_and_what_it_was_to_be_told),
        cmocka_unit_test(the_end_of_a_process_here_fails_the_calls_that_wait_for_it),
        cmocka_unit_test(requests_that_cannot_go_out_yet_are_kept_in_their_order),
        cmocka_unit_test(a_reply_without_memory_or_room_is_a_failure_and_a_reason_is_missing),
        cmocka_unit_test(any_numbers_may_be_asked_for_and_a_slot_that_is_used_again_has_another_id),
        cmocka_unit_test(without_memory_nothing_is_added_and_nothing_lost),
        cmocka_unit_test(each_life_of_many_is_told_of_once_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
