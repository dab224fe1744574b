/* The builder, for terms that are added from other files. The rest of it is public: noex/term.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_BUILD_H
#define NX_TERM_BUILD_H

#include "base/buf.h"
#include <noex/term.h>

/** The builder's first error, or 0; NOEX_EINVALID for NULL. */
int nx_build_error(const noex_builder *builder);

/**
 * Begins one term, which the caller then writes at the end of `*out`, whole or not at all, and ends
 * with nx_build_done. Errors: the builder's first; NOEX_ESTATE (the term is finished), NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_build_begin(noex_builder *builder, struct nx_buf **out);

/** Makes `rc` the builder's error unless it has one; returns its error. */
int nx_build_done(noex_builder *builder, int rc);

/**
 * The next term, which must be no list, is the tail of the innermost list, which must have an
 * element and is to be ended behind it.
 */
void nx_build_tail(noex_builder *builder);

#endif
