/* What an exit reason means: the seven types of the monitoring API. Protocol.md section 15.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_REASON_H
#define NX_TERM_REASON_H

#include "base/buf.h"
#include <noex/reason.h>

/**
 * The type of an exit reason, from its first bytes; first rule of protocol.md 15 that matches wins.
 * `term` is the reason without a version byte. It need not be complete or checked: what cannot be
 * read any more counts as not there, so a cut or malformed reason is at worst
 * NOEX_REASON_EXCEPTION.
 */
enum noex_reason_type nx_reason_type(struct nx_span term);

/**
 * Appends the message of a reason in words to `out`, as valid UTF-8 on one line (control characters
 * as \n or \x{..} escapes) and bounded by out's ceiling (cut with "..."): for an Elixir exception
 * its name and its own message ("ArgumentError: bad argument"; without a binary message, the name
 * and the printed struct); for an Erlang error its class and the printed reason without the stack
 * ("error: {badmatch,1}", "throw: oops"); for a failed call what failed inside it; for the bare
 * types nothing. `local_node` as in nx_print_opts. Errors: NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_reason_message(struct nx_buf *out, struct nx_span term,
                                    struct nx_span local_node);

#endif
