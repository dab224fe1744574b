/* Rows W and K of noex's behaviour: the death of the watcher, and of nodes. See tests/NOEX_ROWS.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdlib.h>

ROW(W01_W02_W03_the_watcher_stops)
{
    struct noex_ref p[] = {stage_process(s), stage_process(s), stage_process(s)};
    struct noex_ref w = s->w;
    for (int i = 0; i < 3; i++)
        stage_monitor(s, &p[i]);
    stage_stop(s, &w, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
    assert_int_equal(stage_stats(s).total_demonitored, 0); /* W03 */
    stage_settle(s);
    for (int i = 0; i < 3; i++) {
        if (!s->two)
            assert_int_equal(stage_monitored_by(s, &p[i]), 0); /* W02 */
        stage_stop(s, &p[i], "normal");
    }
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

ROW(W04_W05_the_watcher_stops_while_a_monitor_is_pending)
{
    struct noex_ref p = stage_process(s), w = s->w;
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_freeze_b(s, true);
    stage_monitor_begin(s, &target, 0, &o);
    stage_exit(s, &w, "kill");
    assert_int_equal(bench_outcome(&s->b, &o), NOEX_ENOPROC);
    stage_freeze_b(s, false);
    stage_settle(s);
    assert_int_equal(o.told, 1);
    assert_int_equal(stage_stats(s).pending_count, 0);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
    if (!s->two)
        assert_int_equal(stage_monitored_by(s, &p), 0); /* W05: released there */
}

ROW(W07_a_process_without_monitors)
{
    stage_stop(s, &s->w, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
}

static struct stage *killing;
static unsigned told_of;

static void kill_the_watcher(void *user, const struct noex_lifecycle_event *e)
{
    uint8_t unused = 0;
    (void)user, (void)unused;
    if (e->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    told_of++;
    stage_exit(killing, &killing->w, "kill");
}

ROW(W08_the_watcher_dies_in_the_first_event)
{
    struct noex_ref p[] = {stage_process(s), stage_process(s), stage_process(s)};
    killing = s;
    told_of = 0;
    for (int i = 0; i < 3; i++)
        stage_monitor(s, &p[i]);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, kill_the_watcher, NULL, NULL), 0);
    stage_kill_b(s);
    bench_seen(&s->b, s->a, "node_down", 1);
    bench_clusters_for(&s->b, 20);
    assert_int_equal(told_of, 1);
}

/* ---- node down ---- */

static unsigned index_of(const struct bench_cluster *c, const char *what, unsigned times)
{
    for (unsigned i = 0; i < c->count; i++)
        if (strcmp(c->seen[i].what, what) == 0 && --times == 0)
            return i;
    fail_msg("%s was not seen", what);
    return 0;
}

ROW(K01_K02_K03_K04_K08_K09_K10_K17_the_node_is_killed)
{
    enum { COUNT = 8 };
    struct noex_node_info info;
    noex_op m[COUNT];
    for (int i = 0; i < COUNT; i++) {
        struct noex_ref p = stage_process(s);
        m[i] = stage_monitor(s, &p);
    }
    uint64_t received = stage_stats(s).total_process_down_received;
    stage_kill_b(s);
    const struct seen *down = stage_down(s, COUNT);
    assert_string_equal(down->detail, "noconnection");
    assert_true(down->local_origin);
    for (unsigned i = 0; i < COUNT; i++) /* K03: in the order of their making */
        assert_int_equal(s->a->seen[index_of(s->a, "process_down", i + 1)].monitor, m[i]);
    /* Their place is always before node_down (K08, K09). */
    bench_seen(&s->b, s->a, "node_down", 1);
    assert_true(index_of(s->a, "node_down", 1) > index_of(s->a, "process_down", COUNT));
    assert_int_equal(stage_stats(s).active_outgoing_count, 0); /* K04 */
    assert_int_equal(stage_stats(s).total_process_down_received, received);
    assert_int_equal(stage_stats(s).total_noconnection, COUNT);
    assert_int_equal(noex_cluster_is_node_connected(s->a->c, s->b_name), 0); /* K10 */
    assert_int_equal(noex_cluster_get_node(s->a->c, s->b_name, &info), 0);
    assert_int_not_equal(info.status, NOEX_NODE_CONNECTED);
    bench_clusters_for(&s->b, 100); /* K17: whatever fails afterwards */
    assert_int_equal(bench_count(s->a, "node_down"), 1);
    assert_int_equal(bench_count(s->a, "process_down"), COUNT);
}

static unsigned pending_told_after;

static void pending_done(void *user, const struct noex_result *result)
{
    const struct bench_cluster *a = user;
    assert_non_null(result->error);
    assert_int_equal(noex_error_class(result->error->code), NOEX_CLASS_REACH);
    pending_told_after = bench_count(a, "process_down") + 1;
}

