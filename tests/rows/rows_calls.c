/* Rows R, S, L and Y of noex's behaviour: names, spawns, calls, links. See tests/NOEX_ROWS.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

typedef int (*ask_fn)(noex_cluster *, const char *, noex_done_fn, void *, noex_op *);

static int ask(struct stage *s, struct bench_cluster *c, ask_fn fn, const char *name,
               struct outcome *o)
{
    memset(o, 0, sizeof *o);
    int rc = fn(c->c, name, outcome_done, o, NULL);
    return rc ? rc : bench_outcome(&s->b, o);
}

static int reg(struct stage *s, struct bench_cluster *c, const char *name, const struct noex_ref *p,
               struct outcome *o)
{
    memset(o, 0, sizeof *o);
    int rc = noex_global_register(c->c, name, p, outcome_done, o, NULL);
    return rc ? rc : bench_outcome(&s->b, o);
}

/* C nodes alone have no `global`, and say so. */
static bool no_global(struct stage *s)
{
    struct outcome o;
    if (!s->two)
        return false;
    assert_int_equal(ask(s, s->a, noex_global_whereis, "x", &o), NOEX_ENOGLOBAL);
    assert_int_equal(reg(s, s->a, "x", &s->w, &o), NOEX_ENOGLOBAL);
    return true;
}

ROW(R01_R02_R03_R04_R05_R06_names)
{
    struct outcome o;
    if (no_global(s))
        return;
    struct bench_cluster *third = bench_cluster_start(&s->b, "third", s->a);
    const char *seed = s->b_address;
    assert_int_equal(noex_connect(noex_cluster_node(third->c), seed, NOEX_CONNECT_KEEP), 0);
    bench_seen(&s->b, third, "node_up", 2);
    struct noex_ref other = bench_teller(&s->b, third, NULL);
    assert_int_equal(ask(s, s->a, noex_global_whereis, "rows:x", &o), 0);
    assert_false(o.has_process); /* R04 */
    assert_int_equal(ask(s, s->a, noex_global_lookup, "rows:x", &o), NOEX_ENONAME);
    assert_int_equal(reg(s, s->a, "rows:x", &s->w, &o), 0);
    assert_int_equal(reg(s, s->a, "rows:x", &s->w, &o), 0); /* R03 */
    assert_true(noex_global_is_mine(s->a->c, "rows:x"));
    assert_int_equal(ask(s, third, noex_global_whereis, "rows:x", &o), 0); /* R01 */
    assert_int_equal(o.process.pid.id, s->w.pid.id);
    assert_string_equal(o.process.node, s->a->name);
    assert_non_null(strstr(stage_ask(s, "global", "registered_names", "[]"), "rows:x"));
    assert_int_equal(reg(s, third, "rows:x", &other, &o), NOEX_ENAMETAKEN); /* R02 */
    assert_string_equal(o.node, s->a->name);
    assert_int_equal(ask(s, third, noex_global_unregister, "rows:x", &o), 0); /* R06 */
    assert_int_equal(ask(s, third, noex_global_lookup, "rows:x", &o), 0);
    assert_int_equal(ask(s, s->a, noex_global_unregister, "rows:x", &o), 0); /* R05 */
    assert_int_equal(ask(s, third, noex_global_lookup, "rows:x", &o), NOEX_ENONAME);
    assert_false(noex_global_is_mine(s->a->c, "rows:x"));
}

ROW(R07_R08_R10_names_of_the_dead)
{
    struct outcome o;
    if (no_global(s))
        return;
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    assert_int_equal(reg(s, s->a, "rows:dead", &p, &o), 0);
    stage_stop(s, &p, "normal");
    bench_seen(&s->b, s->a, "terminated", 1);
    do
        assert_true(ask(s, s->a, noex_global_whereis, "rows:dead", &o) == 0);
    while (o.has_process); /* R08 */
    assert_false(noex_global_is_mine(s->a->c, "rows:dead"));
    assert_int_equal(reg(s, s->a, "rows:mine", &s->w, &o), 0);
    struct bench_cluster *late = bench_cluster_start(&s->b, "late", s->a);
    assert_int_equal(noex_connect(noex_cluster_node(late->c), s->b_address, NOEX_CONNECT_KEEP), 0);
    bench_seen(&s->b, late, "node_up", 2);
    assert_int_equal(ask(s, late, noex_global_lookup, "rows:mine", &o), 0); /* R10 */
    noex_cluster_free(s->a->c);                                             /* R07 */
    s->a->c = NULL;
    bench_seen(&s->b, late, "node_down", 1);
    do
        assert_true(ask(s, late, noex_global_whereis, "rows:mine", &o) == 0);
    while (o.has_process);
}

