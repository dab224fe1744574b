/* noexmon wait-up and wait-down: until all are alive, until all are gone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "runner.h"

#include <stdio.h>

enum { SETUP_MS = 10000 };

static const unsigned prints = REPORT_NODE_UP | REPORT_NODE_DOWN | REPORT_MONITOR |
                               REPORT_PROCESS_DOWN | REPORT_PROCESS_UP | REPORT_RECONNECT |
                               REPORT_TICK_MISSED;

static bool is_down(const struct watched *t)
{
    return t->state == WATCH_DOWN || t->state == WATCH_ABSENT;
}

/* Says of each target that is not where it should be why the wait ends without it. */
static enum exit_code not_reached(struct session *s, enum session_stop cause, bool wanted_down)
{
    for (size_t i = 0; i < s->count; i++) {
        struct watched *t = &s->targets[i];
        if (wanted_down ? is_down(t) : t->state == WATCH_ALIVE)
            continue;
        char text[384];
        const char *why = watched_cause(t);
        const char *what = cause == STOP_SIGNAL ? "interrupted" : "not reached in time";
        snprintf(text, sizeof text, "%s: %s%s%s", what, watched_word(t), *why ? ", " : "", why);
        session_give_up(s, t, NOEX_ESETUPTIMEOUT, text);
    }
    return CODE_SILENCE;
}

static int up_turn(struct session *s)
{
    if (s->dead_pid) {
        session_give_up(s, s->dead_pid, NOEX_ETARGET,
                        "the process is gone; a pid does not come back");
        return CODE_DOWN;
    }
    return s->in_state[WATCH_ALIVE] == s->count ? (int)CODE_WELL : SESSION_ON;
}

static enum exit_code up_stopped(struct session *s, enum session_stop cause)
{
    return not_reached(s, cause, false);
}

static int down_turn(struct session *s)
{
    bool all = s->in_state[WATCH_DOWN] + s->in_state[WATCH_ABSENT] == s->count;
    return all ? (int)CODE_WELL : SESSION_ON;
}

static enum exit_code down_stopped(struct session *s, enum session_stop cause)
{
    return not_reached(s, cause, true);
}

enum exit_code cmd_wait_up(const struct options *o, const struct operands *operands)
{
    struct session_plan plan = {
        .keep = true,
        .rearm = true,
        .ends_on_refusal = true,
        .prints = prints,
        .total_ms = timeout_or_default(o),
        .setup_ms = SETUP_MS,
        .turn = up_turn,
        .stopped = up_stopped,
    };
    return run_session(o, &plan, &operands->targets);
}

enum exit_code cmd_wait_down(const struct options *o, const struct operands *operands)
{
    struct session_plan plan = {
        .keep = true,
        .ends_on_refusal = true,
        .awaits_end = true,
        .prints = prints,
        .total_ms = o->timeout_ms,
        .setup_ms = SETUP_MS,
        .turn = down_turn,
        .stopped = down_stopped,
    };
    return run_session(o, &plan, &operands->targets);
}
