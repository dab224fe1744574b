/* How a program drives a node whose loop is its own: process, or nested in a poll loop of the
 * program's. SPDX-License-Identifier: Apache-2.0 */
#include "hanging_resolver.h"
#include "node_bench.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

/* A busy machine may be late by this much; never early. */
enum { LATE_MS = 2000, LONG_MS = 20000 };

static struct bench b;

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};

static const char *address(void)
{
    static char text[300];
    fake_beam_address(&b.beam[0], text, sizeof text);
    return text;
}

static int open_node(void **state)
{
    (void)state;
    bench_default(&b);
    return 0;
}

static int close_node(void **state)
{
    (void)state;
    bench_close(&b);
    return 0;
}

static void sleep_ms(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&wait, &wait))
        continue;
}

static void process(uint64_t max_wait_ms)
{
    assert_int_equal(noex_node_process(b.node, max_wait_ms), 0);
}

/* ---- process and its time ---- */

static void process_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    uint64_t start = bench_clock();
    process(60);
    assert_in_range(bench_clock() - start, 59, 59 + LATE_MS);
}

static void driving_process_0_never_blocks(void **state)
{
    (void)state;
    uint64_t start = bench_clock();
    for (int i = 0; i < 1000; i++)
        process(0);
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    assert_int_equal(noex_connect(b.node, "x@slow.example", NOEX_CONNECT_KEEP), 0);
    for (int i = 0; i < 1000; i++)
        process(0); /* the fake accepts nobody, the resolver hangs */
    assert_in_range(bench_clock() - start, 0, LATE_MS);
}

static void driving_timeout_ms_counts_down(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.step_ms = 5000;
    bench_open(&b);
    bench_beam(&b, NULL)->no_accept = true;
    assert_int_equal(noex_node_timeout_ms(b.node), -1); /* nothing will ever be due */
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
    assert_int_equal(noex_node_timeout_ms(b.node), 0); /* the attempt is to begin */
    for (int i = 0; i < 5; i++)
        process(1);
    int64_t first = noex_node_timeout_ms(b.node);
    sleep_ms(30);
    int64_t second = noex_node_timeout_ms(b.node);
    assert_in_range(first, 5000 - LATE_MS, 5000);
    assert_in_range(second, 5000 - 2 * LATE_MS, first - 29);
    close_node(state);
}

static size_t readies;

static void count_ready(void *user)
{
    assert_ptr_equal(user, &b);
    assert_int_equal(noex_node_timeout_ms(b.node), 0);
    readies++;
}

static void open_pulling(noex_ready_fn on_ready)
{
    readies = 0;
    bench_init(&b);
    b.pull = true;
    b.options.on_ready = on_ready;
    bench_open(&b);
    bench_beam(&b, NULL);
}

/* Drives both sides until so many DOWNs came in, but leaves the events where they are. */
static void drive_until_downs(uint64_t downs)
{
    uint64_t end = bench_clock() + LONG_MS;
    while (bench_monitor_stats(&b).downs_received < downs) {
        fake_beam_step(&b.beam[0]);
        process(0);
        assert_true(bench_clock() < end);
    }
}

static void driving_timeout_is_0_while_events_wait(void **state)
{
    (void)state;
    open_pulling(NULL);
    bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(1);
    for (int i = 0; i < 3; i++) { /* UP, M_UP, M_DOWN */
        assert_int_equal(noex_node_timeout_ms(b.node), 0);
        uint64_t start = bench_clock();
        process(LONG_MS);
        assert_in_range(bench_clock() - start, 0, LATE_MS);
        assert_non_null(noex_node_next_event(b.node));
    }
    assert_null(noex_node_next_event(b.node));
    assert_true(noex_node_timeout_ms(b.node) > 0);
    close_node(state);
}

