/* Rows D and X of noex's behaviour: how a monitor ends. See tests/NOEX_ROWS.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

static void ends_as(struct stage *s, const char *detail, const char *message, const noex_op *m,
                    const struct noex_ref *p)
{
    unsigned before = bench_count(s->a, "process_down");
    const struct seen *down = before ? stage_down(s, before) : stage_down(s, 1);
    assert_string_equal(down->detail, detail);
    assert_non_null(strstr(down->message, message));
    assert_int_equal(down->monitor, *m);
    assert_string_equal(down->node, p->node);
    assert_int_equal(down->process.id, s->w.pid.id);
    assert_false(down->local_origin);
}

ROW(D01_stopped_normally)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_stop(s, &p, "normal");
    stage_down(s, 1);
    ends_as(s, "normal", "", &m, &p);
}

ROW(D02_stopped_by_shutdown)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_stop(s, &p, "{shutdown, why}");
    stage_down(s, 1);
    ends_as(s, "shutdown", "", &m, &p);
}

ROW(D03_failed_with_a_text)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    bench_cast(s->a, &p, "{fail, <<\"boom\">>}");
    stage_down(s, 1);
    ends_as(s, "exception", "boom", &m, &p);
}

ROW(D04_ended_by_an_exit_signal)
{
    struct noex_ref p = stage_process(s), q = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_exit(s, &p, "{error, \"boom\"}");
    stage_down(s, 1);
    ends_as(s, "exception", "boom", &m, &p);
    m = stage_monitor(s, &q);
    stage_exit(s, &q, "kill");
    stage_down(s, 2);
    ends_as(s, "killed", "", &m, &q);
}

/* As in Erlang a signal `normal` from another process ends nobody. */
ROW(D05_exit_signals_normal_and_shutdown)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_exit(s, &p, "normal");
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
    stage_exit(s, &p, "shutdown");
    stage_down(s, 1);
    ends_as(s, "shutdown", "", &m, &p);
}

ROW(D06_L06_a_handler_that_answers_an_error)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    stage_monitor(s, &p);
    assert_int_equal(bench_call(&s->b, s->a, &target, "{error, <<\"no\">>}", &o), 0);
    assert_string_equal(o.term, "{error,<<\"no\">>}");
    assert_int_equal(bench_call(&s->b, s->a, &target, "{reply, 1}", &o), 0);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

static int order;

static void on_terminate(noex_gen_server *self, enum noex_reason_type type, struct noex_term reason)
{
    (void)self, (void)type, (void)reason;
    assert_int_equal(order++, 0);
}

static void on_down_after(void *user, const struct noex_lifecycle_event *e)
{
    (void)user;
    if (e->type == NOEX_LIFECYCLE_PROCESS_DOWN)
        assert_int_equal(order++, 1);
}

ROW(D08_terminate_comes_before_the_event)
{
    struct noex_behavior slow = teller;
    struct noex_gen_server_options o;
    struct noex_ref p;
    slow.init = NULL;
    slow.terminate = on_terminate;
    noex_gen_server_options_init(&o);
    order = 0;
    assert_int_equal(noex_gen_server_start(s->a->c, &slow, &o, &p, NULL), 0);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, on_down_after, NULL, NULL), 0);
    stage_monitor(s, &p);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome out = {.told = 0};
    assert_int_equal(
        noex_gen_server_stop(s->a->c, &target, bench_term("normal"), 0, outcome_done, &out, NULL),
        0);
    stage_down(s, 1);
    assert_int_equal(bench_outcome(&s->b, &out), 0);
    assert_int_equal(order, 2);
}

static struct stage *looked_from;

static void on_down_stats(void *user, const struct noex_lifecycle_event *e)
{
    struct noex_remote_monitor_stats *st = user;
    if (e->type == NOEX_LIFECYCLE_PROCESS_DOWN)
        *st = stage_stats(looked_from);
}