ROW(K05_K06_pending_and_active)
{
    struct noex_ref p = stage_process(s), q = stage_process(s);
    const struct noex_target target = noex_ref_target(&q);
    noex_op m;
    stage_monitor(s, &p);
    pending_told_after = 0;
    stage_freeze_b(s, true);
    assert_int_equal(noex_remote_monitor(s->a->c, &s->w, &target, 0, pending_done, s->a, &m), 0);
    bench_clusters_for(&s->b, 20);
    if (s->two) {
        stage_freeze_b(s, false);
        noex_cluster_free(s->two->c); /* what it has not read is lost with it */
        s->two->c = NULL;
    } else {
        stage_kill_b(s);
    }
    bench_seen(&s->b, s->a, "node_down", 1);
    assert_int_equal(pending_told_after, 2); /* after the one event there is */
    bench_clusters_for(&s->b, 20);
    assert_int_equal(bench_count(s->a, "process_down"), 1);
    assert_int_equal(stage_stats(s).total_failed, 1);
}

ROW(K07_K19_another_node_stays)
{
    struct bench_cluster *third = bench_cluster_start(&s->b, "third", s->a);
    struct noex_ref p = stage_process(s), q = bench_teller(&s->b, third, NULL);
    stage_monitor(s, &p);
    noex_op m = stage_monitor(s, &q);
    stage_kill_b(s);
    bench_seen(&s->b, s->a, "node_down", 1);
    assert_int_equal(bench_count(s->a, "process_down"), 1);
    assert_int_equal(stage_stats(s).active_outgoing_count, 1);
    stage_stop(s, &q, "normal");
    assert_int_equal(stage_down(s, 2)->monitor, m);
}

static void K11_B_stops_in_order(void **state)
{
    struct stage s;
    (void)state;
    stage_set(&s);
    if (!s.two) {
        stage_clear(&s);
        skip();
    }
    struct noex_ref p = stage_process(&s);
    stage_monitor(&s, &p);
    assert_int_equal(noex_cluster_stop(s.two->c), 0);
    assert_string_equal(bench_seen(&s.b, s.a, "node_down", 1)->detail, "graceful_shutdown");
    /* As in Erlang, what runs there ends first, and says so. */
    assert_string_equal(stage_down(&s, 1)->detail, "shutdown");
    stage_clear(&s);
}

ROW(K12_K14_K15_C13_frozen_for_longer_than_the_ticktime)
{
    struct noex_cluster_options o;
    struct noex_options n;
    const char *seeds[] = {s->b_address, NULL};
    bench_cluster_options(&o, &n, "impatient");
    o.ticktime_ms = 1000;
    o.seeds = seeds;
    struct bench_cluster *i = bench_cluster_start_with(&s->b, &o, NULL);
    bench_seen(&s->b, i, "node_up", 1);
    struct noex_ref p = stage_process(s), w = bench_teller(&s->b, i, NULL);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome out = {.told = 0};
    noex_op m;
    assert_int_equal(noex_remote_monitor(i->c, &w, &target, 0, outcome_done, &out, &m), 0);
    assert_int_equal(bench_outcome(&s->b, &out), 0);
    stage_freeze_b(s, true);
    assert_string_equal(bench_seen(&s->b, i, "process_down", 1)->detail, "noconnection");
    assert_string_equal(bench_seen(&s->b, i, "node_down", 1)->detail, "heartbeat_timeout");
    stage_freeze_b(s, false);
    bench_seen(&s->b, i, "node_up", 2); /* K14 */
    stage_stop(s, &p, "normal");        /* K15 */
    stage_settle(s);
    assert_int_equal(bench_count(i, "process_down"), 1);
}

ROW(K13_frozen_and_a_monitor_at_once)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_freeze_b(s, true);
    stage_monitor_begin(s, &target, 300, &o);
    assert_int_equal(bench_outcome(&s->b, &o), NOEX_ESETUPTIMEOUT);
    assert_int_equal(bench_count(s->a, "node_down"), 0);
    stage_freeze_b(s, false);
}

