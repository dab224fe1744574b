/* Functions of this node that others call: by spawn_request, and by erpc, which is one. Protocol.md
 * 6.7 and 10. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_SERVING_H
#define NX_NODE_SERVING_H

#include "node/peer.h"
#include <noex/call.h>

/** A SPAWN_REQUEST of a process `from` of the peer: is answered, whatever it is. */
void nx_serve_request(struct nx_peer *p, const struct nx_signal *s, const struct nx_pid *from);

/** Ends the process that was made for a request: with a value, or as if the function had raised.
 * Errors: NOEX_ESTATE (it was made for none), NOEX_ENOMEM; then it goes on. */
NOEX_MUST_USE int nx_serve_return(noex_node *node, struct nx_proc *proc, struct nx_span value);
NOEX_MUST_USE int nx_serve_raise(noex_node *node, struct nx_proc *proc, enum noex_raise raise,
                                 struct nx_span reason);

#endif
