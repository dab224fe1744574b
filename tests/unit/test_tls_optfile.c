/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/optfile.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/noex_optfile_XXXXXX";
static struct nx_tls_optfile file;
static struct noex_error err;

static int read_text(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    err = (struct noex_error){0};
    return nx_tls_optfile_read(&file, path, &err);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void what_the_manual_of_OTP_shows_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("%% from the User's Guide of ssl\n"
                  "[{server,\n"
                  "  [{certfile, \"/home/me/ssl/cert.pem\"},\n"
                  "   {keyfile, <<\"/home/me/ssl/key.pem\">>}, {password, \"s3cret\"},\n"
                  "   {cacertfile, '/home/me/ssl/ca.pem'}, {fail_if_no_peer_cert, false},\n"
                  "   {versions, ['tlsv1.2', 'tlsv1.3']}, {depth, 2}, {ktls, true},\n"
                  "   {secure_renegotiate, true}, {verify, verify_peer}]},\n"
                  " {client, [{secure_renegotiate, true}, {cacertfile, \"ca\"},\n"
                  "           {server_name_indication, \"db\"}, {key_update_at, 1000},\n"
                  "           {versions, ['tlsv1.3']}]}].\n"),
        0);
    assert_non_null(file.accept.cert_file);
    assert_string_equal(file.accept.cert_file, "/home/me/ssl/cert.pem");
    assert_string_equal(file.accept.key_file, "/home/me/ssl/key.pem");
    assert_string_equal(file.accept.key_password, "s3cret");
    assert_string_equal(file.accept.ca_file, "/home/me/ssl/ca.pem");
    assert_true(file.accept.peer_cert_optional);
    assert_int_equal(file.accept.min_version, NOEX_TLS_1_2);
    assert_int_equal(file.accept.max_version, NOEX_TLS_1_3);
    assert_int_equal(file.accept.depth, 2);
    assert_int_equal(file.accept.verify, NOEX_TLS_VERIFY_FULL);
    assert_string_equal(file.dial.server_name, "db");
    assert_int_equal(file.dial.min_version, NOEX_TLS_1_3);
    assert_int_equal(file.dial.depth, -1);
    assert_null(file.dial.cert_file);
    nx_tls_optfile_free(&file);
}

static void verification_is_off_only_where_it_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        enum noex_tls_verify dial;
        enum noex_tls_verify accept;
    } rows[] = {
        {"[{client, [{cacertfile, \"c\"}]}, {server, [{certfile, \"x\"}]}].", 0,
         NOEX_TLS_VERIFY_FULL, NOEX_TLS_VERIFY_NONE},
        {"[{client, [{verify, verify_none}]}, {server, [{certfile, \"x\"}, {cacertfile, \"c\"}]}].",
         0, NOEX_TLS_VERIFY_NONE, NOEX_TLS_VERIFY_FULL},
        {"[{client, [{cacertfile, \"c\"}, {server_name_indication, disable}]}].", 0,
         NOEX_TLS_VERIFY_CHAIN, NOEX_TLS_VERIFY_FULL},
        {"[{client, []}].", NOEX_ETLSOPTION, 0, 0},
        {"[{server, [{certfile, \"x\"}]}].", NOEX_ETLSOPTION, 0, 0},
        {"[{client, [{verify, verify_none}]}, {server, [{verify, verify_peer}]}].", NOEX_ETLSOPTION,
         0, 0},
        {"[].", NOEX_ETLSOPTION, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc = read_text(rows[i].text);
        if (rc != rows[i].rc)
            fail_msg("row %zu: %d %s", i, rc, err.text);
        if (!rc) {
            assert_int_equal(file.dial.verify, rows[i].dial);
            assert_int_equal(file.accept.verify, rows[i].accept);
        }
        nx_tls_optfile_free(&file);
    }
}

#define CLIENT(option) "[{client, [{cacertfile, \"c\"}, " option "]}]."

static void ciphers_are_names_in_a_list_or_with_colons(void **state)
{
    (void)state;
    static const char *const texts[] = {
        CLIENT("{ciphers, [\"TLS_AES_256_GCM_SHA384\", \"ECDHE-RSA-AES256-GCM-SHA384\","
               " \"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"]}"),
        CLIENT("{ciphers, \"ECDHE-RSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384:"
               "ECDHE-ECDSA-AES128-GCM-SHA256\"}"),
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_text(texts[i]), 0);
        assert_string_equal(file.dial.ciphers,
                            "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_string_equal(file.dial.ciphersuites, "TLS_AES_256_GCM_SHA384");
        nx_tls_optfile_free(&file);
    }
}

static void what_is_not_understood_is_named_and_no_secret_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {CLIENT("{verify_fun, {f, []}}"), "client: verify_fun: an option that libnoex does not"},
        {CLIENT("{crl_check, true}"), "client: crl_check: "},
        {CLIENT("{verify, maybe}"), "maybe: neither verify_peer nor verify_none"},
        {CLIENT("{versions, [tlsv1]}"), "neither 'tlsv1.2' nor 'tlsv1.3'"},
        {CLIENT("{versions, [tls]}"), "tls: not a version"},
        {CLIENT("{depth, 300}"), "300: not a depth"},
        {CLIENT("{depth, x}"), "x: not a depth"},
        {CLIENT("{certfile, 17}"), "17: not a text"},
        {CLIENT("{fail_if_no_peer_cert, 1}"), "1: not a boolean"},
        {CLIENT("{ciphers, []}"), "no list of ciphers"},
        {CLIENT("{ciphers, [{a, b, c}]}"), "a cipher is understood as a text"},
        {CLIENT("{keyfile, \"k\"}"), "a keyfile without a certfile"},
        {CLIENT("inet6"), "not an option {Name, Value}"},
        {CLIENT("{password, 12345678}"), "client: password is not a text"},
        {CLIENT("{password, S3cret}"), "line 1: not an Erlang term"},
        {"[\n\n{client, [{password, \"S3cret}]}].", "line "},
        {"[{clients, [{password, \"S3cret\"}]}].", "neither {server, Options} nor"},
        {"[{client, [{cacertfile, \"c\"}, {password, \"S3cret\"} | x]}].", "client: "},
        {"{client, []}.", "not a list"},
        {"", "not an Erlang term"},
        {"[{client, []}]. more", "line 1: not an Erlang term"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(read_text(rows[i].text), NOEX_ETLSOPTION);
        assert_int_equal(err.code, NOEX_ETLSOPTION);
        if (!strstr(err.text, rows[i].says) || !strstr(err.text, path))
            fail_msg("row %zu: %s", i, err.text);
        assert_null(strstr(err.text, "ecret"));
        assert_null(strstr(err.text, "12345678"));
        nx_tls_optfile_free(&file);
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    static const char *const places[] = {"/nonexistent/x.conf", "/tmp"};
    for (size_t i = 0; i < 2; i++) {
        err = (struct noex_error){0};
        assert_int_equal(nx_tls_optfile_read(&file, places[i], &err), NOEX_ETLSOPTION);
        assert_non_null(strstr(err.text, places[i]));
        assert_true(err.sys_errno != 0);
        nx_tls_optfile_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_manual_of_OTP_shows_is_read),
        cmocka_unit_test(verification_is_off_only_where_it_says_so),
        cmocka_unit_test(ciphers_are_names_in_a_list_or_with_colons),
        cmocka_unit_test(what_is_not_understood_is_named_and_no_secret_is),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
