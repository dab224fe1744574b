/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* syscall() */
#include "io/tcp.h"
#include "loop_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* System calls of the code under test pass through here, so that a test can make them fail. */
static struct {
    int connect_errno; /* instead of connecting */
    int late_errno;    /* the outcome of a connect that was under way */
    int connect_eintr; /* connects, and says EINTR */
    int bind_first;    /* to the very address it connects to */
    int io_eintr;      /* that many recv and send calls are interrupted */
    int io_errno;      /* the next recv or send fails */
    int last_fd;       /* the last descriptor that was connected */
} sys;

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    sys.last_fd = fd;
    if (sys.connect_errno) {
        errno = sys.connect_errno;
        return -1;
    }
    if (sys.bind_first && bind(fd, to, len))
        return -1;
    int rc = (int)syscall(SYS_connect, fd, to, len);
    if (sys.connect_eintr) {
        errno = EINTR;
        return -1;
    }
    return rc;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    long rc = syscall(SYS_getsockopt, fd, level, name, value, len);
    if (name == SO_ERROR && level == SOL_SOCKET && sys.late_errno)
        *(int *)value = sys.late_errno;
    return (int)rc;
}

static int io_fails(void)
{
    if (sys.io_eintr) {
        sys.io_eintr--;
        errno = EINTR;
        return 1;
    }
    errno = sys.io_errno;
    sys.io_errno = 0;
    return errno != 0;
}

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
    return io_fails() ? -1 : syscall(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    return io_fails() ? -1 : syscall(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

static int no_failures(void **state)
{
    (void)state;
    memset(&sys, 0, sizeof sys);
    return 0;
}

/* One side under test, the other a plain blocking socket. */
struct side {
    struct nx_tcp *tcp;
    unsigned connected;
    unsigned readable;
    unsigned writable;
    int rc;
    struct noex_error err;
    struct nx_addr addr;
    uint16_t port;
    int peer;
    size_t got;
    int64_t last_read;
    size_t read_size;           /* at most, in a callback; 0: does not read there */
    uint8_t bytes[64];          /* the first that came */
    unsigned *close_on;         /* closes itself in the callback that counts here */
    struct nx_tcp **close_also; /* and that one */
    struct side *next_owner;
};

static void closes(struct side *s, unsigned *event)
{
    if (s->close_on != event)
        return;
    nx_tcp_close(s->tcp);
    s->tcp = NULL;
    if (s->close_also) {
        nx_tcp_close(*s->close_also);
        *s->close_also = NULL;
    }
}

static void on_connected(void *ctx, int rc, const struct noex_error *err)
{
    struct side *s = ctx;
    s->connected++;
    s->rc = rc;
    assert_true(rc ? err->code == rc : err == NULL);
    if (err)
        s->err = *err;
    closes(s, &s->connected);
}

static void on_readable(void *ctx)
{
    struct side *s = ctx;
    uint8_t buf[65536];
    s->readable++;
    if (s->read_size) {
        s->last_read = nx_tcp_read(s->tcp, buf, s->read_size, &s->err);
        for (int64_t i = 0; i < s->last_read; i++, s->got++)
            if (s->got < sizeof s->bytes)
                s->bytes[s->got] = buf[i];
    }
    closes(s, &s->readable);
}

static void on_writable(void *ctx)
{
    struct side *s = ctx;
    s->writable++;
    closes(s, &s->writable);
}

static const struct nx_tcp_handlers handlers = {on_connected, on_readable, on_writable};

static struct nx_addr loopback(int family)
{
    struct nx_addr a = {.len = sizeof(struct sockaddr_in)};
    a.addr.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        ((struct sockaddr_in *)&a.addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return a;
    }
    ((struct sockaddr_in6 *)&a.addr)->sin6_addr = in6addr_loopback;
    a.len = sizeof(struct sockaddr_in6);
    return a;
}

/* A socket bound to a free port of the loopback; -1 where there is no such loopback. */
static int bound(int family, uint16_t *port)
{
    struct nx_addr a = loopback(family);
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a.addr, a.len)) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a.addr, &a.len), 0);
    /* The port stands at the same place in both families. */
    *port = ntohs(((struct sockaddr_in *)&a.addr)->sin_port);
    return fd;
}

static int listening(int family, uint16_t *port)
{
    int fd = bound(family, port);
    if (fd >= 0)
        assert_int_equal(listen(fd, 128), 0);
    return fd;
}

