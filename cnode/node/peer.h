/* One other node: looked up, dialled, connected, lost, tried again; and what is monitored there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_PEER_H
#define NX_NODE_PEER_H

#include "conn/conn.h"
#include "node/dial.h"
#include "node/epmd_query.h"
#include "node/node.h"

enum nx_peer_state {
    NX_PEER_IDLE,
    NX_PEER_LOOKUP, /* epmd is asked */
    NX_PEER_DIAL,   /* its distribution port is dialled */
    NX_PEER_CONN,   /* handshake, then up */
    NX_PEER_BACKOFF /* waits for the next attempt */
};

/** Events that an attempt may give rise to: up or failed, down, reconnect. */
enum { NX_PEER_EVENTS = 3 };

struct nx_peer {
    noex_node *node;
    uint32_t index;
    struct nx_node_name name;
    enum noex_connect_flags policy;
    enum nx_peer_state state;
    struct nx_epmd_query *query;
    struct nx_dial *dial;
    struct nx_tcp *tcp;
    struct nx_conn *conn;
    bool connected_before; /* a connection was up: an `alive` means that one, design 4 */
    bool write_failed;     /* nothing more can be sent; the read side will tell the end */
    bool starved;          /* no memory to send with: try again soon */
    bool overflowed;       /* out_max is passed: the next turn ends the connection */
    uint32_t attempt;
    uint32_t simultaneous; /* attempts in a row that met the peer's own */
    uint64_t retry_ms;     /* BACKOFF: when */
    struct nx_monitor_list monitors;
    struct noex_error cause; /* why monitors that were pending failed last */
    uint32_t reserved[NX_PEER_EVENTS];
    uint32_t reserved_count;
    uint32_t tick_event; /* set aside for the peer's life: one is told of at a time */
};

NOEX_MUST_USE int nx_peer_new(struct nx_peer **out, noex_node *node, uint32_t index,
                              const struct nx_node_name *name);
void nx_peer_free(struct nx_peer *p);

/** Starts an attempt unless there is a connection or an attempt. Errors: NOEX_ENOMEM. Other
 * failures come as events. */
NOEX_MUST_USE int nx_peer_connect(struct nx_peer *p);
/** Drops connection and attempts, with the events of a loss. False where there was nothing. */
bool nx_peer_disconnect(struct nx_peer *p);

bool nx_peer_is_up(const struct nx_peer *p);
/** As noex_connection. */
enum noex_connection_state nx_peer_connection(const struct nx_peer *p, char *text, size_t size);

uint64_t nx_peer_deadline(const struct nx_peer *p);
/** What a turn owes the peer: deadlines, monitors to be sent, bytes to be written. */
void nx_peer_turn(struct nx_peer *p, uint64_t now_ms);

/** Ends a monitor of this peer, on the wire too. */
void nx_peer_demonitor(struct nx_peer *p, uint32_t slot);

#endif
