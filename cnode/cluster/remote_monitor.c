/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/remote_monitor.h"

#include "cluster/cluster.h"
#include "cluster/targets.h"

enum { SETUP_TIMEOUT_MS = 10000 };

/* A DOWN that came while noex_await ran for its monitor: told in the next turn, when whoever
 * awaited knows the monitor. */
struct parked {
    noex_timer_id timer;
    struct noex_event event;
    struct noex_target target;
    uint8_t bytes[]; /* the term, and the node's name */
};

struct nx_watch {
    struct nx_op op;
    noex_gen_server *watcher; /* NULL: it has ended */
    struct nx_watch *prev;    /* those of one watcher */
    struct nx_watch *next;
    struct nx_target target;
    noex_monitor_id monitor; /* of the node; 0: the name is being looked up, or it is over */
    uint64_t timeout_ms;
    uint64_t asked_ms;
    struct parked *parked;
    bool local;       /* of a process of this node: counts apart */
    bool established; /* UP was told */
    bool counted;     /* in a gauge */
};

static void stopped(struct nx_op *op);
static void awaited(struct nx_op *op);
static void release(struct nx_op *op);

static const struct nx_op_kind kind = {.size = sizeof(struct nx_watch),
                                       .lives = true,
                                       .stopped = stopped,
                                       .awaited = awaited,
                                       .release = release};

/* ---- counting ---- */

static uint64_t *gauge_of(const struct nx_watch *w)
{
    struct noex_remote_monitor_stats *s = &w->op.cluster->monitor_stats;
    return w->local         ? &s->local_count
           : w->established ? &s->active_outgoing_count
                            : &s->pending_count;
}

static void uncount(struct nx_watch *w)
{
    if (w->counted)
        --*gauge_of(w);
    w->counted = false;
}

static void count(struct nx_watch *w)
{
    uncount(w);
    ++*gauge_of(w);
    w->counted = true;
}

/* ---- the end ---- */

static void unlist(struct nx_watch *w)
{
    if (!w->watcher)
        return;
    *(w->prev ? &w->prev->next : &w->watcher->first_watch) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->watcher = NULL;
}

static void release(struct nx_op *op)
{
    struct nx_watch *w = (struct nx_watch *)op;
    if (w->parked && op->cluster->node)
        noex_timer_cancel(op->cluster->node, w->parked->timer);
    nx_free(&op->cluster->alloc, w->parked);
    unlist(w);
    nx_target_release(op->cluster, &w->target);
}

/* From now on nothing is told of it. */
static void end(struct nx_watch *w)
{
    uncount(w);
    if (w->monitor && w->op.cluster->node)
        noex_demonitor(w->op.cluster->node, w->monitor);
    w->monitor = 0;
    unlist(w);
    nx_op_end(&w->op);
}

static void stopped(struct nx_op *op)
{
    end((struct nx_watch *)op);
}

static void fail(struct nx_watch *w, const struct noex_error *error, const char *node)
{
    struct noex_remote_monitor_stats *s = &w->op.cluster->monitor_stats;
    bool late = error->code == NOEX_ESETUPTIMEOUT;
    const struct noex_result r = {.error = error,
                                  .node = node,
                                  .target = &w->target.at,
                                  .timeout_ms = late ? w->timeout_ms : 0};
    if (!w->local && late)
        s->total_timed_out++;
    else if (!w->local)
        s->total_failed++;
    w->monitor = 0;
    uncount(w);
    nx_op_answer(&w->op, &r);
    end(w);
}

/* ---- events ---- */

static void on_up(struct nx_watch *w, const struct noex_event *event)
{
    uncount(w);
    w->established = true;
    count(w);
    if (!w->local)
        w->op.cluster->monitor_stats.total_established++;
    nx_op_answer(&w->op, &(struct noex_result){.node = event->node, .target = event->target});
    nx_op_go_on(&w->op);
}

/* The lifecycle handlers first, then the watcher itself; either may do anything. */
static void tell_down(struct nx_watch *w, const struct noex_event *event)
{
    noex_gen_server *watcher = w->watcher;
    noex_cluster *cluster = w->op.cluster;
    const struct noex_ref self = watcher->self;
    const struct noex_lifecycle_event e = {.size = sizeof e,
                                           .type = NOEX_LIFECYCLE_PROCESS_DOWN,
                                           .reason = event->reason,
                                           .process = &self,
                                           .monitored = event->target,
                                           .monitor = w->op.id,
                                           .event = event};
    end(w);
    nx_tell_lifecycle(cluster, &e);
    watcher = nx_server_find(cluster, &self.pid);
    if (watcher)
        nx_server_info(watcher, event);
}

