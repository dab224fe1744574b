#include "node/peer.h"

#include "base/alloc.h"
#include "base/err.h"
#include "handshake/dflags.h"
#include "node/router.h"
#include <inttypes.h>
#include <stdio.h>

enum {
    READS_A_TURN = 16,     /* then the others have their turn */
    STARVED_RETRY_MS = 50, /* out of memory: how soon to try again */
    SIMULTANEOUS_MAX = 3,  /* `nok` answers in a row that are retried at once */
    TARGET_SIZE = NX_CONN_REF_SIZE,
    /* What every release decodes of its own pids; larger numbers are asked for, protocol.md 5. */
    SAFE_PID_ID = 32767,
    SAFE_PID_SERIAL = 8191
};

static void fail(struct nx_peer *p, struct noex_error *err);

int nx_peer_new(struct nx_peer **out, noex_node *node, uint32_t index,
                const struct nx_node_name *name)
{
    struct nx_peer *p = nx_calloc(&node->alloc, 1, sizeof *p);
    if (!p)
        return NOEX_ENOMEM;
    p->node = node;
    p->index = index;
    p->name = *name;
    nx_monitor_list_init(&p->monitors);
    if (nx_node_events_reserve(&node->events, &p->tick_event, 1)) {
        nx_free(&node->alloc, p);
        return NOEX_ENOMEM;
    }
    *out = p;
    return 0;
}

/* ---- the parts of an attempt ---- */

static void add_stats(struct nx_peer *p)
{
    const struct nx_conn_stats *c = nx_conn_get_stats(p->conn);
    struct noex_stats *n = &p->node->stats;
    n->frames_in += c->frames_in;
    n->frames_out += c->frames_out;
    n->bytes_in += c->bytes_in;
    n->bytes_out += c->bytes_out;
    n->ticks_in += c->ticks_in;
    n->ticks_out += c->ticks_out;
    n->signals_dropped += c->unknown_ops;
}

static void drop_parts(struct nx_peer *p)
{
    nx_epmd_query_cancel(p->query);
    nx_dial_cancel(p->dial);
    nx_tcp_close(p->tcp);
    if (p->conn)
        add_stats(p);
    nx_conn_free(p->conn);
    p->query = NULL;
    p->dial = NULL;
    p->tcp = NULL;
    p->conn = NULL;
}

static void unreserve(struct nx_peer *p)
{
    while (p->reserved_count)
        nx_node_event_release(&p->node->events, p->reserved[--p->reserved_count]);
}

void nx_peer_free(struct nx_peer *p)
{
    if (!p)
        return;
    drop_parts(p);
    nx_free(&p->node->alloc, p);
}

static struct nx_node_event *push_event(struct nx_peer *p, enum noex_event_type type,
                                        const struct noex_error *err)
{
    uint32_t number = p->reserved[--p->reserved_count];
    struct nx_node_event *e =
        nx_node_event_push(&p->node->events, number, type, p->index, err, nx_wall_us());
    e->attempt = p->attempt;
    return e;
}

bool nx_peer_is_up(const struct nx_peer *p)
{
    return p->conn && nx_conn_is_up(p->conn);
}

enum noex_connection_state nx_peer_connection(const struct nx_peer *p, char *text, size_t size)
{
    switch (p->state) {
    case NX_PEER_LOOKUP:
        snprintf(text, size, "epmd on %s (port %u)", p->name.host, p->node->options.epmd_port);
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_DIAL:
        snprintf(text, size, "a connection to %s", p->name.host);
        return NOEX_CONNECTION_CONNECTING;
    case NX_PEER_CONN:
        snprintf(text, size, "%s", nx_peer_is_up(p) ? "" : nx_conn_step(p->conn));
        return nx_peer_is_up(p) ? NOEX_CONNECTION_UP : NOEX_CONNECTION_CONNECTING;
    case NX_PEER_BACKOFF:
        return NOEX_CONNECTION_WAITING;
    case NX_PEER_IDLE:
        break;
    }
    return NOEX_CONNECTION_NONE;
}

/* ---- writing ---- */

/* A write that fails ends nothing by itself: what the peer sent before it went (a status, an alert,
 * DOWNs) may still wait to be read, and behind it the end, which is read too. */
static void flush(struct nx_peer *p)
{
    struct noex_error err = {0};
    struct nx_span out;
    while (p->conn && !p->write_failed && (out = nx_conn_out(p->conn)).len) {
        int64_t n = nx_tcp_write(p->tcp, out.ptr, out.len, &err);
        if (n > 0)
            nx_conn_sent(p->conn, (size_t)n, nx_loop_now(p->node->loop));
        else if (n == 0)
            return;
        else
            p->write_failed = true;
    }
}

