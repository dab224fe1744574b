/* Stopping servers anywhere; and what is sent to them after a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include "cluster/targets.h"

/* ---- stopping: monitored, told to terminate, gone ---- */

struct stop {
    struct nx_op op;
    struct nx_target target;
    noex_builder *message; /* {system, From, {terminate, Reason}} */
    noex_timer_id timer;
    uint64_t timeout_ms;
};

static void on_stop_event(struct nx_op *op, const struct noex_event *event);

static void release_stop(struct nx_op *op)
{
    struct stop *s = (struct stop *)op;
    if (s->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, s->timer);
    noex_builder_free(s->message);
    nx_target_release(op->cluster, &s->target);
}

static const struct nx_op_kind stop_kind = {
    .size = sizeof(struct stop), .on_event = on_stop_event, .release = release_stop};

static void stop_over(struct stop *s, const struct noex_error *error, const char *node)
{
    nx_op_answer(&s->op, &(struct noex_result){.error = error,
                                               .node = node,
                                               .target = &s->target.at,
                                               .timeout_ms = error ? s->timeout_ms : 0});
    nx_op_end(&s->op);
}

/* What is lost with its connection may live on; all else has ended. */
static void on_stop_event(struct nx_op *op, const struct noex_event *event)
{
    struct stop *s = (struct stop *)op;
    struct noex_error lost = {0};
    if (event->type == NOEX_EVENT_MONITOR_UP)
        return;
    const struct noex_error *error = event->error;
    if (event->type == NOEX_EVENT_MONITOR_DOWN && event->origin == NOEX_ORIGIN_LOCAL) {
        nx_fail(&lost, NOEX_ENOTREACHABLE, "the connection to %s was lost", event->node);
        error = &lost;
    }
    stop_over(s, error, event->node);
}

static void on_stop_timeout(void *user, noex_timer_id id)
{
    struct stop *s = user;
    struct noex_error error = {0};
    (void)id;
    s->timer = 0;
    nx_fail(&error, NOEX_ECALLTIMEOUT, "the server did not end within %llu ms",
            (unsigned long long)s->timeout_ms);
    stop_over(s, &error, s->target.at.node);
}

static void build_message(noex_cluster *cluster, noex_builder *b, struct noex_term reason)
{
    noex_build_tuple(b);
    noex_build_atom(b, "system");
    noex_build_tuple(b);
    noex_build_pid(b, cluster->id, &cluster->process);
    noex_build_atom(b, "stop");
    noex_build_end(b);
    noex_build_tuple(b);
    noex_build_atom(b, "terminate");
    if (reason.len)
        noex_build_term(b, reason);
    else
        noex_build_atom(b, "normal");
    noex_build_end(b);
    noex_build_end(b);
}

static int send_stop(struct stop *s)
{
    noex_cluster *cluster = s->op.cluster;
    noex_monitor_id monitor;
    struct noex_term message;
    int rc = noex_monitor(cluster->node, &s->target.at, s->timeout_ms, NULL, &monitor);
    if (rc)
        return nx_cluster_fail_node(cluster, rc);
    nx_op_set_monitor(&s->op, monitor);
    rc = noex_builder_term(s->message, &message);
    if (rc)
        return nx_fail(&cluster->last_error, rc, NULL);
    rc = noex_send(cluster->node, &cluster->process, &s->target.at, message);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

static void on_stop_found(void *user, const struct noex_result *result)
{
    struct stop *s = user;
    noex_cluster *cluster = s->op.cluster;
    s->target.lookup = 0;
    if (s->op.answered)
        return;
    int rc = result->error ? 0 : nx_target_found(cluster, &s->target, result->process);
    if (!result->error && !rc)
        rc = send_stop(s);
    if (rc) {
        const struct noex_error error = cluster->last_error;
        stop_over(s, &error, NULL);
    } else if (result->error) {
        stop_over(s, result->error, result->node);
    }
}

static int begin_stop(struct stop *s, const struct noex_target *target, struct noex_term reason)
{
    noex_cluster *cluster = s->op.cluster;
    int rc = reason.len ? noex_term_check(reason, &cluster->last_error) : 0;
    rc = rc ? rc : noex_builder_new(&s->message, &cluster->alloc);
    rc = rc ? rc : nx_target_keep(cluster, target, &s->target);
    if (rc)
        return cluster->last_error.code ? rc : nx_fail(&cluster->last_error, rc, NULL);
    build_message(cluster, s->message, reason);
    rc = noex_timer_start(cluster->node, s->timeout_ms, on_stop_timeout, s, &s->timer);
    if (rc)
        return nx_cluster_fail_node(cluster, rc);
    return target->kind == NOEX_TARGET_GLOBAL
               ? nx_target_look_up(cluster, &s->target, on_stop_found, s)
               : send_stop(s);
}

int noex_gen_server_stop(noex_cluster *cluster, const struct noex_target *target,
                         struct noex_term reason, uint64_t timeout_ms, noex_done_fn done,
                         void *user, noex_op *op)
{
    enum { STOP_TIMEOUT_MS = 5000 };
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    int rc = nx_target_check(cluster, target, "noex_gen_server_stop");
    if (!rc && target->kind == NOEX_TARGET_NODE)
        rc = nx_fail(&cluster->last_error, NOEX_ETARGET, "a node is no server");
    if (rc)
        return rc;
    struct nx_op *new = nx_op_new(cluster, &stop_kind, &(struct nx_asker){done, user, op});
    if (!new)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    ((struct stop *)new)->timeout_ms = timeout_ms ? timeout_ms : STOP_TIMEOUT_MS;
    rc = begin_stop((struct stop *)new, target, reason);
    if (rc)
        nx_op_drop(new);
    return rc;
}

int noex_gen_server_exit(noex_cluster *cluster, const struct noex_target *target,
                         struct noex_term reason)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    int rc = nx_target_check(cluster, target, "noex_gen_server_exit");
    if (rc)
        return rc;
    rc = noex_exit(cluster->node, &cluster->process, target, reason);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}

