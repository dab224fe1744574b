/* SPDX-License-Identifier: Apache-2.0 */
#include "watched.h"

#include "lookup.h"

enum { LIFE_MIN_US = 100 * 1000, SETUP_RETRY_MS = 1000, REARM_MIN_MS = 10, REARM_MAX_MS = 1000 };

/* States. */

void watched_set_state(struct session *s, struct watched *t, enum watch_state state)
{
    s->in_state[t->state]--;
    s->in_state[state]++;
    t->state = state;
}

void watched_fail(struct session *s, struct watched *t, int error)
{
    t->error = error;
    watched_set_state(s, t, WATCH_FAILED);
}

enum exit_code watched_code(const struct watched *t)
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

const char *watched_word(const struct watched *t)
{
    static const char *const words[] = {
        [CODE_WELL] = "alive",        [CODE_DOWN] = "down",       [CODE_USAGE] = "invalid",
        [CODE_REACH] = "unreachable", [CODE_REFUSED] = "refused", [CODE_SILENCE] = "timeout",
        [CODE_INTERNAL] = "failed",
    };
    return t->state == WATCH_ABSENT ? "absent" : words[watched_code(t)];
}

const char *watched_cause(const struct watched *t)
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

static bool is_global(const struct watched *t)
{
    return t->global.len != 0;
}

static bool comes_back(const struct session *s, const struct watched *t)
{
    return s->plan->rearm && (t->what.kind == NOEX_TARGET_NAME || is_global(t));
}

static int monitor(struct session *s, struct watched *t)
{
    int rc = s->ops->monitor(s->node, &t->what, s->plan->setup_ms, t, &t->monitor);
    if (rc)
        t->monitor = 0;
    return rc;
}

/* The library refuses to: a limit of this program. */
static void end_with(struct session *s, struct watched *t, int error)
{
    session_give_up(s, t, error, noex_error_text(error));
    s->ended = (int)exitcode_of(error);
}

void watched_try_again(struct session *s, struct watched *t)
{
    if (t->monitor || t->lookup || !t->peer->up || (t->gone && !comes_back(s, t)))
        return;
    int rc = is_global(t) ? lookup_start(s, t) : monitor(s, t);
    if (rc)
        end_with(s, t, rc);
}

