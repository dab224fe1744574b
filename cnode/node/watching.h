/* Monitors that processes of this node hold, and those of processes of this node.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_WATCHING_H
#define NX_NODE_WATCHING_H

#include "node/exits.h"

/** The list that a monitor is in. */
struct nx_monitor_list *nx_watching_list(noex_node *node, const struct nx_monitor *m);

/** A process holds the monitor in this slot, which is new. Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_watching_held(noex_node *node, uint32_t slot, const struct nx_proc *proc);

/** A new monitor of a process of this node: it is established, and where there is none has ended.
 * Errors: NOEX_ENOMEM. */
NOEX_MUST_USE int nx_watching_here(noex_node *node, uint32_t slot);
/** A process of this node has ended that a monitor of this node watches. */
void nx_watching_down(noex_node *node, const struct nx_watcher *w, struct nx_span reason);

/** As noex_demonitor. */
void nx_watching_demonitor(noex_node *node, uint32_t slot);
/** A process ends: the monitors that it holds do so silently. */
void nx_watching_process_ended(noex_node *node, const struct nx_proc *proc);

#endif
