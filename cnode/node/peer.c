/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peer.h"

#include "base/alloc.h"
#include "base/err.h"
#include "epmd_proto.h"
#include "handshake/dflags.h"
#include "handshake/digest.h"
#include "node/calls.h"
#include "node/exits.h"
#include "node/listener.h"
#include "node/pump.h"
#include "node/router.h"
#include <inttypes.h>
#include <stdio.h>

enum {
    READS_A_TURN = 16, /* then the others have their turn */
    PUMPS_A_TURN = 16,
    ATTEMPTS_MAX = 256,   /* of a node at once */
    TURN_WAIT_MS = 50,    /* of those beyond, until they ask again */
    PROVEN_MS = 5000,     /* a connection that lasted so long is no flapping */
    SIMULTANEOUS_MAX = 3, /* `nok` answers in a row that are no failure */
    AWAIT_STEPS = 6 /* an attempt waits no longer for one of the peer's: three steps of each */
};

#define NO_EVENT UINT32_MAX

int nx_peer_new(struct nx_peer **out, noex_node *node, uint32_t index,
                const struct nx_node_name *name)
{
    struct nx_peer *p = nx_calloc(&node->alloc, 1, sizeof *p);
    if (!p)
        return NOEX_ENOMEM;
    p->node = node;
    p->index = index;
    p->name = *name;
    p->tick_event = p->queue_event = p->failed_event = p->reconnect_event = NO_EVENT;
    p->starved_until_ms = UINT64_MAX;
    nx_monitor_list_init(&p->monitors);
    *out = p;
    return 0;
}

/* ---- the parts of an attempt ---- */

void nx_peer_add_stats(const struct nx_peer *p, struct noex_stats *stats)
{
    if (!p->ch.conn)
        return;
    const struct nx_conn_stats *c = nx_conn_get_stats(p->ch.conn);
    stats->frames_in += c->frames_in;
    stats->frames_out += c->frames_out;
    stats->bytes_in += c->bytes_in;
    stats->bytes_out += c->bytes_out;
    stats->ticks_in += c->ticks_in;
    stats->ticks_out += c->ticks_out;
    stats->signals_dropped += c->unknown_ops;
}

static void set_attempting(struct nx_peer *p, bool attempting)
{
    p->node->attempts += attempting - p->attempting;
    p->attempting = attempting;
}

static void drop_parts(struct nx_peer *p)
{
    set_attempting(p, false);
    nx_epmd_query_cancel(p->query);
    nx_dial_cancel(p->dial);
    nx_peer_add_stats(p, &p->node->stats);
    nx_channel_close(&p->ch);
    p->pacing = (struct nx_pacing){0};
    p->query = NULL;
    p->dial = NULL;
    p->parting = false;
}

/* One that waits to be told goes back then. */
static void release_unless_queued(struct nx_peer *p, uint32_t *event)
{
    struct nx_node_events *pool = &p->node->events;
    if (*event != NO_EVENT && !nx_node_event_at(pool, *event)->queued)
        nx_node_event_release(pool, *event);
    *event = NO_EVENT;
}

/* What an attempt did not need of the events set aside for it. */
static void unreserve(struct nx_peer *p)
{
    struct nx_node_events *pool = &p->node->events;
    release_unless_queued(p, &p->tick_event);
    release_unless_queued(p, &p->queue_event);
    p->queue_high = p->queue_told = false;
    while (p->reserved_count)
        nx_node_event_release(pool, p->reserved[--p->reserved_count]);
}

static void drop_cookie(struct nx_peer *p)
{
    if (p->cookie)
        nx_wipe(p->cookie, strlen(p->cookie));
    nx_free(&p->node->alloc, p->cookie);
    p->cookie = NULL;
}

void nx_peer_free(struct nx_peer *p)
{
    if (!p)
        return;
    drop_parts(p);
    nx_signals_drop(p);
    drop_cookie(p);
    nx_free(&p->node->alloc, p);
}

int nx_peer_set_cookie(struct nx_peer *p, const char *cookie)
{
    const struct noex_allocator *a = &p->node->alloc;
    char *copy = cookie ? nx_strndup(a, cookie, strlen(cookie)) : NULL;
    if (cookie && !copy)
        return NOEX_ENOMEM;
    drop_cookie(p);
    p->cookie = copy;
    return 0;
}

