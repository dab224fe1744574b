/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

enum { CHUNK_BITS = 7, CHUNK = 1 << CHUNK_BITS, FIRST_CAP = 8 };

#define IN_USE UINT32_MAX

void nx_slab_init(struct nx_slab *s, const struct noex_allocator *a, size_t size)
{
    assert(size % 8 == 0 && size >= sizeof(struct nx_slot));
    *s = (struct nx_slab){.alloc = a, .size = size};
}

void nx_slab_free(struct nx_slab *s)
{
    for (uint32_t i = 0; i < s->chunk_count; i++)
        nx_free(s->alloc, s->chunks[i]);
    nx_free(s->alloc, s->chunks);
    nx_slab_init(s, s->alloc, s->size);
}

void *nx_slab_at(const struct nx_slab *s, uint32_t slot)
{
    uint8_t *chunk = s->chunks[(slot - 1) >> CHUNK_BITS];
    return chunk + ((slot - 1) & (CHUNK - 1)) * s->size;
}

static bool is_used(const struct nx_slab *s, uint32_t slot)
{
    const struct nx_slot *r = nx_slab_at(s, slot);
    return r->next_free == IN_USE;
}

static bool exists(const struct nx_slab *s, uint32_t slot)
{
    return slot && (slot - 1) >> CHUNK_BITS < s->chunk_count;
}

void *nx_slab_find(const struct nx_slab *s, uint32_t slot, uint32_t generation)
{
    if (!exists(s, slot) || !is_used(s, slot))
        return NULL;
    struct nx_slot *r = nx_slab_at(s, slot);
    return r->generation == generation ? r : NULL;
}

uint32_t nx_slab_next(const struct nx_slab *s, uint32_t slot)
{
    do
        slot++;
    while (exists(s, slot) && !is_used(s, slot));
    return exists(s, slot) ? slot : 0;
}

static bool grow(struct nx_slab *s)
{
    if (s->chunk_count == s->chunk_cap) {
        uint32_t cap = s->chunk_cap ? s->chunk_cap * 2 : FIRST_CAP;
        void *chunks = nx_realloc(s->alloc, s->chunks, cap, sizeof(void *));
        if (!chunks)
            return false;
        s->chunks = chunks;
        s->chunk_cap = cap;
    }
    void *chunk = nx_calloc(s->alloc, CHUNK, s->size);
    if (!chunk)
        return false;
    s->chunks[s->chunk_count++] = chunk;
    for (uint32_t slot = s->chunk_count << CHUNK_BITS; slot > (s->chunk_count - 1) << CHUNK_BITS;
         slot--) {
        struct nx_slot *r = nx_slab_at(s, slot);
        r->generation = 1;
        r->next_free = s->free_slot;
        s->free_slot = slot;
    }
    return true;
}

uint32_t nx_slab_take(struct nx_slab *s)
{
    if (!s->free_slot && !grow(s))
        return 0;
    uint32_t slot = s->free_slot;
    struct nx_slot *r = nx_slab_at(s, slot);
    s->free_slot = r->next_free;
    r->next_free = IN_USE;
    s->used++;
    return slot;
}

void nx_slab_give(struct nx_slab *s, uint32_t slot)
{
    struct nx_slot *r = nx_slab_at(s, slot);
    uint32_t generation = r->generation + 1;
    memset(r, 0, s->size);
    r->generation = generation ? generation : 1;
    r->next_free = s->free_slot;
    s->free_slot = slot;
    s->used--;
}
