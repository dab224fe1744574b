/* Waiting for one thing, for programs that do nothing else meanwhile. Part of libnoex;
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_WAIT_H
#define NOEX_WAIT_H

#include <noex/monitor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Each of these runs the node as noex_node_process does until its thing has come, callbacks and
 * all, at most `timeout_ms` (0: only what is there already). Events that nobody waited for are kept
 * for noex_node_next_event where the node has no on_event. The time that is over ends the waiting,
 * and nothing else. Where a callback closes the node meanwhile it is gone when they return, with
 * NOEX_ESTATE. A noex_node_wakeup that comes with the result is told by the next wait.
 */

/**
 * Waits for the next event of a node without on_event: `*event` as from noex_node_next_event.
 * Errors: NOEX_EINVALID (a NULL), NOEX_EREENTRANT (inside a callback), NOEX_ESTATE (the node has an
 * on_event, runs on a caller's uv_loop_t, or was closed meanwhile), NOEX_EWAIT (none in time),
 * NOEX_EINTERRUPTED (noex_node_wakeup).
 */
NOEX_API NOEX_MUST_USE int noex_wait_event(noex_node *node, uint64_t timeout_ms,
                                           const struct noex_event **event);

/**
 * Connects, unless that was done, and waits until the node is up. With NOEX_CONNECT_KEEP as its
 * policy an attempt that failed is waited out; otherwise its error is returned. Errors:
 * NOEX_EINVALID (no node, the node's own name), NOEX_ENODENAME, NOEX_ENOMEM, NOEX_EREENTRANT,
 * NOEX_ESTATE (on a caller's uv_loop_t, or closed meanwhile), NOEX_EWAIT (not in time;
 * noex_node_error says what is awaited, or how the last attempt failed), NOEX_EINTERRUPTED, and
 * what a CONNECT_FAILED or NODE_DOWN may hold.
 */
NOEX_API NOEX_MUST_USE int noex_wait_node_up(noex_node *node, const char *peer,
                                             uint64_t timeout_ms);

/**
 * Waits until others can reach a node that listens: NOEX_EVENT_REGISTERED. A try that fails
 * meanwhile ends the wait with its error; the node goes on trying, and so may the program. Errors:
 * NOEX_EINVALID (NULL), NOEX_EREENTRANT, NOEX_ESTATE (the node has no option listen, runs on a
 * caller's uv_loop_t, or was closed meanwhile), NOEX_EWAIT (noex_node_error says how the last try
 * failed), NOEX_EINTERRUPTED, and what an UNREGISTERED or LISTEN_FAILED may hold.
 */
NOEX_API NOEX_MUST_USE int noex_wait_registered(noex_node *node, uint64_t timeout_ms);

/**
 * Waits until a monitor is established; it may have ended since. Errors: NOEX_EINVALID (a NULL
 * node, no such monitor, or all its events were told), NOEX_EREENTRANT, NOEX_ESTATE (on a caller's
 * uv_loop_t, or closed meanwhile), NOEX_EWAIT, NOEX_EINTERRUPTED, and what a MONITOR_FAILED or
 * CONNECT_FAILED may hold.
 */
NOEX_API NOEX_MUST_USE int noex_wait_monitor_up(noex_node *node, noex_monitor_id id,
                                                uint64_t timeout_ms);

/**
 * Waits for the next event of a call, a spawn or a remote call: `*event` is its REPLY, CALL_FAILED,
 * SPAWNED or SPAWN_DOWN, told by nothing else, and good until the next call on the node. Works with
 * an on_event as well. Errors: NOEX_EINVALID (a NULL, no such call, or all its events were told),
 * NOEX_EREENTRANT, NOEX_ESTATE (on a caller's uv_loop_t, or closed meanwhile), NOEX_EWAIT,
 * NOEX_EINTERRUPTED.
 */
NOEX_API NOEX_MUST_USE int noex_wait_reply(noex_node *node, noex_call_id id, uint64_t timeout_ms,
                                           const struct noex_event **event);

#ifdef __cplusplus
}
#endif
#endif
