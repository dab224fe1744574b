/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/dflags.h"
#include "node/listener.h"
#include "node/peer.h"
#include "node_bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The fakes dial here. Names on either side of the node's own, in the order of bytes. */
#define SELF "mon@127.0.0.1"
#define SMALLER "a@127.0.0.1"
#define LARGER "z@127.0.0.1"

enum { STEP_MS = 60, LINES_MAX = 64 };

static struct bench b;
static char line[LINES_MAX][300]; /* of the log, INFO and above */
static unsigned lines;

static const uint8_t boom_bytes[] = {119, 4, 'b', 'o', 'o', 'm'};
static const struct nx_span boom = {boom_bytes, sizeof boom_bytes};

static void note_line(void *user, enum noex_log_level level, const char *text)
{
    (void)user, (void)level;
    if (lines < LINES_MAX)
        snprintf(line[lines++], sizeof line[0], "%s", text);
}

static bool was_logged(const char *one, const char *other)
{
    for (unsigned i = 0; i < lines; i++)
        if (strstr(line[i], one) && strstr(line[i], other))
            return true;
    return false;
}

static void init(void)
{
    lines = 0;
    bench_init(&b);
    b.options.listen = b.options.no_epmd = true;
    b.options.on_log = note_line;
}

static void open_node(void)
{
    bench_open(&b);
    bench_until(&b, REGISTERED, 1);
    bench_forget(&b);
}

static struct fake_beam *beam_named(const char *name)
{
    return bench_beam(&b, &(struct fake_beam_opts){.name = name});
}

static void open_default(void)
{
    init();
    open_node();
    beam_named("beam@127.0.0.1");
}

static struct fake_conn *dial(unsigned i)
{
    fake_beam_dial(&b.beam[i], SELF, noex_node_listen_port(b.node));
    return fake_beam_conn(&b.beam[i]);
}

static void dial_and_be_up(unsigned i)
{
    size_t ups = b.count[UP];
    dial(i);
    bench_until(&b, UP, ups + 1);
    while (!fake_beam_is_up(&b.beam[i]))
        bench_step(&b);
}

static struct noex_stats stats(void)
{
    return bench_stats(&b);
}

static bool is_refused(struct bench *bench)
{
    return bench_stats(bench).refused > 0;
}

/* ---- who is let in ---- */

static void a_node_that_dials_is_up_like_one_that_is_dialled(void **state)
{
    (void)state;
    open_default();
    fake_beam_spawn(&b.beam[0], "srv");
    dial_and_be_up(0);
    EXPECT_EVENTS(&b, UP);
    assert_string_equal(bench_event(&b, UP, 0)->node, "beam@127.0.0.1");
    assert_int_equal(noex_connection(b.node, "beam@127.0.0.1", NULL, 0), NOEX_CONNECTION_UP);
    noex_monitor_id id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    fake_beam_die(&b.beam[0], "srv", boom, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    assert_int_equal(bench_of(&b, M_DOWN, id)->term_len, boom.len);
    id = bench_monitor_node(&b, 0, NULL);
    bench_until(&b, M_UP, 2);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, M_UP, M_DOWN, DOWN);
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ECLOSED);
    struct noex_stats s = stats();
    assert_true(s.accepted == 1 && s.refused == 0 && s.accept_dropped == 0);
    assert_true(s.bytes_in > 100 && s.bytes_out > 100 && s.frames_in >= 2);
    bench_close(&b);
}

static void a_monitor_by_the_peer_is_answered(void **state)
{
    (void)state;
    uint8_t from[FAKE_TERM], target[FAKE_TERM], ref[FAKE_TERM];
    open_default();
    dial_and_be_up(0);
    struct nx_ctrl m = {.op = NX_OP_MONITOR_P};
    m.arg[NX_ARG_FROM] = fake_pid(b.beam[0].name, 9, 0, 2002, from);
    m.arg[NX_ARG_TARGET] = fake_atom("nobody", target);
    m.arg[NX_ARG_REF] = fake_ref(b.beam[0].name, 2002, 3, ref);
    fake_beam_send(&b.beam[0], &m, nx_span(NULL, 0));
    bench_settle(&b);
    assert_non_null(fake_beam_signal(&b.beam[0], NX_OP_PAYLOAD_MONITOR_P_EXIT, 0));
    bench_close(&b);
}

static void ticks_go_both_ways_on_it(void **state)
{
    (void)state;
    init();
    b.options.ticktime_ms = 1000;
    open_node();
    beam_named("beam@127.0.0.1")->deaf = true;
    dial_and_be_up(0);
    b.beam[0].paused = true;
    bench_until(&b, DOWN, 1);
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ETICKTIMEOUT);
    assert_true(b.count[MISSED] > 0 && stats().ticks_out > 0);
    bench_close(&b);
}

static void it_is_kept_and_disconnected_as_one_that_was_dialled(void **state)
{
    (void)state;
    char address[300];
    open_default();
    fake_beam_address(&b.beam[0], address, sizeof address);
    dial_and_be_up(0);
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, UP, 2); /* dialled now */
    EXPECT_EVENTS(&b, UP, DOWN, AGAIN, UP);
    assert_int_equal(bench_event(&b, AGAIN, 0)->attempt, 1);
    assert_int_equal(stats().accepted, 1);
    assert_int_equal(noex_disconnect(b.node, address), 0);
    bench_until(&b, DOWN, 2);
    bench_settle(&b);
    bench_forget(&b);
    dial_and_be_up(0);
    assert_int_equal(noex_disconnect(b.node, address), 0);
    bench_until(&b, DOWN, 1);
    bench_for(&b, 60);
    EXPECT_EVENTS(&b, UP, DOWN);
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_EDISCONNECTED);
    bench_close(&b);
}

static void a_connection_of_a_node_that_listens_only_stays_lost(void **state)
{
    (void)state;
    open_default();
    dial_and_be_up(0);
    fake_beam_hang_up(&b.beam[0], true);
    bench_until(&b, DOWN, 1);
    bench_for(&b, 60);
    EXPECT_EVENTS(&b, UP, DOWN);
    dial_and_be_up(0);
    EXPECT_EVENTS(&b, UP, DOWN, UP);
    assert_int_equal(b.node->peers.count, 1);
    bench_close(&b);
}

