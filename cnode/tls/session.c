/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/session.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "tls/cause.h"
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>

enum {
    RECORD_MAX = 16 * 1024,          /* bytes of the caller in one record, */
    RECORD_ROOM = RECORD_MAX + 1024, /* and what it may become, an answer of the session beside */
    OUT_MAX = 4 * RECORD_ROOM,
    IN_MAX = 4 * RECORD_ROOM,
    HOST_SIZE = 256
};

struct nx_tls_session {
    const struct noex_allocator *alloc;
    struct nx_tls_context *context;
    SSL *ssl;
    enum nx_tls_role role;
    struct nx_buf in;  /* from the peer; OpenSSL takes what it can use */
    struct nx_buf out; /* to the peer */
    bool heard;
    bool established;
    bool closed;                    /* the peer has said that it is done */
    bool client_cert_wanted;        /* and there is none */
    struct noex_error err;          /* what ended it */
    char subject[NX_TLS_NAME_SIZE]; /* of the certificate that is not accepted */
    char host[HOST_SIZE];           /* whom the certificate must name; empty: nobody */
};

/* ---- the BIO: both buffers ---- */

static int bio_read(BIO *bio, char *bytes, size_t size, size_t *taken)
{
    struct nx_tls_session *s = BIO_get_data(bio);
    struct nx_span in = nx_buf_span(&s->in);
    BIO_clear_retry_flags(bio);
    if (!in.len) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *taken = in.len < size ? in.len : size;
    memcpy(bytes, in.ptr, *taken);
    nx_buf_consume(&s->in, *taken);
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *taken)
{
    struct nx_tls_session *s = BIO_get_data(bio);
    size_t room = OUT_MAX - nx_buf_len(&s->out);
    BIO_clear_retry_flags(bio);
    *taken = len < room ? len : room;
    if (!*taken || nx_buf_put(&s->out, bytes, *taken)) {
        BIO_set_retry_write(bio);
        return 0;
    }
    return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *ptr)
{
    (void)bio, (void)number, (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "libnoex");
    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
        bio_method = m;
    else
        BIO_meth_free(m);
}

static BIO *new_bio(struct nx_tls_session *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (bio)
        BIO_set_data(bio, s);
    return bio;
}

/* ---- how it fails ---- */

/* Kept: OpenSSL tells it once, and what came before it may have to be read first. */
static int fail_with_cause(struct nx_tls_session *s)
{
    const struct nx_tls_failure f = {s->ssl, s->role, *s->host ? s->host : NULL, s->subject,
                                     s->client_cert_wanted};
    return s->err.code ? s->err.code : nx_tls_cause(&f, &s->err);
}

static int told(const struct nx_tls_session *s, struct noex_error *err)
{
    return nx_fail(err, s->err.code, "%s", s->err.text);
}

/* ---- the handshake ---- */

static int check_names(struct nx_tls_session *s)
{
    if (nx_tls_context_allows(s->context, SSL_get0_peer_certificate(s->ssl)))
        return 0;
    return nx_fail(&s->err, NOEX_ECERT,
                   "the peer's certificate has none of the names that are allowed");
}

static int go_on(struct nx_tls_session *s)
{
    if (s->established || s->err.code)
        return s->err.code;
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (rc == 1) {
        s->established = true;
        return check_names(s);
    }
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    default:
        return fail_with_cause(s);
    }
}

/* OpenSSL would say "wrong version number", whatever it is. */
static int look_at_first(struct nx_tls_session *s, struct nx_span in)
{
    enum { FIRST_TYPE = 20, LAST_TYPE = 23, TLS_MAJOR = 3, NAME_AT = 2 };
    bool name =
        in.len > NAME_AT && in.ptr[0] == 0 && (in.ptr[NAME_AT] == 'N' || in.ptr[NAME_AT] == 'n');
    if (in.ptr[0] >= FIRST_TYPE && in.ptr[0] <= LAST_TYPE && (in.len < 2 || in.ptr[1] == TLS_MAJOR))
        return 0;
    if (s->role == NX_TLS_ACCEPT && name)
        return nx_fail(&s->err, NOEX_EPLAINPEER,
                       "the peer speaks distribution in the clear, not TLS");
    return nx_fail(&s->err, NOEX_EGARBAGE, "the peer does not speak TLS (its first byte is 0x%02x)",
                   in.ptr[0]);
}

