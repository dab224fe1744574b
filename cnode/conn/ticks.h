/* The tick clock of one connection: when to tick, when to probe, when to give up. Protocol.md
 * section 8. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_TICKS_H
#define NX_CONN_TICKS_H

#include <stdbool.h>
#include <stdint.h>

/** All times in milliseconds of the caller's clock. */
struct nx_ticks {
    uint64_t quarter;      /* net_ticktime / 4 */
    uint64_t read_at;      /* last byte read */
    uint64_t written_at;   /* last byte written */
    unsigned missed;       /* quarters without a byte that were told of */
    bool probed;           /* a probe went out since read_at */
    bool wrote_since_tick; /* something was written since the last tick that came in */
};

/** What is due; several at once are possible. */
enum nx_tick_due {
    NX_TICK_NONE = 0,
    NX_TICK_SEND = 1,   /* an empty frame */
    NX_TICK_PROBE = 2,  /* something that must be answered */
    NX_TICK_MISSED = 4, /* `missed` has grown */
    NX_TICK_DOWN = 8    /* silence of 1.25 times net_ticktime */
};

void nx_ticks_init(struct nx_ticks *t, uint64_t ticktime_ms, uint64_t now_ms);

/** Bytes came, a half frame counts. */
void nx_ticks_read(struct nx_ticks *t, uint64_t now_ms);
/** Bytes went. */
void nx_ticks_written(struct nx_ticks *t, uint64_t now_ms);
/** A tick came: true where it is to be answered at once, because nothing was sent since the one
 * before. */
bool nx_ticks_answer(struct nx_ticks *t);

/** What is due now, as a set of nx_tick_due; each is reported once. */
unsigned nx_ticks_due(struct nx_ticks *t, uint64_t now_ms);
/** When nx_ticks_due will next have something. */
uint64_t nx_ticks_deadline(const struct nx_ticks *t);

#endif
