/* One TLS session as bytes in, bytes out: knows no socket and no clock. Protocol.md section 12.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TLS_SESSION_H
#define NX_TLS_SESSION_H

#include "base/span.h"
#include "tls/settings.h"

#include <noex/alloc.h>

struct nx_tls_session;
struct ssl_st;

/** A session of what `tls` has read last; a dialling one has its first message to send at once.
 * `host` is whom it dials, copied. Errors: NOEX_ENOMEM, NOEX_ETLS. */
NOEX_MUST_USE int nx_tls_session_new(struct nx_tls_session **out, const struct noex_allocator *a,
                                     noex_tls *tls, enum nx_tls_role role, const char *host,
                                     struct noex_error *err);
/** NULL is allowed. */
void nx_tls_session_free(struct nx_tls_session *s);

/** Where bytes from the peer go: at least one record's worth while nx_tls_has_more says no. */
void nx_tls_room(struct nx_tls_session *s, uint8_t **bytes, size_t *size);
/** `n` bytes of the peer stand there. Goes on with the handshake. What is in nx_tls_out is to be
 * sent even where this failed: the alert that tells the peer. Errors: NOEX_EPLAINPEER,
 * NOEX_EGARBAGE (no TLS), NOEX_ECERT, NOEX_ECERTREFUSED, NOEX_ETLS, NOEX_ENOMEM. */
NOEX_MUST_USE int nx_tls_received(struct nx_tls_session *s, size_t n, struct noex_error *err);
/** The peer closed before the handshake was over: the error that this means. */
int nx_tls_eof(struct nx_tls_session *s, struct noex_error *err);

bool nx_tls_is_established(const struct nx_tls_session *s);
/** The peer has sent something. */
bool nx_tls_has_heard(const struct nx_tls_session *s);

/** What the peer sent inside the session: >0 bytes, 0 nothing more now, NOEX_ECLOSED (it has said
 * that it is done), or as nx_tls_received. */
NOEX_MUST_USE int64_t nx_tls_read(struct nx_tls_session *s, uint8_t *buf, size_t size,
                                  struct noex_error *err);
/** More of it may be read without a byte more from the peer. */
bool nx_tls_has_more(const struct nx_tls_session *s);

/** Takes bytes to be sent inside the session: how many, 0 while there is no room in nx_tls_out, or
 * before the handshake is over. Errors: as nx_tls_received. */
NOEX_MUST_USE int64_t nx_tls_write(struct nx_tls_session *s, const uint8_t *bytes, size_t len,
                                   struct noex_error *err);
/** Says that no more will be sent. */
void nx_tls_finish(struct nx_tls_session *s);

/** Bytes to send next, borrowed until the next call; nx_tls_sent says how many went. */
struct nx_span nx_tls_out(const struct nx_tls_session *s);
void nx_tls_sent(struct nx_tls_session *s, size_t n);

/** OpenSSL's own. */
struct ssl_st *nx_tls_session_ssl(struct nx_tls_session *s);

/** Version, cipher suite and whom the peer's certificate names, in words. Once established. */
void nx_tls_describe(const struct nx_tls_session *s, char *text, size_t size);

#endif
