/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

#include "conn/conn.h"
#include "term/ident.h"

/* Messages for processes of the node: in each form that a peer may send, and from here. */

static struct bench b;
static struct noex_pid srv, other;
static noex_builder *alias_builder;
static struct nx_span alias;
static noex_alias_id alias_id;

static void make_processes(void)
{
    struct noex_term term;
    srv = bench_process(&b, "srv", false);
    other = bench_process(&b, "other", false);
    assert_int_equal(noex_builder_new(&alias_builder, NULL), 0);
    assert_int_equal(noex_alias(b.node, &srv, alias_builder, &alias_id), 0);
    assert_int_equal(noex_alias_priority(b.node, alias_id), 0);
    assert_int_equal(noex_builder_term(alias_builder, &term), 0);
    alias = nx_span(term.bytes, term.len);
}

static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    make_processes();
}

static void open_plain(void)
{
    open_with(NX_DFLAGS_OURS);
}

static void done(void)
{
    noex_builder_free(alias_builder);
    bench_close(&b);
}

static struct nx_span their_pid(void)
{
    return raw_their_pid(&b, 0, 9);
}

/* ---- forms ---- */

enum to { TO_PID, TO_NAME, TO_ALIAS };

/* Protocol.md 6.1: each form by which a message may come. */
static const struct form {
    enum nx_op op;
    enum to to;
    bool no_sender;
    bool token;
    uint8_t flags; /* of ALTACT_SIG_SEND */
} forms[] = {
    {.op = NX_OP_SEND, .to = TO_PID, .no_sender = true},
    {.op = NX_OP_SEND_TT, .to = TO_PID, .no_sender = true, .token = true},
    {.op = NX_OP_SEND_SENDER, .to = TO_PID},
    {.op = NX_OP_SEND_SENDER_TT, .to = TO_PID, .token = true},
    {.op = NX_OP_REG_SEND, .to = TO_NAME},
    {.op = NX_OP_REG_SEND_TT, .to = TO_NAME, .token = true},
    {.op = NX_OP_ALIAS_SEND, .to = TO_ALIAS},
    {.op = NX_OP_ALIAS_SEND_TT, .to = TO_ALIAS, .token = true},
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_PID},
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_PID, .flags = NX_ALTACT_PRIORITY},
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_PID, .flags = NX_ALTACT_TOKEN, .token = true},
    {.op = NX_OP_ALTACT_SIG_SEND,
     .to = TO_PID,
     .flags = NX_ALTACT_PRIORITY | 64}, /* bits of the future */
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_NAME, .flags = NX_ALTACT_NAME},
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_NAME, .flags = NX_ALTACT_NAME | NX_ALTACT_PRIORITY},
    {.op = NX_OP_ALTACT_SIG_SEND, .to = TO_ALIAS, .flags = NX_ALTACT_ALIAS},
    {.op = NX_OP_ALTACT_SIG_SEND,
     .to = TO_ALIAS,
     .flags = NX_ALTACT_ALIAS | NX_ALTACT_PRIORITY | NX_ALTACT_TOKEN,
     .token = true},
};

enum { FORMS = sizeof forms / sizeof *forms };

struct receiver {
    struct nx_span pid;
    struct nx_span name;
    struct nx_span alias;
};

static struct nx_ctrl ctrl_of(const struct form *f, const struct receiver *to, struct nx_span from)
{
    struct nx_ctrl c = {.op = f->op};
    const struct nx_span is[] = {to->pid, to->name, to->alias};
    bool altact = f->op == NX_OP_ALTACT_SIG_SEND;
    c.arg[NX_ARG_FROM] = from;
    c.arg[altact || f->to == TO_PID ? NX_ARG_TO
          : f->to == TO_NAME        ? NX_ARG_NAME
                                    : NX_ARG_REF] = is[f->to];
    if (altact)
        c.arg[NX_ARG_FLAGS] = raw_int(f->flags);
    if (f->token)
        c.arg[NX_ARG_TOKEN] = RAW_TUPLE(raw_int(1), raw_atom("label"));
    return c;
}

