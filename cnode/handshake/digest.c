/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake/digest.h"

#include "base/err.h"
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

static bool md5(EVP_MD_CTX *ctx, const EVP_MD *md, struct nx_span cookie, const char *number,
                uint8_t out[NX_DIGEST_LEN])
{
    unsigned len = 0;
    uint8_t sum[EVP_MAX_MD_SIZE];
    bool done = EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
                EVP_DigestUpdate(ctx, cookie.ptr, cookie.len) == 1 &&
                EVP_DigestUpdate(ctx, number, strlen(number)) == 1 &&
                EVP_DigestFinal_ex(ctx, sum, &len) == 1 && len == NX_DIGEST_LEN;
    if (done)
        memcpy(out, sum, NX_DIGEST_LEN);
    OPENSSL_cleanse(sum, sizeof sum);
    return done;
}

int nx_digest(struct nx_span cookie, uint32_t challenge, uint8_t out[NX_DIGEST_LEN],
              struct noex_error *err)
{
    char number[12];
    snprintf(number, sizeof number, "%lu", (unsigned long)challenge);
    EVP_MD *md = EVP_MD_fetch(NULL, "MD5", NULL);
    EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
    bool done = ctx && md5(ctx, md, cookie, number, out);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    if (done)
        return 0;
    return nx_fail(err, NOEX_ESYSTEM,
                   "OpenSSL has no MD5 here (FIPS mode?), which the cookie check is made of");
}

bool nx_digest_equal(const uint8_t a[NX_DIGEST_LEN], const uint8_t b[NX_DIGEST_LEN])
{
    return CRYPTO_memcmp(a, b, NX_DIGEST_LEN) == 0;
}

void nx_wipe(void *bytes, size_t len)
{
    if (len)
        OPENSSL_cleanse(bytes, len);
}

static int openssl_fill(void *ctx, uint8_t *bytes, size_t len)
{
    (void)ctx;
    return len <= INT_MAX && RAND_bytes(bytes, (int)len) == 1 ? 0 : NOEX_ERANDOM;
}

const struct nx_random nx_random_openssl = {openssl_fill, NULL};
