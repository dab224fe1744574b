/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

static struct nx_ring_link *link_at(const struct nx_slab *s, size_t offset, uint32_t slot)
{
    return (void *)((uint8_t *)nx_slab_at(s, slot) + offset);
}

void nx_ring_append(const struct nx_slab *s, size_t offset, struct nx_ring *r, uint32_t slot)
{
    struct nx_ring_link *link = link_at(s, offset, slot);
    if (!r->first)
        link->prev = r->first = slot;
    struct nx_ring_link *first = link_at(s, offset, r->first);
    link->prev = first->prev;
    link->next = r->first;
    link_at(s, offset, link->prev)->next = slot;
    first->prev = slot;
    r->count++;
}

void nx_ring_remove(const struct nx_slab *s, size_t offset, struct nx_ring *r, uint32_t slot)
{
    struct nx_ring_link *link = link_at(s, offset, slot);
    link_at(s, offset, link->prev)->next = link->next;
    link_at(s, offset, link->next)->prev = link->prev;
    if (r->first == slot)
        r->first = link->next == slot ? 0 : link->next;
    r->count--;
}

uint32_t nx_ring_next(const struct nx_slab *s, size_t offset, const struct nx_ring *r,
                      uint32_t slot)
{
    uint32_t next = link_at(s, offset, slot)->next;
    return next == r->first ? 0 : next;
}