static struct nx_node_event *push_event(struct nx_peer *p, enum noex_event_type type,
                                        const struct noex_error *err)
{
    return nx_node_event_push(&p->node->events, p->reserved[--p->reserved_count], type, p->index,
                              err, nx_wall_us());
}

/* Of attempts that fail while nobody pulls events the newest is told, not each: `*last` is the
 * number of the one before. A callback is told of each: the one before may be at hand there. */
static struct nx_node_event *push_attempt(struct nx_peer *p, uint32_t *last,
                                          enum noex_event_type type, const struct noex_error *err)
{
    struct nx_node_events *pool = &p->node->events;
    struct nx_node_event *e = *last == NO_EVENT ? NULL : nx_node_event_at(pool, *last);
    bool waits = e && !p->node->options.on_event && e->queued && e->type == type &&
                 e->peer == p->index && p->node->held != (NX_EVENT_FOREIGN | *last);
    if (!waits) {
        *last = p->reserved[p->reserved_count - 1];
        e = push_event(p, type, err);
    } else if (err) {
        e->err = *err;
    }
    e->time_us = nx_wall_us();
    e->attempt = p->attempt;
    return e;
}

size_t nx_peer_queued(const struct nx_peer *p)
{
    return p->outbox.bytes + (nx_peer_is_up(p) ? nx_conn_queued(p->ch.conn) : 0);
}

bool nx_peer_is_up(const struct nx_peer *p)
{
    return p->ch.conn && nx_conn_is_up(p->ch.conn);
}

void nx_peer_doom(struct nx_peer *p, int code)
{
    if (!p->doomed)
        p->doomed = code;
    nx_loop_kick(p->node->loop);
}

int nx_peer_unread(const struct nx_peer *p, struct noex_error *err)
{
    return nx_fail(err, NOEX_EUNREAD, "%s %s: over %zu bytes wait to be sent", p->name.full,
                   nx_peer_is_up(p) ? "does not read" : "is not up", p->node->options.out_max);
}

enum noex_connection_state nx_peer_connection(const struct nx_peer *p, char *text, size_t size)
{
    switch (p->state) {
    case NX_PEER_WANTED:
        snprintf(text, size, "the attempt to begin");
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_LOOKUP:
        snprintf(text, size, "epmd on %s (port %u)", p->name.host, p->node->options.epmd_port);
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_DIAL:
        snprintf(text, size, "a connection to %s", p->name.host);
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_AWAIT:
        snprintf(text, size, "the connection that %s makes to this node", p->name.full);
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_CONN:
        snprintf(text, size, "%s", nx_peer_is_up(p) ? "" : nx_channel_step(&p->ch));
        return nx_peer_is_up(p) ? NOEX_CONNECTION_UP : NOEX_CONNECTION_CONNECTING;
    case NX_PEER_BACKOFF:
        return NOEX_CONNECTION_WAITING;
    case NX_PEER_IDLE:
        break;
    }
    return NOEX_CONNECTION_NONE;
}

/* ---- writing ---- */

static void flush(struct nx_peer *p)
{
    if (p->ch.conn)
        nx_channel_flush(&p->ch, nx_loop_now(p->node->loop));
}

/* ---- what the connection tells ---- */

static int on_up(void *ctx, const struct nx_hs_result *r, struct noex_error *err)
{
    struct nx_peer *p = ctx;
    char missing[96] = "";
    set_attempting(p, false);
    p->connected_before = true;
    p->up_ms = nx_loop_now(p->node->loop);
    p->simultaneous = 0;
    p->failed_event = p->reconnect_event = NO_EVENT;
    if (!nx_conn_has_flag(p->ch.conn, NX_DFLAGS_MONITOR))
        snprintf(missing, sizeof missing, ", it does not support monitors");
    nx_log(&p->node->log, NOEX_LOG_INFO,
           "%s: connected as %s (creation %" PRIu32 "), peer's creation %" PRIu32
           ", flags 0x%" PRIx64 "%s",
           p->name.full, r->self_name, r->self_creation, r->peer_creation, r->flags, missing);
    push_event(p, NOEX_EVENT_NODE_UP, NULL);
    (void)err;
    return 0;
}

static size_t on_wanted(void *ctx, const struct nx_ctrl *ctrl)
{
    return nx_router_wanted(ctx, ctrl);
}