/* ---- who is not ---- */

static const struct refusal {
    const char *name;
    struct fake_beam_opts opts;
    const char *says; /* in the log */
    int theirs;       /* what it means to the one who dials; 0: it is just closed */
} refusals[] = {
    {"a_wrong_cookie_is_refused_and_logged",
     {.cookie = "other"},
     "beam@127.0.0.1, from 127.0.0.1:|the cookies differ",
     0},
    {"missing_flags_are_not_allowed_and_named",
     {.flags = NX_DFLAGS_OURS & ~NX_DFLAG_V4_NC},
     "does not offer V4_NC",
     NOEX_ENOTALLOWED},
    {"our_own_name_is_refused", {.name = SELF}, "it has our own name", NOEX_ESIMULTANEOUS},
    {"a_name_with_a_port_is_none",
     {.name = "beam@127.0.0.1:4369"},
     "127.0.0.1:|not allow",
     NOEX_ENOTALLOWED},
    {"a_name_that_could_be_no_target_is_none",
     {.name = "be/am@127.0.0.1"},
     "127.0.0.1:|not allow",
     NOEX_ENOTALLOWED},
};

enum { REFUSALS = sizeof refusals / sizeof *refusals };

static void somebody_is_refused(void **state)
{
    const struct refusal *r = *state;
    char first[100], *other;
    snprintf(first, sizeof first, "%s", r->says);
    other = strchr(first, '|');
    if (other)
        *other++ = '\0';
    init();
    open_node();
    bench_beam(&b, &r->opts);
    dial(0);
    bench_until_true(&b, is_refused);
    bench_for(&b, 10);
    EXPECT_EVENTS(&b, (enum noex_event_type)0);
    assert_true(was_logged("did not connect to this node", first));
    assert_true(!other || was_logged("did not connect to this node", other));
    assert_int_equal(fake_beam_conn(&b.beam[0])->fd, -1);
    assert_int_equal(fake_beam_conn(&b.beam[0])->err.code, r->theirs);
    assert_int_equal(b.node->peers.count, 0); /* whoever has no cookie takes no memory */
    assert_int_equal(stats().refused, 1);
    bench_close(&b);
}

