/* What comes in on a connection that is up: frames made into messages of plain terms. Atom cache
 * and fragments end here. Protocol.md sections 4 and 6. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_CONN_INCOMING_H
#define NX_CONN_INCOMING_H

#include "wire/ctrl.h"
#include "wire/frame.h"

/** A signal that came in. Everything is borrowed for the call. */
struct nx_signal {
    const struct nx_ctrl *ctrl;
    /** The payload term, without a version byte; empty where there is none. Complete and checked
     * unless cut. */
    struct nx_span payload;
    /** What payload.len would be had it not been cut: a reason over reason_max, a term nested too
     * deep. Of what was thrown away as it came, atoms of the cache count as their references. */
    uint64_t payload_full;
    /** It came whole, and was cut where it nests too deep. */
    bool too_deep;
    /** How many atoms of the cache its frame referred to. */
    size_t cached;
};

struct nx_incoming_handlers {
    void *ctx;
    /** As nx_conn_handlers.wanted. */
    size_t (*wanted)(void *ctx, const struct nx_ctrl *ctrl);
    /** A result other than 0 is handed on. */
    int (*signal)(void *ctx, const struct nx_signal *signal, struct noex_error *err);
    /** A message that is well formed, of an opcode that we do not know. */
    void (*unknown)(void *ctx, const char *what);
};

struct nx_incoming_config {
    const struct noex_allocator *alloc; /* borrowed for the object's life */
    struct nx_incoming_handlers handlers;
    enum nx_frame_mode mode;
    bool cache; /* an atom cache was negotiated */
    size_t message_max;
    size_t fragments_max;
};

struct nx_incoming;

/** With room for whatever must be readable without memory; NULL when there is none. */
struct nx_incoming *nx_incoming_new(const struct nx_incoming_config *config);
void nx_incoming_free(struct nx_incoming *in);

/** One frame, not a tick. Errors: NOEX_EPROTOCOL, NOEX_ETERM, NOEX_ETOOBIG, NOEX_ENOMEM; those of
 * the handler. */
NOEX_MUST_USE int nx_incoming_frame(struct nx_incoming *in, struct nx_span body,
                                    struct noex_error *err);

#endif
