/* SPDX-License-Identifier: Apache-2.0 */
#include "hanging_resolver.h"
#include "node_bench.h"

#include <errno.h>
#include <noex/uv.h>

enum { LONG_MS = 20000, QUICK_MS = 5000 };

static struct bench b;
static uv_loop_t loop;
static unsigned closed;

static void note_closed(void *user)
{
    (void)user;
    closed++;
}

static void open_loop(void)
{
    closed = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
}

/* Nothing keeps it alive any more, and nothing of ours is left in it. */
static void close_loop(void)
{
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void init_node(void)
{
    open_loop();
    bench_init(&b);
    b.uv = &loop;
}

static void open_both(void)
{
    bench_open(&b);
    bench_beam(&b, NULL);
}

static int open_node(void **state)
{
    (void)state;
    init_node();
    open_both();
    return 0;
}

static int close_node(void **state)
{
    (void)state;
    bench_close(&b);
    close_loop();
    return 0;
}

static const char *address(void)
{
    static char text[300];
    fake_beam_address(&b.beam[0], text, sizeof text);
    return text;
}

/* ---- driving ---- */

static bool in_run;

static void expect_in_run(struct bench *bench, const struct noex_event *e)
{
    (void)bench, (void)e;
    assert_true(in_run);
}

static void run_with_flag(struct bench *bench, uint64_t wait_ms)
{
    (void)bench, (void)wait_ms;
    in_run = true;
    uv_run(&loop, UV_RUN_NOWAIT);
    in_run = false;
}

static void events_come_from_uv_run_only(void **state)
{
    (void)state;
    b.in_event = expect_in_run;
    b.run = run_with_flag;
    fake_beam_spawn(&b.beam[0], "srv");
    bench_monitor_name(&b, 0, "srv", NULL);
    bench_until(&b, M_UP, 1);
    assert_int_equal(noex_disconnect(b.node, address()), 0);
    bench_until(&b, DOWN, 1);
    EXPECT_EVENTS(&b, UP, M_UP, M_DOWN, DOWN);
}

static int refused[4];

static void drive_inside(struct bench *bench, const struct noex_event *e)
{
    const struct noex_event *event;
    (void)e;
    refused[0] = noex_node_process(bench->node, LONG_MS);
    refused[1] = noex_wait_event(bench->node, LONG_MS, &event);
    refused[2] = noex_wait_node_up(bench->node, "x@y", LONG_MS);
    refused[3] = noex_wait_monitor_up(bench->node, 1, LONG_MS);
}

static void driving_on_a_uv_loop_there_is_no_process(void **state)
{
    (void)state;
    const struct noex_event *e;
    assert_int_equal(noex_node_process(b.node, LONG_MS), NOEX_ESTATE);
    assert_int_equal(noex_node_error(b.node)->code, NOEX_ESTATE);
    assert_int_equal(noex_wait_event(b.node, LONG_MS, &e), NOEX_ESTATE);
    assert_int_equal(noex_wait_node_up(b.node, address(), LONG_MS), NOEX_ESTATE);
    assert_int_equal(noex_wait_monitor_up(b.node, 1, LONG_MS), NOEX_ESTATE);
    assert_int_equal(noex_node_fd(b.node), NOEX_ESTATE);
    assert_int_equal(noex_node_timeout_ms(b.node), -1);
    b.in_event = drive_inside;
    bench_connect(&b, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(refused[i], NOEX_EREENTRANT);
}

static void stop_loop(struct bench *bench, const struct noex_event *e)
{
    (void)bench;
    if (e->type == FAILED)
        uv_stop(&loop);
}

/* Nothing but the node keeps the loop alive, and nothing but its own deadline wakes it. */
static void deadlines_of_the_node_are_kept_by_the_loop(void **state)
{
    (void)state;
    init_node();
    b.options.step_ms = 60;
    open_both();
    b.beam[0].no_accept = true;
    b.in_event = stop_loop;
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_ONCE), 0);
    uint64_t before = bench_clock();
    assert_int_not_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_in_range(bench_clock() - before, 59, 59 + QUICK_MS);
    assert_int_equal(bench_event(&b, FAILED, 0)->code, NOEX_EHANDSHAKETIMEOUT);
    close_node(state);
}

