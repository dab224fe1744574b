/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "golden.h"
#include "term/check.h"
#include "term/gen.h"
#include "term/ident.h"

#define PID "58 77 03 614062 00000050 00000000 00000005 "
#define REF "5a 0003 77 03 614062 00000005 00000001 00000002 00000003 "
#define REF5 "5a 0005 77 03 614062 00000005 00000001 00000002 00000003 00000004 00000005 "
#define ALIAS "77 05 616c696173 "
#define ALIAS_OF(ref) "6c 00000001 " ALIAS ref
#define GEN_CALL "77 09 2467656e5f63616c6c "
#define GEN_CAST "77 09 2467656e5f63617374 "
#define SYSTEM "77 06 73797374656d "
#define REQ "77 03 726571"

static void is_hex(struct nx_span s, const char *hex)
{
    struct nx_span wanted = exact_hex(hex);
    assert_true(nx_span_eq(s, wanted));
    exact_free(wanted);
}

/* Protocol.md 7: each form of tag, and where its reply goes. Empty: to the caller's pid. */
static const struct {
    const char *tag, *alias;
} tags[] = {
    {REF, ""},
    {REF5, ""},
    {ALIAS_OF(REF), REF},
    {ALIAS_OF(REF5), REF5},
    {"6c 00000001 64 0005 616c696173 " REF, REF}, /* the atom in Latin-1, as OTP 25 has it */
    {"6c 00000001 " ALIAS_OF(REF5) REF, REF5},
    {"6c 00000001 " ALIAS_OF(REF5) "6a", REF5},
    {"6c 00000002 " ALIAS_OF(REF) REQ "6a", REF},
    {"68 02 77 0f 2467656e5f726571756573745f6964 " REF, ""}, /* {'$gen_request_id', Ref} */
    {PID, ""},
    {"61 07", ""},
    {"6a", ""},
    {"6b 0005 616c696173", ""},
    {ALIAS, ""},
    {"6c 00000001 " ALIAS "6a", ""},                        /* [alias] */
    {"6c 00000002 " ALIAS REF "6a", ""},                    /* [alias, Ref] */
    {"6c 00000002 " ALIAS REF REF, ""},                     /* [alias, Ref|Ref] */
    {"6c 00000001 " ALIAS PID, ""},                         /* [alias|Pid] */
    {"6c 00000001 77 05 616c696174 " REF, ""},              /* [aliat|Ref] */
    {"6c 00000001 " REF REF, ""},                           /* [Ref|Ref] */
    {"6c 00000001 6c 00000001 " ALIAS "6a " REF, ""},       /* [[alias]|Ref] */
    {"6c 00000001 6c 00000002 " ALIAS REF REF REF, ""},     /* [[alias, Ref|Ref]|Ref] */
    {"6c 00000001 6c 00000001 " ALIAS_OF(REF) REF REF, ""}, /* nested once more than any is */
    {"68 02 " ALIAS REF, ""},
};

static void a_reply_goes_where_its_tag_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct nx_span tag = exact_hex(tags[i].tag);
        size_t used;
        assert_int_equal(nx_term_check(tag, &used, NULL), 0);
        assert_int_equal(used, tag.len);
        is_hex(nx_gen_alias(tag), tags[i].alias);
        exact_free(tag);
    }
}

static void a_call_and_a_system_message_are_taken_apart_whatever_their_tag(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        enum nx_gen_kind kind;
    } heads[] = {
        {"68 03 " GEN_CALL, NX_GEN_CALL},
        {"69 00000003 " GEN_CALL, NX_GEN_CALL},
        {"68 03 64 0009 2467656e5f63616c6c ", NX_GEN_CALL},
        {"68 03 76 0009 2467656e5f63616c6c ", NX_GEN_CALL},
        {"68 03 " SYSTEM, NX_GEN_SYSTEM},
        {"69 00000003 64 0006 73797374656d ", NX_GEN_SYSTEM},
    };
    char hex[2048], caller[1024];
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
            snprintf(caller, sizeof caller, "68 02 " PID "%s", tags[i].tag);
            snprintf(hex, sizeof hex, "%s%s" REQ, heads[h].head, caller);
            struct nx_span message = exact_hex(hex);
            struct nx_gen m;
            struct nx_gen_caller c;
            nx_gen_parse(message, &m);
            assert_int_equal(m.kind, heads[h].kind);
            is_hex(m.caller, caller);
            is_hex(m.term, REQ);
            assert_true(nx_gen_caller_parse(m.caller, &c));
            is_hex(c.pid, PID);
            is_hex(c.tag, tags[i].tag);
            exact_free(message);
        }
    }
}

