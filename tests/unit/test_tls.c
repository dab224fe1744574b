/* The options of TLS, and nodes that speak it with each other. SPDX-License-Identifier: Apache-2.0
 */
#include "certs.h"
#include "cmocka_all.h"
#include "observe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LORIS = 500 };

/* ---- files ---- */

static char folder[] = "/tmp/noex_tls_XXXXXX";

static const char *place(const char *name)
{
    static char paths[8][64];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = place(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct noex_tls_options good_options(void)
{
    struct noex_tls_options o;
    noex_tls_options_init(&o);
    o.ca_pem = cert_ca(CERT_OUR_CA);
    o.cert_pem = cert_node()->pem;
    o.key_pem = cert_node()->key;
    return o;
}

static noex_tls *good_tls(void)
{
    const struct noex_tls_options o = good_options();
    noex_tls *tls;
    assert_int_equal(noex_tls_new(&tls, &o, NULL), 0);
    return tls;
}

/* ---- options ---- */

static void expect_error(const struct noex_tls_options *o, int code, const char *says)
{
    struct noex_error err;
    noex_tls *tls = NULL;
    int rc = noex_tls_new(&tls, o, &err);
    if (rc != code || err.code != code || !strstr(err.text, says))
        fail_msg("%d %s, not %d %s", rc, err.text, code, says);
    assert_null(strstr(err.text, "s3cret"));
    assert_null(tls);
}

static void options_that_exclude_each_other_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a", NULL};
    struct noex_tls_options o = good_options();
    noex_tls *tls;
    assert_int_equal(noex_tls_new(NULL, &o, NULL), NOEX_EINVALID);
    assert_int_equal(noex_tls_new(&tls, NULL, NULL), NOEX_EINVALID);
    o.size = 4;
    expect_error(&o, NOEX_EINVALID, "noex_tls_options_init");
    o.size = sizeof o + 8;
    expect_error(&o, NOEX_EINVALID, "noex_tls_options_init");
    o = good_options();
    o.ca_pem = NULL;
    expect_error(&o, NOEX_EINVALID, "no CA to verify");
    o.verify = NOEX_TLS_VERIFY_NONE;
    o.allowed_names = names;
    expect_error(&o, NOEX_EINVALID, "allowed_names without verification");
    o = good_options();
    o.verify = (enum noex_tls_verify)7;
    expect_error(&o, NOEX_EINVALID, "verify");
    o = good_options();
    o.cert_file = "x";
    expect_error(&o, NOEX_EINVALID, "given twice");
    o = good_options();
    o.cert_pem = NULL;
    expect_error(&o, NOEX_EINVALID, "a key without its certificate");
    o = good_options();
    o.min_version = (enum noex_tls_version)0x0301;
    expect_error(&o, NOEX_EINVALID, "min_version");
    o.min_version = NOEX_TLS_1_3;
    o.max_version = NOEX_TLS_1_2;
    expect_error(&o, NOEX_EINVALID, "above max_version");
    o = good_options();
    o.optfile = "x";
    expect_error(&o, NOEX_EINVALID, "with an optfile only");
}

static void what_cannot_be_used_is_named(void **state)
{
    (void)state;
    static char locked[2048];
    struct noex_tls_options o = good_options();
    struct cert other;
    cert_make(&other, CERT_OUR_CA, "DNS:localhost", 30);
    o.key_pem = other.key;
    expect_error(&o, NOEX_ETLSOPTION, "does not belong to the certificate");
    o = good_options();
    cert_lock(cert_node(), "s3cret", locked, sizeof locked);
    o.key_pem = locked;
    expect_error(&o, NOEX_ETLSOPTION, "it is encrypted and there is no password");
    o.key_password = "s3cret?";
    expect_error(&o, NOEX_ETLSOPTION, "wrong password?");
    o = good_options();
    o.cert_pem = "no certificate";
    expect_error(&o, NOEX_ETLSOPTION, "certificate");
    o = good_options();
    o.ca_pem = "no certificate";
    expect_error(&o, NOEX_ETLSOPTION, "CA certificates");
    o = good_options();
    o.key_pem = NULL;
    o.cert_pem = NULL;
    o.cert_file = place("absent.pem");
    expect_error(&o, NOEX_ETLSOPTION, "absent.pem: No such file");
    o = good_options();
    o.key_pem = NULL;
    o.key_file = place("absent.key");
    expect_error(&o, NOEX_ETLSOPTION, "absent.key: No such file");
    o = good_options();
    o.ca_folder = place("absent");
    expect_error(&o, NOEX_ETLSOPTION, "No such file");
    o = good_options();
    o.ciphers = "nonsense";
    expect_error(&o, NOEX_ETLSOPTION, "ciphers nonsense");
    o = good_options();
    o.ciphersuites = "nonsense";
    expect_error(&o, NOEX_ETLSOPTION, "ciphersuites nonsense");
    noex_tls_options_init(&o);
    o.optfile = place("absent.conf");
    expect_error(&o, NOEX_ETLSOPTION, "absent.conf");
}

static void certificates_come_from_files_folders_and_memory(void **state)
{
    (void)state;
    static char both[8192], locked[2048];
    struct noex_tls_options o;
    noex_tls *tls;
    noex_tls_options_init(&o);
    snprintf(both, sizeof both, "%s%s", cert_node()->pem, cert_node()->key);
    mkdir(place("cas"), 0700);
    write_file("cas/readme.txt", "no certificate");
    o.ca_folder = place("cas");
    o.cert_file = write_file("both.pem", both);
    expect_error(&o, NOEX_ETLSOPTION, "no CA certificate in");
    write_file("cas/ca.crt", cert_ca(CERT_OUR_CA));
    assert_int_equal(noex_tls_new(&tls, &o, NULL), 0);
    noex_tls_free(tls);
    cert_lock(cert_node(), "s3cret", locked, sizeof locked);
    o.ca_file = write_file("ca.pem", cert_ca(CERT_OTHER_CA));
    o.key_file = write_file("locked.key", locked);
    o.key_password = "s3cret";
    assert_int_equal(noex_tls_new(&tls, &o, NULL), 0);
    noex_tls_free(tls);
}

/* ---- memory ---- */

static size_t mallocs_left = SIZE_MAX; /* the one behind these fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    if (mallocs_left == 0) {
        mallocs_left = SIZE_MAX;
        return NULL;
    }
    mallocs_left--;
    return __real_malloc(size);
}

/* The library's own; OpenSSL's are elsewhere. */
static void each_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "db", NULL};
    struct noex_tls_options o = good_options();
    struct noex_error err;
    noex_tls *tls = NULL, *kept = good_tls();
    unsigned failed = 0;
    o.server_name = "localhost";
    o.allowed_names = names;
    for (size_t n = 0; !tls; n++) {
        mallocs_left = n;
        int rc = noex_tls_new(&tls, &o, &err);
        bool used = mallocs_left == SIZE_MAX;
        mallocs_left = n;
        int again = noex_tls_reload(kept, &o, &err);
        mallocs_left = SIZE_MAX;
        assert_true(rc == 0 || (rc == NOEX_ENOMEM && used));
        assert_true(again == 0 || again == NOEX_ENOMEM);
        failed += again != 0;
    }
    assert_true(failed > 3);
    noex_tls_free(tls);
    noex_tls_free(kept);
}

