/* What waits to be sent on a connection that is up: frames in one order, and big messages beside
 * them that give way to what others send. Protocol.md section 4 "Fragments".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_OUTQUEUE_H
#define NX_CONN_OUTQUEUE_H

#include "base/buf.h"

struct nx_stream;

/**
 * A sender with a big message has a stream: its fragments, and what it sent behind them. Streams go
 * a piece at a time, in turn with each other and with the frames that are ready. They stand there
 * as they will go, so that nothing is allocated, and nothing can fail, once it was accepted.
 */
struct nx_outqueue {
    const struct noex_allocator *alloc;
    size_t max;                 /* of all bytes */
    struct nx_buf ready;        /* frames of senders without a stream */
    uint64_t ready_sent;        /* bytes of it that ever went */
    size_t ready_turn;          /* that go before the next piece of a stream */
    struct nx_stream **streams; /* sorted by sender */
    size_t count;
    size_t cap;
    size_t turn;               /* which of them is next */
    struct nx_stream *current; /* in the middle of a piece */
    size_t piece;              /* what is left of it */
    size_t held;               /* bytes of all streams */
};

/** An empty one that will never hold more than `max` bytes. Allocates nothing. */
void nx_outqueue_init(struct nx_outqueue *o, const struct noex_allocator *a, size_t max);
void nx_outqueue_free(struct nx_outqueue *o);

/** All bytes that wait. */
static inline size_t nx_outqueue_queued(const struct nx_outqueue *o)
{
    return nx_buf_len(&o->ready) + o->held;
}

/** Where frames are being appended, between begin and end. */
struct nx_append {
    struct nx_buf *frames;
    struct nx_stream *stream; /* NULL: to those that are ready */
    size_t before;            /* its length at the beginning */
};

/**
 * Whole frames of `sender` are appended to a->frames between begin and end. Where it has a stream
 * they go there; for a big message, whose frames are `big` bytes (0: it is none), it gets one, with
 * room for them. end takes the result `rc` of appending, and takes everything back where that
 * failed. Errors: NOEX_ENOMEM; NOEX_ELIMIT when `max` is passed; `rc`.
 */
NOEX_MUST_USE int nx_outqueue_begin(struct nx_outqueue *o, uint32_t sender, size_t big,
                                    struct nx_append *a);
NOEX_MUST_USE int nx_outqueue_end(struct nx_outqueue *o, const struct nx_append *a, int rc);

/** The bytes to send next, borrowed until the next call; empty where nothing waits. */
struct nx_span nx_outqueue_next(const struct nx_outqueue *o);
/** So many of them were sent. */
void nx_outqueue_sent(struct nx_outqueue *o, size_t n);

#endif