static void a_cast_is_taken_apart(void **state)
{
    (void)state;
    static const char *const casts[] = {
        "68 02 " GEN_CAST REQ,
        "69 00000002 64 0009 2467656e5f63617374 " REQ,
    };
    for (size_t i = 0; i < sizeof casts / sizeof *casts; i++) {
        struct nx_span message = exact_hex(casts[i]);
        struct nx_gen m;
        nx_gen_parse(message, &m);
        assert_int_equal(m.kind, NX_GEN_CAST);
        assert_int_equal(m.caller.len, 0);
        is_hex(m.term, REQ);
        exact_free(message);
    }
}

static void all_else_is_a_plain_message_and_stays_whole(void **state)
{
    (void)state;
    static const char *const plain[] = {
        REQ,
        "6a",
        "68 00",
        "68 01 " GEN_CALL,
        "68 02 " GEN_CALL REQ,
        "68 02 " GEN_CALL "68 02 " PID REF,
        "68 04 " GEN_CALL "68 02 " PID REF REQ REQ,
        "68 03 " GEN_CALL PID REQ,
        "68 03 " GEN_CALL "68 01 " PID REQ,
        "68 03 " GEN_CALL "68 03 " PID REF REF REQ,
        "68 03 " GEN_CALL "68 02 " REF PID REQ,
        "68 03 " GEN_CALL "68 02 " REQ REF REQ,
        "68 03 " GEN_CALL "6c 00000002 " PID REF "6a " REQ,
        "68 03 77 09 2467656e5f63616c6d 68 02 " PID REF REQ,
        "68 03 77 0a 2467656e5f63616c6c6c 68 02 " PID REF REQ,
        "68 03 77 08 2467656e5f63616c 68 02 " PID REF REQ,
        "68 03 6d 00000009 2467656e5f63616c6c 68 02 " PID REF REQ,
        "6c 00000003 " GEN_CALL "68 02 " PID REF REQ "6a",
        "68 03 " GEN_CAST "68 02 " PID REF REQ,
        "68 02 " SYSTEM REQ,
        "68 03 " SYSTEM PID REQ,
        "68 03 " PID "68 02 " PID REF REQ, /* gen_event's own form, labelled with the caller */
        "68 02 77 06 6e6f74696679 " REQ,
        "68 02 " REF REQ,
        "74 00000001 " GEN_CALL REQ,
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct nx_span message = exact_hex(plain[i]);
        struct nx_gen m;
        size_t used;
        assert_int_equal(nx_term_check(message, &used, NULL), 0);
        nx_gen_parse(message, &m);
        assert_int_equal(m.kind, NX_GEN_PLAIN);
        assert_int_equal(m.caller.len, 0);
        assert_true(m.term.ptr == message.ptr && m.term.len == message.len);
        exact_free(message);
    }
}

/* As OTP 25, 27 and 29 send them (nonode@nohost), recorded by term_to_binary in the receiver. */
#define NODE25 "64000d6e6f6e6f6465406e6f686f7374"
#define NODE27 "770d6e6f6e6f6465406e6f686f7374"
#define PID25 "58" NODE25 "000000500000000000000000"
#define PID27 "58" NODE27 "000000560000000000000000"
#define REF25 "5a0003" NODE25 "0000000000030d36278500013c5e9a01"
#define REF27 "5a0005" NODE27 "000000000001dcc1278d0001e10f8b3b00002b0300000000"
#define LATE27 "5a0003" NODE27 "000000000001dcc2278c0001e10f8b3b"
#define CALL25 "680364000924" /* .. */ "67656e5f63616c6c"
#define CALL27 "6803770924" /* .. */ "67656e5f63616c6c"