static void driving_pull_mode_gets_one_ready_a_turn(void **state)
{
    (void)state;
    open_pulling(count_ready);
    for (int i = 0; i < 10; i++)
        bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(10);
    readies = 0;
    for (size_t turn = 1; turn <= 5; turn++) {
        process(0);
        assert_int_equal(readies, turn);
    }
    while (noex_node_next_event(b.node))
        continue;
    process(1);
    assert_int_equal(readies, 5);
    close_node(state);
}

/* ---- nested in a loop of the program's ---- */

static bool is_readable(void)
{
    struct pollfd p = {.fd = noex_node_fd(b.node), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Turns within so many milliseconds of a poll loop that heeds descriptor and timeout. */
static size_t nested_turns(uint64_t ms)
{
    size_t turns = 0;
    for (uint64_t end = bench_clock() + ms; bench_clock() < end; turns++) {
        struct pollfd p = {.fd = noex_node_fd(b.node), .events = POLLIN};
        int64_t wait = noex_node_timeout_ms(b.node), left = (int64_t)(end - bench_clock());
        assert_true(poll(&p, 1, (int)(wait < 0 || wait > left ? left : wait)) >= 0);
        process(0);
    }
    return turns;
}

static void driving_an_idle_nested_loop_does_not_spin(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.ticktime_ms = 1000; /* a deadline a quarter of it */
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = 10000;
    bench_open(&b);
    bench_beam(&b, NULL);
    assert_in_range(nested_turns(100), 1, 4); /* nothing is due */
    bench_connect(&b, 0);
    assert_in_range(nested_turns(600), 1, 15);
    fake_beam_refuse(&b.beam[0]);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, AGAIN, 1);
    assert_in_range(nested_turns(300), 1, 8); /* in back-off */
    close_node(state);
}

static void expect_woken(void)
{
    for (int i = 0; i < 3; i++)
        assert_true(is_readable());
    while (is_readable()) {
        fake_beam_step(&b.beam[0]);
        process(0);
    }
}

static void ignore_post(noex_node *node, void *user)
{
    (void)node, (void)user;
}

/* Each call that gives the node something to do, made outside process. */
static void driving_io_started_outside_process_wakes_a_nested_epoll(void **state)
{
    (void)state;
    noex_poster *poster;
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    assert_false(is_readable());
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
    expect_woken();
    bench_until(&b, UP, 1);
    bench_settle(&b);
    assert_false(is_readable());
    noex_monitor_id id = bench_monitor_name(&b, 0, "absent", NULL);
    expect_woken();
    bench_settle(&b);
    assert_int_equal(noex_post(poster, ignore_post, NULL), 0);
    expect_woken();
    noex_node_wakeup(b.node);
    expect_woken();
    b.beam[0].all_alive = true;
    id = bench_monitor_name(&b, 0, "srv", NULL);
    bench_settle(&b);
    assert_int_equal(noex_demonitor(b.node, id), 0);
    expect_woken();
    bench_settle(&b);
    assert_int_equal(noex_disconnect(b.node, address()), 0);
    expect_woken();
    bench_until(&b, DOWN, 1);
    noex_poster_release(poster);
}

/* Data from the peer, that nobody reads, keeps it readable. */
static void driving_the_descriptor_is_level_triggered(void **state)
{
    (void)state;
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    bench_settle(&b);
    assert_false(is_readable());
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_PAYLOAD);
    fake_beam_step(&b.beam[0]);
    uint64_t end = bench_clock() + LONG_MS;
    while (!is_readable() && bench_clock() < end)
        continue;
    for (int i = 0; i < 100; i++)
        assert_true(is_readable());
    assert_int_equal(b.count[M_DOWN], 0);
    process(0);
    assert_int_equal(b.count[M_DOWN], 1);
    process(0);
    assert_false(is_readable());
}