static void say(const struct form *f, const struct receiver *to, struct nx_span from,
                struct nx_span message)
{
    struct nx_ctrl c = ctrl_of(f, to, from);
    fake_beam_send(&b.beam[0], &c, message);
}

static struct receiver to_srv(void)
{
    static uint8_t pid[FAKE_TERM], name[FAKE_TERM];
    return (struct receiver){
        fake_pid(noex_node_name(b.node), srv.id, srv.serial, srv.creation, pid),
        fake_atom("srv", name), alias};
}

static struct nx_span call(struct nx_span request)
{
    return RAW_TUPLE(raw_atom("$gen_call"), RAW_TUPLE(their_pid(), raw_their_ref(&b, 0, 5)),
                     request);
}

static void expect_from_there(const struct seen *s, const struct form *f)
{
    const struct noex_pid them = {9, 0, b.beam[0].opts.creation};
    assert_true(same_pid(&s->process, &srv));
    assert_string_equal(s->node, b.beam[0].name);
    assert_int_equal(s->has_from, !f->no_sender);
    assert_true(f->no_sender || same_pid(&s->from, &them));
    assert_int_equal(s->priority, f->to == TO_ALIAS && (f->flags & NX_ALTACT_PRIORITY));
}

static void a_message_arrives_in_each_form_as_what_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < FORMS; i++) {
        open_plain();
        const struct form *f = &forms[i];
        const struct receiver to = to_srv();
        say(f, &to, their_pid(), RAW_TUPLE(raw_atom("hello"), raw_int(i)));
        say(f, &to, their_pid(), call(raw_atom("request")));
        say(f, &to, their_pid(), RAW_TUPLE(raw_atom("$gen_cast"), raw_atom("note")));
        bench_settle(&b);
        EXPECT_EVENTS(&b, P_MSG, P_CALL, P_CAST);
        for (int k = 0; k < 3; k++)
            expect_from_there(&b.seen[k], f);
        assert_term(&b.seen[0], RAW_TUPLE(raw_atom("hello"), raw_int(i)));
        assert_term(&b.seen[1], raw_atom("request"));
        assert_span(nx_span(b.seen[1].caller, b.seen[1].caller_len),
                    RAW_TUPLE(their_pid(), raw_their_ref(&b, 0, 5)));
        assert_term(&b.seen[2], raw_atom("note"));
        assert_true(b.seen[0].caller_len == 0 && b.seen[2].caller_len == 0);
        EXPECT_NO_SIGNALS(&b, 0);
        done();
    }
}

static void of_a_sender_on_a_third_node_nothing_is_known(void **state)
{
    (void)state;
    uint8_t third[FAKE_TERM];
    open_plain();
    const struct receiver to = to_srv();
    for (int i = 0; i < FORMS; i++) {
        if (forms[i].no_sender)
            continue;
        bench_forget(&b);
        say(&forms[i], &to, fake_pid("third@127.0.0.1", 9, 0, 5, third), raw_atom("hello"));
        bench_until(&b, P_MSG, 1);
        assert_false(b.seen[0].has_from);
        assert_string_equal(b.seen[0].node, b.beam[0].name);
    }
    done();
}

static void a_tuple_of_the_future_that_has_grown_is_read(void **state)
{
    (void)state;
    uint8_t frame[FAKE_TERM];
    struct nx_buf out;
    const struct receiver to = (open_plain(), to_srv());
    struct nx_ctrl c = ctrl_of(&forms[8], &to, their_pid());
    static const uint8_t header[] = {131, 68, 0}, more[] = {97, 1, 106};
    nx_buf_fixed(&out, frame, sizeof frame);
    assert_int_equal(nx_buf_put(&out, header, sizeof header), 0);
    assert_int_equal(nx_ctrl_build(&out, &c), 0);
    frame[4] += 2; /* the arity */
    assert_int_equal(nx_buf_put(&out, more, sizeof more), 0);
    assert_int_equal(nx_buf_put_span(&out, raw_atom("hello")), 0);
    fake_beam_send_raw(&b.beam[0], frame, nx_buf_len(&out));
    bench_until(&b, P_MSG, 1);
    assert_term(&b.seen[0], raw_atom("hello"));
    done();
}

/* ---- nobody ---- */

