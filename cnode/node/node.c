/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include "base/alloc.h"
#include "base/err.h"
#include "handshake/digest.h"
#include "node/peer.h"
#include <stdio.h>
#include <unistd.h>

enum {
    ROUNDS_A_TURN = 8, /* events may lead to new ones; beyond this the loop goes round first */
    MIN_CREATION = 4,  /* 0 is reserved, 1 to 3 are of old releases, protocol.md 5 */
    MONITORS_LIMIT = 1 << 28
};

_Static_assert(sizeof(struct noex_options) ==
                   offsetof(struct noex_options, log_level) + sizeof(enum noex_log_level),
               "struct noex_options has no tail padding");

void noex_options_init(struct noex_options *options)
{
    *options = (struct noex_options){
        .size = sizeof *options,
        .ticktime_ms = 60000,
        .step_ms = 7000,
        .setup_timeout_ms = 10000,
        .reconnect_min_ms = 500,
        .reconnect_max_ms = 30000,
        .message_max = (size_t)128 << 20,
        .reason_max = (size_t)1 << 20,
        .reason_budget = (size_t)16 << 20,
        .out_high = (size_t)1 << 20,
        .out_max = (size_t)64 << 20,
        .monitors_max = 1 << 24,
        .fragments_max = 65536,
        .epmd_port = 4369,
        .log_level = NOEX_LOG_INFO,
    };
}

/* ---- options ---- */

struct range {
    const char *name;
    uint64_t value;
    uint64_t min;
    uint64_t max;
};

static int check_ranges(const struct noex_options *o, struct noex_error *err)
{
    enum { DAY_MS = 24 * 3600 * 1000, MIN_FRAME = 64 * 1024 };
    const uint64_t big = SIZE_MAX / 4;
    const struct range ranges[] = {
        {"ticktime_ms", o->ticktime_ms, 1000, DAY_MS},
        {"step_ms", o->step_ms, 1, DAY_MS},
        {"setup_timeout_ms", o->setup_timeout_ms, 1, UINT64_MAX / 4},
        {"reconnect_max_ms", o->reconnect_max_ms, 1, DAY_MS},
        {"reconnect_min_ms", o->reconnect_min_ms, 1, o->reconnect_max_ms},
        {"message_max", o->message_max, MIN_FRAME, UINT32_MAX},
        {"reason_max", o->reason_max, 64, o->message_max},
        {"reason_budget", o->reason_budget, 0, big},
        {"out_max", o->out_max, MIN_FRAME, big},
        {"out_high", o->out_high, 4096, o->out_max / 2},
        {"monitors_max", o->monitors_max, 1, MONITORS_LIMIT},
        {"fragments_max", o->fragments_max, 1, 1 << 20},
        {"epmd_port", o->epmd_port, 1, UINT16_MAX},
        {"log_level", (uint64_t)o->log_level, NOEX_LOG_ERROR, NOEX_LOG_TRACE},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max)
            return nx_fail(err, NOEX_EINVALID, "option %s is %llu, it must be %llu to %llu",
                           ranges[i].name, (unsigned long long)ranges[i].value,
                           (unsigned long long)ranges[i].min, (unsigned long long)ranges[i].max);
    return 0;
}

static int take_cookie(noex_node *node, const char *cookie, struct noex_error *err)
{
    size_t len = cookie ? strlen(cookie) : 0;
    if (!len)
        return nx_fail(err, NOEX_EINVALID, "option cookie is missing");
    if (len >= sizeof node->cookie)
        return nx_fail(err, NOEX_ECOOKIE_FORM, NULL);
    for (size_t i = 0; i < len; i++)
        if (cookie[i] < ' ' || cookie[i] > '~')
            return nx_fail(err, NOEX_ECOOKIE_FORM, NULL);
    memcpy(node->cookie, cookie, len);
    node->cookie_len = len;
    return 0;
}

/* The host part that a dynamic node offers: this machine's name, as far as it can stand in a node
 * name. */
static void take_host(noex_node *node)
{
    char text[300] = "x@";
    struct nx_node_name name;
    bool usable = gethostname(text + 2, sizeof text - 3) == 0 &&
                  nx_node_name_parse(text, &name, NULL) == 0 && !name.port;
    snprintf(node->self.host, sizeof node->self.host, "%s", usable ? name.host : "localhost");
}