void watched_begin(struct session *s, struct watched *t)
{
    schedule_cancel(&s->retries, &t->retry);
    t->tries = 0;
    watched_try_again(s, t);
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

/* Events of its monitor. */

static void report_monitor(struct session *s, const struct watched *t, int64_t time_us)
{
    bool found = is_global(t) && t->what.kind == NOEX_TARGET_PID;
    session_report(s, &(struct report){.kind = REPORT_MONITOR,
                                       .time_us = time_us,
                                       .node = found ? t->what.node : NULL,
                                       .target = t->text,
                                       .monitor = t->monitor,
                                       .what = &t->what});
}

void watched_settle(struct session *s, struct watched *t)
{
    t->fresh = false;
    watched_set_state(s, t, WATCH_ALIVE);
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

/* A name of global may have gone elsewhere with its node, once those that are left have seen it. */
static void on_lost(struct session *s, struct watched *t, const struct noex_event *ev)
{
    if (t->what.kind != NOEX_TARGET_NODE && !t->gone)
        session_report_down(s, t, ev);
    watched_set_state(s, t, WATCH_LOST);
    if (is_global(t) && s->plan->keep) {
        t->tries = 1;
        rearm_later(s, t);
    }
}

static void on_gone(struct session *s, struct watched *t, const struct noex_event *ev)
{
    session_report_down(s, t, ev);
    t->gone = true;
    t->downs++;
    t->down_us = s->ops->now_us();
    t->reason = ev->reason;
    watched_set_state(s, t, ev->reason == NOEX_REASON_NOPROC ? WATCH_ABSENT : WATCH_DOWN);
    /* The first try is at once, but not for what dies as soon as it lives. */
    if (t->down_us - t->up_us >= LIFE_MIN_US)
        t->tries = 0;
    if (comes_back(s, t))
        rearm(s, t);
    else if (t->what.kind == NOEX_TARGET_PID && !is_global(t))
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
        watched_set_state(s, t, WATCH_ABSENT);
        rearm_later(s, t);
    } else {
        if (t->gone && untried)
            watched_settle(s, t); /* it was there, if only for a moment */
        on_gone(s, t, ev);
    }
    t->monitor = 0;
}

/* A name of global is looked up again though no connection was made since: is the outcome the same?
 */
static bool is_known(const struct watched *t, int error)
{
    if (!is_global(t))
        return false;
    return t->state == WATCH_LOST ? noex_error_class(error) == NOEX_CLASS_REACH
                                  : t->state == WATCH_FAILED && t->error == error;
}

/* The monitor, or the call that asks for a name. */
static void on_failed(struct session *s, struct watched *t, int64_t time_us,
                      const struct noex_error *error)
{
    /* The connection went: what its node_down, which follows, says about it counts. */
    bool unreachable = error->code == NOEX_ENOTREACHABLE;
    bool known = is_known(t, error->code);
    bool lost = unreachable || (known && t->state == WATCH_LOST);
    t->monitor = 0;
    t->fresh = false;
    t->error = error->code;
    watched_set_state(s, t, lost ? WATCH_LOST : WATCH_FAILED);
    if (!known && (!unreachable || (!t->gone && t->what.kind != NOEX_TARGET_NODE)))
        session_report_error(s, time_us, NULL, t->text, error->code, error->text);
    if (s->plan->ends_on_refusal && !t->met && noex_error_class(error->code) == NOEX_CLASS_REFUSED)
        s->ended = CODE_REFUSED;
    else if (s->plan->keep)
        retry_after(s, t, SETUP_RETRY_MS);
}

/* Events of the call that asks who has a name of global. */

/* As where a name is registered on its node: monitored, and not there. No monitor of the library
 * has such an id. */
static void on_nobody(struct session *s, struct watched *t, const struct noex_event *ev)
{
    static const uint8_t noproc[] = {119, 6, 'n', 'o', 'p', 'r', 'o', 'c'};
    t->monitor = UINT64_MAX - s->nobodies++;
    const struct noex_event down = {.type = NOEX_EVENT_MONITOR_DOWN,
                                    .time_us = ev->time_us,
                                    .node = ev->node,
                                    .monitor = t->monitor,
                                    .reason = NOEX_REASON_NOPROC,
                                    .origin = NOEX_ORIGIN_PEER,
                                    .term = noproc,
                                    .term_len = sizeof noproc,
                                    .term_full_len = sizeof noproc};
    on_monitor_up(s, t, ev);
    on_monitor_down(s, t, &down);
}

static void on_nonsense(struct session *s, struct watched *t, const struct noex_event *ev)
{
    static const struct noex_error error = {
        .code = NOEX_EPID, .text = "its node does not tell which process has this name"};
    on_failed(s, t, ev->time_us, &error);
}

static void on_answer(struct session *s, struct watched *t, const struct noex_event *ev)
{
    switch (lookup_read(t, ev)) {
    case LOOKUP_NOBODY:
        on_nobody(s, t, ev);
        return;
    case LOOKUP_NONSENSE:
        on_nonsense(s, t, ev);
        return;
    case LOOKUP_FOUND:
        break;
    }
    int rc = monitor(s, t);
    if (rc && noex_error_class(rc) == NOEX_CLASS_USAGE) /* it can be no such process */
        on_nonsense(s, t, ev);
    else if (rc)
        end_with(s, t, rc);
}

void watched_event(struct session *s, struct watched *t, const struct noex_event *ev)
{
    if (ev->call) {
        if (ev->call != t->lookup)
            return;
        t->lookup = 0;
        if (ev->type == NOEX_EVENT_REPLY)
            on_answer(s, t, ev);
        else
            on_failed(s, t, ev->time_us, ev->error);
    } else if (t->monitor != ev->monitor) {
        return;
    } else if (ev->type == NOEX_EVENT_MONITOR_UP) {
        on_monitor_up(s, t, ev);
    } else if (ev->type == NOEX_EVENT_MONITOR_DOWN) {
        on_monitor_down(s, t, ev);
    } else if (ev->type == NOEX_EVENT_MONITOR_FAILED) {
        on_failed(s, t, ev->time_us, ev->error);
    }
}
