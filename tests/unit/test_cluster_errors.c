/* Every error that the noex API can return at once. SPDX-License-Identifier: Apache-2.0 */
#include "alloc_test.h"
#include "cluster_bench.h"
#include "cmocka_all.h"
#include "observe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define IS(code, expr) assert_int_equal(expr, code)
/* Each allocation of `expr` fails once: it says so until it has all it needs. */
#define OOM(expr)                                                                                  \
    do {                                                                                           \
        int rc = NOEX_ENOMEM;                                                                      \
        for (size_t k = 1; rc == NOEX_ENOMEM; k++) {                                               \
            alloc.fail_at = alloc.calls + k;                                                       \
            rc = (expr);                                                                           \
            alloc.fail_at = 0;                                                                     \
            assert_true(rc == 0 || rc == NOEX_ENOMEM);                                             \
            assert_true(k > 1 || rc != 0);                                                         \
        }                                                                                          \
    } while (0)

static struct alloc_test alloc;
static struct cluster_bench b;
static noex_cluster *c;
static struct noex_ref server;
static noex_gen_server *server_self;
static char silent[64]; /* "name@host:port" of what takes connections, and says nothing */
static int silent_fd;

static const struct noex_ref elsewhere = {{1, 2, 3}, "b@127.0.0.1"};
static const struct noex_term none = {NULL, 0};
static const struct noex_term bad = {(const uint8_t *)"\1\2", 2};

static enum noex_next keep_self(noex_gen_server *self, struct noex_term args)
{
    server_self = self;
    return noex_term_is_atom(args, "later") ? NOEX_NEXT_LATER : NOEX_NEXT_CONTINUE;
}

static const struct noex_behavior keeper = {.size = sizeof keeper, .init = keep_self};

static int set_up(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    (void)state;
    silent_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(silent_fd, (struct sockaddr *)&a, len) || listen(silent_fd, 5), 0);
    getsockname(silent_fd, (struct sockaddr *)&a, &len);
    snprintf(silent, sizeof silent, "silent@127.0.0.1:%u", ntohs(a.sin_port));
    alloc_test_init(&alloc);
    bench_cluster_options(&o, &n, "a");
    n.allocator = &alloc.a;
    n.out_max = 65536;
    n.out_high = 4096;
    n.monitors_max = 2;
    n.processes_max = 3; /* that of the cluster, and two */
    b.count = 0;
    c = bench_cluster_start_with(&b, &o, NULL)->c;
    IS(0, noex_gen_server_start(c, &keeper, NULL, &server, NULL));
    bench_clusters_for(&b, 5);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench_clusters_free(&b);
    close(silent_fd);
    assert_int_equal(alloc.live, 0);
    return 0;
}

static struct noex_term big(void)
{
    static uint8_t bytes[100005] = {109, 0, 1, 134, 160};
    return (struct noex_term){bytes, sizeof bytes};
}

/* Fills what waits for a node that does not answer. */
static void fill_silent(void)
{
    static uint8_t bytes[50005] = {109, 0, 0, 195, 80};
    const struct noex_target to = noex_name_target("x", silent);
    const struct noex_term half = {bytes, sizeof bytes};
    IS(0, noex_gen_server_cast(c, &to, half));
    IS(NOEX_EUNREAD, noex_gen_server_cast(c, &to, half));
}

/* ---- the cluster ---- */

