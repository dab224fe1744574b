/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "base/alloc.h"
#include "golden.h"
#include "process/sys.h"
#include "term/check.h"
#include "term/print.h"
#include "term/write.h"
#include <noex/term.h>

#define REF "5a 0003 77 03 614062 00000005 00000001 00000002 00000003 "
#define REF5 "5a 0005 77 03 614062 00000005 00000001 00000002 00000003 00000004 00000005 "
#define ALIAS_OF(ref) "6c 00000001 77 05 616c696173 " ref
/* What sys:get_state and its kin send from OTP 24 and 25, and from 26 on. */
#define OLD ALIAS_OF(REF)
#define NEW ALIAS_OF(REF5)

/* Requests in hexadecimal: only such atoms and tuples as sys makes. */
#define GET_STATE "77 09 6765745f7374617465 "
#define GET_STATUS "77 0a 6765745f737461747573 "
#define SUSPEND "77 07 73757370656e64 "
#define RESUME "77 06 726573756d65 "
#define TERMINATE "77 09 7465726d696e617465 "
#define REPLACE_STATE "77 0d 7265706c6163655f7374617465 "
#define DEBUG "77 05 6465627567 "
#define X "77 01 78 "
#define TRUE "77 04 74727565 "
#define FALSE "77 05 66616c7365 "
#define GET "77 03 676574 "
#define TRACE "77 05 7472616365 "
#define LOG "77 03 6c6f67 "
#define PRINT "77 05 7072696e74 "
#define LOG_TO_FILE "77 0b 6c6f675f746f5f66696c65 "
#define STATISTICS "77 0a 73746174697374696373 "
#define INSTALL "77 07 696e7374616c6c "
#define REMOVE "77 06 72656d6f7665 "
#define NO_DEBUG "77 08 6e6f5f6465627567 "
#define CHANGE_CODE "77 0b 6368616e67655f636f6465 "
#define DEBUG_OF(command, argument) "68 02 " DEBUG "68 02 " command argument

static const char some_state[] = "68 02 77 05 7374617465 61 07"; /* {state, 7} */

struct subject {
    struct nx_span pid, state;
    const char *name;
    bool suspended;
};

static int answer(struct nx_buf *out, const char *tag, const char *request, const struct subject *s,
                  struct nx_span *asked, struct nx_sys_result *result)
{
    const struct nx_sys_process p = {s->pid, nx_span_str(s->name), s->state, s->suspended};
    struct nx_span tag_term = exact_hex(tag);
    *asked = exact_hex(request);
    int rc = nx_sys_answer(out, tag_term, *asked, &p, result);
    exact_free(tag_term);
    return rc;
}

/* The answer as Erlang prints it, and what is to be done. */
static void answers(const char *tag, const char *request, const struct subject *s,
                    const char *wanted, enum nx_sys_action action, const char *reason)
{
    struct nx_buf out, text;
    struct nx_span asked;
    struct nx_sys_result result;
    size_t used;
    nx_buf_init(&out, &nx_alloc_libc, SIZE_MAX);
    nx_buf_init(&text, &nx_alloc_libc, SIZE_MAX);
    assert_int_equal(answer(&out, tag, request, s, &asked, &result), 0);
    assert_int_equal(nx_term_check(nx_buf_span(&out), &used, NULL), 0);
    assert_int_equal(used, nx_buf_len(&out));
    const struct nx_print_opts opts = {nx_span_str("a@b")};
    assert_int_equal(nx_term_print(&text, nx_buf_span(&out), &opts, NULL), 0);
    assert_int_equal(nx_buf_put_u8(&text, 0), 0);
    assert_string_equal((char *)text.data, wanted);
    assert_int_equal(result.action, action);
    struct nx_span wanted_reason = exact_hex(reason);
    assert_true(nx_span_eq(result.reason, wanted_reason));
    exact_free(wanted_reason);
    exact_free(asked);
    nx_buf_free(&out);
    nx_buf_free(&text);
}

static struct subject subject(void)
{
    return (struct subject){exact_hex("58 77 03 614062 00000007 00000000 00000009"),
                            exact_hex(some_state), "", false};
}

static void subject_free(struct subject *s)
{
    exact_free(s->pid);
    if (s->state.ptr)
        exact_free(s->state);
}

/* Measured: since OTP 26.1 sys:get_state wants {ok, State} and crashes for a bare one, which is
 * what all before take; and a tag's alias has five words since OTP 26. */
