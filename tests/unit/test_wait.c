/* SPDX-License-Identifier: Apache-2.0 */
#include "beam_thread.h"
#include "handshake/dflags.h"
#include "node_bench.h"

#include <signal.h>
#include <sys/time.h>

/* A busy machine may be late by this much; never early. */
enum { LATE_MS = 5000, LONG_MS = 20000 };

static struct bench b;
static struct beam_thread fakes;

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};

static char address[300];
static const struct noex_event stale; /* which a wait that gives none must not leave there */

/* A node whose fake runs by itself. */
static void open_both(bool pull, const struct fake_beam_opts *opts)
{
    b.pull = pull;
    bench_open(&b);
    bench_beam(&b, opts);
    fake_beam_address(&b.beam[0], address, sizeof address);
    beam_thread_start(&fakes, &b);
}

static void open_pull(void)
{
    bench_init(&b);
    open_both(true, NULL);
}

static void open_callback(void)
{
    bench_init(&b);
    open_both(false, NULL);
}

static void close_both(void)
{
    beam_thread_stop(&fakes);
    bench_close(&b);
}

static void spawn(const char *name)
{
    pthread_mutex_lock(&fakes.lock);
    fake_beam_spawn(&b.beam[0], name);
    pthread_mutex_unlock(&fakes.lock);
}

static noex_monitor_id monitor(const char *name)
{
    return bench_monitor_name(&b, 0, name, NULL);
}

static const struct noex_event *next(enum noex_event_type type)
{
    const struct noex_event *e = NULL;
    assert_int_equal(noex_wait_event(b.node, LONG_MS, &e), 0);
    assert_non_null(e);
    assert_int_equal(e->type, type);
    assert_int_equal(noex_node_error(b.node)->code, 0);
    return e;
}

static void expect_error(int rc, int code, const char *part)
{
    assert_int_equal(rc, code);
    const struct noex_error *err = noex_node_error(b.node);
    assert_int_equal(err->code, code);
    if (!strstr(err->text, part))
        fail_msg("'%s' is not in '%s'", part, err->text);
}

static void expect_none(void)
{
    const struct noex_event *e = &stale;
    expect_error(noex_wait_event(b.node, 0, &e), NOEX_EWAIT, "not in the time given");
    assert_null(e);
}

/* ---- events ---- */

static void events_are_waited_for_in_their_order(void **state)
{
    (void)state;
    open_pull();
    spawn("srv");
    noex_monitor_id id = monitor("srv");
    assert_string_equal(next(UP)->node, "beam@127.0.0.1");
    assert_true(next(M_UP)->monitor == id);
    pthread_mutex_lock(&fakes.lock);
    assert_int_equal(fake_beam_die(&b.beam[0], "srv", normal, FAKE_FRAGMENTS), 1);
    pthread_mutex_unlock(&fakes.lock);
    const struct noex_event *e = next(M_DOWN);
    assert_int_equal(e->reason, NOEX_REASON_NORMAL);
    assert_string_equal(e->target->name, "srv");
    assert_memory_equal(e->term, normal.ptr, e->term_len); /* borrowed, and there */
    uint64_t before = bench_clock();
    assert_int_equal(noex_wait_event(b.node, 30, &e), NOEX_EWAIT);
    assert_in_range(bench_clock() - before, 29, 29 + LATE_MS);
    assert_null(e);
    close_both();
}

static void with_timeout_0_only_what_is_there_already_is_taken(void **state)
{
    (void)state;
    open_pull();
    expect_none();
    monitor("absent");
    uint64_t end = bench_clock() + LONG_MS;
    while (bench_monitor_stats(&b).downs_received == 0 && bench_clock() < end)
        assert_int_equal(noex_node_process(b.node, 1), 0);
    const enum noex_event_type types[] = {UP, M_UP, M_DOWN};
    for (int i = 0; i < 3; i++) {
        const struct noex_event *e;
        assert_int_equal(noex_wait_event(b.node, 0, &e), 0);
        assert_int_equal(e->type, types[i]);
    }
    expect_none();
    close_both();
}

