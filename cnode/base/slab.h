/* Records of one size, found by a number (their slot) that is handed out again with another
 * generation: what is named on the wire by two words is found by one array access.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_SLAB_H
#define NX_BASE_SLAB_H

#include <noex/alloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What each record begins with. */
struct nx_slot {
    uint32_t generation; /* never 0 */
    uint32_t next_free;  /* the slab's own */
};

/** Records never move. */
struct nx_slab {
    const struct noex_allocator *alloc;
    size_t size;
    void **chunks;
    uint32_t chunk_count;
    uint32_t chunk_cap;
    uint32_t free_slot; /* 0: none */
    uint32_t used;
};

/** An empty slab of records of `size` bytes, a multiple of 8. Allocates nothing. */
void nx_slab_init(struct nx_slab *s, const struct noex_allocator *a, size_t size);
/** Gives the memory back, that of records in use too. */
void nx_slab_free(struct nx_slab *s);

/** A record of zeroes but for its generation; its slot is 1 or more, 0: no memory. */
uint32_t nx_slab_take(struct nx_slab *s);
/** Gives a record back: from now on its slot has another generation. */
void nx_slab_give(struct nx_slab *s, uint32_t slot);

/** The record of a slot in use. */
void *nx_slab_at(const struct nx_slab *s, uint32_t slot);
/** The record in use with this slot and generation, or NULL; takes any numbers. */
void *nx_slab_find(const struct nx_slab *s, uint32_t slot, uint32_t generation);

/** The first slot in use behind `slot` (0: of all), or 0: for walks. */
uint32_t nx_slab_next(const struct nx_slab *s, uint32_t slot);

#endif
