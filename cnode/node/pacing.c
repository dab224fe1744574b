/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pacing.h"

/* So many within a few milliseconds, and not all in one piece, are a storm; one in each piece is
 * somebody who waits for each before the next. */
enum { STORM = 32, EACH = 2, NEAR_MS = 3 };

bool nx_pacing_note(struct nx_pacing *p, uint64_t now_ms, uint64_t downs)
{
    if (p->now.ms != now_ms) {
        p->before = p->now;
        p->now = (struct nx_pace){.ms = now_ms};
    }
    p->now.reads++;
    p->now.downs += downs;
    const bool follows = now_ms - p->before.ms <= NEAR_MS;
    const uint64_t all = p->now.downs + (follows ? p->before.downs : 0),
                   reads = p->now.reads + (follows ? p->before.reads : 0);
    p->held = all >= STORM && reads > 1 && all >= EACH * reads;
    p->until_ms = now_ms + 1;
    return p->held;
}