static void a_message_to_nobody_is_dropped_and_counted_in_each_form(void **state)
{
    (void)state;
    uint8_t bytes[8][FAKE_TERM], use[FAKE_TERM];
    struct nx_buf out;
    struct nx_ref ref;
    open_plain();
    const char *const us = noex_node_name(b.node);
    assert_true(nx_ref_parse(alias, &ref));
    ref.word[2] = NX_REF_MONITOR;
    nx_buf_fixed(&out, use, sizeof use);
    assert_int_equal(nx_ref_write(&out, &ref), 0);
    const struct nx_span pids[] = {
        fake_pid(us, srv.id, srv.serial, srv.creation + 1, bytes[0]), /* an incarnation before */
        fake_pid(us, srv.id, srv.serial + 1, srv.creation, bytes[1]),
        fake_pid(us, 4711, 1, srv.creation, bytes[2]),
        fake_pid("third@127.0.0.1", srv.id, srv.serial, srv.creation, bytes[3]),
    };
    const char *const names[] = {"nobody", "undefined", "rex", "global_name_server"};
    const struct nx_span aliases[] = {fake_ref(b.beam[0].name, 2002, 3, bytes[4]),
                                      fake_ref(us, srv.creation, 3, bytes[5]), nx_buf_span(&out),
                                      fake_ref(us, srv.creation + 1, 3, bytes[6])};
    uint64_t dropped = bench_stats(&b).signals_dropped;
    for (int i = 0; i < FORMS; i++) {
        for (int k = 0; k < 4; k++) {
            const struct receiver to = {pids[k], raw_atom(names[k]), aliases[k]};
            say(&forms[i], &to, their_pid(), raw_atom("hello"));
        }
        bench_settle(&b);
        assert_int_equal(bench_stats(&b).signals_dropped, dropped += 4);
    }
    assert_int_equal(b.seen_count, 0);
    EXPECT_NO_SIGNALS(&b, 0);
    done();
}

static void a_message_to_a_process_that_ended_is_dropped(void **state)
{
    (void)state;
    open_plain();
    const struct receiver to = to_srv();
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("normal"))), 0);
    bench_until(&b, P_END, 1);
    for (int i = 0; i < FORMS; i++)
        say(&forms[i], &to, their_pid(), raw_atom("hello"));
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_END);
    assert_int_equal(bench_stats(&b).signals_dropped, FORMS);
    done();
}

static void a_name_is_whoevers_it_is_when_the_message_comes(void **state)
{
    (void)state;
    open_plain();
    struct receiver to = to_srv();
    assert_int_equal(noex_unregister(b.node, "srv"), 0);
    say(&forms[4], &to, their_pid(), raw_int(1)); /* nobody's */
    bench_settle(&b);
    assert_int_equal(noex_unregister(b.node, "other"), 0);
    assert_int_equal(noex_register(b.node, "srv", &other), 0);
    say(&forms[4], &to, their_pid(), raw_int(2));
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG);
    assert_term(&b.seen[0], raw_int(2));
    assert_true(same_pid(&b.seen[0].process, &other));
    done();
}

/* ---- sizes ---- */

enum { KB = 1024, BIG = 300 * KB, MAIL = 64 * KB };

static uint8_t kilobyte[KB] = {109, 0, 0, (KB - 5) >> 8, (KB - 5) & 255};

static uint8_t big[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};

static void a_big_message_is_told_whole_in_each_form(void **state)
{
    (void)state;
    open_plain();
    const struct receiver to = to_srv();
    for (int i = 0; i < FORMS; i++) {
        struct nx_ctrl c = ctrl_of(&forms[i], &to, their_pid());
        bench_forget(&b);
        fake_beam_send_fragments(&b.beam[0], &c, nx_span(big, sizeof big));
        bench_until(&b, P_MSG, 1);
        assert_int_equal(b.seen[0].term_len, sizeof big);
        assert_int_equal(b.seen[0].term_full_len, sizeof big);
    }
    assert_int_equal(bench_stats(&b).signals_dropped, 0);
    done();
}

static bool is_dropped(struct bench *bench)
{
    return bench_stats(bench).signals_dropped == 1;
}