static void start(struct loop_test *t, struct side *s, int family, uint16_t port)
{
    struct side fresh = {.addr = loopback(family), .port = port, .read_size = 65536, .peer = -1};
    *s = fresh;
    assert_int_equal(nx_tcp_connect(&s->tcp, t->loop, &s->addr, port, &handlers, s, &s->err), 0);
    assert_int_equal(s->connected, 0);
}

/* Connects to a listener of its own. */
static void open_pair(struct loop_test *t, struct side *s)
{
    uint16_t port;
    int listener = listening(AF_INET, &port);
    assert_true(listener >= 0);
    start(t, s, AF_INET, port);
    loop_test_until(t, &s->connected);
    assert_int_equal(s->rc, 0);
    s->peer = accept(listener, NULL, NULL);
    assert_true(s->peer >= 0);
    close(listener);
}

static void close_pair(struct loop_test *t, struct side *s)
{
    nx_tcp_close(s->tcp);
    close(s->peer);
    loop_test_close(t);
}

static void peer_sends(struct side *s, const char *text)
{
    assert_int_equal(write(s->peer, text, strlen(text)), strlen(text));
}

static void peer_resets(struct side *s)
{
    struct linger now = {1, 0};
    assert_int_equal(setsockopt(s->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(s->peer);
    s->peer = -1;
}

/* Nothing is to be done, so the loop sleeps. */
static void assert_quiet(struct loop_test *t)
{
    for (int i = 0; i < 3; i++) /* what is under way */
        assert_int_equal(nx_loop_run(t->loop, 5), 0);
    t->turns = 0;
    uint64_t end = loop_test_clock() + 60;
    while (loop_test_clock() < end)
        assert_int_equal(nx_loop_run(t->loop, 30), 0);
    assert_in_range(t->turns, 1, 4);
}

/* Until a read says that nothing more will come. */
static void read_to_the_end(struct loop_test *t, struct side *s)
{
    uint64_t end = loop_test_clock() + 10000;
    while (s->last_read >= 0) {
        assert_int_equal(nx_loop_run(t->loop, 1000), 0);
        assert_true(loop_test_clock() < end);
    }
}

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void a_connection_has_nodelay_keepalive_and_close_on_exec(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    assert_int_equal(s.connected, 1);
    assert_true(option(sys.last_fd, IPPROTO_TCP, TCP_NODELAY));
    assert_true(option(sys.last_fd, SOL_SOCKET, SO_KEEPALIVE));
    assert_true(fcntl(sys.last_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(sys.last_fd, F_GETFL) & O_NONBLOCK);
    assert_quiet(&t);
    close_pair(&t, &s);
}

static void bytes_go_both_ways_over(int family)
{
    struct loop_test t;
    struct side s;
    uint16_t port;
    int listener = listening(family, &port);
    if (listener < 0)
        skip();
    loop_test_open(&t, NULL);
    start(&t, &s, family, port);
    loop_test_until(&t, &s.connected);
    assert_int_equal(s.rc, 0);
    s.peer = accept(listener, NULL, NULL);
    close(listener);
    peer_sends(&s, "hello");
    loop_test_until(&t, &s.readable);
    assert_int_equal(s.got, 5);
    assert_memory_equal(s.bytes, "hello", 5);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"world!", 6, NULL), 6);
    char buf[8];
    assert_int_equal(read(s.peer, buf, sizeof buf), 6);
    assert_memory_equal(buf, "world!", 6);
    assert_quiet(&t);
    assert_int_equal(s.readable, 1);
    assert_int_equal(s.writable, 0);
    close_pair(&t, &s);
}

static void bytes_go_both_ways_over_ipv4(void **state)
{
    (void)state;
    bytes_go_both_ways_over(AF_INET);
}

static void bytes_go_both_ways_over_ipv6(void **state)
{
    (void)state;
    bytes_go_both_ways_over(AF_INET6);
}

static void refused_is_told_with_address_and_port(int family, const char *host)
{
    struct loop_test t;
    struct side s;
    uint16_t port;
    int holder = bound(family, &port); /* nobody else gets this port, and nobody listens */
    if (holder < 0)
        skip();
    loop_test_open(&t, NULL);
    start(&t, &s, family, port);
    loop_test_until(&t, &s.connected);
    assert_int_equal(s.rc, NOEX_ECONNREFUSED);
    assert_int_equal(s.err.sys_errno, ECONNREFUSED);
    char text[80];
    snprintf(text, sizeof text, "%s:%u: Connection refused", host, port);
    assert_string_equal(s.err.text, text);
    assert_quiet(&t);
    assert_int_equal(s.connected, 1);
    assert_int_equal(s.readable + s.writable, 0);
    close(holder);
    close_pair(&t, &s);
}

static void refused_is_told_with_address_and_port_v4(void **state)
{
    (void)state;
    refused_is_told_with_address_and_port(AF_INET, "127.0.0.1");
}

static void refused_is_told_with_address_and_port_v6(void **state)
{
    (void)state;
    refused_is_told_with_address_and_port(AF_INET6, "[::1]");
}

static void an_unreachable_address_fails_at_once_without_a_callback(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct side s = {.addr = loopback(AF_INET)};
    ((struct sockaddr_in *)&s.addr.addr)->sin_addr.s_addr = htonl(INADDR_BROADCAST);
    int rc = nx_tcp_connect(&s.tcp, t.loop, &s.addr, 4369, &handlers, &s, &s.err);
    assert_int_equal(rc, NOEX_EUNREACHABLE);
    assert_non_null(strstr(s.err.text, "255.255.255.255:4369: "));
    assert_quiet(&t);
    assert_int_equal(s.connected, 0);
    loop_test_close(&t);
}

static const struct {
    int sys_errno;
    int code;
} outcomes[] = {
    {ECONNREFUSED, NOEX_ECONNREFUSED},
    {ENETUNREACH, NOEX_EUNREACHABLE},
    {EHOSTUNREACH, NOEX_EUNREACHABLE},
    {ENETDOWN, NOEX_EUNREACHABLE},
    {EADDRNOTAVAIL, NOEX_EUNREACHABLE},
    {EAFNOSUPPORT, NOEX_EUNREACHABLE},
    {EACCES, NOEX_EUNREACHABLE},
    {EPERM, NOEX_EUNREACHABLE},
    {ETIMEDOUT, NOEX_ECONNECTTIMEOUT},
    {ECONNRESET, NOEX_ELOST},
    {ENOTCONN, NOEX_ELOST},
    {ENOBUFS, NOEX_ESYSTEM},
};

static void each_errno_of_connect_has_its_code(void **state)
{
    (void)state;
    struct loop_test t;
    uint16_t port;
    int listener = listening(AF_INET, &port);
    loop_test_open(&t, NULL);
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct side s = {.addr = loopback(AF_INET)};
        sys.connect_errno = outcomes[i].sys_errno;
        int rc = nx_tcp_connect(&s.tcp, t.loop, &s.addr, port, &handlers, &s, &s.err);
        assert_int_equal(rc, outcomes[i].code);
        assert_int_equal(s.err.sys_errno, outcomes[i].sys_errno);
        sys.connect_errno = 0;
        sys.late_errno = outcomes[i].sys_errno;
        start(&t, &s, AF_INET, port);
        loop_test_until(&t, &s.connected);
        assert_int_equal(s.rc, outcomes[i].code);
        assert_int_equal(s.err.sys_errno, outcomes[i].sys_errno);
        nx_tcp_close(s.tcp);
        sys.late_errno = 0;
    }
    assert_quiet(&t);
    close(listener);
    loop_test_close(&t);
}

