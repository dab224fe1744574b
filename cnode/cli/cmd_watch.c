/* noexmon watch: stays, prints events, arms names again that come back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"
#include "runner.h"

static int turn(struct session *s)
{
    (void)s;
    return SESSION_ON;
}

static enum exit_code stopped(struct session *s, enum session_stop cause)
{
    (void)cause;
    return session_code(s);
}

enum exit_code cmd_watch(const struct options *o, const struct operands *operands)
{
    struct session_plan plan = {
        .keep = true,
        .rearm = true,
        .ends_on_refusal = true,
        .prints = REPORT_NODE_UP | REPORT_NODE_DOWN | REPORT_MONITOR | REPORT_PROCESS_DOWN |
                  REPORT_PROCESS_UP | REPORT_RECONNECT | REPORT_TICK_MISSED,
        .total_ms = o->for_ms,
        .setup_ms = timeout_or_default(o),
        .turn = turn,
        .stopped = stopped,
    };
    return run_session(o, &plan, &operands->targets);
}
