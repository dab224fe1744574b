/* SPDX-License-Identifier: Apache-2.0 */
#include "node/inbound.h"

#include "base/alloc.h"
#include "base/err.h"
#include "node/given.h"
#include "node/peer.h"
#include <inttypes.h>
#include <stdio.h>

struct nx_inbound {
    struct nx_inbounds *all;
    struct nx_inbound *prev;
    struct nx_inbound *next;
    struct nx_channel ch;
    bool named; /* `who` is what it calls itself, or was given */
    bool taken; /* it is up: the connection is the peer's */
    struct nx_given who;
    struct nx_peer *peer; /* once the cookie was right */
    uint64_t begun;       /* its place in the order of all connections of the node */
    uint32_t events[NX_PEER_EVENTS];
    bool reserved; /* `events` are set aside */
};

static void unlink_from(struct nx_inbounds *all, struct nx_inbound *in)
{
    *(in->prev ? &in->prev->next : &all->first) = in->next;
    *(in->next ? &in->next->prev : &all->last) = in->prev;
    all->count--;
}

static void append(struct nx_inbounds *all, struct nx_inbound *in)
{
    in->next = NULL;
    in->prev = all->last;
    *(all->last ? &all->last->next : &all->first) = in;
    all->last = in;
    all->count++;
}

static void release(struct nx_inbound *in)
{
    struct nx_inbounds *all = in->all;
    noex_node *node = all->node;
    unlink_from(all, in);
    nx_given_back(node, &in->who, NULL);
    for (int i = 0; in->reserved && i < NX_PEER_EVENTS; i++)
        nx_node_event_release(&node->events, in->events[i]);
    nx_channel_close(&in->ch);
    nx_free(&node->alloc, in);
}

/* Whoever connects and says nothing is no peer that could not connect. */
static void refuse(struct nx_inbound *in, const struct noex_error *err)
{
    noex_node *node = in->all->node;
    bool nobody = !in->named && err->code == NOEX_ECLOSED;
    nx_log(&node->log, nobody ? NOEX_LOG_DEBUG : NOEX_LOG_INFO,
           "%s%s%s: did not connect to this node: %s", in->named ? in->who.name.full : "",
           in->named ? ", from " : "", nx_tcp_where(in->ch.tcp), err->text);
    node->stats.refused++;
    release(in);
}

/* ---- what the handshake asks ---- */

static void set_named(struct nx_inbound *in)
{
    in->named = true;
    in->begun = ++in->all->node->begun;
}

static enum nx_hs_status on_name(void *ctx, struct nx_span name)
{
    struct nx_inbound *in = ctx;
    noex_node *node = in->all->node;
    char text[NX_NAME_MAX + 1] = "";
    struct nx_peer *p;
    if (name.len <= NX_NAME_MAX)
        memcpy(text, name.ptr, name.len);
    if (nx_node_name_parse(text, &in->who.name, NULL) || in->who.name.port)
        return NX_HS_NOT_ALLOWED;
    set_named(in);
    p = nx_node_find_peer(node, &in->who.name);
    return p ? nx_peer_dials_us(p) : NX_HS_OK;
}

static int on_name_me(void *ctx, struct nx_span host, char *name, size_t size, uint32_t *creation)
{
    struct nx_inbound *in = ctx;
    int rc = nx_given_take(in->all->node, host, &in->who);
    if (rc)
        return rc;
    set_named(in);
    snprintf(name, size, "%s", in->who.name.full);
    *creation = in->who.creation;
    return 0;
}

static struct nx_span cookie(void *ctx, struct nx_span peer_name)
{
    struct nx_inbound *in = ctx;
    noex_node *node = in->all->node;
    (void)peer_name; /* it is ours already */
    return nx_node_cookie(node, nx_node_find_peer(node, &in->who.name));
}

/* Of several connections that are good the one that was begun last is the one that the peer means:
 * it begins none while it has another (2.6). */
static int admit(void *ctx, struct nx_span peer_name, struct noex_error *err)
{
    struct nx_inbound *in = ctx;
    (void)peer_name;
    int rc = nx_node_peer(in->all->node, &in->who.name, &in->peer, err);
    if (rc)
        return rc;
    if (in->who.creation)
        nx_given_back(in->all->node, &in->who, in->peer);
    if (!nx_peer_is_up(in->peer))
        return 0;
    if (in->peer->begun > in->begun)
        return nx_fail(err, NOEX_ENAMECLASH, "it has connected anew meanwhile");
    nx_peer_replaced(in->peer);
    return 0;
}

