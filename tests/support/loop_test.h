/* A loop whose owner counts turns and asks for one deadline. SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOP_TEST_H
#define LOOP_TEST_H

#include "alloc_test.h"
#include "cmocka_all.h"
#include "io/loop.h"
#include <time.h>

struct loop_test {
    struct nx_loop *loop;
    struct alloc_test alloc;
    uint64_t deadline;
    unsigned turns;
    unsigned closed;
    void (*in_turn)(struct loop_test *t, uint64_t now);
    void *arg;
};

static inline uint64_t loop_test_deadline(void *ctx)
{
    return ((struct loop_test *)ctx)->deadline;
}

static inline void loop_test_turn(void *ctx, uint64_t now)
{
    struct loop_test *t = ctx;
    t->turns++;
    if (t->in_turn)
        t->in_turn(t, now);
}

static inline void loop_test_closed(void *ctx)
{
    ((struct loop_test *)ctx)->closed++;
}

static inline void loop_test_open(struct loop_test *t, void *foreign)
{
    *t = (struct loop_test){.deadline = UINT64_MAX};
    alloc_test_init(&t->alloc);
    struct nx_loop_hooks hooks = {t, loop_test_deadline, loop_test_turn};
    struct noex_error err = {0};
    assert_int_equal(nx_loop_new(&t->loop, &t->alloc.a, foreign, &hooks, &err), 0);
    assert_int_equal(err.code, 0);
}

/* For a loop of its own: all is over, and all memory back, when this returns. */
static inline void loop_test_close(struct loop_test *t)
{
    nx_loop_close(t->loop, loop_test_closed, t);
    assert_int_equal(t->closed, 1);
    assert_int_equal(t->alloc.live, 0);
}

/* Milliseconds of the real clock, independent of the loop's. */
static inline uint64_t loop_test_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void loop_test_sleep(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&wait, &wait))
        continue;
}

/* Turns until `*flag` is no longer 0; fails after ten seconds. */
static inline void loop_test_until(struct loop_test *t, const unsigned *flag)
{
    uint64_t end = loop_test_clock() + 10000;
    while (!*flag) {
        assert_int_equal(nx_loop_run(t->loop, 1000), 0);
        assert_true(loop_test_clock() < end);
    }
}

#endif
