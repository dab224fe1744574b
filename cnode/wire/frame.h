/* Length-prefixed framing, and the headers of a frame between connected nodes. Protocol.md
 * sections 2.1 and 4. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_FRAME_H
#define NX_WIRE_FRAME_H

#include "base/buf.h"
#include "wire/atom_cache.h"
#include "wire/known_atoms.h"

/**
 * The next frame at the head of `in`, where `header` (2 or 4) bytes of length stand before each.
 * Returns 1 and the body (borrowed from `in`) and `*used` bytes to drop; 0 when more bytes are
 * needed, with
 * `*used` the whole frame's size where it is known already, else 0; NOEX_ETOOBIG when the length
 * passes `max`. A body of length 0 is a tick.
 */
int nx_frame_next(struct nx_span in, unsigned header, size_t max, struct nx_span *body,
                  size_t *used, struct noex_error *err);

/** What stands before the terms of a frame: 112 and versions; a distribution header (FRAGMENTS or
 * the atom cache was negotiated); the same, and there may be fragments (FRAGMENTS was). */
enum nx_frame_mode { NX_FRAME_PASS_THROUGH, NX_FRAME_DIST_HEADER, NX_FRAME_FRAGMENTS };

enum nx_frame_kind {
    NX_FRAME_TICK,
    NX_FRAME_MESSAGE, /* data: control term and payload term, without version bytes between */
    NX_FRAME_FIRST,   /* first fragment: sequence, fragment id, data begins with the control term */
    NX_FRAME_CONTINUED /* further fragment: data is raw payload */
};

struct nx_frame {
    enum nx_frame_kind kind;
    uint64_t sequence;
    uint64_t fragment; /* counts down to 1, the last */
    struct nx_span data;
    struct nx_atom_refs refs; /* of the terms in data; of none: they are plain */
};

/**
 * Reads the header of a frame's body. In NX_FRAME_MESSAGE in pass-through mode the control term is
 * followed by 131 and the payload; in the other modes the payload follows at once: nx_frame_payload
 * knows. `cache` is what the peer's headers fill (NULL: no atom cache was negotiated), out->refs
 * borrowed from it until its next use. Errors: NOEX_EPROTOCOL for a header that was not negotiated,
 * a truncated header, a fragment id of 0; as nx_atom_cache_read.
 */
NOEX_MUST_USE int nx_frame_parse(struct nx_span body, enum nx_frame_mode mode,
                                 struct nx_atom_cache *cache, struct nx_frame *out,
                                 struct noex_error *err);

/**
 * The payload behind a control term that took `used` bytes of `data`: empty where there is none.
 * Errors: NOEX_EPROTOCOL when pass-through mode finds another byte than 131 there.
 */
NOEX_MUST_USE int nx_frame_payload(struct nx_span data, size_t used, enum nx_frame_mode mode,
                                   struct nx_span *payload, struct noex_error *err);

/**
 * Append one whole frame: u32 length, header for the mode, control term, payload (empty: none).
 * Nothing is left behind on failure. nx_frame_begin/_end bracket a control term that is written in
 * place: begin returns the mark to hand to end; end fills in the length. Errors: as nx_buf_put.
 */
NOEX_MUST_USE int nx_frame_write(struct nx_buf *out, enum nx_frame_mode mode,
                                 struct nx_span control, struct nx_span payload);
/** The same for terms in which `known` put references: their header before them. */
NOEX_MUST_USE int nx_frame_write_short(struct nx_buf *out, const struct nx_known_atoms *known,
                                       struct nx_span terms);

enum { NX_FRAGMENT = 64 * 1024 };
/** How many fragments a message makes with NX_FRAGMENT bytes of its terms in each but the last; the
 * first one holds the whole control term and something of the payload in any case. */
size_t nx_frame_fragment_count(size_t control_len, size_t payload_len);
/** And how many bytes they are as frames. */
size_t nx_frame_fragment_bytes(size_t control_len, size_t payload_len);
/** Appends them, one frame after another, with plain terms. Errors: as nx_buf_put, and nothing is
 * left behind. */
NOEX_MUST_USE int nx_frame_write_fragments(struct nx_buf *out, uint64_t sequence,
                                           struct nx_span control, struct nx_span payload);

NOEX_MUST_USE int nx_frame_begin(struct nx_buf *out, enum nx_frame_mode mode, size_t *mark);
NOEX_MUST_USE int nx_frame_end(struct nx_buf *out, size_t mark);

#endif
