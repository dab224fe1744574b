/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/dflags.h"
#include "node_bench.h"
#include "term/ident.h"
#include "term/write.h"

static struct bench b;

static const uint8_t noproc_bytes[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
static const struct nx_span noproc = {noproc_bytes, sizeof noproc_bytes};
static const struct nx_span no_payload = {NULL, 0};

enum { CREATION = 2002 };

/* The terms that a signal may be made of; filled by open_with. */
static struct {
    struct nx_span them;    /* a pid of the fake */
    struct nx_span third;   /* of a node that is neither */
    struct nx_span us;      /* the node's pid */
    struct nx_span us_dead; /* another pid of the node */
    struct nx_span us_old;  /* the node's pid, of an earlier incarnation */
    struct nx_span ref;     /* a reference of the fake */
    struct nx_span name;    /* srv */
    struct nx_span kernel;  /* net_kernel */
    struct nx_span undefined;
    struct nx_span noproc;
    struct nx_span id;
    struct nx_span list;
    struct nx_span mfa;
} term;
static uint8_t bytes[12][FAKE_TERM];

static void make_terms(void)
{
    static const uint8_t id[] = {110, 8, 0, 1, 2, 3, 4, 5, 6, 7, 0xff}; /* nearly 2^64 */
    static const uint8_t list[] = {108, 0, 0, 0, 1, 119, 7, 'm', 'o', 'n', 'i', 't', 'o', 'r', 106};
    static const uint8_t mfa[] = {104, 3, 119, 1, 'm', 119, 1, 'f', 97, 0};
    struct nx_pid self;
    const struct fake_beam *beam = &b.beam[0];
    const struct fake_signal *barrier = fake_beam_signal(beam, NX_OP_MONITOR_P, 0);
    assert_non_null(barrier);
    assert_true(nx_pid_parse(fake_signal_arg(barrier, NX_ARG_FROM), &self));
    term.them = fake_pid(beam->name, 91, 2, CREATION, bytes[0]);
    term.third = fake_pid("third@127.0.0.1", 91, 2, 5, bytes[1]);
    term.us = fake_pid("mon@127.0.0.1", self.id, self.serial, self.creation, bytes[2]);
    term.us_dead = fake_pid("mon@127.0.0.1", 4711, 0, self.creation, bytes[3]);
    term.us_old = fake_pid("mon@127.0.0.1", self.id, self.serial, self.creation + 1, bytes[8]);
    term.ref = fake_ref(beam->name, CREATION, 3, bytes[4]);
    term.name = fake_atom("srv", bytes[5]);
    term.kernel = fake_atom("net_kernel", bytes[6]);
    term.undefined = fake_atom("undefined", bytes[7]);
    term.noproc = noproc;
    term.id = nx_span(id, sizeof id);
    term.list = nx_span(list, sizeof list);
    term.mfa = nx_span(mfa, sizeof mfa);
}

/* A node connected to one fake that offers these flags; what was exchanged so far is forgotten. */
static struct fake_beam *open_with(uint64_t flags)
{
    bench_init(&b);
    bench_open(&b);
    struct fake_beam *beam = bench_beam(&b, &(struct fake_beam_opts){.flags = flags});
    bench_monitor_node(&b, 0, NULL); /* its barrier shows the node's pid */
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    make_terms();
    for (unsigned i = 0; i < beam->signals; i++)
        nx_buf_free(&beam->signal[i].bytes);
    beam->signals = 0;
    memset(beam->ops, 0, sizeof beam->ops);
    beam->deaf = true; /* records only: what comes is an answer */
    return beam;
}

static struct fake_beam *open_plain(void)
{
    return open_with(NX_DFLAGS_OURS);
}

static void send_and_settle(const struct nx_ctrl *c, struct nx_span payload)
{
    fake_beam_send(&b.beam[0], c, payload);
    bench_settle(&b);
}

static const struct fake_signal *only_answer(enum nx_op op)
{
    if (b.beam[0].signals != 1 || b.beam[0].signal[0].op != op)
        fail_msg("%u answers, the first of op %d", b.beam[0].signals,
                 b.beam[0].signals ? (int)b.beam[0].signal[0].op : 0);
    return &b.beam[0].signal[0];
}

static void assert_arg(const struct fake_signal *s, enum nx_arg arg, struct nx_span expected)
{
    assert_true(nx_span_eq(fake_signal_arg(s, arg), expected));
}

static void assert_counted(uint64_t answered, uint64_t dropped)
{
    struct noex_stats s = bench_stats(&b);
    assert_int_equal(s.signals_answered, answered);
    assert_int_equal(s.signals_dropped, dropped);
    assert_int_equal(s.connections, 1);
}

/* ---- monitors on us ---- */

static void
N04_M26_a_monitor_on_what_is_not_here_is_answered_noproc_with_an_exact_echo(void **state)
{
    (void)state;
    const uint64_t flags[] = {NX_DFLAGS_OURS, NX_DFLAGS_OURS & ~NX_DFLAG_EXIT_PAYLOAD};
    for (int f = 0; f < 2; f++) {
        for (int t = 0; t < 4; t++) {
            struct fake_beam *beam = open_with(flags[f]);
            const struct nx_span targets[] = {term.name, term.us_old, term.us_dead, term.undefined};
            for (uint32_t words = 1; words <= 5; words += 2) {
                uint8_t ref[FAKE_TERM];
                struct nx_ctrl c = {.op = NX_OP_MONITOR_P};
                c.arg[NX_ARG_FROM] = term.them;
                c.arg[NX_ARG_TARGET] = targets[t];
                c.arg[NX_ARG_REF] = fake_ref(beam->name, CREATION, words, ref);
                send_and_settle(&c, no_payload);
                const struct fake_signal *s =
                    only_answer(f ? NX_OP_MONITOR_P_EXIT : NX_OP_PAYLOAD_MONITOR_P_EXIT);
                assert_arg(s, NX_ARG_TARGET, targets[t]);
                assert_arg(s, NX_ARG_TO, term.them);
                assert_arg(s, NX_ARG_REF, c.arg[NX_ARG_REF]);
                assert_true(nx_span_eq(
                    f ? fake_signal_arg(s, NX_ARG_REASON) : fake_signal_payload(s), noproc));
                nx_buf_free(&beam->signal[0].bytes);
                beam->signals = 0;
            }
            assert_counted(3, 0);
            bench_close(&b);
        }
    }
}

static void a_monitor_on_net_kernel_is_not_answered_for_it_is_there(void **state)
{
    (void)state;
    open_plain();
    struct nx_ctrl c = {.op = NX_OP_MONITOR_P};
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_TARGET] = term.kernel;
    c.arg[NX_ARG_REF] = term.ref;
    send_and_settle(&c, no_payload);
    c.op = NX_OP_DEMONITOR_P;
    send_and_settle(&c, no_payload);
    assert_int_equal(b.beam[0].signals, 0);
    assert_counted(0, 0);
    send_and_settle(&c, no_payload); /* it is gone */
    assert_counted(0, 1);
    bench_close(&b);
}

