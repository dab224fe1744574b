/* SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 4, POSTS = 2000, LONG_MS = 20000 };

static struct bench b;

/* What came of what was posted: each is told once. */
static size_t ran, cancelled;
static noex_poster *poster;

static int open_node(void **state)
{
    (void)state;
    ran = cancelled = 0;
    bench_init(&b);
    bench_open(&b);
    assert_int_equal(noex_poster_new(&poster, b.node), 0);
    return 0;
}

static int close_node(void **state)
{
    (void)state;
    noex_poster_release(poster);
    bench_close(&b);
    return 0;
}

static void close_now(void)
{
    noex_node_free(b.node);
    b.node = NULL;
}

static void run(void)
{
    assert_int_equal(noex_node_process(b.node, 0), 0);
}

static void count(noex_node *node, void *user)
{
    (void)user;
    assert_true(!node || node == b.node);
    ran += node != NULL;
    cancelled += node == NULL;
}

static void post(noex_post_fn fn, void *user)
{
    assert_int_equal(noex_post(poster, fn, user), 0);
}

/* ---- one thread ---- */

static size_t order[3], place;

static void note_order(noex_node *node, void *user)
{
    assert_ptr_equal(node, b.node);
    order[place++] = *(size_t *)user;
}

static void what_is_posted_runs_in_process_once_and_in_its_order(void **state)
{
    (void)state;
    size_t numbers[] = {1, 2, 3};
    place = 0;
    for (int i = 0; i < 3; i++)
        post(note_order, &numbers[i]);
    assert_int_equal(place, 0);
    run();
    run();
    assert_int_equal(place, 3);
    assert_memory_equal(order, numbers, sizeof order);
}

static void a_post_ends_the_wait_of_a_node(void **state)
{
    (void)state;
    post(count, NULL);
    uint64_t before = bench_clock();
    assert_int_equal(noex_node_process(b.node, LONG_MS), 0);
    assert_true(bench_clock() - before < LONG_MS / 2);
    assert_int_equal(ran, 1);
}

static void post_again(noex_node *node, void *user)
{
    count(node, user);
    if (ran < 5)
        post(post_again, NULL);
}

static void what_a_posted_function_posts_runs_in_the_next_turn(void **state)
{
    (void)state;
    post(post_again, NULL);
    for (size_t turn = 1; turn <= 7; turn++) {
        run();
        assert_int_equal(ran, turn < 5 ? turn : 5);
    }
    assert_int_equal(noex_node_timeout_ms(b.node), -1);
}

/* All that a callback may do. */
static void call_everything(noex_node *node, void *user)
{
    const struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = "x@127.0.0.1:1", .name = "y"};
    noex_monitor_id id;
    struct noex_stats stats;
    noex_poster *other;
    assert_int_equal(noex_node_process(node, LONG_MS), NOEX_EREENTRANT);
    assert_int_equal(noex_wait_node_up(node, "x@127.0.0.1:1", LONG_MS), NOEX_EREENTRANT);
    assert_int_equal(noex_node_timeout_ms(node), 0);
    assert_int_equal(noex_connect(node, "x@127.0.0.1:1", NOEX_CONNECT_ONCE), 0);
    assert_int_equal(noex_disconnect(node, "x@127.0.0.1:1"), 0);
    assert_int_equal(noex_monitor(node, &t, 0, NULL, &id), 0);
    assert_int_equal(noex_demonitor(node, id), 0);
    assert_null(noex_node_next_event(node));
    assert_true(noex_node_now_ms(node) > 0);
    noex_node_stats(node, &stats, sizeof stats);
    noex_node_wakeup(node);
    assert_int_equal(noex_poster_new(&other, node), 0);
    noex_poster_release(other);
    count(node, user);
}

static void driving_a_posted_function_is_a_callback(void **state)
{
    (void)state;
    post(call_everything, NULL);
    run();
    assert_int_equal(ran, 1);
    run();
    assert_int_equal(b.count[FAILED], 1); /* what it asked for is told afterwards */
}

/* ---- the node goes ---- */

static void what_waits_when_the_node_is_closed_is_cancelled_once(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        post(count, NULL);
    close_now();
    assert_int_equal(ran, 0);
    assert_int_equal(cancelled, 10);
    assert_int_equal(b.alloc.live, 0); /* though the poster is there still */
}

