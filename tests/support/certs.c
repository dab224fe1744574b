/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include "cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { DAY = 24 * 3600 };

struct ca {
    X509 *cert;
    EVP_PKEY *key;
    char pem[4096];
};

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void to_pem(BIO *bio, char *pem, unsigned size)
{
    int n = BIO_read(bio, pem, (int)size - 1);
    assert_true(n > 0 && (unsigned)n < size - 1);
    pem[n] = '\0';
    BIO_free(bio);
}

static X509 *unsigned_cert(EVP_PKEY *key, const char *name, int days)
{
    static long serial;
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), (days < 0 ? 2L * days : -1L) * DAY);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    return cert;
}

static struct ca *ca_of(enum cert_issuer issuer)
{
    static struct ca cas[2];
    struct ca *ca = &cas[issuer];
    if (ca->cert)
        return ca;
    ca->key = EVP_EC_gen("P-256");
    ca->cert = unsigned_cert(ca->key, issuer == CERT_OUR_CA ? "our CA" : "other CA", 30);
    X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
    add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, ca->cert);
    to_pem(bio, ca->pem, sizeof ca->pem);
    return ca;
}

const char *cert_ca(enum cert_issuer issuer)
{
    return ca_of(issuer)->pem;
}

void cert_make(struct cert *c, enum cert_issuer issuer, const char *names, int days)
{
    struct ca *ca = ca_of(issuer);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = unsigned_cert(key, "a node", days);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    add_extension(cert, ca->cert, NID_subject_alt_name, names);
    assert_true(X509_sign(cert, ca->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    to_pem(bio, c->pem, sizeof c->pem);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    to_pem(bio, c->key, sizeof c->key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

const struct cert *cert_node(void)
{
    static struct cert node;
    if (!*node.pem)
        cert_make(&node, CERT_OUR_CA, "DNS:localhost,IP:127.0.0.1,IP:::1", 30);
    return &node;
}

void cert_lock(const struct cert *c, const char *password, char *pem, unsigned size)
{
    BIO *in = BIO_new_mem_buf(c->key, -1), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    assert_non_null(key);
    assert_int_equal(PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(),
                                              (const unsigned char *)password,
                                              (int)strlen(password), NULL, NULL),
                     1);
    to_pem(out, pem, size);
    EVP_PKEY_free(key);
    BIO_free(in);
}
