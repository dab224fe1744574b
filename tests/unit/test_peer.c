/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/dflags.h"
#include "node/peer.h"
#include "node_bench.h"
#include "term/ident.h"
#include "term/read.h"
#include "term/write.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct bench b;

static const char *address(unsigned beam)
{
    static char text[300];
    fake_beam_address(&b.beam[beam], text, sizeof text);
    return text;
}

static void connect_to(unsigned beam, enum noex_connect_flags flags)
{
    assert_int_equal(noex_connect(b.node, address(beam), flags), 0);
}

/* A node with small limits and one fake of this kind, and the attempt to connect to it that fails.
 */
static const struct seen *failed_attempt(const struct fake_beam_opts *opts, const char *name)
{
    bench_init(&b);
    b.options.step_ms = 60;
    b.options.name = name;
    bench_open(&b);
    bench_beam(&b, opts);
    connect_to(0, NOEX_CONNECT_ONCE);
    bench_until(&b, FAILED, 1);
    bench_settle(&b);
    EXPECT_EVENTS(&b, FAILED);
    const struct seen *e = bench_event(&b, FAILED, 0);
    assert_int_equal(e->attempt, 1);
    assert_string_equal(e->node, b.beam[0].name);
    return e;
}

static void expect_cause(const struct seen *e, int code, enum noex_error_class class,
                         const char *word)
{
    if (e->code != code || !strstr(e->text, word))
        fail_msg("%s: %s (expected %s: %s)", noex_error_name(e->code), e->text,
                 noex_error_name(code), word);
    assert_int_equal(noex_error_class(e->code), class);
    assert_null(strstr(e->text, "cookie\"")); /* never the cookie itself */
}

/* ---- what goes wrong in the handshake ---- */

static const struct refusal {
    const char *name;
    struct fake_beam_opts opts;
    bool dynamic;
    int code;
    enum noex_error_class class;
    const char *word;
} refusals[] = {
    {"a_wrong_cookie_is_named",
     {.cookie = "other"},
     false,
     NOEX_ECOOKIE,
     NOEX_CLASS_REFUSED,
     "the cookies differ"},
    {"a_wrong_cookie_is_named_to_a_dynamic_node_too",
     {.cookie = "other"},
     true,
     NOEX_ECOOKIE,
     NOEX_CLASS_REFUSED,
     "the cookies differ"},
    {"missing_flags_of_the_peer_are_named",
     {.flags = NX_DFLAGS_OURS & ~NX_DFLAG_V4_NC},
     false,
     NOEX_EFLAG,
     NOEX_CLASS_REFUSED,
     "V4_NC"},
    {"flags_that_the_peer_wants_and_we_lack_are_not_allowed",
     {.required = NX_DFLAGS_REQUIRED | (UINT64_C(1) << 36)},
     false,
     NOEX_ENOTALLOWED,
     NOEX_CLASS_REFUSED,
     "not_allowed"},
    {"not_allowed_is_told",
     {.status = NX_HS_NOT_ALLOWED},
     false,
     NOEX_ENOTALLOWED,
     NOEX_CLASS_REFUSED,
     "net_kernel:allow"},
    {"L7_alive_without_an_earlier_connection_is_a_name_clash",
     {.status = NX_HS_ALIVE},
     false,
     NOEX_ENAMECLASH,
     NOEX_CLASS_REFUSED,
     "connected to another node named \"mon@127.0.0.1\""},
    {"a_peer_that_gives_no_names_is_not_allowed_to_a_dynamic_node",
     {.no_names = true},
     true,
     NOEX_ENOTALLOWED,
     NOEX_CLASS_REFUSED,
     "gives no dynamic names"},
    {"garbage_is_garbage",
     {.script = "HTTP/1.1 400 Bad Request\r\n", .script_len = 26},
     false,
     NOEX_EGARBAGE,
     NOEX_CLASS_REFUSED,
     "HTTP"},
    {"a_tls_alert_is_a_tls_peer",
     {.script = "\x15\x03\x03\x00\x02\x02\x46", .script_len = 7},
     false,
     NOEX_ETLSPEER,
     NOEX_CLASS_REFUSED,
     "TLS"},
    {"a_tls_hello_is_a_tls_peer",
     {.script = "\x16\x03\x01\x02\x00", .script_len = 5},
     false,
     NOEX_ETLSPEER,
     NOEX_CLASS_REFUSED,
     "TLS"},
    {"a_peer_that_closes_at_once_is_told",
     {.script = "", .script_close = true},
     false,
     NOEX_ECLOSED,
     NOEX_CLASS_REACH,
     "closed the connection on our name"},
    {"half_a_message_and_the_end_is_told",
     {.script = "\0\3sO", .script_len = 3, .script_close = true},
     false,
     NOEX_ECLOSED,
     NOEX_CLASS_REACH,
     "closed the connection"},
    {"silence_is_told_with_its_step",
     {.script = ""},
     false,
     NOEX_EHANDSHAKETIMEOUT,
     NOEX_CLASS_SILENCE,
     "the peer's status"},
    {"half_a_message_and_silence_is_told",
     {.script = "\0\3s", .script_len = 3},
     false,
     NOEX_EHANDSHAKETIMEOUT,
     NOEX_CLASS_SILENCE,
     "the peer's status"},
};

enum { REFUSALS = sizeof refusals / sizeof *refusals };

static void an_attempt_fails_with_its_cause(void **state)
{
    const struct refusal *r = *state;
    const struct seen *e = failed_attempt(&r->opts, r->dynamic ? NULL : "mon@127.0.0.1");
    expect_cause(e, r->code, r->class, r->word);
    bench_close(&b);
}

