/* Processes that this node spawns on others, and functions that it calls there by erpc. Protocol.md
 * 6.7 and 10. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_SPAWNS_H
#define NX_NODE_SPAWNS_H

#include "node/peer.h"

/** What is to run where, and for whom. */
struct nx_spawn {
    enum nx_pending_kind kind; /* SPAWN or RPC */
    struct nx_peer *peer;
    struct nx_proc *from; /* NULL: the node itself */
    const char *module;
    const char *function;
    struct nx_span args; /* a list */
    bool link;
    bool monitor;
    uint64_t deadline_ms;
    void *user;
};

/** Asks for it; the request goes out once the peer is up and has said who its `user` is. Errors: as
 * nx_calls_keep. */
NOEX_MUST_USE int nx_spawn_start(const struct nx_spawn *spawn, uint32_t *slot);

/** Sends the request of a record that kept it, once it is known who the peer's `user` is, and else
 * asks. Errors: NOEX_ENOMEM, NOEX_EUNREAD, NOEX_ELIMIT. */
NOEX_MUST_USE int nx_spawn_send(struct nx_peer *p, uint32_t slot, bool *sent);

/** The answer of a peer who its `user` is; empty: there is none to ask. */
void nx_spawns_leader(struct nx_peer *p, struct nx_span answer);

/** SPAWN_REPLY to a request of this node. */
int nx_spawns_reply(struct nx_peer *p, const struct nx_ctrl *reply, struct noex_error *err);
/** A remote call's process has ended. True where the reason says what came of the call; false: it
 * was killed. */
bool nx_spawns_result(struct nx_peer *p, uint32_t slot, struct nx_span reason, uint64_t full_len);

#endif
