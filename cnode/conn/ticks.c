/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/ticks.h"

enum { QUARTERS_UNTIL_DOWN = 5 };

void nx_ticks_init(struct nx_ticks *t, uint64_t ticktime_ms, uint64_t now_ms)
{
    *t = (struct nx_ticks){
        .quarter = ticktime_ms / 4 ? ticktime_ms / 4 : 1,
        .read_at = now_ms,
        .written_at = now_ms,
        .wrote_since_tick = true,
    };
}

void nx_ticks_read(struct nx_ticks *t, uint64_t now_ms)
{
    t->read_at = now_ms;
    t->missed = 0;
    t->probed = false;
}

void nx_ticks_written(struct nx_ticks *t, uint64_t now_ms)
{
    t->written_at = now_ms;
    t->wrote_since_tick = true;
}

bool nx_ticks_answer(struct nx_ticks *t)
{
    bool answer = !t->wrote_since_tick;
    t->wrote_since_tick = false;
    return answer;
}

unsigned nx_ticks_due(struct nx_ticks *t, uint64_t now_ms)
{
    uint64_t silent = now_ms > t->read_at ? (now_ms - t->read_at) / t->quarter : 0;
    unsigned due = NX_TICK_NONE;
    if (silent >= QUARTERS_UNTIL_DOWN)
        return NX_TICK_DOWN;
    /* A healthy peer skips its tick when it wrote anything in the quarter before, so one silent
     * quarter means nothing yet: it is the probe that makes the second one tell. */
    if (silent >= 1 && !t->probed) {
        t->probed = true;
        due |= NX_TICK_PROBE;
    }
    if (silent >= 2 && silent - 1 > t->missed) {
        t->missed = (unsigned)silent - 1;
        due |= NX_TICK_MISSED;
    }
    if (now_ms >= t->written_at + t->quarter) {
        t->written_at = now_ms;
        due |= NX_TICK_SEND;
    }
    return due;
}

uint64_t nx_ticks_deadline(const struct nx_ticks *t)
{
    uint64_t write = t->written_at + t->quarter;
    uint64_t quarters = t->probed ? t->missed + UINT64_C(2) : 1;
    uint64_t read = t->read_at + quarters * t->quarter;
    return write < read ? write : read;
}
