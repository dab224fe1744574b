/* Fragmented messages put together again, under limits. Protocol.md section 4 "Fragments".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_FRAGMENT_H
#define NX_WIRE_FRAGMENT_H

#include "base/buf.h"
#include "wire/atom_cache.h"

struct nx_fragments;

struct nx_fragment_limits {
    size_t sequences_max; /* unfinished messages at once */
    size_t bytes_max;     /* bytes kept of all of them together; what comes then is cut */
};

/** A message that is complete; borrowed until nx_fragments_release, or the next fragment. */
struct nx_message {
    struct nx_span control;
    struct nx_span payload;
    uint64_t payload_full;           /* what payload.len would be had nothing been cut */
    const struct nx_atom_refs *refs; /* of the payload; NULL: it has none */
};

/** NULL when there is no memory. `a` is borrowed for the object's life. */
struct nx_fragments *nx_fragments_new(const struct noex_allocator *a,
                                      const struct nx_fragment_limits *limits);
void nx_fragments_free(struct nx_fragments *f);

/** What a first fragment brings. */
struct nx_beginning {
    struct nx_span control;    /* plain; kept in any case: without it the message means nothing */
    struct nx_span payload;    /* the beginning of it */
    uint64_t payload_full;     /* what payload.len would be had it not been cut already */
    size_t keep_min;           /* of the payload, whatever the limits say */
    size_t keep_max;           /* what is more is counted and thrown away as it comes */
    struct nx_atom_refs *refs; /* of the payload, NULL: none. Taken over unless the call fails */
    size_t refs_size;
};

/**
 * Takes a first fragment. Nothing is allocated in advance for what is only announced; beyond
 * bytes_max, or out of memory, a payload is cut to what is kept of it by then, but never below
 * keep_min. Returns 1 with a complete message when `fragment` is 1, else 0. Errors: NOEX_EPROTOCOL
 * for a sequence that is under way already, NOEX_ETOOBIG for more sequences than sequences_max,
 * NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_fragments_first(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                                     const struct nx_beginning *begin, struct nx_message *out,
                                     struct noex_error *err);

/**
 * Takes a further fragment; the same results. Errors also: NOEX_EPROTOCOL for an unknown sequence
 * or a fragment out of order.
 */
NOEX_MUST_USE int nx_fragments_next(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                                    struct nx_span data, struct nx_message *out,
                                    struct noex_error *err);

/** The message that was complete last is not needed any more. */
void nx_fragments_release(struct nx_fragments *f);

/** How many messages are under way, how many bytes are kept of them and for them, and how many more
 * may be. */
size_t nx_fragments_count(const struct nx_fragments *f);
size_t nx_fragments_bytes(const struct nx_fragments *f);
size_t nx_fragments_room(const struct nx_fragments *f);

#endif