static int on_signal(void *ctx, const struct nx_signal *signal, struct noex_error *err)
{
    return nx_router_signal(ctx, signal, err);
}

static void on_barrier(void *ctx)
{
    struct nx_peer *p = ctx;
    nx_monitors_confirmed(p->node->monitors, &p->monitors, nx_peer_heard_us(p));
}

/* For an event that may come again and again on one connection: its record, set aside with the
 * others, is kept, and queued unless it waits already. */
static struct nx_node_event *push_kept(struct nx_peer *p, uint32_t *event,
                                       enum noex_event_type type)
{
    struct nx_node_events *pool = &p->node->events;
    if (*event == NO_EVENT)
        *event = p->reserved[--p->reserved_count];
    if (!nx_node_event_at(pool, *event)->queued)
        nx_node_event_push(pool, *event, type, p->index, NULL, nx_wall_us());
    return nx_node_event_at(pool, *event);
}

static void on_tick_missed(void *ctx, unsigned missed)
{
    struct nx_peer *p = ctx;
    nx_log(&p->node->log, NOEX_LOG_INFO, "%s: nothing heard, %u tick(s) missed", p->name.full,
           missed);
    push_kept(p, &p->tick_event, NOEX_EVENT_TICK_MISSED)->missed = missed;
}

/* Where epmd holds our name nobody else can have connected by it. */
static bool older_is_gone(void *ctx)
{
    const struct nx_peer *p = ctx;
    return p->connected_before || nx_listener_has_name(p->node->listener);
}

static struct nx_span cookie(void *ctx, struct nx_span peer_name)
{
    const struct nx_peer *p = ctx;
    (void)peer_name; /* the dialled one, which is this peer's */
    return nx_node_cookie(p->node, p);
}

static struct nx_conn_handlers handlers_of(struct nx_peer *p)
{
    return (struct nx_conn_handlers){p, on_up, on_wanted, on_signal, on_barrier, on_tick_missed};
}

/* ---- reading ---- */

int64_t nx_peer_heard_us(struct nx_peer *p)
{
    if (!p->heard_us)
        p->heard_us = nx_wall_us();
    return p->heard_us;
}

/* What has come so far, of what storms are made of. */
struct heard {
    uint64_t downs;
    uint64_t monitors;
    uint64_t frames;
};

static struct heard heard_of(const struct nx_peer *p)
{
    return (struct heard){nx_monitors_stats(p->node->monitors)->downs_received, p->monitors_in,
                          p->ch.conn ? nx_conn_get_stats(p->ch.conn)->frames_in : 0};
}

/* DOWNs, and monitors where nothing else came with them: whoever sends a message may wait for an
 * answer. */
static uint64_t storm_since(const struct nx_peer *p, const struct heard *before)
{
    const struct heard now = heard_of(p);
    const uint64_t downs = now.downs - before->downs, monitors = now.monitors - before->monitors;
    return now.frames - before->frames == downs + monitors ? downs + monitors : downs;
}

/* In a storm the socket has its rest. */
static void pace(struct nx_peer *p, uint64_t now_ms, uint64_t storm)
{
    bool was = p->pacing.held;
    bool held = nx_pacing_note(&p->pacing, now_ms, storm);
    if (held != was && p->ch.tcp)
        nx_tcp_watch_reads(p->ch.tcp, !held);
}

/* All that one read brings has one time. True where there may be more. */
static bool read_once(struct nx_peer *p, uint64_t now_ms, struct noex_error *err)
{
    const bool more = nx_channel_read(&p->ch, now_ms, err);
    p->heard_us = 0;
    return more;
}

static void on_readable(void *ctx)
{
    struct nx_peer *p = ctx;
    struct noex_error err = {0};
    const uint64_t now = nx_loop_now(p->node->loop);
    const struct heard before = heard_of(p);
    for (int i = 0; i < READS_A_TURN && read_once(p, now, &err); i++)
        continue;
    if (!p->node->options.eager_reads && nx_peer_is_up(p))
        pace(p, now, storm_since(p, &before));
    if (nx_channel_has_more(&p->ch))
        nx_loop_kick(p->node->loop); /* no socket will tell */
    if (err.code && p->parting)
        nx_peer_disconnect(p);
    else if (err.code)
        nx_peer_fail(p, &err);
}