static void X10_a_demonitor_of_what_nobody_monitors_is_ignored(void **state)
{
    (void)state;
    open_plain();
    struct nx_ctrl c = {.op = NX_OP_DEMONITOR_P};
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_TARGET] = term.name;
    c.arg[NX_ARG_REF] = term.ref;
    send_and_settle(&c, no_payload);
    assert_int_equal(b.beam[0].signals, 0);
    assert_counted(0, 1);
    bench_close(&b);
}

/* ---- links, spawns ---- */

static void Y07_a_link_to_a_process_that_is_not_here_gets_exit_noproc(void **state)
{
    (void)state;
    const uint64_t flags[] = {NX_DFLAGS_OURS, NX_DFLAGS_OURS & ~NX_DFLAG_EXIT_PAYLOAD};
    for (int f = 0; f < 2; f++) {
        open_with(flags[f]);
        struct nx_ctrl c = {.op = NX_OP_LINK};
        c.arg[NX_ARG_FROM] = term.them;
        c.arg[NX_ARG_TO] = term.us_dead;
        send_and_settle(&c, no_payload);
        const struct fake_signal *s = only_answer(f ? NX_OP_EXIT : NX_OP_PAYLOAD_EXIT);
        assert_arg(s, NX_ARG_FROM, term.us_dead);
        assert_arg(s, NX_ARG_TO, term.them);
        assert_true(
            nx_span_eq(f ? fake_signal_arg(s, NX_ARG_REASON) : fake_signal_payload(s), noproc));
        assert_counted(1, 0);
        bench_close(&b);
    }
}

