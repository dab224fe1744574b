/* Fragmented messages put together again, under limits. Protocol.md section 4 "Fragments".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_FRAGMENT_H
#define NX_WIRE_FRAGMENT_H

#include "base/buf.h"

struct nx_fragments;

struct nx_fragment_limits {
    size_t sequences_max; /* unfinished messages at once */
    size_t bytes_max;     /* bytes kept of all of them together; what comes then is cut */
};

/** A message that is complete; spans are borrowed until the next call on the same object. */
struct nx_message {
    struct nx_span data; /* control term and payload, as in NX_FRAME_MESSAGE of the header mode */
    uint64_t full_len;   /* what data.len would be had nothing been cut */
};

/** NULL when there is no memory. `a` is borrowed for the object's life. */
struct nx_fragments *nx_fragments_new(const struct noex_allocator *a,
                                      const struct nx_fragment_limits *limits);
void nx_fragments_free(struct nx_fragments *f);

/** How much of a message is kept; the rest is counted and thrown away as it comes. */
struct nx_keep {
    size_t min; /* the control term: without it the message means nothing */
    size_t max; /* of a reason that is longer than anybody wants to read, the beginning */
};

/**
 * Takes a first fragment. Nothing is allocated in advance for what is only announced; beyond
 * bytes_max, or out of memory, a message is cut to what is kept of it by then, but never below
 * keep->min. Returns 1 with a complete message when `fragment` is 1, else 0. Errors: NOEX_EPROTOCOL
 * for a sequence that is under way already, NOEX_ETOOBIG for more sequences than sequences_max,
 * NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_fragments_first(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                                     struct nx_span data, const struct nx_keep *keep,
                                     struct nx_message *out, struct noex_error *err);

/**
 * Takes a further fragment; the same results. Errors also: NOEX_EPROTOCOL for an unknown sequence
 * or a fragment out of order.
 */
NOEX_MUST_USE int nx_fragments_next(struct nx_fragments *f, uint64_t sequence, uint64_t fragment,
                                    struct nx_span data, struct nx_message *out,
                                    struct noex_error *err);

/** How many messages are under way, and how many bytes are kept of them. */
size_t nx_fragments_count(const struct nx_fragments *f);
size_t nx_fragments_bytes(const struct nx_fragments *f);

#endif