/* The fake says n of its three messages, then is silent or closes. */
static void silence_and_end_at_each_step_of_the_handshake_are_told_apart(void **state)
{
    (void)state;
    static const char *const awaited[] = {"status", "challenge", "digest"};
    for (unsigned n = 0; n < 3; n++) {
        for (int close = 0; close < 2; close++) {
            for (int dynamic = 0; dynamic < 2; dynamic++) {
                bench_init(&b);
                b.options.step_ms = 60;
                b.options.name = dynamic ? NULL : "mon@127.0.0.1";
                bench_open(&b);
                struct fake_beam *beam = bench_beam(&b, NULL);
                beam->say_max = 1 + n;
                beam->then_close = close;
                noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
                bench_until(&b, FAILED, 1);
                EXPECT_EVENTS(&b, M_FAILED, FAILED);
                const struct seen *e = bench_event(&b, FAILED, 0);
                int code = !close ? NOEX_EHANDSHAKETIMEOUT : n == 2 ? NOEX_ECOOKIE : NOEX_ECLOSED;
                expect_cause(e, code, noex_error_class(code),
                             close && n == 0 ? "name" : awaited[n]);
                e = bench_of(&b, M_FAILED, id);
                assert_int_equal(e->code, code); /* the error of the attempt to connect */
                assert_string_equal(e->text, bench_event(&b, FAILED, 0)->text);
                bench_close(&b);
            }
        }
    }
}

static void L7_the_peer_that_said_alive_is_told_false(void **state)
{
    (void)state;
    failed_attempt(&(struct fake_beam_opts){.status = NX_HS_ALIVE}, "mon@127.0.0.1");
    const struct noex_error *theirs = &fake_beam_conn(&b.beam[0])->err;
    assert_int_equal(theirs->code, NOEX_ENAMECLASH);
    assert_non_null(strstr(theirs->text, "keeps that connection"));
    bench_close(&b);
}

/* A node without a listener can only try again: at once, and not for ever. */
static void a_peer_that_is_dialling_us_itself_is_tried_again(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 3600000;
    bench_open(&b);
    bench_beam(&b, &(struct fake_beam_opts){.status = NX_HS_NOK});
    connect_to(0, NOEX_CONNECT_ONCE);
    bench_until(&b, FAILED, 1);
    expect_cause(bench_event(&b, FAILED, 0), NOEX_ESIMULTANEOUS, NOEX_CLASS_REFUSED, "nok");
    assert_in_range(b.beam[0].conns, 2, 10);
    bench_settle(&b);
    EXPECT_EVENTS(&b, FAILED);
    bench_close(&b);
}

static void another_node_at_the_port_is_named(void **state)
{
    (void)state;
    char text[300];
    bench_default(&b);
    snprintf(text, sizeof text, "somebody@127.0.0.1:%u", b.beam[0].port);
    assert_int_equal(noex_connect(b.node, text, NOEX_CONNECT_ONCE), 0);
    bench_until(&b, FAILED, 1);
    expect_cause(bench_event(&b, FAILED, 0), NOEX_ENAMEMISMATCH, NOEX_CLASS_REFUSED,
                 "the node there is \"beam@127.0.0.1\"");
    bench_close(&b);
}

static void nobody_at_the_port_is_a_refused_connection(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_refuse(&b.beam[0]);
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, FAILED, 1);
    EXPECT_EVENTS(&b, M_FAILED, FAILED);
    expect_cause(bench_event(&b, FAILED, 0), NOEX_ECONNREFUSED, NOEX_CLASS_REACH, "127.0.0.1");
    assert_int_equal(bench_of(&b, M_FAILED, id)->code, NOEX_ECONNREFUSED);
    struct noex_monitor_stats s = bench_monitor_stats(&b);
    assert_true(s.failed == 1 && s.pending == 0 && s.timed_out == 0);
    bench_close(&b);
}

/* ---- trying again ---- */

static void attempts_are_repeated_with_a_growing_delay_until_one_succeeds(void **state)
{
    (void)state;
    enum { TRIES = 6 };
    bench_default(&b);
    fake_beam_refuse(&b.beam[0]);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, AGAIN, TRIES);
    uint64_t delay = b.options.reconnect_min_ms;
    for (size_t i = 0; i < TRIES; i++) {
        const struct seen *e = bench_event(&b, AGAIN, i);
        assert_int_equal(bench_event(&b, FAILED, i)->attempt, i + 1);
        assert_int_equal(e->attempt, i + 2);
        assert_in_range(e->delay_ms, delay / 2, delay * 3 / 2);
        delay = delay * 2 > b.options.reconnect_max_ms ? b.options.reconnect_max_ms : delay * 2;
    }
    EXPECT_EVENTS(&b, FAILED, AGAIN, FAILED, AGAIN, FAILED, AGAIN, FAILED, AGAIN, FAILED, AGAIN,
                  FAILED, AGAIN);
    fake_beam_listen(&b.beam[0]);
    bench_until(&b, UP, 1);
    assert_int_equal(bench_event(&b, UP, 0)->attempt, 0); /* not a field of this type */
    bench_forget(&b);
    fake_beam_refuse(&b.beam[0]);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, AGAIN, 2);
    /* A connection that lasted no five seconds proves nothing: the count goes on. */
    uint32_t attempt = bench_event(&b, AGAIN, 0)->attempt;
    assert_true(attempt > 5);
    assert_int_equal(bench_event(&b, FAILED, 0)->attempt, attempt);
    assert_int_equal(bench_event(&b, AGAIN, 1)->attempt, attempt + 1);
    bench_close(&b);
}