static bool healed(void *ctx)
{
    struct stage *s = ctx;
    struct noex_global_stats st;
    noex_global_get_stats(s->a->c, &st, sizeof st);
    return st.healed > 0;
}

ROW(R07_a_name_lost_by_a_flapping_link_is_healed)
{
    struct outcome o;
    if (no_global(s))
        return;
    assert_int_equal(reg(s, s->a, "rows:flap", &s->w, &o), 0);
    assert_int_equal(noex_disconnect(noex_cluster_node(s->a->c), s->b_name), 0);
    bench_seen(&s->b, s->a, "node_down", 1);
    assert_int_equal(noex_connect(noex_cluster_node(s->a->c), s->b_address, NOEX_CONNECT_KEEP), 0);
    bench_clusters_until(&s->b, healed, s, "the name to be registered again");
    assert_int_equal(ask(s, s->a, noex_global_lookup, "rows:flap", &o), 0);
    assert_int_equal(o.process.pid.id, s->w.pid.id);
}

/* ---- spawn ---- */

static int spawn(struct stage *s, const char *behavior, const char *node,
                 struct noex_remote_spawn_options *options, struct outcome *o)
{
    struct noex_remote_spawn_options fresh;
    memset(o, 0, sizeof *o);
    if (!options) {
        noex_remote_spawn_options_init(&fresh);
        options = &fresh;
    }
    options->done = outcome_done;
    options->user = o;
    int rc = noex_remote_spawn(s->a->c, behavior, node, options, NULL);
    return rc ? rc : bench_outcome(&s->b, o);
}

ROW(S01_S02_S03_S06_spawns)
{
    struct noex_remote_spawn_options options;
    struct outcome o;
    noex_remote_spawn_options_init(&options);
    options.args = bench_term("{some, value}");
    assert_int_equal(spawn(s, "teller", s->b_name, &options, &o), 0);
    assert_string_equal(o.process.node, s->b_name);
    const struct noex_ref started = o.process;
    const struct noex_target p = noex_ref_target(&started);
    assert_int_equal(bench_call(&s->b, s->a, &p, "get", &o), 0);
    assert_string_equal(o.term, "{some,value}");
    assert_int_equal(spawn(s, "no_such_behaviour", s->b_name, NULL, &o), NOEX_ENOBEHAVIOR);
    assert_string_equal(o.node, s->b_name);
    options.args = bench_term("{fail, <<\"no such disk\">>}");
    assert_int_equal(spawn(s, "teller", s->b_name, &options, &o), NOEX_EINIT);
    assert_non_null(strstr(o.text, "no such disk"));
    options.args = bench_term("{stop, {why, 7}}");
    assert_int_equal(spawn(s, "teller", s->b_name, &options, &o), NOEX_EINIT);
    assert_string_equal(o.term, "{why,7}");
    assert_int_equal(noex_error_class(spawn(s, "teller", "nobody@127.0.0.1:1", NULL, &o)),
                     NOEX_CLASS_REACH); /* S06 */
    assert_string_equal(o.node, "nobody@127.0.0.1");
    struct noex_remote_spawn_stats st;
    noex_remote_spawn_get_stats(s->a->c, &st, sizeof st);
    assert_int_equal(st.total_resolved, 1);
    assert_int_equal(st.total_rejected, 4);
    assert_int_equal(st.pending_count, 0);
}

ROW(S01_S02_S03_on_the_own_node)
{
    struct noex_remote_spawn_options options;
    struct outcome o;
    noex_remote_spawn_options_init(&options);
    options.name = "here";
    options.registration = NOEX_REGISTRATION_LOCAL;
    assert_int_equal(spawn(s, "teller", s->a->name, &options, &o), 0);
    assert_string_equal(o.process.node, s->a->name);
    assert_int_equal(spawn(s, "teller", s->a->name, &options, &o), NOEX_ENAMETAKEN);
    assert_int_equal(spawn(s, "no_such_behaviour", s->a->name, NULL, &o), NOEX_ENOBEHAVIOR);
    noex_remote_spawn_options_init(&options);
    options.args = bench_term("{fail, <<\"no such disk\">>}");
    assert_int_equal(spawn(s, "teller", s->a->name, &options, &o), NOEX_EINIT);
    assert_non_null(strstr(o.text, "no such disk"));
}

