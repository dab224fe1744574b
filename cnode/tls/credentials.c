/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/credentials.h"

#include "base/err.h"
#include "tls/cause.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- PEM, from a file or from memory ---- */

static BIO *open_pem(const char *file, const char *pem)
{
    ERR_clear_error();
    return pem ? BIO_new_mem_buf(pem, -1) : BIO_new_file(file, "re");
}

/* A password is the option's, or there is none: never the terminal's. */
struct password {
    const char *text; /* NULL: none */
    bool wanted;
};

static int give_password(char *buf, int size, int writing, void *user)
{
    (void)writing;
    struct password *password = user;
    size_t len = password->text ? strlen(password->text) : 0;
    password->wanted = true;
    if (!password->text || len > (size_t)size)
        return -1;
    memcpy(buf, password->text, len);
    return (int)len;
}

static X509 *next_certificate(BIO *in)
{
    struct password none = {NULL, false};
    return PEM_read_bio_X509(in, NULL, give_password, &none);
}

/* The end of the text is no error; anything else that stopped the reading is. */
static bool is_at_end(void)
{
    unsigned long e = ERR_peek_last_error();
    bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

/* ---- what is shown ---- */

static int load_chain(SSL_CTX *ctx, BIO *in)
{
    X509 *cert = next_certificate(in);
    bool good = cert && SSL_CTX_use_certificate(ctx, cert) == 1;
    X509_free(cert);
    while (good && (cert = next_certificate(in)))
        if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
            X509_free(cert);
            good = false;
        }
    return good && is_at_end();
}

static int load_certificate(SSL_CTX *ctx, const struct nx_tls_settings *s, struct noex_error *err)
{
    BIO *in = open_pem(s->cert_file, s->cert_pem);
    bool good = in && load_chain(ctx, in);
    BIO_free(in);
    return good ? 0 : nx_tls_file_cause("certificate", s->cert_file, err);
}

static int key_cause(const struct nx_tls_settings *s, const struct password *password,
                     struct noex_error *err)
{
    if (!password->wanted || password->text)
        return nx_tls_file_cause(s->key_password ? "key (wrong password?)" : "key", s->key_file,
                                 err);
    ERR_clear_error();
    return nx_fail(err, NOEX_ETLSOPTION,
                   "TLS: key %.120s: it is encrypted and there is no password",
                   s->key_file ? s->key_file : "");
}

static int load_key(SSL_CTX *ctx, const struct nx_tls_settings *s, struct noex_error *err)
{
    BIO *in = open_pem(s->key_file, s->key_pem);
    struct password password = {s->key_password, false};
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, give_password, &password) : NULL;
    BIO_free(in);
    if (!key)
        return key_cause(s, &password, err);
    /* Before it is used: OpenSSL would drop the certificate without a word. */
    bool matches = X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) == 1;
    ERR_clear_error();
    bool used = matches && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    if (!matches)
        return nx_fail(err, NOEX_ETLSOPTION,
                       "TLS: the key %.80s does not belong to the certificate %.80s",
                       s->key_file ? s->key_file : "", s->cert_file ? s->cert_file : "");
    return used ? 0 : nx_tls_file_cause("key", s->key_file, err);
}

/* ---- who is trusted ---- */

/* How many CAs were in it; -1: it cannot be read. */
static int trust(SSL_CTX *ctx, BIO *in)
{
    int count = 0;
    X509 *ca;
    bool good = in != NULL;
    while (good && (ca = next_certificate(in))) {
        good = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
               SSL_CTX_add_client_CA(ctx, ca) == 1;
        X509_free(ca);
        count++;
    }
    good = good && is_at_end();
    BIO_free(in);
    return good ? count : -1;
}

static int trust_one(SSL_CTX *ctx, const char *file, const char *pem, struct noex_error *err)
{
    return trust(ctx, open_pem(file, pem)) > 0 ? 0
                                               : nx_tls_file_cause("CA certificates", file, err);
}

/* Other files may lie there, too. */
static int trust_folder(SSL_CTX *ctx, const char *folder, struct noex_error *err)
{
    int found = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return nx_fail_sys(err, NOEX_ETLSOPTION, errno, folder);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        struct stat st;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) || !S_ISREG(st.st_mode))
            continue;
        int count = trust(ctx, open_pem(path, NULL));
        found += count > 0 ? count : 0;
        ERR_clear_error();
    }
    closedir(dir);
    return found ? 0 : nx_fail(err, NOEX_ETLSOPTION, "TLS: no CA certificate in %.120s", folder);
}

int nx_tls_credentials_load(SSL_CTX *ctx, const struct nx_tls_settings *s, struct noex_error *err)
{
    int rc = 0;
    if (s->cert_file || s->cert_pem) {
        rc = load_certificate(ctx, s, err);
        rc = rc ? rc : load_key(ctx, s, err);
    }
    if (!rc && s->ca_file)
        rc = trust_one(ctx, s->ca_file, NULL, err);
    if (!rc && s->ca_folder)
        rc = trust_folder(ctx, s->ca_folder, err);
    if (!rc && s->ca_pem)
        rc = trust_one(ctx, NULL, s->ca_pem, err);
    return rc;
}
