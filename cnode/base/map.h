/* An index of a slab's records by a hash of what they are known by. The numbers come from the
 * network, so the hash is keyed (SipHash-1-3); the table grows by one bucket with each record
 * (linear hashing), so that no call ever rehashes all. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_MAP_H
#define NX_BASE_MAP_H

#include "base/slab.h"

enum { NX_MAP_INLINE = 16 };

/** From the node's random source: a peer must not know it. */
struct nx_map_seed {
    uint64_t word[2];
};

/** What each record of the slab begins with. */
struct nx_map_entry {
    struct nx_slot slot;
    uint32_t hash;
    uint32_t next; /* the map's own */
};

struct nx_map {
    const struct nx_slab *slab;
    struct nx_map_seed seed;
    uint32_t count;
    uint32_t buckets;
    uint32_t mask; /* 2^n - 1, not below buckets - 1 and below twice that */
    uint32_t segment_count;
    uint32_t segment_cap;
    uint32_t **segments;
    uint32_t small[NX_MAP_INLINE]; /* the first buckets */
};

/** An empty index of records of `slab`, with the slab's allocator. Allocates nothing. */
void nx_map_init(struct nx_map *m, const struct nx_slab *slab, const struct nx_map_seed *seed);
/** Gives the index's memory back; the records are the slab's. */
void nx_map_free(struct nx_map *m);

uint32_t nx_map_hash(const struct nx_map *m, const uint32_t *words, size_t count);

/** Cannot fail: with no memory to grow, the search takes longer. */
void nx_map_put(struct nx_map *m, uint32_t slot, uint32_t hash);
/** Takes a record out; the slab keeps it. */
void nx_map_remove(struct nx_map *m, uint32_t slot);

/** The records with this hash, one after the other, 0: no more. Others than the one looked for may
 * be among them. */
uint32_t nx_map_first(const struct nx_map *m, uint32_t hash);
uint32_t nx_map_next(const struct nx_map *m, uint32_t slot);

#endif
