/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/alloc.h"

enum { SEGMENT_BITS = 8, SEGMENT = 1 << SEGMENT_BITS, FIRST_CAP = 8 };

void nx_map_init(struct nx_map *m, const struct nx_slab *slab, const struct nx_map_seed *seed)
{
    *m = (struct nx_map){
        .slab = slab, .seed = *seed, .buckets = NX_MAP_INLINE, .mask = NX_MAP_INLINE - 1};
}

void nx_map_free(struct nx_map *m)
{
    const struct nx_map_seed seed = m->seed;
    for (uint32_t i = 0; i < m->segment_count; i++)
        nx_free(m->slab->alloc, m->segments[i]);
    nx_free(m->slab->alloc, m->segments);
    nx_map_init(m, m->slab, &seed);
}

/* ---- SipHash-1-3 over the words, low byte first ---- */

static uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_block(uint64_t v[4], uint64_t block)
{
    v[3] ^= block;
    sip_round(v);
    v[0] ^= block;
}

uint32_t nx_map_hash(const struct nx_map *m, const uint32_t *words, size_t count)
{
    const uint64_t *key = m->seed.word;
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    size_t i = 0;
    for (; i + 1 < count; i += 2)
        sip_block(v, (uint64_t)words[i + 1] << 32 | words[i]);
    sip_block(v, (uint64_t)(count * 4) << 56 | (i < count ? words[i] : 0));
    v[2] ^= 0xff;
    for (int k = 0; k < 3; k++)
        sip_round(v);
    return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* ---- buckets ---- */

static struct nx_map_entry *at(const struct nx_map *m, uint32_t slot)
{
    return nx_slab_at(m->slab, slot);
}

static uint32_t *bucket_at(struct nx_map *m, uint32_t number)
{
    return number < NX_MAP_INLINE ? &m->small[number]
                                  : &m->segments[number >> SEGMENT_BITS][number & (SEGMENT - 1)];
}

/* Buckets that are not there yet are those of half their mask. */
static uint32_t bucket_of(const struct nx_map *m, uint32_t hash)
{
    uint32_t number = hash & m->mask;
    return number < m->buckets ? number : number & m->mask >> 1;
}

static bool add_segment(struct nx_map *m)
{
    if (m->segment_count == m->segment_cap) {
        uint32_t cap = m->segment_cap ? m->segment_cap * 2 : FIRST_CAP;
        void *segments = nx_realloc(m->slab->alloc, m->segments, cap, sizeof *m->segments);
        if (!segments)
            return false;
        m->segments = segments;
        m->segment_cap = cap;
    }
    uint32_t *segment = nx_calloc(m->slab->alloc, SEGMENT, sizeof *segment);
    if (!segment)
        return false;
    m->segments[m->segment_count++] = segment;
    return true;
}

/* One bucket more: half of the records of another move there. */
static bool split(struct nx_map *m)
{
    uint32_t number = m->buckets;
    if (number >> SEGMENT_BITS >= m->segment_count && !add_segment(m))
        return false;
    if (number > m->mask)
        m->mask = m->mask << 1 | 1;
    m->buckets++;
    uint32_t *from = bucket_at(m, number & m->mask >> 1), *to = bucket_at(m, number);
    while (*from) {
        struct nx_map_entry *e = at(m, *from);
        if ((e->hash & m->mask) == number) {
            *to = *from;
            *from = e->next;
            to = &e->next;
        } else {
            from = &e->next;
        }
    }
    *to = 0;
    return true;
}

/* What could not grow for want of memory catches up, two at a time. */
static void grow(struct nx_map *m)
{
    for (int i = 0; i < 2 && m->count > m->buckets; i++)
        if (!split(m))
            return;
}

void nx_map_put(struct nx_map *m, uint32_t slot, uint32_t hash)
{
    struct nx_map_entry *e = at(m, slot);
    m->count++;
    grow(m);
    uint32_t *bucket = bucket_at(m, bucket_of(m, hash));
    e->hash = hash;
    e->next = *bucket;
    *bucket = slot;
}

void nx_map_remove(struct nx_map *m, uint32_t slot)
{
    struct nx_map_entry *e = at(m, slot);
    uint32_t *link = bucket_at(m, bucket_of(m, e->hash));
    while (*link != slot)
        link = &at(m, *link)->next;
    *link = e->next;
    e->next = 0;
    m->count--;
}

/* The first from here on in its chain that has this hash. */
static uint32_t with_hash(const struct nx_map *m, uint32_t slot, uint32_t hash)
{
    while (slot && at(m, slot)->hash != hash)
        slot = at(m, slot)->next;
    return slot;
}

uint32_t nx_map_first(const struct nx_map *m, uint32_t hash)
{
    uint32_t number = bucket_of(m, hash);
    uint32_t first = number < NX_MAP_INLINE
                         ? m->small[number]
                         : m->segments[number >> SEGMENT_BITS][number & (SEGMENT - 1)];
    return with_hash(m, first, hash);
}

uint32_t nx_map_next(const struct nx_map *m, uint32_t slot)
{
    return with_hash(m, at(m, slot)->next, at(m, slot)->hash);
}
