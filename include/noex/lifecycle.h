/* The noex API: lifecycle events. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_LIFECYCLE_H
#define NOEX_LIFECYCLE_H

#include <noex/cluster.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What happened to a server of this node, or to what one of them monitors. */
enum noex_lifecycle_type {
    NOEX_LIFECYCLE_STARTED = 1,     /**< a server is there, its init is over */
    NOEX_LIFECYCLE_TERMINATED = 2,  /**< a server has ended: reason, term */
    NOEX_LIFECYCLE_PROCESS_DOWN = 3 /**< what a server monitors has ended, or was lost: all */
};

/** A lifecycle event; borrowed until the handler returns. */
struct noex_lifecycle_event {
    size_t size; /**< sizeof(struct noex_lifecycle_event) as the library was compiled */
    enum noex_lifecycle_type type;       /**< says which of the fields below count */
    enum noex_reason_type reason;        /**< TERMINATED, PROCESS_DOWN: the type of the ending */
    const struct noex_ref *process;      /**< the server; of a PROCESS_DOWN the one that monitors */
    const struct noex_target *monitored; /**< PROCESS_DOWN: what was monitored; of a name in
                                              `global` the process that had it */
    noex_op monitor; /**< PROCESS_DOWN: the monitor, as noex_remote_monitor named it */
    /** TERMINATED, PROCESS_DOWN: the node's own event, with the exact reason (noex_event_term,
     * noex_event_message) and its origin; else NULL. */
    const struct noex_event *event;
};

/** Is told of each event once, in order. */
typedef void (*noex_lifecycle_fn)(void *user, const struct noex_lifecycle_event *event);

/** Subscribes; ended by noex_unsubscribe. The same `fn` and `user` twice is one subscription, told
 * once. Errors: NOEX_EINVALID (a NULL), NOEX_ENOMEM. */
NOEX_API int noex_on_lifecycle_event(noex_cluster *cluster, noex_lifecycle_fn fn, void *user,
                                     noex_subscription *subscription);

#ifdef __cplusplus
}
#endif
#endif
