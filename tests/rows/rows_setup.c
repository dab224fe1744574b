/* Rows M and N of noex's behaviour: setting a monitor up. See tests/NOEX_ROWS.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

ROW(M01_M03_M04_M28_monitor)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_monitor_begin(s, &target, 0, &o);
    struct noex_remote_monitor_stats st = stage_stats(s);
    assert_int_equal(st.pending_count, 1); /* M04 */
    assert_int_equal(st.total_initiated, 1);
    assert_int_equal(st.total_established, 0);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    assert_string_equal(o.node, s->b_name);
    st = stage_stats(s);
    assert_int_equal(st.initialized, 1);
    assert_int_equal(st.pending_count, 0); /* M03 */
    assert_int_equal(st.active_outgoing_count, 1);
    assert_int_equal(st.total_established, 1);
    assert_int_equal(st.total_initiated, 1);
    if (!s->two)
        assert_true(stage_is_monitored_by(s, &p, &s->w)); /* by the watcher itself */
}

static void M05_M06_not_started(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    struct noex_error err;
    struct noex_remote_monitor_stats st;
    const struct noex_ref w = {{1, 1, 1}, "a@127.0.0.1"};
    const struct noex_target p = noex_name_target("x", "b@127.0.0.1");
    noex_cluster *c;
    noex_op m;
    (void)state;
    bench_cluster_options(&o, &n, "a");
    assert_int_equal(noex_cluster_new(&c, &o, &err), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(noex_remote_monitor(c, &w, &p, 0, NULL, NULL, &m), NOEX_ENOTSTARTED);
        noex_remote_monitor_get_stats(c, &st, sizeof st);
        assert_int_equal(st.total_initiated, 0);
        assert_int_equal(st.initialized, 1);
        if (round)
            break;
        assert_int_equal(noex_cluster_start(c), 0);
        assert_int_equal(noex_cluster_wait(c, NOEX_CLUSTER_RUNNING, BENCH_PATIENCE_MS), 0);
        assert_int_equal(noex_cluster_stop(c), 0);
        assert_int_equal(noex_cluster_wait(c, NOEX_CLUSTER_STOPPED, BENCH_PATIENCE_MS), 0);
    }
    noex_cluster_free(c);
}

ROW(M07_M08_not_reachable)
{
    struct outcome o;
    const struct noex_target never = noex_name_target("x", "nobody@127.0.0.1:1");
    stage_monitor_begin(s, &never, 0, &o);
    assert_int_equal(noex_error_class(bench_outcome(&s->b, &o)), NOEX_CLASS_REACH);
    assert_string_equal(o.node, "nobody@127.0.0.1");
    assert_int_equal(stage_stats(s).total_failed, 1);
    assert_int_equal(stage_stats(s).pending_count, 0);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

ROW(M09_a_target_without_a_node)
{
    struct noex_target target = noex_name_target("x", NULL);
    noex_op m;
    assert_int_equal(noex_remote_monitor(s->a->c, &s->w, &target, 0, NULL, NULL, &m),
                     NOEX_ENODENAME);
    assert_int_equal(stage_stats(s).total_initiated, 0);
}

ROW(M10_a_target_on_the_own_node)
{
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    noex_op m = stage_monitor(s, &p);
    assert_int_equal(stage_stats(s).local_count, 1);
    stage_stop(s, &p, "normal");
    const struct seen *down = stage_down(s, 1);
    assert_int_equal(down->monitor, m);
    assert_string_equal(down->detail, "normal");
    assert_string_equal(down->node, s->a->name);
    assert_int_equal(stage_stats(s).local_count, 0);
    assert_int_equal(stage_stats(s).total_initiated, 0);
}

ROW(M11_M12_no_such_watcher)
{
    struct noex_ref p = stage_process(s), ghost = s->w;
    const struct noex_target target = noex_ref_target(&p);
    noex_op m;
    ghost.pid.id += 1000;
    assert_int_equal(noex_remote_monitor(s->a->c, &ghost, &target, 0, NULL, NULL, &m),
                     NOEX_ENOPROC);
    assert_int_equal(noex_remote_monitor(s->a->c, &p, &target, 0, NULL, NULL, &m), NOEX_ENOPROC);
}

ROW(M13_M19_no_answer_in_time)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_freeze_b(s, true);
    stage_monitor_begin(s, &target, 50, &o);
    assert_int_equal(bench_outcome(&s->b, &o), NOEX_ESETUPTIMEOUT);
    assert_int_equal(o.timeout_ms, 50);
    assert_true(o.has_target);
    assert_int_equal(stage_stats(s).total_timed_out, 1);
    assert_int_equal(stage_stats(s).pending_count, 0);
    stage_freeze_b(s, false);
    stage_settle(s); /* M19: the answer has come, and B was told to forget it */
    assert_int_equal(stage_stats(s).total_established, 0);
    if (!s->two)
        assert_int_equal(stage_monitored_by(s, &p), 0);
    stage_stop(s, &p, "normal");
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

ROW(M14_the_default_is_ten_seconds)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_freeze_b(s, true);
    stage_monitor_begin(s, &target, 0, &o);
    bench_clusters_for(&s->b, 9000);
    assert_int_equal(o.told, 0);
    assert_int_equal(bench_outcome(&s->b, &o), NOEX_ESETUPTIMEOUT);
    assert_int_equal(o.timeout_ms, 10000);
    stage_freeze_b(s, false);
}