static int take_identity(noex_node *node, const char *name, struct noex_error *err)
{
    uint8_t r[4];
    node->dynamic = !name;
    int rc = node->random->fill(node->random->ctx, r, sizeof r);
    if (rc)
        return nx_fail(err, rc, NULL);
    node->creation = nx_get_u32(r) < MIN_CREATION ? MIN_CREATION : nx_get_u32(r);
    if (node->dynamic) {
        take_host(node);
        return 0;
    }
    rc = nx_node_name_parse(name, &node->self, err);
    if (!rc && node->self.port)
        return nx_fail(err, NOEX_ENODENAME, "a node's own name has no port: '%s'", name);
    return rc;
}

static int take_options(noex_node *node, const struct noex_options *o, struct noex_error *err)
{
    node->options = *o;
    node->log = (struct nx_log){o->on_log, o->log_user, o->log_level};
    int rc = check_ranges(o, err);
    rc = rc ? rc : take_cookie(node, o->cookie, err);
    rc = rc ? rc : take_identity(node, o->name, err);
    node->options.name = NULL;
    node->options.cookie = NULL;
    node->options.allocator = NULL;
    return rc;
}

/* ---- events ---- */

static bool type_has_error(enum noex_event_type type)
{
    return type == NOEX_EVENT_NODE_DOWN || type == NOEX_EVENT_CONNECT_FAILED;
}

static void fill_node_event(noex_node *node, uint32_t number, struct noex_event *out)
{
    const struct nx_node_event *e = nx_node_event_at(&node->events, number);
    node->err = e->err;
    *out = (struct noex_event){
        .type = e->type,
        .missed = e->missed,
        .time_us = e->time_us,
        .node = node->peers.list[e->peer]->name.full,
        .error = type_has_error(e->type) ? &node->err : NULL,
        .attempt = e->attempt,
        .delay_ms = e->delay_ms,
    };
}

static void fill_down(const struct nx_monitor *m, struct noex_event *out)
{
    static const uint8_t noconnection[] = {119, 12,  'n', 'o', 'c', 'o', 'n',
                                           'n', 'e', 'c', 't', 'i', 'o', 'n'};
    out->type = NOEX_EVENT_MONITOR_DOWN;
    out->reason = (enum noex_reason_type)m->type;
    if (m->lost) {
        out->origin = NOEX_ORIGIN_LOCAL;
        out->term = noconnection;
        out->term_len = out->term_full_len = sizeof noconnection;
    } else if (m->has_reason) {
        out->term = m->end.reason->bytes;
        out->term_len = m->end.reason->len;
        out->term_full_len = m->end.reason->full_len;
    } else {
        out->term_full_len = m->end.full_len;
    }
}

static void say_timeout(const struct nx_peer *p, struct noex_error *err)
{
    char awaited[128];
    if (nx_peer_connection(p, awaited, sizeof awaited) == NOEX_CONNECTION_CONNECTING)
        nx_fail(err, NOEX_ESETUPTIMEOUT, "%s: monitor setup timed out, still waiting for %s",
                p->name.full, awaited);
    else
        nx_fail(err, NOEX_ESETUPTIMEOUT, "%s did not confirm the monitor in time", p->name.full);
}

static void fill_failed(noex_node *node, const struct nx_peer *p, const struct nx_monitor *m,
                        struct noex_event *out)
{
    int code = m->end.failure.code;
    bool known = m->end.failure.cause == p->monitors.cause; /* else it has failed anew since */
    node->err = (struct noex_error){0};
    if (code == NOEX_ENOTREACHABLE)
        nx_fail(&node->err, code, "node '%s' is not reachable: %.150s", p->name.full,
                known ? p->cause.text : "the connection was lost");
    else if (known && code == p->cause.code)
        node->err = p->cause;
    else if (code == NOEX_ESETUPTIMEOUT)
        say_timeout(p, &node->err);
    else if (code == NOEX_ENOMONITOR)
        nx_fail(&node->err, code,
                "%s does not support monitors (it did not offer DIST_MONITOR and "
                "DIST_MONITOR_NAME): erl_interface and jinterface nodes do not",
                p->name.full);
    else
        nx_fail(&node->err, code, "%s: %s", p->name.full, noex_error_text(code));
    out->type = NOEX_EVENT_MONITOR_FAILED;
    out->error = &node->err;
}