static void a_node_that_listens_needs_a_certificate(void **state)
{
    (void)state;
    struct noex_tls_options t = good_options();
    struct noex_options o;
    struct noex_error err;
    noex_node *node;
    noex_options_init(&o);
    o.name = "a@127.0.0.1";
    o.cookie = "secret";
    o.listen = true;
    t.cert_pem = t.key_pem = NULL;
    assert_int_equal(noex_tls_new(&o.tls, &t, &err), 0);
    assert_int_equal(noex_node_new(&node, &o, &err), NOEX_ETLSOPTION);
    assert_non_null(strstr(err.text, "needs a certificate"));
    o.listen = false;
    assert_int_equal(noex_node_new(&node, &o, &err), 0);
    noex_tls_free(o.tls);
    noex_node_free(node);
    noex_tls_free(NULL);
    assert_null(noex_tls_hold(NULL));
}

/* ---- two nodes ---- */

struct side {
    noex_node *node;
    unsigned up;
    unsigned down;
    unsigned failed;
    unsigned monitored;
    unsigned ended;
    struct noex_error err;
    char log[8192];
};

static struct side a, b;

static void on_event(void *user, const struct noex_event *e)
{
    struct side *s = user;
    observed_event(e);
    s->up += e->type == NOEX_EVENT_NODE_UP;
    s->down += e->type == NOEX_EVENT_NODE_DOWN;
    s->failed += e->type == NOEX_EVENT_CONNECT_FAILED;
    s->monitored += e->type == NOEX_EVENT_MONITOR_UP;
    s->ended += e->type == NOEX_EVENT_MONITOR_DOWN;
    if (e->error)
        s->err = *e->error;
}

