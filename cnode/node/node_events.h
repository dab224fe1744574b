/* Events of connections and of the node, set aside when an attempt begins, so that none is lost for
 * want of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_NODE_EVENTS_H
#define NX_NODE_NODE_EVENTS_H

#include "process/monitors.h"
#include <noex/event.h>

/** In place of a peer: an event of the node itself. */
#define NX_EVENT_OF_NODE UINT32_MAX

/** One event of a connection; which fields count depends on the type, as in struct noex_event. */
struct nx_node_event {
    uint32_t link;
    uint32_t peer;
    enum noex_event_type type;
    uint32_t attempt;
    uint32_t missed;
    uint16_t port;
    bool queued;
    uint64_t delay_ms;
    int64_t time_us;
    struct noex_error err;
};

struct nx_node_events {
    const struct noex_allocator *alloc;
    struct nx_monitors *queue; /* whose queue of events they stand in */
    struct nx_node_event **table;
    uint32_t count;
    uint32_t cap;
    uint32_t free_list; /* number + 1, threaded through link */
};

void nx_node_events_init(struct nx_node_events *pool, const struct noex_allocator *a);
/** Makes the events stand in this queue, in one order with those of the monitors. */
void nx_node_events_join(struct nx_node_events *pool, struct nx_monitors *queue);
void nx_node_events_free(struct nx_node_events *pool);

struct nx_node_event *nx_node_event_at(struct nx_node_events *pool, uint32_t number);

/** Sets `n` events aside: their numbers. Errors: NOEX_ENOMEM, then none is set aside. */
NOEX_MUST_USE int nx_node_events_reserve(struct nx_node_events *pool, uint32_t *numbers,
                                         uint32_t n);
/** Fills and queues one that was set aside; `err` may be NULL. The caller may go on filling it. */
struct nx_node_event *nx_node_event_push(struct nx_node_events *pool, uint32_t number,
                                         enum noex_event_type type, uint32_t peer,
                                         const struct noex_error *err, int64_t now_us);

/** Gives one back, delivered or not needed. */
void nx_node_event_release(struct nx_node_events *pool, uint32_t number);

#endif
