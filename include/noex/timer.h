/* Timers in a node's thread. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_TIMER_H
#define NOEX_TIMER_H

#include <noex/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Names a timer; never 0, never used twice in the life of a node. */
typedef uint64_t noex_timer_id;

/** The time is over. A callback like any other; `id` names no timer any more. */
typedef void (*noex_timer_fn)(void *user, noex_timer_id id);

/**
 * Has `fn` called with `user` once, after `delay_ms`, and not before the next turn of the loop. Of
 * two with one deadline the one that was started first is first. Not called any more once the node
 * is closed. Errors: NOEX_EINVALID (a NULL), NOEX_ENOMEM.
 */
NOEX_API NOEX_MUST_USE int noex_timer_start(noex_node *node, uint64_t delay_ms, noex_timer_fn fn,
                                            void *user, noex_timer_id *id);

/** Its function is not called any more. One that is over, or never was, is no error. Errors:
 * NOEX_EINVALID (NULL). */
NOEX_API int noex_timer_cancel(noex_node *node, noex_timer_id id);

#ifdef __cplusplus
}
#endif
#endif