static void an_unknown_address_family_is_an_error_of_connect(void **state)
{
    (void)state;
    struct loop_test t;
    loop_test_open(&t, NULL);
    struct side s = {.addr = loopback(AF_INET)};
    s.addr.addr.ss_family = 250;
    int rc = nx_tcp_connect(&s.tcp, t.loop, &s.addr, 1, &handlers, &s, &s.err);
    assert_int_equal(rc, NOEX_EUNREACHABLE);
    loop_test_close(&t);
}

static void a_connection_to_itself_is_refused_and_leaves_the_port_free_over(int family)
{
    struct loop_test t;
    struct side s;
    uint16_t port;
    int holder = bound(family, &port);
    if (holder < 0)
        skip();
    close(holder);
    loop_test_open(&t, NULL);
    sys.bind_first = 1; /* as the kernel does when it happens to pick this very port */
    start(&t, &s, family, port);
    sys.bind_first = 0;
    loop_test_until(&t, &s.connected);
    assert_int_equal(s.rc, NOEX_ECONNREFUSED);
    assert_quiet(&t);
    nx_tcp_close(s.tcp);
    int fd = socket(family, SOCK_STREAM, 0);
    struct sockaddr_storage at = s.addr.addr;
    ((struct sockaddr_in *)&at)->sin_port = htons(port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, s.addr.len), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    loop_test_close(&t);
}

static void a_connection_to_itself_is_refused_and_leaves_the_port_free(void **state)
{
    (void)state;
    a_connection_to_itself_is_refused_and_leaves_the_port_free_over(AF_INET);
}

static void a_connection_to_itself_is_refused_over_ipv6_too(void **state)
{
    (void)state;
    a_connection_to_itself_is_refused_and_leaves_the_port_free_over(AF_INET6);
}

