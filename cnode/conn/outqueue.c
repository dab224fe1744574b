/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/outqueue.h"

#include "base/alloc.h"

enum {
    FIRST_CAP = 8,
    /* What goes at once: one fragment, or whole frames that are no longer together. */
    PIECE = 64 * 1024
};

struct nx_stream {
    uint32_t sender;
    uint64_t after; /* it begins when so many bytes of what was ready are gone: its own are there */
    struct nx_buf frames;
};

void nx_outqueue_init(struct nx_outqueue *o, const struct noex_allocator *a, size_t max)
{
    *o = (struct nx_outqueue){.alloc = a, .max = max};
    nx_buf_init(&o->ready, a, max);
}

static void free_stream(struct nx_outqueue *o, struct nx_stream *s)
{
    nx_buf_free(&s->frames);
    nx_free(o->alloc, s);
}

void nx_outqueue_free(struct nx_outqueue *o)
{
    nx_buf_free(&o->ready);
    for (size_t i = 0; i < o->count; i++)
        free_stream(o, o->streams[i]);
    nx_free(o->alloc, o->streams);
    nx_outqueue_init(o, o->alloc, o->max);
}

/* Where the sender's stream stands, or where it belongs. */
static size_t lower_bound(const struct nx_outqueue *o, uint32_t sender)
{
    size_t low = 0, high = o->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (o->streams[mid]->sender < sender)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool stands_at(const struct nx_outqueue *o, size_t at, uint32_t sender)
{
    return at < o->count && o->streams[at]->sender == sender;
}

static bool make_room(struct nx_outqueue *o)
{
    if (o->count < o->cap)
        return true;
    const size_t cap = o->cap ? o->cap * 2 : FIRST_CAP;
    struct nx_stream **streams = nx_realloc(o->alloc, o->streams, cap, sizeof *streams);
    if (!streams)
        return false;
    o->streams = streams;
    o->cap = cap;
    return true;
}

/* The one whose turn it is keeps it. */
static struct nx_stream *add_stream(struct nx_outqueue *o, size_t at, uint32_t sender)
{
    struct nx_stream *s = make_room(o) ? nx_alloc(o->alloc, sizeof *s) : NULL;
    if (!s)
        return NULL;
    *s = (struct nx_stream){.sender = sender, .after = o->ready_sent + nx_buf_len(&o->ready)};
    nx_buf_init(&s->frames, o->alloc, o->max);
    if (!o->count)
        o->ready_turn = nx_buf_len(&o->ready);
    memmove(o->streams + at + 1, o->streams + at, (o->count - at) * sizeof s);
    o->streams[at] = s;
    o->count++;
    o->turn += o->turn > at;
    return s;
}

static void remove_stream(struct nx_outqueue *o, struct nx_stream *s)
{
    const size_t at = lower_bound(o, s->sender);
    o->count--;
    memmove(o->streams + at, o->streams + at + 1, (o->count - at) * sizeof s);
    o->turn -= o->turn > at;
    free_stream(o, s);
}

int nx_outqueue_begin(struct nx_outqueue *o, uint32_t sender, size_t big, struct nx_append *a)
{
    *a = (struct nx_append){.frames = &o->ready, .before = nx_buf_len(&o->ready)};
    if (!big && !o->count)
        return 0;
    if (big > o->max - nx_outqueue_queued(o))
        return NOEX_ELIMIT;
    const size_t at = lower_bound(o, sender);
    if (stands_at(o, at, sender))
        a->stream = o->streams[at];
    else if (!big)
        return 0;
    else if (!(a->stream = add_stream(o, at, sender)))
        return NOEX_ENOMEM;
    a->frames = &a->stream->frames;
    a->before = nx_buf_len(a->frames);
    int rc = nx_buf_reserve(a->frames, big);
    return rc ? nx_outqueue_end(o, a, rc) : 0;
}

/* As many whole frames as make a piece: one at least, and no more than one that is longer. */
static size_t piece_of(const struct nx_stream *s)
{
    const struct nx_span frames = nx_buf_span(&s->frames);
    size_t len = 0;
    while (len < frames.len) {
        const size_t frame = 4 + (size_t)nx_get_u32(frames.ptr + len);
        if (len && len + frame > PIECE)
            break;
        len += frame;
    }
    return len;
}

/* Between two frames: a piece of the next stream, unless it is the turn of what is ready or all
 * streams wait for frames of their senders there. */
static void choose(struct nx_outqueue *o)
{
    if (o->current || o->ready_turn)
        return;
    for (size_t i = 0; i < o->count; i++) {
        const size_t at = (o->turn + i) % o->count;
        if (o->streams[at]->after > o->ready_sent)
            continue;
        o->current = o->streams[at];
        o->piece = piece_of(o->current);
        o->turn = at + 1;
        return;
    }
    o->ready_turn = nx_buf_len(&o->ready);
}

int nx_outqueue_end(struct nx_outqueue *o, const struct nx_append *a, int rc)
{
    const size_t added = nx_buf_len(a->frames) - a->before;
    if (!rc && nx_outqueue_queued(o) + (a->stream ? added : 0) > o->max)
        rc = NOEX_ELIMIT;
    if (rc)
        nx_buf_truncate(a->frames, a->before);
    if (!a->stream)
        return rc;
    if (rc && !a->before)
        remove_stream(o, a->stream);
    if (rc)
        return rc;
    o->held += added;
    choose(o);
    return 0;
}

struct nx_span nx_outqueue_next(const struct nx_outqueue *o)
{
    const struct nx_span ready = nx_buf_span(&o->ready);
    if (o->current)
        return nx_span(nx_buf_span(&o->current->frames).ptr, o->piece);
    return o->count ? nx_span(ready.ptr, o->ready_turn) : ready;
}

/* A piece that is complete makes way for what became ready meanwhile. */
static void sent_of_stream(struct nx_outqueue *o, size_t n)
{
    nx_buf_consume(&o->current->frames, n);
    o->piece -= n;
    o->held -= n;
    if (o->piece)
        return;
    if (!nx_buf_len(&o->current->frames))
        remove_stream(o, o->current);
    o->current = NULL;
    o->ready_turn = nx_buf_len(&o->ready);
}

void nx_outqueue_sent(struct nx_outqueue *o, size_t n)
{
    if (o->current) {
        sent_of_stream(o, n);
    } else {
        nx_buf_consume(&o->ready, n);
        o->ready_sent += n;
        o->ready_turn -= n < o->ready_turn ? n : o->ready_turn;
    }
    choose(o);
}
