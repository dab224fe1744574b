/* Processes spawned on others, and functions called there. SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"
#include "term/gen.h"
#include "term/ident.h"
#include "term/read.h"
#include "term/write.h"
#include <noex/call.h>

static struct bench b;
static int user;

enum { LONG_MS = 60000, SHORT_MS = 60, USER_PID = 12, NEW_PID = 345 };

static const uint8_t nil_bytes[] = {106};
static const struct noex_term no_args = {nil_bytes, sizeof nil_bytes};

static struct noex_term term(const char *atom)
{
    return term_of(raw_atom(atom));
}

static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    b.beam[0].deaf = true;
}

static void open_plain(void)
{
    open_with(NX_DFLAGS_OURS);
}

static const char *where(void)
{
    return name_there(&b, 0, "x").node;
}

static struct nx_span list_of(unsigned count, const struct nx_span *elements)
{
    static uint8_t pool[4][4 * FAKE_TERM];
    static unsigned next;
    struct nx_buf out;
    nx_buf_fixed(&out, pool[next++ % 4], sizeof pool[0]);
    assert_int_equal(nx_write_list_head(&out, count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(nx_write_raw(&out, elements[i]), 0);
    assert_int_equal(nx_write_nil(&out), 0);
    return nx_buf_span(&out);
}
#define LIST(...)                                                                                  \
    list_of(sizeof((const struct nx_span[]){__VA_ARGS__}) / sizeof(struct nx_span),                \
            (const struct nx_span[]){__VA_ARGS__})

static noex_call_id rpc(uint64_t timeout_ms)
{
    noex_call_id id = 0;
    int rc = noex_rpc(b.node, where(), "mod", "fun", term_of(LIST(raw_atom("arg"))), timeout_ms,
                      &user, &id);
    if (rc)
        fail_msg("noex_rpc: %s", noex_node_error(b.node)->text);
    return id;
}

static noex_call_id spawn(const struct noex_pid *process, bool link, bool monitor)
{
    struct noex_spawn_options o;
    noex_call_id id = 0;
    noex_spawn_options_init(&o);
    o.node = where();
    o.module = "mod";
    o.function = "fun";
    o.args = term_of(LIST(raw_atom("arg"), raw_int(2)));
    o.process = process;
    o.link = link;
    o.monitor = monitor;
    o.timeout_ms = LONG_MS;
    o.user = &user;
    int rc = noex_spawn(b.node, &o, &id);
    if (rc)
        fail_msg("noex_spawn: %s", noex_node_error(b.node)->text);
    return id;
}

static struct nx_span arg(const struct fake_signal *s, enum nx_arg which)
{
    return fake_signal_arg(s, which);
}

static struct nx_span copy(uint8_t *bytes, struct nx_span s)
{
    assert_true(s.len <= FAKE_TERM);
    memcpy(bytes, s.ptr, s.len);
    return nx_span(bytes, s.len);
}

/* The question who `user` is: with a monitor, answered with this term. */
static void answer_leader(struct nx_span answer)
{
    struct nx_gen gen;
    struct nx_gen_caller caller;
    uint8_t bytes[3][FAKE_TERM];
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_MONITOR_P, NX_OP_REG_SEND);
    const struct fake_signal *m = fake_beam_signal(&b.beam[0], NX_OP_MONITOR_P, 0);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_REG_SEND, 0);
    assert_span(arg(m, NX_ARG_TARGET), raw_atom("rex"));
    assert_span(arg(s, NX_ARG_NAME), raw_atom("rex"));
    nx_gen_parse(fake_signal_payload(s), &gen);
    assert_int_equal(gen.kind, NX_GEN_CALL);
    assert_true(nx_gen_caller_parse(gen.caller, &caller));
    assert_span(caller.tag, arg(m, NX_ARG_REF));
    assert_span(gen.term, RAW_TUPLE(raw_atom("call"), raw_atom("erlang"), raw_atom("whereis"),
                                    LIST(raw_atom("user")), raw_atom("user")));
    struct nx_span tag = copy(bytes[0], caller.tag), pid = copy(bytes[1], caller.pid);
    bench_forget_signals(&b, 0);
    if (answer.len)
        SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(tag, copy(bytes[2], answer)), [NX_ARG_TO] = pid);
    else
        SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT, raw_atom("noproc"),
            [NX_ARG_TARGET] = raw_atom("rex"), [NX_ARG_TO] = pid, [NX_ARG_REF] = tag);
    bench_settle(&b);
}

static void answer_leader_well(void)
{
    answer_leader(raw_their_pid(&b, 0, USER_PID));
    assert_int_equal(b.beam[0].ops[NX_OP_DEMONITOR_P], 1);
}

/* A request as it came to the fake. */
struct request {
    uint8_t bytes[3][FAKE_TERM];
    struct nx_span ref, from, result; /* of a remote call: what its result begins with */
};

/* The last signal is a request; the signals are forgotten. */
static void take_request(struct request *r)
{
    bench_settle(&b);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_SPAWN_REQUEST, 0);
    assert_non_null(s);
    r->ref = copy(r->bytes[0], arg(s, NX_ARG_REF));
    r->from = copy(r->bytes[1], arg(s, NX_ARG_FROM));
    struct nx_rd in = nx_rd(fake_signal_payload(s));
    uint32_t count;
    r->result = no_payload;
    if (nx_read_list_head(&in, &count) && count == 4 && nx_read_term(&in, &r->result))
        r->result = copy(r->bytes[2], r->result);
    bench_forget_signals(&b, 0);
}

