/* Calls and casts, anywhere. SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include "cluster/targets.h"

/* A call; or a cast, which waits here only while its name is looked up. */
struct call {
    struct nx_op op;
    struct nx_target target;
    uint8_t *message; /* kept while the name is looked up */
    size_t message_len;
    uint64_t timeout_ms;
    uint64_t asked_ms;
    bool cast;
};

static void on_call(struct nx_op *op, const struct noex_event *event);
static void stopped(struct nx_op *op);

static void release(struct nx_op *op)
{
    struct call *c = (struct call *)op;
    nx_target_release(op->cluster, &c->target);
    nx_free(&op->cluster->alloc, c->message);
}

static const struct nx_op_kind kind = {
    .size = sizeof(struct call), .on_event = on_call, .stopped = stopped, .release = release};

/* ---- how it comes out ---- */

static void count(struct call *c, int code)
{
    struct noex_remote_call_stats *s = &c->op.cluster->call_stats;
    if (c->cast || c->op.answered)
        return;
    s->pending_calls--;
    *(code == NOEX_ECALLTIMEOUT ? &s->total_timed_out
      : code                    ? &s->total_rejected
                                : &s->total_resolved) += 1;
}

static void answer(struct call *c, struct noex_result *r)
{
    r->target = &c->target.at;
    r->timeout_ms = r->error && r->error->code == NOEX_ECALLTIMEOUT ? c->timeout_ms : 0;
    count(c, r->error ? r->error->code : 0);
    nx_op_answer(&c->op, r);
    nx_op_end(&c->op);
}

static void on_call(struct nx_op *op, const struct noex_event *event)
{
    struct noex_result r = {.error = event->type == NOEX_EVENT_REPLY ? NULL : event->error,
                            .node = event->node,
                            .term = noex_event_term(event)};
    answer((struct call *)op, &r);
}

/* It was told already. */
static void stopped(struct nx_op *op)
{
    struct call *c = (struct call *)op;
    if (!c->cast) {
        op->cluster->call_stats.pending_calls--;
        op->cluster->call_stats.total_rejected++;
    }
    nx_op_end(op);
}

/* ---- asking ---- */

static int send_call(struct call *c, const struct noex_target *target, struct noex_term request)
{
    noex_cluster *cluster = c->op.cluster;
    noex_call_id id;
    uint64_t timeout = c->timeout_ms;
    if (c->asked_ms && timeout != UINT64_MAX) { /* the lookup took some of it */
        uint64_t gone = noex_node_now_ms(cluster->node) - c->asked_ms;
        timeout = timeout > gone ? timeout - gone : 1;
    }
    int rc = noex_call(cluster->node, NULL, target, request, timeout, NULL, &id);
    if (rc)
        return nx_cluster_fail_node(cluster, rc);
    nx_op_set_call(&c->op, id);
    return 0;
}

static int send_cast(noex_cluster *cluster, const struct noex_target *target,
                     struct noex_term message)
{
    int rc = noex_cast(cluster->node, NULL, target, message);
    if (rc)
        return nx_cluster_fail_node(cluster, rc);
    cluster->call_stats.total_casts++;
    return 0;
}

static void on_found(void *user, const struct noex_result *result)
{
    struct call *c = user;
    noex_cluster *cluster = c->op.cluster;
    const struct noex_term message = {c->message, c->message_len};
    c->target.lookup = 0;
    if (c->op.answered || c->op.ended) /* the cluster stops */
        return;
    struct noex_result r = *result;
    int rc = r.error ? 0 : nx_target_found(cluster, &c->target, r.process);
    if (!r.error && !rc)
        rc = c->cast ? send_cast(cluster, &c->target.at, message)
                     : send_call(c, &c->target.at, message);
    r.error = rc ? &cluster->last_error : r.error;
    r.process = NULL;
    if (r.error || c->cast)
        answer(c, &r);
}

static int look_up(struct call *c, struct noex_term message)
{
    noex_cluster *cluster = c->op.cluster;
    int rc = noex_term_check(message, &cluster->last_error);
    if (rc)
        return rc;
    c->message = nx_alloc(&cluster->alloc, message.len);
    if (!c->message)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    memcpy(c->message, message.bytes, message.len);
    c->message_len = message.len;
    c->asked_ms = noex_node_now_ms(cluster->node);
    return nx_target_look_up(cluster, &c->target, on_found, c);
}

static struct call *call_new(noex_cluster *cluster, const struct noex_target *target,
                             const struct nx_asker *asker)
{
    struct call *c = (struct call *)nx_op_new(cluster, &kind, asker);
    if (!c) {
        nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
        return NULL;
    }
    if (nx_target_keep(cluster, target, &c->target) == 0)
        return c;
    nx_op_drop(&c->op);
    return NULL;
}

int noex_gen_server_call(noex_cluster *cluster, const struct noex_target *target,
                         struct noex_term request, uint64_t timeout_ms, noex_done_fn done,
                         void *user, noex_op *op)
{
    enum { CALL_TIMEOUT_MS = 5000 };
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    int rc = nx_target_check(cluster, target, "noex_gen_server_call");
    if (rc)
        return rc;
    struct call *c = call_new(cluster, target, &(struct nx_asker){done, user, op});
    if (!c)
        return NOEX_ENOMEM;
    c->timeout_ms = timeout_ms ? timeout_ms : CALL_TIMEOUT_MS;
    rc = target->kind == NOEX_TARGET_GLOBAL ? look_up(c, request)
                                            : send_call(c, &c->target.at, request);
    if (rc) {
        nx_op_drop(&c->op);
        return rc;
    }
    cluster->call_stats.total_calls++;
    cluster->call_stats.pending_calls++;
    return 0;
}

int noex_gen_server_cast(noex_cluster *cluster, const struct noex_target *target,
                         struct noex_term message)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    int rc = nx_target_check(cluster, target, "noex_gen_server_cast");
    if (rc)
        return rc;
    if (target->kind != NOEX_TARGET_GLOBAL)
        return send_cast(cluster, target, message);
    struct call *c = call_new(cluster, target, &(struct nx_asker){NULL, NULL, NULL});
    if (!c)
        return NOEX_ENOMEM;
    c->cast = true;
    rc = look_up(c, message);
    if (rc)
        nx_op_drop(&c->op);
    return rc;
}

void noex_remote_call_get_stats(const noex_cluster *cluster, struct noex_remote_call_stats *stats,
                                size_t size)
{
    if (stats)
        memset(stats, 0, size);
    if (cluster && stats)
        memcpy(stats, &cluster->call_stats, size < sizeof *stats ? size : sizeof *stats);
}
