/* Functions of this node that others call. SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"
#include "term/ident.h"
#include "term/write.h"
#include <noex/call.h>

static struct bench b;

enum { CALLER = 33 };

static const uint8_t nil_bytes[] = {106};
static const struct nx_span nil = {nil_bytes, sizeof nil_bytes};

static struct noex_term term(const char *atom)
{
    return term_of(raw_atom(atom));
}

static struct nx_span list_of(unsigned count, const struct nx_span *elements)
{
    static uint8_t pool[8][FAKE_TERM];
    static unsigned next;
    struct nx_buf out;
    nx_buf_fixed(&out, pool[next++ % 8], sizeof pool[0]);
    assert_int_equal(nx_write_list_head(&out, count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(nx_write_raw(&out, elements[i]), 0);
    assert_int_equal(nx_write_nil(&out), 0);
    return nx_buf_span(&out);
}
#define LIST(...)                                                                                  \
    list_of(sizeof((const struct nx_span[]){__VA_ARGS__}) / sizeof(struct nx_span),                \
            (const struct nx_span[]){__VA_ARGS__})

/* What the function does with its request. */
enum act { HOLD, RETURN, ERROR, EXIT, THROW, END };
static enum act act;
static int rc_of_act;

static void on_request(void *user, const struct noex_event *e)
{
    struct bench *bench = user;
    bench_told(user, e);
    if (e->type != REQUEST)
        return;
    switch (act) {
    case HOLD:
        return;
    case RETURN:
        rc_of_act = noex_return(bench->node, e->process, noex_event_term(e));
        return;
    case ERROR:
    case EXIT:
    case THROW:
        rc_of_act =
            noex_raise(bench->node, e->process, (enum noex_raise)(act - ERROR), term("why"));
        return;
    case END:
        rc_of_act = noex_process_exit(bench->node, e->process, term("why"));
        return;
    }
}

static void serve(void)
{
    assert_int_equal(noex_serve(b.node, "mod", "fun", 2, on_request, &b), 0);
    b.beam[0].deaf = true;
    act = RETURN;
    rc_of_act = 0;
}

static void open_plain(void)
{
    bench_citizen(&b, NX_DFLAGS_OURS);
    serve();
}

static struct nx_span arg(const struct fake_signal *s, enum nx_arg which)
{
    return fake_signal_arg(s, which);
}

/* A request of the fake: its reference is the first, what erpc puts into the result the second. */
static void ask(const char *module, const char *function, int arity, struct nx_span options,
                struct nx_span args)
{
    SAY(&b, 0, NX_OP_SPAWN_REQUEST, args, [NX_ARG_REF] = raw_their_ref(&b, 0, 1),
        [NX_ARG_FROM] = raw_their_pid(&b, 0, CALLER), [NX_ARG_LEADER] = raw_their_pid(&b, 0, 7),
        [NX_ARG_MFA] = RAW_TUPLE(raw_atom(module), raw_atom(function), raw_int(arity)),
        [NX_ARG_OPTS] = options);
    bench_settle(&b);
}

static struct nx_span two_args(void)
{
    return LIST(raw_int(1), raw_atom("b"));
}

static void erpc_of(const char *module, const char *function, struct nx_span args)
{
    ask("erpc", "execute_call", 4, LIST(raw_atom("monitor")),
        LIST(raw_their_ref(&b, 0, 2), raw_atom(module), raw_atom(function), args));
}

static void erpc(void)
{
    erpc_of("mod", "fun", two_args());
}

/* The n-th answer of the fake's: the reply, and the pid in it. */
static struct nx_span replied(unsigned n, unsigned flags)
{
    const struct fake_signal *s = fake_beam_signal(&b.beam[0], NX_OP_SPAWN_REPLY, n);
    struct nx_pid pid;
    assert_non_null(s);
    assert_span(arg(s, NX_ARG_REF), raw_their_ref(&b, 0, 1));
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, CALLER));
    assert_span(arg(s, NX_ARG_FLAGS), raw_int(flags));
    assert_true(nx_pid_parse(arg(s, NX_ARG_RESULT), &pid));
    assert_true(nx_span_is(pid.node, "mon@127.0.0.1"));
    return arg(s, NX_ARG_RESULT);
}

