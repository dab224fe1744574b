/* SPDX-License-Identifier: Apache-2.0 */
#include "process/watchers.h"

#include "base/alloc.h"

/* A million of them are to fit in 96 MB: 88 bytes, and 4 of the index. */
_Static_assert(sizeof(struct nx_watcher) <= 88, "a watcher is small");

struct nx_watched_name {
    size_t len;
    uint8_t bytes[];
};

enum { KEY_WORDS = 3 + NX_REF_WORDS_MAX };

_Static_assert(sizeof(struct nx_watcher_key) == KEY_WORDS * sizeof(uint32_t),
               "a key has no padding");

static const size_t by_process = offsetof(struct nx_watcher, of_process);
static const size_t by_peer = offsetof(struct nx_watcher, of_peer);

void nx_watchers_init(struct nx_watchers *t, const struct noex_allocator *a,
                      const struct nx_map_seed *seed, const struct nx_bond_owners *owners)
{
    *t = (struct nx_watchers){.owners = *owners};
    nx_slab_init(&t->slab, a, sizeof(struct nx_watcher));
    nx_map_init(&t->map, &t->slab, seed);
}

void nx_watchers_free(struct nx_watchers *t)
{
    for (uint32_t slot = nx_slab_next(&t->slab, 0); slot; slot = nx_slab_next(&t->slab, slot))
        nx_free(t->slab.alloc, nx_watcher_at(t, slot)->name);
    nx_map_free(&t->map);
    nx_slab_free(&t->slab);
}

static struct nx_watcher *at(const struct nx_watchers *t, uint32_t slot)
{
    return nx_slab_at(&t->slab, slot);
}

const struct nx_watcher *nx_watcher_at(const struct nx_watchers *t, uint32_t slot)
{
    return at(t, slot);
}

static struct nx_watcher_key key_of(uint32_t peer, const struct nx_ref *ref)
{
    struct nx_watcher_key key = {.peer = peer, .creation = ref->creation, .count = ref->count};
    memcpy(key.word, ref->word, ref->count * sizeof *key.word);
    return key;
}

static uint32_t hash_of(const struct nx_watchers *t, const struct nx_watcher_key *key)
{
    uint32_t words[KEY_WORDS];
    memcpy(words, key, sizeof words);
    return nx_map_hash(&t->map, words, KEY_WORDS);
}

static uint32_t find(const struct nx_watchers *t, const struct nx_watcher_key *key, uint32_t hash)
{
    uint32_t slot = nx_map_first(&t->map, hash);
    while (slot && memcmp(&at(t, slot)->key, key, sizeof *key) != 0)
        slot = nx_map_next(&t->map, slot);
    return slot;
}

static struct nx_ring *ring_of_process(const struct nx_watchers *t, const struct nx_watcher *w)
{
    return &t->owners.process(t->owners.ctx, w->process)->watchers;
}

static struct nx_ring *ring_of_peer(const struct nx_watchers *t, const struct nx_watcher *w)
{
    return &t->owners.peer(t->owners.ctx, w->key.peer)->watchers;
}

/* Errors: NOEX_ENOMEM. */
static int copy_name(const struct nx_watchers *t, struct nx_span name, struct nx_watched_name **out)
{
    *out = NULL;
    if (!name.len)
        return 0;
    struct nx_watched_name *copy = nx_alloc(t->slab.alloc, sizeof *copy + name.len);
    if (!copy)
        return NOEX_ENOMEM;
    copy->len = name.len;
    memcpy(copy->bytes, name.ptr, name.len);
    *out = copy;
    return 0;
}

static void enlist(struct nx_watchers *t, uint32_t slot, uint32_t hash)
{
    const struct nx_watcher *w = at(t, slot);
    nx_map_put(&t->map, slot, hash);
    nx_ring_append(&t->slab, by_process, ring_of_process(t, w), slot);
    if (w->key.peer != NX_PEER_HERE)
        nx_ring_append(&t->slab, by_peer, ring_of_peer(t, w), slot);
}

int nx_watcher_add(struct nx_watchers *t, uint32_t process, uint32_t peer, const struct nx_pid *pid,
                   const struct nx_ref *ref, struct nx_span name)
{
    const struct nx_watcher_key key = key_of(peer, ref);
    uint32_t hash = hash_of(t, &key);
    if (find(t, &key, hash))
        return 0;
    struct nx_watched_name *copy;
    int rc = copy_name(t, name, &copy);
    uint32_t slot = rc ? 0 : nx_slab_take(&t->slab);
    if (!slot) {
        nx_free(t->slab.alloc, copy);
        return NOEX_ENOMEM;
    }
    struct nx_watcher *w = at(t, slot);
    w->key = key;
    w->process = process;
    w->id = pid->id;
    w->serial = pid->serial;
    w->creation = pid->creation;
    w->name = copy;
    enlist(t, slot, hash);
    return 0;
}

bool nx_watcher_remove(struct nx_watchers *t, uint32_t peer, const struct nx_ref *ref)
{
    const struct nx_watcher_key key = key_of(peer, ref);
    uint32_t slot = find(t, &key, hash_of(t, &key));
    if (slot)
        nx_watcher_drop(t, slot);
    return slot != 0;
}

uint32_t nx_watcher_next_of_process(const struct nx_watchers *t, const struct nx_bonds *process,
                                    uint32_t slot)
{
    return nx_ring_next(&t->slab, by_process, &process->watchers, slot);
}

void nx_watcher_drop(struct nx_watchers *t, uint32_t slot)
{
    struct nx_watcher *w = at(t, slot);
    nx_ring_remove(&t->slab, by_process, ring_of_process(t, w), slot);
    if (w->key.peer != NX_PEER_HERE)
        nx_ring_remove(&t->slab, by_peer, ring_of_peer(t, w), slot);
    nx_map_remove(&t->map, slot);
    nx_free(t->slab.alloc, w->name);
    nx_slab_give(&t->slab, slot);
}

void nx_watchers_drop_peer(struct nx_watchers *t, const struct nx_bonds *peer)
{
    while (peer->watchers.first)
        nx_watcher_drop(t, peer->watchers.first);
}

int nx_watcher_write_pid(struct nx_buf *out, const struct nx_watcher *w, struct nx_span node)
{
    const struct nx_pid pid = {node, w->id, w->serial, w->creation};
    return nx_pid_write(out, &pid);
}

int nx_watcher_write_ref(struct nx_buf *out, const struct nx_watcher *w, struct nx_span node)
{
    struct nx_ref ref = {.node = node, .creation = w->key.creation, .count = w->key.count};
    memcpy(ref.word, w->key.word, sizeof ref.word);
    return nx_ref_write(out, &ref);
}

int nx_watcher_write_target(struct nx_buf *out, const struct nx_watcher *w,
                            const struct nx_pid *self)
{
    return w->name ? nx_buf_put(out, w->name->bytes, w->name->len) : nx_pid_write(out, self);
}