void nx_peer_read(struct nx_peer *p)
{
    on_readable(p);
}

static void on_writable(void *ctx)
{
    flush(ctx);
}

static void on_connected_twice(void *ctx, int rc, const struct noex_error *err)
{
    (void)ctx, (void)rc, (void)err; /* told to the dial already */
}

static const struct nx_tcp_handlers tcp_handlers = {on_connected_twice, on_readable, on_writable};

/* ---- attempts ---- */

static uint64_t jittered(noex_node *node, uint64_t ms)
{
    uint8_t r[2] = {128, 0};
    /* Without random numbers the delay has no jitter; that is no reason to give up. */
    if (node->random->fill(node->random->ctx, r, sizeof r))
        return ms;
    return ms / 2 + ms * nx_get_u16(r) / 65536;
}

/* As often as it failed in a row, doubling. */
static uint64_t backoff_ms(const struct nx_peer *p)
{
    uint64_t ms = p->node->options.reconnect_min_ms, max = p->node->options.reconnect_max_ms;
    for (uint32_t i = 1; i < p->attempt && ms < max; i++)
        ms *= 2;
    return jittered(p->node, ms < max ? ms : max);
}

static void begin_again(struct nx_peer *p, uint64_t start_ms)
{
    p->start_ms = start_ms;
    p->state = NX_PEER_WANTED;
}

/* ---- attempts that meet one of the peer's ---- */

static bool is_dialling_us(const struct nx_peer *p)
{
    const struct nx_listener *l = p->node->listener;
    return l && nx_inbounds_from(&l->inbounds, p->name.full);
}

static uint64_t await_end(const struct nx_peer *p)
{
    return is_dialling_us(p) ? p->wanted_ms + AWAIT_STEPS * p->node->options.step_ms : p->await_ms;
}

/* An attempt whose name is not said yet waits until the peer's own has come out: two that cross
 * could end each other. Not for ever: anybody can say that name. */
static bool must_await(const struct nx_peer *p)
{
    return is_dialling_us(p) && nx_loop_now(p->node->loop) < await_end(p);
}

static void await(struct nx_peer *p, uint64_t until_ms)
{
    drop_parts(p);
    p->await_ms = until_ms;
    p->state = NX_PEER_AWAIT;
}

/* True where the failure is none yet. After `nok` the peer's own connection will come; a node
 * without a listener can only try again, at once. */
static bool meets_the_peers_own(struct nx_peer *p, const struct noex_error *err)
{
    uint64_t now = nx_loop_now(p->node->loop);
    if (err->code == NOEX_EDISCONNECTED || p->doomed)
        return false;
    if (must_await(p)) {
        await(p, now);
        return true;
    }
    if (err->code != NOEX_ESIMULTANEOUS || p->simultaneous >= SIMULTANEOUS_MAX) {
        p->simultaneous = 0;
        return false;
    }
    p->simultaneous++;
    drop_parts(p);
    if (p->node->listener)
        await(p, now + p->node->options.step_ms);
    else
        begin_again(p, now);
    return true;
}

/* ---- the end of a connection or an attempt ---- */

/* By the peer: it takes connections, and cannot keep them. */
static bool lost_at_once(const struct nx_peer *p, const struct noex_error *err)
{
    return err->code != NOEX_EDISCONNECTED && nx_loop_now(p->node->loop) - p->up_ms < PROVEN_MS;
}

static void retry_later(struct nx_peer *p)
{
    if (!p->unproven)
        p->attempt = 1;
    uint64_t delay = backoff_ms(p);
    if (p->unproven)
        p->attempt++;
    push_attempt(p, &p->reconnect_event, NOEX_EVENT_RECONNECT, NULL)->delay_ms = delay;
    p->retry_ms = nx_loop_now(p->node->loop) + delay;
    p->state = NX_PEER_BACKOFF;
}

