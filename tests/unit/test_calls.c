/* Calls of this node, and replies of its processes. SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"
#include "term/gen.h"
#include "term/ident.h"
#include "term/write.h"
#include <noex/call.h>

static struct bench b;
static int user;

enum { LONG_MS = 60000, SHORT_MS = 60 };

static struct noex_term term(const char *atom)
{
    return term_of(raw_atom(atom));
}

/* A node connected to a fake that records, and answers nothing by itself. */
static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    b.beam[0].deaf = true;
}

static void open_plain(void)
{
    open_with(NX_DFLAGS_OURS);
}

static noex_call_id call(const struct noex_pid *from, struct noex_target to, const char *request,
                         uint64_t timeout_ms)
{
    noex_call_id id = 0;
    int rc = noex_call(b.node, from, &to, term(request), timeout_ms, &user, &id);
    if (rc)
        fail_msg("noex_call: %s", noex_node_error(b.node)->text);
    assert_true(id != 0);
    return id;
}

/* The one event of a call, and what all its events have. */
static const struct seen *outcome(enum noex_event_type type, noex_call_id id)
{
    const struct seen *s = bench_event(&b, type, 0);
    assert_int_equal(b.count[REPLY] + b.count[CALL_FAILED], 1);
    assert_true(s->call == id && s->call_user == &user);
    return s;
}

static void assert_failed(noex_call_id id, int code)
{
    assert_int_equal(outcome(CALL_FAILED, id)->code, code);
}

static struct nx_span arg(const struct fake_signal *s, enum nx_arg which)
{
    return fake_signal_arg(s, which);
}

/* A request as it came to the fake. */
struct request {
    uint8_t bytes[4][FAKE_TERM];
    struct nx_span pid, tag, to, term;
};

static struct nx_span copy(uint8_t *bytes, struct nx_span s)
{
    assert_true(s.len <= FAKE_TERM);
    if (s.len)
        memcpy(bytes, s.ptr, s.len);
    return nx_span(bytes, s.len);
}

/* The only signals: a monitor and the request behind it, about the same. */
static void take_request(struct request *r, bool by_name)
{
    struct nx_gen gen;
    struct nx_gen_caller caller;
    enum nx_op op = by_name ? NX_OP_REG_SEND : NX_OP_SEND_SENDER;
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_MONITOR_P, op);
    const struct fake_signal *m = fake_beam_signal(&b.beam[0], NX_OP_MONITOR_P, 0);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], op, 0);
    nx_gen_parse(fake_signal_payload(s), &gen);
    assert_int_equal(gen.kind, NX_GEN_CALL);
    assert_true(nx_gen_caller_parse(gen.caller, &caller));
    assert_span(caller.pid, arg(m, NX_ARG_FROM));
    assert_span(caller.pid, arg(s, NX_ARG_FROM));
    assert_span(caller.tag, arg(m, NX_ARG_REF));
    assert_span(arg(s, by_name ? NX_ARG_NAME : NX_ARG_TO), arg(m, NX_ARG_TARGET));
    r->pid = copy(r->bytes[0], caller.pid);
    r->tag = copy(r->bytes[1], caller.tag);
    r->to = copy(r->bytes[2], arg(m, NX_ARG_TARGET));
    r->term = copy(r->bytes[3], gen.term);
    bench_forget_signals(&b, 0);
}

static void reply_from(unsigned i, const struct request *r, struct nx_span reply)
{
    SAY(&b, i, NX_OP_SEND_SENDER,
        RAW_TUPLE(r->tag, reply), [NX_ARG_FROM] = raw_their_pid(&b, i, 5), [NX_ARG_TO] = r->pid);
    bench_settle(&b);
}

static void reply(const struct request *r, const char *atom)
{
    reply_from(0, r, raw_atom(atom));
}

static void down(const struct request *r, struct nx_span reason)
{
    SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT,
        reason, [NX_ARG_TARGET] = r->to, [NX_ARG_TO] = r->pid, [NX_ARG_REF] = r->tag);
    bench_settle(&b);
}

/* The fake was told, and only told, that it need not watch any more. */
static void assert_demonitored(const struct request *r)
{
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_DEMONITOR_P);
    assert_span(arg(s, NX_ARG_FROM), r->pid);
    assert_span(arg(s, NX_ARG_TARGET), r->to);
    assert_span(arg(s, NX_ARG_REF), r->tag);
}

/* ---- answers ---- */

static void a_call_by_name_is_answered_and_its_monitor_given_back(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    assert_span(r.to, raw_atom("srv"));
    assert_span(r.term, raw_atom("request"));
    reply(&r, "answer");
    const struct seen *s = outcome(REPLY, id);
    assert_term(s, raw_atom("answer"));
    assert_string_equal(s->node, "beam@127.0.0.1");
    assert_int_equal(s->process.serial, 0); /* of the node itself */
    assert_demonitored(&r);
    bench_close(&b);
}

static void a_process_calls_by_pid_and_is_told_itself(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    struct noex_process_options o;
    struct noex_pid me;
    noex_process_options_init(&o);
    o.on_event = bench_told;
    o.user = &b;
    assert_int_equal(noex_process_new(b.node, &o, &me), 0);
    noex_call_id id = call(&me, there(&b, 0, 77), "request", LONG_MS);
    take_request(&r, false);
    assert_span(r.to, raw_their_pid(&b, 0, 77));
    assert_span(r.pid, raw_pid(&b, &me));
    reply(&r, "answer");
    const struct seen *s = outcome(REPLY, id);
    assert_true(s->own && same_pid(&s->process, &me));
    assert_demonitored(&r);
    bench_close(&b);
}

