/* SPDX-License-Identifier: Apache-2.0 */
#include "node/listener.h"

#include "base/alloc.h"
#include "base/err.h"
#include "io/listen.h"
#include <errno.h>

enum {
    RETRY_MS = NX_REGISTRATION_RETRY_MS,
    RESUME_MS = 200,     /* no descriptors: how soon to try again */
    ACCEPTS_A_TURN = 32, /* then the others have their turn */
    PORTS_TRIED = 8      /* of the kernel's choice, until one is free at all addresses */
};

/* ---- what is told ---- */

/* Where both events wait to be told the newer one is filled anew: what counts is how it is now. It
 * is not at hand, for the older one is before it. */
static void tell(struct nx_listener *l, enum noex_event_type type, const struct noex_error *err)
{
    struct nx_node_events *pool = &l->node->events;
    struct nx_node_event *e = nx_node_event_at(pool, l->last_event);
    for (int i = 0; i < NX_LISTENER_EVENTS; i++)
        if (!nx_node_event_at(pool, l->events[i])->queued) {
            l->last_event = l->events[i];
            e = nx_node_event_push(pool, l->last_event, type, NX_EVENT_OF_NODE, err, nx_wall_us());
            e->port = l->port;
            return;
        }
    e->type = type;
    e->time_us = nx_wall_us();
    e->port = l->port;
    if (err)
        e->err = *err;
}

static void succeed(struct nx_listener *l)
{
    const noex_node *node = l->node;
    nx_log(&node->log, NOEX_LOG_INFO, "%s: reachable at port %u%s", node->self.full, l->port,
           node->options.no_epmd ? " (epmd was not told)" : "");
    l->how = NOEX_EVENT_REGISTERED;
    l->cause = (struct noex_error){0};
    tell(l, NOEX_EVENT_REGISTERED, NULL);
}

/* Told once for as long as it stays the same. */
static void fail(struct nx_listener *l, enum noex_event_type type, const struct noex_error *err)
{
    bool news = l->how != type || l->cause.code != err->code;
    nx_log(&l->node->log, news ? NOEX_LOG_INFO : NOEX_LOG_DEBUG, "%s: not reachable: %s",
           l->node->self.full, err->text);
    l->failures++;
    l->how = type;
    l->cause = *err;
    if (news)
        tell(l, type, err);
}

static void on_registration(void *ctx, int rc, const struct noex_error *err)
{
    if (rc)
        fail(ctx, NOEX_EVENT_UNREGISTERED, err);
    else
        succeed(ctx);
}

/* ---- accepting ---- */

static void pause_all(struct nx_listener *l, bool paused)
{
    l->resume_ms = paused ? nx_loop_now(l->node->loop) + RESUME_MS : UINT64_MAX;
    for (unsigned i = 0; i < l->count; i++)
        nx_listen_pause(l->sockets[i], paused);
}

static void on_incoming(void *ctx, struct nx_listen *from)
{
    struct nx_listener *l = ctx;
    struct noex_error err = {0};
    struct nx_tcp *tcp;
    int rc = 1;
    for (int i = 0; i < ACCEPTS_A_TURN && rc > 0; i++) {
        rc = nx_listen_accept(from, &tcp, &err);
        if (rc > 0)
            nx_inbounds_add(&l->inbounds, tcp);
    }
    if (rc < 0) {
        nx_log(&l->node->log, NOEX_LOG_ERROR, "cannot accept a connection: %s", err.text);
        pause_all(l, true);
    }
}

/* ---- listening ---- */

static void close_all(struct nx_listener *l)
{
    while (l->count)
        nx_listen_close(l->sockets[--l->count]);
}

/* At every address of the host that is one of this machine, all at one port. */
static int open_at(struct nx_listener *l, const struct nx_addrs *addrs, uint16_t port,
                   struct noex_error *err)
{
    for (unsigned i = 0; i < addrs->count; i++) {
        struct noex_error cause = {0};
        int rc = nx_listen_open(&l->sockets[l->count], l->node->loop, &addrs->addr[i], port,
                                on_incoming, l, &cause);
        if (rc == 0)
            port = nx_listen_port(l->sockets[l->count++]);
        else if (rc != NOEX_ENOTLOCAL) {
            *err = cause;
            return rc;
        }
    }
    l->port = port;
    return l->count ? 0 : NOEX_ENOTLOCAL;
}

static const char *host_of(const struct nx_listener *l)
{
    const noex_node *node = l->node;
    return node->options.listen_address ? node->options.listen_address : node->self.host;
}

static int not_local(const struct nx_listener *l, const struct nx_addrs *addrs,
                     struct noex_error *err)
{
    char text[64];
    nx_addr_text(&addrs->addr[0], text, sizeof text);
    if (l->node->options.listen_address)
        return nx_fail(err, NOEX_ENOTLOCAL,
                       "listen_address %.100s (%s) is no address of this machine", host_of(l),
                       text);
    return nx_fail(err, NOEX_ENOTLOCAL,
                   "the host of the node's name, %.80s (%s), is no address of this machine, as "
                   "behind NAT or in Kubernetes: say by listen_address where to listen",
                   host_of(l), text);
}

