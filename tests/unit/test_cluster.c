/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster_bench.h"
#include "cmocka_all.h"
#include <string.h>

static void two_clusters_meet_and_part(void **state)
{
    (void)state;
    struct cluster_bench b = {.count = 0};
    struct bench_cluster *one = bench_cluster_start(&b, "one", NULL);
    struct bench_cluster *two = bench_cluster_start(&b, "two", one);
    assert_string_equal(bench_seen(&b, one, "node_up", 1)->node, "two@127.0.0.1");
    assert_int_equal(noex_cluster_stop(two->c), 0);
    const struct seen *down = bench_seen(&b, one, "node_down", 1);
    assert_string_equal(down->detail, "graceful_shutdown");
    bench_seen(&b, two, "stopped", 1);
    bench_clusters_free(&b);
}

static void a_server_is_called_from_afar(void **state)
{
    (void)state;
    struct cluster_bench b = {.count = 0};
    struct outcome o;
    struct bench_cluster *one = bench_cluster_start(&b, "one", NULL);
    struct bench_cluster *two = bench_cluster_start(&b, "two", one);
    struct noex_ref server = bench_teller(&b, one, "tell");
    const struct noex_target pid = noex_ref_target(&server);
    assert_int_equal(bench_call(&b, two, &pid, "{reply, 7}", &o), 0);
    assert_string_equal(o.term, "7");
    assert_int_equal(bench_call(&b, one, &pid, "{error, <<\"no\">>}", &o), 0);
    assert_string_equal(o.term, "{error,<<\"no\">>}");
    bench_clusters_free(&b);
}

static void a_monitor_tells_a_failure_with_its_message(void **state)
{
    (void)state;
    struct cluster_bench b = {.count = 0};
    struct outcome o = {.told = 0};
    noex_op m;
    struct bench_cluster *one = bench_cluster_start(&b, "one", NULL);
    struct bench_cluster *two = bench_cluster_start(&b, "two", one);
    struct noex_ref server = bench_teller(&b, one, NULL), watcher = bench_teller(&b, two, NULL);
    const struct noex_target pid = noex_ref_target(&server);
    assert_int_equal(noex_remote_monitor(two->c, &watcher, &pid, 0, outcome_done, &o, &m), 0);
    assert_int_equal(bench_outcome(&b, &o), 0);
    bench_cast(two, &server, "{fail, <<\"boom\">>}");
    const struct seen *down = bench_seen(&b, two, "process_down", 1);
    assert_string_equal(down->detail, "exception");
    assert_int_equal(down->monitor, m);
    print_message("%s\n", down->message);
    bench_clusters_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_clusters_meet_and_part),
        cmocka_unit_test(a_server_is_called_from_afar),
        cmocka_unit_test(a_monitor_tells_a_failure_with_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