static void a_connection_that_lasted_is_the_end_of_the_back_off(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_refuse(&b.beam[0]);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, AGAIN, 4);
    fake_beam_listen(&b.beam[0]);
    bench_until(&b, UP, 1);
    bench_forget(&b);
    b.node->peers.list[0]->up_ms -= 5000; /* as if it had been up for so long */
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, AGAIN, 1);
    assert_int_equal(bench_event(&b, AGAIN, 0)->attempt, 1);
    assert_in_range(bench_event(&b, AGAIN, 0)->delay_ms, 2, 8);
    bench_close(&b);
}

static void one_attempt_is_one_and_a_lost_connection_stays_lost(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_refuse(&b.beam[0]);
    connect_to(0, NOEX_CONNECT_ONCE);
    bench_until(&b, FAILED, 1);
    bench_for(&b, 60);
    EXPECT_EVENTS(&b, FAILED);
    fake_beam_listen(&b.beam[0]);
    connect_to(0, NOEX_CONNECT_ONCE);
    bench_until(&b, UP, 1);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    bench_for(&b, 60);
    EXPECT_EVENTS(&b, FAILED, UP, DOWN);
    assert_int_equal(b.beam[0].conns, 1);
    bench_close(&b);
}

static void connecting_again_starts_no_second_attempt_and_changes_the_policy(void **state)
{
    (void)state;
    bench_default(&b);
    connect_to(0, NOEX_CONNECT_ONCE);
    connect_to(0, NOEX_CONNECT_ONCE);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, UP, 1);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_settle(&b);
    assert_int_equal(b.beam[0].conns, 1);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, UP, 2);
    EXPECT_EVENTS(&b, UP, DOWN, AGAIN, UP);
    connect_to(0, NOEX_CONNECT_ONCE);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 2);
    bench_for(&b, 60);
    EXPECT_EVENTS(&b, UP, DOWN, AGAIN, UP, DOWN);
    bench_close(&b);
}

static void a_monitor_cuts_the_wait_for_the_next_attempt_short(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 3600000;
    bench_open(&b);
    bench_beam(&b, NULL)->all_alive = true;
    fake_beam_refuse(&b.beam[0]);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, AGAIN, 1);
    fake_beam_listen(&b.beam[0]);
    b.node->options.reconnect_min_ms = 5; /* what one who asks again has to wait */
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, FAILED, AGAIN, UP, M_UP);
    bench_close(&b);
}

static void ask_again(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_FAILED)
        bench_monitor_name(bench, 0, "srv", NULL);
}

static void asking_again_on_each_failure_does_not_hammer_the_peer(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 40;
    bench_open(&b);
    bench_beam(&b, NULL);
    fake_beam_refuse(&b.beam[0]);
    b.in_event = ask_again;
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_for(&b, 300);
    assert_in_range(b.count[FAILED], 2, 9);
    bench_close(&b);
}

static void K16_the_same_node_comes_back_and_so_does_another_incarnation(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].all_alive = true;
    connect_to(0, NOEX_CONNECT_KEEP);
    for (uint32_t i = 1; i <= 3; i++) {
        noex_monitor_id id = bench_monitor_pid(&b, 0, 9, 0, NULL);
        bench_until(&b, M_UP, i);
        assert_int_equal(bench_of(&b, M_UP, id)->pid.creation, i < 3 ? 2002 : 2003);
        b.beam[0].opts.creation = i < 2 ? 2002 : 2003;
        fake_beam_hang_up(&b.beam[0], i % 2);
        bench_until(&b, UP, i + 1);
        assert_int_equal(bench_of(&b, M_DOWN, id)->origin, NOEX_ORIGIN_LOCAL);
    }
    assert_int_equal(bench_stats(&b).connections, 1);
    bench_close(&b);
}

static void
K17_an_older_connection_that_the_peer_still_has_is_given_up_by_answering_true(void **state)
{
    (void)state;
    bench_default(&b);
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, UP, 1);
    b.beam[0].opts.status = NX_HS_ALIVE;
    fake_beam_hang_up(&b.beam[0], true);
    bench_until(&b, UP, 2);
    EXPECT_EVENTS(&b, UP, DOWN, AGAIN, UP);
    bench_close(&b);
}

/* ---- disconnecting ---- */

static void expect_disconnected(const enum noex_event_type *types, enum noex_event_type last)
{
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
    bench_until(&b, last, 1);
    bench_for(&b, 50); /* reconnects no more */
    bench_expect(&b, types);
    const struct seen *e = bench_event(&b, last, 0);
    assert_int_equal(e->code, NOEX_EDISCONNECTED);
    assert_int_equal(e->attempt, last == FAILED ? 1 : 0);
    assert_int_equal(noex_disconnect(b.node, address(0)), NOEX_ENOTREACHABLE);
    assert_int_equal(noex_connection(b.node, address(0), NULL, 0), NOEX_CONNECTION_NONE);
}

