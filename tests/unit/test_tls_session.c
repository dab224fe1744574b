/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/session.h"

#include "alloc_test.h"
#include "certs.h"
#include "cmocka_all.h"
#include "observe.h"
#include "tls/context.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 300 * 1024 };

/* One end: what it read, and how it ended. */
struct end {
    struct nx_tls_session *s;
    noex_tls *tls;
    uint8_t *got;
    size_t got_len;
    struct noex_error err;
};

/* Two ends, bytes carried between them in pieces. */
struct pair {
    struct alloc_test alloc;
    struct end dial;
    struct end accept;
    size_t piece; /* 0: all at once */
};

static struct noex_tls_options options_of(const struct cert *c)
{
    struct noex_tls_options o;
    noex_tls_options_init(&o);
    o.ca_pem = cert_ca(CERT_OUR_CA);
    if (c) {
        o.cert_pem = c->pem;
        o.key_pem = c->key;
    }
    return o;
}

static noex_tls *tls_of(const struct noex_tls_options *o)
{
    struct noex_error err;
    noex_tls *tls;
    if (noex_tls_new(&tls, o, &err))
        fail_msg("%s", err.text);
    return tls;
}

static void open_end(struct pair *p, struct end *e, enum nx_tls_role role,
                     const struct noex_tls_options *o, const char *host)
{
    e->tls = tls_of(o);
    e->got = malloc(DATA_MAX);
    assert_non_null(e->got);
    assert_int_equal(nx_tls_session_new(&e->s, &p->alloc.a, e->tls, role, host, &e->err), 0);
}

static void open_pair(struct pair *p, const struct noex_tls_options *dial,
                      const struct noex_tls_options *accept, const char *host)
{
    *p = (struct pair){0};
    alloc_test_init(&p->alloc);
    open_end(p, &p->dial, NX_TLS_DIAL, dial, host);
    open_end(p, &p->accept, NX_TLS_ACCEPT, accept, NULL);
}

static void close_end(struct end *e)
{
    nx_tls_session_free(e->s);
    noex_tls_free(e->tls);
    free(e->got);
}

static void close_pair(struct pair *p)
{
    close_end(&p->dial);
    close_end(&p->accept);
    assert_int_equal(p->alloc.live, 0);
}

/* What the session has for the program. */
static void drain(struct end *e)
{
    int64_t n;
    while (!e->err.code &&
           (n = nx_tls_read(e->s, e->got + e->got_len, DATA_MAX - e->got_len, &e->err)) > 0)
        e->got_len += (size_t)n;
}

static void hand(struct end *to, const uint8_t *bytes, size_t n)
{
    while (n && !to->err.code) {
        uint8_t *room;
        size_t size, some;
        nx_tls_room(to->s, &room, &size);
        assert_true(size > 0);
        some = n < size ? n : size;
        memcpy(room, bytes, some);
        int rc = nx_tls_received(to->s, some, &to->err);
        assert_int_equal(rc, to->err.code);
        drain(to);
        bytes += some;
        n -= some;
    }
}

/* False where there is nothing to carry. */
static bool carry(struct pair *p, struct end *from, struct end *to)
{
    struct nx_span out = nx_tls_out(from->s);
    size_t n = p->piece && p->piece < out.len ? p->piece : out.len;
    if (!n)
        return false;
    hand(to, out.ptr, n);
    nx_tls_sent(from->s, n);
    return true;
}

static void run(struct pair *p)
{
    for (bool there = true, back = true; there || back;) {
        there = carry(p, &p->dial, &p->accept);
        back = carry(p, &p->accept, &p->dial);
    }
}

static void send_all(struct pair *p, struct end *from, const uint8_t *bytes, size_t len)
{
    while (len) {
        int64_t n = nx_tls_write(from->s, bytes, len, &from->err);
        assert_true(n >= 0);
        bytes += n;
        len -= (size_t)n;
        run(p);
    }
}

static void connect_pair(struct pair *p, const char *host)
{
    const struct noex_tls_options o = options_of(cert_node());
    open_pair(p, &o, &o, host);
    run(p);
    assert_true(nx_tls_is_established(p->dial.s) && nx_tls_is_established(p->accept.s));
}

/* ---- what works ---- */

