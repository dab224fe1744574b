/* SPDX-License-Identifier: Apache-2.0 */
#include "process/links.h"

#include <string.h>

enum { KEY_WORDS = 5 };

_Static_assert(sizeof(struct nx_link_key) == KEY_WORDS * sizeof(uint32_t), "a key has no padding");
_Static_assert(sizeof(struct nx_link) <= 64, "a link is at most one cache line");

static const size_t by_process = offsetof(struct nx_link, of_process);
static const size_t by_peer = offsetof(struct nx_link, of_peer);

void nx_links_init(struct nx_links *t, const struct noex_allocator *a,
                   const struct nx_map_seed *seed, const struct nx_bond_owners *owners)
{
    *t = (struct nx_links){.owners = *owners};
    nx_slab_init(&t->slab, a, sizeof(struct nx_link));
    nx_map_init(&t->map, &t->slab, seed);
}

void nx_links_free(struct nx_links *t)
{
    nx_map_free(&t->map);
    nx_slab_free(&t->slab);
}

static struct nx_link *at(const struct nx_links *t, uint32_t slot)
{
    return nx_slab_at(&t->slab, slot);
}

const struct nx_link *nx_link_at(const struct nx_links *t, uint32_t slot)
{
    return at(t, slot);
}

static uint32_t hash_of(const struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t words[KEY_WORDS];
    memcpy(words, key, sizeof words);
    return nx_map_hash(&t->map, words, KEY_WORDS);
}

static uint32_t find(const struct nx_links *t, const struct nx_link_key *key, uint32_t hash)
{
    uint32_t slot = nx_map_first(&t->map, hash);
    while (slot && memcmp(&at(t, slot)->key, key, sizeof *key) != 0)
        slot = nx_map_next(&t->map, slot);
    return slot;
}

static uint32_t lookup(const struct nx_links *t, const struct nx_link_key *key)
{
    return find(t, key, hash_of(t, key));
}

static struct nx_ring *ring_of_process(const struct nx_links *t, const struct nx_link_key *key)
{
    return &t->owners.process(t->owners.ctx, key->process)->links;
}

static struct nx_ring *ring_of_peer(const struct nx_links *t, const struct nx_link_key *key)
{
    return &t->owners.peer(t->owners.ctx, key->peer)->links;
}

/* A new entry is active. */
static int create(struct nx_links *t, const struct nx_link_key *key, uint32_t hash)
{
    uint32_t slot = nx_slab_take(&t->slab);
    if (!slot)
        return NOEX_ENOMEM;
    at(t, slot)->key = *key;
    nx_map_put(&t->map, slot, hash);
    nx_ring_append(&t->slab, by_process, ring_of_process(t, key), slot);
    if (key->peer != NX_PEER_HERE)
        nx_ring_append(&t->slab, by_peer, ring_of_peer(t, key), slot);
    return 0;
}

static void forget(struct nx_links *t, uint32_t slot)
{
    const struct nx_link_key *key = &at(t, slot)->key;
    nx_ring_remove(&t->slab, by_process, ring_of_process(t, key), slot);
    if (key->peer != NX_PEER_HERE)
        nx_ring_remove(&t->slab, by_peer, ring_of_peer(t, key), slot);
    nx_map_remove(&t->map, slot);
    nx_slab_give(&t->slab, slot);
}

int nx_link_out(struct nx_links *t, const struct nx_link_key *key, bool *send)
{
    uint32_t hash = hash_of(t, key), slot = find(t, key, hash);
    *send = !slot || !nx_link_is_active(at(t, slot));
    if (!slot)
        return create(t, key, hash);
    at(t, slot)->unlink_id = 0;
    return 0;
}

uint64_t nx_link_unlinking(const struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t slot = lookup(t, key);
    return slot ? at(t, slot)->unlink_id : 0;
}

void nx_link_out_undo(struct nx_links *t, const struct nx_link_key *key, uint64_t before)
{
    uint32_t slot = lookup(t, key);
    if (before)
        at(t, slot)->unlink_id = before;
    else
        forget(t, slot);
}

int nx_link_in(struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t hash = hash_of(t, key);
    return find(t, key, hash) ? 0 : create(t, key, hash);
}

uint64_t nx_link_unlink_out(struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t slot = lookup(t, key);
    if (!slot || !nx_link_is_active(at(t, slot)))
        return 0;
    if (++t->last_id == 0)
        t->last_id = 1;
    at(t, slot)->unlink_id = t->last_id;
    return t->last_id;
}

void nx_link_unlink_in(struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t slot = lookup(t, key);
    if (slot && nx_link_is_active(at(t, slot)))
        forget(t, slot);
}

void nx_link_unlink_ack(struct nx_links *t, const struct nx_link_key *key, uint64_t id)
{
    uint32_t slot = lookup(t, key);
    if (slot && !nx_link_is_active(at(t, slot)) && at(t, slot)->unlink_id == id)
        forget(t, slot);
}

bool nx_link_exit_in(struct nx_links *t, const struct nx_link_key *key)
{
    uint32_t slot = lookup(t, key);
    if (!slot || !nx_link_is_active(at(t, slot)))
        return false;
    forget(t, slot);
    return true;
}

bool nx_link_pop(struct nx_links *t, const struct nx_bonds *of, struct nx_link_end *out)
{
    uint32_t slot = of->links.first;
    if (!slot)
        return false;
    *out = (struct nx_link_end){at(t, slot)->key, nx_link_is_active(at(t, slot))};
    forget(t, slot);
    return true;
}

uint32_t nx_link_next_of_process(const struct nx_links *t, const struct nx_bonds *process,
                                 uint32_t slot)
{
    return nx_ring_next(&t->slab, by_process, &process->links, slot);
}