ROW(D09_D13_the_monitor_is_gone_in_the_handler)
{
    struct noex_remote_monitor_stats st = {.initialized = 0};
    struct noex_ref p = stage_process(s);
    looked_from = s;
    noex_op m = stage_monitor(s, &p);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, on_down_stats, &st, NULL), 0);
    stage_stop(s, &p, "normal");
    stage_down(s, 1);
    assert_int_equal(st.active_outgoing_count, 0);
    assert_int_equal(st.total_process_down_received, 1);
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0);
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 1);
    assert_int_equal(stage_stats(s).total_demonitored, 0); /* X05 */
}

ROW(D10_three_watchers)
{
    struct noex_ref p = stage_process(s);
    struct noex_ref w[] = {s->w, bench_teller(&s->b, s->a, NULL), bench_teller(&s->b, s->a, NULL)};
    for (int i = 0; i < 3; i++) {
        s->w = w[i];
        stage_monitor(s, &p);
    }
    stage_stop(s, &p, "normal");
    stage_down(s, 3);
    unsigned found = 0;
    for (unsigned i = 0; i < s->a->count; i++)
        for (int k = 0; k < 3; k++)
            found += strcmp(s->a->seen[i].what, "process_down") == 0 &&
                     s->a->seen[i].process.id == w[k].pid.id;
    assert_int_equal(found, 3);
}

ROW(D11_X08_five_monitors_of_which_one_is_taken_away)
{
    struct noex_ref p = stage_process(s);
    noex_op m[5], last = 0;
    for (int i = 0; i < 5; i++)
        m[i] = stage_monitor(s, &p);
    assert_int_equal(noex_remote_demonitor(s->a->c, m[2]), 0);
    stage_stop(s, &p, "normal");
    stage_down(s, 4);
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 4);
    for (unsigned i = 0, k = 0; i < s->a->count; i++) {
        if (strcmp(s->a->seen[i].what, "process_down") != 0)
            continue;
        k += k == 2;
        if (s->two) /* a BEAM tells them in an order of its own */
            assert_int_equal(s->a->seen[i].monitor, m[k]);
        assert_true(s->a->seen[i].monitor != m[2] && s->a->seen[i].monitor != last);
        last = s->a->seen[i].monitor;
        k++;
    }
}

static void count_down(void *user, const struct noex_lifecycle_event *e)
{
    *(unsigned *)user += e->type == NOEX_LIFECYCLE_PROCESS_DOWN;
}

ROW(D14_D15_handlers_twice_and_two)
{
    unsigned one = 0, two = 0;
    noex_subscription s1, s2;
    struct noex_ref p = stage_process(s), q = stage_process(s);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, count_down, &one, &s1), 0);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, count_down, &one, &s2), 0);
    assert_int_equal(s1, s2);
    assert_int_equal(noex_on_lifecycle_event(s->a->c, count_down, &two, NULL), 0);
    stage_monitor(s, &p);
    stage_stop(s, &p, "normal");
    stage_down(s, 1);
    assert_int_equal(one, 1);
    assert_int_equal(two, 1);
    assert_int_equal(noex_unsubscribe(s->a->c, s1), 0);
    stage_monitor(s, &q);
    stage_stop(s, &q, "normal");
    stage_down(s, 2);
    assert_int_equal(one, 1);
    assert_int_equal(two, 2);
}

static bool none_active(void *ctx)
{
    return stage_stats(ctx).active_outgoing_count == 0;
}

static void D16_no_handler(void **state)
{
    struct stage s;
    (void)state;
    stage_set(&s);
    for (noex_subscription i = 1; i < 10; i++)
        assert_int_equal(noex_unsubscribe(s.a->c, i), 0);
    struct noex_remote_spawn_options o;
    struct outcome out = {.told = 0};
    noex_remote_spawn_options_init(&o);
    o.done = outcome_done;
    o.user = &out;
    assert_int_equal(noex_remote_spawn(s.a->c, "teller", s.b_name, &o, NULL), 0);
    assert_int_equal(bench_outcome(&s.b, &out), 0);
    stage_monitor(&s, &out.process);
    stage_stop(&s, &out.process, "normal");
    bench_clusters_until(&s.b, none_active, &s, "the end of the monitor");
    stage_clear(&s);
}

