/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/context.h"

#include "base/alloc.h"
#include "base/err.h"
#include "tls/cause.h"
#include "tls/credentials.h"
#include "tls/optfile.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

struct side {
    SSL_CTX *ssl;
    enum noex_tls_verify verify;
    char *server_name; /* NULL: the host's own */
    bool no_server_name;
};

struct nx_tls_context {
    atomic_uint holds;
    struct side side[2]; /* by enum nx_tls_role */
    char **allowed;      /* ends in NULL; NULL: any */
};

struct noex_tls {
    pthread_mutex_t lock;
    struct nx_tls_context *current;
    unsigned holds;
};

/* ---- one role ---- */

static int set_ciphers(SSL_CTX *ctx, const struct nx_tls_settings *s, struct noex_error *err)
{
    if (s->ciphers && SSL_CTX_set_cipher_list(ctx, s->ciphers) != 1)
        return nx_tls_file_cause("ciphers", s->ciphers, err);
    if (s->ciphersuites && SSL_CTX_set_ciphersuites(ctx, s->ciphersuites) != 1)
        return nx_tls_file_cause("ciphersuites", s->ciphersuites, err);
    return 0;
}

static void set_verify(SSL_CTX *ctx, const struct nx_tls_settings *s)
{
    int mode = s->verify == NOEX_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    if (mode == SSL_VERIFY_PEER && !s->peer_cert_optional)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    if (s->depth >= 0)
        SSL_CTX_set_verify_depth(ctx, s->depth);
}

/* No renegotiation, no compression; connections of a cluster last too long to be resumed. */
static void set_rules(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_AUTO_RETRY);
}