static void what_beams_send_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *who, *hex, *tag, *alias, *request;
        enum nx_gen_kind kind;
    } cases[] = {
        {"gen_server:call, send_request; gen_statem:call with a timeout; 25",
         CALL25 "6802" PID25 "6c00000001640005616c696173" REF25 "640003726571",
         "6c00000001640005616c696173" REF25, REF25, "640003726571", NX_GEN_CALL},
        {"the same, 27 and 29", CALL27 "6802" PID27 "6c000000017705616c696173" REF27 "7703726571",
         "6c000000017705616c696173" REF27, REF27, "7703726571", NX_GEN_CALL},
        {"gen_server:multi_call, gen_statem:call, supervisor:which_children, 25",
         CALL25 "6802" PID25 REF25 "640003726571", REF25, "", "640003726571", NX_GEN_CALL},
        {"gen_statem:call, supervisor:which_children, 27 and 29",
         CALL27 "6802" PID27 LATE27 "7703726571", LATE27, "", "7703726571", NX_GEN_CALL},
        {"gen_server:multi_call, 27 and 29",
         CALL27 "6802" PID27 "6c000000016c000000017705616c696173" REF27 LATE27 "7703726571",
         "6c000000016c000000017705616c696173" REF27 LATE27, REF27, "7703726571", NX_GEN_CALL},
        {"sys:get_state, 25",
         "680364000673797374656d6802" PID25 "6c00000001640005616c696173" REF25
         "6400096765745f7374617465",
         "6c00000001640005616c696173" REF25, REF25, "6400096765745f7374617465", NX_GEN_SYSTEM},
        {"sys:get_state, 27 and 29",
         "6803770673797374656d6802" PID27 "6c000000017705616c696173" REF27 "77096765745f7374617465",
         "6c000000017705616c696173" REF27, REF27, "77096765745f7374617465", NX_GEN_SYSTEM},
        {"gen_server:cast and abcast, 25", "68026400092467656e5f63617374640003726571", NULL, NULL,
         "640003726571", NX_GEN_CAST},
        {"gen_server:cast and abcast, 27 and 29", "680277092467656e5f636173747703726571", NULL,
         NULL, "7703726571", NX_GEN_CAST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nx_span message = exact_hex(cases[i].hex);
        struct nx_gen m;
        struct nx_gen_caller c;
        nx_gen_parse(message, &m);
        if (m.kind != cases[i].kind)
            fail_msg("%s", cases[i].who);
        is_hex(m.term, cases[i].request);
        if (cases[i].tag) {
            assert_true(nx_gen_caller_parse(m.caller, &c));
            is_hex(c.tag, cases[i].tag);
            is_hex(nx_gen_alias(c.tag), cases[i].alias);
        }
        exact_free(message);
    }
}

static void a_caller_is_exactly_a_pid_and_a_tag(void **state)
{
    (void)state;
    static const char *const none[] = {
        "68 02 " REF PID, "68 01 " PID, "68 03 " PID REF REF, PID, "68 02 " PID REF "6a", "", "6a",
    };
    struct nx_gen_caller c;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct nx_span term = exact_hex(none[i]);
        assert_false(nx_gen_caller_parse(term, &c));
        exact_free(term);
    }
    struct nx_span term = exact_hex("68 02 " PID REF);
    assert_true(nx_gen_caller_parse(term, &c));
    exact_free(term);
}

static void a_reply_is_a_reference_and_any_term(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *ref, *reply;
    } cases[] = {
        {"68 02 " REF REQ, REF, REQ},
        {"69 00000002 " REF5 "6a", REF5, "6a"},
        {"68 02 " REF "68 02 " REF REQ, REF, "68 02 " REF REQ},
        {"68 02 " PID REQ, NULL, NULL},
        {"68 02 " ALIAS_OF(REF) REQ, NULL, NULL},
        {"68 01 " REF, NULL, NULL},
        {"68 03 " REF REQ REQ, NULL, NULL},
        {"6c 00000001 " REF REQ, NULL, NULL},
        {REF, NULL, NULL},
    };
    struct nx_span ref, reply;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nx_span message = exact_hex(cases[i].hex);
        assert_int_equal(nx_gen_reply_parse(message, &ref, &reply), cases[i].ref != NULL);
        if (cases[i].ref) {
            is_hex(ref, cases[i].ref);
            is_hex(reply, cases[i].reply);
        }
        exact_free(message);
    }
}

/* The sanitizer sees a read past the end; what is cut is never taken for something whole. */
static void bytes_that_end_anywhere_are_not_read_past(void **state)
{
    (void)state;
    static const char *const whole[] = {
        "68 03 " GEN_CALL "68 02 " PID ALIAS_OF(REF5) REQ,
        "68 03 " SYSTEM "68 02 " PID "6c 00000001 " ALIAS_OF(REF5) REF REQ,
        "68 02 " GEN_CAST REQ,
        "68 02 " REF REQ,
        "68 02 " PID ALIAS_OF(REF),
        ALIAS_OF(REF),
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        struct nx_span message = exact_hex(whole[i]);
        for (size_t n = 0; n < message.len; n++) {
            struct nx_span part = nx_span(exact_copy(nx_span(message.ptr, n)), n);
            struct nx_span ref, reply;
            struct nx_gen_caller c;
            struct nx_gen m;
            nx_gen_parse(part, &m);
            assert_true(m.kind == NX_GEN_PLAIN || m.term.ptr + m.term.len == part.ptr + part.len);
            assert_false(nx_gen_caller_parse(part, &c));
            if (nx_gen_reply_parse(part, &ref, &reply))
                assert_true(reply.ptr + reply.len == part.ptr + part.len);
            if (i == 5)
                assert_int_equal(nx_gen_alias(part).len, 0);
            exact_free(part);
        }
        exact_free(message);
    }
}

