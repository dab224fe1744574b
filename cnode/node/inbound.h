/* Connections that others make to this node, until the handshake is done and they are their peer's.
 * All of it before that is said by somebody who need not know the cookie, so it costs little, ends
 * soon, and changes nothing of the connections there are. Protocol.md 2.5 and 2.6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_INBOUND_H
#define NX_NODE_INBOUND_H

#include "io/tcp.h"
#include "node/node.h"

struct nx_inbound;

/** Those under way, by the time of their last step, the one longest ago first: it is the first that
 * is given up, by its time or for a newer one. */
struct nx_inbounds {
    noex_node *node;
    struct nx_inbound *first;
    struct nx_inbound *last;
    uint32_t count;
};

void nx_inbounds_init(struct nx_inbounds *all, noex_node *node);
void nx_inbounds_free(struct nx_inbounds *all);

/** Takes over a connection that was accepted; beyond accept_max the first goes for it. What goes
 * wrong, now or later, is logged and counted. */
void nx_inbounds_add(struct nx_inbounds *all, struct nx_tcp *tcp);

/** True where a node that calls itself so is connecting at this moment. */
bool nx_inbounds_from(const struct nx_inbounds *all, const char *name);

uint64_t nx_inbounds_deadline(const struct nx_inbounds *all);
void nx_inbounds_turn(struct nx_inbounds *all, uint64_t now_ms);

#endif