static void hang_up(struct bench *bench)
{
    fake_beam_hang_up(&bench->beam[0], false);
}

static void an_event_is_waited_for_without_limit(void **state)
{
    (void)state;
    open_pull();
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_ONCE), 0);
    next(UP);
    beam_thread_later(&fakes, 50, hang_up);
    const struct noex_event *e;
    assert_int_equal(noex_wait_event(b.node, UINT64_MAX, &e), 0);
    assert_int_equal(e->type, DOWN);
    assert_int_equal(e->error->code, NOEX_ECLOSED);
    close_both();
}

static void events_are_not_waited_for_where_they_go_to_a_callback(void **state)
{
    (void)state;
    open_callback();
    const struct noex_event *e = &stale;
    expect_error(noex_wait_event(b.node, LONG_MS, &e), NOEX_ESTATE, "on_event");
    assert_null(e);
    close_both();
}

/* ---- interruptions ---- */

static void *wake_later(void *node)
{
    const struct timespec pause = {0, 30000000};
    nanosleep(&pause, NULL);
    noex_node_wakeup(node);
    return NULL;
}

/* Each function that waits, for something that does not come. */
static int wait_for_nothing(int which, noex_monitor_id id, uint64_t timeout_ms)
{
    const struct noex_event *e;
    switch (which) {
    case 0:
        return noex_wait_event(b.node, timeout_ms, &e);
    case 1:
        return noex_wait_node_up(b.node, address, timeout_ms);
    default:
        return noex_wait_monitor_up(b.node, id, timeout_ms);
    }
}

/* A node that connects to a fake which never answers. */
static noex_monitor_id open_silent(void)
{
    noex_monitor_id id;
    open_pull();
    pthread_mutex_lock(&fakes.lock);
    b.beam[0].no_accept = true;
    pthread_mutex_unlock(&fakes.lock);
    id = monitor("srv");
    return id;
}

static void a_wakeup_from_another_thread_interrupts_each_wait(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        pthread_t thread;
        noex_monitor_id id = open_silent();
        uint64_t before = bench_clock();
        assert_int_equal(pthread_create(&thread, NULL, wake_later, b.node), 0);
        expect_error(wait_for_nothing(which, id, LONG_MS), NOEX_EINTERRUPTED, "wakeup");
        assert_in_range(bench_clock() - before, 29, 29 + LATE_MS);
        pthread_join(thread, NULL);
        expect_error(wait_for_nothing(which, id, 1), NOEX_EWAIT, ""); /* once */
        close_both();
    }
}

static void on_signal(int number)
{
    (void)number;
    noex_node_wakeup(b.node);
}