/* A request is not passed over: one that is no term at all goes by. */
static void what_a_message_carries_is_not_looked_at(void **state)
{
    (void)state;
    struct nx_span call = exact_hex("68 03 " GEN_CALL "68 02 " PID REF "ff ff ff");
    struct nx_span cast = exact_hex("68 02 " GEN_CAST "ff ff ff");
    struct nx_span answer = exact_hex("68 02 " REF "ff ff ff");
    struct nx_span ref, reply;
    struct nx_gen m;
    nx_gen_parse(call, &m);
    assert_int_equal(m.kind, NX_GEN_CALL);
    is_hex(m.term, "ff ff ff");
    nx_gen_parse(cast, &m);
    assert_int_equal(m.kind, NX_GEN_CAST);
    is_hex(m.term, "ff ff ff");
    assert_true(nx_gen_reply_parse(answer, &ref, &reply));
    is_hex(reply, "ff ff ff");
    exact_free(call);
    exact_free(cast);
    exact_free(answer);
}

static int write_each(struct nx_buf *out, int which)
{
    struct nx_span pid = exact_hex(PID), tag = exact_hex(ALIAS_OF(REF)), term = exact_hex(REQ);
    const struct nx_gen_caller caller = {pid, tag};
    int rc = which == 0   ? nx_gen_write_reply(out, tag, term)
             : which == 1 ? nx_gen_write_call(out, &caller, term)
                          : nx_gen_write_cast(out, term);
    exact_free(pid);
    exact_free(tag);
    exact_free(term);
    return rc;
}

static void messages_are_written_as_beams_write_them(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "68 02 " ALIAS_OF(REF) REQ,
        "68 03 " GEN_CALL "68 02 " PID ALIAS_OF(REF) REQ,
        "68 02 " GEN_CAST REQ,
    };
    for (int which = 0; which < 3; which++) {
        struct alloc_test a;
        struct nx_buf out;
        size_t used;
        alloc_test_init(&a);
        nx_buf_init(&out, &a.a, SIZE_MAX);
        assert_int_equal(write_each(&out, which), 0);
        is_hex(nx_buf_span(&out), wanted[which]);
        assert_int_equal(nx_term_check(nx_buf_span(&out), &used, NULL), 0);
        assert_int_equal(used, nx_buf_len(&out));
        nx_buf_free(&out);
        assert_int_equal(a.live, 0);
    }
}

static void a_message_that_has_no_room_is_not_begun(void **state)
{
    (void)state;
    struct alloc_test a;
    struct nx_buf out;
    for (int which = 0; which < 3; which++) {
        alloc_test_init(&a);
        a.fail_at = 1;
        nx_buf_init(&out, &a.a, SIZE_MAX);
        assert_int_equal(write_each(&out, which), NOEX_ENOMEM);
        assert_int_equal(nx_buf_len(&out), 0);
        assert_int_equal(write_each(&out, which), 0);
        size_t whole = nx_buf_len(&out);
        nx_buf_free(&out);
        for (size_t max = 0; max < whole; max++) {
            nx_buf_init(&out, &a.a, max);
            assert_int_equal(write_each(&out, which), NOEX_ELIMIT);
            assert_int_equal(nx_buf_len(&out), 0);
            nx_buf_free(&out);
        }
        assert_int_equal(a.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_goes_where_its_tag_says),
        cmocka_unit_test(a_call_and_a_system_message_are_taken_apart_whatever_their_tag),
        cmocka_unit_test(a_cast_is_taken_apart),
        cmocka_unit_test(all_else_is_a_plain_message_and_stays_whole),
        cmocka_unit_test(what_beams_send_is_understood),
        cmocka_unit_test(a_caller_is_exactly_a_pid_and_a_tag),
        cmocka_unit_test(a_reply_is_a_reference_and_any_term),
        cmocka_unit_test(bytes_that_end_anywhere_are_not_read_past),
        cmocka_unit_test(what_a_message_carries_is_not_looked_at),
        cmocka_unit_test(messages_are_written_as_beams_write_them),
        cmocka_unit_test(a_message_that_has_no_room_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