static void a_server_that_ends_fails_the_call_with_its_reason(void **state)
{
    (void)state;
    const uint64_t flags[] = {NX_DFLAGS_OURS, NX_DFLAGS_OURS & ~NX_DFLAG_EXIT_PAYLOAD};
    struct request r;
    for (int f = 0; f < 2; f++) {
        open_with(flags[f]);
        noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
        take_request(&r, true);
        if (f)
            SAY(&b, 0, NX_OP_MONITOR_P_EXIT, no_payload, [NX_ARG_TARGET] = r.to,
                [NX_ARG_TO] = r.pid, [NX_ARG_REF] = r.tag, [NX_ARG_REASON] = raw_atom("killed"));
        else
            down(&r, raw_atom("killed"));
        bench_settle(&b);
        assert_failed(id, NOEX_ENOPROC);
        const struct seen *s = outcome(CALL_FAILED, id);
        assert_term(s, raw_atom("killed"));
        assert_int_equal(s->reason, NOEX_REASON_KILLED);
        assert_int_equal(s->origin, NOEX_ORIGIN_PEER);
        EXPECT_NO_SIGNALS(&b, 0); /* its monitor is gone there already */
        reply(&r, "late");
        assert_int_equal(b.count[REPLY], 0);
        bench_close(&b);
    }
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
    (void)state;
    enum { LEN = 5000 };
    static uint8_t bytes[LEN] = {109, 0, 0, (LEN - 5) >> 8, (LEN - 5) & 255};
    struct request r;
    bench_init(&b);
    b.options.reason_max = 4096;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    down(&r, nx_span(bytes, LEN));
    const struct seen *s = outcome(CALL_FAILED, id);
    assert_int_equal(s->code, NOEX_ENOPROC);
    assert_int_equal(s->term_len, 4096);
    assert_int_equal(s->term_full_len, LEN);
    bench_close(&b);
}

static void what_does_not_answer_in_time_has_failed_and_a_late_answer_is_dropped(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    uint64_t before = bench_clock();
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", SHORT_MS);
    take_request(&r, true);
    bench_until(&b, CALL_FAILED, 1);
    assert_true(bench_clock() - before >= SHORT_MS - 1);
    assert_failed(id, NOEX_ECALLTIMEOUT);
    assert_non_null(strstr(outcome(CALL_FAILED, id)->text, "beam@127.0.0.1"));
    assert_demonitored(&r);
    uint64_t dropped = bench_stats(&b).signals_dropped;
    reply(&r, "late");
    down(&r, raw_atom("late"));
    assert_int_equal(bench_stats(&b).signals_dropped, dropped + 1);
    assert_int_equal(bench_stats(&b).downs_stale, 1);
    assert_int_equal(b.count[REPLY] + b.count[CALL_FAILED], 1);
    bench_close(&b);
}

/* The program was stopped: what came meanwhile is read before anything is given up. */
static void an_answer_that_came_in_time_counts_though_it_is_read_late(void **state)
{
    (void)state;
    struct request r;
    const struct timespec pause = {0, 2 * SHORT_MS * 1000000L};
    open_plain();
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", SHORT_MS);
    take_request(&r, true);
    SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(r.tag, raw_atom("answer")), [NX_ARG_TO] = r.pid);
    while (fake_beam_step(&b.beam[0]))
        continue;
    nanosleep(&pause, NULL);
    bench_settle(&b);
    assert_term(outcome(REPLY, id), raw_atom("answer"));
    bench_close(&b);
}

static void timeouts_of_many_come_in_their_order_and_default_to_five_seconds(void **state)
{
    (void)state;
    noex_call_id id[4];
    open_plain();
    id[0] = call(NULL, name_there(&b, 0, "a"), "r", 120);
    id[1] = call(NULL, name_there(&b, 0, "b"), "r", 60);
    id[2] = call(NULL, name_there(&b, 0, "c"), "r", 0);
    id[3] = call(NULL, name_there(&b, 0, "d"), "r", UINT64_MAX);
    bench_until(&b, CALL_FAILED, 2);
    assert_true(bench_event(&b, CALL_FAILED, 0)->call == id[1]);
    assert_true(bench_event(&b, CALL_FAILED, 1)->call == id[0]);
    int64_t left = noex_node_timeout_ms(b.node);
    assert_in_range(left, 0, 5000);
    bench_for(&b, 50);
    assert_int_equal(b.count[CALL_FAILED], 2);
    assert_int_equal(noex_call_cancel(b.node, id[2]), 0);
    bench_for(&b, 10);
    assert_true(noex_node_timeout_ms(b.node) != 0);
    assert_int_equal(noex_call_cancel(b.node, id[3]), 0);
    bench_close(&b);
}

static void a_reply_counts_once_whoever_sends_it(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"});
    bench_connect(&b, 1);
    b.beam[1].deaf = true;
    bench_forget(&b);
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    reply_from(1, &r, raw_atom("passed_on")); /* the server asked another node to answer */
    assert_term(outcome(REPLY, id), raw_atom("passed_on"));
    reply(&r, "again");
    assert_int_equal(b.count[REPLY], 1);
    /* A DOWN counts only from the node that was asked. */
    bench_forget_signals(&b, 0);
    bench_forget(&b);
    id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    SAY(&b, 1, NX_OP_PAYLOAD_MONITOR_P_EXIT,
        raw_atom("forged"), [NX_ARG_TARGET] = r.to, [NX_ARG_TO] = r.pid, [NX_ARG_REF] = r.tag);
    bench_settle(&b);
    assert_int_equal(b.count[CALL_FAILED], 0);
    reply(&r, "answer");
    outcome(REPLY, id);
    bench_close(&b);
}