/* In the order that is promised: what was monitored, what was pending, the node. */
void nx_peer_fail(struct nx_peer *p, struct noex_error *err)
{
    noex_node *node = p->node;
    bool was_up = nx_peer_is_up(p);
    nx_log(&node->log, NOEX_LOG_INFO, "%s: %s: %s", p->name.full,
           was_up ? "connection lost" : "could not connect", err->text);
    /* The peer learns why (not_allowed, "false") even though the connection is over. */
    if (!was_up)
        flush(p);
    if (!was_up && meets_the_peers_own(p, err))
        return;
    drop_parts(p);
    p->doomed = 0;
    p->cause = *err;
    p->monitors.cause++;
    p->unproven = !was_up || lost_at_once(p, err);
    nx_monitors_lost(node->monitors, &p->monitors, was_up ? NOEX_ENOTREACHABLE : err->code,
                     nx_wall_us());
    nx_signals_drop(p);
    nx_calls_lost(p, was_up ? NOEX_ENOTREACHABLE : err->code);
    nx_exits_lost(p);
    if (was_up)
        push_event(p, NOEX_EVENT_NODE_DOWN, err);
    else
        push_attempt(p, &p->failed_event, NOEX_EVENT_CONNECT_FAILED, err);
    p->state = NX_PEER_IDLE;
    if (p->policy == NOEX_CONNECT_KEEP && err->code != NOEX_EDISCONNECTED)
        retry_later(p);
    unreserve(p);
}

static int start_conn(struct nx_peer *p, struct nx_tcp *tcp, struct noex_error *err)
{
    noex_node *node = p->node;
    struct nx_conn_config config = nx_node_conn_config(node);
    config.hs.role = NX_HS_DIAL;
    config.hs.peer_name = p->name.full;
    config.hs.decide =
        (struct nx_hs_decisions){.ctx = p, .cookie = cookie, .older_is_gone = older_is_gone};
    config.handlers = handlers_of(p);
    const struct nx_channel_config channel = {&config, node->options.tls, p->name.host};
    p->begun = ++node->begun;
    return nx_channel_open(&p->ch, tcp, &channel, nx_loop_now(node->loop), err);
}

static void on_dialled(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                       const struct noex_error *cause)
{
    struct nx_peer *p = ctx;
    struct noex_error err = {0};
    char text[64];
    p->dial = NULL;
    if (rc) {
        err = *cause;
        nx_peer_fail(p, &err);
        return;
    }
    if (must_await(p)) {
        nx_tcp_close(tcp);
        await(p, nx_loop_now(p->node->loop));
        return;
    }
    nx_addr_text(&addrs->addr[0], text, sizeof text);
    nx_log(&p->node->log, NOEX_LOG_DEBUG, "%s: TCP connection to %s, handshake begins",
           p->name.full, text);
    p->state = NX_PEER_CONN;
    nx_tcp_set_handlers(tcp, &tcp_handlers, p);
    if (start_conn(p, tcp, &err))
        nx_peer_fail(p, &err);
    else
        flush(p);
}

static int dial(struct nx_peer *p, const struct nx_addrs *addrs, uint16_t port,
                struct noex_error *err)
{
    const struct nx_dial_target target = {
        .host = p->name.host, .addrs = addrs, .port = port, .step_ms = p->node->options.step_ms};
    p->state = NX_PEER_DIAL;
    return nx_dial_start(&p->dial, &p->node->alloc, p->node->loop, &target, on_dialled, p, err);
}

static void on_looked_up(void *ctx, int rc, const struct nx_epmd_answer *answer,
                         const struct noex_error *cause)
{
    struct nx_peer *p = ctx;
    struct noex_error err = {0};
    p->query = NULL;
    if (rc) {
        err = *cause;
        nx_peer_fail(p, &err);
        return;
    }
    nx_log(&p->node->log, NOEX_LOG_DEBUG, "%s: epmd says port %u", p->name.full, answer->port);
    if (dial(p, answer->addrs, answer->port, &err))
        nx_peer_fail(p, &err);
}

static int look_up(struct nx_peer *p, struct noex_error *err)
{
    const struct nx_epmd_question question = {.host = p->name.host,
                                              .port = p->node->options.epmd_port,
                                              .step_ms = p->node->options.step_ms,
                                              .alive = p->name.alive};
    p->state = NX_PEER_LOOKUP;
    nx_log(&p->node->log, NOEX_LOG_DEBUG, "%s: asking epmd on %s, port %u", p->name.full,
           p->name.host, question.port);
    return nx_epmd_query_start(&p->query, &p->node->alloc, p->node->loop, &question, on_looked_up,
                               p, err);
}