static void reply_spawn(const struct request *r, unsigned flags, struct nx_span result)
{
    SAY(&b, 0, NX_OP_SPAWN_REPLY, no_payload, [NX_ARG_REF] = r->ref, [NX_ARG_TO] = r->from,
        [NX_ARG_FLAGS] = raw_int(flags), [NX_ARG_RESULT] = result);
    bench_settle(&b);
}

static void spawned(const struct request *r, unsigned flags)
{
    reply_spawn(r, flags, raw_their_pid(&b, 0, NEW_PID));
}

static void down(const struct request *r, struct nx_span reason)
{
    SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT,
        reason, [NX_ARG_TARGET] = raw_their_pid(&b, 0, NEW_PID), [NX_ARG_TO] = r->from,
        [NX_ARG_REF] = r->ref);
    bench_settle(&b);
}

/* A remote call that runs there. */
static noex_call_id running_rpc(struct request *r, uint64_t timeout_ms)
{
    noex_call_id id = rpc(timeout_ms);
    answer_leader_well();
    take_request(r);
    spawned(r, NX_SPAWN_MONITOR);
    EXPECT_NO_SIGNALS(&b, 0);
    return id;
}

static const struct seen *outcome(enum noex_event_type type, noex_call_id id)
{
    const struct seen *s = bench_event(&b, type, 0);
    assert_int_equal(b.count[type], 1);
    assert_true(s->call == id && s->call_user == &user);
    return s;
}

static void assert_failed(noex_call_id id, int code)
{
    assert_int_equal(outcome(CALL_FAILED, id)->code, code);
    assert_int_equal(b.count[REPLY] + b.count[SPAWNED], 0);
}

static bool is_new_pid(const struct seen *s)
{
    const struct noex_pid pid = {NEW_PID, 0, b.beam[0].opts.creation};
    return s->has_from && same_pid(&s->from, &pid);
}

/* ---- remote calls ---- */

static void a_remote_call_is_a_spawned_process_whose_end_brings_the_value(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    noex_call_id id = rpc(LONG_MS);
    answer_leader_well();
    EXPECT_SIGNALS(&b, 0, NX_OP_DEMONITOR_P, NX_OP_SPAWN_REQUEST);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_SPAWN_REQUEST, 0);
    assert_span(arg(s, NX_ARG_LEADER), raw_their_pid(&b, 0, USER_PID));
    assert_span(arg(s, NX_ARG_MFA),
                RAW_TUPLE(raw_atom("erpc"), raw_atom("execute_call"), raw_int(4)));
    assert_span(arg(s, NX_ARG_OPTS), LIST(raw_atom("monitor")));
    assert_span(fake_signal_payload(s),
                LIST(arg(s, NX_ARG_REF), raw_atom("mod"), raw_atom("fun"), LIST(raw_atom("arg"))));
    take_request(&r);
    spawned(&r, NX_SPAWN_MONITOR);
    assert_int_equal(b.seen_count, 0);
    down(&r, RAW_TUPLE(r.result, raw_atom("return"), raw_atom("value")));
    assert_term(outcome(REPLY, id), raw_atom("value"));
    EXPECT_EVENTS(&b, REPLY);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static void what_comes_of_a_remote_call_is_told_by_its_form(void **state)
{
    (void)state;
    struct request r;
    for (int i = 0; i < 9; i++) {
        open_plain();
        noex_call_id id = running_rpc(&r, LONG_MS);
        struct nx_span ok = raw_atom("ok"), x = raw_atom("x"), error = raw_atom("error");
        struct nx_span refused = RAW_TUPLE(raw_atom("erpc"), x);
        const struct {
            struct nx_span reason, term;
            int code;
        } cases[] = {
            {RAW_TUPLE(r.result, raw_atom("throw"), x), RAW_TUPLE(raw_atom("throw"), x),
             NOEX_EEXCEPTION},
            {RAW_TUPLE(r.result, raw_atom("exit"), x), RAW_TUPLE(raw_atom("exit"), x),
             NOEX_EEXCEPTION},
            {RAW_TUPLE(r.result, error, x, ok), RAW_TUPLE(error, x, ok), NOEX_EEXCEPTION},
            {RAW_TUPLE(r.result, error, refused), RAW_TUPLE(error, refused), NOEX_ENOTSUP},
            {raw_atom("killed"), raw_atom("killed"), NOEX_ENOPROC},
            {RAW_TUPLE(ok, x), RAW_TUPLE(ok, x), NOEX_ENOPROC},
            {RAW_TUPLE(raw_their_ref(&b, 0, 1), raw_atom("return"), x),
             RAW_TUPLE(raw_their_ref(&b, 0, 1), raw_atom("return"), x), NOEX_ENOPROC},
            {RAW_TUPLE(r.result, ok), RAW_TUPLE(r.result, ok), NOEX_ENOPROC},
            {RAW_TUPLE(ok, ok, ok), RAW_TUPLE(ok, ok, ok), NOEX_ENOPROC},
        };
        down(&r, cases[i].reason);
        assert_failed(id, cases[i].code);
        assert_term(outcome(CALL_FAILED, id), cases[i].term);
        EXPECT_NO_SIGNALS(&b, 0);
        bench_close(&b);
    }
}

