/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/alloc.h"

enum { FIRST_CAP = 16 };

void nx_heap_init(struct nx_heap *h, const struct noex_allocator *a,
                  void (*moved)(void *ctx, uint32_t item, uint32_t place), void *ctx)
{
    *h = (struct nx_heap){.alloc = a, .moved = moved, .ctx = ctx};
}

void nx_heap_free(struct nx_heap *h)
{
    nx_free(h->alloc, h->entries);
    nx_heap_init(h, h->alloc, h->moved, h->ctx);
}

static void set(struct nx_heap *h, uint32_t place, struct nx_heap_entry e)
{
    h->entries[place] = e;
    h->moved(h->ctx, e.item, place);
}

/* Writes `e` where it belongs between `place`, which is free, and the root. */
static void sift_up(struct nx_heap *h, uint32_t place, struct nx_heap_entry e)
{
    while (place && e.key < h->entries[(place - 1) / 2].key) {
        set(h, place, h->entries[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    set(h, place, e);
}

/* The same between `place` and the leaves. */
static void sift_down(struct nx_heap *h, uint32_t place, struct nx_heap_entry e)
{
    for (uint32_t child; (child = 2 * place + 1) < h->count; place = child) {
        if (child + 1 < h->count && h->entries[child + 1].key < h->entries[child].key)
            child++;
        if (e.key <= h->entries[child].key)
            break;
        set(h, place, h->entries[child]);
    }
    set(h, place, e);
}

int nx_heap_put(struct nx_heap *h, uint64_t key, uint32_t item)
{
    if (h->count == h->cap) {
        uint32_t cap = h->cap ? h->cap * 2 : FIRST_CAP;
        struct nx_heap_entry *entries = nx_realloc(h->alloc, h->entries, cap, sizeof *entries);
        if (!entries)
            return NOEX_ENOMEM;
        h->entries = entries;
        h->cap = cap;
    }
    sift_up(h, h->count++, (struct nx_heap_entry){key, item});
    return 0;
}

void nx_heap_take(struct nx_heap *h, uint32_t place)
{
    struct nx_heap_entry last = h->entries[--h->count];
    uint32_t item = h->entries[place].item;
    if (place < h->count) {
        if (last.key < h->entries[place].key)
            sift_up(h, place, last);
        else
            sift_down(h, place, last);
    }
    h->moved(h->ctx, item, NX_HEAP_NOWHERE);
}
