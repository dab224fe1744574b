/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mail.h"

void nx_mail_queue(noex_node *node, struct nx_letter *l)
{
    l->queued = true;
    l->text.time_us = nx_wall_us();
    nx_events_push_foreign(node->monitors, NX_EVENT_LETTER | l->number);
}

void nx_mail_post(noex_node *node, struct nx_proc *proc, struct nx_letter *l)
{
    l->proc = proc->number;
    l->serial = proc->slot.generation;
    nx_box_put(&node->letters, &proc->box, l);
    nx_mail_queue(node, l);
}

int nx_mail_message(noex_node *node, struct nx_proc *proc, const struct nx_message *m)
{
    struct nx_letter *l;
    int rc = nx_letter_write(&node->letters, m->term, &l);
    if (rc)
        return rc;
    l->text.type = NOEX_EVENT_MESSAGE;
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
        if (!l->queued) {
            l->queued = true;
            nx_events_push_foreign(node->monitors, NX_EVENT_LETTER | l->number);
        }
    }
}
