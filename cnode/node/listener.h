/* How other nodes reach this one: it finds the addresses of its name, listens there, registers with
 * epmd, and does all of it again for as long as it fails. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_LISTENER_H
#define NX_NODE_LISTENER_H

#include "node/inbound.h"
#include "node/registration.h"

struct nx_listen;

/** What waits to be told is set aside for the node's life: two, of which one may be at hand. */
enum { NX_LISTENER_EVENTS = 2 };

struct nx_listener {
    noex_node *node;
    struct nx_resolve *resolve;
    uint64_t act_ms; /* when to begin (again), or to give the resolution up; UINT64_MAX: it listens
                      */
    struct nx_listen *sockets[NX_ADDRS_MAX];
    unsigned count;
    uint16_t port;
    uint64_t resume_ms; /* no descriptors: when to accept again; else UINT64_MAX */
    struct nx_registration registration;
    struct nx_inbounds inbounds;
    uint32_t events[NX_LISTENER_EVENTS];
    uint32_t last_event;      /* the one that was filled last */
    enum noex_event_type how; /* it is: as was told last; 0: nothing was */
    struct noex_error cause;  /* of a failure, the last one */
    uint64_t failures;        /* tries that failed, so far */
};

/** Begins in the node's next turn. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_listener_new(struct nx_listener **out, noex_node *node);
/** NULL is allowed. */
void nx_listener_free(struct nx_listener *l);

/* These take NULL, of a node that does not listen. */

/** Others can reach the node. */
bool nx_listener_is_reachable(const struct nx_listener *l);
/** epmd holds the node's name, so nobody else has it. */
bool nx_listener_has_name(const struct nx_listener *l);

uint64_t nx_listener_deadline(const struct nx_listener *l);
void nx_listener_turn(struct nx_listener *l, uint64_t now_ms);

#endif