static void messages_that_only_look_like_replies_are_messages(void **state)
{
    (void)state;
    open_plain();
    struct noex_pid me = bench_process(&b, NULL, false);
    struct request r;
    call(&me, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    const struct nx_span odd[] = {
        RAW_TUPLE(raw_their_ref(&b, 0, 1), raw_atom("x")),
        RAW_TUPLE(raw_atom("x"), r.tag),
        RAW_TUPLE(r.tag),
        RAW_TUPLE(r.tag, raw_atom("x"), raw_atom("y")),
        r.tag,
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        SAY(&b, 0, NX_OP_SEND, odd[i], [NX_ARG_TO] = r.pid);
    bench_settle(&b);
    assert_int_equal(b.count[P_MSG], sizeof odd / sizeof *odd);
    assert_int_equal(b.count[REPLY], 0);
    bench_close(&b);
}

/* A tuple of one element, so many times. */
static struct nx_span nested(uint8_t *bytes, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        bytes[2 * i] = 104;
        bytes[2 * i + 1] = 1;
    }
    bytes[2 * depth] = 106;
    return nx_span(bytes, 2 * depth + 1);
}

static void an_answer_that_cannot_be_taken_whole_is_a_failure(void **state)
{
    (void)state;
    static uint8_t deep[4096], message[8192];
    struct request r;
    struct nx_buf out;
    open_plain();
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    nx_buf_fixed(&out, message, sizeof message);
    assert_int_equal(nx_gen_write_reply(&out, r.tag, nested(deep, 1100)), 0);
    SAY(&b, 0, NX_OP_SEND, nx_buf_span(&out), [NX_ARG_TO] = r.pid);
    bench_settle(&b);
    assert_failed(id, NOEX_ETOOBIG);
    assert_demonitored(&r);
    bench_close(&b);
}

static void an_answer_beyond_what_may_wait_is_a_failure(void **state)
{
    (void)state;
    static uint8_t big[300000];
    struct request r;
    struct nx_buf out;
    bench_init(&b);
    b.options.mail_max = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    nx_buf_init(&out, &b.alloc.a, SIZE_MAX);
    assert_int_equal(nx_gen_write_reply(&out, r.tag, no_payload), 0);
    assert_int_equal(nx_write_binary(&out, nx_span(big, 100000)), 0);
    SAY(&b, 0, NX_OP_SEND, nx_buf_span(&out), [NX_ARG_TO] = r.pid);
    nx_buf_free(&out);
    bench_settle(&b);
    assert_failed(id, NOEX_ELIMIT);
    assert_int_equal(bench_stats(&b).connections, 1);
    bench_close(&b);
}

/* ---- connections ---- */

static void a_node_that_is_not_connected_is_connected_to(void **state)
{
    (void)state;
    struct request r;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    b.beam[0].deaf = true;
    bench_until(&b, UP, 1);
    take_request(&r, true);
    reply(&r, "answer");
    outcome(REPLY, id);
    assert_demonitored(&r);
    bench_close(&b);
}

static void a_node_that_cannot_be_connected_to_fails_the_call_before_it_says_so(void **state)
{
    (void)state;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    struct noex_target to = name_there(&b, 0, "srv");
    fake_beam_refuse(&b.beam[0]);
    noex_call_id id = call(NULL, to, "request", LONG_MS);
    bench_until(&b, FAILED, 1);
    EXPECT_EVENTS(&b, CALL_FAILED, FAILED);
    assert_failed(id, NOEX_ECONNREFUSED);
    const struct seen *s = outcome(CALL_FAILED, id);
    assert_string_equal(s->text, bench_event(&b, FAILED, 0)->text);
    assert_int_equal(s->origin, NOEX_ORIGIN_LOCAL);
    bench_close(&b);
}

static void a_lost_connection_fails_what_waits_for_it_before_it_says_so(void **state)
{
    (void)state;
    open_plain();
    noex_call_id first = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    bench_settle(&b);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, CALL_FAILED, CALL_FAILED, DOWN);
    const struct seen *s = bench_event(&b, CALL_FAILED, 0);
    assert_true(s->call == first);
    assert_int_equal(s->code, NOEX_ENOTREACHABLE);
    assert_int_equal(s->origin, NOEX_ORIGIN_LOCAL);
    assert_int_equal(s->reason, NOEX_REASON_NOCONNECTION);
    assert_non_null(strstr(s->text, "closed"));
    bench_close(&b);
}

static void the_time_of_a_call_goes_on_while_its_node_is_dialled(void **state)
{
    (void)state;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    b.beam[0].no_accept = true;
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", SHORT_MS);
    bench_until(&b, CALL_FAILED, 1);
    assert_failed(id, NOEX_ECALLTIMEOUT);
    assert_non_null(strstr(outcome(CALL_FAILED, id)->text, "still waiting"));
    bench_close(&b);
}

/* Protocol.md 3: a monitor to such a node would be an error there. */
static void a_node_without_monitors_is_called_without_one(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS & ~NX_DFLAGS_MONITOR);
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_REG_SEND);
    struct nx_gen gen;
    struct nx_gen_caller caller;
    nx_gen_parse(fake_signal_payload(s), &gen);
    assert_true(nx_gen_caller_parse(gen.caller, &caller));
    SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(caller.tag, raw_atom("answer")), [NX_ARG_TO] = caller.pid);
    bench_forget_signals(&b, 0);
    bench_settle(&b);
    outcome(REPLY, id);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

/* Its name there is known only when it is up. */
static void a_dynamic_node_calls_before_it_has_a_name(void **state)
{
    (void)state;
    struct request r;
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    for (unsigned i = 0; i < 2; i++)
        bench_beam(&b, &(struct fake_beam_opts){.name = i ? "other@127.0.0.1" : NULL});
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    b.beam[0].deaf = true;
    bench_until(&b, UP, 1);
    take_request(&r, true);
    bench_connect(&b, 1);
    b.beam[1].deaf = true;
    reply_from(1, &r, raw_atom("forged")); /* nobody but the node called knows this one */
    assert_int_equal(b.count[REPLY], 0);
    reply(&r, "answer");
    outcome(REPLY, id);
    assert_demonitored(&r);
    bench_close(&b);
}