static void cluster_without_anything(void **state)
{
    struct noex_node_info info;
    uint64_t ms;
    (void)state;
    IS(NOEX_EINVALID, noex_cluster_new(NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_cluster_start(NULL));
    IS(NOEX_EINVALID, noex_cluster_stop(NULL));
    IS(NOEX_EINVALID, noex_cluster_wait(NULL, NOEX_CLUSTER_RUNNING, 0));
    IS(NOEX_EINVALID, noex_cluster_process(NULL, 0));
    IS(NOEX_EINVALID, noex_cluster_get_nodes(NULL, NULL, 0));
    IS(NOEX_EINVALID, noex_cluster_get_nodes(c, NULL, 1));
    IS(NOEX_EINVALID, noex_cluster_get_connected_nodes(NULL, NULL, 0));
    IS(NOEX_EINVALID, noex_cluster_get_node(c, NULL, &info));
    IS(NOEX_ENONODE, noex_cluster_get_node(c, "never@h", &info));
    IS(NOEX_EINVALID, noex_cluster_local_node_info(c, NULL));
    IS(NOEX_EINVALID, noex_cluster_is_node_connected(c, NULL));
    IS(NOEX_EINVALID, noex_cluster_get_uptime_ms(c, NULL));
    IS(0, noex_cluster_get_uptime_ms(c, &ms));
    IS(NOEX_EINVALID, noex_cluster_on_node_up(c, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_cluster_on_node_down(c, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_cluster_on_status_change(c, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_on_lifecycle_event(c, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_unsubscribe(NULL, 1));
    IS(NOEX_EINVALID, noex_await(NULL, 1, NULL));
    IS(NOEX_EINVALID, noex_await(c, 12345, NULL));
    IS(NOEX_EINVALID, noex_forget(NULL, 1));
    IS(0, noex_forget(c, 12345));
    IS(NOEX_CLUSTER_STOPPED, noex_cluster_get_status(NULL));
    assert_null(noex_cluster_error(NULL));
    assert_null(noex_cluster_node(NULL));
    assert_null(noex_cluster_local_node_id(NULL));
    noex_cluster_free(NULL);
    IS(NOEX_EINVALID, noex_cluster_start_uv(NULL, NULL));
    IS(NOEX_EINVALID, noex_cluster_start_uv(c, NULL));
}

static void on_up(void *user, const char *node)
{
    (void)user, (void)node;
}

static void on_down(void *user, const char *node, const char *reason,
                    const struct noex_error *error)
{
    (void)user, (void)node, (void)reason, (void)error;
}

static void on_status(void *user, enum noex_cluster_status status, const struct noex_error *error)
{
    (void)user, (void)status, (void)error;
}

static void on_life(void *user, const struct noex_lifecycle_event *event)
{
    (void)user, (void)event;
}

static void cluster_without_memory(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    const char *seeds[] = {"b@127.0.0.1:1", NULL};
    noex_cluster *other;
    uv_loop_t loop;
    (void)state;
    bench_cluster_options(&o, &n, "other");
    n.allocator = &alloc.a;
    n.listen_address = "127.0.0.1";
    o.seeds = seeds;
    OOM(noex_cluster_new(&other, &o, NULL));
    OOM(noex_cluster_start(other));
    IS(NOEX_ESTATE, noex_cluster_start(other));
    noex_cluster_free(other);
    IS(0, noex_cluster_new(&other, &o, NULL));
    assert_int_equal(uv_loop_init(&loop), 0);
    OOM(noex_cluster_start_uv(other, &loop));
    IS(NOEX_ESTATE, noex_cluster_start_uv(other, &loop));
    IS(NOEX_ESTATE, noex_cluster_process(other, 0));
    IS(NOEX_ESTATE, noex_cluster_wait(other, NOEX_CLUSTER_RUNNING, 0));
    noex_cluster_free(other);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    OOM(noex_cluster_on_node_up(c, on_up, NULL, NULL));
    OOM(noex_cluster_on_node_down(c, on_down, NULL, NULL));
    OOM(noex_cluster_on_status_change(c, on_status, NULL, NULL));
    OOM(noex_on_lifecycle_event(c, on_life, NULL, NULL));
}

static void cluster_without_descriptors(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    struct rlimit before, few;
    noex_cluster *other;
    (void)state;
    bench_cluster_options(&o, &n, "other");
    IS(0, noex_cluster_new(&other, &o, NULL));
    IS(NOEX_ESTATE, noex_cluster_process(other, 0));
    IS(NOEX_ESTATE, noex_cluster_wait(other, NOEX_CLUSTER_RUNNING, 0));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = noex_cluster_start(other);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    IS(NOEX_ESYSTEM, rc);
    IS(0, noex_cluster_start(other));
    IS(NOEX_EWAIT, noex_cluster_wait(other, NOEX_CLUSTER_STOPPED, 5));
    noex_cluster_free(other);
    o.name = "bad host";
    IS(NOEX_EINVALID, noex_cluster_new(&other, &o, NULL));
    o.name = "a";
    o.host = "two words";
    IS(NOEX_ENODENAME, noex_cluster_new(&other, &o, NULL));
    o.host = NULL;
    o.cookie = "t\303\266rt";
    IS(NOEX_ECOOKIE_FORM, noex_cluster_new(&other, &o, NULL));
}

static void on_inside(void *user, const struct noex_result *result)
{
    (void)result;
    noex_op op;
    IS(0, noex_global_names(c, NULL, NULL, &op));
    IS(NOEX_EREENTRANT, noex_await(c, op, NULL));
    IS(NOEX_EREENTRANT, noex_cluster_process(c, 0));
    IS(NOEX_EREENTRANT, noex_cluster_wait(c, NOEX_CLUSTER_STOPPED, 0));
    IS(0, noex_forget(c, op));
    *(bool *)user = true;
}

static void waiting_inside_a_callback(void **state)
{
    bool called = false;
    (void)state;
    IS(0, noex_global_names(c, on_inside, &called, NULL));
    bench_clusters_for(&b, 20);
    assert_true(called);
}

static void free_it(void *user, const struct noex_result *result)
{
    (void)user, (void)result;
    noex_cluster_free(c);
}

static void freed_while_it_is_awaited(void **state)
{
    noex_op op;
    const struct noex_target to = noex_ref_target(&server);
    (void)state;
    IS(0, noex_gen_server_call(c, &to, bench_term("x"), 0, NULL, NULL, &op));
    IS(0, noex_global_names(c, free_it, NULL, NULL));
    IS(NOEX_ESTATE, noex_await(c, op, NULL));
    b.at[0].c = NULL;
}

/* ---- stopped ---- */

static void not_started(void **state)
{
    struct noex_cluster_options o;
    struct noex_options n;
    struct noex_node_info info;
    const struct noex_target to = noex_ref_target(&elsewhere);
    const struct noex_term x = bench_term("x");
    uint64_t ms;
    noex_cluster *s;
    noex_op op;
    (void)state;
    bench_cluster_options(&o, &n, "other");
    IS(0, noex_cluster_new(&s, &o, NULL));
    IS(NOEX_ENOTSTARTED, noex_cluster_get_nodes(s, NULL, 0));
    IS(NOEX_ENOTSTARTED, noex_cluster_get_connected_nodes(s, NULL, 0));
    IS(NOEX_ENOTSTARTED, noex_cluster_get_node(s, "b@h", &info));
    IS(NOEX_ENOTSTARTED, noex_cluster_local_node_info(s, &info));
    IS(NOEX_ENOTSTARTED, noex_cluster_is_node_connected(s, "b@h"));
    IS(NOEX_ENOTSTARTED, noex_cluster_get_uptime_ms(s, &ms));
    IS(NOEX_ENOTSTARTED, noex_gen_server_start(s, &keeper, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_gen_server_stop(s, &to, none, 0, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_gen_server_exit(s, &to, x));
    IS(NOEX_ENOTSTARTED, noex_gen_server_is_running(s, &server));
    IS(NOEX_ENOTSTARTED, noex_gen_server_call(s, &to, x, 0, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_gen_server_cast(s, &to, x));
    IS(NOEX_ENOTSTARTED, noex_gen_server_send_after(s, &server, 1, x, &op));
    IS(NOEX_ENOTSTARTED, noex_gen_server_trap_exit(s, &server, true));
    IS(NOEX_ENOTSTARTED, noex_remote_monitor(s, &server, &to, 0, NULL, NULL, &op));
    IS(NOEX_ENOTSTARTED, noex_remote_demonitor(s, 1));
    IS(NOEX_ENOTSTARTED, noex_remote_link(s, &server, &to, 0, NULL, NULL, &op));
    IS(NOEX_ENOTSTARTED, noex_remote_unlink(s, 1));
    IS(NOEX_ENOTSTARTED, noex_remote_spawn(s, "x", "b@h", NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_register(s, "x", &server, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_register_term(s, x, &server, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_unregister(s, "x", NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_whereis(s, "x", NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_whereis_term(s, x, NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_lookup(s, "x", NULL, NULL, NULL));
    IS(NOEX_ENOTSTARTED, noex_global_names(s, NULL, NULL, NULL));
    noex_cluster_free(s);
}

/* ---- servers ---- */

static void servers_refuse(void **state)
{
    struct noex_gen_server_options o;
    struct noex_ref ref;
    noex_op op;
    (void)state;
    noex_gen_server_options_init(&o);
    IS(NOEX_EINVALID, noex_gen_server_start(NULL, &keeper, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_gen_server_start(c, NULL, NULL, NULL, NULL));
    o.name = "noex_cluster";
    IS(NOEX_ENAMETAKEN, noex_gen_server_start(c, &keeper, &o, NULL, NULL));
    o.name = "undefined";
    IS(NOEX_EINVALID, noex_gen_server_start(c, &keeper, &o, NULL, NULL));
    o.name = NULL;
    o.args = bad;
    IS(NOEX_ETERM, noex_gen_server_start(c, &keeper, &o, NULL, NULL));
    o.args = bench_term("{stop, why}");
    IS(NOEX_EINIT, noex_gen_server_start(c, &teller, &o, NULL, NULL));
    assert_non_null(strstr(noex_cluster_error(c)->text, "why"));
    bench_clusters_for(&b, 5);
    o.args = none;
    OOM(noex_gen_server_start(c, &keeper, &o, &ref, NULL));
    bench_clusters_for(&b, 5);
    IS(NOEX_ELIMIT, noex_gen_server_start(c, &keeper, &o, NULL, NULL));
    IS(NOEX_EINVALID, noex_gen_server_is_running(c, NULL));
    IS(0, noex_gen_server_is_running(c, &elsewhere));
    IS(1, noex_gen_server_is_running(c, &ref));
    IS(NOEX_EINVALID, noex_gen_server_trap_exit(c, NULL, true));
    IS(NOEX_ENOPROC, noex_gen_server_trap_exit(c, &elsewhere, true));
    IS(NOEX_EINVALID, noex_gen_server_send_after(c, NULL, 1, bad, &op));
    IS(NOEX_ENOPROC, noex_gen_server_send_after(c, &elsewhere, 1, bad, &op));
    IS(NOEX_ETERM, noex_gen_server_send_after(c, &ref, 1, bad, &op));
    const struct noex_term x = bench_term("x");
    OOM(noex_gen_server_send_after(c, &ref, 10000, x, &op));
    IS(0, noex_gen_server_cancel_timer(c, op));
    IS(0, noex_gen_server_cancel_timer(c, op));
    IS(NOEX_EINVALID, noex_gen_server_cancel_timer(NULL, op));
}

static void an_init_that_goes_on(void **state)
{
    struct noex_gen_server_options o;
    const struct noex_result *result;
    noex_op op;
    (void)state;
    noex_gen_server_options_init(&o);
    IS(NOEX_ESTATE, noex_gen_server_init_done(server_self, NOEX_NEXT_CONTINUE, none));
    o.args = bench_term("later");
    IS(0, noex_gen_server_start(c, &keeper, &o, NULL, &op));
    IS(NOEX_EINVALID, noex_gen_server_init_done(server_self, NOEX_NEXT_LATER, none));
    IS(NOEX_ETERM, noex_gen_server_init_done(server_self, NOEX_NEXT_STOP, bad));
    IS(0, noex_gen_server_init_done(server_self, NOEX_NEXT_STOP, bench_term("why")));
    IS(NOEX_EINIT, (noex_await)(c, op, &result));
    assert_true(noex_term_is_atom(result->term, "why"));
    o.init_timeout_ms = 20;
    o.args = bench_term("later");
    IS(0, noex_gen_server_start(c, &keeper, &o, NULL, &op));
    IS(NOEX_ECALLTIMEOUT, (noex_await)(c, op, &result));
    assert_int_equal(result->timeout_ms, 20);
    bench_clusters_for(&b, 5);
    o.init_timeout_ms = 5000;
    o.args = bench_term("later");
    IS(0, noex_gen_server_start(c, &keeper, &o, NULL, &op));
    IS(0, noex_gen_server_init_done(server_self, NOEX_NEXT_CONTINUE, none));
    IS(0, noex_await(c, op, &result));
    assert_non_null(result->process);
}

static noex_builder *caller_of(const char *node)
{
    noex_builder *builder;
    const struct noex_pid pid = {1, 2, 3};
    assert_int_equal(noex_builder_new(&builder, NULL), 0);
    noex_build_tuple(builder);
    noex_build_pid(builder, node, &pid);
    noex_build_atom(builder, "tag");
    noex_build_end(builder);
    return builder;
}

static struct noex_term built(const noex_builder *builder)
{
    struct noex_term term;
    assert_int_equal(noex_builder_term(builder, &term), 0);
    return term;
}

static void replies(void **state)
{
    noex_builder *silent_caller = caller_of("silent@127.0.0.1"), *nameless = caller_of("no_host");
    const struct noex_target to = noex_name_target("x", silent);
    uint8_t bytes[] = {119, 1, 'x'};
    const struct noex_term x = {bytes, sizeof bytes};
    (void)state;
    IS(0, noex_gen_server_cast(c, &to, x)); /* from now on its port is known */
    IS(NOEX_EINVALID, noex_gen_server_reply(server_self, x, x));
    IS(NOEX_ENODENAME, noex_gen_server_reply(server_self, built(nameless), x));
    IS(NOEX_ETERM, noex_gen_server_reply(server_self, built(silent_caller), bad));
    OOM(noex_gen_server_reply(server_self, built(silent_caller), x));
    IS(NOEX_ELIMIT, noex_gen_server_reply(server_self, built(silent_caller), big()));
    fill_silent();
    static uint8_t half[50005] = {109, 0, 0, 195, 80};
    IS(NOEX_EUNREAD, noex_gen_server_reply(server_self, built(silent_caller),
                                           (struct noex_term){half, sizeof half}));
    IS(0, noex_process_exit(noex_cluster_node(c), &server.pid, x));
    IS(NOEX_ENOPROC, noex_gen_server_reply(server_self, built(silent_caller), x));
    noex_builder_free(silent_caller);
    noex_builder_free(nameless);
}

static void behaviours(void **state)
{
    const struct noex_behavior empty = {.size = sizeof empty};
    struct noex_behavior can = teller;
    (void)state;
    IS(NOEX_EINVALID, noex_behavior_register(c, NULL, &can));
    IS(NOEX_EINVALID, noex_behavior_register(c, "x", &empty));
    OOM(noex_behavior_register(c, "x", &can));
    IS(NOEX_ENAMETAKEN, noex_behavior_register(c, "x", &can));
    IS(NOEX_EINVALID, noex_behavior_unregister(c, NULL));
    IS(0, noex_behavior_unregister(c, "x"));
    IS(NOEX_ENOBEHAVIOR, noex_behavior_unregister(c, "x"));
    IS(NOEX_EINVALID, noex_behavior_names(NULL, NULL, 0));
}

/* ---- what is asked of others ---- */

static void targets_refuse(void **state)
{
    const struct noex_target nowhere = noex_name_target("x", "no_host");
    const struct noex_target nobody = noex_name_target("undefined", "b@127.0.0.1");
    const struct noex_target global = noex_global_target("");
    const struct noex_term x = bench_term("x");
    noex_op op;
    (void)state;
    IS(NOEX_EINVALID, noex_gen_server_call(NULL, &nowhere, x, 0, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_gen_server_call(c, NULL, x, 0, NULL, NULL, NULL));
    IS(NOEX_ENODENAME, noex_gen_server_call(c, &nowhere, x, 0, NULL, NULL, NULL));
    IS(NOEX_ETARGET, noex_gen_server_call(c, &nobody, x, 0, NULL, NULL, NULL));
    IS(NOEX_ETARGET, noex_gen_server_call(c, &global, x, 0, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_gen_server_cast(c, NULL, x));
    IS(NOEX_ENODENAME, noex_gen_server_cast(c, &nowhere, x));
    IS(NOEX_ETARGET, noex_gen_server_cast(c, &nobody, x));
    IS(NOEX_EINVALID, noex_gen_server_stop(c, NULL, none, 0, NULL, NULL, NULL));
    IS(NOEX_ENODENAME, noex_gen_server_stop(c, &nowhere, none, 0, NULL, NULL, NULL));
    IS(NOEX_ETARGET, noex_gen_server_stop(c, &nobody, none, 0, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_gen_server_exit(c, NULL, x));
    IS(NOEX_ETARGET, noex_gen_server_exit(c, &nobody, x));
    IS(NOEX_EINVALID, noex_remote_monitor(c, NULL, &nobody, 0, NULL, NULL, &op));
    IS(NOEX_ENOPROC, noex_remote_monitor(c, &elsewhere, &nobody, 0, NULL, NULL, &op));
    IS(NOEX_ENODENAME, noex_remote_monitor(c, &server, &nowhere, 0, NULL, NULL, &op));
    IS(NOEX_ETARGET, noex_remote_monitor(c, &server, &nobody, 0, NULL, NULL, &op));
    IS(NOEX_EINVALID, noex_remote_demonitor(NULL, 1));
    IS(NOEX_EINVALID, noex_remote_monitor_list(NULL, 0, NULL, 0));
    IS(NOEX_EINVALID, noex_remote_link(c, NULL, &nobody, 0, NULL, NULL, &op));
    IS(NOEX_ETARGET, noex_remote_link(c, &server, &nobody, 0, NULL, NULL, &op));
    const struct noex_target bad_node = {NOEX_TARGET_PID, {1, 2, 3}, "no_host", NULL};
    IS(NOEX_ENODENAME, noex_remote_link(c, &server, &bad_node, 0, NULL, NULL, &op));
    IS(NOEX_ENODENAME, noex_gen_server_exit(c, &bad_node, x));
    const struct noex_target there = noex_ref_target(&elsewhere);
    IS(NOEX_ENOPROC, noex_remote_link(c, &elsewhere, &there, 0, NULL, NULL, &op));
    IS(NOEX_EINVALID, noex_remote_unlink(NULL, 1));
    IS(NOEX_EINVALID, noex_remote_spawn(c, NULL, "b@h", NULL, NULL));
    IS(NOEX_ENODENAME, noex_remote_spawn(c, "x", "no_host", NULL, NULL));
}

static void terms_refuse(void **state)
{
    struct noex_remote_spawn_options o;
    struct noex_target to = noex_ref_target(&elsewhere);
    (void)state;
    IS(NOEX_ETERM, noex_gen_server_call(c, &to, bad, 0, NULL, NULL, NULL));
    IS(NOEX_ETERM, noex_gen_server_cast(c, &to, bad));
    IS(NOEX_ETERM, noex_gen_server_stop(c, &to, bad, 0, NULL, NULL, NULL));
    IS(NOEX_ETERM, noex_gen_server_exit(c, &to, bad));
    noex_remote_spawn_options_init(&o);
    o.args = bad;
    IS(NOEX_ETERM, noex_remote_spawn(c, "x", "b@127.0.0.1", &o, NULL));
    o.args = none;
    o.registration = 7;
    IS(NOEX_EINVALID, noex_remote_spawn(c, "x", "b@127.0.0.1", &o, NULL));
    IS(NOEX_ETERM, noex_global_register_term(c, bad, &server, NULL, NULL, NULL));
    IS(NOEX_ETERM, noex_global_whereis_term(c, bad, NULL, NULL, NULL));
}

static void without_memory(void **state)
{
    struct noex_target to = noex_name_target("x", silent);
    struct noex_target pid = {NOEX_TARGET_PID, {1, 2, 3}, silent, NULL};
    static const uint8_t bytes[] = {119, 1, 'x'};
    const struct noex_term x = {bytes, sizeof bytes};
    noex_op op, link;
    (void)state;
    OOM(noex_gen_server_call(c, &to, x, 0, NULL, NULL, NULL));
    OOM(noex_gen_server_cast(c, &to, x));
    OOM(noex_gen_server_exit(c, &pid, x));
    OOM(noex_remote_spawn(c, "x", silent, NULL, NULL));
    OOM(noex_gen_server_stop(c, &to, none, 0, NULL, NULL, &op));
    OOM(noex_remote_link(c, &server, &pid, 0, NULL, NULL, &link));
    IS(NOEX_ELIMIT, noex_remote_link(c, &server, &pid, 0, NULL, NULL, &op));
    IS(0, noex_remote_unlink(c, link));
    OOM(noex_remote_monitor(c, &server, &to, 0, NULL, NULL, &op));
    IS(NOEX_ELIMIT, noex_remote_monitor(c, &server, &to, 0, NULL, NULL, &link));
    OOM(noex_global_register(c, "x", &server, NULL, NULL, NULL));
    OOM(noex_global_register_term(c, x, &server, NULL, NULL, NULL));
    OOM(noex_global_unregister(c, "x", NULL, NULL, NULL));
    OOM(noex_global_whereis(c, "x", NULL, NULL, NULL));
    OOM(noex_global_whereis_term(c, x, NULL, NULL, NULL));
    OOM(noex_global_lookup(c, "x", NULL, NULL, NULL));
    OOM(noex_global_names(c, NULL, NULL, NULL));
}

static void names_refuse(void **state)
{
    const struct noex_term x = bench_term("x");
    (void)state;
    IS(NOEX_EINVALID, noex_global_register(c, NULL, &server, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_register(c, "", &server, NULL, NULL, NULL));
    IS(NOEX_ENOPROC, noex_global_register(c, "x", &elsewhere, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_register_term(c, x, NULL, NULL, NULL, NULL));
    IS(NOEX_ENOPROC, noex_global_register_term(c, x, &elsewhere, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_unregister(c, NULL, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_whereis(c, NULL, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_whereis_term(NULL, x, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_lookup(c, NULL, NULL, NULL, NULL));
    IS(NOEX_EINVALID, noex_global_names(NULL, NULL, NULL, NULL));
    assert_false(noex_global_is_mine(c, "x"));
    assert_false(noex_global_is_mine(NULL, "x"));
}

static void too_much(void **state)
{
    struct noex_target to = noex_name_target("x", silent);
    struct noex_target pid = {NOEX_TARGET_PID, {1, 2, 3}, silent, NULL};
    struct noex_remote_spawn_options o;
    static uint8_t bytes[50005] = {109, 0, 0, 195, 80};
    const struct noex_term half = {bytes, sizeof bytes};
    noex_op op;
    (void)state;
    IS(NOEX_ELIMIT, noex_gen_server_call(c, &to, big(), 0, NULL, NULL, NULL));
    IS(NOEX_ELIMIT, noex_gen_server_cast(c, &to, big()));
    IS(NOEX_ELIMIT, noex_gen_server_stop(c, &to, big(), 0, NULL, NULL, NULL));
    IS(NOEX_ELIMIT, noex_gen_server_exit(c, &pid, big()));
    noex_remote_spawn_options_init(&o);
    o.args = big();
    IS(NOEX_ELIMIT, noex_remote_spawn(c, "x", silent, &o, NULL));
    fill_silent();
    IS(NOEX_EUNREAD, noex_gen_server_call(c, &to, half, 0, NULL, NULL, NULL));
    IS(NOEX_EUNREAD, noex_gen_server_stop(c, &to, half, 0, NULL, NULL, NULL));
    IS(NOEX_EUNREAD, noex_gen_server_exit(c, &pid, half));
    o.args = half;
    IS(NOEX_EUNREAD, noex_remote_spawn(c, "x", silent, &o, NULL));
    while (noex_gen_server_cast(c, &to, bench_term("x")) == 0)
        continue;
    IS(NOEX_EUNREAD, noex_remote_link(c, &server, &pid, 0, NULL, NULL, &op));
}

/* ---- the node's own, that the cluster needs ---- */

static void on_timer(void *user, noex_timer_id id)
{
    *(noex_timer_id *)user = id;
}

static void timers_holds_and_ends(void **state)
{
    noex_node *node = noex_cluster_node(c);
    const struct noex_target own = {NOEX_TARGET_NODE, {0, 0, 0}, "a@127.0.0.1", NULL};
    const struct noex_target bad_name = noex_name_target("undefined", "b@127.0.0.1");
    const struct noex_target nowhere = noex_name_target("x", "no_host");
    const struct noex_target there = noex_name_target("x", silent);
    noex_timer_id id, fired = 0;
    noex_monitor_id m;
    (void)state;
    IS(NOEX_EINVALID, noex_timer_start(NULL, 0, on_timer, NULL, &id));
    IS(NOEX_EINVALID, noex_timer_start(node, 0, NULL, NULL, &id));
    IS(NOEX_EINVALID, noex_timer_cancel(NULL, 1));
    IS(0, noex_timer_start(node, 0, on_timer, &fired, &id));
    bench_clusters_for(&b, 5);
    assert_int_equal(fired, id);
    IS(NOEX_EINVALID, noex_process_hold(node, NULL, true));
    IS(NOEX_ENOPROC, noex_process_hold(node, &elsewhere.pid, true));
    IS(NOEX_EINVALID, noex_process_monitor(node, &server.pid, NULL, 0, NULL, &m));
    IS(NOEX_EINVALID, noex_process_monitor(node, &server.pid, &own, 0, NULL, &m));
    IS(NOEX_ENOPROC, noex_process_monitor(node, &elsewhere.pid, &there, 0, NULL, &m));
    IS(NOEX_ETARGET, noex_process_monitor(node, &server.pid, &bad_name, 0, NULL, &m));
    IS(NOEX_ENODENAME, noex_process_monitor(node, &server.pid, &nowhere, 0, NULL, &m));
    OOM(noex_process_monitor(node, &server.pid, &there, 0, NULL, &m));
    IS(0, noex_process_monitor(node, &server.pid, &there, 0, NULL, &m));
    IS(NOEX_ELIMIT, noex_process_monitor(node, &server.pid, &there, 0, NULL, &m));
    IS(NOEX_EINVALID, noex_node_shutdown(NULL, 0));
    struct noex_options o;
    struct alloc_test own_alloc;
    noex_node *other;
    noex_options_init(&o);
    alloc_test_init(&own_alloc);
    o.cookie = "x";
    o.allocator = &own_alloc.a;
    assert_int_equal(noex_node_new(&other, &o, NULL), 0);
    own_alloc.fail_at = own_alloc.calls + 1;
    IS(NOEX_ENOMEM, noex_timer_start(other, 0, on_timer, &fired, &id));
    own_alloc.fail_at = own_alloc.calls + 1;
    IS(NOEX_ENOMEM, noex_node_shutdown(other, 0));
    own_alloc.fail_at = 0;
    IS(0, noex_node_shutdown(other, 0));
    IS(0, noex_node_shutdown(other, 0));
    const struct noex_event *event;
    assert_int_equal(noex_wait_event(other, 1000, &event), 0);
    assert_int_equal(event->type, NOEX_EVENT_SHUTDOWN);
    noex_node_free(other);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(cluster_without_anything),
        CASE(cluster_without_memory),
        CASE(cluster_without_descriptors),
        CASE(waiting_inside_a_callback),
        CASE(freed_while_it_is_awaited),
        CASE(not_started),
        CASE(servers_refuse),
        CASE(an_init_that_goes_on),
        CASE(replies),
        CASE(behaviours),
        CASE(targets_refuse),
        CASE(terms_refuse),
        CASE(without_memory),
        CASE(names_refuse),
        CASE(too_much),
        CASE(timers_holds_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