/* The target as it goes on the wire; false where there is no memory. */
static bool encode_target(struct nx_peer *p, const struct nx_monitor *m, struct nx_buf *out)
{
    if (m->kind == NOEX_TARGET_NAME)
        return nx_atom_write(out, nx_span_str(m->target.name)) == 0;
    const struct nx_pid pid = {.node = nx_span_str(p->name.full),
                               .id = m->target.pid.id,
                               .serial = m->target.pid.serial,
                               .creation = m->target.pid.creation};
    return nx_pid_write(out, &pid) == 0;
}

static int send_monitor(struct nx_peer *p, enum nx_op op, uint32_t slot)
{
    const struct nx_monitor *m = nx_monitor_at(p->node->monitors, slot);
    uint8_t target[TARGET_SIZE], ref[NX_CONN_REF_SIZE];
    struct nx_buf b;
    nx_buf_fixed(&b, target, sizeof target);
    if (!encode_target(p, m, &b))
        return NOEX_ETARGET;
    struct nx_ctrl ctrl = {.op = op};
    ctrl.arg[NX_ARG_FROM] = nx_conn_self_pid(p->conn);
    ctrl.arg[NX_ARG_TARGET] = nx_buf_span(&b);
    ctrl.arg[NX_ARG_REF] = nx_conn_ref(p->conn, NX_REF_MONITOR, slot, m->generation, ref);
    return nx_conn_send(p->conn, &ctrl, nx_span(NULL, 0));
}

/* One pending monitor goes out, or fails, or has its pid looked up. */
static int send_pending(struct nx_peer *p, uint32_t slot)
{
    struct nx_monitors *t = p->node->monitors;
    struct nx_monitor *m = nx_monitor_at(t, slot);
    if (m->kind != NOEX_TARGET_NODE && !nx_conn_has_flag(p->conn, NX_DFLAGS_MONITOR)) {
        nx_monitor_fail(t, &p->monitors, slot, NOEX_ENOMONITOR, nx_wall_us());
        return 0;
    }
    if (m->kind == NOEX_TARGET_PID && !m->target.pid.creation) {
        if (m->target.pid.id > SAFE_PID_ID || m->target.pid.serial > SAFE_PID_SERIAL) {
            int rc = nx_router_ask_pid(p, slot);
            if (!rc)
                nx_monitor_resolving(t, &p->monitors, slot);
            return rc;
        }
        m->target.pid.creation = nx_conn_peer(p->conn)->peer_creation;
    }
    int rc = m->kind == NOEX_TARGET_NODE ? 0 : send_monitor(p, NX_OP_MONITOR_P, slot);
    if (!rc)
        nx_monitor_sent(t, &p->monitors, slot);
    return rc;
}

/* A peer that cannot do monitors can still be watched as a node: the handshake is all the proof
 * there is. */
static int confirm_sent(struct nx_peer *p)
{
    struct nx_monitors *t = p->node->monitors;
    if (nx_conn_barrier_under_way(p->conn) || !nx_monitors_want_barrier(t, &p->monitors))
        return 0;
    bool can = nx_conn_has_flag(p->conn, NX_DFLAGS_MONITOR);
    int rc = can ? nx_conn_barrier(p->conn) : 0;
    if (rc)
        return rc;
    nx_monitors_barrier_sent(t, &p->monitors);
    if (!can)
        nx_monitors_confirmed(t, &p->monitors, nx_wall_us());
    return 0;
}

/* Sends what is pending, up to the high mark of the queue: the records themselves are the queue
 * behind it. */
static void pump(struct nx_peer *p)
{
    uint32_t slot;
    int rc = 0;
    p->starved = false;
    if (!nx_peer_is_up(p))
        return;
    while (!rc && (slot = nx_monitor_next_unsent(&p->monitors)) &&
           nx_conn_out(p->conn).len < p->node->options.out_high)
        rc = send_pending(p, slot);
    if (!rc)
        rc = confirm_sent(p);
    p->starved = rc != 0;
    p->overflowed = p->overflowed || rc == NOEX_ELIMIT;
}

/* Without memory the peer keeps a monitor whose DOWN will find nobody: no more than a few bytes
 * there. */
static void send_demonitor(struct nx_peer *p, uint32_t slot)
{
    if (!nx_peer_is_up(p) || p->overflowed)
        return;
    int rc = send_monitor(p, NX_OP_DEMONITOR_P, slot);
    p->overflowed = rc == NOEX_ELIMIT;
    if (rc)
        nx_log(&p->node->log, NOEX_LOG_ERROR, "%s: a demonitor could not be sent: %s", p->name.full,
               noex_error_text(rc));
}