static void a_wakeup_from_a_signal_handler_interrupts_each_wait(void **state)
{
    (void)state;
    struct sigaction act = {.sa_handler = on_signal}, before;
    struct itimerval soon = {{0, 0}, {0, 20000}};
    assert_int_equal(sigaction(SIGALRM, &act, &before), 0);
    for (int which = 0; which < 3; which++) {
        noex_monitor_id id = open_silent();
        assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
        expect_error(wait_for_nothing(which, id, UINT64_MAX), NOEX_EINTERRUPTED, "wakeup");
        close_both();
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void a_wakeup_before_a_wait_is_not_lost(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        noex_monitor_id id = open_silent();
        noex_node_wakeup(b.node);
        noex_node_wakeup(b.node);
        expect_error(wait_for_nothing(which, id, LONG_MS), NOEX_EINTERRUPTED, "wakeup");
        expect_error(wait_for_nothing(which, id, 1), NOEX_EWAIT, "");
        noex_node_wakeup(b.node); /* a process that returns has told it */
        assert_int_equal(noex_node_process(b.node, 0), 0);
        expect_error(wait_for_nothing(which, id, 1), NOEX_EWAIT, "");
        close_both();
    }
}

static void wake_on_up(struct bench *bench, const struct noex_event *e)
{
    if (e->type == UP)
        noex_node_wakeup(bench->node);
}

/* The result that is there counts; the wakeup is told by the next wait. */
static void a_wakeup_that_comes_with_the_result_takes_nothing_from_it(void **state)
{
    (void)state;
    open_callback();
    b.in_event = wake_on_up;
    assert_int_equal(noex_wait_node_up(b.node, address, LONG_MS), 0);
    noex_monitor_id id = monitor("absent");
    expect_error(noex_wait_monitor_up(b.node, id, LONG_MS), NOEX_EINTERRUPTED, "wakeup");
    assert_int_equal(noex_wait_monitor_up(b.node, id, LONG_MS), 0);
    close_both();
}

/* ---- nodes ---- */

static void a_node_that_is_up_is_waited_for_once(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        open_both(pull, NULL);
        expect_error(noex_wait_node_up(b.node, address, 0), NOEX_EWAIT, "beam@127.0.0.1");
        assert_int_equal(noex_wait_node_up(b.node, address, LONG_MS), 0); /* the same attempt */
        assert_int_equal(noex_node_error(b.node)->code, 0);
        assert_int_equal(noex_connection(b.node, address, NULL, 0), NOEX_CONNECTION_UP);
        assert_int_equal(noex_wait_node_up(b.node, address, 0), 0);
        if (pull)
            next(UP);
        else
            EXPECT_EVENTS(&b, UP);
        assert_int_equal(b.beam[0].conns, 1);
        close_both();
    }
}

static void refuse(void)
{
    pthread_mutex_lock(&fakes.lock);
    fake_beam_refuse(&b.beam[0]);
    pthread_mutex_unlock(&fakes.lock);
}

static void a_node_that_refuses_ends_the_wait_with_its_error(void **state)
{
    (void)state;
    open_pull();
    refuse();
    for (int i = 0; i < 2; i++) {
        expect_error(noex_wait_node_up(b.node, address, LONG_MS), NOEX_ECONNREFUSED, "127.0.0.1");
        const struct noex_event *e = next(FAILED); /* which is told as ever */
        assert_int_equal(e->error->code, NOEX_ECONNREFUSED);
        expect_none();
    }
    close_both();
}

static void a_node_of_another_cookie_ends_the_wait_with_its_error(void **state)
{
    (void)state;
    bench_init(&b);
    open_both(false, &(struct fake_beam_opts){.cookie = "another"});
    expect_error(noex_wait_node_up(b.node, address, LONG_MS), NOEX_ECOOKIE, "cookie");
    EXPECT_EVENTS(&b, FAILED);
    close_both();
}

static void listen_again(struct bench *bench)
{
    fake_beam_listen(&bench->beam[0]);
}

static void with_keep_attempts_that_fail_are_waited_out(void **state)
{
    (void)state;
    open_callback();
    refuse();
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    beam_thread_later(&fakes, 60, listen_again);
    assert_int_equal(noex_wait_node_up(b.node, address, LONG_MS), 0);
    assert_true(b.count[FAILED] > 0 && b.count[UP] == 1);
    close_both();
}

/* Whether an attempt is under way at that moment or the next is waited for. */
static void with_keep_the_time_that_is_over_is_told_as_such(void **state)
{
    (void)state;
    open_callback();
    refuse();
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    for (uint64_t ms = 1; ms < 30; ms++)
        expect_error(noex_wait_node_up(b.node, address, ms), NOEX_EWAIT, "not connected in time");
    expect_error(noex_wait_node_up(b.node, address, 200), NOEX_EWAIT, "not connected in time");
    close_both();
}

