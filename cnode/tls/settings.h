/* What one role of TLS is to be: the public options and the lists of an optfile in one form.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TLS_SETTINGS_H
#define NX_TLS_SETTINGS_H

#include <noex/tls.h>
#include <stdbool.h>

/** Who speaks first. */
enum nx_tls_role { NX_TLS_DIAL, NX_TLS_ACCEPT };

/** Strings are borrowed; NULL: not set. */
struct nx_tls_settings {
    const char *ca_file;
    const char *ca_folder;
    const char *ca_pem;
    const char *cert_file;
    const char *cert_pem;
    const char *key_file;
    const char *key_pem;
    const char *key_password;
    const char *server_name;
    const char *ciphers;
    const char *ciphersuites;
    enum noex_tls_verify verify;
    int min_version; /* as enum noex_tls_version, not ANY */
    int max_version;
    int depth; /* CAs between the root and the certificate; -1: any number */
    bool peer_cert_optional;
    bool no_server_name; /* none is asked for */
};

/** What all that is not set means. */
struct nx_tls_settings nx_tls_settings_default(void);

/** Of a node's options, without an optfile; the same for both roles. Errors: NOEX_EINVALID. */
NOEX_MUST_USE int nx_tls_settings_take(struct nx_tls_settings *out,
                                       const struct noex_tls_options *options,
                                       struct noex_error *err);

#endif
