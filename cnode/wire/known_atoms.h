/* The atoms of ours that a peer has in its cache, so that they are sent as references. Protocol.md
 * section 4 "Atom cache". SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_WIRE_KNOWN_ATOMS_H
#define NX_WIRE_KNOWN_ATOMS_H

#include "base/buf.h"

struct nx_known_atoms;

/**
 * Nothing is known yet. The names of the two nodes have a place of their own, being in nearly all
 * that is sent; other atoms get one by their hash when they come a second time, and lose it to
 * others. NULL when there is no memory, and none is asked for later. `a` is borrowed for the
 * object's life.
 */
struct nx_known_atoms *nx_known_atoms_new(const struct noex_allocator *a, const char *self_name,
                                          const char *peer_name);
void nx_known_atoms_free(struct nx_known_atoms *k);

/**
 * The terms of one message are put one after another, and then the header that belongs to them is
 * written, which is to stand before them. `out` has room for term.len bytes, and no more are put.
 * A pid, reference or atom gives its atom as a reference if it can, and any other term is put as it
 * is, by nx_known_atoms_put; nx_known_atoms_put_all looks into it.
 */
void nx_known_atoms_put(struct nx_known_atoms *k, struct nx_buf *out, struct nx_span term);
void nx_known_atoms_put_all(struct nx_known_atoms *k, struct nx_buf *out, struct nx_span term);

/** The section of the header: the number of references and what belongs to each. Its size, and it
 * itself, where so much room is. */
size_t nx_known_atoms_refs_size(const struct nx_known_atoms *k);
void nx_known_atoms_put_refs(const struct nx_known_atoms *k, struct nx_buf *out);

/** The message is complete, and is going to be sent or not. */
void nx_known_atoms_end(struct nx_known_atoms *k, bool sent);

#endif