static void a_value_that_cannot_be_taken_whole_is_a_failure(void **state)
{
    (void)state;
    static uint8_t deep[4096], bytes[8192];
    struct request r;
    struct nx_buf out;
    open_plain();
    noex_call_id id = running_rpc(&r, LONG_MS);
    for (size_t i = 0; i < 1100; i++)
        memcpy(deep + 2 * i, (const uint8_t[]){104, 1}, 2);
    deep[2200] = 106;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(nx_write_tuple_head(&out, 3), 0);
    assert_int_equal(nx_write_raw(&out, r.result), 0);
    assert_int_equal(nx_write_atom(&out, "return"), 0);
    assert_int_equal(nx_write_raw(&out, nx_span(deep, 2201)), 0);
    down(&r, nx_buf_span(&out));
    assert_failed(id, NOEX_ETOOBIG);
    bench_close(&b);
}

/* Beyond reason_max, which holds for the reasons of monitors. */
static void a_value_may_be_as_long_as_a_message(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    static uint8_t value[LEN], back[LEN];
    struct request r;
    struct nx_buf out;
    const struct noex_event *e;
    bench_init(&b);
    b.options.reason_max = 4096;
    b.pull = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_call_id id = running_rpc(&r, LONG_MS);
    for (size_t i = 0; i < LEN; i++)
        value[i] = (uint8_t)(i * 7);
    nx_buf_init(&out, &b.alloc.a, SIZE_MAX);
    assert_int_equal(nx_write_tuple_head(&out, 3), 0);
    assert_int_equal(nx_write_raw(&out, r.result), 0);
    assert_int_equal(nx_write_atom(&out, "return"), 0);
    assert_int_equal(nx_write_binary(&out, nx_span(value, LEN)), 0);
    SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT,
        nx_buf_span(&out), [NX_ARG_TARGET] = raw_their_pid(&b, 0, NEW_PID), [NX_ARG_TO] = r.from,
        [NX_ARG_REF] = r.ref);
    nx_buf_free(&out);
    int rc;
    while ((rc = noex_wait_reply(b.node, id, 1, &e)) == NOEX_EWAIT)
        fake_beam_step(&b.beam[0]);
    assert_int_equal(rc, 0);
    assert_int_equal(e->type, REPLY);
    assert_int_equal(e->term_len, 5 + LEN);
    memcpy(back, e->term + 5, LEN);
    assert_memory_equal(back, value, LEN);
    bench_close(&b);
}

/* ---- who the group leader is ---- */

static void the_leader_is_asked_for_once_a_connection(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    rpc(LONG_MS);
    rpc(LONG_MS); /* waits with it */
    answer_leader_well();
    EXPECT_SIGNALS(&b, 0, NX_OP_DEMONITOR_P, NX_OP_SPAWN_REQUEST, NX_OP_SPAWN_REQUEST);
    take_request(&r);
    rpc(LONG_MS);
    bench_settle(&b);
    bench_only_signal(&b, 0, NX_OP_SPAWN_REQUEST);
    bench_forget_signals(&b, 0);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    rpc(LONG_MS);
    bench_until(&b, UP, 1);
    answer_leader_well();
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], 1);
    bench_close(&b);
}

static void without_a_user_there_this_node_stands_for_it(void **state)
{
    (void)state;
    uint8_t third[FAKE_TERM];
    for (int i = 0; i < 4; i++) {
        struct request r;
        open_plain();
        noex_call_id id = rpc(LONG_MS);
        struct nx_span badrpc = RAW_TUPLE(raw_atom("badrpc"), raw_atom("nodedown"));
        answer_leader(i == 0   ? raw_atom("undefined")
                      : i == 1 ? badrpc
                      : i == 2 ? fake_pid("third@127.0.0.1", 1, 2, 3, third)
                               : no_payload); /* there is no rex */
        assert_int_equal(b.beam[0].ops[NX_OP_DEMONITOR_P], i == 3 ? 0 : 1);
        const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_SPAWN_REQUEST, 0);
        assert_non_null(s);
        assert_span(arg(s, NX_ARG_LEADER), arg(s, NX_ARG_FROM));
        take_request(&r);
        spawned(&r, NX_SPAWN_MONITOR);
        down(&r, RAW_TUPLE(r.result, raw_atom("return"), raw_atom("value")));
        outcome(REPLY, id);
        bench_close(&b);
    }
}

/* A peer that is asked and says nothing: each has its own time. */
static void what_waits_for_the_leader_has_its_time(void **state)
{
    (void)state;
    open_plain();
    noex_call_id id = rpc(SHORT_MS);
    bench_until(&b, CALL_FAILED, 1);
    assert_failed(id, NOEX_ECALLTIMEOUT);
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], 0);
    answer_leader_well();
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], 0);
    bench_close(&b);
}

/* ---- spawning ---- */