static void the_state_is_shown_in_the_form_that_the_callers_release_wants(void **state)
{
    (void)state;
    struct subject s = subject();
    answers(NEW, GET_STATE, &s, "{ok,{state,7}}", NX_SYS_NONE, "");
    answers("6c 00000001 " NEW REF, GET_STATE, &s, "{ok,{state,7}}", NX_SYS_NONE, "");
    answers(OLD, GET_STATE, &s, "{state,7}", NX_SYS_NONE, "");
    answers("6c 00000001 " OLD REF, GET_STATE, &s, "{state,7}", NX_SYS_NONE, "");
    answers(REF, GET_STATE, &s, "{state,7}", NX_SYS_NONE, "");  /* OTP 23 */
    answers(REF5, GET_STATE, &s, "{state,7}", NX_SYS_NONE, ""); /* no alias: no sys of today */
    answers("61 01", GET_STATE, &s, "{state,7}", NX_SYS_NONE, "");
    s.suspended = true;
    answers(NEW, GET_STATE, &s, "{ok,{state,7}}", NX_SYS_NONE, "");
    exact_free(s.state);
    s.state = nx_span(NULL, 0);
    answers(NEW, GET_STATE, &s, "{ok,undefined}", NX_SYS_NONE, "");
    answers(OLD, GET_STATE, &s, "undefined", NX_SYS_NONE, "");
    subject_free(&s);
}

/* As a gen_server's, recorded on OTP 25, 27 and 29:
 * {status,P,{module,gen_server},[[..],running,P,[],[{header,"Status for generic server bar"},
 *  {data,[{"Status",running},{"Parent",P},{"Logged events",[]}]},{data,[{"State",some_state}]}]]}
 */
static void the_status_has_the_shape_of_a_gen_servers(void **state)
{
    (void)state;
    struct subject s = subject();
    answers(NEW, GET_STATUS, &s,
            "{status,<0.7.0>,{module,noex},[[],running,<0.7.0>,[],"
            "[{header,{\"Status for process\",<0.7.0>}},"
            "{data,[{\"Status\",running},{\"Parent\",<0.7.0>},{\"Logged events\",[]}]},"
            "{data,[{\"State\",{state,7}}]}]]}",
            NX_SYS_NONE, "");
    s.name = "näme";
    s.suspended = true;
    answers(OLD, GET_STATUS, &s,
            "{status,<0.7.0>,{module,noex},[[],suspended,<0.7.0>,[],"
            "[{header,{\"Status for process\",näme}},"
            "{data,[{\"Status\",suspended},{\"Parent\",<0.7.0>},{\"Logged events\",[]}]},"
            "{data,[{\"State\",{state,7}}]}]]}",
            NX_SYS_NONE, "");
    subject_free(&s);
}

static void a_process_is_suspended_resumed_and_terminated(void **state)
{
    (void)state;
    struct subject s = subject();
    for (int suspended = 0; suspended <= 1; suspended++) {
        s.suspended = suspended;
        answers(NEW, SUSPEND, &s, "ok", NX_SYS_SUSPEND, "");
        answers(NEW, RESUME, &s, "ok", NX_SYS_RESUME, "");
        answers(NEW, "68 02 " TERMINATE "68 02 " X "61 01", &s, "ok", NX_SYS_TERMINATE,
                "68 02 " X "61 01");
        answers(OLD, "69 00000002 64 0009 7465726d696e617465 " X, &s, "ok", NX_SYS_TERMINATE, X);
    }
    subject_free(&s);
}

/* What a gen_server of OTP 25, 27 and 29 says to the same (recorded); but it can be traced. */
static void what_debugs_is_answered_as_sys_answers(void **state)
{
    (void)state;
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"68 02 " DEBUG NO_DEBUG, "ok"},
        {DEBUG_OF(TRACE, FALSE), "ok"},
        {DEBUG_OF(TRACE, X), "unknown_debug"},
        {DEBUG_OF(TRACE, "6a"), "unknown_debug"},
        {DEBUG_OF(LOG, FALSE), "ok"},
        {DEBUG_OF(LOG, PRINT), "ok"},
        {DEBUG_OF(LOG, GET), "{ok,[]}"},
        {DEBUG_OF(LOG, "68 02 " TRUE "61 00"), "unknown_debug"},
        {DEBUG_OF(LOG, X), "unknown_debug"},
        {DEBUG_OF(LOG_TO_FILE, FALSE), "ok"},
        {DEBUG_OF(LOG_TO_FILE, "6b 0001 78"), "{error,open_file}"},
        {DEBUG_OF(LOG_TO_FILE, "61 0c"), "{error,open_file}"},
        {DEBUG_OF(STATISTICS, FALSE), "ok"},
        {DEBUG_OF(STATISTICS, GET), "{ok,no_statistics}"},
        {DEBUG_OF(INSTALL, X), "unknown_debug"},
        {DEBUG_OF(REMOVE, X), "ok"},
        {"68 02 " DEBUG X, "unknown_debug"},
        {"68 02 " DEBUG "6a", "unknown_debug"},
        {"68 02 " DEBUG "68 02 " X X, "unknown_debug"},
        {"68 02 " DEBUG "68 01 " TRACE, "unknown_debug"},
        {"68 02 " DEBUG "68 03 " TRACE FALSE FALSE, "unknown_debug"},
        {"68 02 " DEBUG "68 02 61 01 " FALSE, "unknown_debug"},
        /* What would be switched on is not there: a gen_server says ok. */
        {DEBUG_OF(TRACE, TRUE), "unknown_debug"},
        {DEBUG_OF(LOG, TRUE), "unknown_debug"},
        {DEBUG_OF(LOG, "68 02 " TRUE "61 03"), "unknown_debug"},
        {DEBUG_OF(STATISTICS, TRUE), "unknown_debug"},
        {DEBUG_OF(INSTALL, "68 02 " X X), "unknown_debug"},
    };
    struct subject s = subject();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        answers(i % 2 ? NEW : OLD, cases[i].request, &s, cases[i].answer, NX_SYS_NONE, "");
    subject_free(&s);
}

