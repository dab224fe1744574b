/* SPDX-License-Identifier: Apache-2.0 */
#include "io/mailbox.h"

#include "base/alloc.h"

#include <pthread.h>

struct nx_mailbox {
    pthread_mutex_t lock;
    void (*wake)(void *ctx);
    void *ctx;
    bool closed;
    struct nx_mail *first;
    struct nx_mail **last;
    struct nx_mail *taken; /* being delivered; the loop's thread alone looks at it */
    unsigned holds;
};

struct nx_mailbox *nx_mailbox_new(void (*wake)(void *ctx), void *ctx)
{
    struct nx_mailbox *box = nx_alloc(&nx_alloc_libc, sizeof *box);
    if (!box)
        return NULL;
    *box = (struct nx_mailbox){.wake = wake, .ctx = ctx, .last = &box->first, .holds = 1};
    if (pthread_mutex_init(&box->lock, NULL)) {
        nx_free(&nx_alloc_libc, box);
        return NULL;
    }
    return box;
}

void nx_mailbox_hold(struct nx_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->holds++;
    pthread_mutex_unlock(&box->lock);
}

void nx_mailbox_release(struct nx_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool last = --box->holds == 0;
    pthread_mutex_unlock(&box->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&box->lock);
    nx_free(&nx_alloc_libc, box);
}

bool nx_mailbox_post(struct nx_mailbox *box, struct nx_mail *m)
{
    m->next = NULL;
    pthread_mutex_lock(&box->lock);
    bool open = !box->closed;
    if (open) {
        *box->last = m;
        box->last = &m->next;
        /* Under the lock, so that the loop cannot be closed in between. */
        box->wake(box->ctx);
    }
    pthread_mutex_unlock(&box->lock);
    return open;
}

/* Behind what is being delivered already, where a delivery closes the box. */
static void take(struct nx_mailbox *box, bool closed)
{
    struct nx_mail **end = &box->taken;
    while (*end)
        end = &(*end)->next;
    pthread_mutex_lock(&box->lock);
    *end = box->first;
    box->first = NULL;
    box->last = &box->first;
    box->closed = closed;
    pthread_mutex_unlock(&box->lock);
}

/* Without the lock: who gets mail may post. */
static void deliver(struct nx_mailbox *box, bool closed)
{
    struct nx_mail *m;
    while ((m = box->taken)) {
        box->taken = m->next;
        m->deliver(m, closed);
    }
}

void nx_mailbox_empty(struct nx_mailbox *box)
{
    take(box, false);
    deliver(box, false);
}

void nx_mailbox_close(struct nx_mailbox *box)
{
    take(box, true);
    deliver(box, true);
}