static void a_process_is_spawned_with_what_was_asked_for(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    struct noex_pid me = bench_process(&b, NULL, false);
    for (int i = 0; i < 6; i++) {
        bool own = i % 2, monitor = i / 2 >= 1, link = i / 2 == 2 && own;
        noex_call_id id = spawn(own ? &me : NULL, link, monitor);
        if (i == 0)
            answer_leader_well();
        bench_settle(&b);
        const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_SPAWN_REQUEST, 0);
        assert_non_null(s);
        assert_span(arg(s, NX_ARG_MFA), RAW_TUPLE(raw_atom("mod"), raw_atom("fun"), raw_int(2)));
        assert_span(fake_signal_payload(s), LIST(raw_atom("arg"), raw_int(2)));
        assert_span(arg(s, NX_ARG_OPTS), link      ? LIST(raw_atom("link"), raw_atom("monitor"))
                                         : monitor ? LIST(raw_atom("monitor"))
                                                   : nx_span(nil_bytes, 1));
        if (own)
            assert_span(arg(s, NX_ARG_FROM), raw_pid(&b, &me));
        take_request(&r);
        spawned(&r, (link ? NX_SPAWN_LINK : 0u) | (monitor ? NX_SPAWN_MONITOR : 0u));
        const struct seen *e = outcome(SPAWNED, id);
        assert_true(is_new_pid(e));
        assert_string_equal(e->node, "beam@127.0.0.1");
        assert_int_equal(same_pid(&e->process, &me), own);
        bench_forget(&b);
        down(&r, raw_atom("killed"));
        assert_int_equal(b.count[SPAWN_DOWN], monitor);
        if (monitor) {
            e = outcome(SPAWN_DOWN, id);
            assert_true(is_new_pid(e) && e->reason == NOEX_REASON_KILLED);
            assert_term(e, raw_atom("killed"));
        }
        bench_forget(&b);
        bench_forget_signals(&b, 0);
    }
    bench_close(&b);
}

static void what_was_spawned_with_a_link_is_linked(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    struct noex_pid traps = bench_process(&b, NULL, true), me = bench_process(&b, NULL, false);
    spawn(&traps, true, false);
    answer_leader_well();
    take_request(&r);
    spawned(&r, NX_SPAWN_LINK);
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT,
        raw_atom("over"), [NX_ARG_FROM] = raw_their_pid(&b, 0, NEW_PID), [NX_ARG_TO] = r.from);
    bench_settle(&b);
    EXPECT_EVENTS(&b, SPAWNED, P_EXIT);
    assert_term(bench_event(&b, P_EXIT, 0), raw_atom("over"));
    bench_forget(&b);
    spawn(&me, true, true);
    take_request(&r);
    spawned(&r, NX_SPAWN_LINK | NX_SPAWN_MONITOR);
    assert_int_equal(noex_process_exit(b.node, &me, term("ends")), 0);
    bench_settle(&b);
    EXPECT_SIGNALS(&b, 0, NX_OP_PAYLOAD_EXIT, NX_OP_DEMONITOR_P);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_PAYLOAD_EXIT, 0);
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, NEW_PID));
    assert_span(fake_signal_payload(s), raw_atom("ends"));
    EXPECT_EVENTS(&b, SPAWNED, P_END);
    /* A link that was not set up is none. */
    struct noex_pid other = bench_process(&b, NULL, false);
    bench_forget_signals(&b, 0);
    spawn(&other, true, false);
    take_request(&r);
    spawned(&r, 0);
    assert_int_equal(noex_process_exit(b.node, &other, term("ends")), 0);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

static void a_refusal_says_why(void **state)
{
    (void)state;
    struct request r;
    for (int i = 0; i < 4; i++) {
        open_plain();
        noex_call_id id = i % 2 ? rpc(LONG_MS) : spawn(NULL, false, true);
        answer_leader_well();
        take_request(&r);
        const char *why = i < 2 ? "notsup" : "system_limit";
        reply_spawn(&r, 0, raw_atom(why));
        assert_failed(id, NOEX_ENOTSUP);
        assert_term(outcome(CALL_FAILED, id), raw_atom(why));
        bench_settle(&b);
        EXPECT_NO_SIGNALS(&b, 0);
        bench_close(&b);
    }
}

static void a_node_that_takes_no_requests_is_not_asked(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS & ~NX_DFLAG_SPAWN);
    noex_call_id id = rpc(LONG_MS);
    bench_settle(&b);
    assert_failed(id, NOEX_ENOTSUP);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