/* A life of a connection in which process is called only when the program's epoll says so. */
static void drive_by_epoll(int epoll, bool edge, enum noex_event_type until)
{
    uint64_t end = bench_clock() + LONG_MS;
    while (!b.count[until]) {
        struct epoll_event e;
        int64_t wait = noex_node_timeout_ms(b.node);
        bool moved = fake_beam_step(&b.beam[0]);
        int most = moved ? 0 : wait < 0 || wait > 2 ? 2 : (int)wait;
        int n = epoll_wait(epoll, &e, 1, most);
        assert_true(n >= 0 && bench_clock() < end);
        if (!n && most != wait)
            continue;
        process(0);
        while (edge && is_readable()) /* its user goes on until it is silent */
            process(0);
    }
}

static void live_by_epoll(uint32_t events)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = events};
    open_node(NULL);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, noex_node_fd(b.node), &e), 0);
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    drive_by_epoll(epoll, events & EPOLLET, M_UP);
    fake_beam_die(&b.beam[0], "srv", normal, FAKE_FRAGMENTS);
    drive_by_epoll(epoll, events & EPOLLET, M_DOWN);
    fake_beam_hang_up(&b.beam[0], false);
    drive_by_epoll(epoll, events & EPOLLET, DOWN);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN);
    close_node(NULL);
    close(epoll);
}

static void driving_a_foreign_loop_needs_the_descriptor_and_the_timeout_only(void **state)
{
    (void)state;
    live_by_epoll(EPOLLIN);
}

static void driving_an_edge_triggered_loop_goes_on_until_the_descriptor_is_silent(void **state)
{
    (void)state;
    live_by_epoll(EPOLLIN | EPOLLET);
}

/* ---- wake-ups ---- */

static void *wake_soon(void *node)
{
    sleep_ms(30);
    noex_node_wakeup(node);
    return NULL;
}

static void a_wakeup_from_another_thread_ends_the_wait(void **state)
{
    (void)state;
    pthread_t thread;
    uint64_t start = bench_clock();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, b.node), 0);
    process(LONG_MS);
    assert_in_range(bench_clock() - start, 29, 29 + LATE_MS);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void on_signal(int number)
{
    (void)number;
    noex_node_wakeup(b.node);
}

static void a_wakeup_from_a_signal_handler_ends_the_wait(void **state)
{
    (void)state;
    struct sigaction act = {.sa_handler = on_signal}, before;
    const struct itimerval soon = {{0, 0}, {0, 30000}};
    assert_int_equal(sigaction(SIGALRM, &act, &before), 0);
    uint64_t start = bench_clock();
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    process(UINT64_MAX);
    assert_in_range(bench_clock() - start, 20, 29 + LATE_MS);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

/* Signals at any moment of turns, handles and posts: none may be lost, nothing may hang. */
static void wakeups_from_a_signal_handler_may_meet_any_moment(void **state)
{
    (void)state;
    const struct sigaction ignore = {.sa_handler = SIG_IGN}; /* one may be under way at the end */
    const struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    noex_poster *poster;
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (uint64_t end = bench_clock() + 300; bench_clock() < end;) {
        assert_int_equal(noex_post(poster, ignore_post, NULL), 0);
        bench_monitor_name(&b, 0, "absent", NULL);
        bench_step(&b);
        process(UINT64_MAX);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &ignore, NULL), 0);
    noex_poster_release(poster);
}

/* ---- callbacks ---- */

static int reentered;

static void process_inside(struct bench *bench, const struct noex_event *e)
{
    (void)e;
    reentered = noex_node_process(bench->node, LONG_MS);
    assert_int_equal(noex_node_error(bench->node)->code, NOEX_EREENTRANT);
}

static void process_in_ready(void *user)
{
    process_inside(user, NULL);
}

static void driving_process_is_refused_in_callbacks(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        open_pulling(process_in_ready);
        noex_node_free(b.node);
        b.pull = pull;
        bench_open(&b);
        reentered = 0;
        b.in_event = pull ? NULL : process_inside;
        assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
        while (!reentered) {
            fake_beam_step(&b.beam[0]);
            process(1);
            assert_int_equal(noex_node_error(b.node)->code, 0); /* that was the callback's */
        }
        assert_int_equal(reentered, NOEX_EREENTRANT);
        close_node(state);
    }
}

