/* The node: owner of everything, driven by its loop. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_NODE_H
#define NX_NODE_NODE_H

#include "base/log.h"
#include "base/random.h"
#include "conn/conn.h"
#include "io/loop.h"
#include "node/node_events.h"
#include "node/node_name.h"
#include "node/peers.h"
#include "node/timers.h"
#include "process/links.h"
#include "process/monitors.h"
#include "process/pending.h"
#include "process/procs.h"
#include "process/served.h"
#include "process/watchers.h"
#include <stdatomic.h>

enum { NX_COOKIE_MAX = 255 };

struct noex_node {
    struct noex_allocator alloc;
    struct noex_options options; /* its strings are the fields below */
    struct nx_log log;
    const struct nx_random *random;
    struct nx_node_name self; /* of a fixed name; else only `host` is set */
    bool dynamic;
    char cookie[NX_COOKIE_MAX + 1];
    char listen_address[256];
    uint64_t flags;    /* that are offered */
    uint32_t creation; /* of a fixed name: for the life of the node */
    struct nx_loop *loop;
    struct nx_monitors *monitors;
    struct nx_procs *procs;
    struct nx_letters letters;
    struct nx_pendings *pendings;
    struct nx_pending_asked nobody; /* calls of what is not here */
    struct nx_served_table served;
    struct nx_timers timers;
    struct nx_links links;
    struct nx_watchers watchers;
    struct nx_holders holders;
    struct nx_monitor_list here; /* monitors of processes of this node */
    uint32_t ending_first;       /* processes whose end is being told */
    uint32_t ending_last;
    struct nx_node_events events;
    struct nx_peers peers;
    struct nx_peer *recent;       /* whom a monitor was asked for last */
    struct nx_listener *listener; /* NULL: nobody can connect to this node */
    struct nx_peer *given;        /* those that have their name from this node */
    uint64_t begun;               /* connections so far whose name was said, by either side */
    uint32_t attempts;            /* under way */
    struct noex_stats stats;      /* of connections that are over; nx_node_stats adds the others */
    bool foreign;                 /* on a caller's uv_loop_t */
    bool running; /* inside noex_node_process, or in a callback of a caller's loop */
    bool closing;
    bool leaving; /* noex_node_shutdown was called: no new connections */
    bool left;    /* and no connection is left */
    uint32_t leave_event;
    uint64_t leave_ms; /* the longest that is waited for the peers */
    bool telling;      /* a callback has an event at hand */
    noex_closed_fn closed;
    void *closed_user;
    atomic_bool woken;    /* noex_node_wakeup was called */
    uint32_t apart_first; /* pulled mode: letters for callbacks */
    uint32_t apart_last;
    uint32_t held;             /* pulled mode: the item that the caller looks at */
    uint32_t held_letter;      /* the same: one that was taken out of its turn */
    noex_call_id awaited_call; /* whose letters are taken so */
    struct noex_event event;
    struct noex_target target;    /* what the event at hand points to */
    struct noex_error event_err;  /* the same */
    struct noex_pid process;      /* the same */
    struct noex_pid from;         /* the same */
    struct nx_awaited *awaited;   /* the monitor that somebody waits for */
    struct noex_error last_error; /* of the functions of the API */
};

/** How a monitor came out whose record may be gone when whoever waits for it looks. */
struct nx_awaited {
    noex_monitor_id id;
    bool told;              /* UP or FAILED was delivered: */
    int code;               /* 0, or why it failed, */
    struct noex_error *err; /* in words */
};

/** As noex_node_new and noex_node_new_uv: `uv` is the caller's uv_loop_t, or NULL. */
NOEX_MUST_USE int nx_node_new(noex_node **out, const struct noex_options *options, void *uv,
                              struct noex_error *err);
/** As noex_node_close. */
void nx_node_close(noex_node *node, noex_closed_fn closed, void *user);

/** As noex_node_process, between nx_node_enter and nx_node_leave. */
NOEX_MUST_USE int nx_node_process(noex_node *node, uint64_t max_wait_ms);

/** Around whatever calls the program back; the node may be gone after nx_node_leave. */
NOEX_MUST_USE bool nx_node_enter(noex_node *node);
void nx_node_leave(noex_node *node, bool was);

/** As noex_node_timeout_ms. */
int64_t nx_node_timeout_ms(noex_node *node);

/** The peer of this name, made where there is none. Errors: NOEX_EINVALID (our own name),
 * NOEX_ENOMEM. */
NOEX_MUST_USE int nx_node_peer(noex_node *node, const struct nx_node_name *name,
                               struct nx_peer **out, struct noex_error *err);
/** NULL where there is none. */
struct nx_peer *nx_node_find_peer(noex_node *node, const struct nx_node_name *name);

/** The cookie that is shared with a peer (NULL: one that is not known), borrowed until one is set.
 */
struct nx_span nx_node_cookie(const noex_node *node, const struct nx_peer *p);
/** As noex_set_cookie. */
NOEX_MUST_USE int nx_node_set_cookie(noex_node *node, const struct nx_node_name *name,
                                     const char *cookie, struct noex_error *err);

/** What all connections of the node have in common: all but role, decisions, handlers and the
 * peer's name. */
struct nx_conn_config nx_node_conn_config(const noex_node *node);

void nx_node_stats(const noex_node *node, struct noex_stats *stats);

#endif