static void the_time_that_is_over_tells_what_is_awaited(void **state)
{
    (void)state;
    bench_init(&b);
    bench_beam(&b, NULL); /* a listener that accepts nobody: an epmd that is silent */
    b.beam[0].no_accept = true;
    b.options.epmd_port = b.beam[0].port;
    b.options.step_ms = 300;
    b.pull = true;
    bench_open(&b);
    beam_thread_start(&fakes, &b);
    expect_error(noex_wait_node_up(b.node, "x@127.0.0.1", 20), NOEX_EWAIT, "epmd on 127.0.0.1");
    expect_error(noex_wait_node_up(b.node, "x@127.0.0.1", LONG_MS), NOEX_EEPMDTIMEOUT, "epmd");
    assert_int_equal(next(FAILED)->error->code, NOEX_EEPMDTIMEOUT);
    expect_none();
    close_both();
}

static void what_is_no_peer_is_not_waited_for(void **state)
{
    (void)state;
    open_pull();
    expect_error(noex_wait_node_up(b.node, "x", LONG_MS), NOEX_ENODENAME, "'x'");
    expect_error(noex_wait_node_up(b.node, NULL, LONG_MS), NOEX_ENODENAME, "'@'");
    expect_error(noex_wait_node_up(b.node, "mon@127.0.0.1", LONG_MS), NOEX_EINVALID, "own name");
    b.alloc.fail_at = b.alloc.calls + 1;
    expect_error(noex_wait_node_up(b.node, address, LONG_MS), NOEX_ENOMEM, "memory");
    close_both();
}

static void disconnect(struct bench *bench, const struct noex_event *e)
{
    if (e->type == AGAIN || e->type == UP)
        assert_int_equal(noex_disconnect(bench->node, address), 0);
}

static void a_callback_that_disconnects_ends_the_wait(void **state)
{
    (void)state;
    open_callback();
    b.in_event = disconnect;
    expect_error(noex_wait_node_up(b.node, address, LONG_MS), NOEX_EDISCONNECTED, "disconnected");
    EXPECT_EVENTS(&b, UP, DOWN);
    refuse();
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    expect_error(noex_wait_node_up(b.node, address, LONG_MS), NOEX_ECONNREFUSED, "refused");
    EXPECT_EVENTS(&b, UP, DOWN, FAILED, AGAIN);
    close_both();
}

/* ---- monitors ---- */

static void a_monitor_is_waited_for_and_no_event_is_lost_or_doubled(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        open_both(pull, NULL);
        spawn("srv");
        noex_monitor_id alive = monitor("srv"), absent = monitor("absent");
        assert_int_equal(noex_wait_monitor_up(b.node, absent, LONG_MS), 0); /* and has ended */
        assert_int_equal(noex_node_error(b.node)->code, 0);
        assert_int_equal(noex_wait_monitor_up(b.node, alive, LONG_MS), 0);
        assert_int_equal(noex_wait_monitor_up(b.node, alive, 0), 0);
        if (pull) {
            next(UP);
            assert_true(next(M_UP)->monitor == absent);
            assert_true(next(M_DOWN)->monitor == absent); /* before the barrier came back */
            assert_true(next(M_UP)->monitor == alive);
            expect_none();
        } else {
            EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, M_UP);
        }
        expect_error(noex_wait_monitor_up(b.node, absent, 0), NOEX_EINVALID, "ended");
        assert_int_equal(noex_wait_monitor_up(b.node, alive, 0), 0);
        close_both();
    }
}

static void a_monitor_that_failed_ends_the_wait_with_its_error(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        open_both(pull, NULL);
        refuse();
        noex_monitor_id first = monitor("srv"), second = monitor("srv");
        expect_error(noex_wait_monitor_up(b.node, first, LONG_MS), NOEX_ECONNREFUSED, "refused");
        if (pull) {
            expect_error(noex_wait_monitor_up(b.node, second, 0), NOEX_ECONNREFUSED, "refused");
            assert_true(next(M_FAILED)->monitor == first);
            assert_true(next(M_FAILED)->monitor == second);
            assert_int_equal(next(FAILED)->error->code, NOEX_ECONNREFUSED);
            expect_none();
        } else {
            EXPECT_EVENTS(&b, M_FAILED, M_FAILED, FAILED);
        }
        expect_error(noex_wait_monitor_up(b.node, second, 0), NOEX_EINVALID, "ended");
        close_both();
    }
}