static void of_a_big_message_to_the_dead_little_is_kept(void **state)
{
    (void)state;
    open_plain();
    struct receiver to = to_srv();
    assert_int_equal(noex_process_exit(b.node, &srv, term_of(raw_atom("normal"))), 0);
    bench_settle(&b);
    struct nx_ctrl c = ctrl_of(&forms[2], &to, their_pid());
    size_t before = b.alloc.peak = b.alloc.bytes;
    fake_beam_send_fragments(&b.beam[0], &c, nx_span(big, sizeof big));
    bench_until_true(&b, is_dropped);
    assert_true(b.alloc.peak - before < sizeof big / 2);
    done();
}

static void a_message_that_cannot_be_kept_ends_its_connection_and_none_to_nobody_does(void **state)
{
    (void)state;
    for (int nobody = 0; nobody < 2; nobody++) {
        bench_init(&b);
        b.options.message_max = b.options.reason_max = 64 * 1024;
        bench_open_citizen(&b, NX_DFLAGS_OURS);
        make_processes();
        struct receiver to = to_srv();
        if (nobody)
            to.name = raw_atom("nobody");
        struct nx_ctrl c = ctrl_of(&forms[4], &to, their_pid());
        fake_beam_send_fragments(&b.beam[0], &c, nx_span(big, sizeof big));
        if (nobody) {
            bench_until_true(&b, is_dropped);
            assert_int_equal(b.seen_count, 0);
        } else {
            bench_until(&b, DOWN, 1);
            EXPECT_EVENTS(&b, DOWN);
            assert_int_equal(b.seen[0].code, NOEX_ETOOBIG);
            assert_non_null(strstr(b.seen[0].text, "message_max"));
        }
        done();
    }
}

/* One of two fragments, the other is the rest. */
static void send_part(const struct nx_ctrl *c, uint64_t left, struct nx_span part)
{
    uint8_t frame[FAKE_TERM];
    struct nx_buf out;
    nx_buf_fixed(&out, frame, sizeof frame);
    assert_int_equal(nx_buf_put_u8(&out, 131), 0);
    assert_int_equal(nx_buf_put_u8(&out, left == 2 ? 69 : 70), 0);
    assert_int_equal(nx_buf_put_u64(&out, 99), 0);
    assert_int_equal(nx_buf_put_u64(&out, left), 0);
    if (left == 2) {
        assert_int_equal(nx_buf_put_u8(&out, 0), 0);
        assert_int_equal(nx_ctrl_build(&out, c), 0);
    }
    assert_int_equal(nx_buf_put_span(&out, part), 0);
    fake_beam_send_raw(&b.beam[0], frame, nx_buf_len(&out));
    bench_settle(&b);
}

static void a_name_may_come_to_be_while_a_message_to_it_comes(void **state)
{
    (void)state;
    open_plain();
    struct receiver to = to_srv();
    to.name = raw_atom("late");
    struct nx_ctrl c = ctrl_of(&forms[4], &to, their_pid());
    send_part(&c, 2, nx_span(kilobyte, 1000));
    struct noex_pid late = bench_process(&b, "late", false);
    send_part(&c, 1, nx_span(kilobyte + 1000, sizeof kilobyte - 1000));
    EXPECT_EVENTS(&b, P_MSG);
    assert_int_equal(b.seen[0].term_len, sizeof kilobyte);
    assert_true(same_pid(&b.seen[0].process, &late));
    done();
}

static char log_line[512];

static void on_log(void *user, enum noex_log_level level, const char *text)
{
    (void)user;
    if (level == NOEX_LOG_ERROR)
        snprintf(log_line, sizeof log_line, "%s", text);
}

static void a_message_that_nobody_could_read_is_dropped_and_logged(void **state)
{
    (void)state;
    enum { DEEP = 1100 };
    static uint8_t deep[DEEP * 6 + 1];
    for (int i = 0; i < DEEP; i++)
        memcpy(deep + 5 * i, (const uint8_t[]){108, 0, 0, 0, 1}, 5);
    memset(deep + 5 * DEEP, 106, DEEP + 1);
    log_line[0] = '\0';
    bench_init(&b);
    b.options.on_log = on_log;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    make_processes();
    const struct receiver to = to_srv();
    say(&forms[2], &to, their_pid(), nx_span(deep, sizeof deep));
    bench_until_true(&b, is_dropped);
    assert_non_null(strstr(log_line, "nested too deep"));
    say(&forms[2], &to, their_pid(), raw_atom("hello"));
    bench_until(&b, P_MSG, 1);
    assert_int_equal(b.count[DOWN], 0);
    done();
}

