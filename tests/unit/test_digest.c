/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "handshake/digest.h"
#include "hex.h"
#include <openssl/evp.h>

/* The first three were made with md5sum; the others an OTP 25 node sent or accepted. */
static const struct vector {
    const char *cookie;
    uint32_t challenge;
    const char *digest;
} vectors[] = {
    {"cookie", 4294967295u, "de56ff9d11b071905bce597a85d67f4f"},
    {"cookie", 0u, "e607172a1a7adb262d2d98462463b1a9"},
    {"", 1u, "c4ca4238a0b923820dcc509a6f75849b"},
    {"libnoex-vector cookie", 289416789u, "eff32775d7b7ae4081b7bbaea8bbbc36"},
    {"libnoex-vector cookie", 2309737967u, "110278282f7245a807d24f21cf6cbb75"},
    {"libnoex-vector cookie", 19088743u, "831be089dfd70942b4fde1e506fc5d49"},
    {"libnoex-vector cookie", 3137320739u, "4920d7810d9a0c9d98e3fd7efe81529d"},
    {"libnoex-vector cookie", 3654517171u, "9fa03a8a933f2fcf29c7c783d3b362d8"},
    {"libnoex-vector cookie", 879829755u, "b21838e3e25b512576fc35f6547a1a2e"},
};

static void real_digests_are_reproduced(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        uint8_t want[NX_DIGEST_LEN], got[NX_DIGEST_LEN];
        struct noex_error err = {0};
        assert_int_equal(hex_decode(v->digest, want, sizeof want), sizeof want);
        assert_int_equal(nx_digest(nx_span_str(v->cookie), v->challenge, got, &err), 0);
        assert_memory_equal(got, want, sizeof want);
        assert_true(nx_digest_equal(got, want));
        assert_int_equal(err.code, 0);
    }
}

static void a_long_cookie_is_taken_whole(void **state)
{
    (void)state;
    char cookie[2000];
    uint8_t a[NX_DIGEST_LEN], b[NX_DIGEST_LEN];
    memset(cookie, 'c', sizeof cookie);
    assert_int_equal(nx_digest(nx_span(cookie, sizeof cookie), 7, a, NULL), 0);
    cookie[sizeof cookie - 1] = 'd';
    assert_int_equal(nx_digest(nx_span(cookie, sizeof cookie), 7, b, NULL), 0);
    assert_false(nx_digest_equal(a, b));
}

static void one_flipped_bit_makes_digests_differ(void **state)
{
    (void)state;
    uint8_t a[NX_DIGEST_LEN], b[NX_DIGEST_LEN];
    assert_int_equal(nx_digest(nx_span_str("cookie"), 1, a, NULL), 0);
    for (unsigned i = 0; i < 8 * NX_DIGEST_LEN; i++) {
        memcpy(b, a, sizeof b);
        b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(nx_digest_equal(a, b));
    }
}

static void without_md5_the_error_says_so(void **state)
{
    (void)state;
    uint8_t out[NX_DIGEST_LEN];
    struct noex_error err = {0};
    assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
    int rc = nx_digest(nx_span_str("cookie"), 1, out, &err);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    assert_int_equal(rc, NOEX_ESYSTEM);
    assert_int_equal(err.code, NOEX_ESYSTEM);
    assert_non_null(strstr(err.text, "MD5"));
    assert_int_equal(nx_digest(nx_span_str("cookie"), 1, out, NULL), 0);
}

static void a_secret_is_wiped_and_nothing_beside_it(void **state)
{
    (void)state;
    char secret[] = "xxcookiexx";
    nx_wipe(secret + 2, 6);
    assert_memory_equal(secret, "xx\0\0\0\0\0\0xx", sizeof secret);
    nx_wipe(NULL, 0);
}

static void random_bytes_differ_from_call_to_call(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_int_equal(nx_random_openssl.fill(nx_random_openssl.ctx, a, sizeof a), 0);
    assert_int_equal(nx_random_openssl.fill(nx_random_openssl.ctx, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

static void more_random_bytes_than_openssl_can_give_are_refused(void **state)
{
    (void)state;
    uint8_t byte;
    assert_int_equal(nx_random_openssl.fill(nx_random_openssl.ctx, &byte, SIZE_MAX), NOEX_ERANDOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_digests_are_reproduced),
        cmocka_unit_test(a_long_cookie_is_taken_whole),
        cmocka_unit_test(one_flipped_bit_makes_digests_differ),
        cmocka_unit_test(without_md5_the_error_says_so),
        cmocka_unit_test(a_secret_is_wiped_and_nothing_beside_it),
        cmocka_unit_test(random_bytes_differ_from_call_to_call),
        cmocka_unit_test(more_random_bytes_than_openssl_can_give_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
