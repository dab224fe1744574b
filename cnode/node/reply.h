/* Replies to gen_server calls of processes on other nodes. Protocol.md section 7.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_REPLY_H
#define NX_NODE_REPLY_H

#include "node/peer.h"
#include "term/gen.h"

/** Sends {Tag, Reply} from the local process with this number and serial to where the tag says: the
 * alias in it, else the caller's pid. `caller` is of the peer. Errors: as nx_signal_send. */
NOEX_MUST_USE int nx_reply_send(struct nx_peer *p, uint32_t id, uint32_t serial,
                                const struct nx_gen_caller *caller, struct nx_span reply);

/** The same for what the node itself was asked, as nx_signal_answer. */
void nx_reply_answer(struct nx_peer *p, const struct nx_gen_caller *caller, struct nx_span reply);

#endif