static void a_dynamic_node_fails_what_it_kept_where_nothing_comes_of_the_attempt(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    bench_beam(&b, NULL);
    struct noex_target to = name_there(&b, 0, "srv");
    fake_beam_refuse(&b.beam[0]);
    noex_call_id id = call(NULL, to, "request", LONG_MS);
    bench_until(&b, FAILED, 1);
    assert_failed(id, NOEX_ECONNREFUSED);
    bench_close(&b);
}

/* ---- giving up ---- */

static void a_call_that_is_cancelled_is_told_of_no_more(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    assert_int_equal(noex_call_cancel(b.node, 0), 0);
    assert_int_equal(noex_call_cancel(NULL, id), NOEX_EINVALID);
    assert_demonitored(&r);
    reply(&r, "late");
    assert_int_equal(b.count[REPLY] + b.count[CALL_FAILED], 0);
    bench_close(&b);
}

static void an_answer_that_waits_to_be_pulled_is_taken_back(void **state)
{
    (void)state;
    struct request r;
    bench_init(&b);
    b.pull = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(r.tag, raw_atom("answer")), [NX_ARG_TO] = r.pid);
    for (int i = 0; i < 20; i++) {
        fake_beam_step(&b.beam[0]);
        assert_int_equal(noex_node_process(b.node, 1), 0);
    }
    assert_int_equal(noex_node_timeout_ms(b.node), 0); /* it waits */
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    assert_null(noex_node_next_event(b.node));
    assert_demonitored(&r);
    bench_close(&b);
}

static void cancel_itself(struct bench *bench, const struct noex_event *e)
{
    if (e->type != REPLY)
        return;
    assert_int_equal(noex_call_cancel(bench->node, e->call), 0);
    assert_int_equal(e->term_len, 8);
    assert_memory_equal(e->term, raw_atom("answer").ptr, 8); /* is still there */
}

static void the_answer_that_is_being_told_can_be_cancelled(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    b.in_event = cancel_itself;
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    reply(&r, "answer");
    outcome(REPLY, id);
    bench_close(&b);
}

