/* The links that servers of this node were asked to make. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_REMOTE_LINK_H
#define NX_CLUSTER_REMOTE_LINK_H

#include <noex/remote.h>

/** An EXIT has come to a server that traps exits. */
void nx_link_exit(noex_gen_server *server, const struct noex_event *event);
/** The server has ended, and its links with it. */
void nx_links_server_ended(noex_gen_server *server);

#endif
