/* What the rows of tests/rows do not have. SPDX-License-Identifier: Apache-2.0 */
#include "cluster_bench.h"
#include "cmocka_all.h"
#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cluster_bench b;
static struct bench_cluster *a;

static int set_up(void **state)
{
    (void)state;
    b.count = 0;
    a = bench_cluster_start(&b, "a", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench_clusters_free(&b);
    return 0;
}

static void await_works_without_a_function(void **state)
{
    struct noex_ref p = bench_teller(&b, a, NULL);
    const struct noex_target target = noex_ref_target(&p);
    const struct noex_result *result;
    noex_op op, other;
    (void)state;
    assert_int_equal(
        noex_gen_server_call(a->c, &target, bench_term("{reply, 1}"), 0, NULL, NULL, &op), 0);
    assert_int_equal(noex_gen_server_call(a->c, &target, bench_term("{reply, <<\"two\">>}"), 0,
                                          NULL, NULL, &other),
                     0);
    assert_int_equal(noex_await(a->c, other, &result), 0); /* the first is kept meanwhile */
    assert_int_equal(result->term.len, 8);
    assert_int_equal(noex_await(a->c, op, &result), 0);
    assert_int_equal(result->op, op);
    assert_int_equal(noex_await(a->c, op, &result), NOEX_EINVALID); /* once */
    assert_int_equal(
        noex_gen_server_call(a->c, &target, bench_term("noreply"), 20, NULL, NULL, &op), 0);
    assert_int_equal(noex_forget(a->c, op), 0);
    bench_clusters_for(&b, 40);
    assert_int_equal(noex_await(a->c, op, &result), NOEX_EINVALID);
}

static bool has_value(void *ctx)
{
    struct outcome o;
    const struct noex_target *target = ctx;
    return bench_call(&b, a, target, "get", &o) == 0 && strcmp(o.term, "{info,\"tick\"}") == 0;
}

static void a_message_after_a_time(void **state)
{
    struct noex_ref p = bench_teller(&b, a, NULL);
    struct noex_target target = noex_ref_target(&p);
    noex_op timer;
    (void)state;
    assert_int_equal(noex_gen_server_send_after(a->c, &p, 10, bench_term("tock"), &timer), 0);
    assert_int_equal(noex_gen_server_cancel_timer(a->c, timer), 0);
    assert_int_equal(noex_gen_server_send_after(a->c, &p, 10, bench_term("tick"), &timer), 0);
    bench_clusters_until(&b, has_value, &target, "the message");
    assert_int_equal(noex_gen_server_send_after(a->c, &p, 100000, bench_term("tick"), &timer), 0);
}

static noex_subscription mine;
static unsigned told[3];

static void unsubscribe_it(void *user, const struct noex_lifecycle_event *e)
{
    (void)user, (void)e;
    told[0]++;
    assert_int_equal(noex_unsubscribe(a->c, mine), 0);
}

static void count_it(void *user, const struct noex_lifecycle_event *e)
{
    (void)e;
    ++*(unsigned *)user;
    if (user == &told[1] && told[1] == 1) /* told of the next */
        assert_int_equal(noex_on_lifecycle_event(a->c, count_it, &told[2], NULL), 0);
}

static void unsubscribed_and_subscribed_in_a_handler(void **state)
{
    (void)state;
    memset(told, 0, sizeof told);
    assert_int_equal(noex_on_lifecycle_event(a->c, unsubscribe_it, NULL, &mine), 0);
    assert_int_equal(noex_on_lifecycle_event(a->c, count_it, &told[1], NULL), 0);
    bench_teller(&b, a, NULL);
    bench_teller(&b, a, NULL);
    bench_teller(&b, a, NULL);
    assert_int_equal(told[0], 1);
    assert_int_equal(told[1], 3);
    assert_int_equal(told[2], 2);
}

static void monitors_are_listed(void **state)
{
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, a, NULL);
    const struct noex_target target = noex_ref_target(&p);
    struct noex_monitor_info list[4];
    noex_op m[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(noex_remote_monitor(a->c, &w, &target, 0, NULL, NULL, &m[i]), 0);
        assert_int_equal(noex_await(a->c, m[i], NULL), 0);
    }
    assert_int_equal(noex_remote_demonitor(a->c, m[1]), 0);
    assert_int_equal(noex_remote_monitor_list(a->c, 0, list, 4), 2);
    assert_int_equal(list[0].monitor, m[0]);
    assert_int_equal(list[1].monitor, m[2]);
    assert_int_equal(list[0].target->pid.id, p.pid.id);
    assert_int_equal(list[0].watcher->pid.id, w.pid.id);
    assert_int_equal(list[0].established, 1);
    assert_int_equal(noex_remote_monitor_list(a->c, m[0], list, 4), 1);
    assert_int_equal(noex_await(a->c, m[0], NULL), NOEX_EINVALID); /* it was */
}