static void a_monitor_whose_time_is_over_ends_the_wait_with_that(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        b.options.setup_timeout_ms = 50;
        open_both(pull, NULL);
        pthread_mutex_lock(&fakes.lock);
        b.beam[0].no_accept = true;
        pthread_mutex_unlock(&fakes.lock);
        noex_monitor_id id = monitor("srv");
        expect_error(noex_wait_monitor_up(b.node, id, 5), NOEX_EWAIT, "");
        expect_error(noex_wait_monitor_up(b.node, id, LONG_MS), NOEX_ESETUPTIMEOUT, "timed out");
        assert_true(pull ? next(M_FAILED)->monitor == id : b.count[M_FAILED] == 1);
        close_both();
    }
}

static void a_peer_without_monitors_ends_the_wait_with_its_error(void **state)
{
    (void)state;
    bench_init(&b);
    open_both(true, &(struct fake_beam_opts){.flags = NX_DFLAGS_OURS & ~NX_DFLAGS_MONITOR,
                                             .required = 4});
    noex_monitor_id id = monitor("srv");
    expect_error(noex_wait_monitor_up(b.node, id, LONG_MS), NOEX_ENOMONITOR, "not support");
    close_both();
}

static void a_monitor_that_never_was_is_not_waited_for(void **state)
{
    (void)state;
    open_pull();
    const noex_monitor_id ids[] = {0, 1, 12345, UINT64_MAX, UINT64_C(1) << 32 | 1};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        expect_error(noex_wait_monitor_up(b.node, ids[i], LONG_MS), NOEX_EINVALID, "no such");
    close_both();
}

static noex_monitor_id victim;

static void demonitor_victim(struct bench *bench, const struct noex_event *e)
{
    if (e->type == UP)
        assert_int_equal(noex_demonitor(bench->node, victim), 0);
}

static void a_monitor_that_a_callback_ends_meanwhile_ends_the_wait(void **state)
{
    (void)state;
    open_callback();
    b.in_event = demonitor_victim;
    victim = monitor("absent");
    expect_error(noex_wait_monitor_up(b.node, victim, LONG_MS), NOEX_EINVALID, "no such");
    EXPECT_EVENTS(&b, UP);
    close_both();
}

static void demonitor_at_up(struct bench *bench, const struct noex_event *e)
{
    if (e->type == M_UP)
        assert_int_equal(noex_demonitor(bench->node, e->monitor), 0);
}

static void a_monitor_that_its_own_callback_ends_was_established(void **state)
{
    (void)state;
    open_callback();
    b.in_event = demonitor_at_up;
    noex_monitor_id id = monitor("absent");
    assert_int_equal(noex_wait_monitor_up(b.node, id, LONG_MS), 0);
    EXPECT_EVENTS(&b, UP, M_UP);
    close_both();
}

static size_t pulled;

static void pull_all(void *user)
{
    (void)user;
    while (noex_node_next_event(b.node))
        pulled++;
}

/* Inside a wait on_ready, or what is posted, may pull the events of what is waited for. */
static void events_pulled_inside_a_wait_do_not_hide_how_it_came_out(void **state)
{
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        bench_init(&b);
        b.options.on_ready = pull_all;
        open_both(true, NULL);
        if (refused)
            refuse();
        pulled = 0;
        noex_monitor_id id = monitor("absent");
        int rc = noex_wait_monitor_up(b.node, id, LONG_MS);
        if (refused)
            expect_error(rc, NOEX_ECONNREFUSED, "refused");
        else
            assert_int_equal(rc, 0);
        assert_int_equal(noex_node_process(b.node, 0), 0);
        assert_int_equal(pulled, refused ? 2 : 3);
        close_both();
    }
}