static void what_a_process_asked_for_goes_with_it(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    struct noex_pid me = bench_process(&b, NULL, false);
    call(&me, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(&r, true);
    assert_int_equal(noex_process_exit(b.node, &me, term("normal")), 0);
    assert_demonitored(&r);
    reply(&r, "late");
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
}

/* ---- processes of the same node ---- */

static struct noex_pid callee;

static void answer_calls(struct bench *bench, const struct noex_event *e)
{
    struct noex_term request = noex_event_term(e);
    if (e->type != P_CALL || noex_term_is_atom(request, "hold"))
        return;
    if (noex_term_is_atom(request, "stop"))
        assert_int_equal(noex_process_exit(bench->node, e->process, request), 0);
    else
        assert_int_equal(noex_reply(bench->node, e->process, e->caller, request), 0);
}

static void open_here(void)
{
    open_plain();
    callee = bench_process(&b, "callee", false);
    b.in_event = answer_calls;
}

static void a_process_of_the_same_node_is_called(void **state)
{
    (void)state;
    open_here();
    struct noex_pid me = bench_process(&b, NULL, false);
    const struct noex_target targets[] = {here(&b, &callee), name_here(&b, "callee")};
    for (int i = 0; i < 2; i++) {
        for (int from = 0; from < 2; from++) {
            noex_call_id id = call(from ? &me : NULL, targets[i], "request", LONG_MS);
            assert_int_equal(b.count[P_CALL], 0); /* not before the call has returned */
            bench_settle(&b);
            const struct seen *s = bench_event(&b, P_CALL, 0);
            assert_true(same_pid(&s->process, &callee));
            assert_int_equal(s->has_from, from);
            assert_term(s, raw_atom("request"));
            assert_term(outcome(REPLY, id), raw_atom("request"));
            assert_string_equal(outcome(REPLY, id)->node, "mon@127.0.0.1");
            bench_forget(&b);
        }
    }
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static void a_process_calls_itself(void **state)
{
    (void)state;
    open_here();
    noex_call_id id = call(&callee, here(&b, &callee), "request", LONG_MS);
    bench_settle(&b);
    outcome(REPLY, id);
    bench_close(&b);
}

static void what_is_not_here_is_told_after_the_call_has_returned(void **state)
{
    (void)state;
    open_here();
    struct noex_pid dead = {4711, 1, 0};
    const struct noex_target targets[] = {here(&b, &dead), name_here(&b, "nobody"),
                                          name_here(&b, "net_kernel")};
    for (int i = 0; i < 3; i++) {
        noex_call_id id = call(NULL, targets[i], "request", LONG_MS);
        assert_int_equal(b.count[CALL_FAILED], 0);
        bench_settle(&b);
        assert_failed(id, NOEX_ENOPROC);
        assert_term(outcome(CALL_FAILED, id), raw_atom("noproc"));
        assert_int_equal(outcome(CALL_FAILED, id)->reason, NOEX_REASON_NOPROC);
        bench_forget(&b);
    }
    bench_close(&b);
}

static void a_process_here_that_ends_fails_the_calls_that_wait_for_it(void **state)
{
    (void)state;
    open_here();
    struct noex_pid me = bench_process(&b, NULL, false);
    noex_call_id held = call(NULL, here(&b, &callee), "hold", LONG_MS);
    noex_call_id id = call(&me, here(&b, &callee), "stop", LONG_MS);
    bench_settle(&b);
    assert_int_equal(b.count[CALL_FAILED], 2);
    for (size_t i = 0; i < 2; i++) {
        const struct seen *s = bench_event(&b, CALL_FAILED, i);
        assert_true(s->call == (i ? id : held));
        assert_int_equal(s->code, NOEX_ENOPROC);
        assert_term(s, raw_atom("stop"));
    }
    bench_close(&b);
}

static void calls_here_have_their_time_too_and_late_answers_are_dropped(void **state)
{
    (void)state;
    open_here();
    noex_call_id id = call(NULL, here(&b, &callee), "hold", SHORT_MS);
    bench_until(&b, CALL_FAILED, 1);
    assert_failed(id, NOEX_ECALLTIMEOUT);
    const struct seen *s = bench_event(&b, P_CALL, 0);
    struct noex_term caller = {s->caller, s->caller_len};
    assert_int_equal(noex_reply(b.node, &callee, caller, term("late")), 0);
    bench_settle(&b);
    assert_int_equal(b.count[REPLY], 0);
    bench_close(&b);
}

/* ---- replies of processes ---- */

/* A call of the fake, whose caller has this tag. */
static struct noex_term called_with(struct nx_span tag)
{
    static uint8_t bytes[FAKE_TERM];
    struct nx_gen_caller caller = {raw_their_pid(&b, 0, 33), tag};
    uint8_t message[2 * FAKE_TERM];
    struct nx_buf out;
    bench_forget(&b);
    nx_buf_fixed(&out, message, sizeof message);
    assert_int_equal(nx_gen_write_call(&out, &caller, raw_atom("request")), 0);
    SAY(&b, 0, NX_OP_REG_SEND,
        nx_buf_span(&out), [NX_ARG_FROM] = caller.pid, [NX_ARG_NAME] = raw_atom("callee"));
    bench_settle(&b);
    const struct seen *s = bench_event(&b, P_CALL, 0);
    assert_term(s, raw_atom("request"));
    struct nx_span raw = RAW_TUPLE(caller.pid, tag);
    assert_int_equal(s->caller_len, raw.len < sizeof s->caller ? raw.len : s->caller_len);
    memcpy(bytes, raw.ptr, raw.len);
    return (struct noex_term){bytes, raw.len};
}

static struct nx_span cons(struct nx_span head, struct nx_span tail)
{
    static uint8_t pool[8][FAKE_TERM];
    static unsigned next;
    struct nx_buf out;
    nx_buf_fixed(&out, pool[next++ % 8], FAKE_TERM);
    assert_int_equal(nx_write_list_head(&out, 1), 0);
    assert_int_equal(nx_write_raw(&out, head), 0);
    assert_int_equal(nx_write_raw(&out, tail), 0);
    return nx_buf_span(&out);
}

/* Protocol.md 7: each form of tag, and where its answer goes. */
static void an_answer_goes_where_its_tag_says_and_bears_it_unchanged(void **state)
{
    (void)state;
    const uint64_t flags[] = {NX_DFLAGS_OURS, NX_DFLAGS_OURS & ~NX_DFLAG_ALIAS};
    uint8_t bytes[2][FAKE_TERM];
    for (int f = 0; f < 2; f++) {
        open_with(flags[f]);
        callee = bench_process(&b, "callee", false);
        struct nx_span ref = copy(bytes[0], raw_their_ref(&b, 0, 1));
        struct nx_span second = copy(bytes[1], raw_their_ref(&b, 0, 2));
        for (int i = 0; i < 5; i++) {
            struct nx_span alias = cons(raw_atom("alias"), ref);
            const struct nx_span tags[] = {alias, cons(alias, second), ref,
                                           RAW_TUPLE(raw_atom("$gen_request_id"), ref), raw_int(7)};
            struct noex_term caller = called_with(tags[i]);
            bench_forget_signals(&b, 0);
            assert_int_equal(noex_reply(b.node, &callee, caller, term("answer")), 0);
            bench_settle(&b);
            bool by_alias = i < 2 && f == 0;
            const struct fake_signal *s =
                bench_only_signal(&b, 0, by_alias ? NX_OP_ALIAS_SEND : NX_OP_SEND_SENDER);
            assert_span(arg(s, NX_ARG_FROM), raw_pid(&b, &callee));
            assert_span(arg(s, by_alias ? NX_ARG_REF : NX_ARG_TO),
                        by_alias ? ref : raw_their_pid(&b, 0, 33));
            assert_span(fake_signal_payload(s), RAW_TUPLE(tags[i], raw_atom("answer")));
        }
        bench_close(&b);
    }
}

static void a_caller_on_a_node_that_is_not_connected_is_answered_all_the_same(void **state)
{
    (void)state;
    open_plain();
    callee = bench_process(&b, "callee", false);
    struct nx_span pid = raw_their_pid(&b, 0, 33), tag = raw_their_ref(&b, 0, 1);
    struct noex_term caller = term_of(RAW_TUPLE(pid, tag));
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_forget_signals(&b, 0);
    assert_int_equal(noex_reply(b.node, &callee, caller, term("answer")), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_span(fake_signal_payload(bench_only_signal(&b, 0, NX_OP_SEND_SENDER)),
                RAW_TUPLE(tag, raw_atom("answer")));
    bench_close(&b);
}

/* A process that made up the call itself gets the answer as a message. */
static void an_answer_to_a_call_that_a_process_made_up_is_a_message(void **state)
{
    (void)state;
    open_here();
    struct noex_pid me = bench_process(&b, NULL, false);
    struct nx_span tag = raw_atom("my_tag");
    struct noex_term caller = term_of(RAW_TUPLE(raw_pid(&b, &me), tag));
    assert_int_equal(noex_reply(b.node, &callee, caller, term("answer")), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG);
    assert_term(bench_event(&b, P_MSG, 0), RAW_TUPLE(tag, raw_atom("answer")));
    assert_true(same_pid(&bench_event(&b, P_MSG, 0)->from, &callee));
    /* To whom is not there it is nothing; so for an older incarnation, and for the node itself. */
    struct noex_pid dead = {4711, 1, me.creation}, old = {me.id, me.serial, me.creation + 1};
    struct noex_pid self = {1, 1, me.creation};
    const struct noex_pid *nobody[] = {&dead, &old, &self};
    for (int i = 0; i < 3; i++) {
        caller = term_of(RAW_TUPLE(raw_pid(&b, nobody[i]), tag));
        assert_int_equal(noex_reply(b.node, &callee, caller, term("answer")), 0);
    }
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG);
    bench_close(&b);
}

/* ---- casts ---- */

static void a_cast_is_a_message_of_its_form(void **state)
{
    (void)state;
    open_here();
    struct noex_target to = name_there(&b, 0, "srv");
    assert_int_equal(noex_cast(b.node, &callee, &to, term("the_cast")), 0);
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_REG_SEND);
    assert_span(arg(s, NX_ARG_FROM), raw_pid(&b, &callee));
    assert_span(fake_signal_payload(s), RAW_TUPLE(raw_atom("$gen_cast"), raw_atom("the_cast")));
    to = here(&b, &callee);
    assert_int_equal(noex_cast(b.node, NULL, &to, term("the_cast")), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_CAST);
    assert_term(bench_event(&b, P_CAST, 0), raw_atom("the_cast"));
    bench_close(&b);
}

/* ---- what the functions refuse ---- */

static void expect_error(int rc, int code)
{
    if (rc != code)
        fail_msg("%s, not %s", noex_error_name(rc), noex_error_name(code));
    assert_int_equal(noex_node_error(b.node)->code, code);
}

static int try_call(const struct noex_pid *from, struct noex_target to, struct noex_term request)
{
    noex_call_id id;
    return noex_call(b.node, from, &to, request, 0, NULL, &id);
}

static void what_is_no_call_is_refused(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 2, 106};
    const struct noex_term bad = {cut, sizeof cut};
    struct noex_pid dead = {4711, 1, 0};
    noex_call_id id;
    open_here();
    struct noex_target to = name_there(&b, 0, "srv"), odd = to, nowhere = to;
    odd.kind = NOEX_TARGET_NODE;
    nowhere.node = "nowhere";
    assert_int_equal(noex_call(NULL, NULL, &to, term("r"), 0, NULL, &id), NOEX_EINVALID);
    expect_error(noex_call(b.node, NULL, NULL, term("r"), 0, NULL, &id), NOEX_EINVALID);
    expect_error(noex_call(b.node, NULL, &to, term("r"), 0, NULL, NULL), NOEX_EINVALID);
    expect_error(try_call(&dead, to, term("r")), NOEX_ENOPROC);
    expect_error(try_call(NULL, odd, term("r")), NOEX_ETARGET);
    expect_error(try_call(NULL, nowhere, term("r")), NOEX_ENODENAME);
    expect_error(try_call(NULL, to, bad), NOEX_ETERM);
    assert_int_equal(noex_cast(NULL, NULL, &to, term("r")), NOEX_EINVALID);
    expect_error(noex_cast(b.node, NULL, NULL, term("r")), NOEX_EINVALID);
    expect_error(noex_cast(b.node, &dead, &to, term("r")), NOEX_ENOPROC);
    expect_error(noex_cast(b.node, NULL, &odd, term("r")), NOEX_ETARGET);
    expect_error(noex_cast(b.node, NULL, &nowhere, term("r")), NOEX_ENODENAME);
    expect_error(noex_cast(b.node, NULL, &to, bad), NOEX_ETERM);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 2, 106};
    const struct noex_term bad = {cut, sizeof cut};
    struct noex_pid dead = {4711, 1, 0};
    uint8_t odd_pid[FAKE_TERM];
    open_here();
    struct nx_span tag = raw_atom("tag"), pid = raw_their_pid(&b, 0, 33);
    struct noex_term caller = term_of(RAW_TUPLE(pid, tag));
    assert_int_equal(noex_reply(NULL, &callee, caller, term("r")), NOEX_EINVALID);
    expect_error(noex_reply(b.node, NULL, caller, term("r")), NOEX_EINVALID);
    expect_error(noex_reply(b.node, &dead, caller, term("r")), NOEX_ENOPROC);
    expect_error(noex_reply(b.node, &callee, term("none"), term("r")), NOEX_EINVALID);
    expect_error(noex_reply(b.node, &callee, term_of(RAW_TUPLE(tag, pid)), term("r")),
                 NOEX_EINVALID);
    expect_error(noex_reply(b.node, &callee, bad, term("r")), NOEX_ETERM);
    expect_error(noex_reply(b.node, &callee, caller, bad), NOEX_ETERM);
    pid = fake_pid("nowhere", 1, 2, 3, odd_pid);
    expect_error(noex_reply(b.node, &callee, term_of(RAW_TUPLE(pid, tag)), term("r")),
                 NOEX_ENODENAME);
    char name[256];
    memset(name, 'a', 255);
    name[255] = '\0';
    pid = fake_pid(name, 1, 2, 3, odd_pid);
    expect_error(noex_reply(b.node, &callee, term_of(RAW_TUPLE(pid, tag)), term("r")),
                 NOEX_ENODENAME);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static struct noex_term big_term(size_t len)
{
    static uint8_t bytes[1 << 20];
    struct nx_buf out;
    static uint8_t zeroes[1 << 19];
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(nx_write_binary(&out, nx_span(zeroes, len)), 0);
    return term_of(nx_buf_span(&out));
}