static int set_names(struct side *side, const struct nx_tls_settings *s, struct noex_error *err)
{
    const struct noex_allocator *a = &nx_alloc_libc;
    side->verify = s->verify;
    side->no_server_name = s->no_server_name;
    if (s->server_name) {
        side->server_name = nx_strndup(a, s->server_name, strlen(s->server_name));
        if (!side->server_name)
            return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    return 0;
}

static int fill_side(struct side *side, enum nx_tls_role role, const struct nx_tls_settings *s,
                     struct noex_error *err)
{
    ERR_clear_error();
    side->ssl = SSL_CTX_new(role == NX_TLS_DIAL ? TLS_client_method() : TLS_server_method());
    if (!side->ssl)
        return nx_tls_file_cause("OpenSSL", NULL, err);
    set_rules(side->ssl);
    set_verify(side->ssl, s);
    if (SSL_CTX_set_min_proto_version(side->ssl, s->min_version) != 1 ||
        SSL_CTX_set_max_proto_version(side->ssl, s->max_version) != 1)
        return nx_tls_file_cause("versions", NULL, err);
    int rc = set_ciphers(side->ssl, s, err);
    rc = rc ? rc : nx_tls_credentials_load(side->ssl, s, err);
    return rc ? rc : set_names(side, s, err);
}

/* ---- all of it ---- */

static void free_context(struct nx_tls_context *c)
{
    const struct noex_allocator *a = &nx_alloc_libc;
    for (int role = 0; role < 2; role++) {
        SSL_CTX_free(c->side[role].ssl);
        nx_free(a, c->side[role].server_name);
    }
    for (char **name = c->allowed; name && *name; name++)
        nx_free(a, *name);
    nx_free(a, c->allowed);
    nx_free(a, c);
}

static bool is_blind(const struct nx_tls_context *c, enum nx_tls_role role)
{
    return c->side[role].verify == NOEX_TLS_VERIFY_NONE;
}

static int take_allowed(struct nx_tls_context *c, const char *const *names, struct noex_error *err)
{
    const struct noex_allocator *a = &nx_alloc_libc;
    size_t count = 0;
    if (!names)
        return 0;
    if (is_blind(c, NX_TLS_DIAL) || is_blind(c, NX_TLS_ACCEPT))
        return nx_fail(err, NOEX_EINVALID, "TLS: allowed_names without verification prove nothing");
    while (names[count])
        count++;
    c->allowed = nx_calloc(a, count + 1, sizeof *c->allowed);
    for (size_t i = 0; c->allowed && i < count; i++) {
        c->allowed[i] = nx_strndup(a, names[i], strlen(names[i]));
        if (!c->allowed[i])
            return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    return c->allowed ? 0 : nx_fail(err, NOEX_ENOMEM, NULL);
}

static bool has_more_than_optfile(const struct noex_tls_options *o)
{
    return o->ca_file || o->ca_folder || o->ca_pem || o->cert_file || o->cert_pem || o->key_file ||
           o->key_pem || o->key_password || o->ciphers || o->ciphersuites || o->verify ||
           o->min_version || o->max_version || o->client_cert_optional;
}

static int fill_sides(struct nx_tls_context *c, const struct nx_tls_settings *dial,
                      const struct nx_tls_settings *accept, struct noex_error *err)
{
    int rc = fill_side(&c->side[NX_TLS_DIAL], NX_TLS_DIAL, dial, err);
    return rc ? rc : fill_side(&c->side[NX_TLS_ACCEPT], NX_TLS_ACCEPT, accept, err);
}

static int fill_from_optfile(struct nx_tls_context *c, const struct noex_tls_options *o,
                             struct noex_error *err)
{
    struct nx_tls_optfile file;
    if (has_more_than_optfile(o))
        return nx_fail(err, NOEX_EINVALID,
                       "TLS: with an optfile only server_name and allowed_names may be given");
    int rc = nx_tls_optfile_read(&file, o->optfile, err);
    if (!rc && o->server_name) {
        file.dial.server_name = o->server_name;
        file.dial.no_server_name = false;
    }
    rc = rc ? rc : fill_sides(c, &file.dial, &file.accept, err);
    nx_tls_optfile_free(&file);
    return rc;
}

static int fill_from_options(struct nx_tls_context *c, const struct noex_tls_options *o,
                             struct noex_error *err)
{
    struct nx_tls_settings s;
    int rc = nx_tls_settings_take(&s, o, err);
    return rc ? rc : fill_sides(c, &s, &s, err);
}

static int make_context(struct nx_tls_context **out, const struct noex_tls_options *options,
                        struct noex_error *err)
{
    struct noex_tls_options o;
    noex_tls_options_init(&o);
    if (options->size < sizeof options->size || options->size > sizeof o)
        return nx_fail(err, NOEX_EINVALID,
                       "TLS: options of %zu bytes: noex_tls_options_init fills them in",
                       options->size);
    memcpy(&o, options, options->size);
    struct nx_tls_context *c = nx_calloc(&nx_alloc_libc, 1, sizeof *c);
    if (!c)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    atomic_init(&c->holds, 1);
    int rc = (o.optfile ? fill_from_optfile : fill_from_options)(c, &o, err);
    rc = rc ? rc : take_allowed(c, o.allowed_names, err);
    if (rc)
        free_context(c);
    else
        *out = c;
    return rc;
}

void nx_tls_context_release(struct nx_tls_context *c)
{
    if (atomic_fetch_sub(&c->holds, 1) == 1)
        free_context(c);
}

/* ---- the handle ---- */

int nx_tls_new(noex_tls **out, const struct noex_tls_options *options, struct noex_error *err)
{
    struct nx_tls_context *c;
    int rc = make_context(&c, options, err);
    if (rc)
        return rc;
    noex_tls *tls = nx_calloc(&nx_alloc_libc, 1, sizeof *tls);
    if (!tls || pthread_mutex_init(&tls->lock, NULL)) {
        nx_free(&nx_alloc_libc, tls);
        free_context(c);
        return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    tls->current = c;
    tls->holds = 1;
    *out = tls;
    return 0;
}

int nx_tls_reload(noex_tls *tls, const struct noex_tls_options *options, struct noex_error *err)
{
    struct nx_tls_context *c, *old;
    int rc = make_context(&c, options, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&tls->lock);
    old = tls->current;
    tls->current = c;
    pthread_mutex_unlock(&tls->lock);
    nx_tls_context_release(old);
    return 0;
}

noex_tls *nx_tls_hold(noex_tls *tls)
{
    if (!tls)
        return NULL;
    pthread_mutex_lock(&tls->lock);
    tls->holds++;
    pthread_mutex_unlock(&tls->lock);
    return tls;
}

void nx_tls_release(noex_tls *tls)
{
    if (!tls)
        return;
    pthread_mutex_lock(&tls->lock);
    bool last = --tls->holds == 0;
    pthread_mutex_unlock(&tls->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&tls->lock);
    nx_tls_context_release(tls->current);
    nx_free(&nx_alloc_libc, tls);
}

struct nx_tls_context *nx_tls_current(noex_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    struct nx_tls_context *c = tls->current;
    atomic_fetch_add(&c->holds, 1);
    pthread_mutex_unlock(&tls->lock);
    return c;
}

bool nx_tls_can_accept(noex_tls *tls)
{
    struct nx_tls_context *c = nx_tls_current(tls);
    bool can = SSL_CTX_get0_certificate(c->side[NX_TLS_ACCEPT].ssl) != NULL;
    nx_tls_context_release(c);
    return can;
}

bool nx_tls_is_blind(noex_tls *tls, enum nx_tls_role role)
{
    struct nx_tls_context *c = nx_tls_current(tls);
    bool blind = is_blind(c, role);
    nx_tls_context_release(c);
    return blind;
}

/* ---- what sessions ask ---- */

SSL_CTX *nx_tls_context_ssl(struct nx_tls_context *c, enum nx_tls_role role)
{
    return c->side[role].ssl;
}

bool nx_tls_context_verifies_host(const struct nx_tls_context *c)
{
    return c->side[NX_TLS_DIAL].verify == NOEX_TLS_VERIFY_FULL;
}

const char *nx_tls_context_server_name(const struct nx_tls_context *c, const char *host)
{
    const struct side *side = &c->side[NX_TLS_DIAL];
    if (side->no_server_name)
        return NULL;
    return side->server_name ? side->server_name : host;
}

bool nx_tls_context_allows(const struct nx_tls_context *c, X509 *cert)
{
    for (char **name = c->allowed; name && cert && *name; name++)
        if (X509_check_host(cert, *name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 ||
            X509_check_ip_asc(cert, *name, 0) == 1)
            return true;
    return !c->allowed;
}
