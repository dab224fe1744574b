/* Monitors onto the wire: what is pending goes out, is confirmed, expires or is taken back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_PUMP_H
#define NX_NODE_PUMP_H

#include "node/peer.h"

/** Sends what is to be released there and what is pending, up to the high mark of the output queue
 * (the records are the queue behind it), and a barrier for what was sent. Nothing while the peer is
 * not up; out of memory it asks to be called again. */
void nx_pump(struct nx_peer *p, uint64_t now_ms);
/** There is something behind the high mark. */
bool nx_pump_has_more(const struct nx_peer *p);

/** Fails what has passed its setup deadline; it is released there, too. */
void nx_pump_expire(struct nx_peer *p, uint64_t now_ms);

#endif