/* A port of the kernel's choice at the first address may be somebody else's at the next. */
static int open_all(struct nx_listener *l, const struct nx_addrs *addrs, struct noex_error *err)
{
    uint16_t port = l->node->options.listen_port;
    int rc = NOEX_ESYSTEM;
    for (int i = 0; rc && i < PORTS_TRIED; i++) {
        close_all(l);
        *err = (struct noex_error){0};
        rc = open_at(l, addrs, port, err);
        if (port || err->sys_errno != EADDRINUSE)
            break;
    }
    if (rc)
        close_all(l);
    return rc == NOEX_ENOTLOCAL ? not_local(l, addrs, err) : rc;
}

static void listen_failed(struct nx_listener *l, const struct noex_error *err)
{
    l->act_ms = nx_loop_now(l->node->loop) + RETRY_MS;
    fail(l, NOEX_EVENT_LISTEN_FAILED, err);
}

static bool is_v4(const struct nx_addr *a)
{
    return a->addr.ss_family == AF_INET;
}

static bool only_v6(const struct nx_addrs *addrs)
{
    for (unsigned i = 0; i < addrs->count; i++)
        if (is_v4(&addrs->addr[i]))
            return false;
    return true;
}

static void on_resolved(void *ctx, int rc, const struct nx_addrs *addrs,
                        const struct noex_error *cause)
{
    struct nx_listener *l = ctx;
    struct noex_error err = {0};
    l->resolve = NULL;
    if (rc) {
        listen_failed(l, cause);
        return;
    }
    if (open_all(l, addrs, &err)) {
        listen_failed(l, &err);
        return;
    }
    l->act_ms = UINT64_MAX;
    if (l->node->options.no_epmd)
        succeed(l);
    else
        nx_registration_start(&l->registration, l->port, only_v6(addrs));
}

static void begin(struct nx_listener *l, uint64_t now_ms)
{
    struct noex_error err = {0};
    l->act_ms = now_ms + l->node->options.step_ms;
    if (nx_resolve_start(&l->resolve, l->node->loop, host_of(l), on_resolved, l, &err))
        listen_failed(l, &err);
}

static void give_up_resolution(struct nx_listener *l)
{
    struct noex_error err = {0};
    nx_resolve_cancel(l->resolve);
    l->resolve = NULL;
    nx_fail(&err, NOEX_EDNSTIMEOUT, "no answer from name resolution for %.100s within %llu ms",
            host_of(l), (unsigned long long)l->node->options.step_ms);
    listen_failed(l, &err);
}

/* ---- life ---- */

int nx_listener_new(struct nx_listener **out, noex_node *node)
{
    struct nx_listener *l = nx_calloc(&node->alloc, 1, sizeof *l);
    if (!l)
        return NOEX_ENOMEM;
    int rc = nx_node_events_reserve(&node->events, l->events, NX_LISTENER_EVENTS);
    if (rc) {
        nx_free(&node->alloc, l);
        return rc;
    }
    l->node = node;
    l->resume_ms = UINT64_MAX;
    l->last_event = l->events[0];
    nx_registration_init(&l->registration, node, on_registration, l);
    nx_inbounds_init(&l->inbounds, node);
    *out = l;
    return 0;
}

void nx_listener_free(struct nx_listener *l)
{
    if (!l)
        return;
    nx_resolve_cancel(l->resolve);
    close_all(l);
    nx_registration_stop(&l->registration);
    nx_inbounds_free(&l->inbounds);
    nx_free(&l->node->alloc, l);
}

bool nx_listener_is_reachable(const struct nx_listener *l)
{
    return l && l->how == NOEX_EVENT_REGISTERED;
}

bool nx_listener_has_name(const struct nx_listener *l)
{
    return l && l->registration.held;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t nx_listener_deadline(const struct nx_listener *l)
{
    if (!l)
        return UINT64_MAX;
    uint64_t at = earlier(l->act_ms, l->resume_ms);
    at = earlier(at, nx_registration_deadline(&l->registration));
    return earlier(at, nx_inbounds_deadline(&l->inbounds));
}

void nx_listener_turn(struct nx_listener *l, uint64_t now_ms)
{
    if (!l)
        return;
    if (now_ms >= l->act_ms && l->resolve)
        give_up_resolution(l);
    else if (now_ms >= l->act_ms)
        begin(l, now_ms);
    if (now_ms >= l->resume_ms)
        pause_all(l, false);
    nx_registration_turn(&l->registration, now_ms);
    nx_inbounds_turn(&l->inbounds, now_ms);
}