/* ---- priority ---- */

static void priority_comes_before_what_waits_and_keeps_its_own_order(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        b.pull = pull;
        bench_open_citizen(&b, NX_DFLAGS_OURS);
        make_processes();
        const struct receiver to = to_srv();
        struct receiver to_other = to;
        for (int i = 0; i < 8; i++)
            say(&forms[i % 2 ? 15 : 9], &to, their_pid(), raw_int(i));
        to_other.pid = raw_pid(&b, &other);
        say(&forms[8], &to_other, their_pid(), raw_int(100));
        bench_until(&b, P_MSG, 9);
        const int order[] = {1, 3, 5, 7, 0, 2, 4, 6, 100};
        for (int i = 0; i < 9; i++) {
            assert_term(&b.seen[i], raw_int(order[i]));
            assert_int_equal(b.seen[i].priority, i < 4);
        }
        done();
    }
}

/* ---- from here ---- */

static int send_to(const struct noex_pid *from, struct noex_target to, struct nx_span message)
{
    return noex_send(b.node, from, &to, term_of(message));
}

static void a_message_from_here_names_its_sender(void **state)
{
    (void)state;
    open_plain();
    assert_int_equal(send_to(&other, here(&b, &srv), raw_int(1)), 0);
    assert_int_equal(send_to(NULL, here(&b, &srv), raw_int(2)), 0);
    assert_int_equal(send_to(&srv, name_here(&b, "srv"), raw_int(3)), 0); /* to itself */
    struct noex_pid printed = {srv.id, srv.serial, 0};
    assert_int_equal(send_to(&other, here(&b, &printed), raw_int(4)), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG, P_MSG, P_MSG, P_MSG);
    const struct noex_pid *const from[] = {&other, NULL, &srv, &other};
    for (int i = 0; i < 4; i++) {
        assert_term(&b.seen[i], raw_int(i + 1));
        assert_true(same_pid(&b.seen[i].process, &srv));
        assert_int_equal(b.seen[i].has_from, from[i] != NULL);
        assert_true(!from[i] || same_pid(&b.seen[i].from, from[i]));
        assert_string_equal(b.seen[i].node, noex_node_name(b.node));
    }
    EXPECT_NO_SIGNALS(&b, 0);
    done();
}

static void a_message_from_here_to_nobody_is_lost_without_an_error(void **state)
{
    (void)state;
    open_plain();
    struct noex_pid old = {srv.id, srv.serial, srv.creation + 1}, dead = {4711, 1, srv.creation};
    assert_int_equal(send_to(&other, here(&b, &old), raw_int(1)), 0);
    assert_int_equal(send_to(&other, here(&b, &dead), raw_int(1)), 0);
    assert_int_equal(send_to(&other, name_here(&b, "nobody"), raw_int(1)), 0);
    assert_int_equal(send_to(&other, name_here(&b, "net_kernel"), raw_int(1)), 0);
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    done();
}

/* ---- mail_max ---- */

static void open_pulled(void)
{
    bench_init(&b);
    b.options.mail_max = MAIL;
    b.options.on_event = NULL;
    b.pull = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    bench_beam(&b, &(struct fake_beam_opts){.name = "good@127.0.0.1"});
    bench_connect(&b, 1);
    bench_forget(&b);
    make_processes();
    assert_int_equal(noex_process_trap_exit(b.node, &srv, true), 0);
    b.pull = false; /* and from now on nobody takes them */
}

static void drive(void)
{
    for (int i = 0; i < 300; i++)
        bench_step(&b);
}

static void take_all(void)
{
    b.pull = true;
    bench_settle(&b);
}

