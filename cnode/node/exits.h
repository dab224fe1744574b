/* How processes of this node begin and end, and what others are told of it. Protocol.md 6.4 to 6.6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_EXITS_H
#define NX_NODE_EXITS_H

#include "node/node.h"
#include "process/links.h"

/** A process as the options say, with what its end will need. Errors: NOEX_ENOMEM, NOEX_ELIMIT
 * (processes_max). */
NOEX_MUST_USE int nx_process_make(noex_node *node, const struct noex_process_options *o,
                                  struct nx_proc **out);
/** Takes it back before anybody was told of it. */
void nx_process_unmake(noex_node *node, struct nx_proc *proc);

/** An exit signal to a process of this node. */
struct nx_exit {
    bool by_link; /* else by exit/2: there `kill` is special */
    bool priority;
    bool lost;     /* the connection to the other end is gone: no reason came, it is noconnection */
    uint32_t peer; /* whose process it comes from, or NX_PEER_HERE */
    struct noex_pid from;
    struct nx_span reason;
    uint64_t full_len;
    struct nx_blob *kept; /* that holds the reason already; NULL: it is to be copied */
};

/** What the process does of it: ends, is told, or nothing. The record may be gone afterwards. */
void nx_exit_signal(noex_node *node, struct nx_proc *proc, const struct nx_exit *exit);

/** Ends a process: DOWNs, exit signals, PROCESS_END. `reason` is a whole term. The record is gone
 * afterwards, or soon. Without memory for the reason others are told enomem, and where half of
 * out_max is too little for it too_long. */
void nx_process_end(noex_node *node, struct nx_proc *proc, struct nx_span reason);
/** The same where it can still be left undone. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_process_exit(noex_node *node, struct nx_proc *proc, struct nx_span reason);

/** The connection to a peer is gone: exit signals for all links with it, and its monitors here are
 * forgotten. */
void nx_exits_lost(struct nx_peer *p);

/** The local end of a link, and its other end. */
static inline struct nx_link_key nx_link_key_of(const struct nx_proc *proc, uint32_t peer,
                                                const struct noex_pid *other)
{
    const struct nx_link_key key = {proc->number, peer, other->id, other->serial, other->creation};
    return key;
}

#endif