/* Sets the events of an attempt aside; the attempt itself begins in a turn. */
int nx_peer_connect(struct nx_peer *p)
{
    uint64_t now = nx_loop_now(p->node->loop),
             next = p->start_ms + p->node->options.reconnect_min_ms;
    if (p->state != NX_PEER_IDLE && p->state != NX_PEER_BACKOFF)
        return 0;
    if (p->node->leaving)
        return NOEX_ESTATE;
    int rc = nx_node_events_reserve(&p->node->events, p->reserved, NX_PEER_EVENTS);
    if (rc)
        return rc;
    p->reserved_count = NX_PEER_EVENTS;
    if (!p->attempt)
        p->attempt = 1;
    /* On demand comes before the back-off, but whoever asks again on each failure or loss does not
     * hammer. */
    begin_again(p, p->unproven && next > now ? next : now);
    p->wanted_ms = p->start_ms;
    return 0;
}

/* Many at once would only run out of descriptors and of each other's time. */
static void start(struct nx_peer *p, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (must_await(p)) {
        await(p, now_ms);
        return;
    }
    if (p->node->attempts >= ATTEMPTS_MAX) {
        p->start_ms = now_ms + TURN_WAIT_MS;
        return;
    }
    set_attempting(p, true);
    uint16_t port = p->name.port;
    bool skip_epmd = port && port != EPMD_PORT && port != p->node->options.epmd_port;
    int rc = skip_epmd ? dial(p, NULL, port, &err) : look_up(p, &err);
    if (rc)
        nx_peer_fail(p, &err);
}

bool nx_peer_disconnect(struct nx_peer *p)
{
    struct noex_error err = {0};
    enum nx_peer_state state = p->state;
    p->policy = NOEX_CONNECT_ONCE;
    if (state == NX_PEER_IDLE)
        return false;
    p->state = NX_PEER_IDLE;
    if (state != NX_PEER_BACKOFF) {
        nx_fail(&err, NOEX_EDISCONNECTED, NULL);
        nx_peer_fail(p, &err);
    }
    p->attempt = 0;
    return true;
}

void nx_peer_part(struct nx_peer *p)
{
    if (p->parting || nx_peer_queued(p) || nx_pump_has_more(p))
        return;
    p->parting = true;
    nx_channel_finish(&p->ch);
}

/* ---- connections that the peer makes ---- */

/* Protocol.md 2.5 and 2.6. Of two attempts that cross, that of the node with the larger name goes
 * on; until the peer has proved itself ours does, too. The end of a connection may wait to be read:
 * then there is none any more. */
enum nx_hs_status nx_peer_dials_us(struct nx_peer *p)
{
    if (nx_peer_is_up(p))
        on_readable(p);
    if (nx_peer_is_up(p))
        return NX_HS_ALIVE;
    if (p->state == NX_PEER_CONN)
        return strcmp(p->node->self.full, p->name.full) > 0 ? NX_HS_NOK : NX_HS_OK_SIMULTANEOUS;
    p->await_ms = nx_loop_now(p->node->loop);
    return NX_HS_OK;
}

void nx_peer_replaced(struct nx_peer *p)
{
    struct noex_error err = {0};
    on_readable(p);
    if (!nx_peer_is_up(p))
        return;
    nx_fail(&err, NOEX_ELOST, "the node has made a new connection, so this one is lost there");
    nx_peer_fail(p, &err);
}

void nx_peer_take(struct nx_peer *p, const struct nx_channel *ch, const uint32_t *events,
                  uint64_t begun)
{
    const struct nx_conn_handlers theirs = handlers_of(p);
    drop_parts(p);
    for (int i = 0; i < NX_PEER_EVENTS; i++) {
        if (p->reserved_count < NX_PEER_EVENTS)
            p->reserved[p->reserved_count++] = events[i];
        else
            nx_node_event_release(&p->node->events, events[i]);
    }
    p->ch = *ch;
    p->begun = begun;
    p->start_ms = nx_loop_now(p->node->loop);
    p->state = NX_PEER_CONN;
    nx_conn_set_handlers(ch->conn, &theirs);
    nx_tcp_set_handlers(ch->tcp, &tcp_handlers, p);
    (void)on_up(p, nx_conn_peer(ch->conn), NULL);
}