ROW(S04_S05_spawns_with_a_name_in_global)
{
    struct noex_remote_spawn_options options;
    struct outcome o;
    noex_remote_spawn_options_init(&options);
    options.name = "rows:spawned";
    options.registration = NOEX_REGISTRATION_GLOBAL;
    if (s->two) {
        assert_int_equal(spawn(s, "teller", s->b_name, &options, &o), NOEX_EINIT);
        return;
    }
    assert_int_equal(spawn(s, "teller", s->b_name, &options, &o), 0);
    assert_int_equal(ask(s, s->a, noex_global_lookup, "rows:spawned", &o), 0); /* S04 */
    const struct noex_target p = noex_global_target("rows:spawned");
    assert_int_equal(bench_call(&s->b, s->a, &p, "{reply, 4}", &o), 0);
    assert_string_equal(o.term, "4");
    unsigned before = bench_count(s->a, "started");
    assert_int_equal(spawn(s, "teller", s->a->name, &options, &o), NOEX_ENAMETAKEN); /* S05 */
    assert_string_equal(o.node, s->b_name);
    assert_int_equal(bench_count(s->a, "started"), before);
    struct outcome m;
    noex_op id = stage_monitor_begin(s, &p, 0, &m); /* by that name, as well */
    assert_int_equal(bench_outcome(&s->b, &m), 0);
    struct outcome stopped = {.told = 0};
    assert_int_equal(
        noex_gen_server_stop(s->a->c, &p, bench_term("normal"), 0, outcome_done, &stopped, NULL),
        0);
    assert_int_equal(bench_outcome(&s->b, &stopped), 0);
    assert_int_equal(stage_down(s, 1)->monitor, id);
}

ROW(S07_the_node_goes_while_a_spawn_is_pending)
{
    struct noex_remote_spawn_options options;
    struct outcome o = {.told = 0};
    noex_remote_spawn_options_init(&options);
    options.done = outcome_done;
    options.user = &o;
    stage_freeze_b(s, true);
    assert_int_equal(noex_remote_spawn(s->a->c, "teller", s->b_name, &options, NULL), 0);
    bench_clusters_for(&s->b, 20);
    if (s->two)
        stage_freeze_b(s, false);
    stage_kill_b(s);
    assert_int_equal(noex_error_class(bench_outcome(&s->b, &o)), NOEX_CLASS_REACH);
    assert_string_equal(o.node, s->b_name);
}

ROW(S08_behaviours)
{
    struct noex_behavior b;
    const char *names[4];
    noex_cluster *c = s->a->c;
    noex_behavior_init(&b);
    assert_int_equal(noex_behavior_register(c, "x", &b), NOEX_EINVALID); /* it can do nothing */
    b = teller;
    assert_int_equal(noex_behavior_register(c, "", &b), NOEX_EINVALID);
    assert_int_equal(noex_behavior_register(c, "teller", &b), NOEX_ENAMETAKEN);
    assert_int_equal(noex_behavior_register(c, "x", &b), 0);
    assert_non_null(noex_behavior_get(c, "x"));
    assert_int_equal(noex_behavior_names(c, names, 4), 2);
    assert_string_equal(names[1], "x");
    assert_int_equal(noex_behavior_unregister(c, "x"), 0);
    assert_int_equal(noex_behavior_unregister(c, "x"), NOEX_ENOBEHAVIOR);
    assert_null(noex_behavior_get(c, "x"));
}

/* ---- call ---- */

ROW(L01_L02_L03_calls)
{
    struct noex_ref p = stage_process(s), dead = stage_process(s);
    const struct noex_target target = noex_ref_target(&p), gone = noex_ref_target(&dead);
    struct outcome o;
    assert_int_equal(bench_call(&s->b, s->a, &target, "{reply, #{a => [1]}}", &o), 0);
    assert_string_equal(o.term, "#{a => [1]}");
    assert_int_equal(bench_call(&s->b, s->a, &target, "{stop, why}", &o), NOEX_ENOPROC);
    assert_string_equal(o.term, "why");
    stage_exit(s, &dead, "kill");
    stage_settle(s);
    assert_int_equal(bench_call(&s->b, s->a, &gone, "get", &o), NOEX_ENOPROC); /* L02 */
    assert_string_equal(o.node, s->b_name);
    struct noex_ref q = stage_process(s);
    const struct noex_target slow = noex_ref_target(&q);
    memset(&o, 0, sizeof o);
    assert_int_equal(
        noex_remote_call(s->a->c, &slow, bench_term("noreply"), 50, outcome_done, &o, NULL), 0);
    assert_int_equal(bench_outcome(&s->b, &o), NOEX_ECALLTIMEOUT); /* L03 */
    assert_int_equal(o.timeout_ms, 50);
    assert_true(o.has_target);
    memset(&o, 0, sizeof o);
    assert_int_equal(
        noex_remote_call(s->a->c, &slow, bench_term("later"), 0, outcome_done, &o, NULL), 0);
    bench_cast(s->a, &q, "answer");
    assert_int_equal(bench_outcome(&s->b, &o), 0);
    assert_string_equal(o.term, "answered");
    struct noex_remote_call_stats st;
    noex_remote_call_get_stats(s->a->c, &st, sizeof st);
    assert_int_equal(st.total_timed_out, 1);
    assert_int_equal(st.total_rejected, 2);
    assert_int_equal(st.pending_calls, 0);
    assert_int_equal(st.total_calls, st.total_resolved + 3);
}

