/* What runs in several threads: nodes side by side, and posts to one node. Meant for
 * ThreadSanitizer. NOEX_POST_SECONDS: how long the posting takes (2).
 * SPDX-License-Identifier: Apache-2.0 */
#include "node_bench.h"

#include <noex/uv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { NODES = 16, ROUNDS = 3, MONITORS = 40, POSTERS = 8, MOST_WAITING = 2000 };

static const uint8_t normal_bytes[] = {119, 6, 'n', 'o', 'r', 'm', 'a', 'l'};
static const struct nx_span normal = {normal_bytes, sizeof normal_bytes};

/* ---- nodes side by side ---- */

static bool all_over(struct bench *b)
{
    return b->count[M_DOWN] == MONITORS;
}

/* Each of its monitors ends once: half by their processes' ends, half by the loss. */
static void live_a_life(struct bench *b)
{
    struct fake_beam *beam = bench_beam(b, NULL);
    noex_monitor_id id[MONITORS];
    fake_beam_spawn(beam, "dies");
    fake_beam_spawn(beam, "stays");
    for (int i = 0; i < MONITORS; i++)
        id[i] = bench_monitor_name(b, 0, i % 2 ? "dies" : "stays", NULL);
    assert_int_equal(noex_connect(b->node, "nobody@localhost:1", NOEX_CONNECT_KEEP), 0);
    bench_until(b, M_UP, MONITORS);
    assert_int_equal(fake_beam_die(beam, "dies", normal, FAKE_PAYLOAD), MONITORS / 2);
    bench_until(b, M_DOWN, MONITORS / 2);
    fake_beam_hang_up(beam, false);
    bench_until_true(b, all_over);
    bench_until(b, DOWN, 1);
    for (int i = 0; i < MONITORS; i++) {
        const struct seen *down = bench_of(b, M_DOWN, id[i]);
        assert_non_null(bench_of(b, M_UP, id[i]));
        assert_int_equal(down->origin, i % 2 ? NOEX_ORIGIN_PEER : NOEX_ORIGIN_LOCAL);
    }
    bench_until(b, FAILED, 1); /* the look-up of localhost ran in a thread of its own */
}

/* Each with a fake, and an allocator that only this thread may call, of its own. */
static void *live(void *arg)
{
    struct bench *b = malloc(sizeof *b);
    assert_non_null(b);
    for (int round = 0; round < ROUNDS; round++) {
        bench_init(b);
        if (round % 2)
            b->options.name = NULL;
        b->pull = round == 2;
        bench_open(b);
        live_a_life(b);
        bench_close(b);
    }
    free(b);
    *(bool *)arg = true;
    return NULL;
}

static void sixteen_nodes_live_in_sixteen_threads(void **state)
{
    (void)state;
    pthread_t thread[NODES];
    bool done[NODES] = {false};
    for (int i = 0; i < NODES; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, live, &done[i]), 0);
    for (int i = 0; i < NODES; i++) {
        pthread_join(thread[i], NULL);
        assert_true(done[i]);
    }
}

/* ---- posts to one node ---- */

static struct bench b;

/** A thread that posts until it is refused. */
struct writer {
    pthread_t thread;
    noex_poster *poster; /* a hold of its own */
    uint64_t posted;     /* taken by the node */
    uint64_t ran;        /* in the node's thread, */
    uint64_t cancelled;  /* never before one that ran */
    atomic_uint waiting;
};

/** What is posted: its place in the order of its writer. */
struct note {
    struct writer *writer;
    uint64_t number;
};

static void take_note(noex_node *node, void *user)
{
    struct note *n = user;
    struct writer *w = n->writer;
    assert_true(n->number == w->ran + w->cancelled);
    assert_true(!node || !w->cancelled);
    w->ran += node != NULL;
    w->cancelled += node == NULL;
    atomic_fetch_sub(&w->waiting, 1);
    free(n);
}

static void *write_notes(void *arg)
{
    struct writer *w = arg;
    for (;;) {
        struct note *n = malloc(sizeof *n);
        assert_non_null(n);
        *n = (struct note){w, w->posted};
        atomic_fetch_add(&w->waiting, 1);
        int rc = noex_post(w->poster, take_note, n);
        if (rc) {
            assert_int_equal(rc, NOEX_ESTATE);
            free(n);
            break;
        }
        w->posted++;
        while (atomic_load(&w->waiting) > MOST_WAITING)
            sched_yield();
    }
    noex_poster_release(w->poster);
    return NULL;
}

static atomic_bool wakes;

static void *wake_often(void *node)
{
    const struct timespec pause = {0, 50000};
    while (atomic_load(&wakes)) {
        noex_node_wakeup(node);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void start_writers(struct writer *w)
{
    noex_poster *first;
    assert_int_equal(noex_poster_new(&first, b.node), 0);
    for (int i = 0; i < POSTERS; i++) {
        w[i] = (struct writer){.poster = noex_poster_hold(first)};
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_notes, &w[i]), 0);
    }
    noex_poster_release(first);
}

static void balance(struct writer *w, uint64_t ms)
{
    uint64_t posted = 0, ran = 0, cancelled = 0;
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(w[i].thread, NULL);
        assert_true(w[i].posted == w[i].ran + w[i].cancelled);
        assert_true(w[i].ran > 0);
        posted += w[i].posted;
        ran += w[i].ran;
        cancelled += w[i].cancelled;
    }
    print_message("%.1f s: %llu posted, %llu ran, %llu cancelled, %u refused\n", (double)ms / 1000,
                  (unsigned long long)posted, (unsigned long long)ran,
                  (unsigned long long)cancelled, POSTERS);
}

/* Half of the time on a loop of its own, half on a caller's. The node has monitors that come and go
 * meanwhile. */
static void post_for(uint64_t ms, uv_loop_t *uv)
{
    struct writer w[POSTERS];
    pthread_t waker;
    bench_init(&b);
    b.uv = uv;
    b.no_keep = true;
    bench_open(&b);
    bench_beam(&b, NULL)->no_record = true;
    atomic_store(&wakes, true);
    assert_int_equal(pthread_create(&waker, NULL, wake_often, b.node), 0);
    start_writers(w);
    for (uint64_t end = bench_clock() + ms; bench_clock() < end;) {
        bench_monitor_name(&b, 0, "absent", NULL);
        bench_step(&b);
    }
    atomic_store(&wakes, false);
    pthread_join(waker, NULL);
    assert_true(b.count[M_DOWN] > 0);
    bench_close(&b); /* while they post */
    balance(w, ms);
}

static uint64_t post_ms(void)
{
    const char *seconds = getenv("NOEX_POST_SECONDS");
    return 1000 * (seconds ? strtoull(seconds, NULL, 10) : 2);
}

static void eight_threads_post_to_one_node_until_it_is_closed(void **state)
{
    (void)state;
    uv_loop_t uv;
    post_for(post_ms() / 2, NULL);
    assert_int_equal(uv_loop_init(&uv), 0);
    post_for(post_ms() / 2, &uv);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&uv), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_nodes_live_in_sixteen_threads),
        cmocka_unit_test(eight_threads_post_to_one_node_until_it_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
