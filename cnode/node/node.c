/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include "base/alloc.h"
#include "base/err.h"
#include "handshake/dflags.h"
#include "handshake/digest.h"
#include "node/calls.h"
#include "node/delivery.h"
#include "node/listener.h"
#include "node/mail.h"
#include "node/options.h"
#include "node/peer.h"
#include "node/shutdown.h"
#include "tls/context.h"
#include <stdio.h>
#include <unistd.h>

enum {
    ROUNDS_A_TURN = 8, /* events may lead to new ones; beyond this the loop goes round first */
    MIN_CREATION = 4   /* 0 is reserved, 1 to 3 are of old releases, protocol.md 5 */
};

/* ---- cookies ---- */

static int check_cookie(const char *cookie, struct noex_error *err)
{
    size_t len = strlen(cookie);
    if (!len || len > NX_COOKIE_MAX)
        return nx_fail(err, NOEX_ECOOKIE_FORM, NULL);
    for (size_t i = 0; i < len; i++)
        if (cookie[i] < ' ' || cookie[i] > '~')
            return nx_fail(err, NOEX_ECOOKIE_FORM, NULL);
    return 0;
}

static int take_cookie(noex_node *node, const char *cookie, struct noex_error *err)
{
    if (!cookie || !*cookie)
        return nx_fail(err, NOEX_EINVALID, "the node's own cookie is missing");
    int rc = check_cookie(cookie, err);
    if (rc)
        return rc;
    nx_wipe(node->cookie, sizeof node->cookie);
    memcpy(node->cookie, cookie, strlen(cookie));
    return 0;
}

struct nx_span nx_node_cookie(const noex_node *node, const struct nx_peer *p)
{
    return nx_span_str(p && p->cookie ? p->cookie : node->cookie);
}

int nx_node_set_cookie(noex_node *node, const struct nx_node_name *name, const char *cookie,
                       struct noex_error *err)
{
    struct nx_peer *p;
    if (strcmp(name->full, node->self.full) == 0)
        return take_cookie(node, cookie, err);
    int rc = cookie ? check_cookie(cookie, err) : 0;
    rc = rc ? rc : nx_node_peer(node, name, &p, err);
    rc = rc ? rc : nx_peer_set_cookie(p, cookie);
    return nx_fail(err, rc, NULL);
}

/* ---- identity ---- */

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

static int take_listen_address(noex_node *node, struct noex_error *err)
{
    const char *address = node->options.listen_address;
    if (!address)
        return 0;
    if (!*address || strlen(address) >= sizeof node->listen_address)
        return nx_fail(err, NOEX_EINVALID, "option listen_address is empty, or too long");
    snprintf(node->listen_address, sizeof node->listen_address, "%s", address);
    node->options.listen_address = node->listen_address;
    return 0;
}

/* Whoever turned verification off is told so where it counts. */
static int take_tls(noex_node *node, struct noex_error *err)
{
    noex_tls *tls = node->options.tls;
    if (!tls)
        return 0;
    if (node->options.listen && !nx_tls_can_accept(tls))
        return nx_fail(err, NOEX_ETLSOPTION, "TLS: a node that listens needs a certificate");
    if (nx_tls_is_blind(tls, NX_TLS_DIAL))
        nx_log(&node->log, NOEX_LOG_INFO,
               "TLS: the certificates of nodes that are connected to are NOT verified");
    if (node->options.listen && nx_tls_is_blind(tls, NX_TLS_ACCEPT))
        nx_log(&node->log, NOEX_LOG_INFO,
               "TLS: the certificates of nodes that connect are NOT verified");
    return 0;
}

static int take_options(noex_node *node, struct noex_error *err)
{
    struct noex_options *o = &node->options;
    node->log = (struct nx_log){o->on_log, o->log_user, o->log_level};
    node->flags = NX_DFLAGS_OURS | (o->visible ? NX_DFLAG_PUBLISHED : 0);
    int rc = take_cookie(node, o->cookie, err);
    rc = rc ? rc : take_identity(node, o->name, err);
    rc = rc ? rc : take_listen_address(node, err);
    rc = rc ? rc : take_tls(node, err);
    o->name = NULL;
    o->cookie = NULL;
    o->allocator = NULL;
    return rc;
}

static void shut(noex_node *node);

/* The queue of events holds the monitors' own, the node's and letters. */
static uint32_t *event_link(void *ctx, uint32_t item)
{
    noex_node *node = ctx;
    uint32_t number = NX_EVENT_NUMBER(item);
    if (item & NX_EVENT_END)
        return &nx_letter_at(&node->letters, number)->link;
    return &nx_node_event_at(&node->events, number)->link;
}

static struct nx_bonds *bonds_of_process(void *ctx, uint32_t slot)
{
    const noex_node *node = ctx;
    return &nx_proc_at(node->procs, slot)->bonds;
}

