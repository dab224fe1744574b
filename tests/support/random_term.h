/* Well formed terms of every tag that a node sends, by a seed; and a plain way to put atoms in the
 * place of references to them. SPDX-License-Identifier: Apache-2.0 */
#ifndef RANDOM_TERM_H
#define RANDOM_TERM_H

#include "base/buf.h"
#include "wire/atom_cache.h"

/** The next of a row of numbers below `limit`. */
uint32_t random_below(uint32_t *seed, uint32_t limit);

/** Appends one term of at most about `size` tokens. Its atoms are "a0", "a1".. of `atoms` many,
 * with long ones and such beyond Latin-1 among them. */
void random_term(struct nx_buf *out, uint32_t *seed, unsigned size, unsigned atoms);

/** What nx_expand must make of a well formed term: recursive, one byte after another. Appends it;
 * how many bytes of `in` it took, 0 where it is not well formed or refers to what is not there. */
size_t naive_expand(struct nx_buf *out, struct nx_span in, const struct nx_atom_refs *refs,
                    unsigned depth);

#endif