static void an_established_monitor_that_is_over_is_awaited_well(void **state)
{
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, a, NULL);
    const struct noex_target target = noex_ref_target(&p);
    noex_op m;
    (void)state;
    assert_int_equal(noex_remote_monitor(a->c, &w, &target, 0, NULL, NULL, &m), 0);
    bench_cast(a, &p, "{stop, normal}");
    bench_seen(&b, a, "process_down", 1);
    assert_int_equal(noex_await(a->c, m, NULL), 0);
}

static void raw_functions_of_the_node_go_beside_it(void **state)
{
    struct noex_ref p = bench_teller(&b, a, "tell");
    const struct noex_target target = noex_name_target("tell", a->name);
    const struct noex_event *e;
    noex_node *node = noex_cluster_node(a->c);
    noex_call_id id;
    (void)state;
    assert_int_equal(noex_call(node, NULL, &target, bench_term("{reply, 5}"), 0, NULL, &id), 0);
    assert_int_equal(noex_wait_reply(node, id, BENCH_PATIENCE_MS, &e), 0);
    assert_int_equal(e->type, NOEX_EVENT_REPLY);
    assert_true(noex_process_is_alive(node, &p.pid));
}

static enum noex_next end_at_once(noex_gen_server *self, struct noex_term request,
                                  struct noex_term caller)
{
    (void)request;
    noex_build_atom(noex_gen_server_builder(self), "bye");
    assert_int_equal(noex_gen_server_reply(self, caller, bench_term("last")), 0);
    return NOEX_NEXT_STOP;
}

static void a_reply_and_the_end(void **state)
{
    const struct noex_behavior behavior = {.size = sizeof behavior, .handle_call = end_at_once};
    struct noex_ref p;
    struct outcome o;
    (void)state;
    assert_int_equal(noex_gen_server_start(a->c, &behavior, NULL, &p, NULL), 0);
    const struct noex_target target = noex_ref_target(&p);
    assert_int_equal(bench_call(&b, a, &target, "x", &o), 0);
    assert_string_equal(o.term, "last");
    assert_string_equal(bench_seen(&b, a, "terminated", 1)->message, "exit: bye");
}

static void a_server_without_functions(void **state)
{
    const struct noex_behavior behavior = {.size = sizeof behavior};
    struct noex_ref p;
    struct outcome o;
    (void)state;
    assert_int_equal(noex_gen_server_start(a->c, &behavior, NULL, &p, NULL), 0);
    const struct noex_target target = noex_ref_target(&p);
    assert_int_equal(bench_call(&b, a, &target, "x", &o), 0);
    assert_string_equal(o.term, "{error,undef}");
    assert_int_equal(noex_gen_server_cast(a->c, &target, bench_term("x")), 0);
    bench_clusters_for(&b, 10);
    assert_int_equal(noex_gen_server_is_running(a->c, &p), 1);
}

static void stop_it(void *user, const struct noex_lifecycle_event *e)
{
    (void)user;
    if (e->type == NOEX_LIFECYCLE_PROCESS_DOWN)
        assert_int_equal(noex_cluster_stop(a->c), 0);
}

static void stopped_in_a_handler_and_started_again(void **state)
{
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, a, NULL);
    const struct noex_target target = noex_ref_target(&p);
    noex_op m;
    (void)state;
    assert_int_equal(noex_on_lifecycle_event(a->c, stop_it, NULL, NULL), 0);
    assert_int_equal(noex_remote_monitor(a->c, &w, &target, 0, NULL, NULL, &m), 0);
    bench_cast(a, &p, "{stop, normal}");
    bench_seen(&b, a, "stopped", 1);
    assert_int_equal(noex_cluster_start(a->c), 0);
    assert_int_equal(noex_cluster_wait(a->c, NOEX_CLUSTER_RUNNING, BENCH_PATIENCE_MS), 0);
    bench_teller(&b, a, NULL);
}

static void free_it(void *user, const struct noex_lifecycle_event *e)
{
    (void)user;
    if (e->type == NOEX_LIFECYCLE_PROCESS_DOWN)
        noex_cluster_free(a->c);
}

