/* A list through records of a slab, in the order of adding; a record may be in several.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_RING_H
#define NX_BASE_RING_H

#include "base/slab.h"

/** The head. All zero: empty. */
struct nx_ring {
    uint32_t first; /* slot, 0: none */
    uint32_t count;
};

/** What a record holds for each list it is in; `offset` below says where. */
struct nx_ring_link {
    uint32_t prev;
    uint32_t next;
};

/** Puts a record behind the last. */
void nx_ring_append(const struct nx_slab *s, size_t offset, struct nx_ring *r, uint32_t slot);
void nx_ring_remove(const struct nx_slab *s, size_t offset, struct nx_ring *r, uint32_t slot);
/** The one behind `slot`, 0: it is the last. */
uint32_t nx_ring_next(const struct nx_slab *s, size_t offset, const struct nx_ring *r,
                      uint32_t slot);

#endif
