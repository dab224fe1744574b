/* One other node: looked up, dialled, connected, lost, tried again; and what is monitored there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_PEER_H
#define NX_NODE_PEER_H

#include "node/channel.h"
#include "node/dial.h"
#include "node/epmd_query.h"
#include "node/node.h"
#include "node/pacing.h"
#include "node/signals.h"

enum nx_peer_state {
    NX_PEER_IDLE,
    NX_PEER_WANTED, /* an attempt begins in the next turn, or at start_ms */
    NX_PEER_LOOKUP, /* epmd is asked */
    NX_PEER_DIAL,   /* its distribution port is dialled */
    NX_PEER_AWAIT,  /* it is connecting to us: an attempt waits for the outcome */
    NX_PEER_CONN,   /* handshake, then up */
    NX_PEER_BACKOFF /* waits for the next attempt */
};

/** Events that an attempt may give rise to: up or failed, down, reconnect, tick missed, queue. */
enum { NX_PEER_EVENTS = 5 };

/** Whether it is known who the group leader of what is spawned there is to be: its own `user`. */
enum nx_leader_state {
    NX_LEADER_UNASKED = 0,
    NX_LEADER_ASKED,
    NX_LEADER_KNOWN,
    NX_LEADER_NONE /* it has none, or no `rex` that could say so */
};

struct nx_leader {
    enum nx_leader_state state;
    struct noex_pid pid;
};

struct nx_peer {
    noex_node *node;
    uint32_t index;
    struct nx_node_name name;
    char *cookie; /* shared with it alone; NULL: the node's */
    enum noex_connect_flags policy;
    enum nx_peer_state state;
    struct nx_epmd_query *query;
    struct nx_dial *dial;
    struct nx_channel ch; /* CONN */
    struct nx_pacing pacing;
    bool connected_before; /* a connection was up: an `alive` then means that one */
    bool parting;          /* all is sent, and the peer knows: its end is waited for */
    bool attempting;       /* one of the node's attempts under way */
    bool unproven;         /* the last attempt did not come up, or was lost at once */
    uint32_t attempt;
    uint32_t simultaneous;     /* attempts in a row that met the peer's own */
    uint64_t wanted_ms;        /* when somebody asked for the attempt */
    uint64_t start_ms;         /* WANTED: when; later: when it began */
    uint64_t await_ms;         /* AWAIT: how long where nothing of the peer's is to be seen */
    uint64_t begun;            /* the connection's place in the order of all of the node */
    uint64_t up_ms;            /* when the connection came up */
    uint64_t monitors_in;      /* MONITOR_P that came */
    int64_t heard_us;          /* wall clock of what is being read; 0: nobody asked */
    uint64_t retry_ms;         /* BACKOFF: when */
    uint64_t starved_until_ms; /* no memory to send with: when to try again */
    struct nx_monitor_list monitors;
    struct nx_bonds bonds;         /* links and watchers of its processes */
    struct nx_outbox outbox;       /* what waits to be sent there */
    struct nx_pending_asked asked; /* calls, spawns and remote calls that wait for it */
    struct nx_leader leader;       /* of this connection */
    int doomed;                    /* the connection must go, for this; 0: it need not */
    struct noex_error cause;       /* why monitors that were pending failed last */
    uint32_t reserved[NX_PEER_EVENTS];
    uint32_t reserved_count;
    uint32_t tick_event;   /* of this connection, once a tick was missed */
    uint32_t queue_event;  /* of this connection, once its queue was high */
    bool queue_high;       /* its queue is, and */
    bool queue_told;       /* was told to be */
    uint32_t failed_event; /* the last CONNECT_FAILED and RECONNECT of attempts in a row */
    uint32_t reconnect_event;
    struct nx_peer *next_given; /* of those that have their name from this node: */
    uint32_t given_creation;    /* the last that was given with it; 0: it has its own name */
    bool lent;                  /* it is being given to somebody */
};

NOEX_MUST_USE int nx_peer_new(struct nx_peer **out, noex_node *node, uint32_t index,
                              const struct nx_node_name *name);
void nx_peer_free(struct nx_peer *p);

/** Wall clock of what is being read now: one for all that came at once. */
int64_t nx_peer_heard_us(struct nx_peer *p);

/** Asks for an attempt unless there is a connection or an attempt; it begins in a turn. Errors:
 * NOEX_ENOMEM. */
NOEX_MUST_USE int nx_peer_connect(struct nx_peer *p);
/** The node shuts down: once all that waits is sent the peer is told so, and then closes. */
void nx_peer_part(struct nx_peer *p);
/** Drops connection and attempts, with the events of a loss. False where there was nothing. */
bool nx_peer_disconnect(struct nx_peer *p);

/** The peer begins to connect to us: how that is to be answered. Ends nothing that is up or under
 * way, for anybody can say a name. */
enum nx_hs_status nx_peer_dials_us(struct nx_peer *p);
/** The peer has made a new connection: the one that is up is lost, after what came by it. */
void nx_peer_replaced(struct nx_peer *p);
/** A connection that the peer made is up, and its own from now on, in place of an attempt of ours.
 * Nothing else is up. `events`: NX_PEER_EVENTS that are set aside, the peer's too. */
void nx_peer_take(struct nx_peer *p, const struct nx_channel *ch, const uint32_t *events,
                  uint64_t begun);
/** Ends the connection or the attempt with this error, and all its events. */
void nx_peer_fail(struct nx_peer *p, struct noex_error *err);

/** As noex_set_cookie. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_peer_set_cookie(struct nx_peer *p, const char *cookie);

/** Bytes that wait to be sent there. */
size_t nx_peer_queued(const struct nx_peer *p);
bool nx_peer_is_up(const struct nx_peer *p);
/** Reads what has come, before something is given up for want of it. */
void nx_peer_read(struct nx_peer *p);
/** The connection is to be given up in the next turn: what the peer has a right to be told cannot
 * be. */
void nx_peer_doom(struct nx_peer *p, int code);
/** Records and returns NOEX_EUNREAD: out_max is passed. */
int nx_peer_unread(const struct nx_peer *p, struct noex_error *err);
/** As noex_connection. */
enum noex_connection_state nx_peer_connection(const struct nx_peer *p, char *text, size_t size);

/** Adds the counters of the connection that is up now. */
void nx_peer_add_stats(const struct nx_peer *p, struct noex_stats *stats);

uint64_t nx_peer_deadline(const struct nx_peer *p);
/** What a turn owes the peer: deadlines, monitors to be sent, bytes to be written. */
void nx_peer_turn(struct nx_peer *p, uint64_t now_ms);

#endif