static void disconnecting_gives_up_an_attempt_at_each_of_its_steps(void **state)
{
    (void)state;
    for (int step = 0; step < 4; step++) {
        char name[300];
        bench_init(&b);
        bench_open(&b);
        bench_beam(&b, NULL);
        b.beam[0].no_accept = true;
        snprintf(name, sizeof name, "%s", address(0));
        if (step == 0) { /* the fake stands in for an epmd that is silent */
            b.node->options.epmd_port = b.beam[0].port;
            *strrchr(name, ':') = '\0';
        }
        assert_int_equal(noex_connect(b.node, name, NOEX_CONNECT_KEEP), 0);
        while (step >= 2 && b.node->peers.list[0]->state < NX_PEER_DIAL)
            assert_int_equal(noex_node_process(b.node, 0), 0);
        if (step == 0 || step == 3)
            bench_for(&b, 30);
        char text[64] = "x";
        assert_int_equal(noex_connection(b.node, name, text, sizeof text),
                         NOEX_CONNECTION_CONNECTING);
        static const char *const words[] = {"epmd on 127.0.0.1", "to begin",
                                            "connection to 127.0.0.1", "the peer's status"};
        assert_non_null(strstr(text, words[step]));
        static const enum noex_event_type types[] = {FAILED, (enum noex_event_type)0};
        expect_disconnected(types, FAILED);
        bench_close(&b);
    }
}

static void K11_disconnecting_ends_what_is_monitored_there_as_a_loss(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    static const enum noex_event_type types[] = {UP, M_UP, M_DOWN, DOWN, (enum noex_event_type)0};
    expect_disconnected(types, DOWN);
    assert_int_equal(bench_event(&b, M_DOWN, 0)->origin, NOEX_ORIGIN_LOCAL);
    assert_false(fake_beam_is_up(&b.beam[0]));
    connect_to(0, NOEX_CONNECT_ONCE); /* and may be connected again */
    bench_until(&b, UP, 2);
    bench_close(&b);
}

static void disconnecting_while_it_waits_to_try_again_is_told_by_no_event(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_refuse(&b.beam[0]);
    b.node->options.reconnect_min_ms = b.node->options.reconnect_max_ms = 20;
    connect_to(0, NOEX_CONNECT_KEEP);
    bench_until(&b, AGAIN, 1);
    assert_int_equal(noex_connection(b.node, address(0), NULL, 0), NOEX_CONNECTION_WAITING);
    assert_int_equal(noex_disconnect(b.node, address(0)), 0);
    bench_for(&b, 80);
    EXPECT_EVENTS(&b, FAILED, AGAIN);
    bench_close(&b);
}

static void disconnecting_what_was_never_connected_is_an_error(void **state)
{
    (void)state;
    bench_default(&b);
    assert_int_equal(noex_disconnect(b.node, "nobody@127.0.0.1"), NOEX_ENOTREACHABLE);
    assert_int_equal(noex_disconnect(b.node, "nobody"), NOEX_ENODENAME);
    bench_close(&b);
}

static void disconnect_inside(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_UP)
        assert_int_equal(noex_disconnect(bench->node, address(0)), 0);
}

static void disconnecting_inside_a_callback_has_its_events_in_order(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].all_alive = true;
    b.in_event = disconnect_inside;
    bench_monitor_name(&b, 0, "a", NULL);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN);
    bench_close(&b);
}

/* ---- ticks ---- */

static void K12_a_frozen_peer_is_told_of_by_quarters_and_lost_after_five(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.ticktime_ms = 1000;
    bench_open(&b);
    bench_beam(&b, NULL)->all_alive = true;
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    uint64_t start = bench_clock();
    b.beam[0].paused = b.beam[0].deaf = true;
    bench_until(&b, DOWN, 1);
    assert_in_range(bench_clock() - start, 1000, 5000);
    const struct seen *e = bench_event(&b, DOWN, 0);
    expect_cause(e, NOEX_ETICKTIMEOUT, NOEX_CLASS_SILENCE, "net_ticktime");
    struct noex_error err = {.code = e->code};
    assert_string_equal(noex_node_down_reason(&err), "heartbeat_timeout");
    assert_in_range(b.count[MISSED], 1, 3);
    for (size_t i = 0; i < b.count[MISSED]; i++)
        assert_in_range(bench_event(&b, MISSED, i)->missed, 1, 3);
    assert_int_equal(bench_event(&b, MISSED, 0)->attempt, 0);
    assert_int_equal(bench_event(&b, M_DOWN, 0)->origin, NOEX_ORIGIN_LOCAL);
    bench_close(&b);
}

static void K14_C11_a_peer_that_freezes_again_and_again_is_told_of_in_order(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.ticktime_ms = 1000;
    bench_open(&b);
    bench_beam(&b, NULL);
    connect_to(0, NOEX_CONNECT_KEEP);
    for (size_t i = 1; i <= 2; i++) {
        bench_until(&b, UP, i);
        bench_settle(&b);
        b.beam[0].paused = true;
        bench_until(&b, AGAIN, i);
        b.beam[0].paused = false;
    }
    bench_until(&b, UP, 3);
    enum noex_event_type last = AGAIN;
    for (size_t i = 0; i < b.seen_count; i++) {
        enum noex_event_type type = b.seen[i].type;
        bool in_order = type == UP       ? last == AGAIN
                        : type == MISSED ? last == UP || last == MISSED
                        : type == DOWN   ? last == MISSED
                                         : type == AGAIN && last == DOWN;
        if (!in_order)
            fail_msg("event %zu of type %d came behind %d", i, (int)type, (int)last);
        last = type;
    }
    assert_true(b.count[DOWN] == 2 && b.count[FAILED] == 0);
    bench_close(&b);
}

static bool is_in_state(enum noex_connection_state wanted)
{
    return noex_connection(b.node, address(0), NULL, 0) == wanted;
}