void nx_peer_demonitor(struct nx_peer *p, uint32_t slot)
{
    struct nx_monitors *t = p->node->monitors;
    if (nx_monitor_demonitor(t, &p->monitors, slot))
        send_demonitor(p, slot);
    nx_monitor_drop(t, slot);
}

/* ---- what the connection tells ---- */

static void on_up(void *ctx, const struct nx_hs_result *r)
{
    struct nx_peer *p = ctx;
    char missing[96] = "";
    p->connected_before = true;
    p->simultaneous = 0;
    if (!nx_conn_has_flag(p->conn, NX_DFLAGS_MONITOR))
        snprintf(missing, sizeof missing, ", it does not support monitors");
    nx_log(&p->node->log, NOEX_LOG_INFO,
           "%s: connected as %s (creation %" PRIu32 "), peer's creation %" PRIu32
           ", flags 0x%" PRIx64 "%s",
           p->name.full, r->self_name, r->self_creation, r->peer_creation, r->flags, missing);
    push_event(p, NOEX_EVENT_NODE_UP, NULL);
    p->attempt = 1; /* of the attempts to come, should this connection be lost */
}

static int on_signal(void *ctx, const struct nx_signal *signal, struct noex_error *err)
{
    return nx_router_signal(ctx, signal, err);
}

static void on_barrier(void *ctx)
{
    struct nx_peer *p = ctx;
    nx_monitors_confirmed(p->node->monitors, &p->monitors, nx_wall_us());
}

static void on_tick_missed(void *ctx, unsigned missed)
{
    struct nx_peer *p = ctx;
    struct nx_node_event *e = nx_node_event_at(&p->node->events, p->tick_event);
    nx_log(&p->node->log, NOEX_LOG_INFO, "%s: nothing heard, %u tick(s) missed", p->name.full,
           missed);
    if (!e->queued)
        nx_node_event_push(&p->node->events, p->tick_event, NOEX_EVENT_TICK_MISSED, p->index, NULL,
                           nx_wall_us());
    e->missed = missed;
}

static bool older_is_gone(void *ctx)
{
    const struct nx_peer *p = ctx;
    return p->connected_before;
}

/* ---- reading ---- */