static unsigned closed;

/* The allocator itself may go with the node. */
static void note_closed(void *user)
{
    assert_ptr_equal(user, &closed);
    assert_int_equal(b.alloc.live, 0);
    b.alloc.a = (struct noex_allocator){0};
    closed++;
}

static void close_in_event(struct bench *bench, const struct noex_event *e)
{
    if (e->type != M_UP)
        return;
    noex_node_close(bench->node, note_closed, &closed);
    noex_node_close(bench->node, note_closed, &closed); /* ignored */
    noex_node_free(bench->node);
    assert_int_equal(closed, 0);
    assert_string_equal(e->node, "beam@127.0.0.1"); /* all is there until the callback returns */
    assert_string_equal(e->target->name, "absent");
    b.node = NULL;
}

static void close_in_ready(void *user)
{
    const struct noex_event *e;
    while (b.node && (e = noex_node_next_event(b.node)))
        close_in_event(user, e);
}

static void free_in_post(noex_node *node, void *user)
{
    if (node) {
        noex_node_close(node, note_closed, user);
        b.node = NULL;
    }
}

enum way { IN_EVENT, IN_READY, IN_POST, WAYS };

static void driving_a_node_freed_in_a_callback_goes_on_unwinding(void **state)
{
    (void)state;
    for (enum way way = IN_EVENT; way < WAYS; way++) {
        noex_poster *poster;
        open_pulling(close_in_ready);
        noex_node_free(b.node);
        b.pull = way == IN_READY;
        bench_open(&b);
        b.in_event = close_in_event;
        closed = 0;
        for (int i = 0; i < 10; i++)
            bench_monitor_name(&b, 0, "absent", NULL);
        assert_int_equal(noex_poster_new(&poster, b.node), 0);
        assert_true(way != IN_POST || noex_post(poster, free_in_post, &closed) == 0);
        noex_poster_release(poster);
        noex_node *node = b.node;
        for (uint64_t end = bench_clock() + LONG_MS; b.node && bench_clock() < end;) {
            fake_beam_step(&b.beam[0]);
            int rc = noex_node_process(node, 2);
            assert_int_equal(rc, b.node ? 0 : NOEX_ESTATE);
        }
        assert_int_equal(closed, 1); /* it is gone when process returns */
        if (way == IN_EVENT)
            EXPECT_EVENTS(&b, UP, M_UP);
        close_node(state);
    }
}

/* ---- nodes that meet ---- */

static struct bench other;

static void open_two(void)
{
    open_node(NULL);
    bench_init(&other);
    other.options.name = "other@127.0.0.1";
    bench_open(&other);
}

static void free_first_from_second(struct bench *bench, const struct noex_event *e)
{
    (void)bench, (void)e;
    noex_node_close(b.node, note_closed, &closed);
    assert_int_equal(closed, 0); /* it is inside process */
}

static void drive_second(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    assert_int_equal(noex_connect(other.node, "x@[::zz]:1", NOEX_CONNECT_ONCE), 0);
    while (!other.count[FAILED])
        assert_int_equal(noex_node_process(other.node, 1), 0);
    assert_string_equal(e->node, "beam@127.0.0.1");
}

static void a_callback_may_drive_another_node_whose_callback_frees_the_first(void **state)
{
    (void)state;
    open_two();
    closed = 0;
    b.in_event = drive_second;
    other.in_event = free_first_from_second;
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
    noex_node *first = b.node;
    while (!closed) {
        fake_beam_step(&b.beam[0]);
        int rc = noex_node_process(first, 1);
        assert_int_equal(rc, closed ? NOEX_ESTATE : 0);
    }
    b.node = NULL;
    bench_close(&other);
    close_node(state);
}

