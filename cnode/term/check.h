/* The bounded, iterative check that every term from the network passes before libei sees it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_CHECK_H
#define NX_TERM_CHECK_H

#include "base/span.h"
#include <noex/error.h>

enum { NX_TERM_DEPTH_MAX = 1024 };

/**
 * Checks that `in` begins with one complete, well formed term without a version byte, at most
 * NX_TERM_DEPTH_MAX containers deep and with no count that its bytes cannot hold, and sets `*used`
 * to its length. Needs no allocation and no recursion; time is linear in the bytes. Errors:
 * NOEX_ETERM, with the offset and what is wrong there in `err` (may be NULL); NOEX_ELIMIT for a
 * term that nests too deep, and then `*used` bytes are well formed as far as they go.
 */
NOEX_MUST_USE int nx_term_check(struct nx_span in, size_t *used, struct noex_error *err);

/** As nx_term_check, for a term that may be at most `depth_max` containers deep. */
NOEX_MUST_USE int nx_term_check_within(struct nx_span in, size_t depth_max, size_t *used,
                                       struct noex_error *err);

/**
 * How many of the bytes of a term that was cut, or is wrong in any way, can be read before it nests
 * more than NX_TERM_DEPTH_MAX containers deep; all, where it does not.
 */
size_t nx_term_shallow_len(struct nx_span in);

/** As nx_term_check, for callers that only want to step over a term. */
NOEX_MUST_USE int nx_term_skip(struct nx_rd *in, struct noex_error *err);

#endif