/* Each side's turn, with the events left where they are. */
static void drive_until(enum noex_connection_state wanted)
{
    uint64_t end = bench_clock() + 10000;
    while (!is_in_state(wanted)) {
        const struct timespec pause = {0, 1000000};
        fake_beam_step(&b.beam[0]);
        assert_int_equal(noex_node_process(b.node, 0), 0);
        nanosleep(&pause, NULL);
        assert_true(bench_clock() < end);
    }
}

static void missed_ticks_that_nobody_pulls_keep_their_place(void **state)
{
    (void)state;
    bench_init(&b);
    b.pull = true;
    b.options.ticktime_ms = 1000;
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 50;
    bench_open(&b);
    bench_beam(&b, NULL);
    connect_to(0, NOEX_CONNECT_KEEP);
    for (int i = 0; i < 2; i++) {
        drive_until(NOEX_CONNECTION_UP);
        b.beam[0].paused = true;
        drive_until(NOEX_CONNECTION_WAITING);
        b.beam[0].paused = false;
    }
    drive_until(NOEX_CONNECTION_UP);
    bench_until(&b, UP, 3);
    /* What was to come next is not told any more once it has come. */
    EXPECT_EVENTS(&b, UP, MISSED, DOWN, UP, MISSED, DOWN, UP);
    assert_int_equal(bench_event(&b, MISSED, 0)->missed, 3); /* the newest count */
    bench_close(&b);
}

static void C14_a_peer_that_is_only_idle_is_never_lost(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.ticktime_ms = 1000;
    bench_open(&b);
    bench_beam(&b, NULL);
    bench_connect(&b, 0);
    bench_for(&b, 2600);
    EXPECT_EVENTS(&b, UP); /* the probes are answered */
    assert_true(b.beam[0].barriers >= 5);
    assert_true(bench_stats(&b).ticks_out + bench_stats(&b).frames_out >= 8);
    bench_close(&b);
}

/* ---- a node without a name ---- */

static void a_dynamic_node_bears_the_name_that_each_peer_gives_it(void **state)
{
    (void)state;
    struct nx_pid pid;
    struct nx_ref ref;
    bench_init(&b);
    b.options.name = NULL;
    bench_open(&b);
    for (unsigned i = 0; i < 2; i++) {
        bench_beam(&b, &(struct fake_beam_opts){.name = i ? "b@127.0.0.1" : "a@127.0.0.1"});
        fake_beam_spawn(&b.beam[i], "srv");
        bench_monitor_name(&b, i, "srv", NULL);
        bench_until(&b, M_UP, i + 1);
        const struct fake_signal *s = fake_beam_signal(&b.beam[i], NX_OP_MONITOR_P, 0);
        assert_true(nx_pid_parse(fake_signal_arg(s, NX_ARG_FROM), &pid));
        assert_true(nx_ref_parse(fake_signal_arg(s, NX_ARG_REF), &ref));
        assert_int_equal(strncmp((const char *)pid.node.ptr, "DYN1@", 5), 0);
        assert_true(nx_span_eq(pid.node, ref.node));
        assert_true(pid.creation == 71 && ref.creation == 71);
    }
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 3); /* under the name of the second connection */
    const struct fake_monitor *m = &b.beam[0].monitors[b.beam[0].monitor_count - 1];
    assert_true(nx_pid_parse(nx_span(nx_buf_span(&m->term).ptr, m->from_len), &pid));
    assert_int_equal(strncmp((const char *)pid.node.ptr, "DYN2@", 5), 0);
    fake_beam_down(&b.beam[0], &b.beam[0].monitors[0], nx_span("j", 1), FAKE_PAYLOAD);
    bench_settle(&b);
    assert_null(bench_of(&b, M_DOWN, id)); /* a reference of the earlier name is nobody's */
    assert_int_equal(bench_stats(&b).downs_stale, 1);
    bench_close(&b);
}

/* ---- printed pids ---- */

static void
small_numbers_are_sent_with_the_creation_of_the_peer_and_large_ones_asked_for(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        uint32_t serial;
        bool asked;
    } cases[] = {{0, 0, false},   {32767, 8191, false},     {32768, 0, true},
                 {0, 8192, true}, {(1 << 28) - 1, 0, true}, {1, (1 << 28) - 1, true}};
    struct nx_pid pid;
    bench_default(&b);
    unsigned asked = 0;
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_beam_spawn_pid(&b.beam[0], cases[i].id, cases[i].serial);
        noex_monitor_id id = bench_monitor_pid(&b, 0, cases[i].id, cases[i].serial, NULL);
        bench_until(&b, M_UP, i + 1);
        asked += cases[i].asked;
        assert_int_equal(b.beam[0].ops[NX_OP_REG_SEND], asked);
        const struct fake_monitor *m = &b.beam[0].monitors[i];
        struct nx_span target = nx_span(nx_buf_span(&m->term).ptr + m->from_len, m->target_len);
        assert_true(nx_pid_parse(target, &pid));
        assert_true(pid.id == cases[i].id && pid.serial == cases[i].serial && pid.creation == 2002);
        assert_int_equal(bench_of(&b, M_UP, id)->pid.creation, 2002);
    }
    bench_close(&b);
}

static void a_large_pid_that_the_peer_does_not_know_is_absent(void **state)
{
    (void)state;
    bench_default(&b);
    noex_monitor_id id = bench_monitor_pid(&b, 0, 100000, 0, NULL);
    bench_until(&b, M_DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN);
    assert_int_equal(bench_of(&b, M_DOWN, id)->reason, NOEX_REASON_NOPROC);
    assert_int_equal(bench_of(&b, M_DOWN, id)->origin, NOEX_ORIGIN_PEER);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], 0);
    bench_close(&b);
}