static void on_log(void *user, enum noex_log_level level, const char *line)
{
    struct side *s = user;
    (void)level;
    size_t len = strlen(s->log);
    snprintf(s->log + len, sizeof s->log - len, "%s\n", line);
}

static void open_node(struct side *s, const char *name, noex_tls *tls, uint64_t step_ms)
{
    struct noex_options o;
    struct noex_error err;
    *s = (struct side){0};
    noex_options_init(&o);
    o.name = name;
    o.cookie = "secret";
    o.no_epmd = o.listen = true;
    o.on_event = on_event;
    o.on_log = on_log;
    o.user = o.log_user = s;
    o.log_level = NOEX_LOG_DEBUG;
    o.tls = tls;
    o.accept_max = 64;
    o.step_ms = step_ms;
    if (noex_node_new(&s->node, &o, &err))
        fail_msg("%s", err.text);
}

static void open_both(noex_tls *tls_a, noex_tls *tls_b)
{
    open_node(&a, "a@127.0.0.1", tls_a, 2000);
    open_node(&b, "b@127.0.0.1", tls_b, 2000);
    while (!noex_node_listen_port(a.node) || !noex_node_listen_port(b.node)) {
        assert_int_equal(noex_node_process(a.node, 1), 0);
        assert_int_equal(noex_node_process(b.node, 1), 0);
    }
}

static void close_both(void)
{
    noex_node_free(a.node);
    noex_node_free(b.node);
}

static void turn(void)
{
    assert_int_equal(noex_node_process(a.node, 1), 0);
    assert_int_equal(noex_node_process(b.node, 1), 0);
}

static void until(const unsigned *count, unsigned n)
{
    uint64_t end = noex_node_now_ms(a.node) + PATIENCE_MS;
    while (*count < n) {
        turn();
        if (noex_node_now_ms(a.node) > end)
            fail_msg("nothing came: %s\n%s\n%s", a.err.text, a.log, b.log);
    }
}

static void a_connects(void)
{
    char peer[64];
    snprintf(peer, sizeof peer, "b@127.0.0.1:%u", noex_node_listen_port(b.node));
    assert_int_equal(noex_connect(a.node, peer, NOEX_CONNECT_ONCE), 0);
}

static void nodes_meet_watch_and_part(void **state)
{
    (void)state;
    noex_tls *tls = good_tls();
    struct noex_target target = {.kind = NOEX_TARGET_NAME, .node = "b@127.0.0.1", .name = "w"};
    struct noex_pid pid;
    noex_monitor_id id;
    open_both(tls, tls);
    noex_tls_free(tls);
    assert_int_equal(noex_process_new(b.node, NULL, &pid), 0);
    assert_int_equal(noex_register(b.node, "w", &pid), 0);
    a_connects();
    until(&a.up, 1);
    until(&b.up, 1);
    assert_int_equal(noex_monitor(a.node, &target, 0, NULL, &id), 0);
    until(&a.monitored, 1);
    assert_int_equal(noex_process_exit(b.node, &pid, (struct noex_term){0}), NOEX_ETERM);
    noex_builder *why;
    struct noex_term term;
    assert_int_equal(noex_builder_new(&why, NULL), 0);
    noex_build_atom(why, "shutdown");
    assert_int_equal(noex_builder_term(why, &term), 0);
    assert_int_equal(noex_process_exit(b.node, &pid, term), 0);
    noex_builder_free(why);
    until(&a.ended, 1);
    assert_non_null(strstr(a.log, "TLSv1.3, "));
    assert_non_null(strstr(b.log, "TLSv1.3, "));
    assert_int_equal(noex_disconnect(a.node, "b@127.0.0.1"), 0);
    until(&b.down, 1);
    assert_int_equal(b.err.code, NOEX_ECLOSED);
    close_both();
}

static void a_node_in_the_clear_is_named(void **state)
{
    (void)state;
    noex_tls *tls = good_tls();
    open_both(NULL, tls); /* it says its name to one that awaits TLS */
    a_connects();
    until(&a.failed, 1);
    for (int i = 0; i < 20; i++)
        turn();
    assert_int_equal(a.err.code, NOEX_ECLOSED);
    assert_non_null(strstr(b.log, "the peer speaks distribution in the clear, not TLS"));
    close_both();
    open_both(tls, NULL);
    a_connects();
    until(&a.failed, 1);
    assert_int_equal(a.err.code, NOEX_EPLAINPEER);
    assert_non_null(strstr(b.log, "the peer speaks TLS distribution"));
    close_both();
    noex_tls_free(tls);
}

