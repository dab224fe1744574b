/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"

#include "cluster/cluster_options.h"
#include "cluster/global_names.h"
#include "cluster/joining.h"
#include "cluster/remote_spawn.h"
#include <noex/timer.h>
#include <noex/version.h>

/* What a cluster that stops casts to the others of this name. */
#define PROCESS_NAME "noex_cluster"
#define BYE "graceful_shutdown"

static const char *const status_names[] = {"stopped", "starting", "running", "stopping"};

const char *noex_cluster_status_name(enum noex_cluster_status status)
{
    return (size_t)status < sizeof status_names / sizeof *status_names ? status_names[status]
                                                                       : "unknown";
}

enum noex_cluster_status noex_cluster_get_status(const noex_cluster *cluster)
{
    return cluster ? cluster->status : NOEX_CLUSTER_STOPPED;
}

const struct noex_error *noex_cluster_error(const noex_cluster *cluster)
{
    return cluster ? &cluster->last_error : NULL;
}

const char *noex_cluster_local_node_id(const noex_cluster *cluster)
{
    return cluster ? cluster->id : NULL;
}

noex_node *noex_cluster_node(noex_cluster *cluster)
{
    return cluster ? cluster->node : NULL;
}

int nx_cluster_check_running(noex_cluster *cluster)
{
    if (cluster->status == NOEX_CLUSTER_RUNNING)
        return 0;
    return nx_fail(&cluster->last_error, NOEX_ENOTSTARTED, "the cluster is %s",
                   noex_cluster_status_name(cluster->status));
}

int nx_cluster_begin_running(noex_cluster *cluster, bool given, const char *what)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    if (!given)
        return nx_fail(&cluster->last_error, NOEX_EINVALID, "%s: an argument is NULL", what);
    return nx_cluster_check_running(cluster);
}

bool nx_cluster_is_own(const noex_cluster *cluster, const char *node)
{
    size_t len = strlen(cluster->id);
    return strncmp(node, cluster->id, len) == 0 && (node[len] == '\0' || node[len] == ':');
}

int nx_cluster_fail_node(noex_cluster *cluster, int rc)
{
    if (cluster->node)
        cluster->last_error = *noex_node_error(cluster->node);
    if (cluster->last_error.code != rc) {
        nx_cluster_begin(cluster);
        nx_fail(&cluster->last_error, rc, NULL);
    }
    return rc;
}

struct noex_term nx_atom_term(uint8_t *bytes, size_t size, const char *name)
{
    enum { SMALL_ATOM_UTF8_EXT = 119 };
    size_t len = strlen(name);
    if (size < len + 2)
        return (struct noex_term){NULL, 0};
    bytes[0] = SMALL_ATOM_UTF8_EXT;
    bytes[1] = (uint8_t)len;
    memcpy(bytes + 2, name, len);
    return (struct noex_term){bytes, len + 2};
}

/* ---- making and freeing ---- */

int noex_cluster_new(noex_cluster **out, const struct noex_cluster_options *options,
                     struct noex_error *err)
{
    struct nx_map_seed seed;
    if (err)
        *err = (struct noex_error){0};
    if (!out || !options)
        return nx_fail(err, NOEX_EINVALID, "noex_cluster_new: an argument is NULL");
    *out = NULL;
    const struct noex_allocator *a = options->node ? options->node->allocator : NULL;
    a = a ? a : &nx_alloc_libc;
    noex_cluster *cluster = nx_calloc(a, 1, sizeof *cluster);
    if (!cluster)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    cluster->alloc = *a;
    int rc = nx_cluster_options_take(cluster, options, err);
    if (rc) {
        nx_cluster_options_free(cluster);
        nx_free(a, cluster);
        return rc;
    }
    /* What is looked up by these hashes has numbers that this node chose. */
    seed = (struct nx_map_seed){{(uintptr_t)cluster, (uintptr_t)cluster->cookie}};
    nx_ops_init(&cluster->ops, &cluster->alloc, &seed);
    nx_servers_init(cluster, &seed);
    *out = cluster;
    return 0;
}

static void destroy(noex_cluster *cluster)
{
    const struct noex_allocator a = cluster->alloc;
    cluster->status = NOEX_CLUSTER_STOPPED; /* for what terminate functions call */
    nx_servers_terminate(cluster);
    nx_ops_free(&cluster->ops);
    nx_spawn_service_free(cluster);
    nx_servers_free(cluster);
    nx_global_names_drop(cluster);
    nx_behaviors_free(cluster);
    nx_members_free(cluster);
    nx_subscribers_free(cluster);
    nx_cluster_options_free(cluster);
    nx_free(&a, cluster->awaited);
    nx_free(&a, cluster);
}

