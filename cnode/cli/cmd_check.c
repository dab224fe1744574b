/* noexmon check: are they all alive, now? SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "runner.h"

static enum exit_code conclude(struct session *s)
{
    for (size_t i = 0; i < s->count; i++)
        session_report(s, &(struct report){.kind = REPORT_VERDICT,
                                           .time_us = session_wall_us(),
                                           .target = s->targets[i].text,
                                           .reason = watched_word(&s->targets[i]),
                                           .message = watched_cause(&s->targets[i])});
    return session_code(s);
}

static int turn(struct session *s)
{
    return s->in_state[WATCH_PENDING] ? SESSION_ON : (int)conclude(s);
}

static enum exit_code stopped(struct session *s, enum session_stop cause)
{
    session_give_up_pending(s, cause);
    return conclude(s);
}

enum exit_code cmd_check(const struct options *o, const struct operands *operands)
{
    struct session_plan plan = {
        .prints = o->json ? REPORT_MONITOR | REPORT_PROCESS_DOWN | REPORT_PONG : REPORT_VERDICT,
        .total_ms = timeout_or_default(o),
        .setup_ms = timeout_or_default(o),
        .turn = turn,
        .stopped = stopped,
    };
    return run_session(o, &plan, &operands->targets);
}