static void an_interrupted_connect_goes_on(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    sys.connect_eintr = 1;
    open_pair(&t, &s);
    close_pair(&t, &s);
}

static void interrupted_reads_and_writes_are_tried_again(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    sys.io_eintr = 3;
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"x", 1, NULL), 1);
    assert_int_equal(sys.io_eintr, 0);
    peer_sends(&s, "abc");
    sys.io_eintr = 3;
    loop_test_until(&t, &s.readable);
    assert_int_equal(sys.io_eintr, 0);
    assert_int_equal(s.got, 3);
    close_pair(&t, &s);
}

static void before_it_is_connected_nothing_is_read_or_written(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    uint16_t port;
    uint8_t buf[4];
    int listener = listening(AF_INET, &port);
    loop_test_open(&t, NULL);
    start(&t, &s, AF_INET, port);
    assert_int_equal(nx_tcp_read(s.tcp, buf, sizeof buf, NULL), 0);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"abc", 3, NULL), 0);
    loop_test_until(&t, &s.writable);
    assert_int_equal(s.connected, 1);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"abc", 3, NULL), 3);
    assert_quiet(&t);
    assert_int_equal(s.writable, 1);
    s.peer = accept(listener, NULL, NULL);
    close(listener);
    close_pair(&t, &s);
}

static void before_it_is_refused_nothing_is_read_or_written(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    uint16_t port;
    uint8_t buf[4];
    int holder = bound(AF_INET, &port);
    loop_test_open(&t, NULL);
    start(&t, &s, AF_INET, port);
    struct pollfd failed = {sys.last_fd, POLLOUT, 0};
    assert_int_equal(poll(&failed, 1, 5000), 1);
    assert_int_equal(nx_tcp_read(s.tcp, buf, sizeof buf, NULL), 0);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"abc", 3, NULL), 0);
    loop_test_until(&t, &s.connected);
    assert_int_equal(s.rc, NOEX_ECONNREFUSED);
    assert_quiet(&t);
    assert_int_equal(s.readable + s.writable, 0);
    close(holder);
    close_pair(&t, &s);
}

static void no_bytes_are_no_event(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    uint8_t none;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    assert_int_equal(nx_tcp_write(s.tcp, &none, 0, NULL), 0);
    assert_int_equal(nx_tcp_read(s.tcp, &none, 1, NULL), 0);
    assert_quiet(&t);
    assert_int_equal(s.writable + s.readable, 0);
    peer_sends(&s, "x");
    struct pollfd arrived = {sys.last_fd, POLLIN, 0};
    assert_int_equal(poll(&arrived, 1, 5000), 1);
    assert_int_equal(nx_tcp_read(s.tcp, &none, 0, NULL), 0);
    assert_int_equal(nx_tcp_read(s.tcp, &none, 1, NULL), 1);
    close_pair(&t, &s);
}

static void readable_comes_again_while_bytes_are_left(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    s.read_size = 1;
    peer_sends(&s, "abcdefg");
    while (s.got < 7)
        assert_int_equal(nx_loop_run(t.loop, 1000), 0);
    assert_memory_equal(s.bytes, "abcdefg", 7);
    assert_int_equal(s.readable, 7);
    assert_quiet(&t);
    close_pair(&t, &s);
}

static void the_end_of_file_comes_after_the_bytes_and_once(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    peer_sends(&s, "last");
    close(s.peer);
    s.peer = -1;
    read_to_the_end(&t, &s);
    assert_int_equal(s.got, 4);
    assert_int_equal(s.last_read, NOEX_ECLOSED);
    assert_int_equal(s.err.code, NOEX_ECLOSED);
    assert_int_equal(s.err.sys_errno, 0);
    assert_non_null(strstr(s.err.text, "127.0.0.1:"));
    unsigned readable = s.readable;
    assert_quiet(&t);
    assert_int_equal(s.readable, readable);
    close_pair(&t, &s);
}

static void after_the_peers_end_of_file_we_may_still_write(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    char buf[4];
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    shutdown(s.peer, SHUT_WR);
    read_to_the_end(&t, &s);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"bye", 3, NULL), 3);
    assert_int_equal(read(s.peer, buf, sizeof buf), 3);
    assert_quiet(&t);
    close_pair(&t, &s);
}

