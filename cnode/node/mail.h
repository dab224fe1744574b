/* What comes for processes of this node: into their boxes, and into the queue of events.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_MAIL_H
#define NX_NODE_MAIL_H

#include "node/node.h"
#include "process/links.h"

/** A message for a process. */
struct nx_message {
    uint32_t peer;             /* whose node it comes from, or NX_PEER_HERE */
    const struct nx_pid *from; /* NULL: it does not say */
    bool priority;
    struct nx_span term; /* whole */
};

/** Errors: NOEX_ENOMEM, NOEX_ELIMIT (mail_max). */
NOEX_MUST_USE int nx_mail_message(noex_node *node, struct nx_proc *proc,
                                  const struct nx_message *m);

/** Puts a letter into the box of its process and into the queue of events, unless the process is
 * suspended. */
void nx_mail_post(noex_node *node, struct nx_proc *proc, struct nx_letter *l);
/** Puts a letter into the queue of events only. */
void nx_mail_queue(noex_node *node, struct nx_letter *l);

/** A suspended process goes on: what waited for it is told. */
void nx_mail_resume(noex_node *node, struct nx_proc *proc);

#endif