/* It would be told of no end, ever. */
static void what_should_be_monitored_and_is_not_is_over_at_once(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    noex_call_id id = rpc(LONG_MS);
    answer_leader_well();
    take_request(&r);
    spawned(&r, 0);
    assert_failed(id, NOEX_ENOTSUP);
    bench_forget(&b);
    id = spawn(NULL, false, true);
    take_request(&r);
    spawned(&r, 0);
    outcome(SPAWNED, id);
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    const struct noex_event *e;
    assert_int_equal(noex_wait_reply(b.node, id, 0, &e), NOEX_EINVALID);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

/* ---- giving up ---- */

static void expect_let_go(const struct request *r, bool link)
{
    bench_settle(&b);
    if (link)
        EXPECT_SIGNALS(&b, 0, NX_OP_PAYLOAD_EXIT, NX_OP_DEMONITOR_P);
    else
        EXPECT_SIGNALS(&b, 0, NX_OP_DEMONITOR_P);
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_DEMONITOR_P, 0);
    assert_span(arg(s, NX_ARG_FROM), r->from);
    assert_span(arg(s, NX_ARG_TARGET), raw_their_pid(&b, 0, NEW_PID));
    assert_span(arg(s, NX_ARG_REF), r->ref);
    if (!link)
        return;
    s = fake_beam_signal(&b.beam[0], NX_OP_PAYLOAD_EXIT, 0);
    assert_span(arg(s, NX_ARG_FROM), r->from);
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, NEW_PID));
    assert_span(fake_signal_payload(s), raw_atom("abandoned"));
}

static void what_was_given_up_before_it_was_there_is_let_go_when_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct request r;
        open_plain();
        struct noex_pid me = bench_process(&b, NULL, false);
        bool link = i >= 2;
        noex_call_id id = link ? spawn(&me, true, true) : rpc(i == 0 ? SHORT_MS : LONG_MS);
        answer_leader_well();
        take_request(&r);
        if (i == 0)
            bench_until(&b, CALL_FAILED, 1);
        else if (i == 3)
            assert_int_equal(noex_process_exit(b.node, &me, term("normal")), 0);
        else
            assert_int_equal(noex_call_cancel(b.node, id), 0);
        bench_settle(&b);
        EXPECT_NO_SIGNALS(&b, 0);
        bench_forget(&b);
        if (i == 4) { /* nothing was made */
            reply_spawn(&r, 0, raw_atom("system_limit"));
            EXPECT_NO_SIGNALS(&b, 0);
        } else {
            spawned(&r, NX_SPAWN_MONITOR | (link ? NX_SPAWN_LINK : 0u));
            expect_let_go(&r, link);
        }
        down(&r, raw_atom("late"));
        assert_int_equal(b.count[SPAWNED] + b.count[SPAWN_DOWN] + b.count[REPLY], 0);
        bench_close(&b);
    }
}

static void what_runs_there_is_watched_no_more_once_it_is_given_up(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct request r;
        noex_call_id id;
        open_plain();
        struct noex_pid me = bench_process(&b, NULL, false);
        if (i < 2) {
            id = running_rpc(&r, i ? LONG_MS : SHORT_MS);
        } else {
            id = spawn(&me, false, true);
            answer_leader_well();
            take_request(&r);
            spawned(&r, NX_SPAWN_MONITOR);
        }
        if (i == 0)
            bench_until(&b, CALL_FAILED, 1);
        else if (i == 3)
            assert_int_equal(noex_process_exit(b.node, &me, term("normal")), 0);
        else
            assert_int_equal(noex_call_cancel(b.node, id), 0);
        expect_let_go(&r, false);
        bench_forget(&b);
        down(&r, raw_atom("late"));
        assert_int_equal(b.count[SPAWN_DOWN] + b.count[REPLY], 0);
        bench_close(&b);
    }
}

static void what_was_cancelled_before_it_was_sent_is_not_sent(void **state)
{
    (void)state;
    open_plain();
    noex_call_id id = rpc(LONG_MS);
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0); /* nobody wants to know the leader */
    id = rpc(LONG_MS);
    bench_settle(&b);
    assert_int_equal(noex_call_cancel(b.node, id), 0);
    answer_leader_well();
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], 0);
    bench_close(&b);
}

/* ---- connections ---- */

static void a_lost_connection_ends_all_of_it_before_it_says_so(void **state)
{
    (void)state;
    struct request r;
    open_plain();
    noex_call_id running = running_rpc(&r, LONG_MS);
    noex_call_id asked = rpc(LONG_MS);
    take_request(&r);
    noex_call_id there = spawn(NULL, false, true);
    take_request(&r);
    spawned(&r, NX_SPAWN_MONITOR);
    bench_forget(&b);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, CALL_FAILED, CALL_FAILED, SPAWN_DOWN, DOWN);
    const noex_call_id ids[] = {running, asked};
    for (size_t i = 0; i < 2; i++) {
        const struct seen *s = bench_event(&b, CALL_FAILED, i);
        assert_true(s->call == ids[i]);
        assert_int_equal(s->code, NOEX_ENOTREACHABLE);
        assert_int_equal(s->origin, NOEX_ORIGIN_LOCAL);
    }
    const struct seen *s = outcome(SPAWN_DOWN, there);
    assert_true(is_new_pid(s));
    assert_term(s, raw_atom("noconnection"));
    assert_int_equal(s->reason, NOEX_REASON_NOCONNECTION);
    assert_int_equal(s->origin, NOEX_ORIGIN_LOCAL);
    bench_close(&b);
}

static void nodes_with_a_name_or_without_connect_for_it(void **state)
{
    (void)state;
    for (int dynamic = 0; dynamic <= 1; dynamic++) {
        struct request r;
        bench_init(&b);
        if (dynamic)
            b.options.name = NULL;
        bench_open(&b);
        bench_beam(&b, NULL);
        noex_call_id id = rpc(LONG_MS);
        b.beam[0].deaf = true;
        bench_until(&b, UP, 1);
        answer_leader_well();
        take_request(&r);
        spawned(&r, NX_SPAWN_MONITOR);
        down(&r, RAW_TUPLE(r.result, raw_atom("return"), raw_atom("value")));
        outcome(REPLY, id);
        bench_close(&b);
    }
}