static void what_cannot_be_done_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"68 02 " REPLACE_STATE X,
         "{error,{callback_failed,{noex,system_replace_state},{error,undef}}}"},
        {DEBUG, "{error,{unknown_system_msg,debug}}"},
        {"68 01 " DEBUG, "{error,{unknown_system_msg,{debug}}}"},
        {"68 03 " DEBUG X X, "{error,{unknown_system_msg,{debug,x,x}}}"},
        {TERMINATE, "{error,{unknown_system_msg,terminate}}"},
        {"68 01 " TERMINATE, "{error,{unknown_system_msg,{terminate}}}"},
        {REPLACE_STATE, "{error,{unknown_system_msg,replace_state}}"},
        {"68 01 " GET_STATE, "{error,{unknown_system_msg,{get_state}}}"},
        {"68 02 " GET_STATE X, "{error,{unknown_system_msg,{get_state,x}}}"},
        {"68 04 " CHANGE_CODE X X X, "{error,{unknown_system_msg,{change_code,x,x,x}}}"},
        {"68 02 61 01 " X, "{error,{unknown_system_msg,{1,x}}}"},
        {"6b 0003 737472", "{error,{unknown_system_msg,\"str\"}}"},
        {"6a", "{error,{unknown_system_msg,[]}}"},
        {"61 11", "{error,{unknown_system_msg,17}}"},
        {"68 00", "{error,{unknown_system_msg,{}}}"},
        {X, "{error,{unknown_system_msg,x}}"},
    };
    struct subject s = subject();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.suspended = i % 2;
        answers(NEW, cases[i].request, &s, cases[i].answer, NX_SYS_NONE, "");
    }
    subject_free(&s);
}

static void the_state_is_asked_for_only_where_it_is_shown(void **state)
{
    (void)state;
    static const char *const showing[] = {GET_STATE, GET_STATUS, "64 0009 6765745f7374617465"};
    static const char *const others[] = {SUSPEND,
                                         RESUME,
                                         DEBUG_OF(LOG, GET),
                                         X,
                                         "6a",
                                         "68 01 " GET_STATE,
                                         "68 02 " TERMINATE GET_STATE};
    for (size_t i = 0; i < sizeof showing / sizeof *showing; i++) {
        struct nx_span s = exact_hex(showing[i]);
        assert_true(nx_sys_shows_state(s));
        exact_free(s);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct nx_span s = exact_hex(others[i]);
        assert_false(nx_sys_shows_state(s));
        exact_free(s);
    }
}

static void an_answer_that_has_no_room_is_not_begun_and_nothing_is_done(void **state)
{
    (void)state;
    static const char *const requests[] = {GET_STATE,
                                           GET_STATUS,
                                           SUSPEND,
                                           RESUME,
                                           "68 02 " TERMINATE X,
                                           "68 02 " REPLACE_STATE X,
                                           DEBUG_OF(LOG, GET),
                                           DEBUG_OF(STATISTICS, GET),
                                           DEBUG_OF(TRACE, TRUE),
                                           X};
    struct subject s = subject();
    struct alloc_test a;
    struct nx_sys_result result;
    struct nx_span asked;
    struct nx_buf out;
    alloc_test_init(&a);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int rc = NOEX_ELIMIT;
        for (size_t max = 0; rc; max++) {
            nx_buf_init(&out, &a.a, max);
            rc = answer(&out, NEW, requests[i], &s, &asked, &result);
            if (rc) {
                assert_int_equal(rc, NOEX_ELIMIT);
                assert_int_equal(nx_buf_len(&out), 0);
                assert_int_equal(result.action, NX_SYS_NONE);
                assert_null(result.reason.ptr);
            }
            exact_free(asked);
            nx_buf_free(&out);
        }
        a.fail_at = a.calls + 1;
        nx_buf_init(&out, &a.a, SIZE_MAX);
        assert_int_equal(answer(&out, NEW, requests[i], &s, &asked, &result), NOEX_ENOMEM);
        assert_int_equal(result.action, NX_SYS_NONE);
        exact_free(asked);
        nx_buf_free(&out);
        assert_int_equal(a.live, 0);
    }
    subject_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_is_shown_in_the_form_that_the_callers_release_wants),
        cmocka_unit_test(the_status_has_the_shape_of_a_gen_servers),
        cmocka_unit_test(a_process_is_suspended_resumed_and_terminated),
        cmocka_unit_test(what_debugs_is_answered_as_sys_answers),
        cmocka_unit_test(what_cannot_be_done_is_said),
        cmocka_unit_test(the_state_is_asked_for_only_where_it_is_shown),
        cmocka_unit_test(an_answer_that_has_no_room_is_not_begun_and_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