int nx_tls_received(struct nx_tls_session *s, size_t n, struct noex_error *err)
{
    nx_buf_commit(&s->in, n);
    int rc = s->err.code;
    if (!rc && !s->heard && n)
        rc = look_at_first(s, nx_buf_span(&s->in));
    s->heard = s->heard || n;
    rc = rc ? rc : go_on(s);
    return rc ? told(s, err) : 0;
}

int nx_tls_eof(struct nx_tls_session *s, struct noex_error *err)
{
    if (s->heard)
        nx_fail(&s->err, NOEX_ETLS, "the peer closed the connection in the TLS handshake");
    else if (s->role == NX_TLS_ACCEPT)
        nx_fail(&s->err, NOEX_ECLOSED, NULL);
    else
        nx_fail(&s->err, NOEX_EPLAINPEER,
                "the peer closed the connection without an answer to TLS: it may speak "
                "distribution in the clear, or its options for TLS are wrong");
    return told(s, err);
}

bool nx_tls_is_established(const struct nx_tls_session *s)
{
    return s->established && !s->err.code;
}

bool nx_tls_has_heard(const struct nx_tls_session *s)
{
    return s->heard;
}

/* ---- bytes ---- */

void nx_tls_room(struct nx_tls_session *s, uint8_t **bytes, size_t *size)
{
    /* All of it was reserved at birth: this moves what is left to the front at most. */
    *size = nx_buf_reserve(&s->in, RECORD_ROOM) ? 0 : s->in.cap - s->in.end;
    *bytes = s->in.data + s->in.end;
}

/* True where a read has something; else it is over, or must wait. */
static bool read_some(struct nx_tls_session *s, uint8_t *buf, size_t size, size_t *n)
{
    ERR_clear_error();
    int rc = SSL_read_ex(s->ssl, buf, size, n);
    if (rc == 1)
        return true;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        s->closed = true;
        break;
    default:
        (void)fail_with_cause(s);
    }
    return false;
}

int64_t nx_tls_read(struct nx_tls_session *s, uint8_t *buf, size_t size, struct noex_error *err)
{
    size_t total = 0, n;
    while (nx_tls_is_established(s) && !s->closed && total < size &&
           read_some(s, buf + total, size - total, &n))
        total += n;
    if (total)
        return (int64_t)total;
    if (s->err.code)
        return told(s, err);
    return s->closed ? nx_fail(err, NOEX_ECLOSED, NULL) : 0;
}

bool nx_tls_has_more(const struct nx_tls_session *s)
{
    return nx_tls_is_established(s) && !s->closed &&
           (nx_buf_len(&s->in) > 0 || SSL_pending(s->ssl) > 0);
}

/* A record is begun only where there is room for all of it: it never has to be tried again, with
 * bytes that may be others by then. */
int64_t nx_tls_write(struct nx_tls_session *s, const uint8_t *bytes, size_t len,
                     struct noex_error *err)
{
    size_t total = 0;
    while (nx_tls_is_established(s) && total < len &&
           OUT_MAX - nx_buf_len(&s->out) >= RECORD_ROOM) {
        size_t n = 0, want = len - total < RECORD_MAX ? len - total : RECORD_MAX;
        ERR_clear_error();
        int rc = SSL_write_ex(s->ssl, bytes + total, want, &n);
        if (rc != 1 && SSL_get_error(s->ssl, rc) != SSL_ERROR_WANT_READ)
            (void)fail_with_cause(s);
        if (rc != 1)
            break;
        total += n;
    }
    if (total || !s->err.code)
        return (int64_t)total;
    return told(s, err);
}

void nx_tls_finish(struct nx_tls_session *s)
{
    ERR_clear_error();
    if (nx_tls_is_established(s))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
}

struct nx_span nx_tls_out(const struct nx_tls_session *s)
{
    return nx_buf_span(&s->out);
}