ROW(M20_two_nodes)
{
    struct bench_cluster *third = bench_cluster_start(&s->b, "third", s->a);
    struct noex_ref p[] = {stage_process(s), stage_process(s), bench_teller(&s->b, third, NULL),
                           bench_teller(&s->b, third, NULL)};
    for (int i = 0; i < 4; i++)
        stage_monitor(s, &p[i]);
    assert_int_equal(stage_stats(s).active_outgoing_count, 4);
    assert_int_equal(stage_stats(s).total_established, 4);
}

ROW(M21_M24_the_same_target_again_and_again)
{
    enum { TIMES = 100 };
    struct noex_ref p = stage_process(s);
    noex_op m[TIMES];
    for (int i = 0; i < TIMES; i++) {
        m[i] = stage_monitor(s, &p);
        for (int k = 0; k < i; k++)
            assert_true(m[i] != m[k]);
    }
    assert_int_equal(stage_stats(s).active_outgoing_count, TIMES);
    if (!s->two)
        assert_int_equal(stage_monitored_by(s, &p), TIMES);
}

ROW(M26_a_registered_name)
{
    struct noex_ref p = stage_named(s, "registered_one");
    const struct noex_target target = noex_name_target("registered_one", s->b_name);
    struct outcome o;
    noex_op m = stage_monitor_begin(s, &target, 0, &o);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    stage_stop(s, &p, "normal");
    const struct seen *down = stage_down(s, 1);
    assert_string_equal(down->detail, "normal");
    assert_int_equal(down->monitor, m);
}

/* ---- noproc ---- */

ROW(N01_N02_N04_N05_no_such_process)
{
    struct noex_ref p = stage_process(s), invented = p;
    invented.pid.id += 20000;
    const struct noex_target never = noex_ref_target(&invented), gone = noex_ref_target(&p);
    struct outcome o;
    stage_exit(s, &p, "kill");
    stage_settle(s);
    uint64_t received = stage_stats(s).total_process_down_received;
    noex_op m = stage_monitor_begin(s, &never, 0, &o);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    const struct seen *down = stage_down(s, 1);
    assert_string_equal(down->detail, "noproc");
    assert_int_equal(down->monitor, m);
    assert_false(down->local_origin);
    m = stage_monitor_begin(s, &gone, 0, &o);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    assert_int_equal(stage_down(s, 2)->monitor, m);
    struct noex_remote_monitor_stats st = stage_stats(s);
    assert_int_equal(st.total_established, 2);
    assert_int_equal(st.total_process_down_received, received + 2);
    assert_int_equal(st.active_outgoing_count, 0);
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 2);
}

struct pipelined {
    noex_op id;
    unsigned told;
    unsigned downs;
};
static struct pipelined lines[200];
enum { LINES = sizeof lines / sizeof *lines };

static void on_line_done(void *user, const struct noex_result *result)
{
    struct pipelined *l = user;
    assert_int_equal(result->op, l->id);
    assert_null(result->error);
    assert_int_equal(l->downs, 0);
    l->told++;
}

