/* SPDX-License-Identifier: Apache-2.0 */
#include "process/holders.h"

static const size_t by_process = offsetof(struct nx_holder, of_process);

void nx_holders_init(struct nx_holders *t, const struct noex_allocator *a,
                     const struct nx_map_seed *seed, const struct nx_bond_owners *owners)
{
    t->owners = *owners;
    nx_slab_init(&t->slab, a, sizeof(struct nx_holder));
    nx_map_init(&t->map, &t->slab, seed);
}

void nx_holders_free(struct nx_holders *t)
{
    nx_map_free(&t->map);
    nx_slab_free(&t->slab);
}

static struct nx_ring *ring_of(const struct nx_holders *t, const struct nx_holder *h)
{
    return &t->owners.process(t->owners.ctx, h->process)->monitors;
}

/* 0: there is none. */
static uint32_t find(const struct nx_holders *t, uint32_t monitor)
{
    uint32_t slot = nx_map_first(&t->map, nx_map_hash(&t->map, &monitor, 1));
    while (slot && ((struct nx_holder *)nx_slab_at(&t->slab, slot))->monitor != monitor)
        slot = nx_map_next(&t->map, slot);
    return slot;
}

int nx_holder_add(struct nx_holders *t, uint32_t monitor, uint32_t process, uint32_t serial)
{
    uint32_t slot = nx_slab_take(&t->slab);
    if (!slot)
        return NOEX_ENOMEM;
    struct nx_holder *h = nx_slab_at(&t->slab, slot);
    h->monitor = monitor;
    h->process = process;
    h->serial = serial;
    nx_map_put(&t->map, slot, nx_map_hash(&t->map, &monitor, 1));
    nx_ring_append(&t->slab, by_process, ring_of(t, h), slot);
    return 0;
}

const struct nx_holder *nx_holder_of(const struct nx_holders *t, uint32_t monitor)
{
    uint32_t slot = t->slab.used ? find(t, monitor) : 0;
    return slot ? nx_slab_at(&t->slab, slot) : NULL;
}

static void leave(struct nx_holders *t, uint32_t slot)
{
    struct nx_holder *h = nx_slab_at(&t->slab, slot);
    if (!h->over)
        nx_ring_remove(&t->slab, by_process, ring_of(t, h), slot);
    h->over = 1;
}

void nx_holder_leave(struct nx_holders *t, uint32_t monitor)
{
    uint32_t slot = find(t, monitor);
    if (slot)
        leave(t, slot);
}

void nx_holder_remove(struct nx_holders *t, uint32_t monitor)
{
    uint32_t slot = find(t, monitor);
    if (!slot)
        return;
    leave(t, slot);
    nx_map_remove(&t->map, slot);
    nx_slab_give(&t->slab, slot);
}

uint32_t nx_holder_first(const struct nx_holders *t, const struct nx_bonds *process)
{
    uint32_t slot = process->monitors.first;
    return slot ? ((struct nx_holder *)nx_slab_at(&t->slab, slot))->monitor : 0;
}