/* What came before is told, then the end of the connection, and others live on. */
static void expect_only_the_culprit_is_cut(enum noex_event_type type, size_t least)
{
    take_all();
    assert_int_equal(b.count[DOWN], 1);
    const struct seen *down = bench_event(&b, DOWN, 0);
    assert_int_equal(down->code, NOEX_EMAIL);
    assert_string_equal(down->node, b.beam[0].name);
    assert_non_null(strstr(down->text, "mail_max"));
    assert_int_equal(noex_error_class(down->code), NOEX_CLASS_REFUSED);
    assert_in_range(b.count[type], least, MAIL / KB);
    assert_ptr_equal(&b.seen[b.seen_count - 1], down);
    assert_int_equal(bench_stats(&b).connections, 1);
}

static void a_peer_that_sends_more_than_mail_max_is_disconnected(void **state)
{
    (void)state;
    open_pulled();
    const struct receiver to = to_srv();
    for (int i = 0; i < 2 * MAIL / KB; i++)
        say(&forms[2], &to, their_pid(), nx_span(kilobyte, sizeof kilobyte));
    drive();
    expect_only_the_culprit_is_cut(P_MSG, 40);
    done();
}

static void so_is_one_that_sends_more_exit_signals(void **state)
{
    (void)state;
    const enum nx_op ops[] = {NX_OP_PAYLOAD_EXIT2, NX_OP_ALTACT_SIG_SEND, NX_OP_PAYLOAD_EXIT};
    for (int k = 0; k < 3; k++) {
        open_pulled();
        for (int i = 0; i < 2 * MAIL / KB; i++) {
            struct nx_ctrl c = {.op = NX_OP_LINK};
            c.arg[NX_ARG_FROM] = their_pid();
            c.arg[NX_ARG_TO] = raw_pid(&b, &srv);
            if (ops[k] == NX_OP_PAYLOAD_EXIT)
                fake_beam_send(&b.beam[0], &c, no_payload);
            c.op = ops[k];
            c.arg[NX_ARG_FLAGS] = raw_int(NX_ALTACT_EXIT);
            fake_beam_send(&b.beam[0], &c, nx_span(kilobyte, sizeof kilobyte));
        }
        drive();
        expect_only_the_culprit_is_cut(P_EXIT, 40);
        done();
    }
}

static void one_that_sends_as_much_and_is_heard_is_not(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.mail_max = MAIL;
    b.no_keep = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    make_processes();
    const struct receiver to = to_srv();
    for (int i = 0; i < 20 * MAIL / KB; i++) {
        say(&forms[2], &to, their_pid(), nx_span(kilobyte, sizeof kilobyte));
        if (i % 20 == 19)
            bench_until(&b, P_MSG, (size_t)i + 1);
    }
    bench_settle(&b);
    assert_int_equal(b.count[P_MSG], 20 * MAIL / KB);
    assert_int_equal(b.count[DOWN], 0);
    done();
}

static void what_the_program_sends_itself_beyond_mail_max_is_refused(void **state)
{
    (void)state;
    open_pulled();
    int rc = 0, sent = 0;
    while (!(rc = send_to(&other, here(&b, &srv), nx_span(kilobyte, sizeof kilobyte))))
        sent++;
    assert_int_equal(rc, NOEX_ELIMIT);
    assert_in_range(sent, 40, MAIL / KB);
    assert_non_null(strstr(noex_node_error(b.node)->text, "mail_max"));
    struct noex_target t = here(&b, &srv);
    struct noex_term reason = term_of(nx_span(kilobyte, sizeof kilobyte));
    for (int i = 0; i < 3 && !rc; i++)
        rc = noex_exit(b.node, &other, &t, reason);
    rc = noex_exit(b.node, &other, &t, reason);
    while (!rc) /* the last that fits passes the limit */
        rc = noex_exit(b.node, &other, &t, reason);
    assert_int_equal(rc, NOEX_ELIMIT);
    take_all();
    assert_int_equal(b.count[P_MSG], sent);
    assert_int_equal(b.count[DOWN], 0);
    assert_int_equal(send_to(&other, here(&b, &srv), raw_int(1)), 0);
    done();
}