/* ---- waiting itself ---- */

static size_t turns;

static void count_turn(void *user)
{
    (void)user;
    turns++;
}

/* Each turn with events that wait calls on_ready. */
static void a_wait_sleeps_though_events_wait_that_nobody_pulls(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.on_ready = count_turn;
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 100;
    open_both(true, NULL);
    refuse();
    turns = 0;
    assert_int_equal(noex_connect(b.node, address, NOEX_CONNECT_KEEP), 0);
    expect_error(noex_wait_node_up(b.node, address, 300), NOEX_EWAIT, "not connected");
    assert_in_range(turns, 1, 60);
    next(FAILED);
    close_both();
}

static int refused[3];

static void wait_inside_a_callback(void)
{
    const struct noex_event *e = &stale;
    refused[0] = noex_wait_event(b.node, LONG_MS, &e);
    assert_null(e);
    refused[1] = noex_wait_node_up(b.node, address, LONG_MS);
    refused[2] = noex_wait_monitor_up(b.node, 1, LONG_MS);
    assert_int_equal(noex_node_error(b.node)->code, NOEX_EREENTRANT);
}

static void wait_in_event(struct bench *bench, const struct noex_event *e)
{
    (void)bench, (void)e;
    wait_inside_a_callback();
}

static void wait_in_ready(void *user)
{
    (void)user;
    wait_inside_a_callback();
}

static void driving_helpers_are_refused_in_callbacks(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        bench_init(&b);
        b.options.on_ready = wait_in_ready;
        open_both(pull, NULL);
        b.in_event = wait_in_event;
        memset(refused, 0, sizeof refused);
        assert_int_equal(noex_wait_node_up(b.node, address, LONG_MS), 0);
        assert_int_equal(noex_node_error(b.node)->code, 0); /* those were others' */
        for (int i = 0; i < 3; i++)
            assert_int_equal(refused[i], NOEX_EREENTRANT);
        close_both();
    }
}

static void nothing_is_waited_for_without_a_node(void **state)
{
    (void)state;
    const struct noex_event *e;
    assert_int_equal(noex_wait_event(NULL, LONG_MS, &e), NOEX_EINVALID);
    assert_int_equal(noex_wait_event(NULL, LONG_MS, NULL), NOEX_EINVALID);
    assert_int_equal(noex_wait_node_up(NULL, "x@y", LONG_MS), NOEX_EINVALID);
    assert_int_equal(noex_wait_monitor_up(NULL, 1, LONG_MS), NOEX_EINVALID);
    open_pull();
    expect_error(noex_wait_event(b.node, LONG_MS, NULL), NOEX_EINVALID, "NULL");
    close_both();
}

/* ---- the node goes meanwhile ---- */

static unsigned closed;

static void note_closed(void *user)
{
    assert_ptr_equal(user, &closed);
    assert_int_equal(b.alloc.live, 0);
    closed++;
}

static void close_node(void)
{
    assert_int_equal(closed, 0);
    noex_node_close(b.node, note_closed, &closed);
    noex_node_close(b.node, note_closed, &closed); /* the second is ignored */
    assert_int_equal(closed, 0);
    assert_int_equal(noex_node_error(b.node)->code, 0); /* it is there until all unwinds */
}

static void close_in_event(struct bench *bench, const struct noex_event *e)
{
    if (e->type == (enum noex_event_type)(uintptr_t)bench->arg)
        close_node();
}

static void close_in_ready(void *user)
{
    (void)user;
    if (noex_node_next_event(b.node))
        close_node();
}

static void close_in_post(noex_node *node, void *user)
{
    (void)user;
    if (node)
        close_node();
}

enum way { IN_EVENT, IN_READY, IN_POST, WAYS };

