/* The atoms that a peer need not send again: 2048 slots a connection, filled and named by the
 * headers of its frames. Protocol.md section 4 "Atom cache". SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_ATOM_CACHE_H
#define NX_WIRE_ATOM_CACHE_H

#include "base/span.h"
#include <noex/alloc.h>
#include <noex/error.h>

enum { NX_ATOM_CACHE_SLOTS = 2048, NX_ATOM_REFS_MAX = 255 };

/** What the references 0 to count - 1 in the terms behind one header stand for: each a whole term
 * (118 or 119). Without a pointer (its length is right): there was no memory to keep it. */
struct nx_atom_refs {
    size_t count;
    const struct nx_span *atom;
    uint64_t version; /* of one cache: where it is the same, so are they; 0: of a copy */
};

struct nx_atom_cache;

/** An empty cache, with room for what most peers ever put in; NULL when there is no memory. `a` is
 * borrowed for the object's life. */
struct nx_atom_cache *nx_atom_cache_new(const struct noex_allocator *a);
void nx_atom_cache_free(struct nx_atom_cache *c);

/**
 * Reads the section of a header that follows the number of its references (1 to 255), and moves
 * `in` behind it. `refs` is borrowed until the next call. An atom that cannot be kept for want of
 * memory is no error here. Errors: NOEX_EPROTOCOL: cut short, an empty slot, an atom longer than
 * any.
 */
NOEX_MUST_USE int nx_atom_cache_read(struct nx_atom_cache *c, size_t count, struct nx_rd *in,
                                     struct nx_atom_refs *refs, struct noex_error *err);

/** A copy of `refs` that later headers do not change, of `*size` bytes, to be given back with
 * nx_free; NULL where it would take more than `max` bytes or there is no memory. */
struct nx_atom_refs *nx_atom_refs_copy(const struct noex_allocator *a,
                                       const struct nx_atom_refs *refs, size_t max, size_t *size);

#endif