/* A peer that does not read, and a node with little room. */
static void more_than_may_wait_is_refused(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.out_max = 256 * 1024;
    b.options.out_high = 64 * 1024;
    b.options.mail_max = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    struct noex_pid me = bench_process(&b, "callee", false);
    struct noex_target to = name_there(&b, 0, "srv"), self = here(&b, &me);
    struct nx_span pid = raw_their_pid(&b, 0, 33);
    struct noex_term caller = term_of(RAW_TUPLE(pid, raw_atom("tag")));
    expect_error(try_call(NULL, to, big_term(400000)), NOEX_ELIMIT);
    expect_error(noex_cast(b.node, NULL, &to, big_term(400000)), NOEX_ELIMIT);
    expect_error(noex_reply(b.node, &me, caller, big_term(400000)), NOEX_ELIMIT);
    expect_error(try_call(NULL, self, big_term(100000)), NOEX_ELIMIT);
    expect_error(noex_cast(b.node, NULL, &self, big_term(100000)), NOEX_ELIMIT);
    struct noex_term me_asking = term_of(RAW_TUPLE(raw_pid(&b, &me), raw_atom("tag")));
    expect_error(noex_reply(b.node, &me, me_asking, big_term(100000)), NOEX_ELIMIT);
    int rc = 0;
    for (int i = 0; i < 100 && !rc; i++)
        rc = try_call(NULL, to, big_term(50000));
    expect_error(rc, NOEX_EUNREAD);
    expect_error(noex_cast(b.node, NULL, &to, big_term(50000)), NOEX_EUNREAD);
    expect_error(noex_reply(b.node, &me, caller, big_term(50000)), NOEX_EUNREAD);
    bench_close(&b);
}