static void Y08_an_unlink_is_acknowledged_before_anything_else(void **state)
{
    (void)state;
    open_plain();
    struct nx_ctrl c = {.op = NX_OP_UNLINK_ID};
    c.arg[NX_ARG_ID] = term.id;
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_TO] = term.us_dead;
    fake_beam_send(&b.beam[0], &c, no_payload);
    struct nx_ctrl link = {.op = NX_OP_LINK};
    link.arg[NX_ARG_FROM] = term.them;
    link.arg[NX_ARG_TO] = term.us_dead;
    send_and_settle(&link, no_payload);
    assert_int_equal(b.beam[0].signals, 2);
    const struct fake_signal *s = &b.beam[0].signal[0];
    assert_int_equal(s->op, NX_OP_UNLINK_ID_ACK);
    assert_arg(s, NX_ARG_ID, term.id);
    assert_arg(s, NX_ARG_FROM, term.us_dead);
    assert_arg(s, NX_ARG_TO, term.them);
    assert_int_equal(b.beam[0].signal[1].op, NX_OP_PAYLOAD_EXIT);
    assert_counted(2, 0);
    bench_close(&b);
}

static struct nx_ctrl spawn_request(bool traced, struct nx_span from)
{
    struct nx_ctrl c = {.op = traced ? NX_OP_SPAWN_REQUEST_TT : NX_OP_SPAWN_REQUEST};
    c.arg[NX_ARG_REF] = term.ref;
    c.arg[NX_ARG_FROM] = from;
    c.arg[NX_ARG_LEADER] = term.them;
    c.arg[NX_ARG_MFA] = term.mfa;
    c.arg[NX_ARG_OPTS] = term.list;
    if (traced)
        c.arg[NX_ARG_TOKEN] = term.list;
    return c;
}

static void L4_a_spawn_request_is_refused_with_notsup(void **state)
{
    (void)state;
    static const uint8_t zero[] = {97, 0}, notsup[] = {119, 6, 'n', 'o', 't', 's', 'u', 'p'};
    static const uint8_t nil[] = {106};
    for (int traced = 0; traced < 2; traced++) {
        open_plain();
        struct nx_ctrl c = spawn_request(traced, term.them);
        send_and_settle(&c, nx_span(nil, 1));
        const struct fake_signal *s = only_answer(NX_OP_SPAWN_REPLY);
        assert_arg(s, NX_ARG_REF, term.ref);
        assert_arg(s, NX_ARG_TO, term.them);
        assert_arg(s, NX_ARG_FLAGS, nx_span(zero, sizeof zero));
        assert_arg(s, NX_ARG_RESULT, nx_span(notsup, sizeof notsup));
        assert_counted(1, 0);
        bench_close(&b);
    }
}

static void M23_pids_of_a_third_node_are_dropped_never_answered(void **state)
{
    (void)state;
    static const uint8_t nil[] = {106};
    open_plain();
    struct nx_ctrl c = {.op = NX_OP_MONITOR_P};
    c.arg[NX_ARG_FROM] = term.third;
    c.arg[NX_ARG_TARGET] = term.name;
    c.arg[NX_ARG_REF] = term.ref;
    send_and_settle(&c, no_payload);
    const enum nx_op ops[] = {NX_OP_LINK, NX_OP_UNLINK_ID};
    for (int i = 0; i < 2; i++) {
        c = (struct nx_ctrl){.op = ops[i]};
        c.arg[NX_ARG_ID] = ops[i] == NX_OP_UNLINK_ID ? term.id : no_payload;
        c.arg[NX_ARG_FROM] = term.third;
        c.arg[NX_ARG_TO] = term.us;
        send_and_settle(&c, no_payload);
        c.arg[NX_ARG_FROM] = term.them;
        c.arg[NX_ARG_TO] = term.third; /* to somebody who is not of this node */
        send_and_settle(&c, no_payload);
    }
    c = spawn_request(false, term.third);
    send_and_settle(&c, nx_span(nil, 1));
    assert_int_equal(b.beam[0].signals, 0);
    assert_counted(0, 6);
    bench_close(&b);
}

