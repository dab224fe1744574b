/* What waits to be told, as the caller sees it: to the callback, or pulled.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_DELIVERY_H
#define NX_NODE_DELIVERY_H

#include "node/node.h"

/** Some wait to be delivered or pulled. */
bool nx_delivery_waits(noex_node *node);

/** Some are for a callback: the node's, or a process's own. */
bool nx_delivery_can_run(noex_node *node);
/** Tells what is for callbacks, very many at most; stops where one closes the node. */
void nx_delivery_run(noex_node *node);

/** Takes the next event for a caller that pulls; NULL when there is none. Good until
 * nx_delivery_release. */
const struct noex_event *nx_delivery_next(noex_node *node);
/** Takes the oldest event of a call, spawn or remote call out of its turn; good until
 * nx_delivery_release. NULL: there is none, and none will come unless `*more`. */
const struct noex_event *nx_delivery_take_call(noex_node *node, noex_call_id id, bool *more);
/** The caller looks at the event it pulled last no more. */
void nx_delivery_release(noex_node *node);

/** The error of a monitor that failed, in words; from its record, before its event is over. */
int nx_delivery_failure(noex_node *node, const struct nx_monitor *m, struct noex_error *err);

#endif