/* Each function with each allocation failing: it says so, and nothing is left of it. */
static void without_memory_nothing_has_happened(void **state)
{
    (void)state;
    open_here();
    b.in_event = NULL;
    struct noex_target far = name_there(&b, 0, "srv"), near = here(&b, &callee);
    struct nx_span pid = raw_their_pid(&b, 0, 33);
    struct noex_term caller = term_of(RAW_TUPLE(pid, raw_atom("tag")));
    struct noex_term me_asking = term_of(RAW_TUPLE(raw_pid(&b, &callee), raw_atom("tag")));
    for (int what = 0; what < 6; what++) {
        unsigned failures = 0;
        for (size_t k = 1;; k++) {
            b.alloc.fail_at = b.alloc.calls + k;
            int rc = what == 0   ? try_call(NULL, far, term("r"))
                     : what == 1 ? try_call(&callee, near, term("r"))
                     : what == 2 ? noex_cast(b.node, NULL, &far, term("r"))
                     : what == 3 ? noex_cast(b.node, NULL, &near, term("r"))
                     : what == 4 ? noex_reply(b.node, &callee, caller, term("r"))
                                 : noex_reply(b.node, &callee, me_asking, term("r"));
            bool failed = b.alloc.failed > 0;
            b.alloc.fail_at = 0;
            b.alloc.failed = 0;
            if (!failed)
                break;
            failures++;
            if (rc) /* else it could do without */
                expect_error(rc, NOEX_ENOMEM);
        }
        assert_true(failures > 0);
    }
    bench_settle(&b);
    /* Each came once, and each monitor whose request did not go was given back. */
    assert_int_equal(b.count[P_CALL], 1);
    assert_int_equal(b.count[P_CAST], 1);
    assert_int_equal(b.count[P_MSG], 1);
    assert_int_equal(b.beam[0].ops[NX_OP_REG_SEND], 2);
    assert_int_equal(b.beam[0].ops[NX_OP_SEND_SENDER], 1);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], b.beam[0].ops[NX_OP_DEMONITOR_P] + 1);
    bench_close(&b);
}

/* ---- waiting ---- */

static noex_call_id waiting_call(struct request *r)
{
    noex_call_id id = call(NULL, name_there(&b, 0, "srv"), "request", LONG_MS);
    take_request(r, true);
    return id;
}

static void one_answer_is_waited_for_and_told_by_nothing_else(void **state)
{
    (void)state;
    for (int pull = 0; pull <= 1; pull++) {
        struct request r, other;
        const struct noex_event *e;
        bench_init(&b);
        b.pull = pull;
        bench_open_citizen(&b, NX_DFLAGS_OURS);
        b.beam[0].deaf = true;
        noex_call_id id = waiting_call(&r), second = waiting_call(&other);
        SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(other.tag, raw_atom("second")), [NX_ARG_TO] = other.pid);
        SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(r.tag, raw_atom("answer")), [NX_ARG_TO] = r.pid);
        fake_beam_step(&b.beam[0]);
        assert_int_equal(noex_wait_reply(b.node, id, LONG_MS, &e), 0);
        assert_int_equal(e->type, REPLY);
        assert_true(e->call == id && e->call_user == &user);
        assert_memory_equal(e->term, raw_atom("answer").ptr, 8);
        expect_error(noex_wait_reply(b.node, id, 0, &e), NOEX_EINVALID);
        assert_null(e);
        bench_until(&b, REPLY, 1);
        bench_settle(&b);
        assert_true(outcome(REPLY, second)->call == second);
        bench_close(&b);
    }
}

static void an_answer_that_is_there_already_is_taken_out_of_its_turn(void **state)
{
    (void)state;
    struct request r;
    const struct noex_event *e;
    bench_init(&b);
    b.pull = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    struct noex_pid me = bench_process(&b, "me", false);
    noex_call_id id = waiting_call(&r);
    SAY(&b, 0, NX_OP_SEND, raw_atom("first"), [NX_ARG_TO] = raw_pid(&b, &me));
    SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(r.tag, raw_atom("answer")), [NX_ARG_TO] = r.pid);
    SAY(&b, 0, NX_OP_SEND, raw_atom("last"), [NX_ARG_TO] = raw_pid(&b, &me));
    for (int i = 0; i < 20; i++) {
        fake_beam_step(&b.beam[0]);
        assert_int_equal(noex_node_process(b.node, 1), 0);
    }
    assert_int_equal(noex_wait_reply(b.node, id, 0, &e), 0);
    assert_memory_equal(e->term, raw_atom("answer").ptr, 8);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG, P_MSG);
    bench_close(&b);
}

static void failures_are_waited_for_as_well(void **state)
{
    (void)state;
    const struct noex_event *e;
    open_here();
    noex_call_id id = call(NULL, name_here(&b, "nobody"), "request", LONG_MS);
    assert_int_equal(noex_wait_reply(b.node, id, 0, &e), 0);
    assert_int_equal(e->type, CALL_FAILED);
    assert_int_equal(e->error->code, NOEX_ENOPROC);
    id = call(NULL, name_there(&b, 0, "srv"), "request", SHORT_MS);
    assert_int_equal(noex_wait_reply(b.node, id, LONG_MS, &e), 0);
    assert_int_equal(e->error->code, NOEX_ECALLTIMEOUT);
    assert_int_equal(b.count[CALL_FAILED], 0);
    bench_close(&b);
}