/* A plain socket that says what the test says. */
static int dial_plainly(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(noex_node_listen_port(b.node))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t n;
    while ((n = recv(fd, &byte, 1, MSG_DONTWAIT)) > 0)
        continue;
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static uint64_t until_closed(int fd, uint64_t every_ms)
{
    uint64_t start = bench_clock(), next = every_ms ? start + every_ms : UINT64_MAX;
    while (!is_closed(fd)) {
        bench_step(&b);
        assert_true(bench_clock() < start + 10000);
        if (bench_clock() < next)
            continue;
        next += every_ms;
        (void)send(fd, "", 1, MSG_NOSIGNAL); /* a byte of a message that does not end */
    }
    close(fd);
    return bench_clock() - start;
}

static const struct silence {
    const char *name;
    unsigned said;          /* messages of the dialler before it is silent */
    enum nx_hs_status then; /* NX_HS_ALIVE: there is an older connection */
    const char *awaited;
} silences[] = {
    {"who_connects_and_says_nothing_has_one_step", 0, NX_HS_OK, "the peer's name"},
    {"who_says_its_name_only_has_one_step", 1, NX_HS_OK, "the peer's challenge reply"},
    {"who_does_not_answer_alive_has_one_step", 1, NX_HS_ALIVE, "the peer's answer to alive"},
    {"who_says_true_only_has_one_step", 2, NX_HS_ALIVE, "the peer's challenge reply"},
};

enum { SILENCES = sizeof silences / sizeof *silences };

static void somebody_falls_silent(void **state)
{
    const struct silence *s = *state;
    init();
    b.options.step_ms = STEP_MS;
    open_node();
    beam_named("beam@127.0.0.1");
    bool older = s->then == NX_HS_ALIVE;
    if (older)
        dial_and_be_up(0);
    b.beam[0].gone = true;
    b.beam[0].say_max = 1 + s->said;
    dial(0);
    uint64_t start = bench_clock();
    bench_until_true(&b, is_refused);
    assert_in_range(bench_clock() - start, STEP_MS - 5, 2000);
    bench_for(&b, 10);
    assert_true(was_logged("no answer within 60 ms", s->awaited));
    assert_int_equal(b.count[DOWN], 0); /* the older connection stays */
    assert_int_equal(stats().connections, older);
    bench_close(&b);
}

/* A byte now and then of one message is no step. */
static void who_trickles_has_one_step_too(void **state)
{
    (void)state;
    init();
    b.options.step_ms = 100;
    open_node();
    int fd = dial_plainly();
    assert_int_equal(send(fd, "\1\0N", 3, 0), 3);
    assert_in_range(until_closed(fd, 20), 80, 2000);
    assert_int_equal(stats().refused, 1);
    bench_close(&b);
}

static const struct noise {
    const char *name, *bytes;
    size_t len;
    const char *says;
} noises[] = {
    {"http_is_refused_at_once", "GET / HTTP/1.1\r\n\r\n", 18, "got something else: \"GET / HTTP"},
    {"a_tls_hello_is_refused_at_once", "\x16\x03\x01\x02\x00", 5, "speaks TLS"},
    {"an_empty_message_is_refused_at_once", "\0\0", 2, "something else"},
    {"a_message_that_is_too_long_is_refused_at_once", "\x40\x00N", 3, "something else"},
    {"a_name_without_an_at_is_refused_at_once", "\0\x10N\0\0\0\0\0\0\0\0\0\0\0\0\0\1x", 18,
     "calls itself \"x\""},
    {"an_old_name_of_an_old_node_is_refused_at_once", "\0\x0cn\0\5\0\0\0\0pre@hi", 14,
     "does not offer"},
};

enum { NOISES = sizeof noises / sizeof *noises };

static void somebody_is_no_node(void **state)
{
    const struct noise *n = *state;
    init();
    open_node();
    int fd = dial_plainly();
    assert_int_equal(send(fd, n->bytes, n->len, 0), (ssize_t)n->len);
    assert_true(until_closed(fd, 0) < 5000); /* of seven seconds */
    assert_true(was_logged("from 127.0.0.1:", n->says) || was_logged("127.0.0.1:", n->says));
    assert_int_equal(stats().refused, 1);
    EXPECT_EVENTS(&b, (enum noex_event_type)0);
    bench_close(&b);
}

/* As health checks do: nobody needs a line of the log for each. */
static void who_connects_and_closes_is_counted_and_not_logged(void **state)
{
    (void)state;
    init();
    open_node();
    unsigned before = lines;
    close(dial_plainly());
    bench_until_true(&b, is_refused);
    assert_int_equal(lines, before);
    bench_close(&b);
}

/* ---- too many at once ---- */

static void beyond_the_limit_the_one_that_is_silent_longest_goes(void **state)
{
    (void)state;
    int fd[4];
    init();
    b.options.accept_max = 3;
    open_node();
    for (int i = 0; i < 4; i++) {
        assert_false(i && is_closed(fd[0]));
        fd[i] = dial_plainly();
        bench_for(&b, 10);
    }
    assert_true(is_closed(fd[0]));
    for (int i = 1; i < 4; i++)
        assert_false(is_closed(fd[i]));
    assert_true(was_logged("accept_max", "closed for a newer one: 3 are under way"));
    struct noex_stats s = stats();
    assert_true(s.refused == 1 && s.accept_dropped == 1);
    for (int i = 0; i < 4; i++)
        close(fd[i]);
    bench_close(&b);
}

static void a_step_makes_a_handshake_young_again(void **state)
{
    (void)state;
    int fd[3];
    init();
    b.options.accept_max = 3;
    open_node();
    beam_named("beam@127.0.0.1")->say_max = 1;
    dial(0);
    bench_for(&b, 10);
    for (int i = 0; i < 2; i++) {
        fd[i] = dial_plainly();
        bench_for(&b, 10);
    }
    b.beam[0].say_max = 2; /* its name */
    bench_for(&b, 10);
    fd[2] = dial_plainly();
    bench_for(&b, 10);
    assert_true(is_closed(fd[0]) && !is_closed(fd[1]));
    b.beam[0].say_max = 0;
    bench_until(&b, UP, 1);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    bench_close(&b);
}

/* Slow loris: half open handshakes, a thousand of them, while others live on. */
static void a_thousand_half_open_handshakes_hurt_nobody(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static int fd[MANY];
    init();
    open_node();
    beam_named("beam@127.0.0.1");
    beam_named("late@127.0.0.1");
    fake_beam_spawn(&b.beam[0], "srv");
    dial_and_be_up(0);
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    size_t live = b.alloc.live;
    for (int i = 0; i < MANY; i++) {
        fd[i] = dial_plainly();
        assert_int_equal(send(fd[i], "\0\x30N\0", (size_t)i % 5, 0), i % 5);
        bench_step(&b);
        if (i % 100 == 50)
            dial_and_be_up(1);
        if (i % 100 == 70)
            fake_beam_hang_up(&b.beam[1], false);
        assert_true(b.node->listener->inbounds.count <= 64);
    }
    bench_until(&b, DOWN, 10);
    bench_until(&b, UP, 11);
    fake_beam_die(&b.beam[0], "srv", boom, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    assert_int_equal(bench_event(&b, M_DOWN, 0)->origin, NOEX_ORIGIN_PEER);
    assert_in_range(stats().accept_dropped, MANY - 64 - 10, MANY);
    assert_true(b.alloc.live < live + (size_t)64 * 20);
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    bench_close(&b);
}

/* ---- a second connection of the same node ---- */

static const enum noex_event_type losing_two[] = {UP,     M_UP, M_UP, M_DOWN,
                                                  M_DOWN, DOWN, UP,   (enum noex_event_type)0};

static void open_watching(void)
{
    open_default();
    fake_beam_spawn(&b.beam[0], "one");
    fake_beam_spawn(&b.beam[0], "two");
    dial_and_be_up(0);
    bench_monitor_name(&b, 0, "one", NULL);
    bench_monitor_name(&b, 0, "two", NULL);
    bench_until(&b, M_UP, 2);
}

static void alive_and_true_replace_the_older_connection_after_all_its_events(void **state)
{
    (void)state;
    open_watching();
    b.beam[0].gone = true;
    struct fake_conn *older = fake_beam_conn(&b.beam[0]);
    dial_and_be_up(0);
    bench_expect(&b, losing_two);
    const struct seen *down = bench_event(&b, DOWN, 0);
    assert_int_equal(down->code, NOEX_ELOST);
    assert_non_null(strstr(down->text, "has made a new connection"));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(bench_event(&b, M_DOWN, i)->origin, NOEX_ORIGIN_LOCAL);
        assert_int_equal(bench_event(&b, M_DOWN, i)->reason, NOEX_REASON_NOCONNECTION);
    }
    assert_int_equal(older->fd, -1); /* told by the end of it */
    assert_int_equal(stats().connections, 1);
    bench_monitor_name(&b, 0, "one", NULL);
    bench_until(&b, M_UP, 3);
    bench_close(&b);
}

static void with_a_policy_to_keep_it_no_attempt_is_made_for_it(void **state)
{
    (void)state;
    char address[300];
    open_watching();
    fake_beam_address(&b.beam[0], address, sizeof address);
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    b.beam[0].gone = true;
    dial_and_be_up(0);
    bench_for(&b, 60);
    bench_expect(&b, losing_two); /* no RECONNECT */
    assert_int_equal(b.beam[0].conns, 2);
    bench_close(&b);
}

/* A second connection, of which the next message waits to be read by the node; `said` were read.
 * What is done to the older one now comes to be seen later. */
static struct fake_conn *dial_and_say(unsigned said)
{
    struct fake_conn *older = fake_beam_conn(&b.beam[0]);
    b.beam[0].say_max = 1 + said;
    dial(0);
    bench_for(&b, 20);
    b.beam[0].say_max = 0;
    fake_beam_step(&b.beam[0]);
    return older;
}

/* What the peer said before it lost the connection was said: whether it came before the new
 * connection's name or before its digest. */
static void what_waits_to_be_read_of_the_older_connection_is_read_first(void **state)
{
    (void)state;
    for (unsigned said = 0; said < 3; said++) {
        open_watching();
        b.beam[0].gone = true;
        dial_and_say(said);
        b.beam[0].conns--; /* back to the older one */
        assert_int_equal(fake_beam_die(&b.beam[0], "one", boom, FAKE_PAYLOAD), 1);
        while (nx_conn_out(fake_beam_conn(&b.beam[0])->conn).len)
            fake_beam_step(&b.beam[0]);
        b.beam[0].conns++;
        bench_until(&b, UP, 2);
        bench_expect(&b, losing_two);
        assert_int_equal(bench_event(&b, M_DOWN, 0)->origin, NOEX_ORIGIN_PEER);
        assert_int_equal(bench_event(&b, M_DOWN, 0)->term_len, boom.len);
        assert_int_equal(bench_event(&b, M_DOWN, 1)->origin, NOEX_ORIGIN_LOCAL);
        bench_close(&b);
    }
}

/* The peer need not be asked for its older connection: that is over. (libei cannot answer
 * `alive`.) */
static void a_node_that_has_closed_is_not_asked_about_its_older_connection(void **state)
{
    (void)state;
    open_watching();
    b.beam[0].gone = false; /* its answer would be "false" */
    fake_conn_close(dial_and_say(0), false);
    bench_until(&b, UP, 2);
    bench_expect(&b, losing_two);
    assert_int_equal(bench_event(&b, DOWN, 0)->code, NOEX_ECLOSED);
    bench_close(&b);
}

static void alive_and_false_leave_the_older_connection_alone(void **state)
{
    (void)state;
    open_watching();
    dial(0);
    bench_until_true(&b, is_refused);
    bench_for(&b, 10);
    assert_true(was_logged("beam@127.0.0.1", "keeps that connection"));
    assert_int_equal(fake_beam_conn(&b.beam[0])->err.code, NOEX_ENAMECLASH);
    fake_beam_die(&b.beam[0], "one", boom, FAKE_PAYLOAD);
    b.beam[0].conns--; /* the one before */
    EXPECT_EVENTS(&b, UP, M_UP, M_UP);
    bench_close(&b);
}

/* Whoever knows a name could end its connection otherwise. */
static void a_wrong_cookie_leaves_the_older_connection_alone(void **state)
{
    (void)state;
    open_watching();
    bench_beam(&b, &(struct fake_beam_opts){.name = "beam@127.0.0.1", .cookie = "guessed"});
    b.beam[1].gone = true;
    for (unsigned i = 1; i <= 3; i++) {
        dial(1);
        while (stats().refused < i)
            bench_step(&b);
    }
    bench_for(&b, 10);
    fake_beam_die(&b.beam[0], "one", boom, FAKE_PAYLOAD);
    bench_until(&b, M_DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_UP, M_DOWN);
    assert_int_equal(bench_event(&b, M_DOWN, 0)->origin, NOEX_ORIGIN_PEER);
    bench_close(&b);
}

/* Two handshakes with one name under way, the older one done first or last: the one that was begun
 * last is the one that counts. */
static void of_two_good_connections_the_later_one_counts(void **state)
{
    (void)state;
    for (int older_first = 0; older_first < 2; older_first++) {
        init();
        open_node();
        beam_named("beam@127.0.0.1");
        beam_named("beam@127.0.0.1");
        b.beam[0].say_max = b.beam[1].say_max = 2; /* each its name */
        struct fake_conn *older = dial(0);
        bench_for(&b, 10);
        struct fake_conn *later = dial(1);
        bench_for(&b, 10);
        b.beam[!older_first].say_max = 0;
        bench_until(&b, UP, 1);
        b.beam[older_first].say_max = 0;
        if (older_first) {
            bench_until(&b, UP, 2);
            EXPECT_EVENTS(&b, UP, DOWN, UP);
        } else {
            bench_until_true(&b, is_refused);
            assert_true(was_logged("beam@127.0.0.1", "it has connected anew meanwhile"));
            EXPECT_EVENTS(&b, UP);
        }
        bench_for(&b, 10);
        assert_int_equal(older->fd, -1);
        assert_true(later->fd >= 0 && later->up);
        assert_int_equal(stats().connections, 1);
        bench_close(&b);
    }
}

/* Three at once that all were asked whether an older connection is gone. */
static void of_those_that_said_true_the_last_one_counts(void **state)
{
    (void)state;
    init();
    open_node();
    for (int i = 0; i < 3; i++)
        beam_named("beam@127.0.0.1")->gone = true;
    dial_and_be_up(0);
    b.beam[1].say_max = b.beam[2].say_max = 3; /* name and "true" */
    dial(1);
    bench_for(&b, 10);
    dial(2);
    bench_for(&b, 10);
    b.beam[2].say_max = 0;
    bench_until(&b, UP, 2);
    b.beam[1].say_max = 0;
    bench_until_true(&b, is_refused);
    bench_for(&b, 10);
    EXPECT_EVENTS(&b, UP, DOWN, UP);
    assert_true(fake_beam_is_up(&b.beam[2]));
    bench_close(&b);
}

/* ---- an attempt of ours meets one of the peer's ---- */

static const char *address(unsigned i)
{
    static char text[300];
    fake_beam_address(&b.beam[i], text, sizeof text);
    return text;
}

static void connect_to(unsigned i)
{
    assert_int_equal(noex_connect(b.node, address(i), NOEX_CONNECT_ONCE), 0);
}

static enum nx_peer_state state_of_first(void)
{
    return b.node->peers.list[0]->state;
}

/* The fake leaves our connection unanswered, and dials itself. `mine`: ours. */
static void open_crossing(const char *name)
{
    init();
    open_node();
    beam_named(name)->no_accept = true;
    bench_monitor_name(&b, 0, "srv", NULL); /* on demand: it waits for the connection */
    fake_beam_spawn(&b.beam[0], "srv");
    while (state_of_first() != NX_PEER_CONN)
        bench_step(&b);
    bench_for(&b, 5);
}

static void of_two_that_cross_the_larger_names_goes_on(void **state)
{
    (void)state;
    open_crossing(SMALLER); /* ours */
    dial(0);
    bench_until_true(&b, is_refused);
    bench_for(&b, 5);
    assert_int_equal(fake_beam_conn(&b.beam[0])->err.code, NOEX_ESIMULTANEOUS); /* nok */
    assert_true(was_logged(SMALLER, "our own attempt to connect to it goes on"));
    b.beam[0].no_accept = false;
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, UP, M_UP);
    assert_int_equal(stats().accepted, 0);
    bench_close(&b);
    open_crossing(LARGER); /* its own */
    dial(0);
    bench_until(&b, M_UP, 1);
    bench_for(&b, 10);
    EXPECT_EVENTS(&b, UP, M_UP);
    assert_int_equal(stats().accepted, 1);
    b.beam[0].no_accept = false; /* ours was given up: it is closed before it said its name */
    bench_for(&b, 10);
    assert_int_equal(fake_beam_conn(&b.beam[0])->fd, -1);
    EXPECT_EVENTS(&b, UP, M_UP);
    bench_close(&b);
}

