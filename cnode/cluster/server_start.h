/* How a server begins: init, its name in `global`, being told. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_SERVER_START_H
#define NX_CLUSTER_SERVER_START_H

#include "cluster/servers.h"

/** The server has ended while it was starting: whoever started it is told. */
void nx_start_ended(noex_gen_server *server, const struct noex_event *event);

#endif