ROW(L04_L05_calls_of_a_node_that_goes)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    const struct noex_target never = noex_name_target("x", "nobody@127.0.0.1:1");
    struct outcome o = {.told = 0};
    assert_int_equal(
        noex_remote_call(s->a->c, &target, bench_term("noreply"), 0, outcome_done, &o, NULL), 0);
    bench_clusters_for(&s->b, 20);
    stage_kill_b(s);
    assert_int_equal(noex_error_class(bench_outcome(&s->b, &o)), NOEX_CLASS_REACH);
    assert_string_equal(o.node, s->b_name);
    assert_int_equal(noex_remote_cast(s->a->c, &never, bench_term("lost")), 0); /* L05 */
}

/* An orderly stop loses nothing that was sent before it. */
ROW(L05_casts_before_a_stop_arrive)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o;
    char text[1100];
    for (int i = 1; i <= 1000; i++) {
        snprintf(text, sizeof text, "{set, {%d, \"%01000d\"}}", i, i);
        bench_cast(s->a, &p, text);
    }
    assert_int_equal(noex_cluster_stop(s->a->c), 0);
    bench_seen(&s->b, s->a, "stopped", 1);
    assert_int_equal(noex_cluster_start(s->a->c), 0);
    bench_seen(&s->b, s->a, "running", 2);
    bench_seen(&s->b, s->a, "node_up", 2);
    assert_int_equal(bench_call(&s->b, s->a, &target, "get", &o), 0);
    assert_int_equal(strncmp(o.term, "{1000,", 6), 0);
}

/* What OTP's sys asks of a server in C. */
ROW(L01_sys_of_a_server_here)
{
    struct noex_ref p = bench_teller(&s->b, s->a, NULL);
    if (s->two)
        return;
    bench_cast(s->a, &p, "{set, {some, state}}");
    bench_clusters_for(&s->b, 5);
    assert_string_equal(stage_ask_process(s, "sys", "get_state", &p, NULL), "{some,state}");
    assert_string_equal(stage_ask_process(s, "sys", "suspend", &p, NULL), "ok");
    assert_string_equal(stage_ask_process(s, "sys", "resume", &p, NULL), "ok");
    assert_string_equal(stage_ask_process(s, "gen_server", "call", &p, "get"), "{some,state}");
    assert_string_equal(stage_ask_process(s, "gen_server", "stop", &p, NULL), "ok");
    assert_string_equal(bench_seen(&s->b, s->a, "terminated", 1)->detail, "normal");
}

/* ---- links ---- */

static noex_op link_with(struct stage *s, const struct noex_ref *p, int expected)
{
    const struct noex_target target = noex_ref_target(p);
    struct outcome o = {.told = 0};
    noex_op l;
    assert_int_equal(noex_remote_link(s->a->c, &s->w, &target, 0, outcome_done, &o, &l), 0);
    assert_int_equal(bench_outcome(&s->b, &o), expected);
    return l;
}

static struct noex_remote_link_stats link_stats(struct stage *s)
{
    struct noex_remote_link_stats st;
    noex_remote_link_get_stats(s->a->c, &st, sizeof st);
    return st;
}

static bool no_links(void *ctx)
{
    return link_stats(ctx).active_link_count == 0;
}

ROW(Y01_Y09_linked_and_the_other_crashes)
{
    struct noex_ref p = stage_process(s);
    link_with(s, &p, 0);
    assert_int_equal(link_stats(s).active_link_count, 1);
    bench_cast(s->a, &p, "{fail, <<\"boom\">>}");
    const struct seen *end = bench_seen(&s->b, s->a, "terminated", 1);
    assert_int_equal(end->process.id, s->w.pid.id);
    assert_string_equal(end->detail, "exception");
    assert_non_null(strstr(end->message, "boom"));
    assert_int_equal(link_stats(s).active_link_count, 0);
}