static void on_parked(void *user, noex_timer_id id)
{
    struct nx_watch *w = user;
    struct parked *p = w->parked;
    const struct noex_allocator *a = &w->op.cluster->alloc;
    void *strings = w->target.strings; /* the event's, too */
    (void)id;
    w->parked = NULL;
    w->target.strings = NULL;
    tell_down(w, &p->event);
    nx_free(a, strings);
    nx_free(a, p);
}

/* False where there is no memory for it: then it is told at once. */
static bool park(struct nx_watch *w, const struct noex_event *event)
{
    size_t node_size = strlen(event->node) + 1; /* without a port, as opposed to the target's */
    struct parked *p = nx_alloc(&w->op.cluster->alloc, sizeof *p + event->term_len + node_size);
    if (!p)
        return false;
    char *node = memcpy(p->bytes + event->term_len, event->node, node_size);
    p->event = *event;
    p->target = *event->target;
    p->target.node = p->event.node = node;
    p->target.name = w->target.at.name;
    p->event.target = &p->target;
    p->event.process = &w->watcher->self.pid;
    p->event.term = p->bytes;
    if (event->term_len)
        memcpy(p->bytes, event->term, event->term_len);
    p->timer = 0;
    w->parked = p;
    return true;
}

static void on_down(struct nx_watch *w, const struct noex_event *event)
{
    if (!w->local && event->origin == NOEX_ORIGIN_LOCAL)
        w->op.cluster->monitor_stats.total_noconnection++;
    w->monitor = 0;
    uncount(w);
    if (!w->op.awaiting || !park(w, event))
        tell_down(w, event);
}

/* Whoever awaited it knows it now, or has given up. */
static void awaited(struct nx_op *op)
{
    struct nx_watch *w = (struct nx_watch *)op;
    if (!w->parked || w->parked->timer || !op->cluster->node)
        return;
    if (noex_timer_start(op->cluster->node, 0, on_parked, w, &w->parked->timer))
        on_parked(w, 0);
}

void nx_watch_event(noex_gen_server *server, const struct noex_event *event)
{
    struct nx_watch *w = event->monitor_user;
    (void)server;
    if (event->type == NOEX_EVENT_MONITOR_UP)
        on_up(w, event);
    else if (event->type == NOEX_EVENT_MONITOR_DOWN)
        on_down(w, event);
    else
        fail(w, event->error, event->node);
}

void nx_watches_server_ended(noex_gen_server *server)
{
    const struct noex_error error = {.code = NOEX_ENOPROC,
                                     .text = "the monitoring process has ended"};
    struct nx_watch *w;
    while ((w = server->first_watch)) {
        w->monitor = 0; /* the node has ended them all */
        if (w->op.answered)
            end(w);
        else
            fail(w, &error, NULL);
    }
}

/* ---- asking ---- */

static int monitor(struct nx_watch *w)
{
    noex_cluster *cluster = w->op.cluster;
    uint64_t gone = noex_node_now_ms(cluster->node) - w->asked_ms;
    uint64_t left = w->timeout_ms > gone ? w->timeout_ms - gone : 1;
    int rc = noex_process_monitor(cluster->node, &w->watcher->self.pid, &w->target.at, left, w,
                                  &w->monitor);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

static void on_found(void *user, const struct noex_result *result)
{
    struct nx_watch *w = user;
    noex_cluster *cluster = w->op.cluster;
    w->target.lookup = 0;
    if (w->op.answered) /* the cluster stops */
        return;
    if (result->error) {
        fail(w, result->error, result->node);
        return;
    }
    int rc = nx_target_found(cluster, &w->target, result->process);
    if (!rc && strcmp(w->target.at.node, cluster->id) == 0) {
        uncount(w); /* of a process of this node after all */
        w->local = true;
        cluster->monitor_stats.total_initiated--;
        count(w);
    }
    rc = rc ? rc : monitor(w);
    if (rc) {
        const struct noex_error error = cluster->last_error;
        fail(w, &error, w->target.at.node);
    }
}

static void enlist(struct nx_watch *w, noex_gen_server *watcher)
{
    struct nx_watch **at = &watcher->first_watch;
    w->watcher = watcher;
    w->next = *at;
    if (w->next)
        w->next->prev = w;
    *at = w;
}

static int begin(noex_cluster *cluster, const struct noex_ref *watcher,
                 const struct noex_target *target, const noex_op *monitor, noex_gen_server **out)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    cluster->monitor_stats.initialized = 1;
    if (!watcher || !monitor)
        return nx_fail(&cluster->last_error, NOEX_EINVALID,
                       "noex_remote_monitor: an argument is NULL");
    int rc = nx_target_check(cluster, target, "noex_remote_monitor");
    if (rc)
        return rc;
    *out = strcmp(watcher->node, cluster->id) == 0 ? nx_server_find(cluster, &watcher->pid) : NULL;
    return *out ? 0
                : nx_fail(&cluster->last_error, NOEX_ENOPROC,
                          "the watcher is no server that runs on this node");
}

