/* Distribution over TLS: what a node shows, and what it wants to see. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_TLS_H
#define NOEX_TLS_H

#include <noex/error.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Certificates, keys and rules, read and checked: what noex_options.tls takes, for any number of
 * nodes. All connections of such a node are TLS from the first byte, those that it makes and those
 * that it accepts, as with `-proto_dist inet_tls`. epmd is asked in the clear, as BEAMs do.
 * Functions on it may be called from any thread. Its memory comes from malloc(3) and OpenSSL's own.
 *
 * Private keys stay in OpenSSL's memory. A program that calls CRYPTO_secure_malloc_init of OpenSSL
 * before has them where no core dump and no swap reaches.
 */
typedef struct noex_tls noex_tls;

/** What is checked of the certificate of the other node. */
enum noex_tls_verify {
    /** It leads to a CA that is trusted; and where this node connects, it is for the host in the
     * name of the node (or server_name), by its DNS names or IP addresses. */
    NOEX_TLS_VERIFY_FULL = 0,
    NOEX_TLS_VERIFY_CHAIN = 1, /**< it leads to a CA that is trusted */
    NOEX_TLS_VERIFY_NONE = 2   /**< nothing; the node's log says so. The cookie is all there is */
};

/** Versions of TLS. */
enum noex_tls_version {
    NOEX_TLS_ANY = 0, /**< 1.2 as the lowest, 1.3 as the highest */
    NOEX_TLS_1_2 = 0x0303,
    NOEX_TLS_1_3 = 0x0304
};

/**
 * How TLS is to be. Fill with noex_tls_options_init, then change what you want. Everything is read
 * inside noex_tls_new and noex_tls_reload, and nothing that it points to is kept. Certificates and
 * keys are in PEM; by a file, or as text (`_pem`), not both.
 */
struct noex_tls_options {
    /** sizeof(struct noex_tls_options) as the caller was compiled; set by noex_tls_options_init. */
    size_t size;
    /**
     * A file as `-ssl_dist_optfile` takes it: lists for `server` and `client`, with certfile,
     * keyfile, password, cacertfile, verify, fail_if_no_peer_cert, depth, versions, ciphers,
     * server_name_indication, and what changes nothing here: secure_renegotiate,
     * client_renegotiation, reuse_sessions, honor_cipher_order, key_update_at, ktls (false). An
     * option that is none of these is an error that names it. Where `verify` is missing clients
     * are verified if there is a cacertfile, and servers always. With it only server_name and
     * allowed_names may be set here.
     */
    const char *optfile;
    const char *ca_file;   /**< the CAs to trust */
    const char *ca_folder; /**< the same: every file of it that holds certificates */
    const char *ca_pem;    /**< the same */
    /** The certificate that this node shows, the CAs below the root behind it. Needed to accept
     * connections, and by most nodes of those who connect. */
    const char *cert_file;
    const char *cert_pem; /**< the same */
    const char *key_file; /**< its key; NULL: where the certificate is */
    const char *key_pem;  /**< the same */
    /** What the key is encrypted with; NULL: it is not. Never asked for on a terminal. */
    const char *key_password;
    /** The host to ask for (SNI) and to verify in place of the one in the name of the node that is
     * connected to. */
    const char *server_name;
    /** Names (DNS or IP) of which the other node's certificate must have one, whoever connects;
     * ends in NULL. NULL: any. */
    const char *const *allowed_names;
    const char *ciphers;      /**< for TLS 1.2, as openssl-ciphers(1) has them; NULL: its default */
    const char *ciphersuites; /**< for TLS 1.3, the same */
    enum noex_tls_verify verify;       /**< what is checked of others (FULL) */
    enum noex_tls_version min_version; /**< lowest version */
    enum noex_tls_version max_version; /**< highest version */
    /** 1: whoever connects need not show a certificate; one that is shown is verified (0). */
    uint32_t client_cert_optional;
};

/** As noex_tls_options_init for a struct of `size` bytes. */
NOEX_API void noex_tls_options_init_size(struct noex_tls_options *options, size_t size);

/** Nothing is set: verification is on, and wants CAs. */
static inline void noex_tls_options_init(struct noex_tls_options *options)
{
    noex_tls_options_init_size(options, sizeof *options);
}

/**
 * Reads what the options name. On success `*out` is the caller's, to free with noex_tls_free. `err`
 * may be NULL, and names the file and the cause; no key or password is ever in it. Errors:
 * NOEX_EINVALID (a NULL, options that exclude each other, no CA to verify by), NOEX_ETLSOPTION (a
 * file that cannot be read, what is no certificate, a key that is another certificate's, encrypted
 * without a password, an optfile with what is not understood), NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_tls_new(noex_tls **out, const struct noex_tls_options *options,
                                        struct noex_error *err);

/**
 * Reads everything anew, for connections that begin from now on: new certificates without a
 * restart. Those that are there go on. Where this fails all stays as it was. Errors:
 * NOEX_EINVALID, NOEX_ETLSOPTION, NOEX_ENOMEM, as noex_tls_new.
 */
NOEX_API NOEX_MUST_USE int noex_tls_reload(noex_tls *tls, const struct noex_tls_options *options,
                                           struct noex_error *err);

/** One more hold, for whoever keeps it longer than the caller does. Returns `tls` (NULL for NULL).
 */
NOEX_API noex_tls *noex_tls_hold(noex_tls *tls);

/** Gives a hold back; nodes that use it have their own. With the last one it is gone. NULL is
 * allowed. */
NOEX_API void noex_tls_free(noex_tls *tls);

#ifdef __cplusplus
}
#endif
#endif