ROW(D17_W06_the_watcher_is_dead)
{
    struct noex_ref p = stage_process(s), w1 = s->w, w2 = bench_teller(&s->b, s->a, NULL);
    stage_monitor(s, &p);
    s->w = w2;
    noex_op m = stage_monitor(s, &p);
    stage_stop(s, &w1, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    stage_stop(s, &p, "normal");
    assert_int_equal(stage_down(s, 1)->monitor, m); /* W06 */
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 1);
}

static bool thousand(void *ctx)
{
    return *(unsigned *)ctx >= 1000;
}

ROW(D18_D20_a_thousand_together)
{
    static struct noex_ref p[1000];
    struct outcome o;
    unsigned count = 0;
    const struct noex_target w = noex_ref_target(&s->w);
    for (int i = 0; i < 1000; i++) {
        p[i] = stage_process(s);
        stage_monitor(s, &p[i]);
    }
    assert_int_equal(noex_on_lifecycle_event(s->a->c, count_down, &count, NULL), 0);
    for (int i = 0; i < 1000; i++)
        stage_exit(s, &p[i], "shutdown");
    bench_clusters_until(&s->b, thousand, &count, "1000 process_downs");
    stage_settle(s);
    assert_int_equal(count, 1000);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
    assert_int_equal(bench_call(&s->b, s->a, &w, "{reply, lives}", &o), 0); /* D20 */
}

ROW(D21_K18_the_watchers_node_is_gone)
{
    struct bench_cluster *third = bench_cluster_start(&s->b, "third", s->a);
    struct noex_ref p = bench_teller(&s->b, s->a, NULL), w = bench_teller(&s->b, third, NULL);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o = {.told = 0};
    noex_op m;
    assert_int_equal(noex_remote_monitor(third->c, &w, &target, 0, outcome_done, &o, &m), 0);
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    noex_cluster_free(third->c);
    third->c = NULL;
    bench_seen(&s->b, s->a, "node_down", 1);
    stage_stop(s, &p, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    stage_settle(s);
}

ROW(D22_terminated_comes_first)
{
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    stage_monitor(s, &p);
    stage_stop(s, &p, "normal");
    stage_down(s, 1);
    unsigned terminated = 0;
    for (unsigned i = 0; i < s->a->count; i++) {
        terminated += strcmp(s->a->seen[i].what, "terminated") == 0;
        if (strcmp(s->a->seen[i].what, "process_down") == 0)
            assert_int_equal(terminated, 1);
    }
}

/* As in Erlang: whoever is dead is told nothing. */
ROW(D23_a_process_that_monitors_itself)
{
    stage_monitor(s, &s->w);
    stage_stop(s, &s->w, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    bench_clusters_for(&s->b, 20);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
    assert_int_equal(stage_stats(s).local_count, 0);
}

/* ---- demonitor ---- */

ROW(X01_X02_X03_X13_taken_away)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0);
    struct noex_remote_monitor_stats st = stage_stats(s); /* X13: at once */
    assert_int_equal(st.active_outgoing_count, 0);
    assert_int_equal(st.total_demonitored, 1);
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0); /* X03 */
    assert_int_equal(stage_stats(s).total_demonitored, 1);
    stage_settle(s);
    if (!s->two)
        assert_int_equal(stage_monitored_by(s, &p), 0);
    stage_stop(s, &p, "normal"); /* X02 */
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

ROW(X04_an_invented_one)
{
    assert_int_equal(noex_remote_demonitor(s->a->c, 0), 0);
    assert_int_equal(noex_remote_demonitor(s->a->c, UINT64_MAX), 0);
    assert_int_equal(noex_remote_demonitor(s->a->c, UINT64_C(0x180000007)), 0);
    assert_int_equal(stage_stats(s).total_demonitored, 0);
}

ROW(X05_after_its_event)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_stop(s, &p, "normal");
    stage_down(s, 1);
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0);
    assert_int_equal(stage_stats(s).total_demonitored, 0);
}

