/* The nodes that a cluster has heard of. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_MEMBERS_H
#define NX_CLUSTER_MEMBERS_H

#include <noex/cluster.h>

/** Whether a node runs Erlang's `global`: found out by asking it. */
enum nx_runs_global { NX_GLOBAL_UNKNOWN = 0, NX_GLOBAL_YES, NX_GLOBAL_NO };

struct nx_member {
    struct nx_member *next; /* in the order in which they were first connected */
    bool connected;
    bool said_bye;              /* it goes by noex_cluster_stop */
    bool joining;               /* its nodes are being asked for */
    enum nx_runs_global global; /* of this connection */
    uint64_t connection; /* counts its connections: an answer that is late is for another one */
    char name[];
};

struct nx_members {
    struct nx_member *first;
    struct nx_member *last;
};

void nx_members_free(noex_cluster *cluster);

/** NULL where it was never connected. */
struct nx_member *nx_member_find(const noex_cluster *cluster, const char *name);
/** The first that is connected behind `after` (NULL: of all), or NULL. */
struct nx_member *nx_member_next_connected(const noex_cluster *cluster,
                                           const struct nx_member *after);

/** NODE_UP, NODE_DOWN of the node. */
void nx_members_event(noex_cluster *cluster, const struct noex_event *event);
/** A node said that it goes. */
void nx_members_bye(noex_cluster *cluster, const char *node);
/** The cluster stops: nobody is connected any more. */
void nx_members_stop(noex_cluster *cluster);

#endif
