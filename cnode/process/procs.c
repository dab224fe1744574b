/* SPDX-License-Identifier: Apache-2.0 */
#include "process/procs.h"

#include "base/alloc.h"

enum { FIRST_BUCKETS = 16 };

struct alias {
    struct nx_slot slot;
    uint32_t proc;
    uint32_t next; /* of the same process */
    bool priority;
    uint8_t unused[7]; /* the size of a record is one of eights */
};

struct nx_procs {
    const struct noex_allocator *alloc;
    struct nx_slab slab;
    struct nx_slab aliases;
    uint32_t max;
    uint32_t named;
    uint32_t bucket_count; /* a power of two */
    uint32_t *buckets;     /* of names: the first slot of each chain */
};

struct nx_procs *nx_procs_new(const struct noex_allocator *a, uint32_t max)
{
    struct nx_proc *kernel;
    struct nx_procs *t = nx_calloc(a, 1, sizeof *t);
    if (!t)
        return NULL;
    t->alloc = a;
    t->max = max;
    nx_slab_init(&t->slab, a, sizeof(struct nx_proc));
    nx_slab_init(&t->aliases, a, sizeof(struct alias));
    if (nx_proc_add(t, &kernel) || nx_proc_set_name(t, kernel, "net_kernel")) {
        nx_procs_free(t);
        return NULL;
    }
    return t;
}

void nx_procs_free(struct nx_procs *t)
{
    if (!t)
        return;
    for (uint32_t slot = 0; (slot = nx_slab_next(&t->slab, slot));) {
        struct nx_proc *p = nx_slab_at(&t->slab, slot);
        nx_free(t->alloc, p->name);
        nx_free(t->alloc, p->leader);
        nx_free(t->alloc, p->service);
    }
    nx_slab_free(&t->slab);
    nx_slab_free(&t->aliases);
    nx_free(t->alloc, t->buckets);
    nx_free(t->alloc, t);
}

int nx_proc_add(struct nx_procs *t, struct nx_proc **out)
{
    if (t->slab.used > t->max) /* the node's own does not count */
        return NOEX_ELIMIT;
    uint32_t slot = nx_slab_take(&t->slab);
    if (!slot)
        return NOEX_ENOMEM;
    *out = nx_slab_at(&t->slab, slot);
    (*out)->number = slot;
    return 0;
}

void nx_proc_remove(struct nx_procs *t, struct nx_proc *p)
{
    nx_proc_drop_name(t, p);
    nx_free(t->alloc, p->leader);
    nx_free(t->alloc, p->service);
    for (uint32_t slot = p->aliases, next; slot; slot = next) {
        const struct alias *a = nx_slab_at(&t->aliases, slot);
        next = a->next;
        nx_slab_give(&t->aliases, slot);
    }
    nx_slab_give(&t->slab, p->number);
}

struct nx_proc *nx_proc_find(const struct nx_procs *t, uint32_t id, uint32_t serial)
{
    return nx_slab_find(&t->slab, id, serial);
}

struct nx_proc *nx_proc_at(const struct nx_procs *t, uint32_t slot)
{
    return nx_slab_at(&t->slab, slot);
}

struct nx_proc *nx_proc_next(const struct nx_procs *t, uint32_t slot)
{
    slot = nx_slab_next(&t->slab, slot);
    return slot ? nx_slab_at(&t->slab, slot) : NULL;
}

uint32_t nx_procs_count(const struct nx_procs *t)
{
    return t->slab.used;
}

/* ---- names ---- */

/* FNV-1a. Only this program makes names, so nobody can choose them to collide. */
static uint32_t hash_of(struct nx_span name)
{
    uint32_t h = UINT32_C(2166136261);
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.ptr[i]) * UINT32_C(16777619);
    return h;
}

static uint32_t *bucket_of(const struct nx_procs *t, struct nx_span name)
{
    return &t->buckets[hash_of(name) & (t->bucket_count - 1)];
}

