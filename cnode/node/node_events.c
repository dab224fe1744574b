/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_events.h"

#include "base/alloc.h"

void nx_node_events_init(struct nx_node_events *pool, const struct noex_allocator *a)
{
    *pool = (struct nx_node_events){.alloc = a};
}

void nx_node_events_free(struct nx_node_events *pool)
{
    for (uint32_t i = 0; i < pool->count; i++)
        nx_free(pool->alloc, pool->table[i]);
    nx_free(pool->alloc, pool->table);
    nx_node_events_init(pool, pool->alloc);
}

void nx_node_events_join(struct nx_node_events *pool, struct nx_monitors *queue)
{
    pool->queue = queue;
}

struct nx_node_event *nx_node_event_at(struct nx_node_events *pool, uint32_t number)
{
    return pool->table[number];
}

static int grow(struct nx_node_events *pool)
{
    if (pool->count == pool->cap) {
        uint32_t cap = pool->cap ? pool->cap * 2 : 16;
        void *table = nx_realloc(pool->alloc, pool->table, cap, sizeof(struct nx_node_event *));
        if (!table)
            return NOEX_ENOMEM;
        pool->table = table;
        pool->cap = cap;
    }
    struct nx_node_event *e = nx_calloc(pool->alloc, 1, sizeof *e);
    if (!e)
        return NOEX_ENOMEM;
    pool->table[pool->count] = e;
    nx_node_event_release(pool, pool->count++);
    return 0;
}

int nx_node_events_reserve(struct nx_node_events *pool, uint32_t *numbers, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int rc = pool->free_list ? 0 : grow(pool);
        if (rc) {
            while (i > 0)
                nx_node_event_release(pool, numbers[--i]);
            return rc;
        }
        numbers[i] = pool->free_list - 1;
        pool->free_list = pool->table[numbers[i]]->link;
    }
    return 0;
}

struct nx_node_event *nx_node_event_push(struct nx_node_events *pool, uint32_t number,
                                         enum noex_event_type type, uint32_t peer,
                                         const struct noex_error *err, int64_t now_us)
{
    struct nx_node_event *e = nx_node_event_at(pool, number);
    *e = (struct nx_node_event){.type = type, .peer = peer, .queued = true, .time_us = now_us};
    if (err)
        e->err = *err;
    nx_events_push_foreign(pool->queue, NX_EVENT_FOREIGN | number);
    return e;
}

void nx_node_event_release(struct nx_node_events *pool, uint32_t number)
{
    struct nx_node_event *e = pool->table[number];
    e->queued = false;
    e->link = pool->free_list;
    pool->free_list = number + 1;
}
