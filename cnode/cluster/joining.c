/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/joining.h"

#include "cluster/cluster.h"

/* ---- answering: erlang:nodes/0 and /1 ---- */

/* All that are connected, whatever kind is asked for: this node does not know more of them. */
static void on_request(void *user, const struct noex_event *event)
{
    noex_cluster *cluster = user;
    struct nx_member *m = NULL;
    struct noex_term list;
    noex_builder *b;
    if (event->type != NOEX_EVENT_REQUEST || noex_builder_new(&b, &cluster->alloc))
        return;
    noex_build_list(b);
    while ((m = nx_member_next_connected(cluster, m)))
        noex_build_atom(b, m->name);
    noex_build_end(b);
    /* Whoever asks has a time limit. */
    if (noex_builder_term(b, &list) == 0)
        nx_ignored(noex_return(cluster->node, event->process, list));
    noex_builder_free(b);
}

/* ---- asking ---- */

struct question {
    struct nx_op op;
    struct nx_member *of;
};

static void on_nodes(struct nx_op *op, const struct noex_event *event);
static void stopped(struct nx_op *op);

static const struct nx_op_kind kind = {
    .size = sizeof(struct question), .on_event = on_nodes, .stopped = stopped};

static void over(struct nx_op *op)
{
    ((struct question *)op)->of->joining = false;
    nx_op_end(op);
}

static void stopped(struct nx_op *op)
{
    over(op);
}

static void join(noex_cluster *cluster, struct noex_term node)
{
    char name[NOEX_ATOM_SIZE];
    if (noex_term_atom(node, name, sizeof name) <= 0 || strcmp(name, cluster->id) == 0)
        return;
    const struct nx_member *m = nx_member_find(cluster, name);
    /* Once: it may be a visitor that nobody can connect to. It is asked for again. */
    if (!m || !m->connected)
        nx_ignored(noex_connect(cluster->node, name, NOEX_CONNECT_ONCE));
}

static void on_nodes(struct nx_op *op, const struct noex_event *event)
{
    struct noex_items items;
    struct noex_term node;
    if (event->type == NOEX_EVENT_REPLY && noex_term_items(noex_event_term(event), &items) == 0)
        while (noex_items_next(&items, &node))
            join(op->cluster, node);
    over(op);
}

static int ask(struct question *q)
{
    /* [[visible, hidden]], as terms */
    static const uint8_t args[] = {108, 0,   0,   0,   1,   108, 0,   0,   0,   2,
                                   119, 7,   'v', 'i', 's', 'i', 'b', 'l', 'e', 119,
                                   6,   'h', 'i', 'd', 'd', 'e', 'n', 106, 106};
    noex_cluster *cluster = q->op.cluster;
    noex_call_id id;
    int rc = noex_rpc(cluster->node, q->of->name, "erlang", "nodes",
                      (struct noex_term){args, sizeof args}, 0, NULL, &id);
    if (!rc)
        nx_op_set_call(&q->op, id);
    return rc;
}

void nx_joining_ask(noex_cluster *cluster, struct nx_member *member)
{
    if (cluster->options.join != NOEX_JOIN_KNOWN || member->joining)
        return;
    struct question *q =
        (struct question *)nx_op_new(cluster, &kind, &(struct nx_asker){NULL, NULL, NULL});
    if (!q)
        return; /* it is asked again */
    q->of = member;
    if (ask(q))
        nx_op_drop(&q->op);
    else
        member->joining = true;
}

/* As often as others tick. */
static void on_time(void *user, noex_timer_id id)
{
    noex_cluster *cluster = user;
    struct nx_member *m = NULL;
    (void)id;
    cluster->joining = 0;
    if (cluster->status != NOEX_CLUSTER_RUNNING)
        return;
    while ((m = nx_member_next_connected(cluster, m)))
        nx_joining_ask(cluster, m);
    /* Without memory those that come are asked all the same. */
    nx_ignored(noex_timer_start(cluster->node, cluster->options.ticktime_ms / 4, on_time, cluster,
                                &cluster->joining));
}

int nx_joining_start(noex_cluster *cluster)
{
    int rc = noex_serve(cluster->node, "erlang", "nodes", 0, on_request, cluster);
    rc = rc ? rc : noex_serve(cluster->node, "erlang", "nodes", 1, on_request, cluster);
    for (char **seed = cluster->seeds; *seed && !rc; seed++)
        if (!nx_cluster_is_own(cluster, *seed))
            rc = noex_connect(cluster->node, *seed, NOEX_CONNECT_KEEP);
    if (!rc && cluster->options.join == NOEX_JOIN_KNOWN)
        rc = noex_timer_start(cluster->node, cluster->options.ticktime_ms / 4, on_time, cluster,
                              &cluster->joining);
    return rc;
}
