/* Each allocation of a cluster's life fails once: nothing crashes, nothing leaks, whoever asked is
 * told, and at most once. SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cluster_bench.h"
#include "cmocka_all.h"
#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 6 };

static struct alloc_test alloc;
static struct cluster_bench b;
static struct outcome told[ASKED];
static unsigned asked;

static bool settled(noex_cluster *c)
{
    for (unsigned i = 0; i < asked; i++)
        if (!told[i].told)
            return false;
    (void)c;
    return true;
}

static bool is_settled(void *ctx)
{
    return settled(ctx);
}

/* What is asked fails at once, or is told. */
static void ask(int rc)
{
    if (rc == 0)
        asked++;
    else
        assert_int_equal(rc, NOEX_ENOMEM);
}

static void use(noex_cluster *c, struct bench_cluster *other, const struct noex_ref *theirs)
{
    struct noex_remote_spawn_options o;
    struct noex_ref mine;
    const struct noex_target target = noex_ref_target(theirs);
    noex_op m = 0, l = 0, t;
    asked = 0;
    memset(told, 0, sizeof told);
    if (noex_gen_server_start(c, &teller, NULL, &mine, NULL))
        return;
    ask(noex_gen_server_call(c, &target, bench_term("{reply, 1}"), 1000, outcome_done, &told[asked],
                             NULL));
    ask(noex_remote_monitor(c, &mine, &target, 1000, outcome_done, &told[asked], &m));
    ask(noex_remote_link(c, &mine, &target, 1000, outcome_done, &told[asked], &l));
    noex_remote_spawn_options_init(&o);
    o.done = outcome_done;
    o.user = &told[asked];
    o.timeout_ms = 1000;
    ask(noex_remote_spawn(c, "teller", other->name, &o, NULL));
    ask(noex_global_whereis(c, "x", outcome_done, &told[asked], NULL));
    int rc = noex_gen_server_send_after(c, &mine, 1, bench_term("x"), &t);
    assert_true(rc == 0 || rc == NOEX_ENOMEM);
    bench_clusters_until(&b, is_settled, c, "the answers");
    for (unsigned i = 0; i < asked; i++)
        assert_int_equal(told[i].told, 1);
    assert_int_equal(noex_remote_demonitor(c, m), 0);
    assert_int_equal(noex_remote_unlink(c, l), 0);
    bench_clusters_for(&b, 2);
}

/* One life with the k-th allocation failing (0: none); how many there were. */
static size_t live(size_t k, struct bench_cluster *other, const struct noex_ref *theirs)
{
    struct noex_cluster_options o;
    struct noex_options n;
    const char *seeds[] = {other->address, NULL};
    noex_cluster *c;
    alloc_test_init(&alloc);
    bench_cluster_options(&o, &n, "a");
    n.allocator = &alloc.a;
    o.seeds = seeds;
    o.stop_ms = 20;
    alloc.fail_at = k;
    int rc = noex_cluster_new(&c, &o, NULL);
    assert_true(rc == 0 || rc == NOEX_ENOMEM);
    if (rc)
        return alloc.calls;
    struct bench_cluster *a = &b.at[b.count++];
    memset(a, 0, sizeof *a);
    a->c = c;
    noex_behavior_register(c, "teller", &teller);
    rc = noex_cluster_start(c);
    assert_true(rc == 0 || rc == NOEX_ENOMEM);
    rc = rc ? rc : (noex_cluster_wait)(c, NOEX_CLUSTER_RUNNING, 1000);
    if (rc == 0)
        use(c, other, theirs);
    noex_cluster_stop(c);
    if (noex_cluster_get_status(c) != NOEX_CLUSTER_STOPPED)
        rc = (noex_cluster_wait)(c, NOEX_CLUSTER_STOPPED, 1000);
    noex_cluster_free(c);
    b.count--;
    assert_int_equal(alloc.live, 0);
    return alloc.calls;
}

static void every_allocation_fails_once(void **state)
{
    (void)state;
    b.count = 0;
    struct bench_cluster *other = bench_cluster_start(&b, "b", NULL);
    struct noex_ref theirs = bench_teller(&b, other, NULL);
    size_t calls = live(0, other, &theirs);
    print_message("%zu allocations, %u asked\n", calls, asked);
    assert_true(calls > 100 && asked == 5);
    for (size_t k = 1; k <= calls; k++)
        live(k, other, &theirs);
    bench_clusters_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
