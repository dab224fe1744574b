/* Binaries as Erlang text has them: <<1,2:4,"text"/utf8>>. SPDX-License-Identifier: Apache-2.0 */
#ifndef NX_TERM_BITS_H
#define NX_TERM_BITS_H

#include "base/buf.h"
#include "term/scan.h"

/**
 * Takes what stands between "<<", which is taken, and ">>", and appends the binary or bitstring as
 * a term. Errors: NOEX_EINVALID, NOEX_ELIMIT, NOEX_ENOMEM.
 */
NOEX_MUST_USE int nx_bits_scan(struct nx_scan *s, struct nx_buf *out);

#endif