static void an_answer_that_says_neither_where_nor_absent_fails_the_monitor(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].rex = FAKE_REX_ODD;
    noex_monitor_id id = bench_monitor_pid(&b, 0, 100000, 0, NULL);
    bench_until(&b, M_FAILED, 1);
    EXPECT_EVENTS(&b, UP, M_FAILED);
    assert_int_equal(bench_of(&b, M_FAILED, id)->code, NOEX_EPID);
    assert_int_equal(b.beam[0].ops[NX_OP_MONITOR_P], 0);
    bench_close(&b);
}

/* {Tag, Pid}, from this peer, with a pid of that node. */
static void answer_rex(unsigned from, const struct nx_ref *tag, const char *node)
{
    uint8_t payload[FAKE_TERM], pid[FAKE_TERM], caller[FAKE_TERM];
    struct nx_buf out;
    const struct fake_signal *question = fake_beam_signal(&b.beam[0], NX_OP_REG_SEND, 0);
    struct nx_ctrl send = {.op = NX_OP_SEND_SENDER};
    nx_buf_fixed(&out, payload, sizeof payload);
    assert_int_equal(nx_write_tuple_head(&out, 2), 0);
    assert_int_equal(nx_ref_write(&out, tag), 0);
    assert_int_equal(nx_write_raw(&out, fake_pid(node, 100000, 0, 2002, pid)), 0);
    send.arg[NX_ARG_FROM] = fake_pid(b.beam[from].name, 1, 0, 2002, caller);
    send.arg[NX_ARG_TO] = fake_signal_arg(question, NX_ARG_FROM);
    fake_beam_send(&b.beam[from], &send, nx_buf_span(&out));
    bench_settle(&b);
}

static struct nx_ref tag_of_the_question(void)
{
    struct nx_rd in = nx_rd(fake_signal_payload(fake_beam_signal(&b.beam[0], NX_OP_REG_SEND, 0)));
    struct nx_span caller, raw;
    struct nx_ref tag = {0};
    uint32_t n;
    assert_true(nx_read_tuple_head(&in, &n) && nx_read_atom_is(&in, "$gen_call") &&
                nx_read_tuple_head(&in, &n) && nx_read_term(&in, &caller) &&
                nx_read_term(&in, &raw) && nx_ref_parse(raw, &tag));
    return tag;
}

static void only_the_peer_that_was_asked_can_answer_and_once(void **state)
{
    (void)state;
    bench_default(&b);
    bench_beam(&b, &(struct fake_beam_opts){.name = "evil@127.0.0.1"});
    b.beam[0].rex = FAKE_REX_SILENT;
    bench_connect(&b, 1);
    noex_monitor_id id = bench_monitor_pid(&b, 0, 100000, 0, NULL);
    bench_until(&b, UP, 2);
    bench_settle(&b);
    const struct nx_ref tag = tag_of_the_question();
    struct nx_ref wrong = tag;
    answer_rex(1, &tag, "beam@127.0.0.1");
    wrong.word[2]++; /* another use */
    answer_rex(0, &wrong, "beam@127.0.0.1");
    wrong = tag;
    wrong.word[1]++; /* another generation */
    answer_rex(0, &wrong, "beam@127.0.0.1");
    wrong = tag;
    wrong.word[0] += 1000; /* another slot */
    answer_rex(0, &wrong, "beam@127.0.0.1");
    assert_int_equal(bench_monitor_stats(&b).pending, 1);
    assert_int_equal(bench_stats(&b).signals_dropped, 4);
    fake_beam_spawn_pid(&b.beam[0], 100000, 0);
    answer_rex(0, &tag, "beam@127.0.0.1");
    bench_until(&b, M_UP, 1);
    answer_rex(0, &tag, "beam@127.0.0.1");
    assert_int_equal(bench_stats(&b).signals_dropped, 5);
    assert_int_equal(fake_beam_held(&b.beam[0], NULL), 1);
    assert_int_equal(bench_of(&b, M_UP, id)->pid.id, 100000);
    bench_close(&b);
}

static void an_answer_with_a_pid_of_another_node_fails_the_monitor(void **state)
{
    (void)state;
    bench_default(&b);
    b.beam[0].rex = FAKE_REX_SILENT;
    noex_monitor_id id = bench_monitor_pid(&b, 0, 100000, 0, NULL);
    bench_until(&b, UP, 1);
    bench_settle(&b);
    const struct nx_ref tag = tag_of_the_question();
    answer_rex(0, &tag, "third@127.0.0.1");
    bench_until(&b, M_FAILED, 1);
    assert_int_equal(bench_of(&b, M_FAILED, id)->code, NOEX_EPID);
    bench_close(&b);
}

/* The numbers of an event are no proof that this peer takes them: a program may have made them up.
 */
static void a_large_pid_with_the_creation_of_the_peer_is_asked_for_too(void **state)
{
    (void)state;
    static const struct {
        uint32_t creation;
        unsigned asked;
        enum noex_event_type outcome;
    } cases[] = {{2002, 1, M_UP}, {2001, 0, M_DOWN}};
    for (int i = 0; i < 2; i++) {
        noex_monitor_id id;
        bench_default(&b);
        fake_beam_spawn_pid(&b.beam[0], 100000, 0);
        const struct noex_target t = {
            .kind = NOEX_TARGET_PID, .node = address(0), .pid = {100000, 0, cases[i].creation}};
        assert_int_equal(noex_monitor(b.node, &t, 0, NULL, &id), 0);
        bench_until(&b, cases[i].outcome, 1);
        bench_settle(&b);
        assert_int_equal(b.beam[0].ops[NX_OP_REG_SEND], cases[i].asked);
        assert_int_equal(fake_beam_held(&b.beam[0], NULL), cases[i].asked);
        bench_close(&b);
    }
}