static void is_down(const struct fake_signal *s, struct nx_span pid, struct nx_span reason)
{
    assert_non_null(s);
    assert_span(arg(s, NX_ARG_TARGET), pid);
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, CALLER));
    assert_span(arg(s, NX_ARG_REF), raw_their_ref(&b, 0, 1));
    assert_span(fake_signal_payload(s), reason);
}

static const struct fake_signal *sent(enum nx_op op)
{
    return fake_beam_signal(&b.beam[0], op, 0);
}

static struct nx_span stack(const char *module, const char *function, struct nx_span arity)
{
    return LIST(RAW_TUPLE(raw_atom(module), raw_atom(function), arity, nil));
}

static struct noex_pid of_event(enum noex_event_type type)
{
    return bench_event(&b, type, 0)->process;
}

/* ---- requests ---- */

static void erpc_makes_a_process_whose_end_is_the_value(void **state)
{
    (void)state;
    open_plain();
    erpc();
    assert_int_equal(rc_of_act, 0);
    EXPECT_SIGNALS(&b, 0, NX_OP_SPAWN_REPLY, NX_OP_PAYLOAD_MONITOR_P_EXIT);
    struct nx_span pid = replied(0, NX_SPAWN_MONITOR);
    is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), pid,
            RAW_TUPLE(raw_their_ref(&b, 0, 2), raw_atom("return"), two_args()));
    EXPECT_EVENTS(&b, REQUEST, P_END);
    const struct seen *s = bench_event(&b, REQUEST, 0);
    const struct noex_pid caller = {CALLER, 0, b.beam[0].opts.creation};
    assert_true(s->own && s->has_from && same_pid(&s->from, &caller));
    assert_string_equal(s->node, "beam@127.0.0.1");
    assert_term(s, two_args());
    struct noex_pid process = of_event(REQUEST), ended = of_event(P_END);
    assert_span(pid, raw_pid(&b, &process));
    assert_true(same_pid(&process, &ended) && bench_event(&b, P_END, 0)->own);
    assert_false(noex_process_is_alive(b.node, &process));
    bench_close(&b);
}

static void each_way_to_end_has_its_form_for_erpc(void **state)
{
    (void)state;
    for (int how = ERROR; how <= END; how++) {
        open_plain();
        act = (enum act)how;
        erpc();
        assert_int_equal(rc_of_act, 0);
        struct nx_span ref = raw_their_ref(&b, 0, 2), why = raw_atom("why");
        struct nx_span wanted =
            how == ERROR   ? RAW_TUPLE(ref, raw_atom("error"), why, stack("mod", "fun", raw_int(2)))
            : how == EXIT  ? RAW_TUPLE(ref, raw_atom("exit"), why)
            : how == THROW ? RAW_TUPLE(ref, raw_atom("throw"), why)
                           : why;
        is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR), wanted);
        bench_close(&b);
    }
}

static void a_plain_spawn_runs_it_as_well_and_ends_as_a_process_does(void **state)
{
    (void)state;
    for (int how = RETURN; how <= END; how++) {
        open_plain();
        act = (enum act)how;
        ask("mod", "fun", 2, LIST(raw_atom("monitor")), two_args());
        assert_int_equal(rc_of_act, 0);
        struct nx_span why = raw_atom("why"), at = stack("mod", "fun", raw_int(2));
        struct nx_span wanted = how == RETURN  ? raw_atom("normal")
                                : how == ERROR ? RAW_TUPLE(why, at)
                                : how == THROW ? RAW_TUPLE(RAW_TUPLE(raw_atom("nocatch"), why), at)
                                               : why;
        is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR), wanted);
        assert_term(bench_event(&b, REQUEST, 0), two_args());
        bench_close(&b);
    }
}

static void a_cast_by_erpc_ends_as_on_a_beam(void **state)
{
    (void)state;
    for (int how = RETURN; how <= END; how++) {
        open_plain();
        act = (enum act)how;
        ask("erpc", "execute_cast", 3, LIST(raw_atom("monitor")),
            LIST(raw_atom("mod"), raw_atom("fun"), two_args()));
        struct nx_span why = raw_atom("why"), at = stack("mod", "fun", raw_int(2));
        struct nx_span wanted =
            how == RETURN  ? raw_atom("normal")
            : how == ERROR ? RAW_TUPLE(RAW_TUPLE(raw_atom("exception"), RAW_TUPLE(why, at)), at)
            : how == THROW ? RAW_TUPLE(RAW_TUPLE(raw_atom("nocatch"), why), at)
                           : why;
        is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR), wanted);
        bench_close(&b);
    }
}