static void stopped(noex_cluster *cluster)
{
    const struct noex_error failure = cluster->failure;
    cluster->status = NOEX_CLUSTER_STOPPED;
    nx_servers_terminate(cluster);
    nx_servers_free(cluster);
    nx_tell_status(cluster, NOEX_CLUSTER_STOPPED, failure.code ? &failure : NULL);
}

static void on_node_closed(void *user)
{
    noex_cluster *cluster = user;
    cluster->node = NULL;
    if (!cluster->freed) {
        cluster->held++;
        stopped(cluster);
        cluster->held--;
    }
    if (cluster->freed && !cluster->held)
        destroy(cluster);
}

void noex_cluster_free(noex_cluster *cluster)
{
    if (!cluster || cluster->freed)
        return;
    cluster->freed = true;
    if (cluster->status != NOEX_CLUSTER_STOPPED)
        cluster->status = NOEX_CLUSTER_STOPPING;
    if (cluster->node)
        noex_node_close(cluster->node, on_node_closed, cluster);
    else if (!cluster->held)
        destroy(cluster);
}

bool nx_cluster_release(noex_cluster *cluster)
{
    bool gone = cluster->freed;
    if (--cluster->held == 0 && gone && !cluster->node)
        destroy(cluster);
    return gone;
}

/* ---- events of the node ---- */

static void set_status(noex_cluster *cluster, enum noex_cluster_status status)
{
    cluster->status = status;
    nx_tell_status(cluster, status, NULL);
}

static void close_node(noex_cluster *cluster)
{
    const noex_node *node = cluster->node;
    struct noex_monitor_stats stats;
    noex_monitor_get_stats(node, &stats, sizeof stats);
    cluster->downs_before += stats.downs_received;
    noex_node_close(cluster->node, on_node_closed, cluster);
}

static void start_failed(noex_cluster *cluster, const struct noex_error *error)
{
    cluster->failure = *error;
    cluster->status = NOEX_CLUSTER_STOPPING;
    nx_ops_stop(cluster);
    close_node(cluster);
}

static void started(noex_cluster *cluster)
{
    cluster->running_since_ms = noex_node_now_ms(cluster->node);
    set_status(cluster, NOEX_CLUSTER_RUNNING);
    if (cluster->status == NOEX_CLUSTER_RUNNING && nx_joining_start(cluster))
        start_failed(cluster, noex_node_error(cluster->node));
}

static void on_reachable(noex_cluster *cluster, const struct noex_event *event)
{
    if (cluster->status != NOEX_CLUSTER_STARTING)
        return;
    if (event->type == NOEX_EVENT_REGISTERED)
        started(cluster);
    else
        start_failed(cluster, event->error);
}

/* What the cluster does not take for itself alone is told to the program's own on_event. */
static void on_event(void *user, const struct noex_event *event)
{
    noex_cluster *cluster = user;
    const struct noex_options *o = &cluster->node_options;
    if (event->call || event->monitor) {
        if (nx_ops_event(cluster, event))
            return;
    } else if (event->type == NOEX_EVENT_NODE_UP || event->type == NOEX_EVENT_NODE_DOWN) {
        nx_members_event(cluster, event);
    } else if (event->type >= NOEX_EVENT_REGISTERED && event->type <= NOEX_EVENT_LISTEN_FAILED) {
        on_reachable(cluster, event);
    } else if (event->type == NOEX_EVENT_SHUTDOWN) {
        close_node(cluster);
        return;
    }
    if (o->on_event && !cluster->freed)
        o->on_event(o->user, event);
}

/* ---- the cluster's own process ---- */

static void on_process_event(void *user, const struct noex_event *event);

static int make_process(noex_cluster *cluster)
{
    struct noex_process_options o;
    noex_process_options_init(&o);
    o.name = PROCESS_NAME;
    o.on_event = on_process_event;
    o.user = cluster;
    return noex_process_new(cluster->node, &o, &cluster->process);
}

static void on_process_event(void *user, const struct noex_event *event)
{
    noex_cluster *cluster = user;
    if (event->type == NOEX_EVENT_CAST && noex_term_is_atom(noex_event_term(event), BYE))
        nx_members_bye(cluster, event->node);
    else if (event->type == NOEX_EVENT_PROCESS_END && cluster->status == NOEX_CLUSTER_RUNNING)
        nx_ignored(
            make_process(cluster)); /* somebody ended it: without one nobody hears who goes */
}

static void say_bye(noex_cluster *cluster)
{
    uint8_t bytes[32];
    struct noex_term bye = nx_atom_term(bytes, sizeof bytes, BYE);
    struct nx_member *m = NULL;
    while ((m = nx_member_next_connected(cluster, m))) {
        struct noex_target to = noex_name_target(PROCESS_NAME, m->name);
        /* Whoever does not hear it sees the connection closed. */
        nx_ignored(noex_cast(cluster->node, &cluster->process, &to, bye));
    }
}

/* ---- starting and stopping ---- */

