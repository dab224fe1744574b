/* Signals on their way to another node: at once where its connection is up and reads, else in a
 * queue of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_SIGNALS_H
#define NX_NODE_SIGNALS_H

#include "base/blob.h"
#include "conn/conn.h"
#include <noex/node.h>

struct nx_peer;
struct nx_outgoing;

/** What waits to be sent to one peer, in the order of sending. */
struct nx_outbox {
    struct nx_outgoing *first;
    struct nx_outgoing *last;
    size_t bytes;
    size_t answers; /* bytes of these that answer what the peer asked */
};

/**
 * Sends a signal of the local process with the number `sender` (0: of none), given in the newest
 * form: reasons as payload, SEND_SENDER for messages, ALIAS_SEND to an alias; what the peer did not
 * negotiate is put in its older form. An empty FROM is the node's own process. Where the node is
 * not connected, that is begun, and the signal waits. What the peer knows nothing of (monitors, an
 * alias), and what cannot be sent any more (an EXIT to an incarnation that is gone) is dropped.
 * Errors: NOEX_ENOMEM; NOEX_EUNREAD: more than out_max bytes wait; NOEX_ELIMIT: it alone is more.
 */
NOEX_MUST_USE int nx_signal_send(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                                 struct nx_span payload);

/**
 * The same for what the peer has a right to be told: the end of a process it monitors or is linked
 * to. No limit but memory holds, of out_max for one payload half; where memory is out the
 * connection is given up in the next turn, which tells the peer as well. To a peer that is not up
 * it goes only behind what waits already: where nothing does, it knows of nothing.
 */
void nx_signal_tell(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                    struct nx_span payload);
/** The same for a payload that stands in `kept`, held there as long as it waits. NULL: copied. */
void nx_signal_tell_kept(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                         struct nx_span payload, struct nx_blob *kept);

/** The same for the answer to something that the peer asked. A peer that asks and asks and reads no
 * answer is given up at out_max. */
void nx_signal_answer(struct nx_peer *p, uint32_t sender, const struct nx_ctrl *ctrl,
                      struct nx_span payload);

/** Sends of what waits as much as there is room for. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_signals_pump(struct nx_peer *p);
bool nx_signals_wait(const struct nx_peer *p);
/** The peer is up, and no more waits to be written to it than out_high. */
bool nx_signals_have_room(const struct nx_peer *p);
/** The connection, or the attempt, is over. */
void nx_signals_drop(struct nx_peer *p);

/** A raw pid of this node, as the peer sees it, written to `bytes`. */
enum { NX_RAW_PID_SIZE = 1 + 3 + 255 * 4 + 12 };
struct nx_span nx_signal_pid(const struct nx_peer *p, uint32_t id, uint32_t serial,
                             uint8_t bytes[NX_RAW_PID_SIZE]);
/** The same, and a reference of this node, as the peer (NULL: a process here) sees them. */
struct nx_span nx_own_pid(const noex_node *node, const struct nx_peer *p, uint32_t id,
                          uint32_t serial, uint8_t bytes[NX_RAW_PID_SIZE]);
struct nx_span nx_own_ref(const noex_node *node, const struct nx_peer *p, enum nx_ref_use use,
                          uint32_t slot, uint32_t generation, uint8_t bytes[NX_CONN_REF_SIZE]);

#endif