/* ---- after a time ---- */

struct delayed {
    struct nx_op op;
    struct noex_pid to;
    noex_timer_id timer;
    uint8_t *message;
    size_t message_len;
};

static void release_delayed(struct nx_op *op)
{
    struct delayed *d = (struct delayed *)op;
    if (d->timer && op->cluster->node)
        noex_timer_cancel(op->cluster->node, d->timer);
    nx_free(&op->cluster->alloc, d->message);
}

static const struct nx_op_kind delayed_kind = {.size = sizeof(struct delayed),
                                               .release = release_delayed};

/* By way of its queue: behind what came before. */
static void on_delayed(void *user, noex_timer_id id)
{
    struct delayed *d = user;
    noex_cluster *cluster = d->op.cluster;
    struct noex_target to = {.kind = NOEX_TARGET_PID, .pid = d->to, .node = cluster->id};
    (void)id;
    d->timer = 0;
    nx_ignored(
        noex_send(cluster->node, &d->to, &to, (struct noex_term){d->message, d->message_len}));
    nx_op_end(&d->op);
}

static int begin_server(noex_cluster *cluster, const struct noex_ref *ref, const char *what,
                        noex_gen_server **server)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    if (!ref)
        return nx_fail(&cluster->last_error, NOEX_EINVALID, "%s: an argument is NULL", what);
    int rc = nx_cluster_check_running(cluster);
    if (rc)
        return rc;
    *server = strcmp(ref->node, cluster->id) == 0 ? nx_server_find(cluster, &ref->pid) : NULL;
    return *server
               ? 0
               : nx_fail(&cluster->last_error, NOEX_ENOPROC, "no such server runs on this node");
}

int noex_gen_server_send_after(noex_cluster *cluster, const struct noex_ref *ref, uint64_t delay_ms,
                               struct noex_term message, noex_op *timer)
{
    noex_gen_server *server;
    int rc = begin_server(cluster, ref, "noex_gen_server_send_after", &server);
    if (!rc && !timer)
        rc = nx_fail(&cluster->last_error, NOEX_EINVALID,
                     "noex_gen_server_send_after: an argument is NULL");
    rc = rc ? rc : noex_term_check(message, &cluster->last_error);
    if (rc)
        return rc;
    struct delayed *d =
        (struct delayed *)nx_op_new(cluster, &delayed_kind, &(struct nx_asker){NULL, NULL, timer});
    if (!d)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    d->op.kept = false;
    d->to = server->self.pid;
    d->message = nx_alloc(&cluster->alloc, message.len);
    rc = d->message ? noex_timer_start(cluster->node, delay_ms, on_delayed, d, &d->timer)
                    : NOEX_ENOMEM;
    if (rc) {
        nx_op_drop(&d->op);
        return nx_fail(&cluster->last_error, rc, NULL);
    }
    memcpy(d->message, message.bytes, message.len);
    d->message_len = message.len;
    return 0;
}

int noex_gen_server_cancel_timer(noex_cluster *cluster, noex_op timer)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    struct nx_op *op = nx_op_find_kind(cluster, timer, &delayed_kind);
    if (op)
        nx_op_end(op);
    return 0;
}

/* ---- the state of a server here ---- */

int noex_gen_server_is_running(noex_cluster *cluster, const struct noex_ref *ref)
{
    noex_gen_server *server;
    int rc = begin_server(cluster, ref, "noex_gen_server_is_running", &server);
    if (rc == NOEX_ENOPROC)
        return 0;
    return rc ? rc : 1;
}

int noex_gen_server_trap_exit(noex_cluster *cluster, const struct noex_ref *ref, bool trap)
{
    noex_gen_server *server;
    int rc = begin_server(cluster, ref, "noex_gen_server_trap_exit", &server);
    if (rc)
        return rc;
    rc = noex_process_trap_exit(cluster->node, &ref->pid, trap);
    return rc ? nx_cluster_fail_node(cluster, rc) : 0;
}