static void K16_B_restarts_under_its_name(void **state)
{
    struct stage s;
    struct noex_cluster_options o;
    struct noex_options n;
    (void)state;
    stage_set(&s);
    if (!s.two) {
        stage_clear(&s);
        skip(); /* interop/cases/rows.py restarts a BEAM */
    }
    uint32_t port = (uint32_t)atoi(strrchr(s.two->address, ':') + 1);
    struct noex_ref p = stage_process(&s);
    const struct noex_target old = noex_ref_target(&p);
    struct outcome out;
    stage_monitor(&s, &p);
    stage_kill_b(&s);
    bench_seen(&s.b, s.a, "node_down", 1);
    bench_cluster_options(&o, &n, "two");
    o.port = port;
    s.two = bench_cluster_start_with(&s.b, &o, NULL);
    bench_seen(&s.b, s.a, "node_up", 2);
    assert_int_equal(stage_stats(&s).active_outgoing_count, 0);
    stage_monitor_begin(&s, &old, 0, &out);
    assert_int_equal(bench_outcome(&s.b, &out), 0);
    assert_string_equal(stage_down(&s, 2)->detail, "noproc"); /* N09 */
    stage_clear(&s);
}

ROW(K20_lost_right_after_it_came)
{
    struct bench_cluster *brief = bench_cluster_start(&s->b, "brief", s->a);
    struct noex_ref p = bench_teller(&s->b, brief, NULL);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_monitor_begin(s, &target, 0, &o);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    noex_cluster_free(brief->c);
    brief->c = NULL;
    assert_string_equal(stage_down(s, 1)->detail, "noconnection");
    bench_seen(&s->b, s->a, "node_down", 1);
}

ROW(K22_killed_with_data_in_flight)
{
    struct noex_ref p = stage_process(s);
    stage_monitor(s, &p);
    for (int i = 0; i < 1000; i++)
        bench_cast(s->a, &p, "{set, \"some bytes that nobody will read\"}");
    stage_kill_b(s);
    assert_string_equal(stage_down(s, 1)->detail, "noconnection");
    bench_seen(&s->b, s->a, "node_down", 1);
}

static bool all_gone(void *ctx)
{
    return *(unsigned *)ctx >= 100000;
}

static void count_down(void *user, const struct noex_lifecycle_event *e)
{
    *(unsigned *)user += e->type == NOEX_LIFECYCLE_PROCESS_DOWN;
}

static bool all_established(void *ctx)
{
    return stage_stats(ctx).active_outgoing_count >= 100000;
}

ROW(K26_a_hundred_thousand_monitors)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    unsigned count = 0;
    noex_op m;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(noex_remote_monitor(s->a->c, &s->w, &target, 0, NULL, NULL, &m), 0);
    bench_clusters_until(&s->b, all_established, s, "100000 monitors");
    assert_int_equal(noex_on_lifecycle_event(s->a->c, count_down, &count, NULL), 0);
    stage_kill_b(s);
    bench_clusters_until(&s->b, all_gone, &count, "100000 process_downs");
    bench_clusters_for(&s->b, 20);
    assert_int_equal(count, 100000);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
}

static struct stage *taking;
static noex_op to_take[3];
static unsigned taken_downs;

static void take_the_others(void *user, const struct noex_lifecycle_event *e)
{
    (void)user;
    if (e->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    taken_downs++;
    for (int i = 0; i < 3; i++)
        assert_int_equal(noex_remote_demonitor(taking->a->c, to_take[i]), 0);
}

ROW(X07_X14_taken_away_in_a_noconnection_handler)
{
    taking = s;
    taken_downs = 0;
    for (int i = 0; i < 3; i++) {
        struct noex_ref p = stage_process(s);
        to_take[i] = stage_monitor(s, &p);
    }
    assert_int_equal(noex_on_lifecycle_event(s->a->c, take_the_others, NULL, NULL), 0);
    stage_kill_b(s);
    bench_seen(&s->b, s->a, "node_down", 1);
    bench_clusters_for(&s->b, 20);
    assert_int_equal(taken_downs, 1);
    assert_int_equal(noex_remote_demonitor(s->a->c, to_take[0]), 0); /* X07 */
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(W01_W02_W03_the_watcher_stops),
        cmocka_unit_test(W04_W05_the_watcher_stops_while_a_monitor_is_pending),
        cmocka_unit_test(W07_a_process_without_monitors),
        cmocka_unit_test(W08_the_watcher_dies_in_the_first_event),
        cmocka_unit_test(K01_K02_K03_K04_K08_K09_K10_K17_the_node_is_killed),
        cmocka_unit_test(K05_K06_pending_and_active),
        cmocka_unit_test(K07_K19_another_node_stays),
        cmocka_unit_test(K11_B_stops_in_order),
        cmocka_unit_test(K12_K14_K15_C13_frozen_for_longer_than_the_ticktime),
        cmocka_unit_test(K13_frozen_and_a_monitor_at_once),
        cmocka_unit_test(K16_B_restarts_under_its_name),
        cmocka_unit_test(K20_lost_right_after_it_came),
        cmocka_unit_test(K22_killed_with_data_in_flight),
        cmocka_unit_test(K26_a_hundred_thousand_monitors),
        cmocka_unit_test(X07_X14_taken_away_in_a_noconnection_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