static void close_other(void *user)
{
    struct bench *second = user;
    closed++;
    noex_node_free(second->node);
    second->node = NULL;
}

static void a_node_may_be_closed_when_another_is_gone(void **state)
{
    (void)state;
    open_two();
    closed = 0;
    noex_node_close(b.node, close_other, &other);
    assert_int_equal(closed, 1);
    b.node = NULL;
    assert_int_equal(other.alloc.live, 0);
    bench_close(&other);
    close_node(state);
}

/* ---- closing ---- */

static void closed_is_told_before_close_returns_and_the_memory_is_gone(void **state)
{
    (void)state;
    bench_connect(&b, 0);
    closed = 0;
    noex_node_close(b.node, note_closed, &closed);
    b.node = NULL;
    assert_int_equal(closed, 1);
    EXPECT_EVENTS(&b, UP); /* and nothing more */
}

static void driving_close_does_not_wait_for_dns(void **state)
{
    (void)state;
    assert_int_equal(noex_connect(b.node, "x@slow.example", NOEX_CONNECT_KEEP), 0);
    assert_int_equal(noex_connect(b.node, "y@slow.example:1", NOEX_CONNECT_ONCE), 0);
    while (hanging() < 2)
        process(1);
    uint64_t start = bench_clock();
    noex_node_free(b.node);
    b.node = NULL;
    assert_in_range(bench_clock() - start, 0, LATE_MS);
    assert_int_equal(b.alloc.live, 0);
    let_go(); /* into nothing */
    wait_inside(0);
}

static void close_in_back_off_waits_for_nothing(void **state)
{
    (void)state;
    bench_init(&b);
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = LONG_MS;
    bench_open(&b);
    fake_beam_refuse(bench_beam(&b, NULL));
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, AGAIN, 1);
    uint64_t start = bench_clock();
    close_node(state);
    assert_in_range(bench_clock() - start, 0, LATE_MS);
}

/* ---- errors ---- */

static void expect_error(int rc, int code, const char *part)
{
    assert_int_equal(rc, code);
    assert_int_equal(noex_node_error(b.node)->code, code);
    if (!strstr(noex_node_error(b.node)->text, part))
        fail_msg("'%s' is not in '%s'", part, noex_node_error(b.node)->text);
}

static void each_call_that_fails_tells_why(void **state)
{
    (void)state;
    struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = "x@y", .name = ""};
    noex_monitor_id id;
    assert_int_equal(noex_node_error(b.node)->code, 0);
    expect_error(noex_connect(b.node, "x", NOEX_CONNECT_ONCE), NOEX_ENODENAME, "'x'");
    expect_error(noex_connect(b.node, NULL, NOEX_CONNECT_ONCE), NOEX_ENODENAME, "not a node name");
    expect_error(noex_connect(b.node, "x@y", (enum noex_connect_flags)7), NOEX_EINVALID, "7");
    expect_error(noex_connect(b.node, "mon@127.0.0.1", NOEX_CONNECT_ONCE), NOEX_EINVALID, "own");
    expect_error(noex_disconnect(b.node, "x"), NOEX_ENODENAME, "'x'");
    expect_error(noex_disconnect(b.node, "x@y"), NOEX_ENOTREACHABLE, "x@y");
    expect_error(noex_monitor(b.node, &t, 0, NULL, &id), NOEX_ETARGET, "name");
    expect_error(noex_monitor(b.node, NULL, 0, NULL, &id), NOEX_EINVALID, "NULL");
    b.alloc.fail_at = b.alloc.calls + 1;
    expect_error(noex_connect(b.node, "x@y", NOEX_CONNECT_ONCE), NOEX_ENOMEM, "out of memory");
    process(0); /* one that succeeds has nothing to tell */
    assert_int_equal(noex_node_error(b.node)->code, 0);
    assert_string_equal(noex_node_error(b.node)->text, "");
}