static void bytes_go_both_ways_in_pieces_of_any_size(void **state)
{
    (void)state;
    static uint8_t data[100000];
    static const size_t pieces[] = {1, 2, 5, 7, 100, 1460, 0};
    static const enum noex_tls_version versions[] = {NOEX_TLS_1_2, NOEX_TLS_1_3};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            struct pair p;
            struct noex_tls_options o = options_of(cert_node());
            o.min_version = o.max_version = versions[v];
            open_pair(&p, &o, &o, "localhost");
            p.piece = pieces[i];
            run(&p);
            send_all(&p, &p.dial, data, sizeof data);
            send_all(&p, &p.accept, data, sizeof data);
            assert_int_equal(p.accept.got_len, sizeof data);
            assert_memory_equal(p.accept.got, data, sizeof data);
            assert_memory_equal(p.dial.got, data, sizeof data);
            close_pair(&p);
        }
}

static void nothing_is_taken_before_the_handshake_is_over(void **state)
{
    (void)state;
    struct pair p;
    const struct noex_tls_options o = options_of(cert_node());
    open_pair(&p, &o, &o, "localhost");
    assert_int_equal(nx_tls_write(p.dial.s, (const uint8_t *)"x", 1, &p.dial.err), 0);
    assert_false(nx_tls_has_heard(p.dial.s));
    run(&p);
    assert_int_equal(nx_tls_write(p.dial.s, (const uint8_t *)"x", 1, &p.dial.err), 1);
    run(&p);
    assert_int_equal(p.accept.got_len, 1);
    close_pair(&p);
}

/* What does not read must not make the other end grow. */
static void what_is_not_carried_away_is_bounded(void **state)
{
    (void)state;
    static uint8_t data[DATA_MAX];
    struct pair p;
    connect_pair(&p, "localhost");
    int64_t n, total = 0;
    while ((n = nx_tls_write(p.dial.s, data, sizeof data, &p.dial.err)) > 0)
        total += n;
    assert_int_equal(n, 0);
    assert_in_range(total, 16 * 1024, 80 * 1024);
    run(&p);
    assert_int_equal(p.accept.got_len, total);
    close_pair(&p);
}

static void addresses_and_zones_are_verified_as_addresses(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1", "::1%lo", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct pair p;
        connect_pair(&p, hosts[i]);
        char text[200];
        nx_tls_describe(p.dial.s, text, sizeof text);
        assert_non_null(strstr(text, "TLSv1.3, "));
        assert_non_null(strstr(text, "CN=a node"));
        close_pair(&p);
    }
}

static void a_key_update_is_survived_whoever_asks_for_it(void **state)
{
    (void)state;
    struct pair p;
    connect_pair(&p, "localhost");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(nx_tls_session_ssl(p.dial.s), SSL_KEY_UPDATE_REQUESTED), 1);
        send_all(&p, &p.dial, (const uint8_t *)"ab", 2);
        send_all(&p, &p.accept, (const uint8_t *)"cd", 2);
        assert_int_equal(SSL_key_update(nx_tls_session_ssl(p.accept.s), SSL_KEY_UPDATE_REQUESTED),
                         1);
        send_all(&p, &p.accept, (const uint8_t *)"ef", 2);
    }
    assert_int_equal(p.accept.got_len, 6);
    assert_memory_equal(p.dial.got, "cdefcdefcdef", 12);
    assert_int_equal(p.dial.err.code, 0);
    close_pair(&p);
}

static void a_renegotiation_is_refused(void **state)
{
    (void)state;
    struct pair p;
    struct noex_tls_options o = options_of(cert_node());
    o.max_version = NOEX_TLS_1_2;
    open_pair(&p, &o, &o, "localhost");
    SSL_clear_options(nx_tls_session_ssl(p.dial.s), SSL_OP_NO_RENEGOTIATION);
    run(&p);
    assert_int_equal(SSL_renegotiate(nx_tls_session_ssl(p.dial.s)), 1);
    assert_int_equal(SSL_do_handshake(nx_tls_session_ssl(p.dial.s)), -1);
    run(&p);
    drain(&p.dial);
    run(&p);
    /* Whoever asked has to live with it; OpenSSL's client does not. */
    assert_non_null(strstr(p.dial.err.text, "no renegotiation"));
    assert_int_equal(SSL_num_renegotiations(nx_tls_session_ssl(p.accept.s)), 0);
    close_pair(&p);
}

