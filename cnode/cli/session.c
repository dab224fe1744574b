/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PRINTED_MAX = 64 * 1024,
    LIFE_MIN_US = 100 * 1000,
    CONNECTS_A_TURN = 1000,
    MESSAGE_MAX = 4096,
    SETUP_RETRY_MS = 1000,
    REARM_MIN_MS = 10,
    REARM_MAX_MS = 1000
};

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
    .connect = noex_connect, .monitor = noex_monitor, .now_us = monotonic_us};

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
    for (size_t i = 0; s->targets && i < s->count; i++) {
        s->targets[i].text = targets->items[i].text;
        s->targets[i].what = targets->items[i].what;
    }
    if (s->targets && s->peers && s->message && s->term && schedule_init(&s->retries, s->count) &&
        group_by_node(s))
        return CODE_WELL;
    session_free(s);
    return fail_with(why, CODE_INTERNAL, "out of memory");
}

void session_free(struct session *s)
{
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

static void report_error(struct session *s, int64_t time_us, const char *node, const char *target,
                         int code, const char *text)
{
    session_report(s, &(struct report){.kind = REPORT_ERROR,
                                       .time_us = time_us,
                                       .node = node,
                                       .target = target,
                                       .code = noex_error_name(code),
                                       .message = text});
}

static void report_monitor(struct session *s, const struct watched *t, int64_t time_us)
{
    session_report(s, &(struct report){.kind = REPORT_MONITOR,
                                       .time_us = time_us,
                                       .target = t->text,
                                       .monitor = t->monitor,
                                       .what = &t->what});
}

static void report_process_down(struct session *s, const struct watched *t,
                                const struct noex_event *ev)
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

/* States. */

static void set_state(struct session *s, struct watched *t, enum watch_state state)
{
    s->in_state[t->state]--;
    s->in_state[state]++;
    t->state = state;
}

static void set_failed(struct session *s, struct watched *t, int error)
{
    t->error = error;
    set_state(s, t, WATCH_FAILED);
}

void session_give_up(struct session *s, struct watched *t, int error, const char *text)
{
    set_failed(s, t, error);
    report_error(s, session_wall_us(), NULL, t->text, error, text);
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

enum exit_code session_target_code(const struct watched *t)
{
    int peer_error = t->peer->error.code;
    switch (t->state) {
    case WATCH_ALIVE:
        return CODE_WELL;
    case WATCH_DOWN:
    case WATCH_ABSENT:
        return CODE_DOWN;
    case WATCH_LOST:
        return peer_error ? exitcode_of(peer_error) : CODE_REACH;
    case WATCH_FAILED:
        return exitcode_of(t->error);
    case WATCH_PENDING:
    case WATCH_STATES:
        break;
    }
    return peer_error ? exitcode_of(peer_error) : CODE_SILENCE;
}

enum exit_code session_code(const struct session *s)
{
    enum exit_code code = CODE_WELL;
    for (size_t i = 0; i < s->count; i++)
        code = exitcode_worse(code, session_target_code(&s->targets[i]));
    return code;
}

const char *session_state_word(const struct watched *t)
{
    static const char *const words[] = {
        [CODE_WELL] = "alive",        [CODE_DOWN] = "down",       [CODE_USAGE] = "invalid",
        [CODE_REACH] = "unreachable", [CODE_REFUSED] = "refused", [CODE_SILENCE] = "timeout",
        [CODE_INTERNAL] = "failed",
    };
    return t->state == WATCH_ABSENT ? "absent" : words[session_target_code(t)];
}

const char *session_state_cause(const struct watched *t)
{
    if (t->state == WATCH_ALIVE)
        return "";
    if (t->state == WATCH_DOWN || t->state == WATCH_ABSENT)
        return noex_reason_type_name(t->reason);
    if (t->peer->error.code && (t->state != WATCH_FAILED || t->error == t->peer->error.code))
        return t->peer->error.text;
    if (t->state == WATCH_FAILED)
        return noex_error_text(t->error);
    return t->state == WATCH_LOST ? noex_error_text(NOEX_ELOST) : "no answer yet";
}

/* Monitoring, and trying again. */

static bool comes_back(const struct session *s, const struct watched *t)
{
    return s->plan->rearm && t->what.kind == NOEX_TARGET_NAME;
}

static void arm(struct session *s, struct watched *t)
{
    if (t->monitor || !t->peer->up || (t->gone && !comes_back(s, t)))
        return;
    int rc = s->ops->monitor(s->node, &t->what, s->plan->setup_ms, t, &t->monitor);
    if (!rc)
        return;
    t->monitor = 0;
    session_give_up(s, t, rc, noex_error_text(rc));
    s->ended = (int)exitcode_of(rc);
}

static void retry_after(struct session *s, struct watched *t, uint64_t ms)
{
    schedule_at(&s->retries, &t->retry, s->ops->now_us() + ms * 1000);
}

/* xorshift64: spreads attempts, nothing more. */
static uint64_t spread(struct session *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

/* Behind the first try: 10 ms, doubling to 1 s, each shortened by a random part of up to a quarter.
 */
static void rearm_later(struct session *s, struct watched *t)
{
    uint32_t doubled = t->tries ? t->tries - 1 : 0;
    uint64_t ms = doubled < 7 ? (uint64_t)REARM_MIN_MS << doubled : REARM_MAX_MS;
    t->tries++;
    uint64_t us = ms * 1000;
    us -= spread(s) % (us / 4);
    schedule_at(&s->retries, &t->retry, s->ops->now_us() + us);
}

static void rearm(struct session *s, struct watched *t)
{
    if (t->tries) {
        rearm_later(s, t);
        return;
    }
    t->tries = 1;
    retry_after(s, t, 0);
}

static void arm_peer(struct session *s, struct peer *p)
{
    p->arm = false;
    for (struct watched *t = p->first; t; t = t->peer_next) {
        schedule_cancel(&s->retries, &t->retry);
        t->tries = 0;
        arm(s, t);
    }
}

static void run_retries(struct session *s)
{
    uint64_t now = s->ops->now_us();
    for (struct scheduled *due; (due = schedule_due(&s->retries, now));)
        arm(s, (void *)((char *)due - offsetof(struct watched, retry)));
}

/* Events of one target. */

/* It is there, and no noproc came with the confirmation. */
static void settle(struct session *s, struct watched *t)
{
    t->fresh = false;
    set_state(s, t, WATCH_ALIVE);
    if (t->gone) {
        session_report(s, &(struct report){.kind = REPORT_PROCESS_UP,
                                           .time_us = t->up_time_us,
                                           .target = t->text,
                                           .gap_ms = (t->up_us - t->down_us) / 1000,
                                           .downs = t->downs});
        report_monitor(s, t, t->up_time_us);
    }
    t->gone = false;
}

static void on_monitor_up(struct session *s, struct watched *t, const struct noex_event *ev)
{
    t->met = true;
    t->up_us = s->ops->now_us();
    t->up_time_us = ev->time_us;
    if (t->what.kind == NOEX_TARGET_PID)
        t->what.pid = ev->target->pid; /* with its creation: after a loss, this very process */
    if (!t->fresh) {
        t->fresh_next = s->fresh;
        s->fresh = t;
        t->fresh = true;
    }
    if (t->what.kind == NOEX_TARGET_NODE)
        session_report(s, &(struct report){.kind = REPORT_PONG,
                                           .time_us = ev->time_us,
                                           .node = t->what.node,
                                           .elapsed_us = t->up_us - s->start_us});
    else if (!t->gone)
        report_monitor(s, t, ev->time_us);
}

static void on_lost(struct session *s, struct watched *t, const struct noex_event *ev)
{
    if (t->what.kind != NOEX_TARGET_NODE && !t->gone)
        report_process_down(s, t, ev);
    set_state(s, t, WATCH_LOST);
}

static void on_gone(struct session *s, struct watched *t, const struct noex_event *ev)
{
    report_process_down(s, t, ev);
    t->gone = true;
    t->downs++;
    t->down_us = s->ops->now_us();
    t->reason = ev->reason;
    set_state(s, t, ev->reason == NOEX_REASON_NOPROC ? WATCH_ABSENT : WATCH_DOWN);
    /* The first try is at once, but not for what dies as soon as it lives. */
    if (t->down_us - t->up_us >= LIFE_MIN_US)
        t->tries = 0;
    if (comes_back(s, t))
        rearm(s, t);
    else if (t->what.kind == NOEX_TARGET_PID)
        s->dead_pid = t;
}

static void on_monitor_down(struct session *s, struct watched *t, const struct noex_event *ev)
{
    bool untried = t->fresh;
    t->fresh = false;
    if (ev->origin == NOEX_ORIGIN_LOCAL) {
        on_lost(s, t, ev);
    } else if (t->gone && ev->reason == NOEX_REASON_NOPROC) {
        t->reason = ev->reason;
        set_state(s, t, WATCH_ABSENT);
        rearm_later(s, t);
    } else {
        if (t->gone && untried)
            settle(s, t); /* it was there, if only for a moment */
        on_gone(s, t, ev);
    }
    t->monitor = 0;
}

static void on_monitor_failed(struct session *s, struct watched *t, const struct noex_event *ev)
{
    enum noex_error_class kind = noex_error_class(ev->error->code);
    /* The connection went: what its node_down, which follows, says about it counts. */
    bool unreachable = ev->error->code == NOEX_ENOTREACHABLE;
    t->monitor = 0;
    t->fresh = false;
    t->error = ev->error->code;
    set_state(s, t, unreachable ? WATCH_LOST : WATCH_FAILED);
    if (!unreachable || (!t->gone && t->what.kind != NOEX_TARGET_NODE))
        report_error(s, ev->time_us, NULL, t->text, ev->error->code, ev->error->text);
    if (s->plan->ends_on_refusal && !t->met && kind == NOEX_CLASS_REFUSED)
        s->ended = CODE_REFUSED;
    else if (s->plan->keep)
        retry_after(s, t, SETUP_RETRY_MS);
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
            set_failed(s, t, p->error.code);
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
        report_error(s, ev->time_us, p->node, NULL, p->error.code, p->error.text);
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
        set_state(s, t, WATCH_DOWN);
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
    report_error(s, ev->time_us, p->node, NULL, p->error.code, p->error.text);
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
    struct watched *t = ev->monitor ? ev->monitor_user : NULL;
    struct peer *p = !t && ev->node ? find_peer(s, ev->node) : NULL;
    if (s->ended != SESSION_ON)
        return;
    if (p)
        on_node_event(s, p, ev);
    else if (!t || t->monitor != ev->monitor)
        return;
    else if (ev->type == NOEX_EVENT_MONITOR_UP)
        on_monitor_up(s, t, ev);
    else if (ev->type == NOEX_EVENT_MONITOR_DOWN)
        on_monitor_down(s, t, ev);
    else if (ev->type == NOEX_EVENT_MONITOR_FAILED)
        on_monitor_failed(s, t, ev);
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
        report_error(s, session_wall_us(), node, NULL, rc,
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

static void settle_fresh(struct session *s)
{
    while (s->fresh) {
        struct watched *t = s->fresh;
        s->fresh = t->fresh_next;
        if (t->fresh)
            settle(s, t);
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