static void nothing_is_said_of_what_nobody_monitors(void **state)
{
    (void)state;
    open_plain();
    ask("erpc", "execute_cast", 3, nil, LIST(raw_atom("mod"), raw_atom("fun"), two_args()));
    bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY);
    replied(0, 0);
    EXPECT_EVENTS(&b, REQUEST, P_END);
    bench_close(&b);
}

static void a_request_may_be_answered_later(void **state)
{
    (void)state;
    open_plain();
    act = HOLD;
    erpc();
    bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY);
    struct noex_pid process = of_event(REQUEST);
    assert_true(noex_process_is_alive(b.node, &process));
    assert_int_equal(noex_return(b.node, &process, term("later")), 0);
    bench_settle(&b);
    is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR),
            RAW_TUPLE(raw_their_ref(&b, 0, 2), raw_atom("return"), raw_atom("later")));
    bench_close(&b);
}

static void what_was_asked_for_is_set_up(void **state)
{
    (void)state;
    open_plain();
    act = HOLD;
    ask("mod", "fun", 2, LIST(raw_atom("link")), two_args());
    struct nx_span pid = replied(0, NX_SPAWN_LINK);
    struct noex_pid process = of_event(REQUEST);
    /* The group leader is the one named. */
    noex_builder *leader;
    struct noex_term found;
    assert_int_equal(noex_builder_new(&leader, NULL), 0);
    assert_int_equal(noex_group_leader(b.node, &process, leader), 0);
    assert_int_equal(noex_builder_term(leader, &found), 0);
    assert_span(nx_span(found.bytes, found.len), raw_their_pid(&b, 0, 7));
    noex_builder_free(leader);
    bench_forget_signals(&b, 0);
    assert_int_equal(noex_raise(b.node, &process, NOEX_RAISE_EXIT, term("why")), 0);
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_PAYLOAD_EXIT);
    assert_span(arg(s, NX_ARG_FROM), raw_pid(&b, &process));
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, CALLER));
    assert_span(fake_signal_payload(s), raw_atom("why"));
    (void)pid;
    /* And the other way round: the caller ends. */
    bench_forget(&b);
    bench_forget_signals(&b, 0);
    ask("mod", "fun", 2, LIST(raw_atom("link"), raw_atom("monitor")), two_args());
    process = of_event(REQUEST);
    replied(0, NX_SPAWN_LINK | NX_SPAWN_MONITOR);
    SAY(&b, 0, NX_OP_PAYLOAD_EXIT, raw_atom("over"), [NX_ARG_FROM] = raw_their_pid(&b, 0, CALLER),
        [NX_ARG_TO] = raw_pid(&b, &process));
    bench_settle(&b);
    EXPECT_EVENTS(&b, REQUEST, P_END);
    is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), raw_pid(&b, &process), raw_atom("over"));
    bench_close(&b);
}

static void the_options_of_a_beam_are_taken_and_others_are_not(void **state)
{
    (void)state;
    open_plain();
    act = HOLD;
    static const char *const ignored[] = {"priority",        "min_heap_size", "min_bin_vheap_size",
                                          "fullsweep_after", "max_heap_size", "message_queue_data",
                                          "async_dist",      "scheduler"};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        bench_forget_signals(&b, 0);
        ask("mod", "fun", 2, LIST(RAW_TUPLE(raw_atom(ignored[i]), raw_int(5))), two_args());
        replied(0, 0);
    }
    bench_forget_signals(&b, 0);
    ask("mod", "fun", 2,
        LIST(RAW_TUPLE(raw_atom("monitor"), nil), RAW_TUPLE(raw_atom("link"), nil)), two_args());
    replied(0, NX_SPAWN_LINK | NX_SPAWN_MONITOR);
    for (int i = 0; i < 6; i++) {
        static const uint8_t text[] = {107, 0, 1, 'a'};
        const struct nx_span bad[] = {
            LIST(RAW_TUPLE(raw_atom("reply"), raw_atom("yes"))),
            LIST(RAW_TUPLE(raw_atom("reply_tag"), raw_atom("tag"))),
            LIST(raw_atom("priority")),
            LIST(raw_atom("other")),
            LIST(RAW_TUPLE(raw_atom("monitor"), nil, nil)),
            nx_span(text, sizeof text),
        };
        bench_forget_signals(&b, 0);
        ask("mod", "fun", 2, bad[i], two_args());
        assert_span(arg(bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY), NX_ARG_RESULT),
                    raw_atom("badopt"));
    }
    bench_close(&b);
}