static void on_line_down(void *user, const struct noex_lifecycle_event *e)
{
    unsigned *count = user;
    if (e->type != NOEX_LIFECYCLE_PROCESS_DOWN)
        return;
    for (int i = 0; i < LINES; i++)
        if (lines[i].id == e->monitor) {
            assert_int_equal(lines[i].told, 1);
            lines[i].downs++;
            ++*count;
            return;
        }
    fail_msg("an event of a monitor that is not known");
}

static bool all_down(void *ctx)
{
    return *(unsigned *)ctx >= LINES;
}

ROW(N07_N08_D19_200_pipelined_on_processes_that_are_ending)
{
    static struct noex_ref p[LINES];
    unsigned count = 0;
    memset(lines, 0, sizeof lines);
    for (int i = 0; i < LINES; i++)
        p[i] = stage_process(s);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, on_line_down, &count, NULL), 0);
    for (int i = 0; i < LINES; i++) {
        const struct noex_target target = noex_ref_target(&p[i]);
        if (i % 2)
            stage_exit(s, &p[i], "kill");
        assert_int_equal(
            noex_remote_monitor(s->a->c, &s->w, &target, 0, on_line_done, &lines[i], &lines[i].id),
            0);
        if (i % 2 == 0)
            stage_exit(s, &p[i], "kill");
    }
    bench_clusters_until(&s->b, all_down, &count, "200 process_downs");
    stage_settle(s);
    assert_int_equal(count, LINES);
    for (int i = 0; i < LINES; i++)
        assert_int_equal(lines[i].downs, 1);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
}

ROW(N08_an_awaited_monitor_tells_later)
{
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    char with_port[80];
    snprintf(with_port, sizeof with_port, "%s:1", s->a->name);
    const struct noex_target target = {NOEX_TARGET_PID, p.pid, with_port, NULL};
    noex_op m;
    stage_exit(s, &p, "kill");
    bench_clusters_for(&s->b, 5);
    assert_int_equal(noex_remote_monitor(s->a->c, &s->w, &target, 0, NULL, NULL, &m), 0);
    assert_int_equal(noex_await(s->a->c, m, NULL), 0);
    assert_int_equal(bench_count(s->a, "process_down"), 0); /* not before it is known */
    const struct seen *down = stage_down(s, 1);
    assert_int_equal(down->monitor, m);
    assert_string_equal(down->detail, "noproc");
    assert_string_equal(down->node, s->a->name);
}

ROW(N09_the_pid_of_an_incarnation_before)
{
    struct noex_ref p = stage_process(s);
    p.pid.creation ^= 0x5555;
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_monitor_begin(s, &target, 0, &o);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    assert_string_equal(stage_down(s, 1)->detail, "noproc");
}

ROW(N10_a_local_one_that_is_not_there)
{
    struct noex_ref p = s->w;
    struct outcome o;
    p.pid.id += 1000;
    const struct noex_target target = noex_ref_target(&p);
    noex_op m = stage_monitor_begin(s, &target, 0, &o);
    const struct seen *down = stage_down(s, 1);
    assert_int_equal(o.told, 1);
    assert_int_equal(down->monitor, m);
    assert_string_equal(down->detail, "noproc");
    assert_int_equal(stage_stats(s).local_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M01_M03_M04_M28_monitor),
        cmocka_unit_test(M05_M06_not_started),
        cmocka_unit_test(M07_M08_not_reachable),
        cmocka_unit_test(M09_a_target_without_a_node),
        cmocka_unit_test(M10_a_target_on_the_own_node),
        cmocka_unit_test(M11_M12_no_such_watcher),
        cmocka_unit_test(M13_M19_no_answer_in_time),
        cmocka_unit_test(M14_the_default_is_ten_seconds),
        cmocka_unit_test(M20_two_nodes),
        cmocka_unit_test(M21_M24_the_same_target_again_and_again),
        cmocka_unit_test(M26_a_registered_name),
        cmocka_unit_test(N01_N02_N04_N05_no_such_process),
        cmocka_unit_test(N07_N08_D19_200_pipelined_on_processes_that_are_ending),
        cmocka_unit_test(N08_an_awaited_monitor_tells_later),
        cmocka_unit_test(N09_the_pid_of_an_incarnation_before),
        cmocka_unit_test(N10_a_local_one_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
