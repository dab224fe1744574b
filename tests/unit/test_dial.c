/* SPDX-License-Identifier: Apache-2.0 */
#include "node/dial.h"

#include "io/resolve_hook.h"
#include "loop_test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEP_MS = 80 };

/* One dial: its loop, and what it told. */
struct dialled {
    struct loop_test t;
    struct nx_dial *dial;
    unsigned calls;
    int rc;
    struct nx_tcp *tcp;
    unsigned addrs;
    char addr[64]; /* the first of them */
    struct noex_error err;
};

static struct dialled d;

static void on_dialled(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                       const struct noex_error *err)
{
    struct dialled *x = ctx;
    x->calls++;
    x->dial = NULL;
    x->rc = rc;
    x->tcp = tcp;
    if (!rc) {
        x->addrs = addrs->count;
        nx_addr_text(&addrs->addr[0], x->addr, sizeof x->addr);
    }
    if (rc)
        x->err = *err;
}

static void in_turn(struct loop_test *t, uint64_t now)
{
    (void)t;
    if (d.dial)
        nx_dial_timeout(d.dial, now);
    d.t.deadline = d.dial ? nx_dial_deadline(d.dial) : UINT64_MAX;
}

static void open_loop(void)
{
    d = (struct dialled){0};
    loop_test_open(&d.t, NULL);
    d.t.in_turn = in_turn;
}

static void close_loop(void)
{
    nx_tcp_close(d.tcp);
    loop_test_close(&d.t);
}

static int start(const struct nx_dial_target *target)
{
    int rc = nx_dial_start(&d.dial, &d.t.alloc.a, d.t.loop, target, on_dialled, &d, &d.err);
    d.t.deadline = rc ? UINT64_MAX : nx_dial_deadline(d.dial);
    assert_int_equal(d.calls, 0); /* never inside the start */
    return rc;
}

static void dial_host(const char *host, uint16_t port)
{
    const struct nx_dial_target target = {.host = host, .port = port, .step_ms = STEP_MS};
    assert_int_equal(start(&target), 0);
}

static void until_told(void)
{
    loop_test_until(&d.t, &d.calls);
    assert_int_equal(d.calls, 1);
}

static void expect_failure(int code, const char *word)
{
    until_told();
    if (d.rc != code || d.err.code != code || !strstr(d.err.text, word))
        fail_msg("%s: %s", noex_error_name(d.rc), d.err.text);
    assert_null(d.tcp);
}

static int listen_at(const char *ip, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof at;
    assert_int_equal(inet_pton(AF_INET, ip, &at.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* A port where nobody listens: bound and given up. */
static uint16_t deaf_port(void)
{
    uint16_t port = 0;
    close(listen_at("127.0.0.1", &port));
    return port;
}

static void a_numeric_host_is_connected(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listen_at("127.0.0.1", &port);
    open_loop();
    dial_host("127.0.0.1", port);
    until_told();
    assert_int_equal(d.rc, 0);
    assert_non_null(d.tcp);
    assert_string_equal(d.addr, "127.0.0.1");
    close(fd);
    close_loop();
}

/* 127.0.0.`last`. */
static struct nx_addr loopback(uint8_t last)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct nx_addr addr = {.len = sizeof in};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last);
    memcpy(&addr.addr, &in, sizeof in);
    return addr;
}

static void known_addresses_are_tried_in_turn_without_a_lookup(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listen_at("127.0.0.1", &port);
    struct nx_addrs addrs = {.count = 3, .addr = {loopback(2), loopback(1), loopback(3)}};
    struct nx_dial_target target = {.host = "[", .addrs = &addrs, .port = port, .step_ms = STEP_MS};
    open_loop();
    assert_int_equal(start(&target), 0);
    until_told();
    assert_int_equal(d.rc, 0);
    assert_int_equal(d.addrs, 3);
    assert_string_equal(d.addr, "127.0.0.1"); /* the one that answered is the first now */
    close_loop();
    addrs.count = 1;
    open_loop();
    assert_int_equal(start(&target), 0);
    expect_failure(NOEX_ECONNREFUSED, "127.0.0.2:");
    close_loop();
    addrs.addr[0].len = 1; /* cannot even be tried */
    open_loop();
    assert_true(start(&target) < 0);
    assert_true(d.err.code < 0 && d.err.text[0]);
    close_loop();
    addrs.count = 2; /* but the next one can */
    open_loop();
    assert_int_equal(start(&target), 0);
    until_told();
    assert_int_equal(d.rc, 0);
    close_loop();
    close(fd);
}

static void nobody_there_is_a_refused_connection_that_names_the_place(void **state)
{
    (void)state;
    char place[64];
    uint16_t port = deaf_port();
    snprintf(place, sizeof place, "127.0.0.1:%u", port);
    open_loop();
    dial_host("127.0.0.1", port);
    expect_failure(NOEX_ECONNREFUSED, place);
    close_loop();
}

static void a_host_that_is_none_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", "[::zz]", "[", "a b"};
    for (int i = 0; i < 4; i++) {
        const struct nx_dial_target target = {.host = hosts[i], .port = 1, .step_ms = STEP_MS};
        open_loop();
        assert_int_equal(start(&target), NOEX_EHOST);
        assert_int_equal(d.err.code, NOEX_EHOST);
        assert_true(d.err.text[0] != '\0');
        close_loop();
    }
}

/* ---- resolvers ---- */

static struct addrinfo infos[3];
static struct sockaddr_in addresses[3];

/* 127.0.0.3 and 127.0.0.2, where nobody listens, then 127.0.0.1. */
static int three_addresses(const char *host, const char *service, const struct addrinfo *hints,
                           struct addrinfo **found)
{
    (void)host, (void)service, (void)hints;
    for (unsigned i = 0; i < 3; i++) {
        addresses[i] = (struct sockaddr_in){.sin_family = AF_INET};
        addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 2 - i);
        infos[i] = (struct addrinfo){.ai_family = AF_INET,
                                     .ai_addrlen = sizeof addresses[i],
                                     .ai_addr = (struct sockaddr *)&addresses[i],
                                     .ai_next = i < 2 ? &infos[i + 1] : NULL};
    }
    *found = infos;
    return 0;
}

