/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop_uv.h"
#include "loop_test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* A busy machine may be late by this much; never early. */
enum { LATE_MS = 2000 };

static void assert_between(uint64_t value, uint64_t low, uint64_t high)
{
    assert_in_range(value, low, high);
}

static void a_run_enters_turn_once_though_nothing_happened(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    assert_int_equal(t.turns, 0);
    uint64_t before = loop_test_clock();
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(nx_loop_run(t.loop, 0), 0);
        assert_int_equal(t.turns, i);
    }
    assert_between(loop_test_clock() - before, 0, LATE_MS);
    loop_test_close(&t);
}

static void a_run_waits_as_long_as_it_is_told_and_no_longer(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    loop_test_sleep(30); /* the loop's clock is behind now */
    uint64_t before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 50), 0);
    assert_between(loop_test_clock() - before, 49, 49 + LATE_MS);
    assert_int_equal(t.turns, 1);
    loop_test_close(&t);
}

static void note_time(struct loop_test *t, uint64_t now)
{
    if (now >= t->deadline) {
        *(uint64_t *)t->arg = now;
        t->deadline = UINT64_MAX;
    }
}

static void a_deadline_is_acted_on_in_the_run_that_waited_for_it(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    uint64_t acted = 0;
    t.in_turn = note_time;
    t.arg = &acted;
    for (uint64_t wait = 1; wait <= 40; wait += 13) {
        nx_loop_update(t.loop);
        uint64_t due = nx_loop_now(t.loop) + wait;
        t.deadline = due;
        t.turns = 0;
        assert_int_equal(nx_loop_run(t.loop, UINT64_MAX), 0);
        assert_between(acted, due, due + LATE_MS);
        assert_int_equal(t.turns, 1);
    }
    loop_test_close(&t);
}

static void a_deadline_that_has_passed_is_acted_on_at_once(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    uint64_t acted = 0;
    t.in_turn = note_time;
    t.arg = &acted;
    for (uint64_t late = 0; late < 3; late++) {
        acted = 0;
        t.deadline = nx_loop_now(t.loop) - late;
        uint64_t before = loop_test_clock();
        assert_int_equal(nx_loop_timeout_ms(t.loop), 0);
        assert_int_equal(nx_loop_run(t.loop, 5000), 0);
        assert_true(acted > 0);
        assert_between(loop_test_clock() - before, 0, LATE_MS);
    }
    loop_test_close(&t);
}

struct timetable {
    uint64_t due[4];
    unsigned done;
};

static void keep_timetable(struct loop_test *t, uint64_t now)
{
    struct timetable *table = t->arg;
    while (table->done < 4 && now >= table->due[table->done]) {
        assert_between(now, table->due[table->done], table->due[table->done] + LATE_MS);
        table->done++;
    }
    t->deadline = table->done < 4 ? table->due[table->done] : UINT64_MAX;
}

static void deadlines_come_in_time_and_in_order(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    uint64_t now = nx_loop_now(t.loop);
    struct timetable table = {{now + 10, now + 25, now + 25, now + 60}, 0};
    t.in_turn = keep_timetable;
    t.arg = &table;
    t.deadline = table.due[0];
    while (table.done < 4)
        assert_int_equal(nx_loop_run(t.loop, 5000), 0);
    assert_in_range(t.turns, 1, 6);
    loop_test_close(&t);
}

static void a_deadline_moved_nearer_or_farther_counts_as_it_stands_at_the_wait(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    uint64_t start = nx_loop_now(t.loop);
    t.deadline = start + 5000;
    assert_int_equal(nx_loop_run(t.loop, 5), 0);
    t.deadline = start + 20;
    assert_int_equal(nx_loop_run(t.loop, 5000), 0);
    assert_between(nx_loop_now(t.loop), start + 20, start + 20 + LATE_MS);
    t.deadline = nx_loop_now(t.loop) + 5;
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    t.deadline = UINT64_MAX - 1;
    uint64_t before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 30), 0);
    assert_between(loop_test_clock() - before, 29, 29 + LATE_MS);
    loop_test_close(&t);
}

