/* What stands on a BEAM beside the processes of programs, as far as others need it here: the node's
 * own process `net_kernel`, and for a visible node what `rex` and `global_name_server` must not
 * leave unanswered. Protocol.md sections 7, 9, 10. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_KERNEL_H
#define NX_NODE_KERNEL_H

#include "node/peer.h"

/** A whole message to the node's own process, by its pid or as `net_kernel`: a ping, or an answer
 * to a question of this node. Returns 0. */
int nx_kernel_message(struct nx_peer *p, struct nx_span message);

/** A whole message to a name that no process has: true where it was one of those that are served.
 */
bool nx_kernel_named_message(struct nx_peer *p, struct nx_span name, struct nx_span message);

#endif
