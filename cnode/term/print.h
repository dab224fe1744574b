/* Any term as the Erlang shell's ~0tp would print it. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_PRINT_H
#define NX_TERM_PRINT_H

#include "base/buf.h"

/** How to print. */
struct nx_print_opts {
    /** Pids, ports and references of this node are printed as on that node: <0.5.0>. Others show
     * their node's name in place of the first number. Empty: every one shows its node's name. */
    struct nx_span local_node;
};

/**
 * Appends the text of the one term at the head of `term` (no version byte) as valid UTF-8 to `out`.
 * The term need not be complete or checked: where its bytes end, are malformed or nest too deep, or
 * where `out` reaches its ceiling, the text ends in "..." and `*cut` is set. `cut` may be NULL.
 * Errors: NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_term_print(struct nx_buf *out, struct nx_span term,
                                const struct nx_print_opts *opts, bool *cut);

#endif
