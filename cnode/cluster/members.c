/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/members.h"

#include "cluster/cluster.h"
#include "cluster/global_names.h"
#include "cluster/joining.h"

void nx_members_free(noex_cluster *cluster)
{
    for (struct nx_member *m = cluster->members.first, *next; m; m = next) {
        next = m->next;
        nx_free(&cluster->alloc, m);
    }
}

struct nx_member *nx_member_find(const noex_cluster *cluster, const char *name)
{
    struct nx_member *m = cluster->members.first;
    while (m && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

struct nx_member *nx_member_next_connected(const noex_cluster *cluster,
                                           const struct nx_member *after)
{
    struct nx_member *m = after ? after->next : cluster->members.first;
    while (m && !m->connected)
        m = m->next;
    return m;
}

static struct nx_member *add(noex_cluster *cluster, const char *name)
{
    size_t size = strlen(name) + 1;
    struct nx_member *m = nx_calloc(&cluster->alloc, 1, sizeof *m + size);
    if (!m)
        return NULL;
    memcpy(m->name, name, size);
    *(cluster->members.last ? &cluster->members.last->next : &cluster->members.first) = m;
    cluster->members.last = m;
    return m;
}

/* Without memory for it a node is told of, and not listed. */
static void came(noex_cluster *cluster, const char *name)
{
    struct nx_member *m = nx_member_find(cluster, name);
    m = m ? m : add(cluster, name);
    if (m) {
        m->connected = true;
        m->said_bye = false;
        m->global = NX_GLOBAL_UNKNOWN;
        m->connection++;
    }
    nx_tell_node_up(cluster, name);
    if (m && cluster->status == NOEX_CLUSTER_RUNNING) {
        nx_global_names_heal(cluster, m);
        nx_joining_ask(cluster, m);
    }
}

static void went(noex_cluster *cluster, const char *name, const struct noex_error *error)
{
    struct nx_member *m = nx_member_find(cluster, name);
    bool closed = error->code == NOEX_ECLOSED || error->code == NOEX_ELOST;
    if (m)
        m->connected = false;
    nx_tell_node_down(
        cluster, name,
        m && m->said_bye && closed ? "graceful_shutdown" : noex_node_down_reason(error), error);
}

void nx_members_event(noex_cluster *cluster, const struct noex_event *event)
{
    if (cluster->status != NOEX_CLUSTER_RUNNING && cluster->status != NOEX_CLUSTER_STARTING)
        return;
    if (event->type == NOEX_EVENT_NODE_UP)
        came(cluster, event->node);
    else
        went(cluster, event->node, event->error);
}

void nx_members_bye(noex_cluster *cluster, const char *node)
{
    struct nx_member *m = nx_member_find(cluster, node);
    if (m)
        m->said_bye = true;
}

void nx_members_stop(noex_cluster *cluster)
{
    for (struct nx_member *m = cluster->members.first; m; m = m->next)
        m->connected = m->joining = false;
}

/* ---- what is told of them ---- */

static void describe(noex_cluster *cluster, const struct nx_member *m, struct noex_node_info *info)
{
    struct noex_peer_info peer;
    noex_peer_get_info(cluster->node, m->name, &peer, sizeof peer);
    *info = (struct noex_node_info){.id = m->name, .port = peer.port};
    if (m->connected) {
        info->status = NOEX_NODE_CONNECTED;
        info->uptime_ms = peer.up_ms;
        info->heard_ms = peer.heard_ms;
    } else if (peer.state == NOEX_CONNECTION_CONNECTING) {
        info->status = NOEX_NODE_CONNECTING;
    }
}

static int list_nodes(noex_cluster *cluster, bool all, struct noex_node_info *list, size_t max)
{
    int count = 0;
    for (struct nx_member *m = cluster->members.first; m; m = m->next) {
        if (!m->connected && !all)
            continue;
        if ((size_t)count < max)
            describe(cluster, m, &list[count]);
        count++;
    }
    return count;
}

int noex_cluster_get_nodes(noex_cluster *cluster, struct noex_node_info *list, size_t max)
{
    int rc = nx_cluster_begin_running(cluster, list || max == 0, "noex_cluster_get_nodes");
    return rc ? rc : list_nodes(cluster, true, list, max);
}

int noex_cluster_get_connected_nodes(noex_cluster *cluster, struct noex_node_info *list, size_t max)
{
    int rc =
        nx_cluster_begin_running(cluster, list || max == 0, "noex_cluster_get_connected_nodes");
    return rc ? rc : list_nodes(cluster, false, list, max);
}

int noex_cluster_get_node(noex_cluster *cluster, const char *id, struct noex_node_info *info)
{
    int rc = nx_cluster_begin_running(cluster, id && info, "noex_cluster_get_node");
    if (rc)
        return rc;
    if (strcmp(id, cluster->id) == 0)
        return noex_cluster_local_node_info(cluster, info);
    const struct nx_member *m = nx_member_find(cluster, id);
    if (!m)
        return nx_fail(&cluster->last_error, NOEX_ENONODE, "%.200s was never connected", id);
    describe(cluster, m, info);
    return 0;
}

int noex_cluster_is_node_connected(noex_cluster *cluster, const char *id)
{
    int rc = nx_cluster_begin_running(cluster, id != NULL, "noex_cluster_is_node_connected");
    if (rc)
        return rc;
    const struct nx_member *m = nx_member_find(cluster, id);
    return m && m->connected;
}

int noex_cluster_local_node_info(noex_cluster *cluster, struct noex_node_info *info)
{
    int rc = nx_cluster_begin_running(cluster, info != NULL, "noex_cluster_local_node_info");
    if (rc)
        return rc;
    *info = (struct noex_node_info){.id = cluster->id,
                                    .uptime_ms =
                                        noex_node_now_ms(cluster->node) - cluster->running_since_ms,
                                    .process_count = nx_servers_count(cluster),
                                    .status = NOEX_NODE_CONNECTED,
                                    .port = noex_node_listen_port(cluster->node)};
    return 0;
}

int noex_cluster_get_uptime_ms(noex_cluster *cluster, uint64_t *uptime_ms)
{
    int rc = nx_cluster_begin_running(cluster, uptime_ms != NULL, "noex_cluster_get_uptime_ms");
    if (!rc)
        *uptime_ms = noex_node_now_ms(cluster->node) - cluster->running_since_ms;
    return rc;
}
