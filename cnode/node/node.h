/* The node: owner of everything, driven by its loop. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_NODE_H
#define NX_NODE_NODE_H

#include "base/log.h"
#include "base/random.h"
#include "io/loop.h"
#include "node/node_events.h"
#include "node/node_name.h"
#include "node/peers.h"
#include "process/monitors.h"

struct noex_node {
    struct noex_allocator alloc;
    struct noex_options options; /* its strings are the fields below */
    struct nx_log log;
    const struct nx_random *random;
    struct nx_node_name self; /* of a fixed name; else only `host` is set */
    bool dynamic;
    char cookie[256];
    size_t cookie_len;
    uint32_t creation; /* of a fixed name: for the life of the node */
    struct nx_loop *loop;
    struct nx_monitors *monitors;
    struct nx_node_events events;
    struct nx_peers peers;
    uint32_t attempts;       /* under way */
    struct noex_stats stats; /* of connections that are over; nx_node_stats adds the others */
    bool in_process;
    bool free_wanted;
    uint32_t held;             /* pulled mode: the item that the caller looks at */
    struct noex_target target; /* what the event at hand points to */
    struct noex_error err;
};

/** As noex_node_new and noex_node_free. */
NOEX_MUST_USE int nx_node_new(noex_node **out, const struct noex_options *options,
                              struct noex_error *err);
void nx_node_free(noex_node *node);

/** As noex_node_process. */
NOEX_MUST_USE int nx_node_process(noex_node *node, uint64_t max_wait_ms);

/** As noex_node_timeout_ms. */
int64_t nx_node_timeout_ms(noex_node *node);

/** The peer of this name, made where there is none. Errors: NOEX_EINVALID (our own name),
 * NOEX_ENOMEM. */
NOEX_MUST_USE int nx_node_peer(noex_node *node, const struct nx_node_name *name,
                               struct nx_peer **out);
/** NULL where there is none. */
struct nx_peer *nx_node_find_peer(noex_node *node, const struct nx_node_name *name);

/** Some wait to be delivered or pulled. */
bool nx_node_has_events(noex_node *node);
/** Takes the next event for a caller that pulls. */
bool nx_node_next_event(noex_node *node, struct noex_event *event);

void nx_node_stats(const noex_node *node, struct noex_stats *stats);

#endif