static void a_large_pid_times_out_is_demonitored_and_lost_while_it_is_asked_for(void **state)
{
    (void)state;
    noex_monitor_id id[3];
    bench_init(&b);
    b.options.setup_timeout_ms = 80;
    bench_open(&b);
    bench_beam(&b, NULL)->rex = FAKE_REX_SILENT;
    bench_connect(&b, 0);
    id[0] = bench_monitor_pid(&b, 0, 100000, 0, NULL);
    bench_until(&b, M_FAILED, 1);
    assert_int_equal(bench_of(&b, M_FAILED, id[0])->code, NOEX_ESETUPTIMEOUT);
    b.node->options.setup_timeout_ms = 60000;
    id[1] = bench_monitor_pid(&b, 0, 100001, 0, NULL);
    id[2] = bench_monitor_pid(&b, 0, 100002, 0, NULL);
    bench_settle(&b);
    assert_int_equal(noex_demonitor(b.node, id[1]), 0);
    bench_settle(&b);
    assert_int_equal(b.beam[0].ops[NX_OP_DEMONITOR_P], 0); /* it holds nothing yet */
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_FAILED, M_FAILED, DOWN);
    assert_int_equal(bench_of(&b, M_FAILED, id[2])->code, NOEX_ENOTREACHABLE);
    assert_non_null(strstr(bench_of(&b, M_FAILED, id[2])->text, "not reachable"));
    assert_int_equal(bench_monitor_stats(&b).pending, 0);
    bench_close(&b);
}

/* ---- counters ---- */

static void the_counters_of_a_node_stay_when_its_connections_go(void **state)
{
    (void)state;
    bench_default(&b);
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    struct noex_stats up = bench_stats(&b);
    const struct nx_conn_stats *theirs = nx_conn_get_stats(fake_beam_conn(&b.beam[0])->conn);
    assert_int_equal(up.frames_out, 2);
    assert_int_equal(up.frames_out, theirs->frames_in);
    assert_int_equal(up.frames_in, theirs->frames_out);
    assert_int_equal(up.bytes_out, theirs->bytes_in);
    assert_int_equal(up.bytes_in, theirs->bytes_out);
    assert_int_equal(up.connections, 1);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    struct noex_stats down = bench_stats(&b);
    assert_int_equal(down.connections, 0);
    down.connections = up.connections;
    assert_memory_equal(&up, &down, sizeof up);
    bench_close(&b);
}

/* ---- epmd ---- */

/* An epmd for one question: it answers `reply` to whatever comes. */
struct lookup_epmd {
    struct fake_beam at; /* a scripted listener */
    uint8_t reply[64];
};

static void start_epmd(struct lookup_epmd *e, const void *reply, size_t len)
{
    memcpy(e->reply, reply, len);
    fake_beam_start(&e->at, &(struct fake_beam_opts){
                                .script = e->reply, .script_len = len, .script_close = true});
}

static void through_epmd(const void *reply, size_t len, enum noex_event_type outcome)
{
    static struct lookup_epmd epmd;
    start_epmd(&epmd, reply, len);
    b.node->options.epmd_port = epmd.at.port;
    assert_int_equal(noex_connect(b.node, "beam@127.0.0.1", NOEX_CONNECT_ONCE), 0);
    uint64_t end = bench_clock() + 10000;
    while (!b.count[outcome] && bench_clock() < end) {
        fake_beam_step(&epmd.at);
        bench_step(&b);
    }
    fake_beam_stop(&epmd.at);
    assert_int_equal(b.count[outcome], 1);
}

static void a_name_without_a_port_is_asked_for_at_epmd(void **state)
{
    (void)state;
    bench_default(&b);
    uint8_t found[] = {119, 0, 0, 0, 77, 0, 0, 6, 0, 5, 0, 4, 'b', 'e', 'a', 'm', 0, 0};
    found[2] = (uint8_t)(b.beam[0].port >> 8);
    found[3] = (uint8_t)b.beam[0].port;
    through_epmd(found, sizeof found, UP);
    assert_string_equal(bench_event(&b, UP, 0)->node, "beam@127.0.0.1");
    bench_close(&b);
}

static void what_epmd_says_is_the_cause(void **state)
{
    (void)state;
    static const struct {
        uint8_t reply[24];
        size_t len;
        int code;
        enum noex_error_class class;
        const char *word;
    } cases[] = {
        {{119, 1}, 2, NOEX_ENONODE, NOEX_CLASS_REACH, "knows no node named 'beam'"},
        {{0}, 0, NOEX_EEPMD, NOEX_CLASS_REACH, "without an answer"},
        {{'H', 'T', 'T', 'P'}, 4, NOEX_EEPMDGARBAGE, NOEX_CLASS_REFUSED, "epmd on 127.0.0.1"},
        {{119, 0, 1}, 3, NOEX_EEPMD, NOEX_CLASS_REACH, "epmd on 127.0.0.1"},
        {{119, 0, 9, 9, 77, 0, 0, 5, 0, 5, 0, 4, 'b', 'e', 'a', 'm', 0, 0},
         18,
         NOEX_EFLAG,
         NOEX_CLASS_REFUSED,
         "handshake versions 5 to 5 only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_default(&b);
        through_epmd(cases[i].reply, cases[i].len, FAILED);
        expect_cause(bench_event(&b, FAILED, 0), cases[i].code, cases[i].class, cases[i].word);
        bench_close(&b);
    }
}

static void an_epmd_that_is_absent_or_silent_is_told(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        bench_init(&b);
        b.options.step_ms = 60;
        bench_open(&b);
        bench_beam(&b, &(struct fake_beam_opts){.script = ""}); /* stands in for epmd */
        b.node->options.epmd_port = b.beam[0].port;
        if (!silent)
            fake_beam_refuse(&b.beam[0]);
        assert_int_equal(noex_connect(b.node, "x@127.0.0.1", NOEX_CONNECT_ONCE), 0);
        bench_until(&b, FAILED, 1);
        expect_cause(bench_event(&b, FAILED, 0), silent ? NOEX_EEPMDTIMEOUT : NOEX_EEPMD,
                     silent ? NOEX_CLASS_SILENCE : NOEX_CLASS_REACH, "epmd");
        bench_close(&b);
    }
}

