/* Numbers in a binary heap by their keys, each of which is told its place, so that any of them can
 * be taken out: deadlines that mostly are not reached. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_BASE_HEAP_H
#define NX_BASE_HEAP_H

#include <noex/alloc.h>
#include <noex/error.h>
#include <stdint.h>

/** The place of what is in no heap. */
#define NX_HEAP_NOWHERE UINT32_MAX

struct nx_heap_entry {
    uint64_t key;
    uint32_t item;
};

struct nx_heap {
    const struct noex_allocator *alloc;
    struct nx_heap_entry *entries;
    uint32_t count;
    uint32_t cap;
    /** Told each time an item has another place. */
    void (*moved)(void *ctx, uint32_t item, uint32_t place);
    void *ctx;
};

/** An empty heap. Allocates nothing. */
void nx_heap_init(struct nx_heap *h, const struct noex_allocator *a,
                  void (*moved)(void *ctx, uint32_t item, uint32_t place), void *ctx);
/** Gives the memory back; tells no one. */
void nx_heap_free(struct nx_heap *h);

/** Puts an item in. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_heap_put(struct nx_heap *h, uint64_t key, uint32_t item);
/** Takes out what is at `place`. */
void nx_heap_take(struct nx_heap *h, uint32_t place);

/** The smallest key; UINT64_MAX where there is none. */
static inline uint64_t nx_heap_first_key(const struct nx_heap *h)
{
    return h->count ? h->entries[0].key : UINT64_MAX;
}

/** The item with the smallest key; only where there is one. */
static inline uint32_t nx_heap_first(const struct nx_heap *h)
{
    return h->entries[0].item;
}

#endif
