/* A peer of a node whose connection is in memory, both ends of it: without a socket nothing is
 * written by itself, and what the peer says is handed over. Ends the program where that fails.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MEMORY_PEER_H
#define MEMORY_PEER_H

#include "base/alloc.h"
#include "node/node.h"
#include "node/peer.h"
#include "node/router.h"

#include <stdlib.h>

struct memory_peer {
    struct nx_peer *peer;   /* of the node: its connection is `ours` until it is lost */
    struct nx_conn *ours;   /* the node's end; it frees it */
    struct nx_conn *theirs; /* to be freed by the caller */
};

/** What it is to be. */
struct memory_peer_opts {
    const char *name;
    uint32_t creation;
    uint64_t flags;
    uint64_t now_ms;
    struct nx_conn_handlers handlers; /* of its end */
};

static inline void memory_peer_must(bool holds)
{
    if (!holds)
        abort();
}

/** Bytes that the other end said. False where that was the connection's end, with `err`. */
static inline bool memory_hand_over(struct nx_conn *to, struct nx_span bytes, uint64_t now_ms,
                                    struct noex_error *err)
{
    while (bytes.len) {
        uint8_t *room;
        size_t size;
        if (nx_conn_room(to, &room, &size, err))
            return false;
        size = size < bytes.len ? size : bytes.len;
        memcpy(room, bytes.ptr, size);
        if (nx_conn_received(to, size, now_ms, err))
            return false;
        bytes = nx_span(bytes.ptr + size, bytes.len - size);
    }
    return true;
}

/* ---- the node's end, as node/peer.c has it but for what is told of its coming up ---- */

static inline int memory_on_up(void *ctx, const struct nx_hs_result *r, struct noex_error *err)
{
    (void)ctx, (void)r, (void)err;
    return 0;
}

static inline size_t memory_on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    return nx_router_wanted(ctx, ctrl);
}

static inline int memory_on_signal(void *ctx, const struct nx_signal *signal,
                                   struct noex_error *err)
{
    return nx_router_signal(ctx, signal, err);
}

static inline void memory_on_barrier(void *ctx)
{
    struct nx_peer *p = ctx;
    nx_monitors_confirmed(p->node->monitors, &p->monitors, nx_peer_heard_us(p));
}

static inline void memory_on_missed(void *ctx, unsigned quarters)
{
    (void)ctx, (void)quarters;
}

/* ---- connecting ---- */

static inline void memory_shake_hands(struct memory_peer *m, uint64_t now_ms)
{
    struct noex_error err = {0};
    while (!nx_conn_is_up(m->ours) || !nx_conn_is_up(m->theirs)) {
        struct nx_conn *from = nx_conn_out(m->ours).len ? m->ours : m->theirs;
        struct nx_conn *to = from == m->ours ? m->theirs : m->ours;
        struct nx_span out = nx_conn_out(from);
        memory_peer_must(out.len && memory_hand_over(to, out, now_ms, &err));
        nx_conn_sent(from, out.len, now_ms);
    }
}

/** The connection is the peer's as if the node had dialled. */
static inline void memory_peer_connect(struct memory_peer *m, noex_node *node,
                                       const struct memory_peer_opts *o)
{
    struct noex_error err = {0};
    struct nx_node_name name;
    memory_peer_must(nx_node_name_parse(o->name, &name, &err) == 0 &&
                     nx_node_peer(node, &name, &m->peer, &err) == 0);
    struct nx_conn_config c = nx_node_conn_config(node);
    c.hs.role = NX_HS_DIAL;
    c.hs.peer_name = o->name;
    c.hs.cookie = nx_span_str("x");
    c.handlers = (struct nx_conn_handlers){m->peer,          memory_on_up,      memory_on_wanted,
                                           memory_on_signal, memory_on_barrier, memory_on_missed};
    m->ours = nx_conn_new(&c, o->now_ms, &err);
    c.hs.alloc = &nx_alloc_libc;
    c.hs.role = NX_HS_ACCEPT;
    c.hs.self_name = o->name;
    c.hs.peer_name = NULL;
    c.hs.creation = o->creation;
    c.hs.flags = o->flags;
    c.handlers = o->handlers;
    m->theirs = nx_conn_new(&c, o->now_ms, &err);
    memory_peer_must(m->ours && m->theirs);
    memory_shake_hands(m, o->now_ms);
    struct nx_peer *p = m->peer;
    memory_peer_must(nx_node_events_reserve(&node->events, p->reserved, NX_PEER_EVENTS) == 0);
    p->reserved_count = NX_PEER_EVENTS;
    p->ch.conn = m->ours;
    p->ch.write_failed = true;
    p->state = NX_PEER_CONN;
    p->start_ms = p->up_ms = o->now_ms; /* lost at once, it is not dialled again at once */
}

#endif