/* A name alone, without the cookie, does not end an attempt. */
static void ours_goes_on_until_the_peer_has_proved_itself(void **state)
{
    (void)state;
    open_crossing(LARGER);
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .cookie = "guessed"});
    b.beam[1].say_max = 2;
    dial(1);
    bench_for(&b, 20);
    b.beam[0].no_accept = false;
    bench_until(&b, M_UP, 1);
    b.beam[1].say_max = 0;
    bench_until_true(&b, is_refused);
    bench_for(&b, 10);
    EXPECT_EVENTS(&b, UP, M_UP);
    bench_close(&b);
}

/* Before our name is said there is nothing that could cross. */
static void before_our_name_is_said_the_peers_connection_is_waited_for(void **state)
{
    (void)state;
    static const char *const names[] = {SMALLER, LARGER};
    for (int i = 0; i < 4; i++) {
        init();
        open_node();
        beam_named(names[i % 2])->say_max = 2;
        dial(0);
        while (!nx_inbounds_from(&b.node->listener->inbounds, names[i % 2]))
            bench_step(&b);
        if (i < 2) { /* wanted already, when the peer's name comes; or later */
            bench_monitor_name(&b, 0, "srv", NULL);
        } else {
            connect_to(0);
            bench_for(&b, 10);
        }
        fake_beam_spawn(&b.beam[0], "srv");
        bench_for(&b, 30);
        assert_int_equal(state_of_first(), NX_PEER_AWAIT);
        char text[100];
        assert_int_equal(noex_connection(b.node, names[i % 2], text, sizeof text),
                         NOEX_CONNECTION_CONNECTING);
        assert_non_null(strstr(text, "makes to this node"));
        assert_int_equal(b.beam[0].conns, 1);
        b.beam[0].say_max = 0;
        bench_until(&b, UP, 1);
        bench_for(&b, 10);
        assert_int_equal(b.count[UP], 1);
        assert_int_equal(b.count[FAILED], 0);
        assert_int_equal(b.beam[0].conns, 1);
        bench_close(&b);
    }
}