static void the_end_is_told_behind_what_was_sent(void **state)
{
    (void)state;
    struct pair p;
    connect_pair(&p, "localhost");
    assert_int_equal(nx_tls_write(p.dial.s, (const uint8_t *)"last", 4, &p.dial.err), 4);
    nx_tls_finish(p.dial.s);
    run(&p);
    assert_int_equal(p.accept.got_len, 4);
    assert_int_equal(p.accept.err.code, NOEX_ECLOSED);
    assert_false(nx_tls_has_more(p.accept.s));
    close_pair(&p);
}

static void what_does_not_fit_stays_to_be_read(void **state)
{
    (void)state;
    struct pair p;
    uint8_t some[10];
    connect_pair(&p, "localhost");
    assert_int_equal(
        nx_tls_write(p.dial.s, (const uint8_t *)"0123456789abcdefghij", 20, &p.dial.err), 20);
    struct nx_span out = nx_tls_out(p.dial.s);
    uint8_t *room;
    size_t size;
    nx_tls_room(p.accept.s, &room, &size);
    memcpy(room, out.ptr, out.len);
    assert_int_equal(nx_tls_received(p.accept.s, out.len, &p.accept.err), 0);
    assert_true(nx_tls_has_more(p.accept.s));
    assert_int_equal(nx_tls_read(p.accept.s, some, sizeof some, &p.accept.err), 10);
    assert_true(nx_tls_has_more(p.accept.s));
    assert_int_equal(nx_tls_read(p.accept.s, some, sizeof some, &p.accept.err), 10);
    assert_memory_equal(some, "abcdefghij", 10);
    assert_false(nx_tls_has_more(p.accept.s));
    assert_int_equal(nx_tls_read(p.accept.s, some, sizeof some, &p.accept.err), 0);
    nx_tls_sent(p.dial.s, out.len);
    close_pair(&p);
}

/* ---- what is refused ---- */

/* Who says what, and in which words. */
struct refusal {
    const char *name;
    void (*change)(struct noex_tls_options *dial, struct noex_tls_options *accept);
    const char *host;
    int dial;
    const char *dial_text;
    int accept;
    const char *accept_text;
};

static struct cert wrong;

static void show(struct noex_tls_options *o, enum cert_issuer issuer, const char *names, int days)
{
    cert_make(&wrong, issuer, names, days);
    o->cert_pem = wrong.pem;
    o->key_pem = wrong.key;
}

static void server_expired(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)dial;
    show(accept, CERT_OUR_CA, "DNS:localhost", -1);
}

static void server_unknown(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)dial;
    show(accept, CERT_OTHER_CA, "DNS:localhost", 30);
}

static void server_elsewhere(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)dial;
    show(accept, CERT_OUR_CA, "DNS:elsewhere.example", 30);
}

static void client_expired(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)accept;
    show(dial, CERT_OUR_CA, "DNS:localhost", -1);
}

static void client_unknown(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)accept;
    show(dial, CERT_OTHER_CA, "DNS:localhost", 30);
}

static void client_without(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    (void)accept;
    dial->cert_pem = dial->key_pem = NULL;
}

static void client_without_1_2(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    client_without(dial, accept);
    accept->max_version = NOEX_TLS_1_2;
}

static void no_common_version(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    dial->max_version = NOEX_TLS_1_2;
    accept->min_version = NOEX_TLS_1_3;
}

static void no_common_cipher(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    dial->ciphersuites = "TLS_AES_128_GCM_SHA256";
    accept->ciphersuites = "TLS_AES_256_GCM_SHA384";
    dial->min_version = NOEX_TLS_1_3;
}

static void not_among_the_allowed(struct noex_tls_options *dial, struct noex_tls_options *accept)
{
    static const char *const allowed[] = {"db1.example", "10.0.0.1", NULL};
    (void)accept;
    dial->allowed_names = allowed;
}

static void client_not_among_the_allowed(struct noex_tls_options *dial,
                                         struct noex_tls_options *accept)
{
    not_among_the_allowed(accept, dial);
}