static void fail_inside(struct bench *bench, const struct noex_event *e)
{
    (void)e;
    assert_int_equal(noex_connect(bench->node, "x", NOEX_CONNECT_ONCE), NOEX_ENODENAME);
}

static void what_failed_in_a_callback_is_not_processs_error(void **state)
{
    (void)state;
    b.in_event = fail_inside;
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
    while (!b.count[UP]) {
        fake_beam_step(&b.beam[0]);
        process(1);
        assert_int_equal(noex_node_error(b.node)->code, 0);
    }
}

static void without_a_node_every_call_is_harmless(void **state)
{
    (void)state;
    struct noex_stats stats = {.bytes_in = 1};
    char text[8] = "x";
    noex_node_close(NULL, note_closed, &closed);
    noex_node_free(NULL);
    noex_node_wakeup(NULL);
    assert_null(noex_node_error(NULL));
    assert_null(noex_node_next_event(NULL));
    assert_int_equal(noex_node_process(NULL, LONG_MS), NOEX_EINVALID);
    assert_int_equal(noex_node_fd(NULL), NOEX_EINVALID);
    assert_int_equal(noex_node_timeout_ms(NULL), -1);
    assert_int_equal(noex_node_now_ms(NULL), 0);
    assert_int_equal(noex_connect(NULL, "x@y", NOEX_CONNECT_ONCE), NOEX_EINVALID);
    assert_int_equal(noex_disconnect(NULL, "x@y"), NOEX_EINVALID);
    assert_int_equal(noex_connection(NULL, "x@y", text, sizeof text), NOEX_CONNECTION_NONE);
    assert_string_equal(text, "");
    noex_node_stats(NULL, &stats, sizeof stats);
    assert_int_equal(stats.bytes_in, 0);
    noex_node_stats(b.node, NULL, sizeof stats);
    noex_options_init_size(NULL, sizeof b.options);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_node, close_node)
#define HANGING(name) cmocka_unit_test_setup_teardown(name, open_hanging, close_hanging)

static int open_hanging(void **state)
{
    use_hanging(state);
    open_node(state);
    b.beam[0].no_accept = true;
    return 0;
}

static int close_hanging(void **state)
{
    close_node(state);
    return stop_hanging(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(process_waits_as_long_as_it_is_told),
        HANGING(driving_process_0_never_blocks),
        cmocka_unit_test(driving_timeout_ms_counts_down),
        cmocka_unit_test(driving_timeout_is_0_while_events_wait),
        cmocka_unit_test(driving_pull_mode_gets_one_ready_a_turn),
        cmocka_unit_test(driving_an_idle_nested_loop_does_not_spin),
        TEST(driving_io_started_outside_process_wakes_a_nested_epoll),
        TEST(driving_the_descriptor_is_level_triggered),
        cmocka_unit_test(driving_a_foreign_loop_needs_the_descriptor_and_the_timeout_only),
        cmocka_unit_test(driving_an_edge_triggered_loop_goes_on_until_the_descriptor_is_silent),
        TEST(a_wakeup_from_another_thread_ends_the_wait),
        TEST(a_wakeup_from_a_signal_handler_ends_the_wait),
        TEST(wakeups_from_a_signal_handler_may_meet_any_moment),
        cmocka_unit_test(driving_process_is_refused_in_callbacks),
        cmocka_unit_test(driving_a_node_freed_in_a_callback_goes_on_unwinding),
        cmocka_unit_test(a_callback_may_drive_another_node_whose_callback_frees_the_first),
        cmocka_unit_test(a_node_may_be_closed_when_another_is_gone),
        TEST(closed_is_told_before_close_returns_and_the_memory_is_gone),
        HANGING(driving_close_does_not_wait_for_dns),
        cmocka_unit_test(close_in_back_off_waits_for_nothing),
        TEST(each_call_that_fails_tells_why),
        TEST(what_failed_in_a_callback_is_not_processs_error),
        TEST(without_a_node_every_call_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
