/* SPDX-License-Identifier: Apache-2.0 */
#include "process/holders.h"

#include "base/alloc.h"

#include <string.h>

enum { PIECE_BITS = 10, PIECE = 1 << PIECE_BITS, FIRST_PIECES = 16 };

static const size_t by_process = offsetof(struct nx_holder, of_process);

void nx_holders_init(struct nx_holders *t, const struct noex_allocator *a,
                     const struct nx_bond_owners *owners)
{
    *t = (struct nx_holders){.owners = *owners};
    nx_slab_init(&t->slab, a, sizeof(struct nx_holder));
}

void nx_holders_free(struct nx_holders *t)
{
    for (uint32_t i = 0; i < t->pieces; i++)
        nx_free(t->slab.alloc, t->index[i]);
    nx_free(t->slab.alloc, t->index);
    nx_slab_free(&t->slab);
}

static struct nx_holder *at(const struct nx_holders *t, uint32_t slot)
{
    return nx_slab_at(&t->slab, slot);
}

static struct nx_ring *ring_of(const struct nx_holders *t, const struct nx_holder *h)
{
    return &t->owners.process(t->owners.ctx, h->process)->monitors;
}

/* ---- by the monitor ---- */

/* Where its holder's slot stands; NULL: there is no place, so there is no holder. */
static uint32_t *place_of(const struct nx_holders *t, uint32_t monitor)
{
    const uint32_t piece = monitor >> PIECE_BITS;
    return piece < t->pieces && t->index[piece] ? &t->index[piece][monitor & (PIECE - 1)] : NULL;
}

static bool have_pieces(struct nx_holders *t, uint32_t wanted)
{
    uint32_t pieces = t->pieces ? t->pieces : FIRST_PIECES;
    while (pieces < wanted)
        pieces *= 2;
    if (pieces == t->pieces)
        return true;
    uint32_t **index = nx_realloc(t->slab.alloc, t->index, pieces, sizeof *index);
    if (!index)
        return false;
    memset(index + t->pieces, 0, (pieces - t->pieces) * sizeof *index);
    t->index = index;
    t->pieces = pieces;
    return true;
}

/* NULL: no memory. */
static uint32_t *make_place(struct nx_holders *t, uint32_t monitor)
{
    const uint32_t piece = monitor >> PIECE_BITS;
    if (!have_pieces(t, piece + 1))
        return NULL;
    if (!t->index[piece])
        t->index[piece] = nx_calloc(t->slab.alloc, PIECE, sizeof **t->index);
    return place_of(t, monitor);
}

/* 0: there is none. */
static uint32_t find(const struct nx_holders *t, uint32_t monitor)
{
    const uint32_t *place = place_of(t, monitor);
    return place ? *place : 0;
}

int nx_holder_add(struct nx_holders *t, uint32_t monitor, uint32_t process, uint32_t serial)
{
    uint32_t *place = make_place(t, monitor);
    uint32_t slot = place ? nx_slab_take(&t->slab) : 0;
    if (!slot)
        return NOEX_ENOMEM;
    struct nx_holder *h = at(t, slot);
    h->monitor = monitor;
    h->process = process;
    h->serial = serial;
    *place = slot;
    nx_ring_append(&t->slab, by_process, ring_of(t, h), slot);
    return 0;
}

const struct nx_holder *nx_holder_of(const struct nx_holders *t, uint32_t monitor)
{
    uint32_t slot = find(t, monitor);
    return slot ? at(t, slot) : NULL;
}

static void leave(struct nx_holders *t, uint32_t slot)
{
    struct nx_holder *h = at(t, slot);
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
    uint32_t *place = place_of(t, monitor);
    if (!place || !*place)
        return;
    leave(t, *place);
    nx_slab_give(&t->slab, *place);
    *place = 0;
}

uint32_t nx_holder_first(const struct nx_holders *t, const struct nx_bonds *process)
{
    uint32_t slot = process->monitors.first;
    return slot ? at(t, slot)->monitor : 0;
}