static void what_the_peer_begins_and_does_not_end_delays_an_attempt_only(void **state)
{
    (void)state;
    init();
    b.options.step_ms = STEP_MS;
    open_node();
    beam_named(LARGER)->say_max = 2;
    dial(0);
    while (!nx_inbounds_from(&b.node->listener->inbounds, LARGER))
        bench_step(&b);
    connect_to(0);
    bench_for(&b, 20);
    assert_int_equal(state_of_first(), NX_PEER_AWAIT);
    bench_until_true(&b, is_refused); /* silent for a step */
    b.beam[0].say_max = 0;
    bench_until(&b, UP, 1);
    EXPECT_EVENTS(&b, UP);
    bench_close(&b);
}

/* Again and again, with the name of the peer: not for ever. */
static void whoever_goes_on_beginning_does_not_stop_an_attempt(void **state)
{
    (void)state;
    init();
    b.options.step_ms = STEP_MS;
    open_node();
    beam_named(LARGER);
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .cookie = "guessed"});
    b.beam[1].say_max = 2;
    dial(1);
    while (!nx_inbounds_from(&b.node->listener->inbounds, LARGER))
        bench_step(&b);
    uint64_t start = bench_clock();
    connect_to(0);
    for (uint64_t next = start; !b.count[UP]; bench_step(&b)) {
        assert_true(bench_clock() - start < 5000);
        if (bench_clock() >= next) {
            dial(1);
            next += STEP_MS / 2;
        }
    }
    assert_in_range(bench_clock() - start, 5 * STEP_MS, 5000);
    assert_int_equal(b.count[FAILED], 0);
    bench_close(&b);
}

/* Its epmd, say, does not know it: no matter, it is connecting itself. */
static void an_attempt_that_fails_while_the_peer_connects_is_no_failure(void **state)
{
    (void)state;
    open_crossing(LARGER);
    b.beam[0].say_max = 2;
    struct fake_conn *theirs = dial(0);
    while (!nx_inbounds_from(&b.node->listener->inbounds, LARGER))
        bench_step(&b);
    fake_beam_refuse(&b.beam[0]); /* and with it goes our connection */
    while (state_of_first() != NX_PEER_AWAIT)
        bench_step(&b);
    b.beam[0].say_max = 0;
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, UP, M_UP);
    assert_true(theirs->up);
    bench_close(&b);
}

static void after_nok_the_peers_connection_is_waited_for(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .status = NX_HS_NOK});
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    while (!b.node->peers.count || state_of_first() != NX_PEER_AWAIT)
        bench_step(&b);
    bench_for(&b, 50);
    assert_int_equal(b.beam[0].conns, 1); /* not again at once, as a node without a listener does */
    dial(0);
    bench_until(&b, M_UP, 1);
    EXPECT_EVENTS(&b, UP, M_UP);
    bench_close(&b);
}