static void timeout_is_our_own_deadline_counted_down(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    assert_int_equal(nx_loop_timeout_ms(t.loop), -1);
    t.deadline = nx_loop_now(t.loop) + 5000;
    int64_t first = nx_loop_timeout_ms(t.loop);
    assert_in_range(first, 5000 - LATE_MS, 5000);
    loop_test_sleep(20);
    assert_in_range(nx_loop_timeout_ms(t.loop), 5000 - LATE_MS, first - 19);
    t.deadline = UINT64_MAX - 1;
    assert_true(nx_loop_timeout_ms(t.loop) > INT32_MAX);
    loop_test_close(&t);
}

static void tick_every_50_ms(struct loop_test *t, uint64_t now)
{
    if (now >= t->deadline)
        t->deadline = now + 50;
}

static void an_idle_loop_does_not_spin(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    t.in_turn = tick_every_50_ms;
    t.deadline = nx_loop_now(t.loop) + 50;
    uint64_t end = loop_test_clock() + 200;
    while (loop_test_clock() < end)
        assert_int_equal(nx_loop_run(t.loop, 1000), 0);
    assert_in_range(t.turns, 1, 8);
    loop_test_close(&t);
}

static void an_idle_loop_nested_in_poll_does_not_spin(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    t.in_turn = tick_every_50_ms;
    t.deadline = nx_loop_now(t.loop) + 50;
    uint64_t start = loop_test_clock();
    while (loop_test_clock() < start + 200) {
        struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
        assert_true(poll(&p, 1, (int)nx_loop_timeout_ms(t.loop)) >= 0);
        assert_int_equal(nx_loop_run(t.loop, 0), 0);
    }
    assert_in_range(t.turns, 1, 8);
    loop_test_close(&t);
}

static void *wake_soon(void *loop)
{
    loop_test_sleep(20);
    nx_loop_wakeup(loop);
    return NULL;
}

static void a_wakeup_from_another_thread_ends_the_wait(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    pthread_t thread;
    uint64_t before = loop_test_clock();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, t.loop), 0);
    assert_int_equal(nx_loop_run(t.loop, 10000), 0);
    assert_between(loop_test_clock() - before, 0, 19 + LATE_MS);
    assert_int_equal(t.turns, 1);
    pthread_join(thread, NULL);
    loop_test_close(&t);
}

static void a_wakeup_before_the_first_run_is_seen_by_a_foreign_poll(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 0), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, t.loop), 0);
    assert_int_equal(poll(&p, 1, 10000), 1);
    pthread_join(thread, NULL);
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_int_equal(poll(&p, 1, 0), 0);
    loop_test_close(&t);
}

/* A kick that a run has answered leaves nothing behind for whoever asks for the descriptor then. */
static void a_kick_before_the_descriptor_is_asked_for_is_answered_once(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    nx_loop_kick(t.loop);
    uint64_t before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 10000), 0);
    assert_between(loop_test_clock() - before, 0, LATE_MS);
    assert_int_equal(t.turns, 1);
    before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 30), 0);
    assert_between(loop_test_clock() - before, 29, 30 + LATE_MS);
    struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 0), 0);
    nx_loop_kick(t.loop);
    assert_int_equal(poll(&p, 1, 0), 1);
    loop_test_close(&t);
}

/* Deadlines that are made with it are never early. */
static void soon_is_never_before_now(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    for (int i = 0; i < 100000; i++) {
        uint64_t now = loop_test_clock();
        assert_true(nx_loop_soon(t.loop) >= now);
    }
    nx_loop_update(t.loop);
    assert_true(nx_loop_soon(t.loop) <= nx_loop_now(t.loop) + 10 + LATE_MS);
    loop_test_close(&t);
}

static void kicks_make_one_turn_come_at_once(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    for (int i = 0; i < 100; i++)
        nx_loop_kick(t.loop);
    struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 0), 1);
    uint64_t before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 10000), 0);
    assert_between(loop_test_clock() - before, 0, LATE_MS);
    assert_int_equal(poll(&p, 1, 0), 0);
    loop_test_close(&t);
}

