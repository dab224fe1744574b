/* Names for nodes that ask this one for theirs (NAME_ME). A name is given again once its connection
 * is over, so that no number of short visitors fills the memory, or a BEAM's table of atoms.
 * Protocol.md 2.7. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_GIVEN_H
#define NX_NODE_GIVEN_H

#include "base/span.h"
#include "node/node.h"

/** A name, as it is given for one handshake. */
struct nx_given {
    struct nx_node_name name;
    uint32_t creation;
    struct nx_peer *lent; /* the peer that had it before, out of the pool until nx_given_back */
};

/** A name with this host. Errors: NOEX_EHOST (none that a name can have), NOEX_ERANDOM. */
NOEX_MUST_USE int nx_given_take(noex_node *node, struct nx_span host, struct nx_given *out);
/** The handshake is over. `p`: the peer that came of it, whose name returns to the pool with the
 * end of its connection; NULL: none. */
void nx_given_back(noex_node *node, struct nx_given *given, struct nx_peer *p);

#endif