/* The wait ends with NOEX_ESTATE and the node is gone when it returns. */
static void close_inside(enum way way, int which, enum noex_event_type at)
{
    noex_poster *poster;
    bench_init(&b);
    if (way == IN_READY)
        b.options.on_ready = close_in_ready;
    open_both(way != IN_EVENT, NULL);
    b.in_event = way == IN_EVENT ? close_in_event : NULL;
    b.arg = (void *)(uintptr_t)at;
    closed = 0;
    noex_monitor_id id = monitor("absent");
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    if (way == IN_POST)
        assert_int_equal(noex_post(poster, close_in_post, NULL), 0);
    assert_int_equal(wait_for_nothing(which, id, LONG_MS), NOEX_ESTATE);
    assert_int_equal(closed, 1);
    b.node = NULL;
    assert_int_equal(noex_post(poster, close_in_post, NULL), NOEX_ESTATE);
    noex_poster_release(poster);
    close_both();
}

static void driving_a_node_freed_in_a_callback_inside_a_wait_goes_on_unwinding(void **state)
{
    (void)state;
    for (int which = 1; which < 3; which++)
        close_inside(IN_EVENT, which, UP); /* what was waited for has come, or has not */
    close_inside(IN_EVENT, 2, M_UP);
    for (int which = 0; which < 3; which++) {
        close_inside(IN_READY, which, UP);
        close_inside(IN_POST, which, UP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_waited_for_in_their_order),
        cmocka_unit_test(with_timeout_0_only_what_is_there_already_is_taken),
        cmocka_unit_test(an_event_is_waited_for_without_limit),
        cmocka_unit_test(events_are_not_waited_for_where_they_go_to_a_callback),
        cmocka_unit_test(a_wakeup_from_another_thread_interrupts_each_wait),
        cmocka_unit_test(a_wakeup_from_a_signal_handler_interrupts_each_wait),
        cmocka_unit_test(a_wakeup_before_a_wait_is_not_lost),
        cmocka_unit_test(a_wakeup_that_comes_with_the_result_takes_nothing_from_it),
        cmocka_unit_test(a_node_that_is_up_is_waited_for_once),
        cmocka_unit_test(a_node_that_refuses_ends_the_wait_with_its_error),
        cmocka_unit_test(a_node_of_another_cookie_ends_the_wait_with_its_error),
        cmocka_unit_test(with_keep_attempts_that_fail_are_waited_out),
        cmocka_unit_test(with_keep_the_time_that_is_over_is_told_as_such),
        cmocka_unit_test(the_time_that_is_over_tells_what_is_awaited),
        cmocka_unit_test(what_is_no_peer_is_not_waited_for),
        cmocka_unit_test(a_callback_that_disconnects_ends_the_wait),
        cmocka_unit_test(a_monitor_is_waited_for_and_no_event_is_lost_or_doubled),
        cmocka_unit_test(a_monitor_that_failed_ends_the_wait_with_its_error),
        cmocka_unit_test(a_monitor_whose_time_is_over_ends_the_wait_with_that),
        cmocka_unit_test(a_peer_without_monitors_ends_the_wait_with_its_error),
        cmocka_unit_test(a_monitor_that_never_was_is_not_waited_for),
        cmocka_unit_test(a_monitor_that_a_callback_ends_meanwhile_ends_the_wait),
        cmocka_unit_test(a_monitor_that_its_own_callback_ends_was_established),
        cmocka_unit_test(events_pulled_inside_a_wait_do_not_hide_how_it_came_out),
        cmocka_unit_test(a_wait_sleeps_though_events_wait_that_nobody_pulls),
        cmocka_unit_test(driving_helpers_are_refused_in_callbacks),
        cmocka_unit_test(nothing_is_waited_for_without_a_node),
        cmocka_unit_test(driving_a_node_freed_in_a_callback_inside_a_wait_goes_on_unwinding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