static void bytes_before_a_reset_are_not_lost(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    s.read_size = 1;
    peer_sends(&s, "abc");
    peer_resets(&s);
    read_to_the_end(&t, &s);
    assert_int_equal(s.last_read, NOEX_ELOST);
    assert_int_equal(s.err.sys_errno, ECONNRESET);
    assert_non_null(strstr(s.err.text, "127.0.0.1:"));
    assert_int_equal(s.got, 3);
    unsigned readable = s.readable;
    assert_quiet(&t);
    assert_int_equal(s.readable, readable);
    close_pair(&t, &s);
}

static void writing_to_a_reset_connection_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    peer_resets(&s);
    s.err.code = 0;
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"x", 1, &s.err), NOEX_ELOST);
    assert_int_equal(s.err.sys_errno, ECONNRESET);
    assert_int_equal(nx_tcp_write(s.tcp, (const uint8_t *)"x", 1, NULL), NOEX_ELOST);
    read_to_the_end(&t, &s);
    assert_quiet(&t);
    close_pair(&t, &s);
}

static void any_other_failure_to_read_or_write_loses_the_connection(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    uint8_t buf[4];
    struct noex_error err = {0};
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    sys.io_errno = ETIMEDOUT; /* keepalive gave up */
    assert_int_equal(nx_tcp_read(s.tcp, buf, sizeof buf, &err), NOEX_ELOST);
    assert_int_equal(err.sys_errno, ETIMEDOUT);
    sys.io_errno = EHOSTUNREACH;
    err.code = 0;
    assert_int_equal(nx_tcp_write(s.tcp, buf, sizeof buf, &err), NOEX_ELOST);
    assert_int_equal(err.sys_errno, EHOSTUNREACH);
    close_pair(&t, &s);
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

enum { BULK = 8 << 20 };
static uint8_t bulk[BULK], drain[65536];

/* Writes until there is no room; returns how much is out altogether. */
static size_t fill(struct side *s, size_t sent)
{
    while (sent < BULK) {
        int64_t n = nx_tcp_write(s->tcp, bulk + sent, BULK - sent, NULL);
        assert_true(n >= 0);
        if (n == 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

static size_t peer_takes(struct side *s, size_t taken, size_t most)
{
    ssize_t n = recv(s->peer, drain, most < sizeof drain ? most : sizeof drain, MSG_DONTWAIT);
    for (ssize_t i = 0; i < n; i++)
        if (drain[i] != pattern(taken + (size_t)i))
            fail();
    return n > 0 ? taken + (size_t)n : taken;
}

static void a_slow_reader_gets_every_byte_and_we_sleep_meanwhile(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    for (size_t i = 0; i < BULK; i++)
        bulk[i] = pattern(i);
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    size_t sent = fill(&s, 0), taken = 0;
    uint64_t end = loop_test_clock() + 60000;
    assert_true(sent < BULK);
    assert_quiet(&t);
    assert_int_equal(s.writable, 0);
    while (taken < BULK) {
        unsigned writable = s.writable;
        taken = peer_takes(&s, taken, sizeof drain);
        assert_int_equal(nx_loop_run(t.loop, 0), 0);
        if (s.writable > writable)
            sent = fill(&s, sent);
        assert_true(taken <= sent && loop_test_clock() < end);
    }
    assert_int_equal(sent, BULK);
    assert_true(s.writable > 1);
    assert_quiet(&t);
    assert_int_equal(recv(s.peer, drain, 1, MSG_DONTWAIT), -1);
    close_pair(&t, &s);
}

static void a_reset_while_waiting_to_write_after_the_end_of_file_is_told(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    shutdown(s.peer, SHUT_WR);
    read_to_the_end(&t, &s);
    fill(&s, 0);
    assert_quiet(&t);
    assert_int_equal(s.writable, 0);
    peer_resets(&s);
    loop_test_until(&t, &s.writable);
    assert_int_equal(nx_tcp_write(s.tcp, bulk, 1, NULL), NOEX_ELOST);
    assert_quiet(&t);
    assert_int_equal(s.writable, 1);
    close_pair(&t, &s);
}

static void a_connection_may_close_itself_when_connected_or_refused(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    uint16_t port;
    for (int refuse = 0; refuse < 2; refuse++) {
        int fd = refuse ? bound(AF_INET, &port) : listening(AF_INET, &port);
        loop_test_open(&t, NULL);
        start(&t, &s, AF_INET, port);
        s.close_on = &s.connected;
        loop_test_until(&t, &s.connected);
        assert_quiet(&t);
        assert_int_equal(s.connected, 1);
        assert_int_equal(s.readable + s.writable, 0);
        loop_test_close(&t);
        close(fd);
    }
}

static void a_connection_may_close_itself_when_readable_or_writable(void **state)
{
    (void)state;
    for (int writing = 0; writing < 2; writing++) {
        struct loop_test t;
        struct side s;
        loop_test_open(&t, NULL);
        open_pair(&t, &s);
        fill(&s, 0);
        s.close_on = writing ? &s.writable : &s.readable;
        peer_sends(&s, "x"); /* readable is called first, both are due */
        while (recv(s.peer, drain, sizeof drain, MSG_DONTWAIT) > 0)
            continue;
        loop_test_until(&t, s.close_on);
        assert_quiet(&t);
        assert_int_equal(s.readable, 1);
        assert_int_equal(s.writable, writing);
        close_pair(&t, &s);
    }
}

static void a_callback_may_close_another_connection_that_has_an_event_too(void **state)
{
    (void)state;
    struct loop_test t;
    struct side a, b;
    loop_test_open(&t, NULL);
    open_pair(&t, &a);
    open_pair(&t, &b);
    a.close_on = &a.readable;
    b.close_on = &b.readable;
    a.close_also = &b.tcp;
    b.close_also = &a.tcp;
    peer_sends(&a, "x");
    peer_sends(&b, "x");
    assert_quiet(&t);
    assert_int_equal(a.readable + b.readable, 1);
    close(a.peer);
    close(b.peer);
    loop_test_close(&t);
}

struct redial {
    struct side s;
    struct loop_test *t;
    uint16_t port;
    unsigned count;
    int fd;
};

static void dial_again(void *ctx, int rc, const struct noex_error *err)
{
    struct redial *r = ctx;
    (void)err;
    assert_int_equal(rc, 0);
    r->count++;
    nx_tcp_close(r->s.tcp);
    r->s.tcp = NULL;
    if (r->count == 50)
        return;
    static const struct nx_tcp_handlers again = {dial_again, on_readable, on_writable};
    r->fd = sys.last_fd;
    assert_int_equal(nx_tcp_connect(&r->s.tcp, r->t->loop, &r->s.addr, r->port, &again, r, NULL),
                     0);
    assert_int_equal(sys.last_fd, r->fd); /* the number is used again at once */
}

static void a_callback_may_close_and_connect_anew_on_the_same_descriptor(void **state)
{
    (void)state;
    struct loop_test t;
    static struct redial r;
    int listener = listening(AF_INET, &r.port);
    loop_test_open(&t, NULL);
    r.t = &t;
    r.s.addr = loopback(AF_INET);
    const struct nx_tcp_handlers first = {dial_again, on_readable, on_writable};
    assert_int_equal(nx_tcp_connect(&r.s.tcp, t.loop, &r.s.addr, r.port, &first, &r, NULL), 0);
    uint64_t end = loop_test_clock() + 10000;
    while (r.count < 50) {
        assert_int_equal(nx_loop_run(t.loop, 100), 0);
        assert_true(loop_test_clock() < end);
    }
    close(listener);
    loop_test_close(&t);
}

static void hand_over(void *ctx, int rc, const struct noex_error *err)
{
    struct side *first = ctx;
    (void)err;
    assert_int_equal(rc, 0);
    first->connected++;
    struct side *next = first->next_owner;
    next->tcp = first->tcp;
    first->tcp = NULL;
    nx_tcp_set_handlers(next->tcp, &handlers, next);
}

static void a_connection_handed_on_calls_its_new_owner_only(void **state)
{
    (void)state;
    static const struct nx_tcp_handlers dialler = {hand_over, on_readable, on_writable};
    struct loop_test t;
    struct side next = {.read_size = 64};
    struct side first = {.addr = loopback(AF_INET), .next_owner = &next};
    uint16_t port;
    int listener = listening(AF_INET, &port);
    loop_test_open(&t, NULL);
    int rc = nx_tcp_connect(&first.tcp, t.loop, &first.addr, port, &dialler, &first, NULL);
    assert_int_equal(rc, 0);
    loop_test_until(&t, &first.connected);
    next.peer = accept(listener, NULL, NULL);
    close(listener);
    peer_sends(&next, "abc");
    loop_test_until(&t, &next.readable);
    assert_int_equal(next.got, 3);
    assert_int_equal(next.connected + first.readable, 0);
    close_pair(&t, &next);
}

static void the_peer_sees_the_end_as_soon_as_we_close(void **state)
{
    (void)state;
    struct loop_test t;
    struct side s;
    char buf[1];
    loop_test_open(&t, NULL);
    open_pair(&t, &s);
    nx_tcp_close(s.tcp);
    s.tcp = NULL;
    assert_int_equal(read(s.peer, buf, 1), 0);
    nx_tcp_close(NULL);
    close_pair(&t, &s);
}

static void the_loop_may_close_right_after_its_connections(void **state)
{
    (void)state;
    struct loop_test t;
    struct side connecting, refused, open;
    uint16_t port, closed_port;
    int listener = listening(AF_INET, &port), holder = bound(AF_INET, &closed_port);
    loop_test_open(&t, NULL);
    open_pair(&t, &open);
    fill(&open, 0);
    peer_sends(&open, "unread");
    start(&t, &connecting, AF_INET, port);
    start(&t, &refused, AF_INET, closed_port);
    nx_tcp_close(open.tcp);
    nx_tcp_close(connecting.tcp);
    nx_tcp_close(refused.tcp);
    loop_test_close(&t);
    assert_int_equal(connecting.connected + refused.connected + open.readable, 0);
    close(open.peer);
    close(listener);
    close(holder);
}

/* A program's own poll(2) around the loop, by its two rules: descriptor and timeout. */
static void poll_once(struct loop_test *t)
{
    struct pollfd p = {nx_loop_fd(t->loop), POLLIN, 0};
    int64_t timeout = nx_loop_timeout_ms(t->loop);
    int n = poll(&p, 1, timeout < 0 ? 5000 : (int)timeout);
    assert_true(n > 0 || timeout >= 0); /* five seconds without an event: one was missed */
    assert_int_equal(nx_loop_run(t->loop, 0), 0);
}

static void connect_in_turn(struct loop_test *t, uint64_t now)
{
    struct side *s = t->arg;
    (void)now;
    if (!s->tcp)
        start(t, s, AF_INET, s->port);
    t->in_turn = NULL;
}

static void write_in_turn(struct loop_test *t, uint64_t now)
{
    (void)now;
    fill(t->arg, 0);
    t->in_turn = NULL;
}

static void nested_in_poll_nothing_is_missed(void **state)
{
    (void)state;
    for (int inside = 0; inside < 2; inside++) {
        struct loop_test t;
        struct side s = {0};
        uint16_t port;
        int listener = listening(AF_INET, &port);
        loop_test_open(&t, NULL);
        if (inside) {
            s.port = port;
            t.arg = &s;
            t.in_turn = connect_in_turn;
            nx_loop_kick(t.loop);
            poll_once(&t);
        } else {
            start(&t, &s, AF_INET, port);
        }
        while (!s.connected)
            poll_once(&t);
        s.peer = accept(listener, NULL, NULL);
        peer_sends(&s, "abc");
        while (s.got < 3)
            poll_once(&t);
        t.arg = &s;
        t.in_turn = write_in_turn;
        nx_loop_kick(t.loop);
        poll_once(&t);
        while (!s.writable) {
            (void)recv(s.peer, drain, sizeof drain, MSG_DONTWAIT);
            struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
            if (poll(&p, 1, 1) > 0)
                assert_int_equal(nx_loop_run(t.loop, 0), 0);
        }
        peer_resets(&s);
        while (s.last_read >= 0)
            poll_once(&t);
        struct pollfd p = {nx_loop_fd(t.loop), POLLIN, 0};
        for (int i = 0; i < 3; i++)
            assert_int_equal(nx_loop_run(t.loop, 0), 0);
        assert_int_equal(poll(&p, 1, 20), 0);
        close(listener);
        close_pair(&t, &s);
    }
}

static void in_a_callers_loop_connections_work_and_close(void **state)
{
    (void)state;
    uv_loop_t uv;
    struct loop_test t;
    struct side s;
    uint16_t port;
    int listener = listening(AF_INET, &port);
    assert_int_equal(uv_loop_init(&uv), 0);
    loop_test_open(&t, &uv);
    start(&t, &s, AF_INET, port);
    while (!s.connected)
        assert_true(uv_run(&uv, UV_RUN_ONCE) != 0);
    s.peer = accept(listener, NULL, NULL);
    peer_sends(&s, "abc");
    while (s.got < 3)
        assert_true(uv_run(&uv, UV_RUN_ONCE) != 0);
    nx_tcp_close(s.tcp);
    nx_loop_close(t.loop, loop_test_closed, &t);
    assert_int_equal(t.closed, 0);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(t.closed, 1);
    assert_int_equal(t.alloc.live, 0);
    assert_int_equal(uv_loop_close(&uv), 0);
    close(s.peer);
    close(listener);
}

static void many_connections_at_once(void **state)
{
    (void)state;
    enum { MANY = 100 };
    static struct side s[MANY];
    struct loop_test t;
    uint16_t port;
    int listener = listening(AF_INET, &port);
    loop_test_open(&t, NULL);
    for (int i = 0; i < MANY; i++)
        start(&t, &s[i], AF_INET, port);
    for (int i = 0; i < MANY; i++) {
        int fd = accept(listener, NULL, NULL);
        assert_int_equal(write(fd, "hi", 2), 2);
        close(fd);
    }
    for (int i = 0; i < MANY; i++)
        read_to_the_end(&t, &s[i]);
    assert_quiet(&t);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(s[i].connected, 1);
        assert_int_equal(s[i].got, 2);
        assert_int_equal(s[i].last_read, NOEX_ECLOSED);
        nx_tcp_close(s[i].tcp);
    }
    close(listener);
    loop_test_close(&t);
}

static void without_memory_no_connection(void **state)
{
    (void)state;
    struct loop_test t;
    uint16_t port;
    int listener = listening(AF_INET, &port);
    loop_test_open(&t, NULL);
    struct side s = {.addr = loopback(AF_INET)};
    t.alloc.fail_at = t.alloc.calls + 1;
    int rc = nx_tcp_connect(&s.tcp, t.loop, &s.addr, port, &handlers, &s, &s.err);
    assert_int_equal(rc, NOEX_ENOMEM);
    assert_int_equal(s.err.code, NOEX_ENOMEM);
    start(&t, &s, AF_INET, port);
    t.alloc.fail_at = t.alloc.calls + 1; /* connecting, reading and closing need none */
    t.alloc.fail_on = true;
    loop_test_until(&t, &s.connected);
    assert_int_equal(s.rc, 0);
    assert_int_equal(t.alloc.failed, 1);
    nx_tcp_close(s.tcp);
    close(listener);
    loop_test_close(&t);
}

static void without_a_descriptor_no_connection(void **state)
{
    (void)state;
    struct loop_test t;
    struct rlimit before;
    loop_test_open(&t, NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    struct rlimit few = {(rlim_t)lowest, before.rlim_max};
    struct side s = {.addr = loopback(AF_INET)};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = nx_tcp_connect(&s.tcp, t.loop, &s.addr, 4369, &handlers, &s, &s.err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, NOEX_ESYSTEM);
    assert_int_equal(s.err.sys_errno, EMFILE);
    assert_quiet(&t);
    assert_int_equal(s.connected, 0);
    loop_test_close(&t);
}

#define CASE(test) cmocka_unit_test_setup(test, no_failures)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_connection_has_nodelay_keepalive_and_close_on_exec),
        CASE(bytes_go_both_ways_over_ipv4),
        CASE(bytes_go_both_ways_over_ipv6),
        CASE(refused_is_told_with_address_and_port_v4),
        CASE(refused_is_told_with_address_and_port_v6),
        CASE(an_unreachable_address_fails_at_once_without_a_callback),
        CASE(each_errno_of_connect_has_its_code),
        CASE(an_unknown_address_family_is_an_error_of_connect),
        CASE(a_connection_to_itself_is_refused_and_leaves_the_port_free),
        CASE(a_connection_to_itself_is_refused_over_ipv6_too),
        CASE(an_interrupted_connect_goes_on),
        CASE(interrupted_reads_and_writes_are_tried_again),
        CASE(before_it_is_connected_nothing_is_read_or_written),
        CASE(before_it_is_refused_nothing_is_read_or_written),
        CASE(no_bytes_are_no_event),
        CASE(readable_comes_again_while_bytes_are_left),
        CASE(the_end_of_file_comes_after_the_bytes_and_once),
        CASE(after_the_peers_end_of_file_we_may_still_write),
        CASE(bytes_before_a_reset_are_not_lost),
        CASE(writing_to_a_reset_connection_is_an_error_and_no_signal),
        CASE(any_other_failure_to_read_or_write_loses_the_connection),
        CASE(a_slow_reader_gets_every_byte_and_we_sleep_meanwhile),
        CASE(a_reset_while_waiting_to_write_after_the_end_of_file_is_told),
        CASE(a_connection_may_close_itself_when_connected_or_refused),
        CASE(a_connection_may_close_itself_when_readable_or_writable),
        CASE(a_callback_may_close_another_connection_that_has_an_event_too),
        CASE(a_callback_may_close_and_connect_anew_on_the_same_descriptor),
        CASE(a_connection_handed_on_calls_its_new_owner_only),
        CASE(the_peer_sees_the_end_as_soon_as_we_close),
        CASE(the_loop_may_close_right_after_its_connections),
        CASE(nested_in_poll_nothing_is_missed),
        CASE(in_a_callers_loop_connections_work_and_close),
        CASE(many_connections_at_once),
        CASE(without_memory_no_connection),
        CASE(without_a_descriptor_no_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
