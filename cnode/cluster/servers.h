/* The gen_servers of a cluster. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_SERVERS_H
#define NX_CLUSTER_SERVERS_H

#include "base/map.h"
#include <noex/gen_server.h>
#include <noex/lifecycle.h>

struct nx_starting;
struct nx_watch;
struct nx_bound;

enum nx_server_phase {
    NX_SERVER_STARTING = 0, /* init, or what follows it, goes on */
    NX_SERVER_RUNNING,
    NX_SERVER_ENDING /* its end was asked for: only PROCESS_END is still to come */
};

struct noex_gen_server {
    struct nx_map_entry entry; /* by its pid */
    uint32_t slot;
    enum nx_server_phase phase;
    noex_cluster *cluster;
    struct noex_behavior behavior;
    char *module; /* what it is called in a stack trace */
    void *state;
    noex_builder *builder;
    struct nx_starting *starting; /* what its start waits for; NULL: it is over */
    struct nx_watch *first_watch; /* the monitors that it holds, see remote_monitor.c */
    struct nx_bound *first_link;  /* the links that it was asked to make, see remote_link.c */
    struct noex_ref self;
    bool listed;        /* has its pid */
    bool announced;     /* STARTED was told */
    bool terminate_due; /* init has not failed: terminate is to be called */
};

struct nx_servers {
    struct nx_slab slab;
    struct nx_map map;
};

void nx_servers_init(noex_cluster *cluster, const struct nx_map_seed *seed);
/** The node is gone: each that is left ends in `terminate`; nobody is told. */
void nx_servers_terminate(noex_cluster *cluster);
/** Forgets them all. No operation is left that one of them asked for. */
void nx_servers_free(noex_cluster *cluster);

/** The server of this node with this pid, NULL where there is none or it is ending. */
noex_gen_server *nx_server_find(const noex_cluster *cluster, const struct noex_pid *pid);
uint32_t nx_servers_count(const noex_cluster *cluster);

/** A record without a process. NULL: no memory. */
noex_gen_server *nx_server_add(noex_cluster *cluster, const struct noex_behavior *behavior,
                               void *state);
/** It has a process: from now on it is found. */
void nx_server_list(noex_gen_server *server, const struct noex_pid *pid);
/** Forgets it: its process has ended, or never was. */
void nx_server_remove(noex_gen_server *server);

/** on_event, on_stop and on_state of its process. */
void nx_server_event(void *user, const struct noex_event *event);
void nx_server_describe(void *user, noex_builder *builder);
/** What its handle_info is told. */
void nx_server_info(noex_gen_server *server, const struct noex_event *event);

/** What one of its functions built as reason; where that is nothing: normal for a STOP, else
 * enomem. Borrowed from its builder. */
struct noex_term nx_server_reason(noex_gen_server *server, enum noex_next next);

/** Ends a server, with terminate before others are told; `reason` a whole term. Inside a callback.
 */
void nx_server_end(noex_gen_server *server, struct noex_term reason);
/** The cluster stops: all end with `shutdown`. */
void nx_servers_stop(noex_cluster *cluster);

/** The type of a reason, where no event tells it. */
enum noex_reason_type nx_server_reason_type(struct noex_term reason);

#endif
