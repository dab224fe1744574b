/* Messages of OTP's module sys to processes of the node. What is answered to each is tested with
 * process/sys.h; here is what happens to the process. SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"
#include "term/gen.h"
#include "term/write.h"
#include <noex/call.h>

static struct bench b;
static struct noex_pid process;
static unsigned asked;
static void (*in_state)(noex_builder *builder);

enum { ASKER = 33 };

static struct nx_span copy(uint8_t *bytes, struct nx_span s)
{
    assert_true(s.len <= FAKE_TERM);
    memcpy(bytes, s.ptr, s.len);
    return nx_span(bytes, s.len);
}

static void on_state(void *user, noex_builder *builder)
{
    assert_ptr_equal(user, &b);
    asked++;
    if (in_state)
        in_state(builder);
}

static void open_with(bool pull, bool own)
{
    struct noex_process_options o;
    bench_init(&b);
    b.pull = pull;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    b.beam[0].deaf = true;
    noex_process_options_init(&o);
    o.name = "proc";
    o.on_event = own ? bench_told : NULL;
    o.on_state = on_state;
    o.user = &b;
    assert_int_equal(noex_process_new(b.node, &o, &process), 0);
    asked = 0;
    in_state = NULL;
}

static void open_plain(void)
{
    open_with(false, false);
}

/* The tag of a caller of OTP 26 and later. */
static struct nx_span tag(void)
{
    static uint8_t bytes[FAKE_TERM], ref[FAKE_TERM];
    struct nx_buf out;
    nx_buf_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(nx_write_list_head(&out, 1), 0);
    assert_int_equal(nx_write_atom(&out, "alias"), 0);
    assert_int_equal(nx_write_raw(&out, fake_ref(b.beam[0].name, b.beam[0].opts.creation, 5, ref)),
                     0);
    return nx_buf_span(&out);
}

static void say(struct nx_span request)
{
    uint8_t bytes[FAKE_TERM];
    struct nx_span raw = copy(bytes, request);
    struct nx_span caller = RAW_TUPLE(raw_their_pid(&b, 0, ASKER), tag());
    SAY(&b, 0, NX_OP_SEND,
        RAW_TUPLE(raw_atom("system"), caller, raw), [NX_ARG_TO] = raw_pid(&b, &process));
}

/* What the fake got for an answer; forgotten. */
static void is_answered(struct nx_span answer)
{
    uint8_t bytes[FAKE_TERM];
    struct nx_span wanted = copy(bytes, answer);
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_ALIAS_SEND);
    assert_span(fake_signal_arg(s, NX_ARG_FROM), raw_pid(&b, &process));
    assert_span(fake_signal_payload(s), RAW_TUPLE(tag(), wanted));
    bench_forget_signals(&b, 0);
}

static void send_message(const char *atom)
{
    SAY(&b, 0, NX_OP_SEND, raw_atom(atom), [NX_ARG_TO] = raw_pid(&b, &process));
}

static void build_state(noex_builder *builder)
{
    noex_build_tuple(builder);
    noex_build_atom(builder, "state");
    noex_build_int64(builder, 7);
    noex_build_end(builder);
}

static void build_half(noex_builder *builder)
{
    noex_build_tuple(builder);
}

static void build_wrong(noex_builder *builder)
{
    noex_build_double(builder, 1.0 / 0.0 * 0.0);
}

static void the_program_shows_the_state(void **state)
{
    (void)state;
    void (*const builders[])(noex_builder *) = {build_state, NULL, build_half, build_wrong};
    open_plain();
    for (unsigned i = 0; i < 4; i++) {
        in_state = builders[i];
        say(raw_atom("get_state"));
        struct nx_span wanted =
            i == 0 ? RAW_TUPLE(raw_atom("state"), raw_int(7)) : raw_atom("undefined");
        is_answered(RAW_TUPLE(raw_atom("ok"), wanted));
        assert_int_equal(asked, i + 1);
    }
    say(raw_atom("suspend"));
    is_answered(raw_atom("ok"));
    assert_int_equal(asked, 4); /* only where it is shown */
    assert_int_equal(b.seen_count, 0);
    bench_close(&b);
}

static void a_process_that_shows_none_is_undefined(void **state)
{
    (void)state;
    open_plain();
    process = bench_process(&b, NULL, false);
    say(raw_atom("get_state"));
    is_answered(RAW_TUPLE(raw_atom("ok"), raw_atom("undefined")));
    bench_close(&b);
}