/* ---- net_adm:ping ---- */

/* {'$gen_call', {Caller, Tag}, {What, Node}} */
static struct nx_span call(struct nx_span caller, struct nx_span tag, const char *what,
                           uint8_t *out)
{
    struct nx_buf buf;
    nx_buf_fixed(&buf, out, 2 * FAKE_TERM);
    assert_int_equal(nx_write_tuple_head(&buf, 3), 0);
    assert_int_equal(nx_write_atom(&buf, "$gen_call"), 0);
    assert_int_equal(nx_write_tuple_head(&buf, 2), 0);
    assert_int_equal(nx_write_raw(&buf, caller), 0);
    assert_int_equal(nx_write_raw(&buf, tag), 0);
    assert_int_equal(nx_write_tuple_head(&buf, 2), 0);
    assert_int_equal(nx_write_atom(&buf, what), 0);
    assert_int_equal(nx_write_atom(&buf, "beam@127.0.0.1"), 0);
    return nx_buf_span(&buf);
}

/* The forms of protocol.md 7: Ref, [alias|Ref], [[alias|R1]|R2], {'$gen_request_id', Ref}, 42. */
static struct nx_span make_tag(int form, uint8_t *out)
{
    struct nx_buf buf;
    uint8_t r[FAKE_TERM];
    nx_buf_fixed(&buf, out, FAKE_TERM);
    if (form == 2)
        assert_int_equal(nx_write_list_head(&buf, 1), 0);
    if (form == 1 || form == 2) {
        assert_int_equal(nx_write_list_head(&buf, 1), 0);
        assert_int_equal(nx_write_atom(&buf, "alias"), 0);
    }
    if (form == 3) {
        assert_int_equal(nx_write_tuple_head(&buf, 2), 0);
        assert_int_equal(nx_write_atom(&buf, "$gen_request_id"), 0);
    }
    if (form == 4)
        assert_int_equal(nx_write_int(&buf, 42), 0);
    else
        assert_int_equal(nx_write_raw(&buf, term.ref), 0);
    if (form == 2)
        assert_int_equal(nx_write_raw(&buf, fake_ref(b.beam[0].name, CREATION, 2, r)), 0);
    return nx_buf_span(&buf);
}

static void L3_a_ping_is_answered_yes_to_where_its_tag_points(void **state)
{
    (void)state;
    static const struct {
        int form;
        bool to_alias;
    } cases[] = {{0, false}, {1, true}, {2, true}, {3, false}, {4, false}};
    static const struct {
        uint64_t flags;
        enum nx_op by_alias; /* 0: an alias counts for nothing */
    } forms[] = {{NX_DFLAGS_OURS, NX_OP_ALTACT_SIG_SEND},
                 {NX_DFLAGS_OURS & ~NX_DFLAG_ALTACT_SIG, NX_OP_ALIAS_SEND},
                 {NX_DFLAGS_OURS & ~(NX_DFLAG_ALTACT_SIG | NX_DFLAG_ALIAS), 0}};
    uint8_t out[2 * FAKE_TERM], tag_bytes[FAKE_TERM], want_bytes[FAKE_TERM];
    for (int f = 0; f < 3; f++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            bool alias = cases[i].to_alias && forms[f].by_alias;
            open_with(forms[f].flags);
            struct nx_span tag = make_tag(cases[i].form, tag_bytes);
            struct nx_ctrl c = {.op = i % 2 ? NX_OP_REG_SEND : NX_OP_REG_SEND_TT};
            c.arg[NX_ARG_FROM] = term.them;
            c.arg[NX_ARG_NAME] = term.kernel;
            c.arg[NX_ARG_TOKEN] = i % 2 ? no_payload : term.list;
            send_and_settle(&c, call(term.them, tag, "is_auth", out));
            const struct fake_signal *s =
                only_answer(alias ? forms[f].by_alias : NX_OP_SEND_SENDER);
            assert_arg(s, NX_ARG_FROM, term.us);
            if (alias)
                assert_arg(s, s->op == NX_OP_ALIAS_SEND ? NX_ARG_REF : NX_ARG_TO, term.ref);
            else
                assert_arg(s, NX_ARG_TO, term.them);
            struct nx_buf want;
            nx_buf_fixed(&want, want_bytes, sizeof want_bytes);
            assert_int_equal(nx_write_tuple_head(&want, 2), 0);
            assert_int_equal(nx_write_raw(&want, tag), 0);
            assert_int_equal(nx_write_atom(&want, "yes"), 0);
            assert_true(nx_span_eq(fake_signal_payload(s), nx_buf_span(&want)));
            assert_counted(1, 0);
            bench_close(&b);
        }
    }
}

