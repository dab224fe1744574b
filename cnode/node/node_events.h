/* Events of connections, set aside when an attempt begins, so that none is lost for want of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_NODE_EVENTS_H
#define NX_NODE_NODE_EVENTS_H

#include <noex/alloc.h>
#include <noex/event.h>

/** One event of a connection; which fields count depends on the type, as in struct noex_event. */
struct nx_node_event {
    uint32_t link;
    uint32_t peer;
    enum noex_event_type type;
    uint32_t attempt;
    uint32_t missed;
    bool queued;
    uint64_t delay_ms;
    int64_t time_us;
    struct noex_error err;
};

struct nx_node_events {
    const struct noex_allocator *alloc;
    struct nx_node_event **table;
    uint32_t count;
    uint32_t cap;
    uint32_t free_list; /* number + 1, threaded through link */
};

void nx_node_events_init(struct nx_node_events *pool, const struct noex_allocator *a);
void nx_node_events_free(struct nx_node_events *pool);

struct nx_node_event *nx_node_event_at(struct nx_node_events *pool, uint32_t number);

/** Sets `n` events aside: their numbers. Errors: NOEX_ENOMEM, then none is set aside. */
NOEX_MUST_USE int nx_node_events_reserve(struct nx_node_events *pool, uint32_t *numbers,
                                         uint32_t n);
/** Gives one back, delivered or not needed. */
void nx_node_event_release(struct nx_node_events *pool, uint32_t number);

#endif
