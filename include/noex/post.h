/* Handing work to a node's thread. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_POST_H
#define NOEX_POST_H

#include <noex/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The way into a node for other threads: a counted handle that may outlive the node. */
typedef struct noex_poster noex_poster;

/**
 * A posted function, in the thread that drives the node, as a callback. `node` NULL: cancelled, the
 * node is closing; then it runs inside noex_node_close (or in the thread that frees the node), and
 * only what `user` holds is to be given up.
 */
typedef void (*noex_post_fn)(noex_node *node, void *user);

/** Makes a poster, with one hold, which is the caller's; in the node's thread. Its memory comes
 * from malloc(3). Errors: NOEX_EINVALID (a NULL), NOEX_ENOMEM. */
NOEX_API NOEX_MUST_USE int noex_poster_new(noex_poster **out, noex_node *node);
/** One more hold, for another thread; from any thread that has one. Returns `poster` (NULL for
 * NULL). */
NOEX_API noex_poster *noex_poster_hold(noex_poster *poster);
/** Gives a hold back, from any thread; with the last one the poster is gone. NULL is allowed. */
NOEX_API void noex_poster_release(noex_poster *poster);

/**
 * Has `fn` called with `user` in the node's thread, soon and exactly once, or once as cancelled.
 * What one thread posts runs in its order. From any thread that has a hold; memory comes from
 * malloc(3). Where this fails `fn` is not called. Errors: NOEX_EINVALID (a NULL), NOEX_ENOMEM,
 * NOEX_ESTATE (the node is closed).
 */
NOEX_API NOEX_MUST_USE int noex_post(noex_poster *poster, noex_post_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
