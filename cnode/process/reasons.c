/* SPDX-License-Identifier: Apache-2.0 */
#include "process/reasons.h"

#include "base/alloc.h"

enum { CHUNK = 64 * 1024, ALIGN = 8 };

/* In the place of its length: nobody wants it any more. */
static const uint64_t DROPPED = UINT64_MAX;

struct nx_reason_chunk {
    struct nx_reason_chunk *next;
    size_t cap;
    size_t start;
    size_t end;
    _Alignas(ALIGN) uint8_t bytes[];
};

void nx_reasons_init(struct nx_reasons *q, const struct noex_allocator *a, size_t budget)
{
    *q = (struct nx_reasons){.alloc = a, .budget = budget};
}

void nx_reasons_free(struct nx_reasons *q)
{
    while (q->first) {
        struct nx_reason_chunk *next = q->first->next;
        nx_free(q->alloc, q->first);
        q->first = next;
    }
    nx_reasons_init(q, q->alloc, q->budget);
}

static size_t space_for(size_t len)
{
    return (sizeof(struct nx_reason) + len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* The last chunk, with room for `need` bytes; NULL when there is no memory. */
static struct nx_reason_chunk *chunk_with_room(struct nx_reasons *q, size_t need)
{
    struct nx_reason_chunk *last = q->last;
    if (last && last->start == last->end)
        last->start = last->end = 0;
    if (last && last->cap - last->end >= need)
        return last;
    size_t cap = need > CHUNK ? need : CHUNK;
    struct nx_reason_chunk *fresh = nx_alloc(q->alloc, sizeof *fresh + cap);
    if (!fresh)
        return NULL;
    *fresh = (struct nx_reason_chunk){.cap = cap};
    if (last)
        last->next = fresh;
    else
        q->first = fresh;
    q->last = fresh;
    return fresh;
}

struct nx_reason *nx_reasons_push(struct nx_reasons *q, struct nx_span term, uint64_t full_len)
{
    size_t need = space_for(term.len);
    if (need > q->budget - q->used)
        return NULL;
    struct nx_reason_chunk *chunk = chunk_with_room(q, need);
    if (!chunk)
        return NULL;
    struct nx_reason *r = (struct nx_reason *)(void *)(chunk->bytes + chunk->end);
    r->full_len = full_len;
    r->len = term.len;
    if (term.len)
        memcpy(r->bytes, term.ptr, term.len);
    chunk->end += need;
    q->used += need;
    return r;
}

/* Chunks that a push passed over for want of room are empty by the time their successor is the
 * oldest. */
static struct nx_reason *oldest(struct nx_reasons *q)
{
    while (q->first != q->last && q->first->start == q->first->end) {
        struct nx_reason_chunk *next = q->first->next;
        nx_free(q->alloc, q->first);
        q->first = next;
    }
    struct nx_reason_chunk *c = q->first;
    return c && c->start != c->end ? (struct nx_reason *)(void *)(c->bytes + c->start) : NULL;
}

static void pop(struct nx_reasons *q, const struct nx_reason *r)
{
    size_t need = space_for(r->len);
    q->first->start += need;
    q->used -= need;
    if (q->first->start != q->first->end)
        return;
    if (q->first == q->last && q->first->cap == CHUNK)
        return; /* kept for the next storm */
    struct nx_reason_chunk *next = q->first->next;
    nx_free(q->alloc, q->first);
    q->first = next;
    if (!next)
        q->last = NULL;
}

void nx_reasons_drop(struct nx_reasons *q, struct nx_reason *r)
{
    r->full_len = DROPPED;
    while ((r = oldest(q)) && r->full_len == DROPPED)
        pop(q, r);
}
