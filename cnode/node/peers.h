/* All peers of a node, in the order of their making and by name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_PEERS_H
#define NX_NODE_PEERS_H

#include <noex/alloc.h>
#include <noex/error.h>
#include <stdint.h>

struct nx_peer;

/** Peers are never taken out. `list` may be read directly. */
struct nx_peers {
    const struct noex_allocator *alloc;
    struct nx_peer **list;
    uint32_t count;
    uint32_t cap;
    uint32_t *buckets; /* 2 * cap of them: 1 + a place in the list, or 0; linear probing */
};

void nx_peers_init(struct nx_peers *peers, const struct noex_allocator *a);
/** Gives back the table, not the peers. */
void nx_peers_free(struct nx_peers *peers);

/** The peer named `name` (name@host), NULL where there is none. */
struct nx_peer *nx_peers_find(const struct nx_peers *peers, const char *name);

/** Makes room for one more. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_peers_reserve(struct nx_peers *peers);
/** Adds a peer that is not there yet, after nx_peers_reserve; it keeps its name. */
void nx_peers_add(struct nx_peers *peers, struct nx_peer *peer);

#endif