static void ignore_signal(int number)
{
    (void)number;
}

static void *interrupt_soon(void *thread)
{
    loop_test_sleep(20);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void a_signal_does_not_cut_the_wait_short(void **state)
{
    (void)state;
    struct sigaction act = {.sa_handler = ignore_signal}, before_act;
    assert_int_equal(sigaction(SIGUSR1, &act, &before_act), 0);
    struct loop_test t;
    loop_test_open(&t, NULL);
    pthread_t self = pthread_self(), thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, &self), 0);
    uint64_t before = loop_test_clock();
    assert_int_equal(nx_loop_run(t.loop, 100), 0);
    assert_between(loop_test_clock() - before, 99, 99 + LATE_MS);
    pthread_join(thread, NULL);
    loop_test_close(&t);
    sigaction(SIGUSR1, &before_act, NULL);
}

static void sleep_in_turn(struct loop_test *t, uint64_t now)
{
    assert_int_equal(nx_loop_now(t->loop), now);
    loop_test_sleep(15);
    assert_int_equal(nx_loop_now(t->loop), now);
    nx_loop_update(t->loop);
    assert_true(nx_loop_now(t->loop) >= now + 14);
}

static void the_clock_stands_still_in_a_turn_until_updated(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    t.in_turn = sleep_in_turn;
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    uint64_t then = nx_loop_now(t.loop);
    loop_test_sleep(15);
    t.in_turn = NULL;
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_true(nx_loop_now(t.loop) >= then + 14);
    int64_t wall = nx_wall_us();
    assert_in_range(wall / 1000000, (int64_t)time(NULL) - 1, (int64_t)time(NULL) + 1);
    loop_test_close(&t);
}

static void run_again(struct loop_test *t, uint64_t now)
{
    (void)now;
    *(int *)t->arg = nx_loop_run(t->loop, 0);
}

static void a_run_inside_a_run_is_refused(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    int rc = 0;
    t.in_turn = run_again;
    t.arg = &rc;
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    assert_int_equal(rc, NOEX_EREENTRANT);
    assert_int_equal(t.turns, 1);
    loop_test_close(&t);
}

static void close_in_turn(struct loop_test *t, uint64_t now)
{
    (void)now;
    nx_loop_close(t->loop, loop_test_closed, t);
    nx_loop_kick(t->loop);
    *(unsigned *)t->arg = t->closed;
}

