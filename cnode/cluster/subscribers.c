/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/subscribers.h"

#include "cluster/cluster.h"

struct nx_subscriber {
    struct nx_subscriber *next;
    noex_subscription id;
    enum nx_subject subject;
    bool over;
    union {
        noex_node_up_fn node_up;
        noex_node_down_fn node_down;
        noex_status_fn status;
        noex_lifecycle_fn lifecycle;
    } fn;
    void *user;
};

static int subscribe(noex_cluster *cluster, const struct nx_subscriber *wanted,
                     noex_subscription *subscription)
{
    struct nx_subscriber **at = &cluster->subscribers.first;
    struct nx_subscriber *s = nx_alloc(&cluster->alloc, sizeof *s);
    if (!s)
        return nx_fail(&cluster->last_error, NOEX_ENOMEM, NULL);
    *s = *wanted;
    s->id = ++cluster->subscribers.last_id;
    while (*at)
        at = &(*at)->next;
    *at = s;
    if (subscription)
        *subscription = s->id;
    return 0;
}

static int begin(noex_cluster *cluster, bool given, const char *what)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    return given ? 0
                 : nx_fail(&cluster->last_error, NOEX_EINVALID, "%s: no function was given", what);
}

int noex_cluster_on_node_up(noex_cluster *cluster, noex_node_up_fn fn, void *user,
                            noex_subscription *subscription)
{
    const struct nx_subscriber s = {.subject = NX_ON_NODE_UP, .fn.node_up = fn, .user = user};
    int rc = begin(cluster, fn != NULL, "noex_cluster_on_node_up");
    return rc ? rc : subscribe(cluster, &s, subscription);
}

int noex_cluster_on_node_down(noex_cluster *cluster, noex_node_down_fn fn, void *user,
                              noex_subscription *subscription)
{
    const struct nx_subscriber s = {.subject = NX_ON_NODE_DOWN, .fn.node_down = fn, .user = user};
    int rc = begin(cluster, fn != NULL, "noex_cluster_on_node_down");
    return rc ? rc : subscribe(cluster, &s, subscription);
}

int noex_cluster_on_status_change(noex_cluster *cluster, noex_status_fn fn, void *user,
                                  noex_subscription *subscription)
{
    const struct nx_subscriber s = {.subject = NX_ON_STATUS, .fn.status = fn, .user = user};
    int rc = begin(cluster, fn != NULL, "noex_cluster_on_status_change");
    return rc ? rc : subscribe(cluster, &s, subscription);
}

int noex_on_lifecycle_event(noex_cluster *cluster, noex_lifecycle_fn fn, void *user,
                            noex_subscription *subscription)
{
    const struct nx_subscriber s = {.subject = NX_ON_LIFECYCLE, .fn.lifecycle = fn, .user = user};
    int rc = begin(cluster, fn != NULL, "noex_on_lifecycle_event");
    if (rc)
        return rc;
    for (struct nx_subscriber *old = cluster->subscribers.first; old; old = old->next) {
        if (old->subject != NX_ON_LIFECYCLE || old->over || old->fn.lifecycle != fn ||
            old->user != user)
            continue;
        if (subscription)
            *subscription = old->id;
        return 0;
    }
    return subscribe(cluster, &s, subscription);
}

static void sweep(noex_cluster *cluster, bool all)
{
    struct nx_subscriber **at = &cluster->subscribers.first;
    while (*at) {
        struct nx_subscriber *s = *at;
        if (!s->over && !all) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        nx_free(&cluster->alloc, s);
    }
    cluster->subscribers.sweep = false;
}

int noex_unsubscribe(noex_cluster *cluster, noex_subscription subscription)
{
    if (!cluster)
        return NOEX_EINVALID;
    nx_cluster_begin(cluster);
    for (struct nx_subscriber *s = cluster->subscribers.first; s; s = s->next)
        if (s->id == subscription)
            s->over = cluster->subscribers.sweep = true;
    if (cluster->subscribers.sweep && !cluster->subscribers.telling)
        sweep(cluster, false);
    return 0;
}

void nx_subscribers_free(noex_cluster *cluster)
{
    sweep(cluster, true);
}

/* ---- telling ---- */

/* A walk over those of one kind that were there when it began. */
struct walk {
    noex_cluster *cluster;
    enum nx_subject subject;
    noex_subscription last;
    struct nx_subscriber *at;
};

static struct walk walk_begin(noex_cluster *cluster, enum nx_subject subject)
{
    cluster->subscribers.telling++;
    return (struct walk){cluster, subject, cluster->subscribers.last_id, NULL};
}

/* NULL: it was the last, and the walk is over. */
static struct nx_subscriber *walk_next(struct walk *w)
{
    struct nx_subscriber *s = w->at ? w->at->next : w->cluster->subscribers.first;
    while (s && (s->subject != w->subject || s->over))
        s = s->next;
    w->at = s;
    if (s && s->id <= w->last && !w->cluster->freed)
        return s;
    if (--w->cluster->subscribers.telling == 0 && w->cluster->subscribers.sweep)
        sweep(w->cluster, false);
    return NULL;
}

void nx_tell_node_up(noex_cluster *cluster, const char *node)
{
    struct nx_subscriber *s;
    struct walk w = walk_begin(cluster, NX_ON_NODE_UP);
    while ((s = walk_next(&w)))
        s->fn.node_up(s->user, node);
}

void nx_tell_node_down(noex_cluster *cluster, const char *node, const char *reason,
                       const struct noex_error *error)
{
    struct nx_subscriber *s;
    struct walk w = walk_begin(cluster, NX_ON_NODE_DOWN);
    while ((s = walk_next(&w)))
        s->fn.node_down(s->user, node, reason, error);
}

void nx_tell_status(noex_cluster *cluster, enum noex_cluster_status status,
                    const struct noex_error *error)
{
    struct nx_subscriber *s;
    struct walk w = walk_begin(cluster, NX_ON_STATUS);
    while ((s = walk_next(&w)))
        s->fn.status(s->user, status, error);
}

void nx_tell_lifecycle(noex_cluster *cluster, const struct noex_lifecycle_event *event)
{
    struct nx_subscriber *s;
    struct walk w = walk_begin(cluster, NX_ON_LIFECYCLE);
    while ((s = walk_next(&w)))
        s->fn.lifecycle(s->user, event);
}