static void on_readable(void *ctx)
{
    struct nx_peer *p = ctx;
    struct noex_error err = {0};
    uint8_t *bytes;
    size_t size;
    int64_t n = 1;
    for (int i = 0; i < READS_A_TURN && n > 0; i++) {
        if (nx_conn_room(p->conn, &bytes, &size, &err))
            break;
        n = nx_tcp_read(p->tcp, bytes, size, &err);
        if (n == NOEX_ECLOSED || (n < 0 && !nx_conn_is_up(p->conn))) {
            err.code = 0;
            n = nx_conn_eof(p->conn, &err);
        }
        if (n > 0 && nx_conn_received(p->conn, (size_t)n, nx_loop_now(p->node->loop), &err))
            break;
        if (n > 0 && (size_t)n < size)
            break; /* the socket is empty: no need to ask it once more */
    }
    if (err.code)
        fail(p, &err);
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

/* The end of an attempt, in the order that is promised: what was monitored, what was pending, the
 * node. */
static void fail(struct nx_peer *p, struct noex_error *err)
{
    noex_node *node = p->node;
    int64_t now_us = nx_wall_us();
    bool was_up = nx_peer_is_up(p);
    nx_log(&node->log, NOEX_LOG_INFO, "%s: %s: %s", p->name.full,
           was_up ? "connection lost" : "could not connect", err->text);
    /* The peer learns why (not_allowed, "false") even though the connection is over. */
    if (!was_up)
        flush(p);
    drop_parts(p);
    p->cause = *err;
    nx_monitors_lost(node->monitors, &p->monitors, was_up ? NOEX_ENOTREACHABLE : err->code, now_us);
    push_event(p, was_up ? NOEX_EVENT_NODE_DOWN : NOEX_EVENT_CONNECT_FAILED, err);
    p->state = NX_PEER_IDLE;
    if (p->policy == NOEX_CONNECT_KEEP && err->code != NOEX_EDISCONNECTED) {
        bool at_once = err->code == NOEX_ESIMULTANEOUS && p->simultaneous++ < SIMULTANEOUS_MAX;
        uint64_t delay = at_once ? 0 : backoff_ms(p);
        if (!was_up)
            p->attempt++;
        struct nx_node_event *e = push_event(p, NOEX_EVENT_RECONNECT, NULL);
        e->delay_ms = delay;
        p->retry_ms = nx_loop_now(node->loop) + delay;
        p->state = NX_PEER_BACKOFF;
    }
    unreserve(p);
}

static int start_conn(struct nx_peer *p, struct noex_error *err)
{
    noex_node *node = p->node;
    const struct noex_options *o = &node->options;
    const struct nx_conn_config config = {
        .hs = {.alloc = &node->alloc,
               .log = &node->log,
               .random = node->random,
               .decide = {.ctx = p, .older_is_gone = older_is_gone},
               .role = NX_HS_DIAL,
               .header = 2,
               .flags = NX_DFLAGS_OURS,
               .required = NX_DFLAGS_REQUIRED,
               .creation = node->creation,
               .dynamic = node->dynamic,
               .self_name = node->dynamic ? node->self.host : node->self.full,
               .peer_name = p->name.full,
               .cookie = nx_span(node->cookie, node->cookie_len),
               .step_ms = o->step_ms},
        .handlers = {p, on_up, on_signal, on_barrier, on_tick_missed},
        .ticktime_ms = o->ticktime_ms,
        .message_max = o->message_max,
        .reason_max = o->reason_max,
        .out_max = o->out_max,
        .fragments_max = o->fragments_max,
    };
    p->conn = nx_conn_new(&config, nx_loop_now(node->loop), err);
    return p->conn ? 0 : err->code;
}

static void on_dialled(void *ctx, int rc, struct nx_tcp *tcp, const struct nx_addrs *addrs,
                       const struct noex_error *cause)
{
    struct nx_peer *p = ctx;
    struct noex_error err = {0};
    char text[64];
    p->dial = NULL;
    if (rc) {
        nx_fail(&err, rc, "%s: %s", p->name.full, cause->text);
        err.sys_errno = cause->sys_errno;
        fail(p, &err);
        return;
    }
    nx_addr_text(&addrs->addr[0], text, sizeof text);
    nx_log(&p->node->log, NOEX_LOG_DEBUG, "%s: TCP connection to %s, handshake begins",
           p->name.full, text);
    p->tcp = tcp;
    p->write_failed = p->overflowed = false;
    p->state = NX_PEER_CONN;
    nx_tcp_set_handlers(tcp, &tcp_handlers, p);
    if (start_conn(p, &err))
        fail(p, &err);
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
        fail(p, &err);
        return;
    }
    nx_log(&p->node->log, NOEX_LOG_DEBUG, "%s: epmd says port %u", p->name.full, answer->port);
    if (dial(p, answer->addrs, answer->port, &err))
        fail(p, &err);
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

int nx_peer_connect(struct nx_peer *p)
{
    struct noex_error err = {0};
    if (p->state != NX_PEER_IDLE && p->state != NX_PEER_BACKOFF)
        return 0;
    int rc = nx_node_events_reserve(&p->node->events, p->reserved, NX_PEER_EVENTS);
    if (rc)
        return rc;
    p->reserved_count = NX_PEER_EVENTS;
    if (!p->attempt)
        p->attempt = 1;
    bool skip_epmd = p->name.port && p->name.port != p->node->options.epmd_port;
    rc = skip_epmd ? dial(p, NULL, p->name.port, &err) : look_up(p, &err);
    if (rc)
        fail(p, &err);
    return 0;
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
        fail(p, &err);
    }
    p->attempt = 0;
    return true;
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
    if (p->conn)
        at = min_u64(at, nx_conn_deadline(p->conn));
    if (p->state == NX_PEER_BACKOFF)
        at = min_u64(at, p->retry_ms);
    if (p->starved)
        at = min_u64(at, nx_loop_now(p->node->loop) + STARVED_RETRY_MS);
    return at;
}

static void expire_monitors(struct nx_peer *p, uint64_t now_ms)
{
    uint32_t slot;
    bool sent = false;
    while ((slot = nx_monitor_expire(p->node->monitors, &p->monitors, now_ms, nx_wall_us(), &sent)))
        if (sent)
            send_demonitor(p, slot);
}

void nx_peer_turn(struct nx_peer *p, uint64_t now_ms)
{
    struct noex_error err = {0};
    expire_monitors(p, now_ms);
    if (p->query)
        nx_epmd_query_timeout(p->query, now_ms);
    else if (p->dial)
        nx_dial_timeout(p->dial, now_ms);
    if (p->conn && now_ms >= nx_conn_deadline(p->conn) && nx_conn_timeout(p->conn, now_ms, &err))
        fail(p, &err);
    if (p->conn && p->overflowed) {
        nx_fail(&err, NOEX_ELIMIT, "%s does not read: over %zu bytes wait to be sent", p->name.full,
                p->node->options.out_max);
        fail(p, &err);
    }
    if (p->state == NX_PEER_BACKOFF && now_ms >= p->retry_ms && nx_peer_connect(p))
        p->retry_ms = now_ms + p->node->options.reconnect_max_ms;
    pump(p);
    flush(p);
}
