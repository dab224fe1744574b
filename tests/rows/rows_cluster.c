/* Rows C of noex's behaviour: the cluster. See tests/NOEX_ROWS.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdlib.h>

static int make(const struct noex_cluster_options *o)
{
    struct noex_error err;
    noex_cluster *c;
    int rc = noex_cluster_new(&c, o, &err);
    if (rc) {
        assert_int_equal(rc, err.code);
        assert_true(strlen(err.text) > 5);
    } else {
        assert_int_equal(noex_cluster_get_status(c), NOEX_CLUSTER_STOPPED);
        noex_cluster_free(c);
    }
    return rc;
}

static void C01_bad_options(void **state)
{
    struct noex_cluster_options good, o;
    struct noex_options n;
    char name65[66] = "";
    const char *bad_seeds[] = {"b@127.0.0.1:4369x", NULL};
    (void)state;
    bench_cluster_options(&good, &n, "a");
    memset(name65, 'a', 65);
    const char *names[] = {NULL, "", "1a", "a b", "a.b", "-a", name65, "a@"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        o = good;
        o.name = names[i];
        int rc = make(&o);
        assert_true(rc == NOEX_EINVALID || rc == NOEX_ENODENAME);
    }
    name65[64] = '\0';
    o = good;
    o.name = name65;
    assert_int_equal(make(&o), 0);
    o = good;
    o.port = 70000;
    assert_int_equal(make(&o), NOEX_EINVALID);
    o = good;
    o.seeds = bad_seeds;
    assert_int_equal(make(&o), NOEX_ENODENAME);
    o = good;
    o.ticktime_ms = 50;
    assert_int_equal(make(&o), NOEX_EINVALID);
    o = good;
    o.reconnect_min_ms = 0;
    assert_int_equal(make(&o), NOEX_EINVALID);
    o = good;
    o.cookie = NULL;
    assert_int_equal(make(&o), NOEX_EINVALID);
    o = good;
    o.cookie = "t\303\266rt";
    assert_int_equal(make(&o), NOEX_ECOOKIE_FORM);
    o = good;
    o.host = "b";
    o.name = "a@c";
    assert_int_equal(make(&o), NOEX_EINVALID);
    o = good;
    o.join = 7;
    assert_int_equal(make(&o), NOEX_EINVALID);
}

static void C02_C03_C04_the_walk_of_the_status(void **state)
{
    struct cluster_bench b = {.count = 0};
    static const char *const walk[] = {"starting", "running", "stopping", "stopped"};
    (void)state;
    struct bench_cluster *c = bench_cluster_start(&b, "a", NULL);
    assert_int_equal(noex_cluster_start(c->c), NOEX_ESTATE); /* C02 */
    assert_int_equal(noex_cluster_get_status(c->c), NOEX_CLUSTER_RUNNING);
    assert_int_equal(noex_cluster_stop(c->c), 0);
    assert_int_equal(noex_cluster_stop(c->c), 0); /* C05 */
    assert_int_equal(noex_cluster_get_status(c->c), NOEX_CLUSTER_STOPPING);
    bench_seen(&b, c, "stopped", 1);
    assert_int_equal(c->count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(c->seen[i].what, walk[i]);
    assert_int_equal(noex_cluster_stop(c->c), 0); /* C04 */
    assert_int_equal(noex_cluster_get_status(c->c), NOEX_CLUSTER_STOPPED);
    assert_int_equal(noex_cluster_start(c->c), 0); /* and once more */
    assert_int_equal(noex_cluster_wait(c->c, NOEX_CLUSTER_RUNNING, BENCH_PATIENCE_MS), 0);
    bench_clusters_free(&b);
}

static void C05_two_stops_both_wait(void **state)
{
    struct cluster_bench b = {.count = 0};
    (void)state;
    struct bench_cluster *c = bench_cluster_start(&b, "a", NULL);
    assert_int_equal(noex_cluster_stop(c->c), 0);
    assert_int_equal(noex_cluster_wait(c->c, NOEX_CLUSTER_STOPPED, BENCH_PATIENCE_MS), 0);
    assert_int_equal(noex_cluster_stop(c->c), 0);
    assert_int_equal(noex_cluster_wait(c->c, NOEX_CLUSTER_STOPPED, 0), 0);
    bench_clusters_free(&b);
}