static void closed_from_its_own_turn_it_goes_when_the_run_unwinds(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    unsigned closed_inside = 99;
    t.in_turn = close_in_turn;
    t.arg = &closed_inside;
    assert_int_equal(nx_loop_run(t.loop, 1), 0);
    assert_int_equal(closed_inside, 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(t.turns, 1);
    assert_int_equal(t.alloc.live, 0);
}

static uint64_t close_when_asked(void *ctx)
{
    struct loop_test *t = ctx;
    nx_loop_close(t->loop, loop_test_closed, t);
    return 0;
}

static void closed_while_asked_for_a_deadline_no_turn_comes(void **state)
{
    (void)state;
    struct loop_test t = {.deadline = UINT64_MAX};
    alloc_test_init(&t.alloc);
    struct nx_loop_hooks hooks = {&t, close_when_asked, loop_test_turn};
    assert_int_equal(nx_loop_new(&t.loop, &t.alloc.a, NULL, &hooks, NULL), 0);
    assert_int_equal(nx_loop_run(t.loop, 10000), 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(t.turns, 0);
    assert_int_equal(t.alloc.live, 0);
}

/* The owner's last callback gives up the allocator itself. */
static void forget_allocator(void *ctx)
{
    struct loop_test *t = ctx;
    assert_int_equal(t->alloc.live, 0);
    t->alloc.a = (struct noex_allocator){0};
    t->closed++;
}

static void the_allocator_may_go_in_the_closed_callback(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    assert_int_equal(nx_loop_run(t.loop, 0), 0);
    nx_loop_close(t.loop, forget_allocator, &t);
    assert_int_equal(t.closed, 1);
}

static void count_timer(uv_timer_t *timer)
{
    (*(unsigned *)timer->data)++;
}

static void a_callers_loop_drives_turns_and_closes_later(void **state)
{
    (void)state;
    uv_loop_t uv;
    uv_timer_t theirs;
    unsigned fired = 0;
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(uv_timer_init(&uv, &theirs), 0);
    theirs.data = &fired;
    struct loop_test t;
    loop_test_open(&t, &uv);
    assert_int_equal(nx_loop_fd(t.loop), uv_backend_fd(&uv));
    assert_int_equal(nx_loop_run(t.loop, 0), NOEX_ESTATE);
    assert_int_equal(t.turns, 0);
    uint64_t acted = 0, due = uv_now(&uv) + 30;
    t.in_turn = note_time;
    t.arg = &acted;
    t.deadline = due;
    assert_int_equal(uv_timer_start(&theirs, count_timer, 5, 0), 0);
    while (!acted)
        assert_true(uv_run(&uv, UV_RUN_ONCE) != 0);
    assert_between(acted, due, due + LATE_MS);
    assert_int_equal(fired, 1);
    assert_in_range(t.turns, 1, 4);
    unsigned turns = t.turns;
    assert_true(uv_run(&uv, UV_RUN_NOWAIT) != 0);
    assert_int_equal(t.turns, turns + 1);
    nx_loop_close(t.loop, loop_test_closed, &t);
    assert_int_equal(t.closed, 0);
    assert_int_equal(uv_timer_start(&theirs, count_timer, 5, 0), 0);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(t.turns, turns + 1);
    assert_int_equal(fired, 2);
    assert_int_equal(t.alloc.live, 0);
    uv_close((uv_handle_t *)&theirs, NULL);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void a_deadline_withdrawn_does_not_wake_a_callers_loop(void **state)
{
    (void)state;
    uv_loop_t uv;
    uv_timer_t theirs;
    unsigned fired = 0;
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(uv_timer_init(&uv, &theirs), 0);
    theirs.data = &fired;
    struct loop_test t;
    loop_test_open(&t, &uv);
    t.deadline = uv_now(&uv) + 10;
    assert_true(uv_run(&uv, UV_RUN_NOWAIT) != 0);
    t.deadline = UINT64_MAX;
    assert_int_equal(uv_timer_start(&theirs, count_timer, 50, 50), 0);
    assert_true(uv_run(&uv, UV_RUN_ONCE) != 0);
    assert_true(fired > 0);
    assert_int_equal(t.turns, 2);
    nx_loop_close(t.loop, loop_test_closed, &t);
    uv_close((uv_handle_t *)&theirs, NULL);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void a_callers_loop_ends_by_itself_after_close_in_a_turn(void **state)
{
    (void)state;
    uv_loop_t uv;
    assert_int_equal(uv_loop_init(&uv), 0);
    for (int i = 0; i < 3; i++) {
        struct loop_test t;
        loop_test_open(&t, &uv);
        unsigned closed_inside = 99;
        t.in_turn = close_in_turn;
        t.arg = &closed_inside;
        t.deadline = uv_now(&uv) + 3;
        assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
        assert_int_equal(closed_inside, 0);
        assert_int_equal(t.closed, 1);
        assert_int_equal(t.alloc.live, 0);
    }
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void a_wakeup_reaches_a_callers_loop(void **state)
{
    (void)state;
    uv_loop_t uv;
    assert_int_equal(uv_loop_init(&uv), 0);
    struct loop_test t;
    loop_test_open(&t, &uv);
    pthread_t thread;
    uint64_t before = loop_test_clock();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, t.loop), 0);
    assert_true(uv_run(&uv, UV_RUN_ONCE) != 0);
    assert_between(loop_test_clock() - before, 0, 19 + LATE_MS);
    assert_int_equal(t.turns, 1);
    pthread_join(thread, NULL);
    nx_loop_close(t.loop, loop_test_closed, &t);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(uv_loop_close(&uv), 0);
}

static void without_memory_no_loop(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct loop_test t = {.deadline = UINT64_MAX};
        struct nx_loop_hooks hooks = {&t, loop_test_deadline, loop_test_turn};
        size_t k = 1;
        for (;; k++) {
            alloc_test_init(&t.alloc);
            t.alloc.fail_at = k;
            t.alloc.fail_on = on;
            struct noex_error err = {0};
            int rc = nx_loop_new(&t.loop, &t.alloc.a, NULL, &hooks, &err);
            if (!t.alloc.failed) {
                assert_int_equal(rc, 0);
                t.closed = 0;
                loop_test_close(&t);
                break;
            }
            assert_int_equal(rc, NOEX_ENOMEM);
            assert_int_equal(err.code, NOEX_ENOMEM);
            assert_int_equal(t.alloc.live, 0);
        }
        assert_true(k > 1);
    }
}

static void without_descriptors_no_loop(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(0), made = 0;
    assert_true(lowest >= 0);
    close(lowest);
    for (int spare = 0; !made && spare < 20; spare++) {
        struct rlimit few = {(rlim_t)(lowest + spare), before.rlim_max};
        struct loop_test t = {.deadline = UINT64_MAX};
        alloc_test_init(&t.alloc);
        struct nx_loop_hooks hooks = {&t, loop_test_deadline, loop_test_turn};
        struct noex_error err = {0};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int rc = nx_loop_new(&t.loop, &t.alloc.a, NULL, &hooks, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        made = rc == 0;
        if (made) {
            loop_test_close(&t);
            assert_true(spare > 0);
            continue;
        }
        assert_int_equal(rc, NOEX_ESYSTEM);
        assert_int_equal(err.sys_errno, EMFILE);
        assert_int_equal(t.alloc.live, 0);
    }
    assert_true(made);
    int again = dup(0);
    assert_int_equal(again, lowest);
    close(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_enters_turn_once_though_nothing_happened),
        cmocka_unit_test(a_run_waits_as_long_as_it_is_told_and_no_longer),
        cmocka_unit_test(a_deadline_is_acted_on_in_the_run_that_waited_for_it),
        cmocka_unit_test(a_deadline_that_has_passed_is_acted_on_at_once),
        cmocka_unit_test(deadlines_come_in_time_and_in_order),
        cmocka_unit_test(a_deadline_moved_nearer_or_farther_counts_as_it_stands_at_the_wait),
        cmocka_unit_test(timeout_is_our_own_deadline_counted_down),
        cmocka_unit_test(an_idle_loop_does_not_spin),
        cmocka_unit_test(an_idle_loop_nested_in_poll_does_not_spin),
        cmocka_unit_test(a_wakeup_from_another_thread_ends_the_wait),
        cmocka_unit_test(a_wakeup_before_the_first_run_is_seen_by_a_foreign_poll),
        cmocka_unit_test(kicks_make_one_turn_come_at_once),
        cmocka_unit_test(a_kick_before_the_descriptor_is_asked_for_is_answered_once),
        cmocka_unit_test(soon_is_never_before_now),
        cmocka_unit_test(a_signal_does_not_cut_the_wait_short),
        cmocka_unit_test(the_clock_stands_still_in_a_turn_until_updated),
        cmocka_unit_test(a_run_inside_a_run_is_refused),
        cmocka_unit_test(closed_from_its_own_turn_it_goes_when_the_run_unwinds),
        cmocka_unit_test(closed_while_asked_for_a_deadline_no_turn_comes),
        cmocka_unit_test(the_allocator_may_go_in_the_closed_callback),
        cmocka_unit_test(a_callers_loop_drives_turns_and_closes_later),
        cmocka_unit_test(a_deadline_withdrawn_does_not_wake_a_callers_loop),
        cmocka_unit_test(a_callers_loop_ends_by_itself_after_close_in_a_turn),
        cmocka_unit_test(a_wakeup_reaches_a_callers_loop),
        cmocka_unit_test(without_memory_no_loop),
        cmocka_unit_test(without_descriptors_no_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