ROW(X06_while_the_down_is_on_its_way)
{
    struct noex_ref p = stage_process(s);
    noex_op m = stage_monitor(s, &p);
    stage_exit(s, &p, "kill");
    /* What is asked of a connection is done in its order: the DOWN is there before this answer. */
    assert_int_equal(noex_cluster_process(s->a->c, 0), 0);
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0);
    stage_settle(s);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
}

ROW(X09_five_times)
{
    struct noex_ref p = stage_process(s);
    for (int i = 0; i < 5; i++)
        assert_int_equal(noex_remote_demonitor(s->a->c, stage_monitor(s, &p)), 0);
    assert_int_equal(stage_stats(s).total_established, 5);
    assert_int_equal(stage_stats(s).total_demonitored, 5);
    assert_int_equal(stage_stats(s).active_outgoing_count, 0);
}

ROW(X16_a_local_one_whose_target_was_just_killed)
{
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    noex_op m = stage_monitor(s, &p);
    stage_exit(s, &p, "kill");
    assert_int_equal(noex_remote_demonitor(s->a->c, m), 0); /* X16 */
    bench_seen(&s->b, s->a, "terminated", 1);
    bench_clusters_for(&s->b, 20);
    assert_int_equal(bench_count(s->a, "process_down"), 0);
    assert_int_equal(stage_stats(s).local_count, 0);
}

ROW(X12_K23_K24_K25_after_the_cluster_has_stopped)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target nobody = noex_name_target("x", "nobody@127.0.0.2");
    struct outcome o;
    noex_op m = stage_monitor(s, &p);
    stage_monitor_begin(s, &nobody, 0, &o); /* pending: its answer has not been read yet */
    assert_int_equal(noex_cluster_stop(s->a->c), 0);
    bench_seen(&s->b, s->a, "stopped", 1);
    assert_int_equal(o.code, NOEX_ENOTSTARTED); /* K24 */
    assert_int_equal(noex_remote_demonitor(s->a->c, m), NOEX_ENOTSTARTED);
    assert_int_equal(bench_count(s->a, "process_down"), 0); /* K23 */
    struct noex_remote_monitor_stats st = stage_stats(s);   /* K25 */
    assert_int_equal(st.active_outgoing_count, 0);
    assert_int_equal(st.pending_count, 0);
    assert_int_equal(st.total_established, 1);
    assert_int_equal(st.total_initiated, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(D01_stopped_normally),
        cmocka_unit_test(D02_stopped_by_shutdown),
        cmocka_unit_test(D03_failed_with_a_text),
        cmocka_unit_test(D04_ended_by_an_exit_signal),
        cmocka_unit_test(D05_exit_signals_normal_and_shutdown),
        cmocka_unit_test(D06_L06_a_handler_that_answers_an_error),
        cmocka_unit_test(D08_terminate_comes_before_the_event),
        cmocka_unit_test(D09_D13_the_monitor_is_gone_in_the_handler),
        cmocka_unit_test(D10_three_watchers),
        cmocka_unit_test(D11_X08_five_monitors_of_which_one_is_taken_away),
        cmocka_unit_test(D14_D15_handlers_twice_and_two),
        cmocka_unit_test(D16_no_handler),
        cmocka_unit_test(D17_W06_the_watcher_is_dead),
        cmocka_unit_test(D18_D20_a_thousand_together),
        cmocka_unit_test(D21_K18_the_watchers_node_is_gone),
        cmocka_unit_test(D22_terminated_comes_first),
        cmocka_unit_test(D23_a_process_that_monitors_itself),
        cmocka_unit_test(X01_X02_X03_X13_taken_away),
        cmocka_unit_test(X04_an_invented_one),
        cmocka_unit_test(X05_after_its_event),
        cmocka_unit_test(X06_while_the_down_is_on_its_way),
        cmocka_unit_test(X09_five_times),
        cmocka_unit_test(X16_a_local_one_whose_target_was_just_killed),
        cmocka_unit_test(X12_K23_K24_K25_after_the_cluster_has_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