static noex_call_id awaited;

static void wait_inside(struct bench *bench, const struct noex_event *e)
{
    const struct noex_event *unused;
    (void)e;
    assert_int_equal(noex_wait_reply(bench->node, awaited, 0, &unused), NOEX_EREENTRANT);
}

static void close_inside(struct bench *bench, const struct noex_event *e)
{
    (void)e;
    noex_node_close(bench->node, NULL, NULL);
    bench->node = NULL;
}

static void a_wait_for_an_answer_ends_otherwise(void **state)
{
    (void)state;
    struct request r;
    const struct noex_event *e;
    open_here();
    assert_int_equal(noex_wait_reply(NULL, 1, 0, &e), NOEX_EINVALID);
    awaited = waiting_call(&r);
    expect_error(noex_wait_reply(b.node, awaited, 0, NULL), NOEX_EINVALID);
    expect_error(noex_wait_reply(b.node, awaited + 1, 0, &e), NOEX_EINVALID);
    expect_error(noex_wait_reply(b.node, awaited, 5, &e), NOEX_EWAIT);
    assert_null(e);
    noex_node_wakeup(b.node);
    expect_error(noex_wait_reply(b.node, awaited, LONG_MS, &e), NOEX_EINTERRUPTED);
    b.in_event = wait_inside;
    struct noex_target to = here(&b, &callee);
    assert_int_equal(noex_cast(b.node, NULL, &to, term("x")), 0);
    bench_until(&b, P_CAST, 1);
    b.in_event = close_inside;
    assert_int_equal(noex_cast(b.node, NULL, &to, term("x")), 0);
    noex_node *node = b.node;
    e = (const struct noex_event *)&r;
    assert_int_equal(noex_wait_reply(node, awaited, LONG_MS, &e), NOEX_ESTATE);
    assert_null(e);
    bench_close(&b);
}

static void many_calls_at_once_are_each_answered(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static noex_call_id id[MANY];
    open_here();
    b.no_keep = true;
    for (int i = 0; i < MANY; i++)
        id[i] = call(i % 2 ? &callee : NULL, here(&b, &callee), i % 3 ? "request" : "hold",
                     i % 3 ? LONG_MS : SHORT_MS);
    bench_until(&b, CALL_FAILED, (MANY + 2) / 3);
    assert_int_equal(b.count[REPLY], MANY - (MANY + 2) / 3);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i && i < 50; k++)
            assert_true(id[i] != id[k]);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_by_name_is_answered_and_its_monitor_given_back),
        cmocka_unit_test(a_process_calls_by_pid_and_is_told_itself),
        cmocka_unit_test(a_server_that_ends_fails_the_call_with_its_reason),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut),
        cmocka_unit_test(what_does_not_answer_in_time_has_failed_and_a_late_answer_is_dropped),
        cmocka_unit_test(an_answer_that_came_in_time_counts_though_it_is_read_late),
        cmocka_unit_test(timeouts_of_many_come_in_their_order_and_default_to_five_seconds),
        cmocka_unit_test(a_reply_counts_once_whoever_sends_it),
        cmocka_unit_test(messages_that_only_look_like_replies_are_messages),
        cmocka_unit_test(an_answer_that_cannot_be_taken_whole_is_a_failure),
        cmocka_unit_test(an_answer_beyond_what_may_wait_is_a_failure),
        cmocka_unit_test(a_node_that_is_not_connected_is_connected_to),
        cmocka_unit_test(a_node_that_cannot_be_connected_to_fails_the_call_before_it_says_so),
        cmocka_unit_test(a_lost_connection_fails_what_waits_for_it_before_it_says_so),
        cmocka_unit_test(the_time_of_a_call_goes_on_while_its_node_is_dialled),
        cmocka_unit_test(a_node_without_monitors_is_called_without_one),
        cmocka_unit_test(a_dynamic_node_calls_before_it_has_a_name),
        cmocka_unit_test(a_dynamic_node_fails_what_it_kept_where_nothing_comes_of_the_attempt),
        cmocka_unit_test(a_call_that_is_cancelled_is_told_of_no_more),
        cmocka_unit_test(an_answer_that_waits_to_be_pulled_is_taken_back),
        cmocka_unit_test(the_answer_that_is_being_told_can_be_cancelled),
        cmocka_unit_test(what_a_process_asked_for_goes_with_it),
        cmocka_unit_test(a_process_of_the_same_node_is_called),
        cmocka_unit_test(a_process_calls_itself),
        cmocka_unit_test(what_is_not_here_is_told_after_the_call_has_returned),
        cmocka_unit_test(a_process_here_that_ends_fails_the_calls_that_wait_for_it),
        cmocka_unit_test(calls_here_have_their_time_too_and_late_answers_are_dropped),
        cmocka_unit_test(an_answer_goes_where_its_tag_says_and_bears_it_unchanged),
        cmocka_unit_test(a_caller_on_a_node_that_is_not_connected_is_answered_all_the_same),
        cmocka_unit_test(an_answer_to_a_call_that_a_process_made_up_is_a_message),
        cmocka_unit_test(a_cast_is_a_message_of_its_form),
        cmocka_unit_test(what_is_no_call_is_refused),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(more_than_may_wait_is_refused),
        cmocka_unit_test(without_memory_nothing_has_happened),
        cmocka_unit_test(one_answer_is_waited_for_and_told_by_nothing_else),
        cmocka_unit_test(an_answer_that_is_there_already_is_taken_out_of_its_turn),
        cmocka_unit_test(failures_are_waited_for_as_well),
        cmocka_unit_test(a_wait_for_an_answer_ends_otherwise),
        cmocka_unit_test(many_calls_at_once_are_each_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