/* ---- what is not served ---- */

static void is_refused(const char *why)
{
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY);
    assert_span(arg(s, NX_ARG_REF), raw_their_ref(&b, 0, 1));
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, CALLER));
    assert_span(arg(s, NX_ARG_FLAGS), raw_int(0));
    assert_span(arg(s, NX_ARG_RESULT), raw_atom(why));
    assert_int_equal(b.count[REQUEST] + b.count[P_END], 0);
    bench_forget_signals(&b, 0);
}

static void a_node_that_serves_nothing_says_so(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(noex_serve(b.node, "mod", "fun", 2, NULL, NULL), 0);
    erpc();
    is_refused("notsup");
    ask("mod", "fun", 2, nil, two_args());
    is_refused("notsup");
    ask("mod", "fun", 2, LIST(raw_atom("nonsense")), two_args());
    is_refused("notsup");
    bench_close(&b);
}

static void a_function_that_is_not_served_is_undef_to_erpc_and_refused_to_spawns(void **state)
{
    (void)state;
    open_plain();
    static const char *const names[][2] = {{"mod", "fan"}, {"mad", "fun"}, {"mod", "fun"}};
    for (int i = 0; i < 3; i++) {
        struct nx_span args = i == 2 ? LIST(raw_int(1)) : two_args();
        erpc_of(names[i][0], names[i][1], args);
        EXPECT_SIGNALS(&b, 0, NX_OP_SPAWN_REPLY, NX_OP_PAYLOAD_MONITOR_P_EXIT);
        args = i == 2 ? LIST(raw_int(1)) : two_args();
        struct nx_span wanted = RAW_TUPLE(raw_their_ref(&b, 0, 2), raw_atom("error"),
                                          raw_atom("undef"), stack(names[i][0], names[i][1], args));
        is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR), wanted);
        bench_forget_signals(&b, 0);
        ask(names[i][0], names[i][1], 2, LIST(raw_atom("monitor")),
            i == 2 ? LIST(raw_int(1)) : two_args());
        is_refused("notsup");
    }
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void what_never_ran_tells_its_links_too(void **state)
{
    (void)state;
    open_plain();
    ask("erpc", "execute_cast", 3, LIST(raw_atom("link"), raw_atom("monitor")),
        LIST(raw_atom("mod"), raw_atom("fan"), nil));
    EXPECT_SIGNALS(&b, 0, NX_OP_SPAWN_REPLY, NX_OP_PAYLOAD_EXIT, NX_OP_PAYLOAD_MONITOR_P_EXIT);
    struct nx_span pid = replied(0, NX_SPAWN_LINK | NX_SPAWN_MONITOR);
    struct nx_span at = stack("mod", "fan", nil);
    struct nx_span wanted =
        RAW_TUPLE(RAW_TUPLE(raw_atom("exception"), RAW_TUPLE(raw_atom("undef"), at)), at);
    is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), pid, wanted);
    const struct fake_signal *s = sent(NX_OP_PAYLOAD_EXIT);
    assert_span(arg(s, NX_ARG_FROM), pid);
    assert_span(arg(s, NX_ARG_TO), raw_their_pid(&b, 0, CALLER));
    assert_span(fake_signal_payload(s), wanted);
    bench_forget_signals(&b, 0);
    ask("erpc", "execute_cast", 3, nil, LIST(raw_atom("mod"), raw_atom("fan"), nil));
    replied(0, 0);
    bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY);
    bench_close(&b);
}

static void arguments_that_are_none_are_badarg_to_erpc(void **state)
{
    (void)state;
    open_plain();
    static const uint8_t improper[] = {108, 0, 0, 0, 1, 97, 1, 97, 2};
    const struct nx_span odd[] = {raw_atom("atom"), nx_span(improper, sizeof improper)};
    for (int i = 0; i < 2; i++) {
        bench_forget_signals(&b, 0);
        erpc_of("mod", "fun", odd[i]);
        is_down(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT), replied(0, NX_SPAWN_MONITOR),
                RAW_TUPLE(raw_their_ref(&b, 0, 2), raw_atom("error"), raw_atom("badarg"),
                          stack("mod", "fun", odd[i])));
    }
    bench_close(&b);
}

