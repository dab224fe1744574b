/* Building terms with libei: measured first, then written, so nothing is allocated behind our back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_WRITE_H
#define NX_TERM_WRITE_H

#include "term/ident.h"

/**
 * Each appends one term (or the head of a container, whose elements the caller appends next)
 * without a version byte. Errors: as nx_buf_put; NOEX_EINVALID for an atom over 255 characters or
 * not UTF-8. A list is nx_write_list_head, its elements, then nx_write_nil; of 0 elements just
 * nx_write_nil.
 */
NOEX_MUST_USE int nx_write_atom(struct nx_buf *out, const char *text);
NOEX_MUST_USE int nx_write_int(struct nx_buf *out, int64_t value);
NOEX_MUST_USE int nx_write_uint(struct nx_buf *out, uint64_t value);
NOEX_MUST_USE int nx_write_double(struct nx_buf *out, double value);
NOEX_MUST_USE int nx_write_binary(struct nx_buf *out, struct nx_span bytes);
/** A list of the bytes: what Erlang shows as a string. Any length. */
NOEX_MUST_USE int nx_write_string(struct nx_buf *out, struct nx_span bytes);
NOEX_MUST_USE int nx_write_tuple_head(struct nx_buf *out, size_t arity);
NOEX_MUST_USE int nx_write_list_head(struct nx_buf *out, size_t elements);
NOEX_MUST_USE int nx_write_map_head(struct nx_buf *out, size_t pairs);
NOEX_MUST_USE int nx_write_nil(struct nx_buf *out);
/** A term that is already encoded, without a version byte, as it stands. */
NOEX_MUST_USE int nx_write_raw(struct nx_buf *out, struct nx_span term);

#endif