static int unknown_host(const char *host, const char *service, const struct addrinfo *hints,
                        struct addrinfo **found)
{
    (void)host, (void)service, (void)hints, (void)found;
    return EAI_NONAME;
}

static int slow_resolver(const char *host, const char *service, const struct addrinfo *hints,
                         struct addrinfo **found)
{
    loop_test_sleep(4 * STEP_MS);
    return unknown_host(host, service, hints, found);
}

static void release_nothing(struct addrinfo *found)
{
    (void)found;
}

static void resolve_with(int (*lookup)(const char *, const char *, const struct addrinfo *,
                                       struct addrinfo **))
{
    nx_resolver.lookup = lookup;
    nx_resolver.release = release_nothing;
}

static int restore_resolver(void **state)
{
    (void)state;
    nx_resolver.lookup = getaddrinfo;
    nx_resolver.release = freeaddrinfo;
    return 0;
}

static void each_address_is_tried_until_one_answers(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listen_at("127.0.0.1", &port);
    open_loop();
    resolve_with(three_addresses);
    dial_host("three.example", port);
    until_told();
    assert_int_equal(d.rc, 0);
    assert_string_equal(d.addr, "127.0.0.1");
    assert_int_equal(d.addrs, 3);
    close(fd);
    close_loop();
}

static void where_none_answers_the_last_ones_error_is_told(void **state)
{
    (void)state;
    uint16_t port = deaf_port();
    open_loop();
    resolve_with(three_addresses);
    dial_host("three.example", port);
    expect_failure(NOEX_ECONNREFUSED, "127.0.0.1:");
    close_loop();
}

/* A listener that leaves connections without an answer: its backlog is full. */
struct silent {
    int fd;
    int filler[6];
};

static void fill_backlog(struct silent *s, const char *ip, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    s->fd = listen_at(ip, port);
    at.sin_port = htons(*port);
    assert_int_equal(inet_pton(AF_INET, ip, &at.sin_addr), 1);
    assert_int_equal(listen(s->fd, 0), 0);
    for (int i = 0; i < 6; i++) {
        s->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(s->filler[i], (struct sockaddr *)&at, sizeof at);
    }
}

static void close_silent(struct silent *s)
{
    for (int i = 0; i < 6; i++)
        close(s->filler[i]);
    close(s->fd);
}

static void a_second_address_is_tried_beside_one_that_is_slow(void **state)
{
    enum { LONG_MS = 60000 };
    struct silent silent;
    uint16_t port = 0;
    (void)state;
    fill_backlog(&silent, "127.0.0.2", &port);
    int fd = listen_at("127.0.0.1", &port);
    struct nx_addrs addrs = {.count = 2, .addr = {loopback(2), loopback(1)}};
    struct nx_dial_target target = {.host = "[", .addrs = &addrs, .port = port, .step_ms = LONG_MS};
    open_loop();
    assert_int_equal(start(&target), 0);
    assert_true(nx_dial_deadline(d.dial) < loop_test_clock() + LONG_MS / 2);
    until_told(); /* long before the first is given up */
    assert_int_equal(d.rc, 0);
    assert_string_equal(d.addr, "127.0.0.1");
    assert_int_equal(d.addrs, 2);
    close_loop();
    close(fd); /* now the second is refused, and the first has all of its time */
    target.step_ms = 600;
    open_loop();
    assert_int_equal(start(&target), 0);
    expect_failure(NOEX_ECONNECTTIMEOUT, "127.0.0.2 port");
    close_loop();
    close_silent(&silent);
}

