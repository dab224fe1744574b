/* A link has no answer on the wire. So the node itself monitors the other end behind it: that is
 * confirmed once the link is there, and tells when it is over. SPDX-License-Identifier: Apache-2.0
 */
#include "cluster/remote_link.h"

#include "cluster/cluster.h"
#include "cluster/targets.h"

enum { LINK_TIMEOUT_MS = 10000 };

struct nx_bound {
    struct nx_op op;
    noex_gen_server *server; /* NULL: it has ended */
    struct nx_bound *prev;   /* those of one server */
    struct nx_bound *next;
    struct nx_target target;
    uint64_t timeout_ms;
    uint64_t asked_ms;
    bool linked; /* noex_link was called */
    bool established;
};

static void on_monitor(struct nx_op *op, const struct noex_event *event);
static void stopped(struct nx_op *op);
static void release(struct nx_op *op);

static const struct nx_op_kind kind = {.size = sizeof(struct nx_bound),
                                       .lives = true,
                                       .on_event = on_monitor,
                                       .stopped = stopped,
                                       .release = release};

static struct noex_remote_link_stats *stats_of(const struct nx_bound *l)
{
    return &l->op.cluster->link_stats;
}

static void unlist(struct nx_bound *l)
{
    if (!l->server)
        return;
    *(l->prev ? &l->prev->next : &l->server->first_link) = l->next;
    if (l->next)
        l->next->prev = l->prev;
    l->server = NULL;
}

static void release(struct nx_op *op)
{
    struct nx_bound *l = (struct nx_bound *)op;
    unlist(l);
    nx_target_release(op->cluster, &l->target);
}

static void end(struct nx_bound *l)
{
    if (!l->op.ended)
        --*(l->established ? &stats_of(l)->active_link_count : &stats_of(l)->pending_count);
    unlist(l);
    nx_op_end(&l->op);
}

static void stopped(struct nx_op *op)
{
    end((struct nx_bound *)op);
}

static void fail(struct nx_bound *l, const struct noex_error *error, const char *node)
{
    bool late = error->code == NOEX_ESETUPTIMEOUT;
    stats_of(l)->total_timed_out += late;
    nx_op_answer(&l->op, &(struct noex_result){.error = error,
                                               .node = node,
                                               .target = &l->target.at,
                                               .timeout_ms = late ? l->timeout_ms : 0});
    end(l);
}

static void established(struct nx_bound *l)
{
    stats_of(l)->pending_count--;
    stats_of(l)->active_link_count++;
    stats_of(l)->total_established++;
    l->established = true;
    nx_op_answer(&l->op, &(struct noex_result){.target = &l->target.at});
    nx_op_go_on(&l->op);
}

/* A process that is not there is confirmed, and ended, in one turn: that link never was. */
static void on_monitor(struct nx_op *op, const struct noex_event *event)
{
    struct nx_bound *l = (struct nx_bound *)op;
    struct noex_error error = {0};
    if (event->type == NOEX_EVENT_MONITOR_UP) {
        established(l);
    } else if (event->type == NOEX_EVENT_MONITOR_FAILED) {
        fail(l, event->error, event->node);
    } else if (l->established) {
        end(l);
    } else {
        nx_fail(&error, NOEX_ENOPROC, "there is no such process");
        fail(l, &error, event->node);
    }
}

void nx_link_exit(noex_gen_server *server, const struct noex_event *event)
{
    if (event->from)
        server->cluster->link_stats.total_exit_signals_received++;
}

void nx_links_server_ended(noex_gen_server *server)
{
    const struct noex_error error = {.code = NOEX_ENOPROC, .text = "the linked server has ended"};
    struct nx_bound *l;
    while ((l = server->first_link)) {
        if (l->op.answered)
            end(l);
        else
            fail(l, &error, NULL);
    }
}

/* ---- asking ---- */

