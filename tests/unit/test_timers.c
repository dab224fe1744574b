/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cmocka_all.h"
#include "node/timers.h"
#include <noex/noex.h>

static struct {
    noex_timer_id fired[16];
    unsigned count;
} seen;

static void fire(void *user, noex_timer_id id)
{
    (void)user;
    seen.fired[seen.count++] = id;
}

static int reset(void **state)
{
    (void)state;
    seen.count = 0;
    return 0;
}

static noex_timer_id start(struct nx_timers *t, uint64_t deadline)
{
    noex_timer_id id = 0;
    assert_int_equal(nx_timer_start(t, deadline, fire, NULL, &id), 0);
    assert_true(id != 0);
    return id;
}

static void in_the_order_of_deadlines_and_of_starting(void **state)
{
    struct alloc_test a;
    struct nx_timers t;
    const bool stop = false;
    (void)state;
    alloc_test_init(&a);
    nx_timers_init(&t, &a.a);
    assert_int_equal(nx_timers_deadline(&t), UINT64_MAX);
    noex_timer_id late = start(&t, 30), first = start(&t, 10), second = start(&t, 10),
                  third = start(&t, 10);
    start(&t, UINT64_MAX);
    assert_int_equal(nx_timers_deadline(&t), 10);
    nx_timers_run(&t, 9, &stop);
    assert_int_equal(seen.count, 0);
    nx_timers_run(&t, 10, &stop);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.fired[0], first);
    assert_int_equal(seen.fired[1], second);
    assert_int_equal(seen.fired[2], third);
    nx_timers_run(&t, 1000, &stop);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.fired[3], late);
    nx_timers_free(&t);
    assert_int_equal(a.live, 0);
}

static void one_that_is_cancelled_is_silent(void **state)
{
    struct alloc_test a;
    struct nx_timers t;
    const bool stop = false;
    (void)state;
    alloc_test_init(&a);
    nx_timers_init(&t, &a.a);
    noex_timer_id one = start(&t, 10), two = start(&t, 11);
    nx_timer_cancel(&t, one);
    nx_timer_cancel(&t, one);
    nx_timer_cancel(&t, 0);
    nx_timers_run(&t, 20, &stop);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.fired[0], two);
    noex_timer_id again = start(&t, 30);
    assert_true(again != one && again != two);
    nx_timer_cancel(&t, two); /* its slot has another timer now */
    nx_timers_run(&t, 30, &stop);
    assert_int_equal(seen.count, 2);
    nx_timers_free(&t);
}

static struct nx_timers *mine;
static bool stopped;

static void start_again(void *user, noex_timer_id id)
{
    noex_timer_id other;
    (void)user;
    seen.fired[seen.count++] = id;
    assert_int_equal(nx_timer_start(mine, 0, start_again, NULL, &other), 0);
    stopped = seen.count == 3;
}

static void one_that_starts_itself_anew_waits_for_the_next_turn(void **state)
{
    struct alloc_test a;
    struct nx_timers t;
    noex_timer_id id;
    (void)state;
    alloc_test_init(&a);
    nx_timers_init(&t, &a.a);
    mine = &t;
    stopped = false;
    assert_int_equal(nx_timer_start(&t, 0, start_again, NULL, &id), 0);
    nx_timers_run(&t, 5, &stopped);
    assert_int_equal(seen.count, 1);
    nx_timers_run(&t, 5, &stopped);
    assert_int_equal(seen.count, 2);
    nx_timers_run(&t, 5, &stopped);
    nx_timers_run(&t, 5, &stopped); /* the node is closing */
    assert_int_equal(seen.count, 3);
    nx_timers_free(&t);
    assert_int_equal(a.live, 0);
}

static void no_memory_is_said(void **state)
{
    struct alloc_test a;
    struct nx_timers t;
    noex_timer_id id = 0;
    (void)state;
    alloc_test_init(&a);
    nx_timers_init(&t, &a.a);
    for (size_t k = 1; id == 0; k++) {
        a.fail_at = a.calls + k;
        int rc = nx_timer_start(&t, 10, fire, NULL, &id);
        assert_true(rc == 0 || rc == NOEX_ENOMEM);
    }
    nx_timers_free(&t);
    assert_int_equal(a.live, 0);
}

static void close_node(void *user, noex_timer_id id)
{
    (void)id;
    seen.count++;
    noex_node_close(user, NULL, NULL);
}

static void in_a_node_which_one_of_them_closes(void **state)
{
    struct noex_options o;
    noex_node *node;
    noex_timer_id id;
    (void)state;
    noex_options_init(&o);
    o.cookie = "x";
    assert_int_equal(noex_node_new(&node, &o, NULL), 0);
    assert_int_equal(noex_timer_start(node, 20, close_node, node, &id), 0);
    assert_int_equal(noex_timer_start(node, 20, close_node, node, &id), 0);
    int64_t wait = noex_node_timeout_ms(node);
    assert_true(wait > 0 && wait <= 20);
    int rc = 0;
    while (rc == 0)
        rc = noex_node_process(node, 1000);
    assert_int_equal(rc, NOEX_ESTATE);
    assert_int_equal(seen.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(in_the_order_of_deadlines_and_of_starting, reset),
        cmocka_unit_test_setup(one_that_is_cancelled_is_silent, reset),
        cmocka_unit_test_setup(one_that_starts_itself_anew_waits_for_the_next_turn, reset),
        cmocka_unit_test_setup(no_memory_is_said, reset),
        cmocka_unit_test_setup(in_a_node_which_one_of_them_closes, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
