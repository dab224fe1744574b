/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tcp.h"

#include "base/alloc.h"
#include "base/err.h"
#include "io/loop_uv.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct nx_tcp {
    uv_poll_t poll;
    struct nx_loop *loop;
    const struct nx_tcp_handlers *handlers;
    void *ctx;
    int fd;
    int watched; /* UV_READABLE | UV_WRITABLE, as the poll was started with */
    bool connecting;
    bool paused;     /* the owner does not want to hear of what there is to read */
    bool ended;      /* end of file or an error was told: nothing more will come to read */
    bool want_write; /* nx_tcp_write took less than it was given */
    char where[NX_PLACE_SIZE];
};

static int connect_code(int sys_errno)
{
    switch (sys_errno) {
    case ECONNREFUSED:
        return NOEX_ECONNREFUSED;
    case ETIMEDOUT:
        return NOEX_ECONNECTTIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL: /* no own address to reach it from: IPv6 is off */
    case EAFNOSUPPORT:
    case EACCES: /* forbidden by a local packet filter */
    case EPERM:
        return NOEX_EUNREACHABLE;
    case ECONNRESET: /* accepted, and reset before it was noticed */
    case ENOTCONN:
        return NOEX_ELOST;
    default:
        return NOEX_ESYSTEM;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Watches for what is wanted now. The change reaches the kernel in the next poll only, which a
 * program that nests the loop would not start by itself: hence the kick. */
static int watch(struct nx_tcp *t)
{
    int events = t->ended || t->paused ? 0 : UV_READABLE;
    if (t->want_write)
        events |= UV_WRITABLE;
    if (t->connecting)
        events = UV_WRITABLE;
    if (events == t->watched)
        return 0;
    t->watched = events;
    if (!events)
        return uv_poll_stop(&t->poll);
    nx_loop_kick(t->loop);
    return uv_poll_start(&t->poll, events, on_poll);
}

/* 0, or the errno of a connection that did not come about. A connect to an ephemeral port of this
 * host where nobody listens can meet itself (simultaneous open); aborting it leaves the port free
 * at once. */
static int connect_result(struct nx_tcp *t)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_len = sizeof here, there_len = sizeof there;
    int cause = 0;
    socklen_t len = sizeof cause;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &cause, &len))
        return errno;
    if (cause)
        return cause;
    if (getpeername(t->fd, (struct sockaddr *)&there, &there_len) ||
        getsockname(t->fd, (struct sockaddr *)&here, &here_len))
        return errno;
    if (here_len != there_len || memcmp(&here, &there, here_len) != 0)
        return 0;
    struct linger abort_on_close = {1, 0};
    setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
    return ECONNREFUSED;
}

static void on_connect(struct nx_tcp *t)
{
    struct noex_error err = {0};
    int cause = connect_result(t);
    int rc = cause ? nx_fail_sys(&err, connect_code(cause), cause, t->where) : 0;
    t->connecting = false;
    t->ended = rc != 0;
    t->want_write = t->want_write && rc == 0;
    t->handlers->connected(t->ctx, rc, rc ? &err : NULL);
}

static void on_io(struct nx_tcp *t, bool readable, bool writable)
{
    if (readable && !t->ended && !t->paused)
        t->handlers->readable(t->ctx);
    if (uv_is_closing((uv_handle_t *)&t->poll) || !writable || !t->want_write)
        return;
    t->want_write = false;
    t->handlers->writable(t->ctx);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct nx_tcp *t = poll->data;
    /* On an error libuv stops the handle, yet bytes that came before it may still be unread. */
    if (status < 0)
        t->watched = 0;
    if (t->connecting)
        on_connect(t);
    else
        on_io(t, status < 0 || events & UV_READABLE, status < 0 || events & UV_WRITABLE);
    if (!uv_is_closing((uv_handle_t *)poll))
        (void)watch(t);
}

static void on_closed(uv_handle_t *handle)
{
    struct nx_tcp *t = handle->data;
    struct nx_loop *loop = t->loop;
    nx_free(nx_loop_allocator(loop), t);
    nx_loop_release(loop);
}

