/* The program's timers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_TIMERS_H
#define NX_NODE_TIMERS_H

#include "base/heap.h"
#include "base/slab.h"
#include <noex/timer.h>

struct nx_timers {
    struct nx_slab slab;
    struct nx_heap heap;
    uint64_t started; /* so far: their order, and which are due in a turn */
};

/** No timers. Allocates nothing; must not move. */
void nx_timers_init(struct nx_timers *t, const struct noex_allocator *a);
void nx_timers_free(struct nx_timers *t);

/** Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_timer_start(struct nx_timers *t, uint64_t deadline_ms, noex_timer_fn fn,
                                 void *user, noex_timer_id *id);
void nx_timer_cancel(struct nx_timers *t, noex_timer_id id);

/** UINT64_MAX: there is none. */
uint64_t nx_timers_deadline(const struct nx_timers *t);

/** Calls those that are due, and were started before this began; until `stop` says so. */
void nx_timers_run(struct nx_timers *t, uint64_t now_ms, const bool *stop);

#endif
