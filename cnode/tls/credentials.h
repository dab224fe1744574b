/* Certificates, keys and CAs, read into a context of OpenSSL. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NX_TLS_CREDENTIALS_H
#define NX_TLS_CREDENTIALS_H

#include "tls/settings.h"

#include <openssl/ssl.h>

/** The certificate that is shown, with its chain and key, where there is one; and the CAs that are
 * trusted. Errors: NOEX_ETLSOPTION, NOEX_ENOMEM. */
NOEX_MUST_USE int nx_tls_credentials_load(SSL_CTX *ctx, const struct nx_tls_settings *s,
                                          struct noex_error *err);

#endif