static void a_suspended_process_is_told_nothing_until_it_is_resumed(void **state)
{
    (void)state;
    for (int own = 0; own <= 1; own++) {
        open_with(false, own);
        send_message("before");
        say(raw_atom("suspend"));
        send_message("first");
        send_message("second");
        is_answered(raw_atom("ok"));
        EXPECT_EVENTS(&b, P_MSG);
        say(raw_atom("get_state"));
        is_answered(RAW_TUPLE(raw_atom("ok"), raw_atom("undefined")));
        say(raw_atom("suspend"));
        is_answered(raw_atom("ok"));
        bench_for(&b, 10);
        EXPECT_EVENTS(&b, P_MSG);
        say(raw_atom("resume"));
        is_answered(raw_atom("ok"));
        EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG);
        assert_term(bench_event(&b, P_MSG, 1), raw_atom("first"));
        assert_term(bench_event(&b, P_MSG, 2), raw_atom("second"));
        say(raw_atom("resume"));
        is_answered(raw_atom("ok"));
        EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG);
        bench_close(&b);
    }
}

/* In the turn of the message: what came before it is told before. */
static void a_message_of_sys_keeps_its_place(void **state)
{
    (void)state;
    open_plain();
    send_message("first");
    say(raw_atom("suspend"));
    send_message("second");
    say(raw_atom("resume"));
    send_message("third");
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG);
    assert_term(bench_event(&b, P_MSG, 0), raw_atom("first"));
    assert_term(bench_event(&b, P_MSG, 1), raw_atom("second"));
    assert_term(bench_event(&b, P_MSG, 2), raw_atom("third"));
    bench_close(&b);
}

static void a_process_is_terminated(void **state)
{
    (void)state;
    for (int suspended = 0; suspended <= 1; suspended++) {
        open_plain();
        if (suspended) {
            say(raw_atom("suspend"));
            is_answered(raw_atom("ok"));
            send_message("never");
        }
        say(RAW_TUPLE(raw_atom("terminate"), raw_atom("why")));
        is_answered(raw_atom("ok"));
        EXPECT_EVENTS(&b, P_END);
        assert_term(bench_event(&b, P_END, 0), raw_atom("why"));
        assert_false(noex_process_is_alive(b.node, &process));
        say(raw_atom("get_state")); /* to nobody */
        bench_settle(&b);
        EXPECT_NO_SIGNALS(&b, 0);
        bench_close(&b);
    }
}

static void end_itself(noex_builder *builder)
{
    build_state(builder);
    assert_int_equal(noex_process_exit(b.node, &process, term_of(raw_atom("gone"))), 0);
}

static void close_node(noex_builder *builder)
{
    (void)builder;
    noex_node_close(b.node, NULL, NULL);
    b.node = NULL;
}

static void the_program_may_do_anything_when_it_is_asked(void **state)
{
    (void)state;
    open_plain();
    in_state = end_itself;
    say(raw_atom("get_state"));
    bench_settle(&b);
    EXPECT_NO_SIGNALS(&b, 0);
    EXPECT_EVENTS(&b, P_END);
    bench_close(&b);
    open_plain();
    in_state = close_node;
    say(raw_atom("get_status"));
    for (int i = 0; i < 100 && b.node; i++)
        bench_step(&b);
    assert_null(b.node);
    bench_close(&b);
}

static void the_answer_goes_where_the_tag_says(void **state)
{
    (void)state;
    open_plain();
    struct nx_span ref = raw_their_ref(&b, 0, 1);
    struct nx_span caller = RAW_TUPLE(raw_their_pid(&b, 0, ASKER), ref);
    SAY(&b, 0, NX_OP_REG_SEND, RAW_TUPLE(raw_atom("system"), caller, raw_atom("resume")),
        [NX_ARG_FROM] = raw_their_pid(&b, 0, ASKER), [NX_ARG_NAME] = raw_atom("proc"));
    bench_settle(&b);
    const struct fake_signal *s = bench_only_signal(&b, 0, NX_OP_SEND_SENDER);
    assert_span(fake_signal_arg(s, NX_ARG_TO), raw_their_pid(&b, 0, ASKER));
    assert_span(fake_signal_payload(s), RAW_TUPLE(ref, raw_atom("ok")));
    bench_close(&b);
}

