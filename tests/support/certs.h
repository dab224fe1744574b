/* Certificates made on the spot, as PEM. SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_H
#define CERTS_H

/** Who signs. */
enum cert_issuer { CERT_OUR_CA, CERT_OTHER_CA };

/** One certificate with its key. */
struct cert {
    char pem[4096];
    char key[1024];
};

/** The CAs' own certificates; made once a process. */
const char *cert_ca(enum cert_issuer issuer);

/** Makes a certificate for these names (as openssl's subjectAltName: "DNS:a,IP:127.0.0.1"), valid
 * from yesterday for so many days: negative ones have expired. */
void cert_make(struct cert *c, enum cert_issuer issuer, const char *names, int days);

/** One for localhost and the loopback addresses; made once a process. */
const struct cert *cert_node(void);

/** The key of `c` under a password, written to `pem`. */
void cert_lock(const struct cert *c, const char *password, char *pem, unsigned size);

#endif
