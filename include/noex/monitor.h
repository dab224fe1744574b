/* Monitors of remote processes. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_MONITOR_H
#define NOEX_MONITOR_H

#include <noex/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Monitors a target. The node is connected to where it is not yet (as by noex_connect with
 * NOEX_CONNECT_ONCE). Then, in this order: MONITOR_UP when the target's node has confirmed the
 * monitor, and one MONITOR_DOWN when the target has ended or was lost; or one MONITOR_FAILED in
 * place of both: NOEX_ESETUPTIMEOUT, NOEX_ENOMEM (none to send it with in that time),
 * NOEX_ENOMONITOR, NOEX_EPID, NOEX_ENOTREACHABLE (with the cause in words) or the error of the
 * attempt to connect. A target that is not there gives MONITOR_UP and MONITOR_DOWN with noproc. No
 * event comes before this call has returned, so `*id` is always known first; where it fails none
 * comes at all. `timeout_ms` 0: setup_timeout_ms of the node. `user` comes back in each event. A
 * process of the node itself is monitored in the same way, and nothing of that can fail later; its
 * PROCESS_END comes before the DOWN.
 * Errors: NOEX_EINVALID (a NULL, a NODE target of the own name), NOEX_ETARGET, NOEX_ENODENAME,
 * NOEX_ENOMEM, NOEX_ELIMIT (monitors_max).
 */
NOEX_API NOEX_MUST_USE int noex_monitor(noex_node *node, const struct noex_target *target,
                                        uint64_t timeout_ms, void *user, noex_monitor_id *id);

/**
 * The same for a process of this node, as erlang:monitor/2 in it: its pid is what the target's node
 * sees (process_info monitored_by), and its events go to its on_event, unless the node's are
 * pulled. When it ends its monitors do so silently, on both sides. Errors: NOEX_EINVALID (a NULL, a
 * NODE target of the own name), NOEX_ENOPROC (there is no such process), NOEX_ETARGET,
 * NOEX_ENODENAME, NOEX_ENOMEM, NOEX_ELIMIT (monitors_max).
 */
NOEX_API NOEX_MUST_USE int noex_process_monitor(noex_node *node, const struct noex_pid *process,
                                                const struct noex_target *target,
                                                uint64_t timeout_ms, void *user,
                                                noex_monitor_id *id);

/**
 * Ends a monitor. Once this has returned no event carries the id, also none that had happened and
 * waited. An id that ended already, or never was, is no error. Errors: NOEX_EINVALID (NULL).
 */
NOEX_API int noex_demonitor(noex_node *node, noex_monitor_id id);

/** Counters from the node's birth (noex's own; reference: RemoteMonitorStats); gauges are marked.
 */
struct noex_monitor_stats {
    uint64_t pending;        /**< gauge: asked for, not established yet */
    uint64_t active;         /**< gauge: established */
    uint64_t initiated;      /**< asked for, by noex_monitor */
    uint64_t established;    /**< confirmed by the target's node */
    uint64_t timed_out;      /**< not established in time */
    uint64_t failed;         /**< other failures than the timeout */
    uint64_t demonitored;    /**< ended by noex_demonitor */
    uint64_t downs_received; /**< DOWNs of other nodes, those for ended monitors included */
    uint64_t noconnection;   /**< ends made here at the loss of a connection */
};

/** `size` is sizeof(struct noex_monitor_stats). */
NOEX_API void noex_monitor_get_stats(const noex_node *node, struct noex_monitor_stats *stats,
                                     size_t size);

#ifdef __cplusplus
}
#endif
#endif
