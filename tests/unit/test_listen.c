/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* syscall() */
#include "io/listen.h"
#include "loop_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* System calls of the code under test pass through here, so that a test can make them fail. */
static struct {
    int socket_errno;
    int listen_errno;
    int accept_errno;
    unsigned accepts_failing; /* that many */
} sys;

int socket(int domain, int type, int protocol)
{
    if (sys.socket_errno) {
        errno = sys.socket_errno;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

int listen(int fd, int backlog)
{
    if (sys.listen_errno) {
        errno = sys.listen_errno;
        return -1;
    }
    return (int)syscall(SYS_listen, fd, backlog);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (sys.accepts_failing) {
        sys.accepts_failing--;
        errno = sys.accept_errno;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr, len, flags);
}

/* A listening socket on a loop, and who was accepted there. */
enum { TAKEN_MAX = 8 };

static struct {
    struct loop_test loop;
    struct nx_listen *listen;
    struct nx_tcp *taken[TAKEN_MAX];
    unsigned count;
    unsigned told;
    unsigned readable;
    unsigned at_once; /* accepted in one callback at most */
    bool close_it;    /* the listening socket, in the callback */
    int rc;           /* of the last accept */
    struct noex_error err;
} t;

static void on_connected(void *ctx, int rc, const struct noex_error *err)
{
    (void)ctx, (void)rc, (void)err;
    fail_msg("an accepted connection is connected already");
}

static void on_readable(void *ctx)
{
    uint8_t byte;
    t.readable++;
    assert_int_equal(nx_tcp_read(ctx, &byte, 1, NULL), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(nx_tcp_write(ctx, (const uint8_t *)"y", 1, NULL), 1);
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static const struct nx_tcp_handlers handlers = {on_connected, on_readable, on_writable};

static void on_incoming(void *ctx, struct nx_listen *l)
{
    assert_ptr_equal(ctx, &t);
    assert_ptr_equal(l, t.listen);
    t.told++;
    for (unsigned i = 0; i < t.at_once; i++) {
        assert_true(t.count < TAKEN_MAX);
        t.err.code = 0;
        t.rc = nx_listen_accept(l, &t.taken[t.count], &t.err);
        if (t.rc <= 0)
            break;
        nx_tcp_set_handlers(t.taken[t.count], &handlers, t.taken[t.count]);
        t.count++;
    }
    if (t.close_it) {
        nx_listen_close(l);
        t.listen = NULL;
    }
}

static struct nx_addr address(const char *text)
{
    struct nx_addr a = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.addr;
    in->sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        return a;
    a.addr.ss_family = AF_INET6;
    a.len = sizeof *in6;
    assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
    return a;
}

static int try_open(const char *where, uint16_t port)
{
    const struct nx_addr a = address(where);
    t.err = (struct noex_error){0};
    return nx_listen_open(&t.listen, t.loop.loop, &a, port, on_incoming, &t, &t.err);
}

static void open_loop(void)
{
    memset(&t, 0, sizeof t);
    memset(&sys, 0, sizeof sys);
    t.at_once = TAKEN_MAX;
    loop_test_open(&t.loop, NULL);
}

static void open_at(const char *where)
{
    open_loop();
    assert_int_equal(try_open(where, 0), 0);
    assert_true(nx_listen_port(t.listen) > 0);
}

static void close_all(void)
{
    nx_listen_close(t.listen);
    for (unsigned i = 0; i < t.count; i++)
        nx_tcp_close(t.taken[i]);
    loop_test_close(&t.loop);
}

/* A plain blocking socket that connects to it. */
static int dial_port(const char *where, uint16_t port)
{
    const struct nx_addr plain = address(where), a = nx_addr_with_port(&plain, port);
    int fd = (int)syscall(SYS_socket, a.addr.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a.addr, a.len), 0);
    return fd;
}

static int dial(const char *where)
{
    return dial_port(where, nx_listen_port(t.listen));
}

static void turn(uint64_t wait_ms)
{
    assert_int_equal(nx_loop_run(t.loop.loop, wait_ms), 0);
}

static void until_accepted(unsigned n)
{
    uint64_t end = loop_test_clock() + 10000;
    while (t.count < n) {
        turn(100);
        assert_true(loop_test_clock() < end);
    }
}

static void expect_talk(int fd)
{
    char byte = 0;
    unsigned before = t.readable;
    assert_int_equal(write(fd, "x", 1), 1);
    uint64_t end = loop_test_clock() + 10000;
    while (t.readable == before) {
        turn(100);
        assert_true(loop_test_clock() < end);
    }
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 'y');
}

static void who_connects_is_accepted_and_both_talk(void **state)
{
    (void)state;
    open_at("127.0.0.1");
    int fd = dial("127.0.0.1");
    until_accepted(1);
    expect_talk(fd);
    struct sockaddr_in own = {0};
    socklen_t len = sizeof own;
    char where[NX_PLACE_SIZE];
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    snprintf(where, sizeof where, "127.0.0.1:%u", ntohs(own.sin_port));
    assert_string_equal(nx_tcp_where(t.taken[0]), where);
    close(fd);
    close_all();
}

static void those_who_wait_are_accepted_in_one_callback_or_in_several(void **state)
{
    (void)state;
    for (unsigned at_once = 1; at_once <= 4; at_once += 3) {
        int fd[4];
        open_at("127.0.0.1");
        t.at_once = at_once;
        for (int i = 0; i < 4; i++)
            fd[i] = dial("127.0.0.1");
        until_accepted(4);
        assert_int_equal(t.told, 4 / at_once);
        for (int i = 0; i < 4; i++)
            expect_talk(fd[i]);
        close_all();
        for (int i = 0; i < 4; i++)
            close(fd[i]);
    }
}

/* Flags that a program which is executed meanwhile, and a peer far away, would notice. */
static void sockets_are_closed_on_exec_and_send_at_once(void **state)
{
    (void)state;
    int highest = dup(0), fd, on = 0;
    socklen_t len = sizeof on;
    close(highest);
    open_at("127.0.0.1");
    fd = dial("127.0.0.1");
    until_accepted(1);
    unsigned checked = 0;
    for (int i = highest; i < highest + 16; i++) {
        struct sockaddr_in own;
        socklen_t own_len = sizeof own;
        if (i == fd || getsockname(i, (struct sockaddr *)&own, &own_len) ||
            own.sin_family != AF_INET)
            continue;
        assert_true(fcntl(i, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(i, F_GETFL) & O_NONBLOCK);
        checked++;
        if (getpeername(i, (struct sockaddr *)&own, &own_len) == 0) {
            assert_int_equal(getsockopt(i, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
            assert_true(on);
        }
    }
    assert_int_equal(checked, 2);
    close(fd);
    close_all();
}

static bool has_ipv6(void)
{
    struct nx_addr a = address("::1");
    int fd = (int)syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&a.addr, a.len) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static void an_address_stays_its_own_and_a_wildcard_is_all(void **state)
{
    (void)state;
    static const struct {
        const char *at, *from;
    } cases[] = {{"::1", "::1"}, {"0.0.0.0", "127.0.0.1"}, {"::", "::1"}, {"::", "127.0.0.1"}};
    if (!has_ipv6())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_at(cases[i].at);
        int fd = dial(cases[i].from);
        until_accepted(1);
        expect_talk(fd);
        close(fd);
        close_all();
    }
    open_at("127.0.0.1");
    struct nx_addr plain = address("127.0.0.2"),
                   a = nx_addr_with_port(&plain, nx_listen_port(t.listen));
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a.addr, a.len), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
    close_all();
}

static void a_port_may_be_asked_for_and_listened_at_again_at_once(void **state)
{
    (void)state;
    open_at("127.0.0.1");
    uint16_t port = nx_listen_port(t.listen);
    int fd = dial("127.0.0.1");
    until_accepted(1);
    nx_tcp_close(t.taken[0]); /* the end that closes first keeps the port for a while */
    t.count = 0;
    close_all();
    close(fd);
    open_loop();
    assert_int_equal(try_open("127.0.0.1", port), 0);
    assert_int_equal(nx_listen_port(t.listen), port);
    close_all();
}

static void what_does_not_work_is_told(void **state)
{
    (void)state;
    open_loop();
    assert_int_equal(try_open("192.0.2.1", 0), NOEX_ENOTLOCAL);
    assert_string_equal(t.err.text, "192.0.2.1:0: Cannot assign requested address");
    sys.socket_errno = EAFNOSUPPORT;
    assert_int_equal(try_open("::1", 0), NOEX_ENOTLOCAL);
    sys.socket_errno = EMFILE;
    assert_int_equal(try_open("127.0.0.1", 0), NOEX_ESYSTEM);
    assert_int_equal(t.err.sys_errno, EMFILE);
    sys.socket_errno = 0;
    sys.listen_errno = EADDRINUSE;
    assert_int_equal(try_open("127.0.0.1", 0), NOEX_ESYSTEM);
    sys.listen_errno = 0;
    assert_int_equal(try_open("127.0.0.1", 0), 0);
    struct nx_listen *first = t.listen;
    assert_int_equal(try_open("127.0.0.1", nx_listen_port(first)), NOEX_ESYSTEM);
    assert_int_equal(t.err.sys_errno, EADDRINUSE);
    assert_non_null(strstr(t.err.text, "in use"));
    t.listen = first;
    close_all();
}

static void a_paused_socket_tells_nobody_until_it_goes_on(void **state)
{
    (void)state;
    open_at("127.0.0.1");
    nx_listen_pause(t.listen, true);
    int fd = dial("127.0.0.1");
    for (int i = 0; i < 5; i++)
        turn(5);
    assert_int_equal(t.told, 0);
    nx_listen_pause(t.listen, false);
    until_accepted(1);
    expect_talk(fd);
    close(fd);
    close_all();
}

/* Outside a turn: the kernel must learn of it before a program that nests the loop polls. */
static void a_new_socket_wakes_a_loop_that_is_nested(void **state)
{
    (void)state;
    open_loop();
    turn(0);
    assert_int_equal(try_open("127.0.0.1", 0), 0);
    struct pollfd fd = {.fd = nx_loop_fd(t.loop.loop), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 5000), 1); /* the kick */
    turn(0);
    int peer = dial("127.0.0.1");
    assert_int_equal(poll(&fd, 1, 5000), 1);
    turn(0);
    assert_int_equal(t.count, 1);
    close(peer);
    close_all();
}

static void without_descriptors_who_waits_goes_on_waiting(void **state)
{
    (void)state;
    open_at("127.0.0.1");
    sys.accept_errno = EMFILE;
    sys.accepts_failing = 2;
    int fd = dial("127.0.0.1");
    while (t.told < 2)
        turn(100);
    assert_int_equal(t.rc, NOEX_ESYSTEM);
    assert_int_equal(t.err.sys_errno, EMFILE);
    until_accepted(1);
    expect_talk(fd);
    close(fd);
    close_all();
}

static void who_is_gone_before_it_is_accepted_is_nobody(void **state)
{
    (void)state;
    static const int errors[] = {EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        open_at("127.0.0.1");
        sys.accept_errno = errors[i];
        sys.accepts_failing = 1;
        int fd = dial("127.0.0.1");
        while (!t.told)
            turn(100);
        assert_int_equal(t.rc, 0);
        until_accepted(1);
        close(fd);
        close_all();
    }
}

static void a_socket_may_be_closed_in_its_own_callback(void **state)
{
    (void)state;
    open_at("127.0.0.1");
    t.close_it = true;
    int fd = dial("127.0.0.1"), other = dial("127.0.0.1");
    until_accepted(1);
    for (int i = 0; i < 3; i++)
        turn(5);
    assert_int_equal(t.told, 1);
    close(fd);
    close(other);
    close_all();
}

static void without_memory_nothing_is_left_behind(void **state)
{
    (void)state;
    int before = dup(0), after;
    close(before);
    open_loop();
    t.loop.alloc.fail_at = t.loop.alloc.calls + 1;
    assert_int_equal(try_open("127.0.0.1", 0), NOEX_ENOMEM);
    t.loop.alloc.fail_at = 0;
    t.listen = NULL;
    assert_int_equal(try_open("127.0.0.1", 0), 0);
    t.loop.alloc.fail_at = t.loop.alloc.calls + 1;
    int fd = dial("127.0.0.1");
    while (!t.told)
        turn(100);
    assert_int_equal(t.rc, NOEX_ENOMEM);
    char byte;
    assert_int_equal(read(fd, &byte, 1), 0); /* whoever it was is told so */
    close(fd);
    close_all();
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_connects_is_accepted_and_both_talk),
        cmocka_unit_test(those_who_wait_are_accepted_in_one_callback_or_in_several),
        cmocka_unit_test(sockets_are_closed_on_exec_and_send_at_once),
        cmocka_unit_test(an_address_stays_its_own_and_a_wildcard_is_all),
        cmocka_unit_test(a_port_may_be_asked_for_and_listened_at_again_at_once),
        cmocka_unit_test(what_does_not_work_is_told),
        cmocka_unit_test(a_paused_socket_tells_nobody_until_it_goes_on),
        cmocka_unit_test(a_new_socket_wakes_a_loop_that_is_nested),
        cmocka_unit_test(without_descriptors_who_waits_goes_on_waiting),
        cmocka_unit_test(who_is_gone_before_it_is_accepted_is_nobody),
        cmocka_unit_test(a_socket_may_be_closed_in_its_own_callback),
        cmocka_unit_test(without_memory_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