/* Not after a whole step: whoever was waited for has come, and gone. */
static void after_nok_the_end_of_the_peers_handshake_ends_the_wait(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .status = NX_HS_NOK});
    connect_to(0);
    while (state_of_first() != NX_PEER_AWAIT)
        bench_step(&b);
    b.beam[0].say_max = 2;
    struct fake_conn *theirs = dial(0);
    while (!nx_inbounds_from(&b.node->listener->inbounds, LARGER))
        bench_step(&b);
    b.beam[0].opts.status = NX_HS_OK;
    b.beam[0].say_max = 0;
    uint64_t start = bench_clock();
    fake_conn_close(theirs, false);
    bench_until(&b, UP, 1);
    assert_in_range(bench_clock() - start, 0, 2000); /* of seven seconds */
    EXPECT_EVENTS(&b, UP);
    assert_int_equal(stats().accepted, 0);
    bench_close(&b);
}

/* It said nok, and does not come: after a step the next attempt, and after some the failure. */
static void after_nok_and_nothing_more_it_is_tried_again_and_then_has_failed(void **state)
{
    (void)state;
    init();
    b.options.step_ms = STEP_MS;
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .status = NX_HS_NOK});
    uint64_t start = bench_clock();
    connect_to(0);
    bench_until(&b, FAILED, 1);
    assert_in_range(bench_clock() - start, 3 * STEP_MS, 3000);
    EXPECT_EVENTS(&b, FAILED);
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_ESIMULTANEOUS);
    assert_int_equal(b.beam[0].conns, 4);
    b.beam[0].opts.status = NX_HS_OK;
    connect_to(0);
    bench_until(&b, UP, 1);
    bench_close(&b);
}

static void an_attempt_that_waits_for_the_peers_may_be_given_up(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .status = NX_HS_NOK});
    bench_monitor_name(&b, 0, "srv", NULL);
    while (!b.node->peers.count || state_of_first() != NX_PEER_AWAIT)
        bench_step(&b);
    assert_int_equal(noex_disconnect(b.node, LARGER), 0);
    bench_until(&b, FAILED, 1);
    EXPECT_EVENTS(&b, M_FAILED, FAILED);
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_EDISCONNECTED);
    bench_close(&b);
}

/* In the wait for the next attempt, and while a turn is waited for. */
static void a_connection_of_the_peers_ends_the_back_off(void **state)
{
    (void)state;
    init();
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 3600000;
    open_node();
    beam_named(LARGER);
    fake_beam_refuse(&b.beam[0]);
    assert_int_equal(noex_connect(b.node, address(0), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, AGAIN, 1);
    dial_and_be_up(0);
    bench_for(&b, 10);
    EXPECT_EVENTS(&b, FAILED, AGAIN, UP);
    assert_int_equal(state_of_first(), NX_PEER_CONN);
    bench_close(&b);
}

/* The peer holds an older connection of ours: it is that one that it means, and we have none. */
static void alive_is_answered_true_where_epmd_holds_our_name(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct fake_epmd epmd;
        fake_epmd_start(&epmd, 0);
        init();
        b.options.no_epmd = !held;
        b.options.epmd_port = epmd.port;
        b.epmd = &epmd;
        open_node();
        bench_beam(&b, &(struct fake_beam_opts){.status = NX_HS_ALIVE});
        connect_to(0);
        bench_until(&b, held ? UP : FAILED, 1);
        if (!held)
            assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_ENAMECLASH);
        bench_close(&b);
        fake_epmd_stop(&epmd);
    }
}

/* ---- names that are given ---- */

static struct fake_beam *visitor(const char *name)
{
    struct fake_beam *v = beam_named(name);
    v->dynamic = true;
    return v;
}

static const struct nx_hs_result *identity(unsigned i)
{
    return nx_conn_peer(fake_beam_conn(&b.beam[i])->conn);
}

static void a_node_that_asks_for_a_name_is_given_one_for_its_host(void **state)
{
    (void)state;
    init();
    open_node();
    visitor("x@127.0.0.1");
    visitor("x@far.example");
    visitor("x@127.0.0.1");
    for (unsigned i = 0; i < 3; i++) {
        dial_and_be_up(i);
        const char *name = identity(i)->self_name;
        assert_string_equal(name, bench_event(&b, UP, i)->node);
        assert_string_equal(strchr(name, '@'), i == 1 ? "@far.example" : "@127.0.0.1");
        assert_int_equal(strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 13);
        assert_true(identity(i)->self_creation >= 4);
    }
    assert_string_not_equal(identity(0)->self_name, identity(2)->self_name);
    assert_int_not_equal(identity(0)->self_creation, identity(2)->self_creation);
    assert_int_equal(b.node->peers.count, 3);
    bench_close(&b);
}

static void a_name_is_given_again_when_its_connection_is_over(void **state)
{
    (void)state;
    char name[256];
    init();
    open_node();
    visitor("x@127.0.0.1");
    visitor("x@127.0.0.1");
    visitor("x@far.example");
    dial_and_be_up(0);
    snprintf(name, sizeof name, "%s", identity(0)->self_name);
    uint32_t creation = identity(0)->self_creation;
    for (uint32_t i = 1; i <= 3; i++) {
        fake_beam_hang_up(&b.beam[0], i % 2);
        bench_until(&b, DOWN, i);
        dial_and_be_up(0);
        assert_string_equal(identity(0)->self_name, name);
        assert_int_equal(identity(0)->self_creation, creation + i);
    }
    dial_and_be_up(1); /* it is in use */
    assert_string_not_equal(identity(1)->self_name, name);
    dial_and_be_up(2);
    fake_beam_hang_up(&b.beam[0], false);
    fake_beam_hang_up(&b.beam[1], false);
    bench_until(&b, DOWN, 5);
    fake_beam_hang_up(&b.beam[2], false);
    bench_until(&b, DOWN, 6);
    dial_and_be_up(2); /* another host has other names */
    assert_string_equal(strchr(identity(2)->self_name, '@'), "@far.example");
    assert_int_equal(b.node->peers.count, 3);
    bench_close(&b);
}

