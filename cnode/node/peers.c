/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peers.h"

#include "base/alloc.h"
#include "node/peer.h"
#include <string.h>

enum { FIRST_CAP = 8 };

void nx_peers_init(struct nx_peers *peers, const struct noex_allocator *a)
{
    *peers = (struct nx_peers){.alloc = a};
}

void nx_peers_free(struct nx_peers *peers)
{
    nx_free(peers->alloc, peers->list);
    nx_free(peers->alloc, peers->buckets);
    nx_peers_init(peers, peers->alloc);
}

/* FNV-1a. */
static uint32_t hash_of(const char *name)
{
    uint32_t h = UINT32_C(2166136261);
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * UINT32_C(16777619);
    return h;
}

/* The bucket of this name, or the empty one where it belongs. */
static uint32_t *bucket_of(const struct nx_peers *peers, const char *name)
{
    uint32_t mask = 2 * peers->cap - 1, at = hash_of(name) & mask;
    while (peers->buckets[at] && strcmp(peers->list[peers->buckets[at] - 1]->name.full, name) != 0)
        at = (at + 1) & mask;
    return &peers->buckets[at];
}

struct nx_peer *nx_peers_find(const struct nx_peers *peers, const char *name)
{
    uint32_t found = peers->cap ? *bucket_of(peers, name) : 0;
    return found ? peers->list[found - 1] : NULL;
}

int nx_peers_reserve(struct nx_peers *peers)
{
    if (peers->count < peers->cap)
        return 0;
    uint32_t cap = peers->cap ? peers->cap * 2 : FIRST_CAP;
    uint32_t *buckets = nx_calloc(peers->alloc, 2 * (size_t)cap, sizeof *buckets);
    struct nx_peer **list =
        buckets ? nx_realloc(peers->alloc, peers->list, cap, sizeof(struct nx_peer *)) : NULL;
    if (!list) {
        nx_free(peers->alloc, buckets);
        return NOEX_ENOMEM;
    }
    nx_free(peers->alloc, peers->buckets);
    peers->buckets = buckets;
    peers->list = list;
    peers->cap = cap;
    for (uint32_t i = 0; i < peers->count; i++)
        *bucket_of(peers, list[i]->name.full) = i + 1;
    return 0;
}

void nx_peers_add(struct nx_peers *peers, struct nx_peer *peer)
{
    *bucket_of(peers, peer->name.full) = peers->count + 1;
    peers->list[peers->count++] = peer;
}
