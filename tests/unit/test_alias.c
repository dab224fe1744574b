/* SPDX-License-Identifier: Apache-2.0 */
#include "process_bench.h"

#include "term/ident.h"

/* Messages from here to an alias, one of this node or of another one. */

static struct bench b;
static struct noex_pid srv, other;
static noex_builder *builder;
static struct noex_term alias; /* of srv */
static noex_alias_id alias_id;

static void open_with(uint64_t flags)
{
    bench_citizen(&b, flags);
    srv = bench_process(&b, "srv", false);
    other = bench_process(&b, "other", false);
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    assert_int_equal(noex_alias(b.node, &srv, builder, &alias_id), 0);
    assert_int_equal(noex_builder_term(builder, &alias), 0);
}

static void done(void)
{
    noex_builder_free(builder);
    bench_close(&b);
}

static int send_to(struct noex_term to, const struct noex_pid *from, struct nx_span message)
{
    return noex_send_alias(b.node, from, to, term_of(message));
}

static void an_alias_of_this_node_is_sent_to_until_it_is_taken_away(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS);
    assert_int_equal(send_to(alias, &other, raw_int(1)), 0);
    assert_int_equal(send_to(alias, NULL, raw_int(2)), 0);
    bench_settle(&b);
    EXPECT_EVENTS(&b, P_MSG, P_MSG);
    assert_true(same_pid(&b.seen[0].process, &srv) && same_pid(&b.seen[0].from, &other));
    assert_true(same_pid(&b.seen[1].process, &srv) && !b.seen[1].has_from);
    assert_term(&b.seen[1], raw_int(2));
    assert_int_equal(noex_unalias(b.node, alias_id), 0);
    assert_int_equal(send_to(alias, &other, raw_int(3)), 0);
    bench_settle(&b);
    assert_int_equal(b.seen_count, 2);
    EXPECT_NO_SIGNALS(&b, 0);
    done();
}

/* Seen between two nodes of OTP 29: to an alias without the option, and to a pid, what is sent with
 * priority has its place in the order of all. */
static void priority_is_for_aliases_that_are_made_so(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS);
    struct nx_span ref = nx_span(alias.bytes, alias.len);
    for (int made = 0; made < 2; made++) {
        bench_forget(&b);
        for (int i = 0; i < 2; i++)
            SAY(&b, 0, NX_OP_ALTACT_SIG_SEND,
                raw_int(i), [NX_ARG_FROM] = raw_their_pid(&b, 0, 9), [NX_ARG_TO] = ref,
                [NX_ARG_FLAGS] = raw_int(NX_ALTACT_ALIAS | (i ? NX_ALTACT_PRIORITY : 0)));
        bench_until(&b, P_MSG, 2);
        for (int i = 0; i < 2; i++) {
            assert_term(&b.seen[i], raw_int(made ? 1 - i : i));
            assert_int_equal(b.seen[i].priority, made && i == 0);
        }
        assert_int_equal(noex_alias_priority(b.node, alias_id), 0);
    }
    assert_int_equal(noex_unalias(b.node, alias_id), 0);
    assert_int_equal(noex_alias_priority(b.node, alias_id), 0);
    assert_int_equal(noex_alias_priority(NULL, alias_id), NOEX_EINVALID);
    done();
}

static void what_is_no_alias_of_this_node_loses_the_message(void **state)
{
    (void)state;
    uint8_t bytes[3][FAKE_TERM];
    struct nx_buf out;
    struct nx_ref ref;
    open_with(NX_DFLAGS_OURS);
    for (int i = 0; i < 3; i++) { /* another use, fewer words, an incarnation before */
        assert_true(nx_ref_parse(nx_span(alias.bytes, alias.len), &ref));
        ref.word[2] = i == 0 ? NX_REF_CALL : ref.word[2];
        ref.count = i == 1 ? 2 : 3;
        ref.creation += i == 2;
        nx_buf_fixed(&out, bytes[i], sizeof bytes[i]);
        assert_int_equal(nx_ref_write(&out, &ref), 0);
        assert_int_equal(send_to(term_of(nx_buf_span(&out)), &other, raw_int(i)), 0);
    }
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    EXPECT_NO_SIGNALS(&b, 0);
    done();
}

