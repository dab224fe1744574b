/* The orderly end of a node's connections. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_SHUTDOWN_H
#define NX_NODE_SHUTDOWN_H

#include "node/node.h"

/** As noex_node_shutdown. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_shutdown_begin(noex_node *node, uint64_t linger_ms);
/** UINT64_MAX: none is under way. */
uint64_t nx_shutdown_deadline(const noex_node *node);
/** What a turn owes it, after the peers had theirs. */
void nx_shutdown_turn(noex_node *node, uint64_t now_ms);

#endif
