/* SPDX-License-Identifier: Apache-2.0 */
#include "process/letters.h"

void nx_letters_init(struct nx_letters *t, const struct noex_allocator *a, size_t max)
{
    *t = (struct nx_letters){.alloc = a, .max = max};
    nx_slab_init(&t->slab, a, sizeof(struct nx_letter));
}

void nx_letters_free(struct nx_letters *t)
{
    for (uint32_t number = 0; (number = nx_slab_next(&t->slab, number));)
        nx_blob_release(t->alloc, nx_letter_at(t, number)->text.blob);
    nx_slab_free(&t->slab);
    nx_letters_init(t, t->alloc, t->max);
}

struct nx_letter *nx_letter_at(struct nx_letters *t, uint32_t number)
{
    return nx_slab_at(&t->slab, number);
}

/* What one costs besides its bytes counts too, or a peer could send any number of empty ones. */
static size_t cost(size_t len)
{
    return len + sizeof(struct nx_letter);
}

bool nx_letters_fit(const struct nx_letters *t, size_t len)
{
    size_t left = t->max > t->bytes ? t->max - t->bytes : 0;
    return left >= cost(0) && len <= left - cost(0);
}

struct nx_letter *nx_letter_new(struct nx_letters *t)
{
    uint32_t number = nx_slab_take(&t->slab);
    if (!number)
        return NULL;
    struct nx_letter *l = nx_letter_at(t, number);
    l->number = number;
    l->text.peer = NX_PEER_HERE;
    return l;
}

static void set_blob(struct nx_letters *t, struct nx_letter *l, struct nx_blob *blob,
                     size_t counted)
{
    l->text.blob = blob;
    l->text.bytes = blob->bytes;
    l->text.len = l->text.full_len = blob->len;
    l->text.counted = counted;
    t->bytes += counted;
}

int nx_letter_fill(struct nx_letters *t, struct nx_letter *l, struct nx_span bytes)
{
    struct nx_blob *blob = nx_blob_new(t->alloc, bytes);
    if (!blob)
        return NOEX_ENOMEM;
    set_blob(t, l, blob, cost(bytes.len));
    return 0;
}

void nx_letter_share(struct nx_letters *t, struct nx_letter *l, struct nx_blob *blob)
{
    set_blob(t, l, nx_blob_hold(blob), cost(0));
}

int nx_letter_write(struct nx_letters *t, struct nx_span bytes, struct nx_letter **out)
{
    if (!nx_letters_fit(t, bytes.len))
        return NOEX_ELIMIT;
    struct nx_letter *l = nx_letter_new(t);
    if (!l)
        return NOEX_ENOMEM;
    int rc = nx_letter_fill(t, l, bytes);
    if (rc)
        nx_letter_drop(t, l);
    else
        *out = l;
    return rc;
}

void nx_letter_take_back(struct nx_letters *t, struct nx_letter *l)
{
    t->bytes -= l->text.counted;
    nx_blob_release(t->alloc, l->text.blob);
    l->text = (struct nx_letter_text){0};
}

void nx_letter_drop(struct nx_letters *t, struct nx_letter *l)
{
    nx_letter_take_back(t, l);
    nx_slab_give(&t->slab, l->number);
}

/* ---- boxes ---- */

/* Behind `before` (0: at the front). */
static void insert(struct nx_letters *t, struct nx_box *box, uint32_t before, struct nx_letter *l)
{
    l->prev = before;
    l->next = before ? nx_letter_at(t, before)->next : box->first;
    *(l->prev ? &nx_letter_at(t, l->prev)->next : &box->first) = l->number;
    *(l->next ? &nx_letter_at(t, l->next)->prev : &box->last) = l->number;
    l->boxed = true;
}

static void take_out(struct nx_letters *t, struct nx_box *box, struct nx_letter *l)
{
    *(l->prev ? &nx_letter_at(t, l->prev)->next : &box->first) = l->next;
    *(l->next ? &nx_letter_at(t, l->next)->prev : &box->last) = l->prev;
    l->prev = l->next = 0;
    l->boxed = false;
}

void nx_box_put(struct nx_letters *t, struct nx_box *box, struct nx_letter *l)
{
    insert(t, box, l->text.priority ? box->last_priority : box->last, l);
    if (l->text.priority)
        box->last_priority = l->number;
}

/* The first letter's text moves to where it is told now; the one that stood there waits in the
 * first one's record, at the same place in the box. */
static void exchange(struct nx_letters *t, struct nx_box *box, struct nx_letter *first,
                     struct nx_letter *l)
{
    struct nx_letter_text text = first->text;
    uint32_t before = l->prev;
    first->text = l->text;
    l->text = text;
    take_out(t, box, l);
    take_out(t, box, first);
    insert(t, box, before == first->number ? 0 : before, first);
    if (box->last_priority == l->number)
        box->last_priority = first->number;
    else if (box->last_priority == first->number)
        box->last_priority = 0;
}

void nx_box_take(struct nx_letters *t, struct nx_box *box, struct nx_letter *l)
{
    struct nx_letter *first = nx_letter_at(t, box->first);
    if (first != l) {
        exchange(t, box, first, l);
        return;
    }
    take_out(t, box, l);
    if (box->last_priority == l->number)
        box->last_priority = 0;
}

void nx_box_empty(struct nx_letters *t, struct nx_box *box)
{
    while (box->first) {
        struct nx_letter *l = nx_letter_at(t, box->first);
        take_out(t, box, l);
        nx_letter_take_back(t, l);
        if (!l->queued)
            nx_slab_give(&t->slab, l->number);
    }
    box->last_priority = 0;
}