static struct nx_bonds *bonds_of_peer(void *ctx, uint32_t index)
{
    const noex_node *node = ctx;
    return &node->peers.list[index]->bonds;
}

static void queue_letter(void *ctx, struct nx_letter *l)
{
    nx_mail_queue(ctx, l);
}

/* ---- the loop ---- */

static uint64_t on_deadline(void *ctx)
{
    const noex_node *node = ctx;
    uint64_t at = nx_listener_deadline(node->listener);
    for (uint32_t i = 0; i < node->peers.count; i++) {
        uint64_t peer_at = nx_peer_deadline(node->peers.list[i]);
        at = peer_at < at ? peer_at : at;
    }
    uint64_t call_at = nx_pendings_deadline(node->pendings);
    uint64_t timer_at = nx_timers_deadline(&node->timers);
    at = timer_at < at ? timer_at : at;
    uint64_t leave_at = nx_shutdown_deadline(node);
    at = leave_at < at ? leave_at : at;
    return call_at < at ? call_at : at;
}

/* Callbacks run between these two, and what closes the node there takes effect at the end. */
bool nx_node_enter(noex_node *node)
{
    bool was = node->running;
    node->running = true;
    return was;
}

void nx_node_leave(noex_node *node, bool was)
{
    node->running = was;
    if (node->closing && !was)
        shut(node);
}

static void turn_connections(noex_node *node, uint64_t now_ms)
{
    nx_listener_turn(node->listener, now_ms);
    nx_calls_expire(node, now_ms);
    for (uint32_t i = 0; i < node->peers.count; i++)
        nx_peer_turn(node->peers.list[i], now_ms);
    nx_shutdown_turn(node, now_ms);
}

static void tell(noex_node *node, uint64_t now_ms)
{
    for (int round = 0; round < ROUNDS_A_TURN; round++) {
        turn_connections(node, now_ms);
        if (!nx_delivery_can_run(node))
            return;
        nx_delivery_run(node);
        if (node->closing)
            return;
    }
    nx_loop_kick(node->loop);
}

/* What is left then does not let nx_node_process wait; a caller's loop must be told. */
static void announce(noex_node *node)
{
    if (!node->options.on_ready || !nx_delivery_waits(node))
        return;
    node->options.on_ready(node->options.user);
    if (!node->foreign || node->closing)
        return;
    nx_delivery_release(node);
    if (nx_delivery_waits(node))
        nx_loop_kick(node->loop);
}

static void on_turn(void *ctx, uint64_t now_ms)
{
    noex_node *node = ctx;
    if (node->closing) /* by a posted function, just before */
        return;
    bool was = nx_node_enter(node);
    nx_delivery_release(node);
    nx_timers_run(&node->timers, now_ms, &node->closing);
    if (!node->closing)
        tell(node, now_ms);
    if (!node->options.on_event && !node->closing)
        announce(node);
    nx_node_leave(node, was);
}

int nx_node_process(noex_node *node, uint64_t max_wait_ms)
{
    nx_delivery_release(node);
    bool waits = nx_delivery_waits(node) || nx_delivery_can_run(node);
    return nx_loop_run(node->loop, waits ? 0 : max_wait_ms);
}

/* The item that the caller looks at, in a callback or pulled, must not be stepped over. */
int64_t nx_node_timeout_ms(noex_node *node)
{
    if (node->running)
        return 0;
    nx_delivery_release(node);
    bool waits = nx_delivery_waits(node) || nx_delivery_can_run(node);
    return waits ? 0 : nx_loop_timeout_ms(node->loop);
}

/* ---- peers ---- */

struct nx_peer *nx_node_find_peer(noex_node *node, const struct nx_node_name *name)
{
    return nx_peers_find(&node->peers, name->full);
}

int nx_node_peer(noex_node *node, const struct nx_node_name *name, struct nx_peer **out,
                 struct noex_error *err)
{
    *out = nx_node_find_peer(node, name);
    if (*out) {
        if (name->port)
            (*out)->name.port = name->port;
        return 0;
    }
    if (!node->dynamic && strcmp(name->full, node->self.full) == 0)
        return nx_fail(err, NOEX_EINVALID, "%s is this node's own name", name->full);
    int rc = nx_peers_reserve(&node->peers);
    rc = rc ? rc : nx_peer_new(out, node, node->peers.count, name);
    if (!rc)
        nx_peers_add(&node->peers, *out);
    return nx_fail(err, rc, NULL);
}

struct nx_conn_config nx_node_conn_config(const noex_node *node)
{
    const struct noex_options *o = &node->options;
    return (struct nx_conn_config){
        .hs = {.alloc = &node->alloc,
               .log = &node->log,
               .random = node->random,
               .header = o->tls ? 4 : 2,
               .flags = node->flags,
               .required = NX_DFLAGS_REQUIRED,
               .creation = node->creation,
               .dynamic = node->dynamic,
               .self_name = node->dynamic ? node->self.host : node->self.full,
               .step_ms = o->step_ms},
        .ticktime_ms = o->ticktime_ms,
        .message_max = o->message_max,
        .out_max = o->out_max,
        .fragments_max = o->fragments_max,
    };
}

