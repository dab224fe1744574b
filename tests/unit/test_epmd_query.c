/* SPDX-License-Identifier: Apache-2.0 */
#include "node/epmd_query.h"

#include "fake_beam.h"
#include "loop_test.h"
#include <noex/noex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { STEP_MS = 80 };

/* One question, the epmd that it goes to, and what came back. */
static struct {
    struct loop_test t;
    struct fake_beam epmd; /* a script: it answers whatever comes with these bytes */
    struct nx_epmd_query *query;
    unsigned calls;
    int rc;
    struct noex_error err;
    bool has_answer;
    uint16_t port;
    char addr[64];
    unsigned names;
    char last_name[256];
    uint16_t last_port;
} q;

static void on_done(void *ctx, int rc, const struct nx_epmd_answer *answer,
                    const struct noex_error *err)
{
    (void)ctx;
    q.calls++;
    q.query = NULL;
    q.rc = rc;
    q.has_answer = answer != NULL;
    if (answer) {
        q.port = answer->port;
        assert_true(answer->addrs->count >= 1);
        nx_addr_text(&answer->addrs->addr[0], q.addr, sizeof q.addr);
    }
    if (rc)
        q.err = *err;
}

static void on_name(void *user, const char *name, uint16_t port)
{
    assert_true(user == &q);
    q.names++;
    snprintf(q.last_name, sizeof q.last_name, "%s", name);
    q.last_port = port;
}

static void in_turn(struct loop_test *t, uint64_t now)
{
    if (q.query)
        nx_epmd_query_timeout(q.query, now);
    t->deadline = q.query ? nx_epmd_query_deadline(q.query) : UINT64_MAX;
}

static void open_with(const void *reply, size_t len, bool close)
{
    memset(&q, 0, sizeof q);
    fake_beam_start(&q.epmd, &(struct fake_beam_opts){
                                 .script = reply, .script_len = len, .script_close = close});
    loop_test_open(&q.t, NULL);
    q.t.in_turn = in_turn;
}

static void close_all(void)
{
    fake_beam_stop(&q.epmd);
    loop_test_close(&q.t);
}

static int ask(const char *alive)
{
    const struct nx_epmd_question question = {.host = "127.0.0.1",
                                              .port = q.epmd.port,
                                              .step_ms = STEP_MS,
                                              .alive = alive,
                                              .each = on_name,
                                              .user = &q};
    int rc = nx_epmd_query_start(&q.query, &q.t.alloc.a, q.t.loop, &question, on_done, &q, &q.err);
    assert_int_equal(q.calls, 0); /* never inside the start */
    q.t.deadline = rc ? UINT64_MAX : nx_epmd_query_deadline(q.query);
    return rc;
}

static void until_done(void)
{
    uint64_t end = loop_test_clock() + 10000;
    while (!q.calls) {
        fake_beam_step(&q.epmd);
        assert_int_equal(nx_loop_run(q.t.loop, 2), 0);
        assert_true(loop_test_clock() < end);
    }
    assert_int_equal(q.calls, 1);
}

static void expect_failure(int code, const char *word)
{
    until_done();
    if (q.rc != code || q.err.code != code || !strstr(q.err.text, word))
        fail_msg("%s: %s", noex_error_name(q.rc), q.err.text);
    assert_false(q.has_answer);
}

/* PORT2_RESP of "beam" at port 9100, versions 5 to 6. */
static const uint8_t found[] = {119, 0, 0x23, 0x8c, 77,  0,   0,   6, 0,
                                5,   0, 4,    'b',  'e', 'a', 'm', 0, 0};

static void a_node_that_is_registered_is_found(void **state)
{
    (void)state;
    open_with(found, sizeof found, true);
    assert_int_equal(ask("beam"), 0);
    until_done();
    assert_int_equal(q.rc, 0);
    assert_true(q.has_answer);
    assert_int_equal(q.port, 9100);
    assert_string_equal(q.addr, "127.0.0.1");
    close_all();
}

static const struct failure {
    const char *name;
    uint8_t reply[20];
    size_t len;
    bool close;
    int code;
    const char *word;
} failures[] = {
    {"a_name_that_is_not_registered_is_named",
     {119, 1},
     2,
     true,
     NOEX_ENONODE,
     "knows no node named 'beam'"},
    {"an_end_without_an_answer_is_told", {0}, 0, true, NOEX_EEPMD, "without an answer"},
    {"an_end_inside_the_answer_is_a_lost_epmd", {119, 0, 0x23}, 3, true, NOEX_EEPMD, "middle of"},
    {"another_service_is_garbage", {'S', 'S', 'H', '-'}, 4, true, NOEX_EEPMDGARBAGE, "epmd on"},
    {"silence_is_told_with_its_limit", {0}, 0, false, NOEX_EEPMDTIMEOUT, "within 80 ms"},
    {"silence_inside_the_answer_is_told_too",
     {119, 0, 0x23},
     3,
     false,
     NOEX_EEPMDTIMEOUT,
     "within 80 ms"},
    {"a_node_of_before_otp_23_lacks_what_it_takes",
     {119, 0, 0x23, 0x8c, 77, 0, 0, 5, 0, 5, 0, 4, 'b', 'e', 'a', 'm', 0, 0},
     18,
     true,
     NOEX_EFLAG,
     "5 to 5 only"},
    {"a_node_of_another_protocol_is_refused",
     {119, 0, 0x23, 0x8c, 77, 1, 0, 6, 0, 5, 0, 4, 'b', 'e', 'a', 'm', 0, 0},
     18,
     true,
     NOEX_EFLAG,
     "protocol 1"},
    {"a_node_without_a_port_is_refused",
     {119, 0, 0, 0, 77, 0, 0, 6, 0, 5, 0, 4, 'b', 'e', 'a', 'm', 0, 0},
     18,
     true,
     NOEX_ECONNREFUSED,
     "without a port"},
};

