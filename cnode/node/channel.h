/* A connection on its socket: bytes carried between the two, in the clear or through TLS.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_CHANNEL_H
#define NX_NODE_CHANNEL_H

#include "conn/conn.h"
#include "io/tcp.h"
#include "tls/session.h"

/** All NULL: none. It may be copied to another owner, who sets the handlers of `conn` and `tcp`. */
struct nx_channel {
    struct nx_conn *conn;
    struct nx_tcp *tcp;
    struct nx_tls_session *tls; /* NULL: in the clear */
    bool securing;              /* TLS is not established yet, */
    uint64_t secure_by_ms;      /* and is to be by then */
    uint64_t step_ms;
    const struct nx_log *log;
    bool write_failed; /* nothing can be sent any more; the read side will tell the end */
};

/** What it is made of. */
struct nx_channel_config {
    const struct nx_conn_config *conn;
    noex_tls *tls;    /* NULL: in the clear */
    const char *host; /* dialling: whom TLS is to verify */
};

/** Takes the socket over; also where this fails. Errors: as nx_conn_new and nx_tls_session_new. */
NOEX_MUST_USE int nx_channel_open(struct nx_channel *ch, struct nx_tcp *tcp,
                                  const struct nx_channel_config *config, uint64_t now_ms,
                                  struct noex_error *err);
/** Says that it is over, as far as the kernel takes that at once, and frees all. */
void nx_channel_close(struct nx_channel *ch);
/** Sends no more behind what was sent; reading goes on. */
void nx_channel_finish(struct nx_channel *ch);

/** Reads once, and lets the connection act on it. True where there may be more to read; what ended
 * the connection is in `err`, whose code was 0. */
bool nx_channel_read(struct nx_channel *ch, uint64_t now_ms, struct noex_error *err);
/** More may be read though the socket has nothing. */
bool nx_channel_has_more(const struct nx_channel *ch);

/** Writes what waits, as far as the kernel takes it. Where nothing can be sent any more that ends
 * nothing by itself: what the peer sent before it went (a status, an alert, DOWNs) may still wait
 * to be read, and behind it the end, which is read too. */
void nx_channel_flush(struct nx_channel *ch, uint64_t now_ms);
/** All that was to be sent has gone to the kernel. */
bool nx_channel_is_flushed(const struct nx_channel *ch);

uint64_t nx_channel_deadline(const struct nx_channel *ch);
/** Acts on what is due. Errors: NOEX_EHANDSHAKETIMEOUT, NOEX_ETICKTIMEOUT. */
NOEX_MUST_USE int nx_channel_timeout(struct nx_channel *ch, uint64_t now_ms,
                                     struct noex_error *err);
/** What is awaited, in words, before it is up. */
const char *nx_channel_step(const struct nx_channel *ch);

#endif