static void a_port_that_is_the_one_of_epmd_means_ask_there(void **state)
{
    (void)state;
    char text[64];
    bench_init(&b);
    bench_open(&b);
    bench_beam(&b, &(struct fake_beam_opts){.script = "w\1", .script_len = 2});
    b.node->options.epmd_port = b.beam[0].port;
    snprintf(text, sizeof text, "x@127.0.0.1:%u", b.beam[0].port);
    assert_int_equal(noex_connect(b.node, text, NOEX_CONNECT_ONCE), 0);
    bench_until(&b, FAILED, 1);
    expect_cause(bench_event(&b, FAILED, 0), NOEX_ENONODE, NOEX_CLASS_REACH, "'x'");
    bench_close(&b);
}

static void a_host_that_does_not_exist_is_named(void **state)
{
    (void)state;
    bench_default(&b);
    assert_int_equal(noex_connect(b.node, "x@[::zz]:1", NOEX_CONNECT_ONCE), 0);
    bench_until(&b, FAILED, 1);
    expect_cause(bench_event(&b, FAILED, 0), NOEX_EHOST, NOEX_CLASS_REACH, "::zz");
    bench_close(&b);
}

int main(void)
{
    struct CMUnitTest tests[REFUSALS + 64] = {0};
    size_t n = 0;
    for (; n < REFUSALS; n++)
        tests[n] = (struct CMUnitTest){refusals[n].name, an_attempt_fails_with_its_cause, NULL,
                                       NULL, (void *)(uintptr_t)&refusals[n]};
#define TEST(name) tests[n++] = (struct CMUnitTest)cmocka_unit_test(name)
    TEST(silence_and_end_at_each_step_of_the_handshake_are_told_apart);
    TEST(L7_the_peer_that_said_alive_is_told_false);
    TEST(a_peer_that_is_dialling_us_itself_is_tried_again);
    TEST(another_node_at_the_port_is_named);
    TEST(nobody_at_the_port_is_a_refused_connection);
    TEST(attempts_are_repeated_with_a_growing_delay_until_one_succeeds);
    TEST(a_connection_that_lasted_is_the_end_of_the_back_off);
    TEST(one_attempt_is_one_and_a_lost_connection_stays_lost);
    TEST(connecting_again_starts_no_second_attempt_and_changes_the_policy);
    TEST(a_monitor_cuts_the_wait_for_the_next_attempt_short);
    TEST(asking_again_on_each_failure_does_not_hammer_the_peer);
    TEST(K16_the_same_node_comes_back_and_so_does_another_incarnation);
    TEST(K17_an_older_connection_that_the_peer_still_has_is_given_up_by_answering_true);
    TEST(disconnecting_gives_up_an_attempt_at_each_of_its_steps);
    TEST(K11_disconnecting_ends_what_is_monitored_there_as_a_loss);
    TEST(disconnecting_while_it_waits_to_try_again_is_told_by_no_event);
    TEST(disconnecting_what_was_never_connected_is_an_error);
    TEST(disconnecting_inside_a_callback_has_its_events_in_order);
    TEST(K12_a_frozen_peer_is_told_of_by_quarters_and_lost_after_five);
    TEST(K14_C11_a_peer_that_freezes_again_and_again_is_told_of_in_order);
    TEST(missed_ticks_that_nobody_pulls_keep_their_place);
    TEST(C14_a_peer_that_is_only_idle_is_never_lost);
    TEST(a_dynamic_node_bears_the_name_that_each_peer_gives_it);
    TEST(small_numbers_are_sent_with_the_creation_of_the_peer_and_large_ones_asked_for);
    TEST(a_large_pid_that_the_peer_does_not_know_is_absent);
    TEST(an_answer_that_says_neither_where_nor_absent_fails_the_monitor);
    TEST(only_the_peer_that_was_asked_can_answer_and_once);
    TEST(an_answer_with_a_pid_of_another_node_fails_the_monitor);
    TEST(a_large_pid_with_the_creation_of_the_peer_is_asked_for_too);
    TEST(a_large_pid_times_out_is_demonitored_and_lost_while_it_is_asked_for);
    TEST(the_counters_of_a_node_stay_when_its_connections_go);
    TEST(a_name_without_a_port_is_asked_for_at_epmd);
    TEST(what_epmd_says_is_the_cause);
    TEST(an_epmd_that_is_absent_or_silent_is_told);
    TEST(a_port_that_is_the_one_of_epmd_means_ask_there);
    TEST(a_host_that_does_not_exist_is_named);
    return _cmocka_run_group_tests("peer", tests, n, NULL, NULL);
}