/* Protocol.md 6.8: by opcode 37 where both know it, else by 33; a peer without aliases has none. */
static void an_alias_of_another_node_goes_there_in_the_form_that_it_knows(void **state)
{
    static const struct {
        uint64_t flags;
        enum nx_op op;
    } forms[] = {{NX_DFLAGS_OURS | NX_DFLAG_ALTACT_SIG, NX_OP_ALTACT_SIG_SEND},
                 {NX_DFLAGS_OURS & ~NX_DFLAG_ALTACT_SIG, NX_OP_ALIAS_SEND},
                 {NX_DFLAGS_OURS & ~(NX_DFLAG_ALTACT_SIG | NX_DFLAG_ALIAS), 0}};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        open_with(forms[i].flags);
        bool altact = (forms[i].flags & NX_DFLAGS_OURS & NX_DFLAG_ALTACT_SIG) != 0;
        enum nx_op op =
            forms[i].op == NX_OP_ALTACT_SIG_SEND && !altact ? NX_OP_ALIAS_SEND : forms[i].op;
        struct nx_span theirs = raw_their_ref(&b, 0, 7);
        assert_int_equal(send_to(term_of(theirs), &other, raw_int(1)), 0);
        bench_settle(&b);
        if (!op) {
            EXPECT_NO_SIGNALS(&b, 0);
        } else {
            const struct fake_signal *s = bench_only_signal(&b, 0, op);
            bool as_37 = op == NX_OP_ALTACT_SIG_SEND;
            assert_span(fake_signal_arg(s, as_37 ? NX_ARG_TO : NX_ARG_REF), theirs);
            assert_span(fake_signal_arg(s, NX_ARG_FROM), raw_pid(&b, &other));
            assert_span(fake_signal_payload(s), raw_int(1));
        }
        done();
    }
}

static void an_alias_of_a_node_that_is_not_connected_connects_to_it(void **state)
{
    (void)state;
    open_with(NX_DFLAGS_OURS);
    struct nx_span theirs = raw_their_ref(&b, 0, 7);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    assert_int_equal(send_to(term_of(theirs), NULL, raw_int(1)), 0);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_ALIAS_SEND] + b.beam[0].ops[NX_OP_ALTACT_SIG_SEND], 1);
    done();
}

static void what_cannot_be_sent_has_its_error(void **state)
{
    static const uint8_t cut[] = {104, 2, 97, 1};
    uint8_t bytes[FAKE_TERM];
    (void)state;
    open_with(NX_DFLAGS_OURS);
    struct noex_term hello = term_of(raw_atom("hello")), none = {NULL, 0};
    struct noex_pid dead = {srv.id, srv.serial + 1, srv.creation};
    struct noex_term odd = term_of(fake_ref("no name", 1, 3, bytes));
    assert_int_equal(noex_send_alias(NULL, NULL, alias, hello), NOEX_EINVALID);
    assert_int_equal(noex_send_alias(b.node, &dead, alias, hello), NOEX_ENOPROC);
    assert_int_equal(noex_send_alias(b.node, NULL, none, hello), NOEX_ETARGET);
    assert_int_equal(noex_send_alias(b.node, NULL, term_of(raw_pid(&b, &srv)), hello),
                     NOEX_ETARGET);
    assert_int_equal(noex_send_alias(b.node, NULL, odd, hello), NOEX_ENODENAME);
    assert_int_equal(noex_send_alias(b.node, NULL, alias, none), NOEX_ETERM);
    assert_int_equal(noex_send_alias(b.node, NULL, alias, term_of(nx_span(cut, sizeof cut))),
                     NOEX_ETERM);
    b.alloc.fail_at = b.alloc.calls + 1;
    assert_int_equal(noex_send_alias(b.node, NULL, alias, hello), NOEX_ENOMEM);
    b.alloc.fail_at = 0;
    bench_settle(&b);
    assert_int_equal(b.seen_count, 0);
    done();
}

enum { BIG = 80 * 1024 };

static void limits_hold_for_aliases_too(void **state)
{
    static uint8_t big[BIG] = {109, 0, (BIG - 5) >> 16, ((BIG - 5) >> 8) & 255, (BIG - 5) & 255};
    (void)state;
    bench_init(&b);
    b.options.mail_max = 64 * 1024;
    b.options.out_high = BIG;
    b.options.out_max = 2 * BIG;
    b.pull = true;
    bench_open_citizen(&b, NX_DFLAGS_OURS);
    srv = bench_process(&b, "srv", false);
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    assert_int_equal(noex_alias(b.node, &srv, builder, &alias_id), 0);
    assert_int_equal(noex_builder_term(builder, &alias), 0);
    struct nx_span all = nx_span(big, sizeof big);
    struct noex_term theirs = term_of(raw_their_ref(&b, 0, 7));
    assert_int_equal(send_to(alias, NULL, all), NOEX_ELIMIT);
    int rc = 0;
    for (int i = 0; i < 4 && !rc; i++)
        rc = send_to(theirs, NULL, all);
    assert_int_equal(rc, NOEX_EUNREAD);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alias_of_this_node_is_sent_to_until_it_is_taken_away),
        cmocka_unit_test(priority_is_for_aliases_that_are_made_so),
        cmocka_unit_test(what_is_no_alias_of_this_node_loses_the_message),
        cmocka_unit_test(an_alias_of_another_node_goes_there_in_the_form_that_it_knows),
        cmocka_unit_test(an_alias_of_a_node_that_is_not_connected_connects_to_it),
        cmocka_unit_test(what_cannot_be_sent_has_its_error),
        cmocka_unit_test(limits_hold_for_aliases_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
