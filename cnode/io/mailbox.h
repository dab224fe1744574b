/* What other threads hand to the thread of a loop. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_IO_MAILBOX_H
#define NX_IO_MAILBOX_H

#include <noex/export.h>
#include <stdbool.h>

/** Something handed over, embedded in what it carries. */
struct nx_mail {
    struct nx_mail *next;
    /** In the loop's thread, once, as the new owner of `m`; `closed`: the loop is closing, and `m`
     * can only be given up. */
    void (*deliver)(struct nx_mail *m, bool closed);
};

/** Where mail is dropped. Outlives its loop for as long as somebody holds it. */
struct nx_mailbox;

/** With one hold, the loop's own. `wake` makes the loop's thread call nx_mailbox_empty; it may come
 * from any thread, until nx_mailbox_close. NULL when there is no memory. */
struct nx_mailbox *nx_mailbox_new(void (*wake)(void *ctx), void *ctx);

/** From any thread that has a hold. */
void nx_mailbox_hold(struct nx_mailbox *box);
void nx_mailbox_release(struct nx_mailbox *box);

/** From any thread with a hold. False: the loop was closed, `m` stays the caller's. */
NOEX_MUST_USE bool nx_mailbox_post(struct nx_mailbox *box, struct nx_mail *m);

/** In the loop's thread: delivers what is there. What is posted meanwhile waits for the next time.
 */
void nx_mailbox_empty(struct nx_mailbox *box);
/** The same as the last time: with `closed`, and nothing is taken any more. A delivery may call it:
 * then what waits behind that one is given up too, in its order. */
void nx_mailbox_close(struct nx_mailbox *box);

#endif