static void a_process_of_the_same_node_asks_as_well(void **state)
{
    (void)state;
    open_plain();
    struct noex_pid asker = bench_process(&b, NULL, false);
    struct noex_target to = here(&b, &process);
    struct nx_span caller = RAW_TUPLE(raw_pid(&b, &asker), raw_atom("tag"));
    struct nx_span message = RAW_TUPLE(raw_atom("system"), caller, raw_atom("suspend"));
    assert_int_equal(noex_send(b.node, &asker, &to, term_of(message)), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG);
    assert_term(bench_event(&b, P_MSG, 0), RAW_TUPLE(raw_atom("tag"), raw_atom("ok")));
    assert_true(same_pid(&bench_event(&b, P_MSG, 0)->process, &asker));
    bench_close(&b);
}

/* Where events are pulled, the program is asked in noex_node_process alone, and the answer does not
 * wait for events that nobody pulls. */
static void a_program_that_pulls_is_asked_though_it_does_not_pull(void **state)
{
    (void)state;
    open_with(true, false);
    in_state = build_state;
    send_message("first");
    say(raw_atom("get_state"));
    send_message("second");
    for (int i = 0; i < 50 && !asked; i++) {
        fake_beam_step(&b.beam[0]);
        assert_int_equal(asked, 0);
        assert_int_equal(noex_node_process(b.node, 1), 0);
    }
    assert_int_equal(asked, 1);
    for (int i = 0; i < 2; i++) {
        const struct noex_event *e = noex_node_next_event(b.node);
        assert_non_null(e);
        assert_int_equal(e->type, P_MSG);
    }
    assert_null(noex_node_next_event(b.node));
    is_answered(RAW_TUPLE(raw_atom("ok"), RAW_TUPLE(raw_atom("state"), raw_int(7))));
    bench_close(&b);
}

static void what_only_looks_like_it_is_a_message(void **state)
{
    (void)state;
    open_plain();
    struct nx_span pid = raw_their_pid(&b, 0, ASKER);
    const struct nx_span odd[] = {
        RAW_TUPLE(raw_atom("system"), pid, raw_atom("suspend")),
        RAW_TUPLE(raw_atom("system"), RAW_TUPLE(pid, tag())),
        raw_atom("system"),
    };
    for (size_t i = 0; i < 3; i++)
        SAY(&b, 0, NX_OP_SEND, odd[i], [NX_ARG_TO] = raw_pid(&b, &process));
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG);
    EXPECT_NO_SIGNALS(&b, 0);
    bench_close(&b);
}

/* Whoever asks has a time limit: what cannot be answered costs no connection. */
static void without_memory_there_is_no_answer_and_no_harm(void **state)
{
    (void)state;
    unsigned unanswered = 0;
    bool failed = true;
    for (size_t k = 1; failed && k < 50; k++) {
        open_plain();
        in_state = build_state;
        say(raw_atom("get_status"));
        b.alloc.fail_at = b.alloc.calls + k;
        for (int i = 0; i < 1000 && !b.alloc.failed && !b.beam[0].signals; i++)
            bench_step(&b);
        failed = b.alloc.failed > 0;
        b.alloc.fail_at = 0;
        bench_settle(&b);
        bool lives = bench_stats(&b).connections == 1; /* the message itself had memory */
        unanswered += lives && !b.beam[0].signals;
        assert_true(lives || failed);
        if (lives) {
            bench_forget_signals(&b, 0);
            say(raw_atom("suspend"));
            is_answered(raw_atom("ok"));
        }
        bench_close(&b);
    }
    assert_false(failed);
    assert_true(unanswered >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_shows_the_state),
        cmocka_unit_test(a_process_that_shows_none_is_undefined),
        cmocka_unit_test(a_suspended_process_is_told_nothing_until_it_is_resumed),
        cmocka_unit_test(a_message_of_sys_keeps_its_place),
        cmocka_unit_test(a_process_is_terminated),
        cmocka_unit_test(the_program_may_do_anything_when_it_is_asked),
        cmocka_unit_test(the_answer_goes_where_the_tag_says),
        cmocka_unit_test(a_process_of_the_same_node_asks_as_well),
        cmocka_unit_test(a_program_that_pulls_is_asked_though_it_does_not_pull),
        cmocka_unit_test(what_only_looks_like_it_is_a_message),
        cmocka_unit_test(without_memory_there_is_no_answer_and_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
