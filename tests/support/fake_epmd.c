/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_epmd.h"

#include "base/span.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void fake_epmd_start(struct fake_epmd *e, uint16_t port)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof at;
    enum fake_epmd_mode mode = port ? e->mode : FAKE_EPMD_HOLDS;
    unsigned registrations = port ? e->registrations : 0;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *e = (struct fake_epmd){.fd = -1, .mode = mode, .registrations = registrations};
    e->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (e->listener < 0 || bind(e->listener, (struct sockaddr *)&at, sizeof at) ||
        listen(e->listener, 16) || getsockname(e->listener, (struct sockaddr *)&at, &len)) {
        perror("fake_epmd: listen");
        abort();
    }
    e->port = ntohs(at.sin_port);
}

static void hang_up(struct fake_epmd *e)
{
    if (e->fd >= 0)
        close(e->fd);
    e->fd = -1;
    e->holds = false;
}

void fake_epmd_stop(struct fake_epmd *e)
{
    hang_up(e);
    if (e->listener >= 0)
        close(e->listener);
    e->listener = -1;
}

static void say(struct fake_epmd *e, const void *bytes, size_t len)
{
    if (send(e->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        hang_up(e);
}

void fake_epmd_disturb(struct fake_epmd *e)
{
    say(e, "?", 1);
}

static void answer(struct fake_epmd *e)
{
    static const uint8_t held[] = {118, 0, 0, 0, 1, 0}, taken[] = {118, 1, 0, 0, 0, 99};
    switch (e->mode) {
    case FAKE_EPMD_HOLDS:
        e->holds = true;
        say(e, held, sizeof held);
        break;
    case FAKE_EPMD_TAKEN:
        say(e, taken, sizeof taken);
        break;
    case FAKE_EPMD_SILENT:
        break;
    case FAKE_EPMD_CUTS:
        say(e, held, 3);
        hang_up(e);
        break;
    case FAKE_EPMD_CLOSES:
        hang_up(e);
        break;
    case FAKE_EPMD_GARBAGE:
        say(e, "HTTP/1.1 400", 12);
        break;
    }
}

/* ALIVE2: length, 120, port, nodetype, protocol, highest, lowest, name, extra. */
static void take_request(struct fake_epmd *e)
{
    struct nx_rd in = nx_rd(nx_span(e->request, e->len));
    struct nx_span whole, name;
    uint16_t len, name_len;
    uint8_t tag, protocol;
    if (!nx_rd_u16(&in, &len) || !nx_rd_bytes(&in, len, &whole))
        return;
    in = nx_rd(whole);
    e->registrations++;
    e->answered = true;
    if (!nx_rd_u8(&in, &tag) || tag != 120 || !nx_rd_u16(&in, &e->node_port) ||
        !nx_rd_u8(&in, &e->nodetype) || !nx_rd_u8(&in, &protocol) || protocol != 0 ||
        !nx_rd_u16(&in, &e->highest) || !nx_rd_u16(&in, &e->lowest) || !nx_rd_u16(&in, &name_len) ||
        !nx_rd_bytes(&in, name_len, &name) || name_len >= sizeof e->name) {
        fprintf(stderr, "fake_epmd: no registration\n");
        abort();
    }
    memcpy(e->name, name.ptr, name_len);
    e->name[name_len] = '\0';
    answer(e);
}

static bool accept_one(struct fake_epmd *e)
{
    int fd = e->listener < 0 ? -1 : accept(e->listener, NULL, NULL);
    if (fd < 0)
        return false;
    hang_up(e);
    e->fd = fd;
    e->len = 0;
    e->answered = false;
    return true;
}

bool fake_epmd_step(struct fake_epmd *e)
{
    bool moved = accept_one(e);
    if (e->fd < 0)
        return moved;
    ssize_t n = recv(e->fd, e->request + e->len, sizeof e->request - e->len, MSG_DONTWAIT);
    if (n == 0 || (n > 0 && e->answered)) {
        hang_up(e); /* any byte ends a registration */
        return true;
    }
    if (n < 0)
        return moved;
    e->len += (size_t)n;
    take_request(e);
    return true;
}
