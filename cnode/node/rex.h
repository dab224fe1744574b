/* Questions to the `rex` of a peer: what a printed pid means there. Protocol.md 10 (b).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_REX_H
#define NX_NODE_REX_H

#include "node/peer.h"

/** Asks what the printed pid of the monitor in `slot` means: erlang:list_to_pid. Errors: as
 * nx_conn_send. */
NOEX_MUST_USE int nx_rex_ask_pid(struct nx_peer *p, uint32_t slot);

/** A message to the node's own process: true where it is an answer to such a question, and was
 * taken. */
bool nx_rex_answer(struct nx_peer *p, struct nx_span message);

#endif