static void C06_getters_of_a_stopped_cluster(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    struct noex_node_info info;
    uint64_t ms;
    noex_cluster *c;
    (void)state;
    bench_cluster_options(&o, &n, "a");
    assert_int_equal(noex_cluster_new(&c, &o, NULL), 0);
    assert_int_equal(noex_cluster_get_nodes(c, NULL, 0), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_get_connected_nodes(c, NULL, 0), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_get_node(c, "b@h", &info), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_local_node_info(c, &info), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_is_node_connected(c, "b@h"), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_get_uptime_ms(c, &ms), NOEX_ENOTSTARTED);
    assert_string_equal(noex_cluster_local_node_id(c), "a@127.0.0.1"); /* a name is no state */
    assert_null(noex_cluster_node(c));
    noex_cluster_free(c);
}

static void C07_C08_seeds_that_are_down_and_the_own_name(void **state)
{
    struct cluster_bench b = {.count = 0};
    struct noex_cluster_options o;
    struct noex_options n;
    const char *seeds[] = {"nobody@127.0.0.1:1", "a@127.0.0.1", "a@127.0.0.1:4369", NULL};
    (void)state;
    bench_cluster_options(&o, &n, "a");
    o.seeds = seeds;
    struct bench_cluster *c = bench_cluster_start_with(&b, &o, NULL);
    bench_clusters_for(&b, 30);
    assert_int_equal(noex_cluster_get_nodes(c->c, NULL, 0), 0);
    assert_int_equal(bench_count(c, "node_up"), 0);
    bench_clusters_free(&b);
}

ROW(C09_C10_C12_C19_a_node_comes_and_goes)
{
    struct noex_node_info list[4];
    assert_int_equal(bench_count(s->a, "node_up"), 1);
    bench_clusters_for(&s->b, 50);
    assert_int_equal(bench_count(s->a, "node_up"), 1); /* C10 */
    assert_int_equal(noex_cluster_get_connected_nodes(s->a->c, list, 4), 1);
    assert_string_equal(list[0].id, s->b_name);
    assert_int_equal(list[0].status, NOEX_NODE_CONNECTED);
    assert_int_equal(noex_cluster_is_node_connected(s->a->c, s->b_name), 1);
    stage_kill_b(s);
    bench_seen(&s->b, s->a, "node_down", 1);
    assert_int_equal(noex_cluster_get_nodes(s->a->c, list, 4), 1); /* C12 */
    assert_int_equal(noex_cluster_get_connected_nodes(s->a->c, list, 4), 0);
    assert_string_equal(noex_cluster_local_node_id(s->a->c), "a@127.0.0.1"); /* C19 */
    assert_int_equal(noex_cluster_local_node_info(s->a->c, list), 0);
    assert_string_equal(list[0].id, "a@127.0.0.1");
    assert_int_equal(list[0].process_count, 1);
    assert_int_equal(list[0].port, noex_node_listen_port(noex_cluster_node(s->a->c)));
}

static void C11_a_node_that_comes_again(void **state)
{
    struct cluster_bench b = {.count = 0};
    (void)state;
    struct bench_cluster *two = bench_cluster_start(&b, "two", NULL);
    struct bench_cluster *a = bench_cluster_start(&b, "a", two);
    assert_int_equal(noex_disconnect(noex_cluster_node(two->c), a->name), 0);
    bench_seen(&b, a, "node_down", 1);
    bench_seen(&b, a, "node_up", 2); /* its seeds are connected to for ever */
    bench_clusters_free(&b);
}

static void count_node(void *user, const char *node)
{
    (void)node;
    ++*(unsigned *)user;
}

static void count_node_down(void *user, const char *node, const char *reason,
                            const struct noex_error *error)
{
    (void)node, (void)reason, (void)error;
    ++*(unsigned *)user;
}