static void what_is_no_request_of_any_form_is_refused(void **state)
{
    (void)state;
    open_plain();
    for (int i = 0; i < 7; i++) {
        struct nx_span ref = raw_their_ref(&b, 0, 2), m = raw_atom("mod"), f = raw_atom("fun");
        const struct nx_span args[] = {
            nil,
            LIST(ref, m, f),
            LIST(ref, m, f, two_args(), nil),
            LIST(ref, raw_int(1), f, two_args()),
            LIST(ref, m, raw_int(1), two_args()),
            raw_atom("args"),
            LIST(m, f, two_args(), nil),
        };
        bench_forget_signals(&b, 0);
        ask("erpc", "execute_call", 4, LIST(raw_atom("monitor")), args[i]);
        is_refused("notsup");
    }
    ask("erpc", "execute_cast", 3, nil, LIST(raw_atom("mod"), raw_atom("fun")));
    is_refused("notsup");
    ask("erpc", "call", 4, nil, two_args());
    is_refused("notsup");
    ask("mod", "fun", 2, nil, raw_atom("args"));
    is_refused("notsup");
    bench_close(&b);
}

static void say_request(struct nx_span ref, struct nx_span from)
{
    SAY(&b, 0, NX_OP_SPAWN_REQUEST, two_args(), [NX_ARG_REF] = ref, [NX_ARG_FROM] = from,
        [NX_ARG_LEADER] = raw_their_pid(&b, 0, 7),
        [NX_ARG_MFA] = RAW_TUPLE(raw_atom("mod"), raw_atom("fun"), raw_int(2)),
        [NX_ARG_OPTS] = nil);
}