static void count_turn(uv_prepare_t *turn)
{
    ++*(size_t *)turn->data;
}

static void stop_at(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Runs the loop for so long: how often it went round. */
static size_t turns_within(uint64_t ms)
{
    size_t turns = 0;
    uv_prepare_t turn;
    uv_timer_t timer;
    uv_prepare_init(&loop, &turn);
    turn.data = &turns;
    uv_prepare_start(&turn, count_turn);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, stop_at, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&turn, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    return turns;
}

static void driving_an_idle_node_does_not_keep_a_uv_loop_busy(void **state)
{
    (void)state;
    assert_in_range(turns_within(100), 1, 10);
    bench_connect(&b, 0);
    assert_in_range(turns_within(100), 1, 10);
    fake_beam_refuse(&b.beam[0]);
    fake_beam_hang_up(&b.beam[0], false);
    bench_until(&b, DOWN, 1);
    assert_in_range(turns_within(100), 1, 10);
}

static void *wake_soon(void *node)
{
    const struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    noex_node_wakeup(node);
    return NULL;
}

static void a_wakeup_makes_the_loop_go_round(void **state)
{
    (void)state;
    pthread_t thread;
    uv_run(&loop, UV_RUN_NOWAIT);
    uint64_t before = bench_clock();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, b.node), 0);
    assert_int_not_equal(uv_run(&loop, UV_RUN_ONCE), 0); /* without it for ever */
    assert_in_range(bench_clock() - before, 19, 19 + QUICK_MS);
    pthread_join(thread, NULL);
}

/* ---- pulling ---- */

static size_t readies, pulled, pull_at_most;

static void pull_some(void *user)
{
    size_t left = pull_at_most;
    assert_ptr_equal(user, &b);
    readies++;
    while (left && noex_node_next_event(b.node)) {
        pulled++;
        left--;
    }
}

static void drive_until_downs(uint64_t downs)
{
    uint64_t end = bench_clock() + LONG_MS;
    while (bench_monitor_stats(&b).downs_received < downs) {
        fake_beam_step(&b.beam[0]);
        uv_run(&loop, UV_RUN_NOWAIT);
        assert_true(bench_clock() < end);
    }
}

static void open_pulling(size_t at_most)
{
    init_node();
    readies = pulled = 0;
    pull_at_most = at_most;
    b.options.on_ready = pull_some;
    b.pull = true;
    open_both();
}

static void driving_pull_mode_gets_one_ready_a_turn(void **state)
{
    (void)state;
    open_pulling(0);
    for (int i = 0; i < 10; i++)
        bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(10);
    readies = 0;
    for (size_t turn = 1; turn <= 5; turn++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(readies, turn);
    }
    pull_at_most = SIZE_MAX;
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(pulled, 21); /* NODE_UP, and two a monitor */
    readies = 0;
    assert_in_range(turns_within(50), 1, 10);
    assert_int_equal(readies, 0);
    close_node(state);
}

/* The loop does not fall asleep over what is left. */
static void events_that_on_ready_leaves_are_announced_again_at_once(void **state)
{
    (void)state;
    open_pulling(0);
    for (int i = 0; i < 10; i++)
        bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(10);
    pull_at_most = 1;
    uv_run(&loop, UV_RUN_NOWAIT);
    uint64_t before = bench_clock();
    while (pulled < 21)
        uv_run(&loop, UV_RUN_ONCE);
    assert_true(bench_clock() - before < QUICK_MS);
    assert_in_range(turns_within(50), 1, 10);
    close_node(state);
}

static void a_pulled_event_is_there_until_the_loop_goes_on(void **state)
{
    (void)state;
    open_pulling(0);
    noex_monitor_id id = bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(1);
    const enum noex_event_type types[] = {UP, M_UP, M_DOWN};
    const struct noex_event *e = NULL;
    for (int i = 0; i < 3; i++) {
        assert_non_null(e = noex_node_next_event(b.node));
        assert_int_equal(e->type, types[i]);
    }
    assert_true(e->monitor == id);
    assert_string_equal(e->target->name, "absent");
    assert_int_equal(e->term[0], 119);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_null(noex_node_next_event(b.node));
    close_node(state);
}