/* ---- time ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t nx_peer_deadline(const struct nx_peer *p)
{
    uint64_t at = p->monitors.deadline;
    if (p->query)
        at = min_u64(at, nx_epmd_query_deadline(p->query));
    if (p->dial)
        at = min_u64(at, nx_dial_deadline(p->dial));
    if (p->ch.conn)
        at = min_u64(at, nx_channel_deadline(&p->ch));
    if (p->pacing.held)
        at = min_u64(at, p->pacing.until_ms);
    if (p->state == NX_PEER_BACKOFF)
        at = min_u64(at, p->retry_ms);
    if (p->state == NX_PEER_WANTED)
        at = min_u64(at, p->start_ms);
    if (p->state == NX_PEER_AWAIT)
        at = min_u64(at, await_end(p));
    return min_u64(at, p->starved_until_ms);
}

/* Before anything is given up for want of an answer: what came while this process slept or was
 * stopped may wait to be read. */
static void read_first(struct nx_peer *p, uint64_t now_ms)
{
    bool due =
        p->ch.conn && (now_ms >= nx_channel_deadline(&p->ch) || now_ms >= p->monitors.deadline);
    bool rested = p->pacing.held && now_ms >= p->pacing.until_ms;
    if (due || rested || nx_channel_has_more(&p->ch))
        on_readable(p);
}

/* The back-off is over: its delay already was what it was to be. */
static void retry(struct nx_peer *p, uint64_t now_ms)
{
    if (nx_peer_connect(p))
        p->retry_ms = now_ms + p->node->options.reconnect_max_ms;
    else
        p->wanted_ms = p->start_ms = now_ms;
}

static void fail_doomed(struct nx_peer *p)
{
    struct noex_error err = {0};
    if (p->doomed == NOEX_EUNREAD)
        nx_peer_unread(p, &err);
    nx_fail(&err, p->doomed, NULL);
    nx_peer_fail(p, &err);
}

static void act_on_deadlines(struct nx_peer *p, uint64_t now_ms)
{
    struct noex_error err = {0};
    if (p->doomed)
        fail_doomed(p);
    if (p->state == NX_PEER_BACKOFF && now_ms >= p->retry_ms)
        retry(p, now_ms);
    if (p->state == NX_PEER_AWAIT && now_ms >= await_end(p))
        begin_again(p, now_ms + backoff_ms(p));
    if (p->state == NX_PEER_WANTED && now_ms >= p->start_ms)
        start(p, now_ms);
    if (p->query)
        nx_epmd_query_timeout(p->query, now_ms);
    else if (p->dial)
        nx_dial_timeout(p->dial, now_ms);
    else if (p->ch.conn && now_ms >= nx_channel_deadline(&p->ch) &&
             nx_channel_timeout(&p->ch, now_ms, &err))
        nx_peer_fail(p, &err);
}

/* As long as the kernel takes all at once there is more where that came from. */
static void pump_and_flush(struct nx_peer *p, uint64_t now_ms)
{
    bool more = true;
    for (int i = 0; more && i < PUMPS_A_TURN; i++) {
        nx_pump(p, now_ms);
        flush(p);
        more = nx_peer_is_up(p) && nx_channel_is_flushed(&p->ch) && nx_pump_has_more(p) &&
               p->starved_until_ms == UINT64_MAX;
    }
    if (more)
        nx_loop_kick(p->node->loop); /* after the others had their turn */
}

/* By what waits for room; monitors do that in their own records. The event says how it is when it
 * is told (delivery.c), so that nobody hears of a queue that is low again. */
static void check_queue(struct nx_peer *p)
{
    size_t high = p->node->options.out_high, queued = nx_peer_queued(p);
    bool is_high = p->queue_high ? queued > high / 4 : p->outbox.first && queued > high;
    if (!nx_peer_is_up(p) || is_high == p->queue_high)
        return;
    p->queue_high = is_high;
    if (is_high != p->queue_told)
        push_kept(p, &p->queue_event, NOEX_EVENT_QUEUE_HIGH);
}

void nx_peer_turn(struct nx_peer *p, uint64_t now_ms)
{
    read_first(p, now_ms);
    nx_pump_expire(p, now_ms);
    act_on_deadlines(p, now_ms);
    pump_and_flush(p, now_ms);
    check_queue(p);
}