static void a_request_in_a_foreign_name_is_dropped(void **state)
{
    (void)state;
    uint8_t third[FAKE_TERM];
    open_plain();
    say_request(raw_their_ref(&b, 0, 1), fake_pid("third@127.0.0.1", 1, 2, 3, third));
    say_request(fake_ref("third@127.0.0.1", 3, 3, third), raw_their_pid(&b, 0, 9));
    say_request(fake_ref(noex_node_name(b.node), 1, 3, third), raw_their_pid(&b, 0, 9));
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void arguments_nested_too_deep_are_refused(void **state)
{
    (void)state;
    static uint8_t deep[4096], bytes[8192];
    struct nx_buf out;
    open_plain();
    for (size_t i = 0; i < 1100; i++)
        memcpy(deep + 2 * i, (const uint8_t[]){104, 1}, 2);
    deep[2200] = 106;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(nx_write_list_head(&out, 1), 0);
    assert_int_equal(nx_write_raw(&out, nx_span(deep, 2201)), 0);
    assert_int_equal(nx_write_nil(&out), 0);
    ask("mod", "fun", 1, nil, nx_buf_span(&out));
    is_refused("system_limit");
    bench_close(&b);
}

/* ---- limits and memory ---- */

static void no_more_processes_are_made_than_may_be(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.processes_max = 2;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    serve();
    act = HOLD;
    erpc();
    erpc();
    bench_forget(&b);
    bench_forget_signals(&b, 0);
    erpc();
    is_refused("system_limit");
    erpc_of("no", "such", nil);
    is_refused("system_limit");
    bench_close(&b);
}

static void a_request_beyond_what_may_wait_is_refused_and_the_connection_lives(void **state)
{
    (void)state;
    static uint8_t big[80000];
    struct nx_buf out;
    bench_init(&b);
    b.options.mail_max = 64 * 1024;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    serve();
    nx_buf_init(&out, &b.alloc.a, SIZE_MAX);
    assert_int_equal(nx_write_list_head(&out, 2), 0);
    assert_int_equal(nx_write_binary(&out, nx_span(big, sizeof big)), 0);
    assert_int_equal(nx_write_int(&out, 1), 0);
    assert_int_equal(nx_write_nil(&out), 0);
    ask("mod", "fun", 2, nil, nx_buf_span(&out));
    nx_buf_free(&out);
    is_refused("system_limit");
    assert_int_equal(bench_stats(&b).connections, 1);
    erpc();
    replied(0, NX_SPAWN_MONITOR);
    bench_close(&b);
}

/* Each allocation fails in turn: the request runs, or is refused, and nothing is left of it. */
static void without_memory_a_request_is_refused(void **state)
{
    (void)state;
    unsigned refused = 0, ran = 0;
    for (int form = 0; form < 3; form++) {
        bool failed = true;
        for (size_t k = 1; failed && k < 100; k++) {
            open_plain();
            act = HOLD;
            fake_beam_step(&b.beam[0]);
            b.alloc.fail_at = b.alloc.calls + k;
            if (form == 2)
                erpc_of("no", "such", two_args());
            else
                ask("mod", "fun", 2, LIST(raw_atom("link"), raw_atom("monitor")), two_args());
            failed = b.alloc.failed > 0;
            b.alloc.fail_at = 0;
            if (bench_stats(&b).connections == 1) {
                const struct fake_signal *s = sent(NX_OP_SPAWN_REPLY);
                struct nx_pid pid;
                assert_non_null(s);
                bool there = nx_pid_parse(arg(s, NX_ARG_RESULT), &pid);
                ran += there;
                refused += !there;
                if (!there)
                    assert_span(arg(s, NX_ARG_RESULT), raw_atom("system_limit"));
                assert_int_equal(b.count[REQUEST], there && form != 2);
            }
            assert_true(bench_stats(&b).connections == 1 || failed);
            bench_close(&b);
        }
        assert_false(failed);
    }
    assert_true(refused >= 6 && ran >= 3);
}

static void a_result_without_memory_is_told_to_the_program(void **state)
{
    (void)state;
    open_plain();
    act = HOLD;
    erpc();
    struct noex_pid process = of_event(REQUEST);
    for (int raise = 0; raise <= 1; raise++) {
        for (size_t k = 1; k <= 2; k++) {
            b.alloc.fail_at = b.alloc.calls + k;
            int rc = raise ? noex_raise(b.node, &process, NOEX_RAISE_ERROR, term("why"))
                           : noex_return(b.node, &process, term("value"));
            b.alloc.fail_at = 0;
            assert_int_equal(rc, NOEX_ENOMEM);
            assert_true(noex_process_is_alive(b.node, &process));
        }
    }
    assert_int_equal(noex_return(b.node, &process, term("value")), 0);
    bench_settle(&b);
    assert_non_null(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT));
    bench_close(&b);
}

/* ---- what the functions refuse ---- */

static void expect_error(int rc, int code)
{
    if (rc != code)
        fail_msg("%s, not %s", noex_error_name(rc), noex_error_name(code));
    assert_int_equal(noex_node_error(b.node)->code, code);
}

static void what_cannot_be_served_is_refused(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    open_plain();
    assert_int_equal(noex_serve(NULL, "m", "f", 0, on_request, &b), NOEX_EINVALID);
    expect_error(noex_serve(b.node, NULL, "f", 0, on_request, &b), NOEX_EINVALID);
    expect_error(noex_serve(b.node, "m", NULL, 0, on_request, &b), NOEX_EINVALID);
    expect_error(noex_serve(b.node, long_name, "f", 0, on_request, &b), NOEX_EINVALID);
    expect_error(noex_serve(b.node, "m", "f", 256, on_request, &b), NOEX_EINVALID);
    b.alloc.fail_at = b.alloc.calls + 1;
    expect_error(noex_serve(b.node, "m", "f", 255, on_request, &b), NOEX_ENOMEM);
    b.alloc.fail_at = 0;
    bench_close(&b);
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    expect_error(noex_serve(b.node, "m", "f", 0, on_request, &b), NOEX_ESTATE);
    bench_close(&b);
}