static void on_starting(void *user, noex_timer_id id)
{
    noex_cluster *cluster = user;
    (void)id;
    nx_tell_status(cluster, NOEX_CLUSTER_STARTING, NULL);
}

static int prepare(noex_cluster *cluster)
{
    noex_timer_id unused;
    int rc = make_process(cluster);
    rc = rc ? rc : noex_timer_start(cluster->node, 0, on_starting, cluster, &unused);
    return rc ? rc : nx_remote_spawn_serve(cluster);
}

int nx_cluster_start(noex_cluster *cluster, nx_node_maker make, void *loop)
{
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (cluster->status != NOEX_CLUSTER_STOPPED || cluster->freed || cluster->node)
        return nx_fail(err, NOEX_ESTATE, "the cluster is %s already",
                       noex_cluster_status_name(cluster->status));
    struct noex_options options = cluster->node_options;
    options.on_event = on_event;
    options.user = cluster;
    int rc = make(&cluster->node, &options, loop, err);
    if (rc)
        return rc;
    cluster->failure = (struct noex_error){0};
    cluster->stopping = cluster->joining = 0;
    rc = prepare(cluster);
    if (rc) {
        nx_cluster_fail_node(cluster, rc);
        noex_node_close(cluster->node, NULL, NULL);
        cluster->node = NULL;
        return rc;
    }
    cluster->status = NOEX_CLUSTER_STARTING;
    return 0;
}

static int make_node(noex_node **out, const struct noex_options *options, void *loop,
                     struct noex_error *err)
{
    (void)loop;
    return noex_node_new(out, options, err);
}

int noex_cluster_start(noex_cluster *cluster)
{
    return nx_cluster_start(cluster, make_node, NULL);
}

static void on_stopping(void *user, noex_timer_id id)
{
    noex_cluster *cluster = user;
    (void)id;
    nx_tell_status(cluster, NOEX_CLUSTER_STOPPING, NULL);
    nx_ops_stop(cluster);
    nx_global_names_drop(cluster);
    nx_servers_stop(cluster);
    say_bye(cluster);
    nx_members_stop(cluster);
    if (noex_node_shutdown(cluster->node, cluster->options.stop_ms))
        close_node(cluster);
}

int noex_cluster_stop(noex_cluster *cluster)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    if (cluster->status != NOEX_CLUSTER_STARTING && cluster->status != NOEX_CLUSTER_RUNNING)
        return 0;
    cluster->status = NOEX_CLUSTER_STOPPING;
    /* Without memory for an orderly end, it is one without. */
    if (noex_timer_start(cluster->node, 0, on_stopping, cluster, &cluster->stopping))
        close_node(cluster);
    return 0;
}

/* ---- running ---- */

int noex_cluster_process(noex_cluster *cluster, uint64_t max_wait_ms)
{
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (!cluster->node || cluster->freed)
        return nx_fail(err, NOEX_ESTATE, "the cluster is stopped");
    cluster->held++;
    int rc = noex_node_process(cluster->node, max_wait_ms);
    bool stopped_meanwhile = !cluster->node;
    if (rc && !stopped_meanwhile)
        nx_cluster_fail_node(cluster, rc);
    if (nx_cluster_release(cluster))
        return NOEX_ESTATE;
    return stopped_meanwhile ? 0 : rc;
}

static int not_in_time(noex_cluster *cluster, enum noex_cluster_status status)
{
    return nx_fail(nx_cluster_begin(cluster), NOEX_EWAIT, "the cluster is %s, not yet %s",
                   noex_cluster_status_name(cluster->status), noex_cluster_status_name(status));
}

static int run_until(noex_cluster *cluster, enum noex_cluster_status status, uint64_t timeout_ms)
{
    uint64_t until = 0, now = 0;
    int rc = 0;
    while (cluster->status != status && !rc) {
        if (cluster->freed || !cluster->node)
            return cluster->failure.code
                       ? nx_fail(nx_cluster_begin(cluster), cluster->failure.code, "%s",
                                 cluster->failure.text)
                       : nx_fail(nx_cluster_begin(cluster), NOEX_ESTATE, "the cluster is stopped");
        now = noex_node_now_ms(cluster->node);
        until = until ? until : now + (timeout_ms < UINT64_MAX / 4 ? timeout_ms : UINT64_MAX / 4);
        if (now > until)
            return not_in_time(cluster, status);
        rc = noex_cluster_process(cluster, until - now);
        if (now == until && cluster->status != status && !rc && cluster->node)
            return not_in_time(cluster, status);
    }
    return rc;
}

int noex_cluster_wait(noex_cluster *cluster, enum noex_cluster_status status, uint64_t timeout_ms)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    cluster->held++;
    int rc = run_until(cluster, status, timeout_ms);
    return nx_cluster_release(cluster) ? NOEX_ESTATE : rc;
}
