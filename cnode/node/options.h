/* The options of a node: defaults, ranges, callers that know fewer of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_NODE_OPTIONS_H
#define NX_NODE_OPTIONS_H

#include <noex/node.h>

/** The defaults, in the first `size` bytes: what the caller's header knows. */
void nx_options_init(struct noex_options *options, size_t size);

/**
 * Reads a caller's options, which may be of an older or of a newer header than this library's: what
 * it does not know has its default, and what this library does not know must be zero. Pointers are
 * borrowed still. Errors: NOEX_EINVALID, the option named in `err`.
 */
NOEX_MUST_USE int nx_options_take(struct noex_options *out, const struct noex_options *in,
                                  struct noex_error *err);

/** True where a struct of `size` bytes holds, behind those that this library knows, what was set by
 * the caller and is nothing that it could heed. */
bool nx_options_exceed(const void *options, size_t size, size_t known);

#endif