static void an_attempt_that_fails_fails_what_waits_for_it(void **state)
{
    (void)state;
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, NULL);
    const char *to = where();
    char address[300];
    snprintf(address, sizeof address, "%s", to);
    fake_beam_refuse(&b.beam[0]);
    noex_call_id id = rpc(LONG_MS);
    bench_until(&b, FAILED, 1);
    EXPECT_EVENTS(&b, CALL_FAILED, FAILED);
    assert_failed(id, NOEX_ECONNREFUSED);
    bench_close(&b);
}

/* ---- what others say without being asked ---- */

static void replies_that_fit_nothing_are_dropped(void **state)
{
    (void)state;
    struct request r;
    uint8_t third[FAKE_TERM];
    open_plain();
    bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1"});
    bench_connect(&b, 1);
    b.beam[1].deaf = true;
    bench_forget(&b);
    noex_call_id id = rpc(LONG_MS);
    answer_leader_well();
    take_request(&r);
    /* From another node; with a pid of a third; to nobody; twice. */
    SAY(&b, 1, NX_OP_SPAWN_REPLY, no_payload, [NX_ARG_REF] = r.ref, [NX_ARG_TO] = r.from,
        [NX_ARG_FLAGS] = raw_int(2), [NX_ARG_RESULT] = raw_their_pid(&b, 1, 5));
    SAY(&b, 0, NX_OP_SPAWN_REPLY,
        no_payload, [NX_ARG_REF] = raw_their_ref(&b, 0, 1), [NX_ARG_TO] = r.from,
        [NX_ARG_FLAGS] = raw_int(2), [NX_ARG_RESULT] = raw_their_pid(&b, 0, 5));
    bench_settle(&b);
    spawned(&r, NX_SPAWN_MONITOR);
    reply_spawn(&r, 0, raw_atom("notsup"));
    spawned(&r, NX_SPAWN_MONITOR);
    assert_int_equal(b.seen_count, 0);
    down(&r, RAW_TUPLE(r.result, raw_atom("return"), raw_atom("value")));
    outcome(REPLY, id);
    EXPECT_NO_SIGNALS(&b, 0);
    EXPECT_NO_SIGNALS(&b, 1);
    /* Of what is over: a pid of a third node is let go by nobody. */
    reply_spawn(&r, 3, fake_pid("third@127.0.0.1", 1, 2, 3, third));
    EXPECT_NO_SIGNALS(&b, 0);
    /* A reply to a call by its reference is no answer to a remote call. */
    id = rpc(LONG_MS);
    take_request(&r);
    SAY(&b, 0, NX_OP_SEND, RAW_TUPLE(r.ref, raw_atom("forged")), [NX_ARG_TO] = r.from);
    bench_settle(&b);
    assert_int_equal(b.count[REPLY], 1);
    assert_int_equal(bench_stats(&b).connections, 2);
    bench_close(&b);
}

/* ---- what the functions refuse ---- */

static void expect_error(int rc, int code)
{
    if (rc != code)
        fail_msg("%s, not %s", noex_error_name(rc), noex_error_name(code));
    assert_int_equal(noex_node_error(b.node)->code, code);
}

static int try_rpc(const char *peer, const char *module, const char *function,
                   struct noex_term args)
{
    noex_call_id id;
    return noex_rpc(b.node, peer, module, function, args, 0, NULL, &id);
}

