/* What the loop shows the rest of cnode/io only: its uv_loop_t, the count of its handles, and the
 * way in for other threads. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_LOOP_UV_H
#define NX_IO_LOOP_UV_H

#include "io/loop.h"
#include <uv.h>

uv_loop_t *nx_loop_uv(struct nx_loop *loop);
/** Borrowed for the loop's life; only for the loop's thread. */
const struct noex_allocator *nx_loop_allocator(const struct nx_loop *loop);

/** One more uv handle that must be closed before the loop can go. */
void nx_loop_hold(struct nx_loop *loop);
/** From that handle's close callback, as its last deed: the loop may be gone afterwards. */
void nx_loop_release(struct nx_loop *loop);

/** Something another thread hands to the loop's thread, embedded in what it carries. */
struct nx_mail {
    struct nx_mail *next;
    /** In the loop's thread, once, as the new owner of `m`; `closed`: the loop is closing, free it
     * only. */
    void (*deliver)(struct nx_mail *m, bool closed);
};

/** Where mail is dropped. It outlives the loop for as long as threads hold it. */
struct nx_mailbox;

/** Borrowed for the loop's life; a thread that keeps it takes a hold of its own. */
struct nx_mailbox *nx_loop_mailbox(struct nx_loop *loop);
/** False, and nothing taken, where `max` holds besides the loop's own exist already. */
NOEX_MUST_USE bool nx_mailbox_hold(struct nx_mailbox *box, unsigned max);
void nx_mailbox_release(struct nx_mailbox *box);
/** From any thread with a hold, and from the loop's. False: the loop was closed, `m` stays the
 * caller's. */
NOEX_MUST_USE bool nx_mailbox_post(struct nx_mailbox *box, struct nx_mail *m);

#endif