static const struct refusal refusals[] = {
    {"server expired", server_expired, "localhost", NOEX_ECERT,
     "CN=a node is not accepted: certificate has expired", NOEX_ECERTREFUSED,
     "certificate expired"},
    {"server of an unknown CA", server_unknown, "localhost", NOEX_ECERT, "issuer certificate",
     NOEX_ECERTREFUSED, "unknown CA"},
    {"server of another host", server_elsewhere, "localhost", NOEX_ECERT,
     "hostname mismatch, it is not for localhost", NOEX_ECERTREFUSED, "bad certificate"},
    {"server of another address", server_elsewhere, "127.0.0.1", NOEX_ECERT,
     "it is not for 127.0.0.1", NOEX_ECERTREFUSED, "bad certificate"},
    {"client expired", client_expired, "localhost", NOEX_ECERTREFUSED, "certificate expired",
     NOEX_ECERT, "has expired"},
    {"client of an unknown CA", client_unknown, "localhost", NOEX_ECERTREFUSED, "unknown CA",
     NOEX_ECERT, "issuer certificate"},
    {"client without one", client_without, "localhost", NOEX_ECERTREFUSED,
     "wants a client certificate, and this node has none", NOEX_ECERT, "shows no certificate"},
    {"client without one, 1.2", client_without_1_2, "localhost", NOEX_ECERTREFUSED,
     "wants a client certificate, and this node has none", NOEX_ECERT, "shows no certificate"},
    {"no common version", no_common_version, "localhost", NOEX_ETLS, "no common TLS version",
     NOEX_ETLS, "no common TLS version"},
    {"no common cipher", no_common_cipher, "localhost", NOEX_ETLS, "no common cipher", NOEX_ETLS,
     "no common cipher"},
    {"not among the allowed names", not_among_the_allowed, "localhost", NOEX_ECERT,
     "none of the names that are allowed", 0, NULL},
    {"client not among them", client_not_among_the_allowed, "localhost", 0, NULL, NOEX_ECERT,
     "none of the names that are allowed"},
};

static void each_refusal_names_its_cause_on_both_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct noex_tls_options dial = options_of(cert_node()), accept = options_of(cert_node());
        struct pair p;
        r->change(&dial, &accept);
        open_pair(&p, &dial, &accept, r->host);
        run(&p);
        run(&p);
        if (p.dial.err.code != r->dial || p.accept.err.code != r->accept)
            fail_msg("%s: %d %s, %d %s", r->name, p.dial.err.code, p.dial.err.text,
                     p.accept.err.code, p.accept.err.text);
        if (r->dial && !strstr(p.dial.err.text, r->dial_text))
            fail_msg("%s: %s", r->name, p.dial.err.text);
        if (r->accept && !strstr(p.accept.err.text, r->accept_text))
            fail_msg("%s: %s", r->name, p.accept.err.text);
        close_pair(&p);
    }
}

static void what_verification_leaves_out_is_let_in(void **state)
{
    (void)state;
    static const char *const allowed[] = {"x.example", "elsewhere.example", NULL};
    struct noex_tls_options dial = options_of(NULL), accept = options_of(cert_node());
    struct pair p;
    accept.client_cert_optional = 1;
    show(&accept, CERT_OUR_CA, "DNS:elsewhere.example", 30);
    for (int i = 0; i < 4; i++) {
        dial.verify = i == 0 ? NOEX_TLS_VERIFY_CHAIN : NOEX_TLS_VERIFY_FULL;
        dial.server_name = i == 1 ? "elsewhere.example" : NULL;
        if (i == 2)
            dial.verify = NOEX_TLS_VERIFY_NONE;
        if (i == 3) {
            dial.server_name = "elsewhere.example";
            dial.allowed_names = allowed;
        }
        open_pair(&p, &dial, &accept, "localhost");
        run(&p);
        if (!nx_tls_is_established(p.dial.s) || !nx_tls_is_established(p.accept.s))
            fail_msg("%d: %s %s", i, p.dial.err.text, p.accept.err.text);
        close_pair(&p);
    }
}

static void hand_text(struct end *e, const char *bytes, size_t n)
{
    hand(e, (const uint8_t *)bytes, n);
}