enum { FAILURES = sizeof failures / sizeof *failures };

static void a_lookup_fails_with_its_cause(void **state)
{
    const struct failure *f = *state;
    open_with(f->reply, f->len, f->close);
    assert_int_equal(ask("beam"), 0);
    expect_failure(f->code, f->word);
    close_all();
}

static void the_answer_cut_anywhere_is_a_lost_epmd(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof found; cut++) {
        open_with(found, cut, true);
        assert_int_equal(ask("beam"), 0);
        expect_failure(NOEX_EEPMD, "epmd on 127.0.0.1");
        close_all();
    }
}

static void no_epmd_there_is_told(void **state)
{
    (void)state;
    open_with("", 0, true);
    fake_beam_refuse(&q.epmd);
    assert_int_equal(ask("beam"), 0);
    expect_failure(NOEX_EEPMD, "no epmd on 127.0.0.1");
    close_all();
}

static void a_reset_is_told(void **state)
{
    (void)state;
    open_with("", 0, false);
    assert_int_equal(ask("beam"), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nx_loop_run(q.t.loop, 5), 0);
        fake_beam_step(&q.epmd);
    }
    assert_int_equal(q.epmd.conns, 1);
    fake_beam_hang_up(&q.epmd, true);
    expect_failure(NOEX_EEPMD, "epmd on 127.0.0.1");
    close_all();
}

static const char listing[] = "\0\0\x11\x11name beam at port 9100\nname other at port 9101\n";

static void a_listing_gives_each_name_and_ends_with_the_stream(void **state)
{
    (void)state;
    open_with(listing, sizeof listing - 1, true);
    assert_int_equal(ask(NULL), 0);
    until_done();
    assert_int_equal(q.rc, 0);
    assert_false(q.has_answer);
    assert_int_equal(q.names, 2);
    assert_string_equal(q.last_name, "other");
    assert_int_equal(q.last_port, 9101);
    close_all();
}

static void a_listing_without_an_end_times_out(void **state)
{
    (void)state;
    open_with(listing, sizeof listing - 1, false);
    assert_int_equal(ask(NULL), 0);
    expect_failure(NOEX_EEPMDTIMEOUT, "within 80 ms");
    assert_int_equal(q.names, 2);
    close_all();
}

static void what_cannot_be_asked_is_refused_at_once(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    open_with("", 0, true);
    assert_int_equal(ask(name), NOEX_ENODENAME);
    assert_int_equal(q.err.code, NOEX_ENODENAME);
    name[255] = '\0'; /* epmd registers it, and never finds it (protocol.md 1) */
    q.err.code = 0;
    assert_int_equal(ask(name), 0);
    until_done();
    assert_int_not_equal(q.rc, 0);
    q.err.code = 0;
    memset(name, 'h', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct nx_epmd_question question = {.host = name, .port = 1, .step_ms = 1};
    assert_int_equal(
        nx_epmd_query_start(&q.query, &q.t.alloc.a, q.t.loop, &question, on_done, &q, &q.err),
        NOEX_EHOST);
    assert_int_equal(q.err.code, NOEX_EHOST);
    q.query = NULL;
    close_all();
}

static void nothing_is_told_after_a_cancel_at_any_moment(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        open_with(found, sizeof found, true);
        assert_int_equal(ask("beam"), 0);
        for (int i = 0; i < turns && !q.calls; i++) {
            if (i % 3 == 2)
                fake_beam_step(&q.epmd);
            assert_int_equal(nx_loop_run(q.t.loop, 0), 0);
        }
        unsigned before = q.calls;
        nx_epmd_query_cancel(q.query);
        q.query = NULL;
        q.t.deadline = UINT64_MAX;
        for (int i = 0; i < 3; i++)
            assert_int_equal(nx_loop_run(q.t.loop, 2), 0);
        assert_int_equal(q.calls, before);
        close_all();
    }
    nx_epmd_query_cancel(NULL);
}