/* Three at a time, a thousand in all. */
static void any_number_of_visitors_takes_the_room_of_those_at_once(void **state)
{
    (void)state;
    enum { ROUNDS = 330 };
    init();
    b.no_keep = true;
    open_node();
    for (int i = 0; i < 3; i++)
        visitor("x@127.0.0.1")->no_record = true;
    size_t live = 0;
    for (size_t round = 1; round <= ROUNDS; round++) {
        for (unsigned i = 0; i < 3; i++)
            dial(i);
        bench_until(&b, UP, 3 * round);
        for (unsigned i = 0; i < 3; i++)
            fake_beam_hang_up(&b.beam[i], false);
        bench_until(&b, DOWN, 3 * round);
        assert_int_equal(b.node->peers.count, 3);
        if (round == 3)
            live = b.alloc.live;
    }
    assert_int_equal(b.alloc.live, live);
    bench_close(&b);
}

/* While the handshake of one is under way nobody else gets the same name; nor does a handshake that
 * comes to nothing cost anything. */
static void a_name_that_is_being_given_is_given_to_nobody_else(void **state)
{
    (void)state;
    char name[256];
    init();
    open_node();
    visitor("x@127.0.0.1");
    visitor("x@127.0.0.1")->say_max = 2;
    visitor("x@127.0.0.1");
    dial_and_be_up(0);
    snprintf(name, sizeof name, "%s", identity(0)->self_name);
    uint32_t creation = identity(0)->self_creation;
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    dial(1);
    while (!nx_inbounds_from(&b.node->listener->inbounds, name))
        bench_step(&b);
    dial_and_be_up(2);
    assert_string_not_equal(identity(2)->self_name, name);
    fake_beam_hang_up(&b.beam[1], false);
    bench_until_true(&b, is_refused);
    dial_and_be_up(0);
    assert_string_equal(identity(0)->self_name, name);
    assert_int_equal(identity(0)->self_creation, creation + 2); /* no creation is used twice */
    assert_int_equal(b.node->peers.count, 2);
    bench_close(&b);
}

static void visitors_without_the_cookie_take_no_room(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = "x@127.0.0.1", .cookie = "guessed"})->dynamic =
        true;
    for (uint64_t i = 1; i <= 20; i++) {
        dial(0);
        while (stats().refused < i)
            bench_step(&b);
    }
    assert_int_equal(b.node->peers.count, 0);
    bench_close(&b);
}

static void a_host_that_no_name_can_have_is_not_allowed(void **state)
{
    (void)state;
    init();
    open_node();
    visitor("x@h:4369");
    dial(0);
    bench_until_true(&b, is_refused);
    bench_for(&b, 10);
    assert_int_equal(fake_beam_conn(&b.beam[0])->err.code, NOEX_ENOTALLOWED);
    bench_close(&b);
}

/* ---- cookies ---- */

static void set_cookie(const char *peer, const char *cookie)
{
    assert_int_equal(noex_set_cookie(b.node, peer, cookie), 0);
}

static void a_node_may_have_a_cookie_of_its_own_in_both_directions(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.name = "beam@127.0.0.1", .cookie = "special"});
    beam_named("other@127.0.0.1");
    set_cookie("beam@127.0.0.1", "special");
    dial_and_be_up(0);
    dial_and_be_up(1);
    for (unsigned i = 0; i < 2; i++)
        fake_beam_hang_up(&b.beam[i], false);
    bench_until(&b, DOWN, 2);
    connect_to(0);
    connect_to(1);
    bench_until(&b, UP, 4);
    set_cookie("beam@127.0.0.1", NULL); /* the node's own again; what is up stays */
    bench_for(&b, 10);
    assert_int_equal(b.count[DOWN], 2);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 3);
    dial(0);
    bench_until_true(&b, is_refused);
    connect_to(0);
    bench_until(&b, FAILED, 1);
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_ECOOKIE);
    set_cookie("beam@127.0.0.1", "wrong");
    set_cookie("beam@127.0.0.1", "special");
    dial_and_be_up(0);
    bench_close(&b);
}

/* Set between the name and the digest: the newest counts. */
static void a_cookie_may_be_set_while_a_handshake_is_under_way(void **state)
{
    (void)state;
    for (int dialled = 0; dialled < 2; dialled++) {
        init();
        open_node();
        bench_beam(&b, &(struct fake_beam_opts){.name = LARGER, .cookie = "special"});
        set_cookie(LARGER, "too old");
        b.beam[0].say_max = 2;
        if (dialled)
            connect_to(0);
        else
            dial(0);
        bench_for(&b, 20);
        set_cookie(LARGER, "special");
        b.beam[0].say_max = 0;
        bench_until(&b, UP, 1);
        bench_close(&b);
    }
}

static void the_nodes_own_cookie_may_be_set_by_its_own_name(void **state)
{
    (void)state;
    init();
    open_node();
    bench_beam(&b, &(struct fake_beam_opts){.cookie = "new one"});
    set_cookie(SELF, "new one");
    dial_and_be_up(0);
    assert_int_equal(noex_set_cookie(b.node, SELF, NULL), NOEX_EINVALID);
    assert_int_equal(noex_set_cookie(b.node, SELF, ""), NOEX_EINVALID);
    bench_close(&b);
}

