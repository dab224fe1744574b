/* How a server begins: init, its name in `global`, being told. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NX_CLUSTER_SERVER_START_H
#define NX_CLUSTER_SERVER_START_H

#include "cluster/servers.h"

/** What only servers that others ask for have. All may be NULL or without bytes. */
struct nx_start_extra {
    struct noex_term global_name; /* as a term, in place of options->global_name */
    noex_builder *reason;         /* gets the reason where init fails at once */
};

/** As noex_gen_server_start. */
NOEX_MUST_USE int nx_server_start(noex_cluster *cluster, const struct noex_behavior *behavior,
                                  const struct noex_gen_server_options *options,
                                  const struct nx_start_extra *extra, struct noex_ref *ref,
                                  noex_op *op);

/** Records and returns NOEX_EINIT: the reason of an init that has failed, in words. */
int nx_init_failed(struct noex_term reason, struct noex_error *err);

/** The server has ended while it was starting: whoever started it is told. */
void nx_start_ended(noex_gen_server *server, const struct noex_event *event);

#endif
