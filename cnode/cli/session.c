/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "lookup.h"
#include <inttypes.h>
#include <noex/call.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PRINTED_MAX = 64 * 1024, MESSAGE_MAX = 4096, CONNECTS_A_TURN = 1000 };

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t session_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const struct session_ops session_library = {
    .connect = noex_connect, .monitor = noex_monitor, .rpc = noex_rpc, .now_us = monotonic_us};

/* Making a session. */

/* Orders nodes by name@host: a port says how to reach a node, not which one it is. */
static int compare_nodes(const char *a, const char *b)
{
    size_t a_len = strcspn(a, ":"), b_len = strcspn(b, ":");
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

static int by_node_then_order(const void *a, const void *b)
{
    const struct watched *x = *(struct watched *const *)a, *y = *(struct watched *const *)b;
    int c = compare_nodes(x->what.node, y->what.node);
    return c ? c : (x > y) - (x < y);
}

static void add_to_peer(struct session *s, struct watched *t)
{
    struct peer *p = s->peer_count ? &s->peers[s->peer_count - 1] : NULL;
    if (!p || compare_nodes(p->node, t->what.node) != 0) {
        p = &s->peers[s->peer_count++];
        p->node = t->what.node;
        p->first = t;
    } else {
        p->last->peer_next = t;
    }
    p->last = t;
    t->peer = p;
}

static bool group_by_node(struct session *s)
{
    struct watched **sorted = calloc(s->count, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < s->count; i++)
        sorted[i] = &s->targets[i];
    qsort(sorted, s->count, sizeof *sorted, by_node_then_order);
    for (size_t i = 0; i < s->count; i++)
        add_to_peer(s, sorted[i]);
    free(sorted);
    return true;
}

static bool fill_target(struct watched *t, const struct target_spec *spec)
{
    t->text = spec->text;
    t->what = spec->what;
    if (!spec->global)
        return true;
    t->holder = malloc(LOOKUP_NODE_SIZE);
    return t->holder && noex_builder_term(spec->global, &t->global) == 0;
}

static bool fill_targets(struct session *s, const struct target_list *targets)
{
    for (size_t i = 0; i < s->count; i++)
        if (!fill_target(&s->targets[i], &targets->items[i]))
            return false;
    return true;
}

enum exit_code session_init(struct session *s, const struct session_ops *ops,
                            const struct session_plan *plan, struct console *console,
                            const struct target_list *targets, struct failure *why)
{
    *s = (struct session){.ops = ops, .plan = plan, .console = console, .ended = SESSION_ON};
    s->count = targets->count;
    s->in_state[WATCH_PENDING] = s->count;
    s->targets = calloc(s->count, sizeof *s->targets);
    s->peers = calloc(s->count, sizeof *s->peers);
    s->message = malloc(MESSAGE_MAX);
    s->term = malloc(PRINTED_MAX);
    if (s->targets && s->peers && s->message && s->term && fill_targets(s, targets) &&
        schedule_init(&s->retries, s->count) && group_by_node(s))
        return CODE_WELL;
    session_free(s);
    return fail_with(why, CODE_INTERNAL, "out of memory");
}

void session_free(struct session *s)
{
    for (size_t i = 0; s->targets && i < s->count; i++)
        free(s->targets[i].holder);
    free(s->targets);
    free(s->peers);
    free(s->message);
    free(s->term);
    schedule_free(&s->retries);
    *s = (struct session){0};
}

/* Reporting. */

void session_report(struct session *s, const struct report *r)
{
    if (r->kind == REPORT_ERROR || (s->plan->prints & r->kind))
        console_report(s->console, r);
}

void session_report_error(struct session *s, int64_t time_us, const char *node, const char *target,
                          int code, const char *text)
{
    session_report(s, &(struct report){.kind = REPORT_ERROR,
                                       .time_us = time_us,
                                       .node = node,
                                       .target = target,
                                       .code = noex_error_name(code),
                                       .message = text});
}

void session_report_down(struct session *s, const struct watched *t, const struct noex_event *ev)
{
    if (!(s->plan->prints & REPORT_PROCESS_DOWN) || s->console->quiet)
        return; /* printing a term is work */
    bool cut = false;
    const char *type = noex_reason_type_name(ev->reason);
    bool printed = noex_event_print_term(ev, s->term, PRINTED_MAX, &cut) >= 0;
    bool worded = noex_event_message(ev, s->message, MESSAGE_MAX) >= 0;
    session_report(s, &(struct report){.kind = REPORT_PROCESS_DOWN,
                                       .time_us = ev->time_us,
                                       .target = t->text,
                                       .monitor = ev->monitor,
                                       .what = &t->what,
                                       .origin = ev->origin,
                                       .reason = type,
                                       .message = worded ? s->message : "",
                                       .term = printed ? s->term : type,
                                       .term_bytes = cut ? ev->term_full_len : 0});
}

/* What the targets come to. */

void session_give_up(struct session *s, struct watched *t, int error, const char *text)
{
    watched_fail(s, t, error);
    session_report_error(s, session_wall_us(), NULL, t->text, error, text);
}

void session_give_up_pending(struct session *s, enum session_stop cause)
{
    char text[64] = "interrupted";
    int code = cause == STOP_DEADLINE ? NOEX_ESETUPTIMEOUT : NOEX_EINTERRUPTED;
    if (cause == STOP_DEADLINE)
        snprintf(text, sizeof text, "no answer within %" PRIu64 " ms", s->plan->total_ms);
    for (size_t i = 0; i < s->count; i++)
        if (s->targets[i].state == WATCH_PENDING)
            session_give_up(s, &s->targets[i], code, text);
}

enum exit_code session_code(const struct session *s)
{
    enum exit_code code = CODE_WELL;
    for (size_t i = 0; i < s->count; i++)
        code = exitcode_worse(code, watched_code(&s->targets[i]));
    return code;
}

/* Events of a node. */

static int peer_by_name(const void *name, const void *peer)
{
    return compare_nodes(name, ((const struct peer *)peer)->node);
}

static struct peer *find_peer(struct session *s, const char *node)
{
    return bsearch(node, s->peers, s->peer_count, sizeof *s->peers, peer_by_name);
}

static void on_node_up(struct session *s, struct peer *p, const struct noex_event *ev)
{
    p->up = p->met = p->arm = s->arm = true;
    p->error = (struct noex_error){0};
    session_report(
        s, &(struct report){.kind = REPORT_NODE_UP, .time_us = ev->time_us, .node = p->node});
}

static void report_node_down(struct session *s, struct peer *p, const struct noex_event *ev)
{
    session_report(s, &(struct report){.kind = REPORT_NODE_DOWN,
                                       .time_us = ev->time_us,
                                       .node = p->node,
                                       .reason = noex_node_down_reason(ev->error),
                                       .message = ev->error->text});
}

/* Where nothing is tried twice: what has not been decided is decided by the node's error. */
static void fail_pending(struct session *s, struct peer *p)
{
    for (struct watched *t = p->first; t; t = t->peer_next)
        if (t->state == WATCH_PENDING)
            watched_fail(s, t, p->error.code);
}

static void on_node_down(struct session *s, struct peer *p, const struct noex_event *ev)
{
    enum noex_error_class kind = noex_error_class(ev->error->code);
    p->up = p->arm = false;
    p->error = *ev->error;
    report_node_down(s, p, ev);
    if (!s->plan->keep)
        fail_pending(s, p);
    /* A plain loss is told by node_down; anything else has a cause worth an event of its own. */
    if (!s->plan->keep || kind == NOEX_CLASS_REFUSED || kind == NOEX_CLASS_INTERNAL)
        session_report_error(s, ev->time_us, p->node, NULL, p->error.code, p->error.text);
}

/* With awaits_end: is this what is waited for? The node's own targets are then down. */
static bool node_has_ended(struct session *s, struct peer *p, const struct noex_event *ev)
{
    bool absent = ev->error->code == NOEX_ENONODE || ev->error->code == NOEX_ECONNREFUSED;
    if (!s->plan->awaits_end || !absent)
        return false;
    bool any = false;
    for (struct watched *t = p->first; t; t = t->peer_next) {
        if (t->what.kind != NOEX_TARGET_NODE || t->gone)
            continue;
        any = t->gone = true;
        t->reason = NOEX_REASON_NOCONNECTION;
        watched_set_state(s, t, WATCH_DOWN);
        if (!p->met)
            report_node_down(s, p, ev); /* else told when it was lost */
    }
    if (any)
        s->ended = s->plan->turn(s); /* at once: another attempt need not be announced */
    return any;
}

static void on_connect_failed(struct session *s, struct peer *p, const struct noex_event *ev)
{
    enum noex_error_class kind = noex_error_class(ev->error->code);
    p->error = *ev->error;
    if (node_has_ended(s, p, ev))
        return;
    session_report_error(s, ev->time_us, p->node, NULL, p->error.code, p->error.text);
    if (!s->plan->keep)
        fail_pending(s, p);
    else if (s->plan->ends_on_refusal && !p->met && kind == NOEX_CLASS_REFUSED)
        s->ended = CODE_REFUSED;
}

static void on_node_event(struct session *s, struct peer *p, const struct noex_event *ev)
{
    switch ((int)ev->type) {
    case NOEX_EVENT_NODE_UP:
        on_node_up(s, p, ev);
        break;
    case NOEX_EVENT_NODE_DOWN:
        on_node_down(s, p, ev);
        break;
    case NOEX_EVENT_CONNECT_FAILED:
        on_connect_failed(s, p, ev);
        break;
    case NOEX_EVENT_RECONNECT:
        session_report(s, &(struct report){.kind = REPORT_RECONNECT,
                                           .time_us = ev->time_us,
                                           .node = p->node,
                                           .attempt = ev->attempt,
                                           .delay_ms = ev->delay_ms});
        break;
    case NOEX_EVENT_TICK_MISSED:
        session_report(s, &(struct report){.kind = REPORT_TICK_MISSED,
                                           .time_us = ev->time_us,
                                           .node = p->node,
                                           .missed = ev->missed});
        break;
    default:
        break;
    }
}

void session_event(void *user, const struct noex_event *ev)
{
    struct session *s = user;
    struct watched *t = ev->monitor ? ev->monitor_user : ev->call ? ev->call_user : NULL;
    struct peer *p = !t && ev->node ? find_peer(s, ev->node) : NULL;
    if (s->ended != SESSION_ON)
        return;
    if (t)
        watched_event(s, t, ev);
    else if (p)
        on_node_event(s, p, ev);
}

/* Turns. */

/* A part of the nodes each turn: with very many of them signals and the deadline count meanwhile.
 */
static void connect_some(struct session *s)
{
    enum noex_connect_flags flags = s->plan->keep ? NOEX_CONNECT_KEEP : NOEX_CONNECT_ONCE;
    for (int n = 0; n < CONNECTS_A_TURN && s->ended == SESSION_ON; n++) {
        if (s->asked == s->peer_count)
            return;
        const char *node = s->peers[s->asked++].node;
        int rc = s->ops->connect(s->node, node, flags);
        if (!rc)
            continue;
        session_report_error(s, session_wall_us(), node, NULL, rc,
                             rc == NOEX_EINVALID ? "this is the name given with --name"
                                                 : noex_error_text(rc));
        s->ended = (int)exitcode_of(rc);
    }
}

void session_start(struct session *s, noex_node *node)
{
    s->node = node;
    s->start_us = s->ops->now_us();
    s->random = (s->start_us << 1) | 1;
    s->asked = 0;
    connect_some(s);
}

static void arm_peer(struct session *s, struct peer *p)
{
    p->arm = false;
    for (struct watched *t = p->first; t; t = t->peer_next)
        watched_begin(s, t);
}

static void run_retries(struct session *s)
{
    uint64_t now = s->ops->now_us();
    for (struct scheduled *due; (due = schedule_due(&s->retries, now));)
        watched_try_again(s, (void *)((char *)due - offsetof(struct watched, retry)));
}

static void settle_fresh(struct session *s)
{
    while (s->fresh) {
        struct watched *t = s->fresh;
        s->fresh = t->fresh_next;
        if (t->fresh)
            watched_settle(s, t);
    }
}

static void arm_peers(struct session *s)
{
    s->arm = false;
    for (size_t i = 0; i < s->peer_count; i++)
        if (s->peers[i].arm)
            arm_peer(s, &s->peers[i]);
}

static uint64_t deadline_us(const struct session *s)
{
    return s->plan->total_ms ? s->start_us + s->plan->total_ms * 1000 : UINT64_MAX;
}

int session_turn(struct session *s)
{
    if (s->ended == SESSION_ON)
        settle_fresh(s);
    if (s->ended == SESSION_ON)
        s->ended = s->plan->turn(s);
    if (s->ended == SESSION_ON && s->arm)
        arm_peers(s);
    if (s->ended == SESSION_ON)
        connect_some(s);
    if (s->ended == SESSION_ON)
        run_retries(s);
    if (s->ended == SESSION_ON && s->ops->now_us() >= deadline_us(s))
        s->ended = (int)s->plan->stopped(s, STOP_DEADLINE);
    return s->ended;
}

uint64_t session_wait_ms(const struct session *s, uint64_t limit)
{
    uint64_t next = schedule_next(&s->retries);
    uint64_t end = deadline_us(s);
    next = end < next ? end : next;
    uint64_t now = s->ops->now_us();
    if (next <= now || s->asked < s->peer_count)
        return 0;
    uint64_t ms = next == UINT64_MAX ? limit : (next - now + 999) / 1000;
    return ms < limit ? ms : limit;
}