static void what_is_read_anew_counts_for_the_next_connection(void **state)
{
    (void)state;
    struct cert other;
    struct noex_error err;
    noex_tls *tls_a = good_tls(), *tls_b = good_tls();
    struct noex_tls_options o = good_options();
    open_both(tls_a, tls_b);
    a_connects();
    until(&b.up, 1);
    cert_make(&other, CERT_OTHER_CA, "IP:127.0.0.1", 30);
    o.cert_pem = other.pem;
    o.key_pem = other.key;
    assert_int_equal(noex_tls_reload(tls_b, &o, &err), 0);
    for (int i = 0; i < 10; i++)
        turn();
    assert_int_equal(b.down, 0);
    assert_int_equal(noex_disconnect(a.node, "b@127.0.0.1"), 0);
    until(&b.down, 1);
    a_connects();
    until(&a.failed, 1);
    assert_int_equal(a.err.code, NOEX_ECERT);
    assert_non_null(strstr(b.log, "does not accept this node's certificate"));
    /* What cannot be read changes nothing. */
    o.key_pem = cert_node()->key;
    assert_int_equal(noex_tls_reload(tls_b, &o, &err), NOEX_ETLSOPTION);
    assert_int_equal(noex_tls_reload(NULL, &o, NULL), NOEX_EINVALID);
    assert_int_equal(noex_tls_reload(tls_b, NULL, NULL), NOEX_EINVALID);
    o.ca_pem = NULL;
    assert_int_equal(noex_tls_reload(tls_b, &o, NULL), NOEX_EINVALID);
    o = good_options();
    assert_int_equal(noex_tls_reload(tls_b, &o, NULL), 0);
    a_connects();
    until(&a.up, 2);
    close_both();
    noex_tls_free(tls_a);
    noex_tls_free(tls_b);
}

static void verification_that_is_off_is_said_in_the_log(void **state)
{
    (void)state;
    struct noex_tls_options o = good_options();
    noex_tls *tls;
    o.verify = NOEX_TLS_VERIFY_NONE;
    o.ca_pem = NULL;
    assert_int_equal(noex_tls_new(&tls, &o, NULL), 0);
    open_both(tls, tls);
    assert_non_null(strstr(a.log, "nodes that are connected to are NOT verified"));
    assert_non_null(strstr(a.log, "nodes that connect are NOT verified"));
    a_connects();
    until(&a.up, 1);
    close_both();
    noex_tls_free(tls);
}

static void certificates_that_are_refused_fail_the_attempt(void **state)
{
    (void)state;
    struct cert wrong;
    struct noex_tls_options o = good_options();
    noex_tls *tls_a = good_tls(), *tls_b;
    cert_make(&wrong, CERT_OTHER_CA, "IP:127.0.0.1", 30);
    o.cert_pem = wrong.pem;
    o.key_pem = wrong.key;
    assert_int_equal(noex_tls_new(&tls_b, &o, NULL), 0);
    open_both(tls_b, tls_a); /* TLS 1.3: the peer's refusal comes behind the handshake */
    a_connects();
    until(&a.failed, 1);
    assert_int_equal(a.err.code, NOEX_ECERTREFUSED);
    close_both();
    o = good_options();
    o.min_version = NOEX_TLS_1_3;
    assert_int_equal(noex_tls_reload(tls_a, &o, NULL), 0);
    o.min_version = NOEX_TLS_ANY;
    o.max_version = NOEX_TLS_1_2;
    assert_int_equal(noex_tls_reload(tls_b, &o, NULL), 0);
    open_both(tls_a, tls_b);
    a_connects();
    until(&a.failed, 1);
    assert_int_equal(a.err.code, NOEX_ETLS);
    assert_non_null(strstr(a.err.text, "no common TLS version"));
    close_both();
    noex_tls_free(tls_a);
    noex_tls_free(tls_b);
}