static void freed_in_a_handler(void **state)
{
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, a, NULL);
    const struct noex_target target = noex_ref_target(&p);
    noex_op m;
    (void)state;
    assert_int_equal(noex_on_lifecycle_event(a->c, free_it, NULL, NULL), 0);
    assert_int_equal(noex_remote_monitor(a->c, &w, &target, 0, NULL, NULL, &m), 0);
    bench_cast(a, &p, "{stop, normal}");
    int rc = 0;
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = noex_cluster_process(a->c, 10);
    assert_int_equal(rc, NOEX_ESTATE);
    a->c = NULL;
}

static void the_own_process_is_ended_by_somebody(void **state)
{
    struct bench_cluster *two = bench_cluster_start(&b, "two", a);
    const struct noex_target own = noex_name_target("noex_cluster", a->name);
    struct noex_pid pid;
    (void)state;
    assert_int_equal(noex_whereis(noex_cluster_node(a->c), "noex_cluster", &pid), 0);
    const struct noex_target target = {NOEX_TARGET_PID, pid, a->name, NULL};
    assert_int_equal(noex_gen_server_exit(two->c, &target, bench_term("kill")), 0);
    struct outcome o = {.told = 0};
    assert_int_equal(
        noex_gen_server_stop(two->c, &own, bench_term("normal"), 500, outcome_done, &o, NULL), 0);
    bench_outcome(&b, &o);
    bench_clusters_for(&b, 20);
    assert_int_equal(noex_cluster_stop(two->c), 0); /* it is there again, and hears that */
    assert_string_equal(bench_seen(&b, a, "node_down", 1)->detail, "graceful_shutdown");
}

/* ---- what is ended while it is told ---- */

static unsigned ended;

static void end_monitor(void *user, const struct noex_result *r)
{
    (void)user;
    ended++;
    assert_int_equal(noex_remote_demonitor(a->c, r->op), 0);
}

static void end_link(void *user, const struct noex_result *r)
{
    (void)user;
    ended++;
    assert_int_equal(noex_remote_unlink(a->c, r->op), 0);
}

static bool all_ended(void *ctx)
{
    return ended == *(unsigned *)ctx;
}

static void ended_in_its_own_function(void **state)
{
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, a, NULL);
    const struct noex_target good = noex_ref_target(&p);
    const struct noex_target bad = {NOEX_TARGET_PID, {1, 2, 3}, "nobody@127.0.0.1:1", NULL};
    const struct noex_target named = noex_global_target("x");
    struct noex_remote_monitor_stats m;
    struct noex_remote_link_stats l;
    unsigned all = 6;
    noex_op op;
    (void)state;
    ended = 0;
    assert_int_equal(noex_gen_server_trap_exit(a->c, &w, true), 0);
    assert_int_equal(noex_remote_monitor(a->c, &w, &good, 0, end_monitor, NULL, &op), 0);
    assert_int_equal(noex_remote_monitor(a->c, &w, &bad, 0, end_monitor, NULL, &op), 0);
    assert_int_equal(noex_remote_monitor(a->c, &w, &named, 0, end_monitor, NULL, &op), 0);
    assert_int_equal(noex_remote_link(a->c, &w, &good, 0, end_link, NULL, &op), 0);
    assert_int_equal(noex_remote_link(a->c, &w, &bad, 0, end_link, NULL, &op), 0);
    assert_int_equal(noex_remote_link(a->c, &w, &named, 0, end_link, NULL, &op), 0);
    bench_clusters_until(&b, all_ended, &all, "six answers");
    noex_remote_monitor_get_stats(a->c, &m, sizeof m);
    noex_remote_link_get_stats(a->c, &l, sizeof l);
    assert_int_equal(m.pending_count + m.active_outgoing_count + m.local_count, 0);
    assert_int_equal(l.pending_count, 0);
    assert_int_equal(l.active_link_count, 0);
}

static void take_it(void *user, noex_timer_id id)
{
    (void)id;
    assert_int_equal(noex_remote_demonitor(a->c, *(noex_op *)user), 0);
}

static void taken_away_while_it_is_awaited(void **state)
{
    struct bench_cluster *two = bench_cluster_start(&b, "two", a);
    struct noex_ref w = bench_teller(&b, a, NULL), p = bench_teller(&b, two, NULL);
    const struct noex_target target = noex_ref_target(&p);
    struct noex_remote_monitor_stats m;
    noex_timer_id timer;
    noex_op op;
    (void)state;
    assert_int_equal(noex_remote_monitor(a->c, &w, &target, 0, NULL, NULL, &op), 0);
    assert_int_equal(noex_timer_start(noex_cluster_node(a->c), 20, take_it, &op, &timer), 0);
    assert_int_equal(noex_await(a->c, op, NULL), 0); /* nobody drives `two`: there is no answer */
    noex_remote_monitor_get_stats(a->c, &m, sizeof m);
    assert_int_equal(m.pending_count, 0);
    assert_int_equal(m.total_demonitored, 1);
}

