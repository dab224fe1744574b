/* A cluster in a thread of its own, and others that post to it: for ThreadSanitizer, and for the
 * books. NOEX_POST_SECONDS says for how long. SPDX-License-Identifier: Apache-2.0 */
#include "cluster_bench.h"
#include "cmocka_all.h"
#include "observe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 8, TARGETS = 32, MONITORS = 512, WAITING_MAX = 200 };

/* What belongs to the cluster's thread, but for the poster and the stop. */
static struct {
    struct bench_cluster *a;
    noex_poster *poster;
    atomic_bool stop;
    atomic_int waiting; /* posts that have not run: no more than so many */
    struct noex_ref watcher;
    struct noex_ref target[TARGETS];
    unsigned targets;
    noex_op monitor[MONITORS];
    uint64_t downs, answered, failed, calls_answered, asked, calls;
    unsigned random;
} world;

static unsigned chance(unsigned below)
{
    world.random = world.random * 1103515245 + 12345;
    return (world.random >> 16) % below;
}

static void on_down(void *user, const struct noex_lifecycle_event *e)
{
    (void)user;
    world.downs += e->type == NOEX_LIFECYCLE_PROCESS_DOWN;
}

static void on_monitor(void *user, const struct noex_result *r)
{
    (void)user;
    world.answered += r->error == NULL;
    world.failed += r->error != NULL;
}

static void on_call(void *user, const struct noex_result *r)
{
    (void)user, (void)r;
    world.calls_answered++;
}

static void on_spawn(void *user, const struct noex_result *r)
{
    unsigned place = (unsigned)(uintptr_t)user;
    if (r->error)
        return;
    world.target[place] = *r->process;
    if (place == world.targets)
        world.targets++;
}

static void spawn(unsigned place)
{
    static const char *const where = "b@127.0.0.1";
    struct noex_remote_spawn_options o;
    noex_remote_spawn_options_init(&o);
    o.done = on_spawn;
    o.user = (void *)(uintptr_t)place;
    assert_int_equal(noex_remote_spawn(world.a->c, "teller", where, &o, NULL), 0);
}

static void monitor(const struct noex_target *target)
{
    noex_op *m = &world.monitor[chance(MONITORS)];
    if (*m)
        assert_int_equal(noex_remote_demonitor(world.a->c, *m), 0);
    assert_int_equal(
        noex_remote_monitor(world.a->c, &world.watcher, target, 0, on_monitor, NULL, m), 0);
    world.asked++;
}

static void act(noex_node *node, void *user)
{
    static const uint8_t get[] = {119, 3, 'g', 'e', 't'}, kill[] = {119, 4, 'k', 'i', 'l', 'l'};
    (void)user;
    atomic_fetch_sub(&world.waiting, 1);
    if (!node || world.targets == 0)
        return;
    unsigned place = chance(world.targets), what = chance(100);
    const struct noex_target target = noex_ref_target(&world.target[place]);
    if (what < 50) {
        monitor(&target);
    } else if (what < 75) {
        assert_int_equal(noex_remote_demonitor(world.a->c, world.monitor[chance(MONITORS)]), 0);
    } else if (what < 97) {
        assert_int_equal(noex_gen_server_call(world.a->c, &target,
                                              (struct noex_term){get, sizeof get}, 0, on_call, NULL,
                                              NULL),
                         0);
        world.calls++;
    } else {
        assert_int_equal(
            noex_gen_server_exit(world.a->c, &target, (struct noex_term){kill, sizeof kill}), 0);
        spawn(place);
    }
}

static void *post_on(void *arg)
{
    noex_poster *poster = arg;
    struct timespec pause = {0, 200000};
    while (!atomic_load(&world.stop)) {
        for (int i = 0; i < 20 && atomic_load(&world.waiting) < WAITING_MAX; i++) {
            atomic_fetch_add(&world.waiting, 1);
            if (noex_post(poster, act, NULL))
                break;
        }
        nanosleep(&pause, NULL);
    }
    noex_poster_release(poster);
    return NULL;
}

static void *drive(void *arg)
{
    struct cluster_bench *b = arg;
    while (!atomic_load(&world.stop))
        bench_clusters_turn(b);
    return NULL;
}

static bool all_answered(void *ctx)
{
    struct noex_remote_monitor_stats st;
    (void)ctx;
    noex_remote_monitor_get_stats(world.a->c, &st, sizeof st);
    return st.pending_count == 0 && world.calls == world.calls_answered;
}

static void eight_threads_post_and_the_books_balance(void **state)
{
    struct cluster_bench b = {.count = 0};
    struct noex_remote_monitor_stats st;
    pthread_t threads[THREADS], driver;
    const char *seconds = getenv("NOEX_POST_SECONDS");
    (void)state;
    struct bench_cluster *other = bench_cluster_start(&b, "b", NULL);
    world.a = bench_cluster_start(&b, "a", other);
    world.watcher = bench_teller(&b, world.a, NULL);
    assert_int_equal(noex_on_lifecycle_event(world.a->c, on_down, NULL, NULL), 0);
    for (unsigned i = 0; i < TARGETS; i++) {
        spawn(i);
        while (world.targets <= i)
            bench_clusters_turn(&b);
    }
    assert_int_equal(noex_poster_new(&world.poster, noex_cluster_node(world.a->c)), 0);
    assert_int_equal(pthread_create(&driver, NULL, drive, &b), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_on, noex_poster_hold(world.poster)),
                         0);
    struct timespec time = {seconds ? atoi(seconds) : 2, 0};
    nanosleep(&time, NULL);
    atomic_store(&world.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(driver, NULL);
    noex_poster_release(world.poster);
    bench_clusters_until(&b, all_answered, NULL, "the answers");
    bench_clusters_for(&b, 50);
    noex_remote_monitor_get_stats(world.a->c, &st, sizeof st);
    assert_true(world.asked > 100 && world.downs > 0 && st.total_demonitored > 0);
    /* Established = down + demonitored + active; what was demonitored while it was pending was
     * never established. */
    uint64_t early = st.total_initiated - st.total_established - st.total_failed;
    assert_int_equal(st.total_initiated, world.asked);
    assert_int_equal(st.total_established, world.answered);
    assert_int_equal(st.total_failed, world.failed);
    assert_int_equal(st.total_established,
                     world.downs + (st.total_demonitored - early) + st.active_outgoing_count);
    bench_clusters_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(eight_threads_post_and_the_books_balance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
