/* Joining more than the seeds: asking nodes whom they know, and answering that.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_JOINING_H
#define NX_CLUSTER_JOINING_H

#include "cluster/members.h"

/** The cluster runs: its seeds are connected to, erlang:nodes/0 and /1 are served. Errors: those of
 * noex_connect and noex_serve. */
NOEX_MUST_USE int nx_joining_start(noex_cluster *cluster);
/** Asks a node that is connected whom it knows, where that is wanted (NOEX_JOIN_KNOWN). */
void nx_joining_ask(noex_cluster *cluster, struct nx_member *member);

#endif
