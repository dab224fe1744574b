/* The monitors that servers of this node hold. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CLUSTER_REMOTE_MONITOR_H
#define NX_CLUSTER_REMOTE_MONITOR_H

#include <noex/remote.h>

/** MONITOR_UP, MONITOR_DOWN, MONITOR_FAILED of a monitor that `server` holds. */
void nx_watch_event(noex_gen_server *server, const struct noex_event *event);
/** The watcher has ended: its monitors end silently, those that are pending fail. */
void nx_watches_server_ended(noex_gen_server *server);

#endif
