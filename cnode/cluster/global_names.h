/* The names that this node has in Erlang's `global`, and what is asked of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_GLOBAL_NAMES_H
#define NX_CLUSTER_GLOBAL_NAMES_H

#include "cluster/members.h"
#include <noex/global.h>

/** A node is connected: names of this node that it has lost are registered there again. */
void nx_global_names_heal(noex_cluster *cluster, struct nx_member *member);
/** A process of this node has ended: its names are no more. */
void nx_global_names_process_ended(noex_cluster *cluster, const struct noex_pid *pid);
/** The cluster stops, or is freed: forgets all names. */
void nx_global_names_drop(noex_cluster *cluster);

#endif
