/* Fake peers that step in a thread of their own, for tests of functions that wait.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BEAM_THREAD_H
#define BEAM_THREAD_H

#include "node_bench.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/** What is done to the fakes meanwhile is done between lock and unlock. */
struct beam_thread {
    struct bench *bench;
    pthread_t thread;
    pthread_mutex_t lock;
    atomic_bool stop;
    uint64_t at_ms; /* by bench_clock: when `then` is called, in that thread; 0: never */
    void (*then)(struct bench *b);
};

static inline void beam_thread_pause(void)
{
    const struct timespec pause = {0, 300000};
    nanosleep(&pause, NULL);
}

static inline void *beam_thread_run(void *arg)
{
    struct beam_thread *t = arg;
    while (!atomic_load(&t->stop)) {
        bool moved = false;
        pthread_mutex_lock(&t->lock);
        for (unsigned i = 0; i < t->bench->beams; i++)
            moved |= fake_beam_step(&t->bench->beam[i]);
        if (t->at_ms && bench_clock() >= t->at_ms) {
            t->at_ms = 0;
            t->then(t->bench);
        }
        pthread_mutex_unlock(&t->lock);
        if (!moved)
            beam_thread_pause();
    }
    return NULL;
}

static inline void beam_thread_start(struct beam_thread *t, struct bench *b)
{
    t->bench = b;
    t->at_ms = 0;
    atomic_init(&t->stop, false);
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_create(&t->thread, NULL, beam_thread_run, t), 0);
}

static inline void beam_thread_later(struct beam_thread *t, uint64_t ms,
                                     void (*then)(struct bench *))
{
    pthread_mutex_lock(&t->lock);
    t->at_ms = bench_clock() + ms;
    t->then = then;
    pthread_mutex_unlock(&t->lock);
}

static inline void beam_thread_stop(struct beam_thread *t)
{
    atomic_store(&t->stop, true);
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    pthread_mutex_destroy(&t->lock);
}

#endif