static void fill_monitor_event(noex_node *node, uint32_t item, struct noex_event *out)
{
    uint32_t slot = NX_EVENT_NUMBER(item);
    unsigned event = nx_events_take(node->monitors, item);
    const struct nx_monitor *m = nx_monitor_at(node->monitors, slot);
    const struct nx_peer *p = node->peers.list[m->peer];
    node->target =
        (struct noex_target){.kind = (enum noex_target_kind)m->kind, .node = p->name.full};
    if (m->kind == NOEX_TARGET_NAME)
        node->target.name = m->target.name;
    else if (m->kind == NOEX_TARGET_PID)
        node->target.pid = m->target.pid;
    *out = (struct noex_event){
        .type = NOEX_EVENT_MONITOR_UP,
        .time_us = (int64_t)m->when,
        .node = p->name.full,
        .monitor = nx_monitor_id(m, slot),
        .monitor_user = m->user,
        .target = &node->target,
    };
    if (event == NX_MONITOR_EV_DOWN)
        fill_down(m, out);
    else if (event == NX_MONITOR_EV_FAILED)
        fill_failed(node, p, m, out);
}

static void fill_event(noex_node *node, uint32_t item, struct noex_event *out)
{
    if (item & NX_EVENT_FOREIGN)
        fill_node_event(node, NX_EVENT_NUMBER(item), out);
    else
        fill_monitor_event(node, item, out);
}

/* The tick event stays set aside while its connection lives; the others go back to the pool. */
static void event_done(noex_node *node, uint32_t item)
{
    uint32_t number = NX_EVENT_NUMBER(item);
    nx_events_done(node->monitors, item);
    if (!(item & NX_EVENT_FOREIGN))
        return;
    struct nx_node_event *e = nx_node_event_at(&node->events, number);
    e->queued = false;
    if (node->peers.list[e->peer]->tick_event != number)
        nx_node_event_release(&node->events, number);
}

/* A RECONNECT is moot once somebody asked for the node and the next attempt is under way. */
static bool is_moot(noex_node *node, uint32_t item)
{
    if (!(item & NX_EVENT_FOREIGN))
        return false;
    const struct nx_node_event *e = nx_node_event_at(&node->events, NX_EVENT_NUMBER(item));
    return e->type == NOEX_EVENT_RECONNECT && node->peers.list[e->peer]->state != NX_PEER_BACKOFF;
}

static uint32_t next_item(noex_node *node)
{
    uint32_t item;
    while ((item = nx_events_peek(node->monitors)) && is_moot(node, item))
        event_done(node, item);
    return item;
}

static void deliver(noex_node *node)
{
    uint32_t item;
    struct noex_event event;
    while (!node->free_wanted && (item = next_item(node))) {
        fill_event(node, item, &event);
        node->options.on_event(node->options.user, &event);
        event_done(node, item);
    }
}

static void release_held(noex_node *node)
{
    if (node->held)
        event_done(node, node->held);
    node->held = 0;
}

bool nx_node_next_event(noex_node *node, struct noex_event *event)
{
    release_held(node);
    if (node->options.on_event || !(node->held = next_item(node)))
        return false;
    fill_event(node, node->held, event);
    return true;
}

/* ---- the loop ---- */

static uint64_t on_deadline(void *ctx)
{
    const noex_node *node = ctx;
    uint64_t at = UINT64_MAX;
    for (uint32_t i = 0; i < node->peers.count; i++) {
        uint64_t peer_at = nx_peer_deadline(node->peers.list[i]);
        at = peer_at < at ? peer_at : at;
    }
    return at;
}

static void on_turn(void *ctx, uint64_t now_ms)
{
    noex_node *node = ctx;
    for (int round = 0; round < ROUNDS_A_TURN; round++) {
        for (uint32_t i = 0; i < node->peers.count; i++)
            nx_peer_turn(node->peers.list[i], now_ms);
        if (!node->options.on_event || !nx_events_peek(node->monitors))
            return;
        deliver(node);
    }
    nx_loop_kick(node->loop);
}