static void driving_a_poster_may_outlive_its_node(void **state)
{
    (void)state;
    noex_poster *second = noex_poster_hold(poster);
    assert_ptr_equal(second, poster);
    close_now();
    assert_int_equal(noex_post(poster, count, NULL), NOEX_ESTATE);
    noex_poster_release(second);
    assert_int_equal(noex_post(poster, count, NULL), NOEX_ESTATE);
    assert_int_equal(ran + cancelled, 0);
}

static unsigned closed;

static void note_closed(void *user)
{
    (void)user;
    assert_int_equal(b.alloc.live, 0);
    closed++;
}

static void close_inside(noex_node *node, void *user)
{
    count(node, user);
    noex_node_close(node, note_closed, NULL);
    noex_node_close(node, note_closed, NULL);
    assert_int_equal(closed, 0);
    post(count, NULL); /* taken, and cancelled with the others */
}

static void driving_a_node_freed_in_a_posted_function_goes_on_unwinding(void **state)
{
    (void)state;
    closed = 0;
    post(count, NULL);
    post(close_inside, NULL);
    post(count, NULL);
    post(count, NULL);
    assert_int_equal(noex_node_process(b.node, 0), NOEX_ESTATE); /* gone */
    b.node = NULL;
    assert_int_equal(closed, 1);
    assert_int_equal(ran, 2);
    assert_int_equal(cancelled, 3);
    assert_int_equal(noex_post(poster, count, NULL), NOEX_ESTATE);
}

static int last_result;

static void post_and_release(noex_node *node, void *user)
{
    noex_poster *held = user;
    count(node, NULL);
    last_result = noex_post(held, count, NULL);
    noex_poster_release(held);
}

static void a_cancelled_function_may_post_in_vain_and_release_the_last_poster(void **state)
{
    (void)state;
    post(post_and_release, poster);
    noex_poster *gone = poster;
    poster = NULL;
    assert_non_null(gone);
    last_result = 0;
    close_now();
    assert_int_equal(last_result, NOEX_ESTATE);
    assert_int_equal(cancelled, 1);
    assert_int_equal(ran, 0);
}

static void call_in_vain(noex_node *node, void *user)
{
    const struct noex_event *e;
    count(node, NULL);
    last_result = noex_node_process(user, LONG_MS);
    assert_int_equal(noex_wait_event(user, LONG_MS, &e), last_result);
    noex_node_free(user);
}

/* Against the rules: the node is closing, and must not be used any more. */
static void a_cancelled_function_cannot_drive_the_node(void **state)
{
    (void)state;
    post(call_in_vain, b.node);
    last_result = 0;
    close_now();
    assert_int_equal(last_result, NOEX_EREENTRANT);
    assert_int_equal(cancelled, 1);
}

static void connect_in_vain(noex_node *node, void *user)
{
    const struct noex_target t = {.kind = NOEX_TARGET_NAME, .node = "y@127.0.0.1:1", .name = "y"};
    noex_monitor_id id;
    count(node, user);
    noex_node_free(node);
    assert_int_equal(noex_connect(node, "x@127.0.0.1:1", NOEX_CONNECT_KEEP), 0);
    assert_int_equal(noex_monitor(node, &t, 0, NULL, &id), 0);
    noex_node_wakeup(node);
}

static void what_is_begun_after_the_close_in_a_callback_comes_to_nothing(void **state)
{
    (void)state;
    post(connect_in_vain, NULL);
    assert_int_equal(noex_node_process(b.node, 0), NOEX_ESTATE);
    b.node = NULL;
    assert_int_equal(ran, 1);
    assert_int_equal(b.alloc.live, 0);
    assert_int_equal(b.seen_count, 0);
}

static void posters_of_one_node_are_one_way_in(void **state)
{
    (void)state;
    noex_poster *other;
    size_t numbers[] = {1, 2, 3};
    place = 0;
    assert_int_equal(noex_poster_new(&other, b.node), 0);
    post(note_order, &numbers[0]);
    assert_int_equal(noex_post(other, note_order, &numbers[1]), 0);
    noex_poster_release(other); /* what it posted runs all the same */
    post(note_order, &numbers[2]);
    run();
    assert_memory_equal(order, numbers, sizeof order);
}

