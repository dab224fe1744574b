/* The cluster: owner of everything in this folder. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_CLUSTER_H
#define NX_CLUSTER_CLUSTER_H

#include "base/alloc.h"
#include "base/err.h"
#include "cluster/members.h"
#include "cluster/ops.h"
#include "cluster/servers.h"
#include "cluster/subscribers.h"
#include <noex/global.h>
#include <noex/remote.h>
#include <noex/timer.h>
#include <string.h>

struct nx_behavior_entry;
struct nx_global_name;
struct nx_request;

struct noex_cluster {
    struct noex_allocator alloc;
    struct noex_cluster_options options; /* its strings are the fields below */
    struct noex_options node_options;    /* the same */
    char id[NOEX_NODE_NAME_SIZE];
    char *cookie;
    char *listen_address;
    char **seeds;
    noex_node *node; /* NULL: stopped */
    enum noex_cluster_status status;
    uint64_t running_since_ms;    /* of the node's clock */
    struct noex_pid process;      /* "noex_cluster": hears who goes, sends what needs a sender */
    struct noex_error last_error; /* of the functions of the API */
    struct noex_error failure;    /* why a start has failed */
    struct nx_subscribers subscribers;
    struct nx_ops ops;
    struct nx_outcome *awaited; /* what noex_await gave last */
    struct nx_members members;
    struct nx_servers servers;
    struct nx_behavior_entry *behaviors;
    struct nx_global_name *names; /* that this node has registered */
    struct nx_request *requests;  /* of other nodes, for servers that are starting */
    noex_timer_id stopping;       /* noex_cluster_stop was called: goes on in the next turn */
    noex_timer_id joining;        /* asks again who is known */
    struct noex_remote_monitor_stats monitor_stats;
    uint64_t downs_before; /* received by the nodes of earlier starts */
    struct noex_remote_call_stats call_stats;
    struct noex_remote_spawn_stats spawn_stats;
    struct noex_remote_link_stats link_stats;
    struct noex_global_stats global_stats;
    unsigned held; /* functions that run the node, and need the cluster afterwards */
    bool freed;    /* noex_cluster_free was called */
};

/** Why something failed does not matter: the comment there says so. */
static inline void nx_ignored(int rc)
{
    (void)rc;
}

/** Where the function that begins now records why it failed: what noex_cluster_error tells. */
static inline struct noex_error *nx_cluster_begin(noex_cluster *cluster)
{
    cluster->last_error.code = cluster->last_error.sys_errno = 0;
    cluster->last_error.text[0] = '\0';
    return &cluster->last_error;
}

/** 0 where it is running; else records and returns NOEX_ENOTSTARTED. */
int nx_cluster_check_running(noex_cluster *cluster);

/** What most functions begin with. `given`: no argument that must be there is NULL. Errors:
 * NOEX_EINVALID, NOEX_ENOTSTARTED. */
NOEX_MUST_USE int nx_cluster_begin_running(noex_cluster *cluster, bool given, const char *what);

/** Whether this is the own name, with or without a port. */
bool nx_cluster_is_own(const noex_cluster *cluster, const char *node);

/** A function of the core has failed with `rc`: its error is the cluster's. Returns `rc`. */
int nx_cluster_fail_node(noex_cluster *cluster, int rc);

/** How a node is made: on a loop of its own, or a caller's. */
typedef int (*nx_node_maker)(noex_node **out, const struct noex_options *options, void *loop,
                             struct noex_error *err);
/** As noex_cluster_start. */
NOEX_MUST_USE int nx_cluster_start(noex_cluster *cluster, nx_node_maker make, void *loop);

/** `cluster->held` goes down by one; true where the program has freed the cluster: it may be gone.
 */
NOEX_MUST_USE bool nx_cluster_release(noex_cluster *cluster);

/** A term that needs no builder: an atom of less than 256 bytes, in `bytes`. */
struct noex_term nx_atom_term(uint8_t *bytes, size_t size, const char *name);

#endif