/* ---- life ---- */

static int make_processes(noex_node *node, struct noex_error *err)
{
    const struct nx_foreign_links event_links = {node, event_link};
    const struct nx_bond_owners owners = {node, bonds_of_process, bonds_of_peer};
    struct nx_map_seed seed;
    int rc = node->random->fill(node->random->ctx, (uint8_t *)&seed, sizeof seed);
    if (rc)
        return nx_fail(err, rc, NULL);
    nx_events_set_foreign(node->monitors, &event_links);
    node->letters.max = node->options.mail_max;
    nx_links_init(&node->links, &node->alloc, &seed, &owners);
    nx_watchers_init(&node->watchers, &node->alloc, &seed, &owners);
    nx_holders_init(&node->holders, &node->alloc, &owners);
    nx_monitors_set_holders(node->monitors, &node->holders);
    nx_monitor_list_init(&node->here);
    nx_served_init(&node->served, &node->alloc);
    node->pendings = nx_pendings_new(&node->alloc, &node->letters, queue_letter, node);
    if (!node->pendings)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    node->procs = nx_procs_new(&node->alloc, node->options.processes_max);
    return node->procs ? 0 : nx_fail(err, NOEX_ENOMEM, NULL);
}

static int make_parts(noex_node *node, void *uv, struct noex_error *err)
{
    const struct nx_loop_hooks hooks = {node, on_deadline, on_turn};
    int rc = take_options(node, err);
    if (rc)
        return rc;
    const struct noex_options *o = &node->options;
    node->monitors = nx_monitors_new(&node->alloc, o->monitors_max, o->reason_budget);
    if (!node->monitors)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    nx_node_events_join(&node->events, node->monitors);
    rc = make_processes(node, err);
    if (!rc && o->listen)
        rc = nx_fail(err, nx_listener_new(&node->listener, node), NULL);
    return rc ? rc : nx_loop_new(&node->loop, &node->alloc, uv, &hooks, err);
}

int nx_node_new(noex_node **out, const struct noex_options *options, void *uv,
                struct noex_error *err)
{
    struct noex_options o;
    int rc = nx_options_take(&o, options, err);
    if (rc)
        return rc;
    const struct noex_allocator *a = o.allocator ? o.allocator : &nx_alloc_libc;
    noex_node *node = nx_calloc(a, 1, sizeof *node);
    if (!node)
        return nx_fail(err, NOEX_ENOMEM, NULL);
    node->options = o;
    node->options.tls = nx_tls_hold(o.tls);
    node->alloc = *a;
    node->random = &nx_random_openssl;
    node->foreign = uv != NULL;
    nx_node_events_init(&node->events, &node->alloc);
    nx_letters_init(&node->letters, &node->alloc, 0);
    nx_peers_init(&node->peers, &node->alloc);
    nx_timers_init(&node->timers, &node->alloc);
    rc = make_parts(node, uv, err);
    if (rc)
        nx_node_close(node, NULL, NULL);
    else
        *out = node;
    return rc;
}

static void on_loop_closed(void *ctx)
{
    noex_node *node = ctx;
    const struct noex_allocator alloc = node->alloc;
    noex_closed_fn closed = node->closed;
    void *user = node->closed_user;
    nx_monitors_free(node->monitors);
    nx_node_events_free(&node->events);
    if (node->procs) { /* the last to be made */
        nx_links_free(&node->links);
        nx_watchers_free(&node->watchers);
        nx_holders_free(&node->holders);
        nx_served_free(&node->served);
        nx_procs_free(node->procs);
    }
    nx_pendings_free(node->pendings);
    nx_letters_free(&node->letters);
    nx_timers_free(&node->timers);
    nx_tls_release(node->options.tls);
    nx_wipe(node->cookie, sizeof node->cookie);
    nx_free(&alloc, node);
    if (closed)
        closed(user);
}

/* Sockets first: the loop goes when the last of them is closed. */
static void shut(noex_node *node)
{
    nx_listener_free(node->listener);
    for (uint32_t i = 0; i < node->peers.count; i++)
        nx_peer_free(node->peers.list[i]);
    nx_peers_free(&node->peers);
    if (node->loop)
        nx_loop_close(node->loop, on_loop_closed, node);
    else
        on_loop_closed(node);
}

void nx_node_close(noex_node *node, noex_closed_fn closed, void *user)
{
    if (node->closing)
        return;
    node->closing = true;
    node->closed = closed;
    node->closed_user = user;
    if (!node->running)
        shut(node);
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
