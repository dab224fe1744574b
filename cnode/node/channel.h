/* A connection on its socket: bytes carried between the two.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_CHANNEL_H
#define NX_NODE_CHANNEL_H

#include "conn/conn.h"
#include "io/tcp.h"

/** Reads once, and lets the connection act on it. True where there may be more to read; what ended
 * the connection is in `err`, whose code was 0. */
bool nx_channel_read(struct nx_conn *conn, struct nx_tcp *tcp, uint64_t now_ms,
                     struct noex_error *err);

/** Writes what waits, as far as the kernel takes it. False where nothing can be sent any more,
 * which ends nothing by itself: what the peer sent before it went (a status, an alert, DOWNs) may
 * still wait to be read, and behind it the end, which is read too. */
NOEX_MUST_USE bool nx_channel_flush(struct nx_conn *conn, struct nx_tcp *tcp, uint64_t now_ms);

#endif
