/* Why OpenSSL failed, as an error of ours. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TLS_CAUSE_H
#define NX_TLS_CAUSE_H

#include "tls/settings.h"

#include <openssl/ssl.h>

/** What is known of the connection that failed. */
struct nx_tls_failure {
    SSL *ssl;
    enum nx_tls_role role;
    const char *host;        /* dialling: whom the certificate must name; NULL: nobody */
    const char *subject;     /* of the certificate that was not accepted; empty: none was seen */
    bool client_cert_wanted; /* the peer asked for a certificate that this node has not */
};

/** Empties OpenSSL's queue of errors into `err`. Errors: NOEX_ECERT, NOEX_ECERTREFUSED, NOEX_ETLS,
 * NOEX_ENOMEM. */
int nx_tls_cause(const struct nx_tls_failure *f, struct noex_error *err);

enum { NX_TLS_NAME_SIZE = 96 };
/** Whom a certificate names; empty for NULL. */
void nx_tls_subject(X509 *cert, char name[NX_TLS_NAME_SIZE]);

/** The same for what is read from a file: `what` and `file` (NULL: none) are named. Errors:
 * NOEX_ETLSOPTION, NOEX_ENOMEM. */
int nx_tls_file_cause(const char *what, const char *file, struct noex_error *err);

#endif
