/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4: no descriptor leaks to a program that is executed meanwhile */

#include "io/listen.h"

#include "base/alloc.h"
#include "base/err.h"
#include "io/loop_uv.h"

#include <errno.h>
#include <unistd.h>

struct nx_listen {
    uv_poll_t poll;
    struct nx_loop *loop;
    nx_incoming_fn incoming;
    void *ctx;
    int fd;
    uint16_t port;
};

/* The descriptor is watched level-triggered: what is not accepted now is told in the next turn. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct nx_listen *l = poll->data;
    (void)status, (void)events;
    l->incoming(l->ctx, l);
}

/* The kernel learns of it in the next poll: hence the kick, as in tcp.c. */
static int watch(struct nx_listen *l)
{
    nx_loop_kick(l->loop);
    return uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

static int listen_at(struct nx_listen *l, const struct nx_addr *at)
{
    const int on = 1, off = 0;
    struct nx_addr bound = {.len = sizeof bound.addr};
    l->fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (l->fd < 0)
        return errno;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->addr.ss_family == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(l->fd, (const struct sockaddr *)&at->addr, at->len) || listen(l->fd, SOMAXCONN) ||
        getsockname(l->fd, (struct sockaddr *)&bound.addr, &bound.len))
        return errno;
    l->port = nx_addr_port(&bound);
    return -uv_poll_init_socket(nx_loop_uv(l->loop), &l->poll, l->fd);
}

static int open_failed(int cause, const struct nx_addr *addr, uint16_t port, struct noex_error *err)
{
    char place[NX_PLACE_SIZE];
    bool elsewhere = cause == EADDRNOTAVAIL || cause == EAFNOSUPPORT;
    nx_addr_place(addr, port, place, sizeof place);
    return nx_fail_sys(err, elsewhere ? NOEX_ENOTLOCAL : NOEX_ESYSTEM, cause, place);
}

int nx_listen_open(struct nx_listen **out, struct nx_loop *loop, const struct nx_addr *addr,
                   uint16_t port, nx_incoming_fn incoming, void *ctx, struct noex_error *err)
{
    const struct noex_allocator *a = nx_loop_allocator(loop);
    const struct nx_addr at = nx_addr_with_port(addr, port);
    struct nx_listen *l = nx_calloc(a, 1, sizeof *l);
    if (!l)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    l->loop = loop;
    l->incoming = incoming;
    l->ctx = ctx;
    l->poll.data = l;
    int cause = listen_at(l, &at);
    if (cause) {
        if (l->fd >= 0)
            close(l->fd);
        nx_free(a, l);
        return open_failed(cause, addr, port, err);
    }
    nx_loop_hold(loop);
    cause = -watch(l);
    if (cause) {
        nx_listen_close(l);
        return open_failed(cause, addr, port, err);
    }
    *out = l;
    return 0;
}

uint16_t nx_listen_port(const struct nx_listen *l)
{
    return l->port;
}

/* Nobody waits, or whoever waited is gone again. If others do the next poll tells. */
static bool is_nobody(int cause)
{
    return cause == EAGAIN || cause == EWOULDBLOCK || cause == EINTR || cause == ECONNABORTED ||
           cause == EPROTO || cause == ENETDOWN || cause == ENOPROTOOPT || cause == EHOSTDOWN ||
           cause == EHOSTUNREACH || cause == ENETUNREACH || cause == EOPNOTSUPP || cause == EPERM;
}

int nx_listen_accept(struct nx_listen *l, struct nx_tcp **out, struct noex_error *err)
{
    struct nx_addr from = {.len = sizeof from.addr};
    int fd = accept4(l->fd, (struct sockaddr *)&from.addr, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_nobody(errno))
        return 0;
    if (fd < 0)
        return nx_fail_sys(err, NOEX_ESYSTEM, errno, "accept");
    int rc = nx_tcp_take(out, l->loop, fd, &from, err);
    return rc ? rc : 1;
}

void nx_listen_pause(struct nx_listen *l, bool paused)
{
    if (paused)
        uv_poll_stop(&l->poll);
    else
        (void)watch(l);
}

static void on_closed(uv_handle_t *handle)
{
    struct nx_listen *l = handle->data;
    struct nx_loop *loop = l->loop;
    nx_free(nx_loop_allocator(loop), l);
    nx_loop_release(loop);
}

void nx_listen_close(struct nx_listen *l)
{
    if (!l)
        return;
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
}