static bool is_here(const noex_cluster *cluster, const struct noex_target *target)
{
    return target->kind != NOEX_TARGET_GLOBAL && target->node &&
           nx_cluster_is_own(cluster, target->node);
}

int noex_remote_monitor(noex_cluster *cluster, const struct noex_ref *watcher,
                        const struct noex_target *target, uint64_t timeout_ms, noex_done_fn done,
                        void *user, noex_op *id)
{
    noex_gen_server *server;
    int rc = begin(cluster, watcher, target, id, &server);
    if (rc)
        return rc;
    struct nx_watch *w =
        (struct nx_watch *)nx_op_new(cluster, &kind, &(struct nx_asker){done, user, id});
    if (!w)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    enlist(w, server);
    w->timeout_ms = timeout_ms ? timeout_ms : SETUP_TIMEOUT_MS;
    w->asked_ms = noex_node_now_ms(cluster->node);
    w->local = is_here(cluster, target);
    rc = nx_target_keep(cluster, target, &w->target);
    if (!rc)
        rc = target->kind == NOEX_TARGET_GLOBAL
                 ? nx_target_look_up(cluster, &w->target, on_found, w)
                 : monitor(w);
    if (rc) {
        nx_op_drop(&w->op);
        return rc;
    }
    cluster->monitor_stats.total_initiated += !w->local;
    count(w);
    return 0;
}

int noex_remote_demonitor(noex_cluster *cluster, noex_op monitor)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    cluster->monitor_stats.initialized = 1;
    int rc = nx_cluster_check_running(cluster);
    struct nx_watch *w = rc ? NULL : (struct nx_watch *)nx_op_find_kind(cluster, monitor, &kind);
    if (!w)
        return rc;
    if (!w->local && (w->counted || w->parked))
        cluster->monitor_stats.total_demonitored++;
    w->op.answered = w->op.fine = true; /* nobody is told any more, but who awaits it in vain */
    w->op.kept = false;
    end(w);
    return 0;
}

/* ---- what is told of them ---- */

void noex_remote_monitor_get_stats(const noex_cluster *cluster,
                                   struct noex_remote_monitor_stats *stats, size_t size)
{
    struct noex_remote_monitor_stats all;
    struct noex_monitor_stats node;
    if (stats)
        memset(stats, 0, size);
    if (!cluster || !stats)
        return;
    all = cluster->monitor_stats;
    noex_monitor_get_stats(cluster->node, &node, sizeof node);
    all.total_process_down_received = cluster->downs_before + node.downs_received;
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
}

int noex_remote_monitor_list(const noex_cluster *cluster, noex_op after,
                             struct noex_monitor_info *list, size_t max)
{
    if (!cluster || (!list && max))
        return NOEX_EINVALID;
    const struct nx_op *op = after ? nx_op_find(cluster, after) : NULL;
    int count = 0;
    for (op = op      ? op->next
              : after ? NULL
                      : cluster->ops.first;
         op && (size_t)count < max; op = op->next) {
        const struct nx_watch *w = (const struct nx_watch *)op;
        if (op->kind != &kind || op->ended || !w->watcher)
            continue;
        list[count++] = (struct noex_monitor_info){.monitor = op->id,
                                                   .watcher = &w->watcher->self,
                                                   .target = &w->target.at,
                                                   .established = w->established};
    }
    return count;
}
