/* SPDX-License-Identifier: Apache-2.0 */
#include "node/mail.h"

#include "term/gen.h"

void nx_mail_queue(noex_node *node, struct nx_letter *l)
{
    l->queued = true;
    l->text.time_us = nx_wall_us();
    nx_events_push_foreign(node->monitors, NX_EVENT_LETTER | l->number);
}

/* What is for sys does not wait in the box: a process that is suspended answers it too. */
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
        if (!l->queued) {
            l->queued = true;
            nx_events_push_foreign(node->monitors, NX_EVENT_LETTER | l->number);
        }
    }
}
