/* The options of a cluster: defaults, checks, an own copy. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_CLUSTER_OPTIONS_H
#define NX_CLUSTER_CLUSTER_OPTIONS_H

#include <noex/cluster.h>

/** Copies what the program gave, and its strings, into a cluster of zeroes; what was copied until
 * an error is for nx_cluster_options_free as well. Errors: as noex_cluster_new. */
NOEX_MUST_USE int nx_cluster_options_take(noex_cluster *cluster,
                                          const struct noex_cluster_options *options,
                                          struct noex_error *err);
void nx_cluster_options_free(noex_cluster *cluster);

#endif
