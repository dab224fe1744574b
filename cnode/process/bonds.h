/* What ties a local process to others, and what goes when a peer is lost: the heads of the lists of
 * links.h, watchers.h and holders.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_PROCESS_BONDS_H
#define NX_PROCESS_BONDS_H

#include "base/ring.h"

/** The peer index of this node itself: both ends are local. In no list of a peer. */
#define NX_PEER_HERE UINT32_MAX

/** Embedded in the record of each local process and in each peer. All zero: none. */
struct nx_bonds {
    struct nx_ring links;    /* read with nx_link_at, nx_link_next_of_process */
    struct nx_ring watchers; /* read with nx_watcher_at, nx_watcher_next_of_process */
    struct nx_ring monitors; /* of a process: those that it holds; see holders.h */
};

/** Where the tables find them: by the slot of a process in use, by the index of a peer. */
struct nx_bond_owners {
    void *ctx;
    struct nx_bonds *(*process)(void *ctx, uint32_t slot);
    struct nx_bonds *(*peer)(void *ctx, uint32_t index);
};

#endif