static void each_failing_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    size_t failures_told = 0;
    for (int on = 0; on < 2; on++) {
        for (size_t k = 1; k < 8; k++) {
            open_with(found, sizeof found, true);
            q.t.alloc.fail_at = q.t.alloc.calls + k;
            q.t.alloc.fail_on = on;
            int rc = ask("beam");
            if (!rc) {
                until_done();
                rc = q.rc;
            }
            assert_int_equal(rc, q.t.alloc.failed ? NOEX_ENOMEM : 0);
            assert_int_equal(q.err.code, rc);
            failures_told += rc != 0;
            q.t.alloc.fail_at = 0;
            close_all();
        }
    }
    assert_true(failures_told >= 6); /* the query, the dial, its connection */
}

/* ---- noex_epmd_names, which waits ---- */

static atomic_bool over;

static void *serve(void *arg)
{
    (void)arg;
    while (!atomic_load(&over)) {
        fake_beam_step(&q.epmd);
        loop_test_sleep(1);
    }
    return NULL;
}

static int names_of(const void *reply, size_t len, bool close, struct noex_error *err)
{
    pthread_t thread;
    memset(&q, 0, sizeof q);
    fake_beam_start(&q.epmd, &(struct fake_beam_opts){
                                 .script = reply, .script_len = len, .script_close = close});
    uint16_t port = q.epmd.port;
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    int rc = noex_epmd_names("127.0.0.1", port, 500, on_name, &q, err);
    atomic_store(&over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    fake_beam_stop(&q.epmd);
    return rc;
}

static void names_waits_for_the_whole_listing(void **state)
{
    (void)state;
    struct noex_error err;
    assert_int_equal(names_of(listing, sizeof listing - 1, true, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(q.names, 2);
    assert_string_equal(q.last_name, "other");
    assert_int_equal(names_of("\0\0\x11\x11", 4, true, NULL), 0);
    assert_int_equal(q.names, 0);
}

static void names_fails_with_its_cause(void **state)
{
    (void)state;
    struct noex_error err;
    assert_int_equal(names_of("nonsense", 8, true, &err), NOEX_EEPMDGARBAGE);
    assert_int_equal(err.code, NOEX_EEPMDGARBAGE);
    uint64_t began = loop_test_clock();
    assert_int_equal(names_of(listing, sizeof listing - 1, false, &err), NOEX_EEPMDTIMEOUT);
    assert_in_range(loop_test_clock() - began, 499, 5000);
    assert_int_equal(names_of(listing, sizeof listing - 2, true, NULL), NOEX_EEPMD);
    assert_int_equal(noex_epmd_names("127.0.0.1", q.epmd.port, 500, on_name, &q, &err), NOEX_EEPMD);
    assert_non_null(strstr(err.text, "no epmd on 127.0.0.1"));
    assert_int_equal(noex_epmd_names("[::zz]", 4369, 500, on_name, &q, &err), NOEX_EHOST);
    assert_int_equal(err.code, NOEX_EHOST);
}

static void names_refuses_what_is_no_question(void **state)
{
    (void)state;
    struct noex_error err;
    assert_int_equal(noex_epmd_names(NULL, 4369, 1, on_name, &q, &err), NOEX_EINVALID);
    assert_int_equal(err.code, NOEX_EINVALID);
    assert_int_equal(noex_epmd_names("", 4369, 1, on_name, &q, NULL), NOEX_EINVALID);
    assert_int_equal(noex_epmd_names("h", 0, 1, on_name, &q, NULL), NOEX_EINVALID);
    assert_int_equal(noex_epmd_names("h", 4369, 0, on_name, &q, NULL), NOEX_EINVALID);
    assert_int_equal(noex_epmd_names("h", 4369, 1, NULL, &q, NULL), NOEX_EINVALID);
}

int main(void)
{
    struct CMUnitTest tests[FAILURES + 16] = {0};
    size_t n = 0;
    for (; n < FAILURES; n++)
        tests[n] = (struct CMUnitTest){failures[n].name, a_lookup_fails_with_its_cause, NULL, NULL,
                                       (void *)(uintptr_t)&failures[n]};
#define TEST(name) tests[n++] = (struct CMUnitTest)cmocka_unit_test(name)
    TEST(a_node_that_is_registered_is_found);
    TEST(the_answer_cut_anywhere_is_a_lost_epmd);
    TEST(no_epmd_there_is_told);
    TEST(a_reset_is_told);
    TEST(a_listing_gives_each_name_and_ends_with_the_stream);
    TEST(a_listing_without_an_end_times_out);
    TEST(what_cannot_be_asked_is_refused_at_once);
    TEST(nothing_is_told_after_a_cancel_at_any_moment);
    TEST(each_failing_allocation_is_told_and_leaks_nothing);
    TEST(names_waits_for_the_whole_listing);
    TEST(names_fails_with_its_cause);
    TEST(names_refuses_what_is_no_question);
    return _cmocka_run_group_tests("epmd_query", tests, n, NULL, NULL);
}