static void what_is_no_TLS_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool accept;
        int code;
    } rows[] = {
        {"\0\027N", 3, true, NOEX_EPLAINPEER},
        {"\0\027n", 3, true, NOEX_EPLAINPEER},
        {"GET / HTTP/1.1", 14, true, NOEX_EGARBAGE},
        {"\0\003sok", 5, false, NOEX_EGARBAGE},
        {"SSH-2.0-x", 9, false, NOEX_EGARBAGE},
        {"\026\002\0\0\0", 5, false, NOEX_EGARBAGE},
        {"\025\003\003\0\002\002\050", 7, false, NOEX_ETLS},
        {"\027\003\003\0\004abcd", 9, false, NOEX_ETLS},
        {"\026\003\003\377\377abcd", 9, false, NOEX_ETLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair p;
        const struct noex_tls_options o = options_of(cert_node());
        open_pair(&p, &o, &o, "localhost");
        struct end *e = rows[i].accept ? &p.accept : &p.dial;
        hand_text(e, rows[i].bytes, rows[i].len);
        if (e->err.code != rows[i].code)
            fail_msg("row %zu: %d %s", i, e->err.code, e->err.text);
        /* It stays so, whatever comes. */
        struct noex_error again = {0};
        assert_int_equal(nx_tls_received(e->s, 0, &again), rows[i].code);
        assert_string_equal(again.text, e->err.text);
        close_pair(&p);
    }
}

static void an_end_in_the_handshake_says_how_far_it_came(void **state)
{
    (void)state;
    struct pair p;
    const struct noex_tls_options o = options_of(cert_node());
    open_pair(&p, &o, &o, "localhost");
    assert_int_equal(nx_tls_eof(p.dial.s, &p.dial.err), NOEX_EPLAINPEER);
    assert_int_equal(nx_tls_eof(p.accept.s, &p.accept.err), NOEX_ECLOSED);
    close_pair(&p);
    open_pair(&p, &o, &o, "localhost");
    hand(&p.accept, nx_tls_out(p.dial.s).ptr, 20);
    assert_int_equal(nx_tls_eof(p.accept.s, &p.accept.err), NOEX_ETLS);
    close_pair(&p);
}

static void a_bit_that_is_flipped_ends_the_session(void **state)
{
    (void)state;
    for (size_t at = 0; at < 40; at++) {
        struct pair p;
        connect_pair(&p, "localhost");
        assert_int_equal(nx_tls_write(p.dial.s, (const uint8_t *)"0123456789", 10, &p.dial.err),
                         10);
        struct nx_span out = nx_tls_out(p.dial.s);
        uint8_t bytes[64];
        size_t n = out.len < sizeof bytes ? out.len : sizeof bytes;
        memcpy(bytes, out.ptr, n);
        bytes[at % n] ^= 1;
        hand(&p.accept, bytes, n);
        assert_int_equal(p.accept.got_len, 0);
        assert_true(p.accept.err.code == NOEX_ETLS || !p.accept.err.code);
        close_pair(&p);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const struct noex_tls_options o = options_of(cert_node());
    noex_tls *tls = tls_of(&o);
    struct alloc_test alloc;
    for (size_t n = 1;; n++) {
        struct nx_tls_session *s = NULL;
        struct noex_error err = {0};
        alloc_test_init(&alloc);
        alloc.fail_at = n;
        int rc = nx_tls_session_new(&s, &alloc.a, tls, NX_TLS_DIAL, "localhost", &err);
        assert_true(rc == 0 || rc == NOEX_ENOMEM);
        nx_tls_session_free(s);
        assert_int_equal(alloc.live, 0);
        if (!rc)
            break;
        assert_true(n < 10);
    }
    noex_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_in_pieces_of_any_size),
        cmocka_unit_test(nothing_is_taken_before_the_handshake_is_over),
        cmocka_unit_test(what_is_not_carried_away_is_bounded),
        cmocka_unit_test(addresses_and_zones_are_verified_as_addresses),
        cmocka_unit_test(a_key_update_is_survived_whoever_asks_for_it),
        cmocka_unit_test(a_renegotiation_is_refused),
        cmocka_unit_test(the_end_is_told_behind_what_was_sent),
        cmocka_unit_test(what_does_not_fit_stays_to_be_read),
        cmocka_unit_test(each_refusal_names_its_cause_on_both_ends),
        cmocka_unit_test(what_verification_leaves_out_is_let_in),
        cmocka_unit_test(what_is_no_TLS_is_named),
        cmocka_unit_test(an_end_in_the_handshake_says_how_far_it_came),
        cmocka_unit_test(a_bit_that_is_flipped_ends_the_session),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