static int try_spawn(struct noex_spawn_options o, const char *peer, const char *module,
                     struct noex_term args)
{
    noex_call_id id;
    o.node = peer;
    o.module = module;
    o.function = "f";
    o.args = args;
    return noex_spawn(b.node, &o, &id);
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 2, 106}, improper[] = {108, 0, 0, 0, 1, 106, 97, 1};
    const struct noex_term bad = {cut, sizeof cut}, tail = {improper, sizeof improper};
    struct noex_pid dead = {4711, 1, 0};
    struct noex_spawn_options o, small;
    noex_call_id id;
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    open_plain();
    const char *to = where();
    assert_int_equal(noex_rpc(NULL, to, "m", "f", no_args, 0, NULL, &id), NOEX_EINVALID);
    expect_error(noex_rpc(b.node, to, "m", "f", no_args, 0, NULL, NULL), NOEX_EINVALID);
    expect_error(try_rpc(NULL, "m", "f", no_args), NOEX_EINVALID);
    expect_error(try_rpc(to, NULL, "f", no_args), NOEX_EINVALID);
    expect_error(try_rpc(to, "m", NULL, no_args), NOEX_EINVALID);
    expect_error(try_rpc(to, long_name, "f", no_args), NOEX_EINVALID);
    expect_error(try_rpc(to, "m", "\xff", no_args), NOEX_EINVALID);
    expect_error(try_rpc("mon@127.0.0.1", "m", "f", no_args), NOEX_EINVALID);
    expect_error(try_rpc("nowhere", "m", "f", no_args), NOEX_ENODENAME);
    expect_error(try_rpc(to, "m", "f", bad), NOEX_ETERM);
    expect_error(try_rpc(to, "m", "f", tail), NOEX_ETERM);
    expect_error(try_rpc(to, "m", "f", term("atom")), NOEX_ETERM);
    noex_spawn_options_init(&o);
    noex_spawn_options_init(NULL);
    assert_int_equal(noex_spawn(NULL, &o, &id), NOEX_EINVALID);
    expect_error(noex_spawn(b.node, NULL, &id), NOEX_EINVALID);
    expect_error(noex_spawn(b.node, &o, NULL), NOEX_EINVALID);
    expect_error(try_spawn(o, NULL, "m", no_args), NOEX_EINVALID);
    expect_error(try_spawn(o, to, NULL, no_args), NOEX_EINVALID);
    expect_error(try_spawn(o, "mon@127.0.0.1", "m", no_args), NOEX_EINVALID);
    expect_error(try_spawn(o, "nowhere", "m", no_args), NOEX_ENODENAME);
    expect_error(try_spawn(o, to, "m", bad), NOEX_ETERM);
    expect_error(try_spawn(o, to, "m", tail), NOEX_ETERM);
    small = o;
    small.size = 8;
    expect_error(try_spawn(small, to, "m", no_args), NOEX_EINVALID);
    small.size = SIZE_MAX;
    expect_error(try_spawn(small, to, "m", no_args), NOEX_EINVALID);
    o.link = 1;
    expect_error(try_spawn(o, to, "m", no_args), NOEX_EINVALID);
    o.process = &dead;
    expect_error(try_spawn(o, to, "m", no_args), NOEX_ENOPROC);
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

/* A program that was compiled with a shorter struct, or with a longer one. */
static void options_of_any_header_are_taken(void **state)
{
    (void)state;
    struct {
        struct noex_spawn_options o;
        uint64_t later;
    } longer;
    open_plain();
    noex_spawn_options_init_size(&longer.o, sizeof longer);
    assert_int_equal(longer.o.size, sizeof longer);
    assert_int_equal(longer.later, 0);
    assert_memory_equal(longer.o.args.bytes, nil_bytes, 1);
    assert_int_equal(try_spawn(longer.o, where(), "m", no_args), 0);
    struct noex_spawn_options shorter;
    memset(&shorter, 0xff, sizeof shorter);
    noex_spawn_options_init_size(&shorter, offsetof(struct noex_spawn_options, process));
    assert_int_equal(try_spawn(shorter, where(), "m", no_args), 0);
    bench_close(&b);
}

static struct noex_term big_args(size_t len)
{
    static uint8_t bytes[1 << 20], zeroes[1 << 19];
    struct nx_buf out;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(nx_write_list_head(&out, 1), 0);
    assert_int_equal(nx_write_binary(&out, nx_span(zeroes, len)), 0);
    assert_int_equal(nx_write_nil(&out), 0);
    return term_of(nx_buf_span(&out));
}

static void more_than_may_wait_is_refused(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.out_max = 256 * 1024;
    b.options.out_high = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    struct noex_spawn_options o;
    noex_spawn_options_init(&o);
    const char *to = where();
    expect_error(try_rpc(to, "m", "f", big_args(300000)), NOEX_ELIMIT);
    expect_error(try_spawn(o, to, "m", big_args(300000)), NOEX_ELIMIT);
    int rc = 0, taken = 0;
    for (; taken < 100 && !rc; taken++)
        rc = try_rpc(to, "m", "f", big_args(50000));
    expect_error(rc, NOEX_EUNREAD);
    assert_in_range(taken, 5, 7);
    expect_error(try_spawn(o, to, "m", big_args(50000)), NOEX_EUNREAD);
    assert_int_equal(try_spawn(o, to, "m", no_args), 0);
    answer_leader_well();
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], taken); /* the refused one not */
    bench_close(&b);
}

/* It fits as it is kept, and not as it would be sent. */
static void a_request_that_grows_too_long_fails(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.out_max = 256 * 1024;
    b.options.out_high = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_call_id id;
    assert_int_equal(
        noex_rpc(b.node, where(), "m", "f", big_args(256 * 1024 - 40), LONG_MS, &user, &id), 0);
    answer_leader_well();
    bench_settle(&b);
    assert_failed(id, NOEX_ELIMIT);
    assert_int_equal(b.beam[0].ops[NX_OP_SPAWN_REQUEST], 0);
    bench_close(&b);
}

/* ---- memory ---- */

static void without_memory_nothing_has_happened(void **state)
{
    (void)state;
    for (int what = 0; what < 2; what++) {
        open_plain();
        struct noex_spawn_options o;
        noex_spawn_options_init(&o);
        const char *to = where();
        unsigned failures = 0;
        int rc = NOEX_ENOMEM;
        for (size_t k = 1; rc; k++) {
            b.alloc.fail_at = b.alloc.calls + k;
            rc = what ? try_rpc(to, "m", "f", no_args) : try_spawn(o, to, "m", no_args);
            b.alloc.fail_at = 0;
            if (rc)
                expect_error(rc, NOEX_ENOMEM);
            failures += rc != 0;
        }
        assert_in_range(failures, 3, 20);
        bench_settle(&b);
        EXPECT_SIGNALS(&b, 0, NX_OP_MONITOR_P, NX_OP_REG_SEND);
        bench_close(&b);
    }
}