/* ---- peers that mean harm ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The beginning of a ClientHello, and no more of it. */
static void half_handshakes_by_the_hundred_hurt_nobody(void **state)
{
    (void)state;
    static const uint8_t hello[] = {0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3, 1, 2, 3};
    static int fds[LORIS];
    noex_tls *tls = good_tls();
    open_both(tls, tls);
    a_connects();
    until(&b.up, 1);
    for (int i = 0; i < LORIS; i++) {
        fds[i] = connect_to(noex_node_listen_port(b.node));
        assert_int_equal(send(fds[i], hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
        turn();
    }
    struct noex_stats stats;
    noex_node_stats(b.node, &stats, sizeof stats);
    assert_true(stats.accept_dropped >= LORIS - 64);
    assert_int_equal(b.down + a.down, 0);
    /* And a node that means well still gets in. */
    assert_int_equal(noex_disconnect(a.node, "b@127.0.0.1"), 0);
    until(&b.down, 1);
    a_connects();
    until(&b.up, 2);
    for (int i = 0; i < LORIS; i++)
        close(fds[i]);
    close_both();
    noex_tls_free(tls);
}

static int listener;

static uint16_t listen_mute(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

/* What stands between the two: carries bytes, and can spoil one. */
struct relay {
    int from_a; /* what A's attempt became */
    int to_b;
    bool spoil; /* the next byte to A */
};

static bool carry(int from, int to, bool *spoil)
{
    uint8_t bytes[4096];
    ssize_t n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
        return false;
    if (spoil && *spoil)
        bytes[n - 1] ^= 1;
    if (spoil)
        *spoil = false;
    return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void relay_turn(struct relay *r)
{
    while (carry(r->from_a, r->to_b, NULL) || carry(r->to_b, r->from_a, &r->spoil))
        continue;
    turn();
}

static void a_record_that_was_changed_ends_the_connection(void **state)
{
    (void)state;
    noex_tls *tls = good_tls();
    struct relay r = {.from_a = -1};
    char peer[64];
    uint16_t port = listen_mute();
    open_both(tls, tls);
    snprintf(peer, sizeof peer, "b@127.0.0.1:%u", port);
    assert_int_equal(noex_connect(a.node, peer, NOEX_CONNECT_ONCE), 0);
    struct pollfd dialled = {.fd = listener, .events = POLLIN};
    while (poll(&dialled, 1, 0) == 0)
        turn();
    r.from_a = accept(listener, NULL, NULL);
    r.to_b = connect_to(noex_node_listen_port(b.node));
    while (!a.up || !b.up)
        relay_turn(&r);
    r.spoil = true;
    assert_int_equal(noex_disconnect(b.node, "a@127.0.0.1"), 0);
    while (!a.down)
        relay_turn(&r);
    assert_int_equal(a.err.code, NOEX_ETLS);
    assert_non_null(strstr(a.err.text, "bad record mac"));
    close(r.from_a);
    close(r.to_b);
    close(listener);
    close_both();
    noex_tls_free(tls);
}

static void a_peer_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    noex_tls *tls = good_tls();
    char peer[64], step[128] = "";
    uint16_t port = listen_mute();
    open_node(&a, "a@127.0.0.1", tls, 100);
    open_node(&b, "b@127.0.0.1", tls, 100);
    snprintf(peer, sizeof peer, "mute@127.0.0.1:%u", port);
    assert_int_equal(noex_connect(a.node, peer, NOEX_CONNECT_ONCE), 0);
    while (!a.failed) {
        char now[128];
        turn();
        if (noex_connection(a.node, peer, now, sizeof now) == NOEX_CONNECTION_CONNECTING &&
            strstr(now, "TLS"))
            memcpy(step, now, sizeof step);
    }
    assert_string_equal(step, "the TLS handshake");
    assert_int_equal(a.err.code, NOEX_EHANDSHAKETIMEOUT);
    assert_non_null(strstr(a.err.text, "may speak distribution in the clear"));
    close(listener);
    /* Nor may whoever connects be silent for ever. */
    int fd = connect_to(noex_node_listen_port(b.node));
    struct pollfd end = {.fd = fd, .events = POLLIN};
    while (poll(&end, 1, 0) == 0)
        turn();
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    close_both();
    noex_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_exclude_each_other_are_refused),
        cmocka_unit_test(what_cannot_be_used_is_named),
        cmocka_unit_test(certificates_come_from_files_folders_and_memory),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_node_that_listens_needs_a_certificate),
        cmocka_unit_test(nodes_meet_watch_and_part),
        cmocka_unit_test(a_node_in_the_clear_is_named),
        cmocka_unit_test(what_is_read_anew_counts_for_the_next_connection),
        cmocka_unit_test(verification_that_is_off_is_said_in_the_log),
        cmocka_unit_test(certificates_that_are_refused_fail_the_attempt),
        cmocka_unit_test(half_handshakes_by_the_hundred_hurt_nobody),
        cmocka_unit_test(a_record_that_was_changed_ends_the_connection),
        cmocka_unit_test(a_peer_that_says_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