ROW(Y02_exits_are_trapped)
{
    struct noex_ref p = stage_process(s);
    const struct noex_target w = noex_ref_target(&s->w);
    struct outcome o;
    assert_int_equal(noex_gen_server_trap_exit(s->a->c, &s->w, true), 0);
    link_with(s, &p, 0);
    stage_stop(s, &p, "{some, reason}");
    bench_clusters_until(&s->b, no_links, s, "the end of the link");
    assert_int_equal(bench_call(&s->b, s->a, &w, "get", &o), 0);
    assert_string_equal(o.term, "{exit,\"{some,reason}\"}");
    assert_int_equal(link_stats(s).total_exit_signals_received, 1);
}

ROW(Y03_the_other_ends_normally)
{
    struct noex_ref p = stage_process(s);
    link_with(s, &p, 0);
    stage_stop(s, &p, "normal");
    bench_clusters_until(&s->b, no_links, s, "the end of the link");
    assert_int_equal(noex_gen_server_is_running(s->a->c, &s->w), 1);
}

ROW(Y04_shutdown_goes_on)
{
    struct noex_ref p = stage_process(s);
    link_with(s, &p, 0);
    stage_stop(s, &p, "shutdown");
    assert_string_equal(bench_seen(&s->b, s->a, "terminated", 1)->detail, "shutdown");
}

ROW(Y05_the_node_is_lost)
{
    struct noex_ref p = stage_process(s);
    link_with(s, &p, 0);
    stage_kill_b(s);
    assert_string_equal(bench_seen(&s->b, s->a, "terminated", 1)->detail, "noconnection");
}

ROW(Y06_Y08_unlinked)
{
    struct noex_ref p = stage_process(s);
    noex_op l = link_with(s, &p, 0);
    assert_int_equal(noex_remote_unlink(s->a->c, l), 0);
    assert_int_equal(noex_remote_unlink(s->a->c, l), 0); /* Y08 */
    assert_int_equal(link_stats(s).total_unlinked, 1);
    bench_cast(s->a, &p, "{fail, <<\"boom\">>}");
    stage_settle(s);
    assert_int_equal(noex_gen_server_is_running(s->a->c, &s->w), 1);
}

/* As in Erlang the exit signal noproc comes, too. */
ROW(Y07_no_such_process)
{
    struct noex_ref p = stage_process(s);
    assert_int_equal(noex_gen_server_trap_exit(s->a->c, &s->w, true), 0);
    stage_exit(s, &p, "kill");
    stage_settle(s);
    const struct noex_target target = noex_ref_target(&p);
    struct outcome o = {.told = 0};
    noex_op l;
    assert_int_equal(noex_remote_link(s->a->c, &s->w, &target, 0, outcome_done, &o, &l), 0);
    bench_outcome(&s->b, &o);
    bench_clusters_until(&s->b, no_links, s, "the end of the link");
    const struct noex_target w = noex_ref_target(&s->w);
    assert_int_equal(bench_call(&s->b, s->a, &w, "get", &o), 0);
    assert_string_equal(o.term, "{exit,\"noproc\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R01_R02_R03_R04_R05_R06_names),
        cmocka_unit_test(R07_R08_R10_names_of_the_dead),
        cmocka_unit_test(R07_a_name_lost_by_a_flapping_link_is_healed),
        cmocka_unit_test(S01_S02_S03_S06_spawns),
        cmocka_unit_test(S01_S02_S03_on_the_own_node),
        cmocka_unit_test(S04_S05_spawns_with_a_name_in_global),
        cmocka_unit_test(S07_the_node_goes_while_a_spawn_is_pending),
        cmocka_unit_test(S08_behaviours),
        cmocka_unit_test(L01_L02_L03_calls),
        cmocka_unit_test(L05_casts_before_a_stop_arrive),
        cmocka_unit_test(L01_sys_of_a_server_here),
        cmocka_unit_test(L04_L05_calls_of_a_node_that_goes),
        cmocka_unit_test(Y01_Y09_linked_and_the_other_crashes),
        cmocka_unit_test(Y02_exits_are_trapped),
        cmocka_unit_test(Y03_the_other_ends_normally),
        cmocka_unit_test(Y04_shutdown_goes_on),
        cmocka_unit_test(Y05_the_node_is_lost),
        cmocka_unit_test(Y06_Y08_unlinked),
        cmocka_unit_test(Y07_no_such_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