/* A handshake message for which there was no room goes on once there is. */
void nx_tls_sent(struct nx_tls_session *s, size_t n)
{
    nx_buf_consume(&s->out, n);
    if (!nx_buf_len(&s->out) && !s->established && SSL_want_write(s->ssl))
        (void)go_on(s);
}

/* ---- life ---- */

static int on_cert_wanted(SSL *ssl, void *session)
{
    struct nx_tls_session *s = session;
    s->client_cert_wanted = !SSL_get_certificate(ssl);
    return 1;
}

/* Notes of which certificate it speaks, the peer's own or a CA's. */
static int on_verified(int good, X509_STORE_CTX *ctx)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct nx_tls_session *s = SSL_get_app_data(ssl);
    if (!good)
        nx_tls_subject(X509_STORE_CTX_get_current_cert(ctx), s->subject);
    return good;
}

/* The brackets and the zone of an IPv6 address are no part of what certificates and SNI name. */
static void take_host(struct nx_tls_session *s, const char *host)
{
    host += *host == '[';
    size_t len = strcspn(host, "%]");
    snprintf(s->host, sizeof s->host, "%.*s", (int)(len < HOST_SIZE ? len : HOST_SIZE - 1), host);
}

static bool ask_for(struct nx_tls_session *s)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    bool verify = nx_tls_context_verifies_host(s->context);
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(s->host);
    bool is_ip = ip != NULL;
    ASN1_OCTET_STRING_free(ip);
    ERR_clear_error();
    if (is_ip)
        return !verify || X509_VERIFY_PARAM_set1_ip_asc(param, s->host) == 1;
    SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(s->ssl, s->host) == 1 &&
           (!verify || SSL_set1_host(s->ssl, s->host) == 1);
}

static int start(struct nx_tls_session *s, const char *host)
{
    const char *name = s->role == NX_TLS_DIAL ? nx_tls_context_server_name(s->context, host) : NULL;
    s->ssl = SSL_new(nx_tls_context_ssl(s->context, s->role));
    BIO *bio = s->ssl ? new_bio(s) : NULL;
    if (!bio)
        return nx_fail(&s->err, NOEX_ENOMEM, NULL);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_app_data(s->ssl, s);
    SSL_set_verify(s->ssl, SSL_get_verify_mode(s->ssl), on_verified);
    if (name)
        take_host(s, name);
    if (name && !ask_for(s))
        return fail_with_cause(s);
    if (s->role == NX_TLS_DIAL) {
        SSL_set_cert_cb(s->ssl, on_cert_wanted, s);
        SSL_set_connect_state(s->ssl);
        return go_on(s);
    }
    SSL_set_accept_state(s->ssl);
    return 0;
}

int nx_tls_session_new(struct nx_tls_session **out, const struct noex_allocator *a, noex_tls *tls,
                       enum nx_tls_role role, const char *host, struct noex_error *err)
{
    struct nx_tls_session *s = nx_calloc(a, 1, sizeof *s);
    if (!s)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    ERR_clear_error();
    s->alloc = a;
    s->role = role;
    s->context = nx_tls_current(tls);
    nx_buf_init(&s->in, a, IN_MAX);
    nx_buf_init(&s->out, a, OUT_MAX);
    int rc = nx_buf_reserve(&s->in, IN_MAX);
    rc = rc ? rc : nx_buf_reserve(&s->out, OUT_MAX);
    rc = rc ? nx_fail(&s->err, rc, NULL) : start(s, host);
    if (rc) {
        told(s, err);
        nx_tls_session_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void nx_tls_session_free(struct nx_tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    ERR_clear_error();
    nx_tls_context_release(s->context);
    nx_buf_free(&s->in);
    nx_buf_free(&s->out);
    nx_free(s->alloc, s);
}

SSL *nx_tls_session_ssl(struct nx_tls_session *s)
{
    return s->ssl;
}

void nx_tls_describe(const struct nx_tls_session *s, char *text, size_t size)
{
    char subject[NX_TLS_NAME_SIZE];
    nx_tls_subject(SSL_get0_peer_certificate(s->ssl), subject);
    snprintf(text, size, "%s, %s, the peer's certificate: %s", SSL_get_version(s->ssl),
             SSL_get_cipher(s->ssl), *subject ? subject : "none");
}
