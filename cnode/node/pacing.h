/* When a storm of DOWNs is on, or of monitors, reading each of its small pieces at once costs ten
 * times what they cost; so the socket is left alone for a millisecond. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NX_NODE_PACING_H
#define NX_NODE_PACING_H

#include <stdbool.h>
#include <stdint.h>

/** What came in one millisecond. */
struct nx_pace {
    uint64_t ms;
    uint64_t reads;
    uint64_t downs;
};

/** All zeroes: no storm. */
struct nx_pacing {
    struct nx_pace now;
    struct nx_pace before;
    bool held;         /* the socket is left alone, */
    uint64_t until_ms; /* until then */
};

/** Notes that the socket had something to read, and how many DOWNs and monitors were in it. True
 * where it is to be left alone from now on, until until_ms. */
bool nx_pacing_note(struct nx_pacing *p, uint64_t now_ms, uint64_t downs);

#endif