static void set_options(int fd)
{
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Starts the connection on t->fd. 0, or an errno. EINTR does not stop a connect, it goes on. */
static int begin(struct nx_tcp *t, const struct nx_addr *to)
{
    t->fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (t->fd < 0)
        return errno;
    set_options(t->fd);
    if (connect(t->fd, (const struct sockaddr *)&to->addr, to->len) == 0)
        return 0;
    return errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

static struct nx_tcp *new_tcp(struct nx_loop *loop, const struct nx_addr *addr, uint16_t port)
{
    struct nx_tcp *t = nx_calloc(nx_loop_allocator(loop), 1, sizeof *t);
    if (!t)
        return NULL;
    t->loop = loop;
    t->poll.data = t;
    nx_addr_place(addr, port, t->where, sizeof t->where);
    return t;
}

/* Puts t->fd under watch, unless `cause` says that it failed before. 0, or an errno: then `t` is
 * gone with its descriptor. */
static int begin_watch(struct nx_tcp *t, int cause)
{
    if (!cause)
        cause = -uv_poll_init_socket(nx_loop_uv(t->loop), &t->poll, t->fd);
    if (cause) {
        if (t->fd >= 0)
            close(t->fd);
        nx_free(nx_loop_allocator(t->loop), t);
        return cause;
    }
    nx_loop_hold(t->loop);
    cause = -watch(t);
    if (cause)
        nx_tcp_close(t);
    return cause;
}

int nx_tcp_connect(struct nx_tcp **out, struct nx_loop *loop, const struct nx_addr *addr,
                   uint16_t port, const struct nx_tcp_handlers *handlers, void *ctx,
                   struct noex_error *err)
{
    struct nx_addr to = nx_addr_with_port(addr, port);
    struct nx_tcp *t = new_tcp(loop, addr, port);
    char where[NX_PLACE_SIZE];
    if (!t)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    memcpy(where, t->where, sizeof where);
    t->handlers = handlers;
    t->ctx = ctx;
    t->connecting = true;
    int cause = begin_watch(t, begin(t, &to));
    if (cause)
        return nx_fail_sys(err, connect_code(cause), cause, where);
    *out = t;
    return 0;
}

int nx_tcp_take(struct nx_tcp **out, struct nx_loop *loop, int fd, const struct nx_addr *from,
                struct noex_error *err)
{
    struct nx_tcp *t = new_tcp(loop, from, nx_addr_port(from));
    if (!t) {
        close(fd);
        return nx_fail(err, NOEX_ENOMEM, NULL);
    }
    t->fd = fd;
    set_options(fd);
    int cause = begin_watch(t, 0);
    if (cause)
        return nx_fail_sys(err, NOEX_ESYSTEM, cause, "a connection that was accepted");
    *out = t;
    return 0;
}

const char *nx_tcp_where(const struct nx_tcp *t)
{
    return t->where;
}

void nx_tcp_set_handlers(struct nx_tcp *t, const struct nx_tcp_handlers *handlers, void *ctx)
{
    t->handlers = handlers;
    t->ctx = ctx;
}

int64_t nx_tcp_read(struct nx_tcp *t, uint8_t *buf, size_t size, struct noex_error *err)
{
    if (t->connecting || size == 0)
        return 0;
    ssize_t n;
    do
        n = recv(t->fd, buf, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    int cause = n ? errno : 0;
    if (cause == EAGAIN || cause == EWOULDBLOCK)
        return 0;
    t->ended = true;
    if (cause)
        return nx_fail_sys(err, NOEX_ELOST, cause, t->where);
    return nx_fail(err, NOEX_ECLOSED, "%s: %s", t->where, noex_error_text(NOEX_ECLOSED));
}

void nx_tcp_watch_reads(struct nx_tcp *t, bool yes)
{
    t->paused = !yes;
    (void)watch(t);
}

int64_t nx_tcp_write(struct nx_tcp *t, const uint8_t *bytes, size_t len, struct noex_error *err)
{
    ssize_t n = 0;
    if (!t->connecting && len)
        do
            n = send(t->fd, bytes, len, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        t->want_write = false;
        return nx_fail_sys(err, NOEX_ELOST, errno, t->where);
    }
    if (n < 0)
        n = 0;
    if ((size_t)n < len) {
        t->want_write = true;
        (void)watch(t);
    }
    return n;
}

void nx_tcp_finish(struct nx_tcp *t)
{
    shutdown(t->fd, SHUT_WR);
}

void nx_tcp_close(struct nx_tcp *t)
{
    if (!t)
        return;
    uv_close((uv_handle_t *)&t->poll, on_closed);
    close(t->fd);
}