struct nx_proc *nx_proc_named(const struct nx_procs *t, struct nx_span name)
{
    if (!t->bucket_count)
        return NULL;
    for (uint32_t slot = *bucket_of(t, name); slot;) {
        struct nx_proc *p = nx_slab_at(&t->slab, slot);
        if (nx_span_is(name, p->name))
            return p;
        slot = p->next_named;
    }
    return NULL;
}

static void enter(struct nx_procs *t, struct nx_proc *p)
{
    uint32_t *bucket = bucket_of(t, nx_span_str(p->name));
    p->next_named = *bucket;
    *bucket = p->number;
}

static int grow(struct nx_procs *t)
{
    uint32_t count = t->bucket_count ? t->bucket_count * 2 : FIRST_BUCKETS;
    uint32_t *buckets = nx_calloc(t->alloc, count, sizeof *buckets);
    if (!buckets)
        return NOEX_ENOMEM;
    nx_free(t->alloc, t->buckets);
    t->buckets = buckets;
    t->bucket_count = count;
    for (uint32_t slot = 0; (slot = nx_slab_next(&t->slab, slot));) {
        struct nx_proc *p = nx_slab_at(&t->slab, slot);
        if (p->name)
            enter(t, p);
    }
    return 0;
}

int nx_proc_set_name(struct nx_procs *t, struct nx_proc *p, const char *name)
{
    int rc = t->named >= t->bucket_count ? grow(t) : 0;
    if (rc)
        return rc;
    p->name = nx_strndup(t->alloc, name, strlen(name));
    if (!p->name)
        return NOEX_ENOMEM;
    enter(t, p);
    t->named++;
    return 0;
}

void nx_proc_drop_name(struct nx_procs *t, struct nx_proc *p)
{
    if (!p->name)
        return;
    uint32_t *at = bucket_of(t, nx_span_str(p->name));
    while (*at != p->number)
        at = &((struct nx_proc *)nx_slab_at(&t->slab, *at))->next_named;
    *at = p->next_named;
    nx_free(t->alloc, p->name);
    p->name = NULL;
    t->named--;
}

int nx_proc_set_leader(struct nx_procs *t, struct nx_proc *p, struct nx_span leader)
{
    uint8_t *copy = nx_alloc(t->alloc, leader.len);
    if (!copy)
        return NOEX_ENOMEM;
    memcpy(copy, leader.ptr, leader.len);
    nx_free(t->alloc, p->leader);
    p->leader = copy;
    p->leader_len = leader.len;
    return 0;
}

/* ---- aliases ---- */

int nx_alias_add(struct nx_procs *t, struct nx_proc *p, uint32_t *slot, uint32_t *generation)
{
    *slot = nx_slab_take(&t->aliases);
    if (!*slot)
        return NOEX_ENOMEM;
    struct alias *a = nx_slab_at(&t->aliases, *slot);
    a->proc = p->number;
    a->next = p->aliases;
    p->aliases = *slot;
    *generation = a->slot.generation;
    return 0;
}

struct nx_proc *nx_alias_find(const struct nx_procs *t, uint32_t slot, uint32_t generation)
{
    const struct alias *a = nx_slab_find(&t->aliases, slot, generation);
    return a ? nx_slab_at(&t->slab, a->proc) : NULL;
}

void nx_alias_set_priority(struct nx_procs *t, uint32_t slot, uint32_t generation)
{
    struct alias *a = nx_slab_find(&t->aliases, slot, generation);
    if (a)
        a->priority = true;
}

bool nx_alias_has_priority(const struct nx_procs *t, uint32_t slot, uint32_t generation)
{
    const struct alias *a = nx_slab_find(&t->aliases, slot, generation);
    return a && a->priority;
}

bool nx_alias_remove(struct nx_procs *t, uint32_t slot, uint32_t generation)
{
    struct nx_proc *p = nx_alias_find(t, slot, generation);
    if (!p)
        return false;
    uint32_t *at = &p->aliases;
    while (*at != slot)
        at = &((struct alias *)nx_slab_at(&t->aliases, *at))->next;
    *at = ((struct alias *)nx_slab_at(&t->aliases, slot))->next;
    nx_slab_give(&t->aliases, slot);
    return true;
}