static bool was_sent(struct bench *bench)
{
    return bench->beam[0].ops[NX_OP_SPAWN_REQUEST] == 1;
}

static bool was_asked(struct bench *bench)
{
    return bench->beam[0].ops[NX_OP_REG_SEND] == 1;
}

/* Sends a remote call without memory for a moment: in the question for the leader, or in the
 * request itself. True where an allocation failed. */
static bool starve_a_request(int stage, size_t k, bool on)
{
    struct request r;
    open_plain();
    noex_call_id id = rpc(LONG_MS);
    if (stage)
        bench_until_true(&b, was_asked);
    b.alloc.fail_at = b.alloc.calls + k;
    b.alloc.fail_on = on;
    if (stage)
        answer_leader(raw_their_pid(&b, 0, USER_PID));
    else
        bench_for(&b, 5);
    bool failed = b.alloc.failed > 0;
    b.alloc.fail_at = 0;
    if (!stage) {
        bench_until_true(&b, was_asked);
        answer_leader(raw_their_pid(&b, 0, USER_PID));
    }
    bench_until_true(&b, was_sent);
    take_request(&r);
    spawned(&r, NX_SPAWN_MONITOR);
    down(&r, RAW_TUPLE(r.result, raw_atom("return"), raw_atom("value")));
    outcome(REPLY, id);
    bench_close(&b);
    return failed;
}

static void a_request_waits_for_memory_to_be_sent(void **state)
{
    (void)state;
    for (int stage = 0; stage <= 1; stage++) {
        for (int on = 0; on <= 1; on++) {
            size_t k = 1;
            while (starve_a_request(stage, k, on))
                k++;
            assert_in_range(k, 2, 30);
        }
    }
}

static void an_outcome_without_memory_is_a_failure(void **state)
{
    (void)state;
    static const char *const forms[] = {"return", "exit", ""};
    for (int i = 0; i < 3; i++) {
        struct request r;
        open_plain();
        noex_call_id id = running_rpc(&r, LONG_MS);
        struct nx_span reason =
            i == 2 ? raw_atom("killed") : RAW_TUPLE(r.result, raw_atom(forms[i]), raw_atom("x"));
        SAY(&b, 0, NX_OP_PAYLOAD_MONITOR_P_EXIT,
            reason, [NX_ARG_TARGET] = raw_their_pid(&b, 0, NEW_PID), [NX_ARG_TO] = r.from,
            [NX_ARG_REF] = r.ref);
        b.alloc.fail_at = b.alloc.calls + 1;
        b.alloc.fail_on = true;
        bench_until(&b, CALL_FAILED, 1);
        b.alloc.fail_at = 0;
        b.alloc.fail_on = false;
        assert_failed(id, i == 0 ? NOEX_ENOMEM : i == 1 ? NOEX_EEXCEPTION : NOEX_ENOPROC);
        const struct seen *s = outcome(CALL_FAILED, id);
        assert_int_equal(s->term_len, 0);
        if (i == 2) {
            assert_int_equal(s->reason, NOEX_REASON_KILLED);
            assert_int_equal(s->term_full_len, raw_atom("killed").len);
        }
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_remote_call_is_a_spawned_process_whose_end_brings_the_value),
        cmocka_unit_test(what_comes_of_a_remote_call_is_told_by_its_form),
        cmocka_unit_test(a_value_that_cannot_be_taken_whole_is_a_failure),
        cmocka_unit_test(a_value_may_be_as_long_as_a_message),
        cmocka_unit_test(the_leader_is_asked_for_once_a_connection),
        cmocka_unit_test(without_a_user_there_this_node_stands_for_it),
        cmocka_unit_test(what_waits_for_the_leader_has_its_time),
        cmocka_unit_test(a_process_is_spawned_with_what_was_asked_for),
        cmocka_unit_test(what_was_spawned_with_a_link_is_linked),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_node_that_takes_no_requests_is_not_asked),
        cmocka_unit_test(what_should_be_monitored_and_is_not_is_over_at_once),
        cmocka_unit_test(what_was_given_up_before_it_was_there_is_let_go_when_it_is),
        cmocka_unit_test(what_runs_there_is_watched_no_more_once_it_is_given_up),
        cmocka_unit_test(what_was_cancelled_before_it_was_sent_is_not_sent),
        cmocka_unit_test(a_lost_connection_ends_all_of_it_before_it_says_so),
        cmocka_unit_test(nodes_with_a_name_or_without_connect_for_it),
        cmocka_unit_test(an_attempt_that_fails_fails_what_waits_for_it),
        cmocka_unit_test(replies_that_fit_nothing_are_dropped),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(options_of_any_header_are_taken),
        cmocka_unit_test(more_than_may_wait_is_refused),
        cmocka_unit_test(a_request_that_grows_too_long_fails),
        cmocka_unit_test(without_memory_nothing_has_happened),
        cmocka_unit_test(a_request_waits_for_memory_to_be_sent),
        cmocka_unit_test(an_outcome_without_memory_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
