/* Pids and references: as they stand on the wire, and written for it. Protocol.md section 5.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_IDENT_H
#define NX_TERM_IDENT_H

#include "base/buf.h"
#include "term/token.h"

/** The numbers of a printed pid are below this, in every release (protocol.md 5: 28 bits). */
enum { NX_PID_NUMBER_LIMIT = 1 << 28 };

/** Numbers of a pid of its own that every release decodes (protocol.md 5); larger ones close the
 * connection of some. */
static inline bool nx_pid_is_safe(uint32_t id, uint32_t serial)
{
    return id <= 32767 && serial <= 8191;
}

/** A pid read from the wire; `node` is borrowed from the bytes it was read from. */
struct nx_pid {
    struct nx_span node;
    uint32_t id;
    uint32_t serial;
    uint32_t creation;
};

/** A reference read from the wire; `node` is borrowed. */
struct nx_ref {
    struct nx_span node;
    uint32_t creation;
    uint32_t count;
    uint32_t word[NX_REF_WORDS_MAX];
};

/** Reads a term that must be exactly one pid (tags 88, 103). False where it is not. */
bool nx_pid_parse(struct nx_span raw, struct nx_pid *out);

/** Reads a term that must be exactly one reference (tags 90, 114, 101). False where it is not. */
bool nx_ref_parse(struct nx_span raw, struct nx_ref *out);

/** Reads a term that must be exactly one atom; `text` is borrowed, UTF-8 or (rarely) Latin-1. */
bool nx_atom_parse(struct nx_span raw, struct nx_span *text);

/** Reads a term that must be exactly one unsigned integer of at most 64 bits. */
bool nx_u64_parse(struct nx_span raw, uint64_t *out);

/**
 * Append NEW_PID_EXT, NEWER_REFERENCE_EXT, an atom (UTF-8, 1..1020 bytes; the short form below 256)
 * and an unsigned integer (the shortest form). Errors: as nx_buf_put; NOEX_EINVALID for an atom too
 * long or a reference without words.
 */
NOEX_MUST_USE int nx_pid_write(struct nx_buf *out, const struct nx_pid *pid);
NOEX_MUST_USE int nx_ref_write(struct nx_buf *out, const struct nx_ref *ref);
NOEX_MUST_USE int nx_atom_write(struct nx_buf *out, struct nx_span text);
NOEX_MUST_USE int nx_u64_write(struct nx_buf *out, uint64_t value);
/** An integer in the shortest form, as a BEAM writes it (libei knows INTEGER_EXT only to 28 bits).
 */
NOEX_MUST_USE int nx_i64_write(struct nx_buf *out, int64_t value);

#endif
