/* Servers started on other nodes, and here for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_REMOTE_SPAWN_H
#define NX_CLUSTER_REMOTE_SPAWN_H

#include <noex/remote.h>

/** The cluster starts: gen_server:start/3 and /4 are served for the behaviours registered. Errors:
 * those of noex_serve. */
NOEX_MUST_USE int nx_remote_spawn_serve(noex_cluster *cluster);

/** Frees the requests that are not answered yet. */
void nx_spawn_service_free(noex_cluster *cluster);

/** Frees the table of behaviours. */
void nx_behaviors_free(noex_cluster *cluster);

#endif