static void L3_what_is_no_proper_ping_is_dropped(void **state)
{
    (void)state;
    static uint8_t out[2 * FAKE_TERM];
    static const uint8_t nil[] = {106}, two[] = {104, 2, 106, 106};
    uint8_t tag[FAKE_TERM];
    open_plain();
    struct nx_ctrl c = {.op = NX_OP_REG_SEND};
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_NAME] = term.kernel;
    send_and_settle(&c, nx_span(nil, 1));
    send_and_settle(&c, nx_span(two, sizeof two));
    send_and_settle(&c, call(term.them, make_tag(1, tag), "spawn", out));
    send_and_settle(&c, call(term.third, make_tag(0, tag), "is_auth", out)); /* 6.3 */
    send_and_settle(&c, call(term.name, make_tag(0, tag), "is_auth", out));
    c.arg[NX_ARG_NAME] = term.name; /* nobody of that name */
    send_and_settle(&c, call(term.them, make_tag(1, tag), "is_auth", out));
    assert_int_equal(b.beam[0].signals, 0);
    assert_counted(0, 6);
    bench_close(&b);
}

/* ---- what nobody wants ---- */

static struct nx_ctrl any_signal(enum nx_op op)
{
    struct nx_ctrl c = {.op = op};
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_TO] = term.us_dead;
    c.arg[NX_ARG_TARGET] = term.name;
    c.arg[NX_ARG_NAME] = term.name;
    c.arg[NX_ARG_REF] = term.ref;
    c.arg[NX_ARG_ID] = term.id;
    c.arg[NX_ARG_REASON] = noproc;
    c.arg[NX_ARG_TOKEN] = term.list;
    c.arg[NX_ARG_LEADER] = term.them;
    c.arg[NX_ARG_FLAGS] = term.id;
    c.arg[NX_ARG_RESULT] = term.them;
    return c;
}