static void a_node_that_never_ran_cancels_what_was_posted(void **state)
{
    (void)state;
    struct bench other;
    noex_poster *p;
    bench_init(&other);
    bench_open(&other);
    assert_int_equal(noex_poster_new(&p, other.node), 0);
    assert_int_equal(noex_post(p, count, NULL), 0);
    bench_close(&other);
    assert_int_equal(cancelled, 1);
    noex_poster_release(p);
}

static void without_arguments_there_is_no_post(void **state)
{
    (void)state;
    noex_poster *p = NULL;
    assert_int_equal(noex_poster_new(NULL, b.node), NOEX_EINVALID);
    assert_int_equal(noex_node_error(b.node)->code, NOEX_EINVALID);
    assert_int_equal(noex_poster_new(&p, NULL), NOEX_EINVALID);
    assert_null(p);
    assert_null(noex_poster_hold(NULL));
    noex_poster_release(NULL);
    assert_int_equal(noex_post(NULL, count, NULL), NOEX_EINVALID);
    assert_int_equal(noex_post(poster, NULL, NULL), NOEX_EINVALID);
}

/* ---- threads ---- */

struct writer {
    pthread_t thread;
    noex_poster *poster; /* a hold of its own */
    size_t posted;       /* by this thread */
    size_t came;         /* in the node's thread: run, then cancelled */
};

/** What is posted: its place in the order of its writer. */
struct note {
    struct writer *writer;
    size_t number;
};

static void take_note(noex_node *node, void *user)
{
    struct note *n = user;
    assert_int_equal(n->number, n->writer->came++);
    count(node, NULL);
    free(n);
}

static void *write_notes(void *arg)
{
    struct writer *w = arg;
    while (w->posted < POSTS) {
        struct note *n = malloc(sizeof *n);
        assert_non_null(n);
        *n = (struct note){w, w->posted};
        if (noex_post(w->poster, take_note, n)) {
            free(n);
            break;
        }
        w->posted++;
    }
    noex_poster_release(w->poster);
    return NULL;
}

static void start_writers(struct writer *w)
{
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct writer){.poster = noex_poster_hold(poster)};
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_notes, &w[i]), 0);
    }
}

static void what_threads_post_runs_once_and_in_the_order_of_each(void **state)
{
    (void)state;
    struct writer w[THREADS];
    start_writers(w);
    while (ran < (size_t)THREADS * POSTS) /* a lost wake-up hangs here */
        assert_int_equal(noex_node_process(b.node, UINT64_MAX), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(w[i].thread, NULL);
    assert_int_equal(cancelled, 0);
}

static void driving_posted_functions_run_exactly_once_or_are_cancelled(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        struct writer w[THREADS];
        if (round)
            open_node(state);
        start_writers(w);
        for (int i = 0; i < round % 4; i++)
            assert_int_equal(noex_node_process(b.node, 1), 0);
        close_now();
        for (int i = 0; i < THREADS; i++) {
            pthread_join(w[i].thread, NULL);
            assert_int_equal(w[i].came, w[i].posted);
        }
        if (round < 29) {
            noex_poster_release(poster);
            bench_close(&b);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_node, close_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_posted_runs_in_process_once_and_in_its_order),
        TEST(a_post_ends_the_wait_of_a_node),
        TEST(what_a_posted_function_posts_runs_in_the_next_turn),
        TEST(driving_a_posted_function_is_a_callback),
        TEST(what_waits_when_the_node_is_closed_is_cancelled_once),
        TEST(driving_a_poster_may_outlive_its_node),
        TEST(driving_a_node_freed_in_a_posted_function_goes_on_unwinding),
        TEST(a_cancelled_function_may_post_in_vain_and_release_the_last_poster),
        TEST(a_cancelled_function_cannot_drive_the_node),
        TEST(what_is_begun_after_the_close_in_a_callback_comes_to_nothing),
        TEST(posters_of_one_node_are_one_way_in),
        TEST(a_node_that_never_ran_cancels_what_was_posted),
        TEST(without_arguments_there_is_no_post),
        TEST(what_threads_post_runs_once_and_in_the_order_of_each),
        TEST(driving_posted_functions_run_exactly_once_or_are_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