static int on_up(void *ctx, const struct nx_hs_result *r, struct noex_error *err)
{
    struct nx_inbound *in = ctx;
    noex_node *node = in->all->node;
    (void)r, (void)err;
    node->stats.accepted++;
    nx_log(&node->log, NOEX_LOG_DEBUG, "%s: has connected, from %s", in->who.name.full,
           nx_tcp_where(in->ch.tcp));
    nx_peer_take(in->peer, &in->ch, in->events, in->begun);
    in->taken = true;
    in->reserved = false;
    in->ch = (struct nx_channel){0};
    return 0;
}

/* ---- bytes ---- */

/* False where it is over: refused, or its peer's. */
static bool advance(struct nx_inbound *in)
{
    struct noex_error err = {0};
    uint64_t now = nx_loop_now(in->all->node->loop), before = nx_channel_deadline(&in->ch);
    nx_channel_read(&in->ch, now, &err);
    if (in->taken) {
        struct nx_peer *p = in->peer;
        release(in);
        if (err.code)
            nx_peer_fail(p, &err);
        return false;
    }
    nx_channel_flush(&in->ch, now);
    if (err.code) {
        refuse(in, &err);
    } else if (nx_channel_deadline(&in->ch) != before) {
        unlink_from(in->all, in);
        append(in->all, in);
    }
    return !err.code;
}

static void on_readable(void *ctx)
{
    (void)advance(ctx);
}

static void on_writable(void *ctx)
{
    struct nx_inbound *in = ctx;
    nx_channel_flush(&in->ch, nx_loop_now(in->all->node->loop));
}

static void on_connected(void *ctx, int rc, const struct noex_error *err)
{
    (void)ctx, (void)rc, (void)err; /* it was when it was accepted */
}

static const struct nx_tcp_handlers handlers = {on_connected, on_readable, on_writable};

/* ---- life ---- */

void nx_inbounds_init(struct nx_inbounds *all, noex_node *node)
{
    *all = (struct nx_inbounds){.node = node};
}

void nx_inbounds_free(struct nx_inbounds *all)
{
    while (all->first)
        release(all->first);
}

static int start(struct nx_inbound *in, struct noex_error *err)
{
    noex_node *node = in->all->node;
    struct nx_conn_config config = nx_node_conn_config(node);
    config.hs.role = NX_HS_ACCEPT;
    config.hs.decide = (struct nx_hs_decisions){
        .ctx = in, .cookie = cookie, .status = on_name, .name_peer = on_name_me, .admit = admit};
    config.handlers = (struct nx_conn_handlers){.ctx = in, .up = on_up};
    const struct nx_channel_config channel = {&config, node->options.tls, NULL};
    int rc = nx_channel_open(&in->ch, in->ch.tcp, &channel, nx_loop_now(node->loop), err);
    if (rc)
        return rc;
    rc = nx_node_events_reserve(&node->events, in->events, NX_PEER_EVENTS);
    in->reserved = rc == 0;
    return rc ? nx_fail(err, rc, NULL) : 0;
}

static void drop_slowest(struct nx_inbounds *all)
{
    struct noex_error err = {0};
    nx_fail(&err, NOEX_ELIMIT, "closed for a newer one: %" PRIu32 " are under way (accept_max)",
            all->count);
    all->node->stats.accept_dropped++;
    refuse(all->first, &err);
}

void nx_inbounds_add(struct nx_inbounds *all, struct nx_tcp *tcp)
{
    noex_node *node = all->node;
    struct noex_error err = {0};
    if (all->count >= node->options.accept_max)
        drop_slowest(all);
    struct nx_inbound *in = nx_calloc(&node->alloc, 1, sizeof *in);
    if (!in) {
        nx_log(&node->log, NOEX_LOG_ERROR, "%s: not accepted: out of memory", nx_tcp_where(tcp));
        node->stats.refused++;
        nx_tcp_close(tcp);
        return;
    }
    in->all = all;
    in->ch.tcp = tcp;
    append(all, in);
    nx_tcp_set_handlers(tcp, &handlers, in);
    if (start(in, &err))
        refuse(in, &err);
}

bool nx_inbounds_from(const struct nx_inbounds *all, const char *name)
{
    for (const struct nx_inbound *in = all->first; in; in = in->next)
        if (in->named && strcmp(in->who.name.full, name) == 0)
            return true;
    return false;
}

/* ---- time ---- */

uint64_t nx_inbounds_deadline(const struct nx_inbounds *all)
{
    return all->first ? nx_channel_deadline(&all->first->ch) : UINT64_MAX;
}

/* What came while this process was stopped is read before anybody is given up. */
static void expire(struct nx_inbound *in, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (advance(in) && nx_channel_timeout(&in->ch, now_ms, &err))
        refuse(in, &err);
}

void nx_inbounds_turn(struct nx_inbounds *all, uint64_t now_ms)
{
    while (now_ms >= nx_inbounds_deadline(all))
        expire(all->first, now_ms);
}