static enum noex_next too_early(noex_gen_server *self, struct noex_term args)
{
    (void)args;
    assert_int_equal(
        noex_gen_server_init_done(self, NOEX_NEXT_CONTINUE, (struct noex_term){NULL, 0}),
        NOEX_ESTATE);
    return NOEX_NEXT_CONTINUE;
}

static void an_init_is_not_done_inside_itself(void **state)
{
    const struct noex_behavior behavior = {.size = sizeof behavior, .init = too_early};
    (void)state;
    assert_int_equal(noex_gen_server_start(a->c, &behavior, NULL, NULL, NULL), 0);
    bench_seen(&b, a, "started", 1);
}

/* Starts that are under way: asked for here, and by another node. */
static void begin_starts(struct outcome *here, struct outcome *there)
{
    struct bench_cluster *two = bench_cluster_start(&b, "two", a);
    struct noex_remote_spawn_options o;
    noex_remote_spawn_options_init(&o);
    o.done = outcome_done;
    o.args = bench_term("later");
    o.user = here;
    assert_int_equal(noex_remote_spawn(a->c, "teller", a->name, &o, NULL), 0);
    o.user = there;
    o.args = bench_term("later");
    assert_int_equal(noex_remote_spawn(two->c, "teller", a->name, &o, NULL), 0);
    bench_clusters_for(&b, 50);
    assert_int_equal(here->told + there->told, 0);
}

static void stopped_with_starts_under_way(void **state)
{
    struct outcome here = {.told = 0}, there = {.told = 0};
    (void)state;
    begin_starts(&here, &there);
    assert_int_equal(noex_cluster_stop(a->c), 0);
    bench_seen(&b, a, "stopped", 1);
    assert_int_equal(here.code, NOEX_ENOTSTARTED);
    assert_int_not_equal(bench_outcome(&b, &there), 0);
    assert_int_equal(here.told, 1);
}

static void freed_with_starts_under_way(void **state)
{
    struct outcome here = {.told = 0}, there = {.told = 0};
    (void)state;
    begin_starts(&here, &there);
    noex_cluster_free(a->c);
    a->c = NULL;
    assert_int_not_equal(bench_outcome(&b, &there), 0);
    assert_int_equal(here.told, 0);
}

static void use_all(noex_gen_server *self, enum noex_reason_type type, struct noex_term reason)
{
    noex_cluster *c = noex_gen_server_cluster(self);
    const struct noex_target target = noex_name_target("x", "b@127.0.0.1");
    noex_op op;
    (void)type, (void)reason;
    ended++;
    assert_int_equal(noex_gen_server_call(c, &target, bench_term("x"), 0, NULL, NULL, &op),
                     NOEX_ENOTSTARTED);
    assert_int_equal(noex_remote_demonitor(c, 1), NOEX_ENOTSTARTED);
    assert_int_equal(noex_cluster_stop(c), 0);
    noex_cluster_free(c);
}

static void terminate_of_a_cluster_that_is_freed(void **state)
{
    const struct noex_behavior behavior = {.size = sizeof behavior, .terminate = use_all};
    (void)state;
    ended = 0;
    assert_int_equal(noex_gen_server_start(a->c, &behavior, NULL, NULL, NULL), 0);
    noex_cluster_free(a->c);
    a->c = NULL;
    assert_int_equal(ended, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(await_works_without_a_function),
        CASE(a_message_after_a_time),
        CASE(unsubscribed_and_subscribed_in_a_handler),
        CASE(monitors_are_listed),
        CASE(an_established_monitor_that_is_over_is_awaited_well),
        CASE(raw_functions_of_the_node_go_beside_it),
        CASE(a_reply_and_the_end),
        CASE(a_server_without_functions),
        CASE(stopped_in_a_handler_and_started_again),
        CASE(freed_in_a_handler),
        CASE(the_own_process_is_ended_by_somebody),
        CASE(ended_in_its_own_function),
        CASE(taken_away_while_it_is_awaited),
        CASE(an_init_is_not_done_inside_itself),
        CASE(stopped_with_starts_under_way),
        CASE(freed_with_starts_under_way),
        CASE(terminate_of_a_cluster_that_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
