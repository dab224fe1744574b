/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/cause.h"

#include "base/err.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ---- alerts: what the peer says ---- */

enum {
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_BAD_CERTIFICATE = 42,
    ALERT_CERTIFICATE_UNKNOWN = 46,
    ALERT_UNKNOWN_CA = 48,
    ALERT_ACCESS_DENIED = 49,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_CERTIFICATE_REQUIRED = 116
};

static bool is_about_certificate(int alert)
{
    return (alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_CERTIFICATE_UNKNOWN) ||
           alert == ALERT_UNKNOWN_CA || alert == ALERT_ACCESS_DENIED ||
           alert == ALERT_CERTIFICATE_REQUIRED;
}

static int alert_cause(const struct nx_tls_failure *f, int alert, struct noex_error *err)
{
    const char *text = SSL_alert_desc_string_long(alert);
    if (f->client_cert_wanted && (is_about_certificate(alert) || alert == ALERT_HANDSHAKE_FAILURE))
        return nx_fail(err, NOEX_ECERTREFUSED,
                       "the peer wants a client certificate, and this node has none (alert %s)",
                       text);
    if (is_about_certificate(alert))
        return nx_fail(err, NOEX_ECERTREFUSED,
                       "the peer does not accept this node's certificate: alert %s", text);
    if (alert == ALERT_PROTOCOL_VERSION)
        return nx_fail(err, NOEX_ETLS, "no common TLS version: alert %s", text);
    if (alert == ALERT_HANDSHAKE_FAILURE)
        return nx_fail(err, NOEX_ETLS,
                       "the peer refuses the TLS handshake (no common cipher suite%s?): alert %s",
                       f->role == NX_TLS_ACCEPT ? ", or not this node's certificate" : "", text);
    return nx_fail(err, NOEX_ETLS, "the peer ends TLS: alert %s", text);
}

/* ---- certificates ---- */

void nx_tls_subject(X509 *cert, char name[NX_TLS_NAME_SIZE])
{
    name[0] = '\0';
    BIO *out = cert ? BIO_new(BIO_s_mem()) : NULL;
    if (!out)
        return;
    X509_NAME_print_ex(out, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
    int n = BIO_read(out, name, NX_TLS_NAME_SIZE - 1);
    name[n > 0 ? n : 0] = '\0';
    BIO_free(out);
}

static int verify_cause(const struct nx_tls_failure *f, struct noex_error *err)
{
    long result = SSL_get_verify_result(f->ssl);
    bool host = f->host && (result == X509_V_ERR_HOSTNAME_MISMATCH ||
                            result == X509_V_ERR_IP_ADDRESS_MISMATCH);
    return nx_fail(err, NOEX_ECERT, "the peer's certificate%s%s is not accepted: %s%s%.64s",
                   *f->subject ? " " : "", f->subject, X509_verify_cert_error_string(result),
                   host ? ", it is not for " : "", host ? f->host : "");
}

/* ---- all else ---- */

static int local_cause(const struct nx_tls_failure *f, int reason, const char *text,
                       struct noex_error *err)
{
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return verify_cause(f, err);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return nx_fail(err, NOEX_ECERT, "the peer shows no certificate");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
        return nx_fail(err, NOEX_ETLS, "no common TLS version: %s", text);
    case SSL_R_NO_SHARED_CIPHER:
        return nx_fail(err, NOEX_ETLS, "no common cipher suite: %s", text);
    default:
        return nx_fail(err, NOEX_ETLS, "%s", text);
    }
}

static const char *reason_text(unsigned long e)
{
    const char *text = ERR_reason_error_string(e);
    return text ? text : "an error that OpenSSL does not name";
}

static bool is_memory(unsigned long e)
{
    return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
}

int nx_tls_cause(const struct nx_tls_failure *f, struct noex_error *err)
{
    unsigned long e = ERR_get_error();
    int rc;
    if (!e)
        rc = nx_fail(err, NOEX_ETLS, NULL);
    else if (is_memory(e))
        rc = nx_fail(err, NOEX_ENOMEM, NULL);
    else if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) >= SSL_AD_REASON_OFFSET)
        rc = alert_cause(f, ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET, err);
    else
        rc = local_cause(f, ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0, reason_text(e),
                         err);
    ERR_clear_error();
    return rc;
}

/* The first of the queue is where it began; a file that is not there has its errno. */
int nx_tls_file_cause(const char *what, const char *file, struct noex_error *err)
{
    unsigned long e = ERR_get_error();
    char place[160];
    snprintf(place, sizeof place, "TLS: %s%s%.120s", what, file ? " " : "", file ? file : "");
    int rc;
    if (e && is_memory(e))
        rc = nx_fail(err, NOEX_ENOMEM, NULL);
    else if (e && ERR_SYSTEM_ERROR(e))
        rc = nx_fail_sys(err, NOEX_ETLSOPTION, ERR_GET_REASON(e), place);
    else
        rc = nx_fail(err, NOEX_ETLSOPTION, "%s: %s", place, e ? reason_text(e) : "nothing in it");
    ERR_clear_error();
    return rc;
}
