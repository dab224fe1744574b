/* A noex_tls: what its connections have in common, replaced as a whole when it is read anew.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TLS_CONTEXT_H
#define NX_TLS_CONTEXT_H

#include "tls/settings.h"

#include <openssl/ssl.h>

/** What was read at one time. It never changes; sessions hold it. */
struct nx_tls_context;

/** As noex_tls_new, with one hold. */
NOEX_MUST_USE int nx_tls_new(noex_tls **out, const struct noex_tls_options *options,
                             struct noex_error *err);
/** As noex_tls_reload. */
NOEX_MUST_USE int nx_tls_reload(noex_tls *tls, const struct noex_tls_options *options,
                                struct noex_error *err);
/** From any thread; NULL is allowed. */
noex_tls *nx_tls_hold(noex_tls *tls);
void nx_tls_release(noex_tls *tls);

/** True where it has a certificate to accept connections with. */
bool nx_tls_can_accept(noex_tls *tls);
/** True where what the other node shows is not verified in this role. */
bool nx_tls_is_blind(noex_tls *tls, enum nx_tls_role role);

/** What is read at present, held until nx_tls_context_release. */
struct nx_tls_context *nx_tls_current(noex_tls *tls);
void nx_tls_context_release(struct nx_tls_context *c);

/** For the life of the context. */
SSL_CTX *nx_tls_context_ssl(struct nx_tls_context *c, enum nx_tls_role role);
/** True where the certificate of whom is dialled must be for his host. */
bool nx_tls_context_verifies_host(const struct nx_tls_context *c);
/** Whom a connection to this host is to ask for; NULL: nobody. */
const char *nx_tls_context_server_name(const struct nx_tls_context *c, const char *host);
/** True where the certificate (NULL: none) has one of the allowed names. */
bool nx_tls_context_allows(const struct nx_tls_context *c, X509 *cert);
#endif
