/* SPDX-License-Identifier: Apache-2.0 */
#include "node/timers.h"

struct timer {
    struct nx_slot slot;
    noex_timer_fn fn;
    void *user;
    uint64_t number; /* in the order of starting */
    uint32_t place;
    uint32_t unused;
};

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct nx_timers *t = ctx;
    ((struct timer *)nx_slab_at(&t->slab, item))->place = place;
}

/* A key of the heap: the deadline, then the order of starting. Nobody starts so many within one
 * deadline that the latter begins anew. */
enum { NUMBER_BITS = 24 };
#define DEADLINE_MAX (UINT64_MAX >> (NUMBER_BITS + 1))

static uint64_t key_of(uint64_t deadline_ms, uint64_t number)
{
    uint64_t at = deadline_ms < DEADLINE_MAX ? deadline_ms : DEADLINE_MAX;
    return at << NUMBER_BITS | (number & ((UINT64_C(1) << NUMBER_BITS) - 1));
}

void nx_timers_init(struct nx_timers *t, const struct noex_allocator *a)
{
    nx_slab_init(&t->slab, a, sizeof(struct timer));
    nx_heap_init(&t->heap, a, moved, t);
    t->started = 0;
}

void nx_timers_free(struct nx_timers *t)
{
    nx_heap_free(&t->heap);
    nx_slab_free(&t->slab);
}

int nx_timer_start(struct nx_timers *t, uint64_t deadline_ms, noex_timer_fn fn, void *user,
                   noex_timer_id *id)
{
    uint32_t slot = nx_slab_take(&t->slab);
    if (!slot)
        return NOEX_ENOMEM;
    struct timer *timer = nx_slab_at(&t->slab, slot);
    timer->fn = fn;
    timer->user = user;
    timer->number = ++t->started;
    int rc = nx_heap_put(&t->heap, key_of(deadline_ms, timer->number), slot);
    if (rc)
        nx_slab_give(&t->slab, slot);
    else
        *id = (uint64_t)timer->slot.generation << 32 | slot;
    return rc;
}

void nx_timer_cancel(struct nx_timers *t, noex_timer_id id)
{
    const struct timer *timer = nx_slab_find(&t->slab, (uint32_t)id, (uint32_t)(id >> 32));
    if (!timer)
        return;
    nx_heap_take(&t->heap, timer->place);
    nx_slab_give(&t->slab, (uint32_t)id);
}

uint64_t nx_timers_deadline(const struct nx_timers *t)
{
    uint64_t key = nx_heap_first_key(&t->heap);
    return key == UINT64_MAX ? key : key >> NUMBER_BITS;
}

void nx_timers_run(struct nx_timers *t, uint64_t now_ms, const bool *stop)
{
    const uint64_t last = t->started;
    while (!*stop && nx_timers_deadline(t) <= now_ms) {
        uint32_t slot = nx_heap_first(&t->heap);
        const struct timer timer = *(struct timer *)nx_slab_at(&t->slab, slot);
        if (timer.number > last)
            return; /* due at once: in the next turn */
        noex_timer_id id = (uint64_t)timer.slot.generation << 32 | slot;
        nx_timer_cancel(t, id);
        timer.fn(timer.user, id);
    }
}
