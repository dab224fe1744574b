/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mail.h"

#include "term/gen.h"

/* Where events are pulled, what is for a callback stands in a queue of its own: it must not wait
 * for a program that does not pull. */
static bool stands_apart(const noex_node *node, const struct nx_letter *l)
{
    const struct nx_proc *proc = nx_proc_find(node->procs, l->proc, l->serial);
    if (node->options.on_event)
        return false;
    return l->text.type == NX_LETTER_SYSTEM || (proc ? proc->on_event : l->text.on_event);
}

static void enqueue(noex_node *node, struct nx_letter *l)
{
    l->queued = true;
    l->apart = stands_apart(node, l);
    if (!l->apart) {
        nx_events_push_foreign(node->monitors, NX_EVENT_LETTER | l->number);
        return;
    }
    l->link = 0;
    *(node->apart_first ? &nx_letter_at(&node->letters, node->apart_last)->link
                        : &node->apart_first) = l->number;
    node->apart_last = l->number;
}

void nx_mail_queue(noex_node *node, struct nx_letter *l)
{
    l->text.time_us = nx_wall_us();
    enqueue(node, l);
}

void nx_mail_post(noex_node *node, struct nx_proc *proc, struct nx_letter *l)
{
    l->proc = proc->number;
    l->serial = proc->slot.generation;
    if (l->text.type != NX_LETTER_SYSTEM)
        nx_box_put(&node->letters, &proc->box, l);
    nx_mail_queue(node, l);
}

int nx_mail_message(noex_node *node, struct nx_proc *proc, const struct nx_message *m)
{
    struct nx_letter *l;
    struct nx_gen gen;
    int rc = nx_letter_write(&node->letters, m->term, &l);
    if (rc)
        return rc;
    nx_gen_parse(m->term, &gen);
    l->text.type = gen.kind == NX_GEN_SYSTEM ? NX_LETTER_SYSTEM : NOEX_EVENT_MESSAGE;
    l->text.peer = m->peer;
    l->text.priority = m->priority;
    l->text.has_from = m->from != NULL;
    if (m->from)
        l->text.from = (struct noex_pid){m->from->id, m->from->serial, m->from->creation};
    nx_mail_post(node, proc, l);
    return 0;
}

void nx_mail_resume(noex_node *node, struct nx_proc *proc)
{
    proc->suspended = false;
    for (uint32_t number = proc->box.first; number;) {
        struct nx_letter *l = nx_letter_at(&node->letters, number);
        number = l->next;
        if (!l->queued)
            enqueue(node, l);
    }
}