static void C16_C17_subscriptions(void **state)
{
    struct cluster_bench b = {.count = 0};
    unsigned downs = 0, ups = 0;
    noex_subscription up;
    (void)state;
    struct bench_cluster *a = bench_cluster_start(&b, "a", NULL);
    assert_int_equal(noex_cluster_on_node_up(a->c, count_node, &ups, &up), 0);
    assert_int_equal(noex_unsubscribe(a->c, up), 0);
    assert_int_equal(noex_unsubscribe(a->c, up), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(noex_cluster_on_node_down(a->c, count_node_down, &downs, NULL), 0);
    struct bench_cluster *two = bench_cluster_start(&b, "two", a);
    assert_int_equal(ups, 0);
    noex_cluster_free(two->c);
    two->c = NULL;
    bench_seen(&b, a, "node_down", 1);
    assert_int_equal(downs, 2); /* C17: each */
    bench_clusters_free(&b);
}

static void C18_the_port_is_in_use(void **state)
{
    struct cluster_bench b = {.count = 0};
    struct noex_cluster_options o;
    struct noex_options n;
    noex_cluster *c;
    (void)state;
    struct bench_cluster *a = bench_cluster_start(&b, "a", NULL);
    bench_cluster_options(&o, &n, "other");
    o.port = noex_node_listen_port(noex_cluster_node(a->c));
    assert_int_equal(noex_cluster_new(&c, &o, NULL), 0);
    for (int round = 0; round < 2; round++) { /* it may start again */
        assert_int_equal(noex_cluster_start(c), 0);
        assert_int_equal(noex_cluster_wait(c, NOEX_CLUSTER_RUNNING, BENCH_PATIENCE_MS),
                         NOEX_ESYSTEM);
        assert_non_null(strstr(noex_cluster_error(c)->text, "in use"));
        assert_int_equal(noex_cluster_get_status(c), NOEX_CLUSTER_STOPPED);
    }
    noex_cluster_free(c);
    bench_clusters_free(&b);
}

static void C20_nodes_that_the_seed_knows(void **state)
{
    struct cluster_bench b = {.count = 0};
    struct noex_cluster_options o;
    struct noex_options n;
    (void)state;
    struct bench_cluster *seed = bench_cluster_start(&b, "seed", NULL);
    struct bench_cluster *known = bench_cluster_start(&b, "known", seed);
    bench_cluster_options(&o, &n, "joiner");
    o.join = NOEX_JOIN_KNOWN;
    const char *seeds[] = {seed->address, NULL};
    o.seeds = seeds;
    /* Without epmd a name alone reaches nobody: the port of `known` is given beforehand. */
    struct bench_cluster *joiner = bench_cluster_start_with(&b, &o, NULL);
    assert_int_equal(noex_connection(noex_cluster_node(joiner->c), known->address, NULL, 0),
                     NOEX_CONNECTION_NONE);
    bench_seen(&b, joiner, "node_up", 1);
    char text[64];
    uint64_t tries = 0;
    while (noex_connection(noex_cluster_node(joiner->c), known->name, text, sizeof text) ==
               NOEX_CONNECTION_NONE &&
           tries++ < 2000)
        bench_clusters_turn(&b);
    assert_true(tries < 2000); /* it was asked for, unasked */
    bench_clusters_free(&b);
}

/* BEAMs are known to each other by name alone: epmd says where they are. */
static void C20_BEAMs_that_the_seed_knows(void **state)
{
    struct cluster_bench b = {.count = 0};
    struct noex_cluster_options o;
    struct noex_options n;
    struct stage s;
    char other[64];
    (void)state;
    if (!stage_second_beam(other, sizeof other))
        skip();
    stage_set(&s);
    bench_cluster_options(&o, &n, "joiner");
    n.epmd_port = (uint16_t)atoi(getenv("ERL_EPMD_PORT"));
    o.join = NOEX_JOIN_KNOWN;
    o.ticktime_ms = 2000;
    const char *seeds[] = {s.b_address, NULL};
    o.seeds = seeds;
    struct bench_cluster *joiner = bench_cluster_start_with(&b, &o, NULL);
    bench_seen(&b, joiner, "node_up", 1);
    char args[100];
    snprintf(args, sizeof args, "['%s']", other);
    assert_string_equal(stage_ask(&s, "net_kernel", "connect_node", args), "true");
    bench_seen(&b, joiner, "node_up", 2); /* the seed knows `a`, too, but not where it is */
    assert_int_equal(noex_cluster_is_node_connected(joiner->c, other), 1);
    bench_clusters_free(&b);
    stage_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C01_bad_options),
        cmocka_unit_test(C02_C03_C04_the_walk_of_the_status),
        cmocka_unit_test(C05_two_stops_both_wait),
        cmocka_unit_test(C06_getters_of_a_stopped_cluster),
        cmocka_unit_test(C07_C08_seeds_that_are_down_and_the_own_name),
        cmocka_unit_test(C09_C10_C12_C19_a_node_comes_and_goes),
        cmocka_unit_test(C11_a_node_that_comes_again),
        cmocka_unit_test(C16_C17_subscriptions),
        cmocka_unit_test(C18_the_port_is_in_use),
        cmocka_unit_test(C20_nodes_that_the_seed_knows),
        cmocka_unit_test(C20_BEAMs_that_the_seed_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