bool nx_node_has_events(noex_node *node)
{
    return next_item(node) != 0;
}

int nx_node_process(noex_node *node, uint64_t max_wait_ms)
{
    if (node->in_process)
        return NOEX_EREENTRANT;
    release_held(node);
    node->in_process = true;
    int rc = nx_loop_run(node->loop, nx_node_has_events(node) ? 0 : max_wait_ms);
    node->in_process = false;
    if (node->free_wanted)
        nx_node_free(node);
    return rc;
}

/* The item that the caller looks at, in a callback or pulled, must not be stepped over. */
int64_t nx_node_timeout_ms(noex_node *node)
{
    if (node->in_process)
        return 0;
    release_held(node);
    return nx_node_has_events(node) ? 0 : nx_loop_timeout_ms(node->loop);
}

/* ---- peers ---- */

struct nx_peer *nx_node_find_peer(noex_node *node, const struct nx_node_name *name)
{
    return nx_peers_find(&node->peers, name->full);
}

int nx_node_peer(noex_node *node, const struct nx_node_name *name, struct nx_peer **out)
{
    *out = nx_node_find_peer(node, name);
    if (*out) {
        if (name->port)
            (*out)->name.port = name->port;
        return 0;
    }
    if (!node->dynamic && strcmp(name->full, node->self.full) == 0)
        return NOEX_EINVALID;
    int rc = nx_peers_reserve(&node->peers);
    rc = rc ? rc : nx_peer_new(out, node, node->peers.count, name);
    if (!rc)
        nx_peers_add(&node->peers, *out);
    return rc;
}

/* ---- life ---- */

int nx_node_new(noex_node **out, const struct noex_options *options, struct noex_error *err)
{
    const struct noex_allocator *a = options->allocator ? options->allocator : &nx_alloc_libc;
    noex_node *node = nx_calloc(a, 1, sizeof *node);
    if (!node)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    node->alloc = *a;
    node->random = &nx_random_openssl;
    nx_node_events_init(&node->events, &node->alloc);
    nx_peers_init(&node->peers, &node->alloc);
    int rc = take_options(node, options, err);
    if (!rc) {
        node->monitors =
            nx_monitors_new(&node->alloc, options->monitors_max, options->reason_budget);
        rc = node->monitors ? 0 : nx_fail(err, NOEX_ENOMEM, NULL);
    }
    if (!rc) {
        const struct nx_loop_hooks hooks = {node, on_deadline, on_turn};
        nx_node_events_join(&node->events, node->monitors);
        rc = nx_loop_new(&node->loop, &node->alloc, NULL, &hooks, err);
    }
    if (rc) {
        nx_node_free(node);
        return rc;
    }
    *out = node;
    return 0;
}

static void on_loop_closed(void *ctx)
{
    (void)ctx; /* a loop of its own is closed inside the call */
}

void nx_node_free(noex_node *node)
{
    if (!node)
        return;
    if (node->in_process) {
        node->free_wanted = true;
        return;
    }
    for (uint32_t i = 0; i < node->peers.count; i++)
        nx_peer_free(node->peers.list[i]);
    nx_peers_free(&node->peers);
    if (node->loop)
        nx_loop_close(node->loop, on_loop_closed, NULL);
    nx_monitors_free(node->monitors);
    nx_node_events_free(&node->events);
    nx_wipe(node->cookie, sizeof node->cookie);
    const struct noex_allocator alloc = node->alloc;
    nx_free(&alloc, node);
}

void nx_node_stats(const noex_node *node, struct noex_stats *stats)
{
    *stats = node->stats;
    for (uint32_t i = 0; i < node->peers.count; i++) {
        const struct nx_peer *p = node->peers.list[i];
        nx_peer_add_stats(p, stats);
        stats->connections += nx_peer_is_up(p);
    }
    stats->reasons_cut = nx_monitors_reasons_cut(node->monitors);
    stats->downs_stale = nx_monitors_stale(node->monitors);
}
