/* noexmon ping: does the node answer? Handshake and barrier. SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "runner.h"

static int turn(struct session *s)
{
    return s->in_state[WATCH_PENDING] ? SESSION_ON : (int)session_code(s);
}

static enum exit_code stopped(struct session *s, enum session_stop cause)
{
    session_give_up_pending(s, cause);
    return session_code(s);
}

enum exit_code cmd_ping(const struct options *o, const struct operands *operands)
{
    struct session_plan plan = {
        .prints = REPORT_PONG,
        .total_ms = timeout_or_default(o),
        .setup_ms = timeout_or_default(o),
        .turn = turn,
        .stopped = stopped,
    };
    return run_session(o, &plan, &operands->targets);
}