static struct sockaddr_in6 address6;

/* 127.0.0.3 and 127.0.0.2, where nobody listens, then ::1. */
static int both_families(const char *host, const char *service, const struct addrinfo *hints,
                         struct addrinfo **found)
{
    three_addresses(host, service, hints, found);
    address6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    infos[2].ai_family = AF_INET6;
    infos[2].ai_addrlen = sizeof address6;
    infos[2].ai_addr = (struct sockaddr *)&address6;
    return 0;
}

static void the_second_address_is_of_the_other_family(void **state)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) {
        close(fd);
        skip(); /* this machine has no IPv6 */
    }
    assert_int_equal(listen(fd, 1) || getsockname(fd, (struct sockaddr *)&at, &len), 0);
    open_loop();
    resolve_with(both_families);
    dial_host("both.example", ntohs(at.sin6_port));
    until_told();
    assert_int_equal(d.rc, 0);
    assert_string_equal(d.addr, "::1");
    assert_int_equal(d.addrs, 3);
    close(fd);
    close_loop();
}

static void an_unknown_host_is_named(void **state)
{
    (void)state;
    open_loop();
    resolve_with(unknown_host);
    dial_host("nowhere.example", 1);
    expect_failure(NOEX_EHOST, "nowhere.example");
    close_loop();
}

static void a_resolver_that_is_silent_ends_with_the_step(void **state)
{
    (void)state;
    open_loop();
    resolve_with(slow_resolver);
    uint64_t began = loop_test_clock();
    dial_host("slow.example", 1);
    expect_failure(NOEX_EDNSTIMEOUT, "80 ms");
    assert_in_range(loop_test_clock() - began, STEP_MS - 1, 4 * STEP_MS - 1);
    close_loop();
    loop_test_sleep(4 * STEP_MS); /* its thread ends alone */
}

static void an_address_that_is_silent_ends_with_the_step(void **state)
{
    struct silent silent;
    uint16_t port = 0;
    (void)state;
    fill_backlog(&silent, "127.0.0.1", &port);
    open_loop();
    dial_host("127.0.0.1", port);
    expect_failure(NOEX_ECONNECTTIMEOUT, "127.0.0.1 port");
    close_silent(&silent);
    close_loop();
}

static void nothing_is_told_after_a_cancel_at_any_moment(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listen_at("127.0.0.1", &port);
    for (int turns = 0; turns < 3; turns++) {
        open_loop();
        dial_host("127.0.0.1", port);
        for (int i = 0; i < turns && !d.calls; i++)
            assert_int_equal(nx_loop_run(d.t.loop, 0), 0);
        unsigned before = d.calls;
        nx_dial_cancel(d.dial);
        d.dial = NULL;
        d.t.deadline = UINT64_MAX;
        for (int i = 0; i < 5; i++)
            assert_int_equal(nx_loop_run(d.t.loop, 5), 0);
        assert_int_equal(d.calls, before);
        close_loop();
    }
    nx_dial_cancel(NULL);
    close(fd);
}

static void each_failing_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listen_at("127.0.0.1", &port);
    for (int on = 0; on < 2; on++) {
        for (size_t k = 1; k < 4; k++) {
            const struct nx_dial_target target = {
                .host = "127.0.0.1", .port = port, .step_ms = STEP_MS};
            open_loop();
            d.t.alloc.fail_at = d.t.alloc.calls + k;
            d.t.alloc.fail_on = on;
            int rc = start(&target);
            if (!rc) {
                until_told();
                rc = d.rc;
            }
            assert_int_equal(rc, k < 3 ? NOEX_ENOMEM : 0); /* the dial, its connection */
            assert_int_equal(d.err.code, rc);
            d.t.alloc.fail_at = 0;
            close_loop();
        }
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_numeric_host_is_connected),
        cmocka_unit_test(known_addresses_are_tried_in_turn_without_a_lookup),
        cmocka_unit_test(nobody_there_is_a_refused_connection_that_names_the_place),
        cmocka_unit_test(a_host_that_is_none_is_refused_at_once),
        cmocka_unit_test_teardown(each_address_is_tried_until_one_answers, restore_resolver),
        cmocka_unit_test_teardown(where_none_answers_the_last_ones_error_is_told, restore_resolver),
        cmocka_unit_test_teardown(a_second_address_is_tried_beside_one_that_is_slow,
                                  restore_resolver),
        cmocka_unit_test_teardown(the_second_address_is_of_the_other_family, restore_resolver),
        cmocka_unit_test_teardown(an_unknown_host_is_named, restore_resolver),
        cmocka_unit_test_teardown(a_resolver_that_is_silent_ends_with_the_step, restore_resolver),
        cmocka_unit_test(an_address_that_is_silent_ends_with_the_step),
        cmocka_unit_test(nothing_is_told_after_a_cancel_at_any_moment),
        cmocka_unit_test(each_failing_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