static void a_message_without_memory_ends_its_connection_and_is_so_known_to_be_lost(void **state)
{
    (void)state;
    open_plain();
    const struct receiver to = to_srv();
    say(&forms[2], &to, their_pid(), raw_int(1));
    b.alloc.fail_at = b.alloc.calls + 1;
    b.alloc.fail_on = true;
    bench_until(&b, DOWN, 1);
    b.alloc.fail_at = 0;
    EXPECT_EVENTS(&b, DOWN);
    assert_int_equal(b.seen[0].code, NOEX_ENOMEM);
    done();
}

/* ---- what cannot be sent ---- */

static void what_cannot_be_sent_is_said(void **state)
{
    (void)state;
    static const uint8_t cut[] = {104, 1};
    open_plain();
    struct noex_pid dead = {4711, 1, srv.creation};
    struct noex_target t = here(&b, &srv), node = {.kind = NOEX_TARGET_NODE, .node = "a@b"};
    struct noex_term hello = term_of(raw_atom("hello"));
    assert_int_equal(noex_send(NULL, NULL, &t, hello), NOEX_EINVALID);
    assert_int_equal(noex_send(b.node, NULL, NULL, hello), NOEX_EINVALID);
    assert_int_equal(noex_send(b.node, &dead, &t, hello), NOEX_ENOPROC);
    assert_int_equal(noex_send(b.node, NULL, &node, hello), NOEX_ETARGET);
    assert_int_equal(send_to(NULL, t, nx_span(cut, sizeof cut)), NOEX_ETERM);
    assert_int_equal(send_to(NULL, t, nx_span(NULL, 0)), NOEX_ETERM);
    t.kind = (enum noex_target_kind)77;
    assert_int_equal(noex_send(b.node, NULL, &t, hello), NOEX_ETARGET);
    const char *const bad_names[] = {NULL, "", "undefined"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_to(NULL, name_here(&b, bad_names[i]), raw_int(1)), NOEX_ETARGET);
    t = here(&b, &srv);
    const char *const bad_nodes[] = {NULL, "", "nonode", "a@b@c"};
    for (int i = 0; i < 4; i++) {
        t.node = bad_nodes[i];
        assert_int_equal(noex_send(b.node, NULL, &t, hello), NOEX_ENODENAME);
    }
    t = there(&b, 0, UINT32_C(1) << 28);
    assert_int_equal(noex_send(b.node, NULL, &t, hello), NOEX_ETARGET);
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    EXPECT_NO_SIGNALS(&b, 0);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_in_each_form_as_what_it_is),
        cmocka_unit_test(of_a_sender_on_a_third_node_nothing_is_known),
        cmocka_unit_test(a_tuple_of_the_future_that_has_grown_is_read),
        cmocka_unit_test(a_message_to_nobody_is_dropped_and_counted_in_each_form),
        cmocka_unit_test(a_message_to_a_process_that_ended_is_dropped),
        cmocka_unit_test(a_name_is_whoevers_it_is_when_the_message_comes),
        cmocka_unit_test(a_big_message_is_told_whole_in_each_form),
        cmocka_unit_test(of_a_big_message_to_the_dead_little_is_kept),
        cmocka_unit_test(a_message_that_cannot_be_kept_ends_its_connection_and_none_to_nobody_does),
        cmocka_unit_test(a_name_may_come_to_be_while_a_message_to_it_comes),
        cmocka_unit_test(a_message_that_nobody_could_read_is_dropped_and_logged),
        cmocka_unit_test(priority_comes_before_what_waits_and_keeps_its_own_order),
        cmocka_unit_test(a_message_from_here_names_its_sender),
        cmocka_unit_test(a_message_from_here_to_nobody_is_lost_without_an_error),
        cmocka_unit_test(a_peer_that_sends_more_than_mail_max_is_disconnected),
        cmocka_unit_test(so_is_one_that_sends_more_exit_signals),
        cmocka_unit_test(one_that_sends_as_much_and_is_heard_is_not),
        cmocka_unit_test(what_the_program_sends_itself_beyond_mail_max_is_refused),
        cmocka_unit_test(a_message_without_memory_ends_its_connection_and_is_so_known_to_be_lost),
        cmocka_unit_test(what_cannot_be_sent_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