static void without_on_ready_events_wait_and_the_loop_sleeps(void **state)
{
    (void)state;
    init_node();
    b.pull = true;
    open_both();
    bench_monitor_name(&b, 0, "absent", NULL);
    drive_until_downs(1);
    assert_in_range(turns_within(50), 1, 10);
    assert_int_equal(noex_node_next_event(b.node)->type, UP);
    close_node(state);
}

/* ---- closing ---- */

static void close_now(void)
{
    noex_node_close(b.node, note_closed, NULL);
    noex_node_close(b.node, note_closed, NULL); /* ignored */
    noex_node_free(b.node);
    b.node = NULL;
}

static void expect_closed(void)
{
    assert_int_equal(closed, 0); /* always later */
    close_loop();
    assert_int_equal(closed, 1);
    assert_int_equal(b.alloc.live, 0);
    bench_close(&b);
}

static void a_node_closed_before_its_loop_ever_ran_goes_in_the_first_run(void **state)
{
    (void)state;
    for (int connecting = 0; connecting < 2; connecting++) {
        open_node(state);
        if (connecting)
            assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
        close_now();
        expect_closed();
    }
}

/* Looked up, dialled, in each step of the handshake, up, with monitors in any state. */
static void a_node_may_be_closed_at_any_moment(void **state)
{
    (void)state;
    for (int steps = 0; steps < 40; steps++) {
        open_node(state);
        fake_beam_spawn(&b.beam[0], "srv");
        bench_monitor_name(&b, 0, "srv", NULL);
        bench_monitor_name(&b, 0, "absent", NULL);
        assert_int_equal(noex_connect(b.node, "other@localhost", NOEX_CONNECT_KEEP), 0);
        for (int i = 0; i < steps; i++) {
            fake_beam_step(&b.beam[0]);
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        size_t told = b.seen_count;
        close_now();
        expect_closed();
        assert_int_equal(b.seen_count, told);
    }
}

static void a_node_may_be_closed_in_back_off(void **state)
{
    (void)state;
    init_node();
    b.options.reconnect_min_ms = b.options.reconnect_max_ms = LONG_MS;
    open_both();
    fake_beam_refuse(&b.beam[0]);
    assert_int_equal(noex_connect(b.node, address(), NOEX_CONNECT_KEEP), 0);
    bench_until(&b, AGAIN, 1);
    close_now();
    uint64_t before = bench_clock();
    expect_closed();
    assert_true(bench_clock() - before < QUICK_MS);
}

static void driving_close_does_not_wait_for_dns(void **state)
{
    (void)state;
    assert_int_equal(noex_connect(b.node, "x@slow.example", NOEX_CONNECT_KEEP), 0);
    assert_int_equal(noex_connect(b.node, "x@slow.example:1", NOEX_CONNECT_ONCE), 0);
    assert_int_equal(noex_connect(b.node, "y@slow.example:1", NOEX_CONNECT_ONCE), 0);
    while (hanging() < 2)
        uv_run(&loop, UV_RUN_NOWAIT);
    close_now();
    uint64_t before = bench_clock();
    expect_closed();
    assert_true(bench_clock() - before < QUICK_MS);
    let_go(); /* into nothing */
    wait_inside(0);
}

enum way { IN_EVENT, IN_READY, IN_POST, WAYS };

static void close_in_event(struct bench *bench, const struct noex_event *e)
{
    noex_node_close(bench->node, note_closed, NULL);
    noex_node_close(bench->node, note_closed, NULL);
    assert_string_equal(e->node, "beam@127.0.0.1"); /* all is there until the callback returns */
    assert_int_equal(noex_node_error(bench->node)->code, 0);
    b.node = NULL;
}

static void close_in_ready(void *user)
{
    (void)user;
    close_in_event(&b, noex_node_next_event(b.node));
}

static size_t ran, cancelled;

static void count(noex_node *node, void *user)
{
    (void)user;
    ran += node != NULL;
    cancelled += node == NULL;
}

static void close_in_post(noex_node *node, void *user)
{
    noex_poster *poster = user;
    noex_node_close(node, note_closed, NULL);
    b.node = NULL;
    assert_int_equal(closed, 0);
    assert_int_equal(noex_post(poster, count, NULL), 0); /* taken, and cancelled */
}

static void close_inside(enum way way)
{
    noex_poster *poster;
    ran = cancelled = 0;
    init_node();
    b.pull = way != IN_EVENT;
    b.options.on_ready = way == IN_READY ? close_in_ready : NULL;
    b.in_event = way == IN_EVENT ? close_in_event : NULL;
    open_both();
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    if (way == IN_POST) {
        assert_int_equal(noex_post(poster, count, NULL), 0);
        assert_int_equal(noex_post(poster, close_in_post, poster), 0);
        assert_int_equal(noex_post(poster, count, NULL), 0);
    }
    bench_monitor_name(&b, 0, "absent", NULL);
    uint64_t end = bench_clock() + LONG_MS;
    while (!closed && bench_clock() < end) {
        fake_beam_step(&b.beam[0]);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(closed, 1);
    assert_int_equal(b.alloc.live, 0);
    assert_int_equal(ran, way == IN_POST ? 1 : 0);
    assert_int_equal(cancelled, way == IN_POST ? 2 : 0);
    assert_true(b.seen_count <= 1);
    assert_int_equal(noex_post(poster, count, NULL), NOEX_ESTATE);
    noex_poster_release(poster);
    close_loop();
    bench_close(&b);
}

static void driving_a_node_freed_in_a_callback_goes_on_unwinding(void **state)
{
    (void)state;
    for (enum way way = IN_EVENT; way < WAYS; way++)
        close_inside(way);
}

/* ---- several nodes on one loop ---- */

static struct bench other;

static void open_two(void **state)
{
    open_node(state);
    bench_init(&other);
    other.uv = &loop;
    other.options.name = "other@127.0.0.1";
    bench_open(&other);
    bench_beam(&other, NULL);
}

static void nodes_on_one_loop_share_nothing_else(void **state)
{
    (void)state;
    open_two(state);
    bench_connect(&b, 0);
    bench_connect(&other, 0);
    EXPECT_EVENTS(&b, UP);
    bench_close(&other); /* runs the loop: the first goes on */
    bench_monitor_name(&b, 0, "absent", NULL);
    bench_until(&b, M_DOWN, 1);
    close_node(state);
}

static void close_both_in_event(struct bench *bench, const struct noex_event *e)
{
    (void)bench, (void)e;
    noex_node_close(other.node, note_closed, NULL);
    noex_node_close(b.node, note_closed, NULL);
}

/* In each order of the handles in the loop. */
static void a_node_may_close_another_of_its_loop_in_a_callback(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        open_two(state);
        struct bench *first = which ? &other : &b, *second = which ? &b : &other;
        bench_connect(second, 0);
        first->in_event = close_both_in_event;
        bench_monitor_name(second, 0, "absent", NULL);
        assert_int_equal(
            noex_connect(first->node, which ? "z@[::zz]:1" : address(), NOEX_CONNECT_ONCE), 0);
        uint64_t end = bench_clock() + LONG_MS;
        while (closed < 2 && bench_clock() < end) {
            fake_beam_step(&b.beam[0]);
            fake_beam_step(&other.beam[0]);
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        assert_int_equal(closed, 2);
        b.node = other.node = NULL;
        bench_close(&other);
        close_node(state);
    }
}

static void close_other(void *user)
{
    (void)user;
    closed++;
    noex_node_close(other.node, note_closed, NULL);
    other.node = NULL;
}

static void a_node_may_be_closed_when_another_is_gone(void **state)
{
    (void)state;
    open_two(state);
    bench_connect(&other, 0);
    noex_node_close(b.node, close_other, NULL);
    b.node = NULL;
    close_loop();
    assert_int_equal(closed, 2);
    bench_close(&other);
    bench_close(&b);
}

static void reopen(void *user)
{
    struct noex_error err;
    int *left = user;
    closed++;
    if (!--*left)
        return;
    assert_int_equal(noex_node_new_uv(&b.node, &b.options, &loop, &err), 0);
    noex_node_close(b.node, reopen, left);
}

static void a_new_node_may_take_the_place_of_one_that_is_gone(void **state)
{
    (void)state;
    int left = 20;
    open_node(state);
    noex_node_close(b.node, reopen, &left);
    close_loop();
    b.node = NULL;
    assert_int_equal(closed, 20);
    bench_close(&b);
}

/* ---- making ---- */

static void without_memory_there_is_no_node_and_the_loop_is_as_before(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        size_t k = 1;
        for (bool made = false; !made; k++) {
            struct noex_error err = {0};
            init_node();
            b.alloc.fail_at = k;
            b.alloc.fail_on = on;
            int rc = bench_try_open(&b, &err);
            made = rc == 0;
            assert_true(made == !b.alloc.failed);
            assert_int_equal(rc, made ? 0 : NOEX_ENOMEM);
            assert_int_equal(err.code, rc);
            assert_true(made || (!b.node && !b.alloc.live && !uv_loop_alive(&loop)));
            b.alloc.fail_at = 0;
            close_node(state);
        }
        assert_true(k > 3);
    }
}

static void without_a_loop_there_is_no_node(void **state)
{
    (void)state;
    struct noex_error err;
    noex_node *node = NULL;
    init_node();
    assert_int_equal(noex_node_new_uv(&node, &b.options, NULL, &err), NOEX_EINVALID);
    assert_int_equal(err.code, NOEX_EINVALID);
    assert_int_equal(noex_node_new_uv(NULL, &b.options, &loop, NULL), NOEX_EINVALID);
    assert_int_equal(noex_node_new_uv(&node, NULL, &loop, NULL), NOEX_EINVALID);
    b.options.cookie = NULL;
    assert_int_equal(noex_node_new_uv(&node, &b.options, &loop, &err), NOEX_EINVALID);
    assert_non_null(strstr(err.text, "cookie"));
    assert_null(node);
    bench_close(&b);
    close_loop();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_node, close_node)

static int open_hanging(void **state)
{
    return use_hanging(state) || open_node(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_come_from_uv_run_only),
        TEST(driving_on_a_uv_loop_there_is_no_process),
        cmocka_unit_test(deadlines_of_the_node_are_kept_by_the_loop),
        TEST(driving_an_idle_node_does_not_keep_a_uv_loop_busy),
        TEST(a_wakeup_makes_the_loop_go_round),
        cmocka_unit_test(driving_pull_mode_gets_one_ready_a_turn),
        cmocka_unit_test(events_that_on_ready_leaves_are_announced_again_at_once),
        cmocka_unit_test(a_pulled_event_is_there_until_the_loop_goes_on),
        cmocka_unit_test(without_on_ready_events_wait_and_the_loop_sleeps),
        cmocka_unit_test(a_node_closed_before_its_loop_ever_ran_goes_in_the_first_run),
        cmocka_unit_test(a_node_may_be_closed_at_any_moment),
        cmocka_unit_test(a_node_may_be_closed_in_back_off),
        cmocka_unit_test_setup_teardown(driving_close_does_not_wait_for_dns, open_hanging,
                                        stop_hanging),
        cmocka_unit_test(driving_a_node_freed_in_a_callback_goes_on_unwinding),
        cmocka_unit_test(nodes_on_one_loop_share_nothing_else),
        cmocka_unit_test(a_node_may_close_another_of_its_loop_in_a_callback),
        cmocka_unit_test(a_node_may_be_closed_when_another_is_gone),
        cmocka_unit_test(a_new_node_may_take_the_place_of_one_that_is_gone),
        cmocka_unit_test(without_memory_there_is_no_node_and_the_loop_is_as_before),
        cmocka_unit_test(without_a_loop_there_is_no_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
