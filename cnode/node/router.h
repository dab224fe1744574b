/* Where a signal goes: one handler an opcode, and an answer to everything that must be answered.
 * Protocol.md sections 6 and 16. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_ROUTER_H
#define NX_NODE_ROUTER_H

#include "node/peer.h"

/** A signal from an up connection. Errors close it: as nx_conn_send. */
NOEX_MUST_USE int nx_router_signal(struct nx_peer *p, const struct nx_signal *signal,
                                   struct noex_error *err);

/** How many bytes of a signal's payload are worth keeping: as nx_conn_handlers.wanted. */
size_t nx_router_wanted(const struct nx_peer *p, const struct nx_ctrl *ctrl);

#endif