static int link_now(struct nx_bound *l)
{
    noex_cluster *cluster = l->op.cluster;
    uint64_t gone = noex_node_now_ms(cluster->node) - l->asked_ms;
    uint64_t left = l->timeout_ms > gone ? l->timeout_ms - gone : 1;
    noex_monitor_id monitor;
    int rc = noex_link(cluster->node, &l->server->self.pid, &l->target.at);
    if (rc)
        return nx_cluster_fail_node(cluster, rc);
    l->linked = true;
    rc = noex_monitor(cluster->node, &l->target.at, left, NULL, &monitor);
    if (rc) {
        noex_unlink(cluster->node, &l->server->self.pid, &l->target.at);
        return nx_cluster_fail_node(cluster, rc);
    }
    nx_op_set_monitor(&l->op, monitor);
    return 0;
}

static void on_found(void *user, const struct noex_result *result)
{
    struct nx_bound *l = user;
    noex_cluster *cluster = l->op.cluster;
    l->target.lookup = 0;
    if (l->op.answered)
        return;
    if (result->error) {
        fail(l, result->error, result->node);
        return;
    }
    int rc = nx_target_found(cluster, &l->target, result->process);
    rc = rc ? rc : link_now(l);
    if (rc) {
        const struct noex_error error = cluster->last_error;
        fail(l, &error, l->target.at.node);
    }
}

static int begin(noex_cluster *cluster, const struct noex_ref *process,
                 const struct noex_target *target, const noex_op *link, noex_gen_server **out)
{
    if (!cluster)
        return NOEX_EINVALID;
    struct noex_error *err = nx_cluster_begin(cluster);
    if (!process || !link)
        return nx_fail(err, NOEX_EINVALID, "noex_remote_link: an argument is NULL");
    int rc = nx_target_check(cluster, target, "noex_remote_link");
    if (!rc && target->kind != NOEX_TARGET_PID && target->kind != NOEX_TARGET_GLOBAL)
        rc = nx_fail(err, NOEX_ETARGET, "a link is to a pid, or to a name in global");
    if (rc)
        return rc;
    *out = strcmp(process->node, cluster->id) == 0 ? nx_server_find(cluster, &process->pid) : NULL;
    return *out ? 0 : nx_fail(err, NOEX_ENOPROC, "no such server runs on this node");
}

static void enlist(struct nx_bound *l, noex_gen_server *server)
{
    l->server = server;
    l->next = server->first_link;
    if (l->next)
        l->next->prev = l;
    server->first_link = l;
}

int noex_remote_link(noex_cluster *cluster, const struct noex_ref *process,
                     const struct noex_target *target, uint64_t timeout_ms, noex_done_fn done,
                     void *user, noex_op *link)
{
    noex_gen_server *server;
    int rc = begin(cluster, process, target, link, &server);
    if (rc)
        return rc;
    struct nx_bound *l =
        (struct nx_bound *)nx_op_new(cluster, &kind, &(struct nx_asker){done, user, link});
    if (!l)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    enlist(l, server);
    l->timeout_ms = timeout_ms ? timeout_ms : LINK_TIMEOUT_MS;
    l->asked_ms = noex_node_now_ms(cluster->node);
    rc = nx_target_keep(cluster, target, &l->target);
    if (!rc)
        rc = target->kind == NOEX_TARGET_GLOBAL
                 ? nx_target_look_up(cluster, &l->target, on_found, l)
                 : link_now(l);
    if (rc) {
        nx_op_drop(&l->op);
        return rc;
    }
    stats_of(l)->total_initiated++;
    stats_of(l)->pending_count++;
    return 0;
}

int noex_remote_unlink(noex_cluster *cluster, noex_op link)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    int rc = nx_cluster_check_running(cluster);
    struct nx_bound *l = rc ? NULL : (struct nx_bound *)nx_op_find_kind(cluster, link, &kind);
    if (!l)
        return rc;
    if (l->linked && l->server)
        noex_unlink(cluster->node, &l->server->self.pid, &l->target.at);
    stats_of(l)->total_unlinked++;
    l->op.answered = l->op.fine = true; /* nobody is told any more, but who awaits it in vain */
    l->op.kept = false;
    end(l);
    return 0;
}

void noex_remote_link_get_stats(const noex_cluster *cluster, struct noex_remote_link_stats *stats,
                                size_t size)
{
    if (stats)
        memset(stats, 0, size);
    if (cluster && stats)
        memcpy(stats, &cluster->link_stats, size < sizeof *stats ? size : sizeof *stats);
}