static void only_a_request_can_return(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 2, 106};
    const struct noex_term bad = {cut, sizeof cut};
    struct noex_pid dead = {4711, 1, 0};
    open_plain();
    act = HOLD;
    erpc();
    struct noex_pid process = of_event(REQUEST), other = bench_process(&b, NULL, false);
    assert_int_equal(noex_return(NULL, &process, term("v")), NOEX_EINVALID);
    assert_int_equal(noex_raise(NULL, &process, NOEX_RAISE_EXIT, term("v")), NOEX_EINVALID);
    expect_error(noex_return(b.node, NULL, term("v")), NOEX_EINVALID);
    expect_error(noex_raise(b.node, NULL, NOEX_RAISE_EXIT, term("v")), NOEX_EINVALID);
    expect_error(noex_raise(b.node, &process, (enum noex_raise)3, term("v")), NOEX_EINVALID);
    expect_error(noex_return(b.node, &dead, term("v")), NOEX_ENOPROC);
    expect_error(noex_raise(b.node, &dead, NOEX_RAISE_EXIT, term("v")), NOEX_ENOPROC);
    expect_error(noex_return(b.node, &other, term("v")), NOEX_ESTATE);
    expect_error(noex_raise(b.node, &other, NOEX_RAISE_EXIT, term("v")), NOEX_ESTATE);
    expect_error(noex_return(b.node, &process, bad), NOEX_ETERM);
    expect_error(noex_raise(b.node, &process, NOEX_RAISE_EXIT, bad), NOEX_ETERM);
    assert_true(noex_process_is_alive(b.node, &process));
    bench_close(&b);
}

/* The connection goes: the function runs on, and its result is for nobody. */
static void a_request_outlives_its_caller(void **state)
{
    (void)state;
    open_plain();
    act = HOLD;
    erpc();
    struct noex_pid process = of_event(REQUEST);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    assert_true(noex_process_is_alive(b.node, &process));
    assert_int_equal(noex_return(b.node, &process, term("value")), 0);
    bench_until(&b, P_END, 1);
    bench_close(&b);
}

/* With several served, and one taken away while others run. */
static void functions_come_and_go(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(noex_serve(b.node, "mod", "fun", 0, on_request, &b), 0);
    erpc_of("mod", "fun", nil);
    assert_term(bench_event(&b, REQUEST, 0), nil);
    act = HOLD;
    bench_forget(&b);
    bench_forget_signals(&b, 0);
    erpc();
    struct noex_pid process = of_event(REQUEST);
    assert_int_equal(noex_serve(b.node, "mod", "fun", 2, NULL, NULL), 0);
    assert_int_equal(noex_return(b.node, &process, term("value")), 0);
    bench_settle(&b);
    assert_non_null(sent(NX_OP_PAYLOAD_MONITOR_P_EXIT));
    bench_forget_signals(&b, 0);
    ask("mod", "fun", 2, nil, two_args());
    assert_span(arg(bench_only_signal(&b, 0, NX_OP_SPAWN_REPLY), NX_ARG_RESULT),
                raw_atom("notsup"));
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erpc_makes_a_process_whose_end_is_the_value),
        cmocka_unit_test(each_way_to_end_has_its_form_for_erpc),
        cmocka_unit_test(a_plain_spawn_runs_it_as_well_and_ends_as_a_process_does),
        cmocka_unit_test(a_cast_by_erpc_ends_as_on_a_beam),
        cmocka_unit_test(nothing_is_said_of_what_nobody_monitors),
        cmocka_unit_test(a_request_may_be_answered_later),
        cmocka_unit_test(what_was_asked_for_is_set_up),
        cmocka_unit_test(the_options_of_a_beam_are_taken_and_others_are_not),
        cmocka_unit_test(a_node_that_serves_nothing_says_so),
        cmocka_unit_test(a_function_that_is_not_served_is_undef_to_erpc_and_refused_to_spawns),
        cmocka_unit_test(what_never_ran_tells_its_links_too),
        cmocka_unit_test(arguments_that_are_none_are_badarg_to_erpc),
        cmocka_unit_test(what_is_no_request_of_any_form_is_refused),
        cmocka_unit_test(a_request_in_a_foreign_name_is_dropped),
        cmocka_unit_test(arguments_nested_too_deep_are_refused),
        cmocka_unit_test(no_more_processes_are_made_than_may_be),
        cmocka_unit_test(a_request_beyond_what_may_wait_is_refused_and_the_connection_lives),
        cmocka_unit_test(without_memory_a_request_is_refused),
        cmocka_unit_test(a_result_without_memory_is_told_to_the_program),
        cmocka_unit_test(what_cannot_be_served_is_refused),
        cmocka_unit_test(only_a_request_can_return),
        cmocka_unit_test(a_request_outlives_its_caller),
        cmocka_unit_test(functions_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