static void what_is_no_cookie_and_no_node_is_refused(void **state)
{
    (void)state;
    char longest[258] = "";
    memset(longest, 'c', sizeof longest - 1);
    open_default();
    assert_int_equal(noex_set_cookie(NULL, "a@h", "c"), NOEX_EINVALID);
    assert_int_equal(noex_set_cookie(b.node, "nobody", "c"), NOEX_ENODENAME);
    assert_int_equal(noex_set_cookie(b.node, NULL, "c"), NOEX_ENODENAME);
    assert_int_equal(noex_set_cookie(b.node, "a@h", "c\n"), NOEX_ECOOKIE_FORM);
    assert_int_equal(noex_set_cookie(b.node, "a@h", ""), NOEX_ECOOKIE_FORM);
    assert_int_equal(noex_set_cookie(b.node, "a@h", longest), NOEX_ECOOKIE_FORM);
    assert_int_equal(noex_set_cookie(b.node, SELF, longest), NOEX_ECOOKIE_FORM);
    assert_int_equal(b.node->peers.count, 0);
    longest[255] = '\0';
    set_cookie("a@h", longest);
    for (size_t k = 1; k <= 4; k++) {
        b.alloc.fail_at = b.alloc.calls + k;
        int rc = noex_set_cookie(b.node, k < 4 ? "b@h" : "a@h", "c");
        assert_int_equal(rc, b.alloc.fail_at <= b.alloc.calls ? NOEX_ENOMEM : 0);
        assert_int_equal(noex_node_error(b.node)->code, rc);
    }
    b.alloc.fail_at = 0;
    bench_close(&b);
}

/* ---- visible ---- */

static void a_visible_node_says_so_and_a_hidden_one_does_not(void **state)
{
    (void)state;
    for (int visible = 0; visible < 2; visible++) {
        init();
        b.options.visible = visible;
        open_node();
        bench_beam(&b, &(struct fake_beam_opts){.flags = NX_DFLAGS_OURS | NX_DFLAG_PUBLISHED});
        bench_beam(&b, &(struct fake_beam_opts){.name = "other@127.0.0.1",
                                                .flags = NX_DFLAGS_OURS | NX_DFLAG_PUBLISHED});
        visitor("x@127.0.0.1")->opts.flags |= NX_DFLAG_PUBLISHED;
        dial_and_be_up(0);
        connect_to(1);
        bench_until(&b, UP, 2);
        assert_int_equal(identity(0)->flags & NX_DFLAG_PUBLISHED, visible);
        assert_int_equal(identity(1)->flags & NX_DFLAG_PUBLISHED, visible);
        dial_and_be_up(2); /* never, with a name that was given: protocol.md 2.7 */
        assert_int_equal(identity(2)->flags & NX_DFLAG_PUBLISHED, 0);
        bench_close(&b);
    }
}

int main(void)
{
    enum { TABLES = REFUSALS + SILENCES + NOISES, OTHERS = 50 };
    struct CMUnitTest tests[TABLES + OTHERS] = {0};
    size_t n = 0;
#define ROW(function, row)                                                                         \
    (struct CMUnitTest)                                                                            \
    {                                                                                              \
        (row).name, function, NULL, NULL, (void *)(uintptr_t) & (row)                              \
    }
#define TEST(name) tests[n++] = (struct CMUnitTest)cmocka_unit_test(name)
    for (size_t i = 0; i < REFUSALS; i++)
        tests[n++] = ROW(somebody_is_refused, refusals[i]);
    for (size_t i = 0; i < SILENCES; i++)
        tests[n++] = ROW(somebody_falls_silent, silences[i]);
    for (size_t i = 0; i < NOISES; i++)
        tests[n++] = ROW(somebody_is_no_node, noises[i]);
    TEST(a_node_that_dials_is_up_like_one_that_is_dialled);
    TEST(a_monitor_by_the_peer_is_answered);
    TEST(ticks_go_both_ways_on_it);
    TEST(it_is_kept_and_disconnected_as_one_that_was_dialled);
    TEST(a_connection_of_a_node_that_listens_only_stays_lost);
    TEST(who_trickles_has_one_step_too);
    TEST(who_connects_and_closes_is_counted_and_not_logged);
    TEST(beyond_the_limit_the_one_that_is_silent_longest_goes);
    TEST(a_step_makes_a_handshake_young_again);
    TEST(a_thousand_half_open_handshakes_hurt_nobody);
    TEST(alive_and_true_replace_the_older_connection_after_all_its_events);
    TEST(with_a_policy_to_keep_it_no_attempt_is_made_for_it);
    TEST(what_waits_to_be_read_of_the_older_connection_is_read_first);
    TEST(a_node_that_has_closed_is_not_asked_about_its_older_connection);
    TEST(alive_and_false_leave_the_older_connection_alone);
    TEST(a_wrong_cookie_leaves_the_older_connection_alone);
    TEST(of_two_good_connections_the_later_one_counts);
    TEST(of_those_that_said_true_the_last_one_counts);
    TEST(of_two_that_cross_the_larger_names_goes_on);
    TEST(ours_goes_on_until_the_peer_has_proved_itself);
    TEST(before_our_name_is_said_the_peers_connection_is_waited_for);
    TEST(what_the_peer_begins_and_does_not_end_delays_an_attempt_only);
    TEST(whoever_goes_on_beginning_does_not_stop_an_attempt);
    TEST(an_attempt_that_fails_while_the_peer_connects_is_no_failure);
    TEST(after_nok_the_peers_connection_is_waited_for);
    TEST(after_nok_the_end_of_the_peers_handshake_ends_the_wait);
    TEST(after_nok_and_nothing_more_it_is_tried_again_and_then_has_failed);
    TEST(an_attempt_that_waits_for_the_peers_may_be_given_up);
    TEST(a_connection_of_the_peers_ends_the_back_off);
    TEST(alive_is_answered_true_where_epmd_holds_our_name);
    TEST(a_node_that_asks_for_a_name_is_given_one_for_its_host);
    TEST(a_name_is_given_again_when_its_connection_is_over);
    TEST(any_number_of_visitors_takes_the_room_of_those_at_once);
    TEST(a_name_that_is_being_given_is_given_to_nobody_else);
    TEST(visitors_without_the_cookie_take_no_room);
    TEST(a_host_that_no_name_can_have_is_not_allowed);
    TEST(a_node_may_have_a_cookie_of_its_own_in_both_directions);
    TEST(a_cookie_may_be_set_while_a_handshake_is_under_way);
    TEST(the_nodes_own_cookie_may_be_set_by_its_own_name);
    TEST(what_is_no_cookie_and_no_node_is_refused);
    TEST(a_visible_node_says_so_and_a_hidden_one_does_not);
    return _cmocka_run_group_tests("inbound", tests, n, NULL, NULL);
}