static void what_nobody_here_wants_is_dropped_and_counted(void **state)
{
    (void)state;
    static const struct {
        enum nx_op op;
        bool payload;
    } cases[] = {
        {NX_OP_SEND, true},           {NX_OP_SEND_TT, true},          {NX_OP_SEND_SENDER, true},
        {NX_OP_SEND_SENDER_TT, true}, {NX_OP_REG_SEND, true},         {NX_OP_REG_SEND_TT, true},
        {NX_OP_EXIT, false},          {NX_OP_EXIT_TT, false},         {NX_OP_EXIT2, false},
        {NX_OP_EXIT2_TT, false},      {NX_OP_PAYLOAD_EXIT, true},     {NX_OP_PAYLOAD_EXIT_TT, true},
        {NX_OP_PAYLOAD_EXIT2, true},  {NX_OP_PAYLOAD_EXIT2_TT, true}, {NX_OP_GROUP_LEADER, false},
        {NX_OP_UNLINK, false},        {NX_OP_UNLINK_ID_ACK, false},   {NX_OP_ALIAS_SEND, true},
        {NX_OP_ALIAS_SEND_TT, true},  {NX_OP_SPAWN_REPLY, false},     {NX_OP_SPAWN_REPLY_TT, false},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    open_plain();
    for (uint64_t i = 0; i < CASES; i++) {
        struct nx_ctrl c = any_signal(cases[i].op);
        send_and_settle(&c, cases[i].payload ? noproc : no_payload);
        if (b.beam[0].signals || bench_stats(&b).signals_dropped != i + 1)
            fail_msg("%s: not dropped and counted", nx_op_name((int)cases[i].op));
    }
    assert_counted(0, CASES);
    assert_int_equal(bench_monitor_stats(&b).active, 1); /* an EXIT to us ends nothing */
    bench_close(&b);
}

static void an_opcode_from_the_future_is_skipped_and_counted_and_the_next_is_served(void **state)
{
    (void)state;
    static const uint8_t unknown[] = {131, 68, 0, 104, 2, 97, 99, 106};
    struct fake_beam *beam = open_plain();
    fake_beam_send_raw(beam, unknown, sizeof unknown);
    struct nx_ctrl c = {.op = NX_OP_LINK};
    c.arg[NX_ARG_FROM] = term.them;
    c.arg[NX_ARG_TO] = term.us_dead;
    send_and_settle(&c, no_payload);
    only_answer(NX_OP_PAYLOAD_EXIT);
    assert_counted(1, 1);
    bench_close(&b);
}

static void the_answers_to_calls_of_others_are_dropped(void **state)
{
    (void)state;
    uint8_t out[FAKE_TERM], ref[FAKE_TERM];
    struct nx_buf buf;
    open_plain();
    const struct nx_span tags[] = {term.ref, term.name, fake_ref("mon@127.0.0.1", 4, 3, ref)};
    for (int i = 0; i < 3; i++) {
        nx_buf_fixed(&buf, out, sizeof out);
        assert_int_equal(nx_write_tuple_head(&buf, 2), 0);
        assert_int_equal(nx_write_raw(&buf, tags[i]), 0);
        assert_int_equal(nx_write_raw(&buf, term.them), 0);
        struct nx_ctrl c = any_signal(NX_OP_SEND_SENDER);
        c.arg[NX_ARG_TO] = term.us;
        send_and_settle(&c, nx_buf_span(&buf));
    }
    assert_int_equal(b.beam[0].signals, 0);
    assert_counted(0, 3);
    bench_close(&b);
}

static void a_peer_that_breaks_the_protocol_is_left_with_the_cause(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[16];
        size_t len;
        int code;
    } cases[] = {
        {{131, 68, 0, 104, 3, 97, 1, 97, 1, 97, 1}, 11, NOEX_EPROTOCOL}, /* LINK of integers */
        {{131, 68, 0, 104, 2, 97, 1, 106}, 8, NOEX_EPROTOCOL},           /* arity */
        {{131, 68, 0, 104, 4}, 5, NOEX_ETERM},
        {{112, 131, 106}, 3, NOEX_EPROTOCOL},
        {{131, 80, 0, 0, 0, 9}, 6, NOEX_EPROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_beam *beam = open_plain();
        fake_beam_send_raw(beam, cases[i].bytes, cases[i].len);
        bench_until(&b, DOWN, 1);
        const struct seen *e = bench_event(&b, DOWN, 0);
        if (e->code != cases[i].code)
            fail_msg("case %zu: %s: %s", i, noex_error_name(e->code), e->text);
        assert_true(e->text[0] != '\0');
        assert_int_equal(noex_error_class(e->code), NOEX_CLASS_REFUSED);
        EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            N04_M26_a_monitor_on_what_is_not_here_is_answered_noproc_with_an_exact_echo),
        cmocka_unit_test(a_monitor_on_net_kernel_is_not_answered_for_it_is_there),
        cmocka_unit_test(X10_a_demonitor_of_what_nobody_monitors_is_ignored),
        cmocka_unit_test(Y07_a_link_to_a_process_that_is_not_here_gets_exit_noproc),
        cmocka_unit_test(Y08_an_unlink_is_acknowledged_before_anything_else),
        cmocka_unit_test(L4_a_spawn_request_is_refused_with_notsup),
        cmocka_unit_test(M23_pids_of_a_third_node_are_dropped_never_answered),
        cmocka_unit_test(L3_a_ping_is_answered_yes_to_where_its_tag_points),
        cmocka_unit_test(L3_what_is_no_proper_ping_is_dropped),
        cmocka_unit_test(what_nobody_here_wants_is_dropped_and_counted),
        cmocka_unit_test(an_opcode_from_the_future_is_skipped_and_counted_and_the_next_is_served),
        cmocka_unit_test(the_answers_to_calls_of_others_are_dropped),
        cmocka_unit_test(a_peer_that_breaks_the_protocol_is_left_with_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
